"""Pictures from elsewhere: the only code that fetches a URL, and it does so for listed hosts only.

The name is resolved once, every address it has must be public, and the connection goes to the address that
was looked at, so that a second answer of the name server changes nothing. Redirects pass the same checks.
All that goes wrong is told in one sentence: a refusal says nothing about what there is behind it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urljoin

import httpcore

from .errors import ApiError

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""(name, port) -> addresses."""
Connect = Callable[[str, int, float | None], Awaitable[httpcore.AsyncNetworkStream]]
"""(address, port, seconds) -> a connection."""

_URL = re.compile(r"(https?)://([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::([1-9][0-9]{0,4}))?(/[!$-\[\]-~]*)?")
"""Printable ASCII without spaces and backslashes; no user, no fragment, no address in brackets."""
_PORTS = {"http": 80, "https": 443}
_REDIRECTS = (301, 302, 303, 307, 308)


async def resolve(name: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


async def connect(address: str, port: int, seconds: float | None) -> httpcore.AsyncNetworkStream:
    return await httpcore.AnyIOBackend().connect_tcp(address, port, timeout=seconds)


class _Refused(Exception):
    """Inside this module only."""


@dataclass(frozen=True)
class Fetcher:
    """hosts: `name` (at the scheme's own port) or `name:port`; empty, nothing is fetched."""

    hosts: frozenset[str] = frozenset()
    max_bytes: int = 20_000_000
    max_redirects: int = 3
    seconds: float = 10
    resolve: Resolve = resolve
    connect: Connect = connect

    async def __call__(self, url: str, param: str) -> bytes:
        """The bytes behind a URL.

        Raises:
            ApiError: 400; `remote_not_allowed` where nothing is fetched, else `url_not_fetched`, whatever the reason.
        """
        if not self.hosts:
            raise ApiError(400, "remote_not_allowed", f"{param}: URLs are not fetched; send a data: URL.", param=param)
        try:
            async with asyncio.timeout(self.seconds):
                for _ in range(self.max_redirects + 1):
                    status, found = await self._get(url)
                    if status == 200:
                        return found
                    target = urljoin(url, found.decode("latin-1"))
                    if url.startswith("https:") and not target.startswith("https:"):
                        break
                    url = target
        except (_Refused, OSError, TimeoutError, ValueError, httpcore.ProtocolError, httpcore.NetworkError,
                httpcore.TimeoutException):  # fmt: skip
            pass
        raise ApiError(400, "url_not_fetched", f"{param}: the URL could not be fetched.", param=param)

    async def _get(self, url: str) -> tuple[int, bytes]:
        """(200, content), or a redirect's status and target."""
        scheme, host, port = self._target(url)
        addresses = await self.resolve(host, port)
        if not addresses or not all(public(address) for address in addresses):
            _refuse()
        backend = _Pinned(addresses[0], self.connect)
        headers: dict[str | bytes, str | bytes]
        headers = {"Host": _netloc(scheme, host, port), "Accept": "image/*", "Accept-Encoding": "identity"}
        async with (
            httpcore.AsyncConnectionPool(network_backend=backend, max_connections=1) as pool,
            pool.stream("GET", url, headers=headers) as response,
        ):
            answered = {name.lower(): value for name, value in response.headers}
            if response.status in _REDIRECTS:
                return response.status, answered.get(b"location", b"")
            if response.status != 200 or answered.get(b"content-encoding", b"identity").lower() != b"identity":
                _refuse()
            content = bytearray()
            async for piece in response.aiter_stream():
                content += piece
                if len(content) > self.max_bytes:
                    _refuse()
            return 200, bytes(content) or _refuse()

    def _target(self, url: str) -> tuple[str, str, int]:
        match = _URL.fullmatch(url) if len(url) <= 2048 else None
        if match is None:
            _refuse()
        scheme, host = match[1], match[2]
        port = int(match[3] or _PORTS[scheme])
        if _netloc(scheme, host, port) not in self.hosts or port > 65535:
            _refuse()
        return scheme, host, port


class _Pinned(httpcore.AsyncNetworkBackend):
    """Connects to the address that was looked at, whatever name it is asked for."""

    def __init__(self, address: str, connect: Connect) -> None:
        self.address, self.connect = address, connect

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:  # fmt: skip
        return await self.connect(self.address, port, timeout)


def public(address: str) -> bool:
    """Whether an address belongs to the internet: not this machine, this network, or another name for them."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        embedded = inner or (ipaddress.IPv4Address(int(found) & 0xFFFFFFFF) if found in _NAT64 else None)
        if embedded is not None:
            return public(str(embedded))
    return found.is_global and not found.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _netloc(scheme: str, host: str, port: int) -> str:
    return host if port == _PORTS[scheme] else f"{host}:{port}"


def _refuse() -> NoReturn:
    raise _Refused

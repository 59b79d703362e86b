"""Who may ask at all: Host and Origin against lists, and the key. Plain ASGI, in front of every route."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import platform
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from .errors import ApiError
from .options import Settings, is_address

HEALTH = ("/livez", "/readyz")
PAGE = "/demo"
_HOST = re.compile(r"(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9._-]{1,253}))(?::[0-9]{1,5})?")


class Doorman:
    """Refuses (403) a request that a page of somebody else's could make through a visitor's browser.

    A name that merely resolves to this machine (DNS rebinding) is not in the list of hosts; an address is,
    where other machines are served, since nobody can point one elsewhere.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app, self.origins = app, frozenset(origin.lower() for origin in settings.origins)
        own = ("127.0.0.1", "localhost", "::1") if settings.loopback else (settings.host, platform.node())
        self.hosts = frozenset(name.lower() for name in (*own, *settings.hosts))
        self.addresses = not settings.loopback

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or not self.knows(hosts[0]):
            raise ApiError(403, "host_not_allowed", "This Host is not served; see --allow-host.")
        if origins and not (len(origins) == 1 and self.welcomes(origins[0].lower(), hosts[0].lower())):
            raise ApiError(403, "origin_not_allowed", "This Origin may not ask; see --allow-origin.")
        return await self.app(scope, receive, send)

    def knows(self, host: str) -> bool:
        match = _HOST.fullmatch(host.lower())
        name = (match[1] or match[2]) if match else ""
        return name in self.hosts or (self.addresses and is_address(name))

    def welcomes(self, origin: str, host: str) -> bool:
        """The server's own page, or one of the list; never "null"."""
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return origin in self.origins or (parts.scheme in ("http", "https") and parts.netloc == host
                                          and origin == f"{parts.scheme}://{host}")  # fmt: skip


class Key:
    """Asks for the key (401) on every route but health: as a bearer token or, from a browser, as a password."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self.app, self.digest = app, _digest(key.encode()) if key else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.digest and scope["path"] not in HEALTH:
            given = Headers(scope=scope).getlist("authorization")
            if len(given) != 1 or not hmac.compare_digest(_digest(_secret(given[0])), self.digest):
                scheme = 'Basic realm="vlm"' if scope["path"].startswith(PAGE) else "Bearer"
                message = "A valid key is needed: Authorization: Bearer KEY."
                raise ApiError(401, "invalid_api_key", message, headers={"WWW-Authenticate": scheme})
        await self.app(scope, receive, send)


def _secret(header: str) -> bytes:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode("latin-1")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    return b""


def _digest(secret: bytes) -> bytes:
    """Of one length whatever the secret's, so that comparing takes one time."""
    return hashlib.sha256(secret).digest()

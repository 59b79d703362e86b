"""Fetching pictures: off by default; and where it is on, nothing but listed, public hosts is ever connected to (S4).

No test sends a packet: names are resolved by a table, and whoever is connected to is a listener on loopback
that counts. `test_forms...` would see a form of URL that is wrongly let through as a call.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the server needs fastapi: pip install '.[serve]'")

import httpcore
from PIL import Image

from demo.serving.errors import ApiError
from demo.serving.fetch import Fetcher, public

from .serving import error, served

PUBLIC = "93.184.216.34"
INNER = (
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "198.18.0.1", "192.0.2.1", "::", "::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1",
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "2001:db8::1", "not an address",
)  # fmt: skip

FORMS = (
    "file:///etc/passwd", "file://127.0.0.1/etc/passwd", "ftp://allowed.example/x.png", "gopher://127.0.0.1:70/_x",
    "dict://127.0.0.1:11211/stat", "ldap://127.0.0.1", "jar:http://127.0.0.1!/x", "netdoc:///etc/passwd",
    "ws://127.0.0.1",
    "javascript:alert(1)", "blob:http://127.0.0.1/x", "about:blank", "unix:///var/run/docker.sock", "//127.0.0.1/x",
    "http:127.0.0.1/x", "http:/127.0.0.1/x", "http:///127.0.0.1/x", "HTTP://127.0.0.1/x", "http://127.0.0.1/x",
    "http://127.0.0.1:80/x", "http://127.0.0.1:22/x", "https://127.0.0.1/x", "http://localhost/x", "http://LOCALHOST/x",
    "http://localhost./x", "http://localhost.localdomain/x", "http://[::1]/x", "http://[::]/x",
    "http://[0:0:0:0:0:0:0:1]/x",
    "http://[::ffff:127.0.0.1]/x", "http://[::ffff:7f00:1]/x", "http://[::ffff:169.254.169.254]/x",
    "http://[fe80::1%25lo]/x", "http://0.0.0.0/x", "http://0/x", "http://127.1/x", "http://127.0.1/x",
    "http://2130706433/x",
    "http://0x7f000001/x", "http://0x7f.1/x", "http://0x7f.0x0.0x0.0x1/x", "http://0177.0.0.1/x",
    "http://017700000001/x",
    "http://127.0.0.1.nip.io/x", "http://127.000.000.001/x", "http://①②⑦.⓪.⓪.①/x", "http://ⓛocalhost/x",
    "http://127。0。0。1/x",
    "http://10.0.0.1/x", "http://192.168.0.1/x", "http://172.16.0.1/x", "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/", "http://metadata.google.internal/computeMetadata/v1/", "http://100.100.100.200/x",
    "http://allowed.example@127.0.0.1/x", "http://127.0.0.1@allowed.example/x", "http://user:pass@allowed.example/x",
    "http://allowed.example:80@127.0.0.1/x", "http://allowed.example%40127.0.0.1/x",
    "http://allowed.example#@127.0.0.1/x",
    "http://allowed.example\\@127.0.0.1/x", "http://127.0.0.1\\@allowed.example/x",
    "http://127.0.0.1\\.allowed.example/x",
    "http://allowed.example:22/x", "http://allowed.example:0/x", "http://allowed.example:65536/x",
    "http://allowed.example:80:81/x", "http://allowed.example./x", "http://allowed.example.evil.com/x",
    "http://evil-allowed.example/x", "http://sub.allowed.example/x", "http://allowed.exаmple/x", "http://xn--allowed/x",
    "http://allowed.example\r\nHost: 127.0.0.1/x", "http://allowed.example/x HTTP/1.1\r\nX: y",
    "http://allowed.example/\0",
    "http://allowed.example/\tx", " http://allowed.example/x", "http://allowed.example/x ", "http://allowed .example/x",
    "http://", "http:", "http", "", "x.png", "/etc/passwd", "../../etc/passwd", "C:\\windows\\win.ini",
    "\\\\127.0.0.1\\x",
    "http://allowed.example/" + "a" * 3000, "http://allowed.example/x#fragment", "http://inner.example/x",
    "http://both.example/x", "http://nobody.example/x", "http://v6.example/x", "http://odd.example/x",
)  # fmt: skip
"""The last few are on the list of hosts: their addresses are not public."""
NAMES = {
    "allowed.example": [PUBLIC], "inner.example": ["10.0.0.1"], "both.example": [PUBLIC, "127.0.0.1"],
    "nobody.example": [],
    "v6.example": ["::ffff:127.0.0.1"], "odd.example": ["localhost"],
}  # fmt: skip


class Canary:
    """Connections that were asked for; each is answered by the next of `answers` on loopback."""

    def __init__(self, *answers: bytes) -> None:
        self.answers, self.asked, self.heard = list(answers), list[tuple[str, int]](), list[bytes]()

    async def connect(self, address: str, port: int, seconds: float | None) -> httpcore.AsyncNetworkStream:
        self.asked.append((address, port))
        if not self.answers:
            raise ConnectionRefusedError
        answer = self.answers.pop(0)

        async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            writer.close()

        listener = await asyncio.start_server(say, "127.0.0.1", 0)
        here = listener.sockets[0].getsockname()[1]
        return await httpcore.AnyIOBackend().connect_tcp("127.0.0.1", here, timeout=seconds)


def fetcher(canary: Canary, names: dict[str, list[str]] | None = None, **options: Any) -> Fetcher:
    table = names or NAMES

    async def resolve(name: str, port: int) -> list[str]:
        return table[name]

    hosts = frozenset(options.pop("hosts", table))
    return Fetcher(hosts, resolve=resolve, connect=canary.connect, **options)


def fetch(fetcher: Fetcher, url: str) -> bytes:
    return asyncio.run(fetcher(url, "url"))


def answer(body: bytes = b"", status: str = "200 OK", *headers: str) -> bytes:
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*head, "", ""]).encode() + body


def test_there_are_enough_forms() -> None:
    assert len(set(FORMS)) >= 60 and len(FORMS) == len(set(FORMS))


def test_forms_that_are_never_connected_to() -> None:
    canary = Canary()
    told = set()
    for url in FORMS:
        with pytest.raises(ApiError) as caught:
            fetch(fetcher(canary), url)
        told.add((caught.value.status_code, caught.value.code, caught.value.message))
    assert told == {(400, "url_not_fetched", "url: the URL could not be fetched.")}  # a refusal tells nothing
    assert canary.asked == []


def test_nothing_is_fetched_unless_asked_for() -> None:
    canary = Canary(answer(b"x"))
    with pytest.raises(ApiError) as caught:
        fetch(fetcher(canary, hosts=()), "http://allowed.example/x")
    assert caught.value.code == "remote_not_allowed" and canary.asked == []


@pytest.mark.parametrize("address", INNER)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not public(address)


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_addresses_that_are(address: str) -> None:
    assert public(address)


def test_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    """A name server that answers differently the second time (rebinding) is asked once."""
    canary, turns = Canary(answer(b"picture")), iter([[PUBLIC], ["127.0.0.1"]])

    async def rebinding(name: str, port: int) -> list[str]:
        return next(turns)

    found = fetch(Fetcher(frozenset({"allowed.example"}), resolve=rebinding, connect=canary.connect),
                  "http://allowed.example/a/b?c=d")  # fmt: skip
    assert found == b"picture"
    assert canary.asked == [(PUBLIC, 80)]
    assert canary.heard[0].startswith(b"GET /a/b?c=d HTTP/1.1\r\nHost: allowed.example\r\n")
    assert b"Accept-Encoding: identity" in canary.heard[0]
    assert next(turns) == ["127.0.0.1"]  # the second answer was never asked for


def test_a_listed_port() -> None:
    canary = Canary(answer(b"x"))
    assert fetch(fetcher(canary, hosts=["allowed.example:8080"]), "http://allowed.example:8080/x") == b"x"
    assert canary.asked == [(PUBLIC, 8080)]


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1/x", "http://inner.example/x", "http://evil.com/x", "file:///etc/passwd", "//127.0.0.1/x",
     "http://169.254.169.254/", "http://allowed.example:22/", "gopher://allowed.example/", "http://[::1]/",
     "\\\\127.0.0.1"],
)  # fmt: skip
def test_redirects_pass_the_same_checks(target: str) -> None:
    canary = Canary(answer(b"", "302 Found", f"Location: {target}"))
    with pytest.raises(ApiError):
        fetch(fetcher(canary), "http://allowed.example/x")
    assert canary.asked in (
        [(PUBLIC, 80)],
        [(PUBLIC, 80)] * 2,
    )  # the second only where the target is a path of the host


def test_a_redirect_that_is_followed() -> None:
    canary = Canary(answer(b"", "301 Moved", "Location: /y"), answer(b"there"))
    assert fetch(fetcher(canary), "http://allowed.example/x") == b"there"
    assert canary.heard[1].startswith(b"GET /y ")


def test_redirects_end() -> None:
    canary = Canary(*[answer(b"", "302 Found", "Location: /x")] * 9)
    with pytest.raises(ApiError):
        fetch(fetcher(canary), "http://allowed.example/x")
    assert len(canary.asked) == 4


@pytest.mark.parametrize(
    "bad",
    [
        answer(b"x" * 1001), answer(b"x" * 1001).replace(b"Content-Length: 1001", b"X: y"), answer(b""),
        answer(b"x", "404 Not Found"), answer(b"x", "500 Oh"), answer(b"x", "204 No Content"),
        answer(b"\x1f\x8b", "200 OK", "Content-Encoding: gzip"), answer(b"", "302 Found"), b"", b"not http\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort", b"HTTP/1.1 200 OK\r\nA: " + b"x" * 200_000 + b"\r\n\r\n",
    ],
)  # fmt: skip
def test_answers_that_are_not_taken(bad: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        fetch(fetcher(Canary(bad, bad, bad, bad), max_bytes=1000), "http://allowed.example/x")
    assert caught.value.code == "url_not_fetched"


def test_a_host_that_says_nothing() -> None:
    async def silent(address: str, port: int, seconds: float | None) -> httpcore.AsyncNetworkStream:
        await asyncio.sleep(60)
        raise AssertionError

    with pytest.raises(ApiError):
        fetch(Fetcher(frozenset({"a.example"}), resolve=table({"a.example": [PUBLIC]}), connect=silent, seconds=0.05),
              "http://a.example/")  # fmt: skip


def table(names: dict[str, list[str]]) -> Callable[[str, int], Awaitable[list[str]]]:
    async def resolve(name: str, port: int) -> list[str]:
        return names[name]

    return resolve


def picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(buffer, "PNG")
    return buffer.getvalue()


def asked_for(*urls: str) -> list[dict[str, Any]]:
    return [{"type": "image_url", "image_url": {"url": url}} for url in urls]


@pytest.fixture
def canary() -> Iterator[Canary]:
    yield Canary(answer(picture()), answer(b"no picture"))


def test_over_http_nothing_is_fetched_by_default(canary: Canary) -> None:
    server = served()
    for url in FORMS:
        response = server.chat(asked_for(url))
        assert response.status_code == 400, url
        assert error(response)["code"] in ("remote_not_allowed", "invalid_value"), url
    assert canary.asked == [] and not server.engine.seen


def test_over_http_no_form_gets_out() -> None:
    canary = Canary()
    server = served(fetch=fetcher(canary))
    for url in FORMS:
        assert server.chat(asked_for(url)).status_code == 400, url
    assert canary.asked == [] and not server.engine.seen


def test_over_http_a_listed_host(canary: Canary) -> None:
    server = served(fetch=fetcher(canary))
    assert server.chat(asked_for("http://allowed.example/a.png")).status_code == 200
    (message,) = server.processor.seen[0]
    assert message["content"][0]["image"].size == (8, 6)
    response = server.chat(asked_for("http://allowed.example/b.png"))
    assert response.status_code == 400 and error(response)["code"] == "bad_image"
    assert error(response)["param"] == "messages[0].content[0].image_url.url"

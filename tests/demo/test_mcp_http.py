"""`vlm mcp --http`: the same tools behind the server's doors."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="needs the official SDK: pip install '.[mcp]'")

import httpx
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from demo.mcp.http import PATH, build
from demo.mcp.server import server
from demo.serving.options import Limits, Settings
from demo.serving.run import configured
from vlm.errors import InputError

from .mcp_parts import ERAS, Echo, offered, rooted, run, said
from .ports import free_port
from .serving import until

KEY = "a-key"
HEADERS = {"authorization": f"Bearer {KEY}", "accept": "application/json, text/event-stream"}
ECHO = Echo()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from PIL import Image

    folder = tmp_path_factory.mktemp("root")
    Image.new("RGB", (6, 4), "teal").save(folder / "a.png")
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    settings = Settings(port=free_port(), api_key=KEY, limits=Limits(body_bytes=100_000))
    offer = offered(ECHO, folder, trusting=False)
    running = uvicorn.Server(configured(build(server(offer), settings), settings))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    until(lambda: running.started)
    yield f"http://127.0.0.1:{settings.port}"
    running.should_exit = True
    thread.join(600)
    assert not thread.is_alive()


@asynccontextmanager
async def connected(address: str, era: str, *folders: Path) -> Any:
    async with create_mcp_http_client(headers={"authorization": f"Bearer {KEY}"}) as http:
        transport = streamable_http_client(f"{address}{PATH}", http_client=http)
        async with Client(transport, mode=era, **rooted(*folders)) as client:
            yield client


def post(address: str, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = HEADERS | {"content-type": "application/json"} | headers
    return httpx.post(f"{address}{PATH}", content=content, headers=given, timeout=600, trust_env=False)


HELLO = {
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}  # fmt: skip


@pytest.mark.parametrize("era", ERAS)
def test_the_official_client(address: str, folder: Path, tmp_path: Path, picture: Path, era: str) -> None:
    async def main() -> None:
        told: list[float] = []

        async def progress(done: float, total: float | None, message: str | None) -> None:
            told.append(done)

        async with connected(address, era, tmp_path) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["look"]
            words = [f"word {number}" for number in range(100)]
            calls = (client.call_tool("look", {"first": "a.png", "word": word}) for word in words)
            results = await asyncio.gather(*calls)
            assert [one.structured_content["said"] for one in results] == [[f"{word} (1)"] for word in words]
            both = {"first": "a.png", "others": [str(folder / "a.png")]}
            await client.call_tool("look", both, progress_callback=progress)
            assert told == [1, 2]
            # what a client says its folders are may be folders of another machine, or nobody's: it opens none
            for path in (str(picture), "/etc/passwd", "../a.png"):
                assert "path_not_allowed" in said(await client.call_tool("look", {"first": path}))

    run(main)


@pytest.mark.parametrize("era", ERAS)
def test_cancelling_ends_the_answer(address: str, era: str) -> None:
    async def main() -> None:
        async with connected(address, era) as client:
            asking = asyncio.create_task(client.call_tool("look", {"first": "a.png", "word": "wait"}))
            await asyncio.to_thread(ECHO.waiting.acquire)
            asking.cancel()
            await asyncio.to_thread(ECHO.left.acquire)
            assert not (await client.call_tool("look", {"first": "a.png"})).is_error

    run(main)


def test_nobody_comes_in_without_the_key(address: str) -> None:
    for method in ("GET", "POST", "DELETE", "OPTIONS"):
        for path in (PATH, f"{PATH}/", "/", "/livez2", "/.well-known/oauth-protected-resource"):
            for header in ({}, {"authorization": "Bearer no"}, {"authorization": f"Bearer {KEY}x"}):
                reply = httpx.request(method, f"{address}{path}", headers=header, trust_env=False)
                assert reply.status_code == 401, (method, path)
    assert post(address, HELLO).status_code == 200


@pytest.mark.parametrize(
    "headers", [{"host": "evil.com"}, {"origin": "http://evil.com"}, {"origin": "null"}, {"host": "127.0.0.1.evil.com"}]
)
def test_other_hosts_and_pages_are_refused(address: str, headers: dict[str, str]) -> None:
    reply = post(address, HELLO, **headers)
    assert reply.status_code == 403
    assert "jsonrpc" not in reply.text


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"no json", -32700), (b'{"a":1,"a":2}', -32700), (b"[" * 20_000, -32700), (b"[]", -32600),
        (b'{"jsonrpc":"2.0","id":"' + b"i" * 9000 + b'","method":"ping"}', -32600), (b"\xff", -32700),
        ({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}, -32600),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused_in_our_words(address: str, body: Any, code: int) -> None:
    reply = post(address, body)
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == code
    assert len(reply.text) < 300 and "pydantic" not in reply.text and "line 1" not in reply.text


def test_large_and_compressed_bodies_are_refused(address: str) -> None:
    assert post(address, b" " * 100_001).status_code == 413
    assert post(address, HELLO, **{"content-encoding": "gzip"}).status_code == 415
    assert post(address, HELLO, **{"content-type": "text/plain"}).status_code in (400, 415)


def test_it_is_not_served_without_a_key() -> None:
    with pytest.raises(InputError, match="--api-key"):
        build(server(offered()), Settings())

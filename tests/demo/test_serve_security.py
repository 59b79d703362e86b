"""Who may ask: every route of the application, for every way of not being allowed to (S9)."""

from __future__ import annotations

import ast
import base64
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the server needs fastapi: pip install '.[serve]'")

from starlette.routing import Route
from starlette.testclient import TestClient

from demo.serving.options import Settings
from demo.serving.security import HEALTH
from vlm.errors import CheckpointError, EngineDeadError, InputError, MediaError, QueueFullError, RequestFailedError

from .serving import BASE, MODEL, ScriptedEngine, Served, error, served

KEY = "correct-horse-battery"
INSIDE = re.compile(r"0x[0-9a-f]{6,}|Traceback|/(tmp|home|root|usr|work)/|secret words")
"""What no client may ever see."""


@pytest.fixture(scope="module")
def server() -> Served:
    return served(api_key=KEY)


def routes(server: Served) -> list[tuple[str, str]]:
    """(method, path) of every route that the application itself lists."""
    found = []
    for route in server.app.routes:
        assert isinstance(route, Route) or hasattr(route, "methods"), route
        path = re.sub(r"\{.*\}", MODEL, route.path)
        found += [(method, path) for method in sorted(route.methods)]
    assert {path for _, path in found} >= {"/v1/chat/completions", "/v1/audio/transcriptions", "/v1/models", "/metrics"}
    return found


def census(server: Served) -> Iterator[tuple[str, str]]:
    for method, path in routes(server):
        yield method, path
        yield ("POST" if method == "GET" else "GET"), path


BAD_KEYS = (
    None, "", "Bearer", "Bearer ", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", f"bearer {KEY.upper()}", KEY, f"Token {KEY}",
    f"Bearer {KEY} {KEY}", "Basic " + base64.b64encode(f"{KEY}:wrong".encode()).decode(), "Basic !!!", "Basic w6k=",
)  # fmt: skip


def test_every_route_asks_for_the_key(server: Served) -> None:
    for method, path in census(server):
        if path in HEALTH:
            continue
        for given in BAD_KEYS:
            response = server.client.request(method, path, headers={} if given is None else {"authorization": given})
            assert response.status_code == 401, (method, path, given)
            if method != "HEAD":
                assert error(response)["code"] == "invalid_api_key"
            assert response.headers["www-authenticate"] == "Bearer"


def test_the_key_opens_every_route(server: Served) -> None:
    basic = "Basic " + base64.b64encode(f"anybody:{KEY}".encode()).decode()
    for method, path in census(server):
        for given in (f"Bearer {KEY}", f"bearer  {KEY}", basic):
            response = server.client.request(method, path, headers={"authorization": given})
            assert response.status_code in (200, 405, 415), (method, path, response.text)


def test_health_asks_for_none(server: Served) -> None:
    assert [server.client.get(path).status_code for path in HEALTH] == [200, 200]


BAD_HOSTS = (
    "evil.com", "evil.com:8000", "127.0.0.1.evil.com", "localhost.evil.com", "evil.com/127.0.0.1", "127.0.0.1@evil.com",
    "192.168.1.5", "0.0.0.0", "[::]", "127.0.0.2", "", " ", "localhost:port", "localhost:999999", "[::1",
    "xn--lcalhost",
    "127.1", "2130706433", "0x7f.1", "localhost.",
)  # fmt: skip
BAD_ORIGINS = (
    "null", "http://evil.com", "https://127.0.0.1.evil.com", "http://127.0.0.1:9999", "file://",
    "http://localhost:8000",
    "http://127.0.0.1:8000/", "http://127.0.0.1:8000@evil.com", "chrome-extension://abc", "", "ftp://127.0.0.1:8000",
    "http://[", "*",
)  # fmt: skip


@pytest.mark.parametrize(("header", "values"), [("host", BAD_HOSTS), ("origin", BAD_ORIGINS)])
def test_every_route_looks_at_who_asks(header: str, values: Sequence[str], server: Served) -> None:
    for method, path in census(server):
        for value in values:
            response = server.client.request(method, path, headers={header: value, "authorization": f"Bearer {KEY}"})
            assert response.status_code == 403, (method, path, value)
            if method != "HEAD":
                assert error(response)["code"] == f"{header}_not_allowed"


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "127.0.0.1", "localhost", "LOCALHOST:1", "[::1]:8000", "[::1]"])
def test_hosts_of_this_machine(server: Served, host: str) -> None:
    assert server.client.get("/livez", headers={"host": host}).status_code == 200
    own = {"host": host, "origin": f"http://{host.lower()}"}
    assert server.client.get("/livez", headers=own).status_code == 200


def test_two_hosts_are_no_host(server: Served) -> None:
    response = server.client.get("/livez", headers=[("host", "127.0.0.1"), ("host", "evil.com")])
    assert response.status_code == 403


def test_hosts_and_origins_that_were_allowed() -> None:
    server = served(host="0.0.0.0", api_key=KEY, hosts=("studio.lan",), origins=("https://tool.example",))
    for host, status in (("studio.lan", 200), ("STUDIO.lan:80", 200), ("10.1.2.3:8000", 200), ("[fe80::1]", 200),
                         ("evil.com", 403), ("sub.studio.lan", 403), ("localhost", 403)):  # fmt: skip
        assert server.client.get("/livez", headers={"host": host}).status_code == status, host
    asked = {"host": "studio.lan", "origin": "https://tool.example"}
    assert server.client.get("/livez", headers=asked).headers["access-control-allow-origin"] == "https://tool.example"
    preflight = server.client.options(
        "/v1/chat/completions",
        headers=asked | {"access-control-request-method": "POST", "access-control-request-headers": "authorization"},
    )
    assert preflight.status_code == 200  # a browser asks this without the key
    assert server.client.post("/v1/chat/completions", headers=asked).status_code == 401


@pytest.mark.parametrize(
    "path",
    ["//v1/models", "/v1//models", "/V1/models", "/v1/Models", "/v1/models/", "/v1/../v1/models", "/v1/%2e%2e/metrics",
     "/livez/", "//livez", "/livez/../metrics", "/readyz%2f..%2fmetrics", "/v1/models;x", "/%76%31/models/",
     "/v1/models%00",
     "/docs", "/redoc", "/openapi.json/", "/.env", "/demo", "/"],
)  # fmt: skip
def test_other_spellings_are_not_served(server: Served, path: str) -> None:
    assert raw_get(server, path, {}).status_code in (401, 404)
    response = raw_get(server, path, {"authorization": f"Bearer {KEY}"})
    assert response.status_code == 404, response.text
    assert error(response)["code"] in ("not_found", "model_not_found")


def raw_get(server: Served, path: str, headers: dict[str, str]) -> Any:
    """Without the client's tidying of paths."""
    from urllib.parse import unquote

    class Unchanged:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http":
                scope = scope | {"path": unquote(path), "raw_path": path.encode()}
            await server.app(scope, receive, send)

    return TestClient(Unchanged(), base_url=BASE, raise_server_exceptions=False).get("/x", headers=headers)


EXCEPTIONS = (
    (QueueFullError(3), 429), (EngineDeadError("secret words"), 503), (RequestFailedError(), 500),
    (CheckpointError("secret words"), 500), (MediaError("bad_image", "messages[0]", "no pixels"), 400),
    (InputError("no such thing", "bad_input"), 400), (InputError("secret words: 0xdeadbeef", "bad_schema"), 400),
    (ValueError("secret words"), 500), (MemoryError("secret words"), 500), (KeyError("secret words"), 500),
    (OSError(2, "secret words", "/tmp/secret words"), 500), (RuntimeError("secret words at 0xdeadbeef"), 500),
    (UnicodeDecodeError("utf-8", b"secret words", 0, 1, "x"), 500), (RecursionError("secret words"), 500),
    (AssertionError("secret words"), 500), (TimeoutError("secret words"), 500), (StopIteration("secret words"), 500),
)  # fmt: skip


@pytest.mark.parametrize(("raised", "status"), EXCEPTIONS, ids=lambda value: type(value).__name__)
def test_every_kind_of_failure(raised: Exception, status: int, caplog: pytest.LogCaptureFixture) -> None:
    """On both routes that generate: a stable status, our words, an id; in the log its type, not its words."""
    engine = ScriptedEngine()
    server = served(engine)

    def fail(*_: Any, **__: Any) -> Any:
        raise raised

    engine.submit = fail  # type: ignore[method-assign]
    for response in (server.chat("secret words"), server.chat("x", stream=True), transcription(server)):
        assert response.status_code == status, response.text
        told = error(response)
        assert not INSIDE.search(json.dumps(told)), told
        assert response.headers["x-request-id"].startswith("req_")
        if status == 500:
            assert told == {"message": told["message"], "type": "server_error", "param": None, "code": "internal_error"}
    assert server.app.state.service.busy == 0
    from demo.serving.logs import JsonLines

    lines = [JsonLines().format(record) for record in caplog.records if record.name.startswith("vlm")]
    assert not any("secret words" in line for line in lines), lines


def transcription(server: Served) -> Any:
    import io
    import wave

    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(bytes(range(256)) * 125)
    return server.client.post(
        "/v1/audio/transcriptions", files={"file": buffer.getvalue()}, data={"model": MODEL}
    )  # fmt: skip


def test_exceptions_are_worded_in_one_place() -> None:
    """Only `errors` makes words of an exception (its own `Refused` excepted); `models` does for the operator."""
    folder = Path(__file__).parents[2] / "demo" / "serving"
    found = set()
    for path in sorted(folder.glob("*.py")):
        for handler in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(handler, ast.ExceptHandler)
                and handler.name
                and ast.unparse(handler.type or handler) != "Refused"
            ):
                found |= {path.name for node in ast.walk(handler) if words(node, handler.name)}
    assert found == {"models.py"}


def words(node: ast.AST, name: str) -> bool:
    """Whether it is f"{name}", str(name) or the like."""
    if isinstance(node, ast.FormattedValue):
        return name in {inner.id for inner in ast.walk(node.value) if isinstance(inner, ast.Name)}
    called = isinstance(node, ast.Call) and ast.unparse(node.func) in ("str", "repr", "format", "traceback.format_exc")
    return called and name in {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


@pytest.mark.parametrize(
    "options",
    [{"host": "0.0.0.0"}, {"host": "192.168.1.5"}, {"host": "::"}, {"host": "studio.lan"}, {"api_key": "with space"},
     {"api_key": "schlüssel"}, {"origins": ("example.com",)}, {"origins": ("https://example.com/",)},
     {"log_level": "loud"}],
)  # fmt: skip
def test_settings_that_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        Settings(**options)
    assert caught.value.code == "bad_option"

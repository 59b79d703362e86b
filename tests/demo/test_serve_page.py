"""`vlm serve --demo`: the page beside /v1, behind the same door, on the same engine."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the server needs fastapi: pip install '.[serve]'")
pytest.importorskip("gradio", reason="the page needs gradio: pip install '.[demo]'")

from starlette.testclient import TestClient

from demo.serving.app import build
from demo.serving.options import Limits, Settings
from vlm.assistant import Assistant
from vlm.errors import InputError

from .serving import BASE, error

KEY = "a-key"
BASIC = {"authorization": "Basic " + base64.b64encode(f"anna:{KEY}".encode()).decode()}


@pytest.fixture(scope="module")
def client(assistant: Assistant) -> Any:
    app = build(assistant, Settings(api_key=KEY, page=True, limits=Limits(page_bytes=100_000)))
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        yield client


def test_the_page_is_there(client: TestClient) -> None:
    response = client.get("/demo", headers=BASIC)
    assert response.status_code == 200 and response.url.path == "/demo/"
    assert "vlm studio" in response.text and "content-security-policy" in response.headers
    assert client.get("/v1/models", headers=BASIC).status_code == 200


def test_no_way_around_policies(assistant: Assistant, tmp_path: Path) -> None:
    path = tmp_path / "served.toml"
    path.write_text('[models.m]\ninput = ["p"]\n[policies.p]\nkeywords = ["x"]')
    with pytest.raises(InputError, match="policies do not apply to the page"):
        build(assistant, Settings(page=True, config=path))


def test_a_browser_is_asked_for_the_key(client: TestClient) -> None:
    for path in ("/demo", "/demo/", "/demo/config", "/demo/gradio_api/info", "/demo/gradio_api/upload"):
        response = client.get(path)
        assert response.status_code == 401 and response.headers["www-authenticate"].startswith("Basic ")
        assert error(response)["code"] == "invalid_api_key"


def test_the_page_looks_at_host_and_origin(client: TestClient) -> None:
    assert client.get("/demo/", headers=BASIC | {"host": "evil.com"}).status_code == 403
    assert client.get("/demo/", headers=BASIC | {"origin": "http://evil.com"}).status_code == 403
    assert client.get("/demo/", headers=BASIC | {"origin": BASE}).status_code == 200


def test_uploads_to_the_page_are_counted(client: TestClient) -> None:
    for size, good in ((1000, True), (200_000, False)):
        files = {"files": ("x.png", bytes(size))}
        response = client.post("/demo/gradio_api/upload", files=files, headers=BASIC)
        assert (response.status_code == 200) == good, response.text
    assert response.status_code == 413


def test_an_answer_on_the_page(client: TestClient) -> None:
    called = client.post("/demo/gradio_api/call/chat", headers=BASIC,
                         json={"data": [{"text": "Hi?", "files": []}, "", 4, 0, 1, 0, 0, 1, None]})  # fmt: skip
    assert called.status_code == 200, called.text
    told = client.get(f"/demo/gradio_api/call/chat/{called.json()['event_id']}", headers=BASIC)
    assert "event: complete" in told.text

"""The command `vlm serve`: what it refuses, and a whole life of it on a model folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the server needs fastapi: pip install '.[serve]'")

import httpx
from typer.testing import CliRunner

from vlm.cli import app

from .ports import free_port
from .serving import PATIENCE, until


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "--api-key"), (["--log-level", "loud"], "--log-level"),
        (["--allow-origin", "example.com"], "--allow-origin"), (["--config", "/nowhere.toml"], "/nowhere.toml"),
        (["--model", "/nowhere"], "/nowhere"),
    ],
)  # fmt: skip
def test_what_is_refused(
    arguments: list[str], words: str, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr("demo.serving.logs.configure", lambda level: None)  # the process is not ours here
    result = CliRunner().invoke(app, ["serve", "--model", str(tiny_folder), *arguments])
    assert result.exit_code == 1 and words in result.output, result.output
    assert "Traceback" not in result.output


def test_a_whole_life(tiny_folder: Path) -> None:
    port, root = free_port(), Path(__file__).parents[2]
    child = subprocess.Popen(
        [sys.executable, "-m", "vlm.cli", "serve", "--model", str(tiny_folder), "--port", str(port)], cwd=root,
        text=True,
        stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(root), "VLM_API_KEY": "a-key"},
    )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:

            def ready() -> bool:
                assert child.poll() is None
                try:
                    return client.get("/readyz").status_code == 200
                except httpx.ConnectError:
                    return False

            until(ready)
            body = {"model": "tiny", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 4}
            assert client.post("/v1/chat/completions", json=body).status_code == 401
            client.headers["authorization"] = "Bearer a-key"
            assert client.post("/v1/chat/completions", json=body).json()["usage"]["completion_tokens"] <= 4
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE) == 0
        lines = [json.loads(line) for line in child.stderr or ()]
        assert [
            line["status"] for line in lines if line["event"] == "request" and line["route"] == "/v1/chat/completions"
        ]
        assert {"draining", "stopping", "answered"} <= {line["event"] for line in lines}
    finally:
        child.kill()
        child.wait()


def test_slots_and_queue_are_the_engines(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr("demo.serving.run.serve", lambda load, settings: seen.extend((load(), settings)) or 0)
    arguments = ["serve", "--model", str(tiny_folder), "--slots", "3", "--queue-size", "100"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assistant, settings = seen
    with assistant.engine as engine:
        assert (engine.limits.slots, engine.limits.queue, settings.limits.queue) == (3, 100, 100)

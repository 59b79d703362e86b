"""Every bad picture and sound of the catalogue over HTTP (I1 to I26, A1 to A14): an answer, or a 400 that names it."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the server needs fastapi: pip install '.[serve]'")

from ..encoders import hazards
from .serving import MODEL, Served, error, served
from .test_serve_chat import text_part

INSIDE = re.compile(r"0x[0-9a-f]{6,}|Traceback|Error\b|/tmp/|pytest")


@pytest.fixture(scope="module")
def server() -> Served:
    return served()


def contents(cases: list[hazards.Case]) -> list[tuple[hazards.Case, bytes]]:
    """Of what is a regular file: nothing else can be sent."""
    return [(case, case.path.read_bytes()) for case in cases if not case.id.startswith(("I21", "I22"))]


def check(case: hazards.Case, response: Any, param: str) -> None:
    assert not INSIDE.search(response.text), (case.id, response.text)
    if case.server == "ok":
        assert response.status_code == 200, (case.id, response.text)
    else:
        told = error(response)
        assert (response.status_code, told["code"], told["param"]) == (400, case.server, param), (case.id, told)


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_pictures(server: Served, tmp_path: Path) -> None:
    cases = contents(hazards.image_cases(tmp_path))
    assert len(cases) > 60
    for case, data in cases:
        url = {"url": "data:image/png;base64," + encoded(data)}
        response = server.chat([text_part("?"), {"type": "image_url", "image_url": url}])
        check(case, response, "messages[0].content[1].image_url.url")


def test_sounds(server: Served, tmp_path: Path) -> None:
    cases = contents(hazards.audio_cases(tmp_path))
    assert len(cases) > 60
    for case, data in cases:
        part = {"type": "input_audio", "input_audio": {"data": encoded(data) or "=", "format": "wav"}}
        check(case, server.chat([part]), "messages[0].content[0].input_audio.data")


def test_recordings(server: Served, tmp_path: Path) -> None:
    for case, data in contents(hazards.audio_cases(tmp_path)):
        response = server.client.post(
            "/v1/audio/transcriptions", files={"file": (case.path.name, data)}, data={"model": MODEL}
        )
        check(case, response, "file")
        if case.id in ("A13-zeros", "A13-dc"):
            assert response.json()["text"] == ""


def test_names_of_files_open_nothing(server: Served, tmp_path: Path) -> None:
    """I21, I22: a path, whatever is behind it, is no picture and no sound."""
    for _, path, _ in hazards.special_files(tmp_path):
        for url in (str(path), path.as_uri(), f"data:image/png;base64,{path}"):
            response = server.chat([{"type": "image_url", "image_url": {"url": url}}])
            assert response.status_code == 400 and error(response)["code"] in ("remote_not_allowed", "bad_image")
        part = {"type": "input_audio", "input_audio": {"data": str(path), "format": "wav"}}
        assert error(server.chat([part]))["code"] == "bad_audio"

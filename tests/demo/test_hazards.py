"""Every bad picture and sound of the catalogue through the page: an answer, or one line that names the file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from vlm.assistant import Assistant

from ..encoders import hazards

pytest.importorskip("gradio", reason="the demo needs gradio: pip install '.[demo]'")

DEFAULTS = (6, 0.0, 1.0, 0, 0.0, 1.0, None)  # max_new_tokens, temperature, top_p, top_k, min_p, repetition, seed
INSIDE = re.compile(r"0x[0-9a-f]{6,}|Traceback|Error\b|/tmp/")


def check(case: hazards.Case, text: str, failed: bool) -> None:
    assert failed == (case.expected != "ok"), f"{case.id}: {text}"
    assert not INSIDE.search(text), f"{case.id}: {text}"


def test_pictures_in_the_chat(assistant: Assistant, tmp_path: Path) -> None:
    from demo.page.chat import FAILED, answering, is_note

    chat = answering(assistant)
    for case in hazards.image_cases(tmp_path):
        *_, last = chat({"text": "?", "files": [str(case.path)]}, [], "", *DEFAULTS)
        failed = len(last) == 1 and is_note(last[0])
        check(case, last[-1]["content"], failed)
        assert last[-1]["content"] != FAILED, case.id
        if failed:
            assert case.path.name[:20] in last[-1]["content"], case.id


def test_pictures_in_the_captions(assistant: Assistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from demo.page.captions import captions, items, table

    real = assistant.caption
    monkeypatch.setattr(assistant, "caption", lambda *a, **options: real(*a, **options, max_new_tokens=4))
    cases = hazards.image_cases(tmp_path)
    rows = list(captions(assistant, items([case.path for case in cases]), "short"))
    assert len(rows) == len(cases)
    for case, row in zip(cases, rows, strict=True):
        check(case, row.error, bool(row.error))
    assert not INSIDE.search(re.sub(r"data:image/jpeg;base64,[^\"]*", "", table(rows)))


def test_sounds_in_the_chat(assistant: Assistant, tmp_path: Path) -> None:
    from demo.page.chat import FAILED, OVERFULL, answering, is_note

    chat = answering(assistant)
    for case in hazards.audio_cases(tmp_path):
        *_, last = chat({"text": "?", "files": [str(case.path)]}, [], "", *DEFAULTS)
        text = last[-1]["content"]
        assert text != FAILED, case.id
        assert not INSIDE.search(text), f"{case.id}: {text}"
        if "the context holds" in text:  # a long sound that is fine is too much for a tiny model
            assert case.expected == "ok" and "context_length_exceeded" in OVERFULL
        elif case.path.name.lower().endswith((".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff")):
            check(case, text, len(last) == 1 and is_note(last[0]))

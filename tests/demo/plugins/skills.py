"""A server of skills that says what a test tells it, for add-ons in programs of others."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ...vlm.fake_server import Act, Fake, fake, status

BOX = {"x": 10, "y": 20, "width": 30, "height": 40}
OUTPUTS: dict[str, dict[str, Any]] = {
    "alt_text": {"text": "A red roof.", "source": "model", "confidence": 0.5},
    "ask": {"text": "A red roof over a white wall.", "source": "model", "confidence": 0.5},
    "palette": {"colours": [
        {"hex": "#cc3333", "name": "red", "share": 0.75, "source": "measured",
         "role": {"value": "accent", "source": "model", "confidence": 0.5}},
        {"hex": "#3366cc", "name": "blue", "share": 0.25, "source": "measured", "role": None},
    ]},
    "contrast": {"lines": 2, "pairs": [
        {"box": BOX, "text": "#999999", "background": "#ffffff", "ratio": 2.85, "aa": False, "aaa": False,
         "aa_large": False, "aaa_large": False, "passing": "#767676", "source": "measured"},
        {"box": BOX, "text": "#000000", "background": "#ffffff", "ratio": 21.0, "aa": True, "aaa": True,
         "aa_large": True, "aaa_large": True, "passing": None, "source": "measured"},
    ]},
    "critique": {"total": 1, "findings": [
        {"severity": "major", "kind": "alignment", "message": "Two edges miss each other by 3 px.", "box": BOX,
         "figure": {"measured": 3, "expected": 0, "unit": "px"}, "source": "measured", "confidence": None},
    ]},
}  # fmt: skip


def skills(**outputs: dict[str, Any]) -> Act:
    """Answers any skill, by its path. `outputs`: in place of those above."""
    known = OUTPUTS | outputs

    def act(handler: Any) -> None:
        name = handler.path.removeprefix("/v1/skills/")
        handler.body["skill"] = name  # for whoever looks at what was asked
        if name not in known:
            status(404, error("no such skill", "not_found"))(handler)
            return
        output = known[name]
        status(200, {"object": "skill.result", "skill": name, "model": "m", "output": output})(handler)

    return act


def error(message: str, code: str = "invalid_value") -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": "image", "code": code}}


@contextmanager
def skill_server(*acts: Act, **options: Any) -> Iterator[Fake]:
    with fake(*(acts or (skills(),)), **options) as one:
        yield one


def sizes(asked: dict[str, Any]) -> list[tuple[int, int]]:
    """(width, height) of the pictures of a request, from their headers."""
    given = asked.get("images") or [asked["image"]]
    heads = [base64.b64decode(url.removeprefix("data:image/png;base64,"), validate=True)[:24] for url in given]
    assert all(head.startswith(b"\x89PNG\r\n\x1a\n") for head in heads), json.dumps(asked)[:200]
    return [struct.unpack(">II", head[16:24]) for head in heads]

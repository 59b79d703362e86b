"""What studio.yaml refers to: the picture of a row, and whether an answer is right."""

from __future__ import annotations

import re
from typing import Any


def doc_to_visual(doc: dict[str, Any]) -> list[Any]:
    return [doc["image"].convert("RGB")]


def process_results(doc: dict[str, Any], results: list[Any]) -> dict[str, float]:
    return {"accuracy": float(words(str(results[0])) in [words(answer) for answer in doc["answers"]])}


def words(text: str) -> list[str]:
    """Lower-case words and numbers, without articles and punctuation."""
    return [word for word in re.findall(r"[\w.#%]*\w", text.lower()) if word not in ("a", "an", "the")]

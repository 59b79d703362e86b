"""Questions with known answers, a JSON object a line: what a model is measured with.

    {"messages": [{"role": "user", "content": [{"type": "image", "image": "a.png"},
                                               {"type": "text", "text": "How many circles are there?"}]},
                  {"role": "assistant", "content": "3"}],
     "task": "count", "accept": ["three"]}

`task` groups accuracies (`list` and `json` are compared as such), `accept` holds other answers that are as true; both
may be left out. Paths of media are taken from where the file is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from encoders.media import load_audio, load_image

from .chat import Message, check, parts_of
from .errors import InputError

GREY = (122, 122, 122)


@dataclass(frozen=True)
class Case:
    """`question`: messages up to the one that is answered. `answer`: the one that is known to be right."""

    question: list[Message]
    answer: str
    task: str = ""
    accept: tuple[str, ...] = ()

    @property
    def answered(self) -> list[Message]:
        return [*self.question, {"role": "assistant", "content": self.answer}]

    def blind(self) -> list[Message]:
        """The same question about grey pictures and silent sounds of the same size."""
        return [
            {"role": one["role"], "content": [_hidden(part) for part in parts_of(one)]} for one in self.question
        ]  # fmt: skip

    @property
    def has_media(self) -> bool:
        return any(part["type"] != "text" for message in self.question for part in parts_of(message))


def _hidden(part: dict[str, Any]) -> dict[str, Any]:
    match part["type"]:
        case "image":
            return {"type": "image", "image": Image.new("RGB", load_image(part["image"]).size, GREY)}
        case "audio":
            return {"type": "audio", "audio": (np.zeros_like(load_audio(part["audio"])), 16_000)}
        case _:
            return part


def read_cases(path: Path) -> list[Case]:
    """All cases of a file. Raises `InputError`, which names the line."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", "bad_cases") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8", "bad_cases") from error
    cases = [_case(line, path, number) for number, line in enumerate(lines, start=1) if line.strip()]
    if not cases:
        raise InputError(f"{path}: holds no question", "bad_cases")
    return cases


def _case(line: str, path: Path, number: int) -> Case:
    where = f"{path.name}, line {number}"
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: not valid JSON", "bad_cases") from error
    if not isinstance(data, dict) or not isinstance(messages := data.get("messages"), list):
        raise InputError(f"{where}: has no messages", "bad_cases")
    if unknown := sorted(set(data) - {"messages", "task", "accept"}):
        raise InputError(f"{where}: unknown field {unknown[0]!r}; known: messages, task, accept", "bad_cases")
    task, accept = data.get("task", ""), data.get("accept", [])
    if not isinstance(task, str) or not isinstance(accept, list) or not all(isinstance(one, str) for one in accept):
        raise InputError(f"{where}: task must be text, accept a list of texts", "bad_cases")
    try:
        check(messages, for_training=True)
    except InputError as error:
        raise InputError(f"{where}: {error}", "bad_cases") from error
    if messages[-1]["role"] != "assistant":
        raise InputError(f"{where}: the last message must be the assistant's, the answer that is right", "bad_cases")
    question = [{"role": one["role"], "content": _found(parts_of(one), path.parent)} for one in messages[:-1]]
    answer = "".join(part.get("text", "") for part in parts_of(messages[-1]))
    return Case(question, answer, task, tuple(accept))


def _found(parts: Sequence[dict[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """With paths of media taken from `folder`."""
    found = []
    for part in parts:
        kind = part["type"]
        source = part.get(kind)
        if kind != "text" and isinstance(source, str) and not source.startswith("data:"):
            part = {**part, kind: str(folder / source)}
        found.append(part)
    return found

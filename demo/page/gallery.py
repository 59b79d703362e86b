"""What the embedded model can do, as examples to click: one of each kind of picture, a pair, a spoken question."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import gradio as gr


@dataclass(frozen=True)
class Example:
    """A message to send, and what is true: any of `accept` (case, articles and number words aside)."""

    label: str
    question: str
    files: tuple[str, ...]
    accept: tuple[str, ...]


EXAMPLES = (
    Example("Shapes: which it is", "What shape is the yellow one?", ("shapes.png",), ("triangle",)),
    Example("Palette: counting", "How many swatches are there?", ("palette.png",), ("6",)),
    Example("Interface: a button", 'What colour is the "Submit" button?', ("wireframe.png",), ("red",)),
    Example("Floor plan: the largest", "Which is the largest room?", ("floor_plan.png",), ("living room",)),
    Example("Chart: the largest", "What colour is the largest slice?", ("chart.png",), ("blue",)),
    Example("Text: its colour", "What colour is the text?", ("sign.png",), ("green",)),
    Example(
        "Two pictures", "What do the two images show?", ("floor_plan.png", "chart.png"),
        ("floor plan and chart", "a floor plan and a chart", "floor plan, chart"),
    ),
    Example("A spoken question", "", ("wireframe.png", "question.wav"), ("phone",)),
)  # fmt: skip


@cache
def folder() -> Path:
    """Where the examples' files are: in the wheel beside this package, in a checkout at its root."""
    package = Path(__file__).parents[1]
    installed = package / "examples"
    return installed if installed.is_dir() else package.parent / "examples"


def examples(audio: bool) -> list[list[dict[str, object]]]:
    """For `gr.ChatInterface(examples=...)`; `audio`: whether the model hears."""
    return [
        [{"text": e.question, "files": [str(folder() / file) for file in e.files]}] for e in EXAMPLES if fits(e, audio)
    ]


def labels(audio: bool) -> list[str]:
    """One for each of `examples`."""
    return [example.label for example in EXAMPLES if fits(example, audio)]


def fits(example: Example, audio: bool) -> bool:
    return audio or not any(file.endswith(".wav") for file in example.files)


def allow_files() -> None:
    """Lets the page serve the examples' files, and nothing else of their folder."""
    gr.set_static_paths([folder() / file for example in EXAMPLES for file in example.files])

"""What is true of a chart, and the words for it."""

from __future__ import annotations

import random

from ..base import Scene
from .layout import number
from .words import KIND_NAMES


def kind_name(scene: Scene) -> str:
    """The short answer to "what kind of chart is this?"."""
    return "bar chart" if scene["kind"] == "bar" else KIND_NAMES[scene["kind"]]


def extremes(scene: Scene) -> tuple[int, int]:
    """Where the largest and the smallest value stand."""
    values = scene["series"][0]["values"]
    return values.index(max(values)), values.index(min(values))


def size_words(scene: Scene) -> tuple[str, str]:
    """What the largest and the smallest are called."""
    return {"bar": ("tallest", "shortest"), "barh": ("longest", "shortest")}.get(scene["kind"], ("largest", "smallest"))


def direction_of(scene: Scene, rng: random.Random) -> str:
    """In which order the categories are read, to be put after a noun."""
    return {
        "barh": " [from top to bottom|top to bottom]",
        "pie": "",
        "donut": "",
    }.get(scene["kind"], " [from left to right|left to right]")


def clear(a: float, b: float, high: float) -> bool:
    """Whether two values differ enough to be told apart by eye; `high` is the end of the axis."""
    return abs(a - b) >= 0.12 * max(a, b) and abs(a - b) >= 0.07 * high


def bare(scene: Scene, value: float) -> tuple[str, ...]:
    """A value without its sign, unit or separators counts as read, too."""
    return tuple({f"{value:g}", f"{value:,.0f}" if value == int(value) else f"{value:g}"} - {number(scene, value)})

"""Colour palettes: swatches in rows, columns, grids, rings, strips, overlapping dots and labelled cards.

Swatches are numbered in reading order (rings: clockwise from the top), and questions ask by position.
"""

from __future__ import annotations

from .ask import questions
from .captions import FACTS, captions
from .compose import compose
from .draw import draw
from .regions import regions
from .words import HELD_OUT_STYLES, STYLES

__all__ = [
    "FACTS", "HELD_OUT_STYLES", "NAME", "STYLES", "WRITTEN", "captions", "compose", "draw", "questions", "regions",
]  # fmt: skip
NAME = "palettes"
WRITTEN: frozenset[str] = frozenset()

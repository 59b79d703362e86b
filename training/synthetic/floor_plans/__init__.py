"""Architectural floor plans: 2 to 9 rooms in a house outline with doors, windows, furniture and labels.

The layout is a guillotine subdivision (sometimes about a corridor, sometimes with a corner left out).
Types, labels and symbols are spread so that counts, places and superlatives come out balanced.
"""

from __future__ import annotations

from .ask import questions
from .captions import FACTS, captions
from .compose import compose
from .draw import draw
from .regions import regions
from .words import HELD_OUT_STYLES, STYLES, WRITTEN

__all__ = [
    "FACTS", "HELD_OUT_STYLES", "NAME", "STYLES", "WRITTEN", "captions", "compose", "draw", "questions", "regions",
]  # fmt: skip
NAME = "floor_plans"

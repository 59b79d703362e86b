"""Geometric compositions: one to eight shapes of fourteen kinds on plain, gradient or textured backgrounds.

Every relation, size and position that a question or a caption mentions is clear by a margin.
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
NAME = "shapes"
WRITTEN: frozenset[str] = frozenset()

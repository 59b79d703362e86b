"""UI wireframes and mock-ups: screens for phone, tablet and desktop, with their element list.

A screen (login form, dashboard, chat ...) is a list of blocks; `wireframes_draw` finds the places
and draws. Questions are asked about the element list, so nothing unseen is ever asked.
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
NAME = "wireframes"

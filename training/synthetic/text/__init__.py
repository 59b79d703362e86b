"""Short text to read: headings, road and shop signs, buttons, badges, labels, name plates, cards.

Words are many and partly invented, so that reading is learned letter by letter instead of by heart;
`words.held_out` keeps 12 % of all strings for the held-out styles (neon, chalkboard).
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
NAME = "text"
WRITTEN: frozenset[str] = frozenset()

"""Charts: vertical, horizontal and grouped bars, lines, pies, donuts and scatter plots.

Looks follow what common programs make (Matplotlib, ggplot, Excel, dashboards, reports); a
hand-drawn and a newspaper look are held out. Questions read labels and values, compare heights,
name colours and follow trends; superlatives always have a clear margin.
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
NAME = "charts"

"""The styles of the palettes family, and which colours people call warm or cool."""

from __future__ import annotations

STYLES = ("row", "column", "grid", "ring", "strips", "dots", "labelled", "spaced")
HELD_OUT_STYLES = ("wheel", "cards")
WARM, COOL, NEUTRAL = ("red", "orange", "yellow", "brown"), ("green", "cyan", "blue"), ("black", "white", "gray")

"""The styles of the palettes family, and which colours people call warm or cool."""

from __future__ import annotations

STYLES = ("row", "column", "grid", "ring", "strips", "dots", "labelled", "spaced")
HELD_OUT_STYLES = ("wheel", "cards")
WARM, COOL, NEUTRAL = ("red", "orange", "yellow", "brown"), ("green", "cyan", "blue"), ("black", "white", "gray")
POINTED = ("disc", "hexagon", "diamond")
"""Outlines that leave the corners of their box free, where nothing could be written."""
TITLES = (
    "Palette", "Palette {n}", "Colours {y}", "Brand colours", "Colour scheme", "Paint chart", "Theme {n}", "Swatches",
    "Spring {y}", "Autumn {y}", "Website", "Living room", "Style guide", "Our colours",
)  # fmt: skip

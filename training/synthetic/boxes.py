"""Boxes of what is drawn, for the regions of pictures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from .base import Box, ink_box


def around(points: Iterable[Sequence[float]], reach: float = 0) -> Box:
    """The smallest box that holds the points and `reach` pixels about each."""
    xs, ys = zip(*((p[0], p[1]) for p in points), strict=True)
    return min(xs) - reach, min(ys) - reach, max(xs) + reach, max(ys) + reach


def union(boxes: Iterable[Box]) -> Box:
    """The smallest box that holds the boxes."""
    return around(corner for x0, y0, x1, y1 in boxes for corner in ((x0, y0), (x1, y1)))


def polygon_area(corners: Sequence[Sequence[float]]) -> float:
    """In square pixels."""
    pairs = zip(corners, [*corners[1:], corners[0]], strict=True)
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs)) / 2


def text_box(
    x: float, y: float, text: str, file: str, size: float, anchor: str = "mm", angle: float = 0
) -> Box:  # fmt: skip
    """The box of the ink that `Canvas.text` puts down for the same arguments, to within a pixel."""
    if not angle:
        left, top, right, bottom = ink_box(text, file, round(size), anchor)
        return x + left, y + top, x + right, y + bottom
    left, top, right, bottom = ink_box(text, file, round(size))
    c, s = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
    wide, high = (right - left) / 2, (bottom - top) / 2
    across, down = wide * c + high * s, wide * s + high * c
    return x - across, y - down, x + across, y + down

"""The twelve colour names of the studio, shades that people call so, and contrast."""

from __future__ import annotations

import colorsys
import random
from collections.abc import Sequence

RGB = tuple[int, int, int]
# name -> (hue range in degrees, saturation range, value range), in HSV. The ranges leave gaps
# between neighbours so that no shade is honestly describable by two of the twelve names.
_HSV: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "red": ((-8, 6), (0.75, 1.0), (0.68, 1.0)),
    "orange": ((22, 36), (0.82, 1.0), (0.90, 1.0)),
    "yellow": ((48, 60), (0.70, 1.0), (0.90, 1.0)),
    "green": ((95, 148), (0.50, 1.0), (0.38, 0.85)),
    "cyan": ((174, 190), (0.55, 1.0), (0.78, 1.0)),
    "blue": ((208, 236), (0.62, 1.0), (0.55, 1.0)),
    "purple": ((266, 288), (0.50, 0.95), (0.45, 0.85)),
    "pink": ((316, 342), (0.30, 0.65), (0.93, 1.0)),
    "brown": ((16, 30), (0.55, 0.82), (0.32, 0.56)),
    "black": ((0, 360), (0.0, 0.15), (0.0, 0.13)),
    "white": ((0, 360), (0.0, 0.04), (0.95, 1.0)),
    "gray": ((0, 360), (0.0, 0.06), (0.40, 0.76)),
}
COLOURS = tuple(_HSV)
COLOUR_WORDS = "|".join(COLOURS)
"""For patterns."""
CHROMATIC = tuple(name for name in COLOURS if name not in ("black", "white", "gray"))
# The shade most programs call by that name, so that a plain CSS "red" or "green" is well covered.
_PURE: dict[str, tuple[RGB, ...]] = {
    "red": ((255, 0, 0), (214, 39, 40), (231, 76, 60), (220, 53, 69)),
    "orange": ((255, 165, 0), (255, 127, 14), (243, 156, 18), (255, 140, 0)),
    "yellow": ((255, 255, 0), (241, 196, 15), (255, 221, 0), (255, 215, 0)),
    "green": ((0, 128, 0), (44, 160, 44), (46, 204, 113), (40, 167, 69), (0, 200, 0)),
    "cyan": ((0, 255, 255), (23, 190, 207), (0, 188, 212)),
    "blue": ((0, 0, 255), (31, 119, 180), (52, 152, 219), (0, 123, 255), (65, 105, 225)),
    "purple": ((128, 0, 128), (148, 103, 189), (155, 89, 182), (111, 66, 193)),
    "pink": ((255, 192, 203), (227, 119, 194), (255, 105, 180)),
    "brown": ((139, 69, 19), (140, 86, 75), (121, 85, 72)),
    "black": ((0, 0, 0), (33, 37, 41)),
    "white": ((255, 255, 255),),
    "gray": ((128, 128, 128), (127, 127, 127), (149, 165, 166), (108, 117, 125), (192, 192, 192)),
}


def shade(rng: random.Random, name: str) -> RGB:
    """A random shade that people call `name`; half of the time a shade that programs call so."""
    if rng.random() < 0.5:
        return rng.choice(_PURE[name])
    hue, saturation, value = (rng.uniform(*bounds) for bounds in _HSV[name])
    r, g, b = colorsys.hsv_to_rgb((hue % 360) / 360, saturation, value)
    return round(r * 255), round(g * 255), round(b * 255)


def luminance(colour: Sequence[int]) -> float:
    """Relative luminance in [0, 1] (WCAG 2.1)."""
    parts = [c / 255 for c in colour]
    lin = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * lin[0] + 0.7152 * lin[1] + 0.0722 * lin[2]


def contrast(a: Sequence[int], b: Sequence[int]) -> float:
    """WCAG contrast ratio, 1 to 21."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def ink_on(rng: random.Random, background: Sequence[int]) -> RGB:
    """A dark or light text colour that can be read on `background`."""
    dark, light = rng.choice(((0, 0, 0), (33, 37, 41), (60, 60, 60))), (255, 255, 255)
    return dark if contrast(dark, background) >= contrast(light, background) else light


def mix(a: Sequence[int], b: Sequence[int], t: float) -> RGB:
    """Linear blend from `a` (t=0) to `b` (t=1)."""
    r, g, b_ = (round(x + (y - x) * t) for x, y in zip(a, b, strict=True))
    return r, g, b_

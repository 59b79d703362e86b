"""Fonts, colours and backdrops for text."""

from __future__ import annotations

import math
import random
import re
from functools import cache
from pathlib import Path

from ..base import Scene, font_files
from ..colours import COLOURS, RGB, contrast, luminance, mix, shade

_BOLD = re.compile(r"(?<!Semi)Bold|Black|Heavy|(?<!Semi)Demi|-Bd|ExtraBold")


@cache
def _faces(held: bool, bold: bool, caps: bool) -> tuple[tuple[str, ...], ...]:
    """Fonts by family; no hairlines, no half-bold cuts, and no script face where all is in capitals."""
    families: dict[str, list[str]] = {}
    for file in font_files(held):
        stem = Path(file).stem
        if re.search(r"Thin|Hairline|ExtraLight|Medium(?!Italic)|Semibold", stem) or (caps and "Z003" in stem):
            continue
        if bool(_BOLD.search(stem)) == bold:
            families.setdefault(re.split(r"[-\d]", stem)[0][:9], []).append(file)
    return tuple(tuple(files) for _, files in sorted(families.items()))


def choose_face(rng: random.Random, held: bool, bold: bool, caps: bool) -> str:
    """A font file ("" means Pillow's own face)."""
    families = _faces(held, bold, caps)
    return rng.choice(rng.choice(families)) if families else ""


def choose_colours(rng: random.Random, style: str) -> tuple[str, RGB, str, RGB]:
    """Text and background colours, by name and shade, that can be told apart (contrast >= 3)."""
    if style == "neon":
        back = rng.choice(((5, 5, 8), (14, 12, 20), (0, 0, 0), (20, 18, 18)))
        name = rng.choice(("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "white"))
        tint = shade(rng, name)
        while contrast(mix(tint, (255, 255, 255), 0.3), back) < 3.5:
            tint = mix(tint, (255, 255, 255), 0.15)
        return name, tint, "black", back
    if style == "chalkboard":
        name = rng.choice(("white", "white", "yellow", "pink", "orange", "cyan"))
        boards = (("green", (36, 92, 58)), ("green", (30, 80, 50)), ("black", (28, 30, 30)), ("black", (18, 20, 22)))
        back_name, back = rng.choice(boards)
        return name, mix(shade(rng, name), (255, 255, 255), 0.2 if name != "pink" else 0), back_name, back
    if rng.random() < 0.1:
        pair = rng.choice((("black", "white"), ("white", "black")))
        return pair[0], shade(rng, pair[0]), pair[1], shade(rng, pair[1])
    while True:
        first = rng.choice(COLOURS)
        tint = shade(rng, first)
        others = [n for n in COLOURS if n != first]
        rng.shuffle(others)
        for other in others:
            second = shade(rng, other)
            if contrast(tint, second) >= 3.2:
                if rng.random() < 0.5:
                    return first, tint, other, second
                return other, second, first, tint


def _near(rng: random.Random, colour: RGB, amount: float) -> RGB:
    """A shade close to `colour`, lighter or darker."""
    return mix(colour, rng.choice(((0, 0, 0), (255, 255, 255))), rng.uniform(0.4, 1) * amount)


def _surrounding(rng: random.Random, sign: RGB) -> RGB:
    """A colour for what is behind a sign: mostly muted, never close to the sign's own."""
    while True:
        kind = rng.random()
        if kind < 0.35:
            level = rng.randint(200, 255)
            colour = (level, level, min(255, level + rng.randint(0, 8)))
        elif kind < 0.5:
            colour = shade(rng, rng.choice(COLOURS))
        else:
            colour = tuple(rng.randint(30, 235) for _ in range(3))  # type: ignore[assignment]
            colour = mix(colour, (128, 128, 128), 0.4)
        if math.dist(colour, sign) > 70 and abs(luminance(colour) - luminance(sign)) > 0.06:
            return colour


_BACKDROPS: dict[str, tuple[str, ...]] = {
    "heading": ("plain", "plain", "plain", "gradient", "noise", "clouds", "stripes", "dots", "grid", "lined"),
    "road_sign": ("horizon", "horizon", "clouds", "plain", "gradient", "bricks", "noise"),
    "shop_sign": ("bricks", "bricks", "planks", "wall", "wall", "plain", "gradient", "clouds"),
    "button": ("plain", "plain", "gradient", "dots", "grid", "noise"),
    "badge": ("plain", "plain", "gradient", "stripes", "clouds", "dots"),
    "label": ("plain", "gradient", "noise", "planks", "clouds", "stripes"),
    "name_plate": ("planks", "planks", "plain", "noise", "gradient", "clouds"),
    "flash_card": ("plain", "planks", "gradient", "clouds", "noise", "grid"),
    "neon": ("plain", "bricks", "gradient", "noise"),
    "chalkboard": ("plain", "clouds", "lined", "grid"),
}


def choose_backdrop(rng: random.Random, style: str, back: RGB, sign: bool, size: tuple[int, int]) -> Scene:
    """What is behind the text, or behind the sign that carries it."""
    kind = rng.choice(_BACKDROPS[style])
    colour = back if not sign else _surrounding(rng, back)
    other = _near(rng, colour, 0.13 if not sign else 0.3)
    if kind == "horizon":
        colour = rng.choice(((135, 190, 235), (160, 200, 230), (190, 205, 215), (110, 165, 225), (235, 205, 170)))
        other = rng.choice(((95, 150, 75), (120, 120, 120), (150, 165, 90), (85, 95, 85), (200, 180, 130)))
    elif kind == "bricks" and style != "neon":
        colour = rng.choice(((165, 85, 65), (190, 120, 95), (205, 200, 190), (140, 140, 135), (110, 60, 50)))
        other = mix(colour, (235, 230, 220), 0.4)
    elif kind == "planks":
        colour = rng.choice(((150, 105, 65), (185, 140, 95), (110, 75, 50), (210, 180, 140), (90, 60, 45)))
        other = mix(colour, (60, 40, 25), 0.15)
    cell = max(5, round(max(size) * rng.uniform(0.03, 0.08)))
    level = round(rng.uniform(0.55, 0.9), 3)
    return {
        "kind": kind, "colour": list(colour), "other": list(other), "angle": rng.randint(0, 359), "cell": cell,
        "level": level,
    }  # fmt: skip

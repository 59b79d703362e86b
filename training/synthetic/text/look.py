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
        if not file:  # Pillow's own face, which has no bold cut
            families.setdefault("", [file])
            continue
        if re.search(r"Thin|Hairline|ExtraLight|Medium(?!Italic)|Semi[Bb]old", stem) or (caps and "Z003" in stem):
            continue
        if bool(_BOLD.search(stem)) == bold:
            families.setdefault(re.split(r"[-\d]", stem)[0][:9], []).append(file)
    return tuple(tuple(files) for _, files in sorted(families.items()))


def choose_face(rng: random.Random, held: bool, bold: bool, caps: bool) -> str:
    """A font file ("" means Pillow's own face)."""
    families = _faces(held, bold, caps)
    return rng.choice(rng.choice(families)) if families else ""


def choose_effects(rng: random.Random, held: bool, many: bool, ink: RGB, back: RGB) -> Scene:
    """What is done to the letters: room between them, another width, weight or slope, ink that is not even, a shadow.

    The held-out styles keep to the plainest of these.
    """
    effects: Scene = {
        "tracking": 0, "shadow": None, "stroke": 0, "underline": not many and rng.random() < 0.12,
        "stretch": 1.0, "shear": 0.0, "weight": 0.0, "ink": "even", "soft": False,
    }  # fmt: skip
    if rng.random() < 0.12:
        effects["tracking"] = round(rng.uniform(0.05, 0.25), 2)
    if held:
        return effects
    if not effects["tracking"]:
        roll = rng.random()
        if roll < 0.13 and luminance(back) > 0.1:
            shift = rng.choice(([0.04, 0.05], [0.03, 0.03], [0.07, 0.07], [-0.04, 0.05]))
            effects |= {"shadow": shift, "shadow_colour": list(mix(back, (0, 0, 0), 0.35)), "soft": rng.random() < 0.5}
        elif roll < 0.2:
            edge = (0, 0, 0) if luminance(ink) > 0.2 else (255, 255, 255)
            effects |= {"stroke": 0.03, "stroke_colour": list(edge)}
    if rng.random() < 0.3:
        effects["stretch"] = round(math.exp(rng.uniform(-0.3, 0.3)), 2)
    if rng.random() < 0.12:
        effects["shear"] = round(rng.uniform(0.18, 0.3), 2)
    if rng.random() < 0.15 and not effects["stroke"]:
        effects["weight"] = round(rng.uniform(0.01, 0.03), 3)
    effects["ink"] = rng.choices(("even", "gradient", "grain", "thin", "outline"), (72, 8, 8, 8, 4))[0]
    if effects["ink"] == "outline":
        effects |= {"stroke": 0, "weight": 0.0}
    return effects


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
    if style == "whiteboard":
        name = rng.choice(("black", "black", "blue", "red", "green", "purple"))
        level = rng.randint(244, 255)
        return name, shade(rng, name), "white", (level, level, level)
    if style == "screen":
        back_name = rng.choice(("black", "black", "black", "blue", "green"))
        name = rng.choice([n for n in ("white", "white", "yellow", "green", "cyan", "orange") if n != back_name])
        dark = {"black": (14, 17, 22), "blue": (16, 40, 120), "green": (8, 70, 40)}
        back = mix(dark[back_name], shade(rng, back_name), rng.uniform(0, 0.25))
        tint = shade(rng, name)
        while contrast(tint, back) < 4:
            tint = mix(tint, (255, 255, 255), 0.15)
        return name, tint, back_name, back
    if style == "sticky_note":
        back_name = rng.choice(("yellow", "yellow", "pink", "orange", "green", "cyan"))
        while True:
            ink_name = rng.choice(("black", "black", "blue", "red", "purple", "brown"))
            tint, back = shade(rng, ink_name), shade(rng, back_name)
            if contrast(tint, back) >= 3.2:
                return ink_name, tint, back_name, back
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
    "whiteboard": ("plain", "plain", "gradient", "lined", "grid"),
    "screen": ("plain", "gradient", "wall", "planks"),
    "sticky_note": ("plain", "planks", "gradient", "clouds", "grid"),
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

"""The colours of a floor plan."""

from __future__ import annotations

import random
from typing import Any

from ..colours import CHROMATIC, RGB, contrast, ink_on, mix, shade


def _strong(rng: random.Random, background: RGB, least: float = 4) -> tuple[str, RGB]:
    """A named colour that stands out from `background`."""
    while True:
        name = rng.choice(CHROMATIC)
        colour = shade(rng, name)
        if contrast(colour, background) >= least:
            return name, colour


def choose_paint(rng: random.Random, style: str) -> dict[str, Any]:
    """Colours of the parts, with the names that questions may ask for ("" where none fits)."""
    white, black = (255, 255, 255), (0, 0, 0)
    paper = rng.choice((white, white, white, (250, 248, 240), (238, 240, 243)))
    names = {"background": "white" if paper == white else "", "wall": "black"}
    ink = rng.choice((black, (20, 20, 20), (33, 37, 41)))
    floor: RGB | None = None
    if style == "blueprint":
        paper = rng.choice(((0, 60, 140), (18, 64, 148), (30, 80, 170), (10, 45, 120), (28, 70, 130), (0, 72, 186)))
        ink = rng.choice((white, white, (235, 245, 255)))
        names = {"background": "blue", "wall": "white"}
    elif style in ("dark", "cad"):
        paper = rng.choice((black, (16, 16, 18), (24, 26, 28))) if style == "dark" else black
        ink = rng.choice((white, (240, 240, 240)))
        names = {"background": "black", "wall": "white"}
    if style == "cad" or (style in ("line", "poche", "dark", "sketch") and rng.random() < 0.5):
        names["wall"], ink = _strong(rng, paper)
    fill = ink
    if style == "line":
        fill = paper
    elif style == "gray":
        paper, floor = white, rng.choice((white, (225, 225, 225), (210, 210, 210)))
        names = {"background": "white", "wall": ""}
        fill = rng.choice(((130, 130, 130), (150, 150, 150), (110, 110, 110)))
        ink = rng.choice((fill, fill, (40, 40, 40)))
        names["wall"] = "gray" if ink == fill else ""
    elif style in ("colour", "blueprint", "cad", "dark") and rng.random() < 0.4:
        fill = paper
    elif style == "poche" and rng.random() < 0.35:
        paper, floor = rng.choice(((222, 226, 230), (214, 205, 190), (200, 215, 200))), white
        names["background"] = ""
        ink = fill = rng.choice((black, (30, 30, 30)))
        names["wall"] = "black"
    base = floor or paper
    glass = paper if style == "gray" else base
    detail = ink if rng.random() < 0.5 else mix(ink, base, 0.3)
    text = ink if contrast(ink, base) >= 4.5 else ink_on(rng, base)
    paint: dict[str, Any] = {
        "background": paper, "wall": ink, "wall_fill": fill, "furniture": detail, "door": ink, "window": ink,
        "glass": rng.choice((glass, glass, mix(base, (120, 190, 240), 0.5))), "text": text, "floor": floor,
        "names": names,
    }  # fmt: skip
    if style == "cad":
        for part in ("furniture", "door", "window", "text"):
            paint[part] = _strong(rng, paper, 5)[1]
    elif rng.random() < 0.2:
        paint["door"] = _strong(rng, base)[1]
    return paint


def room_fills(rng: random.Random, types: list[str]) -> dict[str, tuple[str, RGB]]:
    """A different named colour for each room type, sometimes as light as floor plans like them."""
    names = rng.sample(CHROMATIC, len(CHROMATIC))
    kinds = sorted(set(types))
    light = rng.random() < 0.5
    fills = {}
    for room_type, name in zip(kinds, [*names, "gray", "white"], strict=False):
        colour = shade(rng, name)
        if light and name in ("green", "yellow", "purple", "blue", "red"):
            # Beyond this red turns pink, and light blue would pass for cyan.
            colour = mix(
                colour, (255, 255, 255), rng.uniform(0.2, 0.5) if name in ("green", "yellow", "purple") else 0.12
            )
        fills[room_type] = (name, colour)
    return fills

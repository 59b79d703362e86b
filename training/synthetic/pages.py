"""Pages full of letters, for `dense` stages and cut-outs: nothing is asked about one as a whole.

A sign holds five letters and a page fifty, so a tower meets ten times as many of them in the same
time; on most pages they are as large as on a sign. Blocks of unlike fonts, sizes, colours and slopes
stand side by side, as no real page has them; their words come from the studio's own lists, without
those that training never sees.
"""

from __future__ import annotations

import random
import re

import numpy as np
from PIL import Image

from .base import QA, Box, Canvas, Region, Scene, text_size
from .colours import COLOURS, contrast, shade
from .text.draw import draw_line
from .text.look import choose_effects, choose_face
from .words import code, number, single, token, word

NAME = "pages"
STYLES = HELD_OUT_STYLES = ("page",)
FACTS = re.compile("page")
WRITTEN: frozenset[str] = frozenset()
SMALLEST, LARGEST = 9, 110
"""Font heights in pixels."""


def _split(rng: random.Random, box: Box, least: float) -> list[Box]:
    """A box cut in two again and again, until most pieces are near `least` pixels."""
    x0, y0, x1, y1 = box
    wide, high = x1 - x0, y1 - y0
    if max(wide, high) < 2 * least or (max(wide, high) < 4 * least and rng.random() < 0.3):
        return [box]
    share = rng.uniform(0.35, 0.65)
    if high > wide or (high > 0.6 * wide and rng.random() < 0.5):
        middle = y0 + share * high
        halves = (x0, y0, x1, middle), (x0, middle, x1, y1)
    else:
        middle = x0 + share * wide
        halves = (x0, y0, middle, y1), (middle, y0, x1, y1)
    return [piece for half in halves for piece in _split(rng, half, least)]


def _written(rng: random.Random) -> str:
    """A word, name, code, number or single sign."""
    kind = rng.choices((word, code, number, single), (70, 10, 12, 8))[0]
    text = token(rng, False, kind)
    return text if kind is not word else rng.choice((text.upper(), text.lower(), text.capitalize()))


def _wide(text: str, file: str, size: float, effects: Scene) -> float:
    """How wide a line is, in pixels; measured at one size, since sizes here are many."""
    spread = text_size(text, file, 100)[0] / 100 + effects["tracking"] * (len(text) - 1)
    return float(size * (spread * effects["stretch"] + effects["shear"]))


def _lines(rng: random.Random, box: Box, file: str, size: float, effects: Scene) -> list[Scene]:
    """Lines of words of one size that fit into the box, set flush left, or centred."""
    x0, y0, x1, y1 = box
    lead, centred, found = rng.uniform(1.0, 1.5), rng.random() < 0.4, []
    fitting = max(1, int((y1 - y0) / (lead * size)))
    count = min(fitting, rng.randint(1, 8))
    y = y0 + lead * size / 2 + rng.random() * max(0.0, y1 - y0 - count * lead * size)
    for _ in range(count):
        text, width = "", 0.0
        for _ in range(12):
            longer = f"{text} {_written(rng)}".strip()
            wide = _wide(longer, file, size, effects)
            if wide > x1 - x0 - 4:
                break
            text, width = longer, wide
            if rng.random() < 0.15:
                break
        if text:
            middle = (x0 + x1) / 2 if centred else x0 + 2 + width / 2
            found.append({"text": text, "x": middle, "y": y, "width": width, "size": size})
        y += lead * size
    return found


def _words(rng: random.Random, box: Box, file: str, effects: Scene) -> list[Scene]:
    """Words below each other, each nearly as wide as the box: a sign has letters as large, a label never."""
    x0, y0, x1, y1 = box
    found, y = [], y0
    for _ in range(12):
        text = _written(rng)
        fitting = (x1 - x0 - 4) / _wide(text, file, 1, effects)
        size = min(fitting * rng.uniform(0.6, 1), (y1 - y0) * rng.uniform(0.5, 0.9), LARGEST)
        above, below = size * rng.uniform(0.5, 0.7), size * rng.uniform(0.5, 0.7)
        if size < SMALLEST or y + above + size / 2 > y1:
            continue
        width = _wide(text, file, size, effects)
        middle = (x0 + x1) / 2 + rng.uniform(-0.5, 0.5) * max(0.0, x1 - x0 - 4 - width)
        found.append({"text": text, "x": middle, "y": y + above, "width": width, "size": size})
        y += above + below
    return found


def _block(rng: random.Random, box: Box, large: bool) -> Scene:
    """What is written in one piece of the page, and how it looks."""
    while True:
        back_name, ink_name = rng.sample(COLOURS, 2)
        back, ink = shade(rng, back_name), shade(rng, ink_name)
        if contrast(back, ink) >= rng.choice((1.8, 3, 4.5)):
            break
    bold = rng.random() < 0.35
    file = choose_face(rng, False, bold, caps=False)
    effects = choose_effects(rng, False, True, ink, back)
    if large:
        lines = _words(rng, box, file, effects)
    else:
        high, wide = box[3] - box[1], box[2] - box[0]
        size = max(SMALLEST, min(LARGEST, high * 0.9, wide * 0.7) * rng.uniform(0.25, 1))
        lines = _lines(rng, box, file, size, effects)
    angle = rng.uniform(-20, 20) if len(lines) == 1 and rng.random() < 0.4 else 0
    return {
        "box": box, "back": back, "back_name": back_name, "ink": ink, "ink_name": ink_name, "font": file,
        "bold": bold, "angle": angle, "effects": effects, "lines": lines,
    }  # fmt: skip


def compose(rng: random.Random, style: str) -> Scene:
    """Blocks that fill a page of 160 to 288 pixels a side."""
    size, large = (rng.randint(160, 288), rng.randint(160, 288)), rng.random() < 0.8
    pieces = _split(rng, (0, 0, *size), rng.choice((45, 60, 90, 120) if large else (30, 45, 60, 90)))
    blocks = [_block(rng, box, large) for box in pieces]
    return {"size": size, "scale": rng.choice((1, 2, 2)), "seed": rng.getrandbits(31), "blocks": blocks}


def draw(scene: Scene) -> Image.Image:
    rng = np.random.default_rng(scene["seed"])
    canvas = Canvas.of(scene, (255, 255, 255))
    for block in scene["blocks"]:
        x0, y0, x1, y1 = block["box"]
        canvas.rect(x0, y0, x1, y1, fill=tuple(block["back"]))
    for block in scene["blocks"]:  # after all of the paper: a slanted line may leave its block
        look = {"style": "page", "shape": None, "backdrop": {"colour": block["back"]}}
        for line in block["lines"]:
            draw_line(canvas, {**look, **block}, {**line, "font": block["font"], "colour": block["ink"]}, rng)
    return canvas.finish()


def regions(scene: Scene) -> list[Region]:
    """The page, its blocks, and the colour, weight and case of every line."""
    found = [Region((0, 0, *scene["size"]), ("family:pages",))]
    for block in scene["blocks"]:
        words = [f"background:{block['back_name']}"]
        found.append(Region(block["box"], (block["back_name"], *words)))
        words += [f"ink:{block['ink_name']}", "bold" if block["bold"] else "regular"]
        for line in block["lines"]:
            text, half, tall = line["text"], line["width"] / 2, line["size"] * 0.4
            case = ["upper case"] * text.isupper() + ["lower case"] * text.islower()
            box = line["x"] - half, line["y"] - tall, line["x"] + half, line["y"] + tall
            found.append(Region(box, (*words, *case)))
    return found


def captions(scene: Scene, rng: random.Random) -> dict[str, str]:
    return dict.fromkeys(("short", "detailed"), "A page of words.")


def questions(scene: Scene, rng: random.Random) -> list[QA]:
    """None: there is too much on it for one answer to be the right one."""
    return []

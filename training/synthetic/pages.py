"""Pages full of letters, for `dense` stages alone: nothing is ever asked about them.

A sign holds five letters and a page fifty, so a tower meets ten times as many of them in the same
time. Blocks of unlike fonts, sizes, colours and slopes stand side by side, as no real page has
them; their words come from the studio's own lists, without those that training never sees.
"""

from __future__ import annotations

import random
import re

from PIL import Image

from .base import QA, Box, Canvas, Region, Scene, text_size
from .colours import COLOURS, contrast, shade
from .text.look import choose_face
from .words import code, number, single, token, word

NAME = "pages"
STYLES = HELD_OUT_STYLES = ("page",)
FACTS = re.compile("page")
WRITTEN: frozenset[str] = frozenset()
SMALLEST, LARGEST = 9, 72
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
    text = token(rng, False, rng.choices((word, code, number, single), (70, 10, 12, 8))[0])
    return rng.choice((text.upper(), text.lower(), text.capitalize()))


def _lines(rng: random.Random, box: Box, file: str, size: float, lead: float) -> list[Scene]:
    """Lines of words that fit into the box, set flush left, or centred."""
    x0, y0, x1, y1 = box
    centred, found = rng.random() < 0.4, []
    fitting = max(1, int((y1 - y0) / (lead * size)))
    count = min(fitting, rng.randint(1, 8))
    y = y0 + lead * size / 2 + rng.random() * max(0.0, y1 - y0 - count * lead * size)
    for _ in range(count):
        text, width = "", 0.0
        for _ in range(12):
            longer = f"{text} {_written(rng)}".strip()
            wide = text_size(longer, file, size)[0]
            if wide > x1 - x0 - 4:
                break
            text, width = longer, wide
            if rng.random() < 0.15:
                break
        if text:
            middle = (x0 + x1) / 2 if centred else x0 + 2 + width / 2
            found.append({"text": text, "x": middle, "y": y, "width": width})
        y += lead * size
    return found


def _block(rng: random.Random, box: Box) -> Scene:
    """What is written in one piece of the page, and how it looks."""
    while True:
        back_name, ink_name = rng.sample(COLOURS, 2)
        back, ink = shade(rng, back_name), shade(rng, ink_name)
        if contrast(back, ink) >= rng.choice((1.8, 3, 4.5)):
            break
    bold = rng.random() < 0.35
    file = choose_face(rng, False, bold, caps=False)
    high, wide = box[3] - box[1], box[2] - box[0]
    size = max(SMALLEST, min(LARGEST, high * 0.9, wide * 0.7) * rng.uniform(0.25, 1))
    lines = _lines(rng, box, file, size, rng.uniform(1.0, 1.5))
    angle = rng.uniform(-20, 20) if len(lines) == 1 and rng.random() < 0.4 else 0
    return {
        "box": box, "back": back, "back_name": back_name, "ink": ink, "ink_name": ink_name, "font": file,
        "bold": bold, "size": size, "angle": angle, "lines": lines,
    }  # fmt: skip


def compose(rng: random.Random, style: str) -> Scene:
    """Blocks that fill a page of 160 to 288 pixels a side."""
    size = rng.randint(160, 288), rng.randint(160, 288)
    pieces = _split(rng, (0, 0, *size), rng.choice((30, 45, 60, 90)))
    return {"size": size, "scale": rng.choice((1, 2, 2)), "blocks": [_block(rng, box) for box in pieces]}


def draw(scene: Scene) -> Image.Image:
    canvas = Canvas.of(scene, (255, 255, 255))
    for block in scene["blocks"]:
        x0, y0, x1, y1 = block["box"]
        canvas.rect(x0, y0, x1, y1, fill=tuple(block["back"]))
    for block in scene["blocks"]:  # after all of the paper: a slanted line may leave its block
        for line in block["lines"]:
            place, ink = (line["x"], line["y"]), tuple(block["ink"])
            canvas.text(*place, line["text"], block["font"], block["size"], ink, angle=block["angle"])
    return canvas.finish()


def regions(scene: Scene) -> list[Region]:
    """The page, its blocks, and the colour, weight and case of every line."""
    found = [Region((0, 0, *scene["size"]), ("family:pages",))]
    for block in scene["blocks"]:
        words = [f"background:{block['back_name']}"]
        found.append(Region(block["box"], (block["back_name"], *words)))
        words += [f"ink:{block['ink_name']}", "bold" if block["bold"] else "regular"]
        for line in block["lines"]:
            text, half, tall = line["text"], line["width"] / 2, block["size"] * 0.4
            case = ["upper case"] * text.isupper() + ["lower case"] * text.islower()
            box = line["x"] - half, line["y"] - tall, line["x"] + half, line["y"] + tall
            found.append(Region(box, (*words, *case)))
    return found


def captions(scene: Scene, rng: random.Random) -> dict[str, str]:
    return dict.fromkeys(("short", "detailed"), "A page of words.")


def questions(scene: Scene, rng: random.Random) -> list[QA]:
    """None: there is too much on it for one answer to be the right one."""
    return []

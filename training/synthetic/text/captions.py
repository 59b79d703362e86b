"""What captions of text say."""

from __future__ import annotations

import random
import re

from ..base import Scene, article, say
from ..colours import COLOUR_WORDS
from . import phrases
from .truth import one_colour, slope_of, whole
from .words import NOUNS, PLACES, SHAPE_NAMES

FACTS = re.compile(
    rf'reads "[^"]+"|(?:{COLOUR_WORDS}) (?:text|background|border)|'
    rf"(?:{'|'.join(sorted(SHAPE_NAMES, key=len, reverse=True))}) shape|arrow points (?:left|right)|"
    r"slopes (?:up|down)|(?:two|three) lines"
)
_LINE_COUNTS = {2: "two", 3: "three"}


def captions(scene: Scene, rng: random.Random) -> dict[str, str]:
    """Short, detailed, alternative text and tags."""
    lines, shape, thing = scene["lines"], scene["shape"], NOUNS[scene["style"]][0]
    text, ink, back = whole(scene), one_colour(scene), scene["background"]
    slots = {"thing": thing, "a_thing": article(thing), "text": text, "ink": ink, "back": back, "a_back": article(back)}
    facts: list[str] = []
    if len(lines) == 1:
        facts.append(say(rng, phrases.ONE_LINE, **slots))
    else:
        facts.append(say(rng, phrases.SEVERAL_LINES, n=_LINE_COUNTS[len(lines)], **slots))
        for place, line in zip(PLACES[len(lines)], lines, strict=True):
            facts.append(f'The {place} line reads "{line["text"]}" in {line["colour_name"]} text.')
    if shape:
        name = shape["kind"]
        border = f"has {article(shape['border_name'])} border" if shape["border"] else "has no border"
        facts.append(
            say(rng, "[It|The {thing}] has {form} shape and {border}.", form=article(name), border=border, **slots)
        )
        if name == "arrow":
            facts.append(f"The arrow points {shape['direction']}.")
    if slope_of(scene):
        facts.append(f"The text slopes {slope_of(scene)}.")
    slots["A_thing"] = slots["a_thing"].capitalize()
    short = say(rng, rng.choice(phrases.SHORT), **slots)
    alt = say(rng, rng.choice(phrases.ALT), of=f" in {ink}" if ink else "", **slots)
    tags = [thing, "text", f"{back} background", *([f"{ink} text"] if ink else [])]
    if shape:
        tags.append(shape["kind"])
    return {"short": short, "detailed": " ".join(facts), "alt": alt, "tags": ", ".join([*tags, text])}

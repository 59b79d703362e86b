"""What captions of floor plans say."""

from __future__ import annotations

import random
import re

from ..base import Scene, article, join, plural, say
from ..colours import COLOUR_WORDS
from . import phrases
from .truth import Plan
from .words import NAMES

_PLACES = ("top left", "top right", "bottom left", "bottom right", "top", "bottom", "left", "right", "center")
FACTS = re.compile(
    rf"\d+ (?:rooms?|{'|'.join(plural(t) + '|' + t for t in NAMES)}|doors?|windows?|beds?)\b"
    rf"|(?:{'|'.join(NAMES)}) is at the (?:{'|'.join(_PLACES)})\b"
    rf"|(?:largest|smallest) room is the (?:{'|'.join(NAMES)})"
    rf"|(?:{'|'.join(NAMES)}) is (?:{COLOUR_WORDS})\b|blueprint"
    rf"|walls are (?:{COLOUR_WORDS})\b|background is (?:{COLOUR_WORDS})\b"
)


def captions(scene: Scene, rng: random.Random) -> dict[str, str]:
    """Short, detailed and alternative text, and tags."""
    plan = Plan(scene)
    n, beds, baths = len(plan.rooms), plan.count["bedroom"], plan.count["bathroom"]
    blueprint = scene["style"] == "blueprint"
    noun = "blueprint floor plan" if blueprint else rng.choice(("floor plan", "floor plan", "architectural floor plan"))
    a = article(noun).split()[0].capitalize()
    rooms = f"{n} rooms"
    kinds = [f"{c} {plural(t, c)}" for t, c in plan.count.most_common()]
    has = [f"{c} {plural(w, c)}" for w, c in (("bedroom", beds), ("bathroom", baths)) if c]
    home = join(has) if has else rooms
    short = say(rng, rng.choice(phrases.SHORT), a=a, noun=noun, cap=noun.capitalize(), rooms=rooms, most=home)
    doors, windows = len(scene["doors"]), len(scene["windows"])
    d, w = f"{doors} {plural('door', doors)}", f"{windows} {plural('window', windows)}"
    first = "[{a}|This is {b}|The picture shows {b}] {noun} with {rooms}: {kinds}."
    parts = [say(rng, first, a=a, b=a.lower(), noun=noun, rooms=rooms, kinds=join(kinds))]
    parts.append(say(rng, "[It has|There are|The plan has] {d} and {w}.", d=d, w=w))
    known = [i for i in range(n) if plan.single(i) and plan.place(i)]
    for i in known[:2]:
        parts.append(f"The {plan.rooms[i]['name']} is at the {plan.place(i)}.")
    if (big := plan.extreme(True)) is not None:
        parts.append(f"The largest room is the {plan.rooms[big]['name']}.")
    coloured = {r["name"]: r["colour"] for r in plan.rooms if r["colour"]}
    if coloured:
        some = list(coloured.items())[:3]
        parts.append("The " + join([f"{name} is {colour}" for name, colour in some]) + ".")
    else:
        if name := scene["paint"]["names"]["wall"]:
            parts.append(f"The walls are {name}.")
        if name := scene["paint"]["names"]["background"]:
            parts.append(f"The background is {name}.")
    alt = say(rng, rng.choice(phrases.ALT), cap=noun.capitalize(), rooms=rooms, some=join(kinds[:3]), d=d, w=w)
    tags = [
        "floor plan",
        *(["blueprint"] if blueprint else []),
        *rng.sample(("architecture", "house", "layout", "rooms"), 2),
        *sorted(plan.count),
    ]
    return {"short": short, "detailed": " ".join(parts), "alt": alt, "tags": ", ".join(tags)}

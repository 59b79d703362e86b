"""What captions of shapes say."""

from __future__ import annotations

import random
import re

from ..base import Scene, article, capital, join, plural, say
from ..colours import COLOUR_WORDS
from .truth import View, name_of, place_of, reading_order, side_of
from .words import KINDS, PHRASE

_THING = rf"(?:{COLOUR_WORDS}) (?:{'|'.join(f'{re.escape(plural(k))}|{k}' for k in KINDS)})\b"
FACTS = re.compile(
    rf"{_THING} is (?:left of|right of|above|below) the {_THING}|\d+ shapes?\b|\d+ {_THING}|{_THING}"
    rf"|(?:light |dark )?(?:{COLOUR_WORDS}) background"
    r"|at the (?:(?:top|bottom)(?: left| right)?|left|right|centre)\b"
)


def _counted(view: View) -> list[str]:
    return [f"{n} {plural(name, n)}" if n > 1 else article(name) for name, n in view.names.most_common()]


def captions(scene: Scene, rng: random.Random) -> dict[str, str]:
    """Short, detailed, alternative text and tags."""
    view, things = View(scene, rng), reading_order(scene["objects"])
    n, ground = len(things), f"{scene['background']['name']} background"
    everything = join(_counted(view))
    few, several = (
        "{all} [on|against|over] {ground}",
        "[{n} shapes on|{n} geometric shapes on|A composition of {n} shapes on]",
    )
    short = say(rng, few if n <= 3 else several + " {ground}", n=n, all=everything, ground=article(ground))
    first = "[The picture shows {c} on|There {is} {c} on|{c} on] {ground}.".replace("{is}", "is" if n == 1 else "are")
    parts = [say(rng, first, c=f"{n} {plural('shape', n)}", ground=article(ground))]
    if n <= 4:
        for o in things:
            look = [o["size"]] * bool(o["size"]) + [o["fill"]] * (o["fill"] != "solid")
            place = place_of(scene, o)
            extra = f", {', '.join(look)}" if look else ""
            at = f" at the {place}" if place else ""
            thing = article(name_of(o))
            parts.append(
                say(rng, "[{thing}{at}{extra}.|There is {thing}{at}{extra}.]", thing=thing, at=at, extra=extra)
            )
    else:
        parts.append(f"They are {everything}.")
    facts = [
        f"The {name_of(a)} is {PHRASE[side_of(a, b)]} the {name_of(b)}."
        for a in things
        for b in things
        if a is not b and side_of(a, b) and view.names[name_of(a)] == view.names[name_of(b)] == 1
    ]
    if facts and n <= 4:
        parts.append(rng.choice(facts))
    listed = everything if n <= 4 else f"{n} shapes: {everything}"
    alt = say(rng, "{all} [on|against] {ground}.", all=listed, ground=article(ground))
    tags = [*dict.fromkeys([*view.kinds, *view.colours]), "geometric shapes", ground]
    return {
        "short": capital(short) + rng.choice((".", "")),
        "detailed": " ".join(capital(p) for p in parts),
        "alt": capital(alt),
        "tags": ", ".join(tags),
    }

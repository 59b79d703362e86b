"""What captions of palettes say."""

from __future__ import annotations

import random
import re

from ..base import ORDINALS, Scene, capital, join, say
from ..colours import COLOUR_WORDS
from .truth import extreme, order_of

FACTS = re.compile(
    rf"\d+ (?:swatches|colours)\b|(?:in a|as a) (?:row|column|grid|ring)\b|#?\b[0-9a-f]{{6}}\b"
    rf"|(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth): (?:{COLOUR_WORDS})\b"
    rf"|(?:darkest|lightest) is (?:{COLOUR_WORDS})\b"
)


def captions(scene: Scene, rng: random.Random) -> dict[str, str]:
    """Short, detailed, alternative text and tags."""
    names = [s["colour"] for s in scene["swatches"]]
    n, layout = len(names), scene["layout"]
    hexes = [s["label"] for s in scene["swatches"] if "label" in s]
    short = say(
        rng,
        "[A palette of {n}|{n} colour|A colour palette with {n}] swatches [in|arranged in] a {layout}",
        n=n,
        layout=layout,
    )
    parts = [say(rng, "[A colour palette of|The palette has] {n} swatches in a {layout}.", n=n, layout=layout)]
    parts.append(
        say(rng, "[|In order, ]" + order_of(scene) + ":")
        + " "
        + ", ".join(f"{ORDINALS[i]}: {c}" for i, c in enumerate(names))
        + "."
    )
    if hexes:
        parts.append(say(rng, "[The labels read|Hex codes:|Labelled] {h}.", h=", ".join(hexes)))
    ends = [f"{word} is {s['colour']}" for word in ("darkest", "lightest") if (s := extreme(scene, word == "darkest"))]
    if ends and not (hexes and n > 6):
        parts.append(f"The {' and the '.join(ends)}.")
    unique = list(dict.fromkeys(names))
    alt = say(rng, "[Colour palette|A palette] of {n} swatches in a {layout}: {c}.", n=n, layout=layout, c=join(names))
    tags = ["colour palette", layout, *unique] + ["hex codes"] * bool(hexes)
    return {
        "short": short + rng.choice((".", "")),
        "detailed": " ".join(capital(p) for p in parts),
        "alt": alt,
        "tags": ", ".join(tags),
    }

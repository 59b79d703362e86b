"""What stands where in a composition, in words of a closed vocabulary."""

from __future__ import annotations

import math
from collections import Counter

from ..base import Box, Region, Scene
from .draw import area, outline
from .truth import place_of, superlatives
from .words import SIDES, Thing

_WAYS = {0: "right", 90: "down", 180: "left", 270: "up"}


def _box(o: Thing) -> Box:
    """The bounding box shrunk about the thing's middle to the thing's own area (less for a mere outline)."""
    xs, ys = zip(*outline(o), strict=True)
    share = math.sqrt(area(o) / ((max(xs) - min(xs)) * (max(ys) - min(ys))))
    share **= 0.5 if o["fill"] == "outlined" else 1
    x0, x1 = (o["x"] + (x - o["x"]) * share for x in (min(xs), max(xs)))
    y0, y1 = (o["y"] + (y - o["y"]) * share for y in (min(ys), max(ys)))
    return x0, y0, x1, y1


def _look(scene: Scene, o: Thing) -> list[str]:
    """Words that are true of the thing whatever else is in the picture."""
    words = [o["kind"], o["colour"]]
    if o["fill"] != "solid" or (scene["style"] != "sketch" and o["kind"] != "ring"):
        words.append(o["fill"])  # a sketch hatches what is solid, and a solid ring is neither filled nor hollow
    if o["size"]:
        words.append(o["size"])
    if place := place_of(scene, o):
        words.append(f"at:{place}")
    if o["kind"] == "arrow":
        words.append(f"points:{_WAYS[o['rotation']]}")
    if o["kind"] in SIDES:
        words.append(f"sides:{SIDES[o['kind']]}")
    return words


def _whole(scene: Scene) -> Region:
    ground, things = scene["background"], scene["objects"]
    words = ["family:shapes", f"texture:{ground['kind']}", f"count:{len(things)}"]
    words += [f"background:{name}" for name in dict.fromkeys((ground["base"], ground["name"]))]
    words.append(f"colours:{len({o['colour'] for o in things})}")
    words.append(f"kinds:{len({o['kind'] for o in things})}")
    width, height = scene["size"]
    return Region((0, 0, width, height), tuple(words))


def regions(scene: Scene) -> list[Region]:
    """The picture, then its things in the order in which they are drawn."""
    things = scene["objects"]
    most = list(superlatives(things))
    same = {key: Counter(o[key] for o in things) for key in ("kind", "colour")}
    result = [_whole(scene)]
    for o in things:
        words = _look(scene, o) + [word for word, who in most if who is o]
        words += [f"same {key}:{counts[o[key]]}" for key, counts in same.items() if counts[o[key]] > 1]
        result.append(Region(_box(o), tuple(words)))
    return result

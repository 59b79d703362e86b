"""What stands where in a palette, in words of a closed vocabulary."""

from __future__ import annotations

import math
import re
from collections import Counter

from ..base import Box, Region, Scene, text_size
from ..boxes import polygon_area
from ..colours import luminance
from .draw import CORNERS, polygon, standing
from .truth import extreme, lightness, mood_of, places_of

_DISC = math.sqrt(math.pi) / 2
"""Half the side of the square that has the area of a disc of radius 1."""


def _square(x: float, y: float, half: float) -> Box:
    return x - half, y - half, x + half, y + half


def _on_ring(scene: Scene, i: int) -> Box:
    """A disc of a wheel, or the box of a wedge's area about the middle of its arc."""
    (width, height), share = scene["size"], math.pi / len(scene["swatches"])
    r, sin, cos = min(width, height) * 0.44, math.sin(2 * share * i), math.cos(2 * share * i)
    if scene["style"] == "wheel":
        half = min(r * 0.3, r * 0.72 * math.sin(share) * 0.86) * _DISC
        return _square(width / 2 + r * 0.7 * sin, height / 2 - r * 0.7 * cos, half)
    if scene["form"] in ("tile", "petal"):
        corners = standing(scene, i)
        x, y = (sum(point[k] for point in corners) / len(corners) for k in (0, 1))
        return _square(x, y, math.sqrt(polygon_area(corners)) / 2)
    away, depth = r * (1 + scene["hole"]) / 2, r * (1 - scene["hole"]) / 2
    long = away * share * 0.85
    across, down = abs(cos) * long + abs(sin) * depth, abs(sin) * long + abs(cos) * depth
    fit = 0.9 * math.sqrt(long * depth / (across * down))
    x, y = width / 2 + away * sin, height / 2 - away * cos
    return x - across * fit, y - down * fit, x + across * fit, y + down * fit


def _overlapping(scene: Scene, i: int) -> Box:
    """What can be seen of one of the discs, which cover the one before them."""
    (width, height), n = scene["size"], len(scene["swatches"])
    along, over = (width, height) if scene["layout"] == "row" else (height, width)
    r = min(over * 0.44, along * 0.94 / (2 + 1.5 * (n - 1)))
    at, half = along / 2 + 0.75 * r * (2 * i - n + 1), r * _DISC
    near, far, low, high = at - half, at + (half if i == n - 1 else 1.5 * r - half), over / 2 - half, over / 2 + half
    return (near, low, far, high) if scene["layout"] == "row" else (low, near, high, far)


def _in_box(scene: Scene, i: int) -> tuple[Box, float]:
    """The coloured part of a box, a disc or a card, and the height at which a label has its middle."""
    x0, y0, x1, y1 = scene["boxes"][i]
    short, size = min(x1 - x0, y1 - y0), scene.get("text_size", 0)
    middle = (y0 + y1) / 2
    if scene["form"] == "disc":
        return _square((x0 + x1) / 2, middle, short / 2 * 0.94 * _DISC), middle
    if scene["form"] in CORNERS:
        corners = polygon(0, 0, short * 0.48, CORNERS[scene["form"]])
        return _square((x0 + x1) / 2, middle, math.sqrt(polygon_area(corners)) / 2), middle
    if scene["form"] == "card":
        pad, foot = short * 0.06, y1 - max(size * 1.7, (y1 - y0) * 0.2)
        return (x0 + pad, y0 + pad, x1 - pad, foot), (foot + y1) / 2
    if scene.get("below"):
        return (x0, y0, x1, y1 - size * 1.6), y1 - size * 0.75
    return (x0, y0, x1, y1), middle


def _places(scene: Scene) -> list[list[str]]:
    """For every swatch the places by which questions call it, each in its first wording."""
    result: list[list[str]] = [[] for _ in scene["swatches"]]
    for phrase, i in places_of(scene).items():
        plain = re.sub(r"\[([^|\]]*)[^\]]*\]", r"\1", phrase)
        result[i] += [f"at:{part}" for part in re.sub(r"^(at|in|on) (the )?", "", plain).split(", ")]
    return result


def _whole(scene: Scene, counts: Counter[str]) -> Region:
    (width, height), mood = scene["size"], mood_of(scene)
    words = ["family:palettes", f"layout:{scene['layout']}", f"count:{counts.total()}", f"colours:{len(counts)}"]
    words.append("background:dark" if luminance(scene["ground"]) < 0.2 else "background:light")
    words.append("labelled" if "text_size" in scene else "unlabelled")
    if scene["layout"] == "grid":
        words += [f"rows:{scene['rows']}", f"columns:{scene['columns']}"]
    if mood:
        words.append(f"mood:{mood}")
    return Region((0, 0, width, height), tuple(words))


def regions(scene: Scene) -> list[Region]:
    """The picture, then every swatch in reading order with its label after it."""
    swatches, places = scene["swatches"], _places(scene)
    counts = Counter(s["colour"] for s in swatches)
    ends = {"darkest": extreme(scene, True), "lightest": extreme(scene, False)}
    result = [_whole(scene, counts)]
    for i, swatch in enumerate(swatches):
        words = [swatch["colour"], f"position:{i + 1}", *places[i]]
        words.append(f"lightness:{min(5, int(lightness(swatch['rgb']) / 20) + 1)}")
        words += [word for word, who in ends.items() if who is swatch]
        if counts[swatch["colour"]] > 1:
            words.append(f"same colour:{counts[swatch['colour']]}")
        if scene["layout"] == "ring":
            result.append(Region(_on_ring(scene, i), tuple(words)))
        elif scene["style"] == "dots":
            result.append(Region(_overlapping(scene, i), tuple(words)))
        else:
            box, y = _in_box(scene, i)
            result.append(Region(box, tuple(words)))
            if "label" in swatch:
                w, h = text_size(swatch["label"], scene["font"], scene["text_size"])
                x, on = (box[0] + box[2]) / 2, words if y < box[3] else words[1:2]
                result.append(Region((x - w / 2, y - h / 2, x + w / 2, y + h / 2), (*on, "label")))
    return result

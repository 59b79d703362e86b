"""What stands where in a text scene, in words of a closed vocabulary; never what is written."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from ..base import Box, Region, Scene, text_size
from .draw import turned
from .truth import distinct, slope_of, whole
from .words import NOUNS, PLACES

_INSIDE = {
    **dict.fromkeys(("rectangle", "rounded rectangle", "pill", "banner", "tag"), (1.0, 1.0)),
    **dict.fromkeys(("triangle", "diamond"), (0.72, 0.72)), "arrow": (0.92, 0.68),
}  # fmt: skip
"""Shares of a sign's width and height that are mostly sign; those of the round ones are 0.88."""


def _along(x: float, y: float, w: float, h: float, angle: float) -> list[Box]:
    """A box about (x, y); an odd number of them in a row, along the slope, where one would hold mostly background."""
    pieces = 2 * int(w / h * abs(math.sin(math.radians(angle))) + 0.35) + 1
    half = w / pieces / 2
    middles = turned([((2 * k + 1 - pieces) * half, 0) for k in range(pieces)], angle, x, y)
    return [(a - half, b - h / 2, a + half, b + h / 2) for a, b in middles]


def _things(scene: Scene) -> list[str]:
    """What the picture shows, where it can be told."""
    return [f"thing:{NOUNS[scene['style']][0]}"] if distinct(scene) else []


def _whole(scene: Scene) -> Region:
    lines, words = scene["lines"], ["family:text", f"backdrop:{scene['backdrop']['kind']}", *_things(scene)]
    words += [f"lines:{len(lines)}", f"words:{len(whole(scene).split())}"]
    if not scene["shape"] or scene["style"] == "neon":
        words.append(f"background:{scene['background']}")
    width, height = scene["size"]
    return Region((0, 0, width, height), tuple(words))


def _sign(scene: Scene, shape: Scene) -> Iterator[Region]:
    """The sign, a little smaller than it is where its corners are cut."""
    kind = shape["kind"]
    words = [kind, *_things(scene)]
    if shape["border"]:
        words.append(f"border:{shape['border_name']}")
    if scene["style"] != "neon":
        words += [scene["background"], f"background:{scene['background']}"]
    if kind == "arrow":
        words.append(f"points:{shape['direction']}")
    w, h = _INSIDE.get(kind, (0.88, 0.88))
    for box in _along(shape["x"], shape["y"], shape["w"] * w, shape["h"] * h, scene["angle"]):
        yield Region(box, tuple(words))


def _look(scene: Scene) -> list[str]:
    """Words that are true of every line."""
    words = [f"background:{scene['background']}"]
    if scene["bold"] is not None:
        words.append("bold" if scene["bold"] else "regular")
    if scene["italic"]:
        words.append("italic")
    if scene["effects"]["underline"]:
        words.append("underlined")
    if slope_of(scene):
        words.append(f"slope:{slope_of(scene)}")
    return words


def _line(scene: Scene, i: int) -> list[str]:
    """Words that are true of one line."""
    lines, text = scene["lines"], scene["lines"][i]["text"]
    words = [f"ink:{lines[i]['colour_name']}", f"line:{i + 1}"]
    if text.isupper() or text.islower():
        words.append("upper case" if text.isupper() else "lower case")
    signs = [c for c in text if c.isalnum()]
    letters, digits = any(c.isalpha() for c in signs), any(c.isdigit() for c in signs)
    words.append("chars:both" if letters and digits else "chars:letters" if letters else "chars:digits")
    if text[0] in "$£€":
        words.append("price")
    if len(lines) > 1:
        words.append(f"at:{PLACES[len(lines)][i]}")
        if all(lines[i]["factor"] > 1.25 * other["factor"] for other in lines if other is not lines[i]):
            words.append("largest")
    return words


def _longer(scene: Scene) -> str:
    """The longer one of two words, "" where it is not clear."""
    alpha = sorted((word for word in whole(scene).split() if word.isalpha()), key=len)
    return alpha[1] if len(alpha) == 2 and len(alpha[1]) - len(alpha[0]) > 1 else ""


def _width(scene: Scene, line: Scene, text: str) -> float:
    """Of a part of the line, in pixels."""
    size: float = line["size"]
    return (
        (text_size(text, line["font"], 100)[0] / 100 + scene["effects"]["tracking"] * (len(text) - 1))
        * size
        * scene["effects"]["stretch"]
    )


def regions(scene: Scene) -> list[Region]:
    """The picture, its sign, every line, and in lines of several words every word (with all its line's words)."""
    result, angle, nth, last = [_whole(scene)], scene["angle"], 0, len(whole(scene).split())
    if scene["shape"]:
        result += _sign(scene, scene["shape"])
    for i, line in enumerate(scene["lines"]):
        text, look = line["text"], _look(scene) + _line(scene, i)
        width, height = _width(scene, line, text), line["height"]
        found = list(re.finditer(r"\S+", text))
        if len(found) > 1:
            result += [Region(box, tuple(look)) for box in _along(line["x"], line["y"], width, height, angle)]
        for match in found:
            nth, word = nth + 1, match[0]
            words = look + ["first word"] * (nth == 1 < last) + ["last word"] * (nth == last > 1)
            if word.isalpha() and 2 < len(word) < 10:
                words.append(f"letters:{len(word)}")
            if word == _longer(scene):
                words.append("longer")
            left, right = width - _width(scene, line, text[match.start() :]), _width(scene, line, text[: match.end()])
            ((x, y),) = turned([((left + right - width) / 2, 0)], angle, line["x"], line["y"])
            result += [Region(box, tuple(words)) for box in _along(x, y, right - left, height, angle)]
    return result

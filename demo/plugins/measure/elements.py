"""What a screen is made of, as boxes in boxes: lines of text, and everything else that stands on a ground."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .segments import Pieces
from .text import Line, Sides, grounds, lines_of, marks_on

SMALLEST = 5
"""Pixels as worked on: what is thinner along both sides is no element."""
SAME = 0.8
"""Intersection over union from which two boxes are one: a frame and its filling."""
MOST = 400


@dataclass(eq=False)
class Element(Sides):
    """Box in pixels as worked on, ends excluded. `line`: of a line of text; `extent`: the share of its box it fills.

    fill: the colour of what it is on the inside, (3,) uint8; ground: of what it stands on.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    fill: np.ndarray
    ground: np.ndarray
    extent: float = 1.0
    line: Line | None = None
    parent: Element | None = None
    children: list[Element] = field(default_factory=list)

    @property
    def area(self) -> int:
        return self.width * self.height

    @property
    def middle(self) -> tuple[float, float]:
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def holds(self, other: Element) -> bool:
        inside = self.x0 <= other.x0 and self.y0 <= other.y0 and self.x1 >= other.x1 and self.y1 >= other.y1
        return inside and self is not other

    def overlap(self, other: Element) -> float:
        """Intersection over union."""
        wide = min(self.x1, other.x1) - max(self.x0, other.x0)
        high = min(self.y1, other.y1) - max(self.y0, other.y0)
        if wide <= 0 or high <= 0:
            return 0.0
        return wide * high / (self.area + other.area - wide * high)


def elements_of(pieces: Pieces) -> list[Element]:
    """From top to bottom, with parents and children. The page itself is none of them."""
    lines = lines_of(pieces)
    found = [_of_line(pieces, line) for line in lines]
    boxes: list[Element] = []
    for ground in grounds(pieces):
        own = pieces.colours[pieces.colour[ground]]
        for mark in marks_on(pieces, ground):
            if max(mark.width, mark.height) < SMALLEST or mark.width * mark.height < 20:
                continue
            inside = pieces.ids[mark.y0 : mark.y1, mark.x0 : mark.x1][mark.ink]
            counts = np.bincount(inside, minlength=1)
            counts[0] = 0
            fill = pieces.colours[pieces.colour[int(counts.argmax())]] if counts.any() else own
            boxes.append(Element(mark.x0, mark.y0, mark.x1, mark.y1, fill, own, mark.extent))
    boxes += _walls(pieces)
    boxes.sort(key=lambda one: -one.area)
    kept: list[Element] = []
    for box in boxes:
        if len(kept) >= MOST:
            break
        of_text = any(_mostly_in(box, line) for line in found)
        if not of_text and not any(box.overlap(other) > SAME for other in kept):
            kept.append(box)
    found += kept
    _nest(found)
    return sorted(found, key=lambda one: (one.y0, one.x0))


def _of_line(pieces: Pieces, line: Line) -> Element:
    own = pieces.colours[pieces.colour[line.ground]]
    return Element(line.x0, line.y0, line.x1, line.y1, own, own, float(line.ink().mean()), line)


def _walls(pieces: Pieces) -> list[Element]:
    """Bars along the picture's edge (a header, a sidebar): they lie in nothing, and so are no marks."""
    height, width = pieces.ids.shape
    found = []
    for piece in grounds(pieces):
        x0, y0, x1, y1 = pieces.boxes[piece].tolist()
        touches = x0 <= 1 or y0 <= 1 or x1 >= width - 1 or y1 >= height - 1
        whole = (x1 - x0) * (y1 - y0) > 0.85 * width * height
        if touches and not whole and pieces.extent[piece] > 0.5:
            own = pieces.colours[pieces.colour[piece]]
            found.append(Element(x0, y0, x1, y1, own, own))
    return found


def _mostly_in(box: Element, line: Element) -> bool:
    """Whether a box is a letter, or part of one."""
    wide = min(box.x1, line.x1) - max(box.x0, line.x0)
    high = min(box.y1, line.y1) - max(box.y0, line.y0)
    return wide > 0 and high > 0 and wide * high >= 0.7 * box.area and box.height <= 1.3 * line.height


def _nest(found: list[Element]) -> None:
    """Each element's parent is the smallest that holds it."""
    by_size = sorted(found, key=lambda one: one.area)
    for place, one in enumerate(by_size):
        one.parent = next((other for other in by_size[place + 1 :] if other.line is None and other.holds(one)), None)
        if one.parent:
            one.parent.children.append(one)

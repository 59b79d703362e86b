"""Lines of text: marks side by side on a common ground. Where they are, not what they say.

A letter is a hole in its ground, whatever shades its smoothed edges have. Its colour is what is furthest from the
ground: a mean would be neither the letter's nor the ground's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .colours import RGB, lab
from .segments import Pieces

GROUNDS = 400
"""The largest pieces that may carry text."""
EXTREME = 0.88
"""Of the distance between a text's colour and its ground: pixels beyond it are the text's own, others mixtures."""
FAINT = 20.0
"""Levels of sRGB from its ground below which a mark is not seen."""
ALIKE = 0.97
"""Cosine between the hues of two letters of one line."""
SAMPLED = 20_000
SPECKLED, SPOTLESS = 0.33, 0.8
"""Shares of a ground's pixels that have its most common shade: below the first it is noise; from the second on a
single pixel can be trusted."""
WORD = 3
"""So many marks on one ground are a word; the holes of one letter are two at most."""
MOST_LINES = 1000
NEIGHBOURS = 60
"""Marks to the right of one among which its own line's next is looked for."""


class Sides:
    """Of what has corners in pixels, ends excluded."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        return self.y1 - self.y0


@dataclass(frozen=True)
class Mark(Sides):
    """A hole in a ground: its box in pixels as worked on (ends excluded), and what of the box it is.

    hue: (3,) from the ground's colour to what is furthest from it, in sRGB: smoothing mixes along this line.
    """

    x0: int
    y0: int
    x1: int
    y1: int
    ink: np.ndarray
    hue: np.ndarray

    @property
    def extent(self) -> float:
        return float(self.ink.mean())


@dataclass(frozen=True)
class Line(Sides):
    """A line of text and the piece that it stands on. Box in pixels as worked on, ends excluded."""

    x0: int
    y0: int
    x1: int
    y1: int
    marks: tuple[Mark, ...]
    ground: int

    def ink(self) -> np.ndarray:
        """(height, width) bool: the letters."""
        found = np.zeros((self.height, self.width), bool)
        for mark in self.marks:
            x, y = mark.x0 - self.x0, mark.y0 - self.y0
            found[y : y + mark.height, x : x + mark.width] |= mark.ink
        return found


def lines_of(pieces: Pieces) -> list[Line]:
    """Lines of text from top to bottom."""
    found: list[Line] = []
    for ground in grounds(pieces):
        found += _lines([mark for mark in marks_on(pieces, ground) if _letter(pieces, mark)], ground)
    return sorted(_sifted(found), key=lambda line: (line.y0, line.x0))


def _sifted(lines: list[Line]) -> list[Line]:
    """Of lines that lie in others, one is no text: the holes of letters, or a row of boxes with words in them."""
    lines = sorted(lines, key=lambda line: -line.width * line.height)[:MOST_LINES]
    if not lines:
        return []
    boxes = np.array([(line.x0, line.y0, line.x1, line.y1) for line in lines])
    words = np.array([len(line.marks) >= WORD for line in lines])
    kept = np.ones(len(lines), bool)
    for i, box in enumerate(boxes):
        inside = (boxes[:, :2] >= box[:2]).all(axis=1) & (boxes[:, 2:] <= box[2:]).all(axis=1)
        inside[i] = False
        if (inside & words).any():
            kept[i] = False
        elif kept[i]:
            kept[inside] = False
    return [line for line, keep in zip(lines, kept, strict=True) if keep]


def grounds(pieces: Pieces) -> list[int]:
    """Pieces that are large enough to carry a word, the largest first."""
    large = (pieces.area >= 80) & (pieces.heights >= 7) & (pieces.widths >= 10) & (pieces.extent > 0.2)
    found = np.flatnonzero(large)
    return [int(i) for i in found[np.argsort(-pieces.area[found], kind="stable")] if i > 0][:GROUNDS]


def marks_on(pieces: Pieces, ground: int) -> Iterator[Mark]:
    """What lies on a ground, with whatever lies on that."""
    left, top = pieces.boxes[ground, :2].tolist()
    around = np.pad(~pieces.mask(ground), 1, constant_values=True)  # what reaches the edge is outside, not on it
    holes, _ = ndimage.label(around, np.ones((3, 3), bool))
    own = pieces.colours[pieces.colour[ground]].astype(np.float64)
    outside = holes[0, 0]
    for number, place in enumerate(ndimage.find_objects(holes), start=1):
        if number == outside or place is None:
            continue
        rows, columns = place
        ink = holes[rows, columns] == number
        y0, x0 = top + rows.start - 1, left + columns.start - 1
        x1, y1 = x0 + ink.shape[1], y0 + ink.shape[0]
        away = pieces.rgb[y0:y1, x0:x1][ink][:SAMPLED].astype(np.float64) - own
        hue = away[int((away**2).sum(axis=1).argmax())]
        if (hue**2).sum() > FAINT**2:
            yield Mark(x0, y0, x1, y1, ink, hue)


def _letter(pieces: Pieces, mark: Mark) -> bool:
    """Whether it may be a letter, or a word whose letters are joined."""
    height, width = pieces.ids.shape
    sized = 3 <= mark.height <= 0.6 * height and mark.width <= 0.92 * width and mark.ink.sum() >= 4
    return sized and not (mark.height > 8 and _solid(mark) and mark.width > 1.1 * mark.height)


def _lines(marks: list[Mark], ground: int) -> list[Line]:
    """Groups of marks that stand side by side."""
    marks = sorted(marks, key=lambda mark: mark.x0)
    leader = list(range(len(marks)))

    def root(i: int) -> int:
        while leader[i] != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    for i, mark in enumerate(marks):
        for j in range(i + 1, min(len(marks), i + NEIGHBOURS)):
            if _beside(mark, marks[j]):
                leader[root(j)] = root(i)
    gathered: dict[int, list[Mark]] = defaultdict(list)
    for i, mark in enumerate(marks):
        gathered[root(i)].append(mark)
    found = []
    for group in gathered.values():
        line = Line(
            min(mark.x0 for mark in group), min(mark.y0 for mark in group), max(mark.x1 for mark in group),
            max(mark.y1 for mark in group), tuple(group), ground,
        )  # fmt: skip
        if _is_text(line):
            found.append(line)
    return found


def _beside(a: Mark, b: Mark) -> bool:
    """Whether two letters are of one line: alike in height, on one level, no more than a space apart."""
    tall, small = max(a.height, b.height), min(a.height, b.height)
    overlap = min(a.y1, b.y1) - max(a.y0, b.y0)
    gap = max(a.x0, b.x0) - min(a.x1, b.x1)
    if not (overlap >= 0.6 * small and tall <= 2.4 * small + 2 and gap <= 0.75 * tall + 1):
        return False
    if -gap > 0.7 * min(a.width, b.width) and overlap > 0.9 * small and tall > 1.4 * small:
        return False  # one stands in the other: a frame and what it holds
    alike = float(a.hue @ b.hue) / float(np.linalg.norm(a.hue) * np.linalg.norm(b.hue))
    return alike > ALIKE  # thin letters are paler, but of the same hue


def _is_text(line: Line) -> bool:
    """Letters of a line, or one joined word: not a row of boxes, not a frame."""
    if line.height < 4 or line.width < 0.6 * line.height:
        return False
    solid = [_solid(mark) for mark in line.marks]
    if np.mean(solid) > 0.4:
        return False
    widest = max(mark.width for mark in line.marks)
    if len(line.marks) == 1 or (widest > 0.8 * line.width and widest > 3 * line.height):
        return line.width >= 1.3 * line.height and _written(line)
    return len(line.marks) > 8 or _variety(line)


def _solid(mark: Mark) -> bool:
    """A box: no letter fills as much of its width. (An l does, but is narrow.)"""
    return mark.extent > (0.8 if mark.width > 1.1 * mark.height else 0.93) and mark.width > 0.55 * mark.height


def _variety(line: Line) -> bool:
    """Dots of a row (radio buttons, dashes) are all alike; two letters seldom are."""
    spread = [np.ptp([getattr(mark, name) for mark in line.marks]) for name in ("width", "height")]
    inks = [int(mark.ink.sum()) for mark in line.marks]
    return bool(max(spread) > 1 or np.ptp(inks) > 0.04 * max(inks) + 1)


def _written(line: Line) -> bool:
    """One mark with many strokes along its middle, and no edge that runs all through it."""
    ink = line.ink()
    rows = ink[len(ink) // 4 : max(len(ink) // 4 + 1, 3 * len(ink) // 4)]
    strokes = (np.diff(rows.astype(np.int8), axis=1) == 1).sum(axis=1) + rows[:, 0]
    return bool(strokes.mean() >= 3 and ink.mean(axis=1).max() < 0.85)


# --- colours ---------------------------------------------------------------------------------------------------------


def colours_of(rgb: np.ndarray, pieces: Pieces, line: Line) -> tuple[RGB, RGB]:
    """(text, background) of a line.

    Args:
        rgb: the picture in its own pixels, which may be finer than those worked on.
    """
    s, margin = pieces.scale, 2
    y0, y1 = max(0, line.y0 - margin), min(pieces.ids.shape[0], line.y1 + margin)
    x0, x1 = max(0, line.x0 - margin), min(pieces.ids.shape[1], line.x1 + margin)
    ink = np.zeros((y1 - y0, x1 - x0), bool)
    ink[line.y0 - y0 : line.y1 - y0, line.x0 - x0 : line.x1 - x0] = line.ink()
    fine = rgb[y0 * s : y1 * s, x0 * s : x1 * s]

    def grown(mask: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.repeat(np.repeat(mask, s, 0), s, 1)[: fine.shape[0], : fine.shape[1]]
        return found

    below = fine[grown(pieces.ids[y0:y1, x0:x1] == line.ground)]
    ground, share = _common(below)
    pixels = fine[grown(ink)]
    distance = np.linalg.norm(lab(pixels) - lab(np.array(ground)), axis=1)
    if share < SPECKLED:  # of noise, the single furthest pixel says nothing
        return _common(pixels[distance >= EXTREME * np.quantile(distance, 0.97)])[0], ground
    shades, first, counts = np.unique(pixels, axis=0, return_index=True, return_counts=True)
    trusted = counts > 1 if share < SPOTLESS and counts.max() > 1 else counts > 0
    far = distance[first] * trusted
    r, g, b = shades[int(far.argmax())].tolist()
    return (r, g, b), ground


def _common(pixels: np.ndarray) -> tuple[RGB, float]:
    """The most common shade, and the share of the pixels that have it; of noise, the median."""
    shades, counts = np.unique(pixels, axis=0, return_counts=True)
    best = int(counts.argmax())
    share = float(counts[best] / len(pixels))
    r, g, b = (shades[best] if share >= SPECKLED else np.rint(np.median(pixels, axis=0))).astype(int).tolist()
    return (r, g, b), share

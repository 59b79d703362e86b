"""Charts: bars that share a foot, slices that make a disc. Their lengths and areas are the data, up to a scale."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from .colours import RGB
from .segments import Pieces

Kind = Literal["vertical bar chart", "horizontal bar chart", "grouped bar chart", "pie chart", "donut chart"]
FULL = 0.72
"""The share of its box that a bar fills at least: numbers may be written in it."""
SMALLEST = 0.0004
"""Of the picture: what is smaller is no bar and no slice."""
LONGEST = 0.15
"""Of the picture's side: one bar at least is as long. Dots and the swatches of legends are not."""


@dataclass(frozen=True)
class Mark:
    """A bar or slice. `amount`: its length in pixels as worked on, or its share of the disc. `box`: ends excluded."""

    box: tuple[int, int, int, int]
    colour: RGB
    amount: float


@dataclass(frozen=True)
class Chart:
    """`groups`: marks side by side at each place along the axis; one each where there is one series."""

    kind: Kind
    groups: tuple[tuple[Mark, ...], ...]


def chart_of(pieces: Pieces) -> Chart | None:
    """The bars or slices in a picture; None where there are none."""
    return _slices(pieces) or _bars(pieces)


# --- bars ------------------------------------------------------------------------------------------------------------


def _bars(pieces: Pieces) -> Chart | None:
    """The largest group of full boxes with one thickness on one foot."""
    height, width = pieces.ids.shape
    large = (pieces.area >= SMALLEST * height * width) & (pieces.extent >= FULL)
    large &= pieces.colour != pieces.colour[int(pieces.area.argmax())]  # the cells of a grid are no bars
    large &= (pieces.widths < 0.9 * width) & (pieces.heights < 0.9 * height) & (pieces.widths >= 3)
    places = [int(i) for i in np.flatnonzero(large) if i > 0 and pieces.heights[i] >= 2]
    best: tuple[float, bool, list[int]] = (0.0, True, [])
    for upright in (True, False):
        for group in _on_one_foot(pieces, places, upright):
            lengths = (pieces.heights if upright else pieces.widths)[group]
            if len(group) < 2 or np.ptp(lengths) <= 1 or lengths.max() < LONGEST * (height if upright else width):
                continue
            best = max(best, (float(pieces.area[group].sum()), upright, group), key=lambda one: one[0])
    _, upright, group = best
    if not group:
        return None
    marks = sorted((_bar(pieces, i, upright) for i in group), key=lambda mark: mark.box[0 if upright else 1])
    groups = _side_by_side(marks, upright)
    single = all(len(one) == 1 for one in groups)
    kind: Kind = "grouped bar chart" if not single else "vertical bar chart" if upright else "horizontal bar chart"
    return Chart(kind, groups)


def _on_one_foot(pieces: Pieces, places: list[int], upright: bool) -> list[list[int]]:
    """Groups of boxes whose lower (or left) edges are level and which are equally thick."""
    feet: dict[int, list[int]] = defaultdict(list)
    for i in places:
        x0, _, _, y1 = pieces.boxes[i].tolist()
        feet[y1 if upright else x0].append(i)
    thick = pieces.widths if upright else pieces.heights
    groups = []
    for foot in sorted(feet):
        near = [i for level in (foot, foot + 1, foot + 2) for i in feet.get(level, ())]
        for i in feet[foot]:
            alike = [j for j in near if abs(int(thick[j]) - int(thick[i])) <= max(2, 0.08 * thick[i])]
            if np.unique(pieces.colour[alike]).size <= 12:
                groups.append(alike)
    return groups


def _bar(pieces: Pieces, i: int, upright: bool) -> Mark:
    x0, y0, x1, y1 = pieces.boxes[i].tolist()
    return Mark((x0, y0, x1, y1), _rgb(pieces, i), float(y1 - y0 if upright else x1 - x0))


def _side_by_side(marks: list[Mark], upright: bool) -> tuple[tuple[Mark, ...], ...]:
    """Bars that touch, or nearly do, are one place of a grouped chart, if all places then have as many."""
    low, high = (0, 2) if upright else (1, 3)
    gaps = [b.box[low] - a.box[high] for a, b in pairwise(marks)]
    thick = float(np.median([mark.box[high] - mark.box[low] for mark in marks]))
    single = tuple((mark,) for mark in marks)
    if not gaps or max(gaps) < min(gaps) + max(4.0, 0.2 * thick):
        return single
    border = (max(gaps) + min(gaps)) / 2
    groups: list[list[Mark]] = [[marks[0]]]
    for gap, mark in zip(gaps, marks[1:], strict=True):
        if gap < border:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    colours = {len({mark.colour for mark in group}) == len(group) for group in groups}
    if len({len(group) for group in groups}) > 1 or colours != {True} or len(groups) < 2:
        return single
    return tuple(tuple(group) for group in groups)


# --- slices ----------------------------------------------------------------------------------------------------------


def _slices(pieces: Pieces) -> Chart | None:
    """Pieces that together fill a disc, or a ring, and alone do not."""
    height, width = pieces.ids.shape
    page = int(pieces.area.argmax())
    wanted = (pieces.area >= 4 * SMALLEST * height * width) & (pieces.colour != pieces.colour[page])
    wanted &= (pieces.widths < 0.95 * width) & (pieces.extent < 0.9)
    members = [int(i) for i in np.flatnonzero(wanted) if i > 0]
    if len(members) < 2:
        return None
    boxes = pieces.boxes[members]
    x0, y0 = boxes[:, :2].min(axis=0).tolist()
    x1, y1 = boxes[:, 2:].max(axis=0).tolist()
    wide, high = x1 - x0, y1 - y0
    if min(wide, high) < 24 or not 0.9 < wide / high < 1.11:
        return None
    area = float(pieces.area[members].sum())
    radius = (wide + high) / 4
    cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
    filled = area / (np.pi * radius**2)
    if not 0.5 < filled < 1.06 or _corners(pieces, members, (x0, y0, x1, y1)) > 0.02:
        return None
    kind: Kind = "pie chart" if _filled_at(pieces, members, cx, cy, radius) else "donut chart"
    ordered = sorted(members, key=lambda i: _angle(pieces, i, cx, cy))
    marks = [Mark(tuple(pieces.boxes[i].tolist()), _rgb(pieces, i), float(pieces.area[i]) / area) for i in ordered]
    return Chart(kind, tuple((mark,) for mark in marks))


def _corners(pieces: Pieces, members: list[int], box: tuple[int, int, int, int]) -> float:
    """The share of the four corners of a disc's box that is covered: of a disc, nothing."""
    x0, y0, x1, y1 = box
    side = max(2, (x1 - x0) // 8)
    inside = np.isin(pieces.ids[y0:y1, x0:x1], members)
    corners = [inside[:side, :side], inside[:side, -side:], inside[-side:, :side], inside[-side:, -side:]]
    return float(np.mean([corner.mean() for corner in corners]))


def _filled_at(pieces: Pieces, members: list[int], x: float, y: float, radius: float) -> bool:
    reach = max(1, int(0.2 * radius))
    middle = pieces.ids[int(y) - reach : int(y) + reach + 1, int(x) - reach : int(x) + reach + 1]
    return bool(np.isin(middle, members).mean() > 0.5)


def _angle(pieces: Pieces, i: int, cx: float, cy: float) -> float:
    """Of a slice's middle, clockwise from the top, 0 to 2 pi."""
    x0, y0, *_ = pieces.boxes[i].tolist()
    rows, columns = np.nonzero(pieces.mask(i))
    return float(np.arctan2(columns.mean() + x0 - cx, cy - rows.mean() - y0) % (2 * np.pi))


def _rgb(pieces: Pieces, i: int) -> RGB:
    r, g, b = pieces.colours[pieces.colour[i]].tolist()
    return r, g, b

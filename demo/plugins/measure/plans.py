"""Floor plans: walls, the rooms between them, the doors in them.

    colours -> long straight strokes of one of them are walls -> gaps in line with them are doors or windows
            -> with all gaps closed, what is enclosed is a room

Shapes: H x W pixels of the working size. Boxes x0, y0, x1, y1, ends excluded.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.measure import label as connected
from skimage.segmentation import expand_labels

from .segments import Pieces

Edges = tuple[int, int, int, int]

LONG = 0.045
"""Of the picture's longer side: what runs straight for so far may be a wall."""
THICK = 0.045
"""Of the longer side: what is thicker is no wall."""
GAP = 0.2
"""Of the plan's longer side: the widest opening that is still closed."""
CORNER = 0.7
"""Of that: openings between two walls that both go on."""
ROOM = 0.012
"""Of the plan's area: what is smaller is a hollow of a wall, or a symbol."""
INKS = 10
"""Colours, by their share of the picture, that are looked at."""
SLIGHT = 0.6
"""Strokes thinner than this share of the walls' thickness are drawn furniture, leaves of doors, dimensions."""
FRAGMENT = 0.3
"""Of the plan's longer sides: walls that reach less far are parts of symbols."""


@dataclass(frozen=True)
class Opening:
    """`rooms`: places in the plan's list on both sides, -1 for outside. `window`: lines run along it."""

    box: Edges
    rooms: tuple[int, int]
    window: bool


@dataclass(frozen=True)
class Plan:
    """`rooms`: boxes from top to bottom; `areas`: their pixels. `walls`: pairs of rooms with a wall in common."""

    rooms: tuple[Edges, ...]
    areas: tuple[int, ...]
    openings: tuple[Opening, ...]
    walls: frozenset[tuple[int, int]]


NOTHING = Plan((), (), (), frozenset())


def plan_of(pieces: Pieces) -> Plan:
    """The plan in a picture; `NOTHING` where there are no walls that enclose anything."""
    found = [plan for mask in _candidates(pieces) if (plan := _enclosed(pieces, mask)).rooms]
    return max(found, key=lambda plan: sum(map(math.sqrt, plan.areas)), default=NOTHING)  # much area, and divided


def _candidates(pieces: Pieces) -> list[np.ndarray]:
    """(H, W) masks of what may be ink: one for each colour that runs far in thin strokes, and of all but the ground."""
    labels = pieces.colour[pieces.ids]
    longer = max(labels.shape)
    strokes = []
    sizes = np.bincount(labels.ravel())
    for place in np.argsort(-sizes, kind="stable")[:INKS]:
        mask = labels == place
        if sizes[place] < 4 * longer * LONG:
            break
        across, down = _strokes(mask, longer)
        length = int(across.sum() + down.sum())
        if length and length > 0.25 * mask.sum():
            strokes.append((length, mask))
    strokes.sort(key=lambda one: -one[0])
    masks = [mask for _, mask in strokes[:4]]
    return [*masks, np.logical_or.reduce(masks[:2])] if len(masks) > 1 else masks


def _strokes(mask: np.ndarray, longer: int) -> tuple[np.ndarray, np.ndarray]:
    """(across, down): what runs straight for long and is thin; lines that are drawn by hand may waver by a pixel."""
    length, thick = max(8, round(LONG * longer)), max(5, round(THICK * longer))
    thin = _grown(mask, 1) & ~_grown(_solid(mask, thick), 1)
    across = _opened(thin, length, axis=1)
    down = _opened(thin, length, axis=0)
    return across & mask, down & mask


def _grown(mask: np.ndarray, by: int) -> np.ndarray:
    """By so many pixels to all sides: a maximum, which is quick whatever the size."""
    found: np.ndarray = ndimage.maximum_filter(mask.astype(np.uint8), 2 * by + 1) > 0
    return found


def _solid(mask: np.ndarray, side: int) -> np.ndarray:
    """What holds a square of `side` pixels."""
    shrunk = ndimage.minimum_filter(mask.astype(np.uint8), side)
    origin = -1 if side % 2 == 0 else 0
    found: np.ndarray = ndimage.maximum_filter(shrunk, side, origin=origin) > 0
    return found


def _opened(mask: np.ndarray, length: int, axis: int) -> np.ndarray:
    """An opening by a line: a minimum, then a maximum, each along one axis."""
    shrunk = ndimage.minimum_filter1d(mask.astype(np.uint8), length, axis=axis)
    return ndimage.maximum_filter1d(shrunk, length, axis=axis, origin=-1 if length % 2 == 0 else 0) > 0


def _bridged(walls: np.ndarray, strokes: np.ndarray, crossing: np.ndarray, gap: int) -> np.ndarray:
    """(H, W) bool: the free runs along rows that are openings in walls.

    They go from stroke to stroke; or, as doors in corners do, from a stroke that ends in the open to any wall. At a
    junction with a crossing wall a stroke does not end in the open.
    """
    height, width = walls.shape
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = ~walls
    change = np.diff(padded, axis=1)
    rows, starts = np.nonzero(change == 1)
    _, ends = np.nonzero(change == -1)
    inside = (starts > 0) & (ends < width) & (ends - starts <= gap)
    rows, starts, ends = rows[inside], starts[inside], ends[inside]
    own = _grown(strokes, 1) & walls  # as walls are wider than strokes
    open_ = own & ~_grown(crossing, 2)
    both = own[rows, starts - 1] & own[rows, ends] & (ends - starts <= CORNER * gap)
    meets = both | open_[rows, starts - 1] | open_[rows, ends]
    found = np.zeros((height, width + 1), np.int32)
    np.add.at(found, (rows[meets], starts[meets]), 1)
    np.add.at(found, (rows[meets], ends[meets]), -1)
    return np.cumsum(found, axis=1)[:, :-1] > 0


def _heavy(mask: np.ndarray, longer: int) -> np.ndarray:
    """What is about as thick as the walls."""
    across, down = _strokes(mask, longer)
    strokes = across | down
    if not strokes.any():
        return mask
    depth = ndimage.distance_transform_edt(mask)
    thickness = 2 * float(np.quantile(depth[strokes], 0.85)) - 1
    side = int(SLIGHT * thickness)
    return _solid(mask, side) if side >= 2 else mask


def _enclosed(pieces: Pieces, mask: np.ndarray) -> Plan:
    longer = max(mask.shape)
    across, down = _strokes(_heavy(mask, longer), longer)
    walls = _network(_grown(across | down, 1))
    if not walls.any():
        return NOTHING
    rows, columns = np.flatnonzero(walls.any(axis=1)), np.flatnonzero(walls.any(axis=0))
    y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    gap = max(6, round(GAP * max(y1 - y0, x1 - x0)))
    gaps = _bridged(walls, across, down, gap) | _bridged(walls.T, down.T, across.T, gap).T
    free = connected(~(walls | gaps), connectivity=1)
    outside = set(np.unique(np.concatenate([free[0], free[-1], free[:, 0], free[:, -1]])).tolist())
    sizes = np.bincount(free.ravel())
    whole = (y1 - y0) * (x1 - x0)
    rooms = [i for i in np.flatnonzero(sizes >= ROOM * whole).tolist() if i and i not in outside]
    places = ndimage.find_objects(free)
    rooms = [i for i in rooms if _roomy(places[i - 1], sizes[i])]
    rooms.sort(key=lambda i: (places[i - 1][0].start // 8, places[i - 1][1].start))
    if not rooms:
        return NOTHING
    owner = np.full(len(sizes), -1, np.int64)
    owner[rooms] = range(len(rooms))
    of_room = owner[free]
    of_room[free == 0] = -2  # wall
    boxes = tuple((p[1].start, p[0].start, p[1].stop, p[0].stop) for i in rooms for p in [places[i - 1]])
    reach = _thickness(walls) + 3
    openings = tuple(_openings(pieces, gaps, of_room, reach))
    return Plan(boxes, tuple(int(sizes[i]) for i in rooms), openings, _neighbours(of_room, reach))


def _network(walls: np.ndarray) -> np.ndarray:
    """Strokes that hang together with far-reaching ones: furniture, frames of titles and bars of scale do not."""
    near = _grown(walls, 2)
    ids = connected(near, connectivity=2)
    places = ndimage.find_objects(ids)
    reach = np.array([0, *[max(p[0].stop - p[0].start, p[1].stop - p[1].start) for p in places]])
    if len(reach) == 1:
        return walls
    found: np.ndarray = walls & (reach >= FRAGMENT * reach.max())[ids]
    return found


def _roomy(place: tuple[slice, slice], size: int) -> bool:
    high, wide = place[0].stop - place[0].start, place[1].stop - place[1].start
    return min(high, wide) >= 8 and max(high, wide) < 14 * min(high, wide) and size > 0.35 * high * wide


def _thickness(walls: np.ndarray) -> int:
    return int(np.ceil(2 * np.quantile(ndimage.distance_transform_edt(walls)[walls], 0.9)))


def _openings(pieces: Pieces, gaps: np.ndarray, of_room: np.ndarray, reach: int) -> list[Opening]:
    """Gaps in walls with the rooms on their two sides; what leads from a room into itself is none."""
    found = []
    labels = pieces.colour[pieces.ids]
    near = _grown(gaps, 1)  # panes cut a window into strips
    ids = connected(near, connectivity=2)
    ids[~gaps] = 0
    for place in ndimage.find_objects(ids):
        if place is None:
            continue
        rows, columns = place
        y0, y1, x0, x1 = rows.start, rows.stop, columns.start, columns.stop
        lying = x1 - x0 >= y1 - y0
        if max(y1 - y0, x1 - x0) < 6:
            continue
        if lying:
            here, colours, low, high, a, b = of_room, labels, y0, y1, x0, x1
        else:
            here, colours, low, high, a, b = of_room.T, labels.T, x0, x1, y0, y1
        middle = slice(a + (b - a) // 4, max(a + 1, b - (b - a) // 4))
        before, after = slice(max(0, low - reach), low), slice(high, high + reach)
        one, other = _most(here[before, middle]), _most(here[after, middle])
        if one == other:
            continue
        profile = colours[max(0, low - 3) : high + 3, middle]
        pair = min(one, other), max(one, other)
        found.append(Opening((x0, y0, x1, y1), pair, pair[0] < 0 and _window(profile)))
    return found


def _most(side: np.ndarray) -> int:
    """The room that a strip shows most of, -1 for outside."""
    seen = side[side > -2]
    return int(np.bincount(seen + 1).argmax()) - 1 if seen.size else -1


def _window(profile: np.ndarray) -> bool:
    """Whether lines run along a gap, as panes do: whoever steps through meets other colours on the way."""
    steps = (np.diff(profile, axis=0) != 0).sum(axis=0)
    return bool(np.median(steps) >= 2)


def _neighbours(of_room: np.ndarray, reach: int) -> frozenset[tuple[int, int]]:
    """Pairs of rooms that face each other over a wall, for more than a corner."""
    grown = expand_labels(np.maximum(of_room, -1) + 1, reach)
    found: set[tuple[int, int]] = set()
    for a, b in ((grown[:, :-1], grown[:, 1:]), (grown[:-1], grown[1:])):
        edge = (a != b) & (a > 0) & (b > 0)
        pairs = np.sort(np.stack([a[edge], b[edge]], 1), axis=1)
        kinds, counts = np.unique(pairs, axis=0, return_counts=True)
        found |= {
            (one - 1, other - 1) for (one, other), count in zip(kinds.tolist(), counts, strict=True) if count >= 8
        }
    return frozenset(found)

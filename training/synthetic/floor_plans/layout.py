"""Divides a house into rooms and says which room is what."""

from __future__ import annotations

import random

from .words import ROOM_LABELS

Box = tuple[int, int, int, int]
_OTHERS = {
    "kitchen": 2.6,
    "living room": 2.6,
    "dining room": 1.5,
    "office": 1.6,
    "hallway": 1.3,
    "garage": 1.6,
    "closet": 1.2,
    "laundry": 1.3,
    "balcony": 1.4,
    "storage": 1.2,
}
_FURNISHABLE = ("bedroom", "bathroom", "kitchen", "living room", "dining room", "office", "garage", "laundry")


def subdivide(rng: random.Random, house: Box, count: int, least: float) -> list[Box] | None:
    """`count` rectangles that tile `house`, no side shorter than `least`; None where that fails."""
    boxes = [house]
    if count >= 5 and rng.random() < 0.3:
        boxes = _about_corridor(rng, house, least) or boxes
    for _ in range(60):
        if len(boxes) == count:
            return boxes
        weights = [((b[2] - b[0]) * (b[3] - b[1])) ** 1.4 for b in boxes]
        x0, y0, x1, y1 = box = rng.choices(boxes, weights)[0]
        w, h = x1 - x0, y1 - y0
        upright = rng.random() < w**2 / (w**2 + h**2)
        length = w if upright else h
        cut = round(length * rng.uniform(0.3, 0.7))
        if min(cut, length - cut) < least * (1.35 if upright else 1):
            continue
        boxes.remove(box)
        boxes += (
            [(x0, y0, x0 + cut, y1), (x0 + cut, y0, x1, y1)]
            if upright
            else [(x0, y0, x1, y0 + cut), (x0, y0 + cut, x1, y1)]
        )
    return None


def _about_corridor(rng: random.Random, house: Box, least: float) -> list[Box] | None:
    x0, y0, x1, y1 = house
    wide, middle = round(least * rng.uniform(1.0, 1.2)), rng.uniform(0.4, 0.6)
    if x1 - x0 >= y1 - y0 and y1 - y0 > 4 * least:
        at = round(y0 + (y1 - y0) * middle - wide / 2)
        return [(x0, y0, x1, at), (x0, at, x1, at + wide), (x0, at + wide, x1, y1)]
    if x1 - x0 > 5 * least:
        at, wide = round(x0 + (x1 - x0) * middle - wide / 2), round(wide * 1.3)
        return [(x0, y0, at, y1), (at, y0, at + wide, y1), (at + wide, y0, x1, y1)]
    return None


def _sides(box: Box) -> tuple[tuple[str, int, int, int], ...]:
    """(axis, position, from, to) of the four sides: top, bottom, left, right."""
    x0, y0, x1, y1 = box
    return ("h", y0, x0, x1), ("h", y1, x0, x1), ("v", x0, y0, y1), ("v", x1, y0, y1)


def wall_runs(boxes: list[Box]) -> list[tuple[int, int, str, int, int, int]]:
    """(room, other room or -1, axis, position, from, to) for every straight run of wall."""
    runs = []
    for i, box in enumerate(boxes):
        for side, (axis, at, low, high) in enumerate(_sides(box)):
            taken = []
            for j, other in enumerate(boxes):
                facing = _sides(other)[side ^ 1]
                a, b = max(low, facing[2]), min(high, facing[3])
                if j != i and facing[1] == at and b > a:
                    taken.append((a, b))
                    if i < j:
                        runs.append((i, j, axis, at, a, b))
            edge = low
            for a, b in [*sorted(taken), (high, high)]:
                if a > edge:
                    runs.append((i, -1, axis, at, edge, a))
                edge = max(edge, b)
    return runs


def assign(rng: random.Random, boxes: list[Box], bare: bool) -> list[str]:
    """A room type for every box; `bare` plans have no labels, so only rooms with telling furniture."""
    n = len(boxes)
    pool = {t: w for t, w in _OTHERS.items() if not bare or t in _FURNISHABLE}
    # A plan of bedrooms alone is rare outside of our own dice.
    beds = rng.randint(0, min(4, n - 1))
    baths = min(rng.choices((0, 1, 2, 3), (0.32, 0.36, 0.2, 0.12))[0], n - beds - (n > 2))
    types = ["bedroom"] * beds + ["bathroom"] * baths
    while len(types) < n:
        if not pool:
            types.append(rng.choice(("bedroom", "bathroom")))
            continue
        chosen = rng.choices(list(pool), list(pool.values()))[0]
        del pool[chosen]
        types.append(chosen)
    types.sort(key=lambda t: ROOM_LABELS[t][0] * rng.lognormvariate(0, 0.55))
    order = sorted(range(n), key=lambda i: (boxes[i][2] - boxes[i][0]) * (boxes[i][3] - boxes[i][1]))
    result = [""] * n
    for index, room_type in zip(order, types, strict=True):
        result[index] = room_type
    return result

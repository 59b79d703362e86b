"""Puts doors and windows into the walls and furniture along them, clear of labels and of each other."""

from __future__ import annotations

import random
from typing import Any

from ..base import Scene
from ..colours import contrast

# What stands in a room, in order of importance: alternatives of (symbol, width, depth) in furniture units.
_STOCK: dict[str, tuple[tuple[tuple[str, float, float], ...], ...]] = {
    "bedroom": (
        (("double bed", 1.05, 1.25), ("single bed", 0.7, 1.25)),
        (("wardrobe", 1.0, 0.42),),
        (("desk", 0.8, 0.6),),
    ),
    "bathroom": ((("toilet", 0.42, 0.58),), (("bath tub", 1.2, 0.55), ("shower", 0.65, 0.65)), (("sink", 0.5, 0.4),)),
    "kitchen": ((("stove", 0.55, 0.55),), (("sink", 0.65, 0.5),), (("fridge", 0.5, 0.5), ("round table", 0.9, 0.9))),
    "living room": ((("sofa", 1.3, 0.55),), (("sofa", 1.1, 0.55), ("round table", 0.8, 0.8))),
    "dining room": ((("dining table", 1.2, 1.0), ("round table", 1.1, 1.1)),),
    "office": ((("desk", 1.0, 0.72),), (("desk", 0.9, 0.7), ("sofa", 1.1, 0.5))),
    "garage": ((("car", 1.0, 2.0),),),
    "laundry": ((("washing machine", 0.6, 0.6),), (("sink", 0.6, 0.5), ("washing machine", 0.6, 0.6))),
    "closet": ((("wardrobe", 1.0, 0.42),),),
}


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def hang_doors(rng: random.Random, scene: Scene, runs: list[Any], blocked: list[list[Any]]) -> list[Scene]:
    """Doors that connect the rooms (sometimes only some of them), and usually an entrance."""
    rooms, long_side = scene["rooms"], max(scene["size"])
    wide = long_side * rng.uniform(0.05, 0.07)
    usual = rng.choice(("swing", "swing", "swing", "gap", "leaf"))
    inside = [r for r in runs if r[1] >= 0 and r[5] - r[4] > wide * 1.5]
    rng.shuffle(inside)
    group = list(range(len(rooms)))
    chosen = []
    spare = rng.choice((0, 0, 0.15, 0.3))
    missing = rng.choice((0, 0, 0, 0.3, 0.6))
    for run in inside:
        a, b = group[run[0]], group[run[1]]
        if a != b:
            group = [a if g == b else g for g in group]
            if rng.random() >= missing:
                chosen.append(run)
        elif rng.random() < spare:
            chosen.append(run)
    outside = [r for r in runs if r[1] < 0 and r[5] - r[4] > wide * 1.8 and rooms[r[0]]["type"] != "balcony"]
    outside.sort(
        key=lambda r: (rooms[r[0]]["type"] not in ("hallway", "living room", "kitchen", "garage"), rng.random())
    )
    if outside and rng.random() < 0.85:
        chosen.append(outside[0])
    doors = []
    for a, b, axis, at, low, high in chosen:
        kind = usual if b >= 0 or usual == "leaf" else "swing"
        door = _hang(rng, kind, axis, at, low, high, wide, blocked, [a] if b < 0 else [a, b], rooms)
        fill = rooms[a]["fill"] or scene["paint"]["background"]
        wall = "inner" if b >= 0 and "balcony" not in (rooms[a]["type"], rooms[b]["type"]) else "outer"
        doors.append({**door, "a": a, "b": b, "fill": list(fill), "wall": wall})
    return doors


def _hang(
    rng: random.Random,
    kind: str,
    axis: str,
    at: float,
    low: float,
    high: float,
    wide: float,
    blocked: list[list[Any]],
    into: list[int],
    rooms: list[Scene],
) -> Scene:
    """Puts a door where neither its leaf nor its way is over a label or another door; else a narrow gap."""
    box: tuple[float, float, float, float]
    for attempt in range(14):
        middle = rng.uniform(low + wide * 0.7, high - wide * 0.7)
        target = rng.choice(into)
        x0, y0, x1, y1 = rooms[target]["box"]
        swing = 1 if (y0 if axis == "h" else x0) >= at - 1 else -1
        deep = wide if kind != "gap" else wide * 0.3
        near, far = sorted((at, at + swing * deep))
        box = (
            (middle - wide / 2, near, middle + wide / 2, far)
            if axis == "h"
            else (near, middle - wide / 2, far, middle + wide / 2)
        )
        fits = deep < ((y1 - y0) if axis == "h" else (x1 - x0)) * 0.9
        if fits and not any(_overlap(box, other) for room in into for other in blocked[room]):
            break
        if attempt == 9:
            kind = "gap"
    for room in into:
        blocked[room].append((box[0] - wide * 0.25, box[1] - wide * 0.25, box[2] + wide * 0.25, box[3] + wide * 0.25))
    x, y = (middle, at) if axis == "h" else (at, middle)
    return {
        "x": round(x, 1), "y": round(y, 1), "axis": axis, "width": round(wide, 1), "kind": kind,
        "hinge": rng.randint(0, 1), "swing": swing,
    }  # fmt: skip


def set_windows(rng: random.Random, scene: Scene, runs: list[Any], types: list[str]) -> list[Scene]:
    """Up to eight windows in the outer walls, clear of each other and of the entrance."""
    long_side = max(scene["size"])
    wide = long_side * rng.uniform(0.06, 0.1)
    taken = [(d["x"], d["y"], d["width"]) for d in scene["doors"] if d["b"] < 0]
    target = rng.randint(0, 8)
    windows: list[Scene] = []
    outside = [r for r in runs if r[1] < 0 and types[r[0]] not in ("balcony", "closet") and r[5] - r[4] > wide * 1.5]
    spots = []
    for _, _, axis, at, low, high in outside:
        parts = 2 if high - low > wide * 4.5 and rng.random() < 0.5 else 1
        spots += [(axis, at, low + (high - low) * (k + 0.5) / parts) for k in range(parts)]
    rng.shuffle(spots)
    for axis, at, middle in spots:
        x, y = (middle, at) if axis == "h" else (at, middle)
        if len(windows) == target or any(abs(x - a) + abs(y - b) < (w + wide) * 0.65 for a, b, w in taken):
            continue
        windows.append({"x": round(x, 1), "y": round(y, 1), "axis": axis, "width": round(wide, 1)})
    return windows


def furnish(rng: random.Random, scene: Scene, blocked: list[list[Any]]) -> bool:
    """Stands symbols along the walls; False where a plan without labels has a room without a telling one."""
    scene["furniture"] = []
    if not scene["bare"] and rng.random() < 0.4:
        return True
    long_side, fill_white = max(scene["size"]), rng.random() < 0.5
    for index, room in enumerate(scene["rooms"]):
        placed = []
        for rank, options in enumerate(_STOCK.get(room["type"], ())):
            if rank and rng.random() < 0.35:
                continue
            symbol, wide, deep = rng.choice(options)
            spot = _stand(rng, scene, room, blocked[index], wide, deep, long_side)
            if spot is None:
                if not rank:
                    break
                continue
            box, side = spot
            base = room["fill"] or scene["paint"]["background"]
            fill = [255, 255, 255] if fill_white and contrast(base, scene["paint"]["furniture"]) >= 2 else base
            if contrast(fill, scene["paint"]["furniture"]) < 2:
                fill = base
            scene["furniture"].append({"symbol": symbol, "room": index, "box": box, "side": side, "fill": list(fill)})
            blocked[index].append(box)
            placed.append(symbol)
        if scene["bare"] and not placed:
            return False
    return True


def _stand(
    rng: random.Random,
    scene: Scene,
    room: Scene,
    taken: list[Any],
    wide: float,
    deep: float,
    long_side: int,
) -> tuple[list[float], str] | None:
    """A free place against a wall, at the largest scale that fits."""
    edge = scene["thick"]["outer"] / 2 + 2
    x0, y0, x1, y1 = room["box"]
    x0, y0, x1, y1 = x0 + edge, y0 + edge, x1 - edge, y1 - edge
    unit = min(long_side * 0.17, min(x1 - x0, y1 - y0) * 0.62)
    for scale in (1.0, 0.8, 0.6):
        u, v = unit * scale * wide, unit * scale * deep
        if min(u, v) < long_side * 0.028:
            return None
        for side in rng.sample(("top", "bottom", "left", "right"), 4):
            w, h = (u, v) if side in ("top", "bottom") else (v, u)
            if w > x1 - x0 or h > y1 - y0:
                continue
            for t in rng.sample((0.0, 0.5, 1.0), 3):
                x = x0 + (x1 - x0 - w) * t if side in ("top", "bottom") else (x0 if side == "left" else x1 - w)
                y = y0 + (y1 - y0 - h) * t if side in ("left", "right") else (y0 if side == "top" else y1 - h)
                box = (x, y, x + w, y + h)
                if not any(_overlap(box, other) for other in taken):
                    return [round(c, 1) for c in box], side
    return None

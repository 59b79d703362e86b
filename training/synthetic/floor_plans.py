"""Architectural floor plans: 2 to 9 rooms in a house outline with doors, windows, furniture and labels.

The layout is a guillotine subdivision (sometimes about a corridor, sometimes with a corner left out).
Types, labels and symbols are spread so that counts, places and superlatives come out balanced.
"""

from __future__ import annotations

import random
import re
from functools import lru_cache
from typing import Any

from .base import CHROMATIC, RGB, Scene, contrast, ink_on, mix, pick_font, random_size, shade, text_size
from .floor_plans_draw import draw
from .floor_plans_talk import FACTS, captions, questions

__all__ = ["FACTS", "HELD_OUT_STYLES", "NAME", "STYLES", "captions", "compose", "draw", "questions"]

NAME = "floor_plans"
STYLES = ("line", "poche", "blueprint", "colour", "gray", "dark")
HELD_OUT_STYLES = ("sketch", "cad")

Box = tuple[int, int, int, int]

# type -> (typical relative size, labels as (text, what people call that room)).
_TYPES: dict[str, tuple[float, tuple[tuple[str, str], ...]]] = {
    "bedroom": (1.1, (("Bedroom", "bedroom"), ("Bed", "bedroom"), ("BR", "bedroom"), ("Bed Room", "bedroom"))),
    "bathroom": (0.6, (("Bathroom", "bathroom"), ("Bath", "bathroom"), ("WC", "bathroom"), ("Bath Room", "bathroom"))),
    "kitchen": (1.0, (("Kitchen", "kitchen"), ("Kitchen", "kitchen"), ("Kit.", "kitchen"))),
    "living room": (1.5, (("Living Room", "living room"), ("Living", "living room"), ("Lounge", "lounge"))),
    "dining room": (1.1, (("Dining Room", "dining room"), ("Dining", "dining room"))),
    "office": (0.9, (("Office", "office"), ("Office", "office"), ("Study", "study"))),
    "hallway": (0.7, (("Hallway", "hallway"), ("Hall", "hallway"), ("Corridor", "hallway"), ("Entry Hall", "hallway"))),
    "garage": (1.3, (("Garage", "garage"),)),
    "closet": (0.5, (("Closet", "closet"), ("CL", "closet"))),
    "laundry": (0.6, (("Laundry", "laundry"), ("Laundry Room", "laundry"), ("Utility", "laundry"))),
    "balcony": (0.8, (("Balcony", "balcony"),)),
    "storage": (0.6, (("Storage", "storage"), ("Store", "storage"))),
}
_OTHERS = {
    "kitchen": 2.6, "living room": 2.6, "dining room": 1.5, "office": 1.6, "hallway": 1.3, "garage": 1.6,
    "closet": 1.2, "laundry": 1.3, "balcony": 1.4, "storage": 1.2,
}  # fmt: skip
# What stands in a room, in order of importance: alternatives of (symbol, width, depth) in furniture units.
_STOCK: dict[str, tuple[tuple[tuple[str, float, float], ...], ...]] = {
    "bedroom": ((("double bed", 1.05, 1.25), ("single bed", 0.7, 1.25)), (("wardrobe", 1.0, 0.42),),
    (("desk", 0.8, 0.6),)),
    "bathroom": ((("toilet", 0.42, 0.58),), (("bath tub", 1.2, 0.55), ("shower", 0.65, 0.65)), (("sink", 0.5, 0.4),)),
    "kitchen": ((("stove", 0.55, 0.55),), (("sink", 0.65, 0.5),), (("fridge", 0.5, 0.5), ("round table", 0.9, 0.9))),
    "living room": ((("sofa", 1.3, 0.55),), (("sofa", 1.1, 0.55), ("round table", 0.8, 0.8))),
    "dining room": ((("dining table", 1.2, 1.0), ("round table", 1.1, 1.1)),),
    "office": ((("desk", 1.0, 0.72),), (("desk", 0.9, 0.7), ("sofa", 1.1, 0.5))),
    "garage": ((("car", 1.0, 2.0),),),
    "laundry": ((("washing machine", 0.6, 0.6),), (("sink", 0.6, 0.5), ("washing machine", 0.6, 0.6))),
    "closet": ((("wardrobe", 1.0, 0.42),),),
}
_FURNISHABLE = ("bedroom", "bathroom", "kitchen", "living room", "dining room", "office", "garage", "laundry")
_TITLES = (
    "Ground Floor", "First Floor", "Second Floor", "Floor Plan", "Apartment A", "Apartment B", "Unit 12", "Unit 7",
    "House 3",
    "Plan A", "Plan B", "Plan C", "Type D", "Level 1", "Level 2", "Villa Rosa", "Main Floor", "Upper Floor", "Flat 5",
    "Cottage",
    "Option 1", "Option 2", "Lake House", "Studio 9", "Basement", "Oak House", "Sheet A1", "Block C", "Suite 204",
    "Lot 18",
)  # fmt: skip


# --- layout --------------------------------------------------------------------------------------


def _subdivide(rng: random.Random, house: Box, count: int, least: float) -> list[Box] | None:
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
        boxes += [(x0, y0, x0 + cut, y1), (x0 + cut, y0, x1, y1)] if upright else [(x0, y0, x1, y0 + cut), (x0,
            y0 + cut, x1, y1)]
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


def _wall_runs(boxes: list[Box]) -> list[tuple[int, int, str, int, int, int]]:
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


def _assign(rng: random.Random, boxes: list[Box], bare: bool) -> list[str]:
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
    types.sort(key=lambda t: _TYPES[t][0] * rng.lognormvariate(0, 0.55))
    order = sorted(range(n), key=lambda i: (boxes[i][2] - boxes[i][0]) * (boxes[i][3] - boxes[i][1]))
    result = [""] * n
    for index, room_type in zip(order, types, strict=True):
        result[index] = room_type
    return result


# --- palette -------------------------------------------------------------------------------------


def _strong(rng: random.Random, background: RGB, least: float = 4) -> tuple[str, RGB]:
    """A named colour that stands out from `background`."""
    while True:
        name = rng.choice(CHROMATIC)
        colour = shade(rng, name)
        if contrast(colour, background) >= least:
            return name, colour


def _paint(rng: random.Random, style: str) -> dict[str, Any]:
    """Colours of the parts, with the names that questions may ask for ("" where none fits)."""
    white, black = (255, 255, 255), (0, 0, 0)
    paper = rng.choice((white, white, white, (250, 248, 240), (238, 240, 243)))
    names = {"background": "white" if paper == white else "", "wall": "black"}
    ink = rng.choice((black, (20, 20, 20), (33, 37, 41)))
    floor: RGB | None = None
    if style == "blueprint":
        paper = rng.choice(((0, 60, 140), (18, 64, 148), (30, 80, 170), (10, 45, 120), (28, 70, 130), (0, 72, 186)))
        ink = rng.choice((white, white, (235, 245, 255)))
        names = {"background": "blue", "wall": "white"}
    elif style in ("dark", "cad"):
        paper = rng.choice((black, (16, 16, 18), (24, 26, 28))) if style == "dark" else black
        ink = rng.choice((white, (240, 240, 240)))
        names = {"background": "black", "wall": "white"}
    if style == "cad" or style in ("line", "poche", "dark", "sketch") and rng.random() < 0.5:
        names["wall"], ink = _strong(rng, paper)
    fill = ink
    if style == "line":
        fill = paper
    elif style == "gray":
        paper, floor = white, rng.choice((white, (225, 225, 225), (210, 210, 210)))
        names = {"background": "white", "wall": ""}
        fill = rng.choice(((130, 130, 130), (150, 150, 150), (110, 110, 110)))
        ink = rng.choice((fill, fill, (40, 40, 40)))
        names["wall"] = "gray" if ink == fill else ""
    elif style in ("colour", "blueprint", "cad", "dark") and rng.random() < 0.4:
        fill = paper
    elif style == "poche" and rng.random() < 0.35:
        paper, floor = rng.choice(((222, 226, 230), (214, 205, 190), (200, 215, 200))), white
        names["background"] = ""
        ink = fill = rng.choice((black, (30, 30, 30)))
        names["wall"] = "black"
    base = floor or paper
    glass = paper if style == "gray" else base
    detail = ink if rng.random() < 0.5 else mix(ink, base, 0.3)
    text = ink if contrast(ink, base) >= 4.5 else ink_on(rng, base)
    paint: dict[str, Any] = {
        "background": paper, "wall": ink, "wall_fill": fill, "furniture": detail, "door": ink, "window": ink,
        "glass": rng.choice((glass, glass, mix(base, (120, 190, 240), 0.5))), "text": text, "floor": floor,
        "names": names,
    }  # fmt: skip
    if style == "cad":
        for part in ("furniture", "door", "window", "text"):
            paint[part] = _strong(rng, paper, 5)[1]
    elif rng.random() < 0.2:
        paint["door"] = _strong(rng, base)[1]
    return paint


def _room_fills(rng: random.Random, types: list[str]) -> dict[str, tuple[str, RGB]]:
    """A different named colour for each room type, sometimes as light as floor plans like them."""
    names = rng.sample(CHROMATIC, len(CHROMATIC))
    kinds = sorted(set(types))
    light = rng.random() < 0.5
    fills = {}
    for room_type, name in zip(kinds, [*names, "gray", "white"], strict=False):
        colour = shade(rng, name)
        if light and name in ("green", "yellow", "purple", "blue", "red"):
            # Beyond this red turns pink, and light blue would pass for cyan.
            colour = mix(colour, (255, 255, 255), rng.uniform(0.2, 0.5) if name in ("green", "yellow",
                "purple") else 0.12)
        fills[room_type] = (name, colour)
    return fills


# --- composing -----------------------------------------------------------------------------------


def compose(rng: random.Random, style: str) -> Scene:
    """A floor plan in `style`; tries layouts until everything fits."""
    count = rng.randint(2, 9)
    file = pick_font(rng, style in HELD_OUT_STYLES)
    while re.search("Thin|Hairline|ExtraLight|ExtLt", file):  # too faint at the size of a room label
        file = pick_font(rng, style in HELD_OUT_STYLES)
    while True:
        for _ in range(4):
            scene = _attempt(rng, style, count, file)
            if scene is not None:
                return scene
        count = max(2, count - 1)


def _attempt(rng: random.Random, style: str, count: int, file: str) -> Scene | None:
    size = random_size(rng, 2.2)
    width, height = size
    long_side = max(size)
    label_size = round(long_side * rng.uniform(0.04, 0.052))
    extras, house = _frame(rng, size, label_size, file)
    corner_out = count >= 3 and rng.random() < 0.25
    least = max(label_size * 2.1, 0.1 * long_side)
    boxes = _subdivide(rng, house, count + corner_out, least)
    if boxes is None:
        return None
    if corner_out:
        at_corner = [b for b in boxes if (b[0] == house[0] or b[2] == house[2]) and (b[1] == house[1] or b[3] == house[3])]
        boxes.remove(rng.choice(at_corner))
    bare = style != "colour" and rng.random() < 0.12
    types = _assign(rng, boxes, bare)
    runs = _wall_runs(boxes)
    outer = round(long_side * rng.uniform(0.009, 0.022), 1)
    line = max(1.0, round(long_side * rng.uniform(0.002, 0.0045), 1))
    thick = {"outer": outer, "inner": round(outer * rng.choice((1, 0.8, 0.6)), 1)}
    if style in ("line", "cad", "dark") and rng.random() < 0.35:
        thick = {"outer": line * 1.5, "inner": line * rng.choice((1, 1.5))}
    scene: Scene = {
        "size": list(size), "style": style, "house": list(house), "bare": bare, "seed": rng.getrandbits(30),
        "scale": rng.choices((1, 2, 3), (0.45, 0.5, 0.05))[0], "font": file, "label_size": label_size,
        "paint": _paint(rng, style), "line": line, "fine": max(1.0, round(line * rng.choice((0.7, 1)), 1)),
        "thick": thick,
        "wobble": round(long_side * rng.uniform(0.0012, 0.0026), 2) if style == "sketch" else 0,
        "panes": rng.choice((1, 2, 2, 3)),
        "grid": round(long_side / rng.randint(18, 30)) if style == "blueprint" and rng.random() < 0.35 else 0,
        "jambs": rng.random() < 0.5, "metres": count**0.5 * rng.uniform(3, 5.5) / max(house[2] - house[0],
        house[3] - house[1]),
    }  # fmt: skip
    scene["rooms"] = [{"type": t, "box": list(b)} for t, b in zip(types, boxes, strict=True)]
    scene["walls"] = [_wall(run, types) for run in runs]
    _colour_rooms(rng, scene)
    if not _label_rooms(rng, scene):
        return None
    blocked: list[list[tuple[float, float, float, float]]] = [list(r.pop("covered")) for r in scene["rooms"]]
    scene["doors"] = _doors(rng, scene, runs, blocked)
    scene["windows"] = _windows(rng, scene, runs, types)
    if not _furnish(rng, scene, blocked):
        return None
    scene["extras"] = _measure(rng, scene, extras)
    return scene


def _wall(run: tuple[int, int, str, int, int, int], types: list[str]) -> list[Any]:
    a, b, axis, at, low, high = run
    kind = "inner" if b >= 0 else "outer"
    if types[a] == "balcony" or (b >= 0 and types[b] == "balcony"):
        kind = "rail" if b < 0 else "outer"
    return [low, at, high, at, kind] if axis == "h" else [at, low, at, high, kind]


def _frame(rng: random.Random, size: tuple[int, int], label: float, file: str) -> tuple[Scene, Box]:
    """What stands around the house, and the box that is left for it."""
    width, height = size
    long_side = max(size)
    pad = [round(long_side * rng.uniform(0.03, 0.09)) for _ in range(4)]
    extras: Scene = {}
    row = round(label * 2)
    roomy = min(size) > 0.55 * long_side
    if roomy and rng.random() < 0.35:
        text, big = rng.choice(_TITLES), label * rng.uniform(1.0, 1.4)
        big = round(min(big, big * width * 0.6 / max(1.0, text_size(text, file, big)[0])))
        top = rng.random() < 0.6
        y = pad[1] * 0.5 + row * 0.5 if top else height - pad[3] * 0.5 - row * 0.5
        extras["title"] = {"text": text, "x": width * 0.5, "y": y, "size": big, "anchor": "mm"}
        pad[1 if top else 3] += row
    foot = roomy and ("title" not in extras or extras["title"]["y"] < height / 2)
    if foot and rng.random() < 0.4:
        pad[3] += row
        y = height - pad[3] * 0.5
        if rng.random() < 0.65:
            extras["scale"] = {"x": pad[0], "y": y}
        if rng.random() < 0.65:
            points = rng.choice(("up", "up", "left", "right", "down"))
            extras["north"] = {"x": width - pad[2] - label * 2, "y": y, "radius": label * 0.75, "points": points}
            if points == "down":
                extras["north"]["y"] -= label * 0.9
            pad[3] += round(label * 1.2)
    if roomy and rng.random() < 0.2:
        extras["dims"] = []
        pad[0] += round(label * 1.5)
        pad[1] += round(label * 1.5)
    return extras, (pad[0], pad[1], width - pad[2], height - pad[3])


def _measure(rng: random.Random, scene: Scene, extras: Scene) -> Scene:
    """Fills in the lengths that scale bar and dimension lines show."""
    x0, y0, x1, y1 = scene["house"]
    metres, label = scene["metres"], scene["label_size"]
    if bar := extras.get("scale"):
        fits = [m for m in (1, 2, 3, 4, 5, 10) if label * 2 < m / metres < (x1 - x0) * 0.4]
        if fits:
            bar["text"] = f"{(chosen := rng.choice(fits))} m"
            bar["length"] = chosen / metres
        else:
            del extras["scale"]
    if "dims" in extras:
        digits = rng.choice(("{:.1f} m", "{:.1f}m", "{:.2f} m", "{:.1f}"))
        off = label * 0.7
        extras["dims"] = [
            {"line": [x0, y0 - off, x1, y0 - off], "at": [(x0 + x1) / 2, y0 - off - label * 0.65], "angle": 0,
             "text": digits.format((x1 - x0) * metres), "what": "width"},
            {"line": [x0 - off, y0, x0 - off, y1], "at": [x0 - off - label * 0.65, (y0 + y1) / 2], "angle": 90,
             "text": digits.format((y1 - y0) * metres), "what": "height"},
        ]  # fmt: skip
    return extras


def _colour_rooms(rng: random.Random, scene: Scene) -> None:
    paint = scene["paint"]
    fills = _room_fills(rng, [r["type"] for r in scene["rooms"]]) if scene["style"] == "colour" else {}
    for room in scene["rooms"]:
        name, colour = fills.get(room["type"], ("", paint["floor"]))
        room["colour"], room["fill"] = name, list(colour) if colour else None
        room["ink"] = list(ink_on(rng, colour) if name else paint["text"])


def _label_rooms(rng: random.Random, scene: Scene) -> bool:
    """Gives every room its text lines, or returns False where one does not fit."""
    case = rng.choice((str, str, str, str.upper, str.upper, str.lower))
    extra = rng.choice(("", "", "", "m²", "m2", "dims", "sq ft"))
    numbered, uses = rng.random() < 0.6, {}
    lift = rng.choice((0.5, 0.5, 0.5, 0.3, 0.7))
    style_of = {t: rng.choice(labels) for t, (_, labels) in _TYPES.items()}
    total = {t: sum(r["type"] == t for r in scene["rooms"]) for t in _TYPES}
    for room in scene["rooms"]:
        x0, y0, x1, y1 = room["box"]
        kind = room["type"]
        uses[kind] = uses.get(kind, 0) + 1
        number = f" {uses[kind]}" if numbered and total[kind] > 1 and kind in ("bedroom", "bathroom") else ""
        room["area"], room["name"], room["label"], room["lines"], room["covered"] = "", kind, "", [], []
        if scene["bare"]:
            continue
        w, h = x1 - x0 - scene["thick"]["outer"] * 2, y1 - y0 - scene["thick"]["outer"] * 2
        metres = scene["metres"]
        area = {
            "": "", "m²": f"{w * h * metres**2:.0f} m²", "m2": f"{w * h * metres**2:.1f} m2",
            "sq ft": f"{w * h * (metres * 3.281) ** 2:.0f} sq ft", "dims": f"{w * metres:.1f} x {h * metres:.1f}",
        }[extra]  # fmt: skip
        first = style_of[kind]
        for text, name in [first, *rng.sample(_TYPES[kind][1], len(_TYPES[kind][1]))]:
            if _place(scene, room, case(text) + number, area, w, h, lift) or _place(scene, room, case(text) + number,
                "", w, h, lift):
                room["name"] = name
                break
        else:
            return False
    return True


@lru_cache(maxsize=1 << 16)
def _wide(text: str, file: str) -> float:
    """Width of a text per pixel of size; measuring at every size would load every face at every size."""
    return text_size(text, file, 32)[0] / 32 * 1.03


def _place(scene: Scene, room: Scene, text: str, area: str, w: float, h: float, lift: float) -> bool:
    """Sets the label in one line, two, or upright; False where none fits."""
    size, file = scene["label_size"], scene["font"]
    tries = [([text], 0)]
    if " " in text and not area:
        tries.append((text.rsplit(" ", 1), 0))
    if not area and h > w * 1.5:
        tries.append(([text], 90))
    smallest = max(8, round(max(scene["size"]) * 0.033))
    for lines, angle in tries:
        for use in (size, round((size + smallest) / 2), smallest):
            small = max(smallest, round(use * 0.85))
            rows = [(t, use) for t in lines] + ([(area, small)] if area else [])
            wide = max(_wide(t, file) * s for t, s in rows)
            high = sum(s * 1.15 for _, s in rows)
            if (wide if not angle else high) > w * 0.9 or (high if not angle else wide) > h * 0.86:
                continue
            x0, y0, x1, y1 = room["box"]
            cx = (x0 + x1) / 2
            cy = (y0 + y1) / 2
            if not angle:
                room_left = (y1 - y0 - high) / 2 - scene["thick"]["outer"] - 2
                cy += max(-room_left, min(room_left, (lift - 0.5) * (y1 - y0)))
            at = cy - high / 2
            for line, s in rows:
                y = at + s * 0.575 if not angle else cy
                room["lines"].append({"text": line, "x": cx, "y": y, "size": s, "angle": angle})
                at += s * 1.15
            half_w, half_h = (wide / 2, high / 2) if not angle else (high / 2, wide / 2)
            room["covered"] = [(cx - half_w - 3, cy - half_h - 1, cx + half_w + 3, cy + half_h + 1)]
            room["label"], room["area"] = " ".join(lines), area
            return True
    return False


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _doors(rng: random.Random, scene: Scene, runs: list[Any], blocked: list[list[Any]]) -> list[Scene]:
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
    outside.sort(key=lambda r: (rooms[r[0]]["type"] not in ("hallway", "living room", "kitchen", "garage"),
        rng.random()))
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
    rng: random.Random, kind: str, axis: str, at: float, low: float, high: float, wide: float,
    blocked: list[list[Any]], into: list[int], rooms: list[Scene],
) -> Scene:  # fmt: skip
    """Puts a door where neither its leaf nor its way is over a label or another door; else a narrow gap."""
    box: tuple[float, float, float, float]
    for attempt in range(14):
        middle = rng.uniform(low + wide * 0.7, high - wide * 0.7)
        target = rng.choice(into)
        x0, y0, x1, y1 = rooms[target]["box"]
        swing = 1 if (y0 if axis == "h" else x0) >= at - 1 else -1
        deep = wide if kind != "gap" else wide * 0.3
        near, far = sorted((at, at + swing * deep))
        box = (middle - wide / 2, near, middle + wide / 2, far) if axis == "h" else (near, middle - wide / 2, far,
            middle + wide / 2)
        fits = deep < ((y1 - y0) if axis == "h" else (x1 - x0)) * 0.9
        if fits and not any(_overlap(box, other) for room in into for other in blocked[room]):
            break
        if attempt == 9:
            kind = "gap"
    for room in into:
        blocked[room].append((box[0] - wide * 0.25, box[1] - wide * 0.25, box[2] + wide * 0.25, box[3] + wide * 0.25))
    x, y = (middle, at) if axis == "h" else (at, middle)
    return {"x": round(x, 1), "y": round(y, 1), "axis": axis, "width": round(wide, 1), "kind": kind,
        "hinge": rng.randint(0, 1),
            "swing": swing}  # fmt: skip


def _windows(rng: random.Random, scene: Scene, runs: list[Any], types: list[str]) -> list[Scene]:
    """Up to eight windows in the outer walls, clear of each other and of the entrance."""
    long_side = max(scene["size"])
    wide = long_side * rng.uniform(0.06, 0.1)
    taken = [(d["x"], d["y"], d["width"]) for d in scene["doors"] if d["b"] < 0]
    target, windows = rng.randint(0, 8), []
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


def _furnish(rng: random.Random, scene: Scene, blocked: list[list[Any]]) -> bool:
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
    rng: random.Random, scene: Scene, room: Scene, taken: list[Any], wide: float, deep: float, long_side: int,
) -> tuple[list[float], str] | None:  # fmt: skip
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



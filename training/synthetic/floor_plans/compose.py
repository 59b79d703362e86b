"""Composes a floor plan: what stands around the house, its rooms and their labels."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

from ..base import Scene, pick_font, random_size, text_size
from ..colours import ink_on
from .furnish import furnish, hang_doors, set_windows
from .layout import Box, assign, subdivide, wall_runs
from .look import choose_paint, room_fills
from .words import HELD_OUT_STYLES, ROOM_LABELS, TITLES

_FAINT = "Thin|Hairline|ExtraLight|ExtLt"
"""Fonts that are too faint at the size of a room label."""


def compose(rng: random.Random, style: str) -> Scene:
    """A floor plan in `style`; tries layouts until everything fits."""
    count = rng.randint(2, 9)
    file = pick_font(rng, style in HELD_OUT_STYLES, avoid=_FAINT)
    while True:
        for _ in range(4):
            scene = _attempt(rng, style, count, file)
            if scene is not None:
                return scene
        count = max(2, count - 1)


def _attempt(rng: random.Random, style: str, count: int, file: str) -> Scene | None:
    size = random_size(rng, 2.2)
    long_side = max(size)
    label_size = round(long_side * rng.uniform(0.04, 0.052))
    extras, house = _frame(rng, size, label_size, file)
    corner_out = count >= 3 and rng.random() < 0.25
    least = max(label_size * 2.1, 0.1 * long_side)
    boxes = subdivide(rng, house, count + corner_out, least)
    if boxes is None:
        return None
    if corner_out:
        at_corner = [
            b for b in boxes if (b[0] == house[0] or b[2] == house[2]) and (b[1] == house[1] or b[3] == house[3])
        ]
        boxes.remove(rng.choice(at_corner))
    bare = style != "colour" and rng.random() < 0.12
    types = assign(rng, boxes, bare)
    runs = wall_runs(boxes)
    outer = round(long_side * rng.uniform(0.009, 0.022), 1)
    line = max(1.0, round(long_side * rng.uniform(0.002, 0.0045), 1))
    thick = {"outer": outer, "inner": round(outer * rng.choice((1, 0.8, 0.6)), 1)}
    if style in ("line", "cad", "dark") and rng.random() < 0.35:
        thick = {"outer": line * 1.5, "inner": line * rng.choice((1, 1.5))}
    scene: Scene = {
        "size": list(size), "style": style, "house": list(house), "bare": bare, "seed": rng.getrandbits(30),
        "scale": rng.choices((1, 2, 3), (0.45, 0.5, 0.05))[0], "font": file, "label_size": label_size,
        "paint": choose_paint(rng, style), "line": line, "fine": max(1.0, round(line * rng.choice((0.7, 1)), 1)),
        "thick": thick, "wobble": round(long_side * rng.uniform(0.0012, 0.0026), 2) if style == "sketch" else 0,
        "panes": rng.choice((1, 2, 2, 3)),
        "grid": round(long_side / rng.randint(18, 30)) if style == "blueprint" and rng.random() < 0.35 else 0,
        "jambs": rng.random() < 0.5,
        "metres": count**0.5 * rng.uniform(3, 5.5) / max(house[2] - house[0], house[3] - house[1]),
    }  # fmt: skip
    scene["rooms"] = [{"type": t, "box": list(b)} for t, b in zip(types, boxes, strict=True)]
    scene["walls"] = [_wall(run, types) for run in runs]
    _colour_rooms(rng, scene)
    if not _label_rooms(rng, scene):
        return None
    blocked: list[list[tuple[float, float, float, float]]] = [list(r.pop("covered")) for r in scene["rooms"]]
    scene["doors"] = hang_doors(rng, scene, runs, blocked)
    scene["windows"] = set_windows(rng, scene, runs, types)
    if not furnish(rng, scene, blocked):
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
        text, big = rng.choice(TITLES), label * rng.uniform(1.0, 1.4)
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
            {
                "line": [x0, y0 - off, x1, y0 - off], "at": [(x0 + x1) / 2, y0 - off - label * 0.65], "angle": 0,
                "text": digits.format((x1 - x0) * metres), "what": "width",
            },
            {
                "line": [x0 - off, y0, x0 - off, y1], "at": [x0 - off - label * 0.65, (y0 + y1) / 2], "angle": 90,
                "text": digits.format((y1 - y0) * metres), "what": "height",
            },
        ]  # fmt: skip
    return extras


def _colour_rooms(rng: random.Random, scene: Scene) -> None:
    paint = scene["paint"]
    fills = room_fills(rng, [r["type"] for r in scene["rooms"]]) if scene["style"] == "colour" else {}
    for room in scene["rooms"]:
        name, colour = fills.get(room["type"], ("", paint["floor"]))
        room["colour"], room["fill"] = name, list(colour) if colour else None
        room["ink"] = list(ink_on(rng, colour) if name else paint["text"])


def _label_rooms(rng: random.Random, scene: Scene) -> bool:
    """Gives every room its text lines, or returns False where one does not fit."""
    case = rng.choice((str, str, str, str.upper, str.upper, str.lower))
    extra = rng.choice(("", "", "", "m²", "m2", "dims", "sq ft"))
    numbered = rng.random() < 0.6
    uses: dict[str, int] = {}
    lift = rng.choice((0.5, 0.5, 0.5, 0.3, 0.7))
    style_of = {t: rng.choice(labels) for t, (_, labels) in ROOM_LABELS.items()}
    total = {t: sum(r["type"] == t for r in scene["rooms"]) for t in ROOM_LABELS}
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
            "": "",
            "m²": f"{w * h * metres**2:.0f} m²",
            "m2": f"{w * h * metres**2:.1f} m2",
            "sq ft": f"{w * h * (metres * 3.281) ** 2:.0f} sq ft",
            "dims": f"{w * metres:.1f} x {h * metres:.1f}",
        }[extra]
        first = style_of[kind]
        for text, name in [first, *rng.sample(ROOM_LABELS[kind][1], len(ROOM_LABELS[kind][1]))]:
            if _place(scene, room, case(text) + number, area, w, h, lift) or _place(
                scene, room, case(text) + number, "", w, h, lift
            ):
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

"""Composes a scene: a background, who plays, in which size, and where."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

from ..base import Scene, random_size
from ..colours import CHROMATIC, COLOURS, RGB, mix, shade
from .words import KINDS, Thing

_SIZE_NAMES = (("small", 0.0, 0.098), ("medium", 0.114, 0.162), ("large", 0.188, 1.0))
_RADII = {"small": (0.068, 0.092), "medium": (0.12, 0.155), "large": (0.2, 0.27)}


def _background(rng: random.Random, style: str) -> Thing:
    """A named colour and a texture; tinted names keep the plain name as `base`."""
    base, name = rng.choice(CHROMATIC), ""
    roll = rng.random()
    if style == "neon":
        base, rgb = "black", rng.choice(((5, 5, 14), (0, 0, 0), (14, 8, 20)))
    elif style == "sketch":
        base, rgb = "white", rng.choice(((255, 255, 255), (250, 249, 244), (246, 246, 246)))
    elif roll < 0.32:
        base, rgb = "white", rng.choice(((255, 255, 255), (250, 250, 250), (248, 249, 250)))
    elif roll < 0.45:
        base, rgb = "black", shade(rng, "black")
    elif roll < 0.52:
        base, rgb = "gray", shade(rng, "gray")
    elif roll < 0.74:
        base = rng.choice(("blue", "green", "yellow", "gray", "purple"))
        rgb = mix(shade(rng, base), (255, 255, 255), rng.uniform(0.68, 0.78))
        if base == "gray":  # some grays are nearly that light themselves
            rgb = (rng.randint(205, 232),) * 3
        name = f"light {base}"
    elif roll < 0.84:
        dark = (("blue", (16, 28, 84)), ("gray", (62, 64, 68)), ("green", (10, 62, 30)), ("blue", (22, 26, 58)))
        base, rgb = rng.choice(dark)
        name = f"dark {base}"
    else:
        rgb = shade(rng, base)
    kinds = {
        "textured": ("grid", "dots", "noise"),
        "gradient": ("gradient", "plain"),
        "neon": ("plain", "grid"),
        "sketch": ("noise", "plain", "grid"),
    }
    kind = rng.choice(kinds.get(style, ("plain", "plain", "plain", "plain", "gradient", "noise")))
    light = sum(rgb) > 380
    ink = mix(rgb, (0, 0, 0) if light else (255, 255, 255), rng.uniform(0.1, 0.24))
    end = mix(rgb, (0, 0, 0) if light else (255, 255, 255), rng.uniform(0.12, 0.22))
    return {
        "kind": kind, "name": name or base, "base": base, "rgb": list(rgb), "rgb2": list(end), "ink": list(ink),
        "angle": rng.choice((0, 45, 90, 135, 180, 270)), "pitch": rng.randint(14, 44), "line": rng.choice((1, 1, 2)),
        "noise": round(rng.uniform(5, 14), 1), "seed": rng.getrandbits(30),
    }  # fmt: skip


def _distance(a: Sequence[int], b: Sequence[int]) -> float:
    return math.dist(a, b)


def _shades(rng: random.Random, background: Thing, style: str) -> dict[str, RGB]:
    """One shade for every colour name that stands out from the background."""
    result: dict[str, RGB] = {}
    for name in COLOURS:
        if name == background["base"] or (style == "neon" and name in ("black", "gray", "brown")):
            continue
        rgb = shade(rng, name)
        ends = [background["rgb"]] + ([background["rgb2"]] if background["kind"] == "gradient" else [])
        if all(_distance(rgb, end) > 105 for end in ends):
            result[name] = rgb
    return result


def _cast(rng: random.Random, n: int, colours: Sequence[str]) -> list[tuple[str, str]]:
    """Who plays: distinct things for relations, repeated kinds or colours for counting."""
    kinds, names = rng.sample(KINDS, n), rng.sample(colours, min(n, len(colours)))
    names += rng.choices(colours, k=n - len(names))
    roll = rng.random()
    if n >= 4 or roll > 0.72:
        several = rng.randint(2, n) if n > 1 else 1
        if rng.random() < 0.6:
            kinds[:several] = [kinds[0]] * several
        else:
            names[:several] = [names[0]] * several
        if n >= 5 and rng.random() < 0.6:
            some = rng.randint(2, max(2, n - several)) if several < n else 0
            kinds[n - some :] = [kinds[-1]] * some
            names[: n // 2] = [rng.choice(names)] * (n // 2)
    cast = list(zip(kinds, names, strict=True))
    rng.shuffle(cast)
    return cast


def _rotation(rng: random.Random, kind: str) -> int:
    """Degrees that keep the kind recognisable: a square on its tip would be a diamond."""
    if kind == "arrow":
        return rng.choice((0, 90, 180, 270))
    if kind == "semicircle":
        return rng.choice((0, 0, 90, 180, 270)) + rng.randint(-8, 8)
    if rng.random() < 0.5:
        return 90 if kind in ("rectangle", "ellipse") and rng.random() < 0.3 else 0
    limits = {"square": 18, "diamond": 8, "cross": 15, "heart": 22, "triangle": 180, "star": 36, "rectangle": 90}
    limit = limits.get(kind, 60)
    return rng.randint(-limit, limit)


def _fill(rng: random.Random, style: str, kind: str) -> str:
    if style == "neon":
        return "outlined"
    table = {
        "flat": ("solid",),
        "bordered": ("solid",),
        "outline": ("outlined", "outlined", "outlined", "solid"),
        "gradient": ("gradient", "gradient", "solid"),
        "striped": ("striped", "striped", "solid", "outlined"),
        "sketch": ("solid", "outlined"),
    }
    fill = rng.choice(table.get(style, ("solid", "solid", "outlined", "solid", "striped", "gradient")))
    return "solid" if kind == "ring" and fill == "outlined" and style != "sketch" else fill


def _thing(rng: random.Random, kind: str, colour: str, rgb: RGB, style: str, background: Thing, r: float) -> Thing:
    aspect = {
        "rectangle": rng.uniform(0.4, 0.64),
        "ellipse": rng.uniform(0.45, 0.65),
        "diamond": 1.0 / rng.uniform(1.25, 1.6),
    }.get(kind, 1.0)
    fill = _fill(rng, style, kind)
    light = sum(rgb) > 500
    other = tuple(background["rgb"]) if fill == "striped" else mix(rgb, (0, 0, 0) if light else (255,) * 3, 0.38)
    edge = rng.choice(((0, 0, 0), (40, 40, 40), (255, 255, 255))) if style == "bordered" else None
    if edge and _distance(edge, rgb) < 120:
        edge = None
    rotation = _rotation(rng, kind) + (90 if kind == "diamond" else 0)
    return {
        "kind": kind, "colour": colour, "rgb": list(rgb), "rgb2": list(other), "r": round(r, 1), "x": 0.0, "y": 0.0,
        "rotation": rotation, "aspect": round(aspect, 3), "fill": fill, "fill_angle": rng.choice((0, 45, 90, 135)),
        "edge": list(edge) if edge else None,
        "line": round(max(2.0, r * (rng.uniform(0.04, 0.09) if edge else rng.uniform(0.04, 0.16))), 1),
        "points": rng.choice((5, 5, 5, 5, 4, 6)), "thickness": round(rng.uniform(0.28, 0.4), 2),
        "hole": round(rng.uniform(0.45, 0.66), 2),
        "stroke": rng.choices(("whole", "dashed", "double"), (80, 11, 9))[0] if style != "neon" else "whole",
    }  # fmt: skip


def _scatter(rng: random.Random, things: list[Thing], width: int, height: int, overlap: float) -> None:
    """Random places, largest first; a thing that finds none shrinks until it does."""
    placed: list[Thing] = []
    for o in sorted(things, key=lambda o: -o["r"]):
        o["r"] = min(o["r"], width * 0.46, height * 0.46)
        for attempt in range(400):
            if attempt % 25 == 24:
                o["r"] *= 0.9
            pad = o["r"] * 1.07 + 2
            x, y = rng.uniform(pad, width - pad), rng.uniform(pad, height - pad)
            if all(math.hypot(x - p["x"], y - p["y"]) > (o["r"] + p["r"]) * overlap for p in placed):
                break
        o["x"], o["y"], o["r"] = round(x, 1), round(y, 1), round(o["r"], 1)
        placed.append(o)


def _side_by_side(rng: random.Random, things: list[Thing], width: int, height: int) -> None:
    """Two things clearly left/right of or above/below each other: the relation drill."""
    a, b = things
    across = rng.random() < 0.5
    along, over = (width, height) if across else (height, width)
    need = 2 * (a["r"] + b["r"]) * 1.12
    shrink = min(1.0, along * 0.92 / need, over * 0.42 / max(a["r"], b["r"]))
    a["r"], b["r"] = round(a["r"] * shrink, 1), round(b["r"] * shrink, 1)
    first, second = a["r"] * 1.05 + 1, along - b["r"] * 1.05 - 1
    slack = second - first - (a["r"] + b["r"]) * 1.1
    p = first + rng.uniform(0, 0.45) * slack
    q = second - rng.uniform(0, 0.45) * slack
    pad = max(a["r"], b["r"]) * 1.05 + 1
    u = rng.uniform(pad, over - pad)
    v = min(max(u + rng.uniform(-0.25, 0.25) * (q - p), pad), over - pad)
    (a["x"], a["y"]), (b["x"], b["y"]) = ((p, u), (q, v)) if across else ((u, p), (v, q))
    for o in things:
        o["x"], o["y"] = round(o["x"], 1), round(o["y"], 1)
    rng.shuffle(things)


def compose(rng: random.Random, style: str) -> Scene:
    """A composition in `style`."""
    width, height = random_size(rng)
    background = _background(rng, style)
    shades = _shades(rng, background, style)
    if style == "crowd":
        n = rng.randint(4, 8)
    elif style == "pairs":
        n = 2
    else:
        n = rng.choices(range(1, 9), (16, 24, 24, 12, 8, 6, 5, 5))[0]
    base = min(math.sqrt(width * height), 1.5 * min(width, height))
    weights = {1: (1, 2, 3), 2: (1, 1, 1), 3: (1, 1, 1)}.get(n, (3, 3, 1))
    things = []
    for kind, colour in _cast(rng, n, list(shades)):
        radius = base * rng.uniform(*_RADII[rng.choices(("small", "medium", "large"), weights)[0]])
        things.append(_thing(rng, kind, colour, shades[colour], style, background, radius))
    if n == 2 and rng.random() < 0.75:
        _side_by_side(rng, things, width, height)
    else:
        overlap = rng.uniform(0.84, 0.95) if rng.random() < 0.12 else rng.uniform(1.05, 1.2)
        _scatter(rng, things, width, height, overlap)
    for o in things:
        ratio = o["r"] / base
        o["size"] = next((name for name, low, high in _SIZE_NAMES if low <= ratio <= high), "")
        o["line"] = min(o["line"], round(max(1.5, o["r"] * 0.15), 1))
    dark = sum(background["rgb"]) < 300
    shift = max(2.0, base * rng.uniform(0.008, 0.02))
    shadow = {
        "dx": round(shift * rng.choice((-1, 1)), 1),
        "dy": round(shift, 1),
        "rgb": list(mix(background["rgb"], (0, 0, 0), 0.6 if dark else 0.28)),
        "blur": round(shift * rng.uniform(0.4, 1.2), 1) if rng.random() < 0.5 else 0,
    }
    return {
        "style": style, "size": [width, height],
        "scale": rng.choice((1, 2, 2, 2, 3)) if max(width, height) < 600 else 1, "base": round(base, 1),
        "background": background, "objects": things, "shadow": shadow if style == "shadow" else None,
        "frame": list(mix(background["rgb"], (128, 128, 128), 0.7)) if rng.random() < 0.08 else None,
        "frame_width": rng.randint(1, 4),
    }  # fmt: skip

"""Composes a palette: colours, their shades, and where the swatches stand."""

from __future__ import annotations

import math
import random
from typing import Any

from ..base import Scene, fit_text, pick_font, random_size
from ..colours import COLOURS, RGB, ink_on, luminance, mix, shade
from .words import COOL, HELD_OUT_STYLES, POINTED, TITLES, WARM

_GROUNDS: tuple[RGB, ...] = (
    (255, 255, 255), (255, 255, 255), (248, 248, 246), (235, 235, 238), (40, 42, 48), (18, 18, 20), (225, 215, 200),
    (205, 210, 215), (96, 100, 108), (48, 50, 56), (250, 240, 225),
)  # fmt: skip


def _names(rng: random.Random, n: int) -> list[str]:
    """Colour names: mostly distinct, sometimes with repeats, sometimes leaning warm or cool."""
    roll = rng.random()
    if roll < 0.2:
        lean = rng.choice((WARM, COOL))
        names = [*lean, *rng.sample(COLOURS, 4), *rng.choices(lean, k=3)]
        return rng.sample(names, min(n, len(names)))
    if roll < 0.5 and n > 2:
        pool = rng.sample(COLOURS, max(2, round(n * rng.uniform(0.35, 0.8))))
        names = [*pool[:n], *rng.choices(pool[:2], k=max(0, n - len(pool)))]
        rng.shuffle(names)
        return names
    return rng.sample(COLOURS, n)


def _swatches(rng: random.Random, names: list[str], joined: bool) -> list[dict[str, Any]]:
    """Shades for the names; neighbours that touch are kept apart so that they can be counted."""
    if joined:
        for _ in range(30):
            if all(a != b for a, b in zip(names, names[1:] + names[:1], strict=True)):
                break
            rng.shuffle(names)
        else:
            names = rng.sample(COLOURS, len(names))
    fixed, same = {name: shade(rng, name) for name in names}, rng.random() < 0.6
    return [{"colour": name, "rgb": list(fixed[name] if same else shade(rng, name))} for name in names]


def _grid_shape(rng: random.Random, n: int, width: int, height: int) -> tuple[int, int, int]:
    """(count, columns, rows) of a full grid near the wanted count."""
    n = {2: 4, 3: 6, 5: 6, 7: 8}.get(n, n)
    columns, rows = {4: (2, 2), 6: (3, 2), 8: (4, 2), 9: (3, 3)}[n]
    if rng.random() < 0.3 or (width < height and columns > rows):
        columns, rows = rows, columns
    return n, columns, rows


def _spans(shares: list[float], start: float, end: float, gap: float) -> list[tuple[float, float]]:
    """Pieces of a line in these proportions, with gaps between them."""
    unit, spans = (end - start - gap * (len(shares) - 1)) / sum(shares), []
    for share in shares:
        spans.append((start, start + share * unit))
        start += share * unit + gap
    return spans


def _boxes(
    area: tuple[float, float, float, float], across: list[float], down: list[float], gap: float
) -> list[list[float]]:
    """Boxes in reading order, whose columns and rows have these proportions."""
    x0, y0, x1, y1 = area
    return [
        [round(v, 1) for v in (left, top, right, bottom)]
        for top, bottom in _spans(down, y0, y1, gap)
        for left, right in _spans(across, x0, x1, gap)
    ]


def _proportions(rng: random.Random, style: str, n: int) -> list[float]:
    """How wide the swatches of a row are, or how high those of a column: mostly all the same."""
    if n == 1 or style not in ("row", "column", "strips") or rng.random() > 0.25:
        return [1.0] * n
    return [rng.uniform(0.6, 1.9) for _ in range(n)]


def _form(rng: random.Random, style: str, layout: str, joined: bool) -> str:
    """The outline of each swatch; on a ring, how it stands there."""
    if style == "ring":
        return rng.choice(("wedge", "wedge", "wedge", "slice", "slice", "tile", "petal"))
    if style in ("row", "column", "grid") and not joined:
        return rng.choice(("box", "box", "round", "disc", "hexagon", "diamond"))
    if style == "spaced":
        return rng.choice(("disc", "disc", "disc", "hexagon", "diamond"))
    return {"dots": "disc", "labelled": rng.choice(("box", "round")), "cards": "card"}.get(style, "box")


def _look_merged(swatches: list[dict[str, Any]]) -> bool:
    """Whether two neighbours would look like one swatch without a line between them."""
    return any(math.dist(a["rgb"], b["rgb"]) < 75 for a, b in zip(swatches, swatches[1:] + swatches[:1], strict=True))


def _layout(rng: random.Random, style: str) -> str:
    options = {
        "row": ("row",),
        "column": ("column",),
        "grid": ("grid",),
        "ring": ("ring",),
        "wheel": ("ring",),
        "strips": ("row", "column"),
        "dots": ("row", "row", "column"),
        "labelled": ("row", "column", "grid"),
        "spaced": ("row", "grid", "column"),
        "cards": ("row", "grid", "grid"),
    }
    return rng.choice(options[style])


def compose(rng: random.Random, style: str) -> Scene:
    """A palette in `style`."""
    layout = _layout(rng, style)
    n = rng.randint({"ring": 4}.get(layout, 2), 6 if style == "labelled" and layout == "row" else 9)
    width, height = random_size(rng)
    if (layout == "row") != (width >= height) and layout in ("row", "column") and rng.random() < 0.75:
        width, height = height, width
    held_out = style in HELD_OUT_STYLES
    joined = style in ("strips", "ring") or (style == "dots")
    gap_share = 0.0 if style == "strips" else 0.03
    if style in ("row", "column", "grid"):
        gap_share = rng.choice((0.0, 0.015, 0.03, 0.05))
    joined = joined or gap_share == 0.0
    columns = rows = 1
    if layout == "grid":
        n, columns, rows = _grid_shape(rng, n, width, height)
    swatches = _swatches(rng, _names(rng, n), joined)
    if layout == "grid" and (joined or len(swatches) < n):
        swatches = [{"colour": c, "rgb": list(shade(rng, c))} for c in rng.sample(COLOURS, n)]
    n = len(swatches)
    if layout != "grid":
        columns, rows = (n, 1) if layout == "row" else (1, n)
    ground = rng.choice(_GROUNDS)
    close = any(math.dist(s["rgb"], ground) < 70 for s in swatches) or (joined and _look_merged(swatches))
    border = (0, 0, 0) if luminance(ground) > 0.3 else (235, 235, 235)
    short = min(width, height)
    margin = 0.0 if style == "strips" and rng.random() < 0.6 else short * rng.uniform(0.03, 0.1)
    scene: Scene = {
        "style": style,
        "size": [width, height],
        "layout": layout,
        "columns": columns,
        "rows": rows,
        "swatches": swatches,
        "ground": list(ground),
        "border": list(mix(ground, border, 0.6)) if close or rng.random() < 0.2 else None,
        "line": max(1, round(short * rng.uniform(0.004, 0.01))),
        "scale": rng.choice((1, 2, 2, 3)) if max(width, height) < 600 else 1,
        "boxes": [],
        "form": _form(rng, style, layout, joined),
        "hole": round(rng.uniform(0.35, 0.62), 2),
        "spacing": rng.choice((0, 0, 3, rng.uniform(4, 12))),
        "shadow": int(rng.random() < 0.25),
        "font": pick_font(rng, held_out),
        "seed": rng.getrandbits(30),
        "title": None,
    }
    if scene["form"] == "slice":
        scene["hole"] = 0.0
    if layout != "ring":
        top = margin
        if not held_out and style not in ("strips", "dots") and rng.random() < 0.2:
            top = _title(rng, scene, margin)
        across, down = (_proportions(rng, style, k) for k in (columns, rows))
        scene["boxes"] = _boxes((margin, top, width - margin, height - margin), across, down, gap_share * short)
    if style in ("labelled", "cards") or (style in ("strips", "row", "column") and rng.random() < 0.5):
        _label(rng, scene)
    return scene


def _title(rng: random.Random, scene: Scene, margin: float) -> float:
    """A heading above the swatches, if there is room; returns where they begin."""
    width, height = scene["size"]
    text = rng.choice(TITLES).format(n=rng.randint(1, 24), y=rng.randint(2015, 2027))
    size = fit_text(text, scene["font"], max(width, height) * rng.uniform(0.045, 0.07), width - 2 * margin)
    if size < 0.036 * max(width, height) or height < 6 * size:
        return margin
    left = rng.random() < 0.5
    scene["title"] = {
        "text": text, "size": round(size, 1), "x": round(margin if left else width / 2, 1),
        "y": round(margin + size * 0.6, 1), "anchor": "lm" if left else "mm",
    }  # fmt: skip
    return margin + size * 1.6


def _label(rng: random.Random, scene: Scene) -> None:
    """Adds hex codes, if there is room for legible ones."""
    long_side, boxes = max(scene["size"]), scene["boxes"]
    size = round(long_side * rng.uniform(0.037, 0.05), 1)
    form = rng.choice(("#{:02X}{:02X}{:02X}", "#{:02X}{:02X}{:02X}", "#{:02x}{:02x}{:02x}", "{:02X}{:02X}{:02X}"))
    labels = [form.format(*s["rgb"]) for s in scene["swatches"]]
    if not boxes or len(set(labels)) < len(labels):
        return
    width, height = (min(box[k + 2] - box[k] for box in boxes) for k in (0, 1))
    size = min(fit_text(label, scene["font"], size, width * 0.9) for label in labels)
    if size < long_side * 0.036 or height < size * (3 if scene["form"] == "card" else 1.8) or scene["form"] in POINTED:
        return
    for swatch, label in zip(scene["swatches"], labels, strict=True):
        swatch["label"], swatch["ink"] = label, list(ink_on(rng, swatch["rgb"]))
    scene["text_size"] = size
    scene["below"] = int(
        scene["form"] != "card" and scene["style"] == "labelled" and height > size * 3.5 and rng.random() < 0.5
    )

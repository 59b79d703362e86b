"""Finds the places of a chart's parts.

Composing asks the same `layout` whether everything fits, so that no drawn chart has labels that overlap
or are too small to read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import lru_cache

from ..base import Scene, font
from .words import ROUND


@lru_cache(maxsize=8192)
def text_width(text: str, file: str, size: int) -> float:
    """Advance width of `text`; cached because composing measures the same words again and again."""
    return font(file, size).getlength(text)


def number(scene: Scene, value: float) -> str:
    """A value as the chart writes it."""
    style = scene["number"]
    text = f"{value:,.0f}" if style["comma"] else f"{value:g}"
    return f"{style['prefix']}{text}{style['suffix']}"


@dataclass
class Layout:
    """Where things go, in output pixels. `ok` is False where something does not fit."""

    ok: bool = True
    plot: tuple[float, float, float, float] = (0, 0, 0, 0)
    head: float = 0
    angle: int = 0
    title: tuple[float, float] = (0, 0)
    legend: list[tuple[float, float]] = field(default_factory=list)
    centre: tuple[float, float] = (0, 0)
    radius: float = 0
    left_text: float = 0
    ylabel: tuple[float, float] = (0, 0)
    xlabel: tuple[float, float] = (0, 0)


def _place_legend(scene: Scene, box: list[float], out: Layout) -> None:
    """Takes the legend's room off `box` and notes where the swatches go."""
    names, s = scene["legend"], scene["tick"]
    widths = [text_width(name, scene["font"], s) + 2.3 * s for name in names]
    where = scene["legend_at"]
    if where in ("top", "bottom"):
        total = sum(widths)
        if total > box[2] - box[0]:
            out.ok = False
        y = box[1] + 0.8 * s if where == "top" else box[3] - 0.7 * s
        x = box[0] if where == "top" and scene["title_at"] == "left" else (box[0] + box[2] - total) / 2
        for width in widths:
            out.legend.append((x, y))
            x += width
        box[1 if where == "top" else 3] += (1.8 if where == "top" else -1.8) * s
    elif where == "right":
        box[2] -= max(widths)
        step = 1.5 * s
        y = (box[1] + box[3]) / 2 - step * (len(names) - 1) / 2 if scene["legend_mid"] else box[1] + s
        if step * len(names) > box[3] - box[1]:
            out.ok = False
        out.legend += [(box[2] + 0.8 * s, y + step * i) for i in range(len(names))]
    else:  # inside the axes: the data are kept below it
        out.head = 1.4 * s * len(names) + 0.7 * s


def layout(scene: Scene) -> Layout:
    """Places title, legend, labels and plot area."""
    out = Layout()
    (width, height), s, face, kind = scene["size"], scene["tick"], scene["font"], scene["kind"]
    pad = scene["pad"]
    box = [pad, pad, width - pad, height - pad]
    if scene["style"] == "newspaper":
        box[1] += 0.6 * s
    if scene["title"]:
        size = scene["title_size"]
        if text_width(scene["title"], scene["title_font"], size) > box[2] - box[0]:
            out.ok = False
        out.title = (box[0] if scene["title_at"] == "left" else (box[0] + box[2]) / 2, box[1] + 0.6 * size)
        box[1] += 1.5 * size
    if scene["legend"]:
        _place_legend(scene, box, out)
    if kind in ROUND:
        _place_pie(scene, box, out)
    else:
        _place_axes(scene, box, out)
    if out.head and out.ok:
        x0, y0, x1, _ = out.plot
        wide = max(text_width(name, face, s) for name in scene["legend"]) + 2.4 * s
        x = x0 + 0.6 * s if scene["legend_mid"] else x1 - wide
        out.legend = [(x, y0 + s + 1.4 * s * i) for i in range(len(scene["legend"]))]
        out.ok = wide < 0.8 * (x1 - x0)
    return out


def _place_pie(scene: Scene, box: list[float], out: Layout) -> None:
    s = scene["tick"]
    x_room = y_room = 0.3 * s
    if scene["slice_names"]:
        x_room = max(text_width(name, scene["font"], s) for name in scene["categories"]) + 0.8 * s
        y_room = 1.6 * s
    out.radius = min((box[2] - box[0]) / 2 - x_room, (box[3] - box[1]) / 2 - y_room)
    out.centre = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    out.ok = out.ok and out.radius >= (5.2 if scene["value_labels"] else 3.5) * s
    out.ok = out.ok and out.radius > 0.2 * min(scene["size"])


def _place_axes(scene: Scene, box: list[float], out: Layout) -> None:
    s, face, kind = scene["tick"], scene["font"], scene["kind"]
    width, height = scene["size"]
    categories = scene["categories"]
    ticks = [number(scene, v) for v in scene["ticks"]] if scene["show_ticks"] else []
    tick_width = max((text_width(t, face, s) for t in ticks), default=0.0)
    names = [text_width(c, face, s) for c in categories]
    left_text = (max(names) if kind == "barh" else tick_width) + 0.7 * s
    if scene["ylabel"] and scene["ylabel_at"] == "top":
        out.ylabel = (box[0], box[1] + 0.6 * s)
        box[1] += 1.6 * s
        out.ok = out.ok and text_width(scene["ylabel"], face, s) < box[2] - box[0]
    elif scene["ylabel"]:
        out.ylabel = (box[0] + 0.5 * s, 0)
        box[0] += 1.5 * s
    box[0] += left_text
    out.left_text = left_text
    if kind == "line" and scene["direct"]:
        box[2] -= max(text_width(r["name"], face, s) for r in scene["series"]) + 0.3 * s
    elif kind in ("barh", "scatter"):
        box[2] -= tick_width / 2
    if scene["xlabel"]:
        out.xlabel = (0, box[3] - 0.5 * s)
        box[3] -= 1.5 * s
    if kind in ("bar", "grouped", "line"):
        slot = (box[2] - box[0]) / len(categories)
        if max(names) > 0.9 * slot:
            out.angle = scene["tilt"]
        depth = max(names) * math.sin(math.radians(out.angle)) + 0.8 * s if out.angle else s
        if (out.angle == 45 and names[0] * 0.7 > box[0] + slot / 2) or (out.angle and slot < 1.3 * s):
            out.ok = False
        box[3] -= depth + 0.5 * s
    else:
        box[3] -= 1.4 * s if ticks else 0
        slot = (box[3] - box[1]) / max(1, len(categories))
        if kind == "barh" and slot < 1.4 * s:
            out.ok = False
    x0, y0, x1, y1 = out.plot = (box[0], box[1] + 0.4 * s, box[2], box[3])
    inner = y1 - y0 - out.head
    out.ylabel = (out.ylabel[0], (y0 + y1) / 2 if scene["ylabel_at"] != "top" else out.ylabel[1])
    out.xlabel = ((x0 + x1) / 2, out.xlabel[1])
    if x1 - x0 < 0.4 * width or y1 - y0 < 0.36 * height or inner < 5 * s:
        out.ok = False
    if scene["ylabel"] and scene["ylabel_at"] != "top" and text_width(scene["ylabel"], face, s) > y1 - y0 + 2 * s:
        out.ok = False
    if scene["xlabel"] and text_width(scene["xlabel"], face, s) > x1 - x0 + left_text:
        out.ok = False
    gaps = max(1, len(ticks) - 1)
    if kind == "barh":
        out.ok = out.ok and (x1 - x0) / gaps > tick_width + 0.6 * s
    else:
        out.ok = out.ok and inner / gaps > 1.35 * s
    if kind == "scatter":
        widest = max(text_width(f"{v:g}", face, s) for v in scene["xticks"])
        out.ok = out.ok and (x1 - x0) / (len(scene["xticks"]) - 1) > widest + 0.6 * s
    if scene["value_labels"] and kind in ("bar", "grouped", "line"):
        widest = max(text_width(number(scene, v), face, s) for r in scene["series"] for v in r["values"])
        room = slot * (scene["bar_width"] / len(scene["series"]) if kind == "grouped" else 0.95)
        out.ok = out.ok and widest <= room

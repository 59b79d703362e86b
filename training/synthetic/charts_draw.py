"""Layout and drawing of the `charts` family: from a plain scene to pixels.

`layout` is also what composing asks whether everything fits, so that no drawn chart has labels
that overlap or are too small to read.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from PIL import Image

from .base import RGB, Canvas, Scene, font, ink_on, mix

ROUND = ("pie", "donut")


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
        if out.angle == 45 and names[0] * 0.7 > box[0] + slot / 2 or out.angle and slot < 1.3 * s:
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


class Pen:
    """A canvas whose strokes wobble in the `sketch` style and are straight in all others."""

    def __init__(self, scene: Scene) -> None:
        look = scene["look"]
        self.canvas = Canvas(*scene["size"], tuple(look["page"]), scene["scale"])
        self.shaky = scene["style"] == "sketch"
        self.rng = random.Random(scene["jitter"])
        self.amplitude = scene["tick"] * 0.11

    def _wobble(self, points: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
        out: list[tuple[float, float]] = []
        for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
            pieces = max(2, int(math.hypot(x1 - x0, y1 - y0) / (self.amplitude * 11)))
            for i in range(pieces):
                t, a = i / pieces, self.amplitude
                out.append((x0 + (x1 - x0) * t + self.rng.uniform(-a, a), y0 + (y1 - y0) * t + self.rng.uniform(-a, a)))
        return [*out, (points[-1][0], points[-1][1])]

    def line(self, points: Sequence[Sequence[float]], fill: RGB, width: float, dash: bool = False) -> None:
        if self.shaky:
            self.canvas.line(self._wobble(points), fill, width)
        else:
            self.canvas.line(points, fill, width, (4 * width + 2, 3 * width + 1) if dash else None)

    def box(self, x0: float, y0: float, x1: float, y1: float, fill: RGB, outline: RGB | None, width: float,
            radius: float = 0) -> None:  # fmt: skip
        if self.shaky:
            points = self._wobble([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)])
            self.canvas.polygon(points, fill, outline, width)
        else:
            self.canvas.rect(x0, y0, x1, y1, fill, outline, width, radius)


def _marker(canvas: Canvas, x: float, y: float, r: float, shape: str, fill: RGB) -> None:
    if shape == "circle":
        canvas.ellipse(x - r, y - r, x + r, y + r, fill)
    elif shape == "square":
        canvas.rect(x - r * 0.9, y - r * 0.9, x + r * 0.9, y + r * 0.9, fill)
    elif shape == "triangle":
        canvas.polygon([(x, y - r * 1.15), (x + r * 1.1, y + r * 0.8), (x - r * 1.1, y + r * 0.8)], fill)
    else:
        canvas.polygon([(x, y - r * 1.25), (x + r * 1.1, y), (x, y + r * 1.25), (x - r * 1.1, y)], fill)


def _draw_page(scene: Scene, pen: Pen, at: Layout) -> None:
    """Background, card, rules, title, legend."""
    look, s, canvas = scene["look"], scene["tick"], pen.canvas
    (width, height), ink = scene["size"], tuple(look["ink"])
    if look["card"]:
        m = scene["pad"] * 0.35
        canvas.rect(m + s * 0.12, m + s * 0.2, width - m + s * 0.12, height - m + s * 0.2,
                    mix(look["page"], (0, 0, 0), 0.14), radius=look["radius"])  # fmt: skip
        canvas.rect(m, m, width - m, height - m, tuple(look["plot"]), radius=look["radius"])
    if look["border"]:
        canvas.rect(0, 0, width - 1, height - 1, None, tuple(look["axis"]), scene["thin"])
    if scene["style"] == "newspaper":
        rule = tuple(look["rule"])
        canvas.rect(scene["pad"], scene["pad"] * 0.5, width - scene["pad"], scene["pad"] * 0.5 + 0.28 * s, rule)
    if scene["title"]:
        anchor = "lm" if scene["title_at"] == "left" else "mm"
        canvas.text(*at.title, scene["title"], scene["title_font"], scene["title_size"], ink, anchor)


def _draw_legend(scene: Scene, pen: Pen, at: Layout) -> None:
    if not at.legend:
        return
    s, canvas, look = scene["tick"], pen.canvas, scene["look"]
    round_ = scene["kind"] in ROUND
    colours = scene["colours"] if round_ else [r["colour"] for r in scene["series"]]
    if look["legend_frame"]:
        wide = max(x + text_width(n, scene["font"], s) for (x, _), n in zip(at.legend, scene["legend"], strict=True))
        top, bottom = at.legend[0][1] - 0.8 * s, at.legend[-1][1] + 0.8 * s
        pen.box(at.legend[0][0] - 0.35 * s, top, wide + 1.7 * s, bottom, tuple(look["plot"]), tuple(look["axis"]),
                scene["thin"], look["radius"] * 0.3)  # fmt: skip
    for (x, y), name, rgb in zip(at.legend, scene["legend"], colours, strict=True):
        colour = tuple(rgb)
        if scene["kind"] == "line":
            canvas.line([(x, y), (x + 1.1 * s, y)], colour, scene["stroke"])
            if scene["marker"]:
                _marker(canvas, x + 0.55 * s, y, scene["marker_size"], scene["marker"], colour)
        elif scene["kind"] == "scatter":
            _marker(canvas, x + 0.6 * s, y, scene["marker_size"], scene["marker"], colour)
        else:
            outline = tuple(look["outline"]) if look["outline"] else None
            pen.box(x + 0.15 * s, y - 0.4 * s, x + 0.95 * s, y + 0.4 * s, colour, outline, scene["thin"])
        canvas.text(x + 1.35 * s, y, name, scene["font"], s, tuple(look["ink"]), "lm")


def _draw_axes(scene: Scene, pen: Pen, at: Layout) -> None:
    """Plot background, gridlines, spines, tick labels and axis labels."""
    look, s, face, thin, canvas = scene["look"], scene["tick"], scene["font"], scene["thin"], pen.canvas
    x0, y0, x1, y1 = at.plot
    ink, axis, grid = tuple(look["ink"]), tuple(look["axis"]), tuple(look["grid"])
    horizontal = scene["kind"] == "barh"
    if look["panel"]:
        canvas.rect(x0, y0, x1, y1, tuple(look["panel"]))
    places = [_value_at(scene, at, v) for v in scene["ticks"]]
    if scene["grid"]:
        for p in places:
            pen.line([(p, y0), (p, y1)] if horizontal else [(x0, p), (x1, p)], grid, thin, look["dash"])
        if look["grid_both"]:
            for p in _category_places(scene, at):
                pen.line([(x0, p), (x1, p)] if horizontal else [(p, y0), (p, y1)], grid, thin, look["dash"])
    spines = look["spines"]
    sides = {"box": "lbrt", "L": "lb", "bottom": "l" if horizontal else "b", "none": ""}[spines]
    ends = {"l": (x0, y0, x0, y1), "b": (x0, y1, x1, y1), "r": (x1, y0, x1, y1), "t": (x0, y0, x1, y0)}
    for side in sides:
        a, b, c, d = ends[side]
        pen.line([(a, b), (c, d)], axis, scene["spine"])
    labels = [number(scene, v) for v in scene["ticks"]] if scene["show_ticks"] else []
    for p, label in zip(places, labels, strict=False):
        if look["tick_marks"]:
            pen.line([(p, y1), (p, y1 + 0.25 * s)] if horizontal else [(x0 - 0.25 * s, p), (x0, p)], axis, thin)
        if horizontal:
            canvas.text(p, y1 + 0.9 * s, label, face, s, ink)
        else:
            canvas.text(x0 - 0.45 * s, p, label, face, s, ink, "rm")
    _draw_names(scene, pen, at, ink)
    if scene["xlabel"]:
        canvas.text(*at.xlabel, scene["xlabel"], face, s, ink)
    if scene["ylabel"] and scene["ylabel_at"] == "top":
        canvas.text(*at.ylabel, scene["ylabel"], face, s, ink, "lm")
    elif scene["ylabel"]:
        canvas.text(*at.ylabel, scene["ylabel"], face, s, ink, angle=90)


def _draw_names(scene: Scene, pen: Pen, at: Layout, ink: RGB) -> None:
    """Labels along the category axis (the x axis of a scatter plot)."""
    s, face, canvas = scene["tick"], scene["font"], pen.canvas
    x0, _, _, y1 = at.plot
    names = [f"{v:g}" for v in scene["xticks"]] if scene["kind"] == "scatter" else scene["categories"]
    for p, name in zip(_category_places(scene, at), names, strict=True):
        if scene["kind"] == "barh":
            canvas.text(x0 - 0.45 * s, p, name, face, s, ink, "rm")
            continue
        if scene["look"]["tick_marks"]:
            pen.line([(p, y1), (p, y1 + 0.25 * s)], tuple(scene["look"]["axis"]), scene["thin"])
        if at.angle == 90:
            canvas.text(p, y1 + 0.5 * s + text_width(name, face, s) / 2, name, face, s, ink, angle=90)
        elif at.angle:
            half = text_width(name, face, s) * 0.354
            canvas.text(p - half + 0.1 * s, y1 + half + 0.75 * s, name, face, s, ink, angle=45)
        else:
            canvas.text(p, y1 + 0.9 * s, name, face, s, ink)


def _value_at(scene: Scene, at: Layout, value: float) -> float:
    """The pixel (x for horizontal bars, else y) of a value."""
    x0, y0, x1, y1 = at.plot
    low, high = scene["ticks"][0], scene["ticks"][-1]
    t = (value - low) / (high - low)
    if scene["kind"] == "barh":
        room = text_width(number(scene, high), scene["font"], scene["tick"]) + scene["tick"]
        return x0 + t * (x1 - x0 - (room if scene["value_labels"] else 0))
    head = max(at.head, 1.3 * scene["tick"] if scene["value_labels"] else 0)
    return y1 - t * (y1 - y0 - head)


def _category_places(scene: Scene, at: Layout) -> list[float]:
    x0, y0, x1, y1 = at.plot
    if scene["kind"] == "scatter":
        count = len(scene["xticks"]) - 1
        return [x0 + (x1 - x0) * i / count for i in range(count + 1)]
    count = len(scene["categories"])
    a, b = (y0, y1) if scene["kind"] == "barh" else (x0, x1)
    return [a + (b - a) * (i + 0.5) / count for i in range(count)]


def _draw_bars(scene: Scene, pen: Pen, at: Layout) -> None:
    look, s, canvas = scene["look"], scene["tick"], pen.canvas
    x0, y0, x1, y1 = at.plot
    horizontal, series = scene["kind"] == "barh", scene["series"]
    slot = ((y1 - y0) if horizontal else (x1 - x0)) / len(scene["categories"])
    thick = slot * scene["bar_width"] / len(series)
    for i, middle in enumerate(_category_places(scene, at)):
        for k, row in enumerate(series):
            colour = tuple(scene["colours"][i] if scene["colours"] else row["colour"])
            a = middle + (k - len(series) / 2) * thick
            b, end = a + thick * (0.94 if len(series) > 1 else 1), _value_at(scene, at, row["values"][i])
            outline = tuple(look["outline"]) if look["outline"] else None
            rect = (x0, a, end, b) if horizontal else (a, end, b, y1)
            if look["shadow"]:
                d = 0.2 * s
                canvas.rect(rect[0] + d, rect[1] + (d if horizontal else 0), rect[2] + d, rect[3],
                            mix(look["plot"], (0, 0, 0), 0.22))  # fmt: skip
            pen.box(*rect, colour, outline, scene["thin"], look["bar_radius"] * thick)
            if scene["value_labels"]:
                _draw_value(scene, canvas, rect, number(scene, row["values"][i]), colour)


def _draw_value(scene: Scene, canvas: Canvas, rect: tuple[float, ...], text: str, colour: RGB) -> None:
    """Beyond the bar's end, or inside it where the scene says so and it fits."""
    s, face, ink = scene["tick"], scene["font"], tuple(scene["look"]["ink"])
    a, b, c, d = rect
    wide = text_width(text, face, s)
    if scene["kind"] == "barh":
        if scene["values_inside"] and c - a > wide + s and d - b > 1.1 * s:
            canvas.text(c - 0.3 * s, (b + d) / 2, text, face, s, ink_on(random.Random(0), colour), "rm")
        else:
            canvas.text(c + 0.3 * s, (b + d) / 2, text, face, s, ink, "lm")
    elif scene["values_inside"] and d - b > 1.8 * s and c - a > wide + 0.2 * s:
        canvas.text((a + c) / 2, b + 0.8 * s, text, face, s, ink_on(random.Random(0), colour))
    else:
        canvas.text((a + c) / 2, b - 0.65 * s, text, face, s, ink)


def _draw_lines(scene: Scene, pen: Pen, at: Layout) -> None:
    s, canvas = scene["tick"], pen.canvas
    xs = _category_places(scene, at)
    for row in scene["series"]:
        colour = tuple(row["colour"])
        points = [(x, _value_at(scene, at, v)) for x, v in zip(xs, row["values"], strict=True)]
        if scene["area"]:
            base = at.plot[3]
            canvas.polygon([*points, (xs[-1], base), (xs[0], base)], mix(scene["look"]["plot"], colour, 0.3))
        pen.line(points, colour, scene["stroke"])
        for x, y in points if scene["marker"] else ():
            _marker(canvas, x, y, scene["marker_size"], scene["marker"], colour)
        if scene["direct"]:
            x, y = points[-1]
            canvas.text(x + 0.6 * s, y, row["name"], scene["font"], s, tuple(scene["look"]["ink"]), "lm")
        if scene["value_labels"]:
            for (x, y), value in zip(points, row["values"], strict=True):
                ink = tuple(scene["look"]["ink"])
                canvas.text(x, y - 0.95 * s, number(scene, value), scene["font"], s, ink)


def _draw_points(scene: Scene, pen: Pen, at: Layout) -> None:
    x0, y0, x1, y1 = at.plot
    for row in scene["series"]:
        for px, py in row["points"]:
            x, y = x0 + px * (x1 - x0), y1 - py * (y1 - y0 - at.head)
            _marker(pen.canvas, x, y, scene["marker_size"], scene["marker"], tuple(row["colour"]))


def _draw_pie(scene: Scene, pen: Pen, at: Layout) -> None:
    (cx, cy), r, s, canvas, look = at.centre, at.radius, scene["tick"], pen.canvas, scene["look"]
    sign, angle = scene["turn"], float(scene["start"])
    edge = tuple(look["outline"] or look["plot"])
    hole = 0.55 if scene["kind"] == "donut" else 0
    if look["shadow"]:
        d = 0.25 * s
        canvas.ellipse(cx - r + d, cy - r + d, cx + r + d, cy + r + d, mix(look["plot"], (0, 0, 0), 0.22))
    middles, cuts = [], []
    for share, rgb in zip(scene["series"][0]["values"], scene["colours"], strict=True):
        sweep = sign * 3.6 * share
        canvas.pie(cx - r, cy - r, cx + r, cy + r, min(angle, angle + sweep), max(angle, angle + sweep), tuple(rgb))
        cuts.append(math.radians(angle))
        middles.append(math.radians(angle + sweep / 2))
        angle += sweep
    if scene["slice_edges"] or pen.shaky:
        for cut in cuts:
            pen.line([(cx, cy), (cx + r * math.cos(cut), cy + r * math.sin(cut))], edge, scene["thin"] * 1.6)
        if look["outline"]:
            canvas.ellipse(cx - r, cy - r, cx + r, cy + r, None, edge, scene["thin"] * 1.3)
    if hole:
        canvas.ellipse(cx - r * hole, cy - r * hole, cx + r * hole, cy + r * hole, tuple(look["plot"]))
    for i, mid in enumerate(middles):
        dx, dy = math.cos(mid), math.sin(mid)
        if scene["value_labels"]:
            at_r = r * (0.78 if hole else 0.66)
            ink = ink_on(random.Random(0), scene["colours"][i])
            canvas.text(cx + dx * at_r, cy + dy * at_r, number(scene, scene["series"][0]["values"][i]),
                        scene["font"], s, ink)  # fmt: skip
        if scene["slice_names"]:
            anchor = "lm" if dx > 0.2 else "rm" if dx < -0.2 else "mm"
            x, y = cx + dx * (r + 0.4 * s), cy + dy * (r + 0.9 * s)
            canvas.text(x, y, scene["categories"][i], scene["font"], s, tuple(look["ink"]), anchor)


def draw(scene: Scene) -> Image.Image:
    """The picture of a scene."""
    pen, at = Pen(scene), layout(scene)
    _draw_page(scene, pen, at)
    if scene["kind"] in ROUND:
        _draw_pie(scene, pen, at)
    else:
        _draw_axes(scene, pen, at)
        {"line": _draw_lines, "scatter": _draw_points}.get(scene["kind"], _draw_bars)(scene, pen, at)
    _draw_legend(scene, pen, at)
    return pen.canvas.finish()

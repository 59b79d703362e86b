"""Puts a chart on pixels."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

from PIL import Image

from ..base import Canvas, Scene
from ..colours import RGB, ink_on, mix
from .layout import Layout, layout, number, text_width
from .words import ROUND


class Pen:
    """A canvas whose strokes wobble in the `sketch` style and are straight in all others."""

    def __init__(self, scene: Scene) -> None:
        look = scene["look"]
        self.canvas = Canvas.of(scene, look["page"])
        self.shaky = scene["style"] == "sketch"
        self.rng = random.Random(scene["jitter"])
        self.amplitude = scene["tick"] * 0.11

    def _wobble(self, points: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
        out: list[tuple[float, float]] = []
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
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

    def box(self, box: Sequence[float], fill: RGB, outline: RGB | None, width: float, radius: float = 0) -> None:
        x0, y0, x1, y1 = box
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
        canvas.rect(
            m + s * 0.12,
            m + s * 0.2,
            width - m + s * 0.12,
            height - m + s * 0.2,
            mix(look["page"], (0, 0, 0), 0.14),
            radius=look["radius"],
        )
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
        frame = (at.legend[0][0] - 0.35 * s, top, wide + 1.7 * s, bottom)
        pen.box(frame, tuple(look["plot"]), tuple(look["axis"]), scene["thin"], look["radius"] * 0.3)
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
            swatch = (x + 0.15 * s, y - 0.4 * s, x + 0.95 * s, y + 0.4 * s)
            pen.box(swatch, colour, outline, scene["thin"])
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
                canvas.rect(
                    rect[0] + d,
                    rect[1] + (d if horizontal else 0),
                    rect[2] + d,
                    rect[3],
                    mix(look["plot"], (0, 0, 0), 0.22),
                )
            pen.box(rect, colour, outline, scene["thin"], look["bar_radius"] * thick)
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
            canvas.text(
                cx + dx * at_r, cy + dy * at_r, number(scene, scene["series"][0]["values"][i]), scene["font"], s, ink
            )
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

"""Puts a chart on pixels."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

from PIL import Image

from ..base import Canvas, Scene
from ..colours import RGB, ink_on, mix
from .geometry import (
    HOLE,
    Label,
    axis_labels,
    bar_boxes,
    bar_thickness,
    category_places,
    gridlines,
    line_labels,
    line_points,
    name_labels,
    scatter_points,
    slice_label,
    slice_value,
    slices,
    tick_labels,
    title_label,
    value_label,
    value_places,
)
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


def _write(scene: Scene, canvas: Canvas, label: Label, ink: RGB) -> None:
    canvas.text(label.x, label.y, label.text, scene["font"], scene["tick"], ink, label.anchor, label.angle)


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
        label = title_label(scene, at)
        canvas.text(label.x, label.y, label.text, scene["title_font"], scene["title_size"], ink, label.anchor)


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
    look, s, thin, canvas = scene["look"], scene["tick"], scene["thin"], pen.canvas
    x0, y0, x1, y1 = at.plot
    ink, axis, grid = tuple(look["ink"]), tuple(look["axis"]), tuple(look["grid"])
    horizontal = scene["kind"] == "barh"
    if look["panel"]:
        canvas.rect(x0, y0, x1, y1, tuple(look["panel"]))
    for a, b, c, d in gridlines(scene, at):
        pen.line([(a, b), (c, d)], grid, thin, look["dash"])
    spines = look["spines"]
    sides = {"box": "lbrt", "L": "lb", "bottom": "l" if horizontal else "b", "none": ""}[spines]
    ends = {"l": (x0, y0, x0, y1), "b": (x0, y1, x1, y1), "r": (x1, y0, x1, y1), "t": (x0, y0, x1, y0)}
    for side in sides:
        a, b, c, d = ends[side]
        pen.line([(a, b), (c, d)], axis, scene["spine"])
    for p, label in zip(value_places(scene, at), tick_labels(scene, at), strict=False):
        if look["tick_marks"]:
            pen.line([(p, y1), (p, y1 + 0.25 * s)] if horizontal else [(x0 - 0.25 * s, p), (x0, p)], axis, thin)
        _write(scene, canvas, label, ink)
    _draw_names(scene, pen, at, ink)
    for label in axis_labels(scene, at):
        _write(scene, canvas, label, ink)


def _draw_names(scene: Scene, pen: Pen, at: Layout, ink: RGB) -> None:
    """Labels along the category axis (the x axis of a scatter plot)."""
    s, y1 = scene["tick"], at.plot[3]
    for p, label in zip(category_places(scene, at), name_labels(scene, at), strict=True):
        if scene["look"]["tick_marks"] and scene["kind"] != "barh":
            pen.line([(p, y1), (p, y1 + 0.25 * s)], tuple(scene["look"]["axis"]), scene["thin"])
        _write(scene, pen.canvas, label, ink)


def _draw_bars(scene: Scene, pen: Pen, at: Layout) -> None:
    look, s, canvas = scene["look"], scene["tick"], pen.canvas
    horizontal = scene["kind"] == "barh"
    for i, k, rect in bar_boxes(scene, at):
        row = scene["series"][k]
        colour = tuple(scene["colours"][i] if scene["colours"] else row["colour"])
        outline = tuple(look["outline"]) if look["outline"] else None
        if look["shadow"]:
            d = 0.2 * s
            canvas.rect(
                rect[0] + d,
                rect[1] + (d if horizontal else 0),
                rect[2] + d,
                rect[3],
                mix(look["plot"], (0, 0, 0), 0.22),
            )
        pen.box(rect, colour, outline, scene["thin"], look["bar_radius"] * bar_thickness(scene, at))
        if scene["value_labels"]:
            label, inside = value_label(scene, rect, number(scene, row["values"][i]))
            ink = ink_on(random.Random(0), colour) if inside else tuple(look["ink"])
            _write(scene, canvas, label, ink)


def _draw_lines(scene: Scene, pen: Pen, at: Layout) -> None:
    canvas, ink = pen.canvas, tuple(scene["look"]["ink"])
    for row in scene["series"]:
        colour = tuple(row["colour"])
        points = line_points(scene, at, row)
        if scene["area"]:
            base = at.plot[3]
            under = [*points, (points[-1][0], base), (points[0][0], base)]
            canvas.polygon(under, mix(scene["look"]["plot"], colour, 0.3))
        pen.line(points, colour, scene["stroke"])
        for x, y in points if scene["marker"] else ():
            _marker(canvas, x, y, scene["marker_size"], scene["marker"], colour)
        for label in line_labels(scene, row, points):
            _write(scene, canvas, label, ink)


def _draw_points(scene: Scene, pen: Pen, at: Layout) -> None:
    for row in scene["series"]:
        for x, y in scatter_points(at, row):
            _marker(pen.canvas, x, y, scene["marker_size"], scene["marker"], tuple(row["colour"]))


def _draw_pie(scene: Scene, pen: Pen, at: Layout) -> None:
    (cx, cy), r, s, canvas, look = at.centre, at.radius, scene["tick"], pen.canvas, scene["look"]
    edge = tuple(look["outline"] or look["plot"])
    hole = HOLE if scene["kind"] == "donut" else 0
    if look["shadow"]:
        d = 0.25 * s
        canvas.ellipse(cx - r + d, cy - r + d, cx + r + d, cy + r + d, mix(look["plot"], (0, 0, 0), 0.22))
    parts = slices(scene)
    for (start, sweep), rgb in zip(parts, scene["colours"], strict=True):
        end = start + sweep
        canvas.pie(cx - r, cy - r, cx + r, cy + r, min(start, end), max(start, end), tuple(rgb))
    if scene["slice_edges"] or pen.shaky:
        for cut in (math.radians(start) for start, _ in parts):
            pen.line([(cx, cy), (cx + r * math.cos(cut), cy + r * math.sin(cut))], edge, scene["thin"] * 1.6)
        if look["outline"]:
            canvas.ellipse(cx - r, cy - r, cx + r, cy + r, None, edge, scene["thin"] * 1.3)
    if hole:
        canvas.ellipse(cx - r * hole, cy - r * hole, cx + r * hole, cy + r * hole, tuple(look["plot"]))
    for i, part in enumerate(parts):
        if scene["value_labels"]:
            _write(scene, canvas, slice_value(scene, at, i, part), ink_on(random.Random(0), scene["colours"][i]))
        if scene["slice_names"]:
            _write(scene, canvas, slice_label(scene, at, i, part), tuple(look["ink"]))


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

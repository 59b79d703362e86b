"""Where the marks and labels of a chart go, in pixels of the picture: what drawing and regions share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from ..base import Box, Scene
from ..boxes import text_box
from .layout import Layout, number, text_width

Point = tuple[float, float]
HOLE = 0.55
"""Radius of a donut's hole, as a part of the donut's."""


class Label(NamedTuple):
    """A text and where it stands; `anchor` and `angle` as in `Canvas.text`."""

    x: float
    y: float
    text: str
    anchor: str = "mm"
    angle: float = 0


def label_box(scene: Scene, label: Label) -> Box:
    """The box of a label in the chart's own font and size."""
    return text_box(label.x, label.y, label.text, scene["font"], scene["tick"], label.anchor, label.angle)


def title_label(scene: Scene, at: Layout) -> Label:
    """The title; it has a font and a size of its own."""
    return Label(*at.title, scene["title"], "lm" if scene["title_at"] == "left" else "mm")


# --- axes ----------------------------------------------------------------------------------------


def value_at(scene: Scene, at: Layout, value: float) -> float:
    """The pixel (x for horizontal bars, else y) of a value."""
    x0, y0, x1, y1 = at.plot
    low, high = scene["ticks"][0], scene["ticks"][-1]
    t = (value - low) / (high - low)
    if scene["kind"] == "barh":
        room = text_width(number(scene, high), scene["font"], scene["tick"]) + scene["tick"]
        return x0 + t * (x1 - x0 - (room if scene["value_labels"] else 0))
    head = max(at.head, 1.3 * scene["tick"] if scene["value_labels"] else 0)
    return y1 - t * (y1 - y0 - head)


def value_places(scene: Scene, at: Layout) -> list[float]:
    """The pixels of the ticks along the value axis."""
    return [value_at(scene, at, v) for v in scene["ticks"]]


def category_places(scene: Scene, at: Layout) -> list[float]:
    """The pixels of the categories along their axis (of the x ticks of a scatter plot)."""
    x0, y0, x1, y1 = at.plot
    if scene["kind"] == "scatter":
        count = len(scene["xticks"]) - 1
        return [x0 + (x1 - x0) * i / count for i in range(count + 1)]
    count = len(scene["categories"])
    a, b = (y0, y1) if scene["kind"] == "barh" else (x0, x1)
    return [a + (b - a) * (i + 0.5) / count for i in range(count)]


def gridlines(scene: Scene, at: Layout) -> list[Box]:
    """The ends of every gridline."""
    x0, y0, x1, y1 = at.plot
    if not scene["grid"]:
        return []
    upright = [(p, y0, p, y1) for p in (value_places if scene["kind"] == "barh" else category_places)(scene, at)]
    level = [(x0, p, x1, p) for p in (category_places if scene["kind"] == "barh" else value_places)(scene, at)]
    values, names = (upright, level) if scene["kind"] == "barh" else (level, upright)
    return values + (names if scene["look"]["grid_both"] else [])


def tick_labels(scene: Scene, at: Layout) -> list[Label]:
    """The numbers along the value axis, from low to high."""
    if not scene["show_ticks"]:
        return []
    s, (x0, _, _, y1) = scene["tick"], at.plot
    places = zip(value_places(scene, at), (number(scene, v) for v in scene["ticks"]), strict=True)
    if scene["kind"] == "barh":
        return [Label(p, y1 + 0.9 * s, text) for p, text in places]
    return [Label(x0 - 0.45 * s, p, text, "rm") for p, text in places]


def name_labels(scene: Scene, at: Layout) -> list[Label]:
    """The labels along the category axis (the x axis of a scatter plot)."""
    s, (x0, _, _, y1) = scene["tick"], at.plot
    names = [f"{v:g}" for v in scene["xticks"]] if scene["kind"] == "scatter" else scene["categories"]
    found = []
    for p, name in zip(category_places(scene, at), names, strict=True):
        if scene["kind"] == "barh":
            found.append(Label(x0 - 0.45 * s, p, name, "rm"))
        elif at.angle == 90:
            found.append(Label(p, y1 + 0.5 * s + text_width(name, scene["font"], s) / 2, name, angle=90))
        elif at.angle:
            half = text_width(name, scene["font"], s) * 0.354
            found.append(Label(p - half + 0.1 * s, y1 + half + 0.75 * s, name, angle=45))
        else:
            found.append(Label(p, y1 + 0.9 * s, name))
    return found


def axis_labels(scene: Scene, at: Layout) -> Iterator[Label]:
    """What the axes show: x, then y, where they say so."""
    if scene["xlabel"]:
        yield Label(*at.xlabel, scene["xlabel"])
    if scene["ylabel"]:
        top = scene["ylabel_at"] == "top"
        yield Label(*at.ylabel, scene["ylabel"], "lm" if top else "mm", 0 if top else 90)


# --- marks ---------------------------------------------------------------------------------------


def bar_thickness(scene: Scene, at: Layout) -> float:
    """What one bar takes of the category axis."""
    x0, y0, x1, y1 = at.plot
    slot = ((y1 - y0) if scene["kind"] == "barh" else (x1 - x0)) / len(scene["categories"])
    return float(slot * scene["bar_width"] / len(scene["series"]))


def bar_boxes(scene: Scene, at: Layout) -> Iterator[tuple[int, int, Box]]:
    """(category, series, box) of every bar."""
    series, thick = scene["series"], bar_thickness(scene, at)
    for i, middle in enumerate(category_places(scene, at)):
        for k, row in enumerate(series):
            a = middle + (k - len(series) / 2) * thick
            b, end = a + thick * (0.94 if len(series) > 1 else 1), value_at(scene, at, row["values"][i])
            yield i, k, (at.plot[0], a, end, b) if scene["kind"] == "barh" else (a, end, b, at.plot[3])


def value_label(scene: Scene, bar: Box, text: str) -> tuple[Label, bool]:
    """Beyond the bar's end, or inside it (True) where the scene says so and it fits."""
    s, (a, b, c, d) = scene["tick"], bar
    wide = text_width(text, scene["font"], s)
    if scene["kind"] == "barh":
        if scene["values_inside"] and c - a > wide + s and d - b > 1.1 * s:
            return Label(c - 0.3 * s, (b + d) / 2, text, "rm"), True
        return Label(c + 0.3 * s, (b + d) / 2, text, "lm"), False
    if scene["values_inside"] and d - b > 1.8 * s and c - a > wide + 0.2 * s:
        return Label((a + c) / 2, b + 0.8 * s, text), True
    return Label((a + c) / 2, b - 0.65 * s, text), False


def line_points(scene: Scene, at: Layout, row: Scene) -> list[Point]:
    """The points of one line."""
    return [(x, value_at(scene, at, v)) for x, v in zip(category_places(scene, at), row["values"], strict=True)]


def line_labels(scene: Scene, row: Scene, points: list[Point]) -> Iterator[Label]:
    """The name at the line's end and the values over its points, where the scene has them."""
    s, (x, y) = scene["tick"], points[-1]
    if scene["direct"]:
        yield Label(x + 0.6 * s, y, row["name"], "lm")
    if scene["value_labels"]:
        for (x, y), value in zip(points, row["values"], strict=True):
            yield Label(x, y - 0.95 * s, number(scene, value))


def scatter_points(at: Layout, row: Scene) -> list[Point]:
    """The points of one series of a scatter plot."""
    x0, y0, x1, y1 = at.plot
    return [(x0 + px * (x1 - x0), y1 - py * (y1 - y0 - at.head)) for px, py in row["points"]]


def slices(scene: Scene) -> list[tuple[float, float]]:
    """(start, signed sweep) of every slice, in degrees clockwise from three o'clock."""
    found, angle = [], float(scene["start"])
    for share in scene["series"][0]["values"]:
        sweep = scene["turn"] * 3.6 * share
        found.append((angle, sweep))
        angle += sweep
    return found


def _middle(part: tuple[float, float]) -> Point:
    middle = math.radians(part[0] + part[1] / 2)
    return math.cos(middle), math.sin(middle)


def slice_value(scene: Scene, at: Layout, index: int, part: tuple[float, float]) -> Label:
    """The value written inside a slice."""
    (cx, cy), (dx, dy) = at.centre, _middle(part)
    r = at.radius * (0.78 if scene["kind"] == "donut" else 0.66)
    return Label(cx + dx * r, cy + dy * r, number(scene, scene["series"][0]["values"][index]))


def slice_label(scene: Scene, at: Layout, index: int, part: tuple[float, float]) -> Label:
    """The name written beside a slice."""
    (cx, cy), (dx, dy), s = at.centre, _middle(part), scene["tick"]
    anchor = "lm" if dx > 0.2 else "rm" if dx < -0.2 else "mm"
    return Label(cx + dx * (at.radius + 0.4 * s), cy + dy * (at.radius + 0.9 * s), scene["categories"][index], anchor)

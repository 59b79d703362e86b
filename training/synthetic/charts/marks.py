"""The regions of a chart's marks: bars, lines, slices and points, with the labels that belong to each."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from ..base import Box, Region, Scene
from ..boxes import around
from .geometry import (
    Label,
    Point,
    bar_boxes,
    label_box,
    line_labels,
    line_points,
    scatter_points,
    slice_label,
    slice_value,
    slices,
    value_label,
)
from .layout import Layout, number
from .truth import extremes
from .words import LINE_TREND


def marks(scene: Scene, at: Layout) -> Iterator[Region]:
    """Everything that shows data, in drawing order."""
    kinds = {"line": _lines, "scatter": _points, "pie": _slices, "donut": _slices}
    return kinds.get(scene["kind"], _bars)(scene, at)


def colour_words(scene: Scene, category: int, series: int = 0) -> tuple[str, ...]:
    """The colour of one bar, slice or series, if it has a name."""
    names = scene.get("colour_names") or []
    name = scene["hue"] or (names[category] if names else scene["series"][series]["colour_name"])
    return (name,) if name else ()


def _level(scene: Scene, value: float) -> str:
    """How far up the axis, in tenths."""
    low, high = scene["ticks"][0], scene["ticks"][-1]
    return f"level:{round(10 * (value - low) / (high - low))}"


def _bars(scene: Scene, at: Layout) -> Iterator[Region]:
    upright = "horizontal" if scene["kind"] == "barh" else "vertical"
    for i, k, box in bar_boxes(scene, at):
        values = scene["series"][k]["values"]
        place, colour = f"position:{i + 1}", colour_words(scene, i, k)
        words = ["bar", upright, place, *colour, _level(scene, values[i])]
        words += ["highest"] * (values[i] == max(values)) + ["lowest"] * (values[i] == min(values))
        words += ["on a tick"] * (values[i] in scene["ticks"])
        yield Region(box, tuple(words))
        if scene["value_labels"]:
            label, _ = value_label(scene, box, number(scene, values[i]))
            yield Region(label_box(scene, label), ("value label", place))


def _lines(scene: Scene, at: Layout) -> Iterator[Region]:
    reach = max(scene["stroke"] / 2, scene["marker_size"] if scene["marker"] else 0)
    ends = {0: _end_words(scene, 0, "start"), len(scene["categories"]) - 1: _end_words(scene, -1, "end")}
    for k, row in enumerate(scene["series"]):
        colour = colour_words(scene, 0, k)
        trend = (row["trend"],) if row["trend"] in LINE_TREND else ()
        points = line_points(scene, at, row)
        for a, b in itertools.pairwise(points):
            for piece in _pieces(a, b, 1.5 * scene["tick"]):
                yield Region(around(piece, scene["stroke"] / 2), ("line", *colour, *trend))
        for i, (point, value) in enumerate(zip(points, row["values"], strict=True)):
            words = ["line", "point", f"position:{i + 1}", *colour, *trend, _level(scene, value)]
            words += [scene["marker"]] * bool(scene["marker"])
            words += _peak_words(scene, row["values"], value) + ends.get(i, {}).get(k, [])
            yield Region(around([point], reach), tuple(words))
        yield from _line_labels(scene, row, points, colour)


def _line_labels(scene: Scene, row: Scene, points: list[Point], colour: tuple[str, ...]) -> Iterator[Region]:
    for i, label in enumerate(line_labels(scene, row, points)):
        words = ("series label", *colour) if scene["direct"] and not i else ("value label", f"position:{i + 1}")
        yield Region(label_box(scene, label), words)


def _pieces(a: Point, b: Point, length: float) -> Iterator[tuple[Point, Point]]:
    """The segment from `a` to `b` in pieces of at most `length`."""
    count = max(1, math.ceil(math.dist(a, b) / length))
    cuts = [(a[0] + (b[0] - a[0]) * i / count, a[1] + (b[1] - a[1]) * i / count) for i in range(count + 1)]
    return itertools.pairwise(cuts)


def _peak_words(scene: Scene, values: list[float], value: float) -> list[str]:
    """Whether it is clearly the highest (lowest) point of its line."""
    margin, ranked = 0.07 * (scene["ticks"][-1] - scene["ticks"][0]), sorted(values)
    highest = value == ranked[-1] and ranked[-1] - ranked[-2] >= margin
    lowest = value == ranked[0] and ranked[1] - ranked[0] >= margin
    return ["highest"] * highest + ["lowest"] * lowest


def _end_words(scene: Scene, index: int, end: str) -> dict[int, list[str]]:
    """Series -> whether it is clearly above or below all the others at that end."""
    values = [row["values"][index] for row in scene["series"]]
    order = sorted(range(len(values)), key=values.__getitem__)
    margin, found = 0.1 * (scene["ticks"][-1] - scene["ticks"][0]), {}
    if len(order) > 1 and values[order[-1]] - values[order[-2]] >= margin:
        found[order[-1]] = [f"top at the {end}"]
    if len(order) > 1 and values[order[1]] - values[order[0]] >= margin:
        found[order[0]] = [f"bottom at the {end}"]
    return found


def _points(scene: Scene, at: Layout) -> Iterator[Region]:
    for k, row in enumerate(scene["series"]):
        for point in scatter_points(at, row):
            yield Region(around([point], scene["marker_size"]), ("point", scene["marker"], *colour_words(scene, 0, k)))


def _slices(scene: Scene, at: Layout) -> Iterator[Region]:
    largest, smallest = extremes(scene)
    for i, part in enumerate(slices(scene)):
        colour = colour_words(scene, i)
        words = ("slice", *colour, *["largest"] * (i == largest), *["smallest"] * (i == smallest))
        yield from (Region(box, words) for box in _inside(scene, at, part))
        labels: list[tuple[Label, str]] = []
        if scene["value_labels"]:
            labels.append((slice_value(scene, at, i, part), "value label"))
        if scene["slice_names"]:
            labels.append((slice_label(scene, at, i, part), "slice label"))
        yield from (Region(label_box(scene, label), (word, *colour)) for label, word in labels)


def _inside(scene: Scene, at: Layout, part: tuple[float, float]) -> Iterator[Box]:
    """Squares well inside a slice, one for every thirty degrees of it."""
    (start, sweep), (cx, cy) = part, at.centre
    count = max(1, round(abs(sweep) / 30))
    r, widest = at.radius * (0.78 if scene["kind"] == "donut" else 0.62), 0.14 if scene["kind"] == "donut" else 0.2
    half = min(widest * at.radius, r * math.sin(math.radians(abs(sweep) / count / 2)) / math.sqrt(2))
    for i in range(count):
        angle = math.radians(start + sweep * (i + 0.5) / count)
        yield around([(cx + r * math.cos(angle), cy + r * math.sin(angle))], half)

"""Puts a floor plan on pixels: rooms, walls, openings, furniture, extras."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence

from PIL import Image

from ..base import Canvas, Scene
from ..colours import RGB, mix
from .geometry import Point, band, door_cut, door_leaf, local, north_arrow, window_box

# Furniture in unit coordinates: u along the wall it stands at, v away from that wall.
# "r": rectangle, "o": oval, "l": polyline; a trailing "-" leaves the shape unfilled.
SYMBOLS: dict[str, tuple[tuple[str, tuple[float, ...]], ...]] = {
    "double bed": (
        ("r", (0, 0, 1, 1)), ("r", (0.08, 0.05, 0.46, 0.24)), ("r", (0.54, 0.05, 0.92, 0.24)),
        ("l", (0, 0.34, 1, 0.34)),
    ),
    "single bed": (("r", (0, 0, 1, 1)), ("r", (0.18, 0.05, 0.82, 0.22)), ("l", (0, 0.32, 1, 0.32))),
    "sofa": (
        ("r", (0, 0, 1, 1)), ("r", (0, 0, 1, 0.32)), ("r", (0, 0, 0.14, 1)), ("r", (0.86, 0, 1, 1)),
        ("l", (0.5, 0.32, 0.5, 1)),
    ),
    "dining table": (
        ("r", (0.12, 0.0, 0.38, 0.2)), ("r", (0.62, 0.0, 0.88, 0.2)), ("r", (0.12, 0.8, 0.38, 1)),
        ("r", (0.62, 0.8, 0.88, 1)), ("r", (0, 0.17, 1, 0.83)),
    ),
    "round table": (
        ("o", (0.36, 0, 0.64, 0.28)), ("o", (0.36, 0.72, 0.64, 1)), ("o", (0, 0.36, 0.28, 0.64)),
        ("o", (0.72, 0.36, 1, 0.64)), ("o", (0.17, 0.17, 0.83, 0.83)),
    ),
    "stove": (
        ("r", (0, 0, 1, 1)), ("o", (0.1, 0.1, 0.45, 0.45)), ("o", (0.55, 0.1, 0.9, 0.45)),
        ("o", (0.1, 0.55, 0.45, 0.9)), ("o", (0.55, 0.55, 0.9, 0.9)),
    ),
    "sink": (("r", (0, 0, 1, 1)), ("o", (0.12, 0.25, 0.88, 0.9)), ("l", (0.5, 0.05, 0.5, 0.45))),
    "fridge": (("r", (0, 0, 1, 1)), ("l", (0, 0, 1, 1)), ("l", (0.1, 0.9, 0.9, 0.9))),
    "toilet": (("r", (0.08, 0, 0.92, 0.3)), ("o", (0.12, 0.24, 0.88, 1)), ("o-", (0.27, 0.42, 0.73, 0.88))),
    "bath tub": (("r", (0, 0, 1, 1)), ("o", (0.06, 0.1, 0.94, 0.9)), ("o", (0.14, 0.43, 0.2, 0.57))),
    "shower": (("r", (0, 0, 1, 1)), ("l", (0, 0, 1, 1)), ("l", (1, 0, 0, 1)), ("o", (0.36, 0.36, 0.64, 0.64))),
    "desk": (("r", (0, 0, 1, 0.58)), ("r", (0.3, 0.1, 0.7, 0.25)), ("o", (0.34, 0.62, 0.66, 1))),
    "wardrobe": (
        ("r", (0, 0, 1, 1)), ("l", (0.04, 0.5, 0.96, 0.5)), ("l", (0.15, 0.2, 0.2, 0.8)), ("l", (0.33, 0.2, 0.38, 0.8)),
        ("l", (0.5, 0.2, 0.55, 0.8)), ("l", (0.67, 0.2, 0.72, 0.8)), ("l", (0.84, 0.2, 0.89, 0.8)),
    ),
    "car": (
        ("r", (0.02, 0.14, 0.14, 0.3)), ("r", (0.86, 0.14, 0.98, 0.3)), ("r", (0.02, 0.7, 0.14, 0.86)),
        ("r", (0.86, 0.7, 0.98, 0.86)), ("r", (0.08, 0, 0.92, 1)), ("r", (0.18, 0.24, 0.82, 0.4)),
        ("r", (0.2, 0.74, 0.8, 0.85)), ("l", (0.18, 0.4, 0.2, 0.74)), ("l", (0.82, 0.4, 0.8, 0.74)),
    ),
    "washing machine": (
        ("r", (0, 0, 1, 1)), ("l", (0, 0.2, 1, 0.2)), ("o", (0.2, 0.27, 0.8, 0.9)), ("o", (0.34, 0.42, 0.66, 0.75)),
    ),
}  # fmt: skip


class _Pen:
    """The canvas with lines that either run straight or, for sketches, wobble."""

    def __init__(self, canvas: Canvas, wobble: float, seed: int) -> None:
        self.canvas, self.wobble, self.rng = canvas, wobble, random.Random(seed)

    def line(self, points: Sequence[Point], colour: RGB, width: float) -> None:
        if not self.wobble:
            self.canvas.line(points, colour, width)
            return
        bent: list[Point] = []
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            steps = max(1, round(math.hypot(x1 - x0, y1 - y0) / 22))
            bent += [self._near(x0 + (x1 - x0) * k / steps, y0 + (y1 - y0) * k / steps) for k in range(steps + 1)]
        self.canvas.line(bent, colour, width)

    def _near(self, x: float, y: float) -> Point:
        return x + self.rng.gauss(0, self.wobble), y + self.rng.gauss(0, self.wobble)

    def rect(self, box: Sequence[float], fill: RGB | None, outline: RGB, width: float) -> None:
        x0, y0, x1, y1 = box
        if not self.wobble:
            self.canvas.rect(x0, y0, x1, y1, fill, outline, width)
            return
        if fill is not None:
            self.canvas.rect(x0, y0, x1, y1, fill)
        self.line([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], outline, width)

    def oval(self, box: Sequence[float], fill: RGB | None, outline: RGB, width: float) -> None:
        x0, y0, x1, y1 = box
        if not self.wobble:
            self.canvas.ellipse(x0, y0, x1, y1, fill, outline, width)
            return
        ring = [
            (x0 + (x1 - x0) * (0.5 + 0.5 * math.cos(a * 0.42)), y0 + (y1 - y0) * (0.5 + 0.5 * math.sin(a * 0.42)))
            for a in range(16)
        ]
        self.canvas.polygon(ring, fill)
        self.line(ring, outline, width)

    def quarter(self, hinge: Point, radius: float, start: float, colour: RGB, width: float) -> None:
        """A quarter circle about `hinge`, clockwise from `start` degrees."""
        x, y = hinge
        if not self.wobble:
            self.canvas.arc(x - radius, y - radius, x + radius, y + radius, start, start + 90, colour, width)
            return
        angles = [math.radians(start + 90 * k / 6) for k in range(7)]
        self.line([(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles], colour, width)


def _furniture(pen: _Pen, scene: Scene) -> None:
    paint = scene["paint"]
    ink, width = tuple(paint["furniture"]), scene["fine"]
    for item in scene["furniture"]:
        at = local(item["box"], item["side"])
        fill = tuple(item["fill"]) if item["fill"] else None
        for shape, numbers in SYMBOLS[item["symbol"]]:
            a, b = at(numbers[0], numbers[1]), at(numbers[2], numbers[3])
            if shape == "l":
                pen.line([a, b], ink, width)
                continue
            box = (min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
            (pen.rect if shape[0] == "r" else pen.oval)(box, None if shape.endswith("-") else fill, ink, width)


def _walls(pen: _Pen, scene: Scene) -> None:
    paint, line = scene["paint"], scene["line"]
    edge, inside = tuple(paint["wall"]), tuple(paint["wall_fill"])
    thick = scene["thick"]
    solid = [w for w in scene["walls"] if w[4] != "rail"]
    for wall in scene["walls"]:
        if wall[4] == "rail":
            pen.line([(wall[0], wall[1]), (wall[2], wall[3])], edge, scene["fine"] + 0.5)
    for wall in solid:
        if pen.wobble:
            for _ in range(2):
                pen.line([(wall[0], wall[1]), (wall[2], wall[3])], edge, max(1.2, thick[wall[4]] * 0.6))
        else:
            pen.canvas.rect(*band(wall, max(1.2, thick[wall[4]])), edge)
    if inside == edge or pen.wobble:
        return
    for wall in solid:
        hollow = thick[wall[4]] - 2 * line
        if hollow >= 1:
            pen.canvas.rect(*band(wall, hollow), inside)


def _door(pen: _Pen, scene: Scene, door: Scene) -> None:
    paint, thick = scene["paint"], max(1.2, scene["thick"][door["wall"]])
    colour, wall = tuple(paint["door"]), tuple(paint["wall"])
    x0, y0, x1, y1 = door_cut(scene, door)
    pen.canvas.rect(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1), tuple(door["fill"]))
    horizontal = door["axis"] == "h"
    if scene["jambs"] and thick > 3:
        for end in (0, 1):
            a = (x0, y0) if not end else ((x1, y0) if horizontal else (x0, y1))
            pen.line([a, (a[0], y1) if horizontal else (x1, a[1])], wall, scene["line"])
    if door["kind"] == "gap":
        return
    hinge, tip = door_leaf(door)
    leaf = scene["fine"] * (1 if door["kind"] == "swing" else 1.6)
    pen.line([hinge, tip], colour, leaf)
    if door["kind"] == "swing":
        sign, swing = -1 if door["hinge"] == 0 else 1, door["swing"]
        # The arc runs between the open leaf and the far jamb.
        dx, dy = (-sign, swing) if horizontal else (swing, -sign)
        start = {(1, 1): 0, (-1, 1): 90, (-1, -1): 180, (1, -1): 270}[(dx, dy)]
        pen.quarter(hinge, door["width"], start, colour, scene["fine"])


def _window(pen: _Pen, scene: Scene, window: Scene) -> None:
    paint = scene["paint"]
    box = x0, y0, x1, y1 = window_box(scene, window)
    colour, fine = tuple(paint["window"]), scene["fine"]
    pen.rect(box, tuple(paint["glass"]), colour, fine)
    for k in range(1, scene["panes"]):
        t = k / scene["panes"]
        if window["axis"] == "h":
            pen.line([(x0, y0 + (y1 - y0) * t), (x1, y0 + (y1 - y0) * t)], colour, fine)
        else:
            pen.line([(x0 + (x1 - x0) * t, y0), (x0 + (x1 - x0) * t, y1)], colour, fine)


def _extras(pen: _Pen, scene: Scene) -> None:
    canvas, extras, ink = pen.canvas, scene["extras"], tuple(scene["paint"]["text"])
    file, fine, size = scene["font"], scene["fine"], scene["label_size"]
    if title := extras.get("title"):
        canvas.text(title["x"], title["y"], title["text"], file, title["size"], ink, title["anchor"])
    if bar := extras.get("scale"):
        x, y, length = bar["x"], bar["y"], bar["length"]
        high = size * 0.25
        pen.rect((x, y, x + length, y + high), None, ink, fine)
        canvas.rect(x, y, x + length / 2, y + high, ink)
        canvas.text(x + length + size * 0.4, y + high / 2, bar["text"], file, size, ink, "lm")
    if north := extras.get("north"):
        shape, (x, y) = north_arrow(north)
        canvas.polygon(shape, ink)
        canvas.text(x, y, "N", file, size, ink)
    for dim in extras.get("dims", ()):
        (x0, y0, x1, y1), tick = dim["line"], size * 0.22
        pen.line([(x0, y0), (x1, y1)], ink, fine)
        for x, y in ((x0, y0), (x1, y1)):
            pen.line([(x - tick, y + tick), (x + tick, y - tick)], ink, fine)
        x, y = dim["at"]
        canvas.text(x, y, dim["text"], file, size, ink, angle=dim["angle"])


def draw(scene: Scene) -> Image.Image:
    """The picture of a composed floor plan."""
    paint = scene["paint"]
    canvas = Canvas.of(scene, paint["background"])
    pen = _Pen(canvas, scene["wobble"], scene["seed"])
    if step := scene["grid"]:
        faint = mix(paint["background"], paint["wall"], 0.12)
        for x in range(step, scene["size"][0], step):
            canvas.line([(x, 0), (x, scene["size"][1])], faint, 1)
        for y in range(step, scene["size"][1], step):
            canvas.line([(0, y), (scene["size"][0], y)], faint, 1)
    for room in scene["rooms"]:
        if room["fill"]:
            x0, y0, x1, y1 = room["box"]
            canvas.rect(x0, y0, x1, y1, tuple(room["fill"]))
    _walls(pen, scene)
    for window in scene["windows"]:
        _window(pen, scene, window)
    for door in scene["doors"]:
        _door(pen, scene, door)
    _furniture(pen, scene)
    for room in scene["rooms"]:
        for line in room["lines"]:
            canvas.text(
                line["x"], line["y"], line["text"], scene["font"], line["size"], tuple(room["ink"]), "mm", line["angle"]
            )
    _extras(pen, scene)
    return canvas.finish()

"""Puts a scene on pixels: backgrounds, outlines of the kinds, fills, two special looks."""

from __future__ import annotations

import itertools
import math
import random
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from ..base import Canvas, Scene, linear_gradient
from ..boxes import polygon_area
from ..colours import RGB, luminance, mix

Points = list[tuple[float, float]]
ROUND = ("circle", "ellipse", "ring")


def _regular(corners: int, start: float = -90) -> Points:
    angles = (math.radians(start + 360 * i / corners) for i in range(corners))
    return [(math.cos(a), math.sin(a)) for a in angles]


@cache
def _unit(kind: str, points: int = 5, thickness: float = 0.36) -> tuple[tuple[float, float], ...]:
    """The kind's outline inside the unit circle, y downwards."""
    if kind in ROUND:
        return tuple(_regular(72))
    if kind == "star":
        inner = {4: 0.4, 5: 0.42, 6: 0.55}[points]
        return tuple(
            (x * (inner if i % 2 else 1), y * (inner if i % 2 else 1)) for i, (x, y) in enumerate(_regular(2 * points))
        )
    if kind == "semicircle":
        return tuple(
            (0.93 * math.cos(math.radians(a)), 0.4 - 0.93 * math.sin(math.radians(a))) for a in range(0, 181, 5)
        )
    if kind == "heart":
        ts = (math.radians(a) for a in range(0, 360, 6))
        return tuple(
            (
                16 * math.sin(t) ** 3 / 17.2,
                -(13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t) + 2.5) / 17.2,
            )
            for t in ts
        )
    if kind == "cross":
        t, e = thickness, 0.94
        return (
            (-t, -e), (t, -e), (t, -t), (e, -t), (e, t), (t, t), (t, e), (-t, e), (-t, t), (-e, t), (-e, -t), (-t, -t),
        )  # fmt: skip
    if kind == "arrow":
        t, h = thickness * 0.75, 0.62
        return ((-0.95, -t), (0.05, -t), (0.05, -h), (0.97, 0.0), (0.05, h), (0.05, t), (-0.95, t))
    if kind in ("square", "rectangle"):
        s = math.sqrt(0.5)
        return ((-s, -s), (s, -s), (s, s), (-s, s))
    return tuple(_regular({"triangle": 3, "diamond": 4, "pentagon": 5, "hexagon": 6}[kind]))


def outline(o: dict[str, Any], grow: float = 1.0) -> Points:
    """The object's corners in picture coordinates."""
    turn = math.radians(o["rotation"])
    cos, sin = math.cos(turn), math.sin(turn)
    stretch = math.sqrt(2) / math.hypot(1, o["aspect"]) if o["kind"] == "rectangle" else 1.0
    result = []
    for x, y in _unit(o["kind"], o["points"], o["thickness"]):
        x, y = x * stretch * o["r"] * grow, y * stretch * o["r"] * grow * o["aspect"]
        result.append((o["x"] + x * cos - y * sin, o["y"] + x * sin + y * cos))
    return result


def area(o: dict[str, Any]) -> float:
    """Enclosed area in square pixels (a ring counts with its hole)."""
    return polygon_area(outline(o))


def _background(canvas: Canvas, b: dict[str, Any]) -> None:
    w, h, pitch, ink = canvas.width, canvas.height, b["pitch"], tuple(b["ink"])
    if b["kind"] == "gradient":
        canvas.gradient(tuple(b["rgb"]), tuple(b["rgb2"]), b["angle"])
    elif b["kind"] == "grid":
        for x in range(pitch // 2, w, pitch):
            canvas.line(((x, 0), (x, h)), ink, b["line"])
        for y in range(pitch // 2, h, pitch):
            canvas.line(((0, y), (w, y)), ink, b["line"])
    elif b["kind"] == "dots":
        r, s = max(1.0, pitch * 0.11), canvas.scale
        tile = Image.new("RGB", (pitch * s, pitch * s), tuple(b["rgb"]))
        box = [(pitch / 2 - r) * s, (pitch / 2 - r) * s, (pitch / 2 + r) * s, (pitch / 2 + r) * s]
        ImageDraw.Draw(tile).ellipse(box, ink)
        _tile(canvas.image, tile)
    elif b["kind"] == "noise":
        grain = np.random.default_rng(b["seed"]).normal(0, b["noise"], (160, 160, 1))
        pixels = np.clip(np.asarray(b["rgb"]) + grain, 0, 255).astype(np.uint8)
        tile = Image.fromarray(pixels)
        _tile(canvas.image, tile.resize((160 * canvas.scale,) * 2, Image.Resampling.NEAREST))


def _tile(image: Image.Image, tile: Image.Image) -> None:
    for y in range(0, image.height, tile.height):
        for x in range(0, image.width, tile.width):
            image.paste(tile, (x, y))


def _pattern(o: dict[str, Any], size: tuple[int, int], scale: int) -> Image.Image:
    start, end = tuple(o["rgb"]), tuple(o["rgb2"])
    if o["fill"] == "gradient":
        return linear_gradient(size, start, end, o["fill_angle"])
    image = Image.new("RGB", size, end)
    pen, step = ImageDraw.Draw(image), max(5.0, o["r"] * 0.3) * scale
    side, at = sum(size), -float(sum(size))
    dx = {0: 0.0, 45: 1.0, 90: 0.0, 135: -1.0}[o["fill_angle"]] * side
    while at < 2 * side:
        ends = ((0, at), (side, at)) if o["fill_angle"] == 0 else ((at, 0), (at + dx, side))
        pen.line(ends, start, max(2, round(step * 0.6)))
        at += step * (1.3 if dx else 1)
    return image


def _patterned(canvas: Canvas, o: dict[str, Any], corners: Points) -> None:
    s = canvas.scale
    x0, y0 = (math.floor(min(c[i] for c in corners)) for i in (0, 1))
    x1, y1 = (math.ceil(max(c[i] for c in corners)) for i in (0, 1))
    mask = Image.new("L", ((x1 - x0 + 1) * s, (y1 - y0 + 1) * s))
    pen = ImageDraw.Draw(mask)
    pen.polygon([((x - x0) * s, (y - y0) * s) for x, y in corners], fill=255)
    if o["kind"] == "ring":
        pen.polygon([((x - x0) * s, (y - y0) * s) for x, y in outline(o, o["hole"])], fill=0)
    canvas.paste(_pattern(o, mask.size, s), x0, y0, mask)


def _shape(canvas: Canvas, o: dict[str, Any]) -> None:
    corners, rgb = outline(o), tuple(o["rgb"])
    edge: RGB | None = tuple(o["edge"]) if o["edge"] else None  # type: ignore[assignment]
    ring = o["kind"] == "ring"
    if o["fill"] == "outlined":
        edge = rgb
    elif o["fill"] == "solid" and not ring:
        canvas.polygon(corners, rgb)
    elif o["fill"] == "solid":
        r = o["r"]
        canvas.ellipse(o["x"] - r, o["y"] - r, o["x"] + r, o["y"] + r, None, rgb, r * (1 - o["hole"]))
    else:
        _patterned(canvas, o, corners)
        edge = edge or (rgb if o["fill"] == "striped" else None)
    if edge:
        _edge(canvas, corners, edge, o)
        if ring:
            _edge(canvas, outline(o, o["hole"]), edge, o)


def _edge(canvas: Canvas, corners: Points, rgb: RGB, o: dict[str, Any]) -> None:
    """An outline in one line, in dashes, or in two lines with the first's middle left free."""
    line = o["line"]
    if o["stroke"] == "dashed" and o["r"] > 14:
        length = sum(math.dist(a, b) for a, b in zip(corners, corners[1:] + corners[:1], strict=True))
        _dashes(canvas, [*corners, corners[0]], rgb, line, length / max(8, round(length / (5.5 * line))))
    elif o["stroke"] == "double" and line >= 3:
        for inwards in (0, 1.9 * line / o["r"]):
            ring = [(x + (o["x"] - x) * inwards, y + (o["y"] - y) * inwards) for x, y in corners]
            canvas.polygon(ring, None, rgb, max(1.0, line * 0.45))
    else:
        canvas.polygon(corners, None, rgb, line)


def _dashes(canvas: Canvas, points: Points, rgb: RGB, width: float, period: float) -> None:
    """Along a path, ink for three fifths of each period; corners may be cut by a fifth of it."""
    fine, at = [points[0]], 0.0
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        length = math.hypot(x1 - x0, y1 - y0)
        while len(fine) * period / 5 < at + length:
            t = (len(fine) * period / 5 - at) / length
            fine.append((x0 + (x1 - x0) * t, y0 + (y1 - y0) * t))
        at += length
    for k in range(0, len(fine) - 3, 5):
        canvas.line(fine[k : k + 4], rgb, width)


def _cast(o: dict[str, Any], shadow: dict[str, Any], rgb: RGB) -> dict[str, Any]:
    """An object's shadow as an object."""
    fill = "outlined" if o["fill"] == "outlined" else "solid"
    return o | {"x": o["x"] + shadow["dx"], "y": o["y"] + shadow["dy"], "edge": None, "rgb": rgb, "fill": fill}


def _soft_shadows(canvas: Canvas, objects: list[dict[str, Any]], shadow: dict[str, Any]) -> None:
    """Blurred, on the ground below all objects."""
    stencil = Canvas(canvas.width, canvas.height, (0, 0, 0), 1)
    for o in objects:
        _shape(stencil, _cast(o, shadow, (255, 255, 255)))
    mask = stencil.image.getchannel(0).filter(ImageFilter.BoxBlur(shadow["blur"]))
    canvas.image.paste(tuple(shadow["rgb"]), None, mask.resize(canvas.image.size))


def _wobbly(points: Points, rng: random.Random, amount: float) -> Points:
    """The outline as a shaky hand would follow it."""
    result: Points = []
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        pieces = max(1, round(math.hypot(x1 - x0, y1 - y0) / (amount * 9)))
        for i in range(pieces):
            t = i / pieces
            x, y = x0 + (x1 - x0) * t, y0 + (y1 - y0) * t
            result.append((x + rng.uniform(-amount, amount), y + rng.uniform(-amount, amount)))
    return result


def _sketch(canvas: Canvas, o: dict[str, Any], rng: random.Random) -> None:
    rgb, amount = tuple(o["rgb"]), max(1.0, o["r"] * 0.03)
    rings = [outline(o)] + ([outline(o, o["hole"])] if o["kind"] == "ring" else [])
    stroke = rgb
    if o["fill"] != "outlined":
        stroke = mix(rgb, (0, 0, 0), 0.45) if luminance(rgb) > 0.03 else mix(rgb, (255, 255, 255), 0.3)
        _patterned(
            canvas,
            o | {"rgb2": mix(rgb, (255, 255, 255), 0.22), "fill": "striped", "fill_angle": 45},
            _wobbly(rings[0], rng, amount),
        )
    for ring in rings * 2:
        canvas.polygon(_wobbly(ring, rng, amount), None, stroke, max(1.2, o["line"] * 0.6))


def _neon(canvas: Canvas, objects: list[dict[str, Any]]) -> None:
    """Tubes of light: a blurred halo, the tube, and a pale core."""
    for o in objects:
        _shape(canvas, o | {"fill": "outlined", "line": max(o["line"], 2.5)})
    small = canvas.image.reduce(4 * canvas.scale).filter(ImageFilter.GaussianBlur(2.2))
    halo = small.point([min(255, round(v * 1.7)) for v in range(256)] * 3).resize(canvas.image.size)
    canvas.image.paste(ImageChops.lighter(canvas.image, halo))
    for o in objects:
        pale = {"rgb": mix(o["rgb"], (255, 255, 255), 0.45), "line": max(1.0, o["line"] * 0.3)}
        _shape(canvas, o | pale | {"fill": "outlined"})


def draw(scene: Scene) -> Image.Image:
    """The scene's picture."""
    width, height = scene["size"]
    background = scene["background"]
    canvas = Canvas.of(scene, background["rgb"])
    _background(canvas, background)
    if scene["style"] == "neon":
        _neon(canvas, scene["objects"])
        return canvas.finish()
    rng = random.Random(background["seed"])
    shadow = scene["shadow"]
    if shadow and shadow["blur"]:
        _soft_shadows(canvas, scene["objects"], shadow)
    for o in scene["objects"]:
        if shadow and not shadow["blur"]:
            _shape(canvas, _cast(o, shadow, tuple(shadow["rgb"])))
        if scene["style"] == "sketch":
            _sketch(canvas, o, rng)
        else:
            _shape(canvas, o)
    if scene["frame"]:
        canvas.rect(0, 0, width - 1, height - 1, None, tuple(scene["frame"]), scene["frame_width"])
    return canvas.finish()

"""Puts a palette on pixels."""

from __future__ import annotations

import math
from typing import Any

from PIL import Image

from ..base import Canvas, Scene
from ..colours import RGB, contrast, mix


def _disc(canvas: Canvas, box: list[float], rgb: RGB, border: RGB | None, line: float, grow: float) -> None:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    r = min(box[2] - box[0], box[3] - box[1]) / 2 * grow
    canvas.ellipse(x - r, y - r, x + r, y + r, rgb, border, line)


CORNERS = {"hexagon": 6, "diamond": 4}


def polygon(x: float, y: float, r: float, corners: int, turn: float = -90) -> list[tuple[float, float]]:
    """A regular polygon about (x, y), its first corner `turn` degrees from three o'clock."""
    angles = [math.radians(turn + 360 * k / corners) for k in range(corners)]
    return [(x + r * math.cos(a), y + r * math.sin(a)) for a in angles]


def _one(canvas: Canvas, scene: Scene, box: list[float], swatch: dict[str, Any], border: RGB | None) -> None:
    rgb, ground = tuple(swatch["rgb"]), scene["ground"]
    x0, y0, x1, y1 = box
    size, label = scene.get("text_size", 0), swatch.get("label", "")
    if scene["form"] == "disc":
        _disc(canvas, box, rgb, border, scene["line"], 0.94)
        return
    if scene["form"] in CORNERS:
        points = polygon((x0 + x1) / 2, (y0 + y1) / 2, min(x1 - x0, y1 - y0) * 0.48, CORNERS[scene["form"]])
        canvas.polygon(points, rgb, border, scene["line"])
        return
    radius = min(x1 - x0, y1 - y0) * (0.2 if scene["form"] == "round" else 0)
    if scene["form"] == "card":
        pad = min(x1 - x0, y1 - y0) * 0.06
        foot = y1 - max(size * 1.7, (y1 - y0) * 0.2)
        canvas.rect(x0 + 3, y0 + 4, x1 + 3, y1 + 4, mix(ground, (0, 0, 0), 0.3))
        canvas.rect(x0, y0, x1, y1, (252, 252, 250), (190, 190, 190), 1)
        canvas.rect(x0 + pad, y0 + pad, x1 - pad, foot, rgb, (170, 170, 170), 1)
        if label:
            canvas.text((x0 + x1) / 2, (foot + y1) / 2, label, scene["font"], size, (50, 50, 50))
        return
    bottom = y1 - size * 1.6 if scene.get("below") else y1
    if scene["shadow"] and radius:
        canvas.rect(x0 + 3, y0 + 3, x1 + 3, bottom + 3, mix(ground, (0, 0, 0), 0.3), radius=radius)
    canvas.rect(x0, y0, x1, bottom, rgb, border, scene["line"], radius)
    if label and scene.get("below"):
        ink = (30, 30, 30) if contrast((30, 30, 30), ground) > 4 else (245, 245, 245)
        canvas.text((x0 + x1) / 2, y1 - size * 0.75, label, scene["font"], size, ink)
    elif label:
        canvas.text((x0 + x1) / 2, (y0 + y1) / 2, label, scene["font"], size, tuple(swatch["ink"]))


def standing(scene: Scene, i: int) -> list[tuple[float, float]]:
    """A tile or petal of a ring, which points away from the middle."""
    (width, height), n = scene["size"], len(scene["swatches"])
    r = min(width, height) * 0.44
    half = min(r * 0.27, r * 0.68 * math.sin(math.pi / n) * 0.8)
    long = half if scene["form"] == "tile" else min(1.7 * half, 0.3 * r)
    unit = polygon(0, 0, math.sqrt(2), 4, 45) if scene["form"] == "tile" else polygon(0, 0, 1, 24)
    turn = math.radians(-90 + 360 * i / n)
    c, s = math.cos(turn), math.sin(turn)
    points = [(r * 0.7 + u * long, v * half) for u, v in unit]
    return [(width / 2 + u * c - v * s, height / 2 + u * s + v * c) for u, v in points]


def _ring(canvas: Canvas, scene: Scene, border: RGB | None) -> None:
    width, height = scene["size"]
    n, r, x, y = len(scene["swatches"]), min(width, height) * 0.44, width / 2, height / 2
    for i, swatch in enumerate(scene["swatches"]):
        middle, rgb = -90 + 360 * i / n, tuple(swatch["rgb"])
        if scene["style"] == "wheel":
            at = math.radians(middle)
            small = min(r * 0.3, r * 0.72 * math.sin(math.pi / n) * 0.86)
            cx, cy = x + r * 0.7 * math.cos(at), y + r * 0.7 * math.sin(at)
            canvas.ellipse(cx - small, cy - small, cx + small, cy + small, rgb, border, scene["line"])
        elif scene["form"] in ("tile", "petal"):
            canvas.polygon(standing(scene, i), rgb, border, scene["line"])
        else:
            half = 180 / n - scene["spacing"] / 2
            canvas.pie(x - r, y - r, x + r, y + r, middle - half, middle + half, rgb, border, scene["line"])
    if scene["form"] == "wedge":
        inner = r * scene["hole"]
        canvas.ellipse(x - inner, y - inner, x + inner, y + inner, tuple(scene["ground"]), border, scene["line"])


def _overlapping(canvas: Canvas, scene: Scene, border: RGB | None) -> None:
    """Discs that cover a fifth of their neighbours, in the middle of the picture."""
    (width, height), n = scene["size"], len(scene["swatches"])
    along, over = (width, height) if scene["layout"] == "row" else (height, width)
    r = min(over * 0.44, along * 0.94 / (2 + 1.5 * (n - 1)))
    start = along / 2 - 0.75 * r * (n - 1)
    for i, swatch in enumerate(scene["swatches"]):
        at, other = start + 1.5 * r * i, over / 2
        x, y = (at, other) if scene["layout"] == "row" else (other, at)
        canvas.ellipse(x - r, y - r, x + r, y + r, tuple(swatch["rgb"]), border, scene["line"])


def draw(scene: Scene) -> Image.Image:
    """The scene's picture."""
    canvas = Canvas.of(scene, scene["ground"])
    border: RGB | None = tuple(scene["border"]) if scene["border"] else None  # type: ignore[assignment]
    if title := scene["title"]:
        ink = (30, 30, 30) if contrast((30, 30, 30), scene["ground"]) > 4 else (245, 245, 245)
        canvas.text(title["x"], title["y"], title["text"], scene["font"], title["size"], ink, title["anchor"])
    if scene["layout"] == "ring":
        _ring(canvas, scene, border)
    elif scene["style"] == "dots":
        _overlapping(canvas, scene, border)
    else:
        for box, swatch in zip(scene["boxes"], scene["swatches"], strict=True):
            _one(canvas, scene, box, swatch, border)
    return canvas.finish()

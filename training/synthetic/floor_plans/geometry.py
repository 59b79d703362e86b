"""Where the parts of a floor plan go, in pixels of the picture: what drawing and regions share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..base import Box, Scene

Point = tuple[float, float]


def local(box: Sequence[float], side: str) -> Callable[[float, float], Point]:
    """Maps unit coordinates of a symbol whose back is at `side` of its box to pixels."""
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    return {
        "top": lambda u, v: (x0 + u * w, y0 + v * h),
        "bottom": lambda u, v: (x0 + u * w, y1 - v * h),
        "left": lambda u, v: (x0 + v * w, y0 + u * h),
        "right": lambda u, v: (x1 - v * w, y0 + u * h),
    }[side]


def band(wall: Sequence[float], thick: float) -> Box:
    """The box of a wall of that thickness."""
    x0, y0, x1, y1 = wall[:4]
    return x0 - thick / 2, y0 - thick / 2, x1 + thick / 2, y1 + thick / 2


def across(item: Scene, thick: float) -> Box:
    """The box that an opening cuts out of its wall."""
    x, y, half = item["x"], item["y"], item["width"] / 2
    if item["axis"] == "h":
        return x - half, y - thick / 2, x + half, y + thick / 2
    return x - thick / 2, y - half, x + thick / 2, y + half


def door_cut(scene: Scene, door: Scene) -> Box:
    """The gap that a door leaves in its wall."""
    return across(door, max(1.2, scene["thick"][door["wall"]]) + (4 if scene["wobble"] else 1))


def door_leaf(door: Scene) -> tuple[Point, Point]:
    """Hinge and tip of the open leaf."""
    half, x, y, reach = door["width"] / 2, door["x"], door["y"], door["swing"] * door["width"]
    sign = -1 if door["hinge"] == 0 else 1
    if door["axis"] == "h":
        return (x + sign * half, y), (x + sign * half, y + reach)
    return (x, y + sign * half), (x + reach, y + sign * half)


def window_box(scene: Scene, window: Scene) -> Box:
    """The frame of a window."""
    thick = max(scene["thick"]["outer"], 4.0, max(scene["size"]) * 0.012)
    return across(window, thick + (2 if scene["wobble"] else 0))


def north_arrow(north: Scene) -> tuple[list[Point], Point]:
    """The arrow's corners and the middle of its letter."""
    x, y, r = north["x"], north["y"], north["radius"]
    dx, dy = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}[north["points"]]
    tip, tail = (x + dx * r, y + dy * r), (x - dx * r * 0.7, y - dy * r * 0.7)
    side = [(tail[0] + s * dy * r * 0.55, tail[1] + s * dx * r * 0.55) for s in (1, -1)]
    return [tip, side[0], (x - dx * r * 0.35, y - dy * r * 0.35), side[1]], (x + dx * r * 1.6, y + dy * r * 1.6)

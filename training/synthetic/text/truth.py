"""What is true of a text scene."""

from __future__ import annotations

from ..base import Scene
from .words import NOUNS


def whole(scene: Scene) -> str:
    """All text in reading order."""
    return " ".join(line["text"] for line in scene["lines"])


def slope_of(scene: Scene) -> str:
    """How the text runs from left to right: "up", "down", "" for straight or hardly tilted."""
    return "" if abs(scene["angle"]) < 5 else "up" if scene["angle"] > 0 else "down"


def one_colour(scene: Scene) -> str:
    """The colour of all text, "" where lines differ."""
    names = {line["colour_name"] for line in scene["lines"]}
    return names.pop() if len(names) == 1 else ""


def distinct(scene: Scene) -> bool:
    """Whether the picture tells its kind of thing; a plain rectangle with a word may be a button or a label."""
    style, shape, trim = scene["style"], scene["shape"], scene["trim"]
    if not shape:
        return True
    kind, behind = shape["kind"], scene["backdrop"]["kind"]
    return {
        "road_sign": "post" in trim or kind in ("octagon", "diamond", "triangle", "arrow") or behind == "horizon",
        "shop_sign": "chains" in trim or behind in ("bricks", "wall"),
        "button": kind in ("pill", "rounded rectangle") and "shadow" in trim,
        "badge": kind in ("star", "hexagon", "shield", "circle"),
        "label": kind == "tag",
        "name_plate": "screws" in trim,
        "flash_card": kind == "rectangle" and len(whole(scene)) == 1,
        "screen": True,
        "sticky_note": "curl" in trim or "pin" in trim,
        "neon": True,
    }[style]


def noun_of(scene: Scene) -> str:
    """What the thing is called inside questions."""
    return NOUNS[scene["style"]][2]

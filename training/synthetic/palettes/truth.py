"""What is true of a palette, by a margin: extremes, mood, positions."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ..base import ORDINALS, Scene
from ..colours import COLOURS, luminance
from .words import COOL, WARM


def lightness(rgb: list[int]) -> float:
    """CIE lightness, 0 to 100."""
    y = luminance(rgb)
    return 116 * y ** (1 / 3) - 16 if y > 0.009 else 903 * y


def extreme(scene: Scene, darkest: bool) -> dict[str, Any] | None:
    """The darkest or lightest swatch, if it is so by a margin."""
    line = sorted(scene["swatches"], key=lambda s: lightness(s["rgb"]), reverse=not darkest)
    clear = abs(lightness(line[0]["rgb"]) - lightness(line[1]["rgb"])) > 12
    return line[0] if clear else None


def mood_of(scene: Scene) -> str:
    """`warm` or `cool`, or "" for a mixed palette."""
    names = [s["colour"] for s in scene["swatches"]]
    warm, cool = sum(n in WARM for n in names), sum(n in COOL for n in names)
    unsure = sum(n in ("purple", "pink") for n in names)
    if max(warm, cool) * 2 <= len(names) or abs(warm - cool) < max(2, unsure + 1):
        return ""
    return "warm" if warm > cool else "cool"


def places_of(scene: Scene) -> dict[str, int]:
    """Ways to say a position -> the swatch there."""
    n, layout = len(scene["swatches"]), scene["layout"]
    columns, rows = scene["columns"], scene["rows"]
    if layout == "ring":
        places = {"at the top": 0}
        if n % 2 == 0:
            places["at the bottom"] = n // 2
        if n % 4 == 0:
            places |= {"on the right": n // 4, "on the left": 3 * n // 4}
        return places
    if layout == "grid":
        places = {
            "in the [top left|top left corner|upper left]": 0,
            "in the [top right|top right corner|upper right]": columns - 1,
            "in the [bottom left|bottom left corner|lower left]": n - columns,
            "in the [bottom right|bottom right corner|lower right]": n - 1,
        }
        if columns % 2 and rows % 2:
            places["in the [centre|center|middle]"] = n // 2
        return places | {f"in row {i // columns + 1}, column {i % columns + 1}": i for i in range(n)}
    near, far = ("left", "right") if layout == "row" else ("top", "bottom")
    places = {f"{ORDINALS[i]} from the {near}": i for i in range(1, min(n, 6))}
    places |= {f"{ORDINALS[i]} from the {far}": n - 1 - i for i in range(1, min(n, 4))}
    places |= {f"[at the far {near}|furthest to the {near}]" if layout == "row" else f"at the {near}": 0}
    places |= {f"[at the far {far}|furthest to the {far}]" if layout == "row" else f"at the {far}": n - 1}
    if n % 2 and n > 2:
        places["in the [middle|centre|center]"] = n // 2
    return places


def order_of(scene: Scene) -> str:
    """How the swatches are read, as a phrase with choices."""
    return {
        "row": "[from left to right|left to right]",
        "column": "[from top to bottom|top to bottom]",
        "grid": "[row by row|in reading order|left to right, top to bottom]",
        "ring": "[clockwise from the top|clockwise, starting at the top]",
    }[scene["layout"]]


def missing_colours(scene: Scene, counts: Counter[str]) -> list[str]:
    """Colours that are plainly nowhere: those of the ground or of a card do not count as missing."""
    dark = luminance(scene["ground"]) < 0.2
    near = {"black", "gray"} if dark else {"white", "gray"}
    near |= {"white"} if scene["style"] == "cards" else set()
    return [c for c in COLOURS if c not in counts and c not in near]

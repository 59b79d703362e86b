"""What is true of a screen, read off its elements."""

from __future__ import annotations

from ..base import Scene
from .words import COUNT, Element


def of_kind(scene: Scene, *kinds: str) -> list[Element]:
    """The elements of these kinds."""
    return [e for e in scene["elements"] if e["kind"] in kinds]


def labels_of(elements: list[Element]) -> list[str]:
    """Their labels."""
    return [e["label"] for e in elements]


def title_of(scene: Scene) -> str:
    """The heading, "" where there is none."""
    return next((e["label"] for e in of_kind(scene, "title")), "")


def moot_kinds(scene: Scene) -> set[str]:
    """Kinds that people could see or count differently because something looks like them."""
    lookalikes = {
        "panel": ("card", "modal"),
        "modal": ("card",),
        "avatar": ("image",),
        "chart": ("image",),
        "item": ("avatar",),
        "tab": ("button", "link"),
        "menu": ("button",),
        "search": ("field",),
        "select": ("field",),
        "input": ("field",),
        "logo": ("title",),
        "link": ("tab",),
        "radio": ("button",),
        "bubble": ("card",),
    }
    moot = {kind for seen, kinds in lookalikes.items() if of_kind(scene, seen) for kind in kinds}
    return moot | ({"header"} if scene["frame"]["kind"] == "browser" else set())


def reading_order(elements: list[Element]) -> list[Element]:
    """Top to bottom, then left to right (boxes of one row start at about the same height)."""
    return sorted(elements, key=lambda e: (round(e["box"][1] / 8), e["box"][0]))


def counts_of(scene: Scene) -> dict[str, int]:
    """The countable kinds, under the keys of the phrase table."""
    counts = {key: len(of_kind(scene, key)) for key in COUNT if " " not in key and key not in ("row", "column")}
    tables = of_kind(scene, "table")
    counts |= {"row": len(tables[0]["rows"]), "column": len(tables[0]["columns"])} if tables else {}
    for kind in ("toggle", "check"):
        if counts[kind]:
            counts[f"{kind} on"] = sum(e["state"] == "on" for e in of_kind(scene, kind))
            counts[f"{kind} off"] = counts[kind] - counts[f"{kind} on"]
    return counts

"""How elements stand to each other: edges that nearly line up, gaps that nearly repeat, things too close together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from .elements import Element

Kind = Literal["alignment", "spacing", "crowding"]
NEAR = 0.018
"""Share of the picture's longer side by which an edge may be off and still be meant to line up."""
ODD_GAP = 0.3
"""Share by which a gap differs from those around it where it is no longer the same."""
CROWDED = 0.25
"""Gap to a text as a share of its height below which they are too close."""


@dataclass(frozen=True)
class Finding:
    """`pixels` and `usual` as worked on: what is off, and what the others have. `about`: an edge, or an axis."""

    kind: Kind
    element: Element
    about: str
    pixels: float
    usual: float


def findings_of(elements: Sequence[Element], longer: int) -> Iterator[Finding]:
    """Of elements that have one parent, each compared with the others. `longer`: the picture's longer side."""
    families: dict[int, list[Element]] = defaultdict(list)
    for element in elements:
        families[id(element.parent)].append(element)
    for members in families.values():
        yield from _misaligned(members, max(3.0, NEAR * longer))
        yield from _uneven(members)
        yield from _crowded(members)
    yield from _cramped(elements)


# --- alignment -------------------------------------------------------------------------------------------------------

_EDGES = {
    "left": (lambda one: one.x0, 1), "right": (lambda one: one.x1, 1), "centre": (lambda one: one.middle[0], 1),
    "top": (lambda one: one.y0, 0), "bottom": (lambda one: one.y1, 0), "middle": (lambda one: one.middle[1], 0),
}  # fmt: skip


def _misaligned(members: list[Element], near: float) -> Iterator[Finding]:
    """An element of which no edge lines up with any other's, while one nearly does with those of two others."""
    for vertical, names in ((1, ("left", "right", "centre")), (0, ("top", "bottom", "middle"))):
        edges = {name: [_EDGES[name][0](one) for one in members] for name in names}
        for place, one in enumerate(members):
            others = [
                other for other in range(len(members)) if other != place and _faces(one, members[other], vertical)
            ]
            offs = {name: [edges[name][other] - edges[name][place] for other in others] for name in names}
            slack = 2.0 if one.line else 1.0  # letters begin a little behind their place
            if any(abs(off) <= slack for found in offs.values() for off in found):
                continue
            for name in names:
                close = [off for off in offs[name] if abs(off) <= near]
                shared = [sorted(other for other in close if abs(other - off) <= 1) for off in close]
                most = max(shared, key=len, default=[])  # drawn edges may be a pixel from each other
                if len(most) >= 2 and not _ragged(one, name):
                    yield Finding("alignment", one, name, abs(most[len(most) // 2]), 0)
                    break


def _ragged(one: Element, edge: str) -> bool:
    """Lines of text end where they end, and reach as high as their letters do."""
    return one.line is not None and edge not in ("left", "centre")


def _faces(one: Element, other: Element, vertical: int) -> bool:
    """Whether two stand one above the other (or, not `vertical`, side by side): only then is lining up meant."""
    if vertical:
        return min(one.x1, other.x1) > max(one.x0, other.x0) and min(one.y1, other.y1) <= max(one.y0, other.y0)
    return min(one.y1, other.y1) > max(one.y0, other.y0) and min(one.x1, other.x1) <= max(one.x0, other.x0)


# --- spacing ---------------------------------------------------------------------------------------------------------


def _uneven(members: list[Element]) -> Iterator[Finding]:
    """One gap in a row or column of like elements that differs from all the others, which are equal."""
    boxes = [one for one in members if one.line is None]
    for vertical in (True, False):
        rows: dict[tuple[int, int, int], list[Element]] = defaultdict(list)
        for one in boxes:
            across = (one.x0, one.x1) if vertical else (one.y0, one.y1)
            along = one.height if vertical else one.width
            rows[round(across[0] / 3), round(across[1] / 3), round(along / 3)].append(one)
        for row in rows.values():
            if len(row) < 4:
                continue
            row.sort(key=lambda one: one.y0 if vertical else one.x0)
            gaps = [(b.y0 - a.y1) if vertical else (b.x0 - a.x1) for a, b in pairwise(row)]
            for place, gap in enumerate(gaps):
                rest = gaps[:place] + gaps[place + 1 :]
                usual = sum(rest) / len(rest)
                if max(rest) - min(rest) <= 2 and usual > 0 and abs(gap - usual) > max(3.0, ODD_GAP * usual):
                    yield Finding("spacing", row[place + 1], "above" if vertical else "left", gap, round(usual, 1))
                    break


# --- crowding --------------------------------------------------------------------------------------------------------


def _crowded(members: list[Element]) -> Iterator[Finding]:
    """A box of its own that almost touches a line of text beside it, or cuts into it."""
    lines = [one for one in members if one.line is not None]
    for line in lines:
        limit = max(1.0, CROWDED * line.height)
        for other in members:
            if other.line is not None or other.area < line.area or other.holds(line):
                continue
            gap = _gap(line, other)
            if gap < limit:
                yield Finding("crowding", line, "beside", max(0.0, gap), round(limit, 1))
                break


def _cramped(elements: Sequence[Element]) -> Iterator[Finding]:
    """Text that almost touches the edge of what it stands in."""
    for line in elements:
        around = line.parent
        if line.line is None or around is None or around.line is not None:
            continue
        room = min(line.x0 - around.x0, around.x1 - line.x1, line.y0 - around.y0, around.y1 - line.y1)
        limit = max(1.5, 0.15 * line.height)
        if room < limit:
            yield Finding("crowding", line, "inside", room, round(limit, 1))


def _gap(one: Element, other: Element) -> float:
    """Pixels between two boxes; negative where they overlap."""
    across = max(one.x0, other.x0) - min(one.x1, other.x1)
    down = max(one.y0, other.y0) - min(one.y1, other.y1)
    return float(max(across, down))

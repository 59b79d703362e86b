"""What is true of a floor plan: names, places, neighbours, doors, things."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from ..base import Scene
from .words import OTHER_NAMES, THING


class Plan:
    """A scene with the relations between its rooms worked out."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.rooms = scene["rooms"]
        self.count = Counter(r["type"] for r in self.rooms)
        self.names = Counter(r["name"] for r in self.rooms)
        self.labels = Counter(r["label"].lower() for r in self.rooms)

    def single(self, index: int) -> bool:
        """Whether `the <name>` can only mean this room."""
        return self.count[self.rooms[index]["type"]] == 1

    def known(self) -> list[int]:
        """Rooms that a question can point to by name."""
        return [
            i
            for i, r in enumerate(self.rooms)
            if self.single(i) or (r["label"][-1:].isdigit() and self.labels[r["label"].lower()] == 1)
        ]

    def the(self, index: int) -> str:
        room = self.rooms[index]
        return f"the {room['name']}" if self.single(index) else room["label"].lower()

    def other_names(self, index: int) -> tuple[str, ...]:
        room = self.rooms[index]
        return tuple(
            sorted({room["type"], room["label"].lower(), *OTHER_NAMES.get(room["name"], ())} - {room["name"], ""})
        )

    def keep(self, index: int, rng: random.Random) -> bool:
        """Whether to ask for that room: bedrooms and bathrooms would be the answer too often."""
        return self.rooms[index]["type"] not in ("bedroom", "bathroom") or rng.random() < 0.45

    @staticmethod
    def area(room: Scene) -> float:
        x0, y0, x1, y1 = room["box"]
        return (x1 - x0) * (y1 - y0)

    @cached_property
    def by_area(self) -> list[int]:
        return sorted(range(len(self.rooms)), key=lambda i: -self.area(self.rooms[i]))

    def extreme(self, largest: bool) -> int | None:
        """The room that is clearly the largest (smallest); None where it is a close call."""
        order = self.by_area if largest else self.by_area[::-1]
        a, b = (self.area(self.rooms[i]) for i in order[:2])
        return order[0] if max(a, b) / min(a, b) >= 1.18 else None

    def place(self, index: int) -> str:
        """Where in the house the room is."""
        return self.place_of(self.rooms[index]["box"])

    def place_of(self, box: Sequence[float]) -> str:
        """Where in the house a box is, in thirds; "" for a middle too near to two of them."""
        x0, y0, x1, y1 = self.scene["house"]
        across = _third(((box[0] + box[2]) / 2 - x0) / (x1 - x0), "left", "right")
        down = _third(((box[1] + box[3]) / 2 - y0) / (y1 - y0), "top", "bottom")
        if across is None or down is None:
            return ""
        return f"{down} {across}".strip() or "center"

    def shared(self, i: int, j: int) -> tuple[str, float]:
        """Side of room `i` that `j` lies at and the length of wall they share ("" for none, -1 for a mere corner)."""
        a, b = self.rooms[i]["box"], self.rooms[j]["box"]
        high = min(a[3], b[3]) - max(a[1], b[1])
        wide = min(a[2], b[2]) - max(a[0], b[0])
        if high > 0 and wide == 0:
            return ("right" if b[0] == a[2] else "left"), high
        if wide > 0 and high == 0:
            return ("below" if b[1] == a[3] else "above"), wide
        return "", -1.0 if wide == high == 0 else 0.0

    def apart(self, i: int, j: int) -> str:
        """On which one side of `j` room `i` clearly is; "" where it is askew."""
        a, b = self.rooms[i]["box"], self.rooms[j]["box"]
        high = min(a[3], b[3]) - max(a[1], b[1])
        wide = min(a[2], b[2]) - max(a[0], b[0])
        if high > 0.3 * min(a[3] - a[1], b[3] - b[1]) and wide <= 0:
            return "left" if a[0] < b[0] else "right"
        if wide > 0.3 * min(a[2] - a[0], b[2] - b[0]) and high <= 0:
            return "above" if a[1] < b[1] else "below"
        return ""

    def neighbour(self, i: int, side: str) -> int | None:
        """The one room that shares nearly all of that side of room `i`."""
        found = [
            (j, length) for j in range(len(self.rooms)) if j != i for s, length in [self.shared(i, j)] if s == side
        ]
        x0, y0, x1, y1 = self.rooms[i]["box"]
        full = (y1 - y0) if side in ("left", "right") else (x1 - x0)
        return found[0][0] if len(found) == 1 and found[0][1] > 0.55 * full else None

    def doors_of(self, i: int) -> list[Scene]:
        return [d for d in self.scene["doors"] if i in (d["a"], d["b"])]

    def joined(self, i: int, j: int) -> bool:
        return any({d["a"], d["b"]} == {i, j} for d in self.scene["doors"])

    @cached_property
    def things(self) -> Counter[str]:
        return Counter(THING.get(f["symbol"], f["symbol"]) for f in self.scene["furniture"])

    def things_in(self, i: int) -> list[str]:
        return [THING.get(f["symbol"], f["symbol"]) for f in self.scene["furniture"] if f["room"] == i]

    @cached_property
    def reading_order(self) -> list[int]:
        return sorted(range(len(self.rooms)), key=lambda i: (self.rooms[i]["box"][1], self.rooms[i]["box"][0]))


def _third(t: float, low: str, high: str) -> str | None:
    if t < 0.38:
        return low
    if t > 0.62:
        return high
    return "" if 0.43 <= t <= 0.57 else None

"""What is true of a scene, by a margin: places, sides, sizes, counts, and how its things may be called."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator, Sequence

from ..base import Scene, article
from ..colours import COLOURS
from .draw import area
from .words import KINDS, LOOKALIKE, PLACES, SYNONYMS, Thing


def name_of(o: Thing) -> str:
    """Colour and kind."""
    return f"{o['colour']} {o['kind']}"


def place_of(scene: Scene, o: Thing) -> str:
    """Which ninth of the picture the object is in; "" when it is near a border between ninths."""
    cells = []
    for at, length in ((o["y"], scene["size"][1]), (o["x"], scene["size"][0])):
        t = at / length
        cells.append(0 if t < 0.3 else 1 if 0.41 < t < 0.59 else 2 if t > 0.7 else -1)
    return "" if -1 in cells else PLACES[cells[0]][cells[1]]


def sides_of(a: Thing, b: Thing) -> list[str]:
    """Every side of `b` that `a` is on by a margin (none, one or two)."""
    reach, dx, dy = 0.8 * (a["r"] + b["r"]), a["x"] - b["x"], a["y"] - b["y"]
    sides = ["left" if dx < 0 else "right"] if abs(dx) > reach else []
    return sides + (["above" if dy < 0 else "below"] if abs(dy) > reach else [])


def side_of(a: Thing, b: Thing) -> str:
    """The one side of `b` that `a` is plainly on, or ""."""
    dx, dy = abs(a["x"] - b["x"]), abs(a["y"] - b["y"])
    sides = sides_of(a, b)
    return sides[0] if len(sides) == 1 and max(dx, dy) > 1.7 * min(dx, dy) else ""


def bigger(a: Thing, b: Thing) -> bool:
    """Whether `a` is bigger than `b` to every eye, by radius and by area."""
    return a["r"] > 1.2 * b["r"] and area(a) > 1.3 * area(b)


def ordered(things: Sequence[Thing], axis: str) -> list[Thing] | None:
    """The things along an axis, or None when two of them are too close to call."""
    line = sorted(things, key=lambda o: o[axis])
    gaps = (b[axis] - a[axis] > 0.35 * (a["r"] + b["r"]) for a, b in itertools.pairwise(line))
    return line if all(gaps) else None


def superlatives(things: Sequence[Thing]) -> Iterator[tuple[str, Thing]]:
    """Who is largest, leftmost and so on, by a margin."""
    if len(things) < 2:
        return
    by_size = sorted(things, key=lambda o: o["r"])
    if all(bigger(by_size[-1], o) for o in by_size[:-1]):
        yield "largest", by_size[-1]
    if all(bigger(o, by_size[0]) for o in by_size[1:]):
        yield "smallest", by_size[0]
    for axis, low, high in (("x", "leftmost", "rightmost"), ("y", "topmost", "bottommost")):
        line = sorted(things, key=lambda o: o[axis])
        for word, o, a, b in ((low, line[0], line[0], line[1]), (high, line[-1], line[-2], line[-1])):
            if b[axis] - a[axis] > 0.5 * max(a["r"], b["r"]) + abs(a["r"] - b["r"]):
                yield word, o


def reading_order(things: Sequence[Thing]) -> list[Thing]:
    """Left to right."""
    return sorted(things, key=lambda o: (o["x"], o["y"]))


class View:
    """A scene with its counts, and ways to call its things."""

    def __init__(self, scene: Scene, rng: random.Random) -> None:
        self.scene, self.rng, self.things = scene, rng, scene["objects"]
        self.kinds = Counter(o["kind"] for o in self.things)
        self.colours = Counter(o["colour"] for o in self.things)
        self.names = Counter(name_of(o) for o in self.things)

    def noun(self, kind: str) -> str:
        rng = self.rng
        return rng.choice(SYNONYMS[kind]) if kind in SYNONYMS and rng.random() < 0.12 else kind

    def call(self, o: Thing) -> str:
        """A definite description, or "" if there is none: `red circle`, `circle`, `red shape`."""
        ways = []
        if self.names[name_of(o)] == 1:
            ways += [name_of(o)] * 3
        if self.kinds[o["kind"]] == 1:
            ways += [self.noun(o["kind"])] * 3
        if self.colours[o["colour"]] == 1:
            ways.append(f"{o['colour']} {self.rng.choice(('shape', 'object', 'figure'))}")
        return self.rng.choice(ways) if ways else ""

    def accept(self, o: Thing) -> tuple[str, ...]:
        """Other short answers that name the thing."""
        forms = [article(name_of(o)), f"the {name_of(o)}"]
        if self.kinds[o["kind"]] == 1:
            forms += [o["kind"], f"the {o['kind']}", *(f"{o['colour']} {s}" for s in SYNONYMS.get(o["kind"], ()))]
        if self.colours[o["colour"]] == 1:
            forms.append(f"{o['colour']} one")
        return tuple(forms)

    def called(self) -> list[tuple[Thing, str]]:
        """Every thing that has a definite description, shuffled."""
        pairs = [(o, self.call(o)) for o in self.things]
        pairs = [pair for pair in pairs if pair[1]]
        self.rng.shuffle(pairs)
        return pairs

    def missing_kind(self) -> str:
        """A kind that is not there, by preference one that looks like one that is."""
        near = [k for o in self.things for k in LOOKALIKE.get(o["kind"], ()) if k not in self.kinds]
        clash = {"square", "rectangle", "diamond"} if {"square", "rectangle", "diamond"} & set(self.kinds) else set()
        clash |= {"circle", "ring"} if {"circle", "ring"} & set(self.kinds) else set()
        free = [k for k in KINDS if k not in self.kinds and k not in clash]
        # A square is a rectangle (and a ring a circle) to some people, so none is asked for beside another.
        near = [k for k in near if k not in clash]
        return self.rng.choice(near if near and self.rng.random() < 0.4 else free)

    def missing_colour(self) -> str:
        return self.rng.choice([c for c in COLOURS if c not in self.colours and c != self.scene["background"]["base"]])

"""Geometric compositions: one to eight shapes of fourteen kinds on plain, gradient or textured backgrounds.

Every relation, size and position that a question or a caption mentions is clear by a margin.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from .base import CHROMATIC, COLOURS, QA, RGB, Scene, article, ask, join, mix, plural, random_size, say, shade, yes_no
from .shapes_draw import area, draw

__all__ = ["FACTS", "HELD_OUT_STYLES", "NAME", "STYLES", "captions", "compose", "draw", "questions"]

NAME = "shapes"
STYLES = ("flat", "outline", "bordered", "textured", "gradient", "striped", "shadow", "pairs", "crowd")
HELD_OUT_STYLES = ("sketch", "neon")
KINDS = (
    "circle", "square", "rectangle", "triangle", "star", "hexagon", "pentagon", "diamond", "ellipse", "cross", "heart",
    "ring", "semicircle", "arrow",
)  # fmt: skip
_SYNONYMS = {
    "ellipse": ("oval",),
    "diamond": ("rhombus",),
    "ring": ("donut", "doughnut"),
    "semicircle": ("half circle",),
    "cross": ("plus sign", "plus"),
    "hexagon": ("six-sided shape",),
    "pentagon": ("five-sided shape",),
}
_SIDES = {"triangle": 3, "square": 4, "rectangle": 4, "diamond": 4, "pentagon": 5, "hexagon": 6}
# Pairs that people (and models) really mix up: the best wrong guesses.
_LOOKALIKE = {
    "circle": ("ellipse", "ring", "semicircle"),
    "square": ("rectangle", "diamond"),
    "rectangle": ("square",),
    "ellipse": ("circle",),
    "ring": ("circle",),
    "pentagon": ("hexagon",),
    "hexagon": ("pentagon", "circle"),
    "diamond": ("square",),
    "triangle": ("arrow", "diamond"),
    "star": ("cross", "pentagon"),
    "arrow": ("triangle",),
}
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}
_PHRASE = {"left": "left of", "right": "right of", "above": "above", "below": "below"}
_LOOSE = {
    "left": "[to the left of|left of|on the left side of]",
    "right": "[to the right of|right of|on the right side of]",
    "above": "[above|higher than|over]",
    "below": "[below|lower than|underneath|under]",
}
_PLACES = (("top left", "top", "top right"), ("left", "centre", "right"), ("bottom left", "bottom", "bottom right"))
_SIZE_NAMES = (("small", 0.0, 0.098), ("medium", 0.114, 0.162), ("large", 0.188, 1.0))
_RADII = {"small": (0.068, 0.092), "medium": (0.12, 0.155), "large": (0.2, 0.27)}

_COLOUR_WORDS = "|".join(COLOURS)
_THING = rf"(?:{_COLOUR_WORDS}) (?:{'|'.join(f'{re.escape(plural(k))}|{k}' for k in KINDS)})\b"
FACTS = re.compile(
    rf"{_THING} is (?:left of|right of|above|below) the {_THING}|\d+ shapes?\b|\d+ {_THING}|{_THING}"
    rf"|(?:light |dark )?(?:{_COLOUR_WORDS}) background"
    r"|at the (?:(?:top|bottom)(?: left| right)?|left|right|centre)\b"
)

Thing = dict[str, Any]

# --- composing -----------------------------------------------------------------------------------


def _background(rng: random.Random, style: str) -> Thing:
    """A named colour and a texture; tinted names keep the plain name as `base`."""
    base, name = rng.choice(CHROMATIC), ""
    roll = rng.random()
    if style == "neon":
        base, rgb = "black", rng.choice(((5, 5, 14), (0, 0, 0), (14, 8, 20)))
    elif style == "sketch":
        base, rgb = "white", rng.choice(((255, 255, 255), (250, 249, 244), (246, 246, 246)))
    elif roll < 0.36:
        base, rgb = "white", rng.choice(((255, 255, 255), (250, 250, 250), (248, 249, 250)))
    elif roll < 0.45:
        base, rgb = "black", shade(rng, "black")
    elif roll < 0.52:
        base, rgb = "gray", shade(rng, "gray")
    elif roll < 0.74:
        base = rng.choice(("blue", "green", "yellow", "gray", "purple"))
        rgb = mix(shade(rng, base), (255, 255, 255), rng.uniform(0.68, 0.78))
        name = f"light {base}"
    elif roll < 0.82:
        base, rgb = rng.choice((("blue", (16, 28, 84)), ("gray", (62, 64, 68)), ("green", (10, 62, 30))))
        name = f"dark {base}"
    else:
        rgb = shade(rng, base)
    kinds = {
        "textured": ("grid", "dots", "noise"),
        "gradient": ("gradient", "plain"),
        "neon": ("plain", "grid"),
        "sketch": ("noise", "plain", "grid"),
    }
    kind = rng.choice(kinds.get(style, ("plain", "plain", "plain", "plain", "gradient", "noise")))
    light = sum(rgb) > 380
    ink = mix(rgb, (0, 0, 0) if light else (255, 255, 255), rng.uniform(0.1, 0.24))
    end = mix(rgb, (0, 0, 0) if light else (255, 255, 255), rng.uniform(0.12, 0.22))
    return {
        "kind": kind,
        "name": name or base,
        "base": base,
        "rgb": list(rgb),
        "rgb2": list(end),
        "ink": list(ink),
        "angle": rng.choice((0, 45, 90, 135, 180, 270)),
        "pitch": rng.randint(14, 44),
        "line": rng.choice((1, 1, 2)),
        "noise": round(rng.uniform(5, 14), 1),
        "seed": rng.getrandbits(30),
    }


def _distance(a: Sequence[int], b: Sequence[int]) -> float:
    return math.dist(a, b)


def _shades(rng: random.Random, background: Thing, style: str) -> dict[str, RGB]:
    """One shade for every colour name that stands out from the background."""
    result: dict[str, RGB] = {}
    for name in COLOURS:
        if name == background["base"] or (style == "neon" and name in ("black", "gray", "brown")):
            continue
        rgb = shade(rng, name)
        ends = [background["rgb"]] + ([background["rgb2"]] if background["kind"] == "gradient" else [])
        if all(_distance(rgb, end) > 105 for end in ends):
            result[name] = rgb
    return result


def _cast(rng: random.Random, n: int, colours: Sequence[str]) -> list[tuple[str, str]]:
    """Who plays: distinct things for relations, repeated kinds or colours for counting."""
    kinds, names = rng.sample(KINDS, n), rng.sample(colours, min(n, len(colours)))
    names += rng.choices(colours, k=n - len(names))
    roll = rng.random()
    if n >= 4 or roll > 0.72:
        several = rng.randint(2, n) if n > 1 else 1
        if rng.random() < 0.6:
            kinds[:several] = [kinds[0]] * several
        else:
            names[:several] = [names[0]] * several
        if n >= 5 and rng.random() < 0.6:
            some = rng.randint(2, max(2, n - several)) if several < n else 0
            kinds[n - some :] = [kinds[-1]] * some
            names[: n // 2] = [rng.choice(names)] * (n // 2)
    cast = list(zip(kinds, names, strict=True))
    rng.shuffle(cast)
    return cast


def _rotation(rng: random.Random, kind: str) -> int:
    """Degrees that keep the kind recognisable: a square on its tip would be a diamond."""
    if kind == "arrow":
        return rng.choice((0, 90, 180, 270))
    if kind == "semicircle":
        return rng.choice((0, 0, 90, 180, 270)) + rng.randint(-8, 8)
    if rng.random() < 0.5:
        return 90 if kind in ("rectangle", "ellipse") and rng.random() < 0.3 else 0
    limits = {"square": 18, "diamond": 8, "cross": 15, "heart": 22, "triangle": 180, "star": 36, "rectangle": 90}
    limit = limits.get(kind, 60)
    return rng.randint(-limit, limit)


def _fill(rng: random.Random, style: str, kind: str) -> str:
    if style == "neon":
        return "outlined"
    table = {
        "flat": ("solid",),
        "bordered": ("solid",),
        "outline": ("outlined", "outlined", "outlined", "solid"),
        "gradient": ("gradient", "gradient", "solid"),
        "striped": ("striped", "striped", "solid", "outlined"),
        "sketch": ("solid", "outlined"),
    }
    fill = rng.choice(table.get(style, ("solid", "solid", "outlined", "solid", "striped", "gradient")))
    return "solid" if kind == "ring" and fill == "outlined" and style != "sketch" else fill


def _thing(rng: random.Random, kind: str, colour: str, rgb: RGB, style: str, background: Thing, r: float) -> Thing:
    aspect = {
        "rectangle": rng.uniform(0.4, 0.64),
        "ellipse": rng.uniform(0.45, 0.65),
        "diamond": 1.0 / rng.uniform(1.25, 1.6),
    }.get(kind, 1.0)
    fill = _fill(rng, style, kind)
    light = sum(rgb) > 500
    other = tuple(background["rgb"]) if fill == "striped" else mix(rgb, (0, 0, 0) if light else (255,) * 3, 0.38)
    edge = rng.choice(((0, 0, 0), (40, 40, 40), (255, 255, 255))) if style == "bordered" else None
    if edge and _distance(edge, rgb) < 120:
        edge = None
    rotation = _rotation(rng, kind) + (90 if kind == "diamond" else 0)
    return {
        "kind": kind,
        "colour": colour,
        "rgb": list(rgb),
        "rgb2": list(other),
        "r": round(r, 1),
        "x": 0.0,
        "y": 0.0,
        "rotation": rotation,
        "aspect": round(aspect, 3),
        "fill": fill,
        "fill_angle": rng.choice((0, 45, 90, 135)),
        "edge": list(edge) if edge else None,
        "line": round(max(2.0, r * (rng.uniform(0.04, 0.09) if edge else rng.uniform(0.07, 0.15))), 1),
        "points": rng.choice((5, 5, 5, 5, 4, 6)),
        "thickness": round(rng.uniform(0.28, 0.4), 2),
        "hole": round(rng.uniform(0.45, 0.66), 2),
    }


def _scatter(rng: random.Random, things: list[Thing], width: int, height: int, overlap: float) -> None:
    """Random places, largest first; a thing that finds none shrinks until it does."""
    placed: list[Thing] = []
    for o in sorted(things, key=lambda o: -o["r"]):
        o["r"] = min(o["r"], width * 0.46, height * 0.46)
        for attempt in range(400):
            if attempt % 25 == 24:
                o["r"] *= 0.9
            pad = o["r"] * 1.07 + 2
            x, y = rng.uniform(pad, width - pad), rng.uniform(pad, height - pad)
            if all(math.hypot(x - p["x"], y - p["y"]) > (o["r"] + p["r"]) * overlap for p in placed):
                break
        o["x"], o["y"], o["r"] = round(x, 1), round(y, 1), round(o["r"], 1)
        placed.append(o)


def _side_by_side(rng: random.Random, things: list[Thing], width: int, height: int) -> None:
    """Two things clearly left/right of or above/below each other: the relation drill."""
    a, b = things
    across = rng.random() < 0.5
    along, over = (width, height) if across else (height, width)
    need = 2 * (a["r"] + b["r"]) * 1.12
    shrink = min(1.0, along * 0.92 / need, over * 0.42 / max(a["r"], b["r"]))
    a["r"], b["r"] = round(a["r"] * shrink, 1), round(b["r"] * shrink, 1)
    first, second = a["r"] * 1.05 + 1, along - b["r"] * 1.05 - 1
    slack = second - first - (a["r"] + b["r"]) * 1.1
    p = first + rng.uniform(0, 0.45) * slack
    q = second - rng.uniform(0, 0.45) * slack
    pad = max(a["r"], b["r"]) * 1.05 + 1
    u = rng.uniform(pad, over - pad)
    v = min(max(u + rng.uniform(-0.25, 0.25) * (q - p), pad), over - pad)
    (a["x"], a["y"]), (b["x"], b["y"]) = ((p, u), (q, v)) if across else ((u, p), (v, q))
    for o in things:
        o["x"], o["y"] = round(o["x"], 1), round(o["y"], 1)
    rng.shuffle(things)


def compose(rng: random.Random, style: str) -> Scene:
    width, height = random_size(rng)
    background = _background(rng, style)
    shades = _shades(rng, background, style)
    if style == "crowd":
        n = rng.randint(4, 8)
    elif style == "pairs":
        n = 2
    else:
        n = rng.choices(range(1, 9), (16, 24, 24, 12, 8, 6, 5, 5))[0]
    base = min(math.sqrt(width * height), 1.5 * min(width, height))
    weights = {1: (1, 2, 3), 2: (1, 1, 1), 3: (1, 1, 1)}.get(n, (3, 3, 1))
    things = []
    for kind, colour in _cast(rng, n, list(shades)):
        radius = base * rng.uniform(*_RADII[rng.choices(("small", "medium", "large"), weights)[0]])
        things.append(_thing(rng, kind, colour, shades[colour], style, background, radius))
    if n == 2 and rng.random() < 0.75:
        _side_by_side(rng, things, width, height)
    else:
        overlap = rng.uniform(0.84, 0.95) if rng.random() < 0.12 else rng.uniform(1.05, 1.2)
        _scatter(rng, things, width, height, overlap)
    for o in things:
        ratio = o["r"] / base
        o["size"] = next((name for name, low, high in _SIZE_NAMES if low <= ratio <= high), "")
        o["line"] = min(o["line"], round(max(1.5, o["r"] * 0.15), 1))
    dark = sum(background["rgb"]) < 300
    shift = max(2.0, base * rng.uniform(0.008, 0.02))
    shadow = {
        "dx": round(shift * rng.choice((-1, 1)), 1),
        "dy": round(shift, 1),
        "rgb": list(mix(background["rgb"], (0, 0, 0), 0.6 if dark else 0.28)),
    }
    return {
        "style": style,
        "size": [width, height],
        "scale": rng.choice((1, 2, 2, 2, 3)) if max(width, height) < 600 else 1,
        "base": round(base, 1),
        "background": background,
        "objects": things,
        "shadow": shadow if style == "shadow" else None,
        "frame": list(mix(background["rgb"], (128, 128, 128), 0.7)) if rng.random() < 0.08 else None,
        "frame_width": rng.randint(1, 4),
    }


# --- what is true --------------------------------------------------------------------------------


def _name(o: Thing) -> str:
    return f"{o['colour']} {o['kind']}"


def _place(scene: Scene, o: Thing) -> str:
    """Which ninth of the picture the object is in; "" when it is near a border between ninths."""
    cells = []
    for at, length in ((o["y"], scene["size"][1]), (o["x"], scene["size"][0])):
        t = at / length
        cells.append(0 if t < 0.3 else 1 if 0.41 < t < 0.59 else 2 if t > 0.7 else -1)
    return "" if -1 in cells else _PLACES[cells[0]][cells[1]]


def _sides(a: Thing, b: Thing) -> list[str]:
    """Every side of `b` that `a` is on by a margin (none, one or two)."""
    reach, dx, dy = 0.8 * (a["r"] + b["r"]), a["x"] - b["x"], a["y"] - b["y"]
    sides = ["left" if dx < 0 else "right"] if abs(dx) > reach else []
    return sides + (["above" if dy < 0 else "below"] if abs(dy) > reach else [])


def _side(a: Thing, b: Thing) -> str:
    """The one side of `b` that `a` is plainly on, or ""."""
    dx, dy = abs(a["x"] - b["x"]), abs(a["y"] - b["y"])
    sides = _sides(a, b)
    return sides[0] if len(sides) == 1 and max(dx, dy) > 1.7 * min(dx, dy) else ""


def _bigger(a: Thing, b: Thing) -> bool:
    return a["r"] > 1.2 * b["r"] and area(a) > 1.3 * area(b)


def _ordered(things: Sequence[Thing], axis: str) -> list[Thing] | None:
    """The things along an axis, or None when two of them are too close to call."""
    line = sorted(things, key=lambda o: o[axis])
    gaps = (b[axis] - a[axis] > 0.35 * (a["r"] + b["r"]) for a, b in zip(line, line[1:], strict=False))
    return line if all(gaps) else None


def _reading_order(things: Sequence[Thing]) -> list[Thing]:
    return sorted(things, key=lambda o: (o["x"], o["y"]))


class _View:
    """A scene with its counts, and ways to call its things."""

    def __init__(self, scene: Scene, rng: random.Random) -> None:
        self.scene, self.rng, self.things = scene, rng, scene["objects"]
        self.kinds = Counter(o["kind"] for o in self.things)
        self.colours = Counter(o["colour"] for o in self.things)
        self.names = Counter(_name(o) for o in self.things)

    def noun(self, kind: str) -> str:
        rng = self.rng
        return rng.choice(_SYNONYMS[kind]) if kind in _SYNONYMS and rng.random() < 0.12 else kind

    def call(self, o: Thing) -> str:
        """A definite description, or "" if there is none: `red circle`, `circle`, `red shape`."""
        ways = []
        if self.names[_name(o)] == 1:
            ways += [_name(o)] * 3
        if self.kinds[o["kind"]] == 1:
            ways += [self.noun(o["kind"])] * 3
        if self.colours[o["colour"]] == 1:
            ways.append(f"{o['colour']} {self.rng.choice(('shape', 'object', 'figure'))}")
        return self.rng.choice(ways) if ways else ""

    def accept(self, o: Thing) -> tuple[str, ...]:
        """Other short answers that name the thing."""
        forms = [article(_name(o)), f"the {_name(o)}"]
        if self.kinds[o["kind"]] == 1:
            forms += [o["kind"], f"the {o['kind']}", *(f"{o['colour']} {s}" for s in _SYNONYMS.get(o["kind"], ()))]
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
        near = [k for o in self.things for k in _LOOKALIKE.get(o["kind"], ()) if k not in self.kinds]
        clash = {"square", "rectangle", "diamond"} if {"square", "rectangle", "diamond"} & set(self.kinds) else set()
        clash |= {"circle", "ring"} if {"circle", "ring"} & set(self.kinds) else set()
        free = [k for k in KINDS if k not in self.kinds and k not in clash]
        # A square is a rectangle (and a ring a circle) to some people, so none is asked for beside another.
        near = [k for k in near if k not in clash]
        return self.rng.choice(near if near and self.rng.random() < 0.4 else free)

    def missing_colour(self) -> str:
        return self.rng.choice([c for c in COLOURS if c not in self.colours and c != self.scene["background"]["base"]])


# --- captions ------------------------------------------------------------------------------------


def _counted(view: _View) -> list[str]:
    return [f"{n} {plural(name, n)}" if n > 1 else article(name) for name, n in view.names.most_common()]


def captions(scene: Scene, rng: random.Random) -> dict[str, str]:
    view, things = _View(scene, rng), _reading_order(scene["objects"])
    n, ground = len(things), f"{scene['background']['name']} background"
    everything = join(_counted(view))
    if n <= 3:
        short = say(rng, "{all} [on|against|over] {ground}", all=everything, ground=article(ground))
    else:
        short = say(
            rng,
            "[{n} shapes on|{n} geometric shapes on|A composition of {n} shapes on] {ground}",
            n=n,
            ground=article(ground),
        )
    parts = [
        say(
            rng,
            "[The picture shows {c} on|There [is|are] {c} on|{c} on] {ground}.".replace(
                "[is|are]", "is" if n == 1 else "are"
            ),
            c=f"{n} {plural('shape', n)}",
            ground=article(ground),
        )
    ]
    if n <= 4:
        for o in things:
            look = [o["size"]] * bool(o["size"]) + [o["fill"]] * (o["fill"] != "solid")
            place = _place(scene, o)
            extra = f", {', '.join(look)}" if look else ""
            at = f" at the {place}" if place else ""
            parts.append(
                say(
                    rng,
                    "[{thing}{at}{extra}.|There is {thing}{at}{extra}.]",
                    thing=article(_name(o)),
                    at=at,
                    extra=extra,
                )
            )
    else:
        parts.append(f"They are {everything}.")
    facts = [
        f"The {_name(a)} is {_PHRASE[_side(a, b)]} the {_name(b)}."
        for a in things
        for b in things
        if a is not b and _side(a, b) and view.names[_name(a)] == view.names[_name(b)] == 1
    ]
    if facts and n <= 4:
        parts.append(rng.choice(facts))
    detailed = " ".join(p[:1].upper() + p[1:] for p in parts)
    listed = everything if n <= 4 else f"{n} shapes: {everything}"
    alt = say(rng, "{all} [on|against] {ground}.", all=listed, ground=article(ground))
    tags = [*dict.fromkeys([*view.kinds, *view.colours]), "geometric shapes", ground]
    return {
        "short": short[:1].upper() + short[1:] + rng.choice((".", "")),
        "detailed": detailed,
        "alt": alt[:1].upper() + alt[1:],
        "tags": ", ".join(tags),
    }


# --- questions -----------------------------------------------------------------------------------

_SHAPES = "[shapes|shapes|objects|figures|geometric shapes]"
_COLOUR_OF = (
    "[What|Which] [colour|color] is the {a}?", "What is the [colour|color] of the {a}?",
    "The {a} is what [colour|color]?", "[Name|Give|State] the [colour|color] of the {a}.",
    "[Colour|Color] of the {a}?", "What [colour|color] is the {a} drawn in?",
    "[What|Which] [colour|color] does the {a} have?", "Which [colour|color] was used for the {a}?",
    "What's the {a}'s [colour|color]?",
)  # fmt: skip
_SHAPE_OF = (
    "What [shape|kind of shape|type of shape] is the {c} [one|object|figure|thing|item]?", "Which shape is {c}?",
    "What is {c}?", "What shape is {c}?", "[Name|Identify] the {c} shape.", "The {c} object is what shape?",
    "What is the shape of the {c} [object|figure|item]?",
    "What [geometric |]shape is [drawn|shown|coloured|colored] [in |]{c}?", "Which [geometric |]figure is {c}?",
)  # fmt: skip
_COUNT_ALL = (
    f"How many {_SHAPES} are [there|there in total|visible|shown|in the picture]?",
    f"[Count|Count all] the {_SHAPES}.", f"What is the [total |]number of {_SHAPES}?", f"[Number of|Total] {_SHAPES}?",
    f"How many {_SHAPES} [can you see|do you see|can you count]?",
    f"How many {_SHAPES} does the [picture|image] [contain|have|show]?", f"How many {_SHAPES}?",
    "How many things are drawn?",
)  # fmt: skip
_COUNT = (
    "How many {xs} are [there|shown|visible|in the picture|present]?", "[Count|Count all] the {xs}.",
    "What is the number of {xs}?", "Number of {xs}?", "How many {xs} [can you see|do you see|can you count]?",
    "How many {xs}?", "How many of the shapes are {xs}?",
    "How many {xs} does the [picture|image] [contain|have|show]?", "Tell me how many {xs} there are.",
)  # fmt: skip
_COUNT_COLOURS = (
    f"How many different [colours|colors] do the {_SHAPES} have?",
    f"How many [distinct|different] [colours|colors] are used for the {_SHAPES}?",
    "Not counting the background, how many [colours|colors] are there?",
    f"[Count|Number of] [different|distinct] {_SHAPES} [colours|colors]?",
    "How many shape [colours|colors] can you see?", f"In how many different [colours|colors] are the {_SHAPES} drawn?",
)  # fmt: skip
_COUNT_KINDS = (
    "How many different [kinds|types|sorts] of [shape|shapes] are there?",
    "How many [distinct|different] [shape types|kinds of shapes]?",
    "Count the [different|distinct] [kinds|types] of shapes.", "Number of different shape [types|kinds]?",
)  # fmt: skip
_WHERE = (
    "Where is the {a} [relative to|in relation to|compared to|with respect to|as seen from] the {b}?",
    "[On which|On what|Which] side of the {b} is the {a}?", "Is the {a} left of, right of, above or below the {b}?",
    "[What is|Describe|Give] the position of the {a} relative to the {b}.",
    "In [which|what] direction is the {a} from the {b}?", "Relative to the {b}, where is the {a}?",
    "Where is the {a}: left, right, above or below the {b}?",
    "Where [does|would] the {a} [lie|sit] relative to the {b}?",
)  # fmt: skip
_EITHER = (
    "Is the {a} {p} or {q} the {b}?", "Is the {a} [located|placed|positioned|] {p} the {b} or {q} it?",
    "The {a}: {p} or {q} the {b}?", "Relative to the {b}, is the {a} {p} or {q} it?",
)  # fmt: skip
_IS_SIDE = (
    "Is the {a} {p} the {b}?", "Is the {a} [located|placed|positioned|situated] {p} the {b}?",
    "Does the {a} [lie|sit|appear] {p} the {b}?", "Can you see the {a} {p} the {b}?",
    "True or false, yes or no: the {a} is {p} the {b}?", "Is it true that the {a} is {p} the {b}?",
)  # fmt: skip
_WHAT_SIDE = (
    "What is {p} the {b}?", "Which [shape|object|figure] is {p} the {b}?",
    "What [can be found|do you see|is drawn|lies|is located] {p} the {b}?", "[Name|Identify] the shape {p} the {b}.",
    "What shape [is|lies|sits] {p} the {b}?", "What [object|figure] is [placed|positioned] {p} the {b}?",
)  # fmt: skip
_PLACE = (
    "Where is the {a}?",
    "[Where in|In which part of|In what part of|In which area of] the [picture|image|canvas] is the {a}?",
    "What is the position of the {a}?", "Where [on|in] the [canvas|image] [is|can you find|do you see] the {a}?",
    "Position of the {a}?", "Where is the {a} [located|placed|positioned|drawn]?", "[Locate|Find] the {a}.",
    "Which [region|part|corner or side] of the [image|picture] has the {a}?",
)  # fmt: skip
_MOST = {
    "largest": "[largest|biggest]",
    "smallest": "[smallest|tiniest]",
    "leftmost": "[leftmost|furthest left|farthest left]",
    "rightmost": "[rightmost|furthest right|farthest right]",
    "topmost": "[topmost|highest|uppermost]",
    "bottommost": "[bottommost|lowest]",
}
_SUPERLATIVE = (
    "[Which|What] [shape|object|figure] is [the |]{m}?", "What is the {m} [shape|object|figure]?",
    "[Name|Identify] the {m} shape.", "{m} [shape|object|figure]?",
    "Which [of the shapes|one of the shapes|shape here] is [the |]{m}?", "What is the {m} [thing|item] [drawn|shown]?",
)  # fmt: skip
_SUPERLATIVE_COLOUR = (
    "What [colour|color] is the {m} [shape|object|figure]?",
    "What is the [colour|color] of the {m} [shape|object|figure]?", "[Colour|Color] of the {m} shape?",
    "[Name|Give] the [colour|color] of the {m} [shape|object].", "Which [colour|color] does the {m} shape have?",
)  # fmt: skip
_BIGGER = (
    "Which is {m}, the {a} or the {b}?", "Which [one |shape |]is {m}: the {a} or the {b}?",
    "What is {m}, the {a} or the {b}?", "Between the {a} and the {b}, which is {m}?",
    "Of the {a} and the {b}, which one is {m}?", "{m}: {a} or {b}?", "Which one of these is {m}: {a} or {b}?",
)  # fmt: skip
_MORE = (
    "Are there more {a} or [more |]{b}?", "Which are there {m} of, {a} or {b}?", "Are there {m} {a} or {b}?",
    "What are there {m} of: {a} or {b}?", "Which is there a [{m2}] number of, {a} or {b}?", "{m} {a} or {m} {b}?",
    "Which [group|kind] has {m} members: {a} or {b}?",
)  # fmt: skip
_IS_MORE = (
    "Are there more {a} than {b}?", "Do the {a} outnumber the {b}?", "Are {a} more numerous than {b}?",
    "Does the picture [have|contain|show] more {a} than {b}?",
    "Is the number of {a} [greater|larger|higher] than the number of {b}?", "Can you see more {a} than {b}?",
)  # fmt: skip
_FILLED = (
    "Is the {a} outlined or filled?", "Is the {a} filled or outlined?",
    "Is the {a} [just |only |]an outline or [is it |]filled?", "Filled or outlined: the {a}?",
    "Is the {a} [hollow or filled|filled or hollow]?", "[Tell me if|Say whether] the {a} is outlined or filled.",
)  # fmt: skip
_FILL = (
    "[How|In what way] is the {a} filled?", "What [fill|fill style|kind of fill] does the {a} have?",
    "What is the fill [style |]of the {a}?", "Is the {a} solid, outlined, gradient or striped?",
    "What [pattern|fill pattern] does the {a} have: solid, striped, gradient or outlined?", "Fill of the {a}?",
    "[Describe|Name] the fill of the {a}.",
)  # fmt: skip
_SIZE = (
    "[How big|How large] is the {a}: small, medium or large?", "What size is the {a}?", "What is the size of the {a}?",
    "Size of the {a}?", "Is the {a} small, medium or large?", "Is the {a} large, medium or small?",
    "[Judge|State] the size of the {a}.",
)  # fmt: skip
_POINTS = (
    "[Which way|In which direction|Which direction|Where] does the {a} point?",
    "[Which way|Where] is the {a} pointing?", "What direction is the {a} pointing [in|to]?", "Direction of the {a}?",
    "Does the {a} point left, right, up or down?", "The {a} points in which direction?",
)  # fmt: skip
_SIDES_OF = (
    "How many [sides|corners|edges] does the {a} have?", "What is the number of [sides|corners] of the {a}?",
    "Number of [sides|corners] of the {a}?", "Count the [sides|corners] of the {a}.",
    "The {a} has how many [sides|corners]?", "How many [corners|sides] has the {a} got?",
)  # fmt: skip
_GROUND = (
    "What [colour|color] is the background?", "What is the background [colour|color]?",
    "[Which|What] [colour|color] is behind the shapes?", "[Name|Give|State] the [colour|color] of the background.",
    "Background [colour|color]?", "On what [colour|color] are the shapes drawn?",
    "What is the [colour|color] of the [backdrop|canvas|background]?", "What [colour|color] does the background have?",
)  # fmt: skip
_TEXTURE = (
    "[What pattern|Which pattern|What texture] does the background have?",
    "Is the background plain, gradient, grid, dots or noise?", "What [kind|sort|style] of background is [this|it]?",
    "What is the texture of the background?", "Background [pattern|texture|style]?",
    "[How is the background filled|What does the background look like]: plain, gradient, grid, dots or noise?",
)  # fmt: skip
_WHAT = (
    "What is in the picture?",
    "What [does the image show|is shown|is shown here|is drawn here|do you see|can you see]?", "What's in this image?",
    "[Which|What] shapes are [there|in the picture|shown]?", "[Name|Identify] what is [shown|drawn].",
    "What is [depicted|displayed|drawn]?",
)  # fmt: skip
_GENRE = (
    "What kind of [image|picture|drawing] is this?", "What type of [image|picture|graphic] is [this|it]?",
    "What sort of picture is this?", "How would you classify this image?", "What are the objects in the picture?",
    "What does this drawing consist of?",
)  # fmt: skip
_LIST = (
    "[List|Name|Enumerate] the shapes {w}.", "[What|Which] shapes are there, {w}?", "Going {w}, what are the shapes?",
    "[Give|Write down] all shapes {w}.", "What shapes do you see {w}?", "The shapes {w}?",
)  # fmt: skip
_LIST_COLOURS = (
    "[List|Name|Enumerate] the [colours|colors] of the shapes {w}.",
    "What are the [colours|colors] of the shapes, {w}?", "Going {w}, what [colours|colors] are the shapes?",
    "Which [colours|colors] do the shapes have {w}?", "Shape [colours|colors] {w}?",
)  # fmt: skip
_JSON = (
    "[Describe|Return|Give] the [image|picture|scene] as JSON.", "[Output|Write] JSON for this image.",
    "JSON description?", "Describe the scene in JSON with type, count, background and objects.",
    "[Convert|Turn] this picture [in|]to JSON.",
)  # fmt: skip
_EXISTS = (
    "Is there {x}?", "Is there {x} [here|in the picture|in the image|anywhere]?", "[Can|Do] you see {x}?",
    "Does the [picture|image|drawing] [contain|show|have|include] {x}?", "Is {x} [visible|present|shown|drawn]?",
    "Any {xs}?", "Are there any {xs}?", "Does {x} appear [here|in the image]?",
)  # fmt: skip
_IS_COLOUR = (
    "Is the {a} {c}?", "Does the {a} have the [colour|color] {c}?", "Is the [colour|color] of the {a} {c}?",
    "Is the {a} [drawn|coloured|colored] [in |]{c}?", "Would you [say|agree] [that |]the {a} is {c}?",
    "Is it true that the {a} is {c}?",
)  # fmt: skip
_SAME_COLOUR = (
    "[Do|Do you think] the {a} and the {b} have the same [colour|color]?",
    "Are the {a} and the {b} the same [colour|color]?", "Is the {a} the same [colour|color] as the {b}?",
    "Do the {a} and the {b} share a [colour|color]?", "Does the {a} match the {b} in [colour|color]?",
)  # fmt: skip
_IS_BIGGER = (
    "Is the {a} {m} than the {b}?", "Would you say the {a} is {m} than the {b}?",
    "Compared with the {b}, is the {a} {m}?", "Does the {a} look {m} than the {b}?",
    "Is the {a} the {m} one of the two, compared to the {b}?",
)  # fmt: skip

Builder = Callable[[_View, random.Random], list[QA]]


def _number(n: int) -> tuple[str, ...]:
    return (_WORDS[n], "none", "no") if n == 0 else (_WORDS[n],)


def _colours(view: _View, rng: random.Random) -> list[QA]:
    result = []
    for o in rng.sample(view.things, len(view.things)):
        if view.kinds[o["kind"]] == 1 and len(result) < 2:
            accept = ("grey",) if o["colour"] == "gray" else ()
            result.append(
                ask(rng, "colour", _COLOUR_OF, o["colour"], "The {a} is {answer}.", accept, a=view.noun(o["kind"]))
            )
    return result


def _kind_of(view: _View, rng: random.Random) -> list[QA]:
    found = [o for o in view.things if view.colours[o["colour"]] == 1]
    return [
        ask(
            rng,
            "attribute",
            _SHAPE_OF,
            o["kind"],
            "The {c} [shape|object] is {an}.",
            (article(o["kind"]), _name(o), *_SYNONYMS.get(o["kind"], ())),
            c=o["colour"],
            an=article(o["kind"]),
        )
        for o in rng.sample(found, min(2, len(found)))
    ]


def _counts(view: _View, rng: random.Random) -> list[QA]:
    n, result = len(view.things), []
    if rng.random() < (0.5 if n <= 3 else 1):
        sentence = "There [is|are] {answer} {s}.".replace("[is|are]", "is" if n == 1 else "are")
        result.append(ask(rng, "count", _COUNT_ALL, n, sentence, _number(n), s=plural("shape", n)))
    for table, missing, nouns in (
        (view.kinds, view.missing_kind, lambda k: (plural(k), plural(k))),
        (view.colours, view.missing_colour, lambda c: (f"{c} [shapes|objects|figures]", f"{c} shapes")),
    ):
        repeated = [x for x, k in table.items() if k > 1]
        roll = rng.random()
        if repeated and roll < 0.82:
            x = rng.choice(repeated)
        elif roll < 0.17 or not roll < 0.9:
            x = missing()
        elif roll > 0.5:
            x = rng.choice(list(table))
        else:
            continue
        k = table.get(x, 0)
        asked, shown = nouns(x)
        template = rng.choice(_COUNT)
        sentence = "There [is|are] {answer} {s}.".replace("[is|are]", "is" if k == 1 else "are")
        if table is view.colours:
            template = template.replace("{xs}", asked).replace("of the shapes are " + asked, "of the shapes are " + x)
        result.append(
            ask(
                rng,
                "count",
                template,
                k,
                sentence,
                _number(k),
                xs=asked,
                s=shown[:-1] if k == 1 and table is view.colours else x if k == 1 else shown,
            )
        )
    if n >= 3 and rng.random() < 0.45:
        k = len(view.colours)
        result.append(ask(rng, "count", _COUNT_COLOURS, k, "The shapes have {answer} different colours.", _number(k)))
    if n >= 4 and rng.random() < 0.3:
        k = len(view.kinds)
        result.append(
            ask(rng, "count", _COUNT_KINDS, k, "The number of different kinds of shapes is {answer}.", _number(k))
        )
    return result


def _relations(view: _View, rng: random.Random) -> list[QA]:
    called = view.called()
    pairs = [(x, y) for x in called for y in called if x[0] is not y[0]]
    rng.shuffle(pairs)
    result: list[QA] = []
    clear = [(a, b) for a, b in pairs if _side(a[0], b[0])]
    for (o, a), (p, b) in clear[:2]:
        side = _side(o, p)
        accept = (
            f"{_PHRASE[side]}",
            f"to the {side} of",
            f"to the {side}",
            f"to the {side} of the {b}",
            f"{_PHRASE[side]} the {b}",
        )
        result.append(ask(rng, "relation", _WHERE, side, f"The {{a}} is {_PHRASE[side]} the {{b}}.", accept, a=a, b=b))
    loose = [(a, b) for a, b in pairs if _sides(a[0], b[0])]
    if loose and rng.random() < 0.6:
        (o, a), (p, b) = loose[-1]
        side = rng.choice(_sides(o, p))
        first, second = rng.sample((side, _OPPOSITE[side]), 2)
        accept = (_PHRASE[side], f"to the {side}", f"to the {side} of", f"{_PHRASE[side]} the {b}")
        sentence = f"The {{a}} is {_PHRASE[side]} the {{b}}."
        template = rng.choice(_EITHER).replace("{p}", _LOOSE[first]).replace("{q}", _LOOSE[second])
        result.append(ask(rng, "relation", template, side, sentence, accept, a=a, b=b))
    for (o, a), (p, b) in clear:
        side = _side(o, p)
        rest = [q for q in view.things if q is not o and q is not p]
        if all(_OPPOSITE[side] in _sides(q, p) for q in rest):
            template = rng.choice(_WHAT_SIDE).replace("{p}", _LOOSE[side])
            result.append(
                ask(
                    rng,
                    "relation",
                    template,
                    _name(o),
                    f"The {{answer}} is {_PHRASE[side]} the {{b}}.",
                    view.accept(o),
                    a=a,
                    b=b,
                )
            )
            break
    return result


def _places(view: _View, rng: random.Random) -> list[QA]:
    found = [(o, name, _place(view.scene, o)) for o, name in view.called()]
    found = [f for f in found if f[2] and (f[2] != "centre" or rng.random() < 0.5)]
    result = []
    for _o, name, place in found[:2]:
        accept = [f"at the {place}", f"in the {place}", f"{place} corner"]
        accept += [place.replace("top", "upper").replace("bottom", "lower"), place.replace(" ", "-")]
        accept += {"centre": ["center", "middle", "in the middle"]}.get(place, [])
        if place in ("top", "bottom", "left", "right"):
            accept += [f"{place} centre", f"{place} center", f"{place} middle", f"middle {place}", f"centre {place}"]
        result.append(
            ask(rng, "attribute", _PLACE, place, "The {a} is at the {answer} [|of the picture].", accept, a=name)
        )
    return result


def _superlatives(view: _View, rng: random.Random) -> list[QA]:
    things, options = view.things, []
    if len(things) < 2:
        return []
    by_size = sorted(things, key=lambda o: o["r"])
    if all(_bigger(by_size[-1], o) for o in by_size[:-1]):
        options.append(("largest", by_size[-1]))
    if all(_bigger(o, by_size[0]) for o in by_size[1:]):
        options.append(("smallest", by_size[0]))
    for axis, low, high in (("x", "leftmost", "rightmost"), ("y", "topmost", "bottommost")):
        line = sorted(things, key=lambda o: o[axis])
        reach = lambda a, b, axis=axis: b[axis] - a[axis] > 0.5 * max(a["r"], b["r"]) + abs(a["r"] - b["r"])  # noqa: E731
        options += [(low, line[0])] * reach(line[0], line[1]) + [(high, line[-1])] * reach(line[-2], line[-1])
    result = []
    for i, (word, o) in enumerate(rng.sample(options, min(2, len(options)))):
        if i == 0:
            template = rng.choice(_SUPERLATIVE).replace("{m}", _MOST[word])
            result.append(
                ask(rng, "superlative", template, _name(o), f"The {word} shape is the {{answer}}.", view.accept(o))
            )
        else:
            template = rng.choice(_SUPERLATIVE_COLOUR).replace("{m}", _MOST[word])
            accept = ("grey",) if o["colour"] == "gray" else ()
            result.append(ask(rng, "superlative", template, o["colour"], f"The {word} shape is {{answer}}.", accept))
    return result


def _comparisons(view: _View, rng: random.Random) -> list[QA]:
    result = []
    called = view.called()
    pairs = [(x, y) for x in called for y in called if _bigger(x[0], y[0])]
    if pairs:
        (o, big), (p, small) = rng.choice(pairs)
        larger = rng.random() < 0.6
        answer, who = (big, o) if larger else (small, p)
        a, b = rng.sample((big, small), 2)
        word = "[bigger|larger]" if larger else "smaller"
        result.append(
            ask(
                rng,
                "comparison",
                rng.choice(_BIGGER).replace("{m}", word),
                answer,
                f"The {{answer}} is {word}.",
                (f"the {answer}", _name(who), *view.accept(who)),
                a=a,
                b=b,
            )
        )
    counts = [(x, y) for x in view.kinds for y in view.kinds if view.kinds[x] > view.kinds[y]]
    if counts:
        x, y = (plural(k) for k in rng.choice(counts))
        a, b = rng.sample((x, y), 2)
        fewer = rng.random() < 0.3
        template = rng.choice(_MORE[1:] if fewer else _MORE)
        template = template.replace("{m2}", "smaller|lower" if fewer else "larger|greater").replace(
            "{m}", "fewer" if fewer else "more"
        )
        answer = y if fewer else x
        result.append(
            ask(
                rng,
                "comparison",
                template,
                answer,
                f"There are {'fewer' if fewer else 'more'} {{answer}}.",
                (f"the {answer}", f"more {answer}"),
                a=a,
                b=b,
            )
        )
    return result


def _attributes(view: _View, rng: random.Random) -> list[QA]:
    result, called = [], view.called()
    style = view.scene["style"]
    for o, name in called:
        if style in ("sketch", "neon") or o["fill"] == "striped" or o["edge"] or o["kind"] == "ring":
            continue
        if rng.random() < (0.9 if o["fill"] == "outlined" else 0.3):
            answer = "outlined" if o["fill"] == "outlined" else "filled"
            accept = ("outline", "hollow", "an outline", "only outlined") if answer == "outlined" else ("solid",)
            result.append(ask(rng, "attribute", _FILLED, answer, "The {a} is {answer}.", accept, a=name))
        break
    plain = [
        (o, name) for o, name in called if style not in ("sketch", "neon") and o["kind"] != "ring" and not o["edge"]
    ]
    plain = [(o, name) for o, name in plain if o["fill"] != "solid" or rng.random() < 0.22]
    if plain:
        o, name = plain[-1]
        result.append(
            ask(
                rng,
                "attribute",
                _FILL,
                o["fill"],
                "The {a} [is|has a fill that is] {answer}.",
                {
                    "striped": ("stripes",),
                    "solid": ("filled", "solid fill"),
                    "outlined": ("outline", "hollow"),
                    "gradient": ("a gradient",),
                }[o["fill"]],
                a=name,
            )
        )
    sized = [(o, name) for o, name in called if o["size"] and len(view.things) <= 5]
    if sized and rng.random() < 0.75:
        o, name = rng.choice(sized)
        more = {"large": ("big",), "small": ("little",)}.get(o["size"], ("medium-sized",))
        result.append(ask(rng, "attribute", _SIZE, o["size"], "The {a} is {answer}.", more, a=name))
    for o, name in called:
        if o["kind"] == "arrow":
            way = {0: "right", 90: "down", 180: "left", 270: "up"}[o["rotation"]]
            result.append(
                ask(
                    rng, "attribute", _POINTS, way, "The {a} points {answer}.", (f"to the {way}", f"{way}wards"), a=name
                )
            )
            break
    cornered = [(o, name) for o, name in called if o["kind"] in _SIDES and "side" not in name]
    if cornered and rng.random() < 0.35:
        o, name = rng.choice(cornered)
        k = _SIDES[o["kind"]]
        called_so = f"{o['colour']} shape" if view.colours[o["colour"]] == 1 else name
        result.append(ask(rng, "attribute", _SIDES_OF, k, "The {a} has {answer} sides.", _number(k), a=called_so))
    return result


def _backgrounds(view: _View, rng: random.Random) -> list[QA]:
    ground, result = view.scene["background"], []
    if rng.random() < (0.5 if ground["name"] == "white" else 1):
        accept = [ground["base"]] * (ground["name"] != ground["base"])
        accept += [a.replace("gray", "grey") for a in (ground["name"], ground["base"]) if "gray" in a]
        result.append(ask(rng, "colour", _GROUND, ground["name"], "The background is {answer}.", accept))
    if rng.random() < (0.12 if ground["kind"] == "plain" else 0.75):
        accept = {
            "plain": ("solid", "none"),
            "dots": ("dotted", "polka dots"),
            "grid": ("a grid", "lines"),
            "noise": ("noisy", "grainy"),
            "gradient": ("a gradient",),
        }[ground["kind"]]
        result.append(
            ask(
                rng, "attribute", _TEXTURE, ground["kind"], "The background [is of the kind|style is] {answer}.", accept
            )
        )
    return result


def _whole(view: _View, rng: random.Random) -> list[QA]:
    things, result = _reading_order(view.things), []
    n = len(things)
    if n <= 3:
        names = [_name(o) for o in things]
        accept = [join([article(x) for x in names]), ", ".join(names), join(names[::-1]), "geometric shapes"]
        result.append(
            ask(
                rng,
                "what",
                _WHAT,
                join(names),
                "The picture shows {all}.",
                accept,
                all=join([article(x) for x in names]),
            )
        )
    if rng.random() < 0.12:
        result.append(
            ask(
                rng,
                "what",
                _GENRE,
                "geometric shapes",
                "[This is a drawing of|The picture shows] {answer}.",
                ("shapes", "a composition of geometric shapes", "a geometric composition"),
            )
        )
    for axis, way in (
        ("x", "[from left to right|left to right|from the left]"),
        ("y", "[from top to bottom|top to bottom|from the top down]"),
    ):
        line = _ordered(things, axis)
        if line is None or not 2 <= n <= 5 or rng.random() < 0.4:
            continue
        if rng.random() < 0.6:
            text = ", ".join(_name(o) for o in line)
            accept = [", ".join(o["kind"] for o in line), text.replace(", ", " and ")]
            result.append(
                ask(rng, "list", rng.choice(_LIST).replace("{w}", way), text, "The shapes are: {answer}.", accept)
            )
        else:
            text = ", ".join(o["colour"] for o in line)
            result.append(
                ask(
                    rng,
                    "list",
                    rng.choice(_LIST_COLOURS).replace("{w}", way),
                    text,
                    "The colours are {answer}.",
                    [text.replace("gray", "grey")],
                )
            )
        break
    if rng.random() < 0.15 and n <= 5:
        data = {
            "type": "shapes",
            "count": n,
            "background": view.scene["background"]["name"],
            "objects": [_name(o) for o in things],
        }
        result.append(ask(rng, "json", _JSON, json.dumps(data, separators=(",", ":"))))
    return result


def _yes_no_exists(view: _View, rng: random.Random) -> QA:
    truth, roll = rng.random() < 0.5, rng.random()
    o = rng.choice(view.things)
    if roll < 0.4:
        kind = o["kind"] if truth else view.missing_kind()
        x, xs = article(kind), plural(kind)
    elif roll < 0.65:
        colour = o["colour"] if truth else view.missing_colour()
        x, xs = article(f"{colour} shape"), f"{colour} shapes"
    else:
        kind, colour = o["kind"], o["colour"]
        swaps = [(k, c) for k in view.kinds for c in view.colours if f"{c} {k}" not in view.names]
        if not truth and swaps and rng.random() < 0.6:
            kind, colour = rng.choice(swaps)
        elif not truth and rng.random() < 0.5:
            kind = view.missing_kind()
        elif not truth:
            colour = view.missing_colour()
        x, xs = article(f"{colour} {kind}"), plural(f"{colour} {kind}")
    return ask(
        rng,
        "yes_no",
        _EXISTS,
        yes_no(truth),
        f"{{answer}}, there is {x if truth else 'no ' + x.split(' ', 1)[1]}.",
        x=x,
        xs=xs,
    )


def _yes_no_other(view: _View, rng: random.Random) -> list[QA]:
    """Closed questions about particular things, each with a fair coin."""
    called, result = view.called(), []
    pairs = [(x, y) for x in called for y in called if x[0] is not y[0]]
    rng.shuffle(pairs)
    truth = rng.random() < 0.5
    unique = [o for o in view.things if view.kinds[o["kind"]] == 1]
    if unique and rng.random() < 0.6:
        o = rng.choice(unique)
        others = [c for c in view.colours if c != o["colour"]] or [view.missing_colour()]
        colour = o["colour"] if truth else rng.choice([*others, view.missing_colour()])
        result.append(
            ask(
                rng,
                "yes_no",
                _IS_COLOUR,
                yes_no(truth),
                f"{{answer}}, the {{a}} is {o['colour']}.",
                a=o["kind"],
                c=colour,
            )
        )
    truth = rng.random() < 0.5
    sided = [(x, y) for x, y in pairs if _sides(x[0], y[0])]
    if sided:
        (o, a), (p, b) = sided[0]
        side = rng.choice(_sides(o, p))
        template = rng.choice(_IS_SIDE).replace("{p}", _LOOSE[side if truth else _OPPOSITE[side]])
        result.append(
            ask(
                rng, "yes_no", template, yes_no(truth), f"{{answer}}, the {{a}} is {_PHRASE[side]} the {{b}}.", a=a, b=b
            )
        )
    truth = rng.random() < 0.5
    sized = [(x, y) for x, y in pairs if _bigger(x[0], y[0])]
    if sized:
        (_, big), (_, small) = sized[0]
        larger = rng.random() < 0.6
        a, b = (big, small) if truth == larger else (small, big)
        template = rng.choice(_IS_BIGGER).replace("{m}", "[bigger|larger]" if larger else "smaller")
        result.append(
            ask(rng, "yes_no", template, yes_no(truth), f"{{answer}}, the {big} is bigger than the {small}.", a=a, b=b)
        )
    by_kind = [(o, k) for o, k in ((o, o["kind"]) for o in unique)]
    same = [(x, y) for x in by_kind for y in by_kind if x[1] != y[1] and x[0]["colour"] == y[0]["colour"]]
    other = [(x, y) for x in by_kind for y in by_kind if x[0]["colour"] != y[0]["colour"]]
    if same and other:
        truth = rng.random() < 0.5
        (_, a), (_, b) = rng.choice(same if truth else other)
        result.append(
            ask(
                rng,
                "yes_no",
                _SAME_COLOUR,
                yes_no(truth),
                "{answer}, the {a} and the {b} have {how}.",
                a=a,
                b=b,
                how="the same colour" if truth else "different colours",
            )
        )
    counts = [(x, y) for x in view.kinds for y in view.kinds if view.kinds[x] > view.kinds[y]]
    if counts:
        truth = rng.random() < 0.5
        more, fewer = rng.choice(counts)
        a, b = (more, fewer) if truth else (fewer, more)
        result.append(
            ask(
                rng,
                "yes_no",
                _IS_MORE,
                yes_no(truth),
                f"{{answer}}, there are more {plural(more)} than {plural(fewer)}.",
                a=plural(a),
                b=plural(b),
            )
        )
    rng.shuffle(result)
    return result[: 1 if len(view.things) < 2 else 2]


def _absent(view: _View, rng: random.Random) -> list[QA]:
    if rng.random() < 0.7:
        kind = view.missing_kind()
        table = rng.choice((_COLOUR_OF, _COLOUR_OF, _PLACE, _SIZE))
        return [ask(rng, "absent", table, f"There is no {kind}.", "{answer}", a=kind)]
    colour = view.missing_colour()
    return [
        ask(
            rng,
            "absent",
            _SHAPE_OF[:6],
            f"There is no {colour} shape.",
            "{answer}",
            (f"There is no {colour} object.",),
            c=colour,
        )
    ]


_BUILDERS: tuple[Builder, ...] = (
    _colours,
    _kind_of,
    _counts,
    _relations,
    _places,
    _superlatives,
    _comparisons,
    _attributes,
    _backgrounds,
    _whole,
    _yes_no_other,
    _absent,
)


def questions(scene: Scene, rng: random.Random) -> list[QA]:
    view = _View(scene, rng)
    result = [qa for build in _BUILDERS for qa in build(view, rng)]
    result.append(_yes_no_exists(view, rng))
    rng.shuffle(result)
    return result[:16]

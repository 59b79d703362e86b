"""Colour palettes: swatches in rows, columns, grids, rings, strips, overlapping dots and labelled cards.

Swatches are numbered in reading order (rings: clockwise from the top), and questions ask by position.
"""

from __future__ import annotations

import json
import math
import random
import re
from collections import Counter
from typing import Any

from PIL import Image

from .base import (
    COLOURS,
    QA,
    RGB,
    Canvas,
    Scene,
    ask,
    contrast,
    fit_text,
    ink_on,
    join,
    luminance,
    mix,
    pick_font,
    plural,
    random_size,
    say,
    shade,
    yes_no,
)

NAME = "palettes"
STYLES = ("row", "column", "grid", "ring", "strips", "dots", "labelled", "spaced")
HELD_OUT_STYLES = ("wheel", "cards")

_COLOUR_WORDS = "|".join(COLOURS)
FACTS = re.compile(
    rf"\d+ (?:swatches|colours)\b|(?:in a|as a) (?:row|column|grid|ring)\b|#?\b[0-9a-f]{{6}}\b"
    rf"|(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth): (?:{_COLOUR_WORDS})\b"
    rf"|(?:darkest|lightest) is (?:{_COLOUR_WORDS})\b"
)
_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_WARM, _COOL, _NEUTRAL = ("red", "orange", "yellow", "brown"), ("green", "cyan", "blue"), ("black", "white", "gray")

# --- composing -----------------------------------------------------------------------------------


def _names(rng: random.Random, n: int) -> list[str]:
    """Colour names: mostly distinct, sometimes with repeats, sometimes leaning warm or cool."""
    roll = rng.random()
    if roll < 0.2:
        pool = rng.choice((_WARM, _COOL))
        return rng.sample((names := [*pool, *rng.sample(COLOURS, 4), *rng.choices(pool, k=3)]), min(n, len(names)))
    if roll < 0.5 and n > 2:
        pool = rng.sample(COLOURS, max(2, round(n * rng.uniform(0.35, 0.8))))
        names = [*pool[:n], *rng.choices(pool[:2], k=max(0, n - len(pool)))]
        rng.shuffle(names)
        return names
    return rng.sample(COLOURS, n)


def _swatches(rng: random.Random, names: list[str], joined: bool) -> list[dict[str, Any]]:
    """Shades for the names; neighbours that touch are kept apart so that they can be counted."""
    if joined:
        for _ in range(30):
            if all(a != b for a, b in zip(names, names[1:] + names[:1], strict=True)):
                break
            rng.shuffle(names)
        else:
            names = rng.sample(COLOURS, len(names))
    fixed, same = {name: shade(rng, name) for name in names}, rng.random() < 0.6
    return [{"colour": name, "rgb": list(fixed[name] if same else shade(rng, name))} for name in names]


def _grid_shape(rng: random.Random, n: int, width: int, height: int) -> tuple[int, int, int]:
    """(count, columns, rows) of a full grid near the wanted count."""
    n = {2: 4, 3: 6, 5: 6, 7: 8}.get(n, n)
    columns, rows = {4: (2, 2), 6: (3, 2), 8: (4, 2), 9: (3, 3)}[n]
    if rng.random() < 0.3 or (width < height and columns > rows):
        columns, rows = rows, columns
    return n, columns, rows


def _boxes(n: int, columns: int, rows: int, width: int, height: int, margin: float, gap: float) -> list[list[float]]:
    w = (width - 2 * margin - gap * (columns - 1)) / columns
    h = (height - 2 * margin - gap * (rows - 1)) / rows
    corners = [(margin + (i % columns) * (w + gap), margin + (i // columns) * (h + gap)) for i in range(n)]
    return [[round(v, 1) for v in (x, y, x + w, y + h)] for x, y in corners]


def _look_merged(swatches: list[dict[str, Any]]) -> bool:
    """Whether two neighbours would look like one swatch without a line between them."""
    return any(math.dist(a["rgb"], b["rgb"]) < 75 for a, b in zip(swatches, swatches[1:] + swatches[:1], strict=True))


def _layout(rng: random.Random, style: str) -> str:
    options = {
        "row": ("row",),
        "column": ("column",),
        "grid": ("grid",),
        "ring": ("ring",),
        "wheel": ("ring",),
        "strips": ("row", "column"),
        "dots": ("row", "row", "column"),
        "labelled": ("row", "column", "grid"),
        "spaced": ("row", "grid", "column"),
        "cards": ("row", "grid", "grid"),
    }
    return rng.choice(options[style])


def compose(rng: random.Random, style: str) -> Scene:
    layout = _layout(rng, style)
    n = rng.randint({"ring": 4}.get(layout, 2), 6 if style == "labelled" and layout == "row" else 9)
    width, height = random_size(rng)
    if (layout == "row") != (width >= height) and layout in ("row", "column") and rng.random() < 0.75:
        width, height = height, width
    held_out = style in HELD_OUT_STYLES
    joined = style in ("strips", "ring") or (style == "dots")
    gap_share = (
        0.0
        if style == "strips"
        else rng.choice((0.0, 0.015, 0.03, 0.05))
        if style in ("row", "column", "grid")
        else 0.03
    )
    joined = joined or gap_share == 0.0
    columns = rows = 1
    if layout == "grid":
        n, columns, rows = _grid_shape(rng, n, width, height)
    swatches = _swatches(rng, _names(rng, n), joined)
    if layout == "grid" and (joined or len(swatches) < n):
        swatches = [{"colour": c, "rgb": list(shade(rng, c))} for c in rng.sample(COLOURS, n)]
    n = len(swatches)
    if layout != "grid":
        columns, rows = (n, 1) if layout == "row" else (1, n)
    ground = rng.choice(
        (
            (255, 255, 255),
            (255, 255, 255),
            (248, 248, 246),
            (235, 235, 238),
            (40, 42, 48),
            (18, 18, 20),
            (225, 215, 200),
        )
    )
    close = any(math.dist(s["rgb"], ground) < 70 for s in swatches) or joined and _look_merged(swatches)
    border = (0, 0, 0) if luminance(ground) > 0.3 else (235, 235, 235)
    short = min(width, height)
    margin = 0.0 if style == "strips" and rng.random() < 0.6 else short * rng.uniform(0.03, 0.1)
    scene: Scene = {
        "style": style,
        "size": [width, height],
        "layout": layout,
        "columns": columns,
        "rows": rows,
        "swatches": swatches,
        "ground": list(ground),
        "border": list(mix(ground, border, 0.6)) if close or rng.random() < 0.2 else None,
        "line": max(1, round(short * rng.uniform(0.004, 0.01))),
        "scale": rng.choice((1, 2, 2, 3)) if max(width, height) < 600 else 1,
        "boxes": _boxes(n, columns, rows, width, height, margin, gap_share * short) if layout != "ring" else [],
        "form": rng.choice(("box", "box", "round", "disc"))
        if style in ("row", "column", "grid") and not joined
        else {"dots": "disc", "labelled": rng.choice(("box", "round")), "spaced": "disc", "cards": "card"}.get(
            style, "box"
        ),
        "hole": round(rng.uniform(0.35, 0.62), 2),
        "spacing": rng.choice((0, 0, 3)),
        "shadow": int(rng.random() < 0.25),
        "font": pick_font(rng, held_out),
        "seed": rng.getrandbits(30),
        "title": "",
    }
    if style in ("labelled", "cards") or (style in ("strips", "row", "column") and rng.random() < 0.5):
        _label(rng, scene)
    return scene


def _label(rng: random.Random, scene: Scene) -> None:
    """Adds hex codes, if there is room for legible ones."""
    long_side, boxes = max(scene["size"]), scene["boxes"]
    size = round(long_side * rng.uniform(0.037, 0.05), 1)
    form = rng.choice(("#{:02X}{:02X}{:02X}", "#{:02X}{:02X}{:02X}", "#{:02x}{:02x}{:02x}", "{:02X}{:02X}{:02X}"))
    labels = [form.format(*s["rgb"]) for s in scene["swatches"]]
    if not boxes or len(set(labels)) < len(labels):
        return
    width, height = boxes[0][2] - boxes[0][0], boxes[0][3] - boxes[0][1]
    size = min(fit_text(label, scene["font"], size, width * 0.9) for label in labels)
    if size < long_side * 0.036 or height < size * (3 if scene["form"] == "card" else 1.8) or scene["form"] == "disc":
        return
    for swatch, label in zip(scene["swatches"], labels, strict=True):
        swatch["label"], swatch["ink"] = label, list(ink_on(rng, swatch["rgb"]))
    scene["text_size"] = size
    scene["below"] = int(
        scene["form"] != "card" and scene["style"] == "labelled" and height > size * 3.5 and rng.random() < 0.5
    )


# --- drawing -------------------------------------------------------------------------------------


def _disc(canvas: Canvas, box: list[float], rgb: RGB, border: RGB | None, line: float, grow: float) -> None:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    r = min(box[2] - box[0], box[3] - box[1]) / 2 * grow
    canvas.ellipse(x - r, y - r, x + r, y + r, rgb, border, line)


def _one(canvas: Canvas, scene: Scene, box: list[float], swatch: dict[str, Any], border: RGB | None) -> None:
    rgb, ground = tuple(swatch["rgb"]), scene["ground"]
    x0, y0, x1, y1 = box
    size, label = scene.get("text_size", 0), swatch.get("label", "")
    if scene["form"] == "disc":
        _disc(canvas, box, rgb, border, scene["line"], 0.94)
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
        else:
            half = 180 / n - scene["spacing"] / 2
            canvas.pie(x - r, y - r, x + r, y + r, middle - half, middle + half, rgb, border, scene["line"])
    if scene["style"] == "ring":
        inner = r * scene["hole"]
        canvas.ellipse(x - inner, y - inner, x + inner, y + inner, tuple(scene["ground"]), border, scene["line"])


def draw(scene: Scene) -> Image.Image:
    """The scene's picture."""
    canvas = Canvas(*scene["size"], tuple(scene["ground"]), scene["scale"])
    border: RGB | None = tuple(scene["border"]) if scene["border"] else None  # type: ignore[assignment]
    if scene["layout"] == "ring":
        _ring(canvas, scene, border)
    elif scene["style"] == "dots":
        _overlapping(canvas, scene, border)
    else:
        for box, swatch in zip(scene["boxes"], scene["swatches"], strict=True):
            _one(canvas, scene, box, swatch, border)
    return canvas.finish()


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


# --- what is true --------------------------------------------------------------------------------


def _lightness(rgb: list[int]) -> float:
    y = luminance(rgb)
    return 116 * y ** (1 / 3) - 16 if y > 0.009 else 903 * y


def _extreme(scene: Scene, darkest: bool) -> dict[str, Any] | None:
    """The darkest or lightest swatch, if it is so by a margin."""
    line = sorted(scene["swatches"], key=lambda s: _lightness(s["rgb"]), reverse=not darkest)
    clear = abs(_lightness(line[0]["rgb"]) - _lightness(line[1]["rgb"])) > 12
    return line[0] if clear else None


def _mood(scene: Scene) -> str:
    names = [s["colour"] for s in scene["swatches"]]
    warm, cool = sum(n in _WARM for n in names), sum(n in _COOL for n in names)
    unsure = sum(n in ("purple", "pink") for n in names)
    if max(warm, cool) * 2 <= len(names) or abs(warm - cool) < max(2, unsure + 1):
        return ""
    return "warm" if warm > cool else "cool"


def _places(scene: Scene) -> dict[str, int]:
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
    places = {f"{_ORDINALS[i]} from the {near}": i for i in range(1, min(n, 6))}
    places |= {f"{_ORDINALS[i]} from the {far}": n - 1 - i for i in range(1, min(n, 4))}
    places |= {f"[at the far {near}|furthest to the {near}]" if layout == "row" else f"at the {near}": 0}
    places |= {f"[at the far {far}|furthest to the {far}]" if layout == "row" else f"at the {far}": n - 1}
    if n % 2 and n > 2:
        places["in the [middle|centre|center]"] = n // 2
    return places


def _order(scene: Scene) -> str:
    return {
        "row": "[from left to right|left to right]",
        "column": "[from top to bottom|top to bottom]",
        "grid": "[row by row|in reading order|left to right, top to bottom]",
        "ring": "[clockwise from the top|clockwise, starting at the top]",
    }[scene["layout"]]


def captions(scene: Scene, rng: random.Random) -> dict[str, str]:
    names = [s["colour"] for s in scene["swatches"]]
    n, layout = len(names), scene["layout"]
    hexes = [s["label"] for s in scene["swatches"] if "label" in s]
    short = say(
        rng,
        "[A palette of {n}|{n} colour|A colour palette with {n}] swatches [in|arranged in] a {layout}",
        n=n,
        layout=layout,
    )
    parts = [say(rng, "[A colour palette of|The palette has] {n} swatches in a {layout}.", n=n, layout=layout)]
    parts.append(
        say(rng, "[|In order, ]" + _order(scene) + ":")
        + " "
        + ", ".join(f"{_ORDINALS[i]}: {c}" for i, c in enumerate(names))
        + "."
    )
    if hexes:
        parts.append(say(rng, "[The labels read|Hex codes:|Labelled] {h}.", h=", ".join(hexes)))
    ends = [f"{word} is {s['colour']}" for word in ("darkest", "lightest") if (s := _extreme(scene, word == "darkest"))]
    if ends and not (hexes and n > 6):
        parts.append(f"The {' and the '.join(ends)}.")
    unique = list(dict.fromkeys(names))
    alt = say(rng, "[Colour palette|A palette] of {n} swatches in a {layout}: {c}.", n=n, layout=layout, c=join(names))
    tags = ["colour palette", layout, *unique] + ["hex codes"] * bool(hexes)
    return {
        "short": short + rng.choice((".", "")),
        "detailed": " ".join(p[:1].upper() + p[1:] for p in parts),
        "alt": alt,
        "tags": ", ".join(tags),
    }


# --- questions -----------------------------------------------------------------------------------

_S = "[swatch|swatch|colour patch|color sample|patch|sample]"
_SS = "[swatches|swatches|colour patches|color samples|patches|samples]"
_COUNT_ALL = (
    "How many [colours|colors] are in [the|this] palette?", f"How many {_SS} are [there|there in total|shown]?",
    f"[Count|Count all] the {_SS}.", f"What is the number of {_SS}?", f"[Number of|Total] {_SS}?",
    f"How many {_SS} [can you see|do you see|can you count]?", f"How many {_SS} does the palette [contain|have|show]?",
    f"How many {_SS}?", "Of how many [fields|patches|swatches] does the palette consist?",
)  # fmt: skip
_COUNT = (
    f"How many {_SS} are {{c}}?", f"How many {{c}} {_SS} are [there|shown]?", f"[Count|Count all] the {{c}} {_SS}.",
    f"Number of {{c}} {_SS}?", f"How many {{c}} {_SS} [can you see|do you see]?",
    "How many times does {c} [appear|occur]?", f"How many of the {_SS} are {{c}}?", "How often is {c} used?",
    f"How many {{c}} {_SS}?",
)  # fmt: skip
_DISTINCT = (
    "How many different [colours|colors] are [there|used]?",
    "How many [distinct|different|unique] [colours|colors] does the palette have?",
    "[Count|Number of] [different|distinct] [colours|colors]?",
    "Not counting repeats, how many [colours|colors] are there?",
)  # fmt: skip
_AT = (
    f"What [colour|color] is the {_S} {{w}}?", "Which [colour|color] is {w}?",
    f"What is the [colour|color] of the {_S} {{w}}?", "What [colour|color] is {w}?",
    f"[Name|Give|State] the [colour|color] of the {_S} {{w}}.", f"The {_S} {{w}} is what [colour|color]?",
    f"Which [colour|color] does the {_S} {{w}} have?", f"[Colour|Color] of the {_S} {{w}}?",
    "What do you see {w}: which [colour|color]?",
)  # fmt: skip
_NTH = (
    "What is the {w} [colour|color]?", f"What [colour|color] is the {{w}} {_S}?",
    "Which [colour|color] [comes|is] {w}?", "[Name|Give|State] the {w} [colour|color].", "{w} [colour|color]?",
    f"What is the [colour|color] of the {{w}} {_S}?", f"The {{w}} {_S} is what [colour|color]?",
    f"Which [colour|color] does the {{w}} {_S} have?",
)  # fmt: skip
_EXISTS = (
    "Is there [a|any] {c} [swatch|colour|patch|sample]?", "[Does|Would] the palette [contain|include|have] {c}?",
    "Is {c} [in the palette|part of the palette|there|among the colours]?",
    "[Can|Do] you see {c} [in the palette|in it|among the swatches]?", "Any {c}?",
    "Is {c} one of the [colours|colors]?", "Does {c} [appear|occur]?", "Are any of the swatches {c}?",
    "Is [any|one] of the swatches {c}?",
)  # fmt: skip
_EXTREME = (
    "[What|Which] is the {m} [colour|color]?", "[Which|What] [colour|color|swatch] is [the |]{m}?",
    "[Name|Identify] the {m} [colour|color|swatch].", "{m} [swatch|colour|color]?",
    "What [colour|color] is the {m} swatch?", "What is the {m} one of the [colours|colors]?",
)  # fmt: skip
_LIST = (
    "[List|Name|Enumerate] the [colours|colors] {w}.",
    "[What|Which] [colours|colors] are [there|in the palette], {w}?", "[Give|Write down] all [colours|colors] {w}.",
    "What are the [colours|colors] {w}?", "The [colours|colors] {w}?",
    "[Read|Go through] the palette {w}: what are the [colours|colors]?", "Which [colours|colors] do you see {w}?",
)  # fmt: skip
_NEXT = (
    "[What|Which] [colour|color] is {p} {c}?", "What is {p} {c}?", "Which swatch is {p} the {c} one?",
    "What [colour|color] do you see {p} {c}?", "[Name|Give] the [colour|color] {p} {c}.",
    "The [colour|color] {p} {c}?", "What [colour|color] comes {p} the {c} [swatch|patch]?",
)  # fmt: skip
_LAYOUT = (
    "[How are|In what layout are] the [swatches|colours|colors] arranged?", "What is the layout of the palette?",
    "Are the [swatches|colours] in a row, column, grid or ring?",
    "[Which|What] [layout|arrangement] does the palette [have|use]?", "[Layout|Arrangement] of the swatches?",
    "Is the palette a row, a column, a grid or a ring?",
    "What shape does the arrangement of [colours|colors|swatches] have?", "[Describe|Name] the [layout|arrangement].",
)  # fmt: skip
_MOOD = (
    "Is the palette [mostly|mainly] warm or cool?", "Are the [colours|colors] [mostly|mainly] cool or warm?",
    "Warm or cool palette?", "[Does|Would you say] the palette [feel|is] warm or cool?",
    "Are there more warm or more cool [colours|colors]?", "Is this a cool or a warm palette?",
)  # fmt: skip
_SAME = (
    "[Do|Would] the {a} and the {b} swatch [share a colour|have the same colour|have the same color]?",
    "Are the {a} and [the |]{b} [swatches|colours|colors] the same?",
    "Is the {a} swatch the same [colour|color] as the {b} one?",
    "Do [swatches|patches] {i} and {j} have the same [colour|color]?",
    "Does the {a} [colour|color] match the {b} one?",
    "Are the {a} and {b} [swatch|patch] of [the same|equal] [colour|color]?",
)  # fmt: skip
_HEX_OF = (
    "What [hex code|hex value|code|label] [is written on|is given for|belongs to] the {c} swatch?",
    "What is the [hex code|hex value|code|label] of the {c} [swatch|colour|color]?",
    "[Read|Give|Copy] the [hex code|label|code] of the {c} [swatch|patch].",
    "Hex [code|value] of the {c} [swatch|one]?", "Which [hex code|label] does the {c} [swatch|colour] have?",
    "What does the label of the {c} swatch say?", "What text [labels|is on|goes with] the {c} swatch?",
)  # fmt: skip
_HEX_COLOUR = (
    "[What|Which] [colour|color] [has the code|is labelled|is labeled] {h}?", "Which swatch is {h}?",
    "{h} is [which|what] [colour|color]?",
    "What [colour|color] is the swatch [labelled|with the label|with the code] {h}?",
    "Name the [colour|color] of {h}.", "[Colour|Color] of the swatch {h}?",
)  # fmt: skip
_WHAT = (
    "What is [this|shown|in the picture|depicted]?", "What kind of [image|picture|graphic] is this?",
    "What type of [image|graphic] is [this|it]?", "What does the image show?",
    "How would you describe this graphic in two words?", "What do you see?",
)  # fmt: skip
_JSON = (
    "[Describe|Return|Give] the palette as JSON.", "[Output|Write] JSON for this palette.", "JSON description?",
    "[Convert|Turn] the palette [in|]to JSON.", "Describe the palette in JSON with type, layout, count and colours.",
)  # fmt: skip
_LABELLED = (
    "Are the [swatches|colours] labelled?", "Do the [swatches|colours|colors] have [labels|hex codes|text on them]?",
    "Is there any text?", "Are there [hex codes|labels]?", "Does the palette show [hex codes|labels|text]?",
)  # fmt: skip
_ROWS = (
    "How many {what} [does the grid have|are there|are in the grid]?",
    "What is the number of {what} [in the grid|shown]?",
    "Number of {what}?", "Count the {what}[ of the grid|].",
)  # fmt: skip
_MORE = (
    "Are there more {a} or {b} [swatches|patches]?", "Which [colour|color] [occurs|appears] more often, {a} or {b}?",
    "Is {a} or {b} more frequent?", "Which is used more, {a} or {b}?",
    "Which [colour|color] has more swatches: {a} or {b}?",
)  # fmt: skip
_DARKER = (
    "Which is {m}, the {a} or the {b} swatch?", "Which is {m}: {a} or {b}?", "Is the {a} or the {b} swatch {m}?",
    "Between {a} and {b}, which [colour|color] is {m}?", "{m}: {a} or {b}?", "Of {a} and {b}, which one is {m}?",
)  # fmt: skip
_ABSENT = (
    "What is {p} {c}?", "Where is the {c} swatch?", "Where is {c} in the palette?", "What [colour|color] is {p} {c}?",
    "In what position is {c}?",
)  # fmt: skip
_WHERE = (
    "[What|Which] position is {c} in, {w}?", "Where is the {c} swatch, counting {w}?",
    "Counting {w}, which number is {c}?", "At [what|which] position is {c} [counting|going] {w}?",
    "{w}, where does {c} come?",
)  # fmt: skip


def _missing(scene: Scene, counts: Counter[str]) -> list[str]:
    """Colours that are plainly nowhere: those of the ground or of a card do not count as missing."""
    dark = luminance(scene["ground"]) < 0.2
    near = {"black", "gray"} if dark else {"white", "gray"}
    near |= {"white"} if scene["style"] == "cards" else set()
    return [c for c in COLOURS if c not in counts and c not in near]


def _grey(colour: str) -> tuple[str, ...]:
    return ("grey",) if colour == "gray" else ()


def _position_questions(scene: Scene, rng: random.Random, names: list[str], counts: Counter[str]) -> list[QA]:
    result, n, layout = [], len(names), scene["layout"]
    places = _places(scene)
    for place in rng.sample(list(places), min(2, len(places))):
        colour = names[places[place]]
        result.append(
            ask(rng, "colour", rng.choice(_AT).replace("{w}", place), colour, "It is {answer}.", _grey(colour))
        )
    if layout in ("row", "column"):
        ends = {"leftmost": 0, "rightmost": n - 1} if layout == "row" else {"topmost": 0, "bottommost": n - 1}
        for word, i in rng.sample([*ends.items(), ("first", 0), ("last", n - 1)], 1):
            result.append(
                ask(rng, "superlative", _NTH, names[i], "The {w} colour is {answer}.", _grey(names[i]), w=word)
            )
        i = rng.randrange(n)
        result.append(
            ask(rng, "colour", _NTH, names[i], "The {w} colour is {answer}.", _grey(names[i]), w=_ORDINALS[i])
        )
    single = [i for i in range(n) if counts[names[i]] == 1]
    rng.shuffle(single)
    steps = {
        "row": (
            (1, "[directly left of|immediately to the left of|just left of|right before]"),
            (-1, "[directly right of|immediately to the right of|just right of|right after]"),
        ),
        "column": ((1, "[directly above|just above]"), (-1, "[directly below|just below|directly under]")),
        "ring": ((1, "[counter-clockwise of|just before, clockwise,]"), (-1, "[clockwise after|next clockwise to]")),
    }
    for step, phrase in rng.sample(steps.get(layout, ()), 2 if layout in steps else 0):
        fits = [i for i in single if layout == "ring" or 0 <= i - step < n]
        if fits and n > 2:
            i = rng.choice(fits)
            other = names[(i - step) % n]
            template = rng.choice(_NEXT).replace("{p}", phrase)
            result.append(ask(rng, "relation", template, other, "It is {answer}.", _grey(other), c=names[i]))
    if layout == "grid" and single:
        columns, i = scene["columns"], single[0]
        options = [(1, "[directly left of|just to the left of]")] * (i % columns > 0) + [
            (-1, "[directly right of|just to the right of]")
        ] * (i % columns < columns - 1)
        options += [(columns, "[just above|directly above]")] * (i >= columns) + [
            (-columns, "[just below|directly below]")
        ] * (i < n - columns)
        step, phrase = rng.choice(options)
        template = rng.choice(_NEXT).replace("{p}", phrase)
        result.append(
            ask(rng, "relation", template, names[i - step], "It is {answer}.", _grey(names[i - step]), c=names[i])
        )
    if layout in ("row", "column") and single:
        i = single[-1]
        way = "[from the left|left to right]" if layout == "row" else "[from the top|top to bottom]"
        template = rng.choice(_WHERE).replace("{w}", way)
        answer = _ORDINALS[i]
        accept = (
            str(i + 1),
            f"{i + 1}{('st', 'nd', 'rd')[i] if i < 3 else 'th'}",
            _WORDS[i + 1],
            *(["last"] * (i == n - 1)),
        )
        result.append(
            ask(rng, "relation", template, answer, f"{names[i].capitalize()} is {{answer}}.", accept, c=names[i])
        )
    return result


def _count_questions(scene: Scene, rng: random.Random, names: list[str], counts: Counter[str]) -> list[QA]:
    n = len(names)
    result = [
        ask(
            rng,
            "count",
            _COUNT_ALL if len(counts) == n else _COUNT_ALL[1:],
            n,
            "There are {answer} swatches.",
            (_WORDS[n],),
        )
    ]
    repeated = [c for c in counts if counts[c] > 1]
    missing = _missing(scene, counts)
    roll = rng.random()
    if roll < 0.55 or repeated:
        pool = repeated if repeated and rng.random() < 0.75 else missing if roll < 0.22 else list(counts)
        colour = rng.choice(pool)
        k = counts[colour]
        sentence = f"There {'is' if k == 1 else 'are'} {{answer}} {colour} {plural('swatch', k)}."
        result.append(ask(rng, "count", _COUNT, k, sentence, (_WORDS[k], *(["none"] * (k == 0))), c=colour))
    if repeated:
        k = len(counts)
        result.append(ask(rng, "count", _DISTINCT, k, "There are {answer} different colours.", (_WORDS[k],)))
    if scene["layout"] == "grid":
        word, k = rng.choice((("rows", scene["rows"]), ("columns", scene["columns"])))
        result.append(ask(rng, "count", _ROWS, k, f"The grid has {{answer}} {word}.", (_WORDS[k],), what=word))
    pairs = [(a, b) for a in counts for b in counts if counts[a] > counts[b]]
    if pairs:
        more, fewer = rng.choice(pairs)
        a, b = rng.sample((more, fewer), 2)
        result.append(ask(rng, "comparison", _MORE, more, "There are more {answer} swatches.", _grey(more), a=a, b=b))
    return result


def _tone_questions(scene: Scene, rng: random.Random, counts: Counter[str]) -> list[QA]:
    result = []
    for word, template in (("darkest", "[darkest|darkest|deepest]"), ("lightest", "[lightest|lightest|palest]")):
        swatch = _extreme(scene, word == "darkest")
        obvious = swatch and swatch["colour"] in ("black", "white")
        if swatch and rng.random() < (0.35 if obvious else 1.0):
            words = rng.choice(_EXTREME).replace("{m}", template)
            colour = swatch["colour"]
            result.append(ask(rng, "superlative", words, colour, f"The {word} colour is {{answer}}.", _grey(colour)))
    single = [s for s in scene["swatches"] if counts[s["colour"]] == 1]
    pairs = [(a, b) for a in single for b in single if _lightness(b["rgb"]) - _lightness(a["rgb"]) > 20]
    if pairs:
        dark, light = rng.choice(pairs)
        word, who = rng.choice((("darker", dark), ("lighter", light)))
        a, b = rng.sample((dark["colour"], light["colour"]), 2)
        result.append(
            ask(
                rng,
                "comparison",
                rng.choice(_DARKER).replace("{m}", word),
                who["colour"],
                f"The {{answer}} swatch is {word}.",
                _grey(who["colour"]),
                a=a,
                b=b,
            )
        )
    if mood := _mood(scene):
        result.append(ask(rng, "attribute", _MOOD, mood, "The palette is mostly {answer}.", (f"mostly {mood}",)))
    return result


def _reading_questions(scene: Scene, rng: random.Random, counts: Counter[str]) -> list[QA]:
    labelled = [s for s in scene["swatches"] if "label" in s and counts[s["colour"]] == 1]
    result = []
    for i, swatch in enumerate(rng.sample(labelled, min(3, len(labelled)))):
        label, colour = swatch["label"], swatch["colour"]
        if i < 2:
            accept = (label.lower(), label.upper(), label.lstrip("#"))
            result.append(
                ask(rng, "reading", _HEX_OF, label, "The label of the {c} swatch is {answer}.", accept, c=colour)
            )
        else:
            result.append(ask(rng, "colour", _HEX_COLOUR, colour, "{h} is {answer}.", _grey(colour), h=label))
    return result


def _closed_questions(scene: Scene, rng: random.Random, names: list[str], counts: Counter[str]) -> list[QA]:
    truth, missing = rng.random() < 0.5, [c for c in COLOURS if c not in counts]
    colour = rng.choice(list(counts) if truth else missing)
    result = [
        ask(
            rng,
            "yes_no",
            _EXISTS,
            yes_no(truth),
            f"{{answer}}, there is {'a' if truth else 'no'} {colour} swatch.",
            c=colour,
        )
    ]
    n, swatches = len(names), scene["swatches"]
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    same = [(i, j) for i, j in pairs if swatches[i]["rgb"] == swatches[j]["rgb"]]
    other = [(i, j) for i, j in pairs if names[i] != names[j]]
    if same and other and scene["layout"] in ("row", "column"):
        truth = rng.random() < 0.5
        i, j = rng.choice(same if truth else other)
        sentence = f"{{answer}}, they are {'both ' + names[i] if truth else names[i] + ' and ' + names[j]}."
        result.append(
            ask(rng, "yes_no", _SAME, yes_no(truth), sentence, a=_ORDINALS[i], b=_ORDINALS[j], i=i + 1, j=j + 1)
        )
    has_text = "text_size" in scene
    if rng.random() < (0.5 if has_text else 0.07):
        result.append(
            ask(
                rng,
                "yes_no",
                _LABELLED,
                yes_no(has_text),
                f"{{answer}}, the swatches are {'' if has_text else 'not '}labelled.",
            )
        )
    return result


def questions(scene: Scene, rng: random.Random) -> list[QA]:
    names = [s["colour"] for s in scene["swatches"]]
    counts, n, layout = Counter(names), len(names), scene["layout"]
    result = [
        *_position_questions(scene, rng, names, counts),
        *_count_questions(scene, rng, names, counts),
        *_tone_questions(scene, rng, counts),
        *_reading_questions(scene, rng, counts),
        *_closed_questions(scene, rng, names, counts),
    ]
    if rng.random() < (0.8 if layout in ("grid", "ring") else 0.45):
        accept = {
            "ring": ("circle", "donut", "wheel", "a ring"),
            "column": ("a column", "stack"),
            "row": ("a row",),
            "grid": ("a grid",),
        }
        result.append(ask(rng, "attribute", _LAYOUT, layout, "The swatches are in a {answer}.", accept[layout]))
    text = ", ".join(names)
    result.append(
        ask(
            rng,
            "list",
            rng.choice(_LIST).replace("{w}", _order(scene)),
            text,
            "The colours are {answer}.",
            (text.replace("gray", "grey"), join(names)),
        )
    )
    if rng.random() < 0.2:
        accept = ("palette", "color palette", "colour swatches", "a colour palette")
        result.append(ask(rng, "what", _WHAT, "colour palette", "This is a {answer}.", accept))
    if rng.random() < 0.15:
        data = {"type": "palette", "layout": layout, "count": n, "colours": names}
        result.append(ask(rng, "json", _JSON, json.dumps(data, separators=(",", ":"))))
    colour = rng.choice(_missing(scene, counts))
    template = rng.choice(_ABSENT).replace("{p}", rng.choice(("next to", "left of", "above")))
    result.append(
        ask(rng, "absent", template, f"There is no {colour} swatch.", "{answer}", (f"There is no {colour}.",), c=colour)
    )
    rng.shuffle(result)
    return result[:16]

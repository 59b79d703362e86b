"""Composes what is written, on what, and where."""

from __future__ import annotations

import math
import random
import re
from pathlib import Path

from ..base import Scene, ink_box, random_size
from ..colours import CHROMATIC, COLOURS, RGB, contrast, shade
from ..words import NUMBERED, code, held_out, number, single, token, word
from .look import choose_backdrop, choose_colours, choose_effects, choose_face
from .words import HELD_OUT_STYLES

# style -> shapes to choose from
_SHAPES: dict[str, tuple[str, ...]] = {
    "road_sign": (
        "rectangle", "rounded rectangle", "circle", "octagon", "diamond", "triangle", "shield", *["arrow"] * 4,
    ),
    "shop_sign": ("rectangle", "rounded rectangle", "oval", "banner", "shield", "arrow", "arrow", "circle"),
    "button": ("rectangle", "rounded rectangle", "rounded rectangle", "pill", "circle"),
    "badge": ("circle", "star", "hexagon", "shield", "pill", "oval", "banner", "octagon"),
    "label": ("tag", "tag", "arrow", "rectangle", "oval", "banner", "rounded rectangle"),
    "name_plate": ("rectangle", "rounded rectangle", "oval", "hexagon"),
    "flash_card": ("rectangle", "rounded rectangle"),
    "screen": ("rectangle",),
    "sticky_note": ("rectangle",),
    "neon": ("rectangle", "rounded rectangle", "circle", "arrow"),
}  # fmt: skip
# shape -> (usable width, usable height, lowest aspect, highest aspect, text offset x, text offset y), as
# fractions of the shape's box
_ROOM: dict[str, tuple[float, float, float, float, float, float]] = {
    "rectangle": (0.84, 0.70, 0.6, 9, 0, 0),
    "rounded rectangle": (0.82, 0.68, 0.6, 9, 0, 0),
    "pill": (0.76, 0.62, 2.0, 9, 0, 0),
    "circle": (0.80, 0.48, 1, 1, 0, 0),
    "oval": (0.76, 0.50, 1.4, 2.6, 0, 0),
    "octagon": (0.84, 0.48, 1, 1, 0, 0),
    "hexagon": (0.72, 0.46, 1.1, 1.3, 0, 0),
    "diamond": (0.60, 0.32, 1, 1.35, 0, 0),
    "star": (0.68, 0.44, 1, 1.15, 0, 0),
    "triangle": (0.48, 0.30, 1.1, 1.25, 0, 0.20),
    "shield": (0.80, 0.46, 0.85, 1.05, 0, -0.10),
    "banner": (0.76, 0.66, 2.4, 9, 0, 0),
    "tag": (0.66, 0.66, 1.5, 4.5, 0.10, 0),
    "arrow": (0.64, 0.42, 1.7, 3.8, -0.06, 0),
}
_TRIMS: dict[str, tuple[tuple[str, ...], ...]] = {
    "road_sign": (("post",), ("post",), (), ("shadow",)),
    "shop_sign": (("chains",), ("chains",), ("screws",), ("shadow",), ()),
    "button": (("shadow",), ("shadow", "gloss"), ("gloss",), (), ()),
    "badge": (("shadow",), (), ()),
    "label": (("hole",), ("hole", "shadow"), ("shadow",), ()),
    "name_plate": (("screws",), ("screws", "shadow"), ("shadow",), ()),
    "flash_card": (("shadow",), ()),
    "screen": (("stand",), ("stand",), ()),
    "sticky_note": (("curl",), ("pin",), ("pin", "shadow"), ("curl", "shadow"), ("shadow",), ()),
}
# style -> weights of (one line, "ROOM 12", code, price or number, single letter or digit, two words, two
# lines, three lines)
_MIX: dict[str, tuple[int, ...]] = {
    "heading": (50, 6, 5, 5, 3, 12, 14, 9),
    "road_sign": (50, 8, 6, 7, 3, 8, 14, 4),
    "shop_sign": (54, 3, 4, 4, 2, 12, 16, 5),
    "button": (68, 4, 4, 5, 3, 16, 0, 0),
    "badge": (54, 4, 7, 10, 5, 4, 13, 3),
    "label": (44, 6, 8, 16, 3, 6, 12, 5),
    "name_plate": (42, 18, 6, 4, 3, 10, 14, 3),
    "flash_card": (46, 2, 8, 8, 22, 4, 7, 3),
    "whiteboard": (44, 6, 6, 8, 4, 10, 12, 10),
    "screen": (48, 6, 7, 9, 4, 8, 12, 6),
    "sticky_note": (46, 4, 6, 8, 4, 10, 14, 8),
    "neon": (58, 5, 6, 5, 3, 9, 11, 3),
    "chalkboard": (48, 6, 6, 8, 4, 8, 12, 8),
}
_SLANTED = re.compile(r"italic|oblique|inclined|lobster|Ita?$", re.I)


def _cased(text: str, case: str) -> str:
    return {"upper": text.upper(), "lower": text.lower(), "title": text[:1].upper() + text[1:].lower()}[case]


def _content(rng: random.Random, style: str) -> list[Scene]:
    """The lines: their text and what kind each is."""
    held = style in HELD_OUT_STYLES
    base = rng.choices(("upper", "title", "lower"), (45, 27, 28))[0]
    kind = rng.choices(("word", "numbered", "code", "number", "single", "words", "two", "three"), _MIX[style])[0]

    def line(kind: str, case: str) -> Scene:
        if kind in ("code", "number", "single"):
            source = {"code": code, "number": number, "single": single}[kind]
            return {"text": token(rng, held, source), "kind": kind}
        if kind == "numbered":
            head = _cased(rng.choice([w for w in NUMBERED if held_out(w) == held]), case)
            tail = rng.choice((str(rng.randint(1, 99)), code(rng, held)[:2].strip("-")))
            return {"text": f"{head} {tail}", "kind": kind}
        words = [_cased(token(rng, held, word), case) for _ in range(2 if kind == "words" else 1)]
        return {"text": " ".join(words), "kind": kind}

    if kind not in ("two", "three"):
        return [line(kind, base)]
    lines = []
    for _ in range(2 if kind == "two" else 3):
        case = base if rng.random() < 0.8 else rng.choice(("upper", "title", "lower"))
        lines.append(line(rng.choices(("word", "words", "numbered", "number", "code"), (70, 12, 6, 7, 5))[0], case))
    return lines


def _measure(lines: list[Scene], effects: Scene) -> tuple[float, float]:
    """Width and height of the block of lines at font size 100 times each line's factor; notes each line's."""
    for line in lines:
        left, top, right, bottom = ink_box(line["text"], line["font"], 100)
        wide = right - left + effects["tracking"] * 100 * (len(line["text"]) - 1)
        line["h"] = (bottom - top) * line["factor"] / 100
        line["w"] = wide * effects["stretch"] * line["factor"] / 100 + effects["shear"] * line["h"]
    heights = [max(line["h"], 0.72 * line["factor"]) for line in lines]
    return max(line["w"] for line in lines), sum(heights) + 0.26 * (len(lines) - 1)


def _shape(rng: random.Random, style: str, lines: list[Scene], ink: RGB, ink_name: str, back: RGB) -> Scene | None:
    kinds = _SHAPES.get(style)
    if not kinds or (style == "neon" and rng.random() < 0.4):
        return None
    longest = max(len(line["text"]) for line in lines)
    limits = {
        "triangle": 5,
        "diamond": 5,
        "arrow": 8,
        "circle": 8,
        "octagon": 8,
        "hexagon": 8,
        "shield": 8,
        "star": 8,
        "oval": 9,
    }
    fits = [k for k in kinds if longest <= limits.get(k, 99)]
    if len(lines) > 1:
        fits = [k for k in fits if k not in ("triangle", "diamond", "arrow")]
    kind = rng.choice(fits or ["rectangle", "rounded rectangle"])
    shape: Scene = {"kind": kind, "colour": list(back), "border": None, "border_name": "", "inset": False}
    radii = {"rectangle": rng.choice((0, 0, 0.04)), "rounded rectangle": rng.uniform(0.16, 0.32)}
    shape["radius"] = 0.04 if style == "screen" else 0 if style == "sticky_note" else round(radii.get(kind, 0.5), 3)
    if kind == "arrow":
        shape |= {"direction": rng.choice(("left", "right")), "body": round(rng.uniform(0.6, 0.72), 3)}
    if style in ("sticky_note", "screen"):
        return shape
    if style == "neon" or rng.random() < 0.5:
        while True:
            name = ink_name if rng.random() < 0.3 else rng.choice(CHROMATIC if style == "neon" else COLOURS)
            tint = ink if name == ink_name else shade(rng, name)
            if contrast(tint, back) >= (3 if style == "neon" else 1.8) and not (style == "neon" and name == "brown"):
                break
        shape |= {"border": list(tint), "border_name": name}
        plain = kind in ("star", "arrow", "tag", "triangle", "pill") or style == "neon"
        shape["inset"] = not plain and rng.random() < 0.35
    return shape


def _place(rng: random.Random, scene: Scene, shape: Scene | None, block: tuple[float, float]) -> None:
    """Sizes text and shape to the picture, as large as they fit times `scene["fill"]`, and positions them."""
    (width, height), lines, angle = scene["size"], scene["lines"], scene["angle"]
    use_w, use_h, low, high, off_x, off_y = _ROOM[shape["kind"]] if shape else (1, 1, 0, 99, 0, 0)
    if scene["style"] == "sticky_note":
        low, high = 0.9, 1.2
    elif scene["style"] == "screen":
        use_w, use_h, low, high = 0.84, 0.7, 1.2, 2.4
    grow = rng.uniform(0.85, 1.1) * (0.85 if shape["inset"] else 1) if shape else 1
    w, h = block[0] / use_w / grow, block[1] / use_h / grow
    w, h = max(w, low * h), max(h, w / high)
    c, s = math.cos(math.radians(angle)), abs(math.sin(math.radians(angle)))
    inner = scene["frame"]["width"] * 2.4 if scene["frame"] else 0
    room_w, room_h = (width - inner) * 0.95, (height - inner) * (0.95 if shape else 0.85)
    size = min(room_w / (w * c + h * s), room_h / (w * s + h * c)) * scene["fill"]
    spare_x, spare_y = room_w - (w * c + h * s) * size, room_h - (w * s + h * c) * size
    cx = width / 2 + rng.uniform(-0.5, 0.5) * spare_x * scene["stray"]
    cy = height / 2 + rng.uniform(-0.5, 0.5) * spare_y * scene["stray"]
    if shape:
        shape |= {"x": round(cx, 1), "y": round(cy, 1), "w": round(w * size, 1), "h": round(h * size, 1)}
        shape["border_width"] = round(max(1.5, min(w, h) * size * rng.uniform(0.015, 0.045)), 1)
        off_x = -off_x if shape.get("direction") == "left" else off_x
    top = off_y * h * size - block[1] * size / 2
    left = rng.choice((False, False, True)) and not shape
    a, b = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    for line in lines:
        tall = max(line["h"], 0.72 * line["factor"]) * size
        dx = off_x * w * size + ((line["w"] - block[0]) * size / 2 if left else 0)
        dy = top + tall / 2
        top += tall + 0.26 * size
        line |= {"x": round(cx + dx * a + dy * b, 1), "y": round(cy - dx * b + dy * a, 1)}
        line |= {"size": round(line["factor"] * size, 1), "height": round(line["h"] * size, 1)}


def compose(rng: random.Random, style: str) -> Scene:
    """One scene; tries again until its smallest line is large enough to be read."""
    while True:
        scene = _attempt(rng, style)
        if min(line["size"] for line in scene["lines"]) >= max(14, 0.058 * max(scene["size"])):
            return scene


def _recolour(rng: random.Random, lines: list[Scene], back: RGB, back_name: str) -> None:
    """Gives every line after the first a colour of its own, as far as the background allows."""
    names = [name for name in COLOURS if name not in (back_name, lines[0]["colour_name"])]
    rng.shuffle(names)
    for line in lines[1:]:
        for name in names:
            tint = shade(rng, name)
            if contrast(tint, back) >= 3.2:
                line |= {"colour": list(tint), "colour_name": name}
                names.remove(name)
                break


def _attempt(rng: random.Random, style: str) -> Scene:
    held = style in HELD_OUT_STYLES
    width, height = random_size(rng)
    if height > width and rng.random() < 0.6:
        width, height = height, width
    lines = _content(rng, style)
    ink_name, ink, back_name, back = choose_colours(rng, style)
    bold = rng.random() < 0.5
    file = choose_face(rng, held, bold, any(line["text"].isupper() for line in lines))
    many = len(lines) > 1
    for line in lines:
        line |= {"font": file, "colour": list(ink), "colour_name": ink_name, "factor": 1.0}
    if many and rng.random() < 0.4:
        _recolour(rng, lines, back, back_name)
    if many and rng.random() < 0.6:  # one line stands out: the others are clearly smaller
        large = rng.randrange(len(lines))
        for i, line in enumerate(lines):
            line["factor"] = 1.0 if i == large else round(rng.uniform(0.45, 0.68), 2)
    effects = choose_effects(rng, held, many, ink, back)
    angle = rng.choices((0, rng.uniform(-4, 4), rng.choice((-1, 1)) * rng.uniform(6, 15)), (66, 8, 26))[0]
    area = width * height  # drawing time grows with it
    scale = rng.choice((1, 1, 2, 2, 2, 3) if area < 120_000 else (1, 1, 2, 2) if area < 350_000 else (1,))
    known = file and not effects["stroke"] and not effects["weight"] and effects["ink"] != "outline"
    scene: Scene = {
        "style": style, "held": held, "size": [width, height], "scale": scale, "seed": rng.getrandbits(31),
        "lines": lines, "effects": effects, "bold": bold if known else None, "angle": round(angle, 1),
        "fill": 1.0 if rng.random() < 0.45 else round(rng.uniform(0.7, 1), 3), "stray": 0 if rng.random() < 0.5 else 1,
        "background": back_name, "frame": None, "trim": [],
        "italic": effects["shear"] > 0 or bool(_SLANTED.search(Path(file).stem)) if file else None,
        "metal": rng.choice(([120, 120, 120], [80, 80, 80], [170, 170, 165], [90, 65, 45])),
    }  # fmt: skip
    if rng.random() < 0.12:
        scene["fill"] = round(rng.uniform(0.35, 0.65), 3)
    if style == "chalkboard":
        wood = rng.choice(([150, 100, 60], [190, 145, 95], [110, 70, 45]))
        scene["frame"] = {
            "width": round(min(width, height) * rng.uniform(0.03, 0.07)),
            "colour": wood,
            "chalk": rng.random() < 0.5,
            "dust": True,
        }
    elif style == "whiteboard":
        rim = rng.choice(([190, 192, 195], [165, 168, 172], [215, 217, 220], [60, 60, 64]))
        wide = max(3, round(min(width, height) * rng.uniform(0.015, 0.045)))
        scene["frame"] = {"width": wide, "colour": rim, "chalk": rng.random() < 0.5, "dust": False}
    shape = _shape(rng, style, lines, ink, ink_name, back)
    scene["shape"] = shape
    if shape and style != "neon":
        boxy = shape["kind"] in ("rectangle", "rounded rectangle", "pill")
        fits = {"hole": shape["kind"] == "tag", "screws": boxy, "gloss": boxy}
        scene["trim"] = [trim for trim in rng.choice(_TRIMS[style]) if fits.get(trim, True)]
    on_sign = bool(shape) and style != "neon"
    scene["backdrop"] = choose_backdrop(rng, style, back, on_sign, (width, height))
    _place(rng, scene, shape, _measure(lines, effects))
    return scene

"""How screens look: the variants of each control, and colours by role."""

from __future__ import annotations

import random
from typing import Any

from ..colours import RGB, contrast, ink_on, mix, shade
from .words import Plan

ACCENTS = ("blue", "green", "red", "orange", "purple", "pink", "cyan", "yellow", "brown")


SOLID = ("flat", "material", "dark", "bootstrap", "app")
"""Styles whose buttons are areas of colour."""


def choose_look(rng: random.Random, style: str, unit: float) -> dict[str, Any]:
    """How things are drawn: outlines, corners, shadows, the variants of each control."""
    plain = style in ("wireframe", "blueprint", "sketch", "classic")
    return {
        "weight": round(unit * rng.uniform(0.8, 1.7 if plain else 1.1), 2),
        "radius": 0 if style == "classic" else rng.choice((0, 0, 0.5) if plain else (0, 0.5, 0.8, 1.3)),
        "pill": style in ("app", "material", "dark", "flat") and rng.random() < 0.3,
        "shadow": round(rng.uniform(2, 4)) if style == "material" or (style == "app" and rng.random() < 0.4) else 0,
        "lift": style == "material", "rules": plain or rng.random() < 0.3, "card_line": plain or rng.random() < 0.6,
        "fills": style not in ("wireframe", "blueprint", "sketch") or (style == "wireframe" and rng.random() < 0.4),
        "underline": style == "material" and rng.random() < 0.5, "inside": rng.random() < 0.3,
        "image": "cross" if plain or rng.random() < 0.35 else "icon", "tab": rng.choice(("line", "box")),
        "wobble": round(unit * rng.uniform(0.6, 1.1), 2) if style == "sketch" else 0, "bevel": style == "classic",
        "striped": rng.random() < 0.4, "grid": rng.random() < 0.4, "solid_arrow": rng.random() < 0.5,
        "pad": round(rng.uniform(1.2, 2.2), 2), "caps": style == "material" and rng.random() < 0.35,
        "depth": rng.choices(("", "gloss", "foot", "inner"), (70, 12, 10, 8))[0] if style in SOLID else "",
        "mark": round(rng.uniform(0.7, 2.2), 2), "tick": rng.choice(("tick", "tick", "tick", "cross", "square")),
    }  # fmt: skip


def gray_level(rng: random.Random, low: int, high: int) -> RGB:
    """A gray between two levels."""
    v = rng.randint(low, high)
    return v, v, v


def choose_palette(rng: random.Random, style: str) -> tuple[dict[str, RGB], dict[str, str], str]:
    """The colours by role, the names of those that have one, and the theme ("" where it is moot)."""
    names: dict[str, str] = {}
    dark = style == "dark" or (style in ("flat", "material", "app", "bootstrap") and rng.random() < 0.2)
    if style == "blueprint":
        page = (rng.randint(12, 40), rng.randint(50, 85), rng.randint(125, 180))
        white = (255, 255, 255) if rng.random() < 0.6 else (225, 238, 255)
        pal = dict.fromkeys(("line", "ink", "primary", "link"), white) | dict.fromkeys(("page", "panel", "field"), page)
        pal |= {"off": page, "picture": mix(page, white, 0.12), "header": mix(page, white, rng.choice((0, 0.15)))}
        pal |= {"bar": mix(page, white, 0.5), "hint": mix(page, white, 0.8), "head": mix(page, white, 0.2)}
        pal |= {"side": pal["header"], "footer": pal["header"]}
        return pal, {"page": "blue", "primary": "white"}, ""
    if dark:
        page = rng.choice((gray_level(rng, 12, 34), (13, 17, 30), (24, 26, 40), (15, 23, 42)))
        panel, ink = mix(page, (255, 255, 255), rng.uniform(0.05, 0.12)), gray_level(rng, 225, 255)
    else:
        page = rng.choice(((255, 255, 255), (248, 249, 250), gray_level(rng, 238, 250), (245, 247, 251)))
        panel, ink = (255, 255, 255), rng.choice(((0, 0, 0), (33, 37, 41), (51, 51, 51), (30, 41, 59)))
        if style in ("flat", "wireframe", "app", "bootstrap") and rng.random() < 0.15:
            page = gray_level(rng, 185, 230)
            panel = rng.choice((panel, page, mix(page, (255, 255, 255), 0.5)))
        elif style == "app" and rng.random() < 0.4:
            page = mix(shade(rng, rng.choice(ACCENTS)), (255, 255, 255), 0.85)
    choices: tuple[str, ...] = ("black", "gray", "gray", "blue") if style == "wireframe" else ACCENTS
    if style == "bootstrap":
        choices = ("blue", "blue", "green", "red", "cyan", "yellow", "purple")
    primary = rng.choice(choices)
    while contrast(accent := shade(rng, primary), panel) < 1.5:
        primary = rng.choice(choices)
    names["primary"] = primary
    pal = {
        "page": page, "panel": panel, "ink": ink, "primary": accent, "field": mix(panel, page, 0.5),
        "line": mix(panel, ink, rng.uniform(0.55, 0.95) if style in ("wireframe", "sketch") else rng.uniform(0.2, 0.4)),
        "bar": mix(panel, ink, rng.uniform(0.18, 0.3)), "hint": mix(panel, ink, 0.68), "off": mix(panel, ink, 0.24),
        "picture": mix(panel, ink, rng.uniform(0.08, 0.25)), "head": mix(panel, ink, rng.uniform(0.08, 0.2)),
        "link": accent if contrast(accent, page) > 3.4 and contrast(accent, panel) > 3.4 else ink,
    }  # fmt: skip
    if style == "app" and not dark:
        pal["picture"] = mix(shade(rng, rng.choice(ACCENTS)), (255, 255, 255), 0.45)
    if style == "sketch":
        pal |= {"page": (255, 255, 255) if rng.random() < 0.5 else (252, 250, 242), "off": pal["panel"]}
    if style == "classic":
        pal |= dict.fromkeys(("page", "panel", "side", "footer", "head"), (192, 192, 192))
        pal |= {"field": (255, 255, 255), "ink": (0, 0, 0), "hint": (70, 70, 70), "line": (90, 90, 90)}
        pal |= {
            "primary": (0, 0, 128),
            "link": (0, 0, 128),
            "header": (0, 0, 128),
            "bar": (140, 140, 140),
            "off": (128, 128, 128),
        }
        return pal, {"primary": "blue", "header": "blue", "page": "gray", "side": "gray", "footer": "gray"}, ""
    for role in ("header", "side", "footer"):
        name = rng.choice(("white", "black", "gray", primary, primary, rng.choice(ACCENTS)))
        name = rng.choice(("white", "gray", "black")) if style in ("wireframe", "sketch") else name
        if name == "white" and dark:
            name = "black"
        if role != "header" and rng.random() < 0.5:
            pal[role] = mix(page, ink, 0.06)
            continue
        pal[role], names[role] = shade(rng, name), name
    return pal, names, "dark" if dark else "light"


def paint_button(rng: random.Random, role: int, style: str, pal: dict[str, RGB], names: dict[str, str]) -> Plan:
    """Fill, outline, ink and colour name of the `role`-th button (0 is the primary one)."""
    base = pal["panel"]
    fill: RGB | None
    if style == "classic":
        return {"fill": (192, 192, 192), "line": None, "ink": (0, 0, 0), "colour": "gray"}
    if role == 0 and rng.random() < 0.92:
        fill, colour = pal["primary"], names["primary"]
    else:
        mono = style in ("wireframe", "sketch", "blueprint")
        colours = ("gray", "black", "white") if mono else (*ACCENTS, "gray", "gray", "white", "black")
        colour = rng.choice(colours) if rng.random() < (0.5 if mono else 0.75) else ""
        if style == "blueprint" or colour == names["primary"]:
            colour = ""
        fill = shade(rng, colour) if colour else None
        if fill and contrast(fill, base) < 1.35:
            colour = "" if colour != "white" else colour
            fill = fill if colour else None
    line = None if fill and colour != "white" and rng.random() < 0.7 else pal["line"]
    return {"fill": fill, "line": line, "ink": ink_on(rng, fill) if fill else pal["ink"], "colour": colour}

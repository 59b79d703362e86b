"""How charts look: the furniture of each style, fonts, colours."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

from ..base import font_files, pick_font
from ..colours import CHROMATIC, RGB, contrast, mix, shade
from .words import HELD_OUT_STYLES

PALETTES: dict[str, tuple[tuple[RGB, str], ...]] = {
    "tab10": (
        ((31, 119, 180), "blue"), ((255, 127, 14), "orange"), ((44, 160, 44), "green"), ((214, 39, 40), "red"),
        ((148, 103, 189), "purple"), ((140, 86, 75), "brown"), ((227, 119, 194), "pink"), ((127, 127, 127), "gray"),
        ((188, 189, 34), ""), ((23, 190, 207), "cyan"),
    ),
    "excel": (
        ((68, 114, 196), "blue"), ((237, 125, 49), "orange"), ((165, 165, 165), "gray"), ((255, 192, 0), ""),
        ((91, 155, 213), "blue"), ((112, 173, 71), "green"), ((158, 72, 14), "brown"), ((99, 99, 99), "gray"),
    ),
    "excel2003": (
        ((79, 129, 189), "blue"), ((192, 80, 77), "red"), ((155, 187, 89), "green"), ((128, 100, 162), "purple"),
        ((75, 172, 198), ""), ((247, 150, 70), "orange"), ((127, 127, 127), "gray"),
    ),
    "ggplot": (
        ((248, 118, 109), ""), ((0, 186, 56), "green"), ((97, 156, 255), "blue"), ((245, 100, 227), "pink"),
        ((183, 159, 0), ""), ((0, 191, 196), "cyan"),
    ),
    "tableau": (
        ((78, 121, 167), "blue"), ((242, 142, 43), "orange"), ((225, 87, 89), "red"), ((118, 183, 178), ""),
        ((89, 161, 79), "green"), ((237, 201, 72), "yellow"), ((176, 122, 161), "purple"), ((255, 157, 167), "pink"),
        ((156, 117, 95), "brown"), ((186, 176, 172), "gray"),
    ),
    "seaborn": (
        ((76, 114, 176), "blue"), ((221, 132, 82), "orange"), ((85, 168, 104), "green"), ((196, 78, 82), "red"),
        ((129, 114, 179), "purple"), ((147, 120, 96), "brown"), ((218, 139, 195), "pink"), ((140, 140, 140), "gray"),
    ),
    "google": (
        ((66, 133, 244), "blue"), ((219, 68, 55), "red"), ((244, 180, 0), ""), ((15, 157, 88), "green"),
        ((171, 71, 188), "purple"), ((0, 172, 193), "cyan"), ((255, 112, 67), "orange"),
    ),
    "pastel": (
        ((150, 190, 235), "blue"), ((250, 180, 110), "orange"), ((150, 215, 145), "green"), ((190, 165, 220), "purple"),
        ((250, 175, 205), "pink"), ((250, 228, 120), "yellow"), ((190, 190, 190), "gray"), ((240, 128, 128), ""),
    ),
}  # fmt: skip
_BY_STYLE = {
    "matplotlib": ("tab10", "seaborn", "tab10"),
    "ggplot": ("ggplot", "tableau"),
    "excel": ("excel", "excel2003"),
    "pastel": ("pastel", "pastel", "pastel"),
    "minimal": ("tableau", "google"),
    "dashboard": ("google", "tableau"),
    "newspaper": ("tableau", "seaborn"),
}


def choose_look(rng: random.Random, style: str) -> dict[str, Any]:
    """Colours and furniture of a style, with the freedom its real users take."""
    ink = rng.choice(((0, 0, 0), (40, 40, 40), (33, 37, 41)))
    look: dict[str, Any] = {
        "page": (255, 255, 255), "plot": (255, 255, 255), "panel": None, "ink": ink, "axis": ink,
        "grid": (205, 205, 205), "grid_p": 0.5, "grid_both": False, "dash": False, "spines": "L", "tick_marks": False,
        "outline": None, "bar_radius": 0.0, "shadow": False, "card": False, "border": False, "legend_frame": False,
        "radius": 0, "rule": ink,
    }  # fmt: skip
    if style == "matplotlib":
        look |= {
            "spines": rng.choice(("box", "box", "L")), "tick_marks": True, "legend_frame": rng.random() < 0.7,
            "grid_both": rng.random() < 0.6, "dash": rng.random() < 0.4, "outline": rng.choice((None, None, (0, 0, 0))),
            "radius": 4, "grid_p": 0.4,
        }  # fmt: skip
    elif style == "ggplot":
        gray = rng.randint(225, 238)
        look |= {
            "panel": (gray, gray, gray), "grid": (255, 255, 255), "spines": "none", "ink": (60, 60, 60),
            "axis": (90, 90, 90), "tick_marks": rng.random() < 0.7, "grid_both": rng.random() < 0.8, "grid_p": 0.85,
        }  # fmt: skip
    elif style == "excel":
        look |= {
            "ink": rng.choice(((89, 89, 89), (0, 0, 0))), "axis": (190, 190, 190), "grid": (217, 217, 217),
            "spines": rng.choice(("bottom", "bottom", "L")), "border": rng.random() < 0.6, "grid_p": 0.75,
            "shadow": rng.random() < 0.15,
        }  # fmt: skip
    elif style == "minimal":
        page = rng.choice(((255, 255, 255), (250, 250, 250), (248, 249, 250)))
        look |= {
            "page": page, "plot": page, "axis": (130, 130, 130), "grid": (228, 228, 228),
            "spines": rng.choice(("bottom", "none", "L")), "grid_p": 0.3,
        }  # fmt: skip
    elif style == "dark":
        page = rng.choice(((0, 0, 0), (18, 18, 18), (30, 30, 46), (17, 24, 39), (38, 50, 56), (40, 44, 52)))
        look |= {
            "page": page, "plot": page, "ink": rng.choice(((255, 255, 255), (230, 230, 230))), "axis": (170, 170, 170),
            "grid": mix(page, (255, 255, 255), 0.22), "spines": rng.choice(("box", "L", "none", "bottom")),
            "tick_marks": rng.random() < 0.4, "grid_both": rng.random() < 0.4, "dash": rng.random() < 0.3,
        }  # fmt: skip
    elif style == "pastel":
        page = rng.choice(((255, 248, 240), (240, 248, 255), (245, 255, 245), (253, 244, 255), (255, 250, 225)))
        look |= {
            "page": page, "plot": page, "axis": (150, 140, 140), "grid": mix(page, (120, 110, 120), 0.2),
            "ink": (70, 60, 80), "bar_radius": rng.choice((0.0, 0.1, 0.2)), "radius": 8,
            "spines": rng.choice(("bottom", "none", "L")), "outline": rng.choice((None, None, (70, 60, 80))),
        }  # fmt: skip
    elif style == "dashboard":
        page = rng.choice(((236, 240, 241), (225, 232, 240), (240, 240, 240), (214, 222, 230)))
        look |= {
            "page": page, "card": True, "radius": rng.choice((0, 6, 12)), "bar_radius": rng.choice((0.0, 0.1, 0.2)),
            "axis": (160, 170, 180), "grid": (226, 230, 234), "ink": (44, 62, 80),
            "spines": rng.choice(("none", "bottom")),
        }  # fmt: skip
    elif style == "schoolbook":
        look |= {
            "outline": (0, 0, 0), "axis": (0, 0, 0), "ink": (0, 0, 0),
            "grid": rng.choice(((150, 150, 150), (160, 200, 230))), "grid_both": rng.random() < 0.5,
            "tick_marks": rng.random() < 0.5, "border": rng.random() < 0.3, "spines": rng.choice(("L", "box")),
            "shadow": rng.random() < 0.25, "legend_frame": rng.random() < 0.5,
        }  # fmt: skip
    elif style == "sketch":
        look |= {
            "outline": (0, 0, 0), "axis": (0, 0, 0), "ink": (0, 0, 0), "legend_frame": True, "tick_marks": True,
            "spines": "L", "grid_p": 0.35,
        }  # fmt: skip
    else:
        cream = rng.choice(((250, 243, 224), (253, 246, 227), (247, 239, 220), (255, 241, 229)))
        look |= {
            "page": cream, "plot": cream, "grid": (200, 190, 170), "axis": (60, 50, 40), "ink": (30, 25, 20),
            "rule": rng.choice(((200, 30, 30), (20, 20, 20))), "spines": "bottom", "grid_p": 0.7,
        }  # fmt: skip
    return look


def choose_fonts(rng: random.Random, style: str) -> tuple[str, str]:
    """A text face and a face for the title (its bold cut, where there is one)."""
    held_out = style in HELD_OUT_STYLES
    wanted = {"sketch": "Comic", "newspaper": "C059|FreeSerif"}.get(style, "")
    face = ""
    for _ in range(12):
        face = pick_font(rng, held_out, plain=not held_out and rng.random() < 0.8)
        if re.search(wanted, face) and not re.search(
            r"Thin|Hairline|Light|Z003|Chancery|Ultra|Ita|Obl", Path(face).name
        ):
            break
    bold = re.sub(r"-(Regular|Roman|Book|R)\.", "-Bold.", face)
    return face, bold if bold in font_files(held_out) and rng.random() < 0.6 else face


def choose_colours(rng: random.Random, count: int, style: str, back: RGB, least: float) -> list[tuple[RGB, str]]:
    """`count` colours that stand out from `back`; a name used twice is no name and becomes ""."""
    chosen: list[tuple[RGB, str]] = []
    if rng.random() < 0.5 and style in _BY_STYLE:
        palette = list(PALETTES[rng.choice(_BY_STYLE[style])])
        if rng.random() < 0.6:
            rng.shuffle(palette)
        chosen = [entry for entry in palette if contrast(entry[0], back) >= least][:count]
    if len(chosen) < count:
        names = [*CHROMATIC, "gray"] + (["black"] if sum(back) > 380 else [])
        chosen = []
        while len(chosen) < count:
            name = names.pop(rng.randrange(len(names)))
            rgb = next((c for c in (shade(rng, name) for _ in range(6)) if contrast(c, back) >= least), None)
            if rgb is not None:
                chosen.append((rgb, name))
            elif not names:
                names = ["blue", "red", "green"]
    names_seen = [name for _, name in chosen]
    return [(rgb, name if names_seen.count(name) == 1 else "") for rgb, name in chosen]

"""Composes a screen: its device, its blocks, and what surrounds them."""

from __future__ import annotations

import random

from ..base import Scene, pick_font
from ..colours import COLOURS, contrast, mix, shade
from .layout import lay_out
from .look import ACCENTS, choose_look, choose_palette, gray_level, paint_button
from .screens import blocks_of, items_of, one_active, some_of
from .words import (
    BRANDS,
    FOOTERS,
    GREETINGS,
    HELD_OUT_STYLES,
    LINKS,
    MENU,
    NAMES,
    PRODUCTS,
    SCREENS,
    TABS,
    TITLES,
    Plan,
)

_FAINT = "Hairline|Thin|Light"
"""Fonts that are too faint at the size of labels."""


def _paint_all(rng: random.Random, blocks: list[Plan], scene: Scene) -> None:
    """Gives every button its colours, and dashboard cards a fill now and then."""
    style, pal, names = scene["style"], scene["pal"], scene["names"]
    tinted = style in ("app", "flat", "bootstrap") and rng.random() < 0.4
    for block in blocks:
        for inner in (block.get("items", []), [block["button"]] if "button" in block else []):
            for item in inner:
                if "role" in item:
                    item["paint"] = paint_button(rng, item["role"], style, pal, names)
                    if scene["look"]["caps"]:
                        item["label"] = item["label"].upper()
                elif "value" in item and block["block"] == "cards" and tinted:
                    item["fill"] = shade(rng, rng.choice(ACCENTS))
        if block["block"] == "split":
            _paint_all(rng, block["items"], scene)


def _plan(rng: random.Random, scene: Scene, title: str) -> Plan:
    """The screen's blocks and what surrounds them."""
    screen, style = scene["screen"], scene["style"]
    names, phone = scene["names"], scene["device"] == "phone"
    small = screen in ("components", "dialog")
    blocks = blocks_of(rng, screen, title)
    _paint_all(rng, blocks, scene)
    plan: Plan = {
        "area": scene["area"], "blocks": blocks, "header": None, "sidebar": None, "footer": None, "bottom": None,
        "dialog": "", "panel": False, "narrow": 0, "middle": False, "margin": rng.uniform(0.5, 1.0),
    }  # fmt: skip
    if rng.random() < (0.3 if screen == "components" else 0.7) or style == "classic":
        wide = not phone and rng.random() < 0.6
        links = some_of(rng, LINKS, 2, 5) if wide else []
        search = "Search" if not phone and rng.random() < 0.3 else ""
        at = rng.randrange(-1, len(links)) if links else -1
        plan["header"] = {
            "colour": names.get("header", ""),
            "logo": rng.choice(BRANDS),
            "icon": phone and rng.random() < 0.4,
            "avatar": style != "classic" and rng.random() < 0.15,
            "search": search,
            "where": rng.choice(("middle", "right")),
            "centre": not links and not search and rng.random() < 0.35,
            "mark": rng.random() < 0.3 and style != "classic",
            "links": [{"label": s, "state": "active" if i == at else "off"} for i, s in enumerate(links)],
            "links_right": rng.random() < 0.7,
        }
    if (
        not small
        and not phone
        and rng.random() < (0.65 if screen in ("dashboard", "settings page", "table page") else 0.3)
    ):
        items = (
            one_active(rng, MENU, rng.randint(2, 6)) if rng.random() < 0.5 else items_of(rng, MENU, rng.randint(2, 6))
        )
        plan["sidebar"] = {"side": rng.choice(("left", "right")), "items": items, "colour": names.get("side", "")}
    if not small and rng.random() < (0.15 if phone else 0.35):
        plan["footer"] = {"label": rng.choice(FOOTERS), "colour": names.get("footer", "")}
    elif phone and not small and rng.random() < 0.3:
        plan["bottom"] = {"items": one_active(rng, TABS, rng.randint(2, 4)), "low": True}
    if plan["header"] and plan["header"]["search"]:
        blocks[:] = [b for b in blocks if b["block"] != "search"]
    roomy = screen in ("settings page", "table page", "article", "gallery page", "profile page")
    if roomy and not plan["bottom"] and rng.random() < 0.35:
        blocks.insert(1, {"block": "tabs", "items": one_active(rng, TABS, rng.randint(2, 4))})
    if screen.endswith("form") or screen in ("survey", "dialog", "music player", "profile page"):
        plan |= {"narrow": rng.uniform(15, 24), "panel": rng.random() < 0.5, "middle": rng.random() < 0.6}
    elif screen == "components":
        plan |= {"narrow": rng.uniform(14, 24), "panel": rng.random() < 0.25, "middle": rng.random() < 0.7}
    if screen == "dialog":
        plan |= {"dialog": title, "panel": True, "middle": True}
        if plan["header"]:
            plan["header"]["colour"] = ""  # dimmed behind the dialog
    return plan


def _frame(rng: random.Random, style: str, device: str, dark: bool) -> Plan:
    """Canvas size, the device or window around the screen, and the area that is left."""
    long_side = rng.randint(300, 620) if rng.random() < 0.93 else rng.randint(620, 960)
    if device == "phone":
        screen_w, screen_h = round(long_side / rng.uniform(1.45, 2.1)), long_side
    elif device == "tablet":
        other = round(long_side / rng.uniform(1.25, 1.42))
        screen_w, screen_h = (other, long_side) if rng.random() < 0.5 else (long_side, other)
    else:
        screen_w, screen_h = long_side, round(long_side / rng.uniform(1.1, 2.0))
    backdrop = shade(rng, rng.choice(COLOURS)) if rng.random() < 0.4 else gray_level(rng, 150, 255)
    kind = "none"
    if device == "tablet" or (device == "phone" and rng.random() < 0.5):
        kind = "device"
    elif style == "sketch" or (device == "desktop" and rng.random() < 0.2):
        kind = "border"
    elif device == "desktop" and style not in ("classic",) and rng.random() < 0.35:
        kind = "browser"
    bezel = long_side * rng.uniform(0.02, 0.035) if kind == "device" else 0
    top = rng.choice((1, 1.6, 2.4)) if kind == "device" else 1
    bar = round(long_side * 0.05) if kind == "browser" else 0
    around = rng.choice((0, 0.01, 0.03)) * long_side if kind != "none" or style == "sketch" else 0
    if kind == "device":
        around = max(4, around)
    x0, y0 = round(around + bezel), round(around + bezel * top + bar)
    dark_case = rng.random() < 0.7 and style not in ("sketch",)
    case = gray_level(rng, 10, 50) if dark_case else gray_level(rng, 235, 255)
    if kind == "device" and contrast(case, backdrop) < 1.5:
        backdrop = gray_level(rng, 130, 200)
    tab = gray_level(rng, 40, 60) if dark else gray_level(rng, 205, 235)
    dots = rng.choice((((237, 106, 94), (245, 191, 79), (98, 197, 84)), (mix(tab, (128, 128, 128), 0.6),) * 3))
    return {
        "size": [screen_w + 2 * x0, screen_h + y0 + round(around + bezel * top)],
        "backdrop": backdrop,
        "area": [x0, y0, x0 + screen_w, y0 + screen_h],
        "frame": {
            "kind": kind, "bezel": bezel, "top": top, "colour": tab if kind == "browser" else case, "height": bar,
            "line": (60, 60, 60) if not dark_case else None, "dots": dots,
        },
    }  # fmt: skip


def compose(rng: random.Random, style: str) -> Scene:
    """A screen in `style`; tries again until everything fits."""
    device = "desktop" if style == "classic" else rng.choices(("phone", "desktop", "tablet"), (42, 42, 16))[0]
    screens = [
        s
        for s in (*SCREENS, "components", "components", "components")
        if style != "classic" or s not in ("settings page", "chat", "music player")
    ]
    pal, names, theme = choose_palette(rng, style)
    screen = rng.choice(screens)
    plain = rng.random() < 0.93
    file = pick_font(rng, style in HELD_OUT_STYLES, plain, _FAINT)
    for attempt in range(40):
        if attempt == 12:
            screen = rng.choice(screens)
        framed = _frame(rng, style, device, theme == "dark")
        long_side = max(framed["size"])
        scene: Scene = {
            "style": style, "screen": screen, "device": device, "theme": theme, "pal": pal, "names": names, **framed,
            "look": choose_look(rng, style, max(1, long_side / 500)), "font": file, "seed": rng.getrandbits(30),
            "scale": 1 if long_side > 640 or rng.random() < 0.3 else 2,
        }  # fmt: skip
        if contrast(pal["panel"], pal["page"]) < 1.12 and not scene["look"]["shadow"]:
            scene["look"]["card_line"] = True  # or nobody could see the cards
        title = rng.choice(NAMES if screen in ("profile page", "chat") else TITLES.get(screen, GREETINGS))
        if screen == "product page":
            title = rng.choice(PRODUCTS)
        elements = lay_out(scene, _plan(rng, scene, title), rng.uniform(0.038, 0.055) * long_side)
        if elements:
            return {**scene, "elements": elements}
        screen = screen if attempt < 30 else "components"
    raise RuntimeError("no layout fits")  # the small scenes of the last attempts fit in practice

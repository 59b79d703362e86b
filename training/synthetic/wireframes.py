"""UI wireframes and mock-ups: screens for phone, tablet and desktop, with their element list.

A screen (login form, dashboard, chat ...) is a list of blocks; `wireframes_draw` finds the places
and draws. Questions are asked about the element list, so nothing unseen is ever asked.
"""

from __future__ import annotations

import json
import random
import re
from typing import Any

from PIL import Image

from .base import COLOURS, QA, RGB, Scene, ask, contrast, ink_on, join, mix, pick_font, plural, say, shade, yes_no
from .wireframes_draw import Element, lay_out, paint
from .wireframes_words import (
    ABSENT,
    BRANDS,
    BUTTONS,
    CHECKS,
    COUNT,
    EXISTS,
    FIELDS,
    FOOTERS,
    GREETINGS,
    LINKS,
    LISTING,
    MENU,
    MESSAGES,
    NAMES,
    OPTIONS,
    PRODUCTS,
    SCREENS,
    SELECTS,
    STATS,
    TABLES,
    TABS,
    TASKS,
    TITLES,
    TOGGLES,
)  # fmt: skip

NAME = "wireframes"
STYLES = ("wireframe", "flat", "material", "dark", "blueprint", "bootstrap", "app")
HELD_OUT_STYLES = ("sketch", "classic")

_ACCENTS = ("blue", "green", "red", "orange", "purple", "pink", "cyan", "yellow", "brown")
_C = "|".join(COLOURS)
FACTS = re.compile(
    rf'(?:{_C}) "[^"]+" button|"[^"]+" is (?:on|off|active|checked|unchecked|selected)|"[^"]+"|'
    r"\d+ (?:buttons?|fields?|cards?|rows?|columns?|tabs?|toggles?|check boxe?s?|radio buttons?|drop-downs?|"
    r"navigation links?|menu items?|messages?|list items?|images?)|"
    rf"(?:left|right) sidebar|(?:{_C}) header|header|footer|search box|chart|progress bar|avatar|"
    rf"phone|tablet|desktop|(?:dark|light) theme|{'|'.join(SCREENS)}"
)
Plan = dict[str, Any]


# --- looks ---------------------------------------------------------------------------------------


def _look(rng: random.Random, style: str, unit: float) -> dict[str, Any]:
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
    }  # fmt: skip


def _grey(rng: random.Random, low: int, high: int) -> RGB:
    v = rng.randint(low, high)
    return v, v, v


def _palette(rng: random.Random, style: str) -> tuple[dict[str, RGB], dict[str, str], str]:
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
        page = rng.choice((_grey(rng, 12, 34), (13, 17, 30), (24, 26, 40), (15, 23, 42)))
        panel, ink = mix(page, (255, 255, 255), rng.uniform(0.05, 0.12)), _grey(rng, 225, 255)
    else:
        page = rng.choice(((255, 255, 255), (248, 249, 250), _grey(rng, 238, 250), (245, 247, 251)))
        panel, ink = (255, 255, 255), rng.choice(((0, 0, 0), (33, 37, 41), (51, 51, 51), (30, 41, 59)))
        if style == "app" and rng.random() < 0.4:
            page = mix(shade(rng, rng.choice(_ACCENTS)), (255, 255, 255), 0.85)
    choices = ("black", "gray", "gray", "blue") if style == "wireframe" else _ACCENTS
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
        pal["picture"] = mix(shade(rng, rng.choice(_ACCENTS)), (255, 255, 255), 0.45)
    if style == "sketch":
        pal |= {"page": (255, 255, 255) if rng.random() < 0.5 else (252, 250, 242), "off": pal["panel"]}
    if style == "classic":
        pal |= dict.fromkeys(("page", "panel", "side", "footer", "head"), (192, 192, 192))
        pal |= {"field": (255, 255, 255), "ink": (0, 0, 0), "hint": (70, 70, 70), "line": (90, 90, 90)}
        pal |= {"primary": (0, 0, 128), "link": (0, 0, 128), "header": (0, 0, 128), "bar": (140, 140, 140),
                "off": (128, 128, 128)}
        return pal, {"primary": "blue", "header": "blue", "page": "gray", "side": "gray", "footer": "gray"}, ""
    for role in ("header", "side", "footer"):
        name = rng.choice(("white", "black", "gray", primary, primary, rng.choice(_ACCENTS)))
        name = rng.choice(("white", "gray", "black")) if style in ("wireframe", "sketch") else name
        if name == "white" and dark:
            name = "black"
        if role != "header" and rng.random() < 0.5:
            pal[role] = mix(page, ink, 0.06)
            continue
        pal[role], names[role] = shade(rng, name), name
    return pal, names, "dark" if dark else "light"


def _paint_button(rng: random.Random, role: int, style: str, pal: dict[str, RGB], names: dict[str, str]) -> Plan:
    """Fill, outline, ink and colour name of the `role`-th button (0 is the primary one)."""
    base = pal["panel"]
    if style == "classic":
        return {"fill": (192, 192, 192), "line": None, "ink": (0, 0, 0), "colour": "gray"}
    if role == 0 and rng.random() < 0.92:
        fill, colour = pal["primary"], names["primary"]
    else:
        mono = style in ("wireframe", "sketch", "blueprint")
        colours = ("gray", "black", "white") if mono else (*_ACCENTS, "gray", "gray", "white", "black")
        colour = rng.choice(colours) if rng.random() < (0.5 if mono else 0.75) else ""
        if style == "blueprint" or colour == names["primary"]:
            colour = ""
        fill = shade(rng, colour) if colour else None
        if fill and contrast(fill, base) < 1.35:
            colour = "" if colour != "white" else colour
            fill = fill if colour else None
    line = None if fill and colour != "white" and rng.random() < 0.7 else pal["line"]
    return {"fill": fill, "line": line, "ink": ink_on(rng, fill) if fill else pal["ink"], "colour": colour}


# --- screens -------------------------------------------------------------------------------------


def _items(rng: random.Random, pool: tuple[str, ...], n: int, on: str = "", p: float = 0.5) -> list[Plan]:
    return [{"label": s, "state": on if on and rng.random() < p else "off"} for s in rng.sample(pool, n)]


def _one_active(rng: random.Random, pool: tuple[str, ...], n: int, state: str = "active") -> list[Plan]:
    chosen, at = rng.sample(pool, n), rng.randrange(n)
    return [{"label": s, "state": state if i == at else "off"} for i, s in enumerate(chosen)]


def _form(rng: random.Random, labels: list[str], area: str = "") -> Plan:
    items: list[Plan] = [{"label": s, "filled": s == "Password" and rng.random() < 0.5} for s in labels]
    if area:
        items.append({"label": area, "area": True})
    return {"block": "fields", "items": items, "columns": rng.choice((1, 1, 2))}


def _buttons(rng: random.Random, labels: list[str]) -> Plan:
    """A row of buttons, the first label being the primary one, in either order."""
    items: list[Plan] = [{"label": s, "role": i} for i, s in enumerate(labels)]
    if rng.random() < 0.5:
        items.reverse()
    return {"block": "buttons", "items": items, "align": rng.choice("lmr"), "full": rng.random() < 0.2,
            "equal": rng.random() < 0.4}  # fmt: skip


def _some(rng: random.Random, pool: tuple[str, ...], low: int, high: int) -> list[str]:
    return rng.sample(pool, rng.randint(low, high))


def _blocks(rng: random.Random, screen: str, title: str) -> list[Plan]:
    """The content of one screen of that kind."""
    head: Plan = {"block": "title", "label": title, "align": rng.choice("llm"), "scale": rng.choice((1.2, 1.4, 1.6))}
    lines: Plan = {"block": "lines", "n": rng.randint(1, 3), "align": "l"}
    chance = rng.random
    match screen:
        case "login form":
            check = [{"block": "choices", "of": "check", "items": _items(rng, ("Remember me", "Keep me signed in",
                      "Stay logged in", "Remember password"), 1, "on")}] if chance() < 0.4 else []  # fmt: skip
            link = [{"block": "link", "label": rng.choice(("Forgot password?", "Need help?", "Reset password"))}]
            first = rng.choice(("Sign in", "Log in", "Login", "Continue"))
            rest = _some(rng, ("Cancel", "Sign up", "Register", "Help"), 0, 1)
            user = rng.choice(("Email", "Username", "User name", "Phone", "User ID", "Email address"))
            return [head, _form(rng, [user, "Password"]), *check, _buttons(rng, [first, *rest]),
                    *link * (chance() < 0.3)]
        case "sign-up form":
            labels = [*rng.sample(("Name", "Email", "Phone", "City", "Username"), rng.randint(1, 3)), "Password"]
            check = [{"block": "choices", "of": "check", "items": _items(rng, ("I agree", "Accept terms",
                      "Send me news", "I am over 18"), 1, "on")}] if chance() < 0.5 else []  # fmt: skip
            first = rng.choice(("Sign up", "Register", "Create account", "Join now", "Join"))
            return [head, _form(rng, labels), *check, _buttons(rng, [first, *_some(rng, ("Cancel", "Back"), 0, 1)])]
        case "contact form":
            labels = _some(rng, ("Name", "Email", "Subject", "Phone", "Company"), 1, 2)
            rest = _some(rng, ("Cancel", "Clear", "Reset", "Attach"), 0, 1)
            return [head, _form(rng, labels, rng.choice(("Message", "Your message", "Comment", "Question"))),
                    _buttons(rng, [rng.choice(("Send", "Submit", "Send message")), *rest])]  # fmt: skip
        case "payment form":
            extra = _some(rng, ("Expiry", "CVC", "Name on card", "Address", "City"), 1, 3)
            rest = _some(rng, ("Cancel", "Back"), 0, 1)
            return [head, _form(rng, ["Card number", *extra]),
                    _buttons(rng, [rng.choice(("Pay", "Pay now", "Place order",
                    "Checkout")), *rest])]  # fmt: skip
        case "settings page":
            n = rng.randint(1, 5)
            toggles = {"block": "choices", "of": "toggle", "items": _items(rng, TOGGLES, n, "on"),
                       "flip": chance() < 0.3, "rule": chance() < 0.4}  # fmt: skip
            select = [{"block": "field", **_select(rng)}] if chance() < 0.3 and n < 4 else []
            foot = [_buttons(rng, _some(rng, ("Save", "Cancel", "Reset", "Apply", "Log out", "Done"), 1, 2))]
            return [head, toggles, *select, *foot * (chance() < 0.65)]
        case "survey":
            radios = {"block": "choices", "of": "radio",
                      "items": _one_active(rng, rng.choice(OPTIONS), rng.randint(2, 4), "on")}
            return [head, radios, _buttons(rng, [rng.choice(("Next", "Submit", "Vote", "Continue")),
                    *_some(rng, ("Back", "Skip"), 0, 1)])]  # fmt: skip
        case "to-do list":
            tasks = {"block": "choices", "of": "check", "items": _items(rng, TASKS, rng.randint(2, 6), "on"),
                     "rule": chance() < 0.4}  # fmt: skip
            return [head, tasks, *[_buttons(rng,
                                            [rng.choice(("Add", "New task", "Add task", "Clear"))])] * (chance() < 0.6)]
        case "contact list":
            people = {"block": "choices", "of": "item", "items": _items(rng, NAMES, rng.randint(2, 6)),
                      "rule": chance() < 0.7}
            top = [{"block": "search", "label": "Search"}] if chance() < 0.6 else []
            return [head, *top, people, *[_buttons(rng,
                                                   [rng.choice(("Add", "Invite", "New contact"))])] * (chance() < 0.4)]
        case "dashboard":
            labels, n = rng.sample(STATS, 4), rng.randint(1, 4)
            cards = [{"label": s, "value": str(v)} for s, v in zip(labels, rng.sample(range(2, 990), n), strict=False)]
            stats = {"block": "cards", "items": cards[:n], "columns": rng.choice((2, n, n)), "align": rng.choice("lm")}
            chart = {"block": "image", "of": "chart", "chart": rng.choice(("bar", "line", "pie")), "h": 3.2}
            more = [chart] * (chance() < 0.7) or [_progress(rng)]
            return [head, stats, *more] if chance() < 0.7 else [head, *more, stats]
        case "table page":
            columns, rows = rng.choice(TABLES)
            n, m = rng.randint(1, 6), rng.randint(2, min(4, len(columns)))
            real = rng.random() < 0.8
            picked = [[first] if real else [] for first in rng.sample(rows, n)]
            table = {"block": "table", "columns": columns[:m], "rows": [r or [" "] for r in picked]}
            top = [{"block": "search", "label": "Search"}] if chance() < 0.3 else []
            foot = [_buttons(rng, _some(rng, ("Add", "New", "Export", "Print", "Filter", "Delete", "Edit"), 1, 2))]
            return [head, *top, table, *foot * (chance() < 0.6)]
        case "product page":
            price = {"block": "price", "label": rng.choice("$$$€£") + str(rng.randint(3, 499))}
            select = [{"block": "field", **rng.choice(({"label": "Size", "value": rng.choice("SML")},
                      {"label": "Quantity", "value": str(rng.randint(1, 5))}))}] * (chance() < 0.3)  # fmt: skip
            buy = rng.sample(("Buy now", "Add to cart", "Add to bag", "Wish list", "Buy"), rng.randint(1, 2))
            return [{"block": "split", "side": {"of": "image"}, "flip": chance() < 0.3,
                     "items": [head, price, *select, _buttons(rng, buy)]}]  # fmt: skip
        case "gallery page":
            n = rng.randint(1, 6)
            cards = [{"label": s} for s in rng.sample(PRODUCTS, n)]
            return [head, {"block": "cards", "items": cards, "columns": rng.choice((2, 3, 3, 4)), "image": True,
                           "align": rng.choice("lm")}]  # fmt: skip
        case "landing page":
            intro = [{**head, "align": "m", "scale": 1.6}, {**lines, "align": "m"},
                     {**_buttons(rng, _some(rng, ("Get started", "Learn more", "Sign up", "Try free", "Contact us",
                      "Download", "Watch demo", "Book now"), 1, 2)), "align": "m"}]  # fmt: skip
            if chance() < 0.35:
                intro = [{"block": "split", "side": {"of": "image"}, "flip": chance() < 0.5,
                          "items": [{**b, "align": "l"} for b in intro]}]  # fmt: skip
            cards = [{"label": s} for s in rng.sample(("Fast", "Secure", "Simple", "Free", "Support", "Teams", "Smart",
                     "Cloud", "Mobile", "Easy", "Reports", "Global"), rng.randint(2, 4))]  # fmt: skip
            return [*intro, *[{"block": "cards", "items": cards, "columns": len(cards), "align": "m",
                               "lines": rng.randint(1, 2)}] * (chance() < 0.55)]  # fmt: skip
        case "article":
            picture = [{"block": "image", "h": rng.uniform(3, 5)}] * (chance() < 0.7)
            text: Plan = {"block": "lines", "n": rng.randint(3, 6)}
            foot = [_buttons(rng, _some(rng, ("Read more", "Share", "Subscribe", "Like", "Comment"), 1, 2))]
            return [head, *picture, text, *foot * (chance() < 0.45)]
        case "profile page":
            many = [f"{rng.randint(2, 980)}" for _ in range(2)]
            stats = [{"label": s, "value": v} for s,
                     v in zip(rng.sample(("Posts", "Friends", "Likes", "Photos"), 2), many,
                     strict=True)]  # fmt: skip
            buttons = _buttons(rng, _some(rng, ("Follow", "Message", "Edit profile", "Call", "Add friend", "Block"), 1,
                                          2))
            side = rng.choice("lm")
            return [{"block": "avatar", "align": side}, {**head, "align": side}, {**lines, "n": 1, "align": side},
                    *[{"block": "cards", "items": stats, "columns": 2, "align": "m"}] * (chance() < 0.5),
                    buttons]  # fmt: skip
        case "chat":
            n = rng.randint(2, 5)
            talk = [{"label": s, "state": rng.choice(("left", "right"))} for s in rng.sample(MESSAGES, n)]
            entry = {"block": "compose_box", "label": rng.choice(("Message...", "Type here", "Write...", "Reply")),
                     "button": {"label": rng.choice(("Send", "Send", "Reply", "Post")), "role": 0}}  # fmt: skip
            return [*[head] * (chance() < 0.7), {"block": "bubbles", "items": talk}, entry]
        case "dialog":
            return [head, {**lines, "n": rng.randint(1, 2)}, _buttons(rng, rng.choice(
                (["Delete", "Cancel"], ["OK"], ["OK", "Cancel"], ["Yes", "No"], ["Save", "Discard"], ["Leave", "Stay"],
                 ["Retry", "Close"], ["Yes", "No", "Cancel"], ["Allow", "Deny"], ["Update", "Later"])))]  # fmt: skip
        case "music player":
            return [{"block": "image", "h": 4.5, "aspect": 1}, {**head, "align": "m"}, _progress(rng),
                    {**_buttons(rng, rng.choice((["Play", "Next"], ["Pause"], ["Play"], ["Back", "Play", "Next"],
                     ["Pause", "Stop"], ["Play", "Shuffle"]))), "align": "m", "full": False}]  # fmt: skip
    pieces = [
        _buttons(rng, _some(rng, BUTTONS, 1, 4)), _form(rng, _some(rng, FIELDS, 1, 3)),
        {"block": "field", **_select(rng)},
        {"block": "choices", "of": "toggle", "items": _items(rng, TOGGLES, rng.randint(1, 3), "on")},
        {"block": "choices", "of": "check", "items": _items(rng, CHECKS, rng.randint(1, 4), "on")},
        {"block": "choices", "of": "radio", "items": _one_active(rng, rng.choice(OPTIONS), rng.randint(2, 3), "on")},
        {"block": "tabs", "items": _one_active(rng, TABS, rng.randint(2, 4))}, {"block": "search", "label": "Search"},
        _progress(rng), {"block": "cards", "items": [{"label": s} for s in _some(rng, PRODUCTS, 1, 3)], "columns": 3,
                         "align": "m", **rng.choice(({"image": True}, {"lines": 1}, {"lines": 2}))},
    ]  # fmt: skip
    return [*[head] * (chance() < 0.4), *rng.sample(pieces, rng.randint(2, 3))]


def _select(rng: random.Random) -> Plan:
    label, values = rng.choice(SELECTS)
    return {"label": label, "value": rng.choice(values)}


def _progress(rng: random.Random) -> Plan:
    return {"block": "progress", "value": rng.choice((10, 20, 25, 30, 50, 60, 70, 75, 80, 90))}


def _paint_all(rng: random.Random, blocks: list[Plan], scene: Scene) -> None:
    """Gives every button its colours, and dashboard cards a fill now and then."""
    style, pal, names = scene["style"], scene["pal"], scene["names"]
    tinted = style in ("app", "flat", "bootstrap") and rng.random() < 0.4
    for block in blocks:
        for inner in (block.get("items", []), [block["button"]] if "button" in block else []):
            for item in inner:
                if "role" in item:
                    item["paint"] = _paint_button(rng, item["role"], style, pal, names)
                    if scene["look"]["caps"]:
                        item["label"] = item["label"].upper()
                elif "value" in item and block["block"] == "cards" and tinted:
                    item["fill"] = shade(rng, rng.choice(_ACCENTS))
        if block["block"] == "split":
            _paint_all(rng, block["items"], scene)


def _plan(rng: random.Random, scene: Scene, title: str) -> Plan:
    """The screen's blocks and what surrounds them."""
    screen, style = scene["screen"], scene["style"]
    names, phone = scene["names"], scene["device"] == "phone"
    small = screen in ("components", "dialog")
    blocks = _blocks(rng, screen, title)
    _paint_all(rng, blocks, scene)
    plan: Plan = {"area": scene["area"], "blocks": blocks, "header": None, "sidebar": None, "footer": None,
                  "bottom": None,
                  "dialog": "", "panel": False, "narrow": 0, "middle": False,
                  "margin": rng.uniform(0.5, 1.0)}  # fmt: skip
    if rng.random() < (0.3 if screen == "components" else 0.7) or style == "classic":
        wide = not phone and rng.random() < 0.6
        links = _some(rng, LINKS, 2, 5) if wide else []
        search = "Search" if not phone and rng.random() < 0.3 else ""
        at = rng.randrange(-1, len(links)) if links else -1
        plan["header"] = {
            "colour": names.get("header", ""), "logo": rng.choice(BRANDS), "icon": phone and rng.random() < 0.4,
            "avatar": style != "classic" and rng.random() < 0.15, "search": search,
            "where": rng.choice(("middle", "right")),
            "centre": not links and not search and rng.random() < 0.35,
            "mark": rng.random() < 0.3 and style != "classic",
            "links": [{"label": s, "state": "active" if i == at else "off"} for i, s in enumerate(links)],
            "links_right": rng.random() < 0.7,
        }  # fmt: skip
    if not small and not phone and rng.random() < (0.65 if screen in ("dashboard", "settings page",
        "table page") else 0.3):
        items = _one_active(rng, MENU, rng.randint(2, 6)) if rng.random() < 0.5 else _items(rng, MENU,
            rng.randint(2, 6))
        plan["sidebar"] = {"side": rng.choice(("left", "right")), "items": items, "colour": names.get("side", "")}
    if not small and rng.random() < (0.15 if phone else 0.35):
        plan["footer"] = {"label": rng.choice(FOOTERS), "colour": names.get("footer", "")}
    elif phone and not small and rng.random() < 0.3:
        plan["bottom"] = {"items": _one_active(rng, TABS, rng.randint(2, 4)), "low": True}
    if plan["header"] and plan["header"]["search"]:
        blocks[:] = [b for b in blocks if b["block"] != "search"]
    if screen in ("settings page", "table page", "article", "gallery page", "profile page") and not plan["bottom"]:
        if rng.random() < 0.35:
            blocks.insert(1, {"block": "tabs", "items": _one_active(rng, TABS, rng.randint(2, 4))})
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
    backdrop = shade(rng, rng.choice(COLOURS)) if rng.random() < 0.4 else _grey(rng, 150, 255)
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
    case = _grey(rng, 10, 50) if dark_case else _grey(rng, 235, 255)
    if kind == "device" and contrast(case, backdrop) < 1.5:
        backdrop = _grey(rng, 130, 200)
    tab = _grey(rng, 40, 60) if dark else _grey(rng, 205, 235)
    dots = rng.choice((((237, 106, 94), (245, 191, 79), (98, 197, 84)), (mix(tab, (128, 128, 128), 0.6),) * 3))
    return {
        "size": [screen_w + 2 * x0, screen_h + y0 + round(around + bezel * top)], "backdrop": backdrop,
        "area": [x0, y0, x0 + screen_w, y0 + screen_h],
        "frame": {"kind": kind, "bezel": bezel, "top": top, "colour": tab if kind == "browser" else case, "height": bar,
                  "line": (60, 60, 60) if not dark_case else None, "dots": dots},
    }  # fmt: skip


def compose(rng: random.Random, style: str) -> Scene:
    device = "desktop" if style == "classic" else rng.choices(("phone", "desktop", "tablet"), (42, 42, 16))[0]
    screens = [s for s in (*SCREENS, "components", "components", "components") if style != "classic" or s not in
               ("settings page", "chat", "music player")]  # fmt: skip
    pal, names, theme = _palette(rng, style)
    screen = rng.choice(screens)
    plain = rng.random() < 0.93
    file = pick_font(rng, held_out=style in HELD_OUT_STYLES, plain=plain)
    while re.search("Hairline|Thin|Light", file):  # too faint at the size of labels
        file = pick_font(rng, held_out=style in HELD_OUT_STYLES, plain=plain)
    for attempt in range(40):
        if attempt == 12:
            screen = rng.choice(screens)
        framed = _frame(rng, style, device, theme == "dark")
        long_side = max(framed["size"])
        scene: Scene = {
            "style": style, "screen": screen, "device": device, "theme": theme, "pal": pal, "names": names, **framed,
            "look": _look(rng, style, max(1, long_side / 500)), "font": file, "seed": rng.getrandbits(30),
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


def draw(scene: Scene) -> Image.Image:
    return paint(scene)


# --- the truth, read off the elements ------------------------------------------------------------


def _of(scene: Scene, *kinds: str) -> list[Element]:
    return [e for e in scene["elements"] if e["kind"] in kinds]


def _labels(elements: list[Element]) -> list[str]:
    return [e["label"] for e in elements]


def _title(scene: Scene) -> str:
    return next((e["label"] for e in _of(scene, "title")), "")


def _moot(scene: Scene) -> set[str]:
    """Kinds that people could see or count differently because something looks like them."""
    lookalikes = {
        "panel": ("card", "modal"), "modal": ("card",), "avatar": ("image",), "chart": ("image",), "item": ("avatar",),
        "tab": ("button", "link"), "menu": ("button",), "search": ("field",), "select": ("field",), "input": ("field",),
        "logo": ("title",), "link": ("tab",), "radio": ("button",), "bubble": ("card",),
    }  # fmt: skip
    moot = {kind for seen, kinds in lookalikes.items() if _of(scene, seen) for kind in kinds}
    return moot | ({"header"} if scene["frame"]["kind"] == "browser" else set())


def _reading_order(elements: list[Element]) -> list[Element]:
    """Top to bottom, then left to right (boxes of one row start at about the same height)."""
    return sorted(elements, key=lambda e: (round(e["box"][1] / 8), e["box"][0]))


def _counts(scene: Scene) -> dict[str, int]:
    """The countable kinds, under the keys of the phrase table."""
    counts = {key: len(_of(scene, key)) for key in COUNT if " " not in key and key not in ("row", "column")}
    tables = _of(scene, "table")
    counts |= {"row": len(tables[0]["rows"]), "column": len(tables[0]["columns"])} if tables else {}
    for kind in ("toggle", "check"):
        if counts[kind]:
            counts[f"{kind} on"] = sum(e["state"] == "on" for e in _of(scene, kind))
            counts[f"{kind} off"] = counts[kind] - counts[f"{kind} on"]
    return counts


_NOUN = {
    "button": "button", "field": "field", "select": "drop-down", "check": "check box", "radio": "radio button",
    "toggle": "toggle", "card": "card", "tab": "tab", "item": "list item", "link": "navigation link",
    "menu": "menu item",
    "bubble": "message", "image": "image", "search": "search box", "chart": "chart", "progress": "progress bar",
    "avatar": "avatar", "table": "table", "header": "header", "footer": "footer", "sidebar": "sidebar",
    "title": "title", "lines": "text",
}  # fmt: skip


def captions(scene: Scene, rng: random.Random) -> dict[str, str]:
    screen = scene["screen"] if scene["screen"] != "components" else "set of UI components"
    device, theme, title = scene["device"], scene["theme"], _title(scene)
    buttons = _reading_order(_of(scene, "button"))
    themed = f" with a {theme} theme" if theme else ""
    text = [say(rng, "[A {s} for {d}|A {d} {s}|The picture shows a {s} on {d}|{d} screen: a {s}]{t}.",
                s=screen, d=device, t=themed)]  # fmt: skip
    if title:
        text.append(say(rng, '[The title is {x}|The heading reads {x}|It is titled {x}|At the top it says {x}].',
                        x=f'"{title}"'))
    parts = []
    if buttons:
        named = [f'{e["colour"] + " " if e["colour"] else ""}"{e["label"]}" button' for e in buttons]
        parts.append(f"{len(buttons)} {plural('button', len(buttons))} ({', '.join(named)})")
    for kind in ("field", "tab", "menu", "link", "card", "item", "radio", "toggle", "check", "bubble", "select"):
        if found := _of(scene, kind):
            noun = "check boxes" if kind == "check" and len(found) > 1 else plural(_NOUN[kind], len(found))
            states = {"toggle": ("on", "off"), "check": ("checked", "unchecked")}.get(kind)
            labels = [f'"{e["label"]}"' for e in found[:5]]
            if states:
                labels = [f'"{e["label"]}" is {states[e["state"] != "on"]}' for e in found[:5]]
            elif kind in ("tab", "radio"):
                labels = [f'"{e["label"]}"' + (f" is {'active' if kind == 'tab' else 'selected'}"
                          if e["state"] in ("active", "on") else "") for e in found]  # fmt: skip
            parts.append(f"{len(found)} {noun} ({', '.join(labels)})" if kind != "bubble" else f"{len(found)} {noun}")
    if tables := _of(scene, "table"):
        rows, columns = len(tables[0]["rows"]), len(tables[0]["columns"])
        parts.append(f"a table of {rows} {plural('row', rows)} and {columns} columns")
    if parts:
        text.append(say(rng, "[It has|It contains|It shows|On it: ] {x}.", x=join(parts[:4])))
    around = [f"{e['colour'] + ' ' if e['colour'] else ''}header" for e in _of(scene, "header")]
    around += [f"{e['state']} sidebar" for e in _of(scene, "sidebar")]
    around += [_NOUN[k] for k in ("footer", "search", "chart", "progress", "avatar") if _of(scene, k)]
    if around:
        logo = [f' with the logo "{e["label"]}"' for e in _of(scene, "logo")]
        around[0] += logo[0] if logo else ""
        text.append(say(rng, "[Also|There is also|Further]: {x}.", x=join(around)))
    some = join([f'"{s}"' for s in _labels(buttons)[:3]]) if buttons else ""
    what = say(rng, "[{d} {s}|{s} on a {d}|{s} for {d}]", d=device, s=screen)
    short = f'{what} titled "{title}"' if title and rng.random() < 0.6 else what
    alt = what + (f', titled "{title}"' if title else "") + (f", with the {plural('button', len(buttons))} {some}"
                                                             if some else "")
    tags = [screen, device, say(rng, "[wireframe|mock-up|user interface|UI]"), *([f"{theme} theme"] if theme else []),
            *(_NOUN[k] for k in ("button", "field", "table", "sidebar", "card", "chart", "toggle")
              if _of(scene, k))]  # fmt: skip
    return {"short": short[0].upper() + short[1:], "detailed": " ".join(t[0].upper() + t[1:] for t in text),
            "alt": alt[0].upper() + alt[1:] + ".", "tags": ", ".join(tags)}  # fmt: skip


# --- questions -----------------------------------------------------------------------------------

_THE = '[the "{x}" {n}|the {x} {n}|the {n} labelled {x}|the {n} "{x}"|the {n} that says {x}]'


def _case(label: str) -> tuple[str, ...]:
    return tuple(sorted({label.lower(), label.upper(), label.capitalize()} - {label}))


def _about_counts(scene: Scene, rng: random.Random, counts: dict[str, int]) -> list[QA]:
    moot = _moot(scene) - ({"button"} if not _of(scene, "radio") else set()) - {"tab", "link"}
    keys = [k for k in counts if (counts[k] or " " in k) and k not in moot]
    present = [k for k in keys if " " not in k and k not in ("row", "column", "bubble", "image")]
    # one and, for buttons, two are by far the most common numbers: ask for them less often
    keys = [k for k in keys if k != "button" or counts[k] != 2 or rng.random() < 0.55]
    keys = [k for k in keys if (counts[k] != 1 or rng.random() < 0.4)]
    out = []
    for key in rng.sample(keys, min(3, len(keys))):
        words, n = COUNT[key], counts[key]
        out.append(ask(rng, "count", (
            f"How many {words} are there?",
            f"How many {words} [are shown|can you see|does the screen have|do you see]?",
            f"[Count the|Number of|What is the number of|Total number of] {words}?", f"Count the {words}.",
            f"How many {words}?", f"How many {words} are [on the screen|on this page|visible|in this design]?",
            f"Give me the number of {words}.",
            f"How many {words} does [this UI|this page|the interface|it] [contain|have]?"),
            n, f"There {'is' if n == 1 else 'are'} {{answer}} {words.split('|')[0].strip('[')}."
            if n != 1 else "The number is {answer}."))  # fmt: skip
    if len(present) > 1:
        a, b = rng.sample(present, 2)
        if counts[a] != counts[b]:
            na, nb = (plural(_NOUN[k]) for k in (a, b))
            more = rng.random() < 0.5
            winner = na if (counts[a] > counts[b]) == more else nb
            word = "more" if more else "fewer"
            out.append(ask(rng, "comparison", (
                "Are there {w} {a} or {b}?", "Which are there {w} of, {a} or {b}?", "What is there {w} of: {a} or {b}?",
                "{a} or {b}: which [are there {w} of|are {w}]?", "Does the screen have {w} {a} or {w} {b}?"),
                winner, "There are {w} {answer}.", w=word, a=na, b=nb))  # fmt: skip
    return out


def _about_buttons(scene: Scene, rng: random.Random) -> list[QA]:
    out: list[QA] = []
    buttons = _of(scene, "button")
    if not buttons:
        return out
    coloured = [e for e in buttons if e["colour"]]
    for e in rng.sample(coloured, min(2, len(coloured))):
        out.append(ask(rng, "colour", (
            f"What [colour|color] is {_THE}?", f"What is the [colour|color] of {_THE}?",
            f"Which [colour|color] is {_THE}?",
            "[Colour|Color] of the {x} button?", "What [colour|color] does the {x} button have?",
            "Name the [colour|color] of the {x} button."), e["colour"], "The {x} button is {answer}.",
            accept=("grey",) if e["colour"] == "gray" else (), x=e["label"], n="button"))  # fmt: skip
    read = ("What does {p} say?", "What is [the label|the text|written|the caption] on {p}?", "Read {p}.",
            "What is {p} labelled?", "What text is on {p}?", "Which label does {p} have?")  # fmt: skip
    says = "It says {answer}."
    unique = [e for e in coloured if sum(b["colour"] == e["colour"] for b in buttons) == 1]
    if unique:
        e = rng.choice(unique)
        out.append(ask(rng, "reading", (*read, "Which button is {c}?"), e["label"], "The {c} button says {answer}.",
                       _case(e["label"]), p=f"the {e['colour']} button", c=e["colour"]))  # fmt: skip
    if len(buttons) == 1:
        out.append(ask(rng, "reading", read, buttons[0]["label"], says, _case(buttons[0]["label"]), p="the button"))
        return out
    listing = _reading_order(buttons)
    out.append(ask(rng, "list", (*LISTING, "What buttons [are there|does the screen have]?",
                                 "What do the buttons say?"),
                   ", ".join(_labels(listing)), "The buttons are {answer}.", w="buttons"))  # fmt: skip
    a, b = rng.sample(buttons, 2)
    (ax, ay), (bx, by) = (((e["box"][0] + e["box"][2]) / 2, (e["box"][1] + e["box"][3]) / 2) for e in (a, b))
    row = abs(ay - by) < 4
    one, other = ("left", "right") if row else ("above", "below")
    side = one if (ax < bx if row else ay < by) else other
    last = max(buttons, key=lambda e: (e["box"][0] if row else e["box"][1]))
    first = min(buttons, key=lambda e: (e["box"][0] if row else e["box"][1]))
    ends = (("leftmost", first), ("rightmost", last)) if row else (("top", first), ("bottom", last))
    if len({round(e["box"][1 if row else 0] / 6) for e in buttons}) == 1:
        word, e = rng.choice(ends)
        near = word.removesuffix("most")
        if row:
            names = f"[the {word} button|the button on the {near}|the {near} button|the button furthest {near}]"
        else:
            up = "upper" if word == "top" else "lower"
            names = f"[the {word} button|the button at the {word}|the {up}most button]"
        out.append(ask(rng, "superlative",
                       (f"Which button is [the {word}|{'furthest ' + near if row else 'at the ' + near}]?",
                       f"What is {names}?", f"What does {names} say?", f"Read {names}.",
                        f"What is the label of {names}?"),
                       e["label"], "It is {answer}.", _case(e["label"])))  # fmt: skip
    words = {"x": a["label"], "y": b["label"], "o": one, "p": other}
    if row:
        out.append(ask(rng, "relation", ("Is the {x} button to the {o} or {p} of the {y} button?",
                       "On which side of {y} is {x}?", "Where is {x} relative to {y}, {o} or {p}?",
                       "Is {x} {o} or {p} of {y}?", "Which side of the {y} button is the {x} button on?"), side,
                       "The {x} button is to the {answer} of {y}.", ("to the " + side, side + " of"),
                       **words))  # fmt: skip
    else:
        out.append(ask(rng, "relation", ("Is {x} above or below {y}?",
                                         "Is the {x} button above or below the {y} button?",
                       "Where is {x} relative to {y}, above or below?", "Is {x} over or under {y}: above or below?"),
                       side,
                       "The {x} button is {answer} {y}.", **words))  # fmt: skip
    if rng.random() < 0.5:
        claim = side if rng.random() < 0.5 else ({one, other} - {side}).pop()
        where = f"to the {claim} of" if row else claim
        out.append(ask(rng, "yes_no", ("Is the {x} button {w} the {y} button?", "Is {x} {w} {y}?",
                                       "Is {x} [placed|located] {w} {y}?"),
                       yes_no(claim == side), w=where, **words))  # fmt: skip
    return out


def _about_states(scene: Scene, rng: random.Random) -> list[QA]:
    out: list[QA] = []
    for kind, on, off, noun in (("toggle", "on", "off", "toggle"), ("check", "checked", "unchecked", "check box")):
        found = _of(scene, kind)
        if not found:
            continue
        e = rng.choice(found)
        state = on if e["state"] == "on" else off
        words: dict[str, Any] = {"x": e["label"], "n": rng.choice((noun, "switch")) if kind == "toggle" else noun}
        if rng.random() < 0.5:
            wanted = rng.random() < 0.5
            match = [f for f in found if (f["state"] == "on") == wanted] or [e]
            f = rng.choice(match)
            out.append(ask(rng, "yes_no", (f"Is {_THE} {{s}}?", "Is {x} {s}?", "Is {x} [turned {s}|currently {s}]?"
                           if kind == "toggle" else "Is {x} [{s}|currently {s}]?"), yes_no(f["state"] == "on"),
                           s=rng.choice(("on", "enabled", "switched on")) if kind == "toggle" else
                           rng.choice(("checked", "ticked", "selected")), n=words["n"], x=f["label"]))  # fmt: skip
        else:
            out.append(ask(rng, "attribute", (f"Is {_THE} {on} or {off}?", f"Is {{x}} {on} or {off}?",
                           f"What state is {_THE} in?", f"What is the state of {_THE}?", f"{{x}}: {on} or {off}?"),
                           state,
                           "{x} is {answer}.", ("not checked", "not ticked") if state == "unchecked" else (),
                           **words))  # fmt: skip
        if len(found) > 1:
            want_on = rng.random() < 0.5
            chosen = [f["label"] for f in found if (f["state"] == "on") == want_on]
            s = on if want_on else off
            out.append(ask(rng, "list", ("Which {w} are {s}?", "List the {w} that are {s}.", "What is {s}?",
                           "Name [the|all] {s} {w}.", "Which [options|items] are {s}?"), ", ".join(chosen) or "none",
                           "{answer}.", w=plural(words["n"]), s=s))  # fmt: skip
    for kind, template in (
        ("tab", ("Which tab is [active|selected|open|highlighted|current]?",
                 "What is the [active|selected|current] tab?",
                 "Name the [active|selected] tab.", "Which tab are we on?", "[Active|Selected] tab?")),
        ("radio", ("Which [option|radio button|choice|answer] is [selected|chosen|picked|checked]?",
                   "What is selected?",
                   "What is the selected [option|choice|radio button]?", "Which choice has been made?")),
        ("menu", ("Which [menu item|sidebar item] is [active|highlighted|selected]?",
                  "What is [highlighted|selected] in the sidebar?", "Which sidebar entry is [active|highlighted]?")),
        ("link", ("Which [nav|navigation] link is [underlined|active]?", "Which link in the header is underlined?",
                  "What is the [active|underlined] navigation link?")),
    ):  # fmt: skip
        for e in _of(scene, kind):
            if e["state"] in ("active", "on"):
                out.append(ask(rng, "attribute", template, e["label"], "{answer} is selected.", _case(e["label"])))
    return out


def _about_text(scene: Scene, rng: random.Random) -> list[QA]:
    out: list[QA] = []

    def read(kind: str, templates: tuple[str, ...], answer: str, **slots: object) -> None:
        out.append(ask(rng, kind, templates, answer, "It says {answer}.", _case(answer), **slots))

    if title := _title(scene):
        read("reading", ("What is the [title|heading|headline]?", "What does the [title|heading|headline] say?",
                         "Read the [title|heading].",
             "What is [the title of this page|the page title|this screen titled]?",
                         "What is the [main heading|big text]?",
             "[Title|Heading]?", "What [heading|title] is shown?"), title)  # fmt: skip
    for e in _of(scene, "logo"):
        read("reading", ("What is the [logo|brand|brand name|site name|app name]?", "What does the logo say?",
                         "Read the logo.",
             "What is the name [in the header|of the site|of the app|in the top bar]?",
                         "Which [brand|name] is in the header?"),
             e["label"])  # fmt: skip
    for e in _of(scene, "price"):
        read("reading", ("What is the price?", "How much does it cost?", "What does [the product|it|the item] cost?",
                         "Price?",
             "[Read|Tell me] the price."), e["label"])  # fmt: skip
    for e in _of(scene, "select"):
        read("reading", ("What [value|option] is selected in the {x} [drop-down|dropdown|select box]?",
                         "What is the {x} set to?",
             "Which {x} is [selected|chosen]?", "What does the {x} [drop-down|dropdown] show?"), e["value"],
             x=e["label"])  # fmt: skip
    if bubbles := _of(scene, "bubble"):
        e, word = rng.choice(((bubbles[0], "[first|top]"), (bubbles[-1], "[last|latest|bottom|most recent]")))
        read("reading", (f"What does the {word} message say?", f"Read the {word} message.",
                         f"What is the {word} message?",
             f"What is written in the {word} [chat bubble|bubble]?"), e["label"])  # fmt: skip
        f = rng.choice(bubbles)
        out.append(ask(rng, "attribute", ("Which side is the message {x} on?",
                                          "Is the message {x} on the left or the right?",
                       "On which side is {x}?"), f["state"], "It is on the {answer}.",
                       x=f'"{f["label"]}"'))  # fmt: skip
    values, cards = _of(scene, "value"), _of(scene, "caption")
    if values:
        pairs = list(zip(_labels(cards), _labels(values), strict=True))
        label, value = rng.choice(pairs)
        read("reading", ("What [number|value] is shown for {x}?", "What is the value of {x}?",
                         "How many {x} [are there|are shown]?"
             if label.endswith("s") and label != "Sales" else "How much is {x}?", "{x}: what number?",
                         "What does the {x} card show?"),
             value, x=label)  # fmt: skip
        numbers = sorted((int(v), s) for s, v in pairs)
        if len(numbers) > 1 and numbers[-1][0] > numbers[-2][0] * 1.12 and numbers[0][0] * 1.12 < numbers[1][0]:
            word, at = rng.choice((("[highest|largest|biggest]", -1), ("[lowest|smallest]", 0)))
            read("superlative", (f"Which [card|figure|number|item] has the {word} value?",
                                 f"Which card shows the {word} number?",
                 f"What has the {word} [number|value]?"), numbers[at][1])  # fmt: skip
    for t in _of(scene, "table"):
        column = rng.randrange(len(t["columns"]))
        nth = ("first", "second", "third", "fourth", "fifth", "sixth")
        read("reading", ("What is the [heading|header|title|name] of the {i} column?",
                         "What is the {i} column [called|labelled]?",
             "Read the {i} column header.", "Which column comes {i}?"), t["columns"][column],
             i=nth[column])  # fmt: skip
        if t["rows"][0][0].strip():
            at = rng.randrange(len(t["rows"]))
            read("reading", ("What is in the first [cell|column] of the {i} row?", "What does the {i} row start with?",
                 "Which {c} is in the {i} row?", "What is the {c} in the {i} row?"), t["rows"][at][0], i=nth[at],
                 c=t["columns"][0].lower())  # fmt: skip
        read("list", ("List the columns.", "What are the column [headers|headings|names]?",
                      "Which columns does the table have?",
             "Name the table's columns."), ", ".join(t["columns"]))  # fmt: skip
    for kind, words in (("field", "[fields|input fields|form fields|text fields]"),
                        ("link", "[navigation links|nav links|header links]"),
                        ("tab", "tabs"), ("menu", "[sidebar items|menu items|sidebar links]"),
                        ("item", "[list items|people|names]"),
                        ("radio", "[options|choices|radio buttons]"), ("toggle", "[toggles|switches]"),
                        ("caption", "cards")):  # fmt: skip
        found = _of(scene, kind) if kind == "menu" else _reading_order(_of(scene, kind))
        if not found:
            continue
        if rng.random() < 0.6:
            out.append(ask(rng, "list", LISTING, ", ".join(_labels(found)), "The {w} are {answer}.",
                           w=say(rng, words)))  # fmt: skip
        if len(found) > 1 and kind not in ("toggle", "caption"):
            noun = _NOUN[kind]
            e, word = rng.choice(((found[0], "first"), (found[-1], "last")))
            read("superlative", ("What is the {p} {n}?", "What does the {p} {n} say?", "Read the {p} {n}.",
                                 "Which {n} is {p}?",
                 "What is the label of the {p} {n}?"), e["label"], p=word, n=noun)  # fmt: skip
    return out


def _about_frame(scene: Scene, rng: random.Random, counts: dict[str, int]) -> list[QA]:
    out: list[QA] = []
    screen, device = scene["screen"], scene["device"]
    if screen != "components":
        out.append(ask(rng, "what", (
            "What [kind|type|sort] of [screen|page|interface|UI|layout] is this?",
            "What does this [screen|mock-up|wireframe] show?",
            "What is this [screen|page|interface] for?", "What [screen|page] is this?",
            "Which kind of screen is shown?",
            "What is [in the picture|shown here|this]?", "What does the [picture|image] show?",
            "Describe the screen type.",
            "What [kind|type] of [app screen|web page|wireframe] is [this|it]?"), screen, "This is a {answer}.",
            SCREENS[screen]))  # fmt: skip
    elif rng.random() < 0.4:
        out.append(ask(rng, "what", ("What [kind|type] of [image|picture] is this?", "What is this?",
                                     "What is in the picture?",
                   "What does the image show?"), "UI components", "These are {answer}.",
                   ("UI mock-up", "user interface", "wireframe", "UI elements")))  # fmt: skip
    if scene["frame"]["kind"] == "device" or device != "tablet":
        out.append(ask(rng, "attribute", (
            "[Which|What] device is this [screen|layout|design|mock-up] for?",
            "Is this a phone, tablet or desktop screen?",
            "What kind of device is [this|it] [made|designed|meant] for?",
            "Is [this|it] a phone, a tablet or a desktop layout?",
            "[Which|What] [device|form factor] is shown?", "What device does this UI run on?"), device,
                       "It is for {answer}.",
            {"phone": ("mobile", "mobile phone", "smartphone"), "desktop": ("computer", "web", "pc"),
             "tablet": ("ipad",)}[device]))  # fmt: skip
    if scene["theme"] == "dark" or (scene["theme"] and rng.random() < 0.35):
        out.append(ask(rng, "attribute", (
            "Is the theme dark or light?", "Is this a light or a dark [theme|design|interface]?",
            "[What|Which] theme does it use, dark or light?",
            "Dark [mode|theme] or light [mode|theme]?", "Is it in dark or light mode?"), scene["theme"],
                       "The theme is {answer}.",
            (f"{scene['theme']} theme", f"{scene['theme']} mode")))  # fmt: skip
    for kind, word in (("header", "[header|top bar|nav bar|navigation bar]"),
                       ("sidebar", "[sidebar|side bar|side panel]"),
                       ("footer", "[footer|bottom bar]")):  # fmt: skip
        for e in _of(scene, kind):
            if e["colour"]:
                out.append(ask(rng, "colour", (f"What [colour|color] is the {word}?",
                                               f"What is the [colour|color] of the {word}?",
                               f"Which [colour|color] does the {word} have?", f"{word} [colour|color]?"), e["colour"],
                               f"The {kind} is {{answer}}.", ("grey",) if e["colour"] == "gray" else ()))  # fmt: skip
    for e in _of(scene, "sidebar"):
        out.append(ask(rng, "attribute", ("[Which|What] side is the sidebar on?",
                                          "Is the sidebar on the left or [on the|] right?",
                       "Where is the [sidebar|side menu]?", "On which side is the [sidebar|side menu|side panel]?",
                       "Which side of the screen has the sidebar?"), e["state"], "The sidebar is on the {answer}.",
                       (f"on the {e['state']}", f"{e['state']} side")))  # fmt: skip
    x0, _, x1, _ = scene["area"]
    for kind in ("logo", "avatar", "search"):
        for e in _of(scene, kind):
            if e["box"][2] - e["box"][0] > 0.6 * (x1 - x0):
                continue
            at = ((e["box"][0] + e["box"][2]) / 2 - x0) / (x1 - x0)
            place = "left" if at < 0.4 else "right" if at > 0.66 else "center" if 0.46 < at < 0.54 else ""
            if place and rng.random() < (1 if place == "center" else 0.4 if kind != "avatar" else 0.15):
                out.append(ask(rng, "attribute",
                               ("Where is the {k}, left, center or right?",
                                "Is the {k} on the left, in the centre or on the right?",
                               "Horizontally, where is the {k}?"), place, "The {k} is at the {answer}.",
                               ("centre", "middle") if place == "center" else (), k=_NOUN.get(kind, kind)))  # fmt: skip
    for e in _of(scene, "chart"):
        out.append(ask(rng, "attribute", ("What [kind|type|sort] of [chart|graph] is [shown|it|there]?",
                       "Is the chart a bar, line or pie chart?", "Which [kind|type] of chart does the screen have?"),
                       e["chart"], "It is a {answer} chart.",
                       (f"{e['chart']} chart", f"{e['chart']} graph")))  # fmt: skip
    stacked = [e for e in _reading_order(_of(scene, "title", "field", "button", "table", "image", "chart", "search",
                                             "progress"))
               if e["kind"] not in ("search", "image") or counts.get(e["kind"], 1) == 1]  # fmt: skip
    pairs = [(a, b) for a in stacked for b in stacked if a["kind"] != b["kind"] and a["box"][3] <= b["box"][1]
             and "button" not in (a["kind"], b["kind"]) and counts.get(a["kind"], 1) == counts.get(b["kind"],
                 1) == 1]  # fmt: skip
    if pairs:
        a, b = rng.choice(pairs)
        flip = rng.random() < 0.5
        out.append(ask(rng, "relation", ("Is the {x} above or below the {y}?",
                                         "Where is the {x} relative to the {y}, above or below?",
                       "Is the {x} over or under the {y} (above or below)?", "{x}: above or below the {y}?"),
                       "below" if flip else "above", "The {x} is {answer} the {y}.",
                       x=_NOUN[(b if flip else a)["kind"]], y=_NOUN[(a if flip else b)["kind"]]))  # fmt: skip
    return out


def _about_absence(scene: Scene, rng: random.Random) -> list[QA]:
    out: list[QA] = []
    # most screens have these, so that a "yes" about them would be guessable
    common = {"button": 0.2, "header": 0.3, "image": 0.6}
    present = [k for k in EXISTS if _of(scene, k) and rng.random() < common.get(k, 1)]
    moot = _moot(scene)
    missing = [k for k in EXISTS if not _of(scene, k) and k not in moot]
    for _ in range(2):
        there = rng.random() < 0.5
        pool = present if there else missing
        if pool:
            key = pool.pop(rng.randrange(len(pool)))
            noun = say(rng, EXISTS[key])
            out.append(ask(rng, "yes_no", ("Is there {a} {n}?",
                                           "Does [the screen|this page|the interface|it] have {a} {n}?",
                           "Can you see {a} {n}?", "Is {a} {n} [shown|visible|present]?", "Do you see {a} {n}?",
                                           "Any {n}?"),
                           yes_no(there), "{answer}.", a="an" if noun[0] in "aeiou" else "a", n=noun))  # fmt: skip
    buttons = _labels(_of(scene, "button"))
    shown = {s.lower() for s in _labels(scene["elements"])}
    others = [s for s in BUTTONS if s.lower() not in shown]
    if buttons and rng.random() < 0.6:
        there = rng.random() < 0.5
        out.append(ask(rng, "yes_no", ('Is there a "{x}" button?',
                                       "Is there a button [labelled|that says|called] {x}?",
                                       "Does it have a {x} button?",
                       "Can you [see|find] a {x} button?"), yes_no(there),
                       x=rng.choice(buttons if there else others)))  # fmt: skip
    if rng.random() < 0.55:
        gone = [k for k in ABSENT if not _of(scene, k) and k not in moot]
        if rng.random() < 0.45 or not gone:
            label = rng.choice(others)
            out.append(ask(rng, "absent", ("What [colour|color] is the {x} button?", "Where is the {x} button?",
                           "What [colour|color] does the {x} button have?", "What is next to the {x} button?"),
                           f"There is no {label} button.", x=label))  # fmt: skip
        else:
            noun, templates = ABSENT[rng.choice(gone)]
            verb = "are" if noun.endswith("s") else "is"
            out.append(ask(rng, "absent", templates, f"There {verb} no {noun}."))
    return out


def _as_json(scene: Scene, rng: random.Random, counts: dict[str, int]) -> list[QA]:
    data = {"screen": scene["screen"], "device": scene["device"], "title": _title(scene),
            "buttons": _labels(_reading_order(_of(scene, "button"))), "fields": counts.get("field", 0)}  # fmt: skip
    return [ask(rng, "json",
                ("[Describe|Give|Return|Summarise|Summarize] [this screen|the screen|the interface] as JSON.",
                 "JSON description, please.",
                "Output [a JSON description|JSON] of the [screen|page].", "Extract the screen as JSON.",
                 "What is on the screen? Answer in JSON."),
                json.dumps(data))]  # fmt: skip


def questions(scene: Scene, rng: random.Random) -> list[QA]:
    counts = _counts(scene)
    groups = [_about_counts(scene, rng, counts), _about_buttons(scene, rng), _about_states(scene, rng),
              _about_text(scene, rng),
              _about_frame(scene, rng, counts), _about_absence(scene, rng)]  # fmt: skip
    if rng.random() < 0.15 and (_title(scene) or counts["button"]):
        groups.append(_as_json(scene, rng, counts))
    out = [qa for group in groups for qa in group]
    rng.shuffle(out)
    return out[:16]

"""Where everything stands on a screen, and the words that are true of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ..base import ORDINALS, Box, Region, Scene, text_size
from .truth import counts_of, moot_kinds, of_kind, reading_order
from .words import NOUN, Element

_NOUNS = NOUN | {k: k for k in ("logo", "price", "modal")} | {"caption": "card label", "value": "card value"}
"""What questions can be about; other elements get no region."""
_STATES: dict[str, dict[str, str]] = {
    "toggle": {"on": "on", "off": "off"},
    "check": {"on": "checked", "off": "unchecked"},
    "radio": {"on": "selected"},
    "tab": {"active": "active"},
    "menu": {"active": "active"},
    "link": {"active": "active"},
    "sidebar": {"left": "left", "right": "right"},
    "bubble": {"left": "left", "right": "right"},
}
_LABELLED = ("title", "price", "caption", "value", "logo", "check", "radio", "item", "toggle")
"""Kinds whose box is wider than their label and the mark before it."""
_INDENTS = {"logo": 1.2, "check": 1.43, "radio": 1.43, "item": 1.3}
"""Room for that mark, in label sizes."""


def _box(scene: Scene, e: Element) -> Box:
    """The box of what is drawn (of a toggle: of its label, without the switch)."""
    kind, (x0, y0, x1, y1) = e["kind"], e["box"]
    if kind == "lines":
        width, half = (x1 - x0) * (0.95 if e["n"] > 1 else 0.6), (y1 - y0) / 2
    elif kind in _LABELLED:
        indent = _INDENTS.get(kind, 0) if e.get("mark", True) else 0
        width, half = indent * e["size"] + text_size(e["label"], scene["font"], e["size"])[0], e["size"] * 0.65
    else:
        return x0, y0, x1, y1
    left, middle = {"l": x0, "m": (x0 + x1 - width) / 2}[e.get("align", "l")], (y0 + y1) / 2
    return left, middle - half, left + width, middle + half


def _accented(scene: Scene, e: Element) -> bool:
    """Whether it is painted in the accent colour."""
    kind, look = e["kind"], scene["look"]
    if kind == "button":
        return bool(e["fill"]) and tuple(e["fill"]) == tuple(scene["pal"]["primary"])
    if kind == "check" and (look["bevel"] or not look["fills"]):
        return False
    return kind == "progress" or (
        kind in ("check", "toggle", "menu", "bubble") and e["state"] in ("on", "active", "right")
    )


def _ranks(scene: Scene) -> dict[int, list[str]]:
    """Element id -> what it is the first, the last or the most of, where questions would ask."""
    ranks: dict[int, list[str]] = defaultdict(list)

    def ends(found: list[Element], first: str, last: str) -> None:
        if len(found) > 1:
            ranks[id(found[0])].append(first)
            ranks[id(found[-1])].append(last)

    for kind in ("field", "link", "tab", "item", "radio"):
        ends(reading_order(of_kind(scene, kind)), "first", "last")
    for kind in ("menu", "bubble"):
        ends(of_kind(scene, kind), "first", "last")
    buttons = of_kind(scene, "button")
    for axis, (first, last) in enumerate((("leftmost", "rightmost"), ("top", "bottom"))):
        if len({round(b["box"][1 - axis] / 6) for b in buttons}) == 1:
            ends(sorted(buttons, key=lambda b: b["box"][axis]), first, last)
    pairs = zip(of_kind(scene, "value"), of_kind(scene, "card"), strict=False)  # cards without values: no pairs
    if ranked := sorted(((int(value["label"]), i, card) for i, (value, card) in enumerate(pairs))):
        (low, *_), (high, *_) = ranked[0], ranked[-1]
        if len(ranked) > 1 and high > ranked[-2][0] * 1.12 and low * 1.12 < ranked[1][0]:
            ends([card for *_, card in ranked], "lowest", "highest")
    return ranks


def _place(scene: Scene, e: Element) -> list[str]:
    """Where across the screen a small thing stands."""
    (x0, _, x1, _), (left, _, right, _) = scene["area"], e["box"]
    at = ((left + right) / 2 - x0) / (x1 - x0)
    if e["kind"] not in ("logo", "avatar", "search") or right - left > 0.6 * (x1 - x0):
        return []
    return ["left"] if at < 0.4 else ["right"] if at > 0.66 else ["center"] if 0.46 < at < 0.54 else []


def _words(scene: Scene, e: Element) -> Iterator[str]:
    """Kind, state, place and colour of an element."""
    kind, accented = e["kind"], _accented(scene, e)
    yield _NOUNS[kind]
    if kind in _STATES and e["state"] in _STATES[kind]:
        yield _STATES[kind][e["state"]]
    yield from _place(scene, e)
    if kind == "chart":
        yield f"chart:{e['chart']}"
    if kind == "button" and accented:
        yield "primary"
    if colour := e.get("colour") or (scene["names"]["primary"] if accented and kind in ("menu", "bubble") else ""):
        yield colour


def _table(e: Element) -> Iterator[Region]:
    x0, y0, x1, y1 = e["box"]
    rows, columns = len(e["rows"]), len(e["columns"])
    step, each = (y1 - y0) / (rows + 1), (x1 - x0) / columns
    yield Region((x0, y0, x1, y1), ("table", f"rows:{rows}", f"columns:{columns}"))
    for j in range(columns):
        yield Region((x0 + j * each, y0, x0 + (j + 1) * each, y1), (f"{ORDINALS[j]} column",))
    yield Region((x0, y0, x1, y0 + step), ("table head",))
    for i in range(rows):
        yield Region((x0, y0 + (i + 1) * step, x1, y0 + (i + 2) * step), (f"{ORDINALS[i]} row",))


def _toggle(scene: Scene, e: Element) -> Iterator[Region]:
    """The label and the switch, which can be far apart."""
    (x0, _, x1, _), words, wide = e["box"], tuple(_words(scene, e)), e["size"] * 1.94
    left, top, right, bottom = _box(scene, e)
    indent, at = (e["size"] * 2.54, x0) if e["flip"] else (0, x1 - wide)
    colour = (scene["names"]["primary"],) if _accented(scene, e) else ()
    yield Region((left + indent, top, right + indent, bottom), words)
    yield Region((at, top, at + wide, bottom), (*words, *colour))


def _frame(scene: Scene) -> Iterator[Region]:
    """The picture as a whole, and the page on it."""
    names, page = scene["names"], scene["pal"]["page"]
    words = ["family:wireframes", f"device:{scene['device']}", f"screen:{scene['screen']}"]
    if scene["theme"]:
        words.append(f"theme:{scene['theme']}")
    if any(_accented(scene, e) for e in scene["elements"]):
        words.append(f"accent:{names['primary']}")
    moot = moot_kinds(scene) - (set() if of_kind(scene, "radio") else {"button"}) - {"tab", "link"}
    counts = ((kind, n) for kind, n in counts_of(scene).items() if kind in NOUN and kind not in moot | {"image"})
    words += [f"count:{NOUN[kind]}:{n}" for kind, n in counts if 2 <= n <= 5]  # images: as many as cards
    yield Region((0, 0, *scene["size"]), tuple(words))
    colour = names.get("page") or ("white" if min(page) >= 242 else "black" if max(page) <= 34 else "")
    if colour and not of_kind(scene, "dim"):
        yield Region(tuple(scene["area"]), (f"background:{colour}",))


def regions(scene: Scene) -> list[Region]:
    """The whole picture, the page, then every element in drawing order."""
    found, ranks = list(_frame(scene)), _ranks(scene)
    for e in scene["elements"]:
        kind = e["kind"]
        if kind == "table":
            found += _table(e)
        elif kind == "toggle":
            found += _toggle(scene, e)
        elif kind in _NOUNS:
            found.append(Region(_box(scene, e), (*_words(scene, e), *ranks[id(e)])))
    return found

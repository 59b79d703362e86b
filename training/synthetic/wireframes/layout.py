"""Finds the places of a screen's elements: blocks below each other, at the largest text size that fits."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ..base import Scene, text_size
from .words import Element

Box = tuple[float, float, float, float]


@lru_cache(maxsize=8192)
def _em_width(text: str, file: str) -> float:
    """Width of `text` at size 1; measured once at one size, since layout asks for many."""
    return text_size(text, file, 40)[0] / 40


class _TooTight(Exception):
    """The blocks do not fit at this text size."""


class _Stack:
    """One attempt at laying out a screen at text size `t`."""

    def __init__(self, scene: Scene, plan: dict[str, Any], t: float, stretch: float, gap: float) -> None:
        self.scene, self.plan, self.t, self.stretch, self.gap = scene, plan, t, stretch, gap
        self.look, self.pal, self.font = scene["look"], scene["pal"], scene["font"]
        self.least = max(8.0, 0.029 * max(scene["size"]))
        self.elements: list[Element] = []
        self.stretchable = 0.0

    def width(self, text: str, size: float | None = None) -> float:
        return _em_width(text, self.font) * (size or self.t) * 1.02

    def fit(self, text: str, room: float, size: float | None = None) -> int:
        size = size or self.t
        measured = self.width(text, size)
        size = size if measured <= room else size * room / measured
        if size < self.least:
            raise _TooTight
        return int(size)

    def add(self, kind: str, box: Sequence[float], label: str = "", size: float = 0, **more: Any) -> Element:
        element = {"kind": kind, "label": label, "box": [round(v) for v in box], "size": round(size), **more}
        self.elements.append(element)
        return element

    def tall(self, height: float) -> float:
        """A height that takes its share of the free room."""
        self.stretchable += height
        return height * self.stretch

    # Each block: (x, y, w, spec) -> the y below it.

    def title(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        size = self.fit(spec["label"], w, self.t * spec.get("scale", 1.4))
        self.add("title", (x, y, x + w, y + size * 1.3), spec["label"], size, align=spec.get("align", "l"))
        return y + size * 1.3

    def price(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        size = self.fit(spec["label"], w, self.t * 1.25)
        self.add("price", (x, y, x + w, y + size * 1.3), spec["label"], size, align=spec.get("align", "l"))
        return y + size * 1.3

    def lines(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        step = self.t * 0.85
        self.add("lines", (x, y, x + w, y + step * spec["n"]), n=spec["n"], align=spec.get("align", "l"))
        return y + step * spec["n"]

    def field(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        kind = "select" if "value" in spec else "field"
        inside = self.look["inside"] and kind == "field"
        size = self.fit(spec["label"], w - self.t * (1.2 if inside else 0), self.t)
        top = 0 if inside else size * 1.35
        height = self.tall(self.t * 2.6) if spec.get("area") else self.t * 1.9
        if kind == "select":
            self.fit(spec["value"], w - self.t * 3, self.t)
        self.add(
            kind,
            (x, y, x + w, y + top + height),
            spec["label"],
            size,
            top=round(top),
            inside=inside,
            value=spec.get("value", ""),
            filled=spec.get("filled", False),
        )
        return y + top + height

    def fields(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        """Two to a row where the screen is wide."""
        columns = 2 if spec["columns"] == 2 and w > self.t * 18 else 1
        gutter = self.t
        each = (w - gutter * (columns - 1)) / columns
        for i in range(0, len(spec["items"]), columns):
            row = spec["items"][i : i + columns]
            y = self.gap + max(self.field(x + k * (each + gutter), y, each, item) for k, item in enumerate(row))
        return y - self.gap

    def choices(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        """Check boxes, radio buttons, toggles, list items: one to a row."""
        step = self.t * spec.get("step", 1.75) + self.gap * 0.35
        for item in spec["items"]:
            size = self.fit(item["label"], w - self.t * (3.4 if spec["of"] == "toggle" else 2.2))
            self.add(
                spec["of"],
                (x, y, x + w, y + step * 0.92),
                item["label"],
                size,
                state=item.get("state", ""),
                flip=spec.get("flip", False),
                rule=spec.get("rule", False),
            )
            y += step
        return y

    def buttons(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        height, space = self.t * 2.0, self.t * 0.7
        size = int(self.t)
        widths = [self.width(b["label"]) + self.t * self.look["pad"] for b in spec["items"]]
        if spec.get("full") or sum(widths) + space * (len(widths) - 1) > w:
            for item in spec["items"]:
                size = self.fit(item["label"], w - self.t)
                self.add("button", (x, y, x + w, y + height), item["label"], size, **item["paint"])
                y += height + self.gap * 0.6
            return y - self.gap * 0.6
        if spec.get("equal"):
            share = (w - space * (len(widths) - 1)) / len(widths)
            if share >= max(widths):
                widths = [share] * len(widths)
        at = x + (w - sum(widths) - space * (len(widths) - 1)) * {"l": 0, "m": 0.5, "r": 1}[spec.get("align", "l")]
        for item, width in zip(spec["items"], widths, strict=True):
            self.add("button", (at, y, at + width, y + height), item["label"], size, **item["paint"])
            at += width + space
        return y + height

    def cards(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        items, gutter, pad = spec["items"], self.t * 0.7, self.t * 0.5
        columns = min(spec["columns"], max(1, int((w + gutter) // (self.t * 5.2))))
        rows = -(-len(items) // columns)
        each = (w - gutter * (columns - 1)) / columns
        picture = self.tall(self.t * 2.4 * rows) / rows if spec.get("image") else 0
        extra = self.t * (1.0 * spec.get("lines", 0) + (1.7 if "value" in items[0] else 0))
        height = picture + self.t * 1.5 + extra + pad * 1.4
        for i, item in enumerate(items):
            left, top = x + (i % columns) * (each + gutter), y + (i // columns) * (height + gutter)
            self.add("card", (left, top, left + each, top + height), item["label"], fill=item.get("fill"))
            if picture:
                self.add("image", (left + pad, top + pad, left + each - pad, top + pad + picture - pad * 0.4))
            at = top + pad * 0.7 + picture
            size = self.fit(item["label"], each - pad * 2)
            self.add(
                "caption",
                (left + pad, at, left + each - pad, at + self.t * 1.5),
                item["label"],
                size,
                align=spec["align"],
                fill=item.get("fill"),
            )
            if "value" in item:
                self.add(
                    "value",
                    (left + pad, at + self.t * 1.4, left + each - pad, at + self.t * 3.1),
                    item["value"],
                    self.fit(item["value"], each - pad * 2, self.t * 1.4),
                    align=spec["align"],
                    fill=item.get("fill"),
                )
            if spec.get("lines"):
                self.add(
                    "lines",
                    (left + pad, at + self.t * 1.5, left + each - pad, at + self.t * (1.5 + spec["lines"])),
                    n=spec["lines"],
                    align=spec["align"],
                )
        return y + rows * height + (rows - 1) * gutter

    def table(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        rows, columns = len(spec["rows"]), len(spec["columns"])
        step = self.tall(self.t * 1.6 * (rows + 1)) / (rows + 1)
        each = w / columns
        size = min(self.fit(text, each - self.t * 0.5) for text in (*spec["columns"], *(r[0] for r in spec["rows"])))
        self.add("table", (x, y, x + w, y + step * (rows + 1)), "", size, columns=spec["columns"], rows=spec["rows"])
        return y + step * (rows + 1)

    def tabs(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        each = w / len(spec["items"])
        size = min(self.fit(item["label"], each - self.t * 0.5) for item in spec["items"])
        for i, item in enumerate(spec["items"]):
            box = (x + i * each, y, x + (i + 1) * each, y + self.t * 2)
            self.add("tab", box, item["label"], size, state=item["state"], low=spec.get("low", False))
        return y + self.t * 2

    def search(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        self.add("search", (x, y, x + w, y + self.t * 1.9), spec["label"], self.fit(spec["label"], w - self.t * 2.4))
        return y + self.t * 1.9

    def image(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        height = self.tall(self.t * spec.get("h", 4))
        width = min(w, height * spec.get("aspect", 99))
        left = x + (w - width) / 2
        self.add(spec.get("of", "image"), (left, y, left + width, y + height), chart=spec.get("chart", ""))
        return y + height

    def avatar(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        d = self.t * 3
        left = x + (w - d) / 2 if spec.get("align") == "m" else x
        self.add("avatar", (left, y, left + d, y + d))
        return y + d

    def progress(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        self.add("progress", (x, y + self.t * 0.3, x + w, y + self.t * 0.95), state=spec["value"])
        return y + self.t * 1.2

    def bubbles(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        for item in spec["items"]:
            size = self.fit(item["label"], w * 0.78 - self.t)
            width = self.width(item["label"], size) + self.t * 1.4
            left = x + w - width if item["state"] == "right" else x
            self.add("bubble", (left, y, left + width, y + self.t * 1.9), item["label"], size, state=item["state"])
            y += self.t * 1.9 + self.gap * 0.8
        return y - self.gap * 0.8

    def compose_box(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        """A chat's input with its button beside it."""
        item = spec["button"]
        width = self.width(item["label"]) + self.t * 1.4
        self.add(
            "input",
            (x, y, x + w - width - self.t * 0.5, y + self.t * 1.9),
            spec["label"],
            self.fit(spec["label"], w - width - self.t * 1.8),
        )
        self.add("button", (x + w - width, y, x + w, y + self.t * 1.9), item["label"], self.t, **item["paint"])
        return y + self.t * 1.9

    def link(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        size = self.fit(spec["label"], w)
        self.add("textlink", (x, y, x + w, y + size * 1.4), spec["label"], size, align=spec.get("align", "l"))
        return y + size * 1.4

    def split(self, x: float, y: float, w: float, spec: dict[str, Any]) -> float:
        """A picture beside a column of blocks; above it on narrow screens."""
        if w < self.t * 15:
            y = self.image(x, y, w, {"h": 3.6, **spec["side"]}) + self.gap
            return self.stack(x, y, w, spec["items"])
        half = w * 0.42
        left, right = (x, x + w - w * 0.53) if not spec["flip"] else (x + w - half, x)
        at = len(self.elements)
        bottom = self.stack(right, y, w * 0.53, spec["items"])
        self.stretchable += bottom - y
        height = max(bottom - y, self.t * 5)
        self.elements.insert(
            at,
            {
                "kind": spec["side"].get("of", "image"),
                "label": "",
                "size": 0,
                "chart": "bar",
                "box": [round(v) for v in (left, y, left + half, y + height)],
            },
        )
        return y + height

    def stack(self, x: float, y: float, w: float, blocks: Sequence[dict[str, Any]]) -> float:
        for i, block in enumerate(blocks):
            y = getattr(self, block["block"])(x, y + (self.gap if i else 0), w, block)
        return y

    # The frame around the stack.

    def header(self, box: Box, spec: dict[str, Any]) -> float:
        x0, y0, x1, _ = box
        t, height, pad = self.t, self.t * 2.3, self.t * 0.6
        self.add("header", (x0, y0, x1, y0 + height), fill=self.pal["header"], colour=spec["colour"])
        top, bottom, left, right = y0, y0 + height, x0 + pad, x1 - pad
        if spec["icon"]:
            self.add("menu icon", (left, y0 + height / 2 - t * 0.5, left + t, y0 + height / 2 + t * 0.5))
            left += t * 1.5
        if spec["avatar"]:
            self.add("avatar", (right - t * 1.5, y0 + t * 0.4, right, y0 + t * 1.9))
            right -= t * 2.1
        if spec["search"] and spec["where"] == "right":
            width = self.width("Search...") + t * 2.6
            self.add("search", (right - width, y0 + t * 0.3, right, y0 + t * 2), spec["search"], t)
            right -= width + t * 0.6
        if spec["logo"]:
            size = self.fit(spec["logo"], right - left, t * 1.15)
            width = self.width(spec["logo"], size)
            at = (x0 + x1 - width) / 2 if spec["centre"] else left
            if at < left:
                raise _TooTight
            self.add(
                "logo", (at, top, at + width, bottom), spec["logo"], size, mark=spec["mark"] and not spec["centre"]
            )
            left = at + width + t * (1.9 if spec["mark"] and not spec["centre"] else 0.9)
        if spec["search"] and spec["where"] == "middle":
            width = self.width("Search...") + t * 2.6
            self.add("search", (left, y0 + t * 0.3, left + width, y0 + t * 2), spec["search"], t)
            left += width + t * 0.8
        if spec["links"]:
            widths = [self.width(item["label"]) for item in spec["links"]]
            total = sum(widths) + t * 0.9 * (len(widths) - 1)
            if total > right - left:
                raise _TooTight
            at = right - total if spec["links_right"] else left
            for item, width in zip(spec["links"], widths, strict=True):
                self.add(
                    "link", (at, top + t * 0.3, at + width, bottom - t * 0.3), item["label"], t, state=item["state"]
                )
                at += width + t * 0.9
        elif left > right:
            raise _TooTight
        return y0 + height

    def sidebar(self, box: Box, spec: dict[str, Any]) -> Box:
        x0, y0, x1, y1 = box
        t = self.t
        width = max(self.width(item["label"]) for item in spec["items"]) + t * 1.8
        if width > (x1 - x0) * 0.42 or y0 + t * (0.6 + 1.9 * len(spec["items"])) > y1:
            raise _TooTight
        left = x0 if spec["side"] == "left" else x1 - width
        self.add(
            "sidebar", (left, y0, left + width, y1), fill=self.pal["side"], state=spec["side"], colour=spec["colour"]
        )
        for i, item in enumerate(spec["items"]):
            top = y0 + t * (0.5 + 1.9 * i)
            self.add(
                "menu",
                (left + t * 0.3, top, left + width - t * 0.3, top + t * 1.7),
                item["label"],
                t,
                state=item["state"],
            )
        return (x0 + width, y0, x1, y1) if spec["side"] == "left" else (x0, y0, left, y1)

    def run(self) -> float:
        """Lays everything out; returns the height left over (negative where it does not fit)."""
        plan, t = self.plan, self.t
        x0, y0, x1, y1 = plan["area"]
        if plan["header"]:
            y0 = self.header((x0, y0, x1, y1), plan["header"])
        if plan["footer"]:
            self.add(
                "footer",
                (x0, y1 - t * 1.9, x1, y1),
                plan["footer"]["label"],
                self.fit(plan["footer"]["label"], x1 - x0 - t),
                fill=self.pal["footer"],
                colour=plan["footer"]["colour"],
            )
            y1 -= t * 1.9
        elif plan["bottom"]:
            self.tabs(x0, y1 - t * 2, x1 - x0, plan["bottom"])
            y1 -= t * 2
        if plan["sidebar"]:
            x0, y0, x1, y1 = self.sidebar((x0, y0, x1, y1), plan["sidebar"])
        margin = t * plan["margin"]
        w = x1 - x0 - margin * 2
        narrow = plan["narrow"] and w > t * 17
        panel = plan["panel"] and w > t * 9
        if plan["dialog"] and not panel:
            raise _TooTight
        inner = min(w, t * plan["narrow"]) if narrow else w
        pad = t * 0.8 if panel else 0
        left, start = x0 + (x1 - x0 - inner) / 2, y0 + margin
        if panel:
            slot = len(self.elements)
            self.elements.append({})
        end = self.stack(left + pad, start + pad, inner - pad * 2, plan["blocks"]) + pad
        if plan["dialog"]:
            self.elements[slot] = {"kind": "modal", "label": plan["dialog"], "size": 0}
        elif panel:
            self.elements[slot] = {"kind": "panel", "label": "", "size": 0}
        slack = y1 - margin - end
        drop = max(0, slack) * (0.5 if plan["middle"] else 0)
        if panel:
            self.elements[slot]["box"] = [round(v) for v in (left, start, left + inner, end)]
            first = slot
        else:
            frame = ("sidebar", "menu", "header", "footer", "tab", "logo", "link")
            content = (i for i, e in enumerate(self.elements) if e["box"][1] >= round(start) and e["kind"] not in frame)
            first = next(content, -1)
            if first < 0:
                raise _TooTight
        if drop:
            for element in self.elements[first:]:
                element["box"][1] += round(drop)
                element["box"][3] += round(drop)
        if plan["dialog"]:
            self.elements.insert(
                first, {"kind": "dim", "label": "", "size": 0, "box": [round(v) for v in plan["area"]]}
            )
        return slack


def lay_out(scene: Scene, plan: dict[str, Any], t: float) -> list[Element] | None:
    """The elements with their boxes, at text size `t` or a little smaller; None where they do not fit."""
    for size in (t, t * 0.88, t * 0.77):
        if size < 0.029 * max(scene["size"]):
            return None
        first = _Stack(scene, plan, size, 1, size * 0.45)
        try:
            slack = first.run()
            if slack < 0:
                continue
            gap = size * 0.45 + min(size * 0.6, 0.5 * slack / max(2, len(plan["blocks"]) * 2))
            second = _Stack(scene, plan, size, 1, gap)
            slack = second.run()
            if first.stretchable and slack > size:
                second = _Stack(scene, plan, size, 1 + min(1.2, 0.85 * slack / first.stretchable), gap)
                slack = second.run()
            return second.elements if slack >= 0 else first.elements
        except _TooTight:
            continue
    return None

"""Layout and painting of the wireframe family: blocks become boxed elements, elements become pixels.

`lay_out` stacks a screen's blocks inside its header, sidebar and footer and returns elements with
boxes; it returns None where the text would become too small to read. `paint` draws the elements.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from PIL import Image

from .base import RGB, Canvas, Scene, contrast, mix, text_size

Element = dict[str, Any]
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
        self.add(kind, (x, y, x + w, y + top + height), spec["label"], size, top=round(top), inside=inside,
                 value=spec.get("value", ""), filled=spec.get("filled", False))  # fmt: skip
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
            self.add(spec["of"], (x, y, x + w, y + step * 0.92), item["label"], size, state=item.get("state", ""),
                     flip=spec.get("flip", False), rule=spec.get("rule", False))  # fmt: skip
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
            self.add("caption", (left + pad, at, left + each - pad, at + self.t * 1.5), item["label"], size,
                     align=spec["align"], fill=item.get("fill"))  # fmt: skip
            if "value" in item:
                self.add("value", (left + pad, at + self.t * 1.4, left + each - pad, at + self.t * 3.1), item["value"],
                         self.fit(item["value"], each - pad * 2, self.t * 1.4), align=spec["align"],
                         fill=item.get("fill"))  # fmt: skip
            if spec.get("lines"):
                self.add("lines", (left + pad, at + self.t * 1.5, left + each - pad,
                                   at + self.t * (1.5 + spec["lines"])),
                         n=spec["lines"], align=spec["align"])  # fmt: skip
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
        self.add("input", (x, y, x + w - width - self.t * 0.5, y + self.t * 1.9), spec["label"],
                 self.fit(spec["label"], w - width - self.t * 1.8))  # fmt: skip
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
        self.elements.insert(at, {"kind": spec["side"].get("of", "image"), "label": "", "size": 0, "chart": "bar",
                                  "box": [round(v) for v in (left, y, left + half, y + height)]})  # fmt: skip
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
            self.add("logo", (at, top, at + width, bottom), spec["logo"], size,
                     mark=spec["mark"] and not spec["centre"])
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
                self.add("link", (at, top + t * 0.3, at + width, bottom - t * 0.3), item["label"], t,
                         state=item["state"])
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
        self.add("sidebar", (left, y0, left + width, y1), fill=self.pal["side"], state=spec["side"],
                 colour=spec["colour"])
        for i, item in enumerate(spec["items"]):
            top = y0 + t * (0.5 + 1.9 * i)
            self.add("menu", (left + t * 0.3, top, left + width - t * 0.3, top + t * 1.7), item["label"], t,
                     state=item["state"])  # fmt: skip
        return (x0 + width, y0, x1, y1) if spec["side"] == "left" else (x0, y0, left, y1)

    def run(self) -> float:
        """Lays everything out; returns the height left over (negative where it does not fit)."""
        plan, t = self.plan, self.t
        x0, y0, x1, y1 = plan["area"]
        if plan["header"]:
            y0 = self.header((x0, y0, x1, y1), plan["header"])
        if plan["footer"]:
            self.add("footer", (x0, y1 - t * 1.9, x1, y1), plan["footer"]["label"],
                     self.fit(plan["footer"]["label"], x1 - x0 - t), fill=self.pal["footer"],
                     colour=plan["footer"]["colour"])  # fmt: skip
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
            self.elements.insert(first, {"kind": "dim", "label": "", "size": 0,
                                         "box": [round(v) for v in plan["area"]]})
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


class _Painter:
    """Paints elements in the scene's look."""

    def __init__(self, scene: Scene) -> None:
        self.look, self.pal, self.font = scene["look"], scene["pal"], scene["font"]
        self.rng = random.Random(scene["seed"])
        self.canvas = Canvas(*scene["size"], tuple(scene["backdrop"]), scene["scale"])
        self.weight = self.look["weight"]

    def colour(self, name: str) -> RGB:
        r, g, b = self.pal[name]
        return r, g, b

    def ink_for(self, fill: Sequence[int]) -> RGB:
        ink = self.colour("ink")
        if contrast(ink, fill) >= 4:
            return ink
        return (255, 255, 255) if contrast((255, 255, 255), fill) > contrast((20, 20, 20), fill) else (20, 20, 20)

    def stroke(self, points: Sequence[Sequence[float]], fill: RGB, width: float = 1) -> None:
        wobble = self.look["wobble"]
        if not wobble:
            self.canvas.line(points, fill, width)
            return
        shaky: list[tuple[float, float]] = []
        for (xa, ya), (xb, yb) in zip(points, points[1:], strict=False):
            for k in range(5):
                f = k / 4
                shaky.append((xa + (xb - xa) * f + self.rng.uniform(-wobble, wobble),
                              ya + (yb - ya) * f + self.rng.uniform(-wobble, wobble)))  # fmt: skip
        self.canvas.line(shaky, fill, width)

    def box(self, box: Sequence[float], fill: Sequence[int] | None = None, line: Sequence[int] | None = None,
            radius: float = 0, relief: str = "", shadow: bool = False) -> None:  # fmt: skip
        x0, y0, x1, y1 = box
        fill_rgb: RGB | None = tuple(fill) if fill else None  # type: ignore[assignment]
        line_rgb: RGB | None = tuple(line) if line else None  # type: ignore[assignment]
        if self.look["bevel"] and relief:
            self.bevel(box, fill_rgb or (192, 192, 192), relief)
            return
        if self.look["wobble"]:
            if fill_rgb:
                self.canvas.rect(x0, y0, x1, y1, fill_rgb, radius=3)
            dark = line_rgb or (self.colour("line") if fill_rgb is None else None)
            if dark:
                over = self.look["wobble"] * 1.2
                for a, b in (((x0 - over, y0), (x1 + over, y0)), ((x1, y0 - over), (x1, y1 + over)),
                             ((x1 + over, y1), (x0 - over, y1)), ((x0, y1 + over), (x0, y0 - over))):  # fmt: skip
                    self.stroke((a, b), dark, self.weight)
            return
        if shadow and self.look["shadow"]:
            base, far = self.colour("page"), self.look["shadow"]
            for k in (far, far * 0.5):
                tint = mix(base, (0, 0, 0), 0.10 if k == far else 0.22)
                self.canvas.rect(x0 - k * 0.3, y0 + k * 0.3, x1 + k * 0.3, y1 + k, tint, radius=radius + k * 0.3)
        self.canvas.rect(x0, y0, x1, y1, fill_rgb, line_rgb, self.weight, radius)

    def bevel(self, box: Sequence[float], fill: RGB, relief: str) -> None:
        x0, y0, x1, y1 = box
        up = relief == "raised"
        light, dark = ((255, 255, 255), (96, 96, 96)) if up else ((96, 96, 96), (255, 255, 255))
        d = self.weight
        self.canvas.rect(x0, y0, x1, y1, dark)
        self.canvas.rect(x0, y0, x1 - d, y1 - d, light)
        self.canvas.rect(x0 + d, y0 + d, x1 - d, y1 - d, fill)

    def text(self, box: Sequence[float], label: str, size: int, ink: Sequence[int], align: str = "l") -> None:
        x0, y0, x1, y1 = box
        x = {"l": x0, "m": (x0 + x1) / 2, "r": x1}[align]
        self.canvas.text(x, (y0 + y1) / 2, label, self.font, size, tuple(ink), f"{align}m")  # type: ignore[arg-type]

    def radius(self, size: float) -> float:
        return self.look["radius"] * size

    def frame(self, scene: Scene) -> None:
        frame, (x0, y0, x1, y1) = scene["frame"], scene["area"]
        if frame["kind"] == "device":
            b = frame["bezel"]
            self.box((x0 - b, y0 - b * frame["top"], x1 + b, y1 + b * frame["top"]), frame["colour"],
                     frame["line"], b * 1.5)  # fmt: skip
        self.canvas.rect(x0, y0, x1, y1, self.colour("page"))
        if frame["kind"] == "browser":
            h = frame["height"]
            self.box((x0, y0 - h, x1, y0), frame["colour"], self.pal["line"])
            for i in range(3):
                cx = x0 + h * (0.6 + 0.6 * i)
                self.canvas.ellipse(cx - h * 0.2, y0 - h * 0.7, cx + h * 0.2, y0 - h * 0.3, tuple(frame["dots"][i]))
            self.box((x0 + h * 2.8, y0 - h * 0.8, x1 - h * 0.6, y0 - h * 0.2), self.pal["field"], None, h * 0.3)
        elif frame["kind"] == "border":
            self.box((x0, y0, x1 - 1, y1 - 1), None, self.pal["line"])

    # One method for each kind of element.

    def paint(self, e: Element) -> None:
        getattr(self, "_" + e["kind"].replace(" ", "_"))(e, e["box"])

    def _header(self, e: Element, box: Sequence[int]) -> None:
        if self.look["shadow"]:
            x0, _, x1, y1 = box
            self.canvas.rect(x0, y1, x1, y1 + self.look["shadow"] * 0.6, mix(self.colour("page"), (0, 0, 0), 0.15))
        self.box(box, e["fill"], self.pal["line"] if self.look["rules"] else None, relief="raised")

    def _footer(self, e: Element, box: Sequence[int]) -> None:
        self.box(box, e["fill"], self.pal["line"] if self.look["rules"] else None, relief="raised")
        self.text(box, e["label"], e["size"], self.ink_for(e["fill"]), "m")

    def _sidebar(self, e: Element, box: Sequence[int]) -> None:
        self.box(box, e["fill"], self.pal["line"] if self.look["rules"] else None, relief="raised")

    def _menu(self, e: Element, box: Sequence[int]) -> None:
        ink = self.ink_for(self.pal["side"])
        if e["state"] == "active":
            fill = self.pal["primary"]
            self.box(box, fill, None if self.look["fills"] else self.pal["line"], self.radius(e["size"]))
            ink = self.ink_for(fill)
        x0, y0, x1, y1 = box
        self.text((x0 + e["size"] * 0.5, y0, x1, y1), e["label"], e["size"], ink)

    def _menu_icon(self, e: Element, box: Sequence[int]) -> None:
        x0, y0, x1, y1 = box
        for k in (0.15, 0.5, 0.85):
            y = y0 + (y1 - y0) * k
            self.stroke(((x0, y), (x1, y)), self.ink_for(self.pal["header"]), max(1.5, (y1 - y0) * 0.1))

    def _logo(self, e: Element, box: Sequence[int]) -> None:
        x0, y0, x1, y1 = box
        ink = self.ink_for(self.pal["header"])
        if e["mark"]:
            h, r = (y0 + y1) / 2, e["size"] * 0.45
            if self.look["wobble"]:
                self.box((x0, h - r, x0 + 2 * r, h + r), None, ink)
            else:
                self.canvas.ellipse(x0, h - r, x0 + 2 * r, h + r, ink)
            x0 += e["size"] * 1.2
        self.text((x0, y0, x1, y1), e["label"], e["size"], ink)

    def _link(self, e: Element, box: Sequence[int]) -> None:
        x0, _, x1, y1 = box
        ink = self.ink_for(self.pal["header"])
        self.text(box, e["label"], e["size"], ink, "m")
        if e["state"] == "active":
            self.stroke(((x0, y1), (x1, y1)), ink, max(1.5, self.weight * 1.5))

    def _title(self, e: Element, box: Sequence[int]) -> None:
        self.text(box, e["label"], e["size"], self.pal["ink"], e["align"])

    _price = _title

    def _caption(self, e: Element, box: Sequence[int]) -> None:
        self.text(box, e["label"], e["size"], self.ink_for(e["fill"] or self.pal["panel"]), e["align"])

    _value = _caption

    def _textlink(self, e: Element, box: Sequence[int]) -> None:
        self.text(box, e["label"], e["size"], self.pal["link"], e["align"])

    def _lines(self, e: Element, box: Sequence[int]) -> None:
        x0, y0, x1, y1 = box
        step = (y1 - y0) / e["n"]
        for i in range(e["n"]):
            width = (x1 - x0) * (0.95 if i < e["n"] - 1 else 0.6)
            left = x0 if e["align"] == "l" else (x0 + x1 - width) / 2
            y = y0 + step * (i + 0.5)
            if self.look["wobble"]:
                wave = [(left + width * k / 12, y + (step * 0.15 if k % 2 else -step * 0.15)) for k in range(13)]
                self.canvas.line(wave, self.colour("bar"), self.weight)
            else:
                self.canvas.rect(left, y - step * 0.2, left + width, y + step * 0.2, self.colour("bar"),
                                 radius=self.radius(step) * 0.3)  # fmt: skip

    def _panel(self, e: Element, box: Sequence[int]) -> None:
        self.box(box, self.pal["panel"], self.pal["line"], self.radius(12), "raised", shadow=True)

    _modal = _panel

    def _dim(self, e: Element, box: Sequence[int]) -> None:
        x0, y0, x1, y1 = (v * self.canvas.scale for v in box)
        part = self.canvas.image.crop((x0, y0, x1, y1))
        self.canvas.image.paste(Image.blend(part, Image.new("RGB", part.size, (30, 30, 30)), 0.45), (x0, y0))

    def _card(self, e: Element, box: Sequence[int]) -> None:
        self.box(box, e["fill"] or self.pal["panel"], self.pal["line"] if self.look["card_line"] else None,
                 self.radius(10), "raised", shadow=True)  # fmt: skip

    def _button(self, e: Element, box: Sequence[int]) -> None:
        round_ = 99 if self.look["pill"] else self.radius(9)
        self.box(box, e["fill"], e["line"], round_, "raised", shadow=bool(e["fill"]) and self.look["lift"])
        self.text(box, e["label"], e["size"], e["ink"], "m")

    def _field(self, e: Element, box: Sequence[int]) -> None:
        x0, y0, x1, y1 = box
        if not e["inside"]:
            self.text((x0, y0, x1, y0 + e["top"]), e["label"], e["size"], self.pal["ink"])
        top = y0 + e["top"]
        if self.look["underline"] and y1 - top < e["size"] * 2.2:
            self.canvas.rect(x0, top, x1, y1, self.colour("field"))
            self.stroke(((x0, y1), (x1, y1)), self.colour("line"), max(1.5, self.weight * 1.5))
        else:
            self.box((x0, top, x1, y1), self.pal["field"], self.pal["line"], self.radius(7), "sunken")
        pad = e["size"] * 0.5
        if e["inside"]:
            self.text((x0 + pad, top, x1, min(y1, top + e["size"] * 1.9)), e["label"], e["size"], self.pal["hint"])
        elif e["filled"]:
            y, r = top + min(y1 - top, e["size"] * 1.9) / 2, e["size"] * 0.18
            for i in range(7):
                x = x0 + pad + i * r * 3
                self.canvas.ellipse(x, y - r, x + 2 * r, y + r, self.colour("ink"))

    def _select(self, e: Element, box: Sequence[int]) -> None:
        self._field(e, box)
        x0, y0, x1, y1 = box
        s, y = e["size"], (y0 + e["top"] + y1) / 2
        self.text((x0 + s * 0.5, y0 + e["top"], x1, y1), e["value"], s, self.pal["ink"])
        cx = x1 - s
        if self.look["bevel"]:
            self.bevel((x1 - s * 1.7, y0 + e["top"] + 2, x1 - 2, y1 - 2), (192, 192, 192), "raised")
        arrow = ((cx - s * 0.3, y - s * 0.15), (cx, y + s * 0.2), (cx + s * 0.3, y - s * 0.15))
        if self.look["solid_arrow"]:
            self.canvas.polygon(arrow, self.colour("ink"))
        else:
            self.stroke(arrow, self.colour("ink"), max(1.5, s * 0.1))

    def _input(self, e: Element, box: Sequence[int]) -> None:
        x0, y0, x1, y1 = box
        self.box(box, self.pal["field"], self.pal["line"], 99 if self.look["pill"] else self.radius(8), "sunken")
        self.text((x0 + e["size"] * 0.7, y0, x1, y1), e["label"], e["size"], self.pal["hint"])

    def _search(self, e: Element, box: Sequence[int]) -> None:
        x0, y0, x1, y1 = box
        self.box(box, self.pal["field"], self.pal["line"], 99 if self.look["pill"] else self.radius(8), "sunken")
        s, y, cx = e["size"], (y0 + y1) / 2, x0 + e["size"] * 0.95
        r = s * 0.28
        width = max(1.2, s * 0.09)
        self.canvas.ellipse(cx - r, y - r - 1, cx + r, y + r - 1, None, self.colour("hint"), width)
        self.canvas.line(((cx + r * 0.7, y + r * 0.7 - 1), (cx + r * 1.6, y + r * 1.6 - 1)), self.colour("hint"), width)
        self.text((x0 + s * 1.7, y0, x1, y1), e["label"], s, self.pal["hint"])

    def _mark(self, e: Element, box: Sequence[int]) -> tuple[float, float, float]:
        """Where the check box or radio button of a row goes: left, middle, side."""
        x0, y0, x1, y1 = box
        side = e["size"] * 0.95
        return (x1 - side if e["flip"] else x0 + 1), (y0 + y1) / 2, side

    def _row_label(self, e: Element, box: Sequence[int], indent: float) -> None:
        x0, y0, x1, y1 = box
        self.text((x0 + indent, y0, x1, y1), e["label"], e["size"], self.pal["ink"])
        if e["rule"]:
            self.stroke(((x0, y1), (x1, y1)), self.colour("bar"), 1)

    def _check(self, e: Element, box: Sequence[int]) -> None:
        x, y, s = self._mark(e, box)
        on = e["state"] == "on"
        solid = on and self.look["fills"] and not self.look["bevel"]
        fill = self.pal["primary"] if solid else self.pal["field"]
        self.box((x, y - s / 2, x + s, y + s / 2), fill, self.pal["line"], self.radius(4), "sunken")
        if on:
            ink = self.ink_for(fill)
            tick = ((x + s * 0.2, y), (x + s * 0.42, y + s * 0.24), (x + s * 0.8, y - s * 0.26))
            self.canvas.line(tick, ink, max(1.5, s * 0.13))
        self._row_label(e, box, 0 if e["flip"] else s * 1.5)

    def _radio(self, e: Element, box: Sequence[int]) -> None:
        x, y, s = self._mark(e, box)
        self.canvas.ellipse(x, y - s / 2, x + s, y + s / 2, self.colour("field"), self.colour("line"),
                            max(1.2, self.weight))  # fmt: skip
        if e["state"] == "on":
            dot = self.colour("primary" if contrast(self.pal["primary"], self.pal["field"]) > 2 else "ink")
            self.canvas.ellipse(x + s * 0.25, y - s * 0.25, x + s * 0.75, y + s * 0.25, dot)
        self._row_label(e, box, 0 if e["flip"] else s * 1.5)

    def _toggle(self, e: Element, box: Sequence[int]) -> None:
        x0, y0, x1, y1 = box
        h = e["size"] * 1.05
        w, y = h * 1.85, (y0 + y1) / 2
        left = x0 if e["flip"] else x1 - w
        on = e["state"] == "on"
        track = self.pal["primary"] if on else self.pal["off"]
        self.canvas.rect(left, y - h / 2, left + w, y + h / 2, tuple(track),
                         None if self.look["fills"] else self.colour("line"), max(1, self.weight), h / 2)  # fmt: skip
        inset = h * 0.12
        knob = left + w - h + inset if on else left + inset
        face = self.ink_for(track) if not self.look["fills"] else (255, 255, 255)
        if self.look["fills"] and contrast(face, track) < 1.4:
            face = (40, 40, 40)
        self.canvas.ellipse(knob, y - h / 2 + inset, knob + h - inset * 2, y + h / 2 - inset, face)
        self._row_label(e, box, w + e["size"] * 0.6 if e["flip"] else 0)

    def _item(self, e: Element, box: Sequence[int]) -> None:
        x0, y0, x1, y1 = box
        s, y = e["size"] * 0.35, (y0 + y1) / 2
        self.canvas.ellipse(x0 + s * 0.5, y - s, x0 + s * 2.5, y + s, self.colour("bar"))
        self._row_label(e, box, e["size"] * 1.3)

    def _table(self, e: Element, box: Sequence[int]) -> None:
        x0, y0, x1, y1 = box
        step, each = (y1 - y0) / (len(e["rows"]) + 1), (x1 - x0) / len(e["columns"])
        head = self.pal["head"]
        self.box(box, self.pal["panel"], None, relief="sunken")
        self.box((x0, y0, x1, y0 + step), head, None, relief="raised")
        pad, line = e["size"] * 0.4, self.colour("line")
        for j, label in enumerate(e["columns"]):
            left = x0 + j * each
            self.text((left + pad, y0, left + each, y0 + step), label, e["size"], self.ink_for(head))
            for i, row in enumerate(e["rows"]):
                top = y0 + step * (i + 1)
                if self.look["striped"] and i % 2 and j == 0:
                    self.canvas.rect(x0, top, x1, top + step, mix(self.colour("panel"), self.colour("ink"), 0.07))
                if j < len(row):
                    self.text((left + pad, top, left + each, top + step), row[j], e["size"],
                              self.ink_for(self.pal["panel"]))  # fmt: skip
                else:
                    mid, wide = top + step / 2, each * (0.35 + 0.4 * ((i * 7 + j * 3) % 5) / 4)
                    self.canvas.rect(left + pad, mid - e["size"] * 0.2, left + pad + wide, mid + e["size"] * 0.2,
                                     self.colour("bar"))  # fmt: skip
        for i in range(1, len(e["rows"]) + 1):
            self.stroke(((x0, y0 + step * i), (x1, y0 + step * i)), line, self.weight)
        if self.look["grid"]:
            for j in range(1, len(e["columns"])):
                self.stroke(((x0 + each * j, y0), (x0 + each * j, y1)), line, self.weight)
        self.box(box, None, line)

    def _tab(self, e: Element, box: Sequence[int]) -> None:
        x0, y0, x1, y1 = box
        active = e["state"] == "active"
        if self.look["tab"] == "line" and not self.look["bevel"]:
            if e["low"]:
                self.canvas.rect(x0, y0, x1, y1, self.colour("panel"))
            self.stroke(((x0, y1), (x1, y1)), self.colour("bar"), 1)
            if active:
                edge = y0 + 2 if e["low"] else y1 - 1
                self.stroke(((x0, edge), (x1, edge)), self.colour("link"), max(3, e["size"] * 0.2))
            self.text(box, e["label"], e["size"], self.pal["link"] if active else self.pal["ink"], "m")
            return
        fill = self.pal["primary"] if active else self.pal["panel"]
        if self.look["bevel"]:
            fill = (255, 255, 255) if active else (192, 192, 192)
        self.box((x0, y0, x1, y1), fill, self.pal["line"], relief="raised")
        self.text(box, e["label"], e["size"], self.ink_for(fill), "m")

    def _image(self, e: Element, box: Sequence[int]) -> None:
        x0, y0, x1, y1 = box
        line = self.colour("line")
        self.box(box, self.pal["picture"], line, relief="sunken")
        if self.look["image"] == "cross":
            self.stroke(((x0, y0), (x1, y1)), line, self.weight)
            self.stroke(((x0, y1), (x1, y0)), line, self.weight)
            return
        s = min(x1 - x0, y1 - y0) * 0.36
        cx, cy = (x0 + x1) / 2, (y0 + y1) / 2
        ink = mix(self.colour("picture"), self.ink_for(self.pal["picture"]), 0.45)
        self.canvas.ellipse(cx + s * 0.3, cy - s * 0.8, cx + s * 0.8, cy - s * 0.3, ink)
        self.canvas.polygon(((cx - s, cy + s * 0.8), (cx - s * 0.3, cy - s * 0.3), (cx + s * 0.2, cy + s * 0.4),
                             (cx + s * 0.5, cy), (cx + s, cy + s * 0.8)), ink)  # fmt: skip

    def _avatar(self, e: Element, box: Sequence[int]) -> None:
        x0, y0, x1, y1 = box
        s, cx = x1 - x0, (x0 + x1) / 2
        back = self.colour("picture")
        ink = mix(back, self.ink_for(back), 0.5)
        self.canvas.ellipse(x0, y0, x1, y1, back, self.colour("line"), max(1, self.weight))
        self.canvas.ellipse(cx - s * 0.17, y0 + s * 0.18, cx + s * 0.17, y0 + s * 0.52, ink)
        self.canvas.pie(cx - s * 0.32, y0 + s * 0.56, cx + s * 0.32, y0 + s * 1.2, 180, 360, ink)

    def _progress(self, e: Element, box: Sequence[int]) -> None:
        x0, y0, x1, y1 = box
        self.box(box, self.pal["off"], None if self.look["fills"] else self.pal["line"], self.radius(8), "sunken")
        self.box((x0, y0, x0 + (x1 - x0) * e["state"] / 100, y1), self.pal["primary"], None, self.radius(8))

    def _bubble(self, e: Element, box: Sequence[int]) -> None:
        fill = self.pal["primary"] if e["state"] == "right" else self.pal["off"]
        self.box(box, fill, None if self.look["fills"] else self.pal["line"], max(4, self.radius(14)))
        self.text(box, e["label"], e["size"], self.ink_for(fill), "m")

    def _chart(self, e: Element, box: Sequence[int]) -> None:
        x0, y0, x1, y1 = box
        self.box(box, self.pal["panel"], self.pal["line"], self.radius(6), "sunken")
        w, h = x1 - x0, y1 - y0
        heights = [self.rng.uniform(0.2, 0.8) for _ in range(6)]
        ink = self.colour("primary" if contrast(self.pal["primary"], self.pal["panel"]) > 1.4 else "ink")
        if e["chart"] == "line":
            points = [(x0 + w * (0.08 + 0.168 * i), y1 - h * (0.08 + v)) for i, v in enumerate(heights)]
            self.canvas.line(points, ink, max(2, h * 0.03))
        elif e["chart"] == "pie":
            r, cx, cy = min(w, h) * 0.4, (x0 + x1) / 2, (y0 + y1) / 2
            self.canvas.ellipse(cx - r, cy - r, cx + r, cy + r, self.colour("bar"), self.colour("line"), self.weight)
            self.canvas.pie(cx - r, cy - r, cx + r, cy + r, -90, 360 * heights[0] - 60, ink)
        else:
            for i, v in enumerate(heights):
                left = x0 + w * (0.06 + 0.15 * i)
                self.canvas.rect(left, y1 - h * (0.06 + v), left + w * 0.1, y1 - h * 0.06, ink)


def paint(scene: Scene) -> Image.Image:
    """RGB, the scene's size."""
    painter = _Painter(scene)
    painter.frame(scene)
    for element in scene["elements"]:
        painter.paint(element)
    return painter.canvas.finish()

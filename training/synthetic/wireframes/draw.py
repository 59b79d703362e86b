"""Puts a screen on pixels."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

from PIL import Image

from ..base import Canvas, Scene
from ..colours import RGB, contrast, mix
from .words import Element


class _Painter:
    """Paints elements in the scene's look."""

    def __init__(self, scene: Scene) -> None:
        self.look, self.pal, self.font = scene["look"], scene["pal"], scene["font"]
        self.rng = random.Random(scene["seed"])
        self.canvas = Canvas.of(scene, scene["backdrop"])
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
        for (xa, ya), (xb, yb) in itertools.pairwise(points):
            for k in range(5):
                f = k / 4
                dx, dy = self.rng.uniform(-wobble, wobble), self.rng.uniform(-wobble, wobble)
                shaky.append((xa + (xb - xa) * f + dx, ya + (yb - ya) * f + dy))
        self.canvas.line(shaky, fill, width)

    def box(
        self,
        box: Sequence[float],
        fill: Sequence[int] | None = None,
        line: Sequence[int] | None = None,
        radius: float = 0,
        relief: str = "",
        shadow: bool = False,
    ) -> None:
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
                for a, b in (
                    ((x0 - over, y0), (x1 + over, y0)),
                    ((x1, y0 - over), (x1, y1 + over)),
                    ((x1 + over, y1), (x0 - over, y1)),
                    ((x0, y1 + over), (x0, y0 - over)),
                ):
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

    def deepen(self, box: Sequence[float], fill: RGB, radius: float) -> None:
        """What makes a button stand out of the page: light from above, a darker foot, a line inside."""
        x0, y0, x1, y1 = box
        kind, d = self.look["depth"] if radius < 20 else "inner", max(1.0, self.weight)
        if kind == "gloss":
            light = mix(fill, (255, 255, 255), 0.16)
            self.canvas.rect(x0 + d, y0 + d, x1 - d, (y0 + y1) / 2, light, radius=max(0, radius - d))
        elif kind == "foot":
            self.canvas.rect(x0 + d, y1 - 2 * d - 1, x1 - d, y1 - d, mix(fill, (0, 0, 0), 0.25), radius=radius / 3)
        else:
            edge = mix(fill, (255, 255, 255) if sum(fill) < 400 else (0, 0, 0), 0.3)
            self.canvas.rect(x0 + 2 * d, y0 + 2 * d, x1 - 2 * d, y1 - 2 * d, None, edge, d, max(0, radius - 2 * d))

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
            self.box(
                (x0 - b, y0 - b * frame["top"], x1 + b, y1 + b * frame["top"]), frame["colour"], frame["line"], b * 1.5
            )
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
            self.stroke(((x0, y1), (x1, y1)), ink, max(1.2, self.weight * self.look["mark"]))

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
                self.canvas.rect(
                    left,
                    y - step * 0.2,
                    left + width,
                    y + step * 0.2,
                    self.colour("bar"),
                    radius=self.radius(step) * 0.3,
                )

    def _panel(self, e: Element, box: Sequence[int]) -> None:
        self.box(box, self.pal["panel"], self.pal["line"], self.radius(12), "raised", shadow=True)

    def _modal(self, e: Element, box: Sequence[int]) -> None:
        self.canvas.hide((box[0], box[1], box[2], box[3]))
        self._panel(e, box)

    def _dim(self, e: Element, box: Sequence[int]) -> None:
        x0, y0, x1, y1 = (v * self.canvas.scale for v in box)
        part = self.canvas.image.crop((x0, y0, x1, y1))
        self.canvas.image.paste(Image.blend(part, Image.new("RGB", part.size, (30, 30, 30)), 0.45), (x0, y0))

    def _card(self, e: Element, box: Sequence[int]) -> None:
        self.box(
            box,
            e["fill"] or self.pal["panel"],
            self.pal["line"] if self.look["card_line"] else None,
            self.radius(10),
            "raised",
            shadow=True,
        )

    def _button(self, e: Element, box: Sequence[int]) -> None:
        round_ = 99 if self.look["pill"] else self.radius(9)
        self.box(box, e["fill"], e["line"], round_, "raised", shadow=bool(e["fill"]) and self.look["lift"])
        if e["fill"] and self.look["depth"]:
            self.deepen(box, tuple(e["fill"]), round_)
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
            self.tick(x, y, s, ink)
        self._row_label(e, box, 0 if e["flip"] else s * 1.5)

    def tick(self, x: float, y: float, s: float, ink: RGB) -> None:
        """What stands in a box that is on."""
        width, a, b = max(1.5, s * 0.13), x + s * 0.25, x + s * 0.75
        match self.look["tick"]:
            case "tick":
                self.canvas.line(
                    ((x + s * 0.2, y), (x + s * 0.42, y + s * 0.24), (x + s * 0.8, y - s * 0.26)), ink, width
                )
            case "cross":
                self.canvas.line(((a, y - s * 0.25), (b, y + s * 0.25)), ink, width)
                self.canvas.line(((a, y + s * 0.25), (b, y - s * 0.25)), ink, width)
            case _:
                self.canvas.rect(a, y - s * 0.25, b, y + s * 0.25, ink)

    def _radio(self, e: Element, box: Sequence[int]) -> None:
        x, y, s = self._mark(e, box)
        self.canvas.ellipse(
            x, y - s / 2, x + s, y + s / 2, self.colour("field"), self.colour("line"), max(1.2, self.weight)
        )
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
        self.canvas.rect(
            left,
            y - h / 2,
            left + w,
            y + h / 2,
            tuple(track),
            None if self.look["fills"] else self.colour("line"),
            max(1, self.weight),
            h / 2,
        )
        inset = h * 0.12
        knob = left + w - h + inset if on else left + inset
        face = self.ink_for(track) if not self.look["fills"] else (255, 255, 255)
        if self.look["fills"] and contrast(face, track) < 1.4:
            face = (40, 40, 40)
        self.canvas.ellipse(knob, y - h / 2 + inset, knob + h - inset * 2, y + h / 2 - inset, face)
        self._row_label(e, box, w + e["size"] * 0.6 if e["flip"] else 0)

    def _item(self, e: Element, box: Sequence[int]) -> None:
        x0, y0, _, y1 = box
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
                    self.text(
                        (left + pad, top, left + each, top + step), row[j], e["size"], self.ink_for(self.pal["panel"])
                    )
                else:
                    mid, wide = top + step / 2, each * (0.35 + 0.4 * ((i * 7 + j * 3) % 5) / 4)
                    self.canvas.rect(
                        left + pad, mid - e["size"] * 0.2, left + pad + wide, mid + e["size"] * 0.2, self.colour("bar")
                    )
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
        self.canvas.polygon(
            (
                (cx - s, cy + s * 0.8),
                (cx - s * 0.3, cy - s * 0.3),
                (cx + s * 0.2, cy + s * 0.4),
                (cx + s * 0.5, cy),
                (cx + s, cy + s * 0.8),
            ),
            ink,
        )

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


def draw(scene: Scene) -> Image.Image:
    """RGB, the scene's size."""
    painter = _Painter(scene)
    painter.frame(scene)
    for element in scene["elements"]:
        painter.paint(element)
    return painter.canvas.finish()

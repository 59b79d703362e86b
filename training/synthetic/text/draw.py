"""Puts text on pixels: a backdrop, a sign shape with its trimmings, lines of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from ..base import Canvas, Scene, font, linear_gradient
from ..colours import RGB, luminance, mix

Point = tuple[float, float]
BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def _rgb(colour: Sequence[int]) -> RGB:
    return colour[0], colour[1], colour[2]


def _ring(count: int, first: float, radii: Sequence[float] = (0.5,)) -> list[Point]:
    """Points around the unit circle, `first` degrees from three o'clock, with alternating radii."""
    angles = [math.radians(first + 360 * i / count) for i in range(count)]
    return [(radii[i % len(radii)] * math.cos(a), radii[i % len(radii)] * math.sin(a)) for i, a in enumerate(angles)]


def _rounded(width: float, height: float, radius: float) -> list[Point]:
    radius = max(0.0, min(radius, width / 2, height / 2))
    points: list[Point] = []
    for corner, (sx, sy) in enumerate(((1, 1), (-1, 1), (-1, -1), (1, -1))):
        cx, cy = sx * (width / 2 - radius), sy * (height / 2 - radius)
        for step in range(9 if radius else 1):
            a = math.radians(90 * corner + 90 * step / 8)
            points.append((cx + radius * math.cos(a), cy + radius * math.sin(a)))
    return points


_UNIT: dict[str, list[Point]] = {
    "circle": _ring(64, 0),
    "oval": _ring(64, 0),
    "octagon": [(x / 0.9239, y / 0.9239) for x, y in _ring(8, 22.5)],
    "hexagon": [(x, y / 0.866) for x, y in _ring(6, 0)],
    "diamond": _ring(4, 0),
    "star": _ring(32, 0, (0.5, 0.43)),
    "triangle": [(0, -0.5), (0.5, 0.5), (-0.5, 0.5)],
    "shield": [
        (-0.5, -0.5),
        (0.5, -0.5),
        (0.5, 0.02),
        (0.42, 0.22),
        (0.27, 0.37),
        (0, 0.5),
        (-0.27, 0.37),
        (-0.42, 0.22),
        (-0.5, 0.02),
    ],
    "banner": [(-0.5, -0.5), (0.5, -0.5), (0.44, 0), (0.5, 0.5), (-0.5, 0.5), (-0.44, 0)],
}


def outline(shape: Scene, width: float, height: float) -> list[Point]:
    """The polygon of a shape about its centre."""
    kind = shape["kind"]
    if kind in ("rectangle", "rounded rectangle", "pill"):
        return _rounded(width, height, shape["radius"] * min(width, height))
    if kind == "tag":
        cut = min(0.3 * width, 0.5 * height)
        w, h = width / 2, height / 2
        return [(-w + cut, -h), (w, -h), (w, h), (-w + cut, h), (-w, h - cut * 0.5), (-w, -h + cut * 0.5)]
    if kind == "arrow":
        w, h, head = width / 2, height / 2, min(0.34 * width, 0.75 * height)
        body = h * shape["body"]
        points = [(-w, -body), (w - head, -body), (w - head, -h), (w, 0), (w - head, h), (w - head, body), (-w, body)]
        return points if shape["direction"] == "right" else [(-x, y) for x, y in points]
    return [(x * width, y * height) for x, y in _UNIT[kind]]


def turned(points: Sequence[Point], angle: float, cx: float, cy: float) -> list[Point]:
    """Turned counter-clockwise about the origin, then moved to the centre."""
    c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return [(cx + x * c + y * s, cy - x * s + y * c) for x, y in points]


def _stencil(text: str, file: str, size: int, effects: Scene, stroke: float) -> Image.Image:
    """The text's ink (L), cropped to it; `stroke` makes it fatter, in font sizes."""
    mask = _written(text, file, size, effects["tracking"], round((stroke + effects["weight"]) * size))
    wide, high = round(mask.width * effects["stretch"]), mask.height
    if wide != mask.width:
        mask = mask.resize((max(1, wide), high), Image.Resampling.BILINEAR)
    if slant := effects["shear"]:
        lean = round(slant * high)  # the top moves to the right, the bottom stays
        mask = mask.transform(
            (wide + lean, high), Image.Transform.AFFINE, (1, slant, -lean, 0, 1, 0), Image.Resampling.BILINEAR
        )
    return mask


def _written(text: str, file: str, size: int, tracking: float, stroke: int) -> Image.Image:
    """As the font has it; `tracking` is extra space between letters in font sizes."""
    face = font(file, size)
    if not tracking:
        left, top, right, bottom = face.getbbox(text, stroke_width=stroke)
        mask = Image.new("L", (math.ceil(right - left) + 2, math.ceil(bottom - top) + 2))
        ImageDraw.Draw(mask).text((1 - left, 1 - top), text, 255, face, stroke_width=stroke)
        return mask
    width = sum(face.getlength(letter) for letter in text) + len(text) * tracking * size
    mask = Image.new("L", (math.ceil(width) + size, size * 2))
    pen, x = ImageDraw.Draw(mask), size / 2
    for letter in text:
        pen.text((round(x), size // 3), letter, 255, face, stroke_width=stroke)
        x += face.getlength(letter) + tracking * size
    return mask.crop(mask.getbbox())


def _grain(size: tuple[int, int], rng: np.random.Generator, low: int, cell: int) -> Image.Image:
    """Blotchy grey (L) from `low` to 255, for chalk and dust."""
    small = rng.integers(low, 256, (size[1] // cell + 2, size[0] // cell + 2), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BILINEAR)


def _put(canvas: Canvas, mask: Image.Image, x: float, y: float, colour: Sequence[int]) -> None:
    """Inks through `mask`, centred on (x, y) in output pixels."""
    corner = (round(x * canvas.scale - mask.width / 2), round(y * canvas.scale - mask.height / 2))
    canvas.image.paste(_rgb(colour), (*corner, corner[0] + mask.width, corner[1] + mask.height), mask)


def _glow(canvas: Canvas, mask: Image.Image, x: float, y: float, colour: Sequence[int], reach: float) -> None:
    """Light around `mask`, blurred at output size because blurring is the slow part."""
    pad = round(reach * 3) + 1
    size = (max(1, mask.width // canvas.scale), max(1, mask.height // canvas.scale))
    halo = Image.new("L", (size[0] + 2 * pad, size[1] + 2 * pad))
    halo.paste(mask.resize(size, Image.Resampling.BILINEAR), (pad, pad))
    halo = halo.filter(ImageFilter.GaussianBlur(reach)).point([min(200, round(v * 1.1)) for v in range(256)])
    _put(canvas, halo.resize((halo.width * canvas.scale, halo.height * canvas.scale)), x, y, colour)


def _ink(
    canvas: Canvas, mask: Image.Image, line: Scene, kind: str, back: Sequence[int], rng: np.random.Generator
) -> None:  # fmt: skip
    """The letters themselves: in one even colour, or as pens, printers and renderers leave them."""
    x, y, colour = line["x"], line["y"], _rgb(line["colour"])
    if kind == "gradient":
        end = mix(colour, WHITE if luminance(colour) > luminance(back) else BLACK, 0.25)  # away from what is behind
        blend = linear_gradient(mask.size, colour, end, 90)
        corner = (round(x * canvas.scale - mask.width / 2), round(y * canvas.scale - mask.height / 2))
        canvas.image.paste(blend, corner, mask)
        return
    if kind in ("grain", "chalk"):
        low, cell = (90, canvas.scale) if kind == "chalk" else (140, 3 * canvas.scale)
        mask = ImageChops.multiply(mask, _grain(mask.size, rng, low, cell))
    elif kind == "thin":  # what is behind shows through
        mask = mask.point([round(v * 0.78) for v in range(256)])
    _put(canvas, mask, x, y, colour)


def draw_line(canvas: Canvas, scene: Scene, line: Scene, rng: np.random.Generator) -> None:
    effects, angle = scene["effects"], scene["angle"]
    size = max(4, round(line["size"] * canvas.scale))

    def ink(stroke: float = 0) -> Image.Image:
        mask = _stencil(line["text"], line["font"], size, effects, stroke)
        return mask.rotate(angle, Image.Resampling.BICUBIC, expand=True) if angle else mask

    mask, x, y = ink(), line["x"], line["y"]
    canvas.note(line["text"], line["font"], line["size"], x, y, angle, effects["tracking"], effects["stretch"])
    if effects["shadow"]:
        dx, dy = (shift * line["size"] for shift in effects["shadow"])
        if effects["soft"]:
            _glow(canvas, mask, x + dx, y + dy, effects["shadow_colour"], max(1, line["size"] * 0.04))
        else:
            _put(canvas, mask, x + dx, y + dy, effects["shadow_colour"])
    if effects["stroke"]:
        _put(canvas, ink(effects["stroke"]), x, y, effects["stroke_colour"])
    if scene["style"] == "neon":
        _glow(canvas, mask, x, y, line["colour"], max(1.5, line["size"] * 0.09))
        _put(canvas, mask, x, y, mix(line["colour"], WHITE, 0.3))
    else:
        if effects["ink"] == "outline" and line["size"] > 24:
            inside, mask = mask, ink(0.03)
            mask.paste(0, ((mask.width - inside.width) // 2, (mask.height - inside.height) // 2), inside)
        back = scene["shape"]["colour"] if scene["shape"] else scene["backdrop"]["colour"]
        _ink(canvas, mask, line, "chalk" if scene["style"] == "chalkboard" else effects["ink"], back, rng)
    if effects["underline"]:
        half = mask.width / canvas.scale / 2 * (math.cos(math.radians(angle)) if angle else 1)
        drop = line["height"] / 2 + line["size"] * 0.12
        canvas.line(turned([(-half, drop), (half, drop)], angle, x, y), _rgb(line["colour"]), line["size"] * 0.06)


def _backdrop(canvas: Canvas, scene: Scene, rng: np.random.Generator) -> None:
    """Everything behind the sign. `other` is a second shade close to `colour`."""
    drop, width, height, pen = scene["backdrop"], canvas.width, canvas.height, canvas.pen
    colour, other, kind, cell = _rgb(drop["colour"]), _rgb(drop["other"]), drop["kind"], drop["cell"]
    scale, step = canvas.scale, max(4, round(drop["cell"] * canvas.scale))
    big_w, big_h = canvas.image.size
    if kind == "gradient":
        canvas.gradient(colour, other, drop["angle"])
    elif kind == "noise":
        noise = Image.fromarray(rng.integers(0, 256, (height // 2 + 1, width // 2 + 1), dtype=np.uint8))
        canvas.image.paste(Image.new("RGB", (big_w, big_h), other), None, noise.resize((big_w, big_h)))
    elif kind == "clouds":
        mask = Image.fromarray(rng.integers(0, 256, (6, 8), dtype=np.uint8))
        canvas.image.paste(other, None, mask.resize((big_w, big_h), Image.Resampling.BICUBIC))
    elif kind == "stripes":
        for x in range(-big_h, big_w, 2 * step):
            pen.polygon([(x, 0), (x + step, 0), (x + step + big_h, big_h), (x + big_h, big_h)], fill=other)
    elif kind == "dots":
        for y in range(step // 2, big_h + step, step):
            for x in range(step // 2, big_w + step, step):
                pen.ellipse((x - step // 6, y - step // 6, x + step // 6, y + step // 6), other)
    elif kind in ("grid", "lined"):
        for y in range(step, big_h, step):
            pen.line((0, y, big_w, y), other, scale)
        for x in range(step, big_w if kind == "grid" else 0, step):
            pen.line((x, 0, x, big_h), other, scale)
    elif kind == "bricks":
        for row, y in enumerate(range(0, big_h, step)):
            pen.line((0, y, big_w, y), other, 2 * scale)
            for x in range(-step if row % 2 else 0, big_w, 2 * step):
                pen.line((x, y, x, y + step), other, 2 * scale)
    elif kind == "planks":
        for y in range(0, big_h, 2 * step):
            pen.line((0, y, big_w, y), mix(other, BLACK, 0.25), scale)
            for grain in rng.integers(2, max(3, 2 * step - 2), 3):
                pen.line((0, y + int(grain), big_w, y + int(grain) + step // 4), other, scale)
    elif kind == "horizon":
        canvas.image.paste(linear_gradient((big_w, big_h), colour, mix(colour, WHITE, 0.5), 90))
        canvas.rect(-2, height * drop["level"], width + 2, height + 2, fill=other)
    elif kind == "wall":
        canvas.rect(-2, height * drop["level"], width + 2, height + 2, fill=other)
        canvas.rect(width * 0.1, height * drop["level"], width * 0.35, height + 2, fill=mix(other, BLACK, 0.3))
        canvas.rect(width * 0.5, height * drop["level"] + cell, width * 0.9, height + 2, fill=mix(other, WHITE, 0.4))


def _behind(canvas: Canvas, scene: Scene, shape: Scene) -> None:
    """Posts, chains, shadows: what the sign hangs from or throws."""
    cx, cy, w, h, angle = shape["x"], shape["y"], shape["w"], shape["h"], scene["angle"]
    tone = _rgb(scene["metal"])
    if "post" in scene["trim"]:
        half = max(2, w * 0.025)
        for x in (cx,) if h * 1.6 > w else (cx - w * 0.3, cx + w * 0.3):
            canvas.rect(x - half, cy, x + half, canvas.height + 2, fill=tone)
    if "chains" in scene["trim"]:
        for x in (-0.35, 0.35):
            a, b = turned([(x * w, -h * 0.45), (x * w, -h * 0.5)], angle, cx, cy)
            canvas.line([(a[0], -2), a, b], tone, max(1.5, w * 0.008))
    if scene["style"] == "screen":
        case = mix(tone, BLACK, 0.55)
        if "stand" in scene["trim"]:
            canvas.rect(cx - w * 0.06, cy + h * 0.4, cx + w * 0.06, cy + h * 0.62, fill=case)
            canvas.rect(cx - w * 0.2, cy + h * 0.6, cx + w * 0.2, cy + h * 0.65, fill=case)
        rim = max(2, min(w, h) * 0.05)
        canvas.polygon(turned(outline(shape, w + 2 * rim, h + 2 * rim), angle, cx, cy), fill=case)
    if "shadow" in scene["trim"]:
        shift = max(2, min(w, h) * 0.04)
        tint = mix(scene["backdrop"]["colour"], BLACK, 0.35)
        canvas.polygon(turned(outline(shape, w, h), angle, cx + shift * 0.6, cy + shift), fill=tint)


def _sign(canvas: Canvas, scene: Scene, shape: Scene) -> None:
    cx, cy, w, h, angle = shape["x"], shape["y"], shape["w"], shape["h"], scene["angle"]
    border, width = shape["border"], shape["border_width"]
    points = turned(outline(shape, w, h), angle, cx, cy)
    if scene["style"] == "neon":
        if border:
            mask = Image.new("L", (round((w + 8 * width) * canvas.scale), round((h + 8 * width) * canvas.scale)))
            ring = turned(outline(shape, w, h), 0, mask.width / canvas.scale / 2, mask.height / canvas.scale / 2)
            scaled = [(x * canvas.scale, y * canvas.scale) for x, y in (*ring, *ring[:2])]
            ImageDraw.Draw(mask).line(scaled, 255, max(1, round(width * canvas.scale)), "curve")
            mask = mask.rotate(angle, Image.Resampling.BICUBIC, expand=True) if angle else mask
            _glow(canvas, mask, cx, cy, border, max(2, width * 1.5))
            _put(canvas, mask, cx, cy, mix(border, WHITE, 0.3))
        return
    canvas.polygon(points, fill=_rgb(shape["colour"]))
    if "gloss" in scene["trim"]:
        top = outline({**shape, "radius": shape.get("radius", 0)}, w * 0.96, h * 0.9)
        upper = [(x, min(y, 0)) for x, y in top]
        canvas.polygon(turned(upper, angle, cx, cy), fill=mix(shape["colour"], WHITE, 0.12))
    if border and shape["inset"]:
        gap = 2 * width + width
        inner = outline(shape, w - 2 * gap, h - 2 * gap * (h / w if shape["kind"] == "banner" else 1))
        canvas.polygon(turned(inner, angle, cx, cy), outline=_rgb(border), width=width)
    elif border:
        canvas.polygon(points, outline=_rgb(border), width=width)
    hole = _rgb(scene["backdrop"]["colour"])
    if "hole" in scene["trim"]:
        r = max(2.0, h * 0.05)
        ((x, y),) = turned([(-w / 2 + max(2.5 * r, h * 0.1), 0)], angle, cx, cy)
        canvas.ellipse(x - r, y - r, x + r, y + r, fill=hole, outline=mix(shape["colour"], BLACK, 0.4))
    if "curl" in scene["trim"]:
        fold = 0.22 * min(w, h)
        corner = [(w / 2, h / 2 - fold), (w / 2 - fold, h / 2), (w / 2 - fold * 0.9, h / 2 - fold * 0.9)]
        canvas.polygon(turned([(w / 2, h / 2 - fold), (w / 2, h / 2), (w / 2 - fold, h / 2)], angle, cx, cy), fill=hole)
        canvas.polygon(turned(corner, angle, cx, cy), fill=mix(shape["colour"], BLACK, 0.22))
    if "pin" in scene["trim"]:
        r = max(2.0, min(w, h) * 0.04)
        ((x, y),) = turned([(0, -h / 2 + 2 * r)], angle, cx, cy)
        canvas.ellipse(x - r, y - r, x + r, y + r, fill=mix(scene["metal"], (200, 30, 30), 0.5), outline=(70, 40, 40))
    if "screws" in scene["trim"]:
        r = max(2.0, min(w, h) * 0.025)
        for sx in (-1, 1):
            for sy in (-1, 1) if h > 0.35 * w else (0,):
                ((x, y),) = turned([(sx * (w / 2 - 3 * r), sy * (h / 2 - 3 * r))], angle, cx, cy)
                canvas.ellipse(x - r, y - r, x + r, y + r, fill=(170, 170, 170), outline=(70, 70, 70))


def _frame(canvas: Canvas, scene: Scene, rng: np.random.Generator) -> None:
    """A board's rim, and the dust on a chalkboard."""
    width, height, shape = canvas.width, canvas.height, scene["frame"]
    if shape["dust"]:
        dust = _grain(canvas.image.size, rng, 0, 40 * canvas.scale).point([v // 12 for v in range(256)])
        canvas.image.paste(WHITE, None, dust)
    w = shape["width"]
    boards = ((0, 0, width, w), (0, height - w, width, height), (0, 0, w, height), (width - w, 0, width, height))
    for x0, y0, x1, y1 in boards:
        canvas.rect(x0, y0, x1, y1, _rgb(shape["colour"]))
    canvas.rect(w, w, width - w, height - w, outline=mix(shape["colour"], BLACK, 0.4), width=1.5)
    if shape["chalk"]:
        tone = (245, 245, 240) if shape["dust"] else tuple(scene["lines"][0]["colour"])
        canvas.rect(width * 0.7, height - w * 0.8, width * 0.7 + 3 * w, height - w * 0.4, fill=tone)


def draw(scene: Scene) -> Image.Image:
    """The picture of a scene; the same scene gives the same pixels."""
    rng = np.random.default_rng(scene["seed"])
    canvas = Canvas.of(scene, scene["backdrop"]["colour"])
    _backdrop(canvas, scene, rng)
    if scene["frame"]:
        _frame(canvas, scene, rng)
    if scene["shape"]:
        _behind(canvas, scene, scene["shape"])
        _sign(canvas, scene, scene["shape"])
    for line in scene["lines"]:
        draw_line(canvas, scene, line, rng)
    return canvas.finish()

"""What every image family of the studio shares: fonts, a canvas, phrasing, questions.

A family is a package with four pure functions, `compose -> draw / captions / questions`, over one
plain-data scene. Composing without drawing is what text pretraining uses; drawing the same scene
twice gives the same pixels. All randomness comes from the `random.Random` that is handed in.
"""

from __future__ import annotations

import io
import itertools
import json
import math
import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from .colours import RGB

Scene = dict[str, Any]
"""JSON-serialisable; holds everything that `draw` needs, and the truth that questions ask about."""

KINDS = (
    "yes_no", "colour", "count", "relation", "comparison", "superlative",
    "attribute", "reading", "what", "list", "json", "absent",
)  # fmt: skip


@dataclass(frozen=True)
class QA:
    """One question about one scene.

    `answer` is the short form that the model is trained to say and that scoring compares with;
    `sentence` says the same in a full sentence (asked for in words); `accept` holds other short
    forms that are equally true.
    """

    kind: str
    question: str
    answer: str
    sentence: str = ""
    accept: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown question kind {self.kind!r}; known: {', '.join(KINDS)}")


Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels of the picture, origin top left."""


@dataclass(frozen=True)
class Letter:
    """One drawn character: its centre and its font's height, in pixels of the picture; its place in its word, and that;
    the number of the line that was written at once.

    The word is in lower case, without the punctuation around it.
    """

    character: str
    x: float
    y: float
    height: float
    nth: int = 1
    word: str = ""
    line: int = 0


@dataclass(frozen=True)
class Region:
    """Something that stands in a picture, and the words of a closed vocabulary that are true of it."""

    box: Box
    words: tuple[str, ...]


def bare(word: str) -> str:
    """In lower case, without the punctuation around it."""
    return word.lower().strip(".,:;!?()")


def words_in(*lists: Any) -> frozenset[str]:
    """The words, of two signs or more, of the texts in nested tuples and dictionaries; not what a pattern fills in."""
    found: set[str] = set()
    for item in lists:
        match item:
            case str():
                found.update(bare(word) for word in item.split() if "{" not in word)
            case dict():
                found |= words_in(*item.values())
            case tuple():
                found |= words_in(*item)
    return frozenset(word for word in found if len(word) > 1)


class Family(Protocol):
    """The interface of a family package (`shapes`, `charts`, ...)."""

    NAME: str
    STYLES: tuple[str, ...]
    HELD_OUT_STYLES: tuple[str, ...]
    FACTS: re.Pattern[str]
    WRITTEN: frozenset[str]
    """Words of closed lists that label things in its pictures, as `words_in` gives them."""

    def compose(self, rng: random.Random, style: str) -> Scene: ...
    def draw(self, scene: Scene) -> Image.Image: ...
    def captions(self, scene: Scene, rng: random.Random) -> dict[str, str]: ...
    def questions(self, scene: Scene, rng: random.Random) -> list[QA]: ...
    def regions(self, scene: Scene) -> list[Region]: ...


# --- fonts ---------------------------------------------------------------------------------------

_FONT_FOLDERS = (Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path("/Library/Fonts"))
_NOT_FOR_LATIN = re.compile(
    r"thin|hairline|extralight|ultralight|small-?cap|titling|humor|symbol|dingbat|emoji|math|music|braille|ornament|wingding|webding|D050000L|StandardSymbols|opens___|Fallback|Looped|"
    r"Noto(Sans|Serif|Kufi|Naskh|Nastaliq|Rashi|Traditional)(?!(-|Mono|Display|\.))", re.I
)  # fmt: skip
_NOT_PLAIN = re.compile(
    r"serif|italic|oblique|inclined|It$|mono|roman|slab|caladea|charis|garamond|vollkorn|lobster|oldstandard|courier|"
    r"bookman|junction|C059|P052|Z003",
    re.I,
)
_HELD_OUT_FONT = re.compile(r"Lato|FreeSerif|Ubuntu-|C059|Comic", re.I)


def _writes_latin(file: str) -> bool:
    """Whether it has signs of its own for what pictures say: none of them blank, missing or the same as another."""
    face = ImageFont.truetype(file, 16, layout_engine=ImageFont.Layout.BASIC)
    signs = [face.getmask(sign).getbbox() and bytes(face.getmask(sign)) for sign in "aAgGzQ09$#&%\u00a3\u20ac\uffff"]
    return all(signs[:-1]) and len(set(signs)) == len(signs)


@cache
def font_files(held_out: bool = False) -> tuple[str, ...]:
    """Latin text fonts of this system; five families are kept for the held-out styles only.

    The face inside Pillow ("", see `font`) is a training font; a system without fonts has it alone.
    """
    found = sorted(
        str(path)
        for folder in _FONT_FOLDERS
        if folder.is_dir()
        for path in folder.rglob("*.[to]tf")
        if not _NOT_FOR_LATIN.search(path.name) and _writes_latin(str(path))
    )
    chosen = [f for f in found if bool(_HELD_OUT_FONT.search(Path(f).name)) == held_out]
    return tuple(chosen) if held_out and chosen else ("", *chosen)


@cache
def _font_families(held_out: bool, plain: bool) -> tuple[tuple[str, ...], ...]:
    files: Sequence[str] = font_files(held_out)
    if plain:
        sans = [f for f in files if not _NOT_PLAIN.search(Path(f).name)]
        files = sans or files
    families: dict[str, list[str]] = {}
    for file in files:  # by family first: Noto and DejaVu have dozens of cuts each
        families.setdefault(re.split(r"[-\d]", Path(file).stem)[0][:8], []).append(file)
    return tuple(tuple(families[name]) for name in sorted(families))


def pick_font(rng: random.Random, held_out: bool = False, plain: bool = False, avoid: str = "") -> str:
    """A font file for a scene ("" means Pillow's own face).

    Args:
        plain: keeps to upright sans faces.
        avoid: a pattern; files that match are drawn again.
    """
    families = _font_families(held_out, plain)
    file = rng.choice(rng.choice(families))
    while avoid and re.search(avoid, file):
        file = rng.choice(rng.choice(families))
    return file


@lru_cache(maxsize=2048)
def font(file: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The face at `size` pixels (at least 4)."""
    size = max(4, size)
    if file:
        return ImageFont.truetype(file, size, layout_engine=ImageFont.Layout.BASIC)
    return ImageFont.load_default(size)


@lru_cache(maxsize=16384)
def ink_box(text: str, file: str, size: int, anchor: str = "la") -> Box:
    """Left, top, right and bottom of the ink of `text` written at (0, 0). Kept: the same label is measured often."""
    return font(file, size).getbbox(text, anchor=anchor)


@lru_cache(maxsize=65536)
def advance(character: str, file: str, size: int) -> float:
    """How far the pen moves for one character, in pixels."""
    return font(file, size).getlength(character)


# --- drawing -------------------------------------------------------------------------------------


class Canvas:
    """Drawing in output pixels, on a bitmap `scale` times larger (1: aliased, 2 or 3: smooth).

    It remembers where each letter went; `finish` hands them on in the picture's `info["letters"]`.
    """

    def __init__(self, width: int, height: int, background: RGB, scale: int = 2) -> None:
        self.width, self.height, self.scale = width, height, scale
        self.image = Image.new("RGB", (width * scale, height * scale), background)
        self.pen = ImageDraw.Draw(self.image)
        self.letters: list[Letter] = []

    @classmethod
    def of(cls, scene: Scene, background: Sequence[int]) -> Canvas:
        """A canvas of the scene's size and scale."""
        (width, height), (r, g, b) = scene["size"], background
        return cls(width, height, (r, g, b), scene["scale"])

    def _points(self, points: Iterable[Sequence[float]]) -> list[tuple[float, float]]:
        return [(x * self.scale, y * self.scale) for x, y in points]

    def _width(self, width: float) -> int:
        return max(1, round(width * self.scale))

    def polygon(
        self, points: Sequence[Sequence[float]], fill: RGB | None = None,
        outline: RGB | None = None, width: float = 1,
    ) -> None:  # fmt: skip
        scaled = self._points(points)
        if fill is not None:
            self.pen.polygon(scaled, fill=fill)
        if outline is not None:
            self.pen.line([*scaled, scaled[0], scaled[1]], outline, self._width(width), "curve")

    def rect(
        self, x0: float, y0: float, x1: float, y1: float, fill: RGB | None = None,
        outline: RGB | None = None, width: float = 1, radius: float = 0,
    ) -> None:  # fmt: skip
        if x1 - x0 < 1 or y1 - y0 < 1:
            return
        (a, b), (c, d) = self._points(((x0, y0), (x1, y1)))
        pixels = self._width(width) if outline is not None else 0
        radius = min(radius, (x1 - x0) / 2, (y1 - y0) / 2) * self.scale
        self.pen.rounded_rectangle((a, b, c, d), radius, fill, outline, pixels)

    def ellipse(
        self, x0: float, y0: float, x1: float, y1: float, fill: RGB | None = None,
        outline: RGB | None = None, width: float = 1,
    ) -> None:  # fmt: skip
        (a, b), (c, d) = self._points(((x0, y0), (x1, y1)))
        self.pen.ellipse((a, b, c, d), fill, outline, self._width(width) if outline else 0)

    def line(
        self, points: Sequence[Sequence[float]], fill: RGB, width: float = 1,
        dash: tuple[float, float] | None = None,
    ) -> None:  # fmt: skip
        if dash is None:
            self.pen.line(self._points(points), fill, self._width(width), "curve")
            return
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            length = math.hypot(x1 - x0, y1 - y0)
            at = 0.0
            while at < length:
                end = min(at + dash[0], length)
                a = (x0 + (x1 - x0) * at / length, y0 + (y1 - y0) * at / length)
                b = (x0 + (x1 - x0) * end / length, y0 + (y1 - y0) * end / length)
                self.pen.line(self._points((a, b)), fill, self._width(width))
                at = end + dash[1]

    def arc(
        self, x0: float, y0: float, x1: float, y1: float, start: float, end: float,
        fill: RGB, width: float = 1,
    ) -> None:  # fmt: skip
        """Degrees clockwise from three o'clock, as Pillow counts them."""
        (a, b), (c, d) = self._points(((x0, y0), (x1, y1)))
        self.pen.arc((a, b, c, d), start, end, fill, self._width(width))

    def pie(
        self, x0: float, y0: float, x1: float, y1: float, start: float, end: float,
        fill: RGB, outline: RGB | None = None, width: float = 1,
    ) -> None:  # fmt: skip
        (a, b), (c, d) = self._points(((x0, y0), (x1, y1)))
        self.pen.pieslice((a, b, c, d), start, end, fill, outline, self._width(width))

    def text(
        self, x: float, y: float, text: str, file: str, size: float, fill: RGB,
        anchor: str = "mm", angle: float = 0,
    ) -> None:  # fmt: skip
        """`anchor` as in Pillow; `angle` in degrees counter-clockwise about the text's centre."""
        face = font(file, round(size * self.scale))
        if not angle:
            place = x * self.scale, y * self.scale
            left, top, right, bottom = ink_box(text, file, round(size * self.scale), anchor)
            self.note(text, file, size, x + (left + right) / 2 / self.scale, y + (top + bottom) / 2 / self.scale)
            self.pen.text(place, text, fill, face, anchor)
            return
        self.note(text, file, size, x, y, angle)
        left, top, right, bottom = face.getbbox(text)
        stencil = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4))
        ImageDraw.Draw(stencil).text((2 - left, 2 - top), text, 255, face)
        stencil = stencil.rotate(angle, Image.Resampling.BICUBIC, expand=True)
        corner = (round(x * self.scale - stencil.width / 2), round(y * self.scale - stencil.height / 2))
        self.image.paste(Image.new("RGB", stencil.size, fill), corner, stencil)

    def note(
        self, text: str, file: str, size: float, x: float, y: float, angle: float = 0, tracking: float = 0,
        stretch: float = 1,
    ) -> None:  # fmt: skip
        """Remembers the letters of a line about its centre.

        `tracking` is extra space in font sizes, `stretch` how many times as wide as the font is what was drawn.
        """
        advances = [(advance(character, file, round(size)) + tracking * size) * stretch for character in text]
        at = -sum(advances) / 2
        c, s = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        nth, words, line = 0, iter(text.split()), self.letters[-1].line + 1 if self.letters else 0
        for character, width in zip(text, advances, strict=True):
            middle = at + width / 2
            nth = 0 if character.isspace() else nth + 1
            if nth == 1:
                word = bare(next(words))
            if nth:
                self.letters.append(Letter(character, x + middle * c, y - middle * s, size, nth, word, line))
            at += width

    def hide(self, box: Box) -> None:
        """Forgets the letters in a box that is about to be painted over."""
        x0, y0, x1, y1 = box
        self.letters = [o for o in self.letters if not (x0 <= o.x <= x1 and y0 <= o.y <= y1)]

    def paste(self, image: Image.Image, x: float, y: float, mask: Image.Image | None = None) -> None:
        """Puts a bitmap that is already at canvas scale."""
        self.image.paste(image, (round(x * self.scale), round(y * self.scale)), mask)

    def gradient(self, start: RGB, end: RGB, angle: float = 90) -> None:
        """Fills the whole canvas with a linear gradient."""
        self.image.paste(linear_gradient(self.image.size, start, end, angle))

    def finish(self) -> Image.Image:
        """(width, height) RGB."""
        finished = self.image if self.scale == 1 else self.image.reduce(self.scale)
        finished.info["letters"] = self.letters
        return finished


def linear_gradient(size: tuple[int, int], start: RGB, end: RGB, angle: float) -> Image.Image:
    """An RGB bitmap that runs from `start` to `end` along `angle` (degrees; 90 is downwards)."""
    small = 64
    dx, dy = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    xs, ys = np.meshgrid(np.linspace(-0.5, 0.5, small), np.linspace(-0.5, 0.5, small))
    t = (xs * dx + ys * dy) / (abs(dx) + abs(dy)) + 0.5
    pixels = np.asarray(start) + (np.asarray(end) - np.asarray(start)) * t[..., None]
    return Image.fromarray(pixels.astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)


def text_size(text: str, file: str, size: float) -> tuple[float, float]:
    """Width and height in pixels of `text` at `size`."""
    left, top, right, bottom = ink_box(text, file, round(size))
    return right - left, bottom - top


def fit_text(text: str, file: str, size: float, width: float, smallest: float = 7) -> float:
    """The largest size up to `size` at which `text` is at most `width` wide (never below `smallest`)."""
    measured = text_size(text, file, size)[0]
    return max(smallest, size if measured <= width else size * width / measured)


def random_size(rng: random.Random, wide: float = 3.0, smallest: int = 256, largest: int = 1280) -> tuple[int, int]:
    """A canvas size: aspect 1:wide to wide:1 (mostly moderate), long side mostly below 640.

    Large canvases are rare because drawing time grows with their area, not because users' are.
    """
    aspect = math.exp(rng.triangular(-math.log(wide), math.log(wide), 0))
    long_side = rng.uniform(smallest * 1.1, 640) if rng.random() < 0.92 else rng.uniform(640, largest)
    width, height = (long_side, long_side / aspect) if aspect >= 1 else (long_side * aspect, long_side)
    lift = max(1.0, 150 / min(width, height))
    return min(largest, round(width * lift)), min(largest, round(height * lift))


def degrade(image: Image.Image, rng: random.Random) -> Image.Image:
    """What cameras, screens, scalers and savers do to a picture, each with a small probability."""
    width, height = image.size
    if rng.random() < 0.1:
        image = _lit(image, rng)
    if rng.random() < 0.2:
        factor = rng.uniform(0.6, 0.95)
        filter_ = rng.choice((Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.NEAREST))
        image = image.resize((max(96, round(width * factor)), max(96, round(height * factor))), filter_)
    if rng.random() < 0.12:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.9)))
    elif rng.random() < 0.06:
        image = image.filter(ImageFilter.UnsharpMask(rng.uniform(0.6, 1.5), rng.randint(40, 160), 0))
    if rng.random() < 0.25:
        gain, offset, gamma = rng.uniform(0.85, 1.1), rng.uniform(-12, 12), rng.uniform(0.85, 1.18)
        warmth = rng.uniform(-0.05, 0.05) if rng.random() < 0.4 else 0
        curve = [255 * (v / 255) ** gamma * gain + offset for v in range(256)]
        tables = [[min(255, max(0, round(v * (1 + k)))) for v in curve] for k in (warmth, 0, -warmth)]
        image = image.point([*tables[0], *tables[1], *tables[2]])
    if rng.random() < 0.04:  # as a GIF, or a PNG of few colours
        image = image.quantize(rng.choice((64, 128, 256)), Image.Quantize.FASTOCTREE).convert("RGB")
    if rng.random() < 0.15:
        noise = np.random.default_rng(rng.getrandbits(32)).normal(0, rng.uniform(2, 9), (image.height, image.width, 1))
        noisy = np.asarray(image) + noise
        image = Image.fromarray(np.clip(noisy, 0, 255, out=noisy).astype(np.uint8))
    if rng.random() < 0.25:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=rng.randint(40, 95))
        image = Image.open(buffer).convert("RGB")  # our own bytes, just written
    return image


def _lit(image: Image.Image, rng: random.Random) -> Image.Image:
    """As a lamp lights paper: one side a little darker than the other."""
    dark, bright = rng.uniform(0.8, 0.94), rng.uniform(0.97, 1)
    levels = (round(255 * dark),) * 3, (round(255 * bright),) * 3
    return ImageChops.multiply(image, linear_gradient(image.size, *levels, rng.uniform(0, 360)))


# --- phrasing ------------------------------------------------------------------------------------

NUMBERS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_CHOICE = re.compile(r"\[([^\[\]]*)\]")


def say(rng: random.Random, template: str, **slots: object) -> str:
    """Expands `[a|b|]` to one alternative (innermost first), then fills `{slot}`s, then tidies spaces."""
    while _CHOICE.search(template):
        template = _CHOICE.sub(lambda m: rng.choice(m[1].split("|")), template, count=1)
    return re.sub(r"\s+", " ", template.format(**slots)).strip()


_POLITE = (
    "Please tell me: ", "Tell me, ", "Can you tell me ", "Hi! ", "Hey, ", "Quick question: ", "Look at the picture. ",
    "In this image, ", "In the picture, ", "Looking at this image, ", "Question: ", "I have a question. ",
    "Please answer: ",
)  # fmt: skip
_TAIL = (" please", " in this image", " in the picture", " here", ", please", " in this picture", " in the image")


def dress(rng: random.Random, question: str) -> str:
    """The same question the way different people type it: polite, lower case, without the mark."""
    question = question[0].upper() + question[1:]
    if rng.random() < 0.12 and question.endswith("?") and len(question) < 60:
        question = question[:-1] + rng.choice(_TAIL) + "?"
    elif rng.random() < 0.12:
        opener = rng.choice(_POLITE)
        question = opener + (question if opener[-2] in ".!:" else question[0].lower() + question[1:])
    if rng.random() < 0.08:
        question = question.rstrip("?.")
    if rng.random() < 0.10:
        question = question.lower()
    return question


def put(templates: Sequence[str], **parts: str) -> tuple[str, ...]:
    """The templates with each `{part}` put in before choices are made, so that a part may hold `[a|b]` itself."""
    for name, text in parts.items():
        templates = tuple(template.replace(f"{{{name}}}", text) for template in templates)
    return tuple(templates)


def ask(
    rng: random.Random, kind: str, template: str | Sequence[str], answer: object,
    sentence: str = "", accept: Sequence[str] = (), **slots: object,
) -> QA:  # fmt: skip
    """Phrases a question from one of the templates; `sentence` is a template too, with `{answer}`."""
    chosen = template if isinstance(template, str) else rng.choice(template)
    text = str(answer)
    full = say(rng, sentence, answer=text, **slots) if sentence else ""
    return QA(kind, dress(rng, say(rng, chosen, **slots)), text, capital(full), tuple(accept))


def balanced(rng: random.Random, found: list[QA]) -> list[QA]:
    """Up to 16 of the questions in random order, at most a quarter of them to be answered by yes or no."""
    rng.shuffle(found)
    others = [qa for qa in found if qa.kind != "yes_no"][:13]
    chosen = others + [qa for qa in found if qa.kind == "yes_no"][: max(1, len(others) // 4)]
    rng.shuffle(chosen)
    return chosen


def plural(noun: str, count: int = 2) -> str:
    """`noun` for `count` things; knows the words the studio uses."""
    if count == 1:
        return noun
    head, _, last = noun.rpartition(" ")
    irregular = {
        "axis": "axes",
        "switch": "switches",
        "box": "boxes",
        "cross": "crosses",
        "bus": "buses",
        "ellipse": "ellipses",
    }
    if last in irregular:
        last = irregular[last]
    elif re.search(r"(s|x|ch|sh)$", last):
        last += "es"
    elif re.search(r"[^aeiou]y$", last):
        last = last[:-1] + "ies"
    else:
        last += "s"
    return f"{head} {last}".strip()


def article(noun: str) -> str:
    """`a` or `an` before the noun, with it."""
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def join(items: Sequence[str]) -> str:
    """a; a and b; a, b and c."""
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]


def capital(text: str) -> str:
    """With a capital first letter; the others stay as they are."""
    return text[:1].upper() + text[1:]


def yes_no(value: bool) -> str:
    return "Yes" if value else "No"


def grey(colour: str) -> tuple[str, ...]:
    """The other spelling, where the colour has one."""
    return ("grey",) if colour == "gray" else ()


def compact_json(data: Scene) -> str:
    """One line, no spaces between the tokens."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


@dataclass
class Sample:
    """One scene of the studio with everything that can be asked about it. The picture is lazy."""

    family: str
    style: str
    seed: int
    scene: Scene
    captions: dict[str, str]
    questions: list[QA]
    facts: frozenset[str]
    _family: Any = field(repr=False)
    _degrade_seed: int | None = field(repr=False, default=None)

    @property
    def image(self) -> Image.Image:
        """RGB; drawn anew at each access, always the same pixels."""
        return self.drawn()[0]

    def drawn(self) -> tuple[Image.Image, list[Letter]]:
        """The picture, and where its letters are in pixels of `scene["size"]`."""
        picture = self._family.draw(self.scene)
        letters = picture.info.pop("letters")
        if self._degrade_seed is not None:
            picture = degrade(picture, random.Random(self._degrade_seed))
        return picture, letters

    @property
    def regions(self) -> list[Region]:
        """What stands where, in pixels of `scene["size"]`, later ones on top."""
        found: list[Region] = self._family.regions(self.scene)
        return found

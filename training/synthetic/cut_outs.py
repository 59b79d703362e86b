"""Cut-outs of a scene: one line of its text, or one room, as a person or a skill cuts it out to ask about it."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice

from PIL import Image

from encoders.pictures import widened

from .base import Box, Letter, Region, Sample, Scene, bare, say

LINE = (
    "What does [the text|it|this] say?", "What is written[ here| there|]?", "Read [the text|this|it][ out|].",
    "What do you read?", "[Transcribe|Copy] [it|this|the text].", "What text is this?",
)  # fmt: skip
ROOM = (
    "Name the room.", "[What|Which] room is [this|it|shown]?", "What is this room[ called|]?",
    "What kind of room is this?", "Which room do you see?",
)  # fmt: skip
SMALLEST = 7
"""Font heights in pixels below which a line is not asked about."""
HALF = 0.45
"""Of a letter, in font heights."""


@dataclass(frozen=True)
class CutOut:
    """A piece of a picture, the letters on it, and a question about it with its answer."""

    image: Image.Image
    letters: list[Letter]
    question: str
    answer: str

    @property
    def regions(self) -> tuple[Region, ...]:
        """None: a stage is told what is written, not what else is to be seen of a piece."""
        return ()

    @property
    def scene(self) -> dict[str, tuple[int, int]]:
        return {"size": self.image.size}

    def drawn(self) -> tuple[Image.Image, list[Letter]]:
        return self.image, self.letters


def cut_outs(sample: Sample, rng: random.Random, most: int) -> list[CutOut]:
    """Up to `most` of the lines that can be cut out without any of another, and of the rooms with a label."""
    picture, drawn = sample.drawn()
    by_x, by_y = picture.width / sample.scene["size"][0], picture.height / sample.scene["size"][1]
    letters = [dataclasses.replace(one, x=one.x * by_x, y=one.y * by_y, height=one.height * by_y) for one in drawn]
    ways = [partial(_line, rng, picture, letters, line) for line in lines(letters)]
    if sample.family == "floor_plans":
        ways += [partial(_room, rng, picture, letters, room, by_x, by_y) for room in sample.scene["rooms"]]
    rng.shuffle(ways)
    return list(islice((found for way in ways if (found := way())), most))


def lines(letters: Sequence[Letter]) -> list[list[Letter]]:
    """The letters of each line that was written at once, if all of it is there."""
    found = [list(line) for _, line in groupby(letters, key=lambda letter: letter.line)]
    return [line for line in found if all(map(_whole, _words(line)))]


def _words(line: Sequence[Letter]) -> list[list[Letter]]:
    words: list[list[Letter]] = []
    for letter in line:
        if letter.nth == 1 or not words:
            words.append([])
        words[-1].append(letter)
    return words


def _whole(word: Sequence[Letter]) -> bool:
    """Whether no letter was painted over."""
    return bare("".join(letter.character for letter in word)) == word[0].word


def _line(
    rng: random.Random, picture: Image.Image, letters: Sequence[Letter], line: Sequence[Letter]
) -> CutOut | None:  # fmt: skip
    """With some of what is around it, as far as nothing else is written there."""
    high, own = line[0].height, {id(letter) for letter in line}
    if high < SMALLEST:
        return None
    xs, ys = [one.x for one in line], [one.y for one in line]
    tight = min(xs) - 0.55 * high, min(ys) - 0.5 * high, max(xs) + 0.55 * high, max(ys) + 0.5 * high
    for reach in (2.5, 1, 0.3, 0):
        left, top, right, bottom = (rng.uniform(0, reach) * high for _ in range(4))
        box = tight[0] - left, tight[1] - top, tight[2] + right, tight[3] + bottom
        if all(id(one) in own for one in letters if _in(one, box, HALF)):
            text = " ".join("".join(letter.character for letter in word) for word in _words(line))
            return _cut(picture, line, box, say(rng, rng.choice(LINE)), text)
    return None


def _room(
    rng: random.Random, picture: Image.Image, letters: Sequence[Letter], room: Scene, by_x: float, by_y: float
) -> CutOut | None:  # fmt: skip
    """If its label stands in it, large enough to be read; asked for is the room's name, not what the label shortens."""
    x0, y0, x1, y1 = room["box"]
    more = rng.uniform(0, 0.06) * min(x1 - x0, y1 - y0)
    box = (x0 - more) * by_x, (y0 - more) * by_y, (x1 + more) * by_x, (y1 + more) * by_y
    inside = [word for word in _words([one for one in letters if _in(one, box, 0)]) if _whole(word)]
    written = {word[0].word for word in inside if word[0].height >= SMALLEST}
    if not room["label"] or not written.issuperset(map(bare, room["label"].split())):
        return None
    return _cut(picture, [letter for word in inside for letter in word], box, say(rng, rng.choice(ROOM)), room["name"])


def _in(letter: Letter, box: Box, margin: float) -> bool:
    """Whether any of a letter is in the box; `margin` is half of a letter, in font heights."""
    reach = margin * letter.height
    return box[0] - reach < letter.x < box[2] + reach and box[1] - reach < letter.y < box[3] + reach


def _cut(picture: Image.Image, letters: Sequence[Letter], box: Box, question: str, answer: str) -> CutOut | None:
    x0, y0 = max(0, round(box[0])), max(0, round(box[1]))
    x1, y1 = min(picture.width, round(box[2])), min(picture.height, round(box[3]))
    if x1 - x0 < SMALLEST or y1 - y0 < SMALLEST:  # most of it is off the picture
        return None
    piece = picture.crop((x0, y0, x1, y1))
    image, (left, top) = widened(piece)
    moved = [dataclasses.replace(one, x=one.x - x0 + left, y=one.y - y0 + top) for one in letters]
    return CutOut(image, moved, question, answer)

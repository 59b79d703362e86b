"""Cut-outs of a scene: one line of its text, or one room, as a person or a skill cuts it out to ask about it."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from PIL import Image

from encoders.pictures import widened

from .base import Box, Letter, Region, Sample, say

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
LARGEST_GAP = 1.1
"""From the middle of a letter to that of the next word's first, in font heights: farther away is another line."""


@dataclass(frozen=True)
class CutOut:
    """A piece of a picture, the letters on it, and a question about it with its answer."""

    image: Image.Image
    letters: list[Letter]
    question: str
    answer: str
    regions: tuple[Region, ...] = ()

    @property
    def scene(self) -> dict[str, tuple[int, int]]:
        return {"size": self.image.size}

    def drawn(self) -> tuple[Image.Image, list[Letter]]:
        return self.image, self.letters


def cut_outs(sample: Sample, rng: random.Random, most: int) -> list[CutOut]:
    """Up to `most` of those that have all of a line, and no letter of another; of plans also rooms with their names."""
    picture, drawn = sample.drawn()
    scale = picture.width / sample.scene["size"][0], picture.height / sample.scene["size"][1]
    letters = [
        dataclasses.replace(one, x=one.x * scale[0], y=one.y * scale[1], height=one.height * scale[1]) for one in drawn
    ]
    found = [_line(rng, picture, letters, line) for line in lines(letters) if line[0].height >= SMALLEST]
    if sample.family == "floor_plans":
        found += [_room(rng, picture, letters, region, scale) for region in sample.regions if "room" in region.words]
    able = [one for one in found if one]
    return rng.sample(able, min(most, len(able)))


def lines(letters: Sequence[Letter]) -> Iterator[list[Letter]]:
    """The letters of each line, in their order."""
    line: list[Letter] = []
    for before, letter in pairwise([None, *letters]):
        assert letter is not None
        if before and letter.nth == 1 and not _beside(before, letter):
            yield line
            line = []
        line.append(letter)
    if line:
        yield line


def _beside(before: Letter, letter: Letter) -> bool:
    gap = letter.x - before.x, letter.y - before.y
    near = 0 < gap[0] < LARGEST_GAP * letter.height and abs(gap[1]) < 0.4 * letter.height
    return near and letter.height == before.height


def _line(rng: random.Random, picture: Image.Image, letters: Sequence[Letter], line: Sequence[Letter]) -> CutOut | None:
    """With some of what is around it, as far as nothing else is written there."""
    high = line[0].height
    xs, ys = [one.x for one in line], [one.y for one in line]
    tight = min(xs) - 0.55 * high, min(ys) - 0.6 * high, max(xs) + 0.55 * high, max(ys) + 0.6 * high
    for reach in (rng.uniform(0.2, 2.5), 0.2):
        sides = [rng.uniform(0, reach) * high for _ in range(4)]
        box = tight[0] - sides[0], tight[1] - sides[1], tight[2] + sides[2], tight[3] + sides[3]
        inside = [one for one in letters if _in(one, box, 0.5)]
        if all(any(one is other for other in line) for one in inside):
            text = "".join(f" {one.character}" * (one.nth == 1) or one.character for one in line).strip()
            return _cut(picture, line, box, say(rng, rng.choice(LINE)), text)
    return None


def _room(
    rng: random.Random, picture: Image.Image, letters: Sequence[Letter], region: Region, scale: tuple[float, float]
) -> CutOut | None:  # fmt: skip
    """If its name, which is the last of the words that say what kind of room it is, stands in it."""
    x0, y0, x1, y1 = region.box
    more = rng.uniform(0, 0.06) * min(x1 - x0, y1 - y0)
    box = (x0 - more) * scale[0], (y0 - more) * scale[1], (x1 + more) * scale[0], (y1 + more) * scale[1]
    inside = [one for one in letters if _in(one, box, 0)]
    written = {one.word for one in inside if one.height >= SMALLEST}
    named = [word for word in region.words[1:3] if written.issuperset(word.lower().split())]
    return _cut(picture, inside, box, say(rng, rng.choice(ROOM)), named[-1]) if named else None


def _in(letter: Letter, box: Box, margin: float) -> bool:
    """Whether any of a letter is in the box; `margin` is half of a letter, in font heights."""
    reach = margin * letter.height
    return box[0] - reach < letter.x < box[2] + reach and box[1] - reach < letter.y < box[3] + reach


def _cut(picture: Image.Image, letters: Sequence[Letter], box: Box, question: str, answer: str) -> CutOut:
    x0, y0 = max(0, round(box[0])), max(0, round(box[1]))
    x1, y1 = min(picture.width, round(box[2])), min(picture.height, round(box[3]))
    piece = picture.crop((x0, y0, x1, y1))
    image, (left, top) = widened(piece)
    moved = [dataclasses.replace(one, x=one.x - x0 + left, y=one.y - y0 + top) for one in letters]
    return CutOut(image, moved, question, answer)

"""What stands on each patch of a view: the targets of dense pretraining, from a scene's own geometry.

The studio knows where everything is. A patch learns to say the words of all regions that lie on
it, whether the middle of one is there, which letters have their middle in it, from left to right,
and the how many-eth of their word they are. That is far more signal per picture than one caption
(as in region-level pretraining: Zhong et al. 2022, RegionCLIP; Lee et al. 2023, Pix2Struct learns
to read in the same way). Labels come from short lists, and a word that is too small to be spelled
can still be known by its shape: so patches also say the word that is written on them.

Shapes: P = side^2 patches of a view in reading order, W words, S = SLOTS.
"""

from __future__ import annotations

import random
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from encoders.clip import ImageTransform
from encoders.config import ClipConfig

from .synthetic import FAMILIES, family_module, make
from .synthetic.base import Box, Letter, Region

GLYPHS = "abcdefghijklmnopqrstuvwxyz0123456789$%.,:-/&!?#+'()@"
"""Letters that are told apart, without case; index 0 of a slot is "no letter", the last any other."""
SLOTS = 4
"""Places for a letter's middle in each patch, from left to right."""
NTH = tuple(f"letter:{n}" for n in range(1, 10))
"""Words for a letter's place in its word, so that what spells can look for the next one by its number."""
SIGNS = string.ascii_letters + string.digits + "$%.,:-/&!?#+'()@"
"""What words are spelled with."""
MOST_SIGNS = 256
"""Signs of a picture that are kept."""
WRITTEN = "written:"
"""Before a word of the vocabulary that is read, not seen."""
NO_LETTER, UNREADABLE = 0, -100
SMALLEST, SMALLEST_WORD = 6.5, 5.0
"""Font heights, in pixels of a view, from which letters, and words of a list, are to be read."""
WHOLE_PICTURE, LETTER, LABEL = 0.04, 4.0, 4.0
"""Weights in the loss, beside 1 for the words of what stands on a patch."""


@dataclass(frozen=True)
class Vocabulary:
    """Words in the order of the head's outputs, those that are read last; and how much a mistake on each weighs.

    A word for the picture as a whole (its kind, how many rooms it has) is asked of every patch; at
    full weight such words would be most of the loss, and what stands on the patch itself the least.
    """

    words: tuple[str, ...]
    weights: tuple[float, ...]


@cache
def vocabulary(families: tuple[str, ...] = FAMILIES, scenes: int = 300) -> Vocabulary:
    """The words that recur in the regions of a sample of scenes, and those of the lists that labels are taken from."""
    counts: Counter[str] = Counter()
    written = sorted({WRITTEN + word for family in families for word in family_module(family).WRITTEN})
    local = {*NTH, *written}
    for family in dict.fromkeys(families):  # a family named twice weighs double in a stage, not here
        for seed in range(scenes):
            for region in make(family, seed).regions:
                counts.update(region.words)
                local.update(() if whole(region) else region.words)
    words = *sorted(word for word, count in counts.items() if count > 1), *NTH, *written
    return Vocabulary(words, tuple(1.0 if word in local else WHOLE_PICTURE for word in words))


def spoken(word: str) -> str:
    """A word of the vocabulary as a description would have it: `ink:red` is `text red`."""
    role, _, name = word.rpartition(":")
    role = {"at": "", "family": "", "ink": "text", "position": "number", "written": "word"}.get(role, role)
    return f"{role} {name}".replace(":", " ").replace("_", " ").strip()


def whole(region: Region) -> bool:
    """Whether the region is the picture itself."""
    return any(word.startswith("family:") for word in region.words)


@dataclass(frozen=True)
class View:
    """A square of `side` x `side` patches that shows `box` of the picture, `pixels` wide and high."""

    box: Box
    side: int
    pixels: int

    def cells(self, box: Box) -> tuple[float, float, float, float]:
        """A box of the picture in units of patches."""
        x0, y0, x1, y1 = self.box
        a, b = self.side / (x1 - x0), self.side / (y1 - y0)
        return (box[0] - x0) * a, (box[1] - y0) * b, (box[2] - x0) * a, (box[3] - y0) * b

    def covered(self, box: Box) -> np.ndarray:
        """(side, side) bool: along each axis the box covers 2/5 of the patch, or the patch 2/5 of the box."""
        x0, y0, x1, y1 = self.cells(box)
        cells = np.arange(self.side)
        wide = np.minimum(x1, cells + 1) - np.maximum(x0, cells) >= 0.4 * min(1.0, x1 - x0)
        high = np.minimum(y1, cells + 1) - np.maximum(y0, cells) >= 0.4 * min(1.0, y1 - y0)
        found: np.ndarray = high[:, None] & wide[None, :]
        return found

    def place(self, x: float, y: float) -> tuple[int, int, float] | None:
        """(row, column, position across the patch from 0 to 1), or None outside of the view."""
        column, row, *_ = self.cells((x, y, x, y))
        if not (0 <= column < self.side and 0 <= row < self.side):
            return None
        return int(row), int(column), column % 1

    def height(self, letter: Letter) -> float:
        """Of its font, in pixels of the view; less where the view is squeezed."""
        x0, y0, x1, y1 = self.box
        return letter.height * min(1.2 * self.pixels / (x1 - x0), self.pixels / (y1 - y0))


def scaled(box: Box, by_x: float, by_y: float) -> Box:
    return box[0] * by_x, box[1] * by_y, box[2] * by_x, box[3] * by_y


def word_targets(
    view: View, regions: Sequence[Region], index: dict[str, int], letters: Sequence[Letter] = ()
) -> Tensor:  # fmt: skip
    """(P, W + 1) uint8; the last column says that the middle of a region that is not the whole is here."""
    found = np.zeros((view.side, view.side, len(index) + 1), dtype=np.uint8)
    for region in regions:
        here = [index[word] for word in region.words if word in index]
        rows, columns = np.nonzero(view.covered(region.box))
        found[rows[:, None], columns[:, None], here] = 1
        middle = view.place((region.box[0] + region.box[2]) / 2, (region.box[1] + region.box[3]) / 2)
        if middle and not whole(region):
            found[middle[0], middle[1], -1] = 1
    for letter in letters:
        if not (at := view.place(letter.x, letter.y)):
            continue
        for word, smallest in ((f"letter:{letter.nth}", SMALLEST), (WRITTEN + letter.word, SMALLEST_WORD)):
            if word in index and view.height(letter) >= smallest:
                found[at[0], at[1], index[word]] = 1
    return torch.from_numpy(found.reshape(view.side**2, -1))


def letter_targets(view: View, letters: Sequence[Letter]) -> Tensor:
    """(P, S) int64: the letter in each slot, `UNREADABLE` where one is too small to be told."""
    found = np.full((view.side, view.side, SLOTS), NO_LETTER, dtype=np.int64)
    for letter in letters:
        if at := view.place(letter.x, letter.y):
            glyph = GLYPHS.find(letter.character.lower()) + 1 or len(GLYPHS) + 1
            found[at[0], at[1], int(at[2] * SLOTS)] = glyph if view.height(letter) >= SMALLEST else UNREADABLE
    return torch.from_numpy(found.reshape(view.side**2, SLOTS))


def sign_targets(view: View, letters: Sequence[Letter]) -> Tensor:
    """(MOST_SIGNS, 5) uint8 of those large enough to be read: row and column of the patch, number of the word, place in
    it, and the sign's in `SIGNS`, both from 1; 0 where there are no more.
    """
    found, word = np.zeros((MOST_SIGNS, 5), dtype=np.uint8), -1
    rows = iter(found)
    for letter in letters:
        word += letter.nth == 1
        at, sign = view.place(letter.x, letter.y), SIGNS.find(letter.character) + 1
        if at and sign and max(word, letter.nth) < 256 and view.height(letter) >= SMALLEST:
            if (row := next(rows, None)) is None:
                break
            row[:] = *at[:2], max(word, 0), letter.nth, sign
    return torch.from_numpy(found)


def legible(view: View, letters: Sequence[Letter]) -> list[str]:
    """The words large enough to be read, as they are written, in the order of the patches that they begin on."""
    words: list[list[Letter]] = []
    for letter in letters:
        if letter.nth == 1 or not words:
            words.append([])
        words[-1].append(letter)
    found = []
    for word in words:
        text = "".join(letter.character for letter in word).strip(string.punctuation)
        place = view.place(word[0].x, word[0].y)
        if text and place and min(view.height(letter) for letter in word) >= SMALLEST_WORD:
            found.append((place, text))
    return [text for _, text in sorted(found)]


def crops(rng: random.Random, width: int, height: int, count: int, zoom: float) -> list[tuple[int, int, int, int]]:
    """Boxes of a picture, all of its sides down to one `zoom`-th of them: what is drawn once is looked at often.

    Close up (zoom 2 and more) most are square, so that letters keep their shape; else they are
    squeezed as the overview is.
    """
    found = []
    for _ in range(count):
        shares = [1 / zoom ** rng.random() for _ in range(2)]
        w, h = (max(16, round(length * share)) for length, share in zip((width, height), shares, strict=True))
        if zoom >= 2 and rng.random() < 0.7:
            w = h = min(width, height, max(w, h))
        w, h = min(w, width), min(h, height)
        x, y = rng.randint(0, width - w), rng.randint(0, height - h)
        found.append((x, y, x + w, y + h))
    return found


def looked_at(
    picture: Image.Image, config: ClipConfig, cut: Sequence[tuple[int, int, int, int]]
) -> tuple[Tensor, list[Box]]:  # fmt: skip
    """uint8 (N, 3, S, S) and the box of each: the overview and tiles that the model will see, then the cut-outs."""
    transform, size = ImageTransform(config), (config.image_size, config.image_size)
    pixels = [transform(picture).inputs]
    for box in cut:
        view = np.array(picture.resize(size, Image.Resampling.BICUBIC, box))
        pixels.append(torch.from_numpy(view).permute(2, 0, 1)[None])
    return torch.cat(pixels), [*transform.boxes(*picture.size), *cut]

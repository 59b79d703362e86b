"""Where an answer comes from: parts of a picture are covered, and what that costs the answer is measured.

Occlusion (Zeiler & Fergus 2014) asks the model itself, by taking something away; attention maps show
where it looked up, not what it used (Jain & Wallace 2019). Shapes: R x C tiles of one picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from .answering import Weighing
from .chat import Message, parts_of
from .conversation import opened
from .errors import InputError

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels, origin top left."""
HEAT = (255, 106, 0)


@dataclass(frozen=True)
class Occlusion:
    """What covering each tile of `image` did to an answer.

    drops: (R, C) float, by how much the answer's log-probability (natural) fell; below 0 where it rose.
    log_probability: the answer's, with the whole picture.
    """

    image: Image.Image
    drops: np.ndarray
    log_probability: float

    @property
    def hottest(self) -> Box:
        """The tile whose loss hurts the answer most."""
        row, column = np.unravel_index(int(self.drops.argmax()), self.drops.shape)
        return tile_box(self.image.size, self.drops.shape, int(row), int(column))

    def overlay(self) -> Image.Image:
        """The picture, dimmed where nothing was lost, glowing where much was; the hottest tile is framed.

        The glow has no scale of its own: it is the share of the answer's probability that was lost.
        """
        lost = 1 - np.exp(-np.maximum(self.drops, 0))
        heat = Image.fromarray(lost).resize(self.image.size, Image.Resampling.BICUBIC)
        share = np.clip(np.asarray(heat), 0, 1)[..., None]
        pixels = np.asarray(self.image, dtype=np.float64)
        grey = pixels.mean(axis=2, keepdims=True)
        dimmed = 0.35 * grey + 0.65 * 255 if grey.mean() > 96 else 0.45 * grey  # towards the paper, light or dark
        mixed = (1 - share) * dimmed + share * (0.6 * pixels + 0.4 * np.array(HEAT))
        picture = Image.fromarray(np.rint(mixed).astype(np.uint8))
        if lost.any():
            x0, y0, x1, y1 = self.hottest
            width = max(2, max(picture.size) // 200)
            ImageDraw.Draw(picture).rectangle((x0, y0, x1 - 1, y1 - 1), outline=HEAT, width=width)
        return picture


def occlude(
    assistant: Weighing, messages: list[Message], answer: str, *, picture: int = -1, tiles: int = 8,
    batch_size: int = 8, on_progress: Callable[[float], None] = lambda share: None,
) -> Occlusion:  # fmt: skip
    """Covers the tiles of one picture of a conversation, two by two and overlapping, with its mean colour.

    What a thing of several tiles is to an answer hardly shows while most of it can be seen; a tile's drop is
    the mean of those of the four windows that it lies in.

    Args:
        messages: end with a user message, which `answer` answers.
        picture: which of the conversation's pictures, in reading order; the last one by default.
        tiles: along the picture's longer side; they are as square as it allows.
        on_progress: called with the share of the work that is done.

    Raises:
        InputError: no such picture, or the answer is empty. MediaError, ContextLengthError as the assistant has them.
    """
    if not answer.strip():
        raise InputError("there is no answer to explain")
    messages = [opened(message) for message in messages]
    places = [(m, p) for m, message in enumerate(messages) for p, part in enumerate(parts_of(message))
              if part["type"] == "image"]  # fmt: skip
    if not -len(places) <= picture < len(places):
        raise InputError("the conversation holds no picture to look at" if not places else f"no picture {picture}")
    m, p = places[picture]
    image: Image.Image = messages[m]["content"][p]["image"]
    shape = grid(image.size, tiles)
    answered: Message = {"role": "assistant", "content": answer}

    def variants() -> Iterator[list[Message]]:
        for view in (image, *covered(image, shape)):
            parts = [*messages[m]["content"]]
            parts[p] = {"type": "image", "image": view}
            yield [*messages[:m], {**messages[m], "content": parts}, *messages[m + 1 :], answered]

    found: list[float] = []
    for tokens in assistant.log_probabilities(variants(), batch_size=batch_size):
        found.append(float(tokens.sum()))
        on_progress(len(found) / (1 + (shape[0] + 1) * (shape[1] + 1)))
    rows, columns = shape
    lost = found[0] - np.array(found[1:]).reshape(rows + 1, columns + 1)
    # each tile was covered four times, with each of its neighbours: (R + 1, C + 1) -> (R, C)
    drops = (lost[:-1, :-1] + lost[1:, :-1] + lost[:-1, 1:] + lost[1:, 1:]) / 4
    return Occlusion(image, drops, found[0])


def grid(size: tuple[int, int], tiles: int) -> tuple[int, int]:
    """(rows, columns) for a picture of (width, height): `tiles` along its longer side, never finer than pixels."""
    width, height = size
    longer = max(width, height)
    return (
        min(height, max(1, round(tiles * height / longer))),
        min(width, max(1, round(tiles * width / longer))),
    )


def tile_box(size: tuple[int, int], shape: tuple[int, ...], row: int, column: int) -> Box:
    """The pixels of one tile; together the tiles cover the picture, each pixel once."""
    (width, height), (rows, columns) = size, shape
    return column * width // columns, row * height // rows, (column + 1) * width // columns, (row + 1) * height // rows


def covered(image: Image.Image, shape: tuple[int, int]) -> Iterator[Image.Image]:
    """The picture with one window of two by two tiles after the other, in reading order, in its own mean colour.

    (R + 1) (C + 1) of them: those at the border hold one tile or two, so that each tile lies in four windows.
    """
    red, green, blue = np.asarray(image).reshape(-1, 3).mean(axis=0).round().astype(int).tolist()
    rows, columns = shape
    for row in range(-1, rows):
        for column in range(-1, columns):
            left, top, *_ = tile_box(image.size, shape, max(row, 0), max(column, 0))
            *_, right, bottom = tile_box(image.size, shape, min(row + 1, rows - 1), min(column + 1, columns - 1))
            view = image.copy()
            view.paste((red, green, blue), (left, top, right, bottom))
            yield view


__all__ = ["Occlusion", "covered", "grid", "occlude", "tile_box"]

"""Cut-outs: what is asked about is on them whole, nothing else is written there, and letters stand where they are."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from encoders.pictures import MOST_ASPECT
from training.data import Examples
from training.dense import SIGNS
from training.stages import Mixture, StageConfig
from training.synthetic import make
from training.synthetic.base import Letter
from training.synthetic.cut_outs import CutOut, cut_outs, lines
from vlm.processor import Processor

FOUND: dict[str, list[CutOut]] = {
    family: [one for seed in range(12) for one in cut_outs(make(family, seed), random.Random(seed), 4)]
    for family in ("charts", "floor_plans", "wireframes", "text", "pages", "palettes", "shapes")
}


def word(text: str, x: float, y: float, height: float = 10) -> list[Letter]:
    return [Letter(sign, x + 6 * i, y, height, i + 1, text.lower()) for i, sign in enumerate(text)]


def is_room(one: CutOut) -> bool:
    return "room" in one.question.lower()


def test_words_of_a_line_stay_together_and_others_apart() -> None:
    letters = (
        word("Sign", 0, 0) + word("in", 28, 1) + word("Help", 80, 0) + word("Big", 104, 0, 20) + word("low", 0, 30)
    )
    said = [["".join(one.character for one in line)] for line in lines(letters)]
    assert said == [["Signin"], ["Help"], ["Big"], ["low"]]
    assert list(lines([])) == []


@pytest.mark.parametrize("family", ["charts", "floor_plans", "wireframes", "text", "pages"])
def test_the_answer_is_what_is_written_and_nothing_else_is(family: str) -> None:
    read = [one for one in FOUND[family] if not is_room(one)]
    assert len(read) > 10
    for one in read:
        assert one.answer.replace(" ", "") == "".join(letter.character for letter in one.letters)
        width, height = one.image.size
        assert max(width, height) <= MOST_ASPECT * min(width, height) + 2
        assert all(0 < letter.x < width and 0 < letter.y < height for letter in one.letters)
    assert len({one.answer for one in read}) > 8


def test_ink_lies_at_every_letter() -> None:
    for one in FOUND["wireframes"] + FOUND["text"]:
        pixels = np.asarray(one.image.convert("L")).astype(int)
        for letter in one.letters:
            half = int(letter.height / 2) + 1
            near = pixels[max(0, int(letter.y) - half) : int(letter.y) + half, max(0, int(letter.x) - half) :][
                :, : 2 * half
            ]
            assert not letter.character.isalnum() or np.ptp(near) > 20, (one.answer, letter)


def test_rooms_are_named_as_their_label_says() -> None:
    rooms = [one for one in FOUND["floor_plans"] if is_room(one)]
    assert len(rooms) > 8
    for one in rooms:
        written = {letter.word for letter in one.letters}
        assert set(one.answer.lower().split()) <= written
    assert len({one.answer for one in rooms}) > 4


def test_where_nothing_is_written_nothing_is_asked() -> None:
    assert FOUND["shapes"] == []


def test_rows_of_cut_outs(studio_processor: Processor, stage: Callable[..., StageConfig]) -> None:
    """Each has one picture and one answer, and says with it where its letters stand."""
    config = stage(
        mixture=Mixture(cut_outs=1.0), families=("wireframes",), naming=0.5, pointing=0.5, overview_only=True
    )
    assert studio_processor.config.clip is not None
    large = replace(studio_processor.config, clip=replace(studio_processor.config.clip, image_size=192, patch_size=16))
    examples = Examples(Processor(large, studio_processor.tokenizer), config)
    for index in range(4):
        asked = examples._cut_outs(examples.rng(index))
        assert 1 <= len(asked) <= 3
        for question, answer in asked:
            (signs,) = question["content"][0]["image"].labels["signs"].tolist()
            said = "".join(SIGNS[row[4] - 1] for row in signs if row[4])
            text = (
                "".join(part["text"] for part in answer["content"])
                if isinstance(answer["content"], list)
                else answer["content"]
            )
            assert said == "".join(sign for sign in text if sign in SIGNS)
        row = examples.sample(index)
        assert len(row.media["image"]) == len(asked) and len({id(one) for one in row.media["image"]}) == len(asked)
        assert int((row.input_ids == 6).sum()) == len(asked) * examples.processor.tokens_of(
            "image", row.media["image"][0]
        )
        assert torch.equal(row.input_ids, examples.sample(index).input_ids)

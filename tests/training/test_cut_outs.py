"""Cut-outs: what is asked about is on them whole, nothing else is written there, and letters stand where they are."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from PIL import Image

from encoders.pictures import MOST_ASPECT
from training.data import Examples
from training.dense import SIGNS
from training.stages import Mixture, StageConfig
from training.synthetic import make
from training.synthetic.base import Canvas, Letter, Sample, bare
from training.synthetic.cut_outs import CutOut, cut_outs, lines
from vlm.processor import Processor

FAMILIES = ("charts", "floor_plans", "wireframes", "text", "pages", "palettes", "shapes")
FOUND: dict[str, list[tuple[Sample, CutOut]]] = {
    family: [
        (scene, one)
        for scene in map(partial(make, family), range(12))
        for one in cut_outs(scene, random.Random(scene.seed), 4)
    ]
    for family in FAMILIES
}


def word(text: str, x: float, y: float, line: int, height: float = 10) -> list[Letter]:
    return [Letter(sign, x + 6 * i, y, height, i + 1, bare(text), line) for i, sign in enumerate(text)]


def is_room(one: CutOut) -> bool:
    return "room" in one.question.lower()


def test_words_that_were_written_at_once_are_a_line() -> None:
    letters = word("Sign", 0, 0, 0) + word("in.", 90, 1, 0) + word("Help", 110, 0, 1) + word("low", 0, 30, 2)
    assert ["".join(one.character for one in line) for line in lines(letters)] == ["Signin.", "Help", "low"]
    hidden = letters[1:5] + letters[6:]  # the S, and the n
    assert ["".join(one.character for one in line) for line in lines(hidden)] == ["Help", "low"]
    assert lines([]) == []


@pytest.mark.parametrize(("below", "asked"), [(8, []), (9, []), (12, ["Up", "down"]), (40, ["Up", "down"])])
def test_a_line_close_to_another_is_not_asked_about(
    below: float, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    letters = word("Up", 40, 50, 0) + word("down", 40, 50 + below, 1)
    scene = make("text", 1)
    monkeypatch.setattr(Sample, "drawn", lambda _: (Image.new("RGB", (100, 100), "white"), letters))
    monkeypatch.setitem(scene.scene, "size", (100, 100))
    assert sorted(one.answer for one in cut_outs(scene, random.Random(1), 9)) == sorted(asked)


@pytest.mark.parametrize("family", ["charts", "floor_plans", "wireframes", "text", "pages"])
def test_the_answer_is_what_was_written_at_once(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read = [(scene, one) for scene, one in FOUND[family] if not is_room(one)]
    assert len(read) > 10 and len({one.answer for _, one in read}) > 8
    written: list[str] = []
    noted = Canvas.note

    def note(self: Canvas, text: str, *rest: object, **named: object) -> None:
        written.append(" ".join(text.split()))
        noted(self, text, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Canvas, "note", note)
    for scene, one in read:
        written.clear()
        scene.drawn()
        assert one.answer in written
        width, height = one.image.size
        assert max(width, height) <= MOST_ASPECT * min(width, height) + 2
        assert all(0 < letter.x < width and 0 < letter.y < height for letter in one.letters)


@pytest.mark.parametrize("family", ["charts", "wireframes", "text", "pages"])
def test_nothing_else_is_written_there(family: str) -> None:
    looked_at = 0
    for scene, one in FOUND[family]:
        picture, letters = scene.drawn()
        by = picture.width / scene.scene["size"][0], picture.height / scene.scene["size"][1]
        first = next(at for at, letter in enumerate(letters) if _same_line(letters[at:], one.letters))
        start, (width, height) = letters[first], one.image.size
        left, top = start.x * by[0] - one.letters[0].x, start.y * by[1] - one.letters[0].y
        if max(width, height) > 2.9 * min(width, height):
            continue  # with an edge around it
        looked_at += 1
        for at, letter in enumerate(letters):
            x, y = letter.x * by[0] - left, letter.y * by[1] - top
            if not first <= at < first + len(one.letters):
                half = 0.35 * letter.height * by[1]
                assert not (-half < x < width + half and -half < y < height + half), (one.answer, letter)
    assert looked_at > 3


def _same_line(letters: list[Letter], line: list[Letter]) -> bool:
    """Whether these begin with that line, at the same distances."""
    same = [letter.character for letter in letters[: len(line)]] == [letter.character for letter in line]
    return same and letters[0].line == line[0].line


def test_ink_lies_at_every_letter() -> None:
    for _, one in FOUND["wireframes"] + FOUND["text"]:
        pixels = np.asarray(one.image.convert("L")).astype(int)
        for letter in one.letters:
            half = int(letter.height / 2) + 1
            near = pixels[max(0, int(letter.y) - half) : int(letter.y) + half, max(0, int(letter.x) - half) :][
                :, : 2 * half
            ]
            assert not letter.character.isalnum() or np.ptp(near) > 20, (one.answer, letter)


def test_rooms_are_called_what_they_are() -> None:
    rooms = [(scene, one) for scene, one in FOUND["floor_plans"] if is_room(one)]
    assert len(rooms) > 8 and len({one.answer for _, one in rooms}) > 4
    for scene, one in rooms:
        written = {letter.word for letter in one.letters}
        called = [room["name"] for room in scene.scene["rooms"] if written.issuperset(map(bare, room["label"].split()))]
        assert one.answer in called
    assert any(not {letter.word for letter in one.letters}.issuperset(one.answer.split()) for _, one in rooms)  # "Bed"


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
            assert said == "".join(sign for sign in answer["content"] if sign in SIGNS)
        row = examples.sample(index)
        assert len(row.media["image"]) == len(asked) and len({id(one) for one in row.media["image"]}) == len(asked)
        assert int((row.input_ids == 6).sum()) == len(asked) * examples.processor.tokens_of(
            "image", row.media["image"][0]
        )
        assert torch.equal(row.input_ids, examples.sample(index).input_ids)

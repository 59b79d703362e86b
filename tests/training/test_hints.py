"""Pictures with the words written on them told beside: where they are told, how far they reach, when they are not."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch

from training.data import Examples
from training.dense import WRITTEN, View, legible, vocabulary
from training.loop import build_written, image_tower
from training.optim import parts
from training.stages import Trains
from training.synthetic import make
from training.synthetic.base import Letter
from training.told import HINT, PLACES, hinted, with_hints
from vlm.batch import collate
from vlm.errors import CheckpointError
from vlm.processor import Processor

FAMILY = "floor_plans"


@pytest.fixture
def hinting(stage):
    return stage(name="hinting", hints=1.0, families=(FAMILY,), overview_only=True)


@pytest.fixture
def listed() -> list[str]:
    return [word.removeprefix(WRITTEN) for word in vocabulary((FAMILY,)).words if word.startswith(WRITTEN)]


def test_a_token_reaches_in_the_direction_of_the_word_on_it(fresh, hinting, studio_processor, listed) -> None:
    model = fresh().eval()
    written = build_written(hinting, studio_processor)
    both = with_hints(model, written, image_tower(model).config.side ** 2).eval()
    examples = Examples(studio_processor, hinting)
    batch = collate([examples.sample(0)], 0)
    media = batch.media["image"]
    words = torch.zeros(len(media.inputs), 16, len(listed), dtype=torch.uint8)
    words[0, 5, listed.index("kitchen")] = 1  # of 4 x 4 patches, of which 2 x 2 make a token: the first
    words[0, 15, listed.index("kitchen")] = words[0, 15, listed.index("hall")] = 1  # the last
    media = replace(media, inputs=hinted(media.inputs[:, :3], words))
    plain = model.encode(replace(batch, media={"image": replace(media, inputs=media.inputs[:, :3])}), "image")
    moved = both.encode(replace(batch, media={"image": media}), "image") - plain
    directions = HINT * written(model.decoder.model.embed_tokens.weight)
    kitchen, hall = (directions[listed.index(word)] for word in ("kitchen", "hall"))
    assert not moved[1:3].any()
    torch.testing.assert_close(moved[[0, 3]], torch.stack([kitchen, kitchen + hall]), atol=1e-4, rtol=1e-4)


@pytest.fixture
def sharp(studio_processor: Processor) -> Processor:
    """Views in which labels can be read: 12 x 12 patches."""
    clip = replace(studio_processor.config.clip, image_size=192, patch_size=16)
    return Processor(replace(studio_processor.config, clip=clip), studio_processor.tokenizer)


def test_the_plane_beside_the_colours_says_what_the_studio_wrote(hinting, sharp, listed) -> None:
    scene = make(FAMILY, 3)
    examples = Examples(sharp, hinting)
    seen = examples._transformed(scene)
    plain = Examples(sharp, replace(hinting, hints=0.0))._transformed(scene)
    assert torch.equal(seen.inputs[:, :3], plain.inputs) and seen.inputs.shape[1] == 4
    numbers = seen.inputs[0, 3].flatten()[: 2 * PLACES * 144].view(torch.int16)
    told = {listed[number - 1] for number in numbers.tolist() if number}
    assert told and told <= {letter.word for letter in scene.drawn()[1]}


def test_a_share_of_pictures_has_hints_and_none_that_is_validated_on(hinting, sharp) -> None:
    some = Examples(sharp, replace(hinting, hints=0.5))
    planes = [some._transformed(make(FAMILY, seed)).inputs[:, 3] for seed in range(24)]
    assert 4 < sum(bool(plane.any()) for plane in planes) < 20
    held_out = Examples(sharp, hinting, "seeds")
    assert held_out._transformed(make(FAMILY, 3, "seeds")).inputs.shape[1] == 3


def test_words_are_legible_in_the_order_of_their_patches() -> None:
    def word(text: str, x: float, y: float, height: float) -> list[Letter]:
        return [Letter(c, x + i, y, height, i + 1, text.lower().strip(".")) for i, c in enumerate(text)]

    view = View((0, 0, 100, 100), side=4, pixels=100)
    letters = [*word("low.", 10, 90, 9), *word("Right", 60, 12, 9), *word("small", 5, 40, 4), *word("left", 2, 14, 9)]
    assert legible(view, [*letters, *word("out", 120, 10, 9)]) == ["left", "Right", "low"]


def test_all_that_is_written_is_asked_about_a_share_of_pictures(hinting, sharp) -> None:
    asking = replace(hinting, written=1.0, hints=0.0, questions=1)
    scene = make(FAMILY, 3)
    words = Examples(sharp, asking).legible(scene)
    drawn = {letter.word for letter in scene.drawn()[1]}
    assert words and {word.lower() for word in words} <= drawn

    def answers(stage) -> list[str]:
        examples = Examples(sharp, stage)
        examples.scene = lambda rng: scene
        return [turn["content"] for row in examples._images(random.Random(1)) for turn in row[1::2]]

    assert " ".join(words) in answers(asking)
    assert " ".join(words) not in answers(hinting)


def test_what_trains_with_hints(fresh, hinting, run_stage, digest, tmp_path) -> None:
    model = fresh()
    before = {part: digest(module) for part, module in parts(model).items()}
    run_stage(model, replace(hinting, trains=Trains(decoder=1e-3, image_projector=1e-3)), tmp_path / "run")
    changed = {part for part, module in parts(model).items() if digest(module) != before[part]}
    assert changed == {"decoder", "image_projector"}


@pytest.mark.parametrize("changes", [{"objective": "dense"}, {"told": True}])
def test_who_has_hints(stage, changes) -> None:
    with pytest.raises(CheckpointError, match="hints are for next-token, and a decoder that sees"):
        stage(hints=0.5, trains=Trains(decoder=1e-3), **changes)

"""Patches that say, half way through the decoder, the word written on them: where labels travel, what is learned."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from encoders.base import MediaInput
from training.data import Examples
from training.dense import MOST_SIGNS, SIGNS, WRITTEN, View, Vocabulary, legible, sign_targets, vocabulary
from training.loop import build_heads
from training.loss import GroundingHead, naming_loss, next_token_loss
from training.optim import parts
from training.stages import Trains
from training.synthetic import make
from training.synthetic.base import Letter
from training.written import WrittenWords
from vlm.batch import Batch, MediaBatch, collate
from vlm.errors import CheckpointError
from vlm.processor import Processor

from .conftest import without_labels

FAMILY = "floor_plans"


@pytest.fixture
def naming(stage):
    return stage(name="naming", naming=0.5, families=(FAMILY,), overview_only=True)


@pytest.fixture
def listed() -> list[str]:
    return list(vocabulary((FAMILY,)).words)


@pytest.fixture
def sharp(studio_processor: Processor) -> Processor:
    """Views in which labels can be read: 12 x 12 patches."""
    clip = replace(studio_processor.config.clip, image_size=192, patch_size=16)
    return Processor(replace(studio_processor.config, clip=clip), studio_processor.tokenizer)


def with_labels(batch: Batch, words: Tensor) -> Batch:
    """The same pictures with these words (N, P, W) on their patches, and no signs."""
    media = batch.media["image"]
    signs = torch.zeros(len(words), MOST_SIGNS, 5, dtype=torch.uint8)
    return replace(batch, media={"image": replace(media, labels={"words": words, "signs": signs})})


def test_labels_travel_with_their_picture() -> None:
    def item(n: int) -> MediaInput:
        signs = torch.full((1, MOST_SIGNS, 5), n, dtype=torch.uint8)
        return MediaInput(
            torch.zeros(1, 3, 8, 8), torch.ones(1), labels={"words": torch.full((1, 4, 2), n), "signs": signs}
        )

    batch = MediaBatch.of([item(1), item(2)]).to("cpu")
    assert batch.labels["words"][:, 0, 0].tolist() == [1, 2] and batch.labels["signs"][:, 0, 0].tolist() == [1, 2]
    with pytest.raises(KeyError):
        MediaBatch.of([item(1), replace(item(2), labels={})])


def test_where_no_word_is_written_nothing_is_named(fresh, naming, studio_processor, listed) -> None:
    head, batch = build_heads(naming, studio_processor), collate([Examples(studio_processor, naming).sample(0)], 0)
    none = torch.zeros(len(batch.media["image"].inputs), 16, len(listed), dtype=torch.uint8)
    plain = without_labels(batch)
    model = fresh().eval()
    found = head(model, with_labels(batch, none), 0.0)
    silent = next_token_loss(model, plain)
    assert float(found[0].detach()) == float(silent[0].detach()) and found[1] == silent[1]


def test_without_any_list_of_words_nothing_is_named(studio_tokenizer) -> None:
    words = WrittenWords((1024, 32), studio_tokenizer.encode, Vocabulary(("red",), (1.0,)))
    directions, targets = words(torch.randn(1024, 32)), words.targets(torch.ones(2, 16, 2), downsample=2)
    assert directions.shape == (0, 32) and targets.shape == (2, 4, 0)
    tokens = torch.randn(2, 4, 32, requires_grad=True)
    loss = naming_loss(tokens, directions, targets)
    loss.backward()
    assert float(loss.detach()) == 0 and not tokens.grad.any()


def test_a_patch_says_its_word_half_way_through_the_decoder(fresh, naming, studio_processor, listed) -> None:
    model, head = fresh().eval(), build_heads(naming, studio_processor)
    assert isinstance(head, GroundingHead) and not list(head.parameters())
    examples = Examples(studio_processor, naming)
    batch = collate([examples.sample(0)], 0)
    words = torch.zeros(1, 16, len(listed), dtype=torch.uint8)
    words[0, 5, listed.index(WRITTEN + "kitchen")] = words[0, 15, listed.index(WRITTEN + "hall")] = (
        1  # 2 x 2 patches are a token: 0 and 3
    )
    plain = without_labels(batch)
    silent, count = next_token_loss(model, plain)
    loss, same = head(model, with_labels(batch, words), 0.0)
    assert same == count
    layers, states = model.decoder.model.layers, []
    hook = layers[len(layers) // 2 - 1].register_forward_hook(lambda _, __, found: states.append(found))
    model.states(plain)
    hook.remove()
    tokens = states[0][plain.input_ids == model.placeholder_ids["image"]][[0, 3]]
    (kitchen,), (hall,) = (studio_processor.tokenizer.encode(word) for word in (" kitchen", " hall"))
    said = model.decoder.head(model.decoder.model.norm(tokens))
    wanted = 0.5 * count * cross_entropy(said, torch.tensor([kitchen, hall]))
    assert float((loss - silent).detach()) == pytest.approx(float(wanted.detach()), rel=1e-4)
    assert float(head(model, plain, 0.0)[0].detach()) == pytest.approx(float(silent.detach()))


def test_labels_say_what_the_studio_wrote_and_only_while_training(naming, sharp, listed) -> None:
    scene = make(FAMILY, 3)
    seen = Examples(sharp, naming)._transformed(scene)
    plain = Examples(sharp, replace(naming, naming=0.0))._transformed(scene)
    assert torch.equal(seen.inputs, plain.inputs) and not plain.labels
    there = seen.labels["words"][0].any(0)
    words = [word for word, here in zip(listed, there.tolist(), strict=True) if here]
    told = {word.removeprefix(WRITTEN) for word in words if word.startswith(WRITTEN)}
    assert told and told <= {letter.word for letter in scene.drawn()[1]}
    assert "wall" in words and {room["type"] for room in scene.scene["rooms"]} & set(words)
    assert not Examples(sharp, naming, "seeds")._transformed(make(FAMILY, 3, "seeds")).labels


def test_words_are_legible_in_the_order_of_their_patches() -> None:
    def word(text: str, x: float, y: float, height: float) -> list[Letter]:
        return [Letter(c, x + i, y, height, i + 1, text.lower().strip(".")) for i, c in enumerate(text)]

    view = View((0, 0, 100, 100), side=4, pixels=100)
    letters = [*word("low.", 10, 90, 9), *word("Right", 60, 12, 9), *word("small", 5, 40, 4), *word("left", 2, 14, 9)]
    assert legible(view, [*letters, *word("out", 120, 10, 9)]) == ["left", "Right", "low"]


def test_all_that_is_written_is_asked_about_a_share_of_pictures(naming, sharp) -> None:
    asking = replace(naming, written=1.0, naming=0.0, questions=1)
    scene = make(FAMILY, 3)
    words = Examples(sharp, asking).legible(scene)
    drawn = {letter.word for letter in scene.drawn()[1]}
    assert words and {word.lower() for word in words} <= drawn

    def answers(stage) -> list[str]:
        examples = Examples(sharp, stage)
        examples.scene = lambda rng: scene
        return [turn["content"] for row in examples._images(random.Random(1)) for turn in row[1::2]]

    assert " ".join(words) in answers(asking)
    assert " ".join(words) not in answers(naming)


def test_what_trains_while_patches_are_named(fresh, naming, run_stage, digest, tmp_path) -> None:
    model = fresh()
    before = {part: digest(module) for part, module in parts(model).items()}
    run_stage(model, replace(naming, trains=Trains(decoder=1e-3, image_projector=1e-3)), tmp_path / "run")
    changed = {part for part, module in parts(model).items() if digest(module) != before[part]}
    assert changed == {"decoder", "image_projector"}


def test_a_named_word_is_learned(fresh, naming, studio_processor, listed) -> None:
    model, head = fresh(), build_heads(replace(naming, naming=1.0), studio_processor)
    batch = collate([Examples(studio_processor, naming).sample(0)], 0)
    words = torch.zeros(1, 16, len(listed), dtype=torch.uint8)
    words[0, 5, listed.index(WRITTEN + "kitchen")] = 1
    batch = with_labels(batch, words)
    optimizer = torch.optim.AdamW(model.decoder.parameters(), lr=3e-3)
    losses = []
    for _ in range(25):
        loss, count = head(model, batch, 0.0)
        (loss / count).backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float((loss / count).detach()))
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.parametrize("changes", [{"objective": "dense"}, {"told": True}, {"overview_only": False}])
def test_who_names(stage, changes) -> None:
    with pytest.raises(
        CheckpointError, match="naming and pointing are for next-token, and a decoder that sees overviews only"
    ):
        stage(**{"naming": 0.5, "overview_only": True, "trains": Trains(decoder=1e-3), **changes})


def test_a_patch_without_a_word_says_its_letters(fresh, naming, sharp) -> None:
    """The mean over the letters of a token; one with a word of a list says that alone."""
    head = build_heads(naming, sharp)
    model = fresh().eval()
    tokens = torch.randn(4, model.decoder.config.hidden_size, generator=torch.Generator().manual_seed(1))
    words, signs = torch.zeros(4, len(head.mentions.begins)), torch.zeros(1, MOST_SIGNS, 5, dtype=torch.uint8)
    words[0, -1] = 1  # of 4 x 4 patches, 2 x 2 of them a token
    for at, (row, column, letter) in enumerate(((1, 1, "x"), (0, 2, "Q"), (1, 3, "7"))):
        signs[0, at] = torch.tensor((row, column, 0, at + 1, SIGNS.index(letter) + 1))
    letters = head.letters(signs, 2, 4)
    assert letters.sum() == 3 and letters[1].sum() == 2
    logs = model.decoder.head(model.decoder.model.norm(tokens)).float().log_softmax(-1)
    q, seven = (sharp.tokenizer.encode(letter)[0] for letter in "Q7")
    wanted = -(logs[0] @ head.written.spelled[-1].float() + (logs[1, q] + logs[1, seven]) / 2) / 2
    assert float(head.named(model, tokens, words, letters).detach()) == pytest.approx(float(wanted.detach()), rel=1e-4)


def test_which_sign_of_a_word_a_patch_holds() -> None:
    letters = [
        Letter("N", 12, 50, 20, 1, "no"), Letter("o", 37, 50, 20, 2, "no"),
        Letter("s", 60, 50, 4, 1, "s"), Letter("1", 80, 99, 20, 1, "1"),
    ]  # fmt: skip
    found = sign_targets(View((0, 0, 100, 100), side=4, pixels=100), letters)
    n, o, one = (SIGNS.index(sign) + 1 for sign in "No1")
    assert found[:4].tolist() == [[2, 0, 0, 1, n], [2, 1, 0, 2, o], [3, 3, 2, 1, one], [0] * 5]
    assert not sign_targets(View((0, 0, 9, 9), side=4, pixels=100), letters).any()


def test_more_signs_than_are_kept_are_left_out() -> None:
    letters = [Letter("a", 5, 5, 20, nth % 200 + 1, "a") for nth in range(300)]
    found = sign_targets(View((0, 0, 100, 100), side=4, pixels=100), letters)
    assert found.shape == (MOST_SIGNS, 5) and found.all(-1).sum() < MOST_SIGNS and found[..., 4].all()

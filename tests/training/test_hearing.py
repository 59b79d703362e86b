"""Sounds whose tokens are the words said: where these travel, what is asked of whom, that it is learned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import ctc_loss

from training.data import Examples
from training.hearing import misheard, spoken_ids, transcribed, transcripts
from training.loop import build_heads
from training.loss import next_token_loss
from training.stages import Mixture, Trains
from vlm.batch import Batch, collate
from vlm.errors import CheckpointError

from .conftest import without_labels


@pytest.fixture
def hearing(stage):
    return stage(name="hearing", hearing=0.5, mixture=Mixture(transcripts=0.5, sounds=0.5))


def batch_of(examples: Examples, rows: int = 4) -> Batch:
    return collate([examples.sample(index) for index in range(rows)], 0)


def test_words_are_the_decoders_own_without_marks_or_case(studio_tokenizer) -> None:
    encode = studio_tokenizer.encode
    assert spoken_ids("How many rooms?", encode) == spoken_ids("how, many ROOMS", encode)
    said = spoken_ids('Is the "kitchen" here?', encode)
    assert encode(" kitchen")[0] in said and encode('"')[0] not in said
    assert spoken_ids("?!", encode) == []


def test_words_travel_with_their_sound() -> None:
    sounds = [transcribed(2, 40, [4000, 0, 7]), transcribed(1, 40, []), transcribed(3, 40, [1])]
    assert [tuple(one.shape) for one in sounds] == [(2, 40), (1, 40), (3, 40)]
    assert transcripts(torch.cat(sounds)) == [(2, [4000, 0, 7]), (1, []), (3, [1])]


def test_each_sound_is_asked_for_its_own_words() -> None:
    logits = torch.randn(9, 12, generator=torch.Generator().manual_seed(2))
    found = misheard(logits, [4, 2, 3], [[5, 5], [], [8]], blank=1)
    each = logits.log_softmax(-1)
    alone = [
        ctc_loss(each[a:b, None], torch.tensor([ids]), [b - a], [len(ids)], blank=1, reduction="sum")
        for a, b, ids in ((0, 4, [5, 5]), (6, 9, [8]))
    ]
    assert float(found) == pytest.approx(float(sum(alone)) / 3, rel=1e-5)


def test_where_nothing_is_said_or_too_much_nothing_is_asked() -> None:
    logits = torch.randn(5, 12, requires_grad=True)
    assert float(misheard(logits, [5], [[]], blank=1).detach()) == 0
    crowded = misheard(logits, [2, 3], [[3, 4, 5], [6]], blank=1)  # three words do not fit into two tokens
    crowded.backward()
    assert torch.isfinite(crowded) and torch.isfinite(logits.grad).all() and not logits.grad[:2].any()


@pytest.mark.usefixtures("hummed")
def test_the_loss_is_of_the_projectors_tokens_and_only_while_training(hearing, fresh, studio_processor) -> None:
    model, head = fresh().eval(), build_heads(hearing, studio_processor)
    batch = batch_of(Examples(studio_processor, hearing))
    sounds = batch.media["audio"]
    said = transcripts(sounds.labels["said"])
    assert {bool(ids) for _, ids in said} == {True, False}  # speech, and what is none
    plain = without_labels(batch)
    silent, count = next_token_loss(model, plain)
    loss, same = head(model, batch, 0.0)
    assert same == count
    tokens = model.encode(plain, "audio")
    counts = [int((row == 7).sum()) for row in plain.input_ids]  # one sound a row
    logits = model.decoder.head(model.decoder.model.norm(tokens))
    wanted = 0.5 * count * misheard(logits, counts, [ids for _, ids in said], blank=1)
    assert float((loss - silent).detach()) == pytest.approx(float(wanted.detach()), rel=1e-4)
    assert float(head(model, plain, 0.0)[0].detach()) == pytest.approx(float(silent.detach()))
    held_out = Examples(studio_processor, hearing, "seeds")
    assert not batch_of(held_out).media["audio"].labels


@pytest.mark.usefixtures("hummed")
def test_pictures_and_sounds_of_one_batch_are_both_asked(stage, fresh, studio_processor) -> None:
    both = stage(hearing=0.5, pointing=0.5, overview_only=True, mixture=Mixture(spoken=1.0), families=("floor_plans",))
    alone = replace(both, pointing=0.0), replace(both, hearing=0.0)
    model, batch = fresh().eval(), batch_of(Examples(studio_processor, both), 2)
    said = batch.media["audio"].labels["said"]
    said[:] = 0
    said[:, :2] = torch.tensor([2, 50])  # one word each, which fits
    plain = without_labels(batch)
    silent = float(next_token_loss(model, plain)[0].detach())
    extra = [float(build_heads(one, studio_processor)(model, batch, 0.0)[0].detach()) - silent for one in alone]
    assert min(extra) > 0
    found = float(build_heads(both, studio_processor)(model, batch, 0.0)[0].detach())
    assert found - silent == pytest.approx(sum(extra), rel=1e-3)


def test_ears_learn_to_say_words(stage, fresh, studio_processor, run_stage, tmp_path, monkeypatch) -> None:
    """Of four words, each a tone of its own, a sound's tokens say the right one after training, and not before."""
    words = ("red", "blue", "green", "white")

    def clip(text: str, seed: int, split: str = "train") -> np.ndarray:
        pitch = 300 * (1 + words.index(text))
        return (0.3 * np.sin(2 * np.pi * pitch * np.arange(16_000) / 16_000)).astype(np.float32)

    monkeypatch.setattr("training.synthetic.speech.clip", clip)
    monkeypatch.setattr(Examples, "spoken_text", lambda self, rng: rng.choice(words))
    config = stage(
        hearing=1.0, mixture=Mixture(transcripts=1.0), trains=Trains(audio=3e-3, audio_projector=1e-2), steps=60,
        batch_size=8,
    )  # fmt: skip
    model = fresh()

    def heard() -> int:
        sounds = [studio_processor.transforms["audio"](clip(word, 1)) for word in words]
        right = 0
        for word, tokens in zip(words, model.eval().encode_each(sounds, "audio"), strict=True):
            said = model.decoder.head(model.decoder.model.norm(tokens)).argmax(-1)
            right += studio_processor.tokenizer.encode(" " + word)[0] in said
        return right

    assert heard() < 4
    run_stage(model, config, tmp_path)
    assert heard() == 4


def test_hearing_is_for_stages_that_answer(stage) -> None:
    with pytest.raises(CheckpointError, match="hearing is for next-token"):
        stage(objective="ctc", hearing=0.1)


def test_a_sound_longer_than_a_window_is_one_sound(hearing, studio_processor) -> None:
    seconds = studio_processor.config.whisper.window_seconds
    wave = np.zeros(round(2.5 * seconds * 16_000), dtype=np.float32)
    item = Examples(studio_processor, hearing)._sound(wave, "red")["audio"]
    ((windows, ids),) = transcripts(item.labels["said"])
    assert windows == 3 and ids == spoken_ids("red", studio_processor.tokenizer.encode)

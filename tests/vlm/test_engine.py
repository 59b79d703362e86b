"""The engine against one sample alone (`tests/oracle.py`), whatever else goes on; and its life as a thread."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import random
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

import vlm.engine as engine_module
from vlm.assistant import Assistant
from vlm.batch import Sample, collate
from vlm.engine import Engine, EngineOptions
from vlm.errors import ContextLengthError, EngineDeadError, InputError, QueueFullError, RequestFailedError
from vlm.generation import Event, Generation, Piece, Reply, TextStream
from vlm.model import VLM, build_model
from vlm.processor import Processor
from vlm.request import Request
from vlm.reuse import FeatureCache
from vlm.sampling import SamplingOptions
from vlm.scheduler import COUNTED, Scheduler
from vlm.slots import WORTH_WAITING

from ..oracle import answer_ids

EOS = (2,)
SAMPLED: list[dict[str, Any]] = [
    {},
    {"repetition_penalty": 1.4},
    {"temperature": 0.8, "seed": 5},
    {"temperature": 1.5, "top_k": 8, "top_p": 0.9, "min_p": 0.05, "repetition_penalty": 1.2, "seed": -3},
]


class Desk:
    """An engine without its thread: the test turns it, so that what happens when is the test's choice."""

    heartbeat_age = 0.0

    def __init__(self, model: VLM, processor: Processor, **options: Any) -> None:
        self.processor, self.wake = processor, threading.Event()
        self.scheduler = Scheduler(model, EngineOptions(**options).limits(model))

    def left(self, generation: Generation) -> None:
        pass

    def submit(self, sample: Sample, stream: int = 0, logprobs: int | None = None, constraint: Any = None,
               **options: Any) -> Generation:  # fmt: skip
        request = Request(
            sample, SamplingOptions(**options), self.scheduler.model, self.processor, self.scheduler.limits.context,
            Generation(self), constraint=constraint, stream=stream, logprobs=logprobs,  # type: ignore[arg-type]
        )  # fmt: skip
        self.scheduler.waiting.append(request)
        return request.generation

    def turn(self, count: int = 1) -> None:
        for _ in range(count):
            self.scheduler.turn()

    def finish(self) -> Desk:
        for _ in range(10_000):
            if not self.scheduler.turn():
                return self
        raise AssertionError("it goes on and on")

    def __getattr__(self, name: str) -> int:
        if name in COUNTED:
            return self.scheduler.counted[name]
        return getattr(self.scheduler.slots, name)


@pytest.fixture
def desk(tiny_model: VLM, tiny_processor: Processor) -> Any:
    return lambda **options: Desk(tiny_model, tiny_processor, **options)


def said(generation: Generation) -> tuple[list[int], Reply]:
    """Its tokens, and its reply."""
    *pieces, reply = generation
    assert isinstance(reply, Reply) and all(isinstance(piece, Piece) for piece in pieces)
    assert "".join(piece.text for piece in pieces) == reply.text
    return [token for piece in pieces for token in piece.token_ids], reply


def chances(generation: Generation) -> Tensor:
    """Log-probabilities of the three best tokens at each step, (n, 3)."""
    pieces = [event for event in generation if isinstance(event, Piece)]
    return torch.tensor([[value for _, value in one.top] for piece in pieces for one in piece.logprobs])


class Endless:
    """A constraint that forbids the end of the answer."""

    def mask(self, logits: Tensor) -> Tensor:
        return logits.index_fill(0, torch.tensor(EOS), -math.inf)

    def push(self, token: int) -> None: ...


def picture(seed: int, width: int = 64, height: int = 32) -> dict[str, Any]:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return {"type": "image", "image": Image.fromarray(pixels)}


def sound(seed: int, samples: int = 50_000) -> dict[str, Any]:
    return {"type": "audio", "audio": np.random.default_rng(seed).uniform(-0.5, 0.5, samples).astype(np.float32)}


@pytest.fixture(scope="module")
def ask(tiny_processor: Processor) -> Any:
    def sample(*parts: Any, system: str = "") -> Sample:
        content = [{"type": "text", "text": part} if isinstance(part, str) else part for part in parts]
        messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
        return tiny_processor([*messages, {"role": "user", "content": content}], for_training=False)

    return sample


@pytest.fixture(scope="module")
def mixed(ask: Any) -> list[Sample]:
    """Of several lengths and modalities."""
    return [
        ask(picture(0), "what is red?"),
        ask("what is the image?"),
        ask(picture(1, 40, 90), picture(2, 32, 32), "which?"),
        ask(sound(3)),
        ask(picture(4, 20, 20), sound(5), "what is it?"),
        ask("x y" * 60),
        ask("x"),
    ]


@pytest.fixture(scope="module")
def alone(tiny_model: VLM, mixed: list[Sample]) -> Any:
    """(number of a sample, options) -> what it answers alone, computed once."""
    known: dict[Any, list[int]] = {}

    def ids(number: int, stream: int = 0, **options: Any) -> list[int]:
        key = number, stream, *sorted(options.items())
        if key not in known:
            known[key] = answer_ids(tiny_model, mixed[number], SamplingOptions(**options), EOS, stream=stream)
        return [token for token in known[key] if token not in EOS]

    return ids


# --- as alone ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", SAMPLED, ids=str)
def test_together_as_alone(options: dict[str, Any], mixed: list[Sample], alone: Any, desk: Any) -> None:
    one = desk()
    found = [one.submit(sample, stream=n, max_new_tokens=20, **options) for n, sample in enumerate(mixed)]
    one.finish()
    answers = [said(generation)[0] for generation in found]
    assert answers == [alone(n, n, max_new_tokens=20, **options) for n in range(len(mixed))]
    assert len({tuple(answer) for answer in answers}) == len(mixed)  # each sees its own picture


@pytest.mark.parametrize("layout", [
    {"slots": 1}, {"slots": 3, "prefill_chunk": 16}, {"slots": 4, "tokens": 700}, {"prefill_chunk": 1},
    {"slots": 5, "reuse": False, "encode_windows": 1}, {"feature_bytes": 0},
], ids=str)  # fmt: skip
def test_any_layout_gives_the_same(layout: dict[str, Any], mixed: list[Sample], alone: Any, desk: Any) -> None:
    one = desk(**layout)
    found = [one.submit(sample, max_new_tokens=12) for sample in mixed]
    one.finish()
    assert [said(generation)[0] for generation in found] == [alone(n, max_new_tokens=12) for n in range(len(mixed))]


@pytest.mark.parametrize("seed", range(4))
def test_arrivals_and_cancels_at_random(seed: int, mixed: list[Sample], alone: Any, desk: Any) -> None:
    """Whatever comes and goes in between, those that stay say what they say alone, and the others a beginning of it."""
    dice = random.Random(seed)
    one = desk(slots=dice.choice([2, 4, 8]), prefill_chunk=dice.choice([8, 32, 512]), tokens=dice.choice([None, 900]))
    under_way: list[tuple[Generation, int, int, dict[str, Any]]] = []
    for stream in range(30):
        number, options = dice.randrange(len(mixed)), dice.choice(SAMPLED) | {"max_new_tokens": dice.choice([1, 5, 20])}
        under_way.append((one.submit(mixed[number], stream=stream, **options), number, stream, options))
        one.turn(dice.randrange(4))
        if dice.random() < 0.3:
            dice.choice(under_way)[0].cancel()
    one.finish()
    ended = []
    for generation, number, stream, options in under_way:
        (ids, reply), wanted = said(generation), alone(number, stream, **options)
        ended.append(reply.finish_reason)
        assert ids == (wanted[: len(ids)] if reply.finish_reason == "cancelled" else wanted), (number, stream, options)
    assert "cancelled" in ended and ended.count("length") > 5
    assert one.taken == one.answering == 0


def test_a_row_is_bit_identical_whatever_its_neighbours_hold(ask: Any, desk: Any) -> None:
    """Same shapes, other neighbours: not only the same text, but the same numbers."""
    found = []
    for others in (("a" * 30, picture(7)), ("b" * 30, picture(8))):
        one = desk()
        mine = one.submit(ask(picture(0), "what is red?"), max_new_tokens=25, logprobs=3)
        for part in others:
            one.submit(ask(part), max_new_tokens=25, temperature=0.9, seed=1, constraint=Endless())
        one.finish()
        found.append(chances(mine))
    assert len(found[0]) > 10 and torch.equal(*found)


def test_logprobs_are_the_models_own(tiny_model: VLM, mixed: list[Sample], desk: Any) -> None:
    one = desk()
    generation = one.submit(mixed[0], max_new_tokens=12, temperature=0.7, top_k=4, seed=3, logprobs=3)
    one.finish()
    told = [told for event in generation if isinstance(event, Piece) for told in event.logprobs]
    ids = [one.token_id for one in told]
    with torch.no_grad():
        embeds = tiny_model.embed(collate([mixed[0]], 0))
        logits = tiny_model.decoder(torch.cat((embeds, tiny_model.decoder.embed(torch.tensor([ids]))), dim=1))[0]
    scores = logits[len(mixed[0]) - 1 :].log_softmax(-1)
    for row, token in enumerate(told):
        assert token.logprob == pytest.approx(float(scores[row, token.token_id]), abs=1e-4)
        best = scores[row].topk(3)
        assert [number for number, _ in token.top] == best.indices.tolist()
        assert [value for _, value in token.top] == pytest.approx(best.values.tolist(), abs=1e-4)
    assert len(told) > 4
    bare = one.submit(mixed[0], max_new_tokens=3, logprobs=0)
    one.finish()
    assert all(told.top == () for event in bare if isinstance(event, Piece) for told in event.logprobs)


# --- the ends of an answer -----------------------------------------------------------------------------------


def test_max_tokens_stop_strings_and_eos(
    tiny_model: VLM, tiny_processor: Processor, mixed: list[Sample], alone: Any, desk: Any
) -> None:
    whole = TextStream(tiny_processor.tokenizer)
    ids = alone(1, max_new_tokens=30)
    text = "".join(whole.push(token) for token in ids) + whole.finish()
    at = next(at for at in range(3, len(text) - 2) if text[at : at + 2].isascii())
    one = desk()
    cut = one.submit(mixed[1], max_new_tokens=30, stop=(text[at : at + 2],))
    short = one.submit(mixed[1], max_new_tokens=3)
    one.finish()
    reply = said(cut)[1]
    assert (reply.text, reply.finish_reason) == (text[: text.find(text[at : at + 2])], "stop")
    assert reply.completion_tokens < 30
    assert said(short)[0] == ids[:3]
    config = replace(tiny_processor.config, special_ids=replace(tiny_processor.config.special_ids, eos=(2, ids[5])))
    ended = Desk(tiny_model, Processor(config, tiny_processor.tokenizer))
    generation = ended.submit(mixed[1], max_new_tokens=30)
    ended.finish()
    found, reply = said(generation)
    first = ids.index(ids[5])
    assert (found, reply.finish_reason, reply.completion_tokens) == (ids[:first], "stop", first + 1)


def test_the_context_ends_the_answer_and_too_long_a_prompt_is_refused(
    tiny_model: VLM, tiny_processor: Processor, ask: Any
) -> None:
    long = ask("x" * 480)
    with Engine(tiny_model, tiny_processor) as engine:
        reply = engine.submit(long, SamplingOptions(max_new_tokens=4000)).result()
        assert reply.finish_reason in ("length", "stop") and reply.prompt_tokens + reply.completion_tokens <= 512
    with Engine(tiny_model, tiny_processor, EngineOptions(slots=2, tokens=300)) as engine:
        with pytest.raises(ContextLengthError, match=rf"{len(long)} .* 300") as caught:
            engine.submit(long, SamplingOptions())
        assert (caught.value.tokens, caught.value.limit) == (len(long), 300)
        reply = engine.submit(ask("x" * 200), SamplingOptions(max_new_tokens=4000)).result()
        assert reply.prompt_tokens + reply.completion_tokens <= 300


def test_cancelling_frees_the_slot_within_one_step(mixed: list[Sample], alone: Any, desk: Any) -> None:
    one = desk(slots=2, prefill_chunk=8)
    reading, waiting = one.submit(mixed[5], max_new_tokens=50), None
    answering = one.submit(mixed[6], max_new_tokens=50)
    waiting = one.submit(mixed[1], max_new_tokens=5)
    while not one.answering:
        one.turn()
    assert one.taken == 2
    answering.cancel()
    one.turn()
    ids, reply = said(answering)
    assert reply.finish_reason == "cancelled" and ids == alone(6, max_new_tokens=50)[: len(ids)]
    assert one.taken == 2 and not one.scheduler.waiting  # the one that waited has its place
    reading.cancel()
    waiting.cancel()
    one.turn()
    assert one.taken == 0 and said(reading)[1].completion_tokens == 0 and one.cancelled == 3
    gone = one.submit(mixed[0])
    gone.cancel()
    one.finish()
    assert said(gone)[1].finish_reason == "cancelled" and one.encoder_calls == 0


# --- a long prompt and the others ----------------------------------------------------------------------------


@pytest.mark.parametrize("chunk", [1, 7, 64])
def test_a_prompt_in_chunks_is_the_whole_prompt(chunk: int, mixed: list[Sample], desk: Any) -> None:
    for number in (2, 4, 5):
        found = []
        for size in (chunk, 512):
            one = desk(prefill_chunk=size)
            generation = one.submit(mixed[number], max_new_tokens=8, logprobs=3)
            one.finish()
            assert one.prefilled_tokens == len(mixed[number])
            found.append(chances(generation))
        torch.testing.assert_close(*found, rtol=0, atol=1e-5)


def test_a_long_prompt_does_not_hold_up_an_answer(ask: Any, desk: Any) -> None:
    """Between two of its chunks the others say something."""
    one = desk(prefill_chunk=16)
    one.submit(ask("what"), max_new_tokens=100, constraint=Endless())
    one.turn(3)
    one.submit(ask("y" * 400), max_new_tokens=2)
    for _ in range(20):
        read, generated = one.prefilled_tokens, one.generated_tokens
        one.turn()
        assert one.prefilled_tokens == read + 16 and one.generated_tokens == generated + 1


def test_those_that_come_together_are_read_together(ask: Any, desk: Any) -> None:
    one = desk()
    for letter in "abcdefgh":
        one.submit(ask(letter * 20), max_new_tokens=1)
    one.finish()
    assert one.steps == 1


def test_a_short_prompt_overtakes_a_long_one(ask: Any, desk: Any) -> None:
    one = desk(prefill_chunk=16)
    long, short = one.submit(ask("y" * 400), max_new_tokens=2), one.submit(ask("z"), max_new_tokens=2)
    while not short.done:
        one.turn()
    assert not long.done and one.prefilled_tokens < 200


def test_the_budget_of_positions(ask: Any, desk: Any) -> None:
    """Eight short ones fit where two long ones do; the cache is laid out for those that are there."""
    one = desk(slots=8, tokens=1024)
    short = [one.submit(ask(letter), max_new_tokens=100, constraint=Endless()) for letter in "abcdefgh"]
    one.turn()
    assert one.taken == 8
    long = [one.submit(ask(letter * 300), max_new_tokens=150, constraint=Endless()) for letter in "xyz"]
    for generation in short:
        while not generation.done:
            one.turn()
            assert one.taken * one.cache.columns <= 1024
    one.turn(2)
    assert one.taken == 2 and len(one.scheduler.waiting) == 1
    one.finish()
    assert all(said(generation)[1].completion_tokens == 150 for generation in long)
    again = [one.submit(ask(letter), max_new_tokens=100, constraint=Endless()) for letter in "abcdefgh"]
    one.turn()
    assert one.taken == 8
    one.finish()
    assert [said(generation)[0] for generation in again] == [said(generation)[0] for generation in short]


# --- used again ----------------------------------------------------------------------------------------------


def test_the_second_question_about_an_image(ask: Any, desk: Any) -> None:
    """No encoder, no reading of what is shared; the same answer as when nothing is remembered."""
    one, forgetful = desk(), desk(reuse=False)
    first, second = ask(picture(0), "what is red?"), ask(picture(0), "the image?")
    one.submit(first, max_new_tokens=9)
    one.finish()
    calls, read = one.encoder_calls, one.prefilled_tokens
    assert (calls, read) == (1, len(first))
    remembered, anew = (each.submit(second, max_new_tokens=9, logprobs=3) for each in (one, forgetful))
    one.finish()
    forgetful.finish()
    differs = int((first.input_ids[: len(second)] != second.input_ids[: len(first)]).nonzero()[0])
    assert one.encoder_calls == calls and one.prefix_tokens == differs > 16
    assert one.prefilled_tokens - read == len(second) - differs
    torch.testing.assert_close(chances(remembered), chances(anew), rtol=0, atol=1e-5)


def test_a_conversation_goes_on_where_it_was(tiny_assistant: Assistant) -> None:
    """The answer that was given need not be read again, either."""
    with Assistant(tiny_assistant.model, tiny_assistant.processor) as assistant:
        messages: list[dict[str, Any]] = [{"role": "user", "content": [picture(0), {"type": "text", "text": "what"}]}]
        reply = assistant.chat(messages, max_new_tokens=10)
        messages += [{"role": "assistant", "content": reply.text}, {"role": "user", "content": "is it red"}]
        again = assistant.chat(messages, max_new_tokens=10)
        assert again.reused_tokens >= reply.prompt_tokens
        assert again.text == tiny_assistant.chat(messages, max_new_tokens=10).text
        stats = assistant.engine.stats()
        assert stats.encoder_calls == 1
        assert stats.prefilled_tokens == reply.prompt_tokens + again.prompt_tokens - again.reused_tokens


def test_one_image_for_many_at_once(ask: Any, desk: Any) -> None:
    """Questions that come together wait for the first to have read what they share."""
    one = desk()
    question, words = picture(0, 200, 190), ["red", "what", "is"]
    found = [one.submit(ask(question, word), max_new_tokens=5) for word in words]
    found += [one.submit(ask(question, "red"), stream=n, temperature=1.0, seed=1) for n in range(3)]
    one.finish()
    length = len(ask(question, "red"))
    assert one.encoder_calls == 1 and length > WORTH_WAITING
    assert one.prefilled_tokens < length + 5 * 20
    anew = desk(reuse=False)
    repeated = [anew.submit(ask(question, word), max_new_tokens=5) for word in words]
    anew.finish()
    assert [said(generation)[0] for generation in found[:3]] == [said(generation)[0] for generation in repeated]


def test_features_are_found_where_the_beginning_differs(ask: Any, desk: Any) -> None:
    one = desk()
    for system in ("", "be brief", "be kind"):
        one.submit(ask(picture(0), sound(1), "what", system=system), max_new_tokens=2)
        one.finish()
    assert (one.encoder_calls, one.feature_hits) == (2, 4)
    one.submit(ask(picture(2), "what"), max_new_tokens=2)  # another picture is another
    one.finish()
    assert one.encoder_calls == 3


def test_the_same_image_twice_in_a_prompt(ask: Any, desk: Any, tiny_model: VLM) -> None:
    one = desk()
    sample = ask(picture(0), picture(0), picture(1), "what")
    generation = one.submit(sample, max_new_tokens=10)
    one.finish()
    wanted = answer_ids(tiny_model, sample, SamplingOptions(max_new_tokens=10), EOS)
    assert said(generation)[0] == [token for token in wanted if token not in EOS]


def test_a_prompt_cut_off_inside_an_image_is_continued(ask: Any, desk: Any, tiny_model: VLM) -> None:
    """Cancelled in the middle of a picture, its beginning is used, and its features for the rest of it."""
    sample = ask(picture(0, 200, 190), "what is red")
    one = desk(prefill_chunk=10)
    first = one.submit(sample)
    one.turn(2)
    first.cancel()
    second = one.submit(sample, max_new_tokens=8)
    one.finish()
    wanted = answer_ids(tiny_model, sample, SamplingOptions(max_new_tokens=8), EOS)
    ids, reply = said(second)
    assert ids == [token for token in wanted if token not in EOS]
    assert 0 < reply.reused_tokens < len(sample) - 20 and one.encoder_calls == 1


def test_other_weights_forget(ask: Any, tiny_config: Any, tiny_processor: Processor) -> None:
    torch.manual_seed(1)
    model = build_model(tiny_config).eval()
    one = Desk(model, tiny_processor)
    sample = ask(picture(0), "what is red?")
    for change in (False, True):
        if change:
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.mul_(3)
        generation = one.submit(sample, max_new_tokens=10)
        one.finish()
        wanted = answer_ids(model, sample, SamplingOptions(max_new_tokens=10), EOS)
        assert said(generation)[0] == [token for token in wanted if token not in EOS]
    assert one.encoder_calls == 2 and one.prefix_tokens == 0


def test_features_are_bounded_and_the_oldest_go() -> None:
    cache = FeatureCache(10 * 4 * 8)
    for number in range(100):
        cache.put(bytes([number]), torch.zeros(4, 2) + number)  # 32 bytes
        assert cache.get(bytes([0])) is not None or (number > 0 and cache.size <= 320)
        cache.get(bytes([0]))  # used again and again
    assert len(cache) == 10 and cache.size == 320
    assert cache.get(bytes([0])) is not None and cache.get(bytes([90])) is None
    assert float(cache.get(bytes([99]))[0, 0]) == 99  # type: ignore[index]
    cache.put(b"big", torch.zeros(1000))
    assert cache.get(b"big") is None and len(cache) == 10


# --- one goes wrong, the others go on ------------------------------------------------------------------------


class Broken:
    """A constraint with a fault."""

    def mask(self, logits: Tensor) -> Tensor:
        raise KeyError("secret")

    def push(self, token: int) -> None: ...


def test_a_request_fails_alone(mixed: list[Sample], alone: Any, desk: Any, caplog: pytest.LogCaptureFixture) -> None:
    one = desk()
    good = one.submit(mixed[0], max_new_tokens=10)
    bad = one.submit(mixed[1], constraint=Broken())
    torn = one.submit(replace(mixed[1], input_ids=torch.tensor([5, 100_000])))  # no such token
    one.finish()
    for generation in (bad, torn):
        with pytest.raises(RequestFailedError) as caught:
            generation.result()
        assert "secret" not in str(caught.value)
    assert said(good)[0] == alone(0, max_new_tokens=10) and one.taken == 0 and one.failed == 2
    assert "secret" in caplog.text


def test_what_is_not_finite_poisons_nobody(
    tiny_model: VLM, mixed: list[Sample], alone: Any, desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zero times NaN is NaN: a row that held one is wiped, as no mask would hide it."""
    one = desk(slots=2)
    embed = tiny_model.decoder.embed
    poison = torch.tensor(math.nan)
    monkeypatch.setattr(tiny_model.decoder, "embed", lambda ids: torch.where(ids[..., None] == 3, poison, embed(ids)))
    sample = mixed[5]
    bad = one.submit(replace(sample, input_ids=torch.where(torch.arange(len(sample)) == 9, 3, sample.input_ids)))
    one.turn()
    with pytest.raises(RequestFailedError):
        bad.result()
    found = [one.submit(mixed[n], max_new_tokens=10) for n in (1, 6, 5)]
    one.finish()
    assert [said(generation)[0] for generation in found] == [alone(n, max_new_tokens=10) for n in (1, 6, 5)]


def test_too_much_for_the_memory_is_read_in_parts(
    tiny_model: VLM, mixed: list[Sample], alone: Any, desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    states, sizes = tiny_model.decoder.states, []

    def small(embeds: Tensor, **rest: Any) -> Tensor:
        sizes.append(tuple(embeds.shape[:2]))
        if embeds.shape[0] * embeds.shape[1] > 150:
            raise torch.OutOfMemoryError("no")
        return states(embeds, **rest)

    monkeypatch.setattr(tiny_model.decoder, "states", small)
    one = desk()
    found = [one.submit(mixed[n], max_new_tokens=5) for n in (1, 1, 3, 0, 6)]
    huge = one.submit(mixed[5], max_new_tokens=5)
    one.finish()
    assert [said(generation)[0] for generation in found] == [alone(n, max_new_tokens=5) for n in (1, 1, 3, 0, 6)]
    with pytest.raises(InputError) as caught:
        huge.result()
    assert caught.value.code == "out_of_memory" and max(rows * length for rows, length in sizes) > 150


def test_a_bad_picture_fails_alone(
    tiny_model: VLM, mixed: list[Sample], alone: Any, desk: Any, ask: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode, marked = tiny_model.encode_each, ask(picture(66), "what")

    def picky(items: Any, modality: str) -> list[Tensor]:
        if any(item is marked.media["image"][0] for item in items):
            raise RuntimeError("not this one")
        return encode(items, modality)

    monkeypatch.setattr(tiny_model, "encode_each", picky)
    one = desk()
    bad, good = one.submit(marked), [one.submit(mixed[n], max_new_tokens=5) for n in (0, 2, 4)]
    one.finish()
    with pytest.raises(RequestFailedError):
        bad.result()
    assert [said(generation)[0] for generation in good] == [alone(n, max_new_tokens=5) for n in (0, 2, 4)]


# --- its life ------------------------------------------------------------------------------------------------


@pytest.fixture
def engine(tiny_model: VLM, tiny_processor: Processor) -> Iterator[Engine]:
    with Engine(tiny_model, tiny_processor, EngineOptions(slots=4, queue=300)) as engine:
        yield engine


@pytest.fixture
def gate(tiny_model: VLM, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The decoder waits until it is set."""
    event, states = threading.Event(), tiny_model.decoder.states
    monkeypatch.setattr(tiny_model.decoder, "states", lambda *a, **k: (event.wait(60), states(*a, **k))[1])
    yield event
    event.set()


def until(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_200_requests_leave_nothing_behind(engine: Engine, mixed: list[Sample], alone: Any) -> None:
    dice = random.Random(0)
    held = []
    for stream in range(200):
        number = dice.randrange(len(mixed))
        generation = engine.submit(mixed[number], SamplingOptions(max_new_tokens=4), stream=stream)
        held.append((number, generation, weakref.ref(generation)))
        if cancelled := dice.random() < 0.2:
            generation.cancel()
        if not cancelled and dice.random() < 0.1:
            next(iter(generation), None)  # left early
    for number, generation, _ in held:
        ids, reply = said(generation) if not generation.cancelled else ([], None)
        assert reply is None or ids == alone(number, max_new_tokens=4)
    until(lambda: engine.stats().running == engine.stats().waiting == 0)
    stats = engine.stats()
    assert stats.slots_free == stats.slots == 4 and stats.requests == 200
    assert stats.finished + stats.cancelled == 200 and stats.failed == stats.refused == 0 and stats.cancelled > 20
    references = [reference for *_, reference in held]
    held.clear()
    del generation
    gc.collect()
    assert sum(reference() is not None for reference in references) <= 1


def test_a_full_queue_refuses_at_once(
    tiny_model: VLM, tiny_processor: Processor, mixed: list[Sample], gate: threading.Event
) -> None:
    with Engine(tiny_model, tiny_processor, EngineOptions(slots=1, queue=2)) as engine:
        accepted = [engine.submit(mixed[1], SamplingOptions(max_new_tokens=2)) for _ in range(3)]
        for _ in range(2):
            with pytest.raises(QueueFullError) as caught:
                engine.submit(mixed[1], SamplingOptions())
        assert caught.value.code == "queue_full" and caught.value.waiting == 2
        assert engine.stats().refused == 2
        patient = threading.Thread(target=lambda: engine.submit_all([mixed[6]] * 5, SamplingOptions(max_new_tokens=1)))
        patient.start()
        gate.set()
        patient.join(60)
        assert not patient.is_alive() and engine.stats().requests == 8
        assert all(generation.result().completion_tokens == 2 for generation in accepted)


def test_a_dead_engine_says_so(
    tiny_model: VLM, tiny_processor: Processor, mixed: list[Sample], monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths: list[BaseException] = []
    engine = Engine(tiny_model, tiny_processor, on_death=deaths.append)
    assert engine.alive and engine.heartbeat_age == 0
    engine.submit(mixed[1], SamplingOptions(max_new_tokens=2)).result()
    assert engine.heartbeat_age < 60
    fatal = SystemError("/secret/path")

    def dies() -> bool:
        if len(engine._inside) == 2:
            raise fatal
        return False

    monkeypatch.setattr(engine, "turn", dies)
    events: list[Event] = []
    first, second = (engine.submit(mixed[1], SamplingOptions()) for _ in range(2))
    second.listen(events.append)
    with pytest.raises(EngineDeadError) as caught:
        first.result()
    assert caught.value.code == "engine_dead" and "secret" not in str(caught.value)
    until(lambda: deaths == [fatal])
    assert [type(event) for event in events] == [EngineDeadError]
    until(lambda: engine.heartbeat_age == math.inf)
    assert not engine.alive and not engine.stats().alive and engine.stats().waiting == 0
    with pytest.raises(EngineDeadError):
        engine.submit(mixed[1], SamplingOptions())
    engine.close()


def test_closing_drains_then_ends(
    tiny_model: VLM, tiny_processor: Processor, mixed: list[Sample], gate: threading.Event
) -> None:
    engine = Engine(tiny_model, tiny_processor)
    finishing = engine.submit(mixed[1], SamplingOptions(max_new_tokens=3))
    gate.set()
    engine.close(drain_seconds=60)
    assert finishing.done and finishing.result().completion_tokens == 3
    with pytest.raises(EngineDeadError, match="closed"):
        engine.submit(mixed[1], SamplingOptions())
    other = Engine(tiny_model, tiny_processor)
    endless = other.submit(mixed[1], SamplingOptions(max_new_tokens=400))
    other.close()
    with pytest.raises(EngineDeadError, match="closed"):
        endless.result()
    other.close()


def test_listening(engine: Engine, mixed: list[Sample], alone: Any) -> None:
    """From asyncio, without a thread for each; what was said before is told first."""

    async def tokens(number: int) -> list[int]:
        events: asyncio.Queue[Event] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        generation = engine.submit(mixed[number], SamplingOptions(max_new_tokens=10))
        if number % 2:
            await asyncio.sleep(0.05)
        generation.listen(lambda event: loop.call_soon_threadsafe(events.put_nowait, event))
        found: list[int] = []
        while isinstance(event := await asyncio.wait_for(events.get(), 60), Piece):
            found += event.token_ids
        assert isinstance(event, Reply)
        return found

    async def everything() -> list[list[int]]:
        return await asyncio.gather(*(tokens(number) for number in range(len(mixed))))

    assert asyncio.run(everything()) == [alone(n, max_new_tokens=10) for n in range(len(mixed))]


def test_a_listener_that_fails_harms_itself_only(engine: Engine, mixed: list[Sample], alone: Any) -> None:
    def fails(event: Event) -> None:
        raise KeyError("gone")

    bad, good = (engine.submit(mixed[1], SamplingOptions(max_new_tokens=40)) for _ in range(2))
    bad.listen(fails)
    assert said(good)[0] == alone(1, max_new_tokens=40)
    until(lambda: bad.done)
    assert engine.alive and engine.stats().slots_free == 4


def test_threads_share_an_assistant(tiny_assistant: Assistant) -> None:
    questions = ["what", "the image", "is it red", "a", "b c"] * 3
    wanted = [tiny_assistant.ask(question, max_new_tokens=12).text for question in questions]
    found: dict[int, str] = {}

    def work(number: int) -> None:
        found[number] = tiny_assistant.ask(questions[number], max_new_tokens=12).text

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(questions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert [found[number] for number in range(len(questions))] == wanted
    assert sum(thread.name == "engine" for thread in threading.enumerate()) >= 1


def test_leaving_a_stream_frees_its_slot(tiny_assistant: Assistant) -> None:
    with Assistant(tiny_assistant.model, tiny_assistant.processor) as assistant:
        stream = assistant.stream([{"role": "user", "content": "what is the image?"}], max_new_tokens=400)
        next(stream)
        stream.close()  # type: ignore[attr-defined]
        until(lambda: assistant.engine.stats().running == 0)
        assert assistant.engine.stats().generated_tokens < 400


def test_the_interpreter_waits_for_a_thread_that_holds_its_engine_last(
    tiny_model: VLM, tiny_processor: Processor, mixed: list[Sample], gate: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(engine_module, "_signals", weakref.WeakSet())  # the other tests' engines live on
    engine = Engine(tiny_model, tiny_processor)
    engine.submit(mixed[1], SamplingOptions(max_new_tokens=60)).cancel()
    signal = engine._signal
    thread = signal.thread
    del engine
    threading.Timer(0.2, gate.set).start()
    assert signal in engine_module._signals
    engine_module._stop_all()
    assert thread is not None
    assert not thread.is_alive()


def test_an_engine_that_nobody_holds_ends(tiny_model: VLM, tiny_processor: Processor, mixed: list[Sample]) -> None:
    engine = Engine(tiny_model, tiny_processor)
    generation = engine.submit(mixed[1], SamplingOptions(max_new_tokens=60))
    thread, reference = engine._signal.thread, weakref.ref(engine)
    del engine
    assert generation.result().completion_tokens > 1  # one who still waits holds it
    assert thread is not None
    until(lambda: gc.collect() >= 0 and reference() is None and not thread.is_alive())


def test_after_a_fork_the_child_makes_its_own(tiny_assistant: Assistant) -> None:
    wanted = tiny_assistant.ask("what", max_new_tokens=5).text
    parent, old = tiny_assistant.engine, os.getpid()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with pytest.raises(EngineDeadError, match="forked"):
                parent.submit(SimpleNamespace(), SamplingOptions())  # type: ignore[arg-type]
            parent.close()
            assert not parent.alive and tiny_assistant.engine is not parent
            os.write(write, tiny_assistant.ask("what", max_new_tokens=5).text.encode())
        finally:
            os._exit(0)
    os.close(write)
    assert os.read(read, 1000).decode() == wanted and os.getpid() == old
    os.waitpid(child, 0)
    os.close(read)
    assert parent.alive and tiny_assistant.engine is parent


@pytest.mark.parametrize("end", ["pass", "raise SystemExit(0)", "assistant.close()"])
def test_the_interpreter_ends_while_it_talks(end: str, tiny_folder: Path) -> None:
    code = (
        "import sys, vlm; assistant = vlm.load(sys.argv[1]);"
        "stream = assistant.stream([{'role': 'user', 'content': 'what'}], max_new_tokens=400);"
        f"print(len(next(filter(None, stream))) > 0); {end}"  # empty pieces say that nothing has come yet
    )
    done = subprocess.run([sys.executable, "-c", code, str(tiny_folder)], capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (0, "True\n") and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "wrong", [{"slots": 0}, {"queue": -1}, {"prefill_chunk": 0}, {"tokens": 1.5}, {"slots": "4"}, {"queue": None}]
)
def test_options_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))) as caught:
        EngineOptions(**wrong)
    assert caught.value.code == "bad_option"


def test_a_stream_that_waits_can_be_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vlm.generation.CHECK_SECONDS", 0.01)
    engine = SimpleNamespace(wake=threading.Event(), heartbeat_age=0.0, left=lambda generation: None)
    generation = Generation(engine)  # type: ignore[arg-type]
    events = generation.breathing()
    assert [next(events), next(events)] == [None, None]
    generation.deliver(Piece("a"))
    assert next(events) == Piece("a")
    assert next(events) is None
    events.close()
    assert generation.cancelled

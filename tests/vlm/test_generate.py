"""Sampling against transformers' logits processors and small references; the decoding loop against itself alone."""

from __future__ import annotations

import inspect
import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from vlm.batch import IGNORE_INDEX, Batch, Sample, collate
from vlm.config import DecoderConfig
from vlm.decoder import LlamaDecoder
from vlm.errors import InputError
from vlm.sampling import (
    SamplingOptions,
    generate,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    next_token,
    penalise_repetition,
    row_generator,
)
from vlm.model import VLM
from vlm.processor import Processor

torch.set_num_threads(1)

SEEDS = range(40)


def scores(seed: int, size: int = 50, spread: float = 3.0) -> Tensor:
    return torch.randn(size, generator=torch.Generator().manual_seed(seed)) * spread


def ids_seen(seed: int, size: int = 50, count: int = 12) -> Tensor:
    return torch.randint(0, size, (count,), generator=torch.Generator().manual_seed(seed + 1000))


# --- one filter at a time, against transformers ---


@pytest.mark.parametrize("penalty", [0.3, 0.999, 1.0, 1.2, 5.0])
def test_repetition_penalty(penalty: float) -> None:
    theirs = RepetitionPenaltyLogitsProcessor(penalty)
    for seed in SEEDS:
        seen, logits = ids_seen(seed), scores(seed)  # ids repeat, logits have both signs
        before = logits.clone()
        found = penalise_repetition(logits, seen, penalty)
        torch.testing.assert_close(found, theirs(seen[None], before[None].clone())[0])
        assert torch.equal(logits, before)


def test_repetition_penalty_by_hand() -> None:
    found = penalise_repetition(torch.tensor([4.0, -4.0, 0.0, 6.0]), torch.tensor([1, 0, 1, 2]), 2.0)
    assert found.tolist() == [2, -8, 0, 6]
    assert penalise_repetition(torch.tensor([4.0]), torch.tensor([], dtype=torch.long), 2.0).tolist() == [4]


@pytest.mark.parametrize("k", [1, 2, 7, 49, 50, 51, 1000])
def test_top_k(k: int) -> None:
    for seed in SEEDS:
        assert torch.equal(keep_top_k(scores(seed), k), TopKLogitsWarper(k)(None, scores(seed)[None])[0])


def test_top_k_by_hand() -> None:
    found = keep_top_k(torch.tensor([1.0, 3.0, 2.0, 3.0]), 2)
    assert found.tolist() == [-math.inf, 3, -math.inf, 3]
    assert keep_top_k(torch.tensor([1.0, 3.0]), 0).tolist() == [1, 3]


@pytest.mark.parametrize("p", [1e-9, 0.05, 0.3, 0.5, 0.9, 0.999, 1.0])
def test_top_p(p: float) -> None:
    for seed in SEEDS:
        found = keep_top_p(scores(seed), p)
        assert torch.equal(found, TopPLogitsWarper(p)(None, scores(seed)[None])[0])
        # the fewest whose probabilities reach p, counted one by one
        probabilities = sorted(scores(seed).double().softmax(-1).tolist(), reverse=True)
        wanted = next((n for n in range(1, 50) if sum(probabilities[:n]) >= p), 50) if p < 1 else 50
        assert int(torch.isfinite(found).sum()) == wanted


def test_top_p_by_hand() -> None:
    logits = torch.tensor([0.1, 0.5, 0.15, 0.25]).log()
    kept = {p: torch.isfinite(keep_top_p(logits, p)).tolist() for p in (0.4, 0.6, 0.8, 0.95)}
    assert kept == {
        0.4: [False, True, False, False], 0.6: [False, True, False, True],
        0.8: [False, True, True, True], 0.95: [True, True, True, True],
    }  # fmt: skip


@pytest.mark.parametrize("p", [0.01, 0.1, 0.5, 0.99])
def test_min_p(p: float) -> None:
    for seed in SEEDS:
        found = keep_min_p(scores(seed), p)
        assert torch.equal(found, MinPLogitsWarper(p)(None, scores(seed)[None])[0])
        probabilities = scores(seed).softmax(-1)
        assert torch.isfinite(found).tolist() == (probabilities >= p * probabilities.max()).tolist()


def test_min_p_at_its_ends() -> None:
    logits = scores(0)
    assert torch.equal(keep_min_p(logits, 0.0), logits)
    assert torch.isfinite(keep_min_p(logits, 1.0)).nonzero().flatten().tolist() == [int(logits.argmax())]


# --- together ---


def their_token(logits: Tensor, seen: Tensor, options: SamplingOptions, generator: torch.Generator | None) -> int:
    """transformers' processors, in the order of its `generate`."""
    logits = RepetitionPenaltyLogitsProcessor(options.repetition_penalty)(seen[None], logits[None].clone())
    if options.temperature == 0:
        return int(logits.argmax())
    chain = LogitsProcessorList([TemperatureLogitsWarper(options.temperature)])
    if options.top_k:
        chain.append(TopKLogitsWarper(options.top_k))
    chain.append(TopPLogitsWarper(options.top_p))
    chain.append(MinPLogitsWarper(options.min_p))
    return int(torch.multinomial(chain(seen[None], logits).softmax(-1), 1, generator=generator))


OPTIONS = {
    "greedy": {},
    "greedy with penalty": {"repetition_penalty": 1.7},
    "greedy ignores the filters": {"top_k": 3, "top_p": 0.1, "min_p": 0.9, "seed": 1},
    "temperature": {"temperature": 0.7},
    "hot": {"temperature": 5.0},
    "top-k": {"temperature": 1.0, "top_k": 5},
    "top-p": {"temperature": 1.3, "top_p": 0.7},
    "min-p": {"temperature": 1.5, "min_p": 0.1},
    "all": {"temperature": 1.4, "top_k": 20, "top_p": 0.9, "min_p": 0.02, "repetition_penalty": 1.3},
}


@pytest.mark.parametrize("name", list(OPTIONS))
def test_next_token_is_transformers_token(name: str) -> None:
    options = SamplingOptions(**OPTIONS[name])
    drawn = set()
    for seed in range(200):
        mine, theirs = (torch.Generator().manual_seed(seed) for _ in range(2))
        logits, seen = scores(seed % 5), ids_seen(seed % 5)
        token = next_token(logits, seen, options, mine)
        assert token == their_token(logits, seen, options, theirs)
        drawn.add(token)
    assert len(drawn) <= 5 or options.temperature > 0  # greedy: one for each of the five


def test_tokens_are_drawn_as_often_as_they_are_probable() -> None:
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log() * 2  # at temperature 2 these are the probabilities
    generator = torch.Generator().manual_seed(0)
    none = torch.tensor([], dtype=torch.long)
    counts = Counter(next_token(logits, none, SamplingOptions(temperature=2.0), generator) for _ in range(4000))
    for token, probability in enumerate((0.5, 0.3, 0.15, 0.05)):
        assert abs(counts[token] - 4000 * probability) < 5 * math.sqrt(4000 * probability * (1 - probability))


@pytest.mark.parametrize("temperature", [1e-3, 1e-30, 1e-40, 5e-324])
def test_a_temperature_near_zero_is_greedy(temperature: float) -> None:
    options = SamplingOptions(temperature=temperature, top_k=10, top_p=0.9, min_p=0.01)
    for seed in SEEDS:
        logits = scores(seed) * 30
        assert next_token(logits, ids_seen(seed), options, torch.Generator().manual_seed(seed)) == int(logits.argmax())


def test_half_precision_logits_are_sampled_in_float32() -> None:
    logits = scores(3).to(torch.bfloat16)
    for seed in range(50):
        pair = [torch.Generator().manual_seed(seed) for _ in range(2)]
        options = SamplingOptions(temperature=0.9, top_p=0.8)
        found, wide = (
            next_token(x, ids_seen(0), options, g) for x, g in zip((logits, logits.float()), pair, strict=True)
        )
        assert found == wide


# --- options ---


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("max_new_tokens", [1, 1 << 20], [0, -1, (1 << 20) + 1, 1.0, "5", None, True]),
        ("temperature", [0, 0.0, 1, 0.7, 100], [-0.1, 100.1, math.nan, math.inf, "1", None, True, 1j]),
        ("top_k", [0, 1, 1 << 20], [-1, (1 << 20) + 1, 2.0, "3", None, False]),
        ("top_p", [1, 1.0, 0.5, 1e-9], [0, 0.0, -0.5, 1.01, math.nan, "0.9", None]),
        ("min_p", [0, 0.5, 1], [-0.01, 1.01, math.nan, "0", None]),
        ("repetition_penalty", [1, 0.001, 100], [0, -1, 101, math.nan, math.inf, "1.1", None]),
        ("seed", [None, 0, -1, (1 << 63) - 1, -(1 << 63)], [1 << 63, -(1 << 63) - 1, 1.5, "7", True, math.nan]),
        ("stop", [(), ("a",), ("a",) * 16, ["a", "b"]], ["a", ("",), ("a",) * 17, (1,), (None,), None, 5, {"a": 1}]),
    ],
)  # fmt: skip
def test_option_ranges(name: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert getattr(SamplingOptions(**{name: value}), name) == value
    for value in bad:
        with pytest.raises(InputError, match=name) as caught:
            SamplingOptions(**{name: value})
        assert caught.value.code == "bad_option", value


def test_defaults_are_greedy() -> None:
    assert row_generator(SamplingOptions(), 0, torch.device("cpu")) is None
    assert SamplingOptions() == SamplingOptions(temperature=0.0, top_k=0, top_p=1.0, min_p=0.0, repetition_penalty=1.0)


# --- the loop, on text ---


@pytest.fixture(scope="module")
def talker() -> VLM:
    """A text-only model whose words vary."""
    torch.manual_seed(0)
    decoder = LlamaDecoder(DecoderConfig(61, 32, 48, 2, 4, 2, 8, max_position_embeddings=256)).eval()
    with torch.no_grad():
        for parameter in decoder.parameters():
            if parameter.dim() > 1:
                parameter.copy_(torch.randn_like(parameter) * 0.25)
    return VLM(decoder, {}, {}, {})


def prompts(*lengths: int) -> Batch:
    rows = [torch.randint(1, 61, (n,), generator=torch.Generator().manual_seed(n)) for n in lengths]
    return collate([Sample(r, torch.full_like(r, IGNORE_INDEX)) for r in rows], 0, left=True)


def run(model: VLM, batch: Batch, eos: tuple[int, ...] = (), **options: Any) -> list[list[int | None]]:
    """One list per row."""
    steps = list(generate(model, batch, SamplingOptions(**options), eos))
    return [list(row) for row in zip(*steps, strict=True)]


@torch.no_grad()
def naive(model: VLM, sample: Sample, row: int, count: int, **options: Any) -> list[int]:
    """No cache, no padding, no batch: everything anew for each token, chosen by transformers' processors."""
    chosen = SamplingOptions(**options)
    generator = row_generator(chosen, row, torch.device("cpu"))
    ids, embeds = sample.input_ids, model.embed(collate([sample], 0))
    for _ in range(count):
        token = torch.tensor([their_token(model.decoder(embeds)[0, -1], ids, chosen, generator)])
        ids, embeds = torch.cat((ids, token)), torch.cat((embeds, model.decoder.embed(token)[None]), dim=1)
    return ids[len(sample.input_ids) :].tolist()


def text_sample(length: int) -> Sample:
    ids = prompts(length).input_ids[0]
    return Sample(ids, ids)


SAMPLED = [
    {},
    {"repetition_penalty": 1.4},
    {"temperature": 0.8, "seed": 5},
    {"temperature": 1.5, "top_k": 8, "top_p": 0.9, "min_p": 0.05, "repetition_penalty": 1.2, "seed": -3},
]


@pytest.mark.parametrize("options", SAMPLED, ids=str)
def test_generation_is_the_naive_loop_with_transformers_processors(options: dict[str, Any], talker: VLM) -> None:
    (found,) = run(talker, prompts(9), max_new_tokens=30, **options)
    assert found == naive(talker, text_sample(9), 0, 30, **options)
    assert len(set(found)) > 4


@pytest.mark.parametrize("options", SAMPLED, ids=str)
def test_rows_of_a_left_padded_batch_are_the_rows_alone(options: dict[str, Any], talker: VLM) -> None:
    lengths = (4, 17, 9, 1)
    found = run(talker, prompts(*lengths), max_new_tokens=20, **options)
    for row, length in enumerate(lengths):
        assert found[row] == naive(talker, text_sample(length), row, 20, **options), length


def test_same_seed_same_text(talker: VLM) -> None:
    def texts(seed: int | None) -> list[list[int | None]]:
        return run(talker, prompts(9, 9), max_new_tokens=25, temperature=1.5, seed=seed)

    assert texts(7) == texts(7)
    assert texts(7) != texts(8) and texts(None) != texts(None)
    first, second = texts(7)
    assert first != second  # the same prompt twice, yet each row draws for itself


def test_neighbours_do_not_change_a_sampled_row(talker: VLM) -> None:
    options = {"max_new_tokens": 25, "temperature": 1.2, "seed": 11}
    together = run(talker, prompts(12, 5, 30, 7), **options)
    others = run(talker, prompts(3, 5, 12, 7, 20), **options)
    assert together[1] == others[1] and together[3] == others[3]
    assert together[0] == run(talker, prompts(12), **options)[0]
    # nor does a neighbour that ends early
    ending = run(talker, prompts(12, 5, 30, 7), eos=(together[2][2],), **options)
    ended = {row: together[row].index(together[2][2]) for row in range(4) if together[2][2] in together[row]}
    assert 2 in ended
    for row in range(4):
        end = ended.get(row, 24) + 1
        assert ending[row][:end] == together[row][:end][: len(ending[row])]


@pytest.mark.parametrize("count", [1, 2, 13])
def test_max_new_tokens(count: int, talker: VLM) -> None:
    for lengths in ((5,), (5, 8)):
        steps = list(generate(talker, prompts(*lengths), SamplingOptions(max_new_tokens=count), eos=()))
        assert len(steps) == count
        assert all(len(step) == len(lengths) and None not in step for step in steps)


def test_eos_ends_only_its_row(talker: VLM) -> None:
    batch = prompts(5, 9, 14)
    free = run(talker, batch, max_new_tokens=16)
    # a token that the first row says early and another never says before the end
    eos, at = next((t, free[0].index(t)) for t in free[0][1:8] if t not in free[1])
    found = run(talker, batch, eos=(eos,), max_new_tokens=16)
    assert found[0] == [*free[0][: at + 1], *[None] * (15 - at)]  # the eos itself is given out
    assert found[1] == free[1]
    third = free[2].index(eos) if eos in free[2] else 15
    assert found[2] == [*free[2][: third + 1], *[None] * (15 - third)]


def test_any_of_several_eos_ends_a_row_and_all_ended_ends_the_loop(talker: VLM) -> None:
    batch = prompts(5, 9)
    free = run(talker, batch, max_new_tokens=16)
    eos = (free[0][3], free[1][6])
    ends = [min(row.index(t) for t in eos if t in row) for row in free]
    steps = list(generate(talker, batch, SamplingOptions(max_new_tokens=16), eos))
    assert len(steps) == max(ends) + 1 < 16
    for row in range(2):
        assert [s[row] for s in steps] == [*free[row][: ends[row] + 1], *[None] * (max(ends) - ends[row])]


def test_stopped_ends_a_row_and_hears_every_token(talker: VLM) -> None:
    batch = prompts(5, 9)
    free = run(talker, batch, max_new_tokens=12)
    heard: list[tuple[int, int]] = []

    def stopped(row: int, token: int) -> bool:
        heard.append((row, token))
        return row == 1 and sum(r == 1 for r, _ in heard) == 4

    steps = list(generate(talker, batch, SamplingOptions(max_new_tokens=12), (), stopped))
    assert [s[0] for s in steps] == free[0]
    assert [s[1] for s in steps] == [*free[1][:4], *[None] * 8]
    assert [t for r, t in heard if r == 0] == free[0] and [t for r, t in heard if r == 1] == free[1][:4]


def test_tokens_come_one_step_at_a_time_outside_inference_mode(talker: VLM) -> None:
    """The caller may stop after any step, and its own gradients are its own between them."""
    stream = generate(talker, prompts(5), SamplingOptions(max_new_tokens=50), eos=())
    assert inspect.isgenerator(stream)
    taken = []
    for tokens in stream:
        taken.append(tokens[0])
        assert torch.is_grad_enabled() and not torch.is_inference_mode_enabled()
        if len(taken) == 3:
            break
    stream.close()
    assert taken == run(talker, prompts(5), max_new_tokens=3)[0]


def test_generation_leaves_the_global_random_state_alone(talker: VLM) -> None:
    before = torch.get_rng_state()
    run(talker, prompts(5), max_new_tokens=5, temperature=1.0, seed=1)
    assert torch.equal(torch.get_rng_state(), before)


# --- the loop, on pictures and sounds ---


def media_samples(processor: Processor) -> list[Sample]:
    rng = np.random.default_rng(0)

    def image(width: int, height: int) -> dict[str, Any]:
        return {"type": "image", "image": Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))}

    def text(value: str) -> dict[str, Any]:
        return {"type": "text", "text": value}

    sound = {"type": "audio", "audio": rng.uniform(-0.5, 0.5, 50_000).astype(np.float32)}
    contents = [
        [image(64, 32), text("what is red?")],
        [text("what is the image?")],
        [image(40, 90), image(32, 32), text("which?")],
        [sound],
        [image(20, 20), sound, text("what is it?")],
    ]
    return [processor([{"role": "user", "content": c}], for_training=False) for c in contents]


@pytest.mark.parametrize("options", [{}, {"temperature": 1.0, "top_p": 0.95, "seed": 2}], ids=str)
def test_rows_with_images_and_sounds_are_the_rows_alone(
    options: dict[str, Any], tiny_model: VLM, tiny_processor: Processor
) -> None:
    samples = media_samples(tiny_processor)
    assert len({len(s) for s in samples}) == len(samples)  # all but one are padded
    together = run(tiny_model, collate(samples, 0, left=True), max_new_tokens=20, **options)
    for row, one in enumerate(samples):
        assert together[row] == naive(tiny_model, one, row, 20, **options), row
    assert len({tuple(row) for row in together}) == len(samples)  # each sees its own picture
    if not options:
        for row, one in enumerate(samples):
            assert run(tiny_model, collate([one], 0, left=True), max_new_tokens=20) == [together[row]]


def test_the_answer_depends_on_the_picture(tiny_model: VLM, tiny_processor: Processor) -> None:
    """Otherwise the tests above could pass with the pictures left out."""
    found = []
    for colour in ("red", "green"):
        content = [{"type": "image", "image": Image.new("RGB", (64, 32), colour)}, {"type": "text", "text": "what?"}]
        sample = tiny_processor([{"role": "user", "content": content}], for_training=False)
        with torch.no_grad():
            found.append(tiny_model(collate([sample], 0))[0, -1])
    assert not torch.allclose(*found, atol=1e-4)

"""Sampling against transformers' logits processors and small references."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from vlm.errors import InputError
from vlm.sampling import (
    SamplingOptions,
    keep_min_p,
    keep_top_k,
    keep_top_p,
    next_token,
    penalise_repetition,
    row_generator,
)

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

"""How the next token is chosen: pure functions of (V,) logits, V the vocabulary, and of a row's own random stream."""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from .sampling_options import SamplingOptions


class Constraint(Protocol):
    """What one row may say: asked before each token, told of each token (`vlm.constraints` has one for JSON)."""

    def mask(self, logits: Tensor) -> Tensor:
        """(V,) logits -> those that may not come next at -inf; at least one may."""
        ...

    def push(self, token: int) -> None: ...


def penalise_repetition(logits: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Scores (V,) of the ids in `seen` (n,) divided or multiplied by `penalty` (Keskar et al. 2019)."""
    if penalty == 1.0 or not len(seen):
        return logits
    scores = logits[seen]
    return logits.scatter(0, seen, torch.where(scores < 0, scores * penalty, scores / penalty))


def keep_top_k(logits: Tensor, k: int) -> Tensor:
    """All but the k best of (V,) -> -inf; 0 keeps all."""
    if not 0 < k < logits.shape[-1]:
        return logits
    return logits.masked_fill(logits < logits.topk(k).values[-1], -math.inf)


def keep_top_p(logits: Tensor, p: float) -> Tensor:
    """Keeps the fewest of (V,) whose probabilities reach `p` (Holtzman et al. 2020)."""
    if p >= 1.0:
        return logits
    ordered, order = logits.sort(descending=True)
    before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
    return logits.scatter(0, order, ordered.masked_fill(before >= p, -math.inf))


def keep_min_p(logits: Tensor, p: float) -> Tensor:
    """Keeps those of (V,) at least `p` times as probable as the best (Nguyen et al. 2024)."""
    if p <= 0.0:
        return logits
    return logits.masked_fill(logits < logits.max() + math.log(p), -math.inf)


def next_token(logits: Tensor, seen: Tensor, options: SamplingOptions, generator: torch.Generator | None) -> int:
    """One id from (V,) logits; `seen` (n,) holds the row's ids so far."""
    logits = penalise_repetition(logits.float(), seen, options.repetition_penalty)
    if options.temperature == 0.0:
        return int(logits.argmax())
    logits = logits / max(options.temperature, 1e-20)  # smaller ones divide to inf, and inf to NaN
    logits = keep_min_p(keep_top_p(keep_top_k(logits, options.top_k), options.top_p), options.min_p)
    return int(torch.multinomial(logits.softmax(-1), 1, generator=generator))


def row_generator(options: SamplingOptions, row: int, device: torch.device) -> torch.Generator | None:
    """Each row draws from its own stream, so that its neighbours cannot change its answer."""
    if options.temperature == 0.0:
        return None
    generator = torch.Generator(device)
    if options.seed is None:
        generator.seed()
    else:
        generator.manual_seed(options.seed_of(row))
    return generator

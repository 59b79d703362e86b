"""Rows of unequal length in one forward pass, and rows that are moved about: always what a row gives alone."""

from __future__ import annotations

import random

import pytest
import torch
from torch import Tensor

from vlm.config import DecoderConfig
from vlm.decoder import LlamaDecoder
from vlm.kv_cache import KVCache

CONFIG = DecoderConfig(61, 32, 48, 2, 4, 2, 8, max_position_embeddings=128)


@pytest.fixture(scope="module")
def decoder() -> LlamaDecoder:
    torch.manual_seed(0)
    model = LlamaDecoder(CONFIG).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.copy_(torch.randn_like(parameter) * 0.25)
    return model


def step(decoder: LlamaDecoder, cache: KVCache, chunks: list[Tensor], start: int) -> Tensor:
    """Logits (B, T, V) of (t,) ids for each row from `start` on."""
    embeds = torch.nn.utils.rnn.pad_sequence([decoder.embed(chunk) for chunk in chunks], batch_first=True)
    return decoder(embeds, cache=cache.window([len(chunk) for chunk in chunks], start))


@pytest.mark.parametrize("seed", range(6))
@torch.no_grad()
def test_rows_that_grow_and_move_give_what_they_give_alone(seed: int, decoder: LlamaDecoder) -> None:
    dice = random.Random(seed)
    texts = [torch.randint(1, 61, (40,), generator=torch.Generator().manual_seed(n)) for n in range(5)]
    wanted = [decoder(decoder.embed(text[None]))[0] for text in texts]
    cache, order = KVCache(CONFIG, 5, 48, tokens=400), list(range(5))  # order: which text stands in which row
    moves = 0
    while min(cache.lengths) < 40 and moves < 200:
        moves += 1
        match dice.randrange(4):
            case 0:
                one, other = dice.randrange(5), dice.randrange(5)
                cache.swap(one, other)
                order[one], order[other] = order[other], order[one]
            case 1:
                cache.arrange(5, dice.choice([40, 48, 80]))
            case _:
                start = dice.randrange(5)
                rows = range(start, dice.randrange(start, 5) + 1)
                counts = [min(dice.choice([1, 1, 2, 7]), 40 - cache.lengths[row]) for row in rows]
                if min(counts) == 0:
                    continue
                past = [cache.lengths[row] for row in rows]
                chunks = [texts[order[r]][p : p + n] for r, p, n in zip(rows, past, counts, strict=True)]
                logits = step(decoder, cache, chunks, start)
                for number, (row, length, count) in enumerate(zip(rows, past, counts, strict=True)):
                    expected = wanted[order[row]][length : length + count]
                    torch.testing.assert_close(logits[number, :count], expected, rtol=0, atol=1e-4)
    assert sum(cache.lengths) > 60


@torch.no_grad()
def test_a_copied_beginning_is_a_beginning(decoder: LlamaDecoder) -> None:
    text = torch.randint(1, 61, (20,), generator=torch.Generator().manual_seed(9))
    cache = KVCache(CONFIG, 3, 32)
    step(decoder, cache, [text], 0)
    cache.copy(0, 2, 12)
    assert cache.lengths == [20, 0, 12]
    other = torch.cat((text[:12], text[:5]))
    wanted = decoder(decoder.embed(other[None]))[0, 12:]
    torch.testing.assert_close(step(decoder, cache, [other[12:]], 2)[0], wanted, rtol=0, atol=1e-5)


def test_what_does_not_fit() -> None:
    cache = KVCache(CONFIG, 2, 16)
    with pytest.raises(ValueError, match=r"32 positions, 3 x 16"):
        cache.arrange(3, 16)
    cache.lengths = [10, 4]
    cache.arrange(3, 8)
    assert cache.lengths == [0, 4, 0]  # a row that does not fit is empty
    with pytest.raises(ValueError, match="8 positions, 9"):
        cache.window([5], start=1)
    cache.wipe(1)
    assert cache.lengths == [0, 0, 0] and not cache.keys.any()

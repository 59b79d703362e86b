"""The words that are written on patches, as directions of the decoder's space.

Dense training (`training/dense.py`) teaches a tower to tell the words of the studio's lists apart,
behind the projector, by how far a token reaches in each word's direction; instruction teaches the
decoder to say them (`GroundingHead`).

Shapes: N tiles of P patches, W words and one column for "the middle of a thing is here", V
vocabulary, D decoder width.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .dense import WRITTEN, Vocabulary


def mean_of(ids: list[int], vocab_size: int) -> Tensor:
    """(V,) such that its product with (V, D) embeddings is the mean of those of `ids`."""
    row = torch.zeros(vocab_size)
    row.index_add_(0, torch.tensor(ids), torch.full((len(ids),), 1 / len(ids)))
    return row


class WrittenWords(nn.Module):
    """A direction in the decoder's space for each word that can be written on a patch.

    Half of it is where the decoder's own tokens for the word lie, so that to repeat it is one skill
    for all words; half is the word's own, by chance, since many share their tokens. Spelled is a word
    in the shortest way, with or without capitals: what is written is known without case, and the
    tokenizer spells what it has met in one of them only.
    """

    spelled: Tensor
    own: Tensor

    def __init__(self, shape: tuple[int, int], encode: Callable[[str], list[int]], vocabulary: Vocabulary) -> None:
        """shape: (V, D) of the decoder's embeddings."""
        super().__init__()
        words = [word.removeprefix(WRITTEN) for word in vocabulary.words if word.startswith(WRITTEN)]
        ways = [[encode(" " + form) for form in (word, word.capitalize(), word.upper())] for word in words]
        spelled = [torch.zeros(shape[0]), *(mean_of(min(way, key=len), shape[0]) for way in ways)]
        own = [torch.zeros(shape[1]), *(by_chance(word, shape[1]) for word in words)]
        self.register_buffer("spelled", torch.stack(spelled)[1:], persistent=False)  # (words of lists, V)
        self.register_buffer("own", torch.stack(own)[1:], persistent=False)  # (words of lists, D)

    def forward(self, embeddings: Tensor) -> Tensor:
        """(V, D) of a decoder -> (words of lists, D), each of length 1."""
        found = self.spelled @ embeddings.detach().to(self.spelled)
        return F.normalize(F.normalize(found - found.mean(0), dim=-1) + self.own, dim=-1)

    def targets(self, words: Tensor, downsample: int) -> Tensor:
        """Of targets (N, P, W + 1) those that are read: (N, n, words of lists), above 0 where one is on a token."""
        return joined(words[..., -1 - len(self.spelled) : -1].float(), downsample)


def by_chance(name: str, width: int) -> Tensor:
    """(D,) of length 1, always the same for the same name."""
    return F.normalize(torch.randn(width, generator=torch.Generator().manual_seed(zlib.crc32(name.encode()))), dim=0)


def joined(bags: Tensor, downsample: int) -> Tensor:
    """(N, side^2, D) -> (N, side^2 / downsample^2, D): the bags of patches that share a token are put together."""
    side = round(bags.shape[1] ** 0.5) // downsample
    blocks = bags.view(len(bags), side, downsample, side, downsample, bags.shape[-1])
    return blocks.sum((2, 4)).flatten(1, 2)

"""A decoder may learn to answer before there is an eye: it is told what stands on each patch.

Answering takes two skills, to see and to reason about what is seen, and the second is hard to
learn while the first is poor. The studio knows the truth of each patch (`training/dense.py`), so
the decoder meets pictures as a perfect tower would show them: each patch as the sum of the
decoder's own embeddings of the words and letters on it. The projector of a real tower is then
trained to give the same tokens (`WordsHead`). In the spirit of LiMBeR (Merullo et al. 2023), which
finds that a linear map from image features to word space is nearly enough.

Shapes: N tiles of P patches, W words and one column for "the middle of a thing is here", S slots
for letters, V vocabulary, D decoder width.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.base import Features
from projector.modules import ImageProjector
from vlm.model import VLM

from .dense import GLYPHS, SLOTS, UNREADABLE, WRITTEN, Vocabulary, spoken

MIDDLE = " middle"
HIDDEN = 0.1
"""Share of words and letters that are kept back while training: a tower will miss some, too."""
NOISE = 0.3
"""Deviation of what is added to each token while training, in units of its own size."""
PLACES = 2
"""How many words a patch can be labelled with."""


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


class Bags(nn.Module):
    """What stands on a patch as one token: the sum of the decoder's embeddings of it.

    The letters of later slots are rolled along the width, so that `on` is not `no`.
    """

    words: Tensor
    glyphs: Tensor

    def __init__(self, vocab_size: int, encode: Callable[[str], list[int]], vocabulary: Vocabulary) -> None:
        super().__init__()

        def mean(text: str) -> Tensor:
            return mean_of(encode(text), vocab_size)

        nothing = torch.zeros(vocab_size)
        words = [mean(" " + spoken(w)) * share**0.5 for w, share in zip(*vars(vocabulary).values(), strict=True)]
        self.register_buffer("words", torch.stack([*words, mean(MIDDLE)]), persistent=False)
        glyphs = [nothing, *(mean(glyph) for glyph in GLYPHS), nothing]
        self.register_buffer("glyphs", torch.stack(glyphs), persistent=False)

    def forward(self, embeddings: Tensor, words: Tensor, letters: Tensor, downsample: int = 1) -> Tensor:
        """Tokens (N, n, D) as long as the words' embeddings are, zero where nothing stands.

        Args:
            embeddings: (V, D), the decoder's.
            words: (N, P, W + 1), 1 where a word is.
            letters: (N, P, S) indices, below 0 where none is to be read.
            downsample: so many patches along each side share a token.
        """
        embeddings = embeddings.float()
        glyphs = self.glyphs @ embeddings  # (G, D)
        step = glyphs.shape[1] // SLOTS
        found = words.float() @ (self.words @ embeddings)  # (N, P, D)
        for slot in range(SLOTS):
            found = found + glyphs.roll(slot * step, 1)[letters[..., slot].clamp(min=0)]
        return F.normalize(joined(found, downsample), dim=-1) * self.length(embeddings)

    def length(self, embeddings: Tensor) -> Tensor:
        """Of a token: the words' own. (That of all embeddings is of no use: those never used drift far away.)"""
        return (self.words @ embeddings.float()).square().sum(-1).mean().sqrt()


def joined(bags: Tensor, downsample: int) -> Tensor:
    """(N, side^2, D) -> (N, side^2 / downsample^2, D): the bags of patches that share a token are put together."""
    side = round(bags.shape[1] ** 0.5) // downsample
    blocks = bags.view(len(bags), side, downsample, side, downsample, -1)
    return blocks.sum((2, 4)).flatten(1, 2)


def told(words: Tensor, letters: Tensor) -> Tensor:
    """(N, P, W + 1) and (N, P, S) -> (N, P, W + 1 + S) int8: what travels in a batch instead of pixels."""
    return torch.cat((words.to(torch.int8), letters.to(torch.int8)), dim=-1)  # UNREADABLE fits: -100


class _Encoder(nn.Module):
    """Hands on what is told, in the place of a tower."""

    def forward(self, inputs: Tensor, lengths: Tensor) -> Features:
        return Features(inputs, lengths)


class _Projector(nn.Module):
    """Tokens for what is told, laid out as the real projector lays out its own."""

    def __init__(self, projector: ImageProjector, embeddings: Tensor, bags: Bags) -> None:
        super().__init__()
        self.bags = bags
        self._real = (projector, embeddings)  # a tuple: they stay parts of the model, not of this

    def forward(self, values: Tensor, lengths: Tensor, layouts: list[tuple[int, int, int, int]]) -> Tensor:
        projector, embeddings = self._real
        words, letters = values[..., :-SLOTS], values[..., -SLOTS:].long()
        if self.training:
            words = words * (torch.rand(words.shape, device=words.device) > HIDDEN)
            letters = letters.masked_fill(torch.rand(letters.shape, device=letters.device) < HIDDEN, UNREADABLE)
        tokens = self.bags(embeddings, words, letters, projector.downsample)
        if self.training:
            size = self.bags.length(embeddings.detach()) / tokens.shape[-1] ** 0.5
            tokens = tokens + NOISE * size * torch.randn_like(tokens)
        return projector.laid_out(tokens, layouts)


def with_perfect_sight(model: VLM, bags: Bags) -> VLM:
    """A model that shares everything but its eyes with `model`; its pictures are what `told` gives."""
    projector = model.projectors["image"]
    assert isinstance(projector, ImageProjector)
    eyes = _Projector(projector, model.decoder.model.embed_tokens.weight, bags)
    encoders = {**dict(model.encoders.items()), "image": _Encoder()}
    projectors = {**dict(model.projectors.items()), "image": eyes}
    return VLM(model.decoder, encoders, projectors, model.placeholder_ids)


# --- labels: what is written, beside what is seen --------------------------------------------------


def labelled(tiles: Tensor, written: Tensor) -> Tensor:
    """A fourth plane beside the colours that says which words are written on each patch, `PLACES` at most.

    Args:
        tiles: uint8 (N, 3, S, S).
        written: (N, P, words of lists) of 0 and 1.

    Returns:
        uint8 (N, 4, S, S).
    """
    there, place = written.topk(PLACES, dim=-1)
    numbers = ((place + 1) * there).to(torch.int16).flatten(1)  # 0: none
    plane = torch.zeros_like(tiles[:, :1]).flatten(1)
    plane[:, : 2 * numbers.shape[1]] = numbers.contiguous().view(torch.uint8)
    return torch.cat((tiles, plane.view_as(tiles[:, :1])), dim=1)


def labels_of(tiles: Tensor, patches: int, words: int) -> Tensor:
    """What `labelled` put there: uint8 (N, 4, S, S) -> (N, P, words of lists), above 0 where a word is."""
    plane = tiles[:, 3].flatten(1)[:, : 2 * PLACES * patches].contiguous()
    numbers = plane.view(torch.int16).long().view(len(tiles), patches, PLACES)
    return F.one_hot(numbers, words + 1).sum(-2)[..., 1:].float()

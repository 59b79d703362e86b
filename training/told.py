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

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from encoders.base import Features
from projector.modules import ImageProjector
from vlm.model import VLM

from .dense import GLYPHS, SLOTS, UNREADABLE, Vocabulary, spoken
from .written import joined, mean_of

MIDDLE = " middle"
HIDDEN = 0.1
"""Share of words and letters that are kept back while training: a tower will miss some, too."""
NOISE = 0.3
"""Deviation of what is added to each token while training, in units of its own size."""


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

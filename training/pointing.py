"""Where the decoder is to look: at a word, at the patches of a picture on which stands what it names.

The studio knows what stands on each patch. So one head of attention is taught to look, from a word
that has just been said, at the patches it is about (what a question asks about); and one in a later
layer, from the place where an answer's next word is to be said, at patches on which that word is
(what an answer repeats), and letter by letter where it is spelled. Both would come of answers
alone, but slowly: an answer does not say where it was to be found. In the manner of alignments
taught to a head of a translator (Garg et al. 2019).

Shapes: B rows, T positions, W words of the vocabulary, V tokens, n patches with a picture, D width.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import product
from string import ascii_letters
from typing import Any

import torch
from torch import Tensor, nn

from vlm.decoder import Attention, causal_mask, rotate

from .dense import SIGNS, Vocabulary

SHORTEST = 3
"""Letters of a word that is looked for: shorter ones (a, of, no) are said of much that is not pointed at."""
_APART = re.compile(r"\w(-\w){2,}")
"""A word that is spelled out."""
_AROUND = ".,:;!?()\"'"
Spelled = list[tuple[str, int]]
"""A word's letters, each with a position in a row."""
ROLES = {"", "written", "ink", "background", "border", "chart", "thing"}
"""Of a vocabulary's words (`ink:red`) those by which a question or an answer would name what is there."""


class Mentions(nn.Module):
    """Which words of the vocabulary a token may begin. No parameters of its own."""

    begins: Tensor

    def __init__(self, vocab_size: int, encode: Callable[[str], list[int]], vocabulary: Vocabulary) -> None:
        super().__init__()
        short = {encode(" " + text)[0] for text in (*ascii_letters, *map("".join, product(ascii_letters, repeat=2)))}
        begins = torch.zeros(len(vocabulary.words), vocab_size)
        for row, (word, weight) in enumerate(zip(*vars(vocabulary).values(), strict=True)):
            role, _, name = word.rpartition(":")
            if role not in ROLES or weight < 1:  # of the picture as a whole: it is everywhere
                continue
            for part in re.findall(rf"[^\W_]{{{SHORTEST},}}", name):
                for form in (part, part + "s"):
                    for case in (form, form.capitalize(), form.upper()):
                        if (first := encode(" " + case)[0]) not in short:  # of a word in pieces: more than two letters
                            begins[row, first] = 1
        self.register_buffer("begins", begins, persistent=False)  # (W, V)

    def places(self, tokens: Tensor, words: Tensor, image: Tensor) -> Tensor:
        """(B, T, T) bool: at which position stands what the token of a position names.

        Args:
            tokens: (B, T) ids, below 0 where nothing is named.
            words: (n, W) of 0 and 1.
            image: (B, T) bool, n of them True.
        """
        ids = tokens.clamp(min=0).unique()  # (U,), in order
        stands = (words @ self.begins[:, ids]) > 0  # (n, U)
        known = torch.zeros(*image.shape, len(ids), dtype=torch.bool, device=image.device)
        known[image] = stands
        row = torch.searchsorted(ids, tokens.clamp(min=0))
        found = known.transpose(1, 2).gather(1, row[..., None].expand(-1, -1, image.shape[1]))
        return found & (tokens >= 0)[..., None]


class Spelling:
    """Where the letters stand of which an answer's words are spelled, if such a word stands in the picture."""

    def __init__(self, vocab_size: int, decode: Callable[[list[int]], str]) -> None:
        self.pieces = [decode([number]) for number in range(vocab_size)]

    def said(self, tokens: list[int]) -> Iterator[Spelled]:
        """Words, letter by letter, with the position of the token of each; tokens: of one row, below 0 where nothing
        is said.
        """
        word: Spelled = []
        for position, token in enumerate(tokens):
            text = self.pieces[token] if token >= 0 else ""
            if not text.strip() or text[0].isspace():
                yield word
                word = []
            word = [*word, *((letter, position) for letter in text.strip())]
        yield word

    def drawn(self, signs: Tensor, positions: Tensor, downsample: int) -> Iterator[Spelled]:
        """Words of a picture, letter by letter, with the position of the token of each.

        Args:
            signs: (MOST_SIGNS, 5), as `sign_targets` has them.
            positions: (n,) those of the picture's tokens in their row, as many lines of tokens as there are in each.
        """
        places, side, word, number = positions.tolist(), round(len(positions) ** 0.5), list[tuple[str, int]](), -1
        for row, column, which, nth, sign in signs[signs[:, 4] > 0].tolist():
            if which != number:
                yield word
                word, number = [], which
            if nth == len(word) + 1:  # of one that is not all to be seen only the beginning
                word = [*word, (SIGNS[sign - 1], places[row // downsample * side + column // downsample])]
        yield word

    def places(self, tokens: Tensor, signs: Tensor, image: Tensor, downsample: int = 1) -> Tensor:
        """(B, T, T) bool: at which position stand the letters of the token of a position.

        Args:
            tokens: (B, T) ids, below 0 where nothing is said.
            signs: (N, MOST_SIGNS, 5) of N pictures, as `sign_targets` has them.
            image: (B, T) bool: True at the tokens of the pictures, as many of each.
        """
        found = torch.zeros(*image.shape, image.shape[1], dtype=torch.bool)
        at = image.nonzero().cpu()
        per = len(at) // max(1, len(signs))
        known: dict[tuple[int, str], list[Spelled]] = defaultdict(list)
        for picture, where in zip(signs, at.split(per) if per else (), strict=True):
            for word in self.drawn(picture, where[:, 1], downsample):
                core = _core(word)
                known[int(where[0, 0]), _text(core)].append(core)
        for row, ids in enumerate(tokens.tolist()):
            for spelled in self.said(ids):
                core = _core(spelled)
                apart = [one for one in core if one[0] != "-"] if _APART.fullmatch(_text(core)) else core
                for word in known.get((row, _text(core)), ()) or known.get((row, _text(apart)), ()):
                    if len(word) > 1:  # a count, or a letter asked for, may stand elsewhere, too
                        spoken = core if len(word) == len(core) else apart
                        for (_, position), (_, place) in zip(spoken, word, strict=True):
                            found[row, position, place] = True
        return found.to(image.device)


def _text(word: Spelled) -> str:
    return "".join(letter for letter, _ in word)


def _core(word: Spelled) -> Spelled:
    """Without the punctuation around it."""
    text = _text(word)
    start = len(text) - len(text.lstrip(_AROUND))
    return word[start : start + len(text.strip(_AROUND))]


class Watched:
    """A head of one layer's attention, as it comes by in a forward pass."""

    def __init__(self, attention: Attention, head: int = 0) -> None:
        self.attention, self.head = attention, head
        self.seen: tuple[Any, ...] = ()
        self.hook = attention.register_forward_pre_hook(self._keep)

    def _keep(self, _: nn.Module, arguments: tuple[Any, ...]) -> None:
        self.seen = arguments

    def missed(self, places: Tensor) -> Tensor:
        """-log of the share of attention that goes to `places`, (q,), of each position that has any.

        Args:
            places: (B, T, T) bool.
        """
        x, rope, mask, *_ = self.seen
        size, group = self.attention.head_dim, self.attention.heads // self.attention.kv_heads
        own, shared = slice(self.head * size, (self.head + 1) * size), self.head // group
        q = x @ self.attention.q_proj.weight[own].T
        k = x @ self.attention.k_proj.weight[shared * size : (shared + 1) * size].T
        q, k = rotate(q[:, None], rope)[:, 0], rotate(k[:, None], rope)[:, 0]
        allowed = causal_mask(x.shape[1], x.shape[1], x.device)[0] if mask is None else mask[:, 0]
        wanted = places & allowed
        asked = wanted.any(-1)
        scores = ((q @ k.transpose(1, 2)).float() * size**-0.5)[asked]
        allowed, wanted = allowed.expand_as(places)[asked], wanted[asked]
        low = torch.finfo(scores.dtype).min
        return scores.masked_fill(~allowed, low).logsumexp(-1) - scores.masked_fill(~wanted, low).logsumexp(-1)

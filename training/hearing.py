"""What is said in a sound: how it is labelled, and what the sound's tokens are to be.

The decoder knows written words. So that a spoken question is to it what a written one is, the tokens
of a sound are taught to be, one after another, the embeddings of the words said, and between them that
of a beginning, which says nothing. When a word is said nobody has to tell (Graves et al. 2006).

Shapes: N windows of F frames, n tokens of all sounds, V vocabulary.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


def spoken_ids(text: str, encode: Callable[[str], list[int]]) -> list[int]:
    """The tokens of the words of `text`, each in the shortest way, with or without capitals: these nobody hears."""
    words = re.findall(r"[^\W_]+(?:'[^\W_]+)?", text)
    ways = [[encode(" " + form) for form in (word.lower(), word.capitalize(), word.upper())] for word in words]
    return [number for way in ways for number in min(way, key=len)]


def transcribed(windows: int, frames: int, ids: Sequence[int]) -> Tensor:
    """The label of one sound, (N, F) int64: in its first window 1 + how many tokens are said, and which; 0 elsewhere.

    Args:
        ids: fewer than F.
    """
    found = torch.zeros(windows, frames, dtype=torch.long)
    found[0, : 1 + len(ids)] = torch.tensor([1 + len(ids), *ids])
    return found


def transcripts(labels: Tensor) -> list[tuple[int, list[int]]]:
    """What `transcribed` says, (N, F) of several sounds -> of each the number of windows, the ids."""
    found: list[tuple[int, list[int]]] = []
    for said in labels.tolist():
        if said[0]:
            found.append((1, said[1 : said[0]]))
        else:
            found[-1] = (found[-1][0] + 1, found[-1][1])
    return found


def misheard(logits: Tensor, counts: Sequence[int], said: Sequence[list[int]], blank: int) -> Tensor:
    """Mean CTC loss of a token that is said; 0 where nothing is.

    Args:
        logits: (n, V) of the tokens of all sounds, one sound behind the other.
        counts: the number of tokens of each.
        said: ids of each; of a sound without any nothing is asked.
        blank: the id that says nothing.
    """
    each = logits.float().log_softmax(-1).split(list(counts))
    asked = [(one, ids) for one, ids in zip(each, said, strict=True) if ids]
    if not asked:
        return 0 * logits.float().sum()
    sizes = torch.tensor([len(ids) for _, ids in asked])
    targets = torch.tensor([number for _, ids in asked for number in ids], device=logits.device)
    lengths = torch.tensor([len(one) for one, _ in asked])
    together = pad_sequence([one for one, _ in asked])  # (T, sounds, V)
    losses = F.ctc_loss(together, targets, lengths, sizes, blank, reduction="none", zero_infinity=True)
    return losses.sum() / sizes.sum().to(losses.device)

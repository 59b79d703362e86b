"""What of earlier requests can be used again: features of media that were seen, beginnings that were read.

Both go by content: an image is its pixels after the transform, wherever it came from and whatever its name.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import numpy as np
from torch import Tensor, nn

from encoders.base import MediaInput

Digest = bytes
"""16 bytes."""


def digest_of(modality: str, item: MediaInput) -> Digest:
    """Of all that the features depend on besides the weights."""
    found = hashlib.blake2b(repr((modality, item.layout, tuple(item.inputs.shape))).encode(), digest_size=16)
    for tensor in (item.inputs, item.lengths):
        found.update(tensor.reshape(-1).numpy().data)
    return found.digest()


def prompt_keys(input_ids: Tensor, media: dict[int, list[tuple[Digest, int]]]) -> np.ndarray:
    """What each position of a prompt stands for, (T, 2) int64: two prompts share what they compute where these agree.

    A token is (id, 0), a placeholder the digest of its image or sound.

    Args:
        media: by placeholder id, (digest, number of placeholders) of each item in reading order.

    Raises:
        ValueError: the numbers do not add up to the placeholders; both are named.
    """
    ids = input_ids.numpy()
    keys = np.stack((ids, np.zeros_like(ids)), axis=1)
    for token_id, items in media.items():
        places = np.flatnonzero(ids == token_id)
        counts = [count for _, count in items]
        if sum(counts) != len(places):
            raise ValueError(f"{len(places)} placeholders of id {token_id}, but media for {sum(counts)}")
        words = np.array([np.frombuffer(digest, dtype=np.int64) for digest, _ in items]).reshape(-1, 2)
        words[:, 1] |= 1  # never the key of a token
        keys[places] = np.repeat(words, counts, axis=0)
    return keys


def common_prefix(first: np.ndarray, second: np.ndarray) -> int:
    """How many positions two rows of keys (n, 2) and (m, 2) begin with alike."""
    length = min(len(first), len(second))
    differs = (first[:length] != second[:length]).any(axis=1)
    return int(differs.argmax()) if differs.any() else length


class FeatureCache:
    """Features by digest; of those beyond `capacity` bytes the least recently used are dropped."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.size = capacity, 0
        self._found: OrderedDict[Digest, Tensor] = OrderedDict()

    def __len__(self) -> int:
        return len(self._found)

    def get(self, digest: Digest) -> Tensor | None:
        if digest in self._found:
            self._found.move_to_end(digest)
        return self._found.get(digest)

    def put(self, digest: Digest, features: Tensor) -> None:
        if digest in self._found or features.nbytes > self.capacity:
            return
        self._found[digest] = features.clone()  # not a view that keeps a whole batch of them
        self.size += features.nbytes
        while self.size > self.capacity:
            self.size -= self._found.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        self._found.clear()
        self.size = 0


def weights_identity(model: nn.Module) -> int:
    """Another number once a weight has been replaced, moved or written to in place (by way of autograd's counter)."""
    return hash(tuple((p.data_ptr(), p.dtype, p._version if not p.is_inference() else 0) for p in model.parameters()))


__all__ = ["Digest", "FeatureCache", "common_prefix", "digest_of", "prompt_keys", "weights_identity"]

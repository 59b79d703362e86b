"""The preallocated cache of keys and values of one batch of sequences."""

from __future__ import annotations

import torch
from torch import Tensor

from .config import DecoderConfig


class KVCache:
    """Keys and values of every layer, written in place.

    Shapes: keys, values (L, B, K, S, H) with L layers, B rows, K key-value heads, S capacity,
    H head_dim. All rows advance together; rows of unequal length are padded on the left.
    """

    def __init__(
        self, config: DecoderConfig, batch_size: int, capacity: int,
        dtype: torch.dtype = torch.float32, device: torch.device | str = "cpu",
    ) -> None:  # fmt: skip
        shape = (config.num_hidden_layers, batch_size, config.num_key_value_heads, capacity, config.head_dim)
        self.keys = torch.zeros(shape, dtype=dtype, device=device)
        self.values = torch.zeros(shape, dtype=dtype, device=device)
        self.length = 0

    @property
    def capacity(self) -> int:
        return self.keys.shape[3]

    def write(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Appends (B, K, T, H) for one layer and returns all so far, (B, K, length + T, H).

        `length` moves only in `advance`, once per forward pass.

        Raises:
            ValueError: the capacity is exceeded.
        """
        end = self.length + keys.shape[2]
        if end > self.capacity:
            raise ValueError(f"KV cache holds {self.capacity} positions, {end} are needed")
        self.keys[layer, :, :, self.length : end] = keys
        self.values[layer, :, :, self.length : end] = values
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def advance(self, tokens: int) -> None:
        self.length += tokens

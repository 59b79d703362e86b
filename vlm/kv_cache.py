"""The preallocated cache of keys and values: one row for each sequence, each row with a length of its own.

Shapes: L layers, R rows, C columns (positions), K key-value heads, H head_dim; of a forward pass: B rows,
T new positions of each, S positions that are seen.
"""

from __future__ import annotations

import math
import mmap
from collections.abc import Sequence

import torch
from torch import Tensor

from .config import DecoderConfig


class KVCache:
    """`tokens` positions, laid out as R rows of C columns; `arrange` lays them out anew.

    keys, values: (L, R, K, C, H). `lengths[r]` positions of row r are filled; behind them stands what was
    there before, finite numbers that every mask hides.
    """

    keys: Tensor
    values: Tensor

    def __init__(
        self, config: DecoderConfig, rows: int, columns: int, dtype: torch.dtype = torch.float32,
        device: torch.device | str = "cpu", *, tokens: int | None = None,
    ) -> None:  # fmt: skip
        self.tokens = rows * columns if tokens is None else tokens
        self._position = config.num_key_value_heads, config.head_dim
        layers, numbers = config.num_hidden_layers, self.tokens * math.prod(self._position)
        self._keys, self._values = (_zeros(layers, numbers, dtype, torch.device(device)) for _ in range(2))
        self.lengths: list[int] = []
        self.arrange(rows, columns)

    def arrange(self, rows: int, columns: int) -> None:
        """Lays the cache out as `rows` x `columns`. The first rows keep what they hold as far as it fits.

        Raises:
            ValueError: that is more than `tokens`.
        """
        if rows * columns > self.tokens:
            raise ValueError(f"KV cache holds {self.tokens} positions, {rows} x {columns} are needed")
        kept = [(row, n) for row, n in enumerate(self.lengths[:rows]) if 0 < n <= columns]
        held = [(self.keys[:, row, :, :n].clone(), self.values[:, row, :, :n].clone()) for row, n in kept]
        heads, width = self._position
        shape, numbers = (rows, heads, columns, width), rows * columns * heads * width
        self.keys, self.values = (flat[:, :numbers].unflatten(1, shape) for flat in (self._keys, self._values))
        self.rows, self.columns, self.lengths = rows, columns, [0] * rows
        for (row, n), (keys, values) in zip(kept, held, strict=True):
            self.keys[:, row, :, :n], self.values[:, row, :, :n] = keys, values
            self.lengths[row] = n

    def copy(self, source: int, target: int, length: int) -> None:
        """The first `length` positions of one row become what another row holds."""
        for one in (self.keys, self.values):
            one[:, target, :, :length] = one[:, source, :, :length]
        self.lengths[target] = length

    def swap(self, first: int, second: int) -> None:
        """Two rows change places."""
        length = max(self.lengths[first], self.lengths[second])
        for one in (self.keys, self.values):
            held = one[:, first, :, :length].clone()
            one[:, first, :, :length] = one[:, second, :, :length]
            one[:, second, :, :length] = held
        self.lengths[first], self.lengths[second] = self.lengths[second], self.lengths[first]

    def wipe(self, row: int) -> None:
        """All of a row becomes zeros again."""
        self.keys[:, row], self.values[:, row], self.lengths[row] = 0, 0, 0

    def window(self, counts: Sequence[int], start: int = 0) -> Window:
        """For a forward pass in which row `start + b` gets `counts[b]` new positions behind those it has."""
        return Window(self, start, counts)


class Window:
    """Rows of a cache during one forward pass. Positions beyond a row's count are padding: they are not written.

    position_ids: (B, T) int64, T the greatest count.
    mask: (B or 1, 1, T, S) bool, True where attention is allowed; None where plain causal attention is meant.

    Raises:
        ValueError: a row would hold more than the cache has columns.
    """

    def __init__(self, cache: KVCache, start: int, counts: Sequence[int]) -> None:
        self.cache, self.start, self.counts = cache, start, list(counts)
        self.stop = start + len(self.counts)
        past = cache.lengths[start : self.stop]
        ends = [length + count for length, count in zip(past, counts, strict=True)]
        self.seen = max(ends)
        if self.seen > cache.columns:
            raise ValueError(f"KV cache holds {cache.columns} positions, {self.seen} are needed")
        device = cache.keys.device
        new = torch.arange(max(counts))
        lengths, last = torch.tensor(past)[:, None], torch.tensor(ends)[:, None] - 1
        positions = torch.minimum(lengths + new, last)  # (B, T); padding stands where the last one does
        self.position_ids = positions.to(device)
        self.even = len(set(past)) == 1 and len(set(counts)) == 1
        self.mask: Tensor | None = None
        if not (self.even and (past[0] == 0 or counts[0] == 1)):
            seen = torch.arange(self.seen) <= positions[..., None]  # (B, T, S)
            self.mask = (seen[:1] if self.even else seen)[:, None].to(device)
        if not self.even:
            rows, steps = (new < torch.tensor(self.counts)[:, None]).nonzero().unbind(1)  # of what is no padding, (n,)
            self.places = (rows + start).to(device), positions[rows, steps].to(device)
            self.real = (rows * len(new) + steps).to(device)

    def write(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Adds (B, K, T, H) for one layer and returns all that is seen, (B, K, S, H).

        The rows grow only in `advance`, once per forward pass.
        """
        return self._write(self.cache.keys[layer], keys), self._write(self.cache.values[layer], values)

    def _write(self, held: Tensor, new: Tensor) -> Tensor:
        if self.even:
            held[self.start : self.stop, :, self.seen - new.shape[2] : self.seen] = new
        else:
            rows, columns = self.places
            # (B, K, T, H) -> (B * T, K, H) -> (n, K, H)
            held[rows, :, columns] = new.transpose(1, 2).flatten(0, 1)[self.real].to(held.dtype)
        return held[self.start : self.stop, :, : self.seen]

    def advance(self) -> None:
        for row, count in enumerate(self.counts, self.start):
            self.cache.lengths[row] += count


def _zeros(layers: int, numbers: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(layers, numbers) zeros; on a CPU in pages of the system that take no memory before they are written.

    numpy's zeros would ask for huge pages, and a few positions of each row then take all of the memory.
    """
    if device.type != "cpu" or not hasattr(mmap, "MAP_PRIVATE"):
        return torch.zeros(layers, numbers, dtype=dtype, device=device)
    pages = mmap.mmap(-1, layers * numbers * dtype.itemsize, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return torch.frombuffer(pages, dtype=dtype).view(layers, numbers)


__all__ = ["KVCache", "Window"]

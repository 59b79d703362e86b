"""What an encoder is, whatever it listens to or looks at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

SAMPLE_RATE = 16000
"""Hz of every waveform inside the project."""


@dataclass(frozen=True)
class MediaInput:
    """One image or sound, ready for its encoder.

    inputs: (N, ...) windows: uint8 tiles (N, 3, S, S), overview first, or log-mel (N, M, F).
    lengths: (N,) int64, valid input positions of each window (mel frames; patches of a tile).
    layout: for images (rows, columns, height, width): the grid of tiles and the picture's own
        size in pixels, from which padding is cut away; (0, 0, ...) is an overview alone.
    labels: (N, ...) by name: what a training stage teaches about the windows; no encoder sees it.
    """

    inputs: Tensor
    lengths: Tensor
    layout: tuple[int, int, int, int] = (0, 0, 0, 0)
    labels: dict[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Features:
    """values (N, F, C) float; lengths (N,) int64: how many of the F positions are real."""

    values: Tensor
    lengths: Tensor


class Encoder(Protocol):
    """Windows in, feature sequences out."""

    output_dim: int

    def output_lengths(self, input_lengths: Tensor) -> Tensor:
        """(N,) valid input positions -> (N,) valid feature positions, known before the model runs."""
        ...

    def __call__(self, inputs: Tensor, lengths: Tensor) -> Features: ...

"""Which projector, as plain data, and how many tokens it will emit: known before any model runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .modules import Projector

Layout = tuple[int, int, int, int]


@dataclass(frozen=True)
class ProjectorConfig:
    """`image_mlp`: two-layer GELU MLP after an optional pixel shuffle, tiles with a newline token.
    `audio_swiglu`: stacked frames through RMSNorm and SwiGLU.

    `downsample` is the pixel-shuffle factor along each side, or the number of frames stacked.
    """

    kind: Literal["image_mlp", "audio_swiglu"]
    hidden_size: int
    downsample: int = 1

    def __post_init__(self) -> None:
        if not (1 <= self.hidden_size <= 1 << 16 and 1 <= self.downsample <= 64):
            raise ValueError(f"projector sizes out of range: {self}")


def kept_region(rows: int, columns: int, height: int, width: int) -> tuple[int, int, int, int]:
    """Top, bottom, left, right of the part of a (rows, columns) feature map that is not padding.

    The picture of (height, width) pixels was scaled to fit and centred; the rounding is that of
    transformers' `unpad_image`.
    """
    if width / height > columns / rows:
        pad = (rows - int(round(height * (columns / width), 7))) // 2
        return pad, rows - pad, 0, columns
    pad = (columns - int(round(width * (rows / height), 7))) // 2
    return 0, rows, pad, columns - pad


def token_count(config: ProjectorConfig, lengths: list[int], layout: Layout) -> int:
    """Tokens for one image or sound.

    Args:
        lengths: valid encoder positions of each of its windows.
        layout: of an image: (tile rows, tile columns, picture height, picture width).
    """
    match config.kind:
        case "audio_swiglu":
            return sum(-(-length // config.downsample) for length in lengths)
        case "image_mlp":
            side = round(lengths[0] ** 0.5) // config.downsample
            rows, columns, height, width = layout
            if not rows * columns:
                return side * side
            top, bottom, left, right = kept_region(rows * side, columns * side, height, width)
            return side * side + (bottom - top) * (right - left + 1)  # one newline per row of patches


def build_projector(config: ProjectorConfig, input_dim: int, output_dim: int) -> Projector:
    """The module for `config`: feature width `input_dim` -> decoder width `output_dim`."""
    from .modules import AudioProjector, ImageProjector

    match config.kind:
        case "image_mlp":
            return ImageProjector(input_dim, config.hidden_size, output_dim, config.downsample)
        case "audio_swiglu":
            return AudioProjector(input_dim, config.hidden_size, output_dim, config.downsample)

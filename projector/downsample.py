"""The only place where a sequence gets shorter."""

from __future__ import annotations

from einops import rearrange
from torch import Tensor
from torch.nn import functional as F


def pixel_shuffle(values: Tensor, factor: int) -> Tensor:
    """(N, side * side, C) -> (N, (side / factor)^2, factor^2 * C): a block of patches becomes one token."""
    if factor == 1:
        return values
    side = round(values.shape[1] ** 0.5)
    return rearrange(
        values, "n (h fh w fw) c -> n (h w) (fh fw c)", h=side // factor, w=side // factor, fh=factor, fw=factor
    )


def stack_frames(values: Tensor, factor: int) -> Tensor:
    """(N, F, C) -> (N, ceil(F / factor), factor * C); the last stack is filled with zeros."""
    values = F.pad(values, (0, 0, 0, -values.shape[1] % factor))
    return rearrange(values, "n (f k) c -> n f (k c)", k=factor)

"""Feature width -> decoder width, feature count -> token count. Pure torch.

Shapes: N windows (tiles or chunks) of M images or sounds, F features each, C feature width,
D decoder width, n tokens in reading order.

Sources: Liu et al. 2023 (LLaVA-1.5 MLP), Liu et al. 2024 (LLaVA-NeXT: overview, then tiles without
padding, a learned newline after each row), Ultravox (stack, RMSNorm, SwiGLU, RMSNorm).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .build import Layout, kept_region
from .downsample import pixel_shuffle, stack_frames


class ImageProjector(nn.Module):
    """(N, F, C) tiles of M pictures -> (n, D)."""

    def __init__(self, input_dim: int, hidden_size: int, output_dim: int, downsample: int) -> None:
        super().__init__()
        self.downsample = downsample
        self.linear_1 = nn.Linear(input_dim * downsample**2, hidden_size)
        self.linear_2 = nn.Linear(hidden_size, output_dim)
        self.newline = nn.Parameter(torch.randn(output_dim) / output_dim**0.5)

    def forward(self, values: Tensor, lengths: Tensor, layouts: list[Layout]) -> Tensor:
        return self.laid_out(self.project(values), layouts)

    def project(self, values: Tensor) -> Tensor:
        """(N, side^2, C) -> (N, side^2 / downsample^2, D)."""
        found: Tensor = self.linear_2(F.gelu(self.linear_1(pixel_shuffle(values, self.downsample))))
        return found

    def laid_out(self, values: Tensor, layouts: list[Layout]) -> Tensor:
        """(N, side^2, D) -> (n, D): each picture's overview, then its tiles row by row, without their padding."""
        tokens, start = [], 0
        for layout in layouts:
            tiles = layout[0] * layout[1]
            tokens.append(values[start])
            if tiles:
                tokens.append(self._with_newlines(values[start + 1 : start + 1 + tiles], layout))
            start += 1 + tiles
        return torch.cat(tokens)

    def _with_newlines(self, tiles: Tensor, layout: Layout) -> Tensor:
        """(rows * columns, side^2, D) -> (kept rows * (kept columns + 1), D)."""
        rows, columns, height, width = layout
        side, dim = round(tiles.shape[1] ** 0.5), tiles.shape[2]
        # (rows, columns, side, side, D) -> (rows * side, columns * side, D)
        sheet = tiles.view(rows, columns, side, side, dim).transpose(1, 2).reshape(rows * side, columns * side, dim)
        top, bottom, left, right = kept_region(rows * side, columns * side, height, width)
        sheet = sheet[top:bottom, left:right]
        newline = self.newline.to(sheet.dtype).expand(sheet.shape[0], 1, dim)
        return torch.cat((sheet, newline), dim=1).flatten(0, 1)


class AudioProjector(nn.Module):
    """(N, F, C) windows -> (n, D); stacks of frames beyond a window's length are dropped."""

    def __init__(self, input_dim: int, hidden_size: int, output_dim: int, downsample: int) -> None:
        super().__init__()
        self.downsample = downsample
        self.norm_in = nn.RMSNorm(input_dim * downsample, eps=1e-6)
        self.gate_up = nn.Linear(input_dim * downsample, 2 * hidden_size, bias=False)
        self.norm_mid = nn.RMSNorm(hidden_size, eps=1e-6)
        self.out = nn.Linear(hidden_size, output_dim, bias=False)

    def forward(self, values: Tensor, lengths: Tensor, layouts: list[Layout]) -> Tensor:
        # Frames beyond a sound's end are zeroed before stacking, so a last stack that is part sound
        # does not depend on what the padding was.
        inside = torch.arange(values.shape[1], device=values.device) < lengths[:, None]
        stacked = stack_frames(values * inside[..., None], self.downsample)
        counts = (lengths + self.downsample - 1) // self.downsample
        keep = torch.arange(stacked.shape[1], device=values.device) < counts[:, None]
        return self.project(stacked[keep])

    def project(self, stacked: Tensor) -> Tensor:
        """Stacks of frames (n, C * downsample) -> (n, D)."""
        gate, up = self.gate_up(self.norm_in(stacked)).chunk(2, dim=-1)  # (n, hidden)
        found: Tensor = self.out(self.norm_mid(F.silu(gate) * up))
        return found


Projector = ImageProjector | AudioProjector

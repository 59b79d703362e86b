"""CLIP vision: open_clip's own tower for features, and LLaVA-NeXT's way to cut a picture into tiles.

Sources: Radford et al. 2021 (CLIP); Liu et al. 2023, 2024 (LLaVA-1.5: penultimate layer, class
token dropped; LLaVA-NeXT: AnyRes). `best_grid` and `ImageTransform` follow the conventions of
transformers' `LlavaNextImageProcessor`, so an export runs there on the same pixels.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from .base import Features, MediaInput
from .config import ClipConfig


def best_grid(width: int, height: int, config: ClipConfig) -> tuple[int, int]:
    """The (rows, columns) of tiles that keep most of the picture's pixels with least padding."""
    if not config.grids:
        return 0, 0
    size = config.image_size

    def usefulness(grid: tuple[int, int]) -> tuple[int, int]:
        rows, columns = grid
        scale = min(columns * size / width, rows * size / height)
        kept = min(int(width * scale) * int(height * scale), width * height)
        return kept, kept - rows * columns * size * size

    return max(config.grids, key=usefulness)


class ImageTransform:
    """RGB picture -> overview and tiles, before any model runs."""

    def __init__(self, config: ClipConfig) -> None:
        self.config = config

    def __call__(self, image: Image.Image) -> MediaInput:
        """uint8 (1 + rows * columns, 3, S, S): the picture as one square, as `fit` says, then its tiles.

        The tiles cover the picture scaled to fit the grid with its aspect kept, centred on black.
        """
        size = self.config.image_size
        rows, columns = best_grid(*image.size, self.config)
        views = [self._square(image)]
        if rows * columns:
            sheet = self._fit(image, columns * size, rows * size)
            views += [
                sheet.crop((c * size, r * size, (c + 1) * size, (r + 1) * size))
                for r in range(rows)
                for c in range(columns)
            ]
        pixels = torch.from_numpy(np.stack([np.asarray(view) for view in views]))
        lengths = torch.full((len(views),), self.config.side**2)
        return MediaInput(pixels.permute(0, 3, 1, 2).contiguous(), lengths, (rows, columns, image.height, image.width))

    def boxes(self, width: int, height: int) -> list[tuple[float, float, float, float]]:
        """(x0, y0, x1, y1) of each view in pixels of the picture, in the order of the views.

        A view reaches beyond the picture where it holds padding.
        """
        size = self.config.image_size
        rows, columns = best_grid(width, height, self.config)
        found = [self._seen(width, height)]
        if rows * columns:
            new, (left, top) = self._placed(width, height, columns * size, rows * size)
            step_x, step_y = width / new[0], height / new[1]  # picture pixels for a pixel of the sheet
            found += [
                (
                    (c * size - left) * step_x, (r * size - top) * step_y,
                    ((c + 1) * size - left) * step_x, ((r + 1) * size - top) * step_y,
                )
                for r in range(rows) for c in range(columns)
            ]  # fmt: skip
        return found

    def _square(self, image: Image.Image) -> Image.Image:
        """The overview (S, S). Where to cut and round: transformers' `CLIPImageProcessor`, LLaVA's `expand2square`."""
        size, (width, height) = self.config.image_size, image.size
        match self.config.fit:
            case "squeeze":
                return image.resize((size, size), Image.Resampling.BICUBIC)
            case "crop":
                short = min(width, height)
                new = int(size * width / short), int(size * height / short)
                left, top = (new[0] - size) // 2, (new[1] - size) // 2
                scaled = image.resize(new, Image.Resampling.BICUBIC)
                return scaled.crop((left, top, left + size, top + size))
            case "pad":
                long = max(width, height)
                sheet = Image.new("RGB", (long, long), tuple(int(255 * mean) for mean in self.config.image_mean))
                sheet.paste(image, ((long - width) // 2, (long - height) // 2))
                return sheet.resize((size, size), Image.Resampling.BICUBIC)

    def _seen(self, width: int, height: int) -> tuple[float, float, float, float]:
        """(x0, y0, x1, y1) of the overview in pixels of the picture."""
        if self.config.fit == "squeeze":
            return 0.0, 0.0, float(width), float(height)
        side = min(width, height) if self.config.fit == "crop" else max(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return left, top, left + side, top + side

    @staticmethod
    def _placed(
        width: int, height: int, sheet_width: int, sheet_height: int
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """The size to which a picture is scaled, and where its corner comes to lie on the sheet."""
        scale_w, scale_h = sheet_width / width, sheet_height / height
        if scale_w < scale_h:
            new = sheet_width, max(1, min(-int(-height * scale_w // 1), sheet_height))
        else:
            new = max(1, min(-int(-width * scale_h // 1), sheet_width)), sheet_height
        return new, ((sheet_width - new[0]) // 2, (sheet_height - new[1]) // 2)

    def _fit(self, image: Image.Image, width: int, height: int) -> Image.Image:
        new, corner = self._placed(*image.size, width, height)
        sheet = Image.new("RGB", (width, height))
        sheet.paste(image.resize(new, Image.Resampling.BICUBIC), corner)
        return sheet


def open_clip_model(name: str) -> dict[str, Any] | None:
    """What open_clip knows by this name: `vision_cfg`, `embed_dim` and more; None where it knows nothing."""
    import open_clip

    found: dict[str, Any] | None = open_clip.get_model_config(name)
    return found


def open_clip_settings(config: ClipConfig) -> dict[str, Any]:
    """The `vision_cfg` of open_clip for this tower."""
    names = ("image_size", "patch_size", "width", "layers", "head_width", "mlp_ratio", "no_ln_pre", "pool_type")
    settings = dataclasses.asdict(config)
    return {name: settings[name] for name in names}


class TileEncoder(nn.Module):
    """A vision tower of open_clip, read at `feature_layer`, its patches alone.

    Shapes: N tiles, S image_size, F = side^2 patches in reading order, C width.
    """

    mean: Tensor
    std: Tensor
    visual: Any
    """A module of open_clip's or timm's."""

    def __init__(self, config: ClipConfig, visual: nn.Module) -> None:
        super().__init__()
        self.config = config
        self.output_dim = config.width
        self.visual = visual
        self.fill_buffers()

    def fill_buffers(self) -> None:
        """What no checkpoint stores, on the CPU; called again for a tower that was built on the meta device."""
        with torch.device("cpu"):
            for name, values in (("mean", self.config.image_mean), ("std", self.config.image_std)):
                self.register_buffer(name, torch.tensor(values).view(3, 1, 1) * 255, persistent=False)

    def output_lengths(self, input_lengths: Tensor) -> Tensor:
        return input_lengths

    def normalise(self, tiles: Tensor) -> Tensor:
        """uint8 (N, 3, S, S) -> float, with the tower's own mean and deviation."""
        return ((tiles.to(self.mean.dtype) - self.mean) / self.std).to(next(self.visual.parameters()).dtype)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Features:
        """uint8 (N, 3, S, S) -> (N, F, C)."""
        found = self.visual.forward_intermediates(
            self.normalise(inputs),
            indices=[self.config.layers + self.config.feature_layer],
            stop_early=True,
            intermediates_only=True,
            output_fmt="NLC",
        )
        return Features(found["image_intermediates"][0], self.output_lengths(lengths))


class ClipEncoder(TileEncoder):
    """open_clip's `VisionTransformer`, class token dropped."""

    def __init__(self, config: ClipConfig) -> None:
        from open_clip.transformer import LayerNorm, QuickGELU, VisionTransformer

        visual = VisionTransformer(
            image_size=config.image_size,
            patch_size=config.patch_size,
            width=config.width,
            layers=config.layers,
            heads=config.width // config.head_width,
            mlp_ratio=config.mlp_ratio,
            output_dim=max(config.embed_dim, 1),
            pool_type=config.pool_type,
            no_ln_pre=config.no_ln_pre,
            act_layer=QuickGELU if config.quick_gelu else nn.GELU,
            norm_layer=LayerNorm,
        )
        if not config.embed_dim:
            visual.proj = None
        super().__init__(config, visual)
        self.train()

    def train(self, mode: bool = True) -> ClipEncoder:
        """While training, positions stand before rows inside.

        torch's attention turns rows before positions round, and multiplies the views that come of it, in a
        tower that is frozen under autocast, by one copy of the weight for each position (2.6 times slower).
        Without autocast and gradients it has a kernel of its own, which wants rows before positions.
        """
        super().train(mode)
        self.visual.transformer.batch_first = not mode
        for block in self.visual.transformer.resblocks:
            block.attn.batch_first = not mode
        return self


def resized(tower: ClipEncoder, image_size: int) -> ClipEncoder:
    """The same tower for views of `image_size` pixels: its positions are interpolated, as open_clip does on loading."""
    from open_clip.model import resize_pos_embed

    found = ClipEncoder(dataclasses.replace(tower.config, image_size=image_size))
    state = tower.state_dict()
    resize_pos_embed(state, found)
    found.load_state_dict(state)
    return found

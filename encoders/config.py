"""The shapes of the two encoders, as plain data. No heavy imports: `vlm info` and `--help` read these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .errors import VlmError


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise VlmError("bad_checkpoint", f"config: {name} must be between {low} and {high}, got {value}")


@dataclass(frozen=True)
class ClipConfig:
    """A CLIP ViT in open_clip's terms, and how a picture is cut for it.

    `grids` lists the (rows, columns) of tiles that a picture may be cut into beside its overview
    (LLaVA-NeXT's `image_grid_pinpoints` in units of `image_size`); empty means overview only
    (LLaVA-1.5). `feature_layer` counts from the end: -2 is the penultimate block. `embed_dim` 0 means
    that there is no last projection into the space that CLIP shares with text: features do not need it.

    `fit` is how the overview becomes a square: `squeeze` scales each side for itself (LLaVA-NeXT),
    `crop` scales the shorter side and cuts the middle out (CLIP, LLaVA-1.5 in transformers), `pad`
    adds the mean colour on both ends of the shorter side (LLaVA-1.5 as published).

    `tower` "siglip" is a ViT without class token, first norm and last projection, built by timm; there
    `tanh_gelu` may be set, and embed_dim, quick_gelu, no_ln_pre and pool_type are not used.
    """

    image_size: int
    patch_size: int
    width: int
    layers: int
    head_width: int = 64
    mlp_ratio: float = 4.0
    embed_dim: int = 512
    quick_gelu: bool = False
    no_ln_pre: bool = False
    pool_type: Literal["tok", "avg"] = "tok"
    feature_layer: int = -2
    image_mean: tuple[float, float, float] = (0.48145466, 0.4578275, 0.40821073)
    image_std: tuple[float, float, float] = (0.26862954, 0.26130258, 0.27577711)
    grids: tuple[tuple[int, int], ...] = ()
    fit: Literal["squeeze", "crop", "pad"] = "squeeze"
    tower: Literal["clip", "siglip"] = "clip"
    tanh_gelu: bool = False

    def __post_init__(self) -> None:
        _within("clip.image_size", self.image_size, 8, 4096)
        _within("clip.patch_size", self.patch_size, 1, self.image_size)
        _within("clip.width", self.width, 1, 8192)
        _within("clip.layers", self.layers, 1, 256)
        _within("clip.head_width", self.head_width, 1, self.width)
        _within("clip.mlp_ratio", self.mlp_ratio, 0.1, 32)
        _within("clip.embed_dim", self.embed_dim, 0, 8192)
        _within("clip.feature_layer", self.feature_layer, -self.layers, -1)
        if self.tanh_gelu and self.tower == "clip":
            raise VlmError("bad_checkpoint", "config: clip.tanh_gelu is for a tower of the kind siglip")
        if self.image_size % self.patch_size or self.width % self.head_width:
            raise VlmError("bad_checkpoint", "config: clip sizes must divide: image by patch, width by head_width")
        for mean, deviation in zip(self.image_mean, self.image_std, strict=True):
            _within("clip.image_mean", mean, -1000, 1000)
            _within("clip.image_std", deviation, 1e-6, 1000)
        _within("the number of clip.grids", len(self.grids), 0, 256)
        for rows, columns in self.grids:
            _within("clip.grids rows", rows, 1, 64)
            _within("clip.grids columns", columns, 1, 64)
            _within("clip.grids rows x columns", rows * columns, 1, 64)

    @property
    def side(self) -> int:
        """Patches along one side of a tile."""
        return self.image_size // self.patch_size


@dataclass(frozen=True)
class WhisperConfig:
    """A Whisper encoder in transformers' terms. The window is `max_source_positions` / 50 seconds."""

    d_model: int
    encoder_layers: int
    encoder_attention_heads: int
    encoder_ffn_dim: int
    num_mel_bins: int = 80
    max_source_positions: int = 1500

    def __post_init__(self) -> None:
        _within("whisper.d_model", self.d_model, 1, 8192)
        _within("whisper.encoder_layers", self.encoder_layers, 1, 256)
        _within("whisper.encoder_attention_heads", self.encoder_attention_heads, 1, 256)
        _within("whisper.encoder_ffn_dim", self.encoder_ffn_dim, 1, 65536)
        _within("whisper.num_mel_bins", self.num_mel_bins, 1, 512)
        _within("whisper.max_source_positions", self.max_source_positions, 50, 30000)
        if self.d_model % self.encoder_attention_heads or self.max_source_positions % 50:
            raise VlmError("bad_checkpoint", "config: whisper needs whole heads and a window of whole seconds")

    @property
    def window_seconds(self) -> int:
        return self.max_source_positions // 50

"""How much memory a model will take on a CPU, before any of its weights is read: for answering, part by part.

The sum of: what a process holds before the model (measured: this very process imports the same libraries); the weights,
by their shapes; the cache of keys and values; what is kept of pictures and prompts; and the most that one step of work
holds, which is found by running the model's own code on tensors without numbers (`vlm/rehearsal.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from . import sources
from .config import PRESETS, ModelConfig, SpecialIds
from .errors import InputError
from .limits import DEFAULTS
from .measuring import held_memory
from .model import VLM, build_empty, build_model
from .quantize import install, scheme_of
from .rehearsal import Counter, bytes_of, rehearsed

KERNELS = 60 << 20
"""What libraries take for themselves with the first products: threads, code made for the shapes, packed copies."""


@dataclass(frozen=True)
class Plan:
    """rows: bytes by what they are for; they are held at the same time."""

    title: str
    rows: dict[str, int]

    @property
    def total(self) -> int:
        return sum(self.rows.values())

    def lines(self) -> Iterator[str]:
        yield self.title
        for name, size in {**self.rows, "together": self.total}.items():
            yield f"  {name:<44}{size / 1e6:12,.0f} MB"


@dataclass(frozen=True)
class Load:
    """What is asked of a model at a time: `batch` conversations of `context` positions, answers with them, each with so
    many pictures (of the most tiles) and windows of sound."""

    context: int
    batch: int = 1
    images: int = 0
    sounds: int = 0


def config_of(name: str) -> ModelConfig:
    """Of a folder or a hub id, from its headers; or of a published Llama by the name of its shape."""
    if name in PRESETS and not Path(name).exists():
        return ModelConfig(PRESETS[name], SpecialIds(0, 1, (2,), 3, 4), "llama-3", name)
    config, _, _ = sources.described(sources.find(name))
    return config


def floor_of(config: ModelConfig) -> int:
    """Bytes that a process holds before it has a model of these parts; a model without numbers is made for it."""
    build_empty(config)
    return held_memory()


def inference(
    config: ModelConfig, load: Load, *, dtype: torch.dtype | None = None, quantize: str | None = None
) -> Plan:
    """As `vlm.load` and its engine do it.

    Raises:
        InputError: more context than the model has, or media that it has no part for.
    """
    if load.context > config.decoder.max_position_embeddings:
        raise InputError(
            f"--context {load.context}: the model has {config.decoder.max_position_embeddings}", "bad_option"
        )
    if (load.images and config.clip is None) or (load.sounds and config.whisper is None):
        raise InputError("the model has no part for these media", "bad_option")
    if quantize is not None:
        config = replace(config, quantization=scheme_of(quantize))
    dtype = dtype or (torch.bfloat16 if config.quantization else torch.float32)
    floor = floor_of(config)
    with rehearsed(dtype), torch.inference_mode():
        model = built(config).eval()
        weights = bytes_of(model.parameters())
        working = max(
            _looking(model, config, load),
            _listening(model, config, load),
            _reading(model, load),
            _answering(model, load),
        )
    size, positions = dtype.itemsize, load.batch * load.context
    rows = {
        "Python and libraries": floor + KERNELS,
        "weights": weights,
        "cache of keys and values": config.decoder.cache_numbers * positions * size,
        "prompts and media, waiting": config.decoder.hidden_size * positions * size + _media_bytes(config, load),
        "one step of work": working,
    }
    what = f"{load.batch} x {load.context} positions, {load.images} pictures and {load.sounds} windows of sound in each"
    kind = config.quantization.name if config.quantization else str(dtype).removeprefix("torch.")
    return Plan(f"answering with {config.name} in {kind}: {what}", rows)


def built(config: ModelConfig) -> VLM:
    """A fresh model, in a rehearsal without numbers; quantised where its config says so."""
    model = build_model(config)
    if config.quantization is not None:
        install(model.decoder, config.quantization)
    return model


def tiles_of(config: ModelConfig) -> int:
    """The most that a picture is cut into, its overview included."""
    grids = config.clip.grids if config.clip else ()
    return 1 + max((rows * columns for rows, columns in grids), default=0)


def pictures(config: ModelConfig, windows: int) -> Tensor:
    """uint8 (windows, 3, S, S), without content."""
    assert config.clip is not None
    return torch.empty(windows, 3, config.clip.image_size, config.clip.image_size, dtype=torch.uint8)


def spectra(config: ModelConfig, windows: int) -> Tensor:
    """Log-mel (windows, M, F), without content."""
    assert config.whisper is not None
    return torch.empty(windows, config.whisper.num_mel_bins, 2 * config.whisper.max_source_positions)


def _media_bytes(config: ModelConfig, load: Load) -> int:
    """Of the encoders' inputs."""
    found = 0
    if load.images and config.clip:
        found += load.batch * load.images * tiles_of(config) * 3 * config.clip.image_size**2
    if load.sounds and config.whisper:
        found += load.batch * load.sounds * config.whisper.num_mel_bins * 2 * config.whisper.max_source_positions * 4
    return found


def _looking(model: VLM, config: ModelConfig, load: Load) -> int:
    """As the engine does: whole pictures, as many as there are windows for in one go."""
    if not load.images:
        return 0
    tiles = tiles_of(config)
    windows = min(load.batch * load.images, max(DEFAULTS.encode_windows // tiles, 1)) * tiles
    with Counter() as counter:
        tensors = pictures(config, windows)
        model.encoders["image"](tensors, torch.empty(windows, dtype=torch.int64))
    return counter.peak


def _listening(model: VLM, config: ModelConfig, load: Load) -> int:
    if not load.sounds:
        return 0
    windows = min(load.batch * load.sounds, DEFAULTS.encode_windows)
    with Counter() as counter:
        model.encoders["audio"](spectra(config, windows), torch.empty(windows, dtype=torch.int64))
    return counter.peak


class _Filled:
    """A `kv_cache.Window` behind which so many positions stand already; the cache itself is counted elsewhere."""

    def __init__(self, model: VLM, rows: int, new: int, seen: int) -> None:
        config = model.decoder.config
        self.position_ids = torch.empty(rows, new, dtype=torch.int64)
        self.mask = torch.empty(rows, 1, new, seen, dtype=torch.bool)
        self._held = torch.empty(rows, config.num_key_value_heads, seen, config.head_dim, dtype=model.dtype)

    def write(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        return self._held, self._held

    def advance(self) -> None:
        pass


def _reading(model: VLM, load: Load) -> int:
    """The last chunk of the prompts that are read together."""
    new = min(load.context, DEFAULTS.prefill_chunk)
    return _decoding(model, max(min(load.batch, DEFAULTS.prefill_chunk // new), 1), new, load.context)


def _answering(model: VLM, load: Load) -> int:
    return _decoding(model, load.batch, 1, load.context)


def _decoding(model: VLM, rows: int, new: int, seen: int) -> int:
    window = _Filled(model, rows, new, seen)
    embeds = torch.empty(rows, new, model.decoder.config.hidden_size, dtype=model.dtype)
    with Counter() as counter:
        states = model.decoder.states(embeds, cache=window)  # type: ignore[arg-type]
        model.decoder.head(states[:, -1]).float()
    return counter.peak

"""What a model is, as plain data: nested frozen dataclasses <-> config.json.

Field names are Hugging Face's where Hugging Face has one. Every range is checked when a config is
made, before anything is allocated, and nothing in a config file can cause an import.
"""

from __future__ import annotations

import dataclasses
import reprlib
import sys
import types
import typing
from dataclasses import dataclass, field
from typing import Any, Literal

from encoders.config import ClipConfig, WhisperConfig
from projector.build import ProjectorConfig

from .errors import CheckpointError

FORMAT_VERSION = 1


def check_range(name: str, value: float, low: float, high: float) -> None:
    """Raises `CheckpointError` unless `value` is a number in [low, high] (no NaN, nothing infinite)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CheckpointError(f"config: {name} must be a number, got {reprlib.repr(value)}")
    if not low <= value <= high:  # before any arithmetic: an int of 400 digits has no float
        raise CheckpointError(f"config: {name} must be between {low} and {high}, got {reprlib.repr(value)}")


@dataclass(frozen=True)
class RopeScaling:
    """How rotary frequencies stretch beyond the trained length (Hugging Face's `rope_scaling`)."""

    rope_type: Literal["linear", "dynamic", "llama3"]
    factor: float
    low_freq_factor: float = 1.0
    high_freq_factor: float = 4.0
    original_max_position_embeddings: int = 8192

    def __post_init__(self) -> None:
        if self.rope_type not in ("linear", "dynamic", "llama3"):
            raise CheckpointError(f"config: rope_type must be linear, dynamic or llama3, got {self.rope_type!r}")
        check_range("rope_scaling.factor", self.factor, 1.0, 1024)
        check_range("rope_scaling.low_freq_factor", self.low_freq_factor, 1e-3, 1024)
        check_range("rope_scaling.high_freq_factor", self.high_freq_factor, 1e-3, 1024)
        check_range("rope_scaling.original_max_position_embeddings", self.original_max_position_embeddings, 1, 1 << 24)
        if self.rope_type == "llama3" and self.high_freq_factor <= self.low_freq_factor:
            raise CheckpointError("config: rope_scaling.high_freq_factor must be above low_freq_factor")


@dataclass(frozen=True)
class DecoderConfig:
    """The shape of a Llama decoder; names and meanings as in Hugging Face's `LlamaConfig`."""

    vocab_size: int
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    max_position_embeddings: int = 2048
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0
    rope_scaling: RopeScaling | None = None
    tie_word_embeddings: bool = False

    def __post_init__(self) -> None:
        check_range("vocab_size", self.vocab_size, 1, 1 << 20)
        check_range("hidden_size", self.hidden_size, 1, 1 << 15)
        check_range("intermediate_size", self.intermediate_size, 1, 1 << 17)
        check_range("num_hidden_layers", self.num_hidden_layers, 1, 512)
        check_range("num_attention_heads", self.num_attention_heads, 1, 512)
        check_range("num_key_value_heads", self.num_key_value_heads, 1, 512)
        check_range("head_dim", self.head_dim, 2, 1024)
        check_range("max_position_embeddings", self.max_position_embeddings, 1, 1 << 24)
        check_range("rms_norm_eps", self.rms_norm_eps, 0, 1)
        check_range("rope_theta", self.rope_theta, 1, 1e12)
        if self.num_attention_heads % self.num_key_value_heads:
            raise CheckpointError(
                f"config: num_attention_heads {self.num_attention_heads} is not a multiple of "
                f"num_key_value_heads {self.num_key_value_heads}"
            )
        if self.head_dim % 2 or self.head_dim * self.num_attention_heads != self.hidden_size:
            raise CheckpointError(
                f"config: head_dim {self.head_dim} x num_attention_heads {self.num_attention_heads} "
                f"must equal hidden_size {self.hidden_size}, with head_dim even"
            )
        if self.head_dim == 2 and self.rope_scaling is not None and self.rope_scaling.rope_type == "dynamic":
            raise CheckpointError("config: dynamic rope_scaling needs a head_dim above 2")

    @property
    def cache_numbers(self) -> int:
        """Numbers that the cache of keys and values holds for one position."""
        return 2 * self.num_hidden_layers * self.num_key_value_heads * self.head_dim


@dataclass(frozen=True)
class SpecialIds:
    """Ids of the control tokens; the placeholders are what features replace."""

    pad: int
    bos: int
    eos: tuple[int, ...]
    image: int
    audio: int


@dataclass(frozen=True)
class Quantization:
    """How the matrices inside the decoder's blocks are stored; the layout is `vlm/quantize.py`'s.

    group: columns that share a scale, where it divides them; 0: all of a row.
    """

    bits: Literal[8, 4]
    group: int
    scheme: Literal["symmetric", "asymmetric"]

    def __post_init__(self) -> None:
        check_range("quantization.group", self.group, 0, 1 << 15)
        known = {(8, "symmetric"): self.group == 0, (4, "asymmetric"): self.group in (16, 32, 64, 128, 256)}
        if not known.get((self.bits, self.scheme), False):
            raise CheckpointError(
                f"config: quantization of {self.bits} bits, {self.scheme}, in groups of {self.group} is not computed "
                "here; 8 bits symmetric without groups, or 4 bits asymmetric in groups of 16, 32, 64, 128 or 256"
            )

    @property
    def name(self) -> str:
        return f"int{self.bits}"

    def __str__(self) -> str:
        return f"{self.name}, {self.scheme}, {f'groups of {self.group}' if self.group else 'a scale for each row'}"


@dataclass(frozen=True)
class ModelConfig:
    """A whole model: decoder, and an encoder with its projector for each modality that it has."""

    decoder: DecoderConfig
    special_ids: SpecialIds
    chat_template: str
    name: str = "unnamed"
    clip: ClipConfig | None = None
    whisper: WhisperConfig | None = None
    image_projector: ProjectorConfig | None = None
    audio_projector: ProjectorConfig | None = None
    system_prompt: str = ""
    quantization: Quantization | None = None
    format_version: int = field(default=FORMAT_VERSION)

    def __post_init__(self) -> None:
        if self.format_version != FORMAT_VERSION:
            raise CheckpointError(
                f"config: format_version {self.format_version} was written by another version of this "
                f"program; this one reads {FORMAT_VERSION}"
            )
        if (self.clip is None) != (self.image_projector is None):
            raise CheckpointError("config: clip and image_projector must be given together")
        if (self.whisper is None) != (self.audio_projector is None):
            raise CheckpointError("config: whisper and audio_projector must be given together")
        if self.clip is not None and self.image_projector is not None:
            if self.image_projector.kind != "image_mlp":
                raise CheckpointError(f"config: image_projector cannot be of kind {self.image_projector.kind!r}")
            if self.clip.side % self.image_projector.downsample:
                raise CheckpointError(
                    f"config: image_projector.downsample {self.image_projector.downsample} must divide "
                    f"the {self.clip.side} patches of a tile's side"
                )
        if self.audio_projector is not None and self.audio_projector.kind != "audio_swiglu":
            raise CheckpointError(f"config: audio_projector cannot be of kind {self.audio_projector.kind!r}")
        ids = self.special_ids
        for name, value in dataclasses.asdict(ids).items():
            for one in value if isinstance(value, tuple) else (value,):
                check_range(f"special_ids.{name}", one, 0, self.decoder.vocab_size - 1)
        placeholders = {"image": self.clip is not None, "audio": self.whisper is not None}
        taken = [ids.pad, ids.bos, *ids.eos]
        for name in (name for name, used in placeholders.items() if used):
            if (one := getattr(ids, name)) in taken:
                raise CheckpointError(f"config: special_ids.{name} {one} is the id of another special token too")
            taken.append(one)

    def rows_in(self, memory: int, prompt_tokens: int, new_tokens: int, itemsize: int) -> int:
        """How many rows of a batch `memory` bytes hold, a power of two, at least 1: an estimate from the shapes.

        Counts the cache of keys and values, and what one layer holds at its widest while the prompt is
        read or the picture is looked at; the weights are there already.
        """
        decoder, clip = self.decoder, self.clip
        tokens = min(prompt_tokens + new_tokens, decoder.max_position_embeddings)
        cache = decoder.cache_numbers * tokens
        widest = prompt_tokens * (8 * decoder.hidden_size + 3 * decoder.intermediate_size)
        if clip:
            tiles = 1 + max((rows * columns for rows, columns in clip.grids), default=0)
            widest = max(widest, tiles * clip.side**2 * round((8 + 2 * clip.mlp_ratio) * clip.width))
        rows = memory // ((cache + widest + 4 * decoder.vocab_size) * itemsize)
        return 1 << max(rows.bit_length() - 1, 0)


def to_dict(config: Any) -> dict[str, Any]:
    """A config as plain data, ready for JSON."""
    return dataclasses.asdict(config)


def from_dict(kind: type[Any], data: Any, where: str = "config") -> Any:
    """Plain data -> a config of `kind`, strictly.

    Raises:
        CheckpointError: an unknown or missing field, a wrong type, a value out of range.
    """
    if not isinstance(data, dict):
        raise CheckpointError(f"{where}: expected an object, got {type(data).__name__}")
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    unknown = sorted(map(str, set(data) - set(fields)))
    if unknown:
        raise CheckpointError(f"{where}: unknown field {reprlib.repr(unknown[0])}; known: {', '.join(fields)}")
    values = {name: _coerce(hints[name], value, f"{where}.{name}") for name, value in data.items()}
    try:
        return kind(**values)
    except TypeError as error:
        missing = [n for n, f in fields.items() if n not in values and f.default is dataclasses.MISSING]
        raise CheckpointError(f"{where}: missing field {', '.join(missing)}") from error


def _coerce(hint: Any, value: Any, where: str) -> Any:
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None and type(None) in args:
            return None
        (inner,) = (a for a in args if a is not type(None))
        return _coerce(inner, value, where)
    if origin is Literal:
        if value not in args:
            raise CheckpointError(f"{where}: must be one of {', '.join(map(repr, args))}, got {reprlib.repr(value)}")
        return value
    if dataclasses.is_dataclass(hint):
        return from_dict(typing.cast(type, hint), value, where)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise CheckpointError(f"{where}: expected a list, got {reprlib.repr(value)}")
        inner = (args[0],) * len(value) if args[-1] is Ellipsis else args
        if len(inner) != len(value):
            raise CheckpointError(f"{where}: expected {len(inner)} values, got {len(value)}")
        return tuple(_coerce(a, v, f"{where}[{i}]") for i, (a, v) in enumerate(zip(inner, value, strict=True)))
    accepted = (int, float) if hint is float else hint
    if isinstance(value, bool) != (hint is bool) or not isinstance(value, accepted):
        raise CheckpointError(f"{where}: expected {hint.__name__}, got {reprlib.repr(value)}")
    if hint is float and not abs(value) <= sys.float_info.max:
        raise CheckpointError(f"{where}: expected a finite number, got {reprlib.repr(value)}")
    return float(value) if hint is float else value


def _llama(
    layers: int, hidden: int, heads: int, kv_heads: int, mlp: int, vocab: int, length: int,
    theta: float = 10000.0, scaling: RopeScaling | None = None, tied: bool = False, eps: float = 1e-5,
) -> DecoderConfig:  # fmt: skip
    return DecoderConfig(
        vocab, hidden, mlp, layers, heads, kv_heads, hidden // heads, length, eps, theta, scaling, tied
    )  # fmt: skip


_LLAMA31 = RopeScaling("llama3", 8.0, 1.0, 4.0, 8192)
_LLAMA32 = RopeScaling("llama3", 32.0, 1.0, 4.0, 8192)
PRESETS: dict[str, DecoderConfig] = {
    "llama-7b": _llama(32, 4096, 32, 32, 11008, 32000, 2048, eps=1e-6),
    "llama-13b": _llama(40, 5120, 40, 40, 13824, 32000, 2048, eps=1e-6),
    "llama-2-7b": _llama(32, 4096, 32, 32, 11008, 32000, 4096),
    "llama-2-13b": _llama(40, 5120, 40, 40, 13824, 32000, 4096),
    "llama-2-70b": _llama(80, 8192, 64, 8, 28672, 32000, 4096),
    "llama-3-8b": _llama(32, 4096, 32, 8, 14336, 128256, 8192, 500000.0),
    "llama-3-70b": _llama(80, 8192, 64, 8, 28672, 128256, 8192, 500000.0),
    "llama-3.1-8b": _llama(32, 4096, 32, 8, 14336, 128256, 131072, 500000.0, _LLAMA31),
    "llama-3.1-70b": _llama(80, 8192, 64, 8, 28672, 128256, 131072, 500000.0, _LLAMA31),
    "llama-3.1-405b": _llama(126, 16384, 128, 8, 53248, 128256, 131072, 500000.0, _LLAMA31),
    "llama-3.2-1b": _llama(16, 2048, 32, 8, 8192, 128256, 131072, 500000.0, _LLAMA32, tied=True),
    "llama-3.2-3b": _llama(28, 3072, 24, 8, 8192, 128256, 131072, 500000.0, _LLAMA32, tied=True),
    "tinyllama-1.1b": _llama(22, 2048, 32, 4, 5632, 32000, 2048),
    "smollm-135m": _llama(30, 576, 9, 3, 1536, 49152, 2048, tied=True),
    "smollm-360m": _llama(32, 960, 15, 5, 2560, 49152, 2048, tied=True),
}
"""Published Llama shapes by name (model cards of Llama 1 to 3.2, TinyLlama, SmolLM)."""

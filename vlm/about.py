"""What a folder is, from its configs and the headers of its weights: a model, a part for `vlm compose`, an adapter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from encoders.config import ClipConfig, WhisperConfig

from . import adapter_folder, foreign, meta, sources, weight_files
from .adapter_folder import AdapterFolder
from .card import licence_of
from .config import DecoderConfig, ModelConfig, to_dict
from .errors import printable

Row = tuple[str, str]
PARTS = {"clip": "CLIP", "clip_vision_model": "CLIP", "whisper": "Whisper"}
"""What `vlm compose` takes beside a Llama, by `model_type`."""


@dataclass(frozen=True)
class About:
    """`rows`: (what, value) to be read; `data`: the folder's config as plain data."""

    title: str
    rows: list[Row]
    data: dict[str, Any]

    def lines(self) -> list[str]:
        return [self.title, *(f"{what:<10}{printable(value)}" for what, value in self.rows)]


def about(folder: Path, *, allow_pickle: bool = False) -> About:
    """Reads no weight. Raises `CheckpointError`: nothing that is read here."""
    if adapter_folder.is_adapter(folder):
        found = adapter_folder.understood(folder)
        return About(_title(folder.resolve().name, folder), _adapter(found), found.config)
    others = not (meta.is_meta(folder) or foreign.is_ours(folder))
    kind = weight_files.read_json(folder / "config.json").get("model_type") if others else None
    if kind in PARTS:
        return _part(folder, PARTS[kind])
    config, layout, sizes = sources.described(folder, allow_pickle=allow_pickle)
    rows: list[Row] = [("layout", layout), ("decoder", _llama(config.decoder))]
    if config.quantization:
        rows.append(("quantised", f"{config.quantization} (the matrices of the decoder's blocks)"))
    if config.clip:
        rows.append(("vision", _clip(config.clip)))
    if config.whisper:
        rows.append(("audio", _whisper(config.whisper)))
    rows += [("template", config.chat_template), ("ends", _ends(config))]
    rows += [("weights", f"{part:<18}{count / 1e6:8.2f} M") for part, count in sizes.items()]
    stored = sources.stored_in(folder, allow_pickle=allow_pickle)
    return About(_title(config.name, folder), rows + _stored(stored) + _files(folder), to_dict(config))


def _title(name: str, folder: Path) -> str:
    return f"{printable(name)}  ({printable(str(folder))})"


def _llama(decoder: DecoderConfig) -> str:
    scaling, tied = decoder.rope_scaling, ", tied head" if decoder.tie_word_embeddings else ""
    stretched = f", positions stretched ({scaling.rope_type}, {scaling.factor:g}x)" if scaling else ""
    return (
        f"Llama, {decoder.num_hidden_layers} layers of {decoder.hidden_size}, heads {decoder.num_attention_heads}/"
        f"{decoder.num_key_value_heads}, vocabulary {decoder.vocab_size}, context {decoder.max_position_embeddings}"
        f"{tied}{stretched}"
    )


def _clip(clip: ClipConfig) -> str:
    kind = {"clip": "CLIP", "siglip": "SigLIP"}[clip.tower]
    grids = ", ".join(f"{rows}x{columns}" for rows, columns in clip.grids) or "none"
    return (
        f"{kind} ViT, {clip.layers} layers of {clip.width}, tiles of {clip.image_size} px, "
        f"patches of {clip.patch_size}, grids {grids}"
    )


def _whisper(whisper: WhisperConfig) -> str:
    return (
        f"Whisper encoder, {whisper.encoder_layers} layers of {whisper.d_model}, "
        f"windows of {whisper.window_seconds:g} s"
    )


def _ends(config: ModelConfig) -> str:
    return "answers with id " + ", ".join(map(str, config.special_ids.eos))


def _part(folder: Path, kind: str) -> About:
    """A tower or an encoder: a model for nobody, a part for `vlm compose`."""
    data = weight_files.read_json(folder / "config.json")
    if kind == "CLIP":
        config: Any = foreign.clip_config(data, {})
        what: list[Row] = [("vision", _clip(config)), ("use", "vlm compose --vision")]
    else:
        config = foreign.whisper_config(data)
        what = [("audio", _whisper(config)), ("use", "vlm compose --audio (its encoder)")]
    rows: list[Row] = [
        ("layout", f"Hugging Face's {kind}"),
        *what,
        *_stored([weight_files.stored(folder)]),
        *_files(folder),
    ]
    return About(_title(folder.resolve().name, folder), rows, to_dict(config))


def _adapter(found: AdapterFolder) -> list[Row]:
    config, modules = found.config, found.modules
    targets = config["target_modules"]
    scale = "alpha / sqrt(rank)" if found.rslora else "alpha / rank"
    kept = (
        f"{found.base.model} (fingerprint {found.base.fingerprint})" if found.base else "no fingerprint of it is kept"
    )
    return [
        ("layout", "a LoRA adapter in peft's format"),
        ("base", kept),
        ("rank", f"{found.rank}, alpha {found.alpha:g}, scale {scale}"),
        ("targets", targets if isinstance(targets, str) else ", ".join(sorted({t.split(".")[-1] for t in targets}))),
        ("layers", f"{len(modules)} adapted"),
        *_stored([found.stored]),
        *_files(found.folder),
    ]


def _stored(files: Iterable[weight_files.Source]) -> list[Row]:
    """Types in which tensors are stored, those that take most bytes first."""
    sizes: dict[str, int] = {}
    tensors = values = 0
    for source in files:
        for name in source:
            kind, count = source.dtype(name), source.shape(name).numel()
            tensors, values = tensors + 1, values + count
            sizes[str(kind)] = sizes.get(str(kind), 0) + count * kind.itemsize
    ordered = sorted(sizes.items(), key=lambda item: -item[1])
    types = ", ".join(f"{kind.removeprefix('torch.')} {size / 1e6:.2f} MB" for kind, size in ordered)
    return [("stored", f"{tensors} tensors, {values / 1e6:.2f} M values: {types}")]


def _files(folder: Path) -> list[Row]:
    files = [path for path in sorted(folder.iterdir()) if path.is_file()]
    rows: list[Row] = [("licence", licence_of(sources.card_of(folder)) or _licence_file(files))]
    return rows + [("file", f"{printable(path.name):<18}{path.stat().st_size / 1e6:8.2f} MB") for path in files]


def _licence_file(files: list[Path]) -> str:
    named = next(
        (path.name for path in files if path.name.upper().startswith(("LICENSE", "LICENCE", "USE_POLICY"))), ""
    )
    return f"see {named}" if named else "not stated in the folder"

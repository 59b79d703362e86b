"""Parts that others trained: CLIP towers of transformers and open_clip, encoders of Whisper and Ultravox."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from encoders.config import ClipConfig, WhisperConfig

from . import weight_files
from .errors import CheckpointError
from .foreign import Assembled, assembled, clip_config, newest, whisper_config
from .layouts import ULTRAVOX_TOWER, Rows, clip_rows, same_rows

Json = dict[str, Any]
_NOT_EYES = r"^(text_model\.|text_projection|logit_scale|visual_projection)"
_NOT_EARS = r"^(model\.)?(decoder\.|proj_out)"
_NOT_TOWER = r"^(?!visual\.)"


def clip_shape(folder: Path, **changes: Any) -> ClipConfig:
    """Of a CLIP of transformers, or of its vision tower alone.

    Args:
        changes: fields of `ClipConfig` that its folder does not decide.

    Raises:
        CheckpointError: it is something else, or a variant that is not computed here.
    """
    data = weight_files.read_json(folder / "config.json")
    if not isinstance(data, dict) or data.get("model_type") not in ("clip_vision_model", "clip"):
        raise CheckpointError(f"{folder}: no CLIP (clip, clip_vision_model) but {_kind(data)}")
    preprocessing = folder / "preprocessor_config.json"
    found = weight_files.read_json(preprocessing) if preprocessing.exists() else {}
    return clip_config(data, found, **changes)


def clip_tensors(folder: Path, config: ClipConfig, *, allow_pickle: bool = False) -> Assembled:
    """The weights that belong to `clip_shape`. Raises `CheckpointError`."""
    source = weight_files.stored_by_others(folder, allow_pickle=allow_pickle)
    return assembled(source, clip_rows(config.layers), ignored=_NOT_EYES)


def open_clip(name: str, file: Path, **changes: Any) -> tuple[ClipConfig, Assembled]:
    """A tower by open_clip's name for its shape, and a local file with its weights. Raises `CheckpointError`."""
    from encoders.clip import open_clip_model
    from encoders.siglip import UNUSED, siglip_config

    settings = open_clip_model(name)
    if settings is None:
        raise CheckpointError(f"{name}: no model that open_clip knows")
    tower = settings["vision_cfg"]
    source = weight_files.Stored([file])
    rows = same_rows((f"encoders.image.{n}" for n in source if n.startswith("visual.")), "encoders.image.")
    if "timm_model_name" in tower:
        rows = {ours: theirs for ours, theirs in rows.items() if not theirs[0].startswith(UNUSED)}
        return siglip_config(tower, **changes), assembled(source, rows, ignored=f"{_NOT_TOWER}|^{UNUSED}")
    known = {"image_size", "patch_size", "width", "layers", "head_width", "mlp_ratio", "no_ln_pre", "pool_type"}
    if odd := sorted(set(tower) - known):
        raise CheckpointError(f"{name}: open_clip's {odd[0]} is not computed here ({json.dumps(tower[odd[0]])})")
    shape = tower | {"embed_dim": settings["embed_dim"], "quick_gelu": settings.get("quick_gelu", False), "fit": "crop"}
    return ClipConfig(**(shape | changes)), assembled(source, rows, ignored=_NOT_TOWER)


def whisper(
    folder: Path, find: Callable[[str], Path], *, allow_pickle: bool = False
) -> tuple[WhisperConfig, Assembled]:
    """The encoder of a Whisper of transformers, or the one that Ultravox trained.

    Args:
        find: the folder of a model by its name: Ultravox may name the Whisper that it began with, whose shape it has.

    Raises:
        CheckpointError: it is something else, or cannot be read.
    """
    data = weight_files.read_json(folder / "config.json")
    kind = data.get("model_type") if isinstance(data, dict) else None
    source = weight_files.stored_by_others(folder, allow_pickle=allow_pickle)
    names = [newest(name) for name in source]
    if kind == "whisper":
        own, ignored = "encoder.", _NOT_EARS
    elif kind == "ultravox":
        own, ignored = ULTRAVOX_TOWER, rf"^(?!{re.escape(ULTRAVOX_TOWER)})"
        shape = data.get("audio_config")
        if not isinstance(shape, dict) or "d_model" not in shape:
            shape = weight_files.read_json(find(str(data.get("audio_model_id"))) / "config.json")
        data = shape if isinstance(shape, dict) else {}
        if not any(name.startswith(own) for name in names):
            raise CheckpointError(
                f"{folder}: holds no encoder (audio_tower); give the Whisper that it names as --audio"
            )
    else:
        raise CheckpointError(f"{folder}: no Whisper but {_kind(data)}")
    rows: Rows = {f"encoders.audio.encoder.{name.removeprefix(own)}": (name,) for name in names if name.startswith(own)}
    return whisper_config(data), assembled(source, rows, ignored=ignored)


def _kind(data: object) -> str:
    return f"model_type {data.get('model_type')!r}" if isinstance(data, dict) else "no config"

"""Projectors that others trained, without the rest: LLaVA's `mm_projector.bin` after its first stage, Ultravox's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from projector.build import ProjectorConfig

from . import weight_files
from .errors import CheckpointError
from .foreign import Assembled, assembled, made
from .layouts import NEWLINE, ORIGINAL_PROJECTOR, ULTRAVOX_PROJECTOR, ULTRAVOX_TOWER

_GATE_UP = "projectors.audio.gate_up.weight"
_NOT_PROJECTOR = r"^(audio_tower|language_model)\."


def llava(file: Path, *, allow_pickle: bool = False) -> tuple[ProjectorConfig, Assembled]:
    """The two layers that LLaVA's first stage trains, in `mm_projector.bin` or as safetensors.

    A newline, which models with tiles have, is taken where the file holds one.

    Raises:
        CheckpointError: it cannot be read, or is of another projector; lists the tensors.
    """
    source = _source(file, allow_pickle)
    rows = {name: parts for name, parts in ORIGINAL_PROJECTOR.items() if name != NEWLINE or parts[0] in source}
    shapes, get = assembled(source, rows)
    return made(ProjectorConfig, kind="image_mlp", hidden_size=_rows(shapes, "linear_1", "image")), (shapes, get)


def ultravox(path: Path, width: int, *, tower_too: bool = False, allow_pickle: bool = False) -> tuple[
    ProjectorConfig, Assembled
]:  # fmt: skip
    """Ultravox's projector: a file, or a folder with its config.json. Frames stacked follow from its first norm.

    Args:
        width: of the encoder's features.
        tower_too: the encoder is of the same folder. Else one that was trained along is missed.

    Raises:
        CheckpointError: a variant that is not computed here (a norm behind the last layer, another activation than
            SwiGLU), or an encoder that would be left behind; it names what it found.
    """
    if path.is_dir():
        data = weight_files.read_json(path / "config.json")
        _check_variant(data if isinstance(data, dict) else {})
        source: weight_files.Source = weight_files.stored_by_others(path, allow_pickle=allow_pickle)
    else:
        source = _source(path, allow_pickle)
    if not tower_too and any(name.startswith(ULTRAVOX_TOWER) for name in source):
        raise CheckpointError(
            f"{path.name}: its encoder (audio_tower) was trained together with its projector; give the folder as "
            "--audio, too"
        )
    if "multi_modal_projector.ln_post.weight" in source:
        raise CheckpointError(
            f"{path.name}: ln_post, a norm behind the last layer (Ultravox 0.4), is not computed here"
        )
    shapes, get = assembled(source, ULTRAVOX_PROJECTOR, ignored=_NOT_PROJECTOR)
    stacked, hidden = _rows(shapes, "norm_in", "audio"), _rows(shapes, "norm_mid", "audio")
    if stacked % width:
        raise CheckpointError(f"{path.name}: takes {stacked} values at a time, no multiple of the encoder's {width}")
    if _rows(shapes, "gate_up", "audio") != 2 * hidden:
        raise CheckpointError(f"{path.name}: linear_1 gives {shapes[_GATE_UP]}, which is no SwiGLU of {hidden}")

    def get_ours(name: str) -> Tensor:
        found = get(name)
        return torch.cat(found.chunk(2)[::-1]) if name == _GATE_UP else found  # theirs: value, gate; ours: gate, value

    config = made(ProjectorConfig, kind="audio_swiglu", hidden_size=hidden, downsample=stacked // width)
    return config, (shapes, get_ours)


def _check_variant(data: dict[str, Any]) -> None:
    if data.get("model_type") != "ultravox":
        raise CheckpointError(f"config.json: model_type {data.get('model_type')!r} is no Ultravox")
    for name, default, computed in (("projector_act", "swiglu", "swiglu"), ("projector_ln_mid", False, True)):
        if (value := data.get(name, default)) != computed:
            raise CheckpointError(f"config.json: {name} {value!r} is not computed here, only {computed!r}")


def _source(file: Path, allow_pickle: bool) -> weight_files.Source:
    if file.suffix == ".safetensors":
        return weight_files.Stored([file])
    weight_files.check_pickles([file.name], allow_pickle)
    return weight_files.Pickled([file])


def _rows(shapes: dict[str, torch.Size], layer: str, modality: str) -> int:
    size: int = (*shapes[f"projectors.{modality}.{layer}.weight"], 0)[0]
    return size

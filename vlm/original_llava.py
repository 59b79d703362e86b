"""LLaVA as its authors publish it: LLaMA's fields at the top of config.json, those about pictures (`mm_...`) beside.

The tower is named there (`mm_vision_tower`), not described: the folder or hub id of that name has its shape, and its
weights where the model's own files have none.

Source: haotian-liu/LLaVA, `llava_arch.py`, `mm_utils.py`, `multimodal_encoder/clip_encoder.py`.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from encoders.config import ClipConfig
from projector.build import ProjectorConfig

from . import checkpoint, parts, weight_files
from .config import DecoderConfig, ModelConfig
from .errors import CheckpointError
from .foreign import (
    Assembled,
    Foreign,
    assembled,
    both,
    from_the_end,
    given,
    llama_config,
    made,
    only,
    tile_grid,
    unused_newline,
)
from .foreign_tokenizers import chat_template_of, read_tokenizer, special_ids_of
from .layouts import NEWLINE, ORIGINAL_PROJECTOR, ORIGINAL_TOWER, clip_rows, same_rows
from .model import build_empty
from .vocabulary import grown, with_placeholders

Json = dict[str, Any]
_DEFAULTS: Json = {
    "mm_projector_type": "linear", "mm_vision_select_layer": -2, "mm_vision_select_feature": "patch",
    "image_aspect_ratio": "square", "mm_patch_merge_type": "flat", "mm_use_im_start_end": False, "s2": False,
}  # fmt: skip
"""What the authors' code takes where config.json leaves a field out."""


def is_original(data: Any) -> bool:
    """Whether a config.json is of this layout: the one of transformers describes its tower, and names it nowhere."""
    kind = data.get("model_type") if isinstance(data, dict) else None
    return kind == "llava_llama" or (kind == "llava" and "mm_vision_tower" in data)


def understood(
    folder: Path, find: Callable[[str], Path], *, chat_template: str | None = None, allow_pickle: bool = False
) -> Foreign:
    """A folder of this layout.

    Args:
        find: the folder of the tower by its name.

    Raises:
        CheckpointError: a variant that is not computed here, named by field and value; a tower that is not there.
    """
    data = {name: value for name, value in weight_files.read_json(folder / "config.json").items() if value is not None}
    data = _DEFAULTS | data
    only(
        data, "", mm_projector_type="mlp2x_gelu", mm_vision_select_feature="patch", mm_use_im_start_end=False, s2=False,
    )  # fmt: skip
    if "mm_resampler_type" in data:
        raise CheckpointError(f"config.json: mm_resampler_type {data['mm_resampler_type']!r} is not computed here")
    if not isinstance(name := data.get("mm_vision_tower"), str):
        raise CheckpointError("config.json: mm_vision_tower does not name a tower")
    try:
        tower = find(name)
    except CheckpointError as error:
        raise CheckpointError(f"config.json: mm_vision_tower: {error}") from error
    clip = _clip(data, parts.clip_shape(tower))
    old = llama_config(data | {"model_type": "llama"})
    tokenizer = read_tokenizer(folder)
    ids = special_ids_of(folder, data, tokenizer)
    template = chat_template or chat_template_of(folder, tokenizer, ids.image)
    config = with_placeholders(ModelConfig(old, ids, template, name=folder.resolve().name), tokenizer)
    config = replace(config, clip=clip, image_projector=ProjectorConfig("image_mlp", old.hidden_size))
    layout = "the original LLaVA's"
    return Foreign(folder, config, tokenizer, layout, lambda: _tensors(folder, tower, config, old, allow_pickle))


def _clip(data: Json, tower: ClipConfig) -> ClipConfig:
    """The tower as this model uses it."""
    layer, width = data["mm_vision_select_layer"], data.get("mm_hidden_size", tower.width)
    if not isinstance(layer, int) or isinstance(layer, bool):
        raise CheckpointError(f"config.json: mm_vision_select_layer {reprlib.repr(layer)} is no layer")
    if width != tower.width:
        raise CheckpointError(f"config.json: mm_hidden_size {width!r}, but the tower's width is {tower.width}")
    changes: Json = {"feature_layer": from_the_end(layer, tower.layers)}
    match data["image_aspect_ratio"]:
        case "pad":
            changes["fit"] = "pad"
        case "square":  # as the tower's own preprocessing does it
            pass
        case "anyres":
            only(data, "", mm_patch_merge_type="spatial_unpad")
            points = data.get("image_grid_pinpoints")
            if not isinstance(points, list) or not points:
                raise CheckpointError(f"config.json: image_grid_pinpoints {reprlib.repr(points)} is no list of sizes")
            # (width, height) here, (height, width) in transformers
            swapped = [point[::-1] if isinstance(point, list) else point for point in points]
            changes |= {"fit": "squeeze", "grids": tuple(tile_grid(point, tower.image_size) for point in swapped)}
        case other:
            raise CheckpointError(
                f"config.json: image_aspect_ratio {reprlib.repr(other)} is not computed here (pad, square, anyres)"
            )
    clip: ClipConfig = made(ClipConfig, **(asdict(tower) | changes))
    return clip


def _tensors(folder: Path, tower: Path, config: ModelConfig, old: DecoderConfig, allow_pickle: bool) -> Assembled:
    """From the model's files, and from the tower's where those do not hold one."""
    clip = config.clip
    assert clip is not None
    source = weight_files.stored_by_others(folder, allow_pickle=allow_pickle)
    rows = same_rows(checkpoint.state_dict(build_empty(config)), "decoder.") | ORIGINAL_PROJECTOR
    if not clip.grids and ORIGINAL_PROJECTOR[NEWLINE][0] not in source:
        del rows[NEWLINE]
    inside = any(name.startswith(ORIGINAL_TOWER) for name in source)
    if inside:
        rows |= clip_rows(clip.layers, theirs=ORIGINAL_TOWER)
    own = assembled(source, rows, tied=old.tie_word_embeddings)
    eyes = given({}) if inside else parts.clip_tensors(tower, clip, allow_pickle=allow_pickle)
    return both(given(unused_newline(config)), both(grown(own, old, config.decoder), eyes))

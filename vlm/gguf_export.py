"""Models of ours as GGUF files, which llama.cpp runs, and with it Ollama, LM Studio and others.

Two files make a model that sees: the decoder (architecture "llama") with its tokenizer and chat template, and
"mmproj-..." (architecture "clip") with the vision tower up to the layer whose features are used, and the projector
(type "mlp", LLaVA's). What llama.cpp does otherwise is returned in words; what it cannot do at all is refused.

Sources: llama.cpp's `docs/gguf.md`, `conversion/llama.py`, `tools/mtmd/clip.cpp` and `models/llava.cpp`; names of
tensors and keys are those of the `gguf` package.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from gguf import (
    GGML_QUANT_SIZES,
    GGML_QUANT_VERSION,
    MODEL_ARCH,
    GGMLQuantizationType,
    GGUFType,
    GGUFWriter,
    LlamaFileType,
    RopeScalingType,
    TensorNameMap,
    get_tensor_name_map,
    quants,
)
from torch import Tensor

from encoders.config import ClipConfig

from . import checkpoint, manifest
from .config import DecoderConfig, ModelConfig
from .decoder import rope_frequencies
from .errors import InputError
from .export import check_unquantised
from .gguf_tokenizer import add_tokenizer
from .layouts import NEWLINE, clip_rows, interleaved, same_rows
from .model import VLM
from .processor import Processor

_KINDS = {
    "f32": (GGMLQuantizationType.F32, LlamaFileType.ALL_F32),
    "f16": (GGMLQuantizationType.F16, LlamaFileType.MOSTLY_F16),
    "bf16": (GGMLQuantizationType.BF16, LlamaFileType.MOSTLY_BF16),
    "q8_0": (GGMLQuantizationType.Q8_0, LlamaFileType.MOSTLY_Q8_0),
}
"""The type of the matrices -> its number in the file. Norms, biases and embeddings of positions stay float32."""
ClassToken = Literal["first", "last"]
"""LLaVA's tower begins with the class token. Since May 2025 (its pull request 13321) llama.cpp puts it behind the
patches, and then drops the first of them as if it were the class token (its issue 25814; still so in the version
tested here). A file for such builds has the embeddings of positions turned by one, so that each patch has its own.
What is left: the first patch is not seen, the others move up by one, and the class token ends the picture."""
Entries = dict[str, tuple[Tensor, Callable[[Tensor], Tensor] | None]]
"""Their name -> a tensor, and what changes its values (never its shape) as it is written."""
_PROJECTOR = {
    **{f"projectors.image.linear_1.{end}": f"mm.0.{end}" for end in ("weight", "bias")},
    **{f"projectors.image.linear_2.{end}": f"mm.2.{end}" for end in ("weight", "bias")},
}
_PADDING = "squares with a border of grey (122, 116, 104)"
"""What llama.cpp makes of a picture for LLaVA's projector, whatever the model was trained on."""


def to_gguf(
    folder: Path, model: VLM, processor: Processor, *, kind: str = "f16", class_token: ClassToken = "last",
    card: str = "",
) -> list[str]:  # fmt: skip
    """Writes the files `NAME-KIND.gguf` and, where there are eyes, `mmproj-NAME-KIND.gguf`, atomically as one folder.

    Args:
        kind: f32, f16, bf16 or q8_0.
        class_token: where the llama.cpp that will run it puts the tower's class token.

    Returns:
        What is not as here when llama.cpp runs it, a phrase each.

    Raises:
        InputError: a part cannot be expressed there; names it.
        CheckpointError: `folder` holds something else.
    """
    config = processor.config
    check_unquantised(config)
    name = re.sub(r"[^\w.-]+", "-", config.name)
    own = checkpoint.state_dict(model)
    with manifest.atomic_folder(folder) as fresh:
        writer = GGUFWriter(fresh / f"{name}-{kind}.gguf", "llama")
        lost = _describe_decoder(writer, config) + add_tokenizer(writer, processor)
        _write(writer, decoder_tensors(config.decoder, own), kind)
        if config.clip is not None:
            writer = GGUFWriter(fresh / f"mmproj-{name}-{kind}.gguf", "clip")
            lost += _describe_tower(writer, config, config.clip, class_token)
            _write(writer, tower_tensors(config.clip, own, class_token), kind)
        if config.whisper is not None:
            lost.append("sounds: the ears stay behind")
        if card:
            (fresh / "README.md").write_text(card, "utf-8")
    return lost


# --- the decoder ---


def _describe_decoder(writer: GGUFWriter, config: ModelConfig) -> list[str]:
    decoder, lost = config.decoder, list[str]()
    writer.add_type(GGUFType.MODEL)
    writer.add_name(config.name)
    writer.add_vocab_size(decoder.vocab_size)
    writer.add_context_length(decoder.max_position_embeddings)
    writer.add_embedding_length(decoder.hidden_size)
    writer.add_block_count(decoder.num_hidden_layers)
    writer.add_feed_forward_length(decoder.intermediate_size)
    writer.add_head_count(decoder.num_attention_heads)
    writer.add_head_count_kv(decoder.num_key_value_heads)
    writer.add_layer_norm_rms_eps(decoder.rms_norm_eps)
    writer.add_rope_dimension_count(decoder.head_dim)
    writer.add_rope_freq_base(decoder.rope_theta)
    match decoder.rope_scaling and decoder.rope_scaling.rope_type:
        case "linear":
            assert decoder.rope_scaling is not None
            writer.add_rope_scaling_type(RopeScalingType.LINEAR)
            writer.add_rope_scaling_factor(decoder.rope_scaling.factor)
        case "dynamic":
            lost.append(f"positions beyond {decoder.max_position_embeddings}: there is no rope_scaling 'dynamic'")
    return lost


def decoder_tensors(decoder: DecoderConfig, own: Mapping[str, Tensor]) -> Entries:
    """Queries and keys with their rows as llama.cpp turns them: the two of a pair side by side."""
    names = get_tensor_name_map(MODEL_ARCH.LLAMA, decoder.num_hidden_layers)
    turned = {"q_proj": decoder.num_attention_heads, "k_proj": decoder.num_key_value_heads}
    found: Entries = {}
    for ours, (theirs,) in same_rows(own, "decoder.").items():
        heads = turned.get(ours.split(".")[-2])
        change = None if heads is None else partial(interleaved, heads=heads)
        found[_renamed(names, theirs)] = own[ours], change
    if decoder.rope_scaling is not None and decoder.rope_scaling.rope_type == "llama3":
        found["rope_freqs.weight"] = rope_factors(decoder), None
    return found


def rope_factors(decoder: DecoderConfig) -> Tensor:
    """(H/2,) float32: by how much each rotation is slower than it would be without scaling."""
    return rope_frequencies(replace(decoder, rope_scaling=None), 0) / rope_frequencies(decoder, 0)


# --- the eyes ---


def _describe_tower(writer: GGUFWriter, config: ModelConfig, clip: ClipConfig, class_token: ClassToken) -> list[str]:
    """Raises `InputError` where the graph for LLaVA's projector has no field for what this model does."""
    assert config.image_projector is not None
    hidden = int(clip.width * clip.mlp_ratio)
    if clip.tower != "clip":
        raise InputError(f"cannot be exported: clip.tower {clip.tower!r} (LLaVA's there is a CLIP)", "cannot_export")
    if config.image_projector.downsample != 1:
        raise InputError(
            f"cannot be exported: image_projector.downsample {config.image_projector.downsample} "
            "(LLaVA's projector there shuffles no pixels)", "cannot_export",
        )  # fmt: skip
    if hidden == clip.width:
        raise InputError(
            "cannot be exported: clip.mlp_ratio 1.0 (llama.cpp takes such layers for those of old files, "
            "where up and down are exchanged)", "cannot_export",
        )  # fmt: skip
    writer.add_type(GGUFType.MMPROJ)
    writer.add_name(config.name)
    writer.add_clip_has_vision_encoder(True)
    writer.add_clip_projector_type("mlp")
    writer.add_vision_use_gelu(not clip.quick_gelu)
    writer.add_vision_image_size(clip.image_size)
    writer.add_vision_patch_size(clip.patch_size)
    writer.add_vision_image_mean(clip.image_mean)
    writer.add_vision_image_std(clip.image_std)
    writer.add_vision_embedding_length(clip.width)
    writer.add_vision_feed_forward_length(hidden)
    writer.add_vision_head_count(clip.width // clip.head_width)
    writer.add_vision_attention_layernorm_eps(1e-5)
    writer.add_vision_projection_dim(config.decoder.hidden_size)
    writer.add_vision_block_count(_blocks(clip))
    writer.add_array("clip.vision.feature_layer", [_blocks(clip)])  # counted from the tower's input
    lost = []
    if class_token == "last":
        lost.append("the top left patch of a picture: the class token is read instead (llama.cpp's issue 25814)")
    if clip.fit != "pad":
        lost.append(f"pictures that are not square: llama.cpp makes them {_PADDING}; here: {clip.fit}")
    if clip.grids:
        points = [side * clip.image_size for rows, columns in clip.grids for side in (columns, rows)]
        writer.add_array("clip.vision.image_grid_pinpoints", points)
        lost.append("tiles: there one behind the other, then the overview, with padding and no newline token")
    if not clip.quick_gelu:
        lost.append("GELU: by its approximation with tanh there")
    return lost


def _blocks(clip: ClipConfig) -> int:
    """How many blocks of the tower make the features; those behind stay away."""
    return clip.layers + clip.feature_layer + 1


def tower_tensors(clip: ClipConfig, own: Mapping[str, Tensor], class_token: ClassToken) -> Entries:
    """The tower without what follows the features, and the projector."""
    names = get_tensor_name_map(MODEL_ARCH.MMPROJ, _blocks(clip))
    found: Entries = {}
    for ours, parts in clip_rows(_blocks(clip), theirs="vision_tower.vision_model.").items():
        if ours in own and "ln_post" not in ours:
            tensors = own[ours].chunk(len(parts))
            found |= {_renamed(names, part): (t, None) for part, t in zip(parts, tensors, strict=True)}
    if class_token == "last":
        positions, _ = found["v.position_embd.weight"]
        found["v.position_embd.weight"] = positions, partial(torch.roll, shifts=-1, dims=0)
    found |= {theirs: (own[ours], None) for ours, theirs in _PROJECTOR.items()}
    return found | ({"v.image_newline": (own[NEWLINE], None)} if clip.grids else {})


def _renamed(names: TensorNameMap, theirs: str) -> str:
    found = names.get_name(theirs, (".weight", ".bias"))
    assert found is not None, theirs
    return found


# --- the file ---


def _write(writer: GGUFWriter, entries: Entries, kind: str) -> None:
    """Header first, then tensor by tensor: none is held twice but the one that is being written."""
    wanted, file_type = _KINDS[kind]
    writer.add_file_type(file_type)
    if wanted is GGMLQuantizationType.Q8_0:
        writer.add_quantization_version(GGML_QUANT_VERSION)
    types = {name: stored_type(name, tensor.shape, wanted) for name, (tensor, _) in entries.items()}
    for name, (tensor, _) in entries.items():
        block, size = GGML_QUANT_SIZES[types[name]]
        bytes_needed = tensor.numel() // block * size
        writer.add_tensor_info(name, tuple(tensor.shape), np.dtype(np.float32), bytes_needed, types[name])
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for name, (tensor, change) in entries.items():
            values = (tensor if change is None else change(tensor)).float().contiguous().numpy()
            writer.write_tensor_data(_converted(name, values, types[name]))
    finally:
        writer.close()


def stored_type(name: str, shape: tuple[int, ...], wanted: GGMLQuantizationType) -> GGMLQuantizationType:
    """As llama.cpp's converter chooses: what has one axis or is added, not multiplied, stays float32."""
    kinds = GGMLQuantizationType
    if len(shape) < 2 or "position_embd" in name:
        return kinds.F32
    if "patch_embd" in name:  # a convolution, which has no kernel for the other two
        return wanted if wanted in (kinds.F16, kinds.F32) else kinds.F32
    if wanted is kinds.Q8_0 and shape[-1] % GGML_QUANT_SIZES[wanted][0]:
        return kinds.F16
    return wanted


def _converted(name: str, values: np.ndarray, kind: GGMLQuantizationType) -> np.ndarray:
    """Raises `InputError` for a value that the type cannot hold."""
    if kind is not GGMLQuantizationType.F32 and kind is not GGMLQuantizationType.BF16:
        largest = float(np.abs(values).max())
        limit = float(np.finfo(np.float16).max) * (127 if kind is GGMLQuantizationType.Q8_0 else 1)  # of its scales
        if largest > limit:
            raise InputError(
                f"cannot be exported: {name} holds {largest:.3g}, more than {kind.name} can; choose bf16 or f32",
                "cannot_export",
            )
    return quants.quantize(values, kind)

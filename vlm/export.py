"""Models of ours as folders that others load: transformers' Llama, LLaVA and LLaVA-NeXT, and with them vLLM and SGLang.

Carried over are the decoder, the vision tower, its projector, the tokenizer, the preprocessing and the chat
template. What the layout has no place for (the ears; a tower's unused last projection) stands in
`vlm.tensors` beside it with our config in `vlm.json`: others pass it by, and `vlm.load` of the folder
gives the same model again, bit for bit.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from encoders.config import ClipConfig

from . import checkpoint, manifest, weight_files
from .card import written_card
from .config import DecoderConfig, ModelConfig, to_dict
from .errors import InputError
from .foreign import REST, REST_CONFIG, rows_of
from .jinja import as_jinja
from .model import VLM, by_part
from .processor import Processor

Json = dict[str, Any]
DTYPES = {torch.float32: "float32", torch.bfloat16: "bfloat16", torch.float16: "float16"}


def to_hf(
    folder: Path, model: VLM, processor: Processor, *, dtype: torch.dtype | None = None, card: str = "",
) -> list[str]:  # fmt: skip
    """Writes the folder atomically; returns the names of our tensors that others will not see.

    Args:
        card: the model's own, which README.md carries on.

    Raises:
        InputError: a part cannot be expressed there; names it.
        CheckpointError: `folder` holds something else.
    """
    config = processor.config
    check_expressible(config)
    own = {name: t.to(dtype) if dtype else t for name, t in checkpoint.state_dict(model).items()}
    theirs: dict[str, Tensor] = {}
    rows = rows_of(config, own)
    for name, parts in rows.items():
        theirs |= dict(zip(parts, own[name].chunk(len(parts)), strict=True))
    rest = {name: tensor for name, tensor in own.items() if name not in rows}
    with manifest.atomic_folder(folder) as fresh:
        weight_files.write_tensors(fresh, theirs)
        weight_files.write_safetensors(fresh / REST, rest)
        texts = {**files_of(processor, DTYPES[dtype or model.dtype]), REST_CONFIG: to_dict(config)}
        for name, content in texts.items():
            text = content if isinstance(content, str) else json.dumps(content, indent=2, ensure_ascii=False) + "\n"
            (fresh / name).write_text(text, "utf-8")
        processor.tokenizer.backend.save(str(fresh / "tokenizer.json"))
        text = _card(card, config, own, rest)
        (fresh / "README.md").write_text(text, "utf-8")
    return sorted(rest)


def _card(card: str, config: ModelConfig, own: Mapping[str, Tensor], rest: Mapping[str, Tensor]) -> str:
    parameters = by_part({name: tensor.numel() for name, tensor in own.items()})
    ears = "What it hears has no place in this layout: the ears stand in `vlm.tensors`, which only vlm studio reads."
    return written_card(
        card, config, parameters, "transformers", architecture=architecture(config),
        rest=ears if any(".audio." in name for name in rest) else "",
    )  # fmt: skip


def architecture(config: ModelConfig) -> str:
    """transformers' class for it."""
    if config.clip is None:
        return "LlamaForCausalLM"
    return f"{'LlavaNext' if config.clip.grids else 'Llava'}ForConditionalGeneration"


def check_unquantised(config: ModelConfig) -> None:
    """Raises `InputError` for weights in few bits, which nobody else reads as they are stored here."""
    if config.quantization is not None:
        raise InputError(
            f"cannot be exported: its decoder is {config.quantization.name}, a layout of this program alone; "
            "export the model that it was made from",
            "cannot_export",
        )


def check_expressible(config: ModelConfig) -> None:
    """Raises `InputError` where LLaVA's layout has no field for what this model does."""
    check_unquantised(config)
    clip, projector = config.clip, config.image_projector
    if clip is None or projector is None:
        return
    problem = ""
    if projector.hidden_size != config.decoder.hidden_size:
        problem = f"image_projector.hidden_size {projector.hidden_size} (there: {config.decoder.hidden_size})"
    elif projector.downsample != 1:
        problem = f"image_projector.downsample {projector.downsample} (there are no shuffled pixels)"
    elif clip.tower != "clip":
        problem = f"clip.tower {clip.tower!r} (there the tower is a CLIP)"
    elif clip.no_ln_pre:
        problem = "clip.no_ln_pre (there the tower begins with a norm)"
    elif clip.grids and clip.fit != "squeeze":
        problem = f"clip.fit {clip.fit!r} together with tiles"
    if problem:
        raise InputError(f"cannot be exported: {problem}", "cannot_export")


def files_of(processor: Processor, dtype: str) -> dict[str, Json | str]:
    config, tokenizer = processor.config, processor.tokenizer.backend
    ids, clip = config.special_ids, config.clip

    def named(number: int) -> str | None:
        token: str | None = tokenizer.id_to_token(number)
        return token

    image_token = (named(ids.image) if clip else None) or "<image>"
    template = as_jinja(processor.template, image_token, config.system_prompt)
    tokens = {
        f"{name}_token": named(number) for name, number in (("bos", ids.bos), ("eos", ids.eos[0]), ("pad", ids.pad))
    }
    files: dict[str, Json | str] = {
        "generation_config.json": {
            "bos_token_id": ids.bos, "eos_token_id": list(ids.eos), "pad_token_id": ids.pad, "do_sample": False,
        },
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": config.decoder.max_position_embeddings,
            "clean_up_tokenization_spaces": False, "add_bos_token": False, "add_eos_token": False, **tokens,
        },
        "chat_template.jinja": template,
    }  # fmt: skip
    decoder = llama_json(config.decoder, config)
    if clip is None:
        return files | {"config.json": decoder | {"architectures": [architecture(config)], "dtype": dtype}}
    kind, name = ("llava_next", "LlavaNext") if clip.grids else ("llava", "Llava")
    pinpoints = [[rows * clip.image_size, columns * clip.image_size] for rows, columns in clip.grids]
    files["config.json"] = {
        "architectures": [architecture(config)], "model_type": kind, "dtype": dtype,
        "text_config": decoder, "vision_config": clip_json(clip), "image_token_index": ids.image,
        "vision_feature_layer": clip.feature_layer, "vision_feature_select_strategy": "default",
        "projector_hidden_act": "gelu", "multimodal_projector_bias": True, "image_seq_length": clip.side**2,
        "tie_word_embeddings": config.decoder.tie_word_embeddings,
        **({"image_grid_pinpoints": pinpoints} if pinpoints else {}),
    }  # fmt: skip
    files["preprocessor_config.json"] = preprocessing_json(clip) | {"processor_class": f"{name}Processor"}
    files["processor_config.json"] = {
        "processor_class": f"{name}Processor", "image_token": image_token, "patch_size": clip.patch_size,
        "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1,
    }  # fmt: skip
    return files


def llama_json(decoder: DecoderConfig, config: ModelConfig) -> Json:
    """Our decoder's shape as a `LlamaConfig`."""
    fields = dataclasses.asdict(decoder)
    theta, scaling = fields.pop("rope_theta"), decoder.rope_scaling
    rope: Json = {"rope_type": "default"}
    if scaling is not None:
        rope = {"rope_type": scaling.rope_type, "factor": scaling.factor}
        if scaling.rope_type == "llama3":
            rope = dataclasses.asdict(scaling)
    old = None if scaling is None else {**rope, "type": rope["rope_type"]}  # as transformers 4, vLLM and others read it
    ids = config.special_ids
    return fields | {
        "model_type": "llama", "hidden_act": "silu", "attention_bias": False, "mlp_bias": False,
        "rope_theta": theta, "rope_scaling": old, "rope_parameters": rope | {"rope_theta": theta},
        "bos_token_id": ids.bos, "eos_token_id": list(ids.eos) if len(ids.eos) > 1 else ids.eos[0],
        "pad_token_id": ids.pad,
    }  # fmt: skip


def clip_json(clip: ClipConfig) -> Json:
    """Our tower's shape as a `CLIPVisionConfig`."""
    return {
        "model_type": "clip_vision_model", "hidden_size": clip.width,
        "intermediate_size": int(clip.width * clip.mlp_ratio), "num_hidden_layers": clip.layers,
        "num_attention_heads": clip.width // clip.head_width, "image_size": clip.image_size,
        "patch_size": clip.patch_size, "hidden_act": "quick_gelu" if clip.quick_gelu else "gelu",
        "layer_norm_eps": 1e-5, "projection_dim": clip.embed_dim or clip.width, "num_channels": 3,
    }  # fmt: skip


def preprocessing_json(clip: ClipConfig) -> Json:
    """preprocessor_config.json: how a picture becomes pixels."""
    size = clip.image_size
    square = {"height": size, "width": size}
    shared: Json = {
        "image_mean": list(clip.image_mean), "image_std": list(clip.image_std), "resample": 3, "do_rescale": True,
        "rescale_factor": 1 / 255, "do_normalize": True, "do_convert_rgb": True, "do_resize": True, "crop_size": square,
    }  # fmt: skip
    if clip.grids:
        return shared | {
            "image_processor_type": "LlavaNextImageProcessor", "size": {"shortest_edge": size}, "do_center_crop": True,
            "do_pad": True, "image_grid_pinpoints": [[r * size, c * size] for r, c in clip.grids],
        }  # fmt: skip
    match clip.fit:
        case "crop":
            return shared | {
                "image_processor_type": "CLIPImageProcessor", "size": {"shortest_edge": size}, "do_center_crop": True,
            }  # fmt: skip
        case "squeeze":
            return shared | {"image_processor_type": "CLIPImageProcessor", "size": square, "do_center_crop": False}
        case "pad":
            return shared | {
                "image_processor_type": "LlavaImageProcessor", "size": square, "do_center_crop": False, "do_pad": True,
            }  # fmt: skip

"""Model folders that others wrote: which layout it is, its config in our terms, which of their tensors make ours.

Read are Hugging Face's folders of Llama, LLaVA-1.5 and LLaVA-NeXT, and for parts CLIP and Whisper.
Everything is decided by `config.json`, nothing by the name of a folder; what this program cannot
compute exactly (a bias in attention, another activation, sliding windows) is refused by name.
"""

from __future__ import annotations

import re
import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from encoders.config import ClipConfig, WhisperConfig
from projector.build import ProjectorConfig

from . import checkpoint, manifest, weight_files
from .config import DecoderConfig, ModelConfig, RopeScaling
from .errors import CheckpointError
from .foreign_tokenizers import chat_template_of, read_tokenizer, special_ids_of
from .layouts import LLAVA_PROJECTOR, NEWLINE, Rows, clip_rows, same_rows
from .model import VLM, build_empty
from .processor import Processor
from .quantize import while_loading
from .tokenizer import Tokenizer

Json = dict[str, Any]
Assembled = tuple[dict[str, torch.Size], Callable[[str], Tensor]]
"""Shapes of tensors by our names, and how to get one by its name."""

# What transformers' config classes take where config.json leaves a field out (published folders do).
_LLAMA: Json = {
    "vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
    "num_attention_heads": 32, "max_position_embeddings": 2048, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
    "tie_word_embeddings": False, "hidden_act": "silu", "attention_bias": False, "mlp_bias": False,
}  # fmt: skip
_CLIP: Json = {
    "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
    "image_size": 224, "patch_size": 32, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "num_channels": 3,
}  # fmt: skip
_WHISPER: Json = {
    "d_model": 384, "encoder_layers": 4, "encoder_attention_heads": 6, "encoder_ffn_dim": 1536, "num_mel_bins": 80,
    "max_source_positions": 1500, "activation_function": "gelu",
}  # fmt: skip
_LLAVA: Json = {
    "vision_feature_layer": -2, "vision_feature_select_strategy": "default", "projector_hidden_act": "gelu",
    "multimodal_projector_bias": True,
}  # fmt: skip

_OLD_NAMES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(old), new)
    for old, new in (
        (r"^model\.(language_model|vision_tower|multi_modal_projector|image_newline)", r"\1"),  # of modules in memory
        (r"^language_model\.(?!model\.|lm_head)", "language_model.model."),
        (r"^vision_tower\.vision_model\.", "vision_tower."),  # until transformers 4
        (r"^vision_model\.", ""),
        (r"^model\.encoder\.", "encoder."),  # Whisper with its head
    )
)
"""Names of the same tensors in other versions of transformers."""
_BUFFERS = re.compile(r"(^|\.)(rotary_emb\.inv_freq|embeddings\.position_ids)$")
"""Not weights: older versions stored what is computed."""


@dataclass(frozen=True)
class Foreign:
    """A folder understood, no weight read yet."""

    folder: Path
    config: ModelConfig
    tokenizer: Tokenizer
    layout: str
    tensors: Callable[[], Assembled]
    """Opens the files: shapes of all tensors of ours, and how to get one. Raises `CheckpointError`."""


def is_ours(folder: Path) -> bool:
    """Whether config.json is one that this program writes. One that cannot be read may be: its reader will tell."""
    try:
        data = weight_files.read_json(folder / "config.json")
    except CheckpointError:
        return True
    return not isinstance(data, dict) or "model_type" not in data


def understood(folder: Path, *, chat_template: str | None = None, allow_pickle: bool = False) -> Foreign:
    """A whole model (Llama or LLaVA) in Hugging Face's layout.

    Args:
        chat_template: of `vlm.chat.TEMPLATES`; by default what the folder's own template and tokens say.
        allow_pickle: weights may be in `pytorch_model.bin`.

    Raises:
        CheckpointError: another architecture, or a variant that is not computed here; names field and value.
    """
    data = _config(folder)
    match data.get("model_type"):
        case "llama":
            decoder, image, own = llama_config(data), {}, data
        case "llava" | "llava_next" as kind:
            own = {**_LLAVA, **{name: value for name, value in data.items() if value is not None}}
            decoder = llama_config(_part(own, "text_config"))
            image = _llava_parts(folder, own, tiles=kind == "llava_next", hidden_size=decoder.hidden_size)
        case other:
            raise CheckpointError(
                f"config.json: model_type {other!r} is no whole model that is read here (llama, llava, llava_next)"
            )
    tokenizer = read_tokenizer(folder)
    ids = special_ids_of(folder, own, tokenizer)
    template = chat_template or chat_template_of(folder, tokenizer, ids.image if image else None)
    config = ModelConfig(decoder, ids, template, name=folder.resolve().name, **image)
    if (folder / REST_CONFIG).is_file():
        config = _once_ours(folder, config)
    return Foreign(folder, config, tokenizer, "Hugging Face's", lambda: _tensors(folder, config, allow_pickle))


REST, REST_CONFIG = "vlm.tensors", "vlm.json"
"""Beside a folder that this program exported: what the layout has no place for, and the config with it."""


def rows_of(config: ModelConfig, names: Iterable[str]) -> Rows:
    """Which tensors of a Llama or LLaVA folder make which of ours."""
    rows = same_rows(names, "decoder.", "language_model." if config.clip else "")
    if config.clip is not None:
        rows |= clip_rows(config.clip.layers, theirs="vision_tower.")
        rows |= {ours: theirs for ours, theirs in LLAVA_PROJECTOR.items() if config.clip.grids or ours != NEWLINE}
    return rows


def _once_ours(folder: Path, found: ModelConfig) -> ModelConfig:
    """The config that an export kept beside the layout's own. The two must tell of the same model."""
    kept = checkpoint.load_config(folder, REST_CONFIG)
    if kept.decoder != found.decoder or (kept.clip is None) != (found.clip is None):
        raise CheckpointError(f"{REST_CONFIG} is of another model than config.json; remove it to use config.json alone")
    return kept


def load(
    found: Foreign, *, dtype: torch.dtype | None = None, device: torch.device | str = "cpu",
    allow_nonfinite: bool = False, quantize: str | None = None,
) -> tuple[VLM, Processor]:  # fmt: skip
    """As `checkpoint.load`, of a folder that others wrote. Raises `CheckpointError`."""
    manifest.verify_manifest(found.folder)  # there is one where this program wrote the folder
    parts = found.config, *found.tensors()
    config, shapes, fetch = while_loading(*parts, quantize) if quantize else parts
    processor = Processor(config, found.tokenizer)
    model = checkpoint.filled(config, shapes, fetch, dtype=dtype, device=device, allow_nonfinite=allow_nonfinite)
    return model, processor


def _tensors(folder: Path, config: ModelConfig, allow_pickle: bool) -> Assembled:
    rows = rows_of(config, checkpoint.state_dict(build_empty(config)))
    source = weight_files.stored_by_others(folder, allow_pickle=allow_pickle)
    found = assembled(source, rows, tied=config.decoder.tie_word_embeddings)
    if (folder / REST_CONFIG).is_file():
        rest = weight_files.Stored([folder / REST])
        return both(found, ({name: rest.shape(name) for name in rest}, rest.__getitem__))
    return both(found, given(unused_newline(config)))


def unused_newline(config: ModelConfig) -> dict[str, Tensor]:
    """A tensor of ours that layouts without tiles lack: one token, which no picture without tiles uses."""
    if config.clip is None or config.clip.grids:
        return {}
    return {NEWLINE: torch.zeros(config.decoder.hidden_size)}


def given(tensors: Mapping[str, Tensor]) -> Assembled:
    return {name: tensor.shape for name, tensor in tensors.items()}, tensors.__getitem__


def both(one: Assembled, other: Assembled) -> Assembled:
    """The tensors of two; a name that both have is the second's."""
    (shapes, get), (more, get_more) = one, other
    return shapes | more, lambda name: get_more(name) if name in more else get(name)


def assembled(source: weight_files.Source, rows: Rows, *, tied: bool = False, ignored: str = "$^") -> Assembled:
    """Shapes of our tensors, and how to get one: theirs under their newest names, joined along the first axis.

    Args:
        tied: a head that is stored all the same must equal the embedding.
        ignored: a regular expression for tensors of parts that are not wanted.

    Raises:
        CheckpointError: lists tensors that are missing, or that no row asks for.
    """
    unwanted = re.compile(ignored)
    rows = {ours: tuple(map(newest, parts)) for ours, parts in rows.items()}
    stored_as = {newest(n): n for n in source if not (_BUFFERS.search(n) or unwanted.search(n))}
    asked = {name for parts in rows.values() for name in parts}
    if tied:  # some folders hold the tied head, too
        head = next((name for name in stored_as if name.endswith("lm_head.weight") and name not in asked), None)
        if head is not None:
            _check_tied(source, stored_as[head], stored_as.get(head.replace("lm_head", "model.embed_tokens")))
            del stored_as[head]
    nothing = torch.Size()
    checkpoint.check_names(dict.fromkeys(asked, nothing), dict.fromkeys(stored_as, nothing))

    def shape(parts: tuple[str, ...]) -> torch.Size:
        shapes = [source.shape(stored_as[name]) for name in parts]
        first = shapes[0]
        return first if len(shapes) == 1 else torch.Size([sum(s[0] for s in shapes if s), *first[1:]])

    def fetch(name: str) -> Tensor:
        parts = [source[stored_as[part]] for part in rows[name]]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    return {ours: shape(parts) for ours, parts in rows.items()}, fetch


def newest(name: str) -> str:
    for old, new in _OLD_NAMES:
        name = old.sub(new, name)
    return name


def _check_tied(source: weight_files.Source, head: str, embedding: str | None) -> None:
    if embedding is not None and not torch.equal(source[head], source[embedding]):
        raise CheckpointError(f"tensor {head!r} differs from {embedding!r}, but config.json ties them")


# --- configs ---------------------------------------------------------------------------------------


def _config(folder: Path) -> Json:
    data = weight_files.read_json(folder / "config.json")
    if not isinstance(data, dict):
        raise CheckpointError("config.json: not an object")
    return data


def _part(data: Json, name: str) -> Json:
    if not isinstance(found := data.get(name), dict):
        raise CheckpointError(f"config.json: has no {name}")
    return found


def only(data: Json, where: str, **accepted: Any) -> None:
    """Raises `CheckpointError` for a field with another value than the one that is computed here."""
    for name, value in accepted.items():
        if data.get(name, value) != value:
            raise CheckpointError(f"config.json: {where}{name} {data[name]!r} is not computed here, only {value!r}")


def _filled(defaults: Json, data: Json) -> Json:
    """With defaults where a field is left out or null. Raises `CheckpointError` for one of another type."""
    found = {**defaults, **{name: value for name, value in data.items() if value is not None}}
    for name, default in defaults.items():
        value = found[name]
        kinds = (int, float) if isinstance(default, float) else (type(default),)
        if not isinstance(value, kinds) or isinstance(value, bool) != isinstance(default, bool):
            raise CheckpointError(
                f"config.json: {name} must be of type {kinds[-1].__name__}, got {reprlib.repr(value)}"
            )
    return found


def llama_config(data: Json) -> DecoderConfig:
    """`LlamaConfig` -> ours. Raises `CheckpointError`."""
    data = _filled(_LLAMA, data)
    only(data, "", model_type="llama", hidden_act="silu", attention_bias=False, mlp_bias=False)
    heads = data["num_attention_heads"]
    rope: Json = {}
    for name in ("rope_scaling", "rope_parameters"):  # until transformers 4, and since 5
        if not isinstance(part := data.get(name, {}), dict):
            raise CheckpointError(f"config.json: {name} is not an object")
        rope |= part
    theta = rope.get("rope_theta", data["rope_theta"])
    length = data["max_position_embeddings"]
    return made(
        DecoderConfig,
        vocab_size=data["vocab_size"], hidden_size=data["hidden_size"], intermediate_size=data["intermediate_size"],
        num_hidden_layers=data["num_hidden_layers"], num_attention_heads=heads,
        num_key_value_heads=data.get("num_key_value_heads", heads),
        head_dim=data.get("head_dim") or data["hidden_size"] // max(heads, 1),
        max_position_embeddings=length, rms_norm_eps=data["rms_norm_eps"],
        rope_theta=theta, rope_scaling=_rope_scaling(rope, length),
        tie_word_embeddings=data["tie_word_embeddings"],
    )  # fmt: skip


def _rope_scaling(rope: Json, length: int) -> RopeScaling | None:
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind == "default":
        return None
    if kind not in ("linear", "dynamic", "llama3"):
        raise CheckpointError(f"config.json: rope_type {kind!r} is not computed here (linear, dynamic, llama3)")
    names = ("low_freq_factor", "high_freq_factor", "original_max_position_embeddings")
    given = {name: rope[name] for name in names if name in rope and kind == "llama3"}
    return made(RopeScaling, **({"rope_type": kind, "factor": rope.get("factor", 0)} | given))


def clip_config(data: Json, preprocessing: Json, **changes: Any) -> ClipConfig:
    """`CLIPVisionConfig` (or a `CLIPConfig` that holds one) and a preprocessor_config.json -> ours."""
    data = _filled(_CLIP, _part(data, "vision_config") if "vision_config" in data else data)
    only(data, "vision_config.", layer_norm_eps=1e-5, num_channels=3, attention_dropout=0.0)
    if data["hidden_act"] not in ("quick_gelu", "gelu"):
        raise CheckpointError(f"config.json: vision_config.hidden_act {data['hidden_act']!r} is not computed here")
    only(preprocessing, "of preprocessing, ", resample=3, do_rescale=True, do_normalize=True, rescale_factor=1 / 255)
    colours = {
        name: tuple(map(float, preprocessing[name])) for name in ("image_mean", "image_std") if name in preprocessing
    }
    width, heads = data["hidden_size"], data["num_attention_heads"]
    if heads < 1 or width % heads:
        raise CheckpointError(
            f"config.json: vision_config.num_attention_heads {heads} does not divide hidden_size {width}"
        )
    shape = {
        "image_size": data["image_size"], "patch_size": data["patch_size"], "width": width,
        "layers": data["num_hidden_layers"], "head_width": width // heads,
        "mlp_ratio": data["intermediate_size"] / max(width, 1), "embed_dim": 0,
        "quick_gelu": data["hidden_act"] == "quick_gelu", "fit": fit_of(preprocessing),
    }  # fmt: skip
    return made(ClipConfig, **(shape | colours | changes))


def fit_of(preprocessing: Json) -> str:
    """How a preprocessor_config.json makes a picture square; CLIP's way where it says nothing."""
    if preprocessing.get("do_pad") and "LlavaNext" not in str(preprocessing.get("image_processor_type")):
        return "pad"
    size = preprocessing.get("size")
    squeezed = isinstance(size, dict) and "height" in size
    return "squeeze" if squeezed and not preprocessing.get("do_center_crop") else "crop"


def whisper_config(data: Json) -> WhisperConfig:
    """transformers' `WhisperConfig` -> ours."""
    data = _filled(_WHISPER, data)
    only(data, "", model_type="whisper", activation_function="gelu", scale_embedding=False)
    names = (
        "d_model", "encoder_layers", "encoder_attention_heads", "encoder_ffn_dim", "num_mel_bins",
        "max_source_positions",
    )  # fmt: skip
    return made(WhisperConfig, **{name: data[name] for name in names})


def _llava_parts(folder: Path, data: Json, *, tiles: bool, hidden_size: int) -> Json:
    """`clip` and `image_projector` of a `LlavaConfig` or `LlavaNextConfig`."""
    only(
        data, "", vision_feature_select_strategy="default", projector_hidden_act="gelu", multimodal_projector_bias=True
    )
    vision = _part(data, "vision_config")
    if vision.get("model_type", "clip_vision_model") != "clip_vision_model":
        raise CheckpointError(f"config.json: a vision tower of type {vision['model_type']!r} is not read here")
    layer = data["vision_feature_layer"]
    if not isinstance(layer, int):
        raise CheckpointError(f"config.json: vision_feature_layer {layer!r}: features of one layer are computed here")
    shape = _filled(_CLIP, vision)
    changes: Json = {"feature_layer": from_the_end(layer, shape["num_hidden_layers"])}
    if tiles:
        size = max(shape["image_size"], 1)
        changes |= {"grids": tuple(tile_grid(point, size) for point in data.get("image_grid_pinpoints") or _PINPOINTS)}
        changes["fit"] = "squeeze"
    preprocessing = folder / "preprocessor_config.json"
    processor = folder / "processor_config.json"  # where transformers 5 keeps it
    found = weight_files.read_json(preprocessing) if preprocessing.exists() else {}
    if not found and processor.exists():
        found = weight_files.read_json(processor).get("image_processor", {})
    return {
        "clip": clip_config(vision, found, **changes),
        "image_projector": ProjectorConfig("image_mlp", hidden_size),
    }


def from_the_end(layer: int, layers: int) -> int:
    """A layer of `hidden_states`, which begin with the embeddings, counted as we do: -1 is the last block."""
    return layer if layer < 0 else layer - layers - 1


_PINPOINTS = [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]]
"""LLaVA-NeXT's own, for a folder that names none."""


def tile_grid(point: Any, size: int) -> tuple[int, int]:
    """(height, width) in pixels -> (rows, columns) of tiles. Raises `CheckpointError`."""
    sound = isinstance(point, list) and len(point) == 2 and all(isinstance(side, int) for side in point)
    height, width = point if sound else (1, 1)
    if not sound or height % size or width % size:
        raise CheckpointError(
            f"config.json: image_grid_pinpoints {reprlib.repr(point)} are no whole tiles of {size} pixels"
        )
    return height // size, width // size


def made(kind: Any, /, **values: Any) -> Any:
    """A config of ours, its ranges checked. Raises `CheckpointError`."""
    try:
        return kind(**values)
    except CheckpointError:
        raise
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"config.json: {str(error).removeprefix('config: ')}") from error

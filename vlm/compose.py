"""A new model from trained parts: a Llama, a CLIP tower, a Whisper encoder, and fresh projectors between them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from encoders.config import ClipConfig, WhisperConfig
from projector.build import ProjectorConfig

from . import checkpoint, foreign
from .config import ModelConfig
from .errors import CheckpointError, InputError
from .layouts import Rows, clip_rows, same_rows
from .model import VLM, build_model
from .processor import Processor
from .sources import find
from .tokenizer import Tokenizer

PLACEHOLDERS = {"image": "<|vlm_image|>", "audio": "<|vlm_audio|>"}
"""Control tokens added to the decoder's vocabulary: features take their place, their embeddings are not used."""
ROUND = 64
"""The vocabulary grows to a multiple of this, as kernels like it."""
Fetch = Callable[[str], Tensor]


def composed(
    decoder: str, *, vision: str | None = None, audio: str | None = None, chat_template: str | None = None,
    grids: tuple[tuple[int, int], ...] = (), stack: int = 8, seed: int = 0, dtype: torch.dtype = torch.bfloat16,
) -> tuple[VLM, Processor]:  # fmt: skip
    """The parts' weights as they are, projectors from `seed`, two control tokens more in the vocabulary.

    Args:
        decoder: a Llama in Hugging Face's layout. vision: a CLIP folder, or NAME:FILE of open_clip.
            audio: a Whisper folder. Each may be an id on the hub.
        grids: (rows, columns) of the tiles beside the overview.
        stack: frames of sound that make one token.

    Raises:
        CheckpointError: a part cannot be read. InputError: there is nothing to put together.
    """
    if vision is None and audio is None:
        raise InputError("nothing to compose: give --vision, --audio or both", "bad_option")
    llama = foreign.understood(find(decoder), chat_template=chat_template)
    width = llama.config.decoder.hidden_size
    config, tokenizer = with_placeholders(llama.config, llama.tokenizer)
    shapes, fetch = foreign.tensors_of(llama)
    if vision is not None:
        clip, more, get = _eyes(vision, grids)
        config = replace(config, clip=clip, image_projector=ProjectorConfig("image_mlp", width))
        shapes, fetch = shapes | more, _first(more, get, fetch)
    if audio is not None:
        whisper, more, get = _ears(audio)
        config = replace(config, whisper=whisper, audio_projector=ProjectorConfig("audio_swiglu", width, stack))
        shapes, fetch = shapes | more, _first(more, get, fetch)
    processor = Processor(config, tokenizer)
    projectors = _fresh_projectors(config, seed)
    shapes |= {name: tensor.shape for name, tensor in projectors.items()}
    fetch = _first(projectors, projectors.__getitem__, fetch)
    grown = {"decoder.model.embed_tokens.weight", "decoder.lm_head.weight"} & set(shapes)
    rows = config.decoder.vocab_size
    shapes |= {name: torch.Size([rows, width]) for name in grown}
    fetch = _first(grown, _grown(fetch, rows), fetch)
    return checkpoint.filled(config, shapes, fetch, dtype=dtype), processor


def with_placeholders(config: ModelConfig, tokenizer: Tokenizer) -> tuple[ModelConfig, Tokenizer]:
    """Control tokens for pictures and sounds at the end of the vocabulary, which grows where it has no room left."""
    tokenizer.add_controls(PLACEHOLDERS.values())
    image, audio = (tokenizer.control(PLACEHOLDERS[name]) for name in ("image", "audio"))
    needed = max(len(tokenizer), config.decoder.vocab_size)
    vocab_size = config.decoder.vocab_size if needed == config.decoder.vocab_size else -(-needed // ROUND) * ROUND
    special = replace(config.special_ids, image=image, audio=audio)
    return replace(config, decoder=replace(config.decoder, vocab_size=vocab_size), special_ids=special), tokenizer


def _grown(fetch: Fetch, rows: int) -> Fetch:
    """New rows are the mean of the old ones: as probable as anything, so that no answer begins with them."""

    def get(name: str) -> Tensor:
        old = fetch(name)
        missing = rows - len(old)
        return old if not missing else torch.cat((old, old.float().mean(0).to(old.dtype).expand(missing, -1)))

    return get


def _fresh_projectors(config: ModelConfig, seed: int) -> dict[str, Tensor]:
    """Of a model with a decoder of one small layer: projectors depend on nothing but the widths."""
    ids = replace(config.special_ids, pad=0, bos=1, eos=(2,), image=3, audio=4)
    decoder = replace(config.decoder, num_hidden_layers=1, intermediate_size=1, vocab_size=8)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = build_model(replace(config, decoder=decoder, special_ids=ids))
    return {f"projectors.{name}": tensor for name, tensor in model.projectors.state_dict().items()}


def _eyes(name: str, grids: tuple[tuple[int, int], ...]) -> tuple[ClipConfig, dict[str, torch.Size], Fetch]:
    shape, _, file = name.partition(":")
    if file.endswith(".safetensors"):
        return _open_clip(shape, file, grids)
    folder = find(name)
    data = checkpoint.read_json(folder / "config.json")
    if not isinstance(data, dict) or data.get("model_type") not in ("clip_vision_model", "clip"):
        raise CheckpointError(f"{name}: no CLIP (clip, clip_vision_model) but {_kind(data)}")
    preprocessing = folder / "preprocessor_config.json"
    found = checkpoint.read_json(preprocessing) if preprocessing.exists() else {}
    clip = foreign.clip_config(data, found, grids=grids, **({"fit": "squeeze"} if grids else {}))
    return clip, *foreign.assembled(checkpoint.stored(folder), clip_rows(clip.layers), ignored=_NOT_EYES)


_NOT_EYES = r"^(text_model\.|text_projection|logit_scale|visual_projection)"
_NOT_EARS = r"^(model\.)?(decoder\.|proj_out)"
_NOT_TOWER = r"^(?!visual\.)"


def _open_clip(
    name: str, file: str, grids: tuple[tuple[int, int], ...]
) -> tuple[ClipConfig, dict[str, torch.Size], Fetch]:
    """A tower by open_clip's name for its shape, and a local file with its weights."""
    from encoders.clip import open_clip_model

    settings = open_clip_model(name)
    if settings is None:
        raise CheckpointError(f"{name}: no model that open_clip knows")
    tower = settings["vision_cfg"]
    known = {"image_size", "patch_size", "width", "layers", "head_width", "mlp_ratio", "no_ln_pre", "pool_type"}
    if odd := sorted(set(tower) - known):
        raise CheckpointError(f"{name}: open_clip's {odd[0]} is not computed here ({json.dumps(tower[odd[0]])})")
    clip = ClipConfig(
        **tower, embed_dim=settings["embed_dim"], quick_gelu=settings.get("quick_gelu", False), grids=grids,
        fit="squeeze" if grids else "crop",
    )  # fmt: skip
    source = checkpoint.Stored([Path(file)])
    names = {f"encoders.image.{n}" for n in source if n.startswith("visual.")}
    rows = same_rows(names, "encoders.image.")
    return clip, *foreign.assembled(source, rows, ignored=_NOT_TOWER)


def _ears(name: str) -> tuple[WhisperConfig, dict[str, torch.Size], Fetch]:
    folder = find(name)
    data = checkpoint.read_json(folder / "config.json")
    if not isinstance(data, dict) or data.get("model_type") != "whisper":
        raise CheckpointError(f"{name}: no Whisper but {_kind(data)}")
    whisper = foreign.whisper_config(data)
    source = checkpoint.stored(folder)
    names = (foreign.newest(n) for n in source)
    rows: Rows = same_rows((f"encoders.audio.{n}" for n in names if n.startswith("encoder.")), "encoders.audio.")
    return whisper, *foreign.assembled(source, rows, ignored=_NOT_EARS)


def _kind(data: object) -> str:
    return f"model_type {data.get('model_type')!r}" if isinstance(data, dict) else "no config"


def _first(names: Iterable[str], get: Fetch, otherwise: Fetch) -> Fetch:
    own = frozenset(names)
    return lambda name: get(name) if name in own else otherwise(name)

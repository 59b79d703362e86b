"""A new model from trained parts: a Llama, a CLIP tower, a Whisper encoder, and fresh projectors between them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from encoders.config import ClipConfig
from projector.build import ProjectorConfig

from . import checkpoint, foreign, parts, projectors
from .config import ModelConfig
from .errors import InputError
from .model import VLM, build_model
from .processor import Processor
from .sources import find, understood
from .vocabulary import grown, with_placeholders


def composed(
    decoder: str, *, vision: str | None = None, audio: str | None = None, image_projector: str | None = None,
    audio_projector: str | None = None, chat_template: str | None = None, grids: tuple[tuple[int, int], ...] = (),
    stack: int = 8, seed: int = 0, dtype: torch.dtype = torch.bfloat16, allow_pickle: bool = False,
) -> tuple[VLM, Processor]:  # fmt: skip
    """The parts' weights as they are, fresh projectors from `seed`, two control tokens more in the vocabulary.

    Args:
        decoder: a Llama in Hugging Face's layout or Meta's. vision: a CLIP folder, or NAME:FILE of open_clip.
            audio: a Whisper or Ultravox folder. Each may be an id on the hub.
        image_projector: LLaVA's mm_projector.bin, in place of a fresh one. audio_projector: a folder or file of
            Ultravox.
        grids: (rows, columns) of the tiles beside the overview.
        stack: frames of sound that make one token, where the projector is fresh.
        allow_pickle: read weights that torch.save wrote; nothing in them is run.

    Raises:
        CheckpointError: a part cannot be read. InputError: there is nothing to put together.
    """
    if vision is None and audio is None:
        raise InputError("nothing to compose: give --vision, --audio or both", "bad_option")
    for name, value, part in (("image", image_projector, vision), ("audio", audio_projector, audio)):
        if value is not None and part is None:
            raise InputError(f"--{name}-projector: needs the encoder whose features it takes", "bad_option")
    get = partial(find, allow_pickle=allow_pickle)
    llama = understood(get(decoder), chat_template=chat_template, allow_pickle=allow_pickle)
    width = llama.config.decoder.hidden_size
    config = with_placeholders(llama.config, llama.tokenizer)
    tensors = grown(llama.tensors(), llama.config.decoder, config.decoder)
    trained = foreign.given({})
    if vision is not None:
        clip, eyes = _eyes(vision, grids, allow_pickle)
        projector = ProjectorConfig("image_mlp", width)
        if image_projector is not None:
            projector, trained = projectors.llava(Path(image_projector), allow_pickle=allow_pickle)
        config = replace(config, clip=clip, image_projector=projector)
        tensors = foreign.both(tensors, eyes)
    if audio is not None:
        folder = get(audio)
        whisper, ears = parts.whisper(folder, get, allow_pickle=allow_pickle)
        projector = ProjectorConfig("audio_swiglu", width, stack)
        if audio_projector is not None:
            path = Path(audio_projector) if Path(audio_projector).is_file() else get(audio_projector)
            projector, more = projectors.ultravox(
                path,
                whisper.d_model,
                tower_too=folder.resolve() in (path.resolve(), path.resolve().parent),
                allow_pickle=allow_pickle,
            )
            trained = foreign.both(trained, more)
        config = replace(config, whisper=whisper, audio_projector=projector)
        tensors = foreign.both(tensors, ears)
    processor = Processor(config, llama.tokenizer)
    tensors = foreign.both(tensors, foreign.both(foreign.given(_fresh_projectors(config, seed)), trained))
    return checkpoint.filled(config, *tensors, dtype=dtype), processor


def _fresh_projectors(config: ModelConfig, seed: int) -> dict[str, Tensor]:
    """Of a model with a decoder of one small layer: projectors depend on nothing but the widths."""
    ids = replace(config.special_ids, pad=0, bos=1, eos=(2,), image=3, audio=4)
    decoder = replace(config.decoder, num_hidden_layers=1, intermediate_size=1, vocab_size=8)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = build_model(replace(config, decoder=decoder, special_ids=ids))
    return {f"projectors.{name}": tensor for name, tensor in model.projectors.state_dict().items()}


def _eyes(name: str, grids: tuple[tuple[int, int], ...], allow_pickle: bool) -> tuple[ClipConfig, foreign.Assembled]:
    tiled = {"grids": grids, **({"fit": "squeeze"} if grids else {})}
    shape, _, file = name.partition(":")
    if file.endswith(".safetensors"):
        return parts.open_clip(shape, Path(file), **tiled)
    folder = find(name, allow_pickle=allow_pickle)
    clip = parts.clip_shape(folder, **tiled)
    return clip, parts.clip_tensors(folder, clip, allow_pickle=allow_pickle)

"""What a model's name stands for: the embedded one, a folder of ours or of others, an id on the hub; and loading it."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from . import checkpoint, foreign, manifest, meta, original_llava, weight_files
from .config import ModelConfig
from .errors import CheckpointError
from .model import VLM, by_part
from .processor import Processor, with_template
from .quantize import numbers

_HUB_ID = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)
_FILES = ("*.safetensors", "*.safetensors.index.json", "*.json", "*.jinja", "tokenizer.model", "*.tiktoken", "*.md")
"""What is taken from the hub: data, never code."""
_PICKLES = ("pytorch_model*.bin", "consolidated.*.pth")
"""Also, where there are no safetensors and pickles are allowed."""


def find(name_or_path: str | os.PathLike[str] = checkpoint.DEFAULT, *, allow_pickle: bool = False, **hub: Any) -> Path:
    """The folder of a model. An id `org/name` that is no folder here is looked up on the Hugging Face hub.

    Args:
        hub: of `huggingface_hub.snapshot_download`: revision, token, cache_dir, local_files_only, force_download.

    Raises:
        CheckpointError: there is no such folder, or it cannot be had; says what to do.
    """
    name = os.fspath(name_or_path)
    if name == checkpoint.DEFAULT or os.path.isdir(name) or not _HUB_ID.fullmatch(name) or name.startswith("."):  # noqa: PTH112
        return checkpoint.resolve(name_or_path)
    return _from_hub(name, allow_pickle, **hub)


def _from_hub(name: str, allow_pickle: bool, **hub: Any) -> Path:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, allow_patterns=list(_FILES), **hub))
        if allow_pickle and not any(folder.glob("*.safetensors")):
            folder = Path(snapshot_download(name, allow_patterns=[*_FILES, *_PICKLES], **hub))
        return folder
    except (LocalEntryNotFoundError, HfHubHTTPError, HFValidationError, OSError) as error:
        if constants.HF_HUB_OFFLINE:
            why = "it is not in this machine's cache, and HF_HUB_OFFLINE is set"
        elif isinstance(error, HfHubHTTPError) and not isinstance(error, LocalEntryNotFoundError):
            why = f"the hub refused it ({type(error).__name__})"
        else:
            why = "it is not in this machine's cache, and the hub cannot be reached"
        raise CheckpointError(
            f"{name}: no such folder; as an id on the Hugging Face hub: {why}. Where there is a network, run "
            f"'hf download {name}' and give the folder that it prints, or copy it into the cache here"
        ) from error


def understood(folder: Path, *, chat_template: str | None = None, allow_pickle: bool = False) -> foreign.Foreign:
    """A whole model that others wrote, in whichever layout. Raises `CheckpointError`."""
    if meta.is_meta(folder):
        found = meta.understood(folder, chat_template=chat_template, allow_pickle=allow_pickle)
    elif original_llava.is_original(weight_files.read_json(folder / "config.json")):
        get = partial(find, allow_pickle=allow_pickle)
        found = original_llava.understood(folder, get, chat_template=chat_template, allow_pickle=allow_pickle)
    else:
        found = foreign.understood(folder, chat_template=chat_template, allow_pickle=allow_pickle)
    return (
        replace(found, config=with_template(found.config, found.tokenizer, chat_template)) if chat_template else found
    )


def _ours(folder: Path) -> bool:
    return not meta.is_meta(folder) and foreign.is_ours(folder)


def load(
    name_or_path: str | os.PathLike[str] = checkpoint.DEFAULT, *, dtype: torch.dtype | None = None,
    device: torch.device | str = "cpu", allow_nonfinite: bool = False, allow_pickle: bool = False,
    quantize: str | None = None, chat_template: str | None = None,
) -> tuple[VLM, Processor]:  # fmt: skip
    """Model in `eval()` and processor of whatever `find` finds; arguments as `checkpoint.load`'s."""
    folder = find(name_or_path, allow_pickle=allow_pickle)
    if _ours(folder):
        return checkpoint.load(
            folder, dtype=dtype, device=device, allow_nonfinite=allow_nonfinite, quantize=quantize,
            chat_template=chat_template,
        )  # fmt: skip
    found = understood(folder, chat_template=chat_template, allow_pickle=allow_pickle)
    return foreign.load(found, dtype=dtype, device=device, allow_nonfinite=allow_nonfinite, quantize=quantize)


EMBEDDED_LICENCE = "apache-2.0"


def card_of(folder: Path) -> str:
    """A model's card as Markdown, with what its front matter says; empty where there is none."""
    card = manifest.model_card(folder)
    return f"---\nlicense: {EMBEDDED_LICENCE}\n---\n\n{card}" if folder == checkpoint.resolve() else card


def described(folder: Path, *, allow_pickle: bool = False) -> tuple[ModelConfig, str, dict[str, int]]:
    """Config, layout and the parameters of each part, from config.json and the headers of the weights alone."""
    if _ours(folder):
        config, layout = checkpoint.load_config(folder), "this program's"
        source = weight_files.stored(folder)
        shapes = {name: source.shape(name) for name in source}
    else:
        found = understood(folder, allow_pickle=allow_pickle)
        config, layout = found.config, found.layout
        shapes, _ = found.tensors()
    return config, layout, by_part(numbers(shapes, config.quantization))


def stored_in(folder: Path, *, allow_pickle: bool = False) -> list[weight_files.Source]:
    """The tensors of a folder as they lie there; of Meta's layout what each process had."""
    if meta.is_meta(folder):
        return list(meta.parts_of(folder, allow_pickle=allow_pickle).values())
    return [weight_files.stored_by_others(folder, allow_pickle=allow_pickle)]


def dtype_of(folder: Path, *, allow_pickle: bool = False) -> torch.dtype:
    """The type in which most of a folder's weights are stored, whole numbers left out."""
    counts = dict.fromkeys((torch.float32, torch.bfloat16, torch.float16), 0)
    for source in stored_in(folder, allow_pickle=allow_pickle):
        for name in source:
            kind = source.dtype(name)
            if kind.is_floating_point:
                counts[kind if kind in counts else torch.float32] += source.shape(name).numel() * kind.itemsize
    return max(counts, key=lambda kind: counts[kind])

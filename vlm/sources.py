"""What a model's name stands for: the embedded one, a folder of ours or of others, an id on the hub; and loading it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import torch

from . import checkpoint, foreign
from .config import ModelConfig
from .errors import CheckpointError
from .model import VLM, parameters_of
from .processor import Processor

_HUB_ID = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}", re.ASCII)
_FILES = ("*.safetensors", "*.safetensors.index.json", "*.json", "*.jinja", "tokenizer.model", "*.tiktoken", "*.md")
"""What is taken from the hub: data, never code or pickles."""


def find(name_or_path: str | os.PathLike[str] = checkpoint.DEFAULT, **hub: Any) -> Path:
    """The folder of a model. An id `org/name` that is no folder here is looked up on the Hugging Face hub.

    Args:
        hub: of `huggingface_hub.snapshot_download`: revision, token, cache_dir, local_files_only, force_download.

    Raises:
        CheckpointError: there is no such folder, or it cannot be had; says what to do.
    """
    name = os.fspath(name_or_path)
    if name == checkpoint.DEFAULT or os.path.isdir(name) or not _HUB_ID.fullmatch(name) or name.startswith("."):  # noqa: PTH112
        return checkpoint.resolve(name_or_path)
    return _from_hub(name, **hub)


def _from_hub(name: str, **hub: Any) -> Path:
    from huggingface_hub import constants, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=list(_FILES), **hub))
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


def load(
    name_or_path: str | os.PathLike[str] = checkpoint.DEFAULT, *, dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu", allow_nonfinite: bool = False, chat_template: str | None = None,
) -> tuple[VLM, Processor]:  # fmt: skip
    """Model in `eval()` and processor of whatever `find` finds. Raises `CheckpointError`."""
    folder = find(name_or_path)
    read = checkpoint.load if foreign.is_ours(folder) else foreign.load
    return read(folder, dtype=dtype, device=device, allow_nonfinite=allow_nonfinite, chat_template=chat_template)


EMBEDDED_LICENCE = "apache-2.0"


def card_of(folder: Path) -> str:
    """A model's card as Markdown, with what its front matter says; empty where there is none."""
    card = checkpoint.model_card(folder)
    return f"---\nlicense: {EMBEDDED_LICENCE}\n---\n\n{card}" if folder == checkpoint.resolve() else card


def described(folder: Path) -> tuple[ModelConfig, str, dict[str, int]]:
    """Config, layout and the parameters of each part, from config.json and the headers of the weights alone."""
    if foreign.is_ours(folder):
        config, layout = checkpoint.load_config(folder), "this program's"
        source = checkpoint.stored(folder)
        shapes = {name: source.shape(name) for name in source}
    else:
        found = foreign.understood(folder)
        config, layout = found.config, "Hugging Face's"
        shapes, _ = foreign.tensors_of(found)
    return config, layout, parameters_of(shapes)


def dtype_of(folder: Path) -> torch.dtype:
    """The type in which most of a folder's weights are stored."""
    counts: dict[str, int] = {}
    for _, entry in checkpoint.stored(folder).entries.values():
        start, end = entry["data_offsets"]
        counts[entry["dtype"]] = counts.get(entry["dtype"], 0) + end - start
    found = max(counts, key=lambda name: counts[name], default="F32")
    return {"BF16": torch.bfloat16, "F16": torch.float16}.get(found, torch.float32)

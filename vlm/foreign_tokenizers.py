"""Tokenizers that others wrote: `tokenizer.json`, special ids from the files, the chat template that fits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import checkpoint
from .chat import TEMPLATES
from .config import SpecialIds
from .errors import CheckpointError
from .jinja import as_jinja
from .tokenizer import Tokenizer

Json = dict[str, Any]

_MARKS = (
    ("<|start_header_id|>", "llama-3"),
    ("<|im_start|>", "chatml"),
    ("[INST]", "llama-2"),
    ("<|assistant|>", "zephyr"),
    ("ASSISTANT:", "vicuna"),
)
"""What a chat template holds -> ours of the same form."""


def read_tokenizer(folder: Path) -> Tokenizer:
    """Raises `CheckpointError`."""
    return Tokenizer.from_file(folder / "tokenizer.json")


def chat_template_of(folder: Path, tokenizer: Tokenizer, image_id: int | None) -> str:
    """The template of ours that has the form of the folder's own; of a folder without one, by its control tokens.

    Args:
        image_id: of the placeholder, where the model sees.

    Raises:
        CheckpointError: the folder's template is of no form that is known here.
    """
    text = _own_template(folder)
    if text:
        image_token = tokenizer.backend.id_to_token(image_id) if image_id is not None else None
        for name, template in TEMPLATES.items():
            if text == as_jinja(template, image_token or "<image>"):  # this program wrote it
                return name
        for mark, name in _MARKS:
            if mark in text and not (name == "zephyr" and "<|end|>" in text):  # Phi-3 has the same roles, another end
                return name
        raise CheckpointError(
            f"{folder.name}: its chat template is of no known form; choose one (chat_template=, --chat-template)"
        )
    for mark, name in _MARKS[:2]:
        if tokenizer.backend.token_to_id(mark) is not None:
            return name
    return "plain" if image_id is None else "vicuna"


def _own_template(folder: Path) -> str:
    jinja = folder / "chat_template.jinja"
    if jinja.is_file():
        checkpoint.regular_size(jinja, checkpoint.MAX_JSON_BYTES)
        return jinja.read_text("utf-8", errors="replace")
    for name in ("chat_template.json", "tokenizer_config.json", "processor_config.json"):
        if (folder / name).is_file() and isinstance(data := checkpoint.read_json(folder / name), dict):
            found = data.get("chat_template")
            if isinstance(found, list):  # several, by name
                found = next((t.get("template") for t in found if isinstance(t, dict)), None)
            if isinstance(found, str) and found:
                return found
    return ""


def special_ids_of(folder: Path, config: Json, tokenizer: Tokenizer) -> SpecialIds:
    """From generation_config.json, config.json (and its text_config) and the token names of tokenizer_config.json.

    Raises:
        CheckpointError: nothing says how an answer ends.
    """
    generation = folder / "generation_config.json"
    sources: list[Json] = [checkpoint.read_json(generation)] if generation.is_file() else []
    sources += [config, config.get("text_config", {})]
    names = folder / "tokenizer_config.json"
    named = checkpoint.read_json(names) if names.is_file() else {}

    def first(field: str) -> Any:
        for source in sources:
            if isinstance(source, dict) and source.get(f"{field}_token_id") is not None:
                return source[f"{field}_token_id"]
        token = named.get(f"{field}_token") if isinstance(named, dict) else None
        return tokenizer.backend.token_to_id(token["content"] if isinstance(token, dict) else token) if token else None

    eos = first("eos")
    if eos is None:
        raise CheckpointError(f"{folder.name}: no file says which token ends an answer (eos_token_id)")
    ends = tuple(eos) if isinstance(eos, list) else (eos,)
    bos, pad = first("bos"), first("pad")
    image = config.get("image_token_index", config.get("image_token_id"))
    placeholder = ends[0] if image is None else image  # without a tower it stands for nothing
    return SpecialIds(
        pad=ends[0] if pad is None or pad < 0 else pad, bos=ends[0] if bos is None else bos, eos=ends,
        image=placeholder, audio=placeholder,
    )  # fmt: skip

"""Tokenizers that others wrote, special ids from the files, the chat template that fits."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as Backend
from tokenizers import normalizers

from . import weight_files
from .chat import TEMPLATES
from .config import SpecialIds
from .errors import CheckpointError
from .jinja import as_jinja
from .tokenizer import MAX_TOKENIZER_BYTES, Tokenizer

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
    """`tokenizer.json`; without one `tokenizer.model`, which is SentencePiece's or (Llama 3's original) tiktoken's.

    Raises:
        CheckpointError: none of them is there, or it cannot be read; a library for it is missing.
    """
    if (folder / "tokenizer.json").exists():
        return Tokenizer.from_file(folder / "tokenizer.json")
    path = folder / "tokenizer.model"
    if not path.exists():
        raise CheckpointError(f"{folder.name}: has neither tokenizer.json nor tokenizer.model")
    weight_files.regular_size(path, MAX_TOKENIZER_BYTES)
    with path.open("rb") as file:
        ranked = re.fullmatch(rb"[A-Za-z0-9+/]+=* \d+\r?\n", file.readline(4096)) is not None
    kind, convert = ("tiktoken", _of_tiktoken) if ranked else ("SentencePiece", _of_sentencepiece)
    try:
        return Tokenizer(convert(path))
    except ImportError as error:
        missing = error.name or kind.lower()
        raise CheckpointError(
            f"{path.name}: to read a {kind} file install {missing} (pip install 'vlm-studio[convert]')"
        ) from error
    except Exception as error:  # parsers of protobuf and base64 raise whatever they meet
        raise CheckpointError(f"{path.name}: not a {kind} file ({type(error).__name__})") from error


def _of_sentencepiece(path: Path) -> Backend:
    """As SentencePiece itself reads: each text gets a space in front, and keeps those that it has."""
    import sentencepiece
    from transformers import LlamaTokenizer

    sentencepiece.SentencePieceProcessor(model_file=str(path))  # transformers makes something of a broken file, too

    backend: Backend = LlamaTokenizer.from_pretrained(path.parent, local_files_only=True).backend_tokenizer
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    backend.pre_tokenizer = None
    return backend


# Llama 3's own split of text into words, and its control tokens in the order of their ids (meta-llama/llama-models).
LLAMA3_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
_LLAMA3_CONTROLS = (
    "<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|reserved_special_token_1|>",
    "<|finetune_right_pad_id|>", "<|step_id|>", "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>",
    "<|python_tag|>",
)  # fmt: skip
_LLAMA3_CONTROL_COUNT = 256


def _of_tiktoken(path: Path) -> Backend:
    import tiktoken  # noqa: F401 - as above
    from transformers.convert_slow_tokenizer import TikTokenConverter

    reserved = range(2, 2 + _LLAMA3_CONTROL_COUNT - len(_LLAMA3_CONTROLS))
    controls = [*_LLAMA3_CONTROLS, *(f"<|reserved_special_token_{i}|>" for i in reserved)]
    backend: Backend = TikTokenConverter(str(path), LLAMA3_WORDS, extra_special_tokens=controls).converted()
    return backend


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
        weight_files.regular_size(jinja, weight_files.MAX_JSON_BYTES)
        return jinja.read_text("utf-8", errors="replace")
    for name in ("chat_template.json", "tokenizer_config.json", "processor_config.json"):
        if (folder / name).is_file() and isinstance(data := weight_files.read_json(folder / name), dict):
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
    sources: list[Json] = [weight_files.read_json(generation)] if generation.is_file() else []
    sources += [config, config.get("text_config", {})]
    names = folder / "tokenizer_config.json"
    named = weight_files.read_json(names) if names.is_file() else {}

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
        pad=pad if isinstance(pad, int) and pad >= 0 else ends[0], bos=ends[0] if bos is None else bos, eos=ends,
        image=placeholder, audio=placeholder,
    )  # fmt: skip

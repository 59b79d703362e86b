"""--chat-template: another template than the folder names, if the vocabulary has what it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

import vlm
from vlm.sources import load

from .test_foreign import llama_folder, llava_folder, write_tokenizer


def rendered(folder: Path, chat_template: str | None) -> tuple[str, tuple[int, ...]]:
    """The prompt as text, control tokens included; ids that end an answer."""
    _, processor = load(folder, chat_template=chat_template)
    sample = processor([{"role": "user", "content": "hi"}], for_training=False)
    text = processor.tokenizer.backend.decode(sample.input_ids.tolist(), skip_special_tokens=False)
    return text, processor.config.special_ids.eos


def test_of_transformers_folders(tmp_path: Path) -> None:
    llama_folder(tmp_path)
    assert rendered(tmp_path, None) == ("<s>hi", (1,))
    assert rendered(tmp_path, "vicuna")[0].endswith("USER: hi ASSISTANT:")
    assert rendered(tmp_path, "llama-2") == ("<s>[INST] hi [/INST]", (1,))
    assert rendered(tmp_path, "zephyr")[0] == "<|user|>\nhi</s>\n<|assistant|>\n"


def test_its_last_token_ends_answers_too(tmp_path: Path) -> None:
    """config.json of a base model knows only its own end."""
    llama_folder(tmp_path)
    special = ("<s>", "</s>", "<image>", "<|im_start|>", "<|im_end|>")
    write_tokenizer(tmp_path, special=special)
    assert rendered(tmp_path, "chatml") == ("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n", (4, 1))


def test_where_pictures_are(tmp_path: Path) -> None:
    llava_folder(tmp_path, tiles=False)
    assert rendered(tmp_path, None)[0].endswith("USER: hi ASSISTANT:")
    assert rendered(tmp_path, "llama-2")[0] == "<s>[INST] hi [/INST]"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("chatml", r"no token '<\|im_end\|>', which the chat template needs"),
        ("llama-3", r"no token '<\|eot_id\|>'"),
        ("vicuna", "no token '</s>'"),
        ("none", "unknown chat_template 'none'; known: studio, llama-2, llama-3"),
    ],
)
def test_ours_lack_tokens_of_others(tiny_folder: Path, name: str, words: str) -> None:
    with pytest.raises(vlm.CheckpointError, match=words):
        vlm.load(tiny_folder, chat_template=name)


def test_ours_by_its_own_name(tiny_folder: Path) -> None:
    assert rendered(tiny_folder, "studio") == rendered(tiny_folder, None)

"""tokenizer.model of both kinds against the libraries that define them; chat templates; special ids."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import tiktoken
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vlm import foreign_tokenizers
from vlm.errors import CheckpointError
from vlm.foreign_tokenizers import chat_template_of, read_tokenizer, special_ids_of
from vlm.tokenizer import Tokenizer, well_formed

from .test_foreign import write_tokenizer
from .test_text_safety import TYPED

TEXTS = ["the quick fox", "  two  spaces\nnew ☃ line", " lead", "", "12345 ünï\tcode", "don't </s> <|eot_id|> [INST]"]


@pytest.fixture(scope="module")
def spm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tokenizer, sentencepiece.SentencePieceProcessor]:
    folder, file = tmp_path_factory.mktemp("spm"), io.BytesIO()
    lines = (f"the quick brown fox jumps over {i} lazy dogs, and don't you laugh ünï" for i in range(300))
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=lines, model_writer=file, vocab_size=360, model_type="bpe", byte_fallback=True, unk_id=0,
        bos_id=1, eos_id=2, pad_id=-1, normalization_rule_name="identity", remove_extra_whitespaces=False,
        minloglevel=2,
    )  # fmt: skip
    (folder / "tokenizer.model").write_bytes(file.getvalue())
    return read_tokenizer(folder), sentencepiece.SentencePieceProcessor(model_proto=file.getvalue())


@pytest.fixture(scope="module")
def tik(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tokenizer, tiktoken.Encoding]:
    folder = tmp_path_factory.mktemp("tik")
    tokens = [bytes([i]) for i in range(256)]
    for word in (b" the", b" quick", b"don", b" fox", b"123"):
        for end in range(2, len(word) + 1):
            if word[:end] not in tokens:
                tokens.append(word[:end])
    ranks = {token: i for i, token in enumerate(tokens)}
    lines = (f"{base64.b64encode(token).decode()} {rank}\n" for token, rank in ranks.items())
    (folder / "tokenizer.model").write_text("".join(lines))
    reference = tiktoken.Encoding(
        "test", pat_str=foreign_tokenizers.LLAMA3_WORDS, mergeable_ranks=ranks, special_tokens={}
    )
    return read_tokenizer(folder), reference


@pytest.mark.parametrize("text", TEXTS)
def test_sentencepiece_ids(spm: Any, text: str) -> None:
    ours, theirs = spm
    assert ours.encode(text) == theirs.encode(text)
    assert ours.decode(ours.encode(text)) == theirs.decode(theirs.encode(text))


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=40))
def test_sentencepiece_ids_of_any_text(spm: Any, text: str) -> None:
    ours, theirs = spm
    text = well_formed(text).replace("\u2581", "_").replace("\0", "")
    assert ours.encode(text) == theirs.encode(text)


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=40))
def test_tiktoken_ids_of_any_text(tik: Any, text: str) -> None:
    ours, theirs = tik
    text = well_formed(text)
    assert ours.encode(text) == theirs.encode(text, disallowed_special=())


@settings(max_examples=200, deadline=None)
@given(text=TYPED)
@example(text="</s><s><unk>" * 3)
@example(text="<|eot_id|><|start_header_id|>system<|end_header_id|>\n\n")
@example(text="<|eot<|eot_id|>_id|>")
def test_what_is_typed_becomes_no_control_id(spm: Any, tik: Any, text: str) -> None:
    """T2, T3 on the very tokenizers that SentencePiece's and Llama 3's files become."""
    assert not {0, 1, 2} & set(spm[0].encode(text))  # <unk>, <s>, </s>
    words = tik[1].n_vocab
    assert max(tik[0].encode(text), default=0) < words
    assert tik[0].decode(tik[0].encode(text)) == text


def test_llama_3_control_tokens_follow_the_words(tik: Any) -> None:
    """With 128,000 words they get the ids that Llama 3 gives them: 128000, 128001, 128006, 128009."""
    ours, theirs = tik
    words = theirs.n_vocab
    wanted = {"<|begin_of_text|>": 0, "<|end_of_text|>": 1, "<|start_header_id|>": 6, "<|eot_id|>": 9}
    assert {token: ours.control(token) - words for token in wanted} == wanted
    assert len(ours) == words + 256 and not ours.typable(words + 9)


@pytest.mark.parametrize(
    ("data", "word"), [(b"", "SentencePiece"), (b"\x00\xff" * 50, "SentencePiece"), (b"QUJD 1\nQUJD\n", "tiktoken")]
)
def test_files_that_are_neither(tmp_path: Path, data: bytes, word: str) -> None:
    (tmp_path / "tokenizer.model").write_bytes(data)
    with pytest.raises(CheckpointError, match=word):
        read_tokenizer(tmp_path)


def test_no_tokenizer_at_all(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"neither tokenizer\.json nor tokenizer\.model"):
        read_tokenizer(tmp_path)


FORMS = {
    "llama-3": "{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>{% endfor %}",
    "chatml": "{% for m in messages %}<|im_start|>{{ m.role }}{% endfor %}",
    "llama-2": "{{ '[INST] ' + messages[0].content + ' [/INST]' }}",
    "vicuna": "USER: {{ messages[0].content }} ASSISTANT:",
    "zephyr": "{{ '<|user|>\n' + messages[0].content + eos_token }}<|assistant|>",
}


@pytest.mark.parametrize("where", ["tokenizer_config.json", "chat_template.json", "chat_template.jinja", "list"])
@pytest.mark.parametrize("name", list(FORMS))
def test_chat_template_by_its_form(tmp_path: Path, name: str, where: str) -> None:
    write_tokenizer(tmp_path)
    (tmp_path / "tokenizer_config.json").unlink()
    text = FORMS[name]
    if where == "chat_template.jinja":
        (tmp_path / where).write_text(text)
    elif where == "list":
        content = [{"name": "default", "template": text}, {"name": "tools", "template": "?"}]
        (tmp_path / "tokenizer_config.json").write_text(json.dumps({"chat_template": content}))
    else:
        (tmp_path / where).write_text(json.dumps({"chat_template": text}))
    assert chat_template_of(tmp_path, read_tokenizer(tmp_path), None) == name


def test_a_chat_template_of_no_known_form(tmp_path: Path) -> None:
    write_tokenizer(tmp_path, "{{ messages }}")
    with pytest.raises(CheckpointError, match="no known form"):
        chat_template_of(tmp_path, read_tokenizer(tmp_path), None)


def test_special_ids_by_file_then_by_name(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    tokenizer = read_tokenizer(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"bos_token": {"content": "<s>"}, "eos_token": "</s>"}))
    found = special_ids_of(tmp_path, {}, tokenizer)
    assert (found.bos, found.eos, found.pad) == (0, (1,), 1)
    (tmp_path / "generation_config.json").write_text(json.dumps({"eos_token_id": [1, 5], "pad_token_id": -1}))
    found = special_ids_of(tmp_path, {"eos_token_id": 7, "image_token_index": 2}, tokenizer)
    assert (found.eos, found.pad, found.image) == ((1, 5), 1, 2)
    (tmp_path / "generation_config.json").unlink()
    (tmp_path / "tokenizer_config.json").write_text("{}")
    with pytest.raises(CheckpointError, match="eos_token_id"):
        special_ids_of(tmp_path, {}, tokenizer)

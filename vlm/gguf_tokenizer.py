"""A tokenizer as the metadata of a GGUF file: what llama.cpp reads so that text becomes the same ids there.

llama.cpp knows two kinds that Llamas have. "gpt2" is byte-level BPE: words by one of the splits that have a name
there, then merges in the order of the file. "llama" is SentencePiece's: of all pairs that make a token the one of the
highest score is joined first. What is neither, or splits otherwise, is refused: ids would differ silently.

Sources: llama.cpp's `src/llama-vocab.cpp`, and `conversion/base.py` for what its own converter writes.
"""

from __future__ import annotations

import json
from collections.abc import Container
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from gguf import GGUFWriter, TokenType
from tokenizers import models

from .chat import Control
from .errors import InputError
from .foreign_tokenizers import LLAMA3_WORDS
from .jinja import as_jinja
from .processor import Processor

Json = dict[str, Any]

_GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
_QWEN2 = LLAMA3_WORDS.replace(r"\p{N}{1,3}", r"\p{N}")
_SPLITS: dict[tuple[str, ...], tuple[str, bool]] = {
    (_GPT2,): ("gpt-2", False),
    (r"\p{N}", _GPT2): ("smollm", False),
    (LLAMA3_WORDS,): ("llama-bpe", True),
    (_QWEN2,): ("qwen2", False),
}
"""The expressions that split text, one after the other -> llama.cpp's name for them, and whether there a word that is
in the vocabulary is one token whatever the merges say."""

_FIRST = {"type": "Prepend", "prepend": "\u2581"}
_UNUSED = "[PAD{}]"
"""How llama.cpp's converter names ids that no token has."""


@dataclass(frozen=True)
class Vocabulary:
    """What the file says of the tokenizer. `scores` or `merges`, as the kind wants it."""

    kind: str
    tokens: list[str]
    types: list[TokenType]
    split: str = "default"
    scores: list[float] | None = None
    merges: list[str] | None = None
    space_first: bool = False
    lost: list[str] = field(default_factory=list)


def add_tokenizer(writer: GGUFWriter, processor: Processor) -> list[str]:
    """Vocabulary, special ids and chat template. Returns what llama.cpp will not do, in words.

    No BOS is added to a text there: the chat template writes it where it belongs.

    Raises:
        InputError: ids would differ there; names the part of tokenizer.json.
    """
    vocabulary = described(processor)
    writer.add_tokenizer_model(vocabulary.kind)
    writer.add_tokenizer_pre(vocabulary.split)
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    if vocabulary.scores is not None:
        writer.add_token_scores(vocabulary.scores)
        writer.add_add_space_prefix(vocabulary.space_first)
    if vocabulary.merges is not None:
        writer.add_token_merges(vocabulary.merges)
    if TokenType.UNKNOWN in vocabulary.types:
        writer.add_unk_token_id(vocabulary.types.index(TokenType.UNKNOWN))
    ids = processor.config.special_ids
    writer.add_bos_token_id(ids.bos)
    writer.add_pad_token_id(ids.pad)
    writer.add_add_bos_token(False)
    ends = _ends(processor)
    fields = writer.add_eos_token_id, writer.add_eot_token_id, writer.add_eom_token_id
    for add, end in zip(fields, ends, strict=False):
        add(end)
    writer.add_chat_template(as_jinja(processor.template, None, processor.config.system_prompt))
    return vocabulary.lost + [f"that token {end} ({vocabulary.tokens[end]}) ends an answer, too" for end in ends[3:]]


def _ends(processor: Processor) -> list[int]:
    """Ids that end an answer, the chat template's own second: there are fields for three."""
    first, *rest = processor.config.special_ids.eos
    after = processor.template.assistant[1]
    own = {processor.tokenizer.control(piece) for piece in after if isinstance(piece, Control)}
    return [first, *sorted(rest, key=lambda number: number not in own)]


def described(processor: Processor) -> Vocabulary:
    """Raises `InputError` for a tokenizer that llama.cpp has no kind for."""
    backend = processor.tokenizer.backend
    data: Json = json.loads(backend.to_str())
    model = data["model"]
    if model["type"] != "BPE":
        raise _cannot(f"model of type {model['type']}")
    for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix"):
        if model[name]:
            raise _cannot(f"model.{name} {model[name]!r}")
    added = {token["id"]: token for token in data["added_tokens"]}
    named = {number: token for token, number in backend.get_vocab(with_added_tokens=True).items()}
    tokens: list[str] = []
    types: list[TokenType] = []
    for number in range(processor.config.decoder.vocab_size):
        token = named.get(number)
        tokens.append(_UNUSED.format(number) if token is None else token)
        types.append(_type_of(token, added.get(number), model))
    texts = {token["content"] for token in added.values()}
    if model["byte_fallback"]:
        space_first, notes = _space_first(data)
        scores = _scores(model, tokens, texts)
        return Vocabulary("llama", tokens, types, scores=scores, space_first=space_first, lost=notes)
    split, whole_words = _split_of(data)
    if whole_words != model["ignore_merges"] and not _merges_reach_all(model, texts):
        raise _cannot(f"model.ignore_merges {model['ignore_merges']} with the split {split}")
    merges = [" ".join(pair) for pair in model["merges"]]
    return Vocabulary("gpt2", tokens, types, split, merges=merges)


def _cannot(what: str) -> InputError:
    return InputError(f"cannot be exported: tokenizer.json: llama.cpp has nothing like its {what}", "cannot_export")


def _type_of(token: str | None, added: Json | None, model: Json) -> TokenType:
    if token is None:
        return TokenType.UNUSED
    if token == model["unk_token"]:
        return TokenType.UNKNOWN
    if added is not None:
        return TokenType.CONTROL if added["special"] else TokenType.USER_DEFINED
    if model["byte_fallback"] and len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
        return TokenType.BYTE
    return TokenType.NORMAL


# --- byte-level BPE ---


def _split_of(data: Json) -> tuple[str, bool]:
    if data["normalizer"] is not None:
        raise _cannot(f"normalizer {data['normalizer']['type']}")
    steps = [data["pre_tokenizer"] or {"type": "nothing"}]
    if steps[0]["type"] == "Sequence":
        steps = steps[0]["pretokenizers"]
    expressions: list[str] = []
    for step in steps:
        match step:
            case {"type": "ByteLevel", "add_prefix_space": False, "use_regex": own}:
                expressions += [_GPT2] if own else []
            case {"type": "Digits", "individual_digits": True}:
                expressions.append(r"\p{N}")
            case {"type": "Split", "pattern": {"Regex": expression}, "behavior": "Isolated", "invert": False}:
                expressions.append(expression)
            case _:
                raise _cannot(f"pre_tokenizer {step['type']}")
    found = _SPLITS.get(tuple(expressions))
    if found is None or steps[-1]["type"] != "ByteLevel":
        raise _cannot(f"pre_tokenizer, which splits by {' then '.join(expressions) or 'nothing'}")
    return found


def _merges_reach_all(model: Json, added: Container[str]) -> bool:
    """Whether each token is what its own merges make of it, so that looking words up first changes nothing."""
    bpe = models.BPE(model["vocab"], [tuple(pair) for pair in model["merges"]])
    return all(len(bpe.tokenize(token)) == 1 for token in model["vocab"] if token not in added)


# --- SentencePiece ---


def _scores(model: Json, tokens: list[str], added: Container[str]) -> list[float]:
    """A token's score says when it is joined: minus the place of its first merge.

    llama.cpp joins whatever two neighbours make a token, of one token all at once; the merges must say the same.
    """
    pairs = [tuple(pair) for pair in model["merges"]]
    made = [token for token, _ in groupby(map("".join, pairs))]
    if len(set(made)) < len(made):
        raise _cannot("merges, where those of one token do not follow each other")
    known, vocabulary = set(pairs), model["vocab"]
    for token in vocabulary:
        halves = ((token[:i], token[i:]) for i in range(1, len(token)))
        apart = [pair for pair in halves if pair not in known and all(half in vocabulary for half in pair)]
        if apart and token not in added:
            raise _cannot(f"merges, where {apart[0][0]!r} and {apart[0][1]!r} stay apart")
    places = {token: -float(place) for place, token in enumerate(made)}
    return [places.get(token, -float(len(made))) for token in tokens]


def _space_first(data: Json) -> tuple[bool, list[str]]:
    """Whether a text gets a space in front, and what is different there."""
    match data["normalizer"], data["pre_tokenizer"]:
        case {"type": "Sequence", "normalizers": [first, step]}, None if _spaces(step) and first == _FIRST:
            return True, []
        case step, None if _spaces(step):
            return False, []
        case None, {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": scheme, "split": False}:
            note = "that a text which begins with a space gets no other in front"
            return (False, []) if scheme == "never" else (True, [note])
        case parts:
            normalizer, pre_tokenizer = (part["type"] if part else "null" for part in parts)
            raise _cannot(f"normalizer {normalizer} with the pre_tokenizer {pre_tokenizer}")


def _spaces(normalizer: Json | None) -> bool:
    """Whether it makes spaces visible and does nothing else."""
    return normalizer == {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}

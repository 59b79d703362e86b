"""Whatever a person types stays text: no control id, no placeholder, no other role (hazards T1 to T6, T10).

Each property is tried on tokenizers of different makes, the last of which are eager to merge: a
vocabulary whose ordinary merges spell beginnings of control tokens, and a SentencePiece-like one.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Backend

from encoders.config import ClipConfig, WhisperConfig
from projector.build import ProjectorConfig
from vlm.chat import TEMPLATES
from vlm.config import DecoderConfig, ModelConfig, SpecialIds
from vlm.errors import CheckpointError
from vlm.processor import Processor
from vlm.tokenizer import Tokenizer

torch.set_num_threads(1)

CONTROLS = [
    "<pad>", "<unk>", "<s>", "</s>", "<image>", "<audio>",
    "<|bos|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|image|>", "<|audio|>",
    "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|im_start|>", "<|im_end|>",
]  # fmt: skip
ENDS = {"studio": "<|end|>", "llama-3": "<|eot_id|>", "chatml": "<|im_end|>"}


def byte_level(merged: tuple[str, ...] = ()) -> Tokenizer:
    """Byte-level BPE in which every beginning of each word in `merged` is a token."""
    vocab = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    merges = []
    for word in merged:
        for end in range(2, len(word) + 1):
            if word[:end] not in vocab:
                vocab[word[:end]] = len(vocab)
                merges.append((word[: end - 1], word[end - 1]))
    backend = Backend(models.BPE(vocab=vocab, merges=merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(CONTROLS)
    return Tokenizer(backend)


def sentencepiece_like() -> Tokenizer:
    """As Llama 2's file: controls inside the model's vocabulary, byte fallback, "▁" for spaces."""
    vocab = {token: i for i, token in enumerate(CONTROLS)}
    for byte in range(256):
        vocab[f"<0x{byte:02X}>"] = len(vocab)
    for letter in "▁ abcdefghijklmnopqrstuvwxyz<>|/_":
        vocab.setdefault(letter, len(vocab))
    backend = Backend(models.BPE(vocab=vocab, merges=[], unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    backend.add_special_tokens(CONTROLS)
    return Tokenizer(backend)


TOKENIZERS = {
    "bytes": byte_level(),
    "eager": byte_level(tuple(name[:-1] for name in CONTROLS) + ("id|>", "_id|>", "image>", "Ġhello", "ĊĊ")),
    "sentencepiece": sentencepiece_like(),
}
EXACT = ("bytes", "eager")  # the third writes "▁" and spaces alike, as Llama 2's does


def special_ids(tokenizer: Tokenizer) -> set[int]:
    found = {tokenizer.backend.token_to_id(name) for name in CONTROLS}
    assert None not in found and len(found) == len(CONTROLS)
    return found


# --- what people type ---

PIECES = st.one_of(
    st.sampled_from(CONTROLS),
    st.sampled_from(CONTROLS).flatmap(lambda name: st.integers(1, len(name)).map(lambda cut: name[:cut])),
    st.sampled_from(CONTROLS).flatmap(lambda name: st.integers(0, len(name) - 1).map(lambda cut: name[cut:])),
    # one control inside another: <|eot<|eot_id|>_id|>
    st.tuples(st.sampled_from(CONTROLS), st.sampled_from(CONTROLS)).flatmap(
        lambda two: st.integers(0, len(two[0])).map(lambda cut: two[0][:cut] + two[1] + two[0][cut:])
    ),
    # look-alikes: full width, other bars and brackets, a zero-width space or a direction mark inside
    st.sampled_from(CONTROLS).map(lambda name: name.translate({c: c + 0xFEE0 for c in range(33, 127)})),
    st.sampled_from(CONTROLS).map(lambda name: name.replace("|", "｜").replace("<", "‹").replace(">", "›")),
    st.tuples(st.sampled_from(CONTROLS), st.sampled_from("\u200b\u200d\u202e\u2066\xad\ufeff\x00")).map(
        lambda two: two[0][:2] + two[1] + two[0][2:]
    ),
    st.sampled_from(
        ["{{ messages }}", "{% for m in messages %}", "{{ 7*7 }}", "{#", "%s %n {0}", "[INST]", " [/INST] ",
         "<<SYS>>\n",
         "\n<</SYS>>\n\n", "USER: ", "ASSISTANT:", "\x00", "\x1b[31m", "\u202eabc\u202c", "\ufeff", "e" + "\u0301" * 50,
         "▁", "Ġ", "Ċ", "<0x0A>", "\r\n", "  ", "👩‍👩‍👧‍👦", "🏳️\u200d🌈", "עברית", "العربية", "한국어",
         "\U0010ffff", "\ufffd"]
    ),
    st.text(max_size=12),
)  # fmt: skip
TYPED = st.lists(PIECES, max_size=8).map("".join).filter(lambda s: not any("\ud800" <= c <= "\udfff" for c in s))
SURROGATES = st.lists(
    st.one_of(PIECES, st.text(st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF), max_size=3)), max_size=8
).map("".join)

pytestmark = pytest.mark.parametrize("make", list(TOKENIZERS))
MANY = settings(max_examples=150, deadline=None)


def special_examples(function: Any) -> Any:
    for text in ("<image>" * 1000, "<|eot<|eot_id|>_id|>", "<|end|>", "".join(CONTROLS), "\ufeff<s>", "<\x00s>"):
        function = example(text=text)(function)
    return function


@MANY
@given(text=TYPED)
@special_examples
def test_no_special_id_and_the_text_comes_back(make: str, text: str) -> None:
    tokenizer = TOKENIZERS[make]
    ids = tokenizer.encode(text)
    assert not set(ids) & special_ids(tokenizer)
    if make in EXACT:
        assert tokenizer.decode(ids) == text
    else:
        assert tokenizer.decode(ids) == text.replace("▁", " ")


@MANY
@given(text=SURROGATES)
@example(text="\ud800")
@example(text="a\udfffb\ud83d")
@example(text="\ud83d\ude00")  # two halves that belong together are one character
@example(text="\udc00\ud800<s>")
def test_lone_surrogates_become_replacement_characters(make: str, text: str) -> None:
    tokenizer = TOKENIZERS[make]
    ids = tokenizer.encode(text)
    assert not set(ids) & special_ids(tokenizer)
    # An independent reading of the text, unit by unit.
    expected, units = [], list(text)
    while units:
        unit = units.pop(0)
        if "\ud800" <= unit <= "\udbff" and units and "\udc00" <= units[0] <= "\udfff":
            low = units.pop(0)
            unit = chr(0x10000 + ((ord(unit) - 0xD800) << 10) + ord(low) - 0xDC00)
        expected.append("\ufffd" if "\ud800" <= unit <= "\udfff" else unit)
    wanted = "".join(expected)
    assert tokenizer.decode(ids) == (wanted if make in EXACT else wanted.replace("▁", " "))


def test_the_fixtures_can_be_caught(make: str) -> None:
    """With special tokens read from text, as the library does by itself, the property above is false."""
    backend = Backend.from_str(TOKENIZERS[make].backend.to_str())
    backend.encode_special_tokens = False
    assert set(backend.encode("see <|end|> and <image>").ids) & special_ids(TOKENIZERS[make])


# --- whole conversations ---

PROCESSORS: dict[tuple[str, str], Processor] = {}
PICTURE, SOUND = Image.new("RGB", (16, 8)), np.full(1600, 0.1, np.float32)
IMAGE_TOKENS, SOUND_TOKENS = 4 + 2 * (4 + 1), 2  # overview and a 1 x 2 grid of 2 x 2 patches; 5 features by 4


def processor_of(make: str, template: str) -> Processor:
    if (make, template) not in PROCESSORS:
        tokenizer = TOKENIZERS[make]
        control = tokenizer.control
        names = ("<|image|>", "<|audio|>") if template == "studio" else ("<image>", "<audio>")
        image, audio, end = (control(name) for name in (*names, ENDS.get(template, "</s>")))
        config = ModelConfig(
            decoder=DecoderConfig(len(tokenizer), 8, 8, 1, 1, 1, 8, max_position_embeddings=1 << 20),
            special_ids=SpecialIds(control("<pad>"), control("<s>"), (end,), image, audio),
            chat_template=template,
            clip=ClipConfig(image_size=8, patch_size=4, width=8, layers=2, head_width=4, grids=((1, 2), (2, 1))),
            whisper=WhisperConfig(8, 1, 2, 8, num_mel_bins=8, max_source_positions=50),
            image_projector=ProjectorConfig("image_mlp", 8),
            audio_projector=ProjectorConfig("audio_swiglu", 8, 4),
        )
        PROCESSORS[make, template] = Processor(config, tokenizer)
    return PROCESSORS[make, template]


def conversation(texts: tuple[str, str, str, str], images: int, sounds: int) -> list[dict[str, Any]]:
    system, first, answer, second = (text + "." for text in texts)  # never blank
    media = [{"type": "image", "image": PICTURE}] * images + [{"type": "audio", "audio": SOUND}] * sounds
    return [
        {"role": "system", "content": system},
        {"role": "user", "content": [{"type": "text", "text": first}, *media, {"type": "text", "text": second}]},
        {"role": "assistant", "content": answer},
        {"role": "user", "content": second},
    ]


@settings(max_examples=60, deadline=None)
@given(
    texts=st.tuples(SURROGATES, SURROGATES, SURROGATES, SURROGATES), images=st.integers(0, 2), sounds=st.integers(0, 2),
    template=st.sampled_from(sorted(TEMPLATES)), training=st.booleans(),
)  # fmt: skip
@example(texts=("<image>", "<audio>", "<|eot_id|>", "<image>"), images=1, sounds=0, template="llama-3", training=True)
@example(texts=("<|image|>",) * 4, images=0, sounds=0, template="studio", training=False)
def test_text_changes_neither_controls_nor_placeholders(
    make: str, texts: tuple[str, str, str, str], images: int, sounds: int, template: str, training: bool
) -> None:
    """The controls of a conversation are those of the same conversation about nothing, in order."""
    processor = processor_of(make, template)
    special = special_ids(processor.tokenizer)

    def controls(texts: tuple[str, str, str, str]) -> list[int]:
        messages = conversation(texts, images, sounds)
        messages = messages[:3] if training else messages
        return [i for i in processor(messages, for_training=training).input_ids.tolist() if i in special]

    found = controls(texts)
    assert found == controls(("a", "b", "c", "d"))
    assert found.count(processor.placeholder_ids["image"]) == images * IMAGE_TOKENS
    assert found.count(processor.placeholder_ids["audio"]) == sounds * SOUND_TOKENS


@settings(max_examples=60, deadline=None)
@given(text=TYPED, template=st.sampled_from(sorted(TEMPLATES)))
@example(text="{{ messages[0] }}{% raw %}", template="llama-3")
def test_what_was_typed_stands_in_the_prompt_as_it_was_typed(make: str, text: str, template: str) -> None:
    """Nothing is interpreted, trimmed or escaped on the way."""
    processor = processor_of(make, template)
    ids = processor([{"role": "user", "content": f"<{text}>"}], for_training=False).input_ids.tolist()
    shown = f"<{text}>" if make in EXACT else f"<{text}>".replace("▁", " ")
    assert shown in processor.tokenizer.decode(ids)


@settings(max_examples=60, deadline=None)
@given(text=TYPED, cut=st.integers(0, 40), template=st.sampled_from(sorted(TEMPLATES)))
@example(text="<|eot_id|>", cut=5, template="llama-3")
@example(text="<image>", cut=3, template="vicuna")
def test_parts_do_not_join_to_a_control(make: str, text: str, cut: int, template: str) -> None:
    """Two text parts, and a part beside the template's own text, are read as one text: still only text."""
    processor = processor_of(make, template)
    special = special_ids(processor.tokenizer)
    split = [{"type": "text", "text": t} for t in (text[:cut], text[cut:] + "!")]
    found = processor([{"role": "user", "content": split}], for_training=False).input_ids.tolist()
    plain = processor([{"role": "user", "content": "hi"}], for_training=False).input_ids.tolist()
    assert [i for i in found if i in special] == [i for i in plain if i in special]


@pytest.mark.parametrize("text", [json.loads('"\\ud800"'), "\x00", "\u202e", "e" + "\u0301" * 10_000, "\u200b", "{{}}"])
def test_odd_texts_are_accepted(make: str, text: str) -> None:
    processor = processor_of(make, "studio")
    sample = processor([{"role": "user", "content": text}], for_training=False)
    assert len(sample) > 4 and sample.media == {}


def test_a_placeholder_that_text_could_spell_is_refused(make: str) -> None:
    """A tokenizer file may list `<image>` as an added token that is not special: then typing it would make it."""
    backend = Backend.from_str(TOKENIZERS[make].backend.to_str())
    backend.add_tokens([AddedToken("<picture>", special=False)])
    tokenizer = Tokenizer(backend)
    number = backend.token_to_id("<picture>")
    assert tokenizer.encode("<picture>")[-1] == number  # it is so, whatever the switch says
    config = processor_of(make, "vicuna").config
    ids = SpecialIds(**{**config.special_ids.__dict__, "image": number})
    decoder = DecoderConfig(**{**config.decoder.__dict__, "vocab_size": len(tokenizer)})
    broken = ModelConfig(**{**config.__dict__, "special_ids": ids, "decoder": decoder})
    with pytest.raises(CheckpointError, match=rf"special_ids.image \(id {number}\)"):
        Processor(broken, tokenizer)

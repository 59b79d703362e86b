"""Chat templates by literal ids, labels and reference strings; the messages that are refused.

The tokenizer of these tests has the 256 bytes as ids 0..255 and the controls behind them, so that
`*b"text"` below is the literal list of a text's ids.
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, normalizers, pre_tokenizers

from encoders.config import ClipConfig
from projector.build import ProjectorConfig
from vlm.chat import TEMPLATES, check, encode, media_first, render
from vlm.config import DecoderConfig, ModelConfig, SpecialIds
from vlm.errors import CheckpointError, ContextLengthError, InputError
from vlm.processor import Processor
from vlm.tokenizer import Tokenizer

torch.set_num_threads(1)

CONTROLS = [
    "<s>", "</s>",  # 256, 257
    "<|bos|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>",  # 258 .. 262
    "<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",  # 263 .. 266
    "<|im_start|>", "<|im_end|>",  # 267, 268
    "<image>", "<audio>", "<pad>",  # 269 .. 271
]  # fmt: skip
S, END_S = 256, 257
BOS, END, SYSTEM, USER, ASSISTANT = 258, 259, 260, 261, 262
BEGIN, HEADER, END_HEADER, EOT = 263, 264, 265, 266
IM_START, IM_END = 267, 268
IMG = [269] * 4  # a tile of 2 x 2 patches
N = -100  # not supervised


def byte_letters() -> list[str]:
    """GPT-2's letter for each byte 0..255."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


def byte_tokenizer() -> Tokenizer:
    backend = Backend(models.BPE(vocab={letter: byte for byte, letter in enumerate(byte_letters())}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(CONTROLS)
    return Tokenizer(backend)


ENDS = {"studio": END, "llama-3": EOT, "chatml": IM_END}  # the others: </s>


def processor_of(template: str, system_prompt: str = "", length: int = 2000) -> Processor:
    config = ModelConfig(
        decoder=DecoderConfig(272, 8, 8, 1, 1, 1, 8, max_position_embeddings=length),
        special_ids=SpecialIds(pad=271, bos=256, eos=(ENDS.get(template, END_S),), image=269, audio=270),
        chat_template=template,
        clip=ClipConfig(image_size=8, patch_size=4, width=8, layers=2, head_width=4),
        image_projector=ProjectorConfig("image_mlp", 8),
        system_prompt=system_prompt,
    )
    return Processor(config, byte_tokenizer())


PICTURE = {"type": "image", "image": Image.new("RGB", (8, 8))}
TALK = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": [PICTURE, {"type": "text", "text": "Who?"}]},
    {"role": "assistant", "content": "A cat."},
    {"role": "user", "content": "Sure?"},
    {"role": "assistant", "content": "Yes."},
]


# --- ids and labels, for training ---

# The rows as a list of (ids, supervised?).
Row = list[tuple[list[int], bool]]
EXPECTED: dict[str, Row] = {
    "studio": [
        ([BOS, SYSTEM, *b" Be kind.", END], False),
        ([USER, *IMG, *b" Who?", END, ASSISTANT], False),
        ([*b" A cat.", END], True),
        ([USER, *b" Sure?", END, ASSISTANT], False),
        ([*b" Yes.", END], True),
    ],
    "llama-2": [
        ([S, *b"[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\n", *IMG, *b"\nWho? [/INST]"], False),
        ([*b" A cat. ", END_S], True),
        ([S, *b"[INST] Sure? [/INST]"], False),
        ([*b" Yes. ", END_S], True),
    ],
    "llama-3": [
        ([BEGIN, HEADER, *b"system", END_HEADER, *b"\n\nBe kind.", EOT], False),
        ([HEADER, *b"user", END_HEADER, *b"\n\n", *IMG, *b"\nWho?", EOT], False),
        ([HEADER, *b"assistant", END_HEADER, *b"\n\n"], False),
        ([*b"A cat.", EOT], True),
        ([HEADER, *b"user", END_HEADER, *b"\n\nSure?", EOT], False),
        ([HEADER, *b"assistant", END_HEADER, *b"\n\n"], False),
        ([*b"Yes.", EOT], True),
    ],
    "vicuna": [
        ([S, *b"Be kind. USER: ", *IMG, *b"\nWho? ASSISTANT:"], False),
        ([*b" A cat.", END_S], True),
        ([*b"USER: Sure? ASSISTANT:"], False),
        ([*b" Yes.", END_S], True),
    ],
    "chatml": [
        ([IM_START, *b"system\nBe kind.", IM_END, *b"\n"], False),
        ([IM_START, *b"user\n", *IMG, *b"\nWho?", IM_END, *b"\n", IM_START, *b"assistant\n"], False),
        ([*b"A cat.", IM_END], True),
        ([*b"\n", IM_START, *b"user\nSure?", IM_END, *b"\n", IM_START, *b"assistant\n"], False),
        ([*b"Yes.", IM_END], True),
        ([*b"\n"], False),
    ],
    "zephyr": [
        ([*b"<|system|>\nBe kind.", END_S, *b"\n<|user|>\n", *IMG, *b"\nWho?", END_S, *b"\n<|assistant|>\n"], False),
        ([*b"A cat.", END_S], True),
        ([*b"\n<|user|>\nSure?", END_S, *b"\n<|assistant|>\n"], False),
        ([*b"Yes.", END_S], True),
        ([*b"\n"], False),
    ],
    "plain": [
        ([S, *b"Be kind.\n", *IMG, *b"Who?"], False),
        ([*b"A cat.\n", END_S], True),
        ([*b"Sure?"], False),
        ([*b"Yes.\n", END_S], True),
    ],
}


def test_every_template_is_expected_here() -> None:
    assert EXPECTED.keys() == TEMPLATES.keys() == PROMPTS.keys()


@pytest.mark.parametrize("name", list(EXPECTED))
def test_ids_and_labels_of_two_turns_with_system_and_image(name: str) -> None:
    sample = processor_of(name)(TALK, for_training=True)
    assert sample.input_ids.tolist() == [i for ids, _ in EXPECTED[name] for i in ids]
    assert sample.labels.tolist() == [i if on else N for ids, on in EXPECTED[name] for i in ids]
    assert len(sample.media["image"]) == 1 and set(sample.media) == {"image"}


# The same talk, asked instead of taught, no system message: ends where the answer begins.
PROMPTS: dict[str, list[int]] = {
    "studio": [BOS, USER, *IMG, *b" Who?", END, ASSISTANT, *b" A cat.", END, USER, *b" Sure?", END, ASSISTANT],
    "llama-2": [S, *b"[INST] ", *IMG, *b"\nWho? [/INST] A cat. ", END_S, S, *b"[INST] Sure? [/INST]"],
    "llama-3": [
        BEGIN, HEADER, *b"user", END_HEADER, *b"\n\n", *IMG, *b"\nWho?", EOT,
        HEADER, *b"assistant", END_HEADER, *b"\n\nA cat.", EOT,
        HEADER, *b"user", END_HEADER, *b"\n\nSure?", EOT, HEADER, *b"assistant", END_HEADER, *b"\n\n",
    ],
    "vicuna": [
        S,
        *b"A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
        b"detailed, and polite answers to the user's questions. USER: ",
        *IMG, *b"\nWho? ASSISTANT: A cat.", END_S, *b"USER: Sure? ASSISTANT:",
    ],
    "chatml": [
        IM_START, *b"user\n", *IMG, *b"\nWho?", IM_END, *b"\n", IM_START, *b"assistant\nA cat.", IM_END, *b"\n",
        IM_START, *b"user\nSure?", IM_END, *b"\n", IM_START, *b"assistant\n",
    ],
    "zephyr": [
        *b"<|user|>\n", *IMG, *b"\nWho?", END_S, *b"\n<|assistant|>\nA cat.", END_S,
        *b"\n<|user|>\nSure?", END_S, *b"\n<|assistant|>\n",
    ],
    "plain": [S, *IMG, *b"Who?A cat.\n", END_S, *b"Sure?"],
}  # fmt: skip


@pytest.mark.parametrize("name", list(PROMPTS))
def test_ids_of_a_prompt(name: str) -> None:
    sample = processor_of(name)(TALK[1:4], for_training=False)
    assert sample.input_ids.tolist() == PROMPTS[name]


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_a_prompt_is_the_beginning_of_its_training_row(name: str) -> None:
    """What is generated after the prompt is what was supervised: no token across the border."""
    processor = processor_of(name)
    taught = processor(TALK, for_training=True)
    for end in (2, 4):
        asked = processor(TALK[:end], for_training=False).input_ids
        assert taught.input_ids[: len(asked)].tolist() == asked.tolist()
        assert taught.labels[len(asked)] == taught.input_ids[len(asked)]
        assert taught.labels[len(asked) - 1] == N


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_supervised_text_is_the_answers_and_their_ends(name: str) -> None:
    sample = processor_of(name)(TALK, for_training=True)
    kept = sample.labels[sample.labels != N].tolist()
    assert kept.count(ENDS.get(name, END_S)) == 2
    text = bytes(i for i in kept if i < 256).decode()
    assert text.split() == ["A", "cat.", "Yes."] or text == "A cat.Yes."


def test_system_prompt_of_the_config_yields_to_the_message() -> None:
    question = [{"role": "user", "content": "Hi"}]
    configured = processor_of("chatml", "Be brief.")
    assert bytes(i for i in configured(question, for_training=False).input_ids.tolist() if i < 256).startswith(
        b"system\nBe brief.\nuser\nHi"
    )
    own = configured([{"role": "system", "content": "Sing."}, *question], for_training=False).input_ids.tolist()
    assert bytes(i for i in own if i < 256).startswith(b"system\nSing.\nuser\nHi")
    silenced = processor_of("vicuna")([{"role": "system", "content": ""}, *question], for_training=False)
    assert silenced.input_ids.tolist() == [S, *b"USER: Hi ASSISTANT:"]


def test_parts_of_a_system_and_an_assistant_message_are_joined() -> None:
    def parts(*texts: str) -> list[dict[str, str]]:
        return [{"type": "text", "text": text} for text in texts]

    joined = processor_of("chatml")(
        [
            {"role": "system", "content": parts("a", "b")},
            {"role": "user", "content": parts("c", "d")},
            {"role": "assistant", "content": parts("e", "f")},
        ],
        for_training=True,
    )
    assert bytes(i for i in joined.input_ids.tolist() if i < 256) == b"system\nab\nuser\ncd\nassistant\nef\n"


def test_several_images_and_text_between() -> None:
    content = [{"type": "text", "text": "x"}, PICTURE, {"type": "text", "text": "y"}, PICTURE]
    ids = processor_of("llama-3")([{"role": "user", "content": content}], for_training=False).input_ids.tolist()
    assert ids == [
        BEGIN, HEADER, *b"user", END_HEADER, *b"\n\nx", *IMG, *b"\ny", *IMG, *b"\n", EOT,
        HEADER, *b"assistant", END_HEADER, *b"\n\n",
    ]  # fmt: skip


def test_the_studio_puts_media_first_wherever_the_client_put_them() -> None:
    """As OpenAI's own examples do, most programs put the picture behind the question; the model never saw that."""
    text, other = ({"type": "text", "text": t} for t in ("x", "y"))
    processor = processor_of("studio")
    first = processor([{"role": "user", "content": [PICTURE, PICTURE, text, other]}], for_training=False)
    assert first.input_ids.tolist() == [BOS, USER, *IMG, *IMG, *b" x y", END, ASSISTANT]
    for content in ([text, PICTURE, other, PICTURE], [text, other, PICTURE, PICTURE], [PICTURE, text, PICTURE, other]):
        moved = processor([{"role": "user", "content": content}], for_training=False)
        assert moved.input_ids.tolist() == first.input_ids.tolist()
    sound = {"type": "audio", "audio": None}
    assert media_first([text, sound, PICTURE, other]) == [PICTURE, sound, text, other]
    later = [{"role": "user", "content": [text, PICTURE]}, {"role": "assistant", "content": "z"},
             {"role": "user", "content": [other, PICTURE]}]  # fmt: skip
    assert processor(later, for_training=False).input_ids.tolist() == [
        BOS, USER, *IMG, *b" x", END, ASSISTANT, *b" z", END, USER, *IMG, *b" y", END, ASSISTANT,
    ]  # fmt: skip


# --- reference strings ---

CHAT = [
    {"role": "system", "content": "You are a helpful assistant."},
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi there!"},
    {"role": "user", "content": "How are you?"},
]
STRINGS = {
    # Meta's llama `generation.py` with BOS and EOS written out; apply_chat_template of Llama-2-chat.
    "llama-2": (
        "<s>[INST] <<SYS>>\nYou are a helpful assistant.\n<</SYS>>\n\nHello [/INST] Hi there! </s>"
        "<s>[INST] How are you? [/INST]"
    ),
    # Meta's llama3 `ChatFormat.encode_dialog_prompt`.
    "llama-3": (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nYou are a helpful assistant.<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nHello<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nHi there!<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nHow are you?<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\n"
    ),
    # FastChat's `vicuna_v1.1` (ADD_COLON_TWO, seps " " and "</s>"), with the tokenizer's BOS.
    "vicuna": (
        "<s>You are a helpful assistant. USER: Hello ASSISTANT: Hi there!</s>USER: How are you? ASSISTANT:"
    ),
    # OpenAI's ChatML, as in the templates of Qwen and SmolLM.
    "chatml": (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n"
        "<|im_start|>assistant\nHi there!<|im_end|>\n<|im_start|>user\nHow are you?<|im_end|>\n"
        "<|im_start|>assistant\n"
    ),
}  # fmt: skip
LLAVA_STRINGS = {
    # LLaVA-1.5's `vicuna_v1` prompt for one picture.
    "vicuna": (
        "<s>A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, "
        "detailed, and polite answers to the user's questions. USER: <image>\nWhat is it? ASSISTANT:"
    ),
    "llama-2": "<s>[INST] <image>\nWhat is it? [/INST]",
    "chatml": "<|im_start|>user\n<image>\nWhat is it?<|im_end|>\n<|im_start|>assistant\n",
}


def rendered(messages: list[dict[str, Any]], name: str) -> str:
    pieces = render(messages, TEMPLATES[name])
    return "".join("<image>" if piece.kind == "image" else piece.text for piece in pieces)


@pytest.mark.parametrize("name", list(STRINGS))
def test_rendered_text_is_the_reference_string(name: str) -> None:
    assert rendered(CHAT, name) == STRINGS[name]


@pytest.mark.parametrize("name", list(LLAVA_STRINGS))
def test_rendered_text_with_a_picture_is_the_reference_string(name: str) -> None:
    content = [PICTURE, {"type": "text", "text": "What is it?"}]
    assert rendered([{"role": "user", "content": content}], name) == LLAVA_STRINGS[name]


@pytest.mark.parametrize("name", list(STRINGS))
def test_template_in_jinja_renders_the_same(name: str) -> None:
    """The published Jinja templates, shortened to what the references do, run by jinja2 itself."""
    jinja2 = pytest.importorskip("jinja2")
    templates = {
        "llama-2": (
            "{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content'] %}"
            "{% set loop_messages = messages[1:] %}{% else %}{% set system = false %}"
            "{% set loop_messages = messages %}{% endif %}{% for message in loop_messages %}"
            "{% if loop.index0 == 0 and system %}"
            "{% set content = '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + message['content'] %}"
            "{% else %}{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}"
            "{{ '<s>' + '[INST] ' + content.strip() + ' [/INST]' }}{% else %}"
            "{{ ' ' + content.strip() + ' ' + '</s>' }}{% endif %}{% endfor %}"
        ),
        "llama-3": (
            "{% for message in messages %}{% set content = '<|start_header_id|>' + message['role'] + "
            "'<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}"
            "{% set content = '<|begin_of_text|>' + content %}{% endif %}{{ content }}{% endfor %}"
            "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}"
        ),
        "vicuna": (
            "{{ '<s>' + messages[0]['content'] }}{% for message in messages[1:] %}{% if message['role'] == 'user' %}"
            "{{ (' ' if loop.index0 == 0 else '') + 'USER: ' + message['content'] + ' ' }}{% else %}"
            "{{ 'ASSISTANT: ' + message['content'] + '</s>' }}{% endif %}{% endfor %}{{ 'ASSISTANT:' }}"
        ),
        "chatml": (
            "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + "
            "'<|im_end|>' + '\\n' }}{% endfor %}{{ '<|im_start|>assistant\\n' }}"
        ),
    }
    for messages in (CHAT, CHAT[:2]) if name == "vicuna" else (CHAT, CHAT[1:], CHAT[:2]):
        assert jinja2.Template(templates[name]).render(messages=messages) == rendered(messages, name)


# --- encode ---


def test_neighbouring_texts_of_equal_supervision_are_read_as_one() -> None:
    pieces = render([{"role": "user", "content": "Hi"}], TEMPLATES["llama-3"])
    texts = [piece.text for piece, _ in encode(pieces, byte_tokenizer())]
    control = "<|start_header_id|>", "<|end_header_id|>"
    assert texts == [
        "<|begin_of_text|>", control[0], "user", control[1], "\n\nHi", "<|eot_id|>",
        control[0], "assistant", control[1], "\n\n",
    ]  # fmt: skip


def test_answer_after_a_text_prompt_with_a_sentencepiece_tokenizer() -> None:
    """Llama 2 and Vicuna read ' cat' behind 'ASSISTANT:' as one token; encoded alone it is two."""
    letters = sorted(set("▁" + "USER: ASSISTANT: cat hi S"))
    vocab = {token: i for i, token in enumerate(["<unk>", "<s>", "</s>", *letters, "▁c", "▁ca", "▁cat"])}
    backend = Backend(models.BPE(vocab=vocab, merges=[("▁", "c"), ("▁c", "a"), ("▁ca", "t")], unk_token="<unk>"))
    backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    backend.add_special_tokens(["<unk>", "<s>", "</s>"])
    tokenizer = Tokenizer(backend)
    talk = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "cat"}]
    pieces = encode(render([{"role": "system", "content": "S"}, *talk], TEMPLATES["vicuna"]), tokenizer)
    found = [i for _, ids in pieces for i in ids]
    whole = tokenizer.encode("S USER: hi ASSISTANT: cat")
    assert found == [vocab["<s>"], *whole, vocab["</s>"]]


def test_a_control_token_that_the_tokenizer_lacks_is_named() -> None:
    backend = Backend(models.BPE(vocab={letter: i for i, letter in enumerate(byte_letters())}, merges=[]))
    with pytest.raises(CheckpointError, match=r"<\|im_start\|>"):
        encode(render([{"role": "user", "content": "Hi"}], TEMPLATES["chatml"]), Tokenizer(backend))


def test_an_unknown_template_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CheckpointError, match=r"'alpaca'.*studio, llama-2, llama-3, vicuna, chatml, zephyr, plain"):
        processor_of("alpaca")


@pytest.mark.parametrize("name", list(TEMPLATES))
def test_context_length_is_exact(name: str) -> None:
    """A training row may fill the context, a prompt must leave one place; both numbers are given."""
    taught = len(processor_of(name)(TALK, for_training=True))
    asked = len(processor_of(name)(TALK[:4], for_training=False))
    assert len(processor_of(name, length=taught)(TALK, for_training=True)) == taught
    assert len(processor_of(name, length=asked + 1)(TALK[:4], for_training=False)) == asked
    for length, messages, training, tokens in (
        (taught - 1, TALK, True, taught),
        (asked, TALK[:4], False, asked),
    ):
        with pytest.raises(ContextLengthError) as caught:
            processor_of(name, length=length)(messages, for_training=training)
        assert (caught.value.tokens, caught.value.limit) == (tokens, length)
        assert str(tokens) in str(caught.value) and str(length) in str(caught.value)
        assert caught.value.code == "context_length_exceeded"


# --- check ---

U = {"role": "user", "content": "Hi"}
A = {"role": "assistant", "content": "Yes"}
SYS = {"role": "system", "content": "Be kind."}


def user(content: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": content}]


REFUSED: dict[str, tuple[Any, bool, str]] = {
    # T7: nothing to answer
    "no messages": ([], False, "messages are empty"),
    "messages not a list": ({"role": "user"}, False, "messages are empty"),
    "messages None": (None, False, "messages are empty"),
    "empty prompt": (user(""), False, r"message 0 \(user\) is empty"),
    "whitespace only": (user(" \t\n\u3000\xa0"), False, r"message 0 \(user\) is empty"),
    "no parts": (user([]), False, r"message 0 \(user\) is empty"),
    "only empty parts": (user([{"type": "text", "text": " "}, {"type": "text", "text": ""}]), False, "is empty"),
    "empty later": ([U, A, {"role": "user", "content": " "}], False, r"message 2 \(user\) is empty"),
    # T7: roles
    "unknown role": ([{"role": "tool", "content": "x"}], False, "role must be one of .* 'tool'"),
    "role missing": ([{"content": "x"}], False, "role must be one of .* None"),
    "role of a wrong type": ([{"role": ["user"], "content": "x"}], False, "role must be one of"),
    "role in capitals": ([{"role": "User", "content": "x"}], False, "role must be one of .* 'User'"),
    "message not an object": (["Hi"], False, "role must be one of"),
    # content
    "content missing": ([{"role": "user"}], False, "text or a list of parts, got NoneType"),
    "content a number": (user(7), False, "text or a list of parts, got int"),
    "content an object": (user({"type": "text", "text": "x"}), False, "text or a list of parts, got dict"),
    "part not an object": (user(["x"]), False, "of type text, image or audio, got None"),
    "part without type": (user([{"text": "x"}]), False, "of type text, image or audio, got None"),
    "part of unknown type": (user([{"type": "video", "video": 1}]), False, "got 'video'"),
    "part of OpenAI's type": (user([{"type": "image_url", "image_url": "x"}]), False, "got 'image_url'"),
    "text part without text": (user([{"type": "text"}]), False, "of type text needs a 'text' value"),
    "text part of a wrong type": (user([{"type": "text", "text": 5}]), False, "of type text needs a 'text' value"),
    "image part without image": (user([{"type": "image"}]), False, "of type image needs a 'image' value"),
    "audio part of None": (user([{"type": "audio", "audio": None}]), False, "of type audio needs a 'audio' value"),
    "image under another name": (user([{"type": "image", "audio": 1}]), False, "needs a 'image' value"),
    "system with an image": ([{"role": "system", "content": [PICTURE]}, U], False, "only user messages may carry"),
    "assistant with an image": ([U, {"role": "assistant", "content": [PICTURE]}], True, "only user messages may carry"),
    # order
    "system later": ([U, A, SYS, U], False, "message 2: a system message must be the first"),
    "two systems": ([SYS, SYS, U], False, "message 1: a system message must be the first"),
    "two users": ([U, U], False, "message 1: two user messages in a row"),
    "assistant first": ([A, U], False, "message 0: an assistant message must follow a user message"),
    "assistant after system": ([SYS, A], True, "message 1: an assistant message must follow a user message"),
    # D3
    "two assistants": ([U, A, A], True, "message 2: an assistant message must follow a user message"),
    "only system": ([SYS], True, "last message must be an assistant message, got system"),
    "only system, asked": ([SYS], False, "last message must be a user message, got system"),
    "empty answer": ([U, {"role": "assistant", "content": ""}], True, r"message 1 \(assistant\) is empty"),
    "blank answer": ([U, {"role": "assistant", "content": " \n"}], True, r"message 1 \(assistant\) is empty"),
    "nothing to learn": ([U], True, "last message must be an assistant message, got user"),
    "nothing to answer": ([U, A], False, "last message must be a user message, got assistant"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused_with_the_reason(name: str) -> None:
    messages, training, reason = REFUSED[name]
    with pytest.raises(InputError, match=reason) as caught:
        check(messages, for_training=training)
    assert caught.value.code == "bad_input"
    with pytest.raises(InputError, match=reason):  # and through the door that everything passes
        processor_of("studio")(messages, for_training=training)


@pytest.mark.parametrize(
    "messages",
    [[U], [SYS, U], [U, A, U], [SYS, U, A, U, A, U], user([PICTURE]), [{"role": "system", "content": ""}, U]],
)
def test_accepted_for_an_answer_and_with_one_for_training(messages: list[dict[str, Any]]) -> None:
    check(messages, for_training=False)
    check([*messages, A], for_training=True)


def test_a_modality_that_the_model_lacks() -> None:
    with pytest.raises(InputError, match="takes no audio input") as caught:
        processor_of("studio")(user([{"type": "audio", "audio": [0.0]}]), for_training=False)
    assert caught.value.code == "unsupported_modality"

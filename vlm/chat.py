"""Messages -> pieces with a supervision bit each; chat templates as data.

A message is {"role": "system" | "user" | "assistant", "content": str | [part, ...]}, a part is
{"type": "text", "text": str} or {"type": "image" | "audio", "image" | "audio": anything the
assistant can open}. Only attached parts make placeholders: text is text, whatever it says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from .errors import InputError
from .tokenizer import Tokenizer

Message = dict[str, Any]
MODALITIES = ("image", "audio")
ROLES = ("system", "user", "assistant")


class Control(str):
    """A control token of a template, named as in the tokenizer file."""


Pieces = tuple[str, ...]
"""Text and `Control` tokens, in order."""


@dataclass(frozen=True)
class ChatTemplate:
    """What stands before and after each turn. `assistant[0]` is also the generation prompt.

    `system_in_user` puts the system block inside the first user turn (Llama 2). `media_suffix`
    follows each image or sound. `supervise_from` is the text of every assistant turn up to and
    with the first control token after it. `media_first` is for models that never saw it otherwise:
    the images, then the sounds of a message stand before its text, wherever the client put them.
    """

    begin: Pieces
    system: tuple[Pieces, Pieces]
    user: tuple[Pieces, Pieces]
    assistant: tuple[Pieces, Pieces]
    answer_prefix: str = ""
    text_prefix: str = ""
    media_suffix: str = ""
    system_in_user: bool = False
    default_system: str = ""
    media_first: bool = False


def _header(role: str) -> Pieces:
    return Control("<|start_header_id|>"), role, Control("<|end_header_id|>"), "\n\n"


_EOT = (Control("<|eot_id|>"),)
TEMPLATES: dict[str, ChatTemplate] = {
    # Ours: words of the vocabulary begin with a space, so every turn's text gets one.
    "studio": ChatTemplate(
        begin=(Control("<|bos|>"),),
        system=((Control("<|system|>"),), (Control("<|end|>"),)),
        user=((Control("<|user|>"),), (Control("<|end|>"),)),
        assistant=((Control("<|assistant|>"),), (Control("<|end|>"),)),
        answer_prefix=" ",
        text_prefix=" ",
        media_first=True,
    ),
    "llama-2": ChatTemplate(
        begin=(),
        system=(("<<SYS>>\n",), ("\n<</SYS>>\n\n",)),
        user=((Control("<s>"), "[INST] "), (" [/INST]",)),
        assistant=((), (" ", Control("</s>"))),
        answer_prefix=" ",
        media_suffix="\n",
        system_in_user=True,
    ),
    "llama-3": ChatTemplate(
        begin=(Control("<|begin_of_text|>"),),
        system=(_header("system"), _EOT),
        user=(_header("user"), _EOT),
        assistant=(_header("assistant"), _EOT),
        media_suffix="\n",
    ),
    "vicuna": ChatTemplate(
        begin=(Control("<s>"),),
        system=((), (" ",)),
        user=(("USER: ",), (" ",)),
        assistant=(("ASSISTANT:",), (Control("</s>"),)),
        answer_prefix=" ",
        media_suffix="\n",
        default_system=(
            "A chat between a curious user and an artificial intelligence assistant. "
            "The assistant gives helpful, detailed, and polite answers to the user's questions."
        ),
    ),
    "chatml": ChatTemplate(
        begin=(),
        system=((Control("<|im_start|>"), "system\n"), (Control("<|im_end|>"), "\n")),
        user=((Control("<|im_start|>"), "user\n"), (Control("<|im_end|>"), "\n")),
        assistant=((Control("<|im_start|>"), "assistant\n"), (Control("<|im_end|>"), "\n")),
        media_suffix="\n",
    ),
    # TinyLlama's: its role names are ordinary text.
    "zephyr": ChatTemplate(
        begin=(),
        system=(("<|system|>\n",), (Control("</s>"), "\n")),
        user=(("<|user|>\n",), (Control("</s>"), "\n")),
        assistant=(("<|assistant|>\n",), (Control("</s>"), "\n")),
        media_suffix="\n",
    ),
    # No roles: media, then what is said of them (LLaVA's stage 1).
    "plain": ChatTemplate(
        begin=(Control("<s>"),),
        system=((), ("\n",)),
        user=((), ()),
        assistant=((), ("\n", Control("</s>"))),
    ),
}


class Piece(NamedTuple):
    """One run of the rendered conversation: text, a control token, or a medium's name."""

    kind: str
    """text | control | image | audio"""
    text: str
    supervised: bool = False


def parts_of(message: Message) -> list[dict[str, Any]]:
    """The content as a list of parts. Raises `InputError` for anything that is not one."""
    if not isinstance(message, dict) or message.get("role") not in ROLES:
        role = message.get("role") if isinstance(message, dict) else message
        raise InputError(f"message role must be one of {', '.join(ROLES)}, got {role!r}")
    content = message.get("content")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    if not isinstance(content, list):
        raise InputError(f"message content must be text or a list of parts, got {type(content).__name__}")
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in ("text", *MODALITIES):
            raise InputError(f"a content part must be of type text, image or audio, got {kind!r}")
        if part.get(kind) is None or (kind == "text" and not isinstance(part["text"], str)):
            raise InputError(f"a content part of type {kind} needs a {kind!r} value")
        if kind != "text" and message["role"] != "user":
            raise InputError(f"only user messages may carry {kind} parts, not {message['role']}")
    return content


def check(messages: list[Message], *, for_training: bool) -> None:
    """Roles in a possible order, something to answer, nothing empty (but an answer that was).

    Raises:
        InputError: says which message and why.
    """
    if not isinstance(messages, list) or not messages:
        raise InputError("messages are empty; send at least one user message")
    for index, message in enumerate(messages):
        parts = parts_of(message)
        role = message["role"]
        if role == "system" and index:
            raise InputError(f"message {index}: a system message must be the first")
        previous = messages[index - 1]["role"] if index else None
        if role == "assistant" and previous != "user":
            raise InputError(f"message {index}: an assistant message must follow a user message")
        if role == "user" and previous == "user":
            raise InputError(f"message {index}: two user messages in a row; join them into one")
        needed = role == "user" or (role == "assistant" and for_training)
        if needed and not any(p["type"] != "text" or p["text"].strip() for p in parts):
            raise InputError(f"message {index} ({role}) is empty")
    last = messages[-1]["role"]
    if last != ("assistant" if for_training else "user"):
        wanted = "an assistant" if for_training else "a user"
        raise InputError(f"the last message must be {wanted} message, got {last}")


def render(messages: list[Message], template: ChatTemplate, system_prompt: str = "") -> list[Piece]:
    """Messages that passed `check` -> pieces; ends with the generation prompt after a user turn."""
    pieces = _literal(template.begin)
    system = system_prompt or template.default_system
    if messages[0]["role"] == "system":
        system = "".join(part["text"] for part in parts_of(messages[0]))
        messages = messages[1:]
    block = _turn(template.system, [Piece("text", template.text_prefix + system)]) if system else []
    if not template.system_in_user:
        pieces += block
        block = []
    for message in messages:
        if message["role"] == "user":
            pieces += _literal(template.user[0]) + block + _user_parts(message, template) + _literal(template.user[1])
            block = []
        else:
            text = "".join(part["text"] for part in parts_of(message))
            pieces += _literal(template.assistant[0])
            pieces += [Piece("text", template.answer_prefix + text, True), *_answer_end(template.assistant[1])]
    if messages[-1]["role"] == "user":
        pieces += _literal(template.assistant[0])
    return pieces


def encode(pieces: list[Piece], tokenizer: Tokenizer) -> list[tuple[Piece, list[int]]]:
    """Pieces with their ids; neighbouring texts of equal supervision are read as one text.

    A medium gets no ids here: how many it needs is the processor's business.
    """
    joined: list[Piece] = []
    for piece in pieces:
        last = joined[-1] if joined else None
        if last and piece.kind == last.kind == "text" and piece.supervised == last.supervised:
            joined[-1] = last._replace(text=last.text + piece.text)
        elif piece.text or piece.kind != "text":
            joined.append(piece)
    found: list[tuple[Piece, list[int]]] = []
    run, run_ids = "", list[int]()  # texts since the last control token or medium
    for piece in joined:
        if piece.kind == "text":
            ids = _continued(run, run_ids, piece.text, tokenizer)
            run, run_ids = run + piece.text, run_ids + ids
        else:
            ids, run, run_ids = [tokenizer.control(piece.text)] if piece.kind == "control" else [], "", []
        found.append((piece, ids))
    return found


def _continued(before: str, before_ids: list[int], text: str, tokenizer: Tokenizer) -> list[int]:
    """The ids of `text` where it stands: SentencePiece's tokenizers read the beginning of a text otherwise.

    What precedes keeps its ids, as it has them when an answer is yet to come; where the two would melt
    into one token, `text` is read by itself.
    """
    if not before:
        return tokenizer.encode(text)
    whole = tokenizer.encode(before + text)
    return whole[len(before_ids) :] if whole[: len(before_ids)] == before_ids else tokenizer.encode(text)


def _literal(pieces: Pieces, supervised: bool = False) -> list[Piece]:
    return [Piece("control" if isinstance(p, Control) else "text", str(p), supervised) for p in pieces]


def _turn(frame: tuple[Pieces, Pieces], inside: list[Piece]) -> list[Piece]:
    return _literal(frame[0]) + inside + _literal(frame[1])


def _user_parts(message: Message, template: ChatTemplate) -> list[Piece]:
    pieces, parts = [], parts_of(message)
    for part in media_first(parts) if template.media_first else parts:
        if part["type"] == "text":
            pieces.append(Piece("text", template.text_prefix + part["text"]))
        else:
            pieces += [Piece(part["type"], ""), Piece("text", template.media_suffix)]
    return pieces


def media_first(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Images, sounds, texts, each in their order."""
    return sorted(parts, key=lambda part: (*MODALITIES, "text").index(part["type"]))


def _answer_end(after: Pieces) -> list[Piece]:
    """What follows an answer: supervised up to and with the first control token."""
    stop = next((i + 1 for i, p in enumerate(after) if isinstance(p, Control)), len(after))
    return _literal(after[:stop], True) + _literal(after[stop:])

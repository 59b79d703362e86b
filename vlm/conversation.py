"""A question as messages, and what is looked at before anybody answers: roles, amounts, media that can be opened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from encoders.media import AudioSource, ImageSource, load_audio, load_image

from .chat import Message, check, parts_of
from .errors import InputError

MAX_PROMPT_CHARACTERS = 65_536
MAX_MEDIA = 16


def question_messages(
    question: str, images: Sequence[ImageSource], audio: Sequence[AudioSource], system: str
) -> list[Message]:
    """Messages for one question: images first, then sounds, then the text."""
    content: list[dict[str, Any]] = [{"type": "image", "image": image} for image in images]
    content += [{"type": "audio", "audio": sound} for sound in audio]
    if question:
        content.append({"type": "text", "text": question})
    messages: list[Message] = [{"role": "user", "content": content}]
    return [{"role": "system", "content": system}, *messages] if system else messages


def prepared(messages: list[Message], *, answered: bool = False) -> list[Message]:
    """The conversation with its media decoded. `answered`: it ends with an answer.

    Raises:
        InputError: it cannot be answered, or is larger than accepted. MediaError: a medium cannot be used.
    """
    check(messages, for_training=answered)
    parts = [part for message in messages for part in parts_of(message)]
    characters = sum(len(part["text"]) for part in parts if part["type"] == "text")
    if characters > MAX_PROMPT_CHARACTERS:
        raise InputError(
            f"the text is {characters} characters long; at most {MAX_PROMPT_CHARACTERS} are accepted",
            "prompt_too_long",
        )
    media = sum(part["type"] != "text" for part in parts)
    if media > MAX_MEDIA:
        raise InputError(f"{media} images and sounds; at most {MAX_MEDIA} are accepted", "too_many_media")
    return [opened(message) for message in messages]


def opened(message: Message) -> Message:
    """The message with its media decoded; text is left as it is."""
    parts = []
    for part in parts_of(message):
        if part["type"] == "image":
            part = {"type": "image", "image": load_image(part["image"], name=part.get("name"))}
        elif part["type"] == "audio":
            part = {"type": "audio", "audio": load_audio(part["audio"], name=part.get("name"))}
        parts.append(part)
    return {"role": message["role"], "content": parts}

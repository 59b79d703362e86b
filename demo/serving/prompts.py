"""From what a client sent to what the engine takes: a conversation with its media opened, one at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from vlm.chat import Message
from vlm.media import SERVER_LIMITS, load_audio, load_image

from .errors import ApiError
from .models import ServedModel
from .policy import Refused, review
from .schemas import MAX_IMAGES, MAX_SOUNDS, MAX_TEXT, AudioPart, ChatRequest, ImagePart, RefusalPart, TextPart

if TYPE_CHECKING:
    from vlm.batch import Sample
    from vlm.processor import Processor

Part = TextPart | ImagePart | AudioPart | RefusalPart
_DATA_URL = re.compile(r"data:image/[a-z0-9.+-]{1,40};base64,", re.IGNORECASE)


def parts_of(asked: ChatRequest) -> Iterator[tuple[str, int, Part]]:
    """(where it is, number of its message, part); text alone is one part."""
    for number, message in enumerate(asked.messages):
        where = f"messages[{number}].content"
        content = message.content
        if content is None:
            content = getattr(message, "refusal", None) or ""
        if isinstance(content, str):
            yield where, number, TextPart(type="text", text=content)
            continue
        for place, part in enumerate(content):
            yield f"{where}[{place}]", number, part


def check_amounts(asked: ChatRequest) -> None:
    """Raises ApiError (400) for more text, pictures or sounds than a request may bring, before any is opened."""
    parts = [part for _, _, part in parts_of(asked)]
    characters = sum(len(part.text) for part in parts if isinstance(part, TextPart))
    if characters > MAX_TEXT:
        raise _too_much("prompt_too_long", f"The text is {characters} characters long; {MAX_TEXT} are accepted.")
    for kind, limit, name in ((ImagePart, MAX_IMAGES, "images"), (AudioPart, MAX_SOUNDS, "sounds")):
        if (count := sum(isinstance(part, kind) for part in parts)) > limit:
            raise _too_much(f"too_many_{name}", f"{count} {name}; at most {limit} are accepted.")


def remote_urls(asked: ChatRequest) -> dict[str, str]:
    """Those of pictures that are not in the request itself -> where they are named."""
    return {part.image_url.url: f"{where}.image_url.url" for where, _, part in parts_of(asked)
            if isinstance(part, ImagePart) and part.image_url.url[:5].lower() != "data:"}  # fmt: skip


def sample_of(asked: ChatRequest, served: ServedModel, fetched: Mapping[str, bytes]) -> Sample:
    """The prompt. Heavy: pictures and sounds are decoded here.

    Raises:
        ApiError: 400. VlmError: what cannot be used.
    """
    messages: list[Message] = [{"role": "system" if message.role == "developer" else message.role, "content": []}
                               for message in asked.messages]  # fmt: skip
    for where, number, part in parts_of(asked):
        messages[number]["content"].append(_converted(where, part, served, fetched))
    if messages[-1]["role"] != "user":
        raise ApiError(400, "bad_input", "The last message must be the user's.", param="messages")
    return served.processor(served.dressed(messages), for_training=False)


def _converted(where: str, part: Part, served: ServedModel, fetched: Mapping[str, bytes]) -> dict[str, Any]:
    if isinstance(part, ImagePart):
        return medium(served.processor, "image", _image_source(f"{where}.image_url.url", part.image_url.url, fetched),
                      f"{where}.image_url.url")  # fmt: skip
    if isinstance(part, AudioPart):
        source = f"data:audio/{part.input_audio.format};base64,{part.input_audio.data}"
        return medium(served.processor, "audio", source, f"{where}.input_audio.data")
    text = part.text if isinstance(part, TextPart) else part.refusal
    try:
        text = review(text, served.input, "input", content=served.quote)
    except Refused as refused:
        raise ApiError(400, "content_policy_violation", str(refused), param=where) from None
    return {"type": "text", "text": text}


def _image_source(where: str, url: str, fetched: Mapping[str, bytes]) -> str | bytes:
    if url in fetched:
        return fetched[url]
    if not _DATA_URL.match(url):  # only what is certainly no path may go on as a string
        raise ApiError(400, "bad_image", f"{where}: data URLs must be data:image/...;base64,...", param=where)
    return url


def medium(processor: Processor, kind: str, source: str | bytes, where: str) -> dict[str, Any]:
    """A message's part, already in the shape of encoder input: of its pixels or samples nothing stays.

    Raises:
        ApiError: the model takes nothing of this kind. MediaError: it cannot be opened, or is over the limits.
    """
    if kind not in processor.transforms:
        raise ApiError(400, "unsupported_modality", f"This model takes no {kind} input.", param=where)
    load = load_image if kind == "image" else load_audio
    return {"type": kind, kind: processor.transforms[kind](load(source, name=where, limits=SERVER_LIMITS))}


def _too_much(code: str, message: str) -> ApiError:
    return ApiError(400, code, message, param="messages")

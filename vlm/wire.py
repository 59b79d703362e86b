"""Conversations as OpenAI's interface has them, and what comes back: pure functions, no network.

    prepared messages, options -> the body of POST /chat/completions
    bytes -> server-sent events;  a completion, or chunks of one -> text, then a `Reply`

What comes back is foreign: it is looked at field by field, and what does not fit is a `BackendRequestError`.
"""

from __future__ import annotations

import base64
import io
import json
import math
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from PIL import Image

from encoders.base import SAMPLE_RATE
from encoders.untrusted import SERVER_LIMITS

from .chat import Message, parts_of
from .errors import BackendRequestError, one_line
from .generation import Reply
from .sampling_options import SamplingOptions
from .tokenizer import well_formed

MAX_PIXELS = SERVER_LIMITS.max_pixels
MAX_PNG_BYTES = 8_000_000
"""A picture whose PNG is larger goes as a JPEG: servers bound a request's size."""
JPEG_QUALITY = 95
MAX_EVENT_BYTES = 1 << 20
FINISHED = ("stop", "length")
_EXTENSIONS = ("top_k", "min_p", "repetition_penalty")
"""vLLM's and llama.cpp's, not OpenAI's: sent only where they change something."""


# --- there ---


def body_of(
    messages: list[Message], options: SamplingOptions, model: str, *, row: int = 0, stream: bool = False,
    schema: dict[str, Any] | None = None,
) -> bytes:  # fmt: skip
    """The request. `messages` have their media decoded; `row` is the number of the random stream."""
    plain = SamplingOptions()
    body: dict[str, Any] = {
        "model": model, "messages": [_message(message) for message in messages],
        "max_tokens": options.max_new_tokens, "temperature": options.temperature, "top_p": options.top_p,
    }  # fmt: skip
    body |= {name: value for name in _EXTENSIONS if (value := getattr(options, name)) != getattr(plain, name)}
    if options.stop:
        body["stop"] = list(options.stop)
    if options.seed is not None:
        body["seed"] = options.seed_of(row)
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    if schema is not None:
        named = {"name": "caption", "schema": schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    return json.dumps(body).encode()


def _message(message: Message) -> dict[str, Any]:
    """Text alone goes as a string: servers of models without eyes know nothing else."""
    parts = parts_of(message)
    if len(parts) == 1 and parts[0]["type"] == "text":
        return {"role": message["role"], "content": well_formed(parts[0]["text"])}
    return {"role": message["role"], "content": [_part(part) for part in parts]}


def _part(part: dict[str, Any]) -> dict[str, Any]:
    match part["type"]:
        case "image":
            return {"type": "image_url", "image_url": {"url": data_url(part["image"])}}
        case "audio":
            data = base64.b64encode(wav(part["audio"])).decode()
            return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
    return {"type": "text", "text": well_formed(part["text"])}


def data_url(image: Image.Image) -> str:
    """The pixels as they are, unless they are more than a server takes."""
    if (share := MAX_PIXELS / (image.width * image.height)) < 1:
        width, height = (max(1, int(side * math.sqrt(share))) for side in image.size)
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    buffer, kind = io.BytesIO(), "png"
    image.save(buffer, "PNG", compress_level=1)
    if buffer.tell() > MAX_PNG_BYTES:
        buffer, kind = io.BytesIO(), "jpeg"
        image.save(buffer, "JPEG", quality=JPEG_QUALITY)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def wav(samples: np.ndarray) -> bytes:
    """float32 (samples,) of -1..1 -> 16 bits each, mono; what was 16 bits before comes out the same."""
    buffer = io.BytesIO()
    with wave.Wave_write(buffer) as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.rint(samples * 32768.0).clip(-32768, 32767).astype("<i2").tobytes())
    return buffer.getvalue()


# --- and back ---


class Events:
    """Bytes as they come -> the data of whole server-sent events. Comments and other fields are passed over."""

    def __init__(self) -> None:
        self._rest, self._data = bytearray(), bytearray()

    def push(self, data: bytes) -> Iterator[bytes]:
        """Raises `BackendRequestError` for an event of more than `MAX_EVENT_BYTES`."""
        self._rest += data
        if len(self._rest) + len(self._data) > MAX_EVENT_BYTES + len(data):
            bad("an event without end")
        if b"\n" not in data:
            return
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r")
            if line.startswith(b"data:"):
                self._data += line[5:].removeprefix(b" ") + b"\n"
            elif not line and self._data:
                yield bytes(self._data[:-1])
                self._data.clear()


def parsed(data: bytes) -> dict[str, Any]:
    """A JSON object. An error in its place is raised."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        bad("no JSON")
    if not isinstance(found, dict):
        bad("no JSON object")
    if found.get("error"):
        raise BackendRequestError("failed", f"the server gave up on the answer{told_by(found)}")
    return found


def told_by(body: Any) -> str:
    """The server's own words in the body of an error (OpenAI's shape, or FastAPI's): ": words", or nothing."""
    error = body.get("error", body) if isinstance(body, dict) else None
    message = error if isinstance(error, str) else _get(error, "message") or _get(error, "detail")
    return f": {one_line(message)}" if isinstance(message, str) and message.strip() else ""


def models_of(body: dict[str, Any]) -> dict[str, int | None]:
    """The answer to GET /models: name -> tokens of a conversation at most, where the server tells (vLLM, ours)."""
    listed = body.get("data")
    if not isinstance(listed, list):
        bad("no list of models")
    names = [one for one in listed if isinstance(_get(one, "id"), str)]
    lengths = (_get(one, "max_model_len") for one in names)
    return {one["id"]: n if _whole(n) else None for one, n in zip(names, lengths, strict=True)}


@dataclass
class Telling:
    """An answer on its way: chunks, or all of it at once, become text, and at the end a `Reply`."""

    started: float = field(default_factory=time.perf_counter)
    text: str = ""
    finish_reason: str = ""
    first: float = 0.0
    usage: dict[str, Any] = field(default_factory=dict)

    def push(self, body: dict[str, Any], inside: str = "delta") -> str:
        """The text that is new; `inside` is "message" where the whole answer comes at once."""
        if isinstance(body.get("usage"), dict):
            self.usage = body["usage"]
        choices = body.get("choices")
        if not isinstance(choices, list) or not (choices or inside == "delta"):
            bad("no choices")
        if not choices:  # the chunk that holds the usage
            return ""
        said, reason = _get(choices[0], inside), _get(choices[0], "finish_reason")
        text = _get(said, "content")
        if not isinstance(said, dict) or not isinstance(text, str | None) or not isinstance(reason, str | None):
            bad("a choice that is none")
        if isinstance(refusal := said.get("refusal"), str) and refusal:
            raise BackendRequestError("withheld", f"the server withholds the answer: {one_line(refusal)}")
        self.finish_reason = reason or self.finish_reason
        if text or reason:
            self.first = self.first or time.perf_counter() - self.started
        text = well_formed(text or "")
        self.text += text
        return text

    def reply(self) -> Reply:
        """The whole. Raises `BackendRequestError` where it is none."""
        if self.finish_reason == "content_filter":
            raise BackendRequestError("withheld", "the server withholds the answer")
        if self.finish_reason not in FINISHED:
            bad(
                f"an answer that ends with {one_line(self.finish_reason, 40)!r}"
                if self.finish_reason
                else "half an answer"
            )
        prompt, completion = (self._count(self.usage, f"{name}_tokens") for name in ("prompt", "completion"))
        reused = self._count(self.usage.get("prompt_tokens_details"), "cached_tokens")
        seconds = time.perf_counter() - self.started
        return Reply(self.text, self.finish_reason, prompt, completion, self.first, seconds, reused)

    @staticmethod
    def _count(place: Any, name: str) -> int:
        found = _get(place, name)
        return found if _whole(found) else 0


def bad(what: str) -> NoReturn:
    raise BackendRequestError("bad_answer", f"the server sent {what}; is it of OpenAI's interface?")


def _get(place: Any, name: str) -> Any:
    return place.get(name) if isinstance(place, dict) else None


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0

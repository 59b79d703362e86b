"""What clients send to /v1: closed models, every field with its range. A field that is not here is a 400.

The names are OpenAI's; `top_k`, `min_p` and `repetition_penalty` are vLLM's additions.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import File, UploadFile
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

MAX_TEXT = 65_536
MAX_IMAGES = 8
MAX_SOUNDS = 8
MAX_CHOICES = 8

Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
Stop = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Whole = Annotated[int, Field(ge=-(1 << 63), lt=1 << 63)]


class Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class TextPart(Closed):
    type: Literal["text"]
    text: Text


class ImageUrl(Closed):
    """`url`: `data:image/...;base64,...`, or http(s) where the server allows its host. `detail` changes nothing."""

    url: Annotated[str, StringConstraints(min_length=5, max_length=28_000_000)]
    detail: Literal["auto", "low", "high", "original"] | None = None


class ImagePart(Closed):
    type: Literal["image_url"]
    image_url: ImageUrl


class InputAudio(Closed):
    """`data`: base64. The content decides the format, whatever `format` says."""

    data: Annotated[str, StringConstraints(min_length=1, max_length=36_000_000)]
    format: Literal["wav", "mp3", "flac", "ogg", "opus", "aiff"]


class AudioPart(Closed):
    type: Literal["input_audio"]
    input_audio: InputAudio


class RefusalPart(Closed):
    type: Literal["refusal"]
    refusal: Text


UserPart = Annotated[TextPart | ImagePart | AudioPart, Field(discriminator="type")]
AssistantPart = Annotated[TextPart | RefusalPart, Field(discriminator="type")]
SpeakerName = Annotated[str, StringConstraints(max_length=64)]


class SystemMessage(Closed):
    role: Literal["system", "developer"]
    content: Text | Annotated[list[TextPart], Field(min_length=1, max_length=64)]
    name: SpeakerName | None = None


class UserMessage(Closed):
    role: Literal["user"]
    content: Text | Annotated[list[UserPart], Field(min_length=1, max_length=64)]
    name: SpeakerName | None = None


class AssistantMessage(Closed):
    """As this server sends it: what it never says (tool calls, audio) may come back empty."""

    role: Literal["assistant"]
    content: Text | Annotated[list[AssistantPart], Field(min_length=1, max_length=64)] | None = None
    refusal: Text | None = None
    name: SpeakerName | None = None
    annotations: Annotated[list[Any], Field(max_length=0)] | None = None
    audio: None = None
    function_call: None = None
    tool_calls: Annotated[list[Any], Field(max_length=0)] | None = None


ChatMessage = Annotated[SystemMessage | UserMessage | AssistantMessage, Field(discriminator="role")]


class StreamOptions(Closed):
    include_usage: bool = False
    include_obfuscation: Literal[False] = False


class TextFormat(Closed):
    type: Literal["text"]


class JsonObjectFormat(Closed):
    type: Literal["json_object"]


class NamedSchema(Closed):
    """`strict` changes nothing: every answer satisfies the schema, unless it is cut off."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=True)

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
    schema_: Annotated[dict[str, Any], Field(alias="schema")]
    description: Annotated[str, StringConstraints(max_length=4096)] | None = None
    strict: bool | None = None


class JsonSchemaFormat(Closed):
    type: Literal["json_schema"]
    json_schema: NamedSchema


ResponseFormat = Annotated[TextFormat | JsonObjectFormat | JsonSchemaFormat, Field(discriminator="type")]


class ChatRequest(Closed):
    """A conversation to be answered. `null` for a field means its default.

    Without `max_tokens` an answer may fill the context. `user`, `safety_identifier`, `metadata` and
    `prompt_cache_key` are read and change nothing, as is what SDKs say of tools where there are none;
    tools, and penalties other than 0, are refused, since the engine has none.
    """

    model: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=1024)]
    max_tokens: Annotated[int, Field(ge=1, le=1 << 20)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=1 << 20)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    top_k: Annotated[int, Field(ge=0, le=1 << 20)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(ge=0.1, le=10)] | None = None
    frequency_penalty: Annotated[float, Field(ge=0, le=0)] | None = None
    presence_penalty: Annotated[float, Field(ge=0, le=0)] | None = None
    logit_bias: Annotated[dict[str, float], Field(max_length=0)] | None = None
    n: Annotated[int, Field(ge=1, le=MAX_CHOICES)] | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=16)] | None = None
    seed: Whole | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = None
    modalities: Annotated[list[Literal["text"]], Field(min_length=1, max_length=1)] | None = None
    user: Annotated[str, StringConstraints(max_length=512)] | None = None
    safety_identifier: Annotated[str, StringConstraints(max_length=512)] | None = None
    prompt_cache_key: Annotated[str, StringConstraints(max_length=512)] | None = None
    metadata: Annotated[dict[str, Annotated[str, Field(max_length=512)]], Field(max_length=16)] | None = None
    store: Literal[False] | None = None
    service_tier: Literal["auto", "default"] | None = None
    tools: Annotated[list[Any], Field(max_length=0)] | None = None
    tool_choice: Literal["none", "auto"] | None = None
    parallel_tool_calls: bool | None = None


class TranscriptionForm(BaseModel):
    """A recording, and how its words should come back. `language` and `prompt` are read and change nothing."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    file: Annotated[UploadFile, File()]
    model: Annotated[str, StringConstraints(min_length=1, max_length=256)]
    response_format: Literal["json", "text"] = "json"
    temperature: Annotated[float, Field(ge=0, le=1)] = 0.0
    language: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?$")] | None = None
    prompt: Annotated[str, StringConstraints(max_length=4096)] | None = None
    stream: bool = False

"""What the server sends under /v1, in OpenAI's shapes. Chunks leave out what they do not set."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, SerializeAsAny

Output = TypeVar("Output", bound=BaseModel)


class ErrorBody(BaseModel):
    message: str
    type: str
    param: str | None
    code: str


class ErrorReply(BaseModel):
    error: ErrorBody


class Model(BaseModel):
    """`max_model_len`: tokens of a prompt and its answer, as vLLM calls them."""

    id: str
    created: int
    max_model_len: int
    object: Literal["model"] = "model"
    owned_by: str = "vlm-studio"


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[Model]


class Status(BaseModel):
    status: Literal["ok"] = "ok"


class TopLogprob(BaseModel):
    token: str
    logprob: float
    bytes: list[int]


class TokenLogprobs(TopLogprob):
    top_logprobs: list[TopLogprob]


class Logprobs(BaseModel):
    content: list[TokenLogprobs]
    refusal: None = None


class PromptDetails(BaseModel):
    cached_tokens: int


class Usage(BaseModel):
    """Over all choices; the prompt counts once. Images and sounds count as the tokens they take."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails


FinishReason = Literal["stop", "length", "content_filter"]


class AnswerMessage(BaseModel):
    """`content` is null, and `refusal` says why, where a policy withheld the answer."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None = None


class Choice(BaseModel):
    index: int
    message: AnswerMessage
    logprobs: Logprobs | None
    finish_reason: FinishReason


class ChatCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage


class Transcription(BaseModel):
    text: str
    usage: dict[str, Any]


class SkillEntry(BaseModel):
    name: str
    description: str
    input_schema: dict[str, Any]
    output_schema: dict[str, Any]


class SkillLeftOut(BaseModel):
    """Of another package, and why it cannot be used."""

    name: str
    reason: str


class SkillList(BaseModel):
    object: Literal["list"] = "list"
    data: list[SkillEntry]
    left_out: list[SkillLeftOut]


class SkillResult(BaseModel, Generic[Output]):
    object: Literal["skill.result"] = "skill.result"
    skill: str
    model: str
    output: SerializeAsAny[Output]


def chunk(head: dict[str, Any], index: int, delta: dict[str, Any], **rest: Any) -> dict[str, Any]:
    """One chat.completion.chunk with one choice."""
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": None} | rest
    return head | {"choices": [choice]}

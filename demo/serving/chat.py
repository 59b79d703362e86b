"""POST /v1/chat/completions: a prompt is prepared, answered by the engine, and told whole or as it comes."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from vlm.errors import InputError
from vlm.generation import Piece, Reply, TokenLogprob

from .answers import Answers, EventStream, answering, lifetime, log_answer
from .errors import ApiError
from .models import ServedModel
from .policy import Refused, review
from .prompts import check_amounts, remote_urls, sample_of
from .replies import ChatCompletion, chunk
from .schemas import ChatRequest, JsonObjectFormat, JsonSchemaFormat
from .service import Service

if TYPE_CHECKING:
    from vlm.constraints import JsonSchema
    from vlm.sampling import SamplingOptions
    from vlm.tokenizer import Tokenizer


async def complete(service: Service, asked: ChatRequest, request: Request) -> Response:
    """The answer, or a stream of it. Whatever fails before its first token is a status of its own."""
    served = service.model(asked.model)
    _check_combinations(asked)
    check_amounts(asked)
    options = _options(asked, service)
    until = asyncio.get_running_loop().time() + service.limits.request_seconds
    n = asked.n or 1
    with ExitStack() as held:
        held.enter_context(service.admitted(n))
        async with lifetime(request.receive, until):
            urls = remote_urls(asked)
            fetched = dict(zip(urls, [await service.fetch(url, where) for url, where in urls.items()], strict=True))
            in_thread = partial(to_thread.run_sync, limiter=service.workers)
            grammar = await in_thread(_grammar, asked, service)
            sample = await in_thread(sample_of, asked, served, fetched)
            logprobs = (asked.top_logprobs or 0) if asked.logprobs else None
            answers = held.enter_context(
                answering(service.engine, sample, options, n=n, grammar=grammar, logprobs=logprobs)
            )
            told = _Telling(service, served, n, logprobs is not None)
            if not asked.stream:
                return JSONResponse(await told.whole(answers))
            await answers.begun()
        usage = asked.stream_options is not None and asked.stream_options.include_usage
        return EventStream(told.chunks(answers, usage), held.pop_all(), until)


def _check_combinations(asked: ChatRequest) -> None:
    if asked.top_logprobs is not None and not asked.logprobs:
        raise ApiError(400, "invalid_value", "top_logprobs needs logprobs.", param="top_logprobs")
    if asked.stream_options is not None and not asked.stream:
        raise ApiError(400, "invalid_value", "stream_options needs stream.", param="stream_options")


def _options(asked: ChatRequest, service: Service) -> SamplingOptions:
    """Greedy unless a temperature is given, as everywhere in this project."""
    from vlm.sampling import SamplingOptions

    context = service.assistant.config.decoder.max_position_embeddings
    named = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "seed")
    given = {name: value for name in named if (value := getattr(asked, name)) is not None}
    limit = asked.max_completion_tokens or asked.max_tokens or context
    stop = (asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ())
    return SamplingOptions(max_new_tokens=min(limit, context), stop=stop, **given)


def _grammar(asked: ChatRequest, service: Service) -> JsonSchema | None:
    """What `response_format` allows. Raises ApiError or InputError for a schema that cannot be used."""
    from vlm.constraints import JsonSchema

    match asked.response_format:
        case JsonObjectFormat():
            schema: dict[str, Any] = {"type": "object"}
        case JsonSchemaFormat(json_schema=named):
            schema = named.schema_
        case _:
            return None
    param = "response_format.json_schema.schema"
    if len(json.dumps(schema)) > service.limits.schema_bytes:
        raise ApiError(
            400, "schema_too_large", f"A schema may have {service.limits.schema_bytes:,} bytes.", param=param
        )
    config = service.assistant.config
    try:
        return JsonSchema(schema, service.assistant.processor.tokenizer, config.decoder.vocab_size,
                          config.special_ids.eos)  # fmt: skip
    except InputError:
        raise
    except Exception as error:  # a schema is a program for the library: whatever it does to it is the schema's fault
        raise InputError("the schema cannot be used", "bad_schema") from error


class _Telling:
    """How the answers of one request are told: in one piece, or in chunks with the same head."""

    def __init__(self, service: Service, served: ServedModel, n: int, logprobs: bool) -> None:
        self.service, self.served, self.n, self.logprobs = service, served, n, logprobs
        self.head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": served.name}
        self.replies: list[Reply] = []

    async def whole(self, answers: Answers) -> dict[str, Any]:
        tokens: list[list[TokenLogprob]] = [[] for _ in range(self.n)]
        choices: list[dict[str, Any]] = [{} for _ in range(self.n)]
        async for index, event in answers:
            if isinstance(event, Piece):
                tokens[index] += event.logprobs
                continue
            message, reason = await self._judged(event)
            choices[index] = {"index": index, "message": {"role": "assistant", "content": None, "refusal": None}
                              | message, "finish_reason": reason}  # fmt: skip
        for choice, one in zip(choices, tokens, strict=True):
            withheld = choice["finish_reason"] == "content_filter"
            choice["logprobs"] = self._logprobs(() if withheld else one)
        body = self.head | {"object": "chat.completion", "choices": choices, "usage": self._usage()}
        return ChatCompletion.model_validate(body).model_dump()

    async def chunks(self, answers: Answers, usage: bool) -> AsyncIterator[dict[str, Any]]:
        """With output policies an answer comes in one chunk at its end: what is out cannot be taken back."""
        head = self.head | {"object": "chat.completion.chunk"} | ({"usage": None} if usage else {})
        for index in range(self.n):
            yield chunk(head, index, {"role": "assistant", "content": ""})
        async for index, event in answers:
            if isinstance(event, Reply):
                delta, reason = await self._judged(event)
                yield chunk(head, index, delta if self.served.output else {}, finish_reason=reason)
            elif not self.served.output:
                yield chunk(head, index, {"content": event.text}, logprobs=self._logprobs(event.logprobs))
        if usage:
            yield head | {"choices": [], "usage": self._usage()}

    async def _judged(self, reply: Reply) -> tuple[dict[str, Any], str]:
        """What is told of a finished answer, and why it ended."""
        self.replies.append(reply)
        self.service.metrics.answered(reply)
        if len(self.replies) == self.n:
            log_answer(self.served.name, self.replies)
        try:
            judge = partial(review, reply.text, self.served.output, "output", content=self.served.quote)
            text = await to_thread.run_sync(judge) if self.served.output else reply.text
        except Refused as refused:
            return {"content": None, "refusal": str(refused)}, "content_filter"
        return {"content": text}, reply.finish_reason

    def _usage(self) -> dict[str, Any]:
        first = self.replies[0]
        completion = sum(reply.completion_tokens for reply in self.replies)
        return {
            "prompt_tokens": first.prompt_tokens, "completion_tokens": completion,
            "total_tokens": first.prompt_tokens + completion,
            "prompt_tokens_details": {"cached_tokens": min(reply.reused_tokens for reply in self.replies)},
        }  # fmt: skip

    def _logprobs(self, tokens: Iterable[TokenLogprob]) -> dict[str, Any] | None:
        if not self.logprobs:
            return None
        tokenizer = self.served.processor.tokenizer
        return {
            "content": [
                _token(tokenizer, one.token_id, one.logprob)
                | {"top_logprobs": [_token(tokenizer, *top) for top in one.top]}
                for one in tokens
            ],
            "refusal": None,
        }


def _token(tokenizer: Tokenizer, token_id: int, logprob: float) -> dict[str, Any]:
    """A token's text: of a control token its name, of half a character U+FFFD."""
    text = tokenizer.decode([token_id]) or tokenizer.backend.id_to_token(token_id) or ""
    return {"token": text, "logprob": max(logprob, -9999.0), "bytes": list(text.encode())}  # JSON has no -inf

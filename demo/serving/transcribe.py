"""POST /v1/audio/transcriptions: what is said in a recording, as far as the audio side hears it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from demo.plugins.transcribe import QUESTION, is_silent
from vlm.errors import VlmError
from vlm.generation import Piece, Reply
from vlm.media import SAMPLE_RATE, SERVER_LIMITS, load_audio

from .answers import Answers, EventStream, answering, lifetime, log_answer
from .errors import ApiError, as_api_error
from .models import ServedModel
from .policy import Refused, review
from .schemas import TranscriptionForm
from .service import Service

if TYPE_CHECKING:
    from vlm.batch import Sample


async def transcribe(service: Service, asked: TranscriptionForm, request: Request) -> Response:
    """The words as JSON, as plain text, or as events."""
    from vlm.sampling import SamplingOptions

    served = service.model(asked.model)
    until = asyncio.get_running_loop().time() + service.limits.request_seconds
    with ExitStack() as held:
        held.enter_context(service.admitted(1))
        async with lifetime(request.receive, until):
            data = await asked.file.read()
            try:
                sample, seconds = await to_thread.run_sync(partial(_heard, served, data), limiter=service.workers)
                answers = Answers()
                if sample is not None:
                    context = service.assistant.config.decoder.max_position_embeddings
                    options = SamplingOptions(max_new_tokens=context, temperature=asked.temperature)
                    answers = held.enter_context(answering(service.engine, sample, options))
            except VlmError as error:
                told = as_api_error(error)
                told.param = "file" if told.param else None
                raise told from None
            telling = _told(service, served, answers, seconds)
            if not asked.stream:
                text = "".join([line["delta"] async for line in telling if "delta" in line])
                if asked.response_format == "text":
                    return PlainTextResponse(text + "\n")
                return JSONResponse({"text": text, "usage": {"type": "duration", "seconds": seconds}})
        return EventStream(telling, held.pop_all(), until, end="")


def _heard(served: ServedModel, data: bytes) -> tuple[Sample | None, float]:
    """(the prompt, seconds of sound); silence asks nothing, since a model would invent an answer."""
    if "audio" not in served.processor.transforms:
        raise ApiError(400, "unsupported_modality", "This model takes no audio input.", param="model")
    samples = load_audio(data, name="file", limits=SERVER_LIMITS)
    seconds = round(len(samples) / SAMPLE_RATE, 3)
    if is_silent(samples):
        return None, seconds
    part = {"type": "audio", "audio": served.processor.transforms["audio"](samples)}
    message = {"role": "user", "content": [part, {"type": "text", "text": QUESTION}]}
    return served.processor([message], for_training=False), seconds


async def _told(
    service: Service, served: ServedModel, answers: Answers, seconds: float
) -> AsyncIterator[dict[str, Any]]:
    """Deltas, then the whole; where there are output policies, one delta after they have looked."""
    text = ""
    async for _, event in answers:
        if isinstance(event, Piece) and not served.output:
            text += event.text
            yield {"type": "transcript.text.delta", "delta": event.text}
        elif isinstance(event, Reply):
            service.metrics.answered(event)
            log_answer(served.name, [event])
            if served.output:
                try:
                    text = review(event.text, served.output, "output", content=served.quote)
                except Refused as refused:
                    raise ApiError(400, "content_policy_violation", str(refused), param="file") from None
                yield {"type": "transcript.text.delta", "delta": text}
    yield {"type": "transcript.text.done", "text": text, "usage": {"type": "duration", "seconds": seconds}}

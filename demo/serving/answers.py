"""From the engine's thread to asyncio: the answers of one request, and how long they may go on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from vlm.errors import VlmError
from vlm.generation import Event, Generation, Piece, Reply

from .errors import ApiError, ClientGone, as_api_error
from .logs import event as log_event
from .logs import logger

if TYPE_CHECKING:
    from vlm.batch import Sample
    from vlm.constraints import JsonSchema
    from vlm.engine import Engine
    from vlm.sampling import SamplingOptions


class Answers:
    """The events of several generations, in the order in which they come; iterated once."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[tuple[int, Event]] = asyncio.Queue()
        self.early: list[tuple[int, Piece | Reply]] = []
        self.left = 0

    def hear(self, index: int, generation: Generation) -> None:
        """Takes over the events of one more generation."""
        loop = asyncio.get_running_loop()

        def hand_over(event: Event) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and with it whoever waited
                loop.call_soon_threadsafe(self.events.put_nowait, (index, event))

        self.left += 1
        generation.listen(hand_over)

    async def begun(self) -> None:
        """Returns when the first event is there; raises in place of it, while a status can still be sent."""
        self.early.append(await self._next())

    async def _next(self) -> tuple[int, Piece | Reply]:
        index, event = await self.events.get()
        if isinstance(event, VlmError):
            raise event
        self.left -= isinstance(event, Reply)
        return index, event

    async def __aiter__(self) -> AsyncIterator[tuple[int, Piece | Reply]]:
        while self.early:
            yield self.early.pop(0)
        while self.left:
            yield await self._next()


@contextmanager
def answering(
    engine: Engine, sample: Sample, options: SamplingOptions, *, n: int = 1, grammar: JsonSchema | None = None,
    logprobs: int | None = None,
) -> Iterator[Answers]:  # fmt: skip
    """`n` answers to one prompt, each drawing differently; what is not finished at the end is cancelled.

    Raises:
        QueueFullError, ContextLengthError, EngineDeadError
    """
    answers = Answers()
    with ExitStack() as begun:
        for index in range(n):
            constraint = None if grammar is None else grammar.constraint()
            generation = engine.submit(sample, options, constraint=constraint, stream=index, logprobs=logprobs)
            begun.callback(generation.cancel)
            answers.hear(index, generation)
        yield answers


@asynccontextmanager
async def lifetime(receive: Receive, until: float) -> AsyncIterator[None]:
    """The block is cancelled when the client goes, and at the time `until` of the loop.

    Raises:
        ApiError: 504 when the time is up.
        ClientGone
    """
    gone = False

    async def watch(limit: asyncio.Timeout) -> None:
        nonlocal gone
        while (await receive())["type"] != "http.disconnect":
            pass
        gone = True
        limit.reschedule(0)

    limit = asyncio.timeout_at(until)
    try:
        async with limit:
            watcher = asyncio.create_task(watch(limit))
            try:
                yield
            finally:
                watcher.cancel()
    except TimeoutError:
        if not limit.expired():  # somebody else's
            raise
        if gone:
            raise ClientGone from None
        raise ApiError(504, "request_timeout", "The answer took longer than this server allows.") from None


class EventStream(Response):
    """Server-sent events while an answer is made. Owns what is `held` for it, and lets it go at its end."""

    media_type = "text/event-stream"

    def __init__(
        self, lines: AsyncIterator[dict[str, Any]], held: ExitStack, until: float, end: str = "[DONE]"
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self.lines, self.held, self.until, self.end = lines, held, until, end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def say(data: str) -> None:
            await send({"type": "http.response.body", "body": f"data: {data}\n\n".encode(), "more_body": True})

        with self.held:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            try:
                async with lifetime(receive, self.until):
                    async for line in self.lines:
                        await say(json.dumps(line, ensure_ascii=False, separators=(",", ":")))
            except ClientGone:
                scope["vlm.code"] = "client_closed_request"
                return
            except Exception as error:
                told = as_api_error(error)
                scope["vlm.code"] = told.code
                if told.status_code == 500:
                    logger.exception("stream failed")
                await say(json.dumps(told.body()))
        if self.end:
            await say(self.end)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def log_answer(model: str, replies: Sequence[Reply]) -> None:
    """One line about the answers of a request: numbers only."""
    log_event(
        "answered", logging.INFO, model=model, prompt_tokens=replies[0].prompt_tokens,
        reused_tokens=replies[0].reused_tokens, completion_tokens=sum(r.completion_tokens for r in replies),
        finish_reasons=[r.finish_reason for r in replies],
        seconds_to_first_token=round(min(r.seconds_to_first_token for r in replies), 4),
        seconds=round(max(r.seconds for r in replies), 4),
    )  # fmt: skip

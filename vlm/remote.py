"""A server in place of a model: answers over OpenAI's interface, as `Assistant` gives them in this process.

    messages -> opened here -> `wire` -> `transport` -> the server -> `transport` -> `wire` -> pieces, replies

Nothing here needs torch. A thread with an event loop talks to the server, so that whatever is under way can be
ended at any moment: its connection is closed, and the server has its slot back.
"""

from __future__ import annotations

import asyncio
import json
import queue
import threading
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from typing import Any, TypeVar

from .answering import Answering
from .backend import Backend
from .captioning import Captioned, CaptionRequest, ahead_of, carefully, checked_batch_size, judged
from .chat import Message
from .conversation import prepared
from .errors import BackendError, BackendRequestError, VlmError
from .generation import Reply
from .sampling_options import SamplingOptions, chosen
from .transport import DEFAULTS, Patience, Transport
from .wire import Telling, body_of, models_of

T = TypeVar("T")

COMPLETIONS, MODELS = "/chat/completions", "/models"
LIST_SILENCE = 30.0
"""Seconds for which a server may think about what it serves."""
BREATH = 1.0
"""Seconds after which a stream that hears nothing yields, so that whoever asked can leave."""
IN_FLIGHT = 8
"""Requests at a time, where nobody says how many."""
HOPELESS = 16
"""So many failures in a row are the server's, not the pictures'."""


def connect(backend: Backend, patience: Patience = DEFAULTS) -> RemoteAssistant:
    """Asks the server what it serves.

    Raises:
        BackendError, BackendRequestError: it cannot be reached, wants a key or another one, or lists no model.
    """
    link = _Link(backend, replace(patience, silence=min(patience.silence, LIST_SILENCE)))
    try:
        try:
            listed = models_of(link.start(link.transport.whole("GET", MODELS)).result())
        except (BackendError, BackendRequestError) as error:
            if not backend.model or error.code in ("backend_unreachable", "backend_key"):
                raise
            listed = {}  # it need not list what it serves
        if not (name := backend.model or next(iter(listed), "")):
            raise BackendError("not_found", f"{backend.url}: it lists no model; name one with --backend-model")
    finally:
        link.close()
    return RemoteAssistant(replace(backend, model=name), context=listed.get(name), patience=patience)


class RemoteAssistant(Answering):
    """Made by `connect`. What goes wrong at the server's is a `BackendError` or a `BackendRequestError`.

    Of a `Reply`, counts of tokens are what the server says, 0 where it says nothing; seconds are measured here.
    A context manager; leaving it ends what is under way.
    """

    card = ""

    def __init__(self, backend: Backend, *, context: int | None = None, patience: Patience = DEFAULTS) -> None:
        self.backend, self._context, self._patience = backend, context, patience
        self._link: _Link | None = None
        self._making = threading.Lock()

    @property
    def name(self) -> str:
        return self.backend.model

    @property
    def context(self) -> int | None:
        return self._context

    @property
    def hears(self) -> bool:
        return True  # nobody tells; a server that does not says so when it is sent a sound

    @property
    def server(self) -> str:
        return self.backend.url

    def facts(self) -> list[tuple[str, str]]:
        context = f"{self.context:,} tokens" if self.context else "not told"
        return [("Model", self.name), ("Server", self.server), ("Context", context)]

    def close(self) -> None:
        """Ends what is under way; what is asked afterwards begins anew."""
        with self._making:
            link, self._link = self._link, None
        if link is not None:
            link.close()

    def __enter__(self) -> RemoteAssistant:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- asking ---

    def stream(self, messages: list[Message], **options: Any) -> Iterator[str | Reply]:
        body = body_of(prepared(messages), chosen(options), self.name, stream=True)
        link, telling = self._connected, Telling()
        heard: queue.SimpleQueue[str | Reply | BaseException] = queue.SimpleQueue()

        async def listen() -> None:
            try:
                await link.transport.events(COMPLETIONS, body, lambda event: heard.put(telling.push(event)))
                heard.put(telling.reply())
            except BaseException as error:
                heard.put(error)
                raise

        under_way = link.start(listen())
        try:
            while True:
                try:
                    event = heard.get(timeout=BREATH)
                except queue.Empty:
                    event = ""
                    yield event
                if isinstance(event, asyncio.CancelledError):
                    raise BackendError("closed", f"{self.server}: the connection has been closed here")
                if isinstance(event, BaseException):
                    raise event
                if event:
                    yield event
                if isinstance(event, Reply):
                    return
        finally:
            under_way.cancel()

    def answers(
        self, conversations: Iterable[list[Message]], *, batch_size: int = IN_FLIGHT, **options: Any
    ) -> Iterator[Reply]:
        """The answers to many conversations, in order, `batch_size` at a time."""
        sampling, link = chosen(options), self._connected

        def submit(asked: tuple[int, list[Message]]) -> Future[Reply]:
            number, messages = asked
            body = body_of(prepared(messages), sampling, self.name, row=number % batch_size)
            return link.start(link.answer(body))

        with closing(ahead_of(submit, enumerate(conversations), batch_size - 1)) as found:
            for replies in found:
                yield from replies

    def caption_batches(
        self, requests: Iterable[CaptionRequest], *, batch_size: int | None = None,
        schema: dict[str, Any] | None = None, workers: int = 2, **options: Any,
    ) -> Iterator[list[Captioned]]:  # fmt: skip
        """In the order of the requests, `batch_size` of them (8) at the server at a time.

        Raises:
            BackendError: the server is gone, or fails every request. What it answered before has been yielded.
        """
        sampling, size = chosen(options), checked_batch_size(batch_size) or IN_FLIGHT
        link = self._connected
        work = _Captions(link, self.name, sampling, schema, size, max(1, workers))
        with closing(ahead_of(lambda request: link.start(work(request)), requests, 4 * size)) as found:
            yield from until_hopeless(found)

    @property
    def _connected(self) -> _Link:
        with self._making:
            if self._link is None:
                self._link = _Link(self.backend, self._patience)
            return self._link


class _Captions:
    """The work of `RemoteAssistant.caption_batches`: one request each, called in the event loop.

    Of `size` + `workers` pictures at most the pixels are held: `size` are at the server, `workers` are decoded.
    """

    def __init__(
        self, link: _Link, model: str, sampling: SamplingOptions, schema: dict[str, Any] | None, size: int,
        workers: int,
    ) -> None:  # fmt: skip
        self.link, self.model, self.sampling, self.schema = link, model, sampling, schema
        self.held, self.decoding, self.asked = map(asyncio.Semaphore, (size + workers, workers, size))

    async def __call__(self, request: CaptionRequest) -> Captioned:
        async with self.held:
            async with self.decoding:
                body = await asyncio.to_thread(carefully, self._body, request)
            if isinstance(body, VlmError):
                return Captioned(request.place, error=body)
            async with self.asked:
                reply = await self._reply(body)
        return judged(request.place, reply, self.schema is not None)

    def _body(self, request: CaptionRequest) -> bytes:
        image = {"type": "image", "image": request.source(), "name": request.name}
        asked = [{"role": "user", "content": [image, {"type": "text", "text": request.prompt}]}]
        return body_of(prepared(asked), self.sampling, self.model, row=request.place, schema=self.schema)

    async def _reply(self, body: bytes) -> Reply | VlmError:
        try:
            reply = await self.link.answer(body, self.link.transport.patience.bulk_retry)
        except VlmError as error:
            return error
        if self.schema is not None and reply.finish_reason == "stop":
            try:
                json.loads(reply.text)
            except (ValueError, RecursionError):
                return BackendRequestError("bad_answer", "the server did not heed the schema: what came is no JSON")
        return reply


def until_hopeless(batches: Iterable[list[Captioned]]) -> Iterator[list[Captioned]]:
    """The results, as long as there is a server.

    Raises:
        BackendError: the first result that is one, or after `HOPELESS` failures in a row.
    """
    in_a_row = 0
    over: BackendError | None = None
    for batch in batches:
        for result in batch:
            if isinstance(result.error, BackendError):
                over = over or result.error
            elif isinstance(result.error, BackendRequestError) and result.error.code != "backend_too_large":
                in_a_row += 1
            elif result.error is None:
                in_a_row = 0
            if in_a_row == HOPELESS:
                reason = f"{HOPELESS} requests in a row failed; the last: {result.error}"
                over = over or BackendError("failing", reason)
        yield [result for result in batch if not isinstance(result.error, BackendError)]
        if over is not None:
            raise over


class _Link:
    """A thread with an event loop, and the transport that lives in it."""

    def __init__(self, backend: Backend, patience: Patience) -> None:
        self.loop = asyncio.new_event_loop()
        self.transport = Transport(backend, patience)
        self.thread = threading.Thread(target=self.loop.run_forever, name="backend", daemon=True)
        self.thread.start()

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Cancelling the future ends the work."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    async def answer(self, body: bytes, retry: float | None = None) -> Reply:
        """A completion that comes in one piece. `retry` as in `Transport.whole`."""
        telling = Telling()
        telling.push(await self.transport.whole("POST", COMPLETIONS, body, retry), inside="message")
        return telling.reply()

    def close(self) -> None:
        async def end() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await self.transport.close()
            await self.loop.shutdown_default_executor()

        self.start(end()).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

"""What becomes of a request: pieces of text as they come, then a reply or an error. Any thread may listen.

The engine's thread is the one that writes (`deliver`); everybody else reads.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .errors import EngineDeadError, VlmError
from .tokenizer import Tokenizer

if TYPE_CHECKING:
    from .engine import Engine

logger = logging.getLogger(__name__)

CHECK_SECONDS = 0.2
"""How often one who waits looks whether the engine still lives."""


@dataclass(frozen=True)
class TokenLogprob:
    """A token and its natural log-probability, as the model itself sees it: before temperature, filters, constraint.

    top: (token id, log-probability) of the most probable tokens, best first; as many as were asked for.
    """

    token_id: int
    logprob: float
    top: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Piece:
    """Text that is new, whole characters; the tokens since the last piece, and their logprobs if asked for.

    A token's text may come with a later piece (half a character, what may become a stop string), and only
    the last piece may have none. Tokens that end the answer, or belong to a stop string, are in no piece.
    """

    text: str
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()


@dataclass(frozen=True)
class Reply:
    """One answer, whole.

    finish_reason: "stop" (it ended by itself or by a stop string), "length" (`max_new_tokens` or the end of
        the context) or "cancelled".
    prompt_tokens: of these `reused_tokens` were computed for an earlier request.
    seconds_to_first_token, seconds: since the request was made.
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    seconds_to_first_token: float
    seconds: float
    reused_tokens: int = 0

    @property
    def tokens_per_second(self) -> float:
        """Decoding speed after the first token."""
        decoding = self.seconds - self.seconds_to_first_token
        return (self.completion_tokens - 1) / decoding if self.completion_tokens > 1 and decoding > 0 else 0.0


Event = Piece | Reply | VlmError
"""What a generation says: pieces, then once a reply or an error, and nothing after that."""


class Generation:
    """A request that the engine has accepted. Made by `Engine.submit`.

    Iterate it (from any thread but the engine's) for its pieces and, last, its reply; or `listen`; or ask
    for the `result`. Its events are for one consumer: what an iterator has taken, another does not see.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine: Engine | None = engine  # held while there is something to come, so that it does come
        self._wake = engine.wake
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._listener: Callable[[Event], None] | None = None
        self._lock = threading.Lock()
        self._cancelled = self._done = False

    def __iter__(self) -> Iterator[Piece | Reply]:
        """Pieces as they come, then the reply. Leaving early cancels.

        Raises:
            EngineDeadError: the engine ended first. VlmError: this request could not be carried out.
        """
        with closing(self.breathing()) as events:
            yield from (event for event in events if event is not None)

    def breathing(self) -> Generator[Piece | Reply | None, None, None]:
        """As iterating, with None whenever nothing has come for a while, so that the caller may leave."""
        try:
            while True:
                event = self._next()
                if isinstance(event, VlmError):
                    raise event
                yield event
                if isinstance(event, Reply):
                    return
        finally:
            self.cancel()  # after the end it changes nothing

    def result(self) -> Reply:
        """Waits for the reply; what has not been taken of the pieces is dropped. Raises as iterating does."""
        *_, reply = self
        assert isinstance(reply, Reply)
        return reply

    def outcome(self) -> Reply | VlmError:
        """As `result`, but what went wrong with this request alone is returned. Raises `EngineDeadError`."""
        try:
            return self.result()
        except EngineDeadError:
            raise
        except VlmError as error:
            return error

    def listen(self, callback: Callable[[Event], None]) -> None:
        """Calls back for each event: those that are there already now, the others from the engine's thread.

        The engine waits while it calls, so the callback hands the event on and returns (for asyncio:
        `loop.call_soon_threadsafe(events.put_nowait, event)`). One that raises is logged, and cancels.
        """
        with self._lock:
            while not self._events.empty():
                self._call(callback, self._events.get())
            self._listener = callback

    def cancel(self) -> None:
        """Ends it before the engine's next step; the reply ("cancelled") has the text so far. May come at any time."""
        self._cancelled = True
        self._wake.set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled

    @property
    def done(self) -> bool:
        """Whether the reply or the error has been delivered."""
        return self._done

    def deliver(self, event: Event) -> None:
        """For the engine."""
        with self._lock:
            if self._done:
                return
            self._done = not isinstance(event, Piece)
            engine = self._engine
            if self._done:
                self._engine = None
            if self._listener is None:
                self._events.put(event)
        if self._listener is not None:
            self._call(self._listener, event)
        if self._done and engine is not None:
            engine.left(self)

    def _call(self, listener: Callable[[Event], None], event: Event) -> None:
        try:
            listener(event)
        except Exception as error:
            logger.error("a listener failed; its request is cancelled", exc_info=error)
            self.cancel()

    def _next(self) -> Event | None:
        try:
            return self._events.get(timeout=CHECK_SECONDS)
        except queue.Empty:
            engine = self._engine
            if engine is not None and engine.heartbeat_age == math.inf:
                engine.bury()
            return None


@contextmanager
def together(generations: list[Generation]) -> Iterator[list[Generation]]:
    """On leaving, whatever the reason, those that are not done end."""
    try:
        yield generations
    finally:
        for generation in generations:
            generation.cancel()


@dataclass
class TextStream:
    """Tokens -> text that is safe to show: whole characters only, nothing that may begin a stop string."""

    tokenizer: Tokenizer
    stop: tuple[str, ...] = ()
    ids: list[int] = field(default_factory=list)
    shown: int = 0
    stopped: bool = False
    text: str = ""

    def push(self, token: int) -> str:
        """Adds a token and returns the new text to show, possibly none."""
        self.ids.append(token)
        return self._show(final=False)

    def finish(self) -> str:
        """What was held back and no longer needs to be."""
        return self._show(final=True)

    def _show(self, final: bool) -> str:
        if self.stopped:
            return ""
        text = self.tokenizer.decode(self.ids).removeprefix(" ")
        for stop in self.stop:
            if (at := text.find(stop)) >= 0:
                text, self.stopped = text[:at], True
        safe = len(text)
        if not (final or self.stopped):
            # U+FFFD at the end: the bytes of a character are not all here yet.
            safe = len(text.rstrip("\ufffd"))
            safe -= max((k for s in self.stop for k in range(1, len(s)) if text.endswith(s[:k])), default=0)
        fresh = text[self.shown : max(safe, self.shown)]
        self.shown += len(fresh)
        self.text += fresh
        return fresh

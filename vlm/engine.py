"""Many conversations on one model at once: requests join and leave between the steps of one loop.

A daemon thread owns the model, the cache and the rows; everything else talks to it through `Engine.submit`
and the `Generation` that it returns.
"""

from __future__ import annotations

import atexit
import logging
import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from .batch import Sample
from .errors import ContextLengthError, EngineDeadError, InputError, QueueFullError
from .generation import Generation
from .limits import DEFAULTS, EngineOptions
from .model import VLM
from .processor import Processor
from .request import Request
from .sampling import Constraint, SamplingOptions
from .scheduler import Scheduler

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 1.0
"""An idle engine gives a sign of life this often."""
JOIN_SECONDS = 30.0
"""How long one who ends it waits for the thread's turn to end."""


@dataclass(frozen=True)
class EngineStats:
    """A moment of an engine; below `heartbeat_age` everything counts from its start.

    heartbeat_age: seconds since the thread last gave a sign of life (idle, it gives one each second);
        infinite once it has ended.
    prompt_tokens: of requests that were admitted; `prefilled_tokens` of them were computed,
        `prefix_tokens` found in the cache.
    encoder_calls: calls of an encoder, each for one or more images or sounds; `encoder_seconds` their time.
    feature_hits: images and sounds whose features were found instead.
    refused: requests that found the queue full.
    steps: forward passes of the decoder.
    """

    running: int
    waiting: int
    slots: int
    slots_free: int
    alive: bool
    heartbeat_age: float
    requests: int = 0
    finished: int = 0
    cancelled: int = 0
    refused: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    prefilled_tokens: int = 0
    prefix_tokens: int = 0
    generated_tokens: int = 0
    encoder_calls: int = 0
    encoder_seconds: float = 0.0
    feature_hits: int = 0
    steps: int = 0


class Engine:
    """Answers samples, many at a time. Its thread starts with the first request. Safe to use from any thread.

    What a request answers does not depend on the others: in float32 its text is the same whatever runs
    beside it. Its numbers are bit-identical as long as the forward passes have the same shapes, whatever the
    neighbours hold; in other shapes (other rows, another chunk, a beginning found in the cache) sums are
    taken in another order, which moves log-probabilities by some 1e-6.

    A context manager; leaving it closes it. An engine that nobody holds any more ends by itself, and so
    does its thread when the interpreter exits. A process that is forked takes its own: in it this one is dead.

    Args:
        processor: the one that makes the samples: its tokenizer, special ids and token counts are used.
        on_death: called from the engine's thread, once, with the exception that ended it (not by `close`),
            after all its requests have been ended with an error. May also be set later.
    """

    def __init__(
        self, model: VLM, processor: Processor, options: EngineOptions = DEFAULTS, *,
        on_death: Callable[[BaseException], None] | None = None,
    ) -> None:  # fmt: skip
        self.model, self.processor, self.options, self.on_death = model, processor, options, on_death
        self.limits = options.limits(model)
        self._scheduler = Scheduler(model, self.limits)
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._change = threading.Condition(self._lock)  # a request has left
        self._arrivals: deque[Request] = deque()
        self._later: deque[Request] = deque()  # accepted while `quiet` holds them back
        self._inside: set[Generation] = set()  # accepted, and not ended
        self._accepted = self._refused = 0
        self._closed = self._holding = False
        self._turning = threading.Lock()  # whoever has it is alone with the model
        self._quieting = threading.Lock()
        self._death: BaseException | None = None
        self._signal = _Signal()
        weakref.finalize(self, _stop, self._signal)

    # --- requests ---

    def submit(
        self, sample: Sample, options: SamplingOptions, *, constraint: Constraint | None = None, stream: int = 0,
        logprobs: int | None = None,
    ) -> Generation:  # fmt: skip
        """Accepts a request, or refuses it at once; never waits.

        Args:
            constraint: narrows what may come next; made for this request alone.
            stream: the number of its random stream: with one seed, requests of different numbers draw differently.
            logprobs: log-probabilities of each token, and of this many of the most probable ones (0: of none).

        Raises:
            QueueFullError: as many as `options.queue` are waiting.
            ContextLengthError: the prompt leaves no room for an answer.
            EngineDeadError: closed, dead, or in a process that was forked from the engine's.
        """
        self._check()
        with self._lock:
            self._expect_room()  # before any work is done for it
        request = self._request(sample, options, constraint, stream, logprobs)
        with self._lock:
            self._expect_room()
            self._accept([request])
        return request.generation

    def submit_all(
        self, samples: Sequence[Sample], options: SamplingOptions, *,
        constraints: Sequence[Constraint] | None = None, streams: Sequence[int] | None = None,
    ) -> list[Generation]:  # fmt: skip
        """Requests that begin together, so that their prompts are read in one go; waits while the queue is full."""
        requests = deque(
            self._request(
                sample, options, constraints[row] if constraints else None, streams[row] if streams else row, None
            )
            for row, sample in enumerate(samples)
        )
        found = [request.generation for request in requests]
        try:
            while requests:
                with self._change:
                    self._check()
                    self._accept([requests.popleft() for _ in range(min(self._room(), len(requests)))])
                    if requests:
                        self._change.wait(HEARTBEAT_SECONDS)
        except BaseException:  # nobody will hear of those that are under way
            for generation in found:
                generation.cancel()
            raise
        return found

    def _request(
        self, sample: Sample, options: SamplingOptions, constraint: Constraint | None, stream: int, logprobs: int | None
    ) -> Request:
        self._check()
        if len(sample) >= self.limits.context:
            raise ContextLengthError(len(sample), self.limits.context)
        return Request(
            sample, options, self.model, self.processor, self.limits.context, Generation(self),
            constraint=constraint, stream=stream, logprobs=logprobs,
        )  # fmt: skip

    def _room(self) -> int:
        """How many more requests are accepted: none beyond those that run and those that may wait."""
        return max(self.limits.slots + self.limits.queue - len(self._inside), 0)

    def _expect_room(self) -> None:
        self._check()
        if not self._room():
            self._refused += 1
            raise QueueFullError(self.limits.queue)

    def _accept(self, requests: Sequence[Request]) -> None:
        (self._later if self._holding else self._arrivals).extend(requests)
        self._inside.update(request.generation for request in requests)
        self._accepted += len(requests)
        if self._signal.thread is None and requests:
            thread = threading.Thread(target=_loop, args=(weakref.ref(self), self._signal), name="engine", daemon=True)
            thread.start()
            self._signal.thread = thread  # only now: one that has not begun counts as dead
            _signals.add(self._signal)
        self._signal.wake.set()

    def left(self, generation: Generation) -> None:
        """Its reply or error has been delivered."""
        with self._change:
            self._inside.discard(generation)
            self._change.notify_all()

    @contextmanager
    def quiet(self, patience: float) -> Iterator[None]:
        """Nothing runs inside the block, so that the model may be changed there.

        What was accepted before is answered first; what is accepted meanwhile waits, and is answered by the
        changed model.

        Args:
            patience: seconds for what is under way.

        Raises:
            InputError: answers are still being generated after that; nothing has been changed.
        """
        with self._quieting:
            try:
                with self._change:
                    self._holding = True
                    if not self._change.wait_for(lambda: len(self._inside) <= len(self._later), patience):
                        raise InputError(
                            f"answers are still being generated after {patience:g} s; end them first", "busy"
                        )
                with self._turning:
                    yield
            finally:
                with self._lock:
                    self._holding = False
                    self._arrivals.extend(self._later)
                    self._later.clear()
                self._signal.wake.set()

    # --- its life ---

    @property
    def wake(self) -> threading.Event:
        """Set when there is something for the thread to look at."""
        return self._signal.wake

    @property
    def ours(self) -> bool:
        """Whether this process made it: its thread is in no other."""
        return self._pid == os.getpid()

    @property
    def alive(self) -> bool:
        """Whether requests are accepted and carried out: true also before the thread has been started."""
        thread = self._signal.thread
        ended = self._closed or self._death is not None or (thread is not None and not thread.is_alive())
        return not ended and self.ours

    @property
    def heartbeat_age(self) -> float:
        """As in `EngineStats`; 0.0 before the thread has been started."""
        if self._signal.thread is None:
            return 0.0
        return time.monotonic() - self._scheduler.beat if self._signal.thread.is_alive() else math.inf

    def stats(self) -> EngineStats:
        scheduler = self._scheduler
        running = scheduler.slots.taken
        return EngineStats(
            running=running, waiting=max(len(self._inside) - running, 0), slots=self.limits.slots,
            slots_free=self.limits.slots - running, alive=self.alive, heartbeat_age=self.heartbeat_age,
            requests=self._accepted, refused=self._refused, encoder_seconds=scheduler.encoder_seconds,
            **scheduler.counted,
        )  # fmt: skip

    def close(self, drain_seconds: float = 0.0) -> None:
        """Accepts nothing more, gives what is under way `drain_seconds` to finish, ends the rest with an error."""
        if not self.ours:
            return
        deadline = time.monotonic() + drain_seconds
        with self._change:
            self._closed = True
            while self._inside and (left := deadline - time.monotonic()) > 0 and self._death is None:
                self._change.wait(min(left, HEARTBEAT_SECONDS))
        _stop(self._signal)
        self.bury()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def bury(self) -> None:
        """Ends all requests with an error; the thread is no more."""
        with self._lock:
            mourned = list(self._inside)
        for generation in mourned:
            generation.deliver(self._obituary())

    def turn(self) -> bool:
        """What the thread does again and again; False if there was nothing to do."""
        with self._lock:
            self._scheduler.waiting.extend(self._arrivals)
            self._arrivals.clear()
        with self._turning:
            return self._scheduler.turn()

    def die(self, error: BaseException) -> None:
        """The thread is at its end."""
        logger.critical("the engine died; its requests end with an error", exc_info=error)
        self._death = error
        self.bury()
        if self.on_death is not None:
            self.on_death(error)

    def _check(self) -> None:
        if not self.alive:
            raise self._obituary()

    def _obituary(self) -> EngineDeadError:
        if not self.ours:
            return EngineDeadError("belongs to the process that this one was forked from; make one of your own")
        if self._closed and self._death is None:
            return EngineDeadError("has been closed")
        return EngineDeadError("died of an internal fault; the log has the details")


@dataclass(eq=False)
class _Signal:
    """What the thread and those who end it share; it does not keep the engine alive."""

    wake: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None
    stopping: bool = False
    pid: int = field(default_factory=os.getpid)


_signals: weakref.WeakSet[_Signal] = weakref.WeakSet()
"""Of all threads that run. An engine may be dropped by its own thread, last of all, which cannot wait for itself."""


@atexit.register
def _stop_all() -> None:
    """Whatever runs is waited for: the end of the interpreter would tear a thread out of torch's destructors."""
    for signal in list(_signals):
        _stop(signal)


def _loop(reference: weakref.ref[Engine], signal: _Signal) -> None:
    """The thread: turns while there is something to do. It holds the engine during a turn only."""
    torch.get_num_threads()  # makes this thread, too, heed `torch.set_num_threads`
    while not signal.stopping and (engine := reference()) is not None:
        signal.wake.clear()
        try:
            busy = engine.turn()
        except BaseException as error:
            engine.die(error)
            return
        del engine
        if not busy:
            signal.wake.wait(HEARTBEAT_SECONDS)


def _stop(signal: _Signal) -> None:
    """Ends the thread after its turn; a daemon inside torch would not survive the end of the interpreter."""
    signal.stopping = True
    signal.wake.set()
    thread = signal.thread
    if thread is not None and thread is not threading.current_thread() and signal.pid == os.getpid():
        thread.join(JOIN_SECONDS)


__all__ = ["Engine", "EngineOptions", "EngineStats"]

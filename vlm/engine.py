"""Many conversations on one model at once: requests join and leave between the steps of one loop.

A daemon thread owns the model, the cache and the rows; everything else talks to it through `Engine.submit`
and the `Generation` that it returns.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .batch import Sample
from .generation import Generation
from .model import VLM
from .processor import Processor
from .sampling import Constraint, SamplingOptions


@dataclass(frozen=True)
class EngineOptions:
    """How much an engine does at a time. None: chosen by the memory that is free when the first request comes.

    slots: requests that are generated at a time.
    tokens: positions of the cache, prompts and answers of all slots together.
    prefill_chunk: positions of prompts that are read between two steps of the others' answers.
    queue: requests that may wait for a slot; one more is refused.
    feature_bytes: of features of images and sounds that are kept, in case they are asked about again.
    encode_windows: tiles and mel windows that an encoder looks at in one go.
    reuse: whether prefixes and features of earlier requests are used.
    """

    slots: int | None = None
    tokens: int | None = None
    prefill_chunk: int = 512
    queue: int = 64
    feature_bytes: int | None = None
    encode_windows: int = 32
    reuse: bool = True


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

    A context manager; leaving it closes it.

    Args:
        processor: the one that makes the samples: its tokenizer, special ids and token counts are used.
        on_death: called from the engine's thread, once, with the exception that ended it (not by `close`),
            after all its requests have been ended with an error.
    """

    def __init__(
        self, model: VLM, processor: Processor, options: EngineOptions = EngineOptions(), *,
        on_death: Callable[[BaseException], None] | None = None,
    ) -> None:  # fmt: skip
        self.model, self.processor, self.options, self.on_death = model, processor, options, on_death
        self.wake = threading.Event()

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
        raise NotImplementedError

    def submit_all(
        self, samples: Sequence[Sample], options: SamplingOptions, *,
        constraints: Sequence[Constraint] | None = None, streams: Sequence[int] | None = None,
    ) -> list[Generation]:  # fmt: skip
        """Requests that begin together, so that their prompts are read in one go; waits while the queue is full."""
        raise NotImplementedError

    @property
    def alive(self) -> bool:
        """Whether requests are accepted and carried out: true also before the thread has been started."""
        raise NotImplementedError

    @property
    def heartbeat_age(self) -> float:
        """As in `EngineStats`; 0.0 before the thread has been started."""
        raise NotImplementedError

    def stats(self) -> EngineStats:
        raise NotImplementedError

    def close(self, drain_seconds: float = 0.0) -> None:
        """Accepts nothing more, gives what is under way `drain_seconds` to finish, ends the rest with an error."""
        raise NotImplementedError

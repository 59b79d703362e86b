"""Many captions: pictures are decoded by workers ahead of the model, and generated with others of like length.

    requests -> workers (open, decode, transform) -> a bounded window -> batches of like length -> results

Nothing here grows with the number of requests. A request that cannot be answered becomes a result
with an error, and changes no other. What the model does is handed in, so that this module is light.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from encoders.media import ImageSource

from .errors import InputError, VlmError

if TYPE_CHECKING:
    from .batch import Sample
    from .generation import Reply

R = TypeVar("R")
T = TypeVar("T")

CAPTION_PROMPTS = {
    "short": "Describe the image briefly.",
    "detailed": "Describe the image in detail.",
    "alt-text": "Write alt text for the image.",
    "tags": "List tags for the image.",
}
"""By style; the embedded model was trained on these and others like them."""
WINDOW = 4
"""Batches among which a batch of like length is looked for."""


@dataclass(frozen=True)
class CaptionRequest:
    """A picture and what is asked about it. `image` may be a function that a worker calls to get it.

    `place` numbers the requests; it also numbers the random stream where captions are sampled.
    """

    place: int
    image: ImageSource | Callable[[], ImageSource]
    prompt: str
    name: str | None = None

    def source(self) -> ImageSource:
        return self.image() if callable(self.image) else self.image


@dataclass(frozen=True)
class Captioned:
    """What became of a request: a reply, or an error."""

    place: int
    reply: Reply | None = None
    error: VlmError | None = None

    @property
    def text(self) -> str:
        """The caption; empty where there is an error."""
        return self.reply.text if self.reply else ""


@dataclass(frozen=True)
class CaptionBatches:
    """The work of `Assistant.caption_batches`.

    prepare: what workers do; raises `VlmError` for a request that cannot be answered.
    answer: (samples, places) -> a reply for each, or what was wrong with it.
    fitting: how many rows like this sample make a batch, asked once where `batch_size` is None.
    complete: a reply that was cut off is an error (half a JSON object is of no use).
    """

    prepare: Callable[[CaptionRequest], Sample]
    answer: Callable[[list[Sample], list[int]], list[Reply | VlmError]]
    fitting: Callable[[Sample], int]
    batch_size: int | None
    workers: int
    complete: bool = False

    def __call__(self, requests: Iterable[CaptionRequest]) -> Iterator[list[Captioned]]:
        """Results batch by batch; of errors as soon as they are met."""
        size = self.batch_size
        window: list[tuple[int, Sample]] = []
        for place, sample in self._prepared(requests):
            if isinstance(sample, VlmError):
                yield [Captioned(place, error=sample)]
                continue
            size = size or self.fitting(sample)
            window.append((place, sample))
            if len(window) >= size * WINDOW:
                yield self._batch(window, size)
        while window:
            yield self._batch(window, size or 1)

    def _prepared(self, requests: Iterable[CaptionRequest]) -> Iterator[tuple[int, Sample | VlmError]]:
        """In the order of the requests, some of them decoded ahead."""
        ahead = max(2 * self.workers, 2 * (self.batch_size or 16))
        with (
            ThreadPoolExecutor(max(1, self.workers), thread_name_prefix="decode") as pool,
            closing(ahead_of(lambda request: pool.submit(self._prepare, request), requests, ahead)) as prepared,
        ):
            for found in prepared:
                yield from found

    def _prepare(self, request: CaptionRequest) -> tuple[int, Sample | VlmError]:
        return request.place, carefully(self.prepare, request)

    def _batch(self, window: list[tuple[int, Sample]], size: int) -> list[Captioned]:
        """Takes the oldest of the window, so that none waits for ever, and those next to it in length."""
        length = len(window[0][1])
        chosen = sorted(window, key=lambda item: abs(len(item[1]) - length))[:size]
        taken = {place for place, _ in chosen}
        window[:] = [item for item in window if item[0] not in taken]
        places = [place for place, _ in chosen]
        replies = self.answer([sample for _, sample in chosen], places)
        return [judged(place, reply, self.complete) for place, reply in zip(places, replies, strict=True)]


def ahead_of(submit: Callable[[R], Future[T]], requests: Iterable[R], ahead: int) -> Generator[list[T], None, None]:
    """Results in the order of the requests, of which `ahead` are under way: those that are there, at least one.

    What is under way when nobody asks for more is cancelled.
    """
    waiting: deque[Future[T]] = deque()

    def there() -> list[T]:
        found = [waiting[0].result()]
        waiting.popleft()
        while waiting and waiting[0].done():
            found.append(waiting.popleft().result())
        return found

    try:
        for request in requests:
            waiting.append(submit(request))
            if len(waiting) > ahead:
                yield there()
        while waiting:
            yield there()
    finally:
        for future in waiting:
            future.cancel()


def carefully(prepare: Callable[[CaptionRequest], T], request: CaptionRequest) -> T | VlmError:
    """What `prepare` makes of a request, or why it can make nothing of it."""
    try:
        return prepare(request)
    except VlmError as error:
        return error
    except MemoryError:
        return InputError(f"{request.name or 'image'}: not enough memory to open it", "out_of_memory")


def judged(place: int, reply: Reply | VlmError, complete: bool) -> Captioned:
    """The result of a request; `complete` as in `CaptionBatches`."""
    if isinstance(reply, VlmError):
        return Captioned(place, error=reply)
    if complete and reply.finish_reason != "stop":
        reason = f"no complete JSON within {reply.completion_tokens} tokens; raise max_new_tokens"
        return Captioned(place, error=InputError(reason, "schema_incomplete"))
    return Captioned(place, reply)


def checked_batch_size(batch_size: int | None) -> int | None:
    """Raises `InputError` for what is no possible number of pictures at a time."""
    if batch_size is not None and not (isinstance(batch_size, int) and 1 <= batch_size <= 4096):
        raise InputError(f"batch_size must be a whole number from 1 to 4096, got {batch_size!r}", "bad_option")
    return batch_size


def in_order(batches: Iterable[list[Captioned]]) -> Iterator[Captioned]:
    """Results one by one, by their places 0, 1, 2...; what comes early waits, at most a window."""
    early: dict[int, Captioned] = {}
    following = 0
    for batch in batches:
        early.update((result.place, result) for result in batch)
        while following in early:
            yield early.pop(following)
            following += 1

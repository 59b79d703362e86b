"""Which request stands in which row of the cache, and what rows remember of requests that are gone.

    rows:  0 ... answering ... | ... reading ... | ... free: each remembers what it last held ...

Requests stand side by side, so that a step of the decoder reads a slice of the cache and copies nothing;
when one leaves, another moves into its place.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import numpy as np

from .kv_cache import KVCache
from .request import Request
from .reuse import common_prefix

WORTH_WAITING = 32
"""Positions: to share as many, a request waits until another has read them."""
GRAIN = 64
"""Columns are a multiple of this, so that the cache is not laid out anew for every length."""


def _nothing() -> np.ndarray:
    return np.zeros((0, 2), dtype=np.int64)


@dataclass
class Row:
    """`keys`: what stands in its positions, as far as the cache's length of the row goes."""

    keys: np.ndarray = field(default_factory=_nothing)
    request: Request | None = None
    used: int = 0


class Slots:
    """At most `limit` requests in the rows of `cache`; `answering` of them, then those that are being read.

    Args:
        context: positions that one request may take at most.
        reuse: whether rows remember.
    """

    def __init__(self, cache: KVCache, limit: int, context: int, reuse: bool) -> None:
        self.cache, self.limit, self.context, self.reuse = cache, limit, context, reuse
        self.rows = [Row() for _ in range(cache.rows)]
        self.answering = self.taken = 0
        self._clock = itertools.count(1)

    @property
    def requests(self) -> list[Request]:
        """All that stand in rows, in their order."""
        return [row.request for row in self.rows[: self.taken] if row.request is not None]

    def admit(self, request: Request) -> bool:
        """Gives it a row, with as much of its prompt as another row holds; or not, if there is no room."""
        if not self._room(request):
            return False
        source, shared = self._longest(request)
        free = range(self.taken, len(self.rows))
        target = min(free, key=lambda row: self.rows[row].used)
        if shared:
            self.rows[source].used = next(self._clock)
            little = 2 * shared > self.cache.lengths[source]  # is lost, if it stays where it is
            if source in free and (little or len(free) == 1):
                target = source
            else:
                target = min((row for row in free if row != source), key=lambda row: self.rows[row].used)
                self.cache.copy(source, target, shared)
        self.cache.lengths[target] = request.shared = shared
        self.rows[target] = Row(request.keys, request)
        request.row = target
        self._swap(target, self.taken)
        self.taken += 1
        return True

    def better_later(self, request: Request) -> bool:
        """Whether a row that is being read will soon hold much more of its prompt than any does now."""
        coming = [row.request for row in self.rows[self.answering : self.taken] if row.request is not None]
        wanted = request.keys[: request.prompt - 1]
        soon = max((common_prefix(wanted, one.keys[: one.prompt]) for one in coming if self.reuse), default=0)
        return soon >= WORTH_WAITING and soon >= WORTH_WAITING + self._longest(request)[1]

    def _longest(self, request: Request) -> tuple[int, int]:
        """(the row that holds most of its prompt, how many positions). The last position is always computed anew."""
        if not self.reuse:
            return 0, 0
        wanted = request.keys[: request.prompt - 1]
        held = [common_prefix(wanted, row.keys[:n]) for row, n in zip(self.rows, self.cache.lengths, strict=True)]
        best = max(range(len(held)), key=lambda row: (held[row], row))
        return best, held[best]

    def _room(self, request: Request) -> bool:
        """Makes room if it can be had, by laying the cache out anew if need be."""
        if self.taken >= self.limit:
            return False
        if self.taken < self.cache.rows and request.need <= self.cache.columns:
            return True
        longest = max(one.need for one in [*self.requests, request])
        columns = min(-(-longest // GRAIN) * GRAIN, self.context)
        rows = min(self.limit, self.cache.tokens // columns)
        if self.taken >= rows:
            return False
        for place in range(self.taken, min(rows, len(self.rows))):  # those used last are kept
            self._swap(place, max(range(place, len(self.rows)), key=lambda row: self.rows[row].used))
        self.cache.arrange(rows, columns)
        self.rows = (self.rows + [Row() for _ in range(rows)])[:rows]
        return True

    # --- a request's way ---

    def started(self, request: Request) -> None:
        """Its prompt has been read."""
        self.place(request, self.answering)
        self.answering += 1

    def put_off(self, request: Request) -> None:
        """Of those that are being read it comes last."""
        self.place(request, self.taken - 1)

    def place(self, request: Request, row: int) -> None:
        """It changes places with the one in `row`."""
        self._swap(request.row, row)

    def release(self, request: Request) -> None:
        """Its row is free, and remembers."""
        at, request.row = request.row, -1
        row = self.rows[at]
        if not self.reuse:
            self.cache.lengths[at] = 0
        row.keys, row.request, row.used = row.keys[: self.cache.lengths[at]].copy(), None, next(self._clock)
        if at < self.answering:
            self.answering -= 1
            self._swap(at, self.answering)
            at = self.answering
        self.taken -= 1
        self._swap(at, self.taken)

    def wipe(self, request: Request) -> None:
        """Its row holds what is not finite, which no mask can hide from those that come after it."""
        self.cache.wipe(request.row)

    def forget(self) -> None:
        """What rows hold is of no use to requests that come from now on."""
        for row in self.rows:
            row.keys = _nothing()

    def _swap(self, first: int, second: int) -> None:
        if first == second:
            return
        self.cache.swap(first, second)
        self.rows[first], self.rows[second] = self.rows[second], self.rows[first]
        for number in (first, second):
            if (request := self.rows[number].request) is not None:
                request.row = number

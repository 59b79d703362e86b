"""What the routes share: the served models, who may come in, and whether the engine is well."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from anyio import CapacityLimiter

from .errors import ApiError, too_busy
from .fetch import Fetcher
from .metrics import Metrics
from .models import ServedModel
from .options import Limits
from .schemas import MAX_CHOICES

if TYPE_CHECKING:
    from vlm.assistant import Assistant
    from vlm.engine import Engine


@dataclass
class Service:
    """One server's state. `busy` counts the answers that are being prepared, waiting or under way."""

    assistant: Assistant
    engine: Engine
    models: dict[str, ServedModel]
    limits: Limits
    fetch: Fetcher
    metrics: Metrics
    started: int
    busy: int = 0
    draining: bool = False
    workers: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(2))
    """Threads that decode media and compile schemas: few, so that the engine keeps the processor."""
    skill_places: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(4))
    """Skills that run at a time, each in a thread that mostly waits for the engine; further ones wait their turn."""

    @property
    def places(self) -> int:
        """Answers that may be under way or waiting, at least one request's."""
        return max(self.engine.stats().slots + self.limits.queue, MAX_CHOICES)

    @property
    def idle(self) -> bool:
        """Whether nothing is under way: of the API's requests, nor of the page's."""
        stats = self.engine.stats()
        return not (self.busy or stats.running or stats.waiting)

    def model(self, name: str) -> ServedModel:
        if name not in self.models:
            raise ApiError(404, "model_not_found", "This model is not served; GET /v1/models lists those that are.",
                           param="model")  # fmt: skip
        return self.models[name]

    def check_room(self, answers: int = 1) -> None:
        """Raises ApiError where no further answers can be taken: 503 if never again, 429 if not now."""
        if self.draining:
            raise ApiError(503, "shutting_down", "The server is shutting down.", headers={"Retry-After": "5"})
        if not self.engine.alive:
            raise ApiError(503, "engine_unavailable", "The engine does not run; the request was not answered.")
        if self.busy + answers > self.places:
            raise too_busy()

    @contextmanager
    def admitted(self, answers: int) -> Iterator[None]:
        """Holds places for a request; refuses it at once where there are none."""
        self.check_room(answers)
        self.busy += answers
        try:
            yield
        finally:
            self.busy -= answers

    def check_ready(self) -> None:
        """Raises ApiError (503) where a load balancer should send its requests elsewhere."""
        engine = self.engine
        reason = (
            "shutting_down" if self.draining
            else "engine_unavailable" if not engine.alive or engine.heartbeat_age > self.limits.heartbeat_seconds
            else "queue_full" if self.busy >= self.places
            else ""
        )  # fmt: skip
        if reason:
            raise ApiError(503, reason, "Not ready for requests.")

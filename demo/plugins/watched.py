"""An assistant that tells what it has answered and can be called off, for work that runs in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import closing
from typing import Any

from pydantic import BaseModel

from vlm.answering import Answering, Weighing
from vlm.captioning import Captioned, CaptionRequest
from vlm.chat import Message
from vlm.errors import InputError
from vlm.generation import Reply

from .skill import Skill

EVERY = 0.5
"""Seconds between two looks at a skill that is at work."""


class Watched(Answering):
    """Answers as `inner` does, whose it is to close.

    check: called again and again while there is work; raises where nobody wants it any more, which ends it.
    answered: called after each answer.
    """

    def __init__(self, inner: Answering, check: Callable[[], None], answered: Callable[[], None]) -> None:
        self.inner, self.check, self.answered = inner, check, answered
        self.card = inner.card
        if isinstance(inner, Weighing):  # on the instance: `Weighing` is what has this method
            self.log_probabilities = self._checked(inner.log_probabilities)

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def context(self) -> int | None:
        return self.inner.context

    @property
    def hears(self) -> bool:
        return self.inner.hears

    @property
    def server(self) -> str:
        return self.inner.server

    @property
    def adapter(self) -> str | None:
        return self.inner.adapter

    def facts(self) -> list[tuple[str, str]]:
        return self.inner.facts()

    def stream(self, messages: list[Message], **options: Any) -> Iterator[str | Reply]:
        self.check()
        with closing(self.inner.stream(messages, **options)) as pieces:  # type: ignore[type-var]
            for piece in pieces:
                self.check()
                if isinstance(piece, Reply):
                    self.answered()
                yield piece

    def caption_batches(
        self, requests: Iterable[CaptionRequest], *, batch_size: int | None = None,
        schema: dict[str, Any] | None = None, workers: int = 2, **options: Any,
    ) -> Iterator[list[Captioned]]:  # fmt: skip
        self.check()
        for batch in self.inner.caption_batches(
            requests, batch_size=batch_size, schema=schema, workers=workers, **options
        ):
            self.check()
            for _ in batch:
                self.answered()
            yield batch

    def close(self) -> None:
        """Nothing: others may be asking."""

    def _checked(self, weigh: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        def checked(conversations: Iterable[list[Message]], *, batch_size: int = 8) -> Iterator[Any]:
            self.check()
            for found in weigh(conversations, batch_size=batch_size):
                self.check()
                yield found

        return checked


def watched(
    skill: Skill[Any, Any], assistant: Answering, fields: Mapping[str, Any]
) -> Generator[int | BaseModel, None, None]:  # fmt: skip
    """How many answers there are so far, again and again; last the output. Leaving early calls the skill off.

    Raises as the skill.
    """
    left, answers, ended = threading.Event(), 0, Future[BaseModel]()

    def check() -> None:
        if left.is_set():
            raise InputError("nobody waits for the result any more", "cancelled")

    def answered() -> None:
        nonlocal answers
        answers += 1

    def work() -> None:
        try:
            ended.set_result(skill(Watched(assistant, check, answered), fields))
        except BaseException as error:
            ended.set_exception(error)

    threading.Thread(target=work, name=skill.name, daemon=True).start()
    try:
        while not wait([ended], EVERY).done:
            yield answers
        yield ended.result()
    finally:
        left.set()

"""GET /v1/skills, POST /v1/skills/{name}: skills over HTTP, under the limits of every other request.

A skill runs in a thread and asks a `Guest`: the served model with its prompts and policies. When the client goes or
the time is up, whatever the guest has asked is cancelled, and so the skill ends.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from anyio import CapacityLimiter, to_thread
from pydantic import BaseModel, Field, create_model
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from demo.plugins.catalogue import Skills
from demo.plugins.skill import Skill
from vlm.answering import Answering, Weighing
from vlm.captioning import Captioned, CaptionRequest
from vlm.chat import Message, parts_of
from vlm.conversation import prepared, question_messages
from vlm.errors import InputError, VlmError
from vlm.generation import Generation, Reply
from vlm.media import SAMPLE_RATE, SERVER_LIMITS
from vlm.sampling_options import chosen

from .answers import lifetime, log_answer
from .errors import ApiError, as_api_error
from .models import ServedModel
from .policy import Refused, review
from .replies import SkillEntry, SkillLeftOut, SkillList, SkillResult
from .service import Service

if TYPE_CHECKING:
    import torch


def listing(skills: Skills) -> SkillList:
    """What there is, and what of others had to be left out."""
    entries = [
        SkillEntry(
            name=name, description=one.description, input_schema=one.input_model.model_json_schema(),
            output_schema=one.output_model.model_json_schema(mode="serialization"),
        )
        for name, one in skills.items()
    ]  # fmt: skip
    return SkillList(data=entries, left_out=[SkillLeftOut(name=o.name, reason=o.reason) for o in skills.left_out])


async def run(service: Service, skill: Skill[Any, Any], request: Request) -> Response:
    """The skill's output. The body: the fields of its input, and `model` if another than the first is to answer."""
    body = await request.json()
    if not isinstance(body, dict):
        raise ApiError(400, "invalid_value", "The body must be a JSON object.")
    served, fields = _divided(service, skill, body)
    until = asyncio.get_running_loop().time() + service.limits.request_seconds
    with service.admitted(1):
        async with lifetime(request.receive, until), service.skill_places:
            guest = _guest(service, served)
            work = partial(skill, guest, fields, limits=SERVER_LIMITS)
            try:
                output = await _in_thread(work, guest)
            except VlmError as error:
                told = as_api_error(error)
                if told.param == "messages":  # a field of another route
                    told.param = None
                raise told from None
    result = SkillResult(skill=skill.name, model=served.name, output=output)
    return JSONResponse(result.model_dump(mode="json"))


def body_model(skill: Skill[Any, Any], name: str) -> type[BaseModel]:
    """The skill's input with the field `model` beside it: for the description, under `name`."""
    if "model" in skill.input_model.model_fields:
        return create_model(name, __base__=skill.input_model)
    told = Field(None, description="A served name; the first of GET /v1/models by default.")
    return create_model(name, __base__=skill.input_model, model=(str, told))


def _divided(service: Service, skill: Skill[Any, Any], body: dict[str, Any]) -> tuple[ServedModel, dict[str, Any]]:
    """(who answers, the skill's fields). A skill with a field of its own called model keeps it."""
    if "model" in skill.input_model.model_fields or "model" not in body:
        return next(iter(service.models.values())), body
    name = body.pop("model")
    if not isinstance(name, str):
        raise ApiError(400, "invalid_value", "model: must be a name, or left out.", param="model")
    return service.model(name), body


async def _in_thread(work: Any, guest: Guest) -> Any:
    """Waits for the work even if this task is cancelled: the guest then answers no more, so that it soon ends."""
    running = asyncio.create_task(to_thread.run_sync(work, limiter=CapacityLimiter(1)))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        guest.leave()
        await asyncio.wait({running})
        running.exception()  # nobody is left to be told
        raise


def _guest(service: Service, served: ServedModel) -> Guest:
    return (WeighingGuest if isinstance(service.assistant, Weighing) else Guest)(service, served)


class Guest(Answering):
    """One request's view of the served model. `leave`, from any thread, ends all that it has asked or will ask."""

    card = server = ""

    def __init__(self, service: Service, served: ServedModel) -> None:
        self.service, self.served = service, served
        self.asked: list[Generation] = []
        self.gone = threading.Event()

    @property
    def name(self) -> str:
        return self.served.name

    @property
    def context(self) -> int:
        return self.service.assistant.config.decoder.max_position_embeddings

    @property
    def hears(self) -> bool:
        return "audio" in self.served.processor.transforms

    def facts(self) -> list[tuple[str, str]]:
        return [("Model", self.name)]

    def close(self) -> None:
        self.leave()

    def leave(self) -> None:
        self.gone.set()
        for generation in [*self.asked]:
            generation.cancel()

    def stream(self, messages: list[Message], **options: Any) -> Iterator[str | Reply]:
        """Whole, in one piece: output policies look at the end."""
        with self._generations([messages], options) as (generation,):
            reply = self._reviewed(generation.result())
            yield reply.text
            yield reply

    def caption_batches(
        self, requests: Iterable[CaptionRequest], *, batch_size: int | None = None,
        schema: dict[str, Any] | None = None, workers: int = 2, **options: Any,
    ) -> Iterator[list[Captioned]]:  # fmt: skip
        waiting: list[CaptionRequest] = []
        for request in requests:
            waiting.append(request)
            if len(waiting) == (batch_size or 1):
                yield self._captions(waiting, options)
                waiting = []
        if waiting:
            yield self._captions(waiting, options)

    def _captions(self, requests: list[CaptionRequest], options: dict[str, Any]) -> list[Captioned]:
        conversations = [question_messages(one.prompt, [one.source()], [], "") for one in requests]
        with self._generations(conversations, options) as generations:
            replies = [self._reviewed(generation.result()) for generation in generations]
        return [Captioned(one.place, reply) for one, reply in zip(requests, replies, strict=True)]

    @contextmanager
    def _generations(self, conversations: list[list[Message]], options: dict[str, Any]) -> Iterator[list[Generation]]:
        sampling = chosen(options)
        mine: list[Generation] = []
        try:
            for messages in conversations:
                sample = self.served.processor(self.dressed(messages), for_training=False)
                self._check()
                mine.append(self.service.engine.submit(sample, sampling))
                self.asked.append(mine[-1])
            self._check()
            yield mine
        finally:
            for generation in mine:
                generation.cancel()
                self.asked.remove(generation)

    def dressed(self, messages: list[Message]) -> list[Message]:
        """With media opened, input policies applied, and the operator's prompts around the question."""
        reviewed = []
        for message in prepared(messages):
            parts = [part if part["type"] != "text" else part | {"text": self._review(part["text"], "input")}
                     for part in parts_of(message)]  # fmt: skip
            reviewed.append({**message, "content": parts})
        return self.served.dressed(reviewed)

    def _reviewed(self, reply: Reply) -> Reply:
        self._check()
        self.service.metrics.answered(reply)
        log_answer(self.served.name, [reply])
        return replace(reply, text=self._review(reply.text, "output"))

    def _review(self, text: str, phase: str) -> str:
        policies = self.served.input if phase == "input" else self.served.output
        try:
            return review(text, policies, phase, content=self.served.quote)
        except Refused as refused:
            raise InputError(str(refused), "content_policy_violation") from None

    def _check(self) -> None:
        if self.gone.is_set():
            raise InputError("nobody waits for the answer any more", "client_closed_request")


class WeighingGuest(Guest):
    """The model is in this process, and can say how probable an answer is."""

    def log_probabilities(
        self, conversations: Iterable[list[Message]], *, batch_size: int = 8
    ) -> Iterator[torch.Tensor]:
        from vlm.assistant import Assistant

        def dressed() -> Iterator[list[Message]]:
            for *asked, answer in conversations:
                self._check()
                yield [*map(_rated, self.dressed(asked)), answer]

        own = Assistant(self.service.assistant.model, self.served.processor)
        yield from own.log_probabilities(dressed(), batch_size=batch_size)


def _rated(message: Message) -> Message:
    """With its opened sounds as (samples, rate), so that they can be opened again."""
    parts = [part | {"audio": (part["audio"], SAMPLE_RATE)} if part["type"] == "audio" else part
             for part in parts_of(message)]  # fmt: skip
    return {**message, "content": parts}

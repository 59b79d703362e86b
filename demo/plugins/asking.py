"""What skills ask of the model: answers, each with how probable the model itself finds it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from vlm.answering import Answering, Weighing
from vlm.captioning import CaptionRequest, in_order
from vlm.chat import Message
from vlm.conversation import question_messages
from vlm.errors import ContextLengthError
from vlm.generation import Reply
from vlm.media import AudioSource, ImageSource

from .skill import Claim, Confidence, SkillOutput, Source

if TYPE_CHECKING:
    import torch

BATCH = 8
"""Questions asked at a time."""


class Answer(SkillOutput):
    """Text, and who says so."""

    text: str
    source: Source = "model"
    confidence: Confidence = None

    def claim(self) -> Claim:
        return Claim(value=self.text, source=self.source, confidence=self.confidence)


class ModelAnswer(Answer):
    source: Literal["model"] = "model"


def ask(
    assistant: Answering, question: str, images: Sequence[ImageSource] = (), sounds: Sequence[AudioSource] = (),
    **options: Any,
) -> ModelAnswer:  # fmt: skip
    """One answer. `options`: fields of `SamplingOptions`. Raises as `Answering.ask`."""
    messages = question_messages(question, images, sounds, "")
    reply = assistant.chat(messages, **options)
    (confidence,) = confidences(assistant, [(messages, reply)])
    return ModelAnswer(text=reply.text.strip(), confidence=confidence)


def ask_each(
    assistant: Answering, questions: Sequence[tuple[ImageSource, str]], **options: Any
) -> list[ModelAnswer]:  # fmt: skip
    """The answer to each (picture, question), several at a time. Raises the first error that comes."""
    requests = [CaptionRequest(place, image, question) for place, (image, question) in enumerate(questions)]
    replies = []
    for captioned in in_order(assistant.caption_batches(requests, batch_size=BATCH, workers=1, **options)):
        if captioned.error is not None:
            raise captioned.error
        assert captioned.reply is not None
        replies.append(captioned.reply)
    pairs = [(question_messages(question, [image], [], ""), reply)
             for (image, question), reply in zip(questions, replies, strict=True)]  # fmt: skip
    return [ModelAnswer(text=reply.text.strip(), confidence=confidence)
            for reply, confidence in zip(replies, confidences(assistant, pairs), strict=True)]  # fmt: skip


def confidences(assistant: Answering, answered: Iterable[tuple[list[Message], Reply]]) -> Iterator[float | None]:
    """The geometric mean of the probabilities of each answer's tokens, to four places.

    None for an empty answer or one that fills the context, and where the backend cannot weigh.
    """
    answered = list(answered)
    weighed: Iterator[torch.Tensor | None] = iter(())
    if isinstance(assistant, Weighing):
        weighed = _weighed(assistant, [[*messages, {"role": "assistant", "content": reply.text}]
                                       for messages, reply in answered if reply.text.strip()])  # fmt: skip
    for _, reply in answered:
        tokens = next(weighed, None) if reply.text.strip() else None
        if tokens is not None and reply.finish_reason == "length" and len(tokens) > 1:
            tokens = tokens[:-1]  # it was cut off: the token that ends it was not its own
        yield None if tokens is None else round(min(1.0, math.exp(float(tokens.mean()))), 4)


def _weighed(assistant: Weighing, conversations: Sequence[list[Message]]) -> Iterator[torch.Tensor | None]:
    """In their order; None for one that does not fit the context with the token that ends it."""
    try:
        yield from list(assistant.log_probabilities(conversations, batch_size=BATCH))
    except ContextLengthError:
        for one in conversations:
            try:
                yield from list(assistant.log_probabilities([one]))
            except ContextLengthError:
                yield None


def choose(
    assistant: Answering, questions: Sequence[tuple[ImageSource, str]], options: Sequence[str]
) -> list[Claim | None]:
    """For each (picture, question) the option that the answer names first; None where it names none."""
    answers = ask_each(assistant, questions, max_new_tokens=16)
    return [_named(answer, options) for answer in answers]


def _named(answer: ModelAnswer, options: Sequence[str]) -> Claim | None:
    said = answer.text.lower()
    found = [(place, -len(option), option) for option in options if (place := said.find(option.lower())) >= 0]
    return answer.claim().model_copy(update={"value": min(found)[2]}) if found else None

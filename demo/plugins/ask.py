"""`ask`: one question about pictures and sounds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vlm.answering import Answering

from .asking import ModelAnswer, ask
from .skill import Picture, Skill, SkillInput, Sound

MAX_QUESTION = 65_536
MAX_MEDIA = 8


class Question(SkillInput):
    """`question` may be empty where a sound asks it."""

    question: Annotated[str, Field(max_length=MAX_QUESTION, description="What is asked.")] = ""
    images: Annotated[list[Picture], Field(default_factory=list, max_length=MAX_MEDIA, description="In their order.")]
    sounds: Annotated[list[Sound], Field(default_factory=list, max_length=MAX_MEDIA, description="In their order.")]
    max_new_tokens: Annotated[int, Field(ge=1, le=4096, description="The answer ends after so many tokens.")] = 256


class Ask(Skill[Question, ModelAnswer]):
    name = "ask"
    description = "Answers a question about pictures and sounds."
    input_model, output_model = Question, ModelAnswer

    def run(self, assistant: Answering, given: Question) -> ModelAnswer:
        return ask(assistant, given.question, given.images, given.sounds, max_new_tokens=given.max_new_tokens)

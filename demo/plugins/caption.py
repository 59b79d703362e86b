"""`caption`: what is in each of several pictures."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from vlm.answering import Answering
from vlm.captioning import CAPTION_PROMPTS

from .asking import ModelAnswer, ask
from .skill import Picture, Skill, SkillInput, SkillOutput

MAX_PICTURES = 64


class SeveralPictures(SkillInput):
    images: Annotated[list[Picture], Field(min_length=1, max_length=MAX_PICTURES, description="One caption for each.")]
    style: Annotated[Literal["short", "detailed", "alt-text", "tags"], Field(description="How they are written.")] = (
        "detailed"
    )
    max_new_tokens: Annotated[int, Field(ge=1, le=4096, description="A caption ends after so many tokens.")] = 256


class Captions(SkillOutput):
    captions: list[ModelAnswer]


class Caption(Skill[SeveralPictures, Captions]):
    name = "caption"
    description = "Describes pictures, each by itself."
    input_model, output_model = SeveralPictures, Captions

    def run(self, assistant: Answering, given: SeveralPictures) -> Captions:
        """One after the other, so that a caller sees how far it is, and can leave within a token."""
        prompt, limit = CAPTION_PROMPTS[given.style], given.max_new_tokens
        return Captions(captions=[ask(assistant, prompt, [one], max_new_tokens=limit) for one in given.images])

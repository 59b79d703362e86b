"""`alt_text`: what stands in for a picture where it cannot be seen; one sentence, no "image of"."""

from __future__ import annotations

import re

from vlm.answering import Answering
from vlm.captioning import CAPTION_PROMPTS

from .asking import ModelAnswer, ask
from .skill import Picture, Skill, SkillInput

_KIND = r"(?:image|picture|photo(?:graph)?|screenshot|illustration|graphic|drawing)"
_SHOWS = r"(?:of|showing|that shows|with|shows|depicts|displays)"
_OPENING = re.compile(
    rf"(?:(?:the|this|an?)\s+)?(?:{_KIND}\s+{_SHOWS}|alt(?:\s|-)?text:?)\s+",
    re.IGNORECASE,
)
_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])")
"""Between two sentences."""


class OnePicture(SkillInput):
    image: Picture


class AltText(Skill[OnePicture, ModelAnswer]):
    name = "alt_text"
    description = "Writes one sentence that stands in for a picture where it cannot be seen."
    input_model, output_model = OnePicture, ModelAnswer

    def run(self, assistant: Answering, given: OnePicture) -> ModelAnswer:
        said = ask(assistant, CAPTION_PROMPTS["alt-text"], [given.image], max_new_tokens=96)
        return ModelAnswer(text=one_sentence(said.text), confidence=said.confidence)


def one_sentence(text: str) -> str:
    """The first sentence on one line, without the words that readers of screens say anyway, with a full stop."""
    sentence = _END.split(" ".join(text.split()), maxsplit=1)[0]
    sentence = _OPENING.sub("", sentence, count=1) if _OPENING.match(sentence) else sentence
    sentence = sentence[:1].upper() + sentence[1:]
    return sentence if not sentence or sentence.endswith((".", "!", "?")) else sentence.rstrip(",;: ") + "."

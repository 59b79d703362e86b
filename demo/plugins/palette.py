"""`palette`: the colours of a design, measured; what each is for, proposed by the model."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from vlm.answering import Answering

from .asking import ask_each
from .measure.colours import RGB, called, hex_of, name_of, palette
from .skill import Claim, Picture, Skill, SkillInput, SkillOutput

ROLES = {
    "background": "What colour is the background?", "text": "What colour is the text?",
    "accent": "What is the accent colour?", "border": "What colour is the border?",
}  # fmt: skip
"""What the model is asked: it knows colours by their names, and roles by their colours."""


class PaletteInput(SkillInput):
    image: Picture
    colours: Annotated[
        int | None,
        Field(ge=1, le=32, description="So many at most, near ones taken together; null: as many as it has."),
    ] = None


class PaletteColour(SkillOutput):
    """`share` of the picture's flat areas; `name` the nearest of CSS's. `role`: null where the model gives it none."""

    hex: Annotated[str, Field(pattern="^#[0-9a-f]{6}$")]
    name: str
    share: Annotated[float, Field(ge=0, le=1)]
    source: Literal["measured"] = "measured"
    role: Claim | None


class PaletteOutput(SkillOutput):
    colours: list[PaletteColour]


class Palette(Skill[PaletteInput, PaletteOutput]):
    name = "palette"
    description = "Measures the colours of a design, names them, and proposes what each is for."
    input_model, output_model = PaletteInput, PaletteOutput

    def run(self, assistant: Answering, given: PaletteInput) -> PaletteOutput:
        found = palette(np.asarray(given.image), given.colours)
        roles = self._roles(assistant, given, [one.rgb for one in found])
        return PaletteOutput(colours=[
            PaletteColour(hex=hex_of(one.rgb), name=name_of(one.rgb), share=round(one.share, 4), role=roles.get(place))
            for place, one in enumerate(found)
        ])  # fmt: skip

    def _roles(self, assistant: Answering, given: PaletteInput, colours: list[RGB]) -> dict[int, Claim]:
        """Place of a colour -> its role; of several claims the one that the model is surest of."""
        answers = ask_each(assistant, [(given.image, question) for question in ROLES.values()], max_new_tokens=8)
        claims = [(called(answer.text, colours), answer.claim().model_copy(update={"value": role}))
                  for role, answer in zip(ROLES, answers, strict=True)]  # fmt: skip
        claims.sort(key=lambda one: one[1].confidence or 0)  # the surest is written last
        return {place: claim for place, claim in claims if place is not None}

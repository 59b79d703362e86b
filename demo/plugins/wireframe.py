"""`wireframe`: the elements of a screen, their boxes and kinds by measurement, their labels as the model reads them."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from vlm.answering import Answering
from vlm.media import widened

from .asking import ask_each
from .measure.elements import Element, elements_of
from .measure.kinds import Kind, kind_of
from .measure.segments import pieces_of
from .skill import Box, Claim, Picture, Skill, SkillInput, SkillOutput, Source

QUESTION = "What does the text say?"
MOST = 200
MARGIN = 0.5
"""Of a line's height: what is shown of its surroundings when the model reads it."""


class WireframeInput(SkillInput):
    image: Picture
    labels: Annotated[
        int, Field(ge=0, le=64, description="So many lines of text, the largest first, are read by the model.")
    ] = 12


class UiElement(SkillOutput):
    """`kind` follows from shape, place and content by rules. `label`: the model's reading, null where it did not look.

    `parent`: the place in the list of the smallest element around it.
    """

    kind: Kind
    kind_source: Source = "measured"
    label: Claim | None
    box: Box
    source: Literal["measured"] = "measured"
    parent: int | None


class WireframeOutput(SkillOutput):
    """From top to bottom, two hundred at most."""

    elements: list[UiElement]


class Wireframe(Skill[WireframeInput, WireframeOutput]):
    name = "wireframe"
    description = "Lists the elements of a screen with their kinds, boxes and labels."
    input_model, output_model = WireframeInput, WireframeOutput

    def run(self, assistant: Answering, given: WireframeInput) -> WireframeOutput:
        pieces = pieces_of(np.asarray(given.image))
        elements = elements_of(pieces)
        size = pieces.ids.shape[1], pieces.ids.shape[0]
        boxes = {id(one): pieces.box(one.x0, one.y0, one.x1, one.y1) for one in elements}
        kept = elements[:MOST]
        places = {id(one): place for place, one in enumerate(kept)}
        labels = _read(assistant, given, kept, [boxes[id(one)] for one in kept])
        return WireframeOutput(elements=[
            UiElement(
                kind=kind_of(one, elements, size), label=labels.get(place) or _label_of(one, places, labels),
                box=boxes[id(one)], parent=places.get(id(one.parent)) if one.parent else None,
            )
            for place, one in enumerate(kept)
        ])  # fmt: skip


def _read(
    assistant: Answering, given: WireframeInput, elements: list[Element], boxes: list[Box]
) -> dict[int, Claim]:  # fmt: skip
    """Place of a line of text -> what the model reads there."""
    lines = [place for place, one in enumerate(elements) if one.line is not None]
    chosen = sorted(lines, key=lambda place: (-boxes[place].height, place))[: given.labels]
    answers = ask_each(
        assistant, [(_cut(given.image, boxes[place]), QUESTION) for place in chosen], max_new_tokens=24
    )  # fmt: skip
    return {place: answer.claim() for place, answer in zip(chosen, answers, strict=True)}


def _label_of(one: Element, places: dict[int, int], labels: dict[int, Claim]) -> Claim | None:
    """A box with one line of text in it is labelled by that."""
    words = [child for child in one.children if child.line is not None]
    return labels.get(places.get(id(words[0]), -1)) if len(words) == 1 else None


def _cut(image: Image.Image, box: Box) -> Image.Image:
    margin = max(2, round(MARGIN * box.height))
    line = image.crop((max(0, box.x - margin), max(0, box.y - margin), min(image.width, box.x + box.width + margin),
                       min(image.height, box.y + box.height + margin)))  # fmt: skip
    return widened(line)[0]

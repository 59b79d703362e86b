"""`compare`: what changed between two versions of a design. All of it is measured."""

from __future__ import annotations

from typing import Annotated, Literal

from PIL import Image
from pydantic import Field

from vlm.answering import Answering

from .measure.changes import What, changes_between
from .skill import Box, Picture, Skill, SkillInput, SkillOutput


class TwoPictures(SkillInput):
    before: Picture
    after: Picture


class Difference(SkillOutput):
    """`box` in pixels of `after`; `moved_from` in those of `before`. `difference`: mean CIE76 of what differs."""

    box: Box
    what: What
    moved_from: Box | None = None
    difference: Annotated[float, Field(ge=0)]
    share: Annotated[float, Field(ge=0, le=1, description="Of the pixels in the box, those that differ.")]
    source: Literal["measured"] = "measured"


class Size(SkillOutput):
    width: int
    height: int


class CompareOutput(SkillOutput):
    """`same`: nothing that can be seen differs. `before`, `after`: sizes.

    `scaled`: the sizes differ in one proportion, and the second was brought to the first's size to be compared. Where
    they differ in any other way, what both have of the upper left part is compared.
    """

    same: bool
    changes: list[Difference]
    before: Size
    after: Size
    scaled: bool


class Compare(Skill[TwoPictures, CompareOutput]):
    name = "compare"
    description = "Finds what changed between two versions of a design, and where."
    input_model, output_model = TwoPictures, CompareOutput

    def run(self, assistant: Answering, given: TwoPictures) -> CompareOutput:
        before, after = given.before, given.after
        (a, b), (c, d) = before.size, after.size
        scaled = (a, b) != (c, d) and abs(a * d - b * c) <= max(a, c, b, d)
        factor = 1.0
        if scaled:
            after, factor = after.resize(before.size, Image.Resampling.BICUBIC), c / a
        wide, high = min(a, after.width), min(b, after.height)
        found = changes_between(before.crop((0, 0, wide, high)), after.crop((0, 0, wide, high)))
        changes = [
            Difference(
                box=_box(change.box, factor), what=change.what, difference=change.difference, share=change.pixels,
                moved_from=_box(change.source, 1) if change.source else None,
            )
            for change in found
        ]  # fmt: skip
        same = not changes and (a, b) == (c, d)
        return CompareOutput(same=same, changes=changes, before=Size(width=a, height=b),
                             after=Size(width=c, height=d), scaled=scaled)  # fmt: skip


def _box(box: tuple[int, int, int, int], factor: float) -> Box:
    x0, y0, x1, y1 = (round(edge * factor) for edge in box)
    return Box(x=x0, y=y0, width=max(1, x1 - x0), height=max(1, y1 - y0))

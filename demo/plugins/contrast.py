"""`contrast`: text against its background, by the WCAG. All of it is measured."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from vlm.answering import Answering

from .alt_text import OnePicture
from .measure.colours import AA, AA_LARGE, AAA, AAA_LARGE, contrast, hex_of, passing
from .measure.segments import pieces_of
from .measure.text import colours_of, lines_of
from .skill import Box, Skill, SkillOutput

MOST = 200
"""Lines that are told of; the worst first where there are more."""


class Pair(SkillOutput):
    """A line of text. `aa`, `aaa` for text of ordinary size; `*_large` from 24 px, or 18.7 px in bold.

    `passing`: the nearest colour of the text that passes AA; null where the text's own does.
    """

    box: Box
    text: str
    background: str
    ratio: Annotated[float, Field(ge=1, le=21)]
    aa: bool
    aaa: bool
    aa_large: bool
    aaa_large: bool
    passing: str | None
    source: Literal["measured"] = "measured"


class ContrastOutput(SkillOutput):
    """From top to bottom. `lines`: how many were found; `pairs` holds the worst of them where they are too many."""

    pairs: list[Pair]
    lines: int


class Contrast(Skill[OnePicture, ContrastOutput]):
    name = "contrast"
    description = "Measures how well text stands out from its background, by WCAG 2.1, and what colour would pass."
    input_model, output_model = OnePicture, ContrastOutput

    def run(self, assistant: Answering, given: OnePicture) -> ContrastOutput:
        rgb = np.asarray(given.image)
        pieces = pieces_of(rgb)
        lines = lines_of(pieces)
        found = []
        for line in lines:
            text, background = colours_of(rgb, pieces, line)
            ratio = contrast(text, background)
            found.append((ratio, pieces.box(line.x0, line.y0, line.x1, line.y1), text, background))
        worst = sorted(found, key=lambda one: one[0])[:MOST]
        pairs = []
        for ratio, box, text, background in sorted(worst, key=lambda one: (one[1].y, one[1].x)):
            better = passing(text, background) if ratio < AA else None
            pairs.append(Pair(
                box=box, text=hex_of(text), background=hex_of(background), ratio=round(ratio, 2), aa=ratio >= AA,
                aaa=ratio >= AAA, aa_large=ratio >= AA_LARGE, aaa_large=ratio >= AAA_LARGE,
                passing=hex_of(better) if better else None,
            ))  # fmt: skip
        return ContrastOutput(pairs=pairs, lines=len(lines))

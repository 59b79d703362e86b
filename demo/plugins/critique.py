"""`critique`: what a reviewer of a screen would point at, each with its measurement."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from vlm.answering import Answering

from .alt_text import OnePicture
from .measure.colours import AA, AA_LARGE, contrast, hex_of, passing
from .measure.elements import Element, elements_of
from .measure.layout import Finding, findings_of
from .measure.segments import Pieces, pieces_of
from .measure.text import colours_of
from .skill import Box, Skill, SkillOutput

LARGE = 24
"""Pixels of a line's height, from the top of its highest letter to the foot of its lowest, that make text large."""
MOST = 100
Severity = Literal["minor", "major", "critical"]
SEVERITIES: tuple[Severity, ...] = ("critical", "major", "minor")


class Figure(SkillOutput):
    """`measured` beside what it is held against, in `unit`."""

    measured: float
    expected: float
    unit: Literal["ratio", "px"]


class Remark(SkillOutput):
    severity: Severity
    kind: Literal["alignment", "spacing", "contrast", "crowding"]
    message: str
    box: Box | None
    figure: Figure
    source: Literal["measured"] = "measured"
    confidence: None = None


class CritiqueOutput(SkillOutput):
    """The gravest first. `total`: how many there are; `findings` holds a hundred at most."""

    findings: list[Remark]
    total: Annotated[int, Field(ge=0)]


class Critique(Skill[OnePicture, CritiqueOutput]):
    name = "critique"
    description = "Points at weak contrast, broken alignment, uneven spacing and crowding in a screen, by measurement."
    input_model, output_model = OnePicture, CritiqueOutput

    def run(self, assistant: Answering, given: OnePicture) -> CritiqueOutput:
        rgb = np.asarray(given.image)
        pieces = pieces_of(rgb)
        elements = elements_of(pieces)
        remarks = [remark for one in elements if (remark := _contrast(rgb, pieces, one))]
        longer = max(pieces.ids.shape)
        remarks += [_remark(pieces, finding) for finding in findings_of(elements, longer)]
        remarks.sort(key=lambda one: (SEVERITIES.index(one.severity), one.box.y if one.box else 0))
        return CritiqueOutput(findings=remarks[:MOST], total=len(remarks))


def _contrast(rgb: np.ndarray, pieces: Pieces, one: Element) -> Remark | None:
    if one.line is None:
        return None
    text, background = colours_of(rgb, pieces, one.line)
    ratio = contrast(text, background)
    needed = AA_LARGE if one.height * pieces.scale >= LARGE else AA
    if ratio >= needed:
        return None
    better = passing(text, background, needed)
    advice = f"; {hex_of(better)} would do" if better else ""
    return Remark(
        severity="critical" if ratio < 2 else "major" if ratio < 3 else "minor", kind="contrast", box=_box(pieces, one),
        message=f"Text {hex_of(text)} on {hex_of(background)} has a contrast of {ratio:.2f}, below {needed:g}{advice}.",
        figure=Figure(measured=round(ratio, 2), expected=needed, unit="ratio"),
    )  # fmt: skip


def _remark(pieces: Pieces, finding: Finding) -> Remark:
    pixels, usual = finding.pixels * pieces.scale, finding.usual * pieces.scale
    match finding.kind:
        case "alignment":
            message = f"Its {finding.about} edge is {pixels:g} px away from the one that others share."
            if finding.about in ("centre", "middle"):
                message = f"It is {pixels:g} px off the {finding.about} line that others share."
            severity: Severity = "minor"
        case "spacing":
            message = f"The gap {_side(finding.about)} is {pixels:g} px, between its like it is {usual:g} px."
            severity = "minor" if abs(pixels - usual) < 0.6 * usual else "major"
        case "crowding":
            place = "the edge of what it stands in" if finding.about == "inside" else "what stands beside it"
            message = f"Text is {pixels:g} px from {place}; {usual:g} px are the least for its size."
            severity = "major" if pixels == 0 else "minor"
    return Remark(severity=severity, kind=finding.kind, message=message, box=_box(pieces, finding.element),
                  figure=Figure(measured=pixels, expected=usual, unit="px"))  # fmt: skip


def _side(about: str) -> str:
    return "above it" if about == "above" else "to its left"


def _box(pieces: Pieces, one: Element) -> Box:
    return pieces.box(one.x0, one.y0, one.x1, one.y1)

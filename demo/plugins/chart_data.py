"""`chart_data`: the data of a chart. Lengths of bars and areas of slices are measured; words are the model's."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from vlm.answering import Answering

from .alt_text import OnePicture
from .asking import ModelAnswer, ask_each
from .measure.charts import Chart, chart_of
from .measure.colours import hex_of
from .measure.segments import Pieces, pieces_of
from .skill import Box, Claim, Skill, SkillOutput

QUESTIONS = ("What kind of chart is this?", "What is the title of the chart?", "List the categories.")


class Point(SkillOutput):
    """A bar or a slice. `relative`: its length beside the longest bar's; of a slice, its share of the whole.

    `category`: as the model lists them; null where it lists more or fewer than there are.
    """

    category: Claim | None
    relative: Annotated[float, Field(ge=0, le=1)]
    box: Box
    source: Literal["measured"] = "measured"


class Series(SkillOutput):
    """What has one colour; of one series alone, `colour` is null where its bars have several."""

    colour: str | None
    points: list[Point]


class ChartDataOutput(SkillOutput):
    """`series` is empty for charts without bars or slices: nothing of them is measured. `title`: null for none."""

    kind: Claim
    title: Claim | None
    series: list[Series]


class ChartData(Skill[OnePicture, ChartDataOutput]):
    name = "chart_data"
    description = "Turns a chart into data: its kind, its title, and bars or slices by their measured sizes."
    input_model, output_model = OnePicture, ChartDataOutput

    def run(self, assistant: Answering, given: OnePicture) -> ChartDataOutput:
        pieces = pieces_of(np.asarray(given.image))
        chart = chart_of(pieces)
        kind, title, listed = ask_each(assistant, [(given.image, one) for one in QUESTIONS], max_new_tokens=48)
        told = kind.claim() if chart is None else Claim(value=chart.kind, source="measured")
        named = title.claim() if title.text and not re.match(r"(there is )?no\b|none\b", title.text, re.I) else None
        series = []
        if chart is not None:
            categories = _categories(chart, listed)
            series = [_series(pieces, chart, n, categories) for n in range(len(chart.groups[0]))]
        return ChartDataOutput(kind=told, title=named, series=series)


def _categories(chart: Chart, listed: ModelAnswer) -> list[Claim | None]:
    words = [word.strip(" .") for word in re.split(r",|;|\band\b", listed.text) if word.strip(" .")]
    if len(words) != len(chart.groups):
        return [None] * len(chart.groups)
    return [Claim(value=word, source="model", confidence=listed.confidence) for word in words]


def _series(pieces: Pieces, chart: Chart, n: int, categories: list[Claim | None]) -> Series:
    """The n-th bar of each group, or all slices."""
    marks = [group[n] for group in chart.groups]
    whole = chart.kind in ("pie chart", "donut chart")
    longest = 1.0 if whole else max(mark.amount for group in chart.groups for mark in group)
    colours = {mark.colour for mark in marks}
    points = [
        Point(category=category, relative=round(min(1.0, mark.amount / longest), 4), box=pieces.box(*mark.box))
        for mark, category in zip(marks, categories, strict=True)
    ]
    return Series(colour=hex_of(colours.pop()) if len(colours) == 1 else None, points=points)

"""`floor_plan`: rooms, doors and who is next to whom, measured from the walls; what a room is, the model says."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from vlm.answering import Answering
from vlm.media import widened

from .alt_text import OnePicture
from .asking import ask_each
from .measure.plans import Edges, Plan, plan_of
from .measure.segments import pieces_of
from .skill import Box, Claim, Skill, SkillOutput

QUESTION = "Name the room."
ASKED = 24
"""Rooms that the model is asked about."""


class Room(SkillOutput):
    """`share` of the area of all rooms. `name`: null where the model says nothing."""

    box: Box
    share: Annotated[float, Field(ge=0, le=1)]
    name: Claim | None
    source: Literal["measured"] = "measured"


class Door(SkillOutput):
    """`rooms`: places in the list of rooms; null stands for outside."""

    box: Box
    rooms: tuple[int | None, int | None]
    source: Literal["measured"] = "measured"


class Adjacency(SkillOutput):
    """Two rooms with a wall in common; `door`: whether one leads through it."""

    rooms: tuple[int, int]
    door: bool
    source: Literal["measured"] = "measured"


class Counts(SkillOutput):
    rooms: int
    doors: int
    windows: int
    source: Literal["measured"] = "measured"


class FloorPlanOutput(SkillOutput):
    """Rooms from top to bottom. Empty where no walls enclose anything."""

    rooms: list[Room]
    doors: list[Door]
    adjacency: list[Adjacency]
    counts: Counts


class FloorPlan(Skill[OnePicture, FloorPlanOutput]):
    name = "floor_plan"
    description = "Finds the rooms of a floor plan, the doors between them, and which rooms are next to each other."
    input_model, output_model = OnePicture, FloorPlanOutput

    def run(self, assistant: Answering, given: OnePicture) -> FloorPlanOutput:
        pieces = pieces_of(np.asarray(given.image))
        plan = plan_of(pieces)

        def box(edges: Edges) -> Box:
            return pieces.box(*edges)

        boxes = [box(room) for room in plan.rooms]
        names = _names(assistant, given.image, boxes)
        doors = [one for one in plan.openings if not one.window]
        joined = {one.rooms for one in doors}
        return FloorPlanOutput(
            rooms=[Room(box=b, share=round(area / sum(plan.areas), 4), name=name)
                   for b, area, name in zip(boxes, plan.areas, names, strict=True)],
            doors=[Door(box=box(one.box), rooms=(_inside(one.rooms[0]), _inside(one.rooms[1]))) for one in doors],
            adjacency=[Adjacency(rooms=pair, door=pair in joined) for pair in sorted(plan.walls | _inner(joined))],
            counts=_counts(plan),
        )  # fmt: skip


def _names(assistant: Answering, image: Image.Image, boxes: list[Box]) -> list[Claim | None]:
    asked = [widened(image.crop((b.x, b.y, b.x + b.width, b.y + b.height)))[0] for b in boxes[:ASKED]]
    answers = ask_each(assistant, [(room, QUESTION) for room in asked], max_new_tokens=12)
    named = [answer.claim() if answer.text else None for answer in answers]
    return [*named, *[None] * (len(boxes) - len(named))]


def _inner(joined: set[tuple[int, int]]) -> set[tuple[int, int]]:
    return {pair for pair in joined if min(pair) >= 0}


def _inside(room: int) -> int | None:
    return room if room >= 0 else None


def _counts(plan: Plan) -> Counts:
    windows = sum(one.window for one in plan.openings)
    return Counts(rooms=len(plan.rooms), doors=len(plan.openings) - windows, windows=windows)

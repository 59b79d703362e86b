"""Asks about a floor plan: one function per topic."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

from ..base import NUMBERS, QA, Scene, article, ask, balanced, compact_json, grey, join, plural, say, yes_no
from . import phrases
from .places import adjacency, places, relations, sizes
from .truth import Plan
from .words import ITEMS, THING, TYPES

# How often a type occurs in a plan; asking with these weights makes yes as likely as no for every type.
_SHARE = {
    "bedroom": 0.78,
    "bathroom": 0.68,
    "kitchen": 0.45,
    "living room": 0.45,
    "dining room": 0.3,
    "office": 0.32,
    "hallway": 0.22,
    "garage": 0.32,
    "closet": 0.2,
    "laundry": 0.26,
    "balcony": 0.22,
    "storage": 0.2,
}


def _count(rng: random.Random, thing: str, number: int, *spoken: str) -> QA:
    return ask(
        rng,
        "count",
        phrases.COUNT,
        number,
        "[There|There] [is|is] {answer} {noun}." if number == 1 else "[There are|The plan has] {answer} {noun}.",
        (NUMBERS[number],) if number < len(NUMBERS) else (),
        noun=plural(thing, number),
        things=say(rng, rng.choice(spoken or (plural(thing),))),
        plan=say(rng, phrases.PLAN),
        there=say(rng, phrases.THERE),
    )


def _counts(plan: Plan, rng: random.Random) -> Iterator[QA]:
    scene = plan.scene
    if not plan.count["balcony"]:
        yield _count(rng, "room", len(plan.rooms), "rooms", "rooms [altogether|in total|]", "[spaces|rooms]")
    yield _count(rng, "bedroom", plan.count["bedroom"], "bedrooms", "[bedrooms|bed rooms|sleeping rooms]")
    if plan.count["bathroom"] or rng.random() < 0.6:
        yield _count(rng, "bathroom", plan.count["bathroom"], "bathrooms", "[bathrooms|bath rooms|baths]")
    if len(scene["doors"]) <= 8:
        yield _count(rng, "door", len(scene["doors"]), "doors", "[doors|doorways|door openings]")
    yield _count(rng, "window", len(scene["windows"]), "windows")
    if plan.things:
        thing = rng.choice(
            [t for t in ("bed", "sofa", "toilet", "sink", "table", "desk") if plan.things[t] or rng.random() < 0.15]
            or ["bed"]
        )
        yield _count(rng, thing, plan.things[thing])


def _existence(plan: Plan, rng: random.Random) -> Iterator[QA]:
    present = sorted(plan.count)
    absent = [t for t in TYPES if t not in plan.count]
    yes = rng.random() < 0.5 or not absent
    pool = present if yes else absent
    kind = rng.choices(pool, [1 - _SHARE[t] if yes else _SHARE[t] for t in pool])[0]
    spoken = say(rng, phrases.SPOKEN[kind])
    a = article(spoken).split()[0]
    yield ask(
        rng,
        "yes_no",
        phrases.EXISTS,
        yes_no(yes),
        "{answer}, there is " + (f"{article(kind)}." if yes else f"no {kind}."),
        a=a,
        x=spoken,
        plan=say(rng, phrases.PLAN),
        there=say(rng, phrases.THERE),
    )
    extras = plan.scene["extras"]
    kind = rng.choice(("scale bar", "north arrow", "title"))
    shown = {"scale bar": "scale", "north arrow": "north", "title": "title"}[kind] in extras
    if shown or rng.random() < 0.3:
        sentence = "{answer}, there is " + (f"a {kind}." if shown else f"no {kind}.")
        yield ask(rng, "yes_no", phrases.EXISTS, yes_no(shown), sentence, a="a", x=kind, plan="plan", there="there")
    if plan.things:
        yes = rng.random() < 0.5
        pool = [t for t in ITEMS if (plan.things[t] > 0) == yes]
        if pool:
            thing = rng.choice(pool)
            sentence = "{answer}, there is " + (f"a {thing}." if yes else f"no {thing}.")
            yield ask(rng, "yes_no", phrases.EXISTS, yes_no(yes), sentence, a="a", x=thing, plan="plan", there="there")


def _colours(plan: Plan, rng: random.Random) -> Iterator[QA]:
    names = plan.scene["paint"]["names"]
    coloured = {r["name"]: r["colour"] for r in plan.rooms if r["colour"]}
    for name in rng.sample(sorted(coloured), min(3, len(coloured))):
        colour = coloured[name]
        if plan.names[name] > 1:
            several = plural(name)
            yield ask(
                rng, "colour", phrases.COLOUR_OF_SEVERAL, colour, "The {y} are {answer}.", grey(colour), y=several
            )
        else:
            yield ask(rng, "colour", phrases.COLOUR, colour, "{x} is {answer}.", grey(colour), x=f"the {name}")
    if coloured:
        name = rng.choice(sorted(coloured))
        same = next(i for i, r in enumerate(plan.rooms) if r["name"] == name)
        if plan.keep(same, rng):
            sentence = "The {c} room is the {answer}."
            yield ask(rng, "attribute", phrases.OF_COLOUR, name, sentence, plan.other_names(same), c=coloured[name])
    wall, filled = names["wall"], plan.scene["paint"]["wall"] == plan.scene["paint"]["wall_fill"]
    if wall and (not coloured or filled) and (wall != "black" or rng.random() < 0.5):
        yield ask(rng, "colour", phrases.WALLS, wall, "The walls are {answer}.", grey(wall))
    if names["background"] and (names["background"] != "white" or rng.random() < 0.4):
        yield ask(rng, "colour", phrases.BACKGROUND, names["background"], "The background is {answer}.")


def _style(plan: Plan, rng: random.Random) -> Iterator[QA]:
    style = plan.scene["style"]
    if style == "blueprint" or rng.random() < 0.2:
        blue = style == "blueprint"
        sentence = "{answer}, this is " + ("" if blue else "not ") + "a blueprint."
        yield ask(rng, "yes_no", phrases.IS_BLUEPRINT, yes_no(blue), sentence)
    if rng.random() < 0.2:
        coloured = style == "colour"
        if coloured or rng.random() < 0.25:
            sentence = "{answer}, the rooms are " + ("" if coloured else "not ") + "coloured."
            yield ask(rng, "yes_no", phrases.ARE_COLOURED, yes_no(coloured), sentence)
    if rng.random() < 0.3:
        also = [
            "a floor plan",
            "floorplan",
            "house plan",
            "plan of a house",
            *(("blueprint",) if style == "blueprint" else ()),
        ]
        yield ask(rng, "what", phrases.WHAT, "floor plan", "[This is|It is|The picture shows] a {answer}.", also)
    dark = style in ("dark", "cad", "blueprint")
    if rng.random() < (0.3 if dark else 0.25):
        sentence = "The background is {answer}."
        yield ask(
            rng, "attribute", phrases.PAPER, "dark" if dark else "light", sentence, ("bright",) if not dark else ()
        )


def _furnishing(plan: Plan, rng: random.Random) -> Iterator[QA]:
    rooms = [i for i in plan.known() if plan.things_in(i)]
    if rooms:
        i = rng.choice(rooms)
        things = sorted(set(plan.things_in(i)))
        all = join([f"a {t}" for t in things])
        yield ask(rng, "list", phrases.FURNITURE, ", ".join(things), "In {x} there is {all}.", x=plan.the(i), all=all)
    single = [f for f in plan.scene["furniture"] if plan.things[THING.get(f["symbol"], f["symbol"])] == 1]
    if single:
        item = rng.choice(single)
        thing = THING.get(item["symbol"], item["symbol"])
        if place := plan.place_of(item["box"]):
            sentence = "{x} is in the {answer} of the plan."
            also = [place.replace("top", "upper").replace("bottom", "lower"), "middle" if place == "center" else place]
            yield ask(
                rng, "attribute", phrases.WHERE, place, sentence, also, x=f"the {thing}", plan=say(rng, phrases.PLAN)
            )
    for i in rooms:
        things = plan.things_in(i)
        if plan.rooms[i]["type"] == "bathroom" and ("shower" in things) != ("bath tub" in things):
            also = ["bathtub", "tub", "bath"] if "bath tub" in things else []
            answer = "shower" if "shower" in things else "bath tub"
            yield ask(
                rng, "attribute", phrases.SHOWER_OR_TUB, answer, "There is a {answer} in {x}.", also, x=plan.the(i)
            )
            break


def _readings(plan: Plan, rng: random.Random) -> Iterator[QA]:
    extras = plan.scene["extras"]
    with_area = [i for i in plan.known() if plan.rooms[i]["area"]]
    for i in rng.sample(with_area, min(2, len(with_area))):
        area = plan.rooms[i]["area"]
        if "x" in area:
            templates = phrases.DIMENSIONS
            also = [area.replace(" ", ""), area.replace(" x ", " by ")]
        else:
            templates = phrases.AREA[:5] if "ft" in area else phrases.AREA
            also = [area.split()[0], area.replace("²", "2"), area.replace("m2", "m²"), area.replace(" ", "")]
        yield ask(rng, "reading", templates, area, "{x} [measures|has] {answer}.", also, x=plan.the(i))
    if title := extras.get("title"):
        yield ask(rng, "reading", phrases.TITLE, title["text"], 'The title [says|is] "{answer}".')
    if bar := extras.get("scale"):
        sentence = "The scale bar shows {answer}."
        yield ask(
            rng, "reading", phrases.SCALE, bar["text"], sentence, (bar["text"].split()[0], bar["text"].replace(" ", ""))
        )
    if north := extras.get("north"):
        also = {"up": ["top", "upwards"], "down": ["bottom", "downwards"]}.get(north["points"], [])
        yield ask(rng, "attribute", phrases.NORTH, north["points"], "The north arrow points {answer}.", also)
    if dims := extras.get("dims"):
        dim = rng.choice(dims)
        templates = phrases.HEIGHT if dim["what"] == "height" else phrases.WIDTH
        sentence = "It [says|is] {answer}."
        yield ask(rng, "reading", templates, dim["text"], sentence, (dim["text"].removesuffix("m").strip(),))
    corners = [i for i in range(len(plan.rooms)) if plan.rooms[i]["label"] and plan.place(i)]
    places = Counter(plan.place(i) for i in corners)
    corners = [i for i in corners if places[plan.place(i)] == 1 and plan.keep(i, rng)]
    if corners:
        i = rng.choice(corners)
        yield ask(rng, "reading", phrases.LABEL, plan.rooms[i]["label"], 'The label says "{answer}".', p=plan.place(i))


def _absent(plan: Plan, rng: random.Random) -> Iterator[QA]:
    missing = [t for t in TYPES if t not in plan.count]
    if not missing:
        return
    kind = rng.choices(missing, [0.3 + _SHARE[t] for t in missing])[0]
    templates = phrases.ABSENT + phrases.ABSENT_COLOUR * 6 * (plan.scene["style"] == "colour")
    answer, sentence = f"There is no {kind}.", f"There is no {kind} in this plan."
    yield ask(rng, "absent", templates, answer, sentence, (f"no {kind}",), x=kind)


def _listing(plan: Plan, rng: random.Random) -> Iterator[QA]:
    ordered = list(dict.fromkeys(plan.rooms[i]["type"] for i in plan.reading_order))
    if len(ordered) <= 7:
        every = len(ordered) == len(plan.rooms)
        templates = phrases.KINDS_OF_ROOM + phrases.ALL_ROOMS * 2 * every
        yield ask(rng, "list", templates, ", ".join(ordered), "The rooms are {all}.", all=join(ordered))
    if rng.random() < 0.15:
        rooms = [plan.rooms[i]["type"] for i in plan.reading_order]
        doors, windows = len(plan.scene["doors"]), len(plan.scene["windows"])
        data = {"type": "floor plan", "rooms": rooms, "doors": doors, "windows": windows}
        yield ask(rng, "json", phrases.JSON, compact_json(data))


_TOPICS = (
    _counts, _existence, places, relations, adjacency, sizes, _colours, _style, _furnishing, _readings, _absent,
    _listing,
)  # fmt: skip


def questions(scene: Scene, rng: random.Random) -> list[QA]:
    """Up to 16 questions on all topics."""
    plan = Plan(scene)
    found = [qa for topic in _TOPICS for qa in topic(plan, rng)]
    return balanced(rng, found)

"""Asks where rooms are, what lies beside what, which doors lead where, and what is larger."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import combinations

from ..base import NUMBERS, QA, ask, plural, say, yes_no
from . import phrases
from .truth import Plan
from .words import SAME_PLACE


def places(plan: Plan, rng: random.Random) -> Iterator[QA]:
    """In which part of the house a room is, and which room is in a corner."""
    for i in rng.sample(known := plan.known(), len(known))[:3]:
        if place := plan.place(i):
            same = SAME_PLACE.get(place, (place.replace("top", "upper").replace("bottom", "lower"),))
            sentence = "{x} is [at|in] the {answer} of the plan."
            yield ask(
                rng, "attribute", phrases.WHERE, place, sentence, same, x=plan.the(i), plan=say(rng, phrases.PLAN)
            )
    x0, y0, x1, y1 = plan.scene["house"]
    corners = [
        (x, y, f"{down} {across}")
        for x, across in ((x0, "left"), (x1, "right"))
        for y, down in ((y0, "top"), (y1, "bottom"))
    ]
    for x, y, name in rng.sample(corners, 2):
        at = [i for i, r in enumerate(plan.rooms) if x in r["box"][::2] and y in r["box"][1::2]]
        if len(at) == 1 and plan.keep(at[0], rng):
            answer, also = plan.rooms[at[0]]["name"], plan.other_names(at[0])
            sentence, corner = "The room in the {c} corner is the {answer}.", say(rng, phrases.CORNERS[name])
            yield ask(rng, "attribute", phrases.CORNER, answer, sentence, also, c=corner, plan=say(rng, phrases.PLAN))


def relations(plan: Plan, rng: random.Random) -> Iterator[QA]:
    """What lies beside a room, and on which side."""
    known = plan.known()
    options = [(i, side, j) for i in known for side in phrases.SIDE if (j := plan.neighbour(i, side)) is not None]
    for i, side, j in rng.sample(options, min(2, len(options))):
        if not plan.keep(j, rng):
            continue
        yield ask(
            rng,
            "relation",
            phrases.BESIDE,
            plan.rooms[j]["name"],
            "The {answer} is {side} {x}.",
            plan.other_names(j),
            side=say(rng, phrases.SIDE[side][0]),
            x=plan.the(i),
            dir={"above": "up", "below": "down"}.get(side, side),
        )
    pairs = [(i, j, s) for i, j in combinations(known, 2) if (s := plan.apart(i, j))]
    for i, j, side in rng.sample(pairs, min(2, len(pairs))):
        a, b = plan.the(i), plan.the(j)
        if rng.random() < 0.5:
            a, b, side = b, a, phrases.SIDE[side][1]
        first, second = ("left", "right") if side in ("left", "right") else ("above", "below")
        if rng.random() < 0.5:
            first, second = second, first
        to = " of" if side in ("left", "right") else ""
        sentence = "{a} is {answer}{to} {b}."
        also = {
            "left": ("to the left",),
            "right": ("to the right",),
            "above": ("over", "up"),
            "below": ("under", "down"),
        }[side]
        yield ask(rng, "relation", phrases.WHICH_SIDE, side, sentence, also, a=a, b=b, p=first, q=second, to=to)


def adjacency(plan: Plan, rng: random.Random) -> Iterator[QA]:
    """Shared walls and doors."""
    known = plan.known()
    scale = max(plan.scene["size"])
    pairs = [(i, j, plan.shared(i, j)[1]) for i, j in combinations(known, 2)]
    yes = rng.random() < 0.5
    # Only where both answers are possible: small plans would otherwise all say yes.
    fits = {True: [p[:2] for p in pairs if p[2] > 0.06 * scale], False: [p[:2] for p in pairs if p[2] == 0]}
    if fits[True] and fits[False]:
        i, j = rng.choice(fits[yes])
        sentence = "{answer}, {a} and {b} " + ("share a wall." if yes else "do not share a wall.")
        yield ask(rng, "yes_no", phrases.ADJACENT, yes_no(yes), sentence, a=plan.the(i), b=plan.the(j))
    yes = rng.random() < 0.5
    fit = [(i, j) for i, j, length in pairs if plan.joined(i, j) == yes and length > 0.06 * scale]
    if fit:
        i, j = rng.choice(fit)
        sentence = "{answer}, there is " + ("a" if yes else "no") + " door between {a} and {b}."
        yield ask(rng, "yes_no", phrases.DOOR_BETWEEN, yes_no(yes), sentence, a=plan.the(i), b=plan.the(j))
    ends = [(i, d["b"] if d["a"] == i else d["a"]) for i in known if len(doors := plan.doors_of(i)) == 1 for d in doors]
    ends = [(i, j) for i, j in ends if j >= 0 and plan.keep(j, rng)]
    if ends:
        i, j = rng.choice(ends)
        sentence = "The door of {x} leads to the {answer}."
        yield ask(rng, "relation", phrases.DOOR_TO, plan.rooms[j]["name"], sentence, plan.other_names(j), x=plan.the(i))
    if known and (number := len(plan.doors_of(i := rng.choice(known)))) > (rng.random() < 0.5):
        sentence = "{x} has {answer} " + plural("door", number) + "."
        yield ask(rng, "count", phrases.COUNT_DOORS, number, sentence, (NUMBERS[number],), x=plan.the(i))


def sizes(plan: Plan, rng: random.Random) -> Iterator[QA]:
    """Larger, largest, and more of what."""
    for largest in (True, False):
        i = plan.extreme(largest)
        if i is None or len(plan.rooms) < 3 or not plan.keep(i, rng):
            continue
        yield ask(
            rng,
            "superlative",
            phrases.EXTREME,
            plan.rooms[i]["name"],
            "The " + ("largest" if largest else "smallest") + " room is the {answer}.",
            plan.other_names(i),
            most=say(rng, phrases.LARGEST[largest]),
            plan=say(rng, phrases.PLAN),
            area="most" if largest else "least",
        )
    known = [i for i in plan.known() if plan.single(i) or plan.rooms[i]["label"]]
    pairs = [
        (i, j)
        for i, j in combinations(known, 2)
        if max(a := plan.area(plan.rooms[i]), b := plan.area(plan.rooms[j])) / min(a, b) > 1.3
    ]
    if pairs:
        i, j = rng.sample(rng.choice(pairs), 2)
        bigger = plan.area(plan.rooms[i]) > plan.area(plan.rooms[j])
        if rng.random() < 0.4:
            sentence = "{answer}, {a} is " + ("larger" if bigger else "smaller") + " than {b}."
            yield ask(rng, "yes_no", phrases.IS_LARGER, yes_no(bigger), sentence, a=plan.the(i), b=plan.the(j))
        else:
            small = rng.random() < 0.4
            win = i if bigger != small else j
            name = plan.the(win).removeprefix("the ")
            yield ask(
                rng,
                "comparison",
                phrases.LARGER,
                name,
                "The {answer} is {more}." if plan.single(win) else "{answer} is {more}.",
                (plan.the(win), *plan.other_names(win)[:2]),
                more="smaller" if small else rng.choice(("larger", "bigger")),
                a=plan.the(i),
                b=plan.the(j),
            )
    amounts = {
        "bedrooms": plan.count["bedroom"],
        "bathrooms": plan.count["bathroom"],
        "windows": len(plan.scene["windows"]),
        "doors": len(plan.scene["doors"]),
    }
    one, two = rng.sample(sorted(amounts), 2)
    few = max(amounts[one], amounts[two]) <= 5
    if amounts[one] != amounts[two] and (few or {one, two} == {"doors", "windows"}):
        answer = one if amounts[one] > amounts[two] else two
        yield ask(
            rng,
            "comparison",
            phrases.MORE,
            answer,
            "There are more {answer}.",
            a=one,
            b=two,
            plan=say(rng, phrases.PLAN),
        )

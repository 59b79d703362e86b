"""What can be said and asked about a composed floor plan."""

from __future__ import annotations

import random
import re
from collections import Counter
from functools import cached_property
from itertools import combinations

from .base import QA, Scene, article, ask, join, plural, say, yes_no

TYPES = (
    "bedroom", "bathroom", "kitchen", "living room", "dining room", "office", "hallway", "garage", "closet", "laundry",
    "balcony", "storage",
)  # fmt: skip
_NAMES = (*TYPES, "lounge", "study")
_PLACES = ("top left", "top right", "bottom left", "bottom right", "top", "bottom", "left", "right", "center")
_COLOURS = "red|orange|yellow|green|cyan|blue|purple|pink|brown|black|white|gray"

FACTS = re.compile(
    rf"\d+ (?:rooms?|{'|'.join(plural(t) + '|' + t for t in _NAMES)}|doors?|windows?|beds?)\b"
    rf"|(?:{'|'.join(_NAMES)}) is at the (?:{'|'.join(_PLACES)})\b"
    rf"|(?:largest|smallest) room is the (?:{'|'.join(_NAMES)})"
    rf"|(?:{'|'.join(_NAMES)}) is (?:{_COLOURS})\b|blueprint|walls are (?:{_COLOURS})\b|background is (?:{_COLOURS})\b"
)

# How often a type occurs in a plan; asking with these weights makes yes as likely as no for every type.
_SHARE = {
    "bedroom": 0.78, "bathroom": 0.68, "kitchen": 0.45, "living room": 0.45, "dining room": 0.3, "office": 0.32,
    "hallway": 0.22, "garage": 0.32, "closet": 0.2, "laundry": 0.26, "balcony": 0.22, "storage": 0.2,
}  # fmt: skip
_SPOKEN = {
    "bedroom": "bedroom", "bathroom": "[bathroom|bathroom|bath]", "kitchen": "kitchen",
    "living room": "[living room|living room|living area]", "dining room": "[dining room|dining room|dining area]",
    "office": "[office|office|home office]", "hallway": "[hallway|hallway|hall|corridor]", "garage": "garage",
    "closet": "closet",
    "laundry": "[laundry|laundry room]", "balcony": "balcony", "storage": "[storage room|storage]",
}  # fmt: skip
_SAME = {
    "bathroom": ("bath", "wc"), "living room": ("living", "lounge", "living area"), "lounge": ("living room",),
    "dining room": ("dining", "dining area"), "office": ("study", "home office"), "study": ("office",),
    "hallway": ("hall", "corridor"), "laundry": ("laundry room", "utility"), "storage": ("storage room", "store"),
    "bedroom": ("bed",),
}  # fmt: skip
_THING = {"double bed": "bed", "single bed": "bed", "round table": "table", "dining table": "table"}
_ITEMS = ("bed", "sofa", "table", "stove", "sink", "fridge", "toilet", "bath tub", "shower", "desk", "wardrobe", "car",
          "washing machine")  # fmt: skip
_PLAN = "[plan|floor plan|drawing|layout|apartment|house|home|floorplan]"
_THERE = "[there|in the plan|in this floor plan|in this house|in the drawing|shown|visible]"


class _Plan:
    """A scene with the relations between its rooms worked out."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.rooms = scene["rooms"]
        self.count = Counter(r["type"] for r in self.rooms)
        self.names = Counter(r["name"] for r in self.rooms)
        self.labels = Counter(r["label"].lower() for r in self.rooms)

    def single(self, index: int) -> bool:
        """Whether `the <name>` can only mean this room."""
        return self.count[self.rooms[index]["type"]] == 1

    def known(self) -> list[int]:
        """Rooms that a question can point to by name."""
        return [i for i,
            r in enumerate(self.rooms) if self.single(i) or (r["label"][-1:].isdigit() and self.labels[r["label"].lower()] == 1)]

    def the(self, index: int) -> str:
        room = self.rooms[index]
        return f"the {room['name']}" if self.single(index) else room["label"].lower()

    def other_names(self, index: int) -> tuple[str, ...]:
        room = self.rooms[index]
        return tuple(sorted({room["type"], room["label"].lower(), *_SAME.get(room["name"], ())} - {room["name"], ""}))

    @staticmethod
    def area(room: Scene) -> float:
        x0, y0, x1, y1 = room["box"]
        return (x1 - x0) * (y1 - y0)

    @cached_property
    def by_area(self) -> list[int]:
        return sorted(range(len(self.rooms)), key=lambda i: -self.area(self.rooms[i]))

    def extreme(self, largest: bool) -> int | None:
        """The room that is clearly the largest (smallest); None where it is a close call."""
        order = self.by_area if largest else self.by_area[::-1]
        a, b = (self.area(self.rooms[i]) for i in order[:2])
        return order[0] if max(a, b) / min(a, b) >= 1.18 else None

    def place(self, index: int) -> str:
        """Where in the house the room is, in thirds; "" for a middle too near to two of them."""
        x0, y0, x1, y1 = self.scene["house"]
        a, b, c, d = self.rooms[index]["box"]
        across = _third(((a + c) / 2 - x0) / (x1 - x0), "left", "right")
        down = _third(((b + d) / 2 - y0) / (y1 - y0), "top", "bottom")
        if across is None or down is None:
            return ""
        return f"{down} {across}".strip() or "center"

    def shared(self, i: int, j: int) -> tuple[str, float]:
        """Side of room `i` that `j` lies at and the length of wall they share ("" for none, -1 for a mere corner)."""
        a, b = self.rooms[i]["box"], self.rooms[j]["box"]
        high = min(a[3], b[3]) - max(a[1], b[1])
        wide = min(a[2], b[2]) - max(a[0], b[0])
        if high > 0 and wide == 0:
            return ("right" if b[0] == a[2] else "left"), high
        if wide > 0 and high == 0:
            return ("below" if b[1] == a[3] else "above"), wide
        return "", -1.0 if wide == high == 0 else 0.0

    def neighbour(self, i: int, side: str) -> int | None:
        """The one room that shares nearly all of that side of room `i`."""
        found = [(j, length) for j in range(len(self.rooms)) if j != i for s,
            length in [self.shared(i, j)] if s == side]
        x0, y0, x1, y1 = self.rooms[i]["box"]
        full = (y1 - y0) if side in ("left", "right") else (x1 - x0)
        return found[0][0] if len(found) == 1 and found[0][1] > 0.55 * full else None

    def doors_of(self, i: int) -> list[Scene]:
        return [d for d in self.scene["doors"] if i in (d["a"], d["b"])]

    def joined(self, i: int, j: int) -> bool:
        return any({d["a"], d["b"]} == {i, j} for d in self.scene["doors"])

    @cached_property
    def things(self) -> Counter[str]:
        return Counter(_THING.get(f["symbol"], f["symbol"]) for f in self.scene["furniture"])

    def things_in(self, i: int) -> list[str]:
        return [_THING.get(f["symbol"], f["symbol"]) for f in self.scene["furniture"] if f["room"] == i]

    @cached_property
    def reading_order(self) -> list[int]:
        return sorted(range(len(self.rooms)), key=lambda i: (self.rooms[i]["box"][1], self.rooms[i]["box"][0]))


def _third(t: float, low: str, high: str) -> str | None:
    if t < 0.38:
        return low
    if t > 0.62:
        return high
    return "" if 0.43 <= t <= 0.57 else None


# --- captions ------------------------------------------------------------------------------------


def captions(scene: Scene, rng: random.Random) -> dict[str, str]:
    """Short, detailed and alternative text, and tags."""
    plan = _Plan(scene)
    n, beds, baths = len(plan.rooms), plan.count["bedroom"], plan.count["bathroom"]
    blueprint = scene["style"] == "blueprint"
    noun = "blueprint floor plan" if blueprint else rng.choice(("floor plan", "floor plan", "architectural floor plan"))
    a = article(noun).split()[0].capitalize()
    rooms = f"{n} rooms"
    kinds = [f"{c} {plural(t, c)}" for t, c in plan.count.most_common()]
    has = [f"{c} {plural(w, c)}" for w, c in (("bedroom", beds), ("bathroom", baths)) if c]
    short = say(rng, rng.choice((
        "[{a}|The] {noun} [with|of|showing] {rooms}[.|]", "{cap} [with|showing] {rooms}",
        "[A home|A house|An apartment] {noun} with {most}.",
        "{a} {noun} of a [house|home|dwelling] with {most}.",
    )), a=a, noun=noun, cap=noun.capitalize(), rooms=rooms, most=join(has) if has else rooms)  # fmt: skip
    doors, windows = len(scene["doors"]), len(scene["windows"])
    parts = [
        say(rng, "[{a}|This is {b}|The picture shows {b}] {noun} with {rooms}: {kinds}.", a=a, b=a.lower(), noun=noun,
        rooms=rooms, kinds=join(kinds)),
        say(rng, "[It has|There are|The plan has] {d} and {w}.", d=f"{doors} {plural('door', doors)}",
        w=f"{windows} {plural('window', windows)}"),
    ]
    known = [i for i in range(n) if plan.single(i) and plan.place(i)]
    for i in known[:2]:
        parts.append(f"The {plan.rooms[i]['name']} is at the {plan.place(i)}.")
    if (big := plan.extreme(True)) is not None:
        parts.append(f"The largest room is the {plan.rooms[big]['name']}.")
    coloured = {r["name"]: r["colour"] for r in plan.rooms if r["colour"]}
    if coloured:
        some = list(coloured.items())[:3]
        parts.append("The " + join([f"{name} is {colour}" for name, colour in some]) + ".")
    else:
        if name := scene["paint"]["names"]["wall"]:
            parts.append(f"The walls are {name}.")
        if name := scene["paint"]["names"]["background"]:
            parts.append(f"The background is {name}.")
    alt = say(rng, rng.choice((
        "{cap} with {rooms}, [including|among them] {some}.",
        "{cap} [showing|of a home with] {some} [and more|among {rooms}].",
        "[Layout|Plan] of a [house|home] with {rooms}, {d} and {w}.",
    )), cap=noun.capitalize(), rooms=rooms, some=join(kinds[:3]), d=f"{doors} {plural('door', doors)}",
        w=f"{windows} {plural('window', windows)}")  # fmt: skip
    tags = ["floor plan", *(["blueprint"] if blueprint else []), *rng.sample(("architecture", "house", "layout",
        "rooms"), 2), *sorted(plan.count)]
    return {"short": short, "detailed": " ".join(parts), "alt": alt, "tags": ", ".join(tags)}


# --- questions -----------------------------------------------------------------------------------

_COUNT = (
    "How many {things} [are|are] {there}?", "[Number|Count] of {things}?", "[Count|Count up] the {things}.",
    "How many {things} does [the|this] {plan} have?", "How many {things} can [you see|be seen]?", "How many {things}?",
    "What is the [number|total number|count] of {things}?", "[Give|State|Tell me] the number of {things}.",
    "How many {things} [do you see|do you count|are drawn|are shown]?", "The {plan} has how many {things}?",
)  # fmt: skip
_EXISTS = (
    "Is there {a} {x} [|in the plan|in this home|here]?", "Does [the|this] {plan} [have|include|contain|show] {a} {x}?",
    "Can you see {a} {x}?", "[Is|Do you see] {a} {x} [shown|here|in this plan]?", "Has this {plan} got {a} {x}?",
    "Any {x} {there}?",
)  # fmt: skip
_WHERE = (
    "Where is {x}?", "Where [in the plan|in the house|on the plan|in this layout] is {x}?",
    "In which part of the {plan} is {x}?",
    "What is the [position|location] of {x}?", "Where can [I|you] find {x}?", "Where is {x} [located|situated|placed]?",
    "[Which part|What area] of the [plan|house|drawing] [is {x} in|holds {x}]?", "Where's {x}?",
)  # fmt: skip
_SIDE = {
    "left": ("[left of|to the left of|directly left of|immediately to the left of|on the left side of]", "right"),
    "right": ("[right of|to the right of|directly right of|immediately to the right of|on the right side of]", "left"),
    "above": ("[above|directly above|right above|immediately above|on top of]", "below"),
    "below": ("[below|directly below|under|beneath|immediately below|underneath]", "above"),
}  # fmt: skip
_COLOUR = (
    "What colo[u|]r is {x}?", "Which colo[u|]r is {x} [filled with|painted|shaded|drawn in]?",
    "What is the colo[u|]r of {x}?",
    "{x}: what colo[u|]r?", "In what colo[u|]r is {x} [filled|shown|drawn]?", "Name the colo[u|]r of {x}.",
    "Colo[u|]r of {x}?",
)  # fmt: skip
_LARGEST = {
    True: "[largest|biggest|most spacious|largest]",
    False: "[smallest|smallest|tiniest|least spacious]",
}


def _count(rng: random.Random, thing: str, number: int, *spoken: str) -> QA:
    return ask(
        rng, "count", _COUNT, number,
        "[There|There] [is|is] {answer} {noun}." if number == 1 else "[There are|The plan has] {answer} {noun}.",
        (_WORDS[number],) if number < len(_WORDS) else (), noun=plural(thing, number),
        things=say(rng, rng.choice(spoken or (plural(thing),))), plan=say(rng, _PLAN), there=say(rng, _THERE),
    )  # fmt: skip


_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def _counts(plan: _Plan, rng: random.Random) -> list[QA]:
    out = []
    scene = plan.scene
    if not plan.count["balcony"]:
        out.append(_count(rng, "room", len(plan.rooms), "rooms", "rooms [altogether|in total|]", "[spaces|rooms]"))
    out.append(_count(rng, "bedroom", plan.count["bedroom"], "bedrooms", "[bedrooms|bed rooms|sleeping rooms]"))
    if plan.count["bathroom"] or rng.random() < 0.6:
        out.append(_count(rng, "bathroom", plan.count["bathroom"], "bathrooms", "[bathrooms|bath rooms|baths]"))
    if len(scene["doors"]) <= 8:
        out.append(_count(rng, "door", len(scene["doors"]), "doors", "[doors|doorways|door openings]"))
    out.append(_count(rng, "window", len(scene["windows"]), "windows"))
    if plan.things:
        thing = rng.choice([t for t in ("bed", "sofa", "toilet", "sink", "table",
            "desk") if plan.things[t] or rng.random() < 0.15] or ["bed"])
        out.append(_count(rng, thing, plan.things[thing]))
    return out


def _existence(plan: _Plan, rng: random.Random) -> list[QA]:
    out = []
    present = sorted(plan.count)
    absent = [t for t in TYPES if t not in plan.count]
    yes = rng.random() < 0.5 or not absent
    pool = present if yes else absent
    kind = rng.choices(pool, [1 - _SHARE[t] if yes else _SHARE[t] for t in pool])[0]
    spoken = say(rng, _SPOKEN[kind])
    a = article(spoken).split()[0]
    out.append(ask(rng, "yes_no", _EXISTS, yes_no(yes),
        "{answer}, there is " + (f"{article(kind)}." if yes else f"no {kind}."),
                   a=a, x=spoken, plan=say(rng, _PLAN), there=say(rng, _THERE)))  # fmt: skip
    extras = plan.scene["extras"]
    kind = rng.choice(("scale bar", "north arrow", "title"))
    shown = {"scale bar": "scale", "north arrow": "north", "title": "title"}[kind] in extras
    if shown or rng.random() < 0.3:
        out.append(ask(rng, "yes_no", _EXISTS, yes_no(shown),
            "{answer}, there is " + (f"a {kind}." if shown else f"no {kind}."),
                       a="a", x=kind, plan="plan", there="there"))  # fmt: skip
    if plan.things:
        yes = rng.random() < 0.5
        pool = [t for t in _ITEMS if (plan.things[t] > 0) == yes]
        if pool:
            thing = rng.choice(pool)
            out.append(ask(rng, "yes_no", _EXISTS, yes_no(yes),
                "{answer}, there is " + (f"a {thing}." if yes else f"no {thing}."),
                           a="a", x=thing, plan="plan", there="there"))  # fmt: skip
    return out


def _places(plan: _Plan, rng: random.Random) -> list[QA]:
    out = []
    for i in rng.sample(known := plan.known(), len(known))[:3]:
        if place := plan.place(i):
            same = {
                "center": ("centre", "middle"), "top": ("top center", "top centre", "upper middle"),
                "bottom": ("bottom center", "bottom centre", "lower middle"), "left": ("center left", "middle left"),
                "right": ("center right", "middle right"),
            }.get(place, (place.replace("top", "upper").replace("bottom", "lower"),))  # fmt: skip
            out.append(ask(rng, "attribute", _WHERE, place, "{x} is [at|in] the {answer} of the plan.", same,
                x=plan.the(i), plan=say(rng, _PLAN)))
    x0, y0, x1, y1 = plan.scene["house"]
    for corner, words in rng.sample(sorted({
        (x0, y0): "[top left|upper left|top-left|top left]", (x1, y0): "[top right|upper right|top-right|top right]",
        (x0, y1): "[bottom left|lower left|bottom-left|bottom left]", (x1,
        y1): "[bottom right|lower right|bottom-right|bottom right]",
    }.items()), 2):  # fmt: skip
        at = [i for i, r in enumerate(plan.rooms) if corner[0] in (r["box"][0],
            r["box"][2]) and corner[1] in (r["box"][1], r["box"][3])]
        if len(at) == 1 and _keep(plan, at[0], rng):
            out.append(ask(rng, "attribute", (
                "[What|Which] room is in the {c} corner?", "[What|Which] room is at the {c}?",
                "What is in the {c} corner of the {plan}?",
                "Name the room in the {c} corner.", "The room [in|at] the {c} corner is the [what|which room]?",
                "What kind of room is in the {c} [corner|of the house|of the plan]?",
                "Which space [occupies|takes up] the {c} corner?",
                "What's at the {c} of the plan?",
            ), plan.rooms[at[0]]["name"], "The room in the {c} corner is the {answer}.", plan.other_names(at[0]),
            c=say(rng, words),
                plan=say(rng, _PLAN)))  # fmt: skip
    return out


def _keep(plan: _Plan, index: int, rng: random.Random) -> bool:
    """Bedrooms and bathrooms are the answer too often; some of those questions are dropped."""
    return plan.rooms[index]["type"] not in ("bedroom", "bathroom") or rng.random() < 0.45


def _relations(plan: _Plan, rng: random.Random) -> list[QA]:
    out = []
    known = plan.known()
    options = [(i, side, j) for i in known for side in _SIDE if (j := plan.neighbour(i, side)) is not None]
    for i, side, j in rng.sample(options, min(2, len(options))):
        if not _keep(plan, j, rng):
            continue
        out.append(ask(rng, "relation", (
            "[What|Which] room is {side} {x}?", "What is {side} {x}?",
            "Which room [lies|is located|is situated] {side} {x}?",
            "Name the room {side} {x}.", "What [kind|type] of room is {side} {x}?", "{x} has which room {side} it?",
            "[What's|What room's] {side} {x}?", "Going {dir} from {x}, which room comes [first|next]?",
        ), plan.rooms[j]["name"], "The {answer} is {side} {x}.", plan.other_names(j), side=say(rng, _SIDE[side][0]),
        x=plan.the(i),
            dir={"above": "up", "below": "down"}.get(side, side)))  # fmt: skip
    pairs = [(i, j, s) for i, j in combinations(known, 2) if (s := _apart(plan, i, j))]
    for i, j, side in rng.sample(pairs, min(2, len(pairs))):
        a, b = plan.the(i), plan.the(j)
        if rng.random() < 0.5:
            a, b, side = b, a, _SIDE[side][1]
        first, second = ("left", "right") if side in ("left", "right") else ("above", "below")
        if rng.random() < 0.5:
            first, second = second, first
        to = " of" if side in ("left", "right") else ""
        out.append(ask(rng, "relation", (
            "Is {a} {p}[ or | or |/]{q}{to} {b}?", "Is {a} [located|situated|placed|] {p} or {q}{to} {b}?",
            "Where is {a} [relative to|compared with|with respect to] {b}: {p} or {q}?",
            "On which side of {b} is {a}, {p} or {q}?", "{a} is {p} or {q}{to} {b}?",
            "{a} is where relative to {b}, {p} or {q}?",
        ), side, "{a} is {answer}{to} {b}.", {"left": ("to the left",), "right": ("to the right",),
        "above": ("over", "up"),
            "below": ("under", "down")}[side], a=a, b=b, p=first, q=second, to=to))  # fmt: skip
    return out


def _apart(plan: _Plan, i: int, j: int) -> str:
    """On which one side of `j` room `i` clearly is; "" where it is askew."""
    a, b = plan.rooms[i]["box"], plan.rooms[j]["box"]
    high = min(a[3], b[3]) - max(a[1], b[1])
    wide = min(a[2], b[2]) - max(a[0], b[0])
    if high > 0.3 * min(a[3] - a[1], b[3] - b[1]) and wide <= 0:
        return "left" if a[0] < b[0] else "right"
    if wide > 0.3 * min(a[2] - a[0], b[2] - b[0]) and high <= 0:
        return "above" if a[1] < b[1] else "below"
    return ""


def _adjacency(plan: _Plan, rng: random.Random) -> list[QA]:
    out = []
    known = plan.known()
    scale = max(plan.scene["size"])
    pairs = [(i, j, plan.shared(i, j)[1]) for i, j in combinations(known, 2)]
    yes = rng.random() < 0.5
    # Only where both answers are possible: small plans would otherwise all say yes.
    fits = {True: [p[:2] for p in pairs if p[2] > 0.06 * scale], False: [p[:2] for p in pairs if p[2] == 0]}
    if fits[True] and fits[False]:
        i, j = rng.choice(fits[yes])
        out.append(ask(rng, "yes_no", (
            "Is {a} [next to|adjacent to|beside|right next to] {b}?", "Do {a} and {b} share a wall?",
            "Are {a} and {b} [adjacent|neighbours|neighbors|side by side]?",
            "Does {a} border {b}?", "Does {a} [adjoin|touch|share a wall with] {b}?",
            "{a} and {b}: [adjacent|next to each other]?",
        ), yes_no(yes), "{answer}, {a} and {b} " + ("share a wall." if yes else "do not share a wall."), a=plan.the(i),
        b=plan.the(j)))  # fmt: skip
    yes = rng.random() < 0.5
    fit = [(i, j) for i, j, length in pairs if plan.joined(i, j) == yes and length > 0.06 * scale]
    if fit:
        i, j = rng.choice(fit)
        out.append(ask(rng, "yes_no", (
            "Is there a door[| way|way] between {a} and {b}?", "Are {a} and {b} connected by a door?",
            "Does a door [connect|link|join] {a} [and|with] {b}?",
            "Can [you|one] [walk|go] [directly|straight] from {a} [to|into] {b}?",
            "Is there a direct door from {a} [to|into] {b}?",
            "Do {a} and {b} have a door between them?",
        ), yes_no(yes), "{answer}, there is " + ("a" if yes else "no") + " door between {a} and {b}.", a=plan.the(i),
        b=plan.the(j)))  # fmt: skip
    ends = [(i, d["b"] if d["a"] == i else d["a"]) for i in known if len(doors := plan.doors_of(i)) == 1 for d in doors]
    ends = [(i, j) for i, j in ends if j >= 0 and _keep(plan, j, rng)]
    if ends:
        i, j = rng.choice(ends)
        out.append(ask(rng, "relation", (
            "Which room [has|shares] a door [with|to] {x}?", "Which room is connected [to|with] {x} by a door?",
            "{x} has a door to which room?",
            "Through the door of {x}, which room do you [reach|enter]?", "Where does the door of {x} lead?",
            "From which room do you enter {x}?",
        ), plan.rooms[j]["name"], "The door of {x} leads to the {answer}.", plan.other_names(j), x=plan.the(i)))  # fmt: skip
    i = rng.choice(known) if known else None
    if i is not None and len(plan.doors_of(i)) > (rng.random() < 0.5):
        number = len(plan.doors_of(i))
        out.append(ask(rng, "count", (
            "How many doors does {x} have?", "How many doors [lead|open] [into|to] {x}?",
            "[Number of doors|Door count] of {x}?",
            "Count the doors of {x}.", "{x} has how many doors?", "How many doors are there in {x}?",
        ), number, "{x} has {answer} " + plural("door", number) + ".", (_WORDS[number],), x=plan.the(i)))  # fmt: skip
    return out


def _sizes(plan: _Plan, rng: random.Random) -> list[QA]:
    out = []
    for largest in (True, False):
        i = plan.extreme(largest)
        if i is None or len(plan.rooms) < 3 or not _keep(plan, i, rng):
            continue
        out.append(ask(rng, "superlative", (
            "[Which|What] room is the {most}?", "[Which|What] is the {most} room?",
            "What is the {most} room [in|of] the {plan}?", "Name the {most} room.",
            "The {most} room?", "Which room [takes up|covers|has] the {area} [area|space]?",
            "Which of the rooms is {most}?", "Identify the {most} room.",
        ), plan.rooms[i]["name"], "The " + ("largest" if largest else "smallest") + " room is the {answer}.",
        plan.other_names(i),
            most=say(rng, _LARGEST[largest]), plan=say(rng, _PLAN), area="most" if largest else "least"))  # fmt: skip
    known = [i for i in plan.known() if plan.single(i) or plan.rooms[i]["label"]]
    pairs = [(i, j) for i, j in combinations(known, 2) if max(a := plan.area(plan.rooms[i]),
        b := plan.area(plan.rooms[j])) / min(a, b) > 1.3]
    if pairs:
        i, j = rng.sample(rng.choice(pairs), 2)
        bigger = plan.area(plan.rooms[i]) > plan.area(plan.rooms[j])
        if rng.random() < 0.4:
            out.append(ask(rng, "yes_no", (
                "Is {a} [larger|bigger] than {b}?", "Is {a} the [larger|bigger] room [compared with|than] {b}?",
                "Does {a} [cover|take up|have] more [area|space] than {b}?",
                "Has {a} a larger area than {b}?", "{a} [larger|bigger] than {b}?",
            ), yes_no(bigger), "{answer}, {a} is " + ("larger" if bigger else "smaller") + " than {b}.", a=plan.the(i),
            b=plan.the(j)))  # fmt: skip
        else:
            small = rng.random() < 0.4
            win = i if bigger != small else j
            name = plan.the(win).removeprefix("the ")
            out.append(ask(rng, "comparison", (
                "Which is {more}, {a} or {b}?", "Which room is {more}: {a} or {b}?",
                "[What is|What's] {more}, {a} or {b}?",
                "{a} or {b}: which is {more}?", "Of {a} and {b}, which is {more}?",
                "Between {a} and {b}, which one is {more}?",
            ), name, "The {answer} is {more}." if plan.single(win) else "{answer} is {more}.", (plan.the(win),
            *plan.other_names(win)[:2]),
                more="smaller" if small else rng.choice(("larger", "bigger")), a=plan.the(i), b=plan.the(j)))  # fmt: skip
    amounts = {"bedrooms": plan.count["bedroom"], "bathrooms": plan.count["bathroom"],
        "windows": len(plan.scene["windows"]),
               "doors": len(plan.scene["doors"])}  # fmt: skip
    a, b = rng.sample(sorted(amounts), 2)
    if amounts[a] != amounts[b] and (max(amounts[a], amounts[b]) <= 5 or {a, b} == {"doors", "windows"}):
        out.append(ask(rng, "comparison", (
            "Are there more {a} or [more|] {b}?", "Which are there more of, {a} or {b}?",
            "What is there more of: {a} or {b}?", "More {a} or more {b}?",
            "Does the {plan} have more {a} or more {b}?",
            "Which is [greater|higher|larger]: the number of {a} or the number of {b}?",
        ), a if amounts[a] > amounts[b] else b, "There are more {answer}.", a=a, b=b, plan=say(rng, _PLAN)))  # fmt: skip
    return out


def _colours(plan: _Plan, rng: random.Random) -> list[QA]:
    out = []
    names = plan.scene["paint"]["names"]
    coloured = {r["name"]: r["colour"] for r in plan.rooms if r["colour"]}
    gray = ("grey",)
    for name in rng.sample(sorted(coloured), min(3, len(coloured))):
        colour = coloured[name]
        if plan.names[name] > 1:
            templates = ("What colo[u|]r are the {y}?", "Which colo[u|]r do the {y} have?",
                "What is the colo[u|]r of the {y}?", "In what colo[u|]r are the {y} filled?")
            out.append(ask(rng, "colour", templates, colour, "The {y} are {answer}.", gray if colour == "gray" else (),
                y=plural(name)))
        else:
            out.append(ask(rng, "colour", _COLOUR, colour, "{x} is {answer}.", gray if colour == "gray" else (),
                x=f"the {name}"))
    if coloured:
        name = rng.choice(sorted(coloured))
        same = next(i for i, r in enumerate(plan.rooms) if r["name"] == name)
        if _keep(plan, same, rng):
            out.append(ask(rng, "attribute", (
                "Which room is {c}?", "What room is [filled|shaded|coloured|colored|shown] [in|] {c}?",
                "[What|Which] is the {c} room?", "Name the {c} room.",
                "What kind of room is [drawn|shown|filled] in {c}?", "The {c} area is which room?",
            ), name, "The {c} room is the {answer}.", plan.other_names(same), c=coloured[name]))  # fmt: skip
    if names["wall"] and (not coloured or plan.scene["paint"]["wall"] == plan.scene["paint"]["wall_fill"]):
        if names["wall"] != "black" or rng.random() < 0.5:
            out.append(ask(rng, "colour", (
                "What colo[u|]r are the walls?", "What is the colo[u|]r of the walls?",
                "Which colo[u|]r [are the walls drawn in|do the walls have]?",
                "In what colo[u|]r are the walls drawn?", "Wall colo[u|]r?", "The walls are [what|which] colo[u|]r?",
            ), names["wall"], "The walls are {answer}.", gray if names["wall"] == "gray" else ()))  # fmt: skip
    if names["background"] and (names["background"] != "white" or rng.random() < 0.4):
        out.append(ask(rng, "colour", (
            "What colo[u|]r is the background?", "What is the background colo[u|]r?",
            "On what colo[u|]r is the plan drawn?", "Background colo[u|]r?",
            "Which colo[u|]r is [behind the plan|the paper|the background]?",
        ), names["background"], "The background is {answer}."))  # fmt: skip
    return out


def _style(plan: _Plan, rng: random.Random) -> list[QA]:
    out = []
    style = plan.scene["style"]
    if style == "blueprint" or rng.random() < 0.2:
        blue = style == "blueprint"
        out.append(ask(rng, "yes_no", (
            "Is this [drawn as|] a blueprint?", "Is [it|this|the plan] in blueprint style?",
            "Is this a [classic|blue|white-on-blue] blueprint?",
            "Does this look like a blueprint?", "Is the plan drawn in white [lines|] on blue?",
        ), yes_no(blue), "{answer}, this is " + ("" if blue else "not ") + "a blueprint."))  # fmt: skip
    if rng.random() < 0.2:
        coloured = style == "colour"
        if coloured or rng.random() < 0.25:
            out.append(ask(rng, "yes_no", (
                "Are the rooms [coloured|colored|filled with colour|filled with color]?",
                "Do the rooms have [different|] colo[u|]rs?",
                "Is each room filled with a colo[u|]r?", "Are the floors of the rooms colo[u|]red?",
            ), yes_no(coloured), "{answer}, the rooms are " + ("" if coloured else "not ") + "coloured."))  # fmt: skip
    if rng.random() < 0.3:
        out.append(ask(rng, "what", (
            "What [is this|is shown|does the picture show|does this show]?",
            "What kind of [image|picture|drawing|diagram] is this?", "What [is in|do you see in] the picture?",
            "[What|Which] type of drawing is this?", "What am I looking at?", "What is [depicted|drawn] here?",
            "Name the kind of drawing.",
        ), "floor plan", "[This is|It is|The picture shows] a {answer}.",
            ("a floor plan", "floorplan", "house plan", "plan of a house",
            *(("blueprint",) if style == "blueprint" else ()))))  # fmt: skip
    dark = style in ("dark", "cad", "blueprint")
    if rng.random() < (0.3 if dark else 0.25):
        out.append(ask(rng, "attribute", (
            "Is the background [dark or light|light or dark]?",
            "Is the plan drawn on a [dark or a light|light or a dark] background?",
            "Does the drawing have a dark or light background?", "Is the paper [dark or bright|light or dark]?",
        ), "dark" if dark else "light", "The background is {answer}.", ("bright",) if not dark else ()))  # fmt: skip
    return out


def _furnishing(plan: _Plan, rng: random.Random) -> list[QA]:
    out: list[QA] = []
    rooms = [i for i in plan.known() if plan.things_in(i)]
    if rooms:
        i = rng.choice(rooms)
        things = sorted(set(plan.things_in(i)))
        out.append(ask(rng, "list", (
            "What furniture is in {x}?", "What [stands|is|is drawn] in {x}?",
            "Which [symbols|fixtures|things] are [in|inside] {x}?",
            "List the [furniture|items|things] in {x}.", "What does {x} contain?", "What can be seen in {x}?",
            "Name the furniture in {x}.",
        ), ", ".join(things), "In {x} there is {all}.", x=plan.the(i), all=join([f"a {t}" for t in things])))  # fmt: skip
    single = [f for f in plan.scene["furniture"] if plan.things[_THING.get(f["symbol"], f["symbol"])] == 1]
    if single:
        item = rng.choice(single)
        thing = _THING.get(item["symbol"], item["symbol"])
        box, (x0, y0, x1, y1) = item["box"], plan.scene["house"]
        across = _third(((box[0] + box[2]) / 2 - x0) / (x1 - x0), "left", "right")
        down = _third(((box[1] + box[3]) / 2 - y0) / (y1 - y0), "top", "bottom")
        if across is not None and down is not None:
            place = f"{down} {across}".strip() or "center"
            out.append(ask(rng, "attribute", _WHERE, place, "{x} is in the {answer} of the plan.",
                           (place.replace("top", "upper").replace("bottom", "lower"),
                           "middle" if place == "center" else place),
                           x=f"the {thing}", plan=say(rng, _PLAN)))  # fmt: skip
    for i in rooms:
        things = plan.things_in(i)
        if plan.rooms[i]["type"] == "bathroom" and ("shower" in things) != ("bath tub" in things):
            out.append(ask(rng, "attribute", (
                "Does {x} have a [shower or a bath tub|bath tub or a shower]?",
                "Is there a shower or a bath tub in {x}?", "Shower or bath tub in {x}?",
                "Which is in {x}: a bath tub or a shower?",
            ), "shower" if "shower" in things else "bath tub", "There is a {answer} in {x}.",
                ("bathtub", "tub", "bath") if "bath tub" in things else (), x=plan.the(i)))  # fmt: skip
            break
    return out


def _readings(plan: _Plan, rng: random.Random) -> list[QA]:
    out = []
    extras = plan.scene["extras"]
    with_area = [i for i in plan.known() if plan.rooms[i]["area"]]
    for i in rng.sample(with_area, min(2, len(with_area))):
        area = plan.rooms[i]["area"]
        if "x" in area:
            templates = ("What are the [dimensions|measurements] of {x}?",
                "Which dimensions are [written|given] in {x}?", "How long and wide is {x}?",
                         "Read the dimensions of {x}.", "What size is written in {x}?", "Dimensions of {x}?")  # fmt: skip
            accept = (area.replace(" ", ""), area.replace(" x ", " by "))
        else:
            templates = ("What is the [area|floor area|size] of {x}?", "How [big|large] is {x}?",
                "What area is [written|given|marked] [in|for] {x}?",
                         "Read the area of {x}.", "Area of {x}?", "How many square [metres|meters] does {x} have?")  # fmt: skip
            templates = templates[:5] if "ft" in area else templates
            accept = (area.split()[0], area.replace("²", "2"), area.replace("m2", "m²"), area.replace(" ", ""))
        out.append(ask(rng, "reading", templates, area, "{x} [measures|has] {answer}.", accept, x=plan.the(i)))
    if title := extras.get("title"):
        out.append(ask(rng, "reading", (
            "What is the title [of the plan|]?", "What does the title say?",
            "Which title is [written|shown] on the plan?", "Read the title.",
            "What is the plan called?", "What is the [heading|caption|name] of this plan?", "Title?",
        ), title["text"], 'The title [says|is] "{answer}".'))  # fmt: skip
    if bar := extras.get("scale"):
        out.append(ask(rng, "reading", (
            "What does the scale bar say?", "Which length does the scale bar show?",
            "How [long|many metres|many meters] is the scale bar?",
            "Read the scale bar.", "What is written at the scale bar?", "Scale bar length?",
        ), bar["text"], "The scale bar shows {answer}.", (bar["text"].split()[0], bar["text"].replace(" ", ""))))  # fmt: skip
    if north := extras.get("north"):
        out.append(ask(rng, "attribute", (
            "Which way does the north arrow point?",
            "In which direction [is north|does the N arrow point|does the arrow point]?",
            "Where is north [on this plan|]?",
            "The north arrow points [where|which way]?", "What is the direction of the north arrow?",
            "Which way is north?",
        ), north["points"], "The north arrow points {answer}.", {"up": ("top", "upwards"),
        "down": ("bottom", "downwards")}.get(north["points"], ())))  # fmt: skip
    if dims := extras.get("dims"):
        dim = rng.choice(dims)
        templates = ("How wide is the [house|building|plan]?", "What is the [overall|total] width?",
            "Which width is [marked|given] at the top?", "Read the width dimension.")
        if dim["what"] == "height":
            templates = ("What [length|dimension] is written [on|at|along] the left side?",
                "Which dimension is marked on the left?", "Read the dimension on the left side.",
                         "What does the vertical dimension line say?")  # fmt: skip
        out.append(ask(rng, "reading", templates, dim["text"], "It [says|is] {answer}.",
            (dim["text"].removesuffix("m").strip(),)))
    corners = [i for i in range(len(plan.rooms)) if plan.rooms[i]["label"] and plan.place(i)]
    places = Counter(plan.place(i) for i in corners)
    corners = [i for i in corners if places[plan.place(i)] == 1 and _keep(plan, i, rng)]
    if corners:
        i = rng.choice(corners)
        out.append(ask(rng, "reading", (
            "What [text|label|name] is written [in|on] the room at the {p}?",
            "What does the label [at|in] the {p} say?", "Read the label of the room at the {p}.",
            "What is the room at the {p} labelled?", "What is the room at the {p} labeled?",
            "What is written at the {p} of the plan?",
        ), plan.rooms[i]["label"], 'The label says "{answer}".', p=plan.place(i)))  # fmt: skip
    return out


def _absent(plan: _Plan, rng: random.Random) -> list[QA]:
    missing = [t for t in TYPES if t not in plan.count]
    if not missing:
        return []
    kind = rng.choices(missing, [0.3 + _SHARE[t] for t in missing])[0]
    templates = [
        "Where is the {x}?", "How [big|large] is the {x}?", "What is [left|right] of the {x}?",
        "How many doors does the {x} have?",
        "Which room is next to the {x}?", "What furniture is in the {x}?",
        "In which [part|corner] of the plan is the {x}?",
        "What is the [area|size] of the {x}?", "Where can I find the {x}?", "Which room is [above|below] the {x}?",
    ]  # fmt: skip
    if plan.scene["style"] == "colour":
        templates += ["What colo[u|]r is the {x}?"] * 6
    return [ask(rng, "absent", templates, f"There is no {kind}.", f"There is no {kind} in this plan.", (f"no {kind}",),
        x=kind)]


def _listing(plan: _Plan, rng: random.Random) -> list[QA]:
    out = []
    ordered = list(dict.fromkeys(plan.rooms[i]["type"] for i in plan.reading_order))
    if len(ordered) <= 7:
        templates = ["What [kinds|types|sorts] of rooms are [there|shown|in the plan]?",
            "List the [kinds|types] of rooms.", "Which [types|kinds] of room does the plan [have|show]?",
                     "Name the types of rooms [in the plan|you see]."]  # fmt: skip
        if len(ordered) == len(plan.rooms):
            templates += ["List the rooms.", "Which rooms are [shown|there|in the plan]?", "Name all [the|] rooms.",
                "What rooms does the plan [have|show|contain]?",
                          "List all rooms from top to bottom.", "What rooms can you see?"] * 2  # fmt: skip
        out.append(ask(rng, "list", templates, ", ".join(ordered), "The rooms are {all}.", all=join(ordered)))
    if rng.random() < 0.15:
        rooms = ",".join(f'"{plan.rooms[i]["type"]}"' for i in plan.reading_order)
        text = f'{{"type":"floor plan","rooms":[{rooms}],"doors":{len(plan.scene["doors"])},"windows":{len(plan.scene["windows"])}}}'
        out.append(ask(rng, "json", (
            "Describe [the plan|this plan|the picture|the image] as JSON.",
            "Give me [a JSON description|JSON] of the floor plan.", "JSON[ please|]: rooms, doors and windows.",
            "Return the [plan|contents|rooms, doors and windows] as [compact|] JSON.", "Convert this plan to JSON.",
            "Output JSON for this [floor plan|picture].",
        ), text))  # fmt: skip
    return out


_TOPICS = (
    _counts, _existence, _places, _relations, _adjacency, _sizes, _colours, _style, _furnishing, _readings, _absent,
    _listing,
)  # fmt: skip


def questions(scene: Scene, rng: random.Random) -> list[QA]:
    """Up to 16 questions in random order, at most a quarter of them to be answered by yes or no."""
    plan = _Plan(scene)
    found = [qa for topic in _TOPICS for qa in topic(plan, rng)]
    rng.shuffle(found)
    open_ones = [qa for qa in found if qa.kind != "yes_no"][:13]
    closed = [qa for qa in found if qa.kind == "yes_no"][: max(1, len(open_ones) // 4)]
    chosen = open_ones + closed
    rng.shuffle(chosen)
    return chosen

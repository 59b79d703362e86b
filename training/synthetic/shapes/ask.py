"""Asks about the things of a scene: one function per topic."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator

from ..base import NUMBERS, QA, Scene, article, ask, compact_json, grey, join, plural, put
from . import phrases
from .closed import absent, compared, exists
from .truth import View, bigger, name_of, ordered, place_of, reading_order, side_of, sides_of, superlatives
from .words import FILL_NAMES, OPPOSITE, PHRASE, SIDES, SYNONYMS, TEXTURE_NAMES


def _number(n: int) -> tuple[str, ...]:
    """Other ways to say how many."""
    return (NUMBERS[n], "none", "no") if n == 0 else (NUMBERS[n],)


def _colours(view: View, rng: random.Random) -> Iterator[QA]:
    single = [o for o in rng.sample(view.things, len(view.things)) if view.kinds[o["kind"]] == 1]
    for o in single[:2]:
        colour, noun = o["colour"], view.noun(o["kind"])
        yield ask(rng, "colour", phrases.COLOUR_OF, colour, "The {a} is {answer}.", grey(colour), a=noun)


def _kind_of(view: View, rng: random.Random) -> Iterator[QA]:
    found = [o for o in view.things if view.colours[o["colour"]] == 1]
    for o in rng.sample(found, min(2, len(found))):
        kind, also = o["kind"], (article(o["kind"]), name_of(o), *SYNONYMS.get(o["kind"], ()))
        sentence = f"The {{c}} [shape|object] is {article(kind)}."
        yield ask(rng, "attribute", phrases.SHAPE_OF, kind, sentence, also, c=o["colour"])


def _counts(view: View, rng: random.Random) -> Iterator[QA]:
    n = len(view.things)
    if rng.random() < (0.5 if n <= 3 else 1):
        sentence = "There [is|are] {answer} {s}.".replace("[is|are]", "is" if n == 1 else "are")
        yield ask(rng, "count", phrases.COUNT_ALL, n, sentence, _number(n), s=plural("shape", n))
    for table, missing, nouns in (
        (view.kinds, view.missing_kind, lambda k: (plural(k), plural(k))),
        (view.colours, view.missing_colour, lambda c: (f"{c} [shapes|objects|figures]", f"{c} shapes")),
    ):
        repeated = [x for x, k in table.items() if k > 1]
        roll = rng.random()
        if repeated and roll < 0.82:
            x = rng.choice(repeated)
        elif roll < 0.17 or not roll < 0.9:
            x = missing()
        elif roll > 0.5:
            x = rng.choice(list(table))
        else:
            continue
        k = table.get(x, 0)
        asked, shown = nouns(x)
        template = rng.choice(phrases.COUNT)
        sentence = "There [is|are] {answer} {s}.".replace("[is|are]", "is" if k == 1 else "are")
        if table is view.colours:
            template = template.replace("{xs}", asked).replace("of the shapes are " + asked, "of the shapes are " + x)
        yield ask(
            rng,
            "count",
            template,
            k,
            sentence,
            _number(k),
            xs=asked,
            s=shown[:-1] if k == 1 and table is view.colours else x if k == 1 else shown,
        )
    if n >= 3 and rng.random() < 0.45:
        k = len(view.colours)
        yield ask(rng, "count", phrases.COUNT_COLOURS, k, "The shapes have {answer} different colours.", _number(k))
    if n >= 4 and rng.random() < 0.3:
        k = len(view.kinds)
        yield ask(
            rng, "count", phrases.COUNT_KINDS, k, "The number of different kinds of shapes is {answer}.", _number(k)
        )


def _relations(view: View, rng: random.Random) -> Iterator[QA]:
    called = view.called()
    pairs = [(x, y) for x in called for y in called if x[0] is not y[0]]
    rng.shuffle(pairs)
    clear = [(a, b) for a, b in pairs if side_of(a[0], b[0])]
    for (o, a), (p, b) in clear[:2]:
        side = side_of(o, p)
        accept = [
            PHRASE[side], f"to the {side} of", f"to the {side}", f"to the {side} of the {b}", f"{PHRASE[side]} the {b}",
        ]  # fmt: skip
        yield ask(rng, "relation", phrases.WHERE, side, f"The {{a}} is {PHRASE[side]} the {{b}}.", accept, a=a, b=b)
    loose = [(a, b) for a, b in pairs if sides_of(a[0], b[0])]
    if loose and rng.random() < 0.6:
        (o, a), (p, b) = loose[-1]
        side = rng.choice(sides_of(o, p))
        first, second = rng.sample((side, OPPOSITE[side]), 2)
        accept = [PHRASE[side], f"to the {side}", f"to the {side} of", f"{PHRASE[side]} the {b}"]
        sentence = f"The {{a}} is {PHRASE[side]} the {{b}}."
        template = put(phrases.EITHER, p=phrases.LOOSE[first], q=phrases.LOOSE[second])
        yield ask(rng, "relation", template, side, sentence, accept, a=a, b=b)
    for (o, a), (p, b) in clear:
        side = side_of(o, p)
        rest = [q for q in view.things if q is not o and q is not p]
        if all(OPPOSITE[side] in sides_of(q, p) for q in rest):
            template = put(phrases.WHAT_SIDE, p=phrases.LOOSE[side])
            sentence = f"The {{answer}} is {PHRASE[side]} the {{b}}."
            yield ask(rng, "relation", template, name_of(o), sentence, view.accept(o), a=a, b=b)
            break


def _places(view: View, rng: random.Random) -> Iterator[QA]:
    found = [(o, name, place_of(view.scene, o)) for o, name in view.called()]
    found = [f for f in found if f[2] and (f[2] != "centre" or rng.random() < 0.5)]
    for _o, name, place in found[:2]:
        accept = [f"at the {place}", f"in the {place}", f"{place} corner"]
        accept += [place.replace("top", "upper").replace("bottom", "lower"), place.replace(" ", "-")]
        accept += {"centre": ["center", "middle", "in the middle"]}.get(place, [])
        if place in ("top", "bottom", "left", "right"):
            accept += [f"{place} centre", f"{place} center", f"{place} middle", f"middle {place}", f"centre {place}"]
        yield ask(
            rng, "attribute", phrases.PLACE, place, "The {a} is at the {answer} [|of the picture].", accept, a=name
        )


def _superlatives(view: View, rng: random.Random) -> Iterator[QA]:
    options = list(superlatives(view.things))
    for i, (word, o) in enumerate(rng.sample(options, min(2, len(options)))):
        if i == 0:
            template = put(phrases.SUPERLATIVE, m=phrases.MOST[word])
            yield ask(rng, "superlative", template, name_of(o), f"The {word} shape is the {{answer}}.", view.accept(o))
        else:
            template = put(phrases.SUPERLATIVE_COLOUR, m=phrases.MOST[word])
            sentence = f"The {word} shape is {{answer}}."
            yield ask(rng, "superlative", template, o["colour"], sentence, grey(o["colour"]))


def _comparisons(view: View, rng: random.Random) -> Iterator[QA]:
    called = view.called()
    pairs = [(x, y) for x in called for y in called if bigger(x[0], y[0])]
    if pairs:
        (o, big), (p, small) = rng.choice(pairs)
        larger = rng.random() < 0.6
        answer, who = (big, o) if larger else (small, p)
        a, b = rng.sample((big, small), 2)
        word = "[bigger|larger]" if larger else "smaller"
        also = [f"the {answer}", name_of(who), *view.accept(who)]
        yield ask(rng, "comparison", put(phrases.BIGGER, m=word), answer, f"The {{answer}} is {word}.", also, a=a, b=b)
    counts = [(x, y) for x in view.kinds for y in view.kinds if view.kinds[x] > view.kinds[y]]
    if counts:
        x, y = (plural(k) for k in rng.choice(counts))
        a, b = rng.sample((x, y), 2)
        fewer = rng.random() < 0.3
        more, greater = ("fewer", "smaller|lower") if fewer else ("more", "larger|greater")
        templates = put(phrases.MORE[1:] if fewer else phrases.MORE, m=more, m2=greater)
        answer = y if fewer else x
        sentence = f"There are {more} {{answer}}."
        yield ask(rng, "comparison", templates, answer, sentence, (f"the {answer}", f"more {answer}"), a=a, b=b)


def _attributes(view: View, rng: random.Random) -> Iterator[QA]:
    called, style = view.called(), view.scene["style"]
    for o, name in called:
        if style in ("sketch", "neon") or o["fill"] == "striped" or o["edge"] or o["kind"] == "ring":
            continue
        if rng.random() < (0.9 if o["fill"] == "outlined" else 0.3):
            answer = "outlined" if o["fill"] == "outlined" else "filled"
            also = ("outline", "hollow", "an outline", "only outlined") if answer == "outlined" else ("solid",)
            yield ask(rng, "attribute", phrases.FILLED, answer, "The {a} is {answer}.", also, a=name)
        break
    plain = [
        (o, name) for o, name in called if style not in ("sketch", "neon") and o["kind"] != "ring" and not o["edge"]
    ]
    plain = [(o, name) for o, name in plain if o["fill"] != "solid" or rng.random() < 0.22]
    if plain:
        o, name = plain[-1]
        sentence = "The {a} [is|has a fill that is] {answer}."
        yield ask(rng, "attribute", phrases.FILL, o["fill"], sentence, FILL_NAMES[o["fill"]], a=name)
    sized = [(o, name) for o, name in called if o["size"] and len(view.things) <= 5]
    if sized and rng.random() < 0.75:
        o, name = rng.choice(sized)
        more = {"large": ("big",), "small": ("little",)}.get(o["size"], ("medium-sized",))
        yield ask(rng, "attribute", phrases.SIZE, o["size"], "The {a} is {answer}.", more, a=name)
    for o, name in called:
        if o["kind"] == "arrow":
            way = {0: "right", 90: "down", 180: "left", 270: "up"}[o["rotation"]]
            towards = (f"to the {way}", f"{way}wards")
            yield ask(rng, "attribute", phrases.POINTS, way, "The {a} points {answer}.", towards, a=name)
            break
    cornered = [(o, name) for o, name in called if o["kind"] in SIDES and "side" not in name]
    if cornered and rng.random() < 0.35:
        o, name = rng.choice(cornered)
        k = SIDES[o["kind"]]
        called_so = f"{o['colour']} shape" if view.colours[o["colour"]] == 1 else name
        yield ask(rng, "attribute", phrases.SIDES_OF, k, "The {a} has {answer} sides.", _number(k), a=called_so)


def _backgrounds(view: View, rng: random.Random) -> Iterator[QA]:
    ground = view.scene["background"]
    if rng.random() < (0.5 if ground["name"] == "white" else 1):
        accept = [ground["base"]] * (ground["name"] != ground["base"])
        accept += [a.replace("gray", "grey") for a in (ground["name"], ground["base"]) if "gray" in a]
        yield ask(rng, "colour", phrases.GROUND, ground["name"], "The background is {answer}.", accept)
    if rng.random() < (0.12 if ground["kind"] == "plain" else 0.75):
        kind, sentence = ground["kind"], "The background [is of the kind|style is] {answer}."
        yield ask(rng, "attribute", phrases.TEXTURE, kind, sentence, TEXTURE_NAMES[kind])


def _whole(view: View, rng: random.Random) -> Iterator[QA]:
    things = reading_order(view.things)
    n = len(things)
    if n <= 3:
        names = [name_of(o) for o in things]
        accept = [join([article(x) for x in names]), ", ".join(names), join(names[::-1]), "geometric shapes"]
        sentence = "The picture shows {all}."
        yield ask(rng, "what", phrases.WHAT, join(names), sentence, accept, all=join([article(x) for x in names]))
    if rng.random() < 0.12:
        also = ["shapes", "a composition of geometric shapes", "a geometric composition"]
        yield ask(
            rng, "what", phrases.GENRE, "geometric shapes", "[This is a drawing of|The picture shows] {answer}.", also
        )
    for axis, way in (
        ("x", "[from left to right|left to right|from the left]"),
        ("y", "[from top to bottom|top to bottom|from the top down]"),
    ):
        line = ordered(things, axis)
        if line is None or not 2 <= n <= 5 or rng.random() < 0.4:
            continue
        if rng.random() < 0.6:
            text = ", ".join(name_of(o) for o in line)
            accept = [", ".join(o["kind"] for o in line), text.replace(", ", " and ")]
            yield ask(rng, "list", put(phrases.LIST, w=way), text, "The shapes are: {answer}.", accept)
        else:
            text = ", ".join(o["colour"] for o in line)
            sentence = "The colours are {answer}."
            yield ask(rng, "list", put(phrases.LIST_COLOURS, w=way), text, sentence, [text.replace("gray", "grey")])
        break
    if rng.random() < 0.15 and n <= 5:
        data = {
            "type": "shapes",
            "count": n,
            "background": view.scene["background"]["name"],
            "objects": [name_of(o) for o in things],
        }
        yield ask(rng, "json", phrases.JSON, compact_json(data))


_TOPICS: tuple[Callable[[View, random.Random], Iterable[QA]], ...] = (
    _colours, _kind_of, _counts, _relations, _places, _superlatives, _comparisons, _attributes, _backgrounds, _whole,
    compared, absent,
)  # fmt: skip


def questions(scene: Scene, rng: random.Random) -> list[QA]:
    """Up to 16 questions on all topics."""
    view = View(scene, rng)
    result = [qa for topic in _TOPICS for qa in topic(view, rng)]
    result.append(exists(view, rng))
    rng.shuffle(result)
    return result[:16]

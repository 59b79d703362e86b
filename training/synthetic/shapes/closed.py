"""Asks what is answered by yes or no, and for things that are not there."""

from __future__ import annotations

import random
from collections.abc import Iterator

from ..base import QA, article, ask, plural, put, yes_no
from . import phrases
from .truth import View, bigger, sides_of
from .words import OPPOSITE, PHRASE


def exists(view: View, rng: random.Random) -> QA:
    """Whether there is a thing, half of the time one that is there."""
    truth, roll = rng.random() < 0.5, rng.random()
    o = rng.choice(view.things)
    if roll < 0.4:
        kind = o["kind"] if truth else view.missing_kind()
        x, xs = article(kind), plural(kind)
    elif roll < 0.65:
        colour = o["colour"] if truth else view.missing_colour()
        x, xs = article(f"{colour} shape"), f"{colour} shapes"
    else:
        kind, colour = o["kind"], o["colour"]
        swaps = [(k, c) for k in view.kinds for c in view.colours if f"{c} {k}" not in view.names]
        if not truth and swaps and rng.random() < 0.6:
            kind, colour = rng.choice(swaps)
        elif not truth and rng.random() < 0.5:
            kind = view.missing_kind()
        elif not truth:
            colour = view.missing_colour()
        x, xs = article(f"{colour} {kind}"), plural(f"{colour} {kind}")
    sentence = f"{{answer}}, there is {x if truth else 'no ' + x.split(' ', 1)[1]}."
    return ask(rng, "yes_no", phrases.EXISTS, yes_no(truth), sentence, x=x, xs=xs)


def compared(view: View, rng: random.Random) -> list[QA]:
    """Closed questions about particular things, each with a fair coin."""
    called, result = view.called(), []
    pairs = [(x, y) for x in called for y in called if x[0] is not y[0]]
    rng.shuffle(pairs)
    truth = rng.random() < 0.5
    unique = [o for o in view.things if view.kinds[o["kind"]] == 1]
    if unique and rng.random() < 0.6:
        o = rng.choice(unique)
        others = [c for c in view.colours if c != o["colour"]] or [view.missing_colour()]
        colour = o["colour"] if truth else rng.choice([*others, view.missing_colour()])
        sentence = f"{{answer}}, the {{a}} is {o['colour']}."
        result.append(ask(rng, "yes_no", phrases.IS_COLOUR, yes_no(truth), sentence, a=o["kind"], c=colour))
    truth = rng.random() < 0.5
    sided = [(x, y) for x, y in pairs if sides_of(x[0], y[0])]
    if sided:
        (o, a), (p, b) = sided[0]
        side = rng.choice(sides_of(o, p))
        template = put(phrases.IS_SIDE, p=phrases.LOOSE[side if truth else OPPOSITE[side]])
        result.append(
            ask(rng, "yes_no", template, yes_no(truth), f"{{answer}}, the {{a}} is {PHRASE[side]} the {{b}}.", a=a, b=b)
        )
    truth = rng.random() < 0.5
    sized = [(x, y) for x, y in pairs if bigger(x[0], y[0])]
    if sized:
        (_, big), (_, small) = sized[0]
        larger = rng.random() < 0.6
        a, b = (big, small) if truth == larger else (small, big)
        template = put(phrases.IS_BIGGER, m="[bigger|larger]" if larger else "smaller")
        result.append(
            ask(rng, "yes_no", template, yes_no(truth), f"{{answer}}, the {big} is bigger than the {small}.", a=a, b=b)
        )
    by_kind = [(o, k) for o, k in ((o, o["kind"]) for o in unique)]
    same = [(x, y) for x in by_kind for y in by_kind if x[1] != y[1] and x[0]["colour"] == y[0]["colour"]]
    other = [(x, y) for x in by_kind for y in by_kind if x[0]["colour"] != y[0]["colour"]]
    if same and other:
        truth = rng.random() < 0.5
        (_, a), (_, b) = rng.choice(same if truth else other)
        sentence = "{answer}, the {a} and the {b} have {how}."
        how = "the same colour" if truth else "different colours"
        result.append(ask(rng, "yes_no", phrases.SAME_COLOUR, yes_no(truth), sentence, a=a, b=b, how=how))
    counts = [(x, y) for x in view.kinds for y in view.kinds if view.kinds[x] > view.kinds[y]]
    if counts:
        truth = rng.random() < 0.5
        more, fewer = rng.choice(counts)
        a, b = (more, fewer) if truth else (fewer, more)
        sentence = f"{{answer}}, there are more {plural(more)} than {plural(fewer)}."
        result.append(ask(rng, "yes_no", phrases.IS_MORE, yes_no(truth), sentence, a=plural(a), b=plural(b)))
    rng.shuffle(result)
    return result[: 1 if len(view.things) < 2 else 2]


def absent(view: View, rng: random.Random) -> Iterator[QA]:
    """One question about a kind or a colour that is not there."""
    if rng.random() < 0.7:
        kind = view.missing_kind()
        table = rng.choice((phrases.COLOUR_OF, phrases.COLOUR_OF, phrases.PLACE, phrases.SIZE))
        yield ask(rng, "absent", table, f"There is no {kind}.", "{answer}", a=kind)
        return
    colour = view.missing_colour()
    answer, also = f"There is no {colour} shape.", (f"There is no {colour} object.",)
    yield ask(rng, "absent", phrases.SHAPE_OF[:6], answer, "{answer}", also, c=colour)

"""Asks what each kind of chart shows: bars and slices, groups of bars, lines, points."""

from __future__ import annotations

import random
from collections.abc import Iterator

from ..base import ORDINALS, QA, Scene, ask, grey, plural, put
from . import phrases
from .layout import number
from .truth import bare, clear, direction_of, extremes, size_words
from .words import LINE_TREND, NOUN, ROUND


def _count_qa(rng: random.Random, count: int, noun: str) -> QA:
    sentence = "the number of {n} is {answer}." if count == 1 else "there are {answer} {n}."
    return ask(rng, "count", phrases.COUNT, count, sentence, n=noun)


def single(scene: Scene, rng: random.Random) -> Iterator[QA]:
    """One value per category: bars and slices."""
    kind, names, values = scene["kind"], scene["categories"], scene["series"][0]["values"]
    noun, (most, least), (top, low) = NOUN[kind], size_words(scene), extremes(scene)
    things = rng.choice(
        (plural(noun), "slices", "segments", "sectors") if kind in ROUND else ("bars", "bars", "columns")
    )
    if kind == "barh":
        things = "bars"
    yield _count_qa(rng, len(names), things)
    thing = rng.choice(("slice", "segment", "part", "category")) if kind in ROUND else rng.choice((noun, "category"))
    for index, word, adjectives in (
        (top, most, "[{w}|highest|largest|biggest]"),
        (low, least, "[{w}|lowest|smallest]"),
    ):
        adjective = adjectives.replace("{w}", word)
        amount = "[most|highest value|largest value]" if index == top else "[lowest value|smallest value]"
        sentence = f"[{{answer}} is the {word} {noun}|the {word} {noun} is {{answer}}]."
        templates = put(phrases.EXTREME, thing=thing, adjective=adjective, noun=noun, word=word, amount=amount)
        yield ask(rng, "superlative", templates, names[index], sentence)
        colour = scene["colour_names"][index]
        if colour:
            templates = put(phrases.EXTREME_COLOUR, adjective=adjective, noun=noun)
            yield ask(rng, "superlative", templates, colour, f"the {word} {noun} is {{answer}}.", grey(colour))
    yield from _colours(scene, rng, noun)
    yield from _order(scene, rng)
    yield from _values(scene, rng, noun)
    high = max(values) if kind in ROUND else scene["ticks"][-1]
    yield from _compare(rng, names, values, high, kind in ROUND)
    yield from _above(scene, rng)
    if kind in ("bar", "barh"):
        answer = "vertical" if kind == "bar" else "horizontal"
        if rng.random() < 0.7:
            yield ask(rng, "attribute", phrases.ORIENTATION, answer, "the bars are {answer}.", (answer + "ly",))


def _colours(scene: Scene, rng: random.Random, noun: str) -> Iterator[QA]:
    names = scene["categories"]
    if scene["hue"]:
        yield ask(rng, "colour", phrases.HUE, scene["hue"], "the {n} are {answer}.", grey(scene["hue"]), n=plural(noun))
        return
    named = [i for i, c in enumerate(scene["colour_names"]) if c]
    for i in rng.sample(named, min(2, len(named))):
        colour = scene["colour_names"][i]
        yield ask(rng, "colour", phrases.COLOUR, colour, "the {x} {n} is {answer}.", grey(colour), x=names[i], n=noun)
    if named:
        i = rng.choice(named)
        sentence = "the {c} {n} is {answer}."
        yield ask(rng, "attribute", phrases.OF_COLOUR, names[i], sentence, c=scene["colour_names"][i], n=noun)


def _order(scene: Scene, rng: random.Random) -> Iterator[QA]:
    """Position along the category axis, neighbours, the whole list, a label that is not there."""
    kind, names = scene["kind"], scene["categories"]
    noun = NOUN[kind]
    items = rng.choice(("categories", "labels", "names"))
    direction = direction_of(scene, rng)
    sentence = "the {i} are {answer}."
    yield ask(rng, "list", put(phrases.LIST, items=items, direction=direction), ", ".join(names), sentence, i=items)
    missing = rng.choice(scene["missing"])
    if rng.random() < 0.8:
        if kind in ROUND or (scene["colours"] and rng.random() < 0.5):
            text, plain = f"There is no {missing} {noun}.", phrases.ABSENT_THING
        else:
            text, plain = f"There is no {missing}.", phrases.ABSENT_LABEL
        yield ask(rng, "absent", plain, text, text, x=missing, n=noun)
    if kind in ROUND:
        return
    first, last = ("top", "bottom") if kind == "barh" else ("left", "right")
    count = len(names)
    place = rng.randrange(count)
    if place < min(count - 1, 4):
        where, index = f"{ORDINALS[place]} {{n}} from the {first}", place
    else:
        where, index = (
            rng.choice((f"last {{n}} from the {first}", f"{{n}} at the far {last}" if last == "right" else "last {n}")),
            count - 1,
        )
    if rng.random() < 0.25 and count > 3:
        back = rng.randrange(3)
        where, index = f"{ORDINALS[back]} {{n}} from the {last}", count - 1 - back
    sentence = "it is {answer}."
    yield ask(
        rng, "relation", put(phrases.AT, where=where), names[index], sentence, n=rng.choice((noun, "category", "label"))
    )
    if count > 2:
        i, step = rng.randrange(1, count - 1), rng.choice((-1, 1))
        side = {
            ("left", 1): "[to the right of|right of]",
            ("left", -1): "[to the left of|left of]",
            ("top", 1): "below",
            ("top", -1): "above",
        }[first, step]
        near = "[directly|immediately|just]"
        templates = put(phrases.NEIGHBOUR, noun=noun, near=near, side=side)
        yield ask(rng, "relation", templates, names[i + step], "{answer} is there.", x=names[i])


def _values(scene: Scene, rng: random.Random, noun: str, most: int = 2) -> Iterator[QA]:
    """Values that are written in the chart or lie exactly on a labelled gridline."""
    names, values = scene["categories"], scene["series"][0]["values"]
    on_tick = [i for i, v in enumerate(values) if v in scene["ticks"] and scene["grid"] and scene["show_ticks"]]
    readable = list(range(len(names))) if scene["value_labels"] else on_tick if scene["kind"] not in ROUND else []
    asked = ("value", "value", "share", "percentage") if scene["kind"] in ROUND else ("value", "number", "value")
    for i in rng.sample(readable, min(most, len(readable))):
        sentence, also, answer = "the {w} [for|of] {x} is {answer}.", bare(scene, values[i]), number(scene, values[i])
        yield ask(rng, "reading", phrases.VALUE, answer, sentence, also, x=names[i], n=noun, w=rng.choice(asked))
    if scene["value_labels"] and noun != "point":
        index = rng.choice(extremes(scene))
        word = size_words(scene)[index != extremes(scene)[0]]
        also = bare(scene, values[index])
        yield ask(
            rng, "reading", phrases.EXTREME_VALUE, number(scene, values[index]), "it is {answer}.", also, w=word, n=noun
        )
    if scene["value_labels"] and len(set(values)) == len(values):
        i = rng.randrange(len(values))
        sentence = "{answer} has [the value|] {v}."
        yield ask(rng, "attribute", phrases.WITH_VALUE, names[i], sentence, v=number(scene, values[i]), n=noun)


def _compare(rng: random.Random, names: list[str], values: list[float], high: float, share: bool) -> Iterator[QA]:
    """Which of two is higher, or lower."""
    pairs = [
        (i, j) for i in range(len(names)) for j in range(len(names)) if i != j and clear(values[i], values[j], high)
    ]
    for i, j in rng.sample(pairs, min(2, len(pairs))):
        up = rng.random() < 0.6
        answer = names[i] if (values[i] > values[j]) == up else names[j]
        adjective = "[larger|bigger|greater]" if share else "[higher|larger|greater|bigger]"
        word = adjective if up else "[smaller|lower]"
        sentence = f"{{answer}} is {word}."
        yield ask(rng, "comparison", put(phrases.WHICH_IS, word=word), answer, sentence, a=names[i], b=names[j])


def _above(scene: Scene, rng: random.Random) -> Iterator[QA]:
    """How many bars pass a labelled line of the axis."""
    if scene["kind"] in ROUND or not scene["show_ticks"]:
        return
    values, high = scene["series"][0]["values"], scene["ticks"][-1]
    fair = [
        (sum((v > t) == more for v in values), t, more)
        for more in (True, False)
        for t in scene["ticks"][1:-1]
        if all(abs(v - t) > 0.045 * high for v in values)
    ]
    if not fair:
        return
    # By count first: thresholds near the ends would make 0 and 1 far too common.
    wanted = rng.choice(sorted({count for count, _, _ in fair}))
    count, tick, more = rng.choice([entry for entry in fair if entry[0] == wanted])
    word = "[above|higher than|over|more than|greater than]" if more else "[below|lower than|under|less than]"
    yield ask(rng, "count", put(phrases.COUNT_BEYOND, word=word), count, "", t=number(scene, tick))


def grouped(scene: Scene, rng: random.Random) -> Iterator[QA]:
    """Two series as bars side by side."""
    names, (one, two) = scene["categories"], scene["series"]
    high = scene["ticks"][-1]
    yield _count_qa(rng, len(names), rng.choice(("groups", "groups of bars", "categories")))
    if rng.random() < 0.5:
        yield _count_qa(rng, 2 * len(names), rng.choice(("bars in total", "single bars")))
    yield from _order(scene, rng)
    for i in rng.sample(range(len(names)), len(names)):
        a, b = one["values"][i], two["values"][i]
        if clear(a, b, high):
            up = rng.random() < 0.6
            answer = one["name"] if (a > b) == up else two["name"]
            word = "[higher|larger|greater]" if up else "[lower|smaller]"
            sentence, templates = f"{{answer}} is {word} for {{x}}.", put(phrases.COMPARE_SERIES, word=word)
            yield ask(rng, "comparison", templates, answer, sentence, x=names[i], a=one["name"], b=two["name"])
    row = rng.choice((one, two))
    for take, words in ((max, "[highest|tallest|largest|biggest]"), (min, "[lowest|shortest|smallest]")):
        index = row["values"].index(take(row["values"]))
        sentence = f"{{s}} is {words} for {{answer}}."
        yield ask(
            rng, "superlative", put(phrases.EXTREME_OF_SERIES, words=words), names[index], sentence, s=row["name"]
        )
    if scene["grid"] or scene["value_labels"]:
        for row in (one, two):
            i = rng.randrange(len(names))
            if scene["value_labels"] or row["values"][i] in scene["ticks"]:
                yield ask(
                    rng,
                    "reading",
                    phrases.SERIES_VALUE,
                    number(scene, row["values"][i]),
                    "the value is {answer}.",
                    bare(scene, row["values"][i]),
                    s=row["name"],
                    x=names[i],
                )


def line(scene: Scene, rng: random.Random) -> Iterator[QA]:
    """One to three lines."""
    names, series = scene["categories"], scene["series"]
    low_tick, high = scene["ticks"][0], scene["ticks"][-1]
    span = high - low_tick
    yield _count_qa(rng, len(series), "lines")
    if len(series) == 1 and scene["marker"]:
        yield _count_qa(rng, len(names), rng.choice(("points", "data points", "markers")))
    yield _count_qa(rng, len(names), rng.choice(("labels on the x axis", "x axis categories", "x labels")))
    row = rng.choice(series)
    subject = "the line" if len(series) == 1 else row["name"]
    if len(series) > 1 and row["colour_name"] and rng.random() < 0.5:
        subject = f"the {row['colour_name']} line"
    if row["trend"] in LINE_TREND:
        yield ask(
            rng, "attribute", phrases.TREND, row["trend"], "{s} is {answer}.", LINE_TREND[row["trend"]], s=subject
        )
    for take, words in (
        (max, "[highest|at its highest|at its peak|largest]"),
        (min, "[lowest|at its lowest|smallest]"),
    ):
        ranked = sorted(row["values"], reverse=take is max)
        if abs(ranked[0] - ranked[1]) >= 0.07 * span:
            best = names[row["values"].index(ranked[0])]
            noun = "[highest|top|maximum]" if take is max else "[lowest|minimum]"
            sentence = f"{{s}} is {words} at {{answer}}."
            yield ask(
                rng, "superlative", put(phrases.EXTREME_OF_LINE, words=words, noun=noun), best, sentence, s=subject
            )
    yield from _order(scene, rng)
    if len(series) == 1:
        if row["colour_name"]:
            sentence = "the line is {answer}."
            yield ask(rng, "colour", phrases.LINE_COLOUR, row["colour_name"], sentence, grey(row["colour_name"]))
        if scene["marker"] or scene["value_labels"]:
            yield from _values(scene, rng, "point", 1)
        shift = [v - low_tick for v in row["values"]]
        yield from [*_compare(rng, names, shift, span, False)][:1]
        return
    for at, when in ((-1, "at the end"), (0, "at the [start|beginning]")):
        ends = [r["values"][at] for r in series]
        up = rng.random() < 0.6
        ranked = sorted(ends, reverse=up)
        if abs(ranked[0] - ranked[1]) < 0.1 * span:
            continue
        best = series[ends.index(ranked[0])]
        word = ("highest" if up else "lowest") if len(series) > 2 else ("higher" if up else "lower")
        by_colour = all(r["colour_name"] for r in series) and rng.random() < 0.35
        thing = "[colour|color] line" if by_colour else "[series|line]"
        label = names[at]
        templates = put(
            phrases.WHICH_LINE,
            thing=thing,
            word=word,
            when=when,
            ends="ends" if at else "starts",
            top="top" if up else "the bottom",
        )
        yield ask(
            rng, "comparison", templates, best["colour_name"] if by_colour else best["name"], "it is {answer}.", x=label
        )


def scatter(scene: Scene, rng: random.Random) -> Iterator[QA]:
    """Points on two axes."""
    series = scene["series"]
    if scene["countable"]:
        yield _count_qa(rng, len(series[0]["points"]), rng.choice(("points", "dots", "data points", "markers")))
    if scene["trend"]:
        answer = scene["trend"]
        accept = {
            "positive": ("rising", "up", "upward"),
            "negative": ("falling", "down", "downward"),
            "none": ("no trend", "no correlation"),
        }
        yield ask(rng, "attribute", phrases.CORRELATION, answer, "the [correlation|trend] is {answer}.", accept[answer])
    if len(series) == 1 and series[0]["colour_name"]:
        sentence = "the points are {answer}."
        yield ask(
            rng, "colour", phrases.POINT_COLOUR, series[0]["colour_name"], sentence, grey(series[0]["colour_name"])
        )
    if len(series) == 2 or rng.random() < 0.35:
        yield _count_qa(rng, len(series), rng.choice(("data series", "groups of points", "sets of points")))
    shapes = {
        "circle": ("circles", "dot", "dots", "round"),
        "square": ("squares",),
        "triangle": ("triangles",),
        "diamond": ("diamonds",),
    }
    yield ask(rng, "attribute", phrases.MARKER, scene["marker"], "the markers are {answer}s.", shapes[scene["marker"]])
    yield ask(rng, "reading", phrases.LAST_X_TICK, f"{scene['xticks'][-1]:g}", "the x axis goes up to {answer}.")
    if scene["countable"]:
        half = sum(x > 0.5 for x, _ in series[0]["points"])
        rest = len(series[0]["points"]) - half
        if abs(half - rest) >= 2 and all(abs(x - 0.5) > 0.03 for x, _ in series[0]["points"]):
            sentence = "there are more points on the {answer}."
            yield ask(rng, "comparison", phrases.MORE_POINTS, "right" if half > rest else "left", sentence)
    text = rng.choice(("bars", "slices", "lines"))
    templates = phrases.ABSENT_MARKS
    if rng.random() < 0.5:
        yield ask(rng, "absent", (templates[0], templates[2]), f"There are no {text}.", f"there are no {text}.", n=text)

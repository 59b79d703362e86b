"""Asks about a palette: positions, counts, tones, labels."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator

from ..base import NUMBERS, ORDINALS, QA, Scene, ask, compact_json, grey, join, plural, put, yes_no
from ..colours import COLOURS
from . import phrases
from .truth import extreme, lightness, missing_colours, mood_of, order_of, places_of


def _position_questions(scene: Scene, rng: random.Random, names: list[str], counts: Counter[str]) -> Iterator[QA]:
    n, layout = len(names), scene["layout"]
    places = places_of(scene)
    for place in rng.sample(list(places), min(2, len(places))):
        colour = names[places[place]]
        yield ask(rng, "colour", put(phrases.AT, w=place), colour, "It is {answer}.", grey(colour))
    if layout in ("row", "column"):
        ends = {"leftmost": 0, "rightmost": n - 1} if layout == "row" else {"topmost": 0, "bottommost": n - 1}
        for word, i in rng.sample([*ends.items(), ("first", 0), ("last", n - 1)], 1):
            yield ask(rng, "superlative", phrases.NTH, names[i], "The {w} colour is {answer}.", grey(names[i]), w=word)
        i = rng.randrange(n)
        yield ask(rng, "colour", phrases.NTH, names[i], "The {w} colour is {answer}.", grey(names[i]), w=ORDINALS[i])
    single = [i for i in range(n) if counts[names[i]] == 1]
    rng.shuffle(single)
    steps = {
        "row": (
            (1, "[directly left of|immediately to the left of|just left of|right before]"),
            (-1, "[directly right of|immediately to the right of|just right of|right after]"),
        ),
        "column": ((1, "[directly above|just above]"), (-1, "[directly below|just below|directly under]")),
        "ring": ((1, "[counter-clockwise of|just before, clockwise,]"), (-1, "[clockwise after|next clockwise to]")),
    }
    for step, phrase in rng.sample(steps.get(layout, ()), 2 if layout in steps else 0):
        fits = [i for i in single if layout == "ring" or 0 <= i - step < n]
        if fits and n > 2:
            i = rng.choice(fits)
            other = names[(i - step) % n]
            template = put(phrases.NEXT, p=phrase)
            yield ask(rng, "relation", template, other, "It is {answer}.", grey(other), c=names[i])
    if layout == "grid" and single:
        columns, i = scene["columns"], single[0]
        options = [(1, "[directly left of|just to the left of]")] * (i % columns > 0)
        options += [(-1, "[directly right of|just to the right of]")] * (i % columns < columns - 1)
        options += [(columns, "[just above|directly above]")] * (i >= columns)
        options += [(-columns, "[just below|directly below]")] * (i < n - columns)
        step, phrase = rng.choice(options)
        template = put(phrases.NEXT, p=phrase)
        yield ask(rng, "relation", template, names[i - step], "It is {answer}.", grey(names[i - step]), c=names[i])
    if layout in ("row", "column") and single:
        i = single[-1]
        way = "[from the left|left to right]" if layout == "row" else "[from the top|top to bottom]"
        template = put(phrases.WHERE, w=way)
        answer = ORDINALS[i]
        accept = (
            str(i + 1),
            f"{i + 1}{('st', 'nd', 'rd')[i] if i < 3 else 'th'}",
            NUMBERS[i + 1],
            *(["last"] * (i == n - 1)),
        )
        yield ask(rng, "relation", template, answer, f"{names[i].capitalize()} is {{answer}}.", accept, c=names[i])


def _count_questions(scene: Scene, rng: random.Random, names: list[str], counts: Counter[str]) -> Iterator[QA]:
    n = len(names)
    sentence = "There are {answer} swatches."
    yield ask(
        rng, "count", phrases.COUNT_ALL if len(counts) == n else phrases.COUNT_ALL[1:], n, sentence, (NUMBERS[n],)
    )
    repeated = [c for c in counts if counts[c] > 1]
    missing = missing_colours(scene, counts)
    roll = rng.random()
    if roll < 0.55 or repeated:
        pool = repeated if repeated and rng.random() < 0.75 else missing if roll < 0.22 else list(counts)
        colour = rng.choice(pool)
        k = counts[colour]
        sentence = f"There {'is' if k == 1 else 'are'} {{answer}} {colour} {plural('swatch', k)}."
        yield ask(rng, "count", phrases.COUNT, k, sentence, (NUMBERS[k], *(["none"] * (k == 0))), c=colour)
    if repeated:
        k = len(counts)
        yield ask(rng, "count", phrases.DISTINCT, k, "There are {answer} different colours.", (NUMBERS[k],))
    if scene["layout"] == "grid":
        word, k = rng.choice((("rows", scene["rows"]), ("columns", scene["columns"])))
        yield ask(rng, "count", phrases.ROWS, k, f"The grid has {{answer}} {word}.", (NUMBERS[k],), what=word)
    pairs = [(a, b) for a in counts for b in counts if counts[a] > counts[b]]
    if pairs:
        more, fewer = rng.choice(pairs)
        a, b = rng.sample((more, fewer), 2)
        yield ask(rng, "comparison", phrases.MORE, more, "There are more {answer} swatches.", grey(more), a=a, b=b)


def _tone_questions(scene: Scene, rng: random.Random, counts: Counter[str]) -> Iterator[QA]:
    for word, template in (("darkest", "[darkest|darkest|deepest]"), ("lightest", "[lightest|lightest|palest]")):
        swatch = extreme(scene, word == "darkest")
        obvious = swatch and swatch["colour"] in ("black", "white")
        if swatch and rng.random() < (0.35 if obvious else 1.0):
            words = put(phrases.EXTREME, m=template)
            colour = swatch["colour"]
            yield ask(rng, "superlative", words, colour, f"The {word} colour is {{answer}}.", grey(colour))
    single = [s for s in scene["swatches"] if counts[s["colour"]] == 1]
    pairs = [(a, b) for a in single for b in single if lightness(b["rgb"]) - lightness(a["rgb"]) > 20]
    if pairs:
        dark, light = rng.choice(pairs)
        word, who = rng.choice((("darker", dark), ("lighter", light)))
        a, b = rng.sample((dark["colour"], light["colour"]), 2)
        sentence = f"The {{answer}} swatch is {word}."
        yield ask(
            rng, "comparison", put(phrases.DARKER, m=word), who["colour"], sentence, grey(who["colour"]), a=a, b=b
        )
    if mood := mood_of(scene):
        yield ask(rng, "attribute", phrases.MOOD, mood, "The palette is mostly {answer}.", (f"mostly {mood}",))


def _reading_questions(scene: Scene, rng: random.Random, counts: Counter[str]) -> Iterator[QA]:
    labelled = [s for s in scene["swatches"] if "label" in s and counts[s["colour"]] == 1]
    for i, swatch in enumerate(rng.sample(labelled, min(3, len(labelled)))):
        label, colour = swatch["label"], swatch["colour"]
        if i < 2:
            accept = (label.lower(), label.upper(), label.lstrip("#"))
            yield ask(
                rng, "reading", phrases.HEX_OF, label, "The label of the {c} swatch is {answer}.", accept, c=colour
            )
        else:
            yield ask(rng, "colour", phrases.HEX_COLOUR, colour, "{h} is {answer}.", grey(colour), h=label)


def _closed_questions(scene: Scene, rng: random.Random, names: list[str], counts: Counter[str]) -> Iterator[QA]:
    truth, missing = rng.random() < 0.5, [c for c in COLOURS if c not in counts]
    colour = rng.choice(list(counts) if truth else missing)
    sentence = f"{{answer}}, there is {'a' if truth else 'no'} {colour} swatch."
    yield ask(rng, "yes_no", phrases.EXISTS, yes_no(truth), sentence, c=colour)
    n, swatches = len(names), scene["swatches"]
    pairs = [(i, j) for i in range(n) for j in range(i + 1, n)]
    same = [(i, j) for i, j in pairs if swatches[i]["rgb"] == swatches[j]["rgb"]]
    other = [(i, j) for i, j in pairs if names[i] != names[j]]
    if same and other and scene["layout"] in ("row", "column"):
        truth = rng.random() < 0.5
        i, j = rng.choice(same if truth else other)
        sentence = f"{{answer}}, they are {'both ' + names[i] if truth else names[i] + ' and ' + names[j]}."
        yield ask(rng, "yes_no", phrases.SAME, yes_no(truth), sentence, a=ORDINALS[i], b=ORDINALS[j], i=i + 1, j=j + 1)
    has_text = "text_size" in scene
    if rng.random() < (0.5 if has_text else 0.07) and (has_text or not scene["title"]):
        sentence = f"{{answer}}, the swatches are {'' if has_text else 'not '}labelled."
        yield ask(rng, "yes_no", phrases.LABELLED, yes_no(has_text), sentence)


def questions(scene: Scene, rng: random.Random) -> list[QA]:
    """Up to 16 questions on all topics."""
    names = [s["colour"] for s in scene["swatches"]]
    counts, n, layout = Counter(names), len(names), scene["layout"]
    result = [
        *_position_questions(scene, rng, names, counts),
        *_count_questions(scene, rng, names, counts),
        *_tone_questions(scene, rng, counts),
        *_reading_questions(scene, rng, counts),
        *_closed_questions(scene, rng, names, counts),
    ]
    if rng.random() < (0.8 if layout in ("grid", "ring") else 0.45):
        accept = {
            "ring": ("circle", "donut", "wheel", "a ring"),
            "column": ("a column", "stack"),
            "row": ("a row",),
            "grid": ("a grid",),
        }
        result.append(ask(rng, "attribute", phrases.LAYOUT, layout, "The swatches are in a {answer}.", accept[layout]))
    text = ", ".join(names)
    also = [text.replace("gray", "grey"), join(names)]
    result.append(ask(rng, "list", put(phrases.LIST, w=order_of(scene)), text, "The colours are {answer}.", also))
    if rng.random() < 0.2:
        also = ["palette", "color palette", "colour swatches", "a colour palette"]
        result.append(ask(rng, "what", phrases.WHAT, "colour palette", "This is a {answer}.", also))
    if rng.random() < 0.15:
        data = {"type": "palette", "layout": layout, "count": n, "colours": names}
        result.append(ask(rng, "json", phrases.JSON, compact_json(data)))
    colour = rng.choice(missing_colours(scene, counts))
    template = rng.choice(phrases.ABSENT).replace("{p}", rng.choice(("next to", "left of", "above")))
    result.append(
        ask(rng, "absent", template, f"There is no {colour} swatch.", "{answer}", (f"There is no {colour}.",), c=colour)
    )
    rng.shuffle(result)
    return result[:16]

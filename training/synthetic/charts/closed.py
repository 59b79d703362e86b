"""Asks about a chart what is answered by yes or no."""

from __future__ import annotations

import random
from collections.abc import Iterator

from ..base import QA, Scene, article, ask, plural, put, yes_no
from . import phrases
from .truth import clear, kind_name
from .words import KIND_NAMES, NOUN, ROUND


def closed_questions(scene: Scene, rng: random.Random) -> Iterator[QA]:
    """Yes/no questions: the coin is flipped first, then something is found that fits it."""
    kind, names = scene["kind"], scene["categories"]
    yes = rng.random() < 0.5
    other = rng.choice([k for k in ("bar", "line", "pie", "scatter") if not _same_kind(k, kind)])
    shown = kind_name(scene) if yes else KIND_NAMES[other].replace("vertical ", "")
    yield ask(rng, "yes_no", phrases.IS_KIND, yes_no(yes), "", k=article(shown))
    features = {"a legend": bool(scene["legend"]), "a title": bool(scene["title"])}
    if kind not in ROUND:
        features |= {
            "[a grid|a grid behind the data|a background grid]": scene["grid"],
            "a label on the x axis": bool(scene["xlabel"]),
            "a label on the y axis": bool(scene["ylabel"]),
        }
    if kind in ("bar", "barh", *ROUND):
        features["[value labels|numbers] on the {n}"] = scene["value_labels"]
    yes = rng.random() < 0.5
    # Titles are common: asked about in most untitled charts, rarely in titled ones, to come out even.
    fits = [f for f, there in features.items() if there == yes and (f != "a title" or not there or rng.random() < 0.2)]
    if fits:
        thing = rng.choice(fits)
        templates = put(phrases.HAS, thing=thing, be="are" if "on the {n}" in thing else "is")
        yield ask(rng, "yes_no", templates, yes_no(yes), "", n=plural(NOUN[kind]))
    if names:
        yes = rng.random() < 0.5
        word = rng.choice(names if yes else scene["missing"])
        yield ask(rng, "yes_no", phrases.SHOWS, yes_no(yes), "", x=word, n=NOUN[kind])
    if kind in ("bar", "barh", *ROUND):
        values = scene["series"][0]["values"]
        high = max(values) if kind in ROUND else scene["ticks"][-1]
        pairs = [
            (i, j) for i in range(len(names)) for j in range(len(names)) if i != j and clear(values[i], values[j], high)
        ]
        if pairs:
            i, j = rng.choice(pairs)
            up = rng.random() < 0.65
            word = "[higher|larger|greater|bigger]" if up else "[lower|smaller]"
            answer = yes_no((values[i] > values[j]) == up)
            yield ask(
                rng, "yes_no", put(phrases.IS_HIGHER, word=word), answer, "", a=names[i], b=names[j], n=NOUN[kind]
            )
        named = [i for i, c in enumerate(scene["colour_names"]) if c]
        if len(named) > 1:
            i, j = rng.sample(named, 2)
            yes = rng.random() < 0.5
            yield ask(
                rng,
                "yes_no",
                phrases.IS_OF_COLOUR,
                yes_no(yes),
                "",
                x=names[i],
                c=scene["colour_names"][i if yes else j],
                n=NOUN[kind],
                article=article(scene["colour_names"][i if yes else j]).split()[0],
            )


def _same_kind(asked: str, kind: str) -> bool:
    return {"bar": kind in ("bar", "barh", "grouped"), "pie": kind in ROUND}.get(asked, asked == kind)

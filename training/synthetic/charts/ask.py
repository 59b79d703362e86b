"""Asks about a chart what charts of all kinds share: kind, title, axes, legend."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from ..base import QA, Scene, article, ask, compact_json, grey, join, put
from . import kinds, phrases
from .closed import closed_questions
from .layout import number
from .truth import bare, kind_name
from .words import KIND_ACCEPT, ROUND


def questions(scene: Scene, rng: random.Random) -> list[QA]:
    """Everything that can be asked of this scene, at most sixteen, few of them yes/no."""
    by_kind = {"line": kinds.line, "scatter": kinds.scatter, "grouped": kinds.grouped}.get(scene["kind"], kinds.single)
    open_ = [*_common(scene, rng), *by_kind(scene, rng)]
    closed = [*closed_questions(scene, rng)]
    rng.shuffle(open_)
    rng.shuffle(closed)
    chosen = open_[:13]
    chosen += closed[: max(1, len(chosen) // 4)]
    rng.shuffle(chosen)
    return chosen


def _common(scene: Scene, rng: random.Random) -> Iterator[QA]:
    """Kind, title, axis labels, legend, tick labels."""
    kind = scene["kind"]
    answer = kind_name(scene)
    yield ask(rng, "what", phrases.WHAT, answer, f"[this|it] is {article(answer)}.", KIND_ACCEPT[kind])
    word = rng.choice(("chart", "graph", "plot", "figure"))
    if scene["title"]:
        yield ask(rng, "reading", phrases.TITLE, scene["title"], 'the title is [{answer}|"{answer}"].', c=word)
    elif rng.random() < 0.5:
        templates, sentence = phrases.TITLE[:4] + phrases.TITLE[7:], "there is no title[ on this chart| here|]."
        yield ask(rng, "absent", templates, "There is no title.", sentence, c=word)
    for axis, long, key in (("x", "horizontal", "xlabel"), ("y", "vertical", "ylabel")):
        templates = phrases.AXIS_LABEL
        name = rng.choice((axis, axis, long, axis.upper()))
        if scene[key]:
            yield ask(rng, "reading", templates, scene[key], "the {a} axis [shows|is labelled|says] {answer}.", a=name)
        elif kind not in ROUND and rng.random() < 0.12:
            text = f"There is no {axis} axis label."
            yield ask(rng, "absent", (templates[0], templates[2], templates[4]), text, text, a=axis)
    yield from _legend(scene, rng)
    if kind not in ROUND and scene["show_ticks"]:
        axis = "x" if kind == "barh" else "y"
        top = number(scene, scene["ticks"][-1])
        sentence = "the {a} axis goes up to {answer}."
        yield ask(rng, "reading", phrases.LAST_TICK, top, sentence, bare(scene, scene["ticks"][-1]), a=axis)
    if rng.random() < 0.15:
        yield _as_json(scene, rng)


def _as_json(scene: Scene, rng: random.Random) -> QA:
    kind = scene["kind"]
    data: dict[str, Any] = {"type": kind_name(scene), "title": scene["title"]}
    if kind == "scatter":
        data |= {"x": scene["xlabel"], "y": scene["ylabel"]}
    else:
        data["categories"] = scene["categories"]
    keys = join(list(data))
    answer = compact_json(data)
    return ask(rng, "json", phrases.JSON, answer, c=rng.choice(("chart", "graph")), k=keys)


def _legend(scene: Scene, rng: random.Random) -> Iterator[QA]:
    kind = scene["kind"]
    entries = phrases.LEGEND
    if scene["legend"]:
        yield ask(rng, "list", entries, ", ".join(scene["legend"]), "the legend lists {answer}.")
        where = {"top": "top", "bottom": "bottom", "right": "right", "inside": ""}[scene["legend_at"]]
        if where:
            sentence = "the legend is [at|on] the {answer}."
            yield ask(rng, "relation", phrases.LEGEND_PLACE, where, sentence, c=rng.choice(("chart", "graph", "plot")))
    elif rng.random() < 0.2:
        text = "There is no legend."
        yield ask(rng, "absent", entries, text, text)
    rows = [r for r in scene["series"] if r["colour_name"]] if kind in ("line", "grouped", "scatter") else []
    if len(scene["series"]) < 2 or not rows:
        return
    noun = {"line": "line", "grouped": "[bars|columns]", "scatter": "[dots|points|markers]"}[kind]
    row = rng.choice(rows)
    sentence = "{c} stands for {answer}."
    yield ask(rng, "reading", put(phrases.SERIES_OF_COLOUR, noun=noun), row["name"], sentence, c=row["colour_name"])
    row = rng.choice(rows)
    sentence = "{s} is {answer}."
    yield ask(
        rng, "colour", phrases.SERIES_COLOUR, row["colour_name"], sentence, grey(row["colour_name"]), s=row["name"]
    )

"""What captions of charts say."""

from __future__ import annotations

import random
import re

from ..base import Scene, article, capital, join, plural
from ..colours import COLOUR_WORDS
from .layout import number
from .truth import extremes, size_words
from .words import CATEGORIES, KIND_NAMES, LINE_TREND, NOUN, ROUND, SERIES

_WORDS = "|".join(
    re.escape(w.lower())
    for w in sorted(
        {w for pool in CATEGORIES.values() for w in pool if len(w) > 1 and w not in ("IT", "Go")},
        key=lambda w: (-len(w), w),
    )
)
_SERIES_WORDS = "|".join(
    re.escape(w.lower()) for w in sorted({w for row in SERIES for w in row}, key=lambda w: (-len(w), w))
)
_END = r"(?= at |[,.;]| and )"
FACTS = re.compile(
    r"(?:vertical bar|horizontal bar|grouped bar|line|pie|donut) chart\b|scatter plot\b"
    r'|titled "[^"]+"|[xy] axis "[^"]+"'
    r"|\b\d+ (?:bars|slices|lines?|points|groups)\b"
    rf"|(?:tallest|longest|shortest|largest|smallest|highest) (?:bar|slice|point) is [\w ]+?{_END}"
    r"|\bat \S*\d\S*?(?=[,.]? )"
    rf"|\b(?:{COLOUR_WORDS}) (?:bars?|line|slice|points|dots)(?: (?:shows?|is) [\w ]+?{_END})?"
    rf"|\b(?:the line|{_SERIES_WORDS}) is (?:{'|'.join(sorted(LINE_TREND, key=len, reverse=True))})\b"
    r"|(?:positive|negative|no clear) trend|\bno legend|\ba legend|\bno gridlines|\bgridlines"
    rf"|\b(?:{_WORDS})\b"
)


def captions(scene: Scene, rng: random.Random) -> dict[str, str]:
    """Short, detailed, alternative text and tags."""
    name, title, kind = KIND_NAMES[scene["kind"]], scene["title"], scene["kind"]
    body = _body(scene)
    titled = f' titled "{title}"' if title else ""
    lead = rng.choice((f"{article(name)}{titled}", f"this is {article(name)}{titled}"))
    detailed = [f"{lead} {rng.choice(('with', 'showing'))} {body}.", *_facts(scene, rng)]
    for axis, key in (("x", "xlabel"), ("y", "ylabel")):
        if scene[key]:
            detailed.append(f'{axis} axis "{scene[key]}".')
    furniture = ["a legend" if scene["legend"] else "no legend"]
    if kind not in ROUND:
        furniture.append("gridlines" if scene["grid"] else "no gridlines")
    detailed.append(f"{rng.choice(('It has', 'It shows', 'The chart has'))} {join(sorted(furniture, key=_absent))}.")
    short = rng.choice(
        (f"{article(name)}{titled}", f"{article(name)} with {_count(scene)}", f"{article(name)}{titled}")
    )
    about = f" about {title}" if title else ""
    alt = rng.choice((f"{article(name)}{about} with {_count(scene)}", f"{name}{titled}, {_count(scene)}"))
    tags = ["chart", name, *(["legend"] if scene["legend"] else []), *scene["categories"][:4]]
    return {
        "short": capital(short) + ".",
        "detailed": " ".join(map(capital, detailed)),
        "alt": capital(alt) + ".",
        "tags": ", ".join(tags).lower(),
    }


def _absent(phrase: str) -> bool:
    """What is there is named before what is not, so that "no" cannot be read as covering both."""
    return phrase.startswith("no ")


def _count(scene: Scene) -> str:
    kind = scene["kind"]
    if kind == "line":
        return f"{len(scene['series'])} {plural('line', len(scene['series']))}"
    if kind == "scatter":
        return f"{len(scene['series'][0]['points'])} points" if scene["countable"] else "many points"
    return f"{len(scene['categories'])} {plural(NOUN[kind])}"


def _body(scene: Scene) -> str:
    """The count and the labels."""
    if scene["kind"] == "scatter":
        return _count(scene)
    if scene["kind"] == "line":
        return f"{_count(scene)} over {join(scene['categories'])}"
    return f"{_count(scene)}: {join(scene['categories'])}"


def _facts(scene: Scene, rng: random.Random) -> list[str]:
    kind, series, out = scene["kind"], scene["series"], []
    if kind in ("bar", "barh", *ROUND):
        top, low = extremes(scene)
        most, least = size_words(scene)
        noun, names = NOUN[kind], scene["categories"]
        at = [f" at {number(scene, series[0]['values'][i])}" if scene["value_labels"] else "" for i in (top, low)]
        out.append(f"the {most} {noun} is {names[top]}{at[0]} and the {least} {noun} is {names[low]}{at[1]}.")
        if scene["hue"]:
            out.append(f"it has {scene['hue']} {plural(noun)}.")
        elif scene["colour_names"][top] and len(names) > 1:
            shown = [(c, n) for c, n in zip(scene["colour_names"], names, strict=True) if c]
            pairs = rng.sample(shown, min(2, len(shown)))
            out.append(join([f"the {c} {noun} is {n}" for c, n in pairs]) + ".")
    elif kind == "line":
        for row in series:
            if row["colour_name"] and len(series) > 1:
                out.append(f"the {row['colour_name']} line shows {row['name']}.")
            elif row["colour_name"]:
                out.append(f"it is drawn as {article(row['colour_name'])} line.")
            if row["trend"] in LINE_TREND:
                out.append(f"{row['name'] if len(series) > 1 else 'the line'} is {row['trend']}.")
    elif kind == "grouped":
        out += [f"the {r['colour_name']} bars show {r['name']}." for r in series if r["colour_name"]]
    else:
        for row in series:
            if row["colour_name"]:
                out.append(f"{row['colour_name']} dots" + (f" show {row['name']}." if len(series) > 1 else "."))
        if scene["trend"]:
            out.append({"none": "no clear trend."}.get(scene["trend"], f"{scene['trend']} trend."))
    return out

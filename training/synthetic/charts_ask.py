"""What is said and asked about the charts of the `charts` family."""

from __future__ import annotations

import json
import random
from typing import Any

from .base import QA, Scene, article, ask, join, plural, yes_no
from .charts_draw import ROUND, number

KIND_NAMES = {
    "bar": "vertical bar chart", "barh": "horizontal bar chart", "grouped": "grouped bar chart", "line": "line chart",
    "pie": "pie chart", "donut": "donut chart", "scatter": "scatter plot",
}  # fmt: skip
KIND_ACCEPT = {
    "bar": ("vertical bar chart", "bar graph", "column chart", "bar plot", "bar", "vertical bar graph"),
    "barh": ("bar chart", "bar graph", "horizontal bar graph", "horizontal bars", "bar"),
    "grouped": ("bar chart", "bar graph", "grouped bar graph", "clustered bar chart", "clustered column chart", "bar"),
    "line": ("line graph", "line plot", "line"), "pie": ("pie", "pie graph", "circle chart"),
    "donut": ("doughnut chart", "donut", "ring chart", "pie chart", "doughnut"),
    "scatter": ("scatter chart", "scatterplot", "scatter graph", "scatter", "scatter diagram"),
}  # fmt: skip
NOUN = {"bar": "bar", "barh": "bar", "grouped": "group", "line": "point", "pie": "slice", "donut": "slice",
    "scatter": "point"}
LINE_TREND = {
    "rising": ("up", "increasing", "upward", "upwards", "it rises"),
    "falling": ("down", "decreasing", "downward", "downwards", "it falls"),
    "flat": ("constant", "stable", "level", "it stays flat"),
    "rising then falling": ("up then down", "up and then down", "first rising, then falling"),
    "falling then rising": ("down then up", "down and then up", "first falling, then rising"),
}
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")
_SEE = "[shown|drawn|displayed|visible]"
_CHART = "[chart|graph|plot|figure|diagram]"


def kind_name(scene: Scene) -> str:
    """The short answer to "what kind of chart is this?"."""
    return "bar chart" if scene["kind"] == "bar" else KIND_NAMES[scene["kind"]]


def _extremes(scene: Scene) -> tuple[int, int]:
    values = scene["series"][0]["values"]
    return values.index(max(values)), values.index(min(values))


def _words(scene: Scene) -> tuple[str, str]:
    return {"bar": ("tallest", "shortest"), "barh": ("longest", "shortest")}.get(scene["kind"], ("largest", "smallest"))


def _ordered(scene: Scene, rng: random.Random) -> str:
    return {
        "barh": " [from top to bottom|top to bottom]", "pie": "", "donut": "",
    }.get(scene["kind"], " [from left to right|left to right]")  # fmt: skip


# --- captions ------------------------------------------------------------------------------------


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
    short = rng.choice((f"{article(name)}{titled}", f"{article(name)} with {_count(scene)}",
        f"{article(name)}{titled}"))
    about = f" about {title}" if title else ""
    alt = rng.choice((f"{article(name)}{about} with {_count(scene)}", f"{name}{titled}, {_count(scene)}"))
    tags = ["chart", name, *(["legend"] if scene["legend"] else []), *scene["categories"][:4]]
    capital = [part[0].upper() + part[1:] for part in (*detailed, short, alt)]
    return {
        "short": capital[-2] + ".", "detailed": " ".join(capital[:-2]), "alt": capital[-1] + ".",
        "tags": ", ".join(tags).lower(),
    }  # fmt: skip


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
        top, low = _extremes(scene)
        most, least = _words(scene)
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


# --- questions -----------------------------------------------------------------------------------


def questions(scene: Scene, rng: random.Random) -> list[QA]:
    """Everything that can be asked of this scene, at most sixteen, few of them yes/no."""
    kind = scene["kind"]
    by_kind = {"line": _line, "scatter": _scatter, "grouped": _grouped}.get(kind, _single)
    open_ = [*_common(scene, rng), *by_kind(scene, rng)]
    closed = _closed(scene, rng)
    rng.shuffle(open_)
    rng.shuffle(closed)
    chosen = open_[:13]
    chosen += closed[: max(1, len(chosen) // 4)]
    rng.shuffle(chosen)
    return chosen


def _common(scene: Scene, rng: random.Random) -> list[QA]:
    """Kind, title, axis labels, legend, tick labels."""
    kind, out = scene["kind"], []
    answer = kind_name(scene)
    out.append(ask(rng, "what", (
        f"what [kind|type|sort] of {_CHART} is [this|it|shown]?", "what is [this|shown|in this image]?", "chart type?",
        "which [kind|type] of [chart|graph|plot] [is this|do you see|is displayed]?",
        "[name|identify|give] the chart type.",
        "what [kind|type] of [image|picture] is this?", "how is the data [plotted|visualised|visualized|shown]?",
        "is this a bar chart, a line chart, a pie chart or something else?", "what do you see?",
    ), answer, f"[this|it] is {article(answer)}.", KIND_ACCEPT[kind]))  # fmt: skip
    asked = (
        "what is the title[ of the {c}|]?", "[read|give|tell me|write out] the title.", "what does the title say?",
        "title?",
        "what is [written|printed] [at the top|above the {c}|as the heading]?", "[what's|what is] the {c} called?",
        "what is this {c} [titled|about according to its title]?", "which title does the {c} have?",
        "how is the {c} titled?",
        "read the heading.", "what is the heading of the {c}?",
    )  # fmt: skip
    word = rng.choice(("chart", "graph", "plot", "figure"))
    if scene["title"]:
        out.append(ask(rng, "reading", asked, scene["title"], "the title is [{answer}|\"{answer}\"].", c=word))
    elif rng.random() < 0.5:
        out.append(ask(rng, "absent", asked[:4] + asked[7:], "There is no title.",
            "there is no title[ on this chart| here|].", c=word))
    for axis, long, key in (("x", "horizontal", "xlabel"), ("y", "vertical", "ylabel")):
        templates = (
            "what is the label [of|on] the {a} axis?", "what does the {a} axis [show|say|represent|measure]?",
            "{a} axis label?",
            "what is [written|the text] [on|along|next to] the {a} axis?", "[read|give] the {a} axis [label|title].",
            "how is the {a} axis [labelled|labeled|titled]?", "what is the name of the {a} axis?",
            "which quantity is on the {a} axis?",
        )  # fmt: skip
        name = rng.choice((axis, axis, long, axis.upper()))
        if scene[key]:
            out.append(ask(rng, "reading", templates, scene[key], "the {a} axis [shows|is labelled|says] {answer}.",
                a=name))
        elif kind not in ROUND and rng.random() < 0.12:
            text = f"There is no {axis} axis label."
            out.append(ask(rng, "absent", (templates[0], templates[2], templates[4]), text, text, a=axis))
    out += _legend(scene, rng)
    if kind not in ROUND and scene["show_ticks"]:
        axis = "x" if kind == "barh" else "y"
        top = number(scene, scene["ticks"][-1])
        out.append(ask(rng, "reading", (
            "what is the [highest|largest|biggest|greatest] [number|value|tick|label] on the {a} axis?",
            "where does the {a} axis end?",
            "up to [what|which] [value|number] does the {a} axis go?",
            "what is the maximum [shown|labelled|] on the {a} axis?",
            "[read|give] the [highest|last|largest] tick [label|] [of|on] the {a} axis.", "largest {a} tick label?",
        ), top, "the {a} axis goes up to {answer}.", _bare(scene, scene["ticks"][-1]), a=axis))  # fmt: skip
    if rng.random() < 0.15:
        out.append(_as_json(scene, rng))
    return out


def _bare(scene: Scene, value: float) -> tuple[str, ...]:
    """A value without its sign, unit or separators counts as read, too."""
    return tuple({f"{value:g}", f"{value:,.0f}" if value == int(value) else f"{value:g}"} - {number(scene, value)})


def _as_json(scene: Scene, rng: random.Random) -> QA:
    kind = scene["kind"]
    data: dict[str, Any] = {"type": kind_name(scene), "title": scene["title"]}
    if kind == "scatter":
        data |= {"x": scene["xlabel"], "y": scene["ylabel"]}
    else:
        data["categories"] = scene["categories"]
    keys = join(list(data))
    return ask(rng, "json", (
        "[describe|summarise|summarize] the {c} as JSON.", "[give|return|output] JSON [with|with the keys] {k}.",
        "JSON, please.",
        "[extract|convert] the {c} [to|into|as] JSON.", "[what is in|transcribe] this {c}? answer in JSON.",
        "turn this {c} into JSON.",
    ), json.dumps(data, ensure_ascii=False, separators=(",", ":")), c=rng.choice(("chart", "graph")),
    k=keys)  # fmt: skip


def _legend(scene: Scene, rng: random.Random) -> list[QA]:
    kind, out = scene["kind"], []
    entries = (
        "[what|which] [entries|names|labels|items] are in the legend?",
        "[list|read|name] the legend[ entries| labels|].",
        "what does the legend [say|show|list|contain]?", "which series are [in|listed in] the legend?",
        "legend entries?",
    )  # fmt: skip
    if scene["legend"]:
        out.append(ask(rng, "list", entries, ", ".join(scene["legend"]), "the legend lists {answer}."))
        where = {"top": "top", "bottom": "bottom", "right": "right", "inside": ""}[scene["legend_at"]]
        if where:
            out.append(ask(rng, "relation", (
                "where is the legend?", "on which side [of the {c}|] is the legend?", "legend position?",
                "is the legend at the top, the bottom or the right?", "where [was|has] the legend [been|] placed?",
                "where can I find the legend?", "what is the position of the legend?",
            ), where, "the legend is [at|on] the {answer}.", c=rng.choice(("chart", "graph", "plot"))))  # fmt: skip
    elif rng.random() < 0.2:
        text = "There is no legend."
        out.append(ask(rng, "absent", entries, text, text))
    rows = [r for r in scene["series"] if r["colour_name"]] if kind in ("line", "grouped", "scatter") else []
    if len(scene["series"]) < 2 or not rows:
        return out
    noun = {"line": "line", "grouped": "[bars|columns]", "scatter": "[dots|points|markers]"}[kind]
    row = rng.choice(rows)
    out.append(ask(rng, "reading", (
        "what does the {c} {n} [stand for|represent|show|mean]?".replace("{n}", noun), "which series is {c}?",
        f"what [does the legend say|is the legend entry] for the {{c}} {noun}?",
        f"what is the name of the {{c}} {noun}?",
        "which [series|group] [has|uses|is drawn with] the {c} [colour|color]?", f"the {{c}} {noun}: which series?",
        "what is {c} in this chart?", "which [label|series] [goes with|belongs to|corresponds to] {c}?",
    ), row["name"], "{c} stands for {answer}.", c=row["colour_name"]))  # fmt: skip
    row = rng.choice(rows)
    out.append(ask(rng, "colour", (
        "what [colour|color] [is|represents|stands for] {s}?", "which [colour|color] is used for {s}?",
        "{s} is drawn in which [colour|color]?",
        "what is the [colour|color] of {s}?", "[colour|color] of {s}?",
        "in which [colour|color] is {s} [drawn|shown|plotted]?",
        "which [colour|color] does {s} have?", "[name|give] the [colour|color] of {s}.",
    ), row["colour_name"], "{s} is {answer}.", _grey(row["colour_name"]), s=row["name"]))  # fmt: skip
    return out


def _grey(name: str) -> tuple[str, ...]:
    return ("grey",) if name == "gray" else ()


_COUNT = (
    "how many {n} [are there|does the chart have|can you see|are shown|do you see|are in the chart]?", "number of {n}?",
    "count the {n}.", "what is the number of {n}?", "how many {n}?", "[tell me|give] the number of {n}.",
    "how many {n} [are|have been] [plotted|drawn]?", "[please count|count] [all|all the] {n}.",
    "how many {n} [in total|altogether]?",
)  # fmt: skip


def _count_qa(rng: random.Random, count: int, noun: str) -> QA:
    return ask(rng, "count", _COUNT, count,
        "the number of {n} is {answer}." if count == 1 else "there are {answer} {n}.", n=noun)


def _single(scene: Scene, rng: random.Random) -> list[QA]:
    """One value per category: bars and slices."""
    kind, names, values = scene["kind"], scene["categories"], scene["series"][0]["values"]
    noun, (most, least), (top, low) = NOUN[kind], _words(scene), _extremes(scene)
    things = rng.choice((plural(noun), "slices", "segments", "sectors") if kind in ROUND else ("bars", "bars",
        "columns"))
    if kind == "barh":
        things = "bars"
    out = [_count_qa(rng, len(names), things)]
    thing = rng.choice(("slice", "segment", "part", "category")) if kind in ROUND else rng.choice((noun, "category"))
    for index, word, adjectives in (
        (top, most, "[{w}|highest|largest|biggest]"), (low, least, "[{w}|lowest|smallest]"),
    ):  # fmt: skip
        adjective = adjectives.replace("{w}", word)
        amount = "[most|highest value|largest value]" if index == top else "[lowest value|smallest value]"
        out.append(ask(rng, "superlative", (
            f"[which|what] {thing} is [the|] {adjective}?", f"what is the label of the {adjective} {noun}?",
            f"{word} {noun}?",
            f"[which|what] {thing} has the {amount}?", f"[name|give|find|identify] the {adjective} {noun}.",
            f"what is the {adjective} {noun}?",
            f"who or what has the {amount}?", f"the {adjective} {noun} [belongs to|is for] which [category|label]?",
        ), names[index], f"[{{answer}} is the {word} {noun}|the {word} {noun} is {{answer}}]."))  # fmt: skip
        colour = scene["colour_names"][index]
        if colour:
            out.append(ask(rng, "superlative", (
                f"what [colour|color] is the {adjective} {noun}?", f"which [colour|color] is the {adjective} {noun}?",
                f"[colour|color] of the {adjective} {noun}?",
                f"[name|give] the [colour|color] of the {adjective} {noun}.",
                f"what is the [colour|color] of the {adjective} {noun}?",
                f"the {adjective} {noun} has which [colour|color]?",
            ), colour, f"the {word} {noun} is {{answer}}.", _grey(colour)))  # fmt: skip
    out += _colours(scene, rng, noun) + _order(scene, rng) + _values(scene, rng, noun)
    high = max(values) if kind in ROUND else scene["ticks"][-1]
    out += _compare(rng, names, values, high, kind in ROUND)
    out += _above(scene, rng)
    if kind in ("bar", "barh"):
        answer = "vertical" if kind == "bar" else "horizontal"
        if rng.random() < 0.7:
            out.append(ask(rng, "attribute", (
                "are the bars [vertical or horizontal|horizontal or vertical]?", "what is the orientation of the bars?",
                "[in which direction|which way] do the bars [run|go]?", "bar orientation?",
                "do the bars stand or lie: vertical or horizontal?",
                "how are the bars [oriented|arranged], [vertical or horizontal|horizontally or vertically]?",
            ), answer, "the bars are {answer}.", (answer + "ly",)))  # fmt: skip
    return out


def _colours(scene: Scene, rng: random.Random, noun: str) -> list[QA]:
    names, out = scene["categories"], []
    if scene["hue"]:
        out.append(ask(rng, "colour", (
            "what [colour|color] are the {n}?", "which [colour|color] do the {n} have?", "[colour|color] of the {n}?",
            "in [what|which] [colour|color] are the {n} [drawn|shown]?", "what is the [colour|color] of the {n}?",
            "[name|give] the [colour|color] of the {n}.",
        ), scene["hue"], "the {n} are {answer}.", _grey(scene["hue"]), n=plural(noun)))  # fmt: skip
        return out
    named = [i for i, c in enumerate(scene["colour_names"]) if c]
    for i in rng.sample(named, min(2, len(named))):
        colour = scene["colour_names"][i]
        out.append(ask(rng, "colour", (
            "what [colour|color] is [the {x} {n}|the {n} for {x}|{x}]?",
            "which [colour|color] is the {n} [of|for|labelled] {x}?",
            "what is the [colour|color] of [the {x} {n}|{x}]?", "[colour|color] of [the {x} {n}|{x}]?",
            "which [colour|color] does {x} have?",
            "[name|give] the [colour|color] of the {n} for {x}.", "in which [colour|color] is {x} [drawn|shown]?",
        ), colour, "the {x} {n} is {answer}.", _grey(colour), x=names[i], n=noun))  # fmt: skip
    if named:
        i = rng.choice(named)
        out.append(ask(rng, "attribute", (
            "which [category|{n}] is {c}?", "what is the label of the {c} {n}?",
            "what does the {c} {n} [stand for|represent|show]?",
            "[name|give] the [label|category] of the {c} {n}.",
            "the {c} {n} [belongs to|is for] [what|which category]?", "{c} {n}: which category?",
            "[what|which category] is [drawn|shown] in {c}?",
        ), names[i], "the {c} {n} is {answer}.", c=scene["colour_names"][i], n=noun))  # fmt: skip
    return out


def _order(scene: Scene, rng: random.Random) -> list[QA]:
    """Position along the category axis, neighbours, the whole list, a label that is not there."""
    kind, names, out = scene["kind"], scene["categories"], []
    noun = NOUN[kind]
    items = rng.choice(("categories", "labels", "names"))
    direction = _ordered(scene, rng)
    out.append(ask(rng, "list", (
        f"[list|name|read|give] [all|] the {items}{direction}.",
        f"[what|which] {items} are [shown|in the chart]{direction}?",
        f"what are the {items}{direction}?",
        f"[which|what] {items} [appear|are compared|are listed] [in the chart|here]{direction}?",
        f"[write down|enumerate] the {items}{direction}.",
    ), ", ".join(names), "the {i} are {answer}.", i=items))  # fmt: skip
    missing = rng.choice(scene["missing"])
    if rng.random() < 0.8:
        if kind in ROUND or scene["colours"] and rng.random() < 0.5:
            text, plain = f"There is no {missing} {noun}.", ("What [colour|color] is the {x} {n}?",
                "how [big|large] is the {x} {n}?",
                                                             "what is the [value|share] of the {x} {n}?")  # fmt: skip
        else:
            text, plain = f"There is no {missing}.", ("what is the value [for|of|at] {x}?",
                "how [high|large] is {x}?", "{x} value?",
                                                      "[read|give] the value [for|of] {x}.",
                                                      "what does the chart show for {x}?")  # fmt: skip
        out.append(ask(rng, "absent", plain, text, text, x=missing, n=noun))
    if kind in ROUND:
        return out
    first, last = ("top", "bottom") if kind == "barh" else ("left", "right")
    count = len(names)
    place = rng.randrange(count)
    if place < min(count - 1, 4):
        where, index = f"{ORDINALS[place]} {{n}} from the {first}", place
    else:
        where, index = rng.choice((f"last {{n}} from the {first}",
            f"{{n}} at the far {last}" if last == "right" else "last {n}")), count - 1
    if rng.random() < 0.25 and count > 3:
        back = rng.randrange(3)
        where, index = f"{ORDINALS[back]} {{n}} from the {last}", count - 1 - back
    out.append(ask(rng, "relation", (
        f"[what|which category] is the {where}?", f"what is the label of the {where}?",
        f"[name|read|give] the {where}.",
        f"which label [belongs to|does] the {where}[ have|]?".replace("belongs to", "has"), f"the {where} is what?",
        f"what does the {where} [show|stand for]?",
    ), names[index], "it is {answer}.", n=rng.choice((noun, "category", "label"))))  # fmt: skip
    if count > 2:
        i, step = rng.randrange(1, count - 1), rng.choice((-1, 1))
        side = {("left", 1): "[to the right of|right of]", ("left", -1): "[to the left of|left of]",
            ("top", 1): "below",
                ("top", -1): "above"}[first, step]  # fmt: skip
        near = "[directly|immediately|just]"
        out.append(ask(rng, "relation", (
            f"[which category|what|which {noun}] is {near} {side} {{x}}?",
            f"what [comes|is shown|stands] {near} {side} {{x}}?",
            f"[name|give] the [category|{noun}] {near} {side} {{x}}.",
            f"which [label|category] [is|appears] {near} {side} {{x}}?",
        ), names[i + step], "{answer} is there.", x=names[i]))  # fmt: skip
    return out


def _values(scene: Scene, rng: random.Random, noun: str, most: int = 2) -> list[QA]:
    """Values that are written in the chart or lie exactly on a labelled gridline."""
    out, names, values = [], scene["categories"], scene["series"][0]["values"]
    on_tick = [i for i, v in enumerate(values) if v in scene["ticks"] and scene["grid"] and scene["show_ticks"]]
    readable = list(range(len(names))) if scene["value_labels"] else on_tick if scene["kind"] not in ROUND else []
    asked = ("value", "value", "share", "percentage") if scene["kind"] in ROUND else ("value", "number", "value")
    for i in rng.sample(readable, min(most, len(readable))):
        out.append(ask(rng, "reading", (
            "what is the {w} [of|for|at] {x}?", "how [much|high|large] is {x}?",
            "[read|give|tell me] the {w} [of|for] {x}.", "which {w} does {x} have?", "{x}: what {w}?",
            "what {w} is shown for {x}?",
            "what {w} does the {x} {n} [have|reach|show]?", "{w} of {x}?", "what is {x}'s {w}?",
        ), number(scene, values[i]), "the {w} [for|of] {x} is {answer}.", _bare(scene, values[i]),
            x=names[i], n=noun, w=rng.choice(asked)))  # fmt: skip
    if scene["value_labels"] and noun != "point":
        index = rng.choice(_extremes(scene))
        word = _words(scene)[index != _extremes(scene)[0]]
        out.append(ask(rng, "reading", (
            "what is the value of the {w} {n}?", "how [much|large] is the {w} {n}?",
            "[read|give] the value of the {w} {n}.",
            "which [number|value] is written on the {w} {n}?", "value of the {w} {n}?",
        ), number(scene, values[index]), "it is {answer}.", _bare(scene, values[index]), w=word, n=noun))  # fmt: skip
    if scene["value_labels"] and len(set(values)) == len(values):
        i = rng.randrange(len(values))
        out.append(ask(rng, "attribute", (
            "which [category|label|{n}] has [a value of|the value|exactly] {v}?",
            "[what|which category] [is at|equals|has] {v}?",
            "for which [category|label] is the value {v}?", "where is the value {v}?",
            "[name|find] the category with [value|the value] {v}.",
        ), names[i], "{answer} has [the value|] {v}.", v=number(scene, values[i]), n=noun))  # fmt: skip
    return out


def _compare(rng: random.Random, names: list[str], values: list[float], high: float, share: bool) -> list[QA]:
    """Which of two is higher, or lower."""
    pairs = [(i, j) for i in range(len(names)) for j in range(len(names)) if i != j and _clear(values[i], values[j],
        high)]
    out = []
    for i, j in rng.sample(pairs, min(2, len(pairs))):
        up = rng.random() < 0.6
        answer = names[i] if (values[i] > values[j]) == up else names[j]
        adjective = "[larger|bigger|greater]" if share else "[higher|larger|greater|bigger]"
        word = adjective if up else "[smaller|lower]"
        out.append(ask(rng, "comparison", (
            f"which is {word}, {{a}} or {{b}}?", f"{{a}} or {{b}}: which [is|one is] {word}?",
            f"which has the {word} value, {{a}} or {{b}}?",
            f"is {{a}} or {{b}} {word}?", f"which of {{a}} and {{b}} is {word}?",
            f"compare {{a}} and {{b}}: which is {word}?",
            f"between {{a}} and {{b}}, which is {word}?", f"who is {word}: {{a}} or {{b}}?",
        ), answer, f"{{answer}} is {word}.", a=names[i], b=names[j]))  # fmt: skip
    return out


def _clear(a: float, b: float, high: float) -> bool:
    return abs(a - b) >= 0.12 * max(a, b) and abs(a - b) >= 0.07 * high


def _above(scene: Scene, rng: random.Random) -> list[QA]:
    """How many bars pass a labelled line of the axis."""
    if scene["kind"] in ROUND or not scene["show_ticks"]:
        return []
    values, high = scene["series"][0]["values"], scene["ticks"][-1]
    fair = [
        (sum((v > t) == more for v in values), t, more) for more in (True, False) for t in scene["ticks"][1:-1]
        if all(abs(v - t) > 0.045 * high for v in values)
    ]  # fmt: skip
    if not fair:
        return []
    # By count first: thresholds near the ends would make 0 and 1 far too common.
    wanted = rng.choice(sorted({count for count, _, _ in fair}))
    count, tick, more = rng.choice([entry for entry in fair if entry[0] == wanted])
    word = "[above|higher than|over|more than|greater than]" if more else "[below|lower than|under|less than]"
    return [ask(rng, "count", (
        f"how many [bars|categories|values] are {word} {{t}}?", f"how many of the [bars|values] are {word} {{t}}?",
        f"count the [bars|values] {word} {{t}}.", f"number of [bars|categories] {word} {{t}}?",
        f"for how many [categories|bars] is the value {word} {{t}}?",
    ), count, "", t=number(scene, tick))]  # fmt: skip


def _grouped(scene: Scene, rng: random.Random) -> list[QA]:
    names, (one, two) = scene["categories"], scene["series"]
    high, out = scene["ticks"][-1], []
    out.append(_count_qa(rng, len(names), rng.choice(("groups", "groups of bars", "categories"))))
    if rng.random() < 0.5:
        out.append(_count_qa(rng, 2 * len(names), rng.choice(("bars in total", "single bars"))))
    out += _order(scene, rng)
    for i in rng.sample(range(len(names)), len(names)):
        a, b = one["values"][i], two["values"][i]
        if _clear(a, b, high):
            up = rng.random() < 0.6
            answer = one["name"] if (a > b) == up else two["name"]
            word = "[higher|larger|greater]" if up else "[lower|smaller]"
            out.append(ask(rng, "comparison", (
                f"which [series|one] is {word} [for|in|at] {{x}}?", f"[for|at] {{x}}, which is {word}: {{a}} or {{b}}?",
                f"is {{a}} or {{b}} {word} [for|at] {{x}}?", f"which series has the {word} bar [for|at] {{x}}?",
                f"which of {{a}} and {{b}} is {word} [for|in] {{x}}?", f"{{x}}: is {{a}} or {{b}} {word}?",
            ), answer, f"{{answer}} is {word} for {{x}}.", x=names[i], a=one["name"], b=two["name"]))  # fmt: skip
    row = rng.choice((one, two))
    for take, words in ((max, "[highest|tallest|largest|biggest]"), (min, "[lowest|shortest|smallest]")):
        index = row["values"].index(take(row["values"]))
        out.append(ask(rng, "superlative", (
            f"[for|in] which [category|group] is {{s}} [the|] {words}?",
            f"which [category|group] has the {words} {{s}} [bar|value]?",
            f"where is {{s}} {words}?", f"[name|give] the [category|group] with the {words} {{s}} bar.",
            f"{words} {{s}} bar: which category?",
        ), names[index], f"{{s}} is {words} for {{answer}}.", s=row["name"]))  # fmt: skip
    if scene["grid"] or scene["value_labels"]:
        for row in (one, two):
            i = rng.randrange(len(names))
            if scene["value_labels"] or row["values"][i] in scene["ticks"]:
                out.append(ask(rng, "reading", (
                    "what is the value of {s} [for|in|at] {x}?", "how [high|large] is {s} [for|in|at] {x}?",
                    "{s} value for {x}?",
                    "[read|give] the {s} value [for|of] {x}.", "what value does {s} have [for|at] {x}?",
                ), number(scene, row["values"][i]), "the value is {answer}.", _bare(scene, row["values"][i]),
                    s=row["name"], x=names[i]))  # fmt: skip
    return out


def _line(scene: Scene, rng: random.Random) -> list[QA]:
    names, series, out = scene["categories"], scene["series"], []
    low_tick, high = scene["ticks"][0], scene["ticks"][-1]
    span = high - low_tick
    out.append(_count_qa(rng, len(series), "lines"))
    if len(series) == 1 and scene["marker"]:
        out.append(_count_qa(rng, len(names), rng.choice(("points", "data points", "markers"))))
    out.append(_count_qa(rng, len(names), rng.choice(("labels on the x axis", "x axis categories", "x labels"))))
    row = rng.choice(series)
    subject = "the line" if len(series) == 1 else row["name"]
    if len(series) > 1 and row["colour_name"] and rng.random() < 0.5:
        subject = f"the {row['colour_name']} line"
    if row["trend"] in LINE_TREND:
        out.append(ask(rng, "attribute", (
            "what is the trend of {s}?", "how does {s} [develop|change|evolve][ over time| from left to right|]?",
            "trend of {s}?",
            "[describe|name|give] the trend of {s}.", "is {s} rising, falling or flat, or does it turn?",
            "does {s} go up or down or both?",
            "in which direction does {s} [go|move]?", "what happens to {s} [from left to right|over the x axis]?",
            "what [shape|course] does {s} [have|follow|take]?",
        ), row["trend"], "{s} is {answer}.", LINE_TREND[row["trend"]], s=subject))  # fmt: skip
    for take, words in ((max, "[highest|at its highest|at its peak|largest]"),
        (min, "[lowest|at its lowest|smallest]")):
        ranked = sorted(row["values"], reverse=take is max)
        if abs(ranked[0] - ranked[1]) >= 0.07 * span:
            best = names[row["values"].index(ranked[0])]
            noun = "[highest|top|maximum]" if take is max else "[lowest|minimum]"
            out.append(ask(rng, "superlative", (
                f"[at|for] which [x label|label|category] is {{s}} {words}?", f"where is {{s}} {words}?",
                f"when is {{s}} {words}?",
                f"[at|for] which x [label|value] does {{s}} [have|reach] its {noun} [point|value]?",
                f"[name|give] the x label of the {noun} point of {{s}}.", f"{noun} point of {{s}}: at which label?",
                f"where does {{s}} reach its {noun} [point|value]?",
                f"which [label|category] [marks|has] the {noun} point of {{s}}?",
            ), best, f"{{s}} is {words} at {{answer}}.", s=subject))  # fmt: skip
    out += _order(scene, rng)
    if len(series) == 1:
        if row["colour_name"]:
            out.append(ask(rng, "colour", (
                "what [colour|color] is the line?", "which [colour|color] [is|has] the line?",
                "[colour|color] of the line?",
                "what is the [colour|color] of the line?", "in which [colour|color] is the line drawn?",
                "[name|give] the line [colour|color].",
            ), row["colour_name"], "the line is {answer}.", _grey(row["colour_name"])))  # fmt: skip
        if scene["marker"] or scene["value_labels"]:
            out += _values(scene, rng, "point", 1)
        shift = [v - low_tick for v in row["values"]]
        out += _compare(rng, names, shift, span, False)[:1]
        return out
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
        out.append(ask(rng, "comparison", (
            f"which {thing} is {word} {when}?", f"{when}, which {thing} is {word}?",
            f"which {thing} [{'ends' if at else 'starts'}] {word}?",
            f"[at|for] {{x}}, which {thing} is {word}?",
            f"which {thing} [has the {word} value|is on {'top' if up else 'the bottom'}] {when}?",
        ), best["colour_name"] if by_colour else best["name"], "it is {answer}.", x=label))  # fmt: skip
    return out


def _scatter(scene: Scene, rng: random.Random) -> list[QA]:
    series, out = scene["series"], []
    if scene["countable"]:
        out.append(_count_qa(rng, len(series[0]["points"]), rng.choice(("points", "dots", "data points", "markers"))))
    if scene["trend"]:
        answer = scene["trend"]
        accept = {"positive": ("rising", "up", "upward"), "negative": ("falling", "down", "downward"),
            "none": ("no trend", "no correlation")}
        out.append(ask(rng, "attribute", (
            "is the [correlation|trend|relationship] positive, negative or is there none?",
            "what is the [correlation|trend]?",
            "what [kind|type] of [correlation|trend] [do the points show|is visible]?",
            "[describe|name] the correlation.", "correlation?",
            "does y rise or fall with x: positive, negative or none?",
            "is the correlation [positive or negative|negative or positive] or absent?",
        ), answer, "the [correlation|trend] is {answer}.", accept[answer]))  # fmt: skip
    if len(series) == 1 and series[0]["colour_name"]:
        out.append(ask(rng, "colour", (
            "what [colour|color] are the [points|dots|markers]?", "[colour|color] of the [points|dots]?",
            "which [colour|color] do the [points|dots] have?",
            "what is the [colour|color] of the [points|markers]?",
            "in which [colour|color] are the points [drawn|plotted]?",
        ), series[0]["colour_name"], "the points are {answer}.", _grey(series[0]["colour_name"])))  # fmt: skip
    if len(series) == 2 or rng.random() < 0.35:
        out.append(_count_qa(rng, len(series), rng.choice(("data series", "groups of points", "sets of points"))))
    shapes = {"circle": ("circles", "dot", "dots", "round"), "square": ("squares",), "triangle": ("triangles",),
        "diamond": ("diamonds",)}
    out.append(ask(rng, "attribute", (
        "what shape are the [markers|points]?", "which [shape|marker] is used for the points?", "marker shape?",
        "[name|give] the shape of the [markers|points].", "what is the shape of the [points|markers]?",
        "how are the points drawn: which shape?",
    ), scene["marker"], "the markers are {answer}s.", shapes[scene["marker"]]))  # fmt: skip
    out.append(ask(rng, "reading", (
        "what is the [highest|largest|last] [number|value|tick] on the x axis?", "where does the x axis end?",
        "up to which [number|value] does the x axis go?", "largest x tick label?", "what is the maximum on the x axis?",
    ), f"{scene['xticks'][-1]:g}", "the x axis goes up to {answer}."))  # fmt: skip
    if scene["countable"]:
        half = sum(x > 0.5 for x, _ in series[0]["points"])
        rest = len(series[0]["points"]) - half
        if abs(half - rest) >= 2 and all(abs(x - 0.5) > 0.03 for x, _ in series[0]["points"]):
            out.append(ask(rng, "comparison", (
                "are there more points in the left or [in|] the right half?",
                "which half has more points, left or right?",
                "more points on the left or on the right?",
                "on which side are [most|more] [points|of the points], left or right?",
            ), "right" if half > rest else "left", "there are more points on the {answer}."))  # fmt: skip
    text = rng.choice(("bars", "slices", "lines"))
    templates = ("what [colour|color] are the {n}?", "how many {n} are there?",
        "which is the [largest|smallest] of the {n}?")
    if rng.random() < 0.5:
        out.append(ask(rng, "absent", (templates[0], templates[2]), f"There are no {text}.", f"there are no {text}.",
            n=text))
    return out


# --- yes or no -----------------------------------------------------------------------------------


def _closed(scene: Scene, rng: random.Random) -> list[QA]:
    """Yes/no questions: the coin is flipped first, then something is found that fits it."""
    kind, names, out = scene["kind"], scene["categories"], []
    yes = rng.random() < 0.5
    other = rng.choice([k for k in ("bar", "line", "pie", "scatter") if not _same_kind(k, kind)])
    shown = kind_name(scene) if yes else KIND_NAMES[other].replace("vertical ", "")
    out.append(ask(rng, "yes_no", ("is this {k}?", "does the [image|picture] show {k}?",
        "[do you see|is there] {k}[ here|]?", "is it {k}?"),
                   yes_no(yes), "", k=article(shown)))  # fmt: skip
    features = {"a legend": bool(scene["legend"]), "a title": bool(scene["title"])}
    if kind not in ROUND:
        features |= {"[a grid|a grid behind the data|a background grid]": scene["grid"],
            "a label on the x axis": bool(scene["xlabel"]),
                     "a label on the y axis": bool(scene["ylabel"])}  # fmt: skip
    if kind in ("bar", "barh", *ROUND):
        features["[value labels|numbers] on the {n}"] = scene["value_labels"]
    yes = rng.random() < 0.5
    # Titles are common: asked about in most untitled charts, rarely in titled ones, to come out even.
    fits = [f for f, there in features.items() if there == yes and (f != "a title" or not there or rng.random() < 0.2)]
    if fits:
        thing = rng.choice(fits)
        out.append(ask(rng, "yes_no", (
            f"does the {_CHART} have {thing}?", f"{'are' if 'on the {n}' in thing else 'is'} there {thing}?",
            f"can you see {thing}?", f"has the {_CHART} got {thing}?", f"do you see {thing}?",
        ), yes_no(yes), "", n=plural(NOUN[kind])))  # fmt: skip
    if names:
        yes = rng.random() < 0.5
        word = rng.choice(names if yes else scene["missing"])
        out.append(ask(rng, "yes_no", (
            "is {x} [in|shown in|part of] the chart?", "is there a [{n}|label] for {x}?",
            "does the chart [include|show|contain|have] {x}?",
            "is {x} one of the [categories|labels]?", "does {x} appear[ in the chart|]?",
            "can you find {x}[ in the chart|]?",
        ), yes_no(yes), "", x=word, n=NOUN[kind]))  # fmt: skip
    if kind in ("bar", "barh", *ROUND):
        values = scene["series"][0]["values"]
        high = max(values) if kind in ROUND else scene["ticks"][-1]
        pairs = [(i, j) for i in range(len(names)) for j in range(len(names)) if i != j and _clear(values[i],
            values[j], high)]
        if pairs:
            i, j = rng.choice(pairs)
            up = rng.random() < 0.65
            word = "[higher|larger|greater|bigger]" if up else "[lower|smaller]"
            out.append(ask(rng, "yes_no", (
                f"is {{a}} {word} than {{b}}?",
                f"is the {{n}} for {{a}} {word} than [that|the one|the {{n}}] for {{b}}?",
                f"does {{a}} have a {word} value than {{b}}?", f"is the value of {{a}} {word} than [that of|] {{b}}?",
                f"{{a}} is {word} than {{b}}, [right|true|correct]?",
            ), yes_no((values[i] > values[j]) == up), "", a=names[i], b=names[j], n=NOUN[kind]))  # fmt: skip
        named = [i for i, c in enumerate(scene["colour_names"]) if c]
        if len(named) > 1:
            i, j = rng.sample(named, 2)
            yes = rng.random() < 0.5
            out.append(ask(rng, "yes_no", ("is the {x} {n} {c}?", "is {x} {c}?", "is the {n} for {x} {c}?",
                "does {x} have {article} {c} {n}?"),
                           yes_no(yes), "", x=names[i], c=scene["colour_names"][i if yes else j], n=NOUN[kind],
                           article=article(scene["colour_names"][i if yes else j]).split()[0]))  # fmt: skip
    return out


def _same_kind(asked: str, kind: str) -> bool:
    return {"bar": kind in ("bar", "barh", "grouped"), "pie": kind in ROUND}.get(asked, asked == kind)

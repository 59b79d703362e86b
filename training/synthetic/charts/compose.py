"""Composes a chart: values, names, and everything that must fit."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np

from ..base import Scene, random_size
from ..colours import RGB, contrast, mix, shade
from .layout import layout
from .look import choose_colours, choose_fonts, choose_look
from .words import CATEGORIES, MEASURES, ORDERED, PIE_TITLES, ROUND, SERIES, TITLES, UNITS

_STEPS = (0.5, 1, 2, 5, 10, 10, 20, 20, 25, 50, 100, 200, 250, 500, 1000, 2000)


def _number_style(rng: random.Random, high: float, kind: str) -> dict[str, Any]:
    suffix = prefix = ""
    if kind in ROUND or (high == 100 and rng.random() < 0.5):
        suffix = "%"
    elif 10 <= high <= 500 and rng.random() < 0.2:
        prefix, suffix = rng.choice((("$", ""), ("", "k"), ("", "M"), ("€", "")))
    return {"prefix": prefix, "suffix": suffix, "comma": high >= 1000 and rng.random() < 0.6}


def _bar_values(rng: random.Random, count: int, ticks: list[float]) -> list[float]:
    """Clear highest and lowest; a good part of the others lies exactly on gridlines."""
    high, step = ticks[-1], ticks[1] - ticks[0]
    top, bottom = rng.uniform(0.75, 1.0), rng.uniform(0.08, 0.4)
    low_edge, high_edge = max(bottom * 1.2, bottom + 0.08), min(top * 0.86, top - 0.08)
    parts = [top, bottom, *(rng.uniform(low_edge, high_edge) for _ in range(count - 2))]
    rng.shuffle(parts)
    out = []
    for part in parts:
        value = _quantise(part * high, step)
        snapped = round(part * high / step) * step
        near = low_edge * high <= snapped <= high_edge * high and low_edge < part < high_edge
        out.append(snapped if near and rng.random() < 0.4 else value)
    return [int(v) if v == int(v) else round(v, 1) for v in out]


def _quantise(value: float, step: float) -> float:
    grain = 0.1 if step < 5 else 1 if step < 100 else 5 if step < 250 else 10 if step < 1000 else 50
    return round(round(value / grain) * grain, 1)


def _shares(rng: random.Random, count: int) -> list[int]:
    """Whole percentages, none below 7, with a clear largest and smallest."""
    while True:
        weights = [rng.uniform(0.25, 1) for _ in range(count)]
        parts = [round(100 * w / sum(weights)) for w in weights]
        parts[-1] += 100 - sum(parts)
        ranked = sorted(parts)
        if ranked[0] >= 7 and ranked[-1] >= ranked[-2] * 1.14 + 2 and ranked[1] >= ranked[0] * 1.14 + 2:
            return parts


def _course(rng: random.Random, count: int, trend: str) -> list[float]:
    """Fractions of the axis along one line."""
    low = rng.uniform(0.06, 0.35)
    high = rng.uniform(max(0.65, low + 0.45), 0.98)
    if trend == "flat":
        level = rng.uniform(0.2, 0.85)
        return [level + rng.uniform(-0.012, 0.012) for _ in range(count)]
    if trend == "mixed":
        return [rng.uniform(low, high) for _ in range(count)]
    if trend in ("rising", "falling"):
        steps = [rng.uniform(0.6, 1.4) for _ in range(count - 1)]
        ups = [low + (high - low) * sum(steps[:i]) / sum(steps) for i in range(count)]
        return ups if trend == "rising" else ups[::-1]
    turn = rng.randint(1, count - 2)
    start, end = rng.uniform(low, low + 0.2), rng.uniform(low, low + 0.2)
    ups = [start + (high - start) * i / turn for i in range(turn)] + [
        high + (end - high) * i / (count - 1 - turn) for i in range(count - turn)
    ]
    return ups if trend == "rising then falling" else [high + low - v for v in ups]


def _lines(rng: random.Random, count: int, rows: int, ticks: list[float], gap: float) -> list[tuple[list[float], str]]:
    """Lines whose ends are at least `gap` of the axis apart."""
    low, high = ticks[0], ticks[-1]
    trends = ("rising", "falling", "flat", "rising then falling", "falling then rising", "mixed")
    while True:
        chosen = [rng.choice(trends if count > 2 else trends[:2]) for _ in range(rows)]
        parts = [_course(rng, count, trend) for trend in chosen]
        ends = sorted(p[-1] for p in parts)
        apart = all(
            sum(abs(x - y) for x, y in zip(a, b, strict=True)) / count > 0.1
            for i, a in enumerate(parts)
            for b in parts[:i]
        )
        if apart and all(b - a >= gap for a, b in itertools.pairwise(ends)):
            break
    grain = ticks[1] - ticks[0]
    rounded = [[_quantise(low + v * (high - low), grain) for v in part] for part in parts]
    return [([int(v) if v == int(v) else v for v in row], t) for row, t in zip(rounded, chosen, strict=True)]


def _cloud(rng: random.Random, count: int, trend: str, apart: float) -> list[list[float]]:
    """Points of a scatter plot as fractions of the axes; `apart` keeps counted ones from touching."""
    points: list[list[float]] = []
    for _ in range(count * 40):
        x, spread = rng.uniform(0.05, 0.95), rng.uniform(-0.13, 0.13)
        y = {"positive": 0.1 + 0.8 * x + spread, "negative": 0.9 - 0.8 * x + spread}.get(trend, rng.uniform(0.05, 0.95))
        y = min(0.95, max(0.05, y))
        if all(abs(x - a) > apart or abs(y - b) > apart * 1.3 for a, b in points):
            points.append([round(x, 3), round(y, 3)])
        if len(points) == count:
            break
    return points


def _correlation(points: list[list[float]]) -> float:
    return float(np.corrcoef(np.asarray(points).T)[0, 1])


def _categories(rng: random.Random, count: int, easy: bool, ordered: bool) -> tuple[str, list[str], list[str]]:
    """A dimension, the words shown, and words of the same kind that are not shown."""
    fits = [d for d, pool in CATEGORIES.items() if len(pool) >= count]
    if easy:
        fits = [d for d in fits if d in ("Month", "Group", "Year", "Day")]
    if ordered and rng.random() < 0.75:
        fits = [d for d in fits if d in ORDERED]
    dimension = rng.choice(fits)
    pool = CATEGORIES[dimension]
    if dimension in ORDERED and rng.random() < 0.9:
        start = rng.randint(0, len(pool) - count) if dimension != "Group" or rng.random() < 0.3 else 0
        shown = list(pool[start : start + count])
    else:
        shown = rng.sample(pool, count)
    return (
        dimension,
        shown,
        [w for w in pool if w not in shown] or ["Q5", "Total", "Average", "Others", "Sunday", "2031"],
    )


def compose(rng: random.Random, style: str) -> Scene:
    """A scene whose every label fits; what is asked about is settled before fitting, to stay balanced."""
    kind = rng.choices(("bar", "barh", "grouped", "line", "pie", "donut", "scatter"), (22, 14, 13, 23, 11, 7, 10))[0]
    count = {"grouped": rng.randint(2, 4), "line": rng.randint(3, 8), "scatter": rng.randint(4, 12)}.get(
        kind, rng.randint(2, 6 if kind in ROUND else 8)
    )
    for attempt in range(200):
        scene = _propose(rng, style, kind, count, attempt)
        if layout(scene).ok:
            return scene
    raise RuntimeError(f"no {kind} chart with {count} items fits style {style!r}")


def _propose(rng: random.Random, style: str, kind: str, count: int, attempt: int) -> Scene:
    """A complete scene that may not fit yet; later attempts are plainer."""
    easy, look = attempt > 25, choose_look(rng, style)
    size = random_size(rng, 1.5 if easy else 2.6)
    long_side = max(size)
    tick = max(9, round(long_side * rng.uniform(0.033, 0.036 if easy else 0.044)))
    face, title_face = choose_fonts(rng, style)
    dimension, names, missing = _categories(rng, count, easy or attempt > 8, kind == "line")
    step, intervals = rng.choice(_STEPS), rng.randint(2, 3 if easy else 6)
    low = 0 if kind != "line" or rng.random() < 0.7 else rng.randint(1, 4)
    ticks = [round((low + i) * step, 1) for i in range(intervals + 1)]
    ticks = [int(v) if v == int(v) else v for v in ticks]
    measure, other = rng.sample(MEASURES, 2)
    title = rng.choice(PIE_TITLES if kind in ROUND else TITLES).format(
        m=measure, n=other, d=dimension, y=rng.randint(2005, 2026), k=rng.randint(1, 9)
    )
    title = {0: title.upper(), 1: title.lower().capitalize(), 2: title.lower().capitalize()}.get(
        rng.randrange(9), title
    )
    left = rng.random() < {"minimal": 0.7, "dashboard": 0.7, "pastel": 0.5, "newspaper": 1, "ggplot": 0.6}.get(
        style, 0.06
    )
    scene: Scene = {
        "size": list(size), "style": style, "kind": kind, "look": look, "font": face, "title_font": title_face,
        "tick": tick, "scale": rng.choice((1, 2, 2, 3) if long_side < 400 else (1, 2, 2)) if long_side < 700 else 1,
        "jitter": rng.getrandbits(32), "pad": round(tick * rng.uniform(0.6, 1.3)),
        "title": title if rng.random() < 0.84 else "",
        "title_size": max(tick + 1, round(tick * rng.uniform(1.15, 1.6))), "title_at": "left" if left else "middle",
        "categories": names, "missing": missing, "dimension": dimension, "ticks": ticks, "xticks": [],
        "show_ticks": True, "thin": 1 if tick < 16 else 2, "spine": max(1, round(tick * rng.uniform(0.06, 0.14), 1)),
        "xlabel": "", "ylabel": "",
        "ylabel_at": "top" if rng.random() < (1 if style == "newspaper" else 0.15) else "side",
        "tilt": rng.choice((45, 90)), "number": _number_style(rng, ticks[-1], kind),
        "value_labels": rng.random() < (0.7 if kind in ROUND else 0.35), "values_inside": rng.random() < 0.3,
        "grid": rng.random() < look.pop("grid_p"), "colours": [], "colour_names": [], "hue": "", "series": [],
        "bar_width": round(rng.uniform(0.5, 0.88), 2), "legend": [], "legend_mid": rng.random() < 0.5,
        "legend_at": rng.choice(("top", "bottom", "right", "right") + (() if kind == "barh" else ("inside",))),
        "direct": False, "marker": "", "area": False, "marker_size": round(tick * rng.uniform(0.24, 0.36), 1),
        "stroke": round(tick * rng.uniform(0.13, 0.32), 1), "slice_names": False, "slice_edges": rng.random() < 0.6,
        "turn": rng.choice((1, 1, -1)), "start": rng.choice((-90, -90, 0, rng.randint(0, 359))),
    }  # fmt: skip
    back = tuple(look["panel"] or look["plot"])
    if kind == "scatter":
        _fill_scatter(rng, scene, back, count)
    elif kind == "line":
        _fill_lines(rng, scene, back, easy)
    elif kind in ROUND:
        _fill_pie(rng, scene, back)
    else:
        _fill_bars(rng, scene, back, measure)
    if kind not in ROUND:
        _label_axes(rng, scene, measure, other, easy)
    return scene


def _series_names(rng: random.Random, scene: Scene, count: int) -> list[str]:
    """Names that are not also categories: "2023" must not mean a series and a year."""
    pool = CATEGORIES[scene["dimension"]]
    return list(rng.choice([row for row in SERIES if len(row) >= count and not set(row) & set(pool)])[:count])


def _label_axes(rng: random.Random, scene: Scene, measure: str, other: str, easy: bool) -> None:
    value_label = f"{measure} {rng.choice(UNITS)}" if rng.random() < 0.4 else measure
    category_label = other if scene["kind"] == "scatter" else scene["dimension"]
    chance = 0.35 if easy else 0.55
    bottom, side = (value_label, category_label) if scene["kind"] == "barh" else (category_label, value_label)
    scene["xlabel"] = bottom if rng.random() < chance else ""
    scene["ylabel"] = side if rng.random() < chance else ""
    if scene["kind"] in ("bar", "barh") and scene["value_labels"] and rng.random() < 0.4:
        scene["show_ticks"] = scene["grid"] = False


def _fill_bars(rng: random.Random, scene: Scene, back: RGB, measure: str) -> None:
    count, style = len(scene["categories"]), scene["style"]
    least = 1.15 if scene["look"]["outline"] else 1.5
    if scene["kind"] == "grouped":
        names = _series_names(rng, scene, 2)
        for name, (rgb, colour) in zip(names, choose_colours(rng, 2, style, back, least), strict=True):
            values = _bar_values(rng, count, scene["ticks"])
            scene["series"].append({"name": name, "values": values, "colour": rgb, "colour_name": colour})
        scene["legend"] = list(names)
        scene["value_labels"] = scene["value_labels"] and rng.random() < 0.5
        return
    mode = rng.choices(("single", "varied", "hues", "highlight"), (35, 45, 10, 10))[0]
    if mode == "varied":
        chosen = choose_colours(rng, count, style, back, least)
    elif mode == "hues":
        scene["hue"] = rng.choice(("blue", "green", "purple", "gray"))
        base = next(c for c in (shade(rng, scene["hue"]) for _ in range(99)) if contrast(c, back) >= 2)
        chosen = [(mix(base, (255, 255, 255), 0.45 * i / count), "") for i in range(count)]
    elif mode == "highlight":
        scene["hue"] = ""
        star = rng.randrange(count)
        rgb, name = next(c for c in iter(lambda: choose_colours(rng, 1, style, back, least)[0], None) if c[1] != "gray")
        dull = mix(back, (128, 128, 128), 0.6)
        chosen = [(rgb, name) if i == star else (dull, "") for i in range(count)]
    else:
        rgb, scene["hue"] = choose_colours(rng, 1, style, back, least)[0]
        chosen = [(rgb, "")] * count
    scene["colours"] = [list(rgb) for rgb, _ in chosen]
    scene["colour_names"] = [name for _, name in chosen]
    values = _bar_values(rng, count, scene["ticks"])
    scene["series"] = [{"name": measure, "values": values, "colour": chosen[0][0], "colour_name": scene["hue"]}]
    if mode == "single" and rng.random() < 0.35:
        scene["legend"] = [measure]


def _fill_lines(rng: random.Random, scene: Scene, back: RGB, easy: bool) -> None:
    rows = rng.choice((1, 1, 2, 3))
    scene["direct"] = rows > 1 and rng.random() < {"newspaper": 0.9, "minimal": 0.5}.get(scene["style"], 0.12)
    names = _series_names(rng, scene, rows)
    courses = _lines(rng, len(scene["categories"]), rows, scene["ticks"], 0.27 if scene["direct"] else 0.13)
    for name, (values, trend), (rgb, colour) in zip(
        names, courses, choose_colours(rng, rows, scene["style"], back, 1.7), strict=True
    ):
        scene["series"].append({"name": name, "values": values, "trend": trend, "colour": rgb, "colour_name": colour})
    scene["marker"] = rng.choice(("", "circle", "circle", "square", "triangle", "diamond"))
    scene["area"] = rows == 1 and rng.random() < 0.15
    scene["value_labels"] = rows == 1 and rng.random() < 0.25 and not easy
    if not scene["direct"] and (rows > 1 or rng.random() < 0.35):
        scene["legend"] = list(names)


def _fill_pie(rng: random.Random, scene: Scene, back: RGB) -> None:
    count = len(scene["categories"])
    chosen = choose_colours(rng, count, scene["style"], back, 1.1 if scene["look"]["outline"] else 1.3)
    scene["colours"] = [list(rgb) for rgb, _ in chosen]
    scene["colour_names"] = [name for _, name in chosen]
    scene["series"] = [{"name": "", "values": _shares(rng, count), "colour": chosen[0][0], "colour_name": ""}]
    scene["slice_names"] = rng.random() < 0.5
    if not scene["slice_names"]:
        scene["legend"] = list(scene["categories"])
        scene["legend_at"] = rng.choice(("right", "right", "bottom", "top"))


def _fill_scatter(rng: random.Random, scene: Scene, back: RGB, count: int) -> None:
    scene["categories"], scene["missing"], scene["value_labels"] = [], [], False
    rows = rng.choice((1, 1, 1, 2))
    names = rng.choice(SERIES)[:rows]
    trend = rng.choice(("positive", "negative", "none", ""))
    many = rows == 2 or rng.random() < 0.35
    scene["trend"] = trend if many or count >= 6 else ""
    for name, (rgb, colour) in zip(names, choose_colours(rng, rows, scene["style"], back, 1.7), strict=True):
        points = _cloud(rng, rng.randint(12, 26) // rows if many else count, trend, 0.02 if many else 0.09)
        scene["series"].append({"name": name, "points": points, "colour": rgb, "colour_name": colour})
    scene["countable"] = not many
    if trend == "none" and abs(_correlation([p for r in scene["series"] for p in r["points"]])) > 0.3:
        scene["trend"] = ""
    if rows == 2:
        scene["legend"] = list(names)
    step, pieces = rng.choice((1, 2, 5, 10, 20, 50, 100)), rng.randint(2, 5)
    scene["xticks"] = [step * i for i in range(pieces + 1)]
    scene["marker"] = rng.choice(("circle", "circle", "square", "triangle", "diamond"))
    scene["marker_size"] = round(scene["tick"] * rng.uniform(0.3, 0.45), 1)

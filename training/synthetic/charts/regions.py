"""Where everything on a chart stands, and the words that are true of it."""

from __future__ import annotations

from collections.abc import Iterator

from ..base import Region, Scene
from ..boxes import text_box, union
from ..colours import luminance
from .geometry import axis_labels, gridlines, label_box, name_labels, tick_labels, title_label
from .layout import Layout, layout, text_width
from .marks import colour_words, marks
from .truth import kind_name
from .words import KIND_NAMES, ROUND


def _picture(scene: Scene) -> Region:
    """The whole picture: kind, counts, trend, and what furniture there is."""
    page = scene["look"]["page"]
    words = ["family:charts", *dict.fromkeys((kind_name(scene), KIND_NAMES[scene["kind"]]))]
    words.append(f"background:{'dark' if luminance(page) < 0.3 else 'light'}")
    words += ["background:white"] * (min(page) == 255) + ["background:black"] * (max(page) == 0)
    features = {
        "title": scene["title"], "legend": scene["legend"], "grid": scene["grid"] and scene["kind"] not in ROUND,
        "x label": scene["xlabel"], "y label": scene["ylabel"], "value labels": scene["value_labels"],
    }  # fmt: skip
    words += [f"has:{name}" for name, there in features.items() if there]
    words += [f"count:{things}:{n}" for things, n in _counts(scene).items() if n <= 12]
    words += [f"correlation:{scene['trend']}"] if scene.get("trend") else []
    words += [f"more points:{side}"] if (side := _fuller_half(scene)) else []
    return Region((0, 0, *scene["size"]), tuple(words))


def _fuller_half(scene: Scene) -> str:
    """Which half of a scatter plot has more points, left or right, by the margin of the questions."""
    if scene["kind"] != "scatter" or not scene["countable"]:
        return ""
    xs = [x for x, _ in scene["series"][0]["points"]]
    surplus = sum(1 if x > 0.5 else -1 for x in xs)
    if abs(surplus) < 2 or any(abs(x - 0.5) <= 0.03 for x in xs):
        return ""
    return "right" if surplus > 0 else "left"


def _counts(scene: Scene) -> dict[str, int]:
    """What can be counted."""
    kind, names, series = scene["kind"], len(scene["categories"]), len(scene["series"])
    if kind == "line":
        points = {"points": names} if series == 1 and scene["marker"] else {}
        return {"lines": series, "labels": names} | points
    if kind == "scatter":
        return {"series": series} | ({"points": len(scene["series"][0]["points"])} if scene["countable"] else {})
    if kind == "grouped":
        return {"groups": names, "bars": 2 * names}
    return {"slices" if kind in ROUND else "bars": names}


def _axes(scene: Scene, at: Layout) -> Iterator[Region]:
    """The plot area, its gridlines, and what is written along the axes."""
    values, names = ("x axis", "y axis") if scene["kind"] == "barh" else ("y axis", "x axis")
    yield Region(at.plot, ("plot area", *["grid"] * scene["grid"]))
    half = scene["thin"] / 2
    for x0, y0, x1, y1 in gridlines(scene, at):
        yield Region((x0 - half, y0 - half, x1 + half, y1 + half), ("gridline",))
    ticks = tick_labels(scene, at)
    for i, label in enumerate(ticks):
        last = ("last tick",) if i == len(ticks) - 1 else ()
        yield Region(label_box(scene, label), ("tick label", values, *last))
    found = name_labels(scene, at)
    for i, label in enumerate(found):
        if scene["kind"] == "scatter":
            words = ("tick label", names, *["last tick"] * (i == len(found) - 1))
        else:
            words = ("category label", names, f"position:{i + 1}")
        yield Region(label_box(scene, label), words)
    axes = [axis for axis in ("x", "y") if scene[f"{axis}label"]]
    for axis, label in zip(axes, axis_labels(scene, at), strict=True):
        yield Region(label_box(scene, label), ("axis label", f"{axis} axis"))


def _legend(scene: Scene, at: Layout) -> Iterator[Region]:
    """The legend, then its entries from swatch to name with the colour that each explains."""
    s, entries = scene["tick"], []
    for i, ((x, y), name) in enumerate(zip(at.legend, scene["legend"], strict=True)):
        box = (x, y - 0.6 * s, x + 1.35 * s + text_width(name, scene["font"], s), y + 0.6 * s)
        colour = colour_words(scene, i if scene["kind"] in ROUND else 0, 0 if scene["kind"] in ROUND else i)
        entries.append(Region(box, ("legend entry", f"position:{i + 1}", *colour)))
    if entries:
        yield Region(union(entry.box for entry in entries), ("legend", f"at:{scene['legend_at']}"))
        yield from entries


def regions(scene: Scene) -> list[Region]:
    """The whole picture, then every part of the chart in drawing order."""
    at = layout(scene)
    found = [_picture(scene)]
    if scene["title"]:
        x, y, text, anchor, _ = title_label(scene, at)
        box = text_box(x, y, text, scene["title_font"], scene["title_size"], anchor)
        found.append(Region(box, ("title",)))
    axes = () if scene["kind"] in ROUND else _axes(scene, at)
    return [*found, *axes, *marks(scene, at), *_legend(scene, at)]

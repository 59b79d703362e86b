"""Where everything on a floor plan stands, and the words that are true of it."""

from __future__ import annotations

from collections.abc import Iterator

from ..base import Region, Scene
from ..boxes import around, text_box, union
from ..colours import luminance
from .geometry import band, door_cut, door_leaf, north_arrow, window_box
from .truth import Plan
from .words import THING

_DOORS = {"swing": "swing door", "gap": "opening", "leaf": "door leaf"}


def _picture(plan: Plan) -> Region:
    """The whole picture: what counts, colours and style come to."""
    scene, names, extras = plan.scene, plan.scene["paint"]["names"], plan.scene["extras"]
    dark = luminance(scene["paint"]["background"]) < 0.3
    words = ["family:floor_plans", f"background:{'dark' if dark else 'light'}"]
    words += [f"background:{names['background']}"] * bool(names["background"])
    words += [f"style:{scene['style']}"] * (scene["style"] in ("blueprint", "colour"))
    counts = {"bedrooms": plan.count["bedroom"], "bathrooms": plan.count["bathroom"], "windows": len(scene["windows"])}
    if not plan.count["balcony"]:
        counts["rooms"] = len(plan.rooms)
    if len(scene["doors"]) <= 8:
        counts["doors"] = len(scene["doors"])
    if 0 < plan.things["bed"] <= 4:
        counts["beds"] = plan.things["bed"]
    words += [f"count:{thing}:{n}" for thing, n in counts.items()]
    words += [f"has:{name}" for name, key in (("scale bar", "scale"), ("north arrow", "north")) if key in extras]
    words += ["has:title"] * ("title" in extras) + ["has:furniture"] * bool(plan.things)
    return Region((0, 0, *scene["size"]), tuple(words))


def _kind_words(plan: Plan, i: int) -> list[str]:
    room = plan.rooms[i]
    return list(dict.fromkeys((room["type"], room["name"])))


def _rooms(plan: Plan) -> Iterator[Region]:
    largest, smallest = (plan.extreme(True), plan.extreme(False)) if len(plan.rooms) > 2 else (None, None)
    x0, y0, x1, y1 = plan.scene["house"]
    for i, room in enumerate(plan.rooms):
        box = room["box"]
        words = ["room", *_kind_words(plan, i)]
        words += [room["colour"]] if room["colour"] else []
        words += [f"at:{place}"] if (place := plan.place(i)) else []
        words += ["largest"] * (i == largest) + ["smallest"] * (i == smallest)
        words += ["in a corner"] * (bool({x0, x1} & {*box[::2]}) and bool({y0, y1} & {*box[1::2]}))
        doors = len(plan.doors_of(i))
        words += [f"doors:{doors}"] * (doors <= 4)
        yield Region(tuple(box), tuple(words))


def _walls(plan: Plan) -> Iterator[Region]:
    """Walls with their colour, unless the rooms' colours make it moot; railings of balconies."""
    scene, paint = plan.scene, plan.scene["paint"]
    told = paint["wall"] == paint["wall_fill"] or not any(r["colour"] for r in plan.rooms)
    colour = (paint["names"]["wall"],) if told and paint["names"]["wall"] else ()
    for wall in scene["walls"]:
        kind = wall[4]
        thick = scene["fine"] + 0.5 if kind == "rail" else max(1.2, scene["thick"][kind])
        yield Region(band(wall, thick), ("railing" if kind == "rail" else "wall", *colour))


def _openings(scene: Scene) -> Iterator[Region]:
    for window in scene["windows"]:
        yield Region(window_box(scene, window), ("window",))
    for door in scene["doors"]:
        box = door_cut(scene, door)
        if door["kind"] != "gap":
            box = union((box, around(door_leaf(door))))
        yield Region(box, ("door", "front door" if door["b"] < 0 else "inner door", _DOORS[door["kind"]]))


def _furniture(plan: Plan) -> Iterator[Region]:
    for item in plan.scene["furniture"]:
        thing = THING.get(item["symbol"], item["symbol"])
        words = ["furniture", *dict.fromkeys((thing, item["symbol"]))]
        words += [f"at:{place}"] if (place := plan.place_of(item["box"])) else []
        yield Region(tuple(item["box"]), tuple(words))


def _labels(plan: Plan) -> Iterator[Region]:
    for i, room in enumerate(plan.rooms):
        for line in room["lines"]:
            box = text_box(line["x"], line["y"], line["text"], plan.scene["font"], line["size"], "mm", line["angle"])
            if line["text"] == room["area"]:
                words = ["room dimensions" if "x" in room["area"] else "room area"]
            else:
                words = ["room label", *_kind_words(plan, i)]
            yield Region(box, tuple(words))


def _extras(scene: Scene) -> Iterator[Region]:
    """Title, scale bar, north arrow and dimension lines."""
    extras, file, size = scene["extras"], scene["font"], scene["label_size"]
    if title := extras.get("title"):
        yield Region(text_box(title["x"], title["y"], title["text"], file, title["size"], title["anchor"]), ("title",))
    if bar := extras.get("scale"):
        x, y, right, high = bar["x"], bar["y"], bar["x"] + bar["length"], size * 0.25
        text = text_box(right + size * 0.4, y + high / 2, bar["text"], file, size, "lm")
        yield Region(union(((x, y, right, y + high), text)), ("scale bar",))
    if north := extras.get("north"):
        shape, (x, y) = north_arrow(north)
        box = union((around(shape), text_box(x, y, "N", file, size)))
        yield Region(box, ("north arrow", f"points:{north['points']}"))
    for dim in extras.get("dims", ()):
        x, y = dim["at"]
        box = text_box(x, y, dim["text"], file, size, "mm", dim["angle"])
        yield Region(box, ("dimension", f"house {dim['what']}"))


def regions(scene: Scene) -> list[Region]:
    """The whole picture, then every part of the plan in drawing order."""
    plan = Plan(scene)
    parts = (_rooms(plan), _walls(plan), _openings(scene), _furniture(plan), _labels(plan), _extras(scene))
    return [_picture(plan), *(region for part in parts for region in part)]

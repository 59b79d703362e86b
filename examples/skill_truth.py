"""What `skill_figures.py` holds skills against: scenes without noise, their texts, changes to them; and counting."""

from __future__ import annotations

import copy
import io
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from PIL import Image

from demo.plugins.measure.colours import RGB
from demo.plugins.skill import Box
from training.synthetic import Sample, family_module
from training.synthetic.colours import mix
from vlm.answering import Answering
from vlm.captioning import Captioned
from vlm.generation import Reply
from vlm.media import load_image

Edges = Sequence[float]


class Shares:
    """Hits and tries by name, printed as they come to be."""

    def __init__(self) -> None:
        self.counts: dict[str, list[float]] = defaultdict(lambda: [0, 0])

    def add(self, name: str, hits: float, of: float = 1) -> None:
        self.counts[name][0] += hits
        self.counts[name][1] += of

    def lines(self) -> Iterator[str]:
        for name, (hits, of) in self.counts.items():
            yield f"  {name:<46}{100 * hits / max(1, of):6.1f} %   of {of:g}"


def drawn(sample: Sample) -> Image.Image:
    """The scene without what `Sample.image` does to it afterwards: its truth is of these pixels."""
    return load_image(family_module(sample.family).draw(sample.scene))


def as_jpeg(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return load_image(buffer.getvalue())


class Silent(Answering):
    """Says nothing: for what is measured only, where the model has been asked already."""

    name, card, server, context, hears = "silent", "", "", None, True

    def facts(self) -> list[tuple[str, str]]:
        return []

    def close(self) -> None: ...

    def stream(self, messages: Any, **options: Any) -> Iterator[str | Reply]:
        yield Reply("", "stop", 0, 0, 0.0, 0.0)

    def caption_batches(self, requests: Any, **options: Any) -> Iterator[list[Captioned]]:
        for request in requests:
            yield [Captioned(request.place, Reply("", "stop", 0, 0, 0.0, 0.0))]


def edges(box: dict[str, int]) -> Edges:
    one = Box(**box)
    return one.x, one.y, one.x + one.width, one.y + one.height


def overlap(a: Edges, b: Edges) -> float:
    """Intersection over union."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0
    both = wide * high
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def pairs(truth: Sequence[Edges], found: Sequence[Edges], least: float) -> dict[int, int]:
    """Place in `found` -> place in `truth`, each used once, the best first."""
    scored = sorted(((overlap(a, b), i, j) for i, a in enumerate(truth) for j, b in enumerate(found)), reverse=True)
    matched: dict[int, int] = {}
    for score, i, j in scored:
        if score >= least and j not in matched and i not in matched.values():
            matched[j] = i
    return matched


def texts(sample: Sample) -> Iterator[tuple[Edges, RGB, RGB]]:
    """(a box around it, text, background)"""
    scene = sample.scene
    if sample.family == "wireframes" and not any(e["kind"] == "dim" for e in scene["elements"]):
        for e in scene["elements"]:
            if e["kind"] == "button" and e["fill"] and e["label"]:
                yield e["box"], tuple(e["ink"]), tuple(e["fill"])
    elif (
        sample.family == "palettes" and scene["boxes"] and scene["form"] in ("box", "round") and not scene.get("below")
    ):
        for box, one in zip(scene["boxes"], scene["swatches"], strict=True):
            if "label" in one:
                yield box, tuple(one["ink"]), tuple(one["rgb"])
    elif sample.family == "text" and sample.style not in ("neon", "chalkboard"):
        effects, shape = scene["effects"], scene["shape"]
        if (
            effects["shadow"]
            or effects["stroke"]
            or abs(scene["angle"]) > 1
            or (not shape and scene["backdrop"]["kind"] != "plain")
        ):
            return
        ground = tuple(shape["colour"] if shape else scene["backdrop"]["colour"])
        for line in scene["lines"]:
            if len(line["text"]) > 2:
                yield (
                    (0, line["y"] - line["size"] * 0.7, scene["size"][0], line["y"] + line["size"] * 0.7),
                    tuple(line["colour"]),
                    ground,
                )


def within(line: Edges, box: Edges) -> bool:
    return line[0] >= box[0] - 2 and line[1] >= box[1] - 2 and line[2] <= box[2] + 2 and line[3] <= box[3] + 2


def edited(sample: Sample, rng: random.Random) -> tuple[Image.Image, str] | None:
    """The screen with one change, and what it is."""
    scene = copy.deepcopy(sample.scene)
    what = rng.choice(("removed", "moved", "recoloured"))
    kinds = ("button",) if what == "recoloured" else ("button", "field", "image", "title", "avatar", "check")
    chosen = [e for e in scene["elements"] if e["kind"] in kinds and (what != "recoloured" or e["fill"])]
    if not chosen or any(e["kind"] == "dim" for e in scene["elements"]):
        return None
    one = rng.choice(chosen)
    if what == "removed":
        scene["elements"].remove(one)
    elif what == "moved":
        x0, y0, x1, y1 = one["box"]
        step = rng.choice((-1, 1)) * rng.randint(8, 40)
        one["box"] = [x0, y0 + step, x1, y1 + step]
    else:
        one["fill"] = list(mix(one["fill"], (255, 0, 255) if one["fill"][1] > 100 else (0, 255, 0), 0.5))
    return load_image(family_module("wireframes").draw(scene)), what


def apart(scene: Any, values: list[list[float]], got: list[list[float]]) -> float:
    if scene["kind"] in ("pie", "donut"):
        values, got = [sorted(v / sum(values[0]) for v in values[0])], [sorted(got[0])]
    else:
        low, high = scene["ticks"][0], max(map(max, values))
        values = [[(v - low) / (high - low) for v in row] for row in values]
    return max(abs(a - b) for row, other in zip(values, got, strict=True) for a, b in zip(row, other, strict=True))

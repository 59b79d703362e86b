"""What skills measure, against pictures drawn here and by the studio, held-out styles and fonts too; bad pictures."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

pytest.importorskip("skimage", reason="skills need scikit-image: pip install '.[skills]'")

from demo.plugins.catalogue import skills
from demo.plugins.measure.colours import RGB, contrast, difference, name_of, palette, passing
from training.synthetic import family_module, make
from training.synthetic.base import font, pick_font
from vlm.answering import Answering
from vlm.captioning import Captioned
from vlm.generation import Reply
from vlm.media import load_image

SKILLS = skills(())
MEASURING = ("palette", "contrast", "critique", "wireframe", "floor_plan", "chart_data", "compare")


class Parrot(Answering):
    """Says one word to everything, and cannot weigh."""

    name, card, server, context, hears = "parrot", "", "", None, True

    def __init__(self, text: str = "red") -> None:
        self.text = text

    def facts(self) -> list[tuple[str, str]]:
        return []

    def close(self) -> None: ...

    def caption_batches(self, requests: Any, **options: Any) -> Iterator[list[Captioned]]:
        for request in requests:
            yield [Captioned(request.place, Reply(self.text, "stop", 1, 1, 0.0, 0.0))]

    def stream(self, messages: Any, **options: Any) -> Iterator[str | Reply]:
        yield Reply(self.text, "stop", 1, 1, 0.0, 0.0)


def run(name: str, text: str = "red", **fields: Any) -> dict[str, Any]:
    found: dict[str, Any] = SKILLS[name](Parrot(text), fields).model_dump()
    return found


def paper(size: tuple[int, int] = (400, 300), colour: RGB = (255, 255, 255)) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", size, colour)
    return image, ImageDraw.Draw(image)


def box(one: dict[str, int]) -> tuple[int, int, int, int]:
    return one["x"], one["y"], one["x"] + one["width"], one["y"] + one["height"]


# --- colours ---------------------------------------------------------------------------------------------------------


def test_contrast_is_the_wcags() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((118, 118, 118), (255, 255, 255)) == pytest.approx(4.54, abs=0.005)
    assert contrast((255, 0, 0), (255, 255, 255)) == pytest.approx(4.0, abs=0.005)


def test_names_are_those_of_css() -> None:
    assert [name_of(rgb) for rgb in ((255, 0, 0), (255, 255, 255), (70, 130, 181), (123, 127, 126))] == [
        "red", "white", "steelblue", "gray",
    ]  # fmt: skip


def test_the_passing_colour_passes_and_is_near() -> None:
    rng = random.Random(0)
    for _ in range(60):
        text, ground = (tuple(rng.randrange(256) for _ in range(3)) for _ in range(2))
        found = passing(text, ground)  # type: ignore[arg-type]
        assert found is not None and contrast(found, ground) >= 4.5  # type: ignore[arg-type]
        ends = [one for one in ((0, 0, 0), (255, 255, 255)) if contrast(one, ground) >= 4.5]  # type: ignore[arg-type]
        assert difference(found, text) <= min(difference(end, text) for end in ends) + 1e-6  # type: ignore[arg-type]
    assert passing((0, 0, 0), (118, 118, 118), 7) is None


@pytest.mark.parametrize("split", ["seeds", "styles"])
@pytest.mark.parametrize("quality", [None, 80])
def test_every_swatch_of_the_studio_is_found_within_delta_e_5(split: Any, quality: int | None) -> None:
    for seed in range(900, 915):
        sample = make("palettes", seed, split)
        image = load_image(family_module("palettes").draw(sample.scene))
        if quality:
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=quality)
            image = load_image(buffer.getvalue())
        found = palette(np.asarray(image))
        for swatch in sample.scene["swatches"]:
            assert min(difference(tuple(swatch["rgb"]), one.rgb) for one in found) <= 5, (seed, swatch)


def test_shares_and_count_of_a_palette() -> None:
    image, pen = paper()
    pen.rectangle((0, 0, 399, 149), (200, 30, 30))
    pen.rectangle((0, 150, 99, 299), (30, 60, 200))
    colours = run("palette", image=image)["colours"]
    assert [(one["hex"], one["name"]) for one in colours] == [
        ("#c81e1e", "firebrick"), ("#ffffff", "white"), ("#1e3cc8", "blue"),
    ]  # fmt: skip
    assert [one["share"] for one in colours] == pytest.approx([0.5, 0.375, 0.125], abs=0.01)
    assert len(run("palette", image=image, colours=2)["colours"]) == 2


def test_a_role_is_the_models_and_says_so() -> None:
    image, pen = paper()
    pen.rectangle((50, 50, 150, 150), (200, 30, 30))
    roles = {one["hex"]: one["role"] for one in run("palette", "Red.", image=image)["colours"]}
    assert roles["#ffffff"] is None
    assert roles["#c81e1e"]["source"] == "model" and roles["#c81e1e"]["confidence"] is None
    assert all(one["role"] is None for one in run("palette", "nonsense", image=image)["colours"])


# --- text ------------------------------------------------------------------------------------------------------------


def _written(rng: random.Random, held_out: bool) -> tuple[Image.Image, RGB, RGB]:
    ink, ground = (tuple(rng.randrange(256) for _ in range(3)) for _ in range(2))
    while contrast(ink, ground) < 1.6:  # type: ignore[arg-type]
        ink = tuple(rng.randrange(256) for _ in range(3))
    image, pen = paper((360, 120), ground)  # type: ignore[arg-type]
    file = pick_font(rng, held_out, plain=True, avoid="Hairline|Thin|Light|Noto")
    pen.text(
        (180, 60),
        rng.choice(("Continue", "Sign in", "Price 24", "Hello world")),
        ink,
        font(file, rng.randint(16, 48)),
        "mm",
    )
    return image, ink, ground  # type: ignore[return-value]


@pytest.mark.parametrize("held_out", [False, True])
def test_the_ratio_of_a_line_is_within_one_percent(held_out: bool) -> None:
    """Of text whose own colour is on a pixel at least: smoothed letters may be so thin that it is on none."""
    rng, found, there = random.Random(5), 0, 0
    for _ in range(30):
        image, ink, ground = _written(rng, held_out)
        pairs = run("contrast", image=image)["pairs"]
        there += 1
        found += bool(pairs)
        if pairs and (np.asarray(image) == ink).all(axis=2).any():
            best = min((pair["ratio"] for pair in pairs), key=lambda ratio: abs(ratio - contrast(ink, ground)))
            assert best == pytest.approx(contrast(ink, ground), rel=0.01)
    assert found >= 0.9 * there


def test_a_pair_says_what_it_passes() -> None:
    image, pen = paper()
    pen.text((200, 150), "Nearly grey", (150, 150, 150), font(pick_font(random.Random(0), plain=True), 32), "mm")
    (pair,) = run("contrast", image=image)["pairs"]
    assert (pair["text"], pair["background"], pair["ratio"]) == ("#969696", "#ffffff", 2.96)
    assert (pair["aa"], pair["aaa"], pair["aa_large"], pair["aaa_large"]) == (False, False, False, False)
    x0, y0, x1, y1 = box(pair["box"])
    assert 60 < x0 < 140 and 260 < x1 < 340 and 120 < y0 < y1 < 180
    assert contrast(tuple(bytes.fromhex(pair["passing"][1:])), (255, 255, 255)) >= 4.5  # type: ignore[arg-type]


def test_boxes_are_of_the_picture_as_given_however_large() -> None:
    image, pen = paper((3000, 2400))
    pen.rectangle((600, 900, 1499, 1199), (20, 90, 200))
    pen.text((1050, 1050), "Continue", (255, 255, 255), font(pick_font(random.Random(0), plain=True), 120), "mm")
    elements = run("wireframe", "Continue", image=image)["elements"]
    (button,) = [one for one in elements if one["kind"] == "button"]
    assert np.abs(np.array(box(button["box"])) - (600, 900, 1500, 1200)).max() <= 3
    assert button["label"]["value"] == "Continue" and button["label"]["source"] == "model"


# --- screens ---------------------------------------------------------------------------------------------------------


def _screen(shift: int = 0, ink: RGB = (20, 20, 20), fill: RGB = (40, 120, 60)) -> Image.Image:
    image, pen = paper((400, 500))
    face = font(pick_font(random.Random(0), plain=True), 18)
    pen.rectangle((0, 0, 399, 59), (30, 40, 70))
    pen.text((20, 30), "Studio", (255, 255, 255), font(pick_font(random.Random(0), plain=True), 26), "lm")
    for number in range(3):
        top = 100 + 80 * number
        left = 40 + (shift if number == 1 else 0)
        pen.rectangle((left, top, left + 299, top + 49), (255, 255, 255), (90, 90, 90))
        pen.text((left + 12, top + 25), ("Name", "Street", "Town")[number], ink, face, "lm")
    pen.rectangle((40, 360, 179, 409), fill)
    pen.text((110, 385), "Send", (255, 255, 255), face, "mm")
    return image


def test_a_wireframe_has_its_elements() -> None:
    kinds = [one["kind"] for one in run("wireframe", image=_screen())["elements"]]
    assert kinds.count("field") == 3 and kinds.count("button") == 1 and kinds.count("header") == 1
    assert all(one["label"] is None for one in run("wireframe", image=_screen(), labels=0)["elements"])


def test_a_clean_screen_has_no_findings_and_flaws_have_theirs() -> None:
    assert run("critique", image=_screen())["findings"] == []
    (moved,) = run("critique", image=_screen(shift=6))["findings"]
    assert (moved["kind"], moved["figure"]["measured"], moved["source"]) == ("alignment", 6, "measured")
    assert box(moved["box"])[:2] == (46, 180)
    faint = run("critique", image=_screen(ink=(190, 190, 190)))["findings"]
    assert {(one["kind"], one["severity"]) for one in faint} == {("contrast", "critical")} and len(faint) == 3


def test_what_changed_is_found_and_named() -> None:
    before = _screen()
    assert run("compare", before=before, after=before) == {
        "same": True, "changes": [], "before": {"width": 400, "height": 500}, "after": {"width": 400, "height": 500},
        "scaled": False,
    }  # fmt: skip
    (recoloured,) = run("compare", before=before, after=_screen(fill=(160, 40, 120)))["changes"]
    assert recoloured["what"] == "recoloured"
    assert np.abs(np.array(box(recoloured["box"])) - (40, 360, 180, 410)).max() <= 2
    gone = before.copy()
    ImageDraw.Draw(gone).rectangle((40, 360, 179, 409), (255, 255, 255))
    assert [one["what"] for one in run("compare", before=before, after=gone)["changes"]] == ["removed"]
    assert [one["what"] for one in run("compare", before=gone, after=before)["changes"]] == ["added"]
    elsewhere = gone.copy()
    elsewhere.paste(before.crop((40, 360, 180, 410)), (200, 430))
    (moved,) = run("compare", before=before, after=elsewhere)["changes"]
    assert moved["what"] == "moved"
    assert np.abs(np.array(box(moved["box"])) - (200, 430, 340, 480)).max() <= 2
    assert np.abs(np.array(box(moved["moved_from"])) - (40, 360, 180, 410)).max() <= 2


def test_pictures_of_two_sizes_are_compared() -> None:
    before = _screen()
    found = run("compare", before=before, after=before.resize((800, 1000), Image.Resampling.NEAREST))
    assert found["scaled"] and not found["same"]
    found = run("compare", before=before, after=before.crop((0, 0, 400, 450)))
    assert not found["scaled"] and not found["same"] and found["changes"] == []


# --- plans and charts ------------------------------------------------------------------------------------------------


def test_rooms_doors_and_neighbours_of_a_plan() -> None:
    image, pen = paper((600, 420))
    for wall in ((50, 50, 549, 59), (50, 360, 549, 369), (50, 50, 59, 369), (540, 50, 549, 369), (300, 50, 309, 369),
                 (300, 200, 549, 209)):  # fmt: skip
        pen.rectangle(wall, (0, 0, 0))
    pen.rectangle((300, 100, 309, 149), (255, 255, 255))  # between the left room and the upper right one
    pen.rectangle((150, 360, 199, 369), (255, 255, 255))  # the front door
    found = run("floor_plan", "Kitchen", image=image)
    assert [box(room["box"]) for room in found["rooms"]] == [
        (61, 61, 299, 359),
        (311, 61, 539, 199),
        (311, 211, 539, 359),
    ] or all(
        np.abs(np.array(box(room["box"])) - truth).max() <= 4
        for room, truth in zip(
            found["rooms"], ((60, 60, 300, 360), (310, 60, 540, 200), (310, 210, 540, 360)), strict=True
        )
    )
    assert sorted(tuple(-1 if r is None else r for r in door["rooms"]) for door in found["doors"]) == [(-1, 0), (0, 1)]
    assert [(tuple(one["rooms"]), one["door"]) for one in found["adjacency"]] == [
        ((0, 1), True), ((0, 2), False), ((1, 2), False),
    ]  # fmt: skip
    assert found["counts"] == {"rooms": 3, "doors": 2, "windows": 0, "source": "measured"}
    assert {room["name"]["value"] for room in found["rooms"]} == {"Kitchen"}


def test_bars_and_slices_are_data() -> None:
    image, pen = paper((400, 300))
    for number, high in enumerate((60, 120, 200)):
        pen.rectangle((60 + 100 * number, 260 - high, 119 + 100 * number, 259), (40, 90, 200))
    found = run("chart_data", "One, Two, Three", image=image)
    assert found["kind"] == {"value": "vertical bar chart", "source": "measured", "confidence": None}
    (series,) = found["series"]
    assert [point["relative"] for point in series["points"]] == pytest.approx([0.3, 0.6, 1.0], abs=0.01)
    assert [point["category"]["value"] for point in series["points"]] == ["One", "Two", "Three"]
    assert series["colour"] == "#285ac8"
    image, pen = paper((400, 300))
    for start, end, colour in ((0, 180, (200, 40, 40)), (180, 270, (40, 160, 60)), (270, 360, (40, 60, 200))):
        pen.pieslice((100, 50, 300, 250), start, end, colour)
    found = run("chart_data", "One", image=image)
    assert found["kind"]["value"] == "pie chart"
    shares = sorted(point["relative"] for point in found["series"][0]["points"])
    assert shares == pytest.approx([0.25, 0.25, 0.5], abs=0.01)
    assert all(point["category"] is None for point in found["series"][0]["points"])


# --- bad pictures ----------------------------------------------------------------------------------------------------


def _hard(name: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    match name:
        case "1x1" | "1x200" | "200x1" | "2x2":
            width, height = map(int, name.split("x"))
            return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        case "white" | "black":
            return np.full((400, 500, 3), 255 * (name == "white"), np.uint8)
        case "noise":
            return rng.integers(0, 256, (900, 900, 3), dtype=np.uint8)
        case "checker":
            return np.stack([(np.indices((800, 800)).sum(0) % 2 * 255).astype(np.uint8)] * 3, 2)
        case "thousands of marks":
            found = np.full((900, 900, 3), 255, np.uint8)
            found[2::6, 2::6] = found[3::6, 2::6] = found[2::6, 3::6] = 0
            return found
        case "gradient of 16 megapixels":
            y, x = np.mgrid[0:4000, 0:4000]
            return np.stack([x >> 4, y >> 4, (x + y) & 255], 2).astype(np.uint8)
    raise AssertionError(name)


@pytest.mark.parametrize(
    "name",
    [
        "1x1",
        "1x200",
        "200x1",
        "2x2",
        "white",
        "black",
        "noise",
        "checker",
        "thousands of marks",
        "gradient of 16 megapixels",
    ],
)
def test_no_picture_is_too_odd(name: str) -> None:
    """Something comes back, whatever it is worth; lists are bounded."""
    image = Image.fromarray(_hard(name))
    for skill in MEASURING:
        fields = (
            {"before": image, "after": Image.eval(image, lambda v: 255 - v)} if skill == "compare" else {"image": image}
        )
        found = run(skill, **fields)
        for value in found.values():
            assert not isinstance(value, list) or len(value) <= 400
    assert run("critique", image=Image.new("RGB", (300, 200), (9, 9, 9))) == {"findings": [], "total": 0}

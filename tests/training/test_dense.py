"""Dense targets: where views lie in a picture, which words and letters a patch must say."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from encoders.clip import ImageTransform
from encoders.config import ClipConfig
from training.data import Examples
from training.dense import (
    GLYPHS,
    LABEL,
    NO_LETTER,
    NTH,
    SLOTS,
    UNREADABLE,
    View,
    Vocabulary,
    crops,
    letter_targets,
    spoken,
    vocabulary,
    word_targets,
)  # fmt: skip
from training.loss import SHARPNESS, DenseHead, patches, projected
from training.stages import Mixture, StageConfig, Trains
from training.synthetic import FAMILIES, make
from training.synthetic.base import Canvas, Letter, Region, words_in
from training.written import WrittenWords
from vlm.model import VLM, build_model
from vlm.processor import Processor

WHOLE = View((0, 0, 80, 40), side=4, pixels=64)  # patches of 20 x 10 pixels of the picture
CLIP = ClipConfig(
    image_size=64, patch_size=16, width=32, layers=2, head_width=16, embed_dim=16,
    grids=((1, 2), (2, 1), (2, 2), (1, 3)),
)  # fmt: skip


@pytest.mark.parametrize("size", [(100, 100), (300, 100), (101, 333), (640, 479), (64, 64)])
def test_each_view_shows_what_its_box_says(size: tuple[int, int]) -> None:
    transform = ImageTransform(CLIP)
    rng = random.Random(3)
    boxes = transform.boxes(*size)
    picture = Image.new("RGB", size)
    x, y = rng.uniform(0.2, 0.8) * size[0], rng.uniform(0.2, 0.8) * size[1]
    picture.paste((255, 255, 255), (round(x) - 9, round(y) - 9, round(x) + 9, round(y) + 9))
    views = transform(picture).inputs.float().mean(1)
    assert len(boxes) == len(views)
    seen = 0
    for (x0, y0, x1, y1), view in zip(boxes, views, strict=True):
        column, row = (x - x0) / (x1 - x0) * 64, (y - y0) / (y1 - y0) * 64
        if 12 < column < 52 and 12 < row < 52:
            weights = view / view.sum()
            assert float((weights.sum(0) * (torch.arange(64) + 0.5)).sum()) == pytest.approx(column, abs=0.7)
            assert float((weights.sum(1) * (torch.arange(64) + 0.5)).sum()) == pytest.approx(row, abs=0.7)
            seen += 1
    assert seen >= 1


@pytest.mark.parametrize(
    ("box", "patches"),
    [
        ((0, 0, 80, 40), 16 * [True]),
        ((20, 10, 60, 20), [4 < i < 7 for i in range(16)]),
        ((24, 0, 44, 10), [i == 1 for i in range(16)]),  # 80 % and 20 % of two patches
        ((48, 12, 52, 14), [i == 6 for i in range(16)]),  # small, inside one patch
        ((0, 18, 80, 22), [4 <= i < 12 for i in range(16)]),  # a thin line on a border: half in each row
    ],
)
def test_words_lie_on_the_patches_of_their_box(box: tuple[float, ...], patches: list[bool]) -> None:
    region = Region((box[0], box[1], box[2], box[3]), ("circle", "red"))
    targets = word_targets(WHOLE, [region], {"circle": 0, "red": 1, "square": 2})
    assert targets.shape == (16, 4)
    assert targets[:, 0].bool().tolist() == patches
    assert torch.equal(targets[:, 0], targets[:, 1])
    assert not targets[:, 2].any()
    assert int(targets[:, 3].sum()) == 1  # its middle


def test_the_whole_picture_has_no_middle_and_unknown_words_are_left_out() -> None:
    targets = word_targets(WHOLE, [Region((0, 0, 80, 40), ("family:shapes", "rare"))], {"family:shapes": 0})
    assert targets[:, 0].all()
    assert not targets[:, 1].any()


def test_letters_go_to_the_slot_of_their_middle() -> None:
    letters = [Letter("A", 22, 5, 30), Letter("b", 39, 5, 30), Letter("é", 70, 35, 30), Letter("c", 90, 5, 30)]
    targets = letter_targets(WHOLE, letters)
    assert targets.shape == (16, SLOTS)
    assert targets[1].tolist() == [1, NO_LETTER, NO_LETTER, 2]
    assert targets[15, 2] == len(GLYPHS) + 1
    assert int((targets != NO_LETTER).sum()) == 3
    assert letter_targets(WHOLE, [Letter("a", 22, 5, 3)])[1, 0] == UNREADABLE


def test_a_legible_letter_says_its_place_in_its_word() -> None:
    canvas = Canvas(80, 40, (255, 255, 255))
    canvas.text(40, 20, "an ox", "", 12, (0, 0, 0))
    assert [(o.character, o.nth) for o in canvas.letters] == [("a", 1), ("n", 2), ("o", 1), ("x", 2)]
    assert set(NTH) <= set(vocabulary().words) and len(NTH) == 9
    index = {"letter:1": 0, "letter:2": 1}
    letters = [
        Letter("A", 22, 5, 30, 1),
        Letter("b", 39, 5, 30, 2),
        Letter("c", 70, 35, 3, 1),
        Letter("d", 1, 1, 30, 12),
    ]
    targets = word_targets(WHOLE, [], index, letters)
    assert targets[1].tolist() == [1, 1, 0]
    assert int(targets.sum()) == 2


def test_a_word_of_a_list_is_said_where_its_letters_are() -> None:
    canvas = Canvas(80, 40, (255, 255, 255))
    canvas.text(40, 20, "Sales, (EUR) x", "", 8, (0, 0, 0))
    assert {o.word for o in canvas.letters} == {"sales", "eur", "x"}
    said = vocabulary().words
    assert {"written:sales", "written:bedroom", "written:password", "written:mar"} <= set(said)
    assert "written:x" not in said and not any("{" in word for word in said)
    assert spoken("written:sales") == "word sales"
    targets = word_targets(WHOLE, [], {"written:sales": 0, "written:eur": 1}, canvas.letters)
    at = {WHOLE.place(o.x, o.y)[:2] for o in canvas.letters if o.word == "sales"}  # type: ignore[index]
    assert targets[:, 0].nonzero().flatten().tolist() == sorted(4 * row + column for row, column in at)
    assert targets[:, 1].any() and not targets[:, 2].any()
    small = [replace(o, height=2.0) for o in canvas.letters]
    assert not word_targets(WHOLE, [], {"written:sales": 0}, small).any()


def test_the_words_of_lists_are_bare_and_of_two_signs_or_more() -> None:
    lists = ("Kit.", "Bed Room", "{m} by {d}", "A"), {"bedroom": (1.1, (("WC", "bathroom"),))}
    assert words_in(*lists) == {"kit", "bed", "room", "by", "wc", "bathroom"}


@pytest.mark.parametrize("angle", [0, 90, -35])
@pytest.mark.parametrize("anchor", ["mm", "lm", "rm"])
def test_a_canvas_remembers_where_it_drew_each_letter(angle: float, anchor: str) -> None:
    word = "IIII"
    canvas = Canvas(200, 200, (255, 255, 255))
    canvas.text(100, 100, word, "", 24, (0, 0, 0), "mm" if angle else anchor, angle)
    picture = canvas.finish()
    dark = np.argwhere(np.asarray(picture.convert("L")) < 128)
    letters = picture.info["letters"]
    assert [letter.character for letter in letters] == list(word)
    for letter in letters:  # ink at, or a pixel from, each remembered place
        assert np.abs(dark - (letter.y, letter.x)).max(1).min() <= 2
    middle = dark.mean(0)
    assert np.mean([o.y for o in letters]) == pytest.approx(middle[0], abs=1.5)
    assert np.mean([o.x for o in letters]) == pytest.approx(middle[1], abs=1.5)


def test_letters_under_a_panel_are_forgotten() -> None:
    canvas = Canvas(200, 100, (255, 255, 255))
    canvas.text(50, 50, "under", "", 20, (0, 0, 0))
    canvas.text(150, 50, "beside", "", 20, (0, 0, 0))
    canvas.hide((0, 0, 100, 100))
    assert "".join(letter.character for letter in canvas.letters) == "beside"


@pytest.mark.parametrize("family", FAMILIES)
def test_regions_lie_in_the_picture_and_speak_a_closed_vocabulary(family: str) -> None:
    known = set(vocabulary().words)
    for seed in range(12):
        sample = make(family, 5000 + seed, "seeds")
        width, height = sample.scene["size"]
        regions = sample.regions
        assert regions[0].box == (0, 0, width, height)
        assert f"family:{family}" in regions[0].words
        assert len(regions) > 1
        for region in regions:
            x0, y0, x1, y1 = region.box
            assert -0.02 * width <= x0 < x1 <= 1.02 * width
            assert -0.02 * height <= y0 < y1 <= 1.02 * height
        said = {word for region in regions for word in region.words}
        assert len(said - known) <= 0.1 * len(said)


def test_shapes_have_their_colour_where_their_region_is() -> None:
    close = asked = 0
    for seed in range(40):
        sample = make("shapes", seed)
        picture = np.asarray(sample._family.draw(sample.scene), dtype=float)
        solid = [o for o in sample.scene["objects"] if o["fill"] == "solid" and o["kind"] not in ("ring", "arrow")]
        for o in solid if len(sample.scene["objects"]) == len(solid) else []:
            boxes = [r.box for r in sample.regions[1:] if o["kind"] in r.words and o["colour"] in r.words]
            x0, y0, x1, y1 = min(boxes, key=lambda b: abs((b[0] + b[2]) / 2 - o["x"]) + abs((b[1] + b[3]) / 2 - o["y"]))
            pixel = picture[round((y0 + y1) / 2), round((x0 + x1) / 2)]
            asked += 1
            close += float(np.abs(pixel - o["rgb"]).max()) < 40
    assert asked > 10
    assert close / asked > 0.9


def test_a_dense_example_is_deterministic_and_has_a_target_for_every_patch(studio_processor: Processor) -> None:
    stage = StageConfig("dense", "dense", Trains(vision=1e-3), Mixture(images=1), steps=1, batch_size=2, crops=2)
    first, again = (Examples(studio_processor, stage).dense(4) for _ in range(2))
    for a, b in zip(first, again, strict=True):
        assert torch.equal(a, b)
    tiles, words, letters = first
    assert tiles.shape[1:] == (3, 32, 32)
    assert words.shape == (len(tiles), 16, len(vocabulary().words) + 1)
    assert letters.shape == (len(tiles), 16, SLOTS)
    assert words[0].any()
    coarse = Examples(studio_processor, replace(stage, overview_only=True)).dense(4)
    assert len(coarse[0]) == 3
    assert torch.equal(coarse[1][0], words[0])


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("circle", "circle"), ("ink:red", "text red"), ("at:top left", "top left"), ("count:rooms:5", "count rooms 5"),
        ("family:floor_plans", "floor plans"), ("position:3", "number 3"),
    ],
)  # fmt: skip
def test_words_are_spoken_as_in_a_description(word: str, said: str) -> None:
    assert spoken(word) == said


def test_crops_lie_in_the_picture() -> None:
    rng = random.Random(1)
    found = [box for _ in range(50) for box in crops(rng, 300, 170, 3, 4.0)]
    assert len(found) == 150
    assert all(0 <= x0 < x1 <= 300 and 0 <= y0 < y1 <= 170 for x0, y0, x1, y1 in found)
    assert min(x1 - x0 for x0, _, x1, _ in found) < 120


def test_from_afar_crops_are_nearly_the_whole_and_squeezed_as_it_is() -> None:
    rng = random.Random(1)
    found = [box for _ in range(50) for box in crops(rng, 300, 100, 1, 1.25)]
    sides = [(x1 - x0, y1 - y0) for x0, y0, x1, y1 in found]
    assert all(240 <= w <= 300 and 80 <= h <= 100 for w, h in sides)  # never a square: nothing is cut to one
    assert min(w for w, _ in sides) < 255 and max(w for w, _ in sides) > 285
    assert len({x0 for x0, *_ in found}) > 10


def head_and_model(studio_processor: Processor) -> tuple[DenseHead, VLM]:
    torch.manual_seed(0)
    words = Vocabulary(("red", "count:2", *NTH, "written:oak", "written:elm", "written:fir"), (1.0, 0.04, *[1.0] * 12))
    model = build_model(studio_processor.config)
    written = WrittenWords(model.decoder.model.embed_tokens.weight.shape, studio_processor.tokenizer.encode, words)
    return DenseHead(32, words, written), model


def targets_of(head: DenseHead) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Two views of 16 patches, of which four make a token, without anything on them."""
    tiles = torch.randint(0, 256, (2, 3, 32, 32), dtype=torch.uint8)
    words = torch.zeros(2, 16, head.things + 3 + 1, dtype=torch.uint8)
    return tiles, words, torch.zeros(2, 16, SLOTS, dtype=torch.long)


def test_what_is_written_is_told_apart_behind_the_projector_and_only_where_something_is(
    studio_processor: Processor,
) -> None:
    head, model = head_and_model(studio_processor)
    assert head.things == 2 + len(NTH)
    tiles, words, letters = targets_of(head)
    silent, count = head(model, tiles, words, letters)
    assert count == 32
    silent.backward()
    silent = silent.detach()
    projector = model.projectors["image"]
    assert not projector.linear_2.weight.grad.any()  # nothing is written: no word is taught to be absent
    words[1, 5, head.things + 2] = 1  # "fir" in row 1, column 1: on the first token
    loss, _ = head(model, tiles, words, letters)
    features = patches(model, tiles).detach()
    token = projected(model, features / features.flatten(0, 1).std(0).mean())[1, 0]
    scores = SHARPNESS * head.written(model.decoder.model.embed_tokens.weight) @ token.detach()
    assert float(loss.detach() - silent) == pytest.approx(LABEL * float(scores.logsumexp(0) - scores[2]), rel=1e-3)
    words[1, 4, head.things] = 1  # and "oak" beside it, on the same token: each is half
    loss, _ = head(model, tiles, words, letters)
    both = float(scores.logsumexp(0) - (scores[2] + scores[0]) / 2)
    assert float(loss.detach() - silent) == pytest.approx(LABEL * both, rel=1e-3)
    loss.backward()
    assert projector.linear_2.weight.grad.any()


def test_a_dense_head_counts_the_labels_that_it_knows(studio_processor: Processor) -> None:
    head, model = head_and_model(studio_processor)
    tiles, words, letters = targets_of(head)
    assert head.measure(model, tiles, words, letters)["labels"] == (0, 0)
    with torch.no_grad():  # says "elm" everywhere
        model.projectors["image"].linear_2.bias.copy_(50 * head.written(model.decoder.model.embed_tokens.weight)[1])
    words[0, 3, head.things + 1] = words[0, 12, head.things + 1] = words[1, 9, head.things] = 1
    assert head.measure(model, tiles, words, letters)["labels"] == (2, 3)


def test_a_vocabulary_without_written_words(studio_processor: Processor) -> None:
    torch.manual_seed(0)
    words, model = Vocabulary(("red",), (1.0,)), build_model(studio_processor.config)
    written = WrittenWords(model.decoder.model.embed_tokens.weight.shape, studio_processor.tokenizer.encode, words)
    head = DenseHead(32, words, written)
    tiles = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    targets = torch.ones(1, 16, 2, dtype=torch.uint8), torch.zeros(1, 16, SLOTS, dtype=torch.long)
    loss, count = head(model, tiles, *targets)
    assert count == 16 and float(loss.detach()) > 0
    assert head.measure(model, tiles, *targets)["labels"] == (0, 0)

"""Pages of letters: all that is noted is drawn, nothing held out is on them, and only dense stages take them."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from training.dense import GLYPHS, View, letter_targets
from training.synthetic import DRILLS, FAMILIES, make, pages
from training.synthetic.base import font_files
from training.synthetic.words import held_out
from vlm.errors import CheckpointError

PAGES = [make("pages", seed) for seed in range(60)]
LINES = [line for page in PAGES for block in page.scene["blocks"] for line in block["lines"]]


def test_a_page_is_drawn_again_from_its_data() -> None:
    for page in PAGES[:10]:
        stored = json.loads(json.dumps(page.scene))
        assert page.image.tobytes() == make("pages", page.seed).image.tobytes()
        assert pages.draw(stored).tobytes() == pages.draw(page.scene).tobytes()
    assert len({page.image.tobytes() for page in PAGES}) == len(PAGES)


def test_letters_of_all_kinds_stand_where_they_are_noted() -> None:
    found = [(page, letter) for page in PAGES for letter in pages.draw(page.scene).info["letters"]]
    assert len(found) > 20 * len(PAGES)
    assert sum(len(line["text"].replace(" ", "")) for line in LINES) == len(found)
    common = Counter(letter.character.lower() for _, letter in found)
    assert all(common[sign] > 5 for sign in GLYPHS[:36])
    heights = sorted(letter.height for _, letter in found)
    assert heights[0] >= pages.SMALLEST and heights[-1] > 3 * heights[0] and heights[-1] <= pages.LARGEST


def test_ink_lies_at_every_letter() -> None:
    for page in PAGES[:20]:
        picture = pages.draw(page.scene)
        pixels = np.asarray(picture)
        for letter in picture.info["letters"]:
            if letter.character.isalnum() and 4 < letter.x < picture.width - 4 and 4 < letter.y < picture.height - 4:
                half = int(letter.height / 2) + 1
                top, left = max(0, int(letter.y) - half), max(0, int(letter.x) - half)
                near = pixels[top : int(letter.y) + half, left : int(letter.x) + half]
                assert np.ptp(near, axis=(0, 1)).max() > 30, letter


def test_what_training_never_sees_is_on_no_page() -> None:
    words = [word for line in LINES for word in line["text"].split() if len(word) > 2]
    assert len(words) > 200 and not any(map(held_out, words))
    fonts = {block["font"] for page in PAGES for block in page.scene["blocks"]}
    assert fonts <= {*font_files(), ""}


def test_words_of_a_line_are_about_its_look() -> None:
    page = PAGES[0]
    whole, *others = page.regions
    assert whole.words == ("family:pages",) and whole.box == (0, 0, *page.scene["size"])
    block = next(block for block in page.scene["blocks"] if block["lines"])
    wanted = {f"ink:{block['ink_name']}", f"background:{block['back_name']}"}
    assert any(wanted <= set(region.words) for region in others)
    view = View((0, 0, *page.scene["size"]), 12, 192)
    letters = pages.draw(page.scene).info["letters"]
    assert (letter_targets(view, letters) > 0).sum() > 0.5 * len(letters)


def test_only_dense_stages_take_them(stage) -> None:
    assert not set(DRILLS) & set(FAMILIES)
    assert not PAGES[0].questions
    assert stage(objective="dense", families=("pages", "text")).families == ("pages", "text")
    for objective in ("next-token", "words", "contrastive"):
        with pytest.raises(CheckpointError, match="unknown 'pages' in families; known: shapes"):
            stage(objective=objective, families=("pages",))


def test_a_font_of_signs_writes_no_words() -> None:
    """LibreOffice's own: it holds no letters, so each would be an empty box."""
    assert not [file for held in (False, True) for file in font_files(held) if "opens___" in file]

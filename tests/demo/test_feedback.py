"""The feedback file: rows that training reads as they are, whole under any number of writers."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vlm
from demo.feedback import FeedbackFile, read
from vlm import chat
from vlm.errors import InputError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "uploads" / "roof.png"
    path.parent.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)).save(path)
    return path


def question(text: str, *photos: Path) -> list[dict[str, Any]]:
    images = [{"type": "image", "image": photo, "name": photo.name} for photo in photos]
    return [{"role": "user", "content": [*images, {"type": "text", "text": text}]}]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_row_has_what_preference_training_needs(tmp_path: Path, photo: Path) -> None:
    file = FeedbackFile(tmp_path / "kept")
    file.record(question("Roof?", photo), "flat", "down", correction=" pitched ", model="tiny", adapter="roofs")
    (row,) = lines(file.path)
    digest = hashlib.sha256(photo.read_bytes()).hexdigest()
    assert row["messages"] == [
        {"role": "user", "content": [
            {"type": "image", "image": f"media/{digest}.png", "sha256": digest, "name": "roof.png"},
            {"type": "text", "text": "Roof?"},
        ]}
    ]  # fmt: skip
    assert (row["chosen"], row["rejected"], row["answer"]) == ("pitched", "flat", "flat")
    assert (row["model"], row["adapter"], row["rating"]) == ("tiny", "roofs", "down")
    assert row["time"].endswith("+00:00")
    photo.unlink()  # the upload may go
    stored = vlm.load_image(file.folder / row["messages"][0]["content"][0]["image"])
    assert stored.size == (60, 40)


def test_both_sides_of_a_row_are_training_conversations(tmp_path: Path, photo: Path) -> None:
    row = FeedbackFile(tmp_path).record(question("Roof?", photo), "flat", "down", correction="pitched", model="m")
    for side in ("chosen", "rejected"):
        chat.check([*row["messages"], {"role": "assistant", "content": row[side]}], for_training=True)


@pytest.mark.parametrize(
    ("rating", "correction", "chosen", "rejected"),
    [("up", "", "flat", None), ("down", "", None, "flat"), ("down", "pitched", "pitched", "flat")],
)
def test_ratings(tmp_path: Path, rating: Any, correction: str, chosen: str | None, rejected: str | None) -> None:
    row = FeedbackFile(tmp_path).record(question("Roof?"), "flat", rating, correction=correction, model="m")
    assert (row["chosen"], row["rejected"]) == (chosen, rejected)


def test_what_cannot_be_kept_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    file = FeedbackFile(tmp_path / "kept")
    with pytest.raises(InputError, match="needs no correction"):
        file.record(question("?"), "a", "up", correction="b", model="m")
    with pytest.raises(InputError, match="longer than"):
        file.record(question("?"), "a", "down", correction="b" * 20_001, model="m")
    with pytest.raises(InputError, match=r"gone\.png is no longer here"):
        file.record(question("?", tmp_path / "gone.png"), "a", "up", model="m")
    assert not file.path.exists()


def test_the_last_row_of_an_answer_counts(tmp_path: Path) -> None:
    file = FeedbackFile(tmp_path)
    for kind, correction in (("up", ""), ("down", ""), ("down", "pitched")):
        file.record(question("Roof?"), "flat", kind, correction=correction, model="m")  # type: ignore[arg-type]
    file.record(question("Wall?"), "brick", "up", model="m")
    assert [row["chosen"] for row in read(file.path)] == ["pitched", "brick"]
    assert len(lines(file.path)) == 4


def test_a_torn_line_harms_itself_only(tmp_path: Path) -> None:
    file = FeedbackFile(tmp_path)
    file.record(question("One?"), "1", "up", model="m")
    with file.path.open("ab") as torn:
        torn.write(b'{"id": "half')
    file.record(question("Two?"), "2", "up", model="m")
    assert [row["answer"] for row in read(file.path)] == ["1", "2"]


def test_many_writers_lose_nothing(tmp_path: Path, photo: Path) -> None:
    """Two processes of four threads each: 200 rows, every line whole, the picture stored once."""
    program = (
        "import sys; from pathlib import Path; from concurrent.futures import ThreadPoolExecutor\n"
        "from demo.feedback import FeedbackFile\n"
        "file = FeedbackFile(Path(sys.argv[1])); photo = Path(sys.argv[2])\n"
        "def one(i):\n"
        "    text = f'{sys.argv[3]} {i} ' + 'x' * 9000\n"
        "    content = [{'type': 'image', 'image': photo}, {'type': 'text', 'text': text}]\n"
        "    file.record([{'role': 'user', 'content': content}], 'a', 'up', model='m')\n"
        "with ThreadPoolExecutor(4) as pool: list(pool.map(one, range(100)))\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "kept"), str(photo)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda who: subprocess.run([*command, who], check=True, cwd=ROOT), ("a", "b")))
    rows = lines(tmp_path / "kept" / "feedback.jsonl")
    texts = {row["messages"][0]["content"][1]["text"].split(" x")[0] for row in rows}
    assert len(rows) == 200
    assert texts == {f"{who} {i}" for who in "ab" for i in range(100)}
    assert len(list((tmp_path / "kept" / "media").iterdir())) == 1


@pytest.mark.parametrize("adapter", [None, "roofs x 0.5"])
def test_the_page_says_which_adapter_answered(tmp_path: Path, adapter: str | None) -> None:
    import gradio as gr

    from demo.page import feedback

    answering: Any = type("Answering", (), {"name": "tiny", "adapter": adapter})()
    with gr.Blocks() as page:
        feedback.build(answering, FeedbackFile(tmp_path), gr.Chatbot(), gr.Textbox())
    (rate,) = (one.fn for one in page.fns.values() if getattr(one.fn, "__name__", "") == "rate")
    history = [{"role": "user", "content": "Roof?"}, {"role": "assistant", "content": "flat"}]
    event = gr.LikeData(None, {"index": 1, "value": "flat", "liked": True})  # type: ignore[arg-type]
    assert rate(history, "", False, event)[0] == "Kept: this answer was right."
    (row,) = lines(tmp_path / "feedback.jsonl")
    assert (row["model"], row["adapter"], row["rating"]) == ("tiny", adapter, "up")

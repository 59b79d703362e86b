"""The captions tab: files and zips in, rows, sidecars and JSONL out, through its endpoint."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from vlm.assistant import Assistant

gradio = pytest.importorskip("gradio", reason="the demo needs gradio: pip install '.[demo]'")
gradio_client = pytest.importorskip("gradio_client", reason="the demo needs gradio: pip install '.[demo]'")


def fetched(button: Any) -> Path:
    """The file behind a download button, as gradio's client has it."""
    value = button.get("value", button) if isinstance(button, dict) else button
    return Path(value["path"] if isinstance(value, dict) else value)


def test_files_and_a_zip_through_the_endpoint(page: Any, assistant: Assistant, picture: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(picture.read_bytes()[:900])
    packed = tmp_path / "more.zip"
    with zipfile.ZipFile(packed, "w") as file:
        file.write(picture, "sub/<b>house</b>.png")
        file.writestr("../notes.txt", "not a picture")
    client = gradio_client.Client(page.local_url, verbose=False)
    files = [gradio_client.handle_file(str(path)) for path in (picture, broken, packed)]
    job = client.submit(files, "short", api_name="/captions")
    state, table, sidecars, jsonl = job.result(timeout=600)
    (expected,) = assistant.caption([picture], style="short")
    assert "2 captions, 2 could not be read" in state
    assert "damaged or cut short" in table and "&lt;b&gt;house" in table and "<b>" not in table
    assert table.count("data:image/jpeg") == 2
    with zipfile.ZipFile(fetched(sidecars)) as archive:
        texts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert set(texts.values()) == {expected.text + "\n"}
    assert set(texts) == {"roof plan.txt", "more.zip/sub/<b>house</b>.txt"}
    rows = [json.loads(line) for line in fetched(jsonl).read_text().splitlines()]
    assert [row["text"] for row in rows] == [expected.text] * 2
    assert rows[0]["file_name"] == "roof plan.png"


def test_a_batch_goes_on_past_what_is_broken(assistant: Assistant, picture: Path, tmp_path: Path) -> None:
    from demo.page.captions import captions, items

    empty = tmp_path / "empty.png"
    empty.write_bytes(b"")
    rows = list(captions(assistant, items([empty, picture, tmp_path / "gone.png", picture, picture]), "short"))
    assert [bool(row.error) for row in rows] == [True, False, True, False, False]
    assert [row.error for row in rows if row.error] == ["empty file", "no such file"]
    assert len({row.caption for row in rows if not row.error}) == 1


def test_sidecar_names_do_not_collide() -> None:
    from demo.page.captions import Row, sidecar_texts

    rows = [Row(name, name) for name in ("a.png", "b.png", "b.jpg", "../c.png", "a.png")]
    rows.append(Row("bad.png", error="damaged"))
    assert sidecar_texts(rows) == {
        "a.png.txt": "a.png\n", "b.png.txt": "b.png\n", "b.jpg.txt": "b.jpg\n", "c.txt": "../c.png\n",
        "a.png-2.txt": "a.png\n",
    }  # fmt: skip


def test_nothing_dropped_is_said_kindly(page: Any) -> None:
    client = gradio_client.Client(page.local_url, verbose=False)
    state = client.predict([], "short", api_name="/captions")[0]
    assert "drop some pictures first" in state

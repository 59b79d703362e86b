"""`vlm caption --engine ray`: two actors that hold the model give what one process gives."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demo.caption import job, local
from demo.captioning.listing import Item, Listing
from demo.captioning.options import CaptionOptions
from vlm.assistant import load
from vlm.captioning import CaptionRequest

from ..encoders.hazards import encoded, picture
from .captions import save
from .test_caption_listing import archive
from .test_caption_runs import failures, table


def test_an_actor_without_ray(tmp_path: Path, tiny_folder: Path) -> None:
    """What Ray does with a block, by hand: requests to columns, through the actor, and columns to results."""
    from demo.captioning.on_ray import COLUMNS, Captioner, _result, _row

    path = save(tmp_path / os.fsdecode(b"\xff\n.png"), 90, 30)
    tar = archive(tmp_path / "in.tar", {"a.png": encoded(picture(), "PNG"), "b.png": b"broken"})
    items = [entry for entry in Listing((str(path), str(tar), str(tmp_path / "no.png"))) if isinstance(entry, Item)]
    requests = [CaptionRequest(item.place + 7, item.source, "what is it?", item.name) for item in items]
    rows = [_row(request) for request in requests]
    block = {name: np.array([row[name] for row in rows], dtype=object) for name in rows[0]}
    settings = {"batch_size": 2, "workers": 1, "schema": None, "max_new_tokens": 8}
    columns = Captioner(model=str(tiny_folder), device="cpu", loading={}, **settings)(block)
    assert set(columns) == set(COLUMNS)
    results = [_result(*values) for values in zip(*(columns[name] for name in COLUMNS), strict=True)]
    found = {result.place: (result.text, result.error.code if result.error else "") for result in results}
    alone = load(tiny_folder)
    texts = [alone.ask("what is it?", images=[image], max_new_tokens=8).text for image in (path, picture())]
    assert found == {7: (texts[0], ""), 8: (texts[1], ""), 9: ("", "bad_image"), 10: ("", "not_found")}


@pytest.mark.slow
def test_two_actors(tmp_path: Path, tiny_folder: Path) -> None:
    ray = pytest.importorskip("ray")
    from demo.captioning.on_ray import ray_engine

    sizes = [(40, 30), (90, 30), (64, 64), (30, 90), (33, 32), (120, 40)]
    for number in range(150):
        save(tmp_path / "in" / f"{number:03d}.png", *sizes[number % len(sizes)])
    (tmp_path / "in" / "077.png").write_bytes(encoded(picture(), "PNG")[:50])
    (tmp_path / "in" / "empty.png").touch()
    tar = archive(tmp_path / "in" / "more.tar", {"a.png": encoded(picture(), "PNG"), "b.png": b""})
    listing = Listing((str(tmp_path / "in"), str(tar)))
    found: dict[str, Any] = {}
    ray.init(num_cpus=2, object_store_memory=80 << 20, include_dashboard=False, logging_level="ERROR")
    try:
        for name in ("local", "ray"):
            (tmp_path / name).mkdir()
            options = CaptionOptions(
                format="jsonl", output=tmp_path / name / "out.jsonl", style="short", max_new_tokens=8,
                model=str(tiny_folder),
            )  # fmt: skip
            engine = (
                local(load(tiny_folder), options, batch_size=4)
                if name == "local"
                else ray_engine(options, actors=2, batch_size=4, workers=1, device="cpu")
            )
            summary = job(listing, options)(engine)
            assert (summary.captioned, summary.failed) == (150, {"bad_image": 3})
            found[name] = table(tmp_path / name / "out.jsonl"), failures(tmp_path / name)
            again = job(listing, options)(engine)  # the same rules of resuming: only the failures are tried again
            assert (again.captioned, again.skipped, again.failed) == (0, 150, {"bad_image": 3})
    finally:
        ray.shutdown()
    assert found["local"] == found["ray"] and len(found["ray"][0]) == 150
    assert len({row["text"] for row in found["ray"][0]}) >= len(sizes)

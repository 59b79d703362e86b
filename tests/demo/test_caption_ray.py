"""`vlm caption --engine ray`: two actors that hold the model give what one process gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from demo.caption import job, local
from demo.captioning.listing import Listing
from demo.captioning.options import CaptionOptions
from vlm.assistant import load

from ..encoders.hazards import encoded, picture
from .captions import save
from .test_caption_listing import archive
from .test_caption_runs import failures, table

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow


def test_two_actors(tmp_path: Path, tiny_folder: Path) -> None:
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

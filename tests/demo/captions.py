"""What the tests of `vlm caption` share: pictures, and an engine that opens them truly but says their size."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from demo.caption import job
from demo.captioning.listing import Listing
from demo.captioning.options import CaptionOptions
from demo.captioning.run import Engine, Summary
from encoders.media import load_image
from vlm.captioning import CaptionBatches, Captioned, CaptionRequest


class Said(NamedTuple):
    """A `vlm.assistant.Reply` as far as these tests look at it; they run without torch."""

    text: str
    finish_reason: str = "stop"


def save(path: Path, width: int = 8, height: int = 6) -> Path:
    """A picture, known by its size; the format follows from the name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (width % 256, 0, 0)).save(path)
    return path


def sized(log: Path | None = None, batch_size: int = 4, pause: float = 0.0) -> Engine:
    """Says "WxH prompt"; appends the name of each picture that it captions to `log`."""

    def engine(requests: Iterable[CaptionRequest]) -> Iterator[list[Captioned]]:
        asked: dict[int, CaptionRequest] = {}

        def prepare(request: CaptionRequest) -> Any:
            asked[request.place] = request
            return load_image(request.source(), name=request.name).size

        def answer(samples: list[Any], places: list[int]) -> list[Any]:
            time.sleep(pause)
            requests = [asked.pop(place) for place in places]
            if log:
                with log.open("ab") as file:
                    file.write(b"".join(os.fsencode(str(request.name)) + b"\n" for request in requests))
            texts = [f"{w}x{h} {r.prompt}" for (w, h), r in zip(samples, requests, strict=True)]
            return [Said(text) for text in texts]

        return CaptionBatches(prepare, answer, lambda _: 4, batch_size, workers=2)(requests)

    return engine


def captioned(*paths: Path | str, engine: Engine | None = None, **options: object) -> Summary:
    """One run over these paths, with the prompt "?" unless told otherwise."""
    chosen = CaptionOptions(**{"prompt": "?", **options})  # type: ignore[arg-type]
    return job(Listing(tuple(map(os.fspath, paths))), chosen)(engine or sized())

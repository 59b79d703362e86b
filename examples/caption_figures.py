"""How fast and how true `vlm caption` is: pictures that the studio draws, captioned as a user would, and marked.

    python examples/caption_figures.py -n 500

Speed: one folder, at batch size 1 and at the automatic one, alternately in parts, so that another load on
the machine meets both; also in seconds of CPU time, which such a load does not change. Truth: the facts
that captions state against those of the scene (precision), and against those that the studio's own caption
of that style states (recall); *blind*: the same for grey pictures.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

import torch
from PIL import Image

import vlm
from demo.caption import job, local
from demo.captioning.listing import Listing
from demo.captioning.options import CaptionOptions
from training.evaluate import facts_in
from training.synthetic import FAMILIES, Sample, make
from vlm.assistant import Assistant

PARTS = 5


def captions_of(assistant: Assistant, folder: Path, style: str, batch_size: int | None) -> dict[str, str]:
    """`vlm caption folder --format jsonl`, into a new file: name -> caption."""
    output = folder / f"{time.monotonic_ns()}.jsonl"
    options = CaptionOptions(format="jsonl", output=output, style=style, max_new_tokens=160)
    summary = job(Listing((str(folder),)), options)(local(assistant, options, batch_size))
    assert summary.exit_code == 0, summary
    return {row["file_name"]: row["text"] for row in map(json.loads, output.read_text().splitlines())}


def speed(assistant: Assistant, folder: Path, names: list[str], style: str) -> None:
    totals = {1: [0.0, 0.0], None: [0.0, 0.0]}
    same = 0
    for part in range(PARTS):
        with tempfile.TemporaryDirectory() as place:
            for name in names[part::PARTS]:
                Path(place, name).hardlink_to(folder / name)
            texts = []
            for batch_size in (1, None) if part % 2 else (None, 1):
                wall, work = time.perf_counter(), time.process_time()
                texts.append(captions_of(assistant, Path(place), style, batch_size))
                totals[batch_size][0] += time.perf_counter() - wall
                totals[batch_size][1] += time.process_time() - work
            same += sum(texts[0][name] == texts[1][name] for name in texts[0])
    (wall_1, work_1), (wall_auto, work_auto) = totals[1], totals[None]
    n = len(names)
    print(
        f"{style}, n = {n}: batch 1 {n / wall_1:.2f} images/s, auto {n / wall_auto:.2f}; {wall_1 / wall_auto:.2f} times"
    )
    print(f"of CPU time {n / work_1:.2f} and {n / work_auto:.2f}; {work_1 / work_auto:.2f} times; same text {same}/{n}")


def truth(samples: dict[str, Sample], captions: dict[str, str], style: str) -> str:
    hit = said = found = wanted = 0
    for name, sample in samples.items():
        stated, own = facts_in(sample.family, captions[name]), facts_in(sample.family, sample.captions[style])
        hit, said = hit + len(stated & (sample.facts | own)), said + len(stated)
        found, wanted = found + len(stated & own), wanted + len(own)
    return f"precision {100 * hit / max(said, 1):.1f} %, recall {100 * found / max(wanted, 1):.1f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("-n", type=int, default=500)
    parser.add_argument("--model", default="default")
    parser.add_argument("--threads", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    assistant = vlm.load(arguments.model)
    with tempfile.TemporaryDirectory() as place:
        seen, blind = Path(place, "seen"), Path(place, "blind")
        seen.mkdir()
        blind.mkdir()
        samples = {}
        for number in range(arguments.n):
            sample = make(FAMILIES[number % len(FAMILIES)], number // len(FAMILIES), "seeds")
            image, name = sample.image, f"{number:05d}.png"
            image.save(seen / name)
            Image.new("RGB", image.size, (128, 128, 128)).save(blind / name)
            samples[name] = sample
        speed(assistant, seen, list(samples), "short")
        for style in ("short", "detailed"):
            for kind, folder in (("seen", seen), ("blind", blind)):
                print(f"{style}, {kind}, n = {arguments.n}: ", end="")
                print(truth(samples, captions_of(assistant, folder, style, None), style), flush=True)


if __name__ == "__main__":
    main()

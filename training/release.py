"""A trained model folder -> the embedded one: weights in bf16, and the log of how they came about.

python -m training.release runs/studio vlm/default
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from vlm import checkpoint

KEPT = ("MODEL_CARD.md",)


def release(run_dir: Path, target: Path) -> Path:
    """The last stage's model of `run_dir` replaces `target`; files in `KEPT` stay. Returns the log file."""
    stages = sorted((folder for folder in run_dir.glob("[0-9]*-*") if (folder / "model").is_dir()), key=_number)
    model, processor = checkpoint.load(stages[-1] / "model")
    kept = {name: (target / name).read_text() for name in KEPT if (target / name).exists()}
    checkpoint.save(target, model, processor, dtype=torch.bfloat16)
    for name, text in kept.items():  # beside the manifest: prose may change, weights may not
        (target / name).write_text(text)
    log = Path(__file__).parent / "recipes" / f"{run_dir.name}.log.jsonl"
    log.write_text("".join(line for folder in stages for line in validations(folder / "metrics.jsonl")))
    return log


def validations(path: Path) -> list[str]:
    """The validation lines of a stage's metrics."""
    lines = path.read_text().splitlines(keepends=True)
    return [line for line in lines if "val_loss" in json.loads(line)]


def _number(folder: Path) -> int:
    return int(folder.name.partition("-")[0])


if __name__ == "__main__":
    print(f"log written to {release(Path(sys.argv[1]), Path(sys.argv[2]))}")

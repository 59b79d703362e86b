"""A recipe, start to end: tokenizer, fresh model, then each stage in order, resuming where it stopped."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from vlm import checkpoint
from vlm.model import VLM, build_model
from vlm.processor import Processor
from vlm.tokenizer import Tokenizer

from .loop import train
from .stages import Recipe
from .tokenizer import train_tokenizer


def prepare(recipe: Recipe, run_dir: Path) -> tuple[VLM, Processor]:
    """The fresh model of a recipe; its tokenizer is trained once and kept in the run folder."""
    path = run_dir / "tokenizer.json"
    if not path.exists():
        from .synthetic.conversations import BRIEFLY, CAPTION_PROMPTS, DESCRIBED, IN_A_SENTENCE, OF_ONE, TRANSCRIBE

        prompts = [*BRIEFLY, *DESCRIBED, *IN_A_SENTENCE, *OF_ONE, *TRANSCRIBE, *sum(CAPTION_PROMPTS.values(), ())]
        words = [prompt.replace("[", " ").replace("]", " ").replace("|", " ") for prompt in prompts]
        run_dir.mkdir(parents=True, exist_ok=True)
        train_tokenizer(recipe.tokenizer_size, recipe.tokenizer_scenes, words).backend.save(str(path))
    processor = Processor(recipe.model, Tokenizer.from_file(path))
    torch.manual_seed(recipe.seed)
    return build_model(recipe.model), processor


def run(
    recipe: Recipe, run_dir: Path, *, workers: int = 1, device: str = "cpu", quiet: bool = False,
    until: str | None = None,
) -> Path:  # fmt: skip
    """Every stage that is not finished yet, up to and with `until`. Returns the last stage's model folder."""
    model, processor = prepare(recipe, run_dir)
    folder = run_dir
    for number, stage in enumerate(recipe.stage, start=1):
        folder = run_dir / f"{number}-{stage.name}"
        done = folder / "model" / "config.json"
        if done.exists():
            model, _ = checkpoint.load(folder / "model")
        else:
            measured = train(model, processor, stage, run_dir=folder, workers=workers, device=device, quiet=quiet)
            checkpoint.save(folder / "model", model.cpu(), processor, extra_files={"measured.json": json.dumps(measured)})
        if stage.name == until:
            break
    return folder / "model"

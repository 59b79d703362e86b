"""A recipe, start to end: tokenizer, fresh model, then each stage in order, resuming where it stopped."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from encoders.clip import ClipEncoder, resized
from vlm import checkpoint, sources
from vlm.errors import CheckpointError, VlmError
from vlm.model import VLM, build_model
from vlm.processor import Processor
from vlm.tokenizer import Tokenizer

from .data import Examples
from .distributed import launch, rank
from .fusing import fuse
from .loop import Interrupted, train
from .stages import Recipe, StageConfig
from .tokenizer import train_tokenizer


def prepare(recipe: Recipe, run_dir: Path) -> tuple[VLM, Processor]:
    """The model that a recipe begins with; a fresh one's tokenizer is trained once and kept in the run folder."""
    if recipe.model is None:
        model, processor = sources.load(recipe.start)
        recipe.check_parts(processor.config)
        return with_views(model, processor, recipe.grids or None, recipe.image_size)
    path = run_dir / "tokenizer.json"
    if not path.exists():
        from .synthetic.conversations import BRIEFLY, CAPTION_PROMPTS, DESCRIBED, IN_A_SENTENCE, OF_ONE, TRANSCRIBE

        prompts = [*BRIEFLY, *DESCRIBED, *IN_A_SENTENCE, *OF_ONE, *TRANSCRIBE, *sum(CAPTION_PROMPTS.values(), ())]
        words = [prompt.replace("[", " ").replace("]", " ").replace("|", " ") for prompt in prompts]
        run_dir.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".tmp")  # renamed when whole: a torn file would stop every later start
        train_tokenizer(recipe.tokenizer_size, recipe.tokenizer_scenes, words).backend.save(str(fresh))
        fresh.replace(path)
    processor = Processor(recipe.model, Tokenizer.from_file(path))
    torch.manual_seed(recipe.seed)
    return build_model(recipe.model), processor


def with_views(
    model: VLM, processor: Processor, grids: tuple[tuple[int, int], ...] | None, image_size: int = 0
) -> tuple[VLM, Processor]:
    """A model that sees pictures in other tiles (rows, columns; none: an overview alone) or of another size, in place.

    Raises:
        CheckpointError: it has no vision tower, or not the one that can be resized.
        VlmError: a size that patches do not fill.
    """
    if grids is None and not image_size:
        return model, processor
    config = processor.config
    if config.clip is None:
        raise CheckpointError("config: grids or image_size given, but the model has no vision tower")
    seen = config.clip.grids if grids is None else grids
    clip = replace(config.clip, grids=seen, image_size=image_size or config.clip.image_size)
    if clip.image_size != config.clip.image_size:
        if not isinstance(tower := model.encoders["image"], ClipEncoder):
            raise CheckpointError("config: image_size is for a tower of open_clip's")
        model.encoders["image"] = resized(tower, clip.image_size)
    return model, Processor(replace(config, clip=clip), processor.tokenizer)


def check_speech(stages: Iterable[StageConfig]) -> None:
    """Raises `VlmError` at the start, not hours later, where a stage will need a program that is missing."""
    spoken = [s.name for s in stages if s.objective == "ctc" or s.mixture.spoken or s.mixture.transcripts]
    if spoken and shutil.which("espeak-ng") is None:
        raise VlmError(
            "missing_program",
            f"stage {spoken[0]!r} trains on speech, which espeak-ng makes, but it is not installed (Debian, Ubuntu: "
            "apt-get install espeak-ng; macOS: brew install espeak-ng); the recipe 'smoke' does without",
        )


def run(
    recipe: Recipe, run_dir: Path, *, workers: int = 1, device: str = "cpu", quiet: bool = False,
    until: str | None = None, stop: Callable[[], bool] = lambda: False,
) -> Path:  # fmt: skip
    """Every stage that is not finished yet, up to and with `until`. Returns the last stage's model folder.

    Raises:
        CheckpointError: no stage is called `until`; a folder in `run_dir` is damaged or of another recipe.
        VlmError: a stage needs espeak-ng, which is missing.
        Interrupted: `stop` said yes (see `train`).
    """
    names = [stage.name for stage in recipe.stage]
    if until is not None and until not in names:
        raise CheckpointError(f"recipe {recipe.name!r} has no stage {until!r}; its stages: {', '.join(names)}")
    check_speech(recipe.stage[: names.index(until) + 1] if until else recipe.stage)
    model, processor = prepare(recipe, run_dir)
    folder = run_dir
    for number, stage in enumerate(recipe.stage, start=1):
        folder = run_dir / f"{number}-{stage.name}"
        done = folder / "model" / "config.json"
        if done.exists():
            model, _ = checkpoint.load(folder / "model")
        else:
            measured = train(
                model, processor, stage, run_dir=folder, workers=workers, device=device, quiet=quiet, stop=stop
            )
            if rank() == 0:
                facts = {"measured.json": json.dumps(measured)}
                as_trained = Examples(processor, stage).processor  # without tiles, where the stage drew none
                checkpoint.save(folder / "model", model.cpu(), as_trained, extra_files=facts)
        if stage.name == until:
            break
    return folder / "model"


def run_in_processes(
    recipe: Recipe, run_dir: Path, processes: int, *, threads: int, workers: int, until: str | None,
    fused: bool = False,
) -> Path:  # fmt: skip
    """`run` in several processes of this machine's CPU; the batch of a step is theirs together.

    Raises:
        Interrupted: a signal came; the state was saved.
    """
    prepare(recipe, run_dir)  # here once, so that the processes find the tokenizer made
    launch(processes, threads, _run_one, recipe, run_dir, workers, until, fused)
    names = [stage.name for stage in recipe.stage]
    last = names.index(until) if until else len(names) - 1
    folder = run_dir / f"{last + 1}-{names[last]}" / "model"
    if not folder.exists():
        raise VlmError("interrupted", f"{run_dir}: stopped before the end; the same command goes on from there")
    return folder


def _run_one(recipe: Recipe, run_dir: Path, workers: int, until: str | None, fused: bool) -> None:
    if fused:
        fuse()
    with contextlib.suppress(Interrupted):
        run(recipe, run_dir, workers=workers, until=until, stop=stop_on_signal())


def stop_on_signal() -> Callable[[], bool]:
    """True after the first Ctrl-C or SIGTERM; a second one ends the process at once. For programs, not libraries."""
    asked: list[int] = []

    def note(number: int, _: Any) -> None:
        asked.append(number)
        signal.signal(number, signal.SIG_DFL)
        print("\nfinishing this step; once more to leave at once", file=sys.stderr, flush=True)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, note)
    return lambda: bool(asked)

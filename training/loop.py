"""ONE loop for every stage: draw batches, sum the loss, step, measure, save, resume."""

from __future__ import annotations

import ctypes
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from tqdm import tqdm

from encoders.clip import ClipEncoder
from vlm import sources
from vlm.batch import IGNORE_INDEX, Batch, MediaBatch
from vlm.cases import GREY
from vlm.errors import CheckpointError, VlmError
from vlm.model import VLM
from vlm.processor import Processor

from .calibrate import balance, calibrate, even_out
from .checkpointing import has_state, load_state, save_state
from .data import Examples, stream
from .dense import SIGNS, Vocabulary, vocabulary
from .distributed import agree, rank, sum_gradients, world
from .loss import (
    ContrastiveHead,
    CtcHead,
    DenseHead,
    GroundingHead,
    ImitateHead,
    WordsHead,
    answer_numbers,
    next_token_loss,
)
from .optim import build_optimizers, freeze, rate_factor
from .pointing import Mentions, Spelling
from .precision import multiplies_bf16
from .stages import StageConfig
from .synthetic import FAMILIES
from .told import Bags, with_perfect_sight
from .written import WrittenWords


def tune_allocator() -> None:
    """Keeps freed blocks in the process: glibc otherwise returns large ones at each step (about 1.5x slower)."""
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return  # not glibc: nothing to tune
    for option, value in ((-4, 0), (-1, 1 << 30), (-2, 1 << 28)):  # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
        libc.mallopt(option, value)


def build_heads(stage: StageConfig, processor: Processor) -> nn.Module | None:
    """What a pretraining objective needs beside the model; dropped after the stage."""
    config = processor.config
    match stage.objective:
        case "contrastive":
            assert config.clip is not None, "a contrastive stage needs a vision tower"
            return ContrastiveHead(config.decoder.vocab_size, config.special_ids.eos[0], config.clip.embed_dim)
        case "dense":
            assert config.clip is not None, "a dense stage needs a vision tower"
            known = vocabulary(stage.families or FAMILIES)
            return DenseHead(config.clip.width, known, build_written(stage, processor))
        case "words":
            return WordsHead(build_bags(stage, processor))
        case "imitate":
            return ImitateHead(teacher_of(stage, processor), build_written(stage, processor))
        case "ctc":
            assert config.whisper is not None, "a ctc stage needs an audio encoder"
            return CtcHead(config.whisper.d_model)
        case "next-token":
            if not (stage.grounded or stage.hearing):
                return None
            words, mentions = build_written(stage, processor), Mentions(*known_words(stage, processor))
            tokenizer, silence = processor.tokenizer, config.special_ids.bos
            spelling = Spelling(config.decoder.vocab_size, tokenizer.decode)
            signs = torch.tensor([tokenizer.encode(sign)[0] for sign in SIGNS])
            return GroundingHead(words, mentions, spelling, signs, silence, stage.naming, stage.pointing, stage.hearing)


def teacher_of(stage: StageConfig, processor: Processor) -> VLM:
    """The model that an `imitate` stage names. Raises `CheckpointError` if its tokens are not patch for patch ours."""
    model, its = sources.load(stage.teacher)
    ours, theirs = processor.config, its.config
    tokens = [
        (one.clip and one.clip.side, one.image_projector and one.image_projector.downsample, one.decoder.hidden_size)
        for one in (ours, theirs)
    ]
    if tokens[0] != tokens[1]:
        raise CheckpointError(
            f"config: stage {stage.name!r}: its teacher {stage.teacher} gives other tokens than the model (patches a "
            f"side, downsample, width: {tokens[1]} instead of {tokens[0]})"
        )
    return model


def known_words(stage: StageConfig, processor: Processor) -> tuple[int, Callable[[str], list[int]], Vocabulary]:
    """Size of the decoder's vocabulary, how it spells, and the words of the stage's pictures."""
    config, tokenizer = processor.config.decoder, processor.tokenizer
    return config.vocab_size, tokenizer.encode, vocabulary(stage.families or FAMILIES)


def build_bags(stage: StageConfig, processor: Processor) -> Bags:
    return Bags(*known_words(stage, processor))


def build_written(stage: StageConfig, processor: Processor) -> WrittenWords:
    vocab_size, encode, words = known_words(stage, processor)
    return WrittenWords((vocab_size, processor.config.decoder.hidden_size), encode, words)


def batch_loss(
    model: VLM, heads: nn.Module | None, batch: Any, stage: StageConfig, device: torch.device
) -> tuple[Tensor, float]:  # fmt: skip
    """(sum of losses, what it was summed over) for a batch of any stage."""
    if heads is None:
        return next_token_loss(model, batch.to(device), stage.balance)
    if isinstance(heads, GroundingHead):
        return heads(model, batch.to(device), stage.balance)  # type: ignore[no-any-return]
    moved = [item.to(device) if isinstance(item, Tensor) else item for item in batch]
    found: tuple[Tensor, float] = heads(model, *moved)
    return found


@contextmanager
def compute(stage: StageConfig, device: torch.device) -> Iterator[None]:
    """Autocast to bf16, where the stage has it; on a CPU, for a tower that is trained, the plain attention kernel.

    Its backward pass is faster. It would turn bf16 into fp32 and back, at a quarter of a training step, unless told
    to leave it. (The decoder attends in its own way: see `attend`.)
    """
    with ExitStack() as stack:
        half = multiplies_bf16(device) if stage.precision == "auto" else stage.precision == "bf16"
        stack.enter_context(torch.autocast(device.type, torch.bfloat16, enabled=half))
        if device.type == "cpu" and stage.trains.vision:
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
            before = torch.backends.cuda.fp16_bf16_reduction_math_sdp_allowed()  # not of CUDA alone, for all its name
            torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp(True)
            stack.callback(torch.backends.cuda.allow_fp16_bf16_reduction_math_sdp, before)
        yield


class Interrupted(VlmError):
    """Training was asked to stop and saved its state first."""

    def __init__(self, stage: str, step: int, steps: int) -> None:
        super().__init__(
            "interrupted", f"stage {stage} stopped at step {step} of {steps}; the same command goes on from there"
        )


class Training(nn.Module):
    """Model and heads under one roof, so that one state covers both."""

    def __init__(self, model: VLM, heads: nn.Module | None) -> None:
        super().__init__()
        self.model, self.heads = model, heads


def train(
    model: VLM, processor: Processor, stage: StageConfig, *, run_dir: Path,
    workers: int = 1, device: torch.device | str = "cpu", quiet: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> dict[str, float]:  # fmt: skip
    """Runs (or resumes) one stage; `model` is trained in place. Returns the last validation.

    Writes `metrics.jsonl` and `state/` into `run_dir`. `stop` is asked between steps, where a state
    is whole: once it says yes, the state is saved and `Interrupted` raised.

    Raises:
        CheckpointError: `run_dir` holds the state of a different stage or model.
        Interrupted: `stop` said yes.
        FloatingPointError: ten steps in a row whose loss or gradient is not finite.
    """
    device = torch.device(device)
    tune_allocator()
    torch.manual_seed(stage.seed)
    freeze(model, stage)
    if stage.told:
        model = with_perfect_sight(model, build_bags(stage, processor))
    heads = build_heads(stage, processor)
    training = Training(model, heads).to(device).train()
    optimizers = build_optimizers(model, heads, stage)
    step = 0
    run_dir.mkdir(parents=True, exist_ok=True)
    if has_state(run_dir):
        facts = load_state(run_dir, training, optimizers)
        if facts["stage"]["name"] != stage.name or facts["stage"]["seed"] != stage.seed:
            raise CheckpointError(f"{run_dir}: holds a run of stage {facts['stage']['name']!r}, not {stage.name!r}")
        step = facts["step"]
    examples = Examples(processor, stage)
    if step == 0 and stage.calibrate:
        media = Examples(processor, replace(stage, objective="next-token")).batches(0)
        calibrate(model, (batch.to(device) for batch in media), stage.calibrate)
    if step == 0 and stage.objective == "dense":
        balance(image_tower(model))
    batches = stream(examples, step * stage.accumulate, workers, rank(), world())
    validation = validation_batches(processor, stage) if rank() == 0 else []
    saved = time.monotonic()
    measured: dict[str, float] = {}
    with Metrics(run_dir / "metrics.jsonl", stage, step, quiet or rank() > 0) as metrics:
        while step < stage.steps:
            loss, norm = gradients(training, optimizers, batches, stage, step, device)
            update(optimizers, norm)
            step += 1
            metrics.step(step, loss, norm, rate_factor(step - 1, stage))
            if rank() == 0 and (step % stage.validate_every == 0 or step == stage.steps):
                measured = validate(training, validation, stage, device)
                metrics.validation(step, measured)
            stopping = agree(stop())
            due = stopping or step == stage.steps or time.monotonic() - saved > stage.checkpoint_seconds
            if due and rank() == 0:
                save_state(run_dir, training, optimizers, {"step": step, "stage": asdict(stage)})
                saved = time.monotonic()
            if stopping:
                raise Interrupted(stage.name, step, stage.steps)
    measured = measured or validate(training, validation, stage, device)
    if stage.objective == "dense":
        even_out(image_tower(model), torch.cat([examples.dense(-1 - i)[0] for i in range(16)]).to(device))
    return measured


def image_tower(model: VLM) -> ClipEncoder:
    tower = model.encoders["image"]
    assert isinstance(tower, ClipEncoder)
    return tower


def gradients(
    training: Training, optimizers: list[torch.optim.Optimizer], batches: Iterator[Any], stage: StageConfig,
    step: int, device: torch.device,
) -> tuple[float, float]:  # fmt: skip
    """Gradients of `accumulate` batches, weighted by what each loss was summed over, and the step's rates.

    Returns the mean loss and the gradient norm before clipping.
    """
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    for group in groups:
        group["lr"] = group["peak"] * rate_factor(step, stage)
    total, count = 0.0, 0.0
    for _ in range(stage.accumulate):
        batch = next(batches)  # outside: workers inherit what is in force when they start
        with compute(stage, device):
            loss, n = batch_loss(training.model, training.heads, batch, stage, device)
        loss.backward()
        total, count = total + float(loss.detach()), count + n
    parameters = [p for group in groups for p in group["params"]]
    total, count = sum_gradients(parameters, total, count)
    trained = [p for p in parameters if p.grad is not None]
    for parameter in trained:
        parameter.grad /= max(1, count)  # type: ignore[operator]
    norm = float(nn.utils.clip_grad_norm_(trained, stage.clip_norm))
    return total / max(1, count), norm


def update(optimizers: list[torch.optim.Optimizer], norm: float) -> None:
    """One optimizer step. A gradient that is not finite is skipped, not applied."""
    for optimizer in optimizers:
        if math.isfinite(norm):
            optimizer.step()
        optimizer.zero_grad(set_to_none=True)


# --- measuring while training ----------------------------------------------------------------------


def validation_batches(processor: Processor, stage: StageConfig) -> list[Any]:
    """A few batches of held-out seeds, the same at every validation."""
    examples = Examples(processor, stage, "seeds")
    groups = -(-stage.validate_samples // (4 * stage.batch_size))
    return [batch for group in range(groups) for batch in examples.batches(group)]


@torch.inference_mode()
def validate(training: Training, batches: list[Any], stage: StageConfig, device: torch.device) -> dict[str, float]:
    """Loss on held-out seeds, and shares: of answers with and without the media, of words and letters seen."""
    training.eval()
    total, count = 0.0, 0.0
    scores: dict[str, list[int]] = {}

    def score(name: str, right: int, asked: int) -> None:
        before = scores.get(name, [0, 0])
        scores[name] = [before[0] + right, before[1] + asked]

    for batch in batches:
        with compute(stage, device):
            loss, n = batch_loss(training.model, training.heads, batch, stage, device)
            total, count = total + float(loss), count + n
            if isinstance(batch, Batch):
                for name, seen in (("exact", batch), ("blind", without_media(batch))):
                    score(name, *exact_answers(training.model, seen.to(device)))
            elif isinstance(training.heads, DenseHead):
                for name, found in training.heads.measure(training.model, *(item.to(device) for item in batch)).items():
                    score(name, *found)
    training.train()
    measured = {"val_loss": total / max(1, count)}
    return measured | {name: right / asked for name, (right, asked) in scores.items() if asked}


def exact_answers(model: VLM, batch: Batch) -> tuple[int, int]:
    """How many answers greedy decoding would give word for word, and how many were asked.

    If each token of an answer is the most probable one after the true tokens before it, greedy
    decoding says exactly that answer, so one forward pass tells.
    """
    targets = batch.labels[:, 1:]
    wanted = targets != IGNORE_INDEX
    best = model.decoder.head(model.states(batch)[:, :-1][wanted]).argmax(-1)
    wrong = torch.zeros_like(wanted)
    wrong[wanted] = best != targets[wanted]
    numbers = answer_numbers(wanted)  # (B, T-1)
    right = asked = 0
    for row in range(len(targets)):
        asked_here = int(numbers[row].max())
        asked += asked_here
        right += asked_here - len(numbers[row][wrong[row]].unique())
    return right, asked


NOTHING = {torch.uint8: GREY[0], torch.int8: 0, torch.float32: -0.5}
"""By what a medium's inputs are: grey pixels, patches without a word, a silent spectrogram."""


def without_media(batch: Batch) -> Batch:
    """The same questions with every picture grey and every sound silent."""
    grey = {
        name: MediaBatch(
            torch.full_like(m.inputs, NOTHING[m.inputs.dtype]), m.lengths, m.layouts
        )
        for name, m in batch.media.items()
    }  # fmt: skip
    return replace(batch, media=grey)


class Metrics:
    """A progress bar with ETA for people, one JSON line per report for machines."""

    def __init__(self, path: Path, stage: StageConfig, step: int, quiet: bool) -> None:
        self.path = path
        self.stage = stage
        self.bar = tqdm(
            total=stage.steps, initial=step, desc=stage.name, disable=quiet, dynamic_ncols=True, mininterval=5
        )
        self.started = time.monotonic()
        self.recent: list[float] = []
        self.skipped = 0

    def __enter__(self) -> Metrics:
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def step(self, step: int, loss: float, norm: float, rate_factor: float) -> None:
        self.recent = [*self.recent[-49:], loss]
        self.skipped = 0 if math.isfinite(loss) and math.isfinite(norm) else self.skipped + 1
        if self.skipped == 10:
            raise FloatingPointError(f"stage {self.stage.name}: ten steps in a row are not finite; lower the rates")
        self.bar.set_postfix(loss=f"{sum(self.recent) / len(self.recent):.3f}", refresh=False)
        self.bar.update()
        if step % 20 == 0:
            self._write(
                step=step,
                loss=round(sum(self.recent[-20:]) / len(self.recent[-20:]), 5),
                norm=round(norm, 4),
                rate_factor=rate_factor,
            )

    def validation(self, step: int, measured: dict[str, float]) -> None:
        self._write(step=step, **{name: round(value, 5) for name, value in measured.items()})
        if not self.bar.disable:
            self.bar.write(f"{self.stage.name} {step}: " + ", ".join(f"{k} {v:.4f}" for k, v in measured.items()))

    def _write(self, **facts: Any) -> None:
        if rank() > 0:
            return
        seconds = round(time.monotonic() - self.started, 1)
        wild = [name for name, value in facts.items() if isinstance(value, float) and not math.isfinite(value)]
        facts |= dict.fromkeys(wild)  # JSON has no NaN
        with self.path.open("a") as file:
            file.write(json.dumps({"stage": self.stage.name, "seconds": seconds, **facts}) + "\n")

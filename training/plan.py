"""How much memory a stage of training will take on a CPU, before it starts: one step, rehearsed without numbers.

The step is the loop's own: its optimisers, its autocast, its frozen parts. Left out are the heads of pretraining
objectives (of `imitate` a teacher), validation, and what the allocator keeps beside it.
"""

from __future__ import annotations

from dataclasses import fields

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from projector.downsample import stack_frames
from projector.modules import AudioProjector
from vlm.config import ModelConfig
from vlm.model import VLM
from vlm.plan import KERNELS, Plan, built, floor_of, pictures, spectra, tiles_of
from vlm.rehearsal import Counter, bytes_of, rehearsed

from .loop import compute, update
from .optim import build_optimizers, freeze
from .stages import Mixture, StageConfig

PICTURES = {"images": 1, "captions": 1, "two_images": 2, "spoken": 1}
SOUNDS = {"spoken": 3, "transcripts": 1, "sounds": 1}
"""In a row of each kind of example, as `training/data.py` makes them."""
SUPERVISED = 4
"""One position of so many is learned from."""


def stage_plan(config: ModelConfig, stage: StageConfig, *, context: int, batch: int | None = None) -> Plan:
    """Of rows of `context` positions, `batch` of them (the stage's own) in each micro-batch."""
    batch = batch or stage.batch_size
    floor = floor_of(config)
    with rehearsed():
        model = built(config).train()
        weights = bytes_of(model.parameters())
        freeze(model, stage)
        optimizers = build_optimizers(model, None, stage)
        trained = [p for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
        gradients = bytes_of(iter(trained))
        with Counter() as counter:
            states = 0
            for _ in range(2):  # the first step makes the optimisers' states, the second one has all at once
                with compute(stage, torch.device("cpu")):
                    loss = _loss(model, config, stage, batch, context)
                loss.backward()
                del loss
                nn.utils.clip_grad_norm_(trained, stage.clip_norm)
                update(optimizers, 0.0)
                states = counter.held
    rows = {
        "Python and libraries": floor + KERNELS,
        "weights": weights,
        "gradients": gradients,
        "states of the optimisers": states,
        "activations of one micro-batch": max(counter.peak - states - gradients, 0),
    }
    return Plan(f"training, stage {stage.name}: {batch} rows of {context} positions", rows)


def _loss(model: VLM, config: ModelConfig, stage: StageConfig, batch: int, context: int) -> Tensor:
    """Of a batch of the stage's kind, without content."""
    tiles = 1 if stage.overview_only else tiles_of(config)
    match stage.objective:
        case "next-token":
            return _next_token(model, config, stage, batch, context, tiles)
        case "contrastive":
            return _features(model, "image", pictures(config, batch)).float().sum()
        case "dense" | "words" | "imitate":
            seen = _features(model, "image", pictures(config, batch * (tiles + stage.crops)))
            return (seen if stage.objective == "dense" else _shown(model, config, seen, 1)).float().sum()
        case "ctc":
            return _features(model, "audio", spectra(config, batch)).float().sum()


def _features(model: VLM, modality: str, inputs: Tensor) -> Tensor:
    values: Tensor = model.encoders[modality](inputs, torch.empty(len(inputs), dtype=torch.int64)).values
    return values


def _next_token(model: VLM, config: ModelConfig, stage: StageConfig, batch: int, context: int, tiles: int) -> Tensor:
    ids = torch.empty(batch, context, dtype=torch.int64)
    embeds = model.decoder.embed(ids)
    images = _in_a_batch(stage, PICTURES, batch) if config.clip else 0
    if images and not stage.told:
        seen = _features(model, "image", pictures(config, images * tiles))
        embeds = _splice(embeds, _shown(model, config, seen, tiles))
    sounds = _in_a_batch(stage, SOUNDS, batch) if config.whisper else 0
    if sounds:
        heard = _features(model, "audio", spectra(config, sounds))
        projector = model.projectors["audio"]
        assert isinstance(projector, AudioProjector)
        stacked = stack_frames(heard, projector.downsample)  # all: which belong to a sound nobody can tell
        embeds = _splice(embeds, projector.project(stacked.flatten(0, 1)))
    mask = torch.empty(batch, 1, context, context, dtype=torch.bool)
    states = model.decoder.states(embeds, ids, mask)
    learned = states.flatten(0, 1)[: batch * context // SUPERVISED]
    losses = F.cross_entropy(model.decoder.head(learned).float(), ids.flatten()[: len(learned)], reduction="none")
    return losses.sum()


def _splice(embeds: Tensor, features: Tensor) -> Tensor:
    """As `splice_features`, where nobody can count placeholders."""
    places = torch.empty(embeds.shape[:2], dtype=torch.bool)
    return embeds.masked_scatter(places[..., None], features.to(embeds.dtype))


def _shown(model: VLM, config: ModelConfig, seen: Tensor, tiles: int) -> Tensor:
    """Features of windows, so many to a picture, as the decoder gets them."""
    layouts = [_layout(config, tiles)] * (len(seen) // tiles)
    found: Tensor = model.projectors["image"](seen, torch.empty(len(seen), dtype=torch.int64), layouts)
    return found


def _layout(config: ModelConfig, tiles: int) -> tuple[int, int, int, int]:
    assert config.clip is not None
    size = config.clip.image_size
    if tiles == 1:
        return 0, 0, size, size
    rows, columns = max(config.clip.grids, key=lambda grid: grid[0] * grid[1])
    return rows, columns, rows * size, columns * size


def _in_a_batch(stage: StageConfig, each: dict[str, int], batch: int) -> int:
    """How many media a batch has on average, rounded up."""
    shares = {field.name: getattr(stage.mixture, field.name) for field in fields(Mixture)}
    mean = batch * sum(shares[kind] * count for kind, count in each.items()) / sum(shares.values())
    return -int(-mean // 1)

"""Which parameters a stage trains, at which rate, at which step."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from encoders.clip import ClipEncoder
from vlm.model import VLM

from .muon import Muon
from .stages import PARTS, StageConfig


def parts(model: VLM) -> dict[str, nn.Module]:
    """The trainable parts of a model by their names in a recipe; absent modalities are left out."""
    found: dict[str, nn.Module] = {"decoder": model.decoder}
    for modality, encoder in (("image", "vision"), ("audio", "audio")):
        if modality in model.encoders:
            found[encoder] = model.encoders[modality]
            found[f"{modality}_projector"] = model.projectors[modality]
    return found


def freeze(model: VLM, stage: StageConfig) -> None:
    """Switches gradients on for exactly the parts that `stage.trains` names.

    The patch embedding stays as it is: see `training/calibrate.py`.
    """
    for name, part in parts(model).items():
        part.requires_grad_(getattr(stage.trains, name) > 0)
    if isinstance(tower := parts(model).get("vision"), ClipEncoder):
        tower.visual.conv1.requires_grad_(False)


def build_optimizers(model: VLM, heads: nn.Module | None, stage: StageConfig) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the networks, AdamW for everything else, one rate per part.

    Muon (Jordan et al. 2024) needs about half the steps of AdamW here; its updates are scaled to
    AdamW's size, so that both take the same rates (Liu et al. 2025). Embeddings, positions, the
    patch convolution, norms and biases stay with AdamW (Loshchilov & Hutter 2019).
    """
    rates = [(part, getattr(stage.trains, name)) for name, part in parts(model).items() if name in PARTS]
    if heads is not None:
        rates.append((heads, stage.trains.heads))
    muon: list[dict[str, Any]] = []
    adamw: list[dict[str, Any]] = []
    for part, rate in rates:
        named = [(name, p) for name, p in part.named_parameters() if p.requires_grad and rate > 0]
        inner = [p for name, p in named if p.dim() == 2 and not _is_table(name)]
        taken = {id(p) for p in inner}
        outer = [p for _, p in named if id(p) not in taken]
        muon += _group(inner, rate, stage.weight_decay)
        adamw += _group([p for p in outer if p.dim() > 1], rate, stage.weight_decay)
        adamw += _group([p for p in outer if p.dim() <= 1], rate, 0.0)
    optimizers: list[torch.optim.Optimizer] = []
    if muon:
        optimizers.append(Muon(muon))
    if adamw:
        optimizers.append(torch.optim.AdamW(adamw, betas=(0.9, 0.98), eps=1e-8, fused=True))
    return optimizers


def _is_table(name: str) -> bool:
    """A matrix of looked-up rows, not one that is multiplied with."""
    return "embed" in name or "lm_head" in name


def _group(parameters: list[nn.Parameter], rate: float, weight_decay: float) -> list[dict[str, Any]]:
    return [{"params": parameters, "lr": rate, "peak": rate, "weight_decay": weight_decay}] if parameters else []


def rate_factor(step: int, stage: StageConfig) -> float:
    """Share of the peak rate at `step`: linear warm-up, constant, linear decay to 2 %.

    The constant middle lets a run be lengthened while it runs (Hu et al. 2024, WSD).
    """
    warm = min(1.0, (step + 1) / max(1, stage.warmup))
    last = max(1, round(stage.steps * stage.decay))
    return warm * max(0.02, min(1.0, (stage.steps - step) / last))

"""Which parameters a stage trains, at which rate, at which step."""

from __future__ import annotations

import torch
from torch import nn

from vlm.model import VLM

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
    """Switches gradients on for exactly the parts that `stage.trains` names."""
    for name, part in parts(model).items():
        part.requires_grad_(getattr(stage.trains, name) > 0)


def build_optimizer(model: VLM, heads: nn.Module | None, stage: StageConfig) -> torch.optim.AdamW:
    """AdamW with one rate per part; weight decay on matrices only (Loshchilov & Hutter 2019)."""
    rates = [(part, getattr(stage.trains, name)) for name, part in parts(model).items() if name in PARTS]
    if heads is not None:
        rates.append((heads, stage.trains.heads))
    groups = []
    for part, rate in rates:
        for matrices in (True, False):
            chosen = [p for p in part.parameters() if p.requires_grad and (p.dim() > 1) == matrices]
            if rate > 0 and chosen:
                decay = stage.weight_decay if matrices else 0.0
                groups.append({"params": chosen, "lr": rate, "peak": rate, "weight_decay": decay})
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-8, fused=True)


def rate_factor(step: int, stage: StageConfig) -> float:
    """Share of the peak rate at `step`: linear warm-up, constant, linear decay to 2 %.

    The constant middle lets a run be lengthened while it runs (Hu et al. 2024, WSD).
    """
    warm = min(1.0, (step + 1) / max(1, stage.warmup))
    last = max(1, round(stage.steps * stage.decay))
    return warm * max(0.02, min(1.0, (stage.steps - step) / last))

"""Muon (Jordan et al. 2024): a momentum step whose matrix is made orthogonal, so that all directions move alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from .distributed import share_out
from .precision import multiplies_bf16

A, B, C = 3.4445, -4.7750, 2.0315
"""Of the quintic a s + b s^3 + c s^5 that drives singular values towards 1 (Jordan et al. 2024)."""
ROUNDS = 5


class Muon(torch.optim.Optimizer):
    """As `torch.optim.Muon`, with updates of AdamW's size (`match_rms_adamw`, Liu et al. 2025).

    Two things are other than there: products are made in bf16 only where the machine has it, and
    processes that train together make each matrix orthogonal once, not once each.
    """

    def __init__(self, params: Iterable[dict[str, Any]], momentum: float = 0.95) -> None:
        """params: groups with `lr` and `weight_decay`, of matrices alone."""
        super().__init__(params, {"momentum": momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        moved = [(p, group) for group in self.param_groups for p in group["params"] if p.grad is not None]
        ahead = []
        for parameter, group in moved:
            state = self.state[parameter]
            if not state:
                state["momentum_buffer"] = torch.zeros_like(parameter)
            buffer = state["momentum_buffer"]
            buffer.lerp_(parameter.grad, 1 - group["momentum"])
            ahead.append(parameter.grad.lerp(buffer, group["momentum"]))  # Nesterov's
        for (parameter, group), update in zip(moved, share_out(orthogonal, ahead), strict=True):
            parameter.mul_(1 - group["lr"] * group["weight_decay"])
            parameter.add_(update, alpha=-0.2 * group["lr"] * max(parameter.shape) ** 0.5)


def orthogonal(matrix: Tensor) -> Tensor:
    """(m, n) -> (m, n) with singular values near 1, by Newton-Schulz rounds."""
    found = matrix.to(torch.bfloat16 if multiplies_bf16(matrix.device) else torch.float32)
    found = found if matrix.shape[0] <= matrix.shape[1] else found.T
    found = found / found.norm().clamp(min=1e-7)
    for _ in range(ROUNDS):
        gram = found @ found.T
        found = torch.addmm(found, torch.addmm(gram, gram, gram, beta=B, alpha=C), found, beta=A)
    return (found if matrix.shape[0] <= matrix.shape[1] else found.T).to(matrix.dtype)

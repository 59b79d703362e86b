"""Several processes train one model: each draws its own batches, gradients are summed once a step.

On a CPU two processes of one thread are faster than one process of two: they wait for each other
once a step instead of in every operation. Nothing leaves the machine.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def world() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def sum_gradients(parameters: list[nn.Parameter], *numbers: float) -> list[float]:
    """Sums gradients in place over all processes, and with them some numbers, which are returned.

    A parameter that had no part in this process's batches counts as a gradient of zero, so that
    all processes send the same tensors (a batch without a sound must not wait for one with).
    """
    if world() == 1:
        return list(numbers)
    grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
    flat = torch.cat(
        [*(g.reshape(-1) for g in grads), torch.tensor(numbers, dtype=torch.float32, device=grads[0].device)]
    )
    dist.all_reduce(flat)
    start = 0
    for parameter, grad in zip(parameters, grads, strict=True):
        parameter.grad = flat[start : start + grad.numel()].view_as(grad)
        start += grad.numel()
    return [float(x) for x in flat[start:]]


def share_out(function: Callable[[Tensor], Tensor], inputs: list[Tensor]) -> list[Tensor]:
    """`function` of each tensor, which gives one of the same shape, in all processes; each is worked out by one."""
    if world() == 1 or not inputs:
        return [function(one) for one in inputs]
    mine = set(sorted(range(len(inputs)), key=lambda i: (-inputs[i].numel(), i))[rank() :: world()])
    flat = torch.cat(
        [(function(one) if i in mine else torch.zeros_like(one)).flatten() for i, one in enumerate(inputs)]
    )
    dist.all_reduce(flat)
    return [part.view_as(one) for part, one in zip(flat.split([one.numel() for one in inputs]), inputs, strict=True)]


def agree(wish: bool) -> bool:
    """True in all processes once it is true in one, so that none waits for another that has left."""
    if world() == 1:
        return wish
    votes = torch.tensor([float(wish)])
    dist.all_reduce(votes)
    return bool(votes)


def _enter(
    number: int, processes: int, meeting: str, threads: int, function: Callable[..., Any], args: tuple[Any, ...]
) -> None:
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    torch.set_num_threads(threads)
    dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=number, world_size=processes)
    try:
        function(*args)
        dist.barrier()
    finally:
        dist.destroy_process_group()


def launch(processes: int, threads: int, function: Callable[..., Any], *args: Any) -> None:
    """Runs `function(*args)` in so many fresh processes of so many threads; raises what one of them raised."""
    with tempfile.TemporaryDirectory() as folder:
        meeting = str(Path(folder) / "meeting")
        torch.multiprocessing.spawn(_enter, (processes, meeting, threads, function, args), nprocs=processes)

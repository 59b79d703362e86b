"""The state of a running stage on disk: weights, optimizer, heads, step, random state. Data only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from vlm.checkpoint import check_names
from vlm.errors import CheckpointError
from vlm.manifest import atomic_folder, verify_manifest
from vlm.weight_files import read_json, read_safetensors, write_safetensors

NAME = "state"


def save_state(
    run_dir: Path, module: nn.Module, optimizers: list[torch.optim.Optimizer], facts: dict[str, Any]
) -> None:
    """Everything that the next step depends on, atomically, into `run_dir/state`."""
    names: dict[Tensor, str] = {parameter: name for name, parameter in module.named_parameters()}
    moments: dict[str, Tensor] = {}
    for optimizer in optimizers:
        for parameter, state in optimizer.state.items():
            moments |= {f"{names[parameter]}/{key}": torch.as_tensor(value) for key, value in state.items()}
    with atomic_folder(run_dir / NAME) as fresh:
        write_safetensors(fresh / "weights.safetensors", dict(module.named_parameters()))
        write_safetensors(fresh / "optimizer.safetensors", moments)
        write_safetensors(fresh / "random.safetensors", {"cpu": torch.get_rng_state()})
        (fresh / "state.json").write_text(json.dumps(facts, indent=1) + "\n")


def has_state(run_dir: Path) -> bool:
    return (run_dir / NAME / "state.json").is_file()


def load_state(run_dir: Path, module: nn.Module, optimizers: list[torch.optim.Optimizer]) -> dict[str, Any]:
    """Puts a saved state back and returns its facts.

    Raises:
        CheckpointError: damaged, or of another model.
    """
    folder = run_dir / NAME
    verify_manifest(folder)
    own = dict(module.named_parameters())
    weights = read_safetensors(folder / "weights.safetensors")
    try:
        check_names({name: p.shape for name, p in own.items()}, {name: w.shape for name, w in weights.items()})
    except CheckpointError as error:
        raise CheckpointError(f"{folder}: holds another model; start in another run folder ({error})") from error
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(weights[name])
    moments = read_safetensors(folder / "optimizer.safetensors")
    name_of = {parameter: name for name, parameter in own.items()}
    for optimizer in optimizers:
        for parameter in (p for group in optimizer.param_groups for p in group["params"]):
            name = name_of[parameter]
            found = {k.rpartition("/")[2]: v for k, v in moments.items() if k.rpartition("/")[0] == name}
            if found:
                optimizer.state[parameter] = {k: v.to(parameter.device) for k, v in found.items()}
    torch.set_rng_state(read_safetensors(folder / "random.safetensors")["cpu"])
    facts: dict[str, Any] = read_json(folder / "state.json")
    return facts

"""Muon: parity with torch's, the arithmetic of the machine, one process of several, and where bf16 pays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from training import muon, precision
from training.distributed import launch, share_out
from training.muon import Muon, orthogonal

SHAPES = ((24, 64), (64, 24), (32, 32))


def drawn(seed: int) -> list[torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=rng) for shape in SHAPES]


@pytest.mark.parametrize(("half", "tolerance"), [(True, 1e-6), (False, 0.02)])
def test_steps_are_those_of_torch(half: bool, tolerance: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(muon, "multiplies_bf16", lambda _: half)
    ours, theirs = ([torch.nn.Parameter(p) for p in drawn(1)] for _ in range(2))
    group = {"lr": 3e-2, "weight_decay": 0.1}
    optimizers = (
        Muon([{"params": ours, **group}]),
        torch.optim.Muon([{"params": theirs, **group}], momentum=0.95, adjust_lr_fn="match_rms_adamw"),
    )
    for step in range(5):
        for parameters in (ours, theirs):
            for parameter, gradient in zip(parameters, drawn(10 + step), strict=True):
                parameter.grad = gradient
        for optimizer in optimizers:
            optimizer.step()
    for one, other, start in zip(ours, theirs, drawn(1), strict=True):
        assert bool((one - other).norm() <= tolerance * (other - start).norm())


def test_all_directions_move_alike() -> None:
    for matrix in drawn(2):
        values = torch.linalg.svdvals(orthogonal(matrix))
        assert values.shape == (min(matrix.shape),) and 0.4 < float(values.min()) <= float(values.max()) < 1.3


def test_a_parameter_without_a_gradient_stays() -> None:
    moved, still = (torch.nn.Parameter(torch.ones(4, 6)) for _ in range(2))
    optimizer = Muon([{"params": [moved, still], "lr": 0.1, "weight_decay": 0.1}])
    optimizer.step()
    moved.grad = torch.randn(4, 6, generator=torch.Generator().manual_seed(1))
    optimizer.step()
    assert bool((still == 1).all()) and not bool((moved == 1).any())


def _shared(folder: str) -> None:
    made: list[tuple[int, ...]] = []

    def work(matrix: torch.Tensor) -> torch.Tensor:
        made.append(tuple(matrix.shape))
        return orthogonal(matrix)

    found = share_out(work, drawn(3))
    rank = torch.distributed.get_rank()
    torch.save({"found": found, "made": made}, f"{folder}/{rank}.pt")


def test_of_two_processes_each_does_its_share(tmp_path: Path) -> None:
    launch(2, 1, _shared, str(tmp_path))
    told = [torch.load(tmp_path / f"{rank}.pt") for rank in (0, 1)]
    assert sorted([*told[0]["made"], *told[1]["made"]]) == sorted(SHAPES)
    assert told[0]["made"] and told[1]["made"]
    for part in told:
        for one, matrix in zip(part["found"], drawn(3), strict=True):
            torch.testing.assert_close(one, orthogonal(matrix))


@pytest.fixture
def asked_anew() -> Iterator[None]:
    """What was found out about the real processor is forgotten before, and what a test told after."""
    precision.processor_multiplies_bf16.cache_clear()
    yield
    precision.processor_multiplies_bf16.cache_clear()


@pytest.mark.usefixtures("asked_anew")
@pytest.mark.parametrize(
    ("flags", "native"), [("flags : avx512f avx512_bf16 amx_tile", True), ("flags : avx2 avx512f avx512_vnni", False)]
)
def test_bf16_where_the_processor_multiplies_it(
    flags: str, native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(Path, "read_text", lambda *_: flags)
    assert precision.multiplies_bf16(torch.device("cpu")) is native


@pytest.mark.usefixtures("asked_anew")
def test_a_system_that_does_not_tell_its_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", read)
    assert precision.multiplies_bf16(torch.device("cpu")) is False

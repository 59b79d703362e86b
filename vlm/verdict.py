"""Variants of a model side by side: what quantising saves, what it costs, and whether that is too much."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from .cases import Case
from .measuring import Measured

Judge = Callable[[str, Case], bool]
"""Whether an answer to a case is right."""


@dataclass(frozen=True)
class Share:
    """right of n."""

    right: int
    n: int

    def __str__(self) -> str:
        return f"{100 * self.right / self.n:.1f} %" if self.n else "-"


class Verdict:
    """Of several `Measured`, the first of which is what the others are compared with.

    Args:
        max_loss: accuracy that may be lost, as a share (0.01 is one question in a hundred).
    """

    def __init__(self, measured: Sequence[Measured], cases: Sequence[Case], judge: Judge, max_loss: float) -> None:
        self.measured, self.cases, self.max_loss = measured, cases, max_loss
        self._right = {one.variant: self._judged(one.answers, judge) for one in measured}
        blind = measured[0].blind
        self._blind = self._judged(blind, judge) if blind else []

    def _judged(self, answers: Sequence[str], judge: Judge) -> list[bool]:
        return [judge(answer, case) for answer, case in zip(answers, self.cases, strict=True)]

    def accuracy(self, variant: str, task: str | None = None) -> Share:
        """Of all cases, or of those of a task; of the variant `blind`, what is right without the media."""
        rights = self._blind if variant == "blind" else self._right[variant]
        chosen = [
            right for right, case in zip(rights, self.cases, strict=bool(rights)) if task is None or case.task == task
        ]
        return Share(sum(chosen), len(chosen))

    def agreement(self, one: Measured) -> Share:
        """Answers that are, letter for letter, those of the first variant."""
        same = [a == b for a, b in zip(one.answers, self.measured[0].answers, strict=True)]
        return Share(sum(same), len(same))

    def loss(self, variant: str) -> tuple[float, float]:
        """Accuracy lost against the first variant, and its standard error, that of paired answers (McNemar 1947)."""
        pairs = list(zip(self._right[self.measured[0].variant], self._right[variant], strict=True))
        worse, better = (sum(a > b for a, b in pairs), sum(a < b for a, b in pairs))
        n = len(pairs)
        return (worse - better) / n, math.sqrt(worse + better - (worse - better) ** 2 / n) / n

    @property
    def too_lossy(self) -> list[str]:
        """Variants that lose more than `max_loss`."""
        return [one.variant for one in self.measured[1:] if self.loss(one.variant)[0] > self.max_loss]

    def lines(self) -> Iterator[str]:
        """A table, a variant in each column, then a sentence for each that was made smaller."""
        first = self.measured[0]
        tasks = sorted({case.task for case in self.cases if case.task})
        rows: list[tuple[str, list[str]]] = [
            ("", [one.variant for one in self.measured]),
            ("weights", [f"{one.weights / 1e6:.1f} MB" for one in self.measured]),
            ("peak memory", [f"{one.peak / 1e6:.0f} MB" for one in self.measured]),
            ("of it Python and libraries", [f"{one.floor / 1e6:.0f} MB" for one in self.measured]),
            ("load", [f"{one.load_seconds:.2f} s" for one in self.measured]),
            ("tokens/s", [f"{one.tokens_per_second:.1f}" for one in self.measured]),
            ("perplexity", [f"{one.perplexity:.3f}" for one in self.measured]),
            (f"same answer as {first.variant}", [str(self.agreement(one)) for one in self.measured]),
            (self._title("right", None), [str(self.accuracy(one.variant)) for one in self.measured]),
        ]
        rows += [
            (self._title(f"  {task}", task), [str(self.accuracy(one.variant, task)) for one in self.measured])
            for task in tasks
        ]
        wide = max(len(title) for title, _ in rows)
        for title, cells in rows:
            yield (title.ljust(wide) + "".join(cell.rjust(13) for cell in cells)).rstrip()
        for one in self.measured[1:]:
            lost, error = (100 * share for share in self.loss(one.variant))
            yield f"{one.variant}: {0.0 - lost:+.1f} points against {first.variant} (standard error {error:.1f})"
        for variant in self.too_lossy:
            lost = self.loss(variant)[0]
            yield f"warning: {variant} loses {100 * lost:.1f} points of accuracy, more than {100 * self.max_loss:g}"

    def _title(self, name: str, task: str | None) -> str:
        n = self.accuracy(self.measured[0].variant, task).n
        return f"{name} (n = {n}, blind {self.accuracy('blind', task)})" if self._blind else f"{name} (n = {n})"

    def as_dict(self) -> dict[str, Any]:
        """All figures, without the answers themselves."""
        tasks = sorted({case.task for case in self.cases if case.task})
        found: dict[str, Any] = {"n": len(self.cases), "max_loss": self.max_loss, "too_lossy": self.too_lossy}
        if self._blind:
            found["blind"] = {task or "all": asdict(self.accuracy("blind", task)) for task in (None, *tasks)}
        found["variants"] = {}
        for one in self.measured:
            figures = {
                name: value for name, value in asdict(one).items() if name not in ("answers", "blind", "variant")
            }
            lost, error = self.loss(one.variant)
            found["variants"][one.variant] = figures | {
                "agreement": asdict(self.agreement(one)), "loss": lost, "loss_error": error,
                "accuracy": {task or "all": asdict(self.accuracy(one.variant, task)) for task in (None, *tasks)},
            }  # fmt: skip
        return found

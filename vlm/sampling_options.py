"""What can be asked of an answer: how long, how varied, where it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .errors import InputError


@dataclass(frozen=True)
class SamplingOptions:
    """How the next token is chosen. The defaults are greedy.

    Raises `InputError` for a value out of range; the message names the option.
    """

    max_new_tokens: int = 256
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int | None = None

    def __post_init__(self) -> None:
        self._within("max_new_tokens", self.max_new_tokens, 1, 1 << 20, whole=True)
        self._within("temperature", self.temperature, 0, 100)
        self._within("top_k", self.top_k, 0, 1 << 20, whole=True)
        self._within("top_p", self.top_p, 1e-9, 1)
        self._within("min_p", self.min_p, 0, 1)
        self._within("repetition_penalty", self.repetition_penalty, 1e-3, 100)
        if self.seed is not None:
            self._within("seed", self.seed, -(1 << 63), (1 << 63) - 1, whole=True)
        listed = isinstance(self.stop, tuple | list) and len(self.stop) <= 16
        if not listed or not all(isinstance(s, str) and s for s in self.stop):
            raise InputError("stop must be at most 16 non-empty strings", "bad_option")

    @staticmethod
    def _within(name: str, value: float, low: float, high: float, whole: bool = False) -> None:
        kind = int if whole else int | float
        if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:  # NaN fails too
            wanted = "a whole number" if whole else "a number"
            raise InputError(f"{name} must be {wanted} between {low} and {high}, got {value!r}", "bad_option")

    def seed_of(self, row: int) -> int:
        """The seed of one of several answers that are asked for together, from 0 to 2**63 - 1; row 0 keeps its own."""
        assert self.seed is not None
        return (self.seed + row * 0x9E3779B97F4A7C15) % (1 << 63)


def chosen(options: dict[str, Any]) -> SamplingOptions:
    """Options as a caller names them. Raises `InputError` for one that there is not, or that is out of range."""
    known = SamplingOptions.__dataclass_fields__
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InputError(f"unknown option {unknown[0]!r}; known: {', '.join(known)}", "bad_option")
    if isinstance(options.get("stop"), list):
        options = {**options, "stop": tuple(options["stop"])}
    return SamplingOptions(**options)

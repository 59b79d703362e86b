"""The figures of a run: as a value, as JSON, as a table."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .measures import Figures


@dataclass
class Report:
    """By what is measured. An entry is empty where it was not: a server at a --url is not killed.

    cores, load: of this machine; the processes that want to run, in the last minute before.
    throughput: by count of clients.
    """

    model: str
    seed: int
    cores: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    load: float = field(default_factory=lambda: os.getloadavg()[0])
    throughput: dict[int, Figures] = field(default_factory=dict)
    same_picture: Figures = field(default_factory=dict)
    refusals: Figures = field(default_factory=dict)
    departures: Figures = field(default_factory=dict)
    draining: Figures = field(default_factory=dict)
    engine_death: Figures = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def lines(self) -> Iterator[str]:
        """A table for people."""
        yield f"{self.model}: {self.cores} cores, load {self.load:.1f} before the run"
        yield ""
        yield _row("clients", "tokens/s", "ratio", "by CPU time", "first token p50", "p95", "answers", "failed")
        for count, one in self.throughput.items():
            yield _row(
                str(count), _number(one["tokens_per_second"]), _number(one["ratio"], 2), _number(one["cpu_ratio"], 2),
                _milliseconds(one["first_token_p50"]), _milliseconds(one["first_token_p95"]), str(one["answers"]),
                str(one["failed"]),
            )  # fmt: skip
        yield ""
        if one := self.same_picture:
            yield (
                f"same picture    first token {_milliseconds(one['first_token_of_second'])}, of the first question "
                f"{_milliseconds(one['first_token_of_first'])}: ratio {_number(one['ratio'], 2)}; "
                f"{one['encoder_calls']} encoder calls for {one['pictures']} pictures"
            )
        if one := self.refusals:
            yield (
                f"queue full      429 after {_milliseconds(one['p50'])} (p50), {_milliseconds(one['max'])} (max); "
                f"{one['within_50_ms']} of {one['asked']} within 50 ms"
            )
        if one := self.departures:
            yield (
                f"client gone     slot free after {_milliseconds(one['p50'])} (p50), {_milliseconds(one['max'])} "
                f"(max); {one['within_250_ms']} of {one['left']} within 250 ms"
            )
        if one := self.draining:
            yield (
                f"SIGTERM         {one['clean']} of {one['streams']} streams ended cleanly, {one['whole']} of them "
                f"whole, the last one after {_number(one['seconds_to_last'], 2)} s; {_ended(one)}"
            )
        if one := self.engine_death:
            yield (
                f"engine killed   /readyz red after {_milliseconds(one['seconds_to_red'])}; {one['told']} of "
                f"{one['streams']} streams told after {_milliseconds(one['seconds_to_last'])}; {_ended(one)}"
            )


def _row(*cells: str) -> str:
    widths = (7, 10, 7, 13, 17, 11, 9, 8)
    return " ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))


def _ended(one: Figures) -> str:
    return f"the process after {_number(one['seconds'], 2)} s with status {one['exit_status']}"


def _number(value: float | int | None, digits: int = 1) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _milliseconds(value: float | int | None) -> str:
    return "-" if value is None else f"{1000 * value:.1f} ms"

"""`vlm bench serve`: a server is started, or one that runs is asked, and everything is measured in one run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tqdm import tqdm

from vlm.errors import InputError

from . import measures
from .child import Child, serving
from .client import Client
from .questions import Questions
from .report import Report


@dataclass(frozen=True)
class Options:
    """What to measure.

    url: of a server that runs; "" starts one on `model`, which is then also stopped and killed.
    key: of the server. One that is started here may have found it in the environment.
    requests: of each count of clients in each of `rounds`.
    repeats: pictures that are asked about again are a fifth of it; refusals; clients that go.
    seed: of the pictures; None draws others each time.
    """

    model: str = "default"
    url: str = ""
    key: str = ""
    requests: int = 32
    rounds: int = 3
    repeats: int = 100
    seed: int | None = None

    def __post_init__(self) -> None:
        if self.url and not self.url.startswith(("http://", "https://")):
            raise InputError(f"--url must be as in http://127.0.0.1:8000, got {self.url!r}", "bad_option")

    @property
    def pictures(self) -> int:
        return max(self.repeats // 5, 1)

    @property
    def steps(self) -> int:
        warming, counts = max(measures.CLIENTS), len(measures.CLIENTS)
        return warming + self.rounds * counts * self.requests + self.pictures + 2 * self.repeats


def bench(options: Options) -> Report:
    """Runs it all, with a progress bar on a terminal.

    Raises:
        VlmError: there is no server, or it does not start.
    """
    with tqdm(total=options.steps, disable=None, dynamic_ncols=True, unit=" steps", leave=False) as bar:

        def show(name: str) -> Callable[[], object]:
            bar.set_description(name)
            return bar.update

        return asyncio.run(_bench(options, show))


async def _bench(options: Options, show: Callable[[str], Callable[[], object]]) -> Report:
    seed = time.time_ns() % (1 << 32) if options.seed is None else options.seed
    show("starting")
    async with _server(options) as (client, child):
        report = Report(model=await client.model(), seed=seed)
        questions = Questions(report.model, seed)
        report.throughput = await measures.throughput(
            client, questions, requests=options.requests, rounds=options.rounds,
            cpu=child.cpu_seconds if child else lambda: None, tick=show("throughput"),
        )  # fmt: skip
        report.same_picture = await measures.same_picture(
            client, questions, repeats=options.pictures, tick=show("same picture")
        )
        report.refusals = await measures.refusals(
            client, questions, repeats=options.repeats, tick=show("queue full")
        )  # fmt: skip
        report.departures = await measures.departures(
            client, questions, repeats=options.repeats, tick=show("clients that go")
        )
        if child is not None:
            show("SIGTERM")
            report.draining = await measures.draining(client, questions, child)
    if child is not None:
        show("engine killed")
        async with serving("demo.bench.mortal", options.model) as mortal, Client(mortal.url) as client:
            report.engine_death = await measures.engine_death(client, questions, mortal)
    return report


@asynccontextmanager
async def _server(options: Options) -> AsyncIterator[tuple[Client, Child | None]]:
    if options.url:
        async with Client(options.url.rstrip("/"), options.key) as client:
            yield client, None
    else:
        command = ("vlm.cli", "serve", "--port", "0", "--model", options.model)
        async with serving(*command) as child, Client(child.url, options.key) as client:
            yield client, child

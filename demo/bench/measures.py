"""What is measured of a server, each a function that asks it and returns plain figures. Seconds are wall-clock time."""

from __future__ import annotations

import asyncio
import math
import signal
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import numpy as np

from .child import Child
from .client import Answer, Client
from .questions import Questions

CLIENTS = (1, 4, 16)
WAVE = 10
"""Clients that leave at the same moment."""
LONG = 1000
"""Tokens of an answer that is not meant to end by itself."""
DRAINED = 64
"""Tokens of an answer that is under way at SIGTERM, and is to be finished: a caption."""
GIVE_UP = 30.0
"""Seconds after which a slot counts as lost."""
PAUSE = 0.002
"""Seconds between two looks at a server."""

Figures = dict[str, float | int | None]
Tick = Callable[[], object]


@dataclass(frozen=True)
class Phase:
    """One count of clients in one round. cpu: seconds of the server's processor time, where it can be known."""

    answers: Sequence[Answer]
    seconds: float
    cpu: float | None

    @property
    def tokens(self) -> int:
        return sum(answer.tokens for answer in self.answers)

    @property
    def rate(self) -> float:
        """Generated tokens a second."""
        return self.tokens / self.seconds

    @property
    def cpu_rate(self) -> float | None:
        """Generated tokens a second of processor time."""
        return self.tokens / self.cpu if self.cpu else None


async def throughput(
    client: Client, questions: Questions, *, requests: int, rounds: int, cpu: Callable[[], float | None], tick: Tick
) -> dict[int, Figures]:
    """By count of clients. The counts take turns, so that whatever else the machine does hits all of them alike."""
    await _phase(client, [questions.fresh() for _ in range(max(CLIENTS))], max(CLIENTS), cpu, tick)  # warms up
    measured = [
        {count: await _phase(client, [questions.fresh() for _ in range(requests)], count, cpu, tick)
         for count in CLIENTS} for _ in range(rounds)
    ]  # fmt: skip
    return {count: compared(measured, count) for count in CLIENTS}


async def _phase(
    client: Client, bodies: Sequence[bytes], count: int, cpu: Callable[[], float | None], tick: Tick
) -> Phase:
    """`count` clients ask, each the next question as soon as its last one is answered."""
    left, answers = iter(bodies), list[Answer]()

    async def one() -> None:
        for body in left:
            answers.append(await client.ask(body))
            tick()

    before, started = cpu(), time.perf_counter()
    await asyncio.gather(*(one() for _ in range(count)))
    seconds, after = time.perf_counter() - started, cpu()
    return Phase(answers, seconds, None if before is None or after is None else after - before)


def compared(measured: Sequence[dict[int, Phase]], count: int) -> Figures:
    """Medians over the rounds. Ratios are taken within a round, to the one client of that round."""
    phases = [phases[count] for phases in measured]
    answers = [answer for phase in phases for answer in phase.answers]
    firsts = [answer.first for answer in answers]
    ratios = [phases[count].rate / phases[1].rate for phases in measured if phases[1].tokens]
    cpu_ratios = [
        mine / alone for phases in measured
        if (mine := phases[count].cpu_rate) is not None and (alone := phases[1].cpu_rate)
    ]  # fmt: skip
    return {
        "answers": len(answers), "failed": sum(not answer.whole for answer in answers),
        "tokens": sum(phase.tokens for phase in phases),
        "tokens_per_second": median([phase.rate for phase in phases]), "ratio": median(ratios),
        "tokens_per_cpu_second": median([rate for phase in phases if (rate := phase.cpu_rate) is not None]),
        "cpu_ratio": median(cpu_ratios),
        "first_token_p50": percentile(firsts, 50), "first_token_p95": percentile(firsts, 95),
    }  # fmt: skip


async def same_picture(client: Client, questions: Questions, *, repeats: int, tick: Tick) -> Figures:
    """A question about a new picture, then another one about the same, one after the other."""
    first, second, calls = list[Answer](), list[Answer](), 0.0
    for _ in range(repeats):
        one, two = questions.about(2)
        first.append(await client.ask(one))
        before = await client.figures()
        second.append(await client.ask(two))
        calls += (await client.figures())["vlm:encoder_calls_total"] - before["vlm:encoder_calls_total"]
        tick()
    return {
        "pictures": repeats, "encoder_calls": int(calls),
        "first_token_of_first": median([answer.first for answer in first]),
        "first_token_of_second": median([answer.first for answer in second]),
        "ratio": median([two.first / one.first for one, two in zip(first, second, strict=True)]),
        "cached_tokens": median([answer.cached for answer in second]),
    }  # fmt: skip


async def refusals(client: Client, questions: Questions, *, repeats: int, tick: Tick) -> Figures:
    """How soon a full server says so, while it works on what fills it."""
    async with _full(client, questions) as full:
        found = [await _refusal(client, questions, tick) for _ in range(repeats if full else 0)]
    refused = [seconds for seconds, refused in found if refused]
    return {
        "asked": len(found), "refused": len(refused), "within_50_ms": sum(seconds <= 0.05 for seconds in refused),
        "p50": percentile(refused, 50), "max": percentile(refused, 100),
    }  # fmt: skip


async def _refusal(client: Client, questions: Questions, tick: Tick) -> tuple[float, bool]:
    found = await client.refusal(questions.fresh())
    tick()
    return found


@asynccontextmanager
async def _full(client: Client, questions: Questions) -> AsyncIterator[bool]:
    """Asks for long answers until the server is not ready for more; False if it still was."""
    holders: list[asyncio.Task[Answer]] = []
    try:
        for n, count in ((8, 128), (1, 7)):  # the last places are fewer than eight
            for _ in range(count):
                holder = asyncio.create_task(client.ask(questions.endless(LONG, n)))
                holders.append(holder)
                await asyncio.wait([holder], timeout=0.1)  # a refusal comes at once, an answer does not
                if not await client.ready() or holder.done():
                    break
        yield not await client.ready()
    finally:
        await _leave(holders)
        await _quiet(client)


async def departures(client: Client, questions: Questions, *, repeats: int, tick: Tick) -> Figures:
    """How soon a slot is free again when its client goes in the middle of its answer, ten going at once.

    As seen in /metrics, so the time it takes to look is in the figures.
    """
    found = list[float]()
    for start in range(0, repeats, WAVE):
        found += await _wave(client, questions, min(WAVE, repeats - start), tick)
    return {
        "left": repeats, "freed": sum(math.isfinite(seconds) for seconds in found),
        "within_250_ms": sum(seconds <= 0.25 for seconds in found),
        "p50": percentile(found, 50), "max": percentile(found, 100),
    }  # fmt: skip


async def _wave(client: Client, questions: Questions, count: int, tick: Tick) -> list[float]:
    """Seconds until one slot is free, two are, and so on; infinite for those that stay taken."""
    answers = await _under_way(client, [questions.endless(LONG) for _ in range(count)])
    before = (await client.figures())["vlm:requests_cancelled_total"]
    started, freed = time.perf_counter(), list[float]()
    leaving = asyncio.create_task(_leave(answers))
    while len(freed) < count and time.perf_counter() < started + GIVE_UP:
        figures = await client.figures()
        now = time.perf_counter() - started
        gone = int(min(figures["vlm:requests_cancelled_total"] - before, count - figures["vlm:num_requests_running"]))
        for _ in range(gone - len(freed)):
            freed.append(now)
            tick()
        await asyncio.sleep(PAUSE)
    await leaving
    return [*freed, *[math.inf] * (count - len(freed))]


async def draining(client: Client, questions: Questions, child: Child, *, streams: int = 8) -> Figures:
    """SIGTERM while answers are under way: all are to come to their end, then the server."""
    answers = await _under_way(client, [questions.endless(DRAINED) for _ in range(streams)])
    started = time.perf_counter()
    child.signal(signal.SIGTERM)
    found = await asyncio.gather(*answers)
    told = time.perf_counter() - started
    status = await child.ended()
    return {
        "streams": streams, "seconds_to_last": told, "clean": sum(answer.done for answer in found),
        "whole": sum(answer.whole and answer.tokens == DRAINED for answer in found),
        "exit_status": status, "seconds": time.perf_counter() - started,
    }  # fmt: skip


async def engine_death(client: Client, questions: Questions, child: Child, *, streams: int = 4) -> Figures:
    """The engine's thread is killed while answers are under way: the server is to say so, and to end."""
    answers = await _under_way(client, [questions.endless(LONG) for _ in range(streams)])
    started = time.perf_counter()
    child.signal(signal.SIGUSR1)
    while await client.ready():
        await asyncio.sleep(PAUSE)
    red = time.perf_counter() - started
    found = await asyncio.gather(*answers)
    told = time.perf_counter() - started
    status = await child.ended()
    return {
        "streams": streams, "told": sum(answer.done and not answer.whole for answer in found),
        "seconds_to_red": red, "seconds_to_last": told, "exit_status": status, "seconds": time.perf_counter() - started,
    }  # fmt: skip


# --- what they share ---


async def _under_way(client: Client, bodies: Sequence[bytes]) -> list[asyncio.Task[Answer]]:
    """Returns as soon as each answer has begun."""
    begun = [asyncio.Event() for _ in bodies]
    answers = [asyncio.create_task(client.ask(body, one.set)) for body, one in zip(bodies, begun, strict=True)]
    for answer, one in zip(answers, begun, strict=True):
        waiting = asyncio.create_task(one.wait())
        await asyncio.wait([waiting, answer], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
    return answers


async def _leave(answers: Sequence[asyncio.Task[Answer]]) -> None:
    """Their connections are closed, wherever they are."""
    for answer in answers:
        answer.cancel()
    await asyncio.gather(*answers, return_exceptions=True)


async def _quiet(client: Client) -> None:
    """Until nothing is under way any more."""
    busy = True
    while busy:
        figures = await client.figures()
        busy = bool(figures["vlm:num_requests_running"] + figures["vlm:num_requests_waiting"])
        await asyncio.sleep(PAUSE)


def median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Of those that are finite; linear between two of them. None if there are none."""
    finite = [value for value in values if math.isfinite(value)]
    return float(np.percentile(finite, percent)) if finite else None

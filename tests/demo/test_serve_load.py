"""Many clients at once on a real socket and the real engine (slow): no answer is wrong, nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the server needs fastapi: pip install '.[serve]'")

import httpx

from demo.serving.options import Limits
from vlm.assistant import Assistant

from .serving import listening, until
from .test_serve_model import CHAT, TOKENS, ask, conversations

pytestmark = pytest.mark.slow
CLIENTS, REQUESTS = 64, 20
ROOM = Limits(queue=CLIENTS, request_seconds=3600)
"""For every client, and for a machine that is busy with other things."""


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def one_client(
    address: str, number: int, assistant: Assistant, cases: list[Any], oracle: list[str], count: int
) -> Counter:
    """`count` requests after each other: whole or streamed, one in ten left in the middle, one in ten bad."""
    draw, seen = random.Random(number), Counter()  # type: ignore[var-annotated]
    async with httpx.AsyncClient(base_url=address, timeout=None) as client:
        for _ in range(count):
            case = draw.randrange(len(cases))
            body, kind = ask(assistant, cases[case]), draw.choice(["leave", "bad", *["whole"] * 4, *["stream"] * 4])
            if kind == "bad":
                response = await client.post(
                    CHAT, json=body | draw.choice([{"n": 0}, {"messages": []}, {"model": "x"}])
                )
                seen[response.status_code in (400, 404) and "bad"] += 1
            elif kind == "whole":
                response = await client.post(CHAT, json=body)
                said = (
                    response.json()["choices"][0]["message"]["content"]
                    if response.status_code == 200
                    else response.text
                )
                seen[said == oracle[case] and "right"] += 1
            else:
                text = ""
                async with client.stream("POST", CHAT, json=body | {"stream": True}) as response:
                    async for line in response.aiter_lines():
                        if line.startswith("data: {"):
                            text += json.loads(line[6:])["choices"][0]["delta"].get("content", "")
                        if kind == "leave" and text:
                            break
                right = text == oracle[case] if kind == "stream" else oracle[case].startswith(text)
                seen[right and ("right" if kind == "stream" else "left")] += 1
    return seen


def load(address: str, assistant: Assistant, cases: list[Any], oracle: list[str], clients: int, count: int) -> Counter:
    async def together() -> Counter:
        all_ = await asyncio.gather(*(one_client(address, n, assistant, cases, oracle, count) for n in range(clients)))
        return sum(all_, Counter())

    return asyncio.run(together())


@pytest.fixture
def questions(assistant: Assistant, picture: Path, sound: Path) -> tuple[list[Any], list[str]]:
    """What is sent, and what one at a time is answered to it."""
    pairs = conversations(picture, sound)
    return [sent for sent, _ in pairs], [assistant.chat(messages, max_new_tokens=TOKENS).text for _, messages in pairs]


def test_sixty_four_clients(assistant: Assistant, questions: tuple[list[Any], list[str]]) -> None:
    cases, oracle = questions
    with listening(assistant, log_level="warning", limits=ROOM) as (port, one):
        address = f"http://127.0.0.1:{port}"
        load(address, assistant, cases, oracle, 4, 2)
        gc.collect()
        files = open_files()
        seen = load(address, assistant, cases, oracle, CLIENTS, REQUESTS)
        assert seen[False] == 0, seen
        assert sum(seen.values()) == CLIENTS * REQUESTS
        until(lambda: one.service.busy == 0 and not one.server_state.connections)
        until(lambda: assistant.engine.stats().running == 0)
        until(lambda: assistant.engine.stats().waiting == 0)  # one whose client has left waits for the next step
        stats = assistant.engine.stats()
        assert stats.slots_free == stats.slots and stats.waiting == 0 and stats.alive
        until(lambda: open_files() <= files)
    assistant.close()


def test_two_thousand_requests_leave_nothing(assistant: Assistant, questions: tuple[list[Any], list[str]]) -> None:
    """The slope of resident memory stays below 1 MiB a thousand requests, once everything has been used."""
    cases, oracle = questions
    with listening(assistant, log_level="warning", limits=ROOM) as (port, _):
        address = f"http://127.0.0.1:{port}"
        load(address, assistant, cases, oracle, 16, 40)
        gc.collect()
        before = resident()
        seen = load(address, assistant, cases, oracle, 16, 125)
        gc.collect()
        assert seen[False] == 0 and sum(seen.values()) == 2000
        assert resident() - before < 2 << 20
    assistant.close()

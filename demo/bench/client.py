"""A client that looks at the clock. It speaks to the server under test only: no proxy, no redirect."""

from __future__ import annotations

import json
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from vlm.errors import VlmError

CHAT = "/v1/chat/completions"
PATIENCE = 300.0
"""Seconds without a byte after which a server is given up."""


@dataclass(frozen=True)
class Answer:
    """A stream that has ended.

    status: of HTTP; 0 if none came. first, seconds: from the request to its first text (NaN if none came), to its end.
    done: whether it ended as streams end, with [DONE]. whole: and nothing went wrong before, it has a reason.
    tokens, cached: of the answers, and of the prompt those that were found; as the server says.
    """

    status: int
    first: float
    seconds: float
    done: bool
    whole: bool
    tokens: int = 0
    cached: int = 0


class Client:
    """One server's. `connections` are kept open and used again.

    Args:
        url: as in http://127.0.0.1:8000.
        key: sent as a bearer token where it is given.
    """

    def __init__(self, url: str, key: str = "") -> None:
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
        self.url, self.key = url, key
        self.http = httpx.AsyncClient(
            base_url=url, headers=headers, timeout=PATIENCE, limits=limits, trust_env=False, follow_redirects=False
        )

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def model(self) -> str:
        """The first that is served.

        Raises:
            VlmError: nothing that is meant answers there.
        """
        try:
            reply = await self.http.get("/v1/models")
            return str(reply.raise_for_status().json()["data"][0]["id"])
        except httpx.HTTPStatusError as error:
            raise VlmError("server_refused", f"{self.url} answers {error.response.status_code}") from None
        except (httpx.HTTPError, ValueError, LookupError, TypeError):
            raise VlmError("no_server", f"at {self.url} no OpenAI-compatible server answers") from None

    async def ready(self) -> bool:
        try:
            return (await self.http.get("/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    async def figures(self) -> dict[str, float]:
        """What /metrics says, over all labels: vlm:num_requests_running and its like.

        Raises:
            VlmError: it says nothing of the kind.
        """
        try:
            text = (await self.http.get("/metrics")).raise_for_status().text
        except httpx.HTTPError:
            raise VlmError("no_figures", f"{self.url}/metrics cannot be read") from None
        found: dict[str, float] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                found[sample.name] = found.get(sample.name, 0.0) + sample.value
        if "vlm:num_requests_running" not in found:
            raise VlmError("no_figures", f"{self.url}/metrics are not those of vlm serve")
        return found

    async def refusal(self, body: bytes) -> tuple[float, bool]:
        """(seconds until the whole answer was there, whether it was: the queue is full, come back later)."""
        started = time.perf_counter()
        reply = await self.http.post(CHAT, content=body)
        return time.perf_counter() - started, reply.status_code == 429 and "retry-after" in reply.headers

    async def ask(self, body: bytes, heard: Callable[[], Any] = lambda: None) -> Answer:
        """Listens to a stream to its end; `heard` is called for each piece of text. Whatever fails is in the answer."""
        status, first, tokens, cached = 0, math.nan, 0, 0
        reasons, done = 0, False
        started = time.perf_counter()
        try:
            async with self.http.stream("POST", CHAT, content=body) as reply:
                status = reply.status_code
                async for data in _events(reply):
                    done = data == "[DONE]"
                    event = {} if done else json.loads(data)
                    for choice in event.get("choices", ()):
                        reasons += choice["finish_reason"] is not None
                        if choice["delta"].get("content"):
                            first = time.perf_counter() - started if math.isnan(first) else first
                            heard()
                    if usage := event.get("usage"):
                        tokens = usage["completion_tokens"]
                        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
        except (httpx.HTTPError, ValueError, LookupError):
            done = False
        return Answer(status, first, time.perf_counter() - started, done, done and reasons > 0, tokens, cached)


async def _events(reply: httpx.Response) -> AsyncIterator[str]:
    """The data of server-sent events."""
    if reply.status_code == 200:
        async for line in reply.aiter_lines():
            if line.startswith("data: "):
                yield line[6:]


@asynccontextmanager
async def connected(url: str, key: str = "") -> AsyncIterator[tuple[Client, str]]:
    """(a client, the model that is served)."""
    async with Client(url, key) as client:
        yield client, await client.model()

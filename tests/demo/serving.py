"""For tests of the server: an engine that says what it is told, so that nothing depends on how fast a model is.

Its generations are the real ones, each written by a thread of its own. What a model does on the real engine is
`test_serve_model.py`'s business.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from starlette.testclient import TestClient

from demo.serving.app import build
from demo.serving.options import Settings
from demo.serving.run import Server, server
from vlm.chat import check, parts_of
from vlm.errors import ContextLengthError, EngineDeadError, VlmError
from vlm.generation import Event, Generation, Piece, Reply, TokenLogprob

from .ports import free_port

MODEL = "scripted"
BASE = "http://127.0.0.1:8000"
CONTEXT = 100_000


class ScriptedEngine:
    """Says `pieces`, then why it ended. While `gate` is closed, an answer waits before each piece.

    after: what comes in place of the reply, where that is an error. `seen`: what was submitted.
    """

    def __init__(self, pieces: Sequence[str] = ("Hel", "lo ", "there"), slots: int = 4) -> None:
        self.pieces, self.slots, self.after = tuple(pieces), slots, None
        self.gate, self.wake = threading.Event(), threading.Event()
        self.gate.set()
        self.alive, self.heartbeat_age = True, 0.0
        self.seen: list[SimpleNamespace] = []
        self.generations: list[Generation] = []
        self.started = threading.Semaphore(0)
        self.after: VlmError | None

    @property
    def running(self) -> int:
        return sum(not generation.done for generation in self.generations)

    def submit(
        self, sample: Any, options: Any, *, constraint: Any = None, stream: int = 0, logprobs: int | None = None
    ) -> Generation:  # fmt: skip
        if not self.alive:
            raise EngineDeadError("has ended")
        generation = Generation(self)  # type: ignore[arg-type]
        self.generations.append(generation)
        self.seen.append(SimpleNamespace(sample=sample, options=options, constraint=constraint, stream=stream))
        threading.Thread(target=self._answer, args=(generation, len(sample), logprobs), daemon=True).start()
        return generation

    def _answer(self, generation: Generation, prompt_tokens: int, logprobs: int | None) -> None:
        self.started.release()
        said = ""
        for number, text in enumerate(self.pieces):
            while not self.gate.wait(0.01) and self.alive and not generation.cancelled:
                pass
            if not self.alive:
                generation.deliver(EngineDeadError("has ended"))
                return
            if generation.cancelled:
                break
            said += text
            top = tuple((40 + n, -1.0 - n) for n in range(logprobs or 0))
            one = () if logprobs is None else (TokenLogprob(40 + number, -0.5, top),)
            generation.deliver(Piece(text, (40 + number,), one))
        reason = "cancelled" if generation.cancelled else "stop"
        end: Event = self.after or Reply(said, reason, prompt_tokens, len(self.pieces), 0.01, 0.02, 3)
        generation.deliver(end)

    def stats(self) -> SimpleNamespace:
        names = (
            "waiting finished cancelled refused failed prompt_tokens prefilled_tokens prefix_tokens generated_tokens "
            "encoder_calls encoder_seconds feature_hits steps"
        )  # fmt: skip
        return SimpleNamespace(
            **dict.fromkeys(names.split(), 0), running=self.running, slots=self.slots, slots_free=self.slots,
            alive=self.alive, heartbeat_age=self.heartbeat_age, requests=len(self.seen),
        )  # fmt: skip

    def left(self, generation: Generation) -> None:
        """Told by a generation that has ended."""

    def close(self, drain_seconds: float = 0.0) -> None:
        self.alive = False


class Letters:
    """A tokenizer whose ids are letters."""

    backend = SimpleNamespace(id_to_token=lambda token: f"<{token}>")

    def decode(self, ids: list[int]) -> str:
        return "".join(chr(i) for i in ids)


class Counting:
    """A processor: as many tokens as letters, a hundred for each picture or sound. `seen` are its conversations."""

    def __init__(self) -> None:
        self.tokenizer = Letters()
        self.transforms: dict[str, Callable[[Any], Any]] = {
            "image": lambda picture: picture,
            "audio": lambda wave: wave,
        }
        self.seen: list[Any] = []
        self.context = CONTEXT

    def __call__(self, messages: list[Any], *, for_training: bool) -> range:
        check(messages, for_training=for_training)
        self.seen.append(messages)
        parts = [part for message in messages for part in parts_of(message)]
        length = sum(len(part["text"]) if part["type"] == "text" else 100 for part in parts)
        if length >= self.context:
            raise ContextLengthError(length, self.context)
        return range(length)


@dataclass
class ScriptedAssistant:
    engine: ScriptedEngine
    processor: Counting

    @property
    def config(self) -> Any:
        return SimpleNamespace(
            name=MODEL, decoder=SimpleNamespace(max_position_embeddings=CONTEXT, vocab_size=300),
            special_ids=SimpleNamespace(eos=(2,)),
        )  # fmt: skip


@dataclass
class Served:
    """An application over a scripted engine, and a client that speaks to it in this process."""

    app: Any
    engine: ScriptedEngine
    processor: Counting
    client: TestClient

    def chat(self, content: Any = "Hi?", **fields: Any) -> Any:
        body = {"model": MODEL, "messages": [{"role": "user", "content": content}]} | fields
        return self.client.post("/v1/chat/completions", json=body)

    def raw(self, body: bytes | str, content_type: str = "application/json", **headers: str) -> Any:
        return self.client.post(
            "/v1/chat/completions", content=body, headers={"content-type": content_type} | headers
        )  # fmt: skip


def served(engine: ScriptedEngine | None = None, *, headers: dict[str, str] | None = None, **options: Any) -> Served:
    """`options`: of `Settings`, and `policies` and `fetch` of `build`."""
    assistant = ScriptedAssistant(engine or ScriptedEngine(), Counting())
    extra = {name: options.pop(name) for name in ("policies", "fetch", "offered") if name in options}
    app = build(assistant, Settings(**options), **extra)  # type: ignore[arg-type]
    client = TestClient(app, base_url=BASE, headers=headers, raise_server_exceptions=False)
    return Served(app, assistant.engine, assistant.processor, client)


PATIENCE = 600.0
"""Seconds after which a wait is a fault, however busy the machine."""


def until(true: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE
    while not (found := true()):
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)
    return found


@contextmanager
def listening(assistant: Any, **options: Any) -> Iterator[tuple[int, Server]]:
    """(port, the server that listens there); `options` of `Settings`."""
    port = free_port()
    one = server(assistant, Settings(port=port, **options))
    thread = threading.Thread(target=one.run, daemon=True)
    thread.start()
    until(lambda: one.started)
    try:
        yield port, one
    finally:
        one.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()


def error(response: Any) -> dict[str, Any]:
    """The error of a response, which has OpenAI's shape and nothing beside it."""
    assert response.headers["content-type"] == "application/json", response.text
    body = response.json()
    assert set(body) == {"error"} and set(body["error"]) == {"message", "type", "param", "code"}, body
    found: dict[str, Any] = body["error"]
    assert found["message"] and found["code"] and found["type"]
    return found


def events(response: Any) -> list[Any]:
    """What a stream of server-sent events says; the [DONE] at its end is taken off."""
    assert response.headers["content-type"].startswith("text/event-stream")
    lines = response.text.split("\n\n")
    assert lines.pop() == "" and lines.pop() == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines]

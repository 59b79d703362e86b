"""The server on a real socket: slow, silent and vanishing clients (S3, S8), signals, keep-alive, the openai SDK.

No test measures how fast the server is: waits have an end only so that a fault does not hang the run.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the server needs fastapi: pip install '.[serve]'")


from demo.serving.options import Limits
from demo.serving.run import ENGINE_DIED, Server

from .ports import free_port
from .serving import MODEL, PATIENCE, Counting, ScriptedAssistant, ScriptedEngine, listening, until
from .test_serve_chat import audio_part, image_part, sound, text_part


@dataclass
class Running:
    port: int
    engine: ScriptedEngine
    server: Server

    @property
    def busy(self) -> int:
        return self.server.service.busy

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)

    def ask(self, body: Any) -> socket.socket:
        """Sends a request and leaves the answer to come."""
        connection = self.connect()
        connection.sendall(request(body))
        return connection


@contextmanager
def running(engine: ScriptedEngine | None = None, **limits: Any) -> Iterator[Running]:
    engine = engine or ScriptedEngine()
    with listening(ScriptedAssistant(engine, Counting()), limits=Limits(**limits)) as (port, one):
        try:
            yield Running(port, engine, one)
        finally:
            engine.gate.set()


def question(**fields: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": "Hi?"}]} | fields


def request(body: Any = None, *, length: int | None = None, path: str = "/v1/chat/completions") -> bytes:
    """A POST as it goes over the line; `length` may promise more than there is."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(data) if length is None else length}\r\n\r\n".encode() + data


def closed(connection: socket.socket) -> bytes:
    """All that still comes, up to the end of the connection."""
    found = b""
    try:
        while piece := connection.recv(65536):
            found += piece
    except ConnectionError:
        pass
    return found


def heard(connection: socket.socket, text: bytes) -> bytes:
    """What comes, up to and with `text`."""
    found = b""
    while text not in found:
        piece = connection.recv(65536)
        assert piece, found
        found += piece
    return found


# --- clients -------------------------------------------------------------------------------------


def test_the_openai_sdk() -> None:
    openai = pytest.importorskip("openai")
    with running() as here:
        client = openai.OpenAI(base_url=f"http://127.0.0.1:{here.port}/v1", api_key="none", max_retries=0)
        assert [model.id for model in client.models.list()] == [MODEL]
        assert client.models.retrieve(MODEL).object == "model"

        messages: list[Any] = [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [text_part("See"), image_part(), audio_part()]},
        ]
        reply = client.chat.completions.create(model=MODEL, messages=messages, n=2, seed=1, max_completion_tokens=9)
        assert [choice.message.content for choice in reply.choices] == ["Hello there"] * 2
        assert reply.usage.completion_tokens == 6 and reply._request_id.startswith("req_")
        again = [*messages, reply.choices[0].message, {"role": "user", "content": "And?"}]
        assert client.chat.completions.create(model=MODEL, messages=again).choices[0].finish_reason == "stop"

        options = {"include_usage": True}
        stream = client.chat.completions.create(model=MODEL, messages=messages, stream=True, stream_options=options)
        chunks = list(stream)
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Hello there"
        assert chunks[-1].usage.total_tokens == chunks[-1].usage.prompt_tokens + 3
        with client.chat.completions.stream(model=MODEL, messages=messages, logprobs=True) as events:
            assert events.get_final_completion().choices[0].message.content == "Hello there"

        file = ("speech.wav", sound(), "audio/wav")
        assert client.audio.transcriptions.create(model=MODEL, file=file).text == "Hello there"
        assert client.audio.transcriptions.create(model=MODEL, file=file, response_format="text") == "Hello there\n"
        heard = list(client.audio.transcriptions.create(model=MODEL, file=file, stream=True))
        assert heard[-1].text == "Hello there"

        with pytest.raises(openai.BadRequestError) as refused:
            client.chat.completions.create(model=MODEL, messages=messages, temperature=9)
        assert (refused.value.param, refused.value.code) == ("temperature", "invalid_value")
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="gpt-9", messages=messages)


def test_the_openai_sdk_hears_of_a_failure_in_a_stream() -> None:
    openai = pytest.importorskip("openai")
    from vlm.errors import RequestFailedError

    engine = ScriptedEngine()
    engine.after = RequestFailedError()
    with running(engine) as here:
        client = openai.OpenAI(base_url=f"http://127.0.0.1:{here.port}/v1", api_key="none", max_retries=0)
        with pytest.raises(openai.APIError, match="internal error"):
            list(client.chat.completions.create(**question(stream=True)))


def test_a_connection_is_used_again() -> None:
    with running() as here:
        connection = here.connect()
        for _ in range(3):
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            heard(connection, b'{"status":"ok"}')


@pytest.mark.parametrize("junk", [b"\0\1\2\3\r\n\r\n", b"GET /livez HTTP/1.1\r\n\r\n",
                                  b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"\x16\x03\x01\x02\0\1\0",
                                  b"GET /livez HTTP/1.1\r\nA: " + b"x" * 20_000])  # fmt: skip
def test_what_is_no_request(junk: bytes) -> None:
    with running(head_seconds=0.5) as here:
        connection = here.connect()
        connection.sendall(junk)
        found = closed(connection)
        assert found == b"" or b" 400 " in found.split(b"\r\n")[0]
        if found:
            assert json.loads(found.partition(b"\r\n\r\n")[2])["error"]["code"] == "bad_request"


# --- slow ones -----------------------------------------------------------------------------------


def test_a_slow_head() -> None:
    with running(head_seconds=0.3) as here:
        slow = [here.connect() for _ in range(20)]
        for connection in slow:
            connection.sendall(b"GET /livez HTTP/1.1\r\nHost: loc")
        with here.connect() as other:
            other.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            heard(other, b" 200 ")
        assert [closed(connection) for connection in slow] == [b""] * 20


def test_a_slow_body() -> None:
    with running(body_seconds=0.3) as here:
        connection = here.connect()
        connection.sendall(request(b"{", length=1000))
        found = closed(connection)
        assert b" 408 " in found and b'"body_too_slow"' in found
        assert here.busy == 0


def test_a_body_that_takes_long_but_comes() -> None:
    with running(body_seconds=2, body_rate=10) as here:
        data = json.dumps(question()).encode() + b" " * 4000
        connection = here.connect()
        connection.sendall(request(b"", length=len(data)))
        for start in range(0, len(data), 1500):
            connection.sendall(data[start : start + 1500])
            time.sleep(1)
        heard(connection, b" 200 ")


def test_a_body_too_large_is_not_waited_for() -> None:
    with running(body_bytes=1000) as here:
        connection = here.connect()
        connection.sendall(request(b"{", length=9000000))
        found = closed(connection)
        assert b" 413 " in found and b"connection: close" in found.lower()


def test_too_many_connections() -> None:
    with running(connections=3) as here:
        kept = [here.connect() for _ in range(3)]
        until(lambda: len(here.server.server_state.connections) == 3)
        assert closed(here.connect()) == b""
        for connection in kept:
            connection.close()


def test_one_who_reads_nothing() -> None:
    """Its buffers fill, its answer is cancelled, its place is free."""
    engine = ScriptedEngine(["x" * 100_000] * 10_000)
    with running(engine, write_seconds=0.5) as here:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", here.port))
        connection.sendall(request(question(stream=True)))
        until(lambda: engine.generations and engine.generations[0].cancelled)
        until(lambda: here.busy == 0)
        connection.close()


# --- vanishing ones ------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("said", [0, 1])
def test_a_client_that_goes(stream: bool, said: int) -> None:
    """While it waits for the first word, or in the middle: its answers are cancelled."""
    engine = ScriptedEngine(["word "] * 100)
    engine.gate.clear()
    with running(engine) as here:
        connection = here.ask(question(stream=stream, n=2))
        assert engine.started.acquire(timeout=PATIENCE) and engine.started.acquire(timeout=PATIENCE)
        if said and stream:
            engine.gate.set()
            heard(connection, b"data: ")
            engine.gate.clear()
        connection.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )  # as if the plug were pulled
        connection.close()
        until(lambda: all(generation.cancelled for generation in engine.generations))
        until(lambda: here.busy == 0)


def test_a_client_that_goes_before_its_body_ends() -> None:
    with running() as here:
        connection = here.connect()
        connection.sendall(request(b"{", length=1000))
        connection.close()
        until(lambda: not here.server.server_state.connections and not here.server.server_state.tasks)
        assert not here.engine.seen


def test_a_hundred_that_go() -> None:
    engine = ScriptedEngine(["word "] * 1000, slots=100)
    engine.gate.clear()
    with running(engine) as here:
        asked = [here.ask(question(stream=True)) for _ in range(100)]
        until(lambda: len(engine.generations) == 100)
        for connection in asked:
            connection.close()
        until(lambda: all(generation.done for generation in engine.generations))
        until(lambda: here.busy == 0 and not here.server.server_state.tasks)


# --- the end -------------------------------------------------------------------------------------


def test_draining_lets_streams_finish() -> None:
    engine = ScriptedEngine(["word "] * 5, slots=8)
    engine.gate.clear()
    with running(engine) as here:
        streams = [here.ask(question(stream=True)) for _ in range(8)]
        until(lambda: len(engine.generations) == 8)
        here.server.drain()
        with here.ask(question()) as late:
            assert b" 503 " in heard(late, b'"shutting_down"')
        with here.connect() as probe:
            probe.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert b" 503 " in closed(probe)
        engine.gate.set()
        for connection in streams:
            text = heard(connection, b"[DONE]")
            assert text.count(b"word ") == 5 and b'"finish_reason":"stop"' in text
        until(lambda: here.server.should_exit)
        assert here.server.exit_code == 0 and not engine.alive


def test_draining_ends() -> None:
    engine = ScriptedEngine(["word "] * 5)
    engine.gate.clear()
    with running(engine, drain_seconds=0.3) as here:
        stream, whole = here.ask(question(stream=True)), here.ask(question())
        until(lambda: len(engine.generations) == 2)
        here.server.drain()
        assert b'"engine_unavailable"' in closed(stream)
        assert b" 503 " in closed(whole)


def test_a_dead_engine_ends_the_server() -> None:
    engine = ScriptedEngine(["word "] * 5)
    engine.gate.clear()
    with running(engine) as here:
        waiting = here.ask(question())
        until(lambda: engine.generations)
        engine.alive = False
        assert b'"engine_unavailable"' in closed(waiting)
        until(lambda: here.server.should_exit)
        assert here.server.exit_code == ENGINE_DIED != 0


PROCESS = """
import sys
from tests.demo.serving import Counting, ScriptedAssistant, ScriptedEngine
from demo.serving.options import Limits, Settings
from demo.serving.run import serve

engine = ScriptedEngine(["word "] * 3)
engine.gate.clear()
settings = Settings(port=int(sys.argv[1]), limits=Limits(drain_seconds=float(sys.argv[2])))
sys.exit(serve(lambda: ScriptedAssistant(engine, Counting()), settings))
"""


@contextmanager
def process(drain: float) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port, root = free_port(), Path(__file__).parents[2]
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROCESS), str(port), str(drain)], cwd=root, text=True,
        stderr=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(root)},
    )  # fmt: skip
    try:
        until(lambda: answers(port))
        yield child, port
    finally:
        child.kill()
        child.wait()


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def test_sigterm_with_nothing_to_do() -> None:
    with process(drain=60) as (child, _):
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE) == 0
        lines = [json.loads(line) for line in child.stderr or ()]  # every line is JSON
        assert {"stopping"} <= {line["event"] for line in lines}


def test_a_second_sigterm_ends_at_once() -> None:
    with process(drain=1000) as (child, port), socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        connection.sendall(request(question()))
        until(lambda: metric(port, "vlm:num_requests_running") == 1)
        child.send_signal(signal.SIGTERM)
        until(lambda: ready(port, 503))
        assert child.poll() is None
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE) == 128 + signal.SIGTERM


def get(port: int, path: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        return closed(connection)


def ready(port: int, status: int) -> bool:
    return f" {status} ".encode() in get(port, "/readyz").split(b"\r\n")[0]


def metric(port: int, name: str) -> float:
    lines = get(port, "/metrics").decode().splitlines()
    return float(next(line for line in lines if line.startswith(name + "{")).split()[-1])

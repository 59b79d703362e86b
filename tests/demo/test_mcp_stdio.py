"""`vlm mcp` as clients start it: a process that speaks over stdin and stdout, and what must not disturb it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="needs the official SDK: pip install '.[mcp]'")

from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import jsonrpc_message_adapter

from demo.mcp.messages import MESSAGE_BYTES
from demo.mcp.wire import Lines
from vlm.assistant import Assistant, load

from .mcp_parts import ERAS, rooted, run, said

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
NOISY = """
import ctypes, os, subprocess, sys
from demo.mcp.wire import claim
wire = claim()
libc = ctypes.CDLL(None)

def noise():
    print("printed"); sys.stdout.write("written\\n"); sys.__stdout__.write("original\\n"); os.write(1, b"raw\\n")
    libc.printf(b"buffered by C until the end\\n"); libc.puts(b"put"); libc.write(1, b"C\\n", 2)
    subprocess.run(["echo", "a child"]); subprocess.run("echo to the descriptor >&1; cat", shell=True)
    print(repr(sys.stdin.read()))

noise()
from demo.mcp.run import Options, over_stdio
from tests.demo.mcp_parts import Echo
real = Echo.stream
def stream(self, messages, **options):
    noise()
    yield from real(self, messages, **options)
Echo.stream = stream
def load():
    noise()
    return Echo()
from demo.serving.options import Settings
over_stdio(load, wire, Settings(log_level="warning"), Options())
noise()
"""


def _interruptible() -> None:
    """A shell ignores Ctrl-C for what it starts in the background, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Server:
    """A process, spoken to line by line."""

    def __init__(self, *command: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=os.environ | ENVIRONMENT | environment, preexec_fn=_interruptible,
        )  # fmt: skip
        self.seen: list[Any] = []

    def send(self, message: Any) -> None:
        assert self.process.stdin is not None
        line = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def receive(self) -> Any:
        """The next message; anything else on the output is a failure."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        jsonrpc_message_adapter.validate_json(line, by_name=False)
        self.seen.append(json.loads(line))
        return self.seen[-1]

    def ask(self, method: str, params: Any = None, number: Any = 1) -> Any:
        """The reply to a request; notifications before it are left out."""
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}})
        while (reply := self.receive()).get("id") != number:
            pass
        return reply

    def call(self, tool: str, number: Any = 1, **arguments: Any) -> Any:
        return self.ask("tools/call", {"name": tool, "arguments": arguments, "_meta": {"progressToken": "t"}}, number)

    def shake_hands(self) -> Any:
        told = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        reply = self.ask("initialize", told, 0)
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return reply

    def end(self) -> tuple[int, str, str]:
        """(status, what else came, stderr) after its input has ended."""
        out, err = self.process.communicate(timeout=600)
        return self.process.returncode, out.decode(), err.decode()


@pytest.fixture
def start() -> Iterator[Any]:
    begun: list[Server] = []

    def begin(*command: str, **environment: str) -> Server:
        begun.append(Server(*command, **environment))
        return begun[-1]

    yield begin
    for one in begun:
        one.process.kill()
        one.process.communicate()


def mcp(folder: Path, *arguments: str) -> tuple[str, ...]:
    return "-m", "vlm.cli", "mcp", "--model", str(folder), *arguments


def test_nothing_but_messages_is_on_the_output_whatever_libraries_print(start: Any) -> None:
    one = start("-c", NOISY)
    assert one.shake_hands()["result"]["serverInfo"]["name"] == "vlm-studio"
    for number in range(1, 4):
        reply = one.call("ask", number, question=f"{number}?")
        assert reply["result"]["structuredContent"]["text"] == f"{number}? (0)"
    assert [message["method"] for message in one.seen if "method" in message] == ["notifications/progress"] * 3
    status, rest, err = one.end()
    assert (status, rest) == (0, ""), err
    for words in (
        "printed",
        "written",
        "original",
        "raw",
        "buffered by C",
        "put",
        "C\n",
        "a child",
        "to the desc",
        "''",
    ):
        assert words in err, words


def test_what_is_no_message_is_refused_and_the_rest_goes_on(start: Any) -> None:
    one = start("-c", NOISY)
    one.shake_hands()
    deep = b'{"jsonrpc":"2.0","id":5,"method":"ping","params":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001
    refused = [
        (b"no json", -32700, None), (b"{", -32700, None), (b'{"jsonrpc":"2.0","id":1,"id":2}', -32700, None),
        (b"\xff\xfe", -32700, None), (deep, -32700, None), (b'{"a":NaN}', -32700, None), (b"[]", -32600, None),
        (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', -32600, None), (b"1", -32600, None), (b'{"id":3}', -32600, 3),
        (b'{"jsonrpc":"1.0","id":"x","method":"ping"}', -32600, "x"),
        (b'{"jsonrpc":"2.0","id":4,"method":5}', -32600, 4),
        (b'{"jsonrpc":"2.0","id":4.5,"method":"ping"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":' + b"9" * 4000 + b',"method":"ping"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":' + b"9" * 5000 + b',"method":"ping"}', -32700, None),
        (json.dumps({"jsonrpc": "2.0", "id": "i" * 1_000_000, "method": "ping"}).encode(), -32600, None),
        (json.dumps({"jsonrpc": "2.0", "id": 6, "method": "m" * 1000}).encode(), -32600, 6),
        (json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {
            "name": "ask", "arguments": {"question": "?"}, "_meta": {"progressToken": "t" * 1000}}}).encode(), -32600,
         7),
        (b'{"jsonrpc":"2.0","id":8,"method":"' + b"m" * (MESSAGE_BYTES + 1) + b'"}', -32600, None),
    ]  # fmt: skip
    for line, code, number in refused:
        one.send(line)
        reply = one.receive()
        assert (reply["error"]["code"], reply["id"]) == (code, number), line[:80]
        assert len(json.dumps(reply)) < 400
    one.send(b"")
    one.send(b"  \r")
    assert one.ask("no/such", number=9)["error"]["code"] == -32601
    assert one.call("no_such", 10)["error"]["code"] == -32602
    assert one.ask("tools/call", {"name": 5}, 11)["error"]["code"] == -32602
    assert one.ask("tools/call", None, 12)["error"]["code"] == -32602
    assert one.call("ask", 13, question="still there?")["result"]["structuredContent"]["text"] == "still there? (0)"
    assert one.ask("ping", number=2**63)["result"] == {}


def test_cancelled_calls_are_not_answered_and_end(start: Any) -> None:
    script = NOISY.replace("    noise()\n    yield", "    yield").replace("noise()\n", "pass\n")
    one = start("-c", script)
    one.shake_hands()
    request = {"name": "ask", "arguments": {"question": "wait"}}
    for number in range(1, 200):  # more than can be at work at a time: what is cancelled makes room
        one.send({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": request})
        one.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}})
    assert one.call("ask", 500, question="next")["result"]["structuredContent"]["text"] == "next (0)"
    assert not [message for message in one.seen if message.get("id") in range(1, 200)]
    one.send({"jsonrpc": "2.0", "id": 600, "method": "tools/call", "params": request})
    status, _, err = one.end()  # the client goes while a call is under way
    assert status == 0, err


def test_an_interrupted_server_ends(start: Any) -> None:
    one = start("-c", NOISY)
    one.shake_hands()
    one.send({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {
        "name": "ask", "arguments": {"question": "wait"}}})  # fmt: skip
    one.process.send_signal(signal.SIGINT)
    assert one.process.wait(600) != 0
    assert one.process.stdout is not None
    assert all(jsonrpc_message_adapter.validate_json(line) for line in one.process.stdout)


@pytest.mark.parametrize("arguments", [("--model", "/nowhere"), ("--root", "/nowhere"), ("--log-level", "loud")])
def test_what_cannot_be_served_is_said_on_stderr(start: Any, arguments: tuple[str, str]) -> None:
    one = start("-m", "vlm.cli", "mcp", *arguments)
    assert one.process.stdin is not None
    status = one.process.wait(600)
    assert one.process.stdout is not None and one.process.stderr is not None
    err = one.process.stderr.read().decode()
    assert status != 0 and one.process.stdout.read() == b"", err
    assert arguments[0].strip("-") in err and "Traceback" not in err, err


@pytest.mark.parametrize("era", ERAS)
def test_the_official_client(tiny_folder: Path, picture: Path, sound: Path, era: str) -> None:
    assistant: Assistant = load(tiny_folder)
    wanted = assistant.ask("What is it?", images=[picture], max_new_tokens=8).text.strip()
    command = StdioServerParameters(command=sys.executable, args=[*mcp(tiny_folder)], env=ENVIRONMENT, cwd=ROOT)

    async def main() -> None:
        async with Client(command, mode=era, **rooted(picture.parent)) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            assert {"ask", "alt_text", "transcribe"} <= set(names)
            asked = {"question": "What is it?", "images": [picture.name], "max_new_tokens": 8}
            results = await asyncio.gather(*(client.call_tool("ask", asked) for _ in range(100)))
            assert {result.structured_content["text"] for result in results} == {wanted}
            assert "path_not_allowed" in said(await client.call_tool("alt_text", {"image": "/etc/passwd"}))

    run(main)


def test_lines_are_whole_and_bounded() -> None:
    out, into = os.pipe()
    os.write(into, b"one\r\n\n  \ntwo" + b"2" * 5)
    lines = Lines(out, 10)
    assert lines.next() == [b"one"]
    os.write(into, b"\n" + b"x" * 11 + b"\nthree\n" + b"y" * 10 + b"\n" + b"z" * 20)
    assert lines.next() == [b"two22222", None, b"three", b"y" * 10]
    os.write(into, b"z" * 20 + b"\nfour\nhalf")
    os.close(into)
    assert lines.next() == [None, b"four"]
    assert lines.next() == []
    os.close(out)

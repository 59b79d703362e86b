"""A server of OpenAI's interface that does what a test tells it, misbehaving included."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Act = Callable[[Any], None]
"""Told the handler of a request, whose `body` it finds there; writes the answer."""
USAGE = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9, "prompt_tokens_details": {"cached_tokens": 3}}


def status(code: int, body: Any = None, **headers: str) -> Act:
    """`body`: JSON, or bytes as they are."""

    def act(handler: Any) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return act


def completion(text: str | None = "Hello", reason: str = "stop", **message: Any) -> Act:
    choice = {"index": 0, "message": {"role": "assistant", "content": text} | message, "finish_reason": reason}
    return status(200, {"choices": [choice], "usage": USAGE})


def chunk(text: str | None = None, reason: str | None = None) -> str:
    delta = {} if text is None else {"content": text}
    return "data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})


HELLO = (
    chunk(""),
    chunk("Hel"),
    chunk("lo"),
    chunk(None, "stop"),
    "data: " + json.dumps({"choices": [], "usage": USAGE}),
)
DONE = "data: [DONE]"


def stream(*events: str, end: str = "\n\n") -> Act:
    """Events, then the connection is closed."""

    def act(handler: Any) -> None:
        begin(handler, "text/event-stream")
        for event in events:
            handler.wfile.write((event + end).encode())

    return act


def begin(handler: Any, content_type: str = "application/json") -> None:
    """A body whose end is the end of the connection."""
    handler.close_connection = True
    handler.send_response(200)
    handler.send_header("Content-Type", content_type)
    handler.end_headers()


def hang_up(handler: Any) -> None:
    """Not a byte."""
    handler.close_connection = True


@dataclass
class Fake:
    """`acts`: for one request after the other, the last of them again and again. `seen`: what was asked."""

    acts: list[Act]
    url: str = ""
    seen: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    models: Act = field(default=status(200, {"data": [{"id": "first", "max_model_len": 99}, {"id": "second"}]}))

    def post(self, handler: Any) -> None:
        handler.body = body = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        with self.lock:
            self.seen.append(body)
            self.keys.append(handler.headers["authorization"])
            act = self.acts.pop(0) if len(self.acts) > 1 else self.acts[0]
        act(handler)


@contextmanager
def fake(*acts: Act, certificate: Path | None = None, **options: Any) -> Iterator[Fake]:
    one = Fake(list(acts) or [completion()], **options)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            one.post(self)

        def do_GET(self) -> None:
            one.models(self)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128  # of connections that nobody has taken yet: at 5, a hundred clients are turned away

        def handle_error(self, *_: Any) -> None:  # the client has gone
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    one.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield one
    finally:
        server.shutdown()
        server.server_close()
        thread.join()

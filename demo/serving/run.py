"""`vlm serve`: the application on uvicorn, its signals, and the watch over the engine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.types import ASGIApp

from . import logs
from .app import build
from .options import Settings
from .protocol import patient
from .service import Service

if TYPE_CHECKING:
    from vlm.assistant import Assistant

ENGINE_DIED = 70
"""Exit status (EX_SOFTWARE): whoever supervises the process should start another."""
LAST_WORDS = 1.0
"""Seconds in which requests are still told that the engine, or the time to drain, has ended."""


class Server(uvicorn.Server):
    """The first SIGTERM or SIGINT lets what is under way finish, and refuses the rest; a second ends at once.

    A dead engine ends the process, too: `exit_code` is then not 0.
    """

    def __init__(self, config: uvicorn.Config, service: Service) -> None:
        super().__init__(config)
        self.service, self.exit_code = service, 0
        self._stop_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.service.draining:
            os._exit(128 + sig)
        logs.event("draining", seconds=self.service.limits.drain_seconds)
        self.drain()

    def drain(self) -> None:
        """From any thread, or a signal handler."""
        self._stop_at = time.monotonic() + self.service.limits.drain_seconds
        self.service.draining = True

    async def startup(self, sockets: list[Any] | None = None) -> None:
        """Tells where it listens: with port 0 the system has chosen."""
        await super().startup(sockets)
        for listener in (one for server in self.servers for one in server.sockets) if self.started else ():
            host, port = listener.getsockname()[:2]
            logs.event("listening", host=host, port=port)

    async def on_tick(self, counter: int) -> bool:
        if not self.service.engine.alive and not self.exit_code:
            logs.event("engine died", logging.CRITICAL)
            self.exit_code, self._stop_at = ENGINE_DIED, time.monotonic() + LAST_WORDS
        if self._stop_at is not None and not self.should_exit:
            late = time.monotonic() >= self._stop_at
            if late or (self.service.idle and not self.exit_code):
                logs.event("stopping", idle=self.service.idle)
                await asyncio.to_thread(self.service.engine.close)
                self.should_exit = True
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, without raising the signals again afterwards: having drained is a success."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {sig: signal.signal(sig, self.handle_exit) for sig in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)


def server(assistant: Assistant, settings: Settings) -> Server:
    """Ready to `run`.

    Raises:
        InputError: a setting, or the file of served models, cannot be used.
    """
    app = build(assistant, settings)
    return Server(configured(app, settings), app.state.service)


def configured(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """How uvicorn serves an application of ours: patient to a point, silent about itself."""
    return uvicorn.Config(
        app, host=settings.host, port=settings.port, http=patient(settings.limits), ws="none", log_config=None,
        access_log=False, server_header=False, proxy_headers=False, timeout_keep_alive=settings.limits.idle_seconds,
        h11_max_incomplete_event_size=settings.limits.head_bytes, timeout_graceful_shutdown=int(LAST_WORDS),
    )  # fmt: skip


def serve(load: Callable[[], Assistant], settings: Settings) -> int:
    """Serves until a signal, or the engine's death. Returns the exit status."""
    logs.configure(settings.log_level)
    running = server(load(), settings)
    with contextlib.suppress(KeyboardInterrupt):
        running.run()
    if not running.started:
        return 1
    return running.exit_code

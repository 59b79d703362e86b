"""A server as a child process: on a port that the system chooses, its processor time on view, at our signals."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from vlm.errors import VlmError

GRACE = 60.0
"""Seconds in which a child that was told to end must have ended: more than it may take to drain."""


class Child:
    """A server that runs. `url` is where it listens."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process, self.url = process, ""
        self._last: deque[str] = deque(maxlen=5)
        self._listener: asyncio.Task[None] | None = None

    async def _listening(self) -> None:
        """Reads its log up to where it tells its port; from then on somebody must go on reading.

        Raises:
            VlmError: it ended before.
        """
        while not self.url:
            line = await self._line()
            if not line:
                raise VlmError("server_failed", f"the server did not start: {' '.join(self._last) or 'no word'}")
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                if said["event"] == "listening":
                    self.url = f"http://127.0.0.1:{said['port']}"
        self._listener = asyncio.create_task(self._drain())

    async def _line(self) -> str:
        assert self.process.stderr is not None
        line = (await self.process.stderr.readline()).decode("utf-8", "replace").strip()
        self._last.append(line)
        return line

    async def _drain(self) -> None:
        while await self._line():
            pass

    def cpu_seconds(self) -> float | None:
        """Processor time of the process so far, all threads together; None where the system does not tell."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def ended(self) -> int:
        """Its exit status. Raises TimeoutError after GRACE."""
        return await asyncio.wait_for(self.process.wait(), GRACE)

    async def _end(self) -> None:
        if self._listener is not None:
            self._listener.cancel()
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


@asynccontextmanager
async def serving(*module: str) -> AsyncIterator[Child]:
    """`python -m` module, a server that logs as `vlm serve` does. It is killed at the end, if it has not ended.

    Raises:
        VlmError: it does not start; the message has its last words.
    """
    command = [sys.executable, "-m", *module]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    child = Child(process)
    try:
        await child._listening()
        yield child
    finally:
        await child._end()

"""What a user sees and can do while a run is at work: the progress bar, errors.jsonl, Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import IO, Any

from .listing import Listing, Problem
from .options import UsageError


class ErrorFile:
    """errors.jsonl: what failed in this run, a line each as soon as it is known. Without failures there is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file: IO[bytes] | None = None
        if os.path.lexists(path) and not self._ours():
            raise UsageError(f"{path}: is there already and was not written by this program; choose --errors FILE")

    def _ours(self) -> bool:
        if not self.path.is_file():
            return False
        with self.path.open("rb") as file:
            first = file.readline(1 << 16)
        return not first or first.startswith(b'{"file_name": ')

    def __enter__(self) -> ErrorFile:
        self.path.unlink(missing_ok=True)  # those of the last run are tried again in this one
        return self

    def add(self, problem: Problem) -> None:
        self.file = self.file or self.path.open("wb")
        line = {"file_name": problem.name, "code": problem.code, "message": problem.message}
        self.file.write(json.dumps(line).encode() + b"\n")
        self.file.flush()

    def __exit__(self, *_: object) -> None:
        if self.file:
            os.fsync(self.file.fileno())
            self.file.close()


class Progress:
    """tqdm on the terminal: images/s, what is left, failures. The total is counted beside the work, by names only."""

    def __init__(self, listing: Listing, shards: int) -> None:
        self.listing, self.shards = listing, shards
        self.gone, self.counted, self.left_out = threading.Event(), 0, 0
        self.counting = threading.Thread(target=self._count, name="count", daemon=True)

    def __enter__(self) -> Progress:
        from tqdm import tqdm

        self.bar: Any = tqdm(unit=" images", disable=None, dynamic_ncols=True, smoothing=0.05)
        if not self.bar.disable and "-" not in self.listing.lists:
            self.counting.start()
        return self

    def _count(self) -> None:
        for _ in self.listing:
            if self.gone.is_set():
                return
            self.counted += 1
        self.bar.total = max(self.counted // self.shards - self.left_out, self.bar.n)

    def leave_out(self) -> None:
        """One that is done already counts for nothing, so that the rate is that of the work."""
        self.left_out += 1
        if self.bar.total:
            self.bar.total -= 1

    def advance(self, count: int, failures: int) -> None:
        if failures:
            self.bar.set_postfix_str(f"{failures} failed", refresh=False)
        self.bar.update(count)

    def __exit__(self, *_: object) -> None:
        self.gone.set()
        self.bar.close()


@contextmanager
def stop_on_signals(stop: threading.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM ask the run to end after its batch; a second one ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, _frame: FrameType | None) -> None:
        stop.set()
        print("\nfinishing this batch; once more to stop at once", file=sys.stderr, flush=True)
        signal.signal(number, before[number])

    before: dict[int, Any] = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

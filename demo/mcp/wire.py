"""Standard input and output taken away from everybody else, before anything heavy is imported; lines of bounded length.

Imports nothing that could print.
"""

from __future__ import annotations

import os
import sys

CHUNK = 1 << 16


def claim() -> tuple[int, int]:
    """(input, output) for messages. From now on descriptor 1 is stderr, and 0 is empty, for libraries and children."""
    sys.stdout.flush()
    wire = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        os.dup2(nothing, 0)
        try:
            os.dup2(2, 1)
        except OSError:  # somebody has closed stderr
            os.dup2(nothing, 1)
    finally:
        os.close(nothing)
    return wire


class Lines:
    """The lines of a descriptor, without their ends; None in place of one that is longer than `limit` bytes."""

    def __init__(self, descriptor: int, limit: int) -> None:
        self.descriptor, self.limit = descriptor, limit
        self.held, self.skipping = bytearray(), False

    def next(self) -> list[bytes | None]:
        """Those that are there; waits for the first. Empty at the end: a line without an end is none."""
        while data := os.read(self.descriptor, CHUNK):
            *whole, rest = data.split(b"\n")
            found = [line for piece in whole for line in self._ended(piece)]
            self._hold(rest)
            if found:
                return found
        return []

    def _ended(self, piece: bytes) -> list[bytes | None]:
        self._hold(piece)
        line = None if self.skipping else bytes(self.held).strip()
        self.held, self.skipping = bytearray(), False
        return [] if line == b"" else [line]

    def _hold(self, piece: bytes) -> None:
        self.skipping = self.skipping or len(self.held) + len(piece) > self.limit
        if self.skipping:
            self.held.clear()
        else:
            self.held += piece


def write_all(descriptor: int, data: bytes) -> None:
    """All of it."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]

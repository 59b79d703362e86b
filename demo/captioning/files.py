"""Writing so that a file is either the old one or the new one, whatever happens."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


@contextmanager
def replaced(path: Path) -> Iterator[IO[Any]]:
    """A file to write bytes to, which takes the place of `path` at the end of the block, and on the disk.

    The name it has until then is hidden, short, and the same each time: what a kill left is written over.
    The folder's entry is synced by `vlm.disk.sync`, once for many files.
    """
    digest = hashlib.blake2b(os.fsencode(path.name), digest_size=12).hexdigest()
    beside = path.with_name(f".vlm-{digest}.tmp")
    try:
        with beside.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise

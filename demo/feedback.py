"""What people thought of answers, as rows that preference training can read: one JSON object on each line.

    {"id", "time", "model", "adapter", "rating": "up" | "down", "messages": [...], "answer",
     "chosen": text or null, "rejected": text or null}

`messages` is a conversation as `vlm.chat` has it, up to the question. An answer with a thumb up is chosen,
one with a thumb down rejected; a correction is chosen over the answer it corrects. Rows that have both are
pairs (Rafailov et al. 2023, DPO), the others are single judgements (Ethayarajh et al. 2024, KTO). Of rows
with the same `id` the last one counts. A picture or sound is a path relative to the file's folder, named by
its content, so that the folder can be moved, and holds each medium once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from vlm.errors import InputError

try:
    import fcntl
except ImportError:  # not a POSIX system: one process at a time, its threads take turns
    fcntl = None  # type: ignore[assignment]

Rating = Literal["up", "down"]
MAX_CORRECTION = 20_000
_turn = threading.Lock()


class FeedbackFile:
    """Appends to `folder/feedback.jsonl`; media go to `folder/media`. Safe for several threads and processes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "feedback.jsonl"

    def record(
        self, messages: list[dict[str, Any]], answer: str, rating: Rating, *, correction: str = "", model: str,
        adapter: str | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Adds one row, which is on the disk when this returns, and returns it.

        Args:
            messages: end with a question; the media in them are paths.
            correction: what should have been answered; only with a thumb down.

        Raises:
            InputError: a correction that is too long or belongs to a thumb up, or a medium that is gone.
        """
        correction = correction.strip()
        if len(correction) > MAX_CORRECTION:
            raise InputError(f"the correction is longer than {MAX_CORRECTION} characters")
        if rating == "up" and correction:
            raise InputError("an answer that is right needs no correction")
        stored = [{"role": m["role"], "content": self._stored(m["content"])} for m in messages]
        row = {
            "id": _digest(json.dumps([stored, answer, model], sort_keys=True).encode())[:16],
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "model": model,
            "adapter": adapter,
            "rating": rating,
            "messages": stored,
            "answer": answer,
            "chosen": answer if rating == "up" else correction or None,
            "rejected": answer if rating == "down" else None,
        }
        self._append(json.dumps(row).encode() + b"\n")
        return row

    def _stored(self, content: Any) -> Any:
        """The parts of a message, with each medium copied into the media folder under its hash."""
        if isinstance(content, str):
            return content
        return [part if part["type"] == "text" else self._keep(part) for part in content]

    def _keep(self, part: dict[str, Any]) -> dict[str, Any]:
        kind, source = part["type"], Path(part[part["type"]])
        try:
            data = source.read_bytes()
        except OSError:
            raise InputError(f"{part.get('name', kind)} is no longer here; ask again") from None
        digest, suffix = _digest(data), source.suffix.lower()
        name = digest + (suffix if suffix[1:].isalnum() and len(suffix) < 6 else "")
        target = self.folder / "media" / name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".", delete=False) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).replace(target)
        return {"type": kind, kind: f"media/{name}", "sha256": digest, "name": part.get("name", name)}

    def _append(self, line: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            with _turn, _locked(descriptor):
                size = os.fstat(descriptor).st_size
                os.lseek(descriptor, max(0, size - 1), os.SEEK_SET)
                if size and os.read(descriptor, 1) != b"\n":  # a power cut tore the line before: keep it to itself
                    line = b"\n" + line
                while line:
                    line = line[os.write(descriptor, line) :]
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a feedback file, the last of each `id`; torn lines are passed over."""
    rows: dict[str, dict[str, Any]] = {}
    for line in path.read_text("utf-8").splitlines():
        with contextlib.suppress(ValueError):
            row = json.loads(line)
            rows.pop(row["id"], None)
            rows[row["id"]] = row
    yield from rows.values()


def default_folder() -> Path:
    """Where a user's data belongs on this system (XDG base directories)."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "vlm-studio" / "feedback"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@contextlib.contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # closing lets go
    yield

"""Where captions are kept while they are made: a text file beside each picture, or rows of a journal.

Both answer the same three questions: is this item done, keep these captions, make the result whole.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from vlm.disk import sync
from vlm.errors import InputError
from vlm.media import image_format

from . import tables, tars
from .files import replaced
from .journal import BEFORE, OURS, Journal
from .listing import Item, Problem
from .options import CaptionOptions, UsageError, read_text


class Output(Protocol):
    """`target` is what an item's caption is kept as: two items must not have the same."""

    def target(self, item: Item) -> bytes: ...

    def in_the_way(self, item: Item) -> str:
        """What must not be written over, as a reason, or nothing."""
        ...

    def done(self, item: Item) -> bool:
        """Whether nothing is left to do: by the rule of `--existing`, or since an earlier start did it."""
        ...

    def commit(self, captions: Sequence[tuple[Item, str]]) -> list[Problem]:
        """On the disk when this returns, but for those that it returns."""
        ...

    def finish(self, *, complete: bool) -> list[Problem]:
        """Makes what people look at; a job that is not complete keeps its journal, to be gone on with."""
        ...

    def close(self, *, complete: bool) -> None: ...


class Sidecars:
    """`picture.txt` beside `picture.png`, each replaced as a whole.

    With `skip` a sidecar is its own proof. Otherwise the journal says first what a sidecar will hold
    (its digest); after a kill, one that holds it already is not written, or added to, a second time.
    """

    def __init__(self, options: CaptionOptions, home: Path, *, dry: bool = False) -> None:
        self.options = options
        self.journal = Journal(home / f".vlm-caption{options.shard_mark}.journal", options.settings(), dry=dry)

    def path(self, item: Item) -> Path:
        if item.member:
            raise UsageError(f"{item.path}: an archive has no room beside its pictures; take --format tar or jsonl")
        path = Path(item.path)
        return path.with_name(path.stem + self.options.sidecar_extension)

    def target(self, item: Item) -> bytes:
        path = self.path(item)
        return os.fsencode(Path(os.path.realpath(path.parent), path.name))

    def in_the_way(self, item: Item) -> str:
        """Pictures go by their content: one may well be named like a sidecar, even like its own."""
        path = self.path(item)
        return f"{item.name}: its caption would be written over the picture {path}" if image_format(path) else ""

    def done(self, item: Item) -> bool:
        path = self.path(item)
        if self.options.existing == "skip":
            try:
                status = path.stat()
            except OSError:
                return False
            return stat.S_ISREG(status.st_mode) and status.st_size > 0  # crashes of other programs leave empty ones
        row = self.journal.row(self.target(item))
        return row is not None and (row[1]["applied"] or row[1]["digest"] == _digest(path))

    def commit(self, captions: Sequence[tuple[Item, str]]) -> list[Problem]:
        texts = [self._text(item, caption) for item, caption in captions]
        keep = self.options.existing != "skip"
        rows = [
            (self.target(item), item.place, OURS, {"digest": hashlib.sha256(text).hexdigest(), "applied": False})
            for (item, _), text in zip(captions, texts, strict=True)
        ]
        if keep:
            self.journal.put(rows)
        problems: dict[int, Problem] = {}
        for (item, _), text in zip(captions, texts, strict=True):
            try:
                with replaced(self.path(item)) as file:
                    file.write(text)
            except OSError as error:
                code = "permission_denied" if isinstance(error, PermissionError) else "io_error"
                message = f"{self.path(item)}: cannot be written ({error.strerror})"
                problems[item.place] = Problem(item.name, code, message, item.place)
        for folder in {self.path(item).parent for item, _ in captions if item.place not in problems}:
            sync(folder)
        if keep:
            self.journal.put(
                (key, place, job, {**value, "applied": True})
                for key, place, job, value in rows
                if place not in problems
            )
        return list(problems.values())

    def _text(self, item: Item, caption: str) -> bytes:
        text = self.options.combined(read_text(self.path(item)), caption)
        return f"{text}\n".encode("utf-8", "surrogateescape")

    def finish(self, *, complete: bool) -> list[Problem]:
        return []

    def close(self, *, complete: bool) -> None:
        self.journal.close(finished=complete)


class Rows:
    """One table or tar for all. Until the job is done the journal holds the rows; the file is made from them.

    A file that was there before is read into the journal first, and again where it was changed since.
    """

    def __init__(self, options: CaptionOptions, *, dry: bool = False) -> None:
        assert options.output is not None
        self.options, self.output, self.base = options, options.output, options.output.parent
        if not self.base.is_dir():
            raise UsageError(f"{self.base}: no such folder for the output")
        self.journal = Journal(self.base / f".{self.output.name}.journal", options.settings(), dry=dry)
        try:
            self._import()
        except (OSError, InputError):
            self.journal.close(finished=False)
            raise

    def _import(self) -> None:
        if self.options.format == "tar":
            if self.journal.get("imported") is None:  # the shards of earlier jobs stay as they are
                self.journal.put((os.fsencode(n), i, BEFORE, {}) for i, n in enumerate(tars.names(self.output)))
                self.journal.set("first shard", str(tars.next_number(self.output)))
                self.journal.set("imported", "yes")
            return
        if self.output.exists() and self.journal.get("made") != _fingerprint(self.output):
            rows = tables.read(self.output, self.options.format)
            self.journal.put(
                (key, place, BEFORE if (old := self.journal.row(key)) is None else old[0], row)
                for place, row in enumerate(rows)
                for key in [os.fsencode(row["file_name"])]
            )
            self.journal.set("made", _fingerprint(self.output))

    def name(self, item: Item) -> str:
        """How the table calls it: relative to the table's folder, as Hugging Face's imagefolder wants it."""
        path = os.path.relpath(item.path, self.base)
        return f"{path}/{item.member}" if item.member else path

    def target(self, item: Item) -> bytes:
        return os.fsencode(self.name(item))

    def in_the_way(self, item: Item) -> str:
        return ""

    def done(self, item: Item) -> bool:
        row = self.journal.row(self.target(item))
        if row is None or (row[0] == BEFORE and self.options.existing != "skip"):
            return False
        if self.options.format != "tar" and row[0] == BEFORE and not row[1].get("text"):
            return False
        self.journal.move(self.target(item), item.place)
        return True

    def commit(self, captions: Sequence[tuple[Item, str]]) -> list[Problem]:
        rows, problems = [], []
        for item, caption in captions:
            key, name = self.target(item), self.name(item)
            if self.options.format == "parquet" and not _is_utf8(key):
                message = f"{item.name}: Parquet cannot hold a name that is not UTF-8; take --format jsonl"
                problems.append(Problem(item.name, "unsupported_name", message, item.place))
                continue
            old = self.journal.row(key)
            value = {**(old[1] if old else {}), "file_name": name}
            value["text"] = self.options.combined(str(value.get("text") or ""), caption)
            if self.options.format == "tar":
                value["source"] = [item.path, item.member, item.offset, item.size]
            rows.append((key, item.place, OURS, value))
        self.journal.put(rows)
        return problems

    def finish(self, *, complete: bool) -> list[Problem]:
        if self.options.format == "tar":
            if not complete:  # a shard that is there is whole, and never made again
                return []
            first = int(self.journal.get("first shard") or 0)
            rows = (row for _, row in self.journal.in_order(OURS))
            return tars.write(self.output, rows, first, self.options.rows_per_tar)
        if any(True for _ in self.journal.in_order()):
            tables.write(self.output, self.options.format, lambda: (row for _, row in self.journal.in_order()))
            self.journal.set("made", _fingerprint(self.output))
        return []

    def close(self, *, complete: bool) -> None:
        self.journal.close(finished=complete)


def output_for(options: CaptionOptions, home: Path, *, dry: bool = False) -> Output:
    """`dry`: to look at only; nothing is written, and no other run is kept away."""
    return Sidecars(options, home, dry=dry) if options.format == "txt" else Rows(options, dry=dry)


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() if os.path.isfile(path) else ""  # noqa: PTH113
    except OSError:
        return ""


def _fingerprint(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True

"""What an unfinished job has done, in one SQLite file: a transaction for each batch, gone when the job is done.

The one idea behind "nothing lost, nothing twice": a result counts from the moment its transaction is
committed. Outputs are made so that they can be made again from the journal after a kill at any instant.
The lock on the file keeps a second run away from the same output.

    job    `settings` of the run that began it; another run with the same settings goes on with it
    rows   key -> place in the listing, the job that wrote it (0: it was there before), a JSON value
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vlm.errors import InputError

OURS, BEFORE = 1, 0


class Journal:
    """Opens or begins the journal of a job; with `dry`, a copy of it in memory that nobody else sees.

    Raises:
        InputError: `busy` where another run holds it, `other_settings` where the unfinished job is another one.
    """

    def __init__(self, path: Path, settings: str, *, dry: bool = False) -> None:
        self.path, self.dry = path, dry
        self.moves: list[tuple[int, bytes, int]] = []
        try:
            self.base = sqlite3.connect(":memory:" if dry else path, timeout=1, isolation_level=None)
            if dry and path.exists():
                sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1).backup(self.base)
            self.base.execute("PRAGMA locking_mode = EXCLUSIVE")
            self.base.execute("PRAGMA synchronous = EXTRA")  # the folder's entry is synced, too
            self.base.execute("BEGIN EXCLUSIVE")
            self.base.execute("CREATE TABLE IF NOT EXISTS job (name TEXT PRIMARY KEY, value TEXT)")
            self.base.execute(
                "CREATE TABLE IF NOT EXISTS rows (key BLOB PRIMARY KEY, place INTEGER, job INTEGER, value TEXT)"
            )
            self.base.execute("INSERT OR IGNORE INTO job VALUES ('settings', ?)", (settings,))
            self.base.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise InputError(f"{path}: another run is at work on the same output; wait for it", "busy") from None
            raise InputError(f"{path}: the journal of the job cannot be kept there ({error})", "io_error") from None
        except sqlite3.DatabaseError:
            raise InputError(f"{path}: not a journal, or damaged; delete it to start anew", "bad_journal") from None
        if (begun := self.get("settings")) != settings:
            self.base.close()
            differs = _differences(begun or "{}", settings)
            raise InputError(
                f"{path}: an unfinished job has other settings ({differs}); "
                "repeat it with those to finish it, or delete this file to give it up",
                "other_settings",
            )

    def get(self, name: str) -> str | None:
        found = self.base.execute("SELECT value FROM job WHERE name = ?", (name,)).fetchone()
        return found[0] if found else None

    def set(self, name: str, value: str) -> None:
        self.base.execute("INSERT OR REPLACE INTO job VALUES (?, ?)", (name, value))

    def row(self, key: bytes) -> tuple[int, Any] | None:
        """(job, value), where there is one."""
        found = self.base.execute("SELECT job, value FROM rows WHERE key = ?", (key,)).fetchone()
        return (found[0], json.loads(found[1])) if found else None

    def put(self, rows: Iterable[tuple[bytes, int, int, Any]]) -> None:
        """(key, place, job, value) each, all or none; on the disk when this returns."""
        self.base.execute("BEGIN")
        try:
            self.base.executemany("UPDATE rows SET place = ? WHERE key = ? AND place <> ?", self.moves)
            self.base.executemany(
                "INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)",
                ((key, place, job, json.dumps(value)) for key, place, job, value in rows),
            )
            self.base.execute("COMMIT")
        except BaseException as error:
            if self.base.in_transaction:
                self.base.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):  # a full disk, say
                message = (
                    f"{self.path}: cannot be written ({error}); what was kept before is safe, start again to go on"
                )
                raise InputError(message, "io_error") from None
            raise
        self.moves.clear()

    def move(self, key: bytes, place: int) -> None:
        """Where this run lists a row of an earlier one. Written with the next rows; after a kill it is told again."""
        self.moves.append((place, key, place))
        if len(self.moves) >= 10_000:
            self.put(())

    def in_order(self, job: int | None = None) -> Iterator[tuple[bytes, Any]]:
        """(key, value) of all rows, or of one job's, by their places."""
        self.put(())
        chosen = "" if job is None else f"WHERE job = {int(job)}"
        for key, value in self.base.execute(f"SELECT key, value FROM rows {chosen} ORDER BY place, key"):
            yield bytes(key), json.loads(value)

    def close(self, *, finished: bool) -> None:
        """A finished job leaves nothing behind; it is finished from the moment that the file is gone."""
        if finished and not self.dry:
            self.path.with_name(f"{self.path.name}-journal").unlink(missing_ok=True)  # SQLite's own, empty by now
            self.path.unlink(missing_ok=True)  # before closing: nobody may open it in between
        self.base.close()


class Seen:
    """Which item each output is for, on disk where it grows: finds duplicates and items that share an output."""

    def __init__(self) -> None:
        self.base = sqlite3.connect("", isolation_level=None)  # a temporary file that SQLite itself removes
        self.base.execute("PRAGMA journal_mode = OFF")
        self.base.execute("BEGIN")
        self.base.execute("CREATE TABLE seen (target BLOB PRIMARY KEY, owner BLOB) WITHOUT ROWID")

    def owner(self, target: bytes, item: bytes) -> bytes:
        """The first item that asked for this target: another one, or this one as before."""
        added = self.base.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (target, item)).rowcount
        if added:
            return b""
        found: bytes = self.base.execute("SELECT owner FROM seen WHERE target = ?", (target,)).fetchone()[0]
        return found


def _differences(begun: str, settings: str) -> str:
    before, now = json.loads(begun), json.loads(settings)
    names = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    return ", ".join(f"{name}: {before.get(name)!r}" for name in names)[:300]

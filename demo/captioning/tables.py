"""metadata.jsonl, .csv and .parquet in the form that Hugging Face's imagefolder reads: `file_name`, `text`, others."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from vlm.disk import sync
from vlm.errors import InputError

from .files import replaced

Row = dict[str, Any]
MAX_LINE = 16 << 20
FIRST = ("file_name", "text")


def read(path: Path, format_: str) -> Iterator[Row]:
    """The rows of a table.

    Raises:
        InputError: it is no such table; nothing is overwritten that could not be read.
    """
    readers: dict[str, Callable[[Path], Iterator[Row]]] = {
        "jsonl": _read_jsonl, "csv": _read_csv, "parquet": _read_parquet,
    }  # fmt: skip
    number = 0
    try:
        for row in readers[format_](path):
            if not isinstance(row, dict) or not isinstance(row.get("file_name"), str):
                raise ValueError("no file_name")
            json.dumps(row)  # as the journal will
            yield row
            number += 1
    except (ValueError, TypeError, csv.Error) as error:  # pyarrow's errors are ValueErrors, too
        reason = " ".join(str(error).split())[:120]
        message = f"{path}: row {number + 1} cannot be read ({reason}); repair it, or choose another --output"
        raise InputError(message, "bad_table") from None


def _read_jsonl(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE):
            if line.strip():
                yield json.loads(line)


def _read_csv(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        yield from csv.DictReader(file)


def _read_parquet(path: Path) -> Iterator[Row]:
    parquet = _pyarrow().parquet
    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(1000):
            yield from batch.to_pylist()


def write(path: Path, format_: str, rows: Callable[[], Iterable[Row]]) -> None:
    """Replaces the table by one of these rows, which are gone through twice, one at a time."""
    writers: dict[str, Callable[[IO[bytes], Iterable[Row], list[str]], None]] = {
        "jsonl": _write_jsonl, "csv": _write_csv, "parquet": _write_parquet,
    }  # fmt: skip
    names = dict.fromkeys(FIRST)
    for row in rows():
        names.update(dict.fromkeys(row))
    with replaced(path) as file:
        writers[format_](file, rows(), list(names))
    sync(path.parent)


def _write_jsonl(file: IO[bytes], rows: Iterable[Row], names: list[str]) -> None:
    """ASCII: what a file's name holds beyond UTF-8 is escaped, and comes back as it was."""
    for row in rows:
        file.write(json.dumps(row).encode() + b"\n")


def _write_csv(file: IO[bytes], rows: Iterable[Row], names: list[str]) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="", write_through=True)
    table = csv.DictWriter(text, names, restval="", lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    text.flush()
    text.detach()


def _write_parquet(file: IO[bytes], rows: Iterable[Row], names: list[str]) -> None:
    arrow = _pyarrow()
    schema = None
    writer = None
    rows = iter(rows)
    while block := list(itertools.islice(rows, 1000)):
        table = arrow.Table.from_pylist([{name: row.get(name) for name in names} for row in block], schema=schema)
        if writer is None:
            schema = arrow.schema(
                [arrow.field(f.name, arrow.string() if f.type == arrow.null() else f.type) for f in table.schema]
            )
            table = table.cast(schema)
            writer = arrow.parquet.ParquetWriter(file, schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError:
        message = "Parquet needs pyarrow: pip install 'vlm-studio[caption]'"
        raise InputError(message, "missing_extra") from None
    return pyarrow

"""WebDataset tars: for each picture its bytes as they are, the caption as .txt, and both names as .json."""

from __future__ import annotations

import io
import itertools
import json
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from vlm.disk import sync
from vlm.errors import InputError, VlmError
from vlm.media import image_format_of, read_image_file

from .files import replaced
from .listing import Item, Problem

SUFFIX = {"JPEG": "jpg", "TIFF": "tif"}


def shard_path(output: Path, number: int) -> Path:
    return output.with_name(f"{output.stem}-{number:06d}{output.suffix}")


def shards(output: Path) -> Iterator[Path]:
    """Those that are there, 000000 and on."""
    return itertools.takewhile(Path.exists, (shard_path(output, number) for number in itertools.count()))


def next_number(output: Path) -> int:
    return sum(1 for _ in shards(output))


def names(output: Path) -> Iterator[str]:
    """The file names of all pictures in the shards that are there."""
    for path in shards(output):
        try:
            with tarfile.open(path, "r:") as archive:
                while member := archive.next():
                    archive.members = []  # type: ignore[attr-defined]  # it keeps all that it has seen
                    if member.name.endswith(".json") and (file := archive.extractfile(member)):
                        yield json.loads(file.read())["file_name"]
        except (tarfile.TarError, ValueError, KeyError, TypeError):
            message = f"{path}: not a tar that this program wrote, or damaged; choose another --output"
            raise InputError(message, "bad_archive") from None


def write(output: Path, rows: Iterable[dict[str, Any]], first: int, rows_per_tar: int) -> list[Problem]:
    """Shards from number `first` on. Made again after a kill, they are the same: same rows, order and numbers.

    A picture that is gone since it was captioned is a problem, and left out.
    """
    problems: list[Problem] = []
    rows = iter(rows)
    number = first
    while block := list(itertools.islice(rows, rows_per_tar)):
        with replaced(shard_path(output, number)) as file, tarfile.open(fileobj=file, mode="w") as archive:
            for index, row in enumerate(block):
                path, member, offset, size = row["source"]
                item = Item(path, member, offset, size)
                try:
                    source = item.source()
                    data = source if isinstance(source, bytes) else read_image_file(path)
                except (VlmError, OSError) as error:
                    code = error.code if isinstance(error, VlmError) else "io_error"
                    problems.append(Problem(item.name, code, f"{item.name}: gone since it was captioned"))
                    continue
                kind = image_format_of(data) or "bin"
                _add(archive, f"{number:06d}{index:06d}", SUFFIX.get(kind, kind.lower()), row, data)
        sync(output.parent)
        number += 1
    return problems


def _add(archive: tarfile.TarFile, key: str, suffix: str, row: dict[str, Any], image: bytes) -> None:
    """One sample: members of one key, beside each other. The key has no dot, which would cut it."""
    text = row["text"].encode("utf-8", "surrogateescape")
    about = json.dumps({"file_name": row["file_name"], "text": row["text"]}).encode()
    for name, data in ((suffix, image), ("txt", text), ("json", about)):
        info = tarfile.TarInfo(f"{key}.{name}")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))

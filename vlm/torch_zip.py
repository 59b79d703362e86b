"""Files that `torch.save` wrote, looked at before torch opens them: a zip of one pickle and the bytes of each storage.

A pickle is a program. This module reads it as text and lets pass only what describes tensors; the zip has to be what
`torch.save` writes and nothing else: no compression (so no bomb), no second entry of a name, no TorchScript.

Source: torch's `serialization.py` and `caffe2/serialize`.
"""

from __future__ import annotations

import os
import pickletools
import re
import reprlib
import struct
import sys
import zipfile
from pathlib import Path

from .errors import CheckpointError

MAX_PICKLE = 4 << 20
MAX_DIRECTORY = 16 << 20
_LOCAL, _END, _LOCATOR = b"PK\3\4", b"PK\5\6", b"PK\6\7"
_RECORD = re.compile(r"data/\d{1,9}")
_NOTES = {"data.pkl", "version", "byteorder", ".format_version", ".storage_alignment", ".data/serialization_id"}
_KINDS = ("Float", "Half", "BFloat16", "Double", "Long", "Int", "Short", "Char", "Byte", "Bool")
_NAMED = {
    "collections OrderedDict", "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter",
    *(f"torch {kind}Storage" for kind in _KINDS),
}  # fmt: skip
"""All that the pickle of a dict of tensors names."""
_OTHER_CALLS = {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4", "PERSID"}
"""Ways to reach other objects that `torch.save` does not use."""


def storages(path: Path, size: int) -> dict[int, int]:
    """Where the bytes of each storage lie in the file: offset -> how many.

    Args:
        size: of the file, in bytes.

    Raises:
        CheckpointError: not a zip, damaged, compressed, or with something in it that is no tensor; names it.
    """
    try:
        with path.open("rb") as file:
            if file.read(4) != _LOCAL:
                raise _refusal(path, "not a zip as torch.save writes it since version 1.6; older pickles are not read")
            _check_directory(path, size)
            with zipfile.ZipFile(path) as archive:
                entries = _entries(path, archive)
                _check_pickle(path, archive.read(entries["data.pkl"]))
                if "byteorder" in entries and archive.read(entries["byteorder"]).decode() != sys.byteorder:
                    raise _refusal(path, "its numbers are in the byte order of another kind of machine")
            return {
                _data_offset(path, entry): entry.file_size for name, entry in entries.items() if _RECORD.fullmatch(name)
            }
    except CheckpointError:
        raise
    except OSError as error:
        raise _refusal(path, f"cannot be read ({error.strerror})") from error
    except (zipfile.BadZipFile, ValueError, RuntimeError, EOFError, struct.error) as error:
        raise _refusal(path, f"damaged, not a whole zip ({type(error).__name__})") from error


def _refusal(path: Path, why: str) -> CheckpointError:
    return CheckpointError(f"{path.name}: {why}")


def _check_directory(path: Path, size: int) -> None:
    """The list of entries is measured before it is parsed."""
    with path.open("rb") as file:
        file.seek(max(0, size - 42))
        tail = file.read()
        if tail[-22:-18] != _END:
            raise _refusal(path, "truncated, or not a zip that torch.save wrote (it does not end as one)")
        (length,) = struct.unpack("<I", tail[-10:-6])
        if tail[:4] == _LOCATOR:
            (at,) = struct.unpack("<Q", tail[8:16])
            file.seek(min(at, size))
            (length,) = struct.unpack("<Q", file.read(56)[40:48])
    if length > MAX_DIRECTORY:
        raise _refusal(path, f"its list of entries takes {length} bytes, more than the {MAX_DIRECTORY} allowed")


def _entries(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """By their names below the one folder that there is."""
    found: dict[str, zipfile.ZipInfo] = {}
    roots = set()
    for entry in archive.infolist():
        root, _, name = entry.filename.partition("/")
        roots.add(root)
        if name in found:
            raise _refusal(path, f"the entry {reprlib.repr(name)} stands twice in it")
        if not (name in _NOTES or _RECORD.fullmatch(name)) or entry.flag_bits & 1:
            raise _refusal(path, f"holds {reprlib.repr(entry.filename)}, which is no part of a file of tensors")
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise _refusal(path, f"{reprlib.repr(entry.filename)} is compressed, which torch.save never does")
        if entry.file_size > MAX_PICKLE and name in _NOTES:
            raise _refusal(path, f"its {name} takes {entry.file_size} bytes, more than the {MAX_PICKLE} allowed")
        found[name] = entry
    if len(roots) != 1 or "data.pkl" not in found:
        raise _refusal(path, "not a zip that torch.save wrote (no data.pkl in one folder)")
    return found


def _check_pickle(path: Path, data: bytes) -> None:
    for operation, argument, _ in pickletools.genops(data):
        if operation.name in _OTHER_CALLS or (operation.name == "GLOBAL" and argument not in _NAMED):
            asked = str(argument).replace(" ", ".") if argument is not None else operation.name
            raise _refusal(path, f"asks for {reprlib.repr(asked)}, which is no tensor; nothing of it was run")


def _data_offset(path: Path, entry: zipfile.ZipInfo) -> int:
    """Behind the entry's own header, which repeats its name."""
    with path.open("rb") as file:
        file.seek(entry.header_offset)
        header = file.read(30)
    signature, name, extra = struct.unpack("<4s22xHH", header)
    start: int = entry.header_offset + 30 + name + extra
    if signature != _LOCAL or start + entry.file_size > os.path.getsize(path):  # noqa: PTH202
        raise _refusal(path, f"{reprlib.repr(entry.filename)} does not lie where its list of entries says")
    return start

"""Foreign zip files: the only code that opens them. Nothing is unpacked to the disk, and limits act first.

The directory of a zip is measured before it is parsed, an entry is read up to its limit and no further
(whatever its header says), and names only ever become labels and the names inside another zip.
"""

from __future__ import annotations

import io
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from vlm.errors import MediaError

MAX_ENTRIES = 10_000
MAX_DIRECTORY = 4 << 20
MAX_ENTRY = 100_000_000
MAX_TOTAL = 4_000_000_000
_END, _END64 = b"PK\5\6", b"PK\6\7"
_DAMAGE = (OSError, ValueError, OverflowError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
"""What zipfile and its decompressors raise over bytes that are not what they claim; bz2 raises OSError."""


def is_zip(path: Path) -> bool:
    """By content: a local header, or the end of an empty archive. Other than regular files are not opened."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(4) in (b"PK\3\4", _END)
    except (OSError, ValueError):  # ValueError: no possible name
        return False


def read_zip(path: Path, name: str) -> Iterator[tuple[str, bytes | MediaError]]:
    """(name, bytes) of each file in the archive, in its order, one in memory at a time.

    An entry that cannot be read comes as an error and the others go on; folders and what file managers
    leave behind (`__MACOSX`, names with a dot in front) are passed over.

    Raises:
        MediaError: bad_archive, or archive_too_large (more than `MAX_ENTRIES`, or than `MAX_TOTAL` bytes).
    """
    _check_directory(path, name)
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:  # as with decoders: nearly everything is raised
        raise MediaError("bad_archive", name, _unread(error) or "damaged, not a whole zip file") from error
    with archive:
        entries = [e for e in archive.infolist() if not e.is_dir() and not _left_behind(e.filename)]
        if len(entries) > MAX_ENTRIES:
            raise MediaError("archive_too_large", name, f"{len(entries):,} files, the limit is {MAX_ENTRIES:,}")
        total = 0
        for entry in entries:
            label = f"{name}/{safe_name(entry.filename)}"
            data = _entry(archive, entry, label)
            total += len(data) if isinstance(data, bytes) else 0
            if total > MAX_TOTAL:
                raise MediaError("archive_too_large", name, f"more than {MAX_TOTAL:,} bytes unpacked")
            yield label, data


def safe_name(name: str) -> str:
    """A relative path that leads nowhere else: no root, no drive, no way up."""
    plain = name.replace("\\", "/").replace("\0", "")
    kept = [part.replace(":", "_") for part in PurePosixPath(plain).parts if part.strip("/") not in ("", ".", "..")]
    return "/".join(kept) or "file"


def zipped(texts: dict[str, str]) -> bytes:
    """A zip of small text files, name -> content."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(name, text.encode("utf-8", "replace"))
    return buffer.getvalue()


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, label: str) -> bytes | MediaError:
    if entry.flag_bits & 1:
        return MediaError("bad_archive", label, "encrypted")
    if entry.file_size > MAX_ENTRY:
        return MediaError("image_too_large", label, f"{entry.file_size:,} bytes, the limit is {MAX_ENTRY:,}")
    try:
        with archive.open(entry) as file:
            data = file.read(MAX_ENTRY + 1)
    except RuntimeError:  # NotImplementedError, too: a method that this Python lacks, strong encryption
        return MediaError("bad_archive", label, "compressed in a way that is not read here")
    except _DAMAGE as error:
        return MediaError("bad_archive", label, _unread(error) or "damaged inside the zip file")
    if len(data) > MAX_ENTRY:
        return MediaError("image_too_large", label, f"more than {MAX_ENTRY:,} bytes")
    return data


def _unread(error: Exception) -> str:
    """The system's reason, where the file could not be read at all; bz2's OSErrors over bad data have none."""
    return f"cannot be read ({error.strerror})" if isinstance(error, OSError) and error.errno else ""


def _check_directory(path: Path, name: str) -> None:
    """Reads how large the list of entries claims to be: parsing a list of millions would cost gigabytes."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - (1 << 16) - 42))
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise MediaError("bad_archive", name, "damaged, not a whole zip file")
    entries, directory = struct.unpack("<HI", tail[at + 10 : at + 16])
    if tail[max(0, at - 20) : at].startswith(_END64) or entries > MAX_ENTRIES or directory > MAX_DIRECTORY:
        raise MediaError("archive_too_large", name, f"too many files, the limit is {MAX_ENTRIES:,}")


def _left_behind(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return any(part == "__MACOSX" or (part.startswith(".") and part not in (".", "..")) for part in parts)

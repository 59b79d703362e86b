"""From a source to bytes, and how what comes from outside is refused: what pictures and sounds have in common."""

from __future__ import annotations

import binascii
import contextlib
import errno
import functools
import io
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from PIL import Image

from .errors import MediaError


@dataclass(frozen=True)
class MediaLimits:
    """What is still read. `max_audio_values` bounds frames x channels, at the rate of the file."""

    max_image_bytes: int = 100_000_000
    max_pixels: int = 40_000_000
    max_aspect: float = 200
    max_audio_bytes: int = 200_000_000
    max_audio_seconds: float = 600
    max_audio_values: int = 250_000_000


LOCAL_LIMITS = MediaLimits()
SERVER_LIMITS = MediaLimits(max_image_bytes=20_000_000, max_pixels=16_000_000, max_audio_bytes=25_000_000)


# --- refusing ------------------------------------------------------------------------------------


class Refusal(Exception):
    """(code, reason): a MediaError that does not know its item's name yet."""


def refuse(code: str, reason: str) -> NoReturn:
    """Raises `Refusal`, which leaves `border` as a `MediaError` with the item's name."""
    raise Refusal(code, reason)


@contextlib.contextmanager
def border(label: str, broken: str, too_large: str) -> Iterator[None]:
    """Whatever goes wrong inside leaves as a MediaError; a decoder's own words stay in `__cause__`."""
    try:
        yield
    except Refusal as refusal:
        raise MediaError(refusal.args[0], label, refusal.args[1]) from None
    except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MediaError(too_large, label, "needs more memory than is allowed") from error
    except Exception as error:  # decoders raise nearly everything: SyntaxError, RuntimeError, struct.error...
        raise MediaError(broken, label, "damaged or cut short") from error


def label_of(source: object, name: str | None, kind: str) -> str:
    """What messages call the item: the path as given, shortened, on one printable line."""
    if name is None:
        is_path = isinstance(source, os.PathLike) or (isinstance(source, str) and not _URI.match(source))
        name = (os.fsdecode(source) if is_path else kind) or kind  # type: ignore[arg-type]
    name = name if len(name) <= 120 else f"{name[:40]}...{name[-77:]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


# --- from a source to bytes ------------------------------------------------------------------------

_URI = re.compile(r"\s*(?:[a-z][a-z0-9+.-]+:/|(?:data|https?|ftp|file|blob):)", re.IGNORECASE)
"""Two letters at least before the colon: `C:/` is a drive. A file named like a URL can be given as a Path."""


def read(source: object, limit: int, broken: str, too_large: str) -> bytes:
    """The bytes of a path, a data URI or bytes: at least one, at most `limit`."""
    data = b""
    if isinstance(source, (bytes, bytearray, memoryview)):
        size = memoryview(source).nbytes
        data = bytes(source) if size <= limit else b""
    elif isinstance(source, str) and _URI.match(source):
        header, _, payload = source.lstrip().partition(",")
        if not header.lower().startswith("data:"):
            refuse("remote_not_allowed", "URLs are not fetched; give a path or the bytes themselves")
        if not header.lower().endswith(";base64"):
            refuse(broken, "of data URIs only those with base64 are read")
        size = len(payload) // 4 * 3 - payload[-2:].count("=")
        try:
            data = binascii.a2b_base64(payload, strict_mode=True) if size <= limit else b""
        except ValueError:
            refuse(broken, "not valid base64")
    elif isinstance(source, (str, os.PathLike)):
        size, data = read_file(Path(os.fsdecode(source)), limit)
    else:
        refuse(broken, f"cannot be read from {type(source).__name__}")
    if size > limit:
        refuse(too_large, f"{size:,} bytes, the limit is {limit:,}")
    return data or refuse(broken, "empty file")


_FLAGS = [getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY")]
_ERRORS = {
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG), ("not_found", "no such file")),
    **dict.fromkeys((errno.EACCES, errno.EPERM), ("permission_denied", "may not be read")),
    **dict.fromkeys((errno.ELOOP, errno.ENXIO), ("not_regular_file", "not a regular file")),
}


def read_file(path: Path, limit: int, at_most: int | None = None) -> tuple[int, bytes]:
    """(size, content) of a regular file; the content is not read where the size is over the limit.

    With `at_most`, only so many bytes of its beginning.
    """
    try:
        _regular_size(path.stat())  # first without opening: opening a FIFO wakes its writer
        descriptor = os.open(path, functools.reduce(int.__or__, _FLAGS, os.O_RDONLY))
        try:
            size, data = _regular_size(os.fstat(descriptor)), bytearray()
            if at_most is not None:
                return size, os.read(descriptor, at_most)
            while len(data) < size <= limit and (piece := os.read(descriptor, min(size - len(data), 1 << 20))):
                data += piece
            if size <= limit and not len(data) == size == os.fstat(descriptor).st_size:
                refuse("io_error", "changed while it was read")
            return size, bytes(data)
        finally:
            os.close(descriptor)
    except OSError as error:
        refuse(*_ERRORS.get(error.errno or 0, ("io_error", os.strerror(error.errno or errno.EIO))))
    except ValueError:  # a NUL or a lone surrogate
        refuse("not_found", "not a possible file name")


def _regular_size(status: os.stat_result) -> int:
    return status.st_size if stat.S_ISREG(status.st_mode) else refuse("not_regular_file", "not a regular file")


class Reader(io.BytesIO):
    """Bytes for a decoder, which end after so many reads or four times their number; nothing here raises.

    Some parsers take a turn for every few bytes (GIF comments, JPEG padding, BMP runs, empty chunks), or
    copy one place for each of thousands of TIFF tags: a megabyte of those would cost minutes or gigabytes.
    Honest files stay far below.
    """

    def __init__(self, data: bytes, reads: int) -> None:
        super().__init__(data)
        self.size, self.reads, self.bytes = len(data), reads, 4 * len(data)

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size) if self.reads > 0 < self.bytes else b""
        self.reads, self.bytes = self.reads - 1, self.bytes - len(data)
        return data

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return super().seek(max(0, offset + (0, self.tell(), self.size)[whence]))


_FOREIGN = (
    (0, b"%PDF-", "PDF"), (0, b"%!PS", "EPS"), (0, b"\xc5\xd0\xd3\xc6", "EPS"), (0, b"8BPS", "PSD"),
    (0, b"SIMPLE  =", "FITS"), (0, b"\xd0\xcf\x11\xe0", "FPX"), (0, b"STARTFONT", "BDF"), (0, b"\0\0\1\0", "ICO"),
    (4, b"jP  ", "JPEG 2000"), (0, b"\xff\x4f\xff\x51", "JPEG 2000"), (4, b"JXL ", "JPEG XL"), (0, b"P6\n", "PPM"),
    (4, b"ftypavi", "AVIF"), (4, b"ftyphe", "HEIC"), (4, b"ftypmif1", "HEIC"), (4, b"ftypmsf1", "HEIC"),
    (4, b"ftypM4A", "M4A (AAC)"), (4, b"ftyp", "MP4 or MOV"), (0, b"\x1a\x45\xdf\xa3", "Matroska or WebM"),
    (8, b"AVI LIST", "AVI"), (0, b"\x30\x26\xb2\x75", "WMA or WMV"), (0, b"\xff\xf1", "AAC"), (0, b"\xff\xf9", "AAC"),
    (0, b"riff\x2e\x91", "W64"), (0, b" paf", "PAF"), (0, b"fap ", "PAF"), (0, b"caff", "CAF"), (0, b".snd", "AU"),
    (0, b"Creative Voice", "VOC"), (0, b"#!AMR", "AMR"), (0, b"RIFX", "RIFX"), (0, b"\x1f\x8b", "gzip"),
)  # fmt: skip


def refuse_unknown(data: bytes, broken: str, what: str, accepted: Iterable[str]) -> NoReturn:
    """Of formats that are never decoded, the usual ones are at least called by their names."""
    text = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    kind = next((kind for offset, magic, kind in _FOREIGN if data.startswith(magic, offset)), None)
    if text.startswith(b"<svg") or (text.startswith((b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in text):
        kind = "SVG"
    if kind:
        refuse("unsupported_format", f"{kind} is not read; accepted are {', '.join(accepted)}")
    kind = "markup (a web page?)" if text.startswith(b"<") else "of no known kind, or damaged at its start"
    refuse(broken, f"{kind}, not {what}; accepted are {', '.join(accepted)}")

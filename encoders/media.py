"""Foreign bytes in, pixels and samples out: the only code of the project that opens media.

Three rules hold for everything here. Limits act on headers and counters, before the data they limit
is made. The content decides the type, names and MIME types never do. The only exception that comes
out is `MediaError`, whose message holds the caller's own name for the item and words of ours, never
those of a decoder (they carry memory addresses).

Choices made where more than one is possible:
- nothing is fetched: a URL is refused, a `data:` URI with base64 is read;
- a picture is its first frame, turned as its EXIF says, what is transparent on white, colour profiles
  ignored; one that is cut short is refused, since half of it would be grey;
- a sound that is cut short or breaks off is kept up to there, with a line in the log;
- libtiff and mpg123 write their complaints to stderr, where they stay; nothing writes to stdout.
"""

from __future__ import annotations

import binascii
import contextlib
import errno
import functools
import io
import logging
import os
import re
import stat
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from PIL import Image, UnidentifiedImageError, features

from .errors import MediaError

logger = logging.getLogger(__name__)

ImageSource = str | os.PathLike | bytes | Image.Image | np.ndarray
"""A path, a data URI, the bytes of a file, a picture, or pixels (H, W) or (H, W, 1..4)."""
AudioSource = str | os.PathLike | bytes | tuple[np.ndarray, int]
"""A path, a data URI, the bytes of a file, or (samples, rate in Hz)."""


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

IMAGE_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", *(["AVIF"] if features.check("avif") else []))
_HEAD = 16  # what Pillow's plugins are shown to recognise their format
AUDIO_FORMATS = ("WAV", "FLAC", "Ogg Vorbis", "Ogg Opus", "MP3", "AIFF")


def load_image(source: ImageSource, *, name: str | None = None, limits: MediaLimits = LOCAL_LIMITS) -> Image.Image:
    """The picture as a new RGB image, upright, without metadata.

    Raises:
        MediaError: bad_image, image_too_large, unsupported_format, remote_not_allowed,
            not_found, not_regular_file, permission_denied, io_error.
    """
    with _border(_label(source, name, "image"), "bad_image", "image_too_large"):
        if isinstance(source, np.ndarray):
            image = _image_from_array(source, limits)
        elif isinstance(source, Image.Image):
            image = source
        else:
            image = _open_image(_read(source, limits.max_image_bytes, "bad_image", "image_too_large"), limits)
        _check_size(image.size, limits)
        image = _to_rgb(_upright(image))
        image.info.clear()
        return image


def image_format(path: str | os.PathLike[str]) -> str | None:
    """The accepted format that a file begins as, like "PNG"; its name is not looked at, nor is it decoded.

    None too for what is no regular file or cannot be read.
    """
    try:
        return image_format_of(_read_file(Path(path), 1 << 62, at_most=_HEAD)[1])
    except _Refusal:
        return None


def image_format_of(data: bytes) -> str | None:
    """As `image_format`, of the bytes of a file or its first few."""
    Image.init()
    head = data[:_HEAD]
    if head.startswith(b"BM") and head[6:10] != bytes(4):  # two letters begin many a text; this is always zero
        return None
    return next((name for name in IMAGE_FORMATS if (accept := Image.OPEN[name][1]) and accept(head) is True), None)


def read_image_file(path: str | os.PathLike[str], *, limits: MediaLimits = LOCAL_LIMITS) -> bytes:
    """The bytes of a picture's file as they are, not decoded: for copies, not for looking at.

    Raises:
        MediaError: as `load_image` of a path.
    """
    with _border(_label(path, None, "image"), "bad_image", "image_too_large"):
        return _read(Path(path), limits.max_image_bytes, "bad_image", "image_too_large")


def load_audio(source: AudioSource, *, name: str | None = None, limits: MediaLimits = LOCAL_LIMITS) -> np.ndarray:
    """The sound as a new float32 array (samples,), mono, `SAMPLE_RATE` Hz, within -1..1.

    Arrays are uint8, int16, int32 or float; (samples,), (samples, channels) or (channels, samples).

    Raises:
        MediaError: bad_audio, audio_too_short (under 10 ms), audio_too_long (seconds, bytes or
            values), unsupported_format, remote_not_allowed, and those of files as `load_image`.
    """
    label = _label(source, name, "audio")
    with _border(label, "bad_audio", "audio_too_long"):
        if isinstance(source, tuple):
            return _mono(*_array_blocks(source, limits), limits, label)
        data = _read(source, limits.max_audio_bytes, "bad_audio", "audio_too_long")
        with _open_sound(data, limits) as sound:
            return _mono(_sound_blocks(sound, label), sound.samplerate, limits, label)


# --- refusing ------------------------------------------------------------------------------------


class _Refusal(Exception):
    """(code, reason): a MediaError that does not know its item's name yet."""


def _refuse(code: str, reason: str) -> NoReturn:
    raise _Refusal(code, reason)


@contextlib.contextmanager
def _border(label: str, broken: str, too_large: str) -> Iterator[None]:
    """Whatever goes wrong inside leaves as a MediaError; a decoder's own words stay in `__cause__`."""
    try:
        yield
    except _Refusal as refusal:
        raise MediaError(refusal.args[0], label, refusal.args[1]) from None
    except (MemoryError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise MediaError(too_large, label, "needs more memory than is allowed") from error
    except Exception as error:  # decoders raise nearly everything: SyntaxError, RuntimeError, struct.error...
        raise MediaError(broken, label, "damaged or cut short") from error


def _label(source: object, name: str | None, kind: str) -> str:
    """What messages call the item: the path as given, shortened, on one printable line."""
    if name is None:
        is_path = isinstance(source, os.PathLike) or (isinstance(source, str) and not _URI.match(source))
        name = (os.fsdecode(source) if is_path else kind) or kind  # type: ignore[arg-type]
    name = name if len(name) <= 120 else f"{name[:40]}...{name[-77:]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


# --- from a source to bytes ------------------------------------------------------------------------

_URI = re.compile(r"\s*(?:[a-z][a-z0-9+.-]+:/|(?:data|https?|ftp|file|blob):)", re.IGNORECASE)
"""Two letters at least before the colon: `C:/` is a drive. A file named like a URL can be given as a Path."""


def _read(source: object, limit: int, broken: str, too_large: str) -> bytes:
    """The bytes of a path, a data URI or bytes: at least one, at most `limit`."""
    data = b""
    if isinstance(source, (bytes, bytearray, memoryview)):
        size = memoryview(source).nbytes
        data = bytes(source) if size <= limit else b""
    elif isinstance(source, str) and _URI.match(source):
        header, _, payload = source.lstrip().partition(",")
        if not header.lower().startswith("data:"):
            _refuse("remote_not_allowed", "URLs are not fetched; give a path or the bytes themselves")
        if not header.lower().endswith(";base64"):
            _refuse(broken, "of data URIs only those with base64 are read")
        size = len(payload) // 4 * 3 - payload[-2:].count("=")
        try:
            data = binascii.a2b_base64(payload, strict_mode=True) if size <= limit else b""
        except ValueError:
            _refuse(broken, "not valid base64")
    elif isinstance(source, (str, os.PathLike)):
        size, data = _read_file(Path(os.fsdecode(source)), limit)
    else:
        _refuse(broken, f"cannot be read from {type(source).__name__}")
    if size > limit:
        _refuse(too_large, f"{size:,} bytes, the limit is {limit:,}")
    return data or _refuse(broken, "empty file")


_FLAGS = [getattr(os, flag, 0) for flag in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY")]
_ERRORS = {
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG), ("not_found", "no such file")),
    **dict.fromkeys((errno.EACCES, errno.EPERM), ("permission_denied", "may not be read")),
    **dict.fromkeys((errno.ELOOP, errno.ENXIO), ("not_regular_file", "not a regular file")),
}


def _read_file(path: Path, limit: int, at_most: int | None = None) -> tuple[int, bytes]:
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
                _refuse("io_error", "changed while it was read")
            return size, bytes(data)
        finally:
            os.close(descriptor)
    except OSError as error:
        _refuse(*_ERRORS.get(error.errno or 0, ("io_error", os.strerror(error.errno or errno.EIO))))
    except ValueError:  # a NUL or a lone surrogate
        _refuse("not_found", "not a possible file name")


def _regular_size(status: os.stat_result) -> int:
    return status.st_size if stat.S_ISREG(status.st_mode) else _refuse("not_regular_file", "not a regular file")


class _Reader(io.BytesIO):
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


def _refuse_unknown(data: bytes, broken: str, what: str, accepted: Iterable[str]) -> NoReturn:
    """Of formats that are never decoded, the usual ones are at least called by their names."""
    text = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    kind = next((kind for offset, magic, kind in _FOREIGN if data.startswith(magic, offset)), None)
    if text.startswith(b"<svg") or (text.startswith((b"<?xml", b"<!--", b"<!doctype svg")) and b"<svg" in text):
        kind = "SVG"
    if kind:
        _refuse("unsupported_format", f"{kind} is not read; accepted are {', '.join(accepted)}")
    kind = "markup (a web page?)" if text.startswith(b"<") else "of no known kind, or damaged at its start"
    _refuse(broken, f"{kind}, not {what}; accepted are {', '.join(accepted)}")


# --- pictures ------------------------------------------------------------------------------------

_UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
_ORIENTATION, _TILE_WIDTH, _TILE_LENGTH = 0x0112, 322, 323


def _open_image(data: bytes, limits: MediaLimits) -> Image.Image:
    """A picture whose header is read and accepted, its pixels not yet decoded."""
    if data.count(b"iCCP") > 20:
        _refuse("bad_image", "more than 20 colour profiles")  # Pillow inflates each
    try:
        reads = 20_000 if data.startswith(b"GIF") else 100_000  # each block of a GIF's comment copies the comment
        image: Any = Image.open(_Reader(_with_little_exif(data), reads), formats=IMAGE_FORMATS)
    except UnidentifiedImageError:
        _refuse_unknown(data, "bad_image", "a picture", IMAGE_FORMATS)
    _check_size(image.size, limits)
    if image.format in ("JPEG", "MPO") and data.count(b"\xff\xda") > 100:
        _refuse("bad_image", "more than 100 scans")  # each costs a pass over all pixels
    if image.format == "TIFF":  # a tile is decoded whole, however small the picture is
        width, length = (image.tag_v2.get(tag, 0) for tag in (_TILE_WIDTH, _TILE_LENGTH))
        if width * length > limits.max_pixels:
            _refuse("image_too_large", f"tiles of {width} x {length} pixels, the limit is {limits.max_pixels:,}")
    return image


def _with_little_exif(data: bytes) -> bytes:
    """Pillow's EXIF reader copies a value for each tag, and tags may share theirs: 1 MB can become gigabytes.

    JPEG joins the EXIF of all segments, so that only one of at most 64 KiB is left here; in AVIF none, where
    turning is said elsewhere. For the other formats `_upright` looks at the length.
    """
    if data.startswith(b"\xff\xd8"):
        before, mark, after = data.partition(b"Exif\0\0")
        return before + mark + after.replace(mark, b"exif\0\0") if mark and mark in after else data
    return re.sub(rb"(infe.{8,10})Exif", rb"\1exif", data, flags=re.DOTALL) if data[4:8] == b"ftyp" else data


def _check_size(size: tuple[int, int], limits: MediaLimits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        _refuse("image_too_large", f"{width} x {height} pixels, the limit is {limits.max_pixels:,}")
    if not width * height:
        _refuse("bad_image", "no pixels")
    if max(width, height) > limits.max_aspect * min(width, height):
        _refuse("bad_image", f"{width} x {height} pixels, one side over {limits.max_aspect:g} times the other")


def _upright(image: Image.Image) -> Image.Image:
    """Decodes the first frame, and turns it as its EXIF says; an EXIF that cannot be read says nothing."""
    image.load()  # a TIFF is turned already here, and its tag taken away
    try:
        exif = image.info.get("exif") or image.info.get("Raw profile type exif") or b""
        turn = _UNDO.get(image.getexif().get(_ORIENTATION, 1)) if len(exif) < 1 << 16 else None
    except Exception:  # as `_border`
        return image
    return image if turn is None else image.transpose(turn)


def _to_rgb(image: Image.Image) -> Image.Image:
    """A new RGB image: grey scaled to 8 bits, what is transparent on white."""
    if image.mode.startswith("I") or image.mode == "F":
        width, height = image.size
        grey = _to_uint8(lambda top, end: np.asarray(image.crop((0, top, width, end))), height, width)
        return Image.fromarray(grey).convert("RGB")
    if image.mode == "LAB":
        _refuse("unsupported_format", "CIE Lab colours are not read")
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    sheet = Image.new("RGB", image.size, "white")
    sheet.paste(image, mask=image.getchannel("A"))
    return sheet


def _image_from_array(array: np.ndarray, limits: MediaLimits) -> Image.Image:
    """(H, W) or (H, W, 1..4): grey, grey + alpha, RGB or RGBA, of any real dtype."""
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or not 1 <= channels <= 4 or array.dtype.kind not in "buif":
        _refuse("bad_image", f"an array {array.dtype}{list(array.shape)}; accepted are numbers (H, W) or (H, W, 1..4)")
    _check_size((array.shape[1], array.shape[0]), limits)
    if array.dtype == bool:
        array = array * np.uint8(255)
    elif array.dtype != np.uint8:
        pixels = array
        array = _to_uint8(lambda top, end: pixels[top:end], len(pixels), pixels[0].size)
    return Image.fromarray(np.ascontiguousarray(array.reshape(array.shape[:2] if channels == 1 else array.shape)))


def _to_uint8(rows: Callable[[int, int], np.ndarray], height: int, row_size: int) -> np.ndarray:
    """Numbers to uint8, in bands of rows so that their float copies stay small.

    The first of the usual ranges that holds them all becomes 0..255, otherwise the range they span.
    Usual: uint16 0..65535; floats 0..1 and 0..255; other integers 0..255 and 0..65535.
    """
    step = max(1, (1 << 20) // row_size)
    bands = [(top, min(height, top + step)) for top in range(0, height, step)]
    extremes = np.array([(band.min(), band.max()) for band in (rows(*ends) for ends in bands)])
    if not np.isfinite(extremes).all():  # min and max hand NaN on
        _refuse("bad_image", "non-finite pixels")
    low, high, dtype = float(extremes.min()), float(extremes.max()), rows(0, 1).dtype
    usual = (1, 255) if dtype.kind == "f" else (255, 65535) if dtype.str[1:] != "u2" else (65535,)
    low, high = next(((0, white) for white in usual if low >= 0 and high <= white), (low, high))
    scaled = ((rows(*ends).astype(np.float64) - low) * (255 / (high - low or 1)) for ends in bands)
    return np.concatenate([np.rint(band).astype(np.uint8) for band in scaled])


# --- sounds --------------------------------------------------------------------------------------

_PCM = {"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32"}
_WAV = _PCM | {"FLOAT", "DOUBLE", "ULAW", "ALAW"}
_CODINGS = {
    "WAV": _WAV, "WAVEX": _WAV, "RF64": _WAV, "AIFF": _PCM, "FLAC": _PCM,
    "OGG": {"VORBIS", "OPUS"}, "MP3": {"MPEG_LAYER_III"},
}  # fmt: skip
_BLOCK = 4096
"""Frames decoded at a time."""
_UNKNOWN = 1 << 62
"""From here on libsndfile's count of frames means that the header has none."""


def _open_sound(data: bytes, limits: MediaLimits) -> Any:
    """A SoundFile whose header is read and accepted, no sample decoded."""
    for _ in range(4):  # tags in front, and their padding: of an MP3, usually
        if data.startswith(b"ID3"):
            size = functools.reduce(lambda total, byte: total << 7 | byte & 127, data[6:10], 0)
            data = data[10 + size :].lstrip(b"\0")
    _check_coding(data)
    sound = _sequential()(_Reader(data, reads=1_000_000))
    if sound.subtype not in _CODINGS.get(sound.format, ()):
        _refuse("unsupported_format", f"{sound.format} with {sound.subtype} is not read")
    known = sound.frames if sound.frames < _UNKNOWN else 0
    _check_sound(known, sound.channels, sound.samplerate, limits)
    return sound


@functools.cache
def _sequential() -> Any:
    import soundfile

    class SequentialSound(soundfile.SoundFile):
        """Only reads on; the base class seeks after each block, which a FLAC without a length cannot."""

        def seekable(self) -> bool:
            return False

    return SequentialSound


def _check_coding(data: bytes) -> None:
    """Looks at container and coding before libsndfile does: its ADPCM decodes while opening already."""
    accepted = True
    if data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE":
        header = _chunk(data, b"fmt ", "<")
        tag = header[24:26] if header[:2] == b"\xfe\xff" else header[:2]
        accepted = int.from_bytes(tag, "little") in (1, 3, 6, 7)  # PCM, float, A-law, u-law
    elif data[:4] == b"FORM" and data[8:12] == b"AIFC":
        accepted = _chunk(data, b"COMM", ">")[18:22] in (b"NONE", b"twos", b"sowt", b"in24", b"in32")
    elif data[:4] == b"OggS":
        accepted = data.startswith((b"OpusHead", b"\1vorbis"), 28)
    elif data[:4] == b"fLaC" or (data[:4] == b"FORM" and data[8:12] == b"AIFF"):
        pass
    elif not (len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2 and data[1] & 0x18 != 0x08):  # MP3
        _refuse_unknown(data, "bad_audio", "a sound", AUDIO_FORMATS)
    if not accepted:
        _refuse("unsupported_format", f"its coding is not read; accepted are {', '.join(AUDIO_FORMATS)}")


def _chunk(data: bytes, wanted: bytes, order: str) -> bytes:
    """The first bytes of a RIFF or IFF file's first chunk of that name."""
    position = 12
    for _ in range(1000):
        if position + 8 > len(data):
            break
        name, size = struct.unpack_from(order + "4sI", data, position)
        if name == wanted:
            return data[position + 8 : position + 8 + min(size, 40)]
        position += 8 + size + size % 2
    _refuse("bad_audio", "its header is damaged")


def _check_sound(frames: int, channels: int, rate: Any, limits: MediaLimits) -> None:
    if not isinstance(rate, (int, np.integer)) or not 1000 <= rate <= 384_000:
        _refuse("bad_audio", "its sample rate is not a whole number from 1000 to 384000 Hz")
    if not 1 <= channels <= 8:
        _refuse("bad_audio", f"{channels} channels; 1 to 8 are read")
    if frames > limits.max_audio_seconds * rate:
        _refuse("audio_too_long", f"longer than {limits.max_audio_seconds:g} s")
    if frames * channels > limits.max_audio_values:
        _refuse("audio_too_long", f"more than {limits.max_audio_values:,} values in all channels")


def _sound_blocks(sound: Any, label: str) -> Iterator[np.ndarray]:
    """(n, channels) float32, n at most `_BLOCK`, in one buffer that is used again."""
    buffer, frames = np.empty((_BLOCK, sound.channels), np.float32), 0
    with contextlib.suppress(RuntimeError):  # libsndfile's kind; what came before is kept
        while len(block := sound.read(out=buffer)):
            frames += len(block)
            yield block
    if not frames and sound.frames:
        _refuse("bad_audio", "damaged or cut short")
    if frames < sound.frames < _UNKNOWN:
        logger.warning("%s: breaks off after %d of %d samples", label, frames, sound.frames)


def _array_blocks(source: tuple, limits: MediaLimits) -> tuple[Iterator[np.ndarray], int]:
    """((n, channels) float32 blocks, rate) of an array."""
    array, rate = source if len(source) == 2 else (None, 0)
    if not isinstance(array, np.ndarray) or array.ndim not in (1, 2):
        _refuse("bad_audio", "a pair must be (samples, rate), the samples an array of one or two dimensions")
    table = array[:, None] if array.ndim == 1 else array.T if array.shape[0] <= 8 < array.shape[1] else array
    _check_sound(len(table), table.shape[1], rate, limits)
    scale = {np.uint8: 128.0, np.int16: 32768.0, np.int32: 2147483648.0}.get(table.dtype.type, 1.0)
    if scale == 1.0 and table.dtype.kind != "f":
        _refuse("bad_audio", f"samples of {table.dtype}; accepted are uint8, int16, int32 and floats")
    middle = 128.0 if table.dtype == np.uint8 else 0.0

    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, len(table), _BLOCK):
            with np.errstate(over="ignore"):  # beyond float32 is inf, and refused as that
                yield ((table[start : start + _BLOCK] - middle) / scale).astype(np.float32)

    return blocks(), int(rate)


def _mono(blocks: Iterable[np.ndarray], rate: int, limits: MediaLimits, label: str) -> np.ndarray:
    """(n, channels) at `rate` -> (samples,) at SAMPLE_RATE: the channels' mean, clipped to -1..1."""
    import soxr

    from .base import SAMPLE_RATE  # here, since it brings torch along

    stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
    pieces, frames, loudest = [], 0, 0.0
    for block in blocks:
        frames += len(block)
        _check_sound(frames, block.shape[1], rate, limits)
        if not np.isfinite(block).all():
            _refuse("bad_audio", "non-finite samples")
        loudest = max(loudest, float(np.abs(block).max()))
        mono = block.clip(-1, 1).mean(axis=1)
        pieces.append(mono if rate == SAMPLE_RATE else stream.resample_chunk(mono))
    if frames * 100 < rate:
        _refuse("audio_too_short", f"{frames} samples at {rate} Hz are less than 10 ms")
    pieces.append(stream.resample_chunk(np.zeros(0, np.float32), last=True))
    if loudest > 1:
        logger.warning("%s: samples up to %.3g, clipped to 1", label, loudest)
    return np.concatenate(pieces).clip(-1, 1)

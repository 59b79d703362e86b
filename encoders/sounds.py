"""Sounds of others, from bytes or numbers: header and coding first, limits next, then blocks of samples."""

from __future__ import annotations

import contextlib
import functools
import logging
import struct
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .untrusted import MediaLimits, Reader, refuse, refuse_unknown

logger = logging.getLogger(__name__)

AUDIO_FORMATS = ("WAV", "FLAC", "Ogg Vorbis", "Ogg Opus", "MP3", "AIFF")
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


def open_sound(data: bytes, limits: MediaLimits) -> Any:
    """A SoundFile whose header is read and accepted, no sample decoded."""
    for _ in range(4):  # tags in front, and their padding: of an MP3, usually
        if data.startswith(b"ID3"):
            size = functools.reduce(lambda total, byte: total << 7 | byte & 127, data[6:10], 0)
            data = data[10 + size :].lstrip(b"\0")
    _check_coding(data)
    sound = _sequential()(Reader(data, reads=1_000_000))
    if sound.subtype not in _CODINGS.get(sound.format, ()):
        refuse("unsupported_format", f"{sound.format} with {sound.subtype} is not read")
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
        refuse_unknown(data, "bad_audio", "a sound", AUDIO_FORMATS)
    if not accepted:
        refuse("unsupported_format", f"its coding is not read; accepted are {', '.join(AUDIO_FORMATS)}")


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
    return refuse("bad_audio", "its header is damaged")


def _check_sound(frames: int, channels: int, rate: Any, limits: MediaLimits) -> None:
    if not isinstance(rate, (int, np.integer)) or not 1000 <= rate <= 384_000:
        refuse("bad_audio", "its sample rate is not a whole number from 1000 to 384000 Hz")
    if not 1 <= channels <= 8:
        refuse("bad_audio", f"{channels} channels; 1 to 8 are read")
    if frames > limits.max_audio_seconds * rate:
        refuse("audio_too_long", f"longer than {limits.max_audio_seconds:g} s")
    if frames * channels > limits.max_audio_values:
        refuse("audio_too_long", f"more than {limits.max_audio_values:,} values in all channels")


def sound_blocks(sound: Any, label: str) -> Iterator[np.ndarray]:
    """(n, channels) float32, n at most `_BLOCK`, in one buffer that is used again."""
    buffer, frames = np.empty((_BLOCK, sound.channels), np.float32), 0
    with contextlib.suppress(RuntimeError):  # libsndfile's kind; what came before is kept
        while len(block := sound.read(out=buffer)):
            frames += len(block)
            yield block
    if not frames and sound.frames:
        refuse("bad_audio", "damaged or cut short")
    if frames < sound.frames < _UNKNOWN:
        logger.warning("%s: breaks off after %d of %d samples", label, frames, sound.frames)


def array_blocks(source: tuple, limits: MediaLimits) -> tuple[Iterator[np.ndarray], int]:
    """((n, channels) float32 blocks, rate) of an array."""
    array, rate = source if len(source) == 2 else (None, 0)
    if not isinstance(array, np.ndarray) or array.ndim not in (1, 2):
        refuse("bad_audio", "a pair must be (samples, rate), the samples an array of one or two dimensions")
    table = array[:, None] if array.ndim == 1 else array.T if array.shape[0] <= 8 < array.shape[1] else array
    _check_sound(len(table), table.shape[1], rate, limits)
    scale = {np.uint8: 128.0, np.int16: 32768.0, np.int32: 2147483648.0}.get(table.dtype.type, 1.0)
    if scale == 1.0 and table.dtype.kind != "f":
        refuse("bad_audio", f"samples of {table.dtype}; accepted are uint8, int16, int32 and floats")
    middle = 128.0 if table.dtype == np.uint8 else 0.0

    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, len(table), _BLOCK):
            with np.errstate(over="ignore"):  # beyond float32 is inf, and refused as that
                yield ((table[start : start + _BLOCK] - middle) / scale).astype(np.float32)

    return blocks(), int(rate)


def mono_samples(blocks: Iterable[np.ndarray], rate: int, limits: MediaLimits, label: str) -> np.ndarray:
    """(n, channels) at `rate` -> (samples,) at SAMPLE_RATE: the channels' mean, clipped to -1..1."""
    import soxr

    from .base import SAMPLE_RATE  # here, since it brings torch along

    stream = soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
    pieces, frames, loudest = [], 0, 0.0
    for block in blocks:
        frames += len(block)
        _check_sound(frames, block.shape[1], rate, limits)
        if not np.isfinite(block).all():
            refuse("bad_audio", "non-finite samples")
        loudest = max(loudest, float(np.abs(block).max()))
        mono = block.clip(-1, 1).mean(axis=1)
        pieces.append(mono if rate == SAMPLE_RATE else stream.resample_chunk(mono))
    if frames * 100 < rate:
        refuse("audio_too_short", f"{frames} samples at {rate} Hz are less than 10 ms")
    pieces.append(stream.resample_chunk(np.zeros(0, np.float32), last=True))
    if loudest > 1:
        logger.warning("%s: samples up to %.3g, clipped to 1", label, loudest)
    return np.concatenate(pieces).clip(-1, 1)

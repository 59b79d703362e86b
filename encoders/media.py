"""Foreign bytes in, pixels and samples out: the only doors of the project for media.

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

import os
from pathlib import Path

import numpy as np
from PIL import Image

from .pictures import IMAGE_FORMATS, check_size, image_from_array, open_image, to_rgb, upright
from .sounds import array_blocks, mono_samples, open_sound, sound_blocks
from .untrusted import LOCAL_LIMITS, MediaLimits, Refusal, border, label_of, read, read_file

ImageSource = str | os.PathLike | bytes | Image.Image | np.ndarray
"""A path, a data URI, the bytes of a file, a picture, or pixels (H, W) or (H, W, 1..4)."""
AudioSource = str | os.PathLike | bytes | tuple[np.ndarray, int]
"""A path, a data URI, the bytes of a file, or (samples, rate in Hz)."""

_HEAD = 16  # what Pillow's plugins are shown to recognise their format


def load_image(source: ImageSource, *, name: str | None = None, limits: MediaLimits = LOCAL_LIMITS) -> Image.Image:
    """The picture as a new RGB image, upright, without metadata.

    Raises:
        MediaError: bad_image, image_too_large, unsupported_format, remote_not_allowed,
            not_found, not_regular_file, permission_denied, io_error.
    """
    with border(label_of(source, name, "image"), "bad_image", "image_too_large"):
        if isinstance(source, np.ndarray):
            image = image_from_array(source, limits)
        elif isinstance(source, Image.Image):
            image = source
        else:
            image = open_image(read(source, limits.max_image_bytes, "bad_image", "image_too_large"), limits)
        check_size(image.size, limits)
        image = to_rgb(upright(image))
        image.info.clear()
        return image


def image_format(path: str | os.PathLike[str]) -> str | None:
    """The accepted format that a file begins as, like "PNG"; its name is not looked at, nor is it decoded.

    None too for what is no regular file or cannot be read.
    """
    try:
        return image_format_of(read_file(Path(path), 1 << 62, at_most=_HEAD)[1])
    except Refusal:
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
    with border(label_of(path, None, "image"), "bad_image", "image_too_large"):
        return read(Path(path), limits.max_image_bytes, "bad_image", "image_too_large")


def load_audio(source: AudioSource, *, name: str | None = None, limits: MediaLimits = LOCAL_LIMITS) -> np.ndarray:
    """The sound as a new float32 array (samples,), mono, `SAMPLE_RATE` Hz, within -1..1.

    Arrays are uint8, int16, int32 or float; (samples,), (samples, channels) or (channels, samples).

    Raises:
        MediaError: bad_audio, audio_too_short (under 10 ms), audio_too_long (seconds, bytes or
            values), unsupported_format, remote_not_allowed, and those of files as `load_image`.
    """
    label = label_of(source, name, "audio")
    with border(label, "bad_audio", "audio_too_long"):
        if isinstance(source, tuple):
            return mono_samples(*array_blocks(source, limits), limits, label)
        data = read(source, limits.max_audio_bytes, "bad_audio", "audio_too_long")
        with open_sound(data, limits) as sound:
            return mono_samples(sound_blocks(sound, label), sound.samplerate, limits, label)

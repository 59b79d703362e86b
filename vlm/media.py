"""What packages above use of the doors in `encoders.media`: foreign files are opened behind them, and only there."""

from __future__ import annotations

from encoders.base import SAMPLE_RATE
from encoders.media import (
    AudioSource,
    ImageSource,
    image_format,
    image_format_of,
    load_audio,
    load_image,
    read_image_file,
)  # fmt: skip
from encoders.pictures import IMAGE_FORMATS, widened
from encoders.untrusted import LOCAL_LIMITS, SERVER_LIMITS, MediaLimits

__all__ = [
    "IMAGE_FORMATS", "LOCAL_LIMITS", "SAMPLE_RATE", "SERVER_LIMITS", "AudioSource", "ImageSource", "MediaLimits",
    "image_format", "image_format_of", "load_audio", "load_image", "read_image_file",
    "widened",
]  # fmt: skip

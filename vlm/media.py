"""What packages above use of `encoders.media`: foreign files are opened there, and only there."""

from __future__ import annotations

from encoders.media import IMAGE_FORMATS, ImageSource, image_format, image_format_of, read_image_file

__all__ = ["IMAGE_FORMATS", "ImageSource", "image_format", "image_format_of", "read_image_file"]

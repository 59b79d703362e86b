"""Pictures of others, from bytes or numbers: header first, limits next, then pixels."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError, features

from .untrusted import MediaLimits, Reader, refuse, refuse_unknown

IMAGE_FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", *(["AVIF"] if features.check("avif") else []))
_UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
MOST_ASPECT = 3.0
"""Of a cut-out's sides: what stays readable in a square view."""
_ORIENTATION, _TILE_WIDTH, _TILE_LENGTH = 0x0112, 322, 323


def open_image(data: bytes, limits: MediaLimits) -> Image.Image:
    """A picture whose header is read and accepted, its pixels not yet decoded."""
    if data.count(b"iCCP") > 20:
        refuse("bad_image", "more than 20 colour profiles")  # Pillow inflates each
    try:
        reads = 20_000 if data.startswith(b"GIF") else 100_000  # each block of a GIF's comment copies the comment
        image: Any = Image.open(Reader(_with_little_exif(data), reads), formats=IMAGE_FORMATS)
    except UnidentifiedImageError:
        refuse_unknown(data, "bad_image", "a picture", IMAGE_FORMATS)
    check_size(image.size, limits)
    if image.format in ("JPEG", "MPO") and data.count(b"\xff\xda") > 100:
        refuse("bad_image", "more than 100 scans")  # each costs a pass over all pixels
    if image.format == "TIFF":  # a tile is decoded whole, however small the picture is
        width, length = (image.tag_v2.get(tag, 0) for tag in (_TILE_WIDTH, _TILE_LENGTH))
        if width * length > limits.max_pixels:
            refuse("image_too_large", f"tiles of {width} x {length} pixels, the limit is {limits.max_pixels:,}")
    return image


def _with_little_exif(data: bytes) -> bytes:
    """Pillow's EXIF reader copies a value for each tag, and tags may share theirs: 1 MB can become gigabytes.

    JPEG joins the EXIF of all segments, so that only one of at most 64 KiB is left here; in AVIF none, where
    turning is said elsewhere. For the other formats `upright` looks at the length.
    """
    if data.startswith(b"\xff\xd8"):
        before, mark, after = data.partition(b"Exif\0\0")
        return before + mark + after.replace(mark, b"exif\0\0") if mark and mark in after else data
    return re.sub(rb"(infe.{8,10})Exif", rb"\1exif", data, flags=re.DOTALL) if data[4:8] == b"ftyp" else data


def check_size(size: tuple[int, int], limits: MediaLimits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        refuse("image_too_large", f"{width} x {height} pixels, the limit is {limits.max_pixels:,}")
    if not width * height:
        refuse("bad_image", "no pixels")
    if max(width, height) > limits.max_aspect * min(width, height):
        refuse("bad_image", f"{width} x {height} pixels, one side over {limits.max_aspect:g} times the other")


def upright(image: Image.Image) -> Image.Image:
    """Decodes the first frame, and turns it as its EXIF says; an EXIF that cannot be read says nothing."""
    image.load()  # a TIFF is turned already here, and its tag taken away
    try:
        exif = image.info.get("exif") or image.info.get("Raw profile type exif") or b""
        turn = _UNDO.get(image.getexif().get(_ORIENTATION, 1)) if len(exif) < 1 << 16 else None
    except Exception:  # as `border`
        return image
    return image if turn is None else image.transpose(turn)


def to_rgb(image: Image.Image) -> Image.Image:
    """A new RGB image: grey scaled to 8 bits, what is transparent on white."""
    if image.mode.startswith("I") or image.mode == "F":
        width, height = image.size
        grey = _to_uint8(lambda top, end: np.asarray(image.crop((0, top, width, end))), height, width)
        return Image.fromarray(grey).convert("RGB")
    if image.mode == "LAB":
        refuse("unsupported_format", "CIE Lab colours are not read")
    if not image.has_transparency_data:
        return image.convert("RGB")
    image = image.convert("RGBA")
    sheet = Image.new("RGB", image.size, "white")
    sheet.paste(image, mask=image.getchannel("A"))
    return sheet


def image_from_array(array: np.ndarray, limits: MediaLimits) -> Image.Image:
    """(H, W) or (H, W, 1..4): grey, grey + alpha, RGB or RGBA, of any real dtype."""
    channels = array.shape[2] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or not 1 <= channels <= 4 or array.dtype.kind not in "buif":
        refuse("bad_image", f"an array {array.dtype}{list(array.shape)}; accepted are numbers (H, W) or (H, W, 1..4)")
    check_size((array.shape[1], array.shape[0]), limits)
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
        refuse("bad_image", "non-finite pixels")
    low, high, dtype = float(extremes.min()), float(extremes.max()), rows(0, 1).dtype
    usual = (1, 255) if dtype.kind == "f" else (255, 65535) if dtype.str[1:] != "u2" else (65535,)
    low, high = next(((0, white) for white in usual if low >= 0 and high <= white), (low, high))
    scaled = ((rows(*ends).astype(np.float64) - low) * (255 / (high - low or 1)) for ends in bands)
    return np.concatenate([np.rint(band).astype(np.uint8) for band in scaled])


def widened(image: Image.Image, most: float = MOST_ASPECT) -> tuple[Image.Image, tuple[int, int]]:
    """An RGB picture of which one side is more than `most` times the other, with as much of its edge's commonest colour
    around it as it takes, so that a square view does not squeeze it beyond reading; and where its corner is now (x, y).
    """
    width, height = image.size
    size = max(width, round(height / most)), max(height, round(width / most))
    corner = (size[0] - width) // 2, (size[1] - height) // 2
    if size == image.size:
        return image, corner
    pixels = np.asarray(image)
    edge = np.concatenate((pixels[[0, -1]].reshape(-1, 3), pixels[:, [0, -1]].reshape(-1, 3)))
    colours, counts = np.unique(edge, axis=0, return_counts=True)
    sheet = Image.new("RGB", size, tuple(colours[counts.argmax()].tolist()))
    sheet.paste(image, corner)
    return sheet, corner

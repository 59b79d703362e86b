"""Pixels -> PNG, and a sheet of swatches, with Python's standard library only."""

from __future__ import annotations

import struct
import zlib
from typing import Any, Sequence, Tuple

Colour = Tuple[int, int, int]
SIDE, GAP, ACROSS = 96, 16, 6
"""Pixels of a swatch, and between two; swatches in a row."""


def png(width: int, height: int, rgb: Any) -> bytes:
    """`rgb`: bytes, three for each pixel, rows from the top."""
    rows = b"".join(b"\0" + bytes(rgb[start : start + 3 * width]) for start in range(0, 3 * width * height, 3 * width))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    )


def swatches(colours: Sequence[Colour]) -> bytes:
    """A PNG: the colours as squares on white, in reading order."""
    across = max(1, min(ACROSS, len(colours)))
    down = max(1, -(-len(colours) // ACROSS))
    width, height = (GAP + n * (SIDE + GAP) for n in (across, down))
    rgb = bytearray(b"\xff" * (3 * width * height))
    for number, colour in enumerate(colours):
        left = GAP + number % ACROSS * (SIDE + GAP)
        top = GAP + number // ACROSS * (SIDE + GAP)
        for y in range(top, top + SIDE):
            start = 3 * (y * width + left)
            rgb[start : start + 3 * SIDE] = bytes(colour) * SIDE
    return png(width, height, rgb)


def as_srgb(linear: Sequence[float]) -> Colour:
    """Blender's linear light (Rec. 709) -> what a screen shows (IEC 61966-2-1)."""

    def encoded(value: float) -> int:
        value = min(max(value, 0.0), 1.0)
        bent = 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
        return round(255 * bent)

    red, green, blue = (encoded(value) for value in linear[:3])
    return red, green, blue


def upright(rgba: Any, width: int, height: int) -> bytes:
    """(height, width, 4) bytes with the lowest row first, as graphics cards have them -> RGB from the top."""
    rows = []
    for y in range(height - 1, -1, -1):
        row = rgba[4 * width * y : 4 * width * (y + 1)]
        rgb = bytearray(3 * width)
        rgb[0::3], rgb[1::3], rgb[2::3] = row[0::4], row[1::4], row[2::4]
        rows.append(bytes(rgb))
    return b"".join(rows)

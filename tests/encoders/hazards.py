"""The catalogue of bad (and odd but good) media files, built in code: what every entry must survive.

Each `Case` is a file and what `encoders.media` says of it: "ok", or the code of its MediaError.
`image_cases` and `audio_cases` write all of them; the ids follow the catalogue (I1..I26, A1..A14).
"""

from __future__ import annotations

import io
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image, ImageCms, features

RED, BLUE = (200, 30, 40), (20, 60, 220)
TONE_SECONDS = 1.0


@dataclass(frozen=True)
class Case:
    """`server` is what SERVER_LIMITS make of the file, where that differs."""

    id: str
    path: Path
    expected: str
    server: str


# --- pictures ------------------------------------------------------------------------------------


def picture(width: int = 64, height: int = 48) -> Image.Image:
    """Red, with a blue upper left quarter: every turn of it looks different."""
    image = Image.new("RGB", (width, height), RED)
    image.paste(BLUE, (0, 0, width // 2, height // 2))
    return image


def encoded(image: Image.Image, format_: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_, **options)
    return buffer.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int, colour: int) -> bytes:
    """All zeros, however large, without ever holding its pixels: the deflate stream is written by hand."""
    row = 1 + (width * {0: 1, 2: 3}[colour] * depth + 7) // 8
    squeeze, idat, left = zlib.compressobj(9), b"", row * height
    while left:
        idat += squeeze.compress(bytes(min(left, 1 << 22)))
        left -= min(left, 1 << 22)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", idat + squeeze.flush()) + png_chunk(b"IEND", b"")


def tiff(entries: list[tuple[int, int, int, int]], body: bytes) -> bytes:
    """Little-endian: 8 bytes of header, then `body` (so it is at offset 8), then one directory."""
    body += b"\0" * (len(body) % 2)
    table = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return struct.pack("<2sHI", b"II", 42, 8 + len(body)) + body + struct.pack("<H", len(entries)) + table + bytes(4)


def tiled_tiff(size: int, tile: int) -> bytes:
    """A grey picture (value 0) of size x size in a single tile of tile x tile."""
    body = zlib.compress(bytes(tile * tile), 9)
    tags = {256: size, 257: size, 258: 8, 259: 8, 262: 1, 277: 1, 322: tile, 323: tile, 324: 8, 325: len(body)}
    return tiff([(tag, 4, 1, value) for tag, value in tags.items()], body)


def exif(orientation: int = 1, padding: int = 0) -> bytes:
    """An EXIF block with an orientation, and one more tag of `padding` bytes."""
    entries = [(0x0112, 3, 1, orientation)] + ([(0x9286, 7, padding, 8)] if padding else [])
    return b"Exif\0\0" + tiff(entries, bytes(padding))


def greedy_tiff(tags: int, size: int, entries: list[tuple[int, int, int, int]]) -> bytes:
    """So many tags that share one place of so many bytes: small as a file, huge when each is copied."""
    return tiff([(1000 + tag, 7, size, 8) for tag in range(tags)] + entries, bytes(size))


def jpeg_with(segments: bytes) -> bytes:
    """A JPEG without JFIF header, and these segments in front."""
    data = encoded(picture(), "JPEG")
    return data[:2] + segments + data[20:]


def app1(body: bytes) -> bytes:
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


def many_scans(count: int) -> bytes:
    data = encoded(Image.new("L", (64, 64), 128), "JPEG", progressive=True)
    scan, end = data.rfind(b"\xff\xda"), data.rfind(b"\xff\xd9")
    return data[:end] + data[scan:end] * count + data[end:]


def sixteen_bits() -> np.ndarray:
    """uint16 (40, 60), a ramp over the whole range, reading order."""
    return np.linspace(0, 65535, 2400).astype(np.uint16).reshape(40, 60)


def cmyk() -> Image.Image:
    return Image.new("CMYK", (32, 24), (40, 120, 200, 50))


def ycck() -> bytes:
    """A CMYK JPEG whose first three channels are said, and made, to be YCC (Adobe transform 2)."""
    inks = cmyk().split()
    ycc = Image.merge("RGB", inks[:3]).convert("YCbCr").split()
    stored = Image.merge("CMYK", [*(channel.point(lambda v: 255 - v) for channel in ycc), inks[3]])
    data = encoded(stored, "JPEG", quality=100)
    at = data.index(b"Adobe") + 11
    return data[:at] + b"\2" + data[at + 1 :]


def frames(count: int) -> list[Image.Image]:
    """The first is `picture()`, the others are shades of grey."""
    return [picture()] + [Image.new("RGB", (64, 48), (i % 256,) * 3) for i in range(1, count)]


def _image_files() -> Iterator[tuple[str, str, bytes, str, str | None]]:
    """(id, file name, content, expected, expected under the server's limits where other)."""
    good, jpeg = encoded(picture(), "PNG"), encoded(picture(), "JPEG")
    noise = Image.effect_noise((300, 200), 80)

    yield "I1", "empty.png", b"", "bad_image", None
    yield "I2", "cut.jpg", encoded(noise, "JPEG")[:-2000], "bad_image", None
    yield "I3-cut", "cut.png", encoded(noise, "PNG")[:-2000], "bad_image", None
    yield "I3-crc", "crc.png", good[:29] + bytes(4) + good[33:], "bad_image", None
    yield "I4", "1x1.png", encoded(Image.new("RGB", (1, 1), RED), "PNG"), "ok", None
    yield "I5-tall", "tall.png", encoded(Image.new("L", (1, 10000)), "PNG"), "bad_image", None
    yield "I5-wide", "wide.png", encoded(Image.new("L", (10000, 1)), "PNG"), "bad_image", None
    yield "I5-just", "200x1.png", encoded(Image.new("L", (200, 1)), "PNG"), "ok", None
    yield "I6", "20000.png", png(20000, 20000, 1, 0), "image_too_large", None
    yield "I7", "13000.png", png(13000, 13000, 8, 2), "image_too_large", None
    yield "I8", "9000.png", png(9000, 9000, 1, 0), "image_too_large", None
    yield "I8-local", "5000.png", png(5000, 5000, 1, 0), "ok", "image_too_large"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    yield "I9-cmyk", "cmyk.jpg", encoded(cmyk(), "JPEG", quality=100), "ok", None
    yield "I9-icc", "icc.jpg", encoded(cmyk(), "JPEG", quality=100, icc_profile=profile), "ok", None
    yield "I9-ycck", "ycck.jpg", ycck(), "ok", None
    grey = sixteen_bits()
    yield "I10-png", "16.png", encoded(Image.fromarray(grey), "PNG"), "ok", None
    yield "I10-tiff", "16.tif", encoded(Image.fromarray(grey), "TIFF"), "ok", None
    yield "I10-i", "32.tif", encoded(Image.fromarray(grey.astype(np.int32) * 1000 - 9), "TIFF"), "ok", None
    yield "I10-f", "f.tif", encoded(Image.fromarray((grey / 65535).astype(np.float32)), "TIFF"), "ok", None
    clear = picture().convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize((64, 48)))
    yield "I11-rgba", "rgba.png", encoded(clear, "PNG"), "ok", None
    yield "I11-la", "la.png", encoded(clear.convert("LA"), "PNG"), "ok", None
    yield "I11-p", "p.png", encoded(clear.quantize(8), "PNG"), "ok", None
    yield "I11-trns", "trns.png", encoded(picture(), "PNG", transparency=RED), "ok", None
    for format_, count in (("GIF", 301), ("WEBP", 30), ("PNG", 301)):
        first, *rest = frames(count)
        data = encoded(first, format_, save_all=True, append_images=rest)
        yield f"I12-{format_}", f"moving.{format_.lower()}", data, "ok", None
    yield "I13-pages", "pages.tif", encoded(frames(1)[0], "TIFF", save_all=True, append_images=frames(3)), "ok", None
    yield "I13-tiled", "tiled.tif", tiled_tiff(60, 64), "ok", None
    yield "I13-tile-bomb", "tile.tif", tiled_tiff(16, 7000), "image_too_large", None
    lzw = bytearray(encoded(noise, "TIFF", compression="tiff_lzw"))
    lzw[600:-600:7] = bytes(0x5A ^ byte for byte in lzw[600:-600:7])
    yield "I13-lzw", "lzw.tif", bytes(lzw), "bad_image", None
    for turn in range(1, 9):
        yield f"I14-{turn}", f"turn{turn}.jpg", encoded(picture(), "JPEG", exif=exif(turn), quality=95), "ok", None
    for format_ in ("PNG", "WEBP", "TIFF"):
        yield f"I14-{format_}", f"turn6.{format_.lower()}", encoded(picture(), format_, exif=exif(6)), "ok", None
    yield "I15-corrupt", "exif.jpg", jpeg_with(app1(b"Exif\0\0II*\0\xff\xff\xff\x7f" + b"\xff" * 99)), "ok", None
    yield "I15-64k", "exif64k.jpg", jpeg_with(app1(exif(1, 65000))), "ok", None
    yield (
        "I15-corrupt-png",
        "exif.png",
        good[:33] + png_chunk(b"eXIf", b"MM\0*\0\0\0\x7f" + b"\xff" * 99) + good[33:],
        "ok",
        None,
    )
    greedy = greedy_tiff(2000, 1_000_000, [])
    parts = [app1(b"Exif\0\0" + greedy[i : i + 65000]) for i in range(0, len(greedy), 65000)]
    yield "I15-greedy-jpg", "greedy.jpg", jpeg_with(b"".join(parts)), "ok", None
    yield "I15-greedy-png", "greedy.png", good[:33] + png_chunk(b"eXIf", greedy) + good[33:], "ok", None
    tags = {256: 16, 257: 16, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 16, 279: 256}
    entries = [(tag, 4, 1, value) for tag, value in tags.items()]
    yield "I15-greedy-tif", "greedy.tif", greedy_tiff(2000, 1_000_000, entries), "bad_image", None
    bomb = png_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(80 << 20), 9))
    yield "I16", "ztxt.png", good[:33] + bomb + good[33:], "bad_image", None
    yield "I16-end", "ztxt2.png", good[:-12] + bomb + good[-12:], "bad_image", None
    bomb = png_chunk(b"iCCP", b"k\0\0" + zlib.compress(bytes(1_000_000), 9))
    yield "I16-iccp", "iccp.png", good[:33] + bomb * 2000 + good[33:], "bad_image", None
    yield "I17-heic", "photo.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(500), "unsupported_format", None
    yield "I17-heic-jpg", "photo.jpg", b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(500), "unsupported_format", None
    if features.check("avif"):
        yield "I17-avif", "photo.avif", encoded(picture(), "AVIF", quality=95), "ok", None
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>'
    entity = b'<?xml version="1.0"?>\n<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<svg>&x;</svg>'
    yield "I18", "drawing.svg", svg, "unsupported_format", None
    yield "I18-entity", "drawing.png", entity, "unsupported_format", None
    openings = {
        "pdf": b"%PDF-1.7\n", "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "psd": b"8BPS\0\1",
        "fits": b"SIMPLE  =                    T", "fpx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "bdf": b"STARTFONT 2.1\n",
        "ico": b"\0\0\1\0\1\0", "jp2": b"\0\0\0\x0cjP  \r\n\x87\n", "ppm": b"P6\n9999999 9999999\n255\n",
    }  # fmt: skip
    for kind, opening in openings.items():
        yield f"I19-{kind}", f"{kind}.png", opening + bytes(600), "unsupported_format", None
    yield "I20-jpg", "jpeg.png", jpeg, "ok", None
    yield "I20-html", "page.jpg", b"<!DOCTYPE html><html><body><svg></svg>404</body></html>", "bad_image", None
    yield "I20-text", "text.png", b"just some words\n" * 20, "bad_image", None
    yield "I20-zeros", "zeros.bmp", bytes(1000), "bad_image", None
    names = [
        "new\nline",
        "ta\tb",
        "quo\"te'",
        "-rf",
        "\U0001f98a",
        "caf\u00e9",
        "cafe\u0301",
        os.fsdecode(b"\xff\xfe"),
        "con",
    ]
    for number, name in enumerate([*names, "n" * 251]):
        yield f"I23-{number}", f"{name}.png", good, "ok", None
    canvas = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0)
    canvas += b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0x80) + bytes(3) + b"\xff" * 3 + b"\2\2D\1\0;"
    yield "I25", "canvas.gif", canvas, "image_too_large", None
    plain = {"black": Image.new("RGB", (64, 64)), "white": Image.new("RGB", (64, 64), "white"), "noise": noise}
    for kind, image in plain.items():
        yield f"I26-{kind}", f"{kind}.png", encoded(image, "PNG"), "ok", None
    holes = np.full((20, 20), 0.5, np.float32)
    for kind, value in (("nan", np.nan), ("inf", np.inf)):
        holes[3, 4] = value
        yield f"I26-{kind}", f"{kind}.tif", encoded(Image.fromarray(holes), "TIFF"), "bad_image", None
    comment = b"!\xfe" + (b"\xff" + b"a" * 255) * 40_000 + b"\0"
    gif = encoded(Image.new("L", (8, 8)), "GIF")
    yield "X-gif-comment", "comment.gif", gif.replace(b",\0\0\0\0", comment + b",\0\0\0\0", 1), "bad_image", None
    yield "X-jpeg-padding", "padding.jpg", jpeg[:2] + b"\xff" * 3_000_000 + jpeg[2:], "bad_image", None
    yield "X-jpeg-scans", "scans.jpg", many_scans(200), "bad_image", None


def image_cases(folder: Path) -> list[Case]:
    """Writes the whole catalogue of pictures below `folder`."""
    cases = []
    for id_, name, data, expected, server in _image_files():
        (folder / id_).mkdir()  # one folder each: names may collide once normalised
        path = folder / id_ / name
        path.write_bytes(data)
        cases.append(Case(id_, path, expected, server or expected))
    return cases + [Case(id_, path, expected, expected) for id_, path, expected in special_files(folder)]


def special_files(folder: Path) -> Iterator[tuple[str, Path, str]]:
    """(id, path, expected) of what is no regular file, for pictures and sounds alike (I21, I22)."""
    loop, dangling, fifo, socket = (folder / name for name in ("loop.png", "dangling.png", "fifo.png", "socket.png"))
    loop.symlink_to(loop)
    dangling.symlink_to(folder / "nothing")
    os.mkfifo(fifo)
    os.mknod(socket, stat.S_IFSOCK | 0o600)
    yield "I21-loop", loop, "not_regular_file"
    yield "I21-dangling", dangling, "not_found"
    yield "I21-fifo", fifo, "not_regular_file"
    yield "I21-socket", socket, "not_regular_file"
    yield "I21-folder", folder, "not_regular_file"
    yield "I21-zero", Path("/dev/zero"), "not_regular_file"
    yield "I21-missing", folder / "missing.png", "not_found"
    yield "I21-below-file", fifo / "x.png", "not_found"
    yield "I21-long", folder / ("x" * 300), "not_found"
    if os.geteuid():  # nothing is forbidden to root
        locked = folder / "locked.png"
        locked.touch(0o000)
        yield "I22", locked, "permission_denied"


# --- sounds --------------------------------------------------------------------------------------


def tone(rate: int = 16000, channels: int = 1, seconds: float = TONE_SECONDS) -> np.ndarray:
    """1 kHz at half of full scale, the same in all channels: float64 (samples, channels)."""
    wave = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(round(rate * seconds)) / rate)
    return np.repeat(wave[:, None], channels, axis=1)


def sound(samples: np.ndarray, rate: int = 16000, format_: str = "WAV", subtype: str = "PCM_16") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=format_, subtype=subtype)
    return buffer.getvalue()


def silence(minutes: int, rate: int, format_: str, subtype: str) -> bytes:
    buffer = io.BytesIO()
    with soundfile.SoundFile(buffer, "w", rate, 1, format=format_, subtype=subtype) as file:
        for _ in range(minutes):
            file.write(np.zeros(60 * rate, np.int16))
    return buffer.getvalue()


def endless(flac: bytes) -> bytes:
    """The same FLAC, its number of samples unknown, as encoders write into pipes."""
    return flac[:21] + bytes([flac[21] & 0xF0]) + bytes(4) + flac[26:]


def id3(body: bytes) -> bytes:
    """An ID3v2 tag, which has seven bits of its length in each byte."""
    return b"ID3\3\0\0" + bytes(len(body) >> shift & 127 for shift in (21, 14, 7, 0)) + body


def wav(samples: bytes, *, channels: int = 1, rate: int = 16000, size: int | None = None, tag: int = 1) -> bytes:
    """A canonical 16 bit WAV in which any number can be a lie."""
    size = len(samples) if size is None else size
    header = struct.pack("<HHIIHH", tag, channels, rate, rate * 2 * channels & 0xFFFFFFFF, 2 * channels & 0xFFFF, 16)
    body = b"WAVEfmt " + struct.pack("<I", 16) + header + b"data" + struct.pack("<I", size) + samples
    return b"RIFF" + struct.pack("<I", min(0xFFFFFFFF, 36 + size)) + body


def _audio_files() -> Iterator[tuple[str, str, bytes, str, str | None]]:
    """(id, file name, content, expected, expected under the server's limits where other)."""
    pcm = (tone() * 32767).astype("<i2").tobytes()

    yield "A1", "empty.wav", b"", "bad_audio", None
    yield "A2", "none.wav", wav(b""), "audio_too_short", None
    yield "A3-short", "short.wav", sound(tone(seconds=0.0099)), "audio_too_short", None
    yield "A3-just", "10ms.wav", sound(tone(44100, seconds=0.01), 44100), "ok", None
    yield "A4", "3h.flac", silence(180, 8000, "FLAC", "PCM_16"), "audio_too_long", None
    hour = silence(60, 16000, "FLAC", "PCM_16")
    yield "A5-flac", "1h.flac", hour, "audio_too_long", None
    yield "A5-endless", "pipe.flac", endless(hour), "audio_too_long", None
    yield "A5-opus", "11min.opus", silence(11, 8000, "OGG", "OPUS"), "audio_too_long", None
    for rate, channels in ((8000, 1), (11025, 1), (44100, 2), (48000, 2), (48000, 6), (192000, 2)):
        yield f"A6-{rate}-{channels}", f"{rate}.wav", sound(tone(rate, channels), rate), "ok", None
    mp3 = sound(tone(), format_="MP3", subtype="MPEG_LAYER_III")
    yield "A6-id3", "tagged.mp3", id3(bytes(3000)) + mp3, "ok", None
    yield "X-id3", "tags.mp3", id3(b"") * 300_000 + mp3, "bad_audio", None
    for kind, value in (("nan", np.nan), ("inf", -np.inf)):
        data = sound(np.where(np.arange(16000) == 9000, value, 0.1), subtype="FLOAT")
        yield f"A7-{kind}", f"{kind}.wav", data, "bad_audio", None
    yield "A8", "huge.wav", sound(np.full(16000, 1e300), subtype="DOUBLE"), "bad_audio", None
    yield "A8-loud", "loud.wav", sound(tone() * 6, subtype="FLOAT"), "ok", None
    yield "A9-2g", "2g.wav", wav(pcm, size=0x7FFFFFFF), "ok", None
    yield "A9-4g", "pipe.wav", wav(pcm, size=0xFFFFFFFF), "ok", None
    yield "A9-zero", "zero.wav", wav(pcm, size=0), "audio_too_short", None
    yield "A9-odd", "odd.wav", wav(pcm + b"\0"), "ok", None
    yield "A10-channels", "channels.wav", wav(pcm, channels=65535), "bad_audio", None
    yield "A10-9", "nine.wav", sound(tone(channels=9)), "bad_audio", None
    yield "A10-0", "nobody.wav", wav(pcm, channels=0), "bad_audio", None
    yield "A10-rate-0", "rate0.wav", wav(pcm, rate=0), "bad_audio", None
    yield "A10-rate-2g", "rate2g.wav", wav(pcm, rate=1 << 31), "bad_audio", None
    yield "A11-mp3", "mp3.wav", mp3, "ok", None
    yield "A11-mp4", "film.wav", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(500), "unsupported_format", None
    yield "A11-webm", "film.mp3", b"\x1a\x45\xdf\xa3" + bytes(500), "unsupported_format", None
    yield "A11-avi", "film.flac", b"RIFF\0\1\0\0AVI LIST" + bytes(500), "unsupported_format", None
    yield "A11-text", "text.wav", b"just some words\n" * 20, "bad_audio", None
    yield "A11-html", "page.wav", b"<html><body>404</body></html>", "bad_audio", None
    yield "A11-png", "picture.wav", encoded(picture(), "PNG"), "bad_audio", None
    for format_, subtype in (
        ("WAV", "IMA_ADPCM"), ("WAV", "MS_ADPCM"), ("WAV", "GSM610"), ("W64", "PCM_16"), ("PAF", "PCM_16"),
        ("CAF", "PCM_16"), ("AU", "PCM_16"), ("VOC", "PCM_16"),
        ("AIFF", "ULAW"), ("AIFF", "FLOAT"), ("AIFF", "IMA_ADPCM"),
    ):  # fmt: skip
        data = sound(tone(8000), 8000, format_, subtype)
        yield f"A12-{format_}-{subtype}", f"{subtype}.wav", data, "unsupported_format", None
        yield f"A12-{format_}-{subtype}-id3", f"{subtype}.mp3", id3(b"") + data, "unsupported_format", None
    for format_, subtype in (
        ("WAV", "PCM_U8"), ("WAV", "PCM_24"), ("WAV", "PCM_32"), ("WAV", "FLOAT"), ("WAV", "DOUBLE"), ("WAV", "ULAW"),
        ("WAV", "ALAW"), ("WAVEX", "PCM_16"), ("RF64", "PCM_16"), ("AIFF", "PCM_16"), ("AIFF", "PCM_24"),
        ("AIFF", "PCM_S8"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("OGG", "OPUS"),
    ):  # fmt: skip
        yield f"A12-{format_}-{subtype}", f"{format_}{subtype}", sound(tone(), 16000, format_, subtype), "ok", None
    yield "A13-zeros", "zeros.wav", sound(np.zeros(16000)), "ok", None
    yield "A13-dc", "dc.wav", sound(np.full(16000, 0.5)), "ok", None
    yield "A13-square", "square.wav", sound(np.sign(tone())), "ok", None
    noise = np.random.default_rng(0).normal(0, 0.1, 5 * 16000)
    for format_, subtype in (
        ("WAV", "PCM_16"), ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"),
    ):  # fmt: skip
        data = sound(noise, 16000, format_, subtype)
        yield f"A14-{format_}-{subtype}", f"cut{subtype}.{format_.lower()}", data[: len(data) * 7 // 10], "ok", None
    yield "A14-header", "header.flac", sound(noise, format_="FLAC")[:100], "bad_audio", None


def audio_cases(folder: Path) -> list[Case]:
    """Writes the whole catalogue of sounds below `folder`."""
    cases = []
    for id_, name, data, expected, server in _audio_files():
        (folder / id_).mkdir()
        path = folder / id_ / name
        path.write_bytes(data)
        cases.append(Case(id_, path, expected, server or expected))
    return cases + [Case(id_, path, expected, expected) for id_, path, expected in special_files(folder)]

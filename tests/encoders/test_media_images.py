"""load_image: every picture of the catalogue, golden pixels, limits before memory, and mutated files."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import stat
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps, features

from encoders import media
from encoders.errors import MediaError
from encoders.media import load_image
from encoders.pictures import widened
from encoders.untrusted import SERVER_LIMITS, MediaLimits

from . import hazards
from .hazards import BLUE, RED, Case, encoded, picture

pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow warns of nearly every file here

CODES = {
    "bad_image", "image_too_large", "unsupported_format", "not_regular_file", "not_found", "permission_denied",
    "io_error", "remote_not_allowed",
}  # fmt: skip
ADDRESS = re.compile(r"0x[0-9a-f]{6,}", re.IGNORECASE)


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    return {case.id: case for case in hazards.image_cases(tmp_path_factory.mktemp("pictures"))}


def test_formats_are_told_by_content(cases: dict[str, Case]) -> None:
    """What can be opened is recognised without being opened; the name says nothing, and no FIFO is waited for."""
    assert [id_ for id_, case in cases.items() if case.expected == "ok" and not media.image_format(case.path)] == []
    told = {id_: media.image_format(case.path) for id_, case in cases.items()}
    assert (told["I20-jpg"], told["I12-GIF"], told["I9-cmyk"], told["I10-tiff"]) == ("JPEG", "GIF", "JPEG", "TIFF")
    nothing = ["I1", "I18", "I19-pdf", "I20-html", "I20-text", "I21-fifo", "I21-zero", "I21-loop", "I21-missing"]
    assert [told[id_] for id_ in nothing] == [None] * len(nothing)
    assert media.image_format_of(b"BMW and other cars") is None
    assert media.image_format_of(encoded(picture(), "BMP")) == "BMP"


def test_bytes_of_a_file_as_they_are(cases: dict[str, Case]) -> None:
    path = cases["I20-jpg"].path
    assert media.read_image_file(path) == path.read_bytes()
    for id_, code in (("I1", "bad_image"), ("I21-fifo", "not_regular_file"), ("I21-missing", "not_found")):
        with pytest.raises(MediaError) as error:
            media.read_image_file(cases[id_].path)
        assert error.value.code == code
    with pytest.raises(MediaError, match="the limit is 100"):
        media.read_image_file(path, limits=MediaLimits(max_image_bytes=100))


def code_of(source: object, **options: object) -> str:
    """The outcome in one word; whatever comes out is looked at on the way."""
    try:
        image = load_image(source, **options)  # type: ignore[arg-type]
    except MediaError as error:
        assert error.code in CODES
        assert not ADDRESS.search(str(error)), error
        assert "\n" not in str(error) and len(error.reason) < 200
        return error.code
    assert image.mode == "RGB" and min(image.size) > 0 and not image.info and type(image) is Image.Image
    return "ok"


def rgb(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


# --- the catalogue -------------------------------------------------------------------------------


def test_every_picture_of_the_catalogue(cases: dict[str, Case], capfd: pytest.CaptureFixture[str]) -> None:
    local = {id_: code_of(case.path) for id_, case in cases.items()}
    assert local == {id_: case.expected for id_, case in cases.items()}
    files = {id_: case for id_, case in cases.items() if not id_.startswith(("I21", "I22"))}
    server = {id_: code_of(case.path.read_bytes(), limits=SERVER_LIMITS) for id_, case in files.items()}
    assert server == {id_: case.server for id_, case in files.items()}
    assert capfd.readouterr().out == ""


MEASURE = """
import json, sys, warnings
from encoders import media
from encoders.errors import MediaError
warnings.simplefilter("ignore")
def high_water():
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
load = getattr(media, sys.argv[1])
paths, growth = json.load(sys.stdin), {}
for id, path in [("warm-up", paths[sys.argv[2]]), *paths.items()]:
    open("/proc/self/clear_refs", "w").write("5")
    before = high_water()
    try:
        load(path)
    except MediaError:
        pass
    growth[id] = high_water() - before
json.dump(growth, sys.stdout)
"""
"""MiB by which each file makes the peak of the resident memory grow, as JSON on stdout."""


def peak_growth(load: str, paths: dict[str, str], warm_up: str) -> dict[str, float]:
    if not os.access("/proc/self/clear_refs", os.W_OK):
        pytest.skip("needs Linux' /proc to measure memory")
    command = [sys.executable, "-c", MEASURE, load, warm_up]
    environment = {**os.environ, "PYTHONPATH": str(Path(media.__file__).parents[1])}
    done = subprocess.run(
        command, input=json.dumps(paths), stdout=subprocess.PIPE, text=True, check=True, env=environment
    )
    growth: dict[str, float] = json.loads(done.stdout)
    growth.pop("warm-up")  # the libraries that the first call loads
    return growth


def test_limits_act_before_memory_is_used(cases: dict[str, Case]) -> None:
    growth = peak_growth("load_image", {id_: str(case.path) for id_, case in cases.items()}, "I13-lzw")
    assert max(growth.values()) < 512
    for id_ in ("I6", "I7", "I8", "I13-tile-bomb", "I25", "I15-greedy-png"):
        assert growth[id_] < 5, (id_, growth[id_])
    for id_ in ("I16", "I16-end", "I16-iccp", "I15-greedy-jpg", "I15-greedy-tif", "I12-GIF", "I12-WEBP"):
        assert growth[id_] < 24, (id_, growth[id_])


# --- golden pixels -------------------------------------------------------------------------------


@pytest.mark.parametrize("turn", range(1, 9))
def test_exif_orientation_is_undone_once(cases: dict[str, Case], turn: int) -> None:
    stored = Image.open(cases[f"I14-{turn}"].path)
    image = load_image(cases[f"I14-{turn}"].path)
    upright = ImageOps.exif_transpose(stored).convert("RGB")  # Pillow's own reading of the standard
    assert image.size == ((64, 48) if turn < 5 else (48, 64))
    assert np.array_equal(rgb(image), rgb(upright))
    assert np.array_equal(rgb(load_image(image)), rgb(image))


def test_where_the_blue_corner_goes(cases: dict[str, Case]) -> None:
    corner = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (1, 0), 7: (1, 1), 8: (0, 1)}
    for turn, (right, low) in corner.items():
        image = load_image(cases[f"I14-{turn}"].path)
        for x, y in ((0, 0), (1, 0), (0, 1), (1, 1)):
            pixel = image.getpixel((5 + x * (image.width - 10), 5 + y * (image.height - 10)))
            assert np.abs(np.subtract(pixel, BLUE if (x, y) == (right, low) else RED)).max() < 12, turn


@pytest.mark.parametrize("format_", ["PNG", "WEBP", "TIFF"])
def test_exif_orientation_of_other_formats(cases: dict[str, Case], format_: str) -> None:
    image = load_image(cases[f"I14-{format_}"].path)
    assert image.size == (48, 64)
    assert np.abs(np.subtract(image.getpixel((43, 5)), BLUE)).max() < 12


@pytest.mark.parametrize("id_", ["I9-cmyk", "I9-icc", "I9-ycck"])
def test_inks_become_colours(cases: dict[str, Case], id_: str) -> None:
    cyan, magenta, yellow, black = (value / 255 for value in (40, 120, 200, 50))
    golden = [255 * (1 - ink) * (1 - black) for ink in (cyan, magenta, yellow)]
    assert np.abs(rgb(load_image(cases[id_].path))[12, 16] - golden).max() <= 3


def test_sixteen_bits_are_scaled_not_clipped(cases: dict[str, Case]) -> None:
    reference = hazards.sixteen_bits() / 257
    for id_ in ("I10-png", "I10-tiff", "I10-i", "I10-f"):
        pixels = rgb(load_image(cases[id_].path))[..., 0]
        assert np.abs(pixels - reference).max() <= 1, id_
        assert abs(pixels.mean() - reference.mean()) < 1, id_


@pytest.mark.parametrize(
    ("pixels", "golden"),
    [
        (np.array([[0, 100, 255]], np.int32), [0, 100, 255]),
        (np.array([[0, 257, 65535]], np.int32), [0, 1, 255]),
        (np.array([[-100, 0, 100]], np.int32), [0, 128, 255]),
        (np.array([[0.0, 0.5, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[0.0, 2.0, 200.0]], np.float32), [0, 2, 200]),
        (np.array([[-1.0, 0.0, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[7.0, 7.0, 7.0]], np.float32), [7, 7, 7]),
        (np.array([[-5.0, -5.0, -5.0]], np.float32), [0, 0, 0]),
        (np.array([[0, 0x8080, 0xFFFF]], np.uint16), [0, 128, 255]),
        (np.array([[0, 0x8080, 0xFFFF]], ">u2"), [0, 128, 255]),
        (np.array([[False, True, True]]), [0, 255, 255]),
    ],
)
def test_levels_of_arrays_and_deep_pictures(pixels: np.ndarray, golden: list[int]) -> None:
    expected = np.repeat(np.array([golden])[..., None], 3, axis=2)
    assert np.abs(rgb(load_image(pixels)) - expected).max() <= 1
    if pixels.dtype in (np.int32, np.float32, np.uint16):
        assert np.abs(rgb(load_image(Image.fromarray(pixels))) - expected).max() <= 1


def test_what_is_transparent_becomes_white(cases: dict[str, Case]) -> None:
    alpha = np.asarray(Image.linear_gradient("L").resize((64, 48)))[..., None] / 255
    golden = rgb(picture()) * alpha + 255 * (1 - alpha)
    assert np.abs(rgb(load_image(cases["I11-rgba"].path)) - golden).max() <= 1
    grey = rgb(picture().convert("L"))[..., None] * alpha + 255 * (1 - alpha)
    assert np.abs(rgb(load_image(cases["I11-la"].path)) - grey).max() <= 1
    palette = Image.open(cases["I11-p"].path)
    assert palette.mode == "P"
    full = rgb(palette.convert("RGBA"))
    flat = full[..., :3] * (full[..., 3:] / 255) + 255 * (1 - full[..., 3:] / 255)
    assert np.abs(rgb(load_image(cases["I11-p"].path)) - flat).max() <= 1
    assert rgb(load_image(cases["I11-trns"].path))[40, 60].tolist() == [255] * 3
    assert rgb(load_image(cases["I11-trns"].path))[5, 5].tolist() == list(BLUE)


def test_only_the_first_frame_and_page(cases: dict[str, Case]) -> None:
    for id_ in ("I12-GIF", "I12-WEBP", "I12-PNG", "I13-pages", "I15-corrupt", "I15-64k", "I20-jpg"):
        image = load_image(cases[id_].path)
        assert image.size == (64, 48), id_
        assert np.abs(np.subtract(image.getpixel((60, 40)), RED)).max() < 12, id_
    assert rgb(load_image(cases["I13-tiled"].path)).max() == 0


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow reads no AVIF")
def test_avif_keeps_its_own_turn_without_exif() -> None:
    turned = encoded(picture(), "AVIF", quality=95, exif=hazards.exif(6))
    assert load_image(turned).size == (48, 64)


# --- sources -------------------------------------------------------------------------------------


def test_all_kinds_of_sources_give_the_same_pixels(tmp_path: Path) -> None:
    data = encoded(picture(), "PNG")
    path = tmp_path / "picture.png"
    path.write_bytes(data)
    uri = "data:image/png;base64," + base64.b64encode(data).decode()
    sources = [
        str(path),
        path,
        data,
        bytearray(data),
        memoryview(data),
        uri,
        picture(),
        np.asarray(picture()),
        Image.open(path),
    ]
    for source in sources:
        assert np.array_equal(rgb(load_image(source)), rgb(picture()))  # type: ignore[arg-type]


def test_a_given_picture_is_not_changed() -> None:
    image = picture().convert("RGBA")
    image.info["comment"] = "mine"
    load_image(image)
    assert image.mode == "RGBA" and image.info == {"comment": "mine"}
    assert load_image(picture().convert("L")).getpixel((5, 5)) == picture().convert("L").convert("RGB").getpixel((5, 5))


def test_arrays() -> None:
    pixels = np.asarray(picture())
    assert rgb(load_image(pixels[..., :1]))[5, 5].tolist() == [BLUE[0]] * 3
    clear = np.dstack([pixels, np.zeros((48, 64), np.uint8)])
    assert rgb(load_image(clear)).min() == 255
    assert np.array_equal(rgb(load_image(pixels[::-1, ::-1])), rgb(picture())[::-1, ::-1])  # not contiguous
    for wrong in (
        pixels.transpose(2, 0, 1)[:, :, :7],
        pixels[None],
        pixels.astype(object),
        pixels.astype(complex),
        np.zeros(5),
    ):
        assert code_of(wrong) == "bad_image"
    assert code_of(np.zeros((0, 5), np.uint8)) == "bad_image"
    assert code_of(np.full((5, 5), np.nan)) == "bad_image"
    assert code_of(np.broadcast_to(np.uint8(0), (50_000, 50_000))) == "image_too_large"
    assert code_of(Image.new("RGB", (0, 0))) == "bad_image"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x.png", "HTTPS://example.org/x.png", " http://x/y", "file:///etc/passwd", "file:/etc/passwd",
        "ftp://x/y.png", "gopher://x/1", "s3://bucket/key", "http:x", "blob:abc", "git+ssh://x/y",
    ],
)  # fmt: skip
def test_urls_are_refused_without_repeating_them(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("opened"))
    with pytest.raises(MediaError) as caught:
        load_image(url)
    assert caught.value.code == "remote_not_allowed"
    assert str(caught.value).startswith("image: ")


def test_data_uris() -> None:
    assert code_of("data:image/png;base64,!!!!") == "bad_image"
    assert code_of("data:image/png;base64,") == "bad_image"
    assert code_of("data:image/png,abc") == "bad_image"
    assert code_of("data:") == "bad_image"
    assert code_of("data:image/png;base64," + "A" * 4000, limits=MediaLimits(max_image_bytes=2999)) == "image_too_large"
    svg = base64.b64encode(b"<svg/>").decode()
    assert code_of(f"data:image/png;base64,{svg}") == "unsupported_format"
    data = encoded(picture(), "PNG")
    uri = "data:;BASE64," + base64.b64encode(data).decode()
    assert code_of(uri, limits=MediaLimits(max_image_bytes=len(data))) == "ok"
    assert code_of(uri, limits=MediaLimits(max_image_bytes=len(data) - 1)) == "image_too_large"


def test_size_of_a_file_is_looked_at_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sparse = tmp_path / "sparse.png"
    with sparse.open("wb") as file:
        file.truncate(1 << 40)
    monkeypatch.setattr(os, "read", lambda *_: pytest.fail("read"))
    assert code_of(sparse) == "image_too_large"


def test_other_types_are_refused() -> None:
    for source in (None, 5, ["x"], object(), "nul\0.png", "\ud800.png", "", "x" * 5000):
        assert code_of(source) in {"bad_image", "not_found", "not_regular_file"}


def test_a_file_that_may_not_be_read() -> None:
    folder = Path(tempfile.mkdtemp())  # not below pytest's, which is closed to other users
    folder.chmod(0o755)
    path = folder / "locked.png"
    path.write_bytes(encoded(picture(), "PNG"))
    path.chmod(0)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(65534)
        assert code_of(path) == "permission_denied"
    finally:
        if root:
            os.seteuid(0)
        path.unlink()
        folder.rmdir()


def test_a_file_that_changes_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "growing.png"
    path.write_bytes(encoded(picture(), "PNG"))
    read = os.read

    def read_while_growing(descriptor: int, size: int) -> bytes:
        with path.open("ab") as file:
            file.write(b"more")
        return read(descriptor, size)

    with monkeypatch.context() as patch:
        patch.setattr(os, "read", read_while_growing)
        assert code_of(path) == "io_error"
    with monkeypatch.context() as patch:
        patch.setattr(os, "read", lambda *_: b"")
        assert code_of(path) == "io_error"
    path.unlink()
    assert code_of(path) == "not_found"


def test_a_fifo_is_not_even_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fifo = tmp_path / "fifo.png"
    os.mkfifo(fifo)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", lambda *_: pytest.fail("opened"))
        assert code_of(fifo) == "not_regular_file"
    regular = os.stat_result((stat.S_IFREG, *[0] * 9))
    with monkeypatch.context() as patch:  # swapped in between the two looks: opened, but neither waited for nor read
        patch.setattr(Path, "stat", lambda *_args, **_options: regular)
        assert code_of(fifo) == "not_regular_file"


# --- messages ------------------------------------------------------------------------------------


def test_messages_name_the_item_and_the_way_out(cases: dict[str, Case]) -> None:
    def message(source: object, **options: object) -> str:
        with pytest.raises(MediaError) as caught:
            load_image(source, **options)  # type: ignore[arg-type]
        return str(caught.value)

    assert message(b"") == "image: empty file"
    assert message(b"", name="row 7") == "row 7: empty file"
    assert message(b"", name="a\nb\x1b[31m\u202e") == "a\\nb\\x1b[31m\\u202e: empty file"
    assert message(str(cases["I1"].path)).startswith(str(cases["I1"].path))
    assert len(message("x" * 5000)) < 200
    assert "HEIC" in message(cases["I17-heic"].path) and "JPEG" in message(cases["I17-heic"].path)
    assert "SVG" in message(cases["I18"].path) and "PDF" in message(cases["I19-pdf"].path)
    assert "web page" in message(cases["I20-html"].path)
    assert "9000 x 9000" in message(cases["I8"].path) and "40,000,000" in message(cases["I8"].path)
    assert "200 times" in message(cases["I5-tall"].path)


@settings(max_examples=60, deadline=None, database=None)
@given(st.text(max_size=300))
def test_any_text_is_a_source_or_a_name_on_one_printable_line(text: str) -> None:
    with pytest.raises(MediaError) as caught:
        load_image(b"", name=text)
    assert caught.value.name.isprintable()
    assert code_of(f"no-such-folder/{text}") in CODES
    assert code_of(f"data:{text}") == "bad_image"


def test_pillows_bomb_warning_as_an_error(cases: dict[str, Case]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert code_of(cases["I7"].path) == "image_too_large"


def test_running_out_of_memory_is_said_to_be_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(media, "to_rgb", exhausted)
    assert code_of(picture()) == "image_too_large"


def test_importing_is_light() -> None:
    script = "import sys, encoders.media; print(*{'torch', 'soundfile', 'soxr'} & set(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(Path(media.__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == ""


# --- mutated files -------------------------------------------------------------------------------


def mutated(data: bytes, rng: random.Random) -> bytes:
    """One to four small damages: bits, extreme numbers, cuts, repeats."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(min(len(out), 200) if rng.random() < 0.6 else len(out))  # headers are more fun
        match rng.randrange(5):
            case 0:
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                out[at : at + 4] = rng.choice(
                    (b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\0\0\0\x80", rng.randbytes(4))
                )
            case 2:
                del out[at : at + rng.randint(1, 30)]
            case 3:
                out[at:at] = out[at : at + rng.randint(1, 60)] * rng.randint(1, 5)
            case _:
                del out[max(20, at) :]
        if not out:
            return b"\0"
    return bytes(out)


def test_mutated_pictures_are_refused_or_read() -> None:
    clear = picture().convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize((64, 48)))
    noise = Image.effect_noise((40, 30), 90)
    seeds = [
        encoded(picture(), "PNG", exif=hazards.exif(6)), encoded(clear, "PNG"), encoded(clear.quantize(8), "PNG"),
        encoded(Image.fromarray(hazards.sixteen_bits()), "PNG"), encoded(noise, "JPEG", exif=hazards.exif(8)),
        encoded(picture(), "JPEG", progressive=True), encoded(hazards.cmyk(), "JPEG"), encoded(noise, "GIF"),
        encoded(clear, "GIF"), encoded(picture(), "GIF", save_all=True, append_images=hazards.frames(3)),
        encoded(clear, "WEBP"), encoded(noise, "WEBP", lossless=True), encoded(noise, "BMP"),
        encoded(noise, "TIFF", compression="tiff_lzw"), encoded(picture(), "TIFF"), hazards.tiled_tiff(60, 64),
        encoded(Image.fromarray(np.ones((9, 9), np.float32)), "TIFF"),
    ]  # fmt: skip
    if features.check("avif"):
        seeds.append(encoded(clear, "AVIF", exif=hazards.exif(3)))
    rng = random.Random(0)
    outcomes = [code_of(mutated(seeds[i % len(seeds)], rng)) for i in range(400)]
    assert outcomes.count("ok") > 30 and outcomes.count("bad_image") > 100  # else it tests nothing


def test_widened_to_be_read_in_a_square() -> None:
    line = Image.new("RGB", (60, 9), (200, 30, 40))
    line.paste((0, 0, 0), (20, 3, 40, 6))
    wide, corner = widened(line, 3.0)
    assert wide.size == (60, 20) and corner == (0, 5)
    assert wide.crop((0, 5, 60, 14)).tobytes() == line.tobytes()
    assert {wide.getpixel((x, y)) for x in range(60) for y in (*range(5), *range(14, 20))} == {(200, 30, 40)}
    line.paste((10, 90, 10), (0, 0, 25, 9))
    assert widened(line)[0].getpixel((59, 0)) == widened(line)[0].getpixel((0, 19)) == (200, 30, 40)
    tall, corner = widened(line.rotate(90, expand=True), 3.0)
    assert tall.size == (20, 60) and corner == (5, 0)
    assert widened(wide, 3.0) == (wide, (0, 0))

"""Foreign zip files: bombs, lies and ways out."""

from __future__ import annotations

import errno
import io
import os
import struct
import zipfile
from pathlib import Path

import pytest

from demo import archive
from demo.archive import is_zip, read_zip, safe_name, zipped
from vlm.errors import MediaError


def packed(path: Path, *entries: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries:
            file.writestr(name, data)
    return path


def test_entries_come_in_order_without_what_file_managers_leave(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", ("one.png", b"1"), ("__MACOSX/._one.png", b"x"), ("sub/.DS_Store", b"x"),
                  ("sub/two.png", b"22"), ("empty/", b""))  # fmt: skip
    assert is_zip(path)
    assert list(read_zip(path, "a.zip")) == [("a.zip/one.png", b"1"), ("a.zip/sub/two.png", b"22")]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "etc/passwd"), ("/etc/passwd", "etc/passwd"), ("C:\\a\\..\\b.png", "C_/a/b.png"),
        ("..\\..\\b.png", "b.png"), ("a//./b.png", "a/b.png"), ("..", "file"), ("a\0b", "ab"), ("ä ☃.png", "ä ☃.png"),
    ],
)  # fmt: skip
def test_names_lead_nowhere_else(tmp_path: Path, name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_nothing_is_unpacked(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", ("../escaped.png", b"1"))
    assert [name for name, _ in read_zip(path, "a.zip")] == ["a.zip/escaped.png"]
    assert [p.name for p in tmp_path.rglob("*")] == ["a.zip"]


def test_a_bomb_is_stopped_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_ENTRY", 1000)
    path = packed(tmp_path / "a.zip", ("bomb.png", b"\0" * 100_000), ("fine.png", b"1"))
    (_, bomb), (_, fine) = read_zip(path, "a.zip")
    assert isinstance(bomb, MediaError) and bomb.code == "image_too_large" and "bomb.png" in str(bomb)
    assert fine == b"1"


def test_a_bomb_that_lies_about_its_size_is_stopped_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The headers say 10 bytes; reading ends there, and the checksum tells."""
    path = packed(tmp_path / "a.zip", ("bomb.png", b"\0" * 100_000))
    data = path.read_bytes().replace(struct.pack("<I", 100_000), struct.pack("<I", 10))
    path.write_bytes(data)
    ((_, bomb),) = read_zip(path, "a.zip")
    assert isinstance(bomb, MediaError) or len(bomb) <= 10


def test_all_entries_together_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_TOTAL", 250)
    path = packed(tmp_path / "a.zip", *((f"{i}.png", b"x" * 100) for i in range(5)))
    seen = []
    with pytest.raises(MediaError, match="250 bytes unpacked") as caught:
        for name, _ in read_zip(path, "a.zip"):
            seen.append(name)
    assert caught.value.code == "archive_too_large"
    assert len(seen) == 2


def test_too_many_entries_are_refused_before_the_list_is_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "a.zip", *((f"{i}.png", b"") for i in range(50)))
    monkeypatch.setattr(archive, "MAX_ENTRIES", 49)
    monkeypatch.setattr(zipfile, "ZipFile", lambda *_: pytest.fail("parsed"))
    with pytest.raises(MediaError, match="too many files"):
        list(read_zip(path, "a.zip"))


@pytest.mark.parametrize("kind", ["count", "size", "zip64"])
def test_a_directory_that_lies_is_refused(tmp_path: Path, kind: str) -> None:
    data = packed(tmp_path / "a.zip", ("a.png", b"1")).read_bytes()
    at = data.rfind(b"PK\5\6")
    if kind == "count":
        data = data[: at + 10] + b"\xff\xff" + data[at + 12 :]
    elif kind == "size":
        data = data[: at + 12] + struct.pack("<I", 1 << 30) + data[at + 16 :]
    else:
        data = data[:at] + b"PK\6\7" + b"\0" * 16 + data[at:]
    (tmp_path / "a.zip").write_bytes(data)
    with pytest.raises(MediaError) as caught:
        list(read_zip(tmp_path / "a.zip", "a.zip"))
    assert caught.value.code == "archive_too_large"


def test_damaged_and_encrypted(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", ("a.png", b"hello" * 100), ("b.png", b"1"))
    whole = path.read_bytes()
    path.write_bytes(whole[:60])
    with pytest.raises(MediaError, match=r"a\.zip: damaged"):
        list(read_zip(path, "a.zip"))
    spoiled = bytearray(whole)
    spoiled[40:44] = b"\xff\xff\xff\xff"  # inside the first entry's data
    path.write_bytes(spoiled)
    (_, first), (_, second) = read_zip(path, "a.zip")
    assert isinstance(first, MediaError) and first.code == "bad_archive"
    assert second == b"1"
    locked = bytearray(whole)
    locked[whole.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(locked)
    (_, first), _ = read_zip(path, "a.zip")
    assert isinstance(first, MediaError) and "encrypted" in str(first)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_under_each_method_spoils_its_entry_only(tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("a.png", bytes(range(256)) * 40)
        archive.writestr("b.png", b"1" * 100)
    spoiled = bytearray(path.read_bytes())
    spoiled[36:60] = b"\xff" * 24  # header of 30 bytes, name of 5, then data
    path.write_bytes(spoiled)
    (_, first), (_, second) = read_zip(path, "a.zip")
    assert isinstance(first, MediaError) and str(first).endswith("damaged inside the zip file")
    assert second == b"1" * 100


def test_an_unknown_method_is_not_called_damage(tmp_path: Path) -> None:
    path = packed(tmp_path / "a.zip", ("a.png", b"hello" * 100))
    other = bytearray(path.read_bytes())
    for header, at in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        other[other.index(header) + at] = 97  # wavpack
    path.write_bytes(other)
    ((_, found),) = read_zip(path, "a.zip")
    assert isinstance(found, MediaError) and "not read here" in str(found)


def test_a_disk_that_fails_is_not_called_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "a.zip", ("a.png", b"hello"))

    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(zipfile.ZipFile, "open", fail)
    ((_, found),) = read_zip(path, "a.zip")
    assert isinstance(found, MediaError) and "cannot be read (Input/output error)" in str(found)


def test_other_files_are_no_zip(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG" + packed(tmp_path / "b.zip", ("a", b"1")).read_bytes())
    assert not is_zip(path)
    assert not is_zip(tmp_path / "missing")
    assert not is_zip(tmp_path / "a\0b")
    os.mkfifo(tmp_path / "pipe")
    assert not is_zip(tmp_path / "pipe")  # opening it would wait for ever


def test_written_zip_reads_back() -> None:
    with zipfile.ZipFile(io.BytesIO(zipped({"a/ä.txt": "schön\n"}))) as file:
        assert {name: file.read(name).decode() for name in file.namelist()} == {"a/ä.txt": "schön\n"}

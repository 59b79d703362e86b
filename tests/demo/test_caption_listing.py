"""Which pictures `vlm caption` finds: in a fixed order, by content, one at a time, whatever their names."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from demo.captioning import listing as module
from demo.captioning.listing import Item, Listing, Problem

from ..encoders.hazards import encoded, picture
from .captions import save


def found(*paths: Path | str, **options: object) -> list[str]:
    """What is listed, relative to the first path; problems by code."""
    base = Path(paths[0]) if Path(paths[0]).is_dir() else Path(paths[0]).parent
    entries = Listing(tuple(map(str, paths)), **options)  # type: ignore[arg-type]
    return [
        f"{entry.code} {os.path.relpath(entry.name, base)}"
        if isinstance(entry, Problem)
        else os.path.relpath(entry.name, base)
        for entry in entries
    ]


def test_order_is_by_name_and_depth_first(tmp_path: Path) -> None:
    for name in ("b.png", "a/z.png", "a/c/x.jpg", "a.png", "c.webp", "10.png", "9.png", "a/a.png"):
        save(tmp_path / name)
    expected = ["10.png", "9.png", "a/a.png", "a/c/x.jpg", "a/z.png", "a.png", "b.png", "c.webp"]
    assert found(tmp_path) == expected
    assert [entry.place for entry in Listing((str(tmp_path),))] == list(range(8))
    assert found(tmp_path, recursive=False) == ["10.png", "9.png", "a.png", "b.png", "c.webp"]


def test_content_decides_and_broken_pictures_are_not_forgotten(tmp_path: Path) -> None:
    (tmp_path / "png.txt").write_bytes(encoded(picture(), "PNG"))
    (tmp_path / "noname").write_bytes(encoded(picture(), "JPEG"))
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "page.png").write_text("<html>")
    for name in ("notes.txt", "a.json", "sound.wav", "BMW.txt"):
        (tmp_path / name).write_text("BMW and other words")
    save(tmp_path / ".hidden.png")
    save(tmp_path / ".git" / "x.png")
    listing = Listing((str(tmp_path),))
    assert [Path(entry.name).name for entry in listing] == ["empty.jpg", "noname", "page.png", "png.txt"]
    assert listing.left_out == {"other files": 4, "hidden": 2}
    assert found(tmp_path / "notes.txt") == ["notes.txt"]  # named: reported later as what it is


def test_links(tmp_path: Path) -> None:
    inside, outside = tmp_path / "in", tmp_path / "out"
    save(inside / "real.png")
    save(outside / "far.png")
    (inside / "near.png").symlink_to(inside / "real.png")
    (inside / "away.png").symlink_to(outside / "far.png")
    (inside / "loop.png").symlink_to("loop.png")
    (inside / "up").symlink_to(tmp_path / "in")
    (inside / "side").symlink_to(outside)
    os.mkfifo(inside / "pipe.png")
    os.mkfifo(inside / "pipe")
    assert found(inside) == ["not_regular_file away.png", "loop.png", "near.png", "pipe.png", "real.png"]
    followed = found(inside, follow_links=True)
    assert followed == ["away.png", "loop.png", "near.png", "pipe.png", "real.png", "side/far.png", "link_loop up"]


def test_unreadable_folders_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a/1.png", "b/2.png", "c/3.png"):
        save(tmp_path / name)
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("/b"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(module.os, "scandir", refuse)
    assert found(tmp_path) == ["a/1.png", "permission_denied b", "c/3.png"]


def test_deep_folders(tmp_path: Path) -> None:
    """Deeper than Python recurses, and as deep as a path may be long."""
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        for _ in range(1500):
            os.mkdir("d")  # noqa: PTH102
            os.chdir("d")
        save(Path("x.png"))
    finally:
        os.chdir(before)
    try:
        assert found(tmp_path) == ["d/" * 1500 + "x.png"]
    finally:  # Python's own rmtree, which pytest would use, is not as deep
        subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)


@pytest.mark.parametrize(
    "name",
    [b"new\nline.png", b"ta\tb.png", b"-rf.png", "\U0001f98a.png".encode(), b"\xff\xfe.png", b"[1].png", b"*.png"],
)
def test_odd_names(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    save(path)
    assert [os.fsencode(item.name) for item in Listing((str(tmp_path),))] == [os.fsencode(path)]
    assert [item.name for item in Listing((str(path),))] == [str(path)]  # a file of this name is no glob


def test_globs(tmp_path: Path) -> None:
    for name in ("a1.png", "a2.jpg", "b.png", "s/a3.png", "s/t/a4.png", "s/b5.png"):
        save(tmp_path / name)
    cases = {
        "*.png": ["a1.png", "b.png"],
        "a?.*": ["a1.png", "a2.jpg"],
        "**/a*.png": ["a1.png", "s/a3.png", "s/t/a4.png"],
        "s/**": ["s/a3.png", "s/b5.png", "s/t/a4.png"],
        "[ab]1.png": ["a1.png"],
        "s/*/*.png": ["s/t/a4.png"],
        "x*": ["not_found x*"],
    }
    for pattern, expected in cases.items():
        listed = [os.path.relpath(entry.name, tmp_path) for entry in Listing((f"{tmp_path}/{pattern}",))]
        assert listed == [name.removeprefix("not_found ") for name in expected], pattern
    (missing,) = Listing((f"{tmp_path}/x*",))
    assert isinstance(missing, Problem) and missing.code == "not_found"


@pytest.mark.parametrize("separator", [b"\n", b"\r\n", b"\0"])
def test_lists(tmp_path: Path, separator: bytes) -> None:
    names = [b"b.png", b"a.png", b"\xff.png", *([b"two\nlines.png"] if separator == b"\0" else [])]
    paths = [os.fsencode(tmp_path / os.fsdecode(name)) for name in names]
    for path in paths:
        save(Path(os.fsdecode(path)))
    (tmp_path / "list").write_bytes(separator.join(paths) + separator)
    entries = list(Listing((), (str(tmp_path / "list"),)))
    assert [os.fsencode(entry.name) for entry in entries] == paths  # in the order of the list


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def test_archives(tmp_path: Path) -> None:
    good = encoded(picture(), "PNG")
    members = {"b.png": good, "b.txt": b"words", "a.bin": good, "sub/c.jpg": b"", "d.json": b"{}"}
    path = archive(tmp_path / "in.tar", members)
    items = [entry for entry in Listing((str(path),)) if isinstance(entry, Item)]
    assert [item.member for item in items] == ["b.png", "a.bin", "sub/c.jpg"]
    assert [item.source() for item in items] == [good, good, b""]
    assert items[0].name == f"{path}/b.png"
    cut = tmp_path / "cut.tar"
    cut.write_bytes(path.read_bytes()[:700])
    assert found(cut) == ["cut.tar/b.png", "bad_archive cut.tar"]
    (tmp_path / "renamed").write_bytes(path.read_bytes())
    assert len(found(tmp_path / "renamed")) == 3


def test_nothing_is_listed_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first picture is there before the second folder was looked into."""
    for folder in "abc":
        save(tmp_path / folder / "x.png")
    looked: list[str] = []
    scan = os.scandir
    monkeypatch.setattr(module.os, "scandir", lambda path: (looked.append(Path(path).name), scan(path))[1])
    entries = iter(Listing((str(tmp_path),)))
    next(entries)
    assert looked == [tmp_path.name, "a"]
    next(entries)
    assert looked == [tmp_path.name, "a", "b"]

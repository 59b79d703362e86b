"""Paths -> pictures to caption, one at a time, in a fixed order: sorted within each folder, never a full list.

What is taken for a picture:
- a file that is named (on the command line, in a list) always; a bad one is reported;
- in folders, globs and archives: what begins as a picture does, whatever its name, and what has a
  picture's name, whatever its content, so that a broken picture is reported and a text file is not.
Hidden files and folders are left out. Symlinked folders, and links that lead out of the folder, are
followed only with `follow_links`, and then never in a circle.
"""

from __future__ import annotations

import fnmatch
import os
import re
import stat
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from vlm.media import ImageSource, image_format, image_format_of

SUFFIXES = (
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".avif",
    ".heic", ".heif", ".svg", ".jp2", ".jxl", ".ico", ".psd", ".ppm", ".pgm", ".pbm", ".pnm",
)  # fmt: skip
"""Names that claim to be pictures, of formats that are read and of others, which are reported."""
MAX_MEMBER_BYTES = 100_000_001
"""What is read of an archive's member: one byte more than a picture may have, so that it is refused as too large."""
MAX_LINE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Item:
    """A picture to caption: a file, or a member of an archive (`size` bytes from `offset` on)."""

    path: str
    member: str = ""
    offset: int = 0
    size: int = 0
    place: int = 0

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"{self.path}/{self.member}" if self.member else self.path

    def source(self) -> ImageSource:
        """What the assistant opens: a path (never taken for a URL), or the member's bytes."""
        if not self.member:
            return Path(self.path)
        with open(self.path, "rb") as archive:  # noqa: PTH123 - names may hold lone surrogates
            archive.seek(self.offset)
            return archive.read(min(self.size, MAX_MEMBER_BYTES))


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that cannot be captioned, found before it was opened."""

    name: str
    code: str
    message: str
    place: int = 0


@dataclass
class Listing:
    """All pictures of some paths; iterate as often as wanted. `left_out` counts the last iteration's rest.

    paths: files, folders, globs, archives. lists: files that name such, one a line (or NUL-separated);
    "-" is standard input, which can be iterated once only.
    """

    paths: tuple[str, ...]
    lists: tuple[str, ...] = ()
    recursive: bool = True
    follow_links: bool = False
    sniff: bool = True
    left_out: Counter[str] = field(default_factory=Counter)

    def __iter__(self) -> Iterator[Item | Problem]:
        self.left_out = Counter()
        for place, entry in enumerate(self._entries()):
            yield replace(entry, place=place)

    def _entries(self) -> Iterator[Item | Problem]:
        for path in self.paths:
            yield from self._named(path, may_be_glob=True)
        for file in self.lists:
            for path in _lines(file):
                yield from self._named(path)

    def _named(self, path: str, may_be_glob: bool = False) -> Iterator[Item | Problem]:
        if os.path.isdir(path):  # noqa: PTH112
            yield from self._folder(path)
        elif may_be_glob and re.search(r"[*?\[]", path) and not os.path.lexists(path):
            yield from self._glob(path)
        elif _is_archive(path):
            yield from self._archive(path)
        else:
            yield Item(path)

    # --- folders ---

    def _folder(self, folder: str) -> Iterator[Item | Problem]:
        """Depth first. Of what is on the way only each folder's names are held, and where it lies on the disk."""
        root = os.path.realpath(folder)
        way: list[tuple[str, Iterator[str], tuple[int, int]]] = []
        entering: str | None = folder
        while way or entering is not None:
            if entering is not None:
                try:
                    status = os.stat(entering)  # noqa: PTH116
                    here = (status.st_dev, status.st_ino)
                    with os.scandir(entering) as entries:
                        names = sorted(entry.name for entry in entries)
                    if any(here == above for _, _, above in way):
                        yield Problem(entering, "link_loop", f"{entering}: a link back to a folder above it")
                    else:
                        way.append((entering, iter(names), here))
                except OSError as error:
                    yield _problem(entering, error)
                entering = None
                continue
            inside, rest, _ = way[-1]
            name = next(rest, None)
            if name is None:
                way.pop()
                continue
            path = os.path.join(inside, name)  # noqa: PTH118
            if not name.startswith(".") and self._is_folder(path):
                entering = path
            elif (entry := self._entry(path, name, root)) is not None:
                yield entry

    def _is_folder(self, path: str) -> bool:
        """Whether to go into it."""
        if not self.recursive or not os.path.isdir(path):  # noqa: PTH112
            return False
        return self.follow_links or not os.path.islink(path)  # noqa: PTH114

    def _entry(self, path: str, name: str, root: str) -> Item | Problem | None:
        """What a folder holds under this name, where it is to be captioned."""
        if name.startswith("."):
            self.left_out["hidden"] += 1
        elif os.path.isdir(path):  # noqa: PTH112
            self.left_out["folders"] += 1
        elif not self._is_picture(path):
            self.left_out["other files"] += 1
        elif not self.follow_links and os.path.islink(path) and not _inside(path, root):  # noqa: PTH114
            message = f"{path}: a link that leads out of the folder; --follow-links allows it"
            return Problem(path, "not_regular_file", message)
        else:
            return Item(path)
        return None

    def _is_picture(self, path: str) -> bool:
        return path.lower().endswith(SUFFIXES) or (self.sniff and image_format(path) is not None)

    # --- globs ---

    def _glob(self, pattern: str) -> Iterator[Item | Problem]:
        """`*`, `?` and `[...]` within a name, `**` for any number of folders. Nothing found is a problem."""
        parts = pattern.split("/")
        first = next(i for i, part in enumerate(parts) if re.search(r"[*?\[]", part))
        base = "/".join(parts[:first]) or ("/" if pattern.startswith("/") else ".")
        found = False
        for entry in replace(self, recursive=True, left_out=Counter())._folder(base):
            path = entry.path if isinstance(entry, Item) else entry.name
            if _matches(os.path.relpath(path, base).split("/"), parts[first:]):
                found = True
                yield entry
        if not found:
            yield Problem(pattern, "not_found", f"{pattern}: matches no picture")

    # --- archives ---

    def _archive(self, path: str) -> Iterator[Item | Problem]:
        """The pictures of a WebDataset tar, in its order; they are read from it later, at their offsets."""
        try:
            with tarfile.open(path, "r:") as archive:
                while member := archive.next():
                    archive.members = []  # type: ignore[attr-defined]  # it keeps all that it has seen
                    if not member.isreg() or member.issparse():
                        continue
                    item = Item(path, member.name, member.offset_data, member.size)
                    named = member.name.lower().endswith(SUFFIXES)
                    if named or (self.sniff and image_format_of(self._head(archive, item)) is not None):
                        yield item
                    else:
                        self.left_out["other files"] += 1
        except OSError as error:
            yield _problem(path, error)
        except tarfile.TarError:
            yield Problem(path, "bad_archive", f"{path}: the archive is damaged; what came before it was read")

    @staticmethod
    def _head(archive: tarfile.TarFile, item: Item) -> bytes:
        file = archive.fileobj
        assert file is not None
        file.seek(item.offset)
        return file.read(min(16, item.size))


def _is_archive(path: str) -> bool:
    """By the mark in its first block, or its name (an empty tar has no mark), unless it is a picture."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - a FIFO must not be opened
            return False
        with open(path, "rb") as file:  # noqa: PTH123
            head = file.read(512)
    except (OSError, ValueError):
        return False
    return head[257:262] == b"ustar" or (path.lower().endswith(".tar") and image_format_of(head) is None)


def _inside(path: str, root: str) -> bool:
    target = os.path.realpath(path)
    return target == root or target.startswith(root.rstrip("/") + "/")


def _problem(path: str, error: OSError) -> Problem:
    code = "permission_denied" if isinstance(error, PermissionError) else "io_error"
    return Problem(path, code, f"{path}: {error.strerror or 'cannot be listed'}")


def _matches(names: list[str], parts: list[str]) -> bool:
    """The names of a path against the parts of a glob."""
    if not parts:
        return not names
    if parts[0] == "**":
        return any(_matches(names[skipped:], parts[1:]) for skipped in range(len(names) + 1))
    return bool(names) and fnmatch.fnmatchcase(names[0], parts[0]) and _matches(names[1:], parts[1:])


def _lines(name: str) -> Iterator[str]:
    """The paths of a list, as bytes that need not be UTF-8. One with NULs is separated by them (`find -print0`)."""
    with open(0 if name == "-" else name, "rb", closefd=name != "-") as file:
        rest, separator = b"", b""
        while chunk := file.read(MAX_LINE_BYTES):
            separator = separator or (b"\0" if b"\0" in chunk else b"\n")
            *lines, rest = (rest + chunk).split(separator)
            yield from (os.fsdecode(line) for line in map(_stripped, lines) if line)
            rest = rest[:MAX_LINE_BYTES]  # no path is longer
        if _stripped(rest):
            yield os.fsdecode(_stripped(rest))


def _stripped(line: bytes) -> bytes:
    return line.removesuffix(b"\n").removesuffix(b"\r")

"""Which files a tool may open: those below folders that the client or `--root` names, links followed first."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from vlm.errors import InputError, one_line


@dataclass(frozen=True)
class Roots:
    """Folders as they really are: no link is left in them. Of none, no file may be opened."""

    folders: tuple[Path, ...] = ()

    @classmethod
    def of(cls, named: Iterable[str | Path]) -> Roots:
        """Folders by their paths; those that are not there are left out."""
        real = (Path(os.path.realpath(folder)) for folder in named)
        return cls(tuple(dict.fromkeys(folder for folder in real if folder.is_dir())))

    def __or__(self, other: Roots) -> Roots:
        return Roots(tuple(dict.fromkeys(self.folders + other.folders)))

    def file(self, given: str) -> Path:
        """The real path of a file that is named by a path, or as file:///...; whether it is there is not looked at.

        A path that is not absolute is below one of the folders: the first that has it.

        Raises:
            InputError: path_not_allowed, of the same words whatever there is.
        """
        path = _path(given)
        candidates = [path] if path.is_absolute() else [folder / path for folder in self.folders]
        inside = [real for real in map(_real, candidates) if real and self._holds(real)]
        if not inside:
            raise InputError(
                f"{one_line(given, 120)}: only files below the client's roots, or a --root, are opened",
                "path_not_allowed",
            )
        return next((real for real in inside if real.exists()), inside[0])

    def _holds(self, real: Path) -> bool:
        return any(real.is_relative_to(folder) for folder in self.folders)


def folder_of(uri: str) -> Path | None:
    """The folder of a root; None for one that is no file: URI of this machine."""
    try:
        path = _path(uri) if uri.lower().startswith("file:") else None
    except InputError:
        return None
    return path if path is not None and path.is_absolute() else None


def _path(given: str) -> Path:
    if not given.lower().startswith("file:"):
        if "://" in given:
            raise InputError(f"{one_line(given, 120)}: URLs are not fetched; give a path", "remote_not_allowed")
        return Path(given)
    try:
        parts = urlsplit(given)
    except ValueError:
        parts = None
    if parts is None or parts.netloc not in ("", "localhost"):
        raise InputError(f"{one_line(given, 120)}: names a file of another machine", "path_not_allowed")
    path = unquote(parts.path)
    return Path(path.lstrip("/") if re.match(r"/[A-Za-z]:/", path) and os.name == "nt" else path)


def _real(path: Path) -> Path | None:
    """Links followed, `..` resolved; None for what cannot be a path."""
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError):  # a NUL in it
        return None

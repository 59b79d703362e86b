"""Folders that are whole or not there: written under another name, synced, renamed last, listed in manifest.json."""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import reprlib
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from .disk import sync
from .errors import CheckpointError
from .weight_files import read_json

PROSE = ("MODEL_CARD.md", "README.md")
"""Where a card stands. It may be changed without the folder counting as damaged."""


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """A temporary folder beside `target` that takes its place when the block ends without an error.

    Every file is synced before the rename and, but for prose, listed in manifest.json. A previous `target` changes
    places with the new folder in one step and is removed last, so that `target` is whole at any instant.

    Raises:
        CheckpointError: `target` exists and is not a folder written by this function.
    """
    target = Path(target)
    if target.exists() and not (target / "manifest.json").is_file() and (not target.is_dir() or any(target.iterdir())):
        raise CheckpointError(f"{target}: exists and holds something else (no manifest.json); choose another name")
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}.tmp"
    fresh.mkdir()
    try:
        yield fresh
        listed = [path for path in sorted(fresh.iterdir()) if path.name not in PROSE]
        files = {p.name: {"size": p.stat().st_size, "sha256": _sha256(p)} for p in listed}
        (fresh / "manifest.json").write_text(json.dumps({"files": files}, indent=1) + "\n")
        for path in [*fresh.iterdir(), fresh]:
            sync(path)
        replaced = target.exists()
        if replaced:
            _exchange(fresh, target)
        else:
            fresh.rename(target)
        sync(target.parent)
        if replaced:
            shutil.rmtree(fresh, ignore_errors=True)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def verify_manifest(folder: Path) -> None:
    """Compares every file named in manifest.json by size and sha256; a folder without one passes.

    Raises:
        CheckpointError: a file is missing, or differs from what was written.
    """
    if not (folder / "manifest.json").exists():
        return
    manifest = read_json(folder / "manifest.json")
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, dict):
        raise CheckpointError("manifest.json: has no files")
    for name, expected in files.items():
        path = folder / name
        if Path(name).name != name or not os.path.isfile(path):  # noqa: PTH113
            raise CheckpointError(f"{reprlib.repr(name)}: named in manifest.json, but missing in {folder}")
        size, wanted = path.stat().st_size, expected.get("size") if isinstance(expected, dict) else None
        if size != wanted:
            found = f"its size {size} differs from manifest.json ({wanted})"
        elif _sha256(path) != expected.get("sha256"):
            found = "its content (sha256) differs from manifest.json"
        else:
            continue
        raise CheckpointError(f"{name}: {found}; the file is damaged or was changed")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _exchange(one: Path, other: Path) -> None:
    """Swaps two folders: in one step on Linux and macOS, elsewhere in three, undone if one fails."""
    swap = _swap_call()
    if swap is not None and swap(os.fsencode(one), os.fsencode(other)) == 0:
        return
    aside = one.with_suffix(".old")
    other.rename(aside)
    try:
        one.rename(other)
    except BaseException:
        aside.rename(other)
        raise
    aside.rename(one)


@cache
def _swap_call() -> Callable[[bytes, bytes], int] | None:
    """The system's call that exchanges two paths, if it has one."""
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "renameat2"):
        return lambda one, other: library.renameat2(-100, one, -100, other, 2)  # AT_FDCWD, RENAME_EXCHANGE
    if sys.platform == "darwin" and hasattr(library := ctypes.CDLL(None), "renamex_np"):
        return lambda one, other: library.renamex_np(one, other, 2)  # RENAME_SWAP
    return None


def model_card(folder: Path) -> str:
    """The text of MODEL_CARD.md or README.md, at most a megabyte of it; empty where there is none."""
    for name in PROSE:
        if not os.path.isfile(folder / name):  # noqa: PTH113 - a pipe would block
            continue
        try:
            with (folder / name).open(encoding="utf-8", errors="replace") as file:
                return file.read(1 << 20)
        except OSError:
            continue
    return ""

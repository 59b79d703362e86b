"""`vlm plugins`: puts add-ons where their programs look, says where, and takes them away again.

What is ours is one folder for each program, with a list of its files in it. A folder without that list, or with a file
in it that somebody changed, is not ours to overwrite. A folder comes and goes whole: it is made beside its place and
renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from vlm import __version__
from vlm.disk import sync
from vlm.errors import InputError

from .places import Place, System, blender_places, inkscape_places, libreoffice_places
from .vlm_client import Problem, Settings, read_settings, settings_path

HERE = Path(__file__).parent
LIST = ".vlm-studio.json"
CLIENT = "vlm_client.py"


@dataclass(frozen=True)
class Program:
    """`client`: where beside the add-on its program finds modules; `then`: what the person does next."""

    name: str
    title: str
    places: Callable[[System], Iterator[Place]]
    client: str
    then: str


PROGRAMS = {
    program.name: program
    for program in (
        Program("inkscape", "Inkscape", inkscape_places, "",
                "Start Inkscape again; it is under Extensions > Vlm studio."),
        Program("libreoffice", "LibreOffice", libreoffice_places, "pythonpath",
                "It is under Tools > Macros > Run Macro > My Macros > vlm_studio."),
        Program("blender", "Blender", blender_places, "",
                "Switch it on under Edit > Preferences > Add-ons (vlm studio); it is in the sidebar (N)."),
    )
}  # fmt: skip


@dataclass(frozen=True)
class State:
    """Of one place: `what` is "not installed", "installed", "changed" (by somebody else), or "not ours"."""

    program: Program
    place: Place
    what: str
    version: str = ""


def states(program: Program, system: System | None = None, folder: Path | None = None) -> list[State]:
    """Each place of a program on this computer. `folder`: instead of those that are known."""
    system = system or System()
    places = [Place(folder, system.config)] if folder else list(program.places(system))
    return [_state(program, place) for place in places]


def install(state: State, settings: Settings | None = None, force: bool = False) -> Path:
    """The add-on of this version, in place of an earlier one. Returns the folder.

    Args:
        settings: kept for the add-on where they are given; else what there is stays.
        force: replace files of ours that were changed. What is not ours stays in any case.

    Raises:
        InputError: something of somebody else's is there.
        OSError: the disk refuses.
    """
    target = state.place.ours
    if state.what == "not ours":
        raise InputError(f"{target} is there already and not from this program: move it away", "not_ours")
    if state.what == "changed" and not force:
        raise InputError(f"{target} holds files that somebody changed: save them, then give --force", "changed")
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    try:
        _fill(fresh, state.program)
        fresh.chmod(0o755)
        _swap(fresh, target)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    if settings:
        write_settings(settings, settings_path(state.place.config))
    return target


def remove(state: State, force: bool = False, system: System | None = None) -> bool:
    """Whether there was something to remove. The settings stay while another add-on may use them.

    Raises:
        InputError: what is there is not, or no longer, ours.
        OSError: the disk refuses.
    """
    target = state.place.ours
    if state.what == "not installed":
        return False
    if state.what == "not ours":
        raise InputError(f"{target} is not from this program: it stays", "not_ours")
    if state.what == "changed" and not force:
        raise InputError(f"{target} holds files that somebody changed: save them, then give --force", "changed")
    aside = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-"))
    target.replace(aside / target.name)  # gone at once, for a program that looks just now
    shutil.rmtree(aside)
    if not any(other.what != "not installed" for other in _neighbours(state, system)):
        settings_path(state.place.config).unlink(missing_ok=True)
    return True


def write_settings(settings: Settings, path: Path) -> None:
    """For this user's eyes only, whole or not at all. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".plugins-")  # mode 0600 from its first byte
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"url": settings.url, "key": settings.key, "seconds": settings.seconds}, file, indent=1)
            file.flush()
            os.fsync(handle)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync(path.parent)


def chosen_settings(place: Place, url: str | None, key_file: Path | None, seconds: float | None) -> Settings | None:
    """What the command line says, if it says anything of them, over what the place has already.

    A key goes to the server that it was given for: with another address and no key there is none.

    Raises:
        InputError: they make no settings.
    """
    if url is None and key_file is None and seconds is None:
        return None
    try:
        kept = read_settings(settings_path(place.config))
    except Problem:
        kept = Settings()
    key = _key_of(key_file) if key_file else kept.key if url in (None, kept.url) else ""
    try:
        return Settings(kept.url if url is None else url, key, kept.seconds if seconds is None else seconds)
    except Problem as problem:
        raise InputError(str(problem), "bad_option") from None


def _key_of(file: Path) -> str:
    try:
        return file.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not ASCII"
        raise InputError(f"{file}: the key cannot be read ({reason})", "bad_option") from None


# --- folders of ours -----------------------------------------------------------------------------


def _files(program: Program) -> Iterator[tuple[PurePosixPath, bytes]]:
    """What an add-on consists of, by its path below the folder."""
    source = HERE / program.name
    for path in sorted(source.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield PurePosixPath(path.relative_to(source).as_posix()), path.read_bytes()
    yield PurePosixPath(program.client) / CLIENT, (HERE / CLIENT).read_bytes()


def _fill(folder: Path, program: Program) -> None:
    listed = {}
    for name, data in _files(program):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        sync(path)
        listed[str(name)] = _digest(data)
    about = {"program": program.name, "version": __version__, "files": listed}
    (folder / LIST).write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    sync(folder / LIST)


def _swap(fresh: Path, target: Path) -> None:
    """A folder cannot be renamed over one that holds something: the old one steps aside first, and back if need be."""
    old = fresh.with_name(fresh.name + "-old")
    there = target.exists()
    if there:
        target.replace(old)
    try:
        fresh.replace(target)
    except BaseException:
        if there:
            old.replace(target)
        raise
    sync(target.parent)
    if there:
        shutil.rmtree(old)


def _state(program: Program, place: Place) -> State:
    target = place.ours
    if not target.exists() and not target.is_symlink():
        return State(program, place, "not installed")
    try:
        about = json.loads((target / LIST).read_text("utf-8"))
        listed, version = dict(about["files"]), str(about["version"])
        ours = not target.is_symlink() and about["program"] == program.name
    except (OSError, ValueError, KeyError, TypeError):
        ours = False
    if not ours:
        return State(program, place, "not ours")
    found = {
        path.relative_to(target).as_posix(): _digest(path.read_bytes())
        for path in target.rglob("*") if path.is_file() and "__pycache__" not in path.parts and path.name != LIST
    }  # fmt: skip
    return State(program, place, "installed" if found == listed else "changed", version)


def _neighbours(state: State, system: System | None) -> Iterator[State]:
    """The places of all programs that read the same settings."""
    for program in PROGRAMS.values():
        for other in states(program, system):
            if other.place.config == state.place.config:
                yield other


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()

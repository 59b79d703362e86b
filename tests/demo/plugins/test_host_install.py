"""`vlm plugins`: where add-ons go, and that nothing of somebody else's is touched."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from demo.plugins.hosts import install as installing
from demo.plugins.hosts.install import PROGRAMS, State, chosen_settings, install, remove, states
from demo.plugins.hosts.places import Place, System, blender_places, inkscape_places, libreoffice_places
from demo.plugins.hosts.vlm_client import Settings, read_settings, settings_path
from vlm.cli import app
from vlm.errors import InputError

HOME = Path("/home/anna")


def nowhere(_: str) -> None:
    return None


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System("linux", tmp_path, {}, nowhere)


def state_of(name: str, system: System) -> State:
    (state,) = states(PROGRAMS[name], system)
    return state


def content(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- where -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("places", "made", "platform", "environment", "expected"),
    [
        (inkscape_places, ".config/inkscape", "linux", {}, ".config/inkscape/extensions"),
        (inkscape_places, "else/inkscape", "linux", {"XDG_CONFIG_HOME": "else"}, "else/inkscape/extensions"),
        (inkscape_places, "", "linux", {"INKSCAPE_PROFILE_DIR": "profile"}, "profile/extensions"),
        (inkscape_places, "Library/Application Support/org.inkscape.Inkscape/config/inkscape", "darwin", {},
         "Library/Application Support/org.inkscape.Inkscape/config/inkscape/extensions"),
        (inkscape_places, "AppData/Roaming/inkscape", "win32", {}, "AppData/Roaming/inkscape/extensions"),
        (inkscape_places, ".var/app/org.inkscape.Inkscape/config/inkscape", "linux", {},
         ".var/app/org.inkscape.Inkscape/config/inkscape/extensions"),
        (inkscape_places, "snap/inkscape/current/.config/inkscape", "linux", {},
         "snap/inkscape/current/.config/inkscape/extensions"),
        (libreoffice_places, ".config/libreoffice/4/user", "linux", {}, ".config/libreoffice/4/user/Scripts/python"),
        (libreoffice_places, "Library/Application Support/LibreOffice/4/user", "darwin", {},
         "Library/Application Support/LibreOffice/4/user/Scripts/python"),
        (libreoffice_places, "roaming/LibreOffice/4/user", "win32", {"APPDATA": "roaming"},
         "roaming/LibreOffice/4/user/Scripts/python"),
        (blender_places, ".config/blender/3.4", "linux", {}, ".config/blender/3.4/scripts/addons"),
        (blender_places, "Library/Application Support/Blender/4.2", "darwin", {},
         "Library/Application Support/Blender/4.2/scripts/addons"),
        (blender_places, "AppData/Roaming/Blender Foundation/Blender/4.2", "win32", {},
         "AppData/Roaming/Blender Foundation/Blender/4.2/scripts/addons"),
        (blender_places, "", "linux", {"BLENDER_USER_SCRIPTS": "mine"}, "mine/addons"),
    ],
)  # fmt: skip
def test_where_programs_look(tmp_path, places, made, platform, environment, expected) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / made).mkdir(parents=True, exist_ok=True)
    given = {name: str(tmp_path / value) for name, value in environment.items()}
    found = list(places(System(platform, tmp_path, given, nowhere)))
    assert [place.folder for place in found] == [tmp_path / expected]


def test_each_version_of_blender_has_its_own(tmp_path: Path) -> None:
    for version in ("3.4", "4.2", "studiolights"):
        (tmp_path / ".config" / "blender" / version).mkdir(parents=True)
    found = blender_places(System("linux", tmp_path, {}, nowhere))
    assert [(place.kind, place.folder.parts[-3]) for place in found] == [("3.4", "3.4"), ("4.2", "4.2")]


def test_a_program_that_was_never_started(tmp_path: Path) -> None:
    blender = tmp_path / "blender"
    blender.write_text("#!/bin/sh\necho Blender 4.5.1\n")
    blender.chmod(0o755)
    system = System("linux", tmp_path, {}, lambda name: str(blender) if name == "blender" else f"/usr/bin/{name}")
    assert [place.folder for place in inkscape_places(system)] == [tmp_path / ".config/inkscape/extensions"]
    assert [place.kind for place in blender_places(system)] == ["4.5"]


def test_a_sandboxed_program_finds_its_settings(tmp_path: Path) -> None:
    config = tmp_path / ".var" / "app" / "org.blender.Blender" / "config"
    (config / "blender" / "4.2").mkdir(parents=True)
    state = state_of("blender", System("linux", tmp_path, {}, nowhere))
    install(state, Settings("http://box"))
    assert read_settings(config / "vlm-studio" / "plugins.json").url == "http://box"
    assert state.place.kind == "4.2 flatpak"


# --- coming and going ------------------------------------------------------------------------------------------------


@pytest.fixture(params=list(PROGRAMS))
def name(request: pytest.FixtureRequest, system: System) -> str:
    for folder in ("inkscape", "libreoffice/4/user", "blender/3.4"):
        (system.home / ".config" / folder).mkdir(parents=True)
    return str(request.param)


def test_it_comes_and_goes_whole(name: str, system: System) -> None:
    before = content(system.home)
    state = state_of(name, system)
    assert state.what == "not installed"
    folder = install(state, Settings("http://box", "s3cret"))
    assert state_of(name, system).what == "installed"
    client = folder / ("pythonpath" if name == "libreoffice" else "") / "vlm_client.py"
    assert client.read_bytes() == (installing.HERE / "vlm_client.py").read_bytes()
    assert folder.stat().st_mode & 0o777 == 0o755
    kept = settings_path(system.config)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert json.loads(kept.read_text()) == {"url": "http://box", "key": "s3cret", "seconds": 120}
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_bytes(b"made by the program")
    assert remove(state_of(name, system), system=system)
    assert content(system.home) == before
    assert not remove(state_of(name, system), system=system)


def test_again_is_an_update_that_keeps_the_settings(name: str, system: System) -> None:
    folder = install(state_of(name, system), Settings("http://box"))
    (folder / "old.py").write_text("of an earlier version")
    about = json.loads((folder / installing.LIST).read_text())
    about["files"]["old.py"] = installing._digest(b"of an earlier version")
    (folder / installing.LIST).write_text(json.dumps(about))
    install(state_of(name, system))
    assert not (folder / "old.py").exists()
    assert read_settings(settings_path(system.config)).url == "http://box"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_the_settings_stay_for_the_others(system: System, name: str) -> None:
    for other in PROGRAMS:
        install(state_of(other, system), Settings("http://box"))
    remove(state_of(name, system), system=system)
    assert settings_path(system.config).exists()


@pytest.mark.parametrize("kind", ["folder", "empty folder", "file", "link", "dangling link"])
def test_what_is_not_ours_stays(kind: str, name: str, system: System, tmp_path: Path) -> None:
    target = state_of(name, system).place.ours
    target.parent.mkdir(parents=True, exist_ok=True)
    if kind.endswith("folder"):
        target.mkdir()
        if kind == "folder":
            (target / "theirs.py").write_text("theirs")
    elif kind == "file":
        target.write_text("theirs")
    else:
        elsewhere = tmp_path / "elsewhere"
        if kind == "link":
            elsewhere.mkdir()
        target.symlink_to(elsewhere)
    before = sorted(tmp_path.rglob("*"))
    for act in (install, remove):
        for force in (False, True):
            with pytest.raises(InputError, match="not from this program") as refused:
                act(state_of(name, system), force=force)
            assert refused.value.code == "not_ours"
    assert sorted(tmp_path.rglob("*")) == before


def test_what_somebody_changed_stays_unless_forced(name: str, system: System) -> None:
    folder = install(state_of(name, system))
    changed = next(path for path in sorted(folder.rglob("*.py")))
    for text in ("mine now", None):
        if text is None:
            changed.unlink()
        else:
            changed.write_text(text)
        assert state_of(name, system).what == "changed"
        for act in (install, remove):
            with pytest.raises(InputError, match="--force"):
                act(state_of(name, system))
    install(state_of(name, system), force=True)
    assert state_of(name, system).what == "installed"


def test_a_disk_that_refuses_leaves_the_earlier_version(
    name: str, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install(state_of(name, system))
    before = content(folder)

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(installing, "sync", full)
    with pytest.raises(OSError, match="No space"):
        install(state_of(name, system))
    assert content(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_swap_that_fails_half_way_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh, target = tmp_path / "fresh", tmp_path / "target"
    fresh.mkdir()
    target.mkdir()
    (target / "kept").touch()
    real = Path.replace

    def replace(self: Path, to: Path) -> Path:
        if self == fresh:
            raise OSError(5, "I/O error")
        return real(self, to)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(OSError, match="I/O"):
        installing._swap(fresh, target)
    assert (target / "kept").exists()


def test_settings_of_the_command_line(tmp_path: Path, system: System) -> None:
    key, place = tmp_path / "key", Place(tmp_path, tmp_path)
    key.write_text("s3cret\n")
    assert chosen_settings(place, None, None, None) is None
    given = chosen_settings(place, "http://box", key, 9)
    assert given == Settings("http://box", "s3cret", 9)
    installing.write_settings(given, settings_path(tmp_path))
    assert chosen_settings(place, None, None, 7) == Settings("http://box", "s3cret", 7)
    assert chosen_settings(place, "http://box", None, None) == Settings("http://box", "s3cret", 9)
    assert chosen_settings(place, "http://other", None, None) == Settings("http://other", "", 9)
    key.write_text("two words")
    for wrong in ((None, key, None), ("box", None, None), (None, None, 0.0), (None, tmp_path / "none", None)):
        with pytest.raises(InputError) as refused:
            chosen_settings(place, *wrong)
        assert refused.value.code == "bad_option"


# --- the command -----------------------------------------------------------------------------------------------------


def vlm(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["plugins", *arguments])
    return result.exit_code, result.output


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("INKSCAPE_PROFILE_DIR", str(tmp_path / "inkscape"))
    monkeypatch.setenv("BLENDER_USER_SCRIPTS", str(tmp_path / "blender"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", os.devnull)
    return tmp_path


def test_the_command(folder: Path) -> None:
    key = folder / "key"
    key.write_text("s3cret")
    code, told = vlm("install", "inkscape", "blender", "--url", "http://box:8000", "--key-file", str(key))
    assert code == 0 and "s3cret" not in told
    assert "warning: the key goes to http://box:8000 in clear" in told
    assert f"Inkscape: {folder}/inkscape/extensions/vlm_studio" in told
    assert f"settings: {folder}/config/vlm-studio/plugins.json" in told
    assert "Extensions > Vlm studio" in told and "Add-ons" in told
    assert (folder / "inkscape/extensions/vlm_studio/vlm_describe.inx").exists()
    code, told = vlm("list")
    assert code == 0 and told.count(" installed ") == 2 and "libreoffice  not found" in told
    rows = json.loads(vlm("list", "--json")[1])
    assert [(row["program"], row["state"]) for row in rows] == [("inkscape", "installed"), ("blender", "installed")]
    code, told = vlm("remove", "inkscape", "libreoffice")
    assert code == 0 and "removed" in told and "LibreOffice: nothing of ours is there" in told
    assert vlm("remove", "blender")[0] == 0
    assert not (folder / "config/vlm-studio/plugins.json").exists()


def test_the_command_says_what_is_wrong(folder: Path) -> None:
    assert vlm("install", "gimp")[0] == 2
    assert vlm("install", "inkscape", "blender", "--folder", str(folder))[0] == 2
    code, told = vlm("install", "libreoffice")
    assert code == 1 and "not found on this computer" in told and "--folder" in told
    assert vlm("install", "libreoffice", "--folder", str(folder / "mine"))[0] == 0
    assert (folder / "mine/vlm_studio/alt_text.py").exists()
    (folder / "blender/addons/vlm_studio").mkdir(parents=True)
    code, told = vlm("install", "blender")
    assert code == 1 and "error [not_ours]" in told
    assert vlm("remove", "blender")[0] == 1

"""Where Inkscape, LibreOffice and Blender look for what a user has added, on Linux, macOS and Windows.

Sources: Inkscape's "Edit > Preferences > System > User extensions", LibreOffice's wiki on UserProfile and its
`scripting/source/pyprov`, Blender's manual on its directory layout; Flatpak's and Snap's rules for a program's HOME.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

NAME = "vlm_studio"
"""Of the folder that is ours, in each of the places."""


@dataclass(frozen=True)
class Place:
    """A folder that a program reads. `config`: where the same program finds the settings of a user's programs."""

    folder: Path
    config: Path
    kind: str = ""

    @property
    def ours(self) -> Path:
        return self.folder / NAME


@dataclass(frozen=True)
class System:
    """This computer, as far as it decides where things are; tests describe others."""

    platform: str = sys.platform
    home: Path = field(default_factory=Path.home)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    which: Callable[[str], str | None] = shutil.which

    @property
    def config(self) -> Path:
        if self.platform == "win32":
            return Path(self.environment.get("APPDATA") or self.home / "AppData" / "Roaming")
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        return Path(self.environment.get("XDG_CONFIG_HOME") or self.home / ".config")

    def configs(self, flatpak: str, snap: str) -> Iterator[tuple[str, Path]]:
        """(kind, folder of configurations): the user's, and those of sandboxes that exist."""
        yield "", self.config
        if self.platform == "linux":
            for kind, folder, below in (
                ("flatpak", self.home / ".var" / "app" / flatpak, "config"),
                ("snap", self.home / "snap" / snap / "current", ".config"),
            ):
                if folder.is_dir():
                    yield kind, folder / below


def inkscape_places(system: System) -> Iterator[Place]:
    if profile := system.environment.get("INKSCAPE_PROFILE_DIR"):
        yield Place(Path(profile) / "extensions", system.config)
        return
    for kind, config in system.configs("org.inkscape.Inkscape", "inkscape"):
        folder = config / "inkscape"
        if system.platform == "darwin":
            folder = config / "org.inkscape.Inkscape" / "config" / "inkscape"
        if folder.is_dir() or (not kind and system.which("inkscape")):
            yield Place(folder / "extensions", config, kind)


def libreoffice_places(system: System) -> Iterator[Place]:
    capital = system.platform in ("darwin", "win32")
    for kind, config in system.configs("org.libreoffice.LibreOffice", "libreoffice"):
        folder = config / ("LibreOffice" if capital else "libreoffice") / "4" / "user"
        found = system.which("soffice") or system.which("libreoffice")
        if folder.is_dir() or (not kind and found):
            yield Place(folder / "Scripts" / "python", config, kind)


def blender_places(system: System) -> Iterator[Place]:
    """One for each version that was started; for one that never was, what it says of itself."""
    if scripts := system.environment.get("BLENDER_USER_SCRIPTS"):
        yield Place(Path(scripts) / "addons", system.config)
        return
    vendor = {"win32": "Blender Foundation/Blender", "darwin": "Blender"}.get(system.platform, "blender")
    for kind, config in system.configs("org.blender.Blender", "blender"):
        root = config / vendor
        versions = sorted(p.name for p in root.iterdir() if re.fullmatch(r"\d+\.\d+", p.name)) if root.is_dir() else []
        if not versions and not kind:
            versions = _version_of(system.which("blender"))
        for version in versions:
            yield Place(root / version / "scripts" / "addons", config, " ".join(filter(None, (version, kind))))


def _version_of(blender: str | None) -> list[str]:
    if blender is None:
        return []
    try:
        told = subprocess.run([blender, "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    found = re.search(r"Blender (\d+\.\d+)", told)
    return [found[1]] if found else []

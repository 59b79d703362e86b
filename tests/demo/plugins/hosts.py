"""Inkscape, LibreOffice and Blender themselves, each with an add-on that `vlm plugins` has installed, and nothing of
whoever runs the tests: folders of their own, no display of theirs."""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from demo.plugins.hosts.install import PROGRAMS, install, states, write_settings
from demo.plugins.hosts.vlm_client import Settings, settings_path

PATIENCE = 240
"""Seconds for a program to start and do its work: the machine may be busy with something else."""
NEEDED = {
    "inkscape": ("inkscape", "Xvfb", "xdotool"), "libreoffice": ("soffice",), "blender": ("blender",),
}  # fmt: skip


def need(name: str) -> None:
    """Skips where a program is missing; fails where VLM_REQUIRE_HOSTS, as `.ci/run` sets it, names it."""
    missing = [program for program in NEEDED[name] if not shutil.which(program, path=os.defpath + ":/usr/local/bin")]
    if not missing:
        return
    reason = f"{name} is tested with {', '.join(missing)}, which is not here (CONTRIBUTING.md names the packages)"
    if name in os.environ.get("VLM_REQUIRE_HOSTS", "").split():
        pytest.fail(reason)
    warnings.warn(f"HOST TESTS DID NOT RUN: {reason}", stacklevel=2)
    pytest.skip(reason)


@dataclass
class Host:
    """A program with its add-on in `home`, which asks the server of `asks`."""

    name: str
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        config = self.home / "config"
        self.environment = {
            "HOME": str(self.home), "XDG_CONFIG_HOME": str(config), "XDG_CACHE_HOME": str(self.home / "cache"),
            "PATH": os.defpath + ":/usr/local/bin",  # not a virtual environment's Python
            "LANG": "C.UTF-8", "NO_AT_BRIDGE": "1", "LP_NUM_THREADS": "1",
            "INKSCAPE_PROFILE_DIR": str(self.home / "inkscape"), "BLENDER_USER_SCRIPTS": str(self.home / "blender"),
        } | self.environment  # fmt: skip
        folder = {"inkscape": "inkscape/extensions", "blender": "blender/addons",
                  "libreoffice": "office/user/Scripts/python"}[self.name]  # fmt: skip
        (state,) = states(PROGRAMS[self.name], folder=self.home / folder)
        self.add_on = install(state)

    def asks(self, url: str, key: str = "", seconds: float = 100) -> None:
        write_settings(Settings(url, key, seconds), settings_path(Path(self.environment["XDG_CONFIG_HOME"])))

    def run(self, *command: str, **more: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.environment, text=True, capture_output=True, timeout=PATIENCE, check=False, **more
        )

    def start(self, *command: str, **more: Any) -> subprocess.Popen[str]:
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, env=self.environment, text=True, **(quiet | more))


@contextmanager
def display(host: Host) -> Iterator[None]:
    """An X server of its own, in the host's environment."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    server = host.start(*command, pass_fds=(writing,))
    os.close(writing)
    try:
        with os.fdopen(reading) as told:
            number = told.readline().strip()
        assert number, "Xvfb did not start"
        host.environment["DISPLAY"] = f":{number}"
        yield
    finally:
        end(server)


def end(process: subprocess.Popen[Any]) -> None:
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(20)
    process.kill()
    process.wait()

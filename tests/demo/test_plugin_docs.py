"""What demo/plugins/README.md shows works: the plugin over HTTP, the package with a skill, the settings of clients."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the server needs fastapi: pip install '.[serve]'")

import typer

from vlm.assistant import Assistant
from vlm.cli import app

from .serving import listening

ROOT = Path(__file__).parents[2]
README = (ROOT / "demo/plugins/README.md").read_text()
HTTP_PLUGIN, OWN_SKILL = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
(METADATA,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
SETTINGS = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", README, re.DOTALL)]


def python(*arguments: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"} | environment, text=True,
        capture_output=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_ten_line_plugin(assistant: Assistant, tmp_path: Path) -> None:
    code = [line for line in HTTP_PLUGIN.splitlines() if line and not line.startswith("import")]
    assert len(code) <= 10
    (tmp_path / "plugin.py").write_text(HTTP_PLUGIN)
    with listening(assistant, api_key="a-key") as (port, _):
        address = {"VLM_URL": f"http://127.0.0.1:{port}", "VLM_API_KEY": "a-key"}
        told = python(str(tmp_path / "plugin.py"), str(ROOT / "examples/wireframe.png"), **address)
    assert re.fullmatch(r"(\{'x': \d+, .*\} [\d.]+ (passes AA|take #\w{6} instead)\n)+", told), told


def test_a_package_with_a_skill(tmp_path: Path, tiny_folder: Path) -> None:
    project = tomllib.loads(METADATA)["project"]
    (tmp_path / "sharpness.py").write_text(OWN_SKILL)
    (tmp_path / "broken.py").write_text("import no_such_module")
    installed = tmp_path / f"{project['name']}-{project['version']}.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    lines = [f"{name} = {where}" for name, where in project["entry-points"]["vlm.skills"].items()]
    entries = ["[vlm.skills]", *lines, "broken = broken:Skill", ""]
    (installed / "entry_points.txt").write_text("\n".join(entries))
    path = {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}
    listed = python("-m", "vlm.cli", "skill", "--list", **path)
    assert "sharpness: Says how much" in listed and "left out: broken: it cannot be loaded" in listed
    picture = str(ROOT / "examples/shapes.png")
    told = python("-m", "vlm.cli", "skill", "sharpness", picture, "--json", "--model", str(tiny_folder), **path)
    output = json.loads(told)["output"]
    assert output["source"] == "measured" and output["sharpness"] > 1
    ask = (
        "from demo.plugins.catalogue import skills; from demo.mcp.tools import described; from demo.page.skills import "
        "form; s = skills()['sharpness']; print(described(s).input_schema['required'], [e.kind for e in form(s)])"
    )
    assert python("-c", ask, **path) == "['image'] ['image']\n"


def test_the_settings_of_clients_are_commands_that_there_are() -> None:
    mcp = typer.main.get_command(app).commands["mcp"]  # type: ignore[attr-defined]
    servers = [server for one in SETTINGS for group in one.values() for server in group.values()]
    assert len(servers) == 3
    for server in servers:
        if server.get("type") == "http":
            assert server["url"].endswith(":8765/mcp") and server["headers"]["Authorization"] == "Bearer KEY"
            continue
        assert server["command"].endswith("/vlm") and server["args"][0] == "mcp"
        with mcp.make_context("mcp", server["args"][1:]) as context:
            assert not context.params["over_http"] and len(context.params["root"]) == 1

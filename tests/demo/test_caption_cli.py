"""`vlm caption` as a user types it: exit codes, the catalogue of bad pictures, what is printed."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from vlm import cli, command_options
from vlm.assistant import Assistant

from ..encoders.hazards import image_cases, picture
from .captions import save

pytestmark = pytest.mark.filterwarnings("ignore")  # Pillow warns of nearly every file of the catalogue


@pytest.fixture
def loaded(tiny_assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> Assistant:
    monkeypatch.setattr(command_options, "load_model", lambda model, device="cpu", **_: tiny_assistant)
    return tiny_assistant


def caption(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(cli.app, ["caption", *map(os.fspath, arguments), "--max-new-tokens", "6"])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert "Traceback" not in result.output
    return result


def test_a_folder(loaded: Assistant, tmp_path: Path) -> None:
    for name in ("a.png", "b/c.jpg"):
        save(tmp_path / name, 40, 30)
    result = caption(tmp_path, "--style", "short", "--batch-size", "2")
    assert result.exit_code == 0 and not result.stdout
    assert result.stderr.startswith("captioned 2 in ") and "failed 0" in result.stderr
    expected = loaded.ask("Describe the image briefly.", images=[tmp_path / "a.png"], max_new_tokens=6).text
    assert (tmp_path / "a.txt").read_text() == " ".join(expected.split()) + "\n"
    assert "done before 2" in caption(tmp_path, "--style", "short").stderr


def test_the_catalogue(loaded: Assistant, tmp_path: Path) -> None:
    """Every picture of HAZARDS.md, I1 to I26: its caption, the same as alone, or its code; all in one run."""
    (tmp_path / "in").mkdir()
    cases = image_cases(tmp_path / "in")
    named = {case.path: case for case in cases if not os.path.isdir(case.path)}  # noqa: PTH112
    (tmp_path / "list").write_bytes(b"\0".join(os.fsencode(path) for path in named))
    out = tmp_path / "out.jsonl"
    result = caption("--files-from", tmp_path / "list", "--format", "jsonl", "-o", out, "--style", "short")
    assert result.exit_code == 1
    rows = {tmp_path / row["file_name"]: row["text"] for row in map(json.loads, out.read_text().splitlines())}
    lines = [json.loads(line) for line in (tmp_path / "errors.jsonl").read_text().splitlines()]
    errors = {Path(line["file_name"]): line["code"] for line in lines}
    assert rows.keys() | errors.keys() == {p if p.is_absolute() else tmp_path / p for p in named}
    for path, case in named.items():
        found = "ok" if path in rows else errors[path]
        assert found == case.expected, case.id
    good = [path for path, case in named.items() if case.expected == "ok"][::9]
    for path in good:
        alone = loaded.ask("Describe the image briefly.", images=[path], max_new_tokens=6).text
        assert rows[path] == " ".join(alone.split()), path
    assert not any("0x" in line["message"] for line in lines)


def test_json(loaded: Assistant, tmp_path: Path) -> None:
    save(tmp_path / "a.png", 40, 30)
    schema: dict[str, Any] = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 9}},
                              "required": ["n"], "additionalProperties": False}  # fmt: skip
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    command = ["caption", str(tmp_path / "a.png"), "--schema", str(tmp_path / "schema.json"), "--max-new-tokens", "60"]
    result = CliRunner().invoke(cli.app, command)
    assert result.exit_code == 0, result.output
    jsonschema.validate(json.loads((tmp_path / "a.json").read_text()), schema)
    assert not (tmp_path / "a.txt").exists()


def test_dry_run(loaded: Assistant, tmp_path: Path) -> None:
    for name in ("a.png", "a.gif", "b.png", "new\nline.png"):
        save(tmp_path / name)
    (tmp_path / "b.txt").write_text("done")
    before = sorted(tmp_path.iterdir())
    result = caption(tmp_path, "--dry-run")
    assert result.exit_code == 1 and sorted(tmp_path.iterdir()) == before
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert [(line[0], Path(line[1]).name) for line in lines if len(line) == 3] == [
        ("todo", "a.gif"), ("done", "b.png"), ("todo", "new\\nline.png"),
    ]  # fmt: skip
    assert [line[0] for line in lines if len(line) == 2] == ["name_collision"]
    assert lines[0][2].endswith("/a.txt")


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["nowhere/x.png"], ["{}", "--format", "xml"], ["{}", "--existing", "x"], ["{}", "--style", "x"],
        ["{}", "--shard", "2/2"], ["{}", "--batch-size", "0"], ["{}", "--batch-size", "many"],
        ["{}", "--schema", "missing.json"], ["{}", "--engine", "x"], ["{}", "-o", "x.jsonl"], ["{}", "--workers", "0"],
        ["{}", "--format", "jsonl", "-o", "{}/no/x.jsonl"], ["{}", "--extension", "/x"], ["{}", "--nonsense"],
        ["{}", "--files-from", "missing"],
    ],
)  # fmt: skip
def test_usage(loaded: Assistant, tmp_path: Path, arguments: list[str]) -> None:
    save(tmp_path / "a.png")
    result = caption(*(a.replace("{}", str(tmp_path)) for a in arguments))
    assert result.exit_code == 2 and result.stderr, result.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.png"]


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    result = caption(tmp_path, "--model", tmp_path / "no")
    assert result.exit_code == 2 and "bad_checkpoint" in result.stderr


def test_names_are_printed_safely(loaded: Assistant, tmp_path: Path) -> None:
    (tmp_path / "\x1b[31mred\n.png").write_bytes(b"no picture")
    result = caption(tmp_path)
    assert result.exit_code == 1 and "\x1b" not in result.stderr
    assert picture().size == (64, 48)

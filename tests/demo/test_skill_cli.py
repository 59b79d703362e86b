"""`vlm skill` as people and scripts use it: results, errors that name the file, exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image, ImageDraw
from typer.testing import CliRunner

pytest.importorskip("skimage", reason="skills need scikit-image: pip install '.[skills]'")

from demo.plugins.catalogue import skills
from vlm import cli, command_options
from vlm.assistant import Assistant


@pytest.fixture(autouse=True)
def loaded(assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_options, "load_model", lambda model, device="cpu", **_: assistant)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, colour in (("a.png", (200, 30, 30)), ("b.jpg", (30, 60, 200))):
        image = Image.new("RGB", (60, 40), "white")
        ImageDraw.Draw(image).rectangle((10, 10, 40, 30), colour)
        image.save(tmp_path / name)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    return tmp_path


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(cli.app, ["skill", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert "Traceback" not in result.output
    return result


def results(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_list_has_every_skill_and_its_fields() -> None:
    listed = run("--list")
    assert listed.exit_code == 0
    assert re.findall(r"^([a-z_]+): ", listed.stdout, re.M) == list(skills(()))
    assert "    before: picture\n    after: picture\n" in listed.stdout
    assert (
        "-o labels=... So many lines of text, the largest first, are read by the model. (default 12)" in listed.stdout
    )


def test_one_picture_after_the_other_as_json(folder: Path) -> None:
    result = run("palette", folder / "a.png", folder / "b.jpg", "--json", "-o", "colours=2")
    assert result.exit_code == 0
    first, second = results(result)
    assert first["object"] == "skill.result" and first["skill"] == "palette" and first["model"] == "tiny"
    assert first["files"] == [str(folder / "a.png")] and second["files"] == [str(folder / "b.jpg")]
    assert [one["hex"] for one in first["output"]["colours"]] == ["#ffffff", "#c81e1e"]


def test_two_at_a_time(folder: Path) -> None:
    result = run("compare", folder / "a.png", folder / "a.png", folder / "a.png", folder / "b.jpg", "--json")
    assert [one["output"]["same"] for one in results(result)] == [True, False]
    odd = run("compare", folder / "a.png")
    assert odd.exit_code == 1 and "compare takes 2 files at a time (before and after), got 1" in odd.stderr


def test_results_for_people(folder: Path) -> None:
    result = run("contrast", folder / "a.png")
    assert result.stdout == "lines 0\n" or result.stdout == "lines: 0\n"
    several = run("compare", folder / "a.png", folder / "a.png", folder / "a.png", folder / "a.png")
    assert several.stdout.count(f"{folder / 'a.png'} {folder / 'a.png'}:") == 2 and "same: True" in several.stdout


def test_a_bad_file_is_named_and_the_others_are_done(folder: Path) -> None:
    result = run("palette", folder / "a.png", folder / "broken.png", folder / "absent.png", folder / "b.jpg", "--json")
    assert result.exit_code == 1 and len(results(result)) == 2
    lines = result.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"error [bad_image]: {folder / 'broken.png'}: ")
    assert lines[1] == f"error [not_found]: {folder / 'absent.png'}: no such file"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name a skill"),
        (("nothing",), "there is no skill 'nothing'"),
        (("palette",), "palette takes 1 file at a time (image), got 0"),
        (("palette", "a.png", "-o", "colours"), "must be KEY=VALUE"),
        (("palette", "a.png", "-o", "colour=3"), "is no option of palette"),
        (("palette", "a.png", "-o", "colours=many"), "colours: "),
        (("palette", "a.png", "-o", "colours=99"), "colours: "),
        (("ask", "a.png", "-o", "question=hi", "--backend-model", "x"), "need --backend-url"),
    ],
)
def test_wrong_usage_is_told_in_a_line(
    folder: Path, arguments: tuple[str, ...], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    result = run(*arguments)
    assert result.exit_code in (1, 2) and words in " ".join(result.stderr.split()).replace("│ ", ""), result.stderr
    assert not result.stdout


def test_a_question_and_its_pictures(folder: Path) -> None:
    (one,) = results(
        run("ask", folder / "a.png", folder / "b.jpg", "-o", "question=What?", "-o", "max_new_tokens=3", "--json")
    )
    assert set(one["output"]) == {"text", "source", "confidence"} and one["output"]["source"] == "model"
    assert one["files"] == [str(folder / "a.png"), str(folder / "b.jpg")]

"""The tab of skills: forms from schemas, results as tables, endpoints for programs; and the four doors together."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

pytest.importorskip("gradio", reason="the demo needs gradio: pip install '.[demo]'")
pytest.importorskip("gradio_client", reason="the demo needs gradio: pip install '.[demo]'")

import gradio
import gradio_client
from PIL import Image
from pydantic import Field

from demo.page import results
from demo.page.skills import build, fields, form, runs
from demo.plugins.catalogue import LeftOut, Skills, skills
from demo.plugins.skill import Box, Claim, Picture, Skill, SkillInput, SkillOutput, Sound
from demo.plugins.watched import watched
from vlm.answering import Answering
from vlm.assistant import Assistant
from vlm.errors import VlmError


class Everything(SkillInput):
    picture: Picture
    pictures: Annotated[list[Picture], Field(default_factory=list)]
    sound: Sound | None = None
    count: Annotated[int, Field(ge=1, le=9, description="How many.")] = 3
    share: float | None = None
    dark: bool = False
    style: Literal["plain", "rich"] = "plain"
    words: str = "hello"
    nested: Annotated[list[int], Field(description="Some numbers.")] = [1]  # noqa: RUF012 - pydantic copies it


class Found(SkillOutput):
    name: str
    colour: str
    box: Box | None
    claim: Claim


class Everywhere(SkillOutput):
    same: bool
    ratio: float
    items: list[Found]


class Third(Skill[Everything, Everywhere]):
    name, description = "third", "Somebody else's."
    input_model, output_model = Everything, Everywhere

    def run(self, assistant: Answering, given: Everything) -> Everywhere:
        if given.words == "fail":
            raise RuntimeError("/secret/path")
        assistant.ask(given.words, max_new_tokens=2)
        claim = Claim(value="<b>bold</b>", source="model", confidence=0.5)
        one = Found(name=given.words, colour="#ff0000", box=Box(x=1, y=2, width=30, height=20), claim=claim)
        other = Found(name=str(given.nested), colour="none", box=None, claim=Claim(value="x", source="measured"))
        return Everywhere(same=given.dark, ratio=2 / 3, items=[one, other])


def test_a_form_follows_the_schema() -> None:
    told = [(one.name, one.kind, one.many, one.default) for one in form(Third())]
    assert told == [
        ("picture", "image", False, None), ("pictures", "image", True, None), ("sound", "audio", False, None),
        ("count", "integer", False, 3), ("share", "json", False, None), ("dark", "boolean", False, False),
        ("style", "choice", False, "plain"), ("words", "text", False, "hello"), ("nested", "json", False, "[1]"),
    ]  # fmt: skip
    count = form(Third())[3]
    assert (count.about, count.low, count.high) == ("How many.", 1, 9)


def test_every_skill_has_a_form_and_those_left_out_are_told(assistant: Assistant) -> None:
    found = Skills({**skills(), "third": Third()}, [LeftOut("broken", "it has <no> run")])
    with gradio.Blocks() as page:
        build(assistant, 1, found)
    endpoints = [event.api_name for event in page.fns.values() if str(event.api_name).startswith("skill_")]
    assert endpoints == [f"skill_{name}" for name in found]
    text = json.dumps(page.get_config_file()["components"])
    assert "broken: it has &lt;no&gt; run" in text
    assert all(skill.description in text for skill in found.values())


def test_values_become_fields(picture: Path, sound: Path) -> None:
    values = [str(picture), [str(picture)], str(sound), 4, " 0.5", True, "rich", "", "[1, 2]"]
    found = fields(form(Third()), values)
    assert found["picture"].size == (60, 40) and [one.size for one in found["pictures"]] == [(60, 40)]
    assert found["sound"][1] == 16_000
    rest = {name: found[name] for name in found if name not in ("picture", "pictures", "sound")}
    assert rest == {"count": 4, "share": 0.5, "dark": True, "style": "rich", "words": "", "nested": [1, 2]}
    with pytest.raises(VlmError, match="nested: is not JSON"):
        fields(form(Third()), [None, None, None, None, None, None, None, None, "[1,"])


def finish(assistant: Assistant, skill: Skill[Any, Any], *values: Any) -> tuple[Any, ...]:
    *_, last = runs(assistant, skill)(*values)
    return last


def test_results_are_a_table_a_picture_and_json(assistant: Assistant, picture: Path) -> None:
    status, drawn, sheet, output = finish(
        assistant, Third(), str(picture), None, None, 3, None, True, "plain", "a<", ""
    )
    assert status == "" and "data:image/jpeg;base64," in drawn
    assert output["items"][0]["box"] == {"x": 1, "y": 2, "width": 30, "height": 20}
    assert "<th>same</th><td>yes</td>" in sheet and "0.6667" in sheet and "background:#ff0000" in sheet
    assert "&lt;b&gt;bold&lt;/b&gt; <small>(model, 50%)</small>" in sheet and "<b>" not in sheet
    assert "1 <small>30×20 at 1, 2</small>" in sheet and "a&lt;" in sheet


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((None,) * 9, "picture: is required"), ((None, None, None, 99) + (None,) * 5, "count"),
        ((None,) * 8 + ("{",), "nested: is not JSON"),
    ],
)  # fmt: skip
def test_failures_are_friendly(assistant: Assistant, picture: Path, values: tuple[Any, ...], words: str) -> None:
    if "required" not in words:
        values = (str(picture), *values[1:])
    status, drawn, sheet, output = finish(assistant, Third(), *values)
    assert words in status and (drawn, sheet, output) == ("", "", None)


def test_bad_files_are_named_without_their_folder(assistant: Assistant, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    status, *_ = finish(assistant, skills()["alt_text"], str(bad))
    assert "bad.png: " in status and str(tmp_path) not in status


def test_faults_of_a_skill_say_nothing_of_the_inside(assistant: Assistant, picture: Path) -> None:
    status, *_ = finish(assistant, Third(), str(picture), None, None, 3, None, True, "plain", "fail", "")
    assert "internal fault" in status and "secret" not in status


def test_boxes_are_found_in_order_and_drawn_over_large_pictures() -> None:
    one, two = {"x": 0, "y": 0, "width": 5, "height": 5}, {"x": 1999, "y": 10, "width": 1, "height": 500}
    output = {"a": [{"box": one}, {"deep": {"box": None, "boxes": [two], "moved_from": one}}], "b": 3}
    assert list(results.boxes(output)) == [one, two]
    assert "data:image/jpeg" in results.drawn(Image.new("RGB", (2000, 900)), [one, two])
    assert results.drawn(Image.new("RGB", (1, 1)), []) == ""


def test_leaving_calls_a_skill_off(assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def endless(*_: Any, **__: Any) -> Any:
        try:
            while True:
                yield ""
        finally:
            ended.set()

    monkeypatch.setattr(assistant, "stream", endless)
    steps = watched(skills()["ask"], assistant, {"question": "?"})
    assert next(steps) == 0
    steps.close()
    assert ended.wait(600)


@pytest.mark.parametrize("name", [*skills()])
def test_four_doors_one_output(
    name: str, assistant: Assistant, page: Any, sound: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command line, HTTP, the page (as programs use it) and MCP say the same of the same input."""
    pytest.importorskip("mcp", reason="needs the official SDK: pip install '.[mcp]'")
    from starlette.testclient import TestClient
    from typer.testing import CliRunner

    from demo.serving.app import build as serve
    from demo.serving.options import Settings
    from vlm.cli import app

    from .mcp_parts import client, offered, run

    skill, examples = skills()[name], Path(__file__).parents[2] / "examples"
    pictures = iter([examples / "wireframe.png", examples / "palette.png"])
    files = {field: next(pictures) if field.kind == "image" else sound for field in skill.media if field.required}
    rest: dict[str, Any] = {}
    if "max_new_tokens" in skill.input_model.model_fields:
        rest = {"max_new_tokens": 6} | ({"question": "Hm?"} if name == "ask" else {})

    def given(as_given: Callable[[Path], Any]) -> dict[str, Any]:
        values = {field: as_given(file) for field, file in files.items()}
        return {field.name: [value] if field.many else value for field, value in values.items()} | rest

    monkeypatch.setattr("vlm.cli_skill.answering", lambda *_, **__: assistant)
    options = [f"-o{key}={value}" for key, value in rest.items()]
    told = CliRunner().invoke(app, ["skill", name, *map(str, files.values()), *options, "--json"])
    assert told.exit_code == 0, told.output
    by_command = json.loads(told.stdout)["output"]

    def encoded(file: Path) -> str:
        kind = "audio/wav" if file == sound else "image/png"
        return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"

    served = TestClient(serve(assistant, Settings()), base_url="http://127.0.0.1:8000")
    by_http = served.post(f"/v1/skills/{name}", json=given(encoded))
    assert by_http.status_code == 200, by_http.text

    upload = gradio_client.Client(page.local_url, verbose=False)
    *_, by_page = upload.predict(**given(lambda file: gradio_client.handle_file(str(file))), api_name=f"/skill_{name}")

    async def call() -> Any:
        async with client(offered(assistant, examples, sound.parent, skills=skills())) as one:
            return await one.call_tool(name, given(str))

    by_mcp = run(call)
    assert not by_mcp.is_error, by_mcp
    assert by_command == by_http.json()["output"] == by_page == by_mcp.structured_content

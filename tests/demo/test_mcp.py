"""The MCP server in this process, spoken to by the official client in both eras of the protocol."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="needs the official SDK: pip install '.[mcp]'")

import jsonschema
from mcp.shared.exceptions import MCPError

from demo.mcp.server import server
from demo.mcp.tools import described
from demo.plugins.catalogue import skills
from vlm.assistant import Assistant

from .mcp_parts import ERAS, Echo, Look, client, offered, run, said

pytestmark = pytest.mark.parametrize("era", ERAS)
GREY = "data:image/bmp;base64,Qk06AAAAAAAAADYAAAAoAAAAAQAAAAEAAAABABgAAAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAAgICAAA=="


def data_url(path: Path) -> str:
    return f"data:image/png;base64,{base64.b64encode(path.read_bytes()).decode()}"


def block(path: Path, kind: str = "image") -> dict[str, str]:
    return {"type": kind, "data": base64.b64encode(path.read_bytes()).decode(), "mimeType": f"{kind}/x"}


def call(era: str, arguments: dict[str, Any], *folders: Path, tool: str = "look", offer: Any = None) -> Any:
    async def main() -> Any:
        async with client(offer or offered(), era, *folders) as one:
            return await one.call_tool(tool, arguments)

    return run(main)


def test_each_skill_is_a_tool_whose_results_are_as_described(
    era: str, picture: Path, sound: Path, tmp_path: Path
) -> None:
    found = skills()

    async def main() -> None:
        async with client(offered(skills=found), era, tmp_path) as one:
            listed = (await one.list_tools()).tools
            assert {tool.name for tool in listed} == set(found) >= {"ask", "transcribe", "alt_text"}
            for tool in listed:
                jsonschema.Draft202012Validator.check_schema(tool.input_schema)
                assert tool.description and tool.annotations.read_only_hint
                media = {
                    field.name: [str(picture if field.kind == "image" else sound)] if field.many
                    else block(picture if field.kind == "image" else sound, field.kind)
                    for field in found[tool.name].media
                }  # fmt: skip
                arguments = media | ({"question": "Why?"} if tool.name == "ask" else {})
                jsonschema.validate(arguments, tool.input_schema)
                result = await one.call_tool(tool.name, arguments)
                assert not result.is_error, said(result)
                jsonschema.validate(result.structured_content, tool.output_schema)
                assert json.loads(said(result)) == result.structured_content

    run(main)


def test_pictures_come_in_every_form(era: str, picture: Path) -> None:
    forms: list[Any] = [str(picture), picture.name, picture.as_uri(), data_url(picture), block(picture)]
    jsonschema.validate({"first": forms[0], "others": forms}, described(Look()).input_schema)
    result = call(era, {"first": forms[0], "others": forms}, picture.parent)
    assert result.structured_content == {"sizes": [[60, 40]] * 6, "said": ["seen (1)"] * 6}


def test_files_outside_the_roots_stay_closed(era: str, tmp_path: Path, picture: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    secret = outside / "secret.png"
    secret.write_bytes(picture.read_bytes())
    (inside / "link.png").symlink_to(secret)
    (inside / "folder").symlink_to(outside)
    (inside / "own.png").write_bytes(picture.read_bytes())
    (inside / "alias.png").symlink_to(inside / "own.png")
    tries = [
        str(secret), "../outside/secret.png", str(inside / "../outside/secret.png"), "link.png", "folder/secret.png",
        str(inside / "folder" / "secret.png"), secret.as_uri(), "file:///etc/passwd", "/proc/self/environ", "/dev/zero",
        f"{inside}-not/secret.png", "a\0b.png", "~/secret.png/../../../../../../../../etc/passwd", "file://other/a.png",
        str(outside / "never-there.png"), "file:%2e%2e/outside/secret.png",
    ]  # fmt: skip

    async def main() -> None:
        async with client(offered(), era, inside) as one:
            for path in tries:
                result = await one.call_tool("look", {"first": path})
                assert result.is_error and "path_not_allowed" in said(result), (path, said(result))
                assert "no such file" not in said(result)
            for path in ("own.png", "alias.png", f"{inside}/./../inside/own.png"):
                assert not (await one.call_tool("look", {"first": path})).is_error
            result = await one.call_tool("look", {"first": "https://example.com/a.png"})
            assert "remote_not_allowed" in said(result)
            assert "not_found" in said(await one.call_tool("look", {"first": "gone.png"}))

    run(main)


def test_without_roots_no_path_is_read(era: str, picture: Path) -> None:
    assert "path_not_allowed" in said(call(era, {"first": str(picture)}))
    assert not call(era, {"first": data_url(picture)}).is_error


def test_folders_of_the_command_line_count_beside_the_clients(era: str, tmp_path: Path, picture: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "a.png").write_bytes(picture.read_bytes())
    offer = offered(None, tmp_path / "own")
    assert not call(era, {"first": "a.png"}, offer=offer).is_error
    assert not call(era, {"first": "a.png", "others": [str(picture)]}, tmp_path, offer=offer).is_error
    untrusting = offered(None, tmp_path / "own", trusting=False)
    assert call(era, {"first": "a.png", "others": [str(picture)]}, tmp_path, offer=untrusting).is_error


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "first: is required"), ({"first": 5}, "bad_image"),
        ({"first": {"type": "audio", "data": ""}}, "bad_image"), ({"first": "data:text/plain;base64,QQ=="}, "first: "),
        ({"first": "data:image/png;base64,%%%"}, "not valid base64"),
        ({"first": {"type": "image", "data": "QUJD"}}, "first: "), ({"first": GREY, "word": 5}, "word: "),
        ({"first": GREY, "rest": 1}, "rest: is not a known field"), ({"first": GREY, "others": 1}, "others: "),
        ({"first": GREY, "others": [GREY, 1]}, "others[1]: "),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(era: str, arguments: dict[str, Any], words: str, tmp_path: Path) -> None:
    result = call(era, arguments, tmp_path)
    assert result.is_error and words in said(result), said(result)


def test_failures_say_nothing_of_the_inside(era: str, picture: Path) -> None:
    result = call(era, {"first": data_url(picture), "word": "fail"})
    assert result.is_error and "internal_error" in said(result)
    assert "secret" not in said(result) and "RuntimeError" not in said(result)


def test_unknown_tools_are_protocol_errors(era: str) -> None:
    async def main() -> Any:
        async with client(offered(), era) as one:
            with pytest.raises(MCPError) as raised:
                await one.call_tool("no_such", {})
            return raised

    raised = run(main)
    assert raised.value.code == -32602 and "no_such" not in raised.value.message


def test_progress_is_told_answer_by_answer(era: str, picture: Path) -> None:
    told: list[tuple[float, Any]] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        told.append((done, message))

    async def main() -> None:
        async with client(offered(), era) as one:
            arguments = {"first": block(picture), "others": [block(picture)] * 2}
            await one.call_tool("look", arguments, progress_callback=progress)

    run(main)
    assert sorted(told) == [(1, "look: 1 answered"), (2, "look: 2 answered"), (3, "look: 3 answered")]


def test_cancelling_ends_the_answer(era: str, picture: Path) -> None:
    echo = Echo()

    async def main() -> None:
        async with client(offered(echo), era) as one:
            asking = asyncio.create_task(one.call_tool("look", {"first": block(picture), "word": "wait"}))
            await asyncio.to_thread(echo.waiting.acquire)
            asking.cancel()
            await asyncio.to_thread(echo.left.acquire)
            assert not (await one.call_tool("look", {"first": block(picture)})).is_error

    run(main)


def test_a_call_takes_no_longer_than_it_may(era: str, picture: Path) -> None:
    echo = Echo()
    result = call(era, {"first": data_url(picture), "word": "wait"}, offer=offered(echo, seconds=0.05))
    assert result.is_error and "request_timeout" in said(result)
    assert echo.left.acquire(timeout=600)


def test_a_hundred_calls_at_once(era: str, assistant: Assistant, picture: Path) -> None:
    questions = [f"What is {number}?" for number in range(100)]
    answers = {question: assistant.ask(question, max_new_tokens=6).text.strip() for question in questions}

    async def main() -> list[Any]:
        async with client(offered(assistant, skills=skills()), era) as one:
            return await asyncio.gather(
                *(one.call_tool("ask", {"question": question, "max_new_tokens": 6}) for question in questions)
            )

    for question, result in zip(questions, run(main), strict=True):
        assert not result.is_error, said(result)
        assert result.structured_content["text"] == answers[question]


def test_more_calls_than_can_wait_are_refused(era: str, picture: Path) -> None:
    echo = Echo()

    async def main() -> None:
        async with client(offered(echo, workers=1, waiting=1), era) as one:
            wait = {"first": block(picture), "word": "wait"}
            asking = [asyncio.create_task(one.call_tool("look", wait)) for _ in range(2)]
            await asyncio.to_thread(echo.waiting.acquire)
            refused = await one.call_tool("look", wait)
            assert refused.is_error and "queue_full" in said(refused)
            for task in asking:
                task.cancel()

    run(main)


def test_the_server_says_who_it_is(era: str) -> None:
    assert server(offered()).server_info.name == "vlm-studio"
    assert "measured" in (server(offered()).instructions or "")

"""`--backend-url` against our own server: the page, the captioner and the terminal say what the model itself says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

pytest.importorskip("fastapi", reason="the server needs fastapi: pip install '.[serve]'")

from demo.captioning.run import Engine, Summary
from vlm import cli
from vlm.assistant import Assistant
from vlm.backend import Backend
from vlm.captioning import Captioned, CaptionRequest
from vlm.chat import Message
from vlm.errors import BackendError
from vlm.generation import Reply
from vlm.remote import RemoteAssistant, connect
from vlm.transport import Patience

from .captions import captioned, save
from .ports import free_port
from .serving import Counting, ScriptedAssistant, ScriptedEngine, listening, until
from .test_serve_model import conversations

ROOT = Path(cli.__file__).parents[1]
SHORT = {"max_new_tokens": 12}
KEY = "a-key"


@pytest.fixture(scope="module")
def address(assistant: Assistant) -> Iterator[str]:
    with listening(assistant) as (port, _):
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def remote(address: str) -> Iterator[RemoteAssistant]:
    with connect(Backend(address)) as remote:
        yield remote


def same(ours: Reply, theirs: Reply) -> None:
    for name in ("text", "finish_reason", "prompt_tokens", "completion_tokens"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert 0 < theirs.seconds_to_first_token <= theirs.seconds


def test_what_is_known_of_it(assistant: Assistant, remote: RemoteAssistant) -> None:
    assert (remote.name, remote.context) == (assistant.name, assistant.context)


@pytest.mark.parametrize(
    "options",
    [
        {}, {"temperature": 1.5, "seed": 5}, {"temperature": 1.2, "seed": -3, "top_k": 9, "top_p": 0.9, "min_p": 0.01},
        {"repetition_penalty": 1.7}, {"stop": ["e", "a"]}, {"max_new_tokens": 1},
    ],
)  # fmt: skip
def test_the_same_answers(
    assistant: Assistant, remote: RemoteAssistant, picture: Path, sound: Path, options: dict[str, Any]
) -> None:
    """To text, pictures, sounds, system messages, several turns; greedy and sampled."""
    asked: list[list[Message]] = [messages for _, messages in conversations(picture, sound)]
    for messages in asked:
        ours = assistant.chat(messages, **SHORT | options)
        same(ours, remote.chat(messages, **SHORT | options))
        *pieces, reply = remote.stream(messages, **SHORT | options)
        assert isinstance(reply, Reply) and "".join(map(str, pieces)) == reply.text == ours.text
    replies = zip(
        assistant.answers(asked, batch_size=4, **SHORT | options),
        remote.answers(asked, batch_size=4, **SHORT | options),
        strict=True,
    )
    for ours, theirs in replies:
        same(ours, theirs)
    ours = assistant.ask("Where?", images=[picture], audio=[sound], system="Be.", **SHORT | options)
    same(ours, remote.ask("Where?", images=[picture], audio=[sound], system="Be.", **SHORT | options))


@pytest.mark.parametrize(
    "options", [{}, {"temperature": 1.5, "seed": 9}, {"schema": {"enum": ["a", "b"]}, "max_new_tokens": 9}]
)
def test_the_same_captions(
    assistant: Assistant, remote: RemoteAssistant, tmp_path: Path, options: dict[str, Any]
) -> None:
    pictures: list[Any] = [save(tmp_path / f"{n}.png", 20 + 7 * n, 30) for n in range(7)]
    pictures.insert(3, tmp_path / "missing.png")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG")
    pictures.append(tmp_path / "broken.png")
    ours, theirs = (
        list(one.caption(pictures, style="short", batch_size=3, **SHORT | options)) for one in (assistant, remote)
    )
    assert [one.text for one in theirs] == [one.text for one in ours] and sum(not one.error for one in theirs) == 7
    assert [str(one.error) for one in theirs] == [str(one.error) for one in ours]


# --- the terminal ---


def run(*arguments: str | Path, typed: str | None = None) -> Result:
    result = CliRunner().invoke(cli.app, [str(a) for a in arguments], input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result


def test_questions_in_the_terminal(assistant: Assistant, address: str, picture: Path, sound: Path) -> None:
    reply = assistant.ask("Where?", images=[picture], audio=[sound], max_new_tokens=8)
    asked = ("ask", picture, "Where?", "--audio", sound, "--backend-url", address, "--max-new-tokens", "8")
    assert run(*asked).stdout == reply.text + "\n" == run(*asked, "--stream").stdout
    told = json.loads(run(*asked, "--json").stdout)
    assert (told["text"], told["prompt_tokens"]) == (reply.text, reply.prompt_tokens)
    chat = run("chat", "--backend-url", address, "--max-new-tokens", "8", typed=f"/image {picture}\nWhere?\n")
    alone = assistant.ask("Where?", images=[picture], max_new_tokens=8)
    assert chat.stdout.startswith(f"tiny at {address}/v1: ") and f"> {alone.text}\n" in chat.stdout


def test_torch_is_not_needed(address: str, picture: Path) -> None:
    program = "import sys; sys.modules['torch'] = None; from vlm.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "ask", picture, "Where?", "--backend-url", address, "--max-new-tokens", "4"],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=600, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--backend-url", "http://x", "--model", "default"), "give one of them"),
        (("--backend-url", "x"), "must be as in"), (("--backend-model", "x"), "need --backend-url"),
        (("--backend-url", "http://x", "--backend-key-file", "/missing"), "key cannot be read"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", [("ask", "Hi?"), ("chat",), ("demo",), ("caption", ".")])
def test_usage(command: tuple[str, ...], arguments: tuple[str, ...], words: str) -> None:
    result = run(*command, *arguments)
    assert result.exit_code == 2 and words in " ".join(result.stderr.split()), result.stderr


def test_options_of_a_model_here() -> None:
    result = run("caption", ".", "--backend-url", "http://x", "--engine", "ray")
    assert result.exit_code == 2 and "--engine is about a model here" in result.stderr


def test_keys(assistant: Assistant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text(f"{KEY}\n")
    with listening(assistant, api_key=KEY) as (port, _):
        asked = ("ask", "Hi?", "--max-new-tokens", "2", "--backend-url", f"http://localhost:{port}")
        refused = run(*asked)
        assert refused.exit_code == 1 and refused.stderr.startswith("error [backend_key]: ")
        assert "VLM_BACKEND_KEY" in refused.stderr
        assert run(*asked, "--backend-key-file", tmp_path / "key").exit_code == 0
        monkeypatch.setenv("VLM_BACKEND_KEY", KEY)
        answered = run(*asked)
        assert (answered.exit_code, answered.stderr) == (0, "")
        missing = run(*asked, "--backend-model", "gpt")
        assert missing.exit_code == 1 and "error [backend_not_found]" in missing.stderr and "'gpt'" in missing.stderr
    monkeypatch.setattr("vlm.remote.connect", lambda backend: assistant)
    warned = run("ask", "Hi?", "--max-new-tokens", "2", "--backend-url", "http://gpu-box:8000")
    assert (
        warned.stderr.startswith("warning: the key goes to http://gpu-box:8000/v1 in clear")
        and KEY not in warned.stderr
    )


# --- folders ---


def rows(folder: Path, kind: str) -> dict[str, str]:
    if kind == "txt":
        return {path.stem: path.read_text().strip() for path in folder.glob("*.txt")}
    lines = [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
    found = {Path(line["file_name"]).stem: line["text"] for line in lines}
    assert len(found) == len(lines)
    return found


def engine_over(remote: RemoteAssistant, after: Any = lambda count: None) -> Engine:
    """`after` is called with the number of captions so far."""

    def engine(requests: Iterable[CaptionRequest]) -> Iterator[list[Captioned]]:
        count = 0
        for batch in remote.caption_batches(requests, batch_size=3, max_new_tokens=6):
            yield batch
            count += len(batch)
            after(count)

    return engine


@pytest.mark.parametrize("kind", ["txt", "jsonl"])
def test_a_server_that_goes_in_the_middle_of_a_folder(assistant: Assistant, tmp_path: Path, kind: str) -> None:
    """One error; what was done is kept; the same command goes on. Nothing is lost, nothing is there twice."""
    names = {f"{number:02}" for number in range(40)}
    for number, name in enumerate(sorted(names)):
        save(tmp_path / f"{name}.png", 10 + number, 30)
    with listening(assistant) as (port, server):
        remote = connect(Backend(f"http://127.0.0.1:{port}"), Patience(bulk_retry=0.3, first_pause=0.05))

        def stop(count: int) -> None:
            if count >= 7 and not server.should_exit:
                server.should_exit = True
                until(lambda: not server.servers or not any(one.is_serving() for one in server.servers))

        with pytest.raises(BackendError) as ended:
            captioned(tmp_path, engine=engine_over(remote, stop), format=kind)
        assert ended.value.code == "backend_unreachable"
    assert not (tmp_path / "errors.jsonl").exists()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.txt")}
    assert kind != "txt" or 7 <= len(before) < 40
    counted: list[CaptionRequest] = []
    with listening(assistant) as (port, _), connect(Backend(f"http://127.0.0.1:{port}")) as remote:
        whole = engine_over(remote)

        def engine(requests: Iterable[CaptionRequest]) -> Iterator[list[Captioned]]:
            return whole(counted.append(request) or request for request in requests)  # type: ignore[func-returns-value]

        summary: Summary = captioned(tmp_path, engine=engine, format=kind)
    assert summary.exit_code == 0 and summary.captioned == len(counted) and summary.captioned + summary.skipped == 40
    assert 7 <= summary.skipped < 40
    assert {path: path.stat().st_mtime_ns for path in before} == before
    texts = rows(tmp_path, kind)
    assert texts.keys() == names
    alone = assistant.ask("?", images=[tmp_path / "05.png"], max_new_tokens=6).text
    assert texts["05"] == " ".join(alone.split())


def test_the_command(assistant: Assistant, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(tmp_path / "a.png", 40, 30)
    asked = ("caption", tmp_path, "--style", "short", "--max-new-tokens", "6", "--backend-url")
    monkeypatch.setattr("vlm.remote.connect", lambda backend: connect(backend, Patience(retry=0)))
    gone = run(*asked, f"http://127.0.0.1:{free_port()}")
    assert gone.exit_code == 1 and gone.stderr.startswith("error [backend_unreachable]: http://127.0.0.1:")
    assert gone.stderr.endswith("what was captioned is kept; to go on, give the same command again\n")
    monkeypatch.undo()
    done = run(*asked, address)
    assert done.exit_code == 0, done.stderr
    expected = assistant.ask("Describe the image briefly.", images=[tmp_path / "a.png"], max_new_tokens=6).text
    assert (tmp_path / "a.txt").read_text() == " ".join(expected.split()) + "\n"


# --- the page ---


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Any]:
    """An assistant -> its page, and a client of it."""
    pytest.importorskip("gradio", reason="the demo needs gradio: pip install '.[demo]'")
    from gradio_client import Client

    from demo.app import Settings, launch

    pages = []

    def open_page(assistant: RemoteAssistant) -> Any:
        settings = Settings(port=free_port(), feedback=tmp_path / "feedback")
        pages.append(launch(assistant, settings, prevent_thread_lock=True))
        return pages[-1], Client(pages[-1].local_url, verbose=False)

    yield open_page
    for page in pages:
        page.close()


def test_the_page(assistant: Assistant, remote: RemoteAssistant, opened: Any, picture: Path) -> None:
    from gradio_client import handle_file

    page, client = opened(remote)
    message = {"text": "What is it?", "files": [handle_file(str(picture))]}
    job = client.submit(message, api_name="/chat", max_new_tokens=24)
    answer, note = job.result(timeout=300)
    reply = assistant.ask("What is it?", images=[picture], max_new_tokens=24)
    assert answer["content"] == reply.text and len(job.outputs()) > 2
    assert f"{reply.prompt_tokens} + {reply.completion_tokens} tokens" in note["content"]
    shown = json.dumps(page.config["components"], default=str)
    assert f"What you ask goes to {remote.server}." in shown and "Nothing leaves" not in shown
    assert "They stay on the machine" not in shown and "Where did it look?" not in shown  # no such figures come back
    assert f'"maximum": {assistant.context}' in shown and remote.server in shown
    table = client.predict([handle_file(str(picture))], "short", api_name="/captions")[1]
    caption = assistant.ask("Describe the image briefly.", images=[picture]).text
    assert caption.split()[0][:5] in str(table) and "roof plan.png" in str(table)


def test_the_page_of_a_server_that_has_gone(assistant: Assistant, opened: Any) -> None:
    with listening(assistant) as (port, _):
        remote = connect(Backend(f"http://127.0.0.1:{port}"), Patience(retry=0))
        _, client = opened(remote)
    (note,) = client.predict({"text": "Hi?", "files": []}, api_name="/chat")
    assert "This could not be answered – http://127.0.0.1" in note["content"]
    assert "is the server running" in note["content"]


def test_stopping_on_the_page_frees_the_slot(opened: Any) -> None:
    """Even before the first word."""
    engine = ScriptedEngine()
    engine.gate.clear()
    with listening(ScriptedAssistant(engine, Counting())) as (port, _):
        remote = connect(Backend(f"http://127.0.0.1:{port}"))
        _, client = opened(remote)
        job = client.submit({"text": "Hi?", "files": []}, api_name="/chat")
        until(lambda: engine.generations and job.outputs())
        assert not engine.generations[0].cancelled
        job.cancel()
        until(lambda: engine.generations[0].cancelled)

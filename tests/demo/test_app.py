"""The chat page, driven through its own HTTP endpoint with a tiny random model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.plugins.catalogue import skills
from vlm.assistant import Assistant
from vlm.errors import InputError

gradio = pytest.importorskip("gradio", reason="the demo needs gradio: pip install '.[demo]'")
gradio_client = pytest.importorskip("gradio_client", reason="the demo needs gradio: pip install '.[demo]'")

CONTEXT = 512  # of the tiny model in conftest.py


@pytest.fixture
def client(page: Any) -> Any:
    return gradio_client.Client(page.local_url, verbose=False)


def submit(client: Any, text: str, *files: Path, **controls: Any) -> list[list[dict[str, Any]]]:
    """All that came, in order; the whole answer and its note last."""
    message = {"text": text, "files": [gradio_client.handle_file(str(file)) for file in files]}
    job = client.submit(message, api_name="/chat", **{"max_new_tokens": 24, **controls})
    job.result(timeout=300)
    return job.outputs()


def prompt_tokens(message: list[dict[str, Any]]) -> int:
    found = re.search(r"(\d+) \+ \d+ tokens · first after [\d.]+ s · [\d.]+ tokens/s", message[-1]["content"])
    assert found, message
    return int(found[1])


def user(text: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": [*parts, {"type": "text", "text": text}]}


def test_streams_what_the_assistant_answers(assistant: Assistant, client: Any, picture: Path) -> None:
    outputs = submit(client, "What is it?", picture, system="Be brief")
    reply = assistant.chat(
        [{"role": "system", "content": "Be brief"}, user("What is it?", {"type": "image", "image": picture})],
        max_new_tokens=24,
    )
    assert reply.text.strip()
    assert outputs[-1][0]["content"] == reply.text
    assert prompt_tokens(outputs[-1]) == reply.prompt_tokens
    pieces = [output[0]["content"] for output in outputs]
    assert len(pieces) > 3
    assert all(reply.text.startswith(piece) for piece in pieces)


def test_remembers_earlier_turns(assistant: Assistant, client: Any, picture: Path, sound: Path) -> None:
    first = submit(client, "One?", picture, sound)[-1]
    second = submit(client, "Two?", picture)[-1]
    image, audio = {"type": "image", "image": picture}, {"type": "audio", "audio": sound}
    reply = assistant.chat(
        [user("One?", image, audio), {"role": "assistant", "content": first[0]["content"]}, user("Two?", image)],
        max_new_tokens=24,
    )
    assert second[0]["content"] == reply.text
    assert prompt_tokens(second) == reply.prompt_tokens > prompt_tokens(first)


def test_sound_alone_and_several_pictures(assistant: Assistant, client: Any, picture: Path, sound: Path) -> None:
    spoken = assistant.ask(audio=[sound], max_new_tokens=24)
    assert submit(client, "", sound)[-1][0]["content"] == spoken.text
    client.reset_session()
    both = assistant.ask("Compare", images=[picture, picture], max_new_tokens=24, temperature=1.0, seed=4)
    assert submit(client, "Compare", picture, picture, temperature=1.0, seed=4)[-1][0]["content"] == both.text


def test_the_documented_endpoints(client: Any) -> None:
    """Their names and parameters are a promise to programs."""
    found = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert set(found) == {"/chat", "/captions"} | {f"/skill_{name}" for name in skills()}
    assert [one["parameter_name"] for one in found["/skill_palette"]["parameters"]] == ["image", "colours"]
    assert [one["parameter_name"] for one in found["/chat"]["parameters"]] == [
        "message", "system", "max_new_tokens", "temperature", "top_p", "top_k", "min_p", "repetition_penalty", "seed",
    ]  # fmt: skip
    assert [one["parameter_name"] for one in found["/captions"]["parameters"]] == ["files", "style"]


def test_bad_files_are_named_and_forgotten(client: Any, picture: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(picture.read_bytes()[:900])
    (note,) = submit(client, "What is it?", broken)[-1]
    assert "broken.png: damaged or cut short" in note["content"]
    assert "/" not in note["content"]
    fresh = gradio_client.Client(client.src, verbose=False)
    assert submit(client, "Hello")[-1][0] == submit(fresh, "Hello")[-1][0]


def test_empty_and_overlong_conversations(client: Any) -> None:
    assert "write a question" in submit(client, " ")[-1][0]["content"]
    (note,) = submit(client, "x" * CONTEXT)[-1]
    assert str(CONTEXT) in note["content"]
    assert "Clearing the chat" in note["content"]


def test_unexpected_failures_say_nothing_of_the_inside(
    assistant: Assistant, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Iterator[str]:
        raise RuntimeError("/secret/path at 0x7f")

    monkeypatch.setattr(assistant, "stream", broken)
    (note,) = submit(client, "Hello")[-1]
    assert note["content"] == "Something went wrong on this side. The log of the server has the details."


@pytest.mark.parametrize("where", ["http://127.0.0.1:9/a.png", "https://example.invalid/a.png", "a file of the server"])
def test_only_uploads_are_read(page: Any, picture: Path, where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []
    monkeypatch.setattr("gradio.processing_utils.async_ssrf_protected_get", fetched.append)
    path = where if "://" in where else str(picture)
    message = {"text": "What is it?", "files": [{"path": path, "meta": {"_type": "gradio.FileData"}}]}
    with httpx.Client(base_url=page.local_url, trust_env=False, timeout=300) as http:
        queued = http.post("gradio_api/call/chat", json={"data": [message, "", 8, 0, 1, 0, 0, 1, None]}).json()
        answer = http.get(f"gradio_api/call/chat/{queued['event_id']}").text
    assert "event: error" in answer
    assert "tokens" not in answer
    assert str(picture) not in answer
    assert not fetched


def test_page_needs_no_other_host(page: Any) -> None:
    answer = httpx.get(page.local_url, trust_env=False)
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert page.config["title"] == "vlm studio"
    assert not page.config["analytics_enabled"]
    assert "fonts.googleapis" not in answer.text + page.theme_css
    assert httpx.get(f"{page.local_url}monitoring", trust_env=False).status_code >= 400


def test_a_busy_port_is_a_typed_error(assistant: Assistant, page: Any) -> None:
    from demo.app import Settings, launch

    with pytest.raises(InputError, match="--port"):
        launch(assistant, Settings(port=page.server_port), prevent_thread_lock=True)


def test_one_answer_at_a_time(page: Any) -> None:
    """The page's questions, the API's, the occlusions and the skills share one queue; captions have their own."""
    generating = [event for event in page.fns.values() if event.concurrency_id == "generation"]
    assert {event.concurrency_limit for event in generating} == {1}
    asking = {"_submit_fn", "chat", "look"} | {f"skill_{name}" for name in skills()}
    assert sum(event.fn.__name__ in asking for event in page.fns.values() if event.fn) == len(generating)
    assert [event.api_name for event in page.fns.values() if event.concurrency_id == "captions"] == ["captions"]


@pytest.mark.parametrize("event", ["example_clicked", "option_clicked", "_edit_message"])
def test_events_cannot_name_files_of_the_server(assistant: Assistant, picture: Path, event: str) -> None:
    """What a browser sends along with a click is not believed where it names a file."""
    from demo.page.chat import build

    stolen = {"text": "?", "files": [{"path": str(picture)}]}
    with gradio.Blocks():
        talk = build(assistant, 1)
    data = {"index": 0, "value": stolen, "previous_value": ""}
    if event == "example_clicked":
        history, message = talk.example_clicked(gradio.SelectData(None, data))
    elif event == "option_clicked":
        history, message = talk.option_clicked([], gradio.SelectData(None, data))
    else:
        turn = {"role": "user", "content": [{"type": "text", "text": "?"}]}
        *_, message = talk._edit_message([turn], gradio.EditData(None, data))
        history = []
    assert str(picture) not in f"{history} {message}"


def test_an_edited_question_keeps_its_pictures(assistant: Assistant, picture: Path) -> None:
    from demo.page.chat import build

    file = {"path": str(picture)}
    turns = [
        {"role": "user", "content": [{"type": "file", "file": file}, {"type": "text", "text": "Rof?"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "flat"}]},
    ]
    with gradio.Blocks() as outer:
        talk = build(assistant, 1)
    event = gradio.EditData(None, {"index": [0, 1], "value": "Roof?", "previous_value": "Rof?"})
    (edit,) = (found for found in outer.fns.values() if found.fn == talk._edit_message)
    assert edit.inputs == [talk.chatbot_state]  # in what the browser shows, the pictures are gone by then
    history, state, message = talk._edit_message(turns, event)
    assert (history, state) == ([], [])
    assert message == {"text": "Roof?", "files": [file]}


def test_a_retried_question_keeps_its_pictures(picture: Path) -> None:
    """gradio hands a retry's files on as objects, an upload's as paths."""
    from demo.page.chat import conversation

    (uploaded,) = conversation([], {"text": "Roof?", "files": [str(picture)]}, "")
    (retried,) = conversation([], {"text": "Roof?", "files": [{"path": str(picture), "size": 3}]}, "")
    assert uploaded == retried
    assert [part["type"] for part in uploaded["content"]] == ["image", "text"]


def test_a_password_is_asked_for(assistant: Assistant, tmp_path: Path, port: int) -> None:
    from demo.app import Settings, launch

    with pytest.raises(InputError, match="user:password"):
        launch(assistant, Settings(auth="anna"))
    with pytest.raises(InputError, match="max-file-size"):
        launch(assistant, Settings(max_file_size="much"))
    settings = Settings(port=port, auth="anna:se:cret", feedback=tmp_path)
    assert settings.credentials() == ("anna", "se:cret")
    page = launch(assistant, settings, prevent_thread_lock=True)
    try:
        with httpx.Client(base_url=page.local_url, trust_env=False, timeout=300) as http:
            for path in ("config", "gradio_api/info", "gradio_api/queue/data"):
                assert http.get(path).status_code == 401, path
            assert http.post("gradio_api/call/chat", json={"data": []}).status_code == 401
            assert http.post("login", data={"username": "anna", "password": "wrong"}).status_code == 400
            assert http.post("login", data={"username": "anna", "password": "se:cret"}).status_code == 200
    finally:
        page.close()

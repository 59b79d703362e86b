"""The chat page, driven through its own HTTP endpoint with a tiny random model."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
import torch
from PIL import Image
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers

from encoders.config import ClipConfig, WhisperConfig
from projector.build import ProjectorConfig
from vlm.assistant import Assistant
from vlm.config import DecoderConfig, ModelConfig, SpecialIds
from vlm.errors import InputError
from vlm.model import build_model
from vlm.processor import Processor
from vlm.tokenizer import Tokenizer

gradio = pytest.importorskip("gradio", reason="the demo needs gradio: pip install '.[demo]'")
gradio_client = pytest.importorskip("gradio_client", reason="the demo needs gradio: pip install '.[demo]'")

CONTROLS = ["<|pad|>", "<|bos|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|image|>", "<|audio|>"]
CONTEXT = 512


@pytest.fixture(scope="module")
def assistant() -> Assistant:
    torch.manual_seed(3)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Backend(models.BPE(vocab={t: i for i, t in enumerate([*CONTROLS, *letters])}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(CONTROLS)
    config = ModelConfig(
        decoder=DecoderConfig(len(CONTROLS) + 256, 32, 64, 2, 4, 2, 8, CONTEXT),
        special_ids=SpecialIds(pad=0, bos=1, eos=(2,), image=6, audio=7),
        chat_template="studio",
        name="tiny",
        clip=ClipConfig(image_size=32, patch_size=8, width=32, layers=2, head_width=16, embed_dim=16),
        whisper=WhisperConfig(16, 1, 2, 32, max_source_positions=50),
        image_projector=ProjectorConfig("image_mlp", 32, 2),
        audio_projector=ProjectorConfig("audio_swiglu", 32, 5),
    )
    model = build_model(config).eval()
    with torch.no_grad():  # fresh weights say one letter for ever; larger ones depend on what they read
        for parameter in model.parameters():
            parameter.mul_(3)
    return Assistant(model, Processor(config, Tokenizer(backend)))


@pytest.fixture(scope="module")
def page(assistant: Assistant) -> Iterator[Any]:
    from demo.app import launch

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    page = launch(assistant, port=port, prevent_thread_lock=True)
    yield page
    page.close()


@pytest.fixture
def client(page: Any) -> Any:
    return gradio_client.Client(page.local_url, verbose=False)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "roof plan.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)).save(path)
    return path


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "hum.wav"
    soundfile.write(path, np.sin(np.arange(8000) / 9).astype(np.float32) / 2, 16000)
    return path


def submit(client: Any, text: str, *files: Path, **controls: Any) -> list[list[dict[str, Any]]]:
    """All that came, in order; the whole answer and its note last."""
    message = {"text": text, "files": [gradio_client.handle_file(str(file)) for file in files]}
    job = client.submit(message, api_name="/chat", **{"max_new_tokens": 24, **controls})
    job.result(timeout=50)
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
    with httpx.Client(base_url=page.local_url, trust_env=False, timeout=50) as http:
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
    from demo.app import launch

    with pytest.raises(InputError, match="--port"):
        launch(assistant, port=page.server_port, prevent_thread_lock=True)


def test_one_answer_at_a_time(page: Any) -> None:
    assert {event.concurrency_id for event in page.fns.values() if event.concurrency_limit == 1} == {"generation"}

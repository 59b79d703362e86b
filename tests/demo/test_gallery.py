"""The examples on the page: their files are there, and the embedded model answers them."""

from __future__ import annotations

import socket
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import vlm
from training.evaluate import normalise

gradio = pytest.importorskip("gradio", reason="the demo needs gradio: pip install '.[demo]'")
gradio_client = pytest.importorskip("gradio_client", reason="the demo needs gradio: pip install '.[demo]'")

from demo.page.gallery import EXAMPLES, Example, folder  # noqa: E402 - after the check for gradio

ROOT = Path(__file__).parents[2]


def test_files_are_there_and_each_family_is_shown() -> None:
    files = {file for example in EXAMPLES for file in example.files}
    assert {"shapes.png", "palette.png", "wireframe.png", "floor_plan.png", "chart.png", "sign.png"} <= files
    assert all((folder() / file).is_file() for file in files)
    assert any(sum(file.endswith(".png") for file in e.files) == 2 for e in EXAMPLES)
    assert any(not e.question and any(file.endswith(".wav") for file in e.files) for e in EXAMPLES)


def test_the_wheel_carries_them() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        carried = tomllib.load(file)["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    files = {file for example in EXAMPLES for file in example.files}
    assert carried == {f"examples/{file}": f"demo/examples/{file}" for file in files}


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from demo.app import Settings, launch

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = Settings(port=port, feedback=tmp_path_factory.mktemp("feedback"))
    page = launch(vlm.load(), settings, prevent_thread_lock=True)
    yield page
    page.close()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.label)
def test_the_embedded_model_answers(embedded: Any, example: Example) -> None:
    client = gradio_client.Client(embedded.local_url, verbose=False)
    files = [gradio_client.handle_file(str(folder() / file)) for file in example.files]
    job = client.submit({"text": example.question, "files": files}, api_name="/chat", max_new_tokens=32)
    answer = job.result(timeout=600)[0]["content"]
    assert normalise(answer) in {normalise(text) for text in example.accept}, answer

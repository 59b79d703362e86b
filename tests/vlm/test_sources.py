"""What a model's name may stand for; ids on the hub without a network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import vlm
from vlm import sources

from .test_foreign import write_tokenizer

SHA = "0123456789abcdef0123456789abcdef01234567"


def offline(code: str, cache: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """In a process of its own: huggingface_hub reads its settings when it is imported."""
    settings = {**os.environ, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "1", **env}
    return subprocess.run([sys.executable, "-c", code], env=settings, capture_output=True, text=True, timeout=300)


def test_a_snapshot_in_the_cache_is_a_folder(tmp_path: Path, tiny_folder: Path) -> None:
    home = tmp_path / "models--some-org--some_model.v1"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(SHA)
    shutil.copytree(tiny_folder, home / "snapshots" / SHA)
    done = offline("import vlm; print(vlm.load('some-org/some_model.v1').name)", tmp_path)
    assert (done.stdout.strip(), done.returncode) == ("tiny", 0), done.stderr


def test_pickles_of_the_hub_need_the_option(tmp_path: Path) -> None:
    """A snapshot without safetensors: the error says what allows its `pytorch_model.bin`, and that is then opened."""
    folder = tmp_path / "models--some-org--old" / "snapshots" / SHA
    folder.mkdir(parents=True)
    (folder.parents[1] / "refs").mkdir()
    (folder.parents[1] / "refs" / "main").write_text(SHA)
    shape = {"vocab_size": 288, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "eos_token_id": 1}
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "intermediate_size": 8, **shape}))
    write_tokenizer(folder)
    (folder / "pytorch_model.bin").write_bytes(b"nothing")
    code = (
        "import vlm\nfor allow in (False, True):\n"
        " try: vlm.load('some-org/old', allow_pickle=allow)\n except vlm.CheckpointError as e: print(e)"
    )
    done = offline(code, tmp_path)
    first, second = done.stdout.splitlines()
    assert first.startswith("pytorch_model.bin: a pickle") and "--allow-pickle" in first, done.stderr
    assert second.startswith("pytorch_model.bin: not a zip")


def test_offline_says_what_is_missing_and_how_to_get_it(tmp_path: Path) -> None:
    done = offline(
        "import vlm\ntry: vlm.load('some-org/some-model')\nexcept vlm.CheckpointError as e: print(e)", tmp_path
    )
    assert done.stdout.count("\n") == 1, done.stderr
    for word in ("some-org/some-model", "HF_HUB_OFFLINE", "hf download some-org/some-model"):
        assert word in done.stdout


def test_unreachable_is_told_as_that(tmp_path: Path) -> None:
    """A proxy that is nowhere stands in for a machine without a network."""
    nowhere = "http://127.0.0.1:9"
    code = "import vlm\ntry: vlm.load('some-org/some-model')\nexcept vlm.CheckpointError as e: print(e)"
    done = offline(
        code, tmp_path, HF_HUB_OFFLINE="0", HTTPS_PROXY=nowhere, HTTP_PROXY=nowhere, HF_ENDPOINT="http://127.0.0.1:9"
    )
    assert "cannot be reached" in done.stdout and "Traceback" not in done.stderr, done.stderr


@pytest.mark.parametrize(
    "name", ["nowhere", "./some/model", "../some/model", "/some/model", "a/b/c", "org/na me", "org/"]
)
def test_what_is_no_id_is_never_looked_up(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_from_hub", lambda *_: pytest.fail("asked the hub"))
    with pytest.raises(vlm.CheckpointError, match="no such model folder"):
        sources.find(name)


def test_a_folder_goes_first(tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_from_hub", lambda *_: pytest.fail("asked the hub"))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_folder, tmp_path / "org" / "model")
    assert sources.find("org/model") == Path("org/model")

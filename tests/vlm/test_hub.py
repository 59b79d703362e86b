"""Saved, loaded and pushed by the hub's names; the card that goes with it. No network: what would send is replaced."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from huggingface_hub import ModelCard, ModelHubMixin
from transformers import LlavaNextForConditionalGeneration

import vlm
from vlm import checkpoint, manifest, sources
from vlm.assistant import Assistant
from vlm.card import front_matter, licence_of, written_card
from vlm.config import ModelConfig
from vlm.export import to_hf
from vlm.model import VLM
from vlm.processor import Processor

from .test_adapters import adapted, same
from .test_foreign import llama_folder

FILES = {"config.json", "model.safetensors", "tokenizer.json", "manifest.json", "README.md"}


class Hub:
    """In place of `HfApi`: notes what it is asked, and what would be sent."""

    def __init__(self, token: Any = None) -> None:
        self.token = token
        Hub.calls, Hub.files = [], {}

    calls: ClassVar[list[tuple[str, dict[str, Any]]]] = []
    files: ClassVar[dict[str, bytes]] = {}

    def create_repo(self, **options: Any) -> Any:
        Hub.calls.append(("create_repo", options))
        return type("Url", (), {"repo_id": options["repo_id"]})

    def upload_folder(self, *, folder_path: Path, **options: Any) -> str:
        Hub.calls.append(("upload_folder", options))
        Hub.files = {str(p.relative_to(folder_path)): p.read_bytes() for p in Path(folder_path).rglob("*")}
        return "https://hub/commit"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> type[Hub]:
    monkeypatch.setattr("huggingface_hub.hub_mixin.HfApi", Hub)
    Hub.calls, Hub.files = [], {}
    return Hub


def test_saved_and_loaded_it_is_the_same(tiny_model: VLM, tiny_processor: Processor, tmp_path: Path, hub: Any) -> None:
    with Assistant(tiny_model, tiny_processor, card="---\nlicense: mit\n---\n# Tiny\n\nTrained on nothing.") as one:
        assert isinstance(one, ModelHubMixin)
        assert one.save_pretrained(tmp_path / "out") is None
    assert {path.name for path in (tmp_path / "out").iterdir()} == FILES
    again = Assistant.from_pretrained(tmp_path / "out", dtype=torch.float32)
    assert same(again.model, tiny_model) and again.config == tiny_processor.config
    card = ModelCard.load(tmp_path / "out" / "README.md")
    assert (card.data.license, card.data.library_name, card.data.pipeline_tag) == (
        "mit", "vlm-studio", "image-text-to-text",
    )  # fmt: skip
    assert "Trained on nothing." in card.text and card.text.count("## Use with vlm studio") == 1
    again.save_pretrained(tmp_path / "out")  # in place of the old one, and its card says nothing twice
    assert ModelCard.load(tmp_path / "out" / "README.md").content == card.content
    (tmp_path / "out" / "README.md").write_text("prose may change")
    assert vlm.load(tmp_path / "out").card == "prose may change"
    assert hub.calls == []


def test_a_folder_of_something_else_is_left_alone(tiny_assistant: Assistant, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("mine")
    with pytest.raises(vlm.CheckpointError, match="holds something else"):
        tiny_assistant.save_pretrained(tmp_path)
    assert (tmp_path / "config.json").read_text() == "mine" and len(list(tmp_path.iterdir())) == 1


def test_pushed_are_the_files_of_the_folder(tiny_assistant: Assistant, tmp_path: Path, hub: Any) -> None:
    assert tiny_assistant.push_to_hub("me/tiny", private=True, token="secret") == "https://hub/commit"
    assert set(hub.files) == FILES and not any(b"secret" in content for content in hub.files.values())
    assert [name for name, _ in hub.calls] == ["create_repo", "upload_folder"]
    assert hub.calls[0][1]["private"] is True and hub.calls[1][1]["repo_id"] == "me/tiny"
    folder = tmp_path / "again"
    folder.mkdir()
    for name, content in hub.files.items():
        (folder / name).write_bytes(content)
    assert same(vlm.load(folder).model, tiny_assistant.model)
    assert tiny_assistant.save_pretrained(tmp_path / "tiny-2", push_to_hub=True, repo_id="me/2") == "https://hub/commit"
    assert hub.calls[0][1]["repo_id"] == "me/2"


def test_from_the_cache_as_load_does(tiny_folder: Path, tmp_path: Path, tiny_model: VLM) -> None:
    home = tmp_path / "models--org--tiny"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text("0123456789abcdef0123456789abcdef01234567")
    shutil.copytree(tiny_folder, home / "snapshots" / "0123456789abcdef0123456789abcdef01234567")
    found = Assistant.from_pretrained("org/tiny", cache_dir=tmp_path, local_files_only=True)
    assert same(found.model, tiny_model)
    with pytest.raises(vlm.CheckpointError, match="hf download org/other"):
        Assistant.from_pretrained("org/other", cache_dir=tmp_path)


def test_loaded_adapters_are_not_lost_silently(tmp_path: Path) -> None:
    adapted(llama_folder(tmp_path / "base"), tmp_path / "one", target_modules=["q_proj"])
    with vlm.load(tmp_path / "base", adapters=[tmp_path / "one"]) as assistant:
        with pytest.raises(vlm.InputError, match=r"adapters are loaded \(one\)"):
            assistant.save_pretrained(tmp_path / "out")
        assert not (tmp_path / "out").exists()
        assistant.adapters.merge(undo=False)
        assistant.save_pretrained(tmp_path / "out")
        assert same(vlm.load(tmp_path / "out").model, assistant.model)


# --- cards ---


def test_the_embedded_models_card(tmp_path: Path, hub: Any) -> None:
    """Data, stages, licence and figures are those of its MODEL_CARD."""
    folder = sources.find()
    text = written_card(sources.card_of(folder), checkpoint.load_config(folder), {"decoder": 1}, "vlm-studio")
    data, body = front_matter(text)
    assert (data["license"], data["library_name"], data["pipeline_tag"]) == (
        "apache-2.0", "vlm-studio", "image-text-to-text",
    )  # fmt: skip
    assert manifest.model_card(folder).strip() in body
    for section in ("## Data", "## Training", "blind"):
        assert section in body


def test_of_a_folder_that_says_nothing_the_card_says_so(tiny_config: ModelConfig) -> None:
    text = written_card("", tiny_config, {"decoder": 2_000_000, "encoders.image": 500_000}, "vlm-studio")
    data, body = front_matter(text)
    assert "license" not in data and "Licence: not stated" in body and "says nothing of the data" in body
    assert "| encoders: image | 0.50 M |" in body and "of 2.5 M parameters" in body


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: llama3.2\ntags: [a]\n---\nText", "llama3.2"),
        ("---\nlicense: other\nlicense_name: my-own\n---\n", "my-own"),
        ("---\nlicense: [a, b]\n---\n", ""),
        ("no front matter\n---\nlicense: mit\n---\n", ""),
        ("---\n: [\n---\nText", ""),
        ("---\n- a\n---\nText", ""),
        ("---\nself: 1\nlicense: mit\n---\nText", ""),
        ("", ""),
    ],
)
def test_licences(card: str, licence: str, tiny_config: ModelConfig) -> None:
    assert licence_of(card) == licence
    assert (
        front_matter(written_card(card, tiny_config, {"decoder": 1}, "vlm-studio"))[0]["library_name"] == "vlm-studio"
    )


def test_odd_front_matter_cannot_break_a_card(tiny_config: ModelConfig) -> None:
    front = "tags: none\ntemplate_str: x\nbase_model: org/base"
    card = f"---\n{front}\n---\n{{{{ body }}}} {{% x %}}"
    data, body = front_matter(written_card(card, tiny_config, {"decoder": 1}, "vlm-studio"))
    assert data["tags"] == ["vlm-studio"] and data["base_model"] == "org/base" and "{{ body }} {% x %}" in body


def test_an_export_has_a_card_too(tiny_model: VLM, tiny_processor: Processor, tmp_path: Path) -> None:
    to_hf(tmp_path / "out", tiny_model, tiny_processor, card="---\nlicense: mit\nbase_model: org/base\n---\n# Tiny")
    card = ModelCard.load(tmp_path / "out" / "README.md")
    assert (card.data.license, card.data.base_model, card.data.library_name) == ("mit", "org/base", "transformers")
    assert "LlavaNextForConditionalGeneration" in card.text and "vlm.tensors" in card.text and "# Tiny" in card.text
    assert LlavaNextForConditionalGeneration.__name__ in card.text
    (tmp_path / "out" / "README.md").write_text("changed")  # which is no damage
    assert vlm.load(tmp_path / "out").card == "changed"

"""What `vlm info` says of each kind of folder, from headers alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import CLIPVisionModel

import vlm
from vlm import checkpoint, weight_files
from vlm.about import about
from vlm.config import ModelConfig, RopeScaling
from vlm.export import to_hf
from vlm.model import VLM, build_model
from vlm.processor import Processor
from vlm.tokenizer import Tokenizer

from .test_adapters import adapted, adapters_of
from .test_compose import whisper_folder
from .test_foreign import llama_folder, llava_folder, randomised, vision_config


def says(folder: Path, *words: str) -> str:
    """Without any weight being read."""

    def refuse(self: weight_files.Stored, name: str) -> torch.Tensor:
        raise AssertionError(f"read {name}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weight_files.Stored, "__getitem__", refuse)
        text = "\n".join(about(folder).lines())
    assert [word for word in words if word not in text] == [], text
    return text


def test_ours(tiny_folder: Path, tmp_path: Path) -> None:
    text = says(
        tiny_folder, "tiny  (", "layout    this program's", "tied head", "template  studio", "answers with id 2",
        "licence   not stated in the folder", "model.safetensors", "float32",
    )  # fmt: skip
    assert "manifest.json" in text
    shutil.copytree(tiny_folder, tmp_path / "model")
    (tmp_path / "model" / "README.md").write_text("---\nlicense: mit\n---\n")
    says(tmp_path / "model", "licence   mit")


def test_the_embedded_one() -> None:
    says(checkpoint.resolve(), "licence   apache-2.0", "bfloat16", "8 layers of 256", "windows of 6 s")


def test_types_and_stretched_positions(tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, tmp_path: Path) -> None:
    decoder = replace(tiny_config.decoder, rope_scaling=RopeScaling("linear", 2.5))
    config = replace(tiny_config, decoder=decoder, clip=None, image_projector=None)
    model = build_model(config)
    checkpoint.save(tmp_path / "model", model, Processor(config, tiny_tokenizer), dtype=torch.bfloat16)
    size = sum(tensor.numel() for tensor in checkpoint.state_dict(model).values()) * 2
    text = says(tmp_path / "model", "positions stretched (linear, 2.5x)", f"values: bfloat16 {size / 1e6:.2f} MB")
    assert "vision" not in text


def test_transformers_models(tmp_path: Path) -> None:
    llama_folder(tmp_path / "llama")
    (tmp_path / "llama" / "LICENSE.txt").write_text("...")
    says(tmp_path / "llama", "Hugging Face's", "2 layers of 64", "template  plain", "see LICENSE.txt")
    llava_folder(tmp_path / "llava", tiles=True)
    says(tmp_path / "llava", "tiles of 28 px", "grids 1x2, 2x1, 2x2", "template  vicuna", "projectors.image")


def test_an_export(tiny_model: VLM, tiny_processor: Processor, tmp_path: Path) -> None:
    to_hf(tmp_path / "out", tiny_model, tiny_processor)
    says(tmp_path / "out", "Hugging Face's", "windows of 2 s", "encoders.audio", "vlm.tensors")


def test_parts_for_compose(tmp_path: Path) -> None:
    tower = CLIPVisionModel(vision_config())
    randomised(tower)
    tower.save_pretrained(tmp_path / "clip")
    says(tmp_path / "clip", "Hugging Face's CLIP", "3 layers of 32", "vlm compose --vision")
    whisper_folder(tmp_path / "whisper")
    says(tmp_path / "whisper", "Hugging Face's Whisper", "2 layers of 32", "vlm compose --audio")


def test_adapters(tmp_path: Path) -> None:
    adapted(llama_folder(tmp_path / "base"), tmp_path / "theirs", target_modules=["q_proj", "up_proj"], use_rslora=True)
    words = ("a LoRA adapter in peft's format", "rank      4, alpha 6, scale alpha / sqrt(rank)", "q_proj, up_proj")
    says(tmp_path / "theirs", *words, "no fingerprint of it is kept", "4 adapted", "8 tensors", "adapter_config.json")
    _, adapters, _ = adapters_of(tmp_path / "base")
    adapters.save(adapters.load(tmp_path / "theirs"), tmp_path / "ours")
    fingerprint = json.loads((tmp_path / "ours" / "vlm_adapter.json").read_text())["fingerprint"]
    says(tmp_path / "ours", *words, f"base      base (fingerprint {fingerprint})")


def test_nothing_that_is_read_here(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "mamba"}')
    with pytest.raises(vlm.CheckpointError, match="mamba"):
        about(tmp_path)

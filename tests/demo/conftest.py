"""A tiny random model that talks, and the page that serves it, once per session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
from vlm.model import build_model
from vlm.processor import Processor
from vlm.tokenizer import Tokenizer

from .ports import free_port

CONTROLS = ["<|pad|>", "<|bos|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|image|>", "<|audio|>"]


@pytest.fixture(scope="session")
def assistant() -> Assistant:
    torch.manual_seed(3)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Backend(models.BPE(vocab={t: i for i, t in enumerate([*CONTROLS, *letters])}, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(CONTROLS)
    config = ModelConfig(
        decoder=DecoderConfig(len(CONTROLS) + 256, 32, 64, 2, 4, 2, 8, 512),
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


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture(scope="session")
def feedback_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("feedback")


@pytest.fixture(scope="session")
def page(assistant: Assistant, feedback_folder: Path) -> Iterator[Any]:
    pytest.importorskip("gradio", reason="the demo needs gradio: pip install '.[demo]'")
    from demo.app import Settings, launch

    page = launch(assistant, Settings(port=free_port(), feedback=feedback_folder), prevent_thread_lock=True)
    yield page
    page.close()


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

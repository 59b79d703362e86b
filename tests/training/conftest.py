"""What the training tests share: a tokenizer of the studio's words, a model that trains in a second, hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from encoders.config import ClipConfig, WhisperConfig
from projector.build import ProjectorConfig
from training.loop import train
from training.stages import Mixture, StageConfig, Trains
from training.tokenizer import train_tokenizer
from vlm.batch import Batch
from vlm.config import DecoderConfig, ModelConfig, SpecialIds
from vlm.model import VLM, build_model
from vlm.processor import Processor
from vlm.tokenizer import Tokenizer

CONFIG = ModelConfig(
    decoder=DecoderConfig(
        vocab_size=1024, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=16, max_position_embeddings=1024, tie_word_embeddings=True,
    ),
    special_ids=SpecialIds(pad=0, bos=1, eos=(2,), image=6, audio=7),
    chat_template="studio",
    name="tiny",
    clip=ClipConfig(
        image_size=32, patch_size=8, width=32, layers=2, head_width=16, mlp_ratio=2.0, embed_dim=16,
        pool_type="avg", grids=((1, 2), (2, 1)),
    ),
    whisper=WhisperConfig(
        d_model=16, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=32, num_mel_bins=16,
        max_source_positions=300,
    ),
    image_projector=ProjectorConfig("image_mlp", hidden_size=32, downsample=2),
    audio_projector=ProjectorConfig("audio_swiglu", hidden_size=32, downsample=16),
)  # fmt: skip
EVERY_PART = Trains(decoder=1e-3, vision=1e-3, audio=1e-3, image_projector=1e-3, audio_projector=1e-3)


@pytest.fixture(scope="session")
def studio_tokenizer() -> Tokenizer:
    """Trained as the shipped one is, on fewer scenes."""
    return train_tokenizer(1024, 120, [" Describe the image briefly."])


@pytest.fixture(scope="session")
def studio_processor(studio_tokenizer: Tokenizer) -> Processor:
    return Processor(CONFIG, studio_tokenizer)


@pytest.fixture
def fresh() -> Callable[[], VLM]:
    """Makes the same untrained model at each call."""

    def build() -> VLM:
        torch.manual_seed(7)
        return build_model(CONFIG)

    return build


def without_labels(batch: Batch) -> Batch:
    """The same pictures and sounds, of which a stage has nothing to teach."""
    return replace(batch, media={name: replace(media, labels={}) for name, media in batch.media.items()})


def stage_of(**changes: Any) -> StageConfig:
    """A stage of three small steps in fp32 on one cheap family."""
    plain = StageConfig(
        name="tiny", objective="next-token", trains=EVERY_PART, mixture=Mixture(images=1.0), steps=3, batch_size=2,
        warmup=1, questions=2, families=("palettes",), precision="fp32", validate_every=1000, validate_samples=1,
    )  # fmt: skip
    return replace(plain, **changes)


@pytest.fixture
def stage() -> Callable[..., StageConfig]:
    return stage_of


@pytest.fixture
def run_stage(studio_processor: Processor) -> Callable[..., dict[str, float]]:
    """`train` without a progress bar, drawing its data in this process unless told otherwise."""

    def run(
        model: VLM, stage: StageConfig, run_dir: Path, workers: int = 0, stop: Callable[[], bool] = lambda: False
    ) -> dict[str, float]:
        return train(model, studio_processor, stage, run_dir=run_dir, workers=workers, quiet=True, stop=stop)

    return run


@pytest.fixture
def digest() -> Callable[[nn.Module], str]:
    """sha256 over the names and bytes of all parameters and buffers."""

    def of(module: nn.Module) -> str:
        found = hashlib.sha256()
        for name, tensor in sorted(module.state_dict().items()):
            found.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
        return found.hexdigest()

    return of


@pytest.fixture
def hummed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Speech without espeak-ng: each letter is a short tone of its own pitch."""

    def clip(text: str, seed: int, split: str = "train") -> np.ndarray:
        noise = np.random.default_rng(seed % (1 << 32)).normal(0, 1e-3, 800 * min(len(text), 40))
        pitches = np.repeat([200 + 30 * (ord(c) % 64) for c in text[:40]], 800)
        return (0.3 * np.sin(2 * np.pi * np.cumsum(pitches) / 16_000) + noise).astype(np.float32)

    monkeypatch.setattr("training.synthetic.speech.clip", clip)


@pytest.fixture
def lines() -> Callable[[Path], list[dict[str, Any]]]:
    """The reports of a run; anything that is no strict JSON (NaN, Infinity) is an error."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    def read(run_dir: Path) -> list[dict[str, Any]]:
        text = (run_dir / "metrics.jsonl").read_text()
        return [json.loads(line, parse_constant=refuse) for line in text.splitlines()]

    return read

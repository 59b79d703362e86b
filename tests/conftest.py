"""A tiny model of every part, built once per session; no network, one thread.

The fixtures are shared by all tests of a session, so nobody changes them: whoever wants to edit a
model folder copies `tiny_folder` first, and whoever wants other weights builds a model of their own.
"""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # before anything can import huggingface_hub
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers

from encoders.config import ClipConfig, WhisperConfig
from projector.build import ProjectorConfig
from vlm import checkpoint
from vlm.assistant import Assistant
from vlm.config import DecoderConfig, ModelConfig, SpecialIds
from vlm.model import VLM, build_model
from vlm.processor import Processor
from vlm.tokenizer import Tokenizer

torch.set_num_threads(1)

CONTROLS = ("<|pad|>", "<|bos|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|image|>", "<|audio|>")
"""Ids 0 to 7, in the order of the shipped tokenizer."""
WORDS = ("the", "image", "what", "is", "red")
"""Words that are one token each where a space stands before them; all else is spelled byte by byte."""


@pytest.fixture(scope="session")
def tiny_tokenizer() -> Tokenizer:
    """Byte-level BPE as the shipped one: 8 control tokens, 256 bytes, the beginnings of `WORDS`."""
    vocab = {token: i for i, token in enumerate([*CONTROLS, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    merges = []
    for word in WORDS:
        for i in range(len(word)):
            if "Ġ" + word[: i + 1] not in vocab:
                merges.append(("Ġ" + word[:i], word[i]))
                vocab["Ġ" + word[: i + 1]] = len(vocab)
    backend = Backend(models.BPE(vocab=vocab, merges=merges))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(list(CONTROLS))
    return Tokenizer(backend)


@pytest.fixture(scope="session")
def tiny_config() -> ModelConfig:
    """Studio template; tiles of 32 px in patches of 8 (16 tokens each); windows of 2 s (13 tokens each)."""
    return ModelConfig(
        decoder=DecoderConfig(
            vocab_size=288, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
            num_key_value_heads=2, head_dim=8, max_position_embeddings=512, tie_word_embeddings=True,
        ),
        special_ids=SpecialIds(pad=0, bos=1, eos=(2,), image=6, audio=7),
        chat_template="studio",
        name="tiny",
        clip=ClipConfig(
            image_size=32, patch_size=8, width=16, layers=2, head_width=8, mlp_ratio=2.0, embed_dim=16,
            pool_type="avg", grids=((1, 2), (2, 1), (2, 2)),
        ),
        whisper=WhisperConfig(
            d_model=16, encoder_layers=1, encoder_attention_heads=2, encoder_ffn_dim=32, num_mel_bins=16,
            max_source_positions=100,
        ),
        image_projector=ProjectorConfig("image_mlp", hidden_size=32),
        audio_projector=ProjectorConfig("audio_swiglu", hidden_size=32, downsample=8),
    )  # fmt: skip


@pytest.fixture(scope="session")
def tiny_model(tiny_config: ModelConfig) -> VLM:
    """Random weights from seed 0, in eval mode; louder than fresh ones, and shy of control tokens, so that it talks."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build_model(tiny_config).eval()
    with torch.no_grad():
        for parameter in model.decoder.model.layers.parameters():
            if parameter.dim() > 1:
                parameter.mul_(8)
        model.decoder.model.embed_tokens.weight[: len(CONTROLS)] *= 0.1
    return model


@pytest.fixture(scope="session")
def tiny_processor(tiny_config: ModelConfig, tiny_tokenizer: Tokenizer) -> Processor:
    return Processor(tiny_config, tiny_tokenizer)


@pytest.fixture(scope="session")
def tiny_assistant(tiny_model: VLM, tiny_processor: Processor) -> Assistant:
    return Assistant(tiny_model, tiny_processor)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory, tiny_model: VLM, tiny_processor: Processor) -> Path:
    """The tiny model as a folder on disk, complete with its manifest. Copy it before changing a file."""
    folder = tmp_path_factory.mktemp("tiny") / "model"
    checkpoint.save(folder, tiny_model, tiny_processor)
    return folder

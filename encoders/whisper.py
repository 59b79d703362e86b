"""Whisper's encoder and log-mel front end, both from transformers (Radford et al. 2022)."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .base import SAMPLE_RATE, Features, MediaInput
from .config import WhisperConfig

HOP = 160
"""Samples from one mel frame to the next (10 ms)."""


@functools.cache
def _feature_extractor(mels: int, seconds: int) -> Any:
    from transformers import WhisperFeatureExtractor

    return WhisperFeatureExtractor(feature_size=mels, chunk_length=seconds, sampling_rate=SAMPLE_RATE, hop_length=HOP)


class AudioTransform:
    """Waveform -> log-mel windows; a sound longer than one window becomes several."""

    def __init__(self, config: WhisperConfig) -> None:
        self.config = config

    def __call__(self, wave: np.ndarray) -> MediaInput:
        """float32 (samples,) at 16 kHz -> inputs (N, M, F) with F = 2 * max_source_positions."""
        window = self.config.window_seconds * SAMPLE_RATE
        chunks = [wave[i : i + window] for i in range(0, len(wave), window)]
        if len(chunks) > 1 and len(chunks[-1]) < HOP:  # a crumb below one frame says nothing
            chunks.pop()
        extract = _feature_extractor(self.config.num_mel_bins, self.config.window_seconds)
        mel = extract(chunks, sampling_rate=SAMPLE_RATE, return_tensors="np").input_features
        lengths = torch.tensor([-(-len(chunk) // HOP) for chunk in chunks])
        return MediaInput(torch.from_numpy(np.ascontiguousarray(mel, dtype=np.float32)), lengths)


def output_lengths(input_lengths: Tensor) -> Tensor:
    """Mel frames -> encoder frames: the second convolution halves."""
    return (input_lengths - 1) // 2 + 1


class WhisperEncoder(nn.Module):
    """transformers' Whisper encoder. Shapes: N windows, M mel bins, F frames = 50 per second, C d_model."""

    def __init__(self, config: WhisperConfig) -> None:
        super().__init__()
        from transformers import WhisperConfig as ReferenceConfig
        from transformers.models.whisper.modeling_whisper import WhisperEncoder as Reference

        self.config = config
        self.output_dim = config.d_model
        self.encoder = Reference(
            ReferenceConfig(
                d_model=config.d_model,
                encoder_layers=config.encoder_layers,
                encoder_attention_heads=config.encoder_attention_heads,
                encoder_ffn_dim=config.encoder_ffn_dim,
                num_mel_bins=config.num_mel_bins,
                max_source_positions=config.max_source_positions,
            )
        )

    def output_lengths(self, input_lengths: Tensor) -> Tensor:
        return output_lengths(input_lengths)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Features:
        """(N, M, 2F) log-mel -> (N, F, C); positions beyond the sound are marked by the lengths."""
        values = self.encoder(inputs.to(self.encoder.conv1.weight.dtype)).last_hidden_state
        return Features(values, self.output_lengths(lengths))

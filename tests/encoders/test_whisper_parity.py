"""The Whisper encoder and its log-mel front end against transformers, and the lengths of everything in between."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import WhisperConfig as ReferenceConfig
from transformers import WhisperFeatureExtractor, WhisperModel

from encoders.base import SAMPLE_RATE
from encoders.config import WhisperConfig
from encoders.whisper import HOP, AudioTransform, WhisperEncoder, output_lengths
from projector.build import ProjectorConfig, build_projector, token_count

torch.set_num_threads(1)

SECONDS = 2  # one window
WINDOW = SECONDS * SAMPLE_RATE
CONFIG = WhisperConfig(
    d_model=24, encoder_layers=2, encoder_attention_heads=3, encoder_ffn_dim=40, num_mel_bins=20,
    max_source_positions=SECONDS * 50,
)  # fmt: skip


def sound(samples: int, seed: int = 0) -> np.ndarray:
    """A chord under noise whose loudness changes, so that no two stretches are alike."""
    rng = np.random.default_rng(seed)
    t = np.arange(samples) / SAMPLE_RATE
    tones = sum(np.sin(2 * np.pi * f * t) for f in (220, 1330, 4100))
    return (0.1 * tones * np.sin(3 * t + seed) + 0.05 * rng.standard_normal(samples)).astype(np.float32)


def randomise(model: torch.nn.Module) -> None:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, p in model.named_parameters():
            ones = 1.0 if p.dim() == 1 and name.endswith("weight") else 0.0
            p.copy_(torch.randn(p.shape, generator=generator) * 0.15 + ones)


# --- the encoder ---


def whisper_by_hand(state: dict[str, torch.Tensor], mel: torch.Tensor, layers: int, heads: int) -> torch.Tensor:
    """Radford et al. 2022 in plain functions: two convolutions, pre-norm blocks, keys without bias."""

    def linear(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.linear(x, state[f"{name}.weight"], state.get(f"{name}.bias"))

    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        return F.layer_norm(x, x.shape[-1:], state[f"{name}.weight"], state[f"{name}.bias"])

    x = F.gelu(F.conv1d(mel, state["conv1.weight"], state["conv1.bias"], padding=1))
    x = F.gelu(F.conv1d(x, state["conv2.weight"], state["conv2.bias"], stride=2, padding=1))
    x = x.transpose(1, 2) + state["embed_positions.weight"]
    for i in range(layers):
        name = f"layers.{i}"
        y = norm(x, f"{name}.self_attn_layer_norm")
        q, k, v = (
            linear(y, f"{name}.self_attn.{p}_proj").unflatten(-1, (heads, -1)).transpose(1, 2) for p in ("q", "k", "v")
        )
        scores = (q @ k.transpose(2, 3) / math.sqrt(q.shape[-1])).softmax(-1)
        x = x + linear((scores @ v).transpose(1, 2).flatten(2), f"{name}.self_attn.out_proj")
        y = norm(x, f"{name}.final_layer_norm")
        x = x + linear(F.gelu(linear(y, f"{name}.fc1")), f"{name}.fc2")
    return norm(x, "layer_norm")


@torch.no_grad()
def test_states_are_those_of_transformers_whisper() -> None:
    theirs = WhisperModel(
        ReferenceConfig(
            d_model=24, encoder_layers=2, encoder_attention_heads=3, encoder_ffn_dim=40, num_mel_bins=20,
            max_source_positions=100, decoder_layers=1, decoder_attention_heads=3, decoder_ffn_dim=8, vocab_size=50,
            pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1, max_target_positions=8,
            attn_implementation="eager",
        )
    ).eval()  # fmt: skip
    randomise(theirs)
    encoder = WhisperEncoder(CONFIG).eval()
    encoder.encoder.load_state_dict(theirs.encoder.state_dict(), strict=True)
    item = AudioTransform(CONFIG)(sound(3 * WINDOW // 2))
    found = encoder(item.inputs, item.lengths)
    expected = theirs.encoder(item.inputs).last_hidden_state
    assert found.values.shape == (2, 100, encoder.output_dim)
    torch.testing.assert_close(found.values, expected, rtol=1e-4, atol=1e-5)
    assert found.lengths.tolist() == [100, 50]


@torch.no_grad()
def test_states_are_those_of_the_formulas() -> None:
    """transformers' encoder is used on both sides above; here is one that is not its own."""
    encoder = WhisperEncoder(CONFIG).eval()
    randomise(encoder)
    item = AudioTransform(CONFIG)(sound(WINDOW))
    state = encoder.encoder.state_dict()
    expected = whisper_by_hand(state, item.inputs, CONFIG.encoder_layers, CONFIG.encoder_attention_heads)
    torch.testing.assert_close(encoder(item.inputs, item.lengths).values, expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_training_mode_drops_nothing_out() -> None:
    encoder = WhisperEncoder(CONFIG)
    randomise(encoder)
    item = AudioTransform(CONFIG)(sound(WINDOW))
    evaluated = encoder.eval()(item.inputs, item.lengths).values
    assert torch.equal(encoder.train()(item.inputs, item.lengths).values, evaluated)


# --- the front end ---


@pytest.mark.parametrize(("mels", "seconds"), [(80, 30), (128, 30), (20, 2), (80, 6)])
def test_log_mel_is_whispers(mels: int, seconds: int) -> None:
    config = WhisperConfig(8, 1, 1, 8, num_mel_bins=mels, max_source_positions=50 * seconds)
    wave = sound(seconds * SAMPLE_RATE * 2 // 3 + 37)
    found = AudioTransform(config)(wave)
    theirs = WhisperFeatureExtractor(feature_size=mels, chunk_length=seconds)
    assert (theirs.hop_length, theirs.sampling_rate, theirs.n_fft) == (HOP, SAMPLE_RATE, 400)
    expected = theirs(wave, sampling_rate=SAMPLE_RATE, return_tensors="pt").input_features
    assert found.inputs.shape == (1, mels, 100 * seconds) and found.inputs.dtype == torch.float32
    assert torch.equal(found.inputs, expected)


def test_log_mel_is_that_of_the_numpy_formulas() -> None:
    """transformers' second implementation, without torch's STFT."""
    wave = sound(WINDOW - 4000)
    found = AudioTransform(CONFIG)(wave)
    theirs = WhisperFeatureExtractor(feature_size=20, chunk_length=SECONDS)
    padded = np.pad(wave, (0, 4000))
    expected = theirs._np_extract_fbank_features(padded[None], "cpu")
    np.testing.assert_allclose(found.inputs.numpy(), expected, atol=1e-4)


# --- lengths ---


def test_output_lengths_are_those_of_the_convolutions() -> None:
    """The real convolutions are run: a feature is valid when a valid frame is at its middle."""
    conv1 = torch.nn.Conv1d(1, 1, 3, padding=1)
    conv2 = torch.nn.Conv1d(1, 1, 3, stride=2, padding=1)
    lengths = torch.arange(1, 400)
    expected = [conv2(conv1(torch.zeros(1, 1, int(n)))).shape[-1] for n in lengths]
    assert output_lengths(lengths).tolist() == expected
    assert WhisperEncoder(CONFIG).output_lengths(lengths).tolist() == expected
    assert output_lengths(torch.tensor([0, 1, 2, 3, 199, 200])).tolist() == [0, 1, 1, 2, 100, 100]


def test_a_sound_of_two_and_a_half_windows() -> None:
    wave = sound(WINDOW * 5 // 2)
    item = AudioTransform(CONFIG)(wave)
    assert item.inputs.shape == (3, 20, 200) and item.lengths.tolist() == [200, 200, 100]
    for i in range(3):  # each window as if it were a sound of its own, in order
        alone = AudioTransform(CONFIG)(wave[i * WINDOW : (i + 1) * WINDOW])
        torch.testing.assert_close(item.inputs[i], alone.inputs[0], rtol=1e-5, atol=1e-5)
    assert not torch.allclose(item.inputs[0], item.inputs[1], atol=0.1)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (160, [1]), (161, [2]), (320, [2]), (1, [1]), (WINDOW - 1, [200]), (WINDOW, [200]),
        (WINDOW + 159, [200]),  # less than a frame: dropped
        (WINDOW + 160, [200, 1]), (WINDOW + 161, [200, 2]), (2 * WINDOW, [200, 200]),
        (3 * WINDOW - 160, [200, 200, 199]),
    ],
)  # fmt: skip
def test_lengths_in_frames(samples: int, expected: list[int]) -> None:
    item = AudioTransform(CONFIG)(sound(samples))
    assert item.lengths.tolist() == expected
    assert item.lengths.dtype == torch.int64 and len(item.inputs) == len(expected)


@pytest.mark.parametrize("stack", [1, 3, 8])
@torch.no_grad()
def test_token_count_is_what_the_projector_emits(stack: int) -> None:
    config = ProjectorConfig("audio_swiglu", 6, stack)
    encoder, projector = WhisperEncoder(CONFIG).eval(), build_projector(config, 24, 5)
    transform = AudioTransform(CONFIG)
    # samples -> the samples of each window, where a rest of less than one frame makes none
    windows = {
        160: [160], 1000: [1000], 1600: [1600], 7777: [7777], 16000: [16000], 20000: [20000],
        WINDOW - 1: [WINDOW - 1], WINDOW: [WINDOW], WINDOW + 159: [WINDOW], WINDOW + 160: [WINDOW, 160],
        WINDOW + 5000: [WINDOW, 5000], 2 * WINDOW + 1: [WINDOW] * 2, 5 * WINDOW // 2: [WINDOW, WINDOW, WINDOW // 2],
    }  # fmt: skip
    items, counts = [], []
    for samples, parts in windows.items():
        item = transform(sound(samples, seed=samples))
        features = encoder(item.inputs, item.lengths)
        emitted = len(projector(features.values, features.lengths, [item.layout]))
        assert emitted == token_count(config, output_lengths(item.lengths).tolist(), item.layout)
        # by hand: a frame for each 160 samples begun, a feature for each two frames begun
        assert emitted == sum(math.ceil(math.ceil(math.ceil(n / 160) / 2) / stack) for n in parts)
        items.append(item)
        counts.append(emitted)
    together = encoder(torch.cat([i.inputs for i in items]), torch.cat([i.lengths for i in items]))
    emitted = projector(together.values, together.lengths, [i.layout for i in items])
    assert len(emitted) == sum(counts)


@torch.no_grad()
def test_tokens_beyond_the_sound_are_dropped() -> None:
    """Half a second of a two-second window leaves a quarter of the features, the first ones."""
    encoder = WhisperEncoder(CONFIG).eval()
    item = AudioTransform(CONFIG)(sound(WINDOW // 4))
    features = encoder(item.inputs, item.lengths)
    assert features.values.shape[1] == 100 and features.lengths.tolist() == [25]
    projector = build_projector(ProjectorConfig("audio_swiglu", 6, 4), 24, 5)
    found = projector(features.values, features.lengths, [item.layout])
    cut = projector(features.values[:, :25], features.lengths, [item.layout])
    assert len(found) == 7
    torch.testing.assert_close(found, cut)

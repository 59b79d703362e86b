"""load_audio: every sound of the catalogue, pitch and level, limits before memory, and mutated files."""

from __future__ import annotations

import base64
import logging
import random
from pathlib import Path

import numpy as np
import pytest

from encoders.base import SAMPLE_RATE
from encoders.errors import MediaError
from encoders.media import load_audio
from encoders.untrusted import SERVER_LIMITS, MediaLimits

from . import hazards
from .hazards import Case, sound, tone
from .test_media_images import ADDRESS, mutated, peak_growth

CODES = {
    "bad_audio", "audio_too_short", "audio_too_long", "unsupported_format", "not_regular_file", "not_found",
    "permission_denied", "io_error", "remote_not_allowed",
}  # fmt: skip


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    return {case.id: case for case in hazards.audio_cases(tmp_path_factory.mktemp("sounds"))}


def code_of(source: object, **options: object) -> str:
    """The outcome in one word; whatever comes out is looked at on the way."""
    try:
        wave = load_audio(source, **options)  # type: ignore[arg-type]
    except MediaError as error:
        assert error.code in CODES
        assert not ADDRESS.search(str(error)), error
        assert "\n" not in str(error) and len(error.reason) < 200
        return error.code
    assert wave.dtype == np.float32 and wave.ndim == 1 and len(wave) >= SAMPLE_RATE // 100
    assert np.isfinite(wave).all() and np.abs(wave).max() <= 1
    return "ok"


def assert_is_the_tone(wave: np.ndarray, amplitude: float = 0.5) -> None:
    """1 kHz within 1 Hz, level within 0.5 dB, length within 20 ms of what was stored."""
    assert abs(len(wave) / SAMPLE_RATE - hazards.TONE_SECONDS) < 0.02
    middle = wave[1600:-1600].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), n=1 << 18))
    assert abs(spectrum.argmax() * SAMPLE_RATE / (1 << 18) - 1000) < 1
    level = 20 * np.log10(np.sqrt(2 * np.mean(middle**2)) / amplitude)
    assert abs(level) < 0.5


# --- the catalogue -------------------------------------------------------------------------------


def test_every_sound_of_the_catalogue(cases: dict[str, Case], capfd: pytest.CaptureFixture[str]) -> None:
    local = {id_: code_of(case.path) for id_, case in cases.items()}
    assert local == {id_: case.expected for id_, case in cases.items()}
    files = {id_: case for id_, case in cases.items() if id_.startswith("A") and not id_.startswith("A5")}
    server = {id_: code_of(case.path.read_bytes(), limits=SERVER_LIMITS) for id_, case in files.items()}
    assert server == {id_: case.server for id_, case in files.items()}
    assert capfd.readouterr().out == ""


def test_limits_act_before_memory_is_used(cases: dict[str, Case]) -> None:
    growth = peak_growth("load_audio", {id_: str(case.path) for id_, case in cases.items()}, "A6-48000-6")
    assert max(growth.values()) < 96
    for id_ in ("A4", "A5-flac", "A5-opus", "A9-2g", "A9-4g", "A10-channels"):
        assert growth[id_] < 8, (id_, growth[id_])


# --- what is heard -------------------------------------------------------------------------------


def test_rates_channels_and_codings_keep_pitch_and_level(cases: dict[str, Case]) -> None:
    heard = [id_ for id_ in cases if id_.startswith(("A6", "A9-2g", "A9-4g", "A9-odd", "A11-mp3"))]
    heard += [id_ for id_, case in cases.items() if id_.startswith("A12") and case.expected == "ok"]
    assert len(heard) == 26
    for id_ in heard:
        assert_is_the_tone(load_audio(cases[id_].path))


def test_channels_are_averaged() -> None:
    one_sided = tone(channels=2) * [1, 0]
    assert_is_the_tone(load_audio(sound(one_sided)), amplitude=0.25)
    opposed = tone(channels=2) * [1, -1]
    assert np.abs(load_audio(sound(opposed))).max() < 1e-4


def test_constant_signals(cases: dict[str, Case]) -> None:
    assert np.abs(load_audio(cases["A13-zeros"].path)).max() == 0
    assert np.abs(load_audio(cases["A13-dc"].path) - 0.5).max() < 1e-4


def test_samples_at_the_right_rate_are_untouched() -> None:
    wave = tone()[:, 0].astype(np.float32)
    assert np.array_equal(load_audio((wave, SAMPLE_RATE)), wave)
    assert np.array_equal(load_audio(sound(wave, subtype="FLOAT")), wave)


def test_loud_samples_are_clipped_with_a_note(cases: dict[str, Case], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "encoders.sounds"):
        wave = load_audio(cases["A8-loud"].path, name="loud\nsound")
    assert wave.max() == 1 and wave.min() == -1
    assert caplog.messages == ["loud\\nsound: samples up to 3, clipped to 1"]


def test_a_sound_that_breaks_off_is_kept_up_to_there(cases: dict[str, Case], caplog: pytest.LogCaptureFixture) -> None:
    for id_ in ("A14-WAV-PCM_16", "A14-FLAC-PCM_16", "A14-OGG-VORBIS", "A14-OGG-OPUS", "A14-MP3-MPEG_LAYER_III"):
        with caplog.at_level(logging.WARNING, "encoders.sounds"):
            wave = load_audio(cases[id_].path)
        assert 2.4 < len(wave) / SAMPLE_RATE < 3.7, id_
    assert len(caplog.messages) == 2 and all("breaks off after" in line for line in caplog.messages)  # FLAC, MP3


# --- sources -------------------------------------------------------------------------------------


def test_all_kinds_of_sources_give_the_same_samples(tmp_path: Path) -> None:
    data = sound(tone(), subtype="FLOAT")
    path = tmp_path / "tone.wav"
    path.write_bytes(data)
    uri = "data:audio/wav;base64," + base64.b64encode(data).decode()
    golden = load_audio(data)
    for source in (str(path), path, bytearray(data), memoryview(data), uri):
        assert np.array_equal(load_audio(source), golden)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint8", "float16", "float32", "float64"])
@pytest.mark.parametrize("shape", ["mono", "samples x channels", "channels x samples"])
def test_arrays(dtype: str, shape: str) -> None:
    wave = tone(48000, 2)
    if np.dtype(dtype).kind != "f":
        top = np.iinfo(dtype).max / 2 if dtype == "uint8" else np.iinfo(dtype).max
        wave = wave * top + (128 if dtype == "uint8" else 0)
    wave = wave.astype(dtype)
    before = wave.copy()
    samples = {"mono": wave[:, 0], "samples x channels": wave, "channels x samples": wave.T}[shape]
    assert_is_the_tone(load_audio((samples, 48000)))
    assert np.array_equal(wave, before)


def test_arrays_that_are_refused() -> None:
    wave = tone()[:, 0]
    for rate in (0, -1, 999, 384_001, 1 << 31, 16000.5, None, "16000"):
        assert code_of((wave, rate)) == "bad_audio"
    for samples in (wave.astype(np.int64), wave.astype(complex), wave.reshape(2, 2, -1), wave > 0, wave.tolist(), None):
        assert code_of((samples, 16000)) == "bad_audio"
    assert code_of((16000, wave)) == "bad_audio"
    assert code_of((wave,)) == "bad_audio"
    assert code_of((np.zeros((16000, 9)), 16000)) == "bad_audio"
    assert code_of((np.zeros(0), 16000)) == "audio_too_short"
    assert code_of((np.zeros(159), 16000)) == "audio_too_short"
    assert code_of((np.zeros(160), 16000)) == "ok"
    assert code_of((np.full(999, np.nan), 16000)) == "bad_audio"
    assert code_of((np.full(999, 1e300), 16000)) == "bad_audio"
    assert code_of((np.broadcast_to(np.float32(0), 1 << 40), 16000)) == "audio_too_long"


def test_limits() -> None:
    data = sound(tone(seconds=2))
    assert code_of(data, limits=MediaLimits(max_audio_seconds=2)) == "ok"
    assert code_of(data, limits=MediaLimits(max_audio_seconds=1.99)) == "audio_too_long"
    assert code_of(data, limits=MediaLimits(max_audio_values=31_999)) == "audio_too_long"
    assert code_of(data, limits=MediaLimits(max_audio_bytes=len(data))) == "ok"
    assert code_of(data, limits=MediaLimits(max_audio_bytes=len(data) - 1)) == "audio_too_long"
    endless = hazards.endless(sound(tone(seconds=2), format_="FLAC"))
    assert len(load_audio(endless)) == 32000
    assert code_of(endless, limits=MediaLimits(max_audio_seconds=1.99)) == "audio_too_long"


def test_urls_and_other_types_are_refused() -> None:
    for url in ("http://127.0.0.1/a.wav", "https://x/y", "file:///etc/passwd", "rtsp://x"):
        assert code_of(url) == "remote_not_allowed"
    for source in (None, 5, ["x"], np.zeros(16000)):
        assert code_of(source) == "bad_audio"
    assert code_of("data:audio/wav;base64,!!!!") == "bad_audio"


def test_messages() -> None:
    with pytest.raises(MediaError, match=r"^audio: empty file$"):
        load_audio(b"")
    with pytest.raises(MediaError, match=r"^take 3: non-finite samples$"):
        load_audio((np.full(999, np.inf), 16000), name="take 3")
    with pytest.raises(MediaError, match=r"^audio: longer than 600 s$"):
        load_audio((np.broadcast_to(np.int16(0), 16000 * 601), 16000))
    with pytest.raises(MediaError, match=r"AVI is not read; accepted are WAV, FLAC"):
        load_audio(b"RIFF\0\1\0\0AVI LIST" + bytes(500))


# --- mutated files -------------------------------------------------------------------------------


def test_mutated_sounds_are_refused_or_read() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (4000, 2))
    kinds = (
        ("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAVEX", "PCM_24"), ("RF64", "PCM_16"),
        ("WAV", "ULAW"), ("AIFF", "PCM_16"),
        ("FLAC", "PCM_16"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"), ("WAV", "IMA_ADPCM"),
    )  # fmt: skip
    seeds = [sound(noise, 16000, *kind) for kind in kinds]
    rng = random.Random(0)
    outcomes = [code_of(mutated(seeds[i % len(seeds)], rng)) for i in range(220)]
    assert outcomes.count("ok") > 30 and outcomes.count("bad_audio") > 30  # else it tests nothing

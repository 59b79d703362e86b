"""Spoken text for training: espeak-ng voices, and what rooms, microphones and noise do to them.

espeak-ng is a program that only training needs; nothing at run time imports this module.
"""

from __future__ import annotations

import io
import random
import subprocess
import wave as wave_file
from collections.abc import Sequence
from typing import Literal

import numpy as np
import soxr

from .base import QA, say, yes_no
from .words import real_word

RATE = 16_000
"""Samples per second of every array here (mono float32 in [-1, 1])."""

SpeechSplit = Literal["train", "seeds", "voices"]

# "en" is the British voice: espeak-ng 1.51 ignores variants of its other name, "en-gb".
VOICES: tuple[str, ...] = tuple(
    f"{accent}+{variant}"
    for accent, variants in {
        "en-us": "m1 m2 m3 m5 m7 f1 f2 f3 f4 Alex Michael linda klatt2 Alicia Andrea Gene Mario Mike adam antonio "
        "aunty benjamin caleb grandma john pablo quincy rob shelby zac",
        "en": "m1 m3 m6 f2 f4 Lee edward belinda klatt4 Denis Hugo anika boris david ed grandpa michel paul travis "
        "victor",
        "en-gb-scotland": "m2 m7 f1 f3 Jacky robert sandro",
        "en-gb-x-rp": "m3 m5 f2 f4 Marco gustave norbert",
        "en-gb-x-gbclan": "m6 f1 miguel",
        "en-gb-x-gbcwmd": "m1 f3 Diogo",
        "en-029": "m2 m6 f4 Henrique",
        "en-us-nyc": "m5 f1 pedro",
    }.items()
    for variant in variants.split()
)
HELD_OUT_VOICES: tuple[str, ...] = (
    "en-us+m4", "en-us+f5", "en+m8", "en-gb-x-rp+Andy", "en-us+Annie", "en-gb-scotland+steph",
)  # fmt: skip
"""Speakers whose variants no training voice uses."""


def speak(text: str, voice: str = "en-us", speed: int = 160, pitch: int = 50) -> np.ndarray:
    """`text` spoken by espeak-ng, without effects: float32 mono at 16 kHz.

    `speed` is in words a minute, `pitch` 0 to 99. Raises `RuntimeError` where espeak-ng is missing or refuses.
    """
    command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "-b", "1"]
    try:
        done = subprocess.run([*command, "--stdin", "--stdout"], input=text.encode(), capture_output=True, check=True)
    except FileNotFoundError:
        raise RuntimeError(
            "espeak-ng is not installed; training on speech needs it (Debian, Ubuntu: apt-get install espeak-ng; "
            "macOS: brew install espeak-ng)"
        ) from None
    except subprocess.CalledProcessError as error:
        raise RuntimeError(f"espeak-ng failed for voice {voice!r}: {error.stderr.decode(errors='replace')}") from error
    with wave_file.open(io.BytesIO(done.stdout)) as file:  # its header states a length of 2 GB, so read what is there
        rate, data = file.getframerate(), file.readframes(file.getnframes())
    samples = np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / 32768
    return np.clip(soxr.resample(samples, rate, RATE), -1, 1).astype(np.float32)


def loudness(wave: np.ndarray) -> float:
    """Root mean square over the parts that are not silent."""
    loud = np.abs(wave) > 0.02 * (np.abs(wave).max() if len(wave) else 0)
    return float(np.sqrt(np.mean(wave[loud] ** 2))) if loud.any() else 0.0


def coloured_noise(length: int, colour: str, rng: np.random.Generator) -> np.ndarray:
    """Noise of unit loudness: white, pink (-3 dB an octave), brown (-6), blue (+3), or mains hum."""
    if colour == "hum":
        base, t = rng.choice((50.0, 60.0)), np.arange(length) / RATE
        phases, falloff = rng.uniform(0, 6.28, 5), rng.uniform(0.3, 1.2)
        harmonics = zip((1, 2, 3, 4, 6), phases, strict=True)
        noise = np.sum([np.sin(2 * np.pi * base * k * t + phase) / k**falloff for k, phase in harmonics], axis=0)
    else:
        spectrum = np.fft.rfft(rng.standard_normal(length))
        slope = {"white": 0.0, "pink": -0.5, "brown": -1.0, "blue": 0.5}[colour]
        frequency = np.maximum(np.fft.rfftfreq(length, 1 / RATE), 20)
        noise = np.fft.irfft(spectrum * frequency**slope, length)
    return (noise / (np.sqrt(np.mean(noise**2)) + 1e-9)).astype(np.float32)


def _padded(length: int) -> int:
    """A length that the FFT likes."""
    return 1 << (length - 1).bit_length()


def reverb(wave: np.ndarray, seconds: float, wet: float, rng: np.random.Generator) -> np.ndarray:
    """A room: decaying noise as its impulse response, `seconds` to fade by 60 dB."""
    tail = max(64, round(seconds * RATE))
    response = rng.standard_normal(tail) * np.exp(-6.9 * np.arange(tail) / tail)
    response *= wet / np.sqrt(np.sum(response**2))
    response[0] += 1
    size = _padded(len(wave) + tail)
    length = len(wave) + tail // 2
    return np.fft.irfft(np.fft.rfft(wave, size) * np.fft.rfft(response, size), size)[:length].astype(np.float32)


def band_limit(wave: np.ndarray, low: float, high: float) -> np.ndarray:
    """Fades out what lies below `low` and above `high` Hz."""
    size = _padded(len(wave))
    frequency = np.fft.rfftfreq(size, 1 / RATE)
    gain = 1 / (1 + (low / np.maximum(frequency, 1)) ** 4) / (1 + (frequency / high) ** 6)
    return np.fft.irfft(np.fft.rfft(wave, size) * gain, size)[: len(wave)].astype(np.float32)


def as_by_tape(wave: np.ndarray, factor: float) -> np.ndarray:
    """`factor` times as fast; pitch and timbre shift, too, as of a speaker with a shorter throat."""
    return np.interp(np.arange(0, len(wave) - 1, factor), np.arange(len(wave)), wave).astype(np.float32)


def augment(wave: np.ndarray, rng: random.Random, worst_snr: float = 5) -> np.ndarray:
    """The same sound somewhere else: another tempo, room, microphone, level and background.

    Noise is at least `worst_snr` dB weaker than the sound; from 20 up it never hums, since a hum is heard.
    """
    noise_rng = np.random.default_rng(rng.getrandbits(32))
    if rng.random() < 0.3:
        wave = as_by_tape(wave, rng.uniform(0.93, 1.08))
    before, after = (round(rng.uniform(0, 0.4) * RATE) for _ in range(2))
    wave = np.pad(wave, (before, after))
    if rng.random() < 0.3:
        wave = reverb(wave, rng.uniform(0.08, 0.45), rng.uniform(0.15, 0.7), noise_rng)
    if rng.random() < 0.25:
        wave = band_limit(wave, rng.uniform(30, 300), rng.uniform(3000, 7000))
    peak = float(np.abs(wave).max()) if len(wave) else 0.0
    if not peak:
        return wave
    wave = wave * np.float32(10 ** rng.uniform(-1.0, -0.02) / peak)
    if rng.random() < 0.75:
        colours = ("white", "white", "pink", "pink", "brown", "blue", "hum")
        colour = rng.choice(colours if worst_snr < 20 else colours[:-1])
        snr = rng.uniform(worst_snr if rng.random() < 0.3 else max(15, worst_snr), 40)
        level = loudness(wave) * 10 ** (-snr / 20)
        wave = wave + coloured_noise(len(wave), colour, noise_rng) * np.float32(level)
    return np.clip(wave, -1, 1).astype(np.float32)


def clip(text: str, seed: int, split: SpeechSplit = "train") -> np.ndarray:
    """`text` as one training or test clip; equal arguments give equal samples.

    `train` and `seeds` share the speakers; `voices` has speakers (and so timbres) that training never hears. So that
    these are understood, half of the clips of `train` are of throats longer or shorter than espeak-ng has.
    """
    rng = random.Random(f"speech/{split}/{seed}/{text}")
    voice = rng.choice(HELD_OUT_VOICES if split == "voices" else VOICES)
    wave = speak(text, voice, rng.randint(125, 200), rng.randint(30, 70))
    if split == "train" and rng.random() < 0.5:
        wave = as_by_tape(wave, rng.uniform(0.85, 1.18))
    return augment(wave, rng)


_OPENERS = (
    "Please tell me: ",
    "Listen. ",
    "Quick question: ",
    "Listen to the recording. ",
    "Please answer: ",
    "Hi! ",
    "Question: ",
)
_ENDINGS = (" please", ", please", " in the recording", " in this clip", " in the audio")


def ask_heard(
    rng: random.Random, kind: str, templates: Sequence[str], answer: object,
    sentence: str = "", accept: Sequence[str] = (), **slots: object,
) -> QA:  # fmt: skip
    """`base.ask` for what is heard: its polite forms speak of pictures."""
    question = say(rng, rng.choice(templates), **slots)
    question = question[0].upper() + question[1:]
    if (
        rng.random() < 0.1
        and question.endswith("?")
        and not any(word in question for word in ("record", "audio", "clip"))
    ):
        question = question[:-1] + rng.choice(_ENDINGS) + "?"
    elif rng.random() < 0.1:
        question = rng.choice(_OPENERS) + question
    if rng.random() < 0.08:
        question = question.rstrip("?.")
    if rng.random() < 0.10:
        question = question.lower()
    full = say(rng, sentence, answer=answer, **slots) if sentence else ""
    return QA(kind, question, str(answer), full[:1].upper() + full[1:], tuple(accept))


_TRANSCRIBE = (
    "What [is|was] said?", "What does the [speaker|voice|person|recording] say?",
    "Transcribe the [audio|recording|speech|clip].", "Write down what you hear.", "What are the words?",
    "What did they say?", "Transcribe this.", "What do you hear?", "[Which|What] words are spoken?",
    "Repeat what [is|was] said.", "Type out the spoken text.", "transcript?",
)  # fmt: skip
_ANY_SPEECH = (
    "Is there [any |]speech[| in the audio| in the recording]?",
    "Do you hear [someone|anyone|a voice|a person] [speaking|talking]?", "Does [someone|anybody] [speak|talk]?",
    "Is [someone|anyone] talking?", "Are there [any |]spoken words?", "Can you hear a [human |]voice?",
    "Is anything said?",
)  # fmt: skip
_HEARD_WORD = (
    'Is the word "{x}" [said|spoken]?', 'Do you hear [the word |]"{x}"?', 'Does the [speaker|voice] say "{x}"?',
    'Is "{x}" one of the words?', 'Can you hear "{x}"?',
)  # fmt: skip
_NTH_WORD = (
    "What is the {nth} word[| that is spoken]?", "Which word [comes|is spoken] {nth}?", "{nth} word?",
    "Name the {nth} word you hear.",
)  # fmt: skip


def any_speech(rng: random.Random, truth: bool) -> QA:
    """Whether someone speaks; asked of spoken clips and of sounds alike."""
    sentence = "Yes, someone [speaks|is talking]." if truth else "No, there is no speech."
    return ask_heard(rng, "yes_no", _ANY_SPEECH, yes_no(truth), sentence)


def questions(text: str, rng: random.Random) -> list[QA]:
    """What can be asked about a clip in which `text` is spoken, transcription first."""
    words = [word.strip(".,!?") for word in text.split()]
    out = [
        ask_heard(rng, "reading", _TRANSCRIBE, text, '[The voice says|It says|They say]: "{answer}".'),
        any_speech(rng, True),
    ]
    if len(words) > 1:
        at, nth = rng.choice(((0, "first"), (-1, "last")))
        out.append(ask_heard(rng, "reading", _NTH_WORD, words[at], 'The {nth} word is "{answer}".', nth=nth))
    word = rng.choice(words)
    truth = rng.random() < 0.5
    asked = word if truth else real_word(rng, held=False)
    truth = asked in words
    sentence = 'Yes, "{x}" is said.' if truth else 'No, "{x}" is not said.'
    out.append(ask_heard(rng, "yes_no", _HEARD_WORD, yes_no(truth), sentence, x=asked))
    return out

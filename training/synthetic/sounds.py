"""Sounds without words: beeps and clicks to count, tones, sweeps, noise, silence, and questions on them.

`make_sound(seed, split)` is to sounds what `make` is to pictures. `train` and `seeds` share the
timbres; `voices` (the split's name in `speech`) has a bell and an FM timbre that training never hears.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .base import QA, Scene, article, ask, plural, say
from .speech import RATE, SpeechSplit, any_speech, augment, coloured_noise

KINDS = ("beeps", "tone", "sweep", "pair", "noise", "hum", "clicks", "silence")
_WEIGHTS = (26, 16, 16, 12, 8, 6, 10, 6)
_COUNT_NAMES = ("zero", "one", "two", "three", "four", "five", "six")


@dataclass(frozen=True)
class Sound:
    """One sound with its truth; `facts` are the canonical phrases that the caption contains."""

    wave: np.ndarray
    scene: Scene
    facts: frozenset[str]
    questions: list[QA]
    caption: str


# --- synthesis -----------------------------------------------------------------------------------

Timbre = Callable[[np.ndarray], np.ndarray]
"""From phase in turns to samples."""


def _harmonics(*levels: float) -> Timbre:
    return lambda p: sum(level * np.sin(2 * np.pi * (k + 1) * p) for k, level in enumerate(levels))  # type: ignore[return-value]


_TIMBRES: dict[str, Timbre] = {
    "sine": _harmonics(1),
    "soft": _harmonics(1, 0.3, 0.1),
    "organ": _harmonics(1, 0.5, 0.35, 0.2, 0.1),
    "reed": _harmonics(1, 0, 0.4, 0, 0.2, 0, 0.1),
    "triangle": lambda p: 2 * np.abs(2 * ((p + 0.25) % 1) - 1) - 1,
    "square": lambda p: np.tanh(4 * np.sin(2 * np.pi * p)),
    "saw": _harmonics(1, 0.5, 0.33, 0.25, 0.2, 0.17, 0.14),
    "bell": lambda p: np.sin(2 * np.pi * p) + 0.5 * np.sin(2 * np.pi * 2.76 * p) + 0.25 * np.sin(2 * np.pi * 5.4 * p),
    "fm": lambda p: np.sin(2 * np.pi * p + 1.5 * np.sin(2 * np.pi * 2 * p)),
}
_HELD_OUT_TIMBRES = ("bell", "fm")


def _tone(start: float, end: float, seconds: float, timbre: str) -> np.ndarray:
    """A tone from `start` to `end` Hz (evenly in octaves), faded in and out so that it does not click."""
    length = round(seconds * RATE)
    wave = _TIMBRES[timbre](np.cumsum(np.geomspace(start, end, length)) / RATE)
    fade = min(length // 2, round(0.012 * RATE))
    envelope = np.ones(length)
    envelope[:fade] = np.linspace(0, 1, fade)
    envelope[length - fade :] = np.linspace(1, 0, fade)
    if timbre == "bell":
        envelope *= np.exp(-2.5 * np.arange(length) / length)
    return (wave * envelope).astype(np.float32)


def _click(rng: np.random.Generator) -> np.ndarray:
    length = round(0.015 * RATE)
    return (rng.standard_normal(length) * np.exp(-np.arange(length) / (0.002 * RATE))).astype(np.float32)


def _spaced(parts: Sequence[np.ndarray], gaps: Sequence[float]) -> np.ndarray:
    """Parts one after the other with silence between them."""
    out = [parts[0]]
    for part, gap in zip(parts[1:], gaps, strict=True):
        out += [np.zeros(round(gap * RATE), np.float32), part]
    return np.concatenate(out)


def synthesise(scene: Scene) -> np.ndarray:
    """The clean sound of a scene: float32 mono at 16 kHz; the same scene gives the same samples."""
    rng = np.random.default_rng(scene["seed"])
    kind, seconds = scene["kind"], scene["seconds"]
    if kind == "silence":
        return (rng.standard_normal(round(seconds * RATE)) * scene["floor"]).astype(np.float32)
    if kind in ("noise", "hum"):
        wave = coloured_noise(round(seconds * RATE), scene["colour"], rng)
        return wave * np.float32(0.9 / np.abs(wave).max())
    if kind == "clicks":
        return _spaced([_click(rng) for _ in range(scene["count"])], scene["gaps"])
    tones = [_tone(start, end, seconds, scene["timbre"]) for start, end in scene["tones"]]
    return _spaced(tones, scene["gaps"])


# --- scenes --------------------------------------------------------------------------------------


def _pitch(rng: random.Random, name: str) -> float:
    """A frequency that people call so; an octave and a half lies between low and high."""
    low, high = {"low": (130, 380), "high": (1100, 3000)}[name]
    return round(low * (high / low) ** rng.random(), 1)


def compose(rng: random.Random, split: SpeechSplit) -> Scene:
    """Plain data of one sound."""
    kind = rng.choices(KINDS, _WEIGHTS)[0]
    held_out = split == "voices"
    timbre = rng.choice(_HELD_OUT_TIMBRES if held_out else [t for t in _TIMBRES if t not in _HELD_OUT_TIMBRES])
    scene: Scene = {"kind": kind, "seed": rng.getrandbits(31), "timbre": timbre, "seconds": 1.0, "gaps": []}
    if kind in ("beeps", "clicks"):
        count = rng.randint(1, 6)
        gap = rng.uniform(0.16, 0.4)
        uneven = rng.random() < 0.3
        scene |= {"count": count, "seconds": round(rng.uniform(0.08, 0.2), 3)}
        scene["gaps"] = [round(gap * rng.uniform(0.8, 1.5) if uneven else gap, 3) for _ in range(count - 1)]
        if kind == "beeps":
            pitch = rng.choice(("low", "high"))
            frequency = _pitch(rng, pitch)
            scene |= {"pitch": pitch, "tones": [[frequency, frequency]] * count}
    elif kind == "tone":
        pitch, length = rng.choice(("low", "high")), rng.choice(("short", "long"))
        frequency = _pitch(rng, pitch)
        seconds = rng.uniform(0.12, 0.35) if length == "short" else rng.uniform(1.4, 2.6)
        scene |= {"pitch": pitch, "length": length, "seconds": round(seconds, 3), "tones": [[frequency, frequency]]}
    elif kind == "sweep":
        bottom = rng.uniform(150, 500)
        top, direction = bottom * rng.uniform(2.5, 6), rng.choice(("rises", "falls"))
        ends = [round(bottom, 1), round(top, 1)]
        scene |= {"direction": direction, "tones": [ends if direction == "rises" else ends[::-1]]}
        scene["seconds"] = round(rng.uniform(0.5, 2.0), 3)
        if rng.random() < 0.35:  # in steps, like notes of a scale
            steps = rng.randint(3, 6)
            notes = [round(float(f), 1) for f in np.geomspace(*scene["tones"][0], steps)]
            scene |= {"tones": [[f, f] for f in notes], "gaps": [0.03] * (steps - 1)}
            scene["seconds"] = round(rng.uniform(0.15, 0.3), 3)
    elif kind == "pair":
        base = rng.uniform(200, 900)
        pair = [round(base, 1), round(base * rng.uniform(1.6, 3), 1)]
        second = rng.choice(("higher", "lower"))
        scene |= {"second": second, "tones": [[f, f] for f in (pair if second == "higher" else pair[::-1])]}
        scene |= {"gaps": [round(rng.uniform(0.2, 0.5), 3)], "seconds": round(rng.uniform(0.3, 0.7), 3)}
    else:
        scene |= {"seconds": round(rng.uniform(0.8, 2.5), 3), "floor": rng.choice((0.0, 0.0003, 0.001))}
        scene["colour"] = "hum" if kind == "hum" else rng.choice(("white", "white", "pink", "blue"))
    return scene


_NAMES: dict[str, tuple[str, tuple[str, ...]]] = {
    "beeps": ("beeps", ("beep", "a beep", "tones", "beeping")),
    "tone": ("tone", ("beep", "a tone", "a note", "note")),
    "sweep": ("sweep", ("a sweep", "siren", "gliding tone", "tones")),
    "pair": ("two tones", ("tones", "two notes", "2 tones", "two beeps")),
    "noise": ("noise", ("white noise", "hiss", "static")),
    "hum": ("hum", ("a hum", "humming", "buzz")),
    "clicks": ("clicks", ("click", "a click", "clicking", "ticks")),
    "silence": ("silence", ("nothing", "no sound")),
}


def _described(scene: Scene, rng: random.Random) -> tuple[str, frozenset[str]]:
    """A caption, and the fact phrases in it."""
    kind = scene["kind"]
    if kind in ("beeps", "clicks"):
        noun = plural(kind[:-1], scene["count"])
        pitch = f"{scene['pitch']} " if kind == "beeps" else ""
        fact = f"{_COUNT_NAMES[scene['count']]} {pitch}{noun}"
    elif kind == "tone":
        fact = f"{scene['length']} {scene['pitch']} tone"
    elif kind == "sweep":
        fact = f"tone that {scene['direction']}"
    elif kind == "pair":
        fact = f"two tones, the second {scene['second']}"
    else:
        fact = {"noise": "noise", "hum": "low hum", "silence": "silence"}[kind]
    counted = kind in ("beeps", "clicks", "pair", "noise", "silence")
    caption = say(rng, "[There is|This is|You hear|The sound is] {x}.", x=fact if counted else article(fact))
    if caption.startswith("There is") and kind in ("beeps", "clicks", "pair") and scene.get("count") != 1:
        caption = caption.replace("There is", "There are")
    return caption.replace("This is", "These are") if scene.get("count", 1) > 1 else caption, frozenset({fact})


# --- questions -----------------------------------------------------------------------------------

_WHAT = (
    "What do you hear?", "What [is|can be heard] in the [recording|audio|clip]?", "What sound is [this|it|that]?",
    "What kind of sound is [this|it]?", "Describe the sound.", "What is the sound?", "Name the sound.", "Which sound is this?",
    "What can you hear?", "Identify the sound.",
)  # fmt: skip
_HOW_MANY = (
    "How many {x} [are there|do you hear|can you hear|were there]?", "Count the {x}.", "[Number|Count] of {x}?",
    "What is the number of {x}?", "How often does it {verb}?", "How many times does it {verb}?", "How many {x}?",
)  # fmt: skip
_PITCH = (
    "Is the [tone|sound|pitch] high or low?", "Is it a high or a low [tone|sound|pitch]?", "high or low [pitch|tone]?",
    "Is the pitch low or high?", "What is the pitch, high or low?", "How high is the [tone|sound|pitch]: high or low?",
    "Does it sound high or low?",
)  # fmt: skip
_LENGTH = (
    "Is the [tone|sound|beep] long or short?", "Is it a long or a short [tone|sound]?", "long or short?",
    "How long is the [tone|sound], long or short?", "Does the [tone|sound] last long or is it short?", "Is it short or long?",
)  # fmt: skip
_DIRECTION = (
    "Does the [pitch|tone|sound] rise or fall?", "Does the [pitch|tone|sound] go up or down?", "Is the pitch rising or falling?",
    "rising or falling?", "Which way does the pitch go?", "How does the pitch change?", "Does it get higher or lower?",
    "What happens to the pitch?",
)  # fmt: skip
_SECOND = (
    "Is the second [tone|note|sound] higher or lower[| than the first]?", "Is the {nth} [tone|note] the higher or the lower one?",
    "Which [tone|note] is higher, the first or the second?", "Which of the two [tones|notes] is [higher|the higher one]?",
    "Compared with the first, is the second [tone|note] higher or lower?", "Higher tone: first or second?",
)  # fmt: skip
_HEARD = (
    "Do you hear {a}?", "Is there {a}[| in the recording| in the audio]?", "Can you hear {a}?", "Is the sound {a}?",
    "Does the [recording|clip|audio] contain {a}?", "Is {a} to be heard?",
)  # fmt: skip
_SILENT = (
    "Is it silent?", "Is there [any sound|a sound at all|anything to hear]?", "Can you hear anything?", "Is there silence?",
    "Is the [recording|clip] silent?", "Is the clip quiet?",
)  # fmt: skip
_THINGS = {
    "beeps": "beeps", "tone": "a single tone", "sweep": "a tone that changes pitch", "pair": "two tones", "noise": "noise",
    "hum": "a hum", "clicks": "clicks", "silence": "silence",
}  # fmt: skip


def questions(scene: Scene, rng: random.Random) -> list[QA]:
    """All that can be asked about the sound, in random order."""
    kind = scene["kind"]
    name, others = _NAMES[kind]
    out = [ask(rng, "what", _WHAT, name, "[I hear|It is|The sound is] {x}.", accept=others, x=_THINGS[kind])]
    if kind in ("beeps", "clicks"):
        count, verb = scene["count"], kind[:-1]
        out.append(ask(rng, "count", _HOW_MANY, count, "There {are} {answer} {x}.", accept=(_COUNT_NAMES[count],),
                       are="is" if count == 1 else "are", x=plural(verb, count), verb=verb))  # fmt: skip
        out[-1] = _plural_question(out[-1], verb, count)
    if "pitch" in scene:
        out.append(ask(rng, "attribute", _PITCH, scene["pitch"], "The pitch is {answer}."))
    if "length" in scene:
        out.append(ask(rng, "attribute", _LENGTH, scene["length"], "The tone is {answer}."))
    if kind == "sweep":
        accept = {"rises": ("rise", "up", "rising", "goes up", "it rises", "higher", "it gets higher"),
                  "falls": ("fall", "down", "falling", "goes down", "it falls", "lower", "it gets lower")}  # fmt: skip
        out.append(ask(rng, "attribute", _DIRECTION, scene["direction"], "The pitch {answer}.", accept=accept[scene["direction"]]))
    if kind == "pair":
        out += _about_pair(scene, rng)
    out += _existence(scene, rng)
    if kind not in ("beeps", "clicks") and rng.random() < 0.3:
        thing = rng.choice(("beep", "click") if kind not in ("tone", "pair", "sweep") else ("click",))
        out.append(ask(rng, "absent", _HOW_MANY[:4], f"There are no {thing}s.", x=f"{thing}s", verb=thing))
    rng.shuffle(out)
    return out

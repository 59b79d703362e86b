"""Sounds without words: beeps and clicks to count, tones, sweeps, noise, silence, and questions on them.

`make_sound(seed, split)` is to sounds what `make` is to pictures. `train` and `seeds` share the
timbres; `voices` (the split's name in `speech`) has a bell and an FM timbre that training never hears.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .base import QA, Scene, article, plural, say, yes_no
from .speech import RATE, SpeechSplit, any_speech, ask_heard, augment, coloured_noise

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
            start, end = scene["tones"][0]
            notes = [round(float(f), 1) for f in np.geomspace(start, end, steps)]
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
    several = kind == "pair" or scene.get("count", 1) > 1
    opener = "[There are|These are|You hear|I hear]" if several else "[There is|This is|You hear|The sound is]"
    bare = kind in ("beeps", "clicks", "pair", "noise", "silence")
    return say(rng, opener + " {x}.", x=fact if bare else article(fact)), frozenset({fact})


# --- questions -----------------------------------------------------------------------------------

_WHAT = (
    "What do you hear?", "What [is|can be heard] in the [recording|audio|clip]?", "What sound is [this|it|that]?",
    "What kind of sound is [this|it]?", "Describe the sound.", "What is the sound?", "Name the sound.",
    "Which sound is this?", "What can you hear?", "Identify the sound.",
)  # fmt: skip
_HOW_MANY = (
    "How many {xs} [are there|do you hear|can you hear|were there]?", "Count the {xs}.", "[Number|Count] of {xs}?",
    "What is the number of {xs}?", "How often does it {verb}?", "How many times does it {verb}?", "How many {xs}?",
)  # fmt: skip
_PITCH = (
    "Is the [tone|sound|pitch] high or low?", "Is it a high or a low [tone|sound|pitch]?", "high or low [pitch|tone]?",
    "Is the pitch low or high?", "What is the pitch, high or low?", "How high is the [tone|sound|pitch]: high or low?",
    "Does it sound high or low?",
)  # fmt: skip
_LENGTH = (
    "Is the [tone|sound|beep] long or short?", "Is it a long or a short [tone|sound]?", "long or short?",
    "How long is the [tone|sound], long or short?", "Does the [tone|sound] last long or is it short?",
    "Is it short or long?",
)  # fmt: skip
_DIRECTION = (
    "Does the [pitch|tone|sound] rise or fall?", "Does the [pitch|tone|sound] go up or down?",
    "Is the pitch rising or falling?", "rising or falling?", "Which way does the pitch go?",
    "How does the pitch change?", "Does it get higher or lower?", "What happens to the pitch?",
)  # fmt: skip
_DIRECTION_WORDS = {
    "rises": ("rise", "up", "rising", "goes up", "it rises", "higher", "it gets higher"),
    "falls": ("fall", "down", "falling", "goes down", "it falls", "lower", "it gets lower"),
}
_SECOND = (
    "Is the second [tone|note|sound] higher or lower[| than the first]?",
    "Is the second [tone|note] the higher or the lower one?",
    "Compared with the first, is the second [tone|note] higher or lower?", "second tone: higher or lower?",
    "Does the second [tone|note] sound higher or lower?",
)  # fmt: skip
_WHICH = (
    "Which [tone|note] is {more}, the first or the second?", "Which of the two [tones|notes] is [|the ]{more}[| one]?",
    "{more} tone: first or second?", "Is the first or the second [tone|note] {more}?",
    "Is the {more} [tone|note] first or second?",
)  # fmt: skip
_HEARD = (
    "Do you hear {x}?", "Can you hear {x}?", "Does the [recording|clip|audio] contain {x}?", "Is what you hear {x}?",
    "Did you hear {x}[| in the recording]?", "Does it sound like {x}?", "Would you say that this is {x}?",
)  # fmt: skip
_SILENT = ("Is it silent?", "Is there silence?", "Is the [recording|clip|audio] silent?", "Is there nothing to hear?",
           "Is the [recording|clip|audio] without any sound?")  # fmt: skip
_AUDIBLE = (
    "Is there [any sound|a sound at all|anything to hear]?", "Can you hear anything?",
    "Do you hear [anything|something]?", "Does the [recording|clip] contain any sound?",
)  # fmt: skip
_THINGS = {
    "beeps": "beeps", "tone": "a single tone", "sweep": "a tone that changes pitch", "pair": "two tones",
    "noise": "nothing but noise", "hum": "a hum", "clicks": "clicks", "silence": "silence",
}  # fmt: skip
# What cannot honestly be denied: one beep is a tone, notes of a scale are tones, a hum is a noise.
_ALIKE: dict[str, tuple[str, ...]] = {
    "beeps": ("tone", "pair"), "tone": ("beeps", "pair", "hum"), "pair": ("beeps", "tone", "sweep"),
    "sweep": ("beeps", "tone", "pair"), "noise": ("hum",), "hum": ("noise", "tone"), "clicks": (), "silence": (),
}  # fmt: skip


def questions(scene: Scene, rng: random.Random) -> list[QA]:
    """All that can be asked about the sound, in random order."""
    kind, count = scene["kind"], scene.get("count", 0)
    name, others = _NAMES[kind]
    if count == 1:
        name, others = kind[:-1], (*others, "tone")
    heard = article(name) if count == 1 else _THINGS[kind]
    out = [ask_heard(rng, "what", _WHAT, name, "[I hear|The sound is] {x}.", accept=others, x=heard)]
    if count:
        noun = kind[:-1]
        out.append(
            ask_heard(
                rng,
                "count",
                _HOW_MANY,
                count,
                "There {are} {answer} {x}.",
                accept=(_COUNT_NAMES[count],),
                are="is" if count == 1 else "are",
                x=plural(noun, count),
                xs=plural(noun),
                verb=noun,
            )
        )
    elif rng.random() < 0.3:
        noun = rng.choice(("beep", "click") if kind in ("noise", "hum", "silence") else ("click",))
        out.append(ask_heard(rng, "absent", _HOW_MANY[:4], f"There are no {noun}s.", xs=plural(noun), verb=noun))
    if "pitch" in scene:
        out.append(ask_heard(rng, "attribute", _PITCH, scene["pitch"], "The pitch is {answer}."))
    if "length" in scene:
        out.append(ask_heard(rng, "attribute", _LENGTH, scene["length"], "The tone is {answer}."))
    if kind == "sweep":
        out.append(
            ask_heard(
                rng,
                "attribute",
                _DIRECTION,
                scene["direction"],
                "The pitch {answer}.",
                accept=_DIRECTION_WORDS[scene["direction"]],
            )
        )
    if kind == "pair":
        more = rng.choice(("higher", "lower"))
        which = "second" if more == scene["second"] else "first"
        out.append(ask_heard(rng, "comparison", _SECOND, scene["second"], "The second tone is {answer}."))
        out.append(
            ask_heard(
                rng, "comparison", _WHICH, which, "The {answer} tone is {more}.", more=more, accept=(f"the {which}",)
            )
        )
    out += _existence(kind, heard, rng)
    rng.shuffle(out)
    return out


def _existence(kind: str, heard: str, rng: random.Random) -> list[QA]:
    """Yes/no questions; the things that are denied are ones that other sounds have."""
    out = []
    if rng.random() < 0.25:
        out.append(any_speech(rng, False))
    if rng.random() < (0.7 if kind == "silence" else 0.06):  # so that half of the answers are about silence
        silent = kind == "silence"
        if rng.random() < 0.5:
            out.append(
                ask_heard(
                    rng, "yes_no", _SILENT, yes_no(silent), "Yes, it is silent." if silent else "No, there is a sound."
                )
            )
        else:
            out.append(
                ask_heard(
                    rng,
                    "yes_no",
                    _AUDIBLE,
                    yes_no(not silent),
                    "No, it is silent." if silent else "Yes, there is a sound.",
                )
            )
    if rng.random() < 0.5:
        truth = rng.random() < 0.5
        others = [k for k in KINDS if k != kind and k not in _ALIKE[kind]]
        thing = heard if truth else _THINGS[rng.choice(others)]
        sentence = "Yes, I hear {x}." if truth else "No, it is {heard}."
        out.append(ask_heard(rng, "yes_no", _HEARD, yes_no(truth), sentence, x=thing, heard=heard))
    return out


def make_sound(seed: int, split: SpeechSplit = "train") -> Sound:
    """One sound with its questions; equal arguments give an equal sound, samples included."""
    rng = random.Random(f"sounds/{split}/{seed}")
    scene = compose(rng, split)
    caption, facts = _described(scene, rng)
    asked = questions(scene, rng)
    wave = synthesise(scene)
    if scene["kind"] != "silence":  # augmenting would make its floor loud
        wave = augment(wave, rng, worst_snr=24)
    return Sound(wave, scene, facts, asked, caption)

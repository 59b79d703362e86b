"""The studio: the same again by seed, held-out looks held out, questions that cannot be guessed; and its tokenizer."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import astuple
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.synthetic import FAMILIES, Sample, Split, base, family_module, make, sounds, speech
from training.synthetic.sounds import make_sound
from training.synthetic.words import WORDS, held_out
from training.tokenizer import CONTROLS, studio_words, train_tokenizer
from vlm.tokenizer import Tokenizer

ROOT = Path(__file__).parents[2]
SIDES = (96, 1280)
"""Shortest and longest side of any picture, in pixels."""


@cache
def scenes(family: str, split: Split, count: int) -> list[Sample]:
    """Composed, not drawn."""
    return [make(family, seed, split) for seed in range(count)]


def strings(data: Any) -> Iterator[str]:
    """Every text inside plain data."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        yield from strings([*data.values()])
    elif isinstance(data, list | tuple):
        for item in data:
            yield from strings(item)


def fonts_of(sample: Sample) -> set[str]:
    return {text for text in strings(sample.scene) if text.endswith((".ttf", ".otf"))}


# --- pictures --------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("split", ["train", "seeds", "styles"])
def test_equal_arguments_give_equal_samples(family, split):
    for seed in (0, 1, (1 << 40) - 1):
        first, again = make(family, seed, split), make(family, seed, split)
        assert first.scene == again.scene
        assert first.questions == again.questions and first.captions == again.captions and first.facts == again.facts
        picture = first.image
        assert picture.tobytes() == again.image.tobytes() == first.image.tobytes()
        assert picture.mode == "RGB" and SIDES[0] <= min(picture.size) <= max(picture.size) <= SIDES[1]


@pytest.mark.parametrize("family", FAMILIES)
def test_other_seeds_and_splits_give_other_samples(family):
    samples = [make(family, seed, split) for seed in range(5) for split in ("train", "seeds", "styles")]
    assert len({json.dumps(s.scene, sort_keys=True) for s in samples}) == len(samples)
    assert len({s.image.tobytes() for s in samples}) == len(samples)
    assert len({s.captions["detailed"] for s in samples}) == len(samples)


FINGERPRINT = """
import hashlib
from training.synthetic import FAMILIES, make
from training.synthetic.sounds import make_sound
found = hashlib.sha256()
for family in FAMILIES:
    for split in ("train", "styles"):
        sample = make(family, 5, split)
        found.update(repr((sample.scene, sample.questions, sample.captions, sorted(sample.facts))).encode())
        found.update(sample.image.tobytes())
sound = make_sound(5)
found.update(repr((sound.scene, sound.questions, sound.caption)).encode() + sound.wave.tobytes())
print(found.hexdigest())
"""


def in_a_process(script: str, **environment: str) -> str:
    variables = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    done = subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_another_process_draws_the_same():
    """Nothing may depend on the order of a set, which differs from process to process."""
    assert in_a_process(FINGERPRINT, PYTHONHASHSEED="1") == in_a_process(FINGERPRINT, PYTHONHASHSEED="2")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_scene_is_data_and_holds_all_that_drawing_needs(family):
    module = family_module(family)
    for split in ("train", "styles"):
        sample = scenes(family, split, 100)[7]
        stored = json.loads(json.dumps(sample.scene, allow_nan=False))
        assert module.draw(stored).tobytes() == module.draw(sample.scene).tobytes()
        for one in scenes(family, split, 100):
            json.dumps(one.scene, allow_nan=False)


def test_a_machine_without_fonts_draws_all_families():
    """Pillow's own face stands in."""
    script = "from training.synthetic import base; base._FONT_FOLDERS = ()\n" + FINGERPRINT
    assert len(in_a_process(script)) == 64


# --- held out --------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_held_out_styles_are_never_drawn_in_training(family):
    module = family_module(family)
    assert not set(module.STYLES) & set(module.HELD_OUT_STYLES)
    for split, styles in (("train", module.STYLES), ("seeds", module.STYLES), ("styles", module.HELD_OUT_STYLES)):
        assert {s.style for s in scenes(family, split, 100)} == set(styles)


@pytest.mark.parametrize("family", FAMILIES)
def test_held_out_fonts_are_never_drawn_in_training(family):
    seen, unseen = (set(base.font_files(held)) for held in (False, True))
    if seen & unseen or not seen:
        pytest.skip("this system has no fonts of the held-out families (Lato, Ubuntu, FreeSerif, C059, Comic)")
    drawn = {split: set().union(*map(fonts_of, scenes(family, split, 100))) for split in ("train", "seeds", "styles")}
    assert drawn["train"] | drawn["seeds"] <= seen
    assert drawn["styles"] <= unseen
    assert bool(drawn["train"]) == bool(drawn["styles"])


def test_held_out_words_are_never_read_in_training():
    for split, held in (("train", False), ("seeds", False), ("styles", True)):
        found = [line for s in scenes("text", split, 100) for line in s.scene["lines"]]
        alone = [line["text"] for line in found if line["kind"] in ("word", "code", "number")]
        single = [text for text in alone if len(text) > 2]
        assert len(single) > 20 and {held_out(text) for text in single} == {held}
        pairs = [word for line in found if line["kind"] == "words" for word in line["text"].split()]
        assert {held_out(word) for word in pairs if len(word) > 2} == {held}
    share = sum(map(held_out, WORDS)) / len(WORDS)
    assert 0.08 < share < 0.16


def test_the_family_must_be_known():
    with pytest.raises(ValueError, match="unknown family 'nope'; known: shapes"):
        make("nope", 0)
    with pytest.raises(ValueError, match="unknown question kind 'why'"):
        base.QA("why", "Why?", "Because")


# --- questions and captions ------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("split", ["train", "styles"])
def test_captions_hold_the_facts(family, split):
    for sample in scenes(family, split, 100):
        assert list(sample.captions) == ["short", "detailed", "alt", "tags"]
        assert all(text and text == text.strip() for text in sample.captions.values())
        assert len(sample.captions["short"]) < len(sample.captions["detailed"])
        assert sample.facts
        assert all(fact in sample.captions["detailed"].lower() for fact in sample.facts)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("split", ["train", "styles"])
def test_questions_are_whole_and_of_many_kinds(family, split):
    kinds = Counter()
    for sample in scenes(family, split, 100):
        answers = defaultdict(set)
        for qa in sample.questions:
            kinds[qa.kind] += 1
            assert qa.question and qa.answer and len(qa.question) < 250
            answers[qa.question.lower()].add(qa.answer)
            if qa.kind == "json":
                json.loads(qa.answer)
            else:  # no slot of a template was left open
                assert not set("[]{}|") & set(qa.question + qa.answer + qa.sentence), qa
            if qa.kind == "yes_no":
                assert qa.answer in ("Yes", "No") and qa.sentence.startswith((qa.answer, "")), qa
        assert all(len(found) == 1 for found in answers.values()), "one question, two answers"
        assert len(sample.questions) >= 3
    assert set(kinds) <= set(base.KINDS) and len(kinds) >= 8


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("split", ["train", "styles"])
def test_answers_cannot_be_guessed(family, split):
    answers: dict[str, Counter[str]] = defaultdict(Counter)
    for sample in scenes(family, split, 300):
        for qa in sample.questions:
            answers[qa.kind][qa.answer] += 1
    asked = sum(found.total() for found in answers.values())
    guessed = sum(found.most_common(1)[0][1] for found in answers.values())
    assert guessed / asked <= 0.40
    assert 0.40 <= answers["yes_no"]["Yes"] / answers["yes_no"].total() <= 0.60
    assert answers["yes_no"].total() / asked <= 0.25


# --- sounds and speech -----------------------------------------------------------------------------


@pytest.mark.parametrize("split", ["train", "seeds", "voices"])
def test_sounds_are_the_same_again(split):
    for seed in range(12):
        first, again = make_sound(seed, split), make_sound(seed, split)
        assert first.scene == again.scene and first.questions == again.questions and first.caption == again.caption
        assert first.wave.dtype == np.float32 and first.wave.ndim == 1 and np.array_equal(first.wave, again.wave)
        assert np.isfinite(first.wave).all() and np.abs(first.wave).max(initial=0) <= 1
        assert 0.05 < len(first.wave) / speech.RATE < 12
        json.dumps(first.scene, allow_nan=False)
        assert all(fact in first.caption for fact in first.facts)
        assert all(qa.kind in base.KINDS and qa.question and qa.answer for qa in first.questions)
    waves = {make_sound(seed, split).wave.tobytes() for seed in range(12)}
    assert len(waves) == 12 and make_sound(0, "train").wave.tobytes() != make_sound(0, "voices").wave.tobytes()


def test_all_sounds_occur_and_held_out_timbres_only_where_they_may():
    found = {split: [make_sound(seed, split).scene for seed in range(120)] for split in ("train", "voices")}
    for split, some in found.items():
        assert {scene["kind"] for scene in some} == set(sounds.KINDS)
        assert {scene["timbre"] in sounds._HELD_OUT_TIMBRES for scene in some} == {split == "voices"}
    asked = Counter(qa.answer for seed in range(120) for qa in make_sound(seed).questions if qa.kind == "yes_no")
    assert 0.3 < asked["Yes"] / asked.total() < 0.7


def test_a_beep_has_the_pitch_of_its_scene():
    """Value check of the synthesis: count and frequency are what the truth says."""
    scene = {"kind": "beeps", "seed": 1, "timbre": "sine", "seconds": 0.2, "count": 3, "pitch": "low",
             "tones": [[440.0, 440.0]] * 3, "gaps": [0.3, 0.3]}  # fmt: skip
    wave = sounds.synthesise(scene)
    assert len(wave) == 16_000 * 1.2
    loud = np.abs(wave).reshape(-1, 160).max(1) > 0.1
    assert int(np.diff(loud.astype(int)).clip(0).sum() + loud[0]) == 3
    spectrum = np.abs(np.fft.rfft(wave[:3200]))
    assert np.argmax(spectrum) * 5 == pytest.approx(440, abs=5)


def test_held_out_voices_share_no_speaker_with_training():
    def speaker(voice: str) -> str:
        return voice.partition("+")[2]

    assert len(speech.HELD_OUT_VOICES) >= 4
    assert not {*map(speaker, speech.HELD_OUT_VOICES)} & {*map(speaker, speech.VOICES)}
    assert len(set(speech.VOICES)) == len(speech.VOICES) > 30


needs_espeak = pytest.mark.skipif(
    shutil.which("espeak-ng") is None, reason="SPEECH IS NOT TESTED HERE: espeak-ng is not installed"
)


@needs_espeak
def test_speech_is_the_same_again():
    text = "How many red circles are there?"
    first = speech.clip(text, 3)
    assert first.dtype == np.float32 and np.array_equal(first, speech.clip(text, 3))
    assert 0.8 < len(first) / speech.RATE < 6 and 0.05 < np.abs(first).max() <= 1
    for other in (speech.clip(text, 4), speech.clip(text, 3, "voices"), speech.clip("Is it blue?", 3)):
        assert len(other) != len(first) or not np.array_equal(other, first)


@needs_espeak
def test_every_voice_speaks_and_no_two_alike():
    """espeak-ng falls back to its default voice without a word where it does not know a variant."""
    voices = (*speech.VOICES, *speech.HELD_OUT_VOICES)
    spoken = {voice: speech.speak("one two three", voice) for voice in voices}
    assert min(map(len, spoken.values())) > 0.4 * speech.RATE
    digests = {hashlib.sha256(wave.tobytes()).digest() for wave in spoken.values()}
    assert len(digests) == len(voices)


def test_without_espeak_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(RuntimeError, match=r"espeak-ng is not installed.*apt-get install espeak-ng"):
        speech.speak("hello")


# --- the tokenizer that is trained on it -----------------------------------------------------------


@pytest.fixture(scope="module")
def tokenizer(studio_tokenizer: Tokenizer) -> Tokenizer:
    return studio_tokenizer


def pieces(tokenizer: Tokenizer, text: str) -> list[str]:
    return [tokenizer.decode([i]) for i in tokenizer.encode(text)]


def test_words_after_a_space_are_merged(tokenizer):
    assert pieces(tokenizer, " the circle is yellow") == [" the", " circle", " is", " yellow"]
    words = [word for word, _ in studio_words(120).most_common(60)]
    assert all(len(tokenizer.encode(" " + word)) == 1 for word in words)


def test_what_is_quoted_is_spelled(tokenizer):
    """So that reading goes from letters to words that were never seen."""
    assert pieces(tokenizer, ' says "circle"') == [" says", ' "', *"circle", '"'] or pieces(
        tokenizer, ' says "circle"'
    ) == [" says", " ", '"', *"circle", '"']
    assert pieces(tokenizer, "circle") == [*"circle"]
    assert all(len(piece) == 1 for piece in pieces(tokenizer, "Zx9-Q"))


def test_every_beginning_of_a_word_is_a_token(tokenizer):
    vocabulary = tokenizer.backend.get_vocab()
    for token in vocabulary:
        if token.startswith("Ġ") and len(token) > 2:
            assert token[:-1] in vocabulary


def test_the_same_scenes_give_the_same_tokenizer():
    first, again = (train_tokenizer(600, 24, [" hello world"]) for _ in range(2))
    assert first.backend.to_str() == again.backend.to_str()
    assert len(first) <= 600 and pieces(first, " hello world") == [" hello", " world"]


def test_controls_are_the_first_ids(tokenizer):
    assert [tokenizer.control(token) for token in CONTROLS] == list(range(8))
    assert len(tokenizer) <= 1024


TRICKY = (*CONTROLS, "Ġ", "<|", "|>", " the", "<image>", "\x00", "\u202e", "e\u0301")


@settings(max_examples=150, deadline=None)
@given(text=st.lists(st.text(max_size=12) | st.sampled_from(TRICKY), max_size=8).map("".join))
def test_text_comes_back_and_is_never_a_control(tokenizer, text):
    ids = tokenizer.encode(text)
    assert not set(ids) & set(range(8))
    assert tokenizer.decode(ids) == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def test_questions_and_captions_fit_the_context_of_the_smoke_recipe(tokenizer):
    """They are a few dozen tokens, not hundreds: the vocabulary covers the studio."""
    samples = [sample for family in FAMILIES for sample in scenes(family, "train", 100)[:20]]
    lengths = [len(tokenizer.encode(" " + qa.question)) for sample in samples for qa in sample.questions]
    assert sum(lengths) / len(lengths) < 25


def test_all_answers_survive_the_tokenizer(tokenizer):
    for family in FAMILIES:
        for sample in scenes(family, "styles", 100)[:20]:
            for text in (*sample.captions.values(), *(text for qa in sample.questions for text in astuple(qa)[1:4])):
                assert tokenizer.decode(tokenizer.encode(text)) == text

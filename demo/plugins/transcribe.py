"""`transcribe`: what is said in a recording, as far as the model hears it."""

from __future__ import annotations

import numpy as np

from vlm.answering import Answering

from .asking import Answer, ask
from .skill import Skill, SkillInput, Sound

QUESTION = "What is said?"
SILENCE = 1e-3
"""Root mean square around the mean, of full scale 1: quieter sounds say nothing."""


class OneSound(SkillInput):
    sound: Sound


class Transcribe(Skill[OneSound, Answer]):
    name = "transcribe"
    description = "Writes down what is said in a recording."
    input_model, output_model = OneSound, Answer

    def run(self, assistant: Answering, given: OneSound) -> Answer:
        samples, _ = given.sound
        if is_silent(samples):
            return Answer(text="", source="measured")
        return ask(assistant, QUESTION, sounds=[given.sound])


def is_silent(samples: np.ndarray) -> bool:
    """Asked about silence, a model would invent an answer. `samples` (n,) within -1..1."""
    return float(np.std(samples)) < SILENCE

"""Draws the example pictures of this folder from the studio (held-out seeds), and their sounds.

    python examples/make.py

The spoken question needs espeak-ng; everything else needs only the package.
"""

from __future__ import annotations

from pathlib import Path

import soundfile

from training.synthetic import make
from training.synthetic.sounds import make_sound
from training.synthetic.speech import RATE, clip

HERE = Path(__file__).parent
PICTURES = {
    "shapes.png": ("shapes", 0), "palette.png": ("palettes", 2), "wireframe.png": ("wireframes", 11),
    "floor_plan.png": ("floor_plans", 15), "chart.png": ("charts", 14), "sign.png": ("text", 10),
}  # fmt: skip
QUESTION = "Is this a phone, a tablet or a desktop layout?"


def main() -> None:
    for file, (family, seed) in PICTURES.items():
        make(family, seed, "seeds").image.save(HERE / file, optimize=True)
    soundfile.write(HERE / "question.wav", clip(QUESTION, 3, "voices"), RATE, subtype="PCM_16")
    soundfile.write(HERE / "beeps.wav", make_sound(1, "voices").wave, RATE, subtype="PCM_16")


if __name__ == "__main__":
    main()

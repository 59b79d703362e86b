"""The studio: procedural pictures and sounds, each with its truth, deterministic by seed.

`make(family, seed, split)` composes one scene. Splits never meet: `train` and `seeds` share the
styles but not the seeds, `styles` draws styles and fonts that training never sees.

Every family is a package whose files have the same names, as far as it needs them:

- `words`: its styles, and what stands in its pictures and is said about them; `phrases`: how it is asked
- `look`, `layout`, `compose`: choose colours and fonts, find places, put the scene together
- `draw`: the scene's picture
- `truth`: what is true of a scene, by a margin
- `captions`, `ask`, `closed`: what is said and asked
"""

from __future__ import annotations

import random
from importlib import import_module
from typing import Literal

from .base import QA, Family, Sample, Scene

FAMILIES = ("shapes", "palettes", "wireframes", "floor_plans", "charts", "text")
DRILLS = ("pages",)
"""Drawn as families are, for `dense` stages and cut-outs: letters without end, and nothing to ask of the whole."""
Split = Literal["train", "seeds", "styles"]

__all__ = ["DRILLS", "FAMILIES", "QA", "Family", "Sample", "Scene", "Split", "family_module", "make"]


def family_module(family: str) -> Family:
    """The package of a family or drill. Raises `ValueError` for a name that is neither."""
    if family not in FAMILIES + DRILLS:
        raise ValueError(f"unknown family {family!r}; known: {', '.join(FAMILIES + DRILLS)}")
    module: Family = import_module(f"{__name__}.{family}")  # type: ignore[assignment]
    return module


def make(family: str, seed: int, split: Split = "train") -> Sample:
    """One sample; equal arguments give an equal sample, pixels included."""
    module = family_module(family)
    rng = random.Random(f"{family}/{split}/{seed}")
    style = rng.choice(module.HELD_OUT_STYLES if split == "styles" else module.STYLES)
    scene = module.compose(rng, style)
    captions = module.captions(scene, rng)
    questions = module.questions(scene, rng)
    facts = frozenset(match[0].lower() for match in module.FACTS.finditer(captions["detailed"].lower()))
    return Sample(family, style, seed, scene, captions, questions, facts, module, rng.getrandbits(32))

"""A stage is a value: what trains at which rate, on which data, from which weights, for how long.

A recipe (`training/recipes/*.toml`) is a model shape and a list of stages; its fields are the
fields of the dataclasses here.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from vlm.config import ModelConfig, from_dict
from vlm.errors import CheckpointError

PARTS = ("decoder", "vision", "audio", "image_projector", "audio_projector")
"""The parts of a model that a stage can train; `heads` are the stage's own and always train."""


@dataclass(frozen=True)
class Trains:
    """Peak learning rate of each part; 0 is frozen."""

    decoder: float = 0.0
    vision: float = 0.0
    audio: float = 0.0
    image_projector: float = 0.0
    audio_projector: float = 0.0
    heads: float = 1e-3


@dataclass(frozen=True)
class Mixture:
    """Shares of the kinds of example (need not sum to 1)."""

    images: float = 0.0
    """A picture with several questions and a caption request."""
    captions: float = 0.0
    """A picture and its caption."""
    two_images: float = 0.0
    """Two pictures, questions about one of them or both."""
    spoken: float = 0.0
    """A picture and a spoken question."""
    transcripts: float = 0.0
    """Speech to be written down."""
    sounds: float = 0.0
    """Beeps, sweeps and noises with questions."""
    described: float = 0.0
    """The scene in words instead of a picture, with the same questions."""


@dataclass(frozen=True)
class StageConfig:
    """One stage of training. Rates follow warm-up, a constant, then a linear decay over `decay` of the steps."""

    name: str
    objective: Literal["next-token", "contrastive", "ctc"]
    trains: Trains
    mixture: Mixture
    steps: int
    batch_size: int = 16
    accumulate: int = 1
    warmup: int = 100
    decay: float = 0.25
    weight_decay: float = 0.05
    clip_norm: float = 1.0
    questions: int = 7
    """Conversations that share one picture."""
    overview_only: bool = False
    """Leave out the tiles: cheaper, coarser."""
    families: tuple[str, ...] = ()
    """Empty: all of the studio."""
    seed: int = 1
    precision: Literal["bf16", "fp32"] = "bf16"
    checkpoint_seconds: int = 180
    validate_every: int = 500
    validate_samples: int = 60

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 1 or self.accumulate < 1 or not 0 <= self.decay <= 1:
            raise CheckpointError(f"stage {self.name!r}: steps, batch_size and accumulate start at 1, decay is a share")


@dataclass(frozen=True)
class Recipe:
    """A model shape and the stages that make it, in order."""

    name: str
    model: ModelConfig
    stage: tuple[StageConfig, ...]
    seed: int = 1
    tokenizer_size: int = 4096
    tokenizer_scenes: int = 3000
    notes: str = field(default="")


def find_recipe(name: str) -> Recipe:
    """A recipe file by path, or one that ships by its bare name. Raises `CheckpointError`."""
    shipped = Path(__file__).parent / "recipes"
    path = Path(name)
    if not path.exists() and path.name == name:
        path = shipped / f"{name}.toml"
    if not path.is_file():
        known = ", ".join(sorted(p.stem for p in shipped.glob("*.toml")))
        raise CheckpointError(f"{name}: no such recipe; give a .toml file or one of: {known}")
    return load_recipe(path)


def load_recipe(path: Path) -> Recipe:
    """A TOML recipe. Raises `CheckpointError` with the field that is wrong."""
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path}: not valid TOML: {error}") from error
    recipe: Recipe = from_dict(Recipe, data, path.name)
    return recipe

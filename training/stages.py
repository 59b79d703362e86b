"""A stage is a value: what trains at which rate, on which data, from which weights, for how long.

A recipe (`training/recipes/*.toml`) is a model shape and a list of stages; its fields are the
fields of the dataclasses here.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from vlm.config import ModelConfig, check_range, from_dict
from vlm.errors import CheckpointError, VlmError

from .synthetic import DRILLS, FAMILIES
from .synthetic.base import KINDS

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

    def __post_init__(self) -> None:
        for name, rate in vars(self).items():
            check_range(f"trains.{name}", rate, 0, 1)


@dataclass(frozen=True)
class Mixture:
    """Shares of the kinds of example (need not sum to 1)."""

    images: float = 0.0
    """A picture with several questions and a caption request."""
    captions: float = 0.0
    """A picture and its caption."""
    cut_outs: float = 0.0
    """Lines of text, and rooms of a plan, cut out of a picture or a page of letters, and what it says or is called."""
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

    def __post_init__(self) -> None:
        for name, share in vars(self).items():
            check_range(f"mixture.{name}", share, 0, 1e6)
        if not any(vars(self).values()):
            raise CheckpointError("config: mixture is empty; give at least one share above 0")


@dataclass(frozen=True)
class StageConfig:
    """One stage of training. Rates follow warm-up, a constant, then a linear decay over `decay` of the steps."""

    name: str
    objective: Literal["next-token", "contrastive", "dense", "words", "imitate", "ctc"]
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
    balance: float = 0.0
    """A token of an answer of L tokens weighs L^-balance: above 0, short answers are not drowned by captions."""
    told: bool = False
    """The decoder is told what stands on each patch instead of seeing it; see `training/told.py`."""
    naming: float = 0.0
    """Weight of what the decoder is to say, half way through its layers, at each patch: the word written there."""
    pointing: float = 0.0
    """Weight of where two heads of attention are to look: at patches of what is named; see `training/pointing.py`."""
    hearing: float = 0.0
    """Weight of what the tokens of a sound are to be: the words said in it; see `training/hearing.py`."""
    written: float = 0.0
    """Share of the pictures about which is also asked all that is written: many words to repeat where a question asks
    for one."""
    overview_only: bool = False
    """Leave out the tiles: cheaper, coarser."""
    crops: int = 0
    """Cut-outs of each picture that a `dense`, `words` or `imitate` stage looks at beside overview and tiles."""
    zoom: float = 4.0
    """How close the closest cut-outs are; near 1, they are the overview a little moved."""
    teacher: str = ""
    """Whose projected patches an `imitate` stage learns to give: a model folder, or `default`."""
    calibrate: tuple[Literal["patches", "image", "audio"], ...] = ()
    """Fresh parts to scale before the first step: the patch embedding, the projectors of pictures and sounds."""
    families: tuple[str, ...] = ()
    """Empty: all of the studio."""
    leaves_out: tuple[str, ...] = ()
    """Kinds of question not asked about pictures, everywhere (`json`) or in one family (`charts/reading`)."""
    seed: int = 1
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """auto: bf16 where the machine multiplies it itself, else fp32 (`training/precision.py`)."""
    checkpoint_seconds: int = 180
    validate_every: int = 500
    validate_samples: int = 60

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", self.name):  # it names a folder
            raise CheckpointError(f"config: stage name {self.name!r} may hold letters, digits, - and _ only")
        for name in ("steps", "batch_size", "accumulate", "questions", "validate_every", "validate_samples"):
            check_range(f"stage {self.name!r}: {name}", getattr(self, name), 1, 1 << 40)
        for name, high in (
            ("warmup", 1 << 40),
            ("decay", 1),
            ("weight_decay", 1),
            ("balance", 1),
            ("checkpoint_seconds", 1 << 40),
            ("naming", 100),
            ("pointing", 100),
            ("hearing", 100),
            ("written", 1),
        ):
            check_range(f"stage {self.name!r}: {name}", getattr(self, name), 0, high)
        check_range(f"stage {self.name!r}: zoom", self.zoom, 1, 100)
        check_range(f"stage {self.name!r}: clip_norm", self.clip_norm, 1e-6, 1e6)
        if self.told and (self.objective != "next-token" or self.trains.vision or self.trains.image_projector):
            raise CheckpointError(f"config: stage {self.name!r}: told needs next-token, and no eye to train")
        if self.grounded and (self.objective != "next-token" or self.told or not self.overview_only):
            raise CheckpointError(
                f"config: stage {self.name!r}: naming and pointing are for next-token, and a decoder that sees"
                " overviews only"
            )
        if self.hearing and self.objective != "next-token":
            raise CheckpointError(f"config: stage {self.name!r}: hearing is for next-token")
        if (self.objective == "imitate") != bool(self.teacher):
            raise CheckpointError(
                f"config: stage {self.name!r}: a teacher is what the objective imitate has, and no other"
            )
        families = FAMILIES + DRILLS if self.objective == "dense" else FAMILIES
        kinds = [name.partition("/")[2] if name.partition("/")[0] in FAMILIES else name for name in self.leaves_out]
        for name, named, known in (("families", self.families, families), ("leaves_out", kinds, KINDS)):
            if unknown := sorted(set(named) - set(known)):
                raise CheckpointError(
                    f"config: stage {self.name!r}: unknown {unknown[0]!r} in {name}; known: {', '.join(known)}"
                )

    @property
    def grounded(self) -> bool:
        """Whether its pictures come with what stands on their patches."""
        return self.naming > 0 or self.pointing > 0


@dataclass(frozen=True)
class Recipe:
    """A model and the stages that train it, in order.

    `model` is the shape of a fresh one, which gets a tokenizer of its own; `start` is a model
    folder (or `default`) to go on from. One of the two.
    """

    name: str
    stage: tuple[StageConfig, ...]
    model: ModelConfig | None = None
    start: str = ""
    grids: tuple[tuple[int, int], ...] = ()
    """Tiles for a `start` that has seen pictures without any."""
    image_size: int = 0
    """Pixels of a view for a `start` that was trained on views of another size; 0 leaves it as it is."""
    seed: int = 1
    tokenizer_size: int = 4096
    tokenizer_scenes: int = 3000

    def __post_init__(self) -> None:
        if not self.stage:
            raise CheckpointError("config: the recipe has no stage")
        if (self.model is None) == (not self.start):
            raise CheckpointError("config: a recipe needs either a [model] or a start, not both")
        for name in ("grids", "image_size"):
            if getattr(self, name) and self.model is not None:
                raise CheckpointError(
                    f"config: {name} is for a recipe with a start; a [model] has its own in [model.clip]"
                )
        if self.model is not None:
            self.check_parts(self.model)

    def check_parts(self, model: ModelConfig) -> None:
        """Raises `CheckpointError` for a stage that needs a part which `model` lacks, or for a quantised model."""
        if model.quantization is not None:
            raise CheckpointError(
                f"config: recipe {self.name!r} would train a decoder in {model.quantization.name}, which has no "
                "gradients; start from the model that it was made from, and quantise the result"
            )
        absent = {"vision": model.clip is None, "audio": model.whisper is None}
        absent |= {"image_projector": absent["vision"], "audio_projector": absent["audio"], "decoder": False}
        seeing = dict.fromkeys(("contrastive", "dense", "words", "imitate"), "vision")
        needed = {**seeing, "ctc": "audio", "next-token": ""}
        for stage in self.stage:
            named = [part for part in PARTS if getattr(stage.trains, part) > 0]
            if not named:
                raise CheckpointError(f"config: stage {stage.name!r}: trains no part; known: {', '.join(PARTS)}")
            for part in [*named, *filter(None, [needed[stage.objective]])]:
                if absent[part]:
                    raise CheckpointError(
                        f"config: stage {stage.name!r} needs the part {part!r}, which the model lacks"
                    )


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
    try:
        recipe: Recipe = from_dict(Recipe, data, path.name)
    except CheckpointError:
        raise
    except (VlmError, ValueError) as error:  # encoders and projectors check their own ranges
        raise CheckpointError(f"{path.name}: {error}") from error
    return recipe

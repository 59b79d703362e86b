"""LoRA adapters as folders in peft's format: adapter_config.json, adapter_model.safetensors; and ours beside them.

A folder is read strictly, as a model's: which layers it must hold follows from its config and the model,
and every tensor is compared before one is used. Which layers those are in our terms follows from the
rows of `vlm.foreign`, under the names that transformers gives modules in memory or in files.

Sources: Hu et al. 2021 (LoRA), Kalajdzievski 2023 (rank-stabilised scaling), peft's `LoraConfig`,
`check_target_module_exists` and `get_pattern_key`.
"""

from __future__ import annotations

import hashlib
import json
import re
import reprlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from . import checkpoint, manifest, weight_files
from .config import ModelConfig, check_range, from_dict, to_dict
from .errors import CheckpointError
from .foreign import newest, rows_of
from .layouts import same_rows

CONFIG, WEIGHTS, BASE = "adapter_config.json", "adapter_model.safetensors", "vlm_adapter.json"
MAX_RANK = 4096
REGEX_SECONDS = 0.25
"""A regular expression of a config may be made to run for ever: this is for one name."""
ALL_LINEAR = "all-linear"

_HONOURED = (
    "peft_type", "r", "lora_alpha", "use_rslora", "target_modules", "exclude_modules", "rank_pattern", "alpha_pattern",
    "layers_to_transform", "layers_pattern", "init_lora_weights", "bias",
)  # fmt: skip
_OF_TRAINING = (
    "lora_dropout", "inference_mode", "task_type", "base_model_name_or_path", "revision", "auto_mapping",
    "peft_version", "runtime_config", "qalora_group_size", "megatron_core", "loftq_config", "eva_config",
    "ensure_weight_tying",
)  # fmt: skip
"""What an answer does not depend on. Any other field must be empty: it would mean another computation."""
_PLAIN_STARTS = (None, True, False, "gaussian", "eva", "orthogonal")
"""Initialisations that leave the base's weights alone; after others (PiSSA, OLoRA, CorDA) it is another base."""

_TENSOR = re.compile(r"base_model\.model\.(?P<module>.+)\.lora_(?P<side>[AB])\.weight", re.ASCII)
_COPY = re.compile(r"base_model\.model\.(?:.+\.)?(?P<end>lm_head|embed_tokens)(?:\.base_layer)?\.weight", re.ASCII)
"""peft writes these layers of the base, too, where one of them is adapted or has grown."""
_ELSEWHERE = re.compile(r"(^|\.)(language_model|vision_tower|multi_modal_projector)\.")
"""In the names of a model that sees, and not in those of a Llama alone."""


@dataclass(frozen=True)
class Layer:
    """One adapted matrix: A is (rank, inputs), B is (outputs, rank).

    weight: ours; of the `parts` that it is made of along its first axis, this is number `part`.
    a, b: the tensors in the file.
    """

    weight: str
    part: int
    parts: int
    rank: int
    alpha: float
    a: str
    b: str

    @property
    def module(self) -> str:
        return self.weight.removesuffix(".weight")

    @property
    def called(self) -> bool:
        """Whether the model calls it as a layer; of its encoders it hands the weights to one function."""
        return not self.weight.startswith("encoders.")


@dataclass(frozen=True)
class Base:
    """What an adapter of ours keeps of the model that it was made for."""

    model: str
    fingerprint: str
    format_version: int = 1

    def __post_init__(self) -> None:
        if self.format_version != 1:
            raise CheckpointError(f"{BASE}: format_version {self.format_version} was written by another version")


@dataclass(frozen=True)
class AdapterFolder:
    """A folder understood, its header checked, no weight read yet."""

    folder: Path
    config: dict[str, Any]
    stored: weight_files.Stored
    base: Base | None

    @property
    def rank(self) -> int:
        return int(self.config["r"])

    @property
    def alpha(self) -> float:
        return float(self.config["lora_alpha"])

    @property
    def rslora(self) -> bool:
        return bool(self.config["use_rslora"])

    @cached_property
    def modules(self) -> dict[str, dict[str, str]]:
        """Adapted modules, named as in the file -> the tensors A and B."""
        found: dict[str, dict[str, str]] = {}
        for name in self.stored:
            match = _TENSOR.fullmatch(name)
            if match is None and _COPY.fullmatch(name):
                continue
            if match is None:
                raise CheckpointError(f"{WEIGHTS}: tensor {reprlib.repr(name)} {_kind_of(name)}")
            found.setdefault(match["module"], {})[match["side"]] = name
        return found

    def layers(self, config: ModelConfig, shapes: Mapping[str, torch.Size]) -> list[Layer]:
        """What of the model is adapted.

        Args:
            shapes: of the model's own weights (outputs, inputs), by their names.

        Raises:
            CheckpointError: lists tensors that are missing, unexpected or of another shape; the head is tied.
        """
        if config.decoder.tie_word_embeddings and any(name.endswith("lm_head") for name in self.modules):
            raise CheckpointError(f"{CONFIG}: adapts lm_head, which is tied to the embeddings: not computed here")
        ours = _modules_of(config, shapes, alone=not any(map(_ELSEWHERE.search, self.modules)))
        theirs = {newest(name): name for name in self.modules}
        wanted: dict[str, torch.Size] = {}
        found = {name: self.stored.shape(name) for sides in self.modules.values() for name in sides.values()}
        layers = []
        for name, (weight, part, parts) in ours.items():
            spelled = theirs.get(name)
            if not any(self._targeted(one) for one in ([spelled] if spelled else spellings(name))):
                continue
            spelled = spelled or name
            rank = int(self._pattern("rank_pattern", spelled, self.rank))
            a, b = (f"base_model.model.{spelled}.lora_{side}.weight" for side in "AB")
            outputs, inputs = shapes[weight]
            wanted |= {a: torch.Size([rank, inputs]), b: torch.Size([outputs // parts, rank])}
            alpha = self._pattern("alpha_pattern", spelled, self.alpha)
            layers.append(Layer(weight, part, parts, rank, alpha, a, b))
        checkpoint.check_names(wanted, found, CONFIG)
        return layers

    def copies(self) -> dict[str, Tensor]:
        """What the folder holds of the base itself, by our names. Raises `CheckpointError`."""
        ends = {"lm_head": "decoder.lm_head.weight", "embed_tokens": "decoder.model.embed_tokens.weight"}
        matches = ((name, _COPY.fullmatch(name)) for name in self.stored)
        return {ends[match["end"]]: self.stored[name] for name, match in matches if match}

    def tensors(self, layers: list[Layer], *, allow_nonfinite: bool = False) -> dict[str, Tensor]:
        """The weights of `layers`. A fresh adapter's B is all zeros. Raises `CheckpointError`."""
        found = {name: self.stored[name] for layer in layers for name in (layer.a, layer.b)}
        if not allow_nonfinite:
            checkpoint.check_values(found, zeros=True)
        return found

    # --- the config's patterns, as peft reads them ---

    def _targeted(self, name: str) -> bool:
        targets, excluded = self.config["target_modules"], self.config["exclude_modules"]
        if _named(excluded, name):
            return False
        if isinstance(targets, str) and targets.lower() == ALL_LINEAR:
            return not name.endswith(("lm_head", "embed_tokens"))
        return _named(targets, name) and self._in_layers(name)

    def _in_layers(self, name: str) -> bool:
        numbers = self.config["layers_to_transform"]
        if numbers is None or numbers == []:
            return True
        patterns = self.config["layers_pattern"] or r"[^.]*"
        patterns = [patterns] if isinstance(patterns, str) else patterns
        matches = (re.match(rf"(?:^|.*?\.){pattern}\.(\d+)\.", name) for pattern in patterns)
        number = next((int(match[1]) for match in matches if match), None)
        return number in (numbers if isinstance(numbers, list) else [numbers])

    def _pattern(self, field: str, name: str, default: float) -> float:
        for pattern, value in self.config[field].items():
            if _matches(rf"(.*\.)?({pattern})", name):
                return value
        return default


def _kind_of(name: str) -> str:
    for mark, what in (
        ("lora_embedding", "adapts the embeddings"), ("magnitude", "is of DoRA"), ("lora_B.bias", "is a bias"),
        ("base_layer", "is of the base"),
    ):  # fmt: skip
        if mark in name:
            return f"{what}, which is not computed here"
    return "is no part of a LoRA adapter"


def _named(targets: str | list[str] | None, name: str) -> bool:
    if isinstance(targets, str):
        return _matches(targets, name)
    return any(name == target or name.endswith(f".{target}") for target in targets or ())


def _matches(pattern: str, name: str) -> bool:
    """Whether all of `name` matches. Raises `CheckpointError` for a pattern that is none, or takes too long."""
    try:
        import regex
    except ImportError as error:
        raise CheckpointError(f"{CONFIG}: adapters need regex (pip install 'vlm-studio[lora]')") from error
    try:
        return regex.fullmatch(pattern, name, timeout=REGEX_SECONDS) is not None
    except TimeoutError as error:
        raise CheckpointError(f"{CONFIG}: the pattern {reprlib.repr(pattern)} takes too long") from error
    except regex.error as error:
        raise CheckpointError(f"{CONFIG}: {reprlib.repr(pattern)} is no regular expression") from error


Place = tuple[str, int, int]
"""A weight of ours, and which part of how many along its first axis."""


def _modules_of(config: ModelConfig, shapes: Mapping[str, torch.Size], *, alone: bool) -> dict[str, Place]:
    """Their linear layers -> ours.

    Args:
        alone: as a Llama is named, even where ours has eyes: its decoder is one.
    """
    rows = same_rows(shapes, "decoder.") if alone else rows_of(config, shapes)
    found: dict[str, Place] = {}
    for own, parts in rows.items():
        if len(shapes.get(own, ())) == 2 and not own.endswith(("embed_tokens.weight", "embedding")):
            places = ((own, number, len(parts)) for number in range(len(parts)))
            found |= {name.removesuffix(".weight"): place for name, place in zip(parts, places, strict=True)}
    return found


def spellings(name: str) -> list[str]:
    """A module as files name it, and as transformers does in memory: peft's patterns are about the latter."""
    if name == "language_model.lm_head":
        return [name, "lm_head"]
    if not _ELSEWHERE.search(name):
        return [name]
    return [name, "model." + name.replace("language_model.model.", "language_model.")]


# --- reading ---------------------------------------------------------------------------------------


def is_adapter(folder: Path) -> bool:
    return (folder / CONFIG).is_file()


def understood(folder: Path) -> AdapterFolder:
    """Raises `CheckpointError`: no adapter, not LoRA, or a variant that is not computed here; names field and value."""
    if not is_adapter(folder):
        raise CheckpointError(f"{folder}: no adapter: it has no {CONFIG}")
    manifest.verify_manifest(folder)  # there is one where this program wrote the folder
    config = _checked(weight_files.read_json(folder / CONFIG))
    base = from_dict(Base, weight_files.read_json(folder / BASE), BASE) if (folder / BASE).exists() else None
    return AdapterFolder(folder, config, weight_files.Stored([folder / WEIGHTS]), base)


def _checked(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise CheckpointError(f"{CONFIG}: not an object")
    if data.get("peft_type") != "LORA":
        raise CheckpointError(f"{CONFIG}: peft_type {reprlib.repr(data.get('peft_type'))} is not read here, only LORA")
    for name, value in data.items():
        if name not in _HONOURED and name not in _OF_TRAINING and value not in (None, False, [], {}, ""):
            raise CheckpointError(f"{CONFIG}: {name} {reprlib.repr(value)} is not computed here")
    if data.get("bias", "none") != "none":
        raise CheckpointError(f"{CONFIG}: bias {reprlib.repr(data['bias'])} is not computed here, only 'none'")
    start = data.get("init_lora_weights", True)
    if start not in _PLAIN_STARTS:
        raise CheckpointError(
            f"{CONFIG}: init_lora_weights {reprlib.repr(start)} changed the base's weights, and is not computed here; "
            "let peft convert it (path_initial_model_for_weight_conversion)"
        )
    found: dict[str, Any] = {
        "r": 8, "lora_alpha": 8, "use_rslora": False, "rank_pattern": {}, "alpha_pattern": {}, "target_modules": None,
        "exclude_modules": None, "layers_to_transform": None, "layers_pattern": None,
    }  # fmt: skip
    found |= {name: value for name, value in data.items() if name in found and value is not None}
    check_range(f"{CONFIG}: r", found["r"], 1, MAX_RANK)
    check_range(f"{CONFIG}: lora_alpha", found["lora_alpha"], -1e6, 1e6)
    _check_types(found)
    return found


def _check_types(data: dict[str, Any]) -> None:
    def texts(value: Any) -> bool:
        return isinstance(value, str) or (isinstance(value, list) and all(isinstance(one, str) for one in value))

    def numbers(value: Any) -> bool:
        return all(type(one) is int for one in (value if isinstance(value, list) else [value]))

    targets, layers, pattern = data["target_modules"], data["layers_to_transform"], data["layers_pattern"]
    fine = {
        "r": type(data["r"]) is int,
        "use_rslora": isinstance(data["use_rslora"], bool),
        "target_modules": texts(targets) and bool(targets),
        "exclude_modules": data["exclude_modules"] is None or texts(data["exclude_modules"]),
        "layers_to_transform": layers is None or (numbers(layers) and not isinstance(targets, str)),
        "layers_pattern": not pattern or (texts(pattern) and all(map(_WORD.fullmatch, _listed(pattern)))),
        "rank_pattern": isinstance(data["rank_pattern"], dict),
        "alpha_pattern": isinstance(data["alpha_pattern"], dict),
    }
    for name, sound in fine.items():
        if not sound:
            raise CheckpointError(f"{CONFIG}: {name} {reprlib.repr(data[name])} is not what peft writes")
    for value in data["rank_pattern"].values():
        check_range(f"{CONFIG}: rank_pattern", value, 1, MAX_RANK)
    for value in data["alpha_pattern"].values():
        check_range(f"{CONFIG}: alpha_pattern", value, -1e6, 1e6)


_WORD = re.compile(r"[\w.]{1,100}", re.ASCII)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


# --- the base --------------------------------------------------------------------------------------

SAMPLED = 4096
"""Values of each tensor that a fingerprint looks at."""


def fingerprint(tensors: Mapping[str, Tensor]) -> str:
    """Of the base's weights that an adapter changes: names, shapes, and 4096 values spread over each, as bfloat16.

    So it is the same in whatever type the base is loaded, quick for any size, and another one for a model that
    was trained further. It is no seal: somebody who changes chosen weights on purpose is not noticed.
    """
    found = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        flat = tensors[name].detach().reshape(-1)
        values = flat[:: max(1, len(flat) // SAMPLED)][:SAMPLED].to("cpu", torch.bfloat16)
        found.update(f"{name} {tuple(tensors[name].shape)}\n".encode())
        found.update(values.contiguous().view(torch.int16).numpy().tobytes())
    return found.hexdigest()


# --- writing ---------------------------------------------------------------------------------------


def write(
    folder: Path, layers: Iterable[tuple[Layer, Tensor, Tensor]], config: ModelConfig, base: Base, *, rslora: bool
) -> None:
    """The folder, atomically, as peft loads it on what `vlm export --to hf` writes of the same base.

    Args:
        layers: each with its A and B.
    """
    tensors: dict[str, Tensor] = {}
    ranks: dict[str, int] = {}
    alphas: dict[str, float] = {}
    for layer, a, b in layers:
        rows = same_rows([layer.weight], "decoder.") if config.clip is None else rows_of(config, [layer.weight])
        name = spellings(rows[layer.weight][layer.part].removesuffix(".weight"))[-1]
        tensors |= {f"base_model.model.{name}.lora_A.weight": a, f"base_model.model.{name}.lora_B.weight": b}
        ranks[name], alphas[name] = layer.rank, layer.alpha
    rank, alpha = _most_common(ranks), _most_common(alphas)
    data = {
        "peft_type": "LORA", "task_type": None, "base_model_name_or_path": base.model, "inference_mode": True,
        "r": rank, "lora_alpha": alpha, "use_rslora": rslora, "bias": "none", "target_modules": sorted(ranks),
        "rank_pattern": {re.escape(name): one for name, one in ranks.items() if one != rank},
        "alpha_pattern": {re.escape(name): one for name, one in alphas.items() if one != alpha},
    }  # fmt: skip
    with manifest.atomic_folder(folder) as fresh:
        weight_files.write_safetensors(fresh / WEIGHTS, tensors)
        (fresh / CONFIG).write_text(json.dumps(data, indent=2) + "\n", "utf-8")
        (fresh / BASE).write_text(json.dumps(to_dict(base), indent=2) + "\n", "utf-8")


def _most_common(values: Mapping[str, Any]) -> Any:
    counted = list(values.values())
    return max(counted, key=counted.count)

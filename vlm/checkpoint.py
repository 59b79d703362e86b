"""Model folders: config.json, safetensors, tokenizer.json, manifest.json.

A folder holds data and nothing else. It is written whole (`manifest.py`) and read strictly: every file
(`weight_files.py`), name, shape and value is checked before a model is returned.
"""

from __future__ import annotations

import ctypes
import json
import os
import reprlib
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import torch
from torch import Tensor

from .config import FORMAT_VERSION, ModelConfig, from_dict, to_dict
from .errors import CheckpointError
from .manifest import atomic_folder, verify_manifest
from .model import VLM, build_empty, by_part
from .processor import Processor, with_template
from .quantize import numbers, while_loading
from .tokenizer import Tokenizer
from .weight_files import SHARD_BYTES, read_json, stored, write_tensors

GIVE_BACK_BYTES = 16 << 20
DEFAULT = "default"


def resolve(name_or_path: str | os.PathLike[str] = DEFAULT) -> Path:
    """`default` -> the embedded model; anything else is a folder.

    Raises:
        CheckpointError: there is no such folder; says what is accepted.
    """
    if str(name_or_path) == DEFAULT:
        return Path(__file__).parent / "default"
    path = Path(name_or_path)
    if not os.path.isdir(path):  # noqa: PTH112 - a name that is too long is no folder either; Path.is_dir raises
        raise CheckpointError(f"{name_or_path}: no such model folder; give a folder with config.json, or {DEFAULT!r}")
    return path


def read_tensors(folder: Path, *, allow_nonfinite: bool = False) -> dict[str, Tensor]:
    """All tensors of a folder at once, as `stored`. Raises `CheckpointError`, also as `check_values`."""
    tensors = dict(stored(folder))
    if not allow_nonfinite:
        check_values(tensors)
    return tensors


def load_config(folder: Path, name: str = "config.json") -> ModelConfig:
    """config.json, strictly. Raises `CheckpointError`."""
    data = read_json(folder / name)
    version = data.get("format_version", FORMAT_VERSION) if isinstance(data, dict) else FORMAT_VERSION
    if version != FORMAT_VERSION:  # before fields that only another version knows
        raise CheckpointError(
            f"{name}: format_version {reprlib.repr(version)} was written by another version of this program; "
            f"this one reads {FORMAT_VERSION}"
        )
    try:
        config: ModelConfig = from_dict(ModelConfig, data)
        return config
    except CheckpointError:
        raise
    except ValueError as error:  # encoders and projectors check their own ranges
        raise CheckpointError(f"config: {str(error).removeprefix('config: ')}") from error


def load_processor(folder: Path, chat_template: str | None = None) -> Processor:
    config, tokenizer = load_config(folder), Tokenizer.from_file(folder / "tokenizer.json")
    return Processor(with_template(config, tokenizer, chat_template) if chat_template else config, tokenizer)


def load(
    folder: Path, *, dtype: torch.dtype | None = None, device: torch.device | str = "cpu",
    allow_nonfinite: bool = False, quantize: str | None = None, chat_template: str | None = None,
) -> tuple[VLM, Processor]:  # fmt: skip
    """A model folder -> model in `eval()` and its processor; nothing is returned half-loaded.

    Args:
        quantize: `int8` or `int4`: the decoder's matrices become that as they are read.
        chat_template: instead of the one that the folder names.

    Raises:
        CheckpointError: names the file or tensor and says what is wrong.
    """
    verify_manifest(folder)
    processor = load_processor(folder, chat_template)
    source = stored(folder)
    shapes = {name: source.shape(name) for name in source}
    parts = processor.config, shapes, source.__getitem__
    config, shapes, fetch = while_loading(*parts, quantize) if quantize else parts
    model = filled(config, shapes, fetch, dtype=dtype, device=device, allow_nonfinite=allow_nonfinite)
    return model, Processor(config, processor.tokenizer)


def filled(
    config: ModelConfig, shapes: Mapping[str, torch.Size], fetch: Callable[[str], Tensor], *,
    dtype: torch.dtype | None = None, device: torch.device | str = "cpu", allow_nonfinite: bool = False,
) -> VLM:  # fmt: skip
    """A model in `eval()` whose weights are fetched one by one, straight into `dtype`, so that none is held twice.

    Args:
        shapes: of all tensors that there are; compared before the first is fetched.
        fetch: a tensor by its name.
        dtype: by default float32; of a quantised model bfloat16, which the kernels for it take.

    Raises:
        CheckpointError: names or shapes do not fit, a tensor is of another kind than expected (floating point, or
            the whole numbers of a quantised layer), or as `check_values`.
    """
    dtype = dtype or (torch.bfloat16 if config.quantization else torch.float32)
    model = build_empty(config)
    expected = state_dict(model)
    check_names({name: tensor.shape for name, tensor in expected.items()}, shapes)
    tensors: dict[str, Tensor] = {}
    since = 0  # bytes fetched since freed memory went back
    for name in shapes:
        tensor, kind = fetch(name), expected[name].dtype
        if tensor.is_floating_point() != kind.is_floating_point or not (kind.is_floating_point or tensor.dtype == kind):
            wanted = "floating point" if kind.is_floating_point else str(kind)
            raise CheckpointError(f"tensor {name!r} is {tensor.dtype}, expected {wanted}")
        tensors[name] = tensor.to(dtype) if kind.is_floating_point else tensor
        if not allow_nonfinite:
            check_values({name: tensors[name]})
        since += tensor.nbytes
        if since > GIVE_BACK_BYTES:
            give_back_freed_memory()
            since = 0
    model.load_state_dict(tensors, strict=False, assign=True)  # the names were compared above
    tensors.clear()  # what the model lays out anew below must not be held twice
    del tensor
    model.decoder.tie()
    return model.to(device=device, dtype=dtype).eval()


@cache
def _malloc_trim() -> Callable[[int], object] | None:
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None


def give_back_freed_memory() -> None:
    """What was freed between blocks still in use goes back to the system (glibc keeps it otherwise)."""
    if (trim := _malloc_trim()) is not None:
        trim(0)


def check_values(tensors: Mapping[str, Tensor], *, zeros: bool = False) -> None:
    """Weights that cannot be meant: NaN or infinite values, a matrix of zeros (biases may be zero).

    Args:
        zeros: matrices may be zero, too.

    Raises:
        CheckpointError: names the tensor.
    """
    for name, tensor in tensors.items():
        if not tensor.numel():
            continue
        problem, bounds = "", torch.stack(tensor.aminmax())  # both are NaN if one number is; nothing is copied
        if not bool(torch.isfinite(bounds).all()):
            problem = f"holds NaN or infinite values as {tensor.dtype}"
        elif not zeros and tensor.dim() > 1 and not bool(bounds.any()):
            problem = "is all zeros"
        if problem:
            raise CheckpointError(f"tensor {name!r} {problem} (allow_nonfinite=True overrides)")


def check_names(
    expected: Mapping[str, torch.Size], found: Mapping[str, torch.Size], config: str = "config.json"
) -> None:
    """Raises `CheckpointError` listing missing, extra and mis-shaped tensors; `config` is the file that expects."""
    missing, extra = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    shapes = [
        f"{name} is {tuple(found[name])}, expected {tuple(expected[name])}"
        for name in sorted(expected.keys() & found.keys())
        if expected[name] != found[name]
    ]
    problems = [
        f"{title} ({len(items)}): {', '.join(items[:5])}{', ...' if len(items) > 5 else ''}"
        for title, items in (("missing tensors", missing), ("unexpected tensors", extra), ("wrong shapes", shapes))
        if items
    ]
    if problems:
        raise CheckpointError(f"weights do not fit {config}: " + "; ".join(problems))


def state_dict(model: VLM) -> dict[str, Tensor]:
    """The tensors that are stored: all parameters, a tied head once."""
    tensors = dict(model.state_dict())
    if model.decoder.config.tie_word_embeddings:
        del tensors["decoder.lm_head.weight"]
    return tensors


def parameters_of(model: VLM, config: ModelConfig) -> dict[str, int]:
    """How many each part has; of a quantised layer, as many as the one that it was made from."""
    return by_part(numbers({name: tensor.shape for name, tensor in state_dict(model).items()}, config.quantization))


def load_state(model: VLM, tensors: Mapping[str, Tensor]) -> None:
    """Strictly: the names and shapes of `state_dict(model)` and no others."""
    check_names({k: v.shape for k, v in state_dict(model).items()}, {k: v.shape for k, v in tensors.items()})
    own = model.state_dict()
    with torch.no_grad():
        for name, tensor in tensors.items():
            own[name].copy_(tensor)


def save(
    folder: Path, model: VLM, processor: Processor, *, dtype: torch.dtype | None = None,
    shard_bytes: int = SHARD_BYTES, extra_files: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Writes a model folder atomically, in `dtype` (default: the weights' own)."""
    with atomic_folder(folder) as fresh:
        tensors = {k: v.to(dtype) if dtype and v.is_floating_point() else v for k, v in state_dict(model).items()}
        write_tensors(fresh, tensors, shard_bytes)
        (fresh / "config.json").write_text(json.dumps(to_dict(processor.config), indent=2) + "\n")
        processor.tokenizer.backend.save(str(fresh / "tokenizer.json"))
        for name, text in (extra_files or {}).items():
            (fresh / name).write_text(text)

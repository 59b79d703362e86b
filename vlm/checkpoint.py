"""Model folders: config.json, safetensors, tokenizer.json, manifest.json. The only code that reads weights.

A folder holds data and nothing else. It is written under a temporary name, synced, renamed last;
it is read strictly: every file, name, shape and value is checked before a model is returned.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import reprlib
import shutil
import stat
import struct
import sys
import uuid
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from .config import FORMAT_VERSION, ModelConfig, from_dict, to_dict
from .disk import sync
from .errors import CheckpointError
from .model import VLM, build_empty, by_part
from .processor import Processor, with_template
from .quantize import numbers, while_loading
from .tokenizer import Tokenizer
from .torch_zip import storages

MAX_HEADER_BYTES = 16 << 20
MAX_TENSORS = 20_000
MAX_HEADER_ITEMS = 16 * MAX_TENSORS
MAX_NAME = 1000
MAX_JSON_BYTES = 4 << 20
SHARD_BYTES = 4 << 30
GIVE_BACK_BYTES = 16 << 20
_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip
DEFAULT = "default"
PROSE = ("MODEL_CARD.md", "README.md")
"""Where a card stands. It may be changed without the folder counting as damaged."""


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


# --- reading ---------------------------------------------------------------------------------------


def regular_size(path: Path, limit: int | None = None) -> int:
    """Bytes of a regular file. Anything else (a pipe, a device) would block or never end."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise CheckpointError(f"{path.name}: not a regular file")
    if limit is not None and status.st_size > limit:
        raise CheckpointError(f"{path.name}: {status.st_size} bytes, more than the {limit} allowed")
    return status.st_size


def read_json(path: Path) -> Any:
    """A small JSON file, strictly. Raises `CheckpointError`."""
    try:
        regular_size(path, MAX_JSON_BYTES)
        return json.loads(path.read_text("utf-8"), parse_constant=_refuse_constant)
    except OSError as error:
        raise CheckpointError(f"{path.name}: cannot be read in {path.parent} ({error.strerror})") from error
    except CheckpointError as error:
        raise CheckpointError(str(error) if path.name in str(error) else f"{path.name}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name}: not valid JSON ({type(error).__name__})") from error


def _refuse_constant(name: str) -> None:
    raise CheckpointError(f"JSON holds {name}, which is not a number")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise CheckpointError(f"the name {reprlib.repr(name)} stands twice in the header")
        found[name] = value
    return found


def check_safetensors(path: Path) -> dict[str, Any]:
    """The header of a safetensors file, checked against the file's real size before anything is mapped.

    Raises:
        CheckpointError: truncated, oversized, overlapping, with holes or trailing bytes, duplicate names.
    """
    try:
        size = regular_size(path)
        with path.open("rb") as file:
            length_bytes = file.read(8)
            if len(length_bytes) < 8:
                raise CheckpointError(f"{path.name}: {size} bytes, too short for a safetensors header")
            (length,) = struct.unpack("<Q", length_bytes)
            if length > min(MAX_HEADER_BYTES, size - 8):
                raise CheckpointError(
                    f"{path.name}: header of {length} bytes in a file of {size} (at most {MAX_HEADER_BYTES} allowed)"
                )
            raw = file.read(length)
            if (items := sum(map(raw.count, (b",", b"[", b"{")))) > MAX_HEADER_ITEMS:  # before they become objects
                raise CheckpointError(f"{path.name}: header of {items} items, more than {MAX_TENSORS} tensors have")
            header = json.loads(raw, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except OSError as error:
        raise CheckpointError(f"{path.name}: cannot be read ({error.strerror})") from error
    except CheckpointError as error:
        raise CheckpointError(str(error) if path.name in str(error) else f"{path.name}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path.name}: header is not valid JSON") from error
    if not isinstance(header, dict):
        raise CheckpointError(f"{path.name}: header is not an object")
    header.pop("__metadata__", None)
    if len(header) > MAX_TENSORS:
        raise CheckpointError(f"{path.name}: {len(header)} tensors, more than {MAX_TENSORS}")
    spans = sorted(_span(path.name, name, entry) for name, entry in header.items())
    at = 0
    for start, end, name in spans:
        if start != at:
            raise CheckpointError(f"{path.name}: tensor {name!r} starts at {start}, expected {at} (overlap or hole)")
        at = end
    if at != size - 8 - length:
        raise CheckpointError(f"{path.name}: tensors need {at} bytes, the file holds {size - 8 - length}")
    return header


def _span(file: str, name: str, entry: Any) -> tuple[int, int, str]:
    try:
        dtype, shape, (start, end) = _DTYPES.get(entry["dtype"]), entry["shape"], entry["data_offsets"]
        wanted = 1
        for size in (*shape, start, end):
            if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size < 1 << 63:
                raise ValueError
        if len(name) > MAX_NAME or len(shape) > 16:
            raise ValueError
        for size in shape:
            wanted *= size
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{file}: malformed entry for tensor {reprlib.repr(name)}") from error
    if dtype is None:
        raise CheckpointError(f"{file}: tensor {name!r} has the unsupported dtype {reprlib.repr(entry['dtype'])}")
    if end - start != (needed := wanted * dtype.itemsize):
        raise CheckpointError(f"{file}: tensor {name!r} spans {end - start} bytes, its shape needs {needed}")
    return start, end, name


class Source(Mapping[str, Tensor]):
    """Tensors by name, whose shapes and types are known before the first is read.

    Each is read, or mapped, when it is asked for, and nothing is kept: of a tensor that is converted the pages are
    free again with the tensor.
    """

    @abstractmethod
    def shape(self, name: str) -> torch.Size: ...

    @abstractmethod
    def dtype(self, name: str) -> torch.dtype: ...


class Stored(Source):
    """The tensors of safetensors files; all headers are checked at once.

    Raises:
        CheckpointError: as `check_safetensors`; a tensor that stands in two files.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self.entries: dict[str, tuple[Path, dict[str, Any]]] = {}
        for file in files:
            _exists(file)
            for name, entry in check_safetensors(file).items():
                if name in self.entries:
                    raise CheckpointError(f"{file.name}: tensor {name!r} stands in two shards")
                self.entries[name] = file, entry

    def __getitem__(self, name: str) -> Tensor:
        file, _ = self.entries[name]
        try:
            with safe_open(file, "pt") as opened:
                found: Tensor = opened.get_tensor(name)
                return found
        except (SafetensorError, OSError, ValueError) as error:
            raise CheckpointError(f"{file.name}: not a safetensors file ({type(error).__name__})") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def shape(self, name: str) -> torch.Size:
        return torch.Size(self.entries[name][1]["shape"])

    def dtype(self, name: str) -> torch.dtype:
        return _DTYPES[self.entries[name][1]["dtype"]]


class Pickled(Source):
    """The tensors of files that `torch.save` wrote, each a dict from names to tensors. Nothing in them is run.

    `torch_zip` looks at a file first, then torch's restricted reader maps it. Kept of that are shapes and places; a
    tensor is a map of its own.

    Raises:
        CheckpointError: as `torch_zip.storages`; something else than a dict of tensors, a tensor that is not made of
            bytes of its own, or stands in two files.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        self.places: dict[str, _Place] = {}
        for file in files:
            _exists(file)
            try:
                records = storages(file, regular_size(file))
                content = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
            except CheckpointError:
                raise
            except Exception as error:  # the readers raise whatever they meet
                raise CheckpointError(f"{file.name}: no file of tensors ({type(error).__name__})") from error
            for name, place in _places(file, content, records).items():
                if name in self.places:
                    raise CheckpointError(f"{file.name}: tensor {name!r} stands in two files")
                self.places[name] = place

    def __getitem__(self, name: str) -> Tensor:
        at = self.places[name]
        whole = torch.UntypedStorage.from_file(str(at.file), shared=False, nbytes=regular_size(at.file))
        part = whole[at.offset : at.offset + at.nbytes]
        return torch.empty(0, dtype=at.dtype).set_(part, at.first, at.shape, at.stride)

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def shape(self, name: str) -> torch.Size:
        return self.places[name].shape

    def dtype(self, name: str) -> torch.dtype:
        return self.places[name].dtype


class _Place(NamedTuple):
    """Where a tensor lies in a file: its storage's bytes, and in them its first item and its steps."""

    file: Path
    offset: int
    nbytes: int
    first: int
    shape: torch.Size
    stride: tuple[int, ...]
    dtype: torch.dtype


def _places(file: Path, content: Any, records: Mapping[int, int]) -> dict[str, _Place]:
    """Of tensors that are mapped together, so that how they lie in memory is how they lie in the file.

    Args:
        records: offset -> bytes of each storage in the file; they must be those of the tensors, all of them.
    """
    if not isinstance(content, dict) or len(content) > MAX_TENSORS:
        raise CheckpointError(f"{file.name}: holds no dict of at most {MAX_TENSORS} tensors")
    for name, tensor in content.items():
        if not isinstance(name, str) or len(name) > MAX_NAME or not isinstance(tensor, Tensor):
            what = reprlib.repr(name)
            raise CheckpointError(f"{file.name}: {what} is no tensor; a flat dict of tensors is read here")
        if tensor.dtype not in _DTYPES.values() or tensor.layout != torch.strided or not tensor.numel():
            raise CheckpointError(f"{file.name}: tensor {name!r} is empty or of the unsupported dtype {tensor.dtype}")
    found = {name: tensor.untyped_storage() for name, tensor in content.items()}
    start = min((storage.data_ptr() for storage in found.values()), default=0) - min(records, default=0)
    if {storage.data_ptr() - start: storage.nbytes() for storage in found.values()} != records:
        raise CheckpointError(f"{file.name}: its tensors are not made of the bytes that it lists for them")
    return {
        name: _Place(
            file, found[name].data_ptr() - start, found[name].nbytes(), tensor.storage_offset(), tensor.shape,
            tensor.stride(), tensor.dtype,
        )
        for name, tensor in content.items()
    }  # fmt: skip


def _exists(path: Path) -> None:
    if not os.path.isfile(path):  # noqa: PTH113 - as in `resolve`
        beside = sorted(p.name for p in path.parent.glob("*") if p.suffix in (".bin", ".pt", ".pth", ".ckpt", ".pkl"))
        hint = f"; {beside[0]} is a pickle, which can run code and is not read" if beside else ""
        raise CheckpointError(f"{path.name}: missing in {path.parent}{hint}")


def stored(folder: Path) -> Stored:
    """The tensors of `model.safetensors`, or of the shards that `model.safetensors.index.json` names.

    Raises:
        CheckpointError: as `Stored`; an index that points elsewhere.
    """
    return Stored(_named(folder, "model.safetensors") or [folder / "model.safetensors"])


def stored_by_others(folder: Path, *, allow_pickle: bool) -> Source:
    """As `stored`; where there are no safetensors, the tensors of `pytorch_model.bin` or of its shards.

    Raises:
        CheckpointError: as `stored` and `Pickled`; there are only pickles, which were not allowed.
    """
    pickled = _named(folder, "pytorch_model.bin")
    if not pickled or _named(folder, "model.safetensors"):
        return stored(folder)
    check_pickles((path.name for path in pickled), allow_pickle)
    return Pickled(pickled)


def check_pickles(names: Iterable[str], allowed: bool) -> None:
    """Raises `CheckpointError` for a pickle that nobody allowed."""
    for name in names:
        if not allowed:
            raise CheckpointError(
                f"{name}: a pickle, which can run any command when it is opened as usual; --allow-pickle "
                "(allow_pickle=True) reads the tensors in it and runs nothing"
            )


def _named(folder: Path, name: str) -> list[Path]:
    """The file of this name, or the shards that its index names; none where there is neither."""
    index = folder / f"{name}.index.json"
    names = [name] if os.path.lexists(folder / name) else []
    if index.exists():
        content = read_json(index)
        weight_map = content.get("weight_map") if isinstance(content, dict) else None
        if not isinstance(weight_map, dict) or not weight_map:
            raise CheckpointError(f"{index.name}: has no weight_map")
        names = sorted(set(map(str, weight_map.values())))
    for shard in names:
        if Path(shard).name != shard or not shard.endswith(Path(name).suffix) or len(shard) > MAX_NAME:
            raise CheckpointError(f"{index.name}: shard {reprlib.repr(shard)} is not a file of this folder")
    return [folder / shard for shard in names]


def read_tensors(folder: Path, *, allow_nonfinite: bool = False) -> dict[str, Tensor]:
    """All tensors of a folder at once, as `stored`. Raises `CheckpointError`, also as `check_values`."""
    tensors = dict(stored(folder))
    if not allow_nonfinite:
        check_values(tensors)
    return tensors


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """All tensors of one file, after `check_safetensors`."""
    return dict(Stored([path]))


def model_card(folder: Path) -> str:
    """The text of MODEL_CARD.md or README.md, at most a megabyte of it; empty where there is none."""
    for name in PROSE:
        if not os.path.isfile(folder / name):  # noqa: PTH113 - a pipe would block
            continue
        try:
            with (folder / name).open(encoding="utf-8", errors="replace") as file:
                return file.read(1 << 20)
        except OSError:
            continue
    return ""


def verify_manifest(folder: Path) -> None:
    """Compares every file named in manifest.json by size and sha256; a folder without one passes.

    Raises:
        CheckpointError: a file is missing, or differs from what was written.
    """
    if not (folder / "manifest.json").exists():
        return
    manifest = read_json(folder / "manifest.json")
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, dict):
        raise CheckpointError("manifest.json: has no files")
    for name, expected in files.items():
        path = folder / name
        if Path(name).name != name or not os.path.isfile(path):  # noqa: PTH113
            raise CheckpointError(f"{reprlib.repr(name)}: named in manifest.json, but missing in {folder}")
        size, wanted = path.stat().st_size, expected.get("size") if isinstance(expected, dict) else None
        if size != wanted:
            found = f"its size {size} differs from manifest.json ({wanted})"
        elif _sha256(path) != expected.get("sha256"):
            found = "its content (sha256) differs from manifest.json"
        else:
            continue
        raise CheckpointError(f"{name}: {found}; the file is damaged or was changed")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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


# --- writing ---------------------------------------------------------------------------------------


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """A temporary folder beside `target` that takes its place when the block ends without an error.

    Every file is synced before the rename and, but for prose, listed in manifest.json. A previous `target` changes
    places with the new folder in one step and is removed last, so that `target` is whole at any instant.

    Raises:
        CheckpointError: `target` exists and is not a folder written by this function.
    """
    target = Path(target)
    if target.exists() and not (target / "manifest.json").is_file() and (not target.is_dir() or any(target.iterdir())):
        raise CheckpointError(f"{target}: exists and holds something else (no manifest.json); choose another name")
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}.tmp"
    fresh.mkdir()
    try:
        yield fresh
        listed = [path for path in sorted(fresh.iterdir()) if path.name not in PROSE]
        files = {p.name: {"size": p.stat().st_size, "sha256": _sha256(p)} for p in listed}
        (fresh / "manifest.json").write_text(json.dumps({"files": files}, indent=1) + "\n")
        for path in [*fresh.iterdir(), fresh]:
            sync(path)
        replaced = target.exists()
        if replaced:
            _exchange(fresh, target)
        else:
            fresh.rename(target)
        sync(target.parent)
        if replaced:
            shutil.rmtree(fresh, ignore_errors=True)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _exchange(one: Path, other: Path) -> None:
    """Swaps two folders: in one step on Linux and macOS, elsewhere in three, undone if one fails."""
    swap = _swap_call()
    if swap is not None and swap(os.fsencode(one), os.fsencode(other)) == 0:
        return
    aside = one.with_suffix(".old")
    other.rename(aside)
    try:
        one.rename(other)
    except BaseException:
        aside.rename(other)
        raise
    aside.rename(one)


@cache
def _swap_call() -> Callable[[bytes, bytes], int] | None:
    """The system's call that exchanges two paths, if it has one."""
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "renameat2"):
        return lambda one, other: library.renameat2(-100, one, -100, other, 2)  # AT_FDCWD, RENAME_EXCHANGE
    if sys.platform == "darwin" and hasattr(library := ctypes.CDLL(None), "renamex_np"):
        return lambda one, other: library.renamex_np(one, other, 2)  # RENAME_SWAP
    return None


def write_safetensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, path)


def write_tensors(folder: Path, tensors: Mapping[str, Tensor], shard_bytes: int = SHARD_BYTES) -> None:
    """`model.safetensors`, or numbered shards with an index where more than `shard_bytes` are needed."""
    shards: list[dict[str, Tensor]] = [{}]
    filled = 0
    for name, tensor in tensors.items():
        if filled and filled + tensor.nbytes > shard_bytes:
            shards.append({})
            filled = 0
        shards[-1][name] = tensor
        filled += tensor.nbytes
    if len(shards) == 1:
        write_safetensors(folder / "model.safetensors", shards[0])
        return
    weight_map: dict[str, str] = {}
    for number, shard in enumerate(shards, start=1):
        file = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        write_safetensors(folder / file, shard)
        weight_map |= dict.fromkeys(shard, file)
    total = sum(t.nbytes for t in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")


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

"""Files that hold tensors, and the JSON beside them: read as if an enemy had written them. The only door for weights.

Every header is checked against the file's real size, every name and shape is known, before a tensor is mapped.
"""

from __future__ import annotations

import json
import os
import reprlib
import stat
import struct
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from .errors import CheckpointError
from .torch_zip import storages

MAX_HEADER_BYTES = 16 << 20
MAX_TENSORS = 20_000
MAX_HEADER_ITEMS = 16 * MAX_TENSORS
MAX_NAME = 1000
MAX_JSON_BYTES = 4 << 20
SHARD_BYTES = 4 << 30
_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
    "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip


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


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """All tensors of one file, after `check_safetensors`."""
    return dict(Stored([path]))


# --- writing ---------------------------------------------------------------------------------------


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

"""Model folders: written whole or not at all, and read strictly (C1 to C13: damaged and hostile ones)."""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import shutil
import struct
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import vlm
from vlm import checkpoint, manifest, weight_files
from vlm.config import FORMAT_VERSION, ModelConfig
from vlm.errors import CheckpointError
from vlm.model import VLM, build_model
from vlm.processor import Processor
from vlm.tokenizer import Tokenizer

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PLAIN_FILES = {"config.json", "manifest.json", "model.safetensors", "tokenizer.json"}
EMBED = "decoder.model.embed_tokens.weight"
NORM = "decoder.model.norm.weight"


@pytest.fixture
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny folder to damage, without its manifest, so that what lies behind that is reached."""
    copy = tmp_path / "model"
    shutil.copytree(tiny_folder, copy)
    (copy / "manifest.json").unlink()
    return copy


@pytest.fixture
def text_only(tiny_config: ModelConfig) -> ModelConfig:
    return replace(tiny_config, clip=None, image_projector=None, whisper=None, audio_projector=None)


def refused(folder: Path, *words: str, **options: Any) -> str:
    """Loading fails with one readable line that holds all `words`."""
    with pytest.raises(vlm.CheckpointError) as caught:
        vlm.load(folder, **options)
    message = str(caught.value)
    assert caught.value.code == "bad_checkpoint"
    assert [word for word in words if word not in message] == [], message
    assert len(message) < 800 and "\n" not in message, message[:2000]
    return message


def header_of(path: Path) -> tuple[dict[str, Any], bytes]:
    """The header of a safetensors file as plain data, and the bytes behind it."""
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    return json.loads(raw[8 : 8 + length]), raw[8 + length :]


def write_raw(path: Path, header: object, data: bytes) -> None:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def edit_header(folder: Path, change: Callable[[dict[str, Any]], None], data: Callable[[bytes], bytes] = bytes) -> None:
    header, rest = header_of(folder / WEIGHTS)
    change(header)
    write_raw(folder / WEIGHTS, header, data(rest))


def edit_tensors(folder: Path, change: Callable[[dict[str, Tensor]], None]) -> None:
    tensors = {name: tensor.clone() for name, tensor in checkpoint.read_tensors(folder).items()}
    change(tensors)
    weight_files.write_safetensors(folder / WEIGHTS, tensors)


def edit_config(folder: Path, field: str, value: Any) -> None:
    """Sets `a.b.c`; a `bytes` value goes into the file as it is, for what JSON can say and Python not."""
    path = folder / "config.json"
    data = json.loads(path.read_text())
    *groups, last = field.split(".")
    inner = data
    for group in groups:
        inner = inner[group]
    inner[last] = "@@" if isinstance(value, bytes) else value
    text = json.dumps(data).encode()
    path.write_bytes(text.replace(b'"@@"', value) if isinstance(value, bytes) else text)


def same_weights(one: VLM, other: VLM) -> bool:
    """Bit for bit, dtypes too."""
    first, second = checkpoint.state_dict(one), checkpoint.state_dict(other)
    return list(first) == list(second) and all(
        t.dtype == second[n].dtype and t.contiguous().view(torch.uint8).equal(second[n].contiguous().view(torch.uint8))
        for n, t in first.items()
    )


# --- round trips -----------------------------------------------------------------------------------


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("shard_bytes", [weight_files.SHARD_BYTES, 20_000], ids=["one-file", "sharded"])
def test_round_trip_is_bit_identical(
    tmp_path: Path, tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, tied: bool, shard_bytes: int
) -> None:
    config = replace(tiny_config, decoder=replace(tiny_config.decoder, tie_word_embeddings=tied))
    processor = Processor(config, tiny_tokenizer)
    model = build_model(config).eval()
    checkpoint.save(tmp_path / "model", model, processor, shard_bytes=shard_bytes)

    names = {path.name for path in (tmp_path / "model").iterdir()}
    shards = sorted(names - PLAIN_FILES - {INDEX})
    assert (names == PLAIN_FILES) != (INDEX in names and len(shards) > 5)
    stored = checkpoint.read_tensors(tmp_path / "model")
    assert ("decoder.lm_head.weight" in stored) != tied
    if shards:
        index = json.loads((tmp_path / "model" / INDEX).read_text())
        assert set(index["weight_map"]) == set(stored) and set(index["weight_map"].values()) == set(shards)
        assert index["metadata"]["total_size"] == sum(tensor.nbytes for tensor in stored.values())

    loaded, loaded_processor = checkpoint.load(tmp_path / "model")
    assert same_weights(model, loaded) and not loaded.training
    assert (loaded.decoder.lm_head.weight is loaded.decoder.model.embed_tokens.weight) == tied
    assert loaded_processor.config == config
    assert loaded_processor.tokenizer.backend.to_str() == tiny_tokenizer.backend.to_str()

    checkpoint.save(tmp_path / "again", loaded, loaded_processor, shard_bytes=shard_bytes)
    for name in names:
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "model" / name).read_bytes(), name


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_storage(
    tmp_path: Path, tiny_model: VLM, tiny_processor: Processor, tiny_folder: Path, dtype: torch.dtype
) -> None:
    checkpoint.save(tmp_path / "half", tiny_model, tiny_processor, dtype=dtype)
    half, full = tmp_path / "half" / WEIGHTS, tiny_folder / WEIGHTS
    kinds = {entry["dtype"] for name, entry in header_of(half)[0].items() if name != "__metadata__"}
    assert kinds == {{torch.bfloat16: "BF16", torch.float16: "F16"}[dtype]}
    assert len(header_of(half)[1]) * 2 == len(header_of(full)[1])

    expected = {name: tensor.to(dtype) for name, tensor in checkpoint.state_dict(tiny_model).items()}
    for wanted in (torch.float32, dtype):
        loaded, _ = checkpoint.load(tmp_path / "half", dtype=wanted)
        for name, tensor in checkpoint.state_dict(loaded).items():
            assert tensor.dtype == wanted and tensor.equal(expected[name].to(wanted)), name


def test_a_model_without_ears_or_eyes(tmp_path: Path, text_only: ModelConfig, tiny_tokenizer: Tokenizer) -> None:
    model = build_model(text_only).eval()
    checkpoint.save(tmp_path / "text", model, Processor(text_only, tiny_tokenizer))
    assert same_weights(model, checkpoint.load(tmp_path / "text")[0])


def test_the_loaded_folder_answers_as_the_model_did(tiny_folder: Path, tiny_assistant: vlm.Assistant) -> None:
    assert (
        vlm.load(tiny_folder).ask("what is", max_new_tokens=8).text
        == tiny_assistant.ask("what is", max_new_tokens=8).text
    )


def test_a_folder_holds_data_and_nothing_else(tmp_path: Path, tiny_model: VLM, tiny_processor: Processor) -> None:
    checkpoint.save(tmp_path / "model", tiny_model, tiny_processor, extra_files={"MODEL_CARD.md": "# Tiny\n"})
    files = sorted((tmp_path / "model").iterdir())
    assert {path.name for path in files} == PLAIN_FILES | {"MODEL_CARD.md"}
    for path in files:
        assert path.is_file() and not path.stat().st_mode & 0o111
        if path.suffix == ".json":
            json.loads(path.read_text())
    manifest = json.loads((tmp_path / "model" / "manifest.json").read_text())
    assert set(manifest["files"]) == {path.name for path in files} - {"manifest.json", "MODEL_CARD.md"}
    (tmp_path / "model" / "MODEL_CARD.md").write_text("prose may change")
    assert vlm.load(tmp_path / "model").card == "prose may change"
    assert list(tmp_path.iterdir()) == [tmp_path / "model"]


# --- writing: the old folder or the new one --------------------------------------------------------


class Stop(BaseException):
    """Neither an `Exception` nor expected."""


@pytest.mark.parametrize("kind", [OSError, MemoryError, KeyboardInterrupt, Stop])
def test_an_error_inside_leaves_the_old_folder(
    tiny_folder: Path, tmp_path: Path, tiny_model: VLM, kind: type[BaseException]
) -> None:
    target = tmp_path / "model"
    shutil.copytree(tiny_folder, target)
    with pytest.raises(kind), manifest.atomic_folder(target) as fresh:
        (fresh / "config.json").write_text("{}")
        raise kind
    assert list(tmp_path.iterdir()) == [target]
    assert same_weights(tiny_model, checkpoint.load(target)[0])


@pytest.mark.parametrize("step", ["write_safetensors", "_sha256", "sync", "_exchange"])
@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_full_disk_leaves_the_old_folder(
    tiny_folder: Path, tmp_path: Path, tiny_model: VLM, tiny_processor: Processor, monkeypatch: pytest.MonkeyPatch,
    step: str, call: int,
) -> None:  # fmt: skip
    owner = weight_files if step == "write_safetensors" else manifest
    target, real, calls = tmp_path / "model", getattr(owner, step), 0
    shutil.copytree(tiny_folder, target)

    def failing(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(28, "No space left on device")
        return real(*args)

    monkeypatch.setattr(owner, step, failing)
    if call > {"write_safetensors": 1, "_exchange": 1}.get(step, 3):
        checkpoint.save(target, tiny_model, tiny_processor)
    else:
        with pytest.raises(OSError, match="No space left"):
            checkpoint.save(target, tiny_model, tiny_processor)
    assert list(tmp_path.iterdir()) == [target]
    assert same_weights(tiny_model, checkpoint.load(target)[0])


def test_without_the_systems_exchange(
    tiny_folder: Path, tmp_path: Path, tiny_model: VLM, tiny_processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three renames then, and the first is undone if the second fails."""
    target = tmp_path / "model"
    shutil.copytree(tiny_folder, target)
    monkeypatch.setattr(manifest, "_swap_call", lambda: None)
    (target / "old").touch()
    checkpoint.save(target, tiny_model, tiny_processor)
    assert list(tmp_path.iterdir()) == [target] and not (target / "old").exists()

    (target / "old").touch()
    rename = Path.rename

    def failing(self: Path, other: Path) -> Path:
        if self.suffix == ".tmp":
            raise OSError(5, "Input/output error")
        return rename(self, other)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="Input/output"):
        checkpoint.save(target, tiny_model, tiny_processor)
    assert list(tmp_path.iterdir()) == [target] and (target / "old").exists()


def test_a_folder_of_something_else_is_not_replaced(tmp_path: Path, tiny_model: VLM, tiny_processor: Processor) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").touch()
    (tmp_path / "file").write_text("mine")
    for name in ("thesis", "file"):
        with pytest.raises(CheckpointError, match=f"{name}: exists and holds something else"):
            checkpoint.save(tmp_path / name, tiny_model, tiny_processor)
    assert (tmp_path / "thesis" / "chapter1.tex").exists() and (tmp_path / "file").read_text() == "mine"
    (tmp_path / "empty").mkdir()
    checkpoint.save(tmp_path / "empty", tiny_model, tiny_processor)
    checkpoint.load(tmp_path / "empty")


KILLS = """
    import os, random, signal, sys, time
    from pathlib import Path
    import torch
    torch.set_num_threads(1)
    from vlm import checkpoint, manifest, weight_files

    os.fsync = lambda descriptor: None  # what a killed process wrote is there without; the disk may be slow
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    model, processor = checkpoint.load(source)

    def save(number):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.fill_(number)
        checkpoint.save(target, model, processor)

    def found():
        manifest.verify_manifest(target)
        checkpoint.load_processor(target)
        tensors = checkpoint.read_tensors(target)
        values = {value for tensor in tensors.values() for value in (tensor.min().item(), tensor.max().item())}
        assert len(tensors) == count and len(values) == 1, values  # of one save, not of two
        return values.pop()

    def child(work):
        pid = os.fork()
        if not pid:
            try:
                work()
            finally:
                os._exit(0)
        return pid

    def forever(number):
        while True:
            number += 1
            save(number)

    def dying(number, lines):
        # ends without any cleaning up before the n-th line that runs in one of the functions that write
        writing = ("save", "atomic_folder", "_exchange", "write_tensors", "write_safetensors")
        files = {module.__file__ for module in (checkpoint, manifest, weight_files)}
        def trace(frame, event, arg):
            nonlocal lines
            if frame.f_code.co_filename not in files or frame.f_code.co_name not in writing:
                return None
            if event == "line":
                lines -= 1
                if lines < 0:
                    os._exit(9)
            return trace
        sys.settrace(trace)
        save(number)

    save(1)
    count = len(checkpoint.state_dict(model))
    rng, kills, progress = random.Random(5), 0, 1
    while kills < 25 or (progress < 10 and kills < 200):
        pid = child(lambda: forever(progress))
        time.sleep(rng.uniform(0.001, 0.06))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        now = found()
        assert now >= progress, (now, progress)
        progress, kills = now, kills + 1
    print("kills", kills, "saves", progress - 1)

    points, seen = 0, set()
    while True:
        save(1)
        pid = child(lambda: dying(2, points))
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        seen.add((code, found()))
        if code == 0:
            break
        points += 1
    assert code == 0 and seen == {(9, 1.0), (9, 2.0), (0, 2.0)}, seen
    checkpoint.load(target)
    print("points", points)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")
def test_killed_at_any_moment(text_only: ModelConfig, tiny_tokenizer: Tokenizer, tmp_path: Path) -> None:
    """25 SIGKILLs at random moments of endless saving, then an end before each line of the code that saves."""
    checkpoint.save(tmp_path / "first", build_model(text_only), Processor(text_only, tiny_tokenizer))
    lines = run_script(KILLS, tmp_path / "first", tmp_path / "model", timeout=300)
    kills, saves, points = (int(float(word)) for line in lines for word in line.split()[1::2])
    assert kills >= 25 and saves >= 9 and points >= 30, lines


def test_everything_is_synced_before_it_takes_its_place(
    tmp_path: Path, tiny_model: VLM, tiny_processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    fsync = os.fsync

    def spy(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").resolve().name)
        fsync(descriptor)

    if not Path("/proc/self/fd").exists():
        pytest.skip("names open files through /proc")
    monkeypatch.setattr(os, "fsync", spy)
    checkpoint.save(tmp_path / "model", tiny_model, tiny_processor)
    assert set(synced[:-2]) == PLAIN_FILES and synced[-2].endswith(".tmp") and synced[-1] == tmp_path.name


def run_script(script: str, *arguments: object, timeout: float = 120) -> list[str]:
    """Its lines; an assertion that fails inside shows its text."""
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(Path(checkpoint.__file__).parents[1])}
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.splitlines()


# --- manifest (C13) --------------------------------------------------------------------------------


@pytest.fixture
def signed(tiny_folder: Path, tmp_path: Path) -> Path:
    """A copy with its manifest."""
    shutil.copytree(tiny_folder, tmp_path / "signed")
    return tmp_path / "signed"


@pytest.mark.parametrize("name", sorted(PLAIN_FILES - {"manifest.json"}))
@pytest.mark.parametrize("where", [0.0, 0.5, 1.0])
def test_one_flipped_bit_is_seen(signed: Path, name: str, where: float) -> None:
    data = bytearray((signed / name).read_bytes())
    data[int(where * (len(data) - 1))] ^= 0x10
    (signed / name).write_bytes(data)
    refused(signed, name, "content (sha256) differs from manifest.json", "damaged or was changed")


@pytest.mark.parametrize("name", sorted(PLAIN_FILES - {"manifest.json"}))
def test_a_file_cut_short_or_gone_is_seen(signed: Path, name: str) -> None:
    size = (signed / name).stat().st_size
    with (signed / name).open("r+b") as file:
        file.truncate(size - 1)
    refused(signed, name, f"size {size - 1} differs", f"({size})")
    (signed / name).unlink()
    refused(signed, name, "named in manifest.json, but missing")


@pytest.mark.parametrize(
    "manifest",
    [
        "", "[]", "null", "{}", '{"files": []}', '{"files": {"config.json": 5}}', '{"files": {"config.json": null}}',
        '{"files": {"config.json": {}}}', '{"files": {"../model/config.json": {}}}', '{"files": {"/etc/passwd": {}}}',
        '{"files": {"..": {}}}', '{"files": {"": {}}}', '{"files": {"%s": {}}}' % ("x" * 5000),
        '{"files": {"a\\u0000": {}}}',
        '{"files": NaN}', '{"files": ' + "9" * 5000 + "}", "[" * 100_000, "\ud800",
    ],
    ids=lambda text: repr(text[:30]),
)  # fmt: skip
def test_a_manifest_that_is_none(signed: Path, manifest: str) -> None:
    (signed / "manifest.json").write_bytes(manifest.encode("utf-8", "surrogatepass"))
    refused(signed)


def test_a_folder_without_a_manifest_is_read(folder: Path, tiny_model: VLM) -> None:
    """Converted folders have none; all other checks still apply."""
    assert same_weights(tiny_model, checkpoint.load(folder)[0])


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, 0, -1, "2", None, [1], 1e400])
def test_another_format_version_is_refused(folder: Path, version: Any) -> None:
    edit_config(folder, "invented_later", True)  # of the two, the version is what is said
    edit_config(folder, "format_version", b"1e400" if version == 1e400 else version)
    refused(folder, "config.json", "format_version", str(version), f"this one reads {FORMAT_VERSION}")


# --- C1, C2, C3: the frame of a weights file -------------------------------------------------------


@pytest.mark.parametrize("keep", [0, 1, 7, 8, 9, 500])
def test_c1_truncated_header(folder: Path, keep: int) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[:keep])
    refused(folder, WEIGHTS, str(keep))


@pytest.mark.parametrize("cut", [1, 2, 4, 1000, 100_000])
def test_c1_truncated_data(folder: Path, cut: int) -> None:
    header, data = header_of(folder / WEIGHTS)
    write_raw(folder / WEIGHTS, header, data[:-cut])
    refused(folder, WEIGHTS, f"need {len(data)} bytes", f"holds {len(data) - cut}")


def oversized_headers() -> Iterator[tuple[str, bytes | int]]:
    """Headers behind a true length, or only a length that is a lie (as an int, or as the bytes of a file)."""
    entry = '{"dtype":"F32","shape":[%s],"data_offsets":[0,4]}'
    yield "2^63", struct.pack("<Q", 1 << 63)
    yield "2^64-1", b"\xff" * 8 + b"{}"
    yield "2 GiB", struct.pack("<Q", 2 << 30)
    yield "2 GiB of blanks", 2 << 30
    yield "16 MiB + 1", (16 << 20) + 1
    yield "1M tensors", ("{" + ",".join(f'"{i}":{entry % 1}' for i in range(1_000_000)) + "}").encode()
    yield "1.4M entries", b"{" + ",".join(f'"{i}":0' for i in range(1_400_000)).encode() + b"}"
    yield "5M lists", b"[" + b"[]," * 5_000_000 + b"[]]"
    yield "deep lists", b"[" * (16 << 20)
    yield "deep lists, fewer", b"[" * 300_000
    yield "deep objects", b'{"a":' * 3_000_000
    yield "20001 tensors", json.dumps({str(i): json.loads(entry % 1) for i in range(20_001)}).encode()
    yield "300k lists", b"[" + b"[]," * 150_000 + b"[]]"
    yield "300k entries", b"{" + ",".join(f'"{i}":0' for i in range(300_000)).encode() + b"}"
    yield "long name", json.dumps({"x" * (15 << 20): json.loads(entry % 1)}).encode()
    yield "long numbers", ('{"a":' + entry % ",".join([str(10**4200)] * 3000) + "}").encode()
    yield "long shape", ('{"a":' + entry % ",".join(["9"] * 300_000) + "}").encode()
    yield "blanks", b" " * (16 << 20)
    yield "long text", b'"' + b"x" * (15 << 20)


MEASURE = """
    import json, sys, time
    from pathlib import Path
    from vlm import checkpoint, manifest, weight_files
    from vlm.errors import CheckpointError

    def peak():
        return next(int(line.split()[1]) >> 10 for line in open("/proc/self/status") if line.startswith("VmHWM"))

    for folder in sorted(Path(sys.argv[1]).iterdir()):
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
        before, started = peak(), time.process_time()
        try:
            checkpoint.read_tensors(folder)
            result = "accepted"
        except CheckpointError as error:
            result = str(error)
        print(json.dumps([folder.name, result, time.process_time() - started, peak() - before]))
"""


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="measures peak memory through /proc")
def test_c2_headers_that_would_cost_memory(tmp_path: Path) -> None:
    """Each is refused in under a second of CPU and 50 MiB beyond its own 16; lies about the length cost nothing."""
    lies = []
    for number, (name, header) in enumerate(oversized_headers()):
        folder = tmp_path / f"{number:02} {name}"
        folder.mkdir()
        with (folder / WEIGHTS).open("wb") as file:
            if isinstance(header, bytes) and len(header) > 100:
                file.write(struct.pack("<Q", len(header)) + header)
            else:
                file.write(struct.pack("<Q", header) if isinstance(header, int) else header)
                file.truncate(header + 8 if isinstance(header, int) else 3 << 30)  # a hole, which takes no room
                lies.append(folder.name)
    found = [json.loads(line) for line in run_script(MEASURE, tmp_path)]
    assert len(found) == 19 and len(lies) == 5
    for name, message, seconds, mebibytes in found:
        assert message.startswith(WEIGHTS) and len(message) < 500, (name, message[:500])
        assert seconds < 1, (name, seconds)
        assert mebibytes < (1 if name in lies or "1M" in name else 50 + 16), (name, mebibytes)
    said = {name[3:]: message for name, message, _, _ in found}
    assert str(1 << 63) in said["2^63"] and str(2 << 30) in said["2 GiB"] and str(16 << 20) in said["2 GiB"]
    assert "20001 tensors, more than 20000" in said["20001 tensors"]


def test_c2_deep_json_everywhere(folder: Path) -> None:
    for name in ("config.json", "tokenizer.json", INDEX):
        kept = (folder / name).read_bytes() if (folder / name).exists() else None
        for text in ("[" * 200_000, '{"a":' * 200_000):
            (folder / name).write_text(text)
            refused(folder, name)
        (folder / name).write_bytes(kept) if kept else (folder / name).unlink()


def swap_offsets(header: dict[str, Any]) -> None:
    first, second = [name for name, entry in header.items() if entry.get("shape") == [32, 32]][:2]
    header[first]["data_offsets"] = header[second]["data_offsets"]


def first_entry(header: dict[str, Any]) -> dict[str, Any]:
    return min((entry for entry in header.values() if "shape" in entry), key=lambda entry: entry["data_offsets"])


def move(by: int) -> Callable[[dict[str, Any]], None]:
    def change(header: dict[str, Any]) -> None:
        for entry in header.values():
            if "shape" in entry:
                entry["data_offsets"] = [offset + by for offset in entry["data_offsets"]]

    return change


@pytest.mark.parametrize(
    ("change", "data", "words"),
    [
        (swap_offsets, bytes, ["overlap or hole"]),
        (move(4), lambda d: b"\0" * 4 + d, ["starts at 4, expected 0", "overlap or hole"]),
        (move(-4), lambda d: d[4:], ["malformed entry"]),
        (lambda h: None, lambda d: d + b"\0", ["bytes, the file holds"]),
        (lambda h: None, lambda d: d + b"\x80\x04." * 1000, ["bytes, the file holds"]),
        (lambda h: h.pop(NORM), bytes, ["overlap or hole"]),
        (lambda h: first_entry(h)["data_offsets"].reverse(), bytes, ["spans -", "its shape needs"]),
        (lambda h: h[NORM].update(shape=[33]), bytes, [NORM, "spans 128 bytes, its shape needs 132"]),
        (lambda h: h[NORM].update(shape=[1 << 62, 4]), bytes, [NORM, "spans 128 bytes"]),
        (lambda h: h[NORM].update(shape=[-32]), bytes, [NORM, "malformed"]),
        (lambda h: h[NORM].update(shape=[32.0]), bytes, [NORM, "malformed"]),
        (lambda h: h[NORM].update(shape=[True] * 5), bytes, [NORM, "malformed"]),
        (lambda h: h[NORM].update(shape=None), bytes, [NORM, "malformed"]),
        (lambda h: h[NORM].update(data_offsets=[0]), bytes, [NORM, "malformed"]),
        (lambda h: h[NORM].update(data_offsets="ab"), bytes, [NORM, "malformed"]),
        (lambda h: h[NORM].update(dtype=["F32"]), bytes, [NORM, "malformed"]),
        (lambda h: h[NORM].pop("dtype"), bytes, [NORM, "malformed"]),
        (lambda h: h.update(more=5), bytes, ["more", "malformed"]),
        (lambda h: h.update(more=[]), bytes, ["more", "malformed"]),
        (lambda h: h.update(more="F32"), bytes, ["more", "malformed"]),
        (lambda h: h.update({"x" * 5000: h.pop(NORM)}), bytes, ["xxx", "malformed"]),
    ],
)
def test_c3_tensors_that_do_not_tile_the_file(
    folder: Path, change: Callable[[dict[str, Any]], None], data: Callable[[bytes], bytes], words: list[str]
) -> None:
    edit_header(folder, change, data)
    refused(folder, WEIGHTS, *words)


@pytest.mark.parametrize("spelled", ['"a"', '"\\u0061"'])
def test_c3_duplicate_names(folder: Path, spelled: str) -> None:
    entry = '{"dtype":"F32","shape":[1],"data_offsets":[%d,%d]}'
    text = f'{{"a":{entry % (0, 4)},{spelled}:{entry % (4, 8)}}}'
    write_raw(folder / WEIGHTS, text.encode(), b"\0" * 8)
    refused(folder, WEIGHTS, "'a'", "stands twice in the header")


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b"7", b"null", b'"x"', b"\xff\xfe{}", b'{"a":NaN}', b'{"a":Infinity}']
)
def test_c3_headers_that_are_none(folder: Path, text: bytes) -> None:
    write_raw(folder / WEIGHTS, text, b"")
    refused(folder, WEIGHTS)


# --- C4, C5, C6, C12: what the tensors are ---------------------------------------------------------


def test_c4_wrong_shapes_are_listed(folder: Path) -> None:
    def change(tensors: dict[str, Tensor]) -> None:
        tensors[NORM] = tensors[NORM][:16]
        tensors[EMBED] = tensors[EMBED].T

    edit_tensors(folder, change)
    refused(folder, "wrong shapes (2)", f"{NORM} is (16,), expected (32,)", f"{EMBED} is (32, 288), expected (288, 32)")


def test_c4_a_model_is_not_half_loaded(tiny_config: ModelConfig, tiny_model: VLM) -> None:
    model = build_model(tiny_config)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    wrong = {**checkpoint.state_dict(tiny_model), NORM: torch.ones(5)}
    with pytest.raises(CheckpointError, match="wrong shapes"):
        checkpoint.load_state(model, wrong)
    assert all(tensor.equal(before[name]) for name, tensor in model.state_dict().items())


def test_c5_missing_and_extra_tensors(folder: Path) -> None:
    def change(tensors: dict[str, Tensor]) -> None:
        tensors["decoder.model.norm.weights"] = tensors.pop(NORM)

    edit_tensors(folder, change)
    refused(folder, f"missing tensors (1): {NORM}", "unexpected tensors (1): decoder.model.norm.weights")


def test_c5_a_projector_alone_and_a_tied_head_too_many(folder: Path) -> None:
    kept = checkpoint.read_tensors(folder)
    edit_tensors(folder, lambda tensors: tensors.update({"decoder.lm_head.weight": tensors[EMBED].clone()}))
    refused(folder, "unexpected tensors (1): decoder.lm_head.weight")
    weight_files.write_safetensors(folder / WEIGHTS, {n: t for n, t in kept.items() if n.startswith("projectors.")})
    message = refused(folder, "missing tensors (")
    assert message.endswith(", ...")
    weight_files.write_safetensors(folder / WEIGHTS, {})
    refused(folder, f"missing tensors ({len(kept)})")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("name", [EMBED, NORM, "encoders.image.visual.conv1.weight"])
def test_c6_non_finite_weights(folder: Path, name: str, value: float) -> None:
    edit_tensors(folder, lambda tensors: tensors[name].view(-1)[-1:].fill_(value))
    refused(folder, repr(name), "NaN or infinite", "allow_nonfinite=True")
    assert not torch.isfinite(vlm.load(folder, allow_nonfinite=True).model.state_dict()[name]).all()


def test_c6_a_matrix_of_zeros(folder: Path) -> None:
    """No trained or fresh matrix is zero throughout; a bias may be."""
    edit_tensors(folder, lambda tensors: tensors[EMBED].zero_())
    refused(folder, repr(EMBED), "all zeros", "allow_nonfinite=True")
    vlm.load(folder, allow_nonfinite=True)


def test_c6_zero_biases_and_fresh_models_pass(folder: Path, tiny_config: ModelConfig) -> None:
    checkpoint.check_values(checkpoint.state_dict(build_model(tiny_config)))
    edit_tensors(folder, lambda tensors: [t.zero_() for n, t in tensors.items() if n.endswith("bias")])
    vlm.load(folder)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_c12_other_floats_are_converted(folder: Path, dtype: torch.dtype) -> None:
    edit_tensors(folder, lambda tensors: tensors.update({n: t.to(dtype) for n, t in tensors.items()}))
    expected = {name: tensor.float() for name, tensor in checkpoint.read_tensors(folder).items()}
    found = checkpoint.state_dict(vlm.load(folder).model)
    assert all(tensor.dtype == torch.float32 and tensor.equal(expected[name]) for name, tensor in found.items())


def test_c12_values_beyond_the_working_dtype(folder: Path) -> None:
    """Finite in the file, infinite as what it becomes."""
    edit_tensors(folder, lambda tensors: tensors.update({NORM: tensors[NORM].double() * 1e300}))
    refused(folder, repr(NORM), "infinite", "float32")
    edit_tensors(folder, lambda tensors: tensors.update({NORM: torch.full((32,), 1e6)}))
    vlm.load(folder)
    refused(folder, repr(NORM), "infinite", "float16", dtype=torch.float16)


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.int8, torch.uint8, torch.bool])
def test_c12_integers_are_refused(folder: Path, dtype: torch.dtype) -> None:
    edit_tensors(folder, lambda tensors: tensors.update({NORM: tensors[NORM].to(dtype)}))
    refused(folder, NORM, str(dtype), "expected floating point")


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2", "C64", "F4", "U16", "f32", "", None, 7, "F32" * 10_000])
def test_c12_unknown_dtypes_are_refused(folder: Path, dtype: Any) -> None:
    edit_header(folder, lambda header: header[NORM].update(dtype=dtype))
    refused(folder, WEIGHTS, NORM, "unsupported dtype", repr(dtype)[:5])


# --- C7: pickles -----------------------------------------------------------------------------------


class Payload:
    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


def payloads(canary: Path) -> dict[str, bytes]:
    """Each would create the canary when unpickled."""
    command = f"touch {canary}"
    code = f"__import__('pathlib').Path({str(canary)!r}).touch()"
    zipped = io.BytesIO()
    torch.save({"weight": Payload(os.system, command)}, zipped)
    return {
        "system": pickle.dumps(Payload(os.system, command)),
        "eval": pickle.dumps(Payload(eval, code), protocol=4),
        "exec": pickle.dumps({"state_dict": Payload(exec, code)}, protocol=2),
        "global": b"cposix\nsystem\n(S'%s'\ntR." % command.encode(),
        "instance": b"(S'%s'\niposix\nsystem\n." % command.encode(),
        "torch": zipped.getvalue(),
        "mark": b"\x80\x02" + pickle.dumps(Payload(os.system, command), protocol=2)[2:],
    }


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A path that must not come to be; unpickling is an error meanwhile."""

    def forbidden(*args: object, **kwargs: object) -> None:
        raise AssertionError("something was unpickled")

    for module, name in ((pickle, "load"), (pickle, "loads"), (pickle, "Unpickler"), (torch, "load")):
        monkeypatch.setattr(module, name, forbidden)
    yield tmp_path / "canary"
    assert not (tmp_path / "canary").exists()


def test_c7_the_payloads_are_live(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    for name, payload in payloads(canary).items():
        if name != "torch":
            pickle.loads(payload)
            assert canary.exists(), name
            canary.unlink()


def test_c7_pickles_beside_the_weights_are_left_alone(folder: Path, canary: Path, tiny_model: VLM) -> None:
    names = ("model.bin", "pytorch_model.bin", "model.pt", "last.ckpt", "weights.pkl", "optimizer.pth", ".metadata",
             "training_args.bin", "__init__.py", "modeling.py")  # fmt: skip
    for name in names:
        for payload in payloads(canary).values():
            (folder / name).write_bytes(payload)
    assert same_weights(tiny_model, checkpoint.load(folder)[0])


@pytest.mark.parametrize("name", ["model.bin", "pytorch_model.bin", "model.pt", "a.pth", "b.ckpt", "c.pkl"])
def test_c7_pickles_instead_of_the_weights_are_refused(folder: Path, canary: Path, name: str) -> None:
    (folder / WEIGHTS).unlink()
    for payload in payloads(canary).values():
        (folder / name).write_bytes(payload)
        refused(folder, WEIGHTS, "missing", f"{name} is a pickle, which can run code and is not read")


@pytest.mark.parametrize("name", [WEIGHTS, "config.json", "tokenizer.json", "manifest.json", INDEX])
def test_c7_renamed_pickles_are_refused(folder: Path, canary: Path, name: str) -> None:
    for payload in payloads(canary).values():
        (folder / name).write_bytes(payload)
        refused(folder, name)


def test_c7_a_shard_that_is_a_pickle(folder: Path, canary: Path) -> None:
    (folder / INDEX).write_text(json.dumps({"weight_map": {NORM: "pytorch_model.bin"}}))
    for payload in payloads(canary).values():
        (folder / "pytorch_model.bin").write_bytes(payload)
        refused(folder, "pytorch_model.bin", "is not a file of this folder")


# --- C8, C9: the config ----------------------------------------------------------------------------

HUGE = 10**400
OUT_OF_RANGE = [
    ("decoder.hidden_size", 10**9), ("decoder.hidden_size", 0), ("decoder.hidden_size", -32),
    ("decoder.hidden_size", 32.0), ("decoder.hidden_size", "32"), ("decoder.hidden_size", None),
    ("decoder.hidden_size", True), ("decoder.hidden_size", [32]), ("decoder.hidden_size", {}),
    ("decoder.hidden_size", b"1e400"), ("decoder.hidden_size", HUGE), ("decoder.hidden_size", b"NaN"),
    ("decoder.hidden_size", b"-Infinity"), ("decoder.hidden_size", b"9" * 5000), ("decoder.hidden_size", "x" * 100_000),
    ("decoder.vocab_size", 10**9), ("decoder.vocab_size", 0), ("decoder.intermediate_size", 10**9),
    ("decoder.num_hidden_layers", 10**6), ("decoder.num_hidden_layers", 0), ("decoder.num_hidden_layers", -1),
    ("decoder.num_attention_heads", 0), ("decoder.num_attention_heads", -4), ("decoder.num_attention_heads", 3),
    ("decoder.num_key_value_heads", 0), ("decoder.num_key_value_heads", 3), ("decoder.num_key_value_heads", 8),
    ("decoder.head_dim", 16), ("decoder.head_dim", 7), ("decoder.head_dim", 0), ("decoder.head_dim", 10**6),
    ("decoder.max_position_embeddings", 0), ("decoder.max_position_embeddings", 10**12),
    ("decoder.rms_norm_eps", -1), ("decoder.rms_norm_eps", b"1e400"), ("decoder.rms_norm_eps", "1e-5"),
    ("decoder.rope_theta", 0), ("decoder.rope_theta", -1.0), ("decoder.rope_theta", b"1e400"),
    ("decoder.rope_theta", HUGE), ("decoder.rope_theta", b"-1e400"), ("decoder.rope_theta", 1e300),
    ("decoder.rope_scaling", "linear"), ("decoder.rope_scaling", {"rope_type": "yarn", "factor": 2.0}),
    ("decoder.rope_scaling", {"rope_type": "linear", "factor": 0.5}), ("decoder.rope_scaling", {"factor": 2.0}),
    ("decoder.rope_scaling", {"rope_type": "linear", "factor": HUGE}),
    ("decoder.rope_scaling", {"rope_type": [], "factor": 2.0}),
    ("decoder.rope_scaling", {"rope_type": "llama3", "factor": 2.0, "low_freq_factor": 4.0, "high_freq_factor": 1.0}),
    ("decoder.tie_word_embeddings", 1), ("decoder", None), ("decoder", []), ("decoder", {}),
    ("special_ids.pad", -1), ("special_ids.bos", 288), ("special_ids.eos", [2, 10**9]), ("special_ids.eos", 2),
    ("special_ids.image", 288), ("special_ids.audio", 1 << 70), ("special_ids.image", "6"), ("special_ids.eos", ["2"]),
    ("special_ids.image", 7), ("special_ids.audio", 0), ("special_ids.image", 2),
    ("chat_template", "unheard-of"), ("chat_template", 5), ("chat_template", "{{ 7 * 7 }}"), ("name", None),
    ("clip.image_size", 10**6), ("clip.image_size", 0), ("clip.image_size", 33), ("clip.patch_size", 0),
    ("clip.patch_size", 64),
    ("clip.width", 10**6), ("clip.width", 17), ("clip.layers", 10**6), ("clip.layers", 0), ("clip.head_width", 0),
    ("clip.head_width", -8), ("clip.mlp_ratio", 0), ("clip.mlp_ratio", b"1e400"), ("clip.mlp_ratio", HUGE),
    ("clip.embed_dim", 10**9), ("clip.feature_layer", 0), ("clip.feature_layer", -3), ("clip.feature_layer", 5),
    ("clip.pool_type", "max"), ("clip.quick_gelu", "yes"), ("clip.image_mean", [0.5, 0.5]),
    ("clip.image_mean", [0.5] * 4),
    ("clip.image_mean", [0.5, 0.5, "a"]), ("clip.image_mean", b"[1e400, 0, 0]"), ("clip.image_std", [0.0, 0.5, 0.5]),
    ("clip.image_std", [-1.0, 0.5, 0.5]), ("clip.image_std", 0.5), ("clip.grids", [[0, 1]]), ("clip.grids", [[-2, -2]]),
    ("clip.grids", [[9, 9]]), ("clip.grids", [[1, 2, 3]]), ("clip.grids", [[1]]), ("clip.grids", [1, 2]),
    ("clip.grids", "22"), ("clip.grids", [[1, 1.5]]), ("clip.grids", [[1, HUGE]]), ("clip.grids", [[1, 2]] * 100_000),
    ("clip", None), ("clip", []), ("clip", "ViT-B-32"), ("image_projector", None),
    ("whisper.d_model", 10**9), ("whisper.d_model", 0), ("whisper.d_model", 17), ("whisper.encoder_layers", 10**6),
    ("whisper.encoder_attention_heads", 0), ("whisper.encoder_ffn_dim", -1), ("whisper.num_mel_bins", 0),
    ("whisper.max_source_positions", 10**6), ("whisper.max_source_positions", 99), ("whisper.d_model", "16"),
    ("whisper", None), ("audio_projector", None), ("audio_projector", {"kind": "audio_swiglu"}),
    ("image_projector.hidden_size", 10**9), ("image_projector.hidden_size", 0), ("image_projector.downsample", 0),
    ("image_projector.downsample", 10**6), ("image_projector.downsample", 3), ("image_projector.kind", "audio_swiglu"),
    ("image_projector.kind", "os.system"), ("audio_projector.kind", "image_mlp"), ("audio_projector.downsample", -8),
    ("system_prompt", ["be", "kind"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value"), OUT_OF_RANGE, ids=[f"{field}={str(value)[:24]}" for field, value in OUT_OF_RANGE]
)
def test_c8_values_out_of_range(folder: Path, monkeypatch: pytest.MonkeyPatch, field: str, value: Any) -> None:
    def too_early(config: ModelConfig) -> VLM:
        raise AssertionError("a model was built")

    monkeypatch.setattr(checkpoint, "build_empty", too_early)
    edit_config(folder, field, value)
    message = refused(folder, "config")
    if not (
        isinstance(value, bytes) and (b"N" in value or b"I" in value or len(value) > 4300)
    ):  # of these JSON says it
        assert field.split(".")[0] in message or field.rpartition(".")[2] in message


def test_c8_dynamic_scaling_needs_room(folder: Path) -> None:
    for field, value in (
        ("head_dim", 2),
        ("num_attention_heads", 16),
        ("rope_scaling", {"rope_type": "dynamic", "factor": 2.0}),
    ):
        edit_config(folder, f"decoder.{field}", value)
    refused(folder, "config", "dynamic", "head_dim")


def test_c8_the_largest_permitted_shape_allocates_nothing(folder: Path) -> None:
    """Every range is kept, 2 * 10^13 parameters: it is the weights that do not fit, and no byte was asked for."""
    shape = {"vocab_size": 1 << 20, "hidden_size": 1 << 15, "intermediate_size": 1 << 17, "num_hidden_layers": 512,
             "num_attention_heads": 512, "num_key_value_heads": 512, "head_dim": 64}  # fmt: skip
    for field, value in shape.items():
        edit_config(folder, f"decoder.{field}", value)
    started = time.process_time()
    refused(folder, "missing tensors (", "wrong shapes (", f"{EMBED} is (288, 32), expected (1048576, 32768)")
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("auto_map", {"AutoModel": "modeling.Evil"}),
        ("custom_code", "import os"),
        ("_target_", "os.system"),
        ("trust_remote_code", True),
        ("decoder.auto_map", {"AutoConfig": "evil.Config"}),
        ("clip._target_", "subprocess.run"),
        ("architectures", ["Evil"]),
        ("__class__", "Evil"),
        ("x" * 100_000, 1),
    ],
)
def test_c9_fields_that_would_bring_code(folder: Path, tmp_path: Path, field: str, value: Any) -> None:
    for name in ("modeling.py", "evil.py", "os.py"):
        (folder / name).write_text(f"open({str(tmp_path / 'canary')!r}, 'w')")
    edit_config(folder, field, value)
    before = set(sys.modules)
    refused(folder, "config", "unknown field", field.rpartition(".")[2][:10])
    assert not (tmp_path / "canary").exists()
    assert not {"modeling", "evil"} & (set(sys.modules) - before)


@pytest.mark.parametrize(
    "text", ["!!python/object/apply:os.system ['id']", "%YAML 1.1\n---\n!!python/name:os.system", "a: 1"]
)
def test_c9_yaml_is_no_config(folder: Path, text: str) -> None:
    (folder / "config.json").write_text(text)
    refused(folder, "config.json", "not valid JSON")


def test_c8_a_config_that_is_none(folder: Path) -> None:
    path = folder / "config.json"
    for content in (
        b"",
        b"null",
        b"[]",
        b"5",
        b'"text"',
        b"\xff\xfe\x00",
        b"{}",
        b"{" * 100,
        b"\0" * 100,
        b"[" * 2_000_000,
    ):
        path.write_bytes(content)
        refused(folder, "config")
    path.write_bytes(b" " * (5 << 20))
    refused(folder, "config.json", str(5 << 20), str(4 << 20))
    path.unlink()
    refused(folder, "config.json", "No such file")


# --- C10: shards -----------------------------------------------------------------------------------


@pytest.fixture
def sharded(tmp_path: Path, tiny_model: VLM, tiny_processor: Processor) -> Path:
    checkpoint.save(tmp_path / "sharded", tiny_model, tiny_processor, shard_bytes=60_000)
    (tmp_path / "sharded" / "manifest.json").unlink()
    return tmp_path / "sharded"


@pytest.mark.parametrize(
    "shard",
    [
        "../../etc/passwd", "../model-00001-of-00004.safetensors", "/etc/passwd", "/etc/passwd.safetensors",
        "sub/a.safetensors",
        "./a.safetensors", "..", ".", "", "model.bin", "a.safetensors/..", "..\\x", "http://localhost/a.safetensors",
        "x" * 5000 + ".safetensors", "a\0.safetensors", "~/a.safetensors", "$HOME/a.safetensors", 7, None,
        ["a.safetensors"], {},
    ],
    ids=lambda shard: repr(shard)[:40],
)  # fmt: skip
def test_c10_shards_elsewhere(sharded: Path, shard: Any) -> None:
    index = json.loads((sharded / INDEX).read_text())
    index["weight_map"][NORM] = shard
    (sharded / INDEX).write_text(json.dumps(index))
    message = refused(sharded)
    assert "is not a file of this folder" in message or "missing in" in message


def test_c10_missing_doubled_and_wrong_shards(sharded: Path) -> None:
    first, second = sorted(sharded.glob("model-*.safetensors"))[:2]
    kept = second.read_bytes()
    second.unlink()
    refused(sharded, second.name, "missing")
    shutil.copy(first, second)
    refused(sharded, second.name, "stands in two shards")
    second.write_bytes(kept[:-1])
    refused(sharded, second.name, "bytes, the file holds")
    second.write_bytes(kept)
    vlm.load(sharded)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"weight_map": []}', '{"weight_map": {}}', '{"weight_map": "x"}', "[" * 9999]
)
def test_c10_an_index_that_is_none(sharded: Path, text: str) -> None:
    (sharded / INDEX).write_text(text)
    refused(sharded, INDEX)


# --- C11: tokenizer --------------------------------------------------------------------------------


def edit_tokenizer(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    data = json.loads((folder / "tokenizer.json").read_text())
    change(data)
    (folder / "tokenizer.json").write_text(json.dumps(data))


def test_c11_vocabularies_that_do_not_fit(folder: Path) -> None:
    edit_tokenizer(folder, lambda data: data["model"]["vocab"].update({f"new{i}": 280 + i for i in range(9)}))
    refused(folder, "tokenizer.json has 289 tokens", "vocab_size is 288")


def test_c11_one_id_far_beyond(folder: Path) -> None:
    """Fewer tokens than rows, but one of them has no row."""
    edit_tokenizer(folder, lambda data: data["model"]["vocab"].update({"far": 5000}))
    refused(folder, "tokenizer.json", "5001", "288")


def test_c11_a_control_token_is_missing(folder: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["added_tokens"] = [token for token in data["added_tokens"] if token["content"] != "<|assistant|>"]
        data["model"]["vocab"]["assistant"] = data["model"]["vocab"].pop("<|assistant|>")

    edit_tokenizer(folder, change)
    refused(folder, "tokenizer.json", "'<|assistant|>'", "chat template")


@pytest.mark.parametrize("token", ["<|user|>", "<|end|>", "<|image|>", "<|audio|>"])
def test_c11_a_control_token_that_anyone_can_type(folder: Path, token: str) -> None:
    """As an added token that is not special, or as an ordinary one: text would turn into its id."""
    kept = (folder / "tokenizer.json").read_bytes()
    edit_tokenizer(folder, lambda data: [t.update(special=t["content"] != token) for t in data["added_tokens"]])
    refused(
        folder, "tokenizer.json", "is ordinary text", f"id {7 if 'audio' in token else 6 if 'image' in token else ''}"
    )
    (folder / "tokenizer.json").write_bytes(kept)

    def drop(data: dict[str, Any]) -> None:
        data["added_tokens"] = [t for t in data["added_tokens"] if t["content"] != token]

    edit_tokenizer(folder, drop)
    refused(folder, "tokenizer.json", "is ordinary text")


@pytest.mark.parametrize("token_id", [50, 270])
def test_c11_a_placeholder_that_is_a_letter_or_a_word(folder: Path, token_id: int) -> None:
    edit_config(folder, "special_ids.image", token_id)
    refused(folder, "tokenizer.json", "special_ids.image", str(token_id), "ordinary text")


def test_c11_a_placeholder_beyond_the_vocabulary_is_fine(folder: Path) -> None:
    edit_config(folder, "special_ids.image", 287)
    vlm.load(folder)


def test_c11_an_end_that_would_not_end(folder: Path) -> None:
    edit_config(folder, "special_ids.eos", [1])
    refused(folder, "special_ids.eos is (1,)", "'<|end|>'", "id 2")


def test_c11_tokenizer_files_that_are_none(folder: Path) -> None:
    path = folder / "tokenizer.json"
    whole = path.read_bytes()
    broken = [
        whole[:-1],
        whole[: len(whole) // 2],
        whole.replace(b'"BPE"', b'"Evil"'),
        whole.replace(b"merges", b"mirth"),
    ]
    for content in (b"", b"{}", b"[]", b"null", b"\xff" * 100, b"[" * 100_000, b"PK\3\4", *broken):
        path.write_bytes(content)
        refused(folder, "tokenizer.json")
    with path.open("wb") as file:
        file.truncate(200 << 20)
    started = time.process_time()
    refused(folder, "tokenizer.json", str(200 << 20), str(64 << 20))
    assert time.process_time() - started < 1
    path.unlink()
    refused(folder, "tokenizer.json", "No such file")


# --- folders and files that are something else -----------------------------------------------------


def test_no_such_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("nowhere", "file", "file/inside", "x" * 300, "a\0b", "https://example.com/model", "\udcff"):
        refused(Path(f"{tmp_path}/{name}"), "no such model folder")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", "config.json", "No such file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "manifest.json", WEIGHTS, INDEX])
@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "loop"])
def test_files_that_are_none(folder: Path, name: str, kind: str) -> None:
    """Refused, where opening one would wait forever."""
    path = folder / name
    path.unlink(missing_ok=True)
    {"pipe": lambda: os.mkfifo(path), "folder": path.mkdir, "device": lambda: path.symlink_to("/dev/zero"),
     "loop": lambda: path.symlink_to(name)}[kind]()  # fmt: skip
    if kind == "loop" and name in ("manifest.json", INDEX):  # as good as absent
        vlm.load(folder)
    else:
        refused(folder, name)


# --- anything at all -------------------------------------------------------------------------------


def mutated(data: bytes, rng: random.Random) -> bytes:
    """A few bytes changed, taken out, doubled or cut off."""
    result = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(result))
        match rng.randrange(5):
            case 0:
                result[at] = rng.randrange(256)
            case 1:
                result[at] = rng.choice(b'0123456789-+eE.,:[]{}"\\ntf')
            case 2:
                del result[at : at + rng.randint(1, 30)]
            case 3:
                result[at:at] = result[at : at + rng.randint(1, 30)]
            case _:
                result[at : at + 1] = rng.choice([b"1e999", b"-1", b"null", b"[]", b"{}", b"9" * 30, b'"', b"\\ud800"])
        if not result:
            break
    return bytes(result)


@pytest.mark.parametrize(
    ("name", "read", "times"),
    [
        (WEIGHTS, checkpoint.read_tensors, 400),
        ("config.json", checkpoint.load_config, 400),
        ("tokenizer.json", checkpoint.load_processor, 150),
        ("manifest.json", manifest.verify_manifest, 200),
    ],
)
def test_mutated_files_are_read_or_refused(signed: Path, name: str, read: Callable[[Path], Any], times: int) -> None:
    """Nothing but `CheckpointError` comes out, whatever the file says."""
    whole, rng, refusals = (signed / name).read_bytes(), random.Random(name), 0
    (length,) = struct.unpack("<Q", whole[:8])
    edge = 8 + length if name == WEIGHTS else len(whole)  # behind the header any bytes are weights
    for _ in range(times):
        (signed / name).write_bytes(mutated(whole[:edge], rng) + whole[edge:])
        try:
            read(signed)
        except CheckpointError as error:
            refusals += 1
            assert len(str(error)) < 1000
    assert refusals > times // 4

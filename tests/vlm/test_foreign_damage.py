"""Damaged and hostile folders of others (C1 to C13): each gets the error of ours, and no model is built.

The same damage to every layout that is read: Llama, LLaVA-1.5 and LLaVA-NeXT as whole models, CLIP
and Whisper as parts that `vlm compose` takes.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionModel

import vlm
from vlm.compose import composed
from vlm.model import VLM

from .test_checkpoint import canary, header_of, payloads, write_raw
from .test_compose import whisper_folder
from .test_foreign import llama_folder, llava_folder, randomised, vision_config

__all__ = ["canary"]  # a fixture

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
LAYOUTS = ("llama", "llava", "llava-next", "clip", "whisper")
A_TENSOR = {
    "llama": "model.norm.weight",
    "llava": "multi_modal_projector.linear_1.weight",
    "llava-next": "image_newline",
    "clip": "embeddings.class_embedding",
    "whisper": "model.encoder.conv1.weight",
}
"""One that each reads."""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole folder of each layout, and of each also one in shards."""
    root = tmp_path_factory.mktemp("folders")
    for name in LAYOUTS:
        (root / name).mkdir()
    llama_folder(root / "llama", num_key_value_heads=2)
    for name in ("llava", "llava-next"):
        llava_folder(root / name, tiles=name == "llava-next")
    tower = CLIPVisionModel(vision_config())
    randomised(tower)
    tower.save_pretrained(root / "clip")
    whisper_folder(root / "whisper")
    for name in LAYOUTS:
        shutil.copytree(root / name, root / f"{name} in shards")
        _divide(root / f"{name} in shards")
    return root


def _divide(folder: Path) -> None:
    """One file into two and their index."""
    tensors = load_file(folder / WEIGHTS)
    names, where = sorted(tensors), dict[str, str]()
    for number, part in enumerate((names[::2], names[1::2]), 1):
        file = f"model-{number:05}-of-00002.safetensors"
        save_file({n: tensors[n] for n in part}, folder / file)
        where |= dict.fromkeys(part, file)
    (folder / WEIGHTS).unlink()
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": where}))


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def folder(sound: Path, layout: str, tmp_path: Path) -> Path:
    """A copy to damage."""
    shutil.copytree(sound / layout, tmp_path / layout)
    return tmp_path / layout


@pytest.fixture
def sharded(sound: Path, layout: str, tmp_path: Path) -> Path:
    shutil.copytree(sound / f"{layout} in shards", tmp_path / layout)
    return tmp_path / layout


def read(folder: Path, sound: Path, **options: Any) -> VLM:
    """As a user would: a whole model is loaded, a part composed with the sound Llama."""
    if folder.name.startswith(("clip", "whisper")):
        part: dict[str, Any] = {"vision" if folder.name.startswith("clip") else "audio": str(folder)}
        return composed(str(sound / "llama"), dtype=torch.float32, **part)[0]
    return vlm.load(folder, **options).model


def refused(folder: Path, sound: Path, *words: str) -> str:
    with pytest.raises(vlm.CheckpointError) as caught:
        read(folder, sound)
    message = str(caught.value)
    assert caught.value.code == "bad_checkpoint"
    assert [word for word in words if word not in message] == [], message
    assert len(message) < 800 and "\n" not in message, message[:2000]
    return message


def edit_json(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def edit_tensors(folder: Path, change: Callable[[dict[str, torch.Tensor]], Any]) -> None:
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS)


def test_the_folders_are_sound(sound: Path, folder: Path, layout: str) -> None:
    """What the damage below is done to can be read, whole and in shards, with the same weights."""
    one, two = read(folder, sound).state_dict(), read(sound / f"{layout} in shards", sound).state_dict()
    projectors = ("projectors.",) if layout in ("clip", "whisper") else ()
    assert one.keys() == two.keys()
    assert all(torch.equal(one[n], two[n]) for n in one if not n.startswith(projectors))


# --- C1, C2, C3: the frame of the file ---


@pytest.mark.parametrize("keep", [0, 7, 100])
def test_c1_truncated_header(folder: Path, sound: Path, keep: int) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[:keep])
    refused(folder, sound, WEIGHTS, str(keep))


def test_c1_truncated_data(folder: Path, sound: Path) -> None:
    header, data = header_of(folder / WEIGHTS)
    write_raw(folder / WEIGHTS, header, data[:-1])
    refused(folder, sound, f"need {len(data)} bytes", f"holds {len(data) - 1}")


@pytest.mark.parametrize("length", [1 << 63, 2 << 30])
def test_c2_a_header_longer_than_the_file(folder: Path, sound: Path, length: int) -> None:
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", length) + b"{}")
    refused(folder, sound, WEIGHTS, str(length))


def test_c3_overlap_trailing_bytes_and_one_name_twice(folder: Path, sound: Path) -> None:
    header, data = header_of(folder / WEIGHTS)
    write_raw(folder / WEIGHTS, header, data + b"\0")
    refused(folder, sound, "bytes, the file holds")
    text = json.dumps(header)
    name, entry = next((n, e) for n, e in header.items() if "shape" in e)
    write_raw(folder / WEIGHTS, f"{text[:-1]},{json.dumps(name)}:{json.dumps(entry)}}}".encode(), data)
    refused(folder, sound, name[:12], "twice")
    header[name]["data_offsets"] = [offset + 4 for offset in entry["data_offsets"]]
    write_raw(folder / WEIGHTS, header, data)
    refused(folder, sound, "overlap or hole")


# --- C4, C5, C6, C12: the tensors ---


def test_c4_another_shape(folder: Path, sound: Path, layout: str) -> None:
    edit_tensors(folder, lambda tensors: tensors.update({A_TENSOR[layout]: torch.ones(3)}))
    refused(folder, sound, "(3,)", "expected")


def test_c5_one_missing_and_one_too_many(folder: Path, sound: Path, layout: str) -> None:
    edit_tensors(folder, lambda tensors: tensors.pop(A_TENSOR[layout]))
    refused(folder, sound, "missing", A_TENSOR[layout].removeprefix("model.encoder.").removeprefix("embeddings."))


@pytest.mark.parametrize("value", [float("nan"), float("-inf")])
def test_c6_what_is_no_number(folder: Path, sound: Path, layout: str, value: float) -> None:
    edit_tensors(folder, lambda tensors: tensors[A_TENSOR[layout]].view(-1)[:1].fill_(value))
    refused(folder, sound, "holds NaN or infinite values")


@pytest.mark.parametrize("dtype", [torch.int64, torch.float8_e4m3fn])
def test_c12_types_that_are_no_weights(folder: Path, sound: Path, layout: str, dtype: torch.dtype) -> None:
    name = A_TENSOR[layout]
    edit_tensors(folder, lambda tensors: tensors.update({name: tensors[name].to(dtype)}))
    refused(folder, sound, "F8_E4M3" if dtype.is_floating_point else "int64")


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_c12_other_floats_are_converted(folder: Path, sound: Path, layout: str, dtype: torch.dtype) -> None:
    edit_tensors(folder, lambda tensors: tensors.update({n: t.to(dtype) for n, t in tensors.items()}))
    model = read(folder, sound)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    stored = load_file(folder / WEIGHTS)[A_TENSOR[layout]].float()
    assert any(p.shape == stored.shape and torch.equal(p, stored) for p in model.parameters())


# --- C7: pickles ---


@pytest.mark.parametrize("name", ["pytorch_model.bin", "consolidated.00.pth", "model.pt", "mm_projector.bin"])
def test_c7_pickles_instead_of_the_weights(folder: Path, sound: Path, canary: Path, name: str) -> None:
    (folder / WEIGHTS).unlink()
    for payload in payloads(canary).values():
        (folder / name).write_bytes(payload)
        refused(folder, sound, name, "pickle")


@pytest.mark.parametrize("name", [WEIGHTS, "config.json", INDEX])
def test_c7_renamed_pickles(folder: Path, sound: Path, canary: Path, name: str) -> None:
    for payload in payloads(canary).values():
        (folder / name).write_bytes(payload)
        refused(folder, sound, name)


def test_c7_a_shard_that_is_a_pickle(sharded: Path, sound: Path, layout: str, canary: Path) -> None:
    edit_json(sharded / INDEX, lambda data: data["weight_map"].update({A_TENSOR[layout]: "pytorch_model.bin"}))
    for payload in payloads(canary).values():
        (sharded / "pytorch_model.bin").write_bytes(payload)
        refused(sharded, sound, "pytorch_model.bin", "is not a file of this folder")


# --- C8, C9: the config ---

SIZES = {
    "llama": ("hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "max_position_embeddings"),
    "llava": ("text_config.hidden_size", "vision_config.image_size", "vision_config.num_hidden_layers"),
    "llava-next": ("text_config.vocab_size", "vision_config.patch_size", "vision_config.num_attention_heads"),
    "clip": ("hidden_size", "num_hidden_layers", "num_attention_heads", "image_size", "patch_size"),
    "whisper": ("d_model", "encoder_layers", "encoder_attention_heads", "num_mel_bins", "max_source_positions"),
}


@pytest.mark.parametrize("value", [10**9, 0, -1, 10**400, "32", 32.5, [32], True], ids=lambda v: repr(v)[:8])
def test_c8_numbers_out_of_range(
    folder: Path, sound: Path, layout: str, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything of that size is made: building a model is an error here."""

    def too_early(*_: object) -> VLM:
        raise AssertionError("a model was built")

    part = layout in ("clip", "whisper")
    monkeypatch.setattr("vlm.compose.build_model" if part else "vlm.foreign.build_empty", too_early)
    whole = (folder / "config.json").read_text()
    for field in SIZES[layout]:
        *outer, last = field.split(".")
        data = json.loads(whole)
        (data[outer[0]] if outer else data)[last] = value
        (folder / "config.json").write_text(json.dumps(data))
        message = refused(folder, sound, "config")
        assert re.search(rf"{last}|{ALSO.get(last, last)}", message), (field, message)


ALSO = {
    "num_hidden_layers": "layers", "num_attention_heads": "head|width", "hidden_size": "width|head",
    "patch_size": "patch", "encoder_attention_heads": "heads", "d_model": "d_model",
    "max_source_positions": "window|positions",
}  # fmt: skip
"""What a range error may call it: the field of ours that it becomes, or one that no longer fits it."""


@pytest.mark.parametrize("field", ["auto_map", "custom_code", "trust_remote_code", "_target_"])
def test_c9_nothing_is_imported(folder: Path, sound: Path, tmp_path: Path, field: str) -> None:
    """Fields that make other programs run a folder's code are not looked at; the code lies there untouched."""
    code = f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()"
    for name in ("modeling.py", "configuration.py", "__init__.py", "conftest.py"):
        (folder / name).write_text(code)
    value = {"AutoModel": "modeling.Model", "AutoConfig": "configuration.Config"} if field == "auto_map" else "modeling"
    edit_json(folder / "config.json", lambda data: data.update({field: value}))
    read(folder, sound)
    assert not (tmp_path / "ran").exists()


# --- C10: shards ---


@pytest.mark.parametrize(
    "shard", ["../../etc/passwd", "/etc/passwd", "../other.safetensors", "sub/a.safetensors", "", 7, None],
    ids=repr,
)  # fmt: skip
def test_c10_shards_elsewhere(sharded: Path, sound: Path, layout: str, shard: Any) -> None:
    edit_json(sharded / INDEX, lambda data: data["weight_map"].update({A_TENSOR[layout]: shard}))
    refused(sharded, sound, "is not a file of this folder")


def test_c10_a_shard_is_missing(sharded: Path, sound: Path) -> None:
    (sharded / "model-00002-of-00002.safetensors").unlink()
    refused(sharded, sound, "model-00002-of-00002.safetensors", "missing")


# --- C11: the tokenizer (whole models have one) ---

whole_models = pytest.mark.parametrize("layout", ["llama", "llava", "llava-next"], indirect=True)


@whole_models
def test_c11_more_tokens_than_rows(folder: Path, sound: Path) -> None:
    def more(data: dict[str, Any]) -> None:
        data["model"]["vocab"].update({f"new{i}": 300 + i for i in range(40)})

    edit_json(folder / "tokenizer.json", more)
    refused(folder, sound, "tokenizer.json has 340 tokens", "vocab_size is 320")


@whole_models
@pytest.mark.parametrize("content", [b"", b"{}", b"[", b"\xff" * 50, b"PK\3\4"], ids=repr)
def test_c11_a_tokenizer_file_that_is_none(folder: Path, sound: Path, content: bytes) -> None:
    (folder / "tokenizer.json").write_bytes(content)
    refused(folder, sound, "tokenizer.json")


@whole_models
def test_c11_a_tokenizer_file_that_is_too_large(folder: Path, sound: Path) -> None:
    for name in ("tokenizer.json", "tokenizer.model"):
        with (folder / name).open("wb") as file:
            file.truncate(200 << 20)
        refused(folder, sound, name, str(200 << 20), str(64 << 20))
        (folder / name).unlink()


@whole_models
@pytest.mark.parametrize(("field", "value"), [("eos_token_id", 320), ("bos_token_id", -1), ("eos_token_id", "</s>")])
def test_c11_special_ids_beyond_the_rows(folder: Path, sound: Path, layout: str, field: str, value: Any) -> None:
    def change(data: dict[str, Any]) -> None:
        data[field] = value
        data.get("text_config", {})[field] = value

    (folder / "generation_config.json").unlink(missing_ok=True)
    edit_json(folder / "config.json", change)
    refused(folder, sound, "special_ids")


# --- C13: exports of ours carry a manifest ---


def test_c13_one_flipped_bit_in_an_export(sound: Path, tmp_path: Path) -> None:
    from vlm.export import to_hf
    from vlm.sources import load

    to_hf(tmp_path / "llava", *load(sound / "llava"))
    read(tmp_path / "llava", sound)
    data = bytearray((tmp_path / "llava" / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (tmp_path / "llava" / WEIGHTS).write_bytes(data)
    refused(tmp_path / "llava", sound, WEIGHTS)


@pytest.mark.parametrize("kind", ["pipe", "folder", "loop"])
@pytest.mark.parametrize("name", [WEIGHTS, "config.json"])
def test_files_that_are_none(folder: Path, sound: Path, name: str, kind: str) -> None:
    """A pipe would block for ever."""
    path = folder / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(path.name)
    refused(folder, sound, name)

"""A checkpoint of real size: a LLaVA of TinyLlama-1.1B's and CLIP ViT-L/14-336's shapes, random, 2.8 GB in bfloat16.

    python examples/big_checkpoint.py --out /tmp/big            # 3 GB of disk, 4 GB of memory, some minutes

It is written in the layout of llava-hf, a shard at a time, then loaded and asked in each variant, each in a process of
its own: seconds and GB/s of loading beside a plain read of the same files just before (both from the disk: the system's
copy in memory is dropped first), the most memory held against the size of the weights, the time to the first token of
a question about a picture, and tokens a second.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

import vlm
from encoders.config import ClipConfig
from projector.build import ProjectorConfig
from vlm import checkpoint, manifest, weight_files
from vlm.config import PRESETS, DecoderConfig, ModelConfig
from vlm.export import files_of
from vlm.foreign import rows_of
from vlm.measuring import held_memory, peak_memory
from vlm.model import build_empty
from vlm.processor import Processor

VARIANTS = ("bf16", "int8", "int4")
SHARD_BYTES = 256 << 20
BUFFER = 16 << 20


def shape(tiny: bool) -> ModelConfig:
    """With the tokenizer and the control tokens of the embedded model; its vocabulary is the first part of this one."""
    own = checkpoint.load_config(checkpoint.resolve())
    if tiny:
        decoder = DecoderConfig(4096, 128, 256, 2, 4, 2, 32, max_position_embeddings=2048)
        clip = ClipConfig(image_size=56, patch_size=14, width=64, layers=2, head_width=32, embed_dim=0, quick_gelu=True)
    else:
        decoder = PRESETS["tinyllama-1.1b"]
        clip = ClipConfig(image_size=336, patch_size=14, width=1024, layers=24, embed_dim=0, quick_gelu=True)
    projector = ProjectorConfig("image_mlp", decoder.hidden_size)
    return ModelConfig(decoder, own.special_ids, own.chat_template, "big", clip, image_projector=projector)


def write(folder: Path, config: ModelConfig) -> int:
    """Random weights from seed 0, of which a shard is held at a time. Returns their bytes."""
    processor = Processor(config, checkpoint.load_processor(checkpoint.resolve()).tokenizer)
    with manifest.atomic_folder(folder) as fresh:
        weight_map: dict[str, str] = {}
        total = 0
        for number, shard in enumerate(_shards(config)):
            name = f"model-{number:05d}.safetensors"
            weight_files.write_safetensors(fresh / name, shard)
            weight_map |= dict.fromkeys(shard, name)
            total += sum(tensor.nbytes for tensor in shard.values())
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        for name, content in {**files_of(processor, "bfloat16"), "model.safetensors.index.json": index}.items():
            (fresh / name).write_text(content if isinstance(content, str) else json.dumps(content))
        processor.tokenizer.backend.save(str(fresh / "tokenizer.json"))
    (folder / "manifest.json").unlink()  # hashes, which folders of others do not have: comparing them is a second read
    return total


def _shards(config: ModelConfig) -> Iterator[dict[str, Tensor]]:
    expected = checkpoint.state_dict(build_empty(config))
    generator = torch.Generator().manual_seed(0)
    shard: dict[str, Tensor] = {}
    for ours, theirs in rows_of(config, expected).items():
        rows, *rest = expected[ours].shape
        for name in theirs:
            size = (rows // len(theirs), *rest)
            ones = name.endswith(("norm.weight", "norm1.weight", "norm2.weight", "layrnorm.weight"))
            tensor = torch.ones(size) if ones else torch.randn(size, generator=generator) * 0.02
            shard[name] = tensor.bfloat16()
        if sum(tensor.nbytes for tensor in shard.values()) > SHARD_BYTES:
            yield shard
            shard = {}
    yield shard


# --- one variant, in a process of its own ----------------------------------------------------------


def measure(folder: Path, variant: str, tokens: int) -> dict[str, Any]:
    import open_clip.transformer  # noqa: F401 - what loading would import is not counted as loading

    from vlm import sources  # noqa: F401

    floor = held_memory()
    files = sorted(folder.glob("*.safetensors"))
    forget(files)
    read_seconds = plain_read(files)
    forget(files)
    started = time.perf_counter()
    assistant = vlm.load(folder, dtype=torch.bfloat16, quantize=None if variant == "bf16" else variant)
    load_seconds, loaded = time.perf_counter() - started, peak_memory()
    weights = sum(tensor.nbytes for tensor in checkpoint.state_dict(assistant.model).values())
    with assistant:
        assistant.ask("What is that?", images=[picture(1)], max_new_tokens=4)  # threads and buffers are made once
        reply = assistant.ask("What is that?", images=[picture(2)], max_new_tokens=tokens)
    return {
        "variant": variant, "stored": sum(file.stat().st_size for file in files), "read_seconds": read_seconds,
        "load_seconds": load_seconds, "weights": weights, "floor": floor, "loaded_peak": loaded,
        "peak": peak_memory(), "limit": round(1.15 * weights) + (400 << 20), "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens, "first_token_seconds": reply.seconds_to_first_token,
        "tokens_per_second": reply.tokens_per_second,
    }  # fmt: skip


def picture(seed: int) -> Image.Image:
    noise = torch.randint(0, 256, (48, 64, 3), generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)
    return Image.fromarray(noise.numpy()).resize((640, 480))


def plain_read(files: list[Path]) -> float:
    """Seconds to read them from beginning to end."""
    buffer = memoryview(bytearray(BUFFER))
    started = time.perf_counter()
    for file in files:
        with file.open("rb", buffering=0) as raw:
            while raw.readinto(buffer):
                pass
    return time.perf_counter() - started


def forget(files: list[Path]) -> None:
    """Asks the system to drop what it holds of them in memory, where it can be asked."""
    if hasattr(os, "posix_fadvise"):
        for file in files:
            with file.open("rb") as raw:
                os.posix_fadvise(raw.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def lines(found: list[dict[str, Any]]) -> Iterator[str]:
    def row(title: str, *cells: str) -> str:
        return title.ljust(38) + "".join(cell.rjust(12) for cell in cells)

    def rate(one: dict[str, Any], key: str) -> str:
        return f"{one[key]:.1f} s, {one['stored'] / one[key] / 1e9:.2f}"

    yield row("", *(one["variant"] for one in found))
    yield row("weights in memory, MB", *(f"{one['weights'] / 1e6:.0f}" for one in found))
    yield row("plain read: s, GB/s", *(rate(one, "read_seconds") for one in found))
    yield row("load: s, GB/s", *(rate(one, "load_seconds") for one in found))
    yield row("before loading, MB", *(f"{one['floor'] / 1e6:.0f}" for one in found))
    yield row("peak after loading, MB", *(f"{one['loaded_peak'] / 1e6:.0f}" for one in found))
    yield row("limit: 1.15 x weights + 400 MiB, MB", *(f"{one['limit'] / 1e6:.0f}" for one in found))
    yield row("peak with answers, MB", *(f"{one['peak'] / 1e6:.0f}" for one in found))
    yield row(f"first token ({found[0]['prompt_tokens']} in the prompt), s",
              *(f"{one['first_token_seconds']:.2f}" for one in found))  # fmt: skip
    yield row("tokens/s", *(f"{one['tokens_per_second']:.2f}" for one in found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder to write; used again if it is there")
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--tokens", type=int, default=64, help="of the answer")
    parser.add_argument("--tiny", action="store_true", help="the same at a size for tests")
    parser.add_argument("--remove", action="store_true", help="remove the folder at the end")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--measure", choices=VARIANTS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.out, options.measure, options.tokens)))
        return
    if not options.out.exists():
        started = time.perf_counter()
        size = write(options.out, shape(options.tiny))
        print(f"{size / 1e6:.0f} MB written in {time.perf_counter() - started:.0f} s", file=sys.stderr)
    found = []
    for variant in options.variants.split(","):
        command = [sys.executable, __file__, "--out", options.out, "--measure", variant, "--tokens", options.tokens]
        done = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE)
        found.append(json.loads(done.stdout))
    print(json.dumps(found) if options.json else "\n".join(lines(found)))
    if options.remove:
        shutil.rmtree(options.out)


if __name__ == "__main__":
    main()

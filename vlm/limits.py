"""How much an engine does at a time, by what the user wants and the memory that is free."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from .errors import InputError
from .model import VLM


@dataclass(frozen=True)
class EngineOptions:
    """How much an engine does at a time. None: chosen by the memory that is free.

    slots: requests that are generated at a time.
    tokens: positions of the cache, prompts and answers of all slots together.
    prefill_chunk: positions of prompts that are read between two steps of the others' answers.
    queue: requests that may wait for a slot; one more is refused.
    feature_bytes: of features of images and sounds that are kept, in case they are asked about again.
    encode_windows: tiles and mel windows that an encoder looks at in one go.
    reuse: whether prefixes and features of earlier requests are used.
    """

    slots: int | None = None
    tokens: int | None = None
    prefill_chunk: int = 512
    queue: int = 64
    feature_bytes: int | None = None
    encode_windows: int = 32
    reuse: bool = True

    def __post_init__(self) -> None:
        least = {"slots": 1, "tokens": 2, "prefill_chunk": 1, "queue": 0, "feature_bytes": 0, "encode_windows": 1}
        for name, bound in least.items():
            value = getattr(self, name)
            unset = value is None and getattr(EngineOptions, name) is None
            if not unset and not (isinstance(value, int) and value >= bound):
                raise InputError(f"{name} must be a whole number, at least {bound}, got {value!r}", "bad_option")

    def limits(self, model: VLM) -> Limits:
        """The cache takes a quarter of the free memory at most, on a CPU as it fills; features a hundredth."""
        config, on_cpu = model.decoder.config, model.device.type == "cpu"
        free = available_memory(model.device)
        slots = self.slots or (32 if on_cpu else 256)
        position = config.cache_numbers * model.dtype.itemsize
        tokens = self.tokens or max(min(slots * config.max_position_embeddings, free // 4 // position), 2)
        return Limits(
            slots, tokens, min(config.max_position_embeddings, tokens), self.prefill_chunk, self.queue,
            free // 100 if self.feature_bytes is None else self.feature_bytes, self.encode_windows, self.reuse,
        )  # fmt: skip


DEFAULTS = EngineOptions()


@dataclass(frozen=True)
class Limits:
    """`EngineOptions` with nothing left open. context: positions of one prompt and its answer."""

    slots: int
    tokens: int
    context: int
    prefill_chunk: int
    queue: int
    feature_bytes: int
    encode_windows: int
    reuse: bool


def available_memory(device: torch.device) -> int:
    """Bytes that are free: of the GPU, or of this machine or container."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    free = 4 << 30  # where nothing tells
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
        group = Path("/sys/fs/cgroup")
        limit = (group / "memory.max").read_text().strip()
        if limit != "max":
            free = min(free, int(limit) - int((group / "memory.current").read_text()))
    except (OSError, ValueError, StopIteration):
        pass
    return max(free, 0)

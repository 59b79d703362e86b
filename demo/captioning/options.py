"""What a user can choose, checked before anything is opened or loaded."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from vlm.errors import InputError

from .listing import Item

FORMATS = ("txt", "jsonl", "csv", "parquet", "tar")
EXISTING = ("skip", "overwrite", "append", "prepend")
STYLES = ("short", "detailed", "alt-text", "tags")


class UsageError(InputError):
    """The command does not say what to do; nothing was done."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "usage")


@dataclass(frozen=True)
class CaptionOptions:
    """All that shapes the captions and where they go.

    output: the table or tar to write; None chooses `metadata.*` in `home`. shard: (this one, how many).
    prompt: instead of the style's; {name}, {directory} and {tags} stand for the file's name without its
    suffix, the folder's name, and what the file's .txt holds already.
    """

    format: str = "txt"
    output: Path | None = None
    existing: str = "skip"
    style: str = "detailed"
    prompt: str | None = None
    prefix: str = ""
    suffix: str = ""
    extension: str | None = None
    max_new_tokens: int = 256
    schema: dict[str, Any] | None = None
    shard: tuple[int, int] = (0, 1)
    errors: Path | None = None
    model: str = "default"
    adapters: Mapping[str, float] = field(default_factory=dict)
    chat_template: str = ""
    rows_per_tar: int = 1000

    def __post_init__(self) -> None:
        _one_of("--format", self.format, FORMATS)
        _one_of("--existing", self.existing, EXISTING)
        _one_of("--style", self.style, STYLES)
        if self.format == "txt" and self.output:
            raise UsageError("--output names a table or tar; .txt files lie beside their pictures (--format jsonl?)")
        if self.format == "tar" and self.existing != "skip":
            raise UsageError("a tar is only added to: --existing skip, or another --output")
        if self.extension is not None and not re.fullmatch(r"\.[\w.-]{1,20}", self.extension):
            raise UsageError(f"--extension must look like .txt, got {self.extension!r}")
        if not 1 <= self.max_new_tokens <= 1 << 20:
            raise UsageError(f"--max-new-tokens must be at least 1, got {self.max_new_tokens}")

    @property
    def sidecar_extension(self) -> str:
        return self.extension or (".json" if self.schema is not None else ".txt")

    @property
    def separator(self) -> str:
        """Between a caption and what was there before."""
        return ", " if self.style == "tags" else " "

    @property
    def shard_mark(self) -> str:
        number, count = self.shard
        return f"-{number:05d}-of-{count:05d}" if count > 1 else ""

    def settings(self) -> str:
        """What must be the same for a job to be gone on with."""
        names = ["format", "existing", "style", "prompt", "prefix", "suffix", "max_new_tokens", "schema", "model"]
        names += [name for name in ("adapters", "chat_template") if getattr(self, name)]
        return json.dumps({name: getattr(self, name) for name in names}, sort_keys=True)

    def located(self, home: Path) -> CaptionOptions:
        """With all places decided. `home` is the folder that the first path is, or is in."""
        folder, output = home, self.output
        if self.format != "txt":
            output = output or home / f"metadata.{self.format}"
            output = output.with_name(f"{output.stem}{self.shard_mark}{output.suffix}")
            folder = output.parent
        return replace(self, output=output, errors=self.errors or folder / f"errors{self.shard_mark}.jsonl")

    def ask(self, item: Item, prompts: Mapping[str, str]) -> str:
        """The prompt for a picture."""
        if self.prompt is None:
            return prompts[self.style]
        path = Path(item.member or item.path)
        values = {"name": path.stem, "directory": Path(os.path.abspath(path)).parent.name}  # noqa: PTH100
        if "{tags}" in self.prompt:
            values["tags"] = "" if item.member else read_text(Path(item.path).with_suffix(".txt"))
        return re.sub(r"\{(name|directory|tags)\}", lambda found: values[found[1]], self.prompt)

    def written(self, text: str) -> str:
        """A caption as it is kept: one line, as trainers read it."""
        return f"{self.prefix}{' '.join(text.split()) if self.schema is None else text}{self.suffix}"

    def combined(self, old: str, new: str) -> str:
        """What stands where `old` stood."""
        if not old.strip() or self.existing in ("skip", "overwrite"):
            return new
        pair = (old.strip(), new) if self.existing == "append" else (new, old.strip())
        return self.separator.join(pair)


def read_text(path: Path) -> str:
    """A sidecar's text, or nothing; bytes that are not UTF-8 are kept as they are when written back."""
    try:
        return path.read_bytes()[: 1 << 20].decode("utf-8", "surrogateescape").strip() if path.is_file() else ""
    except OSError:
        return ""


def shard_from(text: str | None, environment: Mapping[str, str]) -> tuple[tuple[int, int], str]:
    """((this shard, how many), where that was said): from "i/n", else from torchrun's or SLURM's variables.

    SLURM's count only inside `srun` (a step) or for array jobs: a batch script itself is not one of many.
    """
    if text is not None:
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        if not found or not int(found[1]) < int(found[2]):
            raise UsageError(f"--shard must be i/n with i from 0 to n - 1, got {text!r}")
        return (int(found[1]), int(found[2])), "--shard"
    try:
        if "RANK" in environment and "WORLD_SIZE" in environment:
            shard, source = (int(environment["RANK"]), int(environment["WORLD_SIZE"])), "torchrun"
        elif "SLURM_ARRAY_TASK_ID" in environment and "SLURM_ARRAY_TASK_COUNT" in environment:
            first = int(environment.get("SLURM_ARRAY_TASK_MIN", "0"))
            step = int(environment.get("SLURM_ARRAY_TASK_STEP", "1"))
            number = (int(environment["SLURM_ARRAY_TASK_ID"]) - first) // step
            shard, source = (number, int(environment["SLURM_ARRAY_TASK_COUNT"])), "SLURM array"
        elif environment.get("SLURM_STEP_ID", "").isdigit() and "SLURM_PROCID" in environment:
            shard, source = (int(environment["SLURM_PROCID"]), int(environment["SLURM_NTASKS"])), "srun"
        else:
            return (0, 1), ""
    except (KeyError, ValueError):
        raise UsageError("torchrun's or SLURM's variables are not numbers; say --shard i/n") from None
    if not 0 <= shard[0] < shard[1]:
        raise UsageError(f"shard {shard[0]} of {shard[1]} ({source}) does not exist; say --shard i/n")
    return shard, source


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{name} must be one of {', '.join(known)}, got {value!r}")

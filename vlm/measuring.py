"""One variant of a model asked all cases, in a process of its own: what it says, how fast, and what memory it takes.

`python -m vlm.measuring` reads a `Task` as JSON from stdin and prints a `Measured` as JSON.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import VlmError, one_line

if TYPE_CHECKING:
    from .assistant import Assistant
    from .cases import Case

VARIANTS = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "int8": "bfloat16", "int4": "bfloat16"}
"""Names of variants, and the type of their activations."""


@dataclass(frozen=True)
class Task:
    """blind: also ask without the media. weigh: also the perplexity of the answers that are right."""

    model: str
    variant: str
    cases: str
    max_new_tokens: int = 96
    blind: bool = False
    weigh: bool = True


@dataclass(frozen=True)
class Measured:
    """weights: bytes of all tensors, on the disk as in memory. peak: the most bytes that the process has held,
    and floor what it held before the model (Python, libraries). tokens_per_second: one answer at a time, after its
    first token. perplexity: of the right answers; nan where it was not asked for.
    """

    variant: str
    weights: int
    floor: int
    peak: int
    load_seconds: float
    tokens_per_second: float
    perplexity: float
    answers: list[str]
    blind: list[str]


def in_own_process(task: Task) -> Measured:
    """Raises `VlmError` with what the process said, if it failed."""
    command = [sys.executable, "-m", "vlm.measuring"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, input=json.dumps(asdict(task)), env=environment, capture_output=True, text=True)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise VlmError("measuring_failed", f"{task.variant}: the process ended early: {one_line(last[0])}") from None
    if "error" in found:
        raise VlmError(found["code"], found["error"])
    return Measured(**found)


def measure(task: Task) -> Measured:
    """In this process: its peak is then of everything that was done here before, too."""
    import torch

    from . import sources
    from .assistant import load
    from .cases import read_cases
    from .checkpoint import state_dict
    from .model import build_empty

    build_empty(sources.described(sources.find(task.model))[0])  # imports what its parts are made of
    floor, started = held_memory(), time.perf_counter()
    quantize = task.variant if task.variant in ("int8", "int4") else None
    with load(task.model, dtype=getattr(torch, VARIANTS[task.variant]), quantize=quantize) as assistant:
        load_seconds = time.perf_counter() - started
        weights = sum(tensor.nbytes for tensor in state_dict(assistant.model).values())
        cases = read_cases(Path(task.cases))
        answers, seconds, tokens = _ask(assistant, cases, task.max_new_tokens)
        blind = []
        if task.blind:
            asked = (case.blind() for case in cases)
            blind = [assistant.chat(question, max_new_tokens=task.max_new_tokens).text for question in asked]
        perplexity = _perplexity(assistant, cases) if task.weigh else math.nan
        speed = tokens / seconds if seconds else 0.0
        return Measured(
            task.variant, weights, floor, peak_memory(), load_seconds, speed, perplexity, answers, blind
        )  # fmt: skip


def _ask(assistant: Assistant, cases: list[Case], max_new_tokens: int) -> tuple[list[str], float, int]:
    """Answers; seconds after the first token, and tokens in them."""
    answers, seconds, tokens = [], 0.0, 0
    for case in cases:
        reply = assistant.chat(case.question, max_new_tokens=max_new_tokens)
        answers.append(reply.text)
        seconds += reply.seconds - reply.seconds_to_first_token
        tokens += max(reply.completion_tokens - 1, 0)
    return answers, seconds, tokens


def _perplexity(assistant: Assistant, cases: list[Case]) -> float:
    total, count = 0.0, 0
    for found in assistant.log_probabilities((case.answered for case in cases), batch_size=1):
        total, count = total - float(found.sum()), count + len(found)
    return math.exp(min(total / max(count, 1), 700.0))


def peak_memory() -> int:
    """Bytes that this process has held at most; 0 where the system does not tell.

    Not `ru_maxrss`: on Linux it begins with what the parent held.
    """
    return _status("VmHWM")


def held_memory() -> int:
    """Bytes that this process holds; 0 where the system does not tell."""
    return _status("VmRSS")


def _status(field: str) -> int:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith(f"{field}:")), 0)


def main() -> None:
    try:
        answer = asdict(measure(Task(**json.load(sys.stdin))))
    except VlmError as error:
        answer = {"code": error.code, "error": str(error)}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()

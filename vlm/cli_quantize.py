"""`vlm quantize`: models in 8 or 4 bits a weight, and a verdict on them."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import InputError
from .terminal import friendly_errors

if TYPE_CHECKING:
    from .measuring import Measured
    from .verdict import Verdict


def quantize(
    model: Annotated[str, typer.Argument(help="A model folder, a hub id, or 'default'.")],
    to: Annotated[str, typer.Option(help="int8 or int4; with --verify also both: int8,int4.")] = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The folder to write; it appears when it is whole.")
    ] = None,
    verify: Annotated[
        str | None,
        typer.Option(metavar="DATA", help="Questions with answers (JSON lines), or 'studio' for held-out ones."),
    ] = None,
    samples: Annotated[int, typer.Option("--samples", "-n", min=1, help="Pictures of each family of 'studio'.")] = 8,
    max_loss: Annotated[float, typer.Option(min=0, max=1, help="Share of accuracy that may be lost.")] = 0.01,
    fail: Annotated[bool, typer.Option("--fail", help="Beyond that loss: write nothing, exit status 1.")] = False,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Of an answer to --verify.")] = 96,
    as_json: Annotated[bool, typer.Option("--json", help="Print the verdict as one JSON object.")] = False,
) -> None:
    """Make a model smaller (--out), and see what that costs (--verify).

    The matrices of the decoder's blocks become int8 (a scale for each row) or int4 (groups of 128); the rest stays as
    it is. For the verdict each variant is asked in a process of its own, one question at a time.

    \b
    vlm quantize default --to int4 --out studio-int4
    vlm quantize default --verify studio
    vlm quantize default --to int8 --verify questions.jsonl --max-loss 0.005 --fail --out studio-int8
    """
    with friendly_errors():
        from .quantize import SCHEMES

        schemes = [one.strip() for one in to.split(",") if one.strip()] or list(SCHEMES)
        if unknown := sorted(set(schemes) - set(SCHEMES)):
            raise InputError(f"--to: {unknown[0]!r} is not known; one of: {', '.join(SCHEMES)}", "bad_option")
        if out is None and verify is None:
            raise InputError("nothing to do: give --out, --verify or both", "bad_option")
        if out is not None and (len(schemes) > 1 or not to):
            raise InputError("--out holds one model: say which with --to int8 or --to int4", "bad_option")
        if verify is not None:
            verdict = judged(model, schemes, verify, samples, max_loss, max_new_tokens)
            typer.echo(json.dumps(verdict.as_dict()) if as_json else "\n".join(verdict.lines()))
            if fail and verdict.too_lossy:
                raise typer.Exit(1)
        if out is not None:
            write(model, schemes[0], out)
            typer.echo(f"model written to {out}", err=as_json)


def write(model: str, scheme: str, out: Path) -> None:
    """The folder, whole or not at all; what is not quantised keeps its type. Raises `CheckpointError`."""
    from . import checkpoint, sources

    folder = sources.find(model)
    parts = sources.load(folder, dtype=sources.dtype_of(folder), quantize=scheme)
    card = sources.card_of(folder)
    checkpoint.save(out, *parts, extra_files={"MODEL_CARD.md": card} if card else None)


def judged(
    model: str, schemes: list[str], data: str, samples: int, max_loss: float, max_new_tokens: int
) -> Verdict:  # fmt: skip
    """Raises `InputError` for data that cannot be used, `VlmError` as `measuring.in_own_process`."""
    import torch

    from training.evaluate import matches, write_cases

    from . import sources
    from .cases import Case, read_cases
    from .measuring import Task, in_own_process
    from .verdict import Verdict

    kept = sources.dtype_of(sources.find(model))
    whole = {torch.float32: ["fp32", "bf16"], torch.float16: ["fp16"], torch.bfloat16: ["bf16"]}[kept]

    def right(answer: str, case: Case) -> bool:
        return matches(answer, case.task, case.answer, *case.accept)

    with tempfile.TemporaryDirectory(prefix="vlm-cases-") as folder:
        path = write_cases(Path(folder), samples, 0) if data == "studio" else Path(data)
        cases = read_cases(path)
        blind = any(case.has_media for case in cases)
        measured: list[Measured] = []
        for variant in [*whole, *schemes]:
            typer.echo(f"{variant}: {len(cases)} questions ...", err=True)
            task = Task(model, variant, str(path), max_new_tokens, blind=blind and not measured)
            measured.append(in_own_process(task))
        return Verdict(measured, cases, right, max_loss)

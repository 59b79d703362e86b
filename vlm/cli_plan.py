"""`vlm plan`: how much memory it will take, before anything is loaded."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Literal

import typer

from .command_options import Quantize
from .errors import InputError
from .terminal import friendly_errors


def plan(
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="A folder, a hub id, or a shape as llama-3-8b.")
    ] = None,
    recipe: Annotated[str | None, typer.Option(help="Each stage of this recipe instead: a file or a name.")] = None,
    context: Annotated[int, typer.Option(min=1, help="Positions of a conversation, its answer included.")] = 2048,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Conversations at a time (default 1, or the stage's own).")
    ] = None,
    images: Annotated[int, typer.Option(min=0, help="Pictures in each conversation, of the most tiles.")] = 0,
    sounds: Annotated[int, typer.Option(min=0, help="Windows of sound in each conversation.")] = 0,
    quantize: Quantize = None,
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16"] | None,
        typer.Option(help="Of weights and activations (default: as loading does, float32, or bfloat16 if quantised)."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Predict the memory of a model at work, or of each stage of its training, from shapes alone, on a CPU.

    \b
    vlm plan --model llama-3-8b --context 8192 --batch 4 --quantize int4
    vlm plan --model default --context 512 --batch 16 --images 1
    vlm plan --recipe default --context 1024
    """
    with friendly_errors():
        if (model is None) == (recipe is None):
            raise InputError("give one of --model and --recipe", "bad_option")
        import torch

        from .plan import Load, config_of, inference

        if model is not None:
            load = Load(context, batch or 1, images, sounds)
            kept: torch.dtype | None = getattr(torch, dtype) if dtype else None
            plans = [inference(config_of(model), load, dtype=kept, quantize=quantize)]
        else:
            if quantize or dtype or images or sounds:
                raise InputError("a recipe says itself what it trains on and how; drop the other options", "bad_option")
            from training.plan import stage_plan
            from training.stages import find_recipe

            found = find_recipe(str(recipe))
            config = found.model or config_of(found.start)
            found.check_parts(config)
            plans = [stage_plan(config, stage, context=context, batch=batch) for stage in found.stage]
        if as_json:
            typer.echo(json.dumps([asdict(one) | {"total": one.total} for one in plans]))
        else:
            typer.echo("\n\n".join("\n".join(one.lines()) for one in plans))

"""Commands about model folders: `vlm info`, `vlm export`, `vlm compose`, `vlm adapter merge`."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Literal

import typer

from .command_options import say_notes, stacked
from .errors import InputError
from .terminal import friendly_errors

Dtype = Annotated[
    Literal["float32", "bfloat16", "float16", "stored"], typer.Option(help="Of the weights; 'stored' keeps theirs.")
]
Out = Annotated[Path, typer.Option("--out", "-o", help="The folder to write; it appears when it is whole.")]


adapter = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@adapter.callback()
def adapters() -> None:
    """LoRA adapters in peft's format."""


def info(
    model: Annotated[
        str, typer.Argument(help="A folder of a model, a part or an adapter; a hub id; 'default'.")
    ] = "default",
    as_json: Annotated[bool, typer.Option("--json", help="The whole config as JSON.")] = False,
) -> None:
    """What a folder is: its parts, sizes, types, template, licence and files. No weights are read.

    \b
    vlm info
    vlm info runs/default/5-instruct/model --json
    vlm info path/to/llava-1.5-7b-hf
    vlm info path/to/adapter
    """
    with friendly_errors():
        from .about import about
        from .sources import find

        found = about(find(model))
        typer.echo(json.dumps(found.data, indent=2) if as_json else "\n".join(found.lines()))


@adapter.command()
def merge(
    model: Annotated[str, typer.Argument(metavar="BASE", help="A model folder, a hub id, or 'default'.")],
    adapter: Annotated[list[str], typer.Argument(help="Adapters as --adapter takes them: FOLDER or FOLDER=WEIGHT.")],
    out: Out,
    dtype: Dtype = "stored",
) -> None:
    """Make adapters part of a model's weights, and write the result as a model folder.

    \b
    vlm adapter merge default path/to/adapter --out merged
    vlm adapter merge path/to/llama charts=0.7 plans=0.3 --out merged
    """
    with friendly_errors():
        import torch

        from . import checkpoint, sources
        from .adapters import Adapters
        from .card import LIBRARY, written_card
        from .model import parameters_of

        weights = stacked(adapter)
        folder = sources.find(model)
        kept = sources.dtype_of(folder) if dtype == "stored" else getattr(torch, dtype)
        parts, processor = sources.load(folder)  # in float32: what is merged is rounded once
        adapters = Adapters(parts, processor.config, nullcontext)
        adapters.use({adapters.load(path): weight for path, weight in weights.items()})
        say_notes(adapters.notes)
        adapters.merge(undo=False)
        parameters = parameters_of({name: tensor.shape for name, tensor in checkpoint.state_dict(parts).items()})
        card = written_card(sources.card_of(folder), processor.config, parameters, LIBRARY)
        checkpoint.save(out, parts, processor, dtype=kept, extra_files={"README.md": card})
        typer.echo(f"model written to {out}")


def export(
    model: Annotated[str, typer.Argument(help="A model folder, a hub id, or 'default'.")],
    out: Out,
    to: Annotated[Literal["hf"], typer.Option(help="hf: transformers' Llama, LLaVA or LLaVA-NeXT.")] = "hf",
    dtype: Dtype = "stored",
) -> None:
    """Write a model for other programs. What their layout has no place for is named.

    \b
    vlm export default --to hf --out studio-hf
    vlm ask examples/chart.png "What is the title?" --model studio-hf     and back
    """
    with friendly_errors():
        import torch

        from . import sources
        from .export import to_hf

        folder = sources.find(model)
        kept = sources.dtype_of(folder) if dtype == "stored" else getattr(torch, dtype)
        parts = sources.load(folder, dtype=kept)
        rest = to_hf(out, *parts, card=sources.card_of(folder))
        typer.echo(f"written to {out}")
        for line in _summary(rest):
            typer.echo(line)


def _summary(rest: list[str]) -> list[str]:
    """What others will not see, by part."""
    ears = [name for name in rest if ".audio." in name]
    lines = [f"not for others: {len(ears)} tensors of the ears (kept in vlm.tensors)"] if ears else []
    return lines + [f"not for others: {name} (kept in vlm.tensors)" for name in rest if name not in ears]


def compose(
    decoder: Annotated[str, typer.Option(help="A Llama: a folder or a hub id.")],
    out: Out,
    vision: Annotated[
        str | None, typer.Option(help="A CLIP: a folder of Hugging Face's, or NAME:FILE of open_clip with its weights.")
    ] = None,
    audio: Annotated[str | None, typer.Option(help="A Whisper: a folder or a hub id; its encoder is read.")] = None,
    chat_template: Annotated[str | None, typer.Option(help="By default what the decoder's folder says.")] = None,
    grids: Annotated[
        str, typer.Option(help="Tiles a picture may be cut into beside its overview, as in 1x2,2x1,2x2.")
    ] = "",
    stack: Annotated[int, typer.Option(min=1, max=64, help="Frames of sound that make one token.")] = 8,
    seed: Annotated[int, typer.Option(help="Of the fresh projectors.")] = 0,
    dtype: Dtype = "bfloat16",
) -> None:
    """Put a model together from trained parts, with fresh projectors, ready for the first stage of training.

    \b
    vlm compose --decoder llama-3.2-1b --vision clip-vit-large-patch14-336 --audio whisper-small --out stack
    vlm compose --decoder tinyllama --vision ViT-B-32:open_clip_model.safetensors --out stack
    """
    with friendly_errors():
        import torch

        from . import checkpoint
        from .compose import composed

        if dtype == "stored":
            raise InputError("--dtype: parts of several folders need one type", "bad_option")
        kept: torch.dtype = getattr(torch, dtype)
        model, processor = composed(
            decoder, vision=vision, audio=audio, chat_template=chat_template, grids=parsed_grids(grids),
            stack=stack, seed=seed, dtype=kept,
        )  # fmt: skip
        checkpoint.save(out, model, processor)
        typer.echo(f"model written to {out}; its projectors know nothing yet: train them first")


def parsed_grids(text: str) -> tuple[tuple[int, int], ...]:
    """`1x2,2x1` -> ((1, 2), (2, 1)): rows x columns. Raises `InputError`."""
    try:
        pairs = [one.strip().lower().split("x") for one in text.split(",") if one.strip()]
        return tuple((int(rows), int(columns)) for rows, columns in pairs)
    except ValueError:
        raise InputError(f"--grids: expected rows x columns as in 1x2,2x1, got {text!r}", "bad_option") from None

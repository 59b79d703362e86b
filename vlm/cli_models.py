"""Commands that turn model folders into others: `vlm export`, `vlm compose`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from .errors import InputError
from .terminal import friendly_errors

Dtype = Annotated[
    Literal["float32", "bfloat16", "float16", "stored"], typer.Option(help="Of the weights; 'stored' keeps theirs.")
]
Out = Annotated[Path, typer.Option("--out", "-o", help="The folder to write; it appears when it is whole.")]


def export(
    model: Annotated[str, typer.Argument(help="A model folder, a hub id, or 'default'.")],
    out: Out,
    to: Annotated[
        Literal["hf", "gguf"],
        typer.Option(help="hf: transformers' Llama, LLaVA or LLaVA-NeXT. gguf: llama.cpp (extra: vlm-studio[gguf])."),
    ] = "hf",
    dtype: Dtype = "stored",
    type_: Annotated[
        Literal["f32", "f16", "bf16", "q8_0"] | None,
        typer.Option("--type", help="Of a GGUF's matrices: f16 unless given."),
    ] = None,
    class_token: Annotated[
        Literal["last", "first"],
        typer.Option(help="Of a GGUF: last for llama.cpp since May 2025, first for builds without its issue 25814."),
    ] = "last",
) -> None:
    """Write a model for other programs. What their layout has no place for is named.

    \b
    vlm export default --to hf --out studio-hf
    vlm ask examples/chart.png "What is the title?" --model studio-hf     and back
    vlm export default --to gguf --type q8_0 --out studio-gguf
    """
    with friendly_errors():
        import torch

        from . import checkpoint, sources
        from .export import to_hf

        if (to == "gguf" and dtype != "stored") or (to == "hf" and type_):
            raise InputError("--dtype is for --to hf, --type for --to gguf", "bad_option")
        to_gguf = _gguf_writer() if to == "gguf" else None
        folder = sources.find(model)
        kept = sources.dtype_of(folder) if dtype == "stored" else getattr(torch, dtype)
        parts = sources.load(folder, dtype=kept)
        card = checkpoint.model_card(folder)
        if to_gguf:
            lost = to_gguf(out, *parts, kind=type_ or "f16", class_token=class_token, card=card)
            lines = [f"not as here: {phrase}" for phrase in lost]
        else:
            lines = _summary(to_hf(out, *parts, card=card))
        typer.echo(f"written to {out}")
        for line in lines:
            typer.echo(line)


def _gguf_writer() -> Callable[..., list[str]]:
    try:
        from .gguf_export import to_gguf
    except ModuleNotFoundError as error:
        raise InputError(f"--to gguf needs {error.name}: pip install 'vlm-studio[gguf]'", "missing_extra") from None
    return to_gguf


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

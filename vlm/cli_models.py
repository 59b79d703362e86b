"""Commands about model folders: `vlm info`, `vlm export`, `vlm compose`, `vlm adapter merge`."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Literal

import typer

from .command_options import AllowPickle, say_notes, stacked
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
    allow_pickle: AllowPickle = False,
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

        found = about(find(model, allow_pickle=allow_pickle), allow_pickle=allow_pickle)
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

        weights = stacked(adapter)
        folder = sources.find(model)
        kept = sources.dtype_of(folder) if dtype == "stored" else getattr(torch, dtype)
        parts, processor = sources.load(folder)  # in float32: what is merged is rounded once
        adapters = Adapters(parts, processor.config, nullcontext)
        adapters.use({adapters.load(path): weight for path, weight in weights.items()})
        say_notes(adapters.notes)
        adapters.merge(undo=False)
        parameters = checkpoint.parameters_of(parts, processor.config)
        card = written_card(sources.card_of(folder), processor.config, parameters, LIBRARY)
        checkpoint.save(out, parts, processor, dtype=kept, extra_files={"README.md": card})
        typer.echo(f"model written to {out}")


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
    allow_pickle: AllowPickle = False,
) -> None:
    """Write a model for other programs. What their layout has no place for is named.

    \b
    vlm export default --to hf --out studio-hf
    vlm ask examples/chart.png "What is the title?" --model studio-hf     and back
    vlm export default --to gguf --type q8_0 --out studio-gguf
    vlm export llama-2-7b --to hf --allow-pickle --out llama-2-7b-hf      from Meta's consolidated.00.pth
    """
    with friendly_errors():
        import torch

        from . import sources
        from .export import to_hf

        if (to == "gguf" and dtype != "stored") or (to == "hf" and type_):
            raise InputError("--dtype is for --to hf, --type for --to gguf", "bad_option")
        to_gguf = _gguf_writer() if to == "gguf" else None
        folder = sources.find(model, allow_pickle=allow_pickle)
        stored = dtype == "stored"
        kept = sources.dtype_of(folder, allow_pickle=allow_pickle) if stored else getattr(torch, dtype)
        parts = sources.load(folder, dtype=kept, allow_pickle=allow_pickle)
        card = sources.card_of(folder)
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
    audio: Annotated[
        str | None, typer.Option(help="A Whisper, or an Ultravox that trained its own: a folder or hub id.")
    ] = None,
    image_projector: Annotated[
        str | None,
        typer.Option(help="One that LLaVA's first stage trained (mm_projector.bin), instead of a fresh one."),
    ] = None,
    audio_projector: Annotated[
        str | None, typer.Option(help="One of Ultravox: its folder, hub id or file, instead of a fresh one.")
    ] = None,
    chat_template: Annotated[str | None, typer.Option(help="By default what the decoder's folder says.")] = None,
    grids: Annotated[
        str, typer.Option(help="Tiles a picture may be cut into beside its overview, as in 1x2,2x1,2x2.")
    ] = "",
    stack: Annotated[int, typer.Option(min=1, max=64, help="Frames of sound that make one token.")] = 8,
    seed: Annotated[int, typer.Option(help="Of the fresh projectors.")] = 0,
    dtype: Dtype = "bfloat16",
    allow_pickle: AllowPickle = False,
) -> None:
    """Put a model together from trained parts; projectors that are not given are fresh, ready for their first stage.

    \b
    vlm compose --decoder llama-3.2-1b --vision clip-vit-large-patch14-336 --audio whisper-small --out stack
    vlm compose --decoder tinyllama --vision ViT-B-32:open_clip_model.safetensors --out stack
    vlm compose --decoder vicuna-7b --vision clip-vit-large-patch14-336 --image-projector mm_projector.bin \\
                --allow-pickle --out stack
    """
    with friendly_errors():
        import torch

        from . import checkpoint
        from .compose import composed

        if dtype == "stored":
            raise InputError("--dtype: parts of several folders need one type", "bad_option")
        kept: torch.dtype = getattr(torch, dtype)
        model, processor = composed(
            decoder, vision=vision, audio=audio, image_projector=image_projector, audio_projector=audio_projector,
            chat_template=chat_template, grids=parsed_grids(grids),
            stack=stack, seed=seed, dtype=kept, allow_pickle=allow_pickle,
        )  # fmt: skip
        checkpoint.save(out, model, processor)
        fresh = [name for name, trained in (("image", image_projector), ("audio", audio_projector)) if not trained]
        fresh = [f"the {name} projector" for name in fresh if name in model.projectors]
        lesson = f"; fresh, so train it first: {' and '.join(fresh)}" if fresh else ""
        typer.echo(f"model written to {out}{lesson}")


def parsed_grids(text: str) -> tuple[tuple[int, int], ...]:
    """`1x2,2x1` -> ((1, 2), (2, 1)): rows x columns. Raises `InputError`."""
    try:
        pairs = [one.strip().lower().split("x") for one in text.split(",") if one.strip()]
        return tuple((int(rows), int(columns)) for rows, columns in pairs)
    except ValueError:
        raise InputError(f"--grids: expected rows x columns as in 1x2,2x1, got {text!r}", "bad_option") from None

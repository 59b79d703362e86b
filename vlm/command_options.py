"""Options that several commands have, and what they mean together."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .errors import InputError, printable

if TYPE_CHECKING:
    from .answering import Answering
    from .assistant import Assistant
    from .backend import Backend

Model = Annotated[str, typer.Option("--model", "-m", help="A model folder, or 'default' for the embedded one.")]
Quantize = Annotated[
    Literal["int8", "int4"] | None,
    typer.Option(help="Make the decoder's weights so small while loading; activations are then bfloat16."),
]
AllowPickle = Annotated[
    bool, typer.Option("--allow-pickle", help="Read weights that torch.save wrote (.pth, .bin); no code in them runs.")
]
Adapter = Annotated[
    list[str] | None,
    typer.Option(help="A LoRA adapter's folder (or hub id), or FOLDER=WEIGHT; several are added up."),
]
ChatTemplate = Annotated[
    str | None,
    typer.Option(
        help="studio, llama-2, llama-3, vicuna, chatml, zephyr or plain (default: what the model's folder says)."
    ),
]
System = Annotated[str, typer.Option(help="A system message.")]
MaxNewTokens = Annotated[int, typer.Option(help="Stop after so many tokens.")]
Temperature = Annotated[float, typer.Option(help="0 is greedy; higher is more varied.")]
TopK = Annotated[int, typer.Option(help="Keep the k most probable tokens (0: all).")]
TopP = Annotated[float, typer.Option(help="Keep the most probable tokens up to this probability.")]
MinP = Annotated[float, typer.Option(help="Keep tokens at least this share as probable as the best.")]
Repetition = Annotated[float, typer.Option(help="Above 1 discourages repetition.")]
Stop = Annotated[list[str] | None, typer.Option(help="End the answer before this text; may be given several times.")]
Seed = Annotated[int | None, typer.Option(help="Repeat a sampled answer exactly.")]

BackendUrl = Annotated[
    str | None, typer.Option(help="Ask this server of OpenAI's interface (vlm serve, vLLM, llama.cpp); load no model.")
]
BackendModel = Annotated[str, typer.Option(help="By the server's name for it (default: the first that it lists).")]
BackendKeyFile = Annotated[
    Path | None, typer.Option(help="A file that holds the server's key (default: what VLM_BACKEND_KEY holds).")
]
SKILL_LIBRARIES = ("pydantic", "pydantic_core", "skimage", "scipy", "coloraide")
"""What the extra `skills` brings, as modules."""
LOCAL = ("model", "quantize", "allow_pickle", "adapter", "chat_template", "device", "engine", "actors")
"""Options that mean nothing where a server answers."""


def backend_of(context: typer.Context, url: str | None, model: str, key_file: Path | None) -> Backend | None:
    """The server that is to answer, if one is. A key that would cross a network in clear is warned of.

    Raises:
        typer.BadParameter: the options do not go together, or make no address.
    """
    if url is None:
        if model or key_file is not None:
            raise typer.BadParameter("--backend-model and --backend-key-file need --backend-url")
        return None
    for name in LOCAL:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise typer.BadParameter(
                f"--{name.replace('_', '-')} is about a model here, --backend-url names a server: give one of them"
            )
    from .backend import Backend

    key = os.environ.get("VLM_BACKEND_KEY", "") if key_file is None else _first_line(key_file)
    try:
        backend = Backend(url, model, key)
    except InputError as error:
        raise typer.BadParameter(str(error)) from None
    if backend.exposed:
        typer.echo(f"warning: the key goes to {backend.url} in clear; https would hide it", err=True)
    return backend


def load_model(model: str, device: str = "cpu", *, engine: Mapping[str, Any] | None = None, **how: Any) -> Assistant:
    """With its adapters active. What could not be checked of them is said.

    Args:
        engine: fields of `EngineOptions`.
        how: as `vlm.load` takes it.
    """
    from .assistant import load
    from .limits import EngineOptions

    assistant = load(model, device=device, engine=EngineOptions(**engine or {}), **how)
    say_notes(assistant.adapters.notes)
    return assistant


def loading(
    quantize: str | None, allow_pickle: bool, adapter: list[str] | None, chat_template: str | None
) -> dict[str, Any]:
    """What `vlm.load` takes, of the options above. Raises `InputError`."""
    return {
        "quantize": quantize, "allow_pickle": allow_pickle, "chat_template": chat_template,
        "adapters": stacked(adapter),
    }  # fmt: skip


def say_notes(notes: Iterable[str]) -> None:
    """What could not be checked of adapters, for the eyes of whoever typed the command."""
    for note in notes:
        typer.echo(f"note: adapter {printable(note)}", err=True)


def stacked(adapters: list[str] | None) -> dict[str, float]:
    """What `--adapter` was given: folders (or hub ids), each with its weight. Raises `InputError`."""
    return dict(map(_weighted, adapters or ()))


def _weighted(text: str) -> tuple[str, float]:
    path, sign, tail = text.rpartition("=")
    if not sign or Path(text).exists():
        return text, 1.0
    try:
        weight = float(tail)
    except ValueError:
        weight = math.nan
    if not math.isfinite(weight):
        raise InputError(f"--adapter: expected FOLDER or FOLDER=WEIGHT, got {text!r}", "bad_option")
    return path, weight


def answering(model: str, backend: Backend | None, device: str = "cpu", **how: Any) -> Answering:
    """A model that is loaded, or a server that is asked."""
    if backend is None:
        return load_model(model, device, **how)
    from .remote import connect

    return connect(backend)


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="ascii") as file:
            return file.readline(4096).strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not ASCII"
        raise typer.BadParameter(f"{path}: the key cannot be read ({reason})") from None

"""`vlm skill`: skills on files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from .command_options import (
    SKILL_LIBRARIES,
    AllowPickle,
    BackendKeyFile,
    BackendModel,
    BackendUrl,
    Model,
    answering,
    backend_of,
)
from .errors import BackendError, VlmError, printable
from .terminal import friendly_errors


def skill(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which; --list tells them.")] = None,
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE...", help="Pictures and sounds.")] = None,
    options: Annotated[
        list[str] | None, typer.Option("--option", "-o", metavar="KEY=VALUE", help="A further field of its input.")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="Which skills there are, and what each takes.")] = False,
    model: Model = "default", allow_pickle: AllowPickle = False,
    backend_url: BackendUrl = None, backend_model: BackendModel = "", backend_key_file: BackendKeyFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for each result.")] = False,
) -> None:  # fmt: skip
    """Design skills: structured results, each value with where it comes from.

    A skill that takes one picture runs for each file; one that takes two, for each pair; one that takes lists, once.

    \b
    vlm skill --list
    vlm skill alt_text photos/*.jpg
    vlm skill ask plan.png -o question="How many bedrooms are there?"
    vlm skill transcribe recording.wav --json
    vlm skill alt_text logo.png --backend-url http://gpu-box:8000
    """
    with friendly_errors():
        try:
            from demo.plugins.catalogue import skills
            from demo.plugins.files import assigned, options_of
        except ModuleNotFoundError as error:
            if error.name not in SKILL_LIBRARIES:
                raise
            typer.echo(f"error: skills need {error.name}: pip install 'vlm-studio[skills]'", err=True)
            raise typer.Exit(1) from None
        found = skills()
        if listing:
            typer.echo("\n".join(printable(line) for line in found.lines()))
            return
        if name is None:
            raise typer.BadParameter("name a skill; vlm skill --list tells them")
        if name not in found:
            raise typer.BadParameter(f"there is no skill {name!r}; there are {', '.join(found)}")
        chosen = found[name]
        fields = options_of(chosen, options or [])
        runs = assigned(chosen, files or [])
        backend = backend_of(context, backend_url, backend_model, backend_key_file)
        assistant = answering(model, backend, allow_pickle=allow_pickle)
        failed = False
        for number, (paths, media) in enumerate(runs):
            try:
                output = chosen(assistant, {**media, **fields})
            except BackendError:
                raise
            except VlmError as error:  # the next file may do better
                typer.echo(f"error [{error.code}]: {_named(error, paths)}", err=True)
                failed = True
                continue
            if as_json:
                result: dict[str, Any] = {
                    "object": "skill.result", "skill": name, "model": assistant.name,
                    "files": [str(path) for path in paths], "output": output.model_dump(mode="json"),
                }  # fmt: skip
                typer.echo(json.dumps(result, ensure_ascii=False))
                continue
            if len(runs) > 1:
                typer.echo(("\n" if number else "") + printable(" ".join(map(str, paths))) + ":")
            typer.echo("\n".join(printable(line) for line in chosen.lines(output)))
        if failed:
            raise typer.Exit(1)


def _named(error: VlmError, paths: list[Path]) -> str:
    """The message; the files are named where it does not do so itself."""
    message = str(error)
    if paths and not any(str(path) in message for path in paths):
        message = f"{' '.join(map(str, paths))}: {message}"
    return printable(message)

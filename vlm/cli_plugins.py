"""`vlm plugins ...`: add-ons for Inkscape, LibreOffice and Blender."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from .errors import VlmError, printable
from .terminal import friendly_errors

commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Names = Annotated[list[str], typer.Argument(metavar="PROGRAM...", help="inkscape, libreoffice, blender.")]
Folder = Annotated[
    Path | None, typer.Option(help="The folder of extensions, macros or add-ons, instead of those that are found.")
]
Force = Annotated[bool, typer.Option("--force", help="Also where files of the add-on were changed.")]


@commands.callback()
def plugins() -> None:
    """Add-ons that ask `vlm serve` from within Inkscape, LibreOffice and Blender."""


@commands.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array.")] = False,
) -> None:
    """Where each program looks, and what of ours is there."""
    with friendly_errors():
        from demo.plugins.hosts.install import PROGRAMS, states

        found = [(program, states(program)) for program in PROGRAMS.values()]
        if as_json:
            rows = [
                {"program": program.name, "folder": str(state.place.ours), "kind": state.place.kind,
                 "state": state.what, "version": state.version}
                for program, each in found for state in each
            ]  # fmt: skip
            typer.echo(json.dumps(rows, ensure_ascii=False))
            return
        for program, each in found:
            if not each:
                typer.echo(f"{program.name:<12} not found on this computer")
            for state in each:
                what = " ".join(filter(None, (state.what, state.version)))
                kind = f" ({state.place.kind})" if state.place.kind else ""
                typer.echo(f"{program.name:<12} {what:<18} {printable(str(state.place.ours))}{kind}")


@commands.command()
def install(
    names: Names,
    url: Annotated[str | None, typer.Option(help="The server that the add-ons ask, as http://127.0.0.1:8000.")] = None,
    key_file: Annotated[Path | None, typer.Option(help="A file that holds the server's key.")] = None,
    seconds: Annotated[float | None, typer.Option(help="How long an answer may take.")] = None,
    folder: Folder = None,
    force: Force = False,
) -> None:
    """Put add-ons where their programs look. Given again, it brings them up to date.

    \b
    vlm plugins install inkscape
    vlm plugins install libreoffice blender --url https://gpu-box:8000 --key-file key.txt
    """
    with friendly_errors():
        from demo.plugins.hosts.install import chosen_settings, settings_path, states
        from demo.plugins.hosts.install import install as put

        failed = False
        for program in _programs(names, folder):
            found = states(program, folder=folder)
            if not found:
                typer.echo(f"error [not_found]: {program.title} is not found on this computer: start it once, or say "
                           "where it looks with --folder", err=True)  # fmt: skip
                failed = True
            for state in found:
                try:
                    settings = chosen_settings(state.place, url, key_file, seconds)
                    where = put(state, settings, force)
                except VlmError as error:
                    typer.echo(f"error [{error.code}]: {printable(str(error))}", err=True)
                    failed = True
                    continue
                typer.echo(f"{program.title}: {printable(str(where))}")
                typer.echo(f"  settings: {printable(str(settings_path(state.place.config)))}")
                if settings and settings.exposed:
                    typer.echo(f"warning: the key goes to {settings.url} in clear; https would hide it", err=True)
                typer.echo(f"  {program.then}")
        raise typer.Exit(1 if failed else 0)


@commands.command()
def remove(names: Names, folder: Folder = None, force: Force = False) -> None:
    """Take add-ons away again; with the last one its settings go, too."""
    with friendly_errors():
        from demo.plugins.hosts.install import remove as take_away
        from demo.plugins.hosts.install import states

        failed = False
        for program in _programs(names, folder):
            gone = False
            for state in states(program, folder=folder):
                try:
                    if take_away(state, force):
                        typer.echo(f"{program.title}: removed {printable(str(state.place.ours))}")
                        gone = True
                except VlmError as error:
                    typer.echo(f"error [{error.code}]: {printable(str(error))}", err=True)
                    gone = failed = True
            if not gone:
                typer.echo(f"{program.title}: nothing of ours is there")
        raise typer.Exit(1 if failed else 0)


def _programs(names: list[str], folder: Path | None) -> list[Any]:
    from demo.plugins.hosts.install import PROGRAMS

    if unknown := sorted(set(names) - set(PROGRAMS)):
        raise typer.BadParameter(f"unknown program {unknown[0]!r}; known: {', '.join(PROGRAMS)}")
    if folder is not None and len(set(names)) > 1:
        raise typer.BadParameter("--folder is of one program")
    return [PROGRAMS[name] for name in dict.fromkeys(names)]

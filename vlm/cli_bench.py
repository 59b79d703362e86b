"""`vlm bench ...`: measuring commands."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from .command_options import Model
from .terminal import friendly_errors

commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@commands.callback()
def bench() -> None:
    """Measure a server."""


@commands.command()
def serve(
    model: Model = "default",
    url: Annotated[str, typer.Option(help="Ask this vlm serve instead of starting one; it is not stopped.")] = "",
    api_key: Annotated[str, typer.Option(envvar="VLM_API_KEY", help="Where the server asks for it.")] = "",
    requests: Annotated[int, typer.Option(min=1, help="Questions for each count of clients and round.")] = 32,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds, of which medians are taken.")] = 3,
    repeats: Annotated[int, typer.Option(min=1, help="Refusals, and clients that go.")] = 100,
    seed: Annotated[int | None, typer.Option(help="Of the pictures (default: others each time).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of the table.")] = False,
) -> None:
    """A server over HTTP: throughput of 1, 4 and 16 clients, first tokens, refusals, clients that go, its end.

    \b
    vlm bench serve
    vlm bench serve --url http://127.0.0.1:8000 --json
    """
    with friendly_errors():
        try:
            from demo.bench.run import Options, bench
        except ModuleNotFoundError as error:
            if error.name not in ("httpx", "prometheus_client", "fastapi", "uvicorn"):
                raise
            typer.echo(f"error: the bench needs {error.name}: pip install 'vlm-studio[serve]'", err=True)
            raise typer.Exit(1) from None
        report = bench(Options(model, url, api_key, requests, rounds, repeats, seed))
        typer.echo(json.dumps(report.as_dict()) if as_json else "\n".join(report.lines()))

"""`vlm mcp`: a module of its own, since the command claims standard output before anything else happens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .command_options import AllowPickle, BackendKeyFile, BackendModel, BackendUrl, Model, answering, backend_of
from .terminal import friendly_errors


def mcp(
    context: typer.Context,
    model: Model = "default", allow_pickle: AllowPickle = False,
    backend_url: BackendUrl = None, backend_model: BackendModel = "", backend_key_file: BackendKeyFile = None,
    root: Annotated[
        list[Path] | None, typer.Option(help="A folder whose files tools may open, beside the client's own roots.")
    ] = None,
    over_http: Annotated[bool, typer.Option("--http", help="Serve HTTP in place of stdin and stdout.")] = False,
    host: Annotated[str, typer.Option(help="With --http: address to bind.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --http: port to bind.")] = 8765,
    api_key: Annotated[
        str, typer.Option(envvar="VLM_API_KEY", help="With --http: asked of every client, as a bearer token.")
    ] = "",
    allow_host: Annotated[list[str] | None, typer.Option(help="With --http: a further name of this machine.")] = None,
    allow_origin: Annotated[list[str] | None, typer.Option(help="With --http: web pages that may ask.")] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that a call may take.")] = 600,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error; on stderr.")] = "warning",
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:  # fmt: skip
    """The skills as tools for programs that speak MCP (extra: vlm-studio[mcp]).

    Such programs start it themselves and speak with it over stdin and stdout: see the README for their settings.

    \b
    vlm mcp --root ~/designs
    vlm mcp --http --api-key "$(openssl rand -hex 16)" --root ~/designs     http://127.0.0.1:8765/mcp
    """
    from demo.mcp.wire import claim

    wire = None if over_http else claim()  # before anything is imported that could print
    with friendly_errors():
        try:
            from demo.mcp.run import Options, over_stdio
            from demo.mcp.run import over_http as serve
            from demo.serving.options import Settings
        except ModuleNotFoundError as error:
            if error.name not in ("mcp", "mcp_types", "fastapi", "uvicorn", "httpcore", "prometheus_client"):
                raise
            typer.echo(f"error: vlm mcp needs {error.name}: pip install 'vlm-studio[mcp]'", err=True)
            raise typer.Exit(1) from None
        backend = backend_of(context, backend_url, backend_model, backend_key_file)
        hosts, origins = tuple(allow_host or ()), tuple(allow_origin or ())
        settings = Settings(host, port, api_key, hosts, origins, log_level=log_level)
        options = Options(root or (), timeout)
        if wire is not None:
            return over_stdio(
                lambda: answering(model, backend, device, allow_pickle=allow_pickle), wire, settings, options
            )
        raise typer.Exit(serve(lambda: answering(model, backend, device, allow_pickle=allow_pickle), settings, options))

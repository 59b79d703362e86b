"""`vlm ...`: the commands. `cli*.py` are the modules that may reach training/ and demo/, lazily."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from .cli_bench import commands as bench_commands
from .cli_mcp import mcp
from .cli_models import adapter as adapter_commands
from .cli_models import compose, export, info
from .cli_plan import plan
from .cli_plugins import commands as plugins_commands
from .cli_quantize import quantize
from .cli_skill import skill
from .command_options import (
    SKILL_LIBRARIES,
    Adapter,
    AllowPickle,
    BackendKeyFile,
    BackendModel,
    BackendUrl,
    ChatTemplate,
    MaxNewTokens,
    MinP,
    Model,
    Quantize,
    Repetition,
    Seed,
    Stop,
    System,
    Temperature,
    TopK,
    TopP,
    answering,
    backend_of,
    load_model,
    loading,
)
from .errors import BackendError, VlmError, printable
from .terminal import as_dict, converse, divide, friendly_errors, say

app = typer.Typer(
    name="vlm",
    help="Ask questions about images and sounds, on this machine, with no network.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)

app.add_typer(bench_commands, name="bench")
app.add_typer(plugins_commands, name="plugins")
app.command()(skill)
app.command()(mcp)
app.command()(export)
app.command()(compose)
app.command()(quantize)
app.command()(info)
app.add_typer(adapter_commands, name="adapter")
app.command()(plan)


@app.command()
def ask(
    context: typer.Context,
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="[IMAGE]... [QUESTION]", help="Image files, then the question.")
    ] = None,
    audio: Annotated[list[str] | None, typer.Option(help="A sound: the question, or what is asked about.")] = None,
    question: Annotated[str | None, typer.Option("--question", "-q", help="Instead of the last argument.")] = None,
    model: Model = "default", quantize: Quantize = None, allow_pickle: AllowPickle = False, adapter: Adapter = None,
    chat_template: ChatTemplate = None,
    backend_url: BackendUrl = None, backend_model: BackendModel = "", backend_key_file: BackendKeyFile = None,
    system: System = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with counts and timing.")] = False,
    stream: Annotated[bool, typer.Option("--stream", help="Print the answer as it comes.")] = False,
    max_new_tokens: MaxNewTokens = 256, temperature: Temperature = 0.0, top_k: TopK = 0, top_p: TopP = 1.0,
    min_p: MinP = 0.0, repetition_penalty: Repetition = 1.0, stop: Stop = None, seed: Seed = None,
) -> None:  # fmt: skip
    """Ask about images and sounds.

    \b
    vlm ask plan.png "How many bedrooms are there?"
    vlm ask before.png after.png "In the second image: what colour is the button?"
    vlm ask chart.png --audio question.wav
    vlm ask --audio recording.wav "What is said?"
    vlm ask plan.png "How many bedrooms?" --backend-url http://gpu-box:8000
    """
    options = {
        "max_new_tokens": max_new_tokens, "temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p,
        "repetition_penalty": repetition_penalty, "stop": stop or [], "seed": seed,
    }  # fmt: skip
    images, asked = divide(arguments or [], question)
    if not (asked or audio):
        raise typer.BadParameter("ask something: vlm ask IMAGE... QUESTION, or --audio FILE")
    with friendly_errors():
        from .conversation import question_messages

        backend = backend_of(context, backend_url, backend_model, backend_key_file)
        assistant = answering(model, backend, **loading(quantize, allow_pickle, adapter, chat_template))
        messages = question_messages(asked, images, audio or [], system)
        reply = say(assistant, messages, options, echo=stream and not as_json)
        if as_json:
            typer.echo(json.dumps(as_dict(reply), ensure_ascii=False))
        elif not stream:
            typer.echo(reply.text)


@app.command()
def chat(
    context: typer.Context, model: Model = "default", quantize: Quantize = None, allow_pickle: AllowPickle = False,
    adapter: Adapter = None, chat_template: ChatTemplate = None,
    backend_url: BackendUrl = None, backend_model: BackendModel = "", backend_key_file: BackendKeyFile = None,
    system: System = "", max_new_tokens: MaxNewTokens = 256, temperature: Temperature = 0.0, top_k: TopK = 0,
    top_p: TopP = 1.0, min_p: MinP = 0.0, repetition_penalty: Repetition = 1.0, seed: Seed = None,
) -> None:  # fmt: skip
    """Talk in the terminal, over several turns. Type /help inside.

    \b
    vlm chat
    > /image examples/chart.png
    > What is the title?
    """
    options: dict[str, Any] = {
        "max_new_tokens": max_new_tokens, "temperature": temperature, "top_k": top_k, "top_p": top_p, "min_p": min_p,
        "repetition_penalty": repetition_penalty, "seed": seed,
    }  # fmt: skip
    with friendly_errors():
        from .sampling_options import SamplingOptions

        backend = backend_of(context, backend_url, backend_model, backend_key_file)
        assistant = answering(model, backend, **loading(quantize, allow_pickle, adapter, chat_template))
        SamplingOptions(**options)  # a bad one is reported before the first question
        converse(assistant, system, options)


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="A recipe file, or the name of one that ships (default, smoke).")],
    run_dir: Annotated[
        Path | None, typer.Option("--run-dir", help="Where states and models go (default runs/RECIPE).")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Stop after this stage.")] = None,
    workers: Annotated[int, typer.Option(help="Processes that draw the data.")] = 1,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[
        int, typer.Option(help="CPU threads of each process (0: all cores, or 1 where there are several processes).")
    ] = 0,
    processes: Annotated[int, typer.Option(min=1, max=256, help="Processes that train together on the CPU.")] = 1,
    fused: Annotated[
        bool, typer.Option("--fuse", help="Compile the decoder's small operations first: needs a C++ compiler.")
    ] = False,
) -> None:
    """Train a recipe, stage by stage; started again, it goes on where it stopped.

    \b
    vlm train smoke                     ten minutes, the whole chain
    vlm train default --until align     the first stages of the shipped model
    """
    with friendly_errors():
        import torch

        from training.fusing import fuse
        from training.run import run, run_in_processes, stop_on_signal
        from training.stages import find_recipe

        found = find_recipe(recipe)
        folder = run_dir or Path("runs") / found.name
        if processes > 1:
            folder = run_in_processes(
                found, folder, processes, threads=threads or 1, workers=workers, until=until, fused=fused
            )
        else:
            if fused:
                fuse()
            torch.set_num_threads(threads or torch.get_num_threads())
            folder = run(found, folder, workers=workers, device=device, until=until, stop=stop_on_signal())
        typer.echo(f"model written to {folder}")


@app.command("eval")
def evaluate(
    model: Annotated[str, typer.Argument(help="A model folder, or 'default'.")] = "default",
    allow_pickle: AllowPickle = False,
    samples: Annotated[int, typer.Option("--samples", "-n", help="Pictures of each family and split.")] = 40,
    parts: Annotated[
        str, typer.Option(help="Which of: questions, captions, speech (comma separated).")
    ] = "questions,captions",
    seed: Annotated[int, typer.Option(help="First held-out seed.")] = 0,
    quantize: Quantize = None,
    adapter: Adapter = None,
    chat_template: ChatTemplate = None,
    out: Annotated[Path | None, typer.Option(help="Also write the figures as JSON here.")] = None,
) -> None:
    """Accuracy on held-out seeds and styles of the studio, beside blind baselines.

    \b
    vlm eval default -n 40
    vlm eval default --parts speech        needs espeak-ng
    """
    with friendly_errors():
        from training.evaluate import PARTS, evaluate, table

        chosen = [part.strip() for part in parts.split(",") if part.strip()]
        if unknown := sorted(set(chosen) - set(PARTS)):
            raise typer.BadParameter(f"unknown part {unknown[0]!r}; known: {', '.join(PARTS)}", param_hint="--parts")
        assistant = load_model(model, **loading(quantize, allow_pickle, adapter, chat_template))
        figures = evaluate(assistant, chosen, samples=samples, seed=seed)
        typer.echo(table(figures))
        if out:
            out.write_text(json.dumps(figures, indent=1) + "\n")


@app.command()
def demo(
    context: typer.Context,
    model: Model = "default", quantize: Quantize = None, allow_pickle: AllowPickle = False, adapter: Adapter = None,
    chat_template: ChatTemplate = None,
    backend_url: BackendUrl = None, backend_model: BackendModel = "", backend_key_file: BackendKeyFile = None,
    host: Annotated[str, typer.Option(help="Address to bind.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to bind.")] = 7860,
    auth: Annotated[
        str, typer.Option(envvar="VLM_DEMO_AUTH", help="user:password, asked of everyone who opens the page.")
    ] = "",
    max_file_size: Annotated[str, typer.Option(help="Largest upload, as in 200mb.")] = "200mb",
    queue_size: Annotated[int, typer.Option(min=1, help="Questions that may wait; more are turned away.")] = 64,
    concurrency: Annotated[int, typer.Option(min=1, help="Answers generated at the same time.")] = 1,
    feedback: Annotated[Path | None, typer.Option(help="Folder for thumbs and corrections (feedback.jsonl).")] = None,
) -> None:  # fmt: skip
    """A chat page in the browser, with images and a microphone (needs the extra: pip install 'vlm-studio[demo]').

    \b
    vlm demo
    vlm demo --host 0.0.0.0 --auth anna:secret
    vlm demo --backend-url http://gpu-box:8000        the page here, the model there
    """
    with friendly_errors():
        try:
            from demo.app import Settings, launch
        except ModuleNotFoundError as error:
            if error.name != "gradio":
                raise
            typer.echo("error: the demo needs gradio: pip install '.[demo]'", err=True)
            raise typer.Exit(1) from None
        backend = backend_of(context, backend_url, backend_model, backend_key_file)
        assistant = answering(model, backend, **loading(quantize, allow_pickle, adapter, chat_template))
        launch(assistant, Settings(host, port, auth, max_file_size, queue_size, concurrency, feedback))


@app.command()
def serve(
    model: Model = "default",
    quantize: Quantize = None,
    allow_pickle: AllowPickle = False,
    adapter: Adapter = None,
    chat_template: ChatTemplate = None,
    host: Annotated[str, typer.Option(help="Address to bind; other than loopback it needs a key.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to bind.")] = 8000,
    api_key: Annotated[
        str, typer.Option(envvar="VLM_API_KEY", help="Asked on every route but health, as a bearer token.")
    ] = "",
    allow_host: Annotated[list[str] | None, typer.Option(help="A further name that requests may address.")] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(help="Web pages of this origin may ask, as in https://example.com.")
    ] = None,
    allow_url_host: Annotated[
        list[str] | None, typer.Option(help="Pictures may be fetched from this public host (default: from none).")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML: the names the model is served by, their prompts and policies.")
    ] = None,
    with_demo: Annotated[bool, typer.Option("--demo", help="Also the page of vlm demo, under /demo.")] = False,
    slots: Annotated[int | None, typer.Option(min=1, help="Answers generated at a time (default: by memory).")] = None,
    queue_size: Annotated[int, typer.Option(min=1, help="Answers that may wait for a slot; more are refused.")] = 64,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds that an answer may take.")] = 120,
    drain: Annotated[float, typer.Option(min=0, help="Seconds for answers under way after SIGTERM.")] = 30,
    log_level: Annotated[str, typer.Option(help="debug, info, warning or error.")] = "info",
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """An OpenAI-compatible server: /v1/chat/completions, /v1/audio/transcriptions (extra: vlm-studio[serve]).

    \b
    vlm serve
    vlm serve --host 0.0.0.0 --api-key "$(openssl rand -hex 16)" --demo
    """
    with friendly_errors():
        try:
            from demo.serving.options import Limits, Settings
            from demo.serving.run import serve

            limits = Limits(queue=queue_size, request_seconds=timeout, drain_seconds=drain)
            settings = Settings(
                host, port, api_key, tuple(allow_host or ()), tuple(allow_origin or ()), tuple(allow_url_host or ()),
                config, with_demo, log_level, limits,
            )  # fmt: skip
            how = loading(quantize, allow_pickle, adapter, chat_template)
            engine = {"slots": slots, "queue": queue_size}
            status = serve(lambda: load_model(model, device, engine=engine, **how), settings)
        except ModuleNotFoundError as error:
            if error.name not in ("fastapi", "uvicorn", "prometheus_client", "httpcore", "gradio", *SKILL_LIBRARIES):
                raise
            extra = "serve,demo" if with_demo else "serve"
            typer.echo(f"error: the server needs {error.name}: pip install 'vlm-studio[{extra}]'", err=True)
            raise typer.Exit(1) from None
        raise typer.Exit(status)


@app.command()
def caption(
    context: typer.Context,
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATH...", help="Files, folders, globs in quotes, WebDataset tars.")
    ] = None,
    files_from: Annotated[
        list[str] | None, typer.Option(help="A file that lists such paths, a line each or NUL-separated; - is stdin.")
    ] = None,
    model: Model = "default", quantize: Quantize = None, allow_pickle: AllowPickle = False, adapter: Adapter = None,
    chat_template: ChatTemplate = None,
    backend_url: BackendUrl = None, backend_model: BackendModel = "", backend_key_file: BackendKeyFile = None,
    output_format: Annotated[
        str, typer.Option("--format", "-f", help="txt beside each picture, or one jsonl, csv, parquet or tar.")
    ] = "txt",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The table or tar (default metadata.* in the folder).")
    ] = None,
    existing: Annotated[
        str, typer.Option(help="Where there is a caption: skip (go on with the rest), overwrite, append, prepend.")
    ] = "skip",
    style: Annotated[str, typer.Option(help="short, detailed, alt-text or tags.")] = "detailed",
    prompt: Annotated[
        str | None, typer.Option(help="Ask this instead; {name}, {directory} and {tags} are filled in.")
    ] = None,
    schema: Annotated[
        Path | None, typer.Option(help="A JSON schema: captions are JSON that satisfies it (needs the extra caption).")
    ] = None,
    prefix: Annotated[str, typer.Option(help="Before each caption.")] = "",
    suffix: Annotated[str, typer.Option(help="After each caption.")] = "",
    extension: Annotated[str | None, typer.Option(help="Of the files beside the pictures (default .txt).")] = None,
    max_new_tokens: MaxNewTokens = 256,
    batch_size: Annotated[str, typer.Option(help="Pictures at a time; auto: by free memory; 8 at a server.")] = "auto",
    workers: Annotated[int, typer.Option(min=1, max=256, help="Threads that decode ahead of the model.")] = 2,
    shard: Annotated[
        str | None, typer.Option(help="i/n: this one of n parts (default: from torchrun's or SLURM's variables).")
    ] = None,
    recursive: Annotated[bool, typer.Option(help="Go into subfolders.")] = True,
    follow_links: Annotated[bool, typer.Option("--follow-links", help="Follow links out of the folder, too.")] = False,
    errors: Annotated[Path | None, typer.Option(help="Where failures are listed (default errors.jsonl).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done.")] = False,
    engine: Annotated[str, typer.Option(help="local, or ray: several processes or machines (extra ray).")] = "local",
    actors: Annotated[int, typer.Option(min=1, max=4096, help="Models at work with --engine ray.")] = 1,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:  # fmt: skip
    """Caption pictures: files, folders, a million of them. Started again, it goes on where it stopped.

    Exit status: 0 all fine, 1 some failed (they are listed in errors.jsonl), 2 usage, 130 interrupted.

    \b
    vlm caption photos                                    photos/a.png -> photos/a.txt
    vlm caption photos --format jsonl --style short       photos/metadata.jsonl
    vlm caption shards.tar --format tar -o captioned.tar  WebDataset in and out
    vlm caption photos --backend-url http://gpu-box:8000 --batch-size 32
    """
    backend = backend_of(context, backend_url, backend_model, backend_key_file)
    if (quantize or allow_pickle) and engine == "ray":
        raise typer.BadParameter("--engine ray loads a folder as it lies: write one with vlm quantize or vlm export")
    try:
        from demo.caption import command

        how = loading(quantize, allow_pickle, adapter, chat_template)
        summary = command(
            paths or [], files_from or [],
            load=lambda: answering(model, backend, device, **how),
            echo=lambda *cells: typer.echo("\t".join(printable(cell) for cell in cells)),
            model=str(backend or (f"{model} ({quantize})" if quantize else model)), adapters=how["adapters"],
            chat_template=chat_template or "", format=output_format, output=output, existing=existing, style=style,
            prompt=prompt, schema=schema, prefix=prefix, suffix=suffix, extension=extension,
            max_new_tokens=max_new_tokens, batch_size=batch_size, workers=workers, shard=shard, recursive=recursive,
            follow_links=follow_links, errors=errors, dry_run=dry_run, engine=engine, actors=actors, device=device,
        )  # fmt: skip
    except VlmError as error:  # what fails of the pictures is counted instead
        typer.echo(f"error [{error.code}]: {printable(str(error))}", err=True)
        if isinstance(error, BackendError):
            typer.echo("what was captioned is kept; to go on, give the same command again", err=True)
        raise typer.Exit(1 if isinstance(error, BackendError) or error.code == "io_error" else 2) from None
    except OSError as error:
        typer.echo(f"error [io_error]: {printable(str(error))}", err=True)
        raise typer.Exit(1) from None
    typer.echo(printable(str(summary)), err=True)
    if summary.interrupted:
        typer.echo("to go on, give the same command again", err=True)
    raise typer.Exit(summary.exit_code)


def main() -> None:
    for stream in (sys.stdin, sys.stdout, sys.stderr):  # bytes and characters that the terminal's encoding lacks
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="surrogateescape" if stream is sys.stdin else "backslashreplace")
    run: Callable[[], Any] = app
    run()


if __name__ == "__main__":
    main()

"""What the commands share in talking to a terminal: answers as they come, failures in one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from .errors import VlmError, printable

if TYPE_CHECKING:
    from .answering import Answering
    from .generation import Reply


@contextmanager
def friendly_errors() -> Iterator[None]:
    """Expected failures become one line on stderr and exit status 1; nobody is shown a traceback."""
    try:
        yield
    except VlmError as error:
        typer.echo(f"error [{error.code}]: {printable(str(error))}", err=True)
        raise typer.Exit(1) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        typer.echo(f"error [io_error]: {printable(f'{where}{error.strerror or error}')}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("\nstopped", err=True)
        raise typer.Exit(130) from None


def divide(arguments: list[str], question: str | None) -> tuple[list[str], str]:
    """Positional arguments -> (image paths, question): the last one is the question.

    Unless it is a file: then it is an image too, and the question is in the sound, or was forgotten.
    """
    if question is not None or not arguments:
        return arguments, question or ""
    if os.path.exists(arguments[-1]):  # noqa: PTH110 - Path.exists raises where a question is too long for a name
        return arguments, ""
    return arguments[:-1], arguments[-1]


def say(assistant: Answering, messages: list[dict[str, Any]], options: dict[str, Any], echo: bool) -> Reply:
    """Streams an answer, to the terminal where wanted, and returns it whole."""
    from .generation import Reply

    for piece in assistant.stream(messages, **options):
        if isinstance(piece, Reply):
            if echo:
                typer.echo()
            return piece
        if echo:
            typer.echo(piece, nl=False)
            sys.stdout.flush()
    raise AssertionError("a stream ends with its reply")


def as_dict(reply: Reply) -> dict[str, Any]:
    return {
        "text": reply.text, "finish_reason": reply.finish_reason, "prompt_tokens": reply.prompt_tokens,
        "completion_tokens": reply.completion_tokens, "seconds_to_first_token": round(reply.seconds_to_first_token, 4),
        "seconds": round(reply.seconds, 4), "tokens_per_second": round(reply.tokens_per_second, 1),
    }  # fmt: skip


CHAT_HELP = "/image PATH  /audio PATH  add to the next question   /clear  start again   /quit  leave"


def converse(assistant: Answering, system: str, options: dict[str, Any]) -> None:
    """Questions from the terminal, one after the other, until the end of its input."""
    where = f" at {assistant.server}" if assistant.server else ""
    typer.echo(f"{printable(assistant.name)}{where}: {CHAT_HELP}")
    opening: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
    messages, waiting = list(opening), list[dict[str, Any]]()
    for line in _lines():
        command, _, rest = line.partition(" ")
        if command in ("/quit", "/exit"):
            return
        if command == "/help":
            typer.echo(CHAT_HELP)
        elif command == "/clear":
            messages, waiting = list(opening), []
        elif command in ("/image", "/audio"):
            _attach(waiting, command[1:], rest.strip().strip("'\""))
        elif line:
            turn = {"role": "user", "content": [*waiting, {"type": "text", "text": line}]}
            try:
                reply = say(assistant, [*messages, turn], options, echo=True)
            except VlmError as error:  # the conversation goes on without this turn
                typer.echo(f"error [{error.code}]: {printable(str(error))}", err=True)
                continue
            messages += [turn, {"role": "assistant", "content": reply.text}]
            waiting = []


def _lines() -> Iterator[str]:
    while True:
        try:
            yield input("> ").strip()
        except EOFError:
            return


def _attach(waiting: list[dict[str, Any]], kind: str, path: str) -> None:
    """Opens a file at once, so that a bad one is reported when it is named, not a turn later."""
    from encoders.media import load_audio, load_image

    try:
        if kind == "image":
            waiting.append({"type": "image", "image": load_image(path)})
        else:
            from encoders.base import SAMPLE_RATE

            waiting.append({"type": "audio", "audio": (load_audio(path), SAMPLE_RATE)})
        typer.echo(f"added {printable(path)}")
    except VlmError as error:
        typer.echo(f"error [{error.code}]: {printable(str(error))}", err=True)

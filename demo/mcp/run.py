"""`vlm mcp`: over standard input and output, or over HTTP."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import anyio
import uvicorn
from anyio import to_thread

from demo.plugins.catalogue import skills
from demo.serving import logs
from demo.serving.options import Settings
from demo.serving.run import configured
from vlm.answering import Answering
from vlm.errors import InputError
from vlm.media import LOCAL_LIMITS, SERVER_LIMITS

from . import http
from .roots import Roots
from .server import Offer, server
from .stdio import connected


@dataclass(frozen=True)
class Options:
    """What both transports are told. `roots`: folders that tools may read, as typed; `seconds`: for one call."""

    roots: Sequence[Path] = ()
    seconds: float = 600

    def folders(self) -> Roots:
        """Raises `InputError` for one that is not there: whoever typed it would wonder later."""
        for folder in self.roots:
            if not folder.is_dir():
                raise InputError(f"--root {folder}: no such folder", "bad_option")
        return Roots.of(self.roots)


def over_stdio(
    load: Callable[[], Answering], wire: tuple[int, int], settings: Settings, options: Options
) -> None:  # fmt: skip
    """Serves one client until it closes its end. Clients wait only so long for the first word: the model comes later.

    Args:
        wire: of `wire.claim`.
        settings: of these, how much is logged, and the limits of a message.

    Raises:
        VlmError: the model cannot be used.
    """
    logs.configure(settings.log_level)
    _quiet()
    roots, loaded = options.folders(), Future[Answering]()
    serving = server(Offer(loaded.result, skills(), LOCAL_LIMITS, roots, trusting=True, seconds=options.seconds))

    async def serve() -> None:
        async with connected(wire, settings.limits) as (read, write), anyio.create_task_group() as tasks:

            async def loading() -> None:
                try:
                    loaded.set_result(await to_thread.run_sync(load))
                except Exception as error:
                    loaded.set_exception(error)
                    tasks.cancel_scope.cancel()

            tasks.start_soon(loading)
            await serving.run(read, write, serving.create_initialization_options())

    anyio.run(serve)
    loaded.result()


def over_http(load: Callable[[], Answering], settings: Settings, options: Options) -> int:
    """Serves until a signal. Returns the exit status."""
    logs.configure(settings.log_level)
    _quiet()
    roots = options.folders()
    assistant = load()
    offer = Offer(lambda: assistant, skills(), SERVER_LIMITS, roots, seconds=options.seconds)
    running = uvicorn.Server(configured(http.build(server(offer), settings), settings))
    running.run()
    return 0 if running.started else 1


def _quiet() -> None:
    """The SDK warns of what the newest protocol no longer has and older clients still need."""
    warnings.filterwarnings("ignore", module=r"mcp\.")

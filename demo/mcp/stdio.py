"""Messages over standard input and output, one a line. On the output is nothing else, whatever libraries print.

The SDK has such a transport, too. This one takes the output away before the model is loaded, does not hand it
back (what C code has buffered is flushed at the very end), bounds a line, answers what is no message, and does not
hold up the end of the program while it waits for input.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio import to_thread
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage

from demo.serving.options import Limits

from . import messages
from .wire import Lines, write_all

Read = MemoryObjectReceiveStream[SessionMessage | Exception]
Write = MemoryObjectSendStream[SessionMessage]


@asynccontextmanager
async def connected(wire: tuple[int, int], limits: Limits) -> AsyncIterator[tuple[Read, Write]]:
    """Streams of messages for `mcp.server.lowlevel.Server.run`; the first ends with the input."""
    incoming, read = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    write, outgoing = anyio.create_memory_object_stream[SessionMessage](0)
    answers = write.clone()

    async def receive() -> None:
        async with incoming, answers:
            async for line in _lines(wire[0]):
                try:
                    if line is None:
                        raise messages.too_large(messages.MESSAGE_BYTES)
                    await incoming.send(SessionMessage(messages.read(line, limits)))
                except messages.Refusal as refusal:
                    await answers.send(SessionMessage(refusal.reply()))
                except anyio.BrokenResourceError:  # the server has ended
                    return

    async def send() -> None:
        async with outgoing:
            async for message in outgoing:
                line = message.message.model_dump_json(by_alias=True, exclude_unset=True) + "\n"
                try:
                    await to_thread.run_sync(write_all, wire[1], line.encode())
                except OSError:  # nobody reads any more, and nothing is to be done for nobody
                    tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(receive)
        tasks.start_soon(send)
        yield read, write
        tasks.cancel_scope.cancel()


async def _lines(descriptor: int) -> AsyncIterator[bytes | None]:
    """Read by a thread that nobody waits for at the end."""
    loop, found, wanted = asyncio.get_running_loop(), asyncio.Queue[list[bytes | None]](), threading.Semaphore(0)

    def read() -> None:
        lines = Lines(descriptor, messages.MESSAGE_BYTES)
        while wanted.acquire():
            try:
                batch = lines.next()
            except OSError:  # a terminal that has gone
                batch = []
            try:
                loop.call_soon_threadsafe(found.put_nowait, batch)
            except RuntimeError:  # the loop has ended
                return
            if not batch:
                return

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while True:
        wanted.release()
        batch = await found.get()
        if not batch:
            return
        for line in batch:
            yield line

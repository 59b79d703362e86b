"""The MCP server: lists the skills as tools and calls them, in threads that can be called off."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio
from anyio import CapacityLimiter, from_thread, to_thread
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    ListToolsResult,
    PaginatedRequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from demo.plugins.watched import Watched
from vlm import __version__
from vlm.answering import Answering
from vlm.errors import InputError
from vlm.media import MediaLimits

from . import tools
from .roots import Roots, folder_of

INSTRUCTIONS = (
    "Looks at pictures and listens to sounds with a small model on the user's machine. Give files by their paths. Each "
    "value of a result says whether it was measured from pixels or said by the model, which can be wrong; its "
    "confidence is the model's own."
)
ROOTS = "roots"
"""The key under which a client of the newest protocol is asked for its roots."""
ROOTS_SECONDS = 30.0
"""So long may a client think about its roots."""

Context = ServerRequestContext[Any, Any]


@dataclass(frozen=True)
class Offer:
    """What is served, and within which limits.

    assistant: gives who answers; asked from threads, it may take its time.
    roots: folders whose files every client may name. `trusting`: also those that the client itself names, which is
        right where client and server are one person's programs on one machine.
    seconds: for one call. workers: calls at work at a time; waiting: that may wait beside them.
    """

    assistant: Callable[[], Answering]
    skills: Mapping[str, tools.AnySkill]
    media: MediaLimits
    roots: Roots = field(default_factory=Roots)
    trusting: bool = False
    seconds: float = 600
    workers: int = 16
    waiting: int = 256


def server(offer: Offer) -> Server[Any]:
    """Ready to run over any transport."""
    calls = _Calls(offer)
    return Server(
        "vlm-studio", version=__version__, title="vlm studio", instructions=INSTRUCTIONS,
        on_list_tools=calls.listed, on_call_tool=calls.called,
    )  # fmt: skip


class _Calls:
    def __init__(self, offer: Offer) -> None:
        self.offer, self.workers, self.held = offer, CapacityLimiter(offer.workers), 0
        self.tools = [tools.described(skill) for skill in offer.skills.values()]

    async def listed(self, context: Context, asked: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=self.tools)

    async def called(self, context: Context, asked: CallToolRequestParams) -> CallToolResult | InputRequiredResult:
        """What goes wrong is a result, too, so that the model behind the client reads it."""
        skill = self.offer.skills.get(asked.name)
        if skill is None:
            raise MCPError(INVALID_PARAMS, "Unknown tool; tools/list names those that there are")
        try:
            with self._admitted():
                arguments = asked.arguments or {}
                roots = self.offer.roots
                if tools.names_files(skill, arguments) and self.offer.trusting:
                    told = await _clients_roots(context, asked)
                    if isinstance(told, InputRequiredResult):
                        return told
                    roots |= told
                left = threading.Event()
                work = partial(self._run, context, skill, arguments, roots, left)
                try:
                    with anyio.fail_after(self.offer.seconds):
                        return await to_thread.run_sync(work, limiter=self.workers)
                finally:
                    left.set()
        except TimeoutError:
            return tools.failed(InputError(f"not done within {self.offer.seconds:g} s", "request_timeout"))
        except Exception as error:
            return tools.failed(error)

    @contextmanager
    def _admitted(self) -> Iterator[None]:
        if self.held >= self.offer.workers + self.offer.waiting:
            raise InputError("too many calls are waiting; try again later", "queue_full")
        self.held += 1
        try:
            yield
        finally:
            self.held -= 1

    def _run(
        self, context: Context, skill: tools.AnySkill, arguments: Mapping[str, Any], roots: Roots, left: threading.Event
    ) -> CallToolResult:  # fmt: skip
        """In a worker thread. It ends, by an exception, soon after the call is cancelled or its time is up."""
        answers = 0

        def check() -> None:
            from_thread.check_cancelled()
            if left.is_set():  # asyncio's own cancelling does not wait for threads
                raise InputError("nobody waits for the result any more", "cancelled")

        def answered() -> None:
            nonlocal answers
            answers += 1
            from_thread.run(context.session.report_progress, answers, None, f"{skill.name}: {answers} answered")

        fields = tools.fields(skill, arguments, roots)
        assistant = Watched(self.offer.assistant(), check, answered)
        return tools.succeeded(skill(assistant, fields, limits=self.offer.media))


async def _clients_roots(context: Context, asked: CallToolRequestParams) -> Roots | InputRequiredResult:
    """Asked with each call that names a file, so that a change holds at once. None, where clients have no such thing.

    The newest protocol has no requests to the client: there the call is answered with the question, and comes again.
    """
    capabilities = context.session.client_capabilities
    if capabilities is None or capabilities.roots is None:
        return Roots()
    if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
        told = (asked.input_responses or {}).get(ROOTS)
        if told is None:
            return InputRequiredResult(input_requests={ROOTS: ListRootsRequest()})
    else:
        try:
            told = await context.session.send_request(ListRootsRequest(), ListRootsResult, ROOTS_SECONDS)
        except (MCPError, ValidationError):
            raise InputError("the client was asked for its roots and did not tell them", "path_not_allowed") from None
    if not isinstance(told, ListRootsResult):
        return Roots()
    return Roots.of(folder for root in told.roots if (folder := folder_of(str(root.uri))) is not None)

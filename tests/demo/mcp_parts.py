"""For tests of the MCP server: something that answers at once, or never; skills for it; clients."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from mcp import Client
from mcp_types import ListRootsResult, Root
from pydantic import Field

from demo.mcp.roots import Roots
from demo.mcp.server import Offer, server
from demo.plugins.skill import Picture, Skill, SkillInput, SkillOutput
from vlm.answering import Answering
from vlm.captioning import Captioned, CaptionRequest
from vlm.chat import Message, parts_of
from vlm.conversation import prepared
from vlm.generation import Reply
from vlm.media import LOCAL_LIMITS

ERAS = ("legacy", "2026-07-28")
"""The protocol with a handshake, and the one without."""


class Echo(Answering):
    """Says the last question back, and how many media it came with. Asked "wait", it waits until it is left."""

    card = server = ""
    name, context, hears = "echo", None, True

    def __init__(self) -> None:
        self.waiting, self.left = threading.Semaphore(0), threading.Semaphore(0)

    def facts(self) -> list[tuple[str, str]]:
        return []

    def close(self) -> None: ...

    def stream(self, messages: list[Message], **options: Any) -> Iterator[str | Reply]:
        parts = parts_of(prepared(messages)[-1])
        text = "".join(part["text"] for part in parts if part["type"] == "text")
        said = f"{text} ({sum(part['type'] != 'text' for part in parts)})"
        try:
            if text == "wait":
                self.waiting.release()
                while True:
                    threading.Event().wait(0.01)
                    yield ""
            yield said
            yield Reply(said, "stop", 3, 2, 0.01, 0.02)
        finally:
            if text == "wait":
                self.left.release()

    def caption_batches(
        self, requests: Iterable[CaptionRequest], **options: Any
    ) -> Iterator[list[Captioned]]:  # fmt: skip
        for one in requests:
            content = [{"type": "image", "image": one.source()}, {"type": "text", "text": one.prompt}]
            yield [Captioned(one.place, self.chat([{"role": "user", "content": content}]))]


class Pictures(SkillInput):
    first: Picture
    others: Annotated[list[Picture], Field(default_factory=list, max_length=16)]
    word: str = "seen"


class Seen(SkillOutput):
    sizes: list[tuple[int, int]]
    said: list[str]


class Look(Skill[Pictures, Seen]):
    """Asks about each picture; of certain words it thinks in other ways."""

    name, description = "look", "Looks at pictures."
    input_model, output_model = Pictures, Seen

    def run(self, assistant: Answering, given: Pictures) -> Seen:
        if given.word == "fail":
            raise RuntimeError("/secret/path at 0x7f")
        pictures = [given.first, *given.others]
        said = [assistant.ask(given.word, images=[picture]).text for picture in pictures]
        return Seen(sizes=[picture.size for picture in pictures], said=said)


def offered(assistant: Answering | None = None, *folders: Path, skills: Any = None, **options: Any) -> Offer:
    given = assistant or Echo()
    options = {"roots": Roots.of(folders), "trusting": True} | options
    return Offer(lambda: given, skills or {"look": Look()}, LOCAL_LIMITS, **options)


def client(offer: Offer, era: str = ERAS[0], *folders: Path, **options: Any) -> Client:
    """In this process. `folders`: what the client says its roots are; without any it knows no roots."""
    return Client(server(offer), mode=era, **rooted(*folders), **options)  # type: ignore[arg-type]


def rooted(*folders: Path) -> dict[str, Any]:
    async def told(context: Any) -> ListRootsResult:
        return ListRootsResult(roots=[Root(uri=folder.as_uri()) for folder in folders])  # type: ignore[arg-type]

    return {"list_roots_callback": told} if folders else {}


def run(main: Callable[[], Awaitable[Any]]) -> Any:
    async def bounded() -> Any:
        return await asyncio.wait_for(main(), 600)  # a fault, however busy the machine

    return asyncio.run(bounded())


def said(result: Any) -> str:
    """The words of a result."""
    (block,) = result.content
    return block.text

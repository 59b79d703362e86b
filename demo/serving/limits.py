"""Limits that act before data is made: a body while it streams in, JSON before it is parsed."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import ApiError, ClientGone, too_busy
from .options import Limits
from .security import PAGE

UPLOADS = ("/v1/audio/transcriptions",)


class Intake:
    """Counts bytes as they come: 413 over the path's limit, 408 below the pace, 415 for compressed bodies.

    No route sees a body before all of it is here, so what waits for a slow client is this class only. (The
    page's own uploads go to disk as they come.)
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits, self.held = app, limits, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = Headers(scope=scope)
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise ApiError(415, "unsupported_encoding", "Compressed bodies are not read.")
        page = scope["path"].startswith(PAGE)
        limits = self.limits
        limit = limits.page_bytes if page else limits.upload_bytes if scope["path"] in UPLOADS else limits.body_bytes
        declared = headers.get("content-length", "0")
        if not declared.isascii() or not declared.isdigit() or int(declared[:20]) > limit:
            self._refuse_size(limit)
        if page:
            return await self.app(scope, self._counted(receive, limit), send)
        body, size = bytearray(), 0
        try:
            await self._read(receive, body, limit)
            size = len(body)
            await self.app(scope, replayed(body, receive), send)
        finally:
            self.held -= size or len(body)

    async def _read(self, receive: Receive, body: bytearray, limit: int) -> None:
        started, more = time.monotonic(), True
        while more:
            until = started + self.limits.body_seconds + len(body) / self.limits.body_rate
            try:
                message = await asyncio.wait_for(receive(), until - time.monotonic())
            except TimeoutError:
                raise ApiError(408, "body_too_slow", "The body came too slowly.", headers=_CLOSE) from None
            if message["type"] == "http.disconnect":
                raise ClientGone
            piece, more = message.get("body", b""), message.get("more_body", False)
            if len(body) + len(piece) > limit:
                self._refuse_size(limit)
            if self.held + len(piece) > self.limits.held_bytes:
                raise too_busy()
            body += piece
            self.held += len(piece)

    def _counted(self, receive: Receive, limit: int) -> Receive:
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > limit:
                self._refuse_size(limit)
            return message

        return counted

    @staticmethod
    def _refuse_size(limit: int) -> NoReturn:
        raise ApiError(413, "body_too_large", f"The body is larger than {limit:,} bytes.", headers=_CLOSE)


_CLOSE = {"Connection": "close"}  # what follows on this connection would be the rest of the body


def replayed(body: bytearray, receive: Receive) -> Receive:
    """The whole body as one message, then what the connection says (that it is gone)."""
    waiting = True

    async def replay() -> Message:
        nonlocal waiting
        if waiting:
            waiting, data = False, bytes(body)
            body.clear()
            return {"type": "http.request", "body": data, "more_body": False}
        return await receive()

    return replay


# --- JSON ----------------------------------------------------------------------------------------

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""One that does not end matches up to the end of the body: no place is looked at twice."""
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def parse_json(body: bytes, limits: Limits) -> Any:
    """The value; what is odd about it is found before objects are made of it.

    Raises:
        ApiError: 400 for anything but strict UTF-8 JSON: depth, number of values, repeated keys,
            NaN, numbers beyond a double, thousands of digits.
    """
    structure = _STRING.sub(b"", body)
    if structure.count(b",") + structure.count(b":") > limits.json_values:
        _bad_json(f"holds more than {limits.json_values:,} values")
    depth = deepest = 0
    for bracket in structure.translate(None, _NO_BRACKETS)[: 2 * limits.json_values]:
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    if deepest > limits.json_depth:
        _bad_json(f"is nested more than {limits.json_depth} deep")
    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError):  # RecursionError cannot come at this depth; a server does not bet on it
        _bad_json("is no valid JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _bad_json("names a field twice")
    return found


def _finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):
        _bad_json("holds a number that is not finite")
    return value


def _bad_json(reason: str) -> NoReturn:
    raise ApiError(400, "invalid_json", f"The body {reason}.")


# --- routes --------------------------------------------------------------------------------------

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def route_of(content_type: str, limits: Limits, check_room: Callable[[], None]) -> type[APIRoute]:
    """Routes whose bodies must be of one type (415), and whose JSON is read by `parse_json`.

    Args:
        check_room: raises where no request can be taken, however good it is; asked before a body is parsed.
    """

    class Guarded(Request):
        async def json(self) -> Any:
            return parse_json(await self.body(), limits)

    class Route(APIRoute):
        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()

            async def guarded(request: Request) -> Response:
                given = request.headers.getlist("content-type")
                if len(given) != 1 or given[0].partition(";")[0].strip().lower() != content_type:
                    raise ApiError(415, "unsupported_content_type", f"The body must be {content_type}.")
                check_room()
                return await handle(Guarded(request.scope, request.receive))

            return guarded

    return Route

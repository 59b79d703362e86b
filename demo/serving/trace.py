"""Around everything: a request's id, its line in the log, and what is told when something failed."""

from __future__ import annotations

import logging
import secrets
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import ClientGone, as_api_error, respond
from .logs import REQUEST_ID, event, logger
from .metrics import Metrics
from .security import HEALTH, PAGE


class Trace:
    """The outermost layer: no exception passes it, and none of its lines holds a path or words of a client."""

    def __init__(self, app: ASGIApp, metrics: Metrics | None) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = f"req_{secrets.token_hex(12)}"
        REQUEST_ID.set(request_id)
        started, status = time.perf_counter(), 0

        async def traced(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [(b"x-request-id", request_id.encode()), (b"x-content-type-options", b"nosniff")]
                message = message | {"headers": [*message.get("headers", []), *headers]}
            await send(message)

        try:
            await self.app(scope, receive, traced)
        except Exception as error:
            if as_api_error(error).status_code == 500:
                logger.error("failed", exc_info=error)
            response = respond(error, scope)
            if isinstance(error, ClientGone):
                status = error.status_code
            elif not status:  # else the connection is closed, which is all that can be said now
                await response(scope, receive, traced)
        code = scope.get("vlm.code")
        if code and self.metrics is not None:
            self.metrics.refused.labels(str(status), code).inc()
        route = getattr(scope.get("route"), "path", None) or (PAGE if scope["path"].startswith(PAGE) else None)
        watched = scope["path"] in HEALTH and status == 200  # again and again
        level = logging.ERROR if status == 500 else logging.DEBUG if watched else logging.INFO
        event(
            "request", level, method=scope["method"] if route else None, route=route, status=status, code=code,
            seconds=round(time.perf_counter() - started, 4),
        )  # fmt: skip

"""MCP over HTTP: the SDK's application behind the server's own doors."""

from __future__ import annotations

from mcp.server.lowlevel import Server
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.serving.limits import Intake, replayed
from demo.serving.options import Limits, Settings, refuse
from demo.serving.security import Doorman, Key
from demo.serving.trace import Trace

from . import messages

PATH = "/mcp"
SESSIONS = 64
"""Clients at a time of the protocol that has sessions."""


def build(serving: Server[object], settings: Settings) -> ASGIApp:
    """The application; a token is asked on every route, Host and Origin are looked at, bodies bounded.

    Raises:
        InputError: there is no token.
    """
    if not settings.api_key:
        refuse("vlm mcp --http needs an --api-key (or VLM_API_KEY): what it may read, others could read, too")
    app: ASGIApp = serving.streamable_http_app(
        streamable_http_path=PATH, host=settings.host, max_request_body_size=settings.limits.body_bytes,
        max_sessions=SESSIONS,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # the Doorman's business
    )  # fmt: skip
    app = Intake(Strict(app, settings.limits), settings.limits)
    return Trace(Doorman(Key(app, settings.api_key), settings), metrics=None)


class Strict:
    """Lets pass only bodies that are one sound message: what the SDK says of others quotes its libraries."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            return await self.app(scope, receive, send)
        body = await Request(scope, receive).body()
        try:
            messages.read(body, self.limits)
        except messages.Refusal as refusal:
            text = refusal.reply().model_dump_json(by_alias=True, exclude_unset=True)
            return await Response(text, 400, media_type="application/json")(scope, receive, send)
        return await self.app(scope, replayed(bytearray(body), receive), send)

"""JSON-RPC messages before the SDK sees them: what is no message, or an unreasonable one, is refused in our words."""

from __future__ import annotations

from typing import Any

from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCMessage,
    JSONRPCNotification,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError

from demo.serving.errors import ApiError
from demo.serving.limits import parse_json
from demo.serving.options import Limits

MESSAGE_BYTES = 40_000_000
"""One message: pictures as content are base64, four thirds of their bytes."""
NAME_CHARACTERS = 256
"""Of what is sent back as it came: a request's id, the token of its progress, its method."""


class Refusal(Exception):
    """Why something is not taken for a message. `id` is the request's, where it has a sound one."""

    def __init__(self, code: int, message: str, id: int | str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.id = code, message, id

    def reply(self) -> JSONRPCError:
        return JSONRPCError(jsonrpc="2.0", id=self.id, error=ErrorData(code=self.code, message=self.message))


def too_large(limit: int) -> Refusal:
    return Refusal(INVALID_REQUEST, f"Invalid request: a message may have {limit:,} bytes")


def read(data: bytes, limits: Limits) -> JSONRPCMessage:
    """The message in these bytes.

    Raises:
        Refusal: -32700 for what is no strict JSON, or deeper or larger than accepted; -32600 for other JSON.
    """
    try:
        value = parse_json(data, limits)
    except ApiError as error:
        raise Refusal(PARSE_ERROR, f"Parse error: {error.message}") from None
    try:
        message = jsonrpc_message_adapter.validate_python(value, by_name=False)
    except ValidationError:
        raise Refusal(INVALID_REQUEST, "Invalid request", _sound_id(value)) from None
    if isinstance(message, JSONRPCNotification) and "id" in value:  # an id of another kind, else quietly dropped
        raise Refusal(INVALID_REQUEST, "Invalid request: an id is a whole number or text")
    if not all(_is_short(name) for name in _names(value)):
        raise Refusal(INVALID_REQUEST, f"Invalid request: ids may have {NAME_CHARACTERS} characters", _sound_id(value))
    return message


def _names(value: dict[str, Any]) -> list[Any]:
    """What of a message the SDK repeats in its own."""
    params = value.get("params") or {}
    meta = params.get("_meta")
    token = meta.get("progressToken") if isinstance(meta, dict) else None
    return [value.get("id"), value.get("method"), token]


def _is_short(name: Any) -> bool:
    if isinstance(name, int):
        return name.bit_length() <= 64
    return not isinstance(name, str) or len(name) <= NAME_CHARACTERS


def _sound_id(value: Any) -> int | str | None:
    given = value.get("id") if isinstance(value, dict) else None
    sound = isinstance(given, int | str) and not isinstance(given, bool) and _is_short(given)
    return given if sound else None

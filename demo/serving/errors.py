"""Exceptions -> what a client is told: the only code that does so.

Always `{"error": {"message", "type", "param", "code"}}`. The words are ours: a foreign exception's never
leave, since they hold paths, addresses of memory, or somebody else's input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi.exceptions import HTTPException, RequestValidationError
from starlette.exceptions import HTTPException as RoutingError
from starlette.responses import JSONResponse
from starlette.types import Scope

from demo.plugins.skill import FieldError
from vlm.errors import (
    CheckpointError,
    EngineDeadError,
    MediaError,
    QueueFullError,
    RequestFailedError,
    VlmError,
    one_line,
)

_BY_STATUS = {
    400: ("bad_request", "The request cannot be read."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take this method."),
    413: ("body_too_large", "The body is larger than accepted."),
    500: ("internal_error", "An internal error. The server's log has it under this request's id."),
}
_FIXED = {"bad_schema": "The schema cannot be used: it is no valid JSON schema, or asks for something unsupported."}
"""Codes whose messages carry words of a library."""
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class ApiError(HTTPException):
    """A refusal, ready to be sent. `param` names the field, as in messages[0].content."""

    def __init__(
        self, status: int, code: str, message: str, *, param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(status, detail=message, headers=dict(headers or {}))
        self.code, self.message, self.param = code, message, param

    def body(self) -> dict[str, Any]:
        kind = _TYPES.get(self.status_code, "server_error" if self.status_code >= 500 else "invalid_request_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


class ClientGone(ApiError):
    """Nobody is left to be told."""

    def __init__(self) -> None:
        super().__init__(499, "client_closed_request", "The client has closed the connection.")


def too_busy() -> ApiError:
    headers = {"Retry-After": "1"}
    return ApiError(429, "queue_full", "Too many requests are waiting; try again later.", headers=headers)


def as_api_error(error: BaseException) -> ApiError:
    """The one way from an exception to a client."""
    match error:
        case ApiError():
            return error
        case RequestValidationError():
            return _invalid(max(error.errors(), key=_telling), error.body)
        case RoutingError():
            code, message = _BY_STATUS.get(error.status_code, _BY_STATUS[400])
            return ApiError(error.status_code, code, message, headers=error.headers)
        case QueueFullError():
            return too_busy()
        case EngineDeadError():
            return ApiError(503, "engine_unavailable", "The engine does not run; the request was not answered.")
        case FieldError():
            return ApiError(400, error.code, str(error), param=error.param or None)
        case MediaError():
            return ApiError(400, error.code, one_line(f"{error.name}: {error.reason}"), param=error.name)
        case VlmError() if not isinstance(error, CheckpointError | RequestFailedError):
            param = "response_format" if error.code == "bad_schema" else "messages"
            return ApiError(400, error.code, _FIXED.get(error.code) or one_line(str(error)), param=param)
    return ApiError(500, *_BY_STATUS[500])


def respond(error: BaseException, scope: Scope) -> JSONResponse:
    """The response; its code is left in `scope` for the log and the metrics."""
    told = as_api_error(error)
    scope["vlm.code"] = told.code
    return JSONResponse(told.body(), told.status_code, headers=told.headers)


def _invalid(error: Mapping[str, Any], body: Any) -> ApiError:
    """One of pydantic's complaints. Its texts are templates over our bounds."""
    param = _path(error["loc"], body)
    told = {"missing": "is required", "extra_forbidden": "is not a known field"}.get(error["type"])
    message = f"{param or 'The body'} {told}." if told else f"{param or 'The body'}: {error['msg']}."
    return ApiError(400, "unknown_field" if error["type"] == "extra_forbidden" else "invalid_value",
                    one_line(message), param=param)  # fmt: skip


def _telling(error: Mapping[str, Any]) -> tuple[int, bool]:
    """Where text or a list may stand, pydantic complains of both: the deeper complaint is about what was meant."""
    return len(error["loc"]), error["type"] not in ("string_type", "list_type")


def _path(where: Sequence[str | int], body: Any) -> str | None:
    """('body', 'messages', 0, 'user', 'content') -> messages[0].content: names of union members are left out."""
    path, place = "", body
    for number, step in enumerate(where[1:], start=2):
        if isinstance(step, int) and isinstance(place, list) and step < len(place):
            path, place = f"{path}[{step}]", place[step]
        elif isinstance(place, Mapping) and (step in place or number == len(where)):
            path, place = f"{path}.{step}", place.get(step)
    return path.lstrip(".")[:200] or None

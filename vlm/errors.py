"""The errors a caller can expect. Each has a stable `code`; the message names the item and the remedy."""

from __future__ import annotations

from encoders.errors import MediaError, VlmError

__all__ = [
    "BackendError", "BackendRequestError", "CheckpointError", "ContextLengthError", "EngineDeadError", "InputError",
    "MediaError", "QueueFullError", "RequestFailedError", "VlmError", "one_line", "printable",
]  # fmt: skip


class CheckpointError(VlmError):
    """A model folder that cannot be used: missing, damaged, inconsistent or out of range."""

    def __init__(self, message: str) -> None:
        super().__init__("bad_checkpoint", message)


class InputError(VlmError):
    """Messages that cannot be answered: wrong roles, empty text, media without a matching part."""

    def __init__(self, message: str, code: str = "bad_input") -> None:
        super().__init__(code, message)


class ContextLengthError(InputError):
    """The prompt does not fit: both numbers are in the message and in the attributes."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(
            f"the prompt is {tokens} tokens long with its images and sounds, but the context holds {limit}; "
            "send less text or fewer media",
            "context_length_exceeded",
        )
        self.tokens, self.limit = tokens, limit


class QueueFullError(VlmError):
    """The engine has as many requests waiting as it accepts; the same one may be accepted later."""

    def __init__(self, waiting: int) -> None:
        super().__init__("queue_full", f"{waiting} requests are waiting, and no more are accepted; try again later")
        self.waiting = waiting


class EngineDeadError(VlmError):
    """The engine has ended, by `close` or by an error of its own: what it had not finished has no answer."""

    def __init__(self, reason: str) -> None:
        super().__init__("engine_dead", f"the engine {reason}")


class RequestFailedError(VlmError):
    """One request met a fault of this program; the others go on. The log has the exception."""

    def __init__(self) -> None:
        super().__init__("request_failed", "this request met an internal fault; the log has the details")


class BackendError(VlmError):
    """The server behind --backend-url cannot be used: what is asked next would fail as well.

    backend_unreachable (no connection, no valid certificate), backend_key (the key is missing or wrong),
    backend_not_found (no such model, or nothing of this interface at this address), backend_busy (it went on
    refusing), backend_failing (it failed again and again), backend_closed (by this program).
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"backend_{code}", message)


class BackendRequestError(VlmError):
    """The server behind --backend-url did not answer one request; others may do better.

    backend_refused (what is asked is not to its liking), backend_too_large, backend_timeout, backend_failed (a fault
    of its own), backend_bad_answer (what came is no answer, or broke off), backend_withheld (by a policy).
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"backend_{code}", message)


def printable(text: str) -> str:
    """Control characters and lone surrogates of foreign text escaped: one line, and nothing that steers a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def one_line(text: str, limit: int = 400) -> str:
    """Foreign text, printable, of at most about `limit` characters."""
    return printable(text if len(text) <= limit else text[: limit - 3] + "...")

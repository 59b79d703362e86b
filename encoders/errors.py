"""The base of all typed errors of the project, and the one for images and sounds."""

from __future__ import annotations


class VlmError(ValueError):
    """An expected failure. `code` is stable and machine-readable, `str()` is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class MediaError(VlmError):
    """An image or a sound that cannot be used; the message names it."""

    def __init__(self, code: str, name: str, reason: str) -> None:
        super().__init__(code, f"{name}: {reason}")
        self.name, self.reason = name, reason

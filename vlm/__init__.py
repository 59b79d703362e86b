"""A small image + audio + Llama system. `vlm.load()` gives an `Assistant`; nothing heavy is imported before that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from encoders.media import load_image

    from .assistant import Assistant, load
    from .backend import Backend
    from .errors import CheckpointError, ContextLengthError, InputError, MediaError, VlmError
    from .generation import Reply
    from .remote import connect

_WHERE = {
    "Assistant": "assistant", "Backend": "backend", "Reply": "generation", "connect": "remote", "load": "assistant",
    "load_image": "media", "CheckpointError": "errors", "ContextLengthError": "errors", "InputError": "errors",
    "MediaError": "errors", "VlmError": "errors",
}  # fmt: skip
__all__ = [
    "Assistant", "Backend", "CheckpointError", "ContextLengthError", "InputError", "MediaError", "Reply", "VlmError",
    "connect", "load", "load_image",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Loads the public names on first use, so that `import vlm` costs nothing."""
    if name not in _WHERE:
        raise AttributeError(f"module 'vlm' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_WHERE[name]}", __name__), name)

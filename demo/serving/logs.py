"""Logs as JSON lines: what was asked of whom and how long it took, never what was said."""

from __future__ import annotations

import json
import logging
import time
import traceback
from contextvars import ContextVar
from typing import Any

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
logger = logging.getLogger("vlm.serve")
audit = logging.getLogger("vlm.audit")


def event(name: str, level: int = logging.INFO, *, to: logging.Logger = logger, **fields: Any) -> None:
    """One line. `fields` hold numbers, codes and names of ours; content never."""
    to.log(level, name, extra={"fields": fields})


class JsonLines(logging.Formatter):
    """Of an exception the types and places, not its words: they may quote a prompt. With `full` all of it."""

    def __init__(self, full: bool = False) -> None:
        super().__init__()
        self.full = full

    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line: dict[str, Any] = {
            "time": f"{at}.{int(record.msecs):03d}Z", "level": record.levelname.lower(), "logger": record.name,
            "event": record.getMessage(),
        }  # fmt: skip
        if request_id := REQUEST_ID.get():
            line["request_id"] = request_id
        line |= getattr(record, "fields", {})
        if record.exc_info and record.exc_info[1]:
            line["exception"] = self._exception(record.exc_info[1])
        return json.dumps(line, ensure_ascii=True, default=str)  # ASCII: no control character reaches a terminal

    def _exception(self, error: BaseException) -> Any:
        if self.full:
            return "".join(traceback.format_exception(error))
        frames = traceback.extract_tb(error.__traceback__)
        return {"type": type(error).__name__, "at": [f"{f.filename}:{f.lineno} {f.name}" for f in frames[-6:]]}


def configure(level: str) -> None:
    """For the process, which is ours: a library would leave this to others."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(full=level == "debug"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in ("vlm", "uvicorn"):
        logging.getLogger(name).setLevel(level.upper())
    audit.setLevel(logging.INFO)  # whatever the level

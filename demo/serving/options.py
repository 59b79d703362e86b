"""What `vlm serve` can be told, and the limits that hold whatever it is told."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass, field
from pathlib import Path

from vlm.errors import InputError

LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True)
class Limits:
    """Bytes, counts and seconds; each acts before what it limits is made. Those of fields are in `schemas`.

    body_bytes, upload_bytes, page_bytes: one request's body: JSON; a recording; an upload to the page.
    held_bytes: bodies of all requests together.
    body_seconds, body_rate: a body may take so long, and a second more for each `body_rate` bytes that came.
    head_seconds, head_bytes: for a request's line and headers.
    write_seconds: a client that reads nothing for so long is cut off.
    queue: answers that may wait beside those the engine has slots for, a request counting `n`; more are a 429.
    request_seconds: from the complete body to the end of the answer.
    heartbeat_seconds: an engine silent for longer is not ready.
    """

    body_bytes: int = 20_000_000
    upload_bytes: int = 26_000_000
    page_bytes: int = 64_000_000
    held_bytes: int = 256_000_000
    body_seconds: float = 10
    body_rate: int = 262_144
    head_seconds: float = 10
    head_bytes: int = 16_384
    idle_seconds: int = 10
    write_seconds: float = 30
    connections: int = 512
    json_depth: int = 32
    json_values: int = 50_000
    schema_bytes: int = 65_536
    queue: int = 64
    request_seconds: float = 120
    drain_seconds: float = 30
    heartbeat_seconds: float = 5


@dataclass(frozen=True)
class Settings:
    """How to serve.

    api_key: asked on every route but health; "" asks nobody, which only a loopback address may do.
    hosts, origins: names accepted beside those that follow from `host`; origins as in https://example.com.
    url_hosts: where pictures may be fetched from, `name` or `name:port`; nowhere by default.
    config: a TOML file of served models and policies (`demo.serving.models`).
    page: the Gradio page under /demo.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    api_key: str = field(default="", repr=False)
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    url_hosts: tuple[str, ...] = ()
    config: Path | None = None
    page: bool = False
    log_level: str = "info"
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        """Raises `InputError` (bad_option) for what would not be served as meant."""
        if not self.loopback and not self.api_key:
            refuse(f"--host {self.host} can be reached from other machines: give an --api-key (or VLM_API_KEY)")
        if self.api_key and not (self.api_key.isascii() and self.api_key.isprintable() and " " not in self.api_key):
            refuse("--api-key must be printable ASCII without spaces")
        if self.log_level not in LOG_LEVELS:
            refuse(f"--log-level must be one of {', '.join(LOG_LEVELS)}")
        for origin in self.origins:
            if not origin.startswith(("http://", "https://")) or origin.count("/") != 2:
                refuse(f"--allow-origin must be as in https://example.com, got {origin!r}")
        for name, value in vars(self.limits).items():
            if not (math.isfinite(value) and value > 0) and (name, value) not in (("drain_seconds", 0), ("queue", 0)):
                refuse(f"{name} must be above 0")

    @property
    def loopback(self) -> bool:
        return self.host == "localhost" or (is_address(self.host) and ipaddress.ip_address(self.host).is_loopback)


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def refuse(reason: str) -> None:
    raise InputError(reason, "bad_option")

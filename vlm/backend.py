"""Which server answers instead of a model in this process: where it is, as whom to ask, which model."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .errors import InputError


@dataclass(frozen=True)
class Backend:
    """A server of OpenAI's interface: `vlm serve`, vLLM, llama.cpp's.

    url: as in http://gpu-box:8000; /v1 is added where there is no path.
    model: by the name that the server gives it; empty for the first that it lists.
    key: sent as a bearer token, if there is one.

    Raises `InputError` for what cannot be meant.
    """

    url: str
    model: str = ""
    key: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
        except ValueError:
            usable = False
        if not usable or not re.fullmatch(r"[!-~]+", self.url):
            raise InputError(
                "--backend-url must be as in http://127.0.0.1:8000 or https://example.com/v1", "bad_option"
            )
        if parts.username is not None or parts.password is not None:  # it would stand in the list of processes
            raise InputError("--backend-url must hold no password: give a key with VLM_BACKEND_KEY", "bad_option")
        if parts.query or parts.fragment:
            raise InputError("--backend-url must end with its path", "bad_option")
        if not re.fullmatch(r"[!-~]*", self.key):
            raise InputError("the backend's key must be printable ASCII without spaces", "bad_option")
        path = parts.path.rstrip("/") or "/v1"
        object.__setattr__(self, "url", f"{parts.scheme}://{parts.netloc}{path}")

    def __str__(self) -> str:
        return f"{self.model or 'the first model'} at {self.url}"

    @property
    def exposed(self) -> bool:
        """Whether the key would cross a network in clear."""
        return bool(self.key) and self.url.startswith("http:") and not self._loopback

    @property
    def _loopback(self) -> bool:
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

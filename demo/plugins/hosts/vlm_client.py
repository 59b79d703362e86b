"""How an add-on asks `vlm serve`: one skill at a time, with Python's standard library only.

Inkscape, LibreOffice and Blender bring a Python of their own, without this project's packages: a copy of this file
lies beside each add-on. It runs on Python 3.8 and newer. Nothing goes anywhere but to the server of the settings:
no redirect is followed, no proxy used.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import ssl
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, Callable, Dict, Tuple, TypeVar
from urllib.parse import urlsplit

URL = "http://127.0.0.1:8000"
SECONDS = 120.0
REQUEST_BYTES = 20_000_000
"""What `vlm serve` takes; looked at before anything is sent."""
ANSWER_BYTES = 8_000_000
WORDS = 2_000
"""Characters of an answer that go into a document."""

Json = Dict[str, Any]
Box = Tuple[float, float, float, float]
T = TypeVar("T")


class Problem(Exception):
    """What went wrong, in words for whoever sits at the program."""


class Refused(Problem):
    """The server does not take this picture; others may do better."""


class Stopped(Problem):
    """The person, or the program, has ended the request."""

    def __init__(self) -> None:
        super().__init__("Stopped. Nothing was changed.")


@dataclass(frozen=True)
class Settings:
    """Which server is asked. `seconds`: how long one answer may take, from the first try to its last byte."""

    url: str = URL
    key: str = field(default="", repr=False)
    seconds: float = SECONDS

    def __post_init__(self) -> None:
        """Raises Problem for an address that is none, and a key that no header can hold."""
        try:
            parts = urlsplit(self.url)
            fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            fine = False
        if not fine or "@" in parts.netloc or parts.query or parts.fragment or not _plain_ascii(self.url):
            raise Problem(f"{self.url!r} is no address of a server: it should be as in {URL}.")
        if not _plain_ascii(self.key):
            raise Problem("The key must be printable ASCII without spaces.")
        if not (isinstance(self.seconds, (int, float)) and 0 < self.seconds <= 3600):
            raise Problem("The seconds for an answer must be above 0 and at most 3600.")

    @property
    def local(self) -> bool:
        """Whether the server is this computer by its address alone."""
        host = str(urlsplit(self.url).hostname)
        return host in ("localhost", "::1") or bool(re.fullmatch(r"127(\.\d{1,3}){3}", host))

    @property
    def exposed(self) -> bool:
        """Whether a key would cross a network in clear."""
        return bool(self.key) and self.url.startswith("http:") and not self.local


def _plain_ascii(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def settings_path(config: Path | None = None) -> Path:
    """Where the settings of all add-ons lie, below the user's folder of configurations (by default as the
    running program sees it: inside a Flatpak or Snap it has another one).
    """
    if config is None:
        if sys.platform == "win32":
            config = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
        elif sys.platform == "darwin":
            config = Path.home() / "Library" / "Application Support"
        else:
            config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return config / "vlm-studio" / "plugins.json"


def read_settings(path: Path | None = None) -> Settings:
    """Those of the file, or the defaults where there is none. Raises Problem for a file that cannot be used."""
    path = path or settings_path()
    try:
        given = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, RecursionError):
        raise Problem(f"The settings in {path} cannot be read. {HOW_TO_SET}") from None
    known = {"url": (str,), "key": (str,), "seconds": (int, float)}
    if not isinstance(given, dict) or not all(isinstance(v, known.get(name, ())) for name, v in given.items()):
        raise Problem(f"The settings in {path} are not as expected. {HOW_TO_SET}")
    return Settings(**given)


HOW_TO_SET = "Set them with: vlm plugins install NAME --url URL --key-file FILE."


# --- answers -------------------------------------------------------------------------------------


def picture(image: bytes) -> str:
    """A PNG as the skills take it."""
    return "data:image/png;base64," + base64.b64encode(image).decode("ascii")


def plain(text: Any, limit: int = WORDS) -> str:
    """Foreign text on one line that any document can hold: no control characters, no half surrogates."""
    told = "".join(c if c.isprintable() else " " for c in str(text))
    told = " ".join(told.split())
    return told if len(told) <= limit else told[: limit - 1].rstrip() + "…"


def words(output: Json) -> str:
    """The text of `alt_text` and `ask`. Raises Problem where there is none."""
    text = output.get("text")
    if not isinstance(text, str) or not plain(text):
        raise Problem("The model had nothing to say about this picture.")
    return plain(text)


def rows(output: Json, name: str) -> list[Json]:
    """A list of findings. Raises Problem for anything else."""
    found = output.get(name)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise Problem(_FOREIGN)
    return found


def box_of(row: Json) -> Box | None:
    """(x, y, width, height) in pixels of the picture that was sent, where the finding has a place."""
    box = row.get("box")
    if not isinstance(box, dict):
        return None
    sides = [box.get(side) for side in ("x", "y", "width", "height")]
    if not all(isinstance(side, (int, float)) and abs(side) < 1e6 for side in sides):
        return None
    x, y, width, height = (float(side) for side in sides)  # type: ignore[arg-type]
    return x, y, width, height


# --- the server ----------------------------------------------------------------------------------

_FOREIGN = "What answered is no vlm server of this kind: check the address."
_MESSAGES = {
    401: "The server does not accept the key. " + HOW_TO_SET,
    403: "The server does not answer to this name: see --allow-host of vlm serve.",
    404: "This server has no such skill: is its vlm older than this add-on?",
    405: _FOREIGN,
    408: "The picture went to the server too slowly.",
    413: "The picture is too large for the server.",
    429: "The server is busy. Try again later.",
    503: "The server is starting or shutting down. Try again later.",
    504: "The server needed too long for the answer. Try again later, or choose less.",
}


class Server:
    """One of the settings. `run` may be called from any thread, one call at a time; `stop` ends it from another."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._stopped = threading.Event()
        self._line: socket.socket | None = None

    def run(self, skill: str, **given: Any) -> Json:
        """The output of a skill.

        Raises:
            Refused: the server takes no such input.
            Stopped: `stop` was called.
            Problem: anything else; the message is for the person.
        """
        body = json.dumps(given).encode("ascii")
        if len(body) > REQUEST_BYTES:
            raise Refused(f"The picture is too large: {len(body) / 1e6:.0f} MB, the server takes "
                          f"{REQUEST_BYTES / 1e6:.0f} MB.")  # fmt: skip
        until = time.monotonic() + self.settings.seconds
        while True:
            status, headers, answer = self._post(f"/v1/skills/{skill}", body, until)
            wait = _seconds(headers.get("retry-after"))
            if status != 429 or time.monotonic() + wait >= until:
                return _output(status, answer)
            self._stopped.wait(wait)

    def stop(self) -> None:
        """Ends what is under way, and all that would follow; from any thread."""
        self._stopped.set()
        _hang_up(self._line)

    def _post(self, path: str, body: bytes, until: float) -> tuple[int, dict[str, str], bytes]:
        """A timer hangs up at the end of the time, since a socket's own limit starts again with every byte."""
        if self._stopped.is_set():
            raise Stopped
        late, left = threading.Event(), max(until - time.monotonic(), 0.1)
        parts = urlsplit(self.settings.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(str(parts.hostname), parts.port, timeout=left)

        def cut_off() -> None:
            late.set()
            _hang_up(self._line)

        timer = threading.Timer(left, cut_off)
        timer.daemon = True
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.settings.key:
            headers["Authorization"] = "Bearer " + self.settings.key
        try:
            timer.start()
            connection.connect()
            self._line = connection.sock  # the connection itself forgets it when the answer begins
            if self._stopped.is_set():  # before there was anything to hang up
                raise Stopped
            connection.request("POST", _base(parts.path) + path, body, headers)
            response = connection.getresponse()
            answer = response.read(ANSWER_BYTES + 1)
            if late.is_set():
                raise TimeoutError
            whole = len(answer) <= ANSWER_BYTES and (response.length or 0) == 0
            status, told = response.status, {name.lower(): value for name, value in response.getheaders()}
            response.close()
        except Exception as error:
            if self._stopped.is_set():
                raise Stopped from None
            raise Problem(self._words(error, late.is_set())) from None
        finally:
            timer.cancel()
            connection.close()
            self._line = None
        if self._stopped.is_set():
            raise Stopped
        if not whole:
            raise Problem("The server's answer broke off, or is too long.")
        return status, told, answer

    def _words(self, error: Exception, late: bool) -> str:
        url = self.settings.url
        if late or isinstance(error, (socket.timeout, TimeoutError)):
            return f"The server at {url} did not answer within {self.settings.seconds:g} seconds."
        if isinstance(error, ssl.SSLCertVerificationError):
            return f"The certificate of {url} is not one that this computer trusts."
        if isinstance(error, (ConnectionRefusedError, socket.gaierror)) or (
            isinstance(error, OSError) and not isinstance(error, ConnectionError)
        ):
            return f"There is no server at {url}. Is it running? On this computer: vlm serve"
        if isinstance(error, (HTTPException, ConnectionError)):
            return f"The server at {url} broke off before it had answered."
        return f"The server at {url} could not be asked ({type(error).__name__})."


def _base(path: str) -> str:
    """An address may end in /v1, as those of OpenAI's clients do."""
    path = path.rstrip("/")
    return path[: -len("/v1")] if path.endswith("/v1") else path


def _hang_up(line: socket.socket | None) -> None:
    """Wakes whoever waits for this connection; closing it would not."""
    if line is not None:
        with suppress(OSError):  # no longer open
            line.shutdown(socket.SHUT_RDWR)


def _seconds(header: str | None) -> float:
    return min(float(header), 10.0) if header and header.isdigit() else 1.0


def _output(status: int, answer: bytes) -> Json:
    try:
        told = json.loads(answer.decode("utf-8"))
    except (ValueError, RecursionError):
        told = None
    error = told.get("error") if isinstance(told, dict) else None
    if status == 200 and isinstance(told, dict) and isinstance(told.get("output"), dict):
        return told["output"]
    if status == 400 and isinstance(error, dict):
        raise Refused(f"The server does not take this: {plain(error.get('message', ''), 300)}")
    if status == 413:
        raise Refused(_MESSAGES[413])
    if status in (200, 404) and not isinstance(error, dict):
        raise Problem(_FOREIGN)
    if status in _MESSAGES:
        raise Problem(_MESSAGES[status])
    raise Problem(f"The server failed (status {status}). Its log says more." if status >= 500 else _FOREIGN)


# --- in a program --------------------------------------------------------------------------------


def in_background(work: Callable[[], T], done: Callable[[T], None], failed: Callable[[str], None]) -> threading.Thread:
    """Runs `work` in a thread of its own, then one of the others there: a fault becomes a message, never silence."""

    def run() -> None:
        try:
            result = work()
        except Problem as problem:
            failed(str(problem))
        except Exception as error:
            failed(f"The add-on met a fault of its own ({type(error).__name__}).")
        else:
            done(result)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread

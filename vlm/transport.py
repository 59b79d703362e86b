"""Talking HTTP to the server behind --backend-url: the only code of this package that uses the network.

Asked again, after a pause, is what the server had no time for (429, 503) and what never reached it; never
once an answer has begun. All waiting has an end, and so has what is read. No proxies of the environment, no
redirects, no compression: what is asked goes to the address that was given and nowhere else.
"""

from __future__ import annotations

import asyncio
import email.utils
import json
import logging
import random
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from .backend import Backend
from .errors import BackendError, BackendRequestError, VlmError
from .wire import Events, bad, parsed, told_by

logger = logging.getLogger(__name__)

MAX_REPLY_BYTES = 64 << 20
MAX_ERROR_BYTES = 1 << 16
_TOO_LARGE = ("context_length_exceeded", "prompt_too_long", "image_too_large", "audio_too_long", "body_too_large")
"""Codes of a 400 that is about the size of this one request."""


@dataclass(frozen=True)
class Patience:
    """Seconds. connect: for a connection; silence: between two signs of the server; whole: for an answer.

    retry: how long what was not accepted is tried again, `bulk_retry` where many pictures wait for a server that
    restarts; `first_pause` is doubled from try to try, up to 10.
    """

    connect: float = 10
    silence: float = 300
    whole: float = 3600
    retry: float = 15
    bulk_retry: float = 120
    first_pause: float = 0.5


DEFAULTS = Patience()


class Transport:
    """The requests that are made of one server. Belongs to the event loop that it is used in."""

    def __init__(self, backend: Backend, patience: Patience) -> None:
        self.backend, self.patience = backend, patience
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {backend.key}"} if backend.key else {})
        self._client = httpx.AsyncClient(
            headers=headers, trust_env=False, follow_redirects=False,
            verify=ssl.create_default_context(),  # the system's authorities: a studio may have its own
            timeout=httpx.Timeout(patience.silence, connect=patience.connect, pool=None),
            limits=httpx.Limits(max_connections=None, keepalive_expiry=2),  # servers hang up after some seconds
        )  # fmt: skip

    async def close(self) -> None:
        await self._client.aclose()

    async def whole(self, method: str, path: str, body: bytes | None = None, retry: float | None = None) -> Any:
        """A JSON object. `retry`: instead of the patience's.

        Raises:
            BackendError, BackendRequestError
        """
        async with self._answered(method, path, body, retry) as response:
            found = bytearray()
            async for data in response.aiter_raw():
                found += data
                if len(found) > MAX_REPLY_BYTES:
                    bad(f"more than {MAX_REPLY_BYTES >> 20} MB")
            return parsed(bytes(found))

    async def events(self, path: str, body: bytes, say: Callable[[dict[str, Any]], None]) -> None:
        """Calls `say` with each event of a stream, until its end.

        Raises:
            BackendError, BackendRequestError
        """
        async with self._answered("POST", path, body, None) as response:
            if not response.headers.get("content-type", "").startswith("text/event-stream"):
                bad("no stream of events")
            events, size = Events(), 0
            async for data in response.aiter_raw():
                if (size := size + len(data)) > MAX_REPLY_BYTES:
                    bad(f"more than {MAX_REPLY_BYTES >> 20} MB")
                for event in events.push(data):
                    if event == b"[DONE]":
                        return
                    say(parsed(event))

    @asynccontextmanager
    async def _answered(
        self, method: str, path: str, body: bytes | None, retry: float | None
    ) -> AsyncIterator[httpx.Response]:
        """A response whose status is 200; its body is yet to come."""
        response = None
        try:
            async with asyncio.timeout(self.patience.whole):
                response = await self._accepted(method, path, body, self.patience.retry if retry is None else retry)
                if response.headers.get("content-encoding", "identity").lower() != "identity":
                    bad("a compressed body")
                yield response
        except (TimeoutError, httpx.TimeoutException):
            raise BackendRequestError("timeout", f"{self.backend.url}: the answer took too long") from None
        except httpx.TransportError:
            raise BackendRequestError("bad_answer", f"{self.backend.url}: the answer broke off") from None
        finally:
            if response is not None:
                await response.aclose()

    async def _accepted(self, method: str, path: str, body: bytes | None, retry: float) -> httpx.Response:
        """Tries until the server accepts the request, refuses it for good, or `retry` seconds are over."""
        until, pause = time.monotonic() + retry, self.patience.first_pause
        while True:
            try:
                return await self._try(method, path, body)
            except _NotNow as not_now:
                error, seconds = not_now.error, not_now.seconds
            wait = max(seconds, pause * random.uniform(0.5, 1))  # so that many clients do not come back together
            if time.monotonic() + wait > until:
                raise error
            logger.info("%s; again in %.1f s", error.code, wait)
            await asyncio.sleep(wait)
            pause = min(2 * pause, 10)

    async def _try(self, method: str, path: str, body: bytes | None) -> httpx.Response:
        headers = {"Content-Type": "application/json"} if body else None
        try:
            request = self._client.build_request(method, self.backend.url + path, content=body, headers=headers)
            response = await self._client.send(request, stream=True)
        except (httpx.ReadTimeout, httpx.WriteTimeout):
            raise
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise _unreachable(self.backend.url, error) from None
        if response.status_code == 200:
            return response
        try:
            raise self._refusal(response, await _beginning(response))
        finally:
            await response.aclose()

    def _refusal(self, response: httpx.Response, body: Any) -> VlmError | _NotNow:
        """What a status other than 200 means."""
        status, url, words = response.status_code, self.backend.url, told_by(body)
        error = body.get("error") if isinstance(body, dict) else None
        code = error.get("code") if isinstance(error, dict) else None
        match status:
            case 401 | 403:
                hint = "the key is wrong" if self.backend.key else "a key is needed"
                return BackendError("key", f"{url}: {hint} (VLM_BACKEND_KEY, --backend-key-file){words}")
            case 404 | 405:
                what = f"model {self.backend.model!r} (--backend-model)" if self.backend.model else "such interface"
                return BackendError("not_found", f"{url}: there is no {what} at this address{words}")
            case 429 | 503:
                busy = BackendError("busy", f"{url}: the server has no time ({status}){words}")
                return _NotNow(busy, _later(response))
            case _ if 300 <= status < 400:
                return BackendError("not_found", f"{url}: it points elsewhere ({status}); give that address itself")
            case _ if status == 413 or (status == 400 and code in _TOO_LARGE):
                return BackendRequestError("too_large", f"too large for the server; send less at a time{words}")
            case 408 | 504:
                return BackendRequestError("timeout", f"{url}: the answer took too long{words}")
            case _ if status >= 500:
                return BackendRequestError("failed", f"{url}: the server failed ({status}){words}")
        return BackendRequestError("refused", f"the server refuses the request ({status}){words}")


class _NotNow(Exception):
    """Inside this module: it may be otherwise after some `seconds` in which the server wants to be left alone."""

    def __init__(self, error: BackendError, seconds: float = 0.0) -> None:
        self.error, self.seconds = error, seconds


async def _beginning(response: httpx.Response) -> Any:
    """The JSON of an error's body, or None."""
    found = bytearray()
    try:
        async for data in response.aiter_raw():
            found += data
            if len(found) > MAX_ERROR_BYTES:
                return None
        return json.loads(bytes(found))
    except (httpx.TransportError, ValueError, RecursionError):
        return None


def _later(response: httpx.Response) -> float:
    """Seconds, from Retry-After: a number, or a date."""
    told = response.headers.get("retry-after", "")
    if told.isdecimal():
        return float(told[:9])
    try:
        return max(email.utils.parsedate_to_datetime(told).timestamp() - time.time(), 0.0)
    except (ValueError, OverflowError):
        return 0.0


def _unreachable(url: str, error: Exception) -> BackendError | _NotNow:
    """In words of ours; another certificate or address will not be there in a moment."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = "its certificate is not signed by an authority that this system trusts"
            return BackendError("unreachable", f"{url}: {reason}")
        cause = cause.__cause__ or cause.__context__
    reason = "no connection in time" if isinstance(error, httpx.TimeoutException) else "no connection"
    found = BackendError("unreachable", f"{url}: {reason}; is the server running, and the address right?")
    return found if isinstance(error, httpx.InvalidURL) else _NotNow(found)

"""Limits act before data is made: bodies while they stream in (S1, S2, S3), JSON before it is parsed (S6, T5)."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the server needs fastapi: pip install '.[serve]'")

from demo.serving.errors import ApiError
from demo.serving.limits import parse_json
from demo.serving.options import Limits

from .serving import MODEL, Served, error, served

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def server() -> Served:
    return served(limits=Limits(body_bytes=10_000, upload_bytes=12_000))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[" * 100_000, "nested"),
        (b'{"a":' * 40_000, "nested"),
        (b"[" * 33 + b"]" * 33, "nested"),
        (b"[" + b"0," * 100_000 + b"0]", "values"),
        (b"{" + b",".join(b'"%d":0' % n for n in range(100_000)) + b"}", "values"),
        (b'{"a":1,"a":2}', "twice"),
        (b'{"x":{"a":1,"\\u0061":2}}', "twice"),
        (b"[NaN]", "finite"), (b"[Infinity]", "finite"), (b"[-Infinity]", "finite"), (b"[1e999]", "finite"),
        (b"1" * 5000, "valid"),
        (b"", "valid"), (b"{", "valid"), (b"{} {}", "valid"), (b"\xff\xfe{}", "valid"), (b'"\xed\xa0\x80"', "valid"),
        (b"\xef\xbb\xbf{}", "valid"), ("{}".encode("utf-16"), "valid"), (b"{'a':1}", "valid"), (b"[1,]", "valid"),
        (b'"unfinished', "valid"), (b'"\\"' * 1000, "valid"), (b'"' + b"\\" * 9999, "valid"),
    ],
)  # fmt: skip
def test_odd_json(body: bytes, reason: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_json(body, Limits())
    assert caught.value.status_code == 400 and caught.value.code == "invalid_json"
    assert reason in caught.value.message


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, -2.5, "x", None, True]},
        [[[]]],
        "brackets in text [[[[{{{{" * 100,
        '"quoted\\"',
        10**300,
        "\0\u202e",
        {},
    ],
)
def test_what_json_is(value: Any) -> None:
    assert parse_json(json.dumps(value).encode(), Limits()) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode(), Limits()) == value


def test_time_grows_with_the_size_only() -> None:
    """Strings that do not end, of escaped quotes: each place where one may begin must not be followed to the end."""
    for body in (b'"' + b'\\"' * 1_000_000, b'{"a": ' * 20_000 + b'"' + b'\\"' * 1_000_000 + b"\\"):
        with pytest.raises(ApiError):
            parse_json(body, Limits())


def test_the_depth_that_is_accepted() -> None:
    assert parse_json(b"[" * 32 + b"]" * 32, Limits())
    assert parse_json(b'["' + b"[" * 999 + b'"]', Limits()) == ["[" * 999]


def test_a_large_string_is_not_held_many_times() -> None:
    body = b'{"data":"' + b"A" * 4_000_000 + b'"}'
    tracemalloc.start()
    try:
        parse_json(body, Limits())
        assert tracemalloc.get_traced_memory()[1] < 3 * len(body)
    finally:
        tracemalloc.stop()


def test_a_body_over_the_limit(server: Served) -> None:
    for body in (b"{" + b" " * 10_000, pieces(b" " * 1000, 11), pieces(b" " * 10_001, 1)):
        response = server.raw(body)  # the pieces come chunked, without a length
        assert response.status_code == 413 and error(response)["code"] == "body_too_large"
        assert response.headers["connection"] == "close"
    declared = server.client.post(
        CHAT, content=b"{}", headers={"content-type": "text/plain", "content-length": "10001"}
    )
    assert declared.status_code == 413
    assert server.raw(b" " * 9_998 + b"{}").status_code == 400


def test_no_more_is_read_than_the_limit() -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1000
            yield b" " * 1000

    from demo.serving.limits import Intake

    async def receive() -> Any:
        return {"type": "http.request", "body": next(source), "more_body": True}

    import asyncio

    source = endless()
    intake = Intake(None, Limits(body_bytes=50_000))  # type: ignore[arg-type]
    with pytest.raises(ApiError) as caught:
        asyncio.run(intake({"type": "http", "path": CHAT, "headers": []}, receive, None))  # type: ignore[arg-type]
    assert caught.value.status_code == 413 and read == 51_000
    assert intake.held == 0


def test_all_bodies_together() -> None:
    server = served(limits=Limits(held_bytes=500))
    assert server.raw(b"{}" + b" " * 490).status_code == 400
    response = server.raw(b"{}" + b" " * 499)
    assert response.status_code == 429 and error(response)["code"] == "queue_full"
    assert response.headers["retry-after"] == "1"
    assert server.raw(b"{}" + b" " * 490).status_code == 400  # nothing is held any more


def test_uploads_have_a_limit_of_their_own(server: Served) -> None:
    for size, status in ((11_000, 400), (13_000, 413)):
        response = server.client.post(
            "/v1/audio/transcriptions", files={"file": bytes(size)}, data={"model": MODEL}
        )  # fmt: skip
        assert response.status_code == status, response.text


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "unsupported_content_type"),
        ({"content-type": "text/plain"}, "unsupported_content_type"),
        ({"content-type": "application/xml"}, "unsupported_content_type"),
        ({"content-type": "multipart/form-data; boundary=x"}, "unsupported_content_type"),
        ({"content-type": "application/x-www-form-urlencoded"}, "unsupported_content_type"),
        ({"content-type": "application/jsonx"}, "unsupported_content_type"),
        ({"content-type": "application/json", "content-encoding": "gzip"}, "unsupported_encoding"),
        ({"content-type": "application/json", "content-encoding": "br"}, "unsupported_encoding"),
    ],
)
def test_content_types(server: Served, headers: dict[str, str], code: str) -> None:
    body = gzip.compress(bytes(5_000_000)) if "content-encoding" in headers else b"{}"
    response = server.client.post(CHAT, content=body, headers=headers)
    assert response.status_code == 415 and error(response)["code"] == code


def test_a_transcription_is_a_form(server: Served) -> None:
    response = server.client.post("/v1/audio/transcriptions", json={"model": MODEL})
    assert response.status_code == 415 and error(response)["code"] == "unsupported_content_type"


def test_json_with_a_charset_is_json(server: Served) -> None:
    assert server.raw(b"{}", "application/json; charset=utf-8").status_code == 400
    assert error(server.raw(b"{}"))["code"] == "invalid_value"


def pieces(piece: bytes, count: int) -> Any:
    return iter([piece] * count)

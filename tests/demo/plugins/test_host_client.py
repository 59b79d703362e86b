"""The add-ons' client against servers that misbehave: every failure is a sentence for a person, and takes no longer
than it may."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.plugins.hosts import vlm_client
from demo.plugins.hosts.vlm_client import (
    Problem,
    Refused,
    Server,
    Settings,
    Stopped,
    box_of,
    in_background,
    picture,
    plain,
    read_settings,
    rows,
    settings_path,
    words,
)  # fmt: skip

from ...vlm.fake_server import Act, begin, hang_up, status
from ..ports import free_port
from .skills import error, skill_server, skills

PNG = b"\x89PNG\r\n\x1a\nand so on"
IMAGE = picture(PNG)


def ask(*acts: Act, seconds: float = 30, key: str = "") -> Any:
    with skill_server(*acts) as one:
        return Server(Settings(one.url, key, seconds)).run("alt_text", image=IMAGE)


def problem(*acts: Act, seconds: float = 30) -> str:
    with pytest.raises(Problem) as raised:
        ask(*acts, seconds=seconds)
    return str(raised.value)


def drip(handler: Any) -> None:
    """A byte now and then, without end: no single wait is long."""
    begin(handler)
    while True:
        handler.wfile.write(b" ")
        time.sleep(0.05)


def drip_head(handler: Any) -> None:
    handler.close_connection = True
    while True:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 9 + b"\r\n"[:0])
        time.sleep(0.05)


def silent(handler: Any) -> None:
    time.sleep(60)


def half(handler: Any) -> None:
    handler.close_connection = True
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"output": {')


def endless(handler: Any) -> None:
    begin(handler)
    while True:
        handler.wfile.write(b" " * 65536)


# --- what is sent --------------------------------------------------------------------------------


def test_what_goes_over_the_line() -> None:
    with skill_server() as one:
        server = Server(Settings(one.url, "s3cret"))
        assert words(server.run("alt_text", image=IMAGE)) == "A red roof."
        server.run("ask", question="What?", images=[IMAGE])
    assert one.seen == [
        {"image": IMAGE, "skill": "alt_text"},
        {"question": "What?", "images": [IMAGE], "skill": "ask"},
    ]
    assert one.keys == ["Bearer s3cret"] * 2


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
def test_an_address_may_end_as_other_clients_have_it(end: str) -> None:
    with skill_server() as one:
        assert Server(Settings(one.url + end)).run("alt_text", image=IMAGE)["text"] == "A red roof."


def test_no_redirect_is_followed_with_the_key() -> None:
    with skill_server() as other, skill_server(status(307, {}, Location=other.url + "/v1/skills/alt_text")) as one:
        with pytest.raises(Problem, match="no vlm server"):
            Server(Settings(one.url, "s3cret")).run("alt_text", image=IMAGE)
        assert other.seen == []


def test_no_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with skill_server() as proxy, skill_server() as one:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        Server(Settings(one.url)).run("alt_text", image=IMAGE)
        assert (len(one.seen), len(proxy.seen)) == (1, 0)


def test_what_is_too_large_is_not_sent() -> None:
    with skill_server() as one:
        with pytest.raises(Refused, match="too large: 21 MB, the server takes 20 MB"):
            Server(Settings(one.url)).run("alt_text", image=picture(b"x" * 16_000_000))
        assert one.seen == []


# --- failures ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (status(401, error("no")), "does not accept the key. Set them with: vlm plugins install"),
        (status(403, error("no")), "--allow-host"),
        (status(404, error("no")), "no such skill"),
        (status(404, b"<html>"), "no vlm server"),
        (status(413, error("no")), "too large for the server"),
        (status(429, error("no"), Retry_After="60"), "busy"),
        (status(500, error("no")), "The server failed (status 500)"),
        (status(502, b"<html>bad gateway"), "The server failed (status 502)"),
        (status(503, error("no")), "starting or shutting down"),
        (status(504, error("no")), "too long"),
        (status(200, b"<html>hello"), "no vlm server"),
        (status(200, b"\xff\xfe"), "no vlm server"),
        (status(200, b"[" * 100_000), "no vlm server"),
        (status(200, {"output": "text"}), "no vlm server"),
        (status(200, {"output": None}), "no vlm server"),
        (status(200, {}), "no vlm server"),
        (status(301, b""), "no vlm server"),
        (status(405, b""), "no vlm server"),
        (hang_up, "broke off"),
        (half, "broke off"),
        (endless, "broke off, or is too long"),
    ],
)
def test_failures_are_sentences(act: Act, told: str) -> None:
    message = problem(act, seconds=20 if told != "busy" else 5)
    assert told in message
    assert "Error" not in message and "0x" not in message


def test_a_picture_that_the_server_refuses_is_told_apart() -> None:
    with pytest.raises(Refused, match="does not take this: image: damaged"):
        ask(status(400, error("image: damaged", "bad_image")))


@pytest.mark.parametrize("act", [silent, drip, drip_head])
def test_an_answer_has_its_time_and_no_more(act: Act) -> None:
    """A server that sends a byte now and then would never run into a socket's own limit."""
    assert "did not answer within 0.5 seconds" in problem(act, seconds=0.5)


def test_nobody_listens() -> None:
    with pytest.raises(Problem, match=r"There is no server at .* vlm serve"):
        Server(Settings(f"http://127.0.0.1:{free_port()}")).run("alt_text", image=IMAGE)


def test_no_such_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise vlm_client.socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(vlm_client.socket, "getaddrinfo", unknown)
    with pytest.raises(Problem, match="There is no server at http://box"):
        Server(Settings("http://box")).run("alt_text", image=IMAGE)


def test_a_busy_server_is_asked_again() -> None:
    with skill_server(status(429, error("full"), Retry_After="0"), skills()) as one:
        assert Server(Settings(one.url)).run("alt_text", image=IMAGE)["text"] == "A red roof."
        assert len(one.seen) == 2


def test_stopping_from_another_thread() -> None:
    begun = threading.Event()

    def act(handler: Any) -> None:
        begun.set()
        silent(handler)

    with skill_server(act) as one:
        server, told = Server(Settings(one.url, seconds=50)), []  # type: ignore[var-annotated]
        thread = in_background(lambda: server.run("alt_text", image=IMAGE), told.append, told.append)
        assert begun.wait(30)
        server.stop()
        thread.join(30)
        assert told == ["Stopped. Nothing was changed."]
        with pytest.raises(Stopped):
            server.run("alt_text", image=IMAGE)


def test_a_fault_in_the_background_is_not_silent() -> None:
    told: list[str] = []
    in_background(lambda: 1 // 0, lambda _: None, told.append).join(30)
    assert told == ["The add-on met a fault of its own (ZeroDivisionError)."]


# --- what comes back -----------------------------------------------------------------------------


def test_foreign_text_fits_any_document() -> None:
    assert plain(" a\n\tb\0c\x1b[31m\u202ed\ud800 ") == "a b c [31m d"
    assert plain("x" * 3000) == "x" * 1999 + "…"
    assert words({"text": "It\nis."}) == "It is."


@pytest.mark.parametrize("output", [{}, {"text": 7}, {"text": " \n"}, {"text": None}])
def test_an_answer_without_words(output: Any) -> None:
    with pytest.raises(Problem, match="nothing to say"):
        words(output)


@pytest.mark.parametrize("output", [{}, {"pairs": {}}, {"pairs": ["x"]}])
def test_findings_that_are_none(output: Any) -> None:
    with pytest.raises(Problem, match="no vlm server"):
        rows(output, "pairs")


@pytest.mark.parametrize("box", [None, [], {"x": 1}, {"x": "1", "y": 1, "width": 1, "height": 1},
                                 {"x": float("nan"), "y": 1, "width": 1, "height": 1},
                                 {"x": 1e9, "y": 1, "width": 1, "height": 1}])  # fmt: skip
def test_places_that_are_none(box: Any) -> None:
    assert box_of({"box": box}) is None


def test_a_place() -> None:
    assert box_of({"box": {"x": 1, "y": 2, "width": 3.5, "height": 4}}) == (1, 2, 3.5, 4)


# --- settings ------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(vlm_client.sys, "platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    yield tmp_path


def test_settings_are_read_where_the_program_sees_them(home: Path) -> None:
    assert read_settings() == Settings("http://127.0.0.1:8000", "", 120)
    settings_path().parent.mkdir()
    settings_path().write_text(json.dumps({"url": "https://box", "key": "k", "seconds": 5}))
    assert read_settings() == Settings("https://box", "k", 5)
    assert settings_path() == home / "vlm-studio" / "plugins.json"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": 7}', '{"other": 1}', '{"url": "ftp://x"}', '{"seconds": 0}',
                                  '{"url": "http://u:p@x"}', '{"key": "a b"}', '{"key": "a\\nb"}',
                                  "[" * 100_000])  # fmt: skip
def test_settings_that_cannot_be_used(home: Path, text: str) -> None:
    settings_path().parent.mkdir()
    settings_path().write_text(text)
    with pytest.raises(Problem):
        read_settings()


def test_a_key_is_not_shown() -> None:
    assert "s3cret" not in repr(Settings(key="s3cret"))


@pytest.mark.parametrize(("url", "exposed"), [("http://127.0.0.1:8000", False), ("http://localhost", False),
                                              ("http://[::1]:80", False), ("https://box", False), ("http://box", True),
                                              ("http://127.0.0.1.evil.example", True)])  # fmt: skip
def test_a_key_in_clear(url: str, exposed: bool) -> None:
    assert Settings(url, "k").exposed is exposed
    assert not Settings(url).exposed

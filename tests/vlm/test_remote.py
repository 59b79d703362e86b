"""A server in place of a model: what is sent, what comes of good and bad answers, when it is tried again."""

from __future__ import annotations

import base64
import io
import json
import shutil
import signal
import subprocess
import threading
import time
import wave
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vlm.answering import Weighing
from vlm.backend import Backend
from vlm.captioning import Captioned, CaptionRequest
from vlm.errors import BackendError, BackendRequestError, InputError, MediaError, VlmError
from vlm.generation import Reply
from vlm.remote import HOPELESS, RemoteAssistant, connect, until_hopeless
from vlm.sampling_options import SamplingOptions
from vlm.transport import MAX_REPLY_BYTES, Patience
from vlm.wire import Events, body_of, data_url, wav

from .fake_server import DONE, HELLO, Act, Fake, begin, chunk, completion, fake, hang_up, status, stream

QUICK = Patience(retry=30, bulk_retry=30, first_pause=0.01)
"""Tries again soon; waits long for whatever a busy machine is late with."""
ONCE = Patience(retry=0, bulk_retry=0)
ASKED: list[dict[str, Any]] = [{"role": "user", "content": "Hi?"}]


def to(server: Fake, patience: Patience = ONCE, key: str = "") -> RemoteAssistant:
    return RemoteAssistant(Backend(server.url, "first", key), patience=patience)


def failure(*acts: Act, patience: Patience = ONCE, key: str = "") -> VlmError:
    """What asking ends with."""
    with fake(*acts) as server, to(server, patience, key) as assistant, pytest.raises(VlmError) as found:
        assistant.chat(ASKED)
    assert "0x" not in str(found.value) and str(found.value).isprintable()
    return found.value


# --- which server ---


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://box:8000", "http://box:8000/v1"), ("http://box:8000/", "http://box:8000/v1"),
        ("https://box/v1/", "https://box/v1"), ("http://[::1]:8000/openai/v1", "http://[::1]:8000/openai/v1"),
    ],
)  # fmt: skip
def test_the_address(given: str, used: str) -> None:
    assert Backend(given).url == used


@pytest.mark.parametrize(
    "url",
    [
        "", "box:8000", "ftp://box", "http://", "http://box:99999", "http://user:word@box", "http://box/v1?x=1",
        "http://box/#x", "http://[::1", "http://a b", "file:///etc/passwd", "http://bo\nx",
    ],
)  # fmt: skip
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(InputError, match="--backend-url") as found:
        Backend(url)
    assert "word" not in str(found.value).replace("password", "")


def test_keys() -> None:
    assert Backend("http://box", key="k").exposed
    assert not Backend("https://box", key="k").exposed and not Backend("http://box").exposed
    for near in ("localhost", "127.0.0.1:8000", "[::1]:8000"):
        assert not Backend(f"http://{near}", key="k").exposed
    assert "secret" not in repr(Backend("http://box", key="secret"))
    with pytest.raises(InputError, match="key"):
        Backend("http://box", key="a\nb")


def test_what_a_server_serves() -> None:
    with fake() as server:
        assistant = connect(Backend(server.url), ONCE)
        assert (assistant.name, assistant.context, assistant.server) == ("first", 99, f"{server.url}/v1")
        assert assistant.facts()[:2] == [("Model", "first"), ("Server", f"{server.url}/v1")]
        assert connect(Backend(server.url, "second"), ONCE).context is None
        assert connect(Backend(server.url, "unlisted"), ONCE).name == "unlisted"
        assert isinstance(assistant, RemoteAssistant) and not isinstance(assistant, Weighing)


@pytest.mark.parametrize(
    ("models", "model", "code"),
    [
        (status(404), "", "backend_not_found"), (status(200, {"data": []}), "", "backend_not_found"),
        (status(200, {"data": 3}), "", "backend_bad_answer"), (status(200, b"<html>"), "", "backend_bad_answer"),
        (status(401), "x", "backend_key"), (status(404), "x", ""), (status(200, b"<html>"), "x", ""),
    ],
)  # fmt: skip
def test_servers_that_list_nothing(models: Act, model: str, code: str) -> None:
    """A name makes up for a list, but not for a key."""
    with fake(models=models) as server:
        try:
            found = connect(Backend(server.url, model), ONCE).name
        except VlmError as error:
            assert error.code == code
        else:
            assert (found, code) == ("x", "")


# --- what is sent ---


def sent(**options: Any) -> dict[str, Any]:
    with fake(stream(*HELLO, DONE)) as server, to(server) as assistant:
        assistant.chat(ASKED, **options)
        return server.seen[0]


def test_only_what_every_server_knows() -> None:
    assert sent() == {
        "model": "first", "messages": ASKED, "max_tokens": 256, "temperature": 0.0, "top_p": 1.0, "stream": True,
        "stream_options": {"include_usage": True},
    }  # fmt: skip


def test_and_what_is_asked_for_beside_it() -> None:
    body = sent(max_new_tokens=3, temperature=0.5, top_p=0.9, top_k=4, min_p=0.1, repetition_penalty=1.2, stop=["x"],
                seed=-1)  # fmt: skip
    told = {"max_tokens": 3, "temperature": 0.5, "top_p": 0.9, "top_k": 4, "min_p": 0.1, "repetition_penalty": 1.2,
            "stop": ["x"], "seed": (1 << 63) - 1}  # fmt: skip
    assert body | told == body
    with pytest.raises(InputError, match="unknown option 'beams'"):
        sent(beams=2)


def test_media_are_opened_here(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (5, 9, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.bmp")
    samples = np.array([-32768, -5, 0, 7, 32767] * 100, "<i2")
    content = [
        {"type": "image", "image": tmp_path / "a.bmp"}, {"type": "audio", "audio": (samples, 16000)},
        {"type": "text", "text": "a\udc80"},
    ]  # fmt: skip
    with fake(stream(*HELLO, DONE)) as server, to(server) as assistant:
        assistant.chat([{"role": "system", "content": "Be."}, {"role": "user", "content": content}])
        system, asked = server.seen[0]["messages"]
        assert system == {"role": "system", "content": "Be."}
        image, audio, text = asked["content"]
        assert image["type"] == "image_url" and image["image_url"]["url"].startswith("data:image/png;base64,")
        assert (np.asarray(decoded(image["image_url"]["url"])) == pixels).all()
        assert (audio["type"], audio["input_audio"]["format"]) == ("input_audio", "wav")
        with wave.open(io.BytesIO(base64.b64decode(audio["input_audio"]["data"]))) as file:
            assert file.getparams()[:4] == (1, 2, 16000, len(samples))
            assert (np.frombuffer(file.readframes(1000), "<i2") == samples).all()
        assert text == {"type": "text", "text": "a\ufffd"}
        with pytest.raises(MediaError, match=r"missing\.png"):
            assistant.ask("?", images=[tmp_path / "missing.png"])
        with pytest.raises(InputError):
            assistant.chat([])
        assert len(server.seen) == 1


def test_photographs_are_sent_as_servers_take_them() -> None:
    url = data_url(Image.new("RGB", (8000, 4000)))
    assert decoded(url).size == (5656, 2828)


def decoded(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


def test_large_pictures_become_smaller() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (1700, 1700, 3), np.uint8))
    body = body_of([{"role": "user", "content": [{"type": "image", "image": noise}]}], SamplingOptions(), "m")
    url = json.loads(body)["messages"][0]["content"][0]["image_url"]["url"]
    assert url.startswith("data:image/jpeg;base64,") and len(url) < 10_000_000


def test_loud_samples_stay_in_range() -> None:
    with wave.open(io.BytesIO(wav(np.array([1.0, -1.0, 2.0], np.float32)))) as file:
        assert np.frombuffer(file.readframes(3), "<i2").tolist() == [32767, -32768, 32767]


def test_the_key_is_a_bearer_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # is not heeded
    with fake(stream(*HELLO, DONE)) as server:
        with to(server, key="k3y") as assistant:
            assistant.chat(ASKED)
        with to(server) as assistant:
            assistant.chat(ASKED)
        assert server.keys == ["Bearer k3y", None]


# --- good answers ---


@pytest.mark.parametrize("end", ["\n\n", "\r\n\r\n", "\n: a comment\nid: 4\n\n"])
def test_a_stream(end: str) -> None:
    with fake(stream(*HELLO, DONE, end=end)) as server, to(server) as assistant:
        *pieces, reply = assistant.stream(ASKED)
        assert list(filter(None, pieces)) == ["Hel", "lo"] and isinstance(reply, Reply)
        assert (reply.text, reply.finish_reason) == ("Hello", "stop")
        assert (reply.prompt_tokens, reply.completion_tokens, reply.reused_tokens) == (7, 2, 3)
        assert 0 < reply.seconds_to_first_token <= reply.seconds
        assert assistant.chat(ASKED).text == "Hello" == assistant.ask("Hi?").text


def test_a_stream_cut_into_any_bytes() -> None:
    data = ("\r\n\r\n".join([*HELLO, "data: é", "data:a\r\ndata: b", DONE]) + "\r\n\r\n").encode()
    whole = list(Events().push(data))
    assert len(whole) == len(HELLO) + 3 and whole[-3:] == ["é".encode(), b"a\nb", b"[DONE]"]
    events = Events()
    assert [event for byte in data for event in events.push(bytes([byte]))] == whole


def test_text_that_is_no_text() -> None:
    half = 'data: {"choices": [{"delta": {"content": "a\\ud83d"}, "finish_reason": "stop"}]}'
    with fake(stream(half)) as server, to(server) as assistant:
        assert assistant.chat(ASKED).text == "a\ufffd"


def test_what_a_server_does_not_tell_is_zero() -> None:
    with fake(stream(chunk("Hi"), chunk(None, "length"))) as server, to(server) as assistant:  # nor a [DONE]
        reply = assistant.chat(ASKED)
        assert (reply.text, reply.finish_reason, reply.prompt_tokens) == ("Hi", "length", 0)


def test_answers_in_order() -> None:
    def say_it(handler: Any) -> None:
        completion(handler.body["messages"][0]["content"])(handler)

    with fake(say_it) as server, to(server) as assistant:
        texts = [f"question {number}" for number in range(20)]
        asked = [[{"role": "user", "content": text}] for text in texts]
        assert [reply.text for reply in assistant.answers(asked, batch_size=3)] == texts


# --- bad ones ---


@pytest.mark.parametrize(
    ("act", "code", "words"),
    [
        (status(401), "backend_key", "a key is needed (VLM_BACKEND_KEY, --backend-key-file)"),
        (status(404, {"error": {"message": "no model\n'x'"}}), "backend_not_found", "'first' (--backend-model)"),
        (status(413), "backend_too_large", "send less"),
        (status(400, {"error": {"message": "17", "code": "context_length_exceeded"}}), "backend_too_large", ": 17"),
        (status(400, {"detail": "no eyes"}), "backend_refused", "(400): no eyes"),
        (status(422, {"message": "vLLM's way"}), "backend_refused", ": vLLM's way"),
        (status(500, b"Traceback 0xdeadbeef"), "backend_failed", "(500)"),
        (status(504), "backend_timeout", "too long"),
        (status(429), "backend_busy", "(429)"), (status(503, Retry_After="9999999999"), "backend_busy", "(503)"),
        (status(307, Location="http://127.0.0.1:9/"), "backend_not_found", "points elsewhere"),
        (hang_up, "backend_unreachable", "no connection"),
        (status(200, {"choices": []}), "backend_bad_answer", "no stream of events"),
        (stream("data: <html>"), "backend_bad_answer", "no JSON"), (stream("data: 3"), "backend_bad_answer", "no JSON"),
        (stream('data: {"choices": 3}'), "backend_bad_answer", "no choices"),
        (stream('data: {"choices": [7]}'), "backend_bad_answer", "a choice that is none"),
        (stream('data: {"choices": [{"delta": {"content": 7}}]}'), "backend_bad_answer", "a choice that is none"),
        (stream("data: " + "[" * 100_000), "backend_bad_answer", "no JSON"),
        (stream("data: " + "x" * 3_000_000), "backend_bad_answer", "an event without end"),
        (stream(*["data: " + "x" * 300_000] * 9, end="\n"), "backend_bad_answer", "an event without end"),
        (stream(chunk("Hel")), "backend_bad_answer", "half an answer"),
        (stream(chunk("Hel"), DONE), "backend_bad_answer", "half an answer"), (stream(), "backend_bad_answer", "half"),
        (stream(chunk("a"), chunk(None, "tool_calls")), "backend_bad_answer", "ends with 'tool_calls'"),
        (stream(chunk("Hel"), 'data: {"error": {"message": "engine \\u001bdied"}}', DONE), "backend_failed",
         "gave up on the answer: engine \\x1bdied"),
        (stream(chunk(None, "content_filter"), DONE), "backend_withheld", "withholds"),
    ],
)  # fmt: skip
def test_typed_errors(act: Act, code: str, words: str) -> None:
    found = failure(act)
    assert found.code == code and words in str(found), str(found)
    fatal = code in ("backend_key", "backend_not_found", "backend_busy", "backend_unreachable")
    assert type(found) is (BackendError if fatal else BackendRequestError)


def test_a_wrong_key_is_not_told() -> None:
    found = failure(status(403), key="s3cret")
    assert "the key is wrong" in str(found) and "s3cret" not in str(found)


def test_nobody_there() -> None:
    with fake() as server:
        pass
    with pytest.raises(BackendError, match="no connection; is the server running") as found:
        connect(Backend(server.url), ONCE)
    assert found.value.code == "backend_unreachable"


def test_a_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    """It is looked at, and the server is not asked again."""
    if not (openssl := shutil.which("openssl")):
        pytest.skip("makes its certificate with openssl")
    pem = tmp_path / "one.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", pem, "-out", tmp_path / "cert",
               "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    pem.write_bytes(pem.read_bytes() + (tmp_path / "cert").read_bytes())
    with fake(certificate=pem) as server, pytest.raises(BackendError, match="authority") as found:
        connect(Backend(server.url.replace("http://127.0.0.1", "https://localhost")), QUICK)
    assert found.value.code == "backend_unreachable" and not server.seen


@pytest.mark.parametrize("act", [status(200, b"{"), status(200, [1]), completion(3), status(200, {"choices": []})])  # type: ignore[arg-type]
def test_whole_answers_that_are_none(act: Act) -> None:
    with fake(act) as server, to(server) as assistant, pytest.raises(BackendRequestError) as found:
        list(assistant.answers([ASKED]))
    assert found.value.code == "backend_bad_answer"


def test_a_refusal_is_no_answer() -> None:
    refusing = fake(completion(None, refusal="No."))
    with refusing as server, to(server) as assistant, pytest.raises(BackendRequestError, match="withholds the"):
        list(assistant.answers([ASKED]))


@pytest.mark.parametrize("head", [b"", b'{"choices": "'])
def test_an_answer_without_end(head: bytes) -> None:
    """It is read up to a bound."""
    written = 0

    def endless(handler: Any) -> None:
        nonlocal written
        begin(handler, "text/event-stream" if not head else "application/json")
        handler.wfile.write(head)
        piece = b"x" * 65_536 if head else b": nothing\n" * 6_554
        while True:
            handler.wfile.write(piece)
            written += len(piece)

    with fake(endless) as server, to(server) as assistant, pytest.raises(BackendRequestError, match="64 MB"):
        list(assistant.answers([ASKED])) if head else assistant.chat(ASKED)
    assert written < MAX_REPLY_BYTES + (16 << 20)  # what the system's buffers hold comes on top


def test_a_compressed_answer_is_not_read() -> None:
    assert "compressed" in str(failure(status(200, b"x", Content_Encoding="gzip")))


@pytest.mark.parametrize("begun", [False, True])
def test_a_silent_server(begun: bool) -> None:
    """Before its first byte, and after: neither is waited for longer than is said, nor asked again."""
    heard = threading.Event()

    def silent(handler: Any) -> None:
        if begun:
            begin(handler, "text/event-stream")
            handler.wfile.write((chunk("Hel") + "\n\n").encode())
        heard.wait(60)

    with fake(silent) as server, to(server, Patience(silence=0.3)) as assistant:
        with pytest.raises(BackendRequestError, match="took too long") as found:
            assistant.chat(ASKED)
        heard.set()
        assert found.value.code == "backend_timeout" and len(server.seen) == 1


def test_a_server_that_never_comes_to_an_end() -> None:
    def drip(handler: Any) -> None:
        begin(handler, "text/event-stream")
        while True:
            handler.wfile.write(b": still here\n\n")
            time.sleep(0.01)

    assert failure(drip, patience=Patience(whole=0.5)).code == "backend_timeout"


# --- again ---


def test_a_busy_server_is_asked_again() -> None:
    soon = formatdate(time.time() + 1, usegmt=True)
    acts = [status(429, Retry_After="0"), status(503, Retry_After=soon), status(503, Retry_After="x"), hang_up]
    with fake(*acts, stream(*HELLO, DONE)) as server, to(server, QUICK) as assistant:
        assert assistant.chat(ASKED).text == "Hello"
        assert len(server.seen) == 5 and server.seen[0] == server.seen[4]


def test_a_server_is_left_alone_as_long_as_it_wants() -> None:
    times: list[float] = []

    def busy(handler: Any) -> None:
        times.append(time.monotonic())
        (status(429, Retry_After="1") if len(times) == 1 else stream(*HELLO, DONE))(handler)

    with fake(busy) as server, to(server, QUICK) as assistant:
        assistant.chat(ASKED)
    assert times[1] - times[0] >= 0.99


def test_nobody_waits_for_ever() -> None:
    """A pause that would end too late is not begun."""
    with fake(status(503, Retry_After="60")) as server, to(server, QUICK) as assistant:
        with pytest.raises(BackendError, match="no time"):
            assistant.chat(ASKED)
        assert len(server.seen) == 1


def test_an_answer_that_has_begun_is_not_asked_for_again() -> None:
    with fake(stream(chunk("Hel")), stream(*HELLO, DONE)) as server, to(server, QUICK) as assistant:
        heard = []
        with pytest.raises(BackendRequestError, match="half an answer"):
            for piece in assistant.stream(ASKED):
                heard.append(piece)
        assert list(filter(None, heard)) == ["Hel"] and len(server.seen) == 1


# --- leaving ---


class Watched:
    """Speaks for ever; `gone` is set when nobody listens any more."""

    def __init__(self) -> None:
        self.gone = threading.Semaphore(0)
        self.begun = threading.Semaphore(0)

    def stream(self, handler: Any) -> None:
        begin(handler, "text/event-stream")
        self.begun.release()
        self._until_gone(handler, (chunk("la ") + "\n\n").encode())

    def whole(self, handler: Any) -> None:
        begin(handler)
        self.begun.release()
        self._until_gone(handler, b" ")

    def _until_gone(self, handler: Any, piece: bytes) -> None:
        try:
            while True:
                handler.wfile.write(piece)
                time.sleep(0.01)
        except OSError:
            self.gone.release()


def test_leaving_a_stream_closes_it() -> None:
    watched = Watched()
    with fake(watched.stream) as server, to(server) as assistant:
        answer = assistant.stream(ASKED)
        assert next(filter(None, answer)) == "la "
        answer.close()  # type: ignore[attr-defined]
        assert watched.gone.acquire(timeout=60)


def test_a_stream_that_hears_nothing_can_be_left() -> None:
    gone = threading.Event()

    def silent(handler: Any) -> None:
        handler.connection.recv(1)
        gone.set()

    with fake(silent) as server, to(server) as assistant:
        answer = assistant.stream(ASKED)
        assert next(answer) == ""
        answer.close()  # type: ignore[attr-defined]
        assert gone.wait(60)


def test_closing_ends_everything_and_asking_begins_anew() -> None:
    watched = Watched()
    with fake(watched.stream, stream(*HELLO, DONE)) as server, to(server) as assistant:
        answer = assistant.stream(ASKED)
        next(answer)
        assistant.close()
        assert watched.gone.acquire(timeout=60)
        with pytest.raises(BackendError, match="closed"):
            list(answer)
        assert assistant.chat(ASKED).text == "Hello"


# --- captions ---


def requests(count: int) -> Iterator[CaptionRequest]:
    for place in range(count):
        yield CaptionRequest(place, Image.new("RGB", (4, 4), (place, 0, 0)), f"What? {place}", f"{place}.png")


def echo(handler: Any) -> None:
    """Says the prompt."""
    completion(handler.body["messages"][0]["content"][1]["text"])(handler)


def spoilt(acts: dict[str, Act]) -> Act:
    """As `echo`, with other acts for some prompts."""
    return lambda handler: acts.get(handler.body["messages"][0]["content"][1]["text"], echo)(handler)


@pytest.mark.parametrize("size", [None, 1, 5, 100])
def test_captions_in_order(size: int | None) -> None:
    with fake(echo) as server, to(server) as assistant:
        results = [r for batch in assistant.caption_batches(requests(30), batch_size=size) for r in batch]
        assert [(result.place, result.text) for result in results] == [(n, f"What? {n}") for n in range(30)]
        image = Image.new("RGB", (4, 4))
        assert [result.text for result in assistant.caption([image] * 3, prompt="P")] == ["P"] * 3
        with pytest.raises(InputError, match="batch_size"):
            list(assistant.caption([], batch_size=0))


def test_as_many_at_a_time_as_is_said() -> None:
    together, lock = threading.Barrier(4), threading.Lock()
    here = most = 0

    def counted(handler: Any) -> None:
        nonlocal here, most
        with lock:
            here += 1
            most = max(most, here)
        together.wait(60)  # nobody goes on before four are here
        with lock:
            here -= 1
        echo(handler)

    with fake(counted) as server, to(server) as assistant:
        assert sum(map(len, assistant.caption_batches(requests(40), batch_size=4))) == 40
    assert most == 4


def test_a_bad_one_changes_no_other(tmp_path: Path) -> None:
    acts = {"What? 3": status(400), "What? 5": status(413), "What? 6": status(200, b"?"), "What? 8": status(500)}
    with fake(spoilt(acts)) as server, to(server) as assistant:
        asked = list(requests(12))
        asked[1] = CaptionRequest(1, tmp_path / "missing.png", "?")
        results = [r for batch in assistant.caption_batches(asked) for r in batch]
        errors = {result.place: result.error.code for result in results if result.error}
        assert errors == {1: "not_found", 3: "backend_refused", 5: "backend_too_large", 6: "backend_bad_answer",
                          8: "backend_failed"}  # fmt: skip
        assert [r.text for r in results if not r.error] == [f"What? {n}" for n in range(12) if n not in errors]


@pytest.mark.parametrize("end", [hang_up, status(503), status(401)])
def test_a_server_that_ends_ends_the_run(end: Act) -> None:
    """With one error; what it answered before is there."""
    with fake(*[echo] * 5, end) as server, to(server) as assistant:
        found = []
        with pytest.raises(BackendError):
            for batch in assistant.caption_batches(requests(1000), batch_size=1, workers=1):
                found += batch
        assert [(result.text, result.error) for result in found] == [(f"What? {n}", None) for n in range(5)]
        assert len(server.seen) < 12


def test_answers_behind_the_first_failure_are_kept() -> None:
    reply, gone = Reply("x", "stop", 1, 1, 0.1, 0.2), BackendError("unreachable", "gone")
    behind = [
        Captioned(0, error=gone),
        Captioned(1, reply),
        Captioned(2, error=InputError("?")),
        Captioned(3, error=gone),
    ]
    results = until_hopeless([[Captioned(9, reply)], behind, [Captioned(4, reply)]])
    assert [[result.place for result in batch] for batch in (next(results), next(results))] == [[9], [1, 2]]
    with pytest.raises(BackendError, match="gone"):
        next(results)


def test_a_restart_is_waited_for() -> None:
    with fake(echo, hang_up, status(503), echo) as server, to(server, QUICK) as assistant:
        results = [r for batch in assistant.caption_batches(requests(9), batch_size=1, workers=1) for r in batch]
        assert [result.text for result in results] == [f"What? {n}" for n in range(9)]


def test_a_server_that_fails_again_and_again() -> None:
    with fake(echo, status(500)) as server, to(server) as assistant:
        found = []
        with pytest.raises(BackendError, match=r"16 requests in a row failed; the last: .*500") as ended:
            for batch in assistant.caption_batches(requests(1000), batch_size=1, workers=1):
                found += batch
        assert ended.value.code == "backend_failing"
        assert HOPELESS < len(found) < 2 * HOPELESS + 4
    with fake(status(413)) as server, to(server) as assistant:  # that is the pictures' fault
        assert sum(map(len, assistant.caption_batches(requests(3 * HOPELESS)))) == 3 * HOPELESS


def test_captions_that_are_json() -> None:
    schema = {"type": "object"}
    acts = {"What? 1": completion("not JSON"), "What? 2": completion('{"a', "length")}
    with fake(spoilt(acts)) as server, to(server) as assistant:
        asked = list(requests(3))
        asked[0] = CaptionRequest(0, Image.new("RGB", (4, 4)), '{"a": 1}')
        results = [r for batch in assistant.caption_batches(asked, schema=schema) for r in batch]
        assert [result.error and result.error.code for result in results] == [
            None, "backend_bad_answer", "schema_incomplete",
        ]  # fmt: skip
        named = server.seen[0]["response_format"]
        assert named == {"type": "json_schema", "json_schema": {"name": "caption", "schema": schema, "strict": True}}


def test_each_caption_draws_from_a_stream_of_its_own() -> None:
    with fake(echo) as server, to(server) as assistant:
        list(assistant.caption_batches(requests(3), batch_size=1, workers=1, seed=4, temperature=1))
        seeds = [body["seed"] for body in server.seen]
        assert seeds[0] == 4 and len(set(seeds)) == 3 and all(0 <= seed < 1 << 63 for seed in seeds)


def test_leaving_captions_closes_them_all() -> None:
    watched = Watched()
    others = {f"What? {n}": watched.whole for n in range(1, 100)}  # by name: which comes first is chance
    with fake(spoilt(others)) as server, to(server) as assistant:
        batches = assistant.caption_batches(requests(100), batch_size=3)
        assert len(next(batches)) == 1
        for _ in range(3):
            assert watched.begun.acquire(timeout=60)
        batches.close()  # type: ignore[attr-defined]
        for _ in range(3):
            assert watched.gone.acquire(timeout=60)


@pytest.mark.parametrize("what", ["captions", "an answer"])
def test_ctrl_c_does_not_wait(what: str) -> None:
    watched = Watched()
    # a shell starts what it runs in the background with the signal ignored
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupted(handler: Any) -> None:
        signal.pthread_kill(main, signal.SIGINT)
        watched.whole(handler)

    main = threading.get_ident()
    try:
        with fake(interrupted, watched.whole) as server, to(server) as assistant:
            with pytest.raises(KeyboardInterrupt):
                if what == "captions":
                    list(assistant.caption_batches(requests(100), batch_size=3))
                else:
                    list(assistant.answers([ASKED]))
            assert watched.gone.acquire(timeout=60)
    finally:
        signal.signal(signal.SIGINT, before)

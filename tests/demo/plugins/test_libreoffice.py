"""The add-on in LibreOffice itself: documents before and after, undo, failures with the document untouched, a deck of
200 pictures with one that is damaged."""

from __future__ import annotations

import base64
import json
import os
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vlm.media import load_image

from ...vlm.fake_server import hang_up, status
from ..ports import free_port
from .conftest import KEY
from .documents import KINDS, document
from .hosts import Host, end, need
from .skills import OUTPUTS, error, sizes, skill_server, skills

pytestmark = pytest.mark.host
DRIVER = Path(__file__).with_name("office.py")


class Office(Host):
    """An office that listens, without a window."""

    pipe = f"vlm-tests-{os.getpid()}"

    def use(self, file: Path, macro: str = "describe_pictures", **job: Any) -> dict[str, Any]:
        given = {"file": str(file), "macro": macro, "pipe": self.pipe} | job
        done = self.run("/usr/bin/python3", str(DRIVER), input=json.dumps(given))
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout or "{}")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    need("libreoffice")
    office = Office("libreoffice", tmp_path_factory.mktemp("libreoffice"))
    process = office.start(
        "soffice", "--headless", "--norestore", "--nologo", "--nodefault", "--nolockcheck",
        f"-env:UserInstallation=file://{office.home}/office", f"--accept=pipe,name={office.pipe};urp;",
    )  # fmt: skip
    try:
        yield office
        office.use(Path("/"), quit=True)
        process.wait(60)
    finally:
        end(process)


@pytest.mark.parametrize("kind", KINDS)
def test_pictures_without_words_get_some(office: Office, tmp_path: Path, kind: str) -> None:
    file, saved = document(tmp_path, kind, 3, described=[1]), tmp_path / f"after.{KINDS[kind].replace('fo', 'o')}"
    with skill_server() as one:
        office.asks(one.url)
        found = office.use(file, saved=str(saved))
    before = [["", ""], ["", "Words of picture 1"], ["", ""]]
    after = [["", "A red roof."], ["", "Words of picture 1"], ["", "A red roof."]]
    assert found["before"] == found["undone"] == before
    assert found["after"] == found["redone"] == after
    assert found["step"] == "Alternative text"
    assert found["report"][:2] == ["2 of 3 pictures described.", "1 had a description and kept it."]
    assert [line.partition(": ")[2] for line in found["report"][2:]] == ["A red roof."] * 2
    assert [(request["skill"], sizes(request)) for request in one.seen] == [("alt_text", [(1024, 768)])] * 2
    content = zipfile.ZipFile(saved).read("content.xml").decode()
    assert content.count("<svg:desc>A red roof.</svg:desc>") == 2
    assert content.count("<svg:desc>Words of picture 1</svg:desc>") == 1
    assert found["open"] == 1  # the drawing board is gone


def test_overwriting(office: Office, tmp_path: Path) -> None:
    file = document(tmp_path, "presentation", 2, described=[0, 1])
    with skill_server() as one:
        office.asks(one.url)
        assert office.use(file)["report"] == ["All 2 pictures have a description. Nothing was sent."]
        assert one.seen == []
        found = office.use(file, "describe_all_pictures_anew")
    assert found["after"] == [["", "A red roof."]] * 2
    assert found["undone"] == [["", "Words of picture 0"], ["", "Words of picture 1"]]


@pytest.mark.parametrize("kind", KINDS)
def test_the_selected_picture_only(office: Office, tmp_path: Path, kind: str) -> None:
    file = document(tmp_path, kind, 1 if kind == "presentation" else 2)
    with skill_server() as one:
        office.asks(one.url)
        found = office.use(file, "describe_selected_pictures", select=0)
    assert found["after"] == [["", "A red roof."], ["", ""]][: len(found["before"])]
    assert len(one.seen) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_cropped_away_is_not_sent(office: Office, tmp_path: Path, kind: str) -> None:
    """The right half is black and cropped."""
    with skill_server() as one:
        office.asks(one.url)
        office.use(document(tmp_path, kind, 2, cropped=[1]))
    whole, cropped = (np.asarray(load_image(base64.b64decode(request["image"].partition(",")[2])))
                      for request in one.seen)  # fmt: skip
    assert whole.shape == (768, 1024, 3) and cropped.shape[0] > cropped.shape[1]
    assert (whole.max(axis=2) < 32).mean() > 0.45
    assert (cropped.max(axis=2) < 32).mean() < 0.05


def test_a_deck_of_200_pictures_one_damaged(office: Office, tmp_path: Path) -> None:
    """Each gets the text of its own picture; the damaged one is named, and changes nothing else."""
    file = document(tmp_path, "presentation", 200, damaged=[77])
    count = iter(range(1000))

    def numbered(handler: Any) -> None:
        skills(alt_text=OUTPUTS["alt_text"] | {"text": f"Answer {next(count)}."})(handler)

    with skill_server(numbered) as one:
        office.asks(one.url)
        found = office.use(file)
    assert found["report"][:3] == [
        "199 of 200 pictures described.", "1 left out:", "Page 78, Photo 77: LibreOffice cannot read this picture.",
    ]  # fmt: skip
    answers = iter(f"Answer {n}." for n in range(199))
    assert found["after"] == [["", "" if n == 77 else next(answers)] for n in range(200)]
    assert found["step"] == "Alternative text" and found["undone"] == [["", ""]] * 200
    assert len({request["image"] for request in one.seen}) == 199


def test_text_of_the_server_is_only_text(office: Office, tmp_path: Path) -> None:
    with skill_server(skills(alt_text={"text": "<b>&amp;\0\x1b]\u202e " + "x" * 9000})) as one:
        office.asks(one.url)
        found = office.use(document(tmp_path, "text", 1), saved=str(tmp_path / "after.odt"))
    (words,) = [description for _, description in found["after"]]
    assert words.startswith("<b>&amp; ] x") and len(words) == 2000
    assert zipfile.ZipFile(tmp_path / "after.odt").testzip() is None


FAILURES = {
    "wrong key": (status(401, error("no")), "does not accept the key"),
    "server error": (status(500, error("no")), "The server failed"),
    "no such skill": (status(404, error("no", "not_found")), "no such skill"),
    "slow": (lambda handler: time.sleep(30), "did not answer within 1 seconds"),
    "foreign": (status(200, b"<html>"), "no vlm server"),
    "goes away": (hang_up, "broke off"),
}  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES)
def test_failures_leave_the_document(office: Office, tmp_path: Path, failure: str) -> None:
    """Even where the first picture had its answer."""
    act, told = FAILURES[failure]
    with skill_server(skills(), act) as one:
        office.asks(one.url, seconds=1 if failure == "slow" else 60)
        found = office.use(document(tmp_path, "presentation", 3))
    assert told in " ".join(found["report"])
    assert found["after"] == found["before"] and found["step"] == "" and found["open"] == 1


def test_no_server(office: Office, tmp_path: Path) -> None:
    office.asks(f"http://127.0.0.1:{free_port()}")
    found = office.use(document(tmp_path, "text", 2))
    assert "There is no server" in found["report"][0] and found["after"] == found["before"] and not found["step"]


def test_nothing_is_sent_of_what_cannot_be_written(office: Office, tmp_path: Path) -> None:
    with skill_server() as one:
        office.asks(one.url)
        assert "reading only" in office.use(document(tmp_path, "presentation", 1), readonly=True)["report"][0]
        assert "No picture" in office.use(document(tmp_path, "text", 0))["report"][0]
        assert one.seen == []


def test_vlm_serve(office: Office, tmp_path: Path, vlm_serve: str) -> None:
    file = document(tmp_path, "presentation", 2)
    office.asks(vlm_serve, KEY)
    found = office.use(file)
    assert found["report"][0] == "2 of 2 pictures described." and all(words for _, words in found["after"])
    office.asks(vlm_serve, "another-key")
    found = office.use(file)
    assert "does not accept the key" in found["report"][0] and found["after"] == found["before"]

"""The add-on in Inkscape itself: an SVG before and after, failures with the drawing untouched, 20,000 objects."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from ...vlm.fake_server import status
from ..ports import free_port
from .conftest import KEY
from .hosts import PATIENCE, Host, display, end, need
from .skills import error, sizes, skill_server

pytestmark = pytest.mark.host
SVG = "{http://www.w3.org/2000/svg}"
DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" width="200mm" height="100mm" viewBox="10 20 400 200">
<g id="layer" transform="translate(10 5)" fill="#c33"><rect id="r1" x="20" y="30" width="100" height="50"/>
<circle id="c1" cx="300" cy="120" r="40" fill="#36c"><title>A wheel</title></circle>
<rect id="a;file-new:b" x="150" y="30" width="20" height="40"/>
<rect id="hidden" x="1" y="1" width="9" height="9" style="display:none"/>
<text id="t1" x="150" y="150" font-size="20" fill="#999">Hello</text></g></svg>"""


@pytest.fixture(scope="module")
def inkscape(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    need("inkscape")
    host = Host("inkscape", tmp_path_factory.mktemp("inkscape"))
    with display(host):
        yield host


@pytest.fixture
def drawing(tmp_path: Path) -> Path:
    path = tmp_path / "drawing.svg"
    path.write_text(DRAWING)
    return path


def command(drawing: Path, actions: str) -> tuple[list[str], Path]:
    """As a person would by hand: open, select, choose the extension, save as."""
    out = drawing.with_name("after.svg")
    actions = f"{actions};export-filename:{out};export-do"
    return ["inkscape", "-g", "--batch-process", str(drawing), f"--actions={actions}"], out


def used(inkscape: Host, drawing: Path, actions: str) -> ElementTree.Element:
    line, out = command(drawing, actions)
    done = inkscape.run(*line)
    assert done.returncode == 0, done.stderr
    return ElementTree.parse(out).getroot()


def script(inkscape: Host, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The extension as Inkscape calls it: the drawing comes on stdout, a message for a dialog on stderr."""
    extensions = inkscape.run("inkscape", "--system-data-directory").stdout.strip() + "/extensions"
    environment = inkscape.environment | {"PYTHONPATH": extensions}
    return subprocess.run(
        ["python3", str(inkscape.add_on / f"{name}.py"), *arguments], env=environment, text=True, capture_output=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip


def texts(root: ElementTree.Element) -> dict[str, tuple[str | None, str | None]]:
    """id -> (title, desc), of what has one of them."""
    told = {e.get("id", ""): (e.findtext(f"{SVG}title"), e.findtext(f"{SVG}desc")) for e in root.iter()}
    return {name: pair for name, pair in told.items() if any(pair)}


def shapes(root: ElementTree.Element) -> list[Any]:
    """The drawing itself, without what Inkscape adds on saving."""
    return [(e.tag, {k: v for k, v in e.attrib.items() if k != "id"}) for e in root.iter() if e.tag in
            [SVG + tag for tag in ("rect", "circle", "text", "g", "title", "desc")]]  # fmt: skip


# --- in Inkscape -----------------------------------------------------------------------------------------------------


def test_descriptions_of_a_selection(inkscape: Host, drawing: Path) -> None:
    with skill_server() as one:
        inkscape.asks(one.url)
        after = used(inkscape, drawing, "select-by-id:r1,t1,c1;studio.vlm.describe.noprefs")
    assert texts(after) == {
        "r1": ("A red roof.", "A red roof over a white wall."), "t1": ("A red roof.", "A red roof over a white wall."),
        "c1": ("A wheel", "A red roof over a white wall."),  # the title was there
    }  # fmt: skip
    asked = [(request["skill"], sizes(request)[0]) for request in one.seen]
    assert asked[:2] == [("alt_text", (378, 189)), ("ask", (378, 189))] and asked[4:] == [("ask", (302, 302))]


def test_notes_on_a_page(inkscape: Host, drawing: Path) -> None:
    """Boxes lie where the skills said, in the drawing's own units; a second time the notes are replaced, not seen."""
    with skill_server() as one:
        inkscape.asks(one.url)
        after = used(inkscape, drawing, "studio.vlm.notes.noprefs")
        again = used(inkscape, drawing.with_name("after.svg"), "studio.vlm.notes.noprefs")
    assert [(request["skill"], sizes(request)) for request in one.seen] == [
        ("palette", [(1512, 756)]), ("contrast", [(1512, 756)]), ("critique", [(1512, 756)])
    ] * 2  # fmt: skip
    assert one.seen[0]["image"] == one.seen[3]["image"]
    for root in (after, again):
        (layer,) = [e for e in root.iter(SVG + "g") if e.get("class") == "vlm-notes"]
        words = " ".join("".join(text.itertext()) for text in layer.iter(SVG + "text"))
        for said in ("#cc3333 75 % (accent, says the model)", "2.85 : 1 fails AA; #767676 would pass",
                     "21.00 : 1 passes AAA", "major, alignment: Two edges miss", "(measured)",
                     "2 px of these figures are 1 px of the page"):  # fmt: skip
            assert said in " ".join(words.split())
        outline = next(r for r in layer.iter(SVG + "rect") if "fill:none" in r.get("style", ""))
        box = [float(outline.get(side, "")) for side in ("x", "y", "width", "height")]
        unit = 400 / 1512
        assert box == pytest.approx([10 + 10 * unit, 20 + 20 * unit, 30 * unit, 40 * unit])
    assert shapes(after)[:7] == shapes(ElementTree.fromstring(DRAWING))[:7]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    rows = "".join(f'<rect id="o{n}" x="{n % 200}" y="{n // 200}" width=".8" height=".8"/>' for n in range(20_000))
    path = tmp_path / "large.svg"
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100"><g id="all">{rows}</g></svg>')
    return path


def test_20_000_objects_at_once_are_refused_at_once(inkscape: Host, large: Path) -> None:
    with skill_server() as one:
        inkscape.asks(one.url)
        for name in ("vlm_describe", "vlm_notes"):
            arguments = ["--scope=selection"] if name == "vlm_notes" else []
            done = script(inkscape, name, *arguments, *(f"--id=o{n}" for n in range(20_000)), str(large))
            assert "20,000 objects are selected" in done.stderr and "Nothing was sent" in done.stderr
            assert done.stdout == ""
        assert one.seen == []


def test_a_group_of_20_000_objects_is_one_picture(inkscape: Host, large: Path) -> None:
    with skill_server() as one:
        inkscape.asks(one.url)
        done = script(inkscape, "vlm_describe", "--id=all", str(large))
    assert done.stderr == "" and [sizes(request) for request in one.seen] == [[(400, 200)]] * 2
    after = ElementTree.fromstring(done.stdout)
    assert texts(after) == {"all": ("A red roof.", "A red roof over a white wall.")}
    assert len(list(after.iter(SVG + "rect"))) == 20_000


@pytest.mark.slow  # Inkscape itself needs a minute or two to open and to save it
def test_a_drawing_of_20_000_objects_in_inkscape(inkscape: Host, large: Path) -> None:
    with skill_server() as one:
        inkscape.asks(one.url)
        after = used(inkscape, large, "select-by-id:all;studio.vlm.describe.noprefs")
    assert texts(after) == {"all": ("A red roof.", "A red roof over a white wall.")}
    assert len(list(after.iter(SVG + "rect"))) == 20_000


def test_a_message_in_inkscape_leaves_the_drawing(inkscape: Host, drawing: Path) -> None:
    """The dialog is there; once it is closed, the drawing is as before."""
    inkscape.asks(f"http://127.0.0.1:{free_port()}")
    line, out = command(drawing, "select-by-id:r1;studio.vlm.describe.noprefs")
    process, seen = inkscape.start(*line), 0
    try:
        until = time.monotonic() + PATIENCE
        while process.poll() is None:
            assert time.monotonic() < until
            windows = inkscape.run("xdotool", "search", "--onlyvisible", "--class", "inkscape").stdout.split()
            if len(windows) > 2:  # two of its own, and the message
                seen += 1
                inkscape.run("xdotool", "windowfocus", windows[-1], "key", "Escape")
            time.sleep(0.5)
        assert process.returncode == 0 and seen
    finally:
        end(process)
    after = ElementTree.parse(out).getroot()
    assert shapes(after) == shapes(ElementTree.fromstring(DRAWING))


def test_undo(inkscape: Host, drawing: Path) -> None:
    """One step, for a description and for a layer of notes."""
    before = shapes(ElementTree.fromstring(DRAWING))
    with skill_server() as one:
        inkscape.asks(one.url)
        for name in ("describe", "notes"):
            after = used(inkscape, drawing, f"select-by-id:r1;studio.vlm.{name}.noprefs;undo")
            assert shapes(after) == before
            after = used(inkscape, drawing, f"select-by-id:r1;studio.vlm.{name}.noprefs;undo;redo")
            assert len(shapes(after)) > len(before)


# --- as Inkscape calls it --------------------------------------------------------------------------------------------

FAILURES = {
    "wrong key": (status(401, error("no")), "does not accept the key"),
    "server error": (status(500, error("no")), "The server failed"),
    "no such skill": (status(404, error("no", "not_found")), "no such skill"),
    "slow": (lambda handler: time.sleep(30), "did not answer within 1 seconds"),
    "refused": (status(400, error("image: damaged", "bad_image")), "does not take this: image: damaged"),
    "foreign": (status(200, b"<html>"), "no vlm server"),
    "empty": (status(200, {"output": {}}), ""),
}  # fmt: skip


@pytest.mark.parametrize("name", ["vlm_describe", "vlm_notes"])
@pytest.mark.parametrize("failure", FAILURES)
def test_failures(inkscape: Host, drawing: Path, name: str, failure: str) -> None:
    act, told = FAILURES[failure]
    with skill_server(act) as one:
        inkscape.asks(one.url, seconds=1 if failure == "slow" else 60)
        done = script(inkscape, name, "--id=r1", str(drawing))
    assert done.stdout == "" and told in done.stderr and done.stderr.strip()
    assert "Traceback" not in done.stderr


def test_no_server(inkscape: Host, drawing: Path) -> None:
    inkscape.asks(f"http://127.0.0.1:{free_port()}")
    done = script(inkscape, "vlm_describe", "--id=r1", str(drawing))
    assert done.stdout == "" and "There is no server" in done.stderr


def test_what_is_not_chosen_is_not_sent(inkscape: Host, drawing: Path) -> None:
    """Nothing selected, nothing to see, nothing wanted: no request. An id that Inkscape would read as commands is
    one like any other."""
    with skill_server() as one:
        inkscape.asks(one.url)
        for arguments, told in (
            ([], "Select the objects"), (["--id=r1", "--title=false", "--desc=false"], "Choose the title"),
            (["--id=hidden"], "nothing to see"), (["--id=c1", "--desc=false"], "have a description already"),
        ):  # fmt: skip
            done = script(inkscape, "vlm_describe", *arguments, str(drawing))
            assert done.stdout == "" and told in done.stderr
        assert one.seen == []
        done = script(inkscape, "vlm_describe", "--id=a;file-new:b", "--desc=false", str(drawing))
        assert done.stderr == "" and [sizes(request) for request in one.seen] == [[(75, 151)]]
        assert texts(ElementTree.fromstring(done.stdout))["a;file-new:b"] == ("A red roof.", None)


def test_overwriting(inkscape: Host, drawing: Path) -> None:
    with skill_server() as one:
        inkscape.asks(one.url)
        done = script(inkscape, "vlm_describe", "--id=c1", "--overwrite=true", str(drawing))
    assert texts(ElementTree.fromstring(done.stdout))["c1"] == ("A red roof.", "A red roof over a white wall.")


def test_notes_on_a_selection(inkscape: Host, drawing: Path) -> None:
    """The picture holds the selection alone, and boxes are placed from its corner."""
    with skill_server() as one:
        inkscape.asks(one.url)
        done = script(inkscape, "vlm_notes", "--id=r1", "--scope=selection", "--palette=false", "--critique=false",
                      str(drawing))  # fmt: skip
    assert [sizes(request) for request in one.seen] == [[(378, 189)]]
    layer = next(e for e in ElementTree.fromstring(done.stdout).iter(SVG + "g") if e.get("class") == "vlm-notes")
    outline = next(r for r in layer.iter(SVG + "rect") if "fill:none" in r.get("style", ""))
    unit = 100 / 378
    assert [float(outline.get(side, "")) for side in ("x", "y")] == pytest.approx(
        [30 + 10 * unit, 35 + 20 * unit], rel=1e-3
    )


# --- with the model --------------------------------------------------------------------------------------------------


def test_vlm_serve(inkscape: Host, drawing: Path, vlm_serve: str) -> None:
    inkscape.asks(vlm_serve, KEY)
    after = used(inkscape, drawing, "select-by-id:r1;studio.vlm.describe.noprefs")
    title, desc = texts(after)["r1"]
    assert title and desc
    noted = used(inkscape, drawing, "studio.vlm.notes.noprefs")
    (layer,) = [e for e in noted.iter(SVG + "g") if e.get("class") == "vlm-notes"]
    said = " ".join("".join(text.itertext()) for text in layer.iter(SVG + "text"))
    assert "#cc3333" in said and "#3366cc" in said and "2.85 : 1  fails AA" in said  # as the drawing has them
    inkscape.asks(vlm_serve, "another-key")
    done = script(inkscape, "vlm_describe", "--id=r1", str(drawing))
    assert done.stdout == "" and "does not accept the key" in done.stderr

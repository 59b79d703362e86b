"""The page in a real headless Chromium, as people use it.

Needs playwright and a Chromium on the PATH. Without them these tests are skipped, with a warning; with
VLM_REQUIRE_BROWSER=1, as `.ci/run` sets it, they fail.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.plugins.catalogue import skills
from vlm.assistant import Assistant

pytestmark = pytest.mark.browser
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
)  # fmt: skip
EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE = 300_000  # ms until a step counts as failed; nothing here is about speed


def missing() -> str:
    """What is lacking, or nothing."""
    try:
        import playwright.sync_api  # noqa: F401
    except ModuleNotFoundError:
        return "playwright is not installed: pip install '.[test]'"
    return "" if shutil.which("chromium") else "there is no chromium on the PATH: apt-get install chromium"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if reason := missing():
        if os.environ.get("VLM_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        warnings.warn(f"BROWSER TESTS DID NOT RUN: {reason}", stacklevel=1)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield chromium
        chromium.close()


class Visitor:
    """One browser session on the page; collects what must not happen: script errors, requests elsewhere."""

    def __init__(self, browser: Any, address: str, width: int = 1100) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 850}, permissions=["microphone"])
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on(
            "request",
            lambda r: None if r.url.startswith((address, "data:", "blob:")) else self.elsewhere.append(r.url),
        )
        self.page.goto(address)
        self.page.locator("#ask textarea").wait_for()

    def attach(self, *files: Path) -> None:
        self.page.locator("#ask input[type=file]").first.set_input_files(list(files))
        self.wait(lambda: self.page.locator("#ask .thumbnail-item").count() == len(files))

    def send(self, text: str) -> None:
        self.page.locator("#ask textarea").fill(text)
        self.page.locator("#ask textarea").press("Enter")

    def ask(self, text: str, *files: Path) -> str:
        """The whole answer, without the line under it."""
        notes = self.notes.count()
        if files:
            self.attach(*files)
        self.send(text)
        self.wait(lambda: self.notes.count() == notes + 1)
        return self.answer

    @property
    def notes(self) -> Any:
        return self.page.locator('#chat [data-testid="bot"] small')

    @property
    def bubbles(self) -> list[str]:
        return [text.strip() for text in self.page.locator('#chat [data-testid="bot"]').all_inner_texts()]

    @property
    def answer(self) -> str:
        said = [text for text in self.bubbles if "tokens/s" not in text]
        return said[-1] if said else ""

    def wait(self, condition: Any) -> None:
        """Until the condition holds; fails with what the page shows."""
        deadline = time.monotonic() + PATIENCE / 1000
        while not condition():
            assert time.monotonic() < deadline, self.page.locator("body").inner_text()[:2000]
            self.page.wait_for_timeout(50)


@pytest.fixture
def visit(browser: Any, page: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    visitors: list[Visitor] = []

    def come(width: int = 1100) -> Visitor:
        visitors.append(Visitor(browser, page.local_url, width))
        return visitors[-1]

    yield come
    for number, visitor in enumerate(visitors):
        if folder := os.environ.get("VLM_BROWSER_PICTURES"):  # how each test ended, to look at
            visitor.page.screenshot(path=Path(folder) / f"{request.node.name}-{number}.png")
        visitor.context.close()
    assert [visitor.errors for visitor in visitors if visitor.errors] == []
    assert [visitor.elsewhere for visitor in visitors if visitor.elsewhere] == []


@pytest.fixture
def slow(assistant: Assistant, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The assistant speaks slowly and on and on; the list fills with what it said."""
    real, said = assistant.stream, list[str]()

    def stream(messages: Any, **options: Any) -> Iterator[Any]:
        for piece in real(messages, **{**options, "max_new_tokens": 200}):
            time.sleep(0.1)
            said.append(str(piece))
            yield piece

    monkeypatch.setattr(assistant, "stream", stream)
    return said


def shown(text: str) -> str:
    """Text as the page's Markdown leaves it: letters and digits alone can be compared."""
    return "".join(re.findall(r"[A-Za-z0-9]", text))


def asked(text: str, *parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [*parts, {"type": "text", "text": text}]}]


def test_a_picture_is_asked_about_and_the_answer_streams(
    visit: Any, assistant: Assistant, picture: Path, slow: list[str]
) -> None:
    visitor = visit()
    visitor.attach(picture)
    visitor.send("What is it?")
    lengths: set[int] = set()

    def seen() -> bool:
        lengths.add(len(visitor.answer))
        return bool(visitor.notes.count())

    visitor.wait(seen)
    assert len(lengths) > 3  # it grew before our eyes
    expected = "".join(slow[:-1])  # the last one is the reply itself
    assert shown(visitor.answer) == shown(expected) != ""
    assert visitor.page.locator('#chat [data-testid="user"] img').count() == 1
    assert re.search(r"\d+ \+ \d+ tokens · first after [\d.]+ s · [\d.]+ tokens/s", visitor.notes.last.inner_text())


def test_a_spoken_question_is_recorded_and_answered(visit: Any) -> None:
    visitor = visit()
    visitor.page.locator('#ask [data-testid="microphone-button"]').click()
    start, stop = visitor.page.get_by_label("Start recording"), visitor.page.get_by_label("Stop recording")

    def recording() -> bool:
        """It begins by itself, but where there are several microphones and one is chosen first."""
        start.or_(stop).first.wait_for()
        visitor.page.wait_for_timeout(1500)  # of the fake microphone's beeps; or it has not begun by itself
        if start.is_visible():
            start.click()
        return bool(stop.is_visible())

    visitor.wait(recording)
    visitor.page.wait_for_timeout(500)
    stop.click()
    visitor.page.get_by_label("Attach audio").click()
    visitor.wait(visitor.page.locator("#ask .thumbnail-item").count)
    visitor.send("What do you hear?")
    visitor.wait(visitor.notes.count)
    assert (
        visitor.page.locator(
            '#chat [data-testid="user"] audio, #chat [data-testid="user"] [data-testid*="audio"]'
        ).count()
        >= 1
    )
    prompt = int(visitor.notes.last.inner_text().split(" + ")[0])
    assert prompt > len("What do you hear?") + 5  # a token for each letter, and the sound's


def test_stop_ends_an_answer_and_the_next_question_is_answered(visit: Any, slow: list[str]) -> None:
    visitor = visit()
    visitor.send("Hello?")
    visitor.wait(lambda: len(visitor.answer) > 2)
    visitor.page.locator('#ask button[aria-label="Stop"]').click()
    visitor.page.locator('#ask [data-testid="submit-button"]').wait_for()
    visitor.page.wait_for_timeout(1000)
    count = len(slow)
    assert count < 150
    visitor.page.wait_for_timeout(1000)
    assert len(slow) == count  # nobody goes on thinking about it
    assert visitor.notes.count() == 0
    assert visitor.answer  # what was said stays
    visitor.ask("And now?")


def test_retry_undo_edit_and_clear(
    visit: Any, assistant: Assistant, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = assistant.stream, list[Any]()
    monkeypatch.setattr(assistant, "stream", lambda *a, **options: calls.append(a) or real(*a, **options))
    visitor = visit()
    image = {"type": "image", "image": picture}
    first = visitor.ask("One?", picture)
    visitor.page.get_by_role("button", name="Retry", exact=True).click()
    visitor.wait(lambda: len(calls) == 2)  # the old answer is gone by then
    visitor.wait(visitor.notes.count)
    assert shown(visitor.answer) == shown(first) == shown(assistant.chat(asked("One?", image)).text)
    assert visitor.page.get_by_role("button", name="Edit", exact=True).count() == 0  # the question has a picture
    visitor.page.get_by_role("button", name="Undo", exact=True).click()
    visitor.wait(lambda: not visitor.bubbles)
    assert visitor.page.locator("#ask textarea").input_value() == "One?"
    visitor.wait(visitor.page.locator("#ask .thumbnail-item").count)
    visitor.send("Two?")  # the picture is still there
    visitor.wait(visitor.notes.count)
    second = assistant.chat(asked("Two?", image)).text
    assert shown(visitor.answer) == shown(second)
    visitor.ask("Three?")
    visitor.page.get_by_role("button", name="Edit", exact=True).last.click()
    visitor.page.locator("#chat textarea").fill("Four?")
    visitor.page.locator("#chat").get_by_role("button", name="Submit", exact=True).click()
    turns = [*asked("Two?", image), {"role": "assistant", "content": second}, *asked("Four?")]
    expected = assistant.chat(turns).text
    visitor.wait(lambda: visitor.notes.count() == 2 and shown(visitor.answer) == shown(expected))
    visitor.page.get_by_role("button", name="Clear", exact=True).first.click()
    visitor.wait(lambda: not visitor.bubbles)


def test_thumbs_write_the_file_unless_off_the_record(visit: Any, picture: Path, feedback_folder: Path) -> None:
    file = feedback_folder / "feedback.jsonl"
    before = file.read_text().splitlines() if file.exists() else []

    def rows() -> list[Any]:
        lines = file.read_text().splitlines() if file.exists() else []
        return [json.loads(line) for line in lines[len(before) :]]

    visitor = visit()
    answer = visitor.ask("Roof?", picture)
    visitor.page.get_by_role("button", name="Dislike", exact=True).last.click()
    visitor.wait(lambda: len(rows()) == 1)
    visitor.page.get_by_label("What would have been right?").fill("A steep roof.")
    visitor.page.get_by_role("button", name="Keep the correction").click()
    visitor.wait(lambda: len(rows()) == 2)
    rejected, corrected = rows()
    assert (rejected["rating"], rejected["chosen"]) == ("down", None)
    assert shown(rejected["rejected"]) == shown(answer)
    assert (corrected["chosen"], corrected["rejected"]) == ("A steep roof.", rejected["answer"])
    assert corrected["id"] == rejected["id"]
    (content,) = (message["content"] for message in corrected["messages"])
    assert [part["type"] for part in content] == ["image", "text"]
    assert (feedback_folder / content[0]["image"]).read_bytes() == picture.read_bytes()
    assert content[0]["name"] == "roof plan.png"
    visitor.page.get_by_label("Off the record (").check()
    visitor.page.get_by_role("button", name="Like", exact=True).last.click()
    visitor.page.get_by_text("Off the record: nothing was kept.").wait_for()
    assert len(rows()) == 2


def test_a_corrupt_picture_is_named_and_the_chat_goes_on(visit: Any, picture: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(picture.read_bytes()[:900])
    visitor = visit()
    visitor.attach(broken)
    visitor.send("What is it?")
    visitor.wait(lambda: any("broken.png: damaged or cut short" in text for text in visitor.bubbles))
    text = visitor.page.locator("body").inner_text()
    assert "Traceback" not in text and str(tmp_path) not in text
    assert visitor.ask("Hello?")


def test_two_sessions_get_their_own_answers(
    visit: Any, assistant: Assistant, picture: Path, sound: Path, slow: list[str]
) -> None:
    """The second asks while the first is still being answered."""
    real = Assistant.chat
    one, two = visit(), visit()
    one.attach(picture)
    two.attach(sound)
    one.send("What is on the roof?")
    one.wait(lambda: len(one.answer) > 2)
    two.send("Who is it?")
    one.wait(one.notes.count)
    two.wait(two.notes.count)
    options: dict[str, Any] = {"max_new_tokens": 200}
    first = real(assistant, asked("What is on the roof?", {"type": "image", "image": picture}), **options).text
    second = real(assistant, asked("Who is it?", {"type": "audio", "audio": sound}), **options).text
    assert shown(first) != shown(second)
    assert shown(one.answer) == shown(first)
    assert shown(two.answer) == shown(second)


def test_an_example_is_clicked_and_answered(visit: Any) -> None:
    visitor = visit()
    visitor.page.get_by_text("Chart: the largest").click()
    visitor.wait(visitor.notes.count)
    assert visitor.page.locator('#chat [data-testid="user"] img').count() == 1
    assert "largest slice" in visitor.page.locator('#chat [data-testid="user"]').last.inner_text()


def test_where_it_looked_is_shown(
    visit: Any, assistant: Assistant, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = assistant.stream  # its longest answers are half characters, and would not fit the context again
    monkeypatch.setattr(assistant, "stream", lambda *a, **options: real(*a, **{**options, "max_new_tokens": 16}))
    visitor = visit()
    visitor.page.get_by_role("button", name="Where did it look?").click()
    visitor.page.get_by_role("button", name="Show me").click()
    visitor.page.get_by_text("ask something first").wait_for()
    visitor.ask("What is it?", picture)
    visitor.page.get_by_role("button", name="Show me").click()
    visitor.page.locator("#look img").first.wait_for()
    visitor.page.get_by_text("Where the last answer comes from").wait_for()


def test_captions_of_dropped_files(visit: Any, assistant: Assistant, picture: Path, tmp_path: Path) -> None:
    broken = tmp_path / "half.png"
    broken.write_bytes(picture.read_bytes()[:900])
    visitor = visit()
    visitor.page.get_by_role("tab", name="Captions").click()
    visitor.page.locator("#caption-files input[type=file]").set_input_files([picture, broken])
    visitor.wait(lambda: "half.png" in visitor.page.locator("#caption-files").inner_text().replace("\n", ""))
    visitor.page.get_by_role("button", name="Write captions").click()
    visitor.page.get_by_text("Done: 1 captions, 1 could not be read").wait_for()
    text = visitor.page.locator("#caption-table").inner_text()
    (expected,) = assistant.caption([picture])
    assert shown(expected.text) in shown(text)
    assert "damaged or cut short" in text
    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("button", name="metadata.jsonl").or_(
            visitor.page.get_by_role("link", name="metadata.jsonl")
        ).first.click()
    line = json.loads(Path(download.value.path()).read_text())
    assert line == {"file_name": "roof plan.png", "text": expected.text}


def run_skill(visitor: Visitor, name: str, *files: Path) -> None:
    page = visitor.page
    page.get_by_role("tab", name="Skills").click()
    page.locator("#skill input").click()
    page.get_by_role("option", name=name, exact=True).click()
    form = page.locator(f"#form-{name.lower().replace(' ', '_')}")
    form.wait_for()  # in place of the one before
    for file in files:  # a place that has its file takes no other
        form.locator("input[type=file]").first.set_input_files(file)
        form.get_by_text(file.stem).first.wait_for()
    form.get_by_role("button", name="Run").click()


def test_a_skill_shows_its_table_its_boxes_and_json(visit: Any, assistant: Assistant) -> None:
    visitor, file = visit(), EXAMPLES / "wireframe.png"
    run_skill(visitor, "Contrast", file)
    visitor.page.locator("#skill-picture img").wait_for()
    output = skills()["contrast"](assistant, {"image": file})
    text = visitor.page.locator("#skill-result").inner_text()
    assert all(f"{pair.ratio:.4g}" in text for pair in output.pairs) and len(output.pairs) > 1
    visitor.page.get_by_role("button", name="JSON").click()
    visitor.page.locator("#skill-json").get_by_text("background").first.wait_for()
    run_skill(visitor, "Palette", EXAMPLES / "palette.png")  # with a number that is left empty
    visitor.page.locator("#skill-result .swatch").nth(3).wait_for()
    run_skill(visitor, "Compare", file, EXAMPLES / "sign.png")
    visitor.page.get_by_text("moved from").wait_for()


def test_a_skill_is_stopped(visit: Any, slow: list[str]) -> None:
    visitor = visit()
    run_skill(visitor, "Alt text", EXAMPLES / "shapes.png")
    visitor.page.get_by_text("The model looks").wait_for()
    visitor.wait(lambda: len(slow) > 2)
    visitor.page.get_by_role("tabpanel").get_by_role("button", name="Stop", exact=True).click()
    visitor.page.wait_for_timeout(2000)
    count = len(slow)
    assert count < 150
    visitor.page.wait_for_timeout(1000)
    assert len(slow) == count  # nobody goes on thinking about it


@pytest.mark.parametrize("width", [390, 1100])
def test_nothing_is_wider_than_the_window(visit: Any, picture: Path, width: int) -> None:
    visitor = visit(width)
    visitor.ask("What is it, in this picture of a roof, seen from above?", picture)
    run_skill(visitor, "Contrast", EXAMPLES / "wireframe.png")
    visitor.page.locator("#skill-result table").nth(1).wait_for()
    for tab in ("Captions", "Skills", "Model", "Chat"):
        found = visitor.page.get_by_role("tab", name=tab)
        found.click()
        wide = visitor.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width, tab


def test_the_model_tab_says_what_is_loaded(visit: Any) -> None:
    visitor = visit()
    visitor.page.get_by_role("tab", name="Model").click()
    text = visitor.page.locator("#model-facts").inner_text()
    assert "tiny" in text and "decoder" in text and "MB" in text
    assert visitor.page.get_by_text("This model has no card.").is_visible()

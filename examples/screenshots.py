"""Starts `vlm demo`, uses it in a headless Chromium, and takes the pictures of it in the README.

    python examples/screenshots.py            # demo.png and demo-phone.png, beside this file
    python examples/screenshots.py --out DIR  # these, and every view in both modes, to look at

Needs the extra `test` (playwright) and a Chromium on the PATH (Debian, Ubuntu: apt-get install chromium).
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

HERE = Path(__file__).parent
PORT = 7939
PATIENCE = 600_000  # ms: a machine may be busy with something else
DESKTOP, PHONE = {"width": 1180, "height": 1100}, {"width": 390, "height": 844}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
         "--disable-sync"]  # fmt: skip


@contextmanager
def served() -> Iterator[str]:
    """The page of the embedded model, as `vlm demo` serves it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "vlm.cli", "demo", "--port", str(PORT), "--feedback", folder]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=HERE.parent)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if "http" not in line:
                raise SystemExit("the page did not start")
            yield line.split(": ", 1)[1].split()[0]
        finally:
            process.terminate()
            process.wait()


def ask(page: Page, question: str, *files: str) -> None:
    """Sends a question and waits for the line under its answer."""
    asked = page.locator("#chat .message small").count()
    if files:
        page.locator("#ask input[type=file]").first.set_input_files([HERE / file for file in files])
        expect(page.locator("#ask .thumbnail-item")).to_have_count(len(files), timeout=PATIENCE)
    page.locator("#ask textarea").fill(question)
    page.locator("#ask textarea").press("Enter")
    expect(page.locator("#chat .message small")).to_have_count(asked + 1, timeout=PATIENCE)


def opened(browser: Any, address: str, size: dict[str, int], dark: bool) -> Page:
    page = browser.new_page(viewport=size, device_scale_factor=1.5, color_scheme="dark" if dark else "light")
    page.set_default_timeout(PATIENCE)
    page.goto(f"{address}?__theme={'dark' if dark else 'light'}")
    page.locator("#ask textarea").wait_for()
    return page


def look(page: Page) -> None:
    page.get_by_role("button", name="Where did it look?").click()
    page.get_by_role("button", name="Show me").click()
    page.locator("#look img").first.wait_for()


def skill(page: Page, name: str, *files: str) -> None:
    """Chooses a skill, gives it files in the order of its fields, and waits for what it gives."""
    page.get_by_role("tab", name="Skills").click()
    page.locator("#skill input").click()
    page.get_by_role("option", name=name, exact=True).click()
    form = page.locator(f"#form-{name.lower().replace(' ', '_')}")
    form.wait_for()  # in place of the one before
    for file in files:  # a place that has its file takes no other
        form.locator("input[type=file]").first.set_input_files(HERE / file)
        form.get_by_text(Path(file).stem).first.wait_for()
    form.get_by_role("button", name="Run").click()
    page.locator("#skill-result table").first.wait_for()


def snap(page: Page, target: Path) -> None:
    page.wait_for_timeout(1500)  # until what moves has come to rest
    page.screenshot(path=target)
    print(target, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="also take every view in both modes, here")
    out: Path | None = parser.parse_args().out
    started = time.monotonic()
    with served() as address, sync_playwright() as play:
        print(f"page up after {time.monotonic() - started:.1f} s", flush=True)
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = opened(browser, address, DESKTOP, dark=False)
        if out:
            out.mkdir(parents=True, exist_ok=True)
            snap(page, out / "empty.png")
        ask(page, "Which is the largest room?", "floor_plan.png")
        ask(page, "Is there a fridge here?")
        snap(page, HERE / "demo.png")
        if out:
            look(page)
            page.locator("#look").scroll_into_view_if_needed()
            snap(page, out / "look.png")
            page.get_by_role("tab", name="Captions").click()
            page.locator("#caption-files input[type=file]").set_input_files(
                [HERE / file for file in ("shapes.png", "chart.png", "wireframe.png")]
            )
            page.get_by_role("button", name="Write captions").click()
            page.get_by_text("Done: 3 captions").wait_for()
            snap(page, out / "captions.png")
            skill(page, "Contrast", "wireframe.png")
            snap(page, out / "skills.png")
            page.get_by_role("tab", name="Model").click()
            snap(page, out / "model.png")
        page.close()
        page = opened(browser, address, PHONE, dark=True)
        if out:
            snap(page, out / "phone-empty.png")
        ask(page, "What colour is the largest slice?", "chart.png")
        snap(page, HERE / "demo-phone.png")
        if out:
            skill(page, "Palette", "palette.png")
            snap(page, out / "phone-skills.png")
            page.get_by_role("tab", name="Model").click()
            snap(page, out / "phone-model.png")
        browser.close()


if __name__ == "__main__":
    main()

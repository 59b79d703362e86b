"""Captions of many pictures: files or zip archives in, a table that grows, sidecars or JSONL out."""

from __future__ import annotations

import html
import itertools
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache

from demo.archive import is_zip, read_zip, safe_name, zipped
from vlm.answering import Answering
from vlm.captioning import CAPTION_PROMPTS
from vlm.errors import InputError, MediaError
from vlm.media import load_image

from .chat import excuse
from .theme import inline, markup

BATCH = 4
SHOWN = 300
"""Rows of the table; the downloads hold all."""
THUMBNAIL = 96
EVERY = 1.0  # seconds between two updates of the page
Item = tuple[str, Path | bytes | MediaError]


@dataclass(frozen=True)
class Row:
    """One picture: its name, its caption or what is wrong with it, and a small copy as a data URI."""

    name: str
    caption: str = ""
    error: str = ""
    thumbnail: str = ""


def build(assistant: Answering) -> None:
    """The tab. Inside `gr.Blocks`; the endpoint is `/captions`."""

    def run(files: list[str] | None, style: str) -> Iterator[tuple[Any, ...]]:
        rows: list[Row] = []
        wait = (gr.update(interactive=False), gr.update(interactive=False))
        try:
            if not files:
                raise InputError("drop some pictures first, or a zip file of them")
            total = 0 if any(is_zip(Path(file)) for file in files) else len(files)  # in a zip: not known yet
            shown = 0.0
            for row in captions(assistant, items(files), style):
                rows.append(row)
                if time.monotonic() - shown > EVERY:
                    shown = time.monotonic()
                    yield status(rows, total), table(rows), *wait
            yield status(rows, len(rows), done=True), table(rows), *downloads(rows, sidecars.GRADIO_CACHE)
        except Exception as error:
            yield f"<p class='quiet'>{html.escape(excuse(error))}</p>", table(rows), *wait

    where = "" if assistant.server else "They stay on the machine that serves this page."
    gr.Markdown(f"Drop pictures, or a zip file of them. {where}", elem_classes="quiet")
    files = gr.File(file_count="multiple", show_label=False, height=150, elem_id="caption-files")
    with gr.Row(equal_height=True):
        style = gr.Radio([*CAPTION_PROMPTS], value="detailed", label="Style", min_width=220)
        start = gr.Button("Write captions", variant="primary", size="md", min_width=160, scale=0)
        stop = gr.Button("Stop", size="md", min_width=90, scale=0)
    state = markup("", elem_id="caption-status")
    with gr.Row():
        sidecars = gr.DownloadButton("Sidecar .txt files (zip)", interactive=False, size="sm")
        jsonl = gr.DownloadButton("metadata.jsonl", interactive=False, size="sm")
    sheet = markup("", elem_id="caption-table")
    running = start.click(
        run, [files, style], [state, sheet, sidecars, jsonl], api_name="captions", concurrency_limit=1,
        concurrency_id="captions", show_progress="hidden",
    )  # fmt: skip
    stop.click(None, cancels=[running], api_visibility="private")


def items(files: Iterable[str | Path]) -> Iterator[Item]:
    """Uploads and what zip files among them hold, one at a time."""
    for file in files:
        path = Path(file)
        if is_zip(path):
            try:
                yield from read_zip(path, path.name)
            except MediaError as error:
                yield path.name, error
        else:
            yield path.name, path


def captions(assistant: Answering, found: Iterable[Item], style: str) -> Iterator[Row]:
    """A row for each item, in order. What is wrong with one changes nothing for the others."""
    found = iter(found)
    while chunk := list(itertools.islice(found, BATCH)):
        rows: dict[int, Row] = {}
        pictures = []
        for at, (name, source) in enumerate(chunk):
            try:
                if isinstance(source, MediaError):
                    raise source
                pictures.append((at, load_image(source, name=name)))
            except MediaError as error:
                rows[at] = Row(name, error=error.reason)
        written = assistant.caption([picture for _, picture in pictures], style=style, batch_size=BATCH)
        for (at, picture), result in zip(pictures, written, strict=True):
            reason = str(result.error) if result.error else ""
            rows[at] = Row(chunk[at][0], result.text, reason, inline(picture, THUMBNAIL))
        yield from (rows[at] for at in range(len(chunk)))


def table(rows: list[Row]) -> str:
    """Names and captions are foreign text: escaped."""
    if not rows:
        return ""
    lines = []
    for row in rows[:SHOWN]:
        picture = f'<img src="{row.thumbnail}" alt="">' if row.thumbnail else ""
        text = f'<span class="failed">{html.escape(row.error)}</span>' if row.error else flat(row.caption)
        lines.append(f'<tr><td>{picture}</td><td class="name">{flat(row.name)}</td><td>{text}</td></tr>')
    more = f'<p class="quiet">and {len(rows) - SHOWN} more in the downloads</p>' if len(rows) > SHOWN else ""
    head = "<thead><tr><th>Picture</th><th>File</th><th>Caption</th></tr></thead>"
    return f'<table class="rows">{head}<tbody>{"".join(lines)}</tbody></table>{more}'


def flat(text: str) -> str:
    """Foreign text on one line of HTML: an empty line would end the table."""
    return html.escape(" ".join(text.split()))


def status(rows: list[Row], total: int, done: bool = False) -> str:
    failed = sum(bool(row.error) for row in rows)
    share = f' value="{len(rows)}" max="{total}"' if total else ""
    text = f"{len(rows) - failed} captions" + (f", {failed} could not be read" if failed else "")
    return f"<progress{share}></progress><p class='quiet'>{'Done: ' if done else ''}{text}</p>"


def sidecar_texts(rows: list[Row]) -> dict[str, str]:
    """`picture.png` -> `picture.txt`; pictures that differ in their endings only keep theirs."""
    good = [(PurePosixPath(safe_name(row.name)), row.caption) for row in rows if not row.error]
    stems = [path.with_suffix("") for path, _ in good]
    texts: dict[str, str] = {}
    for (path, caption), stem in zip(good, stems, strict=True):
        name = f"{path}.txt" if stems.count(stem) > 1 else f"{stem}.txt"
        number = 1
        while name in texts:  # the same name twice
            number += 1
            name = f"{path}-{number}.txt"
        texts[name] = caption + "\n"
    return texts


def downloads(rows: list[Row], cache: str) -> tuple[Any, Any]:
    """What the two buttons offer, in the folder from which gradio serves (and which it clears)."""
    if all(row.error for row in rows):
        return gr.update(value=None, interactive=False), gr.update(value=None, interactive=False)
    lines = [json.dumps({"file_name": row.name, "text": row.caption}) for row in rows if not row.error]
    sidecars = save_bytes_to_cache(zipped(sidecar_texts(rows)), "captions.zip", cache)
    jsonl = save_bytes_to_cache("".join(f"{line}\n" for line in lines).encode(), "metadata.jsonl", cache)
    return gr.update(value=sidecars, interactive=True), gr.update(value=jsonl, interactive=True)

"""`vlm caption PATH...`: captions for files, folders, globs, lists and archives of pictures.

listing -> (what is not done) -> engine -> output
demo/captioning/listing.py     which pictures, in which order
demo/captioning/options.py     what the user can choose
demo/captioning/outputs.py     sidecars and rows; `tables.py`, `tars.py`: the files made from rows
demo/captioning/journal.py     why a kill loses nothing and repeats nothing
demo/captioning/run.py         the loop; `reporting.py`: the progress bar, errors.jsonl, Ctrl-C
demo/captioning/on_ray.py      the engine on several processes or machines
"""

from __future__ import annotations

import functools
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vlm.captioning import CAPTION_PROMPTS

from .captioning.listing import Listing
from .captioning.options import CaptionOptions, UsageError, shard_from
from .captioning.run import Engine, Run, Summary

if TYPE_CHECKING:
    from vlm.answering import Answering


def command(
    paths: list[str], lists: list[str], *, load: Callable[[], Answering], echo: Callable[..., object],
    schema: Path | None, batch_size: str, workers: int, shard: str | None, recursive: bool, follow_links: bool,
    dry_run: bool, engine: str, actors: int, device: str, **chosen: Any,
) -> Summary:  # fmt: skip
    """The command line's options as they are typed -> a run.

    Raises:
        VlmError: before anything is done; what fails later is in the summary.
    """
    part, source = shard_from(shard, os.environ)
    options = CaptionOptions(shard=part, schema=read_schema(schema), **chosen)
    listing = Listing(tuple(paths), tuple(lists), recursive, follow_links)
    if batch_size != "auto" and not re.fullmatch("[1-9][0-9]{0,3}", batch_size):
        raise UsageError(f"--batch-size must be auto or a number from 1 to 9999, got {batch_size!r}")
    size = None if batch_size == "auto" else int(batch_size)
    if engine not in ("local", "ray"):
        raise UsageError(f"--engine must be local or ray, got {engine!r}")
    work = job(listing, options)
    if source and not dry_run:
        print(f"shard {part[0]} of {part[1]} ({source})", file=sys.stderr)
    if dry_run:
        for cells in work.plan():
            echo(*cells)
        return work.summary
    if engine == "ray":
        from .captioning.on_ray import ray_engine

        return work(ray_engine(options, actors=actors, batch_size=size, workers=workers, device=device))
    return work(local(load(), options, size, workers))


def read_schema(path: Path | None) -> dict[str, Any] | None:
    """Raises `UsageError` for what is no JSON object."""
    if path is None:
        return None
    try:
        schema = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not JSON"
        raise UsageError(f"{path}: the schema cannot be read ({reason})") from None
    if not isinstance(schema, dict):
        raise UsageError(f"{path}: a JSON schema is an object")
    return schema


def job(listing: Listing, options: CaptionOptions) -> Run:
    """Ready to be called with an engine, or asked for its `plan`.

    Raises:
        UsageError: nothing is named, or the folder does not exist.
    """
    return Run(listing, options, CAPTION_PROMPTS, home_of(listing))


def local(assistant: Answering, options: CaptionOptions, batch_size: int | None = None, workers: int = 2) -> Engine:
    """The engine that is one model in this process, or one server."""
    return functools.partial(
        assistant.caption_batches, batch_size=batch_size, workers=workers, schema=options.schema,
        max_new_tokens=options.max_new_tokens,
    )  # fmt: skip


def home_of(listing: Listing) -> Path:
    """The folder that the first path is, or is in: there go tables without another place, and errors.jsonl.

    Raises:
        UsageError: nothing is named, or the folder does not exist, or a list cannot be read.
    """
    for name in listing.lists:
        if name != "-" and not os.access(name, os.R_OK):
            raise UsageError(f"{name}: the list cannot be read")
    if "" in listing.paths:
        raise UsageError("one of the paths is empty")
    if listing.paths:
        path = listing.paths[0]
        if re.search(r"[*?\[]", path) and not os.path.lexists(path):
            path = re.split(r"[^/]*[*?\[]", path, maxsplit=1)[0] or "."
        folder = Path(path) if os.path.isdir(path) else Path(path).parent  # noqa: PTH112
    elif listing.lists:
        folder = Path.cwd() if listing.lists[0] == "-" else Path(listing.lists[0]).parent
    else:
        raise UsageError("name files, folders or archives to caption, or a list of them with --files-from")
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    return folder

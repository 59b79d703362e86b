"""The engine on several processes or machines: Ray Data, with a pool of actors that each hold the model.

The run stays where it is and keeps the journal; only opening and captioning are done elsewhere, so that
outputs and resuming are the same. What a kill repeats is what was on its way: a block for each actor.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from vlm.assistant import Reply, load
from vlm.captioning import Captioned, CaptionRequest
from vlm.errors import InputError

from .listing import Item
from .options import CaptionOptions
from .run import Engine

PORTION = 20_000
"""Requests that are handed over at once: they and the driver's memory of them stay bounded."""
BLOCK = 64
"""Pictures that an actor takes at a time, to group them by length."""


def ray_engine(
    options: CaptionOptions,
    *,
    actors: int,
    batch_size: int | None,
    workers: int,
    device: str,
    address: str | None = None,
) -> Engine:
    """Starts Ray on this machine, or joins the cluster that RAY_ADDRESS names.

    Raises:
        InputError: Ray is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is reported to anybody
    try:
        import ray
        import ray.data
    except ModuleNotFoundError:
        raise InputError("--engine ray needs Ray: pip install 'vlm-studio[ray]'", "missing_extra") from None

    settings = {
        "model": options.model, "device": device, "batch_size": batch_size, "workers": workers,
        "schema": options.schema, "max_new_tokens": options.max_new_tokens,
        "loading": {"adapters": dict(options.adapters), "chat_template": options.chat_template or None},
    }  # fmt: skip

    def engine(requests: Iterable[CaptionRequest]) -> Iterator[list[Captioned]]:
        if not ray.is_initialized():
            ray.init(address=address, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
        ray.data.DataContext.get_current().enable_progress_bars = False
        requests = iter(requests)
        while portion := list(itertools.islice(requests, PORTION)):
            blocks = max(actors, -(-len(portion) // BLOCK))
            data = ray.data.from_items([_row(request) for request in portion], override_num_blocks=blocks)
            captioned = data.map_batches(
                Captioner, fn_constructor_kwargs=settings, batch_size=BLOCK, num_cpus=1,
                num_gpus=1 if device.startswith("cuda") else None, compute=ray.data.ActorPoolStrategy(size=actors),
            )  # fmt: skip
            for block in captioned.iter_batches(batch_size=None, prefetch_batches=0):
                yield [_result(*values) for values in zip(*(block[name] for name in COLUMNS), strict=True)]

    return engine


COLUMNS = ("place", "text", "finish_reason", "code", "message")


class Captioner:
    """An actor: a model, and what it is asked for. One column per field in, one per field out."""

    def __init__(self, *, model: str, device: str, loading: dict[str, Any], **options: Any) -> None:
        self.assistant, self.options = load(model, device=device, **loading), options

    def __call__(self, block: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        rows = [dict(zip(block, values, strict=True)) for values in zip(*block.values(), strict=True)]
        found = itertools.chain.from_iterable(self.assistant.caption_batches(map(_request, rows), **self.options))
        fields = [
            (
                one.place, one.text, one.reply.finish_reason if one.reply else "",
                one.error.code if one.error else "", str(one.error or ""),
            )
            for one in found
        ]  # fmt: skip
        return {name: np.array(column, dtype=None if name == "place" else object)
                for name, column in zip(COLUMNS, zip(*fields, strict=True), strict=True)}  # fmt: skip


def _row(request: CaptionRequest) -> dict[str, Any]:
    """Plain values for Arrow; names as bytes, since they need not be UTF-8."""
    item: Item = request.image.__self__  # type: ignore[union-attr]  # the run asks for `item.source`
    return {
        "place": request.place, "path": os.fsencode(os.path.abspath(item.path)), "name": os.fsencode(item.name),  # noqa: PTH100
        "member": os.fsencode(item.member), "offset": item.offset, "size": item.size, "prompt": request.prompt,
    }  # fmt: skip


def _request(row: dict[str, Any]) -> CaptionRequest:
    path, member, name = (os.fsdecode(row[column]) for column in ("path", "member", "name"))
    item = Item(path, member, int(row["offset"]), int(row["size"]))
    return CaptionRequest(int(row["place"]), item.source, str(row["prompt"]), name)


def _result(place: Any, text: str, finish_reason: str, code: str, message: str) -> Captioned:
    if code:
        return Captioned(int(place), error=InputError(message, code))
    return Captioned(int(place), Reply(text, finish_reason, 0, 0, 0.0, 0.0))

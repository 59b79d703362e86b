"""The run: listing -> what is not done yet -> an engine that captions -> an output, and what the user sees of it."""

from __future__ import annotations

import os
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from vlm.captioning import Captioned, CaptionRequest

from .journal import Seen
from .listing import Item, Listing, Problem
from .options import CaptionOptions
from .outputs import Output, output_for
from .reporting import ErrorFile, Progress, stop_on_signals

Engine = Callable[[Iterable[CaptionRequest]], Iterator[list[Captioned]]]
"""Requests -> results, in batches, in any order: `Assistant.caption_batches`, or one on several machines."""


@dataclass
class Summary:
    """What a run did. `failed` counts by code; `cut`: captions that `max_new_tokens` ended."""

    captioned: int = 0
    cut: int = 0
    skipped: int = 0
    repeated: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    interrupted: bool = False
    errors: Path | None = None

    @property
    def exit_code(self) -> int:
        """0 all fine, 1 some failed, 130 interrupted."""
        return 130 if self.interrupted else 1 if self.failed else 0

    def __str__(self) -> str:
        rate = self.captioned / self.seconds if self.seconds else 0.0
        parts = [f"captioned {self.captioned} in {self.seconds:.1f} s ({rate:.2f} images/s)"]
        if self.cut:
            parts.append(f"cut off by --max-new-tokens {self.cut}")
        if self.skipped:
            parts.append(f"done before {self.skipped}")
        if self.repeated:
            parts.append(f"named twice {self.repeated}")
        codes = ", ".join(f"{code} {count}" for code, count in sorted(self.failed.items()))
        parts.append(f"failed {self.failed.total()}" + (f" ({codes}; see {self.errors})" if codes else ""))
        if self.left_out:
            kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(self.left_out.items()))
            parts.append(f"not looked at: {kinds}")
        return "; ".join(parts)


class Run:
    """One start of a job. `home` is where files of its own go: what is unfinished, and `errors.jsonl`."""

    def __init__(self, listing: Listing, options: CaptionOptions, prompts: Mapping[str, str], home: Path) -> None:
        self.listing, self.options, self.prompts = listing, options.located(home), prompts
        self.home = home
        self.summary = Summary(errors=self.options.errors)
        self.stop = threading.Event()
        self.waiting: dict[int, Item] = {}
        self.output: Output

    def __call__(self, engine: Engine) -> Summary:
        """Captions what is not done yet.

        Raises:
            UsageError, InputError: before anything is done.
        """
        started = time.monotonic()
        self.output = output_for(self.options, self.home)
        finished = False
        try:
            with self._errors() as errors, self._bar() as bar, stop_on_signals(self.stop):
                self.errors, self.bar = errors, bar
                for batch in engine(self._requests()):
                    self._commit(batch)
                    if self.stop.is_set():
                        break
                self.summary.interrupted = self.stop.is_set()
                for problem in self.output.finish(complete=not self.summary.interrupted):
                    self.summary.captioned -= 1
                    self._report(problem)
                self.summary.left_out = +self.listing.left_out
            finished = not self.summary.interrupted
        finally:
            self.output.close(complete=finished)
        self.summary.seconds = time.monotonic() - started
        return self.summary

    def plan(self) -> Iterator[tuple[str, ...]]:
        """(state or code, name or message, what it goes to) of each item; nothing is captioned or written."""
        output = output_for(self.options, self.home, dry=True)
        for entry in self.todo(output):
            if isinstance(entry, Problem):
                self.summary.failed[entry.code] += 1
                yield entry.code, entry.message
            else:
                yield entry[1], entry[0].name, os.fsdecode(output.target(entry[0]))
        output.close(complete=False)

    def entries(self) -> Iterator[Item | Problem]:
        """This shard's part of the listing: by a hash of the name, so that a file that is added moves no other."""
        number, count = self.options.shard
        for entry in self.listing:
            if count == 1 or zlib.crc32(os.fsencode(self._known_as(entry.name))) % count == number:
                yield entry

    def _known_as(self, name: str) -> str:
        """By its name in the folder that was given, which may lie elsewhere on another machine; else as listed."""
        inside = os.path.relpath(name, self.home) if self.listing.paths else os.pardir
        return name if inside.split(os.sep, 1)[0] == os.pardir else inside

    def todo(self, output: Output) -> Iterator[tuple[Item, str] | Problem]:
        """(item, "todo" | "done" | "repeated"), and problems: those of the listing, and outputs that are taken."""
        seen = Seen()
        for entry in self.entries():
            if isinstance(entry, Problem):
                yield entry
                continue
            name = os.fsencode(entry.name)
            owner = seen.owner(output.target(entry), name)
            if not owner:
                if reason := output.in_the_way(entry):
                    yield Problem(entry.name, "name_collision", reason, entry.place)
                else:
                    yield entry, "done" if output.done(entry) else "todo"
            elif owner == name or os.path.realpath(owner) == os.path.realpath(name):
                yield entry, "repeated"
            else:
                message = (
                    f"{entry.name}: its caption would go to the same file as that of {os.fsdecode(owner)}; "
                    "rename one, or take --format jsonl"
                )
                yield Problem(entry.name, "name_collision", message, entry.place)

    def _requests(self) -> Iterator[CaptionRequest]:
        for entry in self.todo(self.output):
            if self.stop.is_set():
                return
            if isinstance(entry, Problem):
                self._report(entry)
                continue
            item, state = entry
            if state == "todo":
                self.waiting[item.place] = item
                prompt = self.options.ask(item, self.prompts)
                yield CaptionRequest(item.place, item.source, prompt, item.name)
            else:
                self.summary.skipped += state == "done"
                self.summary.repeated += state == "repeated"
                self.bar.leave_out()

    def _commit(self, batch: list[Captioned]) -> None:
        captions = []
        for result in batch:
            item = self.waiting.pop(result.place)
            if result.error is not None:
                message = str(result.error)
                message = message if item.name in message else f"{item.name}: {message}"
                self._report(Problem(item.name, result.error.code, message, item.place))
            else:
                captions.append((item, self.options.written(result.text)))
                self.summary.cut += result.reply is not None and result.reply.finish_reason == "length"
        problems = self.output.commit(captions) if captions else []
        for problem in problems:
            self._report(problem)
        done = len(captions) - len(problems)
        self.summary.captioned += done
        self.bar.advance(done, self.summary.failed.total())

    def _report(self, problem: Problem) -> None:
        self.summary.failed[problem.code] += 1
        self.errors.add(problem)
        self.bar.advance(1, self.summary.failed.total())

    def _errors(self) -> ErrorFile:
        assert self.options.errors is not None
        return ErrorFile(self.options.errors)

    def _bar(self) -> Progress:
        return Progress(replace(self.listing, sniff=False), self.options.shard[1])

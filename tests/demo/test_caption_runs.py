"""Runs of `vlm caption`: what is written, what a second start does, and what a kill leaves."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from demo.caption import job
from demo.captioning.journal import Journal
from demo.captioning.listing import Listing
from demo.captioning.options import CaptionOptions, UsageError, shard_from
from demo.captioning.reporting import Progress
from demo.captioning.run import Engine
from vlm.captioning import Captioned, CaptionRequest
from vlm.errors import InputError

from ..encoders.hazards import encoded, picture
from .captions import captioned, save, sized
from .test_caption_listing import archive


def texts(folder: Path, extension: str = ".txt") -> dict[str, str]:
    """Every sidecar by its path; nothing of ours may be left beside them."""
    left = [p.name for p in folder.rglob(".*")]
    assert left == [], left
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob(f"*{extension}"))}


def table(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            return list(csv.DictReader(file))
    import pyarrow.parquet

    rows: list[dict[str, Any]] = pyarrow.parquet.read_table(path).to_pylist()
    return rows


def failures(folder: Path) -> dict[str, str]:
    """Name -> code, of errors.jsonl."""
    path = folder / "errors.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return {os.path.relpath(line["file_name"], folder): line["code"] for line in lines}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures of different sizes, one of them in a subfolder, one named by no suffix."""
    base = tmp_path / "pictures"
    for number in range(8):
        save(base / f"p{number}.png", 10 + number, 5)
    save(base / "sub" / "deep.jpg", 30, 3)
    (base / "noname").write_bytes(encoded(picture(40, 4), "PNG"))
    return base


EXPECTED = {
    "noname.txt": "40x4 ?\n",
    **{f"p{n}.txt": f"{10 + n}x5 ?\n" for n in range(8)},
    "sub/deep.txt": "30x3 ?\n",
}


# --- sidecars ----------------------------------------------------------------------------------------


def test_sidecars_and_resuming(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    summary = captioned(folder, engine=sized(log))
    assert (summary.captioned, summary.skipped, summary.exit_code) == (10, 0, 0)
    assert texts(folder) == EXPECTED
    (folder / "p3.txt").unlink()
    (folder / "p4.txt").write_text("")  # another program's crash
    (folder / "p5.txt").write_text("mine")
    again = captioned(folder, engine=sized(log))
    assert (again.captioned, again.skipped) == (2, 8)
    assert texts(folder) == {**EXPECTED, "p5.txt": "mine"}
    assert Counter(log.read_text().split("\n"))[str(folder / "p3.png")] == 2
    assert len(log.read_text().splitlines()) == 12


@pytest.mark.parametrize(
    ("existing", "first", "second"),
    [
        ("overwrite", "10x5 ?", "10x5 ?"),
        ("append", "old 10x5 ?", "old 10x5 ? 10x5 ?"),
        ("prepend", "10x5 ? old", "10x5 ? 10x5 ? old"),
        ("skip", "old", "old"),
    ],
)
def test_existing(folder: Path, existing: str, first: str, second: str) -> None:
    (folder / "p0.txt").write_text("old\n")
    for expected in (first, second):  # a second job is meant
        assert captioned(folder, existing=existing).exit_code == 0
        assert (folder / "p0.txt").read_text().strip() == expected


def test_text_around_and_tags(folder: Path) -> None:
    (folder / "p0.txt").write_text("red, blue\n")
    captioned(folder / "p0.png", existing="append", style="tags", prefix="<", suffix=">", prompt="a\n b")
    assert (folder / "p0.txt").read_text() == "red, blue, <10x5 a b>\n"


def test_prompt_template(folder: Path) -> None:
    (folder / "p1.txt").write_text("red, blue\n")
    captioned(folder, prompt="{name} in {directory}: {tags} {other} {{name}}", existing="overwrite")
    assert (folder / "p1.txt").read_text() == "11x5 p1 in pictures: red, blue {other} {p1}\n"
    assert (folder / "sub" / "deep.txt").read_text() == "30x3 deep in sub: {other} {deep}\n"


def test_same_stem_is_a_collision(folder: Path) -> None:
    save(folder / "p0.jpg", 99, 9)  # sorted before p0.png
    summary = captioned(folder)
    assert summary.exit_code == 1 and failures(folder) == {"p0.png": "name_collision"}
    assert (folder / "p0.txt").read_text() == "99x9 ?\n"
    assert "p0.jpg" in (folder / "errors.jsonl").read_text()
    assert captioned(folder, format="jsonl").exit_code == 0  # a table has room for both
    names = [row["file_name"] for row in table(folder / "metadata.jsonl")]
    assert {"p0.jpg", "p0.png"} <= set(names) and not (folder / "errors.jsonl").exists()


def test_named_twice_is_captioned_once(folder: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    summary = captioned(
        folder, folder / "p0.png", folder / "sub" / ".." / "p1.png", existing="append", engine=sized(log)
    )
    assert (summary.captioned, summary.repeated, summary.exit_code) == (10, 2, 0)
    assert texts(folder) == EXPECTED and len(log.read_text().splitlines()) == 10


def test_a_bad_picture_changes_no_other(folder: Path) -> None:
    captioned(folder)
    good = texts(folder)
    for path in folder.rglob("*.txt"):
        path.unlink()
    (folder / "a-empty.png").touch()
    (folder / "p35.png").write_bytes((folder / "p3.png").read_bytes()[:45])
    (folder / "z.jpg").write_text("<html>")
    os.mkfifo(folder / "p1.5.png")
    summary = captioned(folder)
    assert texts(folder) == good and summary.captioned == 10 and summary.exit_code == 1
    codes = {"a-empty.png": "bad_image", "p1.5.png": "not_regular_file", "p35.png": "bad_image", "z.jpg": "bad_image"}
    assert failures(folder) == codes and summary.failed == Counter(codes.values())
    for name in codes:
        (folder / name).unlink()
    assert captioned(folder).exit_code == 0 and failures(folder) == {}


def test_a_sidecar_that_cannot_be_written(folder: Path) -> None:
    (folder / "p2.txt").mkdir()
    summary = captioned(folder)
    assert failures(folder) == {"p2.png": "io_error"} and summary.captioned == 9
    (folder / "p2.txt").rmdir()
    assert texts(folder) == {name: text for name, text in EXPECTED.items() if name != "p2.txt"}


def test_a_picture_named_like_a_sidecar_is_not_written_over(folder: Path) -> None:
    own, other = folder / "own.txt", folder / "p0.txt"
    for path in (own, other):
        path.write_bytes(encoded(picture(), "PNG"))
    before = own.read_bytes()
    for existing in ("skip", "overwrite", "append"):
        summary = captioned(folder, existing=existing)
        assert failures(folder) == dict.fromkeys(("own.txt", "p0.png", "p0.txt"), "name_collision")
        assert own.read_bytes() == other.read_bytes() == before
    assert summary.captioned == 9
    assert captioned(folder, format="jsonl").captioned == 12


def test_paths_that_cannot_be(tmp_path: Path) -> None:
    """Named, but impossible: reported, in every format, and never a traceback."""
    good = save(tmp_path / "a.png")
    odd = [tmp_path / ("x" * 300), good / "below.png", tmp_path / "missing.png", Path("/dev/zero"), Path("/dev/null")]
    for format_ in ("txt", "jsonl"):
        summary = captioned(good, *odd, format=format_)
        assert (summary.captioned, summary.failed) == (1, {"not_found": 3, "not_regular_file": 2})
    with pytest.raises(UsageError):
        captioned(good, "")


def test_a_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was kept stays, the message says so, and the next start goes on."""
    commits = 0
    put = Journal.put

    def fill(self: Journal, rows: Any) -> None:
        nonlocal commits
        commits += 1
        if commits == 3:
            self.base.execute("PRAGMA max_page_count = 1")  # SQLite's own way to say "database or disk is full"
            rows = [(b"x" * 100_000, 0, 1, "x" * 100_000)]
        put(self, rows)

    monkeypatch.setattr(Journal, "put", fill)
    with pytest.raises(InputError, match="what was kept before is safe") as error:
        captioned(folder, format="jsonl", engine=sized(batch_size=3))
    assert error.value.code == "io_error"
    monkeypatch.undo()
    again = captioned(folder, format="jsonl")
    assert again.skipped in (3, 6) and again.skipped + again.captioned == 10
    assert table(folder / "metadata.jsonl") == ROWS


def test_longest_name(tmp_path: Path) -> None:
    path = save(tmp_path / ("n" * 251 + ".png"))
    assert captioned(tmp_path).exit_code == 0
    assert path.with_suffix(".txt").read_text() == "8x6 ?\n"


def test_errors_of_somebody_else_are_kept(folder: Path) -> None:
    (folder / "errors.jsonl").write_text("my own list\n")
    with pytest.raises(UsageError, match="was not written by this program"):
        captioned(folder)
    assert (folder / "errors.jsonl").read_text() == "my own list\n"
    assert captioned(folder, errors=folder / "other.jsonl").exit_code == 0


def test_progress(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal: how many of how many, images/s, the time left, failures; what is done counts for nothing."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with Progress(Listing((str(folder / "*.png"), str(folder / "sub"))), shards=1) as bar:
        bar.counting.join()
        for _ in range(3):
            bar.leave_out()
        bar.advance(4, failures=2)
        bar.bar.refresh()
    shown = screen.getvalue().replace("\r", "\n").splitlines()[-1]
    assert re.search(r"\b4/6 \[\d\d:\d\d<\d\d:\d\d, .* images/s, 2 failed\]", shown), shown
    assert not bar.counting.is_alive()


# --- tables ------------------------------------------------------------------------------------------

ROWS = [{"file_name": name.replace(".txt", ".png"), "text": text.strip()} for name, text in EXPECTED.items()]
ROWS[0]["file_name"], ROWS[-1]["file_name"] = "noname", "sub/deep.jpg"


@pytest.mark.parametrize("format_", ["jsonl", "csv", "parquet"])
def test_tables(folder: Path, tmp_path: Path, format_: str) -> None:
    log = tmp_path / "log"
    path = folder / f"metadata.{format_}"
    assert captioned(folder, format=format_, engine=sized(log, batch_size=3)).exit_code == 0
    assert table(path) == ROWS  # in the order of the listing, whatever the batches
    save(folder / "p55.png", 77, 7)
    again = captioned(folder, format=format_, engine=sized(log))
    assert (again.captioned, again.skipped) == (1, 10) and len(log.read_text().splitlines()) == 11
    assert [row["file_name"] for row in table(path)][6:8] == ["p5.png", "p55.png"]
    appended = captioned(folder, format=format_, existing="append", engine=sized(log))
    assert appended.captioned == 11
    assert table(path)[1] == {"file_name": "p0.png", "text": "10x5 ? 10x5 ?"}
    assert [p.name for p in folder.rglob(".*")] == []


@pytest.mark.parametrize("format_", ["jsonl", "csv", "parquet"])
def test_other_columns_are_kept(folder: Path, format_: str) -> None:
    captioned(folder, format=format_)
    path = folder / f"metadata.{format_}"
    rows = [{**row, "label": f"l{number}"} for number, row in enumerate(table(path))]
    rows[0]["text"] = ""
    if format_ == "jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    elif format_ == "csv":
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        import pyarrow
        import pyarrow.parquet

        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    summary = captioned(folder, format=format_)
    assert (summary.captioned, summary.skipped) == (1, 9)
    rows[0]["text"] = "40x4 ?"
    assert table(path) == rows


def test_a_table_that_cannot_be_read_is_not_overwritten(folder: Path) -> None:
    path = folder / "metadata.jsonl"
    path.write_text('{"file_name": "p0.png", "text": "x"}\n{"file_na')
    with pytest.raises(InputError, match="row 2") as error:
        captioned(folder, format="jsonl")
    assert error.value.code == "bad_table" and path.read_text().endswith('{"file_na')


def test_names_come_back_as_they_were(tmp_path: Path) -> None:
    names = [os.fsdecode(b"\xff.png"), "new\nline.png", "caf\u00e9.png", "cafe\u0301.png", "quo\"te',.png"]
    for number, name in enumerate(names):
        save(tmp_path / name, 10 + number)
    for format_ in ("jsonl", "csv"):
        assert captioned(tmp_path, format=format_).exit_code == 0
        assert sorted(row["file_name"] for row in table(tmp_path / f"metadata.{format_}")) == sorted(names)
    assert captioned(tmp_path, format="parquet").failed == {"unsupported_name": 1}
    assert len(table(tmp_path / "metadata.parquet")) == 4


def test_imagefolder(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Hugging Face datasets make of the folder."""
    datasets = pytest.importorskip("datasets")
    (folder / "noname").unlink()  # imagefolder goes by suffixes
    (folder / "broken.png").touch()
    assert captioned(folder).exit_code == 1 and (folder / "errors.jsonl").exists()  # which is no metadata
    (folder / "broken.png").unlink()
    for format_ in ("jsonl", "csv", "parquet"):
        assert captioned(folder, format=format_).exit_code == 0
        data = datasets.load_dataset(
            "imagefolder", data_dir=str(folder), split="train", cache_dir=str(tmp_path / format_)
        )
        found = {f"{row['image'].size[0]}x{row['image'].size[1]} ?": row["text"] for row in data}
        assert len(found) == 9 and all(size == text for size, text in found.items())
        (folder / f"metadata.{format_}").unlink()


def test_tars(folder: Path, tmp_path: Path) -> None:
    """In and out, read back by webdataset; a second job adds shards and touches none."""
    webdataset = pytest.importorskip("webdataset")
    out = tmp_path / "out.tar"
    options: dict[str, Any] = {"format": "tar", "output": out, "rows_per_tar": 4}
    assert captioned(folder, **options).exit_code == 0
    shards = sorted(tmp_path.glob("out-*.tar"))
    assert [p.name for p in shards] == [f"out-{n:06d}.tar" for n in range(3)]
    samples = list(webdataset.WebDataset([str(p) for p in shards], shardshuffle=False))
    assert [json.loads(s["json"]) for s in samples] == [
        {"file_name": os.path.relpath(folder / row["file_name"], tmp_path), "text": row["text"]} for row in ROWS
    ]
    assert [s["txt"].decode() for s in samples] == [row["text"] for row in ROWS]
    assert samples[1]["png"] == (folder / "p0.png").read_bytes() and "jpg" in samples[-1]
    before = [p.read_bytes() for p in shards]
    save(folder / "new.png", 50, 5)
    assert captioned(folder, **options).captioned == 1
    assert [p.read_bytes() for p in shards] == before
    added = list(webdataset.WebDataset([str(tmp_path / "out-000003.tar")], shardshuffle=False))
    assert [s["txt"] for s in added] == [b"50x5 ?"]
    second = tmp_path / "second.tar"
    summary = captioned(*shards, format="tar", output=second)
    assert (summary.captioned, summary.exit_code, summary.left_out["other files"]) == (10, 0, 20)
    copied = list(webdataset.WebDataset([str(tmp_path / "second-000000.tar")], shardshuffle=False))
    assert [s["txt"] for s in copied] == [s["txt"] for s in samples]
    assert copied[1]["png"] == samples[1]["png"]


def test_archives_have_no_sidecars(tmp_path: Path) -> None:
    path = archive(tmp_path / "in.tar", {"a.png": encoded(picture(), "PNG"), "b.png": b"broken"})
    with pytest.raises(UsageError, match="archive"):
        captioned(path)
    summary = captioned(path, format="jsonl")
    assert summary.failed == {"bad_image": 1}
    assert table(tmp_path / "metadata.jsonl") == [{"file_name": "in.tar/a.png", "text": "64x48 ?"}]


# --- shards and settings -----------------------------------------------------------------------------


def test_shards_are_a_partition(folder: Path) -> None:
    counts = []
    for number in range(3):
        before = len(list(folder.rglob("*.txt")))
        counts.append(captioned(folder, shard=(number, 3)).captioned)
        assert len(list(folder.rglob("*.txt"))) == before + counts[-1]
    assert sum(counts) == 10 and texts(folder) == EXPECTED
    for number in range(3):
        captioned(folder, shard=(number, 3), format="jsonl")
    parts = [table(folder / f"metadata-{number:05d}-of-00003.jsonl") for number in range(3)]
    assert [len(part) for part in parts] == counts
    assert sorted(row["file_name"] for part in parts for row in part) == sorted(row["file_name"] for row in ROWS)


def test_shards_are_the_same_at_any_place(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where each machine of a cluster has the folder mounted elsewhere, or was told of it in another way."""
    moved = tmp_path / "elsewhere" / "mounted"
    shutil.copytree(folder, moved)
    captioned(folder, shard=(0, 3))
    captioned(moved, shard=(1, 3))
    monkeypatch.chdir(moved.parent)
    captioned("./mounted", shard=(2, 3))
    first, rest = texts(folder), texts(moved)
    assert first and rest and not set(first) & set(rest)
    assert {**first, **rest} == EXPECTED


def test_shards_of_a_list_are_the_same_wherever_it_lies(folder: Path, tmp_path: Path) -> None:
    names = "\n".join(str(path) for path in sorted(folder.rglob("*")) if path.is_file())
    done = []
    for number, place in enumerate(("one", "two/deeper", "three/much/deeper")):
        (tmp_path / place).mkdir(parents=True)
        listed = tmp_path / place / "list"
        listed.write_text(names)
        run = job(Listing((), (str(listed),)), CaptionOptions(prompt="?", shard=(number, 3)))
        done.append(run(sized()).captioned)
    assert sum(done) == 10 and texts(folder) == EXPECTED


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        ("2/5", {"RANK": "0", "WORLD_SIZE": "9"}, ((2, 5), "--shard")),
        (None, {"RANK": "3", "WORLD_SIZE": "9"}, ((3, 9), "torchrun")),
        (None, {"SLURM_PROCID": "1", "SLURM_NTASKS": "4", "SLURM_STEP_ID": "0"}, ((1, 4), "srun")),
        (None, {"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}, ((0, 1), "")),  # the batch script itself
        (
            None,
            {"SLURM_ARRAY_TASK_ID": "14", "SLURM_ARRAY_TASK_COUNT": "3", "SLURM_ARRAY_TASK_MIN": "10",
             "SLURM_ARRAY_TASK_STEP": "2"},
            ((2, 3), "SLURM array"),
        ),
        (None, {}, ((0, 1), "")),
    ],
)  # fmt: skip
def test_shard_from(text: str | None, environment: dict[str, str], expected: tuple[tuple[int, int], str]) -> None:
    assert shard_from(text, environment) == expected


@pytest.mark.parametrize("text", ["3/3", "1", "a/b", "-1/2", "0/0", "1/2/3", ""])
def test_wrong_shards(text: str) -> None:
    with pytest.raises(UsageError):
        shard_from(text, {})


def test_wrong_variables() -> None:
    with pytest.raises(UsageError):
        shard_from(None, {"RANK": "x", "WORLD_SIZE": "2"})
    with pytest.raises(UsageError):
        shard_from(None, {"RANK": "2", "WORLD_SIZE": "2"})


@pytest.mark.parametrize(
    "wrong",
    [{"format": "xml"}, {"existing": "maybe"}, {"style": "long"}, {"output": Path("x"), "format": "txt"},
     {"format": "tar", "existing": "append"}, {"extension": "txt"}, {"extension": ".a/b"}, {"max_new_tokens": 0}],
)  # fmt: skip
def test_wrong_options(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        CaptionOptions(**wrong)


def stopping(after: int, how: int = signal.SIGINT) -> Engine:
    """Sends a signal to this process when so many batches are done."""

    def engine(requests: Iterable[CaptionRequest]) -> Iterator[list[Captioned]]:
        for number, batch in enumerate(sized(batch_size=2)(requests), start=1):
            if number == after:
                os.kill(os.getpid(), how)
            yield batch

    return engine


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("format_", ["txt", "jsonl"])
def test_interrupted(folder: Path, format_: str, how: int) -> None:
    """The batch is finished and kept, handlers are back, and the same command goes on; another one is refused."""
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    summary = captioned(folder, format=format_, engine=stopping(2, how), existing="append")
    assert (summary.interrupted, summary.captioned, summary.exit_code) == (True, 4, 130)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    kept = len(list(folder.rglob("*.txt"))) if format_ == "txt" else len(table(folder / "metadata.jsonl"))
    assert kept == 4
    with pytest.raises(InputError, match="prompt: '\\?'") as error:
        captioned(folder, format=format_, prompt="other", existing="append")
    assert error.value.code == "other_settings"
    again = captioned(folder, format=format_, existing="append")
    assert (again.captioned, again.skipped) == (6, 4)
    if format_ == "txt":
        assert texts(folder) == EXPECTED
    else:
        assert table(folder / "metadata.jsonl") == ROWS


def test_a_second_run_waits_its_turn(folder: Path) -> None:
    held = Journal(folder / ".vlm-caption.journal", "{}")
    with pytest.raises(InputError) as error:
        captioned(folder)
    assert error.value.code == "busy"
    held.close(finished=True)
    assert captioned(folder).exit_code == 0


# --- kill -9 -----------------------------------------------------------------------------------------


def kill_often(folder: Path, kills: int, seed: int, **options: Any) -> dict[str, int]:
    """Starts the job in child processes and kills them at random instants, until `kills` were killed at work.

    A third of the pictures have a sidecar already where that matters. Returns counts: jobs done, kills,
    pictures captioned once more than needed.
    """
    batch, count = 4, sum(1 for p in folder.iterdir() if p.suffix == ".png")
    rng, log = random.Random(seed), folder.parent / "log"
    done = {"jobs": 0, "kills": 0, "redone": 0}
    span, in_job = 0.4, 0
    _old(folder, count, options)
    while done["kills"] < kills or in_job:
        child = os.fork()
        if child == 0:
            code = 99
            try:
                code = captioned(folder, engine=sized(log, batch, pause=0.004), **options).exit_code
            finally:
                os._exit(code)
        last = done["kills"] >= kills  # then let the job end
        time.sleep(0 if last else rng.uniform(0, span))
        if not last:
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            done["kills"] += 1
            in_job += 1
            journals = [p for p in folder.iterdir() if p.name.endswith(".journal")]
            if journals or not log.exists() or len(set(log.read_text().splitlines())) < count:
                continue  # at work; without a journal the job was done, and a start would begin another one
        else:
            assert os.WEXITSTATUS(status) == 0
        calls = Counter(log.read_text().splitlines())
        assert len(calls) == count, "every picture was captioned"
        redone = calls.total() - count
        assert redone <= in_job * batch, f"{redone} captioned again after {in_job} kills"
        done["jobs"], done["redone"], in_job = done["jobs"] + 1, done["redone"] + redone, 0
        whole(folder, count, options)
        log.unlink()
        for path in folder.iterdir():
            if path.suffix != ".png":
                path.unlink()
        _old(folder, count, options)
    return done


def _old(folder: Path, count: int, options: dict[str, Any]) -> None:
    if options.get("existing", "skip") != "skip" and options.get("format", "txt") == "txt":
        for number in range(0, count, 3):
            (folder / f"p{number}.txt").write_text("old\n")


def whole(folder: Path, count: int, options: dict[str, Any]) -> None:
    """Nothing lost, nothing twice, nothing half-written, nothing left over."""
    assert [p.name for p in folder.iterdir() if p.name.startswith(".")] == []
    if options.get("format", "txt") == "txt":
        found = {p.name: p.read_text().strip() for p in folder.glob("*.txt")}
        name = "p{}.txt"
    else:
        rows = table(folder / f"metadata.{options['format']}")
        assert len(rows) == count
        found = {row["file_name"]: row["text"] for row in rows}
        name = "p{}.png"
    assert len(found) == count
    for number in range(count):
        text = f"{10 + number}x5 ?"
        appended = options.get("format", "txt") == "txt" and options.get("existing") == "append" and number % 3 == 0
        assert found[name.format(number)] == (f"old {text}" if appended else text)


MODES = [
    {"existing": "skip"}, {"existing": "append"}, {"existing": "overwrite"}, {"format": "jsonl"},
    {"format": "jsonl", "existing": "append"}, {"format": "parquet"},
]  # fmt: skip


@pytest.mark.parametrize("options", MODES, ids=str)
def test_killed_a_few_times(tmp_path: Path, options: dict[str, Any]) -> None:
    for number in range(24):
        save(tmp_path / "in" / f"p{number}.png", 10 + number, 5)
    assert kill_often(tmp_path / "in", 4, 0, **options)["kills"] == 4


@pytest.mark.slow
def test_killed_a_hundred_times(tmp_path: Path) -> None:
    total: Counter[str] = Counter()
    for seed, options in enumerate(MODES):
        folder = tmp_path / str(seed)
        for number in range(60):
            save(folder / f"p{number}.png", 10 + number, 5)
        total.update(kill_often(folder, 17, seed, **options))
        (tmp_path / "log").unlink(missing_ok=True)
    assert total["kills"] >= 100
    print(f"\n{total['kills']} kills: 0 lost, 0 duplicated, 0 half-written; {total['redone']} captioned again")


# --- flat memory -------------------------------------------------------------------------------------

MEASURE = """
import itertools, resource, sys
from tests.demo.captions import Said, captioned
from vlm.captioning import Captioned
def engine(requests):
    while batch := list(itertools.islice(requests, 64)):
        yield [Captioned(request.place, Said("a caption")) for request in batch]
captioned(sys.argv[1], engine=engine, format="jsonl")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_is_flat(tmp_path: Path) -> None:
    """A tree of 100,000 pictures costs at most 64 MiB more than one of 1,000."""
    root = Path(__file__).parents[2]
    peaks = {}
    for count in (1000, 100_000):
        folder = tmp_path / str(count)
        one = save(folder / "0" / "0.png")
        for number in range(1, count):
            path = folder / str(number // 5000) / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            try:
                path.hardlink_to(one)
            except OSError:  # so many links are too many for some file systems
                one = save(path)
        command = [sys.executable, "-c", MEASURE, str(folder)]
        done = subprocess.run(
            command, capture_output=True, check=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
        )
        peaks[count] = int(done.stdout.split()[-1]) >> 10
        assert sum(1 for _ in (folder / "metadata.jsonl").open()) == count
    print(f"\nMiB: {peaks}")
    assert peaks[100_000] - peaks[1000] <= 64

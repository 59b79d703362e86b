"""`vlm bench serve`: that its figures are what they say they are. How large they are is no test's business."""

from __future__ import annotations

import base64
import io
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

pytest.importorskip("fastapi", reason="the server needs fastapi: pip install '.[serve]'")

from demo.bench.client import Answer
from demo.bench.measures import CLIENTS, Phase, compared, percentile
from demo.bench.questions import Questions, picture
from demo.bench.report import Report
from demo.bench.run import Options
from demo.serving.options import Limits
from vlm.assistant import Assistant
from vlm.cli import app

from .ports import free_port
from .serving import Counting, ScriptedAssistant, ScriptedEngine, listening

REQUESTS, ROUNDS, REPEATS = 3, 2, 5
COUNTS = ["--requests", str(REQUESTS), "--rounds", str(ROUNDS), "--repeats", str(REPEATS), "--seed", "1", "--json"]


def run(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["bench", "serve", *COUNTS, *arguments])
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def check(report: dict[str, Any]) -> None:
    """Everything that was asked was answered, refused or left, as it should be."""
    assert report["model"] == "tiny" and report["seed"] == 1
    assert [int(count) for count in report["throughput"]] == list(CLIENTS)
    for one in report["throughput"].values():
        assert (one["answers"], one["failed"]) == (REQUESTS * ROUNDS, 0)
        assert 0 < one["tokens"] <= 64 * one["answers"]
        assert 0 < one["first_token_p50"] <= one["first_token_p95"]
    assert report["throughput"]["1"]["ratio"] == 1
    assert report["same_picture"]["pictures"] == 1 and report["same_picture"]["encoder_calls"] == 0
    assert report["same_picture"]["cached_tokens"] > 4  # the picture's own
    refusals, departures = report["refusals"], report["departures"]
    assert refusals["asked"] == refusals["refused"] == REPEATS and refusals["p50"] <= refusals["max"]
    assert departures["left"] == departures["freed"] == REPEATS and departures["p50"] <= departures["max"]


def test_a_server_that_runs(assistant: Assistant) -> None:
    with listening(assistant, log_level="warning", limits=Limits(queue=8)) as (port, one):
        report = run("--url", f"http://127.0.0.1:{port}")
        check(report)
        assert report["throughput"]["4"]["cpu_ratio"] is None  # of a process that is not ours
        assert report["draining"] == report["engine_death"] == {}
        assert one.service.busy == 0 and not one.should_exit
    assistant.close()


@pytest.mark.slow
def test_a_server_of_its_own(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLM_API_KEY", "a-key")  # the server finds it, too
    report = run("--model", str(tiny_folder))
    check(report)
    assert report["throughput"]["1"]["cpu_ratio"] == 1
    assert report["draining"]["clean"] == report["draining"]["whole"] == report["draining"]["streams"] == 8
    assert report["draining"]["exit_status"] == 0
    death = report["engine_death"]
    assert death["told"] == death["streams"] and death["exit_status"] == 70


def test_what_is_no_server() -> None:
    for url, words in ((f"http://127.0.0.1:{free_port()}", "no OpenAI-compatible server"), ("ftp://x", "--url")):
        result = CliRunner().invoke(app, ["bench", "serve", "--url", url])
        assert result.exit_code == 1 and words in result.output, result.output


def test_a_key_is_asked_for(assistant: Assistant) -> None:
    scripted = ScriptedAssistant(ScriptedEngine(), Counting())
    with listening(scripted, api_key="secret") as (port, _):
        url = f"http://127.0.0.1:{port}"
        result = CliRunner().invoke(app, ["bench", "serve", "--url", url, "--api-key", "wrong"])
        assert result.exit_code == 1 and "answers 401" in result.output and "wrong" not in result.output


def phase(tokens: list[int], seconds: float, cpu: float | None) -> Phase:
    return Phase([Answer(200, 0.1 * number, 1.0, True, number != 3, one) for number, one in enumerate(tokens, 1)],
                 seconds, cpu)  # fmt: skip


def test_ratios_are_taken_within_a_round() -> None:
    rounds = [
        {1: phase([10, 10], 2.0, 1.0), 4: phase([20, 20], 2.0, 1.0)},  # 10/s and 20/s
        {1: phase([10, 10], 20.0, 1.0), 4: phase([20, 20], 10.0, 1.0)},  # a slow time: 1/s and 4/s
        {1: phase([10, 10], 2.0, 1.0), 4: phase([30, 30, 30], 3.0, 1.0)},  # 10/s and 30/s
    ]
    found = compared(rounds, 4)
    assert found["ratio"] == 3 and found["tokens_per_second"] == 20  # medians of 2, 4, 3 and of 20, 4, 30
    assert found["cpu_ratio"] == 2 and found["tokens_per_cpu_second"] == 40  # medians of 2, 2, 4.5 and of 40, 40, 90
    assert (found["answers"], found["failed"], found["tokens"]) == (7, 1, 170)
    assert found["first_token_p50"] == pytest.approx(0.2) and found["first_token_p95"] == pytest.approx(0.27)
    assert compared(rounds, 1)["ratio"] == 1
    assert compared([{1: phase([1], 1.0, None), 4: phase([1], 1.0, None)}], 4)["cpu_ratio"] is None


def test_percentiles_leave_out_what_never_came() -> None:
    assert percentile([3.0, 1.0, math.inf, 2.0, math.nan], 50) == 2
    assert percentile([math.inf], 50) is None


def test_questions_are_about_different_pictures() -> None:
    questions, again = Questions("m", 7), Questions("m", 7)
    bodies = [questions.fresh() for _ in range(20)]
    assert bodies == [again.fresh() for _ in range(20)]
    urls = [json.loads(body)["messages"][0]["content"][0]["image_url"]["url"] for body in bodies]
    assert len(set(urls)) == 20
    first, second = (json.loads(body)["messages"][0]["content"] for body in questions.about(2))
    assert first[0] == second[0] and first[1] != second[1]
    with Image.open(io.BytesIO(picture(random.Random(0)))) as image:
        assert image.format == "PNG" and image.mode == "RGB"
    assert base64.b64decode(urls[0].partition(",")[2]).startswith(b"\x89PNG")


def test_the_table() -> None:
    report = Report("m", 1, throughput={1: compared([{1: phase([10], 1.0, None)}], 1)})
    _, _, names, figures, *rest = report.lines()
    assert figures.split() == ["1", "10.0", "1.00", "-", "100.0", "ms", "100.0", "ms", "1", "0"]
    assert len(names) == len(figures) and not any(rest)


def test_the_steps_of_the_bar() -> None:
    assert Options(requests=2, rounds=3, repeats=10).steps == 16 + 2 * 3 * 3 + 2 + 2 * 10

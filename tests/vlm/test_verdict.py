"""`vlm quantize`: cases are read strictly, figures can be counted by hand, folders are whole or not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import vlm
from training.evaluate import write_cases
from vlm import checkpoint, measuring, sources
from vlm.cases import GREY, Case, read_cases
from vlm.cli import app
from vlm.errors import InputError, VlmError
from vlm.measuring import Measured, Task, in_own_process, measure
from vlm.quantize import SCHEMES
from vlm.verdict import Share, Verdict

# --- cases -----------------------------------------------------------------------------------------


def line(answer: str = "3", **more: Any) -> str:
    messages = [{"role": "user", "content": "how many?"}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": messages, **more})


def test_cases_are_read_with_their_media(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (200, 0, 0)).save(tmp_path / "a.png")
    content = [{"type": "image", "image": "a.png"}, {"type": "text", "text": "what?"}]
    messages = [{"role": "user", "content": content}, {"role": "assistant", "content": "red"}]
    data = {"messages": messages, "task": "colour", "accept": ["crimson"]}
    (tmp_path / "cases.jsonl").write_text(json.dumps(data) + "\n\n" + line())
    first, second = read_cases(tmp_path / "cases.jsonl")
    assert first.question[0]["content"][0] == {"type": "image", "image": str(tmp_path / "a.png")}
    assert (first.answer, first.task, first.accept, first.has_media) == ("red", "colour", ("crimson",), True)
    assert (second.answer, second.task, second.accept, second.has_media) == ("3", "", (), False)
    assert first.answered[-1] == {"role": "assistant", "content": "red"}


def test_blind_is_grey_and_silent(tmp_path: Path) -> None:
    sound = (np.ones(800, dtype=np.float32), 16_000)
    parts = [
        {"type": "image", "image": Image.new("RGB", (40, 30))}, {"type": "audio", "audio": sound},
        {"type": "text", "text": "what?"},
    ]  # fmt: skip
    picture, silence, text = Case([{"role": "user", "content": parts}], "x").blind()[0]["content"]
    assert picture["image"].size == (40, 30) and picture["image"].getpixel((5, 5)) == GREY
    assert not silence["audio"][0].any() and len(silence["audio"][0]) == 800
    assert text == parts[2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no question"), ("{", "line 1: not valid JSON"), ("[]", "line 1: has no messages"),
        (line() + "\n" + line(accept="three"), "line 2: task must be text, accept a list"),
        (line(answers=[]), "unknown field 'answers'; known: messages, task, accept"),
        (json.dumps({"messages": [{"role": "user", "content": "?"}]}), "line 1"),
        (json.dumps({"messages": [{"role": "robot", "content": "?"}]}), "line 1: message role"),
    ],
)  # fmt: skip
def test_bad_cases_are_named(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "cases.jsonl").write_text(text)
    with pytest.raises(InputError) as caught:
        read_cases(tmp_path / "cases.jsonl")
    assert caught.value.code == "bad_cases" and words in str(caught.value), str(caught.value)


def test_the_studio_writes_cases(tmp_path: Path) -> None:
    cases = read_cases(write_cases(tmp_path, 1, 0))
    assert len(cases) > 20 and all(case.task and case.has_media for case in cases)
    assert len({case.question[0]["content"][0]["image"] for case in cases}) == 6  # a picture of each family


# --- figures ---------------------------------------------------------------------------------------


def of(variant: str, answers: str, blind: str = "") -> Measured:
    return Measured(variant, 2_000_000, 5_000_000, 9_000_000, 0.5, 12.5, 1.25, list(answers), list(blind))


CASES = [Case([{"role": "user", "content": "?"}], "a", "one" if n < 4 else "two") for n in range(10)]


def equal(answer: str, case: Case) -> bool:
    return answer == case.answer


def test_figures_by_hand() -> None:
    verdict = Verdict([of("bf16", "aaaaaaaabb", "aabbbbbbbb"), of("int4", "aabbaaaaab")], CASES, equal, max_loss=0.05)
    assert verdict.accuracy("bf16") == Share(8, 10) and verdict.accuracy("int4") == Share(7, 10)
    assert verdict.accuracy("int4", "one") == Share(2, 4) and verdict.accuracy("int4", "two") == Share(5, 6)
    assert verdict.accuracy("blind") == Share(2, 10) and verdict.accuracy("blind", "two") == Share(0, 6)
    assert verdict.agreement(verdict.measured[1]) == Share(7, 10)
    lost, error = verdict.loss("int4")  # two became wrong, one became right
    assert lost == pytest.approx(0.1) and error == pytest.approx((3 - 0.1) ** 0.5 / 10)
    assert verdict.too_lossy == ["int4"]
    lines = list(verdict.lines())
    assert lines[0].split() == ["bf16", "int4"]
    assert next(one for one in lines if one.startswith("right")).split()[-4:] == ["80.0", "%", "70.0", "%"]
    assert "  two (n = 6, blind 0.0 %)" in "\n".join(lines)
    assert lines[-1] == "warning: int4 loses 10.0 points of accuracy, more than 5"
    figures = json.loads(json.dumps(verdict.as_dict()))
    assert figures["variants"]["int4"]["accuracy"]["two"] == {"right": 5, "n": 6}
    assert figures["blind"]["all"] == {"right": 2, "n": 10} and figures["too_lossy"] == ["int4"]


def test_what_is_gained_is_no_loss() -> None:
    verdict = Verdict([of("fp32", "bbbbbbbbbb"), of("int8", "aaaaaaaaaa")], CASES, equal, max_loss=0.0)
    assert verdict.loss("int8") == (-1.0, 0.0) and verdict.too_lossy == []
    assert list(verdict.lines())[-1] == "int8: +100.0 points against fp32 (standard error 0.0)"


# --- measured --------------------------------------------------------------------------------------


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    Image.new("RGB", (40, 30), (200, 0, 0)).save(tmp_path / "a.png")
    content = [{"type": "image", "image": "a.png"}, {"type": "text", "text": "what is the image"}]
    picture = {"messages": [{"role": "user", "content": content}, {"role": "assistant", "content": "red"}]}
    path = tmp_path / "cases.jsonl"
    path.write_text(line("the", task="count") + "\n" + json.dumps(picture))
    return path


def test_a_variant_is_measured(cases: Path, tiny_folder: Path) -> None:
    found = measure(Task(str(tiny_folder), "int8", str(cases), max_new_tokens=8, blind=True))
    read = read_cases(cases)
    with vlm.load(tiny_folder, quantize="int8") as assistant:
        assert found.answers == [assistant.chat(case.question, max_new_tokens=8).text for case in read]
        assert found.blind == [assistant.chat(case.blind(), max_new_tokens=8).text for case in read]
        weighed = [tokens.double() for tokens in assistant.log_probabilities(case.answered for case in read)]
        stored = checkpoint.state_dict(assistant.model)
    mean = -sum(float(one.sum()) for one in weighed) / sum(len(one) for one in weighed)
    assert found.perplexity == pytest.approx(np.exp(mean), rel=0.05)  # in bfloat16, in other batches
    assert found.weights == sum(tensor.nbytes for tensor in stored.values())
    assert found.tokens_per_second > 0 and found.peak >= found.floor > 0


def test_a_process_of_its_own(cases: Path, tiny_folder: Path) -> None:
    task = Task(str(tiny_folder), "bf16", str(cases), max_new_tokens=4)
    alone, here = in_own_process(task), measure(task)
    assert (alone.answers, alone.weights) == (here.answers, here.weights)
    assert alone.perplexity == pytest.approx(here.perplexity, rel=1e-3)
    with pytest.raises(VlmError) as caught:
        in_own_process(Task(str(cases.parent / "nothing"), "bf16", str(cases)))
    assert caught.value.code == "bad_checkpoint" and "nothing" in str(caught.value)


# --- the command -----------------------------------------------------------------------------------


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without processes."""
    monkeypatch.setattr(measuring, "in_own_process", measure)


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, ["quantize", *map(str, arguments)])


def test_a_folder_is_written(tiny_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "few"
    done = run(tiny_folder, "--to", "int4", "--out", out)
    assert done.exit_code == 0 and str(out) in done.output
    assert checkpoint.load_config(out).quantization == SCHEMES["int4"]
    told = CliRunner().invoke(app, ["info", str(out)]).output
    assert "quantised int4, asymmetric, groups of 128" in told and "decoder               0.03 M" in told
    sources.load(out)


def test_a_verdict_decides(cases: Path, tiny_folder: Path, tmp_path: Path, here: None) -> None:
    read = [json.loads(text) for text in cases.read_text().splitlines()]
    with vlm.load(tiny_folder) as assistant:  # what it says anyway is right
        for data, case in zip(read, read_cases(cases), strict=True):
            data["messages"][-1]["content"] = assistant.chat(case.question, max_new_tokens=6).text
    cases.write_text("\n".join(map(json.dumps, read)))
    options = ("--verify", cases, "--max-new-tokens", 6, "--json")
    done = run(tiny_folder, *options)
    figures = json.loads(done.stdout)
    assert done.exit_code == 0 and list(figures["variants"]) == ["fp32", "bf16", "int8", "int4"]
    assert figures["variants"]["fp32"]["accuracy"]["all"] == {"right": 2, "n": 2}
    assert figures["variants"]["fp32"]["weights"] > figures["variants"]["int8"]["weights"]
    read[0]["messages"][-1]["content"] = "something else"
    cases.write_text("\n".join(map(json.dumps, read)))
    assert json.loads(run(tiny_folder, *options, "--to", "int8").stdout)["variants"]["fp32"]["accuracy"]["all"] == {
        "right": 1, "n": 2,
    }  # fmt: skip


@pytest.mark.parametrize("fail", [False, True])
def test_too_lossy(
    fail: bool, cases: Path, tiny_folder: Path, tmp_path: Path, here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Verdict, "too_lossy", ["int4"])
    out = tmp_path / "few"
    flags = ["--fail"] if fail else []
    done = run(tiny_folder, "--verify", cases, "--to", "int4", "--out", out, "--max-new-tokens", 2, *flags)
    assert done.exit_code == int(fail) and out.exists() != fail
    assert "warning: int4 loses" in done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "nothing to do"), (["--to", "int3", "--out", "x"], "'int3' is not known; one of: int8, int4"),
        (["--out", "x"], "--out holds one model"), (["--to", "int8,int4", "--out", "x"], "--out holds one model"),
    ],
)  # fmt: skip
def test_wrong_options(arguments: list[str], words: str) -> None:
    done = run("default", *arguments)
    assert done.exit_code == 1 and words in done.output and not Path("x").exists()

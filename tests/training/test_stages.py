"""Stages: which parts change, that a resumed run is the uninterrupted one bit for bit, and what a run refuses."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from encoders.clip import ClipEncoder
from training import loop
from training.calibrate import PATCH_SCALE, balance, calibrate, even_out
from training.data import GROUP, Examples, stream
from training.loop import Training, exact_answers, gradients, without_media
from training.loss import collapse, spell
from training.optim import build_optimizers, freeze, parts, rate_factor
from training.run import check_speech, run, stop_on_signal, with_views
from training.stages import PARTS, Mixture, Recipe, Trains, find_recipe, load_recipe
from training.synthetic.base import KINDS
from vlm import checkpoint
from vlm.batch import IGNORE_INDEX, Batch, Sample, collate, pack
from vlm.errors import CheckpointError, VlmError
from vlm.model import build_model
from vlm.sampling import SamplingOptions

from ..oracle import answer_ids

RECIPES = Path(loop.__file__).parent / "recipes"
CPU = torch.device("cpu")

# stage -> (objective, the parts it names, mixture)
STAGES: dict[str, tuple[str, tuple[str, ...], Mixture]] = {
    "pretrain-text": ("next-token", ("decoder",), Mixture(described=1.0)),
    "pretrain-clip": ("contrastive", ("vision",), Mixture(captions=1.0)),
    "pretrain-dense": ("dense", ("vision",), Mixture(images=1.0)),
    "align-words": ("words", ("image_projector",), Mixture(images=1.0)),
    "pretrain-audio": ("ctc", ("audio",), Mixture(transcripts=1.0)),
    "align": ("next-token", ("image_projector", "audio_projector"), Mixture(captions=0.5, sounds=0.5)),
    "instruct-told": ("next-token", ("decoder",), Mixture(images=0.5, captions=0.5)),
    "instruct": ("next-token", PARTS, Mixture(images=0.5, sounds=0.5)),
}


class Crash(Exception):
    """A failure that no other test can have caused."""


def crash_at(monkeypatch: pytest.MonkeyPatch, call: int) -> None:
    """A failure while the loss of the `call`-th batch (from 1) is computed."""
    calls, real = iter(range(1, 1 << 30)), loop.batch_loss

    def batch_loss(*arguments: Any) -> tuple[Tensor, int]:
        if next(calls) == call:
            raise Crash
        return real(*arguments)

    monkeypatch.setattr(loop, "batch_loss", batch_loss)


def after(steps: int) -> Callable[[], bool]:
    """A `stop` that says yes after so many steps."""
    asked = iter(range(1, 1 << 30))
    return lambda: next(asked) >= steps


def spoil(monkeypatch: pytest.MonkeyPatch, bad: Callable[[int], bool], change: Callable[[Tensor], Tensor]) -> None:
    """Passes the loss of every batch whose number (from 1) is `bad` through `change`."""
    calls, real = iter(range(1, 1 << 30)), loop.batch_loss

    def batch_loss(*arguments: Any) -> tuple[Tensor, int]:
        loss, count = real(*arguments)
        return (change(loss) if torch.is_grad_enabled() and bad(next(calls)) else loss), count

    monkeypatch.setattr(loop, "batch_loss", batch_loss)


def state_of(run_dir: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in (run_dir / "state").glob("*.safetensors")}


def step_of(run_dir: Path) -> int:
    state = run_dir / "state" / "state.json"
    return json.loads(state.read_text())["step"] if state.exists() else 0


# --- what a stage changes --------------------------------------------------------------------------


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.usefixtures("hummed")
def test_a_stage_changes_exactly_the_parts_it_names(name, fresh, stage, run_stage, digest, tmp_path):
    objective, named, mixture = STAGES[name]
    model = fresh()
    before = {part: digest(module) for part, module in parts(model).items()}
    assert set(before) == set(PARTS)
    trains = Trains(**dict.fromkeys(named, 1e-3))
    config = stage(
        name=name, objective=objective, trains=trains, mixture=mixture, batch_size=4, told=name == "instruct-told"
    )  # fmt: skip
    run_stage(model, config, tmp_path)
    changed = {part for part, module in parts(model).items() if digest(module) != before[part]}
    assert changed == set(named)
    for part, module in parts(model).items():
        trained = {name: p.requires_grad for name, p in module.named_parameters()}
        trained.pop("visual.conv1.weight", None)  # stays white
        assert set(trained.values()) == {part in named}


def test_the_smoke_recipe_is_the_whole_chain():
    recipe = find_recipe("smoke")
    found = {s.name: (s.objective, {part for part in PARTS if getattr(s.trains, part)}) for s in recipe.stage}
    assert list(found) == ["pretrain-text", "pretrain-clip", "pretrain-dense", "align", "instruct-overview", "instruct"]
    for name, (objective, trained) in found.items():
        wanted, named, _ = STAGES["instruct" if name == "instruct-overview" else name]
        assert (objective, trained) == (wanted, set(named))
    for one in recipe.stage:  # nothing that needs espeak-ng
        assert one.mixture.spoken == one.mixture.transcripts == 0 and one.objective != "ctc"


@pytest.mark.parametrize("name", sorted(p.stem for p in RECIPES.glob("*.toml")))
def test_shipped_recipes_load(name):
    assert find_recipe(name).stage == load_recipe(RECIPES / f"{name}.toml").stage


# --- resuming --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> dict[tuple[str, int], dict[str, bytes]]:
    """Final states of runs that nobody stopped, by (objective, accumulate)."""
    return {}


def plan(stage: Callable[..., Any], objective: str, accumulate: int) -> Any:
    trains = {
        "next-token": Trains(decoder=1e-3, vision=1e-3, image_projector=1e-3), "told": Trains(decoder=1e-3),
        "contrastive": Trains(vision=1e-3),
    }  # fmt: skip
    told = objective == "told"
    return stage(
        objective="next-token" if told else objective, told=told, accumulate=accumulate, trains=trains[objective],
        steps=4, checkpoint_seconds=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("objective", "accumulate", "crashes", "stop", "workers"),
    [
        ("next-token", 1, [2], 1, 0),  # in the middle of a group
        ("next-token", 1, [4], 0, 1),
        ("next-token", 2, [2], 1, 1),  # between the two batches of a step, then between two steps
        ("next-token", 2, [5], 0, 0),  # at the first batch of a new group
        ("next-token", 2, [1, 4, 3], 1, 0),  # before anything is done, again and again
        ("contrastive", 1, [3], 1, 0),  # heads are part of the state
        ("told", 1, [3], 1, 0),  # what is held back is drawn again as it was
    ],
)
def test_resumed_is_uninterrupted(
    objective, accumulate, crashes, stop, workers, uninterrupted, fresh, stage, run_stage, tmp_path, monkeypatch
):
    """`crashes`: at which batch each start fails; then one start is stopped after `stop` steps, the last one ends."""
    wanted = uninterrupted.get((objective, accumulate))
    config = plan(stage, objective, accumulate)
    if wanted is None:
        run_stage(fresh(), config, tmp_path / "whole")
        wanted = uninterrupted[objective, accumulate] = state_of(tmp_path / "whole")
    done = 0
    for batch in crashes:
        with monkeypatch.context() as patch, pytest.raises(Crash):
            crash_at(patch, batch)
            run_stage(fresh(), config, tmp_path / "cut", workers)
        done += (batch - 1) // accumulate
        assert step_of(tmp_path / "cut") == done
    if stop:
        with pytest.raises(loop.Interrupted, match=rf"tiny stopped at step {done + stop} of 4"):
            run_stage(fresh(), replace(config, checkpoint_seconds=1000), tmp_path / "cut", workers, after(stop))
        assert step_of(tmp_path / "cut") == done + stop
    assert state_of(tmp_path / "cut") != wanted
    run_stage(fresh(), config, tmp_path / "cut", workers)
    assert step_of(tmp_path / "cut") == 4
    assert state_of(tmp_path / "cut") == wanted


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_lets_the_step_end_and_saves(number, fresh, stage, run_stage, tmp_path, monkeypatch, capsys):
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        stop = stop_on_signal()
        with monkeypatch.context() as patch, pytest.raises(loop.Interrupted):
            spoil(patch, lambda call: call == 2, lambda loss: signal.raise_signal(number) or loss)
            run_stage(fresh(), stage(steps=3), tmp_path / "cut", 0, stop)
        assert signal.getsignal(number) is signal.SIG_DFL  # a second one ends the process at once
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    assert step_of(tmp_path / "cut") == 2
    assert "finishing this step" in capsys.readouterr().err
    run_stage(fresh(), stage(steps=3), tmp_path / "cut")
    run_stage(fresh(), stage(steps=3), tmp_path / "whole")
    assert state_of(tmp_path / "cut") == state_of(tmp_path / "whole")


def test_a_finished_stage_started_again_only_measures(fresh, stage, run_stage, digest, tmp_path):
    first, again = fresh(), fresh()
    measured = run_stage(first, stage(steps=2), tmp_path)
    assert measured == run_stage(again, stage(steps=2), tmp_path)
    assert digest(first) == digest(again)


def batches_from(examples: Examples, start: int, workers: int, count: int) -> list[Batch]:
    source = stream(examples, start, workers)
    return [next(source) for _ in range(count)]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_stream_does_not_depend_on_workers_or_start(workers, studio_processor, stage):
    examples = Examples(studio_processor, stage(mixture=Mixture(images=0.7, sounds=0.3)))
    whole = batches_from(examples, 0, 0, 2 * GROUP + 1)
    for start in (0, 3):
        drawn = batches_from(examples, start, workers, 2 * GROUP + 1 - start)
        for found, wanted in zip(drawn, whole[start:], strict=True):
            for name in ("input_ids", "labels", "valid", "position_ids", "segment_ids"):
                assert torch.equal(getattr(found, name), getattr(wanted, name))
            assert found.media.keys() == wanted.media.keys()
            for name in found.media:
                assert torch.equal(found.media[name].inputs, wanted.media[name].inputs)
    assert not torch.equal(whole[0].input_ids, whole[1].input_ids)


def test_processes_that_train_together_have_their_long_batches_at_once(studio_processor, stage):
    examples = Examples(studio_processor, stage(mixture=Mixture(images=0.7, captions=0.3)))
    drawn = []
    for number in range(2):
        source = stream(examples, 0, 0, number, 2)
        drawn.append([next(source).input_ids for _ in range(3 * GROUP)])
    for at in range(0, 3 * GROUP, GROUP):
        lengths = [[ids.shape[1] for ids in one[at : at + GROUP]] for one in drawn]
        places = [sorted(range(GROUP), key=row.__getitem__) for row in lengths]
        assert places[0] == places[1], lengths
        assert lengths[0] != lengths[1]  # of other rows
    orders = {tuple(sorted(range(GROUP), key=[i.shape[1] for i in drawn[0][at : at + GROUP]].__getitem__))
              for at in range(0, 3 * GROUP, GROUP)}  # fmt: skip
    assert len(orders) > 1  # and not always the same


def test_drawing_data_in_this_process_leaves_the_threads_alone(studio_processor, stage):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        batches_from(Examples(studio_processor, stage()), 0, 0, 1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_kinds_of_question_that_a_stage_leaves_out(studio_processor, stage):
    def asked(**options: Any) -> set[str]:
        examples = Examples(studio_processor, stage(mixture=Mixture(images=1.0), questions=40, **options))
        kinds: set[str] = set()
        for index in range(30):
            rng = examples.rng(index)
            kinds |= {qa.kind for qa in examples.askable(examples.scene(rng))}
        return kinds

    everything = asked()
    assert {"reading", "json", "colour"} <= everything
    assert asked(leaves_out=("reading", "json")) == everything - {"reading", "json"}
    without = asked(families=("charts", "palettes"), leaves_out=("charts/reading", "charts/colour"))
    assert "colour" in without  # of palettes
    assert "reading" not in asked(families=("charts",), leaves_out=("charts/reading", "palettes/colour"))
    only = Examples(studio_processor, stage(leaves_out=KINDS))
    scene = only.scene(only.rng(0))
    assert only.askable(scene) == scene.questions  # rather than a picture without a question


def test_validation_sees_other_seeds_than_training(studio_processor, stage):
    training, held_out = (Examples(studio_processor, stage(), split) for split in ("train", "seeds"))
    assert not torch.equal(training.sample(0).input_ids, held_out.sample(0).input_ids)
    assert torch.equal(held_out.sample(3).input_ids, Examples(studio_processor, stage(), "seeds").sample(3).input_ids)


# --- states that cannot be used --------------------------------------------------------------------


@pytest.fixture(scope="module")
def _finished() -> dict[str, Path]:
    return {}


@pytest.fixture
def saved(_finished, fresh, stage, run_stage, tmp_path_factory, tmp_path) -> Path:
    """A copy of the run folder of one finished step."""
    if not _finished:
        _finished["run"] = tmp_path_factory.mktemp("saved")
        run_stage(fresh(), stage(steps=1), _finished["run"])
    shutil.copytree(_finished["run"], tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize("file", ["weights.safetensors", "optimizer.safetensors", "random.safetensors", "state.json"])
def test_one_flipped_bit_is_refused(file, saved, fresh, stage, run_stage, digest):
    path = saved / "state" / file
    data = bytearray(path.read_bytes())
    data[len(data) * 2 // 3] ^= 1
    path.write_bytes(data)
    model = fresh()
    with pytest.raises(CheckpointError, match=rf"{file}.*sha256"):
        run_stage(model, stage(steps=2), saved)
    assert digest(model) == digest(fresh())
    assert path.read_bytes() == data  # what is left of it is not written over


@pytest.mark.parametrize("file", ["weights.safetensors", "optimizer.safetensors"])
def test_a_state_cut_short_is_refused(file, saved, fresh, stage, run_stage):
    path = saved / "state" / file
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=rf"{file}.*size"):
        run_stage(fresh(), stage(steps=2), saved)
    path.unlink()
    with pytest.raises(CheckpointError, match=file):
        run_stage(fresh(), stage(steps=2), saved)


def test_the_state_of_another_stage_is_refused(saved, fresh, stage, run_stage):
    for other in (stage(steps=2, name="other"), stage(steps=2, seed=2)):
        with pytest.raises(CheckpointError, match="holds a run of stage 'tiny'"):
            run_stage(fresh(), other, saved)


def test_the_state_of_another_model_is_refused(saved, fresh, stage, run_stage, studio_processor, digest):
    config = studio_processor.config
    wider = build_model(replace(config, decoder=replace(config.decoder, intermediate_size=96)))
    before = digest(wider)
    with pytest.raises(CheckpointError, match=r"holds another model.*gate_proj"):
        run_stage(wider, stage(steps=2), saved)
    assert digest(wider) == before


# --- losses that are not finite --------------------------------------------------------------------


SPOILED = {
    "nan": lambda loss: loss * float("nan"),
    "inf": lambda loss: loss * float("inf"),
    "only the gradient": lambda loss: loss + (loss * 0).sqrt(),
}


@pytest.mark.parametrize("change", SPOILED.values(), ids=SPOILED)
def test_a_step_that_is_not_finite_is_skipped(change, fresh, stage, run_stage, digest, tmp_path, monkeypatch):
    spoil(monkeypatch, lambda call: call <= 2, change)
    model = fresh()
    run_stage(model, stage(steps=2), tmp_path)
    assert digest(model) == digest(fresh())
    run_stage(model, stage(steps=3), tmp_path)
    assert digest(model) != digest(fresh())
    assert all(bool(torch.isfinite(p).all()) for p in model.parameters())


@pytest.mark.parametrize("change", SPOILED.values(), ids=SPOILED)
def test_ten_in_a_row_stop_the_run(change, fresh, stage, run_stage, digest, tmp_path, monkeypatch):
    spoil(monkeypatch, lambda call: call > 1, change)
    model = fresh()
    with pytest.raises(FloatingPointError, match="tiny: ten steps in a row"):
        run_stage(model, stage(steps=40, batch_size=1), tmp_path)
    assert step_of(tmp_path) == 0  # nothing was written over
    assert all(bool(torch.isfinite(p).all()) for p in model.parameters())


def test_nine_in_a_row_do_not_and_the_reports_stay_json(fresh, stage, run_stage, lines, tmp_path, monkeypatch):
    spoil(monkeypatch, lambda call: call % 10 != 0, lambda loss: loss * float("nan"))
    run_stage(fresh(), stage(steps=20, batch_size=1), tmp_path)
    step, validation = lines(tmp_path)
    assert (step["step"], step["loss"]) == (20, None)
    assert validation["val_loss"] > 0


# --- reports ---------------------------------------------------------------------------------------


def test_reports_have_what_a_plot_needs(fresh, stage, run_stage, lines, tmp_path, capfd):
    measured = run_stage(fresh(), stage(steps=40, batch_size=1, validate_every=30, warmup=10), tmp_path)
    assert capfd.readouterr() == ("", "")  # quiet
    found = lines(tmp_path)
    assert [(line["step"], "val_loss" in line) for line in found] == [(20, False), (30, True), (40, False), (40, True)]
    assert all(line["stage"] == "tiny" and line["seconds"] >= 0 for line in found)
    assert found[0]["rate_factor"] == 1.0 and found[0]["norm"] > 0 and 0 < found[2]["loss"] < found[0]["loss"]
    assert found[3] == found[3] | {name: round(value, 5) for name, value in measured.items()}
    assert 0 <= measured["exact"] <= 1 and 0 <= measured["blind"] <= 1


# --- arithmetic ------------------------------------------------------------------------------------


def test_rate_factor(stage):
    config = stage(steps=100, warmup=10, decay=0.25)
    wanted = {0: 0.1, 4: 0.5, 9: 1.0, 10: 1.0, 50: 1.0, 75: 1.0, 76: 0.96, 80: 0.8, 95: 0.2, 99: 0.04}
    assert {step: round(rate_factor(step, config), 12) for step in wanted} == wanted
    for step, warmup in ((0, 0), (0, 1), (99, 1)):
        assert rate_factor(step, stage(steps=100, warmup=warmup, decay=0.0)) == 1
    assert rate_factor(999, stage(steps=1000, warmup=0, decay=1.0)) == 0.02


def grads(model: Any, stage: Any, rows: list[list[Sample]]) -> tuple[float, dict[str, Tensor]]:
    freeze(model, stage)
    optimizer = build_optimizers(model, None, stage)
    batches: Iterator[Batch] = iter([collate(chunk, 0) for chunk in rows])
    stage = replace(stage, accumulate=len(rows), clip_norm=1e6)
    loss, _ = gradients(Training(model, None), optimizer, batches, stage, 0, CPU)
    return loss, {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def test_accumulated_batches_are_one_large_batch(fresh, stage, studio_processor):
    config = stage(mixture=Mixture(images=0.5, captions=0.3, sounds=0.2), questions=3)
    rows = sorted((Examples(studio_processor, config).sample(i) for i in range(8)), key=len)
    halves = [rows[:4], rows[4:]]
    supervised = [sum(int((row.labels != IGNORE_INDEX).sum()) for row in half) for half in halves]
    assert supervised[1] > 1.5 * supervised[0]  # so that a mean of two means would be something else
    loss_1, grads_1 = grads(fresh(), config, [rows])
    loss_2, grads_2 = grads(fresh(), config, halves)
    assert loss_1 == pytest.approx(loss_2, rel=1e-5)
    assert grads_1.keys() == grads_2.keys()
    for name, wanted in grads_1.items():
        slack = 1e-6 + 1e-4 * float(wanted.abs().max())
        torch.testing.assert_close(grads_2[name], wanted, rtol=1e-3, atol=slack, msg=name)


def test_calibration_puts_projectors_on_the_scale_of_the_embeddings(fresh, stage, studio_processor):
    model = fresh()
    config = stage(mixture=Mixture(images=0.5, sounds=0.5), batch_size=4)
    batches = Examples(studio_processor, config).batches(0)
    wanted = float(model.decoder.model.embed_tokens.weight.detach().square().mean().sqrt())
    calibrate(model, batches, ("image", "audio"))
    with torch.inference_mode():
        for modality in ("image", "audio"):
            features = torch.cat([model.encode(batch, modality) for batch in batches if modality in batch.media])
            assert float(features.square().mean().sqrt()) == pytest.approx(wanted, rel=0.05)
    with pytest.raises(ValueError, match="no audio in the batches"):
        calibrate(model, [batch for batch in batches if "audio" not in batch.media], ("audio",))


def test_calibration_makes_edges_as_loud_as_brightness(fresh, stage, studio_processor):
    model = fresh()
    tower = model.encoders["image"]
    batches = Examples(studio_processor, stage(batch_size=8)).batches(0)
    tiles = torch.cat([batch.media["image"].inputs for batch in batches])

    def variances() -> Tensor:
        with torch.inference_mode():
            outputs = tower.visual.conv1(tower.normalise(tiles)).transpose(0, 1).flatten(1)
        return torch.linalg.eigvalsh(torch.cov(outputs.double()))

    before = variances()
    assert before[-1] > 100 * before[0]
    calibrate(model, batches, ("patches",))
    after = variances()
    assert after[-1] == pytest.approx(PATCH_SCALE**2, rel=0.02)
    assert after[0] == pytest.approx(PATCH_SCALE**2 / 2, rel=0.02)


def test_exact_answers_are_those_that_greedy_decoding_gives(fresh, studio_processor, stage):
    """Answers are what the model says, or that with one token changed; packed three to a picture and padded."""
    model = fresh().eval()
    for part in model.parameters():  # away from the near-uniform beginning, so that answers differ
        part.data.mul_(3.0)
    examples = Examples(studio_processor, stage())
    rows, right = [], 0
    for index in range(4):
        scene = examples.scene(examples.rng(index))
        media = [examples._picture(scene)]
        conversations = []
        for number, qa in enumerate(scene.questions[:3]):
            prompt = studio_processor(
                [{"role": "user", "content": [*media, {"type": "text", "text": qa.question}]}], for_training=False
            )
            said = answer_ids(model, prompt, SamplingOptions(max_new_tokens=6), (2,))
            if wrong := (index + number) % 3 == 0:
                said[number * 2] = 200 + (said[number * 2] == 200)  # an ordinary token, and another one
            right += not wrong
            answer, silent = torch.tensor(said), torch.full((len(prompt),), IGNORE_INDEX)
            ids, labels = torch.cat((prompt.input_ids, answer)), torch.cat((silent, answer))
            conversations.append(Sample(ids, labels, prompt.media))
        rows.append(pack(conversations))
    assert 4 < right < 12
    with torch.inference_mode():
        assert exact_answers(model, collate(rows, 0)) == (right, 12)


def test_without_media_keeps_the_words(studio_processor, stage):
    batch = next(stream(Examples(studio_processor, stage(mixture=Mixture(images=0.5, sounds=0.5), batch_size=8)), 0, 0))
    blind = without_media(batch)
    assert set(blind.media) == {"image", "audio"}
    assert torch.equal(blind.input_ids, batch.input_ids) and torch.equal(blind.labels, batch.labels)
    for name, media in blind.media.items():
        assert media.inputs.shape == batch.media[name].inputs.shape and media.inputs.unique().numel() == 1
        assert batch.media[name].inputs.unique().numel() > 1


def test_spelling():
    assert spell("It's  OK, 7!").tolist() == [10, 21, 38, 20, 1, 16, 12, 1, 35]
    assert collapse([0, 9, 9, 0, 9, 2, 2, 0]) == "hha"
    assert collapse(spell("see it").tolist()) == "se it"  # a blank must stand between equal letters


# --- recipes ---------------------------------------------------------------------------------------

WHOLE = """
name = "whole"

[model]
chat_template = "studio"
special_ids = { pad = 0, bos = 1, eos = [2], image = 6, audio = 7 }
image_projector = { kind = "image_mlp", hidden_size = 32, downsample = 2 }

[model.decoder]
vocab_size = 1024
hidden_size = 32
intermediate_size = 64
num_hidden_layers = 2
num_attention_heads = 2
num_key_value_heads = 1
head_dim = 16

[model.clip]
image_size = 32
patch_size = 8
width = 32
layers = 2
head_width = 16

[[stage]]
name = "pretrain-text"
objective = "next-token"
trains = { decoder = 3e-3 }
mixture = { described = 1.0 }
families = ["shapes"]
steps = 60
warmup = 20
validate_every = 60

[[stage]]
name = "pretrain-clip"
objective = "contrastive"
trains = { vision = 1.5e-3 }
mixture = { captions = 1.0 }
steps = 100
batch_size = 48
"""
BROKEN = {  # what stands in the whole recipe, what stands there instead, what the message says
    "unknown field": ("warmup = 20", "warmpu = 20", r"stage\[0\].*unknown field 'warmpu'"),
    "unknown part": ("{ decoder = 3e-3 }", "{ decodr = 3e-3 }", r"stage\[0\]\.trains.*unknown field 'decodr'"),
    "unknown share": ("described = 1.0", "describd = 1.0", r"mixture.*unknown field 'describd'"),
    "wrong type": ("steps = ", "steps = 0.5 # ", r"stage\[0\]\.steps.*expected int, got 0.5"),
    "text for a number": ("decoder = 3e-3", 'decoder = "fast"', r"trains\.decoder.*expected float, got 'fast'"),
    "flag for a number": ("batch_size = 48", "batch_size = true", r"batch_size.*expected int, got True"),
    "objective": ('"contrastive"', '"contrast"', r"stage\[1\]\.objective.*must be one of"),
    "missing field": ('objective = "next-token"\n', "", r"stage\[0\].*missing field objective"),
    "no steps": ("steps = ", "steps = 0 # ", r"steps must be between 1"),
    "no validation": ("validate_every = ", "validate_every = 0 # ", r"validate_every must be between 1"),
    "rate below 0": ("decoder = 3e-3", "decoder = -3e-3", r"trains\.decoder must be between 0"),
    "rate too high": ("decoder = 3e-3", "decoder = 1e400", r"trains\.decoder"),
    "rate not a number": ("decoder = 3e-3", "decoder = nan", r"trains\.decoder"),
    "empty mixture": ("described = 1.0", "described = 0", r"mixture is empty"),
    "nothing trained": ("{ decoder = 3e-3 }", "{ }", r"'pretrain-text': trains no part"),
    "family": ('"shapes"', '"shape"', r"unknown 'shape' in families; known: shapes"),
    "kind": ('families = ["shapes"]', 'leaves_out = ["red"]', r"unknown 'red' in leaves_out; known: yes_no"),
    "stage name": ('"pretrain-clip"', '"../clip"', r"stage name '../clip'"),
    "no vision tower": ("[model.clip]", "[model.audio]", r"unknown field 'audio'"),
    "model range": ("hidden_size = 32\ninter", "hidden_size = 30\ninter", r"must equal hidden_size 30"),
    "projector range": ("downsample = 2", "downsample = 0", r"out of range"),
    "tower without projector": ("image_projector = ", "audio_projector = ", r"image_projector must be given together"),
    "not TOML": ("[model]", "[model", r"not valid TOML"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_recipe_error_names_the_field(case, tmp_path):
    old, new, message = BROKEN[case]
    assert old in WHOLE
    file = tmp_path / "recipe.toml"
    file.write_text(WHOLE)
    assert find_recipe(str(file)).stage[1].batch_size == 48
    file.write_text(WHOLE.replace(old, new, 1))
    with pytest.raises(CheckpointError, match=message):
        find_recipe(str(file))


def recipe_of(model: Any, *stages: Any, **changes: Any) -> Recipe:
    return Recipe(name="small", stage=stages, model=model, tokenizer_size=700, tokenizer_scenes=36, **changes)


def test_a_stage_that_needs_what_the_model_lacks(stage, studio_processor):
    deaf = replace(studio_processor.config, whisper=None, audio_projector=None)
    with pytest.raises(CheckpointError, match="'tiny' needs the part 'audio'"):
        recipe_of(deaf, stage())
    with pytest.raises(CheckpointError, match="'tiny' needs the part 'audio'"):
        recipe_of(deaf, stage(objective="ctc", trains=Trains(decoder=1e-3)))
    with pytest.raises(CheckpointError, match="no stage"):
        recipe_of(deaf)
    for model, start in ((None, ""), (studio_processor.config, "default")):
        with pytest.raises(CheckpointError, match=r"either a \[model\] or a start"):
            recipe_of(model, stage(), start=start)


@pytest.mark.parametrize("name", ["smok", "no/such.toml", "recipes", ""])
def test_an_unknown_recipe_lists_what_ships(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=r"no such recipe.*default, smoke"):
        find_recipe(name)


# --- a recipe from start to end --------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [{"objective": "ctc"}, {"mixture": Mixture(images=0.9, spoken=0.1)}, {"mixture": Mixture(transcripts=1.0)}],
    ids=["ctc", "spoken", "transcripts"],
)
def test_missing_espeak_is_said_before_anything_is_trained(changes, stage, studio_processor, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    recipe = recipe_of(studio_processor.config, stage(), stage(name="talk", **changes))
    with pytest.raises(VlmError, match=r"stage 'talk' trains on speech.*apt-get install espeak-ng"):
        run(recipe, tmp_path / "run", workers=0, quiet=True)
    assert not (tmp_path / "run").exists()
    check_speech(recipe.stage[:1])


def test_a_recipe_goes_on_where_it_stopped(stage, studio_processor, tmp_path):
    words = stage(name="words", trains=Trains(decoder=1e-3), mixture=Mixture(described=1.0), steps=2)
    recipe = recipe_of(studio_processor.config, words, stage(name="pictures"))
    options = {"workers": 0, "quiet": True}
    wanted = run(recipe, tmp_path / "whole", **options)
    assert wanted == tmp_path / "whole" / "2-pictures" / "model"
    with pytest.raises(CheckpointError, match=r"no stage 'picture'; its stages: words, pictures"):
        run(recipe, tmp_path / "cut", until="picture", **options)
    assert not (tmp_path / "cut").exists()
    assert run(recipe, tmp_path / "cut", until="words", **options) == tmp_path / "cut" / "1-words" / "model"
    assert not (tmp_path / "cut" / "2-pictures").exists()
    with pytest.raises(loop.Interrupted, match="pictures stopped at step 2 of 3"):
        run(recipe, tmp_path / "cut", stop=after(2), **options)
    found = run(recipe, tmp_path / "cut", **options)
    files = sorted(p.name for p in found.iterdir())
    assert files == ["config.json", "manifest.json", "measured.json", "model.safetensors", "tokenizer.json"]
    for file in files:
        assert (found / file).read_bytes() == (wanted / file).read_bytes(), file
    assert json.loads((found / "measured.json").read_text()).keys() == {"val_loss", "exact", "blind"}
    stamp = (found / "model.safetensors").stat().st_mtime_ns
    assert run(recipe, tmp_path / "cut", **options) == found
    assert (found / "model.safetensors").stat().st_mtime_ns == stamp


def test_a_recipe_can_go_on_from_a_model_folder(stage, studio_processor, fresh, digest, tmp_path):
    checkpoint.save(tmp_path / "first", fresh(), studio_processor)
    more = stage(name="more", trains=Trains(image_projector=1e-3), steps=1)
    folder = run(recipe_of(None, more, start=str(tmp_path / "first")), tmp_path / "run", workers=0, quiet=True)
    model, processor = checkpoint.load(folder)
    assert processor.config == studio_processor.config
    before, after_it = parts(fresh()), parts(model)
    assert {name for name in before if digest(before[name]) != digest(after_it[name])} == {"image_projector"}
    with pytest.raises(CheckpointError, match="no such model folder"):
        run(recipe_of(None, more, start=str(tmp_path / "none")), tmp_path / "other", workers=0, quiet=True)


def test_a_start_without_tiles_can_be_given_some(stage, studio_processor, fresh, tmp_path):
    checkpoint.save(tmp_path / "first", *with_views(fresh(), studio_processor, ()))
    assert checkpoint.load(tmp_path / "first")[1].config.clip.grids == ()
    more = stage(name="more", trains=Trains(image_projector=1e-3), steps=1)
    recipe = recipe_of(None, more, start=str(tmp_path / "first"), grids=((1, 2),))
    folder = run(recipe, tmp_path / "run", workers=0, quiet=True)
    assert checkpoint.load(folder)[1].config.clip.grids == ((1, 2),)
    with pytest.raises(CheckpointError, match=r"a \[model\] has its own"):
        recipe_of(studio_processor.config, more, grids=((1, 2),))


def test_a_start_can_be_given_larger_views(stage, studio_processor, fresh, digest, tmp_path):
    clip = studio_processor.config.clip
    checkpoint.save(tmp_path / "first", fresh(), studio_processor)
    more = stage(name="more", trains=Trains(image_projector=1e-3), steps=1, overview_only=False)
    recipe = recipe_of(None, more, start=str(tmp_path / "first"), image_size=2 * clip.image_size)
    model, processor = checkpoint.load(run(recipe, tmp_path / "run", workers=0, quiet=True))
    assert processor.config.clip == replace(clip, image_size=2 * clip.image_size)
    before, found = fresh().encoders["image"].state_dict(), model.encoders["image"].state_dict()
    name = "visual.positional_embedding"
    assert {key for key in found if not torch.equal(found[key], before[key])} == {name}
    side = clip.side
    assert found[name].shape == (1 + 4 * side**2, clip.width)
    assert torch.equal(found[name][0], before[name][0])  # of the class token
    # four new positions lie where one lay, and their mean is nearly it
    parts = found[name][1:].view(side, 2, side, 2, -1).mean((1, 3)).flatten(0, 1)
    assert (parts - before[name][1:]).square().mean() < 0.1 * before[name][1:].square().mean()
    with pytest.raises(CheckpointError, match=r"image_size is for a recipe with a start"):
        recipe_of(studio_processor.config, more, image_size=64)
    with pytest.raises(VlmError, match="must divide: image by patch"):
        with_views(fresh(), studio_processor, None, clip.image_size + 1)


@pytest.mark.parametrize("no_ln_pre", [False, True])
def test_evened_out_a_tower_computes_what_it_did(no_ln_pre, studio_processor):
    clip = replace(studio_processor.config.clip, no_ln_pre=no_ln_pre)
    torch.manual_seed(2)
    tower = ClipEncoder(clip).eval()
    tiles = torch.randint(0, 256, (6, 3, clip.image_size, clip.image_size), dtype=torch.uint8)
    lengths = torch.full((6,), clip.side**2)
    with torch.inference_mode():
        for parameter in tower.visual.ln_pre.parameters() if not no_ln_pre else [tower.visual.conv1.weight]:
            parameter.mul_(20)
        before, said = tower(tiles, lengths).values, tower.visual(tower.normalise(tiles))
        even_out(tower, tiles)
        after = tower(tiles, lengths).values
        assert float(after.flatten(0, 1).std(0).mean()) == pytest.approx(1, rel=1e-3)
        torch.testing.assert_close(after * before.flatten(0, 1).std(0).mean(), before, rtol=1e-3, atol=5e-3)
        torch.testing.assert_close(tower.visual(tower.normalise(tiles)), said, rtol=1e-3, atol=5e-3)
        balance(tower)
        back = tower(tiles, lengths).values
        torch.testing.assert_close(tower.visual(tower.normalise(tiles)), said, rtol=1e-3, atol=5e-3)
        factor = back.std() / after.std()
        assert factor > 1.2
        torch.testing.assert_close(back, after * factor, rtol=1e-3, atol=5e-3)
        balance(tower)
        torch.testing.assert_close(tower(tiles, lengths).values, back, rtol=1e-4, atol=1e-4)

"""That training learns: a miniature in seconds with every run, and the smoke recipe through the command line (slow)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import vlm
from training import data
from training.loop import Training, exact_answers, gradients, update, without_media
from training.optim import build_optimizers, freeze
from training.stages import Mixture, Trains, find_recipe
from training.synthetic import make
from vlm.batch import Batch, collate
from vlm.sampling import SamplingOptions

from ..oracle import answer_ids

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")


def lines_of(run_dir: Path, stage: str) -> list[dict[str, Any]]:
    (path,) = run_dir.glob(f"*-{stage}/metrics.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]


def losses_of(lines: list[dict[str, Any]]) -> list[float]:
    return [line["loss"] for line in lines if "loss" in line]


def test_a_miniature_learns(fresh, stage, run_stage, lines, tmp_path):
    """Sixty steps on one family, tiles and all: from guessing among all tokens to the form of questions' answers."""
    trains = Trains(decoder=6e-3, vision=2e-3, image_projector=4e-3)
    config = stage(
        name="mini", trains=trains, steps=60, batch_size=8, warmup=5, questions=4, validate_every=60,
        validate_samples=32,
    )  # fmt: skip
    measured = run_stage(fresh(), config, tmp_path)
    first, second, third = losses_of(lines(tmp_path))
    assert 4.0 < first < 6.9  # ln(1024) = 6.93 is knowing nothing
    assert second < 0.75 * first and third < 0.9 * second
    assert measured["val_loss"] < 0.75 * first  # pictures that it never saw


@pytest.fixture(scope="module")
def remembered() -> dict[str, Any]:
    return {}


@pytest.fixture
def eight(remembered, fresh, stage, studio_processor) -> tuple[Any, Batch, list[Any]]:
    """A model that was shown eight pictures a hundred times, each with the same question; its batch; their prompts."""
    if not remembered:
        scenes = [make("palettes", seed) for seed in range(8)]
        rows, prompts = [], []
        for scene in scenes:
            picture = {"type": "image", "image": studio_processor.transforms["image"](scene.image)}
            asked = {"role": "user", "content": [picture, {"type": "text", "text": "Name the colours."}]}
            answer = {"role": "assistant", "content": ", ".join(s["colour"] for s in scene.scene["swatches"][:3])}
            rows.append(studio_processor([asked, answer], for_training=True))
            prompts.append(studio_processor([asked], for_training=False))
        config = stage(trains=Trains(decoder=1e-2, vision=3e-3, image_projector=1e-2), steps=100, warmup=5)
        model = fresh()
        freeze(model, config)
        training, optimizer = Training(model, None).train(), build_optimizers(model, None, config)
        for step in range(config.steps):
            _, norm = gradients(training, optimizer, iter([collate(rows, 0)]), config, step, CPU)
            update(optimizer, norm)
        remembered["all"] = model.eval(), collate(rows, 0), prompts
    return remembered["all"]


def test_answers_come_from_the_picture(eight):
    """All eight questions are equal, so only what is seen can tell the answers apart."""
    model, batch, _ = eight
    with torch.inference_mode():
        seen, blind = exact_answers(model, batch), exact_answers(model, without_media(batch))
    assert seen[1] == blind[1] == 8
    assert seen[0] == 8 and blind[0] <= 2


def test_exact_answers_are_what_greedy_decoding_says(eight):
    model, batch, prompts = eight
    wanted = [row[row != -100].tolist() for row in batch.labels]
    said = [answer_ids(model, prompt, SamplingOptions(max_new_tokens=80), (2,)) for prompt in prompts]
    with torch.inference_mode():
        assert exact_answers(model, batch)[0] == sum(a == b for a, b in zip(said, wanted, strict=True))


def test_the_smoke_recipe_needs_no_speech(monkeypatch, studio_tokenizer):
    """Every kind of row of its mixtures is drawn without espeak-ng."""
    monkeypatch.setenv("PATH", "")
    recipe = find_recipe("smoke")
    processor = data.Processor(recipe.model, studio_tokenizer)
    for stage in recipe.stage:
        examples = data.Examples(processor, stage)
        for kind in (name for name, share in zip(*examples.kinds, strict=True) if share):
            assert getattr(examples, f"_{kind}")(examples.rng(0))
    assert any(stage.mixture.sounds for stage in recipe.stage)
    assert recipe.stage[-1].mixture != Mixture(images=1.0)


@pytest.mark.slow
def test_the_smoke_recipe_learns_to_look(tmp_path):
    command = [sys.executable, "-m", "vlm.cli", "train", "smoke", "--run-dir", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr[-2000:]
    assert f"model written to {tmp_path}/6-instruct/model" in done.stdout.replace("\n", "")
    falls = {"pretrain-text": 0.6, "pretrain-clip": 0.8, "pretrain-dense": 0.5, "align": 0.98, "instruct-overview": 0.6}
    for stage, share in falls.items():
        losses = losses_of(lines_of(tmp_path, stage))
        assert losses[-1] < share * losses[0], stage
    seen = [line for line in lines_of(tmp_path, "pretrain-dense") if "word_recall" in line]
    assert seen[0]["word_recall"] < 0.01 and seen[-1]["word_recall"] > 0.08 and seen[-1]["word_precision"] > 0.6
    measured = json.loads((tmp_path / "6-instruct" / "model" / "measured.json").read_text())
    assert measured["exact"] > measured["blind"] + 0.05
    assistant = vlm.load(tmp_path / "6-instruct" / "model")
    picture = Image.new("RGB", (200, 100), "red")
    reply = assistant.ask("How many swatches are there?", images=[picture], max_new_tokens=16)
    assert reply.text and reply.finish_reason == "stop"

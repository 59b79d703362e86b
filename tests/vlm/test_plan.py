"""`vlm plan`: bytes that can be counted by hand, presets and folders; and, slow, what processes really hold."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from encoders.config import ClipConfig
from projector.build import ProjectorConfig
from training.plan import stage_plan
from training.stages import Mixture, StageConfig, Trains
from vlm import checkpoint, sources
from vlm.cli import app
from vlm.config import PRESETS, DecoderConfig, ModelConfig
from vlm.errors import InputError
from vlm.kv_cache import KVCache
from vlm.model import build_model
from vlm.plan import Load, Plan, config_of, inference
from vlm.processor import Processor
from vlm.rehearsal import Counter, rehearsed
from vlm.tokenizer import Tokenizer

ROOT = Path(__file__).parents[2]
CACHE = "cache of keys and values"


# --- counting --------------------------------------------------------------------------------------


def test_what_is_held_is_counted() -> None:
    with rehearsed(), Counter() as counter:
        one = torch.empty(1000)
        view = one.view(10, 100)[2:]  # no bytes of its own
        two = one + 1
        assert counter.held == counter.peak == 8000
        del one
        assert counter.held == 8000  # the view keeps it
        del view
        assert (counter.held, counter.peak) == (4000, 8000)
        two.to(torch.bfloat16)
        assert (counter.held, counter.peak) == (4000, 8000)
    assert torch.get_default_dtype() == torch.float32


def test_what_backward_needs_is_counted() -> None:
    with rehearsed():
        layer, x = nn.Linear(64, 32, bias=False), torch.empty(128, 64)
        with Counter() as counter:
            hidden = layer(x).relu()
            assert counter.held == 128 * 32 * 4  # relu's result is what it needs itself
            hidden.sum().backward()
            del hidden
        gc.collect()
        assert layer.weight.grad is not None and counter.held == 32 * 64 * 4


def test_a_rehearsal_takes_no_memory() -> None:
    config = replace(config_of("llama-3-70b"), decoder=PRESETS["llama-3-70b"])
    plan = inference(config, Load(8192, 4), dtype=torch.bfloat16)
    assert plan.rows["weights"] == 2 * 70_553_706_496  # as published
    assert plan.rows[CACHE] == 2 * 80 * 8 * 128 * 2 * 8192 * 4


# --- figures ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("quantize", [None, "int8", "int4"])
def test_weights_and_cache_are_what_is_loaded(quantize: str | None, tiny_folder: Path) -> None:
    config = config_of(str(tiny_folder))
    plan = inference(config, Load(256, 3, 1, 1), quantize=quantize)
    model, _ = sources.load(tiny_folder, quantize=quantize)
    assert plan.rows["weights"] == sum(tensor.nbytes for tensor in checkpoint.state_dict(model).values())
    cache = KVCache(config.decoder, 3, 256, model.dtype)
    assert plan.rows[CACHE] == cache.keys.nbytes + cache.values.nbytes
    assert plan.total == sum(plan.rows.values()) and plan.rows["one step of work"] > 0


def test_more_takes_more(tiny_config: ModelConfig) -> None:
    def work(**load: int) -> int:
        return inference(tiny_config, Load(**{"context": 64, **load})).rows["one step of work"]

    assert work(images=1) > work() and work(images=1, batch=4) > work(images=1)
    assert work(sounds=2) > work(sounds=1)
    assert work(context=512) > work(context=64)


def test_what_is_refused(tiny_config: ModelConfig) -> None:
    deaf = replace(tiny_config, whisper=None, audio_projector=None)
    for load, words in ((Load(513), "the model has 512"), (Load(64, sounds=1), "no part for these media")):
        with pytest.raises(InputError, match=words):
            inference(deaf, load)


def stage(objective: str = "next-token", **changes: Any) -> StageConfig:
    trains = changes.pop("trains", Trains(decoder=1e-3))
    return StageConfig("one", objective, trains, Mixture(images=1.0), 10, batch_size=2, **changes)  # type: ignore[arg-type]


def test_a_stage_holds_what_it_trains(tiny_config: ModelConfig) -> None:
    model = build_model(tiny_config)
    whole = sum(p.nbytes for p in model.parameters())
    decoder = sum(p.nbytes for p in model.decoder.parameters())
    matrices = sum(p.nbytes for name, p in model.decoder.named_parameters() if "_proj" in name)
    plan = stage_plan(tiny_config, stage(), context=64)
    assert (plan.rows["weights"], plan.rows["gradients"]) == (whole, decoder)
    states = 2 * (decoder - matrices) + matrices  # AdamW keeps two moments, Muon one
    assert states <= plan.rows["states of the optimisers"] < states + 1000  # and counts steps
    wider = stage_plan(tiny_config, stage(), context=128).rows["activations of one micro-batch"]
    assert wider > 1.5 * plan.rows["activations of one micro-batch"]


@pytest.mark.parametrize(
    ("objective", "trains"),
    [
        ("contrastive", Trains(vision=1e-3)), ("dense", Trains(vision=1e-3)), ("words", Trains(image_projector=1e-3)),
        ("imitate", Trains(image_projector=1e-3)), ("ctc", Trains(audio=1e-3)),
        ("next-token", Trains(audio_projector=1e-3, image_projector=1e-3, decoder=1e-3)),
    ],
)  # fmt: skip
def test_every_objective_is_rehearsed(objective: str, trains: Trains, tiny_config: ModelConfig) -> None:
    teacher = "default" if objective == "imitate" else ""
    one = replace(stage(objective, trains=trains, teacher=teacher), mixture=Mixture(images=0.5, spoken=0.5))
    rows = stage_plan(tiny_config, one, context=64).rows
    assert rows["gradients"] > 0 and rows["activations of one micro-batch"] > 0


def test_lines() -> None:
    lines = list(Plan("answering", {"weights": 2_000_000, CACHE: 1_500_000_000}).lines())
    assert lines[0] == "answering" and lines[-1].split() == ["together", "1,502", "MB"]


def test_the_command(tiny_folder: Path) -> None:
    run = CliRunner().invoke
    done = run(app, ["plan", "--model", str(tiny_folder), "--context", "128", "--batch", "2", "--quantize", "int8"])
    assert done.exit_code == 0 and "answering with tiny in int8: 2 x 128 positions" in done.output, done.output
    done = run(app, ["plan", "--model", "tinyllama-1.1b", "--context", "2048", "--dtype", "bfloat16", "--json"])
    assert json.loads(done.stdout)[0]["rows"]["weights"] == 2 * 1_100_048_384
    done = run(app, ["plan", "--recipe", "smoke", "--context", "256", "--json"])
    plans = json.loads(done.stdout)
    assert len(plans) > 2 and all(one["total"] == sum(one["rows"].values()) for one in plans)
    done = run(app, ["plan", "--model", "tinyllama-1.1b", "--context", "2048", "--images", "1"])
    assert done.exit_code == 1 and "no part for these media" in done.output


# --- what processes hold ---------------------------------------------------------------------------

ANSWERING = """
import json, sys
import torch
from PIL import Image
import vlm
from vlm.measuring import peak_memory

folder, dtype, quantize, context, batch, images = json.loads(sys.argv[1])
with vlm.load(folder, dtype=getattr(torch, dtype), quantize=quantize) as assistant:
    def talk(number, words):
        pictures = [{"type": "image", "image": Image.new("RGB", (64, 64), (number, 0, 0))}] * images
        return [{"role": "user", "content": [*pictures, {"type": "text", "text": " the" * words}]}]
    words = context - 8 - len(assistant._sample(talk(0, 1)))
    said = list(assistant.answers((talk(n, words) for n in range(batch)), batch_size=batch, max_new_tokens=8))
    assert all(one.prompt_tokens > context - 16 for one in said), said
print(peak_memory())
"""
TRAINING = """
import json, sys
import torch
from encoders.base import MediaInput
from training.loop import Training, gradients, update, tune_allocator
from training.optim import build_optimizers, freeze
from training.stages import StageConfig
from vlm import checkpoint
from vlm.batch import IGNORE_INDEX, Sample, collate
from vlm.config import from_dict
from vlm.measuring import peak_memory
from pathlib import Path

folder, settings, context = json.loads(sys.argv[1])
stage = from_dict(StageConfig, settings)
tune_allocator()
model, processor = checkpoint.load(Path(folder))
config = processor.config
freeze(model, stage)
optimizers = build_optimizers(model, None, stage)
size, side = config.clip.image_size, config.clip.side

def row(seed):
    ids = torch.randint(8, 256, (context,), generator=torch.Generator().manual_seed(seed))
    ids[1 : 1 + side**2] = config.special_ids.image
    labels = torch.full((context,), IGNORE_INDEX)
    labels[-(context // 4) :] = ids[-(context // 4) :]
    seen = MediaInput(torch.zeros(1, 3, size, size, dtype=torch.uint8), torch.tensor([side**2]), (0, 0, size, size))
    return Sample(ids, labels, {"image": [seen]}, torch.arange(context) // (context // 2), torch.arange(context))

def batches():
    while True:
        yield collate([row(seed) for seed in range(stage.batch_size)], 0)

training = Training(model, None).train()
for step in range(2):
    _, norm = gradients(training, optimizers, batches(), stage, step, torch.device("cpu"))
    update(optimizers, norm)
print(peak_memory())
"""


def held(script: str, *arguments: Any) -> int:
    """The most bytes that a process of its own holds."""
    command = [sys.executable, "-c", script, json.dumps(arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1])


def planned(*arguments: object) -> int:
    """As `vlm plan` says in a process of its own: here others' libraries are held, too."""
    command = [sys.executable, "-m", "vlm.cli", "plan", "--json", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found: int = json.loads(done.stdout)[-1]["total"]
    return found


def near(plan: int, peak: int) -> None:
    print(f"planned {plan / 1e6:.0f} MB, held {peak / 1e6:.0f} MB: {plan / peak - 1:+.1%}")
    assert abs(plan / peak - 1) < 0.15


def written(folder: Path, config: ModelConfig, tokenizer: Tokenizer, dtype: torch.dtype) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        checkpoint.save(folder, build_model(config), Processor(config, tokenizer), dtype=dtype)
    return folder


@pytest.fixture
def large(tmp_path: Path, tiny_config: ModelConfig, tiny_tokenizer: Tokenizer) -> Path:
    """A decoder of 300 million parameters."""
    config = replace(
        tiny_config, clip=None, image_projector=None, whisper=None, audio_projector=None,
        decoder=DecoderConfig(16000, 1024, 2816, 24, 16, 8, 64, max_position_embeddings=4096),
    )  # fmt: skip
    return written(tmp_path / "large", config, tiny_tokenizer, torch.bfloat16)


@pytest.fixture
def seeing(tmp_path: Path, tiny_config: ModelConfig, tiny_tokenizer: Tokenizer) -> Path:
    """A small LLaVA-1.5."""
    config = replace(
        tiny_config, whisper=None, audio_projector=None,
        decoder=DecoderConfig(4096, 512, 1408, 4, 8, 4, 64, max_position_embeddings=1024),
        clip=ClipConfig(image_size=168, patch_size=14, width=384, layers=4, embed_dim=0),
        image_projector=ProjectorConfig("image_mlp", 512),
    )  # fmt: skip
    return written(tmp_path / "seeing", config, tiny_tokenizer, torch.float32)


@pytest.mark.slow
@pytest.mark.parametrize(("quantize", "context", "batch"), [(None, 1024, 2), ("int8", 256, 4)])
def test_a_long_context_as_planned(quantize: str | None, context: int, batch: int, large: Path) -> None:
    options = ["--quantize", quantize] if quantize else ["--dtype", "bfloat16"]
    plan = planned("--model", large, "--context", context, "--batch", batch, *options)
    near(plan, held(ANSWERING, str(large), "bfloat16", quantize, context, batch, 0))


@pytest.mark.slow
def test_a_large_batch_with_pictures_as_planned(seeing: Path) -> None:
    plan = planned("--model", seeing, "--context", 256, "--batch", 32, "--images", 1)
    near(plan, held(ANSWERING, str(seeing), "float32", None, 256, 32, 1))


@pytest.mark.slow
def test_a_step_of_training_as_planned(seeing: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f"""
name = "planned"
start = "{seeing}"
[[stage]]
name = "instruct"
objective = "next-token"
trains = {{ decoder = 1e-3, image_projector = 1e-3 }}
mixture = {{ images = 1.0 }}
steps = 10
batch_size = 4
""")
    settings = {
        "name": "instruct", "objective": "next-token", "trains": {"decoder": 1e-3, "image_projector": 1e-3},
        "mixture": {"images": 1.0}, "steps": 10, "batch_size": 4,
    }  # fmt: skip
    plan = planned("--recipe", recipe, "--context", 384)
    near(plan, held(TRAINING, str(seeing), settings, 384))

"""A projector that learns to say what another model's says: of which, how well, and that the teacher stays out."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open

from training.checkpointing import NAME
from training.dense import LABEL, SLOTS, WRITTEN, Vocabulary, vocabulary
from training.loop import build_heads, teacher_of
from training.loss import SHARPNESS, ImitateHead, patches, projected
from training.optim import parts
from training.stages import Mixture, Trains
from training.written import WrittenWords
from vlm import checkpoint
from vlm.errors import CheckpointError
from vlm.processor import Processor

NOTHING = torch.zeros(3, 16, 1, dtype=torch.uint8), torch.zeros(3, 16, SLOTS).long()
TILES = torch.randint(0, 256, (3, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def teacher(fresh, studio_processor, tmp_path) -> str:
    folder = tmp_path / "teacher"
    checkpoint.save(folder, fresh(), studio_processor)
    return str(folder)


@pytest.fixture
def imitating(stage, teacher):
    return stage(
        name="imitate", objective="imitate", teacher=teacher, trains=Trains(image_projector=1e-2),
        mixture=Mixture(images=1.0), steps=40, batch_size=4, validate_every=40, validate_samples=8,
    )  # fmt: skip


def test_nothing_is_missed_by_the_same_model_and_all_by_a_silent_one(fresh, imitating, studio_processor) -> None:
    model, head = fresh(), build_heads(imitating, studio_processor)
    assert isinstance(head, ImitateHead) and not list(head.parameters())
    loss, count = head(model, TILES, *NOTHING)
    assert count == 3 * 4 and float(loss.detach()) == pytest.approx(0, abs=1e-6)
    projector = model.projectors["image"]
    projector.register_forward_hook(lambda _, __, said: said.mean(0).expand_as(said))
    assert float(head(model, TILES, *NOTHING)[0].detach()) / count == pytest.approx(1, abs=1e-4)


def test_a_token_also_names_the_word_that_is_written_on_it(fresh, imitating, studio_processor) -> None:
    families = ("floor_plans",)
    head = build_heads(replace(imitating, families=families), studio_processor)
    model, known = fresh(), vocabulary(families).words
    words = torch.zeros(3, 16, len(known) + 1, dtype=torch.uint8)
    words[1, 5, known.index("written:kitchen")] = 1  # row 1, column 1 of 4 x 4 patches: on the first token of 2 x 2
    listed = [word for word in known if word.startswith(WRITTEN)]
    directions = head.written(model.decoder.model.embed_tokens.weight)
    token = projected(model, patches(model, TILES))[1, 0].detach()
    wanted = (SHARPNESS * directions @ token).log_softmax(0)[listed.index("written:kitchen")]
    found = float(head(model, TILES, words, NOTHING[1])[0].detach())
    assert found == pytest.approx(-LABEL * float(wanted), rel=1e-4)
    kitchen = directions[listed.index("written:kitchen")]

    def said_loudly(_: object, __: object, said: torch.Tensor) -> torch.Tensor:
        louder = said.clone()
        louder[4] += 50 * kitchen  # 3 views of 4 tokens
        return louder

    model.projectors["image"].register_forward_hook(said_loudly)
    assert float(head(model, TILES, words, NOTHING[1])[0].detach()) == pytest.approx(0, abs=1e-4)
    assert float(head(model, TILES, 0 * words, NOTHING[1])[0].detach()) > 10  # where nothing is written it is a mistake


def test_a_word_has_a_direction_of_its_own_near_its_tokens(studio_processor: Processor) -> None:
    encode, listed = studio_processor.tokenizer.encode, [w for w in vocabulary().words if w.startswith(WRITTEN)]
    embeddings = torch.randn(1024, 64, generator=torch.Generator().manual_seed(0))
    written = WrittenWords((1024, 64), encode, vocabulary())
    directions = written(embeddings)
    assert directions.shape == (len(listed), 64)
    torch.testing.assert_close(directions.norm(dim=-1), torch.ones(len(listed)))
    near = directions @ torch.nn.functional.normalize(embeddings, dim=-1).T  # (words, tokens)
    for word in ("kitchen", "password"):
        ways = [encode(f" {form}") for form in (word, word.capitalize(), word.upper())]
        shortest = sorted(set(min(ways, key=len)))
        row = listed.index(WRITTEN + word)
        assert written.spelled[row].nonzero()[:, 0].tolist() == shortest
        assert float(near[row, shortest].mean()) > float(near[row].mean()) + 2 * float(near[row].std())
    few = WrittenWords((1024, 64), encode, vocabulary(("floor_plans",)))
    kitchens = written.own[listed.index("written:kitchen")], few.own[few_place("written:kitchen")]
    torch.testing.assert_close(*kitchens)  # in any list of words
    assert float((written.own @ written.own.T).fill_diagonal_(0).max()) < 0.8
    assert WrittenWords((1024, 64), encode, Vocabulary(("red",), (1.0,)))(embeddings).shape == (0, 64)


def few_place(word: str) -> int:
    return [w for w in vocabulary(("floor_plans",)).words if w.startswith(WRITTEN)].index(word)


def test_a_changed_projector_learns_it_again_and_nothing_else_changes(
    fresh, imitating, run_stage, digest, tmp_path
) -> None:
    model = fresh()
    torch.nn.init.normal_(model.projectors["image"].linear_1.weight, std=0.1)
    before = {part: digest(module) for part, module in parts(model).items()}
    run_stage(model, imitating, tmp_path / "run")
    assert {part for part, module in parts(model).items() if digest(module) != before[part]} == {"image_projector"}
    lines = map(json.loads, (tmp_path / "run" / "metrics.jsonl").read_text().splitlines())
    losses = [line["loss"] for line in lines if "loss" in line]
    assert losses[-1] < 0.5 * losses[0]
    with safe_open(tmp_path / "run" / NAME / "weights.safetensors", "pt") as saved:
        assert set(saved.keys()) == {f"model.{name}" for name, _ in model.named_parameters()}


@pytest.mark.parametrize("changes", [{"objective": "dense"}, {"teacher": ""}])
def test_who_has_a_teacher(imitating, stage, changes) -> None:
    wanted = {"objective": "imitate", "teacher": imitating.teacher, **changes}
    with pytest.raises(CheckpointError, match="a teacher is what the objective imitate has, and no other"):
        stage(trains=Trains(image_projector=1e-3), **wanted)


def test_a_teacher_whose_tokens_are_others(imitating, studio_processor: Processor) -> None:
    clip = replace(studio_processor.config.clip, image_size=64)
    wider = Processor(replace(studio_processor.config, clip=clip), studio_processor.tokenizer)
    with pytest.raises(CheckpointError, match="gives other tokens than the model"):
        teacher_of(imitating, wider)

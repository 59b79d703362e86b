"""Pictures as a perfect tower would show them: tokens that say what stands on each patch."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from training.data import Examples
from training.dense import GLYPHS, SLOTS, UNREADABLE, Vocabulary, vocabulary
from training.loop import build_bags, without_media
from training.loss import WordsHead, next_token_loss
from training.stages import Mixture, StageConfig, Trains
from training.synthetic import make
from training.told import MIDDLE, Bags, told, with_perfect_sight
from vlm.batch import collate
from vlm.errors import CheckpointError
from vlm.model import VLM, build_model
from vlm.processor import Processor

WORDS = Vocabulary(("red", "circle", "at:top left"), (1.0, 1.0, 0.25))
STAGE = StageConfig(
    "told", "next-token", Trains(decoder=1e-3), Mixture(images=1), steps=1, batch_size=2, told=True, questions=3
)  # fmt: skip


@pytest.fixture
def model(studio_processor: Processor) -> VLM:
    torch.manual_seed(0)
    return build_model(studio_processor.config).eval()


def empty(tiles: int = 1, patches: int = 16) -> tuple[Tensor, Tensor]:
    words = torch.zeros(tiles, patches, len(WORDS.words) + 1, dtype=torch.uint8)
    return words, torch.zeros(tiles, patches, SLOTS, dtype=torch.long)


def test_a_token_is_the_words_and_letters_on_its_patches(studio_processor: Processor, model: VLM) -> None:
    encode = studio_processor.tokenizer.encode
    embeddings = model.decoder.model.embed_tokens.weight.detach()
    words, letters = empty()
    words[0, 5, :3] = 1  # the second patch of the second row: of the first token
    words[0, 10, 3] = 1  # of the last token
    letters[0, 15, 0] = GLYPHS.index("b") + 1
    letters[0, 15, 1] = GLYPHS.index("a") + 1
    letters[0, 14, 2] = UNREADABLE
    tokens = Bags(len(embeddings), encode, WORDS)(embeddings, words, letters, downsample=2)

    def mean(text: str) -> Tensor:
        return embeddings[encode(text)].mean(0)

    first = mean(" red") + mean(" circle") + 0.5 * mean(" top left")
    last = mean(MIDDLE) + mean("b") + mean("a").roll(embeddings.shape[1] // SLOTS)
    wanted = normalize(torch.stack([first, 0 * first, 0 * first, last]), dim=-1)
    known = torch.stack([mean(" red"), mean(" circle"), 0.5 * mean(" top left"), mean(MIDDLE)])
    size = known.square().sum(-1).mean().sqrt()
    torch.testing.assert_close(tokens, (wanted * size)[None])


def test_a_projector_is_taught_the_same_tokens(studio_processor: Processor, model: VLM) -> None:
    embeddings = model.decoder.model.embed_tokens.weight.detach()
    bags = Bags(len(embeddings), studio_processor.tokenizer.encode, WORDS)
    words, letters = empty()
    words[0, 5, :2] = words[0, 15, 1] = 1
    right = bags(embeddings, words, letters, downsample=2)[0]
    said: list[Tensor] = []
    model.projectors["image"].register_forward_hook(lambda *_: said[-1])
    tiles = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    said.append(right)
    assert float(WordsHead(bags)(model, tiles, words, letters)[0]) == pytest.approx(0, abs=1e-5)
    said.append(0 * right)
    loss, n = WordsHead(bags)(model, tiles, words, letters)
    assert n == 4
    assert float(loss) == pytest.approx(2)  # two tokens have something to say


def test_what_is_told_takes_the_place_of_the_picture(studio_processor: Processor, model: VLM) -> None:
    examples, seen = (Examples(studio_processor, replace(STAGE, told=t)) for t in (True, False))
    scene = make("floor_plans", 3)
    said, shown = examples.told(scene), seen._transformed(scene)
    assert said.layout == shown.layout
    assert torch.equal(said.lengths, shown.lengths)
    assert said.inputs.dtype == torch.int8
    assert said.inputs.shape == (len(shown.inputs), 16, len(vocabulary().words) + 1 + SLOTS)
    for index in range(3):
        assert torch.equal(examples.sample(index).input_ids, seen.sample(index).input_ids)
    batch = collate([examples.sample(i) for i in range(3)], 0)
    perfect = with_perfect_sight(model, build_bags(STAGE, studio_processor)).eval()
    loss, n = next_token_loss(perfect, batch)
    assert n > 0
    assert torch.isfinite(loss)
    blind = without_media(batch)
    assert not blind.media["image"].inputs.any()
    assert not torch.equal(next_token_loss(perfect, blind)[0], loss)


def test_only_while_training_is_something_held_back(studio_processor: Processor, model: VLM) -> None:
    examples = Examples(studio_processor, replace(STAGE, overview_only=True))
    batch = collate([examples.sample(index) for index in range(4)], 0)
    perfect = with_perfect_sight(model, build_bags(STAGE, studio_processor))
    clear, again = (perfect.eval().encode(batch, "image") for _ in range(2))
    assert torch.equal(clear, again)
    noisy, other = (perfect.train().encode(batch, "image") for _ in range(2))
    assert not torch.equal(noisy, other)
    assert 0.3 < float(((noisy - clear).norm() / clear.norm()).detach()) < 1


def test_letters_survive_the_journey() -> None:
    words, letters = empty()
    letters[0, 3] = torch.tensor([UNREADABLE, 0, 5, len(GLYPHS) + 1])
    assert told(words, letters)[0, 3, -SLOTS:].tolist() == [UNREADABLE, 0, 5, len(GLYPHS) + 1]


def test_nothing_that_sees_can_be_trained_by_what_is_told() -> None:
    with pytest.raises(CheckpointError, match="no eye to train"):
        replace(STAGE, trains=Trains(decoder=1e-3, vision=1e-3))
    with pytest.raises(CheckpointError, match="told needs next-token"):
        replace(STAGE, objective="dense")

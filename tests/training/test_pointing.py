"""Heads of attention that are taught to look at what is named: which tokens name what, where, how it is learned."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from training.dense import PLACES, SIGNS, Vocabulary, vocabulary
from training.loop import build_heads
from training.loss import GroundingHead, next_token_loss
from training.pointing import Mentions, Watched
from training.written import labelled
from vlm.batch import IGNORE_INDEX, Batch, MediaBatch

FAMILY = "floor_plans"
IMAGE = 6


@pytest.fixture
def pointing(stage):
    return stage(name="pointing", pointing=0.5, families=(FAMILY,), overview_only=True)


def index(word: str) -> int:
    return vocabulary((FAMILY,)).words.index(word)


def batch_of(tokenizer, question: str, answer: str, standing: dict[int, str]) -> Batch:
    """One row: bos, a picture of 2 x 2 tokens, question and answer; `standing`: a word of the list by token."""
    asked, answered = tokenizer.encode(question), tokenizer.encode(answer)
    ids = torch.tensor([[1, *[IMAGE] * 4, *asked, *answered, 2]])
    labels = torch.tensor([[IGNORE_INDEX] * (5 + len(asked)) + [*answered, 2]])
    words = torch.zeros(1, 16, len(vocabulary((FAMILY,)).words), dtype=torch.uint8)
    for token, word in standing.items():
        words[0, 8 * (token // 2) + 2 * (token % 2), index(word)] = 1  # 4 x 4 patches, 2 x 2 of them a token
    tiles = labelled(torch.randint(0, 256, (1, 3, 32, 32), generator=torch.Generator().manual_seed(1)).byte(), words)
    media = {"image": MediaBatch(tiles, torch.tensor([16]), [(0, 0, 32, 32)])}
    places = torch.arange(ids.shape[1])[None]
    return Batch(ids, labels, torch.ones_like(ids).bool(), places, torch.zeros_like(ids), media)


def without_planes(batch: Batch) -> Batch:
    media = batch.media["image"]
    return replace(batch, media={"image": replace(media, inputs=media.inputs[:, :3])})


def test_which_tokens_name_a_word(studio_tokenizer) -> None:
    encode = studio_tokenizer.encode
    words = ("ink:red", "written:kitchen", "at:left", "kitchen", "in", "family:charts")
    mentions = Mentions(1024, encode, Vocabulary(words, (1.0, 1.0, 1.0, 1.0, 1.0, 0.04)))

    def named(text: str) -> list[str]:
        return [w for w, begins in zip(words, mentions.begins[:, encode(text)[0]].tolist(), strict=True) if begins]

    assert named(" red") == ["ink:red"]
    assert named(" kitchen") == ["written:kitchen", "kitchen"]
    assert named(" left") == named(" in") == named(" charts") == named(" k") == []


def test_where_what_a_token_names_stands(pointing, studio_processor) -> None:
    tokenizer = studio_processor.tokenizer
    mentions = build_heads(pointing, studio_processor).mentions
    batch = batch_of(tokenizer, " Where is the kitchen", " left", {0: "kitchen", 3: "written:kitchen", 1: "door"})
    words = torch.zeros(4, len(mentions.begins))
    words[0, index("kitchen")] = words[3, index("written:kitchen")] = words[1, index("door")] = 1
    places = mentions.places(batch.input_ids, words, batch.input_ids == IMAGE)
    (at,) = (batch.input_ids[0] == tokenizer.encode(" kitchen")[0]).nonzero().flatten().tolist()
    wanted = torch.zeros_like(places)
    wanted[0, at, [1, 4]] = True
    assert torch.equal(places, wanted)
    silent = torch.full_like(batch.input_ids, IGNORE_INDEX)
    assert not mentions.places(silent, words, batch.input_ids == IMAGE).any()


@pytest.mark.parametrize("head", [0, 1])
def test_the_share_is_that_of_the_layers_own_attention(head, fresh, pointing, studio_processor) -> None:
    """Values that are 1 at the wanted places and 0 elsewhere make of a head's output its share of attention."""
    model = fresh().eval()
    batch = without_planes(batch_of(studio_processor.tokenizer, " Where is the kitchen", " left", {}))
    layer = model.decoder.model.layers[1].self_attn
    places = torch.zeros(1, batch.input_ids.shape[1], batch.input_ids.shape[1], dtype=torch.bool)
    places[0, 6:, [2, 3]] = True
    watched, heard = Watched(layer, head), []
    model.states(batch)
    watched.hook.remove()
    share = (-watched.missed(places)).exp()
    x, rope, mask, *_ = watched.seen
    out = layer.o_proj.register_forward_pre_hook(lambda _, given: heard.append(given[0]))
    project = layer.v_proj.register_forward_hook(
        lambda *_: places[:, -1:].transpose(1, 2).float().expand(-1, -1, layer.kv_heads * layer.head_dim)
    )
    with torch.no_grad():
        layer(x, rope, mask, None, 1)
    out.remove(), project.remove()
    torch.testing.assert_close(share, heard[0][0, 6:, head * layer.head_dim])


def test_nothing_named_costs_nothing(fresh, pointing, studio_processor) -> None:
    model, head = fresh().eval(), build_heads(pointing, studio_processor)
    assert isinstance(head, GroundingHead) and not list(head.parameters())
    batch = batch_of(studio_processor.tokenizer, " Where is the kitchen", " left", {2: "door"})
    silent, count = next_token_loss(model, without_planes(batch))
    loss, same = head(model, batch, 0.0)
    assert float(loss.detach()) == float(silent.detach()) and same == count


def test_to_look_there_is_learned(fresh, pointing, studio_processor) -> None:
    """The question's word at its patch, the answer's at its own, from the place before it."""
    model, head = fresh(), build_heads(pointing, studio_processor)
    tokenizer, layers = studio_processor.tokenizer, model.decoder.model.layers
    batch = batch_of(tokenizer, " What is the kitchen beside", " bathroom", {0: "kitchen", 3: "bathroom"})
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)

    def shares() -> list[float]:
        watched = [Watched(layers[len(layers) * n // 4].self_attn) for n in (2, 3)]
        with torch.no_grad():
            model.states(without_planes(batch))
        found = []
        for one, (word, key) in zip(watched, ((" kitchen", 1), (" bathroom", 4)), strict=True):
            one.hook.remove()
            (at,) = (batch.input_ids[0] == tokenizer.encode(word)[0]).nonzero().flatten().tolist()
            places = torch.zeros(1, *[batch.input_ids.shape[1]] * 2, dtype=torch.bool)
            places[0, at - (key == 4), key] = True
            found.append(float((-one.missed(places).detach()).exp()))
        return found

    before = shares()
    for _ in range(40):
        loss, count = head(model, batch, 0.0)
        (loss / count).backward()
        optimizer.step()
        optimizer.zero_grad()
    after = shares()
    assert max(before) < 0.3 and min(after) > 0.7


def signs_at(**where: tuple[int, str]) -> torch.Tensor:
    """(4, PLACES) of four tokens; by name: on which token, and the letters there with their places: `1k 2i`."""
    signs = torch.zeros(4, PLACES)
    for token, letters in where.values():
        for letter in letters.split():
            signs[token, (int(letter[0]) - 1) * len(SIGNS) + SIGNS.index(letter[1])] = 1
    return signs


def test_where_the_letters_of_a_word_stand(pointing, studio_processor) -> None:
    tokenizer = studio_processor.tokenizer
    spelling = build_heads(pointing, studio_processor).spelling
    batch = batch_of(tokenizer, " Read it", " Qx7 ab", {})
    following = torch.nn.functional.pad(batch.labels[:, 1:], (0, 1), value=IGNORE_INDEX)
    image = batch.input_ids == IMAGE
    run = next(run for run in spelling.words(following[0].tolist()) if run)
    assert [letters for _, letters in run] == ["Q", "x", "7"]

    def looked_at(signs: torch.Tensor) -> list[list[int]]:
        places = spelling.places(following, signs, image)
        assert places.sum() == sum(places[0, at].sum() for at, _ in run)
        return [places[0, at].nonzero().flatten().tolist() for at, _ in run]

    assert looked_at(signs_at(one=(2, "1Q 2x"), two=(3, "37"))) == [[3], [3], [4]]
    assert looked_at(signs_at(one=(0, "1Q"), again=(1, "1Q"), two=(3, "2x 37"))) == [[1, 2], [4], [4]]
    assert looked_at(signs_at(one=(2, "1Q 2x"), two=(3, "47"))) == [[], [], []]  # not all of the word is there
    assert looked_at(signs_at(one=(2, "1q 2x"), two=(3, "37"))) == [[], [], []]  # another sign


def test_a_word_spelled_out_is_that_word(pointing, studio_processor) -> None:
    tokenizer = studio_processor.tokenizer
    spelling = build_heads(pointing, studio_processor).spelling
    batch = batch_of(tokenizer, " Spell it", " Q-x-7", {})
    places = spelling.places(
        batch.labels, signs_at(one=(0, "1Q"), two=(1, "2x"), three=(3, "37")), batch.input_ids == IMAGE
    )
    assert [column for _, _, column in places.nonzero().tolist()] == [1, 2, 4]


def test_one_letter_alone_is_not_looked_for(pointing, studio_processor) -> None:
    """A count or a letter that is asked for may stand elsewhere in the picture, too."""
    spelling = build_heads(pointing, studio_processor).spelling
    batch = batch_of(studio_processor.tokenizer, " How many", " 4", {})
    assert not spelling.places(batch.labels, signs_at(one=(0, "14")), batch.input_ids == IMAGE).any()

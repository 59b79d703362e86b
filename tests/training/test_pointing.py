"""Heads of attention that are taught to look at what is named: which tokens name what, where, how it is learned."""

from __future__ import annotations

import pytest
import torch

from training.dense import MOST_SIGNS, SIGNS, Vocabulary, vocabulary
from training.loop import build_heads
from training.loss import GroundingHead, next_token_loss
from training.pointing import Mentions, Watched
from vlm.batch import IGNORE_INDEX, Batch, MediaBatch

from .conftest import without_labels

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
    tiles = torch.randint(0, 256, (1, 3, 32, 32), generator=torch.Generator().manual_seed(1)).byte()
    standing_there = {"words": words, "signs": torch.zeros(1, MOST_SIGNS, 5, dtype=torch.uint8)}
    media = {"image": MediaBatch(tiles, torch.tensor([16]), [(0, 0, 32, 32)], standing_there)}
    places = torch.arange(ids.shape[1])[None]
    return Batch(ids, labels, torch.ones_like(ids).bool(), places, torch.zeros_like(ids), media)


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
    batch = without_labels(batch_of(studio_processor.tokenizer, " Where is the kitchen", " left", {}))
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
    silent, count = next_token_loss(model, without_labels(batch))
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
            model.states(without_labels(batch))
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


def signs_of(*words: tuple[str, str]) -> torch.Tensor:
    """(1, MOST_SIGNS, 5) of a picture of 2 x 2 tokens: words, and the token of each of their letters."""
    rows = [
        (int(token) // 2, int(token) % 2, number, nth, SIGNS.index(letter) + 1)
        for number, (word, tokens) in enumerate(words)
        for nth, (letter, token) in enumerate(zip(word, tokens, strict=True), start=1)
    ]
    signs = torch.zeros(1, MOST_SIGNS, 5, dtype=torch.uint8)
    signs[0, : len(rows)] = torch.tensor(rows, dtype=torch.uint8)
    return signs


@pytest.fixture
def looked_at(pointing, studio_processor):
    """For each letter that an answer says, the tokens (0 to 3) at which it is to look."""
    spelling = build_heads(pointing, studio_processor).spelling

    def places(answer: str, *words: tuple[str, str]) -> list[tuple[str, list[int]]]:
        batch = batch_of(studio_processor.tokenizer, " Read it", answer, {})
        found = spelling.places(batch.labels, signs_of(*words), batch.input_ids == IMAGE)
        letters = [pair for word in spelling.said(batch.labels[0].tolist()) for pair in word]
        assert found.sum() == sum(found[0, at].sum() for _, at in letters)
        return [(letter, [place - 1 for place in found[0, at].nonzero().flatten().tolist()]) for letter, at in letters]

    return places


def test_where_the_letters_of_a_word_stand(looked_at) -> None:
    assert looked_at(" Qx7", ("Qx7", "223")) == [("Q", [2]), ("x", [2]), ("7", [3])]
    assert looked_at(" Qx7", ("Qa7", "223"), ("Qx", "01")) == [("Q", []), ("x", []), ("7", [])]
    assert looked_at(" Qx7", ("Qx7", "012"), ("Qx7", "013")) == [("Q", [0]), ("x", [1]), ("7", [2, 3])]
    assert looked_at(" Qx7", ("qx7", "223")) == [("Q", []), ("x", []), ("7", [])]


def test_punctuation_around_a_word_is_not_of_it(looked_at) -> None:
    assert looked_at(' "ab", Qx.', ("Qx", "01")) == [
        ('"', []), ("a", []), ("b", []), ('"', []), (",", []), ("Q", [0]), ("x", [1]), (".", []),
    ]  # fmt: skip
    assert looked_at(" Qx", ("(Qx)", "0123")) == [("Q", [1]), ("x", [2])]


def test_a_word_spelled_out_is_that_word(looked_at) -> None:
    assert looked_at(" Q-x-7", ("Qx7", "013")) == [("Q", [0]), ("-", []), ("x", [1]), ("-", []), ("7", [3])]
    assert looked_at(" B-7", ("B-7", "013"), ("B7", "22")) == [("B", [0]), ("-", [1]), ("7", [3])]


def test_one_letter_alone_is_not_looked_for(looked_at) -> None:
    assert looked_at(" 4", ("4", "0")) == [("4", [])]


def test_what_stands_in_another_row_is_not_looked_at(pointing, studio_processor) -> None:
    spelling = build_heads(pointing, studio_processor).spelling
    one, two = (batch_of(studio_processor.tokenizer, " Read it", answer, {}) for answer in (" Qx", " Qv"))
    labels, image = torch.cat((one.labels, two.labels)), torch.cat((one.input_ids, two.input_ids)) == IMAGE
    signs = torch.cat((signs_of(("Qv", "01")), signs_of(("Qv", "23"))))
    found = spelling.places(labels, signs, image).nonzero()
    assert found[:, 0].tolist() == [1, 1] and found[:, 2].tolist() == [3, 4]

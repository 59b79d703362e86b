"""Padding, masks, and packing: a packed conversation computes what it computes alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from encoders.base import MediaInput
from training.loss import next_token_loss
from vlm.batch import IGNORE_INDEX, Sample, collate, pack
from vlm.model import VLM
from vlm.processor import Processor

torch.set_num_threads(1)

N = IGNORE_INDEX
IMAGE, AUDIO = 6, 7  # placeholders of the fixtures in conftest.py
OWN = {"audio": AUDIO}


def sample(ids: list[int], labels: list[int] | None = None, **rest: Any) -> Sample:
    return Sample(torch.tensor(ids), torch.tensor(labels if labels is not None else [N] * len(ids)), **rest)


def medium(number: int, windows: int = 1) -> MediaInput:
    return MediaInput(torch.full((windows, 2), number), torch.full((windows,), number), (0, 0, number, number))


# --- collate ---


def test_collate_right_literally() -> None:
    batch = collate([sample([5, 6, 7], [N, 6, 7]), sample([8], [8])], 0)
    assert batch.input_ids.tolist() == [[5, 6, 7], [8, 0, 0]]
    assert batch.labels.tolist() == [[N, 6, 7], [8, N, N]]
    assert batch.valid.tolist() == [[True, True, True], [True, False, False]]
    assert batch.position_ids.tolist() == [[0, 1, 2], [0, 0, 0]]
    assert batch.segment_ids.tolist() == [[0, 0, 0], [0, 0, 0]]
    assert batch.media == {}


def test_collate_left_literally() -> None:
    batch = collate([sample([5, 6, 7], [N, 6, 7]), sample([8, 9], [N, 9])], 3, left=True)
    assert batch.input_ids.tolist() == [[5, 6, 7], [3, 8, 9]]
    assert batch.labels.tolist() == [[N, 6, 7], [N, N, 9]]
    assert batch.valid.tolist() == [[True, True, True], [False, True, True]]
    assert batch.position_ids.tolist() == [[0, 1, 2], [0, 0, 1]]


def test_collate_joins_media_in_reading_order() -> None:
    rows = [
        sample([1], media={"image": [medium(1), medium(2, windows=3)], "audio": [medium(3)]}),
        sample([1]),
        sample([1], media={"image": [medium(4)], "audio": []}),
    ]
    batch = collate(rows, 0)
    assert batch.media["image"].lengths.tolist() == [1, 2, 2, 2, 4]
    assert batch.media["image"].inputs[:, 0].tolist() == [1, 2, 2, 2, 4]
    assert batch.media["image"].layouts == [(0, 0, 1, 1), (0, 0, 2, 2), (0, 0, 4, 4)]
    assert batch.media["audio"].lengths.tolist() == [3]
    assert collate(rows[1:2], 0).media == {} == collate([sample([1], media={"audio": []})], 0).media


def test_to_moves_every_tensor() -> None:
    batch = collate([sample([1, 2], media={"image": [medium(1)]})], 0).to("meta")
    for name in ("input_ids", "labels", "valid", "position_ids", "segment_ids"):
        assert getattr(batch, name).device.type == "meta", name
    assert batch.media["image"].inputs.device.type == batch.media["image"].lengths.device.type == "meta"


# --- the mask ---


def test_mask_is_none_where_causal_is_meant() -> None:
    assert collate([sample([1, 2]), sample([3, 4])], 0).attention_mask() is None
    assert collate([sample([1, 2]), sample([3])], 0).attention_mask() is not None
    assert collate([sample([1, 2], segment_ids=torch.tensor([0, 1]))], 0).attention_mask() is not None


def rows_of(mask: Tensor) -> list[str]:
    """(1, T, T) bool -> one string per query."""
    return ["".join("x" if seen else "." for seen in row) for row in mask[0].tolist()]


def test_mask_of_padding_and_segments_literally() -> None:
    segments = {"segment_ids": torch.tensor([0, 0, 1, 1, 2, 2])}
    rows = [sample([1] * 8), sample([1] * 6, **segments)]
    right, left = (collate(rows, 0, left=side).attention_mask() for side in (False, True))
    assert right.shape == left.shape == (2, 1, 8, 8)
    assert rows_of(right[1]) == [
        "x.......",
        "xx......",
        "xxx.....",
        "xxxx....",
        "xx..x...",
        "xx..xx..",
        "xx....x.",  # padding sees the beginning and itself; nobody sees it
        "xx.....x",
    ]
    assert rows_of(left[1]) == [
        "x.......",
        ".x......",
        "..x.....",
        "..xx....",
        "..xxx...",
        "..xxxx..",
        "..xx..x.",
        "..xx..xx",
    ]
    assert rows_of(right[0]) == rows_of(left[0]) == ["x" * (i + 1) + "." * (7 - i) for i in range(8)]


SHAPES = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3)), min_size=1, max_size=4)


@settings(max_examples=200, deadline=None)
@given(SHAPES, st.booleans())
def test_mask_properties(shapes: list[tuple[int, int]], left: bool) -> None:
    """Never a row without a key; never a look ahead, at padding, or into another segment."""
    samples = []
    for length, segments in shapes:
        ids = torch.arange(length) * (segments + 1) // length  # 0 .. segments, in order
        samples.append(sample([1] * length, segment_ids=ids))
    batch = collate(samples, 0, left=left)
    mask = batch.attention_mask()
    if mask is None:
        assert batch.valid.all() and not batch.segment_ids.any()
        return
    T = batch.input_ids.shape[1]
    assert mask.dtype == torch.bool and mask.shape == (len(samples), 1, T, T)
    assert mask.any(-1).all()
    for row in range(len(samples)):
        for q in range(T):
            for k in range(T):
                seg = batch.segment_ids[row]
                wanted = q == k or (k < q and bool(batch.valid[row, k]) and int(seg[k]) in (0, int(seg[q])))
                assert bool(mask[row, 0, q, k]) == wanted


# --- pack, on ids ---


def test_pack_literally() -> None:
    """Three conversations that begin with 1 2 3; the first supervised token keeps its predecessor (4) with it."""
    packed = pack([
        sample([1, 2, 3, 4, 50, 51], [N, N, N, N, 50, 51]),
        sample([1, 2, 3, 4, 60], [N, N, N, N, 60]),
        sample([1, 2, 3, 7, 8, 70, 9], [N, N, N, N, N, 70, N]),
    ])  # fmt: skip
    assert packed.input_ids.tolist() == [1, 2, 3, 4, 50, 51, 4, 60, 7, 8, 70, 9]
    assert packed.labels.tolist() == [N, N, N, N, 50, 51, N, 60, N, N, 70, N]
    assert packed.segment_ids.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 3]
    assert packed.position_ids.tolist() == [0, 1, 2, 3, 4, 5, 3, 4, 3, 4, 5, 6]
    assert len(packed) == 12


def test_pack_of_one_is_that_one() -> None:
    only = sample([1, 2, 3], [N, 2, 3])
    assert pack([only]) is only


def test_pack_of_conversations_that_differ_at_once() -> None:
    packed = pack([sample([1, 2], [N, 2]), sample([3, 4], [N, 4])])
    assert packed.segment_ids.tolist() == [1, 1, 2, 2] and packed.position_ids.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("first", [0, 1])
def test_pack_when_everything_is_supervised(first: int) -> None:
    """Nothing can be shared: no supervised token may lose its predecessor."""
    labels = [N] * first + [1, 2, 3][first:]
    packed = pack([sample([1, 2, 3], labels), sample([1, 2, 3], labels)])
    assert packed.segment_ids.tolist() == [1, 1, 1, 2, 2, 2]
    assert packed.labels.tolist() == labels * 2


def test_pack_keeps_one_picture_and_every_sound() -> None:
    picture, sounds = medium(1), [medium(2), medium(3)]
    ids = [[1, IMAGE, 4, AUDIO, 9], [1, IMAGE, 4, 8, 9], [1, IMAGE, 4, AUDIO, 9]]
    media = [{"image": [picture], **own} for own in ({"audio": sounds[:1]}, {}, {"audio": sounds[1:]})]
    packed = pack([sample(i, [N, N, N, N, 9], media=m) for i, m in zip(ids, media, strict=True)], OWN)
    assert packed.media == {"image": [picture], "audio": sounds}
    assert packed.input_ids.tolist().count(IMAGE) == 1 and packed.input_ids.tolist().count(AUDIO) == 2


def test_pack_keeps_every_picture_that_is_a_conversations_own() -> None:
    pictures = [medium(1), medium(2)]
    talks = [sample([1, IMAGE, 4, 9], [N, N, N, 9], media={"image": [picture]}) for picture in pictures]
    packed = pack(talks, {"image": IMAGE, **OWN})
    assert packed.media == {"image": pictures} and packed.segment_ids.tolist() == [0, 1, 1, 1, 2, 2, 2]
    assert packed.input_ids.tolist() == [1, IMAGE, 4, 9, IMAGE, 4, 9]


WORDS = st.integers(10, 12)
ANSWERED = st.lists(st.tuples(WORDS, st.booleans()), min_size=1, max_size=8)
TALKS = st.lists(st.tuples(st.lists(WORDS, max_size=6), ANSWERED), min_size=2, max_size=5)


@settings(max_examples=300, deadline=None)
@given(TALKS)
def test_packed_conversations_can_be_taken_apart_again(talks: list[tuple[list[int], list[tuple[int, bool]]]]) -> None:
    samples = []
    for start, rest in talks:
        ids = [1, 2, *start, *(i for i, _ in rest)]
        labels = [N] * (2 + len(start)) + [i if on else N for i, on in rest]
        samples.append(sample(ids, labels))
    packed = pack(samples)
    common = packed.segment_ids == 0
    for number, one in enumerate(samples, start=1):
        mine = common | (packed.segment_ids == number)
        assert packed.input_ids[mine].tolist() == one.input_ids.tolist()
        assert packed.labels[mine].tolist() == one.labels.tolist()
        assert packed.position_ids[mine].tolist() == list(range(len(one)))
    # The shift of the loss stays inside a segment.
    for at in (packed.labels != N).nonzero().flatten().tolist():
        assert packed.segment_ids[at] == packed.segment_ids[at - 1] > 0
    assert (packed.labels != N).sum() == sum((s.labels != N).sum() for s in samples)


# --- pack, through the model ---


def picture(seed: int, width: int = 60, height: int = 33) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def sound(seed: int, samples: int = 4000) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, samples).astype(np.float32)


def talk(media: list[dict[str, Any]], *turns: str) -> list[dict[str, Any]]:
    """Media and the first question, then answers and questions by turns."""
    first = [*media, *([{"type": "text", "text": turns[0]}] if turns[0] else [])]
    later = [{"role": "user" if i % 2 else "assistant", "content": text} for i, text in enumerate(turns[1:])]
    return [{"role": "user", "content": first}, *later]


IMG = [{"type": "image", "image": picture(0)}]
TWO = [*IMG, {"type": "image", "image": picture(1, 20, 50)}]


def heard(seed: int, samples: int = 4000) -> list[dict[str, Any]]:
    return [{"type": "audio", "audio": sound(seed, samples)}]


GROUPS = {
    "one image": [talk(IMG, "what is red?", "the box"), talk(IMG, "how many?", "3"), talk(IMG, "where?", "on a box")],
    "several turns": [
        talk(IMG, "what is red?", "a box", "and blue?", "a ball"),
        talk(IMG, "what is it?", "the image"),
        talk(IMG, "is it?", "yes", "sure?", "yes", "why?", "so"),
    ],
    "two images": [talk(TWO, "same?", "no"), talk(TWO, "the first?", "red"), talk(TWO, "both?", "red and blue")],
    "spoken questions": [
        talk([*IMG, *heard(1)], "", "yes"), talk([*IMG, *heard(2, 9000)], "", "no"), talk(IMG, "what?", "red"),
        talk([*IMG, *heard(3, 40000)], "", "the box"),
    ],
    "sounds alone": [talk(heard(4), "what?", "beep"), talk(heard(5, 7000), "", "no"), talk(heard(4), "long?", "yes")],
    "text alone": [talk([], "the image is red. what is red?", "it"), talk([], "the image is red. is it?", "yes")],
    "same question": [talk(IMG, "what?", "a"), talk(IMG, "what?", "b")],
}  # fmt: skip


@pytest.mark.parametrize("name", list(GROUPS))
@torch.no_grad()
def test_packed_logits_are_those_of_each_alone(name: str, tiny_model: VLM, tiny_processor: Processor) -> None:
    alone = [tiny_processor(messages, for_training=True) for messages in GROUPS[name]]
    packed = pack(alone, OWN)
    assert len(packed) < sum(map(len, alone))  # something was shared
    logits = tiny_model(collate([packed], 0))[0]
    for number, one in enumerate(alone, start=1):
        mine = (packed.segment_ids == 0) | (packed.segment_ids == number)
        expected = tiny_model(collate([one], 0))[0]
        torch.testing.assert_close(logits[mine], expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_the_image_is_shared(tiny_processor: Processor) -> None:
    """All of it: packing would be of no use if the prefix ended before or inside the picture."""
    for name in ("one image", "several turns", "two images", "spoken questions", "same question"):
        alone = [tiny_processor(messages, for_training=True) for messages in GROUPS[name]]
        packed = pack(alone, OWN)
        ids = packed.input_ids
        assert (packed.segment_ids[ids == IMAGE] == 0).all(), name
        assert int((ids == IMAGE).sum()) == int((alone[0].input_ids == IMAGE).sum())


@pytest.mark.parametrize("left", [False, True])
@torch.no_grad()
def test_packed_rows_beside_others(left: bool, tiny_model: VLM, tiny_processor: Processor) -> None:
    """A batch of packed and plain rows, padded: each row as alone."""
    groups = GROUPS["one image"], GROUPS["text alone"], GROUPS["sounds alone"][:1]
    rows = [pack([tiny_processor(m, for_training=True) for m in group], OWN) for group in groups]
    batch = collate(rows, 0, left=left)
    logits = tiny_model(batch)
    assert torch.isfinite(logits).all()
    for row, one in enumerate(rows):
        expected = tiny_model(collate([one], 0))[0]
        slack = 1e-4 * float(expected.abs().max())
        torch.testing.assert_close(logits[row][batch.valid[row]], expected, rtol=1e-4, atol=slack)


def test_packed_loss_and_gradients_are_the_sums(tiny_model: VLM, tiny_processor: Processor) -> None:
    alone = [tiny_processor(m, for_training=True) for m in GROUPS["spoken questions"]]
    parameters = {n: p for n, p in tiny_model.named_parameters() if p.requires_grad}  # not Whisper's sinusoids

    def run(batches: list[list[Sample]]) -> tuple[float, int, dict[str, Tensor]]:
        total, count = torch.zeros(()), 0
        for rows in batches:
            loss, n = next_token_loss(tiny_model, collate(rows, 0))
            total, count = total + loss, count + n
        found = torch.autograd.grad(total, list(parameters.values()), allow_unused=True)
        return total.item(), count, {n: g for n, g in zip(parameters, found, strict=True) if g is not None}

    loss, count, grads = run([[pack(alone, OWN)]])
    expected_loss, expected_count, expected = run([[one] for one in alone])
    assert count == expected_count > 0
    assert loss == pytest.approx(expected_loss, rel=1e-5)
    assert grads.keys() == expected.keys()
    largest = max(float(g.abs().max()) for g in expected.values())
    for name, grad in grads.items():
        assert torch.allclose(grad, expected[name], rtol=1e-3, atol=1e-5 * largest), name


@torch.no_grad()
def test_packed_pictures_are_each_seen_by_their_own(tiny_model: VLM, tiny_processor: Processor) -> None:
    talks = [talk([{"type": "image", "image": picture(seed)}], "what is red?", "the box") for seed in (1, 2, 3)]
    alone = [tiny_processor(messages, for_training=True) for messages in talks]
    packed = pack(alone, {"image": IMAGE})
    logits = tiny_model(collate([packed], 0))[0]
    expected = [tiny_model(collate([one], 0))[0] for one in alone]
    assert not torch.allclose(expected[0], expected[1], atol=1e-3 * float(expected[0].abs().max()))
    for number, wanted in enumerate(expected, start=1):
        mine = (packed.segment_ids == 0) | (packed.segment_ids == number)
        torch.testing.assert_close(logits[mine], wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))


@torch.no_grad()
def test_segments_matter(tiny_model: VLM, tiny_processor: Processor) -> None:
    """Without the segments the logits are others, so the comparison above can fail."""
    alone = [tiny_processor(messages, for_training=True) for messages in GROUPS["one image"]]
    packed = pack(alone, OWN)
    last = packed.segment_ids == len(alone)
    right = tiny_model(collate([packed], 0))[0][last]
    for changed in ({"segment_ids": None}, {"position_ids": None}):
        wrong = tiny_model(collate([Sample(**{**packed.__dict__, **changed})], 0))[0][last]
        assert not torch.allclose(right, wrong, atol=1e-3 * float(right.abs().max()))

"""Weighing given answers, and finding out which part of a picture an answer hangs on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import vlm
from training.evaluate import normalise
from training.synthetic import make
from vlm.assistant import Assistant
from vlm.errors import InputError
from vlm.occlusion import Occlusion, covered, grid, occlude, tile_box


def picture(seed: int = 0, size: tuple[int, int] = (48, 32)) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), np.uint8))


def asked(question: str, *pictures: Image.Image) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"type": "image", "image": image} for image in pictures]
    return {"role": "user", "content": [*parts, {"type": "text", "text": question}]}


def said(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def test_log_probabilities_are_those_of_the_last_answer(tiny_assistant: Assistant) -> None:
    messages = [asked("what is the image", picture()), said("red"), asked("what"), said("the image")]
    (found,) = tiny_assistant.log_probabilities([messages])
    tokenizer = tiny_assistant.processor.tokenizer
    answer = [*tokenizer.encode(" the image"), 2]  # and the token that ends it
    prompt = tiny_assistant._sample(messages[:-1])
    ids = torch.cat((prompt.input_ids, torch.tensor(answer)))
    from vlm.batch import Sample, collate

    batch = collate([Sample(ids, torch.full_like(ids, -100), prompt.media)], 0)
    with torch.inference_mode():
        logits = tiny_assistant.model(batch)[0, len(prompt) - 1 : -1]
    wanted = logits.log_softmax(-1)[range(len(answer)), answer]
    torch.testing.assert_close(found, wanted, atol=1e-4, rtol=1e-4)


def test_log_probabilities_in_a_batch_are_those_alone(tiny_assistant: Assistant) -> None:
    conversations = [
        [asked("what", picture(1)), said("red")],
        [asked("is the image red", picture(2), picture(3)), said("the image is what it is")],
        [asked("is"), said("what")],
    ]
    together = list(tiny_assistant.log_probabilities(conversations, batch_size=3))
    alone = list(tiny_assistant.log_probabilities(conversations, batch_size=1))
    assert [len(one) for one in together] == [len(one) for one in alone]
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_only_answered_conversations_are_weighed(tiny_assistant: Assistant) -> None:
    with pytest.raises(InputError, match="assistant message"):
        list(tiny_assistant.log_probabilities([[asked("what")]]))


@pytest.mark.parametrize(
    ("size", "tiles", "shape"),
    [
        ((80, 80), 8, (8, 8)), ((160, 40), 8, (2, 8)), ((40, 160), 8, (8, 2)), ((1000, 5), 8, (1, 8)),
        ((1, 1), 8, (1, 1)),
    ],
)  # fmt: skip
def test_tiles_cover_each_pixel_once(size: tuple[int, int], tiles: int, shape: tuple[int, int]) -> None:
    assert grid(size, tiles) == shape
    counts = np.zeros((size[1], size[0]), dtype=int)
    for row in range(shape[0]):
        for column in range(shape[1]):
            x0, y0, x1, y1 = tile_box(size, shape, row, column)
            counts[y0:y1, x0:x1] += 1
    assert (counts == 1).all()


def window(size: tuple[int, int], shape: tuple[int, int], row: int, column: int) -> tuple[int, int, int, int]:
    """Two by two tiles, the upper left of which is (row, column); what lies beyond the border is left out."""
    left, top, *_ = tile_box(size, shape, max(row, 0), max(column, 0))
    *_, right, bottom = tile_box(size, shape, min(row + 1, shape[0] - 1), min(column + 1, shape[1] - 1))
    return left, top, right, bottom


def test_covered_windows_have_the_mean_colour_and_the_rest_stays() -> None:
    image, shape = picture(), (2, 3)
    views = list(covered(image, shape))
    places = [(row, column) for row in range(-1, 2) for column in range(-1, 3)]
    assert len(views) == len(places) == 12
    before = np.asarray(image)
    mean = before.reshape(-1, 3).mean(axis=0).round()
    for view, place in zip(views, places, strict=True):
        x0, y0, x1, y1 = window(image.size, shape, *place)
        after = np.asarray(view)
        assert (after[y0:y1, x0:x1] == mean).all()
        changed = (before != after).any(axis=2)
        changed[y0:y1, x0:x1] = False
        assert not changed.any()


class Reader:
    """Answers from one box of one picture: what is changed there costs log-probability, pixel by pixel."""

    def __init__(self, image: Image.Image, box: tuple[int, int, int, int]) -> None:
        self.truth, self.box = np.asarray(image), box

    def log_probabilities(self, conversations: Iterable[Any], *, batch_size: int) -> Iterator[torch.Tensor]:
        x0, y0, x1, y1 = self.box
        for messages in conversations:
            assert messages[-1] == said("red")
            view = np.asarray(messages[-2]["content"][-2]["image"])
            changed = (view != self.truth).any(axis=2)[y0:y1, x0:x1].sum()
            yield torch.tensor([-0.1, -0.01 * float(changed)])


def test_the_hottest_tile_is_where_the_answer_comes_from() -> None:
    rng = np.random.default_rng(7)
    for case in range(50):
        width, height = rng.integers(40, 120, 2).tolist()
        image = picture(case, (width, height))
        x0, y0 = int(rng.integers(0, width - 20)), int(rng.integers(0, height - 20))
        box = (x0, y0, x0 + 20, y0 + 20)
        progress: list[float] = []
        other = picture(99)
        messages = [asked("what", other), said("no"), asked("what", other, image)]
        found = occlude(Reader(image, box), messages, "red", tiles=6, on_progress=progress.append)  # type: ignore[arg-type]
        a, b, c, d = found.hottest
        assert a < box[2] and c > box[0] and b < box[3] and d > box[1]
        assert found.log_probability == pytest.approx(-0.1)
        rows, columns = found.drops.shape
        for row in range(rows):
            for column in range(columns):
                windows = [window(image.size, (rows, columns), row - i, column - j) for i in (0, 1) for j in (0, 1)]
                inside = [
                    max(0, min(x1, box[2]) - max(x0, box[0])) * max(0, min(y1, box[3]) - max(y0, box[1]))
                    for x0, y0, x1, y1 in windows
                ]
                assert found.drops[row, column] == pytest.approx(0.01 * sum(inside) / 4, rel=0.02, abs=0.01)
        assert progress[-1] == 1.0


def test_the_overlay_glows_there_only() -> None:
    drops = np.zeros((4, 4))
    drops[1, 2] = 2.0
    drops[3, 0] = -1.0  # covering this made the answer more probable: no glow
    image = Image.new("RGB", (80, 80), (120, 120, 120))
    pixels = np.asarray(Occlusion(image, drops, -0.5).overlay()).astype(int)
    redness = pixels[..., 0] - pixels[..., 2]
    assert pixels.shape == (80, 80, 3)
    assert redness[25:35, 45:55].min() > 60
    assert abs(redness[60:, :30]).max() <= 2


def test_no_picture_and_no_answer_are_typed_errors(tiny_assistant: Assistant) -> None:
    with pytest.raises(InputError, match="no picture"):
        occlude(tiny_assistant, [asked("what")], "red")
    with pytest.raises(InputError, match="no answer"):
        occlude(tiny_assistant, [asked("what", picture())], " ")


def test_the_model_itself_is_asked(tiny_assistant: Assistant) -> None:
    image = picture()
    found = occlude(tiny_assistant, [asked("what", image)], "the image", tiles=3, batch_size=4)
    assert found.drops.shape == (2, 3)
    views = list(covered(image, (2, 3)))
    whole, *without = (
        float(one.sum())
        for one in tiny_assistant.log_probabilities(
            [asked("what", v), said("the image")] for v in (image, *(views[i] for i in (0, 1, 4, 5)))
        )
    )
    assert found.log_probability == pytest.approx(whole, abs=1e-4)
    assert found.drops[0, 0] == pytest.approx(whole - sum(without) / 4, abs=1e-4)


@pytest.mark.slow
def test_the_embedded_model_looks_at_what_it_is_asked_about() -> None:
    """50 generated compositions: the hottest tile lies on the thing whose colour is asked for, in 80 % at least."""
    assistant = vlm.load()
    hits = cases = 0
    for seed in range(2000):
        scene = make("shapes", seed, "seeds")
        things = scene.scene["objects"]
        kinds = Counter(thing["kind"] for thing in things)
        alone = [i for i, thing in enumerate(things) if kinds[thing["kind"]] == 1]
        if len(things) < 2 or not alone:
            continue
        thing, region = things[alone[0]], scene.regions[1 + alone[0]]
        messages = [asked(f"What colour is the {thing['kind']}?", scene.image)]
        answer = assistant.chat(messages, max_new_tokens=16).text
        if normalise(answer) != normalise(thing["colour"]):
            continue  # of a wrong answer it is not known what it hangs on
        x0, y0, x1, y1 = occlude(assistant, messages, answer).hottest
        across, down = scene.image.width / scene.scene["size"][0], scene.image.height / scene.scene["size"][1]
        left, top, right, bottom = region.box
        hits += x0 < right * across and x1 > left * across and y0 < bottom * down and y1 > top * down
        cases += 1
        if cases == 50:
            break
    assert cases == 50
    assert hits >= 40, f"{hits} of {cases}"

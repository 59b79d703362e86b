"""`assistant.caption`: in batches as alone, in order, bad images as results, JSON as its schema wants it."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import torch
from PIL import Image

from training.synthetic.conversations import CAPTION_PROMPTS as TRAINED
from vlm.assistant import Assistant
from vlm.captioning import CAPTION_PROMPTS, CaptionBatches, Captioned, CaptionRequest, in_order
from vlm.constraints import JsonSchema
from vlm.errors import ContextLengthError, InputError

SIZES = [(64, 64), (120, 40), (30, 90), (32, 32), (200, 190), (64, 64), (40, 120), (33, 34), (90, 30)]
"""Of several grids, and so of several lengths in tokens."""


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    found = []
    for number, size in enumerate(SIZES):
        image = Image.effect_noise(size, 60).convert("RGB")
        image.paste((number * 25, 255 - number * 25, 90), (0, 0, size[0] // 2, size[1] // 2))
        found.append(image)
    return found


@pytest.fixture(scope="module")
def alone(tiny_assistant: Assistant, pictures: list[Image.Image]) -> list[str]:
    asked = CAPTION_PROMPTS["short"]
    return [tiny_assistant.ask(asked, images=[picture], max_new_tokens=24).text for picture in pictures]


@pytest.mark.parametrize("batch_size", [1, 2, 3, 9, None])
def test_in_a_batch_as_alone(
    tiny_assistant: Assistant, pictures: list[Image.Image], alone: list[str], batch_size: int | None
) -> None:
    results = list(tiny_assistant.caption(pictures, style="short", batch_size=batch_size, max_new_tokens=24))
    assert [result.text for result in results] == alone
    assert [result.place for result in results] == list(range(len(pictures)))
    assert len(set(alone)) > 4  # they are not all the same anyway


def test_a_long_neighbour_takes_no_room(tiny_assistant: Assistant, pictures: list[Image.Image]) -> None:
    """Near the end of the context, too, each gets as many tokens as alone."""
    prompts = ["hi", "x" * 380]
    requests = [CaptionRequest(place, pictures[3], prompt) for place, prompt in enumerate(prompts)]
    (batch,) = tiny_assistant.caption_batches(requests, batch_size=2, max_new_tokens=200)
    alone = [tiny_assistant.ask(prompt, images=[pictures[3]], max_new_tokens=200) for prompt in prompts]
    assert {result.place: result.text for result in batch} == {place: reply.text for place, reply in enumerate(alone)}
    counts = [reply.completion_tokens for reply in alone]
    assert counts[1] < 200 and counts[0] != counts[1]


def test_sampled_by_place_not_by_row(tiny_assistant: Assistant, pictures: list[Image.Image]) -> None:
    options: dict[str, Any] = {"max_new_tokens": 12, "temperature": 1.5, "seed": 4}
    by_size = [
        [result.text for result in tiny_assistant.caption([pictures[0]] * 5, batch_size=size, **options)]
        for size in (1, 2, 5)
    ]
    assert by_size[0] == by_size[1] == by_size[2] and len(set(by_size[0])) == 5


def test_bad_images_are_results(
    tiny_assistant: Assistant, pictures: list[Image.Image], alone: list[str], tmp_path: Path
) -> None:
    (tmp_path / "empty.png").touch()
    bad: list[Any] = [tmp_path / "empty.png", tmp_path / "missing.png", b"GIF89a", "https://example.com/a.png", 7]
    mixed = [image for pair in itertools.zip_longest(pictures, bad) for image in pair if image is not None]
    results = list(tiny_assistant.caption(mixed, style="short", batch_size=4, max_new_tokens=24))
    assert [result.text for result in results if result.error is None] == alone
    codes = [result.error.code for result in results if result.error]
    assert codes == ["bad_image", "not_found", "bad_image", "remote_not_allowed", "bad_image"]
    assert all(not result.text for result in results if result.error)
    assert "empty.png" in str(results[1].error)


def test_results_come_as_they_are_made(tiny_assistant: Assistant, pictures: list[Image.Image]) -> None:
    """An endless source gives results; only a few batches are taken ahead."""
    taken = itertools.count()

    def endless() -> Iterator[Image.Image]:
        while True:
            next(taken)
            yield pictures[3]

    results = tiny_assistant.caption(endless(), batch_size=2, workers=1, max_new_tokens=2)
    assert [next(results).place for _ in range(5)] == [0, 1, 2, 3, 4]
    assert next(taken) <= 5 + 2 * 4 + 2 * 2 + 2
    results.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "wrong", [{"style": "long"}, {"batch_size": 0}, {"batch_size": "auto"}, {"max_new_token": 3}, {"temperature": -1}]
)
def test_wrong_options_are_raised_at_once(tiny_assistant: Assistant, wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        tiny_assistant.caption([], **wrong)


def test_too_long_a_prompt_is_a_result(tiny_assistant: Assistant, pictures: list[Image.Image]) -> None:
    (result,) = tiny_assistant.caption([pictures[0]], prompt="x" * 600)
    assert isinstance(result.error, ContextLengthError)


def test_prompts_are_those_of_the_training() -> None:
    for style, prompt in CAPTION_PROMPTS.items():
        patterns = []
        for template in TRAINED[style.removesuffix("-text")]:
            choices = re.sub(r"\[([^\]]*)\]", lambda found: f"(?:{found[1]})", template.replace("?", r"\?"))
            patterns.append(choices.replace(".", r"\."))
        assert any(re.fullmatch(pattern, prompt) for pattern in patterns), style


# --- batches -----------------------------------------------------------------------------------------


def test_batches_are_of_like_length_and_none_waits() -> None:
    """With a window of 4 batches, lengths 1 and 9 in turn never meet; one odd length is not put off for ever."""
    lengths = [1, 9] * 8 + [5] + [1, 9] * 20
    batches: list[list[int]] = []

    def answer(samples: list[Any], places: list[int]) -> list[Any]:
        batches.append([len(sample) for sample in samples])
        return [None] * len(samples)

    work = CaptionBatches(lambda r: [0] * lengths[r.place], answer, lambda _: 1, 4, workers=2)  # type: ignore[arg-type, return-value]
    results = list(in_order(_judged(work([CaptionRequest(i, b"", "") for i in range(len(lengths))]))))
    assert [result.place for result in results] == list(range(len(lengths)))
    mixed = [number for number, batch in enumerate(batches) if len(set(batch)) > 1]
    assert len(mixed) == 2 and 5 in batches[mixed[0]]  # the odd one, and where the list ends
    assert next(i for i, batch in enumerate(batches) if 5 in batch) <= 8


def _judged(batches: Iterator[list[Captioned]]) -> Iterator[list[Captioned]]:
    yield from batches


def test_what_cannot_be_answered_is_a_result() -> None:
    def answer(samples: list[Any], places: list[int]) -> list[Any]:
        return [InputError("no", "out_of_memory") if place == 6 else None for place in places]

    work = CaptionBatches(lambda r: [0], answer, lambda _: 1, 8, workers=1)  # type: ignore[arg-type, return-value]
    results = list(in_order(work([CaptionRequest(i, b"", "") for i in range(8)])))
    assert [result.error.code if result.error else "" for result in results] == [""] * 6 + ["out_of_memory", ""]


def test_rows_in_memory(tiny_assistant: Assistant) -> None:
    config = tiny_assistant.config
    rows = [config.rows_in(memory, 100, 50, 4) for memory in (0, 1 << 20, 1 << 24, 1 << 28)]
    assert rows[0] == 1 and rows == sorted(rows) and rows[-1] > rows[1]
    assert all(row & (row - 1) == 0 for row in rows)
    assert config.rows_in(1 << 28, 100, 50, 2) == 2 * config.rows_in(1 << 28, 100, 50, 4)


# --- JSON --------------------------------------------------------------------------------------------

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["chart", "plan"]},
        "count": {"type": "integer", "minimum": 0, "maximum": 12},
        "words": {"type": "array", "items": {"type": "string", "maxLength": 5}, "maxItems": 2},
    },
    "required": ["kind", "count", "words"],
    "additionalProperties": False,
}


def test_random_scores_make_valid_json(tiny_assistant: Assistant) -> None:
    """Whatever the model would say; the end comes only where the JSON is whole."""
    tokenizer, config = tiny_assistant.processor.tokenizer, tiny_assistant.config
    grammar = JsonSchema(SCHEMA, tokenizer, config.decoder.vocab_size, config.special_ids.eos)
    generator = torch.Generator().manual_seed(0)
    for _ in range(40):
        constraint, ids = grammar.constraint(), list[int]()
        while not ids or ids[-1] not in config.special_ids.eos:
            scores = constraint.mask(torch.randn(config.decoder.vocab_size, generator=generator))
            assert torch.isfinite(scores).any()
            ids.append(int(scores.argmax()))
            constraint.push(ids[-1])
            assert len(ids) < 200
        jsonschema.validate(json.loads(tokenizer.decode(ids[:-1])), SCHEMA)


def test_captions_satisfy_the_schema(tiny_assistant: Assistant, pictures: list[Image.Image]) -> None:
    results = list(tiny_assistant.caption(pictures[:4], schema=SCHEMA, batch_size=3, max_new_tokens=120))
    for result in results:
        assert result.error is None
        jsonschema.validate(json.loads(result.text), SCHEMA)
    single = [next(tiny_assistant.caption([p], schema=SCHEMA, max_new_tokens=120)).text for p in pictures[:4]]
    assert [result.text for result in results] == single


def test_half_a_json_is_an_error(tiny_assistant: Assistant, pictures: list[Image.Image]) -> None:
    (result,) = tiny_assistant.caption(pictures[:1], schema=SCHEMA, max_new_tokens=5)
    assert result.error is not None and result.error.code == "schema_incomplete" and result.text == ""


@pytest.mark.parametrize("schema", [{"type": "nonsense"}, {"$ref": "#/nowhere"}, {"type": "object", "properties": 3}])
def test_bad_schemas(tiny_assistant: Assistant, schema: dict[str, Any]) -> None:
    with pytest.raises(InputError) as error:
        tiny_assistant.caption([], schema=schema)
    assert error.value.code == "bad_schema"

"""What the add-ons' tests take for answers of the server are such: the fake says nothing that the skills would not."""

from __future__ import annotations

from typing import Any

import pytest

from demo.plugins.catalogue import skills

from .skills import OUTPUTS

FIELDS = {"ask": {"question", "images"}}
"""What the add-ons send; a picture as `image` otherwise."""


@pytest.mark.parametrize("name", OUTPUTS)
def test_the_fake_keeps_to_the_schemas(name: str) -> None:
    skill: Any = skills()[name]
    skill.output_model.model_validate(OUTPUTS[name])
    given = FIELDS.get(name, {"image"})
    needed = {field for field, about in skill.input_model.model_fields.items() if about.is_required()}
    assert needed <= given <= set(skill.input_model.model_fields)

"""What a token weighs in the loss."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from training.loss import answer_lengths, next_token_loss
from vlm.batch import IGNORE_INDEX, Sample, collate
from vlm.model import VLM

IDS = [30, 31, 32, 33, 34, 35, 36, 37]
ANSWERED = [0, 0, 1, 0, 1, 1, 1, 0]
"""An answer of one token and one of three."""


def test_a_token_knows_the_length_of_its_answer() -> None:
    wanted = torch.tensor([ANSWERED, [1, 1, 0, 1, 0, 0, 1, 1], [0] * 8]).bool()
    assert answer_lengths(wanted).tolist() == [[0, 0, 1, 0, 3, 3, 3, 0], [2, 2, 0, 1, 0, 0, 2, 2], [0] * 8]


@pytest.mark.parametrize(("balance", "weights"), [(0.0, (1, 1)), (1.0, (1, 1 / 3)), (0.5, (1, 3**-0.5))])
def test_short_answers_are_not_drowned(balance: float, weights: tuple[float, float], tiny_model: VLM) -> None:
    ids = torch.tensor(IDS)
    labels = torch.where(torch.tensor(ANSWERED).bool(), ids, IGNORE_INDEX)
    batch = collate([Sample(ids, labels)], 0)
    with torch.inference_mode():
        found, n = next_token_loss(tiny_model, batch, balance)
        one, *three = F.cross_entropy(tiny_model(batch)[0, [1, 3, 4, 5]], ids[[2, 4, 5, 6]], reduction="none").tolist()
    assert n == pytest.approx(weights[0] + 3 * weights[1])
    assert float(found) == pytest.approx(weights[0] * one + weights[1] * sum(three), rel=1e-5)

"""What the engine must say: one sample alone, one token after the other, and nothing else in the world."""

from __future__ import annotations

import torch

from vlm.batch import Sample, collate
from vlm.kv_cache import KVCache
from vlm.model import VLM
from vlm.sampling import Constraint, SamplingOptions, next_token, row_generator


@torch.no_grad()
def answer_ids(
    model: VLM, sample: Sample, options: SamplingOptions, eos: tuple[int, ...] = (), *,
    stream: int = 0, constraint: Constraint | None = None,
) -> list[int]:  # fmt: skip
    """The ids of the answer, the one that ends it included."""
    cache = KVCache(model.decoder.config, 1, len(sample) + options.max_new_tokens)
    generator = row_generator(options, stream, model.device)
    ids, embeds = sample.input_ids, model.embed(collate([sample], 0))
    found: list[int] = []
    while len(found) < options.max_new_tokens and not (found and found[-1] in eos):
        states = model.decoder.states(embeds, cache=cache.window([embeds.shape[1]]))
        logits = model.decoder.head(states[0, -1])
        found.append(next_token(logits if constraint is None else constraint.mask(logits), ids, options, generator))
        if constraint is not None:
            constraint.push(found[-1])
        token = torch.tensor(found[-1:])
        ids, embeds = torch.cat((ids, token)), model.decoder.embed(token)[None]
    return found

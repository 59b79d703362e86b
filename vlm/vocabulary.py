"""Control tokens for pictures and sounds in a vocabulary without them; the embedding grows where there is no room."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from .config import DecoderConfig, ModelConfig
from .foreign import Assembled
from .tokenizer import Tokenizer

PLACEHOLDERS = {"image": "<|vlm_image|>", "audio": "<|vlm_audio|>"}
"""Control tokens added to the decoder's vocabulary: features take their place, their embeddings are not used."""
ROUND = 64
"""The vocabulary grows to a multiple of this, as kernels like it."""
_BY_WORD = ("decoder.model.embed_tokens.weight", "decoder.lm_head.weight")


def with_placeholders(config: ModelConfig, tokenizer: Tokenizer) -> ModelConfig:
    """The config with ids for both; `tokenizer` is changed."""
    tokenizer.add_controls(PLACEHOLDERS.values())
    image, audio = (tokenizer.control(PLACEHOLDERS[name]) for name in ("image", "audio"))
    needed, old = len(tokenizer), config.decoder.vocab_size
    decoder = config.decoder if needed <= old else replace(config.decoder, vocab_size=-(-needed // ROUND) * ROUND)
    return replace(config, decoder=decoder, special_ids=replace(config.special_ids, image=image, audio=audio))


def grown(tensors: Assembled, old: DecoderConfig, new: DecoderConfig) -> Assembled:
    """New rows are the mean of the old ones: as probable as anything, so that no answer begins with them."""
    shapes, get = tensors
    before, after = (torch.Size([config.vocab_size, config.hidden_size]) for config in (old, new))
    changed = {name for name in _BY_WORD if shapes.get(name) == before}

    def get_grown(name: str) -> Tensor:
        rows = get(name)
        missing = len(rows) and new.vocab_size - old.vocab_size
        if name not in changed or not missing:
            return rows
        return torch.cat((rows, rows.float().mean(0).to(rows.dtype).expand(missing, -1)))

    return shapes | dict.fromkeys(changed, after), get_grown

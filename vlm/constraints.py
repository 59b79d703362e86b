"""Answers that must be JSON of a given schema: llguidance says at each step which tokens may come next."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .errors import InputError
from .tokenizer import Tokenizer


class JsonSchema:
    """A compiled schema; each row of a batch takes a `constraint()` of its own.

    Raises:
        InputError: llguidance is not installed, or the schema cannot be compiled (`bad_schema`).
    """

    def __init__(self, schema: dict[str, Any], tokenizer: Tokenizer, vocab_size: int, eos: tuple[int, ...]) -> None:
        try:
            from llguidance import LLMatcher, LLTokenizer
        except ModuleNotFoundError:
            raise InputError(
                "a JSON schema needs llguidance: pip install 'vlm-studio[caption]'", "missing_extra"
            ) from None
        compact = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
        backend = LLTokenizer(tokenizer.backend.to_str(), n_vocab=vocab_size, eos_token=list(eos))
        try:
            grammar = LLMatcher.grammar_from_json_schema(json.dumps(schema), overrides=compact)
        except ValueError as error:
            raise InputError(f"the schema cannot be used: {error}", "bad_schema") from None
        self.matcher, self.vocab_size = LLMatcher(backend, grammar, log_level=0), vocab_size
        if self.matcher.is_error():
            reason = " ".join(self.matcher.get_error().split())[:300]
            raise InputError(f"the schema cannot be used: {reason}", "bad_schema")

    def constraint(self) -> JsonConstraint:
        return JsonConstraint(self.matcher.deep_copy(), self.vocab_size)


class JsonConstraint:
    """A `vlm.sampling.Constraint`. The end of the answer is allowed only where the JSON is complete."""

    def __init__(self, matcher: Any, vocab_size: int) -> None:
        from llguidance.numpy import allocate_token_bitmask

        self.matcher, self.bits = matcher, allocate_token_bitmask(1, vocab_size)

    def mask(self, logits: Tensor) -> Tensor:
        from llguidance.numpy import fill_next_token_bitmask

        fill_next_token_bitmask(self.matcher, self.bits)
        allowed = np.unpackbits(self.bits[0].view(np.uint8), bitorder="little")[: len(logits)].astype(bool)
        return logits.masked_fill(~torch.from_numpy(allowed).to(logits.device), -math.inf)

    def push(self, token: int) -> None:
        self.matcher.consume_token(token)

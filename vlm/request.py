"""One request inside the engine: what was asked, how far it has come, and what it says next."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from encoders.base import MediaInput

from .batch import Sample
from .errors import VlmError
from .generation import Generation, Piece, Reply, TextStream, TokenLogprob
from .model import VLM, splice_features
from .processor import Processor
from .reuse import Digest, digest_of, prompt_keys
from .sampling import Constraint, SamplingOptions, next_token, row_generator


class Medium(NamedTuple):
    """An image or a sound of a prompt, and how many placeholders stand for it."""

    digest: Digest
    item: MediaInput
    tokens: int


class Request:
    """Made in the caller's thread, then the engine's alone. T: positions of the prompt.

    limit: tokens that the answer may have at most, so that prompt and answer fit into `context`.
    keys: (T + limit, 2), what each position stands for (`reuse.prompt_keys`); the answer's are filled in as it comes.
    shared: positions at the beginning that were found in the cache.
    embeds: (T - shared, D), once its images and sounds have been encoded.
    row: where in the cache it stands, below 0 before and after; kept by `Slots`.
    """

    def __init__(
        self, sample: Sample, options: SamplingOptions, model: VLM, processor: Processor, context: int,
        generation: Generation, *, constraint: Constraint | None, stream: int, logprobs: int | None,
    ) -> None:  # fmt: skip
        self.started = time.perf_counter()
        self.sample, self.options, self.generation = sample, options, generation
        self.constraint, self.logprobs = constraint, logprobs
        self.model, self.eos = model, processor.config.special_ids.eos
        self.prompt, self.limit = len(sample), min(options.max_new_tokens, context - len(sample))
        self.media = {
            modality: [Medium(digest_of(modality, item), item, processor.tokens_of(modality, item)) for item in items]
            for modality, items in sample.media.items()
        }
        placeholders = {
            model.placeholder_ids[modality]: [(medium.digest, medium.tokens) for medium in media]
            for modality, media in self.media.items()
        }
        keys = prompt_keys(sample.input_ids, placeholders)
        self.keys = np.concatenate((keys, np.zeros((self.limit, 2), dtype=np.int64)))
        self.features: dict[Digest, Tensor] = {}
        self.embeds: Tensor | None = None
        self.shared, self.row = 0, -1
        self.first = 0.0  # seconds to the first token
        self.count = 0
        self.last = 0  # the newest token
        self.text = TextStream(processor.tokenizer, options.stop)
        self.generator = row_generator(options, stream, model.device)
        self._seen = sample.input_ids.to(model.device) if options.repetition_penalty != 1.0 else None
        self._unsaid: list[tuple[int, TokenLogprob | None]] = []

    @property
    def need(self) -> int:
        """Positions of the cache that it may take."""
        return self.prompt + self.limit

    # --- the prompt ---

    def missing(self) -> Iterator[tuple[str, Medium]]:
        """Images and sounds, not wholly in the shared beginning, whose features are not here yet."""
        for modality in self.media:
            for medium in self._needed(modality)[0]:
                if medium.digest not in self.features:
                    yield modality, medium

    def embed(self) -> None:
        """Makes `embeds`; all features are here."""
        ids = self.sample.input_ids[self.shared :].to(self.model.device)[None]
        embeds = self.model.decoder.embed(ids)
        for modality in sorted({*self.model.encoders, *self.media}):
            needed, skipped = self._needed(modality)
            features = torch.cat([self.features[one.digest] for one in needed])[skipped:] if needed else embeds[0, :0]
            embeds = splice_features(embeds, ids, features, self.model.placeholder_ids[modality])
        self.embeds, self.features = embeds[0], {}

    def _needed(self, modality: str) -> tuple[list[Medium], int]:
        """(those that are not wholly shared, how many positions of the first of them are)."""
        shared = int((self.sample.input_ids[: self.shared] == self.model.placeholder_ids[modality]).sum())
        media = self.media.get(modality, [])
        for number, medium in enumerate(media):
            if shared < medium.tokens:
                return media[number:], shared
            shared -= medium.tokens
        return [], 0

    # --- the answer ---

    def take(self, logits: Tensor, best: int) -> str | None:
        """Chooses the next token and says what can be said of it; why the answer ends, or None.

        Args:
            logits: (V,); `best` is where they are greatest.
        """
        plain = self.options.temperature == 0.0 and self._seen is None and self.constraint is None
        token = best if plain else self._choose(logits)
        chances = None if self.logprobs is None else self._logprobs(logits, token)
        self.keys[self.prompt + self.count, 0] = self.last = token
        self.count += 1
        self.first = self.first or time.perf_counter() - self.started
        if token in self.eos:
            return "stop"
        self._unsaid.append((token, chances))
        self._say(self.text.push(token))
        if self.text.stopped:
            return "stop"
        return "length" if self.count == self.limit else None

    def _choose(self, logits: Tensor) -> int:
        scores = logits if self.constraint is None else self.constraint.mask(logits)
        seen = self._seen if self._seen is not None else torch.empty(0, dtype=torch.long, device=logits.device)
        token = next_token(scores, seen, self.options, self.generator)
        if self.constraint is not None:
            self.constraint.push(token)
        if self._seen is not None:
            self._seen = torch.cat((seen, seen.new_tensor([token])))
        return token

    def _logprobs(self, logits: Tensor, token: int) -> TokenLogprob:
        scores = logits.float().log_softmax(-1)
        top = scores.topk(min(self.logprobs or 0, len(scores)))
        best = tuple(zip(top.indices.tolist(), top.values.tolist(), strict=True))
        return TokenLogprob(token, float(scores[token]), best)

    def _say(self, text: str, rest: bool = False) -> None:
        """Hands on what is new; `rest`: also tokens that no text has come of."""
        if text or (rest and self._unsaid):
            tokens = tuple(token for token, _ in self._unsaid)
            chances = tuple(told for _, told in self._unsaid if told is not None)
            self._unsaid = []
            self.generation.deliver(Piece(text, tokens, chances))

    def finish(self, reason: str) -> None:
        """The last piece and the reply; `reason` as in `Reply.finish_reason`."""
        self._say(self.text.finish(), rest=not self.text.stopped)
        seconds = time.perf_counter() - self.started
        self.generation.deliver(
            Reply(self.text.text, reason, self.prompt, self.count, self.first, seconds, self.shared)
        )

    def fail(self, error: VlmError) -> None:
        self.generation.deliver(error)

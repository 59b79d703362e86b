"""The loop's body: one turn lets requests in and out, looks at media, reads prompts, and adds a token to each answer.

No threads here: `Engine` calls `turn` again and again from its own.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from collections.abc import Sequence

import torch
from torch import Tensor

from .errors import InputError, RequestFailedError, VlmError
from .kv_cache import KVCache
from .limits import Limits
from .model import VLM
from .request import Medium, Request
from .reuse import Digest, FeatureCache, weights_identity
from .slots import Slots

logger = logging.getLogger(__name__)

COUNTED = (
    "finished", "cancelled", "failed", "prompt_tokens", "prefilled_tokens", "prefix_tokens", "generated_tokens",
    "encoder_calls", "feature_hits", "steps",
)  # fmt: skip

WAVE = 8
"""Chunks of prompts that are read in a row while no answer has more than its first token: a batch begins together."""
FILLED = 0.75
"""Prompts are read together if at least this share of the padded batch is real."""


class Scheduler:
    """All state of the engine that its thread owns.

    waiting: requests without a row, first come first.
    counted: figures of `EngineStats`.
    beat: `time.monotonic()` of the last sign of life.
    """

    def __init__(self, model: VLM, limits: Limits) -> None:
        self.model, self.limits = model, limits
        self.waiting: deque[Request] = deque()
        self.counted: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))  # others read while it counts: no new keys
        self.encoder_seconds = 0.0
        self.beat = time.monotonic()
        self.features = FeatureCache(limits.feature_bytes)
        self._identity = 0
        self._chunks = 0  # read since answers last went on
        self._widest = limits.slots  # prompts read in one go; fewer where memory was lacking
        self._make_slots()

    def _make_slots(self) -> None:
        limits, model = self.limits, self.model
        rows = min(limits.slots, limits.tokens)
        columns = min(limits.context, limits.tokens // rows)
        cache = KVCache(model.decoder.config, rows, columns, model.dtype, model.device, tokens=limits.tokens)
        self.slots = Slots(cache, limits.slots, limits.context, limits.reuse)

    @torch.inference_mode()
    def turn(self) -> bool:
        """One step of all that is under way; False if nothing is."""
        self._beat()
        self._dismiss()
        self._admit()
        if not self.slots.taken:
            return False
        self._encode()
        read = self._read()
        going = any(one.count > 1 for one in self.slots.requests[: self.slots.answering])
        if self.slots.answering and (not read or self._chunks >= (1 if going else WAVE)):
            self._answer()
        return True

    def _beat(self) -> None:
        self.beat = time.monotonic()

    # --- coming and going ---

    def _dismiss(self) -> None:
        for request in [*self.waiting, *self.slots.requests]:
            if request.generation.cancelled:
                self.counted["cancelled"] += 1
                self._leave(request)
                request.finish("cancelled")

    def _leave(self, request: Request) -> None:
        if request.row < 0:
            self.waiting.remove(request)
        else:
            self.slots.release(request)

    def _fail(self, request: Request, error: Exception) -> None:
        """This one cannot be carried out; the others go on."""
        if isinstance(error, torch.OutOfMemoryError):
            error = InputError("not enough memory for this request; take a smaller model", "out_of_memory")
        elif not isinstance(error, VlmError):
            logger.error("a request failed", exc_info=error)
            error = RequestFailedError()
        self.counted["failed"] += 1
        self._leave(request)
        request.fail(error)

    def _admit(self) -> None:
        if not self.waiting or self.slots.taken == self.limits.slots:
            return
        self._notice_weights()
        held: list[Request] = []
        while self.waiting:
            request = self.waiting.popleft()
            if self.slots.better_later(request):
                held.append(request)
            elif self.slots.admit(request):
                self.counted["prompt_tokens"] += request.prompt
                self.counted["prefix_tokens"] += request.shared
            else:  # those behind it wait, too: nobody waits for ever
                held.append(request)
                break
        self.waiting.extendleft(reversed(held))

    def _notice_weights(self) -> None:
        """What other weights or adapters have computed is of no use."""
        identity = hash((self.model.revision, weights_identity(self.model)))
        if identity == self._identity:
            return
        self._identity = identity
        self.features.clear()
        self.slots.forget()
        held = self.slots.cache.keys
        if not self.slots.taken and (held.dtype, held.device) != (self.model.dtype, self.model.device):
            self._make_slots()

    # --- media ---

    def _encode(self) -> None:
        """Finds or computes features for prompts that lack them: at most one call of an encoder."""
        lacking = [one for one in self.slots.requests[self.slots.answering :] if one.embeds is None]
        wanted: dict[Digest, tuple[str, Medium]] = {}
        for request in lacking:
            for modality, medium in request.missing():
                found = self.features.get(medium.digest)
                if found is None:
                    wanted.setdefault(medium.digest, (modality, medium))
                else:
                    request.features[medium.digest] = found
                    self.counted["feature_hits"] += 1
        fresh = self._features(wanted)
        for request in (one for one in lacking if one.row >= 0):
            try:
                for _, medium in list(request.missing()):
                    if medium.digest in fresh:
                        request.features[medium.digest] = fresh[medium.digest]
                if next(iter(request.missing()), None) is None:
                    request.embed()
            except Exception as error:
                self._fail(request, error)

    def _features(self, wanted: dict[Digest, tuple[str, Medium]]) -> dict[Digest, Tensor]:
        """Of as many of `wanted` as one call of an encoder may look at, of one modality."""
        if not wanted:
            return {}
        modality = next(iter(wanted.values()))[0]
        chosen: list[Medium] = []
        windows = 0
        for kind, medium in wanted.values():
            if kind == modality:
                windows += len(medium.item.inputs)
                if not chosen or windows <= self.limits.encode_windows:
                    chosen.append(medium)
        found = self._look(modality, chosen)
        if self.limits.reuse:
            for digest, features in found.items():
                self.features.put(digest, features)
        return found

    def _look(self, modality: str, media: Sequence[Medium]) -> dict[Digest, Tensor]:
        self._beat()
        started = time.perf_counter()
        try:
            features = self.model.encode_each([one.item for one in media], modality)
        except Exception as error:  # too much memory, or one that the encoder cannot take: it may be one alone
            if len(media) > 1:
                half = len(media) // 2
                return self._look(modality, media[:half]) | self._look(modality, media[half:])
            for request in self.slots.requests[self.slots.answering :]:
                if any(medium.digest == media[0].digest for _, medium in request.missing()):
                    self._fail(request, error)
            return {}
        self.counted["encoder_calls"] += 1
        self.encoder_seconds += time.perf_counter() - started
        return {one.digest: found for one, found in zip(media, features, strict=True)}

    # --- prompts ---

    def _read(self) -> bool:
        """Reads a chunk of one prompt or of several; False if none is ready."""
        slots = self.slots
        group, counts = self._like_ones()
        if not group:
            return False
        for place, request in enumerate(group, slots.answering):
            slots.place(request, place)
        self._beat()
        try:
            states = self._run([self._chunk(*one) for one in zip(group, counts, strict=True)], slots.answering)
        except torch.OutOfMemoryError as error:
            if len(group) == 1:
                self._fail(group[0], error)
            self._widest = max(len(group) // 2, 1)
            return True
        self._chunks += 1
        self.counted["prefilled_tokens"] += sum(counts)
        done = [number for number, one in enumerate(group) if slots.cache.lengths[one.row] == one.prompt]
        for request in (one for number, one in enumerate(group) if number not in done):
            slots.put_off(request)  # others have their turn before its next chunk
        for number in done:
            group[number].embeds = None
            slots.started(group[number])
        if done:
            last = torch.stack([states[number, counts[number] - 1] for number in done])
            self._take([group[number] for number in done], self.model.decoder.head(last))
        return True

    def _like_ones(self) -> tuple[list[Request], list[int]]:
        """Prompts to read together, the one that comes first and those of about its length; positions of each."""
        chunk = self.limits.prefill_chunk
        group: list[Request] = []
        counts: list[int] = []
        for request in self.slots.requests[self.slots.answering :]:
            if request.embeds is None or len(group) == self._widest:
                continue
            count = min(request.prompt - self.slots.cache.lengths[request.row], chunk)
            padded = (len(group) + 1) * max([*counts, count])
            if not group or (padded <= chunk and sum(counts) + count >= FILLED * padded):
                group.append(request)
                counts.append(count)
        return group, counts

    def _chunk(self, request: Request, count: int) -> Tensor:
        assert request.embeds is not None
        start = self.slots.cache.lengths[request.row] - request.shared
        return request.embeds[start : start + count]

    # --- answers ---

    def _answer(self) -> None:
        """One more token for each."""
        requests = self.slots.requests[: self.slots.answering]
        self._beat()
        ids = torch.tensor([[one.last] for one in requests], device=self.model.device)
        try:
            states = self._run(list(self.model.decoder.embed(ids)), 0)
        except torch.OutOfMemoryError as error:
            self._fail(requests[-1], error)
            return
        self._chunks = 0
        self._take(requests, self.model.decoder.head(states[:, -1]))

    def _run(self, embeds: list[Tensor], start: int) -> Tensor:
        """(t, D) for each of the rows from `start` on -> states (B, T, D); the cache has grown by them."""
        self.counted["steps"] += 1
        window = self.slots.cache.window([len(one) for one in embeds], start)
        return self.model.decoder.states(torch.nn.utils.rnn.pad_sequence(embeds, batch_first=True), cache=window)

    def _take(self, requests: Sequence[Request], logits: Tensor) -> None:
        """Chooses a token for each of `requests` from its row of logits (B, V)."""
        greatest = logits.max(dim=-1)
        finite, best = torch.isfinite(greatest.values).tolist(), greatest.indices.tolist()
        for number, request in enumerate(requests):
            try:
                if not finite[number]:
                    self.slots.wipe(request)
                    raise FloatingPointError("the logits are not finite")
                reason = request.take(logits[number], best[number])
            except Exception as error:
                self._fail(request, error)
                continue
            self.counted["generated_tokens"] += 1
            if reason is not None:
                self.counted["finished"] += 1
                self._leave(request)
                request.finish(reason)

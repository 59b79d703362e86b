"""Samples -> padded batches. Padding, and moving to a device, live here only.

Shapes: B rows, T positions; media windows (N, ...) of all rows in reading order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import torch
from torch import Tensor

from encoders.base import MediaInput

IGNORE_INDEX = -100


@dataclass(frozen=True)
class Sample:
    """One row, not padded.

    input_ids, labels: (T,) int64; labels are IGNORE_INDEX where nothing is to be learned.
    media: by modality, in reading order.
    segment_ids: (T,) int64. 0 is the shared beginning; equal numbers above 0 see each other and
        the beginning only, so that several conversations share the cost of one image.
    position_ids: (T,) int64; each segment counts on from the shared beginning.
    """

    input_ids: Tensor
    labels: Tensor
    media: dict[str, list[MediaInput]] = field(default_factory=dict)
    segment_ids: Tensor | None = None
    position_ids: Tensor | None = None

    def __len__(self) -> int:
        return len(self.input_ids)


@dataclass(frozen=True)
class MediaBatch:
    """All windows of one modality: inputs (N, ...), lengths (N,), one layout per image or sound, labels (N, ...)."""

    inputs: Tensor
    lengths: Tensor
    layouts: list[tuple[int, int, int, int]]
    labels: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, items: Sequence[MediaInput]) -> MediaBatch:
        """At least one image or sound. Raises `KeyError` where they have not all labels of the same names."""
        if len({frozenset(item.labels) for item in items}) > 1:
            raise KeyError(f"labels of one batch differ: {sorted({name for item in items for name in item.labels})}")
        return cls(
            torch.cat([item.inputs for item in items]),
            torch.cat([item.lengths for item in items]),
            [item.layout for item in items],
            {name: torch.cat([item.labels[name] for item in items]) for name in items[0].labels},
        )

    def to(self, device: torch.device | str) -> MediaBatch:
        labels = {name: labels.to(device) for name, labels in self.labels.items()}
        return MediaBatch(self.inputs.to(device), self.lengths.to(device), self.layouts, labels)


@dataclass(frozen=True)
class Batch:
    """input_ids, labels, position_ids, segment_ids: (B, T) int64; valid: (B, T) bool."""

    input_ids: Tensor
    labels: Tensor
    valid: Tensor
    position_ids: Tensor
    segment_ids: Tensor
    media: dict[str, MediaBatch]

    def attention_mask(self) -> Tensor | None:
        """(B, 1, T, T) bool, or None where plain causal attention is meant."""
        if bool(self.valid.all()) and not bool(self.segment_ids.any()):
            return None
        T = self.input_ids.shape[1]
        causal = torch.ones(T, T, dtype=torch.bool, device=self.valid.device).tril()
        same = self.segment_ids[:, :, None] == self.segment_ids[:, None, :]
        shared = (self.segment_ids == 0)[:, None, :]
        allowed = causal & (same | shared) & self.valid[:, None, :]
        # A padding position sees itself: a row without any key would be NaN.
        return (allowed | torch.eye(T, dtype=torch.bool, device=self.valid.device))[:, None]

    def to(self, device: torch.device | str) -> Batch:
        media = {name: one.to(device) for name, one in self.media.items()}
        names = ("input_ids", "labels", "valid", "position_ids", "segment_ids")
        return replace(self, media=media, **{name: getattr(self, name).to(device) for name in names})


def collate(samples: list[Sample], pad_id: int, *, left: bool = False) -> Batch:
    """Pads on the right (training), or on the left (generation, so that all rows end together)."""
    length = max(len(sample) for sample in samples)

    def pad(row: Tensor, value: int) -> Tensor:
        missing = length - len(row)
        return torch.nn.functional.pad(row, (missing, 0) if left else (0, missing), value=value)

    def positions(sample: Sample) -> Tensor:
        return torch.arange(len(sample)) if sample.position_ids is None else sample.position_ids

    def segments(sample: Sample) -> Tensor:
        return torch.zeros(len(sample), dtype=torch.long) if sample.segment_ids is None else sample.segment_ids

    return Batch(
        input_ids=torch.stack([pad(s.input_ids, pad_id) for s in samples]),
        labels=torch.stack([pad(s.labels, IGNORE_INDEX) for s in samples]),
        valid=torch.stack([pad(torch.ones(len(s), dtype=torch.long), 0) for s in samples]).bool(),
        position_ids=torch.stack([pad(positions(s), 0) for s in samples]),
        segment_ids=torch.stack([pad(segments(s), 0) for s in samples]),
        media=_collate_media(samples),
    )


def _collate_media(samples: list[Sample]) -> dict[str, MediaBatch]:
    names = sorted({name for sample in samples for name in sample.media})
    found = {name: [item for sample in samples for item in sample.media.get(name, ())] for name in names}
    return {name: MediaBatch.of(items) for name, items in found.items() if items}


def pack(samples: list[Sample], private: Mapping[str, int] = MappingProxyType({})) -> Sample:
    """Conversations that begin alike (the same pictures) -> one row that holds the beginning once.

    Each conversation becomes a segment behind the longest common beginning; what it computes is
    what it would compute alone. All samples must carry the same media, but for those in `private`
    (modality -> its placeholder), which are each conversation's own: the beginning ends before the
    first of them.
    """
    if len(samples) == 1:
        return samples[0]
    shared = _common_prefix(samples, list(private.values()))
    first = samples[0]
    ids, labels = [first.input_ids[:shared]], [first.labels[:shared]]
    segments, positions = [torch.zeros(shared, dtype=torch.long)], [torch.arange(shared)]
    for number, sample in enumerate(samples, start=1):
        ids.append(sample.input_ids[shared:])
        labels.append(sample.labels[shared:])
        segments.append(torch.full((len(sample) - shared,), number))
        positions.append(torch.arange(shared, len(sample)))
    media = dict(first.media)
    for name in private:
        if own := [item for sample in samples for item in sample.media.get(name, ())]:
            media[name] = own
    return Sample(torch.cat(ids), torch.cat(labels), media, torch.cat(segments), torch.cat(positions))


def _common_prefix(samples: list[Sample], private: list[int]) -> int:
    """Length of the common beginning; every supervised token keeps its predecessor in its segment."""
    limit = min(len(s) for s in samples)
    for sample in samples:
        supervised = (sample.labels != IGNORE_INDEX).nonzero()
        if len(supervised):
            limit = min(limit, max(int(supervised[0]) - 1, 0))
        if len(own := torch.isin(sample.input_ids, torch.tensor(private)).nonzero()):
            limit = min(limit, int(own[0]))
    rows = torch.stack([s.input_ids[:limit] for s in samples])
    differs = (rows != rows[0]).any(0).nonzero()
    return int(differs[0]) if len(differs) else limit

"""Messages and media -> `Sample`: the last place where the length of a sequence can change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import torch

from encoders.base import MediaInput
from projector.build import ProjectorConfig, token_count

from .batch import IGNORE_INDEX, Sample
from .chat import TEMPLATES, ChatTemplate, Control, Message, check, encode, parts_of, render
from .config import ModelConfig
from .errors import CheckpointError, ContextLengthError, InputError
from .tokenizer import Tokenizer


class Transform(Protocol):
    """Decoded medium (RGB PIL image, float32 16 kHz wave) -> encoder input."""

    def __call__(self, medium: Any, /) -> MediaInput: ...


def with_template(config: ModelConfig, tokenizer: Tokenizer, name: str) -> ModelConfig:
    """The config with another chat template, whose last token ends an answer from now on, too.

    Raises:
        CheckpointError: there is no such template, or the vocabulary lacks a token of it; names it.
    """
    template = _template(name)
    end = next((p for p in template.assistant[1] if isinstance(p, Control)), None)
    ids = config.special_ids
    if end is not None and (found := tokenizer.control(end)) not in ids.eos:
        ids = replace(ids, eos=(found, *ids.eos))
    return replace(config, chat_template=name, special_ids=ids)


def _template(name: str) -> ChatTemplate:
    if name not in TEMPLATES:
        raise CheckpointError(f"config: unknown chat_template {name!r}; known: {', '.join(TEMPLATES)}")
    return TEMPLATES[name]


class Processor:
    """Renders, tokenizes, transforms media and expands each placeholder to its number of tokens.

    Media in the messages must be decoded already: RGB PIL images and float32 mono 16 kHz arrays
    (`encoders.media` opens foreign ones), or transformed already (`MediaInput`). Safe to use from
    several threads and processes.
    """

    def __init__(self, config: ModelConfig, tokenizer: Tokenizer) -> None:
        self.template = _template(config.chat_template)
        if len(tokenizer) > config.decoder.vocab_size:
            raise CheckpointError(
                f"tokenizer.json has {len(tokenizer)} tokens, "
                f"but the decoder's vocab_size is {config.decoder.vocab_size}"
            )
        self.config, self.tokenizer = config, tokenizer
        self.transforms: dict[str, Transform] = {}
        self.projectors: dict[str, ProjectorConfig] = {}
        if config.clip is not None and config.image_projector is not None:
            from encoders.clip import ImageTransform

            self.transforms["image"], self.projectors["image"] = ImageTransform(config.clip), config.image_projector
        if config.whisper is not None and config.audio_projector is not None:
            from encoders.whisper import AudioTransform

            self.transforms["audio"], self.projectors["audio"] = AudioTransform(config.whisper), config.audio_projector
        self._check_ids()

    def _check_ids(self) -> None:
        """Control tokens and placeholders must be such that no text turns into them, and answers must end.

        Raises:
            CheckpointError: names the token and its id.
        """
        template = self.template
        frames = (template.begin, *template.system, *template.user, *template.assistant)
        used = {str(p): self.tokenizer.control(p) for frame in frames for p in frame if isinstance(p, Control)}
        end = next((str(p) for p in template.assistant[1] if isinstance(p, Control)), None)
        eos = self.config.special_ids.eos
        if end is not None and used[end] not in eos:
            raise CheckpointError(
                f"config: special_ids.eos is {eos}, but answers end with {end!r}, id {used[end]} in tokenizer.json"
            )
        for name, number in (used | {f"special_ids.{m}": self.placeholder_ids[m] for m in self.transforms}).items():
            if self.tokenizer.typable(number):
                raise CheckpointError(f"tokenizer.json: {name} (id {number}) is ordinary text, not a special token")

    @property
    def placeholder_ids(self) -> dict[str, int]:
        return {"image": self.config.special_ids.image, "audio": self.config.special_ids.audio}

    def __call__(self, messages: list[Message], *, for_training: bool) -> Sample:
        """One conversation -> one row, with labels on the assistant's turns.

        Raises:
            InputError: messages that make no conversation, or a modality this model lacks.
            ContextLengthError: more tokens than `max_position_embeddings`.
        """
        check(messages, for_training=for_training)
        media = self._media(messages)
        waiting = {name: iter(items) for name, items in media.items()}
        ids: list[int] = []
        labels: list[int] = []
        for piece, piece_ids in encode(render(messages, self.template, self.config.system_prompt), self.tokenizer):
            if piece.kind in self.placeholder_ids:
                piece_ids = [self.placeholder_ids[piece.kind]] * self.tokens_of(piece.kind, next(waiting[piece.kind]))
            ids += piece_ids
            labels += piece_ids if piece.supervised else [IGNORE_INDEX] * len(piece_ids)
        limit = self.config.decoder.max_position_embeddings
        if len(ids) > limit - (not for_training):  # leave room for at least one new token
            raise ContextLengthError(len(ids), limit)
        return Sample(torch.tensor(ids), torch.tensor(labels), media)

    def tokens_of(self, modality: str, item: MediaInput) -> int:
        """How many decoder positions this image or sound takes."""
        lengths = item.lengths
        if modality == "audio":
            from encoders.whisper import output_lengths

            lengths = output_lengths(lengths)
        return token_count(self.projectors[modality], lengths.tolist(), item.layout)

    def _media(self, messages: list[Message]) -> dict[str, list[MediaInput]]:
        found: dict[str, list[MediaInput]] = {}
        for message in messages:
            for part in parts_of(message):
                kind = part["type"]
                if kind == "text":
                    continue
                if kind not in self.transforms:
                    raise InputError(f"the model {self.config.name!r} takes no {kind} input", "unsupported_modality")
                medium = part[kind]
                found.setdefault(kind, []).append(
                    medium if isinstance(medium, MediaInput) else self.transforms[kind](medium)
                )
        return found

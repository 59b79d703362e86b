"""The public face: `load()` -> `Assistant`, which answers, chats, streams, captions and weighs answers."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from encoders.media import AudioSource, ImageSource, load_audio, load_image

from . import checkpoint
from .batch import IGNORE_INDEX, Sample, collate
from .captioning import CAPTION_PROMPTS, CaptionBatches, Captioned, CaptionRequest, in_order
from .chat import Message, check, parts_of
from .config import ModelConfig
from .constraints import JsonSchema
from .engine import Engine, EngineOptions
from .errors import InputError, VlmError
from .generation import Reply, together
from .limits import DEFAULTS, available_memory
from .model import VLM
from .processor import Processor
from .sampling import SamplingOptions

MAX_PROMPT_CHARACTERS = 65_536
MAX_MEDIA = 16
_making = threading.Lock()


def _renew_lock() -> None:
    global _making
    _making = threading.Lock()


if hasattr(os, "register_at_fork"):  # another thread may have held it
    os.register_at_fork(after_in_child=_renew_lock)


class Assistant:
    """A loaded model with everything that is needed to talk to it.

    Images may be a path, bytes, a data URI, a PIL image or an array (H, W, 3) uint8; sounds a path,
    bytes or (samples, rate). All calls raise `VlmError` subclasses for input that cannot be used, and may
    come from several threads at once: their answers are generated together.

    A context manager; leaving it closes its engine.
    """

    def __init__(self, model: VLM, processor: Processor, card: str = "", engine: EngineOptions = DEFAULTS) -> None:
        self.model, self.processor, self.card, self._engine_options = model, processor, card, engine
        self._engine: Engine | None = None

    @property
    def engine(self) -> Engine:
        """What generates; made when it is first needed, and anew after `close` and in a forked process."""
        with _making:
            if self._engine is None or not self._engine.ours:
                self._engine = Engine(self.model, self.processor, self._engine_options)
            return self._engine

    def close(self, drain_seconds: float = 0.0) -> None:
        """Ends the engine, as `Engine.close` does."""
        engine, self._engine = self._engine, None
        if engine is not None:
            engine.close(drain_seconds)

    def __enter__(self) -> Assistant:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def config(self) -> ModelConfig:
        return self.processor.config

    def sizes(self) -> dict[str, tuple[int, int]]:
        """(parameters, bytes in memory) of each part: the decoder, each encoder, each projector."""
        found: dict[str, tuple[int, int]] = {}
        for name, tensor in self.model.named_parameters():
            part = ".".join(name.split(".")[: 1 if name.startswith("decoder") else 2])
            count, size = found.get(part, (0, 0))
            found[part] = count + tensor.numel(), size + tensor.nbytes
        return found

    # --- asking ---

    def ask(
        self, question: str = "", *, images: Sequence[ImageSource] = (), audio: Sequence[AudioSource] = (),
        system: str = "", **options: Any,
    ) -> Reply:  # fmt: skip
        """One question about images and sounds. The question itself may be a sound.

        Args:
            options: fields of `SamplingOptions`.

        Raises:
            InputError, MediaError, ContextLengthError
        """
        return self.chat(question_messages(question, images, audio, system), **options)

    def chat(self, messages: list[Message], **options: Any) -> Reply:
        """The answer to a conversation that ends with a user message (format: `vlm.chat`)."""
        (reply,) = self._answer([self._sample(messages)], _options(options))
        return reply

    def stream(self, messages: list[Message], **options: Any) -> Iterator[str | Reply]:
        """Pieces of the answer as they come, whole characters each; the `Reply` comes last."""
        chosen = _options(options)
        with together(self.engine.submit_all([self._sample(messages)], chosen)) as (generation,):
            for event in generation:
                if isinstance(event, Reply):
                    yield event
                elif event.text:
                    yield event.text

    def caption(
        self, images: Iterable[ImageSource], *, style: str = "detailed", prompt: str | None = None,
        batch_size: int | None = None, schema: dict[str, Any] | None = None, workers: int = 2, **options: Any,
    ) -> Iterator[Captioned]:  # fmt: skip
        """One result for each image, in order, as they come; a bad image is a result with an `error`.

        Args:
            images: may be endless: only a few batches are looked ahead.
            style: of `CAPTION_PROMPTS`; `prompt` is asked instead where it is given.
            batch_size: None chooses by the memory that is free and what the first image takes.
            schema: a JSON schema (needs llguidance): each caption is then JSON that satisfies it.
            workers: threads that decode images ahead of the model.
            options: fields of `SamplingOptions`.

        Raises:
            InputError: an option is wrong; of images nothing is raised.
        """
        if style not in CAPTION_PROMPTS:
            raise InputError(f"caption style must be one of {', '.join(CAPTION_PROMPTS)}, got {style!r}", "bad_option")
        asked = CAPTION_PROMPTS[style] if prompt is None else prompt
        batches = self.caption_batches(
            (CaptionRequest(place, image, asked) for place, image in enumerate(images)),
            batch_size=batch_size, schema=schema, workers=workers, **options,
        )  # fmt: skip
        return in_order(batches)

    def caption_batches(
        self, requests: Iterable[CaptionRequest], *, batch_size: int | None = None,
        schema: dict[str, Any] | None = None, workers: int = 2, **options: Any,
    ) -> Iterator[list[Captioned]]:  # fmt: skip
        """As `caption`, each batch as soon as it is there: the order is kept only roughly, `place` tells it."""
        chosen = _options(options)
        grammar = None if schema is None else self._schema(schema)

        def prepare(request: CaptionRequest) -> Sample:
            image: dict[str, Any] = {"type": "image", "image": request.source(), "name": request.name}
            return self._sample([{"role": "user", "content": [image, {"type": "text", "text": request.prompt}]}])

        def answer(samples: list[Sample], places: list[int]) -> list[Reply | VlmError]:
            constraints = None if grammar is None else [grammar.constraint() for _ in samples]
            with together(self.engine.submit_all(samples, chosen, constraints=constraints, streams=places)) as all_:
                return [one.outcome() for one in all_]

        def fitting(sample: Sample) -> int:
            device = self.model.device
            rows = self.config.rows_in(
                available_memory(device) // 4, len(sample), chosen.max_new_tokens, self.model.dtype.itemsize
            )
            return min(rows, 32 if device.type == "cpu" else 256)  # beyond that nothing gets faster

        if batch_size is not None and not (isinstance(batch_size, int) and 1 <= batch_size <= 4096):
            raise InputError(f"batch_size must be a whole number from 1 to 4096, got {batch_size!r}", "bad_option")
        work = CaptionBatches(prepare, answer, fitting, batch_size, workers, complete=grammar is not None)
        return work(requests)

    def answers(
        self, conversations: Iterable[list[Message]], *, batch_size: int = 8, **options: Any
    ) -> Iterator[Reply]:
        """The answers to many conversations, in order, generated `batch_size` at a time."""
        chosen = _options(options)
        waiting: list[Sample] = []
        for messages in conversations:
            waiting.append(self._sample(messages))
            if len(waiting) == batch_size:
                yield from self._answer(waiting, chosen)
                waiting = []
        if waiting:
            yield from self._answer(waiting, chosen)

    # --- weighing ---

    def log_probabilities(
        self, conversations: Iterable[list[Message]], *, batch_size: int = 8
    ) -> Iterator[torch.Tensor]:
        """How probable the model finds answers that are given: each conversation ends with an assistant message.

        Yields, in order, the natural log-probability (n,) of each token of that last message, the one
        that ends it included. Their sum is the answer's.

        Raises:
            InputError, MediaError, ContextLengthError
        """
        waiting: list[Sample] = []
        for messages in conversations:
            waiting.append(self._sample(messages, answered=True))
            if len(waiting) == batch_size:
                yield from self._weigh(waiting)
                waiting = []
        if waiting:
            yield from self._weigh(waiting)

    @torch.inference_mode()
    def _weigh(self, samples: list[Sample]) -> list[torch.Tensor]:
        batch = collate(samples, self.config.special_ids.pad).to(self.model.device)
        states = self.model.states(batch)
        found = []
        for row, sample in enumerate(samples):
            supervised = sample.labels != IGNORE_INDEX
            end = int(supervised.nonzero()[-1]) + 1
            before = (~supervised[:end]).nonzero()  # the last answer begins behind the last of these
            start = int(before[-1]) + 1
            logits = self.model.decoder.head(states[row, start - 1 : end - 1]).float()
            ids = batch.input_ids[row, start:end]
            found.append(logits.log_softmax(-1).gather(1, ids[:, None])[:, 0].cpu())
        return found

    # --- inside ---

    def _sample(self, messages: list[Message], answered: bool = False) -> Sample:
        check(messages, for_training=answered)
        parts = [part for message in messages for part in parts_of(message)]
        characters = sum(len(part["text"]) for part in parts if part["type"] == "text")
        if characters > MAX_PROMPT_CHARACTERS:
            raise InputError(
                f"the text is {characters} characters long; at most {MAX_PROMPT_CHARACTERS} are accepted",
                "prompt_too_long",
            )
        media = sum(part["type"] != "text" for part in parts)
        if media > MAX_MEDIA:
            raise InputError(f"{media} images and sounds; at most {MAX_MEDIA} are accepted", "too_many_media")
        return self.processor([opened(message) for message in messages], for_training=answered)

    def _schema(self, schema: dict[str, Any]) -> JsonSchema:
        config = self.config
        return JsonSchema(schema, self.processor.tokenizer, config.decoder.vocab_size, config.special_ids.eos)

    def _answer(self, samples: list[Sample], options: SamplingOptions) -> list[Reply]:
        with together(self.engine.submit_all(samples, options)) as generations:
            return [generation.result() for generation in generations]


def question_messages(
    question: str, images: Sequence[ImageSource], audio: Sequence[AudioSource], system: str
) -> list[Message]:
    """Messages for one question: images first, then sounds, then the text."""
    content: list[dict[str, Any]] = [{"type": "image", "image": image} for image in images]
    content += [{"type": "audio", "audio": sound} for sound in audio]
    if question:
        content.append({"type": "text", "text": question})
    messages: list[Message] = [{"role": "user", "content": content}]
    return [{"role": "system", "content": system}, *messages] if system else messages


def opened(message: Message) -> Message:
    """The message with its media decoded; text is left as it is."""
    parts = []
    for part in parts_of(message):
        if part["type"] == "image":
            part = {"type": "image", "image": load_image(part["image"], name=part.get("name"))}
        elif part["type"] == "audio":
            part = {"type": "audio", "audio": load_audio(part["audio"], name=part.get("name"))}
        parts.append(part)
    return {"role": message["role"], "content": parts}


def _options(options: dict[str, Any]) -> SamplingOptions:
    known = SamplingOptions.__dataclass_fields__
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InputError(f"unknown option {unknown[0]!r}; known: {', '.join(known)}", "bad_option")
    if isinstance(options.get("stop"), list):
        options = {**options, "stop": tuple(options["stop"])}
    return SamplingOptions(**options)


def load(
    model: str | os.PathLike[str] = checkpoint.DEFAULT, *, device: str = "cpu", dtype: torch.dtype = torch.float32,
    allow_nonfinite: bool = False, engine: EngineOptions = DEFAULTS,
) -> Assistant:  # fmt: skip
    """The embedded default model, or a model folder.

    Args:
        engine: how much is generated at a time, and how much may wait.

    Raises:
        CheckpointError: the folder cannot be used; the message names the file and the reason.
    """
    folder: Path = checkpoint.resolve(model)
    parts = checkpoint.load(folder, dtype=dtype, device=device, allow_nonfinite=allow_nonfinite)
    return Assistant(*parts, card=checkpoint.model_card(folder), engine=engine)


__all__ = [
    "CAPTION_PROMPTS",
    "Assistant",
    "CaptionRequest",
    "Captioned",
    "Reply",
    "load",
    "load_image",
    "opened",
    "question_messages",
]

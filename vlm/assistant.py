"""The public face: `load()` -> `Assistant`, which answers, chats, streams, captions and weighs answers."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from . import checkpoint, sources
from .adapters import Adapters, Location
from .answering import Answering
from .batch import IGNORE_INDEX, Sample, collate
from .captioning import CAPTION_PROMPTS, CaptionBatches, Captioned, CaptionRequest, checked_batch_size
from .chat import Message
from .config import ModelConfig
from .constraints import JsonSchema
from .conversation import prepared, question_messages
from .engine import Engine, EngineOptions
from .errors import VlmError
from .generation import Reply, together
from .hub import Published
from .limits import DEFAULTS, available_memory
from .model import VLM, part_of
from .processor import Processor
from .quantize import numbers
from .sampling_options import SamplingOptions, chosen

SWITCH_SECONDS = 120.0
"""How long a change of adapters waits for answers that are under way."""
_making = threading.Lock()


def _renew_lock() -> None:
    global _making
    _making = threading.Lock()


if hasattr(os, "register_at_fork"):  # another thread may have held it
    os.register_at_fork(after_in_child=_renew_lock)


class Assistant(Published, Answering):
    """A loaded model with everything that is needed to talk to it.

    What is asked from several threads at once is generated together.

    A context manager; leaving it closes its engine.
    """

    def __init__(self, model: VLM, processor: Processor, card: str = "", engine: EngineOptions = DEFAULTS) -> None:
        self.model, self.processor, self.card, self._engine_options = model, processor, card, engine
        self._engine: Engine | None = None
        self._weighing = threading.Lock()
        reference = weakref.ref(self)  # whoever drops an assistant drops its engine

        def still() -> AbstractContextManager[None]:
            return nullcontext() if (one := reference()) is None else one._still()

        self.adapters = Adapters(model, processor.config, still)

    @contextmanager
    def _still(self) -> Iterator[None]:
        """A block in which nobody computes with the model: no answer is under way, nothing is weighed."""
        with self._weighing, self.engine.quiet(SWITCH_SECONDS):
            yield

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path: str | os.PathLike[str], *, force_download: bool = False,
        token: str | bool | None = None, cache_dir: str | os.PathLike[str] | None = None,
        local_files_only: bool = False, revision: str | None = None, **options: Any,
    ) -> Assistant:  # fmt: skip
        """As `load`, with the hub's own options. Raises `CheckpointError`.

        Args:
            options: of `load`.
        """
        folder = sources.find(
            pretrained_model_name_or_path, force_download=force_download, token=token, cache_dir=cache_dir,
            local_files_only=local_files_only, revision=revision,
        )  # fmt: skip
        return load(folder, **options)

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

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def context(self) -> int:
        return self.config.decoder.max_position_embeddings

    @property
    def hears(self) -> bool:
        return self.config.whisper is not None

    @property
    def server(self) -> str:
        return ""

    @property
    def adapter(self) -> str | None:
        return str(self.adapters) or None

    def facts(self) -> list[tuple[str, str]]:
        clip, whisper = self.config.clip, self.config.whisper
        rows = [("Model", self.name), ("Adapter", self.adapter or "none"), ("Context", f"{self.context:,} tokens")]
        if self.config.quantization:
            rows.append(("Decoder", str(self.config.quantization)))
        if clip:
            rows.append(("Sees", f"tiles of {clip.image_size} px, patches of {clip.patch_size} px"))
        if whisper:
            rows.append(("Hears", f"windows of {whisper.window_seconds:g} s"))
        sizes = self.sizes()
        counts, bytes_ = zip(*sizes.values(), strict=True)
        for part, (count, size) in (sizes | {"All weights": (sum(counts), sum(bytes_))}).items():
            rows.append((part.replace(".", ": "), f"{count / 1e6:.2f} M parameters, {size / 1e6:.1f} MB"))
        return rows

    def sizes(self) -> dict[str, tuple[int, int]]:
        """(parameters, bytes in memory) of each part: the decoder, each encoder, each projector."""
        found: dict[str, tuple[int, int]] = {}
        tensors = dict(self.model.named_parameters())
        counts = numbers({name: tensor.shape for name, tensor in tensors.items()}, self.config.quantization)
        for name, tensor in tensors.items():
            part = "adapters" if ".lora_" in name else part_of(name)
            count, size = found.get(part, (0, 0))
            found[part] = count + counts[name], size + tensor.nbytes
        return found

    # --- asking ---

    def stream(self, messages: list[Message], **options: Any) -> Iterator[str | Reply]:
        with together(self.engine.submit_all([self._sample(messages)], chosen(options))) as (generation,):
            for event in generation.breathing():
                if isinstance(event, Reply):
                    yield event
                elif event is None or event.text:
                    yield "" if event is None else event.text

    def caption_batches(
        self, requests: Iterable[CaptionRequest], *, batch_size: int | None = None,
        schema: dict[str, Any] | None = None, workers: int = 2, **options: Any,
    ) -> Iterator[list[Captioned]]:  # fmt: skip
        sampling, size = chosen(options), checked_batch_size(batch_size)
        grammar = None if schema is None else self._schema(schema)

        def prepare(request: CaptionRequest) -> Sample:
            image: dict[str, Any] = {"type": "image", "image": request.source(), "name": request.name}
            return self._sample([{"role": "user", "content": [image, {"type": "text", "text": request.prompt}]}])

        def answer(samples: list[Sample], places: list[int]) -> list[Reply | VlmError]:
            constraints = None if grammar is None else [grammar.constraint() for _ in samples]
            with together(self.engine.submit_all(samples, sampling, constraints=constraints, streams=places)) as all_:
                return [one.outcome() for one in all_]

        def fitting(sample: Sample) -> int:
            device = self.model.device
            rows = self.config.rows_in(
                available_memory(device) // 4, len(sample), sampling.max_new_tokens, self.model.dtype.itemsize
            )
            return min(rows, 32 if device.type == "cpu" else 256)  # beyond that nothing gets faster

        work = CaptionBatches(prepare, answer, fitting, size, workers, complete=grammar is not None)
        return work(requests)

    def answers(
        self, conversations: Iterable[list[Message]], *, batch_size: int = 8, **options: Any
    ) -> Iterator[Reply]:
        """The answers to many conversations, in order, generated `batch_size` at a time."""
        sampling = chosen(options)
        waiting: list[Sample] = []
        for messages in conversations:
            waiting.append(self._sample(messages))
            if len(waiting) == batch_size:
                yield from self._answer(waiting, sampling)
                waiting = []
        if waiting:
            yield from self._answer(waiting, sampling)

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
        found = []
        with self._weighing:
            states = self.model.states(batch)
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
        return self.processor(prepared(messages, answered=answered), for_training=answered)

    def _schema(self, schema: dict[str, Any]) -> JsonSchema:
        config = self.config
        return JsonSchema(schema, self.processor.tokenizer, config.decoder.vocab_size, config.special_ids.eos)

    def _answer(self, samples: list[Sample], options: SamplingOptions) -> list[Reply]:
        with together(self.engine.submit_all(samples, options)) as generations:
            return [generation.result() for generation in generations]


def load(
    model: str | os.PathLike[str] = checkpoint.DEFAULT, *, device: str = "cpu", dtype: torch.dtype | None = None,
    quantize: str | None = None, allow_nonfinite: bool = False, allow_pickle: bool = False,
    chat_template: str | None = None, adapters: Iterable[Location] | Mapping[Any, float] = (),
    engine: EngineOptions = DEFAULTS,
) -> Assistant:  # fmt: skip
    """The embedded default model, a model folder (ours, or in a layout of others), or a hub id `org/name`.

    Args:
        dtype: by default float32; of a quantised model bfloat16, which the kernels for it take.
        quantize: `int8` or `int4` makes the decoder's weights so small as they are read (see `vlm/quantize.py`).
        allow_pickle: read weights that torch.save wrote (`.pth`, `.bin`); nothing in them is run.
        engine: how much is generated at a time, and how much may wait.
        chat_template: of `vlm.chat.TEMPLATES`; by default what the folder says.
        adapters: folders of LoRA adapters, or each with its weight; all are active (`Assistant.adapters` changes that).

    Raises:
        CheckpointError: a folder cannot be used; the message names the file and the reason.
    """
    folder = sources.find(model, allow_pickle=allow_pickle)
    parts = sources.load(
        folder, dtype=dtype, device=device, quantize=quantize, allow_nonfinite=allow_nonfinite,
        allow_pickle=allow_pickle, chat_template=chat_template,
    )  # fmt: skip
    assistant = Assistant(*parts, card=sources.card_of(folder), engine=engine)
    weights = dict(adapters) if isinstance(adapters, Mapping) else dict.fromkeys(adapters, 1.0)
    if weights:
        assistant.adapters.use({assistant.adapters.load(path): weight for path, weight in weights.items()})
    return assistant


__all__ = [
    "CAPTION_PROMPTS",
    "Assistant",
    "CaptionRequest",
    "Captioned",
    "Reply",
    "load",
    "question_messages",
]

"""What everything above asks its questions of: the model in this process, or one behind a server.

`assistant.Assistant` and `remote.RemoteAssistant` are the two. Who is given an `Answering` does not care which.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from encoders.media import AudioSource, ImageSource

from .captioning import CAPTION_PROMPTS, Captioned, CaptionRequest, in_order
from .chat import Message
from .conversation import question_messages
from .errors import InputError
from .generation import Reply

if TYPE_CHECKING:
    import torch


class Answering(Protocol):
    """Answers, chats, streams, captions; from several threads at once, too.

    Images may be a path, bytes, a data URI, a PIL image or an array (H, W, 3) uint8; sounds a path,
    bytes or (samples, rate). All calls raise `VlmError` subclasses for input that cannot be used.

    card: the model's description of itself, as Markdown; empty where there is none.
    """

    card: str

    @property
    def name(self) -> str:
        """The model's."""
        ...

    @property
    def context(self) -> int | None:
        """Tokens of one prompt and its answer; None where nobody tells."""
        ...

    @property
    def hears(self) -> bool:
        """Whether a sound may be part of a question."""
        ...

    @property
    def server(self) -> str:
        """Where questions, pictures and sounds are sent; empty if they stay in this process."""
        ...

    @property
    def adapter(self) -> str | None:
        """What was trained on top of the model and takes part in answers, in words; None where nothing does."""
        return None

    def facts(self) -> list[tuple[str, str]]:
        """What a person may want to know of the model, as (what, value)."""
        ...

    def stream(self, messages: list[Message], **options: Any) -> Iterator[str | Reply]:
        """Pieces of the answer as they come, whole characters each; the `Reply` comes last.

        A piece may be empty: nothing has come yet, and the caller may leave. Closing the iterator ends the answer.

        Args:
            messages: a conversation that ends with a user message (format: `vlm.chat`).
            options: fields of `SamplingOptions`.
        """
        ...

    def caption_batches(
        self, requests: Iterable[CaptionRequest], *, batch_size: int | None = None,
        schema: dict[str, Any] | None = None, workers: int = 2, **options: Any,
    ) -> Iterator[list[Captioned]]:  # fmt: skip
        """As `caption`, each batch as soon as it is there: the order is kept only roughly, `place` tells it."""
        ...

    def close(self) -> None: ...

    # --- and, of these, for all ---

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
        """The whole answer to a conversation; as `stream`."""
        *_, reply = self.stream(messages, **options)
        assert isinstance(reply, Reply)
        return reply

    def caption(
        self, images: Iterable[ImageSource], *, style: str = "detailed", prompt: str | None = None,
        batch_size: int | None = None, schema: dict[str, Any] | None = None, workers: int = 2, **options: Any,
    ) -> Iterator[Captioned]:  # fmt: skip
        """One result for each image, in order, as they come; a bad image is a result with an `error`.

        Args:
            images: may be endless: only a few batches are looked ahead.
            style: of `CAPTION_PROMPTS`; `prompt` is asked instead where it is given.
            batch_size: None chooses: for the model in this process by the memory that is free and what the first
                image takes.
            schema: a JSON schema (in this process it needs llguidance): each caption is then JSON that satisfies it.
            workers: threads that decode images ahead of the model.
            options: fields of `SamplingOptions`.

        Raises:
            InputError: an option is wrong; of images nothing is raised. EngineDeadError, BackendError: it is over.
        """
        if style not in CAPTION_PROMPTS:
            raise InputError(f"caption style must be one of {', '.join(CAPTION_PROMPTS)}, got {style!r}", "bad_option")
        asked = CAPTION_PROMPTS[style] if prompt is None else prompt
        batches = self.caption_batches(
            (CaptionRequest(place, image, asked) for place, image in enumerate(images)),
            batch_size=batch_size, schema=schema, workers=workers, **options,
        )  # fmt: skip
        return in_order(batches)


@runtime_checkable
class Weighing(Protocol):
    """Can also say how probable an answer is. A server of OpenAI's interface cannot."""

    def log_probabilities(
        self, conversations: Iterable[list[Message]], *, batch_size: int = 8
    ) -> Iterator[torch.Tensor]:
        """The natural log-probabilities (n,) of the tokens of each conversation's last message, the assistant's."""
        ...

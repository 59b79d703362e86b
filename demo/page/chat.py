"""The conversation: what the page remembers -> messages, and an answer that comes piece by piece."""

from __future__ import annotations

import logging
import mimetypes
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from vlm.answering import Answering
from vlm.errors import InputError, VlmError
from vlm.generation import Reply

from . import gallery

logger = logging.getLogger(__name__)

NOTE = "note"  # the metadata id of lines that the page adds to a conversation: shown, but no part of it
FAILED = "Something went wrong on this side. The log of the server has the details."
OVERFULL = {"context_length_exceeded", "prompt_too_long", "too_many_media", "backend_too_large"}
UNTOLD = 4096
"""Tokens of the longest answer that can be asked for, where nobody tells how long one can be."""
SOUNDS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff")
Turn = dict[str, Any]
"""A message as gradio keeps it."""


class Chat(gr.ChatInterface):
    """gradio's, with two corrections.

    A question that is edited keeps its pictures and sounds. And what an event carries along comes from the
    browser, so that of it only indices and text are believed: gradio would take file paths from there, too.
    """

    def _setup_events(self) -> None:
        super()._setup_events()
        root = gr.context.Context.root_block
        for event in root.fns.values() if root else ():
            if event.fn == self._edit_message:  # the browser has overwritten the parts of what it shows by then
                event.inputs = [self.chatbot_state]

    def _edit_message(self, history: list[Turn], edit_data: gr.EditData) -> tuple[list[Turn], list[Turn], Any]:
        at = edit_data.index[0] if isinstance(edit_data.index, list | tuple) else edit_data.index
        content = history[at]["content"]
        files = [part["file"] for part in content if part["type"] == "file"] if isinstance(content, list) else []
        return history[:at], history[:at], {"text": _text(edit_data.value), "files": files}

    def example_clicked(self, example: gr.SelectData) -> tuple[list[Turn], Any]:
        chosen = self.examples[int(example.index)][0]
        return self._append_message_to_history(chosen, [], "user"), chosen

    def option_clicked(self, history: list[Turn], option: gr.SelectData) -> tuple[list[Turn], Any]:
        message = {"text": _text(option.value), "files": []}
        return self._append_message_to_history(message, history, "user"), message


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def build(assistant: Answering, concurrency: int) -> Chat:
    """The chat with its controls. Inside `gr.Blocks`; the endpoint is `/chat`."""
    audio = assistant.hears
    textbox = gr.MultimodalTextbox(
        sources=["upload", "microphone"] if audio else ["upload"], file_types=["image", "audio", *SOUNDS],
        file_count="multiple", placeholder="Ask something; add pictures or speak", autofocus=True, elem_id="ask",
        stop_btn=True, render=False,
    )  # fmt: skip
    chatbot = gr.Chatbot(
        show_label=False, height="62vh", buttons=["copy"], placeholder="Try one of these, or ask your own.",
        editable="user", elem_id="chat", layout="bubble", render=False,
    )  # fmt: skip
    gallery.allow_files()
    return Chat(
        answering(assistant), multimodal=True, chatbot=chatbot, textbox=textbox, api_name="chat", editable=True,
        concurrency_limit=concurrency, additional_inputs=controls(assistant.context or UNTOLD),
        additional_inputs_accordion=gr.Accordion("System prompt and sampling", open=False, render=False),
        flagging_mode="never", analytics_enabled=False, cache_examples=False, examples=gallery.examples(audio),
        example_labels=gallery.labels(audio),
    )  # fmt: skip


def answering(assistant: Answering) -> Callable[..., Iterator[list[Turn]]]:
    """The function behind `/chat`, which yields lists of messages.

    First the answer so far, alone, again and again; last the whole answer and a note with counts and
    timing. A failure is a note alone.
    """

    def chat(
        message: dict[str, Any], history: list[Turn], system: str, max_new_tokens: float, temperature: float,
        top_p: float, top_k: float, min_p: float, repetition_penalty: float, seed: float | None = None,
    ) -> Iterator[list[Turn]]:  # fmt: skip
        """Answers a message {"text", "files"} of a conversation, piece by piece."""
        try:
            options = {
                "max_new_tokens": int(max_new_tokens), "temperature": temperature, "top_p": top_p, "top_k": int(top_k),
                "min_p": min_p, "repetition_penalty": repetition_penalty, "seed": None if seed is None else int(seed),
            }  # fmt: skip
            text = ""
            for piece in assistant.stream(conversation(history, message, system), **options):
                if isinstance(piece, Reply):
                    yield [said(piece.text), said(figures(piece), note=True)]
                else:
                    text += piece
                    yield [said(text)]
        except Exception as error:
            yield [said(excuse(error), note=True)]

    return chat


def excuse(error: Exception) -> str:
    """An exception as a person may read it: our own words, which name the file, or none of the inside."""
    if isinstance(error, VlmError):
        hint = " Clearing the chat makes room." if error.code in OVERFULL else ""
        return f"This could not be answered – {error}.{hint}"
    logger.error("the demo could not answer", exc_info=error)
    return FAILED


def conversation(history: list[Turn], message: dict[str, Any], system: str) -> list[dict[str, Any]]:
    """What the page remembers and a new message -> messages for the assistant."""
    files = [file if isinstance(file, dict) else {"path": file} for file in message["files"]]  # a retry has dicts
    asked = parts([*files, message["text"]])
    if not asked:
        raise InputError("write a question, or add a picture or a sound")
    return [*remembered(history, system), {"role": "user", "content": asked}]


def remembered(history: list[Turn], system: str) -> list[dict[str, Any]]:
    """The system message and the turns that were answered; notes and questions without an answer are left out."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system.strip() else []
    question: list[dict[str, Any]] = []
    for turn in history:
        found = parts(turn["content"])
        if is_note(turn):
            continue
        if turn["role"] == "user":
            question = found
        elif question and (answer := "".join(p["text"] for p in found if p["type"] == "text")).strip():
            messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            question = []
    return messages


def answered(history: list[Turn], index: int | None, system: str) -> tuple[list[dict[str, Any]], str]:
    """(messages that end with a question, the answer given) of the turn that holds message `index`; None: the last.

    Raises:
        InputError: nothing has been answered there.
    """
    last = len(history) - 1 if index is None else index
    while 0 <= last < len(history) and is_note(history[last]):  # the line under an answer stands for the answer
        last -= 1
    if not 0 <= last < len(history) or history[last]["role"] != "assistant":
        raise InputError("there is no answer yet; ask something first")
    messages = remembered(history[: last + 1], system)
    text = "".join(p["text"] for p in parts(history[last]["content"]) if p["type"] == "text")
    if not messages or messages[-1] != {"role": "assistant", "content": text}:
        raise InputError("there is no answer yet; ask something first")
    return messages[:-1], text


def is_note(turn: Turn) -> bool:
    return (turn.get("metadata") or {}).get("id") == NOTE


def parts(content: Any) -> list[dict[str, Any]]:
    """A turn as gradio keeps it -> parts. Files are named as they were when uploaded, without the folder."""
    found: list[dict[str, Any]] = []
    for item in content if isinstance(content, list) else [content]:
        file = item.get("file", item) if isinstance(item, dict) else {}
        if path := file.get("path"):
            name = Path(path).name
            guess = mimetypes.guess_type(name)[0] or ""
            kind = "audio" if name.lower().endswith(SOUNDS) or guess.startswith(("audio", "video")) else "image"
            found.append({"type": kind, kind: Path(path), "name": name})
        else:
            text = item.get("text") if isinstance(item, dict) else item
            if isinstance(text, str) and text.strip():
                found.append({"type": "text", "text": text})
    return found


def said(text: str, note: bool = False) -> Turn:
    return {"role": "assistant", "content": text, "metadata": {"id": NOTE} if note else {}}


def figures(reply: Reply) -> str:
    """The small line under an answer: tokens of prompt and answer (servers need not tell), then the timing."""
    counted = f"{reply.prompt_tokens} + {reply.completion_tokens} tokens" if reply.prompt_tokens else "tokens not told"
    return (
        f"<small>{counted} · first after "
        f"{reply.seconds_to_first_token:.2f} s · {reply.tokens_per_second:.1f} tokens/s"
        f"{' · ended by the limit' if reply.finish_reason == 'length' else ''}</small>"
    )


def controls(context: int) -> list[Any]:
    """In the order of `chat`'s parameters; greedy by default. Where they stand on the page is the chat's business."""
    return [
        gr.Textbox(value="", label="System prompt", lines=2, placeholder="The model's own", render=False),
        gr.Slider(1, context, value=min(256, context), step=1, label="Longest answer, in tokens", render=False),
        gr.Slider(
            0, 2, value=0, step=0.05, label="Temperature", info="0 always takes the most probable token", render=False
        ),
        gr.Slider(0.05, 1, value=1, step=0.05, label="Top p", render=False),
        gr.Slider(0, 200, value=0, step=1, label="Top k", info="0 keeps all", render=False),
        gr.Slider(0, 1, value=0, step=0.01, label="Min p", render=False),
        gr.Slider(1, 2, value=1, step=0.05, label="Repetition penalty", render=False),
        gr.Number(
            value=None, precision=0, label="Seed", info="Repeats a sampled answer; empty for a new one", render=False
        ),
    ]

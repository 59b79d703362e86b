"""The chat page: pictures, a microphone, streamed answers. Gradio on top of `Assistant`, nothing deeper.

Nothing leaves the machine: no share link, telemetry or web fonts; a URL sent in place of a file is not
fetched, and the page's content security policy keeps the browser from loading what an answer may link to.
"""

from __future__ import annotations

import logging
import mimetypes
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read while gradio is imported

import gradio as gr
from starlette.middleware import Middleware

from vlm.assistant import Assistant, Reply
from vlm.errors import InputError, VlmError

logger = logging.getLogger(__name__)

TITLE = "vlm studio"
NOTE = "note"  # the metadata id of lines that the page adds to a conversation: shown, but no part of it
FAILED = "Something went wrong on this side. The log of the server has the details."
OVERFULL = {"context_length_exceeded", "prompt_too_long", "too_many_media"}
SOUNDS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aif", ".aiff")
POLICY = "default-src 'self' 'unsafe-inline' data: blob:; object-src 'none'; frame-ancestors 'self'; form-action 'self'"
CSS = ".message small { opacity: 0.75 } footer, button[aria-label=Share] { display: none }"


def build(assistant: Assistant) -> gr.ChatInterface:
    """The page, not yet served. One answer is generated at a time, others wait in the queue.

    Its API endpoint `/chat` yields lists of messages: the answer so far, alone; last the whole answer
    and a note with counts and timing. A failure is a note alone.
    """
    config = assistant.config
    textbox = gr.MultimodalTextbox(
        sources=["upload", "microphone"] if config.whisper else ["upload"], file_types=["image", "audio", *SOUNDS],
        file_count="multiple", placeholder="Ask something; add pictures or speak", autofocus=True,
    )  # fmt: skip
    welcome = f"Ask **{config.name}** about pictures and sounds. Nothing leaves the machine it runs on."
    chatbot = gr.Chatbot(show_label=False, height="65vh", buttons=["copy"], placeholder=welcome)

    def chat(
        message: dict[str, Any], history: list[dict[str, Any]], system: str, max_new_tokens: float, temperature: float,
        top_p: float, top_k: float, min_p: float, repetition_penalty: float, seed: float | None = None,
    ) -> Iterator[list[dict[str, Any]]]:  # fmt: skip
        """Answers a message {"text", "files"} of a conversation, piece by piece."""
        try:
            options = {
                "max_new_tokens": int(max_new_tokens), "temperature": temperature, "top_p": top_p, "top_k": int(top_k),
                "min_p": min_p, "repetition_penalty": repetition_penalty, "seed": None if seed is None else int(seed),
            }  # fmt: skip
            text = ""
            for piece in assistant.stream(conversation(history, message, system), **options):
                if isinstance(piece, Reply):
                    yield [_said(piece.text), _said(_figures(piece), note=True)]
                else:
                    text += piece
                    yield [_said(text)]
        except VlmError as error:
            hint = " Clearing the chat makes room." if error.code in OVERFULL else ""
            yield [_said(f"This could not be answered – {error}.{hint}", note=True)]
        except Exception:
            logger.exception("the demo could not answer")
            yield [_said(FAILED, note=True)]

    page = gr.ChatInterface(
        chat, multimodal=True, chatbot=chatbot, textbox=textbox, title=TITLE, api_name="chat", concurrency_limit=1,
        additional_inputs=_controls(config.decoder.max_position_embeddings), flagging_mode="never",
        additional_inputs_accordion=gr.Accordion("System prompt and sampling", open=False), analytics_enabled=False,
        delete_cache=(3600, 86_400),  # each hour uploads over a day old; all of them when the server stops
    )  # fmt: skip
    for event in page.fns.values():
        if event.concurrency_limit == 1:  # the page's and the API's take turns with each other, too
            event.concurrency_id = "generation"
    for component in (textbox, chatbot):
        _keep_offline(component)
    return page


def launch(
    assistant: Assistant, host: str = "127.0.0.1", port: int = 7860, *, prevent_thread_lock: bool = False
) -> gr.ChatInterface:
    """Serves the page until interrupted, or beside the caller with `prevent_thread_lock` (then `close()` it).

    Raises:
        InputError: the address cannot be bound.
    """
    fonts = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}  # none is loaded
    page = build(assistant).queue(max_size=64)
    try:
        page.launch(
            server_name=host, server_port=port, prevent_thread_lock=True, quiet=True, share=False, mcp_server=False,
            ssr_mode=False, pwa=False, enable_monitoring=False, run_history=False, footer_links=[], show_error=False,
            max_file_size="200mb", app_kwargs={"middleware": [Middleware(_Policy)]}, css=CSS,
            theme=gr.themes.Soft(primary_hue="teal", neutral_hue="slate", **fonts),
        )  # fmt: skip
    except OSError:
        raise InputError(f"{host}:{port} cannot be used; choose other --host or --port", "bad_address") from None
    print(f"{TITLE}: {page.local_url}  (Ctrl-C stops it)", flush=True)
    if not prevent_thread_lock:
        page.block_thread()
    return page


def conversation(history: list[dict[str, Any]], message: dict[str, Any], system: str) -> list[dict[str, Any]]:
    """What the page remembers -> messages for the assistant; notes and turns without an answer are left out."""
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}] if system.strip() else []
    question: list[dict[str, Any]] = []
    for turn in history:
        parts = _parts(turn["content"])
        if (turn.get("metadata") or {}).get("id") == NOTE:
            continue
        if turn["role"] == "user":
            question = parts
        elif question and (answer := "".join(p["text"] for p in parts if p["type"] == "text")).strip():
            messages += [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
            question = []
    asked = _parts([*({"path": path} for path in message["files"]), message["text"]])
    if not asked:
        raise InputError("write a question, or add a picture or a sound")
    return [*messages, {"role": "user", "content": asked}]


def _parts(content: Any) -> list[dict[str, Any]]:
    """A turn as gradio keeps it -> parts. Files are named as they were when uploaded, without the folder."""
    parts: list[dict[str, Any]] = []
    for item in content if isinstance(content, list) else [content]:
        file = item.get("file", item) if isinstance(item, dict) else {}
        if path := file.get("path"):
            name = Path(path).name
            guess = mimetypes.guess_type(name)[0] or ""
            kind = "audio" if name.lower().endswith(SOUNDS) or guess.startswith(("audio", "video")) else "image"
            parts.append({"type": kind, kind: Path(path), "name": name})
        else:
            text = item.get("text") if isinstance(item, dict) else item
            if isinstance(text, str) and text.strip():
                parts.append({"type": "text", "text": text})
    return parts


def _said(text: str, note: bool = False) -> dict[str, Any]:
    return {"role": "assistant", "content": text, "metadata": {"id": NOTE} if note else {}}


def _figures(reply: Reply) -> str:
    """The small line under an answer: tokens of prompt and answer, then the timing."""
    return (
        f"<small>{reply.prompt_tokens} + {reply.completion_tokens} tokens · first after "
        f"{reply.seconds_to_first_token:.2f} s · {reply.tokens_per_second:.1f} tokens/s"
        f"{' · ended by the limit' if reply.finish_reason == 'length' else ''}</small>"
    )


def _controls(context: int) -> list[Any]:
    """In the order of `chat`'s parameters; greedy by default."""
    return [
        gr.Textbox(value="", label="System prompt", lines=2, placeholder="The model's own"),
        gr.Slider(1, context, value=min(256, context), step=1, label="Longest answer, in tokens"),
        gr.Slider(0, 2, value=0, step=0.05, label="Temperature", info="0 always takes the most probable token"),
        gr.Slider(0.05, 1, value=1, step=0.05, label="Top p"),
        gr.Slider(0, 200, value=0, step=1, label="Top k", info="0 keeps all"),
        gr.Slider(0, 1, value=0, step=0.01, label="Min p"),
        gr.Slider(1, 2, value=1, step=0.05, label="Repetition penalty"),
        gr.Number(value=None, precision=0, label="Seed", info="Repeats a sampled answer; empty for a new one"),
    ]


def _keep_offline(component: Any) -> None:
    """Files come by upload only; gradio would otherwise fetch a URL that a client names as a file."""
    move = component.async_move_resource_to_block_cache

    async def move_local(path: str | Path | None) -> str | None:
        if path is not None and "://" in str(path):
            raise gr.Error("URLs are not fetched; upload the file itself.", print_exception=False)
        return await move(path)

    component.async_move_resource_to_block_cache = move_local


class _Policy:
    """ASGI: adds the content security policy to every response."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def with_policy(event: Any) -> None:
            if event["type"] == "http.response.start":
                event["headers"] = [*event["headers"], (b"content-security-policy", POLICY.encode())]
            await send(event)

        await self.app(scope, receive, with_policy)

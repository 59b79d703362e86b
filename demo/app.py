"""`vlm demo`: chat, captions, the model. Gradio on top of what answers, nothing deeper.

Nothing leaves the machine, except to a server that is to answer in place of a model here: no share link,
telemetry or web fonts; a URL sent in place of a file is not fetched, and the page's content security policy
keeps the browser from loading what an answer may link to.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read while gradio is imported

import gradio as gr
from starlette.middleware import Middleware

from demo.feedback import FeedbackFile, default_folder
from demo.page import captions, chat, feedback, look, model, skills
from demo.page.theme import HEAD, HEADER, STAYS, TITLE, ContentPolicy, markup, theme
from vlm.answering import Answering, Weighing
from vlm.errors import InputError


@dataclass(frozen=True)
class Settings:
    """How the page is served. `auth` is "user:password"; `feedback` the folder of the feedback file."""

    host: str = "127.0.0.1"
    port: int = 7860
    auth: str = ""
    max_file_size: str = "200mb"
    queue_size: int = 64
    concurrency: int = 1
    feedback: Path | None = None

    def credentials(self) -> tuple[str, str] | None:
        user, _, password = self.auth.partition(":")
        if self.auth and not (user and password):
            raise InputError("--auth must be user:password, neither of them empty", "bad_option")
        return (user, password) if self.auth else None


def build(assistant: Answering, settings: Settings = Settings()) -> gr.Blocks:
    """The page, not yet served. `settings.concurrency` answers are generated at a time, others wait in the queue.

    Endpoints for clients: `/chat` (see `demo.page.chat.answering`), `/captions` and `/skill_NAME` of each skill.
    """
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_height=True, delete_cache=(3600, 86_400)) as page:
        markup(header(assistant), elem_id="studio")
        with gr.Tab("Chat"):
            talk = chat.build(assistant, settings.concurrency)
            system = talk.additional_inputs[0]
            store = FeedbackFile(settings.feedback or default_folder())
            feedback.build(assistant, store, talk.chatbot, system)
            if isinstance(assistant, Weighing):
                look.build(assistant, talk.chatbot, system, settings.concurrency)
        with gr.Tab("Captions"):
            captions.build(assistant)
        with gr.Tab("Skills"):
            skills.build(assistant, settings.concurrency)
        with gr.Tab("Model"):
            model.build(assistant)
    for event in page.fns.values():
        if event.api_name == "chat" or getattr(event.fn, "__name__", "") == "_submit_fn":
            event.concurrency_id = "generation"  # the page's and the API's take turns with each other, too
    for component in list(page.blocks.values()):
        _keep_offline(component)
    return page


def launch(assistant: Answering, settings: Settings = Settings(), *, prevent_thread_lock: bool = False) -> gr.Blocks:
    """Serves the page until interrupted, or beside the caller with `prevent_thread_lock` (then `close()` it).

    Raises:
        InputError: the address cannot be bound, or a setting is out of range.
    """
    credentials = settings.credentials()
    if not re.fullmatch(r"[1-9]\d*\s*[kmgt]?b", settings.max_file_size.strip().lower()):
        raise InputError(f"--max-file-size must be as in 200mb, got {settings.max_file_size!r}", "bad_option")
    if settings.queue_size < 1 or settings.concurrency < 1:
        raise InputError("--queue-size and --concurrency must be at least 1", "bad_option")
    page = build(assistant, settings).queue(max_size=settings.queue_size)
    for name in ("NO_PROXY", "no_proxy"):  # gradio greets its own server, which is no business of a proxy
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "localhost", "127.0.0.1", settings.host)))
    try:
        page.launch(
            server_name=settings.host, server_port=settings.port, prevent_thread_lock=True, quiet=True, share=False,
            mcp_server=False, ssr_mode=False, pwa=False, enable_monitoring=False, run_history=False, footer_links=[],
            show_error=False, auth=credentials, max_file_size=settings.max_file_size,
            app_kwargs={"middleware": [Middleware(ContentPolicy)]}, head=HEAD, theme=theme(),
            _frontend=False,  # no second look whether the page answers: a busy machine has no more than 3 s for it
        )  # fmt: skip
    except OSError:
        raise InputError(
            f"{settings.host}:{settings.port} cannot be used; choose other --host or --port", "bad_address"
        ) from None
    print(f"{TITLE}: {page.local_url}  (Ctrl-C stops it)", flush=True)
    print(f"feedback goes to {settings.feedback or default_folder()}", flush=True)
    if settings.host not in ("127.0.0.1", "localhost", "::1") and not credentials:
        print("anyone who reaches this address can use the page: consider --auth user:password", flush=True)
    if not prevent_thread_lock:
        page.block_thread()
    return page


def mount(app: Any, assistant: Answering, *, path: str, max_file_size: int) -> None:
    """The page under `path` of a FastAPI application, whose business keys and hosts are then.

    Args:
        max_file_size: of an upload, in bytes.
    """
    settings = Settings(concurrency=8)  # at a time; the engine has more slots, and other clients
    page = build(assistant, settings).queue(max_size=settings.queue_size)
    gr.mount_gradio_app(
        app, page, path=path, show_error=False, max_file_size=max_file_size, ssr_mode=False, enable_monitoring=False,
        pwa=False, mcp_server=False, run_history=False, footer_links=[], theme=theme(), head=HEAD,
        app_kwargs={"middleware": [Middleware(ContentPolicy)]},
    )  # fmt: skip


def header(assistant: Answering) -> str:
    """The line on top: who answers, and where what is asked goes."""
    where = f"What you ask goes to {_plain(assistant.server)}." if assistant.server else STAYS
    return HEADER.format(title=TITLE, model=_plain(assistant.name), where=where)


def _plain(name: str) -> str:
    return "".join(c for c in name if c.isprintable() and c not in "<>&{}")


def _keep_offline(component: Any) -> None:
    """Files come by upload only; gradio would otherwise fetch a URL that a client names as a file."""
    move = getattr(component, "async_move_resource_to_block_cache", None)
    if move is None:
        return

    async def move_local(path: str | Path | None) -> str | None:
        if path is not None and "://" in str(path):
            raise gr.Error("URLs are not fetched; upload the file itself.", print_exception=False)
        return await move(path)

    component.async_move_resource_to_block_cache = move_local

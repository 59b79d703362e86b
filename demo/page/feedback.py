"""Thumbs under an answer, and what would have been right: into the feedback file, unless off the record."""

from __future__ import annotations

import logging
from typing import Any

import gradio as gr

from demo.feedback import FeedbackFile, Rating
from vlm.answering import Answering
from vlm.errors import VlmError

from .chat import FAILED, Turn, answered

logger = logging.getLogger(__name__)


def build(assistant: Answering, file: FeedbackFile, chatbot: gr.Chatbot, system: gr.Textbox) -> None:
    """The switch, the line that says what was kept, and the field for a correction. Inside `gr.Blocks`."""

    def keep(history: list[Turn], index: int | None, system: str, rating: Rating, correction: str = "") -> str:
        try:
            messages, answer = answered(history, index, system)
            file.record(
                messages, answer, rating, correction=correction, model=assistant.name, adapter=assistant.adapter
            )
        except VlmError as error:
            return f"Not kept – {error}."
        except Exception:
            logger.exception("feedback could not be kept")
            return FAILED
        if rating == "up":
            return "Kept: this answer was right."
        return "Kept: your correction." if correction.strip() else "Kept: this answer was wrong."

    def rate(history: list[Turn], system: str, silent: bool, event: gr.LikeData) -> tuple[Any, ...]:
        index = event.index[0] if isinstance(event.index, list | tuple) else event.index
        if event.liked not in (True, False, "Like", "Dislike"):  # a thumb taken back: what was kept stays
            return gr.skip(), gr.skip(), gr.skip()
        if silent:
            return "Off the record: nothing was kept.", gr.update(visible=False), None
        good = event.liked in (True, "Like")
        text = keep(history, index, system, "up" if good else "down")
        return text, gr.update(visible=not good), None if good else index

    def correct(history: list[Turn], system: str, silent: bool, index: int | None, correction: str) -> tuple[Any, ...]:
        if silent:
            return "Off the record: nothing was kept.", gr.update(visible=False), ""
        if not correction.strip():
            return "Write what the answer should have been.", gr.skip(), gr.skip()
        text = keep(history, index, system, "down", correction)
        done = text.startswith("Kept")
        return text, gr.update(visible=not done), "" if done else gr.skip()

    silent = gr.Checkbox(
        value=False, label="Off the record (thumbs and corrections are not kept)", container=False, elem_id="off-record"
    )
    status = gr.Markdown("", elem_classes="quiet", elem_id="feedback-status")
    rated = gr.State(None)
    with gr.Group(visible=False, elem_id="correction") as group:
        wanted = gr.Textbox(label="What would have been right?", lines=2, max_length=20_000)
        save = gr.Button("Keep the correction", size="sm")
    shared: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
    chatbot.like(rate, [chatbot, system, silent], [status, group, rated], **shared)
    save.click(correct, [chatbot, system, silent, rated, wanted], [status, group, wanted], **shared)

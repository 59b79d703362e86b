"""Where did it look: the pictures of the last question, glowing where the answer depends on them."""

from __future__ import annotations

import html
import math
from collections.abc import Iterator
from typing import Any

import gradio as gr

from vlm.answering import Weighing
from vlm.occlusion import Occlusion, occlude

from .chat import Turn, answered, excuse
from .theme import inline, markup

SIZE = 920  # pixels: twice as many as are shown, for fine screens
WEAK = 0.1  # nats: an answer that loses less than a tenth of its probability does not hang on any tile


def build(assistant: Weighing, chatbot: gr.Chatbot, system: gr.Textbox, concurrency: int) -> None:
    """A folded section with a button and the overlays. Inside `gr.Blocks`."""

    def look(
        history: list[Turn], system: str, tiles: float, progress: gr.Progress = gr.Progress()  # noqa: B008 - gradio's way
    ) -> Iterator[tuple[Any, Any]]:  # fmt: skip
        try:
            messages, answer = answered(history, None, system)
            asked = [part for message in messages if message["role"] == "user" for part in message["content"]]
            pictures = [part["name"] for part in asked if part["type"] == "image"]
            figures = ""
            for number, name in enumerate(pictures or [""]):

                def show(share: float, at: int = number, name: str = name) -> None:
                    progress((at + share) / len(pictures), desc=f"Covering parts of {name}")

                found = occlude(assistant, messages, answer, picture=number, tiles=int(tiles), on_progress=show)
                figures += figure(found, name)
                yield f'<div class="seen">{figures}</div>', "Where the last answer comes from:"
        except Exception as error:
            yield "", excuse(error)

    with gr.Accordion("Where did it look?", open=False, elem_id="look"):
        gr.Markdown(
            "Covers one part of the picture after the other and measures how much less probable the last answer "
            "becomes. Glowing parts are those it depends on.", elem_classes="quiet",
        )  # fmt: skip
        with gr.Row():
            button = gr.Button("Show me", size="md", scale=0, min_width=120)
            tiles = gr.Slider(4, 12, value=8, step=1, label="Parts along the longer side", min_width=160)
        status = gr.Markdown("", elem_classes="quiet", elem_id="look-status")
        sheet = markup()
    button.click(
        look, [chatbot, system, tiles], [sheet, status], api_visibility="private", concurrency_limit=concurrency,
        concurrency_id="generation", show_progress="full", show_progress_on=status,
    )  # fmt: skip


def figure(found: Occlusion, name: str) -> str:
    """The overlay with what it says, as HTML."""
    words = html.escape(caption(found, name))
    return f'<figure><img src="{inline(found.overlay(), SIZE)}" alt=""><figcaption>{words}</figcaption></figure>'


def caption(found: Occlusion, name: str) -> str:
    """What the figures say, in words."""
    whole = math.exp(found.log_probability)
    without = math.exp(found.log_probability - float(found.drops.max()))
    if found.drops.max() < WEAK:
        return f"{name}: the answer ({100 * whole:.2g} % probable) hangs on no single part"
    return f"{name}: {100 * whole:.2g} % probable with the whole picture, {100 * without:.2g} % without the framed part"

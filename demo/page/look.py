"""Where did it look: the pictures of the last question, glowing where the answer depends on them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import gradio as gr

from vlm.assistant import Assistant
from vlm.occlusion import Occlusion, occlude

from .chat import Turn, answered, excuse

WEAK = 0.1  # nats: an answer that loses less than a tenth of its probability does not hang on any tile


def build(assistant: Assistant, chatbot: gr.Chatbot, system: gr.Textbox, concurrency: int) -> None:
    """A folded section with a button and the overlays. Inside `gr.Blocks`."""

    def look(
        history: list[Turn], system: str, tiles: float, progress: gr.Progress = gr.Progress()  # noqa: B008 - gradio's way
    ) -> Iterator[tuple[Any, Any]]:  # fmt: skip
        try:
            messages, answer = answered(history, None, system)
            kinds = [
                part for message in messages if isinstance(message["content"], list) for part in message["content"]
            ]
            pictures = [part["name"] for part in kinds if part["type"] == "image"]
            shown: list[tuple[Any, str]] = []
            for number, name in enumerate(pictures or [""]):

                def show(share: float, at: int = number, name: str = name) -> None:
                    progress((at + share) / len(pictures), desc=f"Covering parts of {name}")

                found = occlude(assistant, messages, answer, picture=number, tiles=int(tiles), on_progress=show)
                shown.append((found.overlay(), caption(found, name)))
                yield shown, f'What covering each part of the picture does to the answer "{answer}".'
        except Exception as error:
            yield gr.skip(), excuse(error)

    with gr.Accordion("Where did it look?", open=False, elem_id="look"):
        gr.Markdown(
            "Covers one part of the picture after the other and measures how much less probable the last answer "
            "becomes. Glowing parts are those it depends on.", elem_classes="quiet",
        )  # fmt: skip
        with gr.Row(equal_height=True):
            button = gr.Button("Show me", size="sm", scale=0, min_width=120)
            tiles = gr.Slider(4, 12, value=8, step=1, label="Parts along the longer side", min_width=160)
        status = gr.Markdown("", elem_classes="quiet", elem_id="look-status")
        sheet = gr.Gallery(show_label=False, columns=2, height="auto", object_fit="contain", format="png", buttons=[])
    button.click(
        look, [chatbot, system, tiles], [sheet, status], api_visibility="private", concurrency_limit=concurrency,
        concurrency_id="generation", show_progress="full", show_progress_on=status,
    )  # fmt: skip


def caption(found: Occlusion, name: str) -> str:
    """What the figures say, in words."""
    with_it = math.exp(found.log_probability)
    without = math.exp(found.log_probability - float(found.drops.max()))
    if found.drops.max() < WEAK:
        return f"{name}: the answer ({with_it:.0%} probable) hangs on no single part"
    return f"{name}: {with_it:.0%} probable with the whole picture, {without:.0%} without the framed part"

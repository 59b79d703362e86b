"""What answers: its parts, the memory it takes, its card; or the server."""

from __future__ import annotations

import html
import platform
import sys
from pathlib import Path

import gradio as gr

from vlm.answering import Answering
from vlm.card import front_matter

from .theme import markup


def build(assistant: Answering) -> None:
    """The tab. Inside `gr.Blocks`."""
    sheet = markup(facts(assistant), elem_id="model-facts")
    gr.Button("Refresh", size="sm").click(
        lambda: facts(assistant), None, sheet, api_visibility="private", show_progress="hidden"
    )
    if not assistant.server:
        with gr.Accordion("Model card", open=True):
            gr.Markdown(front_matter(assistant.card)[1] or "This model has no card.", elem_id="model-card")


def facts(assistant: Answering) -> str:
    """The table, as HTML."""
    rows = assistant.facts()
    rows.append(("Memory of this program", resident()))
    rows.append(("Python", f"{platform.python_version()} on {sys.platform}"))
    lines = (f"<tr><td>{html.escape(a)}</td><td>{html.escape(b)}</td></tr>" for a, b in rows)
    return f'<table class="rows">{"".join(lines)}</table>'


def resident() -> str:
    """Resident memory now, where the system says it (Linux)."""
    try:
        text = Path("/proc/self/status").read_text()
    except OSError:
        return "unknown on this system"
    return next(f"{int(line.split()[1]) / 1024:,.0f} MB" for line in text.splitlines() if line.startswith("VmRSS"))

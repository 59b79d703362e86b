"""What is loaded: its parts, the memory it takes, its card."""

from __future__ import annotations

import html
import platform
import sys
from pathlib import Path

import gradio as gr

from vlm.assistant import Assistant

from .theme import markup


def build(assistant: Assistant) -> None:
    """The tab. Inside `gr.Blocks`."""
    sheet = markup(facts(assistant), elem_id="model-facts")
    gr.Button("Refresh", size="sm").click(
        lambda: facts(assistant), None, sheet, api_visibility="private", show_progress="hidden"
    )
    with gr.Accordion("Model card", open=True):
        gr.Markdown(assistant.card or "This model has no card.", elem_id="model-card")


def facts(assistant: Assistant) -> str:
    """The table, as HTML."""
    config, sizes = assistant.config, assistant.sizes()
    decoder = config.decoder
    rows = [("Model", config.name), ("Adapter", "none"), ("Context", f"{decoder.max_position_embeddings:,} tokens")]
    if config.clip:
        rows.append(("Sees", f"tiles of {config.clip.image_size} px, patches of {config.clip.patch_size} px"))
    if config.whisper:
        rows.append(("Hears", f"windows of {config.whisper.window_seconds:g} s"))
    for part, (count, size) in sizes.items():
        rows.append((part.replace(".", ": "), f"{count / 1e6:.2f} M parameters, {size / 1e6:.1f} MB"))
    count, size = (sum(column) for column in zip(*sizes.values(), strict=True))
    rows.append(("All weights", f"{count / 1e6:.2f} M parameters, {size / 1e6:.1f} MB"))
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

"""How the page looks, and what a browser may load for it: nothing from anywhere else."""

from __future__ import annotations

import base64
import io
from typing import Any

import gradio as gr
from PIL import Image

TITLE = "vlm studio"
HEADER = """<header><h1>{title}</h1><p>Ask <b>{model}</b> about pictures and sounds.
{where}</p></header>"""
STAYS = "Nothing leaves the machine it runs on."
POLICY = "default-src 'self' 'unsafe-inline' data: blob:; object-src 'none'; frame-ancestors 'self'; form-action 'self'"
# In the head as it is: rules that go through gradio's own parameter are rewritten, and some are lost on the way.
HEAD = """<style>
#studio header { display: flex; align-items: baseline; gap: .4rem 1rem; flex-wrap: wrap; padding: .2rem .1rem; }
#studio h1 { margin: 0; font-size: 1.35rem; letter-spacing: -.01em; color: var(--primary-600); }
.dark #studio h1 { color: var(--primary-400); }
#studio p { margin: 0; color: var(--body-text-color-subdued); }
.gradio-container, .gradio-container .main { width: 100%; }
.gradio-container { max-width: 1080px !important; margin: 0 auto !important; }
.message small { opacity: .75; }
footer, button[aria-label=Share] { display: none !important; }
#chat .user-row img { max-height: 240px; }
#chat .examples { grid-template-columns: repeat(4, minmax(0, 1fr)); gap: .6rem; width: 100%; padding: .8rem; }
#chat .example { border: 1px solid var(--border-color-primary); border-radius: 10px; padding: .6rem; }
#chat .example-image-container { width: 100%; max-width: 84px; height: 64px; background: #fff; }
#chat .example-image-container img { object-fit: contain; }
#chat .example-text { font-size: .85rem; white-space: normal; }
/* gradio's editor loses its way in a question of several parts; Undo brings such a question back, files and all */
#chat .user-row:has(.component) + .message-buttons-right button[aria-label=Edit] { display: none; }
.quiet, .quiet p { color: var(--body-text-color-subdued); font-size: .875rem; }
table.rows { width: 100% !important; border: 0 !important; border-collapse: collapse; }
table.rows td, table.rows th { padding: .45rem .6rem !important; border: 0 solid var(--border-color-primary) !important;
  border-bottom-width: 1px !important; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
table.rows tr { background: none !important; border: 0 !important; }
.rows img { max-width: 96px; max-height: 96px; margin: 0 !important; border-radius: 6px; display: block; }
.rows .name { min-width: 8rem; }
.rows .failed { color: #b91c1c; }
.dark .rows .failed { color: #fca5a5; }
.rows .swatch { display: inline-block; width: 1.1em; height: 1.1em; border-radius: 4px; vertical-align: -.2em;
  border: 1px solid var(--border-color-primary); }
.rows th { font-weight: 500; }
.wide { overflow-x: auto; }
.wide td, .wide th { overflow-wrap: normal !important; word-break: normal !important; }
.rows.facts th { width: 9rem; }
.rows small { opacity: .75; }
.seen { display: flex; flex-wrap: wrap; gap: 1rem; }
.seen figure { margin: 0; flex: 0 1 460px; }
.seen img { max-width: 100%; max-height: 460px; margin: 0 !important; border-radius: 8px; }
.seen figcaption { color: var(--body-text-color-subdued); font-size: .875rem; }
progress { width: 100%; height: .5rem; appearance: none; border: 0; border-radius: .25rem; overflow: hidden;
  background: var(--border-color-primary); }
progress::-webkit-progress-bar { background: var(--border-color-primary); }
progress::-webkit-progress-value { background: var(--primary-500); }
progress::-moz-progress-bar { background: var(--primary-500); }
@media (max-width: 640px) {
  .gradio-container .main.fillable { padding: .5rem !important; }
  #studio p { font-size: .85rem; }
  #chat .examples { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  #caption-table thead { display: none; }
  .rows .name { min-width: 5rem; }
}
</style>"""


def markup(html: str = "", **options: Any) -> gr.Markdown:
    """HTML of ours, what is foreign in it escaped. `gr.HTML` would need a policy that lets scripts be evaluated."""
    return gr.Markdown(html, sanitize_html=False, latex_delimiters=[], container=False, **options)


def inline(picture: Image.Image, size: int) -> str:
    """A JPEG of at most `size` pixels as a data URI: in the page itself, so that nothing foreign is served."""
    small, buffer = picture.copy(), io.BytesIO()
    small.thumbnail((size, size))
    small.save(buffer, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def theme() -> gr.themes.Base:
    """Teal on slate, in the fonts that the system has: none is loaded."""
    return gr.themes.Soft(
        primary_hue="teal", neutral_hue="slate", font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )  # fmt: skip


class ContentPolicy:
    """ASGI: adds the content security policy to every response, so that no answer can make a browser load a link."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def with_policy(event: Any) -> None:
            if event["type"] == "http.response.start":
                event["headers"] = [*event["headers"], (b"content-security-policy", POLICY.encode())]
            await send(event)

        await self.app(scope, receive, with_policy)

"""What the bench asks: about pictures that nobody has seen before, so that nothing is found in a cache by chance."""

from __future__ import annotations

import base64
import io
import json
import random
from typing import Any

from PIL import Image, ImageDraw

ASKED = (
    "Describe the image in detail.",
    "What do you see? Be specific.",
    "Tell me everything about this picture.",
    "Give a detailed caption of the image.",
)
TOKENS = 64
"""An answer's limit: that of a caption."""
ENDLESS = {"type": "string", "minLength": 1500, "maxLength": 4000}
"""A schema that no answer of a few hundred tokens satisfies: what is asked for with it lasts until it is cut off."""


class Questions:
    """Bodies of chat requests for one model.

    Args:
        seed: two runs of one seed ask about the same pictures, which a server that still runs may remember.
    """

    def __init__(self, model: str, seed: int) -> None:
        self.model, self.draw = model, random.Random(seed)

    def fresh(self) -> bytes:
        """A question about a new picture."""
        return self.about(1)[0]

    def about(self, count: int) -> list[bytes]:
        """Different questions about one new picture."""
        png = picture(self.draw)
        return [self._body(png, question) for question in self.draw.sample(ASKED, count)]

    def endless(self, tokens: int, n: int = 1) -> bytes:
        """About a new picture; each of `n` answers is `tokens` long."""
        schema = {"type": "json_schema", "json_schema": {"name": "endless", "schema": ENDLESS}}
        return self._body(picture(self.draw), ASKED[0], max_tokens=tokens, n=n, response_format=schema)

    def _body(self, png: bytes, question: str, **fields: Any) -> bytes:
        url = f"data:image/png;base64,{base64.b64encode(png).decode()}"
        content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": question}]
        body = {
            "model": self.model, "messages": [{"role": "user", "content": content}], "temperature": 0,
            "max_tokens": TOKENS, "stream": True, "stream_options": {"include_usage": True},
        }  # fmt: skip
        return json.dumps(body | fields).encode()


def picture(draw: random.Random) -> bytes:
    """A PNG of a few coloured shapes."""

    def colour() -> tuple[int, int, int]:
        return draw.randrange(256), draw.randrange(256), draw.randrange(256)

    width, height = draw.randrange(240, 480), draw.randrange(200, 360)
    image = Image.new("RGB", (width, height), colour())
    pen = ImageDraw.Draw(image)
    for _ in range(draw.randint(2, 6)):
        x, y, size = draw.randrange(width - 60), draw.randrange(height - 60), draw.randrange(20, 60)
        shape = draw.choice((pen.ellipse, pen.rectangle))
        shape((x, y, x + size, y + size), fill=colour(), outline=colour())
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()

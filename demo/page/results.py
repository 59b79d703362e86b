"""What a skill gives, for people: tables, colours as swatches, boxes drawn over the picture, and the whole as JSON."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from .theme import inline

SIZE = 920  # pixels: twice as many as are shown, for fine screens
ROWS = 300
"""Of one table; the JSON has all."""
INK = (13, 148, 136)
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_BOX = {"x", "y", "width", "height"}


def sheet(output: Mapping[str, Any]) -> str:
    """The output as HTML. Values are foreign text: escaped. Boxes are told by the numbers that the picture shows."""
    numbers = {id(box): number for number, box in enumerate(boxes(output), start=1)}
    plain = {key: value for key, value in output.items() if not _is_table(value)}
    tables = {key: value for key, value in output.items() if _is_table(value)}
    parts = [_facts(plain, numbers)] if plain else []
    parts += [f"<h3>{_named(key)}</h3>{_table(value, numbers)}" for key, value in tables.items()]
    return "".join(parts)


def boxes(value: Any) -> Iterator[Mapping[str, int]]:
    """Every box of an output, in its order: what is called `box`, or listed as `boxes`.

    By other names they may be of another picture.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("box", "boxes"):
                yield from (one for one in (inner if isinstance(inner, list) else [inner]) if _is_box(one))
            else:
                yield from boxes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from boxes(inner)


def drawn(picture: Image.Image, found: Sequence[Mapping[str, int]]) -> str:
    """The picture with its boxes, numbered from 1, as HTML; nothing where there are none."""
    if not found:
        return ""
    scale = SIZE / max(picture.size)  # small pictures grow, so that the numbers leave room to see what they count
    sheet = picture.resize([max(1, round(side * scale)) for side in picture.size])  # type: ignore[arg-type]
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(24)
    for number, box in enumerate(found, start=1):
        left, top = box["x"] * scale, box["y"] * scale
        pen.rectangle((left, top, left + box["width"] * scale, top + box["height"] * scale), outline=INK, width=3)
        _, _, width, height = pen.textbbox((0, 0), str(number), font=font)
        above = max(0, top - height - 4)  # beside what it counts, if there is room
        pen.rectangle((left, above, left + width + 6, above + height + 4), fill=INK)
        pen.text((left + 3, above + 1), str(number), fill="white", font=font)
    return f'<div class="seen"><figure><img src="{inline(sheet, SIZE)}" alt=""></figure></div>'


def _is_box(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == _BOX


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _facts(values: Mapping[str, Any], numbers: Mapping[int, int]) -> str:
    rows = (f"<tr><th>{_named(key)}</th><td>{_cell(value, numbers)}</td></tr>" for key, value in values.items())
    return f'<table class="rows facts"><tbody>{"".join(rows)}</tbody></table>'


def _table(items: Sequence[Mapping[str, Any]], numbers: Mapping[int, int]) -> str:
    names = list(dict.fromkeys(name for item in items for name in item))
    head = "".join(f"<th>{_named(name)}</th>" for name in names)
    lines = []
    for item in items[:ROWS]:
        lines.append("".join(f"<td>{_cell(item.get(name), numbers)}</td>" for name in names))
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    more = f'<p class="quiet">and {len(items) - ROWS} more in the JSON</p>' if len(items) > ROWS else ""
    return (
        f'<div class="wide"><table class="rows"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}'
    )


def _cell(value: Any, numbers: Mapping[int, int]) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.4g}"
        case str() if _HEX.fullmatch(value):
            return f'<span class="swatch" style="background:{value}"></span> {value}'
        case dict() if id(value) in numbers:
            return (
                f"{numbers[id(value)]} <small>{value['width']}×{value['height']} at {value['x']}, {value['y']}</small>"
            )
        case dict() if "source" in value and ("value" in value or "text" in value):
            said = _cell(value.get("value", value.get("text")), numbers)
            sure = "" if value.get("confidence") is None else f", {value['confidence']:.0%}"
            return f"{said} <small>({_flat(str(value['source']))}{sure})</small>"
        case dict():
            return ", ".join(f"{_named(key)} {_cell(inner, numbers)}" for key, inner in value.items())
        case list():
            return ", ".join(_cell(inner, numbers) for inner in value) or "none"
    return _flat(str(value))


def _named(field: str) -> str:
    return _flat(field.replace("_", " "))


def _flat(text: str) -> str:
    """On one line: an empty line would end the table."""
    return html.escape(" ".join(text.split()))

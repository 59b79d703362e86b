"""What the skills found -> a layer: a column of notes to the right of the page, and numbered boxes on it."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import Any, Callable, Iterator, Sequence

import inkex
from vlm_client import Box, box_of, plain, rows
from vlm_pictures import NOTES, Picture

MOST = 12
"""Notes of one kind; how many more there are is said."""
LINE = 46
"""Characters."""
COLOURS = {"critical": "#b00020", "major": "#b35900", "minor": "#00639b"}
INK = "#333333"


@dataclass(frozen=True)
class Note:
    """`swatches`: colours beside the text; `box`: pixels of the picture."""

    text: str
    swatches: Sequence[str] = ()
    box: Box | None = None
    colour: str = INK


def layer_of(outputs: dict[str, Any], shot: Picture, page: Sequence[float]) -> Any:
    """The layer. `page`: x, y, width, height of the view box.

    Raises:
        Problem: an output is not as it should be.
    """
    left, top, width, height = page
    size = max(width, height) / 60
    layer = inkex.Layer.new("vlm notes")
    layer.set("class", NOTES)
    x, y, number = left + width + 2 * size, top + size, 0
    for skill, output in outputs.items():
        notes = list(NOTES_OF[skill](output))
        layer.append(text_at(x, y, [skill.capitalize()], size * 1.3, INK, bold=True))
        y += 2 * size
        for note in notes[:MOST]:
            label = ""
            if note.box:
                number += 1
                label = f"{number}  "
                for mark in marks(shot.on_page(note.box), str(number), size, note.colour):
                    layer.append(mark)
            for place, colour in enumerate(note.swatches):
                layer.append(rectangle((x + place * 1.4 * size, y - size, 1.2 * size, 1.2 * size), colour, "#888888"))
            lines = textwrap.wrap(label + note.text, LINE) or [""]
            indent = len(note.swatches) * 1.4 * size + (0.4 * size if note.swatches else 0)
            layer.append(text_at(x + indent, y, lines, size, note.colour))
            y += (len(lines) * 1.3 + 0.6) * size
        if len(notes) > MOST or not notes:
            text = f"... and {len(notes) - MOST} more" if notes else "Nothing found."
            layer.append(text_at(x, y, [text], size, INK))
            y += 2 * size
        y += size
    if abs(shot.zoom - 1) > 0.01:
        layer.append(text_at(x, y, [f"{shot.zoom:.3g} px of these figures are 1 px of the page."], size, INK))
    return layer


# --- what is noted -------------------------------------------------------------------------------


def palette_notes(output: Any) -> Iterator[Note]:
    for row in rows(output, "colours"):
        share, role = row.get("share"), row.get("role")
        about = [plain(row.get("name") or "", 40), plain(row.get("hex") or "", 9)]
        if isinstance(share, (int, float)):
            about.append(f"{100 * share:.0f} %")
        if isinstance(role, dict) and role.get("value"):
            about.append(f"({plain(role['value'], 40)}, says the model)")
        yield Note("  ".join(part for part in about if part), [colour_of(row.get("hex"))])


def contrast_notes(output: Any) -> Iterator[Note]:
    """Failures first."""
    for row in sorted(rows(output, "pairs"), key=lambda row: bool(row.get("aa"))):
        text, ground, ratio = colour_of(row.get("text")), colour_of(row.get("background")), row.get("ratio")
        told = f"{ratio:.2f} : 1" if isinstance(ratio, (int, float)) else "?"
        if row.get("aa"):
            yield Note(f"{told}  passes {'AAA' if row.get('aaa') else 'AA'}", [text, ground], box_of(row), "#1b6e3c")
            continue
        better = row.get("passing")
        hint = f"; {colour_of(better)} would pass" if better else ""
        large = " (passes where the text is large)" if row.get("aa_large") else ""
        colour = COLOURS["major" if large else "critical"]
        yield Note(f"{told}  fails AA{large}{hint}", [text, ground], box_of(row), colour)


def critique_notes(output: Any) -> Iterator[Note]:
    for row in rows(output, "findings"):
        severity = plain(row.get("severity") or "minor", 20)
        source = "measured" if row.get("source") == "measured" else "says the model"
        text = (
            f"{severity}, {plain(row.get('kind') or 'layout', 30)}: {plain(row.get('message') or '', 300)} ({source})"
        )
        yield Note(text, (), box_of(row), COLOURS.get(severity, COLOURS["minor"]))


NOTES_OF: dict[str, Callable[[Any], Iterator[Note]]] = {
    "palette": palette_notes, "contrast": contrast_notes, "critique": critique_notes,
}  # fmt: skip


def colour_of(text: Any) -> str:
    """`#rrggbb`, or grey: what a server says becomes part of a style, and nothing else may."""
    return text.lower() if isinstance(text, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", text) else "#808080"


# --- how it is drawn -----------------------------------------------------------------------------


def marks(box: Box, number: str, size: float, colour: str) -> Iterator[Any]:
    """An outline around a place, and a number on its corner."""
    x, y, width, height = box
    outline = rectangle((x, y, max(width, size / 4), max(height, size / 4)), "none", colour)
    outline.style["stroke-width"] = f"{size / 8:g}"
    yield outline
    above = y - 1.2 * size  # beside what it is about, not over it
    yield rectangle((x, above, (0.5 + 0.6 * len(number)) * size, 1.2 * size), colour, "none")
    yield text_at(x + 0.25 * size, above + 0.95 * size, [number], size, "#ffffff")


def rectangle(box: Box, fill: str, stroke: str) -> Any:
    x, y, width, height = box
    made = inkex.Rectangle.new(x, y, width, height)
    made.style = inkex.Style({"fill": fill, "stroke": stroke, "stroke-width": f"{max(width, height) / 40:g}"})
    return made


def text_at(x: float, y: float, lines: list[str], size: float, colour: str, bold: bool = False) -> Any:
    text = inkex.TextElement()
    text.style = inkex.Style({
        "font-size": f"{size:g}px", "font-family": "sans-serif", "fill": colour, "stroke": "none",
        "font-weight": "bold" if bold else "normal",
    })  # fmt: skip
    for place, line in enumerate(lines):
        span = inkex.Tspan()
        span.set("x", f"{x:g}")
        span.set("y", f"{y + place * 1.3 * size:g}")
        span.text = line
        text.append(span)
    return text

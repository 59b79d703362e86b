"""What an element of a screen is, by its shape, its place, and what it holds: rules in the order they apply."""

from __future__ import annotations

from typing import Literal

import numpy as np

from .elements import Element

Kind = Literal[
    "avatar", "bar", "button", "card", "check box", "field", "footer", "header", "icon", "image", "progress bar",
    "radio button", "sidebar", "table", "text", "title", "toggle", "window", "box",
]  # fmt: skip
DISC = 0.785
"""The share of its box that a disc fills."""


def kind_of(one: Element, elements: list[Element], size: tuple[int, int]) -> Kind:
    """`size`: of the picture as worked on, (width, height)."""
    if one.line is not None:
        return _of_text(one, elements)
    width, height = size
    letters = float(np.median([e.height for e in elements if e.line is not None] or [height // 30]))
    words, boxes = _held(one)
    across, down = one.width / width, one.height / height
    round_ = abs(one.extent - DISC) < 0.05
    if across > 0.8 and down > 0.75 and one.children:
        return "window"
    if across > 0.75 and down < 0.25 and one.height > 1.3 * letters:
        if one.y0 < 0.12 * height and one.height < 6 * letters:
            return "header"
        if one.y1 > 0.88 * height and one.height < 6 * letters:
            return "footer"
    if down > 0.5 and across < 0.4 and (one.x0 < 0.1 * width or one.x1 > 0.9 * width) and len(words) > 1:
        return "sidebar"
    if not words and one.height < 1.3 * letters and one.width > 5 * one.height:
        return "progress bar" if any(box.x0 - one.x0 < 4 for box in boxes) or one.width > 12 * letters else "bar"
    if not words and one.height < 2.2 * letters and one.width < 3.5 * letters:
        return _small(one, round_)
    if round_ and 0.85 < one.width / one.height < 1.18:
        return "avatar"
    if len(words) >= 3 and len(boxes) >= 6 and _gridded(boxes):
        return "table"
    if len(words) == 1 and one.height < 4.5 * words[0].height:
        return "button" if _centred(one, words[0]) else "field"
    if not words and one.width > 3.2 * one.height and one.height < 3.5 * letters:
        return "field"
    if not words and one.height >= 2 * letters:
        return "image"
    return "card" if words else "icon" if max(one.width, one.height) < 3 * letters else "box"


def _of_text(one: Element, elements: list[Element]) -> Kind:
    heights = sorted(e.height for e in elements if e.line is not None)
    usual = heights[len(heights) // 2]
    return "title" if one.height >= 1.35 * usual and one.height >= 0.85 * heights[-1] and len(heights) > 1 else "text"


def _held(one: Element) -> tuple[list[Element], list[Element]]:
    """(lines of text, boxes) within, at any depth."""
    words: list[Element] = []
    boxes: list[Element] = []
    waiting = list(one.children)
    while waiting:
        child = waiting.pop()
        (boxes if child.line is None else words).append(child)
        waiting += child.children
    return words, boxes


def _small(one: Element, round_: bool) -> Kind:
    shape = one.width / one.height
    if 1.4 < shape < 2.6:
        return "toggle"
    if 0.8 < shape < 1.25:
        return "radio button" if round_ else "check box" if one.extent > 0.9 else "icon"
    return "icon"


def _centred(one: Element, word: Element) -> bool:
    left, right = word.x0 - one.x0, one.x1 - word.x1
    return abs(left - right) <= max(3.0, 0.12 * one.width)


def _gridded(boxes: list[Element]) -> bool:
    """Whether boxes come in rows and columns that touch."""
    return len({box.x0 // 4 for box in boxes}) < len(boxes) / 1.5 and len({box.y0 // 4 for box in boxes}) < len(boxes)

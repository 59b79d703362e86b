"""The styles, kinds and names of the shapes family."""

from __future__ import annotations

from typing import Any

Thing = dict[str, Any]
STYLES = ("flat", "outline", "bordered", "textured", "gradient", "striped", "shadow", "pairs", "crowd")
HELD_OUT_STYLES = ("sketch", "neon")
KINDS = (
    "circle", "square", "rectangle", "triangle", "star", "hexagon", "pentagon", "diamond", "ellipse", "cross", "heart",
    "ring", "semicircle", "arrow",
)  # fmt: skip
SYNONYMS = {
    "ellipse": ("oval",),
    "diamond": ("rhombus",),
    "ring": ("donut", "doughnut"),
    "semicircle": ("half circle",),
    "cross": ("plus sign", "plus"),
    "hexagon": ("six-sided shape",),
    "pentagon": ("five-sided shape",),
}
SIDES = {"triangle": 3, "square": 4, "rectangle": 4, "diamond": 4, "pentagon": 5, "hexagon": 6}
# Pairs that people (and models) really mix up: the best wrong guesses.
LOOKALIKE = {
    "circle": ("ellipse", "ring", "semicircle"),
    "square": ("rectangle", "diamond"),
    "rectangle": ("square",),
    "ellipse": ("circle",),
    "ring": ("circle",),
    "pentagon": ("hexagon",),
    "hexagon": ("pentagon", "circle"),
    "diamond": ("square",),
    "triangle": ("arrow", "diamond"),
    "star": ("cross", "pentagon"),
    "arrow": ("triangle",),
}
OPPOSITE = {"left": "right", "right": "left", "above": "below", "below": "above"}
PHRASE = {"left": "left of", "right": "right of", "above": "above", "below": "below"}
FILL_NAMES = {
    "striped": ("stripes",),
    "solid": ("filled", "solid fill"),
    "outlined": ("outline", "hollow"),
    "gradient": ("a gradient",),
}
TEXTURE_NAMES = {
    "plain": ("solid", "none"),
    "dots": ("dotted", "polka dots"),
    "grid": ("a grid", "lines"),
    "noise": ("noisy", "grainy"),
    "gradient": ("a gradient",),
}
PLACES = (("top left", "top", "top right"), ("left", "centre", "right"), ("bottom left", "bottom", "bottom right"))

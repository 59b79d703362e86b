"""The styles of the text family, and what its things and shapes are called."""

from __future__ import annotations

STYLES = (
    "heading", "road_sign", "shop_sign", "button", "badge", "label", "name_plate", "flash_card", "whiteboard", "screen",
    "sticky_note",
)  # fmt: skip
HELD_OUT_STYLES = ("neon", "chalkboard")
SHAPE_NAMES = (
    "rectangle", "rounded rectangle", "pill", "circle", "oval", "octagon", "hexagon", "diamond", "star", "triangle",
    "shield", "banner", "tag", "arrow",
)  # fmt: skip
SHAPE_WORDS: dict[str, tuple[str, ...]] = {
    "rectangle": ("rectangular", "square", "a rectangle"),
    "rounded rectangle": ("rectangle", "rounded", "rectangular"),
    "pill": ("oval", "capsule", "rounded rectangle", "pill-shaped"),
    "circle": ("round", "circular", "a circle"),
    "oval": ("ellipse", "elliptical"),
    "octagon": ("octagonal",),
    "hexagon": ("hexagonal",),
    "diamond": ("rhombus", "diamond-shaped"),
    "star": ("starburst", "burst", "seal"),
    "triangle": ("triangular",),
    "shield": ("crest",),
    "banner": ("ribbon",),
    "tag": ("price tag", "label", "tag-shaped"),
    "arrow": ("an arrow", "arrow-shaped"),
}
# style -> (noun, other right names, short noun inside questions)
NOUNS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "heading": ("heading", ("text", "title", "a text heading"), "heading"),
    "road_sign": ("road sign", ("sign", "street sign", "traffic sign"), "sign"),
    "shop_sign": ("shop sign", ("sign", "store sign", "signboard"), "sign"),
    "button": ("button", ("a button with text",), "button"),
    "badge": ("badge", ("sticker", "logo", "sign"), "badge"),
    "label": ("label", ("tag", "price tag", "sticker"), "label"),
    "name_plate": ("name plate", ("nameplate", "plate", "plaque", "sign", "door sign"), "plate"),
    "flash_card": ("card", ("flash card", "flashcard"), "card"),
    "whiteboard": ("whiteboard", ("board", "white board", "dry-erase board", "marker board"), "board"),
    "screen": ("screen", ("display", "monitor", "television", "tv", "computer screen"), "screen"),
    "sticky_note": ("sticky note", ("note", "post-it", "post-it note"), "note"),
    "neon": ("neon sign", ("sign", "neon", "neon text"), "sign"),
    "chalkboard": ("chalkboard", ("blackboard", "board"), "board"),
}
PLACES = {1: ("only",), 2: ("top", "bottom"), 3: ("top", "middle", "bottom")}
CHAR_WORDS = {
    "letters": ("only letters", "letter"),
    "digits": ("numbers", "only digits", "digit"),
    "both": ("letters and digits",),
}

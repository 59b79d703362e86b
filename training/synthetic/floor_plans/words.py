"""What stands on floor plans: styles, rooms and their labels, titles; and what people call them."""

from __future__ import annotations

from ..base import words_in

STYLES = ("line", "poche", "blueprint", "colour", "gray", "dark")
HELD_OUT_STYLES = ("sketch", "cad")
TYPES = (
    "bedroom", "bathroom", "kitchen", "living room", "dining room", "office", "hallway", "garage", "closet", "laundry",
    "balcony", "storage",
)  # fmt: skip
NAMES = (*TYPES, "lounge", "study")
# type -> (typical relative size, labels as (text, what people call that room)).
ROOM_LABELS: dict[str, tuple[float, tuple[tuple[str, str], ...]]] = {
    "bedroom": (1.1, (("Bedroom", "bedroom"), ("Bed", "bedroom"), ("BR", "bedroom"), ("Bed Room", "bedroom"))),
    "bathroom": (0.6, (("Bathroom", "bathroom"), ("Bath", "bathroom"), ("WC", "bathroom"), ("Bath Room", "bathroom"))),
    "kitchen": (1.0, (("Kitchen", "kitchen"), ("Kitchen", "kitchen"), ("Kit.", "kitchen"))),
    "living room": (1.5, (("Living Room", "living room"), ("Living", "living room"), ("Lounge", "lounge"))),
    "dining room": (1.1, (("Dining Room", "dining room"), ("Dining", "dining room"))),
    "office": (0.9, (("Office", "office"), ("Office", "office"), ("Study", "study"))),
    "hallway": (0.7, (("Hallway", "hallway"), ("Hall", "hallway"), ("Corridor", "hallway"), ("Entry Hall", "hallway"))),
    "garage": (1.3, (("Garage", "garage"),)),
    "closet": (0.5, (("Closet", "closet"), ("CL", "closet"))),
    "laundry": (0.6, (("Laundry", "laundry"), ("Laundry Room", "laundry"), ("Utility", "laundry"))),
    "balcony": (0.8, (("Balcony", "balcony"),)),
    "storage": (0.6, (("Storage", "storage"), ("Store", "storage"))),
}
TITLES = (
    "Ground Floor", "First Floor", "Second Floor", "Floor Plan", "Apartment A", "Apartment B", "Unit 12", "Unit 7",
    "House 3", "Plan A", "Plan B", "Plan C", "Type D", "Level 1", "Level 2", "Villa Rosa", "Main Floor", "Upper Floor",
    "Flat 5", "Cottage", "Option 1", "Option 2", "Lake House", "Studio 9", "Basement", "Oak House", "Sheet A1",
    "Block C", "Suite 204", "Lot 18",
)  # fmt: skip
OTHER_NAMES = {
    "bathroom": ("bath", "wc"),
    "living room": ("living", "lounge", "living area"),
    "lounge": ("living room",),
    "dining room": ("dining", "dining area"),
    "office": ("study", "home office"),
    "study": ("office",),
    "hallway": ("hall", "corridor"),
    "laundry": ("laundry room", "utility"),
    "storage": ("storage room", "store"),
    "bedroom": ("bed",),
}
THING = {"double bed": "bed", "single bed": "bed", "round table": "table", "dining table": "table"}
SAME_PLACE: dict[str, tuple[str, ...]] = {
    "center": ("centre", "middle"),
    "top": ("top center", "top centre", "upper middle"),
    "bottom": ("bottom center", "bottom centre", "lower middle"),
    "left": ("center left", "middle left"),
    "right": ("center right", "middle right"),
}
ITEMS = (
    "bed", "sofa", "table", "stove", "sink", "fridge", "toilet", "bath tub", "shower", "desk", "wardrobe", "car",
    "washing machine",
)  # fmt: skip
WRITTEN = words_in(ROOM_LABELS, TITLES)

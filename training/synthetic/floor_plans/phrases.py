"""How captions and questions about floor plans are put."""

from __future__ import annotations

SHORT = (
    "[{a}|The] {noun} [with|of|showing] {rooms}[.|]",
    "{cap} [with|showing] {rooms}",
    "[A home|A house|An apartment] {noun} with {most}.",
    "{a} {noun} of a [house|home|dwelling] with {most}.",
)
ALT = (
    "{cap} with {rooms}, [including|among them] {some}.",
    "{cap} [showing|of a home with] {some} [and more|among {rooms}].",
    "[Layout|Plan] of a [house|home] with {rooms}, {d} and {w}.",
)
PLAN = "[plan|floor plan|drawing|layout|apartment|house|home|floorplan]"
THERE = "[there|in the plan|in this floor plan|in this house|in the drawing|shown|visible]"
COUNT = (
    "How many {things} [are|are] {there}?", "[Number|Count] of {things}?", "[Count|Count up] the {things}.",
    "How many {things} does [the|this] {plan} have?", "How many {things} can [you see|be seen]?", "How many {things}?",
    "What is the [number|total number|count] of {things}?", "[Give|State|Tell me] the number of {things}.",
    "How many {things} [do you see|do you count|are drawn|are shown]?", "The {plan} has how many {things}?",
)  # fmt: skip
EXISTS = (
    "Is there {a} {x} [|in the plan|in this home|here]?",
    "Does [the|this] {plan} [have|include|contain|show] {a} {x}?",
    "Can you see {a} {x}?",
    "[Is|Do you see] {a} {x} [shown|here|in this plan]?",
    "Has this {plan} got {a} {x}?",
    "Any {x} {there}?",
)
WHERE = (
    "Where is {x}?", "Where [in the plan|in the house|on the plan|in this layout] is {x}?",
    "In which part of the {plan} is {x}?", "What is the [position|location] of {x}?", "Where can [I|you] find {x}?",
    "Where is {x} [located|situated|placed]?",
    "[Which part|What area] of the [plan|house|drawing] [is {x} in|holds {x}]?", "Where's {x}?",
)  # fmt: skip
SIDE = {
    "left": ("[left of|to the left of|directly left of|immediately to the left of|on the left side of]", "right"),
    "right": ("[right of|to the right of|directly right of|immediately to the right of|on the right side of]", "left"),
    "above": ("[above|directly above|right above|immediately above|on top of]", "below"),
    "below": ("[below|directly below|under|beneath|immediately below|underneath]", "above"),
}
COLOUR = (
    "What colo[u|]r is {x}?", "Which colo[u|]r is {x} [filled with|painted|shaded|drawn in]?",
    "What is the colo[u|]r of {x}?", "{x}: what colo[u|]r?", "In what colo[u|]r is {x} [filled|shown|drawn]?",
    "Name the colo[u|]r of {x}.", "Colo[u|]r of {x}?",
)  # fmt: skip
LARGEST = {
    True: "[largest|biggest|most spacious|largest]",
    False: "[smallest|smallest|tiniest|least spacious]",
}
SPOKEN = {
    "bedroom": "bedroom",
    "bathroom": "[bathroom|bathroom|bath]",
    "kitchen": "kitchen",
    "living room": "[living room|living room|living area]",
    "dining room": "[dining room|dining room|dining area]",
    "office": "[office|office|home office]",
    "hallway": "[hallway|hallway|hall|corridor]",
    "garage": "garage",
    "closet": "closet",
    "laundry": "[laundry|laundry room]",
    "balcony": "balcony",
    "storage": "[storage room|storage]",
}
CORNERS = {
    "top left": "[top left|upper left|top-left|top left]",
    "top right": "[top right|upper right|top-right|top right]",
    "bottom left": "[bottom left|lower left|bottom-left|bottom left]",
    "bottom right": "[bottom right|lower right|bottom-right|bottom right]",
}
CORNER = (
    "[What|Which] room is in the {c} corner?",
    "[What|Which] room is at the {c}?",
    "What is in the {c} corner of the {plan}?",
    "Name the room in the {c} corner.",
    "The room [in|at] the {c} corner is the [what|which room]?",
    "What kind of room is in the {c} [corner|of the house|of the plan]?",
    "Which space [occupies|takes up] the {c} corner?",
    "What's at the {c} of the plan?",
)
BESIDE = (
    "[What|Which] room is {side} {x}?", "What is {side} {x}?", "Which room [lies|is located|is situated] {side} {x}?",
    "Name the room {side} {x}.", "What [kind|type] of room is {side} {x}?", "{x} has which room {side} it?",
    "[What's|What room's] {side} {x}?", "Going {dir} from {x}, which room comes [first|next]?",
)  # fmt: skip
WHICH_SIDE = (
    "Is {a} {p}[ or | or |/]{q}{to} {b}?",
    "Is {a} [located|situated|placed|] {p} or {q}{to} {b}?",
    "Where is {a} [relative to|compared with|with respect to] {b}: {p} or {q}?",
    "On which side of {b} is {a}, {p} or {q}?",
    "{a} is {p} or {q}{to} {b}?",
    "{a} is where relative to {b}, {p} or {q}?",
)
ADJACENT = (
    "Is {a} [next to|adjacent to|beside|right next to] {b}?",
    "Do {a} and {b} share a wall?",
    "Are {a} and {b} [adjacent|neighbours|neighbors|side by side]?",
    "Does {a} border {b}?",
    "Does {a} [adjoin|touch|share a wall with] {b}?",
    "{a} and {b}: [adjacent|next to each other]?",
)
DOOR_BETWEEN = (
    "Is there a door[| way|way] between {a} and {b}?",
    "Are {a} and {b} connected by a door?",
    "Does a door [connect|link|join] {a} [and|with] {b}?",
    "Can [you|one] [walk|go] [directly|straight] from {a} [to|into] {b}?",
    "Is there a direct door from {a} [to|into] {b}?",
    "Do {a} and {b} have a door between them?",
)
DOOR_TO = (
    "Which room [has|shares] a door [with|to] {x}?",
    "Which room is connected [to|with] {x} by a door?",
    "{x} has a door to which room?",
    "Through the door of {x}, which room do you [reach|enter]?",
    "Where does the door of {x} lead?",
    "From which room do you enter {x}?",
)
COUNT_DOORS = (
    "How many doors does {x} have?",
    "How many doors [lead|open] [into|to] {x}?",
    "[Number of doors|Door count] of {x}?",
    "Count the doors of {x}.",
    "{x} has how many doors?",
    "How many doors are there in {x}?",
)
EXTREME = (
    "[Which|What] room is the {most}?", "[Which|What] is the {most} room?",
    "What is the {most} room [in|of] the {plan}?", "Name the {most} room.", "The {most} room?",
    "Which room [takes up|covers|has] the {area} [area|space]?", "Which of the rooms is {most}?",
    "Identify the {most} room.",
)  # fmt: skip
IS_LARGER = (
    "Is {a} [larger|bigger] than {b}?",
    "Is {a} the [larger|bigger] room [compared with|than] {b}?",
    "Does {a} [cover|take up|have] more [area|space] than {b}?",
    "Has {a} a larger area than {b}?",
    "{a} [larger|bigger] than {b}?",
)
LARGER = (
    "Which is {more}, {a} or {b}?", "Which room is {more}: {a} or {b}?", "[What is|What's] {more}, {a} or {b}?",
    "{a} or {b}: which is {more}?", "Of {a} and {b}, which is {more}?", "Between {a} and {b}, which one is {more}?",
)  # fmt: skip
MORE = (
    "Are there more {a} or [more|] {b}?",
    "Which are there more of, {a} or {b}?",
    "What is there more of: {a} or {b}?",
    "More {a} or more {b}?",
    "Does the {plan} have more {a} or more {b}?",
    "Which is [greater|higher|larger]: the number of {a} or the number of {b}?",
)
COLOUR_OF_SEVERAL = (
    "What colo[u|]r are the {y}?",
    "Which colo[u|]r do the {y} have?",
    "What is the colo[u|]r of the {y}?",
    "In what colo[u|]r are the {y} filled?",
)
OF_COLOUR = (
    "Which room is {c}?",
    "What room is [filled|shaded|coloured|colored|shown] [in|] {c}?",
    "[What|Which] is the {c} room?",
    "Name the {c} room.",
    "What kind of room is [drawn|shown|filled] in {c}?",
    "The {c} area is which room?",
)
WALLS = (
    "What colo[u|]r are the walls?",
    "What is the colo[u|]r of the walls?",
    "Which colo[u|]r [are the walls drawn in|do the walls have]?",
    "In what colo[u|]r are the walls drawn?",
    "Wall colo[u|]r?",
    "The walls are [what|which] colo[u|]r?",
)
BACKGROUND = (
    "What colo[u|]r is the background?",
    "What is the background colo[u|]r?",
    "On what colo[u|]r is the plan drawn?",
    "Background colo[u|]r?",
    "Which colo[u|]r is [behind the plan|the paper|the background]?",
)
IS_BLUEPRINT = (
    "Is this [drawn as|] a blueprint?",
    "Is [it|this|the plan] in blueprint style?",
    "Is this a [classic|blue|white-on-blue] blueprint?",
    "Does this look like a blueprint?",
    "Is the plan drawn in white [lines|] on blue?",
)
ARE_COLOURED = (
    "Are the rooms [coloured|colored|filled with colour|filled with color]?",
    "Do the rooms have [different|] colo[u|]rs?",
    "Is each room filled with a colo[u|]r?",
    "Are the floors of the rooms colo[u|]red?",
)
WHAT = (
    "What [is this|is shown|does the picture show|does this show]?",
    "What kind of [image|picture|drawing|diagram] is this?",
    "What [is in|do you see in] the picture?",
    "[What|Which] type of drawing is this?",
    "What am I looking at?",
    "What is [depicted|drawn] here?",
    "Name the kind of drawing.",
)
PAPER = (
    "Is the background [dark or light|light or dark]?",
    "Is the plan drawn on a [dark or a light|light or a dark] background?",
    "Does the drawing have a dark or light background?",
    "Is the paper [dark or bright|light or dark]?",
)
FURNITURE = (
    "What furniture is in {x}?", "What [stands|is|is drawn] in {x}?",
    "Which [symbols|fixtures|things] are [in|inside] {x}?", "List the [furniture|items|things] in {x}.",
    "What does {x} contain?", "What can be seen in {x}?", "Name the furniture in {x}.",
)  # fmt: skip
SHOWER_OR_TUB = (
    "Does {x} have a [shower or a bath tub|bath tub or a shower]?",
    "Is there a shower or a bath tub in {x}?",
    "Shower or bath tub in {x}?",
    "Which is in {x}: a bath tub or a shower?",
)
DIMENSIONS: tuple[str, ...] = (
    "What are the [dimensions|measurements] of {x}?", "Which dimensions are [written|given] in {x}?",
    "How long and wide is {x}?", "Read the dimensions of {x}.", "What size is written in {x}?", "Dimensions of {x}?",
)  # fmt: skip
AREA: tuple[str, ...] = (
    "What is the [area|floor area|size] of {x}?",
    "How [big|large] is {x}?",
    "What area is [written|given|marked] [in|for] {x}?",
    "Read the area of {x}.",
    "Area of {x}?",
    "How many square [metres|meters] does {x} have?",
)
TITLE = (
    "What is the title [of the plan|]?", "What does the title say?", "Which title is [written|shown] on the plan?",
    "Read the title.", "What is the plan called?", "What is the [heading|caption|name] of this plan?", "Title?",
)  # fmt: skip
SCALE = (
    "What does the scale bar say?",
    "Which length does the scale bar show?",
    "How [long|many metres|many meters] is the scale bar?",
    "Read the scale bar.",
    "What is written at the scale bar?",
    "Scale bar length?",
)
NORTH = (
    "Which way does the north arrow point?",
    "In which direction [is north|does the N arrow point|does the arrow point]?",
    "Where is north [on this plan|]?",
    "The north arrow points [where|which way]?",
    "What is the direction of the north arrow?",
    "Which way is north?",
)
WIDTH: tuple[str, ...] = (
    "How wide is the [house|building|plan]?",
    "What is the [overall|total] width?",
    "Which width is [marked|given] at the top?",
    "Read the width dimension.",
)
HEIGHT: tuple[str, ...] = (
    "What [length|dimension] is written [on|at|along] the left side?",
    "Which dimension is marked on the left?",
    "Read the dimension on the left side.",
    "What does the vertical dimension line say?",
)
LABEL = (
    "What [text|label|name] is written [in|on] the room at the {p}?",
    "What does the label [at|in] the {p} say?",
    "Read the label of the room at the {p}.",
    "What is the room at the {p} labelled?",
    "What is the room at the {p} labeled?",
    "What is written at the {p} of the plan?",
)
JSON = (
    "Describe [the plan|this plan|the picture|the image] as JSON.",
    "Give me [a JSON description|JSON] of the floor plan.",
    "JSON[ please|]: rooms, doors and windows.",
    "Return the [plan|contents|rooms, doors and windows] as [compact|] JSON.",
    "Convert this plan to JSON.",
    "Output JSON for this [floor plan|picture].",
)
ABSENT = (
    "Where is the {x}?", "How [big|large] is the {x}?", "What is [left|right] of the {x}?",
    "How many doors does the {x} have?", "Which room is next to the {x}?", "What furniture is in the {x}?",
    "In which [part|corner] of the plan is the {x}?", "What is the [area|size] of the {x}?",
    "Where can I find the {x}?", "Which room is [above|below] the {x}?",
)  # fmt: skip
ABSENT_COLOUR = ("What colo[u|]r is the {x}?",)
KINDS_OF_ROOM = (
    "What [kinds|types|sorts] of rooms are [there|shown|in the plan]?",
    "List the [kinds|types] of rooms.",
    "Which [types|kinds] of room does the plan [have|show]?",
    "Name the types of rooms [in the plan|you see].",
)
ALL_ROOMS = (
    "List the rooms.", "Which rooms are [shown|there|in the plan]?", "Name all [the|] rooms.",
    "What rooms does the plan [have|show|contain]?", "List all rooms from top to bottom.", "What rooms can you see?",
)  # fmt: skip

"""How questions about shapes are put; `put` fills in a `{part}` that holds choices itself."""

from __future__ import annotations

SHAPES = "[shapes|shapes|objects|figures|geometric shapes]"
COLOUR_OF = (
    "[What|Which] [colour|color] is the {a}?", "What is the [colour|color] of the {a}?",
    "The {a} is what [colour|color]?", "[Name|Give|State] the [colour|color] of the {a}.", "[Colour|Color] of the {a}?",
    "What [colour|color] is the {a} drawn in?", "[What|Which] [colour|color] does the {a} have?",
    "Which [colour|color] was used for the {a}?", "What's the {a}'s [colour|color]?",
)  # fmt: skip
SHAPE_OF = (
    "What [shape|kind of shape|type of shape] is the {c} [one|object|figure|thing|item]?", "Which shape is {c}?",
    "What is {c}?", "What shape is {c}?", "[Name|Identify] the {c} shape.", "The {c} object is what shape?",
    "What is the shape of the {c} [object|figure|item]?",
    "What [geometric |]shape is [drawn|shown|coloured|colored] [in |]{c}?", "Which [geometric |]figure is {c}?",
)  # fmt: skip
COUNT_ALL = (
    f"How many {SHAPES} are [there|there in total|visible|shown|in the picture]?",
    f"[Count|Count all] the {SHAPES}.",
    f"What is the [total |]number of {SHAPES}?",
    f"[Number of|Total] {SHAPES}?",
    f"How many {SHAPES} [can you see|do you see|can you count]?",
    f"How many {SHAPES} does the [picture|image] [contain|have|show]?",
    f"How many {SHAPES}?",
    "How many things are drawn?",
)
COUNT = (
    "How many {xs} are [there|shown|visible|in the picture|present]?", "[Count|Count all] the {xs}.",
    "What is the number of {xs}?", "Number of {xs}?", "How many {xs} [can you see|do you see|can you count]?",
    "How many {xs}?", "How many of the shapes are {xs}?", "How many {xs} does the [picture|image] [contain|have|show]?",
    "Tell me how many {xs} there are.",
)  # fmt: skip
COUNT_COLOURS = (
    f"How many different [colours|colors] do the {SHAPES} have?",
    f"How many [distinct|different] [colours|colors] are used for the {SHAPES}?",
    "Not counting the background, how many [colours|colors] are there?",
    f"[Count|Number of] [different|distinct] {SHAPES} [colours|colors]?",
    "How many shape [colours|colors] can you see?",
    f"In how many different [colours|colors] are the {SHAPES} drawn?",
)
COUNT_KINDS = (
    "How many different [kinds|types|sorts] of [shape|shapes] are there?",
    "How many [distinct|different] [shape types|kinds of shapes]?",
    "Count the [different|distinct] [kinds|types] of shapes.",
    "Number of different shape [types|kinds]?",
)
WHERE = (
    "Where is the {a} [relative to|in relation to|compared to|with respect to|as seen from] the {b}?",
    "[On which|On what|Which] side of the {b} is the {a}?",
    "Is the {a} left of, right of, above or below the {b}?",
    "[What is|Describe|Give] the position of the {a} relative to the {b}.",
    "In [which|what] direction is the {a} from the {b}?",
    "Relative to the {b}, where is the {a}?",
    "Where is the {a}: left, right, above or below the {b}?",
    "Where [does|would] the {a} [lie|sit] relative to the {b}?",
)
EITHER = (
    "Is the {a} {p} or {q} the {b}?",
    "Is the {a} [located|placed|positioned|] {p} the {b} or {q} it?",
    "The {a}: {p} or {q} the {b}?",
    "Relative to the {b}, is the {a} {p} or {q} it?",
)
IS_SIDE = (
    "Is the {a} {p} the {b}?",
    "Is the {a} [located|placed|positioned|situated] {p} the {b}?",
    "Does the {a} [lie|sit|appear] {p} the {b}?",
    "Can you see the {a} {p} the {b}?",
    "True or false, yes or no: the {a} is {p} the {b}?",
    "Is it true that the {a} is {p} the {b}?",
)
WHAT_SIDE = (
    "What is {p} the {b}?",
    "Which [shape|object|figure] is {p} the {b}?",
    "What [can be found|do you see|is drawn|lies|is located] {p} the {b}?",
    "[Name|Identify] the shape {p} the {b}.",
    "What shape [is|lies|sits] {p} the {b}?",
    "What [object|figure] is [placed|positioned] {p} the {b}?",
)
PLACE = (
    "Where is the {a}?",
    "[Where in|In which part of|In what part of|In which area of] the [picture|image|canvas] is the {a}?",
    "What is the position of the {a}?",
    "Where [on|in] the [canvas|image] [is|can you find|do you see] the {a}?",
    "Position of the {a}?",
    "Where is the {a} [located|placed|positioned|drawn]?",
    "[Locate|Find] the {a}.",
    "Which [region|part|corner or side] of the [image|picture] has the {a}?",
)
MOST = {
    "largest": "[largest|biggest]",
    "smallest": "[smallest|tiniest]",
    "leftmost": "[leftmost|furthest left|farthest left]",
    "rightmost": "[rightmost|furthest right|farthest right]",
    "topmost": "[topmost|highest|uppermost]",
    "bottommost": "[bottommost|lowest]",
}
SUPERLATIVE = (
    "[Which|What] [shape|object|figure] is [the |]{m}?",
    "What is the {m} [shape|object|figure]?",
    "[Name|Identify] the {m} shape.",
    "{m} [shape|object|figure]?",
    "Which [of the shapes|one of the shapes|shape here] is [the |]{m}?",
    "What is the {m} [thing|item] [drawn|shown]?",
)
SUPERLATIVE_COLOUR = (
    "What [colour|color] is the {m} [shape|object|figure]?",
    "What is the [colour|color] of the {m} [shape|object|figure]?",
    "[Colour|Color] of the {m} shape?",
    "[Name|Give] the [colour|color] of the {m} [shape|object].",
    "Which [colour|color] does the {m} shape have?",
)
BIGGER = (
    "Which is {m}, the {a} or the {b}?", "Which [one |shape |]is {m}: the {a} or the {b}?",
    "What is {m}, the {a} or the {b}?", "Between the {a} and the {b}, which is {m}?",
    "Of the {a} and the {b}, which one is {m}?", "{m}: {a} or {b}?", "Which one of these is {m}: {a} or {b}?",
)  # fmt: skip
MORE = (
    "Are there more {a} or [more |]{b}?", "Which are there {m} of, {a} or {b}?", "Are there {m} {a} or {b}?",
    "What are there {m} of: {a} or {b}?", "Which is there a [{m2}] number of, {a} or {b}?", "{m} {a} or {m} {b}?",
    "Which [group|kind] has {m} members: {a} or {b}?",
)  # fmt: skip
IS_MORE = (
    "Are there more {a} than {b}?",
    "Do the {a} outnumber the {b}?",
    "Are {a} more numerous than {b}?",
    "Does the picture [have|contain|show] more {a} than {b}?",
    "Is the number of {a} [greater|larger|higher] than the number of {b}?",
    "Can you see more {a} than {b}?",
)
FILLED = (
    "Is the {a} outlined or filled?",
    "Is the {a} filled or outlined?",
    "Is the {a} [just |only |]an outline or [is it |]filled?",
    "Filled or outlined: the {a}?",
    "Is the {a} [hollow or filled|filled or hollow]?",
    "[Tell me if|Say whether] the {a} is outlined or filled.",
)
FILL = (
    "[How|In what way] is the {a} filled?",
    "What [fill|fill style|kind of fill] does the {a} have?",
    "What is the fill [style |]of the {a}?",
    "Is the {a} solid, outlined, gradient or striped?",
    "What [pattern|fill pattern] does the {a} have: solid, striped, gradient or outlined?",
    "Fill of the {a}?",
    "[Describe|Name] the fill of the {a}.",
)
SIZE = (
    "[How big|How large] is the {a}: small, medium or large?", "What size is the {a}?", "What is the size of the {a}?",
    "Size of the {a}?", "Is the {a} small, medium or large?", "Is the {a} large, medium or small?",
    "[Judge|State] the size of the {a}.",
)  # fmt: skip
POINTS = (
    "[Which way|In which direction|Which direction|Where] does the {a} point?",
    "[Which way|Where] is the {a} pointing?",
    "What direction is the {a} pointing [in|to]?",
    "Direction of the {a}?",
    "Does the {a} point left, right, up or down?",
    "The {a} points in which direction?",
)
SIDES_OF = (
    "How many [sides|corners|edges] does the {a} have?",
    "What is the number of [sides|corners] of the {a}?",
    "Number of [sides|corners] of the {a}?",
    "Count the [sides|corners] of the {a}.",
    "The {a} has how many [sides|corners]?",
    "How many [corners|sides] has the {a} got?",
)
GROUND = (
    "What [colour|color] is the background?", "What is the background [colour|color]?",
    "[Which|What] [colour|color] is behind the shapes?", "[Name|Give|State] the [colour|color] of the background.",
    "Background [colour|color]?", "On what [colour|color] are the shapes drawn?",
    "What is the [colour|color] of the [backdrop|canvas|background]?", "What [colour|color] does the background have?",
)  # fmt: skip
TEXTURE = (
    "[What pattern|Which pattern|What texture] does the background have?",
    "Is the background plain, gradient, grid, dots or noise?",
    "What [kind|sort|style] of background is [this|it]?",
    "What is the texture of the background?",
    "Background [pattern|texture|style]?",
    "[How is the background filled|What does the background look like]: plain, gradient, grid, dots or noise?",
)
WHAT = (
    "What is in the picture?",
    "What [does the image show|is shown|is shown here|is drawn here|do you see|can you see]?",
    "What's in this image?",
    "[Which|What] shapes are [there|in the picture|shown]?",
    "[Name|Identify] what is [shown|drawn].",
    "What is [depicted|displayed|drawn]?",
)
GENRE = (
    "What kind of [image|picture|drawing] is this?",
    "What type of [image|picture|graphic] is [this|it]?",
    "What sort of picture is this?",
    "How would you classify this image?",
    "What are the objects in the picture?",
    "What does this drawing consist of?",
)
LIST = (
    "[List|Name|Enumerate] the shapes {w}.", "[What|Which] shapes are there, {w}?", "Going {w}, what are the shapes?",
    "[Give|Write down] all shapes {w}.", "What shapes do you see {w}?", "The shapes {w}?",
)  # fmt: skip
LIST_COLOURS = (
    "[List|Name|Enumerate] the [colours|colors] of the shapes {w}.",
    "What are the [colours|colors] of the shapes, {w}?",
    "Going {w}, what [colours|colors] are the shapes?",
    "Which [colours|colors] do the shapes have {w}?",
    "Shape [colours|colors] {w}?",
)
JSON = (
    "[Describe|Return|Give] the [image|picture|scene] as JSON.",
    "[Output|Write] JSON for this image.",
    "JSON description?",
    "Describe the scene in JSON with type, count, background and objects.",
    "[Convert|Turn] this picture [in|]to JSON.",
)
EXISTS = (
    "Is there {x}?", "Is there {x} [here|in the picture|in the image|anywhere]?", "[Can|Do] you see {x}?",
    "Does the [picture|image|drawing] [contain|show|have|include] {x}?", "Is {x} [visible|present|shown|drawn]?",
    "Any {xs}?", "Are there any {xs}?", "Does {x} appear [here|in the image]?",
)  # fmt: skip
IS_COLOUR = (
    "Is the {a} {c}?",
    "Does the {a} have the [colour|color] {c}?",
    "Is the [colour|color] of the {a} {c}?",
    "Is the {a} [drawn|coloured|colored] [in |]{c}?",
    "Would you [say|agree] [that |]the {a} is {c}?",
    "Is it true that the {a} is {c}?",
)
SAME_COLOUR = (
    "[Do|Do you think] the {a} and the {b} have the same [colour|color]?",
    "Are the {a} and the {b} the same [colour|color]?",
    "Is the {a} the same [colour|color] as the {b}?",
    "Do the {a} and the {b} share a [colour|color]?",
    "Does the {a} match the {b} in [colour|color]?",
)
IS_BIGGER = (
    "Is the {a} {m} than the {b}?",
    "Would you say the {a} is {m} than the {b}?",
    "Compared with the {b}, is the {a} {m}?",
    "Does the {a} look {m} than the {b}?",
    "Is the {a} the {m} one of the two, compared to the {b}?",
)
LOOSE = {
    "left": "[to the left of|left of|on the left side of]",
    "right": "[to the right of|right of|on the right side of]",
    "above": "[above|higher than|over]",
    "below": "[below|lower than|underneath|under]",
}

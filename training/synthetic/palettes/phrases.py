"""How questions about palettes are put; `put` fills in a `{part}` that holds choices itself."""

from __future__ import annotations

S = "[swatch|swatch|colour patch|color sample|patch|sample]"
SS = "[swatches|swatches|colour patches|color samples|patches|samples]"
COUNT_ALL = (
    "How many [colours|colors] are in [the|this] palette?", f"How many {SS} are [there|there in total|shown]?",
    f"[Count|Count all] the {SS}.", f"What is the number of {SS}?", f"[Number of|Total] {SS}?",
    f"How many {SS} [can you see|do you see|can you count]?", f"How many {SS} does the palette [contain|have|show]?",
    f"How many {SS}?", "Of how many [fields|patches|swatches] does the palette consist?",
)  # fmt: skip
COUNT = (
    f"How many {SS} are {{c}}?", f"How many {{c}} {SS} are [there|shown]?", f"[Count|Count all] the {{c}} {SS}.",
    f"Number of {{c}} {SS}?", f"How many {{c}} {SS} [can you see|do you see]?",
    "How many times does {c} [appear|occur]?", f"How many of the {SS} are {{c}}?", "How often is {c} used?",
    f"How many {{c}} {SS}?",
)  # fmt: skip
DISTINCT = (
    "How many different [colours|colors] are [there|used]?",
    "How many [distinct|different|unique] [colours|colors] does the palette have?",
    "[Count|Number of] [different|distinct] [colours|colors]?",
    "Not counting repeats, how many [colours|colors] are there?",
)
AT = (
    f"What [colour|color] is the {S} {{w}}?", "Which [colour|color] is {w}?",
    f"What is the [colour|color] of the {S} {{w}}?", "What [colour|color] is {w}?",
    f"[Name|Give|State] the [colour|color] of the {S} {{w}}.", f"The {S} {{w}} is what [colour|color]?",
    f"Which [colour|color] does the {S} {{w}} have?", f"[Colour|Color] of the {S} {{w}}?",
    "What do you see {w}: which [colour|color]?",
)  # fmt: skip
NTH = (
    "What is the {w} [colour|color]?", f"What [colour|color] is the {{w}} {S}?", "Which [colour|color] [comes|is] {w}?",
    "[Name|Give|State] the {w} [colour|color].", "{w} [colour|color]?", f"What is the [colour|color] of the {{w}} {S}?",
    f"The {{w}} {S} is what [colour|color]?", f"Which [colour|color] does the {{w}} {S} have?",
)  # fmt: skip
EXISTS = (
    "Is there [a|any] {c} [swatch|colour|patch|sample]?", "[Does|Would] the palette [contain|include|have] {c}?",
    "Is {c} [in the palette|part of the palette|there|among the colours]?",
    "[Can|Do] you see {c} [in the palette|in it|among the swatches]?", "Any {c}?",
    "Is {c} one of the [colours|colors]?", "Does {c} [appear|occur]?", "Are any of the swatches {c}?",
    "Is [any|one] of the swatches {c}?",
)  # fmt: skip
EXTREME = (
    "[What|Which] is the {m} [colour|color]?",
    "[Which|What] [colour|color|swatch] is [the |]{m}?",
    "[Name|Identify] the {m} [colour|color|swatch].",
    "{m} [swatch|colour|color]?",
    "What [colour|color] is the {m} swatch?",
    "What is the {m} one of the [colours|colors]?",
)
LIST = (
    "[List|Name|Enumerate] the [colours|colors] {w}.", "[What|Which] [colours|colors] are [there|in the palette], {w}?",
    "[Give|Write down] all [colours|colors] {w}.", "What are the [colours|colors] {w}?", "The [colours|colors] {w}?",
    "[Read|Go through] the palette {w}: what are the [colours|colors]?", "Which [colours|colors] do you see {w}?",
)  # fmt: skip
NEXT = (
    "[What|Which] [colour|color] is {p} {c}?", "What is {p} {c}?", "Which swatch is {p} the {c} one?",
    "What [colour|color] do you see {p} {c}?", "[Name|Give] the [colour|color] {p} {c}.", "The [colour|color] {p} {c}?",
    "What [colour|color] comes {p} the {c} [swatch|patch]?",
)  # fmt: skip
LAYOUT = (
    "[How are|In what layout are] the [swatches|colours|colors] arranged?",
    "What is the layout of the palette?",
    "Are the [swatches|colours] in a row, column, grid or ring?",
    "[Which|What] [layout|arrangement] does the palette [have|use]?",
    "[Layout|Arrangement] of the swatches?",
    "Is the palette a row, a column, a grid or a ring?",
    "What shape does the arrangement of [colours|colors|swatches] have?",
    "[Describe|Name] the [layout|arrangement].",
)
MOOD = (
    "Is the palette [mostly|mainly] warm or cool?",
    "Are the [colours|colors] [mostly|mainly] cool or warm?",
    "Warm or cool palette?",
    "[Does|Would you say] the palette [feel|is] warm or cool?",
    "Are there more warm or more cool [colours|colors]?",
    "Is this a cool or a warm palette?",
)
SAME = (
    "[Do|Would] the {a} and the {b} swatch [share a colour|have the same colour|have the same color]?",
    "Are the {a} and [the |]{b} [swatches|colours|colors] the same?",
    "Is the {a} swatch the same [colour|color] as the {b} one?",
    "Do [swatches|patches] {i} and {j} have the same [colour|color]?",
    "Does the {a} [colour|color] match the {b} one?",
    "Are the {a} and {b} [swatch|patch] of [the same|equal] [colour|color]?",
)
HEX_OF = (
    "What [hex code|hex value|code|label] [is written on|is given for|belongs to] the {c} swatch?",
    "What is the [hex code|hex value|code|label] of the {c} [swatch|colour|color]?",
    "[Read|Give|Copy] the [hex code|label|code] of the {c} [swatch|patch].",
    "Hex [code|value] of the {c} [swatch|one]?",
    "Which [hex code|label] does the {c} [swatch|colour] have?",
    "What does the label of the {c} swatch say?",
    "What text [labels|is on|goes with] the {c} swatch?",
)
HEX_COLOUR = (
    "[What|Which] [colour|color] [has the code|is labelled|is labeled] {h}?",
    "Which swatch is {h}?",
    "{h} is [which|what] [colour|color]?",
    "What [colour|color] is the swatch [labelled|with the label|with the code] {h}?",
    "Name the [colour|color] of {h}.",
    "[Colour|Color] of the swatch {h}?",
)
WHAT = (
    "What is [this|shown|in the picture|depicted]?",
    "What kind of [image|picture|graphic] is this?",
    "What type of [image|graphic] is [this|it]?",
    "What does the image show?",
    "How would you describe this graphic in two words?",
    "What do you see?",
)
JSON = (
    "[Describe|Return|Give] the palette as JSON.",
    "[Output|Write] JSON for this palette.",
    "JSON description?",
    "[Convert|Turn] the palette [in|]to JSON.",
    "Describe the palette in JSON with type, layout, count and colours.",
)
LABELLED = (
    "Are the [swatches|colours] labelled?",
    "Do the [swatches|colours|colors] have [labels|hex codes|text on them]?",
    "Is there any text?",
    "Are there [hex codes|labels]?",
    "Does the palette show [hex codes|labels|text]?",
)
ROWS = (
    "How many {what} [does the grid have|are there|are in the grid]?",
    "What is the number of {what} [in the grid|shown]?",
    "Number of {what}?",
    "Count the {what}[ of the grid|].",
)
MORE = (
    "Are there more {a} or {b} [swatches|patches]?",
    "Which [colour|color] [occurs|appears] more often, {a} or {b}?",
    "Is {a} or {b} more frequent?",
    "Which is used more, {a} or {b}?",
    "Which [colour|color] has more swatches: {a} or {b}?",
)
DARKER = (
    "Which is {m}, the {a} or the {b} swatch?", "Which is {m}: {a} or {b}?", "Is the {a} or the {b} swatch {m}?",
    "Between {a} and {b}, which [colour|color] is {m}?", "{m}: {a} or {b}?", "Of {a} and {b}, which one is {m}?",
)  # fmt: skip
ABSENT = (
    "What is {p} {c}?",
    "Where is the {c} swatch?",
    "Where is {c} in the palette?",
    "What [colour|color] is {p} {c}?",
    "In what position is {c}?",
)
WHERE = (
    "[What|Which] position is {c} in, {w}?",
    "Where is the {c} swatch, counting {w}?",
    "Counting {w}, which number is {c}?",
    "At [what|which] position is {c} [counting|going] {w}?",
    "{w}, where does {c} come?",
)

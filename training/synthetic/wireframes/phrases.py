"""How questions about screens are put; `put` fills in a `{part}` that holds choices itself."""

from __future__ import annotations

LISTING = (
    "List the {w}.", "Which {w} are there?", "What are the {w}?", "Name [all|] the {w}.",
    "What {w} [can you see|are shown]?", "Which {w} [does the screen have|are shown|can you see]?",
    "[List all|Read out] the {w}.", "Give the labels of the {w}.",
)  # fmt: skip
# Kind that is missing -> the noun of the answer, and questions that presume it.
ABSENT: dict[str, tuple[str, tuple[str, ...]]] = {
    "sidebar": (
        "sidebar",
        ("Which side is the sidebar on?", "What [colour|color] is the sidebar?", "What is in the sidebar?"),
    ),
    "search": (
        "search box",
        ("Where is the search box?", "What does the search box say?", "What [colour|color] is the search box?"),
    ),
    "footer": ("footer", ("What does the footer say?", "What [colour|color] is the footer?", "Read the footer.")),
    "table": (
        "table",
        (
            "How many rows does the table have?",
            "What is in the first row of the table?",
            "List the columns of the table.",
        ),
    ),
    "chart": (
        "chart",
        ("What [kind|type] of chart is [shown|it]?", "What [colour|color] is the chart?", "Where is the chart?"),
    ),
    "tab": ("tabs", ("Which tab is active?", "What is the first tab?", "List the tabs.")),
    "toggle": ("toggles", ("Which toggles are on?", "List the toggles.", "Which switch is on?")),
    "modal": ("modal", ("What does the modal say?", "What is the title of the modal?", "What is in the pop-up?")),
    "header": ("header", ("What [colour|color] is the header?", "What is in the header?", "Read the header.")),
    "progress": ("progress bar", ("How full is the progress bar?", "What [colour|color] is the progress bar?")),
    "card": ("cards", ("What does the first card say?", "List the cards.", "Which card is the largest?")),
    "avatar": ("avatar", ("Where is the avatar?", "What [colour|color] is the avatar?")),
    "radio": ("radio buttons", ("Which radio button is selected?", "List the radio buttons.")),
    "button": ("buttons", ("What does the button say?", "What [colour|color] is the button?", "List the buttons.")),
}
THE = '[the "{x}" {n}|the {x} {n}|the {n} labelled {x}|the {n} "{x}"|the {n} that says {x}]'
HOW_MANY = (
    "How many {words} are there?", "How many {words} [are shown|can you see|does the screen have|do you see]?",
    "[Count the|Number of|What is the number of|Total number of] {words}?", "Count the {words}.", "How many {words}?",
    "How many {words} are [on the screen|on this page|visible|in this design]?", "Give me the number of {words}.",
    "How many {words} does [this UI|this page|the interface|it] [contain|have]?",
)  # fmt: skip
MORE = (
    "Are there {w} {a} or {b}?",
    "Which are there {w} of, {a} or {b}?",
    "What is there {w} of: {a} or {b}?",
    "{a} or {b}: which [are there {w} of|are {w}]?",
    "Does the screen have {w} {a} or {w} {b}?",
)
BUTTON_COLOUR = (
    f"What [colour|color] is {THE}?",
    f"What is the [colour|color] of {THE}?",
    f"Which [colour|color] is {THE}?",
    "[Colour|Color] of the {x} button?",
    "What [colour|color] does the {x} button have?",
    "Name the [colour|color] of the {x} button.",
)
BUTTON_SAYS = (
    "What does {p} say?", "What is [the label|the text|written|the caption] on {p}?", "Read {p}.",
    "What is {p} labelled?", "What text is on {p}?", "Which label does {p} have?",
)  # fmt: skip
END_BUTTON = (
    "Which button is [the {word}|{end}]?",
    "What is {names}?",
    "What does {names} say?",
    "Read {names}.",
    "What is the label of {names}?",
)
SIDE = (
    "Is the {x} button to the {o} or {p} of the {y} button?",
    "On which side of {y} is {x}?",
    "Where is {x} relative to {y}, {o} or {p}?",
    "Is {x} {o} or {p} of {y}?",
    "Which side of the {y} button is the {x} button on?",
)
ABOVE = (
    "Is {x} above or below {y}?",
    "Is the {x} button above or below the {y} button?",
    "Where is {x} relative to {y}, above or below?",
    "Is {x} over or under {y}: above or below?",
)
IS_BESIDE = ("Is the {x} button {w} the {y} button?", "Is {x} {w} {y}?", "Is {x} [placed|located] {w} {y}?")
STATE = (
    f"Is {THE} {{on}} or {{off}}?",
    "Is {x} {on} or {off}?",
    f"What state is {THE} in?",
    f"What is the state of {THE}?",
    "{x}: {on} or {off}?",
)
WHICH_ARE = (
    "Which {w} are {s}?",
    "List the {w} that are {s}.",
    "What is {s}?",
    "Name [the|all] {s} {w}.",
    "Which [options|items] are {s}?",
)
TITLE = (
    "What is the [title|heading|headline]?", "What does the [title|heading|headline] say?", "Read the [title|heading].",
    "What is [the title of this page|the page title|this screen titled]?", "What is the [main heading|big text]?",
    "[Title|Heading]?", "What [heading|title] is shown?",
)  # fmt: skip
LOGO = (
    "What is the [logo|brand|brand name|site name|app name]?",
    "What does the logo say?",
    "Read the logo.",
    "What is the name [in the header|of the site|of the app|in the top bar]?",
    "Which [brand|name] is in the header?",
)
PRICE = (
    "What is the price?",
    "How much does it cost?",
    "What does [the product|it|the item] cost?",
    "Price?",
    "[Read|Tell me] the price.",
)
SELECTED = (
    "What [value|option] is selected in the {x} [drop-down|dropdown|select box]?",
    "What is the {x} set to?",
    "Which {x} is [selected|chosen]?",
    "What does the {x} [drop-down|dropdown] show?",
)
MESSAGE = (
    "What does the {word} message say?",
    "Read the {word} message.",
    "What is the {word} message?",
    "What is written in the {word} [chat bubble|bubble]?",
)
MESSAGE_SIDE = (
    "Which side is the message {x} on?",
    "Is the message {x} on the left or the right?",
    "On which side is {x}?",
)
EXTREME_CARD = (
    "Which [card|figure|number|item] has the {word} value?",
    "Which card shows the {word} number?",
    "What has the {word} [number|value]?",
)
COLUMN_HEAD = (
    "What is the [heading|header|title|name] of the {i} column?",
    "What is the {i} column [called|labelled]?",
    "Read the {i} column header.",
    "Which column comes {i}?",
)
ROW_START = (
    "What is in the first [cell|column] of the {i} row?",
    "What does the {i} row start with?",
    "Which {c} is in the {i} row?",
    "What is the {c} in the {i} row?",
)
COLUMNS = (
    "List the columns.",
    "What are the column [headers|headings|names]?",
    "Which columns does the table have?",
    "Name the table's columns.",
)
END_OF_LIST = (
    "What is the {p} {n}?",
    "What does the {p} {n} say?",
    "Read the {p} {n}.",
    "Which {n} is {p}?",
    "What is the label of the {p} {n}?",
)
WHAT = (
    "What [kind|type|sort] of [screen|page|interface|UI|layout] is this?",
    "What does this [screen|mock-up|wireframe] show?", "What is this [screen|page|interface] for?",
    "What [screen|page] is this?", "Which kind of screen is shown?", "What is [in the picture|shown here|this]?",
    "What does the [picture|image] show?", "Describe the screen type.",
    "What [kind|type] of [app screen|web page|wireframe] is [this|it]?",
)  # fmt: skip
WHAT_IMAGE = (
    "What [kind|type] of [image|picture] is this?",
    "What is this?",
    "What is in the picture?",
    "What does the image show?",
)
DEVICE = (
    "[Which|What] device is this [screen|layout|design|mock-up] for?",
    "Is this a phone, tablet or desktop screen?",
    "What kind of device is [this|it] [made|designed|meant] for?",
    "Is [this|it] a phone, a tablet or a desktop layout?",
    "[Which|What] [device|form factor] is shown?",
    "What device does this UI run on?",
)
THEME = (
    "Is the theme dark or light?",
    "Is this a light or a dark [theme|design|interface]?",
    "[What|Which] theme does it use, dark or light?",
    "Dark [mode|theme] or light [mode|theme]?",
    "Is it in dark or light mode?",
)
PART_COLOUR = (
    "What [colour|color] is the {word}?",
    "What is the [colour|color] of the {word}?",
    "Which [colour|color] does the {word} have?",
    "{word} [colour|color]?",
)
SIDEBAR_SIDE = (
    "[Which|What] side is the sidebar on?",
    "Is the sidebar on the left or [on the|] right?",
    "Where is the [sidebar|side menu]?",
    "On which side is the [sidebar|side menu|side panel]?",
    "Which side of the screen has the sidebar?",
)
ACROSS = (
    "Where is the {k}, left, center or right?",
    "Is the {k} on the left, in the centre or on the right?",
    "Horizontally, where is the {k}?",
)
CHART_KIND = (
    "What [kind|type|sort] of [chart|graph] is [shown|it|there]?",
    "Is the chart a bar, line or pie chart?",
    "Which [kind|type] of chart does the screen have?",
)
ABOVE_OR_BELOW = (
    "Is the {x} above or below the {y}?",
    "Where is the {x} relative to the {y}, above or below?",
    "Is the {x} over or under the {y} (above or below)?",
    "{x}: above or below the {y}?",
)
IS_THERE = (
    "Is there {a} {n}?", "Does [the screen|this page|the interface|it] have {a} {n}?", "Can you see {a} {n}?",
    "Is {a} {n} [shown|visible|present]?", "Do you see {a} {n}?", "Any {n}?",
)  # fmt: skip
HAS_BUTTON = (
    'Is there a "{x}" button?',
    "Is there a button [labelled|that says|called] {x}?",
    "Does it have a {x} button?",
    "Can you [see|find] a {x} button?",
)
ABSENT_BUTTON = (
    "What [colour|color] is the {x} button?",
    "Where is the {x} button?",
    "What [colour|color] does the {x} button have?",
    "What is next to the {x} button?",
)
JSON = (
    "[Describe|Give|Return|Summarise|Summarize] [this screen|the screen|the interface] as JSON.",
    "JSON description, please.",
    "Output [a JSON description|JSON] of the [screen|page].",
    "Extract the screen as JSON.",
    "What is on the screen? Answer in JSON.",
)
IS_STATE = (f"Is {THE} {{s}}?", "Is {x} {s}?", "Is {x} [{turned}{s}|currently {s}]?")
CARD_VALUE = (
    "What [number|value] is shown for {x}?",
    "What is the value of {x}?",
    "{how}",
    "{x}: what number?",
    "What does the {x} card show?",
)
# what is active or selected
ACTIVE = {
    "tab": (
        "Which tab is [active|selected|open|highlighted|current]?",
        "What is the [active|selected|current] tab?",
        "Name the [active|selected] tab.",
        "Which tab are we on?",
        "[Active|Selected] tab?",
    ),
    "radio": (
        "Which [option|radio button|choice|answer] is [selected|chosen|picked|checked]?",
        "What is selected?",
        "What is the selected [option|choice|radio button]?",
        "Which choice has been made?",
    ),
    "menu": (
        "Which [menu item|sidebar item] is [active|highlighted|selected]?",
        "What is [highlighted|selected] in the sidebar?",
        "Which sidebar entry is [active|highlighted]?",
    ),
    "link": (
        "Which [nav|navigation] link is [underlined|active]?",
        "Which link in the header is underlined?",
        "What is the [active|underlined] navigation link?",
    ),
}

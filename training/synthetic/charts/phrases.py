"""How questions about charts are put; `put` fills in a `{part}` that holds choices itself."""

from __future__ import annotations

CHART = "[chart|graph|plot|figure|diagram]"
COUNT = (
    "how many {n} [are there|does the chart have|can you see|are shown|do you see|are in the chart]?", "number of {n}?",
    "count the {n}.", "what is the number of {n}?", "how many {n}?", "[tell me|give] the number of {n}.",
    "how many {n} [are|have been] [plotted|drawn]?", "[please count|count] [all|all the] {n}.",
    "how many {n} [in total|altogether]?",
)  # fmt: skip
WHAT = (
    f"what [kind|type|sort] of {CHART} is [this|it|shown]?", "what is [this|shown|in this image]?", "chart type?",
    "which [kind|type] of [chart|graph|plot] [is this|do you see|is displayed]?",
    "[name|identify|give] the chart type.", "what [kind|type] of [image|picture] is this?",
    "how is the data [plotted|visualised|visualized|shown]?",
    "is this a bar chart, a line chart, a pie chart or something else?", "what do you see?",
)  # fmt: skip
TITLE = (
    "what is the title[ of the {c}|]?",
    "[read|give|tell me|write out] the title.",
    "what does the title say?",
    "title?",
    "what is [written|printed] [at the top|above the {c}|as the heading]?",
    "[what's|what is] the {c} called?",
    "what is this {c} [titled|about according to its title]?",
    "which title does the {c} have?",
    "how is the {c} titled?",
    "read the heading.",
    "what is the heading of the {c}?",
)
AXIS_LABEL = (
    "what is the label [of|on] the {a} axis?", "what does the {a} axis [show|say|represent|measure]?",
    "{a} axis label?", "what is [written|the text] [on|along|next to] the {a} axis?",
    "[read|give] the {a} axis [label|title].", "how is the {a} axis [labelled|labeled|titled]?",
    "what is the name of the {a} axis?", "which quantity is on the {a} axis?",
)  # fmt: skip
LAST_TICK = (
    "what is the [highest|largest|biggest|greatest] [number|value|tick|label] on the {a} axis?",
    "where does the {a} axis end?",
    "up to [what|which] [value|number] does the {a} axis go?",
    "what is the maximum [shown|labelled|] on the {a} axis?",
    "[read|give] the [highest|last|largest] tick [label|] [of|on] the {a} axis.",
    "largest {a} tick label?",
)
JSON = (
    "[describe|summarise|summarize] the {c} as JSON.",
    "[give|return|output] JSON [with|with the keys] {k}.",
    "JSON, please.",
    "[extract|convert] the {c} [to|into|as] JSON.",
    "[what is in|transcribe] this {c}? answer in JSON.",
    "turn this {c} into JSON.",
)
LEGEND = (
    "[what|which] [entries|names|labels|items] are in the legend?",
    "[list|read|name] the legend[ entries| labels|].",
    "what does the legend [say|show|list|contain]?",
    "which series are [in|listed in] the legend?",
    "legend entries?",
)
LEGEND_PLACE = (
    "where is the legend?", "on which side [of the {c}|] is the legend?", "legend position?",
    "is the legend at the top, the bottom or the right?", "where [was|has] the legend [been|] placed?",
    "where can I find the legend?", "what is the position of the legend?",
)  # fmt: skip
SERIES_COLOUR = (
    "what [colour|color] [is|represents|stands for] {s}?", "which [colour|color] is used for {s}?",
    "{s} is drawn in which [colour|color]?", "what is the [colour|color] of {s}?", "[colour|color] of {s}?",
    "in which [colour|color] is {s} [drawn|shown|plotted]?", "which [colour|color] does {s} have?",
    "[name|give] the [colour|color] of {s}.",
)  # fmt: skip
EXTREME = (
    "[which|what] {thing} is [the|] {adjective}?", "what is the label of the {adjective} {noun}?", "{word} {noun}?",
    "[which|what] {thing} has the {amount}?", "[name|give|find|identify] the {adjective} {noun}.",
    "what is the {adjective} {noun}?", "who or what has the {amount}?",
    "the {adjective} {noun} [belongs to|is for] which [category|label]?",
)  # fmt: skip
EXTREME_COLOUR = (
    "what [colour|color] is the {adjective} {noun}?",
    "which [colour|color] is the {adjective} {noun}?",
    "[colour|color] of the {adjective} {noun}?",
    "[name|give] the [colour|color] of the {adjective} {noun}.",
    "what is the [colour|color] of the {adjective} {noun}?",
    "the {adjective} {noun} has which [colour|color]?",
)
ORIENTATION = (
    "are the bars [vertical or horizontal|horizontal or vertical]?",
    "what is the orientation of the bars?",
    "[in which direction|which way] do the bars [run|go]?",
    "bar orientation?",
    "do the bars stand or lie: vertical or horizontal?",
    "how are the bars [oriented|arranged], [vertical or horizontal|horizontally or vertically]?",
)
HUE = (
    "what [colour|color] are the {n}?",
    "which [colour|color] do the {n} have?",
    "[colour|color] of the {n}?",
    "in [what|which] [colour|color] are the {n} [drawn|shown]?",
    "what is the [colour|color] of the {n}?",
    "[name|give] the [colour|color] of the {n}.",
)
COLOUR = (
    "what [colour|color] is [the {x} {n}|the {n} for {x}|{x}]?",
    "which [colour|color] is the {n} [of|for|labelled] {x}?",
    "what is the [colour|color] of [the {x} {n}|{x}]?",
    "[colour|color] of [the {x} {n}|{x}]?",
    "which [colour|color] does {x} have?",
    "[name|give] the [colour|color] of the {n} for {x}.",
    "in which [colour|color] is {x} [drawn|shown]?",
)
OF_COLOUR = (
    "which [category|{n}] is {c}?",
    "what is the label of the {c} {n}?",
    "what does the {c} {n} [stand for|represent|show]?",
    "[name|give] the [label|category] of the {c} {n}.",
    "the {c} {n} [belongs to|is for] [what|which category]?",
    "{c} {n}: which category?",
    "[what|which category] is [drawn|shown] in {c}?",
)
LIST = (
    "[list|name|read|give] [all|] the {items}{direction}.",
    "[what|which] {items} are [shown|in the chart]{direction}?",
    "what are the {items}{direction}?",
    "[which|what] {items} [appear|are compared|are listed] [in the chart|here]{direction}?",
    "[write down|enumerate] the {items}{direction}.",
)
ABSENT_THING: tuple[str, ...] = (
    "What [colour|color] is the {x} {n}?",
    "how [big|large] is the {x} {n}?",
    "what is the [value|share] of the {x} {n}?",
)
ABSENT_LABEL: tuple[str, ...] = (
    "what is the value [for|of|at] {x}?",
    "how [high|large] is {x}?",
    "{x} value?",
    "[read|give] the value [for|of] {x}.",
    "what does the chart show for {x}?",
)
NEIGHBOUR = (
    "[which category|what|which {noun}] is {near} {side} {x}?",
    "what [comes|is shown|stands] {near} {side} {x}?",
    "[name|give] the [category|{noun}] {near} {side} {x}.",
    "which [label|category] [is|appears] {near} {side} {x}?",
)
VALUE = (
    "what is the {w} [of|for|at] {x}?", "how [much|high|large] is {x}?", "[read|give|tell me] the {w} [of|for] {x}.",
    "which {w} does {x} have?", "{x}: what {w}?", "what {w} is shown for {x}?",
    "what {w} does the {x} {n} [have|reach|show]?", "{w} of {x}?", "what is {x}'s {w}?",
)  # fmt: skip
EXTREME_VALUE = (
    "what is the value of the {w} {n}?",
    "how [much|large] is the {w} {n}?",
    "[read|give] the value of the {w} {n}.",
    "which [number|value] is written on the {w} {n}?",
    "value of the {w} {n}?",
)
WITH_VALUE = (
    "which [category|label|{n}] has [a value of|the value|exactly] {v}?",
    "[what|which category] [is at|equals|has] {v}?",
    "for which [category|label] is the value {v}?",
    "where is the value {v}?",
    "[name|find] the category with [value|the value] {v}.",
)
WHICH_IS = (
    "which is {word}, {a} or {b}?", "{a} or {b}: which [is|one is] {word}?", "which has the {word} value, {a} or {b}?",
    "is {a} or {b} {word}?", "which of {a} and {b} is {word}?", "compare {a} and {b}: which is {word}?",
    "between {a} and {b}, which is {word}?", "who is {word}: {a} or {b}?",
)  # fmt: skip
COUNT_BEYOND = (
    "how many [bars|categories|values] are {word} {t}?",
    "how many of the [bars|values] are {word} {t}?",
    "count the [bars|values] {word} {t}.",
    "number of [bars|categories] {word} {t}?",
    "for how many [categories|bars] is the value {word} {t}?",
)
COMPARE_SERIES = (
    "which [series|one] is {word} [for|in|at] {x}?",
    "[for|at] {x}, which is {word}: {a} or {b}?",
    "is {a} or {b} {word} [for|at] {x}?",
    "which series has the {word} bar [for|at] {x}?",
    "which of {a} and {b} is {word} [for|in] {x}?",
    "{x}: is {a} or {b} {word}?",
)
EXTREME_OF_SERIES = (
    "[for|in] which [category|group] is {s} [the|] {words}?",
    "which [category|group] has the {words} {s} [bar|value]?",
    "where is {s} {words}?",
    "[name|give] the [category|group] with the {words} {s} bar.",
    "{words} {s} bar: which category?",
)
SERIES_VALUE = (
    "what is the value of {s} [for|in|at] {x}?",
    "how [high|large] is {s} [for|in|at] {x}?",
    "{s} value for {x}?",
    "[read|give] the {s} value [for|of] {x}.",
    "what value does {s} have [for|at] {x}?",
)
TREND = (
    "what is the trend of {s}?",
    "how does {s} [develop|change|evolve][ over time| from left to right|]?",
    "trend of {s}?",
    "[describe|name|give] the trend of {s}.",
    "is {s} rising, falling or flat, or does it turn?",
    "does {s} go up or down or both?",
    "in which direction does {s} [go|move]?",
    "what happens to {s} [from left to right|over the x axis]?",
    "what [shape|course] does {s} [have|follow|take]?",
)
EXTREME_OF_LINE = (
    "[at|for] which [x label|label|category] is {s} {words}?", "where is {s} {words}?", "when is {s} {words}?",
    "[at|for] which x [label|value] does {s} [have|reach] its {noun} [point|value]?",
    "[name|give] the x label of the {noun} point of {s}.", "{noun} point of {s}: at which label?",
    "where does {s} reach its {noun} [point|value]?", "which [label|category] [marks|has] the {noun} point of {s}?",
)  # fmt: skip
LINE_COLOUR = (
    "what [colour|color] is the line?",
    "which [colour|color] [is|has] the line?",
    "[colour|color] of the line?",
    "what is the [colour|color] of the line?",
    "in which [colour|color] is the line drawn?",
    "[name|give] the line [colour|color].",
)
WHICH_LINE = (
    "which {thing} is {word} {when}?",
    "{when}, which {thing} is {word}?",
    "which {thing} [{ends}] {word}?",
    "[at|for] {x}, which {thing} is {word}?",
    "which {thing} [has the {word} value|is on {top}] {when}?",
)
CORRELATION = (
    "is the [correlation|trend|relationship] positive, negative or is there none?",
    "what is the [correlation|trend]?",
    "what [kind|type] of [correlation|trend] [do the points show|is visible]?",
    "[describe|name] the correlation.",
    "correlation?",
    "does y rise or fall with x: positive, negative or none?",
    "is the correlation [positive or negative|negative or positive] or absent?",
)
POINT_COLOUR = (
    "what [colour|color] are the [points|dots|markers]?",
    "[colour|color] of the [points|dots]?",
    "which [colour|color] do the [points|dots] have?",
    "what is the [colour|color] of the [points|markers]?",
    "in which [colour|color] are the points [drawn|plotted]?",
)
MARKER = (
    "what shape are the [markers|points]?",
    "which [shape|marker] is used for the points?",
    "marker shape?",
    "[name|give] the shape of the [markers|points].",
    "what is the shape of the [points|markers]?",
    "how are the points drawn: which shape?",
)
LAST_X_TICK = (
    "what is the [highest|largest|last] [number|value|tick] on the x axis?",
    "where does the x axis end?",
    "up to which [number|value] does the x axis go?",
    "largest x tick label?",
    "what is the maximum on the x axis?",
)
MORE_POINTS = (
    "are there more points in the left or [in|] the right half?",
    "which half has more points, left or right?",
    "more points on the left or on the right?",
    "on which side are [most|more] [points|of the points], left or right?",
)
ABSENT_MARKS = (
    "what [colour|color] are the {n}?",
    "how many {n} are there?",
    "which is the [largest|smallest] of the {n}?",
)
IS_KIND = ("is this {k}?", "does the [image|picture] show {k}?", "[do you see|is there] {k}[ here|]?", "is it {k}?")
HAS = (
    f"does the {CHART} have {{thing}}?",
    "{be} there {thing}?",
    "can you see {thing}?",
    f"has the {CHART} got {{thing}}?",
    "do you see {thing}?",
)
SHOWS = (
    "is {x} [in|shown in|part of] the chart?",
    "is there a [{n}|label] for {x}?",
    "does the chart [include|show|contain|have] {x}?",
    "is {x} one of the [categories|labels]?",
    "does {x} appear[ in the chart|]?",
    "can you find {x}[ in the chart|]?",
)
IS_HIGHER = (
    "is {a} {word} than {b}?",
    "is the {n} for {a} {word} than [that|the one|the {n}] for {b}?",
    "does {a} have a {word} value than {b}?",
    "is the value of {a} {word} than [that of|] {b}?",
    "{a} is {word} than {b}, [right|true|correct]?",
)
IS_OF_COLOUR = ("is the {x} {n} {c}?", "is {x} {c}?", "is the {n} for {x} {c}?", "does {x} have {article} {c} {n}?")
SERIES_OF_COLOUR = (
    "what does the {c} {noun} [stand for|represent|show|mean]?", "which series is {c}?",
    "what [does the legend say|is the legend entry] for the {c} {noun}?", "what is the name of the {c} {noun}?",
    "which [series|group] [has|uses|is drawn with] the {c} [colour|color]?", "the {c} {noun}: which series?",
    "what is {c} in this chart?", "which [label|series] [goes with|belongs to|corresponds to] {c}?",
)  # fmt: skip
AT = (
    "[what|which category] is the {where}?",
    "what is the label of the {where}?",
    "[name|read|give] the {where}.",
    "which label [has|does] the {where}[ have|]?",
    "the {where} is what?",
    "what does the {where} [show|stand for]?",
)

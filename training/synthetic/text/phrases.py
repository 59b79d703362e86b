"""How captions and questions about text are put."""

from __future__ import annotations

SHORT = (
    '{A_thing} that [says|reads] "{text}".',
    '{A_thing} with the [text|words] "{text}".',
    '"{text}" [written|shown] on {a_thing} with {a_back} background.',
    'The [text|writing] "{text}" on {a_thing}.',
)
ALT = (
    '{A_thing} on which "{text}" is written{of}.',
    '{A_thing} with {ink} text [saying|reading] "{text}" on {back}.',
    'The {back} {thing} [says|reads] "{text}"{of}.',
)
ONE_LINE = (
    '[This is {a_thing}|The picture shows {a_thing}|There is {a_thing}] that reads "{text}"'
    " in {ink} text on {a_back} background."
)
SEVERAL_LINES = "[This is {a_thing}|The picture shows {a_thing}] with {n} lines on {a_back} background."
READ_ALL = (
    "What does the [{noun}|text|writing|image|picture] say?", "What does the {noun} read?",
    "Read the [text|{noun}|writing|words].", "What is [written|printed|displayed|shown] on the {noun}?",
    "What is written[| here]?", "What text is [shown|visible|displayed|there]?",
    "Which [word or words|words|text] [can you read|do you see|can be seen]?", "Transcribe the [text|{noun}|writing].",
    "text on the {noun}?", "What [text|writing] [appears|is] [on the {noun}|in the picture]?",
    "OCR the [image|picture|text].", "Can you read the {noun}?", "Extract the text.",
    "Please transcribe [everything|all text].", "Tell me what [it|the {noun}] says.",
    "Write down the [text|words] you see.", "What words are [written|on the {noun}]?", "Read it[| out| aloud].",
    "What's [written|the text|it say]?", "The {noun} says what?",
)  # fmt: skip
READ_WORD = (
    "What word is [shown|written|displayed|on the {noun}]?", "Which word [is written|is it|do you see|is shown]?",
    "What is the word[| on the {noun}]?", "Name the word.", "Read the word.", "word?",
)  # fmt: skip
LETTER = (
    "What is the {nth} letter[| of the word| of the text]?",
    "Which letter [comes {nth}|is {nth}|is the {nth} one]?",
    "{nth} letter[| of the word]?",
    "Name the {nth} letter.",
    "What letter is in the {nth} [position|place]?",
)
FIRST = (
    *LETTER,
    "What letter does the [word|text] [start|begin] with?",
    "Which letter [starts|begins] the [word|text]?",
    "The word starts with [which|what] letter?",
)
LAST = (
    *LETTER,
    "What letter does the [word|text] end with?",
    "Which letter [ends|finishes] the [word|text]?",
    "What is the final letter?",
    "The word ends [with|in] [which|what] letter?",
)
SPELL = (
    "Spell [the word|it|what is written].",
    "Spell out the [word|text][|, letter by letter].",
    "How is the word spelled?",
    "List the letters[| in order| of the word].",
    "Which letters make up the word?",
    "What letters [are shown|do you see]?",
)
COUNT_LETTERS = (
    "How many letters [does the word have|are there|are in the word|can you count]?",
    "Count the letters.",
    "[Number|Count] of letters?",
    "What is the [number of letters|length of the word]?",
    "How [long is the word|many letters long is the word]?",
    "How many letters make up the word?",
)
COUNT_WORDS = (
    "How many words [are there|are written|does the {noun} have|can you see]?",
    "Count the words.",
    "[Number|Count] of words?",
    "What is the number of words?",
    "How many separate words do you see?",
)
COUNT_LINES = (
    "How many lines [of text |]are there?",
    "How many lines [of text |]does the {noun} have?",
    "Count the lines[| of text].",
    "[Number|Count] of [text |]lines?",
    "On how many lines is the text written?",
    "The text has how many lines?",
)
HAS_LETTER = (
    'Does the [word|text|{noun}] [contain|include|have] the letter [{x}|"{x}"]?',
    "Is there [a|the letter] {x} in the [word|text]?",
    "Is the letter {x} [in the text|there|in it|part of the text]?",
    "Can you [see|find] the letter {x}?",
    "Do you see the letter {x}?",
    "Is {x} one of the letters?",
)
INK = (
    "What colo[u|]r is the [text|writing|lettering|font]?",
    "What colo[u|]r are the [letters|characters|words]?",
    "[Text|Font|Letter] colo[u|]r?",
    "Which colo[u|]r [does the text have|is used for the text|is the text in]?",
    "In [what|which] colo[u|]r is the [text|{noun} text] [written|printed|shown]?",
    "What is the colo[u|]r of the [text|letters|writing]?",
    "Name the text colo[u|]r.",
)
INK_OF = (
    'What colo[u|]r is [the word |the text |]"{x}"?',
    'Which colo[u|]r [does "{x}" have|is "{x}" written in]?',
    'Colo[u|]r of "{x}"?',
    'In [what|which] colo[u|]r is "{x}" [written|shown]?',
    'What is the colo[u|]r of "{x}"?',
)
BACK = (
    "What colo[u|]r is the {surface}?", "What is the colo[u|]r of the {surface}?",
    "Which colo[u|]r [does the {surface} have|is the {surface}]?", "[{surface}] colo[u|]r?",
    "What colo[u|]r is behind the [text|letters|writing]?", "On [what|which] colo[u|]r is the text [written|shown]?",
    "Name the colo[u|]r of the {surface}.", "The text is on what colo[u|]r?",
)  # fmt: skip
BORDER = (
    "What colo[u|]r is the [border|outline|edge|frame]?",
    "Which colo[u|]r [does the border have|is the border]?",
    "Border colo[u|]r?",
    "What is the colo[u|]r of the {noun}'s [border|outline]?",
    "Name the border colo[u|]r.",
)
CASE = (
    "Is the text [in |]upper case or lower case?",
    "Is the text in upper- or lower-case letters?",
    "upper or lower case?",
    "Are the letters upper case or lower case?",
    "Which case is the text [in|written in], upper case or lower case?",
    "What case are the letters: upper case or lower case?",
    "Is it written in upper case or in lower case?",
)
CAPS = (
    "Is the text in capital letters[| only]?",
    "Are all [the |]letters capitals?",
    "Is [everything|it|the text] [written |]in upper case?",
    "Is the text all caps?",
    "Are only capital letters used?",
    "Is [it|the text] [written |]in block capitals?",
)
TILT = (
    "Is the text [tilted|rotated|slanted|at an angle|turned]?",
    "Is the {noun} [tilted|rotated|turned|crooked]?",
    "Does the text run at an angle?",
    "Is the text [not straight|askew|sloping]?",
    "Has the [text|writing] been rotated?",
)
SLOPE = (
    "Does the text slope up or down[| from left to right]?",
    "From left to right, does the text [rise or fall|go up or down]?",
    "Which way does the text slope, up or down?",
    "[Is|Does] the text [climbing or descending|going up or down|climb or descend]?",
    "Is the text tilted up or down towards the right?",
    "Towards the right, does the writing [go|run] up or down?",
)
LINE = (
    "What does the {place} line say?",
    "Read the {place} line.",
    "What is [written|the text] [on|in] the {place} line?",
    "[Text of the |]{place} line?",
    "What [text|is] [is |]at the {place}[| of the {noun}]?",
    "Which [word or words|text] [is|are] on the {place} line?",
)
WORD_AT = (
    "What is the {place} word?", "Which word comes {place}?", "Read the {place} word.", "{place} word?",
    "What does the {place} word say?", "What word is {place}?",
)  # fmt: skip
LARGER = (
    "Which line is [larger|bigger|the largest|in the largest letters|written largest]?",
    "Which line has the [larger|largest|biggest] [text|letters|font]?",
    "What line is the [biggest|largest]?",
    "[Largest|Biggest] line?",
    "Which line stands out by its size?",
)
LARGEST_TEXT = (
    "What does the [largest|biggest] text say?",
    "Read the [largest|biggest] [line|text|word].",
    "What is written in the [largest|biggest] letters?",
    "Which text is [the largest|the biggest|larger than the rest]?",
    "[Largest|Biggest] text?",
)
WHERE = (
    'Where is [the word |the text |]"{x}"?',
    'In which [part|line] is "{x}", {options}?',
    'Is "{x}" [at|on] the {options}?',
    'Which line [says|contains|shows] "{x}"?',
    'Position of "{x}"?',
    'On which line do you find "{x}"?',
)
ABOVE = (
    'Is "{x}" above or below "{y}"?',
    'Where is "{x}" relative to "{y}": above or below?',
    'Compared with "{y}", is "{x}" above or below?',
    '"{x}" is where, above or below "{y}"?',
    'Does "{x}" stand above or below "{y}"?',
)
SIDE = (
    'Is "{x}" [on |to |]the left or [the |]right of "{y}"?',
    'Where is "{x}" relative to "{y}": left or right?',
    'On which side of "{y}" is "{x}"?',
    '"{x}" is left or right of "{y}"?',
    'Does "{x}" stand left or right of "{y}"?',
)
LONGER = (
    'Which word [is longer|has more letters], "{x}" or "{y}"?',
    '"{x}" or "{y}": which [is longer|has more letters]?',
    "Which of the two words [is longer|has more letters]?",
    'Which is the longer word: "{x}" or "{y}"?',
    "Which word has the most letters?",
)
SHAPE = (
    "What shape is the {noun}?", "What is the shape of the {noun}?",
    "Which shape [does the {noun} have|is the {noun}]?", "Shape of the {noun}?", "The {noun} has [what|which] shape?",
    "Describe the shape of the {noun}.", "What form does the {noun} have?", "Name the {noun}'s shape.",
)  # fmt: skip
POINTS = (
    "Which [way|direction] does the [arrow|{noun}] point?",
    "In [what|which] direction does the [arrow|{noun}] point?",
    "Arrow direction?",
    "Where does the arrow point[| to]?",
    "Does the arrow point left or right?",
    "To which side does the {noun} point?",
)
BOLD = (
    "Is the [text|font|lettering] bold or regular?",
    "Which weight does the text have, bold or regular?",
    "bold or regular text?",
    "Are the letters bold or regular?",
    "Is the font weight regular or bold?",
    "Does the text look bold or regular?",
)
ITALIC = (
    "Is the text [italic|in italics|slanted like italics]?",
    "Is the font italic?",
    "Are the letters italic?",
    "Is it [written |set |]in italics?",
    "Is an italic font used?",
)
UNDER = (
    "Is the [text|word|writing] underlined?",
    "Is there a line under the text?",
    "Is there an underline?",
    "Does the text have an underline?",
    "Has the text been underlined?",
)
HAS_WORD = (
    'Does the [{noun}|text|picture] say "{x}"?',
    'Is [the word |the text |]"{x}" [in the picture|written here|on the {noun}|there|visible]?',
    'Can you [see|read|find] "{x}"?',
    'Do you see the [word|text] "{x}"?',
    'Does it [say|read] "{x}"?',
    'Is there a "{x}"[| on the {noun}]?',
    'Is "{x}" [written|shown]?',
)
CHARS = (
    "Does the text have letters, digits or both?",
    "Is the text made of letters, digits or both?",
    "Letters, digits or both?",
    "What kind of characters are there: letters, digits or both?",
    "Are there letters, digits or both?",
)
NUMBER = (
    "What number is [shown|written|on the {noun}]?", "Which number [do you see|is shown|is on the {noun}]?",
    "Read the number.", "What is the number[| on the {noun}]?", "number?", "What digits are shown?",
)  # fmt: skip
PRICE = (
    "What is the price?", "What price is [shown|written|on the {noun}]?", "How much does it cost?", "price?",
    "Read the price.", "Which price do you see?", "What does it cost?",
)  # fmt: skip
WHAT = (
    "What is [in|shown in] the [picture|image]?", "What kind of [picture|image|object|thing] is this?", "What is this?",
    "What do you see?", "What does the [picture|image] show?", "What object is shown?", "What carries the text?",
    "On what is the text written?", "What type of thing is [this|shown]?",
)  # fmt: skip
LIST = (
    "List [the|all] words.", "List [the|all] words [in order|in reading order|from top to bottom].",
    "Which words are there?", "What words [do you see|can you read]?", "Name [all|the] words.",
    "Give me all [the |]words, separated by commas.", "words?",
)  # fmt: skip
JSON = (
    "Describe the {noun} as JSON.",
    "[Give|Return|Output] [a|] JSON [description|for the picture].",
    "JSON, please.",
    "[Turn|Convert] [the picture|this|the {noun}] [in|]to JSON.",
    "What is the content as JSON?",
)
ARROW_COLOUR = ("What colo[u|]r is the arrow?", "Which colo[u|]r does the arrow have?", "Arrow colo[u|]r?")

"""What the text family says and asks about its scenes: captions, and questions with their answers."""

from __future__ import annotations

import json
import random
import re

from .base import COLOURS, QA, Scene, article, ask, plural, say, yes_no
from .words import lookalike, real_word, token

_SHAPE_NAMES = (
    "rectangle", "rounded rectangle", "pill", "circle", "oval", "octagon", "hexagon", "diamond", "star", "triangle",
    "shield", "banner", "tag", "arrow",
)  # fmt: skip
FACTS = re.compile(
    rf'reads "[^"]+"|(?:{"|".join(COLOURS)}) (?:text|background|border)|'
    rf"(?:{'|'.join(sorted(_SHAPE_NAMES, key=len, reverse=True))}) shape|arrow points (?:left|right)|"
    r"slopes (?:up|down)|(?:two|three) lines"
)

# style -> (noun, other right names, short noun inside questions)
_NOUNS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "heading": ("heading", ("text", "title", "a text heading"), "heading"),
    "road_sign": ("road sign", ("sign", "street sign", "traffic sign"), "sign"),
    "shop_sign": ("shop sign", ("sign", "store sign", "signboard"), "sign"),
    "button": ("button", ("a button with text",), "button"),
    "badge": ("badge", ("sticker", "logo", "sign"), "badge"),
    "label": ("label", ("tag", "price tag", "sticker"), "label"),
    "name_plate": ("name plate", ("nameplate", "plate", "plaque", "sign", "door sign"), "plate"),
    "flash_card": ("card", ("flash card", "flashcard"), "card"),
    "neon": ("neon sign", ("sign", "neon", "neon text"), "sign"),
    "chalkboard": ("chalkboard", ("blackboard", "board"), "board"),
}
_ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth",
)  # fmt: skip
_PLACES = {1: ("only",), 2: ("top", "bottom"), 3: ("top", "middle", "bottom")}


# --- captions -----------------------------------------------------------------------------------

_LINE_COUNTS = {2: "two", 3: "three"}


def _whole(scene: Scene) -> str:
    return " ".join(line["text"] for line in scene["lines"])


def _slope(scene: Scene) -> str:
    """How the text runs from left to right: "up", "down", "" for straight or hardly tilted."""
    return "" if abs(scene["angle"]) < 5 else "up" if scene["angle"] > 0 else "down"


def _one_colour(scene: Scene) -> str:
    """The colour of all text, "" where lines differ."""
    names = {line["colour_name"] for line in scene["lines"]}
    return names.pop() if len(names) == 1 else ""


def captions(scene: Scene, rng: random.Random) -> dict[str, str]:
    lines, shape, thing = scene["lines"], scene["shape"], _NOUNS[scene["style"]][0]
    text, ink, back = _whole(scene), _one_colour(scene), scene["background"]
    slots = {"thing": thing, "a_thing": article(thing), "text": text, "ink": ink, "back": back,
             "a_back": article(back)}  # fmt: skip
    facts: list[str] = []
    if len(lines) == 1:
        facts.append(say(rng, '[This is {a_thing}|The picture shows {a_thing}|There is {a_thing}] that reads "{text}"'
                              " in {ink} text on {a_back} background.", **slots))  # fmt: skip
    else:
        facts.append(say(rng, "[This is {a_thing}|The picture shows {a_thing}] with {n} lines on {a_back} background.",
                         n=_LINE_COUNTS[len(lines)], **slots))  # fmt: skip
        for place, line in zip(_PLACES[len(lines)], lines, strict=True):
            facts.append(f'The {place} line reads "{line["text"]}" in {line["colour_name"]} text.')
    if shape:
        name = shape["kind"]
        border = f"has {article(shape['border_name'])} border" if shape["border"] else "has no border"
        facts.append(
            say(rng, "[It|The {thing}] has {form} shape and {border}.", form=article(name), border=border, **slots)
        )
        if name == "arrow":
            facts.append(f"The arrow points {shape['direction']}.")
    if _slope(scene):
        facts.append(f"The text slopes {_slope(scene)}.")
    short = say(rng, rng.choice((
        '{A_thing} that [says|reads] "{text}".', '{A_thing} with the [text|words] "{text}".',
        '"{text}" [written|shown] on {a_thing} with {a_back} background.', 'The [text|writing] "{text}" on {a_thing}.',
    )), A_thing=slots["a_thing"].capitalize(), **slots)  # fmt: skip
    alt = say(rng, rng.choice((
        '{A_thing} on which "{text}" is written{of}.', '{A_thing} with {ink} text [saying|reading] "{text}" on {back}.',
        'The {back} {thing} [says|reads] "{text}"{of}.',
    )), A_thing=slots["a_thing"].capitalize(), of=f" in {ink}" if ink else "", **slots)  # fmt: skip
    tags = [thing, "text", f"{back} background", *([f"{ink} text"] if ink else [])]
    if shape:
        tags.append(shape["kind"])
    return {"short": short, "detailed": " ".join(facts), "alt": alt, "tags": ", ".join([*tags, text])}


# --- questions ----------------------------------------------------------------------------------

_READ_ALL = (
    "What does the [{noun}|text|writing|image|picture] say?", "What does the {noun} read?",
    "Read the [text|{noun}|writing|words].", "What is [written|printed|displayed|shown] on the {noun}?",
    "What is written[| here]?", "What text is [shown|visible|displayed|there]?",
    "Which [word or words|words|text] [can you read|do you see|can be seen]?",
    "Transcribe the [text|{noun}|writing].", "text on the {noun}?",
    "What [text|writing] [appears|is] [on the {noun}|in the picture]?", "OCR the [image|picture|text].",
    "Can you read the {noun}?", "Extract the text.", "Please transcribe [everything|all text].",
    "Tell me what [it|the {noun}] says.", "Write down the [text|words] you see.",
    "What words are [written|on the {noun}]?", "Read it[| out| aloud].", "What's [written|the text|it say]?",
    "The {noun} says what?",
)  # fmt: skip
_READ_WORD = (
    "What word is [shown|written|displayed|on the {noun}]?", "Which word [is written|is it|do you see|is shown]?",
    "What is the word[| on the {noun}]?", "Name the word.", "Read the word.", "word?",
)  # fmt: skip
_LETTER = (
    "What is the {nth} letter[| of the word| of the text]?", "Which letter [comes {nth}|is {nth}|is the {nth} one]?",
    "{nth} letter[| of the word]?", "Name the {nth} letter.", "What letter is in the {nth} [position|place]?",
)  # fmt: skip
_FIRST = (
    *_LETTER, "What letter does the [word|text] [start|begin] with?", "Which letter [starts|begins] the [word|text]?",
    "The word starts with [which|what] letter?",
)  # fmt: skip
_LAST = (
    *_LETTER, "What letter does the [word|text] end with?", "Which letter [ends|finishes] the [word|text]?",
    "What is the final letter?", "The word ends [with|in] [which|what] letter?",
)  # fmt: skip
_SPELL = (
    "Spell [the word|it|what is written].", "Spell out the [word|text][|, letter by letter].",
    "How is the word spelled?", "List the letters[| in order| of the word].", "Which letters make up the word?",
    "What letters [are shown|do you see]?",
)  # fmt: skip
_COUNT_LETTERS = (
    "How many letters [does the word have|are there|are in the word|can you count]?", "Count the letters.",
    "[Number|Count] of letters?", "What is the [number of letters|length of the word]?",
    "How [long is the word|many letters long is the word]?", "How many letters make up the word?",
)  # fmt: skip
_COUNT_WORDS = (
    "How many words [are there|are written|does the {noun} have|can you see]?", "Count the words.",
    "[Number|Count] of words?", "What is the number of words?", "How many separate words do you see?",
)  # fmt: skip
_COUNT_LINES = (
    "How many lines [of text |]are there?", "How many lines [of text |]does the {noun} have?",
    "Count the lines[| of text].", "[Number|Count] of [text |]lines?", "On how many lines is the text written?",
    "The text has how many lines?",
)  # fmt: skip
_HAS_LETTER = (
    'Does the [word|text|{noun}] [contain|include|have] the letter [{x}|"{x}"]?',
    "Is there [a|the letter] {x} in the [word|text]?",
    "Is the letter {x} [in the text|there|in it|part of the text]?", "Can you [see|find] the letter {x}?",
    "Do you see the letter {x}?", "Is {x} one of the letters?",
)  # fmt: skip
_INK = (
    "What colo[u|]r is the [text|writing|lettering|font]?", "What colo[u|]r are the [letters|characters|words]?",
    "[Text|Font|Letter] colo[u|]r?", "Which colo[u|]r [does the text have|is used for the text|is the text in]?",
    "In [what|which] colo[u|]r is the [text|{noun} text] [written|printed|shown]?",
    "What is the colo[u|]r of the [text|letters|writing]?", "Name the text colo[u|]r.",
)  # fmt: skip
_INK_OF = (
    'What colo[u|]r is [the word |the text |]"{x}"?', 'Which colo[u|]r [does "{x}" have|is "{x}" written in]?',
    'Colo[u|]r of "{x}"?', 'In [what|which] colo[u|]r is "{x}" [written|shown]?', 'What is the colo[u|]r of "{x}"?',
)  # fmt: skip
_BACK = (
    "What colo[u|]r is the {surface}?", "What is the colo[u|]r of the {surface}?",
    "Which colo[u|]r [does the {surface} have|is the {surface}]?", "[{surface}] colo[u|]r?",
    "What colo[u|]r is behind the [text|letters|writing]?", "On [what|which] colo[u|]r is the text [written|shown]?",
    "Name the colo[u|]r of the {surface}.", "The text is on what colo[u|]r?",
)  # fmt: skip
_BORDER = (
    "What colo[u|]r is the [border|outline|edge|frame]?", "Which colo[u|]r [does the border have|is the border]?",
    "Border colo[u|]r?", "What is the colo[u|]r of the {noun}'s [border|outline]?", "Name the border colo[u|]r.",
)  # fmt: skip
_CASE = (
    "Is the text [in |]upper case or lower case?", "Is the text in upper- or lower-case letters?",
    "upper or lower case?", "Are the letters upper case or lower case?",
    "Which case is the text [in|written in], upper case or lower case?",
    "What case are the letters: upper case or lower case?", "Is it written in upper case or in lower case?",
)  # fmt: skip
_CAPS = (
    "Is the text in capital letters[| only]?", "Are all [the |]letters capitals?",
    "Is [everything|it|the text] [written |]in upper case?", "Is the text all caps?",
    "Are only capital letters used?", "Is [it|the text] [written |]in block capitals?",
)  # fmt: skip
_TILT = (
    "Is the text [tilted|rotated|slanted|at an angle|turned]?", "Is the {noun} [tilted|rotated|turned|crooked]?",
    "Does the text run at an angle?", "Is the text [not straight|askew|sloping]?",
    "Has the [text|writing] been rotated?",
)  # fmt: skip
_SLOPE = (
    "Does the text slope up or down[| from left to right]?",
    "From left to right, does the text [rise or fall|go up or down]?", "Which way does the text slope, up or down?",
    "[Is|Does] the text [climbing or descending|going up or down|climb or descend]?",
    "Is the text tilted up or down towards the right?", "Towards the right, does the writing [go|run] up or down?",
)  # fmt: skip
_LINE = (
    "What does the {place} line say?", "Read the {place} line.",
    "What is [written|the text] [on|in] the {place} line?", "[Text of the |]{place} line?",
    "What [text|is] [is |]at the {place}[| of the {noun}]?",
    "Which [word or words|text] [is|are] on the {place} line?",
)  # fmt: skip
_WORD_AT = (
    "What is the {place} word?", "Which word comes {place}?", "Read the {place} word.", "{place} word?",
    "What does the {place} word say?", "What word is {place}?",
)  # fmt: skip
_LARGER = (
    "Which line is [larger|bigger|the largest|in the largest letters|written largest]?",
    "Which line has the [larger|largest|biggest] [text|letters|font]?", "What line is the [biggest|largest]?",
    "[Largest|Biggest] line?", "Which line stands out by its size?",
)  # fmt: skip
_LARGEST_TEXT = (
    "What does the [largest|biggest] text say?", "Read the [largest|biggest] [line|text|word].",
    "What is written in the [largest|biggest] letters?",
    "Which text is [the largest|the biggest|larger than the rest]?", "[Largest|Biggest] text?",
)  # fmt: skip
_WHERE = (
    'Where is [the word |the text |]"{x}"?', 'In which [part|line] is "{x}", {options}?',
    'Is "{x}" [at|on] the {options}?', 'Which line [says|contains|shows] "{x}"?', 'Position of "{x}"?',
    'On which line do you find "{x}"?',
)  # fmt: skip
_ABOVE = (
    'Is "{x}" above or below "{y}"?', 'Where is "{x}" relative to "{y}": above or below?',
    'Compared with "{y}", is "{x}" above or below?', '"{x}" is where, above or below "{y}"?',
    'Does "{x}" stand above or below "{y}"?',
)  # fmt: skip
_SIDE = (
    'Is "{x}" [on |to |]the left or [the |]right of "{y}"?', 'Where is "{x}" relative to "{y}": left or right?',
    'On which side of "{y}" is "{x}"?', '"{x}" is left or right of "{y}"?',
    'Does "{x}" stand left or right of "{y}"?',
)  # fmt: skip
_LONGER = (
    'Which word [is longer|has more letters], "{x}" or "{y}"?', '"{x}" or "{y}": which [is longer|has more letters]?',
    "Which of the two words [is longer|has more letters]?", 'Which is the longer word: "{x}" or "{y}"?',
    "Which word has the most letters?",
)  # fmt: skip
_SHAPE = (
    "What shape is the {noun}?", "What is the shape of the {noun}?",
    "Which shape [does the {noun} have|is the {noun}]?", "Shape of the {noun}?", "The {noun} has [what|which] shape?",
    "Describe the shape of the {noun}.", "What form does the {noun} have?", "Name the {noun}'s shape.",
)  # fmt: skip
_POINTS = (
    "Which [way|direction] does the [arrow|{noun}] point?",
    "In [what|which] direction does the [arrow|{noun}] point?", "Arrow direction?",
    "Where does the arrow point[| to]?", "Does the arrow point left or right?",
    "To which side does the {noun} point?",
)  # fmt: skip
_BOLD = (
    "Is the [text|font|lettering] bold or regular?", "Which weight does the text have, bold or regular?",
    "bold or regular text?", "Are the letters bold or regular?", "Is the font weight regular or bold?",
    "Does the text look bold or regular?",
)  # fmt: skip
_ITALIC = (
    "Is the text [italic|in italics|slanted like italics]?", "Is the font italic?", "Are the letters italic?",
    "Is it [written |set |]in italics?", "Is an italic font used?",
)  # fmt: skip
_UNDER = (
    "Is the [text|word|writing] underlined?", "Is there a line under the text?", "Is there an underline?",
    "Does the text have an underline?", "Has the text been underlined?",
)  # fmt: skip
_HAS_WORD = (
    'Does the [{noun}|text|picture] say "{x}"?',
    'Is [the word |the text |]"{x}" [in the picture|written here|on the {noun}|there|visible]?',
    'Can you [see|read|find] "{x}"?', 'Do you see the [word|text] "{x}"?', 'Does it [say|read] "{x}"?',
    'Is there a "{x}"[| on the {noun}]?', 'Is "{x}" [written|shown]?',
)  # fmt: skip
_CHARS = (
    "Does the text have letters, digits or both?", "Is the text made of letters, digits or both?",
    "Letters, digits or both?", "What kind of characters are there: letters, digits or both?",
    "Are there letters, digits or both?",
)  # fmt: skip
_NUMBER = (
    "What number is [shown|written|on the {noun}]?", "Which number [do you see|is shown|is on the {noun}]?",
    "Read the number.", "What is the number[| on the {noun}]?", "number?", "What digits are shown?",
)  # fmt: skip
_PRICE = (
    "What is the price?", "What price is [shown|written|on the {noun}]?", "How much does it cost?", "price?",
    "Read the price.", "Which price do you see?", "What does it cost?",
)  # fmt: skip
_WHAT = (
    "What is [in|shown in] the [picture|image]?", "What kind of [picture|image|object|thing] is this?",
    "What is this?", "What do you see?", "What does the [picture|image] show?", "What object is shown?",
    "What carries the text?", "On what is the text written?", "What type of thing is [this|shown]?",
)  # fmt: skip
_LIST = (
    "List [the|all] words.", "List [the|all] words [in order|in reading order|from top to bottom].",
    "Which words are there?", "What words [do you see|can you read]?", "Name [all|the] words.",
    "Give me all [the |]words, separated by commas.", "words?",
)  # fmt: skip
_JSON = (
    "Describe the {noun} as JSON.", "[Give|Return|Output] [a|] JSON [description|for the picture].", "JSON, please.",
    "[Turn|Convert] [the picture|this|the {noun}] [in|]to JSON.", "What is the content as JSON?",
)  # fmt: skip
_ARROW_COLOUR = ("What colo[u|]r is the arrow?", "Which colo[u|]r does the arrow have?", "Arrow colo[u|]r?")
_SHAPE_WORDS: dict[str, tuple[str, ...]] = {
    "rectangle": ("rectangular", "square", "a rectangle"), "rounded rectangle": ("rectangle", "rounded", "rectangular"),
    "pill": ("oval", "capsule", "rounded rectangle", "pill-shaped"), "circle": ("round", "circular", "a circle"),
    "oval": ("ellipse", "elliptical"), "octagon": ("octagonal",), "hexagon": ("hexagonal",),
    "diamond": ("rhombus", "diamond-shaped"),
    "star": ("starburst", "burst", "seal"), "triangle": ("triangular",), "shield": ("crest",), "banner": ("ribbon",),
    "tag": ("price tag", "label", "tag-shaped"), "arrow": ("an arrow", "arrow-shaped"),
}  # fmt: skip


def questions(scene: Scene, rng: random.Random) -> list[QA]:
    """Everything that can be asked, in random order; at most a quarter of it yes/no."""
    found = [
        *_reading(scene, rng),
        *_letters(scene, rng),
        *_looks(scene, rng),
        *_lines(scene, rng),
        *_absent(scene, rng),
    ]
    rng.shuffle(found)
    polar = [qa for qa in found if qa.kind == "yes_no"]
    others = [qa for qa in found if qa.kind != "yes_no"][:13]
    chosen = others + polar[: max(1, len(others) // 4)]
    rng.shuffle(chosen)
    return chosen


def _distinct(scene: Scene) -> bool:
    """Whether the picture tells its kind of thing; a plain rectangle with a word may be a button or a label."""
    style, shape, trim = scene["style"], scene["shape"], scene["trim"]
    if not shape:
        return True
    kind, behind = shape["kind"], scene["backdrop"]["kind"]
    return {
        "road_sign": "post" in trim or kind in ("octagon", "diamond", "triangle", "arrow") or behind == "horizon",
        "shop_sign": "chains" in trim or behind in ("bricks", "wall"),
        "button": kind in ("pill", "rounded rectangle") and "shadow" in trim,
        "badge": kind in ("star", "hexagon", "shield", "circle"),
        "label": kind == "tag",
        "name_plate": "screws" in trim,
        "flash_card": kind == "rectangle" and len(_whole(scene)) == 1,
        "neon": True,
    }[style]


def _noun(scene: Scene) -> str:
    return _NOUNS[scene["style"]][2]


def _reading(scene: Scene, rng: random.Random) -> list[QA]:
    lines, noun = scene["lines"], _noun(scene)
    text, words = _whole(scene), _whole(scene).split()
    full = '[The {noun}|It|The text] [says|reads] "{answer}".'
    out = [ask(rng, "reading", _READ_ALL, text, full, noun=noun)]
    if len(words) == 1 and text.isalpha() and len(text) > 1:
        out.append(ask(rng, "reading", _READ_WORD, text, '[The word is|It is] "{answer}".', noun=noun))
    elif lines[0]["kind"] == "number" and len(lines) == 1:
        price = text[0] in "$£€"
        if price or text.isdigit():
            sentence = "The price is {answer}." if price else "The number is {answer}."
            out.append(
                ask(
                    rng,
                    "reading",
                    _PRICE if price else _NUMBER,
                    text,
                    sentence,
                    noun=noun,
                    accept=(text[1:],) if price else (),
                )
            )
    elif lines[0]["kind"] == "numbered" and len(lines) == 1 and words[1].isdigit():
        out.append(ask(rng, "reading", _NUMBER, words[1], "The number is {answer}.", noun=noun, accept=(text,)))
    if len(words) > 1:
        at = rng.choice((0, len(words) - 1))
        place = "last" if at else "first"
        out.append(ask(rng, "reading", _WORD_AT, words[at], 'The {place} word is "{answer}".', place=place))
        out.append(ask(rng, "list", _LIST, ", ".join(words), "The words are {answer}.", accept=(text,)))
    if rng.random() < 0.6:
        out.append(_has_word(scene, rng))
    noun_full, others, _ = _NOUNS[scene["style"]]
    if _distinct(scene):
        out.append(
            ask(
                rng,
                "what",
                _WHAT,
                noun_full,
                "[It is|This is|The picture shows] {a}.",
                accept=others,
                a=article(noun_full),
            )
        )
    elif rng.random() < 0.25:
        out.append(ask(rng, "what", _WHAT[:3], "text", "The picture shows text.", accept=(noun_full, *others)))
    if rng.random() < 0.15:
        fields: Scene = {
            "type": noun_full,
            "text": text,
            "text_colour": lines[0]["colour_name"],
            "background": scene["background"],
        }
        out.append(ask(rng, "json", _JSON, json.dumps(fields, ensure_ascii=False, separators=(",", ":")), noun=noun))
    return out


def _has_word(scene: Scene, rng: random.Random) -> QA:
    words = _whole(scene).split()
    word, truth = rng.choice(words), rng.random() < 0.5
    asked = word if truth else lookalike(rng, word, scene["held"])
    truth = truth or asked in words
    sentence = (
        '[Yes|Yes, it does], "{x}" is written [there|on the {noun}].' if truth else 'No, it [says|reads] "{text}".'
    )
    return ask(rng, "yes_no", _HAS_WORD, yes_no(truth), sentence, x=asked, noun=_noun(scene), text=_whole(scene))


def _letters(scene: Scene, rng: random.Random) -> list[QA]:
    text = _whole(scene)
    out: list[QA] = []
    if len(scene["lines"]) == 1 and text.isalpha() and len(text) > 1:
        for nth, at, template in (("first", 0, _FIRST), ("last", len(text) - 1, _LAST)):
            out.append(
                ask(
                    rng,
                    "reading",
                    template,
                    text[at],
                    "The {nth} letter is {answer}.",
                    nth=nth,
                    accept=(text[at].swapcase(),),
                )
            )
        if len(text) > 2:
            at = rng.randrange(1, min(len(text), 6))
            out.append(
                ask(
                    rng,
                    "reading",
                    _LETTER,
                    text[at],
                    "The {nth} letter is {answer}.",
                    nth=_ORDINALS[at],
                    accept=(text[at].swapcase(),),
                )
            )
        out.append(
            ask(
                rng,
                "reading",
                _SPELL,
                "-".join(text),
                "It is spelled {answer}.",
                accept=(" ".join(text), ", ".join(text), text),
            )
        )
        out.append(
            ask(rng, "count", _COUNT_LETTERS, len(text), "The word has {answer} letters.", accept=(_spoken(len(text)),))
        )
    if len(text) > 2:
        out.append(_has_letter(scene, rng))
    signs = [c for c in text if c.isalnum()]
    kind = "letters" if all(c.isalpha() for c in signs) else "digits" if all(c.isdigit() for c in signs) else "both"
    if text.isascii() and (kind != "letters" or rng.random() < 0.15):
        out.append(ask(rng, "attribute", _CHARS, kind, "[It has|There are] {answer}.", accept=_CHAR_WORDS[kind]))
    return out


_CHAR_WORDS = {
    "letters": ("only letters", "letter"),
    "digits": ("numbers", "only digits", "digit"),
    "both": ("letters and digits",),
}


def _spoken(number: int) -> str:
    return ("zero one two three four five six seven eight nine ten eleven twelve".split())[number]


def _has_letter(scene: Scene, rng: random.Random) -> QA:
    """Asked letters come from real words for both answers, so that the letter does not give it away."""
    own = sorted({c for c in _whole(scene).lower() if c.isalpha()})
    held = scene["held"]
    truth = bool(own) and rng.random() < 0.5
    letter = rng.choice(own) if truth else ""
    while not letter or (not truth and letter in own):
        letter = rng.choice(token(rng, held, real_word))
    shown = letter.upper() if rng.random() < 0.5 else letter
    sentence = (
        "Yes, [there is the|it has the|it contains the] letter {x}." if truth else "No, there is no [letter |]{x}."
    )
    return ask(rng, "yes_no", _HAS_LETTER, yes_no(truth), sentence, x=shown, noun=_noun(scene))


def _looks(scene: Scene, rng: random.Random) -> list[QA]:
    lines, shape, noun, text = scene["lines"], scene["shape"], _noun(scene), _whole(scene)
    out: list[QA] = []
    ink, back = _one_colour(scene), scene["background"]
    grey = {"gray": ("grey",)}
    if ink:
        out.append(
            ask(rng, "colour", _INK, ink, "The [text|writing] is {answer}.", accept=grey.get(ink, ()), noun=noun)
        )
    else:
        for line in rng.sample(lines, 2):
            if sum(line["text"] == other["text"] for other in lines) == 1:
                name = line["colour_name"]
                out.append(
                    ask(rng, "colour", _INK_OF, name, '"{x}" is {answer}.', accept=grey.get(name, ()), x=line["text"])
                )
    on_sign = shape and scene["style"] != "neon"
    surface = noun if on_sign and rng.random() < 0.6 else f"background of the {noun}" if on_sign else "background"
    out.append(
        ask(rng, "colour", _BACK, back, "The {surface} is {answer}.", accept=grey.get(back, ()), surface=surface)
    )
    if shape:
        if shape["border"]:
            name = shape["border_name"]
            out.append(
                ask(rng, "colour", _BORDER, name, "The border is {answer}.", accept=grey.get(name, ()), noun=noun)
            )
        kind = shape["kind"]
        out.append(
            ask(
                rng,
                "attribute",
                _SHAPE,
                kind,
                "[It is|The {noun} is] {a}.",
                accept=_SHAPE_WORDS[kind],
                noun=noun,
                a=article(kind),
            )
        )
        if kind == "arrow":
            out.append(
                ask(
                    rng,
                    "attribute",
                    _POINTS,
                    shape["direction"],
                    "[The arrow|It] points [to the |]{answer}.",
                    accept=("to the " + shape["direction"],),
                    noun=noun,
                )
            )
    if text.isupper() or text.islower():
        case = "upper case" if text.isupper() else "lower case"
        if rng.random() < (0.65 if text.isupper() else 1):
            short = case.split()[0]
            out.append(
                ask(
                    rng,
                    "attribute",
                    _CASE,
                    case,
                    "The text is in {answer}.",
                    accept=(
                        short,
                        short + "case",
                        *(("capitals", "capital letters") if short == "upper" else ("small letters",)),
                    ),
                )
            )
    if any(c.isalpha() for c in text) and rng.random() < 0.25:
        sentence = "Yes, all letters are capitals." if text.isupper() else "No, there are lower-case letters."
        out.append(ask(rng, "yes_no", _CAPS, yes_no(text.isupper()), sentence, noun=noun))
    if _slope(scene):
        out.append(
            ask(
                rng,
                "attribute",
                _SLOPE,
                _slope(scene),
                "The text slopes {answer}.",
                accept={"up": ("upwards", "upward", "rises"), "down": ("downwards", "downward", "falls")}[
                    _slope(scene)
                ],
            )
        )
    if _slope(scene) and rng.random() < 0.5 or not scene["angle"] and rng.random() < 0.2:
        sentence = "Yes, the text is tilted." if _slope(scene) else "No, the text is straight."
        out.append(ask(rng, "yes_no", _TILT, yes_no(bool(_slope(scene))), sentence, noun=noun))
    if scene["bold"] is not None and not scene["effects"]["stroke"] and rng.random() < 0.5:
        out.append(
            ask(
                rng,
                "attribute",
                _BOLD,
                "bold" if scene["bold"] else "regular",
                "The text is {answer}.",
                accept=() if scene["bold"] else ("not bold", "normal"),
            )
        )
    if scene["italic"] is not None and rng.random() < (0.2 if scene["italic"] else 0.13):
        sentence = "Yes, it is in italics." if scene["italic"] else "No, the letters are upright."
        out.append(ask(rng, "yes_no", _ITALIC, yes_no(scene["italic"]), sentence))
    if scene["effects"]["underline"] or len(lines) == 1 and rng.random() < 0.12:
        sentence = "Yes, the text is underlined." if scene["effects"]["underline"] else "No, there is no underline."
        out.append(ask(rng, "yes_no", _UNDER, yes_no(scene["effects"]["underline"]), sentence))
    return out


def _lines(scene: Scene, rng: random.Random) -> list[QA]:
    """Questions about several lines or words: how many, which is where, which is larger or longer."""
    lines, noun, words = scene["lines"], _noun(scene), _whole(scene).split()
    places, out = _PLACES[len(lines)], []
    if len(words) > 1 or rng.random() < 0.25:
        out.append(
            ask(
                rng,
                "count",
                _COUNT_WORDS,
                len(words),
                "There {are} {answer} {words}.",
                accept=(_spoken(len(words)),),
                are="is" if len(words) == 1 else "are",
                words=plural("word", len(words)),
                noun=noun,
            )
        )
    if len(lines) > 1 or rng.random() < 0.15:
        out.append(
            ask(
                rng,
                "count",
                _COUNT_LINES,
                len(lines),
                "There {are} {answer} {lines}.",
                accept=(_spoken(len(lines)),),
                are="is" if len(lines) == 1 else "are",
                lines=plural("line", len(lines)),
                noun=noun,
            )
        )
    alpha = [word for word in words if word.isalpha()]
    if len(alpha) == 2 and abs(len(alpha[0]) - len(alpha[1])) > 1:
        x, y = rng.sample(alpha, 2)
        longer = max(x, y, key=len)
        out.append(ask(rng, "comparison", _LONGER, longer, '"{answer}" is [longer|the longer word].', x=x, y=y))
    if len(lines) == 1:
        if len(words) == 2 and words[0] != words[1]:
            at = rng.randrange(2)
            out.append(
                ask(
                    rng,
                    "relation",
                    _SIDE,
                    ("left", "right")[at],
                    '"{x}" is [on|to] the {answer} of "{y}".',
                    x=words[at],
                    y=words[1 - at],
                    accept=(("on the left", "to the left"), ("on the right", "to the right"))[at],
                )
            )
        return out
    for i in rng.sample(range(len(lines)), 2):
        place = places[i] if rng.random() < 0.6 else _ORDINALS[i]
        out.append(
            ask(
                rng,
                "reading",
                _LINE if place in places else _LINE[:4],
                lines[i]["text"],
                'The {place} line [says|reads] "{answer}".',
                place=place,
                noun=noun,
            )
        )
    sizes = sorted(line["factor"] for line in lines)
    if sizes[-1] > 1.25 * sizes[-2]:
        i = max(range(len(lines)), key=lambda i: lines[i]["factor"])
        out.append(
            ask(
                rng,
                "superlative",
                _LARGER,
                places[i],
                "The {answer} line is the largest.",
                accept=(f"the {places[i]} line", f"{places[i]} line", _ORDINALS[i]),
            )
        )
        out.append(ask(rng, "superlative", _LARGEST_TEXT, lines[i]["text"], 'The largest text [says|is] "{answer}".'))
    texts = [line["text"] for line in lines]
    if len(set(texts)) == len(texts):
        i, j = rng.sample(range(len(lines)), 2)
        options = " or ".join(", ".join(places).rsplit(", ", 1))
        out.append(
            ask(
                rng,
                "relation",
                _WHERE,
                places[i],
                '"{x}" is [at|on] the {answer}[| line].',
                x=texts[i],
                options=options,
                accept=(f"{places[i]} line", f"at the {places[i]}", f"the {places[i]} line", _ORDINALS[i]),
            )
        )
        out.append(
            ask(
                rng,
                "relation",
                _ABOVE,
                "above" if i < j else "below",
                '"{x}" is {answer} "{y}".',
                x=texts[i],
                y=texts[j],
            )
        )
    return out


def _absent(scene: Scene, rng: random.Random) -> list[QA]:
    """One question about something that is not there."""
    lines, shape, noun, text = scene["lines"], scene["shape"], _noun(scene), _whole(scene)
    options: list[tuple[float, tuple[str, ...], str]] = []  # weights balance them with the questions that have answers
    if scene["style"] not in ("chalkboard", "flash_card") and not (shape and shape["border"]):
        options.append((3, _BORDER, "There is no border."))
    if not (shape and shape["kind"] == "arrow"):
        options.append((1.5, (*_POINTS[2:4], "Which way does the arrow point?"), "There is no arrow."))
        options.append((0.7, _ARROW_COLOUR, "There is no arrow."))
    if not any(c.isdigit() for c in text):
        options += [(1, _NUMBER, "There is no number."), (0.7, _PRICE, "There is no price.")]
    if len(lines) < 3:
        nth = "third" if len(lines) == 2 else rng.choice(("second", "third"))
        options.append((1.2, tuple(t.replace("{place}", nth) for t in _LINE[:4]), f"There is no {nth} line."))
    word = lookalike(rng, rng.choice(text.split()), scene["held"])
    if word.isalpha() and len(word) > 1 and word not in text.split():
        options.append((3, tuple(t.replace("{x}", word) for t in _INK_OF), f'There is no "{word}".'))
    if rng.random() < 0.2:
        return []
    ((_, templates, answer),) = rng.choices(options, [weight for weight, _, _ in options])
    return [ask(rng, "absent", templates, answer, noun=noun)]

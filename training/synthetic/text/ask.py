"""Asks about text: reading, letters, looks, lines, what is not there."""

from __future__ import annotations

import random
from collections.abc import Iterator

from ..base import NUMBERS, ORDINALS, QA, Scene, article, ask, balanced, compact_json, grey, plural, put, yes_no
from ..words import lookalike, real_word, token
from . import phrases
from .truth import distinct, noun_of, one_colour, slope_of, whole
from .words import CHAR_WORDS, NOUNS, PLACES, SHAPE_WORDS


def _reading(scene: Scene, rng: random.Random) -> Iterator[QA]:
    lines, noun = scene["lines"], noun_of(scene)
    text, words = whole(scene), whole(scene).split()
    full = '[The {noun}|It|The text] [says|reads] "{answer}".'
    yield ask(rng, "reading", phrases.READ_ALL, text, full, noun=noun)
    if len(words) == 1 and text.isalpha() and len(text) > 1:
        yield ask(rng, "reading", phrases.READ_WORD, text, '[The word is|It is] "{answer}".', noun=noun)
    elif lines[0]["kind"] == "number" and len(lines) == 1:
        price = text[0] in "$£€"
        if price or text.isdigit():
            sentence = "The price is {answer}." if price else "The number is {answer}."
            also = (text[1:],) if price else ()
            yield ask(
                rng, "reading", phrases.PRICE if price else phrases.NUMBER, text, sentence, noun=noun, accept=also
            )
    elif lines[0]["kind"] == "numbered" and len(lines) == 1 and words[1].isdigit():
        yield ask(rng, "reading", phrases.NUMBER, words[1], "The number is {answer}.", noun=noun, accept=(text,))
    if len(words) > 1:
        at = rng.choice((0, len(words) - 1))
        place = "last" if at else "first"
        yield ask(rng, "reading", phrases.WORD_AT, words[at], 'The {place} word is "{answer}".', place=place)
        yield ask(rng, "list", phrases.LIST, ", ".join(words), "The words are {answer}.", accept=(text,))
    if rng.random() < 0.6:
        yield _has_word(scene, rng)
    noun_full, others, _ = NOUNS[scene["style"]]
    if distinct(scene):
        sentence = "[It is|This is|The picture shows] {a}."
        yield ask(rng, "what", phrases.WHAT, noun_full, sentence, accept=others, a=article(noun_full))
    elif rng.random() < 0.25:
        yield ask(rng, "what", phrases.WHAT[:3], "text", "The picture shows text.", accept=(noun_full, *others))
    if rng.random() < 0.15:
        fields: Scene = {
            "type": noun_full,
            "text": text,
            "text_colour": lines[0]["colour_name"],
            "background": scene["background"],
        }
        yield ask(rng, "json", phrases.JSON, compact_json(fields), noun=noun)


def _has_word(scene: Scene, rng: random.Random) -> QA:
    words = whole(scene).split()
    word, truth = rng.choice(words), rng.random() < 0.5
    asked = word if truth else lookalike(rng, word, scene["held"])
    truth = truth or asked in words
    sentence = (
        '[Yes|Yes, it does], "{x}" is written [there|on the {noun}].' if truth else 'No, it [says|reads] "{text}".'
    )
    return ask(
        rng, "yes_no", phrases.HAS_WORD, yes_no(truth), sentence, x=asked, noun=noun_of(scene), text=whole(scene)
    )


def _letters(scene: Scene, rng: random.Random) -> Iterator[QA]:
    text = whole(scene)
    if len(scene["lines"]) == 1 and text.isalpha() and len(text) > 1:
        for nth, at, template in (("first", 0, phrases.FIRST), ("last", len(text) - 1, phrases.LAST)):
            sentence = "The {nth} letter is {answer}."
            yield ask(rng, "reading", template, text[at], sentence, nth=nth, accept=(text[at].swapcase(),))
        if len(text) > 2:
            at = rng.randrange(1, min(len(text), 6))
            sentence = "The {nth} letter is {answer}."
            yield ask(
                rng, "reading", phrases.LETTER, text[at], sentence, nth=ORDINALS[at], accept=(text[at].swapcase(),)
            )
        sentence = "It is spelled {answer}."
        yield ask(
            rng, "reading", phrases.SPELL, "-".join(text), sentence, accept=(" ".join(text), ", ".join(text), text)
        )
        sentence = "The word has {answer} letters."
        yield ask(rng, "count", phrases.COUNT_LETTERS, len(text), sentence, accept=(NUMBERS[len(text)],))
    if len(text) > 2:
        yield _has_letter(scene, rng)
    signs = [c for c in text if c.isalnum()]
    kind = "letters" if all(c.isalpha() for c in signs) else "digits" if all(c.isdigit() for c in signs) else "both"
    if text.isascii() and (kind != "letters" or rng.random() < 0.15):
        yield ask(rng, "attribute", phrases.CHARS, kind, "[It has|There are] {answer}.", accept=CHAR_WORDS[kind])


def _has_letter(scene: Scene, rng: random.Random) -> QA:
    """Asked letters come from real words for both answers, so that the letter does not give it away."""
    own = sorted({c for c in whole(scene).lower() if c.isalpha()})
    held = scene["held"]
    truth = bool(own) and rng.random() < 0.5
    letter = rng.choice(own) if truth else ""
    while not letter or (not truth and letter in own):
        letter = rng.choice(token(rng, held, real_word))
    shown = letter.upper() if rng.random() < 0.5 else letter
    sentence = (
        "Yes, [there is the|it has the|it contains the] letter {x}." if truth else "No, there is no [letter |]{x}."
    )
    return ask(rng, "yes_no", phrases.HAS_LETTER, yes_no(truth), sentence, x=shown, noun=noun_of(scene))


def _looks(scene: Scene, rng: random.Random) -> Iterator[QA]:
    lines, shape, noun, text = scene["lines"], scene["shape"], noun_of(scene), whole(scene)
    ink, back = one_colour(scene), scene["background"]
    if ink:
        yield ask(rng, "colour", phrases.INK, ink, "The [text|writing] is {answer}.", accept=grey(ink), noun=noun)
    else:
        for line in rng.sample(lines, 2):
            if sum(line["text"] == other["text"] for other in lines) == 1:
                name = line["colour_name"]
                yield ask(rng, "colour", phrases.INK_OF, name, '"{x}" is {answer}.', accept=grey(name), x=line["text"])
    on_sign = shape and scene["style"] != "neon"
    surface = noun if on_sign and rng.random() < 0.6 else f"background of the {noun}" if on_sign else "background"
    yield ask(rng, "colour", phrases.BACK, back, "The {surface} is {answer}.", accept=grey(back), surface=surface)
    if shape:
        if shape["border"]:
            name = shape["border_name"]
            yield ask(rng, "colour", phrases.BORDER, name, "The border is {answer}.", accept=grey(name), noun=noun)
        kind = shape["kind"]
        sentence = "[It is|The {noun} is] {a}."
        yield ask(rng, "attribute", phrases.SHAPE, kind, sentence, accept=SHAPE_WORDS[kind], noun=noun, a=article(kind))
        if kind == "arrow":
            sentence, also = "[The arrow|It] points [to the |]{answer}.", ["to the " + shape["direction"]]
            yield ask(rng, "attribute", phrases.POINTS, shape["direction"], sentence, accept=also, noun=noun)
    if text.isupper() or text.islower():
        case = "upper case" if text.isupper() else "lower case"
        if rng.random() < (0.65 if text.isupper() else 1):
            short = case.split()[0]
            also = [
                short,
                short + "case",
                *(("capitals", "capital letters") if short == "upper" else ("small letters",)),
            ]
            yield ask(rng, "attribute", phrases.CASE, case, "The text is in {answer}.", accept=also)
    if any(c.isalpha() for c in text) and rng.random() < 0.25:
        sentence = "Yes, all letters are capitals." if text.isupper() else "No, there are lower-case letters."
        yield ask(rng, "yes_no", phrases.CAPS, yes_no(text.isupper()), sentence, noun=noun)
    if slope_of(scene):
        also = {"up": ["upwards", "upward", "rises"], "down": ["downwards", "downward", "falls"]}[slope_of(scene)]
        yield ask(rng, "attribute", phrases.SLOPE, slope_of(scene), "The text slopes {answer}.", accept=also)
    if (slope_of(scene) and rng.random() < 0.5) or (not scene["angle"] and rng.random() < 0.2):
        sentence = "Yes, the text is tilted." if slope_of(scene) else "No, the text is straight."
        yield ask(rng, "yes_no", phrases.TILT, yes_no(bool(slope_of(scene))), sentence, noun=noun)
    if scene["bold"] is not None and rng.random() < 0.5:
        answer, also = ("bold", []) if scene["bold"] else ("regular", ["not bold", "normal"])
        yield ask(rng, "attribute", phrases.BOLD, answer, "The text is {answer}.", accept=also)
    if scene["italic"] is not None and rng.random() < (0.2 if scene["italic"] else 0.13):
        sentence = "Yes, it is in italics." if scene["italic"] else "No, the letters are upright."
        yield ask(rng, "yes_no", phrases.ITALIC, yes_no(scene["italic"]), sentence)
    if scene["effects"]["underline"] or (len(lines) == 1 and rng.random() < 0.12):
        sentence = "Yes, the text is underlined." if scene["effects"]["underline"] else "No, there is no underline."
        yield ask(rng, "yes_no", phrases.UNDER, yes_no(scene["effects"]["underline"]), sentence)


def _lines(scene: Scene, rng: random.Random) -> Iterator[QA]:
    """Questions about several lines or words: how many, which is where, which is larger or longer."""
    lines, noun, words = scene["lines"], noun_of(scene), whole(scene).split()
    places = PLACES[len(lines)]
    if len(words) > 1 or rng.random() < 0.25:
        yield ask(
            rng,
            "count",
            phrases.COUNT_WORDS,
            len(words),
            "There {are} {answer} {words}.",
            accept=(NUMBERS[len(words)],),
            are="is" if len(words) == 1 else "are",
            words=plural("word", len(words)),
            noun=noun,
        )
    if len(lines) > 1 or rng.random() < 0.15:
        yield ask(
            rng,
            "count",
            phrases.COUNT_LINES,
            len(lines),
            "There {are} {answer} {lines}.",
            accept=(NUMBERS[len(lines)],),
            are="is" if len(lines) == 1 else "are",
            lines=plural("line", len(lines)),
            noun=noun,
        )
    alpha = [word for word in words if word.isalpha()]
    if len(alpha) == 2 and abs(len(alpha[0]) - len(alpha[1])) > 1:
        x, y = rng.sample(alpha, 2)
        longer = max(x, y, key=len)
        yield ask(rng, "comparison", phrases.LONGER, longer, '"{answer}" is [longer|the longer word].', x=x, y=y)
    if len(lines) == 1:
        if len(words) == 2 and words[0] != words[1]:
            at = rng.randrange(2)
            sentence = '"{x}" is [on|to] the {answer} of "{y}".'
            also = (["on the left", "to the left"], ["on the right", "to the right"])[at]
            answer = ("left", "right")[at]
            yield ask(rng, "relation", phrases.SIDE, answer, sentence, x=words[at], y=words[1 - at], accept=also)
        return
    for i in rng.sample(range(len(lines)), 2):
        place = places[i] if rng.random() < 0.6 else ORDINALS[i]
        sentence = 'The {place} line [says|reads] "{answer}".'
        templates = phrases.LINE if place in places else phrases.LINE[:4]
        yield ask(rng, "reading", templates, lines[i]["text"], sentence, place=place, noun=noun)
    sizes = sorted(line["factor"] for line in lines)
    if sizes[-1] > 1.25 * sizes[-2]:
        i = max(range(len(lines)), key=lambda i: lines[i]["factor"])
        also = [f"the {places[i]} line", f"{places[i]} line", ORDINALS[i]]
        yield ask(rng, "superlative", phrases.LARGER, places[i], "The {answer} line is the largest.", accept=also)
        yield ask(rng, "superlative", phrases.LARGEST_TEXT, lines[i]["text"], 'The largest text [says|is] "{answer}".')
    texts = [line["text"] for line in lines]
    if len(set(texts)) == len(texts):
        i, j = rng.sample(range(len(lines)), 2)
        options = " or ".join(", ".join(places).rsplit(", ", 1))
        sentence = '"{x}" is [at|on] the {answer}[| line].'
        also = [f"{places[i]} line", f"at the {places[i]}", f"the {places[i]} line", ORDINALS[i]]
        yield ask(rng, "relation", phrases.WHERE, places[i], sentence, x=texts[i], options=options, accept=also)
        sentence = '"{x}" is {answer} "{y}".'
        yield ask(rng, "relation", phrases.ABOVE, "above" if i < j else "below", sentence, x=texts[i], y=texts[j])


def _absent(scene: Scene, rng: random.Random) -> Iterator[QA]:
    """One question about something that is not there."""
    lines, shape, noun, text = scene["lines"], scene["shape"], noun_of(scene), whole(scene)
    options: list[tuple[float, tuple[str, ...], str]] = []  # weights balance them with the questions that have answers
    if scene["style"] not in ("chalkboard", "flash_card", "whiteboard", "screen") and not (shape and shape["border"]):
        options.append((3, phrases.BORDER, "There is no border."))
    if not (shape and shape["kind"] == "arrow"):
        options.append((1.5, (*phrases.POINTS[2:4], "Which way does the arrow point?"), "There is no arrow."))
        options.append((0.7, phrases.ARROW_COLOUR, "There is no arrow."))
    if not any(c.isdigit() for c in text):
        options += [(1, phrases.NUMBER, "There is no number."), (0.7, phrases.PRICE, "There is no price.")]
    if len(lines) < 3:
        nth = "third" if len(lines) == 2 else rng.choice(("second", "third"))
        options.append((1.2, put(phrases.LINE[:4], place=nth), f"There is no {nth} line."))
    word = lookalike(rng, rng.choice(text.split()), scene["held"])
    if word.isalpha() and len(word) > 1 and word not in text.split():
        options.append((3, put(phrases.INK_OF, x=word), f'There is no "{word}".'))
    if rng.random() < 0.2:
        return
    ((_, templates, answer),) = rng.choices(options, [weight for weight, _, _ in options])
    yield ask(rng, "absent", templates, answer, noun=noun)


def questions(scene: Scene, rng: random.Random) -> list[QA]:
    """Everything that can be asked, in random order; at most a quarter of it yes/no."""
    found = [
        *_reading(scene, rng), *_letters(scene, rng), *_looks(scene, rng), *_lines(scene, rng), *_absent(scene, rng),
    ]  # fmt: skip
    return balanced(rng, found)

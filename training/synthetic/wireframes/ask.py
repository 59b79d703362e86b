"""Asks about a screen: one function per topic."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from ..base import ORDINALS, QA, Scene, ask, grey, plural, put, say, yes_no
from . import phrases
from .truth import counts_of, labels_of, moot_kinds, of_kind, reading_order, title_of
from .words import BUTTONS, COUNT, DEVICE_NAMES, EXISTS, NOUN, SCREENS


def _case(label: str) -> tuple[str, ...]:
    return tuple(sorted({label.lower(), label.upper(), label.capitalize()} - {label}))


def _about_counts(scene: Scene, rng: random.Random, counts: dict[str, int]) -> Iterator[QA]:
    moot = moot_kinds(scene) - ({"button"} if not of_kind(scene, "radio") else set()) - {"tab", "link"}
    keys = [k for k in counts if (counts[k] or " " in k) and k not in moot]
    present = [k for k in keys if " " not in k and k not in ("row", "column", "bubble", "image")]
    # one and, for buttons, two are by far the most common numbers: ask for them less often
    keys = [k for k in keys if k != "button" or counts[k] != 2 or rng.random() < 0.55]
    keys = [k for k in keys if (counts[k] != 1 or rng.random() < 0.4)]
    for key in rng.sample(keys, min(3, len(keys))):
        words, n = COUNT[key], counts[key]
        sentence = f"There are {{answer}} {words.split('|')[0].strip('[')}." if n != 1 else "The number is {answer}."
        yield ask(rng, "count", put(phrases.HOW_MANY, words=words), n, sentence)
    if len(present) > 1:
        a, b = rng.sample(present, 2)
        if counts[a] != counts[b]:
            na, nb = (plural(NOUN[k]) for k in (a, b))
            more = rng.random() < 0.5
            winner = na if (counts[a] > counts[b]) == more else nb
            word = "more" if more else "fewer"
            yield ask(rng, "comparison", phrases.MORE, winner, "There are {w} {answer}.", w=word, a=na, b=nb)


def _about_buttons(scene: Scene, rng: random.Random) -> Iterator[QA]:
    buttons = of_kind(scene, "button")
    if not buttons:
        return
    coloured = [e for e in buttons if e["colour"]]
    for e in rng.sample(coloured, min(2, len(coloured))):
        sentence, also = "The {x} button is {answer}.", grey(e["colour"])
        yield ask(rng, "colour", phrases.BUTTON_COLOUR, e["colour"], sentence, accept=also, x=e["label"], n="button")
    read = phrases.BUTTON_SAYS
    says = "It says {answer}."
    unique = [e for e in coloured if sum(b["colour"] == e["colour"] for b in buttons) == 1]
    if unique:
        e = rng.choice(unique)
        sentence, also, colour = "The {c} button says {answer}.", _case(e["label"]), e["colour"]
        both = (*read, "Which button is {c}?")
        yield ask(rng, "reading", both, e["label"], sentence, also, p=f"the {colour} button", c=colour)
    if len(buttons) == 1:
        yield ask(rng, "reading", read, buttons[0]["label"], says, _case(buttons[0]["label"]), p="the button")
        return
    listing = reading_order(buttons)
    listed = (*phrases.LISTING, "What buttons [are there|does the screen have]?", "What do the buttons say?")
    yield ask(rng, "list", listed, ", ".join(labels_of(listing)), "The buttons are {answer}.", w="buttons")
    a, b = rng.sample(buttons, 2)
    (ax, ay), (bx, by) = (((e["box"][0] + e["box"][2]) / 2, (e["box"][1] + e["box"][3]) / 2) for e in (a, b))
    row = abs(ay - by) < 4
    one, other = ("left", "right") if row else ("above", "below")
    side = one if (ax < bx if row else ay < by) else other
    last = max(buttons, key=lambda e: e["box"][0] if row else e["box"][1])
    first = min(buttons, key=lambda e: e["box"][0] if row else e["box"][1])
    ends = (("leftmost", first), ("rightmost", last)) if row else (("top", first), ("bottom", last))
    if len({round(e["box"][1 if row else 0] / 6) for e in buttons}) == 1:
        word, e = rng.choice(ends)
        near = word.removesuffix("most")
        if row:
            names = f"[the {word} button|the button on the {near}|the {near} button|the button furthest {near}]"
        else:
            up = "upper" if word == "top" else "lower"
            names = f"[the {word} button|the button at the {word}|the {up}most button]"
        templates = put(phrases.END_BUTTON, word=word, end="furthest " + near if row else "at the " + near, names=names)
        yield ask(rng, "superlative", templates, e["label"], "It is {answer}.", _case(e["label"]))
    words = {"x": a["label"], "y": b["label"], "o": one, "p": other}
    if row:
        sentence = "The {x} button is to the {answer} of {y}."
        yield ask(rng, "relation", phrases.SIDE, side, sentence, ("to the " + side, side + " of"), **words)
    else:
        yield ask(rng, "relation", phrases.ABOVE, side, "The {x} button is {answer} {y}.", **words)
    if rng.random() < 0.5:
        claim = side if rng.random() < 0.5 else ({one, other} - {side}).pop()
        where = f"to the {claim} of" if row else claim
        yield ask(rng, "yes_no", phrases.IS_BESIDE, yes_no(claim == side), w=where, **words)


def _about_states(scene: Scene, rng: random.Random) -> Iterator[QA]:
    for kind, on, off, noun in (("toggle", "on", "off", "toggle"), ("check", "checked", "unchecked", "check box")):
        found = of_kind(scene, kind)
        if not found:
            continue
        e = rng.choice(found)
        state = on if e["state"] == "on" else off
        words: dict[str, Any] = {"x": e["label"], "n": rng.choice((noun, "switch")) if kind == "toggle" else noun}
        if rng.random() < 0.5:
            wanted = rng.random() < 0.5
            match = [f for f in found if (f["state"] == "on") == wanted] or [e]
            f = rng.choice(match)
            synonyms = ("on", "enabled", "switched on") if kind == "toggle" else ("checked", "ticked", "selected")
            templates = put(phrases.IS_STATE, turned="turned " if kind == "toggle" else "")
            answer, words["x"], words["s"] = yes_no(f["state"] == "on"), f["label"], rng.choice(synonyms)
            yield ask(rng, "yes_no", templates, answer, **words)
        else:
            also = ("not checked", "not ticked") if state == "unchecked" else ()
            yield ask(rng, "attribute", put(phrases.STATE, on=on, off=off), state, "{x} is {answer}.", also, **words)
        if len(found) > 1:
            want_on = rng.random() < 0.5
            chosen = [f["label"] for f in found if (f["state"] == "on") == want_on]
            s = on if want_on else off
            yield ask(
                rng, "list", phrases.WHICH_ARE, ", ".join(chosen) or "none", "{answer}.", w=plural(words["n"]), s=s
            )
    for kind, asked in phrases.ACTIVE.items():
        for e in of_kind(scene, kind):
            if e["state"] in ("active", "on"):
                yield ask(rng, "attribute", asked, e["label"], "{answer} is selected.", _case(e["label"]))


def _about_text(scene: Scene, rng: random.Random) -> Iterator[QA]:
    def read(kind: str, templates: tuple[str, ...], answer: str, **slots: object) -> QA:
        return ask(rng, kind, templates, answer, "It says {answer}.", _case(answer), **slots)

    if title := title_of(scene):
        yield read("reading", phrases.TITLE, title)
    for e in of_kind(scene, "logo"):
        yield read("reading", phrases.LOGO, e["label"])
    for e in of_kind(scene, "price"):
        yield read("reading", phrases.PRICE, e["label"])
    for e in of_kind(scene, "select"):
        yield read("reading", phrases.SELECTED, e["value"], x=e["label"])
    if bubbles := of_kind(scene, "bubble"):
        e, word = rng.choice(((bubbles[0], "[first|top]"), (bubbles[-1], "[last|latest|bottom|most recent]")))
        yield read("reading", put(phrases.MESSAGE, word=word), e["label"])
        f = rng.choice(bubbles)
        yield ask(rng, "attribute", phrases.MESSAGE_SIDE, f["state"], "It is on the {answer}.", x=f'"{f["label"]}"')
    values, cards = of_kind(scene, "value"), of_kind(scene, "caption")
    if values:
        pairs = list(zip(labels_of(cards), labels_of(values), strict=True))
        label, value = rng.choice(pairs)
        how = "How many {x} [are there|are shown]?" if label[-1] == "s" and label != "Sales" else "How much is {x}?"
        yield read("reading", put(phrases.CARD_VALUE, how=how), value, x=label)
        numbers = sorted((int(v), s) for s, v in pairs)
        if len(numbers) > 1 and numbers[-1][0] > numbers[-2][0] * 1.12 and numbers[0][0] * 1.12 < numbers[1][0]:
            word, at = rng.choice((("[highest|largest|biggest]", -1), ("[lowest|smallest]", 0)))
            yield read("superlative", put(phrases.EXTREME_CARD, word=word), numbers[at][1])
    for t in of_kind(scene, "table"):
        column = rng.randrange(len(t["columns"]))
        yield read("reading", phrases.COLUMN_HEAD, t["columns"][column], i=ORDINALS[column])
        if t["rows"][0][0].strip():
            at = rng.randrange(len(t["rows"]))
            yield read("reading", phrases.ROW_START, t["rows"][at][0], i=ORDINALS[at], c=t["columns"][0].lower())
        yield read("list", phrases.COLUMNS, ", ".join(t["columns"]))
    for kind, words in (
        ("field", "[fields|input fields|form fields|text fields]"),
        ("link", "[navigation links|nav links|header links]"),
        ("tab", "tabs"),
        ("menu", "[sidebar items|menu items|sidebar links]"),
        ("item", "[list items|people|names]"),
        ("radio", "[options|choices|radio buttons]"),
        ("toggle", "[toggles|switches]"),
        ("caption", "cards"),
    ):
        found = of_kind(scene, kind) if kind == "menu" else reading_order(of_kind(scene, kind))
        if not found:
            continue
        if rng.random() < 0.6:
            sentence = "The {w} are {answer}."
            yield ask(rng, "list", phrases.LISTING, ", ".join(labels_of(found)), sentence, w=say(rng, words))
        if len(found) > 1 and kind not in ("toggle", "caption"):
            noun = NOUN[kind]
            e, word = rng.choice(((found[0], "first"), (found[-1], "last")))
            yield read("superlative", phrases.END_OF_LIST, e["label"], p=word, n=noun)


def _about_frame(scene: Scene, rng: random.Random, counts: dict[str, int]) -> Iterator[QA]:
    screen, device = scene["screen"], scene["device"]
    if screen != "components":
        yield ask(rng, "what", phrases.WHAT, screen, "This is a {answer}.", SCREENS[screen])
    elif rng.random() < 0.4:
        also = ["UI mock-up", "user interface", "wireframe", "UI elements"]
        yield ask(rng, "what", phrases.WHAT_IMAGE, "UI components", "These are {answer}.", also)
    if scene["frame"]["kind"] == "device" or device != "tablet":
        yield ask(rng, "attribute", phrases.DEVICE, device, "It is for {answer}.", DEVICE_NAMES[device])
    if scene["theme"] == "dark" or (scene["theme"] and rng.random() < 0.35):
        also = [f"{scene['theme']} theme", f"{scene['theme']} mode"]
        yield ask(rng, "attribute", phrases.THEME, scene["theme"], "The theme is {answer}.", also)
    for kind, word in (
        ("header", "[header|top bar|nav bar|navigation bar]"),
        ("sidebar", "[sidebar|side bar|side panel]"),
        ("footer", "[footer|bottom bar]"),
    ):
        for e in of_kind(scene, kind):
            if e["colour"]:
                sentence = f"The {kind} is {{answer}}."
                yield ask(rng, "colour", put(phrases.PART_COLOUR, word=word), e["colour"], sentence, grey(e["colour"]))
    for e in of_kind(scene, "sidebar"):
        sentence = "The sidebar is on the {answer}."
        yield ask(
            rng, "attribute", phrases.SIDEBAR_SIDE, e["state"], sentence, (f"on the {e['state']}", f"{e['state']} side")
        )
    x0, _, x1, _ = scene["area"]
    for kind in ("logo", "avatar", "search"):
        for e in of_kind(scene, kind):
            if e["box"][2] - e["box"][0] > 0.6 * (x1 - x0):
                continue
            at = ((e["box"][0] + e["box"][2]) / 2 - x0) / (x1 - x0)
            place = "left" if at < 0.4 else "right" if at > 0.66 else "center" if 0.46 < at < 0.54 else ""
            if place and rng.random() < (1 if place == "center" else 0.4 if kind != "avatar" else 0.15):
                also = ["centre", "middle"] if place == "center" else []
                yield ask(
                    rng, "attribute", phrases.ACROSS, place, "The {k} is at the {answer}.", also, k=NOUN.get(kind, kind)
                )
    for e in of_kind(scene, "chart"):
        sentence = "It is a {answer} chart."
        yield ask(
            rng, "attribute", phrases.CHART_KIND, e["chart"], sentence, (f"{e['chart']} chart", f"{e['chart']} graph")
        )
    stacked = [
        e
        for e in reading_order(
            of_kind(scene, "title", "field", "button", "table", "image", "chart", "search", "progress")
        )
        if e["kind"] not in ("search", "image") or counts.get(e["kind"], 1) == 1
    ]
    pairs = [
        (a, b)
        for a in stacked
        for b in stacked
        if a["kind"] != b["kind"]
        and a["box"][3] <= b["box"][1]
        and "button" not in (a["kind"], b["kind"])
        and counts.get(a["kind"], 1) == counts.get(b["kind"], 1) == 1
    ]
    if pairs:
        a, b = rng.choice(pairs)
        flip = rng.random() < 0.5
        yield ask(
            rng,
            "relation",
            phrases.ABOVE_OR_BELOW,
            "below" if flip else "above",
            "The {x} is {answer} the {y}.",
            x=NOUN[(b if flip else a)["kind"]],
            y=NOUN[(a if flip else b)["kind"]],
        )


def _about_absence(scene: Scene, rng: random.Random) -> Iterator[QA]:
    # most screens have these, so that a "yes" about them would be guessable
    common = {"button": 0.2, "header": 0.3, "image": 0.6}
    present = [k for k in EXISTS if of_kind(scene, k) and rng.random() < common.get(k, 1)]
    moot = moot_kinds(scene)
    missing = [k for k in EXISTS if not of_kind(scene, k) and k not in moot]
    for _ in range(2):
        there = rng.random() < 0.5
        pool = present if there else missing
        if pool:
            key = pool.pop(rng.randrange(len(pool)))
            noun = say(rng, EXISTS[key])
            sentence = "{answer}."
            yield ask(
                rng, "yes_no", phrases.IS_THERE, yes_no(there), sentence, a="an" if noun[0] in "aeiou" else "a", n=noun
            )
    buttons = labels_of(of_kind(scene, "button"))
    shown = {s.lower() for s in labels_of(scene["elements"])}
    others = [s for s in BUTTONS if s.lower() not in shown]
    if buttons and rng.random() < 0.6:
        there = rng.random() < 0.5
        yield ask(rng, "yes_no", phrases.HAS_BUTTON, yes_no(there), x=rng.choice(buttons if there else others))
    if rng.random() < 0.55:
        gone = [k for k in phrases.ABSENT if not of_kind(scene, k) and k not in moot]
        if rng.random() < 0.45 or not gone:
            label = rng.choice(others)
            yield ask(rng, "absent", phrases.ABSENT_BUTTON, f"There is no {label} button.", x=label)
        else:
            noun, templates = phrases.ABSENT[rng.choice(gone)]
            verb = "are" if noun.endswith("s") else "is"
            yield ask(rng, "absent", templates, f"There {verb} no {noun}.")


def _as_json(scene: Scene, rng: random.Random, counts: dict[str, int]) -> QA:
    data = {
        "screen": scene["screen"],
        "device": scene["device"],
        "title": title_of(scene),
        "buttons": labels_of(reading_order(of_kind(scene, "button"))),
        "fields": counts.get("field", 0),
    }
    return ask(rng, "json", phrases.JSON, json.dumps(data))


def questions(scene: Scene, rng: random.Random) -> list[QA]:
    """Up to 16 questions on all topics."""
    counts = counts_of(scene)
    found = [
        *_about_counts(scene, rng, counts), *_about_buttons(scene, rng), *_about_states(scene, rng),
        *_about_text(scene, rng), *_about_frame(scene, rng, counts), *_about_absence(scene, rng),
    ]  # fmt: skip
    if rng.random() < 0.15 and (title_of(scene) or counts["button"]):
        found.append(_as_json(scene, rng, counts))
    rng.shuffle(found)
    return found[:16]

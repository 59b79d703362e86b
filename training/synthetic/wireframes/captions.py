"""What captions of screens say."""

from __future__ import annotations

import random
import re

from ..base import Scene, capital, join, plural, say
from ..colours import COLOUR_WORDS
from .truth import labels_of, of_kind, reading_order, title_of
from .words import NOUN, SCREENS

FACTS = re.compile(
    rf'(?:{COLOUR_WORDS}) "[^"]+" button|"[^"]+" is (?:on|off|active|checked|unchecked|selected)|"[^"]+"|'
    r"\d+ (?:buttons?|fields?|cards?|rows?|columns?|tabs?|toggles?|check boxe?s?|radio buttons?|drop-downs?|"
    r"navigation links?|menu items?|messages?|list items?|images?)|"
    rf"(?:left|right) sidebar|(?:{COLOUR_WORDS}) header|header|footer|search box|chart|progress bar|avatar|"
    rf"phone|tablet|desktop|(?:dark|light) theme|{'|'.join(SCREENS)}"
)


def captions(scene: Scene, rng: random.Random) -> dict[str, str]:
    """Short, detailed, alternative text and tags."""
    screen = scene["screen"] if scene["screen"] != "components" else "set of UI components"
    device, theme, title = scene["device"], scene["theme"], title_of(scene)
    buttons = reading_order(of_kind(scene, "button"))
    themed = f" with a {theme} theme" if theme else ""
    first = "[A {s} for {d}|A {d} {s}|The picture shows a {s} on {d}|{d} screen: a {s}]{t}."
    text = [say(rng, first, s=screen, d=device, t=themed)]
    if title:
        titled = "[The title is {x}|The heading reads {x}|It is titled {x}|At the top it says {x}]."
        text.append(say(rng, titled, x=f'"{title}"'))
    parts = []
    if buttons:
        named = [f'{e["colour"] + " " if e["colour"] else ""}"{e["label"]}" button' for e in buttons]
        parts.append(f"{len(buttons)} {plural('button', len(buttons))} ({', '.join(named)})")
    for kind in ("field", "tab", "menu", "link", "card", "item", "radio", "toggle", "check", "bubble", "select"):
        if found := of_kind(scene, kind):
            noun = "check boxes" if kind == "check" and len(found) > 1 else plural(NOUN[kind], len(found))
            states = {"toggle": ("on", "off"), "check": ("checked", "unchecked")}.get(kind)
            labels = [f'"{e["label"]}"' for e in found[:5]]
            if states:
                labels = [f'"{e["label"]}" is {states[e["state"] != "on"]}' for e in found[:5]]
            elif kind in ("tab", "radio"):
                labels = [
                    f'"{e["label"]}"'
                    + (f" is {'active' if kind == 'tab' else 'selected'}" if e["state"] in ("active", "on") else "")
                    for e in found
                ]
            parts.append(f"{len(found)} {noun} ({', '.join(labels)})" if kind != "bubble" else f"{len(found)} {noun}")
    if tables := of_kind(scene, "table"):
        rows, columns = len(tables[0]["rows"]), len(tables[0]["columns"])
        parts.append(f"a table of {rows} {plural('row', rows)} and {columns} columns")
    if parts:
        text.append(say(rng, "[It has|It contains|It shows|On it: ] {x}.", x=join(parts[:4])))
    around = [f"{e['colour'] + ' ' if e['colour'] else ''}header" for e in of_kind(scene, "header")]
    around += [f"{e['state']} sidebar" for e in of_kind(scene, "sidebar")]
    around += [NOUN[k] for k in ("footer", "search", "chart", "progress", "avatar") if of_kind(scene, k)]
    if around:
        logo = [f' with the logo "{e["label"]}"' for e in of_kind(scene, "logo")]
        around[0] += logo[0] if logo else ""
        text.append(say(rng, "[Also|There is also|Further]: {x}.", x=join(around)))
    some = join([f'"{s}"' for s in labels_of(buttons)[:3]]) if buttons else ""
    what = say(rng, "[{d} {s}|{s} on a {d}|{s} for {d}]", d=device, s=screen)
    short = f'{what} titled "{title}"' if title and rng.random() < 0.6 else what
    alt = (
        what
        + (f', titled "{title}"' if title else "")
        + (f", with the {plural('button', len(buttons))} {some}" if some else "")
    )
    tags = [
        screen,
        device,
        say(rng, "[wireframe|mock-up|user interface|UI]"),
        *([f"{theme} theme"] if theme else []),
        *(NOUN[k] for k in ("button", "field", "table", "sidebar", "card", "chart", "toggle") if of_kind(scene, k)),
    ]
    return {
        "short": capital(short),
        "detailed": " ".join(capital(t) for t in text),
        "alt": capital(alt) + ".",
        "tags": ", ".join(tags),
    }

"""The content of each kind of screen, as a list of blocks."""

from __future__ import annotations

import random
from collections.abc import Sequence

from .words import (
    AGREE,
    BENEFITS,
    BUTTONS,
    CHECKS,
    DIALOG_BUTTONS,
    FIELDS,
    MESSAGES,
    NAMES,
    OPTIONS,
    PLAYER_BUTTONS,
    PRODUCTS,
    REMEMBER,
    SELECTS,
    STATS,
    TABLES,
    TABS,
    TASKS,
    TEASERS,
    TOGGLES,
    Plan,
)


def items_of(rng: random.Random, pool: tuple[str, ...], n: int, on: str = "", p: float = 0.5) -> list[Plan]:
    """Some labels of the pool, each in state `on` with probability `p`."""
    return [{"label": s, "state": on if on and rng.random() < p else "off"} for s in rng.sample(pool, n)]


def one_active(rng: random.Random, pool: tuple[str, ...], n: int, state: str = "active") -> list[Plan]:
    """Some labels of the pool, one of them in that state."""
    chosen, at = rng.sample(pool, n), rng.randrange(n)
    return [{"label": s, "state": state if i == at else "off"} for i, s in enumerate(chosen)]


def _form(rng: random.Random, labels: list[str], area: str = "") -> Plan:
    items: list[Plan] = [{"label": s, "filled": s == "Password" and rng.random() < 0.5} for s in labels]
    if area:
        items.append({"label": area, "area": True})
    return {"block": "fields", "items": items, "columns": rng.choice((1, 1, 2))}


def _choices(of: str, items: list[Plan], **more: bool) -> Plan:
    """A list of toggles, check boxes, radio buttons or entries."""
    return {"block": "choices", "of": of, "items": items, **more}


def buttons_of(rng: random.Random, labels: Sequence[str]) -> Plan:
    """A row of buttons, the first label being the primary one, in either order."""
    items: list[Plan] = [{"label": s, "role": i} for i, s in enumerate(labels)]
    if rng.random() < 0.5:
        items.reverse()
    return {
        "block": "buttons",
        "items": items,
        "align": rng.choice("lmr"),
        "full": rng.random() < 0.2,
        "equal": rng.random() < 0.4,
    }


def some_of(rng: random.Random, pool: tuple[str, ...], low: int, high: int) -> list[str]:
    """`low` to `high` labels of the pool."""
    return rng.sample(pool, rng.randint(low, high))


def blocks_of(rng: random.Random, screen: str, title: str) -> list[Plan]:
    """The content of one screen of that kind."""
    head: Plan = {"block": "title", "label": title, "align": rng.choice("llm"), "scale": rng.choice((1.2, 1.4, 1.6))}
    lines: Plan = {"block": "lines", "n": rng.randint(1, 3), "align": "l"}
    chance = rng.random
    match screen:
        case "login form":
            check = [_choices("check", items_of(rng, REMEMBER, 1, "on"))] if chance() < 0.4 else []
            link = [{"block": "link", "label": rng.choice(("Forgot password?", "Need help?", "Reset password"))}]
            first = rng.choice(("Sign in", "Log in", "Login", "Continue"))
            rest = some_of(rng, ("Cancel", "Sign up", "Register", "Help"), 0, 1)
            user = rng.choice(("Email", "Username", "User name", "Phone", "User ID", "Email address"))
            return [
                head, _form(rng, [user, "Password"]), *check, buttons_of(rng, [first, *rest]), *link * (chance() < 0.3),
            ]  # fmt: skip
        case "sign-up form":
            labels = [*rng.sample(("Name", "Email", "Phone", "City", "Username"), rng.randint(1, 3)), "Password"]
            check = [_choices("check", items_of(rng, AGREE, 1, "on"))] if chance() < 0.5 else []
            first = rng.choice(("Sign up", "Register", "Create account", "Join now", "Join"))
            return [head, _form(rng, labels), *check, buttons_of(rng, [first, *some_of(rng, ("Cancel", "Back"), 0, 1)])]
        case "contact form":
            labels = some_of(rng, ("Name", "Email", "Subject", "Phone", "Company"), 1, 2)
            rest = some_of(rng, ("Cancel", "Clear", "Reset", "Attach"), 0, 1)
            return [
                head,
                _form(rng, labels, rng.choice(("Message", "Your message", "Comment", "Question"))),
                buttons_of(rng, [rng.choice(("Send", "Submit", "Send message")), *rest]),
            ]
        case "payment form":
            extra = some_of(rng, ("Expiry", "CVC", "Name on card", "Address", "City"), 1, 3)
            rest = some_of(rng, ("Cancel", "Back"), 0, 1)
            return [
                head,
                _form(rng, ["Card number", *extra]),
                buttons_of(rng, [rng.choice(("Pay", "Pay now", "Place order", "Checkout")), *rest]),
            ]
        case "settings page":
            n = rng.randint(1, 5)
            items = items_of(rng, TOGGLES, n, "on")
            toggles = _choices("toggle", items, flip=chance() < 0.3, rule=chance() < 0.4)
            select = [{"block": "field", **_select(rng)}] if chance() < 0.3 and n < 4 else []
            foot = [buttons_of(rng, some_of(rng, ("Save", "Cancel", "Reset", "Apply", "Log out", "Done"), 1, 2))]
            return [head, toggles, *select, *foot * (chance() < 0.65)]
        case "survey":
            radios = _choices("radio", one_active(rng, rng.choice(OPTIONS), rng.randint(2, 4), "on"))
            first = rng.choice(("Next", "Submit", "Vote", "Continue"))
            return [head, radios, buttons_of(rng, [first, *some_of(rng, ("Back", "Skip"), 0, 1)])]
        case "to-do list":
            tasks = _choices("check", items_of(rng, TASKS, rng.randint(2, 6), "on"), rule=chance() < 0.4)
            foot = [buttons_of(rng, [rng.choice(("Add", "New task", "Add task", "Clear"))])]
            return [head, tasks, *foot * (chance() < 0.6)]
        case "contact list":
            people = _choices("item", items_of(rng, NAMES, rng.randint(2, 6)), rule=chance() < 0.7)
            top = [{"block": "search", "label": "Search"}] if chance() < 0.6 else []
            foot = [buttons_of(rng, [rng.choice(("Add", "Invite", "New contact"))])]
            return [head, *top, people, *foot * (chance() < 0.4)]
        case "dashboard":
            labels, n = rng.sample(STATS, 4), rng.randint(1, 4)
            cards = [{"label": s, "value": str(v)} for s, v in zip(labels, rng.sample(range(2, 990), n), strict=False)]
            stats = {"block": "cards", "items": cards[:n], "columns": rng.choice((2, n, n)), "align": rng.choice("lm")}
            chart = {"block": "image", "of": "chart", "chart": rng.choice(("bar", "line", "pie")), "h": 3.2}
            more = [chart] * (chance() < 0.7) or [_progress(rng)]
            return [head, stats, *more] if chance() < 0.7 else [head, *more, stats]
        case "table page":
            columns, rows = rng.choice(TABLES)
            n, m = rng.randint(1, 6), rng.randint(2, min(4, len(columns)))
            real = rng.random() < 0.8
            picked = [[first] if real else [] for first in rng.sample(rows, n)]
            table = {"block": "table", "columns": columns[:m], "rows": [r or [" "] for r in picked]}
            top = [{"block": "search", "label": "Search"}] if chance() < 0.3 else []
            foot = [buttons_of(rng, some_of(rng, ("Add", "New", "Export", "Print", "Filter", "Delete", "Edit"), 1, 2))]
            return [head, *top, table, *foot * (chance() < 0.6)]
        case "product page":
            price = {"block": "price", "label": rng.choice("$$$€£") + str(rng.randint(3, 499))}
            size, quantity = rng.choice("SML"), str(rng.randint(1, 5))
            field = rng.choice(({"label": "Size", "value": size}, {"label": "Quantity", "value": quantity}))
            select = [{"block": "field", **field}] * (chance() < 0.3)
            buy = rng.sample(("Buy now", "Add to cart", "Add to bag", "Wish list", "Buy"), rng.randint(1, 2))
            return [
                {
                    "block": "split",
                    "side": {"of": "image"},
                    "flip": chance() < 0.3,
                    "items": [head, price, *select, buttons_of(rng, buy)],
                }
            ]
        case "gallery page":
            n = rng.randint(1, 6)
            cards = [{"label": s} for s in rng.sample(PRODUCTS, n)]
            return [
                head,
                {
                    "block": "cards",
                    "items": cards,
                    "columns": rng.choice((2, 3, 3, 4)),
                    "image": True,
                    "align": rng.choice("lm"),
                },
            ]
        case "landing page":
            intro = [
                {**head, "align": "m", "scale": 1.6},
                {**lines, "align": "m"},
                {**buttons_of(rng, some_of(rng, TEASERS, 1, 2)), "align": "m"},
            ]
            if chance() < 0.35:
                intro = [
                    {
                        "block": "split",
                        "side": {"of": "image"},
                        "flip": chance() < 0.5,
                        "items": [{**b, "align": "l"} for b in intro],
                    }
                ]
            cards = [{"label": s} for s in some_of(rng, BENEFITS, 2, 4)]
            return [
                *intro,
                *[{"block": "cards", "items": cards, "columns": len(cards), "align": "m", "lines": rng.randint(1, 2)}]
                * (chance() < 0.55),
            ]
        case "article":
            picture = [{"block": "image", "h": rng.uniform(3, 5)}] * (chance() < 0.7)
            text: Plan = {"block": "lines", "n": rng.randint(3, 6)}
            foot = [buttons_of(rng, some_of(rng, ("Read more", "Share", "Subscribe", "Like", "Comment"), 1, 2))]
            return [head, *picture, text, *foot * (chance() < 0.45)]
        case "profile page":
            many = [f"{rng.randint(2, 980)}" for _ in range(2)]
            what = rng.sample(("Posts", "Friends", "Likes", "Photos"), 2)
            numbers = [{"label": s, "value": v} for s, v in zip(what, many, strict=True)]
            buttons = buttons_of(
                rng, some_of(rng, ("Follow", "Message", "Edit profile", "Call", "Add friend", "Block"), 1, 2)
            )
            side = rng.choice("lm")
            return [
                {"block": "avatar", "align": side},
                {**head, "align": side},
                {**lines, "n": 1, "align": side},
                *[{"block": "cards", "items": numbers, "columns": 2, "align": "m"}] * (chance() < 0.5),
                buttons,
            ]
        case "chat":
            n = rng.randint(2, 5)
            talk = [{"label": s, "state": rng.choice(("left", "right"))} for s in rng.sample(MESSAGES, n)]
            entry = {
                "block": "compose_box",
                "label": rng.choice(("Message...", "Type here", "Write...", "Reply")),
                "button": {"label": rng.choice(("Send", "Send", "Reply", "Post")), "role": 0},
            }
            return [*[head] * (chance() < 0.7), {"block": "bubbles", "items": talk}, entry]
        case "dialog":
            return [head, {**lines, "n": rng.randint(1, 2)}, buttons_of(rng, rng.choice(DIALOG_BUTTONS))]
        case "music player":
            return [
                {"block": "image", "h": 4.5, "aspect": 1},
                {**head, "align": "m"},
                _progress(rng),
                {**buttons_of(rng, rng.choice(PLAYER_BUTTONS)), "align": "m", "full": False},
            ]
    pieces = [
        buttons_of(rng, some_of(rng, BUTTONS, 1, 4)),
        _form(rng, some_of(rng, FIELDS, 1, 3)),
        {"block": "field", **_select(rng)},
        _choices("toggle", items_of(rng, TOGGLES, rng.randint(1, 3), "on")),
        _choices("check", items_of(rng, CHECKS, rng.randint(1, 4), "on")),
        _choices("radio", one_active(rng, rng.choice(OPTIONS), rng.randint(2, 3), "on")),
        {"block": "tabs", "items": one_active(rng, TABS, rng.randint(2, 4))},
        {"block": "search", "label": "Search"},
        _progress(rng),
        {
            "block": "cards",
            "items": [{"label": s} for s in some_of(rng, PRODUCTS, 1, 3)],
            "columns": 3,
            "align": "m",
            **rng.choice(({"image": True}, {"lines": 1}, {"lines": 2})),
        },
    ]
    return [*[head] * (chance() < 0.4), *rng.sample(pieces, rng.randint(2, 3))]


def _select(rng: random.Random) -> Plan:
    label, values = rng.choice(SELECTS)
    return {"label": label, "value": rng.choice(values)}


def _progress(rng: random.Random) -> Plan:
    return {"block": "progress", "value": rng.choice((10, 20, 25, 30, 50, 60, 70, 75, 80, 90))}

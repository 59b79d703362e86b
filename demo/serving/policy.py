"""What may be asked and answered: rules over text, and a line in the audit log for each that applies.

A policy is anything with `name` and `check`; `Rules` is one that works offline: keywords, regular
expressions, and personal data that can be told by its form.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from .logs import audit, event


@dataclass(frozen=True)
class Finding:
    """A rule that applies. `text` is what may stand instead; None refuses."""

    rule: str
    text: str | None = None


class Policy(Protocol):
    name: str

    def check(self, text: str) -> Finding | None:
        """Looks at one text: a part of a prompt, or a whole answer. Called from several threads."""
        ...


class Refused(Exception):
    """A policy does not let a text through."""

    def __init__(self, policy: str, rule: str) -> None:
        super().__init__(f"The policy {policy!r} refused it by its rule {rule!r}.")
        self.policy, self.rule = policy, rule


def review(text: str, policies: Iterable[Policy], phase: str, *, content: bool = False) -> str:
    """The text, parts of it replaced where a policy says so.

    Args:
        phase: input or output, for the audit line.
        content: whether the audit line quotes the text. It always has its SHA-256.

    Raises:
        Refused
    """
    for policy in policies:
        found = policy.check(text)
        if found is None:
            continue
        quoted = {"content": text} if content else {}
        event(
            "policy", logging.WARNING, to=audit, phase=phase, policy=policy.name, rule=found.rule,
            action="refused" if found.text is None else "redacted", sha256=hashlib.sha256(
                text.encode("utf-8", "replace")).hexdigest(), **quoted,
        )  # fmt: skip
        if found.text is None:
            raise Refused(policy.name, found.rule)
        text = found.text
    return text


def _luhn(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()][::-1]
    return 13 <= len(digits) <= 19 and not sum(digits[::2] + [sum(divmod(2 * d, 10)) for d in digits[1::2]]) % 10


def _iban(text: str) -> bool:
    plain = re.sub(r"\s", "", text).upper()
    return 15 <= len(plain) <= 34 and int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def _always(text: str) -> bool:
    return True


PERSONAL: dict[str, tuple[str, Callable[[str], bool]]] = {
    "email": (r"\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}\b", _always),
    "iban": (r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b", _iban),
    "card": (r"\b\d(?:[ -]?\d){12,18}\b", _luhn),
    "phone": (r"(?<![\w+])(?:\+|00)[1-9](?:[ ()/.-]{0,2}\d){7,14}\b", _always),
}
"""By rule, the stricter first: how it looks, and what else must be true of it (check digits)."""


def _hiding(rule: str, holds: Callable[[str], bool]) -> Callable[[re.Match[str]], str]:
    """For `re.sub`: the rule's name in place of what it applies to."""
    return lambda match: f"[{rule}]" if holds(match[0]) else match[0]


@dataclass(frozen=True)
class Rules:
    """Keywords (whole words, case ignored), patterns by name, personal data; `redact` replaces, else refuses."""

    name: str
    keywords: tuple[str, ...] = ()
    patterns: Mapping[str, str] = field(default_factory=dict)
    personal: tuple[str, ...] = ()
    redact: bool = False
    _rules: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Raises re.error for a pattern that is none, ValueError for unknown personal data."""
        words = [(f"keyword-{n}", rf"(?i)(?<!\w){re.escape(word)}(?!\w)") for n, word in enumerate(self.keywords, 1)]
        plain = [(name, re.compile(pattern), _always) for name, pattern in (*words, *self.patterns.items())]
        ordered = sorted(self.personal, key=list(PERSONAL).index)
        personal = [(name, re.compile(PERSONAL[name][0]), PERSONAL[name][1]) for name in ordered]
        object.__setattr__(self, "_rules", (*plain, *personal))

    def check(self, text: str) -> Finding | None:
        first, result = None, text
        for rule, pattern, holds in self._rules:
            if not any(holds(match[0]) for match in pattern.finditer(result)):
                continue
            if not self.redact:
                return Finding(rule)
            first = first or rule
            result = pattern.sub(_hiding(rule, holds), result)
        return Finding(first, result) if first else None

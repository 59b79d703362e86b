"""The names under which the model is served, each with its prompts and policies: a TOML file, or one by default.

[models.reviewer]
system = "You review floor plans."       # before the client's own system message
prompt = "{text} Answer in one sentence." # around the last question; braces of the question stay as they are
chat_template = "studio"
input = ["no-personal-data"]
output = ["no-personal-data", "secrets"]

[policies.no-personal-data]
personal = ["email", "phone", "card", "iban"]
redact = true

[policies.secrets]
keywords = ["Project Aurora"]
patterns = { ticket = "TICKET-[0-9]+" }

[audit]
content = false
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vlm.chat import Message
from vlm.errors import CheckpointError, InputError

from .policy import PERSONAL, Policy, Rules

if TYPE_CHECKING:
    from vlm.assistant import Assistant
    from vlm.processor import Processor

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$")]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Model(_Closed):
    system: str = ""
    prompt: str = "{text}"
    chat_template: str = ""
    input: list[str] = []
    output: list[str] = []


class _Rules(_Closed):
    keywords: list[Annotated[str, Field(min_length=1)]] = []
    patterns: dict[str, str] = {}
    personal: list[str] = []
    redact: bool = False


class _Audit(_Closed):
    content: bool = False


class _File(_Closed):
    models: Annotated[dict[Name, _Model], Field(min_length=1)]
    policies: dict[str, _Rules] = {}
    audit: _Audit = _Audit()


@dataclass(frozen=True)
class ServedModel:
    """One name. `quote`: whether audit lines quote what they are about."""

    name: str
    processor: Processor
    system: str = ""
    prompt: str = "{text}"
    input: tuple[Policy, ...] = ()
    output: tuple[Policy, ...] = ()
    quote: bool = False

    def dressed(self, messages: list[Message]) -> list[Message]:
        """With the operator's system prompt in front, and the last question in its template.

        `messages` end with the user's, and have lists of parts as content.
        """
        if self.system:
            own = {"role": "system", "content": [{"type": "text", "text": self.system}]}
            if messages[0]["role"] == "system":
                said = "".join(part["text"] for part in messages[0]["content"])
                own["content"] = [{"type": "text", "text": f"{self.system}\n\n{said}"}]
                messages = messages[1:]
            messages = [own, *messages]
        before, _, after = self.prompt.partition("{text}")
        *earlier, last = messages
        return [*earlier, {**last, "content": _framed(last["content"], before, after)}]


def _framed(parts: list[dict[str, Any]], before: str, after: str) -> list[dict[str, Any]]:
    """The parts with words before their first text and after their last."""
    framed = list(parts)
    places = [place for place, part in enumerate(parts) if part["type"] == "text"]
    if not places and before + after:  # the question is a sound
        return [*framed, {"type": "text", "text": before + after}]
    for place, (front, back) in [(places[0], (before, "")), (places[-1], ("", after))] if places else []:
        framed[place] = {"type": "text", "text": front + framed[place]["text"] + back}
    return framed


def served_models(
    assistant: Assistant, config: Path | None = None, policies: Mapping[str, Policy] | None = None
) -> dict[str, ServedModel]:
    """By name.

    Args:
        policies: of the caller's own making, by the names that the file uses.

    Raises:
        InputError: the file cannot be used; the message names the place.
    """
    if config is None:
        name = re.sub(r"[^A-Za-z0-9._:/-]", "-", assistant.config.name) or "model"
        return {name: ServedModel(name, assistant.processor)}
    try:
        file = _File.model_validate(tomllib.loads(config.read_text("utf-8")))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise _bad(config, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _bad(config, f"not valid TOML ({error})") from None
    known = {name: _rules(config, name, rules) for name, rules in file.policies.items()} | dict(policies or {})
    return {name: _served(assistant, config, name, model, known, file.audit.content)
            for name, model in file.models.items()}  # fmt: skip


def _served(
    assistant: Assistant, config: Path, name: str, model: _Model, known: Mapping[str, Policy], quote: bool
) -> ServedModel:
    if missing := sorted({*model.input, *model.output} - set(known)):
        raise _bad(config, f"models.{name}: there is no policy {missing[0]!r}")
    if model.prompt.count("{text}") != 1:
        raise _bad(config, f"models.{name}.prompt: must hold {{text}} once")
    processor = assistant.processor
    if model.chat_template:
        from vlm.processor import Processor

        try:
            processor = Processor(replace(assistant.config, chat_template=model.chat_template), processor.tokenizer)
        except CheckpointError as error:
            raise _bad(config, f"models.{name}.chat_template: {error}") from None
    input_, output = (tuple(known[policy] for policy in names) for names in (model.input, model.output))
    return ServedModel(name, processor, model.system, model.prompt, input_, output, quote)


def _rules(config: Path, name: str, rules: _Rules) -> Policy:
    if unknown := sorted(set(rules.personal) - set(PERSONAL)):
        raise _bad(config, f"policies.{name}.personal: {unknown[0]!r} is not one of {', '.join(PERSONAL)}")
    try:
        made: Any = Rules(name, tuple(rules.keywords), rules.patterns, tuple(rules.personal), rules.redact)
    except re.error as error:
        raise _bad(config, f"policies.{name}.patterns: {error}") from None
    return made


def _bad(config: Path, reason: str) -> InputError:
    return InputError(f"{config}: {reason}", "bad_config")

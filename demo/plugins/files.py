"""From files and options as they are typed to the fields of a skill: whoever has names instead of JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from vlm.errors import InputError
from vlm.media import image_format

from .skill import FieldError, MediaField, Skill

Run = tuple[list[Path], dict[str, Any]]
"""The files of one call, and the fields that hold them."""


def assigned(skill: Skill[Any, Any], files: Sequence[Path]) -> list[Run]:
    """The calls that these files make.

    Fields for one picture or sound take a file each, in order, and again until none is left; lists take all.
    Where a skill takes both pictures and sounds, the content of a file tells which it is.

    Raises:
        InputError: too few or too many files.
    """
    singles = [field for field in skill.media if not field.many]
    lists = [field for field in skill.media if field.many]
    if not skill.media and files:
        raise InputError(f"{skill.name} takes no files", "bad_option")
    if lists or not singles:
        taken: dict[str, Any] = {field.name: [] for field in lists}
        for file in files:
            taken[_home(lists, file).name].append(file)
        return [(list(files), {name: found for name, found in taken.items() if found})]
    if not files or len(files) % len(singles):
        names = " and ".join(field.name for field in singles)
        wanted = "1 file" if len(singles) == 1 else f"{len(singles)} files"
        raise InputError(f"{skill.name} takes {wanted} at a time ({names}), got {len(files)}", "bad_option")
    calls = []
    for start in range(0, len(files), len(singles)):
        some = list(files[start : start + len(singles)])
        calls.append((some, {field.name: file for field, file in zip(singles, some, strict=True)}))
    return calls


def _home(lists: Sequence[MediaField], file: Path) -> MediaField:
    kind = "image" if image_format(file) else "audio"
    return next((field for field in lists if field.kind == kind), lists[0])


def options_of(skill: Skill[Any, Any], options: Sequence[str]) -> dict[str, Any]:
    """`key=value` -> fields. A value is text where the field takes text, else JSON (5, true, null, [1, 2]).

    Raises:
        FieldError: no such field, named twice, or no value.
    """
    media = {field.name for field in skill.media}
    known = {name: field for name, field in skill.input_model.model_fields.items() if name not in media}
    found: dict[str, Any] = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals:
            raise FieldError("bad_option", key, "must be KEY=VALUE")
        if key not in known:
            raise FieldError("unknown_field", key, f"is no option of {skill.name}; it has {', '.join(known) or 'none'}")
        if key in found:
            raise FieldError("bad_option", key, "is given twice")
        found[key] = value if _takes_text(known[key].annotation) else _literal(value)
    return found


def _takes_text(annotation: Any) -> bool:
    return annotation is str or any(_takes_text(inner) for inner in get_args(annotation) if not isinstance(inner, str))


def _literal(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value

"""Which skills there are: ours, and those that other packages offer by the entry-point group `vlm.skills`."""

from __future__ import annotations

import inspect
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from pydantic import BaseModel

from vlm.errors import one_line

from .alt_text import AltText
from .ask import Ask
from .caption import Caption
from .chart_data import ChartData
from .compare import Compare
from .contrast import Contrast
from .critique import Critique
from .floor_plan import FloorPlan
from .palette import Palette
from .skill import NAME, Skill
from .transcribe import Transcribe
from .wireframe import Wireframe

logger = logging.getLogger(__name__)

GROUP = "vlm.skills"
OURS: tuple[type[Skill[Any, Any]], ...] = (
    AltText,
    Ask,
    Caption,
    Transcribe,
    Palette,
    Contrast,
    Compare,
    Critique,
    Wireframe,
    FloorPlan,
    ChartData,
)


@dataclass(frozen=True)
class LeftOut:
    """A skill of somebody else's that cannot be used, by the name of its entry point. `reason` is ours to tell."""

    name: str
    reason: str


class Skills(Mapping[str, Skill[Any, Any]]):
    """By name, ours first."""

    def __init__(self, found: Mapping[str, Skill[Any, Any]], left_out: Iterable[LeftOut] = ()) -> None:
        self._found, self.left_out = dict(found), tuple(left_out)

    def __getitem__(self, name: str) -> Skill[Any, Any]:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def lines(self) -> Iterator[str]:
        """For people: the skills with their fields, and those of others that cannot be used."""
        for name, one in self.items():
            yield f"{name}: {one.description}"
            media = {field.name: field for field in one.media}
            for field, about in one.input_model.model_fields.items():
                if field in media:
                    kind = "picture" if media[field].kind == "image" else "sound"
                    yield f"    {field}: {kind}{'s' if media[field].many else ''}"
                else:
                    need = "" if about.is_required() else f" (default {json.dumps(about.get_default(), default=str)})"
                    yield f"    -o {field}=... {about.description or ''}{need}"
        for left in self.left_out:
            yield f"left out: {left.name}: {left.reason}"


def skills(others: Iterable[EntryPoint] | None = None) -> Skills:
    """Ours and, of installed packages, all that can be used; what cannot is logged and left out.

    Args:
        others: in place of the installed packages' entry points.
    """
    found: dict[str, Skill[Any, Any]] = {one.name: one() for one in OURS}
    left_out = []
    listed = entry_points(group=GROUP) if others is None else others
    for entry in sorted(listed, key=lambda entry: (entry.name, entry.value)):
        try:
            skill = _checked(entry.load(), found)
            found[skill.name] = skill
        except _Unusable as unusable:
            left_out.append(LeftOut(one_line(entry.name, 100), str(unusable)))
            logger.warning("skill %r is left out: %s", entry.name, unusable)
        except (Exception, SystemExit) as error:  # whatever importing somebody's code can do
            left_out.append(LeftOut(one_line(entry.name, 100), f"it cannot be loaded ({type(error).__name__})"))
            logger.warning("skill %r is left out: it cannot be loaded", entry.name, exc_info=error)
    return Skills(found, left_out)


class _Unusable(Exception):
    """Why, in words of ours."""


def _checked(loaded: Any, taken: Mapping[str, Any]) -> Skill[Any, Any]:
    """What an entry point led to, as a skill with everything that the doors rely on."""
    if not (inspect.isclass(loaded) and issubclass(loaded, Skill)):
        raise _Unusable("it is no subclass of demo.plugins.skill.Skill")
    if inspect.isabstract(loaded):
        raise _Unusable("it has no method run")
    name = getattr(loaded, "name", None)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise _Unusable("its name must be lower-case letters, digits and underscores")
    if name in taken:
        raise _Unusable(f"there is a skill {name} already")
    if not isinstance(description := getattr(loaded, "description", None), str) or not description.strip():
        raise _Unusable("it has no description")
    for attribute in ("input_model", "output_model"):
        model = getattr(loaded, attribute, None)
        if not (inspect.isclass(model) and issubclass(model, BaseModel)):
            raise _Unusable(f"its {attribute} is no pydantic model")
    if loaded.input_model.model_config.get("extra") != "forbid":
        raise _Unusable("its input_model accepts unknown fields; derive it from SkillInput")
    loaded.input_model.model_json_schema()  # what cannot be described cannot be offered
    loaded.output_model.model_json_schema()
    return loaded()

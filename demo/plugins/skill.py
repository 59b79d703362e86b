"""What a skill is: a name, a sentence, what it takes, what it gives, and how. The doors are elsewhere.

    class Greeting(Skill[Given, Greeted]):
        name, description = "greeting", "Says hello to whoever is in a picture."
        input_model, output_model = Given, Greeted

        def run(self, assistant: Answering, given: Given) -> Greeted: ...

Every door (`vlm skill`, /v1/skills, the page, MCP) brings the fields of the input as plain values and calls the skill;
pictures and sounds are opened here, by the one function that opens them, under the door's limits.
"""

from __future__ import annotations

import logging
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, Literal, NoReturn, TypeVar, get_args, get_origin

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from vlm.answering import Answering
from vlm.errors import InputError, MediaError, RequestFailedError, VlmError, one_line
from vlm.media import LOCAL_LIMITS, SAMPLE_RATE, MediaLimits, load_audio, load_image

logger = logging.getLogger(__name__)

NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
MAX_DATA_URL = 36_000_000
"""Characters: of a sound of 25 MB in base64, and some."""


class FieldError(InputError):
    """A field of a skill's input is wrong. `param` names it, as in `images[1]`; empty for the input as a whole."""

    def __init__(self, code: str, param: str, reason: str) -> None:
        super().__init__(one_line(f"{param or 'the input'}: {reason}"), code)
        self.param = param


class SkillInput(BaseModel):
    """What a skill takes: a closed model. Fields that are `Picture` or `Sound` arrive opened."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)


class SkillOutput(BaseModel):
    """What a skill gives: values, each with where it comes from."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


# --- pictures and sounds ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Medium:
    """Makes a field one that is opened. A string is a `data:` URL with base64 and never a path: strings come from
    elsewhere. Doors on this machine give a `Path`, bytes, a picture, or (samples, rate).
    """

    kind: Literal["image", "audio"]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.with_info_plain_validator_function(self._opened)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        what = "picture" if self.kind == "image" else "sound"
        return {
            "type": "string", "format": "data-url", "pattern": f"^data:{self.kind}/[A-Za-z0-9.+-]{{1,40}};base64,",
            "maxLength": MAX_DATA_URL, "description": f"A {what}: data:{self.kind}/...;base64,...",
        }  # fmt: skip

    def _opened(self, value: Any, info: core_schema.ValidationInfo) -> Any:
        if isinstance(value, str) and not re.match(rf"data:{self.kind}/[a-z0-9.+-]{{1,40}};base64,", value, re.I):
            raise MediaError(f"bad_{self.kind}", self.kind, f"must be a data URL, data:{self.kind}/...;base64,...")
        # load_image and load_audio name a path by itself; all else is named by its field, where the error is caught
        limits = (info.context or {}).get("limits", LOCAL_LIMITS)
        if self.kind == "image":
            if isinstance(value, str | os.PathLike | bytes | Image.Image | np.ndarray):
                return load_image(value, limits=limits)
            raise MediaError("bad_image", "image", "is no picture")
        if isinstance(value, str | os.PathLike | bytes | tuple):
            return load_audio(value, limits=limits), SAMPLE_RATE
        raise MediaError("bad_audio", "audio", "is no sound")


Picture = Annotated[Image.Image, Medium("image")]
"""Arrives upright, RGB, without metadata."""
Sound = Annotated[tuple[np.ndarray, int], Medium("audio")]
"""Arrives as (samples, rate): float32 (n,) mono within -1..1, 16 kHz."""


@dataclass(frozen=True)
class MediaField:
    """A field for pictures ("image") or sounds ("audio"); `many`: a list of them."""

    name: str
    kind: Literal["image", "audio"]
    many: bool
    required: bool


# --- claims ----------------------------------------------------------------------------------------------------------

Source = Literal["measured", "model"]
"""Measured from pixels or samples, or said by the model."""
Confidence = Annotated[
    float | None,
    Field(ge=0, le=1, description="Geometric mean of the probabilities that the model gives the tokens of its own "
                                  "answer; null where the backend cannot tell, or nothing was asked."),
]  # fmt: skip


class Box(BaseModel):
    """Pixels of the picture as given, after its EXIF rotation; origin top left."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    x: Annotated[int, Field(ge=0)]
    y: Annotated[int, Field(ge=0)]
    width: Annotated[int, Field(ge=1)]
    height: Annotated[int, Field(ge=1)]


class Claim(BaseModel):
    """A value and where it comes from."""

    model_config = ConfigDict(extra="forbid")

    value: str
    source: Source
    confidence: Confidence = None


# --- the skill itself ------------------------------------------------------------------------------------------------

I = TypeVar("I", bound=BaseModel)  # noqa: E741 - input
O = TypeVar("O", bound=BaseModel)  # noqa: E741 - output


class Skill(ABC, Generic[I, O]):
    """Subclasses say what the class attributes are, and `run`. Called from several threads at once: it has no state.

    name: lower-case letters, digits, underscores. description: one sentence.
    """

    name: ClassVar[str]
    description: ClassVar[str]
    input_model: type[I]
    output_model: type[O]

    @abstractmethod
    def run(self, assistant: Answering, given: I) -> O:
        """Does it. Raises `VlmError` for what cannot be done; its words are shown to whoever asked."""

    def __call__(self, assistant: Answering, fields: Mapping[str, Any], *, limits: MediaLimits = LOCAL_LIMITS) -> O:
        """Reads the fields, runs; the one way for every door.

        Raises:
            FieldError, MediaError: a field cannot be used. RequestFailedError: the skill failed in a way that is
                nobody's input; the log has it. Other VlmError: as `run`.
        """
        given = self.read(fields, limits)
        try:
            output = self.run(assistant, given)
            if not isinstance(output, self.output_model):
                raise TypeError(f"{self.name} gave {type(output).__name__}, not {self.output_model.__name__}")
            return output
        except VlmError:
            raise
        except Exception as error:  # a skill may be anybody's code
            logger.error("skill %s failed", self.name, exc_info=error)
            raise RequestFailedError from error

    def read(self, fields: Mapping[str, Any], limits: MediaLimits = LOCAL_LIMITS) -> I:
        """The input, its pictures and sounds opened under `limits`. Raises as calling does."""
        try:
            return self.input_model.model_validate(fields, context={"limits": limits})
        except ValidationError as error:
            _refuse(error)

    def lines(self, output: O) -> Iterator[str]:
        """The output for people, line by line; a skill may have a better way."""
        yield from _told(output.model_dump(mode="json"))

    @property
    def media(self) -> tuple[MediaField, ...]:
        """The fields for pictures and sounds, in their order."""
        found = []
        for name, field in self.input_model.model_fields.items():
            for medium, many in _media_in(field.annotation, *field.metadata):
                found.append(MediaField(name, medium.kind, many, field.is_required()))
        return tuple(found)


def _media_in(*annotations: Any, many: bool = False) -> Iterator[tuple[Medium, bool]]:
    """What an annotation says of pictures and sounds, with whether it is in a list."""
    for one in annotations:
        if isinstance(one, Medium):
            yield one, many
        yield from _media_in(*get_args(one), many=many or get_origin(one) is list)


def _refuse(error: ValidationError) -> NoReturn:
    """One of pydantic's complaints, in words of ours or templates over our bounds."""
    first = max(error.errors(include_url=False), key=lambda one: len(one["loc"]))
    param = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in first["loc"]).lstrip(".")[:200]
    reason = (first.get("ctx") or {}).get("error")
    if isinstance(reason, MediaError):
        named = param if reason.name in ("image", "audio") else reason.name
        raise MediaError(reason.code, named, reason.reason) from None
    if isinstance(reason, VlmError):
        raise FieldError(reason.code, param, str(reason)) from None
    match first["type"]:
        case "missing":
            raise FieldError("invalid_value", param, "is required") from None
        case "extra_forbidden":
            raise FieldError("unknown_field", param, "is not a known field") from None
        case "value_error" | "assertion_error":  # the words of somebody's validator
            raise FieldError("invalid_value", param, "is not accepted") from None
    raise FieldError("invalid_value", param, first["msg"]) from None


def _told(value: Any, indent: str = "") -> Iterator[str]:
    """JSON for people: what holds only plain values on one line, claims with their source, empty values left out."""
    if isinstance(value, dict):
        if (line := _on_one_line(value)) is not None:
            yield indent + line
            return
        for key, inner in value.items():
            if inner in (None, "", [], {}):
                continue
            lines = list(_told(inner, indent + "  "))
            yield from [f"{indent}{key}: {lines[0].strip()}"] if len(lines) == 1 else [f"{indent}{key}:", *lines]
    elif isinstance(value, list):
        for inner in value:
            lines = list(_told(inner, indent + "  "))
            yield f"{indent}- {lines[0].strip()}" if lines else f"{indent}-"
            yield from lines[1:]
    else:
        yield f"{indent}{value}"


def _on_one_line(value: Mapping[str, Any]) -> str | None:
    """None where it holds lists, or claims within claims."""
    if set(value) == {"x", "y", "width", "height"}:
        return f"{value['width']} x {value['height']} at {value['x']}, {value['y']}"
    if set(value) <= {"value", "text", "source", "confidence"} and "source" in value:
        return f"{value.get('value', value.get('text'))}{_origin(value)}"
    parts = []
    for key, inner in value.items():
        if isinstance(inner, list) or (isinstance(inner, dict) and (inner := _on_one_line(inner)) is None):
            return None
        if key not in ("source", "confidence") and inner not in (None, ""):
            parts.append(f"{key} {inner}")
    return "; ".join(parts) + (_origin(value) if "source" in value else "")


def _origin(claim: Mapping[str, Any]) -> str:
    confidence = claim.get("confidence")
    return f"  ({claim['source']}{'' if confidence is None else f', {confidence:.2f}'})"

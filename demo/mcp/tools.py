"""Skills as MCP has tools: how they are described, what their arguments become, what their results look like."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mcp_types import CallToolResult, TextContent, Tool, ToolAnnotations
from pydantic import BaseModel

from demo.plugins.skill import MediaField, Skill
from demo.serving.errors import as_api_error
from demo.serving.logs import logger

from .roots import Roots

AnySkill = Skill[Any, Any]


def described(skill: AnySkill) -> Tool:
    """As it is listed. A picture or a sound may be a path or content beside the data URL that a skill knows."""
    schema = skill.input_model.model_json_schema()
    for field in skill.media:
        schema["properties"][field.name] = _opened(schema["properties"][field.name], field)
    return Tool(
        name=skill.name, description=skill.description, input_schema=schema,
        output_schema=skill.output_model.model_json_schema(mode="serialization"),
        annotations=ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False),
    )  # fmt: skip


def _opened(schema: Any, field: MediaField) -> Any:
    """The schema with each data URL in it replaced by everything that this door takes."""
    if isinstance(schema, list):
        return [_opened(one, field) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") != "data-url":
        return {key: _opened(value, field) for key, value in schema.items()}
    what = {"image": "picture", "audio": "sound"}[field.kind]
    named = f"A {what}: a path or file:// URI below the client's roots, or data:{field.kind}/...;base64,..."
    block = {
        "type": "object", "description": f"A {what} as content", "required": ["type", "data"],
        "properties": {
            "type": {"const": field.kind}, "data": {"type": "string", "description": "base64"},
            "mimeType": {"type": "string"},
        },
    }  # fmt: skip
    return {"anyOf": [{"type": "string", "description": named}, block], "description": named}


def names_files(skill: AnySkill, arguments: Mapping[str, Any]) -> bool:
    """Whether an argument is a path, for which roots are needed."""
    return any(_is_path(one) for field in skill.media for one in _listed(arguments.get(field.name)))


def fields(skill: AnySkill, arguments: Mapping[str, Any], roots: Roots) -> dict[str, Any]:
    """The skill's fields: its pictures and sounds as paths below `roots`, or data URLs.

    Raises:
        InputError: a path is outside.
    """
    found = dict(arguments)
    for field in skill.media:
        given = arguments.get(field.name)
        if isinstance(given, list):
            found[field.name] = [_medium(field, one, roots) for one in given]
        elif given is not None:
            found[field.name] = _medium(field, given, roots)
    return found


def _medium(field: MediaField, given: Any, roots: Roots) -> Any:
    """What is neither a path nor content of the field's kind is left to the skill, which refuses it."""
    if _is_path(given):
        return roots.file(given)
    if isinstance(given, dict) and given.get("type") == field.kind and isinstance(given.get("data"), str):
        return f"data:{field.kind}/any;base64,{given['data']}"  # the bytes decide what it is
    return given


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _is_path(given: Any) -> bool:
    return isinstance(given, str) and given.lstrip()[:5].lower() != "data:"


def succeeded(output: BaseModel) -> CallToolResult:
    """The output as it is structured and, for clients that know no such thing, as its JSON."""
    value = output.model_dump(mode="json")
    return CallToolResult(content=[_text(json.dumps(value, ensure_ascii=False))], structured_content=value)


def failed(error: Exception) -> CallToolResult:
    """For the model behind the client: it may do better next time. The words are those of every client of ours."""
    told = as_api_error(error)
    if told.status_code == 500:
        logger.error("a tool failed", exc_info=error)
    return CallToolResult(content=[_text(f"error [{told.code}]: {told.message}")], is_error=True)


def _text(text: str) -> TextContent:
    return TextContent(type="text", text=text)

"""Skills: a form for each, made from its own schema, so that those of other packages have theirs; results as tables."""

from __future__ import annotations

import html
import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from demo.plugins.catalogue import Skills, skills
from demo.plugins.skill import FieldError, MediaField, Skill
from demo.plugins.watched import watched
from vlm.answering import Answering
from vlm.media import SAMPLE_RATE, load_audio, load_image

from . import results
from .chat import SOUNDS, excuse
from .theme import markup

Values = Callable[..., Iterator[tuple[Any, ...]]]


def build(assistant: Answering, concurrency: int, found: Skills | None = None) -> None:
    """The tab. Inside `gr.Blocks`; the endpoints are `/skill_NAME`, their parameters the skill's fields.

    Args:
        found: in place of those that there are.
    """
    found = skills() if found is None else found
    gr.Markdown(
        "Each value says where it comes from: measured from the picture, or said by the model, which can be wrong; "
        "its confidence is the model's own.", elem_classes="quiet",
    )  # fmt: skip
    choice = gr.Dropdown([(_title(name), name) for name in found], label="Skill", elem_id="skill", filterable=False)
    groups, buttons = [], []
    for number, skill in enumerate(found.values()):
        with gr.Column(visible=number == 0, elem_id=f"form-{skill.name}") as group:
            gr.Markdown(skill.description)
            inputs = [_component(one) for one in form(skill)]
            buttons.append((skill, inputs, gr.Button("Run", variant="primary", size="md")))
        groups.append(group)
    for out in found.left_out:
        gr.Markdown(f"Left out: {html.escape(out.name)}: {html.escape(out.reason)}", elem_classes="quiet")
    stop = gr.Button("Stop", size="sm")
    outputs = [markup(elem_id="skill-status"), markup(elem_id="skill-picture"), markup(elem_id="skill-result")]
    with gr.Accordion("JSON", open=False):
        outputs.append(gr.JSON(show_label=False, elem_id="skill-json"))
    running = [
        button.click(
            runs(assistant, skill), inputs, outputs, api_name=f"skill_{skill.name}", concurrency_limit=concurrency,
            concurrency_id="generation", show_progress="hidden",
        )
        for skill, inputs, button in buttons
    ]  # fmt: skip
    stop.click(None, cancels=running, api_visibility="private")
    choice.change(
        lambda name: [gr.update(visible=one == name) for one in found], choice, groups, api_visibility="private",
        show_progress="hidden",
    )  # fmt: skip


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


# --- forms -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Entry:
    """A field of a form: what its schema says, without what only a program needs.

    kind: image, audio, choice, integer, number, boolean, text; json for all that has no control of its own.
    needed: without it the skill is not run.
    """

    name: str
    kind: str
    label: str
    about: str
    default: Any
    needed: bool = False
    many: bool = False
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] = ()


def form(skill: Skill[Any, Any]) -> list[Entry]:
    """The skill's fields, in their order."""
    schema = skill.input_model.model_json_schema()
    media = {field.name: field for field in skill.media}
    entries = (
        _entry(name, one, media.get(name), schema.get("$defs", {})) for name, one in schema["properties"].items()
    )
    return [replace(one, needed=one.name in schema.get("required", ())) for one in entries]


def _entry(name: str, schema: Mapping[str, Any], medium: MediaField | None, shared: Mapping[str, Any]) -> Entry:
    about = "" if medium else schema.get("description", "")
    default, label = schema.get("default"), schema.get("title", _title(name))
    if medium is not None:
        return Entry(name, medium.kind, label, about, None, many=medium.many)
    kinds = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    shape = kinds[0] if len(kinds) == 1 else {}
    shape = shared.get(shape.get("$ref", "").rpartition("/")[2], shape)
    if "enum" in shape:
        return Entry(name, "choice", label, about, default, choices=tuple(shape["enum"]))
    kind = {"string": "text"}.get(shape.get("type", ""), shape.get("type", ""))
    empty = kind in ("integer", "number") and default is None  # gradio's field of numbers makes a 0 of nothing
    if empty or kind not in ("integer", "number", "boolean", "text"):
        return Entry(
            name, "json", label, about or ("" if empty else "as JSON"), None if default is None else json.dumps(default)
        )
    return Entry(name, kind, label, about, default, low=shape.get("minimum"), high=shape.get("maximum"))


def _component(entry: Entry) -> Any:
    shared: dict[str, Any] = {"label": entry.label, "value": entry.default}
    about = {"info": entry.about or None}
    match entry.kind:
        case "image" | "audio":
            kinds = ["image"] if entry.kind == "image" else ["audio", *SOUNDS]
            return gr.File(file_count="multiple" if entry.many else "single", file_types=kinds, height=120, **shared)
        case "choice":
            return gr.Dropdown([*entry.choices], **shared, **about)
        case "integer" | "number":
            precision = 0 if entry.kind == "integer" else None
            return gr.Number(precision=precision, minimum=entry.low, maximum=entry.high, **shared, **about)
        case "boolean":
            return gr.Checkbox(**shared, **about)
    return gr.Textbox(lines=2, max_lines=8, **shared, **about)


def fields(entries: Sequence[Entry], values: Sequence[Any]) -> dict[str, Any]:
    """What a form holds -> the skill's fields. What is left empty is left out; files are opened, by their own names.

    Raises:
        MediaError, FieldError
    """
    found: dict[str, Any] = {}
    for entry, value in zip(entries, values, strict=True):
        if value is None or value == []:
            continue
        if entry.kind in ("image", "audio"):
            files = [_opened(entry.kind, Path(one)) for one in (value if isinstance(value, list) else [value])]
            found[entry.name] = files if entry.many else files[0]
        elif entry.kind == "json":
            if value.strip():
                found[entry.name] = _parsed(entry.name, value)
        else:
            found[entry.name] = value
    return found


def _opened(kind: str, path: Path) -> Any:
    return load_image(path, name=path.name) if kind == "image" else (load_audio(path, name=path.name), SAMPLE_RATE)


def _parsed(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise FieldError("invalid_value", name, "is not JSON") from None


# --- runs ------------------------------------------------------------------------------------------------------------


def runs(assistant: Answering, skill: Skill[Any, Any]) -> Values:
    """What the button does: yields (status, picture with boxes, tables, JSON), again and again until it is done."""
    entries = form(skill)
    single = [one.name for one in entries if one.kind == "image" and not one.many]

    def run(*values: Any) -> Iterator[tuple[Any, ...]]:
        try:
            given = fields(entries, values)
            pictures = [given[name] for name in single if name in given]
            for step in watched(skill, assistant, given):
                if isinstance(step, int):
                    yield f"<progress></progress><p class='quiet'>{_counted(step)}</p>", "", "", None
                    continue
                output = step.model_dump(mode="json")
                pictures = [
                    given[one.name] for one in entries if one.kind == "image" and not one.many and one.name in given
                ]
                boxes = list(results.boxes(output))
                drawn = results.drawn(pictures[-1], boxes) if pictures else ""
                yield "", drawn, results.sheet(output), output
        except Exception as error:
            yield f"<p class='quiet'>{html.escape(excuse(error))}</p>", "", "", None

    kind, needed = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.empty
    parameters = [inspect.Parameter(one.name, kind, default=needed if one.needed else one.default) for one in entries]
    run.__name__, run.__doc__ = f"skill_{skill.name}", skill.description
    setattr(run, "__signature__", inspect.Signature(parameters))  # noqa: B010 - the parameters of the endpoint
    return run


def _counted(answers: int) -> str:
    return "The model looks…" if not answers else f"{answers} answer{'s' if answers > 1 else ''} so far…"

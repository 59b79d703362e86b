"""A chat template of ours as Jinja, which Hugging Face's tokenizers, vLLM and llama.cpp read."""

from __future__ import annotations

import json

from .chat import ChatTemplate, Pieces

_TEXT = """
{%- macro text(message) -%}
  {%- if message['content'] is string -%}{{ message['content'] }}
  {%- else -%}
  {%- for part in message['content'] if part['type'] == 'text' -%}{{ part['text'] }}{%- endfor -%}
  {%- endif -%}
{%- endmacro -%}
"""


# Where each picture stands, llama.cpp and its Python bindings put a marker into the text before they render:
# `<__media__>`, or with random letters `<__media_abc__>`. What follows is read as what stands between pictures.
_MARKED = """
{%- macro pictures(text) -%}
  {%- for piece in text.split('<__media')[1:] -%}{{ '<__media' + piece.split('__>')[0] + '__>' + SUFFIX }}{%- endfor -%}
{%- endmacro -%}
{%- macro words(text) -%}
  {%- for piece in text.split('<__media') -%}
    {%- if loop.first -%}{%- if piece -%}{{ PREFIX + piece }}{%- endif -%}
    {%- elif piece.split('__>')[1:] | join('__>') -%}{{ PREFIX + (piece.split('__>')[1:] | join('__>')) }}{%- endif -%}
  {%- endfor -%}
{%- endmacro -%}
{%- macro mixed(text) -%}
  {%- for piece in text.split('<__media') -%}
    {%- if loop.first -%}{{ words(piece) }}
    {%- else -%}{{ pictures('<__media' + piece) + words('<__media' + piece) }}{%- endif -%}
  {%- endfor -%}
{%- endmacro -%}
"""


def as_jinja(template: ChatTemplate, image_token: str | None, system_prompt: str = "") -> str:
    """Renders a conversation to the text that `vlm.chat.render` renders.

    Args:
        image_token: what each image becomes. None: pictures are llama.cpp's markers in the text already.
    """
    system = system_prompt or template.default_system
    if image_token is None:
        macros = _MARKED.replace("SUFFIX", _quoted(template.media_suffix)).replace(
            "PREFIX", _quoted(template.text_prefix)
        )
        said, parts = _marked(template)
    else:
        macros = ""
        said = [f"{{{{- {_quoted(template.text_prefix)} + message['content'] -}}}}"]
        parts = _parts(template, image_token + template.media_suffix)
    lines = [
        _TEXT,
        macros,
        f"{{%- set ns = namespace(system={_quoted(system)}, block='') -%}}",
        "{%- set said = messages -%}",
        "{%- if messages[0]['role'] == 'system' -%}"
        "{%- set ns.system = text(messages[0]) -%}{%- set said = messages[1:] -%}{%- endif -%}",
        _out(_joined(template.begin)),
        "{%- if ns.system -%}{%- set ns.block = "
        f"{_quoted(_joined(template.system[0]) + template.text_prefix)} + ns.system + "
        f"{_quoted(_joined(template.system[1]))} -%}}{{%- endif -%}}",
    ]
    if not template.system_in_user:
        lines.append("{{- ns.block -}}{%- set ns.block = '' -%}")
    lines += [
        "{%- for message in said -%}",
        "{%- if message['role'] == 'user' -%}",
        _out(_joined(template.user[0])),
        "{{- ns.block -}}{%- set ns.block = '' -%}",
        "{%- if message['content'] is string -%}",
        *said,
        "{%- else -%}",
        *parts,
        "{%- endif -%}",
        _out(_joined(template.user[1])),
        "{%- else -%}",
        f"{{{{- {_quoted(_joined(template.assistant[0]) + template.answer_prefix)} + text(message) + "
        f"{_quoted(_joined(template.assistant[1]))} -}}}}",
        "{%- endif -%}",
        "{%- endfor -%}",
        "{%- if add_generation_prompt -%}" + _out(_joined(template.assistant[0])) + "{%- endif -%}",
    ]
    return "".join(line.strip("\n") for line in lines)


def _parts(template: ChatTemplate, image: str) -> list[str]:
    images = f"{{%- if part['type'] == 'image' -%}}{_out(image)}"
    texts = f"part['type'] == 'text' -%}}{{{{- {_quoted(template.text_prefix)} + part['text'] -}}}}{{%- endif -%}}"
    loop, end = "{%- for part in message['content'] -%}", "{%- endfor -%}"
    if template.media_first:
        return [loop, images, "{%- endif -%}", end, loop, "{%- if " + texts, end]
    return [loop, images, "{%- elif " + texts, end]


def _marked(template: ChatTemplate) -> tuple[list[str], list[str]]:
    """What is said of a content that is one text, and of one that is a list of parts."""
    macros = ("pictures", "words") if template.media_first else ("mixed",)
    said = ["{{- " + f"{macro}(message['content'])" + " -}}" for macro in macros]
    loop = "{%- for part in message['content'] if part['type'] == 'text' -%}"
    return said, [loop + "{{- " + f"{macro}(part['text'])" + " -}}{%- endfor -%}" for macro in macros]


def _joined(pieces: Pieces) -> str:
    return "".join(map(str, pieces))


def _out(text: str) -> str:
    return f"{{{{- {_quoted(text)} -}}}}" if text else ""


def _quoted(text: str) -> str:
    """A Jinja string: its escapes are JSON's."""
    return json.dumps(text, ensure_ascii=False)

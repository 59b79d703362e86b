"""A model's card: Markdown with front matter, as the Hugging Face hub shows and searches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from huggingface_hub import ModelCard, ModelCardData
from huggingface_hub.repocard import RepoCard

if TYPE_CHECKING:
    from .config import ModelConfig

Json = dict[str, Any]
LIBRARY = "vlm-studio"

_TEMPLATE = """---
{{ card_data }}
---

{{ body }}

{{ use }}
"""
_USES = {
    LIBRARY: """## Use with vlm studio

```python
import vlm

print(vlm.load("FOLDER OR HUB ID").ask("What is in the picture?", images=["photo.jpg"]).text)
```""",
    "transformers": """## Use with transformers

`AutoProcessor` and `{architecture}` load the folder as it is, and so do programs that read its layout (vLLM, SGLang).
{rest}""",
}


def front_matter(card: str) -> tuple[Json, str]:
    """What a card says in YAML at its beginning, and the rest; a block that is not YAML is part of the rest."""
    if not card.startswith("---"):  # of which the library would warn
        return {}, card
    try:
        found = RepoCard(card, ignore_metadata_errors=True)
        return found.data.to_dict(), found.text.lstrip("\n")
    except Exception:  # the parser's own, and those of whoever checks fields
        return {}, card


def licence_of(card: str) -> str:
    """As the front matter names it; empty where it does not."""
    data, _ = front_matter(card)
    found = data.get("license_name") if data.get("license") == "other" else data.get("license")
    return found if isinstance(found, str) else ""


def written_card(card: str, config: ModelConfig, parameters: dict[str, int], library: str, **use: str) -> str:
    """A README.md for the hub: what is known of the model in front, then its card; of one without, its parts.

    Args:
        card: the model's own; what its front matter says is kept.
        parameters: of each part.
        library: what reads the folder: `LIBRARY` or transformers.
        use: what the section on using it needs to know.
    """
    given, body = front_matter(card)
    tags = given.pop("tags", None)
    tags = [*(tags if isinstance(tags, list) else []), LIBRARY]
    data = ModelCardData(ignore_metadata_errors=True)
    for name, value in given.items():
        data[name] = value
    data["library_name"], data["pipeline_tag"], data["tags"] = library, pipeline_of(config), list(dict.fromkeys(tags))
    section = _USES[library].format(**use) if use else _USES[library]
    title = section.splitlines()[0]
    found: ModelCard = ModelCard.from_template(
        data, template_str=_TEMPLATE, body=body.strip() or described(config, parameters, licence_of(card)),
        use="" if title in body else section,
    )  # fmt: skip
    return f"{found.content.rstrip()}\n"


def pipeline_of(config: ModelConfig) -> str:
    """The hub's name for what the model does."""
    if config.clip is not None:
        return "image-text-to-text"
    return "audio-text-to-text" if config.whisper is not None else "text-generation"


def described(config: ModelConfig, parameters: dict[str, int], licence: str) -> str:
    """A card of what a folder itself tells, and of what it does not."""
    rows = "\n".join(f"| {part.replace('.', ': ')} | {count / 1e6:.2f} M |" for part, count in parameters.items())
    return f"""# {config.name}

A Llama decoder{" that sees" if config.clip else ""}{" that hears" if config.whisper else ""}, of \
{sum(parameters.values()) / 1e6:.1f} M parameters. Context {config.decoder.max_position_embeddings} tokens, chat \
template {config.chat_template}. Licence: {licence or "not stated"}.

| part | parameters |
|---|---|
{rows}

## Data, training, figures

The folder that this card was made from says nothing of the data and stages that the model was trained on, nor how well
it answers. Whoever publishes it should: `vlm eval` prints figures beside blind ones."""

"""Saving, loading and pushing by the names that the Hugging Face hub's libraries have for it.

Nothing here sends anything by itself: only `push_to_hub` does, and only the files of the folder that it writes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingface_hub import ModelCard, ModelHubMixin

from . import checkpoint
from .card import LIBRARY, written_card
from .errors import InputError

if TYPE_CHECKING:
    from .adapters import Adapters
    from .model import VLM
    from .processor import Processor


class Published(ModelHubMixin, library_name=LIBRARY):
    """`save_pretrained` and `push_to_hub` for a loaded model.

    The mixin's own `save_pretrained` takes config.json out of a folder before the new one is written, and its
    `from_pretrained` reads config.json before it is checked; here the folder is written in one step, and
    read by `vlm.checkpoint`.
    """

    model: VLM
    processor: Processor
    adapters: Adapters
    card: str

    def save_pretrained(
        self, save_directory: str | Path, *, config: Any = None, repo_id: str | None = None, push_to_hub: bool = False,
        model_card_kwargs: dict[str, Any] | None = None, **push_to_hub_kwargs: Any,
    ) -> str | None:  # fmt: skip
        """Writes the model folder with its card as README.md, atomically, in the type that the weights have here.

        Args:
            config, model_card_kwargs: not used: both follow from the model.
            repo_id: by default the folder's name. push_to_hub: also uploads it, and returns the address.

        Raises:
            CheckpointError: `save_directory` holds something else.
            InputError: adapters are loaded, of which the folder would know nothing.
        """
        folder = Path(save_directory)
        self._save_pretrained(folder)
        if not push_to_hub:
            return None
        return self.push_to_hub(repo_id or folder.name, **push_to_hub_kwargs)

    def _save_pretrained(self, save_directory: Path) -> None:
        if self.adapters.names:
            raise InputError(
                f"adapters are loaded ({', '.join(self.adapters.names)}): adapters.merge(undo=False) makes them part "
                "of the weights, adapters.unload() leaves the base", "bad_adapter",
            )  # fmt: skip
        checkpoint.save(
            save_directory, self.model, self.processor, extra_files={"README.md": self.generate_model_card().content}
        )

    def generate_model_card(self, *args: Any, **kwargs: Any) -> ModelCard:
        """What README.md will say."""
        config = self.processor.config
        text = written_card(self.card, config, checkpoint.parameters_of(self.model, config), LIBRARY)
        return ModelCard(text, ignore_metadata_errors=True)

"""Text <-> ids over the `tokenizers` library. Text never becomes a control id; control ids go by name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import AddedToken
from tokenizers import Tokenizer as Backend

from .errors import CheckpointError

MAX_TOKENIZER_BYTES = 64 << 20


class Tokenizer:
    """A `tokenizer.json`, with special tokens switched off while text is read."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        backend.encode_special_tokens = True  # "<|end|>" typed by a person is nine ordinary characters
        backend.no_padding()
        backend.no_truncation()

    @classmethod
    def from_file(cls, path: Path) -> Tokenizer:
        """Raises `CheckpointError` for a missing, oversized or broken file."""
        try:
            size = path.stat().st_size
            if not path.is_file():  # a pipe would block
                raise CheckpointError(f"{path.name}: not a regular file")
            if size > MAX_TOKENIZER_BYTES:
                raise CheckpointError(f"{path.name}: {size} bytes, more than the {MAX_TOKENIZER_BYTES} allowed")
            return cls(Backend.from_file(str(path)))
        except OSError as error:
            raise CheckpointError(f"{path.name}: cannot be read ({error.strerror})") from error
        except CheckpointError:
            raise
        except Exception as error:  # the library raises bare `Exception` for any malformed content
            raise CheckpointError(f"{path.name}: not a tokenizer file ({type(error).__name__})") from error

    def __len__(self) -> int:
        """One more than the highest id, which a file may number with gaps."""
        return max(self.backend.get_vocab(with_added_tokens=True).values(), default=-1) + 1

    def typable(self, token_id: int) -> bool:
        """Whether text can turn into this id: true of all but special tokens, and ids beyond the vocabulary."""
        added = self.backend.get_added_tokens_decoder().get(token_id)
        return self.backend.id_to_token(token_id) is not None and not (added is not None and added.special)

    def encode(self, text: str) -> list[int]:
        """Ordinary pieces only."""
        return self.backend.encode(well_formed(text), add_special_tokens=False).ids

    def decode(self, ids: list[int]) -> str:
        """The text of `ids`; control tokens are left out."""
        return self.backend.decode(ids, skip_special_tokens=True)

    def control(self, token: str) -> int:
        """The id of a control token. Raises `CheckpointError` where the vocabulary lacks it."""
        found = self.backend.token_to_id(token)
        if found is None:
            raise CheckpointError(f"tokenizer.json has no token {token!r}, which the chat template needs")
        return found

    def add_controls(self, tokens: Iterable[str]) -> None:
        """At the end of the vocabulary, where they are not in it yet."""
        self.backend.add_special_tokens([AddedToken(token, special=True) for token in tokens])


def well_formed(text: str) -> str:
    """Lone surrogates become U+FFFD, as they have no UTF-8 form."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

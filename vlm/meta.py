"""Llama as Meta publishes it: params.json, consolidated.NN.pth (a file for each of the processes it ran on), tokenizer.

Sources: meta-llama's `llama` (Llama 1 and 2) and `llama-models` (3 to 3.2): `model.py`, `generation.py` and the layers
of fairscale; llama.cpp's converter for the rule that tells the generations apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from . import checkpoint, foreign, weight_files
from .config import DecoderConfig, ModelConfig, RopeScaling, check_range
from .errors import CheckpointError
from .foreign_tokenizers import chat_template_of, read_tokenizer, special_ids_of
from .layouts import META_HEADS, META_SPLIT, half_rotation, meta_rows
from .tokenizer import Tokenizer

Json = dict[str, Any]
MAX_FILES = 64
PARAMS = "params.json"
_KNOWN = {
    "dim", "n_layers", "n_heads", "n_kv_heads", "vocab_size", "multiple_of", "ffn_dim_multiplier", "norm_eps",
    "rope_theta", "use_scaled_rope", "rope_scaling_factor", "rope_high_freq_factor",
}  # fmt: skip
_CONTROLS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("<|begin_of_text|>", ("<|end_of_text|>", "<|eom_id|>", "<|eot_id|>")),
    ("<s>", ("</s>",)),
)
"""What begins a text and what ends an answer: Llama 3, then 1 and 2."""


def is_meta(folder: Path) -> bool:
    return (folder / PARAMS).is_file() and not (folder / "config.json").exists()


def understood(folder: Path, *, chat_template: str | None = None, allow_pickle: bool = False) -> foreign.Foreign:
    """A folder of Meta's; the tokenizer may lie in the folder above, as in the downloads of Llama 1 and 2.

    Raises:
        CheckpointError: a number out of range, a field that is not computed here, files missing; a pickle that was not
            allowed.
    """
    parts = parts_of(folder, allow_pickle=allow_pickle)
    above = not (folder / "tokenizer.model").exists() and (folder.resolve().parent / "tokenizer.model").is_file()
    tokenizer = read_tokenizer(folder.resolve().parent if above else folder)
    decoder, told = decoder_config(
        weight_files.read_json(folder / PARAMS),
        words=len(tokenizer),
        tied="output.weight" not in next(iter(parts.values())),
    )
    source = Joined(parts, decoder)
    ids = special_ids_of(folder, _control_ids(tokenizer), tokenizer)
    template = chat_template or chat_template_of(folder, tokenizer, None)
    config = ModelConfig(decoder, ids, template, name=folder.resolve().name)
    rows = meta_rows(decoder.num_hidden_layers, tied=decoder.tie_word_embeddings)
    layout = f"Meta's, {len(parts)} file{'s' if len(parts) > 1 else ''}; {told}"
    return foreign.Foreign(
        folder, config, tokenizer, layout, lambda: foreign.assembled(source, rows, ignored=r"^rope\.freqs$")
    )


def decoder_config(params: Any, *, words: int, tied: bool) -> tuple[DecoderConfig, str]:
    """params.json -> our config, and a sentence on what the file does not tell: the length of the context.

    Args:
        words: ids of the tokenizer, which count where params.json leaves the vocabulary open (-1).

    Raises:
        CheckpointError: names the field.
    """
    if not isinstance(params, dict):
        raise CheckpointError(f"{PARAMS}: not an object")
    if odd := sorted(map(str, params.keys() - _KNOWN)):
        raise CheckpointError(f"{PARAMS}: {odd[0][:100]} is not computed here")
    given = {name: value for name, value in params.items() if value is not None}

    def number(name: str, low: float, high: float, default: float | None = None) -> Any:
        if (value := given.get(name, default)) is None:
            raise CheckpointError(f"{PARAMS}: has no {name}")
        try:
            check_range(name, value, low, high)
        except CheckpointError as error:
            raise CheckpointError(str(error).replace("config:", f"{PARAMS}:", 1)) from error
        if isinstance(low, int) and not isinstance(value, int):
            raise CheckpointError(f"{PARAMS}: {name} must be a whole number, got {value}")
        return value

    dim, heads = number("dim", 1, 1 << 15), number("n_heads", 1, 512)
    vocabulary = number("vocab_size", -1, 1 << 20, -1)
    theta, eps = number("rope_theta", 1.0, 1e12, 10000.0), number("norm_eps", 0.0, 1.0, 1e-5)
    scaling = _rope_scaling(given, number)
    length, generation = _context(given, theta, eps, scaling is not None, dim)
    decoder = DecoderConfig(
        vocab_size=vocabulary if vocabulary > 0 else words, hidden_size=dim,
        intermediate_size=feed_forward_size(
            dim, number("multiple_of", 1, 1 << 17, 256), number("ffn_dim_multiplier", 0.01, 100.0, 1.0)
        ),
        num_hidden_layers=number("n_layers", 1, 512), num_attention_heads=heads,
        num_key_value_heads=number("n_kv_heads", 1, 512, heads), head_dim=dim // heads,
        max_position_embeddings=length, rms_norm_eps=float(eps), rope_theta=float(theta), rope_scaling=scaling,
        tie_word_embeddings=tied,
    )  # fmt: skip
    return decoder, f"context {length} as in {generation}, for {PARAMS} does not tell"


def feed_forward_size(dim: int, multiple_of: int, multiplier: float) -> int:
    """Two thirds of 4 x dim, times the multiplier, up to the next multiple: `FeedForward` of Meta's `model.py`."""
    size = int(multiplier * int(2 * (4 * dim) / 3))
    return multiple_of * -(-size // multiple_of)


def _rope_scaling(given: Json, number: Any) -> RopeScaling | None:
    """Llama 3.1's, whose factor is a constant of Meta's code where params.json has none."""
    if not isinstance(scaled := given.get("use_scaled_rope", False), bool):
        raise CheckpointError(f"{PARAMS}: use_scaled_rope must be true or false")
    factor, high = number("rope_scaling_factor", 1.0, 1024.0, 8.0), number("rope_high_freq_factor", 0.001, 1024.0, 4.0)
    return RopeScaling("llama3", float(factor), 1.0, float(high), 8192) if scaled else None


def _context(given: Json, theta: float, eps: float, scaled: bool, dim: int) -> tuple[int, str]:
    """Positions, and whose they are. What tells the generations apart are numbers that each published model has."""
    if scaled:
        return 131072, "Llama 3.1 and 3.2 (use_scaled_rope)"
    if theta == 1e6:
        return 16384, "Code Llama (rope_theta 1e6)"
    if theta >= 5e5:
        return 8192, "Llama 3 (rope_theta 5e5)"
    if eps < 1e-5 or (dim == 8192 and "n_kv_heads" not in given):  # the 65B model of Llama 1 has Llama 2's norm_eps
        return 2048, "Llama 1 (norm_eps 1e-6)"
    return 4096, "Llama 2 (norm_eps 1e-5)"


def _control_ids(tokenizer: Tokenizer) -> Json:
    for begin, ends in _CONTROLS:
        if (bos := tokenizer.backend.token_to_id(begin)) is not None:
            return {"bos_token_id": bos, "eos_token_id": [tokenizer.control(end) for end in ends]}
    return {}


def parts_of(folder: Path, *, allow_pickle: bool) -> dict[str, weight_files.Pickled]:
    """consolidated.00.pth and on, none left out, by their names.

    Raises:
        CheckpointError: one is missing, or cannot be read; pickles were not allowed.
    """
    found = sorted(p.name for p in folder.glob("consolidated.*.pth"))
    wanted = [f"consolidated.{number:02d}.pth" for number in range(max(len(found), 1))]
    if missing := sorted(set(wanted) - set(found)):
        raise CheckpointError(f"{missing[0]}: missing in {folder}, which has {', '.join(found[:4]) or 'no such file'}")
    if len(found) > MAX_FILES:
        raise CheckpointError(f"{folder}: {len(found)} files consolidated.NN.pth, more than the {MAX_FILES} allowed")
    weight_files.check_pickles(found, allow_pickle)
    return {name: weight_files.Pickled([folder / name]) for name in found}


class Joined(weight_files.Source):
    """The tensors of a model that several processes held parts of, whole, in the order of our rotary pairs.

    How a matrix is split is in `layouts.META_SPLIT`; embeddings are split by width (Llama 1, 2) or by words (Llama 3),
    and what every process had (norms) must be the same in all files.

    Raises:
        CheckpointError: as `weight_files.Pickled`; files with different tensors or shapes; norms that differ.
    """

    def __init__(self, parts: dict[str, weight_files.Pickled], config: DecoderConfig) -> None:
        self.parts, self.config = list(parts.values()), config
        first = next(iter(parts))
        for file, part in parts.items():
            wanted, found = ({name: one.shape(name) for name in one} for one in (parts[first], part))
            try:
                checkpoint.check_names(wanted, found)
            except CheckpointError as error:
                raise CheckpointError(f"{file} does not go with {first}: {error}") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts[0])

    def __len__(self) -> int:
        return len(self.parts[0])

    def dtype(self, name: str) -> torch.dtype:
        return self.parts[0].dtype(name)

    def shape(self, name: str) -> torch.Size:
        sizes = list(self.parts[0].shape(name))
        axis = self._axis(name)
        if axis is not None and axis < len(sizes):
            sizes[axis] *= len(self.parts)
        return torch.Size(sizes)

    def __getitem__(self, name: str) -> Tensor:
        parts = [part[name] for part in self.parts]
        axis = self._axis(name)
        if axis is None and any(not torch.equal(part, parts[0]) for part in parts[1:]):
            raise CheckpointError(f"tensor {name!r} differs from file to file, though each process had the whole of it")
        whole = parts[0] if axis is None or len(parts) == 1 else torch.cat(parts, axis)
        heads = META_HEADS.get(_kind(name))
        return whole if heads is None else half_rotation(whole, getattr(self.config, heads))

    def _axis(self, name: str) -> int | None:
        """Along which the files hold parts of this tensor; None where each holds all of it."""
        if _kind(name) == "tok_embeddings":  # a file with a row for each word has some columns of each
            return int(self.parts[0].shape(name)[:1] == (self.config.vocab_size,))
        return META_SPLIT.get(_kind(name))


def _kind(name: str) -> str:
    """`layers.0.attention.wq.weight` -> `wq`."""
    return name.removesuffix(".weight").rpartition(".")[2]

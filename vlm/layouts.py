"""How others name and shape the parts that we have, too: tables, read in both directions.

Each row names a tensor of ours and what it is made of elsewhere. Several of theirs stand one behind
the other along the first axis of ours. `{i}` runs over the layers.

Sources: transformers' `modeling_llama`, `modeling_clip`, `modeling_whisper`, `modeling_llava(_next)`;
open_clip's `VisionTransformer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from torch import Tensor

Rows = dict[str, tuple[str, ...]]
"""Our name -> theirs."""

_NORM = ("weight", "bias")


def _each(ours: str, theirs: str, ends: Iterable[str] = _NORM) -> Iterator[tuple[str, tuple[str, ...]]]:
    for end in ends:
        yield f"{ours}.{end}", (f"{theirs}.{end}",)


def clip_rows(layers: int, ours: str = "encoders.image.visual.", theirs: str = "") -> Rows:
    """transformers' CLIP vision tower. Its query, key and value are one matrix in open_clip."""
    rows: Rows = {
        "class_embedding": ("embeddings.class_embedding",),
        "conv1.weight": ("embeddings.patch_embedding.weight",),
        "positional_embedding": ("embeddings.position_embedding.weight",),
        **dict(_each("ln_pre", "pre_layrnorm")),  # their spelling
        **dict(_each("ln_post", "post_layernorm")),
    }
    for i in range(layers):
        block, layer = f"transformer.resblocks.{i}", f"encoder.layers.{i}"
        rows |= dict(_each(f"{block}.ln_1", f"{layer}.layer_norm1"))
        for end in _NORM:
            parts = tuple(f"{layer}.self_attn.{name}_proj.{end}" for name in "qkv")
            rows[f"{block}.attn.in_proj_{end}"] = parts
        rows |= dict(_each(f"{block}.attn.out_proj", f"{layer}.self_attn.out_proj"))
        rows |= dict(_each(f"{block}.ln_2", f"{layer}.layer_norm2"))
        rows |= dict(_each(f"{block}.mlp.c_fc", f"{layer}.mlp.fc1"))
        rows |= dict(_each(f"{block}.mlp.c_proj", f"{layer}.mlp.fc2"))
    return {ours + name: tuple(theirs + t for t in parts) for name, parts in rows.items()}


def same_rows(names: Iterable[str], ours: str, theirs: str = "") -> Rows:
    """Parts that are named alike but for a prefix: the decoder, Whisper's encoder, an open_clip tower."""
    return {name: (theirs + name.removeprefix(ours),) for name in names if name.startswith(ours)}


NEWLINE = "projectors.image.newline"
LLAVA_PROJECTOR: Rows = {
    **{
        f"projectors.image.{layer}.{end}": (f"multi_modal_projector.{layer}.{end}",)
        for layer in ("linear_1", "linear_2") for end in _NORM
    },
    NEWLINE: ("image_newline",),
}  # fmt: skip


def interleaved(weight: Tensor, heads: int) -> Tensor:
    """(heads * H, C) rows of queries or keys: rotated pairs (i, i + H/2) of a head -> pairs (2i, 2i + 1).

    Hugging Face's Llama turns halves against each other, Meta's and llama.cpp's turn neighbours.
    """
    return weight.view(heads, 2, -1, weight.shape[-1]).transpose(1, 2).reshape(weight.shape)

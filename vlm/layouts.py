"""How others name and shape the parts that we have, too: tables, read in both directions.

Each row names a tensor of ours and what it is made of elsewhere. Several of theirs stand one behind
the other along the first axis of ours. `{i}` runs over the layers.

Sources: transformers' `modeling_llama`, `modeling_clip`, `modeling_whisper`, `modeling_llava(_next)`;
open_clip's `VisionTransformer`; meta-llama's `model.py`.
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
ORIGINAL_TOWER = "model.vision_tower.vision_tower.vision_model."
ORIGINAL_PROJECTOR: Rows = {
    **{
        f"projectors.image.{ours}.{end}": (f"model.mm_projector.{theirs}.{end}",)
        for ours, theirs in (("linear_1", 0), ("linear_2", 2)) for end in _NORM
    },
    NEWLINE: ("model.image_newline",),
}  # fmt: skip
"""LLaVA as its authors publish it (haotian-liu/LLaVA)."""
ULTRAVOX_TOWER = "audio_tower."
ULTRAVOX_PROJECTOR: Rows = {
    f"projectors.audio.{ours}.weight": (f"multi_modal_projector.{theirs}.weight",)
    for ours, theirs in (
        ("norm_in", "ln_pre"), ("gate_up", "linear_1"), ("norm_mid", "ln_mid"), ("out", "linear_2"),
    )
}  # fmt: skip
"""Ultravox 0.5 and later; the halves of `linear_1` stand the other way round there."""

META_SPLIT = {"wq": 0, "wk": 0, "wv": 0, "w1": 0, "w3": 0, "output": 0, "wo": 1, "w2": 1}
"""The axis along which the processes of Meta's Llama shared a matrix; norms are in each file whole."""
META_HEADS = {"wq": "num_attention_heads", "wk": "num_key_value_heads"}
"""What the rotary embedding turns: how many heads lie one below the other in its rows."""


def meta_rows(layers: int, *, tied: bool, ours: str = "decoder.") -> Rows:
    """Meta's own Llama."""
    rows: Rows = {
        "model.embed_tokens.weight": ("tok_embeddings.weight",), "model.norm.weight": ("norm.weight",),
        **({} if tied else {"lm_head.weight": ("output.weight",)}),
    }  # fmt: skip
    names = {
        "self_attn.q_proj": "attention.wq", "self_attn.k_proj": "attention.wk", "self_attn.v_proj": "attention.wv",
        "self_attn.o_proj": "attention.wo", "mlp.gate_proj": "feed_forward.w1", "mlp.up_proj": "feed_forward.w3",
        "mlp.down_proj": "feed_forward.w2", "input_layernorm": "attention_norm", "post_attention_layernorm": "ffn_norm",
    }  # fmt: skip
    for i in range(layers):
        for own, theirs in names.items():
            rows |= dict(_each(f"model.layers.{i}.{own}", f"layers.{i}.{theirs}", ["weight"]))
    return {ours + name: parts for name, parts in rows.items()}


def half_rotation(weight: Tensor, heads: int) -> Tensor:
    """(heads * H, C) rows of queries or keys: rotated pairs (2i, 2i + 1) of a head -> pairs (i, i + H/2).

    Meta's and llama.cpp's Llama turn neighbours, as complex numbers; Hugging Face's and ours the halves of a head.
    With rows in this order both turn the same pair by the same angle.
    """
    # (heads, H/2, 2, C) -> (heads, 2, H/2, C)
    return weight.reshape(heads, -1, 2, weight.shape[-1]).transpose(1, 2).reshape(weight.shape)


def interleaved(weight: Tensor, heads: int) -> Tensor:
    """The inverse of `half_rotation`."""
    # (heads, 2, H/2, C) -> (heads, H/2, 2, C)
    return weight.reshape(heads, 2, -1, weight.shape[-1]).transpose(1, 2).reshape(weight.shape)

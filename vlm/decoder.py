"""The whole Llama decoder: embeddings in, logits out.

Shapes: B rows, T new positions, S positions with the cache, D hidden_size, N attention heads,
K key-value heads, H head_dim, V vocabulary. Parameter names and half-rotation RoPE are those of
Hugging Face's `LlamaForCausalLM`, so real checkpoints load as they are.

Sources: Touvron et al. 2023 (Llama), Su et al. 2021 (RoPE), Ainslie et al. 2023 (GQA), Shazeer 2020
(SwiGLU); Chen et al. 2023 (linear scaling), "dynamic NTK" and Llama 3.1 frequency scaling as in
transformers' `modeling_rope_utils`.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import DecoderConfig, RopeScaling
from .kv_cache import Window


class RMSNorm(nn.Module):
    """Root-mean-square norm over the last axis, computed in float32."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        found = self.weight * wide.to(x.dtype)
        kind = x.device.type  # under autocast each layer that reads this would make a copy of its own
        return found.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else found


def rope_frequencies(config: DecoderConfig, length: int) -> Tensor:
    """Angular frequencies (H/2,), float32, for a sequence of `length` positions.

    Only `dynamic` depends on `length`: beyond the trained length the base grows with it.
    """
    scaling, base = config.rope_scaling, config.rope_theta
    if scaling is not None and scaling.rope_type == "dynamic":
        trained = config.max_position_embeddings
        stretch = scaling.factor * max(length, trained) / trained - (scaling.factor - 1)
        base = base * stretch ** (config.head_dim / (config.head_dim - 2))
    frequencies = 1.0 / base ** (torch.arange(0, config.head_dim, 2, dtype=torch.float32) / config.head_dim)
    if scaling is not None and scaling.rope_type == "linear":
        return frequencies / scaling.factor
    if scaling is not None and scaling.rope_type == "llama3":
        return _llama3_frequencies(frequencies, scaling)
    return frequencies


def _llama3_frequencies(frequencies: Tensor, scaling: RopeScaling) -> Tensor:
    """Long wavelengths are stretched, short ones kept, those between blended."""
    wavelengths = 2 * math.pi / frequencies
    low, high = scaling.low_freq_factor, scaling.high_freq_factor
    trained = scaling.original_max_position_embeddings
    keep = ((trained / wavelengths - low) / (high - low)).clamp(0, 1)
    return (1 - keep) * frequencies / scaling.factor + keep * frequencies


class RotaryEmbedding(nn.Module):
    """Positions (B, T) -> cosines and sines, each (B, 1, T, H), float32."""

    frequencies: Tensor

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.dynamic = config.rope_scaling is not None and config.rope_scaling.rope_type == "dynamic"
        self.fill_buffers()

    def fill_buffers(self) -> None:
        """What no checkpoint stores, on the CPU; called again for a decoder that was built on the meta device."""
        with torch.device("cpu"):
            self.register_buffer("frequencies", rope_frequencies(self.config, 0), persistent=False)

    def _apply(self, *args: Any, **kwargs: Any) -> RotaryEmbedding:
        """Moves with the model, but stays float32: bf16 frequencies turn far positions by a wrong angle."""
        super()._apply(*args, **kwargs)
        self.frequencies = rope_frequencies(self.config, 0).to(self.frequencies.device)
        return self

    def forward(self, position_ids: Tensor) -> tuple[Tensor, Tensor]:
        frequencies = self.frequencies
        if self.dynamic:  # as the reference does: one base for the batch, from its longest row
            frequencies = rope_frequencies(self.config, int(position_ids.max()) + 1).to(position_ids.device)
        angles = position_ids[:, None, :, None].float() * frequencies
        angles = torch.cat((angles, angles), dim=-1)
        return angles.cos(), angles.sin()


def rotate(x: Tensor, rope: tuple[Tensor, Tensor]) -> Tensor:
    """Rotates the pairs (i, i + H/2) of (B, heads, T, H); keeps the dtype."""
    cos, sin = rope
    first, second = x.chunk(2, dim=-1)
    return (x * cos + torch.cat((-second, first), dim=-1) * sin).to(x.dtype)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Attention of (B, N, T, H) over (B, K, S, H); `mask` bool (B or 1, 1, T, S), None is causal.

    Training on a CPU multiplies out by hand: the backward pass of torch's CPU flash kernel is
    slower than the plain products (2 to 6 times at the sizes of the default model). There the heads
    of a group stand in the length axis, so that nothing is repeated for them.
    """
    (B, N, T, H), (K, S) = q.shape, k.shape[1:3]
    if q.device.type != "cpu" or not q.requires_grad:
        if N != K:  # (B, K, S, H) -> (B, N, S, H)
            k, v = k.repeat_interleave(N // K, 1), v.repeat_interleave(N // K, 1)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None and T > 1)
    mask = causal_mask(T, S, q.device) if mask is None else mask
    bias = torch.zeros(mask.shape, dtype=q.dtype).masked_fill(~mask, torch.finfo(q.dtype).min)
    bias = bias.expand(B, N, T, S).reshape(B * K, -1, S)
    q, k, v = (x.reshape(B * K, -1, H) for x in (q, k, v))  # q: (B * K, N/K * T, H)
    scores = torch.baddbmm(bias, q, k.transpose(1, 2), alpha=H**-0.5)  # (B * K, N/K * T, S)
    return torch.bmm(scores.softmax(-1), v).view(B, N, T, H)


class Attention(nn.Module):
    """Grouped-query attention: N query heads share K key-value heads (K = N: MHA, K = 1: MQA)."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.heads, self.kv_heads, self.head_dim = (
            config.num_attention_heads, config.num_key_value_heads, config.head_dim,
        )  # fmt: skip
        width, kv_width = self.heads * self.head_dim, self.kv_heads * self.head_dim
        self.q_proj = nn.Linear(config.hidden_size, width, bias=False)
        self.k_proj = nn.Linear(config.hidden_size, kv_width, bias=False)
        self.v_proj = nn.Linear(config.hidden_size, kv_width, bias=False)
        self.o_proj = nn.Linear(width, config.hidden_size, bias=False)

    def forward(
        self, x: Tensor, rope: tuple[Tensor, Tensor], mask: Tensor | None,
        cache: Window | None, layer: int,
    ) -> Tensor:  # fmt: skip
        B, T, _ = x.shape
        # (B, T, heads * H) -> (B, heads, T, H)
        q = self.q_proj(x).view(B, T, self.heads, self.head_dim).transpose(1, 2)
        k = self.k_proj(x).view(B, T, self.kv_heads, self.head_dim).transpose(1, 2)
        v = self.v_proj(x).view(B, T, self.kv_heads, self.head_dim).transpose(1, 2)
        q, k = rotate(q, rope), rotate(k, rope)
        if cache is not None:
            k, v = cache.write(layer, k, v)
            k, v = k.to(q.dtype), v.to(q.dtype)
        if T == 1 and self.heads != self.kv_heads:
            # One new position sees everything before it, so the heads of a group can stand in the
            # length axis: the kernel then reads each key once instead of once per query head.
            # (B, N, 1, H) -> (B, K, N/K, H)
            folded = q.view(B, self.kv_heads, self.heads // self.kv_heads, self.head_dim)
            out = F.scaled_dot_product_attention(folded, k, v, attn_mask=mask)
        else:
            out = attend(q, k, v, mask)
        # (B, N, T, H) or (B, K, N/K, H) -> (B, T, D)
        return self.o_proj(out.reshape(B, self.heads, T, self.head_dim).transpose(1, 2).reshape(B, T, -1))


class MLP(nn.Module):
    """SwiGLU feed-forward."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    """Pre-norm attention and feed-forward, each added to the residual stream."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.self_attn = Attention(config)
        self.mlp = MLP(config)
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(
        self, x: Tensor, rope: tuple[Tensor, Tensor], mask: Tensor | None,
        cache: Window | None, layer: int,
    ) -> Tensor:  # fmt: skip
        x = x + self.self_attn(self.input_layernorm(x), rope, mask, cache, layer)
        return x + self.mlp(self.post_attention_layernorm(x))


class LlamaModel(nn.Module):
    """Embeddings, blocks and final norm: what Hugging Face keeps under the prefix `model.`."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.rotary = RotaryEmbedding(config)


class LlamaDecoder(nn.Module):
    """A Llama. `states` runs the blocks, `head` makes logits of states; `forward` is both."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.model = LlamaModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.tie()
        self.initialise()

    def tie(self) -> None:
        """One matrix for both ends, where the config says so; again after parameters were replaced."""
        if self.config.tie_word_embeddings:
            self.lm_head.weight = self.model.embed_tokens.weight

    def initialise(self) -> None:
        """Normal init (0.02), residual outputs scaled down with depth (Radford et al. 2019)."""
        residual = 0.02 / math.sqrt(2 * self.config.num_hidden_layers)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                small = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(parameter, std=residual if small else 0.02)

    def embed(self, input_ids: Tensor) -> Tensor:
        """(B, T) ids -> (B, T, D)."""
        return self.model.embed_tokens(input_ids)

    def states(
        self, inputs_embeds: Tensor, position_ids: Tensor | None = None,
        attention_mask: Tensor | None = None, cache: Window | None = None,
    ) -> Tensor:  # fmt: skip
        """(B, T, D) -> final states (B, T, D), after the last norm.

        Args:
            position_ids: (B, T) int64; by default from 0.
            attention_mask: bool (B, 1, T, T), True where attention is allowed; None means causal.
            cache: the rows that these positions belong to: it tells both of the above, is written and advanced.
        """
        B, T, _ = inputs_embeds.shape
        if cache is not None:
            position_ids, attention_mask = cache.position_ids, cache.mask
        elif position_ids is None:
            position_ids = torch.arange(T, device=inputs_embeds.device).expand(B, T)
        rope = self.model.rotary(position_ids)
        x = inputs_embeds
        for index, block in enumerate(self.model.layers):
            x = block(x, rope, attention_mask, cache, index)
        if cache is not None:
            cache.advance()
        return self.model.norm(x)

    def head(self, states: Tensor) -> Tensor:
        """(..., D) -> logits (..., V)."""
        return self.lm_head(states)

    def forward(
        self, inputs_embeds: Tensor, position_ids: Tensor | None = None,
        attention_mask: Tensor | None = None, cache: Window | None = None,
    ) -> Tensor:  # fmt: skip
        """(B, T, D) -> logits (B, T, V); arguments as in `states`."""
        return self.head(self.states(inputs_embeds, position_ids, attention_mask, cache))


def causal_mask(queries: int, keys: int, device: torch.device | str = "cpu") -> Tensor:
    """(1, 1, queries, keys) bool for the last `queries` of `keys` positions."""
    return torch.ones(queries, keys, dtype=torch.bool, device=device).tril(keys - queries)[None, None]

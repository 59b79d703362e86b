"""The decoder against transformers' Llama on the same random weights, and against itself: cached, folded, padded."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F
from transformers import LlamaConfig, LlamaForCausalLM

from vlm.batch import IGNORE_INDEX, Sample, collate
from vlm.config import DecoderConfig, RopeScaling
from vlm.decoder import Attention, LlamaDecoder, RMSNorm, attend, causal_mask, rope_frequencies
from vlm.kv_cache import KVCache
from vlm.model import VLM
from vlm.sampling import SamplingOptions

from ..oracle import answer_ids

torch.set_num_threads(1)

TRAINED = 32  # max_position_embeddings of every model here
SHAPES = {"mha": (4, 4, False), "gqa": (4, 2, False), "mqa": (4, 1, False), "tied": (4, 2, True)}
SCALINGS = {
    "none": None,
    "linear": RopeScaling("linear", 2.5),
    "dynamic": RopeScaling("dynamic", 2.0),
    # of the eight wavelengths (6 to 1400) some are kept, some blended, some stretched
    "llama3": RopeScaling("llama3", 4.0, 1.0, 4.0, 40),
}
CASES = list(itertools.product(SHAPES, SCALINGS))


def config_of(shape: str, scaling: str = "none") -> DecoderConfig:
    heads, kv_heads, tied = SHAPES[shape]
    return DecoderConfig(
        vocab_size=97, hidden_size=64, intermediate_size=112, num_hidden_layers=3, num_attention_heads=heads,
        num_key_value_heads=kv_heads, head_dim=16, max_position_embeddings=TRAINED, rms_norm_eps=1e-5,
        rope_theta=500.0, rope_scaling=SCALINGS[scaling], tie_word_embeddings=tied,
    )  # fmt: skip


def reference(config: DecoderConfig, seed: int = 0) -> LlamaForCausalLM:
    scaling = config.rope_scaling
    rope: dict = {"rope_type": "default", "rope_theta": config.rope_theta}
    if scaling is not None:
        rope |= {"rope_type": scaling.rope_type, "factor": scaling.factor}
        if scaling.rope_type == "llama3":
            rope |= {
                "low_freq_factor": scaling.low_freq_factor,
                "high_freq_factor": scaling.high_freq_factor,
                "original_max_position_embeddings": scaling.original_max_position_embeddings,
            }
    names = (
        "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
        "num_key_value_heads", "head_dim", "max_position_embeddings", "rms_norm_eps", "tie_word_embeddings",
    )  # fmt: skip
    torch.manual_seed(seed)
    model = LlamaForCausalLM(
        LlamaConfig(
            **{n: getattr(config, n) for n in names},
            rope_parameters=rope,
            attn_implementation="eager",
            bos_token_id=None,
            eos_token_id=None,
            pad_token_id=None,
        )
    ).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # far from the usual small init, so that every part matters
            parameter.copy_(torch.randn_like(parameter) * 0.2 + (parameter.dim() == 1))
    return model


def ours(config: DecoderConfig, theirs: LlamaForCausalLM) -> LlamaDecoder:
    model = LlamaDecoder(config).eval()
    model.load_state_dict(theirs.state_dict(), strict=True)
    return model


def random_decoder(config: DecoderConfig, seed: int = 0) -> LlamaDecoder:
    torch.manual_seed(seed)
    model = LlamaDecoder(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.2 + (parameter.dim() == 1))
    return model


def difference(found: torch.Tensor, expected: torch.Tensor) -> float:
    """The largest difference, relative to the largest value."""
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max())


def token_ids(rows: int, length: int, seed: int = 1) -> torch.Tensor:
    return torch.randint(0, 97, (rows, length), generator=torch.Generator().manual_seed(seed))


# --- against transformers ---


@pytest.mark.parametrize("length", [1, 9, TRAINED, 3 * TRAINED - 1])
@pytest.mark.parametrize(("shape", "scaling"), CASES)
@torch.no_grad()
def test_logits_are_those_of_transformers(shape: str, scaling: str, length: int) -> None:
    config = config_of(shape, scaling)
    theirs = reference(config)
    model = ours(config, theirs)
    ids = token_ids(2, length)
    assert difference(model(model.embed(ids)), theirs(ids).logits) <= 1e-4


@pytest.mark.parametrize(("shape", "scaling"), CASES)
def test_64_greedy_tokens_are_those_of_transformers(shape: str, scaling: str) -> None:
    config = config_of(shape, scaling)
    theirs = reference(config, seed=3)
    prompt = token_ids(1, 20, seed=5)  # 20 + 64 positions: well beyond the trained 32
    expected = theirs.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=64)
    model = VLM(ours(config, theirs), {}, {}, {})
    found = answer_ids(model, Sample(prompt[0], prompt[0]), SamplingOptions(max_new_tokens=64))
    assert found == expected[0, 20:].tolist()
    assert len(found) == 64 and len(set(found)) > 5  # not a model that repeats one word


@pytest.mark.parametrize("scaling", [s for s in SCALINGS if s != "none"])
def test_scaling_changes_the_logits_beyond_the_trained_length(scaling: str) -> None:
    """The parity above would be empty if the scaled models were all the same one."""
    plain, scaled = random_decoder(config_of("gqa")), random_decoder(config_of("gqa", scaling))
    scaled.load_state_dict(plain.state_dict())
    ids = token_ids(1, 80)
    with torch.no_grad():
        assert difference(scaled(scaled.embed(ids)), plain(plain.embed(ids))) > 1e-2


def test_llama3_frequencies_have_all_three_ranges() -> None:
    plain, scaled = rope_frequencies(config_of("gqa"), 0), rope_frequencies(config_of("gqa", "llama3"), 0)
    ratio = scaled / plain
    assert ratio[0] == 1 and ratio[-1] == pytest.approx(1 / 4)
    assert any(0.26 < r < 0.99 for r in ratio.tolist())


def test_gradients_are_those_of_transformers() -> None:
    config = config_of("gqa")
    theirs = reference(config)
    model = ours(config, theirs)
    ids, targets = token_ids(2, 24), token_ids(2, 24, seed=9)
    for logits in (model(model.embed(ids)), theirs(ids).logits):
        F.cross_entropy(logits.flatten(0, 1), targets.flatten()).backward()
    expected = {name: p.grad for name, p in theirs.named_parameters()}
    found = {name: p.grad for name, p in model.named_parameters()}
    assert found.keys() == expected.keys()
    for name, grad in found.items():
        assert difference(grad, expected[name]) <= 1e-4, name


def test_state_dict_has_the_names_of_transformers() -> None:
    for shape in SHAPES:
        config = config_of(shape)
        theirs = {n: p.shape for n, p in reference(config).state_dict().items()}
        assert {n: p.shape for n, p in LlamaDecoder(config).state_dict().items()} == theirs


def test_tied_head_is_the_embedding() -> None:
    tied, free = LlamaDecoder(config_of("tied")), LlamaDecoder(config_of("gqa"))
    assert tied.lm_head.weight is tied.model.embed_tokens.weight
    assert free.lm_head.weight is not free.model.embed_tokens.weight


def test_rms_norm_by_hand() -> None:
    norm = RMSNorm(4, 0.0)
    with torch.no_grad():
        norm.weight.copy_(torch.tensor([1.0, 2.0, 1.0, -1.0]))
        found = norm(torch.tensor([[1.0, -1.0, 3.0, 5.0]]))  # mean square 9, root 3
    torch.testing.assert_close(found, torch.tensor([[1 / 3, -2 / 3, 1.0, -5 / 3]]))


@pytest.mark.parametrize("scaling", list(SCALINGS))
def test_rotary_angles_stay_float32_when_the_weights_do_not(scaling: str) -> None:
    model = LlamaDecoder(config_of("gqa", scaling))
    positions = torch.arange(0, 2000, 7)[None]
    expected = model.model.rotary(positions)
    for found, wanted in zip(model.to(torch.bfloat16).model.rotary(positions), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=0)
    assert "model.rotary.frequencies" not in model.state_dict()


# --- the cache ---


@pytest.mark.parametrize("chunks", [[1] * 28, [13] + [1] * 15, [5, 1, 9, 1, 12], [28], [1, 27], [2, 26]])
@pytest.mark.parametrize(("shape", "scaling"), CASES)
@torch.no_grad()
def test_cached_is_uncached(shape: str, scaling: str, chunks: list[int]) -> None:
    """Within the trained length also for `dynamic`; beyond it, its older keys keep their older base."""
    model = random_decoder(config_of(shape, scaling))
    embeds = model.embed(token_ids(2, 28))
    cache = KVCache(model.config, 2, 28)
    parts = [model(part, cache=cache.window([part.shape[1]] * 2)) for part in embeds.split(chunks, dim=1)]
    assert cache.lengths == [28, 28] and cache.columns == 28
    assert difference(torch.cat(parts, dim=1), model(embeds)) <= 1e-5


@pytest.mark.parametrize("scaling", ["none", "linear", "llama3"])
@torch.no_grad()
def test_cached_is_uncached_beyond_the_trained_length(scaling: str) -> None:
    model = random_decoder(config_of("gqa", scaling))
    embeds = model.embed(token_ids(1, 90))
    cache = KVCache(model.config, 1, 90)
    parts = [model(part, cache=cache.window([part.shape[1]])) for part in embeds.split([40, 1, 1, 30, 1, 17], dim=1)]
    assert difference(torch.cat(parts, dim=1), model(embeds)) <= 1e-5


@torch.no_grad()
def test_cached_steps_with_gradients_enabled_weights() -> None:
    """`attend` picks its CPU product by requires_grad: the cache must hold for that one, too."""
    model = random_decoder(config_of("gqa"))
    embeds = model.embed(token_ids(2, 20))
    with torch.enable_grad():
        cache = KVCache(model.config, 2, 20)
        parts = []
        for part in embeds.split([7, 6, 7], dim=1):
            parts.append(model(part, cache=cache.window([part.shape[1]] * 2)).detach())
            cache.keys, cache.values = cache.keys.detach(), cache.values.detach()
    assert difference(torch.cat(parts, dim=1), model(embeds)) <= 1e-5


def test_cache_refuses_more_than_it_holds_and_names_both_numbers() -> None:
    model = random_decoder(config_of("gqa"))
    cache = KVCache(model.config, 1, 8)
    with torch.no_grad():
        model(model.embed(token_ids(1, 6)), cache=cache.window([6]))
        with pytest.raises(ValueError, match=r"8 .*9"):
            cache.window([3])


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", ["gqa", "mqa"])
@torch.no_grad()
def test_single_step_fold_is_the_unfolded_product(shape: str, masked: bool) -> None:
    config = config_of(shape)
    torch.manual_seed(0)
    layer, past, rows = Attention(config), 11, 3
    cache = KVCache(config, rows, past + 1)
    cache.keys[0, :, :, :past] = torch.randn(rows, config.num_key_value_heads, past, 16)
    cache.values[0, :, :, :past] = torch.randn(rows, config.num_key_value_heads, past, 16)
    cache.lengths = [past] * rows
    visible = torch.ones(rows, past + 1, dtype=torch.bool)
    if masked:
        visible[0, :4] = visible[2, :9] = False
    mask = visible[:, None, None] if masked else None
    x = torch.randn(rows, 1, config.hidden_size)
    rope = torch.ones(rows, 1, 1, 16), torch.zeros(rows, 1, 1, 16)  # no rotation
    found = layer(x, rope, mask, cache.window([1] * rows), 0)
    # By hand: each query head with the keys of its group.
    groups = config.num_attention_heads // config.num_key_value_heads
    heads = []
    for head in range(config.num_attention_heads):
        keys, values = cache.keys[0, :, head // groups], cache.values[0, :, head // groups]  # (B, S, H)
        query = layer.q_proj(x)[..., head * 16 : head * 16 + 16]  # (B, 1, H)
        scores = (query @ keys.transpose(1, 2) / 4).masked_fill(~visible[:, None], -torch.inf)
        heads.append(scores.softmax(-1) @ values)
    torch.testing.assert_close(found, layer.o_proj(torch.cat(heads, -1)), rtol=1e-5, atol=1e-6)


# --- padding ---


@pytest.mark.parametrize("shape", ["mha", "gqa", "mqa"])
@pytest.mark.parametrize("left", [True, False])
@torch.no_grad()
def test_padded_rows_are_the_rows_alone(shape: str, left: bool) -> None:
    model = VLM(random_decoder(config_of(shape)), {}, {}, {})
    rows = [token_ids(1, n, seed=n)[0] for n in (5, 17, 1, 30)]
    batch = collate([Sample(r, torch.full_like(r, IGNORE_INDEX)) for r in rows], 0, left=left)
    logits = model(batch)
    assert torch.isfinite(logits).all()
    for row, ids in enumerate(rows):
        alone = model.decoder(model.decoder.embed(ids[None]))[0]
        assert difference(logits[row][batch.valid[row]], alone) <= 1e-5


# --- the training product ---


MASKS = {
    "causal": lambda B, T: None,
    "mask shared by rows": lambda B, T: causal_mask(T, T),
    "left padding": lambda B, T: (
        causal_mask(T, T)
        & ((torch.arange(T) >= torch.tensor([0, T // 2])[:, None])[:, None, None, :] | torch.eye(T, dtype=torch.bool))
    ),
    "segments": lambda B, T: (
        causal_mask(T, T) & (((torch.arange(T) // 3)[:, None] == torch.arange(T) // 3) | (torch.arange(T) < 3))
    ),
}


@pytest.mark.parametrize("length", [1, 2, 19])
@pytest.mark.parametrize("kind", list(MASKS))
def test_training_product_is_sdpa_in_outputs_and_gradients(kind: str, length: int) -> None:
    torch.manual_seed(0)
    rows = 2
    mask = MASKS[kind](rows, length)
    leaves = [torch.randn(rows, 4, length, 16) for _ in range(3)]
    weight = torch.randn(rows, 4, length, 16)

    plain = [x.clone().requires_grad_() for x in leaves]
    found = attend(*plain, mask)
    (found * weight).sum().backward()

    kernel = [x.clone().requires_grad_() for x in leaves]
    expected = F.scaled_dot_product_attention(*kernel, attn_mask=mask, is_causal=mask is None)
    (expected * weight).sum().backward()

    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(attend(*leaves, mask), found.detach(), rtol=1e-5, atol=1e-5)
    for mine, theirs in zip(plain, kernel, strict=True):
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-4, atol=1e-5)


def test_training_and_inference_logits_are_the_same() -> None:
    model = random_decoder(config_of("gqa"))
    embeds = model.embed(token_ids(2, 23)).detach()
    trained = model(embeds)
    assert trained.requires_grad
    with torch.no_grad():
        assert difference(trained.detach(), model(embeds)) <= 1e-5

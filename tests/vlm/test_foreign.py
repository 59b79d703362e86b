"""Folders written by transformers on random weights, read by us: the same logits, the same greedy tokens.

The reference runs live, in float32, from the very folder that is read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, pre_tokenizers
from torch import nn
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
)
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

from vlm.batch import collate
from vlm.errors import CheckpointError
from vlm.model import VLM
from vlm.processor import Processor
from vlm.sampling import SamplingOptions
from vlm.sources import load

from ..oracle import answer_ids

torch.set_num_threads(1)

SPECIAL = ("<s>", "</s>", "<image>")
IMAGE_ID = 2
VOCABULARY = 320
SIZE, PATCH = 28, 7
PINPOINTS = [[SIZE, 2 * SIZE], [2 * SIZE, SIZE], [2 * SIZE, 2 * SIZE]]

LLAMAS: dict[str, dict[str, Any]] = {
    "llama-1": {"num_key_value_heads": 4, "rms_norm_eps": 1e-6},
    "llama-2 gqa": {"num_key_value_heads": 2},
    "llama-3": {"num_key_value_heads": 2, "rope_parameters": {"rope_type": "default", "rope_theta": 500000.0}},
    "llama-3.1": {
        "num_key_value_heads": 2,
        "rope_parameters": {
            "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
        },
    },
    "llama-3.2 tied": {"num_key_value_heads": 2, "tie_word_embeddings": True},
    "smollm": {"num_attention_heads": 3, "num_key_value_heads": 1, "hidden_size": 48, "tie_word_embeddings": True},
    "linear": {"rope_parameters": {"rope_type": "linear", "rope_theta": 10000.0, "factor": 2.0}},
}  # fmt: skip


def llama_config(**changes: Any) -> LlamaConfig:
    shape = {
        "vocab_size": VOCABULARY, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
        "num_attention_heads": 4, "max_position_embeddings": 640, "bos_token_id": 0, "eos_token_id": 1,
        "rms_norm_eps": 1e-5,
    }  # fmt: skip
    return LlamaConfig(**(shape | changes))


def vision_config(**changes: Any) -> CLIPVisionConfig:
    shape = {
        "hidden_size": 32, "intermediate_size": 80, "num_hidden_layers": 3, "num_attention_heads": 2,
        "image_size": SIZE, "patch_size": PATCH,
    }  # fmt: skip
    return CLIPVisionConfig(**(shape | changes))


def randomised(model: nn.Module, seed: int = 0) -> nn.Module:
    """Every parameter away from its start, biases and norms included, so that a lost one shows."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            ones = 1.0 if p.dim() == 1 and "norm" in name and name.endswith("weight") else 0.0
            p.copy_(torch.randn(p.shape, generator=generator) * 0.15 + ones)
    return model.eval()


def write_tokenizer(folder: Path, template: str = "", special: tuple[str, ...] = SPECIAL) -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate([*special, *alphabet])}
    backend = Backend(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(list(special))
    backend.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template} if template else {}))


def llama_folder(folder: Path, **changes: Any) -> LlamaForCausalLM:
    model = randomised(LlamaForCausalLM(llama_config(**changes)))
    model.save_pretrained(folder)
    write_tokenizer(folder)
    return model


def llava_folder(folder: Path, *, tiles: bool, **changes: Any) -> Any:
    """The model in eval mode; its folder has preprocessing as the published ones do."""
    kinds = (
        (LlavaNextConfig, LlavaNextForConditionalGeneration) if tiles else (LlavaConfig, LlavaForConditionalGeneration)
    )
    shape: dict[str, Any] = {
        "vision_config": vision_config(), "text_config": llama_config(), "image_token_index": IMAGE_ID,
    }  # fmt: skip
    if tiles:
        shape["image_grid_pinpoints"] = PINPOINTS
    model = randomised(kinds[1](kinds[0](**(shape | changes))))
    model.save_pretrained(folder)
    write_tokenizer(folder, "{{ 'USER: ' }} ... ASSISTANT:")
    preprocessing(tiles).save_pretrained(folder)
    return model


def preprocessing(tiles: bool) -> Any:
    if tiles:
        return LlavaNextImageProcessorPil(
            size={"shortest_edge": SIZE}, crop_size={"height": SIZE, "width": SIZE}, image_grid_pinpoints=PINPOINTS
        )
    return CLIPImageProcessorPil(size={"shortest_edge": SIZE}, crop_size={"height": SIZE, "width": SIZE})


def picture(width: int, height: int, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX)


def difference(found: torch.Tensor, expected: torch.Tensor) -> float:
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max())


def question(*content: str | Image.Image) -> list[dict[str, Any]]:
    parts = [
        {"type": "text", "text": part} if isinstance(part, str) else {"type": "image", "image": part}
        for part in content
    ]
    return [{"role": "user", "content": parts}]


# --- Llama ---


@pytest.mark.parametrize("variant", list(LLAMAS))
@torch.no_grad()
def test_llama_logits_and_greedy_tokens(tmp_path: Path, variant: str) -> None:
    theirs = llama_folder(tmp_path, **LLAMAS[variant])
    model, processor = load(tmp_path)
    assert processor.config.chat_template == "plain" and processor.config.special_ids.eos == (1,)
    ids = torch.randint(3, VOCABULARY, (2, 90), generator=torch.Generator().manual_seed(1))
    assert difference(model.decoder(model.decoder.embed(ids)), theirs(ids).logits) <= 1e-4
    sample = processor(question("abc def"), for_training=False)
    expected = theirs.generate(
        sample.input_ids[None], attention_mask=torch.ones(1, len(sample), dtype=torch.long),
        max_new_tokens=64, do_sample=False, eos_token_id=None, pad_token_id=0,
    )[0, len(sample) :]  # fmt: skip
    assert answer_ids(model, sample, SamplingOptions(max_new_tokens=64)) == expected.tolist()


def test_llama_in_shards_and_in_bfloat16(tmp_path: Path) -> None:
    theirs = llama_folder(tmp_path, num_key_value_heads=2).to(torch.bfloat16)
    theirs.save_pretrained(tmp_path, max_shard_size="60KB")
    (tmp_path / "model.safetensors").unlink(missing_ok=True)
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    model, _ = load(tmp_path, dtype=torch.bfloat16)
    assert {p.dtype for p in model.parameters()} == {torch.bfloat16}
    for name, tensor in theirs.state_dict().items():
        assert torch.equal(model.decoder.state_dict()[name], tensor), name


def test_what_older_versions_stored_is_no_weight(tmp_path: Path) -> None:
    llama_folder(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(8)
    save_file(tensors, tmp_path / "model.safetensors")
    assert isinstance(load(tmp_path)[0], VLM)


@pytest.mark.parametrize("same", [True, False])
def test_a_tied_head_that_is_stored(tmp_path: Path, same: bool) -> None:
    llama_folder(tmp_path, tie_word_embeddings=True)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"] + (0 if same else 1)
    save_file(tensors, tmp_path / "model.safetensors")
    if same:
        model, _ = load(tmp_path)
        assert model.decoder.lm_head.weight is model.decoder.model.embed_tokens.weight
    else:
        with pytest.raises(CheckpointError, match=r"lm_head.*differs"):
            load(tmp_path)


# --- LLaVA ---


PICTURES = [(28, 28), (61, 40), (33, 90)]


def theirs_of(model: Any, tiles: bool, ids: torch.Tensor, pictures: list[Image.Image]) -> torch.Tensor:
    """The reference's logits for ids whose placeholders are expanded already."""
    inputs = preprocessing(tiles)(pictures, return_tensors="pt") if pictures else {}
    mask = torch.ones_like(ids)
    return model(input_ids=ids, attention_mask=mask, **inputs).logits


@pytest.mark.parametrize("tiles", [False, True], ids=["llava-1.5", "llava-next"])
@pytest.mark.parametrize("size", PICTURES, ids=str)
@torch.no_grad()
def test_llava_logits(tmp_path: Path, tiles: bool, size: tuple[int, int]) -> None:
    theirs = llava_folder(tmp_path, tiles=tiles)
    model, processor = load(tmp_path)
    assert processor.config.chat_template == "vicuna"
    one, two = picture(*size), picture(45, 31, seed=1)
    for content in ((one, "what?"), ("in ", one, " what?"), ("what is it? ", one), (one, " and ", two, " differ?")):
        sample = processor(question(*content), for_training=False)
        expected = theirs_of(theirs, tiles, sample.input_ids[None], [p for p in content if isinstance(p, Image.Image)])
        batch = collate([sample], processor.config.special_ids.pad)
        assert difference(model(batch), expected) <= 1e-4, content


@pytest.mark.parametrize("tiles", [False, True], ids=["llava-1.5", "llava-next"])
@torch.no_grad()
def test_llava_greedy_tokens_in_a_mixed_batch(tmp_path: Path, tiles: bool) -> None:
    """Two pictures, none, one: rows of different length, padded on the left."""
    theirs = llava_folder(tmp_path, tiles=tiles)
    model, processor = load(tmp_path)
    rows = [(picture(50, 30), "a", picture(20, 44, 1)), ("only text here",), (picture(64, 64, 2), "what?")]
    samples = [processor(question(*row), for_training=False) for row in rows]
    batch = collate(samples, processor.config.special_ids.pad, left=True)
    logits = model(batch)
    for number, (row, sample) in enumerate(zip(rows, samples, strict=True)):
        pictures = [p for p in row if isinstance(p, Image.Image)]
        alone = theirs_of(theirs, tiles, sample.input_ids[None], pictures)
        assert difference(logits[number : number + 1, -len(sample) :], alone) <= 1e-4
        inputs = preprocessing(tiles)(pictures, return_tensors="pt") if pictures else {}
        expected = theirs.generate(
            input_ids=sample.input_ids[None], attention_mask=torch.ones(1, len(sample), dtype=torch.long), **inputs,
            max_new_tokens=64, do_sample=False, eos_token_id=None, pad_token_id=0,
        )[0, len(sample) :]  # fmt: skip
        assert answer_ids(model, sample, SamplingOptions(max_new_tokens=64)) == expected.tolist()


def test_llava_under_its_older_names(tmp_path: Path) -> None:
    """As the folders on the hub have it: `vision_tower.vision_model.`, ids of positions."""
    llava_folder(tmp_path, tiles=False)
    tensors = load_file(tmp_path / "model.safetensors")
    new = load(tmp_path)[0].state_dict()
    old = {name.replace("vision_tower.", "vision_tower.vision_model."): t for name, t in tensors.items()}
    old["vision_tower.vision_model.embeddings.position_ids"] = torch.arange(17)[None]
    save_file(old, tmp_path / "model.safetensors")
    found = load(tmp_path)[0].state_dict()
    assert found.keys() == new.keys() and all(torch.equal(found[name], new[name]) for name in new)


# --- refused ---


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"model_type": "mixtral"}, "mixtral"),
        ({"attention_bias": True}, "attention_bias"),
        ({"hidden_act": "gelu"}, "hidden_act"),
        ({"rope_parameters": {"rope_type": "yarn", "factor": 4.0}}, "yarn"),
        ({"hidden_size": "64"}, "hidden_size"),
        ({"num_attention_heads": "4", "head_dim": None}, "num_attention_heads"),
        ({"num_attention_heads": True}, "num_attention_heads"),
        ({"rope_parameters": "dynamic"}, "rope_parameters"),
        ({"rope_parameters": {"rope_type": "linear", "factor": "x"}}, "factor"),
        ({"rope_parameters": {"rope_theta": None}}, "rope_theta"),
        ({"num_attention_heads": 0}, "num_attention_heads"),
        ({"hidden_size": 10**9}, "hidden_size"),
    ],
    ids=str,
)
def test_variants_that_are_not_computed_here(tmp_path: Path, changes: dict[str, Any], word: str) -> None:
    llama_folder(tmp_path)
    data = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(data | changes))
    with pytest.raises(CheckpointError, match=word):
        load(tmp_path)


def test_missing_extra_and_misshaped_tensors_are_listed(tmp_path: Path) -> None:
    llava_folder(tmp_path, tiles=False)
    tensors = load_file(tmp_path / "model.safetensors")
    del tensors["multi_modal_projector.linear_2.bias"]
    tensors["adapter.weight"] = torch.ones(2)
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError) as caught:
        load(tmp_path)
    assert "multi_modal_projector.linear_2.bias" in str(caught.value) and "adapter.weight" in str(caught.value)
    tensors["multi_modal_projector.linear_2.bias"] = torch.ones(3)
    del tensors["adapter.weight"]
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"linear_2.bias is \(3,\), expected \(64,\)"):
        load(tmp_path)


def test_an_image_token_that_is_text(tmp_path: Path) -> None:
    llava_folder(tmp_path, tiles=False)
    write_tokenizer(tmp_path, "USER: ASSISTANT:", special=("<s>", "</s>"))
    with pytest.raises(CheckpointError, match="ordinary text"):
        load(tmp_path)


def test_processor_is_ours(tmp_path: Path) -> None:
    llava_folder(tmp_path, tiles=True)
    _, processor = load(tmp_path)
    assert isinstance(processor, Processor)
    clip = processor.config.clip
    assert clip is not None and clip.grids == ((1, 2), (2, 1), (2, 2)) and clip.fit == "squeeze"

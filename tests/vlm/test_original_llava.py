"""LLaVA as its authors publish it, written here from transformers' random models: the same tensors, the same logits.

The reference is transformers' own LLaVA, whose vocabulary grew by the placeholders as ours does.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import CLIPVisionModel, LlavaConfig, LlavaForConditionalGeneration
from transformers import LlavaNextConfig as NextConfig
from transformers import LlavaNextForConditionalGeneration as Next

from vlm import sources
from vlm.batch import collate
from vlm.cli import app
from vlm.errors import CheckpointError
from vlm.export import to_hf
from vlm.sampling import SamplingOptions
from vlm.sources import described, load

from ..oracle import answer_ids
from .test_foreign import (
    PICTURES,
    PINPOINTS,
    SIZE,
    VOCABULARY,
    difference,
    llama_config,
    picture,
    preprocessing,
    question,
    randomised,
    vision_config,
    write_tokenizer,
)

torch.set_num_threads(1)

GROWN = VOCABULARY
"""The tokenizer has 259 ids, and the vocabulary of 320 room for two more."""
IMAGE_ID = 259
KINDS = ["pad", "anyres"]


def reference(kind: str, **text: Any) -> Any:
    """In eval mode. The layout of its folders is what `write_original` turns around."""
    shape: dict[str, Any] = {
        "vision_config": vision_config(), "text_config": llama_config(**text), "image_token_index": IMAGE_ID,
    }  # fmt: skip
    if kind == "anyres":
        return randomised(Next(NextConfig(**shape, image_grid_pinpoints=PINPOINTS)))
    return randomised(LlavaForConditionalGeneration(LlavaConfig(**shape)))


def write_tower(folder: Path, model: Any) -> None:
    tower = CLIPVisionModel(vision_config())
    tower.load_state_dict(model.model.vision_tower.state_dict(), strict=True)
    tower.save_pretrained(folder)
    preprocessing(False).save_pretrained(folder)


def original_tensors(model: Any, *, inside: bool) -> dict[str, Tensor]:
    """As the authors' `LlavaLlamaForCausalLM` names them."""
    found = {}
    for name, tensor in model.state_dict().items():
        if "vision_tower" in name and not inside:
            continue
        for theirs, original in (
            ("model.language_model.", "model."), ("multi_modal_projector.linear_1", "mm_projector.0"),
            ("multi_modal_projector.linear_2", "mm_projector.2"),
            ("model.vision_tower.", "model.vision_tower.vision_tower.vision_model."),
        ):  # fmt: skip
            name = name.replace(theirs, original, 1)
        found[name] = tensor.clone().contiguous()
    return found


def write_original(
    folder: Path, model: Any, kind: str, *, inside: bool = False, weights: str = "safetensors", **changes: Any
) -> None:
    """config.json as that of liuhaotian/llava-v1.5-7b and llava-v1.6-vicuna-7b."""
    folder.mkdir(exist_ok=True)
    tower = folder.parent / "tower"
    write_tower(tower, model)
    text = model.config.text_config
    data = {
        "architectures": ["LlavaLlamaForCausalLM"], "model_type": "llava", "hidden_size": text.hidden_size,
        "intermediate_size": text.intermediate_size, "num_hidden_layers": text.num_hidden_layers,
        "num_attention_heads": text.num_attention_heads, "num_key_value_heads": text.num_key_value_heads,
        "max_position_embeddings": 640, "rms_norm_eps": 1e-5, "rope_scaling": None, "hidden_act": "silu",
        "vocab_size": text.vocab_size, "tie_word_embeddings": False, "bos_token_id": 0, "eos_token_id": 1,
        "pad_token_id": 0, "mm_vision_tower": str(tower), "mm_projector_type": "mlp2x_gelu", "mm_hidden_size": 32,
        "mm_vision_select_layer": -2, "mm_vision_select_feature": "patch", "mm_use_im_start_end": False,
        "mm_use_im_patch_token": False, "use_mm_proj": True, "freeze_mm_mlp_adapter": False,
        "unfreeze_mm_vision_tower": inside, "tune_mm_mlp_adapter": False, "image_aspect_ratio": kind,
        "image_grid_pinpoints": None, "torch_dtype": "float32", "transformers_version": "4.31.0",
    }  # fmt: skip
    if kind == "anyres":
        points = [[width, height] for height, width in PINPOINTS]
        data |= {"mm_patch_merge_type": "spatial_unpad", "image_grid_pinpoints": points}
    (folder / "config.json").write_text(json.dumps(data | changes))
    write_tokenizer(folder, special=("<s>", "</s>", "<unk>"))
    tensors = original_tensors(model, inside=inside)
    if weights == "safetensors":
        save_file(tensors, folder / "model.safetensors")
        return
    names = sorted(tensors)
    shards = {f"pytorch_model-0000{i + 1}-of-00002.bin": names[i::2] for i in range(2)}
    for file, part in shards.items():
        torch.save({name: tensors[name] for name in part}, folder / file)
    weight_map = {name: file for file, part in shards.items() for name in part}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))


def padded(image: Image.Image) -> Image.Image:
    """The authors' `expand2square`."""
    side = max(image.size)
    mean = (122, 116, 104)
    sheet = Image.new("RGB", (side, side), mean)
    sheet.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return sheet


def inputs_of(kind: str, pictures: list[Image.Image]) -> dict[str, Tensor]:
    if not pictures:
        return {}
    shown = [padded(one) for one in pictures] if kind == "pad" else pictures
    return dict(preprocessing(kind == "anyres")(shown, return_tensors="pt"))


# --- parity ---


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", PICTURES, ids=str)
@torch.no_grad()
def test_logits(tmp_path: Path, kind: str, size: tuple[int, int]) -> None:
    theirs = reference(kind)
    write_original(tmp_path / "llava", theirs, kind)
    model, processor = load(tmp_path / "llava")
    assert processor.config.chat_template == "vicuna" and processor.config.special_ids.image == IMAGE_ID
    one, two = picture(*size), picture(45, 31, seed=1)
    for content in ((one, "what?"), ("in ", one, " what?"), ("what is it? ", one), (one, " and ", two, " differ?")):
        sample = processor(question(*content), for_training=False)
        ids = sample.input_ids[None]
        pictures = [part for part in content if isinstance(part, Image.Image)]
        expected = theirs(input_ids=ids, attention_mask=torch.ones_like(ids), **inputs_of(kind, pictures)).logits
        assert difference(model(collate([sample], 0)), expected) <= 1e-4, content


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_greedy_tokens_in_a_mixed_batch(tmp_path: Path, kind: str) -> None:
    """Two pictures, none, one; padded on the left. The tower's weights are inside, as in LLaVA-1.6."""
    theirs = reference(kind, num_key_value_heads=2)
    write_original(tmp_path / "llava", theirs, kind, inside=True)
    (tmp_path / "tower" / "model.safetensors").unlink()
    model, processor = load(tmp_path / "llava")
    rows = [(picture(50, 30), "a", picture(20, 44, 1)), ("only text here",), (picture(64, 64, 2), "what?")]
    samples = [processor(question(*row), for_training=False) for row in rows]
    logits = model(collate(samples, processor.config.special_ids.pad, left=True))
    for number, (row, sample) in enumerate(zip(rows, samples, strict=True)):
        ids = sample.input_ids[None]
        given = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
        given |= inputs_of(kind, [part for part in row if isinstance(part, Image.Image)])
        assert difference(logits[number : number + 1, -len(sample) :], theirs(**given).logits) <= 1e-4
        expected = theirs.generate(**given, max_new_tokens=64, do_sample=False, eos_token_id=None, pad_token_id=0)
        assert answer_ids(model, sample, SamplingOptions(max_new_tokens=64)) == expected[0, len(sample) :].tolist()


@pytest.mark.parametrize("inside", [False, True], ids=["tower beside", "tower inside"])
def test_pickled_weights_in_shards(tmp_path: Path, inside: bool) -> None:
    theirs = reference("pad")
    write_original(tmp_path / "llava", theirs, "pad", inside=inside, weights="bin")
    with pytest.raises(CheckpointError, match=r"pytorch_model-00001-of-00002\.bin: a pickle.*--allow-pickle"):
        load(tmp_path / "llava")
    model, _ = load(tmp_path / "llava", allow_pickle=True)
    write_original(tmp_path / "safe", theirs, "pad", inside=inside)
    expected = load(tmp_path / "safe")[0].state_dict()
    assert model.state_dict().keys() == expected.keys()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in model.state_dict().items())


@torch.no_grad()
def test_a_full_vocabulary_grows(tmp_path: Path) -> None:
    """32000 words and no room for a placeholder, as in Vicuna's: old words have the logits of before."""
    theirs = reference("pad", vocab_size=259)
    write_original(tmp_path / "llava", theirs, "pad")
    model, processor = load(tmp_path / "llava")
    assert processor.config.decoder.vocab_size == 320
    ids = torch.randint(3, 250, (1, 20))
    logits = model.decoder(model.decoder.embed(ids))
    assert difference(logits[..., :259], theirs(input_ids=ids).logits) <= 1e-4
    assert torch.allclose(logits[..., 259], logits[..., :259].mean(-1), atol=1e-4)


@torch.no_grad()
def test_read_and_exported_to_transformers(tmp_path: Path) -> None:
    """Their old layout -> ours -> the llava-hf layout, loaded by transformers: the logits of the beginning."""
    theirs = reference("anyres")
    write_original(tmp_path / "llava", theirs, "anyres", inside=True)
    to_hf(tmp_path / "hf", *load(tmp_path / "llava"))
    again = Next.from_pretrained(tmp_path / "hf").eval()
    _, processor = load(tmp_path / "llava")
    sample = processor(question(picture(50, 30), "what?"), for_training=False)
    given = inputs_of("anyres", [picture(50, 30)]) | {"input_ids": sample.input_ids[None]}
    assert difference(again(**given).logits, theirs(**given).logits) <= 1e-4


def test_square_follows_the_tower(tmp_path: Path) -> None:
    write_original(tmp_path / "llava", reference("pad"), "square")
    clip = load(tmp_path / "llava")[1].config.clip
    assert clip is not None and clip.fit == "crop" and clip.feature_layer == -2 and not clip.grids


def test_which_layout_is_told_by_config_and_not_by_names(tmp_path: Path) -> None:
    theirs = reference("pad")
    write_original(tmp_path / "llava-hf", theirs, "pad")
    assert described(tmp_path / "llava-hf")[1] == "the original LLaVA's"
    theirs.save_pretrained(tmp_path / "liuhaotian--llava")
    write_tokenizer(tmp_path / "liuhaotian--llava", special=("<s>", "</s>", "<unk>"))
    assert described(tmp_path / "liuhaotian--llava")[1] == "Hugging Face's"


def test_a_tower_by_its_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_original(tmp_path / "llava", reference("pad"), "pad", mm_vision_tower="openai/clip-vit-tiny")
    with pytest.raises(
        CheckpointError, match=r"mm_vision_tower: openai/clip-vit-tiny: .*hf download openai/clip-vit-tiny"
    ):
        load(tmp_path / "llava")
    monkeypatch.setattr(sources, "_from_hub", lambda name, allow_pickle: tmp_path / "tower")
    assert load(tmp_path / "llava")[1].config.clip is not None


# --- refused ---

TILES = {"image_aspect_ratio": "anyres", "mm_patch_merge_type": "spatial_unpad"}


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"mm_projector_type": "linear"}, "mm_projector_type 'linear'"), ({"mm_projector_type": None}, "'linear'"),
        ({"mm_projector_type": "mlp3x_gelu"}, "mlp3x_gelu"), ({"mm_vision_select_feature": "cls_patch"}, "cls_patch"),
        ({"mm_use_im_start_end": True}, "mm_use_im_start_end"), ({"image_aspect_ratio": "anyres_max_9"}, "max_9"),
        ({"image_aspect_ratio": "anyres"}, "mm_patch_merge_type"), ({"mm_hidden_size": 64}, "mm_hidden_size 64"),
        ({"mm_vision_select_layer": -9}, "feature_layer"), ({"mm_vision_select_layer": "x"}, "mm_vision_select_layer"),
        ({"mm_vision_tower": None, "model_type": "llava_llama"}, "mm_vision_tower"), ({"mm_vision_tower": 3}, "tower"),
        ({"mm_vision_tower": "./nowhere"}, "nowhere"), ({"mm_resampler_type": "perceiver"}, "perceiver"),
        ({"model_type": "llava_mistral"}, "llava_mistral"), ({"s2": True}, "s2"),
        ({"hidden_size": 10**9}, "hidden_size"),
        (TILES | {"image_grid_pinpoints": "(1x1)"}, "image_grid_pinpoints"),
        (TILES | {"image_grid_pinpoints": [[30, 28]]}, "whole tiles"),
    ],
    ids=str,
)  # fmt: skip
def test_variants_that_are_not_computed_here(tmp_path: Path, changes: dict[str, Any], word: str) -> None:
    write_original(tmp_path / "llava", reference("pad"), "pad", **changes)
    with pytest.raises(CheckpointError, match=word):
        load(tmp_path / "llava")


def test_missing_extra_and_misshaped_tensors_are_listed(tmp_path: Path) -> None:
    write_original(tmp_path / "llava", reference("pad"), "pad")
    file = tmp_path / "llava" / "model.safetensors"
    tensors = load_file(file)
    bias = tensors.pop("model.mm_projector.2.bias")
    save_file(tensors | {"model.resampler.weight": torch.ones(2)}, file)
    with pytest.raises(CheckpointError) as caught:
        load(tmp_path / "llava")
    assert "model.mm_projector.2.bias" in str(caught.value) and "model.resampler.weight" in str(caught.value)
    save_file(tensors | {"model.mm_projector.2.bias": torch.ones(3)}, file)
    with pytest.raises(CheckpointError, match=r"linear_2.bias is \(3,\), expected \(64,\)"):
        load(tmp_path / "llava")
    save_file(tensors | {"model.mm_projector.2.bias": bias, "model.embed_tokens.weight": torch.ones(9, 64)}, file)
    with pytest.raises(CheckpointError, match=r"embed_tokens.weight is \(9, 64\), expected \(320, 64\)"):
        load(tmp_path / "llava")


def test_the_newline_of_a_model_with_tiles_must_be_there(tmp_path: Path) -> None:
    write_original(tmp_path / "llava", reference("anyres"), "anyres")
    file = tmp_path / "llava" / "model.safetensors"
    tensors = load_file(file)
    del tensors["model.image_newline"]
    save_file(tensors, file)
    with pytest.raises(CheckpointError, match="image_newline"):
        load(tmp_path / "llava")


def test_commands(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    write_original(tmp_path / "llava", reference("pad"), "pad", weights="bin")
    run = CliRunner().invoke
    refused = run(app, ["info", str(tmp_path / "llava")])
    assert refused.exit_code == 1 and "--allow-pickle" in refused.stderr
    told = run(app, ["info", str(tmp_path / "llava"), "--allow-pickle"])
    assert told.exit_code == 0 and "the original LLaVA's" in told.stdout and f"tiles of {SIZE} px" in told.stdout
    done = run(app, ["export", str(tmp_path / "llava"), "--to", "hf", "--allow-pickle", "--out", str(tmp_path / "hf")])
    assert done.exit_code == 0, done.stderr
    assert LlavaForConditionalGeneration.from_pretrained(tmp_path / "hf").config.vision_feature_layer == -2
    asked = ["ask", "what?", "--max-new-tokens", "4", "--model"]
    assert run(app, [*asked, str(tmp_path / "llava")]).exit_code == 1
    assert run(app, [*asked, str(tmp_path / "llava"), "--allow-pickle"]).exit_code == 0

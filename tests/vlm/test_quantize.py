"""int8 and int4: what is stored is what is computed with, in every type, by every kernel; folders of it; refusals."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import vlm
from training.stages import Recipe, load_recipe
from vlm import checkpoint, quantize, sources, weight_files
from vlm.config import DecoderConfig, ModelConfig, Quantization
from vlm.errors import CheckpointError, InputError
from vlm.export import to_hf
from vlm.gguf_export import to_gguf
from vlm.kv_cache import KVCache
from vlm.model import VLM, build_model
from vlm.processor import Processor
from vlm.quantize import SCHEMES, QuantizedLinear, quantized

torch.set_num_threads(1)

BOTH = pytest.mark.parametrize("scheme", ["int8", "int4"])
TYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)


def layer(weight: Tensor, quantization: Quantization, dtype: torch.dtype) -> QuantizedLinear:
    rows, columns = weight.shape
    made = QuantizedLinear(columns, rows, quantization)
    for name, tensor in quantized(weight, quantization).items():
        setattr(made, name, nn.Parameter(tensor, requires_grad=False))
    moved: QuantizedLinear = made.to(dtype)
    return moved


def random(rows: int, columns: int, seed: int = 0) -> Tensor:
    return torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))


# --- one layer -------------------------------------------------------------------------------------


def test_int8_is_off_by_half_a_step_at_most() -> None:
    weight = random(96, 64)
    parts = quantized(weight, SCHEMES["int8"])
    assert (parts["weight"].dtype, parts["weight"].shape) == (torch.int8, (96, 64))
    assert (parts["weight_scale"].dtype, parts["weight_scale"].shape) == (torch.bfloat16, (96,))
    assert int(parts["weight"].abs().max()) == 127 or int(parts["weight"].abs().max()) == 126  # none is clipped
    off = (layer(weight, SCHEMES["int8"], torch.float32).dequantize() - weight).abs()
    assert bool((off <= parts["weight_scale"].float()[:, None] * 0.5001).all())


def test_int4_is_off_by_half_a_step_and_the_rounding_of_zero() -> None:
    weight = random(96, 256) + 0.3  # not centred: what a zero is for
    parts = quantized(weight, SCHEMES["int4"])
    assert (parts["weight"].dtype, parts["weight"].shape) == (torch.uint8, (96, 128))
    assert parts["weight_scale"].shape == parts["weight_zero"].shape == (96, 2)
    off = (layer(weight, SCHEMES["int4"], torch.float32).dequantize() - weight).abs().unflatten(1, (2, 128))
    scale, zero = parts["weight_scale"].float(), parts["weight_zero"].float()
    assert bool((off <= (0.5001 * scale + zero.abs() / 256)[..., None]).all())


def test_the_layout_of_int4_is_the_one_that_is_written_down() -> None:
    weight = torch.arange(16.0).repeat(2).expand(64, 32).contiguous()  # 0 ... 15, twice: exact
    parts = quantized(weight, Quantization(4, 32, "asymmetric"))
    assert parts["weight"][0].tolist() == [n | n << 4 for n in range(16)]  # columns j and j + 16 in byte j
    assert parts["weight_scale"].unique().tolist() == [1.0] and parts["weight_zero"].unique().tolist() == [8.0]


@pytest.mark.parametrize(
    ("columns", "group"), [(2048, 128), (5632, 128), (704, 64), (96, 32), (48, 16), (40, 0), (128, 128)]
)
def test_groups(columns: int, group: int) -> None:
    assert quantize.group_of(columns, SCHEMES["int4"]) == group
    assert quantize.group_of(columns, SCHEMES["int8"]) == columns


@BOTH
@TYPES
@pytest.mark.parametrize("shape", [(128, 128), (192, 704), (80, 48), (64, 256)], ids=str)
def test_products_are_those_of_the_numbers_it_stands_for(
    scheme: str, dtype: torch.dtype, shape: tuple[int, int]
) -> None:
    one = layer(random(*shape), SCHEMES[scheme], dtype)
    for rows in (1, 3, quantize.FEW + 5):
        x = random(rows, shape[1], seed=rows).to(dtype)
        wanted = x.float() @ one.dequantize().T
        off = (one(x).float() - wanted).abs().max() / wanted.abs().max()
        assert one(x).dtype == dtype and one(x).shape == (rows, shape[0])
        assert float(off) < (1e-5 if dtype == torch.float32 else 1e-2)


@BOTH
def test_without_kernels_the_same_numbers(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weight, x = random(192, 256), random(5, 256, seed=1).bfloat16()
    with_kernels = layer(weight, SCHEMES[scheme], torch.bfloat16)
    assert with_kernels.laid_out == (scheme == "int4")
    monkeypatch.setattr(quantize, "_has_kernels", lambda: False)
    without = layer(weight, SCHEMES[scheme], torch.bfloat16)
    assert not without.laid_out
    assert torch.equal(without.dequantize(), with_kernels.dequantize())
    wanted = without(x).float()
    monkeypatch.undo()
    assert float((with_kernels(x).float() - wanted).abs().max() / wanted.abs().max()) < 1e-2


@BOTH
def test_float16_does_not_overflow(scheme: str) -> None:
    one = layer(random(64, 512).abs() * 0.01, SCHEMES[scheme], torch.float16)
    found = one(torch.full((2, 512), 20.0, dtype=torch.float16))  # 127 x 20 x 512 is beyond what float16 holds
    wanted = 20 * one.dequantize().sum(1)
    assert float((found[0].float() - wanted).abs().max() / wanted.max()) < 1e-2


@BOTH
def test_it_stands_for_the_same_weights_wherever_it_has_been(scheme: str) -> None:
    one = layer(random(128, 256), SCHEMES[scheme], torch.float32)
    weights, stored = one.dequantize(), {name: tensor.clone() for name, tensor in one.state_dict().items()}
    one.to(torch.bfloat16)
    assert one.laid_out == (scheme == "int4")
    assert torch.equal(one.dequantize(), weights)
    for name, tensor in one.state_dict().items():
        assert torch.equal(tensor.float(), stored[name].float()), name
    one.to(torch.float32)
    assert not one.laid_out and torch.equal(one.dequantize(), weights)


@BOTH
@TYPES
def test_gradients_reach_what_comes_before_it(scheme: str, dtype: torch.dtype) -> None:
    one = layer(random(128, 128), SCHEMES[scheme], dtype)
    x = random(3, 128, seed=1).to(dtype).requires_grad_()
    one(x).sum().backward()
    wanted = one.dequantize().sum(0)
    assert x.grad is not None and float((x.grad[0].float() - wanted).abs().max() / wanted.abs().max()) < 2e-2
    assert all(parameter.grad is None for parameter in one.parameters())


# --- a whole model ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, tiny_config: ModelConfig, tiny_processor: Processor) -> Path:
    """Wide enough for the kernels: two layers of 128, loud, so that it talks."""
    config = replace(
        tiny_config,
        decoder=DecoderConfig(288, 128, 192, 2, 4, 2, 32, max_position_embeddings=512, tie_word_embeddings=True),
    )
    torch.manual_seed(3)
    model = build_model(config).eval()
    with torch.no_grad():
        for parameter in model.decoder.model.layers.parameters():
            if parameter.dim() > 1:
                parameter.mul_(4)
        model.decoder.model.embed_tokens.weight[:8] *= 0.1
    target = tmp_path_factory.mktemp("wide") / "model"
    checkpoint.save(target, model, Processor(config, tiny_processor.tokenizer))
    return target


def reference(folder: Path, scheme: str) -> VLM:
    """The same model with plain layers that hold the numbers which the quantised ones stand for."""
    plain, _ = sources.load(folder)
    few, _ = sources.load(folder, quantize=scheme, dtype=torch.float32)
    for name, one in few.named_modules():
        if isinstance(one, QuantizedLinear):
            plain.get_submodule(name).weight.data = one.dequantize()
    return plain


def logits(model: VLM, ids: Tensor) -> Tensor:
    with torch.inference_mode():
        return model.decoder(model.decoder.embed(ids)).float()


@BOTH
@TYPES
def test_the_model_computes_with_the_numbers_it_stands_for(scheme: str, dtype: torch.dtype, folder: Path) -> None:
    few, processor = sources.load(folder, quantize=scheme, dtype=dtype)
    changed = [name for name, one in few.named_modules() if isinstance(one, QuantizedLinear)]
    assert len(changed) == 14 and all(name.startswith("decoder.model.layers.") for name in changed)
    assert processor.config.quantization == SCHEMES[scheme] and few.dtype == dtype
    ids = torch.arange(8, 32)[None]
    found, wanted = logits(few, ids), logits(reference(folder, scheme).to(dtype), ids)
    assert float((found - wanted).norm() / wanted.norm()) < (1e-5 if dtype == torch.float32 else 0.03)


@BOTH
@TYPES
def test_cached_equals_uncached(scheme: str, dtype: torch.dtype, folder: Path) -> None:
    model, _ = sources.load(folder, quantize=scheme, dtype=dtype)
    ids = torch.arange(8, 38)[None]
    wanted = logits(model, ids)
    cache = KVCache(model.decoder.config, 1, 64, dtype)
    found = []
    with torch.inference_mode():
        for start, end in ((0, 20), *((n, n + 1) for n in range(20, 30))):
            embeds = model.decoder.embed(ids[:, start:end])
            found.append(model.decoder(embeds, cache=cache.window([end - start])).float())
    off = (torch.cat(found, 1) - wanted).norm() / wanted.norm()
    assert float(off) < (1e-5 if dtype == torch.float32 else 0.03)


QUESTIONS = ["what is the image", "the", "is red the what", "what what red image the is", "red"]


@BOTH
def test_together_as_alone(scheme: str, folder: Path) -> None:
    with vlm.load(folder, quantize=scheme, dtype=torch.float32) as assistant:
        talks = [[{"role": "user", "content": text}] for text in QUESTIONS]
        alone = [assistant.chat(talk, max_new_tokens=24).text for talk in talks]
        together = [reply.text for reply in assistant.answers(talks, batch_size=5, max_new_tokens=24)]
        assert together == alone and len(set(alone)) > 1


@BOTH
def test_pictures_and_sounds_go_through(scheme: str, folder: Path) -> None:
    import numpy as np
    from PIL import Image

    with vlm.load(folder, quantize=scheme) as assistant:
        assert assistant.model.dtype == torch.bfloat16  # what the kernels take
        picture, sound = Image.new("RGB", (40, 30), (200, 10, 10)), (np.zeros(16000, dtype=np.float32), 16000)
        assert assistant.ask("what is it", images=[picture], audio=[sound], max_new_tokens=4).completion_tokens > 0


@BOTH
def test_a_folder_of_it_needs_no_original(scheme: str, folder: Path, tmp_path: Path) -> None:
    copy, stored = tmp_path / "copy", tmp_path / "few"
    shutil.copytree(folder, copy)
    model, processor = sources.load(copy, quantize=scheme)
    checkpoint.save(stored, model, processor)
    shutil.rmtree(copy)
    again, told = sources.load(stored)
    assert told.config == processor.config and again.dtype == torch.bfloat16
    assert json.loads((stored / "config.json").read_text())["quantization"] == vars(SCHEMES[scheme])
    ids = torch.arange(8, 32)[None]
    assert torch.equal(logits(again, ids), logits(model, ids))
    names = set(weight_files.stored(stored))
    base = "decoder.model.layers.0.mlp.up_proj.weight"
    assert ({base, f"{base}_scale"} | ({f"{base}_zero"} if scheme == "int4" else set())) <= names
    wide, _ = sources.load(stored, dtype=torch.float32)
    narrow, _ = sources.load(folder, quantize=scheme, dtype=torch.float32)
    with vlm.load(stored) as assistant:
        whole = vlm.load(folder)
        assert {part: n for part, (n, _) in assistant.sizes().items()} == {p: n for p, (n, _) in whole.sizes().items()}
    assert sources.described(stored)[2] == sources.described(folder)[2]
    for name, tensor in checkpoint.state_dict(wide).items():
        if name.startswith("decoder.model.layers."):
            assert torch.equal(tensor, checkpoint.state_dict(narrow)[name]) or tensor.dim() == 1, name


def test_one_matrix_is_held_at_a_time(folder: Path) -> None:
    config = checkpoint.load_config(folder)
    source = weight_files.stored(folder)
    asked: list[str] = []

    def fetch(name: str) -> Tensor:
        asked.append(name)
        return source[name]

    shapes = {name: source.shape(name) for name in source}
    _, found, get = quantize.while_loading(config, shapes, fetch, "int4")
    for name in found:
        get(name)
    assert sorted(asked) == sorted(shapes)  # each once: its three parts are made of one reading


# --- refusals --------------------------------------------------------------------------------------


def refused(error: type[Exception], call: Any, *words: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.fixture
def few(folder: Path, tmp_path: Path) -> Path:
    checkpoint.save(tmp_path / "few", *sources.load(folder, quantize="int4"))
    (tmp_path / "few" / "manifest.json").unlink()
    return tmp_path / "few"


def test_what_is_refused(few: Path, tmp_path: Path) -> None:
    refused(CheckpointError, lambda: vlm.load(few, quantize="int8"), "config.json", "int4", "not made int8 again")
    refused(CheckpointError, lambda: vlm.load(quantize="int3"), "int3", "int8, int4")
    model, processor = sources.load(few)
    refused(InputError, lambda: to_hf(tmp_path / "hf", model, processor), "int4", "made from")
    refused(InputError, lambda: to_gguf(tmp_path / "gguf", model, processor), "int4", "made from")
    assert not (tmp_path / "hf").exists()
    smoke = load_recipe(Path("training/recipes/smoke.toml").resolve())
    recipe = Recipe("more", smoke.stage, start=str(few))
    refused(CheckpointError, lambda: recipe.check_parts(processor.config), "more", "int4", "gradients")


def edited(few: Path, **changes: Any) -> None:
    path = few / "config.json"
    data = json.loads(path.read_text())
    data["quantization"] |= changes
    path.write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bits": 3}, ("config.quantization.bits", "8, 4")),
        ({"group": 24}, ("groups of 24",)),
        ({"group": 64}, ("wrong shapes", "weight_scale is (192, 1), expected (192, 2)")),
        ({"bits": 8, "group": 0, "scheme": "symmetric"}, ("unexpected tensors", "weight_zero")),
        ({"sheme": "asymmetric"}, ("sheme",)),
    ],
)  # fmt: skip
def test_a_config_that_does_not_fit(few: Path, changes: dict[str, Any], words: tuple[str, ...]) -> None:
    edited(few, **changes)
    refused(CheckpointError, lambda: vlm.load(few), *words)


def test_tensors_of_another_kind_are_refused(few: Path) -> None:
    name = "decoder.model.layers.0.mlp.up_proj.weight"
    tensors = dict(weight_files.stored(few))
    weight_files.write_tensors(few, tensors | {name: tensors[name].view(torch.int8)})
    refused(CheckpointError, lambda: vlm.load(few), name, "torch.int8", "torch.uint8")
    weight_files.write_tensors(few, tensors | {f"{name}_scale": tensors[f"{name}_scale"] * float("nan")})
    refused(CheckpointError, lambda: vlm.load(few), f"{name}_scale", "NaN")

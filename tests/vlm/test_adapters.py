"""LoRA adapters beside peft: written there and read here, written here and read there; switched, stacked, merged."""

from __future__ import annotations

import json
import shutil
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch import nn

import vlm
from vlm import checkpoint, sources
from vlm.adapters import Adapters
from vlm.assistant import Assistant
from vlm.batch import collate
from vlm.config import ModelConfig
from vlm.export import to_hf
from vlm.model import VLM, build_model
from vlm.processor import Processor
from vlm.tokenizer import Tokenizer

from .test_export import reference, shaped
from .test_foreign import (
    IMAGE_ID,
    SIZE,
    difference,
    llama_folder,
    llava_folder,
    picture,
    preprocessing,
    question,
    randomised,
)

torch.set_num_threads(1)

TARGETS: dict[str, dict[str, Any]] = {
    "list": {"target_modules": ["q_proj", "v_proj"]},
    "regex": {"target_modules": r".*layers\.1\.(self_attn\.o_proj|mlp\.\w+_proj)"},
    "all-linear": {"target_modules": "all-linear"},
    "rslora": {"target_modules": ["k_proj", "down_proj"], "use_rslora": True, "lora_alpha": 3},
    "patterns": {
        "target_modules": ["q_proj", "up_proj"], "rank_pattern": {"q_proj": 2, r"layers\.1\.mlp\.up_proj": 3},
        "alpha_pattern": {"up_proj": 11},
    },
    "some layers": {"target_modules": ["q_proj"], "layers_to_transform": [1], "layers_pattern": "layers"},
    "exclusion": {"target_modules": "all-linear", "exclude_modules": ["gate_proj"]},
    "head": {"target_modules": ["lm_head", "o_proj"]},
}  # fmt: skip


def adapted(base: nn.Module, folder: Path, seed: int = 5, **changes: Any) -> PeftModel:
    """peft's adapter on a model of transformers, written to `folder`."""
    model = get_peft_model(base, LoraConfig(**({"r": 4, "lora_alpha": 6} | changes)))  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".lora_" in name:
                parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.3)
    model.save_pretrained(folder)
    assert (folder / "adapter_model.safetensors").exists()
    return model.eval()


def adapters_of(folder: Path) -> tuple[VLM, Adapters, Processor]:
    model, processor = sources.load(folder)
    return model, Adapters(model, processor.config, nullcontext), processor


IDS = torch.randint(3, 300, (2, 40), generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def logits(model: VLM) -> torch.Tensor:
    return model.decoder(model.decoder.embed(IDS))


@pytest.mark.parametrize("variant", list(TARGETS))
@torch.no_grad()
def test_pefts_own_on_a_llama(tmp_path: Path, variant: str) -> None:
    theirs = adapted(llama_folder(tmp_path / "base"), tmp_path / "adapter", **TARGETS[variant])
    model, adapters, _ = adapters_of(tmp_path / "base")
    before = logits(model)
    adapters.load(tmp_path / "adapter")
    assert torch.equal(logits(model), before) and adapters.active == {}
    adapters.use("adapter")
    assert difference(logits(model), theirs(IDS).logits) <= 1e-4
    assert difference(logits(model), before) > 1e-2
    assert adapters.notes == ["adapter: keeps no fingerprint of its base; only names and shapes were compared"]


@pytest.mark.parametrize("tiles", [False, True], ids=["llava", "llava-next"])
@pytest.mark.parametrize(
    "targets",
    [
        r".*language_model.*\.(q_proj|down_proj)", r".*(language_model.*v_proj|linear_[12])", ["q_proj", "v_proj"],
        r".*vision_tower.*(k_proj|out_proj|fc[12])", "all-linear",
    ],
    ids=["decoder", "projector", "attention everywhere", "tower", "all-linear"],
)  # fmt: skip
@torch.no_grad()
def test_pefts_own_on_llava(tmp_path: Path, tiles: bool, targets: Any) -> None:
    theirs = adapted(llava_folder(tmp_path / "base", tiles=tiles), tmp_path / "adapter", target_modules=targets)
    model, adapters, processor = adapters_of(tmp_path / "base")
    sample = processor(question(picture(SIZE, SIZE), "what?"), for_training=False)
    before = model(collate([sample], 0))
    adapters.load(tmp_path / "adapter", "one")
    adapters.use("one")
    inputs = {"input_ids": sample.input_ids[None], **preprocessing(tiles)([picture(SIZE, SIZE)], return_tensors="pt")}
    found, expected = model(collate([sample], 0)), theirs(**inputs).logits
    assert (sample.input_ids == IMAGE_ID).any()
    assert difference(found, expected) <= 1e-4 and difference(found, before) > 1e-3
    adapters.save("one", tmp_path / "ours")
    adapters.merge()
    assert difference(model(collate([sample], 0)), expected) <= 1e-4
    adapters.off()
    assert torch.equal(model(collate([sample], 0)), before)
    adapters.use({"one": -2.0})
    adapters.unload()
    plain = sources.load(tmp_path / "base")[0]
    assert same(model, plain)
    adapters.use(adapters.load(tmp_path / "ours"))  # its base is recognised again
    assert adapters.notes == [] and difference(model(collate([sample], 0)), expected) <= 1e-4
    adapters.merge(undo=False)
    assert difference(model(collate([sample], 0)), expected) <= 1e-4
    assert checkpoint.state_dict(model).keys() == checkpoint.state_dict(plain).keys()


def same(one: VLM, other: VLM) -> bool:
    own, found = checkpoint.state_dict(one), checkpoint.state_dict(other)
    return own.keys() == found.keys() and all(torch.equal(own[name], found[name]) for name in own)


@torch.no_grad()
def test_a_llamas_adapter_fits_the_llama_inside(tmp_path: Path) -> None:
    """What was trained on a decoder alone can be used where it has got eyes."""
    llava = llava_folder(tmp_path / "llava", tiles=False)
    alone = llama_folder(tmp_path / "llama")
    alone.model.load_state_dict(llava.model.language_model.state_dict())
    alone.lm_head.load_state_dict(llava.lm_head.state_dict())
    theirs = adapted(alone, tmp_path / "adapter", target_modules="all-linear")
    model, adapters, _ = adapters_of(tmp_path / "llava")
    adapters.load(tmp_path / "adapter")
    adapters.use("adapter")
    assert difference(logits(model), theirs(IDS).logits) <= 1e-4


@pytest.mark.parametrize("shape", ["text", "overview", "tiles"])
@torch.no_grad()
def test_ours_is_read_by_peft_on_the_export(
    tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, tmp_path: Path, shape: str
) -> None:
    config = shaped(tiny_config, shape)
    model = build_model(config)
    randomised(model)
    processor = Processor(config, tiny_tokenizer)
    to_hf(tmp_path / "base", model, processor)
    targets = {"text": ["q_proj", "up_proj"]}.get(shape, r".*(language_model.*(q_proj|up_proj)|linear_1)")
    patterns = {"rank_pattern": {"up_proj": 2}, "alpha_pattern": {"q_proj": 9}}
    adapted(reference(tmp_path / "base"), tmp_path / "theirs", target_modules=targets, **patterns)
    adapters = Adapters(model, config, nullcontext)
    adapters.load(tmp_path / "theirs", "one")
    adapters.save("one", tmp_path / "ours")
    adapters.use("one")
    theirs = PeftModel.from_pretrained(reference(tmp_path / "base"), tmp_path / "ours").eval()
    loaded = load_file(tmp_path / "ours" / "adapter_model.safetensors")
    assert loaded.keys() == load_file(tmp_path / "theirs" / "adapter_model.safetensors").keys()
    ids = IDS % 250 + 8
    expected = theirs(ids).logits
    assert difference(model.decoder(model.decoder.embed(ids)), expected) <= 1e-4
    again, second, _ = adapters_of(tmp_path / "base")  # and by us, its base recognised
    second.load(tmp_path / "ours")
    second.use("ours")
    assert torch.equal(again.decoder(again.decoder.embed(ids)), model.decoder(model.decoder.embed(ids)))
    assert second.notes == []


# --- several, merged, undone ---


@pytest.fixture
def two(tmp_path: Path) -> tuple[VLM, Adapters, Path]:
    """A Llama with adapters "a" and "b" on different layers, loaded and inactive."""
    llama_folder(tmp_path / "base")
    for seed, (name, targets) in enumerate({"a": ["q_proj", "up_proj"], "b": ["up_proj", "o_proj"]}.items()):
        adapted(llama_folder(tmp_path / "base"), tmp_path / name, seed=seed, target_modules=targets)
    model, adapters, _ = adapters_of(tmp_path / "base")
    for name in "ab":
        adapters.load(tmp_path / name)
    return model, adapters, tmp_path


@torch.no_grad()
def test_a_weighted_stack_is_what_peft_makes_of_it(two: tuple[VLM, Adapters, Path]) -> None:
    model, adapters, folder = two
    theirs = PeftModel.from_pretrained(reference(folder / "base"), folder / "a", "a")
    theirs.load_adapter(folder / "b", "b")
    theirs.base_model.set_adapter(["a", "b"])
    for weights in ({"a": 1.0, "b": 1.0}, {"a": 0.7, "b": -0.3}, {"b": 2.0}):
        adapters.use(weights)
        for layer in (one for one in theirs.modules() if hasattr(one, "set_scale")):
            for name in "ab":
                layer.set_scale(name, weights.get(name, 0.0))  # type: ignore[operator]
        assert difference(logits(model), theirs.eval()(IDS).logits) <= 1e-4, weights
    assert str(adapters) == "b x 2"


def test_switching_back_and_forth(two: tuple[VLM, Adapters, Path]) -> None:
    model, adapters, folder = two
    base = logits(model)
    fresh: dict[str, torch.Tensor] = {}
    for name in "ab":
        other, its, _ = adapters_of(folder / "base")
        its.load(folder / name)
        its.use(name)
        fresh[name] = logits(other)
    for name in "abba":
        adapters.use(name)
        assert torch.equal(logits(model), fresh[name])
    adapters.off()
    assert torch.equal(logits(model), base) and str(adapters) == ""
    adapters.use(["a", "b"])
    adapters.unload("a")
    assert adapters.names == ["b"] and adapters.active == {"b": 1.0}
    assert torch.equal(logits(model), fresh["b"])


def weights_of(model: VLM) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in checkpoint.state_dict(model).items()}


def test_merged_equals_unmerged_and_undone_is_the_base_bit_for_bit(two: tuple[VLM, Adapters, Path]) -> None:
    model, adapters, folder = two
    base = logits(model)
    adapters.use({"a": 1.0, "b": 0.5})
    stacked = logits(model)
    adapters.merge()
    assert adapters.merged and difference(logits(model), stacked) <= 1e-5
    assert not torch.equal(logits(model), stacked)  # it is the weights that say so now
    adapters.merge()
    adapters.unmerge()
    assert not adapters.merged and torch.equal(logits(model), stacked)
    for change in (adapters.off, lambda: adapters.use("b"), lambda: adapters.unload("b")):
        adapters.use("a")
        adapters.merge()
        change()
        assert not adapters.merged
    adapters.off()
    assert torch.equal(logits(model), base)
    adapters.use("a")
    adapters.merge()
    adapters.unload()
    assert same(model, sources.load(folder / "base")[0])
    assert torch.equal(logits(model), base) and not hasattr(model, "peft_config")


def test_merged_for_good_it_is_a_plain_model(two: tuple[VLM, Adapters, Path]) -> None:
    model, adapters, folder = two
    adapters.use("a")
    stacked = logits(model)
    adapters.merge(undo=False)
    assert adapters.names == [] and not adapters.merged
    assert weights_of(model).keys() == weights_of(sources.load(folder / "base")[0]).keys()
    assert difference(logits(model), stacked) <= 1e-5
    adapters.load(folder / "b")  # and may be adapted again
    adapters.use("b")
    assert difference(logits(model), stacked) > 1e-3


def test_a_merge_that_could_not_be_undone_for_lack_of_memory(
    two: tuple[VLM, Adapters, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, adapters, _ = two
    adapters.use("a")
    before = logits(model)
    monkeypatch.setattr("vlm.adapters.available_memory", lambda device: 1000)
    with pytest.raises(vlm.InputError, match="0 MB are free"):
        adapters.merge()
    assert torch.equal(logits(model), before)
    adapters.merge(undo=False)


def test_bfloat16(two: tuple[VLM, Adapters, Path]) -> None:
    _, _, folder = two
    model, processor = sources.load(folder / "base", dtype=torch.bfloat16)
    adapters = Adapters(model, processor.config, nullcontext)
    before = weights_of(model)
    adapters.load(folder / "a")
    adapters.use("a")
    stacked = logits(model).float()
    adapters.merge()
    assert difference(logits(model).float(), stacked) <= 0.1  # of the sums of bfloat16
    adapters.unload()
    assert all(torch.equal(tensor, before[name]) for name, tensor in weights_of(model).items())


# --- what is refused ---


@pytest.mark.parametrize("change", ["none", "dtype", "other"])
def test_a_wrong_base_is_refused_by_its_fingerprint(two: tuple[VLM, Adapters, Path], change: str) -> None:
    model, adapters, folder = two
    adapters.save("a", folder / "ours")
    if change == "other":  # of the same shape, trained further
        tensors = load_file(folder / "base" / "model.safetensors")
        name = "model.layers.1.mlp.up_proj.weight"
        tensors[name] = tensors[name] * 1.01
        save_file(tensors, folder / "base" / "model.safetensors")
    dtype = torch.bfloat16 if change == "dtype" else torch.float32
    model, processor = sources.load(folder / "base", dtype=dtype)
    its = Adapters(model, processor.config, nullcontext)
    if change != "other":
        assert its.load(folder / "ours") == "ours" and its.notes == []
        return
    before = logits(model)
    with pytest.raises(vlm.CheckpointError, match="made for other weights"):
        its.load(folder / "ours")
    assert its.names == [] and torch.equal(logits(model), before)
    assert not any("lora" in name for name, _ in model.named_modules())


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("use_dora", True, "use_dora True is not computed"),
        ("lora_bias", True, "lora_bias"),
        ("bias", "all", "bias 'all'"),
        ("modules_to_save", ["lm_head"], "modules_to_save"),
        ("layer_replication", [[0, 2]], "layer_replication"),
        ("init_lora_weights", "pissa_niter_4", "pissa_niter_4"),
        ("trainable_token_indices", [1], "trainable_token_indices"),
        ("something_new", {"a": 1}, "something_new"),
        ("peft_type", "LOHA", "LOHA"),
        ("r", -1, "r must be between"),
        ("r", "8", "r must be a number"),
        ("lora_alpha", 1e300, "lora_alpha must be"),
        ("target_modules", None, "target_modules None"),
        ("target_modules", r"(\w+)+\.[", "no regular expression"),
        ("target_modules", r"(\w|\w\w|[\w.])+(?<=!)", "takes too long"),
        ("rank_pattern", {"q_proj": 0}, "rank_pattern must be"),
        ("rank_pattern", {"q_proj": 3}, r"wrong shapes \(4\).*lora_A.weight is \(4, 64\), expected \(3, 64\)"),
        ("target_modules", ["q_proj", "up_proj", "k_proj"], r"missing tensors \(4\).*k_proj"),
        ("target_modules", ["q_proj"], r"unexpected tensors \(4\).*up_proj"),
    ],
)  # fmt: skip
def test_configs_that_mean_something_else(two: tuple[VLM, Adapters, Path], field: str, value: Any, words: str) -> None:
    model, adapters, folder = two
    before = logits(model)
    path = folder / "a" / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(vlm.CheckpointError, match=words):
        adapters.load(folder / "a", "again")
    assert adapters.names == ["a", "b"] and torch.equal(logits(model), before)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("lost", r"missing tensors \(1\)"),
        ("nan", "NaN"),
        ("embedding", "adapts the embeddings"),
        ("strange", "no part of a LoRA adapter"),
        ("truncated", "adapter_model.safetensors"),
    ],
)
def test_weights_that_do_not_fit(two: tuple[VLM, Adapters, Path], change: str, words: str) -> None:
    _, adapters, folder = two
    path = folder / "a" / "adapter_model.safetensors"
    tensors = load_file(path)
    name = next(iter(tensors))
    if change == "lost":
        del tensors[name]
    elif change == "nan":
        tensors[name][0, 0] = torch.nan
    elif change == "embedding":
        tensors["base_model.model.model.embed_tokens.lora_embedding_A"] = torch.zeros(2, 2)
    elif change == "strange":
        tensors["strange"] = torch.zeros(2, 2)
    save_file(tensors, path)
    if change == "truncated":
        path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(vlm.CheckpointError, match=words):
        adapters.load(folder / "a", "again")
    assert adapters.names == ["a", "b"]


def test_a_pickle_is_not_read(two: tuple[VLM, Adapters, Path]) -> None:
    _, adapters, folder = two
    (folder / "a" / "adapter_model.safetensors").rename(folder / "a" / "adapter_model.bin")
    with pytest.raises(vlm.CheckpointError, match=r"adapter_model.bin is a pickle, which can run code and is not read"):
        adapters.load(folder / "a", "again")


def test_another_shape_is_refused(two: tuple[VLM, Adapters, Path]) -> None:
    _, _, folder = two
    shutil.rmtree(folder / "base")
    llama_folder(folder / "base", hidden_size=32, num_hidden_layers=1)
    model, adapters, _ = adapters_of(folder / "base")
    with pytest.raises(vlm.CheckpointError, match=r"unexpected tensors \(4\).*wrong shapes \(3\)"):
        adapters.load(folder / "a")
    assert not any("lora" in name for name, _ in model.named_modules())


def test_a_tied_head_takes_no_adapter(tmp_path: Path) -> None:
    tied = llama_folder(tmp_path / "tied", tie_word_embeddings=True)
    adapted(tied, tmp_path / "head", target_modules=["lm_head"])
    _, adapters, _ = adapters_of(tmp_path / "tied")
    with pytest.raises(vlm.CheckpointError, match="lm_head, which is tied"):
        adapters.load(tmp_path / "head")


@pytest.mark.parametrize("scheme", ["int8", "int4"])
def test_weights_in_few_bits_take_no_adapter(tmp_path: Path, scheme: str) -> None:
    adapted(llama_folder(tmp_path / "base"), tmp_path / "adapter", target_modules=["q_proj"])
    model, processor = sources.load(tmp_path / "base", quantize=scheme)
    adapters = Adapters(model, processor.config, nullcontext)
    with pytest.raises(vlm.CheckpointError, match=r"q_proj: takes no adapter, as it is a QuantizedLinear"):
        adapters.load(tmp_path / "adapter")
    assert not any("lora" in name for name, _ in model.named_modules())


def test_another_head_than_the_bases_is_refused(tmp_path: Path) -> None:
    """peft writes a copy of the head beside an adapter of it."""
    adapted(llama_folder(tmp_path / "base"), tmp_path / "head", target_modules=["lm_head"])
    path = tmp_path / "head" / "adapter_model.safetensors"
    tensors = load_file(path)
    tensors["base_model.model.lm_head.base_layer.weight"][3, 3] += 1
    save_file(tensors, path)
    _, adapters, _ = adapters_of(tmp_path / "base")
    with pytest.raises(vlm.CheckpointError, match="brings a lm_head of its own"):
        adapters.load(tmp_path / "head")


@pytest.mark.parametrize("name", ["keys", "lora", "lora_A", "weight", "a.b", "à la carte", "default"])
def test_any_name_will_do(two: tuple[VLM, Adapters, Path], name: str) -> None:
    """peft makes module names of them, of which some are taken."""
    model, adapters, folder = two
    base = logits(model)
    adapters.use("a")
    expected = logits(model)
    shutil.copytree(folder / "a", folder / name)
    assert adapters.load(folder / name) == name
    adapters.use(name)
    assert torch.equal(logits(model), expected) and adapters.names == ["a", "b", name]
    adapters.merge()
    adapters.unload(name)
    assert torch.equal(logits(model), base)


def test_names(two: tuple[VLM, Adapters, Path]) -> None:
    _, adapters, folder = two
    with pytest.raises(vlm.InputError, match="'a' is loaded already"):
        adapters.load(folder / "a")
    with pytest.raises(vlm.InputError, match="no adapter named 'c' is loaded; loaded: a, b"):
        adapters.use({"a": 1, "c": 1})
    with pytest.raises(vlm.InputError, match="nothing to merge"):
        adapters.merge()
    with pytest.raises(vlm.CheckpointError, match=r"no adapter_config\.json"):
        adapters.load(folder / "base")


# --- in an assistant ---


def said(assistant: Assistant, text: str = "abc def") -> str:
    return assistant.ask(text, max_new_tokens=24).text


def test_a_switch_leaves_nothing_of_another_adapters_cache(two: tuple[VLM, Adapters, Path]) -> None:
    """The same question again would find its beginning, and its pictures, in the cache."""
    _, _, folder = two
    alone = {name: said(vlm.load(folder / "base", adapters=[folder / name])) for name in "ab"}
    alone["both"] = said(vlm.load(folder / "base", adapters={folder / "a": 0.5, folder / "b": 1.0}))
    with vlm.load(folder / "base") as assistant:
        plain = said(assistant)
        assert len({plain, *alone.values()}) == 4  # they differ at all
        for name in "ab":
            assistant.adapters.load(folder / name)
        assert said(assistant) == plain
        for name in "abab":
            assistant.adapters.use(name)
            assert said(assistant) == alone[name]
        assistant.adapters.merge()
        assert said(assistant) == alone["b"]
        assistant.adapters.use({"a": 0.5, "b": 1.0})
        assert said(assistant) == alone["both"]
        assistant.adapters.off()
        assert said(assistant) == plain
        assert assistant.engine.stats().prefix_tokens == 0  # each was the first of its kind


def test_pictures_seen_through_another_adapter_are_looked_at_again(tmp_path: Path) -> None:
    adapted(llava_folder(tmp_path / "base", tiles=False), tmp_path / "eyes", target_modules=r".*linear_[12]")
    asked: dict[str, Any] = {"images": [picture(SIZE, SIZE)], "max_new_tokens": 24}
    expected = vlm.load(tmp_path / "base", adapters=[tmp_path / "eyes"]).ask("what?", **asked).text
    with vlm.load(tmp_path / "base") as assistant:
        plain = assistant.ask("what?", **asked).text
        assistant.adapters.use(assistant.adapters.load(tmp_path / "eyes"))
        assert assistant.ask("what?", **asked).text == expected != plain


def test_a_switch_waits_for_what_is_under_way(two: tuple[VLM, Adapters, Path]) -> None:
    """Answers of many threads while adapters are switched: each is one adapter's, from its first word to its last."""
    _, _, folder = two
    pure = {said(vlm.load(folder / "base", adapters=[folder / name])) for name in "ab"}
    with vlm.load(folder / "base", adapters=[folder / "a", folder / "b"]) as assistant:
        assistant.adapters.use("a")
        found: list[str] = []
        ended = threading.Event()

        def ask() -> None:
            while not ended.is_set():
                found.append(said(assistant))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for name in "babababa":
            assistant.adapters.use(name)
            if name == "a":
                assistant.adapters.merge()
        ended.set()
        for thread in threads:
            thread.join()
    assert set(found) <= pure and len(found) >= 3


def test_an_answer_that_does_not_end_is_told_of(
    two: tuple[VLM, Adapters, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, folder = two
    with vlm.load(folder / "base", adapters=[folder / "a"]) as assistant:
        pieces = assistant.stream([{"role": "user", "content": "abc"}], max_new_tokens=600)
        next(pieces)
        monkeypatch.setattr("vlm.assistant.SWITCH_SECONDS", 0.2)
        with pytest.raises(vlm.InputError, match="still being generated"):
            assistant.adapters.off()
        assert assistant.adapter == "a"
        pieces.close()  # type: ignore[attr-defined]
        assistant.adapters.off()
        assert assistant.adapter is None


def test_what_the_assistant_says_of_it(two: tuple[VLM, Adapters, Path]) -> None:
    _, _, folder = two
    with vlm.load(folder / "base") as assistant:
        assert dict(assistant.facts())["Adapter"] == "none" and assistant.adapter is None
        plain = assistant.sizes()
        for name in "ab":
            assistant.adapters.load(folder / name)
        assistant.adapters.use({"a": 0.7, "b": 1})
        assert dict(assistant.facts())["Adapter"] == "a x 0.7 + b" == assistant.adapter
        assert {part: size for part, size in assistant.sizes().items() if part != "adapters"} == plain
        assistant.adapters.unload()
        assert assistant.sizes() == plain
        weighed = [{"role": "user", "content": "abc"}, {"role": "assistant", "content": "red"}]
        first = next(iter(assistant.log_probabilities([weighed])))
        assistant.adapters.use(assistant.adapters.load(folder / "a"))
        assert not torch.equal(next(iter(assistant.log_probabilities([weighed]))), first)

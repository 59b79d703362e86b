"""The files that `vlm export --to gguf` writes, read by the `gguf` package and by transformers.

What llama.cpp itself makes of them: `test_gguf_llama_cpp.py`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
import torch
from jinja2.sandbox import ImmutableSandboxedEnvironment
from tokenizers import Tokenizer as Backend
from tokenizers import normalizers, pre_tokenizers
from transformers import LlamaForCausalLM
from typer.testing import CliRunner

import vlm
from vlm.batch import collate
from vlm.chat import TEMPLATES, render
from vlm.cli import app
from vlm.config import DecoderConfig, ModelConfig, RopeScaling
from vlm.decoder import rope_frequencies, rotate
from vlm.gguf_export import to_gguf
from vlm.gguf_tokenizer import described
from vlm.jinja import as_jinja
from vlm.layouts import interleaved
from vlm.model import VLM, build_model
from vlm.processor import Processor
from vlm.tokenizer import Tokenizer

from .test_export import shaped
from .test_foreign import difference, randomised

torch.set_num_threads(1)


def built(config: ModelConfig, tokenizer: Tokenizer) -> tuple[VLM, Processor]:
    model = build_model(config)
    randomised(model)
    return model, Processor(config, tokenizer)


def contents(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray], dict[str, str]]:
    """Metadata, tensors as float32, and the types in which they are stored."""
    reader = gguf.GGUFReader(path)
    fields = {name: field.contents() for name, field in reader.fields.items()}
    values = {t.name: gguf.quants.dequantize(t.data, t.tensor_type) for t in reader.tensors}
    return fields, values, {t.name: t.tensor_type.name for t in reader.tensors}


def test_the_decoders_metadata_and_tensors(tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, tmp_path: Path) -> None:
    model, processor = built(shaped(tiny_config, "text"), tiny_tokenizer)
    assert to_gguf(tmp_path / "out", model, processor, kind="f32", card="# tiny") == []
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["README.md", "manifest.json", "tiny-f32.gguf"]
    fields, values, _ = contents(tmp_path / "out" / "tiny-f32.gguf")
    expected = {
        "general.architecture": "llama", "general.type": "model", "general.name": "tiny", "general.file_type": 0,
        "llama.vocab_size": 288, "llama.context_length": 512, "llama.embedding_length": 32, "llama.block_count": 2,
        "llama.feed_forward_length": 64, "llama.attention.head_count": 4, "llama.attention.head_count_kv": 2,
        "llama.rope.dimension_count": 8, "llama.rope.freq_base": 10000.0,
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2, "tokenizer.ggml.padding_token_id": 0, "tokenizer.ggml.add_bos_token": False,
    }  # fmt: skip
    assert {name: fields[name] for name in expected} == expected
    assert fields["llama.attention.layer_norm_rms_epsilon"] == pytest.approx(1e-5)
    decoder, head_dim = model.decoder, 8
    plain = {
        "token_embd.weight": decoder.model.embed_tokens, "output.weight": decoder.lm_head,
        "output_norm.weight": decoder.model.norm, "blk.1.attn_norm.weight": decoder.model.layers[1].input_layernorm,
        "blk.1.ffn_norm.weight": decoder.model.layers[1].post_attention_layernorm,
        "blk.0.attn_v.weight": decoder.model.layers[0].self_attn.v_proj,
        "blk.0.attn_output.weight": decoder.model.layers[0].self_attn.o_proj,
        "blk.1.ffn_gate.weight": decoder.model.layers[1].mlp.gate_proj,
        "blk.1.ffn_up.weight": decoder.model.layers[1].mlp.up_proj,
        "blk.1.ffn_down.weight": decoder.model.layers[1].mlp.down_proj,
    }  # fmt: skip
    for name, module in plain.items():
        assert np.array_equal(values[name], module.weight.detach().numpy()), name
    for name, heads in (("q", 4), ("k", 2)):
        ours = getattr(decoder.model.layers[1].self_attn, f"{name}_proj").weight.detach().numpy()
        theirs = values[f"blk.1.attn_{name}.weight"].reshape(heads, head_dim, 32)
        by_head = ours.reshape(heads, head_dim, 32)
        assert np.array_equal(theirs[:, 0::2], by_head[:, :4]) and np.array_equal(theirs[:, 1::2], by_head[:, 4:])
    assert len(values) == 2 * 9 + 3 + 1
    scaling = replace(decoder.config, rope_scaling=None)
    divided = rope_frequencies(scaling, 0).numpy() / values["rope_freqs.weight"]
    assert np.allclose(divided, rope_frequencies(decoder.config, 0).numpy(), rtol=1e-6)


def test_tied_and_scaled_decoders(tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, tmp_path: Path) -> None:
    text = replace(tiny_config, clip=None, image_projector=None, whisper=None, audio_projector=None)
    found: dict[str, list[str]] = {}
    for rope, scaling in (("linear", RopeScaling("linear", 4.0)), ("dynamic", RopeScaling("dynamic", 2.0))):
        config = replace(text, decoder=replace(text.decoder, rope_scaling=scaling))
        found[rope] = to_gguf(tmp_path / rope, *built(config, tiny_tokenizer), kind="f32")
    fields, values, _ = contents(tmp_path / "linear" / "tiny-f32.gguf")
    assert (fields["llama.rope.scaling.type"], fields["llama.rope.scaling.factor"]) == ("linear", 4.0)
    assert "output.weight" not in values and "rope_freqs.weight" not in values
    assert found == {"linear": [], "dynamic": ["positions beyond 512: there is no rope_scaling 'dynamic'"]}
    assert "llama.rope.scaling.type" not in contents(tmp_path / "dynamic" / "tiny-f32.gguf")[0]


def test_neighbours_turn_as_halves_did() -> None:
    """Scores of rotated queries and keys, Hugging Face's way and, on rows put side by side, llama.cpp's."""
    heads, size, width, length = 3, 8, 16, 7
    generator = torch.Generator().manual_seed(0)
    q, k = (torch.randn(heads * size, width, generator=generator) for _ in range(2))
    x = torch.randn(length, width, generator=generator)
    config = DecoderConfig(8, heads * size, 8, 1, heads, heads, size)
    angles = torch.arange(length)[:, None] * rope_frequencies(config, length)

    def halves(weight: torch.Tensor) -> torch.Tensor:
        both = torch.cat((angles, angles), -1)
        return rotate((x @ weight.T).view(1, length, heads, size).transpose(1, 2), (both.cos(), both.sin()))[0]

    def neighbours(weight: torch.Tensor) -> torch.Tensor:
        pairs = torch.view_as_complex((x @ interleaved(weight, heads).T).view(length, heads, size // 2, 2))
        turned = torch.view_as_real(pairs * torch.polar(torch.ones_like(angles), angles)[:, None])
        return turned.flatten(-2).transpose(0, 1)

    expected = halves(q) @ halves(k).transpose(1, 2)
    assert difference(neighbours(q) @ neighbours(k).transpose(1, 2), expected) <= 1e-6


KINDS = {"f32": 0.0, "f16": 2**-11, "bf16": 2**-8, "q8_0": 1 / 254 + 2**-11}
"""How far a value may be off: of itself, for q8_0 of the largest in its block (whose scale is a float16)."""


@pytest.mark.parametrize("kind", KINDS)
def test_types(tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, tmp_path: Path, kind: str) -> None:
    model, processor = built(shaped(tiny_config, "tiles"), tiny_tokenizer)
    to_gguf(tmp_path / "out", model, processor, kind=kind)
    _, exact, _ = _both(tmp_path / "exact", model, processor, "f32")
    fields, values, types = _both(tmp_path / "out", model, processor, kind)
    assert values.keys() == exact.keys()
    for name, value in values.items():
        assert value.shape == exact[name].shape
        largest = np.abs(exact[name])
        if types[name] == "Q8_0":
            largest = largest.reshape(-1, 32).max(-1, keepdims=True).repeat(32, -1).reshape(value.shape)
        assert (np.abs(value - exact[name]) <= KINDS[kind] * largest * 1.001 + 1e-7).all(), name
    wanted = kind.upper()
    assert types["blk.0.attn_q.weight"] == types["token_embd.weight"] == wanted
    assert types["blk.0.attn_norm.weight"] == types["v.blk.0.attn_q.bias"] == types["v.position_embd.weight"] == "F32"
    assert types["v.patch_embd.weight"] == ("F16" if kind == "f16" else "F32")
    assert types["v.blk.0.attn_q.weight"] == ("F16" if kind == "q8_0" else wanted)  # rows of 16
    assert fields["general.file_type"] == {"f32": 0, "f16": 1, "bf16": 32, "q8_0": 7}[kind]
    assert ("general.quantization_version" in fields) == (kind == "q8_0")


def _both(folder: Path, model: VLM, processor: Processor, kind: str) -> tuple[dict, dict, dict]:
    to_gguf(folder, model, processor, kind=kind)
    fields, values, types = contents(folder / f"tiny-{kind}.gguf")
    _, more, kinds = contents(folder / f"mmproj-tiny-{kind}.gguf")
    return fields, values | more, types | kinds


def test_the_eyes(tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, tmp_path: Path) -> None:
    config = shaped(tiny_config, "tiles")
    assert config.clip is not None
    config = replace(config, clip=replace(config.clip, layers=3, feature_layer=-2, quick_gelu=True))
    model, processor = built(config, tiny_tokenizer)
    lost = to_gguf(tmp_path / "out", model, processor, kind="f32", class_token="first")
    assert [phrase.partition(":")[0] for phrase in lost] == ["pictures that are not square", "tiles", "sounds"]
    fields, values, _ = contents(tmp_path / "out" / "mmproj-tiny-f32.gguf")
    expected = {
        "general.architecture": "clip", "general.type": "mmproj", "clip.has_vision_encoder": True,
        "clip.projector_type": "mlp", "clip.use_gelu": False, "clip.vision.image_size": 32,
        "clip.vision.patch_size": 8, "clip.vision.embedding_length": 16, "clip.vision.feed_forward_length": 32,
        "clip.vision.attention.head_count": 2, "clip.vision.block_count": 2, "clip.vision.feature_layer": [2],
        "clip.vision.projection_dim": 32, "clip.vision.image_grid_pinpoints": [64, 32, 32, 64, 64, 64],
    }  # fmt: skip
    assert {name: fields[name] for name in expected} == expected
    assert fields["clip.vision.image_mean"] == pytest.approx(config.clip.image_mean)
    assert fields["clip.vision.image_std"] == pytest.approx(config.clip.image_std)
    tower, projector = model.encoders["image"].visual, model.projectors["image"]
    block = tower.transformer.resblocks[1]
    q, k, v = block.attn.in_proj_weight.detach().chunk(3)
    same = {
        "v.class_embd": tower.class_embedding, "v.position_embd.weight": tower.positional_embedding,
        "v.patch_embd.weight": tower.conv1.weight, "v.pre_ln.bias": tower.ln_pre.bias, "v.blk.1.attn_q.weight": q,
        "v.blk.1.attn_k.weight": k, "v.blk.1.attn_v.weight": v, "v.blk.1.attn_out.bias": block.attn.out_proj.bias,
        "v.blk.1.ln2.weight": block.ln_2.weight, "v.blk.1.ffn_up.weight": block.mlp.c_fc.weight,
        "v.blk.1.ffn_down.bias": block.mlp.c_proj.bias, "mm.0.weight": projector.linear_1.weight,
        "mm.2.bias": projector.linear_2.bias, "v.image_newline": projector.newline,
    }  # fmt: skip
    for name, tensor in same.items():
        assert np.array_equal(values[name], tensor.detach().numpy()), name
    lost = to_gguf(tmp_path / "last", model, processor, kind="f32", class_token="last")
    assert lost[0].startswith("the top left patch of a picture")
    _, turned, _ = contents(tmp_path / "last" / "mmproj-tiny-f32.gguf")
    positions = tower.positional_embedding.detach().numpy()
    assert np.array_equal(turned.pop("v.position_embd.weight"), np.concatenate((positions[1:], positions[:1])))
    assert all(np.array_equal(tensor, values[name]) for name, tensor in turned.items())
    assert not any("blk.2." in name or "post_ln" in name for name in values)  # behind the features


@pytest.mark.parametrize(
    ("change", "word"),
    [({"projector": {"downsample": 2}}, "downsample 2"), ({"clip": {"mlp_ratio": 1.0}}, "mlp_ratio 1.0")],
    ids=str,
)
def test_what_llama_cpp_has_no_field_for(
    tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, tmp_path: Path, change: dict[str, Any], word: str
) -> None:
    assert tiny_config.image_projector is not None and tiny_config.clip is not None
    config = replace(
        tiny_config, clip=replace(tiny_config.clip, **change.get("clip", {})),
        image_projector=replace(tiny_config.image_projector, **change.get("projector", {})),
    )  # fmt: skip
    with pytest.raises(vlm.InputError, match=word):
        to_gguf(tmp_path / "out", *built(config, tiny_tokenizer))
    assert not list(tmp_path.iterdir())


@torch.no_grad()
def test_a_value_that_the_type_cannot_hold(tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, tmp_path: Path) -> None:
    model, processor = built(shaped(tiny_config, "text"), tiny_tokenizer)
    model.decoder.model.layers[1].mlp.up_proj.weight[3, 4] = 1e5
    with pytest.raises(vlm.InputError, match=r"blk\.1\.ffn_up\.weight holds 1e\+05, more than F16 can"):
        to_gguf(tmp_path / "out", model, processor)
    assert not list(tmp_path.iterdir())
    assert to_gguf(tmp_path / "out", model, processor, kind="bf16") == []


@torch.no_grad()
def test_transformers_reads_it(tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, tmp_path: Path) -> None:
    config = shaped(tiny_config, "text")
    model, processor = built(replace(config, decoder=replace(config.decoder, rope_scaling=None)), tiny_tokenizer)
    to_gguf(tmp_path / "out", model, processor, kind="f32")
    theirs = LlamaForCausalLM.from_pretrained(tmp_path / "out", gguf_file="tiny-f32.gguf", dtype=torch.float32).eval()
    sample = processor([{"role": "user", "content": "what is red"}], for_training=False)
    assert difference(model(collate([sample], 0)), theirs(sample.input_ids[None]).logits) <= 1e-5


# --- tokenizers ---


def changed(tokenizer: Tokenizer, **parts: Any) -> Backend:
    data = json.loads(tokenizer.backend.to_str())
    data["model"] |= parts.pop("model", {})
    return Backend.from_str(json.dumps(data | parts))


def test_bytes_and_merges(tiny_config: ModelConfig, tiny_tokenizer: Tokenizer) -> None:
    found = described(Processor(tiny_config, tiny_tokenizer))
    vocabulary = tiny_tokenizer.backend.get_vocab(with_added_tokens=True)
    assert (found.kind, found.split, found.merges[:2] if found.merges else None) == ("gpt2", "gpt-2", ["Ġ t", "Ġt h"])
    assert found.scores is None and len(found.tokens) == 288 == len(set(found.tokens))
    assert all(found.tokens[number] == token for token, number in vocabulary.items())
    kinds = gguf.TokenType
    assert found.types[:8] == [kinds.CONTROL] * 8 and found.types[8] == kinds.NORMAL
    assert found.tokens[len(vocabulary)] == f"[PAD{len(vocabulary)}]" and found.types[-1] == kinds.UNUSED


@pytest.mark.parametrize(
    ("split", "name"),
    [
        (pre_tokenizers.Sequence([pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(False)]), "smollm"),
        (pre_tokenizers.ByteLevel(add_prefix_space=True), None),
        (pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.ByteLevel(False)]), None),
        (pre_tokenizers.ByteLevel(False, use_regex=False), None),
    ],
    ids=["smollm", "prefix space", "whitespace", "no split"],
)
def test_only_splits_that_have_a_name(
    tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, split: Any, name: str | None
) -> None:
    backend = changed(tiny_tokenizer)
    backend.pre_tokenizer = split
    processor = Processor(tiny_config, Tokenizer(backend))
    if name:
        assert described(processor).split == name
    else:
        with pytest.raises(vlm.InputError, match=r"tokenizer\.json: llama\.cpp has nothing like its pre_tokenizer"):
            described(processor)


def test_other_models_and_normalizers_are_refused(tiny_config: ModelConfig, tiny_tokenizer: Tokenizer) -> None:
    backend = changed(tiny_tokenizer)
    backend.normalizer = normalizers.NFC()
    with pytest.raises(vlm.InputError, match="nothing like its normalizer NFC"):
        described(Processor(tiny_config, Tokenizer(backend)))
    with pytest.raises(vlm.InputError, match=r"nothing like its model\.dropout"):
        described(Processor(tiny_config, Tokenizer(changed(tiny_tokenizer, model={"dropout": 0.5}))))


def test_words_that_merges_do_not_reach(tiny_config: ModelConfig, tiny_tokenizer: Tokenizer) -> None:
    """A vocabulary that is looked into first, read where only merges count."""
    whole = changed(tiny_tokenizer, model={"ignore_merges": True})
    assert described(Processor(tiny_config, Tokenizer(whole))).split == "gpt-2"  # all are reached
    merges = json.loads(tiny_tokenizer.backend.to_str())["model"]["merges"]
    unreached = changed(tiny_tokenizer, model={"ignore_merges": True, "merges": merges[:-1]})
    with pytest.raises(vlm.InputError, match=r"model\.ignore_merges True with the split gpt-2"):
        described(Processor(tiny_config, Tokenizer(unreached)))


# --- the chat template, the command ---

MARK = "<__media__>"
IMAGE = {"type": "image", "image": object()}


@pytest.mark.parametrize("name", list(TEMPLATES))
@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ("what?", ["what?"]),
        (f"{MARK}what?", [IMAGE, "what?"]),
        (f"first{MARK}what__>?", ["first", IMAGE, "what__>?"]),
        ([MARK, "a", "<__media_xY__>"], [IMAGE, "a", IMAGE]),
    ],
    ids=["text", "one", "between", "parts"],
)
def test_the_template_puts_markers_where_pictures_stand(name: str, content: Any, parts: list[Any]) -> None:
    """Given one text, as the server does, or parts, as the Python bindings do."""
    if isinstance(content, list):
        content = [{"type": "text", "text": text} for text in content]
    template = ImmutableSandboxedEnvironment().from_string(as_jinja(TEMPLATES[name], None))
    found = template.render(messages=[{"role": "user", "content": content}], add_generation_prompt=True)
    messages = [{"role": "user", "content": [{"type": "text", "text": p} if isinstance(p, str) else p for p in parts]}]
    pieces = render(messages, TEMPLATES[name])
    assert found.replace("<__media_xY__>", MARK) == "".join(MARK if p.kind == "image" else p.text for p in pieces)


def test_the_command(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ["export", str(tiny_folder), "--to", "gguf", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, [*command, "--type", "q8_0"])
    assert done.exit_code == 0 and "not as here: sounds: the ears stay behind" in done.output
    assert (tmp_path / "out" / "mmproj-tiny-q8_0.gguf").is_file()
    mixed = CliRunner().invoke(app, ["export", str(tiny_folder), "--type", "f32", "--out", str(tmp_path / "hf")])
    assert mixed.exit_code == 1 and "--type for --to gguf" in mixed.output and not (tmp_path / "hf").exists()
    for module in ("vlm.gguf_export", "vlm.gguf_tokenizer"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setitem(sys.modules, "gguf", None)
    missing = CliRunner().invoke(app, command)
    assert missing.exit_code == 1 and "--to gguf needs gguf: pip install 'vlm-studio[gguf]'" in missing.output

"""Ours, written for transformers: it loads the folder and says the same; read again it is ours, bit for bit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from jinja2.sandbox import ImmutableSandboxedEnvironment
from transformers import (
    AutoProcessor,
    AutoTokenizer,
    LlamaForCausalLM,
    LlavaForConditionalGeneration,
    LlavaNextForConditionalGeneration,
)

import vlm
from vlm import checkpoint
from vlm.batch import collate
from vlm.chat import MODALITIES, TEMPLATES, render
from vlm.config import DecoderConfig, ModelConfig, RopeScaling
from vlm.export import to_hf
from vlm.jinja import as_jinja
from vlm.model import VLM, build_model
from vlm.processor import Processor
from vlm.sampling import SamplingOptions
from vlm.sources import described, load
from vlm.tokenizer import Tokenizer

from ..oracle import answer_ids
from .test_foreign import difference, picture, question, randomised

torch.set_num_threads(1)

SHAPES = ["text", "overview", "crop", "pad", "tiles"]


def shaped(tiny: ModelConfig, shape: str) -> ModelConfig:
    assert tiny.clip is not None and tiny.image_projector is not None
    if shape == "text":
        scaling = RopeScaling("llama3", 4.0, 1.0, 4.0, 64)
        decoder = replace(tiny.decoder, tie_word_embeddings=False, rope_scaling=scaling)
        return replace(tiny, clip=None, image_projector=None, whisper=None, audio_projector=None, decoder=decoder)
    grids = tiny.clip.grids if shape == "tiles" else ()
    fit: Any = shape if shape in ("crop", "pad") else "squeeze"
    return replace(tiny, clip=replace(tiny.clip, grids=grids, fit=fit))


@pytest.fixture(params=SHAPES)
def exported(
    request: Any, tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, tmp_path: Path
) -> tuple[Path, VLM, Processor]:
    config = shaped(tiny_config, request.param)
    model = build_model(config)
    randomised(model)
    processor = Processor(config, tiny_tokenizer)
    to_hf(tmp_path / "out", model, processor)
    return tmp_path / "out", model, processor


def reference(folder: Path) -> Any:
    kinds = {
        "llama": LlamaForCausalLM,
        "llava": LlavaForConditionalGeneration,
        "llava_next": LlavaNextForConditionalGeneration,
    }
    kind = json.loads((folder / "config.json").read_text())["model_type"]
    model, report = kinds[kind].from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    assert not any(report[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys")), report
    return model.eval()


CONVERSATIONS: list[list[dict[str, Any]]] = [
    [{"role": "user", "content": "what is red"}],
    [{"role": "system", "content": "be brief"}, {"role": "user", "content": "what?"}],
    [
        {"role": "user", "content": "what is red"}, {"role": "assistant", "content": "the image"},
        {"role": "user", "content": [{"type": "text", "text": "is it"}, {"type": "text", "text": " red?"}]},
    ],
]  # fmt: skip


@torch.no_grad()
def test_transformers_loads_it_and_says_the_same(exported: tuple[Path, VLM, Processor]) -> None:
    folder, model, processor = exported
    theirs = reference(folder)
    messages = question(picture(50, 30), "what is red?") if model.encoders else CONVERSATIONS[0]
    sample = processor(messages, for_training=False)
    if model.encoders:
        hub = AutoProcessor.from_pretrained(folder, backend="pil")  # torchvision's bicubic filter is another one
        text = hub.apply_chat_template(
            [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "what is red?"}]}],
            add_generation_prompt=True,
        )
        inputs = dict(hub(images=picture(50, 30), text=text, return_tensors="pt"))
    else:
        hub = AutoTokenizer.from_pretrained(folder)
        ids = hub.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
        inputs = dict(ids)
    assert inputs["input_ids"][0].tolist() == sample.input_ids.tolist()
    inputs.pop("token_type_ids", None)
    ours = model(collate([sample], 0))
    assert difference(ours, theirs(**inputs).logits) <= 1e-4
    expected = theirs.generate(**inputs, max_new_tokens=64, do_sample=False, eos_token_id=None)[0, len(sample) :]
    assert answer_ids(model, sample, SamplingOptions(max_new_tokens=64)) == expected.tolist()


def test_read_again_it_is_the_same_model(exported: tuple[Path, VLM, Processor]) -> None:
    folder, model, processor = exported
    again, its = load(folder)
    assert its.config == processor.config
    own, found = checkpoint.state_dict(model), checkpoint.state_dict(again)
    assert own.keys() == found.keys() and all(torch.equal(own[name], found[name]) for name in own)
    config, layout, sizes = described(folder)
    assert config == processor.config and layout == "Hugging Face's"
    assert sum(sizes.values()) == sum(tensor.numel() for tensor in own.values())


@torch.no_grad()
def test_without_what_we_keep_beside_it(exported: tuple[Path, VLM, Processor]) -> None:
    """Somebody who copies only what transformers needs gets the eyes and the decoder."""
    folder, model, processor = exported
    for name in ("vlm.json", "vlm.tensors", "manifest.json"):
        (folder / name).unlink()
    again, its = load(folder)
    assert list(again.encoders) == (["image"] if model.encoders else [])
    assert its.config.chat_template == "studio" and its.config.special_ids.eos == processor.config.special_ids.eos
    messages = question(picture(50, 30), "what is red?") if model.encoders else CONVERSATIONS[0]
    samples = [one(messages, for_training=False) for one in (processor, its)]
    assert samples[0].input_ids.tolist() == samples[1].input_ids.tolist()
    assert torch.equal(model(collate(samples[:1], 0)), again(collate(samples[1:], 0)))


def test_another_models_rest_is_refused(exported: tuple[Path, VLM, Processor]) -> None:
    folder, _, _ = exported
    (folder / "manifest.json").unlink()  # which would say that the file was changed
    data = json.loads((folder / "vlm.json").read_text())
    data["decoder"]["rope_theta"] = 77.0
    (folder / "vlm.json").write_text(json.dumps(data))
    with pytest.raises(vlm.CheckpointError, match=r"vlm\.json is of another model"):
        load(folder)


@pytest.mark.parametrize(
    ("change", "word"), [({"hidden_size": 48}, "hidden_size 48"), ({"downsample": 2}, "downsample 2")], ids=str
)
def test_what_llava_has_no_field_for(
    tiny_config: ModelConfig, tiny_tokenizer: Tokenizer, tmp_path: Path, change: dict[str, int], word: str
) -> None:
    assert tiny_config.image_projector is not None
    config = replace(tiny_config, image_projector=replace(tiny_config.image_projector, **change))
    with pytest.raises(vlm.InputError, match=word):
        to_hf(tmp_path / "out", build_model(config), Processor(config, tiny_tokenizer))
    assert not (tmp_path / "out").exists() and not list(tmp_path.iterdir())


# --- chat templates ---


def with_pictures() -> list[dict[str, Any]]:
    parts = [{"type": "text", "text": "what"}, {"type": "image", "image": object()}, {"type": "text", "text": "is it?"}]
    return [
        {"role": "system", "content": 'say "yes"\n{{ or no }}'}, {"role": "user", "content": parts},
        {"role": "assistant", "content": "red"}, {"role": "user", "content": "the image?"},
    ]  # fmt: skip


@pytest.mark.parametrize("name", list(TEMPLATES))
@pytest.mark.parametrize("messages", [*CONVERSATIONS, with_pictures()], ids=["one", "system", "turns", "pictures"])
def test_jinja_says_what_render_says(name: str, messages: list[dict[str, Any]]) -> None:
    for prompt in ("", "Be kind."):
        pieces = render(messages, TEMPLATES[name], prompt)
        expected = "".join("<IMG>" if piece.kind in MODALITIES else piece.text for piece in pieces)
        source = as_jinja(TEMPLATES[name], "<IMG>", prompt)
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        assert environment.from_string(source).render(messages=messages, add_generation_prompt=True) == expected


def test_decoder_shape_survives_json() -> None:
    from vlm.export import llama_json
    from vlm.foreign import llama_config

    config = DecoderConfig(96, 32, 64, 2, 4, 2, 8, 512, 1e-6, 5e5, RopeScaling("dynamic", 2.0), True)
    model = ModelConfig.__new__(ModelConfig)
    object.__setattr__(model, "special_ids", type("Ids", (), {"bos": 1, "eos": (2, 3), "pad": 0}))
    assert llama_config(json.loads(json.dumps(llama_json(config, model)))) == config

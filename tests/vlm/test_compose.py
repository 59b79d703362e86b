"""A stack from parts that transformers and open_clip wrote: each part as in its folder, projectors fresh."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import CLIPConfig, CLIPModel, CLIPVisionModel, WhisperConfig, WhisperForConditionalGeneration
from transformers.models.llama.modeling_llama import LlamaRMSNorm
from typer.testing import CliRunner

import vlm
from vlm import checkpoint
from vlm.batch import collate
from vlm.cli import app
from vlm.compose import composed
from vlm.export import to_hf
from vlm.gguf_export import to_gguf
from vlm.sources import load

from ..encoders.test_siglip_parity import tower, whole
from .test_foreign import SIZE, difference, llama_folder, picture, question, randomised, vision_config

torch.set_num_threads(1)


@pytest.fixture
def llama(tmp_path: Path) -> str:
    llama_folder(tmp_path / "llama", num_key_value_heads=2)
    return str(tmp_path / "llama")


def whisper_folder(folder: Path) -> WhisperForConditionalGeneration:
    config = WhisperConfig(
        d_model=32, encoder_layers=2, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=48, decoder_ffn_dim=48, num_mel_bins=16, max_source_positions=100, vocab_size=40,
        pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1, max_target_positions=16,
    )  # fmt: skip
    model = WhisperForConditionalGeneration(config)
    randomised(model)
    model.save_pretrained(folder)
    return model


@pytest.mark.parametrize("whole", [False, True], ids=["CLIPVisionModel", "CLIPModel"])
@torch.no_grad()
def test_clip_and_whisper_of_transformers(tmp_path: Path, llama: str, whole: bool) -> None:
    eyes = CLIPVisionModel(vision_config())
    if whole:
        text = {
            "hidden_size": 16,
            "intermediate_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "vocab_size": 9,
        }
        clip = CLIPModel(CLIPConfig(text_config=text, vision_config=vision_config().to_dict()))
        randomised(clip)
        clip.save_pretrained(tmp_path / "clip")
        tower = clip.vision_model
    else:
        randomised(eyes)
        eyes.save_pretrained(tmp_path / "clip")
        tower = eyes
    ears = whisper_folder(tmp_path / "whisper")
    model, processor = composed(
        llama, vision=str(tmp_path / "clip"), audio=str(tmp_path / "whisper"), dtype=torch.float32
    )
    clip_config = processor.config.clip
    assert clip_config is not None and clip_config.quick_gelu and clip_config.fit == "crop"

    tiles = torch.randint(0, 256, (2, 3, SIZE, SIZE), dtype=torch.uint8)
    encoder = model.encoders["image"]
    hidden = tower(encoder.normalise(tiles), output_hidden_states=True).hidden_states[-2][:, 1:]
    found = encoder(tiles, torch.tensor([16, 16])).values
    assert difference(found, hidden) <= 1e-5

    mel = torch.randn(1, 16, 200)
    expected = ears.model.encoder(mel).last_hidden_state
    assert difference(model.encoders["audio"](mel, torch.tensor([200])).values, expected) <= 1e-5

    ids = processor.config.special_ids
    assert ids.audio == ids.image + 1 == len(processor.tokenizer) - 1  # behind what the tokenizer knew
    assert processor.config.decoder.vocab_size == 320  # there was room
    sample = processor(question(picture(40, 30), "what?"), for_training=False)
    assert torch.isfinite(model(collate([sample], 0))).all()


@torch.no_grad()
def test_text_says_what_it_said(tmp_path: Path, llama: str) -> None:
    """The decoder is not touched: old ids have the logits of before."""
    theirs = llama_folder(tmp_path / "again", num_key_value_heads=2)
    whisper_folder(tmp_path / "whisper")
    model, _ = composed(llama, audio=str(tmp_path / "whisper"), dtype=torch.float32)
    ids = torch.randint(3, 250, (1, 20))
    logits = model.decoder(model.decoder.embed(ids))[..., :320]
    assert difference(logits, theirs(ids).logits) <= 1e-4


def test_projectors_follow_the_seed(tmp_path: Path, llama: str) -> None:
    whisper_folder(tmp_path / "whisper")

    def projector(seed: int) -> torch.Tensor:
        model, _ = composed(llama, audio=str(tmp_path / "whisper"), seed=seed, dtype=torch.float32)
        return model.projectors["audio"].gate_up.weight

    assert torch.equal(projector(1), projector(1)) and not torch.equal(projector(1), projector(2))


@torch.no_grad()
def test_a_tower_of_open_clip(tmp_path: Path, llama: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name of its shape, with a local file; its text tower is left where it is."""
    settings = {
        "embed_dim": 24,
        "vision_cfg": {"image_size": 32, "layers": 3, "width": 64, "patch_size": 8},
        "text_cfg": {"context_length": 8, "vocab_size": 50, "width": 16, "heads": 2, "layers": 1},
    }
    monkeypatch.setattr(
        open_clip, "get_model_config", lambda name: json.loads(json.dumps(settings)) if name == "Tiny" else None
    )
    theirs = open_clip.CLIP(**settings).eval()
    randomised(theirs)
    save_file({k: v.contiguous() for k, v in theirs.state_dict().items()}, tmp_path / "open_clip.safetensors")
    model, processor = composed(
        llama, vision=f"Tiny:{tmp_path / 'open_clip.safetensors'}", grids=((1, 2),), dtype=torch.float32
    )
    own, reference = model.encoders["image"].visual.state_dict(), theirs.visual.state_dict()
    assert own.keys() == reference.keys() and all(torch.equal(own[n], reference[n]) for n in own)
    assert processor.config.clip is not None and processor.config.clip.grids == ((1, 2),)
    with pytest.raises(vlm.CheckpointError, match="no model that open_clip knows"):
        composed(llama, vision=f"Huge:{tmp_path / 'open_clip.safetensors'}")


@torch.no_grad()
def test_a_siglip_of_open_clip(tmp_path: Path, llama: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name and file, saved and loaded again; the pooling head and the text tower stay where they are."""
    siglip = whole("vit_test_siglip_32")
    file = tmp_path / "open_clip_model.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in siglip.state_dict().items()}, file)
    settings = {"embed_dim": 48, "custom_text": True, "vision_cfg": tower("vit_test_siglip_32"), "text_cfg": {}}
    monkeypatch.setattr(open_clip, "get_model_config", lambda name: json.loads(json.dumps(settings)))
    checkpoint.save(tmp_path / "stack", *composed(llama, vision=f"Tiny-SigLIP:{file}", dtype=torch.float32))
    model, processor = load(tmp_path / "stack")
    own, theirs = model.encoders["image"].visual.state_dict(), siglip.visual.state_dict()
    assert own.keys() == {name for name in theirs if "attn_pool" not in name}
    assert all(torch.equal(own[name], theirs[name]) for name in own)
    assert model.encoders["image"].mean.flatten().tolist() == [127.5] * 3  # made again on a tower without memory
    sample = processor(question(picture(40, 30), "what?"), for_training=False)
    assert int((sample.input_ids == processor.config.special_ids.image).sum()) == 16
    assert torch.isfinite(model(collate([sample], 0))).all()
    with pytest.raises(vlm.InputError, match=r"clip\.tower 'siglip'"):
        to_hf(tmp_path / "hf", model, processor)
    with pytest.raises(vlm.InputError, match=r"clip\.tower 'siglip'"):
        to_gguf(tmp_path / "gguf", model, processor)
    tensors = load_file(file)
    del tensors["visual.trunk.blocks.1.attn.qkv.weight"]
    save_file(tensors | {"visual.trunk.cls_token": torch.ones(1, 1, 48)}, file)
    with pytest.raises(vlm.CheckpointError, match=r"blocks\.1\.attn\.qkv\.weight.*unexpected.*cls_token"):
        composed(llama, vision=f"Tiny-SigLIP:{file}")


def test_parts_of_another_kind(tmp_path: Path, llama: str) -> None:
    whisper_folder(tmp_path / "whisper")
    with pytest.raises(vlm.CheckpointError, match="no CLIP"):
        composed(llama, vision=llama)
    with pytest.raises(vlm.CheckpointError, match="no Whisper"):
        composed(llama, audio=llama)
    with pytest.raises(vlm.CheckpointError, match="no whole model"):
        composed(str(tmp_path / "whisper"), audio=str(tmp_path / "whisper"))
    with pytest.raises(vlm.InputError, match="nothing to compose"):
        composed(llama)


# --- projectors that others trained ---


def clip_folder(folder: Path) -> None:
    eyes = CLIPVisionModel(vision_config())
    randomised(eyes)
    eyes.save_pretrained(folder)


def llava_projector(file: Path, hidden: int = 72, width: int = 64) -> nn.Sequential:
    """As `mm_projector.bin` of LLaVA's first stage; its module is the published one."""
    layers = nn.Sequential(nn.Linear(32, hidden), nn.GELU(), nn.Linear(hidden, width))
    randomised(layers)
    tensors = {f"model.mm_projector.{name}": tensor for name, tensor in layers.state_dict().items()}
    torch.save(tensors, file) if file.suffix == ".bin" else save_file(tensors, file)
    return layers


@pytest.mark.parametrize("name", ["mm_projector.bin", "mm_projector.safetensors"])
@torch.no_grad()
def test_a_projector_of_llavas_first_stage(tmp_path: Path, llama: str, name: str) -> None:
    clip_folder(tmp_path / "clip")
    theirs = llava_projector(tmp_path / name)
    parts: dict[str, Any] = {"vision": str(tmp_path / "clip"), "image_projector": str(tmp_path / name)}
    if name.endswith(".bin"):
        with pytest.raises(vlm.CheckpointError, match=r"mm_projector\.bin: a pickle.*--allow-pickle"):
            composed(llama, **parts)
    model, processor = composed(llama, **parts, allow_pickle=True, dtype=torch.float32)
    projector = processor.config.image_projector
    assert projector is not None and projector.hidden_size == 72
    features = torch.randn(2, 16, 32)
    found = model.projectors["image"](features, torch.tensor([16, 16]), [(0, 0, 28, 28)] * 2)
    assert difference(found, theirs(features).flatten(0, 1)) <= 1e-6
    tiled = {**parts, "grids": ((1, 2),), "allow_pickle": True, "dtype": torch.float32}
    one, again, other = (composed(llama, **tiled, seed=seed)[0].projectors["image"] for seed in (1, 1, 2))
    assert torch.equal(one.newline, again.newline) and not torch.equal(one.newline, other.newline)  # not in the file
    assert torch.equal(one.linear_1.weight, other.linear_1.weight)


def test_the_command_says_what_is_to_be_trained(tmp_path: Path, llama: str) -> None:
    clip_folder(tmp_path / "clip")
    whisper_folder(tmp_path / "whisper")
    llava_projector(tmp_path / "mm_projector.bin")
    parts = ["compose", "--decoder", llama, "--vision", str(tmp_path / "clip"), "--audio", str(tmp_path / "whisper"),
             "--image-projector", str(tmp_path / "mm_projector.bin")]  # fmt: skip
    refused = CliRunner().invoke(app, [*parts, "--out", str(tmp_path / "stack")])
    assert refused.exit_code == 1 and "--allow-pickle" in refused.stderr and not (tmp_path / "stack").exists()
    done = CliRunner().invoke(app, [*parts, "--allow-pickle", "--out", str(tmp_path / "stack")])
    assert done.exit_code == 0 and done.stdout.endswith("fresh, so train it first: the audio projector\n")
    assert load(tmp_path / "stack")[0].projectors["image"].linear_1.out_features == 72


def test_a_projector_of_another_kind_or_width(tmp_path: Path, llama: str) -> None:
    clip_folder(tmp_path / "clip")
    file = tmp_path / "mm_projector.bin"

    def refused(match: str, **options: Any) -> None:
        with pytest.raises(vlm.VlmError, match=match):
            composed(
                llama, **({"vision": str(tmp_path / "clip"), "image_projector": str(file)} | options), allow_pickle=True
            )

    refused("mm_projector.bin: missing")
    torch.save({"model.mm_projector.weight": torch.ones(64, 32)}, file)  # of one layer
    refused(r"missing tensors \(4\).*model.mm_projector.0.bias.*unexpected tensors \(1\): model.mm_projector.weight")
    llava_projector(file, width=48)
    refused(r"linear_2.weight is \(48, 72\), expected \(64, 72\)")
    refused("--image-projector: needs", vision=None, audio="x")
    file.write_bytes(b"\x80\x02cos\nsystem\n(S'true'\ntR.")
    refused("mm_projector.bin: not a zip")


class UltravoxProjector(nn.Module):
    """After the published definition (fixie-ai/ultravox, `ultravox_model.py`, 0.5)."""

    def __init__(self, stack: int, width: int, hidden: int, out: int) -> None:
        super().__init__()
        self.stack = stack
        self.ln_pre = LlamaRMSNorm(width * stack, eps=1e-6)
        self.linear_1 = nn.Linear(width * stack, hidden, bias=False)
        self.linear_2 = nn.Linear(hidden // 2, out, bias=False)
        self.ln_mid = LlamaRMSNorm(hidden // 2, eps=1e-6)

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        batch, length, width = audio.shape
        audio = nn.functional.pad(audio, (0, 0, 0, -length % self.stack))
        states = self.linear_1(self.ln_pre(audio.view(batch, -1, width * self.stack)))
        value, gate = states.chunk(2, dim=-1)
        return self.linear_2(self.ln_mid(nn.functional.silu(gate) * value))


def ultravox_folder(folder: Path, *, tower: WhisperForConditionalGeneration | None = None, **changes: Any) -> Any:
    folder.mkdir(exist_ok=True)
    projector = UltravoxProjector(4, 32, 80, 64)
    randomised(projector)
    tensors = {f"multi_modal_projector.{name}": tensor for name, tensor in projector.state_dict().items()}
    if tower is not None:
        tensors |= {f"audio_tower.{name}": tensor for name, tensor in tower.model.encoder.state_dict().items()}
    save_file(tensors, folder / "model.safetensors")
    data = {
        "model_type": "ultravox", "audio_model_id": str(folder.parent / "whisper"), "text_model_id": "meta-llama/Llama",
        "hidden_size": 80, "stack_factor": 4, "projector_act": "swiglu", "projector_ln_mid": True, "norm_init": 0.4,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(data | changes))
    return projector


@pytest.mark.parametrize("what", ["folder", "file"])
@pytest.mark.parametrize("frames", [100, 38, 3])
@torch.no_grad()
def test_a_projector_of_ultravox(tmp_path: Path, llama: str, what: str, frames: int) -> None:
    whisper_folder(tmp_path / "whisper")
    theirs = ultravox_folder(tmp_path / "ultravox")
    given = tmp_path / "ultravox" / ("model.safetensors" if what == "file" else "")
    model, processor = composed(
        llama, audio=str(tmp_path / "whisper"), audio_projector=str(given), dtype=torch.float32, stack=3
    )
    projector = processor.config.audio_projector
    assert projector is not None and (projector.downsample, projector.hidden_size) == (4, 40)
    features = torch.randn(1, 100, 32)
    found = model.projectors["audio"](features, torch.tensor([frames]), [(0, 0, 0, 0)])
    assert difference(found, theirs(features[:, :frames])[0]) <= 1e-5


@torch.no_grad()
def test_an_encoder_that_ultravox_trained(tmp_path: Path, llama: str) -> None:
    """Its shape is that of the Whisper that the config names; without it the projector alone is refused."""
    whisper_folder(tmp_path / "whisper")
    changed = whisper_folder(tmp_path / "changed")
    randomised(changed, seed=5)
    ultravox_folder(tmp_path / "ultravox", tower=changed)
    own = str(tmp_path / "ultravox")
    model, _ = composed(llama, audio=own, audio_projector=own, dtype=torch.float32)
    mel = torch.randn(1, 16, 200)
    expected = changed.model.encoder(mel).last_hidden_state
    assert difference(model.encoders["audio"](mel, torch.tensor([200])).values, expected) <= 1e-5
    with pytest.raises(vlm.CheckpointError, match=r"audio_tower.*--audio"):
        composed(llama, audio=str(tmp_path / "whisper"), audio_projector=own)


def test_variants_of_ultravox_that_are_not_computed_here(tmp_path: Path, llama: str) -> None:
    whisper_folder(tmp_path / "whisper")
    parts = {"audio": str(tmp_path / "whisper"), "audio_projector": str(tmp_path / "ultravox")}

    def refused(match: str, **changes: Any) -> None:
        if changes:
            ultravox_folder(tmp_path / "ultravox", **changes)
        with pytest.raises(vlm.CheckpointError, match=match):
            composed(llama, **parts)

    refused("projector_act 'gelu'", projector_act="gelu")
    refused("projector_ln_mid False", projector_ln_mid=False)
    refused("no Ultravox", model_type="whisper")
    file = tmp_path / "ultravox" / "model.safetensors"
    ultravox_folder(tmp_path / "ultravox")
    tensors = load_file(file)
    mid = tensors.pop("multi_modal_projector.ln_mid.weight")
    save_file(tensors | {"multi_modal_projector.ln_post.weight": torch.ones(64)}, file)
    refused("ln_post")
    save_file(tensors | {"multi_modal_projector.ln_mid.weight": mid.repeat(2)}, file)
    refused("no SwiGLU")
    save_file(tensors, file)
    refused(r"missing tensors \(1\): multi_modal_projector.ln_mid.weight")
    first = tensors | {"multi_modal_projector.ln_mid.weight": mid, "multi_modal_projector.ln_pre.weight": torch.ones(9)}
    save_file(first, file)
    refused("no multiple of the encoder's 32")
    with pytest.raises(vlm.CheckpointError, match="holds no encoder"):
        composed(llama, audio=str(tmp_path / "ultravox"))

"""A stack from parts that transformers and open_clip wrote: each part as in its folder, projectors fresh."""

from __future__ import annotations

import json
from pathlib import Path

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel, CLIPVisionModel, WhisperConfig, WhisperForConditionalGeneration

import vlm
from vlm.batch import collate
from vlm.compose import composed

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

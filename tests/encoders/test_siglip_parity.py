"""SigLIP towers: features equal those inside open_clip's own model with the same random weights.

The published models are described on the meta device; what runs is a small one of the same build, known to timm by a
name of its own.
"""

from __future__ import annotations

from typing import Any

import open_clip
import pytest
import torch
from PIL import Image
from timm.models import register_model
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from encoders.clip import ImageTransform
from encoders.config import ClipConfig
from encoders.errors import VlmError
from encoders.siglip import UNUSED, SiglipEncoder, siglip_config

from .test_clip_parity import difference, noise_tiles, normalised, randomise

torch.set_num_threads(1)

ACTIVATIONS = {"vit_test_siglip_32": None, "vit_test_siglip_tanh_32": "gelu_tanh"}


def small(activation: str | None, **changes: Any) -> VisionTransformer:
    """As timm's `vit_base_patch16_siglip_224` in all but size."""
    shape = {
        "img_size": 32, "patch_size": 8, "embed_dim": 48, "depth": 3, "num_heads": 4, "class_token": False,
        "num_classes": 0, "global_pool": "map", "act_layer": activation,
    }  # fmt: skip
    return VisionTransformer(**(shape | changes))


@register_model
def vit_test_siglip_32(pretrained: bool = False, **_: Any) -> VisionTransformer:
    return small(None)


@register_model
def vit_test_siglip_tanh_32(pretrained: bool = False, **_: Any) -> VisionTransformer:
    return small("gelu_tanh")


@register_model
def vit_test_class_token_32(pretrained: bool = False, **_: Any) -> VisionTransformer:
    return small(None, class_token=True)


@register_model
def vit_test_qk_norm_32(pretrained: bool = False, **_: Any) -> VisionTransformer:
    return small(None, qk_norm=True)


def tower(name: str) -> dict[str, Any]:
    return {"image_size": 32, "timm_model_name": name, "timm_model_pretrained": False, "timm_pool": "map",
            "timm_proj": "none"}  # fmt: skip


def whole(name: str) -> nn.Module:
    """open_clip's model with both towers, as `ViT-B-16-SigLIP` builds it."""
    text = {"context_length": 8, "vocab_size": 50, "width": 16, "heads": 2, "layers": 1, "no_causal_mask": True,
            "proj_bias": True, "pool_type": "last"}  # fmt: skip
    model = open_clip.CustomTextCLIP(embed_dim=48, vision_cfg=tower(name), text_cfg=text).eval()
    randomise(model)
    return model


@pytest.mark.parametrize("layer", [-1, -2, -3])
@pytest.mark.parametrize("name", list(ACTIVATIONS))
@torch.no_grad()
def test_features_are_open_clips(name: str, layer: int) -> None:
    theirs = whole(name)
    config = siglip_config(tower(name), feature_layer=layer)
    assert (config.width, config.layers, config.head_width, config.mlp_ratio) == (48, 3, 12, 4.0)
    encoder = SiglipEncoder(config).eval()
    state = {n: t for n, t in theirs.visual.state_dict().items() if not f"visual.{n}".startswith(UNUSED)}
    encoder.visual.load_state_dict(state, strict=True)
    seen: list[torch.Tensor] = []
    theirs.visual.trunk.blocks[layer].register_forward_hook(lambda module, args, out: seen.append(out))
    tiles = noise_tiles(config)
    theirs.encode_image(normalised(config, tiles))
    lengths = torch.full((len(tiles),), config.side**2)
    found = encoder(tiles, lengths)
    assert difference(found.values, seen[0]) <= 1e-5
    assert found.values.shape[1:] == (config.side**2, config.width) and torch.equal(found.lengths, lengths)


@torch.no_grad()
def test_the_activation_shows() -> None:
    outputs = []
    for name in ACTIVATIONS:
        encoder = SiglipEncoder(siglip_config(tower(name))).eval()
        randomise(encoder)
        outputs.append(encoder(noise_tiles(encoder.config), torch.tensor([16] * 3)).values)
    assert difference(*outputs) > 1e-5


def test_token_count_is_known_before_the_model_runs() -> None:
    config = siglip_config(tower("vit_test_siglip_32"))
    seen = ImageTransform(config)(Image.new("RGB", (70, 30)))
    assert seen.inputs.shape == (1, 3, 32, 32) and seen.lengths.tolist() == [16]
    assert config.fit == "squeeze" and config.image_mean == config.image_std == (0.5, 0.5, 0.5)


PUBLISHED = {
    "ViT-B-16-SigLIP": (768, 12, 64, 14, False), "ViT-B-16-SigLIP-512": (768, 12, 64, 32, False),
    "ViT-L-16-SigLIP-384": (1024, 24, 64, 24, False), "ViT-SO400M-14-SigLIP-378": (1152, 27, 72, 27, False),
    "ViT-SO400M-16-SigLIP2-384": (1152, 27, 72, 24, True), "ViT-B-32-SigLIP2-256": (768, 12, 64, 8, True),
    "ViT-gopt-16-SigLIP2-256": (1536, 40, 96, 16, True),
}  # fmt: skip


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_published_shapes(name: str) -> None:
    """Ours has each tensor of theirs but the pooling head's, or `siglip_config` refuses."""
    config = siglip_config(open_clip.get_model_config(name)["vision_cfg"])
    assert (config.width, config.layers, config.head_width, config.side, config.tanh_gelu) == PUBLISHED[name]


@pytest.mark.parametrize("name", ["vit_test_class_token_32", "vit_test_qk_norm_32"])
def test_towers_that_differ_in_a_detail(name: str) -> None:
    with pytest.raises(VlmError, match=f"{name}: .* no SigLIP"):
        siglip_config(tower(name))


@pytest.mark.parametrize("name", ["convnext_base", "EVA02-B-16", "vit_relpos_medium_patch16_cls_224", "PE-Core-B-16"])
def test_other_towers_that_timm_builds(name: str) -> None:
    with pytest.raises(VlmError, match="no SigLIP"):
        siglip_config(open_clip.get_model_config(name)["vision_cfg"])


def test_a_side_that_patches_do_not_fill() -> None:
    with pytest.raises(VlmError, match="sizes must divide"):
        siglip_config(open_clip.get_model_config("ViT-SO400M-14-SigLIP-384")["vision_cfg"])


def test_a_hyperbolic_tangent_is_for_siglip() -> None:
    with pytest.raises(VlmError, match="tanh_gelu"):
        ClipConfig(image_size=32, patch_size=8, width=48, layers=3, head_width=12, tanh_gelu=True)

"""SigLIP vision: the ViT of timm that open_clip's SigLIP models have as their tower, built from its shape.

Sources: Zhai et al. 2023 (SigLIP), Tschannen et al. 2025 (SigLIP 2); open_clip's `timm_model.py`, timm's
`vision_transformer.py`. The pooling head is not built: features are those of patches.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .clip import TileEncoder
from .config import ClipConfig
from .errors import VlmError

UNUSED = "visual.trunk.attn_pool."
"""Tensors of the pooling head."""
MEAN = STD = (0.5, 0.5, 0.5)
"""Of all published SigLIP towers (open_clip's `pretrained.py`)."""


class Trunk(nn.Module):
    """As open_clip's `TimmModel`: the same names of parameters, the same `forward_intermediates`."""

    trunk: Any

    def __init__(self, trunk: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk

    def forward_intermediates(self, pixels: Tensor, **options: Any) -> dict[str, list[Tensor]]:
        return {"image_intermediates": self.trunk.forward_intermediates(pixels, **options)}


class SiglipEncoder(TileEncoder):
    """timm's `VisionTransformer` without class token."""

    def __init__(self, config: ClipConfig) -> None:
        super().__init__(config, Trunk(_trunk(config)))


def _trunk(config: ClipConfig) -> nn.Module:
    from timm.models.vision_transformer import VisionTransformer

    trunk: nn.Module = VisionTransformer(
        img_size=config.image_size,
        patch_size=config.patch_size,
        embed_dim=config.width,
        depth=config.layers,
        num_heads=config.width // config.head_width,
        mlp_ratio=config.mlp_ratio,
        act_layer="gelu_tanh" if config.tanh_gelu else None,
        class_token=False,
        global_pool="avg",
        fc_norm=False,
        num_classes=0,
    )
    return trunk


def siglip_config(tower: dict[str, Any], **changes: Any) -> ClipConfig:
    """The shape of a tower from open_clip's `vision_cfg` with a `timm_model_name`; nothing is allocated or fetched.

    Args:
        changes: fields of `ClipConfig` that the tower does not decide.

    Raises:
        VlmError: a tower of timm's that is no SigLIP: ours of the same sizes would differ from it.
    """
    import timm

    name = tower["timm_model_name"]
    with torch.device("meta"):
        theirs: Any = timm.create_model(name, pretrained=False, num_classes=0, global_pool=tower.get("timm_pool", ""))
    refused = VlmError("bad_checkpoint", f"{name}: a tower of timm's that is no SigLIP is not computed here")
    try:
        (patch, _), block = theirs.patch_embed.patch_size, theirs.blocks[0]
        hidden, width = block.mlp.fc1.weight.shape
        config = ClipConfig(
            image_size=tower["image_size"], patch_size=patch, width=width, layers=len(theirs.blocks),
            head_width=width // block.attn.num_heads, mlp_ratio=hidden / width, embed_dim=0, image_mean=MEAN,
            image_std=STD, tower="siglip", tanh_gelu="tanh" in str(block.mlp.act).lower(),
            **({"fit": "squeeze"} | changes),
        )  # fmt: skip
        with torch.device("meta"):
            ours: Any = _trunk(config)
    except (AttributeError, KeyError, TypeError) as error:
        raise refused from error
    named = {name: t.shape for name, t in theirs.state_dict().items() if not name.startswith("attn_pool.")}
    parts = ("patch_embed", "pos_drop", "norm_pre", "blocks", "norm")
    alike = all(str(getattr(ours, part)) == str(getattr(theirs, part, None)) for part in parts)
    if not alike or named != {name: t.shape for name, t in ours.state_dict().items()}:
        raise refused
    return config

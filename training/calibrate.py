"""Puts fresh parts on the scale of what they will see, before they train.

A picture's patches differ in brightness a hundred times more than in the edges that make a shape
or a letter. A patch embedding with random weights passes that on, and the tower learns colours
and stays blind to form. So its filters are set to the principal components of the studio's
patches, each scaled to the same variance (whitening, as in Jordan 2024, airbench; Chen et al.
2021, MoCo v3, find that the patch embedding may stay fixed while the tower trains, which keeps it
white).

Nor is a projector easily trained whose inputs are large: an optimizer that moves every weight by
the same amount then moves its outputs by so much more. So a tower that has been trained densely
ends with features of a deviation of 1 (`even_out`).

A tower's raw features may be a hundred times larger than word embeddings. In a pre-norm decoder
such tokens drown every update of the residual stream, and the picture is hardly looked at. So the
features' mean and deviation are folded into the first layer, and the last layer is scaled until
its outputs have the root mean square of the embeddings. Only values change, not the architecture
(data-dependent initialisation, after Mishkin & Matas 2016).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from encoders.clip import ClipEncoder
from projector.modules import AudioProjector, ImageProjector
from vlm.batch import Batch
from vlm.model import VLM

PATCH_SCALE = 0.3
"""Deviation of a whitened patch embedding's outputs; positions begin at about a fifth of it."""


def root_mean_square(x: Tensor) -> Tensor:
    return x.float().square().mean().sqrt()


@torch.no_grad()
def calibrate(model: VLM, batches: Iterable[Batch], modalities: tuple[str, ...]) -> None:
    """Adjusts the projectors of `modalities` to the features of these batches, in place."""
    batches = list(batches)
    if "patches" in modalities:
        tower = model.encoders["image"]
        assert isinstance(tower, ClipEncoder)
        whiten(tower, torch.cat([batch.media["image"].inputs for batch in batches]))
    wanted = root_mean_square(model.decoder.model.embed_tokens.weight)
    for modality in (name for name in modalities if name != "patches"):
        projector = model.projectors[modality]
        heard = [batch for batch in batches if modality in batch.media]
        if not heard:
            raise ValueError(f"no {modality} in the batches to calibrate with; give the stage's mixture some")
        if isinstance(projector, ImageProjector):
            _fold_normalisation(projector, torch.cat([_features(model, batch, modality) for batch in heard]))
        scale = wanted / root_mean_square(torch.cat([model.encode(batch, modality) for batch in heard]))
        match projector:
            case ImageProjector():
                projector.linear_2.weight.mul_(scale)
                projector.linear_2.bias.mul_(scale)
                projector.newline.mul_(wanted / root_mean_square(projector.newline))
            case AudioProjector():
                projector.out.weight.mul_(scale)


def whiten(encoder: ClipEncoder, tiles: Tensor) -> None:
    """Sets the patch embedding so that its outputs on these uint8 tiles (N, 3, S, S) are uncorrelated, of one size."""
    weight = encoder.visual.conv1.weight
    size = weight.shape[-1]
    patches = F.unfold(encoder.normalise(tiles).float(), size, stride=size).transpose(1, 2).flatten(0, 1).double()
    variances, components = torch.linalg.eigh(torch.cov(patches.T))  # ascending
    kept = min(len(weight), len(variances))
    variances, components = variances[-kept:], components[:, -kept:]
    # the smallest variance kept is added to all: what is hardly there is hardly amplified
    filters = components / (variances + variances[0].clamp_min(1e-6)).sqrt()
    mixing, _ = torch.linalg.qr(torch.randn(len(weight), kept, dtype=torch.double).to(filters))
    weight.copy_((PATCH_SCALE * mixing @ filters.T).view_as(weight))


@torch.no_grad()
def even_out(encoder: ClipEncoder, tiles: Tensor) -> None:
    """Scales what is written to the residual stream until the features of these tiles have a deviation of 1.

    A projector takes them so: on larger ones each of its steps is too long.

    Args:
        tiles: uint8 (N, 3, S, S).
    """
    features = encoder(tiles, torch.full((len(tiles),), encoder.config.side**2)).values
    _scale_stream(encoder, 1 / float(features.flatten(0, 1).float().std(0).mean()))


@torch.no_grad()
def balance(encoder: ClipEncoder) -> None:
    """Scales the residual stream until the matrices that write to it are as large as those that read it.

    Steps of the optimizer are of one size, so a tower that was evened out would otherwise lose in a few
    hundred of them what its small matrices hold.
    """
    blocks = encoder.visual.transformer.resblocks[: encoder.config.feature_layer + 1 or None]
    written = [m.weight.square().mean() for block in blocks for m in (block.attn.out_proj, block.mlp.c_proj)]
    read = [m.square().mean() for block in blocks for m in (block.attn.in_proj_weight, block.mlp.c_fc.weight)]
    _scale_stream(encoder, float((torch.stack(read).sum() / torch.stack(written).sum()).sqrt()))


def _scale_stream(encoder: ClipEncoder, factor: float) -> None:
    """Whoever reads the stream does so behind a LayerNorm, so the tower computes what it did."""
    visual = encoder.visual
    written = [visual.conv1.weight, visual.class_embedding, visual.positional_embedding]
    if not encoder.config.no_ln_pre:
        written = list(visual.ln_pre.parameters())
    for block in visual.transformer.resblocks:
        written += [*block.attn.out_proj.parameters(), *block.mlp.c_proj.parameters()]
    for parameter in written:
        parameter.mul_(factor)


def _features(model: VLM, batch: Batch, modality: str) -> Tensor:
    """(n, C) features of all windows."""
    media = batch.media[modality]
    values: Tensor = model.encoders[modality](media.inputs, media.lengths).values
    return values.flatten(0, 1)


def _fold_normalisation(projector: ImageProjector, features: Tensor) -> None:
    """linear_1(x) becomes linear_1((x - mean) / deviation), channel by channel."""
    blocks = projector.downsample**2  # pixel shuffle repeats the channels
    mean, deviation = features.mean(0).repeat(blocks), features.std(0).clamp_min(1e-6).repeat(blocks)
    projector.linear_1.weight.div_(deviation)
    projector.linear_1.bias.sub_(projector.linear_1.weight @ mean)

"""The whole model: encode, project, splice, decode. Its parts are handed in, not built here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from encoders.base import Features, MediaInput
from encoders.clip import ClipEncoder, TileEncoder
from encoders.siglip import SiglipEncoder
from encoders.whisper import WhisperEncoder
from projector.build import build_projector

from .batch import Batch, MediaBatch
from .config import ModelConfig
from .decoder import LlamaDecoder, RotaryEmbedding
from .quantize import install


def splice_features(inputs_embeds: Tensor, input_ids: Tensor, features: Tensor, token_id: int) -> Tensor:
    """Puts features where the placeholders stand, in reading order.

    Args:
        inputs_embeds: (B, T, D). input_ids: (B, T). features: (n, D).

    Raises:
        ValueError: n differs from the number of placeholders; both numbers are named.
    """
    places = input_ids == token_id
    wanted = int(places.sum())
    if wanted != len(features):
        raise ValueError(f"{wanted} placeholders of id {token_id}, but {len(features)} features for them")
    return inputs_embeds.masked_scatter(places[..., None], features.to(inputs_embeds.dtype))


class VLM(nn.Module):
    """Encoders, projectors and placeholder ids are dicts keyed by modality ("image", "audio").

    revision: raised by whoever changes what the model computes in another way than by writing to its weights.
    """

    def __init__(
        self, decoder: LlamaDecoder, encoders: dict[str, nn.Module], projectors: dict[str, nn.Module],
        placeholder_ids: dict[str, int],
    ) -> None:  # fmt: skip
        super().__init__()
        self.decoder = decoder
        self.encoders = nn.ModuleDict(encoders)
        self.projectors = nn.ModuleDict(projectors)
        self.placeholder_ids = placeholder_ids
        self.revision = 0

    def encode(self, batch: Batch, modality: str) -> Tensor:
        """Features (n, D) of every image or sound in the batch, in the decoder's width."""
        media = batch.media[modality]
        features: Features = self.encoders[modality](media.inputs, media.lengths)
        return self.projectors[modality](features.values, features.lengths, media.layouts)

    def encode_each(self, items: Sequence[MediaInput], modality: str) -> list[Tensor]:
        """As `encode`, of images or sounds apart from any text: features (n, D) of each."""
        media = MediaBatch.of(items).to(self.device)
        features: Features = self.encoders[modality](media.inputs, media.lengths)
        found, start = [], 0
        for item in items:
            part = slice(start, start + len(item.inputs))
            found.append(self.projectors[modality](features.values[part], features.lengths[part], [item.layout]))
            start = part.stop
        return found

    def embed(self, batch: Batch) -> Tensor:
        """(B, T) ids and their media -> (B, T, D)."""
        inputs_embeds = self.decoder.embed(batch.input_ids)
        for modality in sorted({*self.encoders, *batch.media}):
            # no media of a kind: no features, so that placeholders left without them raise as well
            features = self.encode(batch, modality) if modality in batch.media else inputs_embeds[0, :0]
            inputs_embeds = splice_features(inputs_embeds, batch.input_ids, features, self.placeholder_ids[modality])
        return inputs_embeds

    def states(self, batch: Batch) -> Tensor:
        """Final decoder states (B, T, D)."""
        return self.decoder.states(self.embed(batch), batch.position_ids, batch.attention_mask())

    def forward(self, batch: Batch) -> Tensor:
        """Logits (B, T, V), always."""
        return self.decoder.head(self.states(batch))

    @property
    def device(self) -> torch.device:
        return self.decoder.lm_head.weight.device

    @property
    def dtype(self) -> torch.dtype:
        return self.decoder.lm_head.weight.dtype


def part_of(name: str) -> str:
    """Of a tensor: the decoder, one of the encoders, one of the projectors."""
    return ".".join(name.split(".")[: 1 if name.startswith("decoder") else 2])


def by_part(counts: Mapping[str, int]) -> dict[str, int]:
    """What there is of each tensor -> of each part."""
    found: dict[str, int] = {}
    for name, count in counts.items():
        found[part_of(name)] = found.get(part_of(name), 0) + count
    return found


def build_model(config: ModelConfig) -> VLM:
    """A model of this shape with fresh weights (seed torch first for reproducible ones)."""
    encoders: dict[str, nn.Module] = {}
    projectors: dict[str, nn.Module] = {}
    width = config.decoder.hidden_size
    if config.clip is not None and config.image_projector is not None:
        encoders["image"] = (SiglipEncoder if config.clip.tower == "siglip" else ClipEncoder)(config.clip)
        projectors["image"] = build_projector(config.image_projector, config.clip.width, width)
    if config.whisper is not None and config.audio_projector is not None:
        encoders["audio"] = WhisperEncoder(config.whisper)
        projectors["audio"] = build_projector(config.audio_projector, config.whisper.d_model, width)
    ids = {"image": config.special_ids.image, "audio": config.special_ids.audio}
    return VLM(LlamaDecoder(config.decoder), encoders, projectors, ids)


def build_empty(config: ModelConfig) -> VLM:
    """A model of this shape on the meta device, which takes no memory; only what no checkpoint stores is real."""
    with torch.device("meta"):
        model = build_model(config)
        if config.quantization is not None:
            install(model.decoder, config.quantization)
    for module in model.modules():
        if isinstance(module, TileEncoder | RotaryEmbedding):
            module.fill_buffers()
    return model

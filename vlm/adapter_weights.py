"""Adapters of weights that no layer of peft can stand before: they are written into the weight while they are active.

open_clip's attention is one function of its weights, query, key and value in one matrix, so that a layer
in place of a part of it would never be called. What is written is the weight plus the sum of scale x B A, computed
in float32 and rounded once; the parameter that was there comes back as it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from .adapter_folder import Layer
from .model import VLM


class WrittenLayers:
    """Layers of adapters by the adapters' names; `originals`: the weights that are replaced at the moment."""

    def __init__(self, model: VLM) -> None:
        self._model = model
        self._layers: dict[str, list[tuple[Layer, Tensor, Tensor, float]]] = {}
        self.originals: dict[str, nn.Parameter] = {}

    def add(self, name: str, layers: list[Layer], tensors: Mapping[str, Tensor], *, rslora: bool) -> None:
        self._layers[name] = [
            (one, tensors[one.a], tensors[one.b], one.alpha / (math.sqrt(one.rank) if rslora else one.rank))
            for one in layers
        ]

    def remove(self, name: str) -> None:
        self._layers.pop(name, None)

    def of(self, name: str) -> list[tuple[Layer, Tensor, Tensor]]:
        """Of one adapter, with A and B."""
        return [(layer, a, b) for layer, a, b, _ in self._layers.get(name, [])]

    def touched(self, names: Mapping[str, float]) -> set[str]:
        """The weights that these adapters change."""
        return {layer.weight for name in names for layer, *_ in self._layers.get(name, [])}

    @torch.no_grad()
    def write(self, active: Mapping[str, float]) -> None:
        """Adds the adapters, each with its weight. The originals must be in place."""
        for weight in sorted(self.touched(active)):
            original = self._model.get_parameter(weight)
            changed = original.detach().float().clone()
            for name, factor in active.items():
                for layer, a, b, scale in self._layers.get(name, []):
                    if layer.weight == weight:
                        rows = changed.chunk(layer.parts)[layer.part]
                        rows += factor * scale * (b.to(rows) @ a.to(rows))
            self._put(weight, nn.Parameter(changed.to(original.dtype), requires_grad=False))
            self.originals[weight] = original

    def restore(self) -> None:
        for weight, original in self.originals.items():
            self._put(weight, original)
        self.originals.clear()

    def _put(self, weight: str, parameter: nn.Parameter) -> None:
        module, _, end = weight.rpartition(".")
        setattr(self._model.get_submodule(module), end, parameter)

"""Linear layers of the decoder in 8 or 4 bits a weight: how they are stored, made and multiplied with.

Weights alone are quantised, tensor by tensor, without data (round to nearest); activations keep their type. Of the
decoder these are the matrices inside its blocks. Embedding, head and norms, encoders and projectors stay as they are.

    int8    weight int8 (N, K), weight_scale (N,)                      w = weight * scale
    int4    weight uint8 (N, K/2), weight_scale, weight_zero (N, K/G)  w = (weight - 8) * scale + zero

Shapes: N out_features, K in_features, G columns of a group. Byte j of an int4 row holds column j in its low half and
column j + K/2 in its high half. Scales and zeros are numbers that bfloat16 holds exactly, so that a model in any
type stands for the same weights (but float16, which rounds scales below 6e-5).

Kernels: on a CPU torch's own for bfloat16 (`_weight_int8pack_mm`, `_weight_int4pack_mm_for_cpu`); everywhere else, and
where they were measured to be slower, a few rows at a time are made into numbers again and multiplied with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import ModelConfig, Quantization
from .errors import CheckpointError

SCHEMES: dict[str, Quantization] = {
    "int8": Quantization(bits=8, group=0, scheme="symmetric"),
    "int4": Quantization(bits=4, group=128, scheme="asymmetric"),
}
"""By the names that users give them."""
FEW = 16
"""Rows of input up to which the int8 kernel is faster than making numbers of the weights (2048 x 5632, AVX-512)."""
BLOCK = 1 << 20
"""Weights that are numbers at a time: they stay in the processor's cache (4 MiB in float32)."""
TILE = 64
"""Rows that the int4 kernel lays out together."""
KERNEL_GROUPS = (32, 64, 128, 256)
_PARTS = {8: ("weight", "weight_scale"), 4: ("weight", "weight_scale", "weight_zero")}


def scheme_of(name: str) -> Quantization:
    """`int8` or `int4`. Raises `CheckpointError`."""
    if name not in SCHEMES:
        raise CheckpointError(f"quantize: {name!r} is not known; one of: {', '.join(SCHEMES)}")
    return SCHEMES[name]


def group_of(columns: int, quantization: Quantization) -> int:
    """Columns that share a scale: all for int8; else the largest power of two from 16 to `group` that divides them.

    0 where there is none: such a layer stays as it is.
    """
    if quantization.bits == 8:
        return columns
    group = quantization.group
    while group >= 16 and columns % group:
        group //= 2
    return group if group >= 16 else 0


class QuantizedLinear(nn.Linear):
    """A linear layer without bias whose weights are whole numbers of a few bits.

    `weight` is laid out as its kernel wants it wherever the layer is; `state_dict` has the layout of the module's
    docstring. Inputs may have gradients, weights have none.
    """

    weight_scale: nn.Parameter
    weight_zero: nn.Parameter | None

    def __init__(self, in_features: int, out_features: int, quantization: Quantization) -> None:
        super().__init__(in_features, out_features, bias=False)
        self.bits, self.group = quantization.bits, group_of(in_features, quantization)
        self.laid_out = False
        self.scale_and_zero: Tensor | None = None  # (K/G, N, 2), of which weight_scale and weight_zero are views
        self.weight_zero = None
        for name, (shape, dtype) in parts(out_features, in_features, quantization).items():
            setattr(self, name, nn.Parameter(torch.empty(shape, dtype=dtype), requires_grad=False))

    def forward(self, x: Tensor) -> Tensor:
        """(..., K) -> (..., N), in the type of `x`."""
        rows = x.reshape(-1, self.in_features)
        kernel = _kernel_takes(x) and x.dtype == self.weight_scale.dtype
        kernel = kernel and not (x.requires_grad and torch.is_grad_enabled())  # kernels have no gradients
        if kernel and self.laid_out and self.scale_and_zero is not None:
            out = torch.ops.aten._weight_int4pack_mm_for_cpu(rows, self.weight, self.group, self.scale_and_zero)
        elif kernel and self.bits == 8 and len(rows) <= FEW:
            out = torch._weight_int8pack_mm(rows, self.weight, self.weight_scale)
        else:
            out = torch.cat([self._part(rows, block) for block in self._blocks()], dim=-1)
        return out.view(*x.shape[:-1], self.out_features)

    def _part(self, rows: Tensor, block: slice) -> Tensor:
        if self.bits == 8 and rows.dtype != torch.float16:  # scaled afterwards: cheaper, but float16 would overflow
            return F.linear(rows, self.weight[block].to(rows.dtype)) * self.weight_scale[block].to(rows.dtype)
        return F.linear(rows, self._numbers(block).to(rows.dtype))

    def _blocks(self) -> Iterator[slice]:
        step = max(BLOCK // self.in_features // TILE, 1) * TILE
        for start in range(0, self.out_features, step):
            yield slice(start, min(start + step, self.out_features))

    def _numbers(self, block: slice) -> Tensor:
        """Float32 weights of some rows, (n, K)."""
        scale = self.weight_scale[block].float()
        if self.weight_zero is None:
            return self.weight[block].float() * scale[:, None]
        numbers = _unpacked(self._plain(block)).float().view(len(scale), -1, self.group)
        low = self.weight_zero[block].float() - 8 * scale
        return torch.addcmul(low[..., None], numbers, scale[..., None]).flatten(1)

    def dequantize(self) -> Tensor:
        """The weights that it stands for, float32 (N, K), exactly."""
        return torch.cat([self._numbers(block) for block in self._blocks()])

    # --- layout ---

    def _apply(self, *args: Any, **kwargs: Any) -> QuantizedLinear:
        """Moves in the stored layout, and takes the one of the kernel that is there, if one is."""
        self._store_plainly()
        super()._apply(*args, **kwargs)
        if (
            self.bits == 4 and _kernel_takes(self.weight_scale) and self.group in KERNEL_GROUPS
            and self.out_features % TILE == 0
        ):  # fmt: skip
            self._lay_out()
        return self

    def _lay_out(self) -> None:
        scale, zero = self.weight_scale, self.weight_zero
        assert zero is not None
        laid_out = torch.empty_like(self.weight)
        for block in self._blocks():
            ints = _unpacked(self.weight[block]).int()
            laid_out[block] = torch.ops.aten._convert_weight_to_int4pack_for_cpu(ints, 1).view(laid_out[block].shape)
        self.weight.data, self.laid_out = laid_out, True
        self.scale_and_zero = torch.stack((scale.T, zero.T), dim=-1).contiguous()
        scale.data, zero.data = (one.T for one in self.scale_and_zero.unbind(-1))

    def _store_plainly(self) -> None:
        if self.laid_out:
            self.weight.data = self._plain(slice(0, self.out_features))
            self.laid_out, self.scale_and_zero = False, None

    def _plain(self, block: slice) -> Tensor:
        """Some rows of an int4 weight as they are stored; a block of a laid-out one begins and ends with a tile."""
        if not self.laid_out:
            return self.weight[block]
        places = _kernel_places(self.in_features)
        found = [
            _packed(_halves(tile).flatten()[places].view(TILE, self.in_features))
            for tile in self.weight[block].split(TILE)
        ]
        return torch.cat(found)

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        if self.laid_out:
            destination[f"{prefix}weight"] = self._plain(slice(0, self.out_features))


def _kernel_takes(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == torch.bfloat16 and _has_kernels()


@cache
def _has_kernels() -> bool:
    names = ("_weight_int8pack_mm", "_weight_int4pack_mm_for_cpu", "_convert_weight_to_int4pack_for_cpu")
    return all(hasattr(torch.ops.aten, name) for name in names)


@cache
def _kernel_places(columns: int) -> Tensor:
    """Where the kernel's layout of a tile has each weight: (TILE * columns,) places of half bytes.

    The layout differs from processor to processor and is not written down, so it is asked for: the number of each
    weight is laid out, four bits at a time.
    """
    numbers = torch.arange(TILE * columns, dtype=torch.int32).view(TILE, columns)
    found = torch.zeros(TILE * columns, dtype=torch.int64)
    for shift in range(0, numbers.numel().bit_length(), 4):
        digits = (numbers >> shift) & 15
        laid_out = torch.ops.aten._convert_weight_to_int4pack_for_cpu(digits, 1)
        found |= _halves(laid_out).flatten().long() << shift
    return found.argsort()


def _halves(packed: Tensor) -> Tensor:
    """Both halves of each byte, the low one first: (..., n) -> (..., n, 2)."""
    return torch.stack((packed & 15, packed >> 4), dim=-1)


def _unpacked(packed: Tensor) -> Tensor:
    """Stored int4 rows (n, K/2) -> whole numbers from 0 to 15, uint8 (n, K)."""
    return torch.cat((packed & 15, packed >> 4), dim=-1)


def _packed(numbers: Tensor) -> Tensor:
    """The reverse of `_unpacked`."""
    low, high = numbers.chunk(2, dim=-1)
    return low | high << 4


# --- making ----------------------------------------------------------------------------------------


def parts(rows: int, columns: int, quantization: Quantization) -> dict[str, tuple[torch.Size, torch.dtype]]:
    """Shape and type of each tensor of a quantised layer (N, K), by the end of its name."""
    group = group_of(columns, quantization)
    if quantization.bits == 8:
        shapes = [((rows, columns), torch.int8), ((rows,), torch.bfloat16)]
    else:
        grouped = (rows, columns // group)
        shapes = [((rows, columns // 2), torch.uint8), (grouped, torch.bfloat16), (grouped, torch.bfloat16)]
    found = ((torch.Size(shape), dtype) for shape, dtype in shapes)
    return dict(zip(_PARTS[quantization.bits], found, strict=True))


def quantized(weight: Tensor, quantization: Quantization) -> dict[str, Tensor]:
    """Weights (N, K) -> the tensors of `parts`, a few rows at a time."""
    step = max(
        (1 << 20) // weight.shape[1], 1
    )  # some MB: the allocator keeps holes of what was held beside the results
    make = _int8 if quantization.bits == 8 else _int4
    group = group_of(weight.shape[1], quantization)
    made = [make(rows.float(), group) for rows in weight.split(step)]
    return {
        name: torch.cat(column) for name, column in zip(_PARTS[quantization.bits], zip(*made, strict=True), strict=True)
    }


def _int8(rows: Tensor, _: int) -> tuple[Tensor, Tensor]:
    scale = _upward(rows.abs().amax(-1) / 127)
    return (rows / scale.float()[:, None]).round_().to(torch.int8), scale


def _int4(rows: Tensor, group: int) -> tuple[Tensor, Tensor, Tensor]:
    grouped = rows.unflatten(-1, (-1, group))
    low, high = grouped.aminmax(dim=-1)  # type: ignore[call-overload]
    scale = _upward((high - low) / 15)
    zero = (low + 8 * scale.float()).bfloat16()
    numbers = (grouped - zero.float()[..., None]).div_(scale.float()[..., None]).round_().add_(8).clamp_(0, 15)
    return _packed(numbers.to(torch.uint8).flatten(1)), scale, zero


def _upward(scale: Tensor) -> Tensor:
    """The next bfloat16 that is not smaller, so that the largest weight still has a number; never zero."""
    near = scale.clamp_min(1e-30).bfloat16()
    return torch.where(near.float() < scale, (near.view(torch.int16) + 1).view(torch.bfloat16), near)


# --- of a model ------------------------------------------------------------------------------------


def install(decoder: nn.Module, quantization: Quantization) -> None:
    """Puts empty quantised layers in the place of the linear ones inside the blocks."""
    for name, layer in list(decoder.named_modules()):
        if isinstance(layer, nn.Linear) and _chosen(name, layer.in_features, quantization):
            empty = QuantizedLinear(layer.in_features, layer.out_features, quantization)
            decoder.set_submodule(name, empty)


def _chosen(name: str, columns: int, quantization: Quantization) -> bool:
    """Whether this layer of a decoder (`model.layers.0.mlp.up_proj`) is quantised."""
    return name.startswith("model.layers.") and name.endswith("_proj") and group_of(columns, quantization) > 0


def numbers(shapes: Mapping[str, torch.Size], quantization: Quantization | None) -> dict[str, int]:
    """How many of the model's parameters each tensor stands for; scales and zeros for none."""
    found = {name: shape.numel() for name, shape in shapes.items()}
    for name in found:
        if quantization and name.endswith(("weight_scale", "weight_zero")):
            found[name] = 0
        elif quantization and f"{name}_scale" in shapes:
            found[name] *= 2 if quantization.bits == 4 else 1
    return found


def while_loading(
    config: ModelConfig, shapes: Mapping[str, torch.Size], fetch: Callable[[str], Tensor], scheme: str
) -> tuple[ModelConfig, dict[str, torch.Size], Callable[[str], Tensor]]:
    """Config, shapes and source of a model as if it had been stored in `scheme`; one matrix is held at a time.

    Raises:
        CheckpointError: it is quantised already, or the scheme is not known.
    """
    quantization = scheme_of(scheme)
    if config.quantization is not None:
        raise CheckpointError(
            f"config.json: the weights are stored as {config.quantization.name} and are not made {scheme} again; "
            "load them as they are, or quantise the model that they were made from"
        )
    found: dict[str, torch.Size] = {}
    layer_of: dict[str, str] = {}
    for name, shape in shapes.items():
        layer = name.removesuffix(".weight")
        if name.startswith("decoder.") and _chosen(layer.removeprefix("decoder."), shape[-1], quantization):
            rows, columns = shape
            made = {f"{layer}.{end}": part for end, (part, _) in parts(rows, columns, quantization).items()}
            found |= made
            layer_of |= dict.fromkeys(made, layer)
        else:
            found[name] = shape
    last: dict[str, Tensor] = {}  # of one layer: its parts are asked for one after the other

    def get(name: str) -> Tensor:
        if (layer := layer_of.get(name)) is None:
            return fetch(name)
        if name not in last:
            last.clear()
            tensors = quantized(fetch(f"{layer}.weight"), quantization)
            last.update({f"{layer}.{end}": tensor for end, tensor in tensors.items()})
        return last.pop(name)

    return replace(config, quantization=quantization), found, get

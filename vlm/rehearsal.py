"""Running a model without its numbers: the same code on tensors that have shapes alone, with their bytes counted.

torch's fake tensors take the place of real ones; what would be held is counted when a storage is made and when
nothing refers to it any more. Nothing is computed, and no memory is taken, whatever the size of the model.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class Counter(TorchDispatchMode):
    """held: bytes of storages that were made under it and are still referred to. peak: the most of them at a time.

    What a kernel takes for itself and gives back before it returns is not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.held = self.peak = 0
        self._seen: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Sequence[type], args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        self._seen.update(_storages((args, kwargs)))  # of these, what is not known was made before it
        made = func(*args, **(kwargs or {}))
        for storage in _storages(made):
            if storage not in self._seen:
                self._seen.add(storage)
                self.held += storage.nbytes()
                weakref.finalize(storage, self._freed, storage.nbytes())
        self.peak = max(self.peak, self.held)
        return made

    def _freed(self, size: int) -> None:
        self.held -= size


def _storages(values: Any) -> Iterator[torch.UntypedStorage]:
    return (leaf.untyped_storage() for leaf in tree_leaves(values) if isinstance(leaf, Tensor))


@contextmanager
def rehearsed(dtype: torch.dtype = torch.float32) -> Iterator[None]:
    """Inside, tensors and models are made without their numbers, and in this type unless they ask for another."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)  # a fake model cannot be converted once it is made
    try:
        with FakeTensorMode():
            yield
    finally:
        torch.set_default_dtype(before)


def bytes_of(tensors: Iterator[Tensor]) -> int:
    return sum(tensor.nbytes for tensor in tensors)

"""LoRA adapters on a loaded model: load several by name, switch, stack, merge, undo; peft's layers do the work.

    assistant.adapters.load("adapters/charts")
    assistant.adapters.use({"charts": 0.7, "plans": 0.3})

An adapter that this program wrote knows its base by a fingerprint and is refused on another one. Of one
that peft wrote, names and shapes are compared, and a note says that this is all.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from . import adapter_folder, checkpoint
from .adapter_folder import AdapterFolder, Base, Layer
from .config import ModelConfig
from .errors import CheckpointError, InputError
from .limits import available_memory
from .model import VLM
from .sources import find

Location = str | os.PathLike[str]
ROOM = 0.9
"""Share of the free memory that originals kept by `merge` may take."""


class Adapters:
    """The adapters of one model. Safe to use from any thread.

    A change waits until no answer is under way, as `Engine.quiet` does, and raises `InputError` if they do not
    end: no answer is computed partly with one adapter and partly with another. It also undoes a merge first.

    Args:
        still: gives a block in which nobody computes with the model.

    notes: what could not be checked of those that are loaded.
    """

    def __init__(self, model: VLM, config: ModelConfig, still: Callable[[], AbstractContextManager[Any]]) -> None:
        self._model, self._config, self._still = model, config, still
        self._lock = threading.RLock()
        self._folders: dict[str, AdapterFolder] = {}
        self._active: dict[str, float] = {}
        self._originals: dict[str, nn.Parameter] = {}  # what a merge replaced, by module
        self.notes: list[str] = []

    @property
    def names(self) -> list[str]:
        """Of all that are loaded."""
        return list(self._folders)

    @property
    def active(self) -> dict[str, float]:
        """Those that take part in answers, with their weights."""
        return dict(self._active)

    @property
    def merged(self) -> bool:
        """Whether the active ones are part of the weights at the moment."""
        return bool(self._originals)

    def __str__(self) -> str:
        """What is active, in words; empty where nothing is."""
        parts = [name if weight == 1 else f"{name} x {weight:g}" for name, weight in self._active.items()]
        return " + ".join(parts)

    # --- operations ---

    def load(self, path: Location, name: str | None = None) -> str:
        """Reads an adapter and leaves it inactive; returns its name (by default the folder's).

        Args:
            path: a folder, or an id on the hub.

        Raises:
            CheckpointError: it cannot be read, or is of another base; nothing has been loaded.
            InputError: the name is taken.
        """
        folder = adapter_folder.understood(find(path))
        chosen = re.sub(r"[^\w-]", "-", name or folder.folder.resolve().name)
        with self._lock:
            if chosen in self._folders:
                raise InputError(f"an adapter named {chosen!r} is loaded already; choose another name", "bad_adapter")
            layers = folder.layers(self._config, self._shapes())
            self._check_base(folder, layers)
            tensors = folder.tensors(layers)
            with self._changing():
                try:
                    self._inject(chosen, folder, layers, tensors)
                except BaseException:
                    self._remove(chosen)
                    raise
                self._folders[chosen] = folder
            if folder.base is None:
                self.notes.append(
                    f"{chosen}: keeps no fingerprint of its base; only names and shapes of {len(layers)} layers "
                    "were compared"
                )
        return chosen

    def use(self, names: str | Sequence[str] | Mapping[str, float]) -> None:
        """One adapter; or several at once, each with a weight that multiplies its own scale.

        Raises:
            InputError: one is not loaded.
        """
        if isinstance(names, str):
            names = [names]
        weights = {
            n: float(w) for n, w in (dict(names) if isinstance(names, Mapping) else dict.fromkeys(names, 1)).items()
        }
        with self._lock:
            self._check_known(weights)
            with self._changing():
                self._active = weights

    def off(self) -> None:
        """The base alone answers."""
        self.use({})

    def merge(self, *, undo: bool = True) -> None:
        """Makes the active adapters part of the weights, which is as fast as no adapter.

        Args:
            undo: keeps the weights that change, for `unmerge`. Without, all adapters are forgotten and the model
                is a plain one.

        Raises:
            InputError: none is active; no memory to keep the weights (both sizes are named).
        """
        with self._lock:
            if not self._active:
                raise InputError("no adapter is active, so that there is nothing to merge", "bad_adapter")
            touched = {n: one for n, one in self._adapted() if any(name in one.lora_A for name in self._active)}
            if undo and not self._originals:
                self._check_memory(sum(one.get_base_layer().weight.nbytes for one in touched.values()))
            with self._changing():
                for module, adapted in touched.items():
                    base = adapted.get_base_layer()
                    if undo:
                        self._originals[module] = base.weight
                    base.weight = nn.Parameter(base.weight.detach().clone(), requires_grad=False)
                    adapted.merge(adapter_names=list(self._active))
                if not undo:
                    for name in self.names:
                        self._remove(name)

    def unmerge(self) -> None:
        """The weights are again what they were before `merge`, bit for bit; the same adapters stay active."""
        with self._lock, self._changing():
            pass  # which any change begins with

    def unload(self, name: str | None = None) -> None:
        """Forgets one adapter, or all; without the last one the model is as it was when it was loaded.

        Raises:
            InputError: it is not loaded.
        """
        with self._lock:
            gone = self.names if name is None else [name]
            self._check_known(gone)
            with self._changing():
                for one in gone:
                    self._remove(one)

    def save(self, name: str, path: Location) -> None:
        """Writes a loaded adapter as a folder that peft reads, with a fingerprint of this base beside it.

        Raises:
            InputError: it is not loaded. CheckpointError: `path` holds something else.
        """
        with self._lock:
            self._check_known([name])
            found = {module: one for module, one in self._adapted() if name in one.lora_A}
            written = {
                module: (one.lora_A[name].weight, one.lora_B[name].weight, one.lora_alpha[name])
                for module, one in found.items()
            }
            base = Base(self._config.name, adapter_folder.fingerprint(self._weights(found)))
            adapter_folder.write(Path(path), written, self._config, base, rslora=self._folders[name].rslora)

    # --- inside ---

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """A block in which layers may be changed: unmerged at its beginning, with what is active at its end."""
        with self._still():
            adapted = dict(self._adapted())
            for module, original in self._originals.items():
                adapted[module].get_base_layer().weight = original  # the parameter itself: nothing is computed
                adapted[module].merged_adapters.clear()
            self._originals.clear()
            try:
                yield
            finally:
                for _, one in self._adapted():
                    if not one.merged:
                        one.set_adapter(list(self._active), inference_mode=True)
                        for name, weight in self._active.items():
                            one.set_scale(name, weight)
                        one.enable_adapters(bool(self._active))
                    one.requires_grad_(False)
                self._model.revision += 1

    def _check_known(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._folders:
                loaded = ", ".join(self._folders) or "none"
                raise InputError(f"no adapter named {name!r} is loaded; loaded: {loaded}", "bad_adapter")

    def _adapted(self) -> list[tuple[str, Any]]:
        """peft's layers, by the name that the module has without them."""
        return [(name, one) for name, one in self._model.named_modules() if hasattr(one, "lora_A")]

    def _weights(self, modules: Iterable[str]) -> dict[str, Tensor]:
        """The base's, whatever is merged."""
        own: dict[str, Any] = {m: self._model.get_submodule(m) for m in modules}
        return {f"{name}.weight": self._originals.get(name, module.weight) for name, module in own.items()}

    def _shapes(self) -> dict[str, torch.Size]:
        """Of the model's own weights, named as without adapters."""
        own = checkpoint.state_dict(self._model)
        return {name.replace(".base_layer.", "."): tensor.shape for name, tensor in own.items() if ".lora_" not in name}

    def _check_base(self, folder: AdapterFolder, layers: list[Layer]) -> None:
        for name, copy in folder.copies().items():
            own = self._weights([name.removesuffix(".weight")])[name]
            if own.shape != copy.shape or not torch.equal(own.to(torch.bfloat16), copy.to(own.device, torch.bfloat16)):
                raise CheckpointError(
                    f"{folder.folder}: brings a {name.split('.')[-2]} of its own, which is not that of "
                    f"{self._config.name!r}; merge it with peft (merge_and_unload) and load the merged folder"
                )
        if folder.base is None:
            return
        if adapter_folder.fingerprint(self._weights([layer.module for layer in layers])) != folder.base.fingerprint:
            raise CheckpointError(
                f"{folder.folder}: was made for other weights: {adapter_folder.BASE} keeps a fingerprint of "
                f"{folder.base.model!r}, which is not that of {self._config.name!r}"
            )

    def _inject(self, name: str, folder: AdapterFolder, layers: list[Layer], tensors: Mapping[str, Tensor]) -> None:
        peft = _peft()
        for layer in layers:
            found = self._model.get_submodule(layer.module)
            if type(getattr(found, "base_layer", found)) is not nn.Linear:
                raise CheckpointError(f"{layer.module}: takes no adapter, as it is a {type(found).__name__}")
        config = peft.LoraConfig(
            r=folder.rank, lora_alpha=folder.alpha, use_rslora=folder.rslora, inference_mode=True,
            target_modules=[layer.module for layer in layers],
            rank_pattern={re.escape(one.module): one.rank for one in layers if one.rank != folder.rank},
            alpha_pattern={re.escape(one.module): one.alpha for one in layers if one.alpha != folder.alpha},
        )  # fmt: skip
        peft.inject_adapter_in_model(config, self._model, name)
        with torch.no_grad():
            for one in layers:
                adapted: Any = self._model.get_submodule(one.module)
                adapted.lora_A[name].weight.copy_(tensors[one.a])
                adapted.lora_B[name].weight.copy_(tensors[one.b])

    def _remove(self, name: str) -> None:
        """Takes an adapter out, whole or not; a layer that was its last one's is a plain one again."""
        self._folders.pop(name, None)
        self._active.pop(name, None)
        for module, one in self._adapted():
            one.merged_adapters.clear()  # of a merge for good
            if name in one.lora_A:
                one.set_adapter([])  # of which peft would warn
                one.delete_adapter(name)
            if not one.lora_A:
                self._model.set_submodule(module, one.get_base_layer())
        if not self._folders:
            self._model.__dict__.pop("peft_config", None)

    def _check_memory(self, needed: int) -> None:
        free = available_memory(self._model.device)
        if needed > ROOM * free:
            raise InputError(
                f"to undo a merge {needed / 1e6:.0f} MB of weights are kept, but {free / 1e6:.0f} MB are free; "
                "merge for good: vlm adapter merge, or merge(undo=False)", "out_of_memory",
            )  # fmt: skip


def _peft() -> Any:
    try:
        import peft
    except ImportError as error:
        raise InputError("adapters need peft: pip install 'vlm-studio[lora]'", "missing_library") from error
    return peft

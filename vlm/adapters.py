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
from .adapter_weights import WrittenLayers
from .config import ModelConfig
from .errors import CheckpointError, InputError
from .limits import available_memory
from .model import VLM
from .sources import find

Location = str | os.PathLike[str]
ROOM = 0.9
"""Share of the free memory that weights kept to be put back may take."""


class Adapters:
    """The adapters of one model. Safe to use from any thread.

    A change waits until no answer is under way, as `Engine.quiet` does, and raises `InputError` if they do not
    end: no answer is computed partly with one adapter and partly with another. It also undoes a merge first.

    Args:
        still: gives a block in which nobody computes with the model.
    """

    def __init__(self, model: VLM, config: ModelConfig, still: Callable[[], AbstractContextManager[Any]]) -> None:
        self._model, self._config, self._still = model, config, still
        self._lock = threading.RLock()
        self._folders: dict[str, AdapterFolder] = {}
        self._active: dict[str, float] = {}
        self._layers: dict[str, list[Layer]] = {}
        self._written = WrittenLayers(model)
        self._originals: dict[str, nn.Parameter] = {}  # what a merge replaced
        self._merged = False

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
        return self._merged

    @property
    def notes(self) -> list[str]:
        """What could not be checked of those that are loaded."""
        bare = [name for name, folder in self._folders.items() if folder.base is None]
        return [f"{name}: keeps no fingerprint of its base; only names and shapes were compared" for name in bare]

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
        chosen = name or folder.folder.resolve().name
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
                self._folders[chosen], self._layers[chosen] = folder, layers
        return chosen

    def use(self, names: str | Sequence[str] | Mapping[str, float]) -> None:
        """One adapter; or several at once, each with a weight that multiplies its own scale.

        Raises:
            InputError: one is not loaded; no memory to keep weights of an encoder that are changed.
        """
        if isinstance(names, str):
            names = [names]
        weights = {
            n: float(w) for n, w in (dict(names) if isinstance(names, Mapping) else dict.fromkeys(names, 1)).items()
        }
        with self._lock:
            self._check_known(weights)
            self._check_memory(self._written.touched(weights) - set(self._written.originals))
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
            touched = {m: one for m, one in self._adapted() if any(_inner(name) in one.lora_A for name in self._active)}
            if undo and not self._merged:
                self._check_memory(f"{module}.weight" for module in touched)
            with self._changing():
                for module, adapted in touched.items():
                    base = adapted.get_base_layer()
                    if undo:
                        self._originals[f"{module}.weight"] = base.weight
                    base.weight = nn.Parameter(base.weight.detach().clone(), requires_grad=False)
                    adapted.merge(adapter_names=list(map(_inner, self._active)))
                self._merged = undo
                if not undo:
                    self._written.write(self._active)
                    self._written.originals.clear()
                    for name in self.names:
                        self._remove(name)

    def unmerge(self) -> None:
        """The weights are again what they were before `merge`, bit for bit; the same adapters stay active."""
        self.use(self._active)

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
            adapted, inner = dict(self._adapted()), _inner(name)
            called = [
                (layer, adapted[layer.module].lora_A[inner].weight, adapted[layer.module].lora_B[inner].weight)
                for layer in self._layers[name] if layer.called
            ]  # fmt: skip
            found = called + self._written.of(name)
            base = Base(
                self._config.name, adapter_folder.fingerprint(self._weights(layer.weight for layer, *_ in found))
            )
            adapter_folder.write(Path(path), found, self._config, base, rslora=self._folders[name].rslora)

    # --- inside ---

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """A block in which layers may be changed: unmerged at its beginning, with what is active at its end."""
        with self._still():
            adapted = dict(self._adapted())
            for place, original in self._originals.items():
                one = adapted[place.removesuffix(".weight")]
                one.get_base_layer().weight = original  # the parameter itself: nothing is computed
                one.merged_adapters.clear()
            self._originals.clear()
            self._written.restore()
            self._merged = False
            try:
                yield
            finally:
                for _, one in self._adapted():
                    if not one.merged:
                        one.set_adapter(list(map(_inner, self._active)), inference_mode=True)
                        for name, weight in self._active.items():
                            one.set_scale(_inner(name), weight)
                        one.enable_adapters(bool(self._active))
                    one.requires_grad_(False)
                self._written.write(self._active)
                self._model.revision += 1

    def _check_known(self, names: Iterable[str]) -> None:
        for name in names:
            if name not in self._folders:
                loaded = ", ".join(self._folders) or "none"
                raise InputError(f"no adapter named {name!r} is loaded; loaded: {loaded}", "bad_adapter")

    def _adapted(self) -> list[tuple[str, Any]]:
        """peft's layers, by the name that the module has without them."""
        return [(name, one) for name, one in self._model.named_modules() if hasattr(one, "lora_A")]

    def _weights(self, names: Iterable[str]) -> dict[str, Tensor]:
        """The base's, whatever is merged or written."""
        kept = self._originals | self._written.originals
        ends = {name: name.rpartition(".") for name in names}
        return {
            name: kept[name] if name in kept else getattr(self._model.get_submodule(module), end)
            for name, (module, _, end) in ends.items()
        }

    def _shapes(self) -> dict[str, torch.Size]:
        """Of the model's own weights, named as without adapters; of one in few bits, of what it stands for."""
        own = {name: tensor.shape for name, tensor in checkpoint.state_dict(self._model).items()}
        for name, module in self._model.named_modules():
            if isinstance(module, nn.Linear) and f"{name}.weight" in own:
                own[f"{name}.weight"] = torch.Size([module.out_features, module.in_features])
        return {name.replace(".base_layer.", "."): shape for name, shape in own.items() if ".lora_" not in name}

    def _check_base(self, folder: AdapterFolder, layers: list[Layer]) -> None:
        for name, copy in folder.copies().items():
            own = self._weights([name])[name]
            if own.shape != copy.shape or not torch.equal(own.to(torch.bfloat16), copy.to(own.device, torch.bfloat16)):
                raise CheckpointError(
                    f"{folder.folder}: brings a {name.split('.')[-2]} of its own, which is not that of "
                    f"{self._config.name!r}; merge it with peft (merge_and_unload) and load the merged folder"
                )
        if folder.base is None:
            return
        if adapter_folder.fingerprint(self._weights(layer.weight for layer in layers)) != folder.base.fingerprint:
            raise CheckpointError(
                f"{folder.folder}: was made for other weights: {adapter_folder.BASE} keeps a fingerprint of "
                f"{folder.base.model!r}, which is not that of {self._config.name!r}"
            )

    def _inject(self, name: str, folder: AdapterFolder, layers: list[Layer], tensors: Mapping[str, Tensor]) -> None:
        peft = _peft()
        self._written.add(name, [one for one in layers if not one.called], tensors, rslora=folder.rslora)
        if not (layers := [one for one in layers if one.called]):
            return
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
        peft.inject_adapter_in_model(config, self._model, _inner(name))
        del self._model.peft_config  # of which the next one would warn; everything is kept here
        with torch.no_grad():
            for one in layers:
                adapted: Any = self._model.get_submodule(one.module)
                adapted.lora_A[_inner(name)].weight.copy_(tensors[one.a])
                adapted.lora_B[_inner(name)].weight.copy_(tensors[one.b])

    def _remove(self, name: str) -> None:
        """Takes an adapter out, whole or not; a layer that was its last one's is a plain one again."""
        self._folders.pop(name, None)
        self._layers.pop(name, None)
        self._active.pop(name, None)
        self._written.remove(name)
        for module, one in self._adapted():
            one.merged_adapters.clear()  # of a merge for good
            if _inner(name) in one.lora_A:
                one.set_adapter([])  # of which peft would warn
                one.delete_adapter(_inner(name))
            if not one.lora_A:
                self._model.set_submodule(module, one.get_base_layer())

    def _check_memory(self, weights: Iterable[str]) -> None:
        """Raises `InputError`."""
        needed = sum(tensor.nbytes for tensor in self._weights(weights).values())
        free = available_memory(self._model.device)
        if needed > ROOM * free:
            raise InputError(
                f"{needed / 1e6:.0f} MB of weights would be kept to be put back, but {free / 1e6:.0f} MB are free; "
                "merge for good: vlm adapter merge, or merge(undo=False)", "out_of_memory",
            )  # fmt: skip


def _inner(name: str) -> str:
    """As peft knows it: a module's name, which must be none of torch's or of peft's own ("keys", "lora")."""
    return f"adapter-{re.sub(r'[^A-Za-z0-9_-]', lambda found: f'-{ord(found[0]):x}-', name)}"


def _peft() -> Any:
    try:
        import peft
    except ImportError as error:
        raise InputError("adapters need peft: pip install 'vlm-studio[lora]'", "missing_library") from error
    return peft

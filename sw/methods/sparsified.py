"""Sparse layers in a model: put in, counted, and taken out again."""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from torch import nn

from sw.methods.coverage import Coverage
from sw.methods.experts import SeparateExperts, SparseExpertLinear, join, separate
from sw.methods.sparse_layer import SparseInput
from sw.methods.tokens import follow_masks
from sw.methods.wrapping import (
    SelectedInput,
    is_hooked,
    put_back,
    recomputed,
    refuse_sparse,
)


__all__ = ["Sparsified"]


_NUMBERS = itertools.count()


def _slow_path(*_: Any) -> None:
    """Do nothing. PyTorch's fused encoder layer reads weights only where nothing is hooked."""


@dataclass
class Sparsified:
    """The sparse layers of a model. A context manager that takes them out at its end.

    Attributes
    ----------
    model : nn.Module
    layers : dict of str to SparseInput
        By their names in the model as it was.
    dense : dict of str to nn.Linear
        What they take the place of.
    """

    model: nn.Module
    layers: dict[str, SparseInput]
    dense: dict[str, nn.Linear]
    _table: Coverage = field(default_factory=lambda: Coverage(()), repr=False)
    _hooks: list[Any] = field(default_factory=list, repr=False)
    _experts: list[SeparateExperts] = field(default_factory=list, repr=False)
    _encoders: list[tuple[Any, bool]] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self._number = next(_NUMBERS)

    @property
    def coverage(self) -> Coverage:
        """What of the model is sparse, what is dense and why.

        Once the model has run, layers that were not called in any run since ``sparsify`` are in
        the state ``not called``: experts that no token went to, and layers whose weights the
        model reads by itself.
        """
        if not any(layer.called for layer in self.layers.values()):
            return self._table
        return Coverage(tuple(
            replace(entry, state="not called")
            if entry.name in self.layers and not self.layers[entry.name].called else entry
            for entry in self._table.entries))

    def part(self, names: Iterable[str]) -> "Sparsified":
        """Return the same with some of the layers only, for a model that is dense now."""
        return Sparsified(self.model, {name: self.layers[name] for name in names},
                          {name: self.dense[name] for name in names})

    def place(self) -> None:
        """Make the model sparse. ``sparsify`` has done it; only needed after ``remove``.

        Raises
        ------
        ValueError
            If a layer is sparse already, by this or by another call of ``sparsify``.
        """
        for name, module in self.model.named_modules(remove_duplicate=False):
            if name in self.layers and (isinstance(module, SparseInput) or is_hooked(module)):
                raise refuse_sparse(name)
        hooked: set[int] = set()
        for name, layer in self.layers.items():
            layer.__dict__["owner"] = self._number
            if isinstance(layer, SelectedInput):
                if id(layer.dense) not in hooked:  # of two names
                    self._hooks.append(layer.dense.register_forward_pre_hook(
                        layer.hook, with_kwargs=True))
                    hooked.add(id(layer.dense))
                continue
            if isinstance(layer, SparseExpertLinear):
                self._separate(name, layer)
            self.model.set_submodule(name, layer)
        self._leave_fast_paths()
        if any(layer.dynamic for layer in self.layers.values()):
            # Statistics of a call are those of its real tokens.
            self._hooks += follow_masks(self.model)

    def _separate(self, name: str, layer: SparseExpertLinear) -> None:
        """Have the experts apart that a layer belongs to, and let it read their weights."""
        parts = name.split(".")
        number = max(k for k, part in enumerate(parts) if part == str(layer.number))
        module: Any = self.model.get_submodule(".".join(parts[:number]))
        if not any(module is held for held in self._experts):
            module = separate(self.model, ".".join(parts[:number]))
            self._experts.append(module)
        layer.__dict__["holder"] = module
        layer.__dict__["dense"] = module.get_submodule(".".join(parts[number:]))

    def _leave_fast_paths(self) -> None:
        """Keep encoders of PyTorch from reading the weights of sparse layers past them."""
        for module in list(self.model.modules()):
            if not any(isinstance(part, SparseInput) for part in module.modules()):
                continue
            if isinstance(module, nn.TransformerEncoderLayer):
                self._hooks.append(module.register_forward_pre_hook(_slow_path))
            elif isinstance(module, nn.TransformerEncoder):
                self._encoders.append((module, module.use_nested_tensor))
                module.use_nested_tensor = False

    def remove(self) -> None:
        """Put the dense layers back: the very same modules, wherever they are in the model now.

        A layer that was wrapped meanwhile, by an adapter, stays wrapped. Parameters that were
        loaded or merged meanwhile stay, too.

        Raises
        ------
        ValueError
            If something took a sparse layer out of the model, or made its weights follow from
            others (which must be undone first); all others are dense again.
        """
        kept = []
        for parent in list(self.model.modules()):
            for name, child in list(parent._modules.items()):
                if isinstance(child, SparseInput) \
                        and child.__dict__.get("owner") == self._number:
                    if recomputed(child):
                        kept.append(child)
                    else:
                        setattr(parent, name, put_back(child))
        for handle in self._hooks:
            handle.remove()
        for encoder, nested in self._encoders:
            encoder.use_nested_tensor = nested
        there = {id(module) for module in self.model.modules()}
        lost = [name for name, layer in self.layers.items()
                if id(layer.__dict__["dense"]) not in there and layer not in kept
                and not (isinstance(layer, SparseExpertLinear) and not self._experts)]
        for experts in self._experts:
            join(self.model, experts)
        self._hooks, self._experts, self._encoders = [], [], []
        if kept:
            names = [name for name, layer in self.layers.items() if layer in kept]
            raise ValueError("layers must have weights that are not computed from others to be "
                             f"dense again, not {', '.join(names)}: take pruning, "
                             "parametrizations and sharding off first")
        if lost:
            raise ValueError("layers must be in the model to be dense again, not taken out of it "
                             f"as {', '.join(lost)}")

    def __enter__(self) -> "Sparsified":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

"""What of a model is sparse: layers and parameters, and why the rest is dense."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from sw.methods.layers import linear_layers
from sw.methods.sparse_layer import SparseInput


__all__ = ["Coverage", "Entry", "table"]


@dataclass(frozen=True)
class Entry:
    """A module with parameters of its own.

    Attributes
    ----------
    name, kind : str
        In the model, and its class.
    parameters : int
        How many; of a module of two names, and of tied ones, only under the first.
    linear : bool
        Whether it is a linear layer; embeddings, norms and convolutions are not.
    state : str
        ``sparse``, ``dense``, or ``not called``: sparse, but nothing called it.
    why : str
        Pattern of a sparse layer, or why it is dense.
    """

    name: str
    kind: str
    parameters: int
    linear: bool
    state: str
    why: str


@dataclass(frozen=True)
class Coverage:
    """What of a model is sparse; ``str`` gives a table, ``as_dict`` plain values for JSON."""

    entries: tuple[Entry, ...] = field(repr=False)

    def layers(self, state: str | None = None) -> list[str]:
        """Names of the linear layers in a state, or of all."""
        return [entry.name for entry in self.entries
                if entry.linear and state in (None, entry.state)]

    def parameters(self, state: str | None = None) -> int:
        """Number of the parameters in a state, or of all."""
        return sum(entry.parameters for entry in self.entries if state in (None, entry.state))

    @property
    def share(self) -> float:
        """Share of all parameters that are sparse and were called, 0 to 1."""
        return self.parameters("sparse") / max(1, self.parameters())

    def groups(self) -> list[dict[str, Any]]:
        """Entries that differ only in the numbers of their names, together; sparse ones first."""
        found: dict[tuple[Any, ...], dict[str, Any]] = {}
        for entry in self.entries:
            name = re.sub(r"(?<![^.])\d+(?![^.])", "*", entry.name)
            key = (name, entry.kind, entry.state, entry.why)
            group = found.setdefault(key, {
                "name": name, "kind": entry.kind, "modules": 0, "parameters": 0,
                "linear": entry.linear, "state": entry.state, "why": entry.why})
            group["modules"] += 1
            group["parameters"] += entry.parameters
        order = ("sparse", "not called", "dense")
        return sorted(found.values(), key=lambda group: (order.index(group["state"]),
                                                         not group["linear"]))

    def as_dict(self) -> dict[str, Any]:
        """``summary``, counts of layers and parameters by state, ``share`` and ``groups``."""
        states = ("sparse", "not called", "dense")
        return {"summary": self.summary(),
                "layers": {state: len(self.layers(state)) for state in states},
                "parameters": {state: self.parameters(state) for state in states},
                "share": self.share, "groups": self.groups()}

    def summary(self) -> str:
        """One line: how much is sparse; which linear layers, and what else above 1 %, is not."""
        sparse, total = len(self.layers("sparse")), len(self.layers())
        left: dict[str, list[str]] = {}
        for group in self.groups():
            if group["linear"] and group["state"] != "sparse":
                about = group["why"] if group["state"] == "dense" else group["state"]
                left.setdefault(about, []).append(f"{group['modules']} x {group['name']}")
            elif not group["linear"] and group["parameters"] >= 0.01 * self.parameters():
                share = group["parameters"] / self.parameters()
                left.setdefault(group["why"], []).append(f"{group['name']} with {share:.1%}")
        about = "; ".join(f"{why}: {', '.join(names[:3])}"
                          + (f" and {len(names) - 3} more" if len(names) > 3 else "")
                          for why, names in left.items())
        return (f"sparse: {sparse} of {total} linear layers, {self.share:.1%} of the parameters"
                + (f" (not: {about})" if about else ""))

    def __str__(self) -> str:
        rows = [("state", "modules", "parameters", "class", "name", "why")]
        rows += [(group["state"], str(group["modules"]), f"{group['parameters']:,}",
                  group["kind"], group["name"], group["why"]) for group in self.groups()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(cell.rjust(width) if k in (1, 2) else cell.ljust(width)
                           for k, (cell, width) in enumerate(zip(row, widths, strict=True)))
                 for row in rows]
        return "\n".join([self.summary(), *(line.rstrip() for line in lines)])


def table(model: nn.Module, sparse: Mapping[str, str], dense: Mapping[str, str]) -> Coverage:
    """Return what will be sparse of a model that is dense now.

    Parameters
    ----------
    model : nn.Module
        Any model, dense or in part sparse.
    sparse, dense : mapping
        Names of linear layers, and what the coverage says of each.
    """
    found = linear_layers(model)
    counted: set[int] = set()
    entries = []
    for name, layer in found.items():
        module: Any = layer.module
        weights = module.weight.numel() if not hasattr(module, "in_features") \
            else module.in_features * module.out_features
        bias = getattr(module, "bias", None)
        size = weights + (bias.numel() if isinstance(bias, Tensor) else 0)
        entries.append(_entry(name, module, size, True, sparse, dense, counted))
    names = {id(layer.module) for layer in found.values()}
    holders = {id(layer.module.holder) for layer in found.values()
               if hasattr(layer.module, "holder")}
    for name, module in model.named_modules():
        size = sum(value.numel() for value in module._parameters.values() if value is not None)
        if isinstance(module, SparseInput):
            before = {name: f"{module.method.pattern}, made sparse before"}
            entries.append(_entry(name, module, size, True, before, {}, counted))
        elif size and id(module) not in names | holders:
            entries.append(_entry(name, module, size, False, sparse, dense, counted))
    return Coverage(tuple(entries))


def _entry(name: str, module: nn.Module, size: int, linear: bool, sparse: Mapping[str, str],
           dense: Mapping[str, str], counted: set[int]) -> Entry:
    weight = dict(module._parameters.items()).get("weight", module)
    known = id(weight) in counted
    counted.add(id(weight))
    state, why = ("sparse", sparse[name]) if name in sparse else (
        "dense", dense.get(name, "" if linear else "no linear layer"))
    return Entry(name, type(module).__name__, 0 if known else size, linear, state, why)

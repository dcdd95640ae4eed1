"""One call to run a model with sparse activations, and one to take it back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

import torch
from torch import Tensor, nn

from sw.methods import corrections as correct
from sw.methods.method import Method
from sw.methods.sparse_layer import SparseInputLinear, is_transposed


__all__ = ["Sparsified", "find_layers", "observe", "sparsify"]


_LEFT_OUT = ("lm_head", "embed_out", "pooler", "classifier", "score", "cls")
"""Heads, which the paper never prunes."""


def find_layers(model: nn.Module, layers: Sequence[str] | None = None) -> dict[str, nn.Linear]:
    """Return the linear layers inside a model by name, heads left out.

    A layer of several names is found under each. ``Conv1D``, which GPT-2 has in their place, counts
    as one.

    Parameters
    ----------
    model : nn.Module
        Any model.
    layers : sequence of str, optional
        Patterns of which a whole name must match one, such as ``"*.mlp.*"`` or ``"*down_proj"``.

    Raises
    ------
    ValueError
        If no layer matches.
    """
    patterns = (layers,) if isinstance(layers, str) else layers
    found = {name: module for name, module in model.named_modules(remove_duplicate=False)
             if name and (isinstance(module, nn.Linear) or is_transposed(module))
             and not isinstance(module, SparseInputLinear)
             and not set(name.split(".")) & set(_LEFT_OUT)}
    matching = {name: module for name, module in found.items()
                if patterns is None or any(fnmatch(name, pattern) for pattern in patterns)}
    if not matching:
        names = ", ".join(sorted({name.rpartition(".")[2] for name in found})) or "none"
        raise ValueError(f"layers must match a linear layer of the model (there are {names}), "
                         f"not {layers!r}")
    return matching


@dataclass
class Sparsified:
    """The sparse layers of a model. A context manager that takes them out at its end."""

    model: nn.Module
    layers: dict[str, SparseInputLinear]
    dense: dict[str, nn.Linear]

    def remove(self) -> None:
        """Put the dense layers back: the very same modules."""
        for name, layer in self.dense.items():
            self.model.set_submodule(name, layer)

    def __enter__(self) -> "Sparsified":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def sparsify(model: nn.Module, pattern: str = "8:16", criterion: str = "act",
             corrections: Sequence[str] = (), layers: Sequence[str] | None = None, *,
             statistics: Mapping[str, Mapping[str, Tensor]] | None = None,
             learned: Mapping[str, Mapping[str, Tensor]] | None = None,
             integer: bool = False) -> Sparsified:
    """Replace linear layers of a model by sparse ones that share their parameters.

    Parameters
    ----------
    model : nn.Module
        Any model with ``nn.Linear`` layers; changed in place until ``remove``.
    pattern : str
        ``"N:M"``, or ``"unstructured-P"`` to drop P % of every token.
    criterion : str
        ``act``, ``clact``, ``amber``, ``wina``, ``variance``; ``weight`` prunes weights.
    corrections : sequence of str
        From ``sw.methods.corrections.CORRECTIONS``; or one string, such as ``"d-pts+var"``.
    layers : sequence of str, optional
        As in ``find_layers``.
    statistics : mapping, optional
        Result of ``observe``; S-PTS and LaRoSA need it.
    learned : mapping, optional
        Learned parameters of every layer, from ``sw.methods.training.calibrate``
        or ``sw.calibrate.load_learned``.
    integer : bool
        Compute with the integers of the hardware.

    Raises
    ------
    ValueError
        If a name is unknown, no layer matches, statistics are missing, or learned parameters are
        of other layers or another method; the model is then as it was.
    """
    names = corrections.split("+") if isinstance(corrections, str) else corrections
    method = Method(pattern, criterion, tuple(names), integer)
    dense = find_layers(model, layers)
    if learned is not None and set(learned) != set(dense):
        odd = min(set(learned) ^ set(dense))
        raise ValueError("learned must be of the layers that are made sparse, not of others "
                         f"(such as {odd})")
    sparse = {name: SparseInputLinear(layer, method, (statistics or {}).get(name),
                                      None if learned is None else learned[name])
              for name, layer in dense.items()}
    for name, layer in sparse.items():
        model.set_submodule(name, layer)
    return Sparsified(model, sparse, dense)


@torch.no_grad()
def observe(model: nn.Module, batches: Iterable[Mapping[str, Any]],
            layers: Sequence[str] | None = None, *, covariance: bool = False,
            ) -> dict[str, dict[str, Tensor]]:
    """Run the dense model on batches of keyword arguments and gather statistics of its layers.

    Returns, for every layer: ``shift``, the mean over calls of the mean lower median of a token;
    ``norm`` and ``largest`` [K], norm and largest magnitude of every input feature; and with
    ``covariance``, that of the inputs [K, K].
    """
    sums: dict[str, dict[str, Tensor]] = {}

    def gather(name: str, x: Tensor) -> None:
        x = x.reshape(-1, x.shape[-1]).float()
        new = {"calls": torch.ones(()), "tokens": torch.tensor(float(len(x))),
               "medians": correct.token_shift(x).mean(), "squares": x.square().sum(0),
               "largest": x.abs().amax(0)}
        if covariance:
            new |= {"sum": x.double().sum(0), "products": x.double().t() @ x.double()}
        old = sums.setdefault(name, {})
        for key, value in new.items():
            merge = torch.maximum if key == "largest" else torch.add
            old[key] = merge(old[key], value) if key in old else value

    handles = [layer.register_forward_pre_hook(
        lambda _, inputs, name=name: gather(name, inputs[0]))
        for name, layer in find_layers(model, layers).items()]
    try:
        for batch in batches:
            model(**batch)
    finally:
        for handle in handles:
            handle.remove()
    statistics = {}
    for name, total in sums.items():
        found = {"shift": total["medians"] / total["calls"], "norm": total["squares"].sqrt(),
                 "largest": total["largest"]}
        if covariance:
            mean = total["sum"] / total["tokens"].double()
            found["covariance"] = total["products"] / total["tokens"] - torch.outer(mean, mean)
        statistics[name] = found
    return statistics

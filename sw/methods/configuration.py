"""The whole configuration of a sparse model in one file, beside the model's own checkpoint."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from sw.files import load, save
from sw.methods.layers import linear_layers
from sw.methods.method import Method
from sw.methods.sparsified import Sparsified
from sw.methods.sparsify import make


__all__ = ["load_config", "save_config"]


_KIND = "sparse configuration"
_METHOD = {"pattern": str, "criterion": str, "corrections": [str], "integer": bool,
           "format": str, "selection": str}
"""Every field of ``Method``."""

_FORM = {"dense": {str: str}, "layers": {str: {
    "method": _METHOD, "inputs": int, "outputs": int, "statistics": {str: Tensor},
    "learned": {str: Tensor}}}}


def save_config(sparse: Sparsified, path: Path | str) -> None:
    """Write how a model is sparse: methods and patterns, layers, statistics, learned values.

    The weights of the model are not part of it.

    Parameters
    ----------
    sparse : Sparsified
        What ``sparsify`` gave. Learned values are those that its layers have now.
    path : Path
        A file, written whole or not at all.
    """
    layers = {name: {
        "method": {**asdict(layer.method), "corrections": list(layer.method.corrections)},
        "inputs": layer.in_features, "outputs": _outputs(sparse.dense[name]),
        "statistics": {key: value.detach().cpu() for key, value in layer.statistics.items()},
        "learned": {key: value.detach().cpu().clone() for key, value in layer.learned.items()}}
        for name, layer in sparse.layers.items()}
    dense = {entry.name: entry.why for entry in sparse.coverage.entries
             if entry.linear and entry.state == "dense"}
    save(Path(path), _KIND, {"layers": layers, "dense": dense})


def load_config(model: nn.Module, path: Path | str) -> Sparsified:
    """Make a model sparse as a file of ``save_config`` says.

    Raises
    ------
    ValueError
        If the file is damaged or holds something else, or does not fit the model: a layer is
        missing, sparse already or of another size; the model is then as it was.
    OSError
        If there is no such file.
    """
    state = load(Path(path), _KIND, _FORM)
    found, chosen, methods = linear_layers(model), {}, {}
    for name, held in state["layers"].items():
        if name not in found:
            raise ValueError(f"{path} must fit the model, which has no dense layer {name}")
        module: Any = found[name].module
        inputs = module.nx if hasattr(module, "nx") else module.in_features
        sizes = inputs, _outputs(module)
        if sizes != (held["inputs"], held["outputs"]):
            raise ValueError(f"{path} must fit the model, whose layer {name} has {sizes[0]} inputs "
                             f"and {sizes[1]} outputs, not {held['inputs']} and "
                             f"{held['outputs']}")
        chosen[name] = module
        method = {field: held["method"][field] for field in _METHOD}
        methods[name] = Method(**{**method, "corrections": tuple(method["corrections"])})
    return make(model, chosen, methods, {**{name: "not in the configuration" for name in found},
                                         **state["dense"]},
                {name: held["statistics"] for name, held in state["layers"].items()},
                {name: held["learned"] for name, held in state["layers"].items()})


def _outputs(layer: Any) -> int:
    return layer.nf if hasattr(layer, "nf") else layer.out_features

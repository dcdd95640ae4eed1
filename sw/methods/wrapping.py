"""A sparse layer for every kind of linear layer, or a refusal that names it.

A layer that computes ``x @ weight.T + bias`` with plain floating-point weights is replaced. Any
other one (quantised, reparametrised, offloaded, a subclass with a forward of its own) stays where
it is, and a hook selects from its inputs: exact for methods that change the inputs alone, refused
for all others.
"""

import itertools
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sw.exact.modules import check_tokens
from sw.methods.experts import ExpertLinear, SparseExpertLinear
from sw.methods.hooks import hand_over, offloads, share_hooks
from sw.methods.method import Method
from sw.methods.sparse_layer import SparseInput, SparseInputLinear, is_transposed


__all__ = ["SelectedInput", "is_hooked", "make_sparse", "put_back", "recomputed", "refuse_sparse",
           "why_not_plain"]


_INPUT_ONLY = {"d-pts", "d-pts-mean", "s-pts", "l-pts", "var"}
"""Corrections that change the input of the product and nothing else."""

_PLAIN = {("torch.nn.modules.linear", "NonDynamicallyQuantizableLinear"),
          ("transformers.pytorch_utils", "Conv1D"),
          ("transformers.models.falcon.modeling_falcon", "FalconLinear")}
"""Classes with a forward of their own that is known to compute the same."""

_FLOATING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def why_not_plain(layer: nn.Module) -> str:
    """Return what keeps a layer from being replaced; empty if nothing does."""
    kind = type(layer)
    # A hook of accelerate that only moves inputs is added to the sparse layer as well.
    forward = getattr(layer, "_old_forward", None) if "_hf_hook" in layer.__dict__ \
        else layer.__dict__.get("forward")
    inherited = kind.forward is nn.Linear.forward
    if offloads(layer):
        return "its weights are offloaded"
    if not inherited and (kind.__module__, kind.__name__) not in _PLAIN:
        return "it has a forward of its own"
    if forward is not None and getattr(forward, "__func__", None) is not kind.forward:
        return "its forward was replaced"
    if isinstance(layer, ExpertLinear):
        return ""
    weight = layer._parameters.get("weight")
    if type(weight) is not nn.Parameter:
        return "its weights are computed from others or of a type of their own"
    sizes = (layer.nx, layer.nf) if is_transposed(layer) else (layer.out_features,
                                                               layer.in_features)
    if weight.dtype not in _FLOATING or weight.shape != sizes:
        return "its weights are not floating-point numbers [out_features, in_features]"
    if set(layer._parameters) - {"weight", "bias"} or layer._buffers or layer._modules:
        return "it holds more than weights and a bias"
    return ""


class SelectedInput(SparseInput):
    """Selects from the inputs of a layer that then computes with its own forward.

    Parameters
    ----------
    linear : nn.Module
        With ``in_features``.
    method, statistics, learned, name
        As for ``SparseInput``; the method must change the input alone.
    """

    dense: nn.Module

    def __init__(self, linear: nn.Module, method: Method,
                 statistics: Mapping[str, Tensor] | None = None,
                 learned: Mapping[str, Tensor] | None = None, name: str = "the layer"):
        self.__dict__["dense"] = linear
        super().__init__(_no_outputs(linear), method, statistics, learned, name)

    def select(self, x: Tensor) -> Tensor:
        """Return what the layer gets in place of ``x`` [..., in_features], in its type."""
        check_tokens(x, self.in_features, self.name)
        self.called = True
        return self.selected(x)

    def hook(self, _: nn.Module, args: tuple[Any, ...], keywords: dict[str, Any],
             ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Select from the first argument of a call, as a hook before the layer's forward."""
        if args:
            return (self.select(args[0]), *args[1:]), keywords
        name = next(iter(keywords))
        return args, {**keywords, name: self.select(keywords[name])}

    def forward(self, x: Tensor) -> Any:
        """Return what the layer gives for the selected inputs."""
        return self.dense.forward(self.select(x))

    def extra_repr(self) -> str:
        """Class of the layer and method, for print."""
        return f"{type(self.dense).__name__}, {super().extra_repr()}"


def _no_outputs(layer: Any) -> nn.Linear:
    """A layer of the same inputs, to hold what selection needs: it has no weights."""
    features = layer.nx if is_transposed(layer) else layer.in_features
    hook = layer.__dict__.get("_hf_hook")
    device = getattr(hook, "execution_device", None)
    if device is None:
        held = itertools.chain(layer.parameters(), layer.buffers())
        device = next((value.device for value in held), "cpu")
    linear = nn.Linear(features, 1, bias=False, device="meta")
    linear.weight = nn.Parameter(torch.empty(0, features, device=device), requires_grad=False)
    return linear.train(layer.training)


def _needs_weights(method: Method) -> str:
    """What of a method needs more of a layer than its inputs; empty if nothing does."""
    if method.criterion not in ("act", "clact"):
        return method.criterion
    more = [name for name in method.corrections if name not in _INPUT_ONLY]
    paths = (["integer=True"] * method.integer
             + [f"format={method.format!r}"] * (method.format != "none"))
    return next(iter(more + paths), "")


def _class(layer: nn.Module) -> type[SparseInput]:
    """What takes the place of a plain layer."""
    if isinstance(layer, ExpertLinear):
        return SparseExpertLinear
    if is_transposed(layer):
        from sw.methods.transposed_layer import SparseInputConv1D
        return SparseInputConv1D
    return SparseInputLinear


def make_sparse(name: str, layer: nn.Linear, method: Method,
                statistics: Mapping[str, Tensor] | None = None,
                learned: Mapping[str, Tensor] | None = None) -> SparseInput:
    """Return the sparse layer that takes the place of a layer, or selects before it.

    Raises
    ------
    ValueError
        If the method needs the weights of a layer that is not plain, or these are not loaded.
    """
    why, kind = why_not_plain(layer), type(layer).__name__
    if any(isinstance(value, nn.parameter.UninitializedParameter) for value in layer.parameters()):
        raise ValueError(f"layers must have their weights, not {name} ({kind}: call it once first)")
    weight = getattr(layer, "weight", None)
    if not offloads(layer) and isinstance(weight, Tensor) and weight.device.type == "meta":
        raise ValueError(f"layers must have their weights in memory, not {name} ({kind}, on the "
                         "meta device): load them, or leave it out with ignore")
    if not why:
        sparse = _class(layer)(layer, method, statistics, learned, name)
        sparse.__dict__["dense"] = layer
        share_hooks(layer, sparse)
        return sparse
    needed = _needs_weights(method)
    if needed:
        raise ValueError(f"layers must be plain for {needed}, which needs their weights, not "
                         f"{name} ({kind}: {why}): leave it out with ignore")
    return SelectedInput(layer, method, statistics, learned, name)


def recomputed(sparse: SparseInput) -> bool:
    """Whether something made the weights of a sparse layer follow from others, since it is one.

    As pruning, parametrizations and FSDP do, whose shards are put together in that very layer.
    """
    dense = sparse.__dict__["dense"]
    return not isinstance(sparse, SelectedInput) and (
        "parametrizations" in sparse._modules or set(sparse._parameters) != set(dense._parameters)
        or any(hasattr(value, "placements") and not hasattr(dense._parameters[name], "placements")
               for name, value in sparse._parameters.items()))


def put_back(sparse: SparseInput) -> nn.Linear:
    """Return the dense layer of a sparse one, with the parameters that this one has now."""
    dense = sparse.__dict__["dense"]
    if not isinstance(sparse, SelectedInput):
        with hand_over(sparse, dense):
            for name, value in sparse._parameters.items():
                if dense._parameters.get(name) is not value:  # loaded with assign=True, or moved
                    dense._parameters[name] = value
        dense.training = sparse.training
        dense._is_full_backward_hook = sparse._is_full_backward_hook
    return dense


def is_hooked(module: nn.Module) -> bool:
    """Whether a hook already selects from the inputs of a layer."""
    return any(isinstance(getattr(hook, "__self__", None), SparseInput)
               for hook in module._forward_pre_hooks.values())


def refuse_sparse(name: str) -> ValueError:
    """What is raised of a layer that is sparse where a dense one is needed."""
    return ValueError(f"layers must be dense ones, not {name}, which is sparse already: call "
                      "remove() of what made it sparse first")

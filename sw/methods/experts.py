"""Experts that share one 3-D parameter, taken apart into linear layers, one for each expert.

Mixtures of experts of transformers hold the weights of all experts as one parameter
``[experts, ...]`` and compute with it themselves, so there is no layer to replace.
``SeparateExperts`` takes the place of such a module: it keeps its parameters under their names and
computes the same, but with a linear layer for every expert, ``<name>.<expert>.down_proj``, whose
weights are a view of the shared parameter.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sw.methods.hooks import hand_over, share_hooks
from sw.methods.sparse_layer import SparseInputLinear
from sw.methods.tokens import real_tokens, some_real


__all__ = ["ExpertLinear", "ExpertView", "SeparateExperts", "SparseExpertLinear", "expert_layers",
           "expert_modules", "join", "separate", "separated"]


class ExpertView:
    """The weights and bias of one expert, read from the module that holds those of all.

    A view each time, so gradients, checkpoints and changes of type or device are those of the
    shared parameter.
    """

    holder: nn.Module
    key: str
    number: int
    turned: bool

    def _read(self, name: str) -> Tensor:
        return getattr(self.holder, name)[self.number]

    @property
    def weight(self) -> Tensor:
        """[out_features, in_features]."""
        weight = self._read(self.key)
        return weight.t() if self.turned else weight

    @property
    def bias(self) -> Tensor | None:
        """[out_features], if there is one."""
        name = f"{self.key}_bias"
        return self._read(name) if getattr(self.holder, name, None) is not None else None


class ExpertLinear(ExpertView, nn.Linear):  # type: ignore[misc, override]
    """The dense layer of one expert.

    Parameters
    ----------
    holder : nn.Module
        Has the parameter ``key`` [experts, out, in], or [experts, in, out] where ``turned``, and
        may have ``<key>_bias`` [experts, out].
    key : str
    number : int
        Of the expert.
    turned : bool
    """

    def __init__(self, holder: nn.Module, key: str, number: int, turned: bool):
        nn.Module.__init__(self)
        # Past nn.Module, which would make the holder a child of its own child.
        self.__dict__["holder"] = holder
        self.key, self.number, self.turned = key, number, turned
        self.out_features, self.in_features = self.weight.shape
        self.train(holder.training)


class SparseExpertLinear(ExpertView, SparseInputLinear):  # type: ignore[misc, override]
    """The sparse layer of one expert."""

    def _share(self, linear: nn.Linear) -> None:
        assert isinstance(linear, ExpertLinear)
        self.__dict__["holder"] = linear.holder
        self.key, self.number, self.turned = linear.key, linear.number, linear.turned


_OWN = {("transformers.models.llama4.modeling_llama4", "Llama4TextExperts"): True,
        ("transformers.models.step3p7.modeling_step3p7", "Step3p7Experts"): False,
        ("transformers.models.jetmoe.modeling_jetmoe", "JetMoeParallelExperts"): False}
"""Classes with a contract of their own, and whether their weights are [experts, in, out]."""

_CONTRACT = ("has_gate", "has_bias", "is_transposed", "has_post_expert_norm", "_apply_gate")
"""What ``use_experts_implementation`` of transformers gives the classes that follow it."""

_FLOATING = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def _kind(module: nn.Module) -> tuple[str, str]:
    return type(module).__module__, type(module).__name__


def _turned(module: nn.Module) -> bool | None:
    """Whether weights are [experts, in, out]; None if these are not experts that are known."""
    if _kind(module) in _OWN:
        return _OWN[_kind(module)]
    known = all(hasattr(module, name) for name in _CONTRACT)
    if not known or getattr(module, "_is_expert_parallel", False):
        return None
    return bool(module.is_transposed)


def _weights(module: nn.Module) -> list[str]:
    """Names of the shared weights, if all are such as can be taken apart."""
    known = ("gate_up_proj", "up_proj", "down_proj", "weight")
    held: list[str] = [name for name in known if name in module._parameters]
    good = all(type(value := module._parameters[name]) is nn.Parameter and value.ndim == 3
               and value.dtype in _FLOATING for name in held)
    return held if good else []


def expert_layers(module: nn.Module) -> dict[str, ExpertLinear]:
    """Return the layers of all experts of a module, such as ``3.down_proj``; none if it has none.

    They share the parameters of the module, and take no part in what it computes.
    """
    turned = None if isinstance(module, SeparateExperts) else _turned(module)
    if turned is None:
        return {}
    return {f"{number}.{key}" if key != "weight" else str(number):
            ExpertLinear(module, key, number, turned)
            for key in _weights(module)
            for number in range(len(getattr(module, key)))}


def expert_modules(model: nn.Module) -> dict[str, nn.Module]:
    """Return the modules of a model that hold the experts of ``expert_layers``, by name."""
    return {name: module for name, module in model.named_modules() if expert_layers(module)}


class SeparateExperts(nn.Module):
    """Takes the place of a module with shared weights, and has a layer for every expert.

    Parameters, buffers and other modules are those of the module, under the same names. Results
    are summed over the experts of a token in the wider type of tokens and routing weights.

    Parameters
    ----------
    shared : nn.Module
        One with ``expert_layers``.
    """

    def __init__(self, shared: nn.Module):
        super().__init__()
        self.__dict__["shared"] = shared  # not a child: its parameters are here
        for name, value in shared._parameters.items():
            self.register_parameter(name, value)
        self._buffers, self._modules = dict(shared._buffers), dict(shared._modules)
        self._non_persistent_buffers_set = set(shared._non_persistent_buffers_set)
        for name, layer in expert_layers(shared).items():
            layer.__dict__["holder"] = self
            number, _, key = name.partition(".")
            if key:
                if number not in self._modules:
                    self.add_module(number, nn.Module())
                self.get_submodule(number).add_module(key, layer)
            else:
                self.add_module(number, layer)
        self.count = len(getattr(shared, _weights(shared)[0]))
        self.names = list(inspect.signature(type(shared).forward).parameters)[1:]
        self.users = 0
        self.train(shared.training)
        share_hooks(shared, self)

    shared: nn.Module
    users: int
    """How many need the experts apart: sparse models and ``separated``."""

    def forward(self, *args: Any, **keywords: Any) -> Tensor:
        """Compute what the module computes, from the same arguments."""
        given = dict(zip(self.names, args, strict=False)) | keywords
        values = [given[name] for name in self.names]
        compute: Any = {"Llama4TextExperts": self._sorted, "JetMoeParallelExperts": self._split}
        return compute.get(type(self.shared).__name__, self._routed)(*values)

    def _expert(self, number: int, x: Tensor) -> Tensor:
        layers: Any = self.get_submodule(str(number))
        shared: Any = self.shared
        if hasattr(layers, "gate_up_proj"):
            hidden = layers.gate_up_proj(x)
            if hasattr(shared, "_apply_gate"):
                hidden = shared._apply_gate(hidden)
            else:
                gate, up = hidden.chunk(2, dim=-1)
                hidden = up * shared.act_fn(gate)
        else:
            hidden = shared.act_fn(layers.up_proj(x))
        y = layers.down_proj(hidden)
        return shared.post_expert_norm(y) if getattr(shared, "has_post_expert_norm", False) else y

    def _routed(self, x: Tensor, experts: Tensor, weights: Tensor) -> Tensor:
        """Tokens [T, in], and for each the numbers [T, top] and weights [T, top] of experts."""
        result = x.new_zeros(x.shape, dtype=torch.promote_types(x.dtype, weights.dtype))
        real = real_tokens(x, "the experts")
        for number in experts.unique().tolist():
            if number < self.count:  # beyond: no expert, a masked slot
                token, slot = (experts == number).nonzero(as_tuple=True)
                with some_real(None if real is None else real[token]):
                    y = self._expert(number, x[token]) * weights[token, slot, None]
                result.index_add_(0, token, y.to(result.dtype))
        return result.to(x.dtype)

    def _sorted(self, x: Tensor) -> Tensor:
        """Llama 4: all tokens for expert 0, then all for expert 1, zero where not routed there."""
        parts = x.view(self.count, -1, x.shape[-1])
        result = torch.zeros_like(parts)
        real = real_tokens(parts[0], "the experts")
        for number, part in enumerate(parts):
            routed = part.any(-1).nonzero().flatten()
            if len(routed):
                with some_real(None if real is None else real[routed]):
                    result[number, routed] = self._expert(number, part[routed])
        return result.view(x.shape)

    def _split(self, x: Tensor, sizes: list[int]) -> Tensor:
        """JetMoE: so many tokens for each expert, one after the other."""
        return torch.cat([self.get_submodule(str(number))(part)
                          for number, part in enumerate(x.split(sizes, dim=0))])


def separate(model: nn.Module, name: str) -> SeparateExperts:
    """Take the experts of one module of a model apart, if they are not, until ``join``."""
    module = model.get_submodule(name)
    if not isinstance(module, SeparateExperts):
        module = SeparateExperts(module)
        model.set_submodule(name, module)
    module.users += 1
    return module


def join(model: nn.Module, experts: SeparateExperts) -> None:
    """Put the module with shared weights back, once nobody needs its experts apart."""
    experts.users -= 1
    if experts.users:
        return
    for parent in list(model.modules()):
        for name, child in list(parent._modules.items()):
            if child is experts:
                setattr(parent, name, experts.shared)
    with hand_over(experts, experts.shared):
        experts.shared._parameters.update(experts._parameters)
    experts.shared.training = experts.training


@contextmanager
def separated(model: nn.Module) -> Iterator[None]:
    """Take all experts of a model apart, so that the inputs of each layer can be seen."""
    held = [separate(model, name) for name in expert_modules(model)]
    try:
        yield
    finally:
        for experts in held:
            join(model, experts)

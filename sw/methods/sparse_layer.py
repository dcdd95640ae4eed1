"""A linear layer whose input is sparsified and corrected, in float and as hardware computes it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear as apply_linear

from hw.config import Pattern
from sw.exact.graph import refuse_trace
from sw.exact.modules import check_tokens, float32_stays
from sw.exact.selection import energy_kept, nm_mask, unstructured_mask
from sw.methods import corrections as correct
from sw.methods.autocast import autocast_type, chosen_types
from sw.methods.criteria import clact_coefficients, quantize_coefficients, weight_coefficients
from sw.methods.derived import Derived, lasting
from sw.methods.format_product import product_of
from sw.methods.learned import Learned
from sw.methods.method import Method, parse_pattern
from sw.methods.products import Keep, corrected, float_product
from sw.methods.statistics import used_statistics
from sw.methods.tokens import real_tokens


__all__ = ["SparseInput", "SparseInputLinear", "is_transposed"]


def is_transposed(layer: nn.Module) -> bool:
    """Whether it is a ``Conv1D`` of transformers: linear, but with its weights as [K, O]."""
    kind = type(layer)
    return (kind.__module__, kind.__name__) == ("transformers.pytorch_utils", "Conv1D")


def _keep(x: Tensor, pattern: Pattern | int, coefficients: Tensor | None) -> Tensor:
    x = x.float() if x.dtype == torch.float64 else x  # scores are float32
    if isinstance(pattern, Pattern):
        return nm_mask(x, pattern.n, pattern.m, coefficients)
    return unstructured_mask(x, x.shape[-1] * (100 - pattern) // 100, coefficients)


class SparseInput(nn.Module):
    """Takes the place of a linear layer and shares its parameters; names stay the same.

    All that a method adds is kept out of the ``state_dict``, so a checkpoint of the
    dense model fits the sparse one and the other way round. What follows from the weights follows
    them when they change.

    Parameters
    ----------
    linear : nn.Linear
        Or a ``Conv1D`` of transformers, whose weights stay as it holds them.
    method : Method
    statistics : dict of str to Tensor, optional
        What calibration found: ``shift`` (S-PTS), ``norm`` [K] (CLACT), ``largest`` [K]
        (scaling), ``covariance`` [K, K] (LaRoSA). CLACT and scaling take the statistic of the
        call itself where it is not given, of its real tokens (``sw.methods.tokens``).
    learned : dict of str to Tensor, optional
        What calibration learned, as for ``sw.methods.learned.Learned``.
    name : str
        Of the layer, for messages.

    Raises
    ------
    ValueError
        If a statistic is missing that the method cannot do without, or of another size, learned
        values are of another method or layer, or the layer has no features, or too few for the
        criterion.
    """

    weight: Tensor
    bias: Tensor | None
    in_features: int
    out_features: int
    largest: Tensor | None
    norm: Tensor | None
    rotation: Tensor | None
    static_shift: Tensor | None
    called: bool
    """Whether it has computed since it was made."""
    padded = False
    """Whether one of its calls has had padding."""

    def __init__(self, linear: nn.Linear, method: Method,
                 statistics: Mapping[str, Tensor] | None = None,
                 learned: Mapping[str, Tensor] | None = None, name: str = "the layer"):
        self.transposed = is_transposed(linear)
        outputs, features = linear.weight.shape[::-1] if self.transposed else linear.weight.shape
        if not features:
            raise ValueError(f"{name} must have at least one input feature, not 0")
        nn.Module.__init__(self)  # no parameters of its own: those of the dense layer
        self.in_features, self.out_features = features, outputs
        self._share(linear)
        self.train(linear.training)
        self.called = False
        self.method, self.name = method, name
        self.pattern = parse_pattern(method.pattern)
        self.statistics = dict(statistics or {})
        self._add_statistics(used_statistics(method, self.statistics, features, name))
        self.learned = Learned(self.matrix, method.corrections, learned)
        self._derived, self._product = Derived(), product_of(method)
        _ = self.coefficients  # what cannot be computed is refused now, not in the first call

    def _share(self, linear: nn.Linear) -> None:
        """Take the parameters of the dense layer, the very same objects."""
        for name in ("weight", "bias"):
            self.register_parameter(name, getattr(linear, name))

    @lasting()
    def _add_statistics(self, used: dict[str, Tensor]) -> None:
        if "covariance" in used:
            blocks = (self.pattern.blocks(self.in_features)
                      if isinstance(self.pattern, Pattern) else 1)
            used = used | {"covariance": correct.rotation(used["covariance"], blocks)}
        for name, key in (("static_shift", "shift"), ("largest", "largest"),
                          ("rotation", "covariance"), ("norm", "norm")):
            value = (used[key].to(self.weight.device, torch.float32, copy=True)
                     if key in used else None)
            self.register_buffer(name, value, persistent=False)

    @property
    def matrix(self) -> Tensor:
        """The weights as [out_features, in_features]."""
        return self.weight.t() if self.transposed else self.weight

    @property
    def kept_weights(self) -> Tensor | None:
        """Which weights are kept, where those are pruned: bool, as ``matrix``."""
        if self.method.criterion != "weight":
            return None

        def select() -> Tensor:
            weight = self.matrix.detach()
            rows = weight if isinstance(self.pattern, Pattern) else weight.reshape(1, -1)
            return _keep(rows, self.pattern, None).view(weight.shape)

        return self._derived(self.weight, select)

    @property
    def coefficients(self) -> Tensor | None:
        """Factors of the score [K] that are the same for all calls, float32, if any."""
        if self.method.criterion == "clact":
            return self.norm
        if self.method.criterion in ("act", "weight"):
            return None

        def compute() -> Tensor:
            found = weight_coefficients(self.method.criterion, self._weight(None).detach())
            assert found is not None
            return found

        return self._derived(self.weight, compute)

    def _weight(self, scale: Tensor | None) -> Tensor:
        """Weights in the space that selection works in; float32 where that is another one."""
        mask = self.kept_weights
        if mask is not None:
            return torch.where(mask, self.matrix, 0)
        weight = self.matrix if scale is None else self.matrix.float() * scale
        return weight if self.rotation is None else weight.float() @ self.rotation

    def _prepare(self, x: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None, Keep]:
        """What a product takes.

        Tokens [T, K] in the space that selection works in, the scale they are over, what is
        subtracted from them, and what says which values are kept.
        """
        real = real_tokens(x, self.name, padded=self.padded) if self.dynamic else None
        self.padded = self.padded or real is not None
        tokens = given = x.reshape(-1, self.in_features)
        scale = None
        if "smooth" in self.method.corrections:
            largest = self.largest
            if largest is None:
                largest = correct.largest_magnitudes(tokens, real)
            scale = correct.smoothing(largest, self.matrix)
            tokens = tokens.float() / scale
        if self.rotation is not None:
            tokens = given = tokens.float() @ self.rotation
        norm = self.norm
        if self.method.criterion == "clact" and norm is None:
            norm = clact_coefficients(given.detach(), real)  # of inputs, as observe has them
        return tokens, scale, self._shift(tokens), partial(self._select, norm=norm)

    def _low_rank(self, dropped: Tensor, scale: Tensor | None) -> Tensor:
        """What R-Sparse adds for the dropped part of the tokens, taken back to their own space."""
        dropped = dropped.float()
        if self.rotation is not None:
            dropped = dropped @ self.rotation.t()
        if scale is not None:
            dropped = dropped * scale
        return dropped @ self.learned["b"].t() @ self.learned["a"].t()

    def _shift(self, x: Tensor) -> Tensor | None:
        """What is subtracted before selection: [T, 1], a scalar, or [K]."""
        names = self.method.corrections
        if "d-pts" in names or "d-pts-mean" in names:
            return correct.token_shift(x, mean="d-pts-mean" in names)
        if "l-pts" in names:
            return self.learned["l-pts"]
        return self.static_shift

    @property
    def dynamic(self) -> bool:
        """Whether a statistic is taken from each call, over its tokens."""
        return ((self.method.criterion == "clact" and self.norm is None)
                or ("smooth" in self.method.corrections and self.largest is None))

    def _select(self, z: Tensor, norm: Tensor | None) -> Tensor:
        """Mask of what is kept of shifted tokens [T, K], floating-point or int8."""
        if self.method.criterion == "weight":
            return torch.ones_like(z, dtype=torch.bool)
        coefficients = self.coefficients if norm is None else norm
        if coefficients is not None and not z.is_floating_point():
            coefficients = quantize_coefficients(coefficients)
        return _keep(z, self.pattern, coefficients)

    def selected(self, x: Tensor) -> Tensor:
        """Return what a dense layer must get in place of ``x`` [..., in_features], in its type.

        Where the method changes the inputs alone.
        """
        tokens, _, shift, select = self._prepare(x)
        y, _ = corrected(tokens, shift, select, "var" in self.method.corrections)
        return y.to(x.dtype).reshape(x.shape)

    def energy_kept(self, x: Tensor) -> float:
        """Return the share of the energy that selection keeps (float path), 0 to 1.

        Of the tokens less their shift, in the space that selection works in; of the weights
        where those are pruned.
        """
        mask = self.kept_weights
        if mask is not None:
            return energy_kept(self.matrix, mask)
        tokens, _, shift, select = self._prepare(x)
        z = tokens if shift is None else tokens.float() - shift
        return energy_kept(z, select(z.detach()))

    def forward(self, input: Tensor) -> Tensor:
        """Return [..., out_features] from [..., in_features], in the type of the dense layer's."""
        refuse_trace(input)
        self.called = True
        if self.method.criterion == "weight" and not self.method.integer:
            return apply_linear(input, self._weight(None), self.bias)
        check_tokens(input, self.in_features, self.name)
        kind = autocast_type(input)
        with chosen_types(input):
            y = self._compute(input, kind)
        return y.to(kind or input.dtype).reshape(*input.shape[:-1], self.out_features)

    def _compute(self, x: Tensor, kind: torch.dtype | None) -> Tensor:
        names = self.method.corrections
        tokens, scale, shift, select = self._prepare(x)
        weight = self._weight(scale)
        if (kind is not None and scale is None and self.rotation is None
                and self._product is float_product):  # others quantise what the model holds
            weight = weight.to(kind)
        # A learned scale is of the product alone.
        early, late = (None, self.bias) if "ls" in names else (self.bias, None)
        y, dropped = self._product(tokens, shift, select, weight, early, "var" in names)
        if "r-sparse" in names:
            self.learned.follow(self.matrix)
            y = y.float() + self._low_rank(dropped, scale)
        if "ls" in names:
            y = y.float() * (1 + self.learned["ls"])
        if "shift" in names:
            y = y.float() + self.learned["shift"]
        return y if late is None else y.float() + late.float()

    def __prepare_scriptable__(self) -> None:
        """What ``torch.jit.script`` asks for a module in place of this one."""
        refuse_trace(by="torch.jit.script")

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "SparseInput":
        statistics, self._buffers = self._buffers, {}
        super()._apply(fn, recurse)
        self._buffers = {name: None if value is None else float32_stays(fn)(value)
                         for name, value in statistics.items()}
        self.learned.follow(self.matrix)
        return self

    def _load_from_state_dict(self, *arguments: Any) -> None:
        super()._load_from_state_dict(*arguments)
        self.learned.follow(self.matrix)

    def extra_repr(self) -> str:
        """Shape and method, for print."""
        extra = " ".join(("", *self.method.corrections))
        return f"{super().extra_repr()}, {self.method.pattern} {self.method.criterion}{extra}"


class SparseInputLinear(SparseInput, nn.Linear):  # type: ignore[misc]
    """Takes the place of an ``nn.Linear``, and is one to whoever asks."""

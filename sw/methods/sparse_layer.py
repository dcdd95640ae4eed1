"""A linear layer whose input is sparsified and corrected, in float and as hardware computes it."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear as apply_linear

from hw.config import Pattern
from sw.exact.linear import integer_matmul
from sw.exact.quantize import quantize, saturate
from sw.exact.selection import energy_kept, nm_mask, unstructured_mask
from sw.methods import corrections as correct
from sw.methods.criteria import clact_coefficients, quantize_coefficients, weight_coefficients
from sw.methods.method import Method, parse_pattern


__all__ = ["SparseInput", "SparseInputLinear", "is_transposed"]


def is_transposed(layer: nn.Module) -> bool:
    """Whether it is a ``Conv1D`` of transformers: linear, but with its weights as [K, O]."""
    kind = type(layer)
    return (kind.__module__, kind.__name__) == ("transformers.pytorch_utils", "Conv1D")


def _keep(x: Tensor, pattern: Pattern | int, coefficients: Tensor | None) -> Tensor:
    if isinstance(pattern, Pattern):
        return nm_mask(x, pattern.n, pattern.m, coefficients)
    return unstructured_mask(x, x.shape[-1] * (100 - pattern) // 100, coefficients)


class SparseInput(nn.Module):
    """Takes the place of a linear layer and shares its parameters; names stay the same.

    All that a method adds is kept out of the ``state_dict``, so a checkpoint of the dense model
    fits the sparse one and the other way round.

    Parameters
    ----------
    linear : nn.Linear
        Or a ``Conv1D`` of transformers, whose weights stay as it holds them.
    method : Method
    statistics : dict of str to Tensor, optional
        What calibration found: ``shift`` (S-PTS), ``norm`` [K] (CLACT), ``largest`` [K]
        (scaling), ``covariance`` [K, K] (LaRoSA). CLACT and scaling take the statistic of the
        call itself where it is not given.
    learned : dict of str to Tensor, optional
        What calibration learned: ``l-pts`` [K], ``shift`` [O], ``ls`` [O], ``a`` [O, rank] and
        ``b`` [rank, K]. Without it vectors are zero, and the low-rank path is the best copy of
        the weights.

    Raises
    ------
    ValueError
        If a statistic is missing that the method cannot do without, or learned values are of
        another method or layer.
    """

    weight: Tensor
    bias: Tensor | None
    in_features: int
    out_features: int
    coefficients: Tensor | None
    largest: Tensor | None
    rotation: Tensor | None
    static_shift: Tensor | None
    weight_mask: Tensor | None
    called: bool
    """Whether it has computed since it was made."""

    def __init__(self, linear: nn.Linear, method: Method,
                 statistics: Mapping[str, Tensor] | None = None,
                 learned: Mapping[str, Tensor] | None = None):
        self.transposed = is_transposed(linear)
        outputs, features = linear.weight.shape[::-1] if self.transposed else linear.weight.shape
        nn.Module.__init__(self)  # no parameters of its own: those of the dense layer
        self.in_features, self.out_features = features, outputs
        self._share(linear)
        self.train(linear.training)
        self.called = False
        self.method = method
        self.pattern = parse_pattern(method.pattern)
        self.statistics = dict(statistics or {})
        for correction, needed in (("s-pts", "shift"), ("larosa", "covariance")):
            if correction in method.corrections and needed not in self.statistics:
                raise ValueError(f"{correction} must be calibrated: give observe(model, batches), "
                                 "not none")
        self._add_statistics()
        self._add_parameters(learned)

    def _share(self, linear: nn.Linear) -> None:
        """Take the parameters of the dense layer, the very same objects."""
        for name in ("weight", "bias"):
            self.register_parameter(name, getattr(linear, name))

    def _constant(self, name: str, value: Tensor | None) -> None:
        self.register_buffer(name, value, persistent=False)

    @torch.no_grad()
    def _add_statistics(self) -> None:
        device, names = self.weight.device, self.method.corrections
        held = {name: value.to(device) for name, value in self.statistics.items()}
        self._constant("static_shift", held.get("shift") if "s-pts" in names else None)
        self._constant("largest", held.get("largest"))
        blocks = self.pattern.blocks(self.in_features) if isinstance(self.pattern, Pattern) else 1
        self._constant("rotation", correct.rotation(held["covariance"], blocks)
                       if "larosa" in names else None)
        self._constant("weight_mask", None)
        coefficients = None
        if self.method.criterion == "weight":
            rows = self.matrix if isinstance(self.pattern, Pattern) else self.matrix.reshape(1, -1)
            self.weight_mask = _keep(rows, self.pattern, None).view(self.matrix.shape)
        else:
            coefficients = weight_coefficients(self.method.criterion, self._weight(None))
            if self.method.criterion == "clact" and self.rotation is None:
                coefficients = held.get("norm")
        self._constant("coefficients", coefficients)

    @torch.no_grad()
    def _add_parameters(self, learned: Mapping[str, Tensor] | None) -> None:
        names, device = self.method.corrections, self.weight.device
        k, o = self.in_features, self.out_features
        rank = max(1, min(k, o) // 10) if "r-sparse" in names else 0
        sizes = {name: (size,) for name, size in (("l-pts", k), ("shift", o), ("ls", o))
                 if name in names} | ({"a": (o, rank), "b": (rank, k)} if rank else {})
        if learned is None:
            start = {name: torch.zeros(size) for name, size in sizes.items()}
            if rank:
                start["a"], start["b"] = correct.low_rank(self.matrix, rank)
        else:
            start = dict(learned)
            found = {name: tuple(value.shape) for name, value in start.items()}
            if found != sizes:
                raise ValueError(f"learned must hold parameters of the shapes {sizes} for every "
                                 f"layer of this kind, not {found}")
        self.learned = nn.ParameterDict({
            name: nn.Parameter(value.to(device, torch.float32, copy=True))
            for name, value in start.items()})
        # Learned values are saved by calibration, not with the model's own weights.
        self._register_state_dict_hook(_drop_learned)
        self.register_load_state_dict_pre_hook(_keep_learned)

    @property
    def matrix(self) -> Tensor:
        """The weights as [out_features, in_features]."""
        return self.weight.t() if self.transposed else self.weight

    def _weight(self, scale: Tensor | None) -> Tensor:
        """Weights in the space that selection works in; float32 where that is another one."""
        weight = self.matrix if scale is None else self.matrix.float() * scale
        return weight if self.rotation is None else weight.float() @ self.rotation.float()

    def _tokens(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Tokens [T, K] in the space that selection works in, and the scale they are over."""
        tokens, scale = x.reshape(-1, self.in_features), None
        if "smooth" in self.method.corrections:
            largest = tokens.abs().amax(0) if self.largest is None else self.largest
            scale = correct.smoothing(largest, self.matrix)
            tokens = tokens.float() / scale
        if self.rotation is not None:
            tokens = tokens.float() @ self.rotation.float()
        return tokens, scale

    def _low_rank(self, dropped: Tensor, scale: Tensor | None) -> Tensor:
        """What R-Sparse adds for the dropped part of the tokens, taken back to their own space."""
        if self.rotation is not None:
            dropped = dropped @ self.rotation.t().float()
        if scale is not None:
            dropped = dropped * scale
        a, b = (self.learned[name].float() for name in ("a", "b"))
        return dropped.float() @ b.t() @ a.t()

    def _shift(self, x: Tensor) -> Tensor | None:
        """What is subtracted before selection: [T, 1], a scalar, or [K]."""
        names = self.method.corrections
        if "d-pts" in names or "d-pts-mean" in names:
            return correct.token_shift(x, mean="d-pts-mean" in names)
        if "l-pts" in names:
            return self.learned["l-pts"]
        return self.static_shift

    def _coefficients(self, z: Tensor) -> Tensor | None:
        if self.method.criterion == "clact" and self.coefficients is None:
            return clact_coefficients(z.detach())
        return self.coefficients

    def _select(self, tokens: Tensor, shift: Tensor | None) -> tuple[Tensor, Tensor]:
        """What is selected from (tokens less their shift), and the mask of what is kept.

        The mask is a constant to gradients: kept values pass theirs on, dropped ones have none.
        """
        z = tokens if shift is None else tokens - shift
        return z, _keep(z.detach(), self.pattern, self._coefficients(z))

    def energy_kept(self, x: Tensor) -> float:
        """Return the share of the energy that selection keeps (float path), 0 to 1.

        Of the tokens less their shift, in the space that selection works in; of the weights
        where those are pruned.
        """
        if self.weight_mask is not None:
            return energy_kept(self.matrix, self.weight_mask)
        tokens, _ = self._tokens(x)
        return energy_kept(*self._select(tokens, self._shift(tokens)))

    def forward(self, x: Tensor) -> Tensor:
        """Return [..., out_features] in the type of ``x`` [..., in_features]."""
        self.called = True
        if self.weight_mask is not None:
            return apply_linear(x, self.matrix * self.weight_mask, self.bias)
        compute = self._integer if self.method.integer else self._float
        y = compute(*self._tokens(x)).float()
        if "ls" in self.method.corrections:
            y = y * (1 + self.learned["ls"])
        if "shift" in self.method.corrections:
            y = y + self.learned["shift"]
        if self.bias is not None:
            y = y + self.bias.float()
        return y.to(x.dtype).reshape(*x.shape[:-1], self.out_features)

    def _corrected(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What the product is taken of, what was selected from, and what of it was kept."""
        shift = self._shift(tokens)
        z, mask = self._select(tokens, shift)
        kept = torch.where(mask, z, 0)
        corrected = kept
        if "var" in self.method.corrections:
            corrected = corrected * correct.variance_ratio(z, kept)
        if shift is not None:
            corrected = corrected + shift
        return corrected, z, kept

    def _float(self, tokens: Tensor, scale: Tensor | None) -> Tensor:
        corrected, z, kept = self._corrected(tokens)
        weight = self._weight(scale)
        y = apply_linear(corrected.to(weight.dtype), weight)
        if "r-sparse" in self.method.corrections:
            y = y + self._low_rank(z - kept, scale)
        return y

    def _integer(self, tokens: Tensor, scale: Tensor | None) -> Tensor:
        x = tokens.float()
        shift = self._shift(x)
        # The step leaves room for the shifted values, which otherwise saturate.
        largest = x.abs() if shift is None else torch.maximum(x.abs(), (x - shift).abs())
        values, step = quantize(x, largest.amax(-1, keepdim=True))
        integer_shift = None if shift is None else (shift / step).round().clamp(-128, 127)
        z = values if integer_shift is None else saturate(values.float() - integer_shift)
        coefficients = self._coefficients(z)
        if coefficients is not None:
            coefficients = quantize_coefficients(coefficients)
        kept = z * _keep(z, self.pattern, coefficients)
        integers, channel = quantize(self._weight(scale))
        y = integer_matmul(kept, integers).float()
        if "var" in self.method.corrections:
            y = y * correct.variance_ratio(z, kept)
        if integer_shift is not None:
            whole = integer_shift.to(torch.int8).expand(z.shape)
            y = y + integer_matmul(whole, integers)
        y = y * step * channel.t()
        if "r-sparse" in self.method.corrections:
            y = y + self._low_rank((z - kept).float() * step, scale)
        return y

    def extra_repr(self) -> str:
        """Shape and method, for print."""
        extra = " ".join(("", *self.method.corrections))
        return f"{super().extra_repr()}, {self.method.pattern} {self.method.criterion}{extra}"


class SparseInputLinear(SparseInput, nn.Linear):  # type: ignore[misc]
    """Takes the place of an ``nn.Linear``, and is one to whoever asks."""


def _drop_learned(module: nn.Module, state: dict[str, Any], prefix: str, _: Any) -> None:
    for name in [name for name in state if name.startswith(prefix + "learned.")]:
        del state[name]


def _keep_learned(module: Any, state: dict[str, Any], prefix: str, *_: Any) -> None:
    for name, value in module.learned.items():
        state.setdefault(f"{prefix}learned.{name}", value.detach())

"""A linear layer of a PyTorch model that runs on an accelerator."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor, nn

from hw.config import Design, Pattern, choice
from hw.fixed_point import (
    BIAS_BITS,
    BIAS_FRACTION,
    EXPONENT_BITS,
    FLOATS,
    MIN_SHIFT,
    SCALE_BITS,
    TOKEN_FRACTION,
    Output,
)
from sw.driver.linear import COUNTERS, Backend, Channels, Corrections, run_linear
from sw.driver.needed import CORRECTIONS, LEARNED, NEEDED
from sw.exact.modules import check_tokens
from sw.exact.quantize import quantize
from sw.methods import corrections as correct
from sw.methods.criteria import quantize_coefficients, weight_coefficients
from sw.methods.experts import ExpertLinear
from sw.methods.layers import find_layers
from sw.methods.names import CRITERIA
from sw.methods.wrapping import why_not_plain


__all__ = ["SparseLinear", "channel_terms", "on_accelerator", "unit_exponent"]


class SparseLinear(nn.Module):
    """A linear layer that quantises its input and runs on an accelerator.

    The result is scaled back here, unless the accelerator is asked for floats. Tokens have a scale
    each, or one for the call where the shift is static. Weights have one for each output feature.
    See :meth:`from_linear`.

    Attributes
    ----------
    counters : dict of str to int
        Sum of each of :data:`sw.driver.linear.COUNTERS` over all calls.
    """

    def __init__(self, backend: Backend, weight: Tensor, scale: Tensor, bias: Tensor | None, *,
                 names: tuple[str, ...], pattern: Pattern | None, factors: Tensor | None,
                 shift: Tensor | None, output_scale: float | None, output: Output | None):
        super().__init__()
        self.backend, self.names, self.pattern = backend, names, pattern
        self.weight, self.scale, self.bias = weight, scale, bias
        self.factors, self.shift = factors, shift
        self.output_scale, self.output = output_scale, output
        self.counters = dict.fromkeys(COUNTERS, 0)

    @classmethod
    def from_linear(cls, linear: nn.Linear, backend: Backend, pattern: Pattern | str | None = None,
                    criterion: str = "act", corrections: Sequence[str] = (),
                    statistics: Mapping[str, Tensor] | None = None,
                    learned: Mapping[str, Tensor] | None = None,
                    output_scale: float | None = None,
                    output: str | None = None) -> "SparseLinear":
        """Quantise a layer for an accelerator.

        Parameters
        ----------
        linear : nn.Linear
            It is not changed.
        backend : Backend
            The accelerator.
        pattern : Pattern or str, optional
            One that the accelerator runs, by default its own; see
            ``hw.config.Design.steps``.
        criterion : str
            One of :data:`sw.methods.names.CRITERIA`; all but ``act`` need coefficients in the
            design, and ``clact`` the statistic ``norm`` [K].
        corrections : sequence of str
            From :data:`sw.driver.needed.CORRECTIONS`.
        statistics : mapping of str to Tensor, optional
            Of this layer, as :func:`sw.methods.observe.observe` gives them.
        learned : mapping of str to Tensor, optional
            Of this layer, as :func:`sw.calibrate.load_learned` gives them: ``l-pts`` [K], ``ls``
            and ``shift`` [O].
        output_scale : float, optional
            If given, the accelerator also scales, adds the bias and requantises to int8; one unit
            of its results is worth this much, more than 0.
        output : str, optional
            ``fp32`` or ``bf16``: the accelerator also scales, adds the bias and rounds to floats,
            which are the layer's results as they are. A token whose scale is ``r`` times that of
            the call's largest has a multiplier with a relative error of about ``2 ** -15 / r``.

        Raises
        ------
        ValueError
            If the accelerator lacks what is asked for, or a statistic is missing.
        """
        design, names = backend.design, tuple(corrections)
        held, trained = statistics or {}, learned or {}
        wanted = Pattern.parse(pattern) if isinstance(pattern, str) else pattern
        if wanted is not None:
            design.steps(wanted)
        _require(design, criterion, names, held, trained)
        wanted_output = _output(output, output_scale, design)
        weight = linear.weight.detach().float()
        values, scale = quantize(weight)
        scale = scale.reshape(-1)
        factors = held["norm"] if criterion == "clact" else weight_coefficients(criterion, weight)
        if "ls" in names:
            # Scales of the hardware have no sign: that of a learned one goes to the weights.
            factor = 1 + trained["ls"]
            scale, values = scale * factor.abs(), torch.where(factor[:, None] < 0, -values, values)
        bias = None if linear.bias is None else linear.bias.detach().float()
        if "shift" in names:
            bias = trained["shift"] + (0 if bias is None else bias)
        shift = (held["shift"] if "s-pts" in names
                 else trained["l-pts"] if "l-pts" in names else None)
        return cls(backend, values, scale, bias, names=names, pattern=wanted,
                   output_scale=output_scale, output=wanted_output,
                   factors=None if factors is None else quantize_coefficients(factors),
                   shift=shift)

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """Return [..., out_features] in the type of ``x`` [..., in_features], empty if that is."""
        check_tokens(x, self.weight.shape[1], "the layer")
        if not x.numel():
            return x.new_zeros(*x.shape[:-1], len(self.weight))
        tokens, scale, shift = self._quantize(x.reshape(-1, x.shape[-1]).float())
        dynamic = "d-pts" in self.names or "d-pts-mean" in self.names
        corrected = dynamic or "var" in self.names
        terms = Corrections(
            Output.CORRECTED if corrected else Output.RAW, "var" in self.names, dynamic,
            factors=self.factors,
            static_shift=int(shift) if shift is not None and "s-pts" in self.names else 0,
            shifts=shift if "l-pts" in self.names else None)
        # What a static shift takes from the accumulators is a constant: it belongs to the bias.
        back = 0 if shift is None else (self.weight.double() * shift).sum(-1)
        bias = 0 if self.bias is None else self.bias
        if self.output is None:
            y = self._run(tokens, terms)
            y = ((y + back).double() * scale * self.scale).float() + bias
        else:
            largest = scale.max()
            multiplier = largest.double() * self.scale
            offset = bias + back * multiplier
            exponent = 0 if self.output_scale else unit_exponent(multiplier, offset)
            unit = self.output_scale or 2.0 ** exponent
            each = (scale / largest * (1 << TOKEN_FRACTION)).round().long()
            y = self._run(tokens, replace(
                terms, output=self.output, exponent=exponent,
                channels=channel_terms(multiplier / unit, offset / unit),
                token_scale=each.expand(len(tokens), 1)))
            if self.output_scale:
                y = y * self.output_scale
        return y.to(x.dtype).reshape(*x.shape[:-1], -1)

    def _run(self, tokens: Tensor, terms: Corrections) -> Tensor:
        y, counters = run_linear(self.backend, tokens, self.weight, terms, self.pattern)
        self.counters = {name: count + counters[name] for name, count in self.counters.items()}
        return y

    def _quantize(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Integers of the tokens, their scales [T, 1] (or one, [1, 1]), and a static shift."""
        if self.shift is not None:
            # A static shift is the same integer for all tokens, so they share a scale.
            values, scale = quantize(x.reshape(1, -1), torch.maximum(
                x.abs(), (x - self.shift).abs()).max().reshape(1, 1))
            shift = (self.shift / scale.item()).round().clamp(-128, 127).long()
            return values.reshape(x.shape), scale, shift
        largest = x.abs()
        if "d-pts" in self.names or "d-pts-mean" in self.names:
            # Room for the shifted values, which otherwise saturate.
            eta = correct.token_shift(x, mean="d-pts-mean" in self.names)
            largest = torch.maximum(largest, (x - eta).abs())
        values, scale = quantize(x, largest.amax(-1, keepdim=True))
        return values, scale, None

    def extra_repr(self) -> str:
        """Shape, pattern and corrections, for print."""
        extra = " ".join(("", *self.names))
        return (f"{self.weight.shape[1]} -> {self.weight.shape[0]}, "
                f"pattern={self.pattern or self.backend.design.pattern}{extra}")


def _require(design: Design, criterion: str, names: tuple[str, ...],
             statistics: Mapping[str, Tensor], learned: Mapping[str, Tensor]) -> None:
    """Raise ValueError if the accelerator, or what was measured or learned, lacks something."""
    choice("criterion", criterion, CRITERIA)
    for name in names:
        choice("correction", name, CORRECTIONS)
    for name, (parameter, value) in NEEDED.items():
        if name in names and getattr(design, parameter) != value:
            raise ValueError(f"{parameter} of the accelerator must be {value} for {name}, not "
                             f"{getattr(design, parameter)}")
    if criterion != "act" and not design.coefficients:
        raise ValueError(f"coefficients of the accelerator must be 8 for {criterion}, not 0")
    for where, given, needed in (
            ("statistics", statistics, {"shift": "s-pts" in names, "norm": criterion == "clact"}),
            ("learned", learned, {name: name in names for name in LEARNED})):
        for name in (name for name, wanted in needed.items() if wanted and name not in given):
            raise ValueError(f"{where} must have {name} for {criterion} {' '.join(names)}, not "
                             f"{', '.join(given) or 'none'}")


def _output(output: str | None, output_scale: float | None, design: Design) -> Output | None:
    """What is asked for beside accumulators; ValueError if an accelerator has no such results."""
    if output is not None:
        names = {form.name: each for each, form in FLOATS.items()}
        asked, wanted = f"output {output}", names[choice("output", output, tuple(names))]
        if output_scale is not None:
            raise ValueError(f"output_scale must be None for {asked}, not {output_scale!r}")
    elif output_scale is not None:
        asked, wanted = f"output_scale {output_scale}", Output.INT8
        if not 0 < output_scale < math.inf:
            raise ValueError(f"output_scale must be a finite number above 0, not {output_scale!r}")
    else:
        return None
    if not design.epilogue_lanes:
        raise ValueError(f"epilogue_lanes of the accelerator must be at least 1 for {asked}, not 0")
    if wanted in FLOATS and design.accumulator_width < FLOATS[wanted].bits:
        raise ValueError("accumulator_width of the accelerator must be at least "
                         f"{FLOATS[wanted].bits} for {asked}, not {design.accumulator_width}")
    return wanted


def unit_exponent(multiplier: Tensor, bias: Tensor) -> int:
    """Logarithm, to the base 2, of the smallest unit that leaves both in their range.

    In this unit :func:`channel_terms` keeps the most bits of the bias [O], and 16 of a positive
    multiplier [O], unless it is ``2 ** 32`` times smaller than the unit allows.
    """
    limit = 1 << EXPONENT_BITS - 1
    needed = [int(torch.frexp(terms.double()).exponent[terms != 0].max()) - bits
              for terms, bits in ((multiplier, SCALE_BITS - MIN_SHIFT),
                                  (bias, BIAS_BITS - 1 - BIAS_FRACTION)) if terms.any()]
    return min(max(-limit, *needed), limit - 1) if needed else 0


def channel_terms(multiplier: Tensor, bias: Tensor | float) -> Channels:
    """Scale and shift that come nearest to a positive ``multiplier`` [O], and the bias [O].

    Multiplier and bias are in units of the int8 result. A multiplier below 2 ** -24 is 0, one of
    128 or more saturates.
    """
    multiplier = multiplier.double()
    exponent = torch.frexp(multiplier).exponent  # multiplier < 2 ** exponent
    shift = (SCALE_BITS - exponent - MIN_SHIFT).clamp(0, 31).long()
    scale = (multiplier * 2.0 ** (shift + MIN_SHIFT)).round().clamp(0, (1 << SCALE_BITS) - 1)
    limit = 1 << BIAS_BITS - 1
    fixed = (torch.as_tensor(bias).double().expand(multiplier.shape) * (1 << BIAS_FRACTION)).round()
    return Channels(scale.long(), shift, fixed.clamp(-limit, limit - 1).long())


@contextmanager
def on_accelerator(model: nn.Module, backend: Backend, layers: Sequence[str],
                   statistics: Mapping[str, Mapping[str, Tensor]] | None = None,
                   learned: Mapping[str, Mapping[str, Tensor]] | None = None,
                   **options) -> Iterator[dict[str, SparseLinear]]:
    """Run the linear layers whose names match one of ``layers`` on an accelerator.

    These are as in :func:`sw.methods.layers.find_layers`. ``statistics`` and ``learned`` are by the
    names of layers; they and the other options are those of :meth:`SparseLinear.from_linear`.
    Yields the layers by name; at the end the model has its own ones again.

    Raises
    ------
    ValueError
        As ``find_layers`` and ``from_linear``, or if a layer is no plain ``nn.Linear``.
    """
    own = find_layers(model, layers)
    for name, linear in own.items():
        why = "it is none" if not isinstance(linear, nn.Linear) or isinstance(
            linear, ExpertLinear) else why_not_plain(linear)
        if why:
            raise ValueError("layers must be plain nn.Linear ones to run on an accelerator, not "
                             f"{name} ({type(linear).__name__}: {why})")
    made = {name: SparseLinear.from_linear(
        linear, backend, statistics=(statistics or {}).get(name),
        learned=(learned or {}).get(name), **options) for name, linear in own.items()}
    try:
        for name, module in made.items():
            model.set_submodule(name, module)
        yield made
    finally:
        for name, linear in own.items():
            model.set_submodule(name, linear)

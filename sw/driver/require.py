"""What the operands and the parameters of a layer must be."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from hw.config import Design, integer
from hw.fixed_point import BIAS_BITS, SCALE_BITS, SHIFT_BITS


if TYPE_CHECKING:
    from sw.driver.linear import Corrections


__all__ = ["require_operands", "require_parameters", "require_threshold"]


def require_operands(x: Tensor, weight: Tensor, kind: torch.dtype = torch.int8, *,
                     integers: bool = False) -> None:
    """Raise ValueError if activations and weights are none of a layer that there is.

    Activations are of the type ``kind``; so are weights of integers, others of any float's, unless
    they are ``integers``, int8.
    """
    of = str(kind).removeprefix("torch.")
    floats = kind.is_floating_point and not integers
    for name, operand, wanted, right in (
            ("x", x, of, x.dtype == kind),
            ("weight", weight, "floating-point" if floats else "int8",
             weight.is_floating_point() if floats else weight.dtype == torch.int8)):
        if not right or operand.dim() != 2:
            raise ValueError(f"{name} must be {wanted} with two axes, not "
                             f"{str(operand.dtype).removeprefix('torch.')} {list(operand.shape)}")
        if not operand.numel():
            raise ValueError(f"{name} must hold at least one row of one feature, not "
                             f"{list(operand.shape)}")
    if x.shape[1] != weight.shape[1]:
        raise ValueError(f"weight must have the {x.shape[1]} input features of x, not "
                         f"{weight.shape[1]}")


def require_parameters(design: Design, given: "Corrections", outputs: int, tokens: int,
                       features: int) -> None:
    """Raise ValueError if parameters are missing, would be ignored, or do not fit their streams."""
    terms = given.channels
    if given.needs_channels and terms is None:
        raise ValueError(f"channels must be given for output {given.output.name.lower()}, not None")
    for name, values, there in (("factors", given.factors, design.coefficients),
                                ("shifts", given.shifts, design.shift == "channel")):
        if values is not None and (given.keep_loaded or not there):
            reason = "with keep_loaded" if given.keep_loaded else "on an accelerator without them"
            raise ValueError(f"{name} must be None {reason}")
    integer("static_shift", given.static_shift, -128, 127)
    integer("exponent", given.exponent, -128, 127)
    channel_terms = (None, None, None) if terms is None else (terms.scale, terms.shift, terms.bias)
    for name, values, shape, low, high in (
            ("factors", given.factors, (features,), 0, 1 << design.coefficients),
            ("shifts", given.shifts, (features,), -128, 128),
            ("token_scale", given.token_scale, (tokens, 1), 0, 1 << SCALE_BITS),
            ("channels.scale", channel_terms[0], (outputs,), 0, 1 << SCALE_BITS),
            ("channels.shift", channel_terms[1], (outputs,), 0, 1 << SHIFT_BITS),
            ("channels.bias", channel_terms[2], (outputs,),
             -1 << BIAS_BITS - 1, 1 << BIAS_BITS - 1)):
        if values is None:
            continue
        if values.shape != shape:
            raise ValueError(f"{name} must have shape {list(shape)}, not {list(values.shape)}")
        if values.numel() and not low <= int(values.min()) <= int(values.max()) < high:
            raise ValueError(f"{name} must be from {low} to {high - 1}, not from "
                             f"{int(values.min())} to {int(values.max())}")
        if values.is_floating_point() or values.dtype == torch.bool:
            raise ValueError(f"{name} must be integers, not of type "
                             f"{str(values.dtype).removeprefix('torch.')}")


def require_threshold(design: Design, threshold: int) -> None:
    """Raise ValueError if an accelerator does not take a threshold."""
    if threshold and not design.unstructured:
        raise ValueError("unstructured of the accelerator must be True for a threshold, not False")
    integer("threshold", threshold, 0, (1 << design.score_width) - 1)

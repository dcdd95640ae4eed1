"""Tensors from the bits of the hardware's number formats, and back."""

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor

from hw.config import choice
from hw.formats import FORMATS


__all__ = ["TYPES", "Coded", "from_bits", "magnitudes", "to_bits"]


TYPES = {"int4": torch.int8, "int8": torch.int8, "fp8_e4m3": torch.float8_e4m3fn,
          "fp8_e5m2": torch.float8_e5m2, "fp6_e2m3": torch.float8_e4m3fn,
          "fp6_e3m2": torch.float8_e4m3fn, "fp4_e2m1": torch.float8_e4m3fn,
          "fp16": torch.float16, "bf16": torch.bfloat16}
"""Type that holds the values of each format of ``hw.formats.FORMATS``; E4M3 has all of fp6 and
fp4."""

_INTEGERS = {1: torch.int8, 2: torch.int16}

_HELD = ("fp6_e2m3", "fp6_e3m2", "fp4_e2m1")
"""Floats whose bits are others than those of their type."""


class Coded(NamedTuple):
    """Values [..., K] of an element format, of the type ``TYPES[name]``."""

    values: Tensor
    name: str


@cache
def _values(name: str) -> Tensor:
    """The values of all patterns of a format that another type holds."""
    form = FORMATS[name]
    return torch.tensor([form.value(bits) for bits in range(1 << form.bits)]).to(TYPES[name])


@cache
def _patterns(name: str) -> Tensor:
    """The inverse of ``_values``, by the bits of the type: -1 where the format lacks the value."""
    found = torch.full((256,), -1)
    found[_values(name).view(torch.uint8).long()] = torch.arange(1 << FORMATS[name].bits)
    return found


def from_bits(bits: Tensor, name: str) -> Tensor:
    """Values of a format from their bits, integers from 0 to ``2 ** width - 1`` of any shape.

    Raises
    ------
    ValueError
        If the format is unknown, or a number does not fit in it.
    """
    width = FORMATS[choice("format", name, tuple(FORMATS))].bits
    bits = bits.long()
    if bits.numel() and not 0 <= int(bits.min()) <= int(bits.max()) < 1 << width:
        raise ValueError(f"bits must be from 0 to {(1 << width) - 1} in {name}, not from "
                         f"{int(bits.min())} to {int(bits.max())}")
    if name in _HELD:
        # Types of one byte have no indexing of their own on every device.
        return _values(name).view(torch.uint8).to(bits.device)[bits].view(TYPES[name])
    signed = bits - ((bits >> width - 1) << width)
    return signed.to(_INTEGERS[TYPES[name].itemsize]).view(TYPES[name])


def to_bits(values: Tensor, name: str) -> Tensor:
    """Bits of values of a format, int64 from 0 to ``2 ** width - 1``.

    Raises
    ------
    ValueError
        If the format is unknown, the type is not the format's, or a value is not in the format.
    """
    width = FORMATS[choice("format", name, tuple(FORMATS))].bits
    if values.dtype != TYPES[name]:
        raise ValueError(f"values must be of type {str(TYPES[name]).removeprefix('torch.')} in "
                         f"{name}, not {str(values.dtype).removeprefix('torch.')}")
    if name in _HELD:
        bits = _patterns(name).to(values.device)[values.view(torch.uint8).long()]
        if bool((bits < 0).any()):
            raise ValueError(f"values must be numbers of {name}, not "
                             f"{values.float()[bits < 0][0].item():g}")
        return bits
    signed = values.view(_INTEGERS[values.element_size()]).long()
    half = 1 << width - 1
    if values.numel() and not -half <= int(signed.min()) <= int(signed.max()) < half:
        raise ValueError(f"values must be from {-half} to {half - 1} in {name}, not from "
                         f"{int(signed.min())} to {int(signed.max())}")
    return signed & (1 << width) - 1


def magnitudes(values: Tensor, name: str) -> Tensor:
    """Bits of floats without the sign, int64: they order as the hardware's scores do.

    All NaNs have those of the least one. Errors as of :func:`to_bits`.
    """
    form = FORMATS[name]
    bits = to_bits(values, name) & (1 << form.bits - 1) - 1
    return bits.clamp_max(form.nan) if form.nan else bits

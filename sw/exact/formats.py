"""Tensors from the bits of the hardware's number formats, and back."""

import torch
from torch import Tensor

from hw.config import choice
from hw.formats import FORMATS


__all__ = ["TYPES", "from_bits", "to_bits"]


TYPES = {"int4": torch.int8, "int8": torch.int8, "fp8_e4m3": torch.float8_e4m3fn,
          "fp8_e5m2": torch.float8_e5m2, "fp16": torch.float16, "bf16": torch.bfloat16}
"""Type that holds the values of each format of ``hw.formats.FORMATS``."""

_INTEGERS = {1: torch.int8, 2: torch.int16}


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
    signed = bits - ((bits >> width - 1) << width)
    return signed.to(_INTEGERS[TYPES[name].itemsize]).view(TYPES[name])


def to_bits(values: Tensor, name: str) -> Tensor:
    """Bits of values of a format, int64 from 0 to ``2 ** width - 1``.

    Raises
    ------
    ValueError
        If the format is unknown, the type is not the format's, or an integer does not fit.
    """
    width = FORMATS[choice("format", name, tuple(FORMATS))].bits
    if values.dtype != TYPES[name]:
        raise ValueError(f"values must be of type {str(TYPES[name]).removeprefix('torch.')} in "
                         f"{name}, not {str(values.dtype).removeprefix('torch.')}")
    signed = values.view(_INTEGERS[values.element_size()]).long()
    half = 1 << width - 1
    if values.numel() and not -half <= int(signed.min()) <= int(signed.max()) < half:
        raise ValueError(f"values must be from {-half} to {half - 1} in {name}, not from "
                         f"{int(signed.min())} to {int(signed.max())}")
    return signed & (1 << width) - 1

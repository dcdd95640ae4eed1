"""Number formats of activations and weights. Standard library only: ``sw`` shares this file.

Elements are two's complement integers, or floats of sign, exponent and mantissa: fp8 as the OCP
8-bit Floating Point Specification 1.0 has them, fp6 and fp4 as the OCP Microscaling Formats (MX)
Specification 1.0 has them, fp16 and bf16 as in IEEE 754. In a block format, elements share a scale.

Selection orders by magnitude: -0 equals +0, infinities lie above everything finite, and NaN above
infinity, all NaNs being equal. For the floating-point formats the bits without the sign, read as
an integer, order just so, once every NaN is replaced by one pattern.
"""

from dataclasses import dataclass
from math import inf, nan


__all__ = ["ACCUMULATORS", "BLOCK_FORMATS", "E8M0_BIAS", "EXACT", "FORMATS", "FORMAT_CODES",
           "NVFP4_LEAST_GAIN", "NVFP4_LEAST_TENSOR", "PAIRS", "QUANTIZED", "ROW_FORMATS",
           "SELECTIONS", "BlockFormat", "Format", "check_scale"]


@dataclass(frozen=True)
class Format:
    """How the bits of one value are read.

    Parameters
    ----------
    name : str
    bits : int
        Bits of a value, sign included.
    exponent, mantissa : int
        Bits of the two fields of a floating-point format; both 0 for two's complement integers.
    infinity : int or None
        Bits of +infinity, where the format has one.
    nan : int
        The smallest pattern without sign that is NaN, 0 where there is none. Every NaN scores as
        this one.
    """

    name: str
    bits: int
    exponent: int = 0
    mantissa: int = 0
    infinity: int | None = None
    nan: int = 0

    @property
    def integer(self) -> bool:
        """Whether values are two's complement integers."""
        return not self.exponent

    @property
    def largest(self) -> int:
        """The largest magnitude as an integer: ``|-2 ** (bits - 1)|``, NaN, or the last float."""
        half = 1 << self.bits - 1
        return half if self.integer else self.nan or half - 1

    @property
    def bias(self) -> int:
        """What the exponent field of a float is above its exponent."""
        return (1 << self.exponent - 1) - 1

    @property
    def least_exponent(self) -> int:
        """Exponent of subnormals and of the smallest normal numbers; 0 for integers."""
        return 0 if self.integer else 1 - self.bias

    @property
    def max_bits(self) -> int:
        """Bits of the largest finite value."""
        ends = (end for end in (self.infinity, self.nan) if end)
        return min((*ends, 1 << self.bits - 1)) - 1

    @property
    def max_finite(self) -> float:
        """The largest finite value."""
        return self.value(self.max_bits)

    @property
    def max_units(self) -> int:
        """The largest finite magnitude as a multiple of the smallest: all are integers in it."""
        return self.largest if self.integer else int(self.max_finite / 2.0 ** self.unit)

    @property
    def max_significand(self) -> int:
        """The largest significand of a float, with the hidden bit, or magnitude of an integer."""
        return self.largest if self.integer else (2 << self.mantissa) - 1

    @property
    def unit(self) -> int:
        """Exponent of the smallest positive number: a subnormal float, or 1."""
        return self.least_exponent - self.mantissa

    @property
    def max_exponent(self) -> int:
        """Exponent of the largest finite float."""
        return (self.max_bits >> self.mantissa) - self.bias

    def value(self, bits: int) -> float:
        """The value of a pattern, 0 to ``2 ** bits - 1``."""
        half = 1 << self.bits - 1
        magnitude, sign = bits & half - 1, -1.0 if bits & half else 1.0  # of -0 too
        if self.integer:
            return float(magnitude - (bits & half))
        if magnitude > self.max_bits:
            return sign * inf if magnitude == self.infinity else nan
        field, fraction = magnitude >> self.mantissa, magnitude & (1 << self.mantissa) - 1
        significand = fraction + (bool(field) << self.mantissa)
        return sign * significand * 2.0 ** (max(field, 1) - self.bias - self.mantissa)

    def score_width(self, coefficient_bits: int = 0) -> int:
        """Bits of an exact score ``|z| * c``, ``c`` unsigned; without bits, ``c`` is 1."""
        coefficient = (1 << coefficient_bits) - 1 if coefficient_bits else 1
        return (self.largest * coefficient).bit_length()


@dataclass(frozen=True)
class BlockFormat:
    """Elements, ``size`` of which along the input features share a scale.

    Parameters
    ----------
    name : str
    element : Format
    scale : str
        ``e8m0``: 8 bits that are ``s`` for the factor ``2 ** (s - 127)``, FF for NaN. ``e4m3``: a
        positive fp8_e4m3, times the one scale of the tensor.
    size : int
        Values that share a scale.
    """

    name: str
    element: Format
    scale: str
    size: int


E8M0_BIAS = 127
"""What the bits of a scale E8M0 are above its exponent, which is from -127 to 127."""

NVFP4_LEAST_TENSOR = -115
"""Exponent of the least scale of a tensor in NVFP4: no value that is subnormal in bf16 is then half
of the smallest element, whatever the scale of its block, and all of them become 0."""

FORMATS = {format.name: format for format in (
    Format("int4", 4),
    Format("int8", 8),
    Format("fp8_e4m3", 8, exponent=4, mantissa=3, nan=0x7F),  # OCP E4M3: no infinity, one NaN
    Format("fp8_e5m2", 8, exponent=5, mantissa=2, infinity=0x7C, nan=0x7D),
    Format("fp6_e2m3", 6, exponent=2, mantissa=3),  # fp6 and fp4: neither infinity nor NaN
    Format("fp6_e3m2", 6, exponent=3, mantissa=2),
    Format("fp4_e2m1", 4, exponent=2, mantissa=1),
    Format("fp16", 16, exponent=5, mantissa=10, infinity=0x7C00, nan=0x7C01),
    Format("bf16", 16, exponent=8, mantissa=7, infinity=0x7F80, nan=0x7F81),
)}
"""Every element format by its name."""

BLOCK_FORMATS = {name: BlockFormat(name, FORMATS[element], scale, size)
                 for name, element, scale, size in (
    ("mxfp8_e4m3", "fp8_e4m3", "e8m0", 32),
    ("mxfp8_e5m2", "fp8_e5m2", "e8m0", 32),
    ("mxfp6_e2m3", "fp6_e2m3", "e8m0", 32),
    ("mxfp6_e3m2", "fp6_e3m2", "e8m0", 32),
    ("mxfp4", "fp4_e2m1", "e8m0", 32),
    ("nvfp4", "fp4_e2m1", "e4m3", 16),
)}
"""Every block format by its name: those of the MX specification, and NVFP4."""

FORMAT_CODES = ("int8", "fp16", "bf16", "fp8_e4m3", "fp6_e2m3", "fp6_e3m2", "fp4_e2m1",
                "mxfp8_e4m3", "mxfp6_e2m3", "mxfp6_e3m2", "mxfp4", "nvfp4", "fp8_e5m2",
                "mxfp8_e5m2", "int4")
"""Formats by the codes of the registers ``NUMBERS`` and ``WEIGHT_NUMBERS``, from 0."""

NVFP4_LEAST_GAIN = FORMATS["bf16"].least_exponent - 2 * (FORMATS["fp4_e2m1"].unit
                                                         + FORMATS["fp8_e4m3"].unit)
"""Exponent of the least product of the scales of two tensors in NVFP4, the gain of a result. Sums
are multiples of the smallest product of two elements and two scales: with this gain no result is
subnormal."""

ROW_FORMATS = ("int8", "fp8_e4m3", "fp8_e5m2")
"""Formats that have a scale for each row: a token, or the weights of an output."""

QUANTIZED = ("bf16", "fp16", *ROW_FORMATS, *BLOCK_FORMATS)
"""Formats of tokens: as they are, with a scale for each token, with scales of blocks."""

SELECTIONS = ("before", "after")
"""Where selection stands, seen from quantisation."""

PAIRS = {
    "fp8_e4m3": ("fp8_e4m3", "int4", "int8"),
    "fp8_e5m2": ("fp8_e5m2",),
    "fp6_e2m3": ("fp6_e2m3",),
    "fp6_e3m2": ("fp6_e3m2",),
    "fp4_e2m1": ("fp4_e2m1",),
    "fp16": ("fp16", "int4", "int8"),
    "bf16": ("bf16", "int4", "int8"),
    "mxfp8_e4m3": ("mxfp8_e4m3", "mxfp4"),
    "mxfp8_e5m2": ("mxfp8_e5m2",),
    "mxfp6_e2m3": ("mxfp6_e2m3",),
    "mxfp6_e3m2": ("mxfp6_e3m2",),
    "mxfp4": ("mxfp4",),
    "nvfp4": ("nvfp4",),
}
"""Formats of weights that go with a floating-point format of activations: the same, and what
checkpoints hold. Integer weights of 4 and 8 bits for fp16, bf16 and E4M3 (W4A16, W8A16, W4A8), and
MXFP4 weights for MXFP8 activations. E5M2 has the range of gradients and is no format of quantised
weights but its own; fp6 and fp4 are narrow enough for both operands."""


ACCUMULATORS = ("fp32", "exact")
"""How the steps of a dot product are added: binary32, rounded once a step, or fixed point."""

EXACT = ("fp8_e4m3", "fp6_e2m3", "fp6_e3m2", "fp4_e2m1")
"""Formats of activations that an exact accumulator is there for: products of E4M3 span 36 bits,
those of E5M2 64, and two scales E8M0 another 508."""


def check_scale(name: str, m: int) -> None:
    """Raise ValueError if blocks of ``m`` values do not share their scale in a block format."""
    block = BLOCK_FORMATS.get(name)
    if block and block.size % m:
        raise ValueError(f"m must divide the {block.size} values that share a scale in {name}, "
                         f"which {m} does not")

"""Number formats of activations. Standard library only: the reference model shares this file.

Selection orders by magnitude: -0 equals +0, infinities lie above everything finite, and NaN above
infinity, all NaNs being equal. For the floating-point formats the bits without the sign, read as
an integer, order just so, once every NaN is replaced by one pattern.
"""

from dataclasses import dataclass


__all__ = ["FORMATS", "Format"]


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
        The smallest pattern without sign that is NaN. Every NaN scores as this one.
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
        """The largest magnitude as an integer: ``|-2 ** (bits - 1)|``, or NaN."""
        return 1 << self.bits - 1 if self.integer else self.nan

    def score_width(self, coefficient_bits: int = 0) -> int:
        """Bits of an exact score ``|z| * c``, ``c`` unsigned; without bits, ``c`` is 1."""
        coefficient = (1 << coefficient_bits) - 1 if coefficient_bits else 1
        return (self.largest * coefficient).bit_length()


FORMATS = {format.name: format for format in (
    Format("int4", 4),
    Format("int8", 8),
    Format("fp8_e4m3", 8, exponent=4, mantissa=3, nan=0x7F),  # OCP E4M3: no infinity, one NaN
    Format("fp8_e5m2", 8, exponent=5, mantissa=2, infinity=0x7C, nan=0x7D),
    Format("fp16", 16, exponent=5, mantissa=10, infinity=0x7C00, nan=0x7C01),
    Format("bf16", 16, exponent=8, mantissa=7, infinity=0x7F80, nan=0x7F81),
)}
"""Every format by its name."""

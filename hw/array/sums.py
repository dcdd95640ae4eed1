"""What an accumulator holds."""

from amaranth.hdl import Shape, signed, unsigned
from amaranth.lib import data

from hw.config import Design


__all__ = ["MANTISSA", "ExactSum", "ResultRow", "RoundedSum", "SumRow", "sum_shape"]


MANTISSA = 25
"""Bits of a significand of binary32 in two's complement."""


class ExactSum(data.StructLayout):
    """A sum of floats without rounding.

    Fields
    ------
    total : signed(accumulator_width)
        A multiple of the smallest product, ``2 ** (2 * unit)``.
    nan : 1
        The sum is NaN. Absent where the format has none.
    """

    def __init__(self, design: Design):
        super().__init__({"total": signed(design.accumulator_width),
                          **({"nan": unsigned(1)} if design.number.nan else {})})


class RoundedSum(data.StructLayout):
    """A number of binary32 in two's complement, or infinite, or NaN.

    Fields
    ------
    mantissa : signed(25)
        The number is ``mantissa * 2 ** (field - 150)``, from -2 ** 24 to below 2 ** 24, and
        normalised where the field is not 1.
    field : unsigned(8)
        From 1 to 254, 1 where the number is zero.
    infinite, nan : 1
        It is; the other fields then mean nothing, but for the sign of an infinity.
    negative : 1
        Sign of a zero or an infinity.
    """

    def __init__(self) -> None:
        super().__init__({"mantissa": signed(MANTISSA), "field": unsigned(8),
                          "infinite": unsigned(1), "negative": unsigned(1), "nan": unsigned(1)})


def sum_shape(design: Design) -> Shape | ExactSum | RoundedSum:
    """What the accumulator of a PE holds: an integer, or a sum of floats."""
    if design.number.integer:
        return signed(design.accumulator_width)
    return ExactSum(design) if design.accumulator == "exact" else RoundedSum()


class SumRow(data.StructLayout):
    """What the accumulators of one row of PEs hold.

    Fields
    ------
    sums : ArrayLayout(sum_shape(design), columns)
    last : unsigned(1)
        Whether this is the last row of the array.
    """

    def __init__(self, design: Design):
        super().__init__({"sums": data.ArrayLayout(sum_shape(design), design.columns), "last": 1})


class ResultRow(data.StructLayout):
    """The results of one row of PEs.

    Fields
    ------
    accumulators : ArrayLayout(signed(result_bits), columns)
        Bits of ``result_format`` where the PEs add floats.
    last : unsigned(1)
        Whether this is the last row of the array.
    """

    def __init__(self, design: Design):
        super().__init__({
            "accumulators": data.ArrayLayout(signed(design.result_bits), design.columns),
            "last": 1,
        })

"""What an accumulator holds."""

from amaranth.hdl import Shape, signed, unsigned
from amaranth.lib import data

from hw.config import Design


__all__ = ["ExactSum", "ResultRow", "SumRow", "result_bits", "sum_shape"]


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


def sum_shape(design: Design) -> Shape | ExactSum:
    """What the accumulator of a PE holds: an integer, or a sum of floats."""
    return signed(design.accumulator_width) if design.number.integer else ExactSum(design)


def result_bits(design: Design) -> int:
    """Bits of a result: an integer, or binary32."""
    return design.accumulator_width if design.number.integer else 32


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
    accumulators : ArrayLayout(signed(accumulator_width), columns)
        Bits of binary32 where the PEs add floats.
    last : unsigned(1)
        Whether this is the last row of the array.
    """

    def __init__(self, design: Design):
        super().__init__({
            "accumulators": data.ArrayLayout(signed(result_bits(design)), design.columns),
            "last": 1,
        })

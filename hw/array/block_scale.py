"""The scales of two blocks, beside the sum of a step of their elements."""

from amaranth.hdl import Cat, Const, Module, Value

from hw.arithmetic.wire import wire
from hw.array.float_product import multiple
from hw.formats import E8M0_BIAS, FORMATS, BlockFormat


__all__ = ["is_nan", "largest_factor", "scaled"]


E4M3 = FORMATS["fp8_e4m3"]


def is_nan(block: BlockFormat, scale: Value) -> Value:
    """Whether a scale is NaN. Those of E4M3 are positive, and their sign is not read."""
    return (scale if block.scale == "e8m0" else scale[:-1]).all()


def largest_factor(block: BlockFormat | None) -> int:
    """The largest factor that two scales have besides a power of two."""
    if not block or block.scale == "e8m0":
        return 1
    return ((2 << E4M3.mantissa) - 1) ** 2


def scaled(m: Module, block: BlockFormat | None, total: Value, scale: Value, weight_scale: Value
           ) -> tuple[Value, Value, int]:
    """The sum of a step times the scales of its two blocks, exactly.

    Scales of powers of two are exponents alone. Those of E4M3 have significands, too, whose product
    multiplies the sum.

    Parameters
    ----------
    m : Module
        Gets the gates.
    block : BlockFormat or None
        Of both operands; None where they have no scales.
    total : Value
        The sum, in two's complement.
    scale, weight_scale : Value
        Bits of the scales; not read where there are none.

    Returns
    -------
    value, exponent : Value
    least : int
        The scaled sum is ``value * 2 ** (exponent + least)``; ``value`` in two's complement.
    """
    if not block:
        return total, Const(2 * E8M0_BIAS), -2 * E8M0_BIAS
    if block.scale == "e8m0":
        return total, scale + weight_scale, -2 * E8M0_BIAS
    one, other = (wire(m, _significand(each)) for each in (scale, weight_scale))
    factor = multiple(m, one, wire(m, one * 3), list(other))
    total = wire(m, total)
    value = multiple(m, total, wire(m, total.as_signed() * 3), list(factor), signed=True)
    # Subnormal scales have the exponent of the smallest normal ones, field 1.
    return value, _field(scale) + _field(weight_scale), 2 * (E4M3.unit - 1)


def _significand(scale: Value) -> Value:
    """With its hidden bit."""
    return Cat(scale[:E4M3.mantissa], scale[E4M3.mantissa:-1].any())


def _field(scale: Value) -> Value:
    """The exponent field, 1 for subnormals."""
    field = scale[E4M3.mantissa:-1]
    return Cat(field[0] | ~field.any(), field[1:])

"""bf16 to fp4 in a unit that is no power of two: comparisons in place of a division."""

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic.wire import wire
from hw.formats import FORMATS


__all__ = ["BlockUnit", "Fp4Element", "Fp4Unit", "fraction"]


BF16, E4M3 = FORMATS["bf16"], FORMATS["fp8_e4m3"]


def fraction(value: Value) -> Value:
    """Significand of a normal number of bf16."""
    return Cat(value[:BF16.mantissa], C(1, 1))


class Fp4Unit(data.StructLayout):
    """What elements are compared with: a quarter of their unit, times 1, 3, 5 and 7.

    The places between numbers of fp4 are 1, 3, 5, 7, 10, 14 and 20 quarters of the unit, hence the
    four numbers times powers of two.

    Fields
    ------
    exponent : unsigned(9)
        Exponent field of a quarter of the unit.
    significands : ArrayLayout(unsigned(7), 4)
        Of the four numbers in bf16, rounded down, without the hidden bit.
    inexact : unsigned(4)
        Whether anything was lost.
    carries : unsigned(4)
        Whether the significand of the quarter took the multiple beyond the next power of two.
    """

    def __init__(self):
        super().__init__({"exponent": BF16.exponent + 1,
                          "significands": data.ArrayLayout(BF16.mantissa, 4), "inexact": 4,
                          "carries": 4})


class BlockUnit(wiring.Component):
    """The unit of a block's elements: its scale times the tensor's, exactly. Combinational.

    Members
    -------
    scale : In(8)
        E4M3, positive and finite.
    tensor : In(15)
        bf16 without its sign, as for :class:`hw.compressor.nvfp4.NvScale`.
    unit : Out(Fp4Unit())
    """

    def __init__(self):
        super().__init__({"scale": In(E4M3.bits), "tensor": In(BF16.bits - 1),
                          "unit": Out(Fp4Unit())})

    def elaborate(self, platform):
        m = Module()
        mantissa, field = self.scale[:E4M3.mantissa], self.scale[E4M3.mantissa:-1]
        # Subnormal scales are normalised: two exponents more than the field has.
        four, exponent = Signal(E4M3.mantissa + 1), Signal(range((1 << E4M3.exponent) + 2))
        m.d.comb += [four.eq(8), exponent.eq(0)]
        with m.If(field.any()):
            m.d.comb += [four.eq(Cat(mantissa, C(1, 1))), exponent.eq(field + 2)]
        with m.Elif(mantissa[2]):
            m.d.comb += [four.eq(mantissa << 1), exponent.eq(2)]
        with m.Elif(mantissa[1]):
            m.d.comb += [four.eq(mantissa << 2), exponent.eq(1)]
        product = wire(m, four * fraction(self.tensor))
        carry = product[-1]
        m.d.comb += self.unit.exponent.eq(exponent + self.tensor[BF16.mantissa:] + carry - 11)
        # Of the product as it is: it is normalised while its multiples are added.
        multiples = (product, product * 3, product * 5, (product << 3) - product)
        for k, (multiple, width) in enumerate(zip(multiples, (12, 14, 15, 15), strict=True)):
            number = wire(m, multiple[:width])
            number = wire(m, Mux(carry, number, number << 1)[:width])
            if k:
                m.d.comb += self.unit.carries[k].eq(number[-1])
                number = wire(m, Mux(number[-1], number, number << 1)[:width])
            cut = width - 1 - BF16.mantissa
            m.d.comb += [self.unit.significands[k].eq(number[cut:-1]),
                         self.unit.inexact[k].eq(number[:cut].any())]
        return m


class Fp4Element(wiring.Component):
    """One bf16 value to fp4, in a unit. Combinational.

    Of the seven places between numbers, the value is at or above as many as the bits of its element
    say. The distance of its exponent from that of a quarter of the unit says which it may be near,
    and comparisons of significands whether it is beyond them: a place itself belongs to the number
    of even mantissa.

    Members
    -------
    value : In(16)
    unit : In(Fp4Unit())
    element : Out(4)
    """

    def __init__(self):
        super().__init__({"value": In(BF16.bits), "unit": In(Fp4Unit()), "element": Out(4)})

    def elaborate(self, platform):
        m = Module()
        mantissa, unit = self.value[:BF16.mantissa], self.unit
        far = wire(m, self.value[BF16.mantissa:-1] - unit.exponent)
        near = [wire(m, far == k) for k in range(6)]

        def above(k: int) -> Value:
            """At least ``k`` exponents from the unit's quarter."""
            return ~far[-1] & (far[:-1] >= k)

        early, late = [], []
        for k, even in enumerate((False, True, False, True)):
            # In one comparison: where the place belongs to the upper number, it does if exact.
            beyond = Cat(C(1, 1), mantissa) > Cat(unit.inexact[k] if even else C(1, 1),
                                                  unit.significands[k])
            beyond = wire(m, beyond)
            early.append(wire(m, beyond & ~unit.carries[k]))
            late.append(wire(m, beyond | ~unit.carries[k]))

        def reaches(k: int, first: int) -> Value:
            """Whether a multiple of the quarter whose exponent is ``first`` higher, or one more."""
            return wire(m, above(first + 2) | near[first + 1] & late[k] | near[first] & early[k])

        one = wire(m, above(1) | near[0] & early[0])
        three, five, seven = reaches(1, 1), reaches(2, 2), reaches(3, 2)
        ten, fourteen, twenty = reaches(2, 3), reaches(3, 3), reaches(2, 4)
        m.d.comb += self.element.eq(Cat(
            twenty | ten & ~fourteen | five & ~seven | one & ~three,
            fourteen | three & ~seven, seven, self.value[-1]))
        return m

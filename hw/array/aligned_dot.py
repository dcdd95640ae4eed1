"""Dot products of bf16 and fp16: products aligned to the largest of a step, and cut."""

from amaranth.hdl import Cat, Module, Mux, Value

from hw.arithmetic.adder import Columns
from hw.arithmetic.normalise import normalised
from hw.arithmetic.wire import wire
from hw.array.aligned_product import cut, largest, product
from hw.array.float_accumulator import FIELD
from hw.array.float_dot import BIAS, RoundedDotProduct
from hw.array.float_product import Activation
from hw.array.sums import MANTISSA


__all__ = ["AlignedDotProduct"]


class AlignedDotProduct(RoundedDotProduct):
    """Multiplies floats of 16 bits with as many weights, and rounds to binary32 once a step.

    Weights are floats of the same format, or integers.

    Products are exact. All of a step are cut, towards zero, ``guard`` bits below the last bit of
    the one with the largest exponent, and added; zeros have no exponent. Parameters, members and
    latency are those of ``RoundedDotProduct``, without scales.
    """

    def _step(self, m: Module) -> tuple[Value, Value]:
        form, weights, guard = self.design.number, self.design.weight, self.design.guard
        products = [
            product(m, weights, Activation(self.signs[lane], self.bases[lane], self.triples[lane],
                                           self.exponents[lane]), self.zeros[lane],
                    wire(m, weight))
            for lane, weight in enumerate(self._lanes())]
        top = largest(m, [each.exponent for each in products])
        most = self.design.lanes * form.max_significand * weights.max_significand << guard
        width = most.bit_length() + 1
        columns = Columns(width)
        for each in products:
            distance = wire(m, (top - each.exponent)[:len(top)])
            size = cut(m, each.size, guard, distance)
            for k, bit in enumerate(wire(m, size ^ each.negative.replicate(len(size)))):
                columns.add(k, bit)
            columns.add(0, each.negative)
            columns.add(len(size), each.negative, negative=True)
        value, shift, zero = normalised(m, wire(m, Cat(columns.sum(m))))

        # As if the value had as many bits as the significand of the accumulator.
        lowest = BIAS + width - MANTISSA + form.unit + weights.unit - guard - 1
        return value, Mux(zero, -1 << FIELD - 1, top - shift + lowest)

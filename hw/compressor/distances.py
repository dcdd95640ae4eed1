"""How far the exponents of a block are below its largest."""

from amaranth.hdl import C, Cat, Module, Mux, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic.wire import wire


__all__ = ["Distances"]


class Distances(wiring.Component):
    """The largest exponent of a block, and how far below it the others are. Combinational.

    The bits of the largest are found from the highest down: one is set where a value has it set
    whose bits so far are those of the largest. With each bit a distance doubles, plus or minus one;
    those that can only end beyond the last that matters are given up, so that few are left in
    between. Each is a bit of its own: there is neither a comparison nor a subtraction.

    Parameters
    ----------
    lanes : int
        Values of a block.
    width : int
        Bits of an exponent.
    least : int
        The largest is taken to be at least this.
    last : int
        The distances 0 to ``last`` matter.

    Members
    -------
    exponents : In(ArrayLayout(width, lanes))
    top : Out(width)
    distances : Out(ArrayLayout(last + 1, lanes))
        Bit ``k`` of a value is set if its distance is ``k``; none is if it is larger.
    """

    def __init__(self, lanes: int, width: int, least: int, last: int):
        self.lanes, self.width, self.least, self.last = lanes, width, least, last
        super().__init__({"exponents": In(data.ArrayLayout(width, lanes)), "top": Out(width),
                          "distances": Out(data.ArrayLayout(last + 1, lanes))})

    @property
    def variant(self) -> str:
        """Values and parameters."""
        return f"{self.lanes}_{self.width}_{self.least}_{self.last}"

    def elaborate(self, platform):
        m = Module()
        # The least takes part as one more value, whose distance nobody asks for.
        values = [*(self.exponents[k] for k in range(self.lanes)), C(self.least, self.width)]
        near: list[list[Value]] = [[C(1, 1)] for _ in values]
        for high in range(self.width - 1, -1, -2):
            pair = [bit for bit in (high, high - 1) if bit >= 0]
            first = [wire(m, lane[0] & value[high])
                     for lane, value in zip(near, values, strict=True)]
            m.d.comb += self.top[high].eq(Cat(first).any())
            for low in pair[1:]:  # for both cases at once, as the chain of bits is long
                either = [Cat(lane & value[low] for lane, value in zip(side, values, strict=True))
                          for side in (first, [lane[0] for lane in near])]
                m.d.comb += self.top[low].eq(Mux(self.top[high], either[0].any(),
                                                 either[1].any()))
            for bit in pair:
                most = (self.last + (1 << bit) - 1) >> bit
                near = [self._step(m, lane, self.top[bit], value[bit], most)
                        for lane, value in zip(near, values, strict=True)]
        m.d.comb += [self.distances[k].eq(Cat(near[k])) for k in range(self.lanes)]
        return m

    def _step(self, m: Module, near: list[Value], top: Value, one: Value,
              most: int) -> list[Value]:
        """The distances up to ``most`` of one value after another bit."""
        more, less = top & ~one, ~top & one

        def was(distance: int) -> Value:
            return near[distance] if distance < len(near) else C(0, 1)

        found = [was(0) & (one | ~top)]  # a value that is the largest so far has no bit more
        for distance in range(1, most + 1):
            half = distance // 2
            found.append((was(half) & more) | (was(half + 1) & less) if distance % 2
                         else was(half) & ~(top ^ one))
        return [wire(m, value) for value in found]

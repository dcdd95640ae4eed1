"""What the PEs of one row share, decoded once at the row's edge."""

from amaranth.hdl import Cat, Module, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.adder import Columns
from hw.config import VALUE_WIDTH, Pattern
from hw.gather import network_selects
from hw.multiplier import DIGITS, Digit, Recoder
from hw.network import make_network
from hw.selects import NetworkDecoder


__all__ = ["RowDecoder", "SharedLayout"]


class SharedLayout(data.StructLayout):
    """What a row's edge gives to every PE of the row.

    Fields
    ------
    digits : ArrayLayout(ArrayLayout(Digit(), 4), n)
        Recoded kept activations in ascending order of position; all zero in a cycle without step,
        so that a PE then adds nothing and needs no enable.
    correction : unsigned
        Sum of ``4 ** k`` over all negative digits ``k`` of all lanes: what the complements in the
        partial products lack.
    keep : 1
        Low if this step begins a new sum.
    selects : network_selects(network)
        What steers the gather, as ``NetworkDecoder`` gives it. Absent when dense.
    """

    def __init__(self, pattern: Pattern, gather: str = "auto"):
        largest = pattern.n * sum(4 ** k for k in range(DIGITS))
        fields = {
            "digits": data.ArrayLayout(data.ArrayLayout(Digit(), DIGITS), pattern.n),
            "correction": range(largest + 1),
            "keep": 1,
        }
        if not pattern.dense:
            fields["selects"] = network_selects(make_network(gather, pattern))
        super().__init__(fields)


class RowDecoder(wiring.Component):
    """Decodes a compressed block for the PEs of a row. Combinational.

    Parameters
    ----------
    pattern : Pattern
        How many values are kept of how many.
    gather : str
        Network of the gather, one of :data:`hw.config.GATHERS`.

    Members
    -------
    values : In(ArrayLayout(signed(8), n))
        Kept activations in ascending order of position.
    mask : In(m)
        Where they stand; exactly ``n`` bits set. Absent when dense.
    step : In(1)
        The inputs hold a block.
    start : In(1)
        It begins a new sum. Only read when ``step`` is high.
    shared : Out(SharedLayout(pattern, gather))
        What each ``PE`` of the row takes.
    """

    def __init__(self, pattern: Pattern, gather: str = "auto"):
        self.pattern = pattern
        self.gather = gather
        members = {
            "values": In(data.ArrayLayout(signed(VALUE_WIDTH), pattern.n)),
            "step": In(1),
            "start": In(1),
            "shared": Out(SharedLayout(pattern, gather)),
        }
        if not pattern.dense:
            members["mask"] = In(pattern.m)
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()

        correction = Columns(len(self.shared.correction))
        for lane in range(self.pattern.n):
            m.submodules[f"recoder{lane}"] = recoder = Recoder()
            m.d.comb += [
                recoder.value.eq(self.values[lane]),
                recoder.enable.eq(self.step),
                self.shared.digits[lane].eq(recoder.digits),
            ]
            for k in range(DIGITS):
                correction.add(2 * k, recoder.digits[k].negative)
        m.d.comb += [
            self.shared.correction.eq(Cat(correction.sum(m))),
            self.shared.keep.eq(~(self.step & self.start)),
        ]

        if not self.pattern.dense:
            m.submodules.decoder = decoder = NetworkDecoder(
                make_network(self.gather, self.pattern))
            m.d.comb += decoder.mask.eq(self.mask)
            m.d.comb += self.shared.selects.eq(decoder.selects)

        return m

"""What the PEs of one row share, decoded once at the row's edge."""

from amaranth.hdl import Cat, Module, Shape, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic.adder import Columns
from hw.array.multiplier import Recoder, digits_layout
from hw.config import Design
from hw.gather.gather import network_selects
from hw.gather.network import make_network
from hw.gather.selects import NetworkDecoder


__all__ = ["RowDecoder", "SharedLayout", "decode_selects", "select_fields"]


def select_fields(design: Design) -> dict[str, data.ArrayLayout | Shape]:
    """The field of a layout that steers the gather, where there is one."""
    if design.pattern.dense:
        return {}
    return {"selects": network_selects(make_network(design.gather, design.pattern))}


def decode_selects(m: Module, row) -> None:
    """Drive this field of what a row decoder shares, by the mask that it is given."""
    design = row.design
    if not design.pattern.dense:
        inverted = design.registers_gathered  # no register between decoder and row
        m.submodules.decoder = decoder = NetworkDecoder(
            make_network(design.gather, design.pattern), inverted=inverted)
        selects = Value.cast(decoder.selects)
        m.d.comb += decoder.mask.eq(row.mask)
        m.d.comb += Value.cast(row.shared.selects).eq(~selects if inverted else selects)


class SharedLayout(data.StructLayout):
    """What a row's edge gives to every PE of the row.

    Fields
    ------
    digits : ArrayLayout(digits_layout(bits), n)
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

    def __init__(self, design: Design):
        pattern, digits = design.pattern, digits_layout(design.number.bits)
        largest = pattern.n * sum(4 ** k for k in range(digits.length))
        fields = {
            "digits": data.ArrayLayout(digits, pattern.n),
            "correction": range(largest + 1),
            "keep": 1,
        }
        super().__init__(fields | select_fields(design))


class RowDecoder(wiring.Component):
    """Decodes a compressed block for the PEs of a row. Combinational.

    Parameters
    ----------
    design : Design

    Members
    -------
    values : In(ArrayLayout(signed(bits), n))
        Kept activations in ascending order of position.
    mask : In(m)
        Where they stand; exactly ``n`` bits set. Absent when dense.
    step : In(1)
        The inputs hold a block.
    start : In(1)
        It begins a new sum. Only read when ``step`` is high.
    shared : Out(SharedLayout(design))
        What each ``PE`` of the row takes.
    """

    def __init__(self, design: Design):
        pattern = design.pattern
        self.design = design
        members = {
            "values": In(data.ArrayLayout(signed(design.number.bits), pattern.n)),
            "step": In(1),
            "start": In(1),
            "shared": Out(SharedLayout(design)),
        }
        if not pattern.dense:
            members["mask"] = In(pattern.m)
        super().__init__(members)

    @property
    def takes(self) -> dict[str, int]:
        """Cycles from the inputs to each field of ``shared``."""
        return {name: 0 for name, _ in self.shared.shape()}

    def elaborate(self, platform):
        m = Module()

        correction = Columns(len(self.shared.correction))
        for lane in range(self.design.lanes):
            recoder = Recoder(self.design.number.bits)
            m.submodules[f"recoder{lane}"] = recoder
            m.d.comb += [
                recoder.value.eq(self.values[lane]),
                recoder.enable.eq(self.step),
                self.shared.digits[lane].eq(recoder.digits),
            ]
            for k, digit in enumerate(recoder.digits):
                correction.add(2 * k, digit.negative)
        m.d.comb += [
            self.shared.correction.eq(Cat(correction.sum(m))),
            self.shared.keep.eq(~(self.step & self.start)),
        ]

        decode_selects(m, self)
        return m

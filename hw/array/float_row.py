"""What the PEs of one row share where values are floats, decoded once at the row's edge."""

from amaranth.hdl import Cat, Module, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic.wire import wire
from hw.array.block_scale import is_nan
from hw.array.float_product import base_bits, whole
from hw.array.row import decode_selects, select_fields
from hw.config import Design
from hw.stream.members import only_if


__all__ = ["FloatDecoder", "FloatLayout"]


class FloatLayout(data.StructLayout):
    """What a row's edge gives to every PE of the row.

    Fields
    ------
    signs : unsigned(n)
        Of the kept activations in ascending order of position.
    bases, triples : ArrayLayout(unsigned, n)
        Their magnitudes as multiples of the smallest number, or their significands with the hidden
        bit, and three times that. All zero in a cycle without step, so that a PE then adds nothing.
    exponents : ArrayLayout(unsigned, n)
        Of significands, above that of the smallest numbers. Absent where magnitudes are integers.
    keep : 1
        Low if this step begins a new sum.
    scale : 8
        Of the block. Absent where the format has no scales.
    step, nan : 1
        There is a step; its scale, or one of its kept activations, is NaN. Absent where an exact
        sum has no NaN.
    infinities, zeros : unsigned(n)
        Which of the kept activations are. Absent where the format has no infinity.
    kept : unsigned(n)
        Which of the positions are kept, and do not fill up the step. Only with
        ``design.marks_filler``.
    selects : network_selects(network)
        What steers the gather. Absent when dense.
    """

    def __init__(self, design: Design):
        form, lanes = design.number, design.lanes
        super().__init__({
            "signs": unsigned(lanes),
            "bases": data.ArrayLayout(unsigned(base_bits(form)), lanes),
            "triples": data.ArrayLayout(unsigned(base_bits(form) + 2), lanes),
            **({} if whole(form) else
               {"exponents": data.ArrayLayout(unsigned(form.exponent), lanes)}),
            "keep": unsigned(1),
            **({"scale": unsigned(8)} if design.block else {}),
            **({"step": unsigned(1), "nan": unsigned(1)}
               if form.nan or design.accumulator == "fp32" else {}),
            **only_if(form.infinity, infinities=unsigned(lanes), zeros=unsigned(lanes)),
            **only_if(design.marks_filler, kept=unsigned(lanes)),
            **select_fields(design),
        })


class FloatDecoder(wiring.Component):
    """Decodes a compressed block of floats for the PEs of a row. Combinational.

    Parameters
    ----------
    design : Design

    Members
    -------
    values : In(ArrayLayout(signed(bits), n))
        Bits of the kept activations in ascending order of position.
    mask : In(m)
        Where they stand; exactly ``n`` bits set. Absent when dense.
    scale : In(8)
        Of the block. Absent where the format has no scales.
    step : In(1)
        The inputs hold a block.
    start : In(1)
        It begins a new sum. Only read when ``step`` is high.
    shared : Out(FloatLayout(design))
        What each ``PE`` of the row takes.
    """

    def __init__(self, design: Design):
        self.design = design
        members = {
            "values": In(data.ArrayLayout(signed(design.number.bits), design.pattern.n)),
            "step": In(1),
            "start": In(1),
            "shared": Out(FloatLayout(design)),
        }
        if not design.pattern.dense:
            members["mask"] = In(design.pattern.m)
        if design.block:
            members["scale"] = In(8)
        super().__init__(members)

    @property
    def takes(self) -> dict[str, int]:
        """Cycles from the inputs to each field of ``shared``."""
        return {name: 0 for name, _ in self.shared.shape()}

    def elaborate(self, platform):
        m = Module()
        form, shared, nans = self.design.number, self.shared, []
        for lane in range(self.design.lanes):
            value = Value.cast(self.values[lane])
            fraction, field = value[:form.mantissa], value[form.mantissa:-1]
            normal = wire(m, field.any())
            base = wire(m, Cat(fraction, normal) & self.step.replicate(form.mantissa + 1))
            exponent = wire(m, (field - normal)[:form.exponent])
            if whole(form):
                base = wire(m, base << exponent)
            else:
                m.d.comb += shared.exponents[lane].eq(exponent)
            m.d.comb += [
                shared.signs[lane].eq(value[-1]),
                shared.bases[lane].eq(base),
                shared.triples[lane].eq(base + (base << 1)),
            ]
            if form.infinity:
                m.d.comb += [shared.infinities[lane].eq(value[:-1] == form.infinity),
                             shared.zeros[lane].eq(~value[:-1].any())]
            if self.design.marks_filler:
                m.d.comb += shared.kept[lane].eq(~value[-1] | value[:-1].any())
            if form.nan:
                nans.append(value[:-1] >= form.nan)
        if self.design.block:
            m.d.comb += shared.scale.eq(self.scale)
            nans.append(is_nan(self.design.block, self.scale))
        m.d.comb += shared.keep.eq(~(self.step & self.start))
        if "step" in shared.shape().members:
            m.d.comb += [shared.step.eq(self.step), shared.nan.eq(self.step & Cat(nans).any())]
        decode_selects(m, self)
        return m

"""The PE of FPGAs: a DSP block a lane, and a gather of registers that clear."""

from amaranth.hdl import Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.array.product import Product
from hw.config import Design
from hw.gather.clocked import ClockedNetwork, make_clocked_network, route_clocked
from hw.gather.clocked_selects import ClockedDecoder


__all__ = ["DspDecoder", "DspLayout", "DspPE"]


def network_of(design: Design) -> ClockedNetwork:
    """The gather of a sparse design."""
    return make_clocked_network(design.gather, design.pattern)


class DspLayout(data.StructLayout):
    """What a row's edge gives to every PE of the row; ``DspPE.after`` says when.

    Fields
    ------
    values : ArrayLayout(signed(bits), n)
        Kept activations in ascending order of position; all zero in a cycle without step.
    keep : 1
        Low if this step begins a new sum.
    clears0, clears1, ... : unsigned
        What clears the registers of each stage of the gather. Absent when dense.
    """

    def __init__(self, design: Design):
        fields = {
            "values": data.ArrayLayout(signed(design.number.bits), design.pattern.n),
            "keep": unsigned(1),
        }
        if not design.pattern.dense:
            fields |= {f"clears{stage}": unsigned(count)
                       for stage, count in enumerate(network_of(design).clears)}
        super().__init__(fields)


class DspDecoder(wiring.Component):
    """Decodes a compressed block for the PEs of a row. No reset.

    Latency one cycle, and one more for each further stage of the gather.

    Values that are no step's are cleared, as registers are for nothing.

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
    shared : Out(DspLayout(design))
        What each ``DspPE`` of the row takes.
    """

    def __init__(self, design: Design):
        self.design = design
        members = {
            "values": In(data.ArrayLayout(signed(design.number.bits), design.pattern.n)),
            "step": In(1),
            "start": In(1),
            "shared": Out(DspLayout(design)),
        }
        if not design.pattern.dense:
            members["mask"] = In(design.pattern.m)
        super().__init__(members)

    @property
    def takes(self) -> dict[str, int]:
        """Cycles from the inputs to each field of ``shared``."""
        clears = (name for name, _ in self.shared.shape() if name.startswith("clears"))
        return {"values": 1, "keep": 1, **{name: 1 + s for s, name in enumerate(clears)}}

    def elaborate(self, platform):
        m = Module()
        values, keep = Signal(self.values.shape(), reset_less=True), Signal(reset_less=True)
        m.d.sync += [values.eq(self.values), keep.eq(~(self.step & self.start))]
        with m.If(~self.step):
            m.d.sync += Value.cast(values).eq(0)
        m.d.comb += [self.shared.values.eq(values), self.shared.keep.eq(keep)]
        if not self.design.pattern.dense:
            network = network_of(self.design)
            m.submodules.decoder = decoder = ClockedDecoder(network)
            m.d.comb += decoder.mask.eq(self.mask)
            m.d.comb += [self.shared[name].eq(getattr(decoder, name)) for name in
                         (f"clears{stage}" for stage in range(len(network.clears)))]
        return m


class DspPE(wiring.Component):
    """Multiplies a compressed block of activations with its weights, and accumulates.

    What ``PE`` computes, for an FPGA: a ``Product`` for each lane, which tools map to a DSP block
    and its registers, a tree of adders with a register behind each level,
    and the accumulator. The gather in front works in a cycle for each of its stages.

    One block per cycle. Its parts come in different cycles, as ``after`` says, and the sum stands
    in ``accumulator`` ``latency`` cycles after the weights. Reset clears the accumulator alone;
    what else is held moves on in every cycle.

    Parameters
    ----------
    design : Design
        Lanes (``n``) and weights per step (``m``), formats, gather and the accumulator's width.
        Dense has no gather.

    Members
    -------
    shared : In(DspLayout(design))
        Activations and what clears the gather, as ``DspDecoder`` gives them.
    weights : In(ArrayLayout(signed(weight bits), m))
        Weights of the block.
    accumulator : Out(signed(accumulator_width))
        Sum of all steps since the last one that began a sum.
    """

    interval = 1

    def __init__(self, design: Design):
        self.design = design
        self.network = None if design.pattern.dense else network_of(design)
        super().__init__({
            "shared": In(DspLayout(design)),
            "weights": In(data.ArrayLayout(signed(design.weight.bits), design.pattern.m)),
            "accumulator": Out(signed(design.accumulator_width)),
        })

    @property
    def _gather_cycles(self) -> int:
        """Cycles from a block's weights to those in front of the products, in a register."""
        return 1 if self.network is None else len(self.network.stages) + 1

    @property
    def _adding_cycles(self) -> int:
        """Cycles from the products to their sum."""
        return (self.design.lanes - 1).bit_length()

    @property
    def latency(self) -> int:
        """Cycles from weights to the accumulator that holds their sum."""
        return self._gather_cycles + 1 + self._adding_cycles + 1

    @property
    def after(self) -> dict[str, int]:
        """Cycles by which the parts of a block come after its weights."""
        stages = 0 if self.network is None else len(self.network.stages)
        return {
            "values": self._gather_cycles - 1,
            "keep": self.latency - 2,
            **{f"clears{stage}": stage for stage in range(stages)},
        }

    def elaborate(self, platform):
        m = Module()
        bits = self.design.weight.bits
        gathered = Value.cast(self.weights)
        if self.network is not None:
            clear = [self.shared[f"clears{stage}"] for stage in range(len(self.network.stages))]
            gathered = route_clocked(m, self.network, self.weights, clear)

        # Registers of each PE's own, although those of a row are the same: a DSP block has them,
        # and without its own, a multiplier or an accumulator must be near to those of other PEs.
        sums = []
        for lane in range(self.design.lanes):
            m.submodules[f"product{lane}"] = product = Product(self.design.number.bits, bits)
            m.d.comb += [product.value.eq(self.shared.values[lane]),
                         product.weight.eq(gathered.word_select(lane, bits))]
            sums.append(product.product)
        for level in range(self._adding_cycles):
            pairs = [sums[k:k + 2] for k in range(0, len(sums), 2)]
            sums = [self._register(m, pair[0] + pair[1] if len(pair) > 1 else pair[0],
                                   f"sum{level}_{k}") for k, pair in enumerate(pairs)]
        keep = self._register(m, self.shared.keep, "keep")
        m.d.sync += self.accumulator.eq(Mux(keep, self.accumulator, 0) + sums[0])
        return m

    def _register(self, m, value, name):
        """A register without reset for ``value``."""
        register = Signal(value.shape(), name=name, reset_less=True)
        m.d.sync += register.eq(value)
        return register

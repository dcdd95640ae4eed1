"""The designs that can be generated: components behind the ports of the specification."""

from amaranth.hdl import Cat, Module, Value
from amaranth.lib import data, wiring

from hw.accelerator import Accelerator
from hw.array import Array
from hw.axi import Axis, Port, members
from hw.axi_lite import AXIL_PORTS
from hw.compressor import Compressor
from hw.config import DESIGNS, VALUE_WIDTH, Design, choice
from hw.decompressor import Decompressor
from hw.pe import PE
from hw.selector import COMBINATIONAL, Asked, make_select_stage, make_selector


__all__ = ["Top", "make_top"]


class Top(wiring.Component):
    """A component of the inside with the port names of the outside.

    Attributes
    ----------
    ports : list of Port
        Every port but ``clk`` and ``rst``, in order.
    latency : int
        Cycles from an input to the output that depends on it; 0 is combinational.
    interval : int
        Cycles from one input to the next.
    """

    def __init__(self, design: Design, inside, ports: list[Port]):
        super().__init__(members(ports))
        self.design = design
        self.inside = inside
        self.ports = ports

    @property
    def latency(self) -> int:
        """Cycles from an input to the output that depends on it."""
        return self.inside.latency

    @property
    def interval(self) -> int:
        """Cycles from one input to the next."""
        return getattr(self.inside, "interval", 1)


class SelectorTop(Top):
    """``scores`` to ``mask``, combinational. A dense pattern keeps every lane."""

    latency = 0

    def __init__(self, design: Design):
        pattern, flexible = design.pattern, design.flexible
        inside = None if pattern.dense and flexible == "none" else make_selector(
            design.selector, pattern, VALUE_WIDTH, flexible)
        asked = [] if flexible == "none" else [
            Port("n", "in", pattern.m.bit_length(), "how many to keep, 1 to M")]
        super().__init__(design, inside, [
            Port("scores", "in", pattern.m * VALUE_WIDTH, "M unsigned scores, lane 0 lowest"),
            *asked,
            Port("mask", "out", pattern.m, "exactly n bits set: the largest scores" if asked else
                 "exactly N bits set: the largest scores"),
        ])

    def elaborate(self, platform):
        m = Module()
        if self.inside is None:
            m.d.comb += self.mask.eq(~0)
            return m
        m.submodules.selector = self.inside
        m.d.comb += [Value.cast(self.inside.scores).eq(self.scores), self.mask.eq(self.inside.mask)]
        if self.inside.flexible != "none":
            m.d.comb += self.inside.n.eq(self.n)
        return m


class _StreamTop(Top):
    """A component with one stream in, ``i``, and one out, ``o``."""

    def __init__(self, design: Design, inside, sink: Axis, source: Axis):
        super().__init__(design, inside, [*sink.ports, *source.ports])
        self.sink = sink
        self.source = source

    def elaborate(self, platform):
        m = Module()
        m.submodules.inside = inside = self.inside
        for axis, stream in ((self.sink, inside.i), (self.source, inside.o)):
            axis.connect(m, self, stream, **self.parts(stream.payload))
        return m


def _dense_axis(prefix: str, design: Design, **user) -> Axis:
    return Axis(prefix, design.pattern.m * VALUE_WIDTH, "M values of one block, feature 0 lowest",
                "last block of the token", **user)


def _compressed_axis(prefix: str, design: Design) -> Axis:
    return Axis(prefix, design.pattern.n * VALUE_WIDTH, "N kept values, ascending features",
                "last block of the token", user=design.pattern.bitmask_bits,
                user_meaning="bitmask: bit j is set where feature j was kept")


_ASKED_MEANINGS = {
    "none": "",
    "n": "how many to keep of the block, 1 to M",
    "all": "low bits: how many to keep of each block; above them: log2 of the blocks' size",
}


class StreamSelectorTop(_StreamTop):
    """Stream of scores to stream of masks: the selectors that take several cycles."""

    def __init__(self, design: Design):
        pattern, flexible = design.pattern, design.flexible
        inside = make_select_stage(design.selector, data.StructLayout({"last": 1}), pattern,
                                   VALUE_WIDTH, stages=design.stages, flexible=flexible)
        asked = 0 if flexible == "none" else Asked(pattern, flexible).size
        super().__init__(
            design, inside,
            Axis("s_axis", pattern.m * VALUE_WIDTH, "M unsigned scores, lane 0 lowest",
                 "passed on", user=asked, user_meaning=_ASKED_MEANINGS[flexible]),
            Axis("m_axis", pattern.m, "mask: the largest scores", "of the scores"))

    def parts(self, payload):
        """``tdata``, ``tuser`` and ``tlast`` of a payload."""
        fields = payload.shape().members
        asked = {"user": payload.pattern} if "pattern" in fields else {}
        return {"data": payload.scores if "scores" in fields else payload.mask,
                "last": payload.block.last, **asked}


def _selector_top(design: Design) -> Top:
    """The combinational form where there is one and no stages are asked for."""
    if design.pattern.dense and design.flexible == "none":
        return SelectorTop(design)
    several_cycles = design.stages or design.selector not in COMBINATIONAL
    return (StreamSelectorTop if several_cycles else SelectorTop)(design)


class CompressorTop(_StreamTop):
    """Stream of dense blocks to stream of compressed blocks."""

    def __init__(self, design: Design):
        super().__init__(design, Compressor(design.pattern, design.selector, design.stages),
                         _dense_axis("s_axis", design), _compressed_axis("m_axis", design))

    def parts(self, payload):
        """``tdata``, ``tuser`` and ``tlast`` of a payload."""
        mask = {"user": payload.mask} if "mask" in payload.shape().members else {}
        return {"data": payload.values, "last": payload.last, **mask}


class DecompressorTop(_StreamTop):
    """Stream of compressed blocks to stream of dense blocks."""

    def __init__(self, design: Design):
        super().__init__(design, Decompressor(design.pattern),
                         _compressed_axis("s_axis", design),
                         _dense_axis("m_axis", design, user=1,
                                     user_meaning="the bitmask did not have N bits set"))

    def parts(self, payload):
        """``tdata``, ``tuser`` and ``tlast`` of a payload."""
        if "block" in payload.shape().members:
            return {"data": payload.block.values, "last": payload.block.last,
                    "user": payload.illegal}
        return {"data": payload.values, "last": payload.last, "user": payload.mask}


_SHARED_MEANINGS = {
    "digits": "L kept activations, ascending features, each as 4 radix-4 Booth digits",
    "correction": "sum of 4**k over all negative digits k of all lanes",
    "keep": "0: this step begins a new sum",
    "selects": "for each lane the one-hot position of its weight in its window",
}


class PETop(Top):
    """One PE, as one column of the array uses it."""

    latency = 1

    def __init__(self, design: Design):
        inside = PE(design.pattern, design.accumulator_width)
        self.fields = {name: field.width for name, field in inside.shared.shape()}
        super().__init__(design, inside, [
            *(Port(name, "in", width, _SHARED_MEANINGS[name])
              for name, width in self.fields.items()),
            Port("weights", "in", design.pattern.m * VALUE_WIDTH, "weights of the block, int8"),
            Port("accumulator", "out", design.accumulator_width, "signed sum, one cycle later"),
        ])

    def elaborate(self, platform):
        m = Module()
        m.submodules.pe = pe = self.inside
        m.d.comb += [
            Value.cast(pe.shared).eq(Cat(getattr(self, name) for name in self.fields)),
            Value.cast(pe.weights).eq(self.weights),
            self.accumulator.eq(pe.accumulator),
        ]
        return m


def _result_axis(prefix: str, design: Design, last_meaning: str) -> Axis:
    return Axis(prefix, design.columns * design.accumulator_width,
                "one signed accumulator for each column, column 0 lowest", last_meaning)


class ArrayTop(Top):
    """The array without buffers; its inputs are skewed as :class:`hw.array.Array` says."""

    def __init__(self, design: Design):
        pattern = design.pattern
        self.axis = _result_axis("m_axis", design, "last row of the array")
        masks = [] if pattern.dense else [
            Port("masks", "in", design.rows * pattern.m, "bitmask of each row's block")]
        super().__init__(design, Array(design), [
            Port("values", "in", design.rows * pattern.n * VALUE_WIDTH,
                 "N kept values of each row's block, int8"),
            *masks,
            Port("weights", "in", design.columns * pattern.m * VALUE_WIDTH,
                 "M weights of each column, int8"),
            Port("step", "in", design.row_tiles, "accumulate; one bit for each row tile"),
            Port("start", "in", design.row_tiles, "this step begins a new sum"),
            Port("last", "in", design.row_tiles, "this step ends the sum"),
            *self.axis.ports,
        ])

    def elaborate(self, platform):
        m = Module()
        m.submodules.array = array = self.inside
        for port in self.ports:
            if port.name in ("values", "masks", "weights"):
                m.d.comb += Value.cast(getattr(array, port.name)).eq(getattr(self, port.name))
        for i in range(self.design.row_tiles):
            m.d.comb += [array.control[i][name].eq(getattr(self, name)[i])
                         for name in ("step", "start", "last")]
        self.axis.connect(m, self, array.o, data=array.o.payload.accumulators,
                          last=array.o.payload.last)
        return m


class AcceleratorTop(Top):
    """The whole accelerator."""

    def __init__(self, design: Design):
        weight_bits = design.columns * design.pattern.m * VALUE_WIDTH
        self.act = _dense_axis("s_axis_act", design)
        self.weight = Axis("s_axis_weight", weight_bits,
                           "one block of M weights for each column, column 0 lowest",
                           "last block of a tile of columns")
        self.result = _result_axis("m_axis_result", design, "last token of a tile of columns")
        super().__init__(design, Accelerator(design), [
            *self.act.ports, *self.weight.ports, *self.result.ports, *AXIL_PORTS,
            Port("irq", "out", 1, "a job has ended and interrupts are enabled"),
        ])

    def elaborate(self, platform):
        m = Module()
        m.submodules.accelerator = inside = self.inside
        act, weight, result = inside.i_act, inside.i_weight, inside.o_result
        self.act.connect(m, self, act, data=act.payload.values, last=act.payload.last)
        self.weight.connect(m, self, weight, data=weight.payload.blocks, last=weight.payload.last)
        self.result.connect(m, self, result, data=result.payload.accumulators,
                            last=result.payload.last)
        for port in [*AXIL_PORTS, self.ports[-1]]:
            sink, source = (inside, self) if port.direction == "in" else (self, inside)
            m.d.comb += getattr(sink, port.name).eq(getattr(source, port.name))
        return m


_TOPS = {
    "selector": _selector_top,
    "compressor": CompressorTop,
    "decompressor": DecompressorTop,
    "pe": PETop,
    "array": ArrayTop,
    "accelerator": AcceleratorTop,
}


def make_top(name: str, design: Design) -> Top:
    """Return the top of a design, one of :data:`hw.config.DESIGNS`; ValueError otherwise."""
    top = _TOPS[choice("design", name, DESIGNS)]
    if name != "selector":
        choice(f"flexible of the design {name}", design.flexible, ("none",))
    return top(design)

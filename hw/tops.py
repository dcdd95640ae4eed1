"""The designs that can be generated: components behind the ports of the specification."""

from amaranth.hdl import Cat, Module, Shape, Signal, Value
from amaranth.lib import data, wiring

from hw.accelerator import Accelerator
from hw.array import Array
from hw.axi import Axis, Port, members
from hw.axi_lite import AXIL_PORTS
from hw.compressor import Compressor
from hw.config import DESIGNS, VALUE_WIDTH, Design, choice
from hw.decompressor import Decompressor
from hw.epilogue_format import CHANNEL_BYTES
from hw.pe import PE
from hw.selector import COMBINATIONAL, ask, make_select_stage, make_selector
from hw.stream import Asked, EncodedBlock


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


_ASKED_MEANINGS = {"n": "how many to keep of each block, from 1 to its size",
                   "size": "log2 of the size of a block, from 1 to log2 M"}


class SelectorTop(Top):
    """``scores`` to ``mask``, combinational. A dense pattern keeps every lane."""

    latency = 0

    def __init__(self, design: Design):
        pattern, flexible, width = design.pattern, design.flexible, design.score_width
        inside = None if pattern.dense and flexible == "none" else make_selector(
            design.selector, pattern, width, flexible)
        self.asked = [] if flexible == "none" else [
            Port(name, "in", Shape.cast(shape).width, _ASKED_MEANINGS[name])
            for name, shape in Asked(pattern, flexible).members.items()]
        super().__init__(design, inside, [
            Port("scores", "in", pattern.m * width, "M unsigned scores, lane 0 lowest"),
            *self.asked,
            Port("mask", "out", pattern.m, "n bits of each block set: the largest scores"
                 if self.asked else
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
            ask(m, self.inside, {port.name: getattr(self, port.name) for port in self.asked})
        return m


class _StreamTop(Top):
    """A component with one stream in, ``i``, and one out, ``o``."""

    def __init__(self, design: Design, inside, sink: Axis, source: Axis, *more: Port):
        super().__init__(design, inside, [*sink.ports, *source.ports, *more])
        self.sink = sink
        self.source = source

    def elaborate(self, platform):
        m = Module()
        m.submodules.inside = inside = self.inside
        self.sink.connect(m, self, inside.i, **self.sink_parts(inside.i.payload))
        self.source.connect(m, self, inside.o, **self.source_parts(inside.o.payload))
        return m

    def sink_parts(self, payload) -> dict:
        """``tdata``, ``tuser`` and ``tlast`` of the input: a dense block unless overridden."""
        return {"data": payload.values, "last": payload.last}


def _dense_axis(prefix: str, design: Design, **user) -> Axis:
    return Axis(prefix, design.pattern.m * design.number.bits,
                "M values of one block, feature 0 lowest",
                "last block of the token", **user)


_METADATA = {
    "bitmask": "bitmask: bit j is set where feature j was kept",
    "index": "N positions in the block, ascending, ceil(log2 M) bits each, the first one lowest",
    "rank": "rank of the bitmask: sum of C(position, i + 1) over the kept values i",
}


def _compressed_axis(prefix: str, design: Design) -> Axis:
    fields = _user_fields(design)
    meanings, lowest = [], 0
    for layout, meaning in fields.values():
        width = Shape.cast(layout).width
        meanings.append(f"{meaning} (bits {lowest + width - 1} to {lowest})")
        lowest += width
    kept = "N kept values, ascending features"
    ends = "last block of the token"
    if design.flexible != "none":
        kept += " (one step of the block; zeros where it keeps fewer)"
        ends = "last step of the token"
    return Axis(prefix, (design.pattern.m if design.complement else design.pattern.n)
                * design.number.bits,
                f"{kept}, then the M - N dropped ones" if design.complement else kept,
                ends, user=lowest, user_meaning="; ".join(meanings))


def _user_fields(design: Design) -> dict:
    """Shape and meaning of the fields in ``tuser`` of a compressed block, the lowest first."""
    block = EncodedBlock(design)
    meaning = _METADATA[design.encoding]
    if design.flexible != "none":
        meaning = "bitmask: the N positions of the values in the block, those of zeros included"
    fields = {EncodedBlock.metadata_field(design): (design.metadata_bits, meaning)}
    if not design.metadata_bits:
        fields.clear()
    if design.dynamic_shift:
        fields["eta"] = block["eta"].shape, f"the token's {design.shift}, signed"
    if design.statistics:
        layout = block["sums"].shape
        parts = ", ".join(f"{name} {field.width}" for name, field in layout)
        fields["sums"] = layout, f"sums over the token, valid with tlast: {parts} bits"
    return fields


def _compressed_parts(design: Design, payload) -> dict:
    """``tdata``, ``tuser`` and ``tlast`` of a compressed block."""
    data = [payload.values] + ([payload.dropped] if design.complement else [])
    user = [payload[name] for name in _user_fields(design)]
    return {"data": _joined(data), "last": payload.last, "user": _joined(user) if user else None}


def _joined(parts) -> Value:
    """Parts as one value that can be read or assigned, the first one lowest."""
    return Cat(Value.cast(part) for part in parts)


def _channel_parts(design: Design) -> list[str]:
    """What a beat of channel parameters holds, the lowest first."""
    parts = [f"M unsigned coefficients of {design.coefficients} bits"] * bool(design.coefficients)
    return parts + [f"M signed shifts of {design.number.bits} bits"] * (design.shift == "channel")


def _coef_axis(design: Design) -> Axis:
    return Axis("s_axis_coef", design.channel_bits * design.pattern.m,
                "parameters of the M channels of one block: "
                + " and then ".join(_channel_parts(design)), "last block of the token")


def _connect_coef(m: Module, top, load) -> None:
    names = [name for name in load.payload.shape().members if name != "last"]
    top.coef.connect(m, top, load, data=_joined(load.payload[name] for name in names),
                     last=load.payload.last)


def _asked_user(design: Design) -> dict:
    """``tuser`` of a stream whose beats ask for a pattern, as parameters of its ``Axis``."""
    if design.flexible == "none":
        return {}
    asked = Asked(design.pattern, design.flexible)
    return {"user": asked.size,
            "user_meaning": "; above it: ".join(_ASKED_MEANINGS[name] for name in asked.members)}


class StreamSelectorTop(_StreamTop):
    """Stream of scores to stream of masks: the selectors that take several cycles."""

    def __init__(self, design: Design):
        pattern, flexible, width = design.pattern, design.flexible, design.score_width
        inside = make_select_stage(design.selector, data.StructLayout({"last": 1}), pattern, width,
                                   stages=design.stages, flexible=flexible)
        super().__init__(
            design, inside,
            Axis("s_axis", pattern.m * width, "M unsigned scores, lane 0 lowest",
                 "passed on", **_asked_user(design)),
            Axis("m_axis", pattern.m, "mask: the largest scores", "of the scores"))

    def sink_parts(self, payload):
        """Parts of the input's payload."""
        asked = payload.pattern if "pattern" in payload.shape().members else None
        return {"data": payload.scores, "last": payload.block.last, "user": asked}

    def source_parts(self, payload):
        """Parts of the output's payload."""
        return {"data": payload.mask, "last": payload.block.last}


def _selector_top(design: Design) -> Top:
    """The combinational form where there is one and no stages are asked for."""
    if design.pattern.dense and design.flexible == "none":
        return SelectorTop(design)
    several_cycles = design.stages or design.selector not in COMBINATIONAL
    return (StreamSelectorTop if several_cycles else SelectorTop)(design)


class CompressorTop(_StreamTop):
    """Stream of dense blocks to stream of compressed blocks."""

    def __init__(self, design: Design):
        self.coef = Axis("s_axis_coef", design.channel_bits * design.pattern.m,
                         "parameters of the M channels of one block: "
                         + " and then ".join(_channel_parts(design)),
                         "last block of the token")
        more = [*self.coef.ports] if design.channel_bits else []
        if design.shift == "scalar":
            more.append(Port("shift", "in", design.number.bits,
                             "signed, subtracted from every value; static"))
        if design.unstructured:
            more.append(Port("threshold", "in", design.score_width,
                             "0: the pattern; else all values of this score or more; static"))
        super().__init__(design, Compressor(design),
                         _dense_axis("s_axis", design, **_asked_user(design)),
                         _compressed_axis("m_axis", design), *more)

    def elaborate(self, platform):
        m = super().elaborate(platform)
        if self.design.channel_bits:
            _connect_coef(m, self, self.inside.i_coef)
        if self.design.shift == "scalar":
            m.d.comb += self.inside.shift.eq(self.shift)
        if self.design.unstructured:
            m.d.comb += self.inside.threshold.eq(self.threshold)
        return m

    def sink_parts(self, payload):
        """Parts of the input's payload."""
        asked = {} if self.design.flexible == "none" else {"user": payload.asked}
        return {**super().sink_parts(payload), **asked}

    def source_parts(self, payload):
        """Parts of the output's payload."""
        return _compressed_parts(self.design, payload)


class DecompressorTop(_StreamTop):
    """Stream of compressed blocks to stream of dense blocks."""

    def __init__(self, design: Design):
        super().__init__(design, Decompressor(design), _compressed_axis("s_axis", design),
                         _dense_axis("m_axis", design, user=1,
                                     user_meaning="the metadata is that of no block"))

    def sink_parts(self, payload):
        """Parts of the input's payload."""
        return _compressed_parts(self.design, payload)

    def source_parts(self, payload):
        """Parts of the output's payload."""
        return {"data": payload.block.values, "last": payload.block.last,
                "user": payload.illegal}


_SHARED_MEANINGS = {
    "digits": "L kept activations, ascending features, each as radix-4 digits",
    "correction": "sum of 4**k over all negative digits k of all lanes",
    "keep": "0: this step begins a new sum",
    "selects": "for each node of the gather the one-hot source of its value; see docs/pe.md",
}


class PETop(Top):
    """One PE, as one column of the array uses it."""

    latency = 1

    def __init__(self, design: Design):
        inside = PE(design)
        self.fields = {name: field.width for name, field in inside.shared.shape()}
        super().__init__(design, inside, [
            *(Port(name, "in", width, _SHARED_MEANINGS[name])
              for name, width in self.fields.items()),
            Port("weights", "in", design.pattern.m * design.weight.bits, "weights of the block"),
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


def _result_axis(prefix: str, design: Design, last_meaning: str, more: str = "") -> Axis:
    return Axis(prefix, design.columns * design.accumulator_width,
                f"one signed accumulator for each column, column 0 lowest{more}", last_meaning)


class ArrayTop(Top):
    """The array without buffers; its inputs are skewed as :class:`hw.array.Array` says."""

    def __init__(self, design: Design):
        pattern = design.pattern
        self.axis = _result_axis("m_axis", design, "last row of the array")
        masks = [] if pattern.dense else [
            Port("masks", "in", design.rows * pattern.m, "bitmask of each row's block")]
        super().__init__(design, Array(design), [
            Port("values", "in", design.rows * pattern.n * design.number.bits,
                 "N kept values of each row's block"),
            *masks,
            Port("weights", "in", design.columns * pattern.m * design.weight.bits,
                 "M weights of each column"),
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


def _epilogue_axes(design: Design) -> dict[str, Axis]:
    """Streams of the epilogue by name."""
    return {
        "token": Axis("s_axis_token", 16, "scale of a token, 15 bits after the point", "ignored"),
        "channel": Axis("s_axis_channel", design.columns * CHANNEL_BYTES * 8,
                        "for each column 6 bytes: scale (16 bits), shift (8), bias (24, signed, 8 "
                        "after the point), column 0 lowest", "ignored"),
    }


class AcceleratorTop(Top):
    """The whole accelerator."""

    def __init__(self, design: Design):
        weight_bits = design.columns * design.pattern.m * VALUE_WIDTH
        self.act = _dense_axis("s_axis_act", design)
        self.weight = Axis("s_axis_weight", weight_bits,
                           "one block of M weights for each column, column 0 lowest",
                           "last block of a tile of columns")
        self.result = _result_axis("m_axis_result", design, "last token of a batch, in a tile",
                                   "; or what OUTPUT asks for, sign-extended" *
                                   bool(design.epilogue_lanes))
        self.coef = _coef_axis(design)
        self.more = _epilogue_axes(design) if design.epilogue_lanes else {}
        super().__init__(design, Accelerator(design), [
            *self.act.ports, *self.weight.ports, *(self.coef.ports * bool(design.channel_bits)),
            *(port for axis in self.more.values() for port in axis.ports),
            *self.result.ports, *AXIL_PORTS,
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
        if self.design.channel_bits:
            _connect_coef(m, self, inside.i_coef)
        for name, axis in self.more.items():
            source = getattr(inside, f"i_{name}")
            axis.connect(m, self, source, data=source.payload, last=Signal(name=f"{name}_last"))
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
    """Return the top of a design, one of :data:`hw.config.DESIGNS`.

    Raises
    ------
    ValueError
        If the name is unknown, or the design does not have a parameter that is set.
    """
    choice("design", name, DESIGNS)
    design.require(name)
    return _TOPS[name](design)

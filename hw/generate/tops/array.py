"""Generated PEs and arrays."""

from amaranth.hdl import Cat, Shape, Value

from hw.array.array import Array
from hw.array.form import make_pe
from hw.array.sums import sum_shape
from hw.config import Design
from hw.generate.tops.base import Top
from hw.stream.axi import Axis, Port


__all__ = ["ArrayTop", "PETop", "result_axis"]


_SHARED_MEANINGS = {
    "digits": "L kept activations, ascending features, each as radix-4 digits",
    "correction": "sum of 4**k over all negative digits k of all lanes",
    "keep": "0: this step begins a new sum",
    "values": "L kept activations, ascending features; 0 where there is no step",
    "signs": "signs of the L kept activations, ascending features",
    "bases": "their magnitudes as multiples of the smallest number, or their significands with the "
             "hidden bit where there are exponents; 0 where there is no step",
    "triples": "three times that",
    "exponents": "their exponents above that of the smallest numbers",
    "scale": "scale of the activations",
    "step": "there is a step",
    "nan": "a kept activation of the step, or its scale, is NaN",
    "infinities": "which of the kept activations are infinite",
    "zeros": "which of them are zero",
    "selects": "for each node of the gather the one-hot source of its value; see docs/hw/gather.md",
}


_FLOATS = {"fp32": "binary32", "bf16": "bf16", "fp16": "fp16"}


def _meaning(name: str, design: Design) -> str:
    if name.startswith("clears"):
        return (f"what clears the registers of stage {name.removeprefix('clears')} of the gather; "
                "see docs/hw/gather.md")
    return _SHARED_MEANINGS[name] + (_scale(design) if name == "scale" else "")


def _scale(design: Design) -> str:
    """How a scale of a block is written, where there is one."""
    return f", {design.block.scale.upper()}" if design.block else ""


def _cycles(count: int) -> str:
    return f"{count} cycle{'s' * (count > 1)}"


def _sum_meaning(design: Design) -> str:
    if design.number.integer:
        return "signed sum"
    if design.accumulator == "fp32":
        return "sum in binary32, in two's complement; see docs/hw/floats.md"
    nan = f"; NaN if bit {design.accumulator_width} is set" if design.number.nan else ""
    return f"signed sum of {design.accumulator_width} bits times 2**{design.product_unit}{nan}"


class PETop(Top):
    """One PE, as one column of the array uses it."""

    def __init__(self, design: Design):
        inside = make_pe(design)
        self.fields = {name: field.width for name, field in inside.shared.shape()}

        def when(name):
            cycles = inside.after[name]
            return f", {_cycles(cycles)} after the weights" if cycles else ""

        super().__init__(design, inside, [
            *(Port(name, "in", width, _meaning(name, design) + when(name))
              for name, width in self.fields.items()),
            Port("weights", "in", design.pattern.m * design.weight.bits, "weights of the block"),
            *([Port("weight_scale", "in", 8, "their scale" + _scale(design) + when("bases"))]
              if design.block else []),
            Port("accumulator", "out", Shape.cast(sum_shape(design)).width,
                 f"{_sum_meaning(design)}, {_cycles(inside.latency)} after the weights"),
        ])

    def elaborate(self, platform):
        m = self.module()
        m.submodules.pe = pe = self.inside
        m.d.comb += [
            Value.cast(pe.shared).eq(Cat(getattr(self, name) for name in self.fields)),
            Value.cast(pe.weights).eq(self.weights),
            self.accumulator.eq(Value.cast(pe.accumulator)),
        ]
        if self.design.block:
            m.d.comb += pe.weight_scale.eq(self.weight_scale)
        return m


def result_axis(prefix: str, design: Design, last_meaning: str, more: str = "") -> Axis:
    kind = "signed accumulator" if design.number.integer else _FLOATS[design.result_format]
    return Axis(prefix, design.columns * design.result_bits,
                f"one {kind} for each column, column 0 lowest{more}", last_meaning,
                padded=design.pad_streams)


class ArrayTop(Top):
    """The array without buffers; its inputs are skewed as :class:`hw.array.array.Array` says."""

    def __init__(self, design: Design):
        pattern = design.pattern
        self.axis = result_axis("m_axis", design, "last row of the array")
        masks = [] if pattern.dense else [
            Port("masks", "in", design.rows * pattern.m, "bitmask of each row's block")]
        kind = _scale(design)
        scales = [Port("scales", "in", design.rows * 8, f"scale of each row's block{kind}"),
                  Port("weight_scales", "in", design.columns * 8,
                       f"scale of each column's weights{kind}")] if design.block else []
        super().__init__(design, Array(design), [
            Port("values", "in", design.rows * pattern.n * design.number.bits,
                 "N kept values of each row's block"),
            *masks,
            Port("weights", "in", design.columns * pattern.m * design.weight.bits,
                 "M weights of each column"),
            *scales,
            Port("step", "in", design.row_tiles, "accumulate; one bit for each row tile"),
            Port("start", "in", design.row_tiles, "this step begins a new sum"),
            Port("last", "in", design.row_tiles, "this step ends the sum"),
            *self.axis.ports,
        ])

    def elaborate(self, platform):
        m = self.module()
        m.submodules.array = array = self.inside
        m.d.comb += [Value.cast(array.rows.values).eq(self.values),
                     Value.cast(array.weights).eq(self.weights)]
        if not self.design.pattern.dense:
            m.d.comb += Value.cast(array.rows.masks).eq(self.masks)
        if self.design.block:
            m.d.comb += [Value.cast(array.rows.scales).eq(self.scales),
                         Value.cast(array.weight_scales).eq(self.weight_scales)]
        for i in range(self.design.row_tiles):
            m.d.comb += [array.control[i][name].eq(getattr(self, name)[i])
                         for name in ("step", "start", "last")]
        self.axis.connect(m, self, array.o, data=array.o.payload.accumulators,
                          last=array.o.payload.last)
        return m

"""The generated accelerator."""

from amaranth.lib import wiring

from hw.accelerator.accelerator import Accelerator
from hw.bus.accelerator import BusAccelerator
from hw.bus.axi4 import Axi4
from hw.config import Design
from hw.fixed_point import CHANNEL_BYTES
from hw.generate.tops.array import result_axis
from hw.generate.tops.base import Top, coef_axis, connect_coef, dense_axis, joined
from hw.stream.axi import Axis, Port
from hw.stream.axi_lite import AxiLite


__all__ = ["accelerator_top"]


_DATA = {"token": "scale", "channel": "columns"}
"""What the streams of the epilogue carry in ``tdata``."""


def _epilogue_axes(design: Design) -> dict[str, Axis]:
    """Streams of the epilogue by name."""
    if design.biases:
        terms = "scale and then bias" if design.scales_outputs else "bias"
        return {"channel": Axis("s_axis_channel", design.columns * design.term_bits,
                                f"{terms} for each column, {design.result_format}, column 0 lowest",
                                "last tile of the job", padded=design.pad_streams)}
    return {
        "token": Axis("s_axis_token", 16, "scale of a token, 15 bits after the point",
                      "last token of the job", padded=design.pad_streams),
        "channel": Axis("s_axis_channel", design.columns * CHANNEL_BYTES * 8,
                        "for each column 6 bytes: scale (16 bits), shift (8), bias (24, signed, 8 "
                        "after the point), column 0 lowest", "last tile of the job",
                        padded=design.pad_streams),
    }


_IRQ = Port("irq", "out", 1, "a job has ended, or timed out, and interrupts are enabled")


def accelerator_top(design: Design) -> Top:
    """The whole accelerator, with streams or as a master of a bus."""
    return StreamAcceleratorTop(design) if design.bus == "stream" else BusAcceleratorTop(design)


class BusAcceleratorTop(Top):
    """The whole accelerator, which fetches and writes its data by itself."""

    def __init__(self, design: Design):
        super().__init__(design, BusAccelerator(design), [
            *AxiLite.ports("s_axil"), *Axi4.ports("m_axi", design), _IRQ])

    def elaborate(self, platform):
        m = self.module()
        m.submodules.bus_accelerator = inside = self.inside
        wiring.connect(m, AxiLite.host(self, "s_axil"), inside.registers)
        wiring.connect(m, inside.memory, Axi4.memory(self, "m_axi", self.design))
        m.d.comb += self.irq.eq(inside.irq)
        return m


class StreamAcceleratorTop(Top):
    """The whole accelerator, whose data somebody brings and takes."""

    def __init__(self, design: Design):
        block = design.quantized
        scale_bits = 8 * bool(block)  # of the block of a column
        scales = f", and then their scales, {block.scale.upper()}" if block else ""
        weight_bits = design.columns * (design.pattern.m * design.weight.bits + scale_bits)
        self.act = dense_axis("s_axis_act", design)
        self.weight = Axis("s_axis_weight", weight_bits,
                           "one block of M weights for each column, column 0 lowest" + scales,
                           "last block of a tile of columns", padded=design.pad_streams)
        ends = {"batch": "last token of a batch, in a tile", "job": "last token of the job"}
        self.result = result_axis("m_axis_result", design, ends[design.packets],
                                   "; or what OUTPUT asks for, sign-extended" *
                                   design.corrects)
        self.coef = coef_axis(design)
        self.more = _epilogue_axes(design) if design.epilogue_lanes else {}
        super().__init__(design, Accelerator(design), [
            *self.act.ports, *self.weight.ports, *(self.coef.ports * bool(design.channel_bits)),
            *(port for axis in self.more.values() for port in axis.ports),
            *self.result.ports, *AxiLite.ports("s_axil"),
            _IRQ,
        ])

    def elaborate(self, platform):
        m = self.module()
        m.submodules.accelerator = inside = self.inside
        act, weight, result = inside.i_act, inside.i_weight, inside.o_result
        self.act.connect(m, self, act, data=act.payload.values, last=act.payload.last)
        blocks = weight.payload.blocks
        if self.design.quantized:
            blocks = joined((blocks, weight.payload.scales))
        self.weight.connect(m, self, weight, data=blocks, last=weight.payload.last)
        self.result.connect(m, self, result, data=result.payload.accumulators,
                            last=result.payload.last)
        if self.design.channel_bits:
            connect_coef(m, self, inside.i_coef)
        for name, axis in self.more.items():
            source = getattr(inside, f"i_{name}")
            axis.connect(m, self, source, data=source.payload[_DATA[name]],
                         last=source.payload.last)
        wiring.connect(m, AxiLite.host(self, "s_axil"), inside.bus)
        m.d.comb += self.irq.eq(inside.irq)
        return m

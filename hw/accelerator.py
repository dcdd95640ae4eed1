"""The whole accelerator behind its streams. Wiring only."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.array import Array, ResultRow
from hw.axi_lite import AXIL_PORTS, RegisterBlock
from hw.buffers import ActivationBuffer, WeightBeat, WeightBuffer
from hw.compressor import Compressor
from hw.config import VALUE_WIDTH, Design
from hw.controller import Controller
from hw.results import Results
from hw.stream import DenseBlock


__all__ = ["Accelerator"]


class Accelerator(wiring.Component):
    """Sparse linear layer ``Y = S(X) W^T`` in integers, S keeps N of every M values of a token.

    Activations are compressed as they come in and kept for the whole job; weights come tile by
    tile, the next tile is loaded while the last one is in use. See ``docs/architecture.md`` for
    the order of the beats, and :data:`hw.registers.REGISTERS` for the registers.

    One step of the array per cycle, as long as the streams keep up. A result stream that is not
    taken stalls the array; nothing is lost. Reset ends the job and clears the registers.

    Parameters
    ----------
    design : Design

    Members
    -------
    i_act : In(stream.Signature(DenseBlock(pattern, 8)))
    i_weight : In(stream.Signature(WeightBeat(design)))
    o_result : Out(stream.Signature(ResultRow(design)))
    s_axil_* : AXI4-Lite
    irq : Out(1)
    """

    interval = 1

    def __init__(self, design: Design):
        super().__init__({
            "i_act": In(stream.Signature(DenseBlock(design.pattern, VALUE_WIDTH))),
            "i_weight": In(stream.Signature(WeightBeat(design))),
            "o_result": Out(stream.Signature(ResultRow(design))),
            **{port.name: (In if port.direction == "in" else Out)(port.width)
               for port in AXIL_PORTS},
            "irq": Out(1),
        })
        self.design = design
        self.array = Array(design)

    @property
    def latency(self) -> int:
        """Cycles from the issue of a group's last step to its first result."""
        return 2 + self.array.latency + 1  # issue register and memory, array, result register

    def elaborate(self, platform):
        m = Module()
        design = self.design
        m.submodules.registers = registers = RegisterBlock()
        m.submodules.controller = controller = Controller(design)
        m.submodules.compressor = compressor = Compressor(design.pattern, design.selector,
                                                          design.stages)
        m.submodules.activations = activations = ActivationBuffer(design)
        m.submodules.weights = weights = WeightBuffer(design)
        m.submodules.array = array = self.array
        m.submodules.results = results = Results(design)

        outside = wiring.flipped(self)
        wiring.connect(m, outside.i_act, compressor.i)
        wiring.connect(m, compressor.o, activations.i)
        wiring.connect(m, outside.i_weight, weights.i)
        wiring.connect(m, array.o, results.i)
        wiring.connect(m, results.o, outside.o_result)
        for port in AXIL_PORTS:
            source, sink = (self, registers) if port.direction == "in" else (registers, self)
            m.d.comb += getattr(sink, port.name).eq(getattr(source, port.name))

        for part in (activations, weights, results):
            m.d.comb += [part.job.eq(controller.job), part.begin.eq(controller.begin)]
        m.d.comb += [
            controller.start.eq(registers.pulses.start),
            controller.settings.eq(registers.settings),
            registers.state.eq(controller.state),
            controller.tokens_held.eq(activations.tokens_held),
            controller.weights_full.eq(weights.full),
            controller.act_tlast_error.eq(activations.tlast_error),
            controller.weight_tlast_error.eq(weights.tlast_error),
            controller.group_left.eq(results.group_left),
            controller.job_left.eq(results.job_left),
            self.irq.eq(controller.irq),
        ]
        self._feed(m, controller.issue, activations, weights)
        return m

    def _feed(self, m, issue, activations, weights):
        """Read the buffers tile by tile, each one cycle later than the tile before."""
        design, array = self.design, self.array
        issued = [issue]
        for k in range(max(design.row_tiles, design.column_tiles)):
            later = Signal.like(issue, name=f"issue_t{k}")
            m.d.sync += later.eq(issued[-1])
            issued.append(later)
        for i in range(design.row_tiles):
            m.d.comb += [
                activations.read_address[i].eq(issued[i].activation_address),
                activations.read_enable[i].eq(issued[i].control.step),
                array.control[i].eq(issued[i + 1].control),  # the memory takes one cycle
            ]
        for j in range(design.column_tiles):
            m.d.comb += [
                weights.read_address[j].eq(issued[j].weight_address),
                weights.read_enable[j].eq(issued[j].control.step),
            ]
        m.d.comb += [
            weights.release.eq(issued[design.column_tiles - 1].release),
            array.values.eq(activations.values),
            array.weights.eq(weights.weights),
        ]
        if not design.pattern.dense:
            m.d.comb += array.masks.eq(activations.masks)

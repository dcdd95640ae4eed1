"""The whole accelerator behind its streams. Wiring only."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.accelerator.activation_buffer import ActivationBuffer
from hw.accelerator.controller import Controller
from hw.accelerator.job_pattern import JobPattern
from hw.accelerator.results import Results
from hw.accelerator.stepper import Stepper
from hw.accelerator.token_gate import TokenGate
from hw.accelerator.weight_buffer import WeightBeat, WeightBuffer
from hw.array.array import Array, ResultRow
from hw.compressor.channel import ChannelBeat as ChannelParameters
from hw.compressor.compressor import Compressor
from hw.config import VALUE_WIDTH, Design
from hw.epilogue.epilogue import ChannelBeat, Epilogue
from hw.epilogue.tokens import TokenFinisher, TokenScale, TokenTable
from hw.fixed_point import Output
from hw.stream.axi_lite import AXIL_PORTS, RegisterBlock
from hw.stream.payloads import DenseBlock
from hw.stream.register import StreamRegister, fill


__all__ = ["Accelerator"]


class Accelerator(wiring.Component):
    """Sparse linear layer ``Y = S(X) W^T`` in integers, S keeps N of every M values of a token.

    Where the pattern comes at run time, registers set it for each job; a block of M values then
    takes one step for every N that are kept of it.

    Activations are compressed as they come in and kept for a batch of tokens; weights come tile
    by tile. Either is loaded while the one before is in use. See ``docs/hw/accelerator.md`` for
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
    i_coef : In(stream.Signature(hw.compressor.channel.ChannelBeat(design)))
        With parameters of the input channels, see :class:`hw.compressor.compressor.Compressor`.
    i_token : In(stream.Signature(TokenScale()))
    i_channel : In(stream.Signature(ChannelBeat(design)))
        Scales of tokens, and terms of output channels, with an epilogue.
    o_result : Out(stream.Signature(ResultRow(design)))
    s_axil_* : AXI4-Lite
    irq : Out(1)
    """

    interval = 1

    def __init__(self, design: Design):
        self.compressor = Compressor(design)
        optional = {}
        if design.channel_bits:
            optional["i_coef"] = In(stream.Signature(ChannelParameters(design)))
        if design.epilogue_lanes:
            optional["i_token"] = In(stream.Signature(TokenScale()))
            optional["i_channel"] = In(stream.Signature(ChannelBeat(design)))
        super().__init__({
            "i_act": In(stream.Signature(DenseBlock(design.pattern, VALUE_WIDTH))),
            **optional,
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
        """Cycles from the issue of a group's last step to its first result, an accumulator.

        The epilogue adds its ``steps + latency - 1`` to those that it corrects.
        """
        return 2 + self.array.latency + 3  # issue and memory, array, queue and result register

    def elaborate(self, platform):
        m = Module()
        design = self.design
        m.submodules.registers = registers = RegisterBlock()
        m.submodules.controller = controller = Controller(design)
        m.submodules.job_pattern = job_pattern = JobPattern(design)
        m.submodules.stepper = stepper = Stepper(design)
        m.submodules.compressor = compressor = self.compressor
        m.submodules.activations = activations = ActivationBuffer(design)
        m.submodules.weights = weights = WeightBuffer(design)
        m.submodules.array = array = self.array
        m.submodules.results = results = Results(design)
        m.submodules.output = output = StreamRegister(ResultRow(design))

        outside = wiring.flipped(self)
        self._compress(m, controller, job_pattern)
        wiring.connect(m, compressor.o, activations.i)
        wiring.connect(m, outside.i_weight, weights.i)
        wiring.connect(m, array.o, results.i)
        wiring.connect(m, output.o, outside.o_result)
        for port in AXIL_PORTS:
            source, sink = (self, registers) if port.direction == "in" else (registers, self)
            m.d.comb += getattr(sink, port.name).eq(getattr(source, port.name))

        for part in (activations, weights, results):
            m.d.comb += [part.job.eq(controller.job), part.begin.eq(controller.begin),
                         part.drop.eq(controller.drop)]
        m.d.comb += [
            controller.start.eq(registers.pulses.start),
            controller.write_refused.eq(registers.refused),
            controller.settings.eq(registers.settings),
            controller.pattern_legal.eq(job_pattern.legal),
            controller.steps.eq(job_pattern.steps),
            registers.state.eq(controller.state),
            registers.locked.eq(controller.state.busy),
            controller.act_tlast_error.eq(activations.tlast_error),
            controller.weight_tlast_error.eq(weights.tlast_error),
            controller.stepping.eq(stepper.active),
            controller.step.eq(stepper.go),
            controller.moved.eq(_moves(self.i_act) | _moves(self.i_weight)
                                | _moves(self.o_result)),
            self.irq.eq(controller.irq),
            results.left.eq(_moves(results.o)),
        ]
        rows, idle = results.o, 1
        if design.epilogue_lanes:
            rows, idle = self._correct(m, controller, activations, weights, results)
        m.d.comb += [
            # An aborted job's rows are dropped, but for the one that is already on offer.
            output.i.payload.eq(rows.payload),
            output.i.valid.eq(rows.valid & ~controller.drop),
            rows.ready.eq(output.i.ready | controller.drop),
            controller.drained.eq(results.empty & idle & ~output.o.valid),
        ]
        self._step(m, stepper, controller, activations, weights, results)
        self._feed(m, stepper.issue, activations, weights)
        return m

    def _compress(self, m, controller, job_pattern):
        """Give the compressor the activations of the job, and what software has set for them."""
        design, compressor, settings = self.design, self.compressor, controller.settings
        m.submodules.gate = gate = TokenGate(design)
        wiring.connect(m, wiring.flipped(self.i_act), gate.i)
        fill(m, compressor.i.payload, gate.o.payload,
             **{"asked": job_pattern.asked} if design.flexible != "none" else {})
        m.d.comb += [
            gate.job.eq(controller.job), gate.begin.eq(controller.begin),
            gate.drop.eq(controller.drop),
            job_pattern.threshold.eq(settings.threshold),
            compressor.i.valid.eq(gate.o.valid), gate.o.ready.eq(compressor.i.ready),
            job_pattern.keep.eq(settings.keep), job_pattern.size.eq(settings.size),
        ]
        if design.flexible != "none":
            m.d.comb += compressor.least.eq(job_pattern.steps)
        if design.unstructured:
            m.d.comb += compressor.threshold.eq(settings.threshold)
        if design.channel_bits:
            wiring.connect(m, wiring.flipped(self.i_coef), compressor.i_coef)
        if design.shift == "scalar":
            m.d.comb += compressor.shift.eq(settings.static_shift)

    def _correct(self, m, controller, activations, weights, results):
        """Put the epilogue behind the results; return its rows, and whether it is idle."""
        design, settings = self.design, controller.settings
        m.submodules.finisher = finisher = TokenFinisher(design)
        m.submodules.table = table = TokenTable(design)
        m.submodules.epilogue = epilogue = Epilogue(design)
        corrects = Signal()
        for source, sink in ((wiring.flipped(self.i_token), finisher.i_scale),
                             (finisher.o, table.i), (table.o, epilogue.i_token),
                             (weights.o_row_sums, epilogue.i_row_sums),
                             (wiring.flipped(self.i_channel), epilogue.i_channel),
                             (results.o, epilogue.i)):
            wiring.connect(m, source, sink)
        m.d.comb += [
            corrects.eq(settings.output != Output.RAW),
            finisher.i.payload.eq(activations.o_summary.payload),
            finisher.i.valid.eq(activations.o_summary.valid & corrects),
            activations.o_summary.ready.eq(finisher.i.ready),
            finisher.features.eq(controller.job.k_blocks * design.pattern.m),
            finisher.variance.eq(settings.variance), finisher.shift.eq(settings.token_shift),
            finisher.scale.eq(settings.token_scale),
            table.job.eq(controller.job), table.begin.eq(controller.begin),
            table.enable.eq(corrects), weights.sum_rows.eq(corrects),
            epilogue.output.eq(settings.output), epilogue.exponent.eq(settings.exponent),
            *(part.drop.eq(controller.drop) for part in (finisher, table, epilogue)),
        ]
        return epilogue.o, epilogue.idle & finisher.idle & weights.idle

    def _step(self, m, stepper, controller, activations, weights, results):
        m.d.comb += [
            stepper.job.eq(controller.job),
            stepper.begin.eq(controller.begin),
            stepper.stop.eq(controller.drop),
            stepper.activations_full.eq(activations.full),
            stepper.activations_filling.eq(activations.filling),
            stepper.tokens_held.eq(activations.held),
            stepper.weights_full.eq(weights.full),
            stepper.room.eq(results.room),
            results.reserve.eq(stepper.reserve),
        ]
        if self.design.variable_steps:
            m.d.comb += [activations.count_address.eq(stepper.count_address),
                         stepper.count.eq(activations.count)]

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
            activations.release.eq(issued[design.row_tiles - 1].release_activations),
            weights.release.eq(issued[design.column_tiles - 1].release_weights),
            array.values.eq(activations.values),
            array.weights.eq(weights.weights),
        ]
        if not design.pattern.dense:
            m.d.comb += array.masks.eq(activations.masks)


def _moves(stream):
    """Whether a stream transfers in this cycle."""
    return stream.valid & stream.ready

"""The whole accelerator behind its streams. Wiring only."""

from amaranth.hdl import Module, ResetInserter
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.accelerator.activation_buffer import ActivationBuffer
from hw.accelerator.coefficient_loader import CoefficientLoader
from hw.accelerator.controller import Controller
from hw.accelerator.epilogue import connect_epilogue, connect_float_epilogue
from hw.accelerator.results import ResultRegister, Results
from hw.accelerator.stepper import Stepper
from hw.accelerator.token_gate import TokenGate
from hw.accelerator.weight_buffer import WeightBeat, WeightBuffer
from hw.array.array import Array
from hw.array.sums import ResultRow
from hw.compressor.channel import ChannelBeat as ChannelParameters
from hw.compressor.compressor import Compressor, KeptMasks
from hw.config import Design
from hw.epilogue.epilogue import ChannelBeat
from hw.epilogue.float_epilogue import BiasBeat
from hw.epilogue.tensor_scale import TensorScale
from hw.epilogue.tokens import TokenScale
from hw.job.job import Run
from hw.registers import own_registers
from hw.stream.axi_lite import AxiLite, RegisterBlock, Watched
from hw.stream.members import moves, only_if
from hw.stream.payloads import DenseBlock


__all__ = ["Accelerator"]


class Accelerator(wiring.Component):
    """Sparse linear layer ``Y = S(X) W^T``, S keeps N of every M values of a token.

    In integers, or in floats: tokens of elements, or of bf16 or fp16 that the compressor quantises
    to the format of the weights.

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
    i_act : In(stream.Signature(DenseBlock(pattern, bits)))
    i_weight : In(stream.Signature(WeightBeat(design)))
    i_coef : In(stream.Signature(hw.compressor.channel.ChannelBeat(design)))
        With parameters of the input channels: one packet in a job that brings it.
    i_token : In(stream.Signature(TokenScale()))
    i_channel : In(stream.Signature(ChannelBeat(design)))
        Scales of tokens, and terms of output channels, with an epilogue: a packet each. Of floats
        it takes biases alone, or with scales, ``In(stream.Signature(BiasBeat(design)))``.
    o_result : Out(stream.Signature(ResultRow(design)))
    bus : In(AxiLite())
        The registers.
    irq : Out(1)
    run : Out(Run()), registers : Out(Watched(own_registers(*design.register_groups)))
        With a bus, for those who bring the data: the job, and what is in the registers.
    kept : Out(KeptMasks(design))
        With ``decode``.
    """

    def __init__(self, design: Design):
        own = own_registers(*design.register_groups)
        super().__init__({
            "bus": In(AxiLite()),
            "i_act": In(stream.Signature(DenseBlock(design.pattern, design.number.bits))),
            "i_weight": In(stream.Signature(WeightBeat(design))),
            **only_if(design.channel_bits, i_coef=In(stream.Signature(ChannelParameters(design)))),
            **only_if(design.corrects, i_token=In(stream.Signature(TokenScale())),
                      i_channel=In(stream.Signature(ChannelBeat(design)))),
            **only_if(design.biases, i_channel=In(stream.Signature(BiasBeat(design)))),
            "o_result": Out(stream.Signature(ResultRow(design))), "irq": Out(1),
            **only_if(design.bus != "stream", run=Out(Run()), registers=Out(Watched(own))),
            **only_if(design.decode, kept=Out(KeptMasks(design))),
        })
        self.design, self.compressor, self.array = design, Compressor(design), Array(design.summing)

    @property
    def latency(self) -> int:
        """Cycles from the issue of a group's last step to its first result, an accumulator.

        The epilogue adds its ``steps + latency - 1`` to those that it corrects.
        """
        scaling = TensorScale.latency if self.design.tensor_scaled else 0
        # Issue and memory, array, queue and result register.
        return 2 + self.array.latency + scaling + 3

    @property
    def interval(self) -> int:
        """Cycles from one block of a token to the next, at least: those of the compressor."""
        return self.compressor.interval

    def elaborate(self, platform):
        m = Module()
        design, outside = self.design, wiring.flipped(self)
        m.submodules.registers = registers = RegisterBlock(
            own_registers(*design.register_groups))
        m.submodules.controller = controller = Controller(design)
        m.submodules.gate = gate = TokenGate(design)
        # An aborted job's tokens are forgotten, with what the stages know of one that was cut.
        m.submodules.compressor = ResetInserter(controller.run.drop)(self.compressor)
        m.submodules.activations = activations = ActivationBuffer(design)
        m.submodules.weights = weights = WeightBuffer(design)
        m.submodules.stepper = stepper = Stepper(design)
        m.submodules.array = array = self.array
        m.submodules.results = results = Results(design.summing)
        m.submodules.output = output = ResultRegister(design)

        wiring.connect(m, outside.bus, registers.bus)
        hears, sees = ((), ()) if design.bus == "stream" else ((outside.run,), (outside.registers,))
        wiring.connect(m, registers.registers, controller.registers, *sees)
        wiring.connect(m, controller.run, gate.run, activations.run, weights.run, stepper.run,
                       results.run, output.run, *hears)

        wiring.connect(m, outside.i_act, gate.i)
        wiring.connect(m, gate.o, self.compressor.i)
        wiring.connect(m, controller.compressor, self.compressor.settings)
        wiring.connect(m, self.compressor.o, activations.i)
        wiring.connect(m, outside.i_weight, weights.i)
        if design.flexible != "none":
            m.d.comb += gate.asked.eq(controller.asked)
        if design.decode:
            wiring.connect(m, self.compressor.kept, outside.kept)
        errors = {"act": gate.tlast_error, "weight": weights.tlast_error}
        if design.channel_bits:
            errors["coef"] = self._load(m, outside, controller, gate)

        wiring.connect(m, stepper.activations, activations.reads)
        wiring.connect(m, stepper.weights, weights.reads)
        wiring.connect(m, stepper.room, results.room)
        wiring.connect(m, stepper.progress, controller.progress)
        wiring.connect(m, activations.rows, array.rows)
        m.d.comb += [*weights.to(array), array.control.eq(stepper.control)]

        wiring.connect(m, self._scaled(m, array, controller), results.i)
        rows, idle = results.o, 1
        if design.biases:
            rows, idle = connect_float_epilogue(m, self, controller, rows, errors)
        if design.corrects:
            rows, idle = connect_epilogue(
                m, self, controller, activations, weights, rows, errors)
        wiring.connect(m, rows, output.i)
        wiring.connect(m, output.o, outside.o_result)
        m.d.comb += [
            *(controller.tlast_errors[name].eq(error) for name, error in errors.items()),
            controller.moved.eq(moves(self)),
            controller.drained.eq(results.empty & idle & ~output.o.valid),
            self.irq.eq(controller.irq),
        ]
        return m

    def _scaled(self, m, array, controller):
        """The rows of the array, times the gain of the job where tensors have scales."""
        if not self.design.tensor_scaled:
            return array.o
        m.submodules.tensor_scale = scale = TensorScale(self.design)
        wiring.connect(m, array.o, scale.i)
        m.d.comb += scale.gain.eq(controller.gain)
        return scale.o

    def _load(self, m, outside, controller, gate):
        """Let tokens wait for the parameters that their job brings; return the loader's error."""
        m.submodules.loader = loader = CoefficientLoader(self.design)
        wiring.connect(m, controller.run, loader.run)
        wiring.connect(m, controller.loading, loader.loading)
        wiring.connect(m, outside.i_coef, loader.i)
        wiring.connect(m, loader.o, self.compressor.i_coef)
        m.d.comb += gate.wait.eq(loader.busy)
        return loader.tlast_error

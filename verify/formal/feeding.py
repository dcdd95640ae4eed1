"""The buffers before the array, with what fills and empties them: controller and stepper."""

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.accelerator.activation_buffer import ActivationBuffer
from hw.accelerator.controller import Controller
from hw.accelerator.results import ResultRoom
from hw.accelerator.stepper import Stepper
from hw.accelerator.weight_buffer import WeightBeat, WeightBuffer
from hw.array.array import RowBlocks
from hw.config import Design
from hw.registers import own_registers
from hw.stream.axi_lite import Registers
from hw.stream.payloads import EncodedBlock


__all__ = ["Feeding"]


class Feeding(wiring.Component):
    """Controller, stepper and both buffers, wired as in :mod:`hw.accelerator.accelerator`.

    Parameters
    ----------
    design : Design
        Without an epilogue.

    Members
    -------
    registers : In(Registers(...))
        What software writes.
    i_act : In(stream.Signature(EncodedBlock(design)))
        What the compressor gives.
    i_weight : In(stream.Signature(WeightBeat(design)))
    room : Out(ResultRoom()), drained : In(1)
        Room for results, and whether all were taken.
    rows : Out(RowBlocks(design)), weights : Out
        What the array is given.
    """

    def __init__(self, design: Design):
        own = own_registers(*design.register_groups)
        super().__init__({
            "registers": In(Registers(own)),
            "i_act": In(stream.Signature(EncodedBlock(design))),
            "i_weight": In(stream.Signature(WeightBeat(design))),
            "room": Out(ResultRoom()), "drained": In(1),
            "rows": Out(RowBlocks(design.multiplied)),
            "weights": Out(WeightBeat(design)["blocks"].shape),
        })
        self.design = design
        self.controller, self.stepper = Controller(design), Stepper(design)
        self.token_buffer, self.weight_buffer = ActivationBuffer(design), WeightBuffer(design)

    def elaborate(self, platform):
        m = Module()
        outside, controller, stepper = wiring.flipped(self), self.controller, self.stepper
        tokens, weights = self.token_buffer, self.weight_buffer
        m.submodules.controller, m.submodules.stepper = controller, stepper
        m.submodules.activations, m.submodules.weights = tokens, weights
        wiring.connect(m, outside.registers, controller.registers)
        wiring.connect(m, controller.run, tokens.run, weights.run, stepper.run)
        wiring.connect(m, outside.i_act, tokens.i)
        wiring.connect(m, outside.i_weight, weights.i)
        wiring.connect(m, stepper.activations, tokens.reads)
        wiring.connect(m, stepper.weights, weights.reads)
        wiring.connect(m, stepper.room, outside.room)
        wiring.connect(m, stepper.progress, controller.progress)
        wiring.connect(m, tokens.rows, outside.rows)
        m.d.comb += [self.weights.eq(weights.weights), controller.drained.eq(self.drained),
                     controller.tlast_errors.weight.eq(weights.tlast_error)]
        return m

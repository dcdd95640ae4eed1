"""Starts and ends jobs, and what software sees of them."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.accelerator.coefficient_loader import Loading
from hw.accelerator.identity import identity
from hw.accelerator.job_pattern import JobPattern
from hw.accelerator.stepper import Progress
from hw.compressor.compressor import CompressorSettings
from hw.config import Design
from hw.config.array import LARGEST_BLOCKS
from hw.epilogue.corrections import Corrections
from hw.epilogue.float_epilogue import Finish
from hw.fixed_point import Output
from hw.formats import FORMATS, NVFP4_LEAST_GAIN, NVFP4_LEAST_TENSOR
from hw.job.job import Run
from hw.registers import Error, own_registers
from hw.stream.axi_lite import Registers
from hw.stream.members import only_if
from hw.stream.payloads import Asked


__all__ = ["Controller"]


BF16 = FORMATS["bf16"]

TLAST_ERRORS = {"act": Error.ACT_TLAST, "weight": Error.WEIGHT_TLAST, "coef": Error.COEF_TLAST,
                "token": Error.TOKEN_TLAST, "channel": Error.CHANNEL_TLAST}
"""Input streams, and the errors of packets that are too short or too long."""


class Controller(wiring.Component):
    """Starts and ends jobs, and tells software about them.

    A start that cannot be carried out sets an error code and does nothing else. A job ends when
    its last result was taken. ``abort`` ends it at once; what is still in the array is dropped.
    Reset ends the job and clears error and counters.

    Parameters
    ----------
    design : Design

    Members
    -------
    registers : In(Registers(own_registers(*design.register_groups)))
        What software writes and reads.
    run : Out(Run())
        The job that runs, for everyone who follows it.
    compressor : Out(CompressorSettings(design)), corrections : Out(Corrections())
        What software has set for the compressor, and with an epilogue for the results; of floats
        it is ``finish : Out(Finish(design))``.
    gain : Out(16), with scales of tensors
        What results are multiplied by, bf16.
    asked : Out(Asked(pattern, flexible)), only where something is flexible
        The pattern of the job.
    progress : In(Progress())
    loading : Out(Loading(design)), with parameters of the input channels
    tlast_errors : In(StructLayout)
        Input streams, by name, whose packets have not the length that the job needs.
    moved : In(1)
        A stream moves.
    drained : In(1)
        All results that steps have led to were taken.
    irq : Out(1)
        A job has ended, or timed out, and interrupts are enabled.
    """

    def __init__(self, design: Design):
        super().__init__({
            "registers": In(Registers(own_registers(*design.register_groups))),
            "run": Out(Run()),
            "compressor": Out(CompressorSettings(design)),
            **only_if(design.flexible != "none", asked=Out(Asked(design.pattern, design.flexible))),
            **only_if(design.corrects, corrections=Out(Corrections())),
            **only_if(design.biases, finish=Out(Finish(design))),
            **only_if(design.tensor_scaled, gain=Out(BF16.bits)),
            **only_if(design.channel_bits, loading=Out(Loading(design))),
            "progress": In(Progress()),
            "tlast_errors": In(data.StructLayout(dict.fromkeys(TLAST_ERRORS, 1))),
            "moved": In(1), "drained": In(1), "irq": Out(1),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        registers, run = self.registers, self.run
        settings, state = registers.settings, registers.state
        m.submodules.pattern = pattern = JobPattern(self.design)
        refusal = self._refusal(m, pattern.legal)
        ended, aborting = Signal(), Signal()
        m.d.comb += [
            # What was issued before an abort is still on its way.
            run.drop.eq(settings.abort | aborting),
            registers.locked.eq(state.busy),
            ended.eq(state.busy & ~run.begin & ~self.progress.stepping & self.drained),
            self.irq.eq(settings.irq_enable & (state.done | (state.error == Error.TIMEOUT))),
        ]
        m.d.sync += [aborting.eq(run.drop & ~self.drained), run.begin.eq(0)]
        with m.If(ended):
            m.d.sync += [state.busy.eq(0), state.done.eq(~run.drop)]
        self._count(m)
        self._errors(m, refusal)
        with m.If(registers.pulses.start & (refusal == Error.NONE)):
            m.d.sync += [
                run.begin.eq(1), state.busy.eq(1), state.done.eq(0), state.error.eq(Error.NONE),
                *(counter.eq(0) for counter in (state.cycles, state.steps, state.array_cycles,
                                                state.idle_cycles)),
                *(run.job[name].eq(settings[name])
                  for name in ("k_blocks", "tokens", "column_tiles")),
                run.job.steps.eq(pattern.steps),
                run.job.variable.eq(int(self.design.variable_steps) & (settings.threshold != 0)),
            ]
        self._describe(m)
        self._prepare(m, pattern)
        return m

    def _refusal(self, m, pattern_legal):
        """Why a job cannot be started now."""
        settings, refusal = self.registers.settings, Signal(Error)
        with m.If(self.registers.state.busy | self.run.drop):
            m.d.comb += refusal.eq(Error.BUSY)
        with m.Elif((settings.k_blocks == 0) | self._uncovered()):
            m.d.comb += refusal.eq(Error.K_BLOCKS)
        with m.Elif(settings.tokens == 0):
            m.d.comb += refusal.eq(Error.TOKENS)
        with m.Elif(settings.column_tiles == 0):
            m.d.comb += refusal.eq(Error.COLUMN_TILES)
        with m.Elif(self._lacks()):
            m.d.comb += refusal.eq(Error.OUTPUT)
        with m.Elif(~pattern_legal):
            m.d.comb += refusal.eq(Error.PATTERN)
        with m.Elif(self._lacks_parameters()):
            m.d.comb += refusal.eq(Error.COEF)
        with m.Elif(self._lacks_scales()):
            m.d.comb += refusal.eq(Error.TENSOR)
        return refusal

    def _uncovered(self):
        """Whether tokens are longer than accumulators hold, where the register can say so."""
        most, given = self.design.covered_blocks, self.registers.settings.k_blocks
        return given > most if most < LARGEST_BLOCKS else 0

    def _lacks(self):
        """Whether the settings ask for what the design does not have."""
        design, settings = self.design, self.registers.settings
        statistics = settings.variance | settings.token_shift
        lacks = [
            settings.output > (max(Output) if design.epilogue_lanes else Output.RAW),
            *self._lacks_of_floats(),
            (settings.output == Output.FP32) & int(design.accumulator_width < 32),
            settings.variance & int(not design.statistics),
            settings.token_shift & int(not design.dynamic_shift),
            (settings.static_shift != 0) & int(design.shift != "scalar"),
            (statistics | int(design.whole_tokens)) & (settings.k_blocks > design.max_blocks),
            (statistics | settings.token_scale) & (settings.output == Output.RAW),
        ]
        return Cat(lacks).any()

    def _lacks_of_floats(self):
        """The same of what follows results in floats."""
        if self.design.number.integer:
            return ()
        settings, raw = self.registers.settings, self.registers.settings.output == Output.RAW
        lacks = [settings.activate & (raw if self.design.activation != "none" else 1)]
        if self.design.scales_outputs:  # without them no sum is a result
            lacks.append(raw)
        if self.design.biases:
            lacks += [~raw & (settings.output != Output.BF16), settings.exponent != 0,
                      settings.token_scale]
        return lacks

    def _lacks_parameters(self):
        """Whether parameters of the input channels are neither brought nor there, or not known."""
        settings = self.registers.settings
        if not self.design.channel_bits:
            return settings.coef
        return ~settings.coef & (self.loading.blocks != settings.k_blocks)

    def _lacks_scales(self):
        """Whether the job has not the scales of tensors that it needs."""
        if not self.design.tensor_scaled:
            return 0
        settings = self.registers.settings
        return (_no_scale(settings.tensor, NVFP4_LEAST_TENSOR)
                | _no_scale(settings.gain, NVFP4_LEAST_GAIN))

    def _count(self, m):
        """Counters of the job."""
        state, progress = self.registers.state, self.progress
        with m.If(state.busy):
            m.d.sync += [state.cycles.eq(state.cycles + 1),
                         state.idle_cycles.eq(state.idle_cycles + 1)]
        with m.If(self.moved | progress.step):
            m.d.sync += state.idle_cycles.eq(0)
        with m.If(progress.step):
            m.d.sync += state.steps.eq(state.steps + 1)
        with m.If(progress.step | (progress.stepping & (state.steps != 0))):
            m.d.sync += state.array_cycles.eq(state.array_cycles + 1)

    def _errors(self, m, refusal):
        """The first error of a job stays."""
        registers, state = self.registers, self.registers.state
        timeout = registers.settings.timeout
        error = Signal(Error)
        with m.If(registers.pulses.start & (refusal != Error.NONE)):
            m.d.comb += error.eq(refusal)
        with m.Elif(registers.refused):
            m.d.comb += error.eq(Error.BUSY)
        for name, code in TLAST_ERRORS.items():
            with m.Elif(self.tlast_errors[name]):
                m.d.comb += error.eq(code)
        with m.Elif(state.busy & (timeout != 0) & (state.idle_cycles >= timeout)):
            m.d.comb += error.eq(Error.TIMEOUT)
        with m.If(state.error == Error.NONE):
            m.d.sync += state.error.eq(error)

    def _describe(self, m):
        """What software can read of the design."""
        m.d.comb += [self.registers.state[name].eq(value)
                     for name, value in identity(self.design).items()]

    def _prepare(self, m, pattern):
        """Tell the compressor and the epilogue what software has set for the job."""
        design, settings = self.design, self.registers.settings
        m.d.comb += [getattr(pattern, name).eq(settings[name])
                     for name in ("keep", "size", "threshold")]
        if design.flexible != "none":
            m.d.comb += [self.asked.eq(pattern.asked), self.compressor.least.eq(pattern.steps)]
        if design.unstructured:
            m.d.comb += self.compressor.threshold.eq(settings.threshold)
        if design.shift == "scalar":
            m.d.comb += self.compressor.shift.eq(settings.static_shift)
        if design.tensor_scaled:
            m.d.comb += [self.compressor.tensor.eq(settings.tensor), self.gain.eq(settings.gain)]
        if design.channel_bits:
            m.d.comb += self.loading.wanted.eq(settings.coef)
        if design.biases:
            m.d.comb += self.finish.bias.eq(settings.output != Output.RAW)
            if design.activation != "none":
                m.d.comb += self.finish.active.eq(settings.activate)
        if design.corrects:
            corrections = self.corrections
            m.d.comb += [
                corrections.wanted.eq(settings.output != Output.RAW),
                corrections.output.eq(settings.output),
                corrections.exponent.eq(settings.exponent),
                corrections.variance.eq(settings.variance),
                corrections.shift.eq(settings.token_shift),
                corrections.scale.eq(settings.token_scale),
                corrections.terms.eq(settings.output >= Output.INT8),
            ]


def _no_scale(bits, least):
    """Whether these bits of bf16 are no finite number of at least ``2 ** least``, a normal one."""
    field = bits[BF16.mantissa:-1]
    return bits[-1] | field.all() | (field < least + BF16.bias)

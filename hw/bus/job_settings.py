"""What registers say of a job: what it brings, and whether it can be in memory."""

from amaranth.hdl import Cat, Module
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.axi4 import ID_WIDTH
from hw.config import Design
from hw.fixed_point import Output
from hw.layouts import STREAMS, alignment
from hw.registers import Register, bus_registers, descriptor_registers, own_registers
from hw.stream.axi_lite import fields_of
from hw.stream.members import only_if


__all__ = ["JobSettings", "Start", "job_fields", "job_registers"]


def job_registers(design: Design) -> tuple[Register, ...]:
    """Registers of a design that describe a job, in the order of a descriptor."""
    return descriptor_registers(design.decode, design.number.integer, design.tensor_scaled)


def job_fields(design: Design, access: str = "rw") -> data.StructLayout:
    """Fields of the registers of the accelerator itself."""
    return fields_of(access, own_registers(*design.register_groups))


def _brings() -> data.StructLayout:
    """Streams that a job may have."""
    return data.StructLayout({name: 1 for name in STREAMS if name != "descriptor"})


class Start(wiring.Signature):
    """From the sequencer to those who bring and take away a job's data.

    They begin when the accelerator does, see :class:`hw.job.job.Run`.

    Members
    -------
    brings : Out(StructLayout)
        For each of ``act``, ``weight``, ``coef``, ``token``, ``channel`` and ``result`` whether
        the job has it; right when it begins.
    drop : Out(1)
        The job has ended early: forget it, complete what the bus demands, and be idle.
    idle : In(1)
        Nothing is on the bus, or on its way to it.
    """

    def __init__(self):
        super().__init__({
            "brings": Out(_brings()), "drop": Out(1), "idle": In(1),
        })


class JobSettings(wiring.Component):
    """Says what a job brings, and which of its addresses and strides are none. Combinational.

    Parameters
    ----------
    design : Design

    Members
    -------
    settings : In(fields_of("rw", bus_registers(design.decode)))
        Where the data are.
    job : In(job_fields(design))
        What the job is, as the registers of the accelerator hold it.
    brings : Out(StructLayout)
        As in :class:`Start`.
    misplaced : Out(1), culprit : Out(3)
        An address or a stride is no multiple of its unit, or no address; and its stream.
    unfit : Out(1)
        With ``decode``: the job cannot read only the weights that it needs, and is to.
    """

    def __init__(self, design: Design):
        super().__init__({
            "settings": In(fields_of("rw", bus_registers(design.decode))),
            "job": In(job_fields(design)), "brings": Out(_brings()),
            "misplaced": Out(1), "culprit": Out(ID_WIDTH),
            **only_if(design.decode, unfit=Out(1)),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        brings = {
            "act": 1, "weight": 1, "result": 1, "coef": self.job.coef,
            "token": self.job.token_scale, "channel": self.job.output >= Output.INT8,
        }
        m.d.comb += [self.brings[name].eq(value) for name, value in brings.items()]
        for name, unit in alignment(self.design).items():
            if name != "descriptor":
                with m.If(self.brings[name] & self._misplaced(name, unit)):
                    m.d.comb += [self.misplaced.eq(1), self.culprit.eq(STREAMS.index(name))]
        if self.design.decode:
            m.d.comb += self.unfit.eq(self.settings["decode"] & self._too_large())
        return m

    def _too_large(self):
        """Whether masks do not fit, or what was not read would be missed."""
        return ((self.job.tokens > self.design.decode_tokens)
                | (self.job.k_blocks > self.design.max_blocks)
                | self.job.token_shift)  # times sums of all weights

    def _misplaced(self, name, unit):
        """Whether the address, or the stride, of a stream is none."""
        settings = self.settings
        address = Cat(settings[f"{name}_low"], settings[f"{name}_high"])
        wrong = (address & (unit - 1)).any() | address[self.design.address_width:].any()
        if f"{name}_stride" in settings.shape().members:
            wrong |= (settings[f"{name}_stride"] & (unit - 1)).any()
        return wrong

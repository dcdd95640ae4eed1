"""The accelerator behind one AXI4 master. Wiring only."""

from dataclasses import replace

from amaranth.hdl import Cat, Module, ResetInserter, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.accelerator.accelerator import Accelerator
from hw.bus.axi4 import Axi4
from hw.bus.beat_counters import BeatCounters
from hw.bus.elements import parts
from hw.bus.job_settings import job_registers
from hw.bus.mask_memory import MaskMemory
from hw.bus.read_port import ReadPort
from hw.bus.reader import Reader
from hw.bus.room import MUCH, room, run_bits
from hw.bus.router import Router
from hw.bus.sequencer import Sequencer
from hw.bus.walkers import BatchRuns, JobRun, ResultRuns, TokenRuns, WeightRuns
from hw.bus.weight_masks import WeightMasks
from hw.bus.weight_reader import WeightReader
from hw.bus.writer import Writer
from hw.config import Design
from hw.layouts import STREAMS, element_bytes
from hw.registers import bus_registers
from hw.stream.axi_lite import AxiLite, RegisterBlock


__all__ = ["BusAccelerator"]


_URGENCY = ("descriptor", "coef", "token", "channel", "weight", "act")
"""Readers, those first that read little."""


class BusAccelerator(wiring.Component):
    """The streaming accelerator, and what moves its data from a memory and back.

    Software writes where the data of a job are, or queues descriptors that say so; the sequencer
    starts the accelerator, readers and the writer walk through memory in the order of the streams.
    See ``docs/hw/bus.md`` for the layouts and the faults, and
    :data:`hw.registers.BUS_REGISTERS` for the registers. Reset ends the job; as it must not come
    while something is on the bus, software aborts first.

    Parameters
    ----------
    design : Design

    Members
    -------
    registers : In(AxiLite())
    memory : Out(Axi4(design))
    irq : Out(1)
    """

    def __init__(self, design: Design):
        super().__init__({"registers": In(AxiLite()), "memory": Out(Axi4(design)), "irq": Out(1)})
        self.design = design
        self.accelerator = Accelerator(design)

    @property
    def latency(self) -> int:
        """Cycles from the issue of a group's last step to its first result, an accumulator."""
        return self.accelerator.latency

    @property
    def interval(self) -> int:
        """Cycles from one block of a token to the next, at least."""
        return self.accelerator.interval

    def elaborate(self, platform):
        m = Module()
        m.submodules.router = router = Router(job_registers(self.design))
        m.submodules.registers = registers = RegisterBlock(
            # The router keeps a host away from the registers of a job that runs.
            tuple(replace(register, job=False) for register in bus_registers(self.design.decode)),
            "bus")
        m.submodules.sequencer = sequencer = Sequencer(self.design)
        m.submodules.accelerator = ResetInserter(router.clear)(self.accelerator)

        wiring.connect(m, wiring.flipped(self.registers), router.host)
        wiring.connect(m, router.accelerator, self.accelerator.bus)
        wiring.connect(m, router.master, registers.bus)
        wiring.connect(m, registers.registers, sequencer.registers)
        wiring.connect(m, sequencer.access, router.access)
        settings = registers.registers.settings
        m.d.comb += [
            router.locked.eq(registers.registers.state.active),
            router.okay.eq(settings.bus_okay),
            sequencer.job.eq(self.accelerator.registers.settings),
            sequencer.accelerator.eq(self.accelerator.registers.state),
            self.irq.eq(sequencer.irq),
        ]
        idle = [self._read(m, sequencer, settings), self._write(m, sequencer, settings)]
        m.d.comb += sequencer.start.idle.eq(Cat(idle).all())
        if self.design.decode:
            self._count(m, sequencer, registers.registers.state.active)
        return m

    def _read(self, m, sequencer, settings):
        """Bring what the streams of the accelerator take; return whether nothing is under way."""
        design, start = self.design, sequencer.start
        sizes = element_bytes(design)
        names = tuple(name for name in _URGENCY if name in sizes)
        m.submodules.read_port = port = ReadPort(
            design, {name: STREAMS.index(name) for name in names}, in_turn=MUCH)
        idle = [port.idle]
        for name in names:
            masked = name == "weight" and design.decode
            # Behind the tokens stands the longest path, that of the selector.
            m.submodules[f"{name}_reader"] = reader = WeightReader(design) if masked else Reader(
                design, sizes[name], room(design, name), run_bits(design, name),
                registered=name == "act")
            wiring.connect(m, reader.asks, getattr(port, f"asks_{name}"))
            wiring.connect(m, getattr(port, f"words_{name}"), reader.words)
            m.d.comb += reader.drop.eq(start.drop)
            idle.append(reader.idle)
            if name == "descriptor":
                wiring.connect(m, sequencer.runs, reader.runs)
                wiring.connect(m, reader.o, sequencer.words)
                continue
            walker = WeightMasks(design) if masked else self._walker(name, sizes[name])
            self._walk(m, name, walker, start, settings)
            if masked:
                self._remember(m, walker, start, settings["decode"])
            wiring.connect(m, walker.o, reader.runs)
            self._hand_over(m, name, reader.o)
        m.d.comb += [sequencer.read_failed.eq(port.failed), sequencer.failed_id.eq(port.failed_id)]
        wiring.connect(m, port.bus, wiring.flipped(self.memory).read)
        return Cat(idle).all()

    def _walker(self, name, size):
        """Who knows where the data of a stream lie."""
        kinds = {"act": TokenRuns, "weight": WeightRuns, "channel": BatchRuns}
        counts = {"coef": "k_blocks", "token": "tokens"}
        return (JobRun(self.design, size, counts[name]) if name in counts
                else kinds[name](self.design, size, run_bits(self.design, name)))

    def _walk(self, m, name, walker, start, settings):
        """Let a walker follow the jobs that have its stream."""
        m.submodules[f"{name}_runs"] = walker
        run = self.accelerator.run
        m.d.comb += [
            walker.run.job.eq(run.job), walker.run.begin.eq(run.begin & start.brings[name]),
            walker.run.drop.eq(start.drop),
            walker.base.eq(Cat(settings[f"{name}_low"], settings[f"{name}_high"])),
        ]
        if walker.strided:
            m.d.comb += walker.stride.eq(settings[f"{name}_stride"])

    def _remember(self, m, walker, start, sparse):
        """Keep the masks of jobs that read only the weights which they need."""
        m.submodules.masks = masks = MaskMemory(self.design)
        run = self.accelerator.run
        wiring.connect(m, self.accelerator.kept, masks.kept)
        wiring.connect(m, walker.masks, masks.reads)
        m.d.comb += [masks.run.job.eq(run.job), masks.run.begin.eq(run.begin & sparse),
                     masks.run.drop.eq(start.drop), walker.sparse.eq(sparse)]

    def _count(self, m, sequencer, active):
        """Count what the job moves, from when it, or its descriptor, is asked for."""
        m.submodules.counters = counters = BeatCounters()
        ran, read, write = Signal(), self.memory.read, self.memory.write
        m.d.sync += ran.eq(active)
        m.d.comb += [counters.clear.eq(active & ~ran), counters.reads.eq(read.rvalid),
                     counters.id.eq(read.rid), counters.writes.eq(write.wvalid & write.wready),
                     sequencer.beats.eq(counters.beats)]

    def _hand_over(self, m, name, elements):
        """Offer elements of memory to a stream of the accelerator."""
        beats = getattr(self.accelerator, f"i_{name}")
        m.d.comb += [beats.valid.eq(elements.valid), elements.ready.eq(beats.ready),
                     beats.payload.last.eq(elements.payload.last),
                     *(part.eq(elements.payload.data[place:][:len(part)]) for place, part
                       in parts(name, beats.payload, self.design))]

    def _write(self, m, sequencer, settings):
        """Take the results of the accelerator; return whether nothing is under way."""
        design, start, size = self.design, sequencer.start, element_bytes(self.design)["result"]
        m.submodules.writer = writer = Writer(design, size, STREAMS.index("result"))
        walker = ResultRuns(design, size, run_bits(design, "result"))
        results = self.accelerator.o_result
        self._walk(m, "result", walker, start, settings)
        wiring.connect(m, walker.o, writer.runs)
        wiring.connect(m, writer.bus, wiring.flipped(self.memory).write)
        m.d.comb += [
            writer.drop.eq(start.drop), sequencer.write_failed.eq(writer.failed),
            writer.i.valid.eq(results.valid), results.ready.eq(writer.i.ready),
            *(writer.i.payload.data[place:][:len(part)].eq(part) for place, part
              in parts("result", results.payload, design)),
        ]
        return writer.idle

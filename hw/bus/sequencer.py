"""Runs the jobs of a queue, or one that registers describe, on the accelerator."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.axi4 import ID_WIDTH, MemoryRun
from hw.bus.identity import bus_identity
from hw.bus.job_settings import LOOKS, JobSettings, Start
from hw.bus.router import Access
from hw.bus.unpacker import Element
from hw.config import Design
from hw.layouts import STREAMS
from hw.registers import (
    BUS_REGISTERS,
    DESCRIPTOR,
    DESCRIPTOR_BYTES,
    DESCRIPTOR_TAG,
    REGISTERS,
    BusError,
    Error,
    offset_of,
)
from hw.stream.axi_lite import Registers


__all__ = ["Sequencer"]


_START = 0b011
"""CONTROL: start, and tell of the end."""


class Sequencer(wiring.Component):
    """Runs jobs one after the other: fetches descriptors, starts, waits, tells of the end.

    A descriptor is written to the registers of the job, word by word, as a host would do it. An
    error ends the job: nothing new is asked of the memory, what is in flight comes in and is
    dropped, the accelerator is reset (TIMEOUT is put back), and the queue stands still until it is
    resumed. A job costs about 60 cycles beside those of the accelerator, one of the queue
    about 250. Reset ends the job and empties the queue.

    Parameters
    ----------
    design : Design

    Members
    -------
    registers : In(Registers(BUS_REGISTERS))
    access : Out(Access())
        To the registers.
    start : Out(Start())
    runs : Out(stream.Signature(MemoryRun(design)))
        Where the next descriptor is.
    words : In(stream.Signature(Element(4)))
        Its words.
    finished : In(1)
        The accelerator says that the job has ended, or timed out.
    read_failed, write_failed : In(1), failed_id : In(3)
        High for a cycle when the memory answers with an error, to a read of that ID.
    irq : Out(1)
    """

    def __init__(self, design: Design):
        super().__init__({
            "registers": In(Registers(BUS_REGISTERS)),
            "access": Out(Access()),
            "start": Out(Start()),
            "runs": Out(stream.Signature(MemoryRun(design))),
            "words": In(stream.Signature(Element(4))),
            "finished": In(1),
            "read_failed": In(1), "failed_id": In(ID_WIDTH), "write_failed": In(1),
            "irq": Out(1),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        registers, state = self.registers, self.registers.state
        m.submodules.settings = settings = JobSettings(self.design)
        fault = self._faults(m)
        queued, telling = Signal(), Signal()  # the job is of the queue; it sets ``ended``
        index = Signal(range(len(DESCRIPTOR) + 1))
        self._describe(m, settings)
        m.d.sync += self.start.begin.eq(0)
        with m.If(registers.pulses.acknowledge):
            m.d.sync += state.ended.eq(0)
        with m.If(registers.pulses.resume & ~state.active):
            m.d.sync += state.bus_error.eq(Error.NONE)
        with m.FSM() as machine:
            with m.State("IDLE"):
                m.d.sync += index.eq(0)
                self._choose(m, queued, telling)
            self._fetch(m, fault, telling, index)
            self._prepare(m, fault, settings, index)
            self._run(m, fault, queued, telling)
            self._clean(m, queued)
        m.d.comb += [state.active.eq(~machine.ongoing("IDLE")), registers.locked.eq(state.active),
                     self.irq.eq(registers.settings.interrupt & (
                         state.ended | ((state.bus_error != Error.NONE) & ~state.active)))]
        return m

    def _access(self, m, place, word=None):
        """Read a register, or write it; true in the cycle in which that is over."""
        m.d.comb += [self.access.valid.eq(1), self.access.address.eq(place)]
        if word is not None:
            m.d.comb += [self.access.write.eq(1), self.access.data.eq(word)]
        return self.access.done

    def _fail(self, m, code):
        """End the job with an error."""
        m.d.sync += self.registers.state.bus_error.eq(code)
        m.next = "FAIL"

    def _choose(self, m, queued, telling):
        """The job of the registers, or the next one of the queue."""
        settings, state = self.registers.settings, self.registers.state
        with m.If(self.registers.pulses.bus_start):
            m.d.sync += [queued.eq(0), telling.eq(1), state.ended.eq(0),
                         state.bus_error.eq(Error.NONE)]
            m.next = "LOOK"
        with m.Elif(settings.queue & (settings.tail != state.head)
                    & (state.bus_error == Error.NONE)):
            m.d.sync += [queued.eq(1), telling.eq(0)]
            m.next = "FETCH"

    def _fetch(self, m, fault, telling, index):
        """Write the words of a descriptor to the registers of the job."""
        word = self.words.payload.data
        with m.State("FETCH"):
            m.d.comb += self.runs.valid.eq(~self._queue_misplaced())
            with m.If(self._queue_misplaced()):
                m.d.sync += self.registers.state.stream.eq(STREAMS.index("descriptor"))
                self._fail(m, BusError.ADDRESS)
            with m.Elif(self.runs.ready):
                m.next = "TAG"
        with m.State("TAG"):
            m.d.comb += self.words.ready.eq(1)
            with m.If(fault != Error.NONE):
                self._fail(m, fault)
            with m.Elif(self.words.valid):
                m.d.sync += telling.eq(word[0])
                m.next = "LOAD"
                with m.If(word[8:] != DESCRIPTOR_TAG):
                    self._fail(m, BusError.DESCRIPTOR)
        with m.State("LOAD"):
            with m.If(self.words.valid):
                m.d.comb += self.words.ready.eq(self._access(m, self._place(m, index), word))
                with m.If(self.words.ready):
                    m.d.sync += index.eq(index + 1)
                    with m.If(index == len(DESCRIPTOR) - 1):
                        m.d.sync += index.eq(0)
                        m.next = "LOOK"
            with m.Elif(fault != Error.NONE):
                self._fail(m, fault)

    def _prepare(self, m, fault, settings, index):
        """See what the job needs of the memory, and whether it can be there; start it."""
        with m.State("LOOK"), m.Switch(index):
            for k, name in enumerate(LOOKS):
                with m.Case(k), m.If(self._access(m, offset_of(name))):
                    m.d.sync += [settings.words[name.lower()].eq(self.access.word),
                                 index.eq(index + 1)]
            with m.Default():
                m.next = "CHECK"
        with m.State("CHECK"):
            m.next = "START"
            with m.If(fault != Error.NONE):
                self._fail(m, fault)
            with m.Elif(settings.misplaced):
                m.d.sync += self.registers.state.stream.eq(settings.culprit)
                self._fail(m, BusError.ADDRESS)
        with m.State("START"), m.If(self._access(m, offset_of("CONTROL"), _START)):
            m.next = "ACCEPTED"
        with m.State("ACCEPTED"), m.If(self._access(m, offset_of("STATUS"))):
            busy, error = self._status()
            m.d.sync += self.start.begin.eq(busy)
            m.next = "RUN"
            with m.If(~busy):
                self._fail(m, error)

    def _run(self, m, fault, queued, telling):
        """Wait for the end of the job, and for the last answer to a write."""
        settings, state = self.registers.settings, self.registers.state
        with m.State("RUN"):
            with m.If(fault != Error.NONE):
                self._fail(m, fault)
            with m.Elif(self.finished & self.start.idle & ~self.start.begin):
                m.next = "END"
        with m.State("END"), m.If(self._access(m, offset_of("STATUS"))):
            busy, error = self._status()
            m.next = "DONE"
            with m.If(busy | (error != Error.NONE)):
                self._fail(m, error)
        with m.State("DONE"):
            last = queued & (settings.tail == (state.head + 1)[:16])
            m.d.sync += state.head.eq(state.head + queued)
            with m.If(telling | last):
                m.d.sync += state.ended.eq(1)
            m.next = "IDLE"

    def _clean(self, m, queued):
        """Leave bus and accelerator as after a reset; only TIMEOUT stays."""
        state, timeout = self.registers.state, Signal(32)
        with m.State("FAIL"):
            m.d.comb += self.start.drop.eq(1)
            with m.If(self.start.idle):
                m.next = "KEEP"
        with m.State("KEEP"):
            m.d.comb += self.start.drop.eq(1)
            with m.If(self._access(m, offset_of("TIMEOUT"))):
                m.d.sync += timeout.eq(self.access.word)
                m.next = "CLEAR"
        with m.State("CLEAR"):
            m.d.comb += [self.start.drop.eq(1), self.access.clear.eq(1), self.access.valid.eq(1)]
            with m.If(self.access.done):
                m.next = "RESTORE"
        with m.State("RESTORE"), m.If(self._access(m, offset_of("TIMEOUT"), timeout)):
            m.d.sync += [state.head.eq(state.head + queued), state.ended.eq(1)]
            m.next = "IDLE"

    def _faults(self, m):
        """The first reason since the last job for which one is to end early."""
        state, pulses = self.registers.state, self.registers.pulses
        fault = Signal(8)
        with m.If(~state.active):
            m.d.sync += fault.eq(Error.NONE)
        with m.Elif(fault == Error.NONE):
            with m.If(self.read_failed):
                m.d.sync += [fault.eq(BusError.READ), state.stream.eq(self.failed_id)]
            with m.Elif(self.write_failed):
                m.d.sync += [fault.eq(BusError.WRITE), state.stream.eq(STREAMS.index("result"))]
            with m.Elif(pulses.bus_abort):
                m.d.sync += fault.eq(BusError.ABORT)
        return fault

    def _status(self):
        """Whether the accelerator is busy, and its error, from what was read of STATUS."""
        status = next(one for one in REGISTERS if one.name == "STATUS")
        return (self.access.word[status.position("busy")],
                self.access.word[status.position("error"):][:8])

    def _place(self, m, index):
        """Where word ``index`` of a descriptor is written."""
        place = Signal(12)
        with m.Switch(index):
            for k, register in enumerate(DESCRIPTOR):
                with m.Case(k):
                    m.d.comb += place.eq(register.offset)
        return place

    def _queue_misplaced(self):
        """Whether no descriptor can be where the queue is said to be."""
        settings, width = self.registers.settings, self.design.address_width
        address = Cat(settings.queue_low, settings.queue_high)
        return (address & (DESCRIPTOR_BYTES - 1)).any() | address[width:].any()

    def _describe(self, m, job):
        """What movers, memory and software are told."""
        design, state, settings = self.design, self.registers.state, self.registers.settings
        queue, mask = Signal(design.address_width), Signal(16)
        m.d.comb += [
            job.settings.eq(settings), self.start.job.eq(job.job), self.start.brings.eq(job.brings),
            queue.eq(Cat(settings.queue_low, settings.queue_high)),
            mask.eq((1 << settings.size_log2) - 1),
            self.runs.payload.address.eq(queue + (state.head & mask) * DESCRIPTOR_BYTES),
            self.runs.payload.elements.eq(len(DESCRIPTOR) + 1),
            self.runs.payload.last.eq(1),
            *(state[name].eq(value) for name, value in bus_identity(design).items()),
        ]

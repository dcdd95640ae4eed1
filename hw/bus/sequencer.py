"""Runs the jobs of a queue, or one that registers describe, on the accelerator."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.axi4 import ID_WIDTH, MemoryRun
from hw.bus.beat_counters import beats
from hw.bus.identity import bus_identity
from hw.bus.job_settings import JobSettings, Start, job_fields, job_registers
from hw.bus.room import run_bits
from hw.bus.router import Access
from hw.bus.unpacker import Element
from hw.config import Design
from hw.layouts import STREAMS
from hw.registers import (
    DESCRIPTOR_BYTES,
    DESCRIPTOR_TAG,
    BusError,
    Error,
    bus_registers,
    offset_of,
)
from hw.stream.axi_lite import Registers
from hw.stream.members import only_if


__all__ = ["Sequencer"]


_START = 0b1
"""CONTROL: start."""


class Sequencer(wiring.Component):
    """Runs jobs one after the other: fetches descriptors, starts, waits, tells of the end.

    A descriptor is written to the registers of the job, word by word, as a host would do it. An
    error ends the job: nothing new is asked of the memory, what is in flight comes in and is
    dropped, the accelerator is reset (TIMEOUT is put back), and the queue stands still until it is
    resumed. Reset ends the job and empties the queue.

    Parameters
    ----------
    design : Design

    Members
    -------
    registers : In(Registers(bus_registers(design.decode)))
    access : Out(Access())
        To the registers.
    start : Out(Start())
    runs : Out(stream.Signature(MemoryRun(design)))
        Where the next descriptor is.
    words : In(stream.Signature(Element(4)))
        Its words.
    job : In(job_fields(design)), accelerator : In(job_fields(design, "ro"))
        What the registers of the accelerator hold.
    read_failed, write_failed : In(1), failed_id : In(3)
        High for a cycle when the memory answers with an error, to a read of that ID.
    irq : Out(1)
    beats : In(beats())
        With ``decode``: what the last job has moved.
    """

    def __init__(self, design: Design):
        super().__init__({
            "registers": In(Registers(bus_registers(design.decode))),
            "access": Out(Access()),
            "start": Out(Start()),
            "runs": Out(stream.Signature(MemoryRun(design, run_bits(design, "descriptor")))),
            "words": In(stream.Signature(Element(4))),
            "job": In(job_fields(design)), "accelerator": In(job_fields(design, "ro")),
            "read_failed": In(1), "failed_id": In(ID_WIDTH), "write_failed": In(1),
            "irq": Out(1),
            **only_if(design.decode, beats=In(beats())),
        })
        self.design = design
        self.described = job_registers(design)

    def elaborate(self, platform):
        m = Module()
        registers, state = self.registers, self.registers.state
        m.submodules.settings = settings = JobSettings(self.design)
        m.d.comb += settings.job.eq(self.job)
        fault = self._faults(m)
        queued, telling = Signal(), Signal()  # the job is of the queue; it sets ``ended``
        index = Signal(range(len(self.described) + 1))
        self._describe(m, settings)
        with m.If(registers.pulses.acknowledge):
            m.d.sync += state.ended.eq(0)
        with m.If(registers.pulses.resume & ~state.active):
            m.d.sync += state.bus_error.eq(Error.NONE)
        with m.FSM() as machine:
            with m.State("IDLE"):
                m.d.sync += index.eq(0)
                self._choose(m, queued, telling)
            self._fetch(m, fault, telling, index)
            self._begin(m, fault, settings)
            self._run(m, fault, queued, telling)
            self._clean(m, queued)
        m.d.comb += [state.active.eq(~machine.ongoing("IDLE")), registers.locked.eq(state.active),
                     self.irq.eq(registers.settings.interrupt & (
                         state.ended | ((state.bus_error != Error.NONE) & ~state.active)))]
        return m

    def _write(self, m, place, word):
        """Write a register; true in the cycle in which that is over."""
        m.d.comb += [self.access.valid.eq(1), self.access.address.eq(place),
                     self.access.data.eq(word)]
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
            m.next = "CHECK"
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
                m.d.comb += self.words.ready.eq(self._write(m, self._place(m, index), word))
                with m.If(self.words.ready):
                    m.d.sync += index.eq(index + 1)
                    with m.If(index == len(self.described) - 1):
                        m.next = "CHECK"
            with m.Elif(fault != Error.NONE):
                self._fail(m, fault)

    def _begin(self, m, fault, settings):
        """Start the job, if what it needs of the memory can be there."""
        with m.State("CHECK"):
            m.next = "START"
            with m.If(fault != Error.NONE):
                self._fail(m, fault)
            with m.Elif(settings.misplaced):
                m.d.sync += self.registers.state.stream.eq(settings.culprit)
                self._fail(m, BusError.ADDRESS)
            if self.design.decode:
                with m.Elif(settings.unfit):
                    self._fail(m, BusError.DECODE)
        with m.State("START"), m.If(self._write(m, offset_of("CONTROL"), _START)):
            m.next = "RUN"  # the accelerator has begun, or has refused: ``error`` says why

    def _run(self, m, fault, queued, telling):
        """Wait for the end of the job, and for the last answer to a write."""
        settings, state, inside = self.registers.settings, self.registers.state, self.accelerator
        with m.State("RUN"):
            with m.If(fault != Error.NONE):
                self._fail(m, fault)
            with m.Elif(inside.error != Error.NONE):
                self._fail(m, inside.error)
            with m.Elif(inside.done & self.start.idle):
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
                m.next = "CLEAR"
        with m.State("CLEAR"):
            m.d.comb += [self.start.drop.eq(1), self.access.clear.eq(1), self.access.valid.eq(1)]
            with m.If(self.access.done):
                m.d.sync += timeout.eq(self.job.timeout)
                m.next = "RESTORE"
        with m.State("RESTORE"), m.If(self._write(m, offset_of("TIMEOUT"), timeout)):
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

    def _place(self, m, index):
        """Where word ``index`` of a descriptor is written."""
        place = Signal(12)
        with m.Switch(index):
            for k, register in enumerate(self.described):
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
            job.settings.eq(settings), self.start.brings.eq(job.brings),
            queue.eq(Cat(settings.queue_low, settings.queue_high)),
            mask.eq((1 << settings.size_log2) - 1),
            self.runs.payload.address.eq(queue + (state.head & mask) * DESCRIPTOR_BYTES),
            self.runs.payload.elements.eq(len(self.described) + 1),
            self.runs.payload.last.eq(1),
            *(state[name].eq(value) for name, value in bus_identity(design).items()),
        ]
        if design.decode:
            m.d.comb += [state[name].eq(self.beats[name]) for name in beats().members]

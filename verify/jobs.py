"""Drives an accelerator through jobs, registers and faults: every result is compared."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch

from hw.fixed_point import BIAS_BITS, SCALE_BITS, SHIFT_BITS, Output
from hw.registers import REGISTERS, Error, Register
from sim.vectors.layers import random_layer, random_tensor
from sim.vectors.stimulus import generator
from sim.verilated.accelerator import Accelerator
from sw.driver.linear import BUSY, DONE, ERROR_BIT, Channels, Corrections, LinearJob, linear_job
from sw.driver.reference import ReferenceAccelerator


__all__ = ["JobBench"]


START, IRQ_ENABLE, ABORT = 1, 2, 4
ALTERNATING = (0x5555_5555, 0xAAAA_AAAA)
SETTLE = 200
"""Cycles in which an accelerator comes to rest."""


class JobBench:
    """An accelerator beside its reference.

    Every method raises AssertionError if a register, a response or a result is wrong, and
    TimeoutError if results do not come.

    Parameters
    ----------
    model : Accelerator
        After reset.
    purpose : str
        Chooses the random numbers, with the design.
    """

    def __init__(self, model: Accelerator, purpose: str):
        design = self.design = model.design
        self.model, self.reference = model, ReferenceAccelerator(design)
        self.rng = generator(purpose, design)
        self.outputs = [output for output in (Output if design.epilogue_lanes else (Output.RAW,))
                        if output != Output.FP32 or design.accumulator_width >= 32]
        self.features = min(64, design.max_blocks * design.pattern.m)
        self.blocks = design.max_blocks if design.whole_tokens else design.covered_blocks

    def start(self, job: LinearJob, control: int = START) -> None:
        """Set up a job and start it."""
        for register, value in (job.registers | {"CONTROL": control}).items():
            self.model.write(register, value)

    def status(self) -> int:
        """STATUS, once all has come to rest."""
        self.model.take(1, limit=SETTLE)
        return self.model.read("STATUS")

    def run(self, job: LinearJob, after: Mapping[str, int] | None = None) -> None:
        """Run a job; every result must be that of the reference.

        ``after`` are cycles for which a stream first stays silent.
        """
        self.start(job, START | IRQ_ENABLE)
        self.model.offer(job.inputs, after)
        self.finish(job)

    def finish(self, job: LinearJob, status: int = DONE) -> None:
        """Take the results of a job that was started, whose streams are on offer."""
        self.same(job)
        assert self.status() == status

    def same(self, job: LinearJob, *, queued: bool = False) -> None:
        """Take the results of a job, which must be those of the reference.

        ``queued`` beats, those of the next job, are left.
        """
        for register, value in (job.registers | {"CONTROL": START}).items():
            self.reference.write(register, value)
        expected, _ = self.reference.run(job.inputs, job.results, limit=0)
        take = self.model.take if queued else partial(self.model.run, {})
        got, _ = take(job.results, limit=job.limit)
        assert np.array_equal(got.data, expected.data), "results are wrong"
        assert np.array_equal(got.last, expected.last), "tlast of results is wrong"

    def small(self, outputs: int = 5, tokens: int = 6, features: int = 0,
              corrections: Corrections | None = None) -> LinearJob:
        """A job of random numbers over the whole range, of 40 features where they fit."""
        features = features or min(40, self.blocks * self.design.pattern.m)
        x, w = (random_tensor(self.rng, -128, 128, rows, features, kind=torch.int8)
                for rows in (tokens, outputs))
        return self.job(x, w, corrections or Corrections())

    def job(self, x: torch.Tensor, w: torch.Tensor, corrections: Corrections) -> LinearJob:
        """A job that brings random parameters of the input channels, where the design has any."""
        given: dict[str, Any] = {}
        features = x.shape[1]
        if self.design.coefficients:
            given["factors"] = random_tensor(self.rng, 0, 1 << self.design.coefficients, features)
        if self.design.shift == "channel":
            given["shifts"] = random_tensor(self.rng, -60, 60, features)
        return linear_job(self.design, x, w, replace(corrections, **given))

    def registers(self) -> None:
        """Every register and byte, every address line, what is refused, and what a reset leaves."""
        model = self.model
        model.reset()
        for register in REGISTERS:
            assert model.read(register.name) == self.reference.read(register.name), register.name
        for value in (0xFFFF_FFFF, 0, *ALTERNATING):
            for register in REGISTERS:
                kept, before = _kept(register), model.read(register.name)
                for strobe in (1, 2, 4, 8):
                    given = value & ~START if register.name == "CONTROL" else value
                    model.write(register.name, given, strobe=strobe)
                assert model.read(register.name) == value & kept | before & ~kept, register.name
        self._words()
        places = {register.offset for register in REGISTERS}
        for place in {other ^ 1 << line for other in places for line in range(2, 12)} - places:
            for access in (lambda at: model.write(at, 0), model.read):
                _refused(access, place)
        for line in range(12):
            if 1 << line <= REGISTERS[-1].offset:
                model.write(1 << line, 0)
                model.read(1 << line)
        for register in REGISTERS:
            model.write(register.name, 0)
        self._refusals()

    def _words(self) -> None:
        """Any words in all registers: a write changes its own one alone."""
        for _ in range(8):
            held = {}
            for register in REGISTERS:
                word, kept = int(self.rng.integers(1 << 32)), _kept(register)
                held[register.name] = word & kept | self.model.read(register.name) & ~kept
                self.model.write(register.name, word & ~(START * (register.name == "CONTROL")))
            for name, word in held.items():
                assert self.model.read(name) == word, name

    def _refusals(self) -> None:
        """Starts with a register out of range, one after the other."""
        good, own = self.small().registers, self.design.pattern
        legal = {keep | size << 8 for keep in (0, own.n) for size in (0, own.m)}
        other = {code ^ 1 << bit for code in legal for bit in range(16)} - legal
        for name, value, error in (
                ("K_BLOCKS", 0, Error.K_BLOCKS), ("K_BLOCKS", 0xFF_FFFF, Error.K_BLOCKS),
                ("TOKENS", 0, Error.TOKENS), ("COLUMN_TILES", 0, Error.COLUMN_TILES),
                ("OUTPUT", 0xFF, Error.OUTPUT), ("JOB_PATTERN", 0xFFFF, Error.PATTERN),
                *(("JOB_PATTERN", code, Error.PATTERN) for code in sorted(other)
                  if self.design.flexible == "none"),
                *(("THRESHOLD", 1 << bit, Error.PATTERN) for bit in range(16)
                  if not self.design.unstructured),
                ("THRESHOLD", 0xFFFF, Error.PATTERN), ("CORRECTIONS", 8, Error.COEF)):
            if error == Error.COEF and self.design.channel_bits:
                continue  # it is what they are for
            self.model.reset()  # the first error stays
            for register, given in (good | {name: value, "CONTROL": START}).items():
                self.model.write(register, given)
            assert self.model.read("STATUS") == error << ERROR_BIT, name
            self._constants()
        self.model.reset()

    def _constants(self) -> None:
        """What says how the design was made, whatever other registers hold."""
        for name in ("ID", "PATTERN", "SHAPE", "MAX_BLOCKS", "BUFFER", "BATCH"):
            assert self.model.read(name) == self.reference.read(name), name

    def random(self, layers: int) -> None:
        """Layers with all that the design can do."""
        for _ in range(layers):
            self.run(random_layer(self.design, self.rng).job)

    def extremes(self) -> None:
        """Terms over their whole ranges, and at their ends."""
        for output in self.outputs:
            for tokens, outputs in ((5, 9), (34, 4)):
                self.run(self.small(outputs, tokens, self.features,
                                    self.terms(output, tokens, outputs)))
        for value, weight in ((127, 127), (-128, 127), (127, -128), (-128, -128), (0, 0), (-1, 1)):
            x, w = (torch.full((rows, self.features), number, dtype=torch.int8)
                    for rows, number in ((5, value), (4, weight)))
            for output in self.outputs:
                self.run(self.job(x, w, self.terms(output, 5, 4)))

    def gains(self) -> None:
        """Factors of tokens of every size and variance, and products that show each bit of them."""
        features = self.design.max_blocks * self.design.pattern.m
        for tokens in (40,) * 6 if self.design.statistics else ():
            sizes = torch.from_numpy(2.0 ** self.rng.uniform(0, 7, (tokens, 1)))
            x = random_tensor(self.rng, -128, 128, tokens, features) * sizes / 128
            x += random_tensor(self.rng, -128, 128, tokens, 1) * (1 - sizes / 128)
            w = random_tensor(self.rng, -128, 128, 5, features, kind=torch.int8)
            self.run(self.job(x.to(torch.int8), w, Corrections(Output.CORRECTED, variance=True)))

    def terms(self, output: Output, tokens: int, outputs: int) -> Corrections:
        """Random terms over their whole ranges."""
        if output == Output.RAW:
            return Corrections()
        scales = random_tensor(self.rng, 0, 1 << SCALE_BITS, tokens, 1)
        if output == Output.CORRECTED:
            return Corrections(output, token_scale=scales)
        half = 1 << BIAS_BITS - 1
        ranges = (0, 1 << SCALE_BITS), (0, 1 << SHIFT_BITS), (-half, half)
        terms = [random_tensor(self.rng, low, high, outputs) for low, high in ranges]
        for term, (low, high) in zip(terms, ranges, strict=True):
            term[0], term[-1] = low, high - 1
        return Corrections(output, token_scale=scales, channels=Channels(*terms),
                           exponent=int(self.rng.integers(-128, 128)))

    def full_buffers(self) -> None:
        """Tokens that fill the buffers, in three batches, and tokens in chunks."""
        design = self.design
        self.run(self.small(3 * design.columns, 2 * design.batch_tokens + 1,
                            design.max_blocks * design.pattern.m))
        chunks = min(2 * design.max_blocks + 3, self.blocks)
        self.run(self.small(2 * design.columns, design.rows + 1, chunks * design.pattern.m))

    def sizes(self) -> None:
        """Jobs with each bit of their sizes: blocks, and others with whole tokens or in chunks."""
        design = self.design
        for bit in range(min(16, self.blocks.bit_length() - 1)):
            self.run(self.small(1, 1, design.pattern.m << bit))
        few = ("TOKENS", 1, 2 * design.batch_tokens), ("COLUMN_TILES", 2 * design.columns, 1)
        for (register, outputs, tokens), blocks in product(few, (0, design.max_blocks)):
            # A packet of scales, one of each token, shows their number before the job ends.
            scaled = register != "TOKENS" and Output.CORRECTED in self.outputs
            job = self.small(outputs, tokens, blocks * design.pattern.m,
                             self.terms(Output.CORRECTED, tokens, outputs) if scaled else None)
            for bit in range(job.registers[register].bit_length(), 32):
                more = {register: job.registers[register] + (1 << bit)}
                self.start(replace(job, registers=job.registers | more))
                self.model.offer(job.inputs)
                self.same(job)
                assert self.status() == BUSY, "a job of another size ended"
                self.model.write("CONTROL", ABORT)
                assert self.status() == 0, "a job goes on"
                self.model.discard()

    def timeouts(self, bits: Sequence[int] = range(7, 17)) -> None:
        """Jobs whose streams come too late, by each bit of the register; counters meanwhile."""
        job, model, late = self.small(), self.model, Error.TIMEOUT << ERROR_BIT
        for bit in bits:
            model.write("TIMEOUT", 1 << bit)
            self.start(job)
            before = {name: model.read(name) for name in ("CYCLES", "IDLE_CYCLES")}
            model.take(1, limit=(1 << bit) - 50)
            for name, value in before.items():
                assert 0 <= model.read(name) - value - (1 << bit) + 50 < 20, f"{name} is wrong"
            assert model.read("STATUS") == BUSY, "a timeout comes early"
            model.take(1, limit=100)
            assert model.read("STATUS") == late | BUSY, "there is no timeout"
            model.offer(job.inputs)
            self.finish(job, late | DONE)
        held = [(model.take(1, limit=k), model.read("CYCLES"))[1] for k in (0, 0, 1)]
        assert len({*held}) == 1, "CYCLES goes on"
        model.write("TIMEOUT", 0)

    def huge(self) -> None:
        """Jobs as large as the registers say, which time out and are aborted."""
        for number in (0xFFFF_FFFF, *ALTERNATING):
            job = self.small()
            self.model.write("TIMEOUT", 100)
            self.start(LinearJob(job.registers | {
                "K_BLOCKS": min(number, self.design.covered_blocks), "TOKENS": number,
                "COLUMN_TILES": number}, job.inputs, 1, 0), START | IRQ_ENABLE)
            self.model.offer(job.inputs)
            self.model.take(1000, limit=SETTLE)
            assert self.model.read("STATUS") & BUSY
            self.model.write("CONTROL", ABORT)
            assert not self.status() & BUSY
            self.model.discard()
            self.model.write("CONTROL", 0)
            self.model.write("TIMEOUT", 0)
            self.model.reset()
            self.run(self.small())


def _refused(access, address: int) -> None:
    """An access that the bus must answer with an error."""
    with suppress(OSError):
        access(address)
        raise AssertionError(f"address {address:#x} has no register, and no error")


def _kept(register: Register) -> int:
    """Bits of a register that software sets."""
    return sum(((1 << field.width) - 1) << register.position(field.name)
               for field in register.fields if field.access == "rw")

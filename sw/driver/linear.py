"""Sparse linear layers on an accelerator: program it, stream, and put the results together."""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from hw.config import Design, Pattern
from hw.fixed_point import FLOATS, Output
from hw.registers import EVERY_REGISTER, Error
from sw.driver.beats import (
    Beats,
    activation_beats,
    channel_beats,
    coefficient_beats,
    column_tiles,
    result_tensor,
    token_beats,
    weight_beats,
)
from sw.driver.require import require_operands, require_parameters, require_threshold
from sw.exact.epilogue import floats


__all__ = ["COUNTERS", "Backend", "Channels", "Corrections", "LinearJob", "cycle_limit",
           "field_word", "job_registers", "linear_job", "run_job", "run_linear"]


COUNTERS = ("CYCLES", "STEPS", "ARRAY_CYCLES")
"""Registers that count what a job took."""

BUSY, DONE, ERROR_BIT = 1, 2, 2
"""STATUS: a job runs; one has ended; where the code of the error stands."""


class Backend(Protocol):
    """An accelerator: its registers, and one job's streams at a time."""

    design: Design

    def write(self, register: str, value: int) -> None:
        """Write a register of :data:`hw.registers.REGISTERS`."""

    def read(self, register: str) -> int:
        """Read a register."""

    def run(self, inputs: dict[str, Beats], results: int, *, limit: int) -> tuple[Beats, int]:
        """Feed the beats of a job by the names of their streams.

        Returns the beats of the result stream, ``results`` of them, and the cycles it took.
        """


@dataclass(frozen=True)
class Channels:
    """Terms of the output channels, int64 [O] each; see :func:`sw.exact.epilogue.requantize`."""

    scale: Tensor
    shift: Tensor
    bias: Tensor


@dataclass(frozen=True)
class Corrections:
    """What the accelerator does to its accumulators.

    Attributes
    ----------
    output : Output
        What comes out: accumulators, corrected int32, int8, or floats.
    variance, token_shift : bool
        VAR and D-PTS, where the design has statistics, and a dynamic shift.
    static_shift : int
        S-PTS, subtracted before selection, where the design has a scalar shift.
    channels : Channels, optional
        Needed for int8 and floats, and not used otherwise.
    token_scale : Tensor, optional
        int64, [T, 1], 15 bits after the point.
    factors, shifts : Tensor, optional
        Integers, [K]: factors of the score and shifts (L-PTS) of the input channels, where the
        design has them.
    keep_loaded : bool
        The factors and shifts of the job before stay in use; none are given.
    exponent : int
        Floats are in units of ``2 ** exponent``, from -128 to 127.
    """

    output: Output = Output.RAW
    variance: bool = False
    token_shift: bool = False
    static_shift: int = 0
    channels: Channels | None = None
    token_scale: Tensor | None = None
    factors: Tensor | None = None
    shifts: Tensor | None = None
    exponent: int = 0
    keep_loaded: bool = False

    @property
    def needs_channels(self) -> bool:
        """Whether terms of the output channels are used."""
        return self.output >= Output.INT8

    def registers(self, design: Design) -> dict[str, int]:
        """Registers of a design and what to write into them."""
        bits = {"variance": self.variance, "token_shift": self.token_shift,
                "token_scale": self.token_scale is not None,
                "coef": design.channel_bits > 0 and not self.keep_loaded}
        return {"OUTPUT": field_word("OUTPUT", output=self.output, exponent=self.exponent & 0xFF),
                "CORRECTIONS": field_word("CORRECTIONS", **bits),
                "STATIC_SHIFT": self.static_shift & 0xFF}


@dataclass(frozen=True)
class LinearJob:
    """A layer as an accelerator takes it.

    Attributes
    ----------
    registers : dict of str to int
        What to write before the start.
    inputs : dict of str to Beats
        Beats of the streams.
    results : int
        Beats of the result stream.
    limit : int
        Cycles that only a fault exceeds.
    """

    registers: dict[str, int]
    inputs: dict[str, Beats]
    results: int
    limit: int


def field_word(register: str, **values: int) -> int:
    """Put the values of a register's fields together."""
    found = next(one for one in EVERY_REGISTER if one.name == register)
    return sum(int(value) << found.position(name) for name, value in values.items())


def job_registers(design: Design, x: Tensor, weight: Tensor, corrections: Corrections,
                  pattern: Pattern | None = None, threshold: int = 0) -> dict[str, int]:
    """What to write for a sparse linear layer; parameters and errors as in :func:`run_linear`."""
    if not design.number.integer:
        raise ValueError(f"format of the accelerator must be int8, not {design.format!r}")
    require_operands(x, weight)
    tokens, features = x.shape
    blocks = design.pattern.blocks(features)
    whole = design.whole_tokens or corrections.variance or corrections.token_shift
    most = design.max_blocks if whole else design.covered_blocks
    if blocks > most:
        raise ValueError(f"x must have at most {most * design.pattern.m} input features"
                         f"{' of tokens that must be whole' * whole}, not {features}")
    require_parameters(design, corrections, len(weight), *x.shape)
    require_threshold(design, threshold)
    asked = pattern or design.pattern
    if not threshold:
        design.steps(asked)
    registers = {"K_BLOCKS": blocks, "TOKENS": tokens,
                 "COLUMN_TILES": column_tiles(design, len(weight)),
                 **corrections.registers(design)}
    if design.unstructured:
        registers |= {"THRESHOLD": threshold}
    if design.flexible != "none":
        registers |= {"JOB_PATTERN": field_word("JOB_PATTERN", keep=asked.n, size=asked.m)}
    return registers


def linear_job(design: Design, x: Tensor, weight: Tensor, corrections: Corrections | None = None,
               pattern: Pattern | None = None, threshold: int = 0) -> LinearJob:
    """Make a job of a sparse linear layer; parameters and errors as in :func:`run_linear`."""
    corrections = corrections or Corrections()
    registers = job_registers(design, x, weight, corrections, pattern, threshold)
    tokens, features = x.shape
    tiles, blocks = registers["COLUMN_TILES"], registers["K_BLOCKS"]
    per_block = design.most_steps if threshold else design.steps(pattern or design.pattern)
    inputs = {"act": activation_beats(x, len(weight), design, corrections.static_shift),
              "weight": weight_beats(weight, tokens, design),
              **_parameters(design, corrections, tokens, features)}
    return LinearJob(registers, inputs, tiles * tokens,
                     cycle_limit(design, tokens, tiles, per_block * blocks, inputs))


def cycle_limit(design: Design, tokens: int, tiles: int, steps: int, inputs: dict[str, Beats]
                ) -> int:
    """Cycles that a job of ``steps`` a group of tokens and tile exceeds only by a fault.

    Ten times what loading and computing take one after the other.
    """
    groups = tiles * -(-tokens // design.rows)
    total = groups * (steps + 4 * design.rows * design.columns)
    return 10_000 + 10 * (total + 200 * tokens + sum(len(beats.last) for beats in inputs.values()))


def _parameters(design: Design, corrections: Corrections, tokens: int,
                features: int) -> dict[str, Beats]:
    """Beats of the streams that only some jobs bring."""
    inputs = {}
    if design.channel_bits and not corrections.keep_loaded:
        inputs["coef"] = coefficient_beats(corrections.factors, corrections.shifts, features,
                                           design)
    if corrections.token_scale is not None:
        inputs["token"] = token_beats(corrections.token_scale)
    if corrections.needs_channels and corrections.channels is not None:
        terms = corrections.channels
        inputs["channel"] = channel_beats(terms.scale, terms.shift, terms.bias, tokens,
                                          design.pattern.blocks(features), design)
    return inputs


def run_linear(backend: Backend, x: Tensor, weight: Tensor,
               corrections: Corrections | None = None,
               pattern: Pattern | None = None, threshold: int = 0
               ) -> tuple[Tensor, dict[str, int]]:
    """Run a sparse linear layer of any size as one job.

    Parameters
    ----------
    backend : Backend
        The accelerator.
    x : Tensor
        int8, [T, K]: dense activations. The accelerator prunes them.
    weight : Tensor
        int8, [O, K].
    corrections : Corrections, optional
        By default the accumulators come as they are.
    pattern : Pattern, optional
        What the activations are pruned to: by default, and where the accelerator does not take
        it at run time at most, its own.
    threshold : int
        If not 0: keep all values whose score reaches it instead, where the design is unstructured.

    Returns
    -------
    tuple of Tensor and dict
        Results [T, O], int64, or float32 or bfloat16 where these are asked for, and each of
        :data:`COUNTERS`.

    Raises
    ------
    ValueError
        If there is no token, or no output or input feature; if x and weight do not fit, or are not
        int8; if K is more than the accumulators cover; if the accelerator cannot run the pattern,
        or takes no threshold, or none so large; if parameters are missing, no integers, out of
        range, of another size, or would be ignored.
    RuntimeError
        If the accelerator reports an error.
    """
    design, corrections = backend.design, corrections or Corrections()
    job = linear_job(design, x, weight, corrections, pattern, threshold)
    results, counters = run_job(backend, job)
    y = result_tensor(results, len(x), x.shape[1], len(weight), design)
    if corrections.output in FLOATS:
        y = floats(y, corrections.output)
    return y, counters


def run_job(backend: Backend, job: LinearJob) -> tuple[Beats, dict[str, int]]:
    """Run a job; return the beats of its results, and each of :data:`COUNTERS`.

    Raises
    ------
    RuntimeError
        If the accelerator reports an error.
    """
    for register, value in (job.registers | {"CONTROL": 1}).items():
        backend.write(register, value)
    if error := backend.read("STATUS") >> ERROR_BIT:
        raise RuntimeError(f"the accelerator refused a job: {_error(error)}")
    results, _ = backend.run(job.inputs, job.results, limit=job.limit)
    status = _ended(backend)
    if status != DONE:
        raise RuntimeError(f"the accelerator ended a job with STATUS {status:#x}: "
                           f"{_error(status >> ERROR_BIT)}")
    return results, {name: backend.read(name) for name in COUNTERS}


def _error(code: int) -> str:
    return next(error.meaning for error in Error if error == code)


def _ended(backend: Backend) -> int:
    """STATUS once the job has ended: rows without a token leave the array after the last result.

    They take one cycle each, and so does a read at least.
    """
    for _ in range(4 + 2 * backend.design.rows):
        status = backend.read("STATUS")
        if not status & BUSY:
            break
    return status

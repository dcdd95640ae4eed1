"""A feed-forward layer out of a memory: what ``python -m sim.system`` does."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from hw.command.progress import doing, track
from hw.command.table import Table
from hw.config import Design, Pattern
from hw.registers import BUS_REGISTERS
from sim.verilated.bus import BusAccelerator
from sw.driver.linear import field_word
from sw.driver.memory import memory_job, result_values
from sw.evaluation.activations import feed_forward
from sw.exact.linear import nm_linear
from sw.exact.quantize import quantize


__all__ = ["APART", "LIMIT", "Memory", "Outcome", "Run", "decodes", "operands", "outcome",
           "place", "report", "run_layer"]


LIMIT = 100_000_000
"""Cycles after which a job is given up."""

APART = 4096
"""Bytes whose multiples buffers begin at."""

_STATUS, = (register for register in BUS_REGISTERS if register.name == "BUS_STATUS")


@dataclass(frozen=True)
class Memory:
    """What the accelerator works out of.

    Attributes
    ----------
    latency : int
        Cycles from a request to its first answer.
    bandwidth : float
        Bytes a cycle, reads and writes together; 0: as many as the bus has.
    """

    latency: int
    bandwidth: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """What one linear layer came to.

    Attributes
    ----------
    exact : bool
        Whether every accumulator in memory equals the reference.
    cycles, array_cycles, steps : int
        Cycles from the start of the job to its interrupt, those from the first step of the array
        to the last, and those with a step.
    moved : dict of str to int
        Bytes over the bus, whole beats, by the names of :data:`hw.layouts.STREAMS`.
    firmware : int, optional
        Cycles of the program's own work, where a core of the model runs it.
    """

    exact: bool
    cycles: int
    array_cycles: int
    steps: int
    moved: dict[str, int]
    firmware: int | None = None


Run = Callable[..., Outcome]
"""What runs a layer: :func:`run_layer`, or that of ``sim.runs.program`` or ``sim.runs.core``."""


def decodes(design: Design, x: Tensor) -> bool:
    """Whether a job with these tokens can read only the weights that it needs."""
    return (design.decode and len(x) <= design.decode_tokens
            and design.pattern.blocks(x.shape[1]) <= design.max_blocks)


def run_layer(design: Design, memory: Memory, x: Tensor, weight: Tensor,
              pattern: Pattern | None = None, decode: bool | None = None) -> Outcome:
    """Run a linear layer out of memory and compare its accumulators.

    With ``decode`` the hardware counts what moves, too.

    Parameters
    ----------
    design : Design
        Of an accelerator with the bus ``axi4``; its pattern is applied.
    memory : Memory
        Where its data lie.
    x, weight : Tensor
        int8, [T, K] and [O, K].
    pattern : Pattern, optional
        Of the job, where the design takes one.
    decode : bool, optional
        Whether to read only the weights that are needed; by default where design and job can.

    Raises
    ------
    RuntimeError
        If the job ends with an error, does not end, or breaks a rule of the bus, or if the
        hardware has counted other beats than the memory.
    """
    if decode is None:
        decode = decodes(design, x)
    job, addresses, end = memory_job(design, x, weight, decode=decode, pattern=pattern), {}, 0
    for name, size in job.sizes.items():
        addresses[name] = end
        end += -(-size // APART) * APART
    device = BusAccelerator(design, size=end, latency=memory.latency, bandwidth=memory.bandwidth)
    for name, image in job.buffers.items():
        device.memory[addresses[name]:][:image.size] = image.reshape(-1)
    device.allow(addresses["result"], job.result_size)
    for name, value in job.placed(addresses).items():
        device.write(name, value)
    device.write("BUS_CONTROL", field_word("BUS_CONTROL", bus_start=1, interrupt=1))
    cycles = device.run(LIMIT)
    status = device.read("BUS_STATUS")
    if status != 1 << _STATUS.position("ended") or device.violations or device.pending:
        raise RuntimeError(f"a job must end and leave the bus clean, not BUS_STATUS {status:#x}, "
                           f"{device.violations!r}")
    image = device.memory[addresses["result"]:][:job.result_size].reshape(job.tiles, -1)
    y = result_values(image, len(x), len(weight), design)
    exact = torch.equal(y, nm_linear(x, weight, pattern or design.pattern).long())
    return outcome(device, exact, cycles)


def outcome(device: BusAccelerator, exact: bool, cycles: int,
            firmware: int | None = None) -> Outcome:
    """What the only job of a device came to.

    RuntimeError if the hardware counts other beats than the memory, where it counts them.
    """
    moved = device.bytes_moved
    if device.design.decode:
        counted = {name: device.read(f"{name.upper()}_BEATS") * device.design.bus_bytes
                   for name in ("act", "weight", "result")}
        if counted != {name: moved[name] for name in counted}:
            raise RuntimeError(f"the hardware must count what the memory moves, not {counted} for "
                               f"{moved}")
    return Outcome(exact, cycles, device.read("ARRAY_CYCLES"), device.read("STEPS"), moved,
                   firmware)


def operands(sentences: list[str], layer: int) -> dict[str, tuple[Tensor, Tensor]]:
    """Tokens and weights of both projections of a feed-forward layer of MiniLM, int8."""
    with doing("running the encoder"):
        ffn = feed_forward(sentences, layer)
    return {"up": (quantize(ffn.x_up).values, quantize(ffn.w_up).values),
            "down": (quantize(ffn.x_down).values, quantize(ffn.w_down).values)}


def place(design: Design, memory: Memory) -> str:
    """Where layers run, for the title of a table."""
    return (f"{design.rows} x {design.columns} array, {design.bus_bytes} bytes wide bus, "
            f"{memory.latency} cycles latency, {memory.bandwidth or design.bus_bytes:g} bytes a "
            "cycle")


def report(designs: list[Design], layer: int, sentences: list[str], memory: Memory,
           run: Run = run_layer, core: bool = False) -> bool:
    """Run and print every pattern beside its dense baseline; return whether all is exact.

    With ``core``, ``run`` counts what the program does itself.
    Designs with ``decode`` run whole prompts here: :func:`sim.runs.decode.report_decode` has the
    tokens that come one at a time.
    """
    parts = operands(sentences, layer)
    table = Table(f"MiniLM feed-forward layer {layer}, {place(designs[0], memory)}",
                  ("pattern", "layer", "tokens"),
                  ("bit-exact", "cycles", "dense", "fewer", "busy", "of all", "token bytes",
                   "weight bytes", "over dense", "result bytes", *["firmware"] * core))
    exact = True
    for design in track(designs, "patterns"):
        for tokens in dict.fromkeys((len(parts["up"][0]), *(() if design.decode else (1,)))):
            for name, (x, weight) in parts.items():
                with doing(f"simulating {name} at {design.pattern}, tokens: {tokens}"):
                    ours = run(design, memory, x[:tokens], weight)
                with doing(f"simulating {name} dense, tokens: {tokens}"):
                    theirs = run(design.baseline, memory, x[:tokens], weight)
                exact = exact and ours.exact and theirs.exact
                table.row(str(design.pattern), name, f"{tokens}",
                          "yes" if ours.exact and theirs.exact else "NO", f"{ours.cycles}",
                          f"{theirs.cycles}", f"{theirs.cycles / ours.cycles:.3f}x",
                          f"{100 * ours.steps / ours.array_cycles:.1f} %",
                          f"{100 * ours.steps / ours.cycles:.1f} %", f"{ours.moved['act']}",
                          f"{ours.moved['weight']}",
                          f"{ours.moved['weight'] / theirs.moved['weight']:.3f}x",
                          f"{ours.moved['result']}", *[f"{ours.firmware}"] * core)
        table.section()
    table.print()
    return exact

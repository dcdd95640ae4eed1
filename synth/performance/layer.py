"""What a linear layer takes on an accelerator: cycles, bytes, accesses to memories, energy."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hw.config import VALUE_WIDTH, Design, Pattern
from hw.fixed_point import CHANNEL_BYTES
from synth.performance.clock import Job, Times, times


__all__ = ["Energy", "Layer", "Performance", "accesses", "perform", "traffic"]


@dataclass(frozen=True)
class Layer:
    """A linear layer and what runs through it.

    Attributes
    ----------
    name : str
    tokens, features, outputs : int
        T, K and O of ``Y[T, O] = S(X[T, K]) W[O, K]^T``.
    count : int
        How many such layers follow each other.
    """

    name: str
    tokens: int
    features: int
    outputs: int
    count: int = 1


@dataclass(frozen=True)
class Energy:
    """Energies of what happens in an accelerator, in one unit.

    Attributes
    ----------
    product : float
        Of a product of a kept value, in the whole array.
    byte : float
        Of a byte on a stream.
    memories : mapping of str to tuple of float
        Of a word read, and written, by the name of the memory.
    unknown : tuple of str
        Memories of which none are known: registers, whose energy is that of logic.
    """

    product: float = 0.0
    byte: float = 0.0
    memories: Mapping[str, tuple[float, float]] | None = None
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Performance:
    """What layers of one shape take, all of them together.

    Attributes
    ----------
    layer : Layer
    times : Times
        Of one of them, as the counters of the hardware say.
    cycles : float
        Of all of them: those of the hardware, or more where the streams have not the bandwidth.
    bytes : dict of str to int
        On the streams: ``tokens``, ``weights``, ``results``, ``parameters``.
    accesses : dict of str to tuple of int
        Words read and written, by the name of the memory, see
        :class:`synth.memories.buffers.Buffer`.
    products : int
        Of kept values: what the layer needs.
    dense_products : int
        Of all values.
    peak : int
        Products in a cycle at most.
    energy : dict of str to float
        ``products``, ``streams`` and each memory; empty where no energies are given.
    """

    layer: Layer
    times: Times
    cycles: float
    bytes: dict[str, int]
    accesses: dict[str, tuple[int, int]]
    products: int
    dense_products: int
    peak: int
    energy: dict[str, float]

    @property
    def busy(self) -> float:
        """Share of the cycles in which the array takes a step."""
        return self.layer.count * self.times.steps / self.cycles

    @property
    def useful(self) -> float:
        """Needed products over those that the array could do: busy, and no row or lane idle."""
        return self.products / (self.cycles * self.peak)

    @property
    def moved(self) -> int:
        """Bytes on all streams."""
        return sum(self.bytes.values())

    @property
    def bound(self) -> str:
        """What sets the pace: ``streams`` without the bandwidth, ``array``, or ``loading``."""
        if self.cycles > self.layer.count * self.times.cycles:
            return "streams"
        return "array" if self.busy >= 0.9 else "loading"

    def as_dict(self) -> dict[str, Any]:
        """As it stands in JSON."""
        layer = self.layer
        return {"layer": layer.name, "tokens": layer.tokens, "features": layer.features,
                "outputs": layer.outputs, "count": layer.count, "cycles": self.cycles,
                "busy": self.busy, "useful": self.useful, "bound": self.bound,
                "job_cycles": self.times.cycles, "job_steps": self.times.steps,
                "job_array_cycles": self.times.array_cycles, "bytes": self.bytes,
                "accesses": {name: list(counts) for name, counts in self.accesses.items()},
                "products": self.products, "dense_products": self.dense_products,
                "energy": self.energy or None}


def perform(design: Design, layer: Layer, pattern: Pattern | None = None, *,
            bandwidth: float | None = None, corrected: bool = False,
            energy: Energy | None = None) -> Performance:
    """What layers of one shape take on an accelerator.

    Parameters
    ----------
    design : Design
        Of the accelerator.
    layer : Layer
        Sizes, and how many there are.
    pattern : Pattern, optional
        What activations are pruned to: one that the design runs, by default its own.
    bandwidth : float, optional
        Bytes in a cycle that all streams move together; by default a beat of each in every cycle.
    corrected : bool
        Results pass through the epilogue, with scales of tokens and terms of output channels.
    energy : Energy, optional
        Energies of what happens.

    Raises
    ------
    ValueError
        If the design cannot run the pattern, or so many features; if there is no epilogue; if it
        multiplies other numbers than int8, whose beats and latencies are others.
    """
    if (numbers := design.multiplied.format) != "int8":
        raise ValueError(f"format must be int8 for the performance of layers, not {numbers}")
    own = design.pattern
    asked = pattern or own
    if corrected and not design.epilogue_lanes:
        raise ValueError("epilogue_lanes must be 1 or more for corrected results, not 0")
    blocks = own.blocks(layer.features)
    if blocks > design.covered_blocks:
        raise ValueError(f"features must be from 1 to {design.covered_blocks * own.m}, which an "
                         f"accumulator covers, not {layer.features}")
    if blocks > design.max_blocks and design.whole_tokens:
        raise ValueError(f"max_k must be {layer.features} or more for tokens that must be whole, "
                         f"not {design.max_k}")
    job = Job(layer.tokens, blocks, -(-layer.outputs // design.columns), design.steps(asked),
              corrected=corrected, coefficients=design.channel_bits > 0)
    found = times(design, job)
    moved = {kind: layer.count * count for kind, count in traffic(design, job).items()}
    used = {name: (layer.count * reads, layer.count * writes)
            for name, (reads, writes) in accesses(design, job, found).items()}
    dense = layer.count * layer.tokens * layer.features * layer.outputs
    products = -(-dense * asked.n // asked.m)
    cycles = float(layer.count * found.cycles)
    if bandwidth is not None:
        cycles = max(cycles, sum(moved.values()) / bandwidth)
    return Performance(layer, found, cycles, moved, used, products, dense,
                       design.rows * design.columns * design.lanes,
                       _energies(energy, products, sum(moved.values()), used))


def _passes(design: Design, job: Job) -> tuple[int, bool]:
    """Times that the weights come, and whether tokens come again for every tile."""
    chunked = job.blocks > design.max_blocks
    return -(-job.tokens // (design.rows if chunked else design.batch_tokens)), chunked


def traffic(design: Design, job: Job) -> dict[str, int]:
    """Bytes on the streams of a job, by what they carry."""
    batches, chunked = _passes(design, job)
    block = design.pattern.m * VALUE_WIDTH // 8
    parameters = 0
    if job.coefficients:
        parameters += job.blocks * -(-design.channel_bits * design.pattern.m // 8)
    if job.corrected:
        parameters += 2 * job.tokens + batches * job.tiles * design.columns * CHANNEL_BYTES
    return {"tokens": job.tokens * job.blocks * block * (job.tiles if chunked else 1),
            "weights": batches * job.tiles * job.blocks * design.columns * block,
            "results": job.tokens * job.tiles * -(-design.columns * design.accumulator_width // 8),
            "parameters": parameters}


def accesses(design: Design, job: Job, found: Times) -> dict[str, tuple[int, int]]:
    """Words that a job reads and writes, in all copies of each memory of an accelerator."""
    batches, chunked = _passes(design, job)
    streamed = job.tokens * job.blocks * (job.tiles if chunked else 1)
    rows = job.tokens * job.tiles
    counts = {
        "activations": (design.rows * found.steps, streamed * job.steps),
        "weights": (design.columns * found.steps,
                    design.columns * batches * job.tiles * job.blocks),
        "results": (rows, rows),
    }
    if design.variable_steps:  # two memories, both read in every cycle
        counts["step counts"] = (2 * found.cycles, 2 * streamed)
    if design.corrects:
        corrected = int(job.corrected)
        counts["token terms"] = (corrected * rows, corrected * job.tokens)
        counts["row sums"] = (corrected * batches * job.tiles, corrected * batches * job.tiles)
    if design.dynamic_shift:
        passes = 1 if design.shift == "mean" else design.number.bits // 2 + 1
        counts["tokens"] = (passes * streamed, streamed)
    if design.channel_bits:
        counts["channel parameters"] = (streamed, job.blocks * job.coefficients)
    return counts


def _energies(energy: Energy | None, products: int, moved: int,
              used: Mapping[str, tuple[int, int]]) -> dict[str, float]:
    if energy is None:
        return {}
    found = {"products": products * energy.product, "streams": moved * energy.byte}
    for name, (read, write) in (energy.memories or {}).items():
        if name in used:
            found[name] = used[name][0] * read + used[name][1] * write
    return {name: value for name, value in found.items() if value}

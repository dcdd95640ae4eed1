"""A job of an accelerator, run on its gates without delays, and cycles of it that are simulated.

Tokens are loaded once for each batch; tiles of output columns follow each other for long, all
alike. So a job with few tiles is run. Its cycles after the last token is in its buffer, in which
weights still come, stand for those of all other tiles too.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hw.config import Design
from synth.energy.activity import Accesses, Activity, Phase
from synth.energy.circuit import Circuit
from synth.energy.operands import Operands
from synth.energy.ports import Memory, Stream, Writes


__all__ = ["Job", "Layer", "check"]


RESET = 2
"""Cycles of reset in front of a job."""

AFTER = 8
"""Cycles that follow the last result."""

STEADY = 2
"""Tiles of output columns that are run beyond those in which tokens are loaded."""

SLOWEST = 40
"""Cycles for each beat and step of a job, at most: a job that takes longer hangs."""


@dataclass(frozen=True)
class Layer:
    """Size of a job: tokens, input features and output features."""

    tokens: int = 64
    features: int = 384
    outputs: int = 1536


def bits(values: np.ndarray) -> np.ndarray:
    """Bits of int8 values [beats, ...], lowest first: [beats, bits]."""
    flat = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1)
    return np.unpackbits(flat, axis=1, bitorder="little")


def check(design: Design, layer: Layer) -> None:
    """Raise ValueError if an accelerator takes other jobs than those that are run here."""
    if design.channel_bits or design.flexible != "none" or design.unstructured:
        raise ValueError("design must be an accelerator of one pattern without channel parameters "
                         f"for energies, not {design.options}")
    if layer.features > design.max_k:
        raise ValueError(f"features must be at most max_k, {design.max_k}, for energies, "
                         f"not {layer.features}")


class Job:
    """A layer on an accelerator of gates.

    Parameters
    ----------
    design : Design
        The accelerator.
    layer : Layer
        What it is to compute.
    operands : Operands
        Tokens and output columns are chosen of these at random; features repeat where they are too
        few.
    circuit : Circuit
        Its gates, memories outside.
    seed : int
        Of the choice.

    Attributes
    ----------
    activations, weights : ndarray
        Operands of the job that is run, [tokens, blocks, m] and [tiles, columns, blocks, m].
    results : list
        Bits of every beat that has left.

    Raises
    ------
    ValueError
        If the accelerator takes other jobs.
    """

    def __init__(self, design: Design, layer: Layer, operands: Operands, circuit: Circuit,
                 seed: int):
        check(design, layer)
        self.design, self.layer, self.circuit = design, layer, circuit
        self.rng = np.random.default_rng(seed)
        self.tiles = -(-layer.outputs // design.columns)
        # A block of a batch is loaded in a cycle, and a pass takes a cycle for as many as there are
        # rows: after so many passes the next batch is loaded.
        self.run_tiles = min(self.tiles, design.rows + STEADY)
        self._choose(operands)
        gates = circuit.gates
        self.memories = [Memory(gates, path) for path in gates.outside]
        self.tokens = Stream(gates, "s_axis_act", *self._token_beats())
        self.columns = Stream(gates, "s_axis_weight", *self._weight_beats())
        self.software = Writes(gates, [
            ("K_BLOCKS", self.blocks), ("TOKENS", layer.tokens), ("COLUMN_TILES", self.run_tiles),
            ("CONTROL", 1)])
        self.results: list[np.ndarray] = []
        self.weighing: list[bool] = []
        self.accesses: list[list[tuple[bool, bool]]] = []

    def _choose(self, operands: Operands) -> None:
        m, features = self.design.pattern.m, self.layer.features
        self.blocks = -(-features // m)

        def blocks(part: np.ndarray, count: int) -> np.ndarray:
            chosen = part[self.rng.integers(len(part), size=count)]
            chosen = chosen[:, np.arange(features) % part.shape[1]]
            return np.pad(chosen, ((0, 0), (0, -features % m))).reshape(count, self.blocks, m)

        self.activations = blocks(operands.activations, self.layer.tokens)
        self.weights = blocks(operands.weights, self.run_tiles * self.design.columns).reshape(
            self.run_tiles, self.design.columns, self.blocks, m)

    @property
    def batches(self) -> list[int]:
        """Tokens of every batch."""
        whole, rest = divmod(self.layer.tokens, self.design.batch_tokens)
        return [self.design.batch_tokens] * whole + [rest] * (rest > 0)

    def _ends(self, packets: int) -> np.ndarray:
        return np.tile(np.arange(self.blocks) == self.blocks - 1, packets)

    def _token_beats(self) -> tuple[np.ndarray, np.ndarray]:
        tokens = self.activations
        return bits(tokens.reshape(-1, tokens.shape[-1])), self._ends(len(tokens))

    def _weight_beats(self) -> tuple[np.ndarray, np.ndarray]:
        """All tiles again for every batch; a beat has a block of every column."""
        tiles = self.weights.swapaxes(1, 2).reshape(-1, *self.weights.shape[1::2])
        repeated = np.tile(bits(tiles), (len(self.batches), 1))
        return repeated, self._ends(len(self.batches) * self.run_tiles)

    def drive(self, before: np.ndarray, now: np.ndarray) -> bool:
        """Take a clock edge, see :meth:`Circuit.run`."""
        gates, cycle = self.circuit.gates, len(self.weighing)
        now[sorted(self.circuit.clocks)] = 0
        now[gates.inputs["rst"]] = cycle < RESET
        now[gates.inputs["m_axis_result_tready"]] = 1
        if cycle <= RESET:  # memories do nothing, and nobody offers anything
            self.weighing.append(False)
            self.accesses.append([(False, False)] * len(self.memories))
            return True
        if before[gates.outputs["m_axis_result_tvalid"][0]]:
            self.results.append(before[gates.outputs["m_axis_result_tdata"]].astype(np.uint8))
            self.left = cycle + AFTER
        self.accesses.append([memory.drive(before, now) for memory in self.memories])
        self.software.drive(before, now)
        self.tokens.drive(before, now)
        self.weighing.append(self.columns.drive(before, now))
        if cycle > SLOWEST * (len(self.tokens.beats) + self.steps(self.run_tiles)):
            raise RuntimeError(f"the job must end, not hang after {len(self.results)} results")
        return len(self.results) < self.layer.tokens * self.run_tiles or cycle < self.left

    def steps(self, tiles: int) -> int:
        """Steps of the array in a job with so many tiles."""
        return tiles * self.blocks * sum(-(-batch // self.design.rows) for batch in self.batches)

    def run(self) -> Iterator[np.ndarray]:
        """Values of all nets at the end of every cycle."""
        return self.circuit.run(self.drive)

    def activity(self, cycles: int) -> Activity:
        """Run the job, and choose about ``cycles`` cycles of each phase at random."""
        packed = [np.packbits(values) for values in self.run()]
        counts = np.array(self.accesses[:len(packed)])  # [cycles, memories, reads and writes]
        # Each step of the array reads every bank of tokens.
        banks = [bool(re.search(r"\.bank_r\d+$", memory.path)) for memory in self.memories]
        used = np.any(counts[:, banks], axis=1, keepdims=True)  # [cycles, 1, reads and writes]
        steps, loads = used[:, 0, 0], used[:, 0, 1]
        steady = np.array(self.weighing[:len(packed)])
        steady[:np.flatnonzero(loads)[-1] + 1] = False
        more = self.steps(self.tiles) - self.steps(self.run_tiles)
        lengths = (~steady).sum(), steady.sum() + more * steady.sum() / steps[steady].sum()
        total = sum(lengths)
        phases, accesses = [], np.zeros(counts.shape[1:])
        for phase, length in zip((~steady, steady), lengths, strict=True):
            found = np.flatnonzero(phase)
            accesses += counts[found].mean(axis=0) * length
            found = found[found > 0]
            some = np.sort(self.rng.choice(found, min(cycles, len(found)), replace=False))
            before, after = (np.stack([np.unpackbits(packed[k])[:self.circuit.gates.size]
                                       for k in at]) for at in (some - 1, some))
            phases.append(Phase(length / total, before, after))
        work = self.layer.tokens * self.layer.features * self.layer.outputs
        memories = tuple(Accesses(memory.path, memory.words, memory.bits, *map(float, both))
                         for memory, both in zip(self.memories, accesses, strict=True))
        return Activity(tuple(phases), products=work / total, cycles=round(total),
                        memories=memories)

"""A whole encoder layer of a trained model through the RTL: what ``python -m sim.model`` does."""

import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hw.command.progress import doing, track
from hw.command.table import Table
from hw.config import Design, Pattern, choice
from sim.verilated import Accelerator
from sw.calibrate import load_learned
from sw.driver.beats import Beats
from sw.driver.layer import SparseLinear, on_accelerator
from sw.driver.needed import CORRECTIONS, LEARNED, NEEDED
from sw.driver.reference import ReferenceAccelerator
from sw.evaluation.activations import encode, encoder
from sw.evaluation.metrics import cosine, snr_db
from sw.methods.names import CRITERIA
from sw.methods.observe import observe
from sw.methods.training import Learned


__all__ = ["PARTS", "Checked", "Outcome", "Treatment", "read_learned", "report",
           "run_layer"]


PARTS = {"query": "attention.self.query", "key": "attention.self.key",
         "value": "attention.self.value", "out": "attention.output.dense",
         "up": "intermediate.dense", "down": "output.dense"}
"""Linear layers of an encoder layer."""


class Checked:
    """The RTL, and beside it the exact model: every result of every job is compared.

    Attributes
    ----------
    exact : bool
        Whether all results were the same so far.
    """

    def __init__(self, rtl: Accelerator):
        self.design = rtl.design
        self.exact = True
        self._rtl, self._model = rtl, ReferenceAccelerator(rtl.design)

    def write(self, register: str, value: int) -> None:
        """Write a register of both."""
        self._rtl.write(register, value)
        self._model.write(register, value)

    def read(self, register: str) -> int:
        """Read a register of the RTL."""
        return self._rtl.read(register)

    def run(self, inputs: dict[str, Beats], results: int, *, limit: int) -> tuple[Beats, int]:
        """Run a job on both; the RTL's results count."""
        got, cycles = self._rtl.run(inputs, results, limit=limit)
        expected, _ = self._model.run(inputs, results, limit=limit)
        self.exact = (self.exact and np.array_equal(got.data, expected.data)
                      and np.array_equal(got.last, expected.last))
        return got, cycles


@dataclass(frozen=True)
class Outcome:
    """What an encoder layer came to at one pattern.

    Attributes
    ----------
    exact : bool
        Whether every result of the RTL equals the reference.
    counters : dict of str to dict
        Counters of each of :data:`PARTS`, see :data:`sw.driver.linear.COUNTERS`.
    output : Tensor
        Hidden states [T, 384] behind the layer.
    seconds : float
        Wall time of the simulated layer, the reference included.
    """

    exact: bool
    counters: dict[str, dict[str, int]]
    output: Tensor
    seconds: float


@dataclass(frozen=True)
class Treatment:
    """What all linear layers of an encoder layer are to run with.

    Attributes
    ----------
    criterion : str
        One of :data:`sw.methods.names.CRITERIA`.
    corrections : tuple of str
        From :data:`sw.driver.needed.CORRECTIONS`.
    learned : mapping
        Learned parameters of the layers, see :func:`sw.calibrate.load_learned`.
    """

    criterion: str = "act"
    corrections: tuple[str, ...] = ()
    learned: Mapping[str, Mapping[str, Tensor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        choice("criterion", self.criterion, CRITERIA)
        for name in self.corrections:
            choice("correction", name, CORRECTIONS)
            if name in LEARNED and not self.learned:
                raise ValueError(f"learned must name a file of python -m sw.calibrate for {name}, "
                                 "not none")
        shifts = [name for name in self.corrections if NEEDED.get(name, ("",))[0] == "shift"]
        if len(shifts) > 1:
            raise ValueError(f"corrections must have at most one shift before selection, "
                             f"not {' '.join(shifts)}")

    def prepare(self, design: Design) -> Design:
        """Return the design with what criterion and corrections need."""
        needed: dict[str, Any] = dict(NEEDED[name] for name in self.corrections if name in NEEDED)
        if self.criterion != "act":
            needed["coefficients"] = 8
        return replace(design, **needed)

    def __str__(self) -> str:
        return f"{self.criterion}, corrections: {' '.join(self.corrections) or 'none'}"


@torch.no_grad()
def _hidden(batches: list[dict[str, Tensor]], model: nn.Module, layer: int) -> Tensor:
    """Hidden states [T, 384] behind a layer, all sentences one after the other."""
    states = [model(**batch, output_hidden_states=True).hidden_states[layer + 1][0]
              for batch in batches]
    return torch.cat(states)


def run_layer(accelerator: Any, batches: list[dict[str, Tensor]], model: nn.Module, layer: int,
              treatment: Treatment | None = None, pattern: Pattern | None = None) -> Outcome:
    """Run every linear layer of one encoder layer on a simulated accelerator.

    Parameters
    ----------
    accelerator : Accelerator
        Has what the treatment needs.
    batches : list of dict
        Sentences, as the tokenizer gives them.
    model : nn.Module
        The encoder; all its other layers run in floating point.
    layer : int
        From 0 to 5.
    treatment : Treatment, optional
        By default magnitude without corrections. Statistics are those of the batches.
    pattern
        See :func:`sw.driver.layer.SparseLinear.from_linear`.
    """
    backend, treatment = Checked(accelerator), treatment or Treatment()
    prefix = f"encoder.layer.{layer}."
    names = [prefix + name for name in PARTS.values()]
    statistics = observe(model, batches, names)
    begin = time.perf_counter()
    with on_accelerator(model, backend, names, statistics, treatment.learned,
                        criterion=treatment.criterion, corrections=treatment.corrections,
                        pattern=pattern) as made:
        output = _hidden(batches, model, layer)
    seconds = time.perf_counter() - begin
    layers: dict[str, SparseLinear] = {part: made[prefix + name] for part, name in PARTS.items()}
    return Outcome(backend.exact, {part: one.counters for part, one in layers.items()}, output,
                   seconds)


def report(runs: list[tuple[Design, Pattern]], treatment: Treatment, layer: int,
           sentences: list[str]) -> bool:
    """Run and print every pattern beside its dense baseline; return whether all is exact."""
    with doing("running the encoder"):
        _, model = encoder()
        batches = [encode(sentence) for sentence in sentences]
        dense = _hidden(batches, model, layer)
    before = _peak()
    first, _ = runs[0]
    table = Table(f"MiniLM encoder layer {layer}, {len(dense)} tokens, {first.rows} x "
                  f"{first.columns} array, {treatment}", ("pattern", "layer"),
                  ("bit-exact", "array cycles", "busy", "dense cycles", "fewer", "job cycles",
                   "SNR dB", "cosine", "seconds"))
    exact, baselines = True, dict[Design, Outcome]()
    for design, pattern in track(runs, "patterns"):
        accelerator = Accelerator(treatment.prepare(design))
        with doing(f"simulating six layers at {pattern}"):
            ours = run_layer(accelerator, batches, model, layer, treatment, pattern)
        if design.baseline not in baselines:
            accelerator = Accelerator(design.baseline)
            with doing("simulating six layers dense"):
                baselines[design.baseline] = run_layer(accelerator, batches, model, layer)
        theirs = baselines[design.baseline]
        exact = exact and ours.exact and theirs.exact
        for part in (*PARTS, "all"):
            _row(table, str(pattern), part, ours, theirs, dense)
        table.section()
    table.print()
    print(f"memory beyond the encoder: {(_peak() - before) / 1024:.0f} MiB")
    return exact


def _row(table: Table, pattern: str, part: str, ours: Outcome, theirs: Outcome,
         dense: Tensor) -> None:
    """One linear layer, or all of them with what they come to together."""
    def total(outcome: Outcome, counter: str) -> int:
        return sum(counters[counter] for name, counters in outcome.counters.items()
                   if part in (name, "all"))

    cycles, baseline = total(ours, "ARRAY_CYCLES"), total(theirs, "ARRAY_CYCLES")
    whole = [] if part != "all" else [f"{snr_db(dense, ours.output):.2f}",
                                      f"{cosine(dense, ours.output):.5f}", f"{ours.seconds:.1f}"]
    table.row(pattern, part, ("yes" if ours.exact else "NO") if part == "all" else "",
              f"{cycles}", f"{total(ours, 'STEPS') / cycles:.1%}", f"{baseline}",
              f"{baseline / cycles:.3f}x", f"{total(ours, 'CYCLES')}", *whole)


def read_learned(path: Path | None) -> Learned:
    """Learned parameters of a file, if one is given; ValueError if it cannot be read."""
    try:
        return {} if path is None else load_learned(path)
    except OSError as error:
        raise ValueError(f"learned must be a readable file, not {str(path)!r}") from error


def _peak() -> int:
    """Largest memory of the process so far, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

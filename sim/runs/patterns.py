"""Every pattern on one array, and on an array each: what ``python -m sim.patterns`` does."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from hw.command.progress import doing, track
from hw.command.table import Table
from hw.config import Design, Pattern
from sim.verilated import Accelerator
from sw.driver.linear import run_linear
from sw.exact.linear import nm_linear


__all__ = ["Run", "random_layer", "report", "run_pattern"]


@dataclass(frozen=True)
class Run:
    """One layer at one pattern.

    Attributes
    ----------
    exact : bool
        Whether every accumulator equals the reference.
    steps, cycles : int
        Steps of the array, and cycles from its first one to its last.
    """

    exact: bool
    steps: int
    cycles: int


def run_pattern(design: Design, pattern: Pattern, x: Tensor, weight: Tensor) -> Run:
    """Run int8 ``x`` [T, K] and ``weight`` [O, K] through the RTL of ``design``."""
    y, counters = run_linear(Accelerator(design), x, weight, pattern=pattern)
    return Run(torch.equal(y, nm_linear(x, weight, pattern).long()), counters["STEPS"],
               counters["ARRAY_CYCLES"])


def run_threshold(design: Design, kept: float, x: Tensor, weight: Tensor) -> Run:
    """Run the largest values of all, a share ``kept`` of them or a little more, by a threshold."""
    magnitudes = x.flatten().long().abs()
    count = max(1, round(kept * len(magnitudes)))
    threshold = max(1, int(magnitudes.sort(descending=True).values[count - 1]))
    y, counters = run_linear(Accelerator(design), x, weight, threshold=threshold)
    expected = (x.long() * (x.long().abs() >= threshold)) @ weight.long().t()
    return Run(torch.equal(y, expected), counters["STEPS"], counters["ARRAY_CYCLES"])


def report(design: Design, patterns: list[Pattern], shares: list[float], x: Tensor,
           weight: Tensor) -> bool:
    """Run and print every pattern on both arrays; return whether all is exact.

    ``design`` takes patterns at run time; it gets masks without a pattern besides, for the
    ``shares`` of values to keep.
    """
    design = replace(design, unstructured=True)
    table = Table(f"{len(x)} tokens, {x.shape[1]} to {len(weight)} features, arrays of "
                  f"{design.rows} x {design.columns} PEs", ("pattern",),
                  ("bit-exact", f"cycles on {design.pattern}", "busy", "own lanes", "own cycles",
                   "lanes x cycles", "dense cycles", "fewer"))
    with doing("simulating the dense design"):
        dense = run_pattern(design.baseline, design.baseline.pattern, x, weight)
    exact = dense.exact
    for pattern in track(patterns, "patterns"):
        fixed = replace(design, pattern=pattern, flexible="none", unstructured=False)
        with doing(f"simulating {pattern} on both arrays"):
            ours = run_pattern(design, pattern, x, weight)
            own = run_pattern(fixed, pattern, x, weight)
        exact = exact and ours.exact and own.exact
        table.row(str(pattern), "yes" if ours.exact and own.exact else "NO", f"{ours.cycles}",
                  f"{ours.steps / ours.cycles:.1%}", f"{fixed.lanes}", f"{own.cycles}",
                  f"{ours.cycles * design.lanes / (own.cycles * fixed.lanes):.3f}x",
                  f"{dense.cycles}", f"{dense.cycles / ours.cycles:.3f}x")
    for share in track(shares, "shares without a pattern"):
        ours = run_threshold(design, share, x, weight)
        exact = exact and ours.exact
        table.row(f"{share:.0%}", "yes" if ours.exact else "NO", f"{ours.cycles}",
                  f"{ours.steps / ours.cycles:.1%}", "", "", "", f"{dense.cycles}",
                  f"{dense.cycles / ours.cycles:.3f}x")
    table.print()
    return exact


def random_layer(tokens: int, features: int, outputs: int, seed: int) -> tuple[Tensor, Tensor]:
    """Int8 inputs [T, K] and weights [O, K] of a random layer."""
    generator = torch.Generator().manual_seed(seed)
    x, weight = (torch.randint(-128, 128, (count, features), dtype=torch.int8, generator=generator)
                 for count in (tokens, outputs))
    return x, weight

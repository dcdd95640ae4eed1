"""Selectors against a sort, for millions of blocks: what ``python -m sim.selectors`` does."""

from pathlib import Path

from hw.command.children import call
from hw.config import Design
from sim.simulators.environment import seed
from sim.simulators.runner import simulated
from sim.simulators.verilator import build


__all__ = ["HARNESS", "check"]


HARNESS = Path(__file__).parent.parent / "verilated" / "selector.cpp"


def check(design: Design, blocks: int) -> str:
    """Run a selector over random and adversarial blocks; return what differed, or nothing.

    Raises
    ------
    ValueError
        If the pattern has no such selector.
    BuildError
        If the design could not be compiled.
    """
    pattern = design.pattern
    text, _ = simulated("selector", design)
    program = build(text, "nm_selector", HARNESS, fast=True)
    run = call([program, pattern.n, pattern.m, blocks, seed()])
    return "" if run.returncode == 0 else run.stdout + run.stderr or f"exit {run.returncode}"

"""Every pattern on one array, beside arrays of each pattern: ``python -m sim.patterns``."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from hw.config import Design, Pattern, integer
from hw.generate import add_design_arguments
from sim.command import read_array
from sim.verilated import Accelerator
from sw.driver.linear import run_linear
from sw.exact.linear import nm_linear


__all__ = ["Run", "main", "run_pattern"]


PATTERNS = ("2:4", "4:8", "8:16", "16:32", "1:4", "3:4", "12:16", "32:32")


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


def _report(design: Design, patterns: list[Pattern], shares: list[float], x: Tensor,
            weight: Tensor, console: Console) -> bool:
    """Run and print every pattern on both arrays; return whether all is exact."""
    table = Table(title=f"{len(x)} tokens, {x.shape[1]} to {len(weight)} features, arrays of "
                        f"{design.rows} x {design.columns} PEs")
    for heading in ("pattern", "bit-exact", f"cycles on {design.pattern}", "busy", "own lanes",
                    "own cycles", "lanes x cycles", "dense cycles", "fewer"):
        table.add_column(heading, justify="left" if heading == "pattern" else "right")
    dense = run_pattern(design.baseline, design.baseline.pattern, x, weight)
    exact = dense.exact
    for pattern in track(patterns, description="patterns", console=console, transient=True):
        ours = run_pattern(design, pattern, x, weight)
        fixed = replace(design, pattern=pattern, flexible="none", unstructured=False)
        own = run_pattern(fixed, pattern, x, weight)
        exact = exact and ours.exact and own.exact
        table.add_row(str(pattern), "yes" if ours.exact and own.exact else "NO", f"{ours.cycles}",
                      f"{ours.steps / ours.cycles:.1%}", f"{fixed.lanes}", f"{own.cycles}",
                      f"{ours.cycles * design.lanes / (own.cycles * fixed.lanes):.3f}x",
                      f"{dense.cycles}", f"{dense.cycles / ours.cycles:.3f}x")
    for share in shares:
        ours = run_threshold(design, share, x, weight)
        exact = exact and ours.exact
        table.add_row(f"{share:.0%}", "yes" if ours.exact else "NO", f"{ours.cycles}",
                      f"{ours.steps / ours.cycles:.1%}", "", "", "", f"{dense.cycles}",
                      f"{dense.cycles / ours.cycles:.3f}x")
    console.print(table)
    return exact


def _layer(arguments: argparse.Namespace) -> tuple[Tensor, Tensor]:
    """A random layer of the size that is asked for."""
    sizes = [integer(name, getattr(arguments, name), 1, 1 << 16)
             for name in ("tokens", "features", "outputs")]
    generator = torch.Generator().manual_seed(arguments.seed)
    tokens, features, outputs = sizes
    x, weight = (torch.randint(-128, 128, (count, features), dtype=torch.int8, generator=generator)
                 for count in (tokens, outputs))
    return x, weight


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m sim.patterns",
        description="Run a random layer at every pattern, and without one, on one array that takes "
                    "patterns at run time, and on an array of each pattern, in Verilator; compare "
                    "results with the reference, and lanes times cycles with each other.")
    parser.add_argument("--array", default="16:32", metavar="N:M",
                        help="pattern of the one array (default 16:32)")
    parser.add_argument("--patterns", nargs="+", default=PATTERNS, metavar="N:M",
                        help=f"patterns to run (default {' '.join(PATTERNS)})")
    parser.add_argument("--kept", nargs="+", type=float, default=[0.5, 0.3], metavar="SHARE",
                        help="shares of the values to keep without a pattern, by a threshold "
                             "(above 0 to 1; default 0.5 0.3)")
    for name, size in (("tokens", 64), ("features", 768), ("outputs", 128)):
        parser.add_argument(f"--{name}", type=int, default=size, metavar="INT",
                            help=f"{name} of the layer (default {size})")
    parser.add_argument("--seed", type=int, default=1, help="seed of the layer (default 1)")
    add_design_arguments(parser)
    arguments = parser.parse_args(argv)
    try:
        design, patterns = read_array(arguments)
        design = replace(design, unstructured=True)
        for share in arguments.kept:
            if not 0 < share <= 1:
                raise ValueError(f"kept must be above 0 and at most 1, not {share}")
        exact = _report(design, patterns, arguments.kept, *_layer(arguments), Console(width=110))
    except ValueError as error:
        parser.error(str(error))
    raise SystemExit(0 if exact else 1)


if __name__ == "__main__":
    main()

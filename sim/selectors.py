"""Selectors against a sort, for millions of blocks: ``python -m sim.selectors``."""

import argparse
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from hw.config import SELECTORS, Design, Pattern, choice, integer
from sim.simulators.runner import generated, seed
from sim.simulators.verilator import BuildError, build


__all__ = ["check", "main"]


HARNESS = Path(__file__).parent / "verilated" / "selector.cpp"


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
    text, _ = generated("selector", design)
    program = build(text, "nm_selector", HARNESS, fast=True)
    run = subprocess.run([program, *map(str, (pattern.n, pattern.m, blocks, seed()))],
                         capture_output=True, text=True, check=False)
    return "" if run.returncode == 0 else run.stdout + run.stderr or f"exit {run.returncode}"


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m sim.selectors",
        description="Run selectors, as Verilog, over blocks that are random, sorted, equal, of two "
                    "values, with one outlier, with 128, and compare every mask with a sort.")
    parser.add_argument("--patterns", nargs="+", default=["2:4", "4:8", "8:16", "16:32"],
                        metavar="N:M", help="patterns (default 2:4 4:8 8:16 16:32)")
    parser.add_argument("--selectors", nargs="+", default=list(SELECTORS), metavar="NAME",
                        help=f"structures ({', '.join(SELECTORS)}; default all)")
    parser.add_argument("--stages", type=int, default=0, metavar="INT",
                        help="pipeline registers of radix (default 0)")
    parser.add_argument("--blocks", type=int, default=10_000_000, metavar="INT",
                        help="blocks for each pattern and selector (default 10000000)")
    arguments = parser.parse_args(argv)
    failed = False
    try:
        blocks = integer("blocks", arguments.blocks, 1, 1 << 40)
        names = [choice("selector", name, SELECTORS) for name in arguments.selectors]
        for pattern in map(Pattern.parse, arguments.patterns):
            for name in names:
                stages = arguments.stages if name == "radix" else 0
                start = time.monotonic()
                wrong = check(Design(pattern, selector=name, stages=stages), blocks)
                failed = failed or bool(wrong)
                print(f"{pattern} {name}: {wrong or f'{blocks} masks right'} "
                      f"(SEED={seed()}, {time.monotonic() - start:.0f} s)", flush=True)
    except (ValueError, BuildError) as error:
        parser.error(str(error))
    raise SystemExit(1 if failed else 0)


if __name__ == "__main__":
    main()

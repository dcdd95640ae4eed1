"""Verilog of a design: ``python -m hw.generate --n 8 --m 16``."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from hw.config import DESIGNS, SELECTORS, Pattern, choice
from hw.generate.arguments import add_design_arguments, design_from, plain
from hw.generate.designs import generate
from hw.selector.auto import choose


__all__ = ["main"]


AUTO = "auto"
"""Name of the selector that is chosen by measured figures."""


def _resolve(arguments: argparse.Namespace, pattern: Pattern) -> str:
    """Put a structure in the place of ``--selector auto``; return why it was taken."""
    if choice("selector", arguments.selector, (*SELECTORS, AUTO)) != AUTO:
        return ""
    for name, default in (("stages", 0), ("flexible", "none")):
        if getattr(arguments, name) != default:
            raise ValueError(f"{name} must be {default} with the selector {AUTO}, not "
                             f"{getattr(arguments, name)!r}")
    chosen = choose(pattern, arguments.clock_ns, arguments.throughput)
    arguments.selector, arguments.stages = chosen.selector, chosen.stages
    return "" if pattern.dense else chosen.reason


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        prog="python -m hw.generate",
        description="Generate Verilog for flexible N:M activation sparsity.")
    parser.add_argument("--n", type=plain, required=True, metavar="INT",
                        help="values kept of each block (1 to M; N = M is dense)")
    parser.add_argument("--m", type=plain, required=True, metavar="INT",
                        help="values in each block (2 to 64)")
    parser.add_argument("--design", default="accelerator", metavar="NAME",
                        help=f"what to generate ({', '.join(DESIGNS)}; default accelerator)")
    parser.add_argument("-o", "--output", type=Path, default=Path("build"), metavar="DIR",
                        help="directory for the Verilog and its manifest (default build)")
    parser.add_argument("--name", metavar="NAME",
                        help="name of the top module, with which all its modules, files and C "
                             "macros begin: two designs in one project need two (default "
                             "nm_DESIGN, and NM for macros)")
    parser.add_argument("--timescale", default="", metavar="UNIT/PRECISION",
                        help="time scale of the Verilog, such as 1ns/1ps (default none)")
    parser.add_argument("--clock-ns", type=plain, default=8.0, metavar="NUMBER",
                        help="with --selector auto, the smallest that meets this period of the "
                             "clock is taken (ns; default 8)")
    parser.add_argument("--throughput", type=plain, default=1.0, metavar="NUMBER",
                        help="with --selector auto: blocks per cycle (above 0 to 1; default 1)")
    add_design_arguments(parser)
    arguments = parser.parse_args(argv)
    try:
        pattern = Pattern(arguments.n, arguments.m)
        why = _resolve(arguments, pattern)
        design = design_from(arguments, pattern)
        paths = generate(arguments.design, design, arguments.output, why,
                         module=arguments.name, timescale=arguments.timescale)
        for line in [*([f"selector {why}"] if why else []), *paths]:
            print(line)
    except ValueError as error:
        parser.error(str(error))

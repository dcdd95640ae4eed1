"""Designs on FPGAs: ``python -m synth.fpga --patterns 8:16 --multiplier dsp --route``."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hw.command.files import check_writable, write_all
from hw.command.kinds import folder, number, one_of, whole
from hw.command.parser import Arguments, Parser
from hw.command.progress import track
from hw.command.run import run
from hw.config import DESIGNS
from hw.generate.arguments import add_design_arguments, design_from
from synth.command import add_patterns, plan


if TYPE_CHECKING:
    from synth.fpga.measure import Row


__all__ = ["main"]


NAMES = ("ecp5", "xc7", "gowin")
"""Families of FPGAs; they are described in :mod:`synth.fpga.targets`."""

ROUTED = "ecp5"
"""The one that there is a router for."""

FILES = ("fpga.json", "fpga.csv")


def _parser() -> Parser:
    parser = Parser(
        "python -m synth.fpga",
        "Synthesise designs for FPGAs and report look-up tables, flip-flops, DSP blocks and block "
        "RAMs, as a table and as fpga.json and fpga.csv. A design that cannot be synthesised gets "
        "a row with the reason.", extra="fpga")
    add_patterns(parser)
    parser.option("--designs", aliases=("--design",), kind=one_of(*DESIGNS), many=True,
                  default=("pe",), help="what to synthesise, each with its dense baseline")
    parser.option("--targets", aliases=("--target",), kind=one_of(*NAMES), many=True,
                  default=NAMES, help="families of FPGAs")
    parser.option("-o", "--output", kind=folder(), default="build/fpga",
                  help="directory of the files")
    parser.group("synthesis")
    parser.option("--clock-ns", kind=number(0, 1000), default=5.0,
                  help="clock period in ns that is mapped and routed for")
    parser.flag("--route", help=f"also place and route for {ROUTED}, in a harness of shift "
                                "registers, and report the clock; half a minute for a PE, some "
                                "minutes for an array")
    parser.option("--seed", kind=whole(0, 2**31 - 1), default=1,
                  help="with --route, seed of the placement")
    parser.option("--workers", kind=whole(1, 256), default=min(2, os.cpu_count() or 1),
                  help="syntheses at the same time")
    parser.option("--timeout", kind=whole(1, 86400), default=3600,
                  help="seconds after which a synthesis or a routing is given up")
    add_design_arguments(parser)
    return parser


def _rows(arguments: Arguments) -> "list[Row]":
    """What is to be measured; ValueError if something that is asked for has no row."""
    from synth.fpga.measure import Row

    patterns, names, targets = (list(dict.fromkeys(given)) for given in (
        arguments.patterns, arguments.designs, arguments.targets))
    if arguments.route and ROUTED not in targets:
        raise ValueError(f"targets must hold {ROUTED} with route, not {', '.join(targets)}")
    if not arguments.route:
        arguments.refuse("seed", where="without route")
    designs = plan(names, patterns, design_from(arguments, patterns[0]))
    return [Row(name, design, target, arguments.route and target == ROUTED)
            for target in targets for name, design in designs]


def _run(arguments: Arguments) -> None:
    check_writable(arguments.output, FILES)
    rows = _rows(arguments)
    from synth.fpga.measure import Settings, measure
    from synth.fpga.report import as_csv, as_json, notes, table
    from synth.fpga.route import require_router

    if arguments.route:
        require_router()
    settings = Settings(arguments.clock_ns, arguments.seed, arguments.workers, arguments.timeout)
    measured = list(track(measure(rows, settings), "measuring designs", len(rows)))
    write_all(arguments.output, dict(zip(FILES, (as_json(measured, settings), as_csv(measured)),
                                         strict=True)))
    table(measured, settings).print()
    for note in notes(measured):
        print(note, file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)

"""Mutants of every component against its checks: ``python -m verify.mutate``."""

from collections.abc import Sequence

from hw.command.files import check_writable, write_all
from hw.command.kinds import folder, one_of, whole
from hw.command.parser import Arguments, Parser
from hw.command.run import run
from sim.simulators.environment import check_environment
from verify.mutate.components import COMPONENTS


__all__ = ["main"]


FILES = ("mutants.json", "mutants.csv")
"""What is written."""


def _parser() -> Parser:
    parser = Parser(
        "python -m verify.mutate",
        "Change a bit of a component, and see whether the project's own checks notice: bits of "
        "cells are inverted, stuck or mixed with others. A mutant that survives is proved "
        "equivalent, or listed. A run that was ended goes on. The exit code is 1 if "
        "a mutant survives without a proof.", extra="test")
    parser.option("--components", kind=one_of(*COMPONENTS), many=True, default=tuple(COMPONENTS),
                  help="what is changed")
    parser.option("--mutants", kind=whole(1, 30_000), default=300,
                  help="mutants of each component at most")
    parser.option("--workers", kind=whole(1, 256), default=2, help="components at the same time")
    parser.option("-o", "--output", kind=folder(), default="build/mutate",
                  help="directory of mutants.json, mutants.csv, and what is known so far")
    return parser


def _run(arguments: Arguments) -> int:
    check_writable(arguments.output, FILES)
    check_environment()

    from verify.mutate.report import files, show
    from verify.mutate.run import run_mutants
    outcomes = run_mutants(list(dict.fromkeys(arguments.components)), arguments.mutants,
                           arguments.output.absolute() / "state", arguments.workers)
    show(outcomes)
    for path in write_all(arguments.output, files(outcomes)):
        print(path)
    return 1 if any(outcome.survivors for outcome in outcomes) else 0


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)

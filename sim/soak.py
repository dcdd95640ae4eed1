"""Long random runs of whole designs: ``python -m sim.soak``."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hw.command.files import check_writable
from hw.command.kinds import folder, whole
from hw.command.parser import Arguments, Parser
from hw.command.run import run
from sim.command import EXTRA, add_patterns
from sim.simulators.environment import check_environment, seed


if TYPE_CHECKING:
    from hw.command.journal import Journal
    from sim.runs.soak.plan import Unit


__all__ = ["main"]


REPORTS = 20
"""Lines about memory and speed in a run from its beginning to its end."""


def _parser() -> Parser:
    parser = Parser(
        "python -m sim.soak",
        "Run random blocks through compressors, decompressors and accelerators of every format, "
        "encoding, shift and option, with pauses, resets, aborts, and jobs back to back, and "
        "compare every beat with the reference. What is done is kept unit by unit: a run that was "
        "ended, however it ended, goes on. The exit code is 1 if a beat is wrong.", extra=EXTRA)
    parser.option("--blocks", kind=whole(1000, 1_000_000_000), default=10_000_000,
                  help="blocks for compressors in all, and for decompressors")
    parser.option("--job-blocks", kind=whole(0, 1_000_000_000), default=1_000_000,
                  help="blocks of tokens for accelerators in all")
    add_patterns(parser, "2:4", "3:7", "4:8", "8:16")
    parser.option("--workers", kind=whole(1, 256), default=2, help="units at the same time")
    parser.option("-o", "--output", kind=folder(), default="build/soak",
                  help="directory of what is done")
    return parser


def _run(arguments: Arguments) -> int:
    check_environment()
    check_writable(arguments.output)
    from sim.runs.soak.plan import plan
    from sim.runs.soak.run import journal_of
    patterns = list(dict.fromkeys(arguments.patterns))
    units = plan(patterns, arguments.blocks, arguments.job_blocks)
    if idle := [str(pattern) for pattern in patterns
                if all(unit.design.pattern != pattern for unit in units)]:
        raise ValueError(f"blocks must be more for the pattern {idle[0]} to be run, not "
                         f"{arguments.blocks}")
    with journal_of(arguments.output.absolute(), patterns) as journal:
        return _run_units(units, journal, arguments.workers)


def _run_units(units: "list[Unit]", journal: "Journal", workers: int) -> int:
    """Run what is not done, and say how far it is; 1 if something was wrong."""
    from sim.runs.soak.run import finished, run_all
    known = finished(journal)
    before, wrong, peak = sum(str(unit) in known for unit in units), 0, 0
    print(f"SEED={seed()}, {len(units):,} units, done before: {before:,}, {journal.path}",
          flush=True)
    every = max(1, len(units) // REPORTS)
    for count, line in enumerate(run_all(units, journal, workers), start=before + 1):
        peak = max(peak, line["peak"])
        if "wrong" in line:
            wrong += 1
            print(f"{line['unit']}: {line['wrong']}", flush=True)
        if count % every == 0:
            print(f"{count:,} of {len(units):,} units, peak memory of a process {peak:,} MiB",
                  flush=True)
    _summary(journal, [str(unit) for unit in units])
    return 1 if wrong else 0


def _summary(journal: "Journal", units: list[str]) -> None:
    """Print what the units of the plan have run through each kind of design."""
    from hw.command.table import Table
    from sim.runs.soak.run import finished
    done: dict[str, list[dict[str, Any]]] = {}
    known = finished(journal)
    for unit in units:
        if unit in known:
            done.setdefault(known[unit]["name"], []).append(known[unit])
    table = Table("exact", ("design",), ("units", "blocks", "cycles", "blocks/s"))
    for name, lines in done.items():
        blocks, cycles, seconds = (sum(line[figure] for line in lines)
                                   for figure in ("blocks", "cycles", "seconds"))
        table.row(name, f"{len(lines):,}", f"{blocks:,}", f"{cycles:,}",
                  f"{blocks / max(seconds, 1e-3):,.0f}")
    table.print()


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)


if __name__ == "__main__":
    main()

"""Random inputs for everything that reads something: ``python -m verify.fuzz``."""

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from hw.command.kinds import one_of, whole
from hw.command.parser import Arguments, Parser
from hw.command.progress import track
from hw.command.run import run


if TYPE_CHECKING:
    from pathlib import Path

    from verify.fuzz.run import Result
    from verify.fuzz.target import Target


__all__ = ["TARGETS", "load", "main"]


TARGETS = ("commands", "patterns", "names", "designs", "registers", "metadata", "driver",
           "sparsify", "checkpoints", "liberty", "lef", "memories", "spaces", "operands",
           "figures")
"""Names of the targets, and of their files in ``verify/fuzz/targets``."""


def _parser() -> Parser:
    parser = Parser(
        "python -m verify.fuzz",
        "Give random inputs, right ones and damaged ones, to everything that reads something: it "
        "takes them and does what it should, or refuses them in one sentence. The exit code is 1 "
        "if one did neither; the smallest such input is printed.", extra="test")
    parser.option("--targets", kind=one_of(*TARGETS), many=True, default=TARGETS,
                  help="what reads")
    parser.option("--cases", kind=whole(1, 1 << 30), default=1000, help="inputs of each target")
    parser.option("--processes", kind=whole(0, 1 << 20), default=0,
                  help="whole processes of each command, with random command lines")
    parser.option("--seed", kind=whole(0, (1 << 31) - 1), default=0, help="of the inputs")
    parser.option("--workers", kind=whole(1, 256), default=2, help="targets at the same time")
    return parser


def load(name: str) -> "Target":
    """A target by its name."""
    return importlib.import_module(f"verify.fuzz.targets.{name}").TARGET


def _one(name: str, cases: int, seed: int) -> "Result":
    """Run a target, or the processes of a command, in a process of a pool."""
    from verify.fuzz.processes import target_of
    from verify.fuzz.run import run_target

    return run_target(load(name) if name in TARGETS else target_of(name), cases, seed)


def _as_worker(folder: "Path") -> None:
    """Initialise a process of the pool: whatever it leaves lies in ``folder``, if it is killed."""
    import tempfile

    from hypothesis.configuration import set_hypothesis_home_dir

    from hw.command.children import as_worker

    as_worker()
    tempfile.tempdir = str(folder)
    set_hypothesis_home_dir(folder / "hypothesis")


def _results(arguments: Arguments) -> "list[Result]":
    """Results of targets and of processes, in the order of their names here."""
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import get_context

    from hw.command.files import temporary
    from verify.fuzz.commands import COMMANDS

    wanted = dict.fromkeys(arguments.targets, arguments.cases)
    if arguments.processes:
        wanted |= dict.fromkeys(COMMANDS, arguments.processes)
    with temporary() as folder, ProcessPoolExecutor(
            min(arguments.workers, len(wanted)), get_context("spawn"), _as_worker, (folder,)
            ) as pool:
        jobs = [pool.submit(_one, name, cases, arguments.seed) for name, cases in wanted.items()]
        for _ in track(as_completed(jobs), "random inputs, targets", len(jobs)):
            pass
    return [job.result() for job in jobs]


def _run(arguments: Arguments) -> int:
    from hw.command.table import Table

    importlib.import_module("hypothesis")
    results = _results(arguments)
    table = Table(f"random inputs, seed {arguments.seed}", ["target"],
                  ["inputs", "taken", "refused", "s", ""])
    for result in results:
        table.row(result.target, f"{result.cases}",
                  *(f"{result.outcomes.get(became, 0)}" for became in ("taken", "refused")),
                  f"{result.seconds:.1f}", "failed" if result.failure else "")
    table.print()
    for result in results:
        if result.failure:
            print(f"{result.target}: {result.failure}\n  input: {result.case}")
    return 1 if any(result.failure for result in results) else 0


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)

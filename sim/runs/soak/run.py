"""The units of a plan that a journal does not tell of, in processes that live as long as it."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from hw.command.children import as_worker
from hw.command.files import alone
from hw.command.journal import Journal
from hw.command.progress import track
from hw.config import Pattern
from sim.runs.soak.plan import Unit, run_unit
from sim.simulators.environment import asked_cells, seed
from synth.store import digest, sources


__all__ = ["finished", "journal_of", "run_all"]


HARNESSES = Path(__file__).parents[2] / "verilated"


@contextmanager
def journal_of(folder: Path, patterns: Sequence[Pattern]) -> Iterator[Journal]:
    """What is known of the units: of these patterns, SEED, cells and sources, and of no others.

    Each of them has a file of its own in the folder, so that none takes the place of another. One
    process at a time has it open: others wait.
    """
    harnesses = [path.read_text() for path in sorted(HARNESSES.glob("*.[ch]*"))]
    identity = digest([str(pattern) for pattern in patterns], seed(), asked_cells(),
                      sources("hw", "sim", "sw"), harnesses)
    path = folder / f"soak-{identity[:12]}.jsonl"
    folder.mkdir(parents=True, exist_ok=True)
    with alone(path.with_suffix(".lock"), "runs the same plan"):
        yield Journal(path, identity)


def finished(journal: Journal) -> dict[str, dict[str, Any]]:
    """What the journal tells of units that were right, by unit; wrong ones are run again."""
    return {line["unit"]: line for line in journal.lines if "wrong" not in line}


def run_all(units: Sequence[Unit], journal: Journal, workers: int) -> Iterator[dict[str, Any]]:
    """Run all units that are not finished; give what the journal tells of each, once it does."""
    known = finished(journal)
    left = [unit for unit in units if str(unit) not in known]
    if not left:
        return
    with ProcessPoolExecutor(min(workers, len(left)), get_context("spawn"), as_worker) as pool:
        jobs = [pool.submit(run_unit, unit) for unit in left]
        try:
            for job in track(as_completed(jobs), "units of random blocks", len(jobs)):
                journal.add(job.result())
                yield journal.lines[-1]
        finally:  # what stops one stops all: nobody waits for units that are not told of
            pool.shutdown(wait=False, cancel_futures=True)

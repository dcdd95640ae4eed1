"""Mutants of components, tried and proved in processes of their own, as far as is not known yet."""

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from hw.command.children import call
from hw.command.faults import Fault
from hw.command.files import alone
from hw.command.progress import doing, track
from verify.mutate.components import COMPONENTS
from verify.mutate.make import module_of
from verify.mutate.promises import check, promises
from verify.mutate.prove import prove
from verify.mutate.state import PROOF, SURVIVED
from verify.mutate.trial import mutants_of, state_of


__all__ = ["Outcome", "run_mutants"]


@dataclass(frozen=True)
class Outcome:
    """Mutants of a component.

    Attributes
    ----------
    component : str
    verdicts : dict of str to str
        By mutant: how it was killed, ``equivalent: `` with the way of the proof, or ``survived``.
    """

    component: str
    verdicts: dict[str, str]

    @property
    def equivalent(self) -> int:
        """Mutants that were proved to make no difference."""
        return sum(verdict.startswith(PROOF) for verdict in self.verdicts.values())

    @property
    def survivors(self) -> list[str]:
        """Mutants that were neither killed nor proved equivalent."""
        return [name for name, verdict in self.verdicts.items() if verdict == SURVIVED]

    @property
    def killed(self) -> int:
        """Mutants that the checks noticed."""
        return len(self.verdicts) - self.equivalent - len(self.survivors)

    @property
    def share(self) -> float:
        """Share of the killed ones among those that are not equivalent."""
        return self.killed / max(1, len(self.verdicts) - self.equivalent)


def run_mutants(names: Sequence[str], count: int, folder: Path, workers: int) -> list[Outcome]:
    """Try up to ``count`` mutants of each component, and prove what survives."""
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(workers) as pool:
        jobs = [pool.submit(_one, name, count, folder) for name in names]
        for _ in track(as_completed(jobs), "components", len(jobs)):
            pass
        return [job.result() for job in jobs]


def _one(name: str, count: int, folder: Path) -> Outcome:
    component = COMPONENTS[name]
    mutants = mutants_of(component, count)
    with alone(folder / f"{name}.lock", f"tries mutants of {name}"):
        with doing(f"mutants of {name}"):
            for _ in _attempts(name, count, folder, len(mutants.names)):
                pass
        state = state_of(component, folder)
        left = [mutant for mutant in mutants.names if state.verdicts[mutant] == SURVIVED
                and mutant not in state.tried]
        held = [promise for promise in promises(component.design)
                if promise.module in {module_of(mutant) for mutant in left}]
        for promise in held:
            check(mutants.gold, promise)
        for mutant in track(left, f"proofs of {name}"):
            state.prove(mutant, prove(mutants.gold, f"nm_{component.top}", mutant,
                                      component.proofs, held))
    return Outcome(name, {mutant: state.verdicts[mutant] for mutant in mutants.names})


def _attempts(name: str, count: int, folder: Path, most: int) -> Iterator[None]:
    """Start the process again after each mutant that ended it, until all are tried."""
    for _ in range(most + 1):
        before = state_of(COMPONENTS[name], folder).told
        done = call([sys.executable, "-m", "verify.mutate.trial", name, count, folder])
        yield
        if done.returncode == 0:
            return
        state = state_of(COMPONENTS[name], folder)
        if state.told == before or not state.begun:
            raise Fault(f"mutants of {name} must be tried, not fail: "
                        f"{(done.stderr.strip().splitlines() or ['no message'])[-1]}")
        state.end(state.begun, "crash")

"""What is known of the mutants of a component, in a file that every verdict is added to.

A line says that a mutant is tried, and the next one what became of it. Without that one the process
ended: by the mutant, or because the run was ended, which only the one who waits for it can tell.
"""

from pathlib import Path

from hw.command.journal import Journal


__all__ = ["KILLED", "PROOF", "SURVIVED", "State"]


KILLED = ("result", "no result", "protocol", "crash")
"""How a mutant is noticed."""

SURVIVED, PROOF = "survived", "equivalent: "
"""One that is not noticed, and what a proof makes of it, with the way of the proof behind."""


class State:
    """Verdicts of a component.

    Parameters
    ----------
    path : Path
        The file. It starts anew where what it depends on is another.
    identity : str
        Digest of the design and of what checks it.

    Attributes
    ----------
    verdicts : dict of str to str
        By mutant: one of :data:`KILLED`, or :data:`SURVIVED`, or :data:`PROOF` with its way.
    tried : set of str
        Survivors for which a proof was looked for.
    begun : str
        The mutant that was begun last, where nobody knows what became of it; empty if there is
        none.
    """

    def __init__(self, path: Path, identity: str):
        self.path = path
        self.verdicts: dict[str, str] = {}
        self.tried: set[str] = set()
        self.begun = ""
        self._journal = Journal(path, identity)
        for line in self._journal.lines:
            self.begun = "" if "verdict" in line else line["mutant"]
            if "verdict" in line:
                self.verdicts[line["mutant"]] = line["verdict"]
            if "proof" in line:
                self._prove(line["mutant"], line["proof"])

    @property
    def told(self) -> int:
        """Lines of the file."""
        return len(self._journal.lines)

    def begin(self, mutant: str) -> None:
        """Say that a mutant is tried from now on."""
        self.begun = mutant
        self._journal.add({"mutant": mutant})

    def end(self, mutant: str, verdict: str) -> None:
        """Say what became of it."""
        self.begun, self.verdicts[mutant] = "", verdict
        self._journal.add({"mutant": mutant, "verdict": verdict})

    def prove(self, mutant: str, way: str) -> None:
        """Say by which way of a proof a survivor is equivalent; empty if by none."""
        self._prove(mutant, way)
        self._journal.add({"mutant": mutant, "verdict": SURVIVED, "proof": way})

    def _prove(self, mutant: str, way: str) -> None:
        self.tried.add(mutant)
        if way:
            self.verdicts[mutant] = f"{PROOF}{way}"

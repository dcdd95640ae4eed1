"""What is known of the mutants of a component, in a file that every verdict is added to.

A line each, in JSON: the first says what the verdicts depend on; then that a mutant is tried, and
what became of it. A line that was cut by the end of the process is none.
"""

import json
from pathlib import Path

from hw.command.files import write_all


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
    """

    def __init__(self, path: Path, identity: str):
        self.path = path
        self.verdicts: dict[str, str] = {}
        self.tried: set[str] = set()
        lines = _lines(path)
        if lines[:1] != [{"identity": identity}]:
            lines = [{"identity": identity}]
        for line in lines[1:]:
            # Tried, and nothing more: it took the process with it.
            self.verdicts[line["mutant"]] = line.get("verdict", "crash")
            if "proof" in line:
                self._prove(line["mutant"], line["proof"])
        text = "".join(f"{json.dumps(line)}\n" for line in lines)
        if not path.exists() or path.read_bytes() != text.encode():
            write_all(path.parent, {path.name: text})

    def begin(self, mutant: str) -> None:
        """Say that a mutant is tried from now on."""
        self._add({"mutant": mutant})

    def end(self, mutant: str, verdict: str) -> None:
        """Say what became of it."""
        self.verdicts[mutant] = verdict
        self._add({"mutant": mutant, "verdict": verdict})

    def prove(self, mutant: str, way: str) -> None:
        """Say by which way of a proof a survivor is equivalent; empty if by none."""
        self._prove(mutant, way)
        self._add({"mutant": mutant, "verdict": SURVIVED, "proof": way})

    def _prove(self, mutant: str, way: str) -> None:
        self.tried.add(mutant)
        if way:
            self.verdicts[mutant] = f"{PROOF}{way}"

    def _add(self, line: dict[str, str]) -> None:
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(f"{json.dumps(line)}\n")


def _lines(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    found = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            found.append(json.loads(text))
        except ValueError:
            break
    return found

"""Rules that follow from each other, proved together: by induction over cycles, with ABC.

Registers that are always equal are made one first (``lcorr``), so that counters of a claim that
do what some of the design do are no strangers to it.
"""

import re
import subprocess
from collections.abc import Collection, Sequence
from pathlib import Path

from verify.reachability import abc, search


__all__ = ["ENGINE", "decide"]


ENGINE = "induction and pdr, unbounded"

_PREPARE = "scleanup; dc2; lcorr"

_CYCLES = 4
"""Cycles in a row of an induction, at most: rules hold in the last if they do in the others."""

_FIRST, _SOME, _MORE = 6, 12, 40
"""Cycles that are looked at one after the other: before the induction of the lemmas, of other
rules, and of lemmas that do not follow from each other."""


def decide(folder: Path, lemmas: Sequence[int], others: Sequence[int],
           seconds: float) -> dict[int, int | None]:
    """Decide the outputs of ``claim.aig``: some together, and others that build on them.

    Returns
    -------
    dict of int to (int or None)
        As :func:`verify.reachability.search`; if one can be broken, the one that is found first.

    Raises
    ------
    Fault
        If ABC fails.
    """
    _only(folder, lemmas, "lemmas.aig")
    _only(folder, others, "others.aig")
    for outputs, name, cycles in ((others, "others.aig", _SOME), (lemmas, "lemmas.aig", _FIRST)):
        found, whole = _look(folder, outputs, name, cycles, seconds)
        if found or not whole:
            return found
    step = _abc(f"read_aiger lemmas.aig; {_PREPARE}; orpos; ind -F {_CYCLES}", folder, seconds)
    if "Networks are equivalent" not in step:
        return _look(folder, lemmas, "lemmas.aig", _MORE, seconds)[0]
    built = search(folder, seconds, _PREPARE, "others.aig")
    return dict.fromkeys(lemmas) | {others[k]: cycles for k, cycles in built.items()}


def _look(folder: Path, outputs: Sequence[int], name: str, cycles: int,
          seconds: float) -> tuple[dict[int, int | None], bool]:
    """The output that can be high first, in so many cycles; and whether all of them were seen."""
    looked = _abc(f"read_aiger {name}; {_PREPARE}; bmc3 -F {cycles}", folder, seconds)
    found = re.search(r"^Output +(\d+) of miter .* was asserted in frame +(\d+)", looked, re.M)
    return ({outputs[int(found[1])]: int(found[2])} if found else {},
            f"No output asserted in {cycles} frames" in looked)


def _abc(script: str, folder: Path, seconds: float) -> str:
    """What ABC prints, or nothing if it does not end in time."""
    try:
        return abc(script, folder, seconds)
    except subprocess.TimeoutExpired:
        return ""


def _only(folder: Path, outputs: Collection[int], name: str) -> None:
    """Write ``claim.aig`` with only some of its outputs to the file ``name``."""
    head, rest = (folder / "claim.aig").read_bytes().split(b"\n", 1)
    kind, variables, inputs, latches, count, gates = head.split()
    lines = rest.split(b"\n", int(latches) + int(count))
    states, chosen = lines[:int(latches)], [lines[int(latches) + k] for k in outputs]
    head = b" ".join((kind, variables, inputs, latches, str(len(chosen)).encode(), gates))
    (folder / name).write_bytes(b"\n".join((head, *states, *chosen, lines[-1])))

"""Rules that follow from each other, proved together: by induction over cycles, with ABC.

Registers that are always equal are made one first (``lcorr``), so that counters of a claim that
do what some of the design do are no strangers to it.
"""

import re
import subprocess
from collections.abc import Collection
from pathlib import Path

from verify.reachability import abc


__all__ = ["ENGINE", "PREPARE", "only", "together"]


ENGINE = "induction and pdr, unbounded"
PREPARE = "scleanup; dc2; lcorr"

_CYCLES = 4
"""Cycles in a row of an induction, at most: rules hold in the last if they do in the others."""

_SEARCHED = 40
"""Cycles in which rules that do not follow from each other are looked for a way to break them."""


def only(folder: Path, outputs: Collection[int], name: str) -> None:
    """Write ``claim.aig`` with only some of its outputs to the file ``name``."""
    head, rest = (folder / "claim.aig").read_bytes().split(b"\n", 1)
    kind, variables, inputs, latches, count, gates = head.split()
    lines = rest.split(b"\n", int(latches) + int(count))
    states, chosen = lines[:int(latches)], [lines[int(latches) + k] for k in outputs]
    head = b" ".join((kind, variables, inputs, latches, str(len(chosen)).encode(), gates))
    (folder / name).write_bytes(b"\n".join((head, *states, *chosen, lines[-1])))


def together(folder: Path, outputs: Collection[int], seconds: float) -> dict[int, int | None]:
    """Decide some outputs of ``claim.aig`` together.

    Returns
    -------
    dict of int to (int or None)
        As :func:`verify.reachability.search`: of rules that do not follow from each other those
        alone that can be broken soon.

    Raises
    ------
    Fault
        If ABC fails.
    """
    only(folder, outputs, "together.aig")
    read, numbers = f"read_aiger together.aig; {PREPARE}", dict(enumerate(outputs))
    try:
        first = abc(f"{read}; orpos; bmc3 -F {2 * _CYCLES}; ind -F {_CYCLES} -T {seconds:g}",
                    folder, 2 * seconds + 60)
        if "No output asserted" in first and "Networks are equivalent" in first:
            return dict.fromkeys(outputs)
        soon = abc(f"{read}; bmc3 -a -F {_SEARCHED} -T {seconds:g}", folder, 2 * seconds + 60)
    except subprocess.TimeoutExpired:
        return {}
    return {numbers[int(output)]: int(frame) for output, frame in re.findall(
        r"^Output +(\d+) was (?:trivially )?asserted in frame +(\d+)", soon, re.M)}

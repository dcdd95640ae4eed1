"""Holes that no run closes: bits that keep one value for all inputs, proved.

A module stands alone, with what stands in it. Its inputs are free, and so is what its memories
give; flip-flops start at 0, as they do where toggles are counted. What holds there holds wherever
the module stands.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hw.command.files import temporary
from synth.flow.yosys import run
from verify.coverage.points import Bit
from verify.reachability import search


__all__ = ["still", "still_in"]


Place = tuple[str, int]
"""A signal of a module, as ``signal`` or ``part.signal``, and a bit of it."""

Copy = tuple[str, Place]
"""A module, and a bit as it has it."""

LARGEST = 450_000
"""Letters of Verilog, every instance counted, beyond which a search has no hope."""

FLAT = ["read_verilog design.v", "hierarchy -top {module}", "proc -norom -noopt", "flatten",
        "memory_collect", "delete t:$mem_v2", "write_json flat.json"]
"""Every name stays. What a memory gave has no driver any more; so no choice may become a ROM."""

GATES = ["read_json watched.json", "setundef -init -zero", "setundef -undriven -anyseq",
         "opt -full", "techmap", "setundef -undriven -anyseq", "opt -fast -nodffe -nosdff",
         "simplemap", "dffunmap", "aigmap", "opt_clean", "write_aiger -zinit claim.aig"]
"""What is X to a simulator may be anything here."""

PREPARE = "scorr; dc2; scorr"
"""What ABC does first: many bits are found equal to others by induction."""


def still(text: str, holes: Sequence[Bit], places: Mapping[str, Iterable[str]], *,
          seconds: float = 60) -> dict[Bit, int]:
    """Bits that keep one value: in their module alone, or in each module that it is a part of.

    Parameters
    ----------
    text : str
        Verilog of the design.
    holes : sequence of Bit
        Bits to decide.
    places : mapping of str to iterable of str
        Modules, and where all their instances stand, as ``nm_top.part``.
    seconds : float
        Time for the search in a module.

    Returns
    -------
    dict of Bit to int
        Those that are proved, and their values.

    Raises
    ------
    Fault
        If Yosys or ABC fails.
    """
    standing = {place: module for module, found in places.items() for place in found}
    found: dict[Bit, int] = {}
    for around in (False, True):
        copies = {bit: _copies(bit, places, standing) if around
                  else {(bit.module, (bit.signal, bit.index))}
                  for bit in holes if bit not in found}
        values = _values(text, set().union(*copies.values()), standing, seconds)
        for bit, own in copies.items():
            kept = {values.get(copy) for copy in own}
            if len(kept) == 1 and (value := kept.pop()) is not None:
                found[bit] = value
    return found


def _copies(bit: Bit, places: Mapping[str, Iterable[str]],
            standing: Mapping[str, str]) -> set[Copy]:
    """A bit as the modules around all instances of its own have it."""
    parts = {place.rpartition(".")[::2] for place in places[bit.module]}
    return {(standing[inside], (f"{part}.{bit.signal}", bit.index))
            for inside, part in parts if inside}


def _values(text: str, copies: set[Copy], standing: Mapping[str, str],
            seconds: float) -> dict[Copy, int]:
    """Those that keep one value in their modules, which are asked one by one."""
    bodies = {body[1]: body[0]
              for body in re.finditer(r"^module (\w+)\(.*?^endmodule\n", text, re.M | re.S)}
    found: dict[Copy, int] = {}
    for module in sorted({module for module, _ in copies}):
        top = min(place for place, other in standing.items() if other == module)
        inside = [other for place, other in standing.items() if f"{place}.".startswith(f"{top}.")]
        if sum(len(bodies[other]) for other in inside) <= LARGEST:
            asked = sorted(place for other, place in copies if other == module)
            values = still_in("".join(bodies[other] for other in dict.fromkeys(inside)), module,
                              asked, seconds=seconds)
            found |= {(module, place): value for place, value in values.items()}
    return found


def still_in(text: str, module: str, bits: Iterable[Place], *,
             seconds: float = 60) -> dict[Place, int]:
    """Those of ``bits`` of a module that keep one value whatever comes in, and their values.

    A bit that has no name in the module, and one that is not decided in time, are none of them.

    Raises
    ------
    Fault
        If Yosys or ABC fails.
    """
    with temporary() as folder:
        (folder / "design.v").write_text(text)
        run([line.format(module=module) for line in FLAT], folder, timeout=300)
        watched = _watch(folder, module, bits)
        if not watched:
            return {}
        run(GATES, folder, timeout=300)
        decided = search(folder, seconds, PREPARE)
    return {watched[output % len(watched)]: output // len(watched)
            for output, cycles in decided.items() if cycles is None}


def _watch(folder: Path, module: str, bits: Iterable[Place]) -> list[Place]:
    """Make the bits all outputs of the module, and after them each inverted; returns them."""
    design = json.loads((folder / "flat.json").read_text())
    flat = design["modules"][module]
    nets = {name.replace("\\", ""): net["bits"] for name, net in flat["netnames"].items()}
    watched = [(name, index) for name, index in bits if name in nets and index < len(nets[name])]
    inputs = {name: port for name, port in flat["ports"].items() if port["direction"] == "input"}
    values = [nets[name][index] for name, index in watched]
    first = 1 + max(net for bits in nets.values() for net in bits if isinstance(net, int))
    inverted = list(range(first, first + len(values)))
    flat["ports"] = inputs | {"watched": {"direction": "output", "bits": values + inverted}}
    flat["cells"]["inverted"] = _inverter(values, inverted)
    (folder / "watched.json").write_text(json.dumps(design))
    return watched


def _inverter(values: list[Any], inverted: list[int]) -> dict[str, Any]:
    """A cell as Yosys writes it."""
    return {"type": "$not", "port_directions": {"A": "input", "Y": "output"},
            "parameters": {"A_SIGNED": 0, "A_WIDTH": len(values), "Y_WIDTH": len(values)},
            "attributes": {}, "connections": {"A": values, "Y": inverted}}

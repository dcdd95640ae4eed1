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

from hw.command.files import temporary, write_all
from synth.flow.yosys import run
from synth.store import digest, sources
from verify.coverage.points import Bit
from verify.reachability import search


__all__ = ["still", "still_in"]


Place = tuple[str, int]
"""A signal of a module, as ``signal`` or ``part.signal``, and a bit of it."""

Copy = tuple[str, Place]
"""A module, and a bit as it has it."""

_DEPENDS = "verify/coverage/still.py", "verify/reachability.py", "synth/flow/yosys.py"
"""Sources that proofs depend on, besides the Verilog."""

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
          given: Mapping[Bit, int] | None = None, seconds: float = 60,
          kept: Path | None = None) -> dict[Bit, int]:
    """Bits that keep one value: in their module alone, or in each module that it is a part of.

    Parameters
    ----------
    text : str
        Verilog of the design.
    holes : sequence of Bit
        Bits to decide.
    places : mapping of str to iterable of str
        Modules, and where all their instances stand, as ``nm_top.part``.
    given : mapping of Bit to int, optional
        Bits that are known to keep a value wherever their module stands: where it has them as
        inputs they are not free. Modules without such inputs are not asked.
    seconds : float
        Time for the search in a module.
    kept : Path, optional
        Folder for what was found in each module: it is not asked the same again.

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
        values = _values(text, set().union(*copies.values()), standing, given, seconds, kept)
        for bit, own in copies.items():
            everywhere = {values.get(copy) for copy in own}
            if len(everywhere) == 1 and (value := everywhere.pop()) is not None:
                found[bit] = value
    return found


def _copies(bit: Bit, places: Mapping[str, Iterable[str]],
            standing: Mapping[str, str]) -> set[Copy]:
    """A bit as the modules around all instances of its own have it."""
    parts = {place.rpartition(".")[::2] for place in places[bit.module]}
    return {(standing[inside], (f"{part}.{bit.signal}", bit.index))
            for inside, part in parts if inside}


def _values(text: str, copies: set[Copy], standing: Mapping[str, str],
            given: Mapping[Bit, int] | None, seconds: float,
            kept: Path | None) -> dict[Copy, int]:
    """Those that keep one value in their modules, which are asked one by one."""
    bodies = {body[1]: body[0]
              for body in re.finditer(r"^module (\w+)\(.*?^endmodule\n", text, re.M | re.S)}
    found: dict[Copy, int] = {}
    for module in sorted({module for module, _ in copies}):
        top = min(place for place, other in standing.items() if other == module)
        inside = [other for place, other in standing.items() if f"{place}.".startswith(f"{top}.")]
        if sum(len(bodies[other]) for other in inside) <= LARGEST:
            asked = sorted(place for other, place in copies if other == module)
            inputs = set(re.findall(
                r"\binput (?:wire )?(?:\[\d+:0\] )?\\?([^\s;,)]+)", bodies[module]))
            known = {(bit.signal, bit.index): value for bit, value in (given or {}).items()
                     if bit.module == module and bit.signal in inputs}
            if given is not None and not known:
                continue
            values = _kept(kept, "".join(bodies[other] for other in dict.fromkeys(inside)),
                           module, asked, known, seconds)
            found |= {(module, place): value for place, value in values.items()}
    return found


def _kept(kept: Path | None, text: str, module: str, asked: list[Place],
          given: Mapping[Place, int], seconds: float) -> dict[Place, int]:
    """What :func:`still_in` finds, now or before."""
    def find() -> dict[Place, int]:
        return still_in(text, module, asked, given=given, seconds=seconds)

    if kept is None:
        return find()
    key = digest(text, module, asked, sorted(given.items()), seconds, sources(*_DEPENDS))
    path = kept / f"{key}.json"
    if not path.exists():
        write_all(kept, {path.name: json.dumps([[*at, value] for at, value in find().items()])})
    return {(name, index): value for name, index, value in json.loads(path.read_text())}


def still_in(text: str, module: str, bits: Iterable[Place], *,
             given: Mapping[Place, int] | None = None, seconds: float = 60) -> dict[Place, int]:
    """Those of ``bits`` of a module that keep one value whatever comes in, and their values.

    Bits of its inputs that are ``given`` have those values. A bit that has no name in the module,
    and one that is not decided in time, are none of them.

    Raises
    ------
    Fault
        If Yosys or ABC fails.
    """
    with temporary() as folder:
        (folder / "design.v").write_text(text)
        run([line.format(module=module) for line in FLAT], folder, timeout=300)
        watched = _watch(folder, module, bits, given or {})
        if not watched:
            return {}
        run(GATES, folder, timeout=300)
        decided = search(folder, seconds, PREPARE)
    return {watched[output % len(watched)]: output // len(watched)
            for output, cycles in decided.items() if cycles is None}


def _watch(folder: Path, module: str, bits: Iterable[Place],
           given: Mapping[Place, int]) -> list[Place]:
    """Make the bits all outputs of the module, and after them each inverted; returns them."""
    design = json.loads((folder / "flat.json").read_text())
    flat = design["modules"][module]
    nets = {name.replace("\\", ""): net["bits"] for name, net in flat["netnames"].items()}
    watched = [(name, index) for name, index in bits if name in nets and index < len(nets[name])]
    inputs = {name: port for name, port in flat["ports"].items() if port["direction"] == "input"}
    fixed = {nets[name][index]: str(value) for (name, index), value in given.items()}
    for cell in flat["cells"].values():
        cell["connections"] = {pin: [fixed.get(net, net) for net in ends]
                               for pin, ends in cell["connections"].items()}
    values = [fixed.get(net, net) for net in (nets[name][index] for name, index in watched)]
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

"""Bits that cannot toggle, whatever comes: Yosys finds them constant."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hw.command.files import temporary
from synth.flow.yosys import run
from verify.coverage.facts import Fact


__all__ = ["constants"]


Place = tuple[str, int]
"""A signal, as ``nm_top.part.signal``, and a bit of it."""

Net = int | str
"""As Yosys writes one bit of a signal: its number, or a constant."""

SCRIPT = ["read_verilog design.v", "hierarchy -top {top}", "proc -noopt", "flatten",
          *["opt_expr -full", "wreduce", "opt_dff"] * 6, "opt_expr -full",
          "memory_dff", "memory_collect", "write_json design.json"]
"""Constants, in cells as narrow as what they compute, and registers that only ever load one. Each
round finds what those before have led to. Nothing is merged or removed: every name stays. A memory
becomes one cell, with all its ports and the registers behind it."""


def constants(text: str, top: str, facts: Sequence[Fact] = (), *,
              timeout: float = 600) -> tuple[dict[Place, int], dict[Place, int]]:
    """Bits of a design that are constant, and their values.

    Parameters
    ----------
    text, top : str
        Verilog of the design, and its top module.
    facts : sequence of Fact
        What is known besides.
    timeout : float
        Seconds for Yosys.

    Returns
    -------
    tuple of dict and dict
        Bits that the Verilog makes constant, and bits that carry what a fact speaks of: these are
        0.

    Raises
    ------
    SynthesisError
        If Yosys fails or does not end in time.
    """
    with temporary() as folder:
        (folder / "design.v").write_text(text)
        run([line.format(top=top) for line in SCRIPT], Path(folder), timeout=timeout)
        module = json.loads((folder / "design.json").read_text())["modules"][top]
    nets = {f"{top}.{name}".replace("\\", ""): net["bits"]
            for name, net in module["netnames"].items()}
    # The same net has the same number under all its names.
    known = {nets[fact.signal][index]: 0 for fact in facts
             for index in range(fact.low, fact.high + 1)}
    memories = [cell for cell in module["cells"].values() if cell["type"] == "$mem_v2"]
    fixed: dict[Net, int] = {"0": 0, "1": 1}
    found: tuple[dict[Place, int], dict[Place, int]] = {}, {}
    for places, values in zip(found, (fixed, fixed | known), strict=True):
        read = {bit: value for memory in memories
                for bit, value in _columns(memory, values, places, f"{top}.").items()}
        places |= {(name, index): (values | read)[bit] for name, bits in nets.items()
                   for index, bit in enumerate(bits) if bit in values or bit in read}
    constant, all_known = found
    return constant, {place: value for place, value in all_known.items() if place not in constant}


def _columns(memory: dict[str, Any], values: dict[Net, int], places: dict[Place, int],
             inside: str) -> dict[Net, int]:
    """Add bits of a memory to ``places`` into which only one of ``values`` is ever written.

    Returns the nets that such bits are read to, and their values. What a memory holds before it is
    written belongs to nobody, unless the Verilog gives it contents.
    """
    parameters, pins = memory["parameters"], memory["connections"]
    if set(parameters["INIT"]) != {"x"}:
        return {}
    width, words, first = (int(parameters[name], 2) for name in ("WIDTH", "SIZE", "OFFSET"))
    name = inside + parameters["MEMID"].replace("\\", "")
    read: dict[Net, int] = {}
    for column in range(width):
        written = {*pins["WR_DATA"][column::width]}
        if len(written) == 1 and written <= values.keys():
            value = values[written.pop()]
            places |= {(f"{name}[{word}]", column): value for word in range(first, first + words)}
            read |= dict.fromkeys(pins["RD_DATA"][column::width], value)
    return read

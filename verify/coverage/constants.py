"""Bits that cannot toggle, whatever comes: Yosys finds them constant."""

import json
from collections.abc import Sequence
from pathlib import Path

from hw.command.files import temporary
from synth.flow.yosys import run
from verify.coverage.facts import Fact


__all__ = ["constants"]


Place = tuple[str, int]
"""A signal, as ``nm_top.part.signal``, and a bit of it."""

SCRIPT = ["read_verilog design.v", "hierarchy -top {top}", "proc -noopt", "flatten",
          *["opt_expr -full", "wreduce", "opt_dff"] * 6, "opt_expr -full",
          "write_json design.json"]
"""Constants, in cells as narrow as what they compute, and registers that only ever load one. Each
round finds what those before have led to. Nothing is merged or removed: every name stays."""


def constants(text: str, top: str, facts: Sequence[Fact] = (), *,
              timeout: float = 600) -> tuple[set[Place], set[Place]]:
    """Bits of a design that are constant.

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
    tuple of set and set
        Bits that the Verilog makes constant, and bits that carry what a fact speaks of.

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
    known = {nets[fact.signal][index] for fact in facts
             for index in range(fact.low, fact.high + 1)}
    places = [((name, index), bit) for name, bits in nets.items() for index, bit in enumerate(bits)]
    return ({place for place, bit in places if bit in ("0", "1")},
            {place for place, bit in places if bit in known and not isinstance(bit, str)})

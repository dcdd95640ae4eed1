"""Mutants: drawn by Yosys, and built into one design, in which an input chooses among them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hw.command.files import temporary
from synth.flow import yosys
from verify.mutate.lapse import LAPSE, forced


__all__ = ["SELECT", "UNKNOWN", "Mutants", "make", "module_of"]


SELECT = "mutant"
"""Input of every module with mutants: the number of the one that is there, 0 for none."""

_WIDTH = 16
"""Bits of it."""

_CLOCK = re.compile(r"-port (?:\w*CLK|clk)\b")
_SOURCE = re.compile(r" -(?:src|wire|wirebit) \S+")
"""Where a mutant stands in the text: for people, and no part of what it is."""

_READ = ("opt_expr", "wreduce", "splitcells", "opt_clean")
"""What leaves the bits that somebody reads: a change of another one could not matter."""

_TIMEOUT = 600.0

_CHOICES = "techmap t:$pmux"
"""A choice of which two come true at once is the OR of both, as in gates, and not the first one."""

UNKNOWN = "setundef -zero"
"""What a choice brings that never comes true is 0, where a mutant lets it: for proofs, too."""

_LOOPS = "/* verilator lint_off UNOPTFLAT */\n"
"""A bit that depends on another one of its own word looks like a loop to a simulator of words."""

_PROMISE = "// synopsys parallel_case"
"""What holds without mutants alone, and would end the simulator."""


@dataclass(frozen=True)
class Mutants:
    """Mutants of a design.

    Attributes
    ----------
    gold : str
        The design as RTLIL, to which the mutants refer.
    verilog : str
        The design with all of them; mutant ``k`` of ``names`` is there while the input
        :data:`SELECT` is ``k + 1``; :data:`verify.mutate.lapse.LAPSE` stands for what that forces.
    names : tuple of str
        Each as the options of Yosys' ``mutate``.
    """

    gold: str
    verilog: str
    names: tuple[str, ...]


def make(verilog: str, top: str, count: int, seed: int = 1,
         modules: Sequence[str] = ()) -> Mutants:
    """Draw up to ``count`` mutants of a design, or of some ``modules``, the same ones every time.

    Bits of ports of cells and instances are inverted, stuck at a constant, or inverted where
    another bit is 0 or 1. Clocks are left alone: a simulator without timing has one edge.
    """
    with temporary() as folder:
        (folder / "design.v").write_text(verilog)
        yosys.run(["read_verilog design.v", f"hierarchy -top {top}", "proc", "memory_collect",
                   *_READ, "write_rtlil gold.il",
                   f"mutate -list {2 * count} -seed {seed} -o list.txt {' '.join(modules)}"],
                  folder, timeout=_TIMEOUT)
        lines = (folder / "list.txt").read_text().splitlines()
        found = dict.fromkeys(_SOURCE.sub("", line.removeprefix("mutate ")).strip()
                              for line in lines if not _CLOCK.search(line))
        names = tuple(found)[:count]
        gold = (folder / "gold.il").read_text()
        choices = [*enumerate(names, start=1), *((LAPSE, name) for name in forced(gold))]
        yosys.run(["read_rtlil gold.il", UNKNOWN,
                   *(f"mutate -ctrl {SELECT} {_WIDTH} {number} {name}"
                     for number, name in choices),
                   _CHOICES, "opt_clean", "splitnets", "write_verilog -noattr mutants.v"],
                  folder, timeout=_TIMEOUT)
        text = _LOOPS + (folder / "mutants.v").read_text().replace(_PROMISE, "")
        return Mutants(gold, text, names)


def module_of(name: str) -> str:
    """The module that a mutant changes."""
    found = re.search(r"-module (\S+)", name)
    assert found is not None, name
    return found[1]

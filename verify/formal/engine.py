"""Proofs without bound: from a claim to Verilog, to gates, to ABC's engines.

Rules are written without a look inside the design: the engine finds the invariants.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hw.command.files import temporary
from hw.generate.emit import to_verilog
from synth.flow import yosys
from verify.formal import induction, netlists
from verify.formal.claim import START, Claim, Fact
from verify.formal.netlists import Netlist
from verify.reachability import DIAGRAMS, REACHABILITY, abc_program, gates, search


__all__ = ["Outcome", "prove"]


_START = f"module {START}(output y); assign y = $initstate; endmodule\n"

_MEMORY = re.compile(r"(  reg ((?:\[\d+:0\] )?)cells \[\d+:0\];\n)(.*?    if \((.*?)\)\n"
                     r"      cells\[(.*?)\] <= .*?<= )(cells\[(.*?)\];)", re.S)


@dataclass(frozen=True)
class Outcome:
    """What became of a claim.

    Attributes
    ----------
    rules : dict of str to str
        Those of the claim.
    cycles : dict of str to (int or None)
        For each rule that was decided in time None where it holds for ever, or else the number of
        cycles after which it can be broken.
    engine : str
        What decided the rules, and up to which time.
    seconds : float
        How long it took.
    """

    rules: Mapping[str, str]
    cycles: Mapping[str, int | None]
    engine: str
    seconds: float

    @property
    def broken(self) -> tuple[str, ...]:
        """Rules that do not hold."""
        return tuple(rule for rule, cycles in self.cycles.items() if cycles is not None)

    @property
    def undecided(self) -> tuple[str, ...]:
        """Rules that were not decided."""
        return tuple(rule for rule in self.rules if rule not in self.cycles)

    @property
    def proved(self) -> bool:
        """Whether all rules hold."""
        return not self.broken and not self.undecided

    @property
    def result(self) -> str:
        """What became of the rules, in words."""
        parts = [f"{rule} broken after {self.cycles[rule]} cycles" for rule in self.broken]
        parts += [f"{rule} undecided" for rule in self.undecided]
        return "; ".join(parts) or "proved"

    def __str__(self) -> str:
        return f"{self.result} ({self.seconds:.0f} s)"


def prove(claim: Claim | Fact | Netlist, *, seconds: float = 120,
          change: Callable[[str], str] = lambda text: text) -> Outcome:
    """Decide the rules of a claim for all inputs and all times.

    Parameters
    ----------
    claim : Claim, Fact or Netlist
        What is to be decided.
    seconds : float
        Time for the search; of a netlist, for every module.
    change : callable
        From the Verilog of the design to the Verilog that is proved: what a mutant does. Of a
        netlist from the BLIF of each module.

    Raises
    ------
    ModuleNotFoundError
        If Yosys is not installed.
    Fault
        If a tool fails.
    """
    start = time.monotonic()
    if isinstance(claim, Netlist):
        decided = netlists.decide(claim, abc_program(), seconds, change)
        return Outcome(claim.rules, decided, netlists.ENGINE, time.monotonic() - start)
    with temporary() as folder:
        text = _any_word(change(to_verilog(claim, "claim")))
        (folder / "claim.v").write_text(_START + text)
        yosys.run(["read_verilog -formal claim.v", *gates("claim")], folder, timeout=600)
        engine, found = _decide(claim, folder, seconds)
    cycles = {rule: found[k] for k, rule in enumerate(claim.rules) if k in found}
    return Outcome(claim.rules, cycles, engine, time.monotonic() - start)


def _decide(claim: Claim | Fact, folder: Path, seconds: float) -> tuple[str, dict]:
    """The engine, and what it found of each rule, by number.

    Without a clock decision diagrams: those of masks stay small, other than their clauses.
    """
    if isinstance(claim, Fact) or not claim.lemmas:
        engine, prepare = DIAGRAMS if isinstance(claim, Fact) else REACHABILITY
        return engine, search(folder, seconds, prepare)
    lemmas = [k for k, rule in enumerate(claim.rules) if rule in claim.lemmas]
    others = [k for k, rule in enumerate(claim.rules) if rule not in claim.lemmas]
    return induction.ENGINE, induction.decide(folder, lemmas, others, seconds)


def _any_word(text: str) -> str:
    """Verilog whose memories give any word for one that is read while it is written.

    That is what the design allows a memory, see :data:`hw.generate.handover.MEMORY`.
    """
    text, count = _MEMORY.subn(
        lambda found: f"{found[1]}  wire {found[2]}any_word = $anyseq;\n{found[3]}{found[4]} && "
                      f"{found[5]} == {found[7]} ? any_word : {found[6]}", text)
    assert count == len(re.findall(r"\bcells \[\d+:0\];", text)), "a memory of another form"
    return text

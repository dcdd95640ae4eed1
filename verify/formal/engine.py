"""Proofs without bound: from a claim to Verilog, to gates, to ABC's engines.

Property directed reachability finds the inductive invariant by itself, so that rules are written
without a look inside the design; ABC checks the invariant once it has it. Bradley, SAT-based model
checking without unrolling, 2011; Een, Mishchenko and Brayton, Efficient implementation of property
directed reachability, 2011. What has no clock is left to decision diagrams.
"""

import re
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from hw.command.children import call
from hw.command.faults import Fault
from hw.command.files import temporary
from hw.generate.emit import to_verilog
from synth.flow import yosys
from verify.formal import netlists
from verify.formal.claim import START, Claim, Fact
from verify.formal.netlists import Netlist


__all__ = ["Outcome", "prove"]


_DIAGRAMS = "diagrams, no clock", "collapse; strash"
_REACHABILITY = "pdr, unbounded", "scleanup; dc2; scorr"
"""Engines, as a table calls them, and what ABC does before it searches."""

_START = f"module {START}(output y); assign y = $initstate; endmodule\n"

_GATES = [
    "read_verilog -formal claim.v", "hierarchy -check -top claim", "proc", "flatten",
    "memory -nomap", "opt -full", "memory_map", "opt -full", "dffunmap", "techmap",
    "opt -fast -nodffe -nosdff", "simplemap",
    # What is X to a simulator may be anything to a solver.
    "setundef -undriven -anyseq", "aigmap", "opt_clean", "write_aiger -zinit claim.aig",
]

_MEMORY = re.compile(r"(  reg ((?:\[\d+:0\] )?)cells \[\d+:0\];\n)(.*?<= )(cells\[read_address\];)",
                     re.S)


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
        decided = netlists.decide(claim, _abc(), seconds, change)
        return Outcome(claim.rules, decided, netlists.ENGINE, time.monotonic() - start)
    with temporary() as folder:
        text = _any_word(change(to_verilog(claim, "claim")))
        (folder / "claim.v").write_text(_START + text)
        yosys.run(_GATES, folder, timeout=600)
        cycles = _search(folder, claim, seconds)
    return Outcome(claim.rules, cycles, _engine(claim)[0], time.monotonic() - start)


def _engine(claim: Claim | Fact) -> tuple[str, str]:
    """Without a clock decision diagrams: those of masks stay small, other than their clauses."""
    return _DIAGRAMS if isinstance(claim, Fact) else _REACHABILITY


def _any_word(text: str) -> str:
    """Verilog whose memories give any word for one that is read while it is written.

    That is what the design allows a memory, see :data:`hw.generate.handover.MEMORY`.
    """
    return _MEMORY.sub(
        lambda found: f"{found[1]}  wire {found[2]}any_word = $anyseq;\n{found[3]}write_enable && "
                      f"write_address == read_address ? any_word : {found[4]}", text)


def _abc() -> Path:
    """The program that comes with Yosys."""
    spec = find_spec("pyosys")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'pyosys'", name="pyosys")
    return Path(spec.origin).with_name("yosys-abc")


def _search(folder: Path, claim: Claim | Fact, seconds: float) -> dict[str, int | None]:
    """What ABC decides: None for what holds, otherwise after how many cycles it does not."""
    script = f"read_aiger claim.aig; {_engine(claim)[1]}; pdr -a -T {seconds:g}"
    try:
        done = call([_abc(), "-q", script], cwd=folder, timeout=2 * seconds + 60)
    except subprocess.TimeoutExpired:
        return {}
    if done.returncode or "Error" in done.stdout:
        raise Fault(f"ABC must decide the claim, not fail: {done.stdout.strip()[-200:]}")
    found: dict[int, int | None] = dict.fromkeys(
        map(int, re.findall(r"^Proved output +(\d+)", done.stdout, re.M)))
    found |= {int(output): int(frame) for output, frame in re.findall(
        r"^Output +(\d+) was (?:trivially )?asserted in frame +(\d+)", done.stdout, re.M)}
    return {rule: found[k] for k, rule in enumerate(claim.rules) if k in found}

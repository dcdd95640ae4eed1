"""Proofs that a mutant is equivalent: no input, whatever came before, makes a difference."""

import re
import subprocess
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from pathlib import Path

from hw.command.children import Ended
from hw.command.faults import Fault
from hw.command.files import temporary
from synth.flow import yosys
from verify.mutate.make import UNKNOWN, module_of
from verify.mutate.promises import INDUCTION, KEPT, Promise, inserted, ports
from verify.mutate.rules import BEGINS, KEEPS, rules
from verify.reachability import BUSY, abc, gates, search


__all__ = ["PROOFS", "prove"]


_TIMEOUT = 60.0
"""Seconds of a processor for a proof; one that takes longer is none."""

PROOFS = {
    "module": "outputs and next states of the module, with all that stands in it, are the same for "
              "all inputs and states (cec)",
    "around": "the same of every module that it stands in (cec)",
    "part": "outputs of the module are the same in every state that can be reached after a reset, "
            "whatever its inputs, those of a stream while it is valid, a pass while there is one; "
            "states are left out in which what is proved of it does not hold (scorr, pdr)",
    "design": "outputs and next states of the whole design are the same, too (cec)",
    "streams": "outputs of the whole design are the same in every state that can be reached after "
               "a reset, those of a stream while it is valid (scorr, pdr)",
}
"""Ways of a proof, the quick one first."""

_CUT = ["flatten", "memory_map", "dffunmap", "async2sync", "simplemap t:$dff", "splitnets -ports",
        "opt_clean -purge", "expose -dff -evert-dff"]
"""What makes of a module one without states, in whose place there are ports."""

_GATES = ["techmap", "opt -fast -nodffe -nosdff", "simplemap", "setundef -undriven -zero",
          "setundef -zero", "aigmap", "opt_clean"]
"""What makes gates of it."""

_MEMORY = re.compile(r"^module \\\w+_memory_\d+x\d+$", re.M)
_MEMORIES = "*_memory_*x*"
"""Modules of memories, as they are found in a text, and by Yosys."""

_OUTSIDE = (f"setattr -mod -set keep_hierarchy 1 {_MEMORIES}", "flatten",
            f"expose -evert t:{_MEMORIES}")
"""What makes one module of a design, with ports in the place of memories: one that is told the same
gives the same, whatever it held before the reset."""

_CHOICE = "chosen"
"""An input of one module for both: without the mutant, and with it."""


def prove(gold: str, top: str, mutant: str, ways: Sequence[str] = tuple(PROOFS),
          promises: Sequence[Promise] = ()) -> str:
    """Return the one of ``ways`` of :data:`PROOFS` by which a mutant is equivalent, or nothing.

    States in which a promise of the module does not hold are left out of ``part``.

    Raises Ended if the command is ended meanwhile: that there is no proof is then not known.
    """
    tried: dict[str, Callable[[Path], bool]] = {
        "module": lambda folder: _same(folder, gold, module_of(mutant), mutant),
        "around": lambda folder: _same_around(folder, gold, module_of(mutant), mutant),
        "part": lambda folder: _alike(folder, gold, module_of(mutant), mutant, promises),
        "design": lambda folder: _same(folder, gold, top, mutant),
        "streams": lambda folder: _alike(folder, gold, top, mutant)}
    return next((way for way in ways if _holds(tried[way])), "")


def _holds(way: Callable[[Path], bool]) -> bool:
    with temporary() as folder:
        try:
            return way(folder)
        except Ended:
            raise
        except (Fault, subprocess.TimeoutExpired):  # of Yosys or ABC
            return False


def _same(folder: Path, gold: str, module: str, mutant: str) -> bool:
    """Whether the two are the same but for states that they hold."""
    (folder / "module.il").write_text(_alone(gold, module))
    # One netlist until the choice is made: a mutant would change names of states.
    yosys.run(["read_rtlil module.il", UNKNOWN, f"mutate -ctrl {_CHOICE} 1 1 {mutant}",
               f"hierarchy -top {module}", *_CUT, "design -save both",
               *(command for value, written in enumerate(("gold", "gate"))
                 for command in ("design -load both", f"delete -input w:{_CHOICE}",
                                 f"connect -set {_CHOICE} 1'{value}", *_GATES,
                                 f"write_aiger -symbols {written}.aig"))],
              folder, timeout=BUSY * _TIMEOUT)
    # Ports are matched by name: their order follows names that Yosys makes up as it goes.
    return "Networks are equivalent" in abc(
        f"cec -T {BUSY * _TIMEOUT:g} -C 1000000 gold.aig gate.aig", folder, _TIMEOUT)


def _same_around(folder: Path, gold: str, module: str, mutant: str) -> bool:
    """Whether nobody who has the module could tell, nor whoever has them: one step up."""
    modules = re.findall(r"^module \\(\S+)\n(.*?)^end$", gold, re.M | re.S)
    around = [name for name, text in modules
              if re.search(rf"^  cell \\{re.escape(module)} ", text, re.M)]
    return bool(around) and all(_same(folder, gold, name, mutant) for name in around)


@lru_cache(maxsize=16)
def _alone(gold: str, module: str, *flat: str) -> str:
    """RTLIL of a module with what stands in it, kept for its next mutant."""
    with temporary() as folder:
        (folder / "gold.il").write_text(gold)
        yosys.run(["read_rtlil gold.il", f"hierarchy -top {module}", *flat,
                   "write_rtlil module.il"], folder, timeout=BUSY * _TIMEOUT)
        return (folder / "module.il").read_text()


def _alike(folder: Path, gold: str, top: str, mutant: str,
           promises: Sequence[Promise] = ()) -> bool:
    """Whether nobody at the ports can tell the two apart, nor the memories if there are any."""
    alone = _alone(gold, top)
    flat = [_OUTSIDE] * bool(_MEMORY.search(alone)) + [("flatten",)]
    promise = next((promise for promise in promises if promise.module == top), None)
    return any(_alike_once(folder, gold, top, mutant, promise, one) for one in flat)


def _alike_once(folder: Path, gold: str, top: str, mutant: str, promise: Promise | None,
                flat: Sequence[str]) -> bool:
    """The same of one module, which ``flat`` makes of all that stands in it."""
    seen = ports(_alone(gold, top, *flat), top)
    if "rst" not in seen:
        return False
    text, holds = inserted(gold, promise) if promise else (gold, "")
    (folder / "gold.il").write_text(gold)
    (folder / "held.il").write_text(text)
    (folder / "holds.v").write_text(holds)
    (folder / "miter.v").write_text(_miter(seen, promise))
    halves = [command for name, first in (
        ("gold", ["read_rtlil held.il", "read_verilog holds.v"]),
        ("gate", ["read_rtlil gold.il", UNKNOWN, f"mutate {mutant}"]))
              for command in (*first, UNKNOWN, f"hierarchy -top {top}", *flat,
                              f"rename {top} {name}", f"design -stash {name}")]
    yosys.run([*halves, "design -copy-from gold -as gold gold",
               "design -copy-from gate -as gate gate", "read_verilog -formal miter.v",
               *gates("claim")], folder, timeout=BUSY * _TIMEOUT)
    return search(folder, _TIMEOUT, INDUCTION) == {0: None}


def _miter(seen: dict[str, tuple[str, int]], promise: Promise | None) -> str:
    """Both designs with the same inputs; ``broken`` if outputs that count differ.

    A promise that does not hold resets both, and so do inputs that break a rule: there are none.
    """
    promised, given = promise is not None, promise.given if promise else "1"
    inputs = {name: width for name, (kind, width) in seen.items() if kind == "input"}
    outputs = {name: width for name, (kind, width) in seen.items() if kind == "output"}
    declared = [f"input [{width - 1}:0] \\{name} " for name, width in inputs.items()]
    lines, differ = [f"module claim({', '.join([*declared, 'output broken'])});"], []
    for name, width in outputs.items():
        lines.append(f"wire [{width - 1}:0] \\gold_{name} , \\gate_{name} ;")
        valid = _meant(name, outputs)
        counts = f"\\gold_{valid}  && " if valid else ""
        differ.append(f"({counts}\\gold_{name}  != \\gate_{name} )")
    # The first cycle resets both, whatever their flip-flops hold at power-up.
    joined = {name: BEGINS if name == "rst" else f"\\{name} " for name in inputs}
    lines += [f"wire {BEGINS} = rst || $initstate || !{KEEPS}{' || !kept' * promised};",
              *rules(seen, given), f"wire kept{'' if promised else ' = 1'};"]
    for half in ("gold", "gate"):
        pins = [*(f".\\{name} ({value})" for name, value in joined.items()),
                *(f".\\{name} (\\{half}_{name} )" for name in outputs),
                *[f".\\{KEPT} (kept)"] * (promised and half == "gold")]
        lines.append(f"{half} {half}_half({', '.join(pins)});")
    lines.append(f"assign broken = !$initstate && {KEEPS} && kept && ({' || '.join(differ)});")
    return "\n".join([*lines, "endmodule\n"])


def _meant(name: str, outputs: Collection[str]) -> str | None:
    """The output that says whether another one has a meaning, if any.

    Data of a stream have one while they are valid, and so has what says that they are the last;
    a pass while there is one; an address of a memory, and what is written there, where enabled.
    """
    for ending, other in (("_ends", "__valid"), ("_address", "_enable"), ("_data", "_enable")):
        if name.endswith(ending) and (enable := name.removesuffix(ending) + other) in outputs:
            return enable
    if name == "now" and "active" in outputs:
        return "active"
    return next((valid for valid in outputs if valid.endswith("valid") and valid != name
                 and name.startswith(valid[:-5])), None)

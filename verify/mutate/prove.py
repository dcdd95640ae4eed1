"""Proofs that a mutant is equivalent: no input, whatever came before, makes a difference."""

import re
import subprocess
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from hw.command.children import Ended
from hw.command.faults import Fault
from hw.command.files import temporary
from synth.flow import yosys
from verify.mutate.make import module_of
from verify.reachability import abc, gates, search


__all__ = ["PROOFS", "prove"]


_TIMEOUT = 60.0
"""Seconds of a proof; one that takes longer is none."""

PROOFS = {
    "module": "outputs and next states of the module, with all that stands in it, are the same for "
              "all inputs and states (cec)",
    "around": "the same of every module that it stands in (cec)",
    "part": "outputs of the module are the same in every state that can be reached after a reset, "
            "whatever its inputs, those of a stream while it is valid (pdr)",
    "design": "outputs and next states of the whole design are the same, too (cec)",
    "streams": "outputs of the whole design are the same in every state that can be reached after "
               "a reset, those of a stream while it is valid (pdr)",
}
"""Ways of a proof, the quick one first."""

_CUT = ["flatten", "memory_map", "dffunmap", "async2sync", "simplemap t:$dff", "splitnets -ports",
        "opt_clean -purge", "expose -dff -evert-dff", "techmap", "opt -fast -nodffe -nosdff",
        "simplemap", "setundef -undriven -zero", "setundef -zero", "aigmap", "opt_clean"]
"""What makes of a module one without states, in whose place there are ports."""


def prove(gold: str, top: str, mutant: str, ways: Sequence[str] = tuple(PROOFS)) -> str:
    """Return the one of ``ways`` of :data:`PROOFS` by which a mutant is equivalent, or nothing.

    Raises Ended if the command is ended meanwhile: that there is no proof is then not known.
    """
    tried: dict[str, Callable[[Path], bool]] = {
        "module": lambda folder: _same(folder, gold, module_of(mutant), mutant),
        "around": lambda folder: _same_around(folder, gold, module_of(mutant), mutant),
        "part": lambda folder: _alike(folder, gold, module_of(mutant), mutant),
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
    alone, gates_of_gold = _alone(gold, module)
    (folder / "module.il").write_text(alone)
    (folder / "gold.aig").write_bytes(gates_of_gold)
    _cut(folder, module, "gate.aig", f"mutate {mutant}")
    # Ports are matched by name: their order follows names that Yosys makes up as it goes.
    return "Networks are equivalent" in abc(
        f"cec -T {_TIMEOUT:g} -C 1000000 gold.aig gate.aig", folder, 2 * _TIMEOUT)


def _same_around(folder: Path, gold: str, module: str, mutant: str) -> bool:
    """Whether nobody who has the module could tell, nor whoever has them: one step up."""
    modules = re.findall(r"^module \\(\S+)\n(.*?)^end$", gold, re.M | re.S)
    around = [name for name, text in modules
              if re.search(rf"^  cell \\{re.escape(module)} ", text, re.M)]
    return bool(around) and all(_same(folder, gold, name, mutant) for name in around)


def _cut(folder: Path, module: str, written: str, *changes: str) -> None:
    """Gates of ``module.il``, changed or not, with names of their ports."""
    yosys.run(["read_rtlil module.il", *changes, f"hierarchy -top {module}", *_CUT,
               f"write_aiger -symbols {written}"], folder, timeout=_TIMEOUT)


@lru_cache(maxsize=16)
def _alone(gold: str, module: str) -> tuple[str, bytes]:
    """RTLIL of a module with what stands in it, and its gates, kept for its next mutant."""
    with temporary() as folder:
        (folder / "gold.il").write_text(gold)
        yosys.run(["read_rtlil gold.il", f"hierarchy -top {module}", "write_rtlil module.il"],
                  folder, timeout=_TIMEOUT)
        _cut(folder, module, "gold.aig")
        return (folder / "module.il").read_text(), (folder / "gold.aig").read_bytes()


def _alike(folder: Path, gold: str, top: str, mutant: str) -> bool:
    """Whether nobody at the ports can tell the two apart."""
    ports = _ports(gold, top)
    if "rst" not in ports:
        return False
    (folder / "gold.il").write_text(gold)
    (folder / "miter.v").write_text(_miter(ports))
    halves = [command for name, change in (("gold", []), ("gate", [f"mutate {mutant}"]))
              for command in ("read_rtlil gold.il", *change, f"hierarchy -top {top}", "flatten",
                              f"rename {top} {name}", f"design -stash {name}")]
    yosys.run([*halves, "design -copy-from gold -as gold gold",
               "design -copy-from gate -as gate gate", "read_verilog -formal miter.v",
               *gates("claim")], folder, timeout=_TIMEOUT)
    return search(folder, _TIMEOUT) == {0: None}


def _ports(gold: str, top: str) -> dict[str, tuple[str, int]]:
    """Direction and width of every port of a module of RTLIL."""
    module = re.search(rf"^module \\{top}\n(.*?)^end$", gold, re.M | re.S)
    assert module is not None, top
    found = re.findall(r"^  wire (?:width (\d+) )?(?:signed )?(input|output) \d+ "
                       r"(?:signed )?\\(\S+)$", module[1], re.M)
    return {name: (direction, int(width or 1)) for width, direction, name in found}


def _miter(ports: dict[str, tuple[str, int]]) -> str:
    """Both designs with the same inputs; ``broken`` if outputs that count differ."""
    inputs = {name: width for name, (kind, width) in ports.items() if kind == "input"}
    outputs = {name: width for name, (kind, width) in ports.items() if kind == "output"}
    valids = [name for name in outputs if name.endswith("valid")]
    declared = [f"input [{width - 1}:0] \\{name} " for name, width in inputs.items()]
    lines, differ = [f"module claim({', '.join([*declared, 'output broken'])});"], []
    for name, width in outputs.items():
        lines.append(f"wire [{width - 1}:0] gold_{name}, gate_{name};")
        valid = next((one for one in valids if one != name and name.startswith(one[:-5])), None)
        counts = f"gold_{valid} && " if valid else ""
        differ.append(f"({counts}gold_{name} != gate_{name})")
    # The first cycle resets both, whatever their flip-flops hold at power-up.
    joined = {name: "rst || $initstate" if name == "rst" else f"\\{name} " for name in inputs}
    for half in ("gold", "gate"):
        pins = [*(f".\\{name} ({value})" for name, value in joined.items()),
                *(f".\\{name} ({half}_{name})" for name in outputs)]
        lines.append(f"{half} {half}_half({', '.join(pins)});")
    lines.append(f"assign broken = !$initstate && ({' || '.join(differ)});")
    return "\n".join([*lines, "endmodule\n"])

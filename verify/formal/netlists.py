"""That a mapped netlist does what its RTL does: module by module, and register by register."""

import json
import math
import resource
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ClassVar

from hw.command.children import call
from hw.command.faults import Fault
from hw.command.files import temporary
from hw.config import Design
from hw.generate.emit import to_verilog
from hw.generate.tops import make_top
from sim.simulators.cache import cache_directory
from synth.flow import CELLS, Flow, yosys
from synth.library import liberty
from synth.store import Store
from verify.formal.boundary import PRIMITIVES, Bit, Boundary
from verify.formal.counterparts import counterparts


__all__ = ["ENGINE", "Netlist", "decide"]


ENGINE = "cec, unbounded"
"""How a table calls it: ABC's SAT sweeping of what stands between registers.

Products of two variables are left to decision diagrams, as others' structure has nothing in common
with that of the netlist.
"""

_SWEEPING = 10.0
"""Seconds of the processor after which sweeping gives way: what takes longer may be a product."""

_TAKEN_APART = ["read_verilog design.v", "hierarchy -check -top {top}", "proc", "opt_clean",
                "blackbox *_memory_*", "memory_collect", "memory_map", "opt_clean", "dffunmap",
                "techmap", "dffunmap", "aigmap", "opt_clean", "write_json rtl.json"]


@dataclass(frozen=True)
class Netlist:
    """A design and its netlist of the project's own cells.

    Attributes
    ----------
    name : str
        One of :data:`hw.config.DESIGNS`.
    design : Design
        Its parameters.
    """

    name: str
    design: Design

    rules: ClassVar[dict[str, str]] = {
        "follows": "in every module, from equal inputs and equal contents of registers, outputs "
                   "are equal, and what registers take over; registers that became one, or a "
                   "constant, are so after a reset, and stay so"}


def decide(claim: Netlist, program: Path, seconds: float,
           change: Callable[[str], str]) -> dict[str, int | None]:
    """For each rule that is decided in time None where it holds, or else 0.

    Parameters
    ----------
    claim : Netlist
        What is to be decided.
    program : Path
        ABC.
    seconds : float
        Time for every module.
    change : callable
        From the logic of a module of the netlist, as BLIF, to the one that is compared.
    """
    top = f"nm_{claim.name}"
    text = to_verilog(make_top(claim.name, claim.design), top)
    library = liberty.read(CELLS)
    flow = Flow(library, timeout=3600, store=Store(cache_directory() / "modules"))
    mapped, undecided = flow.modules(text, top), False
    with temporary() as folder:
        (folder / "design.v").write_text(text)
        yosys.run([line.format(top=top) for line in _TAKEN_APART], folder, timeout=3600)
        rtl = json.loads((folder / "rtl.json").read_text())["modules"]
        for name, (netlist, _) in mapped.items():
            pair = _Pair(Boundary(rtl[name], PRIMITIVES), Boundary(netlist, library.cells))
            if pair.rtl.gives.keys() != pair.gates.gives.keys():
                return {"follows": 0}
            for one, other in pair.questions():
                (folder / "rtl.blif").write_text(one)
                (folder / "gates.blif").write_text(change(other))
                equal = _equal(folder, program, seconds)
                if equal is False:
                    return {"follows": 0}
                undecided |= equal is None
    return {} if undecided else {"follows": None}


class _Pair:
    """A module of the RTL and the one it was mapped to, each as logic from registers to registers.

    Registers of the RTL that share what stands for them, with others or with a constant, are
    ``shared``.
    """

    def __init__(self, rtl: Boundary, gates: Boundary):
        self.rtl, self.gates, self.same = rtl, gates, counterparts(rtl, gates)
        first: dict[Bit, Bit] = {}
        for net, other in self.same.items():
            first.setdefault(other, net)
        self.shared = [net for net, other in self.same.items()
                       if other not in gates.states or first[other] != net]

    def questions(self) -> Iterator[tuple[str, str]]:
        """Pairs of BLIF that are to be equal: what all gives, and what shared registers start as.

        The second is asked in a reset, and whatever these registers hold.
        """
        rtl, gates, same = self.rtl, self.gates, self.same
        follow = {f"next:{net}": gates.states.get(other, other) for net, other in same.items()}
        yield self._halves(rtl.gives | {f"next:{net}": rtl.states[net] for net in same},
                           gates.gives | follow, same, reset=False)
        if self.shared:
            asked = {f"next:{net}": rtl.states[net] for net in self.shared}
            yield self._halves(asked, {name: follow[name] for name in asked}, {
                net: other for net, other in same.items() if net not in self.shared}, reset=True)

    def _halves(self, of_rtl: Mapping[str, Bit], of_gates: Mapping[str, Bit],
                same: Mapping[Bit, Bit], *, reset: bool) -> tuple[str, str]:
        """Both as BLIF with equal inputs; a register without a counterpart is an input."""
        rtl, gates = self.rtl, self.gates
        names = [*(rtl.given | gates.given), *(f"state:{net}" for net in gates.states)]
        names += [f"lost:{net}" for net in rtl.states if net not in same]
        into_rtl: dict[str, list[Bit]] = {name: [] for name in names}
        into_gates: dict[str, list[Bit]] = {name: [] for name in names}
        fixed: list[dict[Bit, Bit]] = [{}, {}]
        for number, (into, half) in enumerate(((into_rtl, rtl), (into_gates, gates))):
            for name, net in half.given.items():
                if reset and name == "rst:0":
                    fixed[number][net] = "1"
                else:
                    into[name].append(net)
        for net in gates.states:
            into_gates[f"state:{net}"].append(net)
        for net in rtl.states:
            if (other := same.get(net)) is None:
                into_rtl[f"lost:{net}"].append(net)
            elif other in gates.states:
                into_rtl[f"state:{other}"].append(net)
            else:
                fixed[0][net] = other
        return rtl.blif(into_rtl, of_rtl, fixed[0]), gates.blif(into_gates, of_gates, fixed[1])


def _equal(folder: Path, program: Path, seconds: float) -> bool | None:
    """Whether both are; None if it is not decided in time."""
    sweeping = "cec rtl.blif gates.blif", "are equivalent", "are NOT EQUIVALENT"
    diagrams = ("miter rtl.blif gates.blif; collapse -B 1000000; strash; sat", "UNSATISFIABLE",
                "SATISFIABLE")
    for (script, holds, fails), limit in ((sweeping, min(seconds, _SWEEPING)), (diagrams, seconds),
                                          (sweeping, seconds)):
        most = math.ceil(limit), math.ceil(limit) + 1
        done = call([program, "-q", script], cwd=folder,
                    preexec_fn=partial(resource.setrlimit, resource.RLIMIT_CPU, most))
        if holds in done.stdout:
            return True
        if fails in done.stdout:
            return False
        if "different number" in done.stdout:
            raise Fault(f"ABC must compare the netlist, not fail: {done.stdout.strip()[-200:]}")
    return None

"""Combinational properties proved by binary decision diagrams, for counts too large for SAT.

A count of single bits is a function of how many of them are ones, so that its diagram grows with
the square of the bits (Bryant, Graph-based algorithms for Boolean function manipulation, 1986).
Yosys turns a property into gates, and the diagram of every gate is made from those before it.
"""

import json
import os
import subprocess
import sys
from graphlib import TopologicalSorter

from amaranth.back import rtlil


PROGRAM = """
import os
os.dup2(1, 2)
from pyosys import libyosys
libyosys.run_pass("script gates.ys", libyosys.Design())
"""
SCRIPT = """
read_rtlil property.il
hierarchy -top top
proc
flatten -noscopeinfo
opt_merge
techmap
opt_clean
write_json gates.json
"""


class Diagrams:
    """Reduced ordered diagrams that share their nodes: equal functions are the same number.

    0 and 1 are the constants; any other node has a level, and a node for each value of the
    variable of that level.
    """

    def __init__(self):
        self._nodes = [(sys.maxsize, 0, 0), (sys.maxsize, 1, 1)]
        self._known = {}
        self._results = {}

    def node(self, level, low, high):
        if low == high:
            return low
        key = (level, low, high)
        if key not in self._known:
            self._known[key] = len(self._nodes)
            self._nodes.append(key)
        return self._known[key]

    def variable(self, level):
        return self.node(level, 0, 1)

    def ite(self, test, then, other):
        """``then`` where ``test`` is one, ``other`` elsewhere."""
        if test < 2 or then == other:
            return then if test else other
        if (then, other) == (1, 0):
            return test
        key = (test, then, other)
        if key not in self._results:
            a, b, c = self._nodes[test], self._nodes[then], self._nodes[other]
            level = min(a[0], b[0], c[0])
            low, high = (self.ite(a[side] if a[0] == level else test,
                                  b[side] if b[0] == level else then,
                                  c[side] if c[0] == level else other) for side in (1, 2))
            self._results[key] = self.node(level, low, high)
        return self._results[key]

    def path_to_zero(self, node):
        """The levels with the values that lead to 0, from any node but 1."""
        path = {}
        while node:
            level, low, high = self._nodes[node]
            path[level], node = (0, low) if low != 1 else (1, high)
        return path


def _negated(ite, a):
    return ite(a, 0, 1)


GATES = {
    "$_NOT_": _negated,
    "$_AND_": lambda ite, a, b: ite(a, b, 0),
    "$_OR_": lambda ite, a, b: ite(a, 1, b),
    "$_XOR_": lambda ite, a, b: ite(a, _negated(ite, b), b),
    "$_XNOR_": lambda ite, a, b: ite(a, b, _negated(ite, b)),
    "$_MUX_": lambda ite, a, b, s: ite(s, b, a),
}


class Circuit:
    """The gates of a combinational component, and its ports and nets by name."""

    def __init__(self, component, folder):
        (folder / "property.il").write_text(rtlil.convert(component, name="top", emit_src=False))
        (folder / "gates.ys").write_text(SCRIPT)
        subprocess.run([sys.executable, "-c", PROGRAM], cwd=folder, check=True, timeout=300,
                       capture_output=True, env={**os.environ, "TMPDIR": str(folder)})
        top = json.loads((folder / "gates.json").read_text())["modules"]["top"]
        self.nets = {name: net["bits"] for name, net in top["netnames"].items()}
        self._gates = {}
        for cell in top["cells"].values():
            pins = {pin: bits[0] for pin, bits in cell["connections"].items()}
            output = pins.pop("Y")
            self._gates[output] = (GATES[cell["type"]], [pins[pin] for pin in sorted(pins)])

    def evaluate(self, diagrams, given, wanted):
        """The diagram of each of the ``wanted`` bits; ``given`` has those of inputs and of cuts."""
        cone, rest = {}, list(wanted)
        while rest:
            bit = rest.pop()
            if bit not in cone:
                cone[bit] = [] if bit in given else self._gates.get(bit, (None, []))[1]
                rest += cone[bit]
        known = {**given, "0": 0, "1": 1}
        for bit in TopologicalSorter(cone).static_order():
            if bit not in known:
                gate, inputs = self._gates[bit]
                known[bit] = gate(diagrams.ite, *(known[pin] for pin in inputs))
        return [known[bit] for bit in wanted]


def counterexample(component, folder, order, cuts=None, claims=None):
    """Inputs for which the output ``correct`` is zero, or None: it is proved to be one.

    ``order`` lists the inputs in groups. The bits of a group are interleaved: first bit 0 of all
    its inputs. ``cuts`` maps nets that are not computed to the nets that take their place: what is
    proved then holds for all values that these may have. ``claims`` maps nets to others that are
    to be equal to them, in place of ``correct``.
    """
    circuit, diagrams, given, names = Circuit(component, folder), Diagrams(), {}, []
    for group in order:
        columns = [circuit.nets[name] for name in group]
        for k in range(max(map(len, columns))):
            for name, bits in zip(group, columns, strict=True):
                if k < len(bits):
                    given[bits[k]] = diagrams.variable(len(names))
                    names.append(f"{name}[{k}]")
    sources = {net: circuit.evaluate(diagrams, given, circuit.nets[source])
               for net, source in (cuts or {}).items()}
    for net, values in sources.items():
        given |= zip(circuit.nets[net], values, strict=True)
    result = 1
    for net, other in (claims or {"correct": None}).items():
        found = circuit.evaluate(diagrams, given, circuit.nets[net])
        expected = circuit.evaluate(diagrams, given, circuit.nets[other]) if other else [1]
        for bit, equal in zip(found, expected, strict=True):
            result = diagrams.ite(GATES["$_XNOR_"](diagrams.ite, bit, equal), result, 0)
    if result == 1:
        return None
    return {names[level]: value for level, value in diagrams.path_to_zero(result).items()}

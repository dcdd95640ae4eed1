"""Gates of the project's own cells, and the model that they are made from.

It is the RC model behind logical effort (Sutherland, Sproull, Harris, *Logical Effort: Designing
Fast CMOS Circuits*, 1999). Every gate is static CMOS of equal transistors, its PMOS twice as wide
as its NMOS:

* A pin has the capacitance of the unit inverter for every pair of transistors at it.
* A stack of ``k`` transistors has ``k`` times the resistance of one.
* The drains at the output load it: a third of an inverter's input for an NMOS, two for a PMOS.
* A stage takes ``resistance * (drains + load)`` in units of tau, to each edge its own; FO4, the
  delay of an inverter that drives four of its kind, is 5 tau. Inner nodes, and the slope of the
  input, take no time. Gates of several stages add them up.
* The area counts columns of transistors: one for every pair of an NMOS and a PMOS, and one for
  the border of the cell. A two-input NAND has three, which is one gate equivalent.
* An edge takes half of ``C V**2`` for every capacitance that it moves: drains and inner inputs
  inside the cell are its internal power. Nodes between the transistors of a stack have none, and
  no current flows through both transistors at once.
* Of every pair one transistor is off, and leaks through ``OFF`` times the resistance of the unit
  inverter, whatever the state.
* A column is one unit of length wide, a row of cells ``ROW`` units high. A unit of wire has
  ``WIRE`` of the unit inverter's capacitance and resistance.

A cell of drive 2 is two of its kind side by side.
"""

from collections.abc import Iterator
from dataclasses import dataclass


__all__ = ["INV", "OFF", "ROW", "TAU", "WIRE", "Gate", "Stage", "buffer", "edge_delay", "gates",
           "moved"]


TAU = 0.2
"""FO4 per tau."""

ROW = 7
"""Height of a row, in columns: 5.9 in sky130hd, 7.9 in SG13G2."""

WIRE = (0.03, 2e-4)
"""Capacitance and resistance of a column of wire, in those of the unit inverter.

0.034 and 8e-5 in sky130hd, 0.030 and 3.4e-4 in SG13G2, for wires as the placement takes them."""

OFF = 1e6
"""Resistance of a transistor that is off over that of one that is on. 1e7 and more in libraries of
130 nm, 1e4 to 1e5 in those of a few nanometres."""


@dataclass(frozen=True)
class Stage:
    """An inverting stage: longest stacks and drains at the output, of NMOS and of PMOS."""

    n_stack: int
    p_stack: int
    n_drains: int
    p_drains: int
    drive: float = 1

    def delay(self, rise: bool, load: float) -> float:
        """Time to one edge of the output, in tau."""
        return self.resistance(rise) * (self.drains + load)

    @property
    def drains(self) -> float:
        """Capacitance of the drains at the output."""
        return self.drive * (self.n_drains + 2 * self.p_drains) / 3

    def resistance(self, rise: bool) -> float:
        """What pulls to that edge, in resistances of the unit inverter."""
        return (self.p_stack if rise else self.n_stack) / self.drive


INV = Stage(1, 1, 1, 1)
NAND = {n: Stage(n, 1, 1, n) for n in (2, 3, 4)}
NOR = {n: Stage(1, n, n, 1) for n in (2, 3, 4)}
AOI21, OAI21 = Stage(2, 2, 2, 1), Stage(2, 2, 1, 2)
AOI22 = OAI22 = MAJORITY = Stage(2, 2, 2, 2)
AOI211, OAI211 = Stage(2, 3, 3, 1), Stage(3, 2, 1, 3)
AOI222, OAI222 = Stage(2, 3, 3, 2), Stage(3, 2, 2, 3)


@dataclass(frozen=True)
class Gate:
    """A cell.

    ``pins`` gives for every input its pairs of transistors and the stages from it to the output;
    ``columns`` are all pairs. ``both`` are inputs of which either edge can cause either edge.
    """

    name: str
    function: str
    pins: dict[str, tuple[float, tuple[Stage, ...]]]
    columns: int
    both: str = ""
    drives: tuple[int, ...] = (1, 2)


def simple(name: str, function: str, stage: Stage, **pairs: int) -> Gate:
    """One stage; ``pairs`` are the transistor pairs of each input."""
    return Gate(name, function, {pin: (count, (stage,)) for pin, count in pairs.items()},
                sum(pairs.values()))


def then_inverter(gate: Gate, name: str, function: str) -> Gate:
    """Append an inverter to a gate."""
    pins = {pin: (pairs, (*stages, INV)) for pin, (pairs, stages) in gate.pins.items()}
    return Gate(name, function, pins, gate.columns + 1, gate.both, gate.drives)


def gates() -> Iterator[Gate]:
    """Every gate but buffers."""
    yield Gate("INV", "!A", {"A": (1, (INV,))}, 1, drives=(1, 2, 4, 8))
    for n in (2, 3, 4):
        names = "ABCD"[:n]
        for kind, stage, sign in (("AND", NAND[n], "&"), ("OR", NOR[n], "|")):
            gate = simple(f"N{kind}{n}", f"!({sign.join(names)})", stage, **dict.fromkeys(names, 1))
            yield gate
            yield then_inverter(gate, f"{kind}{n}", sign.join(names))
    for name, function, stage in (
            ("AOI21", "!((A&B)|C)", AOI21), ("OAI21", "!((A|B)&C)", OAI21),
            ("AOI22", "!((A&B)|(C&D))", AOI22), ("OAI22", "!((A|B)&(C|D))", OAI22),
            ("AOI211", "!((A&B)|C|D)", AOI211), ("OAI211", "!((A|B)&C&D)", OAI211),
            ("AOI222", "!((A&B)|(C&D)|(E&F))", AOI222), ("OAI222", "!((A|B)&(C|D)&(E|F))", OAI222)):
        yield simple(name, function, stage, **{pin: 1 for pin in "ABCDEF" if pin in function})
    # The mirror carry gate: A in series with B or C, beside B in series with C.
    majority = simple("MAJI3", "!((A&(B|C))|(B&C))", MAJORITY, A=1, B=2, C=2)
    yield majority
    yield then_inverter(majority, "MAJ3", "(A&(B|C))|(B&C)")
    # NOR and AOI21, NAND and OAI21: the first one drives pin C of the second.
    for name, function, first, second in (("XOR2", "A^B", NOR[2], AOI21),
                                          ("XNOR2", "!(A^B)", NAND[2], OAI21)):
        yield Gate(name, function, dict.fromkeys("AB", (2, (first, second))), 5, "AB")
    multiplexer = Gate("MUXI2", "!((A&!S)|(B&S))", {"A": (1, (AOI22,)), "B": (1, (AOI22,)),
                                                    "S": (2, (INV, AOI22))}, 5, "S")
    yield multiplexer
    yield then_inverter(multiplexer, "MUX2", "(A&!S)|(B&S)")


def buffer(drive: int) -> Gate:
    """An inverter that drives one up to four times as wide."""
    first = max(1, drive // 4)
    stages = (Stage(1, 1, 1, 1, first), Stage(1, 1, 1, 1, drive))
    return Gate(f"BUF_X{drive}", "A", {"A": (first, stages)}, first + drive)


def edge_delay(stages: tuple[Stage, ...], rise: bool) -> float:
    """Delay of a chain to one edge of its output, without load, in tau."""
    total, load = 0.0, 0.0
    for stage in reversed(stages):
        total += stage.delay(rise, load)
        load, rise = stage.drive, not rise
    return total


def moved(stages: tuple[Stage, ...]) -> float:
    """Capacitance inside a cell that an edge moves on its way through these stages."""
    return sum(stage.drains for stage in stages) + sum(stage.drive for stage in stages[1:])

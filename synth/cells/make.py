"""Writes ``nmforge.lib``: ``python -m synth.cells.make``.

The library follows the RC model behind logical effort (Sutherland, Sproull, Harris, *Logical
Effort: Designing Fast CMOS Circuits*, 1999). Every gate is static CMOS of equal transistors, its
PMOS twice as wide as its NMOS:

* A pin has the capacitance of the unit inverter for every pair of transistors at it.
* A stack of ``k`` transistors has ``k`` times the resistance of one.
* The drains at the output load it: a third of an inverter's input for an NMOS, two for a PMOS.
* A stage takes ``resistance * (drains + load)`` in units of tau, to each edge its own; FO4, the
  delay of an inverter that drives four of its kind, is 5 tau. Inner nodes, and the slope of the
  input, take no time. Gates of several stages add them up.
* The area counts columns of transistors: one for every pair of an NMOS and a PMOS, and one for
  the border of the cell. A two-input NAND has three, which is one gate equivalent.

A cell of drive 2 is two of its kind side by side.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hw.command.files import write_all
from hw.command.kinds import folder
from hw.command.parser import Arguments, Parser
from hw.command.run import run


TAU = 0.2
"""FO4 per tau."""

LOADS = (0.0, 32.0, 64.0)
"""Loads of the delay tables, in input capacitances of the unit inverter. Linear between."""

SLOPES = (0.0, 5.0, 10.0)
"""Slopes of the delay tables, in FO4. Delays are the same at all of them.

Two points would do; ABC's ``map`` takes the point at a third of a table as typical, and none at 0.
"""


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
        return self.resistance(rise) * (self.drive * (self.n_drains + 2 * self.p_drains) / 3 + load)

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


def table(name: str, at_no_load: float, per_load: float) -> str:
    """One linear table, the same for all slopes."""
    row = ", ".join(f"{at_no_load + per_load * load:.5f}" for load in LOADS)
    rows = ", ".join([f'"{row}"'] * len(SLOPES))
    return f"        {name} (linear) {{ values ({rows}); }}"


def arc(pin: str, kind: str, sense: str, stages: tuple[Stage, ...], drive: float,
        extra: float = 0.0) -> Iterator[str]:
    """Delay from ``pin`` to the output. The slope is twice the RC of the last stage."""
    yield f'      timing () {{ related_pin : "{pin}"; timing_type : {kind};'
    yield f"        timing_sense : {sense};"
    for edge, rise in (("rise", True), ("fall", False)):
        resistance = TAU * stages[-1].resistance(rise) / drive
        slope = 2 * TAU * stages[-1].delay(rise, 0)
        yield table(f"cell_{edge}", TAU * edge_delay(stages, rise) + extra, resistance)
        yield table(f"{edge}_transition", slope, 2 * resistance)
    yield "      }"


def cell(name: str, gate: Gate, drive: int) -> str:
    """One combinational cell."""
    lines = [f"  cell ({name}) {{", f"    area : {(drive * gate.columns + 1) / 3:.4f};"]
    for pin, (pairs, _) in gate.pins.items():
        lines.append(f"    pin ({pin}) {{ direction : input; capacitance : {drive * pairs:g}; }}")
    lines += [f'    pin (Y) {{ direction : output; function : "{gate.function}";',
              f"      max_capacitance : {LOADS[-1]:g};"]
    for pin, (_, stages) in gate.pins.items():
        sense = "negative_unate" if len(stages) % 2 else "positive_unate"
        lines += arc(pin, "combinational", "non_unate" if pin in gate.both else sense, stages,
                     drive)
    return "\n".join([*lines, "    }", "  }"])


def flip_flop() -> str:
    """Positive-edge D flip-flop of transmission gates, with an output inverter.

    Its 15 columns are 13 pairs (clock 2, master 5, slave 5, output 1) and two breaks of the
    diffusion. Set-up and clock-to-output together are near 3 FO4, the usual budget.
    """
    ones = ", ".join(['"1, 1, 1"'] * len(SLOPES))
    setup = [f"        {edge}_constraint (constraint) {{ values ({ones}); }}"
             for edge in ("rise", "fall")]
    return "\n".join([
        "  cell (DFF_X1) {", f"    area : {16 / 3:.4f};",
        '    ff (IQ, IQN) { clocked_on : "C"; next_state : "D"; }',
        "    pin (C) { direction : input; clock : true; capacitance : 1; }",
        "    pin (D) { direction : input; capacitance : 1;",
        '      timing () { related_pin : "C"; timing_type : setup_rising;', *setup, "      }",
        "    }",
        '    pin (Q) { direction : output; function : "IQ";',
        f"      max_capacitance : {LOADS[-1]:g};",
        *arc("C", "rising_edge", "non_unate", (INV,), 1, extra=1.0), "    }", "  }"])


def library() -> str:
    """The whole library as Liberty text."""
    slopes, loads = (", ".join(f"{end:g}" for end in ends) for ends in (SLOPES, LOADS))
    head = f"""\
/* Cells of nmforge, for reports without a PDK. Written by synth/cells/make.py.
   Areas are gate equivalents. One "ns" stands for one FO4, the delay of an inverter that drives
   four of its kind; one "ff" stands for the input capacitance of the smallest inverter. */
library (nmforge) {{
  define (time_unit_name, library, string);
  define (area_unit_name, library, string);
  time_unit_name : "FO4";
  area_unit_name : "GE";
  delay_model : table_lookup;
  time_unit : "1ns";
  voltage_unit : "1V";
  current_unit : "1mA";
  capacitive_load_unit (1, ff);
  default_max_transition : 100;
  lu_table_template (linear) {{
    variable_1 : input_net_transition;
    variable_2 : total_output_net_capacitance;
    index_1 ("{slopes}");
    index_2 ("{loads}");
  }}
  lu_table_template (constraint) {{
    variable_1 : related_pin_transition;
    variable_2 : constrained_pin_transition;
    index_1 ("{slopes}");
    index_2 ("{slopes}");
  }}
"""
    cells = [cell(f"{gate.name}_X{drive}", gate, drive) for gate in gates()
             for drive in gate.drives]
    cells += [cell(gate.name, gate, 1) for gate in map(buffer, (1, 2, 4, 8))]
    return head + "\n".join([*cells, flip_flop()]) + "\n}\n"


def _parser() -> Parser:
    parser = Parser("python -m synth.cells.make",
                    "Write the project's own cell library. The files that the reports use are in "
                    "synth/cells; to replace them, name that folder.")
    parser.option("-o", "--output", kind=folder(), default="build/cells",
                  help="directory for nmforge.lib")
    return parser


def _make(arguments: Arguments) -> None:
    for path in write_all(arguments.output, {"nmforge.lib": library()}):
        print(path)


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _make, argv)


if __name__ == "__main__":
    main()

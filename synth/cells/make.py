"""Writes ``nmforge.lib`` and ``nmforge.lef``: ``python -m synth.cells.make``."""

from collections.abc import Iterator, Sequence

from hw.command.files import write_all
from hw.command.kinds import folder
from hw.command.parser import Arguments, Parser
from hw.command.run import run
from synth.cells.gates import (
    INV,
    OFF,
    ROW,
    TAU,
    WIRE,
    Gate,
    Stage,
    buffer,
    edge_delay,
    gates,
    moved,
)


__all__ = ["lef", "library"]


LOADS = (0.0, 32.0, 64.0)
"""Loads of the delay tables, in input capacitances of the unit inverter. Linear between."""

SLOPES = (0.0, 5.0, 10.0)
"""Slopes of the delay tables, in FO4. Delays are the same at all of them.

Two points would do; ABC's ``map`` takes the point at a third of a table as typical, and none at 0.
"""


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


def energy(capacitance: float, **attributes: str) -> str:
    """What either edge takes, in ``C V**2`` of the unit inverter."""
    head = "".join(f' {name} : "{value}";' for name, value in attributes.items())
    tables = " ".join(f'{edge}_power (scalar) {{ values ("{capacitance / 2:.5f}"); }}'
                      for edge in ("rise", "fall"))
    return f"      internal_power () {{{head} {tables} }}"


def leakage(columns: float) -> str:
    """Leakage of all pairs of a cell, in ``C V**2`` for each FO4."""
    return f"    cell_leakage_power : {columns / (TAU * OFF):.3e};"


def cell(name: str, gate: Gate, drive: int) -> str:
    """One combinational cell.

    An inverter behind a pin moves with the pin, whether the output follows or not.
    """
    lines = [f"  cell ({name}) {{", f"    area : {(drive * gate.columns + 1) / 3:.4f};",
             leakage(drive * gate.columns)]
    inverted = {pin for pin, (_, stages) in gate.pins.items() if pin in gate.both
                and stages[0] == INV}
    for pin, (pairs, stages) in gate.pins.items():
        head = f"    pin ({pin}) {{ direction : input; capacitance : {drive * pairs:g};"
        own = drive * (stages[0].drains + stages[1].drive) if pin in inverted else 0
        lines += [head, energy(own), "    }"] if own else [f"{head} }}"]
    lines += [f'    pin (Y) {{ direction : output; function : "{gate.function}";',
              f"      max_capacitance : {LOADS[-1]:g};"]
    for pin, (_, stages) in gate.pins.items():
        sense = "negative_unate" if len(stages) % 2 else "positive_unate"
        lines += arc(pin, "combinational", "non_unate" if pin in gate.both else sense, stages,
                     drive)
        lines.append(energy(drive * moved(stages[1:] if pin in inverted else stages),
                            related_pin=pin))
    return "\n".join([*lines, "    }", "  }"])


def flip_flop() -> str:
    """Positive-edge D flip-flop of transmission gates, with an output inverter.

    Its 15 columns are 13 pairs (clock 2, master 5, slave 5, output 1) and two breaks of the
    diffusion. Set-up and clock-to-output together are near 3 FO4, the usual budget.

    Two clock inverters drive the four transmission gates, each phase two pairs, with the second
    inverter at the first: 4 and 3 with their drains. A latch has two inner nodes, each with the
    input of an inverter, the drains of another, and those of its transmission gates: 6 together.
    The master follows its input while the clock is low, the slave with the output.
    """
    ones = ", ".join(['"1, 1, 1"'] * len(SLOPES))
    setup = [f"        {edge}_constraint (constraint) {{ values ({ones}); }}"
             for edge in ("rise", "fall")]
    return "\n".join([
        "  cell (DFF_X1) {", f"    area : {16 / 3:.4f};", leakage(13),
        '    ff (IQ, IQN) { clocked_on : "C"; next_state : "D"; }',
        "    pin (C) { direction : input; clock : true; capacitance : 1;", energy(7), "    }",
        "    pin (D) { direction : input; capacitance : 1;",
        energy(6, when="!C"),
        '      timing () { related_pin : "C"; timing_type : setup_rising;', *setup, "      }",
        "    }",
        '    pin (Q) { direction : output; function : "IQ";',
        f"      max_capacitance : {LOADS[-1]:g};",
        *arc("C", "rising_edge", "non_unate", (INV,), 1, extra=1.0),
        energy(6 + INV.drains, related_pin="C"), "    }", "  }"])


def library() -> str:
    """The whole library as Liberty text."""
    slopes, loads = (", ".join(f"{end:g}" for end in ends) for ends in (SLOPES, LOADS))
    head = f"""\
/* Cells of nmforge, for reports without a PDK. Written by synth/cells/make.py.
   Areas are gate equivalents. One "ns" stands for one FO4, the delay of an inverter that drives
   four of its kind; one "ff" stands for the input capacitance of the smallest inverter, and one
   volt is the supply: energies are in C V2 of that capacitance. */
library (nmforge) {{
  define (time_unit_name, library, string);
  define (area_unit_name, library, string);
  define (energy_unit_name, library, string);
  time_unit_name : "FO4";
  area_unit_name : "GE";
  energy_unit_name : "CV2";
  delay_model : table_lookup;
  time_unit : "1ns";
  voltage_unit : "1V";
  current_unit : "1mA";
  capacitive_load_unit (1, ff);
  leakage_power_unit : "1uW";
  nom_voltage : 1;
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
    cells = [cell(*sized) for sized in combinational()]
    return head + "\n".join([*cells, flip_flop()]) + "\n}\n"


def combinational() -> Iterator[tuple[str, Gate, int]]:
    """Name, gate and drive of every combinational cell. A buffer's stages hold its drive."""
    for gate in gates():
        yield from ((f"{gate.name}_X{drive}", gate, drive) for drive in gate.drives)
    yield from ((gate.name, gate, 1) for gate in map(buffer, (1, 2, 4, 8)))


def macro(name: str, columns: float) -> str:
    """Size of a cell in LEF; its pins stand in its middle."""
    return f"""\
MACRO {name}
  CLASS CORE ;
  SIZE {columns + 1:g} BY {ROW} ;
  SITE column ;
END {name}"""


def lef() -> str:
    """Sizes of all cells and the figures of a wire, as LEF text."""
    capacitance, resistance = WIRE
    head = f"""\
# Sizes of the cells of nmforge, and their wires. Written by synth/cells/make.py.
# One micrometre stands for a column of transistors, one femtofarad for the input capacitance of the
# smallest inverter, one nanosecond for an FO4.
VERSION 5.7 ;
SITE column
  CLASS CORE ;
  SIZE 1 BY {ROW} ;
END column
LAYER wire
  TYPE ROUTING ;
  WIDTH 1 ;
  CAPACITANCE CPERSQDIST {capacitance / 1000:g} ;
  RESISTANCE RPERSQ {resistance * TAU * 1e6:g} ;
END wire
"""
    cells = [macro(name, drive * gate.columns) for name, gate, drive in combinational()]
    return head + "\n".join([*cells, macro("DFF_X1", 15), "END LIBRARY"]) + "\n"


def _parser() -> Parser:
    parser = Parser("python -m synth.cells.make",
                    "Write the project's own cell library and the sizes of its cells. The files "
                    "that the reports use are in synth/cells; to replace them, name that folder.")
    parser.option("-o", "--output", kind=folder(), default="build/cells",
                  help="directory for nmforge.lib and nmforge.lef")
    return parser


def _make(arguments: Arguments) -> None:
    contents: dict[str, str | bytes] = {"nmforge.lib": library(), "nmforge.lef": lef()}
    for path in write_all(arguments.output, contents):
        print(path)


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _make, argv)


if __name__ == "__main__":
    main()

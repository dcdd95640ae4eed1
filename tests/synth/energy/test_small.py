"""Energies that can be computed by hand, on the project's own cells."""

import numpy as np
import pytest

from synth.energy.account import account
from synth.energy.circuit import Circuit
from synth.energy.events import simulate
from synth.flow import CELLS, Flow
from synth.flow.gates import Gate, Gates
from synth.library import liberty
from synth.library.power import Power
from synth.placement.placed import timed


PORT = 4
"""Load of an output, in inverters."""

LEAK = 1 / (0.2 * 1e6)
"""Of a pair of transistors in an FO4."""


@pytest.fixture(scope="module")
def flow():
    return Flow(liberty.read(CELLS))


def run(gates, flow, period=100.0, late=None, **bits):
    """Simulate the bits of one-bit inputs; edges and energy."""
    circuit = Circuit(gates, flow.library)
    values = circuit.settle({name: np.array(column)[:, None] for name, column in bits.items()})
    timing, power = timed(gates, flow), Power(flow.tables)
    edges = simulate(circuit, values[:-1], values[1:], timing, power, late)
    return edges, account(circuit, values[:-1], values[1:], edges, timing, power,
                          period)


def inverters(count):
    gates = [Gate(f"i{k}", "INV_X1", "nm_x_stage", {"A": 2 + k, "Y": 3 + k}) for k in range(count)]
    return Gates(gates, {"a": [2]}, {"y": [2 + count]}, {}, 3 + count)


def pulse(late=0):
    """NAND of a and its complement, which has ``late`` more inverters as a load."""
    extra = [Gate(f"l{k}", "INV_X1", "top", {"A": 3, "Y": 5 + k}) for k in range(late)]
    return Gates([Gate("i", "INV_X1", "top", {"A": 2, "Y": 3}),
                  Gate("n", "NAND2_X1", "top", {"A": 2, "B": 3, "Y": 4}), *extra],
                 {"a": [2]}, {"y": [4]}, {}, 5 + late)


def test_chain_of_inverters(flow):
    # Three edges of a in four cycles. An inverter has drains of 1 and an input of 1.
    edges, energy = run(inverters(2), flow, a=[0, 1, 1, 0, 1])
    assert edges.toggles.tolist() == edges.settled.tolist() == [0, 0, 3, 3, 3]
    assert energy.load * 4 == pytest.approx(3 * (1 + 1 + PORT) / 2)
    assert energy.internal * 4 == pytest.approx(3 * (1 + 1) / 2)
    assert energy.leakage == pytest.approx(2 * LEAK * 100)
    assert energy.settled == pytest.approx(energy.total)
    assert energy.parts["inputs"] == pytest.approx((3 * 0.5 / 4, 0))
    assert sum(whole for whole, _ in energy.parts.values()) == pytest.approx(energy.total)


def test_last_edge_comes_after_the_delays_of_the_chain(flow):
    edges, _ = run(inverters(2), flow, a=[0, 1])
    # The input has what its load adds to its driver, 0.2; then 0.2 * (1 + load) each.
    assert edges.last[2:] == pytest.approx([0.2, 0.2 + 0.4, 0.2 + 0.4 + 1.0])


def test_pulse_of_a_nand_is_a_glitch(flow):
    # a rises: the NAND falls after 0.4 * (5/3 + 4) = 2.27 FO4, and would rise again when the
    # inverter has fallen. With 20 loads more that takes 0.2 * (1 + 21) = 4.4: a glitch.
    edges, energy = run(pulse(late=20), flow, a=[0, 1, 0, 1])
    assert (edges.toggles[4], edges.settled[4]) == (4, 0)
    glitch = 4 * (PORT / 2 + (5 / 3) / 2)
    assert energy.total - energy.settled == pytest.approx(glitch / 3, abs=1e-4)
    # Falling, a holds the output up before its complement arrives: no glitch there.
    falling, _ = run(pulse(late=20), flow, a=[1, 0])
    assert falling.toggles[4] == 0


def test_pulse_shorter_than_the_delay_of_the_gate_is_none(flow):
    # The inverter alone takes 0.2 * (1 + 1) = 0.4.
    edges, energy = run(pulse(), flow, a=[0, 1, 0, 1])
    assert edges.toggles[4] == 0
    assert energy.settled == pytest.approx(energy.total)


def test_input_that_comes_late_glitches(flow):
    gates = Gates([Gate("n", "NAND2_X1", "top", {"A": 2, "B": 3, "Y": 4})],
                  {"a": [2], "b": [3]}, {"y": [4]}, {}, 5)
    together, _ = run(gates, flow, a=[0, 1], b=[1, 0])
    late, _ = run(gates, flow, late=np.array([0, 0, 0, 5.0, 0]), a=[0, 1], b=[1, 0])
    assert (together.toggles[4], late.toggles[4]) == (0, 2)


def test_flip_flop_with_its_clock(flow):
    gates = Gates([Gate("f", "DFF_X1", "top", {"C": 2, "D": 3, "Q": 4})],
                  {"c": [2], "d": [3]}, {"q": [4]}, {}, 5)
    edges, energy = run(gates, flow, d=[0, 1, 1, 0, 0])
    # q follows a cycle later: it rises and falls once, as d does.
    assert edges.toggles[3:].tolist() == [2, 2]
    clock = 4 * 2 * (1 + 7) / 2
    data = 2 * (1 / 2 + 6 / 2 / 2)  # the master follows half of the time
    output = 2 * (PORT + 6 + 1) / 2
    assert (energy.load + energy.internal) * 4 == pytest.approx(clock + data + output)
    assert energy.parts.keys() == {"registers and clock", "inputs"}


def test_select_of_a_multiplexer_moves_its_inverter(flow):
    gates = Gates([Gate("m", "MUX2_X1", "top", {"A": 2, "B": 3, "S": 4, "Y": 5})],
                  {"a": [2], "b": [3], "s": [4]}, {"y": [5]}, {}, 6)
    edges, energy = run(gates, flow, a=[1, 1], b=[1, 1], s=[0, 1])
    assert edges.toggles[5] == 0
    assert energy.internal == pytest.approx(1.0)
    assert energy.load == pytest.approx(2 / 2)


LIBRARY = """library (small) {
  time_unit : "1ns"; voltage_unit : "1V"; capacitive_load_unit (1, pf); nom_voltage : 2;
  leakage_power_unit : "1nW";
  lu_table_template (d) { variable_1 : input_net_transition;
    variable_2 : total_output_net_capacitance; index_1 ("0, 1"); index_2 ("0, 1"); }
  power_lut_template (p) { variable_1 : input_transition_time;
    variable_2 : total_output_net_capacitance; index_1 ("0, 1"); index_2 ("0, 1"); }
  cell (INV) { area : 1; cell_leakage_power : 9;
    leakage_power () { when : "A"; value : 3; } leakage_power () { when : "!A"; value : 5; }
    pin (A) { direction : input; capacitance : 0.5;
      internal_power () { when : "!A"; rise_power (scalar) { values ("0.25"); } }
      internal_power () { rise_power (scalar) { values ("0.75"); } } }
    pin (Y) { direction : output; function : "!A";
      internal_power () { related_pin : "A";
        rise_power (p) { values ("1, 5", "1, 5"); }
        fall_power (p) { values ("-2, -4", "-2, -4"); } }
      timing () { related_pin : "A"; timing_sense : negative_unate;
        cell_rise (d) { values ("1, 2", "1, 2"); } cell_fall (d) { values ("1, 2", "1, 2"); }
        rise_transition (d) { values ("0, 0", "0, 0"); }
        fall_transition (d) { values ("0, 0", "0, 0"); } } } }
  cell (ND) { area : 1; pin (A) { direction : input; } pin (B) { direction : input; }
    pin (Y) { direction : output; function : "!(A&B)"; } }
  cell (BF) { area : 1; pin (A) { direction : input; }
    pin (Y) { direction : output; function : "A"; timing () { related_pin : "A";
        timing_sense : positive_unate;
        cell_rise (d) { values ("0, 0", "0, 0"); } cell_fall (d) { values ("0, 0", "0, 0"); }
        rise_transition (d) { values ("0, 0", "0, 0"); }
        fall_transition (d) { values ("0, 0", "0, 0"); } } } }
}"""


def test_tables_of_a_library_in_its_units():
    flow = Flow(liberty.Library(LIBRARY))
    gates = Gates([Gate("i", "INV", "top", {"A": 2, "Y": 3})], {"a": [2]}, {"y": [3]}, {}, 4)
    _, energy = run(gates, flow, period=10.0, a=[0, 1, 0, 1, 1])
    # The output drives four inverters, 2 pF: rising 1 + 4 * 2, falling -2 - 2 * 2, once and twice.
    output = 9 + 2 * -6
    # The input rises twice; it is high at the end of three of the four cycles.
    hidden = 2 * (0.25 * 0.25 + 0.75 * 0.75)
    assert energy.internal * 4 == pytest.approx(output + hidden)
    assert energy.load * 4 == pytest.approx(3 * (0.5 + 2) * 2 ** 2 / 2)
    # 3 or 5 nW for 10 ns, in pF times V².
    assert energy.leakage == pytest.approx((3 * 3 + 5) / 4 * 1e-9 * 10e-9 / 1e-12)
    assert Power(flow.tables).unit == ("pJ", 1.0)


def test_one_table_of_power_stands_for_both_edges():
    text = LIBRARY.replace('fall_power (p) { values ("-2, -4", "-2, -4"); }', "")
    flow = Flow(liberty.Library(text.replace("rise_power (p)", "power (p)")))
    gates = Gates([Gate("i", "INV", "top", {"A": 2, "Y": 3})], {"a": [2]}, {"y": [3]}, {}, 4)
    _, energy = run(gates, flow, period=10.0, a=[0, 1, 0, 1, 1])
    # Three edges of the output, 1 + 4 * 2 each; the input rises twice.
    assert energy.internal * 4 == pytest.approx(3 * 9 + 2 * (0.25 * 0.25 + 0.75 * 0.75))


@pytest.mark.parametrize(("given", "leakage"), [
    ("cell_leakage_power : 9;", 9.0), ("", 7.0),
    ("leakage_power () { value : 6; }", 6.0),
    ("cell_leakage_power : 9; leakage_power () { value : 6; }", 9.0)])
def test_leakage_of_states_that_are_not_named(given, leakage):
    text = LIBRARY.replace("cell_leakage_power : 9;", given).replace(
        "nom_voltage", "default_cell_leakage_power : 7; nom_voltage")
    power = Power(Flow(liberty.Library(text)).tables).cell("INV")
    assert (power.at_rest, power.leakage) == (leakage, [("A", 3.0), ("!A", 5.0)])


def test_power_of_ground_pins_is_not_counted():
    ground = 'related_pg_pin : "VSS";'
    text = LIBRARY.replace("cell_leakage_power : 9;", f"""
      pg_pin (VDD) {{ pg_type : primary_power; }} pg_pin (VSS) {{ pg_type : primary_ground; }}
      leakage_power () {{ {ground} when : "A"; value : 0; }}
      leakage_power () {{ {ground} value : 0; }} leakage_power () {{ value : 9; }}""").replace(
        'internal_power () { related_pin : "A";', f"""
        internal_power () {{ related_pin : "A"; {ground} rise_power (scalar) {{ values ("0"); }} }}
        internal_power () {{ related_pin : "A"; related_pg_pin : VDD;""")
    assert text.count("VSS") == 4
    found, plain = (Power(Flow(liberty.Library(given)).tables).cell("INV")
                    for given in (text, LIBRARY))
    assert found == plain


def test_another_unit_of_voltage_is_refused():
    flow = Flow(liberty.Library(LIBRARY.replace('"1V"', '"1mV"')))
    with pytest.raises(ValueError, match=r"^liberty must have a voltage_unit of 1V .*, not '1mV'$"):
        Power(flow.tables)


def test_library_without_a_voltage_is_named():
    flow = Flow(liberty.Library(LIBRARY.replace("nom_voltage : 2;", "")))
    with pytest.raises(ValueError, match=r"^liberty must name the voltage of its supply"):
        Power(flow.tables)


def latch(text):
    return liberty.Library(LIBRARY.replace("  cell (ND)", f"""
  cell (SEQ) {{ area : 1; {text}
    pin (D) {{ direction : input; }} pin (C) {{ direction : input; }}
    pin (R) {{ direction : input; }} pin (Q) {{ direction : output; function : "IQ"; }} }}
  cell (ND)"""))


@pytest.mark.parametrize(("text", "reset", "message"), [
    ('latch (IQ, IQN) { data_in : "D"; enable : "C"; }', 1, "design must hold no latches, not SEQ"),
    ('ff (IQ, IQN) { clocked_on : "!C"; next_state : "D"; }', 1,
     "design must use rising edges alone, not those of SEQ"),
    ('ff (IQ, IQN) { clocked_on : "C"; next_state : "D"; clear : "!R"; }', 4,
     "design must hold no flip-flop with a clear, not SEQ"),
    ('ff (IQ, IQN) { clocked_on : "C"; next_state : "D"; clear : "!R"; }', 0,
     "design must hold no flip-flop with a clear, not SEQ"),
])
def test_state_that_is_not_understood_is_refused(text, reset, message):
    gates = Gates([Gate("f", "SEQ", "top", {"C": 2, "D": 3, "R": reset, "Q": 5})],
                  {"c": [2], "d": [3], "r": [4]}, {"q": [5]}, {}, 6)
    with pytest.raises(ValueError, match=f"^{message}$"):
        Circuit(gates, latch(text))


def test_clear_that_is_tied_off_is_none():
    gates = Gates([Gate("f", "SEQ", "top", {"C": 2, "D": 3, "R": 1, "Q": 4})],
                  {"c": [2], "d": [3]}, {"q": [4]}, {}, 5)
    circuit = Circuit(gates, latch(
        'ff (IQ, IQN) { clocked_on : "C"; next_state : "D"; clear : "!R"; }'))
    values = circuit.settle({"d": np.array([[1], [0], [1]])})
    assert circuit.read(values, "q") == [0, 1, 0]


def test_second_output_is_the_complement_of_the_first():
    library = latch('ff ("IQ","IQN") { clocked_on : "C"; next_state : "D*!R"; } '
                    'pin (N) { direction : output; function : "IQN"; }')
    gates = Gates([Gate("f", "SEQ", "top", {"C": 2, "D": 3, "R": 4, "Q": 5, "N": 6})],
                  {"c": [2], "d": [3], "r": [4]}, {"q": [5], "n": [6]}, {}, 7)
    circuit = Circuit(gates, library)
    values = circuit.settle({"d": np.array([[1], [1], [0], [0]]),
                             "r": np.array([[0], [1], [0], [0]])})
    assert circuit.read(values, "q") == [0, 1, 0, 0]
    assert circuit.read(values, "n")[1:] == [0, 1, 1]


@pytest.mark.parametrize("output", ["Q", "N"])
def test_flip_flop_with_an_enable_holds(output):
    library = latch('ff (IQ, IQN) { clocked_on : "C"; next_state : "(R&D)|(!R&IQ)"; } '
                    'pin (N) { direction : output; function : "IQN"; }')
    gates = Gates([Gate("f", "SEQ", "top", {"C": 2, "D": 3, "R": 4, output: 5})],
                  {"c": [2], "d": [3], "r": [4]}, {"q": [5]}, {}, 6)
    circuit = Circuit(gates, library)
    values = circuit.settle({"d": np.array([[1], [0], [0], [1]]),
                             "r": np.array([[1], [0], [1], [1]])})
    assert circuit.read(values, "q")[1:] == ([1, 1, 0] if output == "Q" else [0, 0, 1])


def test_clock_from_a_gate_is_refused(flow):
    gates = Gates([Gate("i", "INV_X1", "top", {"A": 2, "Y": 3}),
                   Gate("f", "DFF_X1", "top", {"C": 3, "D": 2, "Q": 4})],
                  {"a": [2]}, {"q": [4]}, {}, 5)
    with pytest.raises(ValueError, match=r"^clock must come from an input of the design"):
        Circuit(gates, flow.library)

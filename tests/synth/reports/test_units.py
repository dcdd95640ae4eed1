"""Units of reports, whatever those of a library are, and what energies need of it."""

from dataclasses import replace

import pytest

from hw.config import Design, Pattern
from synth.energy.measure import Settings, measure
from synth.energy.operands import make
from synth.flow import CELLS, Flow
from synth.library.liberty import Library
from synth.placement import lef
from synth.reports import selectors


NS, PS = (Library(CELLS.read_text().replace('time_unit : "1ns"', f'time_unit : "1{unit}"').replace(
    'time_unit_name : "FO4";', "")) for unit in ("ns", "ps"))
"""The same figures, as ns and as ps."""


def test_selectors_are_measured_in_ns(monkeypatch):
    monkeypatch.setattr(selectors, "SELECTORS", ("rank",))
    slow, fast = (selectors.measure([Pattern(2, 4)], Flow(library))[0]["delay_ns"]
                  for library in (NS, PS))
    assert fast == pytest.approx(slow / 1000, abs=6e-4) != 0


def test_path_has_the_unit_of_the_delay():
    text = "module top(input a, input b, output y); assign y = a ^ b; endmodule"
    slow, fast = (Flow(library).run([(text, "top")])[0] for library in (NS, PS))
    assert slow.path.delay == pytest.approx(slow.delay, abs=1e-4)
    assert fast.path.delay == pytest.approx(slow.path.delay / 1000)
    assert fast.delay == pytest.approx(slow.delay / 1000, abs=1e-4)


def test_placed_delays_and_late_ports_are_in_ns():
    cells = lef.read(lef.files(CELLS, None))
    cells.layers = {name: replace(wire, resistance=0) for name, wire in cells.layers.items()}
    slow, fast = (measure("pe", Design(Pattern(2, 2)), Flow(library), Settings(
        cells, make("uniform", 1), cycles=20, late={"weights": late}))
        for library, late in ((NS, 30.0), (PS, 0.03)))
    assert fast.delay == pytest.approx(slow.delay / 1000)
    assert fast.placed_delay.mean == pytest.approx(slow.placed_delay.mean / 1000, rel=0.02)
    # Half of it are glitches of the weights that come late; ticks of time are coarser here.
    assert fast.total.mean == pytest.approx(slow.total.mean, rel=0.04)


def test_a_library_without_powers_is_refused_before_anything_is_mapped():
    flow = Flow(Library(CELLS.read_text().replace("nom_voltage : 1;", "")))
    flow.modules = lambda *_: pytest.fail("mapped")
    with pytest.raises(ValueError, match=r"^liberty must name the voltage of its supply"):
        measure("pe", Design(Pattern(2, 2)), flow, Settings(
            lef.read(lef.files(CELLS, None)), make("uniform", 1)))

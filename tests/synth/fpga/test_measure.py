"""What is synthesised, what it takes, and what a failure becomes."""

from dataclasses import replace

import pytest

from hw.config import Design, Pattern
from hw.gather.gather import SelectDecoder
from hw.generate.emit import to_verilog
from hw.stream.memory import Memory
from synth.fpga import targets
from synth.fpga.harness import harness
from synth.fpga.measure import Measured, Row, Settings, measure, synthesised
from synth.fpga.report import as_csv, as_json, notes, table
from synth.fpga.route import RouteError, device
from synth.fpga.targets import TARGETS, Used


ROW = Row("pe", Design(Pattern(2, 2), multiplier="dsp"), "ecp5", route=True)


def test_a_failed_synthesis_is_a_row_with_its_reason(monkeypatch, capsys):
    broken = replace(TARGETS["ecp5"], synthesis="nonsense")
    monkeypatch.setitem(targets.TARGETS, "ecp5", broken)
    rows = list(measure([ROW], Settings()))
    assert rows == [Measured("pe", ROW.design, "ecp5", True, reason=rows[0].reason)]
    assert rows[0].reason.startswith("Yosys failed: ERROR: No such command: nonsense")
    assert notes(rows) == [f"ecp5 2:2 pe: {rows[0].reason}"]
    table(rows, Settings()).print()
    assert "failed" in capsys.readouterr().out
    assert '"stage": "failed"' in as_json(rows, Settings())
    assert as_csv(rows).splitlines()[1].endswith(f"failed,{rows[0].reason}")


def test_a_synthesis_that_takes_too_long_is_a_row_with_its_reason():
    (row,) = measure([ROW], Settings(timeout=0.01))
    assert row.reason == "Yosys did not end within 0.01 s"


@pytest.mark.parametrize(("luts", "dsps", "rams", "expected"), [
    (100, 28, 56, "25k"), (100, 29, 0, "45k"), (17_000, 0, 0, "25k"), (17_100, 0, 0, "45k"),
    (100, 156, 0, "85k"), (100, 0, 57, "45k"), (100, 0, 208, "85k")])
def test_the_smallest_device_is_taken(luts, dsps, rams, expected):
    around = harness("nm_pe", {"a": {"direction": "input", "bits": [2]},
                               "b": {"direction": "output", "bits": [3]}})
    assert device(Used(luts - around.luts, 0, dsps, rams), around) == expected


def test_what_no_device_holds_is_said():
    around = harness("nm_pe", {"b": {"direction": "output", "bits": [3]},
                               "a": {"direction": "input", "bits": [2]}})
    with pytest.raises(RouteError, match=r"^LFE5U-85F is too small for 102 tables or "
                                         r"flip-flops, 157 multipliers and 2 block RAMs$"):
        device(Used(10, 100, 157, 2), around)


@pytest.mark.parametrize(("target", "rams", "flip_flops"), [("ecp5", 18, 1), ("xc7", 9, 0)])
def test_a_buffer_becomes_block_memories(target, rams, flip_flops):
    """No flip-flop for a read in the cycle of a write; one says which half is read on ECP5."""
    cells, _ = synthesised(to_verilog(Memory(80, 4096), "memory"), "memory", target, Settings())
    used = TARGETS[target].used(cells)
    assert (used.rams, used.flip_flops, used.dsps) == (rams, flip_flops, 0)
    assert used.luts <= 2 * 80


def test_a_decoder_of_many_selects_is_mapped():
    """Names such as ``selects[0]`` beside ``selects`` would end it."""
    text = to_verilog(SelectDecoder(Pattern(8, 16)), "decoder")
    cells, _ = synthesised(text, "decoder", "ecp5", Settings())
    assert TARGETS["ecp5"].used(cells).luts > 72


def test_harness_takes_what_it_says():
    """Alone around two gates: the tables and flip-flops that are subtracted."""
    ports = {"clk": {"direction": "input", "bits": [2]},
             "a": {"direction": "input", "bits": [3, 4, 5]},
             "b": {"direction": "output", "bits": [6, 7, 8, 9]}}
    around = harness("inner", ports)
    inner = """
module inner(input clk, input [2:0] a, output [3:0] b);
  assign b = {a, a[0]};
endmodule
"""
    cells, _ = synthesised(inner + around.text, "nm_harness", "ecp5", Settings())
    used = TARGETS["ecp5"].used(cells)
    assert (used.luts, used.flip_flops) == (around.luts, around.flip_flops) == (3, 7)

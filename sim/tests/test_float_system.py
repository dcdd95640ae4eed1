"""Layers in floats out of a memory with latency and limited bandwidth, by the driver in C."""

import pytest
import torch

from sim.runs.float_program import run_float_program
from sim.runs.system import Memory
from sim.system import main
from sim.tests.float_memories import FLOAT_BUS_DESIGNS
from sim.tests.test_float_accelerator import TENSOR, operands, rounded, same
from sw.driver.floats import FloatLayer, float_linear


pytestmark = pytest.mark.usefixtures("wheel")


def test_a_narrow_memory_takes_longer_and_moves_as_much():
    design, bias = FLOAT_BUS_DESIGNS["nvfp4"], torch.arange(-3, 3).bfloat16()
    x, weight = operands(design, 5, 30, 6)
    layer = FloatLayer(x, weight, bias, True, **TENSOR)
    fast, slow = (run_float_program(design, Memory(9, bandwidth), layer)
                  for bandwidth in (0.0, 1.0))
    expected, _ = float_linear(x, rounded(weight, design), design, bias, True, **TENSOR)
    assert same(fast.y, expected)
    assert same(slow.y, expected)
    assert slow.moved == fast.moved
    assert slow.cycles > sum(slow.moved.values()) > fast.cycles
    assert slow.steps == fast.steps


@pytest.mark.long
def test_a_feed_forward_layer_runs_out_of_a_memory(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    with pytest.raises(SystemExit) as caught:
        main(["Hi.", "--patterns", "4:8", "--formats", "fp8_e4m3", "--rows", "2", "--columns", "2"])
    assert caught.value.code == 0
    rows = [[cell.strip() for cell in line.split("│")[1:-1]]
            for line in capsys.readouterr().out.splitlines() if line.startswith("│ fp8_e4m3")]
    assert [row[1:4] for row in rows] == [["4:8", name, "yes"] for name in ("up", "down")]
    # 1,536 by 384 weights of a byte, for one batch; tokens of 16 bits, as results.
    assert {int(row[8]) for row in rows} == {1536 * 384}
    assert int(rows[0][10]) == int(rows[1][7]) == 4 * int(rows[0][7])

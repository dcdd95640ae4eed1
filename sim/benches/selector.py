"""Bench of the selector, which is combinational."""

import cocotb
from cocotb.triggers import Timer

from sim.benches import load, words


VECTORS = load()


@cocotb.test(timeout_time=200, timeout_unit="us")
async def mask_keeps_the_largest_scores(dut):
    """Every mask is the reference's: larger scores first, ties to the lower index."""
    for scores, mask in zip(words(VECTORS["scores"]), words(VECTORS["masks"]), strict=True):
        dut.scores.value = scores
        await Timer(1, unit="ns")
        seen = dut.mask.value.to_unsigned()
        assert seen == mask, f"scores {scores:#x} give the mask {seen:#x}, expected {mask:#x}"

"""Bench of the selector, which is combinational."""

import cocotb
from cocotb.triggers import Timer

from sim.benches import load, words


VECTORS = load()


@cocotb.test(timeout_time=200, timeout_unit="us")
async def mask_keeps_the_largest_scores(dut):
    """Every mask is the reference's: larger scores first, ties to the lower index."""
    asked = VECTORS.get("n", [None] * len(VECTORS["scores"]))
    for scores, mask, n in zip(words(VECTORS["scores"]), words(VECTORS["masks"]), asked,
                               strict=True):
        dut.scores.value = scores
        if n is not None:
            dut.n.value = int(n)
        await Timer(1, unit="ns")
        seen = dut.mask.value.to_unsigned()
        assert seen == mask, f"scores {scores:#x} give the mask {seen:#x}, expected {mask:#x}"

"""Bench of the selector, which is combinational."""

import cocotb
from cocotb.triggers import Timer

from sim.benches import load, words


VECTORS = load()


@cocotb.test(timeout_time=200, timeout_unit="us")
async def mask_keeps_the_largest_scores(dut):
    """Every mask is the reference's: larger scores first, ties to the lower index."""
    asked = {name: VECTORS[name] for name in ("n", "size") if name in VECTORS}
    for k, (scores, mask) in enumerate(zip(words(VECTORS["scores"]), words(VECTORS["masks"]),
                                           strict=True)):
        dut.scores.value = scores
        for name, values in asked.items():
            getattr(dut, name).value = int(values[k])
        await Timer(1, unit="ns")
        seen = dut.mask.value.to_unsigned()
        assert seen == mask, f"scores {scores:#x} give the mask {seen:#x}, expected {mask:#x}"

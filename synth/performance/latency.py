"""Cycles that the parts of an accelerator take, from its parameters alone.

The components say the same of themselves; tests hold the two together.
"""

from dataclasses import dataclass

from hw.config import Design


__all__ = ["EPILOGUE", "Latencies", "gain", "latencies"]


_QUOTIENT = 34
"""Bits of the quotient of a gain: ``hw.epilogue.variance.QUOTIENT``."""

EPILOGUE = 11
"""Cycles from a row's last column to its corrected row: ``hw.epilogue.epilogue.Epilogue``."""


@dataclass(frozen=True)
class Latencies:
    """Cycles of an accelerator's parts.

    Attributes
    ----------
    compressor : int
        From a block to its first step in the buffer; of a token's first block, without what a
        dynamic shift holds it back for.
    interval : int
        From one block to the next in the compressor.
    array : int
        From a group's last step to its first row at the end of the queue of the results.
    spacing : int
        From the end of one group to the end of the next, at least.
    row : int
        From one row of results to the next, where it is corrected.
    """

    compressor: int
    interval: int
    array: int
    spacing: int
    row: int

    def token_interval(self, design: Design, blocks: int, steps: int) -> int:
        """From one token of so many blocks to the next, each block in ``steps`` steps."""
        cycles = blocks * max(self.interval, steps)
        if design.shift == "median":
            searches = design.number.bits // 2
            return max(cycles, (searches + 1) * blocks + searches)
        if design.shift == "mean":
            return max(cycles, design.number.bits + 2)
        return cycles

    def held_back(self, design: Design, blocks: int) -> int:
        """For how long a dynamic shift holds back a job's first token."""
        if design.shift == "median":
            searches = design.number.bits // 2
            return 2 + searches * (blocks + 1)
        return blocks + design.number.bits + 1 if design.shift == "mean" else 0


def latencies(design: Design) -> Latencies:
    """Those of an accelerator of this design.

    Raises
    ------
    ValueError
        If it multiplies in DSP blocks, or floats: their cycles are not known here.
    """
    if design.multiplier != "digits":
        raise ValueError("multiplier must be digits for cycles of an accelerator, not "
                         f"{design.multiplier!r}")
    if not design.number.integer:
        raise ValueError("format must be an integer for cycles of an accelerator, not "
                         f"{design.format!r}")
    select, interval = _select(design)
    scored = design.channel_bits > 0 or design.shift != "none"
    compress = (select + (1 if design.flexible == "none" else 2) + scored
                + (design.channel_bits > 0) + design.statistics)
    skew = design.row_tiles + design.column_tiles - 2
    # To the buffer and out of it, through the array, through the queue.
    return Latencies(compress, interval, 2 + 3 + skew + 2, design.rows + skew,
                     design.row_steps)


def gain(design: Design, blocks: int, sum_bits: int | None = None) -> int:
    """Cycles of a token's gain: ``hw.epilogue.variance.Gain``.

    Products take as many cycles as a factor has bits: two times the number of features, and the
    sums of all and of the kept values, which are taken for those of values without a mean and with
    a deviation of 64 where ``sum_bits``, of both together, are not given.
    """
    features = blocks * design.pattern.m
    if sum_bits is None:
        sum_bits = 2 * (6 + features.bit_length() // 2)
    return 2 * features.bit_length() + sum_bits + 4 + _QUOTIENT + _QUOTIENT // 2 + 3


def _select(design: Design) -> tuple[int, int]:
    """Latency and interval of the selector."""
    if design.flexible == "none" and design.pattern.dense:
        return 1, 1
    if design.selector == "serial":
        cycles = design.score_width + (design.pattern.m - 1).bit_length() + 1
        return cycles, cycles
    return max(1, design.stages), 1

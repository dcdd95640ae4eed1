"""Runs of elements as bursts."""

import random

import pytest

from hw.bus.bursts import Bursts
from hw.config import Design, Pattern
from tests.hw.streams import drain, feed, simulate


PAGE = 4096


def design(width, burst):
    return Design(Pattern(2, 4), bus="axi4", bus_width=width, burst=burst, max_k=64)


@pytest.mark.parametrize(("width", "burst", "size"), [
    (64, 16, 2), (64, 256, 64), (64, 4, 24), (128, 16, 144),
    (128, 1, 16), (128, 8, 4), (512, 256, 32), (512, 4, 1024),
])
def test_bursts_cover_a_run_and_stay_inside_their_region(width, burst, size):
    """Beats one after the other from the first byte to the last; none crosses 4 KiB."""
    chance = random.Random(f"{width} {burst} {size}")
    dut, beat = Bursts(design(width, burst), size), width // 8
    runs, expected = [], []
    for _ in range(25):
        unit = min(size, beat)
        address = unit * chance.randrange(0, 3 * PAGE // unit)
        elements = chance.choice([1, 2, 3, chance.randint(1, 200)])
        runs.append({"address": address, "elements": elements, "last": 0})
        word, end = address // beat, -(-(address + elements * size) // beat)
        longest = min(burst, PAGE // beat)
        while word < end:
            stop = min(end, (word // longest + 1) * longest)
            expected.append((word, stop - word))
            assert word * beat // PAGE == (stop * beat - 1) // PAGE
            word = stop
    seen = []
    simulate(dut, feed(dut.i, runs, stall=0.2),
             drain(dut.o, len(expected), seen, stall=0.3,
                   read=lambda burst: (burst.word, burst.beats)))
    assert seen == expected

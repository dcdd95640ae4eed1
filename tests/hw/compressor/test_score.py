"""The shift in front of the score."""

import pytest

from hw.compressor.score import ScoreStage
from hw.config import Design, Pattern
from tests.hw.streams import drain, feed, simulate


@pytest.mark.parametrize(("name", "half"), [("int4", 8), ("int8", 128)])
def test_the_difference_saturates_at_both_ends(name, half):
    dut = ScoreStage(Design(Pattern(1, 2), shift="channel", format=name))
    values = range(-half, half) if half == 8 else (-128, -127, -64, -1, 0, 1, 63, 126, 127)
    pairs = [(x, y) for x in values for y in values]
    received = []
    simulate(dut, feed(dut.i, [{"values": [x, y], "shifts": [y, x], "last": 0} for x, y in pairs]),
             drain(dut.o, len(pairs), received,
                   read=lambda block: (list(block["values"]), list(block["scores"]))))

    def z(x, y):
        return min(max(x - y, -half), half - 1)

    assert received == [([z(x, y), z(y, x)], [abs(z(x, y)), abs(z(y, x))]) for x, y in pairs]

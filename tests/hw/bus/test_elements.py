"""Elements in words: what the packer puts there, and the unpacker takes out of it."""

import random

import pytest

from hw.bus.packer import Packer
from hw.bus.unpacker import Unpacker
from hw.config import Design, Pattern
from tests.hw.streams import drain, feed, simulate


DESIGN = Design(Pattern(2, 4), bus="axi4", bus_width=64, max_k=64)
BEAT = DESIGN.bus_bytes


def runs_of(size, chance):
    """Runs that begin anywhere in a word, and the bytes of their elements."""
    unit, runs = min(size, BEAT), []
    for _ in range(20):
        runs.append({"place": unit * chance.randrange(0, BEAT // unit),
                     "elements": chance.randint(1, 9), "last": chance.randint(0, 1)})
    return runs, [[chance.randbytes(size) for _ in range(run["elements"])] for run in runs]


def words_of(run, elements, size, fill):
    """Words that hold a run, and which of their bytes are the run's."""
    first = run["place"]
    count = -(-(first + len(elements) * size) // BEAT)
    image, used = bytearray(fill(count * BEAT)), [0] * (count * BEAT)
    image[first:first + len(elements) * size] = b"".join(elements)
    used[first:first + len(elements) * size] = [1] * (len(elements) * size)
    return [(image[k:k + BEAT], used[k:k + BEAT]) for k in range(0, count * BEAT, BEAT)]


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize("size", [1, 4, 8, 24, 32])
def test_the_unpacker_drops_what_is_around_a_run(size, stall):
    chance = random.Random(f"unpacker {size}")
    dut = Unpacker(DESIGN, size)
    runs, elements = runs_of(size, chance)
    words = [int.from_bytes(word, "little") for run, own in zip(runs, elements, strict=True)
             for word, _ in words_of(run, own, size, chance.randbytes)]
    expected = [(int.from_bytes(one, "little"), run["last"] & (k == len(own) - 1))
                for run, own in zip(runs, elements, strict=True) for k, one in enumerate(own)]
    seen = []
    simulate(dut, feed(dut.runs, runs), feed(dut.words, words, stall=stall),
             drain(dut.o, len(expected), seen, stall=stall,
                   read=lambda element: (element.data, element.last)))
    assert seen == expected


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize("size", [1, 4, 8, 32])
def test_the_packer_writes_a_run_and_nothing_else(size, stall):
    chance = random.Random(f"packer {size}")
    dut = Packer(DESIGN, size)
    runs, elements = runs_of(size, chance)
    expected = [word for run, own in zip(runs, elements, strict=True)
                for word in words_of(run, own, size, bytes)]
    given = [{"data": int.from_bytes(one, "little"), "last": 0} for own in elements for one in own]
    seen = []

    def read(word):
        strobe = [word.strobe >> k & 1 for k in range(BEAT)]
        data = word.data.to_bytes(BEAT, "little")
        return bytearray(byte * used for byte, used in zip(data, strobe, strict=True)), strobe

    simulate(dut, feed(dut.runs, runs), feed(dut.i, given, stall=stall),
             drain(dut.o, len(expected), seen, stall=stall, read=read))
    assert seen == expected

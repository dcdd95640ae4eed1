"""Memories out of macros: the least area of what each way allows."""

import pytest

from synth.memories.compose import MEETS, WAYS, Cells, Wanted, compose
from synth.memories.model import fit
from synth.memories.table import Macro


CELLS = Cells(flip_flop=5.0, nand=1.0)


def table(ports, scale=1.0):
    return [Macro(ports, words, bits, scale * (900 + words + 20 * bits + words * bits / 4),
                  1 + bits + words / 64, 2 + bits, words * bits)
            for words in (64, 256, 1024) for bits in (8, 16, 64)]


ONE, TWO = fit(table(1)), fit(table(2, 1.8))


@pytest.mark.parametrize(("meets", "way"), [
    ("never", "one port"), ("halves", "two banks"), ("streams", "double words"),
    ("anywhere", "two ports")])
def test_single_ports_serve_where_reads_and_writes_can_be_kept_apart(meets, way):
    wanted = Wanted(1024, 32, meets)
    assert compose(wanted, ONE | TWO, CELLS).way == way
    if meets == "anywhere":
        assert compose(wanted, ONE, CELLS).way == "registers"
    assert compose(wanted, TWO, CELLS).way == "two ports"


def test_sizes_and_figures_of_each_way():
    def area(words, bits):
        return 900 + words + 20 * bits + words * bits / 4

    never = compose(Wanted(1024, 32, "never"), ONE, CELLS)
    assert (never.macros, never.words, never.bits) == (1, 1024, 32)
    assert never.area == pytest.approx(area(1024, 32))
    assert (never.read_pj, never.write_pj) == (pytest.approx(49), pytest.approx(34, rel=.01))

    halves = compose(Wanted(1024, 32, "halves"), ONE, CELLS)
    assert (halves.macros, halves.words, halves.bits) == (2, 512, 32)
    assert halves.area == pytest.approx(2 * area(512, 32) + 32 * 3)
    assert halves.read_pj == pytest.approx(1 + 32 + 8)
    assert halves.leakage_nw == pytest.approx(1024 * 32, rel=0.01)

    double = compose(Wanted(1024, 32, "streams"), ONE, CELLS)
    assert (double.macros, double.words, double.bits) == (1, 512, 64)
    assert double.area == pytest.approx(area(512, 64) + 3 * 32 * (5 + 3))
    assert double.read_pj == pytest.approx((1 + 64 + 8) / 2), "one access for two words"


def test_large_memories_are_dealt_out_to_banks_and_slices():
    found = compose(Wanted(5000, 150, "never"), ONE, CELLS)
    banks, slices = -(-5000 // found.words), -(-150 // found.bits)
    assert found.macros == 8 * slices
    assert banks == 8
    assert 64 <= found.words <= 1024
    assert 8 <= found.bits <= 64
    assert banks * found.words >= 5000
    assert slices * found.bits >= 150
    assert found.read_pj == pytest.approx(slices * ONE[1].read(found.words, found.bits))


def test_small_memories_are_registers_and_the_crossover_is_where_areas_are_equal():
    small, large = (compose(Wanted(words, 8), TWO, CELLS) for words in (4, 256))
    assert (small.way, small.macros, small.read_pj) == ("registers", 0, None)
    assert large.way == "two ports"
    areas = [compose(Wanted(words, 8), TWO, CELLS).area for words in range(4, 300)]
    assert areas == sorted(areas), "never larger by being smaller"


def test_more_is_never_smaller():
    for meets in MEETS:
        areas = [compose(Wanted(words, 24, meets), ONE | TWO, CELLS).area
                 for words in (16, 64, 250, 256, 1000, 1024, 2048, 5000)]
        assert areas == sorted(areas)


def test_names():
    assert str(compose(Wanted(4, 8), TWO, CELLS)) == "4x8 registers"
    assert str(compose(Wanted(1024, 32, "halves"), ONE, CELLS)) == "2 x 512x32, two banks"
    assert len(set(WAYS)) == 5
    with pytest.raises(ValueError, match=r"^meets must be one of never, halves, streams, anywhere, "
                                         r"not 'often'$"):
        Wanted(4, 8, "often")

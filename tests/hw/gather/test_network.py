"""Gather networks: no two values meet, and nothing stands in them that no mask can use."""

from itertools import combinations, pairwise
from math import prod

import pytest

from hw.config import GATHERS, Pattern
from hw.gather.network import Network, make_network


SMALL = [Pattern(n, m) for m in range(2, 9) for n in range(1, m)]
PAPER = [Pattern(n, 2 * n) for n in (2, 4, 8, 16)]


@pytest.mark.parametrize("gather", GATHERS)
@pytest.mark.parametrize("pattern", SMALL, ids=str)
def test_values_never_meet_and_every_crosspoint_is_used(pattern, gather):
    network = make_network(gather, pattern)
    used = set()
    for kept in combinations(range(pattern.m), pattern.n):
        paths = [network.path(lane, position - lane) for lane, position in enumerate(kept)]
        assert [path[0] for path in paths] == list(kept)
        assert [path[-1] for path in paths] == list(range(pattern.n))
        for stage, places in enumerate(zip(*paths, strict=True)):
            assert len(set(places)) == pattern.n, f"two values at a place after stage {stage}"
        used |= {(stage, place, source) for path in paths
                 for stage, (source, place) in enumerate(pairwise(path))}
    assert used == {(stage, node.place, source) for stage, nodes in enumerate(network.stages)
                    for node in nodes for source in node.sources}


@pytest.mark.parametrize("gather", GATHERS)
@pytest.mark.parametrize("pattern", [*PAPER, Pattern(1, 64), Pattern(63, 64)], ids=str)
def test_radices_cover_the_span(pattern, gather):
    network = make_network(gather, pattern)
    assert prod(network.radices) >= pattern.span
    assert network.selects == len(list(network.crosspoints()))
    assert [node.place for node in network.stages[-1]] == list(range(pattern.n))


@pytest.mark.parametrize(("pattern", "radices", "nodes"), [
    ("2:4", (3,), [2]),
    ("4:8", (3, 2), [7, 4]),
    ("8:16", (3, 3), [14, 8]),
    ("16:32", (3, 2, 3), [31, 28, 16]),
])
def test_smallest_networks_of_the_paper_s_patterns(pattern, radices, nodes):
    network = make_network("auto", Pattern.parse(pattern))
    assert network.radices == radices
    assert [len(stage) for stage in network.stages] == nodes


def test_window_selects_every_position_of_every_lane():
    network = make_network("window", Pattern(2, 4))
    assert list(network.crosspoints()) == [(0, 0, 0), (0, 0, 1), (0, 0, 2),
                                           (0, 1, 1), (0, 1, 2), (0, 1, 3)]


def test_no_network_is_cheaper_than_auto():
    for pattern in PAPER:
        best = make_network("auto", pattern).cost
        assert best <= min(make_network(gather, pattern).cost for gather in GATHERS)
        assert best <= Network(pattern, (3, -(-pattern.span // 3))).cost


def test_unknown_gather_is_refused():
    with pytest.raises(ValueError, match=r"^gather must be one of auto, window, butterfly, "
                                         r"not 'crossbar'$"):
        make_network("crossbar", Pattern(2, 4))

"""Parameters that meet in no other bench: every two of a compressor's and of a decompressor's."""

import pytest

from hw.config import ENCODINGS, SELECTORS, SHIFTS, Design, Pattern
from hw.formats import FORMATS
from sim.runs.soak.streams import soak


pytestmark = [pytest.mark.long, pytest.mark.usefixtures("wheel")]

SMALL = [Pattern.parse(text) for text in ("2:4", "1:4", "3:4", "3:7", "4:8", "8:8")]


def turn(values, *steps):
    """One of the values: the next one with each step."""
    return values[sum(steps) % len(values)]


SHIFTED = [Design(pattern, shift=shift, selector=turn(SELECTORS, i, j),
                  encoding=turn(ENCODINGS, i, j // 2), format="int4" if pattern.m == 7 else "int8",
                  max_k=12 * pattern.m)
           for i, pattern in enumerate(SMALL) for j, shift in enumerate(SHIFTS[1:])]
"""Every shift with every small pattern, selector and encoding."""

FORMATTED = [Design(turn(SMALL, i, j), format=name, selector=selector,
                    encoding=turn(ENCODINGS, i, j), max_k=12 * turn(SMALL, i, j).m)
             for i, name in enumerate(FORMATS) for j, selector in enumerate(SELECTORS[1:])]
"""Every format with every selector, and with every encoding."""

WIDE = {Pattern(16, 32): {"scalar": "index"}, Pattern(1, 64): {"scalar": "rank", "mean": "index"}}
"""Patterns of long blocks, and the shifts that come with other metadata than bitmasks."""

LONG = [*(Design(pattern, shift=shift, selector="serial", encoding=others.get(shift, "bitmask"),
                 max_k=12 * pattern.m)
          for pattern, others in WIDE.items() for shift in SHIFTS[1:]),
        *(Design(pattern, selector="network", max_k=12 * pattern.m) for pattern in WIDE),
        *(Design(Pattern.parse(text), encoding=encoding, max_k=48)
          for text, encoding in (("2:4", "rank"), ("3:4", "index"), ("8:8", "index")))]
"""Every shift and metadata with long blocks, and metadata that small ones have nowhere else."""

PACKED = [*(Design(Pattern(3, 4), format=name, encoding=encoding, max_k=48)
            for name in FORMATS for encoding in ENCODINGS[1:]),
          *(Design(pattern, encoding=encoding, max_k=12 * pattern.m)
            for pattern in SMALL if str(pattern) != "3:4" for encoding in ENCODINGS[1:]),
          *(Design(pattern, encoding=encoding, max_k=12 * pattern.m)
            for pattern, others in WIDE.items() for encoding in others.values())]
"""Every metadata with every format and pattern, but for rank, which 16:32 has in other tests."""


@pytest.mark.parametrize("design", [*SHIFTED, *FORMATTED, *LONG],
                         ids=lambda design: f"{design.pattern} {design.options}")
def test_compressor_of_pairs(design):
    soak("compressor", design, 600)


@pytest.mark.parametrize("design", PACKED, ids=lambda design: f"{design.pattern} {design.options}")
def test_decompressor_of_pairs(design):
    soak("decompressor", design, 600)

"""Patterns as text: of hardware, and of the layers of a model."""

import re
from math import comb

from hypothesis import strategies as st

from hw.config import Pattern
from sw.methods.method import by_layer, parse_pattern
from verify.fuzz.damage import NUMBERS, PIECES, damaged
from verify.fuzz.target import Target, outcome


__all__ = ["TARGET"]


_PART = st.one_of(st.integers(-1, 70).map(str), st.sampled_from((*NUMBERS, *PIECES)), st.text())
_CASES = st.one_of(
    st.builds("{}:{}".format, _PART, _PART), st.builds("unstructured-{}".format, _PART),
    damaged("*.down_proj=16:32+model.layers.0=unstructured-70+*=8:16"), st.text())


def _check(text: str) -> str:
    """Only ``N:M`` in decimal digits of ASCII, within the range, is a pattern."""
    def read() -> None:
        pattern = Pattern.parse(text)
        assert re.fullmatch("[0-9]+:[0-9]+", text), pattern
        assert 1 <= pattern.n <= pattern.m <= 64
        assert Pattern.parse(str(pattern)) == pattern
        assert pattern.masks == comb(pattern.m, pattern.n) <= 1 << pattern.rank_bits

    def read_one() -> None:
        found = parse_pattern(text)
        assert text.isascii()
        assert isinstance(found, Pattern) or 0 <= found <= 99

    def read_all() -> None:
        for name, pattern in by_layer(text).items():
            assert name
            parse_pattern(pattern)

    taken = outcome(read)
    assert outcome(read_one) == taken or text.startswith("unstructured-")
    return outcome(read_all)


TARGET = Target("patterns", "N:M, unstructured-P and patterns of layers", _CASES, _check)

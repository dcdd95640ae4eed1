"""Shapes of layers on an accelerator, through the driver, against plain integers."""

from functools import cache
from typing import Any

import torch
from hypothesis import strategies as st

from hw.config import Design, Pattern
from hw.fixed_point import Output
from sw.driver.linear import Corrections, run_linear
from sw.driver.reference import ReferenceAccelerator
from verify.fuzz.target import REFUSED, TAKEN, Target, outcome


__all__ = ["TARGET"]


_DESIGNS = (
    Design(Pattern(2, 4), rows=2, columns=2, max_k=16, batch_tokens=4),
    Design(Pattern(2, 4), rows=3, columns=3, max_k=8, batch_tokens=5, epilogue_lanes=0),
    Design(Pattern(4, 8), rows=1, columns=4, max_k=24, batch_tokens=1, shift="scalar"),
    Design(Pattern(3, 7), rows=2, columns=1, max_k=21, packets="job"),
    Design(Pattern(4, 4), rows=2, columns=2, max_k=12),
    Design(Pattern(2, 8), rows=2, columns=2, max_k=32, flexible="all"),
)
_COUNTS = st.integers(0, 9)
_FEATURES = st.one_of(st.integers(0, 70), st.integers(0, 9))
_ASKED = st.one_of(st.none(), st.tuples(st.integers(1, 9), st.integers(2, 9)))
_CASES = st.tuples(st.integers(0, len(_DESIGNS) - 1), _COUNTS, _COUNTS, _FEATURES, _ASKED,
                   st.one_of(st.integers(-3, 3), st.integers(-130, 130)),
                   st.sampled_from((Output.RAW, Output.CORRECTED)), st.integers(0, 99))


@cache
def _accelerator(number: int) -> ReferenceAccelerator:
    return ReferenceAccelerator(_DESIGNS[number])


def _pruned(x: list[int], pattern: Pattern) -> list[int]:
    """The larger magnitudes of every block, the lower index first among equal ones."""
    kept: set[int] = set()
    for start in range(0, len(x), pattern.m):
        block = range(start, min(start + pattern.m, len(x)))
        kept |= set(sorted(block, key=lambda k: -abs(x[k]))[:pattern.n])
    return [value if k in kept else 0 for k, value in enumerate(x)]


def _check(case: tuple) -> str:
    """Results are those of plain Python; what does not fit is refused, and the next job goes on."""
    number, tokens, outputs, features, asked, shift, output, seed = case
    backend = _accelerator(number)
    generator = torch.Generator().manual_seed(seed)
    x, weight = (torch.randint(-128, 128, (count, features), dtype=torch.int8, generator=generator)
                 for count in (tokens, outputs))
    pattern = Pattern(*asked) if asked and asked[0] <= asked[1] else None
    corrections = Corrections(output if backend.design.epilogue_lanes else Output.RAW,
                              static_shift=shift if backend.design.shift == "scalar" else 0)
    found: list[Any] = []
    if outcome(lambda: found.append(
            run_linear(backend, x, weight, corrections, pattern))) == REFUSED:
        return REFUSED
    y, _ = found[0]
    assert y.shape == (tokens, outputs)
    used = pattern or backend.design.pattern
    for token, row in zip(x.tolist(), y.tolist(), strict=True):
        shifted = [max(-128, min(127, value - corrections.static_shift)) for value in token]
        kept = _pruned(shifted, used)
        assert row == [sum(a * w for a, w in zip(kept, line, strict=True))
                       for line in weight.tolist()]
    return TAKEN


TARGET = Target("driver", "layers of any shape and pattern on small accelerators", _CASES, _check)

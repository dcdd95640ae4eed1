"""Parameters of designs, each in and out of its range."""

from dataclasses import Field, replace
from typing import Any

from hypothesis import strategies as st

from hw.config import DESIGNS, Design, Pattern
from hw.config.parameter import ARRAYS
from verify.fuzz.target import REFUSED, TAKEN, Target, outcome


__all__ = ["TARGET"]


_WRONG: st.SearchStrategy[Any] = st.sampled_from((
    None, True, False, -1, 0, 1, 1 << 70, 1.0, float("nan"), "", "rank", "8", (), [], {}))


def _values(described: Field) -> st.SearchStrategy[Any]:
    limits = described.metadata
    if limits["choices"]:
        right: st.SearchStrategy[Any] = st.sampled_from(limits["choices"])
    elif type(described.default) is bool:
        right = st.booleans()
    else:
        low, high = limits["low"], limits["high"]
        right = st.sampled_from((low - 1, low, low + 1, low + 7, high, high + 1))
    # Mostly right, or nothing would ever be taken.
    return st.integers(0, 15).flatmap(lambda dice: right if dice else _WRONG)


_NAMED = {described.name: _values(described) for described in Design.parameters()}
_CASES = st.tuples(
    st.integers(1, 64), st.integers(1, 64), st.sampled_from(DESIGNS),
    st.sets(st.sampled_from(sorted(_NAMED)), max_size=4).flatmap(
        lambda names: st.fixed_dictionaries({name: _NAMED[name] for name in sorted(names)})),
    st.tuples(st.integers(1, 64), st.integers(2, 64)))


def _check(case: tuple[int, int, str, dict[str, Any], tuple[int, int]]) -> str:
    """What is taken has figures within their ranges; patterns at run time have steps."""
    low, high, name, chosen, asked = case
    n, m = min(low, high), max(low, high, 2)
    made: list[Design] = []

    def make() -> None:
        made.append(Design(Pattern(n, m), **chosen))

    if outcome(make) == REFUSED:
        return REFUSED
    design, = made
    assert Design(Pattern(n, m), **chosen) == design
    assert replace(design.only(name), pattern=design.pattern).pattern == design.pattern
    outcome(lambda: design.only(name).require(name))
    assert 1 <= design.max_blocks <= design.covered_blocks < 1 << 24
    if asked[0] <= asked[1]:
        def steps() -> None:
            assert 1 <= design.steps(Pattern(*asked)) <= max(design.most_steps, 1)

        outcome(steps)
    if name in ARRAYS:
        assert design.only(name).baseline.pattern.dense
    return TAKEN


TARGET = Target("designs", "parameters of designs, in their ranges and out of them", _CASES, _check)

"""Command lines of every command: taken, or refused in one sentence."""

from hypothesis import strategies as st

from verify.fuzz.commands import COMMANDS, lines, read
from verify.fuzz.target import REFUSED, TAKEN, Target, refusal


__all__ = ["TARGET"]


_CASES = st.sampled_from(sorted(COMMANDS)).flatmap(
    lambda name: st.tuples(st.just(name), lines(name)))


def _check(case: tuple[str, list[str]]) -> str:
    name, words = case
    printed: list[str] = []
    code = read(name, words, printed.append)
    assert code in (0, 2), code
    if code == 2:
        refusal(name, printed[0])
    return REFUSED if code else TAKEN


TARGET = Target("commands", "command lines of every command, as its parser reads them", _CASES,
                _check)

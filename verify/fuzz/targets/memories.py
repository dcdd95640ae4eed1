"""Tables of SRAM macros as CSV."""

from math import isfinite

from hypothesis import strategies as st

from synth.memories.table import SHIPPED, read
from verify.fuzz.damage import damaged, damaged_bytes
from verify.fuzz.files import written
from verify.fuzz.target import Target, outcome


__all__ = ["TARGET"]


_TABLE = "\n".join(SHIPPED["sg13g2"].read_text(encoding="utf-8").splitlines()[:6]) + "\n"
_CASES = st.one_of(damaged(_TABLE).map(lambda text: text.encode()),
                   damaged_bytes(_TABLE.encode()), st.binary(max_size=60))


def _check(content: bytes) -> str:
    """What is taken holds macros whose figures are finite and above 0."""
    def take() -> None:
        with written("macros.csv", content) as path:
            macros = read(path)
        assert macros
        for macro in macros:
            figures = (macro.area, macro.read_pj, macro.write_pj, macro.leakage_nw)
            assert macro.area is not None
            assert all(value is None or (isfinite(value) and value > 0) for value in figures)
            assert macro.ports in (1, 2)
            assert macro.words >= 2
            assert macro.bits >= 1

    return outcome(take)


TARGET = Target("memories", "tables of SRAM macros as CSV, damaged", _CASES, _check)

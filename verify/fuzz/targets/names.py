"""Names of modules, which become identifiers of Verilog and macros of C."""

import keyword
import re

from hypothesis import strategies as st

from hw.config import Design, Pattern
from hw.generate.names import check_name
from hw.header import c_header
from verify.fuzz.damage import PIECES
from verify.fuzz.target import REFUSED, Target, outcome


__all__ = ["TARGET"]


_DESIGN = Design(Pattern(2, 4))
_MACRO = re.compile(r"#define ([A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)*) \S")
_CASES = st.one_of(
    st.text("abz_AZ019", max_size=70), st.text(max_size=5), st.sampled_from(keyword.kwlist),
    st.sampled_from(("int", "module", "always", "co_await", "nm_accelerator", "endmodule")),
    st.tuples(st.text("aZ_9", min_size=1, max_size=9), st.sampled_from(PIECES)).map("".join))


def _check(name: str) -> str:
    """The header of a name that is taken has macros that are identifiers, each once."""
    if outcome(lambda: check_name(name)) == REFUSED:
        return REFUSED
    lines = [line for line in c_header(_DESIGN, name).splitlines() if line.startswith("#define")]
    found = [_MACRO.match(f"{line} 1") for line in lines]
    assert all(found), lines[found.index(None)]
    macros = [match[1] for match in found if match]
    assert len(set(macros)) == len(macros)
    return "taken"


TARGET = Target("names", "names of modules, and the macros of their C headers", _CASES, _check)

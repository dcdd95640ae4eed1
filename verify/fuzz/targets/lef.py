"""LEF files: sizes, pins, sites and wires."""

from math import isfinite

from hypothesis import strategies as st

from synth.placement.lef import read
from synth.scripts import CELLS
from verify.fuzz.damage import damaged, damaged_bytes
from verify.fuzz.files import written
from verify.fuzz.target import Target, outcome


__all__ = ["TARGET"]


_TEXT = "\n".join(CELLS.with_suffix(".lef").read_text(encoding="utf-8").splitlines()[:26]) + """
MACRO other
  SIZE 2.5 BY 7 ;
  SITE column ;
  PIN A
    PORT
      RECT 0.1 -0.2 1e0 4 ;
      RECT 1 1 2 2 ;
    END
  END A
END other
"""
_CASES = st.one_of(damaged(_TEXT).map(lambda text: text.encode()), damaged_bytes(_TEXT.encode()),
                   st.binary(max_size=40).map(lambda tail: b"\x1f\x8b" + tail))


def _check(content: bytes) -> str:
    """What is taken has cells and sites with a size, and wires with finite figures."""
    def take() -> None:
        with written("cells.lef", content) as path:
            lef = read([path])
        assert lef.macros
        assert all(side > 0 for site in lef.sites.values() for side in site)
        assert all(macro.width > 0 and macro.height > 0 for macro in lef.macros.values())
        wire = lef.wire
        assert isfinite(wire.capacitance)
        assert isfinite(wire.resistance)

    return outcome(take)


TARGET = Target("lef", "LEF files, damaged", _CASES, _check)

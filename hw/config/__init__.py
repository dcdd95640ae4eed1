"""Parameters of a design, and every number derived from them.

Standard library only: the reference model (`sw`) shares these without installing Amaranth.
"""

from hw.config.checks import choice, integer
from hw.config.design import (
    DESIGNS,
    ENCODINGS,
    FLEXIBLE,
    GATHERS,
    PRODUCT_MAGNITUDE,
    SELECTORS,
    SHIFTS,
    VALUE_WIDTH,
    Design,
    check_flexible,
)
from hw.config.pattern import Pattern


__all__ = ["DESIGNS", "ENCODINGS", "FLEXIBLE", "GATHERS", "PRODUCT_MAGNITUDE", "SELECTORS",
           "SHIFTS", "VALUE_WIDTH", "Design", "Pattern", "check_flexible", "choice", "integer"]

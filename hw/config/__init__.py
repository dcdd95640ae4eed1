"""Parameters of a design, and every number derived from them.

Standard library only: the reference model (`sw`) shares these without installing Amaranth.
"""

from hw.config.array import FORMAT_OPTIONS, GATHERS, MULTIPLIERS, PIPELINES, RESULT_FORMATS
from hw.config.bus import BUS_OPTIONS, BUSES
from hw.config.checks import choice, integer
from hw.config.compressor import ENCODINGS, SHIFTS
from hw.config.design import Design, sparsest
from hw.config.format import PRODUCT_MAGNITUDE, VALUE_WIDTH
from hw.config.parameter import DESIGNS
from hw.config.pattern import Pattern
from hw.config.ports import PACKETS, RESETS
from hw.config.selector import FLEXIBLE, SELECTORS, check_flexible


__all__ = ["BUSES", "BUS_OPTIONS", "DESIGNS", "ENCODINGS", "FLEXIBLE", "FORMAT_OPTIONS", "GATHERS",
           "MULTIPLIERS", "PACKETS", "PIPELINES", "PRODUCT_MAGNITUDE", "RESETS", "RESULT_FORMATS",
           "SELECTORS", "SHIFTS", "VALUE_WIDTH", "Design", "Pattern", "check_flexible", "choice",
           "integer", "sparsest"]

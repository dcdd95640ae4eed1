"""The designs that can be generated: components behind the ports of the specification."""

from hw.config import DESIGNS, Design, choice
from hw.generate.tops.accelerator import accelerator_top
from hw.generate.tops.array import ArrayTop, PETop
from hw.generate.tops.base import Top
from hw.generate.tops.compressor import CompressorTop, DecompressorTop
from hw.generate.tops.selector import selector_top


__all__ = ["Top", "make_top"]


_TOPS = {
    "selector": selector_top,
    "compressor": CompressorTop,
    "decompressor": DecompressorTop,
    "pe": PETop,
    "array": ArrayTop,
    "accelerator": accelerator_top,
}


def make_top(name: str, design: Design) -> Top:
    """Return the top of a design, one of :data:`hw.config.DESIGNS`.

    Raises
    ------
    ValueError
        If the name is unknown, or the design does not have a parameter that is set.
    """
    choice("design", name, DESIGNS)
    design.require(name)
    return _TOPS[name](design)

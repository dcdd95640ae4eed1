"""The pattern and the number formats: what every part of a design shares."""

from dataclasses import dataclass

from hw.config.parameter import ARRAYS, parameter
from hw.config.pattern import Pattern
from hw.formats import BLOCK_FORMATS, FORMATS, PAIRS, BlockFormat, Format


__all__ = ["PRODUCT_MAGNITUDE", "VALUE_WIDTH", "FormatParameters"]


VALUE_WIDTH = 8
"""Bits of an int8 activation or weight."""

PRODUCT_MAGNITUDE = 128 * 128
"""Largest magnitude of the product of two int8 values, (-128) * (-128)."""


@dataclass(frozen=True)
class FormatParameters:
    """Pattern and number formats."""

    pattern: Pattern
    format: str = parameter("int8", "number format of an activation",
                            ("selector", "compressor", "decompressor", *ARRAYS),
                            choices=(*FORMATS, *BLOCK_FORMATS))
    weight_format: str = parameter("int8", "number format of a weight", ARRAYS,
                                   choices=("int4", "int8", *PAIRS))

    @property
    def number(self) -> Format:
        """The number format of an activation, or of an element of its block format."""
        return self.block.element if self.block else FORMATS[self.format]

    @property
    def weight(self) -> Format:
        """The number format of a weight, or of an element of its block format."""
        block = BLOCK_FORMATS.get(self.weight_format)
        return block.element if block else FORMATS[self.weight_format]

    @property
    def block(self) -> BlockFormat | None:
        """The block format of activations, if they have one."""
        return BLOCK_FORMATS.get(self.format)

    @property
    def aligned(self) -> bool:
        """Whether products of a step are cut below those of the largest: those of 16 bits."""
        return not self.number.integer and self.number.bits == 16

    @property
    def product_unit(self) -> int:
        """Exponent of the smallest product of floats by weights."""
        return self.number.unit + self.weight.unit

    @property
    def scales_outputs(self) -> bool:
        """Whether weights are integers beside floats: each output then has a scale."""
        return not self.number.integer and self.weight.integer

    @property
    def lanes(self) -> int:
        """Multipliers of a PE."""
        return self.pattern.n

    def _check(self) -> None:
        """Raise ValueError if the parameters of this part do not go together."""

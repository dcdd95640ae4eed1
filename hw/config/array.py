"""Parameters of the array and its PEs."""

from dataclasses import dataclass

from hw.config.compressor import CompressorParameters
from hw.config.parameter import ARRAYS, parameter
from hw.formats import ACCUMULATORS, FORMATS


__all__ = ["FORMAT_OPTIONS", "GATHERS", "LARGEST_BLOCKS", "MULTIPLIERS", "PIPELINES",
           "RESULT_FORMATS", "ArrayParameters"]


GATHERS = ("auto", "window", "butterfly")
"""Networks that bring weights to a PE's lanes."""

PIPELINES = ("inputs", "gathered")
"""Where the weights of a product are registered: before the gather, or behind it."""

MULTIPLIERS = ("digits", "dsp")
"""How a PE multiplies: gates that add multiples of weights, or a DSP block of an FPGA a lane."""

RESULT_FORMATS = ("fp32", "bf16", "fp16")
"""What sums of floats are rounded to where they leave the array."""

LARGEST_BLOCKS = (1 << 24) - 1
"""Blocks of a token that the register ``K_BLOCKS`` can say."""

FORMAT_OPTIONS = ("format", "weight_format", "quantize", "selection", "accumulator", "guard",
                  "result_format", "activation")
"""Names of the parameters that say which numbers a design works on, and what floats bring."""

_TILED = ("array", "accelerator")


@dataclass(frozen=True)
class ArrayParameters(CompressorParameters):
    """The array: its PEs, and how they stand."""

    gather: str = parameter("auto", "network that brings weights to a PE's lanes: the smallest, "
                                    "one stage, or stages of two-to-one nodes", ARRAYS,
                            choices=GATHERS, option=False)
    pipeline: str = parameter("inputs", "where weights are registered: at the inputs of a tile, or "
                                        "gathered in each PE, which moves fewer bits and gives the "
                                        "gather a cycle of its own", ARRAYS,
                              choices=PIPELINES, option=False)
    multiplier: str = parameter("digits", "how a PE multiplies: by the digits of activations, in "
                                          "gates, or by products that tools map to the DSP "
                                          "blocks of an FPGA", ARRAYS,
                                choices=MULTIPLIERS, option=False)
    accumulator: str = parameter("exact", "how products are added: exactly, in fixed point, or in "
                                          "binary32, rounded once a step", ARRAYS,
                                 choices=ACCUMULATORS)
    guard: int = parameter(8, "bits below the last one of the largest product of a step, at which "
                              "bf16 and fp16 cut the others", ARRAYS, high=24)
    rows: int = parameter(4, "rows of PEs, one token each", _TILED, low=1, high=64, option=False)
    columns: int = parameter(4, "columns of PEs, one output feature each", _TILED, low=1, high=64,
                             option=False)
    tile: int = parameter(4, "rows and columns of PEs that share a broadcast; registers stand "
                             "between tiles", _TILED, low=1, high=64, option=False)
    accumulator_width: int = parameter(32, "bits of an accumulator", ARRAYS, low=16, high=64,
                                       option=False)
    result_format: str = parameter("fp32", "number format of a result where the array adds floats",
                                   _TILED, choices=RESULT_FORMATS)

    @property
    def covered_k(self) -> int:
        """Products of an activation and a weight that the accumulator can always hold.

        One that rounds holds any number of them: then it is what the largest ``K_BLOCKS`` says.
        """
        if self.accumulator == "fp32" and not self.kept_number.integer:
            return LARGEST_BLOCKS * self.pattern.m
        product = self.kept_number.max_units * self.weight.max_units
        return ((1 << (self.accumulator_width - 1)) - 1) // product

    @property
    def result_bits(self) -> int:
        """Bits of a result of the array: an integer, or a float."""
        if self.number.integer:
            return self.accumulator_width
        return 32 if self.result_format == "fp32" else FORMATS[self.result_format].bits

    @property
    def registers_gathered(self) -> bool:
        """Whether each PE registers what its gather gives; a dense one has none."""
        return self.pipeline == "gathered" and not self.pattern.dense

    @property
    def marks_filler(self) -> bool:
        """Whether kept zeros are +0, and values of positions that fill up a step are -0.

        A weight that is NaN then makes no sum NaN by such a position.
        """
        return self.flexible != "none" and self.weight.nan > 0

    def _check(self) -> None:
        super()._check()
        if self.multiplier == "dsp" and self.pipeline != "inputs":
            raise ValueError("pipeline must be inputs with multiplier dsp, which registers "
                             f"gathered weights, not {self.pipeline!r}")

    @property
    def row_tiles(self) -> int:
        """Tiles along the rows."""
        return -(-self.rows // self.tile)

    @property
    def column_tiles(self) -> int:
        """Tiles along the columns."""
        return -(-self.columns // self.tile)

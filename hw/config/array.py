"""Parameters of the array and its PEs."""

from dataclasses import dataclass

from hw.config.compressor import CompressorParameters
from hw.config.format import PRODUCT_MAGNITUDE
from hw.config.parameter import ARRAYS, parameter
from hw.formats import ACCUMULATORS


__all__ = ["GATHERS", "MULTIPLIERS", "PIPELINES", "ArrayParameters"]


GATHERS = ("auto", "window", "butterfly")
"""Networks that bring weights to a PE's lanes."""

PIPELINES = ("inputs", "gathered")
"""Where the weights of a product are registered: before the gather, or behind it."""

MULTIPLIERS = ("digits", "dsp")
"""How a PE multiplies: gates that add multiples of weights, or a DSP block of an FPGA a lane."""

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
                                          "binary32, rounded once a step", ("pe", "array"),
                                 choices=ACCUMULATORS)
    rows: int = parameter(4, "rows of PEs, one token each", _TILED, low=1, high=64, option=False)
    columns: int = parameter(4, "columns of PEs, one output feature each", _TILED, low=1, high=64,
                             option=False)
    tile: int = parameter(4, "rows and columns of PEs that share a broadcast; registers stand "
                             "between tiles", _TILED, low=1, high=64, option=False)
    accumulator_width: int = parameter(32, "bits of an accumulator", ARRAYS, low=16, high=64,
                                       option=False)

    @property
    def covered_k(self) -> int:
        """Products of an activation and a weight that the accumulator can always hold."""
        product = (self.number.largest * self.weight.largest if self.number.integer
                   else PRODUCT_MAGNITUDE)
        return ((1 << (self.accumulator_width - 1)) - 1) // product

    @property
    def registers_gathered(self) -> bool:
        """Whether each PE registers what its gather gives; a dense one has none."""
        return self.pipeline == "gathered" and not self.pattern.dense

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

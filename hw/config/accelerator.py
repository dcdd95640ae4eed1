"""Parameters of the accelerator: its buffers and its epilogue."""

from dataclasses import dataclass

from hw.config.activations import FUNCTIONS
from hw.config.array import LARGEST_BLOCKS, ArrayParameters
from hw.config.parameter import COMPRESSING, parameter


__all__ = ["AcceleratorParameters"]


@dataclass(frozen=True)
class AcceleratorParameters(ArrayParameters):
    """What stands around compressor and array."""

    max_k: int = parameter(4096, "input features of a token that the buffers hold; longer "
                                 "tokens come in chunks", COMPRESSING, low=1, high=1 << 24,
                           option=False)
    batch_tokens: int = parameter(32, "tokens that share one pass of the weights; the buffers "
                                      "hold two batches", ("accelerator",), low=1, high=4096,
                                  option=False)
    epilogue_lanes: int = parameter(1, "columns that the epilogue corrects and requantises per "
                                       "cycle; 0: raw accumulators only", ("accelerator",),
                                    low=0, high=64, option=False)
    activation: str = parameter("none", "activation function that follows the bias of a result in "
                                        "floats, where a job asks for it", ("accelerator",),
                                choices=("none", *FUNCTIONS))

    @property
    def corrects(self) -> bool:
        """Whether an epilogue corrects integers."""
        return self.epilogue_lanes > 0 and self.number.integer

    @property
    def biases(self) -> bool:
        """Whether an epilogue adds biases to floats."""
        return self.epilogue_lanes > 0 and not self.number.integer

    @property
    def term_bits(self) -> int:
        """Bits of what an epilogue of floats takes for an output: its scale, if any, and bias."""
        return self.result_bits * (1 + self.scales_outputs)

    @property
    def row_steps(self) -> int:
        """Cycles in which an epilogue takes a row of results."""
        return -(-self.columns // max(1, self.epilogue_lanes))

    @property
    def max_blocks(self) -> int:
        """Blocks of a token that the buffers hold: the length of a chunk."""
        return self.pattern.blocks(self.max_k)

    @property
    def covered_blocks(self) -> int:
        """Blocks of the longest token: what the accumulator covers, and K_BLOCKS can say."""
        return max(self.max_blocks, min(self.covered_k // self.pattern.m, LARGEST_BLOCKS))

    @property
    def groups(self) -> int:
        """Groups of ``rows`` tokens in a batch."""
        return -(-self.batch_tokens // self.rows)

    @property
    def largest_batch(self) -> int:
        """Tokens of a batch at most: those of tokens in chunks are one group."""
        return max(self.batch_tokens, self.rows)

    def _check(self) -> None:
        super()._check()
        if self.number.integer and self.max_k > self.covered_k:
            raise ValueError(
                f"max_k must be from 1 to {self.covered_k}, which an accumulator_width of "
                f"{self.accumulator_width} bits covers, not {self.max_k}")

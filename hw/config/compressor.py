"""Parameters of the compressor and the decompressor."""

from dataclasses import dataclass

from hw.config.checks import integer
from hw.config.parameter import COMPRESSING, flag, parameter
from hw.config.selector import SelectorParameters
from hw.formats import BLOCK_FORMATS, FORMATS, SELECTIONS, BlockFormat, Format, check_scale


__all__ = ["ENCODINGS", "QUANTIZERS", "SHIFTS", "CompressorParameters"]


ENCODINGS = ("bitmask", "index", "rank")
"""Metadata of a compressed block."""

SHIFTS = ("none", "scalar", "channel", "mean", "median")
"""What may be subtracted from values before selection."""


QUANTIZERS = ("none", "fp8_e4m3", "fp8_e5m2", *BLOCK_FORMATS)
"""What values are quantised to: nothing, numbers of fp8 as they are, blocks with a scale."""


@dataclass(frozen=True)
class CompressorParameters(SelectorParameters):
    """The compressor around the selector."""

    encoding: str = parameter("bitmask", "metadata of a compressed block",
                              ("compressor", "decompressor"), choices=ENCODINGS)
    decode_stages: int = parameter(0, "pipeline stages that decode a rank, up to N; 0: N of them",
                                   ("decompressor",), low=0, high=64)
    shift: str = parameter("none", "what is subtracted before selection: a scalar, a value for "
                                   "each channel, or the token's mean or lower median",
                           COMPRESSING, choices=SHIFTS)
    statistics: bool = flag("sums for the variance correction at each token's end", COMPRESSING)
    unstructured: bool = flag("jobs may keep all values whose score reaches a threshold",
                              COMPRESSING)
    complement: bool = flag("the dropped values follow the kept ones", ("compressor",))
    quantize: str = parameter("none", "number format that values of bf16 or fp16 are quantised to",
                              COMPRESSING, choices=QUANTIZERS)
    selection: str = parameter("before", "where selection stands, seen from quantisation: scales "
                                         "are those of kept values, or elements are compared",
                               COMPRESSING, choices=SELECTIONS)

    @property
    def quantized(self) -> BlockFormat | None:
        """The block format that kept values leave in, if it is one."""
        return BLOCK_FORMATS.get(self.quantize)

    @property
    def tensor_scaled(self) -> bool:
        """Whether the scales of blocks are beside one of the tensor."""
        return self.quantized is not None and self.quantized.scale == "e4m3"

    @property
    def shared_blocks(self) -> int:
        """Blocks of M values that share a scale where values are quantised."""
        return self.quantized.size // self.pattern.m if self.quantized else 1

    @property
    def selects_elements(self) -> bool:
        """Whether selection comes after quantisation."""
        return self.selection == "after"

    @property
    def selected_number(self) -> Format:
        """The number format of the values that selection compares."""
        return self.kept_number if self.selects_elements else self.number

    @property
    def score_width(self) -> int:
        """Bits of a score."""
        return self.selected_number.score_width(self.coefficients)

    @property
    def kept_number(self) -> Format:
        """The number format in which kept values leave the compressor."""
        if self.quantized:
            return self.quantized.element
        return FORMATS.get(self.quantize, self.number)

    @property
    def dynamic_shift(self) -> bool:
        """Whether the shift is a statistic of each token."""
        return self.shift in ("mean", "median")

    @property
    def channel_bits(self) -> int:
        """Bits that each channel's parameters take, loaded once per layer; 0: there are none."""
        return self.coefficients + (self.number.bits if self.shift == "channel" else 0)

    @property
    def whole_tokens(self) -> bool:
        """Whether the compressor needs tokens that fit the buffer: they cannot come in chunks."""
        return self.dynamic_shift or self.channel_bits > 0

    @property
    def metadata_bits(self) -> int:
        """Bits of a block's metadata in the chosen encoding."""
        return {"bitmask": self.pattern.bitmask_bits, "index": self.pattern.index_bits,
                "rank": self.pattern.rank_bits}[self.encoding]

    @property
    def unrank_stages(self) -> int:
        """Pipeline stages that decode a rank."""
        return self.decode_stages or self.pattern.n

    @property
    def variable_steps(self) -> bool:
        """Whether blocks of one job may differ in their steps."""
        return self.unstructured and self.most_steps > 1

    def _check(self) -> None:
        integer("decode_stages", self.decode_stages, 0, self.pattern.n)
        super()._check()
        if not self.number.integer and (self.coefficients or self.shift != "none"
                                        or self.statistics):
            raise ValueError("format must be int4 or int8 with coefficients, a shift or "
                             f"statistics, not {self.format!r}")
        if self.quantize != "none":
            self._check_quantized()
        elif self.selects_elements:
            raise ValueError("selection must be before with quantize none, not 'after'")
        if self.flexible != "none":
            self._require_plain_steps()
        elif self.unstructured:
            raise ValueError("unstructured must be False with flexible none, not True")
        if self.complement and self.pattern.dense:
            raise ValueError(f"complement must be False for the pattern {self.pattern}, not True")

    def _check_quantized(self) -> None:
        """Raise ValueError if values cannot be quantised."""
        block, name = self.quantized, self.quantize
        if self.format not in ("bf16", "fp16")[:1 if self.tensor_scaled else 2]:
            raise ValueError(f"format must be bf16{'' if self.tensor_scaled else ' or fp16'} with "
                             f"quantize {name}, not {self.format!r}")
        if self.tensor_scaled:
            check_scale(name, self.pattern.m)
        elif block and self.pattern.m != block.size:
            raise ValueError(f"m must be {block.size} with quantize {name}, whose scales are of "
                             f"{block.size} values, not {self.pattern.m}")
        # A scale of kept values would have to wait for all steps of its block.
        for option, plain, alone in (("flexible", "none", not block), ("complement", False, False)):
            if getattr(self, option) != plain and not (alone or self.selects_elements):
                raise ValueError(f"{option} must be {plain} with quantize {name} and selection "
                                 f"before it, not {getattr(self, option)!r}")

    def _require_plain_steps(self) -> None:
        """Raise ValueError if another encoding, or the complement, is to leave."""
        for name in ("encoding", "complement"):
            value, plain = getattr(self, name), type(self).__dataclass_fields__[name].default
            if value != plain:
                raise ValueError(f"{name} must be {plain} with flexible {self.flexible}, not "
                                 f"{value!r}")

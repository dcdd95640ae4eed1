"""Parameters of a design, and every number derived from them.

A parameter is described once, here: the command line, the checks and the manifest read its field.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any

from hw.config.checks import choice, integer
from hw.config.pattern import Pattern
from hw.formats import FORMATS, Format


__all__ = ["DESIGNS", "ENCODINGS", "FLEXIBLE", "GATHERS", "PRODUCT_MAGNITUDE", "SELECTORS",
           "SHIFTS", "VALUE_WIDTH", "Design", "check_flexible"]


SELECTORS = ("rank", "radix", "network", "serial")
FLEXIBLE = ("none", "n", "all")
_FLEXIBLE_SELECTORS = {"rank": FLEXIBLE, "radix": ("none", "n"), "network": ("none",),
                       "serial": FLEXIBLE}
GATHERS = ("auto", "window", "butterfly")
ENCODINGS = ("bitmask", "index", "rank")
SHIFTS = ("none", "scalar", "channel", "mean", "median")
DESIGNS = ("selector", "compressor", "decompressor", "pe", "array", "accelerator")

VALUE_WIDTH = 8
"""Bits of an int8 activation or weight."""

PRODUCT_MAGNITUDE = 128 * 128
"""Largest magnitude of the product of two int8 values, (-128) * (-128)."""


def check_flexible(selector: str, pattern: Pattern, flexible: str) -> None:
    """Raise ValueError if the structure ``selector`` does not take that much at run time."""
    choice("flexible", flexible, FLEXIBLE)
    allowed = _FLEXIBLE_SELECTORS[selector]
    if flexible not in allowed:
        raise ValueError(f"flexible must be one of {', '.join(allowed)} with the selector "
                         f"{selector}, not {flexible!r}")
    if flexible == "all" and pattern.m & (pattern.m - 1):
        raise ValueError(f"m must be a power of two for flexible 'all', not {pattern.m}")


def _parameter(default: int | str, text: str, *, low: int = 0, high: int = 0,
               choices: tuple[str, ...] = (), designs: tuple[str, ...] = DESIGNS) -> Any:
    """A field of ``Design``. Only ``designs`` take other values than the default."""
    return field(default=default, metadata={"help": text, "low": low, "high": high,
                                            "choices": choices, "designs": designs})


def _flag(text: str, *, designs: tuple[str, ...] = DESIGNS) -> Any:
    """A field of ``Design`` that is off, or on for one of ``designs``."""
    return field(default=False, metadata={"help": text, "choices": (), "designs": designs})


@dataclass(frozen=True)
class Design:
    """Everything that a generated design depends on.

    Parameters
    ----------
    pattern : Pattern
        Values kept of each block. A dense design (``n == m``) has no selector and no gather.

    The other parameters are described, with unit, range and default, in the fields below.

    Raises
    ------
    ValueError
        If a parameter is out of its range, or the accumulator could overflow at ``max_k``.
    """

    pattern: Pattern
    selector: str = _parameter("rank", "structure of the selector", choices=SELECTORS)
    stages: int = _parameter(0, "pipeline registers of the radix selector, up to the bits of a "
                                "score + 1; 0: combinational", low=0, high=65,
                             designs=("selector", "compressor", "accelerator"))
    flexible: str = _parameter("none", "what of the pattern is chosen at run time, for each "
                                       "block or job: nothing, n, or n and m", choices=FLEXIBLE,
                               designs=("selector", "compressor", "accelerator"))
    gather: str = _parameter("auto", "network that brings weights to a PE's lanes: the smallest, "
                                     "one stage, or stages of two-to-one nodes", choices=GATHERS)
    rows: int = _parameter(4, "rows of PEs, one token each", low=1, high=64)
    columns: int = _parameter(4, "columns of PEs, one output feature each", low=1, high=64)
    tile: int = _parameter(4, "rows and columns of PEs that share a broadcast; registers stand "
                              "between tiles", low=1, high=64)
    accumulator_width: int = _parameter(32, "bits of an accumulator", low=16, high=64)
    max_k: int = _parameter(4096, "input features of a token that the buffers hold; longer "
                                  "tokens come in chunks", low=1, high=1 << 24)
    batch_tokens: int = _parameter(32, "tokens that share one pass of the weights; the buffers "
                                       "hold two batches", low=1, high=4096)
    epilogue_lanes: int = _parameter(1, "columns that the epilogue corrects and requantises per "
                                        "cycle; 0: raw accumulators only", low=0, high=64)
    format: str = _parameter("int8", "number format of an activation", choices=tuple(FORMATS),
                             designs=("selector", "compressor", "decompressor", "pe", "array"))
    weight_format: str = _parameter("int8", "number format of a weight", choices=("int4", "int8"),
                                    designs=("pe", "array"))
    encoding: str = _parameter("bitmask", "metadata of a compressed block", choices=ENCODINGS,
                               designs=("compressor", "decompressor"))
    decode_stages: int = _parameter(0, "pipeline stages that decode a rank, up to N; 0: N of them",
                                    low=0, high=64, designs=("decompressor",))
    coefficients: int = _parameter(0, "bits of a channel's factor of the score; 0: no factors",
                                   low=0, high=8,
                                   designs=("selector", "compressor", "accelerator"))
    shift: str = _parameter("none", "what is subtracted before selection: a scalar, a value for "
                                    "each channel, or the token's mean or lower median",
                            choices=SHIFTS, designs=("compressor", "accelerator"))
    statistics: bool = _flag("sums for the variance correction at each token's end",
                             designs=("compressor", "accelerator"))
    unstructured: bool = _flag("jobs may keep all values whose score reaches a threshold",
                               designs=("compressor", "accelerator"))
    complement: bool = _flag("the dropped values follow the kept ones", designs=("compressor",))

    def __post_init__(self) -> None:
        for f in fields(self)[1:]:
            value, limits = getattr(self, f.name), f.metadata
            if limits["choices"]:
                choice(f.name, value, limits["choices"])
            elif type(f.default) is bool:
                if type(value) is not bool:
                    raise ValueError(f"{f.name} must be True or False, not {value!r}")
            else:
                integer(f.name, value, limits["low"], limits["high"])
        integer("decode_stages", self.decode_stages, 0, self.pattern.n)
        if self.stages and self.selector != "radix":
            raise ValueError(f"stages must be 0 with the selector {self.selector}, not "
                             f"{self.stages}")
        integer("stages", self.stages, 0, self.score_width + 1)
        if not self.number.integer and (self.coefficients or self.shift != "none"
                                        or self.statistics):
            raise ValueError("format must be int4 or int8 with coefficients, a shift or "
                             f"statistics, not {self.format!r}")
        if self.flexible != "none":
            self._require_plain_steps()
        elif self.unstructured:
            raise ValueError("unstructured must be False with flexible none, not True")
        if self.complement and self.pattern.dense:
            raise ValueError(f"complement must be False for the pattern {self.pattern}, not True")
        if self.max_k > self.covered_k:
            raise ValueError(
                f"max_k must be from 1 to {self.covered_k}, which an accumulator_width of "
                f"{self.accumulator_width} bits covers, not {self.max_k}")

    def _require_plain_steps(self) -> None:
        """Raise ValueError if another encoding, or the complement, is to leave."""
        for name in ("encoding", "complement"):
            value, plain = getattr(self, name), type(self).__dataclass_fields__[name].default
            if value != plain:
                raise ValueError(f"{name} must be {plain} with flexible {self.flexible}, not "
                                 f"{value!r}")

    def require(self, name: str) -> None:
        """Raise ValueError if the design ``name`` does not have a parameter that is set."""
        for f in fields(self)[1:]:
            value = getattr(self, f.name)
            if name not in f.metadata["designs"] and value != f.default:
                raise ValueError(f"{f.name} must be {f.default} in design {name}, not {value!r}")
        if name in ("pe", "array") and not self.number.integer:
            raise ValueError(f"format must be int4 or int8 in design {name}, not {self.format!r}")
        check_flexible(self.selector, self.pattern, self.flexible)

    @staticmethod
    def has(name: str, parameters: Iterable[str]) -> bool:
        """Whether the design ``name`` has all these parameters."""
        return all(name in f.metadata["designs"] for f in fields(Design) if f.name in parameters)

    @property
    def options(self) -> str:
        """The parameters that only some designs have, where they are not the default."""
        chosen = [(f.name, getattr(self, f.name)) for f in fields(self)[1:]
                  if f.metadata["designs"] != DESIGNS and getattr(self, f.name) != f.default]
        return " ".join(name if value is True else f"{name}={value}" for name, value in chosen)

    @property
    def number(self) -> Format:
        """The number format of an activation."""
        return FORMATS[self.format]

    @property
    def weight(self) -> Format:
        """The number format of a weight."""
        return FORMATS[self.weight_format]

    @property
    def score_width(self) -> int:
        """Bits of a score."""
        return self.number.score_width(self.coefficients)

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
    def covered_k(self) -> int:
        """Products of an activation and a weight that the accumulator can always hold."""
        product = (self.number.largest * self.weight.largest if self.number.integer
                   else PRODUCT_MAGNITUDE)
        return ((1 << (self.accumulator_width - 1)) - 1) // product

    @property
    def most_kept(self) -> int:
        """Values of a block that can be kept: N, or all where the pattern comes at run time."""
        return self.pattern.n if self.flexible == "none" else self.pattern.m

    @property
    def most_steps(self) -> int:
        """Steps in which the array takes a block at most, N kept values in each."""
        return -(-self.most_kept // self.pattern.n)

    @property
    def variable_steps(self) -> bool:
        """Whether blocks of one job may differ in their steps."""
        return self.unstructured and self.most_steps > 1

    def steps(self, pattern: Pattern) -> int:
        """Steps in which the array takes M values that are pruned to ``pattern``.

        Raises
        ------
        ValueError
            If the design cannot run the pattern.
        """
        own = self.pattern
        runs = {"none": pattern == own, "n": pattern.m == own.m,
                "all": own.m % pattern.m == 0 and pattern.m & (pattern.m - 1) == 0}
        if not runs[self.flexible]:
            allowed = {"none": f"{own}", "n": f"N:{own.m}",
                       "all": f"N:M with M a power of two up to {own.m}"}[self.flexible]
            raise ValueError(f"pattern must be {allowed}, as the design has it, not {pattern}")
        return -(-pattern.n * (own.m // pattern.m) // own.n)

    @property
    def lanes(self) -> int:
        """Multipliers of a PE."""
        return self.pattern.n

    @property
    def baseline(self) -> "Design":
        """The dense design with as many lanes, L:L; with two where there is one."""
        lanes = max(self.lanes, 2)
        return replace(self, pattern=Pattern(lanes, lanes), flexible="none", unstructured=False)

    @property
    def max_blocks(self) -> int:
        """Blocks of a token that the buffers hold: the length of a chunk."""
        return self.pattern.blocks(self.max_k)

    @property
    def covered_blocks(self) -> int:
        """Blocks of the longest token: what the accumulator covers, and K_BLOCKS can say."""
        return max(self.max_blocks, min(self.covered_k // self.pattern.m, (1 << 24) - 1))

    @property
    def groups(self) -> int:
        """Groups of ``rows`` tokens in a batch."""
        return -(-self.batch_tokens // self.rows)

    @property
    def largest_batch(self) -> int:
        """Tokens of a batch at most: those of tokens in chunks are one group."""
        return max(self.batch_tokens, self.rows)

    @property
    def row_tiles(self) -> int:
        """Tiles along the rows."""
        return -(-self.rows // self.tile)

    @property
    def column_tiles(self) -> int:
        """Tiles along the columns."""
        return -(-self.columns // self.tile)

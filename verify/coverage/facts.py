"""What keeps bits of a design from toggling, beyond what its Verilog says: the declared list.

A fact speaks of bits of one signal, and with it of all other names of the same net. Whatever else
is left out of the figures is constant in the Verilog itself. A fact is wrong, and named as such, as
soon as such a bit toggles.
"""

import re
from dataclasses import dataclass

from hw.config import Design
from hw.registers import Error


__all__ = ["Fact", "explained", "facts"]


K_BLOCKS_TOP = 23
"""The highest bit of K_BLOCKS, which is the lowest field of what a job is."""


@dataclass(frozen=True)
class Fact:
    """Bits that are always 0.

    Attributes
    ----------
    signal : str
        As ``nm_top.part.signal``.
    low, high : int
        The bits.
    reason : str
    """

    signal: str
    low: int
    high: int
    reason: str


def facts(name: str, design: Design) -> list[Fact]:
    """What is known of the design ``name``."""
    if name != "accelerator":
        return []
    inside, known = "nm_accelerator.accelerator", []
    first = design.covered_blocks.bit_length()
    if first <= K_BLOCKS_TOP:
        known.append(Fact(f"{inside}.controller.run__job", first, K_BLOCKS_TOP,
                          "a start with more blocks than the accumulators cover is refused"))
    if design.flexible == "none":
        known.append(Fact(f"{inside}.controller.run__job.steps", 1, 6,
                          "a block of a pattern that does not change takes one step"))
    if not design.unstructured:
        known.append(Fact(f"{inside}.controller.run__job.variable", 0, 0,
                          "only thresholds make the steps of a block vary"))
    last = max(error.value for error in Error).bit_length()
    known.append(Fact(f"{inside}.controller.registers__state.error", last, 7,
                      "no error has such a code"))
    if design.corrects and not design.dynamic_shift:
        known += [Fact(f"{inside}.{place}.eta", 0, 7, "only dynamic shifts are those of a token")
                  for place in ("finisher.o__payload$26", "table.i__payload")]
    return known


EXPLAINED: tuple[tuple[str, str, str], ...] = (
    (r"nm_\w+", r".*(bresp|rresp)(\$\d+)?", "answers are OKAY and SLVERR, whose bit 0 is 0"),
    (r"nm_\w+_(token_gate|activation_buffer)", r"tokens|held|\$\d+",
     "tokens are counted up to those of a batch, for which the buffers have places"),
    (r"nm_\w+_results", r"token|\$\d+",
     "tokens are counted up to those of a batch, and rows have places reserved for them"),
    (r"nm_\w+_epilogue", r"\$\d+", "no more rows are inside than a lane has stages"),
    (r"nm_\w+_stream_fifo_16x\d+", r".*", "what comes has a place reserved: it is never full"),
    (r"nm_\w+_token_table", r"waiting|\$\d+",
     ("tokens in both halves of the buffer and rows of results are fewer than the table's places, "
      "and no more batches are taken than it counts")),
    (r"nm_\w+_lane|nm_\w+_dot_product", r"\$(340|347|348|350|367|6312)|carry\$81",
     "accumulators hold sums of all values of a token; half of them are kept"),
    (r"nm_\w+", "case", "a choice has a branch for every value, and one more"),
    (r"nm_\w+_passes_\w+", "else", "all chunks are one pass there, or all tiles"),
    (r"nm_\w+_stepper", "else", "a block of a pattern that does not change takes one step"),
    (r"nm_\w+_controller", "elsif", "the design has no stream of parameters of input channels"),
    (r"nm_\w+_lane", "cond_then", "without a gain nothing is clamped to an accumulator's bits"),
)
"""Holes that are known: patterns of the module and of the signal, or of the kind of a way through a
line, and why no run closes them. Bits that are proved to keep one value need no line here."""


def explained(module: str, named: str) -> str:
    """Why a hole is open: a signal, or a kind of way through a line; empty where nobody knows."""
    return next((reason for of, names, reason in EXPLAINED
                 if re.fullmatch(of, module) and re.fullmatch(names, named)), "")

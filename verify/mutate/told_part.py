"""The beats of parts that are told of jobs by beats, and how jobs divide their tokens."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hw.config import Design
from hw.job.job import Job
from sim.vectors.stimulus import bit_rows


__all__ = ["BITS", "COUNTS", "JOB", "batch_of", "field_beats"]


BITS = (24, 32, 32, 8, 1, 1, 1, 16, 16, 4, 4)
"""Of the fields of a job: its size, three choices, beats and rows that it has, and two pauses."""

JOB = sum(BITS)
"""Bits of its beat."""

assert sum(BITS[:4]) == Job().size

COUNTS = """
    rest <= state == IDLE ? rest + (rest < gap) : runs && over && rest != delay ? rest + 1 : 0;
    fed <= runs ? fed + takes : 0;
    read <= runs ? read + gives : 0;
    entered <= runs ? entered + row_goes - gives : 0;
    marked <= drops && (marked || takes && s_axis_tlast);"""
"""Verilog: how far a job is, from which the part sees its end, and the mark that ends an abort."""


def batch_of(design: Design, blocks: int) -> int:
    """Tokens of a batch."""
    return design.rows if blocks > design.max_blocks else design.batch_tokens


def field_beats(given: Sequence[tuple[Any, ...]], bits: tuple[int, ...]) -> np.ndarray:
    """Bits of beats whose fields stand one after the other, the first one lowest."""
    fields = zip(zip(*given, strict=True), bits, strict=True)
    return np.concatenate([bit_rows(np.array(field, np.int64), width)
                           for field, width in fields], 1)

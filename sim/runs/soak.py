"""Long random streams through the RTL: what ``python -m sim.soak`` does."""

from dataclasses import replace

import numpy as np

from hw.config import ENCODINGS, SHIFTS, Design, Pattern
from hw.formats import FORMATS
from sim.simulators.environment import seed
from sim.vectors.stimulus import bit_rows, generator, number_rows
from sim.vectors.tokens import Beats, Tokens, random_tokens
from sim.verilated.pipeline import Pipeline


__all__ = ["STALL", "designs", "soak"]


STALL = 0.3
"""Chance that a stream pauses in a cycle."""


def designs(pattern: Pattern) -> list[Design]:
    """Every format, every encoding, and every shift, each with and without the other options.

    A dense pattern drops nothing, so it has no complement.
    """
    plain = Design(pattern, max_k=12 * pattern.m)
    full = replace(plain, coefficients=8, statistics=True, complement=not pattern.dense)
    return [
        *(replace(plain, format=name) for name in FORMATS),
        *(replace(plain, encoding=name) for name in ENCODINGS[1:]),
        *(replace(plain, shift=name) for name in SHIFTS[1:]),
        *(replace(full, shift=name) for name in SHIFTS),
    ]


def expanded(design: Design, tokens: Tokens) -> Beats:
    """What a decompressor makes of the compressed tokens."""
    kept = number_rows(tokens.compressed.data, design.number.bits)
    dense = np.zeros(tokens.mask.shape, np.int64)
    dense[tokens.mask] = kept.ravel()
    return Beats(bit_rows(dense, design.number.bits), tokens.compressed.last,
                 np.zeros((len(dense), 1), bool))


def soak(name: str, design: Design, blocks: int) -> int:
    """Run random blocks through a compressor or decompressor, with pauses on both sides.

    In the middle the design is reset, with blocks inside, and what these were is sent again.
    Returns the cycles.

    Raises
    ------
    AssertionError
        If a beat is lost, repeated, out of order or wrong.
    TimeoutError
        If the design stops.
    """
    tokens = random_tokens(design, blocks, generator("soak", name, design))
    sent, expected = tokens.dense, tokens.compressed
    if name == "decompressor":
        sent, expected = expected, expanded(design, tokens)
    ends = np.flatnonzero(sent.last)
    middle = int(ends[len(ends) // 2]) + 1
    pipeline, total = Pipeline(name, design.only(name)), 0
    for part in (slice(0, middle), slice(middle, None)):
        pipeline.reset()
        beats = sent[part.start:]  # more than is waited for, so that the reset drops some
        out, cycles = pipeline.run(beats, len(expected[part].last), limit=100 * blocks,
                                   stall=STALL, seed=seed(), channel=tokens.channel,
                                   shift=tokens.shift)
        total += cycles
        compare(out, expected[part], f"{name} {design.pattern}")
    return total


def compare(seen: Beats, expected: Beats, what: str) -> None:
    """Fail at the first beat that differs."""
    for field in ("data", "user", "last"):
        one, other = getattr(seen, field), getattr(expected, field)
        if field == "data":
            one, padding = one[:, :other.shape[1]], one[:, other.shape[1]:]
            assert not padding.any(), f"{what}: tdata is not padded with zeros"
        wrong = np.flatnonzero((one != other).reshape(len(other), -1).any(1))
        assert not len(wrong), f"{what}: t{field} of beat {wrong[0]} of {len(other)} is wrong"

"""Long random streams through compressors and decompressors."""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from hw.config import ENCODINGS, SHIFTS, Design, Pattern
from hw.formats import FORMATS
from sim.simulators.environment import seed
from sim.vectors.stimulus import bit_rows, generator, number_rows
from sim.vectors.tokens import Beats, Tokens, random_tokens
from sim.verilated.pipeline import Pipeline


__all__ = ["STALL", "compare", "designs", "expanded", "soak"]


STALL = 0.3
"""Chance that a stream pauses in a cycle, where no other is asked for."""


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


def soak(name: str, design: Design, blocks: int, *, number: int = 0, stall: float = STALL,
         resets: int = 1) -> int:
    """Run random blocks through a compressor or decompressor, with pauses on both sides.

    After equal parts the design is reset, with blocks inside, and what these were is sent again.

    Parameters
    ----------
    name : str
        ``compressor`` or ``decompressor``.
    design : Design
        Parameters; those that it does not have count as their defaults.
    blocks : int
        Blocks, or a few more; at least twice ``design.max_blocks``.
    number : int
        Chooses the random numbers, with SEED and the design.
    stall : float
        Chance that a stream pauses in a cycle, from 0 to below 1.
    resets : int
        How many of them.

    Returns
    -------
    int
        Cycles.

    Raises
    ------
    AssertionError
        If a beat is lost, repeated, out of order or wrong.
    TimeoutError
        If the design stops.
    """
    tokens = random_tokens(design, blocks, generator("soak", name, design, number))
    sent, expected = tokens.dense, tokens.compressed
    if name == "decompressor":
        sent, expected = expected, expanded(design, tokens)
    ends = np.flatnonzero(sent.last) + 1
    cuts = [0, *(int(ends[len(ends) * k // (resets + 1)]) for k in range(1, resets + 1)), None]
    pipeline, total = Pipeline(name, design.only(name)), 0
    for start, end in pairwise(cuts):
        part = slice(start, end)
        pipeline.reset()
        beats = sent[start:]  # more than is waited for, so that the reset drops some
        out, cycles = pipeline.run(beats, len(expected[part].last), limit=100 * blocks,
                                   stall=stall, seed=seed() + number, channel=tokens.channel,
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

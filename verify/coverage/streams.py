"""Drives compressors and decompressors through what coverage is counted of."""

import numpy as np

from hw.config import Design
from sim.runs.soak.streams import STALL, compare, expanded
from sim.simulators.runner import seed
from sim.vectors.stimulus import generator
from sim.vectors.tokens import Beats, Tokens, random_tokens
from sim.verilated.pipeline import Pipeline


__all__ = ["drive"]


def drive(model: Pipeline, name: str, design: Design, blocks: int) -> None:
    """Send ``blocks`` random blocks, with and without pauses and a reset between; compare all.

    A decompressor also gets metadata with one wrong bit.

    Raises
    ------
    AssertionError
        If a beat is wrong.
    TimeoutError
        If the design stops.
    """
    tokens = random_tokens(design, blocks, generator("coverage", name, design))
    sent, expected = tokens.dense, tokens.compressed
    if name == "decompressor":
        sent, expected = expected, expanded(design, tokens)
    _pass(model, sent, expected, tokens, name)
    if name == "decompressor":
        _pass(model, *_spoiled(design, sent, expected), tokens, name)


def _pass(model: Pipeline, sent: Beats, expected: Beats, tokens: Tokens, name: str) -> None:
    for stall in (0.0, STALL):
        model.reset()
        got, _ = model.run(sent, len(expected.last), limit=100 * len(sent.last), stall=stall,
                           seed=seed(), channel=tokens.channel, shift=tokens.shift)
        compare(got, expected, name)


def _spoiled(design: Design, sent: Beats, expected: Beats) -> tuple[Beats, Beats]:
    """The same with a wrong bitmask in every second block: flagged, and all zero.

    One bit of it is wrong, or all are 1, where not every value is kept.
    """
    rng = generator("coverage", "spoiled", design)
    wrong = np.arange(len(sent.last)) % 2 == 1
    flips = np.zeros_like(sent.user)
    flips[np.arange(len(wrong)), rng.integers(sent.user.shape[1], size=len(wrong))] = True
    user = sent.user ^ (flips & wrong[:, None])
    user[3::4] |= design.pattern.n < design.pattern.m
    return (Beats(sent.data, sent.last, user),
            Beats(expected.data & ~wrong[:, None], expected.last, wrong[:, None]))

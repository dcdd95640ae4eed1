"""Jobs of rare numbers: the largest sums with terms at their ends, and values that are alike."""

import torch

from hw.fixed_point import Output
from sim.vectors.layers import random_tensor
from sw.driver.linear import Channels, Corrections
from verify.jobs import JobBench


__all__ = ["alike", "largest"]


ENDS = (
    (61254, ((57343, 31, -6506617), (23861, 16, 4796909), (65535, 18, 8388607), (1, 31, 0))),
    (54816, ((30102, 0, -6032299), (65534, 31, -5596763), (57343, 20, -8388608),
             (61439, 0, -7821858))),
)
"""Scale of a token, and scale, shift and bias of four channels. In them the largest sum of the
default accelerator carries wherever it can. A search over random terms has found them, but for the
shift of the largest bias: a carry out of bit 41 of the total needs a bias with 1 in bit 40 and 0 in
bit 41."""


def largest(bench: JobBench) -> None:
    """As many blocks as sums hold, of products as large as they come.

    The channel without a bias is negative; its result is a small number, which rounds to 0.
    """
    features = bench.blocks * bench.design.pattern.m
    x = torch.full((1, features), -128, dtype=torch.int8)
    for scale, channels in ENDS:
        w = x.repeat(len(channels), 1)
        w[[not bias for *_, bias in channels]] = 127
        terms = Corrections(Output.INT8, token_scale=torch.tensor([[scale]]),
                            channels=Channels(*torch.tensor(channels).T))
        bench.run(bench.job(x, w, terms if Output.INT8 in bench.outputs else Corrections()))
    bench.run(bench.small())


def alike(bench: JobBench) -> None:
    """Blocks whose values have bits in common, so that all or none of them count."""
    for output in bench.outputs[1:] or bench.outputs:  # raw results have no terms
        tokens, outputs = bench.design.batch_tokens, 8 * bench.design.columns
        x, w = (_alike(bench, rows) for rows in (tokens, outputs))
        bench.run(bench.job(x, w, bench.terms(output, tokens, outputs)))


def _alike(bench: JobBench, rows: int) -> torch.Tensor:
    """Numbers, int8 [rows, 16 blocks]; each bit is random, or 0 or 1 for a whole block.

    Every other row has no negative number, and of every fourth block all that is kept stands in
    its second half.
    """
    size, blocks = bench.design.pattern.m, min(16, bench.design.max_blocks)

    def bits(*shape: int) -> torch.Tensor:
        return random_tensor(bench.rng, -128, 128, rows, *shape, kind=torch.int8)

    kept, put = bits(blocks, 1) | bits(blocks, 1), bits(blocks, 1) & bits(blocks, 1)
    values = bits(blocks, size) & kept | put
    values[::2] &= 127
    values[:, ::4, :size // 2] = 0
    values[:, ::4, size // 2:] |= 1
    return values.reshape(rows, -1)

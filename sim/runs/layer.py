"""A feed-forward layer of a trained model through the RTL: what ``python -m sim.layer`` does."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hw.command.progress import doing, track
from hw.command.table import Table
from hw.config import Design
from sim.verilated import Accelerator
from sw.driver.linear import run_linear
from sw.evaluation.activations import feed_forward
from sw.evaluation.metrics import cosine, snr_db
from sw.exact.linear import nm_linear
from sw.exact.quantize import quantize


__all__ = ["Outcome", "report", "run_layer"]


@dataclass(frozen=True)
class Outcome:
    """What one linear layer came to at one pattern.

    Attributes
    ----------
    exact : bool
        Whether every accumulator of the RTL equals the reference.
    steps, cycles : int
        Cycles from the array's first step to its last, and from start to done.
    size : float
        Compressed activations, values and bitmask, against dense ones.
    snr, cosine : float
        Of the output against the layer in floating point; the SNR in dB.
    """

    exact: bool
    steps: int
    cycles: int
    size: float
    snr: float
    cosine: float


def run_layer(accelerator: Accelerator, x: Tensor, weight: Tensor, bias: Tensor) -> Outcome:
    """Quantise a linear layer, run it through the RTL and compare.

    Parameters
    ----------
    accelerator : Accelerator
        A simulated accelerator; its pattern is applied.
    x, weight, bias : Tensor
        float32, [T, K], [O, K] and [O].
    """
    pattern = accelerator.design.pattern
    tokens, weights = quantize(x), quantize(weight)
    sums, counters = run_linear(accelerator, tokens.values, weights.values)
    exact = torch.equal(sums, nm_linear(tokens.values, weights.values, pattern).long())
    y = sums.float() * tokens.scale * weights.scale.t() + bias
    reference = x @ weight.t() + bias
    metadata = 0 if pattern.dense else pattern.bitmask_bits
    return Outcome(exact, counters["ARRAY_CYCLES"], counters["CYCLES"],
                   (pattern.n * 8 + metadata) / (pattern.m * 8),
                   snr_db(reference, y), cosine(reference, y))


def report(designs: list[Design], layer: int, sentences: list[str]) -> bool:
    """Run and print every pattern beside its dense baseline; return whether all is exact."""
    with doing("running the encoder"):
        ffn = feed_forward(sentences, layer)
    parts = {"up": (ffn.x_up, ffn.w_up, ffn.b_up), "down": (ffn.x_down, ffn.w_down, ffn.b_down)}
    table = Table(f"MiniLM feed-forward layer {layer}, {len(ffn.tokens)} tokens, "
                  f"{designs[0].rows} x {designs[0].columns} array", ("pattern", "layer"),
                  ("bit-exact", "array cycles", "dense cycles", "fewer", "job cycles", "size",
                   "SNR dB", "cosine"))
    exact = True
    for design in track(designs, "patterns"):
        sparse, dense = Accelerator(design), Accelerator(design.baseline)
        total_sparse = total_dense = 0
        for name, part in parts.items():
            with doing(f"simulating {name} at {design.pattern}"):
                ours = run_layer(sparse, *part)
            with doing(f"simulating {name} dense"):
                theirs = run_layer(dense, *part)
            exact = exact and ours.exact and theirs.exact
            total_sparse += ours.steps
            total_dense += theirs.steps
            table.row(str(design.pattern), name, "yes" if ours.exact else "NO",
                      f"{ours.steps}", f"{theirs.steps}", f"{theirs.steps / ours.steps:.3f}x",
                      f"{ours.cycles}", f"{ours.size:.4f}", f"{ours.snr:.2f}",
                      f"{ours.cosine:.5f}")
        table.row(str(design.pattern), "both", "", f"{total_sparse}", f"{total_dense}",
                  f"{total_dense / total_sparse:.3f}x")
        table.section()
    table.print()
    return exact

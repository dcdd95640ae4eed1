"""A feed-forward layer of a trained model through the RTL: ``python -m sim.layer``."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from rich.console import Console
from rich.progress import track
from rich.table import Table
from torch import Tensor

from hw.config import Design
from sim.command import make_parser, read_designs, read_sentences
from sim.verilated import Accelerator
from sw.driver.linear import run_linear
from sw.evaluation.activations import feed_forward
from sw.evaluation.metrics import cosine, snr_db
from sw.exact.linear import nm_linear
from sw.exact.quantize import quantize


__all__ = ["Outcome", "main", "run_layer"]


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


def _report(designs: list[Design], layer: int, sentences: list[str], console: Console) -> bool:
    """Run and print every pattern beside its dense baseline; return whether all is exact."""
    ffn = feed_forward(sentences, layer)
    parts = {"up": (ffn.x_up, ffn.w_up, ffn.b_up), "down": (ffn.x_down, ffn.w_down, ffn.b_down)}
    table = Table(title=f"MiniLM feed-forward layer {layer}, {len(ffn.tokens)} tokens, "
                        f"{designs[0].rows} x {designs[0].columns} array")
    for heading in ("pattern", "layer", "bit-exact", "array cycles", "dense cycles", "fewer",
                    "job cycles", "size", "SNR dB", "cosine"):
        table.add_column(heading, justify="left" if heading in ("pattern", "layer") else "right")

    exact = True
    for design in track(designs, description="patterns", console=console, transient=True):
        sparse, dense = Accelerator(design), Accelerator(design.baseline)
        total_sparse = total_dense = 0
        for name, part in parts.items():
            ours, theirs = run_layer(sparse, *part), run_layer(dense, *part)
            exact = exact and ours.exact and theirs.exact
            total_sparse += ours.steps
            total_dense += theirs.steps
            table.add_row(str(design.pattern), name, "yes" if ours.exact else "NO",
                          f"{ours.steps}", f"{theirs.steps}", f"{theirs.steps / ours.steps:.3f}x",
                          f"{ours.cycles}", f"{ours.size:.4f}", f"{ours.snr:.2f}",
                          f"{ours.cosine:.5f}")
        table.add_row(str(design.pattern), "both", "", f"{total_sparse}", f"{total_dense}",
                      f"{total_dense / total_sparse:.3f}x", end_section=True)
    console.print(table)
    return exact


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = make_parser(
        "python -m sim.layer",
        "Run a feed-forward layer of the MiniLM sentence encoder through the generated RTL, in "
        "Verilator, and compare it with the reference.")
    arguments = parser.parse_args(argv)
    try:
        exact = _report(read_designs(arguments), arguments.layer, read_sentences(arguments),
                        Console(width=110))
    except ValueError as error:
        parser.error(str(error))
    raise SystemExit(0 if exact else 1)


if __name__ == "__main__":
    main()

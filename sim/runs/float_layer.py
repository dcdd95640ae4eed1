"""A feed-forward layer in floats: both projections through the RTL, and nothing in between.

What leaves the first projection, with bias and GELU, in bf16 or fp16, is what the second one takes.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import gelu

from hw.command.progress import doing, track
from hw.command.table import Table
from hw.config import Design
from sim.verilated import Accelerator
from sw.driver.float_operands import elements
from sw.driver.floats import float_linear, run_float_linear
from sw.driver.linear import Backend
from sw.evaluation.activations import FeedForward, feed_forward
from sw.evaluation.metrics import cosine, snr_db
from sw.exact.blocks import tensor_scale
from sw.exact.formats import TYPES


__all__ = ["Chained", "Layer", "by_rule", "calibrated", "chained", "in_float32", "on_accelerator",
           "report"]


class Chained(NamedTuple):
    """Results of both projections, and the cycles of the array in both jobs."""

    up: Tensor
    down: Tensor
    cycles: int = 0


class Scales(NamedTuple):
    """Scales of the tensors of tokens, known before a projection runs."""

    up: float
    down: float


Layer = Callable[[Tensor, Tensor, Tensor, bool, float], tuple[Tensor, int]]
"""What computes a projection: of tokens, weights and bias, whether GELU follows, and the scale of
the tensor of tokens."""


def on_accelerator(backend: Backend) -> Layer:
    """A projection as a job of an accelerator with ``activation`` gelu."""
    def run(x: Tensor, weight: Tensor, bias: Tensor, active: bool, tensor: float
            ) -> tuple[Tensor, int]:
        y, counters = run_float_linear(backend, x, weight, bias, active, tensor)
        return y, counters["ARRAY_CYCLES"]
    return run


def by_rule(design: Design) -> Layer:
    """A projection as the reference computes it."""
    def run(x: Tensor, weight: Tensor, bias: Tensor, active: bool, tensor: float
            ) -> tuple[Tensor, int]:
        return float_linear(x, elements(weight, design), design, bias, active, tensor)[0], 0
    return run


def calibrated(design: Design, up: Tensor, down: Tensor) -> Scales:
    """Scales of the tokens of both projections from those of the layer in float32; else 1."""
    return Scales(*(tensor_scale(x) if design.tensor_scaled else 1.0 for x in (up, down)))


def chained(layer: Layer, ffn: FeedForward, scales: Scales, kind: torch.dtype) -> Chained:
    """Both projections of a feed-forward layer; its tokens, weights and biases become ``kind``."""
    up, first = layer(ffn.x_up.to(kind), ffn.w_up.to(kind), ffn.b_up.to(kind), True, scales.up)
    down, second = layer(up, ffn.w_down.to(kind), ffn.b_down.to(kind), False, scales.down)
    return Chained(up, down, first + second)


def in_float32(ffn: FeedForward) -> Chained:
    """Both projections in float32."""
    up = gelu(ffn.x_up @ ffn.w_up.t() + ffn.b_up)
    return Chained(up, up @ ffn.w_down.t() + ffn.b_down)


def report(designs: list[Design], layer: int, sentences: list[str]) -> bool:
    """Run and print every design; return whether all is exact."""
    with doing("running the encoder"):
        ffn = feed_forward(sentences, layer)
    up, down = in_float32(ffn)[:2]
    table = Table(f"MiniLM feed-forward layer {layer} in floats, {len(ffn.tokens)} tokens, "
                  f"{designs[0].rows} x {designs[0].columns} array", ("format", "pattern"),
                  ("bit-exact", "array cycles", "cosine up", "cosine down", "SNR dB"))
    exact = True
    for design in track(designs, "designs"):
        kind, name = TYPES[design.format], design.multiplied.format
        name += f" by {design.weight_format}" * design.paired
        with doing(f"simulating both projections at {design.pattern} in {name}"):
            scales = calibrated(design, ffn.x_up, up)
            got = chained(on_accelerator(Accelerator(design)), ffn, scales, kind)
        with doing("computing both projections by the rule"):
            expected = chained(by_rule(design), ffn, scales, kind)
        same = all(torch.equal(one.view(torch.int16), other.view(torch.int16))
                   for one, other in zip(got[:2], expected[:2], strict=True))
        exact = exact and same
        table.row(name, str(design.pattern), "yes" if same else "NO", f"{got.cycles}",
                  f"{cosine(up, got.up.float()):.5f}", f"{cosine(down, got.down.float()):.5f}",
                  f"{snr_db(down, got.down.float()):.2f}")
    table.print()
    return exact

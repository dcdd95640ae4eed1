"""A feed-forward layer in floats out of a memory: ``python -m sim.system --formats``.

What leaves the first projection is what the second one takes; data move in between, and nothing is
computed.
"""

import torch
from torch import Tensor

from hw.command.progress import doing, track
from hw.command.table import Table
from hw.config import Design
from sim.runs.float_layer import Layer, by_rule, calibrated, chained, in_float32
from sim.runs.float_program import Run, run_float_program
from sim.runs.system import Memory, place
from sw.driver.floats import FloatLayer
from sw.evaluation.activations import feed_forward
from sw.exact.formats import TYPES


__all__ = ["report"]


def _on_memory(design: Design, memory: Memory, runs: list[Run]) -> Layer:
    """A projection by the driver in C, which is added to ``runs``."""
    def run(x: Tensor, weight: Tensor, bias: Tensor, active: bool, tensor: float
            ) -> tuple[Tensor, int]:
        scale = tensor if design.tensor_scaled else None
        with doing(f"simulating {('up', 'down')[len(runs)]} at {design.pattern} in "
                   f"{design.weight_format}, tokens: {len(x)}"):
            runs.append(run_float_program(design, memory,
                                          FloatLayer(x, weight, bias, active, scale)))
        return runs[-1].y, runs[-1].array_cycles
    return run


def report(designs: list[Design], layer: int, sentences: list[str], memory: Memory) -> bool:
    """Run and print every design; return whether all is exact."""
    with doing("running the encoder"):
        ffn = feed_forward(sentences, layer)
    table = Table(f"MiniLM feed-forward layer {layer} in floats, {len(ffn.tokens)} tokens, "
                  f"{place(designs[0], memory)}", ("format", "pattern", "layer"),
                  ("bit-exact", "cycles", "busy", "of all", "token bytes", "weight bytes",
                   "bias bytes", "result bytes"))
    exact = True
    for design in track(designs, "designs"):
        runs: list[Run] = []
        scales, kind = calibrated(design, ffn.x_up, in_float32(ffn).up), TYPES[design.format]
        chained(_on_memory(design, memory, runs), ffn, scales, kind)
        with doing("computing both projections by the rule"):
            expected = chained(by_rule(design), ffn, scales, kind)
        for name, run, wanted in zip(("up", "down"), runs, expected[:2], strict=True):
            same = torch.equal(run.y.view(torch.int16), wanted.view(torch.int16))
            exact = exact and same
            table.row(design.weight_format, str(design.pattern), name, "yes" if same else "NO",
                      f"{run.cycles}", f"{100 * run.steps / run.array_cycles:.1f} %",
                      f"{100 * run.steps / run.cycles:.1f} %",
                      *(f"{run.moved[stream]}" for stream in ("act", "weight", "channel",
                                                              "result")))
        table.section()
    table.print()
    return exact

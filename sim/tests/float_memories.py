"""Runs jobs in floats on an accelerator with a bus; the rest is as in ``sim.tests.memories``."""

from dataclasses import replace

import torch

from hw.config import Pattern
from sim.tests.memories import BASE, Bench, Task, put_on_bus
from sim.tests.test_float_accelerator import TENSOR, floats, operands, rounded
from sim.tests.test_pair_accelerator import scaled_weights
from sim.vectors.memory import place
from sw.driver.float_memory import float_memory_job
from sw.driver.floats import FloatLayer, float_linear
from sw.exact.formats import TYPES, to_bits
from sw.exact.outputs import Scaled


__all__ = ["FLOAT_BUS_DESIGNS", "FloatBench"]


FLOAT_BUS_DESIGNS = {
    "nvfp4": put_on_bus(floats("4:8", "bf16", "nvfp4", columns=3, epilogue_lanes=1,
                               result_format="bf16", activation="silu"), 64, 4, 3),
    "fp8": replace(put_on_bus(floats("2:4", "bf16", "fp8_e4m3", columns=5, accumulator="exact",
                                     accumulator_width=42, flexible="all", unstructured=True),
                              64, 8, 4), decode=True),
    "mxfp4": put_on_bus(floats("4:32", "bf16", "mxfp4", columns=1, selector="serial",
                               result_format="bf16"), 128, 16, 2),
    "fp6": put_on_bus(floats("3:7", "fp6_e2m3", epilogue_lanes=2, result_format="bf16", columns=3),
                      64, 1, 8),
    "fp16": put_on_bus(floats("4:8", "fp16", columns=2, epilogue_lanes=1, result_format="fp16",
                              activation="gelu"), 64, 2, 2),
    "int4": replace(put_on_bus(floats("4:8", "bf16", weight_format="int4", columns=3,
                                      epilogue_lanes=2, result_format="bf16", activation="silu"),
                               64, 4, 4), decode=True),
}
"""Elements of odd numbers of words, and several in a word; the first one is for plain tests."""


class FloatBench(Bench):
    """An accelerator in floats and its memory; results are those of the rule."""

    def layer(self, features: int = 0, tokens: int = 0) -> FloatLayer:
        """Up to 9 ``tokens`` and 5 outputs, with all that the design can do, or some of it."""
        design, m = self.design, self.design.pattern.m
        outputs = int(self.rng.integers(1, 6))
        x, weight = operands(design, tokens or int(self.rng.integers(1, 10)),
                             features or int(self.rng.integers(1, 6 * m)), outputs)
        scale = None
        if design.scales_outputs:
            (weight, scale, _), _ = scaled_weights(design, outputs, x.shape[1])
        bias = torch.from_numpy(self.rng.standard_normal(outputs) * 4).to(
            TYPES[design.result_format] if design.biases else torch.float32)
        finishes = design.biases and self.rng.random() < 0.7
        pattern, threshold = None, 0
        if design.flexible == "all":
            pattern = Pattern(int(self.rng.integers(1, m + 1)), m)
        if design.unstructured and self.rng.random() < 0.4:
            threshold = int(self.rng.integers(1, 1 << design.score_width))
        active = finishes and design.activation != "none" and self.rng.random() < 0.6
        return FloatLayer(x, weight, bias if finishes else None, bool(active),
                          TENSOR["tensor"] if design.tensor_scaled else None, pattern, threshold,
                          scale)

    def task(self, start: int = 0, kept: bool = False, features: int = 0, tokens: int = 0,
             decode: bool = False) -> Task:
        """A random layer, put into memory; ``kept`` is for integers."""
        design, layer = self.design, self.layer(features, tokens)
        job = float_memory_job(design, *layer, decode=decode)
        begin = BASE + start + int(self.rng.integers(0, 8192))
        placed, _ = place(job, self.device.memory, BASE, begin, self.rng)
        self.device.allow(placed.address, job.result_size)
        weight = rounded(layer.weight, design) if layer.scale is None else Scaled(
            layer.weight, layer.scale, design.weight_format)
        y, _ = float_linear(layer.x, weight, design, layer.bias, layer.activate,
                            layer.tensor or 1.0, layer.pattern, layer.threshold)
        name = design.result_format
        bits = y.view(torch.int32).long() if name == "fp32" else to_bits(y, name)
        sign = 1 << design.result_bits - 1
        return Task(layer, placed, (bits & sign - 1) - (bits & sign))

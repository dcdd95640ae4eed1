"""Random layers with every parameter that a job of an accelerator can have."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hw.config import Design, Pattern
from hw.fixed_point import Output
from sw.driver.linear import Channels, Corrections, LinearJob, linear_job


__all__ = ["Layer", "random_layer", "random_tensor"]


@dataclass(frozen=True)
class Layer:
    """A layer as a job of an accelerator.

    Attributes
    ----------
    x, w : Tensor
        int8, [T, K] and [O, K].
    corrections : Corrections
    job : LinearJob
    """

    x: Tensor
    w: Tensor
    corrections: Corrections
    job: LinearJob


def random_tensor(rng: np.random.Generator, low: int, high: int, *shape: int,
                  kind: torch.dtype = torch.int64) -> Tensor:
    """Integers from ``low`` to below ``high``."""
    return torch.from_numpy(rng.integers(low, high, shape)).to(kind)


def random_layer(design: Design, rng: np.random.Generator, kept: bool = False,
                 features: int = 0, tokens: int = 0) -> Layer:
    """A layer of up to 9 ``tokens`` and 5 outputs, with all that a design can do, or some of it.

    ``kept`` layers use the parameters of the input channels that are loaded. By default it has up
    to 32 ``features``, or 96 where they may come in chunks.
    """
    tokens, outputs = tokens or int(rng.integers(1, 10)), int(rng.integers(1, 6))
    features = features or int(rng.integers(1, 33 if design.whole_tokens else 97))
    x = random_tensor(rng, -90, 110, tokens, features, kind=torch.int8)
    w = random_tensor(rng, -128, 128, outputs, features, kind=torch.int8)
    corrections = _corrections(design, rng, (tokens, features, outputs), kept)
    return Layer(x, w, corrections, linear_job(design, x, w, corrections, **_asked(design, rng)))


def _corrections(design: Design, rng: np.random.Generator, shape: tuple[int, int, int],
                 kept: bool) -> Corrections:
    tokens, features, outputs = shape
    given: dict = {"keep_loaded": kept}
    if design.coefficients and not kept:
        given["factors"] = random_tensor(rng, 0, 1 << design.coefficients, features)
    if design.shift == "channel" and not kept:
        given["shifts"] = random_tensor(rng, -60, 60, features)
    if design.shift == "scalar":
        given["static_shift"] = int(rng.integers(-60, 60))
    wide = design.accumulator_width >= 32
    outputs_left = [one for one in Output if wide or one != Output.FP32]
    output = Output(int(rng.choice(outputs_left))) if design.epilogue_lanes else Output.RAW
    if output == Output.RAW:
        return Corrections(**given)
    if output >= Output.INT8:
        given["channels"] = Channels(*(random_tensor(rng, low, high, outputs) for low, high in
                                       ((1 << 14, 1 << 16), (8, 17), (-20000, 20000))))
        given["exponent"] = int(rng.integers(-20, 20))
    if rng.random() < 0.5:
        given["token_scale"] = random_tensor(rng, 0, 1 << 16, tokens, 1)
    whole = design.pattern.blocks(features) <= design.max_blocks
    return Corrections(output, variance=bool(design.statistics and whole and rng.random() < 0.5),
                       token_shift=bool(design.dynamic_shift and rng.random() < 0.5), **given)


def _asked(design: Design, rng: np.random.Generator) -> dict:
    """A pattern or a threshold, where the design takes one at run time."""
    if design.flexible == "none":
        return {}
    if design.unstructured and rng.random() < 0.3:
        return {"threshold": int(rng.integers(1, 90))}
    own = design.pattern
    smaller = int(rng.integers(own.m.bit_length() - 1)) if design.flexible == "all" else 0
    m = own.m >> smaller
    return {"pattern": Pattern(int(rng.integers(1, m + 1)), m)}

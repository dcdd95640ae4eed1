"""Linear layers in floats on an accelerator: bits of tokens and weights, and of what comes out."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from hw.config import Design, Pattern
from hw.fixed_point import Output
from hw.formats import NVFP4_LEAST_TENSOR
from sw.driver.beats import column_tiles, result_tensor, term_beats
from sw.driver.float_beats import (
    float_token_beats,
    float_weight_beats,
    floats_of_bytes,
    terms_of_bytes,
    weights_of_bytes,
)
from sw.driver.float_operands import (
    Terms,
    Weights,
    elements,
    kept_elements,
    result_gain,
    terms_of,
)
from sw.driver.float_require import require_finish, require_layer
from sw.driver.linear import Backend, LinearJob, cycle_limit, field_word, run_job
from sw.driver.require import require_threshold
from sw.exact.activation import activate as activation
from sw.exact.activation import add_bias
from sw.exact.blocks import Blocks, check_tensor, tensor_scale
from sw.exact.dot import dot
from sw.exact.formats import Coded, from_bits, magnitudes, to_bits
from sw.exact.outputs import Scaled, scale_outputs
from sw.exact.selection import nm_mask


__all__ = ["FloatLayer", "float_job", "float_linear", "float_registers", "layer_of_beats",
           "result_floats", "run_float_linear"]


def _selection(design: Design, pattern: Pattern, threshold: int) -> Callable[[Tensor], Tensor]:
    """What a job keeps of values as selection sees them, [T, K] to bool."""
    if threshold:
        return lambda values: magnitudes(values, design.selected_number.name) >= threshold
    return lambda values: nm_mask(values, pattern.n, pattern.m)


def float_linear(x: Tensor, weight: Weights, design: Design, bias: Tensor | None = None,
                 activate: bool = False, tensor: float = 1.0, pattern: Pattern | None = None,
                 threshold: int = 0) -> tuple[Tensor, Tensor]:
    """What an accelerator in floats computes of tokens ``x`` [T, K], to the bit.

    Returns the results [T, O], of the type of the design's ``result_format``, and the mask of the
    values that are kept, bool [T, K]. Bias, function, scale of the tensor, pattern and threshold as
    in :func:`run_float_linear`.
    """
    terms, gain = Terms(None, bias), result_gain(weight, tensor)
    if isinstance(weight, Scaled):
        terms, weight = Terms(weight.scale, bias), Coded(weight.values, weight.name)
    return _computed(x, weight, design, terms, activate, tensor, gain, pattern or design.pattern,
                     threshold)


def _computed(x: Tensor, weight: Coded | Blocks, design: Design, terms: Terms, activate: bool,
              tensor: float, gain: float, pattern: Pattern, threshold: int
              ) -> tuple[Tensor, Tensor]:
    """As :func:`float_linear`, by what is in the registers."""
    operand, mask = kept_elements(x, design, tensor, _selection(design, pattern, threshold))
    least = 1 if threshold else design.steps(pattern)
    y = dot(operand, weight, design.pattern.m, mask, design.accumulator, design.guard,
            design.summing.result_format, gain, design.lanes, least)
    return finished(y, design, terms, activate), mask


def finished(y: Tensor, design: Design, terms: Terms, activate: bool) -> Tensor:
    """Results of sums: times their scales, with bias and function, where a job asks for them."""
    bias = terms.bias
    if terms.scale is not None:
        y = scale_outputs(y, terms.scale)
    if bias is not None or activate or design.scales_outputs:
        y = add_bias(y, bias if bias is not None else torch.zeros((), dtype=y.dtype))
    return activation(y, design.activation) if activate else y


def float_job(design: Design, x: Tensor, weight: Tensor, bias: Tensor | None = None,
              activate: bool = False, tensor: float | None = None,
              pattern: Pattern | None = None, threshold: int = 0, scale: Tensor | None = None
              ) -> LinearJob:
    """Make a job of a sparse linear layer; parameters and errors as in :func:`run_float_linear`."""
    layer = FloatLayer(x, weight, bias, activate, tensor, pattern, threshold, scale)
    registers, coded = float_registers(design, layer)
    tokens, blocks, tiles = (registers[name] for name in ("TOKENS", "K_BLOCKS", "COLUMN_TILES"))
    per_block = design.most_steps if threshold else design.steps(pattern or design.pattern)
    inputs = {"act": float_token_beats(x, len(weight), design),
              "weight": float_weight_beats(coded, tokens, design)}
    if layer.finishes(design):
        inputs["channel"] = term_beats(terms_of(coded, bias, design), tokens, blocks, design)
    return LinearJob(registers, inputs, tiles * tokens,
                     cycle_limit(design, tokens, tiles, per_block * blocks, inputs))


class FloatLayer(NamedTuple):
    """A layer and what a job does with it; see :func:`run_float_linear`."""

    x: Tensor
    weight: Tensor
    bias: Tensor | None = None
    activate: bool = False
    tensor: float | None = None
    pattern: Pattern | None = None
    threshold: int = 0
    scale: Tensor | None = None

    def finishes(self, design: Design) -> bool:
        """Whether something follows the sums on an accelerator, and the job brings its terms."""
        return self.bias is not None or self.activate or design.scales_outputs


def float_registers(design: Design, layer: FloatLayer) -> tuple[dict[str, int], Weights]:
    """What to write for a layer, and its weights; errors as in :func:`run_float_linear`."""
    x, weight = layer.x, layer.weight
    require_layer(design, x, weight, layer.scale)
    require_finish(design, len(weight), layer.bias, layer.activate, layer.scale)
    require_threshold(design, layer.threshold)
    asked, coded = layer.pattern or design.pattern, elements(weight, design, layer.scale)
    if not layer.threshold:
        design.steps(asked)
    output = Output.BF16 if layer.finishes(design) else Output.RAW
    registers = {"K_BLOCKS": design.pattern.blocks(x.shape[1]), "TOKENS": len(x),
                 "COLUMN_TILES": column_tiles(design, len(weight)),
                 "OUTPUT": output.value, "CORRECTIONS": 0, "STATIC_SHIFT": 0,
                 "ACTIVATE": int(layer.activate),
                 **_tensor_register(design, x, coded, layer.tensor)}
    if design.flexible != "none":
        registers |= {"JOB_PATTERN": field_word("JOB_PATTERN", keep=asked.n, size=asked.m)}
    if design.unstructured:
        registers |= {"THRESHOLD": layer.threshold}
    return registers, coded


def _tensor_register(design: Design, x: Tensor, weight: Weights, tensor: float | None
                     ) -> dict[str, int]:
    """``TENSOR_SCALE`` of a job, where the accelerator has it."""
    if not design.tensor_scaled:
        check_tensor("tensor", 1.0 if tensor is None else tensor, design.weight_format, 0)
        return {}
    tensor = tensor_scale(x) if tensor is None else tensor
    check_tensor("tensor", tensor, design.weight_format, NVFP4_LEAST_TENSOR)
    bits = to_bits(torch.tensor([tensor, result_gain(weight, tensor)]).bfloat16(), "bf16").tolist()
    return {"TENSOR_SCALE": field_word("TENSOR_SCALE", tensor=bits[0], gain=bits[1])}


def run_float_linear(backend: Backend, x: Tensor, weight: Tensor, bias: Tensor | None = None,
                     activate: bool = False, tensor: float | None = None,
                     pattern: Pattern | None = None, threshold: int = 0,
                     scale: Tensor | None = None) -> tuple[Tensor, dict[str, int]]:
    """Run a sparse linear layer of any size in floats as one job.

    Parameters
    ----------
    backend : Backend
        An accelerator that multiplies floats.
    x : Tensor
        [T, K], of the type ``sw.exact.formats.TYPES`` of the accelerator's ``format``: dense
        tokens. The accelerator prunes them, and quantises them where it has ``quantize``.
    weight : Tensor
        Floating-point, [O, K], at most 16 bits wide in block formats. Rounded once to the format
        of weights unless they come in it, in block formats over the scale of each block of an
        output's features, in NVFP4 beside :func:`sw.exact.blocks.weight_tensor_scale`, to integers
        by :func:`sw.exact.outputs.quantize_outputs`. Integers with ``scale`` stay as they are.
    bias : Tensor, optional
        [O], of the type of the results, where the accelerator has an epilogue: added to results,
        which are rounded once more (:func:`sw.exact.activation.add_bias`). Where outputs have
        scales +0 is added if none is given.
    activate : bool
        The accelerator's activation function follows (:func:`sw.exact.activation.activate`), where
        it has one; without a bias, +0 is added first.
    tensor : float, optional
        Scale of the tensor of tokens, in NVFP4: a finite number of bf16 of at least
        ``2 ** NVFP4_LEAST_TENSOR``. By default :func:`sw.exact.blocks.tensor_scale` of ``x``, for
        which the host looks at all tokens; one that was found beforehand spares that.
    pattern : Pattern, optional
        What tokens are pruned to, where the accelerator takes it at run time; by default its own.
    threshold : int
        If not 0: keep all values whose score reaches it instead, where the design is unstructured.
        Scores are :func:`sw.exact.formats.magnitudes` in the format that selection sees, the
        tokens' or with selection after quantisation that of elements.
    scale : Tensor, optional
        [O], of the type of the results, where the accelerator multiplies floats by integers:
        weights are int8 then, in the range of ``weight_format``, and each output's sums are
        multiplied by its scale (:func:`sw.exact.outputs.scale_outputs`).

    Returns
    -------
    tuple of Tensor and dict
        Results [T, O], float32, bfloat16 or float16 as the accelerator's ``result_format`` is, and
        each of :data:`sw.driver.linear.COUNTERS`. The same as :func:`float_linear` of the rounded
        weights.

    Raises
    ------
    ValueError
        If the accelerator is one of integers, there is no token, or no output or input feature; if
        x and weight do not fit, or are of other types; if K is more than the accumulators cover; if
        the accelerator has no epilogue, or no function, and one is asked for; if it cannot run the
        pattern, or takes no threshold, or none so large; if the scale of the tensor is none, or out
        of range times that of the weights, or the format has none; if there are scales of outputs
        and the accelerator, or the weights, are none that have them.
    RuntimeError
        If the accelerator reports an error.
    """
    design = backend.design
    job = float_job(design, x, weight, bias, activate, tensor, pattern, threshold, scale)
    results, counters = run_job(backend, job)
    bits = result_tensor(results, len(x), x.shape[1], len(weight), design)
    return result_floats(bits, design), counters


def result_floats(bits: Tensor, design: Design) -> Tensor:
    """Numbers of the design's ``result_format`` from bits that were read as signed integers."""
    if design.result_format == "fp32":
        return bits.to(torch.int32).view(torch.float32)
    return from_bits(bits & 0xFFFF, design.result_format)


def layer_of_beats(x: Tensor, weight: Tensor, design: Design, terms: Tensor | None = None,
                   activate: bool = False, tensor: float = 1.0, gain: float = 1.0, *,
                   pattern: Pattern, threshold: int = 0) -> tuple[Tensor, Tensor]:
    """What an accelerator in floats computes of the bytes on its streams.

    Parameters
    ----------
    x : Tensor
        uint8 [T, blocks, bytes].
    weight : Tensor
        uint8 [tiles, blocks, bytes].
    design : Design
        Of the accelerator.
    terms : Tensor, optional
        uint8 [T, tiles, bytes]: biases of each token's batch, or scales and biases.
    activate : bool
        The activation function follows.
    tensor, gain : float
        In NVFP4: the scale of the tensor of tokens, and what sums are multiplied by.
    pattern : Pattern
        That of the job.
    threshold : int
        That of the job, or 0.

    Returns
    -------
    tuple of Tensor and Tensor
        Bits of the results, int64 [T, tiles, columns], and the mask bool [T, blocks, M].
    """
    m = design.pattern.m
    values = floats_of_bytes(x, m, design.format).flatten(1)
    given = Terms() if terms is None else terms_of_bytes(terms, design)
    y, mask = _computed(values, weights_of_bytes(weight, design), design, given, activate, tensor,
                        gain, pattern, threshold)
    name = design.result_format
    bits = y.view(torch.int32).long() if name == "fp32" else to_bits(y, name)
    return bits.reshape(len(x), -1, design.columns), mask.reshape(len(x), -1, m)

"""Linear layers in floats on an accelerator: bits of tokens and weights, and of what comes out."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from hw.config import Design
from hw.fixed_point import Output
from hw.formats import BLOCK_FORMATS
from sw.driver.beats import (
    Beats,
    bias_beats,
    column_tiles,
    ordered_activations,
    ordered_weights,
    result_tensor,
)
from sw.driver.linear import Backend, LinearJob, cycle_limit, run_job
from sw.driver.require import require_operands
from sw.exact.activation import activate as activation
from sw.exact.activation import add_bias
from sw.exact.blocks import SCALE_TYPES, Blocks, quantize_blocks
from sw.exact.convert import convert
from sw.exact.dot import dot
from sw.exact.epilogue import floats
from sw.exact.formats import TYPES, Coded, from_bits, to_bits
from sw.exact.quantizer import quantize_kept
from sw.exact.selection import nm_mask


__all__ = ["float_job", "float_linear", "layer_of_beats", "run_float_linear"]


SCALE_BITS = 8
"""Of a scale E8M0."""


def elements(values: Tensor, name: str) -> Coded | Blocks:
    """Values [rows, K] in a format: rounded once, in a block format with scales of the blocks."""
    if name in BLOCK_FORMATS:
        return quantize_blocks(values, name)
    return Coded(convert(values, name), name)


def kept_elements(x: Tensor, design: Design) -> tuple[Coded | Blocks, Tensor]:
    """Tokens [T, K] as the compressor of a design has them, and which values are kept."""
    pattern, name = design.pattern, design.weight_format
    if name in BLOCK_FORMATS:
        kept = quantize_kept(x, name, pattern, design.selection)
        return kept.operand, kept.mask
    coded = elements(x, name)
    compared = coded.values if design.selects_elements else x
    return coded, nm_mask(compared, pattern.n, pattern.m)


def float_linear(x: Tensor, weight: Coded | Blocks, design: Design, bias: Tensor | None = None,
                 activate: bool = False) -> tuple[Tensor, Tensor]:
    """What an accelerator in floats computes of tokens ``x`` [T, K], to the bit.

    Returns the results [T, O], float32 or bfloat16 as the design's ``result_format`` is, and the
    mask of the values that are kept, bool [T, K]. Bias and function as in
    :func:`run_float_linear`.
    """
    operand, mask = kept_elements(x, design)
    y = dot(operand, weight, design.pattern.m, mask, design.accumulator,
            result=design.result_format)
    return finished(y, design, bias, activate), mask


def finished(y: Tensor, design: Design, bias: Tensor | None, activate: bool) -> Tensor:
    """Results with bias and activation function, where a job asks for them."""
    if bias is not None or activate:
        y = add_bias(y, bias if bias is not None else torch.zeros((), dtype=y.dtype))
    return activation(y, design.activation) if activate else y


def float_job(design: Design, x: Tensor, weight: Tensor, bias: Tensor | None = None,
              activate: bool = False) -> LinearJob:
    """Make a job of a sparse linear layer; parameters and errors as in :func:`run_float_linear`."""
    _require(design, x, weight)
    _require_finish(design, len(weight), bias, activate)
    tokens, blocks = len(x), design.pattern.blocks(x.shape[1])
    tiles = column_tiles(design, len(weight))
    inputs = {"act": _token_beats(x, len(weight), design),
              "weight": _weight_beats(elements(weight, design.weight_format), tokens, design)}
    finishes = bias is not None or activate
    if finishes:
        given = bias if bias is not None else torch.zeros(len(weight), dtype=torch.bfloat16)
        inputs["channel"] = bias_beats(given, tokens, blocks, design)
    output = Output.BF16 if finishes else Output.RAW
    registers = {"K_BLOCKS": blocks, "TOKENS": tokens, "COLUMN_TILES": tiles,
                 "OUTPUT": output.value, "CORRECTIONS": 0, "STATIC_SHIFT": 0,
                 "ACTIVATE": int(activate)}
    return LinearJob(registers, inputs, tiles * tokens,
                     cycle_limit(design, tokens, tiles, blocks, inputs))


def run_float_linear(backend: Backend, x: Tensor, weight: Tensor, bias: Tensor | None = None,
                     activate: bool = False) -> tuple[Tensor, dict[str, int]]:
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
        of weights, in block formats over the scale of each block of an output's features.
    bias : Tensor, optional
        bfloat16, [O], where the accelerator has an epilogue: added to results, which are rounded
        once more (:func:`sw.exact.activation.add_bias`).
    activate : bool
        The accelerator's activation function follows (:func:`sw.exact.activation.activate`), where
        it has one; without a bias, +0 is added first.

    Returns
    -------
    tuple of Tensor and dict
        Results [T, O], float32 or bfloat16 as the accelerator's ``result_format`` is, and each of
        :data:`sw.driver.linear.COUNTERS`. The same as :func:`float_linear` of the rounded weights.

    Raises
    ------
    ValueError
        If the accelerator is one of integers, there is no token, or no output or input feature; if
        x and weight do not fit, or are of other types; if K is more than the accumulators cover; if
        the accelerator has no epilogue, or no function, and one is asked for.
    RuntimeError
        If the accelerator reports an error.
    """
    design = backend.design
    results, counters = run_job(backend, float_job(design, x, weight, bias, activate))
    bits = result_tensor(results, len(x), x.shape[1], len(weight), design)
    return floats(bits, Output[design.result_format.upper()]), counters


def layer_of_beats(x: Tensor, weight: Tensor, design: Design, bias: Tensor | None = None,
                   activate: bool = False) -> tuple[Tensor, Tensor]:
    """What an accelerator in floats computes of the bytes on its streams.

    Parameters
    ----------
    x : Tensor
        uint8 [T, blocks, bytes].
    weight : Tensor
        uint8 [tiles, blocks, bytes].
    design : Design
        Of the accelerator.
    bias : Tensor, optional
        uint8 [T, tiles, bytes]: biases of each token's batch.
    activate : bool
        The activation function follows.

    Returns
    -------
    tuple of Tensor and Tensor
        Bits of the results, int64 [T, tiles, columns], and the mask bool [T, blocks, M].
    """
    m, columns = design.pattern.m, design.columns
    values = from_bits(_unpacked(x, m, design.number.bits), design.format).flatten(1)
    given = None if bias is None else from_bits(
        _unpacked(bias, columns, design.result_bits), design.result_format).flatten(1)
    y, mask = float_linear(values, _weights_of_beats(weight, design), design, given, activate)
    bits = to_bits(y, "bf16") if design.result_format == "bf16" else y.view(torch.int32).long()
    return bits.reshape(len(x), -1, columns), mask.reshape(len(x), -1, m)


def _weights_of_beats(weight: Tensor, design: Design) -> Coded | Blocks:
    """Weights [O, K] from their beats, uint8 [tiles, blocks, bytes]."""
    m, columns, name = design.pattern.m, design.columns, design.weight_format
    width = design.weight.bits
    streamed = _unpacked(weight, 8 * weight.shape[-1], 1)
    bits = _joined(streamed[..., :columns * m * width], width).unflatten(-1, (columns, m))
    values = from_bits(bits.transpose(1, 2).reshape(len(weight) * columns, -1),
                       design.weight.name)
    if not design.quantized:
        return Coded(values, name)
    scales = _joined(streamed[..., columns * m * width:][..., :columns * SCALE_BITS], SCALE_BITS)
    each = scales.transpose(1, 2).reshape(len(values), -1)[:, ::design.quantized.size // m]
    return Blocks(values, each.to(torch.uint8).contiguous().view(SCALE_TYPES["e8m0"]), name)


def _token_beats(x: Tensor, outputs: int, design: Design) -> Beats:
    """Beats of ``s_axis_act``; what the last block lacks is zero."""
    bits = pad(to_bits(x, design.format), (0, -x.shape[1] % design.pattern.m))
    blocks = _bits_of(bits.unflatten(1, (-1, design.pattern.m)), design.number.bits)
    return ordered_activations(_bytes(blocks.flatten(2)), outputs, design)


def _weight_beats(weight: Coded | Blocks, tokens: int, design: Design) -> Beats:
    """Beats of ``s_axis_weight``; columns of the last tile that have no output are zero."""
    m, columns = design.pattern.m, design.columns
    bits = to_bits(weight.values, design.weight.name)
    bits = pad(bits, (0, -bits.shape[1] % m, 0, -len(bits) % columns))
    parts = [_by_tile(_bits_of(bits.unflatten(1, (-1, m)), design.weight.bits).flatten(2), columns)]
    if isinstance(weight, Blocks):
        scales = weight.scale.view(torch.uint8).long()
        scales = scales.repeat_interleave(BLOCK_FORMATS[weight.name].size // m, 1)
        scales = pad(scales[:, :bits.shape[1] // m], (0, 0, 0, len(bits) - len(scales)))
        parts.append(_by_tile(_bits_of(scales, SCALE_BITS), columns))
    return ordered_weights(_bytes(torch.cat(parts, -1)), tokens, design)


def _by_tile(bits: Tensor, columns: int) -> Tensor:
    """[O, blocks, bits] to [tiles, blocks, columns * bits]."""
    return bits.unflatten(0, (-1, columns)).transpose(1, 2).flatten(2)


def _bits_of(values: Tensor, width: int) -> Tensor:
    """Bits of integers, the lowest first, in an axis of their own behind the others."""
    return values[..., None] >> torch.arange(width) & 1


def _joined(bits: Tensor, width: int) -> Tensor:
    """The inverse of ``_bits_of``, of bits [..., values * width]."""
    return (bits.unflatten(-1, (-1, width)) << torch.arange(width)).sum(-1)


def _bytes(bits: Tensor) -> Tensor:
    """Bits [..., any] to uint8 [..., bytes], the lowest first; zeros fill the last byte."""
    return _joined(pad(bits, (0, -bits.shape[-1] % 8)), 8).to(torch.uint8)


def _unpacked(data: Tensor, count: int, width: int) -> Tensor:
    """``count`` integers of ``width`` bits from uint8 [..., bytes]: int64 [..., count]."""
    bits = _bits_of(data.long(), 8).flatten(-2)
    return _joined(bits[..., :count * width], width)


def _require_finish(design: Design, outputs: int, bias: Tensor | None, activate: bool) -> None:
    """Raise ValueError if an accelerator does not do this with its results."""
    if not design.biases and (bias is not None or activate):
        raise ValueError("epilogue_lanes of the accelerator must be at least 1 for a bias or an "
                         f"activation function, not {design.epilogue_lanes}")
    if activate and design.activation == "none":
        raise ValueError("activation of the accelerator must be a function to activate, not 'none'")
    if bias is not None and (bias.dtype != torch.bfloat16 or bias.shape != (outputs,)):
        raise ValueError(f"bias must be bfloat16 [{outputs}], not {bias.dtype} "
                         f"{list(bias.shape)}")


def _require(design: Design, x: Tensor, weight: Tensor) -> None:
    """Raise ValueError if there is no such layer on such an accelerator."""
    if design.number.integer:
        raise ValueError("format of the accelerator must be one of floats, not "
                         f"{design.format!r}")
    require_operands(x, weight, TYPES[design.format])
    if design.pattern.blocks(x.shape[1]) > design.covered_blocks:
        raise ValueError(f"x must have at most {design.covered_blocks * design.pattern.m} input "
                         f"features, not {x.shape[1]}")

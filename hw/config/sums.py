"""What a PE multiplies and how it adds: which formats go together in hardware."""

from typing import TYPE_CHECKING

from hw.config.accelerator import AcceleratorParameters
from hw.formats import BLOCK_FORMATS, EXACT, PAIRS, check_scale


if TYPE_CHECKING:
    from hw.config.design import Design


__all__ = ["check_accelerator", "check_sums"]


INTEGERS = ("int4", "int8")

FLOATS = ("fp8_e4m3", "fp6_e2m3", "fp6_e3m2", "fp4_e2m1", "mxfp8_e4m3", "mxfp6_e2m3",
          "mxfp6_e3m2", "mxfp4", "nvfp4")
"""Formats of activations that a PE multiplies beside integers; ``PAIRS`` has their weights."""

WIDE = ("fp8_e5m2", "mxfp8_e5m2", "fp16", "bf16")
"""More of them, which have infinities."""


def check_sums(design: AcceleratorParameters, where: str) -> None:
    """Raise ValueError if formats, accumulator and multiplier do not go together in a PE.

    ``where`` names the designs that are asked for.
    """
    formats = (*INTEGERS, *FLOATS, *WIDE)
    if design.format not in formats:
        raise ValueError(f"format must be one of {', '.join(formats)} in {where}, not "
                         f"{design.format!r}")
    if not design.aligned:
        _equal(design, "guard", (AcceleratorParameters.guard,))
    if design.number.integer:
        _equal(design, "weight_format", INTEGERS)
        _equal(design, "accumulator", ("exact",))
        _equal(design, "result_format", ("fp32",))
        return
    _equal(design, "weight_format", PAIRS[design.format])
    _equal(design, "accumulator", ("exact", "fp32") if design.format in EXACT else ("fp32",))
    _equal(design, "multiplier", ("digits",))
    _equal(design, "result_format", ("fp32", "bf16", *(["fp16"] * (design.format == "fp16"))))
    check_scale(design.format, design.pattern.m)
    if design.accumulator == "exact":
        _check_width(design)
    else:
        _equal(design, "accumulator_width", (32,), "accumulator")


def check_accelerator(design: "Design", where: str) -> None:
    """Raise ValueError if an accelerator has no such formats, or does less in them than asked for.

    ``where`` names the designs that are asked for.
    """
    if design.quantize == "none":
        tokens = ("int8", *(name for name in (*FLOATS, *WIDE) if name not in BLOCK_FORMATS))
        if design.format not in tokens:
            raise ValueError(f"format must be one of {', '.join(tokens)} in {where}, not "
                             f"{design.format!r}")
    if design.number.integer:
        if design.weight_format != "int8":
            raise ValueError(f"weight_format must be int8 in {where}, not "
                             f"{design.weight_format!r}")
        _equal(design, "activation", ("none",))
    else:
        half = "fp16" if design.multiplied.format == "fp16" else "bf16"  # as registers say it
        if design.epilogue_lanes:
            _equal(design, "result_format", (half,), "epilogue_lanes")
        else:
            _equal(design, "activation", ("none",), "epilogue_lanes")
            _equal(design, "result_format", ("fp32", half))
        if design.decode and (design.quantized or design.weight.bits == 6):
            raise ValueError(f"decode must be False in {where} with weight_format "
                             f"{design.weight_format}, in which a feature's weights are not whole "
                             "parts of a block, not True")
        if design.weight.infinity and design.flexible != "none":
            raise ValueError(f"flexible must be none in {where} with weight_format "
                             f"{design.weight_format}, which has infinities, not "
                             f"{design.flexible!r}")
        if design.unstructured and design.quantized and not design.tensor_scaled:
            # Its sums may be rounded to -0, and a step that others need makes that +0.
            raise ValueError(f"unstructured must be False in {where} with quantize "
                             f"{design.quantize}, in which the sign of a zero would depend on the "
                             "tokens beside it, not True")
    if design.max_blocks % design.shared_blocks:
        size = design.shared_blocks * design.pattern.m
        raise ValueError(f"max_k must be a multiple of {size} in {where} with quantize "
                         f"{design.quantize}, whose scales are of {size} values, not "
                         f"{design.max_k}")
    check_sums(design.multiplied, where)
    if design.scales_outputs and not design.epilogue_lanes:
        raise ValueError(f"epilogue_lanes must be at least 1 in {where} with weight_format "
                         f"{design.weight_format}, whose results have a scale for each output, "
                         "not 0")


def _equal(design: AcceleratorParameters, name: str, values: tuple[str | int, ...],
           why: str = "format") -> None:
    """Raise ValueError if a parameter has none of the values that another one allows."""
    if getattr(design, name) not in values:
        raise ValueError(f"{name} must be {' or '.join(map(str, values))} with {why} "
                         f"{getattr(design, why)}, not {getattr(design, name)!r}")


def _check_width(design: AcceleratorParameters) -> None:
    """Raise ValueError if an exact accumulator of floats does not hold every sum."""
    products = design.max_k * design.number.max_units * design.weight.max_units
    least = products.bit_length() + 1
    if design.accumulator_width < least:
        raise ValueError(f"accumulator_width must be from {least} to 64 with format "
                         f"{design.format}, for sums of {design.max_k} products, not "
                         f"{design.accumulator_width}")

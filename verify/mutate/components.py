"""The components that are mutated, each at a small design point."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from hw.config import Design, Pattern


if TYPE_CHECKING:
    from verify.mutate.checks import Check


__all__ = ["COMPONENTS", "Component"]


@dataclass(frozen=True)
class Component:
    """What is mutated.

    Attributes
    ----------
    name : str
        Of the component.
    top : str
        One of :data:`hw.config.DESIGNS`, or of :data:`verify.mutate.parts.PARTS`.
    design : Design
        The design point.
    modules : tuple of str
        Which modules of it are mutated, as patterns of their names; none for all.
    checked : str
        Name of the function that checks it; by default that of its top.
    """

    name: str
    top: str
    design: Design
    modules: tuple[str, ...] = ()
    checked: str = ""

    @property
    def proofs(self) -> tuple[str, ...]:
        """Ways to prove a mutant equivalent: in an accelerator, not further than the module."""
        if self.top in _TOLD:
            return "module", "part"
        if self.modules:
            return "module", "around", *(("part",) if self.top == "accelerator"
                                         else ("part", "streams"))
        return "module", "design", "streams"

    def check(self) -> "Check":
        """What the project checks of it."""
        from verify.mutate import (
            checks,
            coefficient_checks,
            epilogue_checks,
            finish_checks,
            finisher_checks,
            float_checks,
            packet_checks,
            part_checks,
            row_sum_checks,
            sum_checks,
            table_checks,
            walk_checks,
        )

        name = self.checked or self.top
        made: Callable[[Design], Check] = next(
            getattr(held, name) for held in (
                checks, part_checks, walk_checks, float_checks, sum_checks, epilogue_checks,
                packet_checks, table_checks, finisher_checks, coefficient_checks, finish_checks,
                row_sum_checks)
            if name in held.__all__)
        return made(self.design)


_TOLD = ("packet", "token_table", "token_finisher", "coefficients", "epilogue",
         "float_epilogue", "row_sums")
"""Parts that are told of jobs by what stands around them, which does not do all that a job may."""

_SMALL = Pattern(2, 4)
_compressor = partial(Design, _SMALL, max_k=12)

_SMALL_ACCELERATOR = partial(Design, _SMALL, rows=2, columns=2, tile=1, max_k=12, batch_tokens=4)

_FLOATS = _SMALL_ACCELERATOR(
    format="bf16", quantize="fp8_e4m3", weight_format="fp8_e4m3", accumulator="fp32",
    result_format="bf16", activation="gelu", epilogue_lanes=1)

_CORRECTED = _SMALL_ACCELERATOR(epilogue_lanes=1, statistics=True, shift="mean")


def _products(name: str, form: str, *more: str, **parameters: Any) -> Component:
    """One PE of an array that multiplies floats, without an accumulator that rounds."""
    return Component(f"array-{name}", "float_array", _pe(form, **parameters), (*_PRODUCTS, *more))


def _pe(form: str, **parameters: Any) -> Design:
    return Design(_SMALL, format=form, weight_format=form, rows=1, columns=1, tile=1, **parameters)


def _quantizer(form: str, pattern: Pattern, modules: tuple[str, ...], **parameters: Any
               ) -> Component:
    """What quantises tokens of bf16 in a compressor, without what selects them."""
    return Component(f"quantizer-{form}", "compressor", Design(
        pattern, format="bf16", quantize=form, max_k=3 * pattern.m, **parameters), modules,
        checked="quantizer")


_PRODUCTS = ("*_float_decoder", "*_network_decoder", "*_select_decoder_*", "*_stage_*to*", "*_pe",
             "*_dot_product")
"""Of an array of floats, from a block to a sum; accumulators that round are a component."""

_ARRAY = ("*_array", "*_pe", "*_dot_product", "*_gather_*", "*_stage_*to*", "*_decoder*",
          "*_recoder", "*_result_*")

_CONTROL = ("nm_accelerator", "*_accelerator", "*_controller", "*_job_pattern", "*_register_block",
            "*_token_gate", "*_framer_*", "*_activation_buffer", "*_weight_buffer", "*_stepper",
            "*_results", "*_result_register", "*_stream_*")
"""The accelerator outside of array, compressor, passes, and memories, in whose place there may be
macros; streams in all of these, too."""

COMPONENTS = {component.name: component for component in (
    *(Component(f"selector-{name}", "selector", Design(_SMALL, selector=name))
      for name in ("rank", "radix", "network", "serial")),
    Component("selector-radix-pipelined", "selector", Design(_SMALL, selector="radix", stages=2)),
    Component("compressor", "compressor", _compressor()),
    Component("compressor-index-complement", "compressor", _compressor(
        encoding="index", complement=True)),
    Component("compressor-rank-fp8", "compressor", _compressor(encoding="rank", format="fp8_e4m3")),
    Component("compressor-corrected", "compressor", _compressor(
        coefficients=4, shift="mean", statistics=True)),
    Component("decompressor", "decompressor", Design(_SMALL)),
    Component("decompressor-index", "decompressor", Design(_SMALL, encoding="index")),
    Component("decompressor-rank", "decompressor", Design(_SMALL, encoding="rank")),
    Component("array", "accelerator", _SMALL_ACCELERATOR(epilogue_lanes=0), _ARRAY),
    _products("fp8", "fp8_e4m3", accumulator="fp32"),
    _products("fp8-exact", "fp8_e4m3", "*_round_row", accumulator_width=49),
    _products("mxfp4", "mxfp4", accumulator="fp32"),
    _products("bf16", "bf16", accumulator="fp32"),
    Component("float-sum", "float_sum", _pe("bf16", accumulator="fp32"),
              ("*_float_accumulator_*", "*_round_row", "nm_array_stream_register_*")),
    Component("float-rounding", "float_sum", _pe("bf16", accumulator="fp32", result_format="bf16"),
              ("*_round_row",)),
    _quantizer("fp8_e4m3", _SMALL, ("*_convert_stage", "*_round_element_*")),
    _quantizer("mxfp4", Pattern(2, 32), ("*_quantize_stage", "*_round_element_*", "*_distances_*"),
               selector="serial"),
    _quantizer("nvfp4", _SMALL, ("*_nv*", "*_block_unit", "*_fp4_element", "*_shared_largest")),
    Component("epilogue", "epilogue", _CORRECTED, ("nm_accelerator_epilogue",)),
    Component("float-epilogue", "float_epilogue", _FLOATS, ("nm_accelerator_float_epilogue",)),
    Component("lane", "lane", _CORRECTED),
    Component("gain", "gain", _CORRECTED, ("*_gain",)),
    Component("float-lane", "float_lane", _FLOATS, ("*_float_lane_*",)),
    Component("passes", "passes", replace(_CORRECTED, max_k=1024, batch_tokens=4096),
              ("*_passes_*_chunks",)),
    Component("packet", "packet", _CORRECTED, ("*_job_packet_17",)),
    Component("token-table", "token_table", _CORRECTED, ("nm_accelerator_token_table",)),
    Component("token-finisher", "token_finisher", _CORRECTED, ("*_accelerator_token_finisher",)),
    Component("coefficients", "coefficients", replace(_CORRECTED, coefficients=4),
              ("*_coefficient_loader",)),
    Component("row-sums", "row_sums", _CORRECTED, ("*_weight_buffer",)),
    Component("control", "accelerator", _SMALL_ACCELERATOR(epilogue_lanes=0), _CONTROL),
)}
"""By name."""

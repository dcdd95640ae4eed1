"""Whether there is such a layer in floats, and an accelerator that runs it."""

from torch import Tensor

from hw.config import Design
from hw.formats import BLOCK_FORMATS
from sw.driver.require import require_operands
from sw.exact.formats import TYPES


__all__ = ["require_finish", "require_layer"]


def require_layer(design: Design, x: Tensor, weight: Tensor, scale: Tensor | None) -> None:
    """Raise ValueError if there is no such layer on such an accelerator."""
    if design.number.integer:
        raise ValueError("format of the accelerator must be one of floats, not "
                         f"{design.format!r}")
    if scale is not None and not design.scales_outputs:
        raise ValueError("scale must be None on an accelerator whose weights are "
                         f"{design.weight_format}, without a scale for each output")
    require_operands(x, weight, TYPES[design.format], integers=scale is not None)
    if design.weight_format in BLOCK_FORMATS and weight.element_size() > 2:
        raise ValueError("weight must be at most 16 bits wide on an accelerator whose weights are "
                         f"{design.weight_format}, not {str(weight.dtype).removeprefix('torch.')}")
    if design.pattern.blocks(x.shape[1]) > design.covered_blocks:
        raise ValueError(f"x must have at most {design.covered_blocks * design.pattern.m} input "
                         f"features, not {x.shape[1]}")


def require_finish(design: Design, outputs: int, bias: Tensor | None, activate: bool,
                   scale: Tensor | None) -> None:
    """Raise ValueError if an accelerator does not do this with its results."""
    if not design.biases and (bias is not None or activate):
        raise ValueError("epilogue_lanes of the accelerator must be at least 1 for a bias or an "
                         f"activation function, not {design.epilogue_lanes}")
    if activate and design.activation == "none":
        raise ValueError("activation of the accelerator must be a function to activate, not 'none'")
    for name, terms in (("bias", bias), ("scale", scale)):
        if terms is not None and (terms.dtype != (kind := TYPES[design.result_format])
                                  or terms.shape != (outputs,)):
            raise ValueError(f"{name} must be {str(kind).removeprefix('torch.')} [{outputs}], not "
                             f"{terms.dtype} {list(terms.shape)}")

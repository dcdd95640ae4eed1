"""What an accelerator says of itself in its registers."""

from hw.config import FLEXIBLE, Design
from hw.formats import FORMAT_CODES
from hw.registers import FUNCTION_CODES, ID


__all__ = ["identity"]


def identity(design: Design) -> dict[str, int]:
    """Values of the read-only fields that never change, by the name of the field."""
    return {
        "id": ID,
        "n": design.pattern.n,
        "m": design.pattern.m,
        "flexible": FLEXIBLE.index(design.flexible),
        "rows": design.rows,
        "columns": design.columns,
        "max_blocks": design.covered_blocks,
        "buffer_blocks": design.max_blocks,
        "batch_tokens": design.batch_tokens,
        **({} if design.number.integer else {
            "act_format": FORMAT_CODES.index(design.format),
            "kept_format": FORMAT_CODES.index(design.multiplied.format),
            "result_format": int(design.result_format != "fp32"),
            "exact": int(design.accumulator == "exact"),
            "function": FUNCTION_CODES.index(design.activation)}),
        **({"weight_format": FORMAT_CODES.index(design.weight_format)} if design.paired else {}),
    }
